//! Queries: which resources match, in which order, and which part of them is wanted.

mod found;
mod matches;
mod relations;

use jiff::Timestamp;

use super::{Provider, Store, provider::Names};
use crate::scim::{
    error::Result,
    filter::{BoundFilter, Indexed},
    list::Position,
    path::AttributePath,
    schema::{ResourceKind, ResourceSchema},
    search::Query,
    sort::{Sort, SortKey},
};
use found::Found;
use relations::Known;

pub use matches::Match;
pub use relations::membership;

/// How many resources are looked at before other requests get their turn.
const PORTION: usize = 256;

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
        let sort = Sort::new(query.sort_by.as_deref(), query.order, &types)?;
        let filters = types.iter().map(|schema| question.filter(schema, &types));
        let filters = filters.collect::<Result<Vec<_>>>()?;
        let relations = Known::new(self, question);

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
        let key = |number| found.get(number).as_ref().map(key);
        let page = query.paging.page(found.len(), &sort, key, &binding)?;
        Ok(Page { total: found.len(), position: page.position, resources: found.range(page.range).collect() })
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
        let mut found = Vec::new();
        for portion in candidates.portions(PORTION) {
            let matches =
                |candidate: &Match| filter.matches(&candidate.resource(question, &names), relations);
            found.extend(candidates.range(portion).filter(matches));
            tokio::task::yield_now().await;
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
        let mut found = Vec::new();
        for lookup in lookups {
            let known = self.read().provider(provider.name()).map(|view| Match::look_up(view, kind, lookup));
            match known {
                Some(known) if !known.is_empty() => found.extend(known),
                _ => found.extend(self.confirm(provider, kind, lookup).await?),
            }
        }
        found.sort_by(|a, b| a.place().cmp(&b.place()));
        found.dedup_by(|a, b| a.place() == b.place());
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
        let filter = self.query.filter.as_ref();
        filter.map(|filter| filter.bind_among(schema, types, self.provider.mode())).transpose()
    }
}

/// Where in a resource these attributes are.
fn names(paths: impl Iterator<Item = AttributePath>) -> Names {
    paths.map(|path| path.urn.unwrap_or(path.attribute)).collect()
}

async fn in_order(found: &Found, sort: &Sort, key: impl Fn(&Match) -> SortKey) -> Found {
    let mut keyed = Vec::with_capacity(found.len());
    for portion in found.portions(PORTION) {
        keyed.extend(found.range(portion).map(|resource| (key(&resource), resource)));
        tokio::task::yield_now().await;
    }
    keyed.sort_by(|(a, _), (b, _)| sort.compare(a, b));
    keyed.into_iter().map(|(_, resource)| resource).collect()
}
