//! Why somebody may do what they may, and why they may not.

use std::{collections::BTreeMap, fmt, sync::Arc};

use jiff::Timestamp;

use super::{
    path::{Reason, path, reasons},
    refusal::refusal,
    review::{Grant, Review},
};
use crate::{
    access::{
        binding::{Observed, Place, Subject},
        guard::is_begun,
        index::Index,
        people::Nameless,
        plan::{Blocked, Plan},
        policy::Validity,
    },
    api::{PolicyMode, ScimAccessPolicy},
    directory::view::{Directory, Group, User, group_identity},
};

/// What one policy means to one person at one place.
#[derive(Debug)]
pub struct Entitlement {
    /// The policy's name.
    pub policy: Arc<str>,
    /// The policy; it is gone, and its bindings were retained, without.
    pub object: Option<Arc<ScimAccessPolicy>>,
    /// What, and where. A policy that does not mean the person has none.
    pub place: Option<Place>,
    /// Whom the binding names: what the person's token has to say.
    pub subject: Option<Subject>,
    /// By what the policy means the person; nothing where it does not.
    pub reasons: Vec<Reason>,
    /// Why nobody knows whom the policy means.
    pub doubt: Option<String>,
    /// Since when they hold it, where that is known.
    pub since: Option<Timestamp>,
    /// Since when the guard keeps the person from losing this.
    pub held: Option<Timestamp>,
    /// Whether they hold it.
    pub standing: Standing,
}

/// Whether somebody holds what a policy gives.
#[derive(Debug)]
pub enum Standing {
    /// They do, by this binding.
    Given(Arc<Observed>),
    /// They do not, and this is why.
    NotGiven(WhyNot),
}

/// Why somebody does not hold what a policy gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WhyNot {
    /// They are inactive.
    Inactive,
    /// They have no identity string of their own.
    Nameless(Nameless),
    /// The policy does not mean them; this is whom it means.
    NotMeant(Vec<String>),
    /// The policy or its provider cannot be acted on.
    Blocked(Blocked),
    /// The policy holds from this moment on.
    NotYet(Timestamp),
    /// The policy has not held since this moment.
    NoLonger(Timestamp),
    /// The policy is shown and not carried out.
    Preview,
    /// The operator says why not.
    Refused(String),
    /// The operator has not written it, and does not say why.
    NotWritten,
}

impl Index {
    /// The person's own identity string.
    ///
    /// # Errors
    /// Why they have none.
    pub fn identity_of(&self, user: &User) -> Result<Subject, Nameless> {
        let held = self.identities.held_by(user.provider(), user.id());
        held.map(|identity| Subject::User(identity.as_str().into()))
    }

    /// The groups that the person's token would carry, as far as it carries groups: those that contain them.
    pub fn token_groups(&self, user: &User, directory: &Directory) -> BTreeMap<Subject, Arc<Group>> {
        let (Some(provider), Some(view)) =
            (self.provider(user.provider()), directory.provider(user.provider()))
        else {
            return BTreeMap::new();
        };
        let named = view.groups_containing(user.id()).into_iter().filter_map(|(group, _)| {
            let identity = group_identity(&provider.spec.identity.group, &group).ok()?;
            Some((Subject::Group(identity.as_str().into()), group))
        });
        named.collect()
    }

    /// Everyone who is the same person as this one: themselves, and where their provider correlates those of others
    /// who are called as they are.
    pub fn same_person(&self, user: &Arc<User>) -> Vec<Arc<User>> {
        match self.identity_of(user) {
            Ok(identity) => self.called(&identity).cloned().collect(),
            Err(_) => vec![user.clone()],
        }
    }

    /// What every policy of a person's providers means to them: what they hold, and why they do not hold the
    /// rest. `user` is one of whoever is the [same person](Self::same_person).
    pub fn explain(&self, user: &Arc<User>, directory: &Directory, now: Timestamp) -> Vec<Entitlement> {
        let (users, identity) = (self.same_person(user), self.identity_of(user));
        let own = |user: &Arc<User>| {
            let groups = self.token_groups(user, directory).into_iter();
            groups.map(|(subject, group)| (subject, (user.clone(), group))).collect::<Vec<_>>()
        };
        let groups = users.iter().flat_map(own).collect();
        let is_active = self.identities.is_active(user);
        let person = Person { users, identity, is_active, groups };
        let reviews = self.reviewed().into_iter().map(|name| self.review(&name, directory, now));
        reviews.flat_map(|review| person.entitlements(&review, directory)).collect()
    }
}

/// Since when the guard holds that somebody loses something, as the policy's status says. That names the first few; who
/// would go by now is held with them. What was approved goes.
fn held_since(subject: &Subject, (policy, plan): &(Arc<ScimAccessPolicy>, Plan)) -> Option<Timestamp> {
    let held = policy.status.as_ref()?.held.as_ref().filter(|held| !is_begun(policy, &held.plan))?;
    let is_named = || held.names.iter().any(|name| *name == **subject.name());
    let departs = || plan.departures.places.values().any(|subjects| subjects.contains(subject));
    (is_named() || departs()).then_some(held.since)
}

struct Person {
    /// As each provider has them.
    users: Vec<Arc<User>>,
    identity: Result<Subject, Nameless>,
    /// As plans take them: another provider may have a say.
    is_active: bool,
    /// The groups that their token may carry, and as whom of their providers they are in these.
    groups: BTreeMap<Subject, (Arc<User>, Arc<Group>)>,
}

