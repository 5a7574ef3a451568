//! What Okta's entitlement management reads.

use super::*;
use crate::{
    api::ScimAccessPolicy,
    directory::{self, view::samples::user},
};

const ROLE: &str = "urn:okta:scim:schemas:core:1.0:Role";

fn policy(name: &str, spec: Value) -> ScimAccessPolicy {
    directory::policy(name, "2026-01-01T00:00:00Z", spec)
}

/// A server whose provider okta publishes what its policies can give, and entra does not.
fn governed() -> Server {
    let server = Server::new();
    server.provide([("okta", json!({"governance": "Okta"})), ("entra", json!({}))]);
    server.endpoint.0.store.take_policies(vec![
        policy("platform", json!({})),
        policy("audit", json!({"roleRef": {"name": "view"}, "scope": {"cluster": {}}})),
        policy("elsewhere", json!({"provider": "entra", "roleRef": {"name": "admin"}})),
    ]);
    server
}

impl Server {
    /// The names of what a query finds, in alphabetical order.
    async fn names(&self, path: &str) -> Vec<String> {
        let answer = self.get(&format!("/scim/v2/okta/{path}")).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        let resources = answer.body["Resources"].as_array().unwrap();
        let mut names: Vec<_> =
            resources.iter().map(|resource| resource["displayName"].as_str().unwrap().to_owned()).collect();
        names.sort();
        names
    }
}

#[tokio::test]
async fn without_governance_its_paths_are_like_any_other() {
    let server = governed();
    server.provide([("okta", json!({"governance": "None"}))]);
    for (method, path) in [
        (Method::GET, "Roles"),
        (Method::GET, "Entitlements/1"),
        (Method::POST, "Roles/.search"),
        (Method::POST, "Roles"),
        (Method::PUT, "Roles"),
        (Method::OPTIONS, "Roles"),
        (Method::DELETE, "Entitlements/1"),
    ] {
        let answer = server.send(method.clone(), &format!("/scim/v2/okta/{path}"), "{}").await;
        let unknown = server.send(method, "/scim/v2/okta/Nothing", "{}").await;
        assert_eq!(answer.header("allow"), None, "{path}");
        assert_eq!((answer.status.as_u16(), answer.body), (404, unknown.body), "{path}");
    }
    for path in ["ResourceTypes/Role", &format!("Schemas/{ROLE}")] {
        assert_eq!(server.get(&format!("/scim/v2/okta/{path}")).await.status, 404, "{path}");
    }
    assert_eq!(server.get("/scim/v2/okta/ResourceTypes").await.body["totalResults"], 2);
    assert_eq!(server.get("/scim/v2/okta/").await.body["totalResults"], 0);
    let refused = server.get(&format!("/scim/v2/okta/?filter={ROLE}:displayName+pr")).await;
    assert_eq!(refused.verdict(), "400 invalidFilter");
}

/// Okta reads `/ResourceTypes`, and then every endpoint whose schema is one of its own.
#[tokio::test]
async fn resource_types_lead_to_roles_and_entitlements() {
    let server = governed();
    let types = server.get("/scim/v2/okta/ResourceTypes").await.body;
    let types = types["Resources"].as_array().unwrap();
    let endpoints: Vec<_> = types.iter().map(|it| (&it["endpoint"], &it["schema"])).skip(2).collect();
    assert_eq!(
        json!(endpoints),
        json!([
            ["/Roles", "urn:okta:scim:schemas:core:1.0:Role"],
            ["/Entitlements", "urn:okta:scim:schemas:core:1.0:Entitlement"],
        ])
    );
    for it in &types[2..] {
        let endpoint = it["endpoint"].as_str().unwrap();
        let schema = server.get(&format!("/scim/v2/okta/Schemas/{}", it["schema"].as_str().unwrap())).await;
        let defined: Vec<_> =
            schema.body["attributes"].as_array().unwrap().iter().map(|it| &it["name"]).collect();
        assert_eq!(json!(defined), json!(["displayName", "type", "description"]));
        let list = server.get(&format!("/scim/v2/okta{endpoint}?startIndex=1&count=100")).await.body;
        assert_eq!(list["totalResults"], 2);
        for item in list["Resources"].as_array().unwrap() {
            assert_eq!(item["schemas"], json!([it["schema"]]));
            assert_eq!(item["meta"]["resourceType"], it["name"]);
            let location = item["meta"]["location"].as_str().unwrap();
            let one = server.get(location.strip_prefix("https://scim.example.com").unwrap()).await;
            assert_eq!((one.status.as_u16(), &one.body), (200, item));
            assert_eq!(one.header("etag"), item["meta"]["version"].as_str());
        }
    }
}

