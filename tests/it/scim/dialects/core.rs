//! A directory in memory on the pure functions of `scim` alone: no HTTP, no Kubernetes, nothing that waits.

use percent_encoding::percent_decode_str;
use scim_operator::scim::{
    error::{ErrorKind, Result, ScimError},
    json,
    key::key,
    list::ListResponse,
    members::{Member, MemberEdit, MemberKind, unchangeable},
    mode::{Mode, UnknownMembers},
    patch::PatchRequest,
    projection::Projection,
    rehire::{self, Known},
    relations::{Relation, Relations},
    requirements::Requirements,
    resource::{self, Resource, seal},
    schema::{ResourceKind, ResourceSchema, custom::ResourceTypes, discovery},
    search::Query,
    sort::Sort,
};
use serde_json::{Value, json};

use super::{compare::Got, fixture::Request, play::Server};

const BASE: &str = "https://scim.example.com/scim/v2/idp";

/// The resources of one provider.
pub(super) struct Core {
    mode: Mode,
    types: ResourceTypes,
    held: Vec<Held>,
    /// How many were ever created: what tells their ids and times apart.
    created: usize,
}

/// A resource, with its id and `meta`, and apart from it a group's members.
#[derive(Clone)]
struct Held {
    kind: ResourceKind,
    resource: Resource,
    members: Vec<Member>,
}

impl Server for Core {
    const SPEAKS_HTTP: bool = false;

    fn base(&self) -> String {
        BASE.to_owned()
    }

    async fn answer(&mut self, request: Request) -> std::result::Result<Got, String> {
        let (status, body) =
            self.route(&request).unwrap_or_else(|error| (error.kind().status(), error.to_json()));
        Ok(Got { status, headers: None, body })
    }
}

impl Core {
    pub(super) fn new(mode: Mode) -> Self {
        Self { mode, types: ResourceTypes::new([]).unwrap(), held: Vec::new(), created: 0 }
    }

    fn route(&mut self, request: &Request) -> Result<(u16, Value)> {
        let segments: Vec<_> = request.path.split('/').skip(1).collect();
        let kind = ResourceKind::ALL
            .into_iter()
            .find(|kind| segments.first() == kind.endpoint().strip_prefix('/').as_ref());
        let body = || json::parse(request.body.as_deref().unwrap_or_default().as_bytes());
        let query = Query::from_url(&request.query, self.mode)?;
        let (kind, id) = match (request.method.as_str(), kind, segments.as_slice()) {
            ("GET", None, ["Schemas"]) => return Ok((200, self.documents(discovery::schemas))),
            ("GET", None, ["ResourceTypes"]) => return Ok((200, self.documents(discovery::resource_types))),
            ("GET", Some(kind), [_]) => return Ok((200, self.find(kind, &query)?)),
            ("POST", Some(kind), [_, ".search"]) => {
                return Ok((200, self.find(kind, &Query::from_body(&body()?, self.mode)?)?));
            }
            ("POST", Some(kind), [_]) => {
                let created = self.create(kind, body()?)?;
                return Ok((201, self.show(&created, &query)));
            }
            (_, Some(kind), [_, id]) => (kind, percent_decode_str(id).decode_utf8_lossy().into_owned()),
            _ => return Err(ScimError::not_found("there is nothing at this path")),
        };
        let place = self.held.iter().position(|held| held.kind == kind && held.id() == id);
        let place = place.ok_or_else(|| ScimError::not_found("nobody has this id"))?;
        let changed = match request.method.as_str() {
            "GET" => self.held[place].clone(),
            "PUT" => self.replace(place, body()?)?,
            "PATCH" => self.patch(place, body()?)?,
            "DELETE" => {
                self.delete(place);
                return Ok((204, Value::Null));
            }
            _ => return Err(ScimError::new(ErrorKind::MethodNotAllowed, "this path has no such method")),
        };
        Ok((200, self.show(&changed, &query)))
    }

    fn schema(&self, kind: ResourceKind) -> &ResourceSchema {
        match kind {
            ResourceKind::Group => &self.types.groups,
            _ => &self.types.users,
        }
    }

    fn create(&mut self, kind: ResourceKind, body: Value) -> Result<Held> {
        let schema = self.schema(kind);
        let sent = resource::post(body, schema, self.mode, &Requirements::of(schema))?;
        if let Some(place) = self.returning(kind, &sent.resource)? {
            let identity = self.held[place].identity();
            return self.store(place, identity, sent.resource, &[]);
        }
        let edit = MemberEdit::Replace(sent.members.unwrap_or_default());
        let identity = (
            format!("00000000-0000-4000-8000-{:012}", self.created),
            json!({
                "resourceType": kind.name(),
                "created": format!("2026-01-31T09:00:00.{:09}Z", self.created),
            }),
        );
        self.created += 1;
        self.held.push(Held { kind, resource: Resource::new(), members: Vec::new() });
        let place = self.held.len() - 1;
        let stored = self.store(place, identity, sent.resource, &[edit]);
        if stored.is_err() {
            self.held.pop();
        }
        stored
    }

