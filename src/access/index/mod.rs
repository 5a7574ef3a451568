//! Everything that plans are made from, kept current by what watches tell.

mod admission;
mod grown;
mod partners;
mod policies;
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
use kube::{ResourceExt, api::ObjectMeta};

use super::{
    binding::{BindingObject, Observed, Subject, Written},
    guard::Ledger,
    people::{self, Effect, Identities},
    plan::{Blocked, Completeness, Facts, NoProvider, Plan},
    policy::{Namespace, Namespaces, Policy, Protected, Reading},
    roles::{Bindable, Roles},
};
use crate::{
    api::{
        PolicyMode, ScimAccessPolicy, ScimProvider, is_newer,
        names::{ANNOTATION_APPROVE, ANNOTATION_DANGEROUS_ROLE},
    },
    directory::view::{Directory, Gaps, Mapping, Selection, Selector, User, user_schema},
    scim::schema::ResourceSchema,
};
use admission::Through;
pub use admission::{Admission, Leaving};
pub use grown::Grown;
use policies::Policies;
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
}

/// A binding by namespace and name.
pub type BindingKey = (Option<Arc<str>>, String);

/// A provider, and what its spec means to access.
#[derive(Debug)]
struct Provider {
    object: Arc<ScimProvider>,
    people: ResourceSchema,
    invalid: Option<String>,
    ledger: Ledger,
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
            // A preview shows everything that would go.
            guard: known
                .filter(|_| policy.object().spec.mode == PolicyMode::Enforce)
                .map(|known| known.guard(&holders, now)),
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

    /// Takes a policy, if it is newer than what is held under its name. A new status alone touches
    /// nothing. One that is being deleted is gone: its bindings may go before it does.
    pub fn apply_policy(&mut self, mut object: ScimAccessPolicy) -> Touched {
        let name: Arc<str> = object.name_any().into();
        if object.metadata.deletion_timestamp.is_some() {
            return self.delete_policy(&name);
        }
        if !self.is_news(&name, &object.metadata) {
            return Touched::new();
        }
        Written::keep_approval(&mut object.metadata);
        let object = Arc::new(object);
        let standard = ResourceSchema::user();
        let people =
            self.providers.get(object.spec.provider.as_str()).map_or(&standard, |known| &known.people);
        let same = |held: &&Policy| {
            held.reading() == Reading::Whole
                && held.object().spec == object.spec
                && held.object().metadata.uid == object.metadata.uid
        };
        if let Some(held) = self.policies.get(&name).filter(same) {
            let says = |policy: &ScimAccessPolicy| {
                [ANNOTATION_APPROVE, ANNOTATION_DANGEROUS_ROLE]
                    .map(|annotation| policy.annotations().get(annotation).cloned())
            };
            // What waits is touched by more than by whom it means, but only once its status says that it waits.
            let waits =
                |policy: &ScimAccessPolicy| policy.status.as_ref().is_some_and(|it| it.held.is_some());
            let begins_to_wait = waits(&object) && !waits(held.object());
            let says_the_same = says(&object) == says(held.object()) && !begins_to_wait;
            self.policies.replace(&name, object);
            return if says_the_same { Touched::new() } else { Touched::from([name]) };
        }
        self.policies.insert(&name, Policy::new(object, people));
        Touched::from([name])
    }

    /// Takes what a write of this process made of a policy. The answer may come after the watch has told more: a policy
    /// that is gone by then does not come back by it.
    pub fn learn_policy(&mut self, object: ScimAccessPolicy) -> Touched {
        let held = self.policy(&object.name_any());
        if held.is_some_and(|held| held.metadata.uid == object.metadata.uid) {
            self.apply_policy(object)
        } else {
            Touched::new()
        }
    }

    /// Whether a policy's object is newer than what is held under its name.
    fn is_news(&self, name: &str, metadata: &ObjectMeta) -> bool {
        self.policies.get(name).is_none_or(|held| is_newer(metadata, &held.object().metadata))
    }

    /// Forgets a policy; its owner references take its bindings away. It is touched, because what is told of it
    /// ends.
    pub fn delete_policy(&mut self, name: &str) -> Touched {
        self.untold.forget_policy(name);
        self.awaiting_bind.remove(name);
        self.policies.remove(name).map(|(name, _)| name).into_iter().collect()
    }

