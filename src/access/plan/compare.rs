//! What has to be done, so that there is what there should be.

use std::{
    borrow::Cow,
    cell::LazyCell,
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use jiff::Timestamp;

use super::{
    Bound, Change, Completeness, Facts, Going,
    partings::{Parting, Partings},
    shards::distribute,
    wanted::{Stance, Wanted},
};
use crate::{
    access::{
        binding::{Binding, Giver, Mark, Moments, Observed, Place, Subject},
        guard::{Departures, Unfinished},
        people::{Formerly, Presence},
        policy::{Policy, Validity},
    },
    api::{ScimAccessPolicySpec, SubjectKind},
    directory::view::Identity,
};

/// What there is to do, and who gains and loses by it.
#[derive(Debug, Default)]
pub(super) struct Comparison {
    pub(super) changes: Vec<Change>,
    pub(super) adds: BTreeSet<Subject>,
    pub(super) removes: BTreeSet<Subject>,
    pub(super) departures: Departures,
    pub(super) leavers: BTreeSet<Subject>,
    pub(super) released: BTreeSet<Subject>,
}

impl Facts<'_> {
    /// What a policy's departures do is `going`; `partners` is how much is known of whom other providers deactivate.
    pub(super) fn compare(
        &self,
        policy: &Policy,
        wanted: &BTreeMap<Place, Wanted>,
        bound: &Bound,
        partings: &Partings,
        partners: Completeness,
        going: Going,
    ) -> Comparison {
        let mut found = Comparison::default();
        let mark = policy.mark(self.provider.ok());
        let was_held = policy.object().status.as_ref().is_some_and(|status| status.held.is_some());
        let unfinished = Unfinished::noted(policy.object());
        let given = LazyCell::new(|| given_anything(wanted));
        let mut neighbors: HashMap<Option<&Arc<str>>, Vec<&Binding>> = HashMap::new();
        for Observed { binding, .. } in self.observed.iter().map(|observed| &**observed) {
            neighbors.entry(binding.place.namespace.as_ref()).or_default().push(binding);
        }
        let places: BTreeSet<&Place> = wanted.keys().chain(bound.keys().copied()).collect();
        for place in places {
            let held = bound.get(place).map_or(&[][..], Vec::as_slice);
            let before = givers(held);
            let mut after = self.after(policy, wanted.get(place), &before);
            // Whoever comes back is given nothing before it is noted that no approval takes it away again.
            after.retain(|subject| before.contains_key(subject) || !unfinished.names(place, subject));
            let gone = before.keys().filter(|subject| !after.contains(*subject));
            let mut gone: Gone = gone.map(|gone| (*gone, partings.of(gone))).collect();
            if wanted.contains_key(place) && partners == Completeness::Partial {
                // Nothing is given under the new string meanwhile.
                let renamed = departing(&before, &gone).filter(|(_, parting)| *parting == Parting::Renamed);
                after.extend(renamed.map(|(subject, _)| subject));
                gone.retain(|subject, _| !after.contains(subject));
            }
            if wanted.contains_key(place) || self.may_have_been_chosen(policy, place) {
                let departing = departing(&before, &gone);
                let waiting = partings.note(place, wanted.get(place), departing, &mut found.departures);
                if going == Going::Wait {
                    after.extend(waiting);
                    gone.retain(|subject, _| !after.contains(subject));
                }
            } else if was_held {
                let departing = departing(&before, &gone);
                let waited = partings.note(place, None, departing, &mut Departures::default());
                found.released.extend(waited.into_iter().filter(|subject| !given.contains(subject)).cloned());
            }
            let added = after.iter().filter(|subject| !before.contains_key(*subject));
            found.adds.extend(added.copied().cloned());
            let leavers = gone.iter().filter(|(_, parting)| **parting == Parting::Leaves);
            found.leavers.extend(leavers.map(|(subject, _)| (*subject).clone()));
            found.removes.extend(gone.keys().copied().cloned());
            let neighbors = neighbors.get(&place.namespace.as_ref()).map_or(&[][..], Vec::as_slice);
            let stance = wanted.get(place).map_or(Stance::Exactly, |wanted| wanted.stance);
            let taken = taken(place, neighbors, &mark);
            found.changes.extend(rebind(place, held, &after, stance, &taken, &mark, self.now));
        }
        if going == Going::Go {
            found.leavers.extend(found.departures.uncounted().cloned());
        }
        found.changes.sort_by_key(Change::turn);
        found
    }

    /// Whether it may be that a group chose a place, and chooses it no more. Where the policy ended, or could not
    /// mean the place whatever groups are called, an administrator took it back.
    fn may_have_been_chosen(&self, policy: &Policy, place: &Place) -> bool {
        let namespace = place.namespace.as_ref().and_then(|name| self.namespaces.get(name));
        policy.validity(self.now) == Validity::Current && policy.could_choose(place, namespace)
    }

    /// Who should be at a place where these are. Whom somebody else wrote there is nobody who stays.
    fn after<'s>(
        &self,
        policy: &Policy,
        wanted: Option<&'s Wanted>,
        before: &Givers<'s>,
    ) -> BTreeSet<&'s Subject> {
        let Some(Wanted { grants, stance }) = wanted else { return BTreeSet::new() };
        let given = before.iter().filter(|(_, giver)| **giver != Giver::Another);
        let mut after: BTreeSet<&Subject> = match stance {
            Stance::Exactly => grants.keys().collect(),
            Stance::NobodyNew => {
                let meant = given.clone().filter(|(subject, _)| grants.contains_key(**subject));
                meant.map(|(subject, _)| *subject).collect()
            }
        };
        if self.completeness == Completeness::Partial {
            let unseen = given.filter(|(subject, giver)| self.may_be_unseen(policy, subject, **giver));
            after.extend(unseen.map(|(subject, _)| *subject));
        }
        after
    }

    /// Whether the subject could be somebody whose object cannot be read. Whose object this process has seen deleted is
    /// not: what cannot be read is not told as gone. Where nobody saw who wrote a binding, only what the policy can give
    /// could be.
    fn may_be_unseen(&self, policy: &Policy, subject: &Subject, giver: Giver) -> bool {
        let ScimAccessPolicySpec { provider, subject_kind, .. } = &policy.object().spec;
        let is_deleted = |formerly: &Formerly| self.identities.user(&formerly.person).is_none();
        match subject {
            _ if giver == Giver::Unknown && Identity::new("", subject.name()).is_err() => false,
            Subject::User(_) if self.former.get(subject).is_some_and(is_deleted) => false,
            Subject::User(name) => self.identities.presence(provider, name) != Presence::Inactive,
            Subject::Group(_) => giver != Giver::Unknown || *subject_kind == SubjectKind::Group,
            Subject::Other(_) => false,
        }
    }
}

