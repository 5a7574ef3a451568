//! What Prometheus may know: counts by labels of closed sets, never anything that a SCIM client chose.

mod labels;

use std::{fmt, sync::Arc, time::Duration};

use axum::http::{Method, StatusCode};
use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram, info::Info},
    registry::{Metric, Registry, Unit},
};

use self::labels::{
    Change, Controller, HttpRequest, HttpRoute, Kind, KubeWrite, Lease, PlanChange, Policy, Reconcile,
    class_label, method_label,
};
pub use self::labels::{ReconcileOutcome, Verb, WriteOutcome};

/// The metrics of one process; copies count into the same ones. Labels are enums or `&'static str`, so that
/// no request can add a series; the name of a provider is the exception, since admins make providers.
#[derive(Debug, Clone)]
pub struct Metrics {
    registry: Arc<Registry>,
    http_requests: Family<HttpRequest, Counter>,
    http_request_duration: Family<HttpRoute, Histogram>,
    kube_writes: Family<KubeWrite, Counter>,
    kube_writes_in_flight: Gauge,
    kube_writes_refused: Counter,
    index_objects: Family<Kind, Gauge>,
    index_synced: Family<Kind, Gauge>,
    index_unreadable: Family<Kind, Gauge>,
    reconciles: Family<Reconcile, Counter>,
    reconcile_duration: Family<Controller, Histogram>,
    plan_changes: Family<PlanChange, Counter>,
    guard_held_subjects: Family<Policy, Gauge>,
    roles_refused: Family<Policy, Gauge>,
    roles_grown: Family<Policy, Counter>,
    lease_held: Family<Lease, Gauge>,
}

impl Metrics {
    /// The media type of [`Metrics::encode`].
    pub const CONTENT_TYPE: &'static str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

