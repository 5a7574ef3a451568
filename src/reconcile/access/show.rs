//! The status of policies, written and recalled.

use jiff::Timestamp;
use kube::{Api, Resource, ResourceExt, api::ApiResource};

use super::{
    super::{
        events::Happened,
        shown::{self, Shown},
        trouble::Trouble,
    },
    Access,
};
use crate::api::{AccessPolicyStatus, ScimAccessPolicy};

/// The field manager of the status of policies.
const MANAGER: &str = "scim-operator-access";

impl Access {
    /// Writes the status where it changed, and tells the policy's events. Whether the status is shown, or why not.
    pub(super) async fn show(
        &self,
        policy: &ScimAccessPolicy,
        status: AccessPolicyStatus,
        told: Vec<Happened>,
        now: Timestamp,
    ) -> Result<(), Trouble> {
        for happened in told {
            self.events.tell(&policy.object_ref(&()), happened, now);
        }
        if policy.status.as_ref() == Some(&status) {
            return Ok(());
        }
        match shown::show(&Api::all(self.writing.clone()), MANAGER, policy, &status).await {
            Ok(Shown::In(written)) => {
                // A spec that came meanwhile is told here first, and by the watch no more.
                let touched = self.index_mut().learn_policy(*written);
                self.queue.add(touched);
            }
            Ok(Shown::Unread) => self.index_mut().show_policy(&policy.name_any(), status),
            Ok(Shown::Gone) => {}
            Err(error) => return Err(Trouble::of(&error)),
        }
        Ok(())
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
