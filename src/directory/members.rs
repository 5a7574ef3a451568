//! How the members of a group change, as the difference from those before: one member more costs the same
//! in a group of ten and of a hundred thousand.

use std::collections::{HashMap, HashSet};

use serde_json::{Value, json};

use super::view::{Group, Id, Members, ProviderView};
use crate::scim::{
    error::{Result, ScimError, quote},
    filter::ElementFilter,
    members::{Member, MemberEdit, MemberKind, unchangeable},
    mode::{Mode, UnknownMembers},
};

/// The most members of one group whose ids nobody has.
const MAX_UNKNOWN: usize = 1_000;

/// What is known of an id: what it is, where somebody has it.
pub(super) type Kinds<'a> = dyn Fn(&Id) -> Option<MemberKind> + 'a;

/// The members of a group, people and nested groups, each once: those before, and what changed.
#[derive(Clone, Debug, Default)]
pub(super) struct Membership {
    before: Before,
    /// People who were not there before.
    joined: Ordered,
    /// People of before who are not there any more.
    left: HashSet<Id>,
    groups: Ordered,
}

#[derive(Clone, Debug, Default)]
struct Before {
    people: Members,
    groups: Ordered,
}

impl Membership {
    /// The members of a new group.
    pub(super) fn of_new(members: &[Member], kinds: &Kinds<'_>) -> Self {
        let mut membership = Self::default();
        membership.add(members, kinds);
        membership
    }

    /// The members that a group has.
    pub(super) fn of(group: &Group) -> Self {
        let groups: Ordered = group.groups().iter().cloned().collect();
        let before = Before { people: group.members().clone(), groups: groups.clone() };
        Self { before, groups, ..Self::default() }
    }

    /// Applies edits in their order.
    ///
    /// # Errors
    /// `noTarget` where nobody matches whom an edit keeps, `mutability` where they would become another.
    pub(super) fn edit(&mut self, edits: &[MemberEdit], kinds: &Kinds<'_>) -> Result<()> {
        for edit in edits {
            match edit {
                MemberEdit::Add(members) => self.add(members, kinds),
                MemberEdit::Remove(ids) => ids.iter().for_each(|id| self.remove(&id.as_str().into())),
                MemberEdit::RemoveMatching(filter) => {
                    self.remove_matching(|id, said| filter.matches(&value(id, kinds(id).unwrap_or(said))));
                }
                MemberEdit::Replace(members) => self.replace(Self::of_new(members, kinds)),
                MemberEdit::Keep { matching, ids } => self.check_kept(matching, ids, kinds)?,
            }
        }
        Ok(())
    }

    /// Leaves out this id.
    pub(super) fn remove(&mut self, id: &Id) {
        if !self.joined.remove(id) && self.before.people.contains(id) {
            self.left.insert(id.clone());
        }
        self.groups.remove(id);
    }

    /// Refuses ids that nobody has among those that come new: all of them in a mode that is strict about
    /// them, those beyond the most that a group may have in one that is not.
    ///
    /// # Errors
    /// `invalidValue` with the first of them.
    pub(super) fn check(&self, mode: Mode, kinds: &Kinds<'_>) -> Result<()> {
        let Some(new) = self.newcomers().find(|id| kinds(id).is_none()) else { return Ok(()) };
        let is_one_too_many = || self.iter().filter(|(id, _)| kinds(id).is_none()).nth(MAX_UNKNOWN).is_some();
        match mode.switches().unknown_members {
            UnknownMembers::Keep if !is_one_too_many() => Ok(()),
            UnknownMembers::Keep => Err(ScimError::invalid_value(format!(
                "more than {MAX_UNKNOWN} members have ids that nobody has; create these users first"
            ))),
            UnknownMembers::Refuse => Err(ScimError::invalid_value(format!(
                "nobody has the id {}; create the member first",
                quote(&new.to_string())
            ))),
        }
    }

    /// The people of before.
    pub(super) fn people_before(&self) -> &Members {
        &self.before.people
    }

    /// People who were not there before, in the order in which they came.
    pub(super) fn joined(&self) -> impl Iterator<Item = &Id> {
        self.joined.in_order()
    }

    /// People of before who are not there any more.
    pub(super) fn left(&self) -> &HashSet<Id> {
        &self.left
    }

