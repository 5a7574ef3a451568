//! Schemas: what a provider declares beside the standard is an attribute like any other.

use kube::{Api, ResourceExt, api::ListParams};
use scim_operator::api::ScimUser;

use super::*;

const OWN: &str = "urn:example:params:scim:schemas:2.0:User";
const OWN_GROUP: &str = "urn:example:params:scim:schemas:2.0:Group";

/// Attributes of every type, with and without lists, parts, case and suggestions.
fn declared() -> Value {
    json!({"attributes": {"custom": [
        {"schema": OWN, "attributes": [
            {"name": "badge", "caseExact": true},
            {"name": "grade", "canonicalValues": ["junior", "senior"]},
            {"name": "remote", "type": "boolean"},
            {"name": "level", "type": "integer"},
            {"name": "score", "type": "decimal"},
            {"name": "hired", "type": "dateTime"},
            {"name": "page", "type": "reference"},
            {"name": "key", "type": "binary"},
            {"name": "tags", "multiValued": true},
            {"name": "desk", "type": "complex", "subAttributes": [
                {"name": "floor", "type": "integer"}, {"name": "seat"},
            ]},
            {"name": "shifts", "type": "complex", "multiValued": true, "subAttributes": [
                {"name": "value"}, {"name": "begins", "type": "dateTime"}, {"name": "primary", "type": "boolean"},
            ]},
        ]},
        {"schema": OWN_GROUP, "attributes": [{"name": "budget", "type": "decimal"}]},
    ]}})
}

/// The first of two people in every order.
fn first() -> Value {
    json!({
        "badge": "A-1", "grade": "junior", "remote": false, "level": 9_007_199_254_740_992_i64, "score": -0.5,
        "hired": "2024-03-01T00:30:00+01:00", "page": "https://example.com/a", "key": "AAECAw==",
        "tags": ["amber", "blue"], "desk": {"floor": 2, "seat": "a"},
        "shifts": [
            {"value": "late", "begins": "2026-01-01T14:00:00Z"},
            {"value": "early", "begins": "2026-01-01T06:00:00Z", "primary": true},
        ],
    })
}

fn second() -> Value {
    json!({
        "badge": "a-1", "grade": "Senior", "remote": true, "level": 9_007_199_254_740_993_i64, "score": 0.25,
        "hired": "2024-02-29T23:45:00Z", "page": "https://example.com/b", "key": "BBECAw==",
        "tags": ["blue"], "desk": {"floor": 10, "seat": "b"},
        "shifts": [{"value": "late", "begins": "2026-01-01T14:00:00Z"}],
    })
}

/// An identity provider with attributes of its own, and the two people. A third says nothing of them.
async fn people() -> Idp {
    let idp = Idp::with(declared()).await;
    for (name, own) in [("second", second()), ("first", first())] {
        let body = json!({"schemas": [USER, OWN], "userName": name, OWN: own});
        let created = idp.post("/Users", body).await.expect(201);
        assert_eq!((&created.body[OWN], &created.body["schemas"]), (&own, &json!([USER, OWN])));
    }
    idp.user("third").await;
    idp
}

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02x}")).collect()
}

#[tokio::test]
async fn declared_attributes_of_every_type_are_found_by_filters() {
    let idp = people().await;
    for (filter, found) in [
        ("badge eq \"A-1\"", "first"),
        ("badge eq \"a-1\"", "second"),
        ("grade eq \"SENIOR\"", "second"),
        ("remote eq false", "first"),
        ("remote ne true", "first third"),
        ("level gt 9007199254740992", "second"),
        ("level eq 9007199254740992.0", "first"),
        ("score le 25e-2", "second first"),
        ("score lt 0", "first"),
        ("hired lt \"2024-02-29T23:40:00Z\"", "first"),
        ("hired eq \"2024-03-01T01:45:00+02:00\"", "second"),
        ("page ew \"/b\"", "second"),
        ("key eq \"AAECAw==\"", "first"),
        ("tags eq \"AMBER\"", "first"),
        ("tags pr and not (OWN:tags[value eq \"amber\"])", "second"),
        ("desk.floor ge 10", "second"),
        ("desk pr", "second first"),
        ("desk eq null", "third"),
        ("shifts[value eq \"early\" and primary eq true]", "first"),
        ("shifts[value eq \"late\"].begins gt \"2026-01-01T15:00:00+02:00\"", "second first"),
        ("shifts co \"EARL\"", "first"),
    ] {
        let filter = format!("{OWN}:{filter}").replace("OWN:", &format!("{OWN}:"));
        let answer = idp.get(&format!("/Users?filter={}", encoded(&filter))).await.expect(200);
        assert_eq!(answer.texts("userName").join(" "), found, "{filter}");
    }
    for filter in [
        "remote gt true",
        "level eq \"nine\"",
        "hired eq \"yesterday\"",
        "key sw \"AA\"",
        "none pr",
        "desk.none pr",
    ] {
        let filter = encoded(&format!("{OWN}:{filter}"));
        let refused = idp.get(&format!("/Users?filter={filter}")).await.expect(400);
        assert_eq!(refused.body["scimType"], "invalidFilter");
    }
}

