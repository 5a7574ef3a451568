//! Conditions as every kind of ours carries them, and how one is set.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

/// The type of a condition. `Ready` is always there; the others only while they are true.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ConditionType {
    /// The object is what its spec asks for.
    Ready,
    /// Work is under way; true for moments.
    Reconciling,
    /// Nothing will change until somebody changes something.
    Stalled,
    /// The mass-change guard holds removals until an administrator approves them.
    Held,
    /// An object of the name that we need belongs to somebody else.
    Conflict,
    /// The role may not be given: the chart does not list it, or it is refused for what it holds.
    RoleNotAllowed,
    /// A role lets more be done than when it was given, and the policy has not changed since.
    RoleGrown,
    /// A group that a selector names is not in the directory.
    GroupNotFound,
    /// Two people map to one identity string; the later one is given nothing.
    Ambiguous,
    /// What was rendered is refused by its own format or validation.
    Invalid,
    /// A field is set that this version does not act on.
    Unsupported,
}

impl ConditionType {
    /// The type as it stands in `status.conditions`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "Ready",
            Self::Reconciling => "Reconciling",
            Self::Stalled => "Stalled",
            Self::Held => "Held",
            Self::Conflict => "Conflict",
            Self::RoleNotAllowed => "RoleNotAllowed",
            Self::RoleGrown => "RoleGrown",
            Self::GroupNotFound => "GroupNotFound",
            Self::Ambiguous => "Ambiguous",
            Self::Invalid => "Invalid",
            Self::Unsupported => "Unsupported",
        }
    }
}

/// Whether a condition holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConditionStatus {
    /// It holds.
    True,
    /// It does not.
    False,
    /// Nobody can say yet.
    Unknown,
}

impl ConditionStatus {
    /// The status as it stands in `status.conditions`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::True => "True",
            Self::False => "False",
            Self::Unknown => "Unknown",
        }
    }
}

/// Why a condition is as it is: a reason for programs (PascalCase) and a message for people that
/// says what happened, to what, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// PascalCase, from a small closed set per kind.
    pub reason: &'static str,
    /// For people.
    pub message: String,
}

impl Reason {
    /// A reason with its message.
    pub fn new(reason: &'static str, message: impl Into<String>) -> Self {
        Self { reason, message: message.into() }
    }
}

/// The conditions of one object while its next status is put together.
#[derive(Clone, Debug, Default)]
pub struct Conditions {
    before: Vec<Condition>,
    next: Vec<Condition>,
}

impl Conditions {
    /// Starts from the conditions that the object shows now.
    pub fn from(before: &[Condition]) -> Self {
        Self { before: before.to_vec(), next: Vec::new() }
    }

    /// Sets one condition. Its transition time is kept where the status stays what it was.
    pub fn set(
        &mut self,
        condition: ConditionType,
        status: ConditionStatus,
        reason: Reason,
        observed_generation: Option<i64>,
        now: Timestamp,
    ) {
        let since = self
            .before
            .iter()
            .find(|old| old.type_ == condition.as_str() && old.status == status.as_str())
            .map_or(Time(now), |old| old.last_transition_time.clone());
        self.next.retain(|other| other.type_ != condition.as_str());
        self.next.push(Condition {
            type_: condition.as_str().to_owned(),
            status: status.as_str().to_owned(),
            reason: reason.reason.to_owned(),
            message: reason.message,
            observed_generation,
            last_transition_time: since,
        });
    }

    /// Keeps a condition as the object shows it, if that is about this generation.
    pub fn keep(&mut self, condition: ConditionType, generation: Option<i64>) {
        self.next.extend(self.shown(condition, generation).cloned());
    }

    /// A condition as the object shows it, if that is about this generation.
    pub fn shown(&self, condition: ConditionType, generation: Option<i64>) -> Option<&Condition> {
        let is_it =
            |old: &&Condition| old.type_ == condition.as_str() && old.observed_generation == generation;
        self.before.iter().find(is_it)
    }

    /// The conditions to write. Those that were neither set nor kept are gone.
    pub fn into_vec(self) -> Vec<Condition> {
        self.next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transition_time_moves_only_with_the_status() {
        let (early, late): (Timestamp, Timestamp) =
            ("2026-01-01T00:00:00Z".parse().unwrap(), "2026-01-02T00:00:00Z".parse().unwrap());
        let mut first = Conditions::default();
        first.set(
            ConditionType::Ready,
            ConditionStatus::True,
            Reason::new("Applied", "done"),
            Some(1),
            early,
        );
        let shown = first.into_vec();

        let mut same = Conditions::from(&shown);
        same.set(ConditionType::Ready, ConditionStatus::True, Reason::new("Applied", "again"), Some(2), late);
        assert_eq!(same.into_vec()[0].last_transition_time, Time(early));

        let mut turned = Conditions::from(&shown);
        turned.set(ConditionType::Ready, ConditionStatus::False, Reason::new("Failed", "no"), Some(2), late);
        assert_eq!(turned.into_vec()[0].last_transition_time, Time(late));
    }

    #[test]
    fn a_condition_that_is_not_set_again_is_gone() {
        let mut first = Conditions::default();
        let now = Timestamp::UNIX_EPOCH;
        first.set(ConditionType::Held, ConditionStatus::True, Reason::new("Guard", "held"), None, now);
        assert!(Conditions::from(&first.into_vec()).into_vec().is_empty());
    }
}
