use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use jiff::Timestamp;

use super::{
    Difference, Group, Id, Listed, User,
    slot::{Entry, Slot},
};

/// One provider's part of the directory.
#[derive(Debug)]
pub struct ProviderView {
    name: Arc<str>,
    users: HashMap<Id, Slot<User>>,
    groups: HashMap<Id, Slot<Group>>,
    users_by_key: HashMap<Box<str>, Vec<Id>>,
    users_by_external_id: HashMap<Box<str>, Vec<Id>>,
    users_by_email: HashMap<Box<str>, Vec<Id>>,
    groups_by_key: HashMap<Box<str>, Vec<Id>>,
    groups_by_external_id: HashMap<Box<str>, Vec<Id>>,
    users_in_order: BTreeMap<(Timestamp, Id), Arc<User>>,
    groups_in_order: BTreeMap<(Timestamp, Id), Arc<Group>>,
    /// Which groups name an id as a member, for people and for nested groups.
    memberships: HashMap<Id, Vec<Id>>,
    /// People who were deleted. Watches of people and of groups are not ordered against each other: a group
    /// may name somebody after they went.
    gone: HashSet<Id>,
    /// Those whom groups still name.
    named_after_going: HashSet<Id>,
}

impl ProviderView {
    pub(super) fn new(name: Arc<str>) -> Self {
        Self {
            name,
            users: HashMap::new(),
            groups: HashMap::new(),
            users_by_key: HashMap::new(),
            users_by_external_id: HashMap::new(),
            users_by_email: HashMap::new(),
            groups_by_key: HashMap::new(),
            groups_by_external_id: HashMap::new(),
            users_in_order: BTreeMap::new(),
            groups_in_order: BTreeMap::new(),
            memberships: HashMap::new(),
            gone: HashSet::new(),
            named_after_going: HashSet::new(),
        }
    }

    /// A person by SCIM id.
    pub fn user(&self, id: &Id) -> Option<&Arc<User>> {
        self.users.get(id)?.current()
    }

    /// A person by the key of userName.
    pub fn user_by_key(&self, key: &str) -> Option<&Arc<User>> {
        newest(self.users_by_key.get(key).into_iter().flatten().filter_map(|id| self.user(id)))
    }

    /// People by externalId, compared exactly; it is not unique.
    pub fn users_by_external_id(&self, external_id: &str) -> impl Iterator<Item = &Arc<User>> {
        self.users_by_external_id.get(external_id).into_iter().flatten().filter_map(|id| self.user(id))
    }

    /// People by the value of an e-mail address, in lower case.
    pub fn users_by_email(&self, email: &str) -> impl Iterator<Item = &Arc<User>> {
        self.users_by_email.get(email).into_iter().flatten().filter_map(|id| self.user(id))
    }

    /// Everyone, by creation and then by id: the stable order of lists.
    pub fn users(&self) -> impl ExactSizeIterator<Item = &Arc<User>> {
        self.users_in_order.values()
    }

    /// A group by SCIM id.
    pub fn group(&self, id: &Id) -> Option<&Arc<Group>> {
        self.groups.get(id)?.current()
    }

    /// A group by the key of displayName.
    pub fn group_by_key(&self, key: &str) -> Option<&Arc<Group>> {
        newest(self.groups_by_key.get(key).into_iter().flatten().filter_map(|id| self.group(id)))
    }

    /// Groups by externalId, compared exactly; it is not unique.
    pub fn groups_by_external_id(&self, external_id: &str) -> impl Iterator<Item = &Arc<Group>> {
        self.groups_by_external_id.get(external_id).into_iter().flatten().filter_map(|id| self.group(id))
    }

    /// Every group, by creation and then by id: the stable order of lists.
    pub fn groups(&self) -> impl ExactSizeIterator<Item = &Arc<Group>> {
        self.groups_in_order.values()
    }

    /// The groups that name this id as a direct member, a person's or a group's.
    pub fn groups_of(&self, member: &Id) -> impl Iterator<Item = &Arc<Group>> {
        self.memberships.get(member).into_iter().flatten().filter_map(|id| self.group(id))
    }