#[tokio::test]
async fn declared_attributes_of_every_type_can_be_sorted_by() {
    let idp = people().await;
    for by in [
        "grade",
        "remote",
        "level",
        "score",
        "page",
        "key",
        "tags",
        "desk.floor",
        "desk.seat",
        "shifts",
        "badge",
        "hired",
        "shifts.begins",
    ] {
        for (order, names) in
            [("ascending", ["first", "second", "third"]), ("descending", ["third", "second", "first"])]
        {
            let sorted = idp.get(&format!("/Users?sortBy={OWN}:{by}&sortOrder={order}")).await.expect(200);
            assert_eq!(sorted.texts("userName"), names, "{by} {order}");
        }
    }
    for by in ["none", "desk", "desk.none"] {
        let refused = idp.get(&format!("/Users?sortBy={OWN}:{by}")).await.expect(400);
        assert_eq!(refused.body["scimType"], "invalidFilter", "{by}");
    }
}

#[tokio::test]
async fn declared_attributes_of_every_type_are_changed_by_patch() {
    let idp = people().await;
    let third = idp.get("/Users?filter=userName+eq+%22third%22").await.body["Resources"][0]["id"].clone();
    let url = format!("/Users/{}", third.as_str().unwrap());
    for (op, path, value, shown) in [
        ("add", "badge", json!("B"), json!("B")),
        ("replace", "grade", json!("x"), json!("x")),
        ("add", "remote", json!(true), json!(true)),
        ("add", "level", json!(i64::MAX), json!(i64::MAX)),
        ("add", "score", json!(0.125), json!(0.125)),
        ("add", "hired", json!("2020-01-01T00:00:00Z"), json!("2020-01-01T00:00:00Z")),
        ("add", "page", json!("https://example.com/c"), json!("https://example.com/c")),
        ("add", "key", json!("AAEC"), json!("AAEC")),
        ("add", "tags", json!(["a", "b"]), json!(["a", "b"])),
        ("add", "tags", json!("b"), json!(["a", "b"])),
        ("remove", "tags[value eq \"a\"]", json!(null), json!(["b"])),
        ("remove", "tags[value eq \"b\"]", json!(null), json!(null)),
        ("add", "desk.floor", json!(7), json!({"floor": 7})),
        ("add", "desk", json!({"seat": "z"}), json!({"floor": 7, "seat": "z"})),
        ("remove", "desk.floor", json!(null), json!({"seat": "z"})),
        ("add", "shifts", json!([{"value": "a", "primary": true}]), json!([{"value": "a", "primary": true}])),
        (
            "add",
            "shifts[value eq \"b\"].primary",
            json!(true),
            json!([{"value": "a", "primary": false}, {"value": "b", "primary": true}]),
        ),
        ("remove", "shifts[value eq \"a\"]", json!(null), json!([{"value": "b", "primary": true}])),
        ("remove", "level", json!(null), json!(null)),
    ] {
        let mut operation = json!({"op": op, "path": format!("{OWN}:{path}")});
        if op != "remove" {
            operation["value"] = value;
        }
        let patched = idp.patch(&url, patch(&json!([operation]))).await.expect(200);
        let name = path.split(['.', '[']).next().unwrap();
        assert_eq!(patched.body[OWN][name], shown, "{op} {path}");
    }
    for (path, value) in [
        ("remote", json!("perhaps")),
        ("level", json!(1.5)),
        ("score", json!("much")),
        ("hired", json!("2020-01-01")),
        ("key", json!(1)),
        ("tags", json!([1])),
        ("desk", json!("x")),
        ("desk.floor", json!("x")),
    ] {
        let operation = json!([{"op": "replace", "path": format!("{OWN}:{path}"), "value": value}]);
        let refused = idp.patch(&url, patch(&operation)).await.expect(400);
        assert_eq!(refused.body["scimType"], "invalidValue", "{path}: {}", refused.body);
    }
}

