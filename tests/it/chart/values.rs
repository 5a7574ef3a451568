//! What the chart's values mean, and which ones it refuses.

use serde_json::Value;

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