#[tokio::test]
async fn roles_are_distinct_and_entitlements_are_one_for_each_policy() {
    let server = governed();
    server.endpoint.0.store.take_policies(vec![policy("a", json!({})), policy("b", json!({}))]);
    let roles = server.get("/scim/v2/okta/Roles").await.body;
    let role = &roles["Resources"][0];
    assert_eq!((&roles["totalResults"], &role["displayName"]), (&json!(1), &json!("ClusterRole/edit")));
    assert_eq!(
        (&role["type"], &role["description"]),
        (&json!("ClusterRole"), &json!("ClusterRole/edit, given by the policies a, b"),)
    );
    assert_eq!(server.names("Entitlements").await, ["a: ClusterRole/edit", "b: ClusterRole/edit"]);
}

#[tokio::test]
async fn they_are_found_sorted_and_paged_like_everything_else() {
    let server = governed();
    for (path, found) in [
        ("Roles?filter=displayName+eq+%22clusterrole/EDIT%22", vec!["ClusterRole/edit"]),
        ("Roles?filter=displayName+sw+%22none%22", vec![]),
        ("Entitlements?filter=type+eq+%22Cluster%22", vec!["audit: ClusterRole/view"]),
        ("Entitlements?filter=description+co+%22team-a%22", vec!["platform: ClusterRole/edit"]),
        ("Entitlements?sortBy=displayName&count=1", vec!["audit: ClusterRole/view"]),
        ("Entitlements?sortBy=displayName&startIndex=2", vec!["platform: ClusterRole/edit"]),
        ("?filter=meta.resourceType+eq+%22Role%22", vec!["ClusterRole/edit", "ClusterRole/view"]),
        ("?filter=type+pr+and+meta.location+co+%22/Entitlements/%22&count=1&sortBy=id&startIndex=3", vec![]),
    ] {
        assert_eq!(server.names(path).await, found, "{path}");
    }
    let role = server.get("/scim/v2/okta/Roles?sortBy=displayName").await.body["Resources"][0].clone();
    let (id, version) = (role["id"].as_str().unwrap(), role["meta"]["version"].as_str().unwrap());
    let filter = format!("id eq \"{id}\" and meta.version eq {}", json!(version));
    let encoded: String = filter.bytes().map(|byte| format!("%{byte:02x}")).collect();
    assert_eq!(server.names(&format!("Roles?filter={encoded}")).await, ["ClusterRole/edit"]);
    let shown = server.get(&format!("/scim/v2/okta/Roles/{id}?attributes=type")).await;
    assert_eq!(shown.body, json!({"schemas": [ROLE], "id": id, "type": "ClusterRole"}));

    let refused = server.get("/scim/v2/okta/Roles?filter=userName+pr").await;
    assert_eq!(refused.verdict(), "400 invalidFilter");
}

