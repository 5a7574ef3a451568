//! What an administrator approves of what waits.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use jiff::Timestamp;
use kube::ResourceExt;
use sha2::{Digest, Sha256};

use super::Departures;
use crate::{
    access::binding::{Place, Subject},
    api::{Approval, ApprovedRemovals, HeldRemovals, ScimAccessPolicy, hex, names::ANNOTATION_APPROVE},
};

/// How many digests a status holds at most: with them it stays far below what the API server takes.
const MOST_DIGESTS: usize = 16_384;

/// Since when the policy's departures have been held, as its status says.
pub(super) fn held_since(policy: &ScimAccessPolicy) -> Option<Timestamp> {
    Some(policy.status.as_ref()?.held.as_ref()?.since)
}

/// The plan that an administrator approved, where these departures are all of it, called `plan`, or what is left of it.
/// It is noted before it is carried out, and what it takes away is held until all of that is gone: whoever noted it may
/// have died in between, or the API server may not have taken everything.
pub(super) fn approved(policy: &ScimAccessPolicy, departures: &Departures, plan: &str) -> Option<String> {
    let approved = policy.annotations().get(ANNOTATION_APPROVE)?;
    let held = policy.status.as_ref()?.held.as_ref();
    let covers = match last(policy, approved) {
        None => approved == plan,
        Some(last) if held.is_some_and(|held| held.plan == *approved) => {
            approved == plan || Unfinished::of(last).covers(departures)
        }
        Some(_) => false,
    };
    covers.then(|| approved.clone())
}

/// Whether it stands in the policy's status that this plan is carried out, and nothing says that it has been.
pub fn is_begun(policy: &ScimAccessPolicy, plan: &str) -> bool {
    last(policy, plan).is_some_and(|last| last.unfinished.is_some())
}

fn last<'p>(policy: &'p ScimAccessPolicy, plan: &str) -> Option<&'p Approval> {
    policy.status.as_ref()?.last_approved.as_ref().filter(|last| last.plan == plan)
}

/// Everyone whom the guard holds of a policy, where these are the departures that its status names by their plan.
pub fn all_held<'d>(
    policy: &ScimAccessPolicy,
    departures: &'d Departures,
    held: &HeldRemovals,
) -> Option<BTreeSet<&'d Subject>> {
    let is_it = plan_id(policy, departures, held.since) == held.plan;
    is_it.then(|| departures.places.values().flatten().collect())
}

/// An approval is of these departures from this policy, held since then, and of no others.
pub(super) fn plan_id(policy: &ScimAccessPolicy, departures: &Departures, since: Timestamp) -> String {
    let mut hash = Hash::default();
    hash.text(&policy.uid().unwrap_or_default());
    hash.text(&since.to_string());
    for (place, subjects) in &departures.places {
        hash.place(place);
        subjects.iter().for_each(|subject| hash.subject(subject));
    }
    hash.digest(16)
}

/// What departures take away, for whoever has to go on with it.
pub fn removals(departures: &Departures) -> Vec<ApprovedRemovals> {
    let mut places: BTreeMap<&BTreeSet<Subject>, Vec<&Place>> = BTreeMap::new();
    for (place, subjects) in &departures.places {
        places.entry(subjects).or_default().push(place);
    }
    if places.iter().map(|(subjects, places)| subjects.len() + places.len()).sum::<usize>() > MOST_DIGESTS {
        return Vec::new();
    }
    let removals = places.into_iter().map(|(subjects, places)| ApprovedRemovals {
        places: places.into_iter().map(place_digest).collect(),
        subjects: subjects.iter().map(subject_digest).collect(),
    });
    removals.collect()
}

/// What may be left of a plan that was approved.
#[derive(Debug)]
pub struct Unfinished<'a> {
    /// Which of `gone` go from a place.
    by_place: HashMap<&'a str, usize>,
    gone: Vec<HashSet<&'a str>>,
}

impl<'a> Unfinished<'a> {
    /// Nothing of one that was carried out.
    pub fn of(approval: &'a Approval) -> Self {
        let (mut by_place, mut gone) = (HashMap::new(), Vec::new());
        for ApprovedRemovals { places, subjects } in approval.unfinished.iter().flatten() {
            by_place.extend(places.iter().map(|place| (place.as_str(), gone.len())));
            gone.push(subjects.iter().map(String::as_str).collect());
        }
        Self { by_place, gone }
    }

    /// Whether it takes some of these out of this place.
    pub fn takes_some<'s>(&self, place: &Place, subjects: impl IntoIterator<Item = &'s Subject>) -> bool {
        let gone = self.gone_from(place);
        gone.is_some_and(|gone| subjects.into_iter().any(|subject| is_among(gone, subject)))
    }

    fn covers(&self, departures: &Departures) -> bool {
        departures.places.iter().all(|(place, subjects)| {
            let gone = self.gone_from(place);
            gone.is_some_and(|gone| subjects.iter().all(|subject| is_among(gone, subject)))
        })
    }

    fn gone_from(&self, place: &Place) -> Option<&HashSet<&'a str>> {
        self.gone.get(*self.by_place.get(place_digest(place).as_str())?)
    }
}

fn is_among(gone: &HashSet<&str>, subject: &Subject) -> bool {
    gone.contains(subject_digest(subject).as_str())
}

fn place_digest(place: &Place) -> String {
    let mut hash = Hash::default();
    hash.place(place);
    hash.digest(8)
}

fn subject_digest(subject: &Subject) -> String {
    let mut hash = Hash::default();
    hash.subject(subject);
    hash.digest(8)
}

/// A hash of several things, none of which can be taken for another.
#[derive(Default)]
struct Hash(Sha256);

impl Hash {
    fn text(&mut self, text: &str) {
        self.0.update(text.len().to_be_bytes());
        self.0.update(text);
    }

    fn place(&mut self, place: &Place) {
        self.text(place.namespace.as_deref().unwrap_or_default());
        self.text(&place.role.to_string());
    }

    fn subject(&mut self, subject: &Subject) {
        self.text(&format!("{subject:?}"));
    }

    fn digest(self, bytes: usize) -> String {
        hex(self.0.finalize().iter().take(bytes))
    }
}
