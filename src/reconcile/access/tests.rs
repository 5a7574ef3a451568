use std::{
    convert::Infallible,
    pin::pin,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc,
    },
};

use futures::{FutureExt, poll};
use http::{Method, Request, Response};
use k8s_openapi::api::rbac::v1::RoleBinding;
use kube::{Config as Server, client::Body};
use serde_json::{Value, json};
use tokio::{runtime::Builder, task::spawn_blocking, time::timeout};
use tower::service_fn;

use super::*;
use crate::{
    access::{
        Binding, BindingObject, Subject,
        tests::{
            guard::{members, team},
            world::World,
        },
    },
    api::names::ANNOTATION_APPROVE,
    directory::view::Directory,
    ops::readiness::Readiness,
    reconcile::Settings,
};

fn without_an_api_server() -> Arc<Access> {
    let nobody_listens = Server::new("http://127.0.0.1:1".parse().unwrap());
    access(Client::try_from(nobody_listens).unwrap())
}

/// What an API server was asked.
type Asked = Arc<Mutex<Vec<(Method, Value)>>>;

/// An API server that refuses every patch with this, has one object, and takes everything else; what it was asked.
fn refusing_patches(refusal: Value, object: Value) -> (Client, Asked) {
    answering(move |method, sent| {
        Some(match *method {
            Method::PATCH => refusal.clone(),
            Method::GET => object.clone(),
            _ => sent,
        })
    })
}

/// An API server that answers so what is sent, or never; what it was asked.
fn answering(
    answer: impl Fn(&Method, Value) -> Option<Value> + Clone + Send + Sync + 'static,
) -> (Client, Asked) {
    let asked = Asked::default();
    let (noted, version) = (asked.clone(), Arc::new(AtomicU64::new(1000)));
    let answer = service_fn(move |request: Request<Body>| {
        let (noted, answer, version) = (noted.clone(), answer.clone(), version.clone());
        async move {
            let method = request.method().clone();
            let sent = request.into_body().collect_bytes().await.unwrap();
            let sent: Value = serde_json::from_slice(&sent).unwrap_or_default();
            noted.lock().unwrap().push((method.clone(), sent.clone()));
            let Some(mut answer) = answer(&method, sent) else { return pending().await };
            let code = answer["code"].as_u64().unwrap_or(200);
            if answer["metadata"]["uid"].is_null() {
                answer["metadata"]["uid"] = json!("uid");
            }
            answer["metadata"]["resourceVersion"] =
                json!(version.fetch_add(1, Ordering::Relaxed).to_string());
            let body = Body::from(serde_json::to_vec(&answer).unwrap());
            Ok::<_, Infallible>(Response::builder().status(u16::try_from(code).unwrap()).body(body).unwrap())
        }
    });
    (Client::new(answer, "default"), asked)
}

/// What an API server answers whose RBAC does not let the operator bind a role.
fn may_not_bind() -> Value {
    let message = "user \"operator\" is attempting to grant RBAC permissions not currently held";
    json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "reason": "Forbidden",
        "code": 403})
}

/// What it answers where there is no such role either.
fn no_such_role() -> Value {
    json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound", "code": 404,
        "message": "clusterroles.rbac.authorization.k8s.io \"edit\" not found",
        "details": {"name": "edit", "group": "rbac.authorization.k8s.io", "kind": "clusterroles"}})
}

fn access(client: Client) -> Arc<Access> {
    access_to(client, Directory::default())
}

fn access_to(client: Client, directory: Directory) -> Arc<Access> {
    let context = Context {
        watching: client.clone(),
        writing: client.clone(),
        settings: Settings::default(),
        metrics: Metrics::new(),
        readiness: Readiness::default(),
    };
    let events = Arc::new(Events::new(client, "test".to_owned()));
    Arc::new(Access::new(&context, Shared::of(directory), events))
}

#[test]
fn token_groups_are_counted_apart_from_what_renews_the_lease() {
    let runtime = Builder::new_current_thread().max_blocking_threads(1).enable_all().build().unwrap();
    runtime.block_on(async {
        let access = without_an_api_server();
        let policy = json!({
            "apiVersion": "scim-operator.dev/v1alpha1", "kind": "ScimAccessPolicy",
            "metadata": {"name": "p", "uid": "u"},
            "spec": {"provider": "okta", "subjects": {"groups": [{"displayName": "team"}]}, "subjectKind": "Group",
                "roleRef": {"name": "edit"}, "scope": {"namespaces": {"names": ["team-a"]}}},
        });
        let policies = access.index_mut().apply_policy(serde_json::from_value(policy).unwrap());
        let (release, busy) = mpsc::channel::<()>();
        let _only_thread = spawn_blocking(move || busy.recv());
        let mut counting = pin!(access.see_token_groups(&policies));
        assert!(poll!(&mut counting).is_pending(), "it computes on the task that waits");
        drop(release);
        counting.await;
    });
}

