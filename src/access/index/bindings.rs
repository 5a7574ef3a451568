//! What watches tell of bindings.

use std::{collections::BTreeMap, sync::Arc};

use super::{Index, Touched};
use crate::access::{
    binding::{Binding, BindingObject, Giver, Observed, Subject},
    plan::{Allotment, Plan},
};

/// A binding by namespace and name.
pub type BindingKey = (Option<Arc<str>>, String);

impl Index {
    /// What a binding's object is; nothing where it is nobody's of ours. Whose label names another policy than its name
    /// does is still the policy's that it has its name from.
    pub fn observe(&self, object: &impl BindingObject) -> Option<Observed> {
        let observed = object.observe();
        let named = || {
            let Binding { name, place, .. } = object.observe_as("")?.binding;
            let policy = self.policies.names().find(|policy| place.shard(policy, &name).is_some())?;
            object.observe_as(policy)
        };
        match observed.as_ref().is_some_and(Observed::has_own_name) {
            true => observed,
            false => named().or(observed),
        }
    }

    /// Takes a binding's object. One that is nobody's of ours, or no longer, is forgotten.
    pub fn apply_binding_object(&mut self, object: &impl BindingObject) -> Touched {
        match self.observe(object) {
            Some(observed) => self.apply_binding(observed),
            None => {
                let (name, uid) = (object.name_any(), object.uid().unwrap_or_default());
                self.delete_binding(object.namespace().as_deref(), &name, &uid)
            }
        }
    }

    /// Takes a binding, if it is newer than what is held under its name.
    pub fn apply_binding(&mut self, mut observed: Observed) -> Touched {
        let policy: Arc<str> = observed.binding.mark.policy.as_str().into();
        let key = (observed.binding.place.namespace.clone(), observed.binding.name.clone());
        let held = self.bindings.entry(policy.clone()).or_default();
        if held.get(&key).is_some_and(|held| held.resource_version >= observed.resource_version) {
            return Touched::new();
        }
        match held.get(&key).filter(|before| before.uid == observed.uid) {
            Some(before) => observed.succeed(before),
            // The operator gave nothing by what somebody else has made while this process leads. What its owner gave to the
            // policy had people before.
            None if self.untold.leads() && observed.changed_by.is_some() && !observed.is_adopted() => {
                observed.given = Some(Arc::default());
            }
            None => {}
        }
        let observed = Arc::new(observed);
        self.note(&policy, &observed);
        let before = self.bindings.entry(policy.clone()).or_default().insert(key.clone(), observed);
        before.into_iter().for_each(|before| self.unnote(&policy, &before));
        self.infer(&policy);
        let mut touched = self.remove_bindings(&key, |other, _| *other != policy);
        touched.insert(policy);
        touched
    }

    /// Takes note that a plan was carried out, wherever that could be: of whomever it gives what somebody else has written
    /// already, nothing was to be written, and from now on they are like those whom the operator gave it.
    pub fn confirm(&mut self, policy: &str, plan: &Plan) {
        let Some(held) = self.bindings.get_mut(policy) else { return };
        for observed in held.values_mut().filter(|observed| observed.given.is_some()) {
            let given = |allotment: &&Allotment| allotment.places.contains(&observed.binding.place);
            let Some(Allotment { grants, .. }) = plan.allotments.iter().find(given) else { continue };
            let others = observed.binding.subjects.iter();
            let others = others.filter(|subject| observed.giver(subject) == Giver::Another);
            let confirmed: Vec<_> = others.filter(|subject| grants.contains_key(*subject)).cloned().collect();
            if !confirmed.is_empty() {
                Arc::make_mut(&mut Arc::make_mut(observed).confirmed).extend(confirmed);
            }
        }
    }

    /// Forgets a binding by its uid: a later one of the same name is another one.
    pub fn delete_binding(&mut self, namespace: Option<&str>, name: &str, uid: &str) -> Touched {
        let key = (namespace.map(Into::into), name.to_owned());
        self.remove_bindings(&key, |_, held| held.uid == uid)
    }

    fn remove_bindings(&mut self, key: &BindingKey, which: impl Fn(&Arc<str>, &Observed) -> bool) -> Touched {
        let of = |(policy, held): (&Arc<str>, &mut BTreeMap<BindingKey, Arc<Observed>>)| {
            held.get(key).is_some_and(|held| which(policy, held)).then_some(())?;
            Some((policy.clone(), held.remove(key)?))
        };
        let removed: Vec<_> = self.bindings.iter_mut().filter_map(of).collect();
        for (policy, binding) in &removed {
            if self.bindings_of(policy).next().is_none() {
                self.untold.forget_last_word(policy);
            }
            self.unnote(policy, binding);
            self.infer(policy);
            self.forget_gone_role(&binding.binding.place);
        }
        removed.into_iter().map(|(policy, _)| policy).collect()
    }

    /// The policies whose bindings name somebody: who leaves has to go even where a policy no longer
    /// means them, because the guard held that.
    pub(super) fn binding(&self, subject: &Subject) -> impl Iterator<Item = &Arc<str>> {
        self.naming.get(subject).into_iter().flat_map(BTreeMap::keys)
    }

    fn note(&mut self, policy: &Arc<str>, observed: &Observed) {
        for subject in &observed.binding.subjects {
            *self.naming.entry(subject.clone()).or_default().entry(policy.clone()).or_default() += 1;
        }
    }

    fn unnote(&mut self, policy: &Arc<str>, observed: &Observed) {
        for subject in &observed.binding.subjects {
            let Some(policies) = self.naming.get_mut(subject) else { continue };
            if let Some(count) = policies.get_mut(policy) {
                *count -= 1;
                if *count == 0 {
                    policies.remove(policy);
                }
            }
            if policies.is_empty() {
                self.naming.remove(subject);
            }
        }
    }
}
