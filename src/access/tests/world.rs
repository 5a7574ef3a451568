//! A cluster in memory: what watches would tell, and an API server that takes whatever it is sent.

use std::{collections::BTreeMap, sync::Arc};

use k8s_openapi::{
    api::rbac::v1::{ClusterRoleBinding, RoleBinding},
    apimachinery::pkg::apis::meta::v1::Time,
};
use serde_json::{Value, json};

use super::super::*;
use crate::{
    api::{RemovalCount, ScimAccessPolicy, ScimProvider},
    directory::view::{Change as DirectoryChange, Directory, User},
};

pub struct World {
    pub directory: Directory,
    pub index: Index,
    pub now: jiff::Timestamp,
    version: u64,
    /// What stands in the status of providers.
    removals: BTreeMap<&'static str, Vec<RemovalCount>>,
}

impl World {
    /// Provider `okta` with prefix `oidc:`, namespaces `team-a`, `team-b` and `kube-system`, roles `view`
    /// and `edit` that the chart lists everywhere.
    pub fn new() -> Self {
        Self::protecting(&["kube-*", "scim"])
    }

    /// The same, with Alice and Bob, whose group may edit in `team-a` by policy `p`.
    pub fn with_team() -> Self {
        let mut world = Self::new();
        world.user("alice", json!({}));
        world.user("bob", json!({}));
        world.group("team", &["alice", "bob"], json!({}));
        world.policy("p", json!({}));
        world.settle("p");
        world
    }