    /// The nested groups, in the order in which they came.
    pub(super) fn groups(&self) -> impl Iterator<Item = &Id> {
        self.groups.in_order()
    }

    /// Whether these are the members of before.
    pub(super) fn is_unchanged(&self) -> bool {
        self.joined.is_empty() && self.left.is_empty() && self.groups.has_the_ids_of(&self.before.groups)
    }

    /// What an id is, counts more than what a client says that it is: most of them say nothing.
    fn add(&mut self, members: &[Member], kinds: &Kinds<'_>) {
        for Member { id, kind } in members {
            let id = Id::from(id.as_str());
            if self.has_person(&id) || self.groups.contains(&id) {
                continue;
            }
            match kinds(&id).unwrap_or(*kind) {
                MemberKind::User if self.left.remove(&id) => {}
                MemberKind::User => self.joined.push(id),
                MemberKind::Group => self.groups.push(id),
            }
        }
    }

    /// Who is in both states, keeps their place.
    fn replace(&mut self, next: Self) {
        let stay: HashSet<&Id> = self.before.people.iter().filter(|id| next.joined.contains(id)).collect();
        let left = self.before.people.iter().filter(|id| !stay.contains(id)).cloned().collect();
        let mut joined = next.joined;
        joined.retain(|id| !stay.contains(id));
        (self.joined, self.left) = (joined, left);
        if !next.groups.has_the_ids_of(&self.groups) {
            self.groups = next.groups;
        }
    }

    fn remove_matching(&mut self, matches: impl Fn(&Id, MemberKind) -> bool) {
        let there = self.before.people.iter().filter(|id| !self.left.contains(id));
        let leave: Vec<Id> = there.filter(|id| matches(id, MemberKind::User)).cloned().collect();
        self.left.extend(leave);
        self.joined.retain(|id| !matches(id, MemberKind::User));
        self.groups.retain(|id| !matches(id, MemberKind::Group));
    }

    fn check_kept(&self, matching: &ElementFilter, ids: &[String], kinds: &Kinds<'_>) -> Result<()> {
        let matches = |id: &Id, said| matching.matches(&value(id, kinds(id).unwrap_or(said)));
        let found: HashSet<Id> = match matching.named_values() {
            Some(named) => {
                let named = named.iter().map(|id| Id::from(id.as_str()));
                named.filter(|id| self.has_person(id) || self.groups.contains(id)).collect()
            }
            None => self.iter().filter(|(id, said)| matches(id, *said)).map(|(id, _)| id.clone()).collect(),
        };
        if found.is_empty() {
            return Err(ScimError::no_target(
                "no member matches the filter, and a filter makes none; add them to members",
            ));
        }
        let set: HashSet<Id> = ids.iter().map(|id| Id::from(id.as_str())).collect();
        if found == set && set.len() == 1 { Ok(()) } else { Err(unchangeable()) }
    }

    fn has_person(&self, id: &Id) -> bool {
        self.joined.contains(id) || self.before.people.contains(id) && !self.left.contains(id)
    }

    fn iter(&self) -> impl Iterator<Item = (&Id, MemberKind)> {
        let stay = self.before.people.iter().filter(|id| !self.left.contains(id));
        let people = stay.chain(self.joined.in_order()).map(|id| (id, MemberKind::User));
        people.chain(self.groups.in_order().map(|id| (id, MemberKind::Group)))
    }

    /// Ids that were no member's before, neither a person's nor a group's.
    pub(super) fn newcomers(&self) -> impl Iterator<Item = &Id> {
        let Before { people, groups } = &self.before;
        let joined = self.joined.in_order().filter(|id| !groups.contains(id));
        let nested = self.groups.in_order().filter(|id| !groups.contains(id) && !people.contains(id));
        joined.chain(nested)
    }
}

/// Ids, each once, in the order in which they came.
#[derive(Clone, Debug, Default)]
struct Ordered {
    places: HashMap<Id, usize>,
    next: usize,
}

impl Ordered {
    fn push(&mut self, id: Id) {
        self.places.entry(id).or_insert(self.next);
        self.next += 1;
    }

    fn remove(&mut self, id: &Id) -> bool {
        self.places.remove(id).is_some()
    }

    fn retain(&mut self, keep: impl Fn(&Id) -> bool) {
        self.places.retain(|id, _| keep(id));
    }

