//! The status of policies, written and recalled.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use kube::{
    Api, Error, ResourceExt,
    api::ApiResource,
    core::{DeserializeGuard, error_boundary::InvalidObject},
};
use serde::Deserialize;
use serde_json::json;
use tokio::time::Instant;

use super::{
    super::{
        shown::{self, Shown},
        trouble::Trouble,
    },
    Access,
    status::may_stand,
    tell::Begun,
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
    /// For how long the status that is there may stand yet in the place of another one.
    pub(super) fn stands(&self, policy: &ScimAccessPolicy, status: &AccessPolicyStatus) -> Option<Duration> {
        let before = policy.status.as_ref().filter(|before| *before != status)?;
        self.last_shown.left_of(may_stand(before, status)?, &policy.name_any())
    }

    /// Writes the status where it changed, and tells what begins by it once it stands there.
    ///
    /// It is written over what was planned from and over nothing else: what a leader that was deposed sent before would
    /// have an approval hold again that was carried out.
    pub(super) async fn show(
        &self,
        policy: &Arc<ScimAccessPolicy>,
        status: AccessPolicyStatus,
        begun: Begun,
    ) -> Result<(), Trouble> {
        if policy.status.as_ref() == Some(&status) {
            return Ok(());
        }
        let over = policy.resource_version();
        let policies = Api::<DeserializeGuard<ScimAccessPolicy>>::all(self.writing.clone());
        match shown::show(&policies, MANAGER, policy, &Some(&status), over).await {
            Ok(Shown::In(written)) => {
                // A spec that came meanwhile is told here first, and by the watch no more.
                self.learn(*written);
            }
            Ok(Shown::Unread) => {
                self.index_mut().show_policy(&policy.name_any(), status);
            }
            Ok(Shown::Gone) => return Ok(()),
            Err(error) => {
                if matches!(&error, Error::Api(status) if status.is_conflict()) {
                    match policies.get_opt(&policy.name_any()).await {
                        Ok(Some(DeserializeGuard(Ok(found)))) => self.learn(found),
                        Ok(Some(DeserializeGuard(Err(_)))) => {
                            self.index_mut().forget_status(&policy.name_any());
                        }
                        Ok(None) | Err(_) => {}
                    }
                }
                if !matches!(error, Error::Api(_)) {
                    self.untold.note(policy, &status, begun);
                }
                return Err(Trouble::of(&error));
            }
        }
        self.last_shown.note(&policy.name_any());
        self.tell_begun(policy, begun);
        Ok(())
    }

    fn learn(&self, policy: ScimAccessPolicy) {
        let touched = self.index_mut().learn_policy(policy);
        self.queue.add(touched);
    }

    /// Recalls a policy that cannot be read with its status: what was approved, and since when what is wrong, stands there
    /// alone. Whether it is known by now, or why not.
    pub(super) async fn recall(&self, name: &str) -> Result<(), Trouble> {
        if !self.index().lacks_status(name) {
            return Ok(());
        }
        let kind = ApiResource::erase::<ScimAccessPolicy>(&());
        let found = shown::recall(&Api::all_with(self.writing.clone(), &kind), name).await;
        let Some((found, status)) = found.map_err(|error| Trouble::of(&error))? else { return Ok(()) };
        let DeserializeGuard(read) =
            DeserializeGuard::<ScimAccessPolicy>::deserialize(json!(found)).map_err(|_| Trouble::Lasting)?;
        match read {
            Ok(policy) => self.learn(policy),
            Err(InvalidObject { error, metadata }) => {
                let touched = self.index_mut().recall_policy(metadata, &error, status);
                self.queue.add(touched);
            }
        }
        if self.index().lacks_status(name) { Err(Trouble::Passing) } else { Ok(()) }
    }
}