impl Person {
    /// The person as the policy's provider has them.
    fn of_provider(&self, policy: &ScimAccessPolicy) -> Option<&Arc<User>> {
        self.users.iter().find(|user| **user.provider() == *policy.spec.provider)
    }

    fn entitlements(&self, review: &Review, directory: &Directory) -> Vec<Entitlement> {
        let own = |grant: &&Grant| {
            self.groups.contains_key(&grant.subject) || self.identity.as_ref().ok() == Some(&grant.subject)
        };
        let found: Vec<_> = review
            .grants
            .iter()
            .filter(own)
            .map(|grant| self.entitlement(grant, review, directory))
            .collect();
        match &review.planned {
            Some(planned) if found.is_empty() && self.of_provider(&planned.0).is_some() => {
                vec![self.nothing(review, planned)]
            }
            _ => found,
        }
    }

    fn entitlement(&self, grant: &Grant, review: &Review, directory: &Directory) -> Entitlement {
        let user = review.planned.as_ref().and_then(|(policy, _)| self.of_provider(policy));
        let standing = match &grant.binding {
            Some(binding) => Standing::Given(binding.clone()),
            None => Standing::NotGiven(review.why_not(&grant.place)),
        };
        let since = match &grant.subject {
            Subject::Group(_) => None,
            Subject::User(_) | Subject::Other(_) => grant.held_since(self.users.iter()),
        };
        let planned = review.planned.as_ref().filter(|_| grant.named_by.is_empty());
        let held = planned.and_then(|planned| held_since(&grant.subject, planned));
        Entitlement {
            policy: review.name.clone(),
            object: review.planned.as_ref().map(|(policy, _)| policy.clone()),
            place: Some(grant.place.clone()),
            subject: Some(grant.subject.clone()),
            reasons: match user {
                Some(user) => reasons(&grant.named_by, user.id(), directory.provider(user.provider())),
                None => self.namesake(grant, directory).into_iter().collect(),
            },
            doubt: review.doubt(),
            since,
            held,
            standing,
        }
    }

    /// The group of another provider by whose string a policy gives them something.
    fn namesake(&self, grant: &Grant, directory: &Directory) -> Option<Reason> {
        let (user, group) = self.groups.get(&grant.subject).filter(|_| !grant.named_by.is_empty())?;
        Some(Reason::Namesake(path(group, user.id(), directory.provider(user.provider()))))
    }

    fn nothing(&self, review: &Review, (policy, plan): &(Arc<ScimAccessPolicy>, Plan)) -> Entitlement {
        let why = match (&plan.problems.blocked, &self.identity) {
            (Some(blocked), _) => WhyNot::Blocked(blocked.clone()),
            _ if !self.is_active => WhyNot::Inactive,
            (None, Err(nameless)) => WhyNot::Nameless(nameless.clone()),
            (None, Ok(_)) => WhyNot::NotMeant(meant(policy, plan)),
        };
        Entitlement {
            policy: review.name.clone(),
            object: Some(policy.clone()),
            place: None,
            subject: None,
            reasons: Vec::new(),
            doubt: None,
            since: None,
            held: None,
            standing: Standing::NotGiven(why),
        }
    }
}

impl Review {
    /// Why nobody whom the policy means and who does not hold it holds it at this place.
    pub fn why_not(&self, place: &Place) -> WhyNot {
        let Some((policy, plan)) = &self.planned else { return WhyNot::NotWritten };
        if let Some(blocked) = &plan.problems.blocked {
            return WhyNot::Blocked(blocked.clone());
        }
        match plan.validity {
            Validity::NotBefore(start) => WhyNot::NotYet(start),
            Validity::Since(end) => WhyNot::NoLonger(end),
            Validity::Current if policy.spec.mode == PolicyMode::Preview => WhyNot::Preview,
            Validity::Current => refusal(policy, place).map_or(WhyNot::NotWritten, WhyNot::Refused),
        }
    }
}

/// Whom a policy means, in words; groups that are not there are said to be.
fn meant(policy: &ScimAccessPolicy, plan: &Plan) -> Vec<String> {
    let subjects = &policy.spec.subjects;
    let groups = subjects.groups.iter().flatten().map(|group| {
        let there =
            if plan.problems.groups_not_found.contains(group) { ", which does not exist yet" } else { "" };
        format!("members of the group with {group}{there}")
    });
    let users = subjects.users.iter().map(|users| format!("people with {}", users.filter));
    groups.chain(users).collect()
}

impl fmt::Display for WhyNot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inactive => f.write_str("inactive people hold nothing"),
            Self::Nameless(why) => why.fmt(f),
            Self::NotMeant(meant) => write!(f, "it is for {}", meant.join(", and for ")),
            Self::Blocked(blocked) => blocked.fmt(f),
            Self::NotYet(start) => write!(f, "it holds from {start} on"),
            Self::NoLonger(end) => write!(f, "it has not held since {end}"),
            Self::Preview => f.write_str("its mode is Preview"),
            Self::Refused(message) => f.write_str(message),
            Self::NotWritten => f.write_str("the operator has not written it yet"),
        }
    }
}

impl fmt::Display for Nameless {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(refusal) => refusal.fmt(f),
            Self::Taken { identity, holder } => write!(
                f,
                "{:?} is the string of somebody who was called so before, id {} of provider {}: whoever's token \
                 says so may do what they may",
                identity.as_str(),
                holder.id,
                holder.provider
            ),
            Self::Unknown => {
                f.write_str("the provider does not exist, or its identity.user.from cannot be read")
            }
        }
    }
}