/// Quirk Q34: what `/Schemas` lists is what can be sent, and is answered.
#[tokio::test]
async fn what_schemas_list_can_be_sent_and_comes_back() {
    let mut spec = declared();
    spec["mode"] = json!("Strict");
    let idp = Idp::with(spec).await;
    let schemas = idp.get("/Schemas").await.expect(200);
    for (endpoint, core, own) in [("/Users", USER, OWN), ("/Groups", GROUP, OWN_GROUP)] {
        let sample = |urn: &str| {
            let all = schemas.body["Resources"].as_array().unwrap();
            let schema = all.iter().find(|schema| schema["id"] == urn).unwrap();
            sample_of(&schema["attributes"])
        };
        let mut body = sample(core);
        body.insert("schemas".to_owned(), json!([core, own]));
        body.insert(own.to_owned(), sample(own).into());
        body.remove("members");
        let created = idp.post(endpoint, body.clone().into()).await.expect(201);
        let location = format!("{endpoint}/{}", created.id());
        let mut shown = idp.get(&location).await.expect(200).body;
        shown.as_object_mut().unwrap().retain(|name, _| !matches!(name.as_str(), "id" | "meta"));
        assert_eq!(shown, Value::from(body));
        let one = idp.get(&format!("/Schemas/{own}")).await.expect(200);
        assert!(schemas.body["Resources"].as_array().unwrap().contains(&one.body));
    }
    let types = idp.get("/ResourceTypes/User").await.expect(200);
    let extensions = types.body["schemaExtensions"].as_array().unwrap();
    assert!(extensions.contains(&json!({"schema": OWN, "required": false})), "{extensions:?}");
}

/// A value for each attribute of these definitions that can be written.
fn sample_of(definitions: &Value) -> serde_json::Map<String, Value> {
    let writable = definitions.as_array().unwrap().iter().filter(|it| it["mutability"] != "readOnly");
    let sample = |it: &Value| {
        let one = match it["type"].as_str().unwrap() {
            "boolean" => json!(true),
            "integer" => json!(7),
            "decimal" => json!(1.5),
            "dateTime" => json!("2026-01-31T09:30:00Z"),
            "binary" => json!("AAEC"),
            "complex" => sample_of(&it["subAttributes"]).into(),
            _ => json!("https://example.com/x"),
        };
        let value = if it["multiValued"] == true { json!([one]) } else { one };
        (it["name"].as_str().unwrap().to_owned(), value)
    };
    writable.map(sample).collect()
}

