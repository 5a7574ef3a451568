//! Plays a fixture against whatever answers SCIM.

use std::collections::BTreeMap;

use http::Method;
use scim_operator::scim::{mode::Mode, schema::core};
use serde_json::{Map, Value, json};

use super::{
    compare::{self, Extent, Got},
    fixture::{Fixture, Request, State, patch},
    symbols::Symbols,
};

/// A directory of its own behind SCIM.
pub(super) trait Server {
    /// Whether it speaks HTTP.
    const SPEAKS_HTTP: bool;

    /// The provider's URL.
    fn base(&self) -> String;

    /// The answer to one request.
    async fn answer(&mut self, request: Request) -> Result<Got, String>;
}

/// Makes the state before, sends every step and looks at the state after.
///
/// # Errors
/// The first step that went wrong, for people.
pub(super) async fn play(fixture: &Fixture, mode: Mode, server: &mut impl Server) -> Result<(), String> {
    let mut symbols = Symbols::new(server.base());
    let played = play_with(fixture, mode, server, &mut symbols).await;
    played.map_err(|report| symbols.unresolve(&report))
}

async fn play_with<S: Server>(
    fixture: &Fixture,
    mode: Mode,
    server: &mut S,
    symbols: &mut Symbols,
) -> Result<(), String> {
    prepare(&fixture.before, server, symbols).await.map_err(|error| format!("before: {error}"))?;
    let steps = fixture.steps.iter().enumerate();
    for (i, step) in steps.filter(|(_, step)| S::SPEAKS_HTTP || !step.is_over_http()) {
        let at = format!("step {}: {} {}", i + 1, step.request.method, step.request.target);
        let fail = |error: String| format!("{at}: {error}");
        let request = step.request(symbols).map_err(fail)?;
        let sent = format!("{}\n{}", request.query, request.body.as_deref().unwrap_or_default());
        let got = server.answer(request).await.map_err(fail)?;
        let expected = step.answer(mode);
        let wrong = compare::answer(expected, &got, symbols).map_err(fail)?;
        if !wrong.is_empty() {
            return Err(format!(
                "{at}\n  {}\nsent: {}\ngot: {}",
                wrong.join("\n  "),
                sent.trim(),
                got.show()
            ));
        }
        if let Some(name) = step.names.as_ref().filter(|_| expected.status < 400) {
            let id = got.body["id"].as_str().ok_or_else(|| fail(format!("no id to call {{{name}}}")))?;
            symbols.bind(name, id).map_err(fail)?;
        }
    }
    let observed = observe(server, symbols).await.map_err(|error| format!("after: {error}"))?;
    let mut wrong = Vec::new();
    let expected = whole(fixture.after(mode), symbols).map_err(|error| format!("after: {error}"))?;
    compare::difference("after", &expected, Some(&observed), Extent::Whole, &mut wrong);
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n  ")) }
}

/// Creates who is there before. People become inactive last: a POST could bring back those who are.
async fn prepare(before: &State, server: &mut impl Server, symbols: &mut Symbols) -> Result<(), String> {
    for (name, user) in &before.users {
        let mut body = symbols.resolve_all(user)?;
        body["active"] = true.into();
        create(server, symbols, name, "/Users", core::USER, body).await?;
    }
    for (name, group) in &before.groups {
        let group = Group::read(group, symbols)?;
        let members: Vec<Value> = group.members().map(|id| json!({"value": id})).collect();
        let mut body = Value::Object(group.attributes);
        body["members"] = members.into();
        create(server, symbols, name, "/Groups", core::GROUP, body).await?;
    }
    for (name, _) in before.users.iter().filter(|(_, user)| user["active"] == false) {
        let path = format!("/Users/{}", symbols.id(name)?);
        let body = patch(&json!([{"op": "replace", "path": "active", "value": false}]));
        expect(server, Request::new(Method::PATCH, path, Some(&body)), 200).await?;
    }
    Ok(())
}

async fn create(
    server: &mut impl Server,
    symbols: &mut Symbols,
    name: &str,
    path: &str,
    schema: &str,
    mut body: Value,
) -> Result<(), String> {
    body["schemas"] = schemas(schema, &body);
    let created = expect(server, Request::new(Method::POST, path, Some(&body)), 201).await?;
    symbols.bind(name, created["id"].as_str().ok_or("a resource without an id")?)
}

async fn expect(server: &mut impl Server, request: Request, status: u16) -> Result<Value, String> {
    let line = format!("{} {}", request.method, request.path);
    let got = server.answer(request).await?;
    if got.status == status { Ok(got.body) } else { Err(format!("{line}\n{}", got.show())) }
}

/// The schemas that a resource uses.
fn schemas(core: &str, resource: &Value) -> Value {
    let names = resource.as_object().into_iter().flatten().map(|(name, _)| name.as_str());
    let extensions = names.filter(|name| name.starts_with("urn:"));
    std::iter::once(core).chain(extensions).collect()
}

