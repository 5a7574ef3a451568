//! The status of policies, written and recalled.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use kube::{Api, Resource, ResourceExt, api::ApiResource};
use tokio::time::Instant;

use super::{
    super::{
        events::Happened,
        shown::{self, Shown},
        trouble::Trouble,
    },
    Access,
    status::may_stand,
};
use crate::api::{AccessPolicyStatus, ScimAccessPolicy};

/// The field manager of the status of policies.
const MANAGER: &str = "scim-operator-access";

/// When each policy's status was written last.
#[derive(Debug, Default)]
pub(super) struct LastShown(Mutex<HashMap<Arc<str>, Instant>>);

impl LastShown {
    /// What is left of a time that began then.
    fn left_of(&self, pause: Duration, policy: &str) -> Option<Duration> {
        let last = *self.0.lock().unwrap_or_else(PoisonError::into_inner).get(policy)?;
        let left = (last + pause).saturating_duration_since(Instant::now());
        Some(left).filter(|left| !left.is_zero())
    }

    fn note(&self, policy: &str) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(policy.into(), Instant::now());
    }

    /// The policy is gone.
    pub(super) fn forget(&self, policy: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(policy);
    }
}

impl Access {
    /// Writes the status where it changed, and tells the policy's events. After which time it is to be written if that
    /// can wait, or why it is not written.
    pub(super) async fn show(
        &self,
        policy: &ScimAccessPolicy,
        status: AccessPolicyStatus,
        told: Vec<Happened>,
        now: Timestamp,
    ) -> Result<Option<Duration>, Trouble> {
        for happened in told {
            self.events.tell(&policy.object_ref(&()), happened, now);
        }
        let name = policy.name_any();
        if let Some(before) = &policy.status {
            if *before == status {
                return Ok(None);
            }
            let stands = may_stand(before, &status);
            if let Some(left) = stands.and_then(|pause| self.last_shown.left_of(pause, &name)) {
                return Ok(Some(left));
            }
        }
        self.last_shown.note(&name);
        match shown::show(&Api::all(self.writing.clone()), MANAGER, policy, &status).await {
            Ok(Shown::In(written)) => {
                // A spec that came meanwhile is told here first, and by the watch no more.
                let touched = self.index_mut().learn_policy(*written);
                self.queue.add(touched);
            }
            Ok(Shown::Unread) => self.index_mut().show_policy(&name, status),
            Ok(Shown::Gone) => {}
            Err(error) => return Err(Trouble::of(&error)),
        }
        Ok(None)
    }

    /// Recalls the status of a policy that cannot be read: what was approved, and since when what is wrong, stands there
    /// alone. Whether the API server has answered, or why not.
    pub(super) async fn recall(&self, name: &str) -> Result<(), Trouble> {
        if !self.index().lacks_status(name) {
            return Ok(());
        }
        let kind = ApiResource::erase::<ScimAccessPolicy>(&());
        let status = shown::recall(&Api::all_with(self.writing.clone(), &kind), name).await;
        if let Ok(Some(status)) = &status {
            self.index_mut().show_policy(name, AccessPolicyStatus::clone(status));
        }
        status.map(drop).map_err(|error| Trouble::of(&error))
    }
}
