//! What SCIM does to people.

use std::{collections::HashMap, sync::Arc};

use jiff::Timestamp;
use serde_json::Value;

use super::{
    Store,
    encode::{new_user, next_user},
    provider::Provider,
    tags,
    view::{Id, User},
    write::{Created, Next},
};
use crate::{
    api::ScimUserSpec,
    scim::{
        error::{Result, ScimError, quote},
        etag::Tags,
        key::key,
        mode::Rehire,
        patch::PatchRequest,
        resource::{self, Resource},
        schema::ResourceKind,
    },
};

impl Store {
    /// Creates a person (RFC 7644 section 3.3), or restores the one inactive person whom the body means.
    ///
    /// # Errors
    /// What is wrong with the body; `uniqueness`; `unavailable` when the outcome is not known.
    pub async fn create_user(&self, provider: &Provider, body: Value, now: Timestamp) -> Result<Arc<User>> {
        let sent = self.read_user(provider, body)?;
        if let Some(returning) = self.returning(provider, &sent) {
            return self.restore(provider, &returning, &sent, now).await;
        }
        self.check_user_limit(provider)?;
        match self.users.create(new_user(provider, sent.clone(), now)).await? {
            Created::New(user) => Ok(user),
            Created::Taken(user) if self.may_return(provider, &user, &sent) => {
                self.restore(provider, user.id(), &sent, now).await
            }
            Created::Taken(_) => Err(ScimError::uniqueness(format!(
                "a user with the userName {} is there already; change it instead, or choose another name",
                quote(text(&sent, "userName"))
            ))),
        }
    }

    /// Replaces a person (RFC 7644 section 3.5.1).
    ///
    /// # Errors
    /// What is wrong with the body; `notFound`; `preconditionFailed`; `uniqueness`; `unavailable`.
    pub async fn replace_user(
        &self,
        provider: &Provider,
        id: &Id,
        body: Value,
        if_match: Option<&Tags>,
        now: Timestamp,
    ) -> Result<Arc<User>> {
        let (schema, requirements) = of_users(provider);
        let change = |user: &User| {
            let current = provider.user_resource(user);
            let next = resource::put(body.clone(), &current, schema, provider.mode(), requirements)?;
            Ok(next_user(provider, user, next.resource, now))
        };
        self.change_user(provider, id, if_match, change).await
    }

    /// Applies a PATCH to a person (RFC 7644 section 3.5.2).
    ///
    /// # Errors
    /// What is wrong with the operations; `notFound`; `preconditionFailed`; `uniqueness`; `unavailable`.
    pub async fn patch_user(
        &self,
        provider: &Provider,
        id: &Id,
        patch: &PatchRequest,
        if_match: Option<&Tags>,
        now: Timestamp,
    ) -> Result<Arc<User>> {
        let (schema, requirements) = of_users(provider);
        let change = |user: &User| {
            let current = provider.user_resource(user);
            let patched = patch.apply(&current, schema, provider.mode(), requirements)?;
            Ok(next_user(provider, user, patched.resource, now))
        };
        self.change_user(provider, id, if_match, change).await
    }

    /// Deletes a person (RFC 7644 section 3.6). Groups no longer show them when this returns.
    ///
    /// # Errors
    /// `notFound`; `preconditionFailed`; `unavailable`.
    pub async fn delete_user(&self, provider: &Provider, id: &Id, if_match: Option<&Tags>) -> Result<()> {
        let deleted =
            self.users.delete(provider.name(), id, |user| tags::check(if_match, user.meta())).await?;
        self.until(|directory| {
            let held = directory.provider(provider.name()).map(|view| view.user_objects(id));
            held.into_iter().flatten().all(|user| user.object().uid != deleted.object().uid)
        })
        .await;
        Ok(())
    }

    async fn change_user(
        &self,
        provider: &Provider,
        id: &Id,
        if_match: Option<&Tags>,
        change: impl Fn(&User) -> Result<Next<ScimUserSpec>>,
    ) -> Result<Arc<User>> {
        self.users.update(provider.name(), id, |user| tags::check(if_match, user.meta()), change).await
    }

    fn read_user(&self, provider: &Provider, body: Value) -> Result<Resource> {
        let (schema, requirements) = of_users(provider);
        Ok(resource::post(body, schema, provider.mode(), requirements)?.resource)
    }

    /// The one inactive person whom a POST means, by userName or externalId.
    fn returning(&self, provider: &Provider, sent: &Resource) -> Option<Id> {
        let directory = self.read();
        let view = directory.provider(provider.name())?;
        let by_name = view.user_by_key(&key(text(sent, "userName")));
        let by_external_id = external_id(sent).map(|id| view.users_by_external_id(id));
        let named = by_name.into_iter().chain(by_external_id.into_iter().flatten());
        let candidates: HashMap<&Id, &Arc<User>> = named
            .filter(|user| self.may_return(provider, user, sent))
            .map(|user| (user.id(), user))
            .collect();
        match candidates.len() {
            1 => candidates.into_keys().next().cloned(),
            _ => None,
        }
    }

    /// Names are given to new people: a person comes back only where the externalId does not differ.
    fn may_return(&self, provider: &Provider, user: &User, sent: &Resource) -> bool {
        let same_person = match (user.external_id(), external_id(sent)) {
            (Some(held), Some(sent)) => held == sent,
            _ => true,
        };
        provider.mode().switches().rehire == Rehire::Restore && !user.active() && same_person
    }

    async fn restore(
        &self,
        provider: &Provider,
        id: &Id,
        sent: &Resource,
        now: Timestamp,
    ) -> Result<Arc<User>> {
        let change = |user: &User| {
            if !self.may_return(provider, user, sent) {
                return Err(ScimError::uniqueness("this user is there already and is active"));
            }
            Ok(next_user(provider, user, sent.clone(), now))
        };
        self.change_user(provider, id, None, change).await
    }

    fn check_user_limit(&self, provider: &Provider) -> Result<()> {
        let held = self.read().provider(provider.name()).map_or(0, |view| view.users().len());
        super::check_limit(held, provider.limits().users, "users")
    }
}

fn of_users(
    provider: &Provider,
) -> (&crate::scim::schema::ResourceSchema, &crate::scim::requirements::Requirements) {
    (provider.schema(ResourceKind::User), provider.requirements(ResourceKind::User))
}

fn external_id(resource: &Resource) -> Option<&str> {
    resource.get("externalId").and_then(Value::as_str)
}

fn text<'a>(resource: &'a Resource, name: &str) -> &'a str {
    resource.get(name).and_then(Value::as_str).unwrap_or_default()
}
