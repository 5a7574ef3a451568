//! How the members of a group change, as the difference from those before: one member more costs the same
//! in a group of ten and of a hundred thousand.

#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};

use serde_json::{Value, json};

use super::view::{Group, Id, Members, ProviderView};
use crate::scim::{
    error::{ErrorKind, Result, ScimError, quote},
    filter::ElementFilter,
    members::{Member, MemberEdit, MemberKind, unchangeable},
    mode::{Mode, UnknownMembers},
    steps,
};

/// The most members of one group whose ids nobody has.
const MAX_UNKNOWN: usize = 1_000;
/// How often the filters of one request may look at a member: once for each term. Less than a second's work, and ten
/// terms in the largest group.
const MAX_LOOKS: usize = 1_000_000;

/// What is known of an id: what it is, where somebody has it.
pub(super) type Kinds<'a> = dyn Fn(&Id) -> Option<MemberKind> + 'a;

/// The members of a group, people and nested groups, each once: those before, and what changed.
#[derive(Clone, Debug, Default)]
pub(super) struct Membership {
    before: Before,
    old: Old,
    /// People who were not there before; while the old ones are gone, everybody who is there.
    joined: Ordered,
    /// People of before who are not there any more.
    left: HashSet<Id>,
    groups: Ordered,
}

/// What becomes of the people of before of whom nothing else is said. A thousand replacements look at them once, at the
/// end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Old {
    /// They are there.
    #[default]
    Stay,
    /// They have been replaced.
    Gone,
}

#[derive(Clone, Debug, Default)]
struct Before {
    people: Members,
    groups: Ordered,
}

impl Before {
    /// The people, looked at one after another.
    fn everybody(&self) -> impl Iterator<Item = &Id> {
        self.people.iter().inspect(|_| steps::take(1))
    }
}

impl Membership {
    /// The members of a new group.
    #[cfg(test)]
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

    /// About how many ids these edits look at.
    pub(super) fn work(&self, edits: &[MemberEdit], kinds: &Kinds<'_>) -> usize {
        let everybody = self.before.people.len() + self.before.groups.places.len();
        let is_unknown = |member: &Member| kinds(&member.id.as_str().into()).is_none();
        let looks = edits.iter().map(|edit| match edit {
            // Those whom nobody has are counted.
            MemberEdit::Add(members) if members.iter().any(is_unknown) => members.len() + everybody,
            MemberEdit::Add(members) => members.len(),
            MemberEdit::Remove(ids) => ids.len(),
            MemberEdit::Replace(members) => members.len(),
            MemberEdit::RemoveMatching(filter) | MemberEdit::Keep { matching: filter, .. } => {
                searching(edit).map_or(1, |_| everybody).saturating_mul(filter.terms())
            }
        });
        let settling =
            if edits.iter().any(|edit| matches!(edit, MemberEdit::Replace(_))) { everybody } else { 0 };
        looks.fold(settling, usize::saturating_add)
    }

    /// Applies edits in their order.
    ///
    /// # Errors
    /// `noTarget` where nobody matches whom an edit keeps, `mutability` where they would become another; 413 where
    /// filters look at members more than [`MAX_LOOKS`] times.
    pub(super) fn edit(&mut self, edits: &[MemberEdit], kinds: &Kinds<'_>) -> Result<()> {
        let mut looks = 0;
        let removes_matching = |edit: &MemberEdit| matches!(edit, MemberEdit::RemoveMatching(_));
        for alike in edits.chunk_by(|a, b| removes_matching(a) && removes_matching(b)) {
            let filters: Vec<&ElementFilter> = alike.iter().filter_map(searching).collect();
            let terms: usize = filters.iter().map(|filter| filter.terms()).sum();
            looks = self.count().saturating_mul(terms).saturating_add(looks);
            if looks > MAX_LOOKS {
                return Err(ScimError::new(
                    ErrorKind::PayloadTooLarge,
                    "the filters of this PATCH search too many members; name them by value, or send fewer filters at once",
                ));
            }
            match alike {
                [MemberEdit::Add(members)] => self.add(members, kinds),
                [MemberEdit::Remove(ids)] => ids.iter().for_each(|id| self.remove(&id.as_str().into())),
                [MemberEdit::Replace(members)] => self.replace(members, kinds),
                [MemberEdit::Keep { matching, ids }] => self.check_kept(matching, ids, kinds)?,
                _ => self.remove_matching(|id, said| {
                    let value = value(id, kinds(id).unwrap_or(said));
                    filters.iter().any(|filter| filter.matches(&value))
                }),
            }
        }
        self.settle();
        Ok(())
    }

    /// Leaves out this id.
    pub(super) fn remove(&mut self, id: &Id) {
        if !self.joined.remove(id) && self.old == Old::Stay && self.before.people.contains(id) {
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

    fn replace(&mut self, members: &[Member], kinds: &Kinds<'_>) {
        let groups = std::mem::take(&mut self.groups);
        // Emptied, they would keep their size, and be gone through as often as they are.
        (self.old, self.joined, self.left) = (Old::Gone, Ordered::default(), HashSet::new());
        self.add(members, kinds);
        if self.groups.has_the_ids_of(&groups) {
            self.groups = groups;
        }
    }

    /// Who is there before and after, keeps their place.
    fn settle(&mut self) {
        if std::mem::take(&mut self.old) == Old::Stay {
            return;
        }
        self.left = self.before.everybody().filter(|id| !self.joined.contains(id)).cloned().collect();
        self.before.everybody().for_each(|id| _ = self.joined.remove(id));
    }

    fn remove_matching(&mut self, matches: impl Fn(&Id, MemberKind) -> bool) {
        let leave: Vec<Id> = self.staying().filter(|id| matches(id, MemberKind::User)).cloned().collect();
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
            None => {
                let mut found = HashSet::new();
                for (id, _) in self.iter().filter(|(id, said)| matches(id, *said)) {
                    found.insert(id.clone());
                    if found.len() > 1 {
                        break;
                    }
                }
                found
            }
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
        let stays = || self.old == Old::Stay && self.before.people.contains(id) && !self.left.contains(id);
        self.joined.contains(id) || stays()
    }

    /// The people of before who are there.
    fn staying(&self) -> impl Iterator<Item = &Id> {
        let old = if self.old == Old::Stay { Some(&self.before) } else { None };
        old.into_iter().flat_map(Before::everybody).filter(|id| !self.left.contains(id))
    }

    /// About how many members there are.
    fn count(&self) -> usize {
        let old = if self.old == Old::Stay { self.before.people.len() } else { 0 };
        old + self.joined.places.len() + self.groups.places.len()
    }

    fn iter(&self) -> impl Iterator<Item = (&Id, MemberKind)> {
        let people = self.staying().chain(self.joined.in_order()).map(|id| (id, MemberKind::User));
        people.chain(self.groups.in_order().map(|id| (id, MemberKind::Group)))
    }

    /// Ids that were no member's before, neither a person's nor a group's.
    fn newcomers(&self) -> impl Iterator<Item = &Id> {
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

/// The filter of an edit that looks at every member.
fn searching(edit: &MemberEdit) -> Option<&ElementFilter> {
    match edit {
        MemberEdit::RemoveMatching(filter) => Some(filter),
        MemberEdit::Keep { matching, .. } => Some(matching).filter(|filter| filter.named_values().is_none()),
        MemberEdit::Add(_) | MemberEdit::Remove(_) | MemberEdit::Replace(_) => None,
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
