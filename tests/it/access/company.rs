//! A company of the tests: one provider, and what its people and policies do.

use std::fmt::Debug;

use k8s_openapi::api::{events::v1::Event, rbac::v1::RoleBinding};
use kube::{
    Api, Client, Resource, ResourceExt,
    api::{ListParams, Patch, PatchParams, PostParams},
    runtime::wait::{await_condition, conditions::is_deleted},
};
use scim_operator::api::{ScimAccessPolicy, ScimGroup, ScimProvider, ScimUser};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use tokio::time::timeout;

use super::{POLICY, reconciled};
use crate::harness::{ControlPlane, DEADLINE, Identity, await_until, unique, until};

/// One provider with people of its own, and a namespace that nobody else uses.
pub(crate) struct Company {
    pub(crate) plane: &'static ControlPlane,
    pub(crate) client: Client,
    pub(crate) provider: String,
    pub(crate) namespace: String,
}

impl Company {
    pub(crate) async fn new() -> Self {
        let plane = reconciled().await;
        Self::on(plane).await
    }

    pub(crate) async fn on(plane: &'static ControlPlane) -> Self {
        Self::naming_by(plane, "userName").await
    }

    /// One whose people are called as this attribute says.
    pub(crate) async fn naming_by(plane: &'static ControlPlane, from: &str) -> Self {
        let (client, provider) = (plane.admin().await, unique("access"));
        let namespace = plane.namespace("team").await;
        let company = Self { plane, client, provider, namespace };
        let prefix = company.prefix();
        let identity = json!({"user": {"from": from, "prefix": prefix}, "group": {"prefix": prefix}});
        company.create::<ScimProvider>(&company.provider, json!({"identity": identity})).await;
        company
    }

    /// What keeps this company's people apart from others' on the API server.
    pub(crate) fn prefix(&self) -> String {
        format!("{}:", self.provider)
    }

    pub(crate) fn person(&self, name: &str) -> Identity {
        Identity::person(&format!("{}{name}", self.prefix()), &[])
    }

    pub(crate) async fn user(&self, name: &str) {
        let spec = json!({"id": self.id(name), "provider": self.provider, "userName": name, "active": true, "meta": meta()});
        self.create::<ScimUser>(&self.id(name), spec).await;
    }

    pub(crate) async fn group(&self, name: &str, members: &[&str]) {
        let members: Vec<String> = members.iter().map(|name| self.id(name)).collect();
        let spec = json!({"id": self.id(name), "provider": self.provider, "displayName": name,
            "memberCount": members.len(), "members": members, "meta": meta()});
        self.create::<ScimGroup>(&self.id(name), spec).await;
    }

    /// A policy that gives `edit` to group `team` in the company's namespace, and what `spec` changes of it.
    pub(crate) async fn policy(&self, spec: Value) -> String {
        let name = unique("policy");
        let mut whole = json!({
            "provider": self.provider,
            "subjects": {"groups": [{"displayName": "team"}]},
            "roleRef": {"name": "edit"},
            "scope": {"namespaces": {"names": [self.namespace]}},
        });
        whole.as_object_mut().unwrap().extend(spec.as_object().unwrap().clone());
        self.create::<ScimAccessPolicy>(&name, whole).await;
        name
    }

    /// Alice and Bob, whose group may edit.
    pub(crate) async fn team(&self, spec: Value) -> String {
        self.user("alice").await;
        self.user("bob").await;
        self.group("team", &["alice", "bob"]).await;
        let policy = self.policy(spec).await;
        self.until_ready(&policy, "True").await;
        policy
    }

    pub(crate) async fn may_edit(&self, who: &str) {
        self.plane.until_can(&self.person(who), "create", "configmaps", &self.namespace).await;
    }

    pub(crate) async fn may_not_edit(&self, who: &str) {
        self.plane.until_cannot(&self.person(who), "create", "configmaps", &self.namespace).await;
    }

    pub(crate) async fn until_ready(&self, policy: &str, status: &str) -> ScimAccessPolicy {
        self.until_condition(policy, "Ready", status, "").await
    }

    pub(super) async fn until_condition(
        &self,
        policy: &str,
        condition: &str,
        status: &str,
        message: &str,
    ) -> ScimAccessPolicy {
        let what = format!("{condition}={status}: {message}");
        until(&self.api(), policy, &what, |policy: &ScimAccessPolicy| {
            let conditions = policy.status.iter().flat_map(|status| &status.conditions);
            let current = policy
                .status
                .as_ref()
                .is_some_and(|status| status.observed_generation == policy.metadata.generation);
            current
                && conditions.clone().any(|held| {
                    held.type_ == condition && held.status == status && held.message.contains(message)
                })
        })
        .await
    }

    /// Until an event about an object says so.
    pub(super) async fn until_told(&self, about: &str, reason: &str, note: &str) {
        let events = Api::<Event>::namespaced(self.client.clone(), "default");
        await_until(&format!("an event {reason} is there"), async || {
            let of_object = ListParams::default().fields(&format!("regarding.name={about}"));
            let told = events.list(&of_object).await.unwrap();
            told.iter().any(|event| {
                event.reason.as_deref() == Some(reason)
                    && event.note.as_deref().is_some_and(|told| told.contains(note))
            })
        })
        .await;
    }

    pub(super) async fn bindings(&self, policy: &str) -> Vec<RoleBinding> {
        let bindings = Api::<RoleBinding>::namespaced(self.client.clone(), &self.namespace);
        bindings.list(&ListParams::default().labels(&format!("{POLICY}={policy}"))).await.unwrap().items
    }

    /// The garbage collector asks every half minute which kinds there are; ours are new.
    pub(super) async fn until_collected(&self, binding: &RoleBinding) {
        let (name, uid) = (binding.name_any(), binding.uid().unwrap());
        let collected = await_condition(self.in_namespace::<RoleBinding>(), &name, is_deleted(&uid));
        timeout(2 * DEADLINE, collected).await.expect("the binding is collected").unwrap();
    }

    pub(super) fn in_namespace<K: Resource<DynamicType = (), Scope = k8s_openapi::NamespaceResourceScope>>(
        &self,
    ) -> Api<K> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    pub(crate) fn api<K: Resource<DynamicType = ()>>(&self) -> Api<K> {
        Api::all(self.client.clone())
    }

    pub(crate) async fn create<K>(&self, name: &str, spec: Value)
    where
        K: Resource<DynamicType = ()> + Clone + Debug + Serialize + DeserializeOwned,
    {
        let object = json!({"apiVersion": K::api_version(&()), "kind": K::kind(&()), "metadata": {"name": name}, "spec": spec});
        let object: K = serde_json::from_value(object).unwrap();
        self.api::<K>().create(&PostParams::default(), &object).await.unwrap();
    }

    pub(crate) async fn change<K>(&self, name: &str, patch: Value)
    where
        K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned,
    {
        self.api::<K>().patch(name, &PatchParams::default(), &Patch::Merge(patch)).await.unwrap();
    }

    pub(crate) async fn deactivate(&self, who: &str) {
        self.change::<ScimUser>(&self.id(who), json!({"spec": {"active": false}})).await;
    }

    pub(crate) fn id(&self, name: &str) -> String {
        format!("{}-{name}", self.provider)
    }
}

pub(crate) fn meta() -> Value {
    json!({"created": "2026-01-01T00:00:00Z", "lastModified": "2026-01-01T00:00:00Z", "version": 1})
}