/// A group of a fixture: its members by id, those whom nobody knows as they were sent.
struct Group {
    attributes: Map<String, Value>,
    known: Vec<String>,
    dangling: Vec<String>,
}

impl Group {
    fn read(group: &Value, symbols: &Symbols) -> Result<Self, String> {
        let Value::Object(mut attributes) = group.clone() else {
            return Err("a group must be an object".to_owned());
        };
        let mut names = |key| -> Result<Vec<String>, String> {
            let names = attributes.remove(key).unwrap_or(json!([]));
            serde_json::from_value(names).map_err(|_| format!("{key} must be a list of names"))
        };
        let known = names("members")?;
        let known = known.iter().map(|name| symbols.id(name).map(str::to_owned)).collect::<Result<_, _>>()?;
        Ok(Self { known, dangling: names("dangling")?, attributes })
    }

    fn members(&self) -> impl Iterator<Item = &String> {
        self.known.iter().chain(&self.dangling)
    }
}

/// A state as the one that is observed: by name, with what follows from the rest of it.
fn whole(state: &State, symbols: &Symbols) -> Result<Value, String> {
    let mut users = BTreeMap::new();
    for (name, user) in &state.users {
        let mut user = symbols.resolve_all(user)?;
        user["active"] = user.get("active").cloned().unwrap_or(true.into());
        user["schemas"] = schemas(core::USER, &user);
        users.insert(symbols.id(name)?, user);
    }
    let read = |(name, group): (&String, &Value)| -> Result<_, String> {
        Ok((symbols.id(name)?, Group::read(&symbols.resolve_all(group)?, symbols)?))
    };
    let read = state.groups.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    for (id, user) in &mut users {
        let groups = containing(id, &read).into_iter();
        let groups =
            groups.map(|(id, group)| json!({"value": id, "display": group.attributes["displayName"]}));
        let groups: Vec<Value> = groups.collect();
        if !groups.is_empty() {
            user["groups"] = groups.into();
        }
    }
    let mut groups = BTreeMap::new();
    for (id, group) in read {
        let members: Vec<Value> = group.members().map(|id| json!({"value": id})).collect();
        let mut shown = Value::from(group.attributes.clone());
        shown["members"] = members.into();
        shown["schemas"] = schemas(core::GROUP, &shown);
        groups.insert(id, shown);
    }
    Ok(json!({"users": users, "groups": groups}))
}

/// The groups that somebody is in, directly or through others.
fn containing<'g>(id: &str, groups: &'g [(&str, Group)]) -> Vec<&'g (&'g str, Group)> {
    let mut found: Vec<&(&str, Group)> = Vec::new();
    let mut next = Some(id);
    for place in 0.. {
        let Some(member) = next else { break };
        for around in groups.iter().filter(|(_, group)| group.known.iter().any(|known| known == member)) {
            if !found.iter().any(|(id, _)| *id == around.0) {
                found.push(around);
            }
        }
        next = found.get(place).map(|(id, _)| *id);
    }
    found
}

/// Everybody whom a server shows, without what no fixture can know.
async fn observe(server: &mut impl Server, symbols: &Symbols) -> Result<Value, String> {
    let mut users = BTreeMap::new();
    for mut user in list(server, "/Users").await? {
        let id = checked_id(&mut user, &symbols.resolve("{base}/Users")?)?;
        keep(&mut user, "groups", &["value", "display"]);
        users.insert(id, user);
    }
    let mut groups = BTreeMap::new();
    for mut group in list(server, "/Groups").await? {
        let id = checked_id(&mut group, &symbols.resolve("{base}/Groups")?)?;
        group.entry("members").or_insert(json!([]));
        keep(&mut group, "members", &["value"]);
        groups.insert(id, group);
    }
    Ok(json!({"users": users, "groups": groups}))
}

/// Leaves of each element of a list only these parts: the others follow from them.
fn keep(resource: &mut Map<String, Value>, list: &str, parts: &[&str]) {
    let elements = resource.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten();
    for element in elements.filter_map(Value::as_object_mut) {
        element.retain(|name, _| parts.contains(&name.as_str()));
    }
}

async fn list(server: &mut impl Server, path: &str) -> Result<Vec<Map<String, Value>>, String> {
    let mut request = Request::new(Method::GET, path, None);
    request.query = "count=1000".to_owned();
    let body = expect(server, request, 200).await?;
    serde_json::from_value(body["Resources"].clone()).map_err(|error| error.to_string())
}

/// Takes the id out, and `meta`, which must say where the resource is.
fn checked_id(resource: &mut Map<String, Value>, url: &str) -> Result<String, String> {
    let id = resource.remove("id").unwrap_or_default();
    let id = id.as_str().ok_or("a resource without an id")?;
    let location = resource.remove("meta").unwrap_or_default()["location"].clone();
    if location != format!("{url}/{id}") {
        return Err(format!("meta.location of {id} is {location}"));
    }
    Ok(id.to_owned())
}
