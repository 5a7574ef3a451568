//! What an administrator approves of what waits.
//!
//! A plan is approved as a whole, once: by its hash, which differs after each approval that was begun. It is begun by a
//! note of what it takes away, in the policy's status; until that stands there, all of it waits. From then on that note
//! alone is what goes. It only ever becomes less: what is gone leaves it, and so does whoever is to stay by now, before
//! they are given anything again. While nobody can tell who is to stay, it stands as it is.

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

/// What is left of what an administrator approved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Approved {
    /// What the approval names.
    pub plan: String,
    /// Who still has what goes because of it.
    pub removals: Removals,
}

impl Approved {
    /// What is left of the approval that is under way, as the policy's status says: what these bindings give of it, and
    /// nothing where that is nothing. What this process `knows` to be left, the status may have no room for, or may not
    /// say yet. A preview ends what is under way, and so does whoever takes the approval back.
    pub fn under_way<'b>(
        policy: &ScimAccessPolicy,
        known: Option<&Self>,
        bindings: impl Iterator<Item = &'b Binding>,
    ) -> Option<Self> {
        let plan = policy.annotations().get(ANNOTATION_APPROVE)?;
        let begun =
            policy.status.as_ref()?.begun(plan).filter(|_| policy.spec.mode == PolicyMode::Enforce)?;
        let left = match known.filter(|known| known.plan == *plan) {
            Some(known) => known.left(bindings),
            None => Self { plan: plan.clone(), removals: Unfinished::of(begun).among(bindings) },
        };
        left.if_any()
    }

    /// All of these departures, where somebody approved them and nobody has begun with them.
    pub(super) fn of(policy: &ScimAccessPolicy, departures: &Departures) -> Option<Self> {
        let plan = policy.annotations().get(ANNOTATION_APPROVE)?;
        let is_it = |held: &HeldRemovals| plan_id(policy, departures, held.since) == *plan;
        let is_approved = policy.spec.mode == PolicyMode::Enforce && held(policy).is_some_and(is_it);
        is_approved.then(|| Self { plan: plan.clone(), removals: departures.places.clone() })
    }

    /// Without those who are to stay; nothing where that is everybody.
    pub fn but_for(&self, stays: impl Fn(&Place, &Subject) -> bool) -> Option<Self> {
        let goes = |(place, subjects): (&Place, &BTreeSet<Subject>)| {
            let goes = subjects.iter().filter(|subject| !stays(place, subject));
            let goes: BTreeSet<Subject> = goes.cloned().collect();
            (!goes.is_empty()).then(|| (place.clone(), goes))
        };
        let removals = self.removals.iter().filter_map(goes).collect();
        Self { plan: self.plan.clone(), removals }.if_any()
    }

    fn if_any(self) -> Option<Self> {
        Some(self).filter(|left| !left.removals.is_empty())
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

/// Whether they wait for an approval, and are not what is left of this one, or of one of which nothing is left.
pub(super) fn is_waiting(policy: &ScimAccessPolicy, left: Option<&Approved>) -> bool {
    let approved = policy.annotations().get(ANNOTATION_APPROVE);
    let is_known = |last: &&Approval| {
        let is_left = |unfinished: &Vec<_>| !unfinished.is_empty() || left.is_some();
        last.unfinished.as_ref().is_none_or(is_left)
    };
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
#[derive(Default)]
pub struct Unfinished<'a> {
    /// Which of `gone` go from a place.
    by_place: HashMap<&'a str, usize>,
    gone: Vec<HashSet<&'a str>>,
}

impl<'a> Unfinished<'a> {
    /// What a policy's status says.
    pub fn noted(policy: &'a ScimAccessPolicy) -> Self {
        last_approval(policy).map(Self::of).unwrap_or_default()
    }

    fn of(approval: &'a Approval) -> Self {
        let (mut by_place, mut gone) = (HashMap::new(), Vec::new());
        for ApprovedRemovals { places, subjects } in approval.unfinished.iter().flatten() {
            by_place.extend(places.iter().map(|place| (place.as_str(), gone.len())));
            gone.push(subjects.iter().map(String::as_str).collect());
        }
        Self { by_place, gone }
    }

    /// What it takes away of what these bindings give.
    fn among<'b>(&self, bindings: impl Iterator<Item = &'b Binding>) -> Removals {
        let (mut removals, mut known) = (Removals::new(), Digests::default());
        for Binding { place, subjects, .. } in bindings {
            let Some(gone) = self.gone_from(place) else { continue };
            let left = subjects.iter().filter(|subject| gone.contains(known.of(subject)));
            let left: Vec<Subject> = left.cloned().collect();
            if !left.is_empty() {
                removals.entry(place.clone()).or_default().extend(left);
            }
        }
        removals
    }

    /// Whether it takes away from somebody what a place gives.
    pub fn names(&self, place: &Place, subject: &Subject) -> bool {
        self.gone_from(place).is_some_and(|gone| gone.contains(&*subject_digest(subject)))
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
        if self.gone.is_empty() {
            return None;
        }
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
