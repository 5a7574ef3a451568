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
    written::Written,
};
use crate::{
    api::ScimUserSpec,
    scim::{
        error::{Result, ScimError, quote},
        etag::Conditions,
        key::key,
        patch::PatchRequest,
        rehire::{self, Known},
        resource::{self, Resource},
        schema::ResourceKind,
    },
};

impl Store {
    /// Creates a person (RFC 7644 section 3.3), or restores the one inactive person whom the body means.
    ///
    /// # Errors
    /// What is wrong with the body; `uniqueness`; `unavailable` when the outcome is not known.
    pub async fn create_user(
        &self,
        provider: &Provider,
        body: Value,
        now: Timestamp,
    ) -> Result<Written<User>> {
        let sent = self.read_user(provider, body)?;
        if let Some(id) = self.returning(provider, &sent, None)? {
            return self.restore(provider, &id, &sent, now).await;
        }
        self.check_user_limit(provider)?;
        let namesake = match self.users.create(new_user(provider, sent.clone(), now)).await? {
            Created::New(user) => return Ok(user),
            Created::Taken(namesake) => namesake,
        };
        // Somebody whom the index may not know yet.
        match self.returning(provider, &sent, Some(&namesake))? {
            Some(id) => self.restore(provider, &id, &sent, now).await,
            None => Err(ScimError::uniqueness(format!(
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
        conditions: &Conditions,
        now: Timestamp,
    ) -> Result<Written<User>> {
        let (schema, requirements) = of_users(provider);
        let change = |user: &User| {
            let current = provider.user_resource(user);
            let next = resource::put(body.clone(), &current, schema, provider.mode(), requirements)?;
            Ok(next_user(provider, user, next.resource, now))
        };
        self.change_user(provider, id, conditions, change).await
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
        conditions: &Conditions,
        now: Timestamp,
    ) -> Result<Written<User>> {
        let (schema, requirements) = of_users(provider);
        let change = |user: &User| {
            let current = provider.user_resource(user);
            let patched = patch.apply(&current, schema, provider.mode(), requirements)?;
            Ok(next_user(provider, user, patched.resource, now))
        };
        self.change_user(provider, id, conditions, change).await
    }

    /// Deletes a person (RFC 7644 section 3.6). Groups no longer show them when this returns.
    ///
    /// # Errors
    /// `notFound`; `preconditionFailed`; `unavailable`.
    pub async fn delete_user(
        &self,
        provider: &Provider,
        id: &Id,
        conditions: &Conditions,
    ) -> Result<Written<User>> {
        self.users.delete(provider.name(), id, |user| tags::check(conditions, user.meta())).await
    }

    async fn change_user(
        &self,
        provider: &Provider,
        id: &Id,
        conditions: &Conditions,
        change: impl Fn(&User) -> Result<Next<ScimUserSpec>>,
    ) -> Result<Written<User>> {
        self.users.update(provider.name(), id, |user| tags::check(conditions, user.meta()), change).await
    }

    fn read_user(&self, provider: &Provider, body: Value) -> Result<Resource> {
        let (schema, requirements) = of_users(provider);
        Ok(resource::post(body, schema, provider.mode(), requirements)?.resource)
    }

    /// The one inactive person whom a POST means, of those whom the index knows and this namesake.
    fn returning(
        &self,
        provider: &Provider,
        sent: &Resource,
        namesake: Option<&Arc<User>>,
    ) -> Result<Option<Id>> {
        let directory = self.read();
        let view = directory.provider(provider.name());
        let by_name = view.and_then(|view| view.user_by_key(&key(text(sent, "userName"))));
        let by_external_id = view
            .zip(rehire::external_id(sent))
            .into_iter()
            .flat_map(|(view, id)| view.users_by_external_id(id));
        // Of one person the namesake is the latest state.
        let people: HashMap<&Id, &Arc<User>> =
            by_name.into_iter().chain(by_external_id).chain(namesake).map(|user| (user.id(), user)).collect();
        let known = people.into_iter().map(|(id, user)| (id.clone(), known(user)));
        rehire::returning(sent, known, provider.mode())
    }

    async fn restore(
        &self,
        provider: &Provider,
        id: &Id,
        sent: &Resource,
        now: Timestamp,
    ) -> Result<Written<User>> {
        let change = |user: &User| {
            if !known(user).can_be(sent) {
                return Err(ScimError::uniqueness("this user is there already and is active"));
            }
            Ok(next_user(provider, user, sent.clone(), now))
        };
        self.change_user(provider, id, &Conditions::NONE, change).await
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

fn known(user: &User) -> Known<'_> {
    Known { active: user.active(), external_id: user.external_id() }
}

fn text<'a>(resource: &'a Resource, name: &str) -> &'a str {
    resource.get(name).and_then(Value::as_str).unwrap_or_default()
}
