//! Reading the target, and writing the one key, each write with what was read as its precondition.

use std::fmt::Debug;

use k8s_openapi::{
    NamespaceResourceScope,
    api::core::v1::{ConfigMap, Secret},
};
use kube::{
    Api, Client, Error, Resource,
    api::{ApiResource, DynamicObject, Patch, PatchParams},
    core::GroupVersionKind,
};
use serde::de::DeserializeOwned;
use serde_json::json;

use super::super::trouble::{Failed, Trouble};
use crate::{
    api::{PlanPreview, PolicyMode, Restart, ScimAppConfig, WorkloadKind},
    appconfig::{Desired, Key, Kind, Observed, Owner, Step},
    ops::metrics::{Metrics, Verb, WriteOutcome},
};

/// The field manager of annotations on pod templates.
const RESTART_MANAGER: &str = "scim-operator-restart";
/// What RBAC's refusal says, and no other.
const NO_RIGHT: &str = "is forbidden: User ";
/// What the annotation on a pod template says where the key is gone.
const NO_CONTENT: &str = "none";

/// Writes keys and rolls out workloads.
pub(super) struct Executor {
    client: Client,
    metrics: Metrics,
}

/// What became of a plan.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// What was done about the key.
    pub(super) key: Option<Done>,
    /// In mode Preview: what would have been.
    pub(super) preview: Option<PlanPreview>,
    /// Workloads that roll out again.
    pub(super) restarted: Vec<Restart>,
    /// What came to nothing.
    failures: Vec<Failed>,
}

/// What was done about the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Done {
    /// The text was written.
    Written,
    /// The text was written again: somebody else had changed it.
    Repaired,
    /// The key was taken away.
    Removed,
    /// The key is somebody else's, by their field managers.
    LeftAlone(Vec<String>),
}

impl Outcome {
    /// Whether the key was changed.
    pub(super) fn wrote(&self) -> bool {
        matches!(self.key, Some(Done::Written | Done::Repaired | Done::Removed))
    }

    /// The field managers of whom the key belongs to, where it does not belong to us.
    pub(super) fn conflict(&self) -> Option<&[String]> {
        match &self.key {
            Some(Done::LeftAlone(managers)) => Some(managers),
            _ => None,
        }
    }

    /// The first thing that came to nothing.
    pub(super) fn failure(&self) -> Option<&str> {
        self.failures.first().map(|failed| failed.why.as_str())
    }

    /// Whether the operator lacks a right.
    pub(super) fn lacks_rights(&self) -> bool {
        self.failures.iter().any(|failed| failed.trouble == Trouble::NotAllowed)
    }

    /// Whether something came to nothing, and whether that may be different the next time.
    pub(super) fn trouble(&self) -> Option<Trouble> {
        self.failures.iter().map(|failed| failed.trouble).min()
    }
}

impl Executor {
    /// An executor that writes with this client, which must not try again by itself.
    pub(super) fn new(client: Client, metrics: Metrics) -> Self {
        Self { client, metrics }
    }

    /// Makes the target what is desired, or says what that would change.
    pub(super) async fn execute(&self, config: &ScimAppConfig, desired: &Desired) -> Outcome {
        let Key { kind, namespace, .. } = &desired.key;
        let client = self.client.clone();
        match kind {
            Kind::ConfigMap => {
                let api = Api::<ConfigMap>::namespaced(client, namespace);
                self.execute_in(&api, Key::in_config_map, config, desired).await
            }
            Kind::Secret => {
                let api = Api::<Secret>::namespaced(client, namespace);
                self.execute_in(&api, Key::in_secret, config, desired).await
            }
        }
    }

    async fn execute_in<K>(
        &self,
        api: &Api<K>,
        observe: fn(&Key, &K) -> Observed,
        config: &ScimAppConfig,
        desired: &Desired,
    ) -> Outcome
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + Debug + DeserializeOwned,
    {
        let mut outcome = Outcome::default();
        let observed = match api.get_opt(&desired.key.name).await {
            Ok(object) => object.map(|object| observe(&desired.key, &object)),
            Err(error) => {
                outcome.failures.push(failed(error));
                return outcome;
            }
        };
        let step = desired.step(observed.as_ref());
        if let Step::LeaveAlone(managers) = step {
            outcome.key = Some(Done::LeftAlone(managers));
            return outcome;
        }
        if config.spec.mode == PolicyMode::Preview {
            outcome.preview = Some(desired.preview(observed.as_ref()));
            return outcome;
        }
        match self.take(api, &step, desired, observed.as_ref()).await {
            Ok(done) => {
                let shown = config.status.as_ref().and_then(|status| status.hash.as_ref());
                let is_drift = done == Some(Done::Written) && shown == desired.hash().as_ref();
                outcome.key = if is_drift { Some(Done::Repaired) } else { done };
                self.restart(config, desired, &mut outcome).await;
            }
            Err(failure) => outcome.failures.push(failure),
        }
        outcome
    }

