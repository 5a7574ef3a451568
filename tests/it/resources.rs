//! The API server refuses what the definitions forbid, with a message that says what to do.

use std::collections::BTreeSet;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    JSONSchemaProps, JSONSchemaPropsOrArray,
};
use kube::{
    Api, Client,
    api::{DynamicObject, Patch, PatchParams, PostParams},
    core::{ApiResource, GroupVersionKind},
};
use scim_operator::api::definitions;
use serde_json::{Value, json};

use crate::harness::{ControlPlane, unique};

/// A rule by its message, and what a merge patch must do to a good object to break it.
struct Rule {
    kind: &'static str,
    message: &'static str,
    breaks: Value,
}

fn rules() -> Vec<Rule> {
    let rule = |kind, message, breaks| Rule { kind, message, breaks };
    let custom = |attribute: Value| {
        let schema = json!({"schema": "urn:example:2.0:User", "attributes": [attribute]});
        json!({"spec": {"attributes": {"custom": [schema]}}})
    };
    vec![
        rule(
            "ScimProvider",
            "schema: SCIM defines this URN itself, or Okta does; choose another",
            json!({"spec": {"attributes": {"custom": [
                {"schema": "urn:ietf:params:scim:schemas:core:2.0:User", "attributes": [{"name": "a"}]},
            ]}}}),
        ),
        rule(
            "ScimProvider",
            "type: a part is simple (RFC 7643 section 2.3.8); make it an attribute of its own",
            custom(
                json!({"name": "desk", "type": "complex", "subAttributes": [{"name": "a", "type": "complex"}]}),
            ),
        ),
        rule(
            "ScimProvider",
            "multiValued: a part has one value; make the attribute multiValued, or the part an attribute of its own",
            custom(
                json!({"name": "desk", "type": "complex", "subAttributes": [{"name": "a", "multiValued": true}]}),
            ),
        ),
        rule(
            "ScimProvider",
            "name: this name has a meaning of its own; choose another",
            custom(json!({"name": "Members"})),
        ),
        rule(
            "ScimProvider",
            "name: this is a word of filters; choose another",
            custom(
                json!({"name": "desk", "type": "complex", "subAttributes": [{"name": "$ref"}, {"name": "NOT"}]}),
            ),
        ),
        rule(
            "ScimProvider",
            "returned: what is writeOnly is in no answer; leave it out",
            custom(json!({"name": "pin", "mutability": "writeOnly", "returned": "request"})),
        ),
        rule(
            "ScimProvider",
            "returned: a part that is writeOnly is in no answer; leave it out",
            custom(json!({"name": "desk", "type": "complex", "subAttributes": [
                {"name": "code", "mutability": "writeOnly", "returned": "always"},
            ]})),
        ),
        rule(
            "ScimProvider",
            "mutability: the parts of what is immutable or writeOnly are so too; leave theirs out",
            custom(json!({"name": "desk", "type": "complex", "mutability": "immutable", "subAttributes": [
                {"name": "code", "mutability": "writeOnly"},
            ]})),
        ),
        rule(
            "ScimProvider",
            "mutability: of a list no part can be writeOnly alone, since a client that sends the list back would take it away; make the list writeOnly",
            custom(json!({"name": "desks", "type": "complex", "multiValued": true, "subAttributes": [
                {"name": "code", "mutability": "writeOnly"},
            ]})),
        ),
        rule(
            "ScimProvider",
            "the name is a part of a URL: use at most 40 lower-case letters, digits and dashes",
            json!({"metadata": {"name": "okta.prod"}}),
        ),
        rule(
            "ScimProvider",
            "jwks: set exactly one of url and inline",
            json!({"spec": {"jwt": [{"issuer": "https://x", "audiences": ["a"], "jwks": {}}]}}),
        ),
        rule(
            "ScimProvider",
            "allowedNamespaces: name namespaces, or select them by label",
            json!({"spec": {"appConfigs": {"allowedNamespaces": {"names": null}}}}),
        ),
        rule(
            "ScimProvider",
            "notifications: set exactly one of webhook, email and securityEvents",
            json!({"spec": {"notifications": [{
                "on": ["UserProvisioned"],
                "webhook": {"url": "https://x"},
                "securityEvents": {"url": "https://x"},
            }]}}),
        ),
        rule(
            "ScimAccessPolicy",
            "roleRef: a Role is of one namespace; use a ClusterRole, or scope.namespaces",
            json!({"spec": {"roleRef": {"kind": "Role"}, "scope": {"namespaces": null, "cluster": {}}}}),
        ),
        rule(
            "ScimAccessPolicy",
            "subjects: subjectKind Group speaks of groups alone; remove subjects.users, or use subjectKind User",
            json!({"spec": {"subjectKind": "Group", "subjects": {"users": {"filter": "active eq true"}}}}),
        ),
        rule(
            "ScimAccessPolicy",
            "roleRef: a name with {capture} needs subjects.groups with matching, whose captures fill it",
            json!({"spec": {"roleRef": {"name": "{role}", "allowedNames": ["view"]}}}),
        ),
        rule(
            "ScimAccessPolicy",
            "roleRef: a name with {capture} needs allowedNames, or whoever names groups in the identity provider chooses roles",
            json!({"spec": {"roleRef": {"name": "{role}"}, "subjects": {"groups": [{"matching": "^(?<role>.*)$"}]}}}),
        ),
        rule(
            "ScimAccessPolicy",
            "roleRef: allowedNames are what a {capture} may yield; this name has none, and is given whatever they say",
            json!({"spec": {"roleRef": {"allowedNames": ["view"]}}}),
        ),
        rule(
            "ScimAccessPolicy",
            "the name labels the policy's bindings: use at most 63 characters",
            json!({"metadata": {"name": "p".repeat(64)}}),
        ),
        rule(
            "ScimAccessPolicy",
            "scope: a namespace with {capture} needs subjects.groups with matching, whose captures fill it",
            json!({"spec": {"scope": {"namespaces": {"names": ["{ns}"]}}}}),
        ),
        rule(
            "ScimAccessPolicy",
            "scope: set exactly one of namespaces and cluster",
            json!({"spec": {"scope": {"cluster": {}}}}),
        ),
        rule(
            "ScimAccessPolicy",
            "subjects: name groups, or users by a filter",
            json!({"spec": {"subjects": {"groups": []}}}),
        ),
        rule(
            "ScimAccessPolicy",
            "subjects.groups: set exactly one of displayName, externalId, id and matching in each",
            json!({"spec": {"subjects": {"groups": [{"displayName": "a", "id": "b"}]}}}),
        ),
        rule(
            "ScimAccessPolicy",
            "subjects: matching stands alone; with it, every group is a pattern and there is no users",
            json!({"spec": {"subjects": {"groups": [{"matching": "a"}, {"displayName": "b"}]}}}),
        ),
        rule(
            "ScimAccessPolicy",
            "namespaces: name namespaces, or select them by label",
            json!({"spec": {"scope": {"namespaces": {"names": [], "selector": null}}}}),
        ),
        rule(
            "ScimAccessPolicy",
            "namespaces: a glob that matches every namespace is not a choice; use scope.cluster, or a label",
            json!({"spec": {"scope": {"namespaces": {"names": ["*"]}}}}),
        ),
        rule(
            "ScimAccessPolicy",
            "namespaces: an empty selector matches every namespace; use scope.cluster, or a label",
            json!({"spec": {"scope": {"namespaces": {"selector": {"matchLabels": null}}}}}),
        ),
        rule(
            "ScimAccessPolicy",
            "validity: set notBefore, notAfter or both",
            json!({"spec": {"validity": {"notBefore": null, "notAfter": null}}}),
        ),
        rule(
            "ScimAccessPolicy",
            "validity: notBefore must be before notAfter",
            json!({"spec": {"validity": {"notBefore": "2026-01-02T00:00:00Z", "notAfter": "2026-01-01T00:00:00Z"}}}),
        ),
        rule(
            "ScimProvider",
            "window: write more than nothing and at most a week; example: 10m",
            json!({"spec": {"guard": {"window": "0s"}}}),
        ),
        rule(
            "ScimProvider",
            "afterDeactivation: write at most a century; to keep people for good, leave retention out",
            json!({"spec": {"retention": {"afterDeactivation": "876001h"}}}),
        ),
        rule(
            "ScimProvider",
            "prefix: names that begin with system: are the API server's own; choose another",
            json!({"spec": {"identity": {"group": {"prefix": " System:"}}}}),
        ),
        rule(
            "ScimAccessPolicy",
            "times go to the end of 9998",
            json!({"spec": {"validity": {"notBefore": "9999-01-01T00:00:00Z", "notAfter": null}}}),
        ),
        rule(
            "ScimAccessPolicy",
            "leave notAfter out for a grant without end; times go to the end of 9998",
            json!({"spec": {"validity": {"notAfter": "9999-12-31T23:59:59Z"}}}),
        ),
        rule(
            "ScimToken",
            "leave expiresAt out for a token without end; times go to the end of 9998",
            json!({"spec": {"expiresAt": "9999-12-31T23:59:59Z"}}),
        ),
        rule(
            "ScimAccessPolicy",
            "selector: In and NotIn need values; Exists and DoesNotExist have none",
            json!({"spec": {"scope": {"namespaces": {
                "selector": {"matchExpressions": [{"key": "team", "operator": "In"}]},
            }}}}),
        ),
        rule(
            "ScimAppConfig",
            "set exactly one of preset and template",
            json!({"spec": {"preset": "ArgoCdRbac"}}),
        ),
        rule(
            "ScimAppConfig",
            "onEmpty: Placeholder and placeholder go together",
            json!({"spec": {"placeholder": null}}),
        ),
        rule(
            "ScimAppConfig",
            "subjects: matching chooses namespaces and roles, which an app config has none of; name the groups",
            json!({"spec": {"subjects": {"groups": [{"matching": "a"}]}}}),
        ),
        rule(
            "ScimAppConfig",
            "target: set exactly one of configMap, secret, object and secretPerUser",
            json!({"spec": {"target": {"secret": {"name": "a", "key": "b"}}}}),
        ),
    ]
}

