//! The status of providers and tokens: what only this process knows, written at most once a minute, and
//! conditions, written as soon as they change.

use std::{collections::HashMap, fmt::Debug, time::Duration};

use jiff::{SignedDuration, Timestamp};
use kube::{
    Api, Client, ResourceExt,
    api::{Patch, PatchParams},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::json;
use tokio::time::{MissedTickBehavior, interval};

use super::{State, providers::Known, tokens::Token};
use crate::{
    api::{
        AttributeUse, ConditionStatus, ConditionType, Conditions, Reason, ScimProvider, ScimProviderSpec,
        ScimProviderStatus, ScimToken, ScimTokenStatus,
    },
    directory::view::ProviderView,
    ops::clock,
    scim::mentioned::Mentioned,
};

const MINUTE: Duration = Duration::from_secs(60);

/// How long before its end a token is called expiring: time for a rotation that a person must plan.
const EXPIRING: SignedDuration = SignedDuration::from_hours(14 * 24);

/// The field manager of what serve writes.
const FIELD_MANAGER: &str = "scim-operator-serve";

/// What makes a status worth writing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Occasion {
    /// A minute has passed: figures count.
    Minute,
    /// Providers or tokens have changed: conditions alone count.
    Change,
}

/// Keeps the status of every provider and token current, for good. What cannot be written is tried again a
/// minute later.
pub(super) async fn report(state: &State, client: Client) {
    let (providers, tokens): (Api<ScimProvider>, Api<ScimToken>) =
        (Api::all(client.clone()), Api::all(client));
    let mut minutes = interval(MINUTE);
    minutes.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let occasion = tokio::select! {
            _ = minutes.tick() => Occasion::Minute,
            () = state.changed.notified() => Occasion::Change,
        };
        if !state.caches.are_filled() {
            continue;
        }
        if occasion == Occasion::Minute {
            measure(state);
        }
        let (now, all_tokens) = (clock::now(), state.tokens.all());
        let mut tokens_of: HashMap<&str, Vec<&Token>> = HashMap::new();
        for token in all_tokens.iter() {
            tokens_of.entry(token.provider()).or_default().push(token);
        }
        for (name, known) in state.providers.all().iter() {
            // What the guard counted is for reconcile alone to write: what is not said here stays as it is.
            let shown = known.object().status.clone().unwrap_or_default();
            let shown = ScimProviderStatus { removals: Vec::new(), ..shown };
            let figures = match occasion {
                Occasion::Minute => Figures::count(state, name, known, &shown),
                Occasion::Change => Figures::of(known, &shown),
            };
            let own = tokens_of.get(&**name).into_iter().flatten().copied();
            let url = state.origin.configured(name);
            let status = provider_status(known, own, &figures, url, &shown, now);
            write(&providers, known.object(), &shown, &status).await;
        }
        for token in all_tokens.iter() {
            let shown = token.object().status.clone().unwrap_or_default();
            let has_provider = state.providers.find(token.provider()).is_some();
            let status = token_status(token, has_provider, occasion, &shown, now);
            write(&tokens, token.object(), &shown, &status).await;
        }
    }
}

/// Tells Prometheus how large the index is.
fn measure(state: &State) {
    let directory = state.store.read();
    let views = || directory.providers().map(|(_, view)| view);
    state.metrics.index_objects("ScimUser", views().map(|view| view.users().len()).sum());
    state.metrics.index_objects("ScimGroup", views().map(|view| view.groups().len()).sum());
    state.metrics.index_objects("ScimGroupSlice", views().map(ProviderView::slices).sum());
}

/// What counts up while a provider is used.
struct Figures {
    users: i64,
    active_users: i64,
    groups: i64,
    attributes: Option<AttributeUse>,
    last_request_at: Option<Timestamp>,
}

impl Figures {
    /// As the status shows them.
    fn of(known: &Known, shown: &ScimProviderStatus) -> Self {
        let ScimProviderStatus { users, active_users, groups, last_request_at, .. } = *shown;
        Self { users, active_users, groups, attributes: shown_attributes(known, shown), last_request_at }
    }

    /// As they are. Other replicas may have had later requests.
    fn count(state: &State, name: &str, known: &Known, shown: &ScimProviderStatus) -> Self {
        let (users, groups) = {
            let directory = state.store.read();
            let view = directory.provider(name);
            let users = view.map(|view| view.users().clone()).unwrap_or_default();
            (users, view.map_or(0, |view| view.groups().len()))
        };
        let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        Self {
            users: number(users.len()),
            active_users: number(users.iter().filter(|user| user.active()).count()),
            groups: number(groups),
            attributes: attributes(known, shown),
            last_request_at: shown.last_request_at.max(known.last_request().map(to_the_minute)),
        }
    }
}

/// What has been sent, to this process and to other replicas.
fn attributes(known: &Known, shown: &ScimProviderStatus) -> Option<AttributeUse> {
    let before = shown_attributes(known, shown);
    // What is shown comes first: two replicas that have no room for all would take turns else, for good.
    let AttributeUse { mapped, unmapped } = before.clone().unwrap_or_default();
    let mut all =
        Mentioned { defined: mapped.into_iter().collect(), undefined: unmapped.into_iter().collect() };
    all.extend(known.mentioned());
    let all = AttributeUse {
        mapped: all.defined.into_iter().collect(),
        unmapped: all.undefined.into_iter().collect(),
    };
    if all == AttributeUse::default() { before } else { Some(all) }
}

