use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use serde_json::{Value, json};

use super::{
    super::{Difference, Group, Id, Members, Membership, ProviderView, User},
    Activity,
};
use crate::scim::{
    error::{Result, ScimError},
    filter::{BoundFilter, Filter, Indexed},
    mode::Mode,
    path::AttributePath,
    relations::{Relation, Relations},
    resource::{Resource, seal},
    schema::ResourceSchema,
};

/// What an answer over SCIM has, and nobody knows who gives none: URLs, and what tells one answer from another.
const OF_ANSWERS: [(&str, &str); 3] = [("meta", "location"), ("meta", "version"), ("groups", "$ref")];

/// A filter over people that remembers its answers: who has not changed is not decoded again.
#[derive(Debug)]
pub(super) struct UserFilter {
    filter: BoundFilter,
    asks_of_groups: bool,
    /// The people's schema, where the filter asks for `schemas`, which no resource keeps.
    schemas: Option<ResourceSchema>,
    /// Of what it asks what nobody can have.
    contradiction: Option<String>,
    /// The same where only active people are asked.
    contradiction_of_active: Option<String>,
    /// By id: the resourceVersion that was asked, and the answer.
    answers: Mutex<HashMap<Id, (u64, bool)>>,
}

/// A person who may match, and where the filter asks for it their groups.
#[derive(Debug)]
pub(super) struct Candidate {
    user: Arc<User>,
    groups: Vec<(Arc<Group>, Membership)>,
}

impl UserFilter {
    /// Administrators write RFC 7644 to the letter, whatever their identity provider needs.
    ///
    /// # Errors
    /// When the filter cannot be read, or asks for what only an answer over SCIM has.
    pub(super) fn new(text: &str, people: &ResourceSchema) -> Result<Self> {
        let filter = Filter::parse(text, Mode::Strict)?.bind(people, Mode::Strict)?;
        if let Some(path) = filter.attributes().find(is_of_answers) {
            return Err(ScimError::invalid_filter(format!(
                "{path} is of an answer over SCIM, and nothing that the directory knows of a person: leave it out"
            )));
        }
        let asks_for = |name| filter.attributes().any(|path| path.urn.is_none() && path.attribute == name);
        let (asks_of_groups, asks_for_schemas) = (asks_for("groups"), asks_for("schemas"));
        let schemas = asks_for_schemas.then(|| people.clone());
        let active = Filter::parse("active eq true", Mode::Strict)?.bind(people, Mode::Strict)?;
        let contradiction = |given| filter.contradiction(given).map(|path: &AttributePath| path.to_string());
        Ok(Self {
            contradiction: contradiction(None),
            contradiction_of_active: contradiction(Some(&active)),
            filter,
            asks_of_groups,
            schemas,
            answers: Mutex::default(),
        })
    }

    pub(super) fn contradiction(&self, activity: Activity) -> Option<&str> {
        match activity {
            Activity::Own => self.contradiction_of_active.as_deref(),
            Activity::Shared => self.contradiction.as_deref(),
        }
    }

    /// Whether a change of a group can change who matches: somebody who is known came or went, or the group is
    /// called or nested otherwise, and the filter asks of this group or of one around it.
    pub(super) fn depends_on(&self, change: &Difference<Group>, view: &ProviderView) -> bool {
        if !self.asks_of_groups {
            return false;
        }
        let around = view.groups_containing(&change.id);
        let mut groups = around.iter().map(|(group, _)| group).chain(&change.before).chain(&change.after);
        let asks_of = |group: &Arc<Group>| {
            let kinds = [Membership::Direct, Membership::Indirect];
            kinds.into_iter().any(|kind| self.filter.can_depend_on(Relation::Groups, &shown(group, kind)))
        };
        concerns_somebody(change, view) && groups.any(asks_of)
    }

    /// Whether the filter would match, or could in other company.
    pub(super) fn may_match(&self, user: &Arc<User>) -> bool {
        self.asks_of_groups || self.matches(&Candidate { user: user.clone(), groups: Vec::new() })
    }

    /// Active people who may match: found by an index where one helps.
    pub(super) fn candidates(
        &self,
        view: &ProviderView,
        is_active: &dyn Fn(&User) -> bool,
    ) -> Vec<Candidate> {
        let active = |user: &&Arc<User>| is_active(user);
        let candidate = |user: &Arc<User>| Candidate {
            groups: if self.asks_of_groups { view.groups_containing(user.id()) } else { Vec::new() },
            user: user.clone(),
        };
        match self.filter.narrowing().and_then(|lookups| narrowed(&lookups, view)) {
            Some(users) => users.values().copied().filter(active).map(candidate).collect(),
            None => view.users().iter().filter(active).map(candidate).collect(),
        }
    }

