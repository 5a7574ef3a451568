//! Access, asked of the API server: who may do what before and after, and what policies say of it.

use std::thread;

use k8s_openapi::api::{
    core::v1::Namespace,
    rbac::v1::{ClusterRole, RoleBinding, Subject},
};
use kube::{
    Api, Client, Config, Resource, ResourceExt,
    api::{DeleteParams, ObjectMeta, Patch, PatchParams, PostParams},
    config::KubeConfigOptions,
};
use scim_operator::{
    api::{ScimAccessPolicy, ScimGroup, ScimProvider, ScimUser},
    ops::{
        kube_client::{Role, controller_client, request_client},
        metrics::Metrics,
        readiness::{Readiness, State},
        shutdown::{Shutdown, Trigger},
    },
    reconcile::{Context, Reconciler, Settings},
};
use serde_json::{Value, json};

use crate::harness::{APPS, ControlPlane, Identity, Installation, await_until, unique, until};

mod bad_input;
mod behind;
mod company;
mod correlation;
mod crashes;
mod drift;
mod endings;
mod features;
mod finalizers;
mod first;
mod freeze;
mod grants;
pub(crate) mod guard;
mod history;
mod lists;
mod metrics;
mod outage;
mod process;
mod selection;
mod since;
mod slowness;
mod tampering;
mod token_groups;
mod unbindable;
mod unreadable;
mod window;

pub(crate) use self::{
    company::{Company, meta},
    unreadable::{store_unknown, unreadable_person},
};

/// The label that bindings of a policy carry.
const POLICY: &str = "scim-operator.dev/policy";

/// A namespace in which the operator may configure applications.
pub(crate) const CONFIGURED: &str = APPS;

/// The shared control plane, with the installed operator running on it.
pub(crate) async fn reconciled() -> &'static ControlPlane {
    Installation::shared().await;
    ControlPlane::shared().await
}

/// What the chart decides where tests run the controllers.
fn settings(namespace: String, lease: String) -> Settings {
    let names = |names: &[&str]| names.iter().copied().map(str::to_owned).collect();
    Settings {
        namespace,
        lease,
        pod: "test".to_owned(),
        bindable_cluster_roles: names(&["view", "edit"]),
        cluster_wide_roles: names(&["view", "auditor"]),
        protected_namespaces: names(&["kube-*"]),
        admission_policy: "scim-operator-bindings".to_owned(),
        app_config_namespaces: names(&[CONFIGURED]),
        ..Settings::default()
    }
}

/// Runs the controllers in a runtime of their own until the process ends; returns when they are ready.
async fn reconcile_as(plane: &'static ControlPlane, identity: Identity) {
    let namespace = plane.namespace("operator").await;
    let readiness = Readiness::default();
    let ready = readiness.clone();
    thread::spawn(move || {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async {
            let options = KubeConfigOptions::default();
            let config = Config::from_custom_kubeconfig(plane.kubeconfig(&identity), &options).await.unwrap();
            let context = Context {
                watching: controller_client(config.clone(), Role::Reconcile).unwrap(),
                writing: request_client(config, Role::Reconcile).unwrap(),
                settings: settings(namespace, "reconcile".to_owned()),
                metrics: Metrics::new(),
                readiness,
            };
            let (_trigger, shutdown) = Shutdown::new();
            Reconciler::new(&context).run(&shutdown).await.unwrap();
        });
    });
    await_until("the controllers are ready", async || ready.state() == State::Ready).await;
}

/// Whom a binding names.
fn subjects(binding: &RoleBinding) -> Vec<String> {
    binding.subjects.iter().flatten().map(|Subject { name, .. }| name.clone()).collect()
}
