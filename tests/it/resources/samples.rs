//! Objects that the API server takes, and what it must not take.

use kube::api::DynamicObject;
use serde_json::{Value, json};

/// An object of each kind that the API server takes.
pub(super) fn good(kind: &str, name: &str) -> Value {
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

/// What a merge patch makes of a good object, so that no rule holds for want of anything to hold for.
pub(super) fn also_good() -> Vec<(&'static str, Value)> {
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
            json!({"spec": {"guard": {"window": "61.5s"}, "retention": {"afterDeactivation": "0s"}}}),
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
                {"name": "color", "canonicalValues": ["red"], "referenceTypes": []},
                {"name": "boss", "type": "reference", "canonicalValues": [], "referenceTypes": ["User"]},
                {"name": "shifts", "type": "complex", "multiValued": true, "subAttributes": [
                    {"name": "value", "canonicalValues": ["early"]}, {"name": "primary", "type": "boolean"},
                    {"name": "$ref", "type": "reference", "referenceTypes": ["external"]},
                ]},
            ]}, {"schema": "urn:example:2.0:User:more", "attributes": (0..100)
                .map(|n| json!({"name": format!("attribute{n}"), "type": "complex", "subAttributes": (0..64)
                    .map(|n| json!({"name": format!("part{n}")})).collect::<Vec<_>>()}))
                .collect::<Vec<_>>()}]}}}),
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

/// What has a form that nothing could be made of: a field of a kind, and values that it must not have.
pub(super) fn unreadable() -> Vec<(&'static str, Value)> {
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
    for attribute in [
        json!({"name": "desk", "type": "complex"}),
        json!({"name": "desk", "type": "complex", "subAttributes": []}),
        json!({"name": "desk", "type": "complex", "subAttributes": [{"name": "floor"}, {"name": "floor"}]}),
    ] {
        let schema = json!({"schema": "urn:example:2.0:User", "attributes": [attribute]});
        unreadable.push(("ScimProvider", json!({"spec": {"attributes": {"custom": [schema]}}})));
    }
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

pub(super) fn object(kind: &str, value: Value) -> DynamicObject {
    let mut object = json!({"apiVersion": "scim-operator.dev/v1alpha1", "kind": kind});
    merge(&mut object, value);
    serde_json::from_value(object).unwrap()
}

/// RFC 7396.
pub(super) fn merge(target: &mut Value, patch: Value) {
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
