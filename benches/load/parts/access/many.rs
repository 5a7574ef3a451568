//! Policies whose selector finds namespaces by the thousand: how long they take, and how many writes.

use std::{
    pin::pin,
    time::{Duration, Instant},
};

use futures::{StreamExt, TryStreamExt, stream};
use k8s_openapi::api::core::v1::Namespace;
use kube::{Api, Client, api::ListParams};
use scim_operator::api::ScimAccessPolicy;
use serde_json::json;
use tokio::time::sleep;

use super::{
    FEW,
    cluster::{create, create_policy, until},
};
use crate::{
    harness::{Life, Process},
    parts::Measured,
    report::{Ratio, Row, Wanted},
    world::{Directory, WRITERS, World},
};

const NAMESPACES: usize = 1_000;
const POLICIES_OF_MANY: usize = 20;
const BINDINGS: usize = NAMESPACES * POLICIES_OF_MANY;
/// The API server tells how many requests were in flight at most in the last second.
const LOOK: Duration = Duration::from_millis(900);

/// Measures it with the `reconcile` that runs, and what the next one does that finds everything done.
pub async fn measure(world: &World, admin: &Client, directory: &Directory, reconcile: Process) -> Measured {
    let namespaces: Api<Namespace> = Api::all(admin.clone());
    let made = (0..NAMESPACES).map(|number| {
        let name = format!("bench-{number}");
        create(&namespaces, json!({"metadata": {"name": name, "labels": {"bench": "many"}}}))
    });
    stream::iter(made).buffer_unordered(WRITERS).try_for_each(async |()| Ok(())).await?;
    let (before, begun) = (Requests::ask(admin).await?, Instant::now());
    let in_flight = most_in_flight(admin, settle(admin, directory)).await?;
    let (took, after) = (begun.elapsed().as_secs_f64(), Requests::ask(admin).await?);
    let again = Instant::now();
    drop(reconcile);
    let _next = all_planned_by_another(world, admin).await?;
    let (again, last) = (again.elapsed().as_secs_f64(), Requests::ask(admin).await?);
    let (first, second) = (after.writes - before.writes, last.writes - after.writes);
    let policies = format!("{POLICIES_OF_MANY} policies in {NAMESPACES} namespaces each");
    let rate = BINDINGS as f64 / took;
    let first = Row::Ratio(Ratio {
        what: policies.clone(),
        measured: format!(
            "{took:.0} s, {rate:.0} bindings a second, {first} writes of bindings, of all kinds {in_flight} in flight at most"
        ),
        floor: format!("{BINDINGS} bindings"),
        ratio: first as f64 / BINDINGS as f64,
        wanted: Wanted::AtMost(1.0),
    });
    let second = Row::Ratio(Ratio {
        what: format!("{policies}, planned once more by a reconcile that starts"),
        measured: format!("{again:.0} s, {second} writes of bindings"),
        floor: "none wanted".to_owned(),
        ratio: second as f64,
        wanted: Wanted::AtMost(0.0),
    });
    Ok(vec![first, second])
}

/// Creates the policies; returns once each has been applied everywhere.
async fn settle(admin: &Client, directory: &Directory) -> Result<(), String> {
    for number in 0..POLICIES_OF_MANY {
        let scope = json!({"selector": {"matchLabels": {"bench": "many"}}});
        create_policy(admin, directory, &format!("many-{number}"), FEW, scope).await?;
    }
    let policies: Api<ScimAccessPolicy> = Api::all(admin.clone());
    for number in 0..POLICIES_OF_MANY {
        let name = format!("many-{number}");
        until("a policy has settled", async || {
            let policy = policies.get_status(&name).await.map_err(|error| error.to_string())?;
            let namespaces = policy.status.and_then(|status| status.namespaces);
            Ok(namespaces.is_some_and(|namespaces| namespaces.applied == NAMESPACES as i64))
        })
        .await?;
    }
    Ok(())
}

/// Starts another `reconcile`; returns it once it has planned as often as there are policies, and has come to rest.
async fn all_planned_by_another(world: &World, admin: &Client) -> Result<Process, String> {
    let policies = Api::<ScimAccessPolicy>::all(admin.clone()).list_metadata(&ListParams::default()).await;
    let policies = policies.map_err(|error| error.to_string())?.items.len();
    let next = Process::start(&world.plane, "scim-operator-reconcile", Life::Ours).await;
    let mut before = 0;
    until("everything has been planned once more", async || {
        sleep(LOOK).await;
        let planned =
            sum(&next.metrics().await, "scim_operator_reconciles_total", &["controller=\"access\""]);
        Ok(planned >= policies && std::mem::replace(&mut before, planned) == planned)
    })
    .await?;
    Ok(next)
}

/// How many requests that write the API server worked on at once at most meanwhile, whoever sent them.
async fn most_in_flight(
    admin: &Client,
    work: impl Future<Output = Result<(), String>>,
) -> Result<usize, String> {
    let (mut work, mut most) = (pin!(work), 0);
    loop {
        tokio::select! {
            done = &mut work => return done.map(|()| most),
            () = sleep(LOOK) => most = most.max(Requests::ask(admin).await?.in_flight),
        }
    }
}

/// What the API server counts itself.
struct Requests {
    /// Writes of RoleBindings, whatever became of them.
    writes: usize,
    in_flight: usize,
}

impl Requests {
    async fn ask(admin: &Client) -> Result<Self, String> {
        let request = http::Request::get("/metrics").body(Vec::new()).map_err(|error| error.to_string())?;
        let metrics = admin.request_text(request).await.map_err(|error| error.to_string())?;
        let writes = ["POST", "PUT", "PATCH", "APPLY", "DELETE"].map(|verb| {
            let verb = format!("verb=\"{verb}\"");
            sum(&metrics, "apiserver_request_total", &["resource=\"rolebindings\"", &verb])
        });
        let in_flight = sum(&metrics, "apiserver_current_inflight_requests", &["request_kind=\"mutating\""]);
        Ok(Self { writes: writes.into_iter().sum(), in_flight })
    }
}

/// The sum of all series of a metric with these labels.
fn sum(metrics: &str, name: &str, labels: &[&str]) -> usize {
    let lines = metrics.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix('{'));
    let lines = lines.filter(|line| labels.iter().all(|label| line.contains(label)));
    lines.filter_map(|line| line.rsplit(' ').next()?.parse::<usize>().ok()).sum()
}