/// What an update may not do, by the message that says so.
fn transitions() -> Vec<Rule> {
    let rule = |kind, message, breaks| Rule { kind, message, breaks };
    vec![
        rule(
            "ScimToken",
            "provider is immutable: create a new ScimToken for another provider",
            json!({"spec": {"provider": "entra"}}),
        ),
        rule(
            "ScimToken",
            "sha256 is immutable: create a new ScimToken for a new token",
            json!({"spec": {"sha256": "b".repeat(64)}}),
        ),
        rule(
            "ScimUser",
            "id is immutable: a SCIM id names one person for good",
            json!({"spec": {"id": "other"}}),
        ),
        rule(
            "ScimUser",
            "provider is immutable: a person never changes providers",
            json!({"spec": {"provider": "entra"}}),
        ),
        rule(
            "ScimGroup",
            "id is immutable: a SCIM id names one group for good",
            json!({"spec": {"id": "other"}}),
        ),
        rule(
            "ScimGroup",
            "provider is immutable: a group never changes providers",
            json!({"spec": {"provider": "entra"}}),
        ),
        rule(
            "ScimGroupSlice",
            "a slice is immutable: a change of members is a new slice",
            json!({"spec": {"members": ["c"]}}),
        ),
    ]
}

/// An object of each kind that the API server takes.
fn good(kind: &str, name: &str) -> Value {
    let meta =
        json!({"created": "2026-01-01T00:00:00Z", "lastModified": "2026-01-01T00:00:00Z", "version": 1});
    let spec = match kind {
        "ScimProvider" => json!({
            "jwt": [{"issuer": "https://x", "audiences": ["a"], "jwks": {"url": "https://x/keys"}}],
            "appConfigs": {"allowedNamespaces": {"names": ["argocd"]}},
            "notifications": [{"on": ["UserProvisioned"], "webhook": {"url": "https://x"}}],
        }),
        "ScimToken" => json!({"provider": "okta", "sha256": "a".repeat(64)}),
        "ScimUser" => json!({
            "id": "1", "provider": "okta", "userName": "Alice", "active": true, "meta": meta,
            "nickName": "Al", "emails": [{"value": "alice@example.com"}],
        }),
        "ScimGroup" => json!({
            "id": "1", "provider": "okta", "displayName": "Team", "memberCount": 1, "members": ["1"], "meta": meta,
        }),
        "ScimGroupSlice" => json!({
            "provider": "okta", "group": "1", "bucket": 0, "version": "v", "members": ["a", "b"],
        }),
        "ScimAccessPolicy" => json!({
            "provider": "okta",
            "subjects": {"groups": [{"displayName": "team"}]},
            "roleRef": {"name": "edit"},
            "scope": {"namespaces": {"names": ["team-a", "preview-*"], "selector": {"matchLabels": {"team": "a"}}}},
            "validity": {"notBefore": "2026-01-01T00:00:00Z", "notAfter": "2026-01-02T00:00:00Z"},
        }),
        "ScimAppConfig" => json!({
            "provider": "okta",
            "subjects": {"groups": [{"displayName": "team"}]},
            "template": "{{ users | length }}",
            "target": {"configMap": {"name": "a", "key": "b"}},
            "onEmpty": "Placeholder",
            "placeholder": "nobody",
        }),
        other => panic!("no good object of kind {other}"),
    };
    json!({"metadata": {"name": name}, "spec": spec})
}