    /// Takes the step, if the object is still the one that was read.
    async fn take<K>(
        &self,
        api: &Api<K>,
        step: &Step,
        desired: &Desired,
        observed: Option<&Observed>,
    ) -> Result<Option<Done>, Failed>
    where
        K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned,
    {
        let (text, done) = match step {
            Step::Nothing | Step::LeaveAlone(_) => return Ok(None),
            Step::Apply => (desired.rendered.text.as_deref(), Done::Written),
            Step::RemoveKey => (None, Done::Removed),
        };
        let mut params = PatchParams::apply(&desired.key.field_manager());
        // Only what is ours is taken back by force.
        params.force = observed.is_some_and(|observed| observed.owner == Owner::Us);
        let patch = Patch::Apply(desired.key.apply(text, observed));
        let result = api.patch(&desired.key.name, &params, &patch).await;
        self.metrics.kube_write(desired.key.kind.as_str(), Verb::Patch, WriteOutcome::from(&result));
        match result {
            Ok(_) => Ok(Some(done)),
            Err(error) => match conflicting_managers(&error) {
                Some(managers) => Ok(Some(Done::LeftAlone(managers))),
                None => Err(failed(error)),
            },
        }
    }

    /// Rolls out what reads another text than the one that stands there now. What a pod template says is the
    /// only memory, so that nothing is forgotten when the operator ends in between.
    async fn restart(&self, config: &ScimAppConfig, desired: &Desired, outcome: &mut Outcome) {
        let annotation = desired.key.restart_annotation();
        let hash = desired.hash().unwrap_or_else(|| NO_CONTENT.to_owned());
        for restart in &config.spec.restart {
            let kind = kind_of_workload(restart.kind);
            let resource = ApiResource::from_gvk(&GroupVersionKind::gvk("apps", "v1", kind));
            let api: Api<DynamicObject> =
                Api::namespaced_with(self.client.clone(), &desired.key.namespace, &resource);
            match self.roll_out(&api, &restart.name, &annotation, &hash).await {
                Ok(true) => outcome.restarted.push(restart.clone()),
                Ok(false) => {}
                Err(error) => {
                    let Failed { why, trouble } = failed(error);
                    let why = format!("{kind} {} cannot be restarted: {why}", restart.name);
                    outcome.failures.push(Failed { why, trouble });
                }
            }
        }
    }

    async fn roll_out(
        &self,
        api: &Api<DynamicObject>,
        name: &str,
        annotation: &str,
        hash: &str,
    ) -> kube::Result<bool> {
        let workload = api.get(name).await?;
        let annotations = workload.data.pointer("/spec/template/metadata/annotations");
        if annotations.and_then(|annotations| annotations.get(annotation)).is_some_and(|shown| shown == hash)
        {
            return Ok(false);
        }
        let params =
            PatchParams { field_manager: Some(RESTART_MANAGER.to_owned()), ..PatchParams::default() };
        let template = json!({"metadata": {"annotations": {annotation: hash}}});
        let result = api.patch(name, &params, &Patch::Merge(json!({"spec": {"template": template}}))).await;
        self.metrics.kube_write("Workload", Verb::Patch, WriteOutcome::from(&result));
        result.map(|_| true)
    }
}

/// Why something came to nothing. An app config is rendered anew for each further try, so that what somebody has to allow
/// or to lift is no trouble that passes by itself; in an API server that has just started it does, within the first tries.
fn failed(error: Error) -> Failed {
    let lasts = match &error {
        Error::Api(status) if !status.is_forbidden() => None,
        Error::Api(status) if status.message.contains(NO_RIGHT) => Some(Trouble::NotAllowed),
        Error::Api(_) => Some(Trouble::Lasting),
        _ => None,
    };
    let failed = Failed::from(error);
    Failed { trouble: lasts.unwrap_or(failed.trouble), ..failed }
}

/// The field managers that an apply without force ran into, each in quotes in the message of its cause.
fn conflicting_managers(error: &Error) -> Option<Vec<String>> {
    let Error::Api(status) = error else { return None };
    let causes = status.details.iter().flat_map(|details| &details.causes);
    let conflicts = causes.filter(|cause| cause.reason == "FieldManagerConflict");
    let managers: Vec<_> = conflicts
        .map(|cause| cause.message.split('"').nth(1).unwrap_or("somebody else").to_owned())
        .collect();
    (!managers.is_empty()).then_some(managers)
}

fn kind_of_workload(kind: WorkloadKind) -> &'static str {
    match kind {
        WorkloadKind::Deployment => "Deployment",
        WorkloadKind::StatefulSet => "StatefulSet",
        WorkloadKind::DaemonSet => "DaemonSet",
    }
}

#[cfg(test)]
mod tests {
    use kube::core::Status;

    use super::*;

    #[test]
    fn what_may_not_be_written_waits_to_be_allowed_and_what_is_refused_is_no_passing_trouble() {
        let trouble = |code, message: &str| {
            let status = Status {
                code,
                message: message.to_owned(),
                reason: "Forbidden".to_owned(),
                ..Status::default()
            };
            failed(Error::Api(status.boxed())).trouble
        };
        let by_rbac = r#"configmaps "cm" is forbidden: User "system:serviceaccount:scim:reconcile" cannot patch resource"#;
        assert_eq!(trouble(403, by_rbac), Trouble::NotAllowed);
        let by_quota = r#"configmaps "cm" is forbidden: exceeded quota: few, requested: count/configmaps=1"#;
        assert_eq!(trouble(403, by_quota), Trouble::Lasting);
        assert_eq!(trouble(403, "admission webhook \"frozen\" denied the request"), Trouble::Lasting);
    }
}
