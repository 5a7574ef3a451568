//! The Helm chart, installed: what its accounts may do, what its admission policies let pass, what its
//! values mean.

mod accounts;
mod adoptions;
mod app_configs;
mod applications;
mod approvals;
mod bindings;
mod definitions;
mod field_manager;
mod pods;
mod removals;
mod values;

use http::{Method, Request, header::CONTENT_TYPE};
use kube::Client;
use serde_json::Value;
use tokio::{sync::OnceCell, time::timeout};

use crate::harness::{ControlPlane, DEADLINE};

const CHART: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/charts/scim-operator");

/// The chart, installed once for these tests: `edit` may be given in namespaces alone, `view` in the whole
/// cluster alone, the Role `deployer` in one namespace.
struct Release {
    plane: &'static ControlPlane,
    /// Its own namespace.
    namespace: String,
    /// Where it may configure applications.
    apps: String,
    /// Where it may give `deployer`.
    team: String,
}

impl Release {
    /// The beginning of the names of its objects.
    const NAME: &str = "chart-scim-operator";

    async fn get() -> &'static Self {
        static RELEASE: OnceCell<Release> = OnceCell::const_new();
        RELEASE.get_or_init(Self::install).await
    }

    async fn install() -> Self {
        let plane = ControlPlane::shared().await;
        let namespace = plane.namespace("operator").await;
        let (apps, team) = (plane.namespace("apps").await, plane.namespace("team").await);
        let values = format!(
            "--set crds.enabled=false --set rbac.bindableClusterRoles={{edit}} --set rbac.clusterWideRoles={{view}} \
             --set rbac.bindableRoles={{{team}/deployer}} --set appConfig.namespaces={{{apps}}}"
        );
        helm(plane, &format!("install chart {CHART} --namespace {namespace} {values}")).await.unwrap();
        Self { plane, namespace, apps, team }
    }

    /// A client of the account of `serve` or `reconcile`.
    async fn account(&self, component: &str) -> Client {
        let name = format!("{}-{component}", Self::NAME);
        self.plane.client(&self.plane.service_account(&self.namespace, &name).await).await
    }

    /// Runs kubectl as the administrator.
    async fn kubectl(&self, arguments: &str) {
        self.plane.kubectl(arguments.split_whitespace()).await.unwrap();
    }
}

/// Runs Helm, and returns what it printed, or what it complained about.
async fn helm(plane: &ControlPlane, arguments: &str) -> Result<String, String> {
    plane.helm(arguments.split_whitespace()).await
}

/// Asserts that a request is refused with a message that says so. It changes nothing.
async fn assert_refused(client: &Client, method: Method, path: &str, body: &Value, message: &str) {
    let refused = |answer: &Answer| answer.as_ref().is_err_and(|refusal| refusal.contains(message));
    assert_answer(client, &method, path, body, &format!("refused with {message:?}"), refused).await;
}

/// Asserts that a request is taken. It changes nothing.
async fn assert_taken(client: &Client, method: Method, path: &str, body: &Value) {
    assert_answer(client, &method, path, body, "taken", Answer::is_ok).await;
}

/// A refusal is its message.
type Answer = Result<(), String>;

/// Asks until the answer is as it should be: neither a right nor a policy is in force at the moment in which
/// it is written.
async fn assert_answer(
    client: &Client,
    method: &Method,
    path: &str,
    body: &Value,
    what: &str,
    is_right: impl Fn(&Answer) -> bool,
) {
    let mut answer = dry_run(client, method, path, body).await;
    let asking = async {
        while !is_right(&answer) {
            answer = dry_run(client, method, path, body).await;
        }
    };
    let right = timeout(DEADLINE, asking).await.is_ok();
    assert!(right, "{method} {path} is not {what} but answered {answer:?}");
}

async fn dry_run(client: &Client, method: &Method, path: &str, body: &Value) -> Answer {
    let content = if method == Method::PATCH { "application/merge-patch+json" } else { "application/json" };
    let request =
        Request::builder().method(method).uri(format!("{path}?dryRun=All")).header(CONTENT_TYPE, content);
    match client.request::<Value>(request.body(body.to_string().into_bytes()).unwrap()).await {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) => Err(status.message),
        Err(error) => panic!("{method} {path}: {error}"),
    }
}