/// Who is given anything anywhere.
fn given_anything(wanted: &BTreeMap<Place, Wanted>) -> HashSet<&Subject> {
    let unions: HashMap<_, _> =
        wanted.values().map(|wanted| (Arc::as_ptr(&wanted.grants), &wanted.grants)).collect();
    unions.into_values().flat_map(|grants| grants.keys()).collect()
}

/// Who is at a place, and who put them there: of several the operator, if it is one of them.
type Givers<'s> = BTreeMap<&'s Subject, Giver>;

fn givers<'s>(held: &[&'s Arc<Observed>]) -> Givers<'s> {
    let mut givers = Givers::new();
    for observed in held {
        for subject in &observed.binding.subjects {
            let giver = givers.entry(subject).or_insert(Giver::Another);
            *giver = observed.giver(subject).max(*giver);
        }
    }
    givers
}

/// Who is at a place and should be there no more, and why.
type Gone<'s> = BTreeMap<&'s Subject, Parting>;

/// Those of them who were given something. Whom somebody else wrote into a binding was never given anything. Where nobody
/// saw who did, it may have been given to any active person.
fn departing<'s>(before: &Givers<'s>, gone: &Gone<'s>) -> impl Iterator<Item = (&'s Subject, Parting)> {
    let is_given = |subject: &Subject, parting: Parting| match before.get(subject) {
        Some(Giver::Operator | Giver::Confirmed) => true,
        Some(Giver::Unknown) => matches!(subject, Subject::User(_)) && parting == Parting::Departs,
        Some(Giver::Another) | None => false,
    };
    let gone = gone.iter().map(|(subject, parting)| (*subject, *parting));
    gone.filter(move |(subject, parting)| is_given(subject, *parting))
}

/// The numbers of a place that bindings of another role have: somebody changed the role of ours, or gave us one of such
/// a name. They go once there are others, and not before, so that nobody is without.
fn taken(place: &Place, neighbors: &[&Binding], mark: &Mark) -> BTreeSet<usize> {
    let others = neighbors.iter().filter(|binding| binding.place != *place);
    others.filter_map(|binding| place.shard(&mark.policy, &binding.name)).collect()
}

/// What to do, so that these stand in the bindings of a place.
fn rebind(
    place: &Place,
    held: &[&Arc<Observed>],
    after: &BTreeSet<&Subject>,
    stance: Stance,
    taken: &BTreeSet<usize>,
    mark: &Mark,
    now: Timestamp,
) -> Vec<Change> {
    let number = |observed: &Observed| place.shard(&mark.policy, &observed.binding.name);
    // One that is being deleted keeps those who have another as well, so that nobody is without once it is gone. Its
    // number is free by then.
    let (going, staying): (Vec<&Arc<Observed>>, Vec<&Arc<Observed>>) =
        held.iter().copied().partition(|observed| observed.terminating.is_some());
    let taken = taken.iter().copied().chain(going.iter().filter_map(|observed| number(observed))).collect();
    let numbered: BTreeMap<usize, &Arc<Observed>> =
        staying.iter().filter_map(|observed| Some((number(observed)?, *observed))).collect();
    let has_going = !going.is_empty();
    let mut changes: Vec<Change> =
        going.into_iter().filter_map(|observed| Change::shrinking(observed, after)).collect();
    let shards = numbered.iter().map(|(number, observed)| (*number, observed.binding.subjects.as_slice()));
    let placed = match stance {
        Stance::Exactly => Cow::Borrowed(after),
        // Where nothing can be made, those who have it by what is being deleted alone have it until that is gone.
        Stance::NobodyNew if has_going => {
            let there = staying.iter().flat_map(|observed| &observed.binding.subjects).collect();
            Cow::Owned(after & &there)
        }
        Stance::NobodyNew => Cow::Borrowed(after),
    };
    let mut shards = distribute(shards, &placed, &taken);
    for observed in staying {
        match number(observed).and_then(|number| shards.remove(&number)) {
            None => changes.extend(Change::ending(observed)),
            Some(subjects) if subjects == observed.binding.subjects && *mark == observed.binding.mark => {}
            Some(subjects) => {
                let (name, place, mark) = (observed.binding.name.clone(), place.clone(), mark.clone());
                let moments = Moments::after(observed, &subjects, Some(now));
                let to = Binding { name, place, subjects, moments, mark };
                changes.push(Change::Update { from: observed.clone(), to });
            }
        }
    }
    for (number, subjects) in shards {
        let name = place.binding_name(&mark.policy, number);
        let (place, moments, mark) = (place.clone(), Moments::default(), mark.clone());
        changes.push(Change::Create(Binding { name, place, subjects, moments, mark }));
    }
    changes
}