#[tokio::test]
async fn nobody_is_given_anything_by_a_plan_whose_time_is_over() {
    let mut world = World::new();
    world.user("alice", json!({}));
    world.group("team", &["alice"], json!({}));
    world.policy("p", json!({}));
    let (access, mut plan) = (without_an_api_server(), world.plan("p"));
    let mut error = async |next| {
        plan.next = Some(next);
        access.executor.execute(&plan, Run::Real).await.first_error().unwrap().to_owned()
    };
    assert!(error(Timestamp::MAX).await.starts_with("the API server cannot be asked"));
    assert!(error(Timestamp::MIN).await.starts_with("it was not given before the time came"));
}

/// Carries a plan out, or pretends to, and tells what was asked meanwhile; and the controller.
async fn carry_out(world: World, run: Run, refusal: Value) -> (Outcome, Vec<Method>, Arc<Access>) {
    let plan = world.plan("p");
    let (client, asked) = refusing_patches(refusal, Value::Null);
    let access = access(client);
    *access.index_mut() = world.index;
    let outcome = access.executor.execute(&plan, run).await;
    let asked = asked.lock().unwrap().iter().map(|(method, _)| method.clone()).collect();
    (outcome, asked, access)
}

#[tokio::test]
async fn whoever_gets_another_role_keeps_the_one_before_until_then_though_nobody_may_bind_that_any_more() {
    let mut world = World::with_team();
    world.group("team", &["alice"], json!({}));
    world.policy("p", json!({"roleRef": {"name": "view"}}));
    let (outcome, asked, _) = carry_out(world, Run::Real, may_not_bind()).await;
    assert_eq!(asked.last(), Some(&Method::DELETE), "{asked:?}");
    assert!(asked.contains(&Method::POST) && outcome.is_complete(), "{asked:?} {outcome:?}");
    assert!(outcome.done().iter().all(|done| done.unplanned == 0), "{outcome:?}");
}

#[tokio::test]
async fn whoever_is_deactivated_goes_with_a_role_that_nobody_may_bind_or_that_is_gone() {
    for refusal in [may_not_bind(), no_such_role()] {
        let mut world = World::with_team();
        world.user("bob", json!({"active": false}));
        let (outcome, asked, access) = carry_out(world, Run::Real, refusal).await;
        assert_eq!(asked, [Method::PATCH, Method::DELETE]);
        assert_eq!(outcome.done().iter().map(|done| done.unplanned).collect::<Vec<_>>(), [1]);
        assert_eq!(access.index().bindings_of("p").count(), 0);
    }
}

#[tokio::test]
async fn a_binding_whose_role_is_gone_is_there_as_before() {
    let mut world = World::with_team();
    world.group("team", &["alice"], json!({}));
    let (outcome, asked, access) = carry_out(world, Run::Real, no_such_role()).await;
    assert_eq!((asked, outcome.roles_not_allowed().count()), (vec![Method::PATCH], 1));
    assert_eq!(access.index().bindings_of("p").count(), 1);
}

#[tokio::test]
async fn a_dry_run_forgets_no_binding() {
    let mut world = World::with_team();
    world.group("team", &["alice"], json!({}));
    let mut gone = no_such_role();
    gone["details"]["kind"] = json!("rolebindings");
    let (outcome, _, access) = carry_out(world, Run::Dry, gone).await;
    assert!(outcome.first_error().unwrap().ends_with("is gone"));
    assert_eq!(access.index().bindings_of("p").count(), 1);
}

#[tokio::test]
async fn a_status_is_written_over_what_was_planned_from_and_what_came_since_is_looked_at() {
    let mut world = World::with_team();
    let mut policy = ScimAccessPolicy::clone(world.index.policy("p").unwrap());
    (policy.metadata.uid, policy.metadata.resource_version) = (Some("uid".to_owned()), Some("7".to_owned()));
    world.index.apply_policy(policy.clone());
    let mut since = policy.clone();
    since.spec.role_ref.name = "view".to_owned();
    let conflict =
        json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Conflict", "code": 409});
    let (client, asked) = refusing_patches(conflict, json!(since));
    let access = access(client);
    *access.index_mut() = world.index;
    let status = AccessPolicyStatus { subjects: 2, ..AccessPolicyStatus::default() };
    let shown = access.show(&Arc::new(policy), status, Begun::Nothing).await;
    assert_eq!(shown.unwrap_err(), Trouble::Passing);
    assert_eq!(asked.lock().unwrap()[0].1["metadata"]["resourceVersion"], "7");
    assert_eq!(access.index().policy("p").unwrap().spec.role_ref.name, "view");
}

