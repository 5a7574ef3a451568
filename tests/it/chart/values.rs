//! What the chart's values mean, and which ones it refuses.

use serde_json::{Value, json};

use super::{CHART, helm};
use crate::harness::ControlPlane;

/// What Helm renders with some values, or why it refuses them.
pub(super) async fn render(values: &str) -> Result<Vec<Value>, String> {
    let command = format!("template scim-operator {CHART} --namespace scim {values}");
    let yaml = helm(ControlPlane::shared().await, &command).await?;
    Ok(serde_saphyr::from_multiple(&yaml).unwrap())
}

#[tokio::test]
async fn a_value_that_means_nothing_is_refused_by_its_path() {
    for (value, message) in [
        ("replicas=3", "at '': additional properties 'replicas' not allowed"),
        ("rbac.bindableRole=edit", "at '/rbac': additional properties 'bindableRole' not allowed"),
        ("serve.tls.secret=x", "at '/serve/tls': additional properties 'secret' not allowed"),
        ("reconcile.service.port=1", "at '/reconcile': additional properties 'service' not allowed"),
        ("serve.resources.cpu=1", "at '/serve/resources': additional properties 'cpu' not allowed"),
        (
            "serve.tolerations[0].op=Exists",
            "at '/serve/tolerations/0': additional properties 'op' not allowed",
        ),
        (
            "reconcile.podDisruptionBudget.minAvailable=1",
            "at '/reconcile/podDisruptionBudget': additional properties 'minAvailable' not allowed",
        ),
        (
            "serve.service.loadBalancerSourceRanges={192.0.2.1}",
            "at '/serve/service/loadBalancerSourceRanges/0': '192.0.2.1' does not match pattern",
        ),
        (
            "serve.service.externalTrafficPolicy=Near",
            "at '/serve/service/externalTrafficPolicy': value must be one of '', 'Cluster', 'Local'",
        ),
        ("podSecurityContext=none", "at '/podSecurityContext': got string, want object"),
        ("containerSecurityContext=none", "at '/containerSecurityContext': got string, want object"),
        ("enabled=yes", "at '/enabled': got string, want boolean"),
        ("mode=both", "at '/mode': value must be one of 'split', 'single'"),
        ("rbac.bindableRoles={edit}", "at '/rbac/bindableRoles/0': 'edit' does not match pattern"),
        ("publicURL=scim.example.com", "at '/publicURL': 'scim.example.com' does not match pattern"),
        ("rbac.protectedNamespaces=null", "at '/rbac': missing property 'protectedNamespaces'"),
    ] {
        let refusal = render(&format!("--set {value}")).await.unwrap_err();
        assert!(refusal.contains(message), "{value} is answered: {refusal}");
    }
}

#[test]
fn every_level_of_the_schema_refuses_what_it_does_not_know() {
    let schema = std::fs::read_to_string(format!("{CHART}/values.schema.json")).unwrap();
    assert_closed(&serde_json::from_str(&schema).unwrap(), "");
}

fn assert_closed(schema: &Value, path: &str) {
    let Value::Object(fields) = schema else { return };
    if fields.contains_key("properties") {
        assert_eq!(schema["additionalProperties"], false, "{path}");
    }
    for (name, field) in fields {
        assert_closed(field, &format!("{path}/{name}"));
    }
}

#[tokio::test]
async fn values_that_contradict_each_other_are_refused_with_what_to_do() {
    for (values, message) in [
        (
            "--set appConfig.namespaces={kube-system}",
            "appConfig.namespaces: kube-system is protected (rbac.protectedNamespaces, and the release's own); take it off",
        ),
        ("--set appConfig.namespaces={scim}", "appConfig.namespaces: scim is protected"),
        (
            "--set serve.serviceAccount.create=false",
            "serve.serviceAccount: with create: false, name the account",
        ),
    ] {
        let refusal = render(values).await.unwrap_err();
        assert!(refusal.contains(message), "{values} is answered: {refusal}");
    }
}

#[tokio::test]
async fn the_operator_reaches_no_cluster_role_bindings_until_a_role_is_listed_for_them() {
    // People who audit read them, whatever the operator may.
    let is_of_people = |object: &Value| object["metadata"]["name"] == "scim-operator-auditor";
    let mentions = |objects: &[Value]| {
        objects.iter().filter(|object| !is_of_people(object)).any(|object| {
            object["kind"] == "ClusterRole" && object["rules"].to_string().contains("clusterrolebindings")
        })
    };
    assert!(!mentions(&render("").await.unwrap()));
    assert!(mentions(&render("--set rbac.clusterWideRoles={view}").await.unwrap()));
}

