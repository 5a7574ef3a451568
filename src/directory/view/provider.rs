//! One provider's part of the directory.

mod changes;

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use super::{
    Group, GroupObject, Id, InOrder, Incomplete, Slice, SliceRef, User,
    lookup::{Lookup, Print},
    memberships::Memberships,
    slice::Slices,
    slot::{Entry, GroupSlot, Slot},
    strays::Strays,
};

/// One provider's part of the directory.
#[derive(Debug)]
pub struct ProviderView {
    name: Arc<str>,
    users: HashMap<Id, Slot<User>>,
    groups: HashMap<Id, GroupSlot>,
    slices: Slices,
    /// Groups whose newest state readers do not see yet.
    incomplete: HashSet<Id>,
    users_by_key: Lookup,
    users_by_external_id: Lookup,
    users_by_display_name: Lookup,
    users_by_email: Lookup,
    groups_by_key: HashMap<Box<str>, Vec<Id>>,
    groups_by_external_id: HashMap<Box<str>, Vec<Id>>,
    users_in_order: InOrder<User>,
    groups_in_order: InOrder<Group>,
    memberships: Memberships,
    strays: Strays,
}

impl ProviderView {
    pub(super) fn new(name: Arc<str>) -> Self {
        Self {
            name,
            users: HashMap::new(),
            groups: HashMap::new(),
            slices: Slices::default(),
            incomplete: HashSet::new(),
            users_by_key: Lookup::default(),
            users_by_external_id: Lookup::default(),
            users_by_display_name: Lookup::default(),
            users_by_email: Lookup::default(),
            groups_by_key: HashMap::new(),
            groups_by_external_id: HashMap::new(),
            users_in_order: InOrder::default(),
            groups_in_order: InOrder::default(),
            memberships: Memberships::default(),
            strays: Strays::default(),
        }
    }

    /// A person by SCIM id.
    pub fn user(&self, id: &Id) -> Option<&Arc<User>> {
        self.users.get(id)?.current()
    }

    /// A person by the key of userName.
    pub fn user_by_key(&self, key: &str) -> Option<&Arc<User>> {
        let named = self.found(&self.users_by_key, Print::of(key)).filter(|user| user.key() == key);
        newest(named, |user| user.object().resource_version)
    }