/// What the status shows; nothing where it was sent under other settings.
fn shown_attributes(known: &Known, shown: &ScimProviderStatus) -> Option<AttributeUse> {
    let is_current = shown.observed_generation == known.object().metadata.generation;
    // What is not there would stay as it is.
    shown.attributes.clone().map(|shown| if is_current { shown } else { AttributeUse::default() })
}

fn provider_status<'a>(
    known: &Known,
    tokens: impl Iterator<Item = &'a Token>,
    figures: &Figures,
    url: Option<String>,
    shown: &ScimProviderStatus,
    now: Timestamp,
) -> ScimProviderStatus {
    let object = known.object();
    let generation = object.metadata.generation;
    let mut conditions = Conditions::from(&shown.conditions);
    let mut set = |condition, status, reason| conditions.set(condition, status, reason, generation, now);
    let (ready, reason) = readiness(known, tokens, now);
    set(ConditionType::Ready, ready, reason);
    if let Some(problem) = known.problem() {
        set(ConditionType::Stalled, ConditionStatus::True, Reason::new("Invalid", problem));
    }
    let unsupported = unsupported(&object.spec);
    if !unsupported.is_empty() {
        let message = format!("this version does not act on {}; remove it", unsupported.join(", "));
        set(ConditionType::Unsupported, ConditionStatus::True, Reason::new("NotImplemented", message));
    }
    ScimProviderStatus {
        observed_generation: generation,
        url,
        users: figures.users,
        active_users: figures.active_users,
        groups: figures.groups,
        attributes: figures.attributes.clone(),
        last_request_at: figures.last_request_at,
        conditions: conditions.into_vec(),
        ..shown.clone()
    }
}

/// Whether a provider's requests are answered, and why not.
fn readiness<'a>(
    known: &Known,
    tokens: impl Iterator<Item = &'a Token>,
    now: Timestamp,
) -> (ConditionStatus, Reason) {
    let name = known.name();
    let ends = tokens.map(|token| token.expires_at().unwrap_or(Timestamp::MAX));
    let last_end = ends.filter(|end| *end > now).max();
    let (status, reason, message) = match last_end {
        _ if known.problem().is_some() => (
            ConditionStatus::False,
            "Invalid",
            "not all settings can be used; see Stalled for what to correct".to_owned(),
        ),
        _ if known.object().spec.paused => (
            ConditionStatus::False,
            "Paused",
            "spec.paused is true: requests are answered 503, and the identity provider sends its changes later"
                .to_owned(),
        ),
        None => (
            ConditionStatus::False,
            "NoToken",
            format!("no valid token opens this provider; make one: kubectl scim token create {name}"),
        ),
        Some(end) if end.duration_since(now) <= EXPIRING => (
            ConditionStatus::True,
            "TokenExpiring",
            format!("the last valid token ends at {end}; make another: kubectl scim token create {name}"),
        ),
        Some(_) => (ConditionStatus::True, "Serving", "requests are answered".to_owned()),
    };
    (status, Reason::new(reason, message))
}

/// Fields that are set and that nothing acts on yet.
fn unsupported(spec: &ScimProviderSpec) -> Vec<&'static str> {
    let fields = [("spec.jwt", !spec.jwt.is_empty()), ("spec.notifications", !spec.notifications.is_empty())];
    fields.into_iter().filter(|(_, is_set)| *is_set).map(|(field, _)| field).collect()
}

fn token_status(
    token: &Token,
    has_provider: bool,
    occasion: Occasion,
    shown: &ScimTokenStatus,
    now: Timestamp,
) -> ScimTokenStatus {
    let generation = token.object().metadata.generation;
    let provider = token.provider();
    let (status, reason, message) = match token.expires_at() {
        Some(end) if end <= now => (ConditionStatus::False, "Expired", format!("the token ended at {end}")),
        _ if !has_provider => {
            (ConditionStatus::False, "NoProvider", format!("there is no ScimProvider {provider}; create it"))
        }
        Some(end) if end.duration_since(now) <= EXPIRING => {
            (ConditionStatus::True, "Expiring", format!("the token ends at {end}"))
        }
        _ => (ConditionStatus::True, "Valid", format!("the token opens {provider}")),
    };
    let mut conditions = Conditions::from(&shown.conditions);
    conditions.set(ConditionType::Ready, status, Reason::new(reason, message), generation, now);
    let last_used = token.last_used().map(to_the_minute).filter(|_| occasion == Occasion::Minute);
    ScimTokenStatus {
        observed_generation: generation,
        last_used_at: shown.last_used_at.max(last_used),
        conditions: conditions.into_vec(),
    }
}

fn to_the_minute(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second() / 60 * 60).unwrap_or(time)
}

/// Writes a status where it differs from the one that is shown.
async fn write<K, S>(api: &Api<K>, object: &K, shown: &S, status: &S)
where
    K: kube::Resource + Clone + DeserializeOwned + Debug,
    S: Serialize + PartialEq,
{
    if shown == status {
        return;
    }
    let name = object.name_any();
    let params = PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() };
    let patch = Patch::Merge(json!({"status": status}));
    match api.patch_status(&name, &params, &patch).await {
        Ok(_) => {}
        Err(kube::Error::Api(status)) if status.code == 404 => {}
        Err(error) => tracing::warn!(%error, object = name, "status.not_written"),
    }
}

#[cfg(test)]
mod tests;
