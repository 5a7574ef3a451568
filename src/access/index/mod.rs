//! Everything that plans are made from, kept current by what watches tell.

mod admission;
mod bindings;
mod grown;
mod partners;
mod policies;
mod providers;
mod roles;
mod touched;
mod unread;
mod untold;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Namespace as NamespaceObject;
use kube::ResourceExt;

use super::{
    binding::{Observed, Subject},
    guard::Approved,
    people::Identities,
    plan::{Blocked, Facts, Plan},
    policy::{Namespace, Namespaces, Policy, Protected},
    roles::{Bindable, Roles},
};
use crate::{
    api::{PolicyMode, ScimAccessPolicy, ScimProvider},
    directory::view::{Gaps, Selection, Selector, User},
};
use admission::Through;
pub use admission::{Admission, Leaving};
use bindings::BindingKey;
pub use grown::Grown;
use policies::Policies;
use providers::Provider;
pub use untold::Lost;
use untold::Untold;

/// The names of policies that have to be planned again.
pub type Touched = BTreeSet<Arc<str>>;

/// Everything that plans are made from. Each change tells which policies it touches, and no others.
#[derive(Debug, Default)]
pub struct Index {
    bindable: Bindable,
    protected: Protected,
    policies: Policies,
    providers: HashMap<Arc<str>, Provider>,
    /// Providers that are there and of which nothing could ever be read.
    unreadable: HashSet<Arc<str>>,
    pub(super) identities: Identities,
    unread_people: Gaps,
    unread_groups: Gaps,
    namespaces: Namespaces,
    roles: Roles,
    /// The policies that give what the operator may not bind.
    awaiting_bind: Touched,
    /// By policy.
    bindings: HashMap<Arc<str>, BTreeMap<BindingKey, Arc<Observed>>>,
    /// By whom they name: the policies whose bindings do, with how many.
    naming: HashMap<Subject, BTreeMap<Arc<str>, usize>>,
    pub(super) untold: Untold,
    /// By policy: which of the roles that it gives have grown.
    grown: HashMap<Arc<str>, Grown>,
    /// By policy: what is left of its last approval.
    approved: HashMap<Arc<str>, Arc<Approved>>,
}

/// Whether a guard keeps a plan from taking too much away at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::access) enum Guarding {
    /// It does. What it counts, the process knows that carries plans out.
    On,
    /// Nothing does.
    Off,
}

impl Index {
    /// An index that knows nothing yet but what the chart allows.
    pub fn new(bindable: Bindable, protected: Protected) -> Self {
        Self { bindable, protected, ..Self::default() }
    }

    /// The plan of the policy of this name, and the policy. `select` looks up whom a provider's policy
    /// means among those who count as active.
    pub fn plan(
        &self,
        name: &str,
        now: Timestamp,
        select: impl FnOnce(&str, &Selector, &dyn Fn(&User) -> bool) -> Selection,
    ) -> Option<(Arc<ScimAccessPolicy>, Plan)> {
        // A preview shows everything that would go.
        let is_enforced = self.policy(name).is_some_and(|policy| policy.spec.mode == PolicyMode::Enforce);
        let guarding = if is_enforced { Guarding::On } else { Guarding::Off };
        self.plan_with(name, now, guarding, select)
    }

    /// The same, with a guard or without one.
    pub(in crate::access) fn plan_with(
        &self,
        name: &str,
        now: Timestamp,
        guarding: Guarding,
        select: impl FnOnce(&str, &Selector, &dyn Fn(&User) -> bool) -> Selection,
    ) -> Option<(Arc<ScimAccessPolicy>, Plan)> {
        let policy = self.policies.get(name)?;
        let provider = policy.object().spec.provider.as_str();
        let known = self.providers.get(provider);
        let observed: Vec<_> = self.bindings_of(name).cloned().collect();
        let holders = Through { index: self, provider };
        let facts = Facts {
            provider: known.map(|provider| &*provider.object).ok_or_else(|| self.no_provider(provider)),
            provider_is_invalid: known.and_then(|provider| provider.invalid.as_deref()),
            identities: &self.identities,
            completeness: self.completeness(provider),
            partners: self.partners(provider),
            namespaces: &self.namespaces,
            roles: &self.roles,
            bindable: &self.bindable,
            protected: &self.protected,
            observed: &observed,
            former: self.former(name),
            guard: known.filter(|_| guarding == Guarding::On).map(|known| known.guard(&holders, now)),
            approved: self.approved.get(name).map(|approved| &**approved),
            now,
        };
        let is_active = |user: &User| self.identities.is_active(user);
        let mut plan = facts.plan(policy, |terms| select(provider, &terms.people, &is_active));
        if let Some(why) = policy.why_unread() {
            plan.problems.blocked = Some(Blocked::Unreadable(why.to_owned()));
        }
        Some((policy.object().clone(), plan))
    }

    /// The person of a provider who is called so.
    pub fn holder(&self, provider: &str, subject: &Subject) -> Option<&Arc<User>> {
        match subject {
            Subject::User(name) => self.identities.holder(provider, name),
            Subject::Group(_) | Subject::Other(_) => None,
        }
    }

    /// Everyone who is called so: one person, of one provider or of several that correlate.
    pub fn called(&self, subject: &Subject) -> impl Iterator<Item = &Arc<User>> {
        let name = match subject {
            Subject::User(name) => Some(name),
            Subject::Group(_) | Subject::Other(_) => None,
        };
        name.into_iter().flat_map(|name| self.identities.called(name))
    }

    /// The policy of this name.
    pub fn policy(&self, name: &str) -> Option<&Arc<ScimAccessPolicy>> {
        self.policies.get(name).map(Policy::object)
    }

    /// The provider of this name.
    pub fn provider(&self, name: &str) -> Option<&Arc<ScimProvider>> {
        self.providers.get(name).map(|known| &known.object)
    }

    /// The names of all policies that bindings carry; some may be gone.
    pub fn bound_policies(&self) -> Touched {
        let bound = self.bindings.iter().filter(|(_, bindings)| !bindings.is_empty());
        bound.map(|(name, _)| name.clone()).collect()
    }

    /// The names of all policies.
    pub fn policies(&self) -> Touched {
        self.policies.names().cloned().collect()
    }

    /// The bindings of a policy that the API server holds.
    pub fn bindings_of(&self, policy: &str) -> impl Iterator<Item = &Arc<Observed>> + Clone {
        self.bindings.get(policy).into_iter().flat_map(BTreeMap::values)
    }

    /// Whether there is a namespace of this name.
    pub fn has_namespace(&self, name: &str) -> bool {
        self.namespaces.contains_key(name)
    }

    /// Takes a namespace. Annotations touch nothing.
    pub fn apply_namespace(&mut self, object: &NamespaceObject) -> Touched {
        let (name, namespace) = (object.name_any(), Namespace::of(object));
        if self.namespaces.get(name.as_str()) == Some(&namespace) {
            return Touched::new();
        }
        let mut touched = self.selecting(&name, &namespace);
        if let Some(before) = self.namespaces.insert(name.as_str().into(), namespace) {
            touched.extend(self.selecting(&name, &before));
        }
        touched
    }

    /// Forgets a namespace.
    pub fn delete_namespace(&mut self, name: &str) -> Touched {
        self.namespaces.remove(name).map(|before| self.selecting(name, &before)).unwrap_or_default()
    }
}
