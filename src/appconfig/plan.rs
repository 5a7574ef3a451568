//! What is to be done about one app config: pure, and the same for a preview and for the real thing.

use std::collections::HashMap;

use sha2::{Digest, Sha256};
use thiserror::Error;

use super::{
    permission::Forbidden,
    render::{Invalid, Rendered},
    target::{Key, Kind, Observed, Owner},
};
use crate::api::{GroupSelector, PlanPreview, hex};

/// How many lines of each kind a preview shows.
const SHOWN: usize = 20;

/// What should stand under a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Desired {
    /// Where.
    pub key: Key,
    /// What.
    pub rendered: Rendered,
    /// Groups that are named and not in the directory.
    pub groups_not_found: Vec<GroupSelector>,
}

/// Why nothing can be said about what should stand there. The target stays as it is.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum Obstacle {
    /// Nothing of it could ever be read.
    #[error("nothing of the app config could be read so far, so the target stays as it is")]
    Unread,
    /// The provider does not exist.
    #[error("ScimProvider {0} does not exist: create it, or name another in spec.provider")]
    ProviderNotFound(String),
    /// It may not read or not write.
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    /// The spec asks for what this version does not do.
    #[error("{0} is not acted on by this version: remove it from the spec")]
    Unsupported(&'static str),
    /// The subjects cannot be read.
    #[error("{0}")]
    Subjects(String),
    /// There is no text.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// None of the groups that are named is in the directory.
    #[error("{}; the target stays as it is", not_found(.0))]
    GroupsNotFound(Vec<GroupSelector>),
    /// The provider's directory holds nothing.
    #[error(
        "the directory of ScimProvider {0} is empty: it may be yet to be filled, so the target stays as it is"
    )]
    DirectoryEmpty(String),
    /// Objects of the directory cannot be read.
    #[error(
        "objects of the directory cannot be read, see the log: until they can, the target stays as it is"
    )]
    DirectoryIncomplete,
}

/// One step, or none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Everything is as it should be.
    Nothing,
    /// Apply the text, taking the key back where it is ours.
    Apply,
    /// Take the key away.
    RemoveKey,
    /// The key is somebody else's, by their field managers.
    LeaveAlone(Vec<String>),
}

impl Desired {
    /// What leads from the key as it is to the key as it should be.
    pub fn step(&self, observed: Option<&Observed>) -> Step {
        let value = observed.and_then(|observed| observed.value.as_deref());
        match (observed.map(|observed| &observed.owner), &self.rendered.text) {
            (Some(Owner::Others(managers)), _) => Step::LeaveAlone(managers.clone()),
            (Some(Owner::Us), Some(text)) if value == Some(text.as_bytes()) => Step::Nothing,
            (_, Some(_)) => Step::Apply,
            (Some(Owner::Us), None) if value.is_some() => Step::RemoveKey,
            (_, None) => Step::Nothing,
        }
    }

    /// How many bytes the text has.
    pub fn bytes(&self) -> usize {
        self.rendered.text.as_ref().map_or(0, String::len)
    }

    /// The SHA-256 of the text, in hexadecimal; none where the key is to go.
    pub fn hash(&self) -> Option<String> {
        Some(hex(&Sha256::digest(self.rendered.text.as_ref()?)))
    }

    /// Which lines would come and go; of a Secret only how many.
    pub fn preview(&self, observed: Option<&Observed>) -> PlanPreview {
        let before = observed.and_then(|observed| observed.value.as_deref()).unwrap_or_default();
        let before = String::from_utf8_lossy(before);
        let after = self.rendered.text.as_deref().unwrap_or_default();
        let (adds, removes) = (lines_beyond(after, &before), lines_beyond(&before, after));
        let changes = adds.len() + removes.len();
        let shown = |lines: Vec<&str>| match self.key.kind {
            Kind::ConfigMap => lines.into_iter().take(SHOWN).map(str::to_owned).collect(),
            Kind::Secret => Vec::new(),
        };
        let (adds, removes) = (shown(adds), shown(removes));
        let more = changes - adds.len() - removes.len();
        PlanPreview { adds, removes, more: i64::try_from(more).unwrap_or(i64::MAX), verify: self.verify() }
    }

    fn verify(&self) -> Vec<String> {
        let Key { namespace, name, key, .. } = &self.key;
        match self.key.kind {
            Kind::ConfigMap => vec![format!(
                "kubectl --namespace={namespace} get configmap {name} --output=jsonpath='{{.data.{}}}'",
                key.replace('.', "\\.")
            )],
            Kind::Secret => Vec::new(),
        }
    }
}

/// What people are told of groups that are not in the directory.
pub fn not_found(groups: &[GroupSelector]) -> String {
    let named: Vec<_> = groups.iter().map(ToString::to_string).collect();
    format!(
        "no group has {}: push it from the identity provider, or correct the app config",
        named.join(", or ")
    )
}

/// Lines of one text that another does not have, or not as often.
fn lines_beyond<'t>(text: &'t str, other: &str) -> Vec<&'t str> {
    let mut held: HashMap<&str, usize> = HashMap::new();
    other.lines().for_each(|line| *held.entry(line).or_default() += 1);
    let mut beyond = Vec::new();
    for line in text.lines() {
        match held.get_mut(line) {
            Some(times) if *times > 0 => *times -= 1,
            _ => beyond.push(line),
        }
    }
    beyond
}