fn api(client: &Client, kind: &str) -> Api<DynamicObject> {
    let definition = definitions().into_iter().find(|definition| definition.spec.names.kind == kind).unwrap();
    let gvk = GroupVersionKind::gvk("scim-operator.dev", "v1alpha1", kind);
    let resource = ApiResource::from_gvk_with_plural(&gvk, &definition.spec.names.plural);
    match definition.spec.scope.as_str() {
        "Namespaced" => Api::namespaced_with(client.clone(), "default", &resource),
        _ => Api::all_with(client.clone(), &resource),
    }
}

fn object(kind: &str, value: Value) -> DynamicObject {
    let mut object = json!({"apiVersion": "scim-operator.dev/v1alpha1", "kind": kind});
    merge(&mut object, value);
    serde_json::from_value(object).unwrap()
}

/// RFC 7396.
fn merge(target: &mut Value, patch: Value) {
    match (target, patch) {
        (Value::Object(target), Value::Object(patch)) => {
            for (key, value) in patch {
                match value {
                    Value::Null => _ = target.remove(&key),
                    value => merge(target.entry(key).or_insert(Value::Null), value),
                }
            }
        }
        (target, patch) => *target = patch,
    }
}

fn dry_run() -> PostParams {
    PostParams { dry_run: true, ..PostParams::default() }
}