    /// Whether this id was a person's who has been deleted: groups no longer show it.
    pub fn is_gone(&self, member: &Id) -> bool {
        self.gone.contains(member)
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

    /// Groups that still name people who are gone, with those people.
    pub fn groups_with_gone(&self) -> impl Iterator<Item = (Id, Vec<Id>)> {
        let mut groups: HashMap<Id, Vec<Id>> = HashMap::new();
        for member in &self.named_after_going {
            for group in self.groups_of(member) {
                groups.entry(group.id().clone()).or_default().push(member.clone());
            }
        }
        groups.into_iter()
    }

    /// Every object of a person, those too that readers do not see.
    pub fn user_objects(&self, id: &Id) -> &[Arc<User>] {
        self.users.get(id).map_or(&[], Slot::objects)
    }

    /// Every object of a group, those too that readers do not see.
    pub fn group_objects(&self, id: &Id) -> &[Arc<Group>] {
        self.groups.get(id).map_or(&[], Slot::objects)
    }

    pub(in crate::directory) fn every_user_object(&self) -> impl Iterator<Item = &Arc<User>> {
        self.users.values().flat_map(Slot::objects)
    }

    pub(in crate::directory) fn every_group_object(&self) -> impl Iterator<Item = &Arc<Group>> {
        self.groups.values().flat_map(Slot::objects)
    }

    pub(super) fn apply_user(&mut self, user: User) -> Option<Difference<User>> {
        let id = user.id().clone();
        self.change_user(id, |slot| slot.apply(user))
    }

    pub(super) fn delete_user(&mut self, user: &User) -> Option<Difference<User>> {
        self.change_user(user.id().clone(), |slot| slot.delete(user.object()))
    }

    pub(super) fn apply_group(&mut self, group: Group) -> Option<Difference<Group>> {
        let id = group.id().clone();
        self.change_group(id, |slot| slot.apply(group))
    }

    pub(super) fn delete_group(&mut self, group: &Group) -> Option<Difference<Group>> {
        self.change_group(group.id().clone(), |slot| slot.delete(group.object()))
    }

    pub(super) fn reset_users(&mut self, listed: Listed<User>) -> Vec<Difference<User>> {
        let slots = slots(listed.resources, &self.users);
        let kept = |object: &User| listed.unreadable.contains(&object.object().name);
        slots
            .into_iter()
            .filter_map(|(id, slot)| self.change_user(id, |held| held.reset(slot, kept)))
            .collect()
    }

    pub(super) fn reset_groups(&mut self, listed: Listed<Group>) -> Vec<Difference<Group>> {
        let slots = slots(listed.resources, &self.groups);
        let kept = |object: &Group| listed.unreadable.contains(&object.object().name);
        slots
            .into_iter()
            .filter_map(|(id, slot)| self.change_group(id, |held| held.reset(slot, kept)))
            .collect()
    }

    fn change_user(&mut self, id: Id, change: impl FnOnce(&mut Slot<User>)) -> Option<Difference<User>> {
        let (before, after) = exchange(&mut self.users, &id, change)?;
        if let Some(user) = &before {
            forget(&mut self.users_by_key, user.key(), &id);
            user.external_id().into_iter().for_each(|key| forget(&mut self.users_by_external_id, key, &id));
            user.emails().iter().for_each(|key| forget(&mut self.users_by_email, key, &id));
            self.users_in_order.remove(&(user.meta().created, id.clone()));
        }
        if let Some(user) = &after {
            note(&mut self.users_by_key, user.key(), &id);
            user.external_id().into_iter().for_each(|key| note(&mut self.users_by_external_id, key, &id));
            user.emails().iter().for_each(|key| note(&mut self.users_by_email, key, &id));
            self.users_in_order.insert((user.meta().created, id.clone()), user.clone());
            self.gone.remove(&id);
            self.named_after_going.remove(&id);
        } else {
            self.gone.insert(id.clone());
            if self.memberships.contains_key(&id) {
                self.named_after_going.insert(id.clone());
            }
        }
        Some(Difference { provider: self.name.clone(), id, before, after })
    }

    fn change_group(&mut self, id: Id, change: impl FnOnce(&mut Slot<Group>)) -> Option<Difference<Group>> {
        let (before, after) = exchange(&mut self.groups, &id, change)?;
        if let Some(group) = &before {
            forget(&mut self.groups_by_key, group.key(), &id);
            group.external_id().into_iter().for_each(|key| forget(&mut self.groups_by_external_id, key, &id));
            self.groups_in_order.remove(&(group.meta().created, id.clone()));
        }
        if let Some(group) = &after {
            note(&mut self.groups_by_key, group.key(), &id);
            group.external_id().into_iter().for_each(|key| note(&mut self.groups_by_external_id, key, &id));
            self.groups_in_order.insert((group.meta().created, id.clone()), group.clone());
        }
        self.change_memberships(&id, before.as_deref(), after.as_deref());
        Some(Difference { provider: self.name.clone(), id, before, after })
    }

    fn change_memberships(&mut self, group: &Id, before: Option<&Group>, after: Option<&Group>) {
        let (left, joined) = (every_member(before), every_member(after));
        for member in left.difference(&joined) {
            if let Some(groups) = self.memberships.get_mut(*member) {
                groups.retain(|other| other != group);
                if groups.is_empty() {
                    self.memberships.remove(*member);
                    self.named_after_going.remove(*member);
                }
            }
        }
        for member in joined.difference(&left) {
            self.memberships.entry((*member).clone()).or_default().push(group.clone());
            if self.gone.contains(*member) {
                self.named_after_going.insert((*member).clone());
            }
        }
    }
}

fn every_member(group: Option<&Group>) -> HashSet<&Id> {
    group.into_iter().flat_map(|group| group.members().iter().chain(group.groups())).collect()
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
    match (&before, &after) {
        (None, None) => None,
        (Some(old), Some(new)) if Arc::ptr_eq(old, new) => None,
        _ => Some((before, after)),
    }
}

/// The slots of a complete list; an empty one for each id that is no longer listed.
fn slots<T: Entry>(listed: Vec<T>, held: &HashMap<Id, Slot<T>>) -> HashMap<Id, Slot<T>> {
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
fn newest<'a, T: Entry + 'a>(entries: impl Iterator<Item = &'a Arc<T>>) -> Option<&'a Arc<T>> {
    entries.max_by_key(|entry| entry.object().resource_version)
}