    /// Metrics that count from zero.
    #[expect(
        clippy::new_without_default,
        reason = "two registries in one process are a mistake, not a default"
    )]
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("scim_operator");
        let r = &mut registry;
        r.register("build", "The version that runs", Info::new([("version", env!("CARGO_PKG_VERSION"))]));
        Self {
            http_requests: register(r, "http_requests", "SCIM requests answered", Family::default()),
            http_request_duration: register_seconds(
                r,
                "http_request_duration",
                "From the last byte of a SCIM request's head to the first of its answer",
            ),
            kube_writes: register(
                r,
                "kube_writes",
                "Writes answered by the API server, or not",
                Family::default(),
            ),
            kube_writes_in_flight: register(
                r,
                "kube_writes_in_flight",
                "Directory writes that wait for the API server",
                Gauge::default(),
            ),
            kube_writes_refused: register(
                r,
                "kube_writes_refused",
                "Directory writes answered 429 because the queue was full",
                Counter::default(),
            ),
            index_objects: register(
                r,
                "index_objects",
                "Objects in the directory's index",
                Family::default(),
            ),
            index_synced: register(
                r,
                "index_synced",
                "1 once all objects of a kind were listed",
                Family::default(),
            ),
            index_unreadable: register(
                r,
                "index_unreadable",
                "Objects that the index leaves out because they cannot be read",
                Family::default(),
            ),
            reconciles: register(r, "reconciles", "Reconciliations ended", Family::default()),
            reconcile_duration: register_seconds(
                r,
                "reconcile_duration",
                "From a plan's start to its status",
            ),
            plan_changes: register(
                r,
                "plan_changes",
                "Subjects and entries in executed plans",
                Family::default(),
            ),
            guard_held_subjects: register(
                r,
                "guard_held_subjects",
                "Subjects whose removal waits for an approval, or was approved and is not carried out yet",
                Family::default(),
            ),
            roles_refused: register(
                r,
                "roles_refused",
                "Roles that a policy names and nobody is given, be it that they have grown",
                Family::default(),
            ),
            roles_grown: register(
                r,
                "roles_grown",
                "How often a role that a policy gives came to let more be done",
                Family::default(),
            ),
            lease_held: register(r, "lease_held", "1 while this process leads", Family::default()),
            registry: Arc::new(registry),
        }
    }

    /// All metrics in the OpenMetrics text format. Fails only if a metric cannot be printed.
    pub fn encode(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }

    /// A SCIM request was answered. `route` is the template, not the path; `provider` is that of an existing
    /// ScimProvider, or none.
    pub fn http_request(
        &self,
        method: &Method,
        route: &'static str,
        provider: Option<&str>,
        status: StatusCode,
        took: Duration,
    ) {
        let method = method_label(method);
        let labels =
            HttpRequest { method, route, provider: provider.map(str::to_owned), status: class_label(status) };
        self.http_requests.get_or_create(&labels).inc();
        self.http_request_duration.get_or_create(&HttpRoute { method, route }).observe(took.as_secs_f64());
    }

    /// A write to the API server ended.
    pub fn kube_write(&self, kind: &'static str, verb: Verb, outcome: WriteOutcome) {
        self.kube_writes.get_or_create(&KubeWrite { kind, verb, outcome }).inc();
    }

    /// A directory write is in flight until the guard is dropped.
    pub fn kube_write_in_flight(&self) -> Raised {
        Raised::new(self.kube_writes_in_flight.clone())
    }

    /// A directory write was refused because too many wait.
    pub fn kube_write_refused(&self) {
        self.kube_writes_refused.inc();
    }

    /// How many objects of a kind the index holds.
    pub fn index_objects(&self, kind: &'static str, objects: usize) {
        self.index_objects.get_or_create(&Kind { kind }).set(i64::try_from(objects).unwrap_or(i64::MAX));
    }

    /// Whether the index knows all objects of a kind.
    pub fn index_sync(&self, kind: &'static str, sync: SyncState) {
        self.index_synced.get_or_create(&Kind { kind }).set(i64::from(sync == SyncState::Synced));
    }

    /// How many objects of a kind are there and cannot be read.
    pub fn index_unreadable(&self, kind: &'static str, objects: usize) {
        self.index_unreadable.get_or_create(&Kind { kind }).set(i64::try_from(objects).unwrap_or(i64::MAX));
    }

    /// A controller ended one reconciliation.
    pub fn reconcile(&self, controller: &'static str, outcome: ReconcileOutcome, took: Duration) {
        self.reconciles.get_or_create(&Reconcile { controller, outcome }).inc();
        self.reconcile_duration.get_or_create(&Controller { controller }).observe(took.as_secs_f64());
    }

    /// A controller executed a plan that added and removed this many subjects or entries.
    pub fn plan(&self, controller: &'static str, added: usize, removed: usize) {
        for (change, count) in [(Change::Add, added), (Change::Remove, removed)] {
            let labels = PlanChange { controller, change };
            self.plan_changes.get_or_create(&labels).inc_by(u64::try_from(count).unwrap_or(u64::MAX));
        }
    }

    /// How many subjects of a policy the guard keeps from losing access.
    pub fn guard_held(&self, policy: &str, subjects: usize) {
        count(&self.guard_held_subjects, policy, subjects);
    }

    /// How many roles of a policy are not given to anybody (any more).
    pub fn roles_refused(&self, policy: &str, roles: usize) {
        count(&self.roles_refused, policy, roles);
    }

    /// So many roles that a policy gives let more be done than before.
    pub fn roles_grown(&self, policy: &str, roles: usize) {
        let labels = Policy { policy: policy.to_owned() };
        self.roles_grown.get_or_create(&labels).inc_by(u64::try_from(roles).unwrap_or(u64::MAX));
    }

    /// There is no such policy any more.
    pub fn policy_gone(&self, policy: &str) {
        self.guard_held(policy, 0);
        self.roles_refused(policy, 0);
        self.roles_grown.remove(&Policy { policy: policy.to_owned() });
    }

    /// This process leads by the lease of that name until the guard is dropped.
    pub fn lease_held(&self, lease: &str) -> Raised {
        Raised::new(self.lease_held.get_or_create_owned(&Lease { lease: lease.to_owned() }))
    }
}

/// Counts something of a policy; what is nothing is not shown.
fn count(gauges: &Family<Policy, Gauge>, policy: &str, number: usize) {
    let labels = Policy { policy: policy.to_owned() };
    match i64::try_from(number).unwrap_or(i64::MAX) {
        0 => _ = gauges.remove(&labels),
        number => _ = gauges.get_or_create(&labels).set(number),
    }
}

/// One more in a gauge, until it is dropped.
#[derive(Debug)]
#[must_use = "dropping it lowers the gauge again"]
pub struct Raised(Gauge);

impl Raised {
    fn new(gauge: Gauge) -> Self {
        gauge.inc();
        Self(gauge)
    }
}

impl Drop for Raised {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// How far the index is with a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SyncState {
    /// Objects may be missing.
    Syncing,
    /// All that were there at some moment since the start are known.
    Synced,
}

fn register<M: Metric + Clone>(registry: &mut Registry, name: &str, help: &str, metric: M) -> M {
    registry.register(name, help, metric.clone());
    metric
}

/// From a point lookup's millisecond to the ten seconds after which identity providers give up.
const SECONDS: [f64; 13] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