/// RFC 7643 section 7: `returned` and `mutability`.
#[tokio::test]
async fn what_is_declared_of_an_attribute_is_kept_in_every_answer_and_change() {
    let attributes = json!([
        {"name": "site", "returned": "always"},
        {"name": "salary", "type": "integer", "returned": "request"},
        {"name": "pin", "returned": "never"},
        {"name": "number", "mutability": "immutable"},
        {"name": "plain"},
    ]);
    let idp = Idp::with(json!({"attributes": {"custom": [{"schema": OWN, "attributes": attributes}]}})).await;
    let own = json!({"site": "Oslo", "salary": 7, "pin": "1234", "plain": "x"});
    let body = json!({"schemas": [USER, OWN], "userName": "alice", OWN: own});
    let created = idp.post("/Users", body.clone()).await.expect(201);
    let url = format!("/Users/{}", created.id());
    let specified = json!({"site": "Oslo", "salary": 7, "plain": "x"});
    assert_eq!(created.body[OWN], specified, "what is returned on request is returned to who specifies it");
    let raise = patch(&json!([{"op": "replace", "path": format!("{OWN}:salary"), "value": 7}]));
    assert_eq!(idp.patch(&url, raise).await.expect(200).body[OWN], specified);
    assert_eq!(idp.get(&url).await.expect(200).body[OWN], json!({"site": "Oslo", "plain": "x"}));
    for (query, shown) in [
        (format!("attributes={OWN}:salary"), json!({"site": "Oslo", "salary": 7})),
        (format!("attributes={OWN}:pin,userName"), json!({"site": "Oslo"})),
        (format!("excludedAttributes={OWN}:site,{OWN}:plain"), json!({"site": "Oslo"})),
        (format!("attributes={OWN}"), json!({"site": "Oslo", "plain": "x"})),
    ] {
        assert_eq!(idp.get(&format!("{url}?{query}")).await.expect(200).body[OWN], shown, "{query}");
    }
    let found = idp.get(&format!("/Users?filter={OWN}:pin+eq+%221234%22")).await.expect(200);
    assert_eq!((found.total(), &found.body["Resources"][0][OWN]["pin"]), (1, &Value::Null));
    let sorted = idp.get(&format!("/Users?sortBy={OWN}:pin&cursor=&count=1")).await.expect(400);
    assert_eq!(
        sorted.body["scimType"], "invalidFilter",
        "a cursor would tell the value by which the page ends"
    );

    let set =
        |value: &str| patch(&json!([{"op": "replace", "path": format!("{OWN}:number"), "value": value}]));
    assert_eq!(idp.patch(&url, set("1")).await.expect(200).body[OWN]["number"], "1");
    assert_eq!(idp.patch(&url, set("1")).await.expect(200).body[OWN]["number"], "1", "it stays the same");
    for (change, what) in [
        (set("2"), "a replacement"),
        (patch(&json!([{"op": "remove", "path": format!("{OWN}:number")}])), "a removal"),
    ] {
        assert_eq!(idp.patch(&url, change).await.expect(400).body["scimType"], "mutability", "{what}");
    }
    let mut other = body.clone();
    other[OWN]["number"] = json!("2");
    assert_eq!(idp.put(&url, other).await.expect(400).body["scimType"], "mutability");
    assert_eq!(
        idp.put(&url, body).await.expect(200).body[OWN]["number"],
        "1",
        "a PUT that does not say it keeps it"
    );
    let schema = idp.get(&format!("/Schemas/{OWN}")).await.expect(200).body;
    let said = |name: &str| {
        let attribute =
            schema["attributes"].as_array().unwrap().iter().find(|it| it["name"] == name).unwrap();
        [attribute["returned"].clone(), attribute["mutability"].clone()]
    };
    assert_eq!(said("pin"), ["never", "readWrite"]);
    assert_eq!(said("number"), ["default", "immutable"]);
}

/// RFC 7643 section 7: `writeOnly`. It is for whoever may read ScimUsers, such as a template of a ScimAppConfig.
#[tokio::test]
async fn what_is_write_only_is_kept_and_told_to_nobody() {
    let attributes = json!([
        {"name": "pin", "mutability": "writeOnly"},
        {"name": "desk", "type": "complex", "subAttributes": [
            {"name": "code", "mutability": "writeOnly"}, {"name": "seat"},
        ]},
    ]);
    let idp = Idp::with(json!({"attributes": {"custom": [{"schema": OWN, "attributes": attributes}]}})).await;
    let sent = json!({"pin": "1234", "desk": {"code": "5678", "seat": "a"}});
    let body = json!({"schemas": [USER, OWN], "userName": "alice", OWN: sent});
    let created = idp.post("/Users", body).await.expect(201);
    let url = format!("/Users/{}", created.id());
    let shown = json!({"desk": {"seat": "a"}});
    assert_eq!(created.body[OWN], shown);
    let asked = format!("{url}?attributes={OWN}:pin,{OWN}:desk.code,{OWN}:desk.seat");
    assert_eq!(idp.get(&asked).await.expect(200).body[OWN], shown);

    for query in [
        format!("filter={}", encoded(&format!("{OWN}:pin sw \"1\""))),
        format!("filter={}", encoded(&format!("{OWN}:desk.code pr"))),
        format!("sortBy={OWN}:pin"),
    ] {
        let refused = idp.get(&format!("/Users?{query}")).await.expect(400);
        assert_eq!(refused.body["scimType"], "invalidFilter", "{query}");
    }

    let users: Api<ScimUser> = Api::all(ControlPlane::shared().await.admin().await);
    let mine = ListParams::default().labels(&format!("scim-operator.dev/provider={}", idp.name));
    let stored = async || {
        let object = users.list(&mine).await.unwrap().items.remove(0);
        serde_json::to_value(object).unwrap()["spec"][OWN].clone()
    };
    assert_eq!(stored().await, sent);
    let mut read = idp.get(&url).await.expect(200).body;
    read["title"] = json!("Dr.");
    assert_eq!(idp.put(&url, read).await.expect(200).body["title"], "Dr.");
    assert_eq!(stored().await, sent, "who sends back what was shown takes nothing away");
    let changes = json!([
        {"op": "replace", "path": format!("{OWN}:pin"), "value": "9"},
        {"op": "remove", "path": format!("{OWN}:desk.code")},
    ]);
    idp.patch(&url, patch(&changes)).await.expect(200);
    assert_eq!(stored().await, json!({"pin": "9", "desk": {"seat": "a"}}));
}

