//! The providers, as requests need them.

use std::{
    collections::HashMap,
    num::NonZeroU32,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwap;
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter, clock::Clock};
use jiff::Timestamp;
use kube::ResourceExt;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::sleep,
};

use super::{
    error::{Refusal, Result},
    watch::{Listed, is_unchanged},
};
use crate::{
    api::{Limits, ScimProvider},
    directory::Provider,
    scim::{
        error::{ErrorKind, ScimError},
        mentioned::Mentioned,
    },
};

/// How long a client is asked to wait for what only an administrator ends.
const ADMINISTRATOR: Duration = Duration::from_secs(60);

/// How many bulk requests of one provider are executed at once: each holds its body until it is answered, which
/// may take half a minute.
const BULKS_AT_ONCE: usize = 2;

/// How many large bodies of one provider are read and carried out at once: each keeps a thread to itself.
const LARGE_AT_ONCE: usize = 2;

/// Every ScimProvider of the cluster, as one process knows them.
#[derive(Debug, Default)]
pub(super) struct Providers(ArcSwap<HashMap<Arc<str>, Arc<Known>>>);

/// What is known of a provider.
#[derive(Debug)]
pub(super) struct Known {
    name: Arc<str>,
    object: ScimProvider,
    /// The settings that requests are answered by: the last ones that can be used.
    settings: Option<Arc<Provider>>,
    /// What is wrong with the object's own settings.
    problem: Option<String>,
    rate: Arc<Rate>,
    /// In seconds since 1970; 0 if never.
    last_request: Arc<AtomicI64>,
    /// What requests have mentioned since the settings last changed.
    mentioned: Arc<Mutex<Mentioned>>,
}

impl Providers {
    /// Takes all ScimProviders that there are. One that cannot be read or used keeps the form in which it
    /// last could.
    pub(super) fn replace(&self, listed: &Listed<ScimProvider>) {
        let before = self.all();
        let known = listed.iter().filter_map(|object| {
            let name = object.name_any();
            let before = before.get(name.as_str()).filter(|before| before.object.uid() == object.uid());
            match &object.0 {
                Ok(object) => Some(match before {
                    Some(same) if is_unchanged(&same.object, object) => same.clone(),
                    before => Arc::new(Known::new(object, before)),
                }),
                Err(error) => {
                    tracing::warn!(%error, provider = name, "provider.unreadable");
                    before.cloned()
                }
            }
        });
        self.0.store(Arc::new(known.map(|known| (known.name.clone(), known)).collect()));
    }

    /// All of them, by name.
    pub(super) fn all(&self) -> Arc<HashMap<Arc<str>, Arc<Known>>> {
        self.0.load_full()
    }

    /// The provider of this name.
    pub(super) fn find(&self, name: &str) -> Option<Arc<Known>> {
        self.0.load().get(name).cloned()
    }
}

impl Known {
    fn new(object: &ScimProvider, before: Option<&Arc<Self>>) -> Self {
        let (settings, problem) = match Provider::from_object(object) {
            Ok(provider) => {
                // Its directory is kept all the same; who reads access from it says that it gives none.
                let problem = provider.unusable_identity().map(str::to_owned);
                (Some(Arc::new(provider)), problem)
            }
            Err(error) => (before.and_then(|before| before.settings.clone()), Some(error.to_string())),
        };
        let limits = &object.spec.limits;
        let rate = before.map(|before| &before.rate).filter(|rate| rate.is_of(limits));
        let alike = before.filter(|before| before.object.metadata.generation == object.metadata.generation);
        Self {
            name: object.name_any().into(),
            object: object.clone(),
            settings,
            problem,
            rate: rate.cloned().unwrap_or_else(|| Arc::new(Rate::new(limits))),
            last_request: before.map(|before| before.last_request.clone()).unwrap_or_default(),
            mentioned: alike.map(|before| before.mentioned.clone()).unwrap_or_default(),
        }
    }

    /// Lets a request in, and takes note of it.
    ///
    /// # Errors
    /// 503 while the provider is paused or has never had usable settings, 429 beyond its rate.
    pub(super) fn admit(&self, now: Timestamp) -> Result<&Arc<Provider>> {
        self.last_request.fetch_max(now.as_second(), Ordering::Relaxed);
        let unavailable = |detail| Refusal::for_now(ErrorKind::Unavailable, detail, ADMINISTRATOR);
        let settings = self.settings.as_ref().ok_or_else(|| {
            unavailable(
                "the provider's settings cannot be used; its administrator must correct the ScimProvider",
            )
        })?;
        if self.object.spec.paused {
            return Err(unavailable("the provider is paused; its administrator lets it go on"));
        }
        self.rate.admit()?;
        Ok(settings)
    }

