use std::{collections::HashSet, sync::Arc, time::Duration};

use jiff::Timestamp;
use tokio::task::coop::consume_budget;

use super::Janitor;
use crate::{
    directory::{
        Provider,
        view::{Identity, InOrder, Origin, ProviderView, Shared, User},
        write,
    },
    scim::{error::Result, key::key},
};

impl Janitor {
    /// Deletes people who have been inactive for longer than their provider keeps them.
    pub(super) async fn retire(&self, now: Timestamp, providers: &[Arc<Provider>]) {
        for provider in providers {
            let Some(retention) = provider.retention() else { continue };
            let mut retirement = Retirement {
                now,
                retention,
                elsewhere: Elsewhere::new(provider, providers, &self.store.directory),
            };
            for user in &people(provider, &self.store.directory) {
                consume_budget().await;
                if !retirement.is_due(user) {
                    continue;
                }
                retirement.elsewhere.look(user).await;
                if retirement.elsewhere.keeps(user) {
                    continue;
                }
                let (provider, id) = (&**provider.name(), user.id());
                match self.store.users.delete(provider, id, |user| retirement.still(user)).await {
                    Ok(gone) => {
                        let (object, before) = (&*gone.object().name, gone.meta().version);
                        tracing::info!(target: "audit", provider, user = %id, object, before, "retention ended");
                    }
                    Err(error) => tracing::info!(%error, provider, user = %id, "janitor.put_off"),
                }
            }
        }
    }
}

/// How long one provider keeps people.
struct Retirement<'a> {
    now: Timestamp,
    retention: Duration,
    elsewhere: Elsewhere<'a>,
}

impl Retirement<'_> {
    fn is_due(&self, user: &User) -> bool {
        let inactive_for = Duration::try_from(self.now.duration_since(user.meta().last_modified));
        !user.active() && inactive_for.is_ok_and(|inactive_for| inactive_for >= self.retention)
    }

    /// Asked once more at the deletion itself: since the last look they may have become active, here or elsewhere.
    fn still(&self, user: &User) -> Result<()> {
        match self.is_due(user) && !self.elsewhere.keeps(user) {
            true => Ok(()),
            false => Err(write::not_found("User", user.id())),
        }
    }
}

/// The providers in which a person is inactive because their record in this one is. Without that record the person
/// would have again what an active record there stands for.
struct Elsewhere<'a> {
    provider: &'a Provider,
    others: Vec<Other<'a>>,
    directory: &'a Shared,
}

/// One of them.
struct Other<'a> {
    provider: &'a Provider,
    /// Everybody there, as of the last look.
    seen: InOrder<User>,
    /// Of them who was active, by strings by which nobody can be looked up.
    active: HashSet<Identity>,
}

impl<'a> Elsewhere<'a> {
    fn new(provider: &'a Provider, providers: &'a [Arc<Provider>], directory: &'a Shared) -> Self {
        let others = providers.iter().filter(|other| other.name() != provider.name());
        let others = others.filter(|other| provider.deactivates_with(other));
        let others =
            others.map(|other| Other { provider: other, seen: InOrder::default(), active: HashSet::new() });
        Self { provider, others: others.collect(), directory }
    }

    /// Reads what has changed, where the string of a person can be found in no other way.
    async fn look(&mut self, user: &User) {
        let Some(Ok(identity)) = self.provider.mapping().map(|mapping| mapping.identity(user)) else {
            return;
        };
        for other in &mut self.others {
            let Some(mapping) = other.provider.mapping() else { continue };
            if mapping.origin(identity.as_str()) != Some(Origin::Other) {
                continue;
            }
            let people = people(other.provider, self.directory);
            for user in people.changed_since(&other.seen).filter(|user| user.active()) {
                other.active.extend(mapping.identity(user));
                consume_budget().await;
            }
            other.seen = people;
        }
    }

    /// Whether somebody is active by the string of this person. Where a mapping cannot be read nobody can tell.
    fn keeps(&self, user: &User) -> bool {
        if self.others.is_empty() {
            return false;
        }
        let Some(mapping) = self.provider.mapping() else { return true };
        mapping
            .identity(user)
            .is_ok_and(|identity| self.others.iter().any(|other| other.has_active(&identity, self.directory)))
    }
}

