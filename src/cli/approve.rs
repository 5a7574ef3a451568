use std::{
    io::{self, BufRead, IsTerminal, Write},
    time::Duration,
};

use clap::Args;
use futures::TryStreamExt;
use jiff::Timestamp;
use kube::{
    Api, Client, ResourceExt,
    api::{ApiResource, Patch, PatchParams},
    core::Object,
    runtime::wait::await_condition,
};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::{
    Answer, Error, PLUGIN, kubernetes,
    output::{Output, tell, visible},
    pages::pages,
    preview::{held_names, with_all_names},
    provider::exists,
    snapshot::Snapshot,
};
use crate::{
    api::{AccessPolicyStatus, Approval, HeldRemovals, ScimAccessPolicy, names::ANNOTATION_APPROVE},
    ops::clock,
};

/// How long an approval may take to be carried out; longer than another replica takes to take over.
const CARRIED_OUT: Duration = Duration::from_secs(30);

/// How often an approval is sent while others change the policy without changing the plan.
const TRIES: usize = 5;

/// Who the API server notes as the annotation's owner: a person, not the operator.
const FIELD_MANAGER: &str = PLUGIN;

/// A ScimAccessPolicy of which the spec may be one that this version cannot read: what waits stands in the status.
type Policy = Object<Value, AccessPolicyStatus>;

/// Arguments of `scim-operator approve`.
#[derive(Debug, Args)]
#[command(after_help = "Exit codes: 0 what was held has gone; 1 nothing is held, or it was not approved; \
                        2 that could not be found out.")]
pub struct Approve {
    /// The ScimAccessPolicy of which removals are held.
    #[arg(required_unless_present = "provider", conflicts_with = "provider")]
    policy: Option<String>,
    /// Every policy of this ScimProvider of which removals are held.
    #[arg(long)]
    provider: Option<String>,
    /// Only this plan, as the condition Held names it; without it, what is held now.
    #[arg(long, value_name = "HASH", conflicts_with = "provider")]
    plan: Option<String>,
    /// Approve without asking, for scripts.
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    output: Output,
}

/// A policy of which removals are held, as somebody looked at it.
struct Waiting {
    policy: Policy,
    held: HeldRemovals,
}

/// What became of one policy's held removals.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Decision {
    policy: String,
    provider: String,
    #[serde(flatten)]
    held: HeldRemovals,
    outcome: Outcome,
    /// What the API server said, where it was not yes.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
enum Outcome {
    /// They have gone.
    CarriedOut,
    /// Other removals are held now.
    Changed,
    /// They are held no longer.
    TakenBack,
    /// The policy was deleted meanwhile.
    Deleted,
    /// The API server lets this person approve nothing.
    Refused,
    /// It is approved, and nobody has acted on it yet.
    Approved,
    /// Whether it is approved is not known.
    Unknown,
}

impl Approve {
    pub fn run(self) -> Result<Answer, Error> {
        kubernetes(async |client| self.decide(&client).await)
    }

    async fn decide(&self, client: &Client) -> Result<Answer, Error> {
        let policies = &policies(client.clone());
        let mut waiting = self.waiting(client, policies).await?;
        name_all(client, &mut waiting).await;
        waiting.iter().try_for_each(|waiting| tell(&waiting.in_words()))?;
        if waiting.is_empty() {
            tell(&self.nothing())?;
            return Ok(Answer::No);
        }
        if let Some(other) = self.plan.as_ref().filter(|plan| waiting.iter().any(|w| w.held.plan != **plan)) {
            tell(&format!("that is not plan {other}: nothing is approved"))?;
            return Ok(Answer::No);
        }
        if !self.yes && !is_confirmed(&mut io::stderr())? {
            tell("nothing is approved")?;
            return Ok(Answer::No);
        }
        let mut decisions = Vec::new();
        for waiting in waiting {
            decisions.push(waiting.approve(policies).await);
        }
        self.output.print(&decisions, ["POLICY", "PLAN", "SUBJECTS", "OUTCOME"], |decision| {
            let Decision { policy, held, .. } = decision;
            [policy.clone(), held.plan.clone(), held.subjects.to_string(), decision.to_string()]
        })?;
        Ok(decisions.iter().map(|decision| decision.outcome.answer()).max().unwrap_or(Answer::No))
    }

    fn nothing(&self) -> String {
        match (&self.policy, &self.provider) {
            (Some(policy), _) => format!("the guard holds nothing of policy {policy}"),
            (None, provider) => {
                let provider = provider.as_deref().unwrap_or_default();
                format!("the guard holds nothing of any policy of provider {provider}")
            }
        }
    }

