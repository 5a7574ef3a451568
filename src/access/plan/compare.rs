//! What has to be done, so that there is what there should be.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    sync::Arc,
};

use super::{
    super::{
        binding::{Binding, Mark, Observed, Place, Subject},
        policy::Policy,
        shards::distribute,
    },
    Change, Completeness, Facts, Plan,
    wanted::{Stance, Wanted},
};

impl Facts<'_> {
    pub(super) fn compare(&self, policy: &Policy, wanted: &BTreeMap<Place, Wanted>, plan: &mut Plan) {
        let mark = policy.mark();
        let mut held: BTreeMap<&Place, Vec<&Arc<Observed>>> = BTreeMap::new();
        for observed in self.observed {
            held.entry(&observed.binding.place).or_default().push(observed);
        }
        let names = self
            .observed
            .iter()
            .map(|observed| (observed.binding.place.namespace.as_ref(), observed.binding.name.as_str()));
        let names: HashSet<_> = names.collect();
        let places: BTreeSet<&Place> = wanted.keys().chain(held.keys().copied()).collect();
        for place in places {
            let held = held.get(place).map_or(&[][..], Vec::as_slice);
            self.compare_place(place, wanted.get(place), held, &mark, plan);
        }
        // The name of a binding whose role somebody changed is taken until that one is gone, which calls
        // for the next plan.
        let free = |change: &Change| match change {
            Change::Create(binding) => {
                !names.contains(&(binding.place.namespace.as_ref(), binding.name.as_str()))
            }
            Change::Update { .. } | Change::Delete(_) => true,
        };
        plan.changes.retain(free);
        plan.changes.sort_by_key(Change::turn);
    }

    fn compare_place(
        &self,
        place: &Place,
        wanted: Option<&Wanted>,
        held: &[&Arc<Observed>],
        mark: &Mark,
        plan: &mut Plan,
    ) {
        let before: BTreeSet<&Subject> =
            held.iter().flat_map(|observed| &observed.binding.subjects).collect();
        let mut after: BTreeSet<&Subject> = match wanted {
            None => BTreeSet::new(),
            Some(Wanted { grants, stance: Stance::Exactly }) => grants.keys().collect(),
            Some(Wanted { grants, stance: Stance::NobodyNew }) => {
                before.iter().copied().filter(|subject| grants.contains_key(*subject)).collect()
            }
        };
        if wanted.is_some() && self.completeness == Completeness::Partial {
            after.extend(before.iter().filter(|subject| self.may_be_unseen(subject)));
        }
        plan.adds.extend(after.difference(&before).copied().cloned());
        plan.removes.extend(before.difference(&after).copied().cloned());

        let numbered: BTreeMap<usize, &Arc<Observed>> = held
            .iter()
            .filter_map(|observed| Some((place.shard(&mark.policy, &observed.binding.name)?, *observed)))
            .collect();
        let shards =
            numbered.iter().map(|(number, observed)| (*number, observed.binding.subjects.as_slice()));
        let mut shards = distribute(shards, &after);
        for observed in held {
            let number = place.shard(&mark.policy, &observed.binding.name);
            match number.and_then(|number| shards.remove(&number)) {
                None => plan.changes.push(Change::Delete((*observed).clone())),
                Some(subjects) => {
                    let to = Binding { subjects, mark: mark.clone(), ..observed.binding.clone() };
                    if to != observed.binding {
                        plan.changes.push(Change::Update { from: (*observed).clone(), to });
                    }
                }
            }
        }
        for (number, subjects) in shards {
            let name = place.binding_name(&mark.policy, number);
            let mark = mark.clone();
            plan.changes.push(Change::Create(Binding { name, place: place.clone(), subjects, mark }));
        }
    }

    /// Whether the subject could be somebody whose object cannot be read.
    fn may_be_unseen(&self, subject: &Subject) -> bool {
        match subject {
            Subject::User(name) => self.identities.holder(name).is_none_or(|holder| holder.active()),
            Subject::Group(_) => true,
            Subject::Other(_) => false,
        }
    }
}
