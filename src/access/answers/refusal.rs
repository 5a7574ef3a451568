//! What the operator says about places in the status of a policy: it knows the lists of the chart, and who plans elsewhere
//! does not.

use crate::{
    access::binding::Place,
    api::{AccessPolicyStatus, ConditionType, ScimAccessPolicy},
};

/// Whether the lists of the chart let somebody come to a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allowance {
    /// They do.
    Allowed,
    /// They do not.
    Refused,
    /// The operator has not looked at the policy as it is now, or leaves more places out than it names.
    Unsaid,
}

impl Allowance {
    /// What the status of a policy says.
    pub fn of(policy: &ScimAccessPolicy, place: &Place) -> Self {
        let Some(status) = current(policy) else { return Self::Unsaid };
        let Some(namespace) = place.namespace.as_deref() else {
            let refused = ConditionType::RoleNotAllowed.as_str();
            let is_refused =
                status.conditions.iter().any(|held| held.type_ == refused && held.status == "True");
            return if is_refused { Self::Refused } else { Self::Allowed };
        };
        let left_out = status.namespaces.as_ref().map_or(&[][..], |progress| &progress.not_applied);
        let here = left_out.iter().find(|missed| missed.name == namespace);
        match here.map(|missed| missed.reason.as_str()) {
            Some("Protected" | "RoleNotAllowed") => Self::Refused,
            None if left_out.len() >= AccessPolicyStatus::NAMED => Self::Unsaid,
            _ => Self::Allowed,
        }
    }
}

/// The status of a policy, where it is about the policy as it is now.
fn current(policy: &ScimAccessPolicy) -> Option<&AccessPolicyStatus> {
    policy.status.as_ref().filter(|status| status.observed_generation == policy.metadata.generation)
}

/// Why nobody is given anything at a place who has not got it yet.
pub(super) fn refusal(policy: &ScimAccessPolicy, place: &Place) -> Option<String> {
    let status = current(policy)?;
    let message = |types: &[ConditionType]| {
        let mut conditions = status.conditions.iter();
        let of = |type_: &str| types.iter().any(|wanted| wanted.as_str() == type_);
        conditions.find(|held| of(&held.type_) && held.status == "True").map(|held| held.message.clone())
    };
    let not_applied = status.namespaces.iter().flat_map(|progress| &progress.not_applied);
    let mut here = not_applied.filter(|missed| Some(missed.name.as_str()) == place.namespace.as_deref());
    let reason = here.next().map(|missed| missed.reason.as_str());
    match reason {
        Some("Missing") => Some("the namespace does not exist".to_owned()),
        Some("Terminating") => Some("the namespace is going away".to_owned()),
        Some("Protected") => Some("the chart protects the namespace".to_owned()),
        _ => message(&[ConditionType::RoleNotAllowed, ConditionType::Conflict, ConditionType::Stalled])
            .or_else(|| {
                let ready = status.conditions.iter().find(|held| held.type_ == "Ready");
                ready.filter(|held| held.status == "False").map(|held| held.message.clone())
            }),
    }
}