#[tokio::test]
async fn a_cursor_leads_to_each_of_them_once_whenever_it_was_created() {
    let server = governed();
    let policies = (0..6).map(|number| {
        let role = json!({"roleRef": {"name": format!("role-{number}")}});
        directory::policy(&format!("policy-{number}"), &format!("2026-01-0{}T00:00:00Z", 6 - number), role)
    });
    server.endpoint.0.store.take_policies(policies.collect());
    let created = json!({"meta": {"created": "2026-01-03T12:00:00Z", "lastModified": "2026-01-03T12:00:00Z", "version": 1}});
    server.endpoint.0.store.hold(vec![user("ann", created.clone()), user("bob", created)], vec![]);
    for (path, count) in [("Roles", 6), ("Entitlements", 6), ("", 14)] {
        let (mut ids, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = server.get(&format!("/scim/v2/okta/{path}?count=1&cursor={cursor}")).await.body;
            ids.extend(page["Resources"].as_array().unwrap().iter().map(|it| it["id"].to_string()));
            let Some(next) = page["nextCursor"].as_str() else { break };
            next.clone_into(&mut cursor);
        }
        assert_eq!(ids.len(), count, "/{path}: {ids:?}");
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), count, "/{path}");
    }
}

#[tokio::test]
async fn at_the_root_they_stand_beside_people_and_groups() {
    let server = governed();
    server.endpoint.0.store.hold(vec![user("ann", json!({"displayName": "Ann"}))], vec![]);
    let everything = server.get("/scim/v2/okta?sortBy=meta.resourceType").await.body;
    let kinds: Vec<_> =
        everything["Resources"].as_array().unwrap().iter().map(|it| &it["meta"]["resourceType"]).collect();
    assert_eq!(json!(kinds), json!(["Entitlement", "Entitlement", "Role", "Role", "User"]));
}

/// RFC 7644 section 3.7: each operation is answered as if it had come alone.
#[tokio::test]
async fn in_a_bulk_request_they_are_what_they_are_alone() {
    let server = governed();
    for (governance, status) in [("Okta", "405"), ("None", "404")] {
        server.provide([("okta", json!({"governance": governance}))]);
        let body = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
            "Operations": [
                {"method": "POST", "path": "/Roles", "bulkId": "r", "data": {}},
                {"method": "DELETE", "path": "/Entitlements/1"},
            ],
        });
        let answer = server.send(Method::POST, "/scim/v2/okta/Bulk", body.to_string()).await.body;
        for operation in answer["Operations"].as_array().unwrap() {
            assert_eq!(operation["status"], status, "{operation}");
        }
    }
}

#[tokio::test]
async fn they_are_read_and_never_written() {
    let server = governed();
    for (method, path, allowed) in [
        (Method::POST, "Roles", "GET,HEAD"),
        (Method::PUT, "Roles/1", "GET,HEAD"),
        (Method::PATCH, "Entitlements/1", "GET,HEAD"),
        (Method::DELETE, "entitlements/1", "GET,HEAD"),
        (Method::GET, "Roles/.search", "POST"),
    ] {
        let answer = server.send(method, &format!("/scim/v2/okta/{path}"), "{}").await;
        assert_eq!((answer.status.as_u16(), answer.header("allow")), (405, Some(allowed)), "{path}");
    }
    let role = server.get("/scim/v2/okta/Roles").await.body["Resources"][0].clone();
    let id = role["id"].as_str().unwrap();
    for path in ["Roles/1".to_owned(), format!("Entitlements/{id}"), format!("Users/{id}")] {
        assert_eq!(server.get(&format!("/scim/v2/okta/{path}")).await.status, 404, "{path}");
    }
    let mut again = request(Method::GET, &format!("/scim/v2/okta/Roles/{id}"), Body::empty());
    again.headers_mut().insert("if-none-match", role["meta"]["version"].as_str().unwrap().parse().unwrap());
    assert_eq!(server.ask(again).await.status, 304);
}

#[tokio::test]
async fn until_the_policies_are_read_nothing_is_said_of_them() {
    let server = Server::new();
    server.provide([("okta", json!({"governance": "Okta"}))]);
    for path in ["Roles", "Entitlements/1", "", "?filter=displayName+pr"] {
        let answer = server.get(&format!("/scim/v2/okta/{path}")).await;
        assert_eq!((answer.status.as_u16(), answer.header("retry-after")), (503, Some("5")), "{path}");
    }
    assert_eq!(server.get("/scim/v2/okta/Users").await.status, 200);
    assert_eq!(server.names("?filter=title+pr").await, [""; 0]);
}
