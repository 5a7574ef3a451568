//! Since when those stand in a binding who came after it was made.

use std::collections::{BTreeMap, HashMap, HashSet};

use jiff::Timestamp;
use serde_json::Value;

use super::{Giver, Observed, Subject};
use crate::api::names::ANNOTATION_SINCE;

/// How long the annotation may be.
const MAX_BYTES: usize = 64 * 1024;
/// How long all annotations of an object may be, for the API server. Others may have used that up, and what somebody is
/// taken out by must not be refused.
const ALL_BYTES: usize = 256 * 1024;
/// What of that the operator's other annotations may come to.
const OWN_BYTES: usize = 8 * 1024;
/// Whom the annotation names where it does not name all who came later: nobody is called so.
const OTHERS: &str = "";

/// Since when those stand in a binding who came after it was made. Whoever is not named has been there from the beginning,
/// so that the usual binding says nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Moments {
    later: BTreeMap<Subject, Timestamp>,
    others: Others,
}

/// Those whom moments do not name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Others {
    /// They have been there since the binding was made.
    #[default]
    Founders,
    /// They may have come later.
    Unknown,
    /// The same, and the annotation has no room to say so.
    Unsaid,
}

impl Moments {
    /// How long the annotation may be beside these.
    pub(super) fn room(annotations: &BTreeMap<String, String>) -> usize {
        let others = annotations.iter().filter(|(name, _)| *name != ANNOTATION_SINCE);
        let taken: usize = others.map(|(name, value)| name.len() + value.len()).sum();
        MAX_BYTES.min(ALL_BYTES.saturating_sub(taken + ANNOTATION_SINCE.len() + OWN_BYTES))
    }

    /// What a binding's annotation says of its subjects. Anybody may have written it: what is said of others, or of a time
    /// before the binding, is left out, and what cannot be read leaves in doubt those whom nothing else is said of. So
    /// does one that is not there, where it has no `room`.
    pub(super) fn read(
        annotation: Option<&str>,
        subjects: &[Subject],
        created: Option<Timestamp>,
        room: usize,
    ) -> Self {
        let unknown = Self { later: BTreeMap::new(), others: Others::Unknown };
        let Some(annotation) = annotation else {
            let others = if room < unknown.length() { Others::Unsaid } else { Others::Founders };
            return Self { later: BTreeMap::new(), others };
        };
        let Ok(said) = serde_json::from_str::<HashMap<String, Value>>(annotation) else { return unknown };
        let mut moments = if said.contains_key(OTHERS) { unknown } else { Self::default() };
        for subject in subjects {
            let Some(moment) = said.get(&**subject.name()) else { continue };
            match moment.as_str().and_then(|moment| moment.parse::<Timestamp>().ok()) {
                Some(moment) if created.is_some_and(|created| moment < created) => {}
                Some(moment) => _ = moments.later.insert(subject.clone(), moment),
                None => moments.others = Others::Unknown,
            }
        }
        moments.plainly(subjects, created)
    }

    /// Those of a binding in which these are to stand: of who stays it is as it was, and newcomers stand there from `now`
    /// on. Whom somebody else put there, nobody knows since when.
    pub(in crate::access) fn after(from: &Observed, subjects: &[Subject], now: Option<Timestamp>) -> Self {
        let Self { later: known, others } = &from.binding.moments;
        let before: HashSet<&Subject> = from.binding.subjects.iter().collect();
        // By the API server's clock it may have been made later than that.
        let now = now.and_then(|now| Timestamp::from_second(now.as_second()).ok());
        let now = now.map(|now| from.created.map_or(now, |created| now.max(created)));
        let mut moments = Self { later: BTreeMap::new(), others: *others };
        for subject in subjects {
            let is_new = !before.contains(subject);
            match known.get(subject).copied().or(now.filter(|_| is_new)) {
                Some(moment) => _ = moments.later.insert(subject.clone(), moment),
                None if !is_new && from.giver(subject) == Giver::Operator => {}
                None => moments.others = Others::Unknown,
            }
        }
        moments.bounded(from.room).plainly(subjects, from.created)
    }

    /// What the annotation says; nothing where there is nothing to say.
    pub(super) fn annotation(&self) -> Option<String> {
        let others = (self.others == Others::Unknown).then_some((OTHERS, Value::Null));
        let later = self.later.iter().map(|(subject, moment)| (&**subject.name(), moment.to_string().into()));
        let said: BTreeMap<&str, Value> = others.into_iter().chain(later).collect();
        if said.is_empty() { None } else { serde_json::to_string(&said).ok() }
    }

    /// Since when somebody stands there who is named.
    pub fn of(&self, subject: &Subject) -> Option<Timestamp> {
        self.later.get(subject).copied()
    }

    /// Whether whoever is not named has been there since the binding was made.
    pub fn name_all_later(&self) -> bool {
        self.others == Others::Founders
    }

    fn length(&self) -> usize {
        self.annotation().map_or(0, |annotation| annotation.len())
    }

