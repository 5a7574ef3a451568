//! How soon access is as a policy says where a namespace is new or called otherwise, or somebody else has changed a
//! binding.

use std::time::{Duration, Instant};

use k8s_openapi::api::{core::v1::Namespace, rbac::v1::RoleBinding};
use kube::{
    Api, Client, ResourceExt,
    api::{DeleteParams, ListParams, Patch, PatchParams},
};
use serde_json::{Value, json};

use super::{
    FEW,
    cluster::{create, create_policy, identity, may, until},
};
use crate::{
    pace::quantile,
    parts::Measured,
    report::{Ratio, Row, Wanted},
    world::Directory,
};

/// How often each of it is measured, one after the other.
const TIMES: usize = 100;
const POLICY: &str = "labeled";
const LABEL: &str = "bench-repairs";
const STRANGER: &str = "somebody-else";

/// Measures it, each time in another namespace.
pub async fn measure(admin: &Client, directory: &Directory) -> Measured {
    create_policy(admin, directory, POLICY, FEW, json!({"selector": {"matchLabels": {LABEL: "yes"}}}))
        .await?;
    let (number, _) = directory.numbered_ids(1).await?.remove(0);
    let member = identity(&directory.name, number);
    let places: Vec<Place> = (0..TIMES).map(|number| Place::new(admin, number, &member)).collect();
    let mut took = [const { Vec::new() }; 3];
    for place in &places {
        took[0].push(place.appears().await?);
    }
    for (number, place) in places.iter().enumerate() {
        let drifts = if number % 2 == 0 { place.is_edited().await? } else { place.is_emptied().await? };
        took[1].push(drifts);
    }
    for place in &places {
        took[2].push(place.is_relabeled().await?);
    }
    let what = [
        "a new namespace, until access is there",
        "a binding that somebody else edits or deletes, until it is repaired",
        "a namespace that loses its label, until access is gone",
    ];
    Ok(what.into_iter().zip(took).map(|(what, took)| row(what, took)).collect())
}

/// A namespace, and who may view it by the policy.
struct Place<'a> {
    admin: &'a Client,
    name: String,
    member: &'a str,
}

impl<'a> Place<'a> {
    fn new(admin: &'a Client, number: usize, member: &'a str) -> Self {
        Self { admin, name: format!("{LABEL}-{number}"), member }
    }

    async fn appears(&self) -> Result<Duration, String> {
        let labeled = json!({"metadata": {"name": self.name, "labels": {LABEL: "yes"}}});
        create(&Api::<Namespace>::all(self.admin.clone()), labeled).await?;
        let begun = Instant::now();
        until("a new namespace is reached", async || self.lets(self.member).await).await?;
        Ok(begun.elapsed())
    }

    async fn is_relabeled(&self) -> Result<Duration, String> {
        let (namespaces, relabel) =
            (Api::<Namespace>::all(self.admin.clone()), json!({"metadata": {"labels": {LABEL: "no"}}}));
        let relabeled = namespaces.patch(&self.name, &PatchParams::default(), &Patch::Merge(relabel)).await;
        relabeled.map_err(|error| error.to_string())?;
        let begun = Instant::now();
        until("a namespace is left", async || Ok(!self.lets(self.member).await?)).await?;
        Ok(begun.elapsed())
    }

    /// A stranger comes to its binding.
    async fn is_edited(&self) -> Result<Duration, String> {
        let binding = self.binding().await?.ok_or("no binding")?;
        let mut subjects = binding.subjects.clone().unwrap_or_default();
        let mut stranger = subjects.first().cloned().ok_or("a binding of nobody")?;
        STRANGER.clone_into(&mut stranger.name);
        subjects.push(stranger);
        self.patch(&binding, json!({"subjects": subjects})).await?;
        let begun = Instant::now();
        until("an edit is repaired", async || {
            let is_repaired = self.binding().await?.is_some_and(|now| now.subjects == binding.subjects);
            Ok(is_repaired && !self.lets(STRANGER).await?)
        })
        .await?;
        Ok(begun.elapsed())
    }

    /// Its binding is deleted.
    async fn is_emptied(&self) -> Result<Duration, String> {
        let binding = self.binding().await?.ok_or("no binding")?;
        let deleted = self.bindings().delete(&binding.name_any(), &DeleteParams::default()).await;
        deleted.map_err(|error| error.to_string())?;
        let begun = Instant::now();
        until("a deletion is repaired", async || {
            let is_repaired = self.binding().await?.is_some_and(|now| now.uid() != binding.uid());
            Ok(is_repaired && self.lets(self.member).await?)
        })
        .await?;
        Ok(begun.elapsed())
    }

    async fn lets(&self, user: &str) -> Result<bool, String> {
        may(self.admin, &self.name, user.to_owned()).await
    }

    async fn binding(&self) -> Result<Option<RoleBinding>, String> {
        let of_policy = ListParams::default().labels(&format!("scim-operator.dev/policy={POLICY}"));
        let found = self.bindings().list(&of_policy).await.map_err(|error| error.to_string())?;
        Ok(found.items.into_iter().next())
    }

    async fn patch(&self, binding: &RoleBinding, patch: Value) -> Result<(), String> {
        let (name, params) = (binding.name_any(), PatchParams::default());
        let patched = self.bindings().patch(&name, &params, &Patch::Merge(patch)).await;
        patched.map(drop).map_err(|error| error.to_string())
    }

    fn bindings(&self) -> Api<RoleBinding> {
        Api::namespaced(self.admin.clone(), &self.name)
    }
}

fn row(what: &str, mut took: Vec<Duration>) -> Row {
    took.sort();
    let [p50, p99] = [0.5, 0.99].map(|share| quantile(&took, share).as_secs_f64() * 1000.0);
    Row::Ratio(Ratio {
        what: what.to_owned(),
        measured: format!("p50 {p50:.0} ms, p99 {p99:.0} ms"),
        floor: "1 s wanted of p99".to_owned(),
        ratio: p99 / 1000.0,
        wanted: Wanted::AtMost(1.0),
    })
}
