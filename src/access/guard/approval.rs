//! What an administrator approves of what waits.
//!
//! A plan is approved as a whole, once: by its hash, which differs after each approval that was begun. What it takes
//! away is noted before it is carried out, and from then on that note alone is what goes. It only ever becomes less:
//! what is gone leaves it, and so does whoever is to stay by now, before they are given anything again.

use std::collections::{BTreeSet, HashMap, HashSet};

use jiff::Timestamp;
use kube::ResourceExt;
use sha2::{Digest, Sha256};

use super::{Departures, Removals};
use crate::{
    access::binding::{Binding, Place, Subject},
    api::{
        Approval, ApprovedRemovals, HeldRemovals, PolicyMode, ScimAccessPolicy, hex,
        names::ANNOTATION_APPROVE,
    },
};

/// How many digests a status holds at most, some 80 KB.
const MOST_DIGESTS: usize = 4096;

/// What an administrator approved of what a plan takes away.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Approved {
    /// What the approval names.
    pub plan: String,
    /// What goes because of it.
    pub removals: Removals,
}

impl Approved {
    /// These departures, where somebody approved all of them and nobody has begun with them, which a preview does not;
    /// where somebody has, those of them that are left. Nothing where that is none of them.
    pub(super) fn of(policy: &ScimAccessPolicy, departures: &Departures) -> Option<Self> {
        let plan = policy.annotations().get(ANNOTATION_APPROVE)?;
        let removals = match last_approval(policy).filter(|last| last.plan == *plan) {
            Some(last) => Unfinished::of(last).among(departures),
            None if begins(policy, departures, plan) => departures.places.clone(),
            None => return None,
        };
        (!removals.is_empty()).then(|| Self { plan: plan.clone(), removals })
    }

    /// Who loses something by it.
    pub fn subjects(&self) -> BTreeSet<Subject> {
        self.removals.values().flatten().cloned().collect()
    }

    /// What of it these bindings still give.
    #[must_use]
    pub fn left<'b>(&self, bindings: impl Iterator<Item = &'b Binding>) -> Self {
        let mut removals = Removals::new();
        for Binding { place, subjects, .. } in bindings {
            let gone = self.removals.get(place);
            let left = subjects.iter().filter(|subject| gone.is_some_and(|gone| gone.contains(subject)));
            let left: Vec<Subject> = left.cloned().collect();
            if !left.is_empty() {
                removals.entry(place.clone()).or_default().extend(left);
            }
        }
        Self { plan: self.plan.clone(), removals }
    }

    /// What the policy's status is to say of it.
    pub fn note(&self, policy: &ScimAccessPolicy, now: Timestamp) -> Approval {
        let begun = last_approval(policy).filter(|last| last.plan == self.plan);
        Approval {
            plan: self.plan.clone(),
            at: begun.map_or(now, |begun| begun.at),
            unfinished: (!self.removals.is_empty()).then(|| digests(&self.removals)),
        }
    }
}

/// Whether somebody approved all of these, and they are to be carried out.
fn begins(policy: &ScimAccessPolicy, departures: &Departures, plan: &str) -> bool {
    let is_it = |held: &HeldRemovals| plan_id(policy, departures, held.since) == plan;
    policy.spec.mode == PolicyMode::Enforce && held(policy).is_some_and(is_it)
}

/// What the policy's status is to say of its last approval where a plan goes on with none: what was left of it when
/// something else was held, or when all of that was taken back, needs another one.
pub fn note_of_none<'b>(
    policy: &ScimAccessPolicy,
    is_held: bool,
    bindings: impl Iterator<Item = &'b Binding>,
) -> Option<Approval> {
    let last = last_approval(policy)?;
    let is_left = |unfinished: &Vec<ApprovedRemovals>| {
        is_held || unfinished.is_empty() || Unfinished::of(last).is_given(bindings)
    };
    let unfinished = last.unfinished.as_ref().filter(|unfinished| is_left(unfinished)).map(|_| Vec::new());
    Some(Approval { unfinished, ..last.clone() })
}

/// Whether it stands in the policy's status that this plan is carried out, and nothing says that it has been.
pub fn is_begun(policy: &ScimAccessPolicy, plan: &str) -> bool {
    policy.status.as_ref().is_some_and(|status| status.begun(plan).is_some())
}

/// Since when the policy's departures have been held, as its status says.
pub(super) fn held_since(policy: &ScimAccessPolicy) -> Option<Timestamp> {
    held(policy).map(|held| held.since)
}