    /// Takes a provider, and everyone whom its directory holds.
    pub fn apply_provider(&mut self, mut object: ScimProvider, directory: &Directory) -> Touched {
        let name: Arc<str> = object.name_any().into();
        let unheard = self.unheard();
        self.unreadable.remove(&name);
        if self.providers.get(&name).is_some_and(|held| held.object.spec == object.spec) {
            return Touched::new();
        }
        object.metadata.managed_fields = None;
        let people = user_schema(&object.spec.attributes);
        let mapping = Mapping::new(&object.spec.identity.user, &people);
        let invalid =
            mapping.as_ref().err().map(|error| format!("the provider's identity.user.from: {error}"));
        let effect = match mapping {
            Ok(mapping) => {
                let correlate = object.spec.correlate.as_ref().map(|correlate| correlate.deactivate_by);
                let terms = people::Terms { mapping, correlate };
                let effect = self.identities.map(&name, terms, directory.provider(&name));
                self.note_former(&effect);
                effect
            }
            // The last mapping that could be read stays: a mistake in it takes nobody's access away.
            Err(_) => Effect::default(),
        };
        let own = self.policies.of(&name).filter(|(_, policy)| policy.reading() == Reading::Whole);
        let own: Vec<_> = own.map(|(name, policy)| (name.clone(), policy.object().clone())).collect();
        for (name, object) in own {
            self.policies.insert(&name, Policy::new(object, &people));
        }
        let removals = object.status.as_ref().map(|status| status.removals.as_slice()).unwrap_or_default();
        let before = self.providers.remove(&name);
        let ledger = before.map_or_else(|| Ledger::recalled(removals), |before| before.ledger);
        self.providers.insert(name.clone(), Provider { object: object.into(), people, invalid, ledger });
        let mut touched = self.policies_of(&name);
        touched.extend(self.since(&unheard));
        touched.extend(self.by_effect(&effect, |person| person.provider != name, directory));
        touched
    }

    /// Takes note that there is a provider, though its object cannot be read. What it last said stays true.
    pub fn keep_provider(&mut self, name: &str) -> Touched {
        let unheard = self.unheard();
        let is_news = !self.providers.contains_key(name) && self.unreadable.insert(name.into());
        let mut touched = if is_news { self.policies_of(name) } else { Touched::new() };
        touched.extend(self.since(&unheard));
        touched
    }

    /// Forgets a provider, be it one that could never be read.
    pub fn delete_provider(&mut self, name: &str, directory: &Directory) -> Touched {
        let unheard = self.unheard();
        if self.unreadable.remove(name) {
            return self.policies_of(name).into_iter().chain(self.since(&unheard)).collect();
        }
        let Some((name, _)) = self.providers.remove_entry(name) else { return Touched::new() };
        let effect = self.identities.unmap(&name);
        self.note_former(&effect);
        let mut touched = self.policies_of(&name);
        touched.extend(self.since(&unheard));
        touched.extend(self.by_effect(&effect, |person| person.provider != name, directory));
        touched
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

    /// Takes a binding's object. One that is nobody's of ours, or no longer, is forgotten.
    pub fn apply_binding_object(&mut self, object: &impl BindingObject) -> Touched {
        match object.observe() {
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
            // The operator gave nothing by what somebody else has made while this process leads.
            None if self.untold.leads() && observed.changed_by.is_some() => {
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
            self.unnote(policy, binding);
            self.infer(policy);
            self.forget_gone_role(&binding.binding.place);
        }
        removed.into_iter().map(|(policy, _)| policy).collect()
    }

    /// The policies whose bindings name somebody: who leaves has to go even where a policy no longer
    /// means them, because the guard held that.
    fn binding(&self, subject: &Subject) -> impl Iterator<Item = &Arc<str>> {
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

    /// What of the directory cannot be read from now on: of people, and of groups.
    pub fn set_gaps(&mut self, people: Gaps, groups: Gaps) -> Touched {
        let unheard = self.unheard();
        let before = [
            std::mem::replace(&mut self.unread_people, people),
            std::mem::replace(&mut self.unread_groups, groups),
        ];
        let is_news = |policy: &Policy| {
            let provider = &policy.object().spec.provider;
            before.iter().any(|gaps| gaps.concern(provider)) != self.has_gaps(provider)
        };
        let touched = self.policies.iter().filter(|(_, policy)| is_news(policy));
        let touched = touched.map(|(name, _)| name.clone());
        touched.chain(self.since(&unheard)).collect()
    }

    fn has_gaps(&self, provider: &str) -> bool {
        self.unread_people.concern(provider) || self.unread_groups.concern(provider)
    }

    fn completeness(&self, provider: &str) -> Completeness {
        if self.has_gaps(provider) { Completeness::Partial } else { Completeness::Complete }
    }

    /// A policy that cannot be read may not say which: that is no word of a provider's that is gone.
    fn no_provider(&self, name: &str) -> NoProvider {
        match name.is_empty() || self.unreadable.contains(name) {
            true => NoProvider::Unreadable,
            false => NoProvider::NotFound,
        }
    }

    fn policies_of(&self, provider: &str) -> Touched {
        self.policies.of(provider).map(|(name, _)| name.clone()).collect()
    }
}
