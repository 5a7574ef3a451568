//! What an administrator approves of what waits.

use std::collections::BTreeSet;

use jiff::Timestamp;
use kube::ResourceExt;
use sha2::{Digest, Sha256};

use super::Departures;
use crate::{
    access::binding::Subject,
    api::{HeldRemovals, ScimAccessPolicy, hex, names::ANNOTATION_APPROVE},
};

/// Since when the policy's departures have been held, as its status says.
pub(super) fn held_since(policy: &ScimAccessPolicy) -> Option<Timestamp> {
    Some(policy.status.as_ref()?.held.as_ref()?.since)
}

/// The plan that an administrator approves, unless it has been carried out. It is noted before, and what it took
/// away is held until after: whoever noted it may have died in between.
pub(super) fn approved(policy: &ScimAccessPolicy) -> Option<&str> {
    let approved = policy.annotations().get(ANNOTATION_APPROVE)?;
    let status = policy.status.as_ref();
    let is_noted = status.and_then(|status| status.last_approved.as_ref()).map(|last| last.plan == *approved);
    let is_held = status.and_then(|status| status.held.as_ref()).map(|held| held.plan == *approved);
    let is_carried_out = is_noted == Some(true) && is_held != Some(true);
    Some(approved.as_str()).filter(|_| !is_carried_out)
}

/// Everyone whom the guard holds of a policy, where these are the departures that its status names by their plan.
pub fn all_held<'d>(
    policy: &ScimAccessPolicy,
    departures: &'d Departures,
    held: &HeldRemovals,
) -> Option<BTreeSet<&'d Subject>> {
    let is_it = plan_id(policy, departures, held.since) == held.plan;
    is_it.then(|| departures.places.values().flatten().collect())
}

/// An approval is of these departures from this policy, held since then, and of no others.
pub(super) fn plan_id(policy: &ScimAccessPolicy, departures: &Departures, since: Timestamp) -> String {
    let mut digest = Sha256::new();
    let mut text = |text: &str| {
        digest.update(text.len().to_be_bytes());
        digest.update(text);
    };
    text(&policy.uid().unwrap_or_default());
    text(&since.to_string());
    for (place, subjects) in &departures.places {
        text(place.namespace.as_deref().unwrap_or_default());
        text(&place.role.to_string());
        for subject in subjects {
            text(&format!("{subject:?}"));
        }
    }
    hex(digest.finalize().iter().take(16))
}