    pub(super) fn matching(&self, candidates: Vec<Candidate>) -> Vec<Arc<User>> {
        if self.asks_of_groups {
            let matching = candidates.into_iter().filter(|candidate| self.matches(candidate));
            return matching.map(|candidate| candidate.user).collect();
        }
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        let before = std::mem::take(&mut *answers);
        let mut matching = Vec::new();
        for candidate in candidates {
            let version = candidate.user.object().resource_version;
            let known = before.get(candidate.user.id()).filter(|(asked, _)| *asked == version);
            let answer = known.map_or_else(|| self.matches(&candidate), |(_, answer)| *answer);
            answers.insert(candidate.user.id().clone(), (version, answer));
            if answer {
                matching.push(candidate.user);
            }
        }
        matching
    }

    fn matches(&self, candidate: &Candidate) -> bool {
        let mut resource = resource(&candidate.user);
        if let Some(people) = &self.schemas {
            seal(&mut resource, people);
        }
        self.filter.matches(&resource, candidate)
    }
}

fn is_of_answers(path: &AttributePath) -> bool {
    let named = (path.attribute.as_str(), path.sub.as_deref().unwrap_or_default());
    path.urn.is_none() && OF_ANSWERS.contains(&named)
}

impl Relations for Candidate {
    fn values<'a>(&'a self, relation: Relation, _: &str) -> Box<dyn Iterator<Item = Value> + Send + 'a> {
        match relation {
            Relation::Members => Box::new(std::iter::empty()),
            Relation::Meta => Box::new(std::iter::once(meta(&self.user))),
            Relation::Groups => Box::new(self.groups.iter().map(|(group, kind)| shown(group, *kind))),
        }
    }
}

/// A group among those of a person.
fn shown(group: &Group, membership: Membership) -> Value {
    json!({"value": group.id().to_string(), "display": group.display_name(), "type": membership.name()})
}

/// Whether what changed of a group concerns anybody but ids that nobody has. Of a large group only who came and who
/// went is looked at.
fn concerns_somebody(change: &Difference<Group>, view: &ProviderView) -> bool {
    let (Some(before), Some(after)) = (&change.before, &change.after) else { return true };
    let turnover = Members::turnover(before.members(), after.members());
    let mut ids = turnover.left.into_iter().chain(turnover.joined);
    before.display_name() != after.display_name()
        || before.groups() != after.groups()
        || ids.any(|id| view.user(id).is_some() || view.group(id).is_some())
}

/// The SCIM resource with what every resource has (RFC 7643 section 3.1).
fn resource(user: &User) -> Resource {
    let mut resource = user.resource();
    resource.insert("id".to_owned(), user.id().to_string().into());
    resource.insert("meta".to_owned(), meta(user));
    resource
}

/// `meta` without its URL and entity tag, which only an answer over SCIM has.
fn meta(user: &User) -> Value {
    let (created, last_modified) = (user.meta().created, user.meta().last_modified);
    json!({"resourceType": "User", "created": created, "lastModified": last_modified})
}

/// Everyone whom the look-ups lead to, each once; `None` where one of them has no index here.
fn narrowed<'v>(lookups: &[Indexed], view: &'v ProviderView) -> Option<HashMap<&'v Id, &'v Arc<User>>> {
    let mut users = HashMap::new();
    let mut note = |user: &'v Arc<User>| {
        users.insert(user.id(), user);
    };
    for lookup in lookups {
        match lookup {
            Indexed::Id(id) => view.user(&id.as_str().into()).into_iter().for_each(&mut note),
            Indexed::UserName(key) => view.user_by_key(key).into_iter().for_each(&mut note),
            Indexed::ExternalId(id) => view.users_by_external_id(id).for_each(&mut note),
            Indexed::UserDisplayName(name) => view.users_by_display_name(name).for_each(&mut note),
            Indexed::EmailValue(email) => view.users_by_email(email).for_each(&mut note),
            Indexed::GroupsValue(_) | Indexed::DisplayName(_) | Indexed::MembersValue(_) => return None,
        }
    }
    Some(users)
}