#[tokio::test]
async fn who_stands_where_they_should_counts_though_something_else_of_the_policy_cannot_be_written() {
    let mut world = World::with_team();
    world.index.take_over();
    world.user("carol", json!({}));
    world.slip_in("p", Subject::User("oidc:carol".into()));
    world.group("team", &["alice", "bob", "carol"], json!({}));
    world.policy("p", json!({"scope": {"namespaces": {"names": ["team-a", "team-b"]}}}));
    let (policy, plan) = world.policy_and_plan("p");
    let access = without_an_api_server();
    *access.index_mut() = world.index;
    let outcome = access.executor.execute(&plan, Run::Real).await;
    assert!(!outcome.is_complete());
    let planned = Planned {
        admitted: Admitted { policy, plan, leaving: Leaving::Few },
        grown: Grown::new(),
        deleted: Lost::new(),
        former: Former::new(),
    };
    access.conclude("p", planned, &outcome, None, Instant::now()).await;
    let index = access.index();
    assert_eq!(index.bindings_of("p").map(|observed| observed.confirmed.len()).collect::<Vec<_>>(), [1]);
}

/// Thirty people, of whom twenty are to lose what they have, and whether somebody approved that.
fn many_leave(is_approved: bool) -> (World, Vec<String>) {
    let (mut world, people) = team(30);
    members(&mut world, "team", &people[20..]);
    if is_approved {
        let held = world.plan("p").held.unwrap();
        let status = json!({"held": {"plan": held.plan, "since": held.since, "subjects": 20}});
        world.annotated_policy("p", json!({ANNOTATION_APPROVE: held.plan}), status);
    }
    (world, people)
}

/// An API server that answers so whenever a status is written, or never, and takes bindings at once.
fn with_statuses(
    world: World,
    status: impl Fn(Value) -> Option<Value> + Clone + Send + Sync + 'static,
) -> (Arc<Access>, Asked) {
    let binding: Binding = world.bindings("p").remove(0);
    let (object, policy) = (json!(RoleBinding::new(&binding)), json!(world.index.policy("p").unwrap()));
    let (client, asked) = answering(move |method, sent| match *method {
        Method::PATCH if sent.get("status").is_some() => {
            let mut written = policy.clone();
            written["status"] = sent["status"].clone();
            status(written)
        }
        Method::PATCH => {
            let mut written = object.clone();
            written["subjects"] = sent["subjects"].clone();
            Some(written)
        }
        Method::GET => Some(policy.clone()),
        _ => Some(sent),
    });
    let World { directory, index, .. } = world;
    let access = access_to(client, directory);
    *access.index_mut() = index;
    (access, asked)
}

/// How often something has been told in an event.
async fn told(access: &Access, asked: &Asked, reason: &str) -> usize {
    let _published = timeout(Duration::from_secs(1), access.events.publish()).await;
    let asked = asked.lock().unwrap();
    asked.iter().filter(|(method, sent)| *method == Method::POST && sent["reason"] == reason).count()
}

/// How many are left in the binding after each write.
fn left(asked: &Asked) -> Vec<usize> {
    let asked = asked.lock().unwrap();
    let written = asked.iter().filter(|(method, _)| *method == Method::PATCH);
    written.filter_map(|(_, sent)| Some(sent.get("subjects")?.as_array()?.len())).collect()
}

#[tokio::test(start_paused = true)]
async fn who_is_deactivated_goes_at_once_though_no_approval_can_be_noted_and_the_others_wait() {
    let refusal = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 500});
    for answer in [Some(refusal), None] {
        let is_answered = answer.is_some();
        let (mut world, people) = many_leave(true);
        world.user(&people[29], json!({"active": false}));
        let (access, asked) = with_statuses(world, move |_| answer.clone());
        let again = timeout(Duration::from_millis(500), access.reconcile("p")).await;
        assert_eq!(again.ok(), is_answered.then_some(Again::Retry(Trouble::Passing)));
        assert_eq!(left(&asked), [29]);
    }
}

