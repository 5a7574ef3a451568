//! How the members of a group are held and changed. Nobody outside knows how they are stored.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::view::{Group, Id, ProviderView};
use crate::scim::{
    error::{Result, ScimError, quote},
    members::{Member, MemberEdit, MemberKind},
    mode::{Mode, UnknownMembers},
};

/// The most members of one group whose ids nobody has.
const MAX_UNKNOWN: usize = 1_000;

/// The members of a group: people and nested groups, each once, in the order in which they came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Membership {
    people: Vec<Id>,
    groups: Vec<Id>,
}

impl Membership {
    /// The members of a new group.
    pub(super) fn of_new(members: Vec<Member>, view: Option<&ProviderView>) -> Self {
        let mut membership = Self::default();
        membership.add(members, view);
        membership
    }

    /// The members that a group has.
    pub(super) fn of(group: &Group) -> Self {
        Self { people: group.members().to_vec(), groups: group.groups().to_vec() }
    }

    /// Applies edits in their order.
    pub(super) fn edit(&mut self, edits: &[MemberEdit], view: Option<&ProviderView>) {
        for edit in edits {
            match edit {
                MemberEdit::Add(members) => self.add(members.clone(), view),
                MemberEdit::Remove(ids) => {
                    let ids: HashSet<Id> = ids.iter().map(|id| id.as_str().into()).collect();
                    self.retain(|id, _| !ids.contains(id));
                }
                MemberEdit::RemoveMatching(filter) => {
                    self.retain(|id, kind| !filter.matches(&shown(id, kind, view)));
                }
                MemberEdit::Replace(members) => {
                    let next = Self::of_new(members.clone(), view);
                    if !next.has_the_members_of(self) {
                        *self = next;
                    }
                }
            }
        }
    }

    /// Leaves out these ids.
    pub(super) fn forget(&mut self, ids: &[Id]) {
        self.retain(|id, _| !ids.contains(id));
    }

    /// Refuses ids that nobody has among those that come new: all of them in a mode that is strict about
    /// them, those beyond the most that a group may have in one that is not.
    ///
    /// # Errors
    /// `invalidValue` with the first of them.
    pub(super) fn check(&self, before: &Self, mode: Mode, view: Option<&ProviderView>) -> Result<()> {
        let before: HashSet<&Id> = before.people.iter().chain(&before.groups).collect();
        let Some(new) = self.unknown(view).find(|id| !before.contains(id)) else { return Ok(()) };
        match mode.switches().unknown_members {
            UnknownMembers::Keep if self.unknown(view).nth(MAX_UNKNOWN).is_none() => Ok(()),
            UnknownMembers::Keep => Err(ScimError::invalid_value(format!(
                "more than {MAX_UNKNOWN} members have ids that nobody has; create these users first"
            ))),
            UnknownMembers::Refuse => Err(ScimError::invalid_value(format!(
                "nobody has the id {}; create the member first",
                quote(&new.to_string())
            ))),
        }
    }

    fn unknown<'a>(&'a self, view: Option<&'a ProviderView>) -> impl Iterator<Item = &'a Id> {
        let is_known = move |id: &&Id| view.is_some_and(|view| kind_of(id, view).is_some());
        self.people.iter().chain(&self.groups).filter(move |id| !is_known(id))
    }

    pub(super) fn people(&self) -> &[Id] {
        &self.people
    }

    pub(super) fn groups(&self) -> &[Id] {
        &self.groups
    }

    pub(super) fn count(&self) -> i64 {
        i64::try_from(self.people.len() + self.groups.len()).unwrap_or(i64::MAX)
    }

    /// Whether a group has exactly these members.
    pub(super) fn is_of(&self, group: &Group) -> bool {
        self.people == group.members() && self.groups == group.groups()
    }

    /// What an id is, counts more than what a client says that it is: most of them say nothing.
    fn add(&mut self, members: Vec<Member>, view: Option<&ProviderView>) {
        let mut present: HashSet<Id> = self.people.iter().chain(&self.groups).cloned().collect();
        for Member { id, kind } in members {
            let id = Id::from(id.as_str());
            if !present.insert(id.clone()) {
                continue;
            }
            match view.and_then(|view| kind_of(&id, view)).unwrap_or(kind) {
                MemberKind::User => self.people.push(id),
                MemberKind::Group => self.groups.push(id),
            }
        }
    }

