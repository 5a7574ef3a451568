//! What watches change of a provider's part.

use std::{collections::HashMap, sync::Arc};

use super::ProviderView;
use crate::directory::view::{
    Difference, Group, GroupObject, Id, Listed, Members, ObjectRef, Placed, SliceObject, SliceRef, User,
    lookup::{Lookup, Print},
    slot::{Entry, Slot},
};

impl ProviderView {
    pub(in crate::directory::view) fn apply_user(&mut self, user: Arc<User>) -> Option<Difference<User>> {
        let id = user.id().clone();
        self.change_user(id, |slot| slot.apply(user))
    }

    pub(in crate::directory::view) fn delete_user(&mut self, user: &User) -> Option<Difference<User>> {
        self.change_user(user.id().clone(), |slot| slot.delete(user.object()))
    }

    pub(in crate::directory::view) fn apply_group(
        &mut self,
        group: Arc<GroupObject>,
    ) -> Option<Difference<Group>> {
        let id = group.id().clone();
        self.change_group(id, |slot| slot.apply(group))
    }

    pub(in crate::directory::view) fn delete_group(
        &mut self,
        group: &GroupObject,
    ) -> Option<Difference<Group>> {
        self.change_group(group.id().clone(), |slot| slot.delete(group.object()))
    }

    pub(in crate::directory::view) fn hide_user(&mut self, user: &User) -> Option<Difference<User>> {
        self.change_user(user.id().clone(), |slot| slot.hide(user.object()))
    }

    pub(in crate::directory::view) fn hide_group(
        &mut self,
        group: &GroupObject,
    ) -> Option<Difference<Group>> {
        self.change_group(group.id().clone(), |slot| slot.hide(group.object()))
    }

    pub(in crate::directory::view) fn apply_slice(
        &mut self,
        slice: SliceObject,
    ) -> Option<Difference<Group>> {
        let group = slice.slice.group.clone();
        self.slices.insert(slice);
        // Before the group that names it, a slice is nobody's.
        if self.incomplete.contains(&group) { self.change_group(group, |_| {}) } else { None }
    }

    /// Takes a slice that was read by name, where an object names it.
    pub(in crate::directory::view) fn apply_fetched_slice(
        &mut self,
        slice: SliceObject,
    ) -> Option<Difference<Group>> {
        let SliceRef { group, bucket, version } = &slice.slice;
        let is_named = self.groups.get(group).is_some_and(|slot| slot.names_slice(*bucket, version));
        let group = group.clone();
        if is_named {
            self.slices.insert_fetched(slice);
        }
        if self.incomplete.contains(&group) { self.change_group(group, |_| {}) } else { None }
    }

    pub(in crate::directory::view) fn give_up_group(&mut self, id: &Id, object: &ObjectRef) {
        if let Some(slot) = self.groups.get_mut(id) {
            slot.give_up(object);
        }
    }

    pub(in crate::directory::view) fn delete_slice(&mut self, slice: &SliceRef) {
        self.slices.delete(slice);
        self.forget_deleted_slices(&slice.group);
    }

    pub(in crate::directory::view) fn reset_slices(
        &mut self,
        listed: Vec<SliceObject>,
    ) -> Vec<Difference<Group>> {
        self.slices.delete_all();
        listed.into_iter().for_each(|slice| self.slices.insert(slice));
        let held: Vec<Id> = self.slices.groups().cloned().collect();
        held.iter().for_each(|group| self.forget_deleted_slices(group));
        let incomplete: Vec<Id> = self.incomplete.iter().cloned().collect();
        incomplete.into_iter().filter_map(|group| self.change_group(group, |_| {})).collect()
    }

    pub(in crate::directory::view) fn reset_users(
        &mut self,
        mut listed: Listed<User>,
    ) -> Vec<Difference<User>> {
        let slots = slots(std::mem::take(&mut listed.resources), &self.users);
        let changes = slots.into_iter();
        changes.filter_map(|(id, slot)| self.change_user(id, |held| held.reset(slot, &listed))).collect()
    }

    pub(in crate::directory::view) fn reset_groups(
        &mut self,
        mut listed: Listed<GroupObject>,
    ) -> Vec<Difference<Group>> {
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
