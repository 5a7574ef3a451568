use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use super::{
    Difference, Group, GroupObject, Id, InOrder, Incomplete, Listed, Members, ObjectRef, Placed, Slice,
    SliceObject, SliceRef, User,
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
    pub(super) fn doubtful_groups(&self) -> usize {
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

    pub(super) fn apply_user(&mut self, user: User) -> Option<Difference<User>> {
        let id = user.id().clone();
        self.change_user(id, |slot| slot.apply(user))
    }

    pub(super) fn delete_user(&mut self, user: &User) -> Option<Difference<User>> {
        self.change_user(user.id().clone(), |slot| slot.delete(user.object()))
    }

    pub(super) fn apply_group(&mut self, group: GroupObject) -> Option<Difference<Group>> {
        let id = group.id().clone();
        self.change_group(id, |slot| slot.apply(group))
    }

    pub(super) fn delete_group(&mut self, group: &GroupObject) -> Option<Difference<Group>> {
        self.change_group(group.id().clone(), |slot| slot.delete(group.object()))
    }

    pub(super) fn holds_user(&self, user: &User) -> bool {
        self.users.get(user.id()).is_some_and(|slot| slot.holds(&user.object().uid))
    }

    pub(super) fn holds_group(&self, group: &GroupObject) -> bool {
        self.groups.get(group.id()).is_some_and(|slot| slot.objects.holds(&group.object().uid))
    }

    pub(super) fn hide_user(&mut self, user: &User) -> Option<Difference<User>> {
        self.change_user(user.id().clone(), |slot| slot.hide(user.object()))
    }

    pub(super) fn hide_group(&mut self, group: &GroupObject) -> Option<Difference<Group>> {
        self.change_group(group.id().clone(), |slot| slot.hide(group.object()))
    }

    pub(super) fn apply_slice(&mut self, slice: SliceObject) -> Option<Difference<Group>> {
        let group = slice.slice.group.clone();
        self.slices.insert(slice);
        // Before the group that names it, a slice is nobody's.
        if self.incomplete.contains(&group) { self.change_group(group, |_| {}) } else { None }
    }

    /// Takes a slice that was read by name, where an object names it.
    pub(super) fn apply_fetched_slice(&mut self, slice: SliceObject) -> Option<Difference<Group>> {
        let SliceRef { group, bucket, version } = &slice.slice;
        let is_named = self.groups.get(group).is_some_and(|slot| slot.names_slice(*bucket, version));
        let group = group.clone();
        if is_named {
            self.slices.insert_fetched(slice);
        }
        if self.incomplete.contains(&group) { self.change_group(group, |_| {}) } else { None }
    }

    pub(super) fn give_up_group(&mut self, id: &Id, object: &ObjectRef) {
        if let Some(slot) = self.groups.get_mut(id) {
            slot.give_up(object);
        }
    }

    pub(super) fn delete_slice(&mut self, slice: &SliceRef) {
        self.slices.delete(slice);
        self.forget_deleted_slices(&slice.group);
    }

    pub(super) fn reset_slices(&mut self, listed: Vec<SliceObject>) -> Vec<Difference<Group>> {
        self.slices.delete_all();
        listed.into_iter().for_each(|slice| self.slices.insert(slice));
        let held: Vec<Id> = self.slices.groups().cloned().collect();
        held.iter().for_each(|group| self.forget_deleted_slices(group));
        let incomplete: Vec<Id> = self.incomplete.iter().cloned().collect();
        incomplete.into_iter().filter_map(|group| self.change_group(group, |_| {})).collect()
    }

    pub(super) fn reset_users(&mut self, mut listed: Listed<User>) -> Vec<Difference<User>> {
        let slots = slots(std::mem::take(&mut listed.resources), &self.users);
        let changes = slots.into_iter();
        changes.filter_map(|(id, slot)| self.change_user(id, |held| held.reset(slot, &listed))).collect()
    }

    pub(super) fn reset_groups(&mut self, mut listed: Listed<GroupObject>) -> Vec<Difference<Group>> {
        let slots = slots(std::mem::take(&mut listed.resources), &self.groups);
        let changes = slots.into_iter();
        changes.filter_map(|(id, slot)| self.change_group(id, |held| held.reset(slot, &listed))).collect()
    }

    fn change_user(&mut self, id: Id, change: impl FnOnce(&mut Slot<User>)) -> Option<Difference<User>> {
        let (before, after) = exchange(&mut self.users, &id, change)?;
        if let Some(user) = &before {
            self.prints_of(user, |lookup, print| lookup.forget(print, &id));
            self.users_in_order.remove(user.place());
        }
        if let Some(user) = &after {
            self.prints_of(user, |lookup, print| lookup.note(print, &id));
            self.users_in_order.insert(user.clone());
            self.strays.came(&id, self.memberships.of(&id));
        } else {
            self.strays.went(&id, self.memberships.of(&id));
        }
        Some(Difference { provider: self.name.clone(), id, before, after })
    }

    /// Everything that a person is looked up by.
    fn prints_of(&mut self, user: &User, mut each: impl FnMut(&mut Lookup, Print)) {
        each(&mut self.users_by_key, Print::of(user.key()));
        user.external_id().into_iter().for_each(|id| each(&mut self.users_by_external_id, Print::of(id)));
        user.display_name().into_iter().for_each(|name| each(&mut self.users_by_display_name, name));
        user.emails().iter().for_each(|email| each(&mut self.users_by_email, *email));
    }

    fn found<'a>(&'a self, lookup: &'a Lookup, print: Print) -> impl Iterator<Item = &'a Arc<User>> {
        lookup.find(print).filter_map(|id| self.user(id))
    }

    fn change_group(
        &mut self,
        id: Id,
        change: impl FnOnce(&mut Slot<GroupObject>),
    ) -> Option<Difference<Group>> {
        let slot = self.groups.entry(id.clone()).or_default();
        let before = slot.shown().cloned();
        change(&mut slot.objects);
        slot.refresh(&self.slices);
        let after = slot.shown().cloned();
        match slot.is_complete() {
            true => _ = self.incomplete.remove(&id),
            false => _ = self.incomplete.insert(id.clone()),
        }
        if slot.objects.is_empty() {
            self.groups.remove(&id);
        }
        self.forget_deleted_slices(&id);
        if is_same(before.as_ref(), after.as_ref()) {
            return None;
        }
        if let Some(group) = &before {
            forget(&mut self.groups_by_key, group.key(), &id);
            group.external_id().into_iter().for_each(|key| forget(&mut self.groups_by_external_id, key, &id));
            self.groups_in_order.remove(group.place());
        }
        if let Some(group) = &after {
            note(&mut self.groups_by_key, group.key(), &id);
            group.external_id().into_iter().for_each(|key| note(&mut self.groups_by_external_id, key, &id));
            self.groups_in_order.insert(group.clone());
            self.strays.came(&id, self.memberships.of(&id));
        } else {
            self.strays.went(&id, self.memberships.of(&id));
        }
        self.change_memberships(&id, before.as_deref(), after.as_deref());
        Some(Difference { provider: self.name.clone(), id, before, after })
    }

    fn forget_deleted_slices(&mut self, group: &Id) {
        let slot = self.groups.get(group);
        let is_named = |bucket, version: &str| slot.is_some_and(|slot| slot.names_slice(bucket, version));
        self.slices.forget_deleted(group, is_named);
    }

    fn change_memberships(&mut self, group: &Id, before: Option<&Group>, after: Option<&Group>) {
        let nobody = Members::default();
        let members = |group: Option<&Group>| group.map_or(nobody.clone(), |group| group.members().clone());
        let nested =
            |group: Option<&'_ Group>| group.map(|group| group.groups().to_vec()).unwrap_or_default();
        let (old, new) = (members(before), members(after));
        let (old_groups, new_groups) = (nested(before), nested(after));
        let people = Members::turnover(&old, &new);
        let left = people.left.into_iter().chain(old_groups.iter().filter(|id| !new_groups.contains(id)));
        for member in left.filter(|id| !after.is_some_and(|group| group.names(id))) {
            self.memberships.forget(member, group);
            self.strays.unnamed(member, group, self.memberships.of(member));
        }
        let joined = people.joined.into_iter().chain(new_groups.iter().filter(|id| !old_groups.contains(id)));
        for member in joined.filter(|id| !before.is_some_and(|group| group.names(id))) {
            self.memberships.note(member, group);
            if self.user(member).is_none() && self.group(member).is_none() {
                self.strays.named(member, group);
            }
        }
    }
}

/// Both sides of a change to one slot; `None` when readers see what they saw.
#[expect(clippy::type_complexity, reason = "two sides of one change, taken apart at once")]
fn exchange<T: Entry>(
    slots: &mut HashMap<Id, Slot<T>>,
    id: &Id,
    change: impl FnOnce(&mut Slot<T>),
) -> Option<(Option<Arc<T>>, Option<Arc<T>>)> {
    let slot = slots.entry(id.clone()).or_default();
    let before = slot.current().cloned();
    change(slot);
    let after = slot.current().cloned();
    if slot.is_empty() {
        slots.remove(id);
    }
    if is_same(before.as_ref(), after.as_ref()) { None } else { Some((before, after)) }
}

fn is_same<T>(before: Option<&Arc<T>>, after: Option<&Arc<T>>) -> bool {
    match (before, after) {
        (None, None) => true,
        (Some(old), Some(new)) => Arc::ptr_eq(old, new),
        _ => false,
    }
}

/// The slots of a complete list; an empty one for each id that is no longer listed.
fn slots<T: Entry, H>(listed: Vec<Arc<T>>, held: &HashMap<Id, H>) -> HashMap<Id, Slot<T>> {
    let mut slots: HashMap<Id, Slot<T>> = held.keys().map(|id| (id.clone(), Slot::default())).collect();
    for object in listed {
        slots.entry(object.id().clone()).or_default().apply(object);
    }
    slots
}

fn note(index: &mut HashMap<Box<str>, Vec<Id>>, key: &str, id: &Id) {
    let ids = index.entry(key.into()).or_default();
    if !ids.contains(id) {
        ids.push(id.clone());
    }
}

fn forget(index: &mut HashMap<Box<str>, Vec<Id>>, key: &str, id: &Id) {
    if let Some(ids) = index.get_mut(key) {
        ids.retain(|other| other != id);
        if ids.is_empty() {
            index.remove(key);
        }
    }
}

/// While watches lag behind another replica's rename, two may seem to have one key.
fn newest<'a, T: 'a>(
    entries: impl Iterator<Item = &'a Arc<T>>,
    version: impl Fn(&T) -> u64,
) -> Option<&'a Arc<T>> {
    entries.max_by_key(|entry| version(entry))
}
