//! Queries: which resources match, in which order, and which part of them is wanted.

mod found;
mod matches;
mod relations;

use std::collections::HashMap;

use futures::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;

use super::{
    Provider, Store,
    provider::Names,
    unknown_members,
    view::{Directory, Id, ProviderView},
};
use crate::scim::{
    error::{Result, ScimError},
    filter::{BoundFilter, Indexed},
    list::Position,
    path::AttributePath,
    schema::{ResourceKind, ResourceSchema},
    search::Query,
    sort::{Sort, SortKey},
    value::{LOOK, text_length},
};
use found::Found;
use relations::Known;

pub use matches::Match;
pub use relations::membership;

/// How many looks at a resource, or at what lies beyond it, are taken before other requests get their turn.
const PORTION: usize = 256;

/// How often a filter may look at each of the groups of a person, or of the members of a group: of those there may be
/// a hundred thousand.
const MAX_SEARCHES: usize = 20;

/// How many names that the index does not know are asked of the API server at a time.
const ASKED_AT_ONCE: usize = 8;

/// A query, and where it is asked.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// Whose directory.
    pub provider: &'a Provider,
    /// Of which types the resources are. What one of several types has is missing in the others (RFC 7644
    /// section 3.4.2.1).
    pub kinds: &'a [ResourceKind],
    /// The path below the provider. A cursor is of no use at another.
    pub endpoint: &'a str,
    /// The provider's URL, without a slash at its end: attributes hold URLs.
    pub base: &'a str,
    /// What is asked.
    pub query: &'a Query,
    /// When: what can be assigned ends.
    pub now: Timestamp,
}

/// A page of what a query found.
#[derive(Debug)]
pub struct Page {
    /// How many resources match.
    pub total: usize,
    /// Where the page stands among them.
    pub position: Position,
    /// The page.
    pub resources: Vec<Match>,
}

impl Store {
    /// The resources that a query means (RFC 7644 sections 3.4.2 and 3.4.3).
    ///
    /// # Errors
    /// What is wrong with the query; `unavailable` when a miss cannot be confirmed.
    pub async fn find(&self, question: &Question<'_>) -> Result<Page> {
        let Question { provider, kinds, endpoint, query, .. } = question;
        let types: Vec<_> = kinds.iter().map(|kind| provider.schema(*kind)).collect();
        let sort = Sort::new(query.sort_by.as_deref(), query.order, &types, provider.mode())?;
        let filters = types.iter().map(|schema| question.filter(schema, &types));
        let filters = filters.collect::<Result<Vec<_>>>()?;
        let relations = Known::new(self, question);
        self.catch_up_with(question, &filters).await?;

        let mut found = Found::default();
        for (kind, filter) in kinds.iter().zip(&filters) {
            found = found.merge(match filter {
                Some(filter) => self.matching(question, *kind, filter, &relations).await?,
                None => self.all(question, *kind)?,
            });
        }
        let names = names(sort.attributes());
        let key =
            |resource: &Match| sort.key(resource.kind(), &resource.resource(question, &names), &relations);
        if query.sort_by.is_some() {
            found = in_order(&found, &sort, key).await;
        }
        let binding = query.binding(provider.name(), endpoint)?;
        let key = |number| found.get(number).map(|resource| key(&resource));
        let page = query.paging.page(found.len(), &sort, key, &binding)?;
        Ok(Page { total: found.len(), position: page.position, resources: found.range(page.range).collect() })
    }

    /// Waits a moment for people and groups whose ids are asked for: another replica may just have created them.
    ///
    /// # Errors
    /// `unavailable` for a group whose members are not known.
    async fn catch_up_with(&self, question: &Question<'_>, filters: &[Option<BoundFilter>]) -> Result<()> {
        let Question { provider, kinds, .. } = question;
        let is_stored = |kind: &ResourceKind| matches!(kind, ResourceKind::User | ResourceKind::Group);
        if !kinds.iter().any(is_stored) {
            return Ok(());
        }
        let lookups = filters.iter().flatten().filter_map(BoundFilter::narrowing).flatten();
        let ids = lookups.filter_map(|lookup| match lookup {
            Indexed::Id(id) => Some(Id::from(id.as_str())).filter(Id::is_ours),
            _ => None,
        });
        let ids: Vec<Id> = ids.collect();
        let knows = |view: &ProviderView, id: &Id| view.user(id).is_some() || view.group(id).is_some();
        let shows = |directory: &Directory| {
            directory.provider(provider.name()).is_some_and(|view| ids.iter().all(|id| knows(view, id)))
        };
        if ids.is_empty() {
            return Ok(());
        }
        self.until(shows).await;
        let directory = self.read();
        let view = directory.provider(provider.name()).filter(|_| kinds.contains(&ResourceKind::Group));
        let unknown = view.and_then(|view| ids.iter().find(|id| view.is_unknown_group(id)));
        unknown.map_or(Ok(()), |group| Err(unknown_members(group)))
    }

    /// All of a type, in the order of creation.
    fn all(&self, question: &Question<'_>, kind: ResourceKind) -> Result<Found> {
        let Question { provider, now, .. } = *question;
        if let ResourceKind::Role | ResourceKind::Entitlement = kind {
            let assignables = self.assignables(provider, kind, now)?;
            return Ok(assignables.into_iter().map(Match::Assignable).collect());
        }
        Ok(self.read().provider(provider.name()).map(|view| Found::all(view, kind)).unwrap_or_default())
    }

