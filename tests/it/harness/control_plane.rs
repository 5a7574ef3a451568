//! A Kubernetes control plane with the kinds of this product.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use futures::future::join_all;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::{
    Api, Client, ResourceExt,
    api::{ApiResource, DynamicObject, GroupVersionKind, ListParams, PostParams},
    config::Kubeconfig,
    runtime::wait::{Condition, conditions::is_crd_established},
};
use scim_operator::api::definitions;
use tokio::{process::Command, sync::OnceCell, task::spawn_blocking};

use super::{
    output, programs,
    supervisor::{Ready, Supervisor},
    until,
};

/// Whether etcd waits for the disk: only what measures writes, or takes etcd away, needs it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fsync {
    Yes,
    No,
}

/// A control plane with real RBAC, admission and garbage collection, and without nodes. It ends when it
/// is dropped, and with this process however that ends.
pub(crate) struct ControlPlane {
    /// None where it was left to itself.
    supervisor: Option<Arc<Mutex<Supervisor>>>,
    /// Where `cluster`, `kubectl` and `helm` are.
    pub(super) programs: &'static Path,
    pub(super) kubeconfig_file: PathBuf,
    pub(super) kubeconfig: Kubeconfig,
}

impl ControlPlane {
    /// The one that all tests share, started by the first which asks. Nothing in it belongs to the
    /// runtime of that test.
    pub(crate) async fn shared() -> &'static Self {
        static SHARED: OnceCell<ControlPlane> = OnceCell::const_new();
        SHARED.get_or_init(|| Self::start(Fsync::No)).await
    }

    /// One more, for a test that breaks it.
    pub(crate) async fn start(fsync: Fsync) -> Self {
        let plane = Self::bare(fsync).await;
        plane.install_definitions().await;
        plane
    }

    /// One more, without the kinds of this product.
    pub(crate) async fn bare(fsync: Fsync) -> Self {
        let programs = programs::folder().await;
        let supervisor = spawn_blocking(move || Supervisor::start(programs, fsync)).await.unwrap();
        let kubeconfig_file = supervisor.kubeconfig.clone();
        Self::of(programs, Some(Arc::new(Mutex::new(supervisor))), kubeconfig_file)
    }

    /// One in a folder of its own that goes on when this process ends, until the process in the folder's
    /// file `pid` is told to end.
    pub(crate) async fn detached(dir: &Path) -> Self {
        let programs = programs::folder().await;
        let mut command = Command::new(programs.join("cluster"));
        let ready = output(command.arg("control-plane").arg("--detach").arg("--dir").arg(dir)).await.unwrap();
        Self::of(programs, None, Ready::parse(&ready).kubeconfig)
    }

    fn of(programs: &'static Path, supervisor: Option<Arc<Mutex<Supervisor>>>, kubeconfig: PathBuf) -> Self {
        let parsed = Kubeconfig::read_from(&kubeconfig).unwrap();
        Self { supervisor, programs, kubeconfig_file: kubeconfig, kubeconfig: parsed }
    }

    /// Takes the API server away, which breaks every connection to it.
    pub(crate) async fn stop_api_server(&self) {
        self.order("stop kube-apiserver", "stopped").await;
    }

    /// Brings the API server back at the same address, and returns when it answers.
    pub(crate) async fn start_api_server(&self) {
        self.order("start kube-apiserver", "ready").await;
    }

    /// The host and port of the API server.
    pub(crate) fn address(&self) -> String {
        let server = self.kubeconfig.clusters[0].cluster.as_ref().unwrap().server.as_deref().unwrap();
        server.trim_start_matches("https://").to_owned()
    }

    /// The folder of everything that belongs to this control plane, and goes with it.
    pub(crate) fn folder(&self) -> &Path {
        self.kubeconfig_file.parent().unwrap()
    }

    /// Kills the process that everything else depends on, which gives it no chance to clean up.
    pub(crate) fn kill(&self) {
        self.supervisor().lock().unwrap().kill();
    }

    fn supervisor(&self) -> &Arc<Mutex<Supervisor>> {
        self.supervisor.as_ref().expect("a control plane that was not left to itself")
    }

    /// Returns when every kind of this product can be read.
    async fn install_definitions(&self) {
        let client = self.admin().await;
        join_all(definitions().into_iter().map(|definition| install(client.clone(), definition))).await;
    }

    async fn order(&self, order: &'static str, expected: &str) {
        let supervisor = Arc::clone(self.supervisor());
        let answer = spawn_blocking(move || supervisor.lock().unwrap().obey(order)).await.unwrap();
        assert_eq!(answer, expected, "after the order to {order}");
    }
}

async fn install(client: Client, definition: CustomResourceDefinition) {
    let definitions = Api::all(client.clone());
    let name = definition.name_any();
    definitions.create(&PostParams::default(), &definition).await.unwrap();
    until(&definitions, &name, "established", |definition| {
        is_crd_established().matches_object(Some(definition))
    })
    .await;
    // The API server answers 429 until the kind's cache is filled, which the client waits for.
    let version = GroupVersionKind::gvk(
        &definition.spec.group,
        &definition.spec.versions[0].name,
        &definition.spec.names.kind,
    );
    let kind = ApiResource::from_gvk_with_plural(&version, &definition.spec.names.plural);
    Api::<DynamicObject>::all_with(client, &kind).list(&ListParams::default()).await.unwrap();
}