fn register_seconds<L>(registry: &mut Registry, name: &str, help: &str) -> Family<L, Histogram>
where
    L: EncodeLabelSet + Clone + Eq + std::hash::Hash + fmt::Debug + Send + Sync + 'static,
{
    let durations = Family::new_with_constructor((|| Histogram::new(SECONDS)) as fn() -> Histogram);
    registry.register_with_unit(name, help, Unit::Seconds, durations.clone());
    durations
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn assert_shows(metrics: &Metrics, line: &str) {
        let text = metrics.encode().unwrap();
        assert!(text.lines().any(|shown| shown == line), "no line {line} in\n{text}");
    }

    #[test]
    fn a_request_is_counted_by_its_route_and_the_class_of_its_answer() {
        let metrics = Metrics::new();
        metrics.http_request(
            &Method::PATCH,
            "/Users/{id}",
            Some("okta"),
            StatusCode::NOT_FOUND,
            Duration::from_millis(3),
        );
        assert_shows(
            &metrics,
            r#"scim_operator_http_requests_total{method="PATCH",route="/Users/{id}",provider="okta",status="4xx"} 1"#,
        );
        assert_shows(
            &metrics,
            r#"scim_operator_http_request_duration_seconds_bucket{le="0.005",method="PATCH",route="/Users/{id}"} 1"#,
        );
    }

    #[test]
    fn a_method_that_a_client_made_up_adds_no_series() {
        let metrics = Metrics::new();
        for word in ["BREW", "WHEN"] {
            let method = Method::from_bytes(word.as_bytes()).unwrap();
            metrics.http_request(&method, "/Users", None, StatusCode::METHOD_NOT_ALLOWED, Duration::ZERO);
        }
        assert_shows(
            &metrics,
            r#"scim_operator_http_requests_total{method="other",route="/Users",provider="",status="4xx"} 2"#,
        );
    }

    #[test]
    fn a_write_whose_answer_was_lost_counts_as_unknown() {
        let metrics = Metrics::new();
        let lost: kube::Result<()> = Err(kube::Error::ReadEvents(std::io::ErrorKind::TimedOut.into()));
        metrics.kube_write("ScimUser", Verb::Create, WriteOutcome::from(&lost));
        assert_shows(
            &metrics,
            r#"scim_operator_kube_writes_total{kind="ScimUser",verb="Create",outcome="Unknown"} 1"#,
        );
    }

    #[test]
    fn a_write_is_in_flight_until_its_guard_is_dropped() {
        let metrics = Metrics::new();
        let (first, second) = (metrics.kube_write_in_flight(), metrics.kube_write_in_flight());
        drop(first);
        assert_shows(&metrics, "scim_operator_kube_writes_in_flight 1");
        drop(second);
        assert_shows(&metrics, "scim_operator_kube_writes_in_flight 0");
    }

    #[test]
    fn a_plan_counts_what_it_adds_apart_from_what_it_removes() {
        let metrics = Metrics::new();
        metrics.plan("access", 3, 1);
        assert_shows(&metrics, r#"scim_operator_plan_changes_total{controller="access",change="Add"} 3"#);
        assert_shows(&metrics, r#"scim_operator_plan_changes_total{controller="access",change="Remove"} 1"#);
    }

    #[test]
    fn an_index_is_not_synced_until_everything_is_listed() {
        let metrics = Metrics::new();
        metrics.index_sync("ScimUser", SyncState::Syncing);
        assert_shows(&metrics, r#"scim_operator_index_synced{kind="ScimUser"} 0"#);
        metrics.index_objects("ScimUser", 812);
        metrics.index_sync("ScimUser", SyncState::Synced);
        assert_shows(&metrics, r#"scim_operator_index_synced{kind="ScimUser"} 1"#);
        assert_shows(&metrics, r#"scim_operator_index_objects{kind="ScimUser"} 812"#);
    }

    #[test]
    fn a_policy_of_which_nothing_is_to_be_told_has_no_series() {
        let metrics = Metrics::new();
        metrics.roles_refused("team", 1);
        metrics.guard_held("team", 12);
        assert_shows(&metrics, r#"scim_operator_roles_refused{policy="team"} 1"#);
        metrics.roles_refused("team", 0);
        metrics.guard_held("team", 0);
        assert!(!metrics.encode().unwrap().contains("team"));
        metrics.roles_grown("team", 2);
        assert_shows(&metrics, r#"scim_operator_roles_grown_total{policy="team"} 2"#);
        metrics.policy_gone("team");
        assert!(!metrics.encode().unwrap().contains("team"));
    }

    #[test]
    fn a_held_plan_is_no_failure() {
        let metrics = Metrics::new();
        metrics.reconcile("access", ReconcileOutcome::Held, Duration::from_millis(20));
        assert_shows(&metrics, r#"scim_operator_reconciles_total{controller="access",outcome="Held"} 1"#);
        assert_shows(&metrics, r#"scim_operator_reconcile_duration_seconds_count{controller="access"} 1"#);
    }
}