    /// An empty one, where these namespaces are protected.
    fn protecting(patterns: &[&str]) -> Self {
        let set = |names: &[&str]| names.iter().copied().map(str::to_owned).collect();
        let bindable = Bindable::Listed(RoleLists {
            in_namespaces: set(&["view", "edit", "grown"]),
            cluster_wide: set(&["view"]),
            roles: set(&["team-a/deployer"]),
        });
        let patterns = patterns.iter().map(|pattern| Glob::new(pattern)).collect();
        let protected = Protected { patterns, ..Protected::default() };
        let mut world = Self {
            directory: Directory::default(),
            index: Index::new(bindable, protected),
            now: "2026-06-01T00:00:00Z".parse().unwrap(),
            version: 100,
            removals: BTreeMap::new(),
        };
        world.provider(
            "okta",
            json!({"identity": {"user": {"prefix": "oidc:"}, "group": {"prefix": "oidc:"}}}),
        );
        for (name, labels) in
            [("team-a", json!({"team": "a"})), ("team-b", json!({})), ("kube-system", json!({}))]
        {
            world.namespace(name, labels, "Active");
        }
        for role in ["view", "edit"] {
            world.cluster_role(role, json!([{"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]}]));
        }
        world
    }

    pub fn provider(&mut self, name: &str, spec: Value) -> Touched {
        let object = json!({"apiVersion": "scim-operator.dev/v1alpha1", "kind": "ScimProvider",
            "metadata": {"name": name}, "spec": spec});
        self.index.apply_provider(serde_json::from_value(object).unwrap(), &self.directory)
    }

    pub fn policy(&mut self, name: &str, spec: Value) -> Touched {
        let mut whole = json!({
            "provider": "okta",
            "subjects": {"groups": [{"displayName": "team"}]},
            "roleRef": {"name": "edit"},
            "scope": {"namespaces": {"names": ["team-a"]}},
        });
        whole.as_object_mut().unwrap().extend(spec.as_object().unwrap().clone());
        let object = json!({"apiVersion": "scim-operator.dev/v1alpha1", "kind": "ScimAccessPolicy",
            "metadata": {"name": name, "uid": format!("uid-of-{name}")}, "spec": whole});
        self.index.apply_policy(serde_json::from_value(object).unwrap())
    }

    /// The same policy, with annotations and a status.
    pub fn annotated_policy(&mut self, name: &str, annotations: Value, status: Value) -> Touched {
        let mut object = ScimAccessPolicy::clone(self.index.policy(name).unwrap());
        object.metadata.annotations = serde_json::from_value(annotations).unwrap();
        object.status = serde_json::from_value(status).unwrap();
        self.index.apply_policy(object)
    }

    pub fn namespace(&mut self, name: &str, labels: Value, phase: &str) -> Touched {
        let object = json!({"metadata": {"name": name, "labels": labels}, "status": {"phase": phase}});
        self.index.apply_namespace(&serde_json::from_value(object).unwrap())
    }

    pub fn cluster_role(&mut self, name: &str, rules: Value) -> Touched {
        let object = json!({"metadata": {"name": name}, "rules": rules});
        self.index.apply_cluster_role(&serde_json::from_value(object).unwrap())
    }

    /// Each object that arrives is newer than all before.
    pub fn user(&mut self, name: &str, mut spec: Value) -> Touched {
        self.version += 1;
        spec["resourceVersion"] = json!(self.version.to_string());
        let change = self.directory.apply_user(crate::directory::view::samples::user(name, spec));
        self.take(change)
    }

    pub fn group(&mut self, name: &str, members: &[&str], mut spec: Value) -> Touched {
        self.version += 1;
        spec["resourceVersion"] = json!(self.version.to_string());
        let change = self.directory.apply_group(crate::directory::view::samples::group(name, members, spec));
        self.take(change)
    }

    pub fn delete_user(&mut self, name: &str) -> Touched {
        self.delete_user_of("okta", name)
    }

    pub fn delete_user_of(&mut self, provider: &str, name: &str) -> Touched {
        let user: User = crate::directory::view::samples::user(name, json!({"provider": provider}));
        let change = self.directory.delete_user(&user);
        self.take(change)
    }

    pub fn delete_group(&mut self, name: &str) -> Touched {
        let group = crate::directory::view::samples::group(name, &[], json!({}));
        let change = self.directory.delete_group(&group);
        self.take(change)
    }

    pub fn take(&mut self, change: Option<DirectoryChange>) -> Touched {
        let changes: Vec<_> = change.into_iter().collect();
        self.index.apply_directory(&changes, &self.directory)
    }

    pub fn plan(&self, policy: &str) -> Plan {
        self.policy_and_plan(policy).1
    }

    pub fn policy_and_plan(&self, policy: &str) -> (Arc<ScimAccessPolicy>, Plan) {
        let found = self.index.plan(policy, self.now, |provider, people, is_active| {
            people.find_among(self.directory.provider(provider), is_active).select()
        });
        found.unwrap()
    }

    /// Plans and executes, once: what the operator writes touches nothing, so nobody would plan again.
    pub fn settle(&mut self, policy: &str) -> Plan {
        let plan = self.plan(policy);
        self.execute(&plan.changes);
        self.forget_former(policy, &plan);
        assert_eq!(self.plan(policy).changes, [], "a plan that was executed leaves nothing to do");
        plan
    }

    /// What the controller does once a plan was carried out.
    pub fn forget_former(&mut self, policy: &str, plan: &Plan) {
        let told = self.index.former(policy).clone();
        self.index.forget_former(policy, plan, &told);
        self.index.confirm(policy, plan);
    }

    /// What the controller writes before it carries a plan out.
    pub fn record_removals(&mut self, provider: &'static str) {
        let standing = self.removals.get(provider).map(Vec::as_slice).unwrap_or_default();
        self.index.removals_found(provider, standing, self.now);
        if let Some(removals) = self.index.removals_due(provider, self.now) {
            self.index.removals_recorded(provider, &removals);
            self.removals.insert(provider, removals);
        }
    }

    pub fn execute(&mut self, changes: &[Change]) {
        for change in changes {
            match change {
                Change::Create(binding) | Change::Update { to: binding, .. } => self.store(binding),
                Change::Delete(observed) => {
                    let Binding { name, place, .. } = &observed.binding;
                    self.index.delete_binding(place.namespace.as_deref(), name, &observed.uid);
                }
            }
        }
    }

    /// Puts a binding where the watch would show it, through its Kubernetes object.
    pub fn store(&mut self, binding: &Binding) {
        self.version += 1;
        match &binding.place.namespace {
            Some(_) => {
                let object: RoleBinding = self.stored(binding);
                self.index.apply_binding_object(&object)
            }
            None => {
                let object: ClusterRoleBinding = self.stored(binding);
                self.index.apply_binding_object(&object)
            }
        };
    }

    /// Puts a binding where the watch would show it, as somebody has changed its object.
    pub fn change_binding(&mut self, binding: &Binding, change: impl FnOnce(&mut RoleBinding)) -> Touched {
        self.version += 1;
        let mut object = self.stored::<RoleBinding>(binding);
        change(&mut object);
        self.index.apply_binding_object(&object)
    }

    /// Puts a binding there that somebody else wrote last.
    pub fn store_changed_by(&mut self, binding: &Binding, manager: &str) {
        self.version += 1;
        let observed = match &binding.place.namespace {
            Some(_) => self.stored::<RoleBinding>(binding).observe(),
            None => self.stored::<ClusterRoleBinding>(binding).observe(),
        };
        let changed_by = Some(manager.to_owned());
        self.index.apply_binding(Observed { changed_by, ..observed.unwrap() });
    }

    /// The object of a binding, which was created when it was first there.
    fn stored<K: BindingObject>(&self, binding: &Binding) -> K {
        let mut object = K::new(binding);
        let (name, namespace) = (&binding.name, &binding.place.namespace);
        let before = self.index.bindings_of(&binding.mark.policy).find(|observed| {
            observed.binding.name == *name && observed.binding.place.namespace == *namespace
        });
        let created = before.and_then(|observed| observed.created).unwrap_or(self.now);
        object.meta_mut().uid = Some(format!("uid-of-{name}"));
        object.meta_mut().resource_version = Some(self.version.to_string());
        object.meta_mut().creation_timestamp = Some(Time(created));
        let written = json!([{"manager": FIELD_MANAGER, "operation": "Update", "fieldsType": "FieldsV1",
            "fieldsV1": {"f:subjects": {}}}]);
        object.meta_mut().managed_fields = serde_json::from_value(written).unwrap();
        object
    }

    /// Somebody else puts a subject into the policy's last binding.
    pub fn slip_in(&mut self, policy: &str, subject: Subject) {
        let Some(mut binding) = self.bindings(policy).pop() else { return };
        if !binding.subjects.contains(&subject) {
            binding.subjects.push(subject);
            binding.subjects.sort();
            self.store_changed_by(&binding, "kubectl-edit");
        }
    }

    /// The same cluster, told to a process that has just begun.
    pub fn restart(&mut self) {
        self.restart_in(Self::new());
    }

    /// The same, where the chart protects a namespace by now.
    pub fn restart_protecting(&mut self, namespace: &str) {
        self.restart_in(Self::protecting(&["kube-*", "scim", namespace]));
    }

    /// The same, where a role has been changed meanwhile.
    pub fn restart_with_role(&mut self, role: &str, rules: Value) {
        let mut world = Self::new();
        world.cluster_role(role, rules);
        self.restart_in(world);
    }

    fn restart_in(&mut self, world: Self) {
        let before = std::mem::replace(self, world);
        self.directory = before.directory;
        (self.now, self.version, self.removals) = (before.now, before.version, before.removals);
        for provider in ["okta", "entra"] {
            if let Some(provider) = before.index.provider(provider) {
                self.index.apply_provider(ScimProvider::clone(provider), &self.directory);
            }
            if let Some(removals) = self.removals.get(provider) {
                self.index.recall_removals(provider, removals);
            }
        }
        self.index.reset_people(&self.directory);
        for policy in before.index.policies() {
            self.index.apply_policy(ScimAccessPolicy::clone(before.index.policy(&policy).unwrap()));
            for observed in before.index.bindings_of(&policy) {
                self.index.apply_binding(Observed { given: None, ..Observed::clone(observed) });
            }
        }
        self.index.take_over();
    }

    /// Who holds what, as `namespace/role: subjects`.
    pub fn held(&self, policy: &str) -> Vec<String> {
        let mut held: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for observed in self.index.bindings_of(policy) {
            let Place { namespace, role } = &observed.binding.place;
            let place = format!("{}/{}", namespace.as_deref().unwrap_or("*"), role.name);
            let names = observed.binding.subjects.iter().map(|subject| subject.name().to_string());
            held.entry(place).or_default().extend(names);
        }
        held.into_iter().map(|(place, names)| format!("{place}: {}", names.join(" "))).collect()
    }

    pub fn bindings(&self, policy: &str) -> Vec<Binding> {
        self.index.bindings_of(policy).map(|observed| observed.binding.clone()).collect()
    }
}

/// The names of subjects.
pub fn names<'s>(subjects: impl IntoIterator<Item = &'s Subject>) -> Vec<&'s str> {
    subjects.into_iter().map(|subject| &**subject.name()).collect()
}