    fn retain(&mut self, keep: impl Fn(&Id, MemberKind) -> bool) {
        self.people.retain(|id| keep(id, MemberKind::User));
        self.groups.retain(|id| keep(id, MemberKind::Group));
    }

    fn has_the_members_of(&self, other: &Self) -> bool {
        let set = |ids: &[Id]| ids.iter().cloned().collect::<HashSet<_>>();
        set(&self.people) == set(&other.people) && set(&self.groups) == set(&other.groups)
    }
}

/// A member's value as a filter within `members[…]` sees it.
pub(super) fn shown(id: &Id, kind: MemberKind, view: Option<&ProviderView>) -> Value {
    let kind = view.and_then(|view| kind_of(id, view)).unwrap_or(kind);
    json!({"value": id.to_string(), "type": kind.name()})
}

fn kind_of(id: &Id, view: &ProviderView) -> Option<MemberKind> {
    if view.user(id).is_some() { Some(MemberKind::User) } else { view.group(id).map(|_| MemberKind::Group) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::view::{
        Directory,
        samples::{group, user},
    };

    fn directory() -> Directory {
        let mut directory = Directory::default();
        for name in ["alice", "bob"] {
            directory.apply_user(user(name, json!({})));
        }
        directory.apply_group(group("nested", &[], json!({})));
        directory
    }

    fn person(id: &str) -> Member {
        Member { id: id.into(), kind: MemberKind::User }
    }

    fn ids(ids: &[Id]) -> Vec<String> {
        ids.iter().map(Id::to_string).collect()
    }

    #[test]
    fn what_an_id_is_counts_more_than_what_a_client_says_it_is() {
        let directory = directory();
        let members = Membership::of_new(vec![person("nested"), person("alice")], directory.provider("okta"));
        assert_eq!(
            (ids(members.people()), ids(members.groups())),
            (vec!["alice".into()], vec!["nested".into()])
        );
    }

    #[test]
    fn adding_a_member_twice_and_removing_one_who_is_not_there_changes_nothing() {
        let mut members = Membership::of_new(vec![person("alice")], None);
        let before = members.clone();
        members.edit(&[MemberEdit::Add(vec![person("alice")]), MemberEdit::Remove(vec!["bob".into()])], None);
        assert_eq!(members, before);
    }

    #[test]
    fn replacing_by_the_same_members_in_another_order_changes_nothing() {
        let mut members = Membership::of_new(vec![person("alice"), person("bob")], None);
        let before = members.clone();
        members.edit(&[MemberEdit::Replace(vec![person("bob"), person("alice")])], None);
        assert_eq!(members, before);
        members.edit(&[MemberEdit::Replace(Vec::new())], None);
        assert_eq!(members.count(), 0);
    }

    #[test]
    fn a_strict_mode_refuses_new_members_whom_nobody_has_and_keeps_old_ones() {
        let directory = directory();
        let view = directory.provider("okta");
        let before = Membership::of_new(vec![person("left")], view);
        let mut after = before.clone();
        after.edit(&[MemberEdit::Add(vec![person("alice")])], view);
        assert!(after.check(&before, Mode::Strict, view).is_ok());
        after.edit(&[MemberEdit::Add(vec![person("stranger")])], view);
        assert!(after.check(&before, Mode::Strict, view).is_err());
        assert!(after.check(&before, Mode::Compat, view).is_ok());
    }

    #[test]
    fn a_tolerant_mode_keeps_a_thousand_members_whom_nobody_has_and_no_more() {
        let strangers = |count: usize| (0..count).map(|i| person(&format!("s{i}"))).collect();
        let none = Membership::default();
        assert!(Membership::of_new(strangers(MAX_UNKNOWN), None).check(&none, Mode::Compat, None).is_ok());
        assert!(
            Membership::of_new(strangers(MAX_UNKNOWN + 1), None).check(&none, Mode::Compat, None).is_err()
        );
    }
}
