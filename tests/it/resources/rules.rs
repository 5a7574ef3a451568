//! The rules of the definitions, each with what breaks it.

use serde_json::{Value, json};

/// A rule by its message, and what a merge patch must do to a good object to break it.
pub(super) struct Rule {
    pub(super) kind: &'static str,
    pub(super) message: &'static str,
    pub(super) breaks: Value,
}

pub(super) fn rules() -> Vec<Rule> {
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
            "custom: a schema is declared twice; URNs compare without case",
            json!({"spec": {"attributes": {"custom": [
                {"schema": "urn:example:2.0:User", "attributes": [{"name": "a"}]},
                {"schema": "urn:example:2.0:USER", "attributes": [{"name": "b"}]},
            ]}}}),
        ),
        rule(
            "ScimProvider",
            "attributes: a name is declared twice; names compare without case",
            json!({"spec": {"attributes": {"custom": [{"schema": "urn:example:2.0:User", "attributes": [
                {"name": "badge"}, {"name": "desk"}, {"name": "Badge"},
            ]}]}}}),
        ),
        rule(
            "ScimProvider",
            "subAttributes: what is complex has parts, and nothing else; declare them, or another type",
            custom(json!({"name": "desk", "subAttributes": [{"name": "floor"}]})),
        ),
        rule(
            "ScimProvider",
            "canonicalValues: a string has them; make its type string, or leave them out",
            custom(json!({"name": "floor", "type": "integer", "canonicalValues": ["1"]})),
        ),
        rule(
            "ScimProvider",
            "referenceTypes: a reference has them; make its type reference, or leave them out",
            custom(json!({"name": "floor", "referenceTypes": ["User"]})),
        ),
        rule(
            "ScimProvider",
            "primary: it says whether a value is the preferred one; make its type boolean",
            custom(json!({"name": "desk", "type": "complex", "subAttributes": [{"name": "Primary"}]})),
        ),
        rule(
            "ScimProvider",
            "canonicalValues: a part that is a string has them; make its type string, or leave them out",
            custom(json!({"name": "desk", "type": "complex", "subAttributes": [
                {"name": "floor", "type": "decimal", "canonicalValues": ["1"]},
            ]})),
        ),
        rule(
            "ScimProvider",
            "referenceTypes: a part that is a reference has them; make its type reference, or leave them out",
            custom(json!({"name": "desk", "type": "complex", "subAttributes": [
                {"name": "floor", "referenceTypes": ["User"]},
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
            "window: write at least a minute and at most a week; example: 10m",
            json!({"spec": {"guard": {"window": "59s"}}}),
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
pub(super) fn transitions() -> Vec<Rule> {
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