    /// People by externalId, compared exactly; it is not unique.
    pub fn users_by_external_id(&self, external_id: &str) -> impl Iterator<Item = &Arc<User>> + use<'_> {
        let found = self.found(&self.users_by_external_id, Print::of(external_id));
        let found: Vec<_> = found.filter(|user| user.external_id() == Some(external_id)).collect();
        found.into_iter()
    }

    /// Everybody who has this displayName, in lower case. They must be asked: somebody else may be among them.
    pub fn users_by_display_name(&self, display_name: &str) -> impl Iterator<Item = &Arc<User>> + use<'_> {
        self.found(&self.users_by_display_name, Print::of(display_name))
    }

    /// Everybody who has this e-mail address, in lower case. They must be asked: somebody else may be among
    /// them.
    pub fn users_by_email(&self, email: &str) -> impl Iterator<Item = &Arc<User>> + use<'_> {
        self.found(&self.users_by_email, Print::of(email))
    }

    /// Everyone, in the stable order of lists.
    pub fn users(&self) -> &InOrder<User> {
        &self.users_in_order
    }

    /// A group by SCIM id.
    pub fn group(&self, id: &Id) -> Option<&Arc<Group>> {
        self.groups.get(id)?.shown()
    }

    /// Whether there is a group of this id of which no state has been complete yet: it is unknown, not
    /// absent and not empty.
    pub fn is_unknown_group(&self, id: &Id) -> bool {
        self.incomplete.contains(id) && self.groups.get(id).is_some_and(GroupSlot::is_unknown)
    }

    /// How many groups are unknown, or have a newest state that nobody can read.
    pub fn doubtful_groups(&self) -> usize {
        self.incomplete().filter(|slot| slot.is_unknown() || slot.is_lost()).count()
    }

    /// Whether a group is unknown whose slices may still come.
    pub(super) fn awaits_unknown_groups(&self) -> bool {
        self.incomplete().any(|slot| slot.is_unknown() && slot.awaited().is_some())
    }

    /// The newest states of groups that lack slices which may still come.
    pub(super) fn incomplete_groups(&self) -> impl Iterator<Item = Incomplete> {
        self.incomplete()
            .filter_map(GroupSlot::awaited)
            .map(|(object, missing)| Incomplete { object: object.clone(), missing: missing.to_vec() })
    }

    fn incomplete(&self) -> impl Iterator<Item = &GroupSlot> {
        self.incomplete.iter().filter_map(|id| self.groups.get(id))
    }

    /// A slice of a group, if it is there.
    pub(in crate::directory) fn slice(&self, group: &Id, bucket: u16, version: &str) -> Option<&Arc<Slice>> {
        self.slices.get(group, bucket, version)
    }

    /// How many slices are held.
    pub fn slices(&self) -> usize {
        self.slices.len()
    }

    /// The slices that are there although no object that is held names them, with the uid of each.
    pub(in crate::directory) fn orphaned_slices(&self) -> impl Iterator<Item = (SliceRef, &str)> {
        self.slices.groups().flat_map(|group| {
            let slot = self.groups.get(group);
            let is_named = move |slice: &SliceRef| {
                slot.is_some_and(|slot| slot.names_slice(slice.bucket, &slice.version))
            };
            self.slices.of(group).filter(move |(slice, _)| !is_named(slice))
        })
    }

    /// A group by the key of displayName.
    pub fn group_by_key(&self, key: &str) -> Option<&Arc<Group>> {
        let named = self.groups_by_key.get(key).into_iter().flatten().filter_map(|id| self.group(id));
        newest(named, |group| group.object().resource_version)
    }

    /// Groups by externalId, compared exactly; it is not unique.
    pub fn groups_by_external_id(&self, external_id: &str) -> impl Iterator<Item = &Arc<Group>> {
        self.groups_by_external_id.get(external_id).into_iter().flatten().filter_map(|id| self.group(id))
    }

    /// Every group, in the stable order of lists.
    pub fn groups(&self) -> &InOrder<Group> {
        &self.groups_in_order
    }

    /// The groups that name this id as a direct member, a person's or a group's.
    pub fn groups_of(&self, member: &Id) -> impl Iterator<Item = &Arc<Group>> {
        self.memberships.of(member).iter().filter_map(|id| self.group(id))
    }

    /// Whether this id was a person's or a group's that has been deleted: groups no longer show it.
    pub fn is_gone(&self, member: &Id) -> bool {
        self.strays.is_gone(member)
    }

    /// Those who are gone and whom this group still names. Nobody else is looked at.
    pub fn gone_from(&self, group: &Id) -> impl Iterator<Item = &Id> {
        self.strays.gone_from(group)
    }

    /// Ids that groups name and that nobody has or had.
    pub fn dangling(&self) -> impl Iterator<Item = &Id> {
        self.strays.dangling()
    }

    /// The ids of a group's members that are not groups, those of nested groups included, each once.
    /// Groups that contain one another are read once; ids that nobody has are among them. What an id
    /// is counts, not in which list it stands: it may have been sent before it was known.
    pub fn flattened_members<'a>(&'a self, group: &'a Group) -> HashSet<&'a Id> {
        let mut members = HashSet::new();
        let mut seen = HashSet::from([group.id()]);
        let mut open = vec![group];
        while let Some(group) = open.pop() {
            for id in group.members().iter().chain(group.groups()) {
                match self.group(id) {
                    Some(nested) if seen.insert(id) => open.push(nested),
                    Some(_) => {}
                    None => _ = members.insert(id),
                }
            }
        }
        members
    }

    /// Groups that still name those who are gone, with whom they name.
    pub fn groups_with_gone(&self) -> impl Iterator<Item = (Id, Vec<Id>)> {
        let groups = self.strays.groups_with_gone();
        groups.map(|(group, gone)| (group.clone(), gone.iter().cloned().collect()))
    }

    /// Every object of a person, those too that readers do not see.
    pub fn user_objects(&self, id: &Id) -> &[Arc<User>] {
        self.users.get(id).map_or(&[], Slot::objects)
    }

    /// Every object of a group, those too that readers do not see.
    pub fn group_objects(&self, id: &Id) -> &[Arc<GroupObject>] {
        self.groups.get(id).map_or(&[], |slot| slot.objects.objects())
    }

    pub(in crate::directory) fn every_user_object(&self) -> impl Iterator<Item = &Arc<User>> {
        self.users.values().flat_map(Slot::objects)
    }

    pub(in crate::directory) fn every_group_object(&self) -> impl Iterator<Item = &Arc<GroupObject>> {
        self.groups.values().flat_map(|slot| slot.objects.objects())
    }

    pub(super) fn holds_user(&self, user: &User) -> bool {
        self.users.get(user.id()).is_some_and(|slot| slot.holds(&user.object().uid))
    }

    pub(super) fn holds_group(&self, group: &GroupObject) -> bool {
        self.groups.get(group.id()).is_some_and(|slot| slot.objects.holds(&group.object().uid))
    }

    fn found<'a>(&'a self, lookup: &'a Lookup, print: Print) -> impl Iterator<Item = &'a Arc<User>> {
        lookup.find(print).filter_map(|id| self.user(id))
    }
}

/// While watches lag behind another replica's rename, two may seem to have one key.
fn newest<'a, T: 'a>(
    entries: impl Iterator<Item = &'a Arc<T>>,
    version: impl Fn(&T) -> u64,
) -> Option<&'a Arc<T>> {
    entries.max_by_key(|entry| version(entry))
}