    fn returning(&self, kind: ResourceKind, sent: &Resource) -> Result<Option<usize>> {
        if kind == ResourceKind::Group {
            return Ok(None);
        }
        let name = sent["userName"].as_str().unwrap();
        let people = self.held.iter().enumerate().filter(|(_, held)| held.kind == ResourceKind::User);
        let known = people.filter_map(|(place, held)| {
            let external_id = rehire::external_id(&held.resource);
            let is_known = key(held.name()) == key(name)
                || (external_id.is_some() && external_id == rehire::external_id(sent));
            let active = held.resource.get("active") == Some(&Value::Bool(true));
            is_known.then_some((place, Known { active, external_id }))
        });
        let returning = rehire::returning(sent, known);
        returning.map(|place| rehire::allow(self.mode).map(|()| place)).transpose()
    }

    fn replace(&mut self, place: usize, body: Value) -> Result<Held> {
        let Held { kind, resource, .. } = &self.held[place];
        let schema = self.schema(*kind);
        let sent = resource::put(body, resource, schema, self.mode, &Requirements::of(schema))?;
        let edits: Vec<_> = sent.members.map(MemberEdit::Replace).into_iter().collect();
        self.store(place, self.held[place].identity(), sent.resource, &edits)
    }

    fn patch(&mut self, place: usize, body: Value) -> Result<Held> {
        let patch = PatchRequest::decode(body, self.mode)?;
        let Held { kind, resource, .. } = &self.held[place];
        let schema = self.schema(*kind);
        let patched = patch.apply(resource, schema, self.mode, &Requirements::of(schema))?;
        self.store(place, self.held[place].identity(), patched.resource, &patched.members)
    }

    fn delete(&mut self, place: usize) {
        let gone = self.held.remove(place);
        for held in &mut self.held {
            held.members.retain(|member| member.id != gone.id());
        }
    }

    /// Puts the next state of a resource in its place, all or nothing.
    fn store(
        &mut self,
        place: usize,
        (id, meta): (String, Value),
        mut resource: Resource,
        edits: &[MemberEdit],
    ) -> Result<Held> {
        let kind = self.held[place].kind;
        resource.insert("id".to_owned(), id.into());
        resource.insert("meta".to_owned(), meta);
        seal(&mut resource, self.schema(kind));
        let mut next = Held { kind, resource, members: self.held[place].members.clone() };
        let mut others =
            self.held.iter().enumerate().filter(|(other, held)| *other != place && held.kind == kind);
        if others.any(|(_, other)| key(other.name()) == key(next.name())) {
            return Err(ScimError::uniqueness("somebody has this name"));
        }
        for edit in edits {
            self.edit(&mut next.members, edit)?;
        }
        self.held[place] = next.clone();
        Ok(next)
    }

    fn edit(&self, members: &mut Vec<Member>, edit: &MemberEdit) -> Result<()> {
        let before = members.clone();
        match edit {
            MemberEdit::Remove(ids) => members.retain(|member| !ids.contains(&member.id)),
            MemberEdit::RemoveMatching(filter) => members.retain(|member| !filter.matches(&value(member))),
            MemberEdit::Replace(_) => members.clear(),
            MemberEdit::Add(_) => {}
            MemberEdit::Keep { matching, ids } => {
                let mut found = members.iter().filter(|member| matching.matches(&value(member)));
                match (found.next(), found.next()) {
                    (None, _) => return Err(ScimError::no_target("no member matches")),
                    (Some(found), None) if *ids == [found.id.as_str()] => {}
                    _ => return Err(unchangeable()),
                }
            }
        }
        if let MemberEdit::Add(added) | MemberEdit::Replace(added) = edit {
            for member in added.iter().filter(|added| before.iter().all(|member| member.id != added.id)) {
                let is_unknown = !self.held.iter().any(|held| held.id() == member.id);
                if is_unknown && self.mode.switches().unknown_members == UnknownMembers::Refuse {
                    return Err(ScimError::invalid_value("nobody has this member's id"));
                }
            }
            let new = added.iter().filter(|added| members.iter().all(|member| member.id != added.id));
            let new: Vec<_> = new.map(|member| self.known(member)).collect();
            members.extend(new);
        }
        Ok(())
    }

    /// A member as what it is, whatever the client says.
    fn known(&self, member: &Member) -> Member {
        let held = self.held.iter().find(|held| held.id() == member.id);
        let kind = held.map_or(member.kind, |held| match held.kind {
            ResourceKind::Group => MemberKind::Group,
            _ => MemberKind::User,
        });
        Member { id: member.id.clone(), kind }
    }

