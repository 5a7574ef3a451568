//! What a policy says: whom it means, and which names of groups, namespaces and roles. A policy is read once per change
//! of its spec or of its provider's schema.

mod capture;
mod glob;
mod scope;
mod unread;

use std::{collections::HashSet, sync::Arc};

use jiff::Timestamp;
use kube::ResourceExt;

use super::{
    binding::{Company, Mark, Place, ProviderGone},
    roles::Repetition,
};
use crate::{
    api::{OnDelete, RoleKind, ScimAccessPolicy, ScimProvider, Scope, names::ANNOTATION_DANGEROUS_ROLE},
    directory::view::Selector,
    scim::schema::ResourceSchema,
};
pub use capture::{Captures, Patterns, Template};
pub use glob::Glob;
pub use scope::{Namespace, NamespaceSelector, Namespaces, Phase, Protected};

/// A ScimAccessPolicy and what its spec means.
#[derive(Debug)]
pub struct Policy {
    object: Arc<ScimAccessPolicy>,
    terms: Result<Terms, String>,
    reading: Reading,
}

/// How much of a policy's object could be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// All of it.
    Whole,
    /// What is there now could not; the spec is the last one that could.
    Former,
    /// Nothing ever; the spec is what the policy's bindings say.
    Never,
}

/// What a policy's spec means.
#[derive(Debug)]
pub struct Terms {
    /// Whom.
    pub people: Selector,
    /// The patterns whose captures choose namespace and role.
    pub patterns: Patterns,
    /// Where; everywhere without.
    pub namespaces: Option<NamespaceSelector>,
    /// The role's name.
    pub role: Template,
}

/// Where the clock stands in a policy's validity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Validity {
    /// It holds now.
    Current,
    /// It does not hold before this moment.
    NotBefore(Timestamp),
    /// It has not held since this moment.
    Since(Timestamp),
}

impl Policy {
    /// Reads a policy; `people` is the schema of its provider's people.
    pub fn new(object: Arc<ScimAccessPolicy>, people: &ResourceSchema) -> Self {
        Self { terms: Terms::new(&object, people), object, reading: Reading::Whole }
    }

    /// How much of its object could be read.
    pub fn reading(&self) -> Reading {
        self.reading
    }

    /// The object.
    pub fn object(&self) -> &Arc<ScimAccessPolicy> {
        &self.object
    }

    /// Where its object is being deleted and still there: the finalizers for which it waits.
    pub fn terminating(&self) -> Option<&[String]> {
        let metadata = &self.object.metadata;
        metadata.deletion_timestamp.as_ref().map(|_| metadata.finalizers.as_deref().unwrap_or_default())
    }

    /// Takes an object of the same spec.
    pub fn replace(&mut self, object: Arc<ScimAccessPolicy>) {
        self.object = object;
    }

    /// What its spec means, or what is wrong with it.
    pub fn terms(&self) -> Result<&Terms, &str> {
        self.terms.as_ref().map_err(String::as_str)
    }

    /// Whom its spec means, where that can be read.
    pub fn people(&self) -> Option<&Selector> {
        Some(&self.terms.as_ref().ok()?.people)
    }

    /// What its bindings say about where they come from.
    pub fn mark(&self, provider: Option<&ScimProvider>) -> Mark {
        let goes = provider.is_some_and(|provider| provider.spec.on_delete == OnDelete::Revoke);
        let spec = &self.object.spec;
        Mark {
            policy: self.object.name_any(),
            provider: spec.provider.clone(),
            reason: spec.reason.clone(),
            owner: self.object.uid().filter(|_| spec.on_delete == OnDelete::Revoke),
            provider_gone: if goes { ProviderGone::Go } else { ProviderGone::Stay },
            company: Company::Alone,
        }
    }

    /// Whether it holds now. What has been seen to end has ended, whatever the clock says since.
    pub fn validity(&self, now: Timestamp) -> Validity {
        let validity = self.object.spec.validity.as_ref();
        let ended = self.object.status.as_ref().and_then(|status| status.ended);
        match validity.map_or((None, None), |validity| (validity.not_before, validity.not_after)) {
            (_, Some(end)) if ended == Some(end) => Validity::Since(end),
            (Some(start), _) if now < start => Validity::NotBefore(start),
            (_, Some(end)) if now >= end => Validity::Since(end),
            _ => Validity::Current,
        }
    }

    /// When the answer to [`validity`](Self::validity) changes next.
    pub fn next_bound(&self, now: Timestamp) -> Option<Timestamp> {
        let validity = self.object.spec.validity.as_ref()?;
        [validity.not_before, validity.not_after].into_iter().flatten().find(|bound| *bound > now)
    }

    /// Whether the name of some group could choose this place. `namespace` is the place's.
    pub fn could_choose(&self, place: &Place, namespace: Option<&Namespace>) -> bool {
        let Ok(terms) = &self.terms else { return false };
        let allowed = &self.object.spec.role_ref.allowed_names;
        let is_allowed = || allowed.iter().flatten().any(|name| **name == *place.role.name);
        let reaches = match (&terms.namespaces, &place.namespace) {
            (Some(selector), Some(name)) => {
                namespace.is_none_or(|namespace| selector.may_select(name, namespace))
            }
            (None, None) => true,
            _ => false,
        };
        let gives = self.may_give(place.role.kind, &place.role.name);
        !terms.patterns.is_empty() && reaches && gives && (!terms.role.has_captures() || is_allowed())
    }

    /// Whether its annotation repeats the name of a role.
    pub fn repetition(&self, role: &str) -> Repetition {
        let repeated = self.object.annotations().get(ANNOTATION_DANGEROUS_ROLE);
        match repeated.is_some_and(|names| names.split(',').any(|name| name.trim() == role)) {
            true => Repetition::Repeated,
            false => Repetition::Absent,
        }
    }

    /// Whether its roles can be this one.
    pub fn may_give(&self, kind: RoleKind, name: &str) -> bool {
        let role = &self.object.spec.role_ref;
        role.kind == kind && self.terms.as_ref().is_ok_and(|terms| terms.role.may_yield(name))
    }
}

impl Terms {
    fn new(policy: &ScimAccessPolicy, people: &ResourceSchema) -> Result<Self, String> {
        let spec = &policy.spec;
        let namespaces = match &spec.scope {
            Scope::Cluster(_) => None,
            Scope::Namespaces(scope) => Some(
                NamespaceSelector::new(scope)
                    .map_err(|error| format!("scope.namespaces.selector cannot be read: {error}"))?,
            ),
        };
        let terms = Self {
            people: Selector::new(&spec.subjects, people).map_err(|error| error.to_string())?,
            patterns: Patterns::new(&spec.subjects).map_err(|error| error.to_string())?,
            namespaces,
            role: Template::new(&spec.role_ref.name),
        };
        match terms.captured_by_nothing() {
            Some(capture) => Err(format!(
                "no pattern of subjects.groups captures {{{capture}}}: write (?<{capture}>…) in one, or correct the name in roleRef or scope"
            )),
            None => Ok(terms),
        }
    }

    /// A capture that is to be filled, and that no group's name can fill.
    fn captured_by_nothing(&self) -> Option<&str> {
        let known: HashSet<&str> = self.patterns.names().collect();
        let namespaces = self.namespaces.iter().flat_map(NamespaceSelector::captures);
        self.role.captures().chain(namespaces).find(|name| !known.contains(name))
    }
}