/// What a merge patch makes of a good object, so that no rule holds for want of anything to hold for.
fn also_good() -> Vec<(&'static str, Value)> {
    let policy = |spec| ("ScimAccessPolicy", json!({"spec": spec}));
    vec![
        policy(json!({"roleRef": {"kind": "Role", "name": "deployer"}})),
        policy(json!({"subjectKind": "Group"})),
        policy(json!({"validity": {"notAfter": "9998-12-31T23:59:59.999999999+01:00"}})),
        policy(json!({"scope": {"namespaces": {"selector": {"matchExpressions": [
            {"key": "example.com/team", "operator": "In", "values": ["a", ""]},
            {"key": "team", "operator": "Exists"},
        ]}}}})),
        ("ScimProvider", json!({"spec": {"guard": {"window": "1h30m"}}})),
        (
            "ScimProvider",
            json!({"spec": {"guard": {"window": "1.5s"}, "retention": {"afterDeactivation": "0s"}}}),
        ),
        ("ScimProvider", json!({"spec": {"identity": {"user": {"prefix": "oidc:"}}}})),
        (
            "ScimProvider",
            json!({"spec": {"attributes": {"custom": [{"schema": "urn:example:2.0:User", "attributes": [
                {"name": "pin", "mutability": "writeOnly", "returned": "never"},
                {"name": "card", "type": "complex", "mutability": "immutable", "subAttributes": [
                    {"name": "code", "mutability": "immutable"}, {"name": "color"},
                ]},
                {"name": "keys", "type": "complex", "multiValued": true, "mutability": "writeOnly",
                 "subAttributes": [{"name": "value", "mutability": "writeOnly"}]},
                {"name": "desk", "type": "complex", "subAttributes": [{"name": "code", "mutability": "writeOnly"}]},
            ]}]}}}),
        ),
        policy(json!({"subjects": {"groups": null, "users": {"filter": "active eq true"}}})),
        policy(json!({"subjects": {"groups": [{"externalId": "00g9"}, {"id": "1"}]}})),
        policy(json!({"scope": {"namespaces": null, "cluster": {}}})),
        policy(json!({
            "subjects": {"groups": [{"matching": "^k8s-(?<ns>[a-z]+)-(?<role>view|edit)$"}]},
            "roleRef": {"name": "{role}", "allowedNames": ["view", "edit"]},
            "scope": {"namespaces": {"names": ["{ns}"], "selector": null}},
        })),
        (
            "ScimProvider",
            json!({"spec": {"jwt": [{"issuer": "x", "audiences": ["a"], "jwks": {"inline": {"keys": []}}}]}}),
        ),
        (
            "ScimAppConfig",
            json!({"spec": {
                "template": null,
                "preset": "ArgoCdRbac",
                "onEmpty": "Render",
                "placeholder": null,
                "target": {"configMap": null, "secret": {"name": "a", "key": "b"}},
            }}),
        ),
    ]
}

