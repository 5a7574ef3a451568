//! What the two accounts may do: exactly this, as the API server tells it, and none of what follows.

use std::collections::{BTreeMap, BTreeSet};

use http::Method;
use k8s_openapi::api::authorization::v1::{
    SelfSubjectRulesReview, SelfSubjectRulesReviewSpec, SubjectRulesReviewStatus,
};
use kube::{Api, Client, api::PostParams};
use serde_json::json;

use super::{Release, assert_refused};
use crate::harness::Identity;

#[tokio::test]
async fn serve_writes_the_directory_and_takes_its_own_lease() {
    let release = Release::get().await;
    let (own, elsewhere) =
        (rights(release, "serve", &release.namespace).await, rights(release, "serve", &release.apps).await);
    insta::assert_snapshot!(elsewhere, @r"
    scimaccesspolicies.scim-operator.dev: list watch
    scimgroups.scim-operator.dev: create delete get list patch watch
    scimgroups/status.scim-operator.dev: patch
    scimgroupslices.scim-operator.dev: create delete get list watch
    scimproviders.scim-operator.dev: list watch
    scimproviders/status.scim-operator.dev: patch
    scimtokens.scim-operator.dev: list watch
    scimtokens/status.scim-operator.dev: patch
    scimusers.scim-operator.dev: create delete get list patch watch
    ");
    insta::assert_snapshot!(beyond(&own, &elsewhere), @r"
    leases.coordination.k8s.io chart-scim-operator-janitor: get update
    leases.coordination.k8s.io: create
    ");
}

#[tokio::test]
async fn reconcile_writes_bindings_and_gives_the_listed_roles() {
    let release = Release::get().await;
    insta::assert_snapshot!(rights(release, "reconcile", &release.team).await, @r"
    clusterrolebindings.rbac.authorization.k8s.io: create delete get list patch watch
    clusterroles.rbac.authorization.k8s.io edit view: bind
    clusterroles.rbac.authorization.k8s.io: get list watch
    events.events.k8s.io: create
    namespaces: get list watch
    rolebindings.rbac.authorization.k8s.io: create delete get list patch watch
    roles.rbac.authorization.k8s.io deployer: bind
    roles.rbac.authorization.k8s.io: get list watch
    scimaccesspolicies.scim-operator.dev: adopt enforce get list watch
    scimaccesspolicies/status.scim-operator.dev: patch
    scimappconfigs.scim-operator.dev: get list watch
    scimappconfigs/status.scim-operator.dev: patch
    scimgroups.scim-operator.dev: get list watch
    scimgroupslices.scim-operator.dev: get list watch
    scimproviders.scim-operator.dev: get list watch
    scimproviders/status.scim-operator.dev: patch
    scimusers.scim-operator.dev: get list watch
    ");
}

#[tokio::test]
async fn reconcile_takes_its_own_lease() {
    let release = Release::get().await;
    let (own, elsewhere) = (
        rights(release, "reconcile", &release.namespace).await,
        rights(release, "reconcile", "default").await,
    );
    insta::assert_snapshot!(beyond(&own, &elsewhere), @r"
    leases.coordination.k8s.io chart-scim-operator-reconcile: get update
    leases.coordination.k8s.io: create
    ");
}

#[tokio::test]
async fn reconcile_writes_configuration_where_the_values_say() {
    let release = Release::get().await;
    let (apps, elsewhere) =
        (rights(release, "reconcile", &release.apps).await, rights(release, "reconcile", "default").await);
    insta::assert_snapshot!(beyond(&apps, &elsewhere), @r"
    configmaps: create get list patch watch
    daemonsets.apps: get patch
    deployments.apps: get patch
    secrets: create get patch
    statefulsets.apps: get patch
    ");
}

#[tokio::test]
async fn serve_is_refused_what_would_be_power_over_the_cluster() {
    let release = Release::get().await;
    let serve = release.account("serve").await;
    let Release { namespace, apps, team, .. } = release;
    for (method, path, message) in [
        (
            Method::GET,
            format!("/api/v1/namespaces/{namespace}/secrets/any"),
            "cannot get resource \"secrets\"",
        ),
        (Method::GET, "/api/v1/secrets".to_owned(), "cannot list resource \"secrets\""),
        (
            Method::GET,
            format!("/api/v1/namespaces/{apps}/configmaps/any"),
            "cannot get resource \"configmaps\"",
        ),
        (Method::POST, bindings(team), "cannot create resource \"rolebindings\""),
        (
            Method::PATCH,
            "/apis/scim-operator.dev/v1alpha1/scimproviders/any".to_owned(),
            "cannot patch resource \"scimproviders\"",
        ),
        (
            Method::POST,
            "/apis/scim-operator.dev/v1alpha1/scimtokens".to_owned(),
            "cannot create resource \"scimtokens\"",
        ),
        (
            Method::PATCH,
            "/apis/scim-operator.dev/v1alpha1/scimaccesspolicies/any".to_owned(),
            "cannot patch resource \"scimaccesspolicies\"",
        ),
        (Method::PATCH, lease(namespace, "reconcile"), "cannot patch resource \"leases\""),
    ] {
        assert_refused(&serve, method, &path, &json!({}), message).await;
    }
}

#[tokio::test]
async fn reconcile_is_refused_the_directory_and_every_way_to_more_power() {
    let release = Release::get().await;
    let reconcile = release.account("reconcile").await;
    let Release { namespace, apps, team, .. } = release;
    for (method, path, message) in [
        (
            Method::POST,
            "/apis/scim-operator.dev/v1alpha1/scimusers".to_owned(),
            "cannot create resource \"scimusers\"",
        ),
        (
            Method::PATCH,
            "/apis/scim-operator.dev/v1alpha1/scimgroups/any".to_owned(),
            "cannot patch resource \"scimgroups\"",
        ),
        (
            Method::GET,
            "/apis/scim-operator.dev/v1alpha1/scimtokens".to_owned(),
            "cannot list resource \"scimtokens\"",
        ),
        (
            Method::PATCH,
            "/apis/scim-operator.dev/v1alpha1/scimaccesspolicies/any".to_owned(),
            "cannot patch resource \"scimaccesspolicies\"",
        ),
        (Method::GET, format!("/api/v1/namespaces/{apps}/secrets"), "cannot list resource \"secrets\""),
        (Method::GET, format!("/api/v1/namespaces/{team}/secrets/any"), "cannot get resource \"secrets\""),
        (
            Method::GET,
            format!("/api/v1/namespaces/{namespace}/secrets/any"),
            "cannot get resource \"secrets\"",
        ),
        (
            Method::POST,
            format!("/apis/apps/v1/namespaces/{apps}/deployments"),
            "cannot create resource \"deployments\"",
        ),
        (
            Method::POST,
            "/apis/rbac.authorization.k8s.io/v1/clusterroles".to_owned(),
            "cannot create resource \"clusterroles\"",
        ),
        (
            Method::DELETE,
            format!(
                "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings/{}-bindings",
                Release::NAME
            ),
            "cannot delete resource \"validatingadmissionpolicybindings\"",
        ),
        (
            Method::POST,
            format!("/api/v1/namespaces/{namespace}/serviceaccounts/{}-serve/token", Release::NAME),
            "cannot create resource \"serviceaccounts/token\"",
        ),
        (Method::PATCH, lease(namespace, "janitor"), "cannot patch resource \"leases\""),
    ] {
        assert_refused(&reconcile, method, &path, &json!({}), message).await;
    }
}

/// What an account may do in a namespace, and in the cluster, beyond what everyone may: a line per resource,
/// `resource.group name: verbs`.
async fn rights(release: &Release, component: &str, namespace: &str) -> String {
    let nobody = release.plane.client(&Identity::person("nobody", &[])).await;
    let (all, common) =
        (rules(&release.account(component).await, namespace).await, rules(&nobody, namespace).await);
    let rights: Vec<String> = all.difference(&common).cloned().collect();
    rights.join("\n")
}

/// The lines that only the first has.
fn beyond(rights: &str, others: &str) -> String {
    let others: BTreeSet<&str> = others.lines().collect();
    let lines: Vec<&str> = rights.lines().filter(|line| !others.contains(line)).collect();
    lines.join("\n")
}

async fn rules(client: &Client, namespace: &str) -> BTreeSet<String> {
    let spec = SelfSubjectRulesReviewSpec { namespace: Some(namespace.to_owned()) };
    let question = SelfSubjectRulesReview { spec, ..SelfSubjectRulesReview::default() };
    let answer = Api::all(client.clone()).create(&PostParams::default(), &question).await.unwrap();
    lines(&answer.status.unwrap())
}

fn lines(status: &SubjectRulesReviewStatus) -> BTreeSet<String> {
    let mut verbs = BTreeMap::<String, BTreeSet<&str>>::new();
    for rule in &status.resource_rules {
        for resource in rule.resources.iter().flatten() {
            for group in rule.api_groups.iter().flatten() {
                let names = rule.resource_names.iter().flatten().map(|name| format!(" {name}"));
                let subject = [resource, ".", group].concat().trim_end_matches('.').to_owned();
                let subject = subject + &names.collect::<String>();
                verbs.entry(subject).or_default().extend(rule.verbs.iter().map(String::as_str));
            }
        }
    }
    verbs
        .into_iter()
        .map(|(subject, verbs)| format!("{subject}: {}", Vec::from_iter(verbs).join(" ")))
        .collect()
}

fn bindings(namespace: &str) -> String {
    format!("/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}/rolebindings")
}

fn lease(namespace: &str, name: &str) -> String {
    format!("/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases/{}-{name}", Release::NAME)
}
