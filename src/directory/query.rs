//! Queries: which resources match, in which order, and which part of them is wanted.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{
    Provider, Store,
    members::shown,
    view::{Group, Id, ProviderView, User},
};
use crate::scim::{
    error::Result,
    filter::{BoundFilter, Indexed, Relation, Relations},
    list::Position,
    members::MemberKind,
    resource::Resource,
    schema::{ResourceKind, ResourceSchema},
    search::Query,
    sort::{Sort, SortKey},
};

/// How many resources are looked at before other requests get their turn.
const PORTION: usize = 256;

/// A page of what a query found.
#[derive(Debug)]
pub struct Page<T> {
    /// How many resources match.
    pub total: usize,
    /// Where the page stands among them.
    pub position: Position,
    /// The page.
    pub resources: Vec<Arc<T>>,
}

impl Store {
    /// The people whom a query means (RFC 7644 section 3.4.2).
    ///
    /// # Errors
    /// What is wrong with the query; `unavailable` when a miss cannot be confirmed.
    pub async fn users(&self, provider: &Provider, query: &Query) -> Result<Page<User>> {
        self.query(provider, query).await
    }

    /// The groups that a query means.
    ///
    /// # Errors
    /// What is wrong with the query; `unavailable` when a miss cannot be confirmed.
    pub async fn groups(&self, provider: &Provider, query: &Query) -> Result<Page<Group>> {
        self.query(provider, query).await
    }

    async fn query<T: Queried>(&self, provider: &Provider, query: &Query) -> Result<Page<T>> {
        let schema = provider.schema(T::KIND);
        let filter = query.filter.as_ref().map(|filter| filter.bind(schema, provider.mode())).transpose()?;
        let sort = Sort::new(query.sort_by.as_deref(), query.order, schema, &others(provider, T::KIND))?;
        let found = match &filter {
            Some(filter) => self.matching(provider, filter).await?,
            None => self.read().provider(provider.name()).map(T::all).unwrap_or_default(),
        };
        let key = |resource: &Arc<T>| sort.key(&T::resource(provider, resource));
        let found = match query.sort_by {
            Some(_) => in_order(found, &sort, key).await,
            None => found,
        };
        let binding = query.binding(provider.name(), T::KIND.endpoint())?;
        let page = query.paging.page(&found, &sort, key, &binding)?;
        let resources = found.get(page.range).unwrap_or_default().to_vec();
        Ok(Page { total: found.len(), position: page.position, resources })
    }

    /// Everything that matches, in the order of creation.
    async fn matching<T: Queried>(&self, provider: &Provider, filter: &BoundFilter) -> Result<Vec<Arc<T>>> {
        let lookups = filter.narrowing();
        let candidates = match &lookups {
            Some(lookups) => self.candidates(provider, lookups).await?,
            None => self.read().provider(provider.name()).map(T::all).unwrap_or_default(),
        };
        let relations = Known { store: self, provider };
        let mut found = Vec::new();
        for portion in candidates.chunks(PORTION) {
            let matches = |resource: &&Arc<T>| filter.matches(&T::resource(provider, resource), &relations);
            found.extend(portion.iter().filter(matches).cloned());
            tokio::task::yield_now().await;
        }
        Ok(found)
    }

    /// What the look-ups lead to, each resource once, in the order of creation. A name that the index
    /// does not know may have been given a moment ago, by another replica.
    async fn candidates<T: Queried>(&self, provider: &Provider, lookups: &[Indexed]) -> Result<Vec<Arc<T>>> {
        let mut found = Vec::new();
        for lookup in lookups {
            let known = self.read().provider(provider.name()).map(|view| T::look_up(view, lookup));
            match (known, lookup) {
                (Some(known), _) if !known.is_empty() => found.extend(known),
                (_, Indexed::UserName(key) | Indexed::DisplayName(key)) => {
                    found.extend(T::find_by_key(self, provider, key).await?);
                }
                _ => {}
            }
        }
        found.sort_by(|a: &Arc<T>, b| a.place().cmp(&b.place()));
        found.dedup_by(|a, b| a.place() == b.place());
        Ok(found)
    }
}

async fn in_order<T>(found: Vec<Arc<T>>, sort: &Sort, key: impl Fn(&Arc<T>) -> SortKey) -> Vec<Arc<T>> {
    let mut keyed = Vec::with_capacity(found.len());
    for portion in found.chunks(PORTION) {
        keyed.extend(portion.iter().map(|resource| (key(resource), resource.clone())));
        tokio::task::yield_now().await;
    }
    keyed.sort_by(|(a, _), (b, _)| sort.compare(a, b));
    keyed.into_iter().map(|(_, resource)| resource).collect()
}

fn others(provider: &Provider, kind: ResourceKind) -> Vec<&ResourceSchema> {
    ResourceKind::ALL.into_iter().filter(|other| *other != kind).map(|other| provider.schema(other)).collect()
}

