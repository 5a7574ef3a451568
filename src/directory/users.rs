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
        error::{ErrorKind, Result, ScimError, quote},
        etag::Conditions,
        key::key,
        patch::PatchRequest,
        rehire::{self, Known},
        resource::{self, Resource},
        schema::ResourceKind,
    },
};

/// What the API server says of people whom the index may show as they were: of none, that they are gone.
type Latest = HashMap<Id, Option<Arc<User>>>;

/// How many people a POST may meet who are not what the index shows.
const DECISIONS: usize = 10;

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
        let mut latest = Latest::new();
        for _ in 0..DECISIONS {
            if let Some(id) = self.returning(provider, &sent, &latest) {
                let error = match self.restore(provider, &id, &sent, now).await {
                    Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Uniqueness) => {
                        error
                    }
                    restored => return restored,
                };
                let user = match self.users.reload(provider.name(), &id).await {
                    Ok(user) => Some(user),
                    Err(gone) if gone.kind() == ErrorKind::NotFound => None,
                    Err(error) => return Err(error),
                };
                if user.as_deref().is_some_and(|user| known(user).can_be(&sent)) {
                    return Err(error);
                }
                latest.insert(id, user);
                continue;
            }
            let created = match self.check_user_limit(provider) {
                Ok(()) => self.users.create(new_user(provider, sent.clone(), now)).await?,
                // Whoever sends a POST again whose answer was lost hears that they are there.
                Err(full) => {
                    let namesake =
                        self.users.ask_by_key(provider.name(), &key(text(&sent, "userName"))).await?;
                    namesake.map(Created::Taken).ok_or(full)?
                }
            };
            let namesake = match created {
                Created::New(user) => return Ok(user),
                Created::Taken(namesake) => namesake,
            };
            // Somebody whom the index may not know yet.
            latest.insert(namesake.id().clone(), Some(namesake));
            if self.returning(provider, &sent, &latest).is_none() {
                return Err(ScimError::uniqueness(format!(
                    "a user with the userName {} is there already; change it instead, or choose another name",
                    quote(text(&sent, "userName"))
                )));
            }
        }
        let detail = "others change the same user all the time; send it again";
        Err(ScimError::new(ErrorKind::Unavailable, detail))
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

    /// The one inactive person whom a POST means, of those whom the index knows as far as nothing later is known of
    /// them.
    fn returning(&self, provider: &Provider, sent: &Resource, latest: &Latest) -> Option<Id> {
        let directory = self.read();
        let view = directory.provider(provider.name());
        let by_name = view.and_then(|view| view.user_by_key(&key(text(sent, "userName"))));
        let by_external_id = view
            .zip(rehire::external_id(sent))
            .into_iter()
            .flat_map(|(view, id)| view.users_by_external_id(id));
        let indexed = by_name.into_iter().chain(by_external_id).map(|user| (user.id(), Some(user)));
        let latest = latest.iter().map(|(id, user)| (id, user.as_ref()));
        let people: HashMap<&Id, Option<&Arc<User>>> = indexed.chain(latest).collect();
        let known = people.into_iter().filter_map(|(id, user)| Some((id.clone(), known(user?))));
        rehire::returning(sent, known)
    }

    async fn restore(
        &self,
        provider: &Provider,
        id: &Id,
        sent: &Resource,
        now: Timestamp,
    ) -> Result<Written<User>> {
        rehire::allow(provider.mode())?;
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
