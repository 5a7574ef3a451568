//! What answers show: `attributes` and `excludedAttributes` (RFC 7644 section 3.9) on every method that returns a
//! resource, beside what is always and never returned (RFC 7643 section 7).

use std::collections::BTreeSet;

use super::*;

const OWN: &str = "urn:example:params:scim:schemas:company:2.0:User";
const SEARCH: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";
/// What no answer may say, whatever is asked for.
const SECRET: &str = "secret-4711";

/// Resources of one type.
struct Sort<'i> {
    idp: &'i Idp,
    endpoint: &'static str,
    body: Value,
    /// The attribute by which they are told apart, which a change leaves as it is.
    name: &'static str,
}

impl Sort<'_> {
    fn body(&self, name: &str) -> Value {
        let mut body = self.body.clone();
        body[self.name] = name.into();
        body
    }

    /// What each method shows where a parameter names these attributes.
    async fn shown(&self, parameter: &str, names: &[&str]) -> Vec<(&'static str, Value)> {
        let Self { idp, endpoint, name, .. } = self;
        let (query, known) = (format!("{parameter}={}", names.join(",")), unique("resource"));
        let created = idp.post(&format!("{endpoint}?{query}"), self.body(&known)).await.expect(201);
        let (id, url) = (created.id(), format!("{endpoint}/{}?{query}", created.id()));
        let same = patch(&json!([{"op": "replace", "path": name, "value": known}]));
        let filter = format!("id eq \"{id}\"");
        let found = format!("filter={}&{query}", filter.replace(' ', "+").replace('"', "%22"));
        let search = json!({"schemas": [SEARCH], "filter": filter, parameter: names});
        let only = |answer: Answer| {
            let found = answer.expect(200);
            assert_eq!(found.total(), 1, "{}", found.body);
            found.body["Resources"][0].clone()
        };
        vec![
            ("GET", idp.get(&url).await.expect(200).body),
            ("PUT", idp.put(&url, self.body(&known)).await.expect(200).body),
            ("PATCH", idp.patch(&url, same).await.expect(200).body),
            ("a list", only(idp.get(&format!("{endpoint}?{found}")).await)),
            ("a list of the root", only(idp.get(&format!("/?{found}")).await)),
            ("a search", only(idp.post(&format!("{endpoint}/.search"), search.clone()).await)),
            ("a search of the root", only(idp.post("/.search", search).await)),
            ("POST", created.body),
        ]
    }

    async fn show(&self, parameter: &str, names: &[&str], expected: &[&str]) {
        let expected: BTreeSet<&str> = expected.iter().copied().chain(["schemas", "id"]).collect();
        for (method, shown) in self.shown(parameter, names).await {
            let told: BTreeSet<&str> = shown.as_object().unwrap().keys().map(String::as_str).collect();
            assert_eq!(told, expected, "{method} {} with {parameter}={names:?}", self.endpoint);
            assert!(!shown.to_string().contains(SECRET), "{method} {}: {shown}", self.endpoint);
        }
    }
}

#[tokio::test]
async fn every_method_shows_what_is_asked_for_and_what_is_always_and_never_returned() {
    let own = json!([{"name": "site", "returned": "always"}, {"name": "pin", "returned": "never"}]);
    let idp = Idp::with(json!({"attributes": {"custom": [{"schema": OWN, "attributes": own}]}})).await;
    let alice = idp.user("alice").await;
    let users = Sort {
        idp: &idp,
        endpoint: "/Users",
        body: json!({"schemas": [USER, OWN], "title": "Dr.", "name": {"givenName": "Alice"}, "password": SECRET,
            OWN: {"site": "Oslo", "pin": SECRET}}),
        name: "userName",
    };
    let groups = Sort {
        idp: &idp,
        endpoint: "/Groups",
        body: json!({"schemas": [GROUP], "externalId": "1", "members": [{"value": alice}]}),
        name: "displayName",
    };
    let pin = format!("{OWN}:pin");
    for (sort, parameter, names, expected) in [
        (&users, "attributes", vec!["TITLE", "name.givenName"], vec!["title", "name", OWN]),
        (&users, "attributes", vec!["userName", "password", &pin], vec!["userName", OWN]),
        (&users, "attributes", vec!["nothing"], vec![OWN]),
        (
            &users,
            "excludedAttributes",
            vec!["id", "schemas", "meta", "name", OWN],
            vec!["userName", "title", "active", OWN],
        ),
        (&groups, "attributes", vec!["displayName"], vec!["displayName"]),
        (&groups, "attributes", vec!["members.value", "externalId"], vec!["members", "externalId"]),
        (&groups, "attributes", vec!["nothing"], vec![]),
        (
            &groups,
            "excludedAttributes",
            vec!["id", "members", "schemas"],
            vec!["displayName", "externalId", "meta"],
        ),
    ] {
        sort.show(parameter, &names, &expected).await;
    }
}