    /// Everything of a type that matches, in the order of creation.
    async fn matching(
        &self,
        question: &Question<'_>,
        kind: ResourceKind,
        filter: &BoundFilter,
        relations: &Known<'_>,
    ) -> Result<Found> {
        let provider = question.provider;
        let names = names(filter.attributes());
        let candidates = match (filter.narrowing(), kind) {
            (Some(lookups), _) if lookups.is_empty() => Found::default(),
            (Some(lookups), ResourceKind::User | ResourceKind::Group) => {
                self.candidates(provider, kind, &lookups).await?
            }
            _ => self.all(question, kind)?,
        };
        let (mut found, mut turn) = (Vec::new(), Turn::default());
        let (searches, terms) = (filter.searches().max(1), filter.terms());
        for candidate in candidates.range(0..candidates.len()) {
            let resource = candidate.resource(question, &names);
            let (mut inquiry, mut looked) = (filter.inquire(&resource, relations), 0);
            let matches = loop {
                let matches = inquiry.proceed(PORTION.div_ceil(searches));
                turn.take(inquiry.looks().saturating_sub(looked).saturating_mul(searches)).await;
                looked = inquiry.looks();
                if let Some(matches) = matches {
                    break matches;
                }
            };
            let text: usize = resource.values().map(text_length).sum();
            turn.take(1 + text.saturating_mul(terms) / LOOK).await;
            found.extend(matches.then_some(candidate));
        }
        Ok(found.into_iter().collect())
    }

    /// What the look-ups lead to, each resource once, in the order of creation. A name that the index
    /// does not know may have been given a moment ago, by another replica.
    async fn candidates(
        &self,
        provider: &Provider,
        kind: ResourceKind,
        lookups: &[Indexed],
    ) -> Result<Found> {
        let (mut found, mut turn, mut unknown) = (HashMap::new(), Turn::default(), Vec::new());
        let mut note = |known: Match| _ = found.insert(known.place().1.clone(), known);
        for lookup in lookups {
            let known = self.read().provider(provider.name()).map(|view| Match::look_up(view, kind, lookup));
            match known {
                Some(known) if !known.is_empty() => {
                    turn.take(known.len()).await;
                    known.into_iter().for_each(&mut note);
                }
                _ => unknown.push(self.confirm(provider, kind, lookup)),
            }
        }
        let mut confirmed = stream::iter(unknown).buffer_unordered(ASKED_AT_ONCE);
        while let Some(there) = confirmed.try_next().await? {
            there.into_iter().for_each(&mut note);
        }
        let mut found: Vec<Match> = found.into_values().collect();
        found.sort_by(|a, b| a.place().cmp(&b.place()));
        Ok(found.into_iter().collect())
    }

    /// What the API server has under a name that the index does not know.
    async fn confirm(
        &self,
        provider: &Provider,
        kind: ResourceKind,
        lookup: &Indexed,
    ) -> Result<Option<Match>> {
        Ok(match (kind, lookup) {
            (ResourceKind::User, Indexed::UserName(key)) => {
                self.users.ask_by_key(provider.name(), key).await?.map(Match::User)
            }
            (ResourceKind::Group, Indexed::DisplayName(key)) => {
                self.groups.ask_by_key(provider.name(), key).await?.map(Match::Group)
            }
            _ => None,
        })
    }
}

impl Question<'_> {
    /// The filter as it is asked of one of the types.
    fn filter(&self, schema: &ResourceSchema, types: &[&ResourceSchema]) -> Result<Option<BoundFilter>> {
        let Some(filter) = &self.query.filter else { return Ok(None) };
        let filter = filter.bind_among(schema, types, self.provider.mode())?;
        match filter.searches() {
            0..=MAX_SEARCHES => Ok(Some(filter)),
            searches => Err(ScimError::invalid_filter(format!(
                "the filter searches groups or members {searches} times, and at most {MAX_SEARCHES} times it may; \
                 name them by `value eq`, or ask several times"
            ))),
        }
    }
}

/// Where in a resource these attributes are.
fn names(paths: impl Iterator<Item = AttributePath>) -> Names {
    paths.map(|path| path.urn.unwrap_or(path.attribute)).collect()
}

/// The looks since other requests had their turn.
#[derive(Default)]
struct Turn(usize);

impl Turn {
    async fn take(&mut self, looks: usize) {
        self.0 = self.0.saturating_add(looks);
        if self.0 >= PORTION {
            self.0 = 0;
            tokio::task::yield_now().await;
        }
    }
}

async fn in_order(found: &Found, sort: &Sort, key: impl Fn(&Match) -> SortKey) -> Found {
    let (mut keyed, mut turn) = (Vec::with_capacity(found.len()), Turn::default());
    let looks = if sort.asks_beyond() { PORTION / 4 } else { 1 };
    for resource in found.range(0..found.len()) {
        keyed.push((key(&resource), resource));
        turn.take(looks).await;
    }
    keyed.sort_by(|(a, _), (b, _)| sort.compare(a, b));
    keyed.into_iter().map(|(_, resource)| resource).collect()
}
