//! The status of policies, written and recalled.

use jiff::Timestamp;
use kube::{
    Api, Resource, ResourceExt,
    api::{ApiResource, DynamicObject, Patch, PatchParams},
    core::DeserializeGuard,
};
use serde::Deserialize;
use serde_json::json;

use super::{
    super::{events::Happened, trouble::Trouble},
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
        // An object whose spec cannot be read has a status all the same.
        let api: Api<DeserializeGuard<ScimAccessPolicy>> = Api::all(self.writing.clone());
        let name = policy.name_any();
        let patch = json!({
            "apiVersion": "scim-operator.dev/v1alpha1",
            "kind": "ScimAccessPolicy",
            "metadata": {"name": name, "uid": policy.metadata.uid},
            "status": &status,
        });
        match api.patch_status(&name, &PatchParams::apply(MANAGER).force(), &Patch::Apply(patch)).await {
            Ok(written) => {
                match written.0 {
                    Ok(written) => {
                        // A spec that came meanwhile is told here first, and by the watch no more.
                        let touched = self.index_mut().learn_policy(written);
                        self.queue.add(touched);
                    }
                    Err(_) => self.index_mut().show_policy(&name, status),
                }
                Ok(())
            }
            Err(kube::Error::Api(gone)) if gone.is_not_found() => Ok(()),
            Err(error) => {
                tracing::warn!(%error, policy = name, "status of the policy cannot be written, trying again");
                Err(Trouble::of(&error))
            }
        }
    }

    /// Recalls the status of a policy that cannot be read: what was approved, and since when what is wrong, stands there
    /// alone. Whether the API server has answered, or why not.
    pub(super) async fn recall(&self, name: &str) -> Result<(), Trouble> {
        if !self.index().lacks_status(name) {
            return Ok(());
        }
        let kind = ApiResource::erase::<ScimAccessPolicy>(&());
        let policies: Api<DynamicObject> = Api::all_with(self.writing.clone(), &kind);
        match policies.get_opt(name).await {
            Ok(found) => {
                let status = found.as_ref().and_then(|found| found.data.get("status"));
                if let Some(Ok(status)) = status.map(AccessPolicyStatus::deserialize) {
                    self.index_mut().show_policy(name, status);
                }
                Ok(())
            }
            Err(error) => {
                tracing::warn!(%error, policy = name, "status of the policy cannot be read, trying again");
                Err(Trouble::of(&error))
            }
        }
    }
}