    fn find(&self, kind: ResourceKind, query: &Query) -> Result<Value> {
        let schema = self.schema(kind);
        let filter = query.filter.as_ref().map(|filter| filter.bind(schema, self.mode)).transpose()?;
        let sort = Sort::new(query.sort_by.as_deref(), query.order, &[schema], self.mode)?;
        let matches =
            |held: &&Held| filter.as_ref().is_none_or(|filter| filter.matches(&held.resource, self));
        let mut found: Vec<&Held> =
            self.held.iter().filter(|held| held.kind == kind).filter(matches).collect();
        let key = |held: &Held| sort.key(kind, &held.resource, self);
        found.sort_by(|a, b| sort.compare(&key(a), &key(b)));
        let binding = query.binding("idp", kind.endpoint())?;
        let keyed = |number: usize| found.get(number).map(|held| key(held));
        let page = query.paging.page(found.len(), &sort, keyed, &binding)?;
        let shown = found[page.range].iter().map(|held| self.show(held, query)).collect();
        Ok(json!(ListResponse::<Value>::new(found.len(), page.position, shown)))
    }

    /// The groups that somebody is in, and whether directly.
    fn groups_of(&self, id: &str) -> Vec<(&Held, &'static str)> {
        let mut found: Vec<(&Held, &str)> = Vec::new();
        let mut next = Some((id, "direct"));
        for place in 0.. {
            let Some((member, membership)) = next else { break };
            let names_it = |held: &&Held| held.members.iter().any(|it| it.id == member);
            for group in self.held.iter().filter(names_it) {
                if !found.iter().any(|(other, _)| other.id() == group.id()) {
                    found.push((group, membership));
                }
            }
            next = found.get(place).map(|(group, _)| (group.id(), "indirect"));
        }
        found
    }

    fn show(&self, held: &Held, query: &Query) -> Value {
        let Held { kind, mut resource, .. } = held.clone();
        resource["meta"]["location"] = url(kind, held.id()).into();
        let (name, relation) = match kind {
            ResourceKind::Group => ("members", Relation::Members),
            _ => ("groups", Relation::Groups),
        };
        let related: Vec<Value> = self.values(relation, held.id()).collect();
        if !related.is_empty() {
            resource.insert(name.to_owned(), related.into());
        }
        let attributes = query.attributes.iter().map(String::as_str);
        let excluded = query.excluded_attributes.iter().map(String::as_str);
        Projection::new(self.schema(kind), attributes, excluded, self.mode).apply(&mut resource);
        resource.into()
    }

    fn documents(&self, documents: impl Fn(&[&ResourceSchema], &str) -> Vec<Value>) -> Value {
        json!(ListResponse::of_all(documents(&[&self.types.users, &self.types.groups], BASE)))
    }
}

impl Relations for Core {
    fn values<'a>(&'a self, relation: Relation, id: &str) -> Box<dyn Iterator<Item = Value> + Send + 'a> {
        let id = id.to_owned();
        match relation {
            Relation::Members => {
                let group = self.held.iter().find(move |held| held.id() == id);
                Box::new(group.into_iter().flat_map(|group| &group.members).map(|member| {
                    let mut value = value(member);
                    if let Some(held) = self.held.iter().find(|held| held.id() == member.id) {
                        value["$ref"] = url(held.kind, held.id()).into();
                    }
                    value
                }))
            }
            Relation::Meta => {
                let held = self.held.iter().find(move |held| held.id() == id);
                Box::new(held.into_iter().map(|held| {
                    let mut meta = held.resource["meta"].clone();
                    meta["location"] = url(held.kind, held.id()).into();
                    meta
                }))
            }
            Relation::Groups => {
                let shown = |(group, membership): (&Held, &str)| {
                    json!({
                        "value": group.id(),
                        "$ref": url(ResourceKind::Group, group.id()),
                        "display": group.name(),
                        "type": membership,
                    })
                };
                let groups: Vec<Value> = self.groups_of(&id).into_iter().map(shown).collect();
                Box::new(groups.into_iter())
            }
        }
    }
}

impl Held {
    fn id(&self) -> &str {
        self.resource.get("id").and_then(Value::as_str).unwrap_or_default()
    }

    /// What makes it unique: a userName or a displayName.
    fn name(&self) -> &str {
        let name = match self.kind {
            ResourceKind::Group => "displayName",
            _ => "userName",
        };
        self.resource.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    fn identity(&self) -> (String, Value) {
        (self.id().to_owned(), self.resource["meta"].clone())
    }
}

fn url(kind: ResourceKind, id: &str) -> String {
    format!("{BASE}{}/{id}", kind.endpoint())
}

/// A member as filters see it.
fn value(member: &Member) -> Value {
    json!({"value": member.id, "type": member.kind.name()})
}