/// RFC 7643 section 7, of sub-attributes.
#[tokio::test]
async fn what_is_declared_of_a_part_is_kept_in_every_answer_and_change() {
    let parts = json!([
        {"name": "value", "type": "reference", "referenceTypes": ["external"], "required": true},
        {"name": "color", "canonicalValues": ["red", "blue"], "caseExact": true},
        {"name": "number", "mutability": "immutable", "returned": "always"},
        {"name": "code", "returned": "request"},
        {"name": "pin", "returned": "never"},
    ]);
    let card = json!([{"name": "card", "type": "complex", "subAttributes": parts}]);
    let idp = Idp::with(json!({"attributes": {"custom": [{"schema": OWN, "attributes": card}]}})).await;
    let listed = idp.get(&format!("/Schemas/{OWN}")).await.expect(200).body["attributes"][0].clone();
    for (declared, listed) in
        parts.as_array().unwrap().iter().zip(listed["subAttributes"].as_array().unwrap())
    {
        for (name, value) in declared.as_object().unwrap() {
            assert_eq!(&listed[name], value, "{name} of {}", declared["name"]);
        }
    }

    let whole = json!({"value": "urn:card:1", "color": "red", "number": "1", "code": "c", "pin": "p"});
    let with = |card: Value| json!({"schemas": [USER, OWN], "userName": "alice", OWN: {"card": card}});
    let mut incomplete = whole.clone();
    incomplete.as_object_mut().unwrap().remove("value");
    let refused = idp.post("/Users", with(incomplete)).await.expect(400);
    assert!(refused.body["detail"].as_str().unwrap().contains(&format!("{OWN}:card.value")));
    let created = idp.post("/Users", with(whole.clone())).await.expect(201);
    let mut specified = whole.clone();
    specified.as_object_mut().unwrap().remove("pin");
    assert_eq!(created.body[OWN]["card"], specified);

    let url = format!("/Users/{}", created.id());
    let shown = json!({"value": "urn:card:1", "color": "red", "number": "1"});
    assert_eq!(idp.get(&url).await.expect(200).body[OWN]["card"], shown);
    let asked = idp.get(&format!("{url}?attributes={OWN}:card.code")).await.expect(200);
    assert_eq!(asked.body[OWN]["card"], json!({"number": "1", "code": "c"}));
    for (filter, count) in [("color eq \"red\"", 1), ("color eq \"Red\"", 0), ("pin eq \"p\"", 1)] {
        let filter = encoded(&format!("{OWN}:card.{filter}"));
        assert_eq!(idp.get(&format!("/Users?filter={filter}")).await.expect(200).total(), count);
    }
    for (op, path, value) in [
        ("replace", "card.number", json!("2")),
        ("remove", "card", json!(null)),
        ("remove", "card.value", json!(null)),
    ] {
        let change = json!([{"op": op, "path": format!("{OWN}:{path}"), "value": value}]);
        let refused = idp.patch(&url, patch(&change)).await.expect(400);
        assert_eq!(refused.body["scimType"], "mutability", "{op} {path}: {}", refused.body);
    }
    let next = json!({"value": "urn:card:2", "number": "1"});
    assert_eq!(idp.put(&url, with(next.clone())).await.expect(200).body[OWN]["card"], next);
}