#[tokio::test]
async fn nobody_may_bind_what_no_list_names() {
    let lists = "--set-json rbac.bindableClusterRoles=[] --set rbac.clusterWideRoles={edit} \
                 --set rbac.bindableRoles={a/x}";
    let objects = render(lists).await.unwrap();
    let binders: Vec<_> = objects
        .iter()
        .flat_map(|object| object["rules"].as_array().into_iter().flatten())
        .filter(|rule| {
            rule["verbs"].as_array().unwrap().iter().any(|verb| verb == "bind" || verb == "escalate")
        })
        .map(|rule| rule["resourceNames"].to_string())
        .collect();
    assert_eq!(binders, [r#"["edit"]"#, r#"["x"]"#]);
}

#[tokio::test]
async fn in_single_mode_one_account_holds_both_rights() {
    let objects = render("--set mode=single").await.unwrap();
    let subjects: Vec<_> =
        objects.iter().flat_map(|object| object["subjects"].as_array().into_iter().flatten()).collect();
    assert_eq!(subjects.len(), 4, "a ClusterRole and a Role each of serve and reconcile");
    assert!(subjects.iter().all(|subject| subject["name"] == "scim-operator-serve"), "{subjects:?}");

    let deployments: Vec<_> = objects.iter().filter(|object| object["kind"] == "Deployment").collect();
    let pod = &deployments[0]["spec"]["template"]["spec"];
    assert_eq!(deployments.len(), 1);
    assert_eq!(pod["serviceAccountName"], "scim-operator-serve");
    assert_eq!(pod["containers"][0]["args"][0], "run");
}

#[tokio::test]
async fn a_chart_that_depends_on_this_one_may_switch_it_by_a_value() {
    render("--set enabled=true --set global.region=eu").await.unwrap();
}

#[tokio::test]
async fn a_load_balancer_is_chosen_and_lets_in_whom_the_values_name() {
    let values = "--set serve.service.type=LoadBalancer --set serve.service.loadBalancerClass=example.com/internal \
                  --set serve.service.loadBalancerSourceRanges={192.0.2.0/24,2001:db8::/32} \
                  --set serve.service.externalTrafficPolicy=Local";
    let service = &of_kind("Service", values).await[0]["spec"];
    assert_eq!(service["loadBalancerClass"], "example.com/internal");
    assert_eq!(service["loadBalancerSourceRanges"], json!(["192.0.2.0/24", "2001:db8::/32"]));
    assert_eq!(service["externalTrafficPolicy"], "Local");

    // The API server refuses them on a Service that is no load balancer.
    let service = of_kind("Service", "").await[0]["spec"].take();
    let fields: Vec<_> = service.as_object().unwrap().keys().collect();
    assert_eq!(fields, ["type", "selector", "ports"]);
}

#[tokio::test]
async fn null_takes_out_of_the_security_contexts_what_the_platform_decides() {
    let values = "--set podSecurityContext.runAsUser=null --set podSecurityContext.runAsGroup=null \
                  --set podSecurityContext.fsGroup=null --set containerSecurityContext.readOnlyRootFilesystem=null";
    for deployment in of_kind("Deployment", values).await {
        let pod = &deployment["spec"]["template"]["spec"];
        let expected = json!({"runAsNonRoot": true, "seccompProfile": {"type": "RuntimeDefault"}});
        assert_eq!(pod["securityContext"], expected);
        let expected = json!({"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}});
        assert_eq!(pod["containers"][0]["securityContext"], expected);
    }
}

#[tokio::test]
async fn a_drain_takes_one_pod_of_each_deployment_at_once() {
    let budgets = async |values: &str| {
        let mut budgets: Vec<_> = of_kind("PodDisruptionBudget", values).await;
        budgets.sort_by_key(|budget| budget["metadata"]["name"].to_string());
        Vec::from_iter(budgets.iter().map(|budget| {
            let component = &budget["spec"]["selector"]["matchLabels"]["app.kubernetes.io/component"];
            (component.as_str().unwrap().to_owned(), budget["spec"]["maxUnavailable"].clone())
        }))
    };
    let (serve, reconcile) = (|most| ("serve".to_owned(), most), |most| ("reconcile".to_owned(), most));
    assert_eq!(budgets("").await, [reconcile(json!(1)), serve(json!(1))]);
    let half = "--set reconcile.podDisruptionBudget.maxUnavailable=50%";
    assert_eq!(budgets(half).await, [reconcile(json!("50%")), serve(json!(1))]);
    assert_eq!(budgets("--set reconcile.podDisruptionBudget.enabled=false").await, [serve(json!(1))]);
    assert_eq!(budgets("--set serve.podDisruptionBudget.enabled=false").await, [reconcile(json!(1))]);
    assert_eq!(budgets("--set mode=single").await, [serve(json!(1))]);
}

#[tokio::test]
async fn the_notes_give_the_url_of_the_service_unless_there_is_a_public_one() {
    for (values, url) in [
        ("", "http://scim-operator.scim/scim/v2/okta"),
        ("--set serve.service.port=8080", "http://scim-operator.scim:8080/scim/v2/okta"),
        ("--set serve.service.port=443", "http://scim-operator.scim:443/scim/v2/okta"),
        ("--set serve.tls.secretName=scim-tls", "https://scim-operator.scim:80/scim/v2/okta"),
        (
            "--set serve.tls.secretName=scim-tls --set serve.service.port=443",
            "https://scim-operator.scim/scim/v2/okta",
        ),
        ("--set publicURL=https://scim.example.com", "https://scim.example.com/scim/v2/okta"),
    ] {
        let command = format!("install scim-operator {CHART} --namespace scim --dry-run=client {values}");
        let notes = helm(ControlPlane::shared().await, &command).await.unwrap();
        assert!(notes.contains(&format!("and the URL {url}\n")), "{values}: {notes}");
        assert_eq!(notes.contains("set publicURL"), !values.contains("publicURL"), "{values}");
    }
}

/// The objects of a kind that Helm renders with some values.
async fn of_kind(kind: &str, values: &str) -> Vec<Value> {
    let mut objects = render(values).await.unwrap();
    objects.retain(|object| object["kind"] == kind);
    objects
}