#[tokio::test]
async fn every_rule_takes_what_it_allows() {
    let client = ControlPlane::shared().await.admin().await;
    for (kind, change) in also_good() {
        let mut other = good(kind, "other");
        merge(&mut other, change);
        let created = api(&client, kind).create(&dry_run(), &object(kind, other.clone())).await;
        assert!(created.is_ok(), "{other}: {}", created.unwrap_err());
    }
}

#[tokio::test]
async fn every_kind_takes_a_good_object() {
    let client = ControlPlane::shared().await.admin().await;
    for definition in definitions() {
        let kind = definition.spec.names.kind;
        let created = api(&client, &kind).create(&dry_run(), &object(&kind, good(&kind, "good"))).await;
        assert!(created.is_ok(), "{kind}: {}", created.unwrap_err());
    }
}

#[tokio::test]
async fn every_rule_refuses_what_it_forbids_with_its_message() {
    let client = ControlPlane::shared().await.admin().await;
    for rule in rules() {
        let mut broken = good(rule.kind, "broken");
        merge(&mut broken, rule.breaks);
        let refused = api(&client, rule.kind).create(&dry_run(), &object(rule.kind, broken)).await;
        let message = refused.expect_err(rule.message).to_string();
        assert!(message.contains(rule.message), "expected {:?} in {message}", rule.message);
    }
}

/// What has a form that nothing could be made of: a field of a kind, and values that it must not have.
fn unreadable() -> Vec<(&'static str, Value)> {
    let mut unreadable = Vec::new();
    let durations =
        ["abc", "", "1x", "-5m", "+5m", "0", "1h-3m", "nan", "1e3h", "999999999999999h", "999999999h"];
    for text in durations {
        unreadable.push(("ScimProvider", json!({"spec": {"guard": {"window": text}}})));
        unreadable.push(("ScimProvider", json!({"spec": {"retention": {"afterDeactivation": text}}})));
    }
    let read_only =
        json!({"schema": "urn:example:2.0:User", "attributes": [{"name": "a", "mutability": "readOnly"}]});
    unreadable.push(("ScimProvider", json!({"spec": {"attributes": {"custom": [read_only]}}})));
    for urn in [
        "urn:ietf:params:scim:schemas:core:2.0:GROUP",
        "urn:ietf:params:scim:schemas:extension:Enterprise:2.0:User",
        "urn:ietf:params:scim:api:messages:2.0:Error",
        "urn:okta:scim:schemas:core:1.0:Role",
    ] {
        let schema = json!({"schema": urn, "attributes": [{"name": "a"}]});
        unreadable.push(("ScimProvider", json!({"spec": {"attributes": {"custom": [schema]}}})));
    }
    for text in ["never", "2026-01-02", "2026-01-02T00:00:00.1234567890Z", "2026-02-30T00:00:00Z"] {
        unreadable.push(("ScimAccessPolicy", json!({"spec": {"validity": {"notAfter": text}}})));
        unreadable.push(("ScimToken", json!({"spec": {"expiresAt": text}})));
    }
    unreadable.push(("ScimProvider", json!({"spec": {"identity": {"user": {"prefix": "a\nb"}}}})));
    unreadable.push(("ScimProvider", json!({"spec": {"identity": {"user": {"from": "user\u{7f}Name"}}}})));
    for name in ["-x-", "x-", "-x", "{}", "{ns", "ns}"] {
        let names = json!({"names": [name]});
        unreadable.push(("ScimAccessPolicy", json!({"spec": {"scope": {"namespaces": names}}})));
        unreadable.push(("ScimProvider", json!({"spec": {"appConfigs": {"allowedNamespaces": names}}})));
    }
    for expression in [
        json!({"key": "team", "operator": "Resembles", "values": ["a"]}),
        json!({"key": "team", "operator": "Exists", "values": ["a"]}),
        json!({"key": "team", "operator": "In", "values": []}),
        json!({"key": "no key", "operator": "Exists"}),
        json!({"key": "", "operator": "Exists"}),
        json!({"key": "team", "operator": "In", "values": ["no value"]}),
    ] {
        let selector = json!({"selector": {"matchExpressions": [expression]}});
        unreadable.push(("ScimAccessPolicy", json!({"spec": {"scope": {"namespaces": selector}}})));
        unreadable.push(("ScimProvider", json!({"spec": {"appConfigs": {"allowedNamespaces": selector}}})));
    }
    unreadable
}

