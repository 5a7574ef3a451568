//! What a policy gave over time, write by write.

use std::{
    collections::{BTreeMap, BTreeSet},
    pin::pin,
};

use futures::TryStreamExt;
use k8s_openapi::api::rbac::v1::{ClusterRoleBinding, RoleBinding};
use kube::{
    Api, Client, ResourceExt,
    api::{ApiResource, DynamicObject, ListParams, WatchEvent, WatchParams},
};
use tokio::time::timeout;

use super::POLICY;
use crate::harness::DEADLINE;

/// Subjects, each with a namespace, which is empty for the whole cluster, and a role.
pub(super) type Held = BTreeSet<(String, String, String)>;

/// Bindings by namespace and name, each in one version.
type Bindings = BTreeMap<String, (u64, Held)>;

/// What a policy gave since some moment.
pub(super) struct History([Kind; 2]);

/// What it gave by one kind of bindings.
struct Kind {
    bindings: Api<DynamicObject>,
    of_policy: String,
    since: String,
    there: Bindings,
}

/// A write, in the order of all writes: the kind, the binding, and what it gives since, if it is there.
type Write = (u64, usize, String, Option<Held>);

impl History {
    /// It begins now.
    pub(super) async fn of(client: &Client, policy: &str) -> Self {
        let kind = async |kind| {
            let bindings = Api::<DynamicObject>::all_with(client.clone(), &kind);
            Kind::of(bindings, format!("{POLICY}={policy}")).await
        };
        Self([
            kind(ApiResource::erase::<RoleBinding>(&())).await,
            kind(ApiResource::erase::<ClusterRoleBinding>(&())).await,
        ])
    }

    /// What was held when it began.
    pub(super) fn held(&self) -> Held {
        held(self.0.iter().map(|kind| &kind.there))
    }

    /// Calls `check` with what was held after each write since, and returns what is held now.
    pub(super) async fn replay(self, check: impl Fn(&Held)) -> Held {
        let mut there = [BTreeMap::new(), BTreeMap::new()];
        let mut writes: Vec<Write> = Vec::new();
        for (number, kind) in self.0.into_iter().enumerate() {
            there[number].clone_from(&kind.there);
            writes.extend(kind.writes(number).await);
        }
        writes.sort();
        for (version, kind, binding, gives) in writes {
            match gives {
                Some(gives) => _ = there[kind].insert(binding, (version, gives)),
                None => _ = there[kind].remove(&binding),
            }
            check(&held(&there));
        }
        held(&there)
    }
}

impl Kind {
    async fn of(bindings: Api<DynamicObject>, of_policy: String) -> Self {
        let list = bindings.list(&ListParams::default().labels(&of_policy)).await.unwrap();
        let there =
            list.items.iter().map(|binding| (named(binding), (version(binding), given(binding)))).collect();
        Self { bindings, of_policy, since: list.metadata.resource_version.unwrap(), there }
    }

    /// All writes up to the state that is there now.
    async fn writes(mut self, kind: usize) -> Vec<Write> {
        let now = Self::of(self.bindings.clone(), self.of_policy.clone()).await;
        let params = WatchParams::default().labels(&self.of_policy);
        let mut events = pin!(self.bindings.watch(&params, &self.since).await.unwrap());
        let mut writes = Vec::new();
        while self.there != now.there {
            let event =
                timeout(DEADLINE, events.try_next()).await.expect("the history goes on").unwrap().unwrap();
            let (binding, is_there) = match event {
                WatchEvent::Added(binding) | WatchEvent::Modified(binding) => (binding, true),
                WatchEvent::Deleted(binding) => (binding, false),
                WatchEvent::Bookmark(_) => continue,
                WatchEvent::Error(error) => panic!("the history is cut off: {error}"),
            };
            let (version, name) = (version(&binding), named(&binding));
            let gives = is_there.then(|| given(&binding));
            match gives.clone() {
                Some(gives) => _ = self.there.insert(name.clone(), (version, gives)),
                None => _ = self.there.remove(&name),
            }
            writes.push((version, kind, name, gives));
        }
        writes
    }
}

fn held<'b>(kinds: impl IntoIterator<Item = &'b Bindings>) -> Held {
    kinds.into_iter().flat_map(BTreeMap::values).flat_map(|(_, gives)| gives).cloned().collect()
}

fn version(binding: &DynamicObject) -> u64 {
    binding.resource_version().unwrap().parse().unwrap()
}

fn named(binding: &DynamicObject) -> String {
    format!("{}/{}", binding.namespace().unwrap_or_default(), binding.name_any())
}

fn given(binding: &DynamicObject) -> Held {
    let subjects = binding.data["subjects"].as_array().into_iter().flatten();
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let (namespace, role) = (binding.namespace().unwrap_or_default(), text(&binding.data["roleRef"]["name"]));
    subjects.map(|subject| (text(&subject["name"]), namespace.clone(), role.clone())).collect()
}