    async fn waiting(&self, client: &Client, policies: &Api<Policy>) -> Result<Vec<Waiting>, Error> {
        let found = match (&self.policy, &self.provider) {
            (Some(name), _) => {
                let found = policies.get_opt(name).await?;
                vec![found.ok_or_else(|| format!("there is no ScimAccessPolicy {name}"))?]
            }
            (None, Some(provider)) => {
                let found: Vec<_> = pages(policies, &[("spec.provider", provider)]).try_collect().await?;
                if found.is_empty() {
                    exists(client, provider).await?;
                }
                found
            }
            (None, None) => Vec::new(),
        };
        Ok(found.into_iter().filter_map(Waiting::of).collect())
    }
}

impl Waiting {
    fn of(policy: Policy) -> Option<Self> {
        let held = policy.status.as_ref()?.held.clone()?;
        Some(Self { policy, held })
    }

    /// Since when it is carried out, where somebody has approved it.
    fn begun(&self) -> Option<Timestamp> {
        Some(self.policy.status.as_ref()?.begun(&self.held.plan)?.at)
    }

    /// Empty where that cannot be read either.
    fn provider(&self) -> &str {
        self.policy.spec["provider"].as_str().unwrap_or_default()
    }

    fn in_words(&self) -> String {
        let HeldRemovals { plan, since, subjects, .. } = &self.held;
        let (policy, provider) = (self.policy.name_any(), visible(self.provider()));
        let mut text = match self.begun() {
            Some(at) => format!(
                "policy {policy} of provider {provider} carries out plan {plan}, which was approved, since {at}.\n\
                 {subjects} still have what it takes away:\n"
            ),
            None => format!(
                "policy {policy} of provider {provider} holds plan {plan} since {since}.\n\
                 {subjects} would lose access:\n"
            ),
        };
        text += &held_names(&self.held, &format!("`kubectl scim preview {policy} -o json` has all"));
        text
    }

    async fn approve(self, policies: &Api<Policy>) -> Decision {
        let (outcome, message) = match self.send(policies).await {
            Ok(outcome) => (outcome, None),
            Err(kube::Error::Api(status)) if status.code == 403 => (Outcome::Refused, Some(status.message)),
            Err(error) => (Outcome::Unknown, Some(error.to_string())),
        };
        let (policy, provider) = (self.policy.name_any(), self.provider().to_owned());
        Decision { policy, provider, held: self.held, outcome, message }
    }

    /// Approves the very plan that was looked at, whatever else changes of the policy meanwhile.
    async fn send(&self, policies: &Api<Policy>) -> kube::Result<Outcome> {
        let (name, plan) = (self.policy.name_any(), self.held.plan.as_str());
        let params = PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() };
        let mut policy = self.policy.clone();
        for _ in 0..TRIES {
            let patch = json!({"metadata": {
                "uid": policy.metadata.uid,
                "resourceVersion": policy.metadata.resource_version,
                "annotations": {ANNOTATION_APPROVE: plan},
            }});
            match policies.patch(&name, &params, &Patch::Merge(patch)).await {
                Ok(_) => return Ok(until_settled(policies, &name, plan).await),
                Err(kube::Error::Api(status)) if status.code == 404 => return Ok(Outcome::Deleted),
                Err(kube::Error::Api(status)) if status.code == 409 => {}
                Err(error) => return Err(error),
            }
            match policies.get_opt(&name).await? {
                Some(now) if settled(Some(&now), plan).is_none() => policy = now,
                now => return Ok(settled(now.as_ref(), plan).unwrap_or(Outcome::Changed)),
            }
        }
        Ok(Outcome::Changed)
    }
}

/// Names everybody who waits where a status names the first few, as far as whoever asks may read what it takes.
async fn name_all(client: &Client, waiting: &mut [Waiting]) {
    let is_cut = |waiting: &Waiting| {
        usize::try_from(waiting.held.subjects).is_ok_and(|all| all > waiting.held.names.len())
    };
    if !waiting.iter().any(is_cut) {
        return;
    }
    let Ok(snapshot) = Snapshot::load(client).await else { return };
    for waiting in waiting.iter_mut().filter(|waiting| is_cut(waiting)) {
        let name = waiting.policy.name_any();
        if let Ok((policy, plan)) = snapshot.plan(&name, clock::now()) {
            waiting.held = with_all_names(&waiting.held, &policy, &plan);
        }
    }
}

fn policies(client: Client) -> Api<Policy> {
    Api::all_with(client, &ApiResource::erase::<ScimAccessPolicy>(&()))
}