#[tokio::test]
async fn a_password_is_kept_and_logged_nowhere() {
    let idp = Idp::new().await;
    let body = json!({"schemas": [USER], "userName": "alice", "password": "hunter2"});
    let created = idp.post("/Users", body.clone()).await.expect(201);
    let url = format!("/Users/{}", created.id());
    idp.put(&url, body.clone()).await.expect(200);
    let change = patch(&json!([{"op": "add", "path": "password", "value": "hunter3"}]));
    idp.patch(&url, change.clone()).await.expect(200);
    let shown = idp.get(&format!("{url}?attributes=password,userName")).await.expect(200);
    assert_eq!(shown.body.get("password"), None);
    assert_eq!(idp.get("/Users?filter=password+pr").await.expect(400).body["scimType"], "invalidFilter");
    let users: Api<ScimUser> = Api::all(ControlPlane::shared().await.admin().await);
    let mine = ListParams::default().labels(&format!("scim-operator.dev/provider={}", idp.name));
    for stored in users.list(&mine).await.unwrap() {
        let text = serde_json::to_string(&stored).unwrap();
        assert!(!text.contains("hunter") && !text.contains("password"), "{}", stored.name_any());
    }
    let ipsie = Idp::with(json!({"mode": "Ipsie"})).await;
    assert_eq!(ipsie.post("/Users", body).await.expect(400).body["scimType"], "invalidValue");
    let id = ipsie.user("bob").await;
    assert_eq!(
        ipsie.patch(&format!("/Users/{id}"), change).await.expect(400).body["scimType"],
        "invalidValue"
    );
    assert!(!Installation::shared().await.log().contains("hunter"));
}

#[tokio::test]
async fn decimals_come_back_from_the_api_server_as_the_doubles_that_they_are() {
    let idp = Idp::with(declared()).await;
    let users: Api<ScimUser> = Api::all(ControlPlane::shared().await.admin().await);
    let mine = ListParams::default().labels(&format!("scim-operator.dev/provider={}", idp.name));
    for score in [1.5e300, 1e20, 12_345_678_901_234_567_000.0, -1e19, 5e-324, 1.234_567_890_123_456_7e17, 1.0]
    {
        let name = score.to_string();
        let body = json!({"schemas": [USER, OWN], "userName": name, OWN: {"score": score}});
        let created = idp.post("/Users", body).await.expect(201);
        let url = format!("/Users/{}", created.id());
        let change = patch(&json!([{"op": "add", "path": "title", "value": "x"}]));
        assert_eq!(idp.patch(&url, change).await.expect(200).body[OWN]["score"].as_f64(), Some(score));
        let found = encoded(&format!("{OWN}:score eq {score:?}"));
        assert_eq!(idp.get(&format!("/Users?filter={found}")).await.expect(200).texts("userName"), [&*name]);
        let again = patch(&json!([{"op": "replace", "path": format!("{OWN}:score"), "value": score}]));
        let version = idp.get(&url).await.header("etag").unwrap().to_owned();
        assert_eq!(idp.patch(&url, again).await.expect(200).header("etag"), Some(&*version), "{score}");
        let stored = users.list(&mine).await.unwrap().items;
        let stored: Vec<_> = stored.iter().map(|user| json!(user)["spec"][OWN]["score"].as_f64()).collect();
        assert!(stored.contains(&Some(score)), "{score} among {stored:?}");
    }
    let filter = encoded(&format!("{OWN}:score gt 1e299"));
    assert_eq!(idp.get(&format!("/Users?filter={filter}")).await.expect(200).total(), 1);
}

#[tokio::test]
async fn a_declared_attribute_of_groups_is_one_of_groups_alone() {
    let idp = Idp::with(declared()).await;
    let body = json!({"schemas": [GROUP, OWN_GROUP], "displayName": "team", OWN_GROUP: {"budget": 10.5}});
    let team = idp.post("/Groups", body).await.expect(201);
    assert_eq!(team.body[OWN_GROUP]["budget"], 10.5);
    let filter = encoded(&format!("{OWN_GROUP}:budget gt 10"));
    assert_eq!(idp.get(&format!("/Groups?filter={filter}")).await.expect(200).texts("id"), [team.id()]);
    assert_eq!(idp.get(&format!("/?filter={filter}")).await.expect(200).texts("id"), [team.id()]);
    assert_eq!(
        idp.get(&format!("/Users?filter={filter}")).await.expect(400).body["scimType"],
        "invalidFilter"
    );
}
