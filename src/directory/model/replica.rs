use super::{
    api_server::{ApiServer, GroupEvent, Position, SliceEvent},
    object::{Id, Object, ResourceVersion, Slices},
    variant::{Variant, Wording},
};

/// A process: its index, fed by one watch per kind, and what its readers are shown.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Replica {
    objects: [Option<Object>; 3],
    slices: Slices,
    seen: Position,
    /// The resourceVersion up to which the watch of groups has told everything.
    heard: ResourceVersion,
    has_listed_slices: bool,
    hides_the_group: bool,
    pub shown: Shown,
    /// Which moment of the history that is.
    pub moment: usize,
}

/// The group as readers and planners see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Shown {
    /// Right after a start: not ready, 503, no plan.
    Unknown,
    Absent,
    Group(Object),
}

impl Replica {
    /// A process right after its start: its list of groups is in, that of slices is not.
    pub fn start(api: &ApiServer) -> Self {
        let mut objects = [None; 3];
        api.list(Id::Group).into_iter().for_each(|object| objects[object.name as usize] = Some(object));
        Self {
            objects,
            slices: Slices::default(),
            seen: Position { slices: 0, ..api.position() },
            heard: api.version(),
            has_listed_slices: false,
            hides_the_group: false,
            shown: Shown::Unknown,
            moment: 0,
        }
    }

    pub const fn seen(&self) -> Position {
        self.seen
    }

    pub const fn slices(&self) -> Slices {
        self.slices
    }

    /// The group's objects in the index.
    pub fn objects(&self) -> Vec<Object> {
        let objects = self.objects.iter().flatten().copied();
        objects.filter(|_| !self.hides_the_group).collect()
    }

    /// Takes an object from an answer, if readers may see it: a reservation would take the place of what its
    /// name stood for. Where the watch is past it, it may have been deleted since, and nobody would tell again.
    pub fn remember(&mut self, object: Object, wording: Wording) {
        let is_past = object.version <= self.heard && !wording.is(Variant::RememberWhatIsPast);
        let is_shown = object.is_visible() || wording.is(Variant::RememberReservations);
        if is_shown && !is_past && !wording.is(Variant::LearnOwnWritesByWatch) {
            self.take(object, wording);
        }
    }

    fn take(&mut self, object: Object, wording: Wording) {
        if object.spec.id != Id::Group {
            return;
        }
        let held = &mut self.objects[object.name as usize];
        let is_newer = held.is_none_or(|held| held.version < object.version);
        if is_newer || wording.is(Variant::TakeOlderObjects) {
            *held = Some(object);
        }
    }

    pub fn take_slices(&mut self, slices: Slices) {
        self.slices = self.slices.and(slices);
    }

    /// Hears what the watch of groups tells next.
    pub fn hear(&mut self, event: GroupEvent, wording: Wording) {
        self.seen.groups += 1;
        self.heard = event.version();
        match event {
            GroupEvent::Applied(object) => self.take(object, wording),
            GroupEvent::Deleted(name, uid, _) => {
                let held = &mut self.objects[name as usize];
                *held = held.filter(|held| held.uid != uid);
            }
        }
    }

    /// The watch of groups begins anew with a complete list. What this process has written since the list was
    /// made is not in it, and stays.
    pub fn relist(&mut self, api: &ApiServer, position: u8, wording: Wording) {
        let (listed, version) = api.listed_at(position);
        for (held, listed) in self.objects.iter_mut().zip(listed) {
            let listed = listed.filter(|object| object.spec.id == Id::Group);
            let is_newer = held.is_some_and(|held| held.version > version);
            let is_listed = held.map(|held| held.uid) == listed.map(|listed| listed.uid);
            if !is_newer || (!is_listed && wording.is(Variant::ForgetWhatAListLacks)) {
                *held = listed;
            }
        }
        self.heard = version;
        self.seen.groups = position;
    }

    /// Hears what the watch of slices tells up to a position; the first time it is a list.
    pub fn hear_slices(&mut self, api: &ApiServer, position: u8, wording: Wording) {
        let (past, events) = api.slice_events()[..position as usize].split_at(self.seen.slices as usize);
        debug_assert!(self.has_listed_slices || past.is_empty(), "a list begins at the beginning");
        for event in events {
            match *event {
                SliceEvent::Created(slice) => self.slices.insert(slice),
                SliceEvent::Deleted(slice) => {
                    let is_named = self.has_listed_slices && self.needed(wording).contains(slice);
                    if !is_named || wording.is(Variant::ForgetDeletedSlices) {
                        self.slices.remove(slice);
                    }
                }
            }
        }
        self.has_listed_slices |= !events.is_empty();
        self.seen.slices = position;
    }

    /// From here on readers see no group, whatever the watch has yet to tell.
    pub fn hide_the_group(&mut self) {
        self.hides_the_group = true;
    }

    pub fn forget(&mut self, object: &Object) {
        let held = &mut self.objects[object.name as usize];
        *held = held.filter(|held| held.uid != object.uid);
    }

    /// What readers are to be shown from here on.
    pub fn next_shown(&self, wording: Wording) -> Shown {
        match wording.current(&self.objects()) {
            None => Shown::Absent,
            Some(group) if group.spec.named().without(self.slices).is_empty() => Shown::Group(group),
            Some(group) if wording.is(Variant::ShowPartialManifest) => Shown::Group(group),
            Some(_) if wording.is(Variant::ShowNothingAfterStart) && self.shown == Shown::Unknown => {
                Shown::Absent
            }
            Some(_) => self.shown,
        }
    }

    /// The slices that the shown or the newest manifest names.
    fn needed(&self, wording: Wording) -> Slices {
        let newest = wording.current(&self.objects());
        let shown = match self.shown {
            Shown::Group(group) => Some(group),
            Shown::Absent | Shown::Unknown => None,
        };
        newest.into_iter().chain(shown).fold(Slices::default(), |named, group| named.and(group.spec.named()))
    }
}