async fn until_settled(policies: &Api<Policy>, name: &str, plan: &str) -> Outcome {
    let is_settled = |policy: Option<&Policy>| settled(policy, plan).is_some();
    match timeout(CARRIED_OUT, await_condition(policies.clone(), name, is_settled)).await {
        Ok(Ok(policy)) => settled(policy.as_ref(), plan).unwrap_or(Outcome::Approved),
        Ok(Err(_)) | Err(_) => Outcome::Approved,
    }
}

/// What became of a plan; nothing yet while it is held.
fn settled(policy: Option<&Policy>, plan: &str) -> Option<Outcome> {
    let Some(policy) = policy else { return Some(Outcome::Deleted) };
    let status = policy.status.as_ref();
    let held = status.and_then(|status| status.held.as_ref());
    let approved = status.and_then(|status| status.last_approved.as_ref());
    let is_finished = |last: &Approval| last.plan == plan && last.unfinished.is_none();
    match held {
        Some(held) if held.plan == plan => None,
        _ if approved.is_some_and(is_finished) => Some(Outcome::CarriedOut),
        Some(_) => Some(Outcome::Changed),
        None => Some(Outcome::TakenBack),
    }
}

/// Asks whoever sits at the terminal.
fn is_confirmed(out: &mut impl Write) -> Result<bool, Error> {
    if !io::stdin().is_terminal() {
        return Err("there is nobody to ask at this terminal; --yes approves without asking".into());
    }
    write!(out, "Take it away from them? [y/N] ")?;
    out.flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}

impl Outcome {
    fn answer(self) -> Answer {
        match self {
            Self::CarriedOut => Answer::Yes,
            Self::Changed | Self::TakenBack | Self::Deleted | Self::Refused => Answer::No,
            Self::Approved | Self::Unknown => Answer::Unknown,
        }
    }
}

impl std::fmt::Display for Decision {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let message = self.message.as_deref().unwrap_or_default();
        match self.outcome {
            Outcome::CarriedOut => f.write_str("carried out"),
            Outcome::Changed => f.write_str("not approved: what is held has changed, look at it again"),
            Outcome::TakenBack => f.write_str("not approved: it is no longer held"),
            Outcome::Deleted => f.write_str(
                "not approved: the policy is gone, and its bindings with it unless onDelete is Retain",
            ),
            Outcome::Refused => write!(
                f,
                "not approved: {message}; the chart's role …-approver has the verb approve and the right to patch"
            ),
            Outcome::Approved => f.write_str(
                "approved, and not carried out yet, or not everywhere: the policy's condition Ready says why, if reconcile runs",
            ),
            Outcome::Unknown => write!(f, "not known: {message}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_approved_is_carried_out_once_all_of_it_is() {
        let since = "2026-01-01T00:00:00Z";
        let held = |plan| json!({"plan": plan, "since": since, "subjects": 1});
        let last = json!({"plan": "a", "at": since});
        let unfinished = json!({"plan": "a", "at": since, "unfinished": []});
        let settled = |held: Value, last: &Value| {
            let policy = json!({"metadata": {}, "spec": {}, "status": {"held": held, "lastApproved": last}});
            settled(Some(&serde_json::from_value(policy).unwrap()), "a")
        };
        assert_eq!(settled(held("a"), &unfinished), None);
        assert_eq!(settled(held("b"), &unfinished), Some(Outcome::Changed));
        assert_eq!(settled(Value::Null, &unfinished), Some(Outcome::TakenBack));
        assert_eq!(settled(held("b"), &last), Some(Outcome::CarriedOut));
        assert_eq!(settled(Value::Null, &last), Some(Outcome::CarriedOut));
    }

    #[test]
    fn what_was_approved_and_is_not_gone_is_shown_as_that() {
        let since = "2026-01-01T00:00:00Z";
        let shown = |last: Value| {
            let held = json!({"plan": "a", "since": since, "subjects": 1, "names": ["alice"]});
            let policy = json!({"metadata": {"name": "p"}, "spec": {"provider": "okta"},
                "status": {"held": held, "lastApproved": last}});
            Waiting::of(serde_json::from_value(policy).unwrap()).unwrap().in_words()
        };
        assert_eq!(
            shown(Value::Null),
            format!("policy p of provider okta holds plan a since {since}.\n1 would lose access:\n  alice\n")
        );
        let begun = shown(json!({"plan": "a", "at": since, "unfinished": []}));
        assert!(begun.contains("carries out plan a") && begun.contains("1 still have what it takes away:\n"));
    }
}