impl Other<'_> {
    fn has_active(&self, identity: &Identity, directory: &Shared) -> bool {
        let Some(mapping) = self.provider.mapping() else { return true };
        let is_active =
            |user: &User| user.active() && mapping.identity(user).is_ok_and(|other| other == *identity);
        let found = |find: &dyn Fn(&ProviderView) -> Vec<Arc<User>>| {
            let found = directory.read().provider(self.provider.name()).map(find);
            found.into_iter().flatten().any(|user| is_active(&user))
        };
        match mapping.origin(identity.as_str()) {
            None => false,
            Some(Origin::UserName(name)) => {
                found(&|view| view.user_by_key(&key(name)).cloned().into_iter().collect())
            }
            Some(Origin::ExternalId(id)) => found(&|view| view.users_by_external_id(id).cloned().collect()),
            Some(Origin::Other) => {
                let people = people(self.provider, directory);
                self.active.contains(identity) || people.changed_since(&self.seen).any(|user| is_active(user))
            }
        }
    }
}

/// Everybody of a provider, at this moment.
fn people(provider: &Provider, directory: &Shared) -> InOrder<User> {
    directory.read().provider(provider.name()).map(|view| view.users().clone()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::directory::view::samples::user;

    /// A provider that keeps inactive people for an hour, and shares them with others.
    fn provider(name: &str, identity: &Value) -> Arc<Provider> {
        let spec = json!({
            "identity": {"user": identity},
            "correlate": {"deactivateBy": "Any"},
            "retention": {"afterDeactivation": "1h"},
        });
        let object = json!({
            "apiVersion": "scim-operator.dev/v1alpha1", "kind": "ScimProvider",
            "metadata": {"name": name, "uid": name}, "spec": spec,
        });
        Arc::new(Provider::from_object(&serde_json::from_value(object).unwrap()).unwrap())
    }

    fn record(provider: &str, active: bool, version: &str) -> User {
        user(
            "ΝΙΚΟΣ",
            json!({
                "provider": provider, "id": provider, "name": provider, "active": active,
                "externalId": "00U1", "emails": [{"value": "Nikos@example.com"}], "resourceVersion": version,
            }),
        )
    }

    fn retirement<'a>(providers: &'a [Arc<Provider>], directory: &'a Shared) -> Retirement<'a> {
        Retirement {
            now: "2026-01-01T01:00:00Z".parse().unwrap(),
            retention: Duration::from_secs(3600),
            elsewhere: Elsewhere::new(&providers[0], providers, directory),
        }
    }

    /// Mappings by which people are looked up, and by which they are not.
    fn mappings() -> Vec<Value> {
        let from = ["userName", "externalId", "emails", "id"];
        let of = |from| ["Lower", "Preserve"].map(|case| json!({"from": from, "case": case, "prefix": "p:"}));
        from.into_iter().flat_map(of).collect()
    }

    #[tokio::test]
    async fn an_inactive_record_is_kept_as_long_as_the_person_is_active_elsewhere() {
        for mapping in mappings() {
            let providers = ["okta", "entra"].map(|name| provider(name, &mapping));
            let directory = Shared::default();
            directory.write().apply_user(record("okta", false, "1"));
            let alone = mapping["from"] == "id";
            for (active, version) in [(true, "2"), (false, "3"), (true, "4")] {
                let mut retirement = retirement(&providers, &directory);
                directory.write().apply_user(record("entra", active, version));
                let user = record("okta", false, "1");
                retirement.elsewhere.look(&user).await;
                assert!(retirement.is_due(&user));
                assert_eq!(retirement.elsewhere.keeps(&user), active && !alone, "{mapping} {version}");
            }
        }
    }

    #[tokio::test]
    async fn who_is_made_active_elsewhere_after_the_look_is_not_deleted() {
        for mapping in mappings().into_iter().filter(|mapping| mapping["from"] != "id") {
            let providers = ["okta", "entra"].map(|name| provider(name, &mapping));
            let (directory, user) = (Shared::default(), record("okta", false, "1"));
            directory.write().apply_user(record("entra", false, "2"));
            let mut retirement = retirement(&providers, &directory);
            retirement.elsewhere.look(&user).await;
            assert!(retirement.still(&user).is_ok(), "{mapping}");
            directory.write().apply_user(record("entra", true, "3"));
            assert!(retirement.still(&user).is_err(), "{mapping}");
        }
    }

    #[tokio::test]
    async fn while_a_mapping_cannot_be_read_nobody_is_deleted_whom_it_may_be_about() {
        let (fine, broken) = (json!({"from": "userName"}), json!({"from": "nope"}));
        for mappings in [[&fine, &broken], [&broken, &fine]] {
            let providers = [provider("okta", mappings[0]), provider("entra", mappings[1])];
            let (directory, user) = (Shared::default(), record("okta", false, "1"));
            assert!(retirement(&providers, &directory).still(&user).is_err());
            assert!(retirement(&providers[..1], &directory).still(&user).is_ok());
        }
    }
}
