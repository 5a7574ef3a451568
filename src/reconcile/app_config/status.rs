//! What an app config's status says of a plan and of what became of it.

use jiff::Timestamp;

use super::execute::Outcome;
use crate::{
    api::{
        AppConfigStatus, ConditionStatus, ConditionType, Conditions, PolicyMode, Reason, ScimAppConfig,
        listed,
    },
    appconfig::{Config, Desired, Forbidden, Invalid, LeftOut, Obstacle, not_found},
};

/// The reason of what cannot be read.
const UNREADABLE: &str = "Unreadable";

/// The status to show.
pub(super) fn status(
    config: &Config,
    desired: &Result<Desired, Obstacle>,
    outcome: &Outcome,
    now: Timestamp,
) -> AppConfigStatus {
    let unread = config.unread.iter().map(|why| unreadable(config, why));
    let config = &config.object;
    let before = config.status.clone().unwrap_or_default();
    let mut conditions = Conditions::from(&before.conditions);
    let generation = config.metadata.generation;
    let abnormal: Vec<_> = unread.chain(abnormal(desired, outcome)).collect();
    let (ready, why) = ready(config, desired, outcome, &abnormal);
    conditions.set(ConditionType::Ready, ready, why, generation, now);
    for (condition, why) in abnormal {
        conditions.set(condition, ConditionStatus::True, why, generation, now);
    }
    let status = AppConfigStatus {
        observed_generation: generation,
        preview: outcome.preview.clone(),
        conditions: conditions.into_vec(),
        ..before
    };
    match desired {
        Ok(desired) if outcome.conflict().is_none() && outcome.failure().is_none() => AppConfigStatus {
            entries: count(desired.rendered.entries),
            bytes: count(desired.bytes()),
            hash: desired.hash(),
            applied_at: if outcome.wrote() { Some(now) } else { status.applied_at },
            ..status
        },
        _ => status,
    }
}

fn unreadable(config: &Config, why: &str) -> (ConditionType, Reason) {
    let until_then = match config.is_known() {
        true => "the application is told what the app config said last",
        false => {
            "what the application was told last stays as it is, with everyone who is deactivated meanwhile: nothing \
             of the app config has been read since the operator started"
        }
    };
    let message =
        format!("the operator cannot read this app config: {why}; correct that. Until then {until_then}");
    (ConditionType::Stalled, Reason::new(UNREADABLE, message))
}

/// What is wrong, the worst first.
fn abnormal(desired: &Result<Desired, Obstacle>, outcome: &Outcome) -> Vec<(ConditionType, Reason)> {
    let desired = match desired {
        Ok(desired) => desired,
        Err(obstacle) => {
            let (condition, reason) = kind(obstacle);
            return condition
                .map(|condition| (condition, Reason::new(reason, obstacle.to_string())))
                .into_iter()
                .collect();
        }
    };
    let conflict = outcome.conflict().map(|managers| {
        let owner = if managers.is_empty() { "somebody else".to_owned() } else { managers.join(", ") };
        let message = format!(
            "{} belongs to {owner}: choose another key, or take it away there; it is left alone",
            desired.key
        );
        (ConditionType::Conflict, Reason::new("KeyTaken", message))
    });
    let missing = (!desired.groups_not_found.is_empty()).then(|| {
        (ConditionType::GroupNotFound, Reason::new("NotInDirectory", not_found(&desired.groups_not_found)))
    });
    let left_out = (!desired.rendered.left_out.is_empty())
        .then(|| (ConditionType::Invalid, Reason::new("LeftOut", left_out(&desired.rendered.left_out))));
    conflict.into_iter().chain(missing).chain(left_out).collect()
}

/// The condition that an obstacle is, if it is one of its own, and its reason.
fn kind(obstacle: &Obstacle) -> (Option<ConditionType>, &'static str) {
    use ConditionType::{GroupNotFound, Stalled, Unsupported};
    match obstacle {
        Obstacle::Unread => (None, UNREADABLE),
        Obstacle::ProviderNotFound(_) => (Some(Stalled), "ProviderNotFound"),
        Obstacle::Forbidden(Forbidden::NotEnabled(_)) => (Some(Stalled), "NamespaceNotEnabled"),
        Obstacle::Forbidden(Forbidden::Protected(_)) => (Some(Stalled), "NamespaceProtected"),
        Obstacle::Forbidden(Forbidden::NotAllowed { .. }) => (Some(Stalled), "NotAllowedByProvider"),
        Obstacle::Unsupported(_) => (Some(Unsupported), "NotActedOn"),
        Obstacle::Subjects(_) => (Some(ConditionType::Invalid), "SubjectsInvalid"),
        Obstacle::Invalid(Invalid::Template(_)) => (Some(ConditionType::Invalid), "TemplateFailed"),
        Obstacle::Invalid(Invalid::Unfit(_)) => (Some(ConditionType::Invalid), "ResultUnfit"),
        Obstacle::Invalid(Invalid::Line(_)) => (Some(ConditionType::Invalid), "PatternInvalid"),
        Obstacle::GroupsNotFound(_) => (Some(GroupNotFound), "NotInDirectory"),
        Obstacle::DirectoryEmpty(_) => (None, "DirectoryEmpty"),
        Obstacle::DirectoryIncomplete => (None, "DirectoryIncomplete"),
    }
}

fn ready(
    config: &ScimAppConfig,
    desired: &Result<Desired, Obstacle>,
    outcome: &Outcome,
    abnormal: &[(ConditionType, Reason)],
) -> (ConditionStatus, Reason) {
    use ConditionStatus::{False, True};
    if let Some((_, why)) = abnormal.iter().find(|(_, why)| why.reason == UNREADABLE) {
        return (False, why.clone());
    }
    let desired = match desired {
        Ok(desired) => desired,
        Err(obstacle) => return (False, Reason::new(kind(obstacle).1, obstacle.to_string())),
    };
    if let Some(failure) = outcome.failure() {
        return (False, Reason::new("Failed", format!("{failure}; trying again")));
    }
    // Whoever was left out is told of; everyone else is where they should be.
    if let Some((_, why)) = abnormal.iter().find(|(condition, _)| *condition != ConditionType::Invalid) {
        return (False, why.clone());
    }
    let people = desired.rendered.entries;
    match (config.spec.mode, &desired.rendered.text) {
        (PolicyMode::Preview, _) => {
            (True, Reason::new("Previewed", format!("mode is Preview: {people} people would be told about")))
        }
        (PolicyMode::Enforce, Some(_)) => {
            (True, Reason::new("Applied", format!("{} tells about {people} people", desired.key)))
        }
        (PolicyMode::Enforce, None) => {
            (True, Reason::new("Removed", format!("nobody is meant, so {} is not there", desired.key)))
        }
    }
}

fn left_out(who: &[LeftOut]) -> String {
    format!("left out: {}", listed::statements(who))
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