    /// Lets a bulk request in that was admitted, for as long as what is returned lives.
    ///
    /// # Errors
    /// 429 while [`BULKS_AT_ONCE`] others of this provider are executed.
    pub(super) fn admit_bulk(&self) -> Result<OwnedSemaphorePermit> {
        self.rate.bulks.clone().try_acquire_owned().map_err(|_| {
            let detail = format!(
                "{BULKS_AT_ONCE} bulk requests of this provider are being executed; send this one again later"
            );
            ScimError::new(ErrorKind::TooManyRequests, detail).into()
        })
    }

    /// Lets a large body in, for as long as what is returned lives.
    ///
    /// # Errors
    /// 503 while [`LARGE_AT_ONCE`] others of this provider are read or carried out.
    pub(super) fn admit_large(&self) -> Result<OwnedSemaphorePermit> {
        self.rate.large.clone().try_acquire_owned().map_err(|_| {
            let detail =
                "other large requests of this provider are being carried out; send this one again later";
            ScimError::new(ErrorKind::Unavailable, detail).into()
        })
    }

    /// Waits until a further operation of a bulk request may be begun.
    pub(super) async fn pace(&self) {
        self.rate.pace().await;
    }

    /// Takes note of what a request mentions.
    pub(super) fn note(&self, mentioned: Mentioned) {
        self.mentioned.lock().unwrap_or_else(PoisonError::into_inner).extend(mentioned);
    }

    /// What requests to this process have mentioned since the settings last changed.
    pub(super) fn mentioned(&self) -> Mentioned {
        self.mentioned.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Its name.
    pub(super) fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// The settings that its requests are answered by.
    pub(super) fn settings(&self) -> Option<&Arc<Provider>> {
        self.settings.as_ref()
    }

    /// Its object.
    pub(super) fn object(&self) -> &ScimProvider {
        &self.object
    }

    /// What is wrong with the object's settings, where something is.
    pub(super) fn problem(&self) -> Option<&str> {
        self.problem.as_deref()
    }

    /// When a request with a valid token last came to this process.
    pub(super) fn last_request(&self) -> Option<Timestamp> {
        match self.last_request.load(Ordering::Relaxed) {
            0 => None,
            seconds => Timestamp::from_second(seconds).ok(),
        }
    }
}

/// How much one provider may ask of one process.
#[derive(Debug)]
struct Rate {
    per_second: NonZeroU32,
    burst: NonZeroU32,
    requests: DefaultDirectRateLimiter,
    /// An operation of a bulk request costs what a request costs, so that bulk requests are no way around the
    /// limit. They have an allowance of their own: out of one for both, a bulk request would take every turn
    /// that comes free, and the deactivation that is sent meanwhile would be answered 429.
    operations: DefaultDirectRateLimiter,
    bulks: Arc<Semaphore>,
    large: Arc<Semaphore>,
}

impl Rate {
    fn new(limits: &Limits) -> Self {
        let (per_second, burst) = (at_least_one(limits.requests_per_second), at_least_one(limits.burst));
        let limiter = || RateLimiter::direct(Quota::per_second(per_second).allow_burst(burst));
        let (requests, operations) = (limiter(), limiter());
        let at_once = |most| Arc::new(Semaphore::new(most));
        let (bulks, large) = (at_once(BULKS_AT_ONCE), at_once(LARGE_AT_ONCE));
        Self { per_second, burst, requests, operations, bulks, large }
    }

    fn is_of(&self, limits: &Limits) -> bool {
        self.per_second == at_least_one(limits.requests_per_second)
            && self.burst == at_least_one(limits.burst)
    }

    fn admit(&self) -> Result<()> {
        self.requests.check().map_err(|until| {
            let wait = until.wait_time_from(self.requests.clock().now());
            let detail =
                format!("more than {} requests per second; send this one again later", self.per_second);
            Refusal::for_now(ErrorKind::TooManyRequests, detail, wait)
        })
    }

    async fn pace(&self) {
        while let Err(until) = self.operations.check() {
            sleep(until.wait_time_from(self.operations.clock().now())).await;
        }
    }
}

fn at_least_one(limit: i32) -> NonZeroU32 {
    u32::try_from(limit).ok().and_then(NonZeroU32::new).unwrap_or(NonZeroU32::MIN)
}