/// What a query can find.
trait Queried: Sized + Send + Sync {
    const KIND: ResourceKind;
    fn all(view: &ProviderView) -> Vec<Arc<Self>>;
    fn look_up(view: &ProviderView, lookup: &Indexed) -> Vec<Arc<Self>>;
    fn resource(provider: &Provider, resource: &Self) -> Resource;
    /// What the stable order of lists goes by.
    fn place(&self) -> (jiff::Timestamp, &Id);
    async fn find_by_key(store: &Store, provider: &Provider, key: &str) -> Result<Option<Arc<Self>>>;
}

impl Queried for User {
    const KIND: ResourceKind = ResourceKind::User;

    fn all(view: &ProviderView) -> Vec<Arc<Self>> {
        view.users().cloned().collect()
    }

    fn look_up(view: &ProviderView, lookup: &Indexed) -> Vec<Arc<Self>> {
        match lookup {
            Indexed::Id(id) => view.user(&id.as_str().into()).cloned().into_iter().collect(),
            Indexed::UserName(key) => view.user_by_key(key).cloned().into_iter().collect(),
            Indexed::ExternalId(id) => view.users_by_external_id(id).cloned().collect(),
            Indexed::EmailValue(email) => view.users_by_email(email).cloned().collect(),
            Indexed::GroupsValue(group) => {
                let members = view.group(&group.as_str().into()).map(|group| group.members());
                members.into_iter().flatten().filter_map(|id| view.user(id)).cloned().collect()
            }
            Indexed::DisplayName(_) | Indexed::MembersValue(_) => Vec::new(),
        }
    }

    fn resource(provider: &Provider, user: &Self) -> Resource {
        provider.user_resource(user)
    }

    fn place(&self) -> (jiff::Timestamp, &Id) {
        (self.meta().created, self.id())
    }

    async fn find_by_key(store: &Store, provider: &Provider, key: &str) -> Result<Option<Arc<Self>>> {
        store.users.find_by_key(provider.name(), key).await
    }
}

impl Queried for Group {
    const KIND: ResourceKind = ResourceKind::Group;

    fn all(view: &ProviderView) -> Vec<Arc<Self>> {
        view.groups().cloned().collect()
    }

    fn look_up(view: &ProviderView, lookup: &Indexed) -> Vec<Arc<Self>> {
        match lookup {
            Indexed::Id(id) => view.group(&id.as_str().into()).cloned().into_iter().collect(),
            Indexed::DisplayName(key) => view.group_by_key(key).cloned().into_iter().collect(),
            Indexed::ExternalId(id) => view.groups_by_external_id(id).cloned().collect(),
            Indexed::MembersValue(member) => view.groups_of(&member.as_str().into()).cloned().collect(),
            Indexed::UserName(_) | Indexed::EmailValue(_) | Indexed::GroupsValue(_) => Vec::new(),
        }
    }

    fn resource(provider: &Provider, group: &Self) -> Resource {
        provider.group_resource(group)
    }

    fn place(&self) -> (jiff::Timestamp, &Id) {
        (self.meta().created, self.id())
    }

    async fn find_by_key(store: &Store, provider: &Provider, key: &str) -> Result<Option<Arc<Self>>> {
        store.groups.find_by_key(provider.name(), key).await
    }
}

/// What the directory knows of who is in which group.
struct Known<'a> {
    store: &'a Store,
    provider: &'a Provider,
}

impl Relations for Known<'_> {
    fn values<'a>(&'a self, relation: Relation, id: &str) -> Box<dyn Iterator<Item = Value> + 'a> {
        let directory = self.store.read();
        let Some(view) = directory.provider(self.provider.name()) else {
            return Box::new(std::iter::empty());
        };
        let id = Id::from(id);
        let values: Vec<Value> = match relation {
            Relation::Groups => view.groups_of(&id).map(|group| membership(group)).collect(),
            Relation::Members => view.group(&id).map(|group| members(group, view)).unwrap_or_default(),
        };
        Box::new(values.into_iter())
    }

    fn contains(&self, relation: Relation, id: &str, value: &str) -> bool {
        let (member, group) = match relation {
            Relation::Groups => (Id::from(id), Id::from(value)),
            Relation::Members => (Id::from(value), Id::from(id)),
        };
        let directory = self.store.read();
        let view = directory.provider(self.provider.name());
        view.is_some_and(|view| {
            !view.is_gone(&member) && view.groups_of(&member).any(|other| *other.id() == group)
        })
    }
}

fn membership(group: &Group) -> Value {
    json!({"value": group.id().to_string(), "display": group.display_name(), "type": "direct"})
}

fn members(group: &Group, view: &ProviderView) -> Vec<Value> {
    let people = group.members().iter().map(|id| (id, MemberKind::User));
    let groups = group.groups().iter().map(|id| (id, MemberKind::Group));
    let there = people.chain(groups).filter(|(id, _)| !view.is_gone(id));
    there.map(|(id, kind)| shown(id, kind, Some(view))).collect()
}