    /// Without the oldest moments, where all of them are too long.
    fn bounded(mut self, room: usize) -> Self {
        if self.length() <= room {
            return self;
        }
        let mut newest: Vec<_> = std::mem::take(&mut self.later).into_iter().collect();
        newest.sort_by(|(_, a), (_, b)| b.cmp(a));
        self.others = Others::Unknown;
        let Some(mut room) = room.checked_sub(self.length()) else {
            return Self { others: Others::Unsaid, ..self };
        };
        for (subject, moment) in newest {
            let entry = Value::from(&**subject.name()).to_string().len() + format!(":\"{moment}\",").len();
            let Some(left) = room.checked_sub(entry) else { break };
            room = left;
            self.later.insert(subject, moment);
        }
        self
    }

    /// The same without what it need not say.
    fn plainly(mut self, subjects: &[Subject], created: Option<Timestamp>) -> Self {
        if subjects.iter().all(|subject| self.later.contains_key(subject)) {
            self.others = Others::Founders;
        }
        if self.others == Others::Founders {
            self.later.retain(|_, moment| created.is_none_or(|created| *moment > created));
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use k8s_openapi::{api::rbac::v1::RoleBinding, apimachinery::pkg::apis::meta::v1::Time};
    use kube::{Resource, ResourceExt};
    use proptest::prelude::*;
    use serde_json::json;

    use super::{
        super::{
            Binding, BindingObject,
            tests::{binding, stored},
        },
        *,
    };

    const CREATED: &str = "2026-06-01T00:00:00Z";

    fn at(time: &str) -> Timestamp {
        time.parse().unwrap()
    }

    fn user(name: &str) -> Subject {
        Subject::User(name.into())
    }

    /// A binding in which these stand, with this annotation.
    fn observed(names: &[&str], annotation: Option<&str>) -> Observed {
        let subjects = names.iter().map(|name| user(name)).collect();
        let mut object: RoleBinding = stored(&Binding { subjects, ..binding(Some("team-a")) });
        object.meta_mut().creation_timestamp = Some(Time(at(CREATED)));
        if let Some(annotation) = annotation {
            object.annotations_mut().insert(ANNOTATION_SINCE.to_owned(), annotation.to_owned());
        }
        let mut observed = object.observe().unwrap();
        observed.changed_by = None;
        observed
    }

    /// What is read of the binding that is written so that these stand in it.
    fn after(from: &Observed, names: &[&str], now: &str) -> Observed {
        let subjects: Vec<Subject> = names.iter().map(|name| user(name)).collect();
        let moments = Moments::after(from, &subjects, Some(at(now)));
        let to = observed(names, moments.annotation().as_deref());
        assert_eq!(to.binding.moments, moments, "it is read as it was written");
        to
    }

    fn told(observed: &Observed) -> Vec<String> {
        let since = |subject: &Subject| observed.since(subject).map_or("-".to_owned(), |at| at.to_string());
        observed.binding.subjects.iter().map(since).collect()
    }

    #[test]
    fn whoever_comes_later_is_named_and_whoever_stays_keeps_their_moment() {
        let alone = observed(&["alice"], None);
        assert_eq!(told(&alone), [CREATED]);
        let with_bob = after(&alone, &["alice", "bob"], "2026-06-02T00:00:00.7Z");
        assert_eq!(told(&with_bob), [CREATED, "2026-06-02T00:00:00Z"]);
        let with_carol = after(&with_bob, &["alice", "bob", "carol"], "2026-06-03T00:00:00Z");
        assert_eq!(told(&with_carol), [CREATED, "2026-06-02T00:00:00Z", "2026-06-03T00:00:00Z"]);
        let without_bob = after(&with_carol, &["alice", "carol"], "2026-06-04T00:00:00Z");
        assert_eq!(told(&without_bob), [CREATED, "2026-06-03T00:00:00Z"]);
        assert_eq!(
            without_bob.binding.moments.annotation().as_deref(),
            Some(r#"{"carol":"2026-06-03T00:00:00Z"}"#)
        );
        let alone_again = after(&without_bob, &["alice"], "2026-06-05T00:00:00Z");
        assert_eq!(
            (told(&alone_again), alone_again.binding.moments),
            (vec![CREATED.to_owned()], Moments::default())
        );
    }

    #[test]
    fn who_comes_by_a_clock_that_is_behind_has_been_there_since_the_binding_is() {
        let with_bob = after(&observed(&["alice"], None), &["alice", "bob"], "2026-05-31T00:00:00Z");
        assert_eq!(
            (told(&with_bob), with_bob.binding.moments.annotation()),
            (vec![CREATED.to_owned(); 2], None)
        );
    }

    #[test]
    fn what_an_annotation_says_that_cannot_be_is_not_believed() {
        for (annotation, expected) in [
            ("{}", [CREATED, CREATED]),
            (r#"{"alice": "2026-05-01T00:00:00Z", "mallory": "x"}"#, [CREATED, CREATED]),
            (r#"{"alice": "2026-06-09T02:00:00+02:00"}"#, ["2026-06-09T00:00:00Z", CREATED]),
            // Somebody came later, and nobody knows who or when.
            ("", ["-", "-"]),
            ("[]", ["-", "-"]),
            (r#"{"": null}"#, ["-", "-"]),
            (r#"{"alice": 7}"#, ["-", "-"]),
            (r#"{"alice": "yesterday", "bob": "2026-06-09T00:00:00Z"}"#, ["-", "2026-06-09T00:00:00Z"]),
        ] {
            assert_eq!(told(&observed(&["alice", "bob"], Some(annotation))), expected, "{annotation}");
        }
    }

    #[test]
    fn of_whom_somebody_else_put_there_nobody_knows_since_when() {
        let mut changed = observed(&["alice", "mallory"], None);
        changed.changed_by = Some("kubectl-edit".to_owned());
        assert_eq!(told(&changed), ["-", "-"], "nobody looked");
        let kept = after(&changed, &["alice", "bob", "mallory"], "2026-06-02T00:00:00Z");
        assert_eq!(told(&kept), ["-", "2026-06-02T00:00:00Z", "-"]);

        changed.given = Some(Arc::new([user("alice")].into()));
        assert_eq!(told(&changed), [CREATED, "-"]);
        let repaired = after(&changed, &["alice"], "2026-06-02T00:00:00Z");
        assert_eq!(told(&repaired), [CREATED]);
    }

    #[test]
    fn beyond_the_bound_the_oldest_moments_are_not_known() {
        let name = |number: usize| format!("{number:03}{}", "\"".repeat(200));
        let names: Vec<String> = (0..200).map(name).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let mut binding = observed(&names[..1], None);
        for (number, day) in [(100, "2026-06-02T00:00:00Z"), (200, "2026-06-03T00:00:00Z")] {
            binding = after(&binding, &names[..number], day);
        }
        let annotation = binding.binding.moments.annotation().unwrap();
        assert!((MAX_BYTES - 1_000..=MAX_BYTES).contains(&annotation.len()), "{}", annotation.len());
        let told = told(&binding);
        assert_eq!(told[0], "-", "who was there first cannot be told from who is left out");
        assert!(told[100..].iter().all(|at| at == "2026-06-03T00:00:00Z"), "{told:?}");
        assert!(
            told[1..100].iter().any(|at| at == "2026-06-02T00:00:00Z")
                && told[1..100].contains(&"-".to_owned())
        );
    }

    #[test]
    fn nobody_stays_because_others_have_left_no_room_in_the_annotations() {
        let before = observed(&["alice", "bob"], None);
        for left in [0, 9_000, ALL_BYTES] {
            let mut object: RoleBinding = stored(&before.binding);
            object.meta_mut().creation_timestamp = Some(Time(at(CREATED)));
            object.annotations_mut().insert("owner/note".to_owned(), "x".repeat(ALL_BYTES - left));
            let from = Observed { changed_by: None, ..object.observe().unwrap() };
            let carols: Vec<Subject> = (0..40).map(|number| user(&format!("carol-{number}"))).collect();
            let moments = Moments::after(&from, &carols, Some(at("2026-06-02T00:00:00Z")));
            let to = Binding { subjects: carols, moments, ..from.binding.clone() };
            let since = to.moments.annotation();
            object.annotations_mut().extend(since.clone().map(|since| (ANNOTATION_SINCE.to_owned(), since)));
            let all: usize = object.annotations().iter().map(|(name, value)| name.len() + value.len()).sum();
            assert!(
                all <= ALL_BYTES + before.binding.mark.metadata().annotations.unwrap().len() * 1_000,
                "{all}"
            );
            assert_eq!(since.is_some(), left > 0, "{left}");
            object.subjects = stored::<RoleBinding>(&to).subjects;
            let read = Observed { changed_by: None, ..object.observe().unwrap() };
            assert_eq!(read.binding.moments, to.moments, "it is read as it was written");
            assert!(told(&read).iter().all(|at| at != CREATED), "none of them was there from the beginning");
        }
    }

    proptest! {
        /// Whatever an annotation says, nobody is said to be there longer than the binding, and what is read is read again.
        #[test]
        fn nothing_that_an_annotation_says_does_any_harm(
            annotation in prop_oneof![
                ".*",
                proptest::collection::btree_map("alice|bob|c|", "[-+0-9T:Z.]{0,24}|20[0-9]{2}-0[1-9]-01T00:00:00Z", 0..4)
                    .prop_map(|said| json!(said).to_string()),
            ],
        ) {
            let read = observed(&["alice", "bob"], Some(&annotation));
            for subject in &read.binding.subjects {
                prop_assert!(read.since(subject).is_none_or(|since| since >= at(CREATED)));
            }
            let again = observed(&["alice", "bob"], read.binding.moments.annotation().as_deref());
            prop_assert_eq!(&again.binding, &read.binding);
            after(&read, &["alice", "carol"], "2026-07-01T00:00:00Z");
        }
    }
}