/// Whether they wait for an approval, and are not what is left of one, as far as that is known.
pub(super) fn is_waiting(policy: &ScimAccessPolicy) -> bool {
    let approved = policy.annotations().get(ANNOTATION_APPROVE);
    let is_known =
        |last: &&Approval| last.unfinished.as_ref().is_none_or(|unfinished| !unfinished.is_empty());
    let begun = last_approval(policy).filter(is_known).map(|last| &last.plan);
    let begun = begun.filter(|last| approved == Some(*last));
    held(policy).is_some_and(|held| begun != Some(&held.plan))
}

fn held(policy: &ScimAccessPolicy) -> Option<&HeldRemovals> {
    policy.status.as_ref()?.held.as_ref()
}

fn last_approval(policy: &ScimAccessPolicy) -> Option<&Approval> {
    policy.status.as_ref()?.last_approved.as_ref()
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

/// An approval is of these departures from this policy, held since then, after the last approval, and of no others.
pub(super) fn plan_id(policy: &ScimAccessPolicy, departures: &Departures, since: Timestamp) -> String {
    let mut hash = Hash::default();
    hash.text(&policy.uid().unwrap_or_default());
    hash.text(&since.to_string());
    hash.text(last_approval(policy).map_or("", |last| &last.plan));
    for (place, subjects) in &departures.places {
        hash.place(place);
        subjects.iter().for_each(|subject| hash.subject(subject));
    }
    hash.digest(16)
}

/// Removals as they stand in a status; none where they are too many for that.
fn digests(removals: &Removals) -> Vec<ApprovedRemovals> {
    let fewest = removals.len() + removals.values().map(BTreeSet::len).max().unwrap_or_default();
    if fewest > MOST_DIGESTS {
        return Vec::new();
    }
    let mut groups: Vec<(&BTreeSet<Subject>, Vec<&Place>)> = Vec::new();
    let mut numbers: HashMap<&BTreeSet<Subject>, usize> = HashMap::new();
    for (place, subjects) in removals {
        let number = *numbers.entry(subjects).or_insert(groups.len());
        match groups.get_mut(number) {
            Some((_, places)) => places.push(place),
            None => groups.push((subjects, vec![place])),
        }
    }
    if groups.iter().map(|(subjects, places)| subjects.len() + places.len()).sum::<usize>() > MOST_DIGESTS {
        return Vec::new();
    }
    let digests = groups.into_iter().map(|(subjects, places)| ApprovedRemovals {
        places: places.into_iter().map(place_digest).collect(),
        subjects: subjects.iter().map(subject_digest).collect(),
    });
    digests.collect()
}

/// What is left of a plan that was approved, as a status says it.
struct Unfinished<'a> {
    /// Which of `gone` go from a place.
    by_place: HashMap<&'a str, usize>,
    gone: Vec<HashSet<&'a str>>,
}

impl<'a> Unfinished<'a> {
    fn of(approval: &'a Approval) -> Self {
        let (mut by_place, mut gone) = (HashMap::new(), Vec::new());
        for ApprovedRemovals { places, subjects } in approval.unfinished.iter().flatten() {
            by_place.extend(places.iter().map(|place| (place.as_str(), gone.len())));
            gone.push(subjects.iter().map(String::as_str).collect());
        }
        Self { by_place, gone }
    }

    /// What of these departures it takes away.
    fn among(&self, departures: &Departures) -> Removals {
        let (mut removals, mut known) = (Removals::new(), Digests::default());
        for (place, subjects) in &departures.places {
            let Some(gone) = self.gone_from(place) else { continue };
            let left = subjects.iter().filter(|subject| gone.contains(known.of(subject)));
            let left: BTreeSet<Subject> = left.cloned().collect();
            if !left.is_empty() {
                removals.insert(place.clone(), left);
            }
        }
        removals
    }

    /// Whether these bindings give anybody what it takes away.
    fn is_given<'b>(&self, mut bindings: impl Iterator<Item = &'b Binding>) -> bool {
        let mut known = Digests::default();
        bindings.any(|Binding { place, subjects, .. }| {
            let gone = self.gone_from(place);
            gone.is_some_and(|gone| subjects.iter().any(|subject| gone.contains(known.of(subject))))
        })
    }

    fn gone_from(&self, place: &Place) -> Option<&HashSet<&'a str>> {
        self.gone.get(*self.by_place.get(place_digest(place).as_str())?)
    }
}

/// Digests of subjects, each made once.
#[derive(Default)]
struct Digests<'s>(HashMap<&'s Subject, String>);

impl<'s> Digests<'s> {
    fn of(&mut self, subject: &'s Subject) -> &str {
        self.0.entry(subject).or_insert_with(|| subject_digest(subject))
    }
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
