//! Which policies a change touches: no policy is planned again for a change that cannot matter to it.

use std::{collections::BTreeSet, sync::Arc};

use super::{Index, Touched};
use crate::{
    access::{
        binding::Subject,
        people::{Effect, PersonRef},
        policy::{Namespace, NamespaceSelector, Policy, Terms},
    },
    api::RoleKind,
    directory::view::{Change, Difference, Directory},
};

impl Index {
    /// Takes what changed in the directory. `directory` is the state after it.
    pub fn apply_directory(&mut self, changes: &[Change], directory: &Directory) -> Touched {
        changes.iter().flat_map(|change| self.apply_change(change, directory)).collect()
    }

    /// Takes everyone whom the directory holds.
    pub fn reset_people(&mut self, directory: &Directory) -> Touched {
        let providers: Vec<Arc<str>> = self.providers.keys().cloned().collect();
        let reset = |name| self.identities.reset(name, directory.provider(name));
        let effect: Effect = providers.iter().map(reset).collect();
        self.note_former(&effect);
        self.by_effect(&effect, |_| true, directory)
    }

    fn apply_change(&mut self, change: &Change, directory: &Directory) -> Touched {
        let Change::User(person) = change else { return self.touched_by(change, directory, |_| true) };
        let effect = self.identities.change(&person.provider, &person.id, person.after.as_ref());
        self.note_former(&effect);
        let is_themselves = |other: &PersonRef| other.id == person.id && other.provider == person.provider;
        let counts = effect.people.iter().any(is_themselves);
        // Who keeps string and standing matters to filters alone: those read what else is known of people.
        let mut touched = self
            .touched_by(change, directory, |policy| counts || policy.object().spec.subjects.users.is_some());
        touched.extend(self.by_effect(&effect, |other| !is_themselves(other), directory));
        touched
    }

    /// The policies that mean those of these people who are `others`, or whose bindings have one of the
    /// strings.
    pub(super) fn by_effect(
        &self,
        effect: &Effect,
        others: impl Fn(&PersonRef) -> bool,
        directory: &Directory,
    ) -> Touched {
        let mut touched = self.naming(effect.people.iter().filter(|person| others(person)), directory);
        touched.extend(self.waiting(&effect.people));
        for string in &effect.strings {
            touched.extend(self.binding(&Subject::User(string.as_str().into())).cloned());
        }
        touched
    }

    fn touched_by(
        &self,
        change: &Change,
        directory: &Directory,
        matters: impl Fn(&Policy) -> bool,
    ) -> Touched {
        let Some(view) = directory.provider(change.provider()) else { return Touched::new() };
        let touched = self.policies.interested(change, view).filter(|(_, policy)| {
            // What cannot be read may mean anybody: whoever is deactivated leaves its bindings too.
            matters(policy) && policy.terms().map_or(true, |terms| terms.people.touches(change, view))
        });
        touched.map(|(name, _)| name.clone()).collect()
    }

    /// The policies of which removals may wait for what becomes of these people, though it means them no more.
    fn waiting(&self, people: &BTreeSet<PersonRef>) -> Touched {
        let providers: BTreeSet<&str> = people.iter().map(|person| &*person.provider).collect();
        let is_theirs = |policy: &Policy| providers.contains(policy.object().spec.provider.as_str());
        let held = self.policies.held().filter(|(_, policy)| is_theirs(policy));
        self.untold.naming(people).chain(held.map(|(name, _)| name)).cloned().collect()
    }

    /// The policies that mean one of these people.
    fn naming<'p>(&self, people: impl IntoIterator<Item = &'p PersonRef>, directory: &Directory) -> Touched {
        let touched = people.into_iter().flat_map(|PersonRef { provider, id }| {
            let user = directory.provider(provider).and_then(|view| view.user(id)).cloned();
            let same =
                Difference { provider: provider.clone(), id: id.clone(), before: user.clone(), after: user };
            self.touched_by(&Change::User(same), directory, |_| true)
        });
        touched.collect()
    }

    /// The policies that could mean a namespace.
    pub(super) fn selecting(&self, name: &str, namespace: &Namespace) -> Touched {
        let may_select = |selector: &NamespaceSelector| selector.may_select(name, namespace);
        self.where_terms(|terms| terms.namespaces.as_ref().is_some_and(may_select))
    }

    /// The policies that could give a role.
    pub(super) fn giving(&self, kind: RoleKind, role: &str) -> Touched {
        let giving = self.policies.iter().filter(|(_, policy)| policy.may_give(kind, role));
        giving.map(|(name, _)| name.clone()).collect()
    }

    fn where_terms(&self, hold: impl Fn(&Terms) -> bool) -> Touched {
        let touched = self.policies.iter().filter(|(_, policy)| policy.terms().is_ok_and(&hold));
        touched.map(|(name, _)| name.clone()).collect()
    }
}