#[tokio::test(start_paused = true)]
async fn who_is_deactivated_while_a_plan_is_carried_out_goes_though_something_else_is_approved_meanwhile() {
    let (mut world, people) = many_leave(true);
    world.user(&people[29], json!({"active": false}));
    let (access, asked) = with_statuses(world, Some);
    access.revoke("p").await;
    assert_eq!(left(&asked), [29]);
    assert!(told(&access, &asked, "AccessRevoked").await > 0);
}

#[tokio::test(start_paused = true)]
async fn whoever_comes_is_given_access_at_once_though_an_approval_is_slow_to_be_noted() {
    let (mut world, people) = many_leave(true);
    world.user("newcomer", json!({}));
    members(&mut world, "team", &[&people[20..], &["newcomer".to_owned()]].concat());
    let (access, asked) = with_statuses(world, |_| None);
    assert!(timeout(Duration::from_millis(100), access.reconcile("p")).await.is_err());
    assert_eq!(left(&asked), [31]);
}

#[tokio::test(start_paused = true)]
async fn who_is_to_go_while_a_status_is_slow_to_be_written_goes_at_once() {
    let world = World::with_team();
    let mut policy = ScimAccessPolicy::clone(world.index.policy("p").unwrap());
    let (access, asked) = with_statuses(world, |_| None);
    let mut reconcile = pin!(access.reconcile("p"));
    assert!(timeout(Duration::from_secs(1), &mut reconcile).await.is_err());
    assert_eq!(asked.lock().unwrap().len(), 1, "the status");

    policy.metadata.generation = Some(2);
    policy.spec.validity = Some(serde_json::from_value(json!({"notAfter": "2020-01-01T00:00:00Z"})).unwrap());
    let touched = access.index_mut().apply_policy(policy);
    access.queue.add(touched);
    assert!(timeout(Duration::from_secs(1), &mut reconcile).await.is_err());
    assert_eq!(asked.lock().unwrap().last().unwrap().0, Method::DELETE);
}

#[tokio::test]
async fn what_was_approved_goes_once_that_is_noted() {
    let (world, _) = many_leave(true);
    let (access, asked) = with_statuses(world, Some);
    assert_eq!(access.reconcile("p").await, Again::WhenAdded);
    assert_eq!(left(&asked), [0; 0], "that is for the next plan, which is due");
    assert!(access.queue.taken_up(&"p".into()).now_or_never().is_some());
    access.reconcile("p").await;
    let is_note = |(_, sent): &(Method, Value)| sent["status"]["lastApproved"].is_object();
    let asked_first = asked.lock().unwrap()[0].clone();
    assert!(is_note(&asked_first), "{asked_first:?}");
    assert_eq!(left(&asked), [10]);
}

#[tokio::test(start_paused = true)]
async fn what_a_status_says_is_told_once_and_only_when_it_is_written() {
    let (world, _) = many_leave(false);
    let refuses = Arc::new(AtomicBool::new(true));
    let is_refused = refuses.clone();
    let conflict =
        json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Conflict", "code": 409});
    let (access, asked) = with_statuses(world, move |written| {
        Some(if is_refused.load(Ordering::Relaxed) { conflict.clone() } else { written })
    });
    for (refused, expected) in [(true, 0), (true, 0), (false, 1), (false, 1)] {
        refuses.store(refused, Ordering::Relaxed);
        access.reconcile("p").await;
        assert_eq!(told(&access, &asked, "Held").await, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_status_says_is_told_once_it_is_seen_there_though_no_answer_said_that_it_is_written() {
    let (world, _) = many_leave(false);
    let sent = Arc::new(Mutex::new(None));
    let seen = sent.clone();
    let (access, asked) = with_statuses(world, move |written| {
        let is_lost = sent.lock().unwrap().replace(written.clone()).is_none();
        Some(if is_lost { json!({"metadata": {"name": 1}}) } else { written })
    });
    assert_eq!(access.reconcile("p").await, Again::Retry(Trouble::Passing));
    assert_eq!(told(&access, &asked, "Held").await, 0);

    let mut policy: ScimAccessPolicy = serde_json::from_value(seen.lock().unwrap().clone().unwrap()).unwrap();
    policy.metadata.resource_version = Some("2000".to_owned());
    access.index_mut().apply_policy(policy);
    for _ in 0..2 {
        access.reconcile("p").await;
        assert_eq!(told(&access, &asked, "Held").await, 1);
    }
}