#[tokio::test]
async fn what_nothing_could_be_made_of_is_refused() {
    let client = ControlPlane::shared().await.admin().await;
    for (kind, change) in unreadable() {
        let mut broken = good(kind, "broken");
        merge(&mut broken, change.clone());
        let created = api(&client, kind).create(&dry_run(), &object(kind, broken)).await;
        assert!(created.is_err(), "{kind} {change}");
    }
}

#[tokio::test]
async fn every_rule_of_immutability_refuses_the_change_with_its_message() {
    let client = ControlPlane::shared().await.admin().await;
    for rule in transitions() {
        let (objects, name) = (api(&client, rule.kind), unique("immutable"));
        objects.create(&PostParams::default(), &object(rule.kind, good(rule.kind, &name))).await.unwrap();
        let dry_run = PatchParams { dry_run: true, ..PatchParams::default() };
        let changed = objects.patch(&name, &dry_run, &Patch::Merge(rule.breaks)).await;
        let message = changed.expect_err(rule.message).to_string();
        assert!(message.contains(rule.message), "expected {:?} in {message}", rule.message);
    }
}

#[test]
fn every_rule_of_the_definitions_is_tried() {
    let tried: BTreeSet<_> =
        rules().iter().chain(&transitions()).map(|rule| rule.message.to_owned()).collect();
    let mut declared = BTreeSet::new();
    for definition in definitions() {
        for version in &definition.spec.versions {
            let schema = version.schema.as_ref().and_then(|schema| schema.open_api_v3_schema.as_ref());
            messages(schema.unwrap(), &mut declared);
        }
    }
    assert_eq!(declared, tried);
}

fn messages(schema: &JSONSchemaProps, found: &mut BTreeSet<String>) {
    for rule in schema.x_kubernetes_validations.iter().flatten() {
        found.insert(rule.message.clone().expect("every rule has a message"));
    }
    schema.properties.iter().flatten().for_each(|(_, property)| messages(property, found));
    if let Some(JSONSchemaPropsOrArray::Schema(items)) = &schema.items {
        messages(items, found);
    }
}

#[tokio::test]
async fn a_user_keeps_what_the_schema_does_not_know() {
    let client = ControlPlane::shared().await.admin().await;
    let users = api(&client, "ScimUser");
    let created = users.create(&dry_run(), &object("ScimUser", good("ScimUser", "rest"))).await.unwrap();
    assert_eq!(created.data["spec"]["nickName"], "Al");
    assert_eq!(created.data["spec"]["emails"], json!([{"value": "alice@example.com"}]));
}

#[test]
fn the_definitions_have_no_unsigned_formats_and_every_list_says_its_type() {
    for definition in definitions() {
        let yaml = serde_saphyr::to_string(&definition).unwrap();
        assert!(!yaml.contains("format: uint"), "{}", definition.spec.names.kind);
        let lists = yaml.matches("type: array").count();
        assert_eq!(lists, yaml.matches("x-kubernetes-list-type:").count(), "{}", definition.spec.names.kind);
    }
}