    fn contains(&self, id: &Id) -> bool {
        self.places.contains_key(id)
    }

    fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    fn has_the_ids_of(&self, other: &Self) -> bool {
        self.places.len() == other.places.len() && self.places.keys().all(|id| other.contains(id))
    }

    fn in_order(&self) -> impl Iterator<Item = &Id> {
        let mut ids: Vec<(&Id, usize)> = self.places.iter().map(|(id, place)| (id, *place)).collect();
        ids.sort_unstable_by_key(|(_, place)| *place);
        ids.into_iter().map(|(id, _)| id)
    }
}

impl FromIterator<Id> for Ordered {
    fn from_iter<I: IntoIterator<Item = Id>>(ids: I) -> Self {
        let mut ordered = Self::default();
        ids.into_iter().for_each(|id| ordered.push(id));
        ordered
    }
}

/// What has an id, if anybody does.
pub(super) fn kind_of(id: &Id, view: &ProviderView) -> Option<MemberKind> {
    if view.user(id).is_some() { Some(MemberKind::User) } else { view.group(id).map(|_| MemberKind::Group) }
}

/// A member's value as a filter within `members[…]` sees it.
pub(super) fn value(id: &Id, kind: MemberKind) -> Value {
    json!({"value": id.to_string(), "type": kind.name()})
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::directory::view::{
        Directory,
        samples::{group, shown, user},
    };
    use crate::scim::{error::ErrorKind, path::Path, schema::ResourceSchema};

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

    fn people(ids: &[&str]) -> Vec<Member> {
        ids.iter().map(|id| person(id)).collect()
    }

    fn nobody(_: &Id) -> Option<MemberKind> {
        None
    }

    /// The membership of a group that has these people and this nested group.
    fn of(members: &[&str]) -> Membership {
        Membership::of(&shown(group("team", members, json!({"groups": ["nested"]}))))
    }

    fn ids<'a>(ids: impl IntoIterator<Item = &'a Id>) -> Vec<String> {
        ids.into_iter().map(Id::to_string).collect()
    }

    fn members(membership: &Membership) -> Vec<String> {
        ids(membership.iter().map(|(id, _)| id))
    }

    #[test]
    fn what_an_id_is_counts_more_than_what_a_client_says_it_is() {
        let directory = directory();
        let view = directory.provider("okta").unwrap();
        let members = Membership::of_new(&people(&["nested", "alice"]), &|id| kind_of(id, view));
        assert_eq!(
            (ids(members.joined()), ids(members.groups())),
            (vec!["alice".into()], vec!["nested".into()])
        );
    }

    #[test]
    fn adding_a_member_twice_and_removing_one_who_is_not_there_changes_nothing() {
        let mut team = of(&["alice"]);
        let edits = [MemberEdit::Add(people(&["alice", "nested"])), MemberEdit::Remove(vec!["bob".into()])];
        team.edit(&edits, &nobody).unwrap();
        assert!(team.is_unchanged());
    }

    /// RFC 7644 section 3.5.2.3, RFC 7643 section 8.7.1.
    #[test]
    fn a_member_who_is_set_where_they_are_stays_and_is_nobody_else() {
        let filter = |path: &str| {
            let path = Path::parse(path, Mode::Strict).unwrap();
            let group = ResourceSchema::group();
            let members = group.attribute(None, "members").unwrap().attribute;
            ElementFilter::bind(path.filter.as_deref().unwrap(), members, Mode::Strict).unwrap()
        };
        let kept = |path: &str, ids: &[&str]| {
            let mut team = of(&["alice", "bob"]);
            let ids = ids.iter().copied().map(str::to_owned).collect();
            let edits =
                [MemberEdit::Remove(vec!["bob".into()]), MemberEdit::Keep { matching: filter(path), ids }];
            let outcome = team.edit(&edits, &nobody).map_err(|error| error.kind());
            assert_eq!(members(&team), ["alice", "nested"]);
            outcome
        };
        assert_eq!(kept(r#"members[value eq "alice"]"#, &["alice"]), Ok(()));
        assert_eq!(kept(r#"members[value eq "nested"]"#, &["nested"]), Ok(()));
        assert_eq!(kept(r#"members[type eq "User"]"#, &["alice"]), Ok(()));
        for ids in [&["carol"] as &[_], &["alice", "carol"], &[]] {
            assert_eq!(kept(r#"members[value eq "alice"]"#, ids), Err(ErrorKind::Mutability), "{ids:?}");
        }
        let both = r#"members[value eq "alice" or value eq "nested"]"#;
        assert_eq!(kept(both, &["alice"]), Err(ErrorKind::Mutability));
        assert_eq!(kept(both, &["alice", "nested"]), Err(ErrorKind::Mutability));
        for path in [r#"members[value eq "bob"]"#, r#"members[value sw "carol"]"#] {
            assert_eq!(kept(path, &["bob"]), Err(ErrorKind::NoTarget), "{path}");
        }
    }

    #[test]
    fn who_leaves_and_comes_back_in_one_change_never_left() {
        let mut team = of(&["alice", "bob"]);
        team.edit(&[MemberEdit::Remove(vec!["alice".into()])], &nobody).unwrap();
        assert_eq!((members(&team), team.is_unchanged()), (vec!["bob".into(), "nested".into()], false));
        team.edit(&[MemberEdit::Add(people(&["alice"]))], &nobody).unwrap();
        assert!(team.is_unchanged());
    }

    #[test]
    fn replacing_by_the_same_members_in_another_order_changes_nothing() {
        let mut team = of(&["alice", "bob"]);
        let nested = Member { id: "nested".into(), kind: MemberKind::Group };
        team.edit(&[MemberEdit::Replace(vec![nested, person("bob"), person("alice")])], &nobody).unwrap();
        assert!(team.is_unchanged());
        team.edit(&[MemberEdit::Replace(people(&["carol", "bob"]))], &nobody).unwrap();
        assert_eq!((members(&team), team.is_unchanged()), (vec!["bob".into(), "carol".into()], false));
        team.edit(&[MemberEdit::Replace(Vec::new())], &nobody).unwrap();
        assert_eq!(members(&team), Vec::<String>::new());
    }

    #[test]
    fn a_member_whom_an_object_names_twice_stays_when_they_are_replaced() {
        let mut team = of(&["alice", "alice"]);
        team.edit(&[MemberEdit::Replace(people(&["alice"])), MemberEdit::Add(people(&["bob"]))], &nobody)
            .unwrap();
        assert!(team.left().is_empty());
    }

    #[test]
    fn a_strict_mode_refuses_new_members_whom_nobody_has_and_keeps_old_ones() {
        let directory = directory();
        let view = directory.provider("okta").unwrap();
        let kinds = |id: &Id| kind_of(id, view);
        let mut team = of(&["left"]);
        team.edit(&[MemberEdit::Add(people(&["alice"]))], &kinds).unwrap();
        assert!(team.check(Mode::Strict, &kinds).is_ok());
        team.edit(&[MemberEdit::Add(people(&["stranger"]))], &kinds).unwrap();
        let error = team.check(Mode::Strict, &kinds).unwrap_err();
        assert!(error.to_string().contains("stranger"), "{error}");
        assert!(team.check(Mode::Compat, &kinds).is_ok());
    }

    #[test]
    fn a_tolerant_mode_keeps_a_thousand_members_whom_nobody_has_and_no_more() {
        let strangers =
            |from: usize, to: usize| (from..to).map(|i| person(&format!("s{i}"))).collect::<Vec<_>>();
        let check = |membership: &Membership| membership.check(Mode::Compat, &nobody);
        assert!(check(&Membership::of_new(&strangers(0, MAX_UNKNOWN), &nobody)).is_ok());
        assert!(check(&Membership::of_new(&strangers(0, MAX_UNKNOWN + 1), &nobody)).is_err());

        let held: Vec<String> = strangers(0, MAX_UNKNOWN).into_iter().map(|member| member.id).collect();
        let held: Vec<&str> = held.iter().map(String::as_str).collect();
        let team = Arc::new(shown(group("team", &held, json!({}))));
        let mut more = Membership::of(&team);
        more.edit(&[MemberEdit::Add(strangers(MAX_UNKNOWN, MAX_UNKNOWN + 1))], &nobody).unwrap();
        assert!(check(&more).is_err());
        let mut fewer = Membership::of(&team);
        fewer.edit(&[MemberEdit::Remove(vec!["s0".into(), "s1".into()])], &nobody).unwrap();
        assert!(check(&fewer).is_ok());
    }
}
