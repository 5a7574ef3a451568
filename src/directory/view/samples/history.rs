//! What an API server commits of one group and its slices, as the protocols of large groups write them: one commit
//! after the other, each told by the watch of its kind.

use std::collections::{BTreeMap, BTreeSet};

use proptest::{collection::vec, prelude::*, sample::select};
use serde_json::json;

use super::{group, reader::Kind, slice};
use crate::directory::view::{GroupObject, Id, SliceObject, bucket_of};

/// The SCIM id of the group.
pub const GROUP: &str = "team";

/// Those who may be members.
pub const PEOPLE: [&str; 6] = ["ann", "bea", "cyd", "dot", "eve", "fay"];

/// Who is in a group; `None` where there is no group that readers may see.
pub type State = Option<BTreeSet<&'static str>>;

/// All commits, in their order.
#[derive(Clone, Debug, Default)]
pub struct History(Vec<Commit>);

/// One commit.
#[derive(Clone, Debug)]
pub struct Commit {
    /// What the watch of its kind tells.
    pub told: Told,
    /// The state of the group from here on.
    pub state: State,
    /// Everything that is there from here on.
    pub there: There,
}

/// What a watch tells.
#[derive(Clone, Debug)]
pub enum Told {
    /// An object of the group came or changed.
    Group(GroupObject),
    /// An object of the group is gone.
    GroupGone(GroupObject),
    /// A slice came.
    Slice(SliceObject),
    /// A slice is gone.
    SliceGone(SliceObject),
}

impl Told {
    fn kind(&self) -> Kind {
        match self {
            Self::Group(_) | Self::GroupGone(_) => Kind::Groups,
            Self::Slice(_) | Self::SliceGone(_) => Kind::Slices,
        }
    }
}

/// What a list shows.
#[derive(Clone, Debug, Default)]
pub struct There {
    /// The group's objects, by name.
    pub groups: BTreeMap<String, GroupObject>,
    /// Slices, by name.
    pub slices: BTreeMap<String, SliceObject>,
}

impl History {
    /// What is committed after so many commits; `None` before the first.
    pub fn at(&self, commits: usize) -> Option<&Commit> {
        self.0.get(commits.checked_sub(1)?)
    }

    /// The state after so many commits.
    pub fn state(&self, commits: usize) -> State {
        self.at(commits)?.state.clone()
    }

    /// What is there after so many commits.
    pub fn there(&self, commits: usize) -> There {
        self.at(commits).map(|commit| commit.there.clone()).unwrap_or_default()
    }

    /// Whether the last of so many commits is told by the watch of a kind.
    pub fn is_of(&self, commits: usize, kind: Kind) -> bool {
        self.at(commits).is_some_and(|commit| commit.told.kind() == kind)
    }

    /// How many events the watch of a kind has yet to tell that has told of so many commits.
    pub fn events_after(&self, commits: usize, kind: Kind) -> usize {
        self.0.iter().skip(commits).filter(|commit| commit.told.kind() == kind).count()
    }

    /// How many commits there are.
    pub fn commits(&self) -> usize {
        self.0.len()
    }

    /// How many commits there were when this version of an object was committed.
    pub fn when(&self, resource_version: u64) -> usize {
        usize::try_from(resource_version).unwrap()
    }
}

/// What is done to the group.
#[derive(Clone, Copy, Debug)]
pub enum Deed {
    /// It is created with a few members, which its object names.
    Create,
    /// It is created with many, in slices of so many buckets.
    CreateLarge(u16),
    /// These few come and go, by one write of the object.
    Change(&'static [&'static str]),
    /// What changed since the slices were written is folded into new slices of those buckets alone.
    Fold,
    /// Other members take the place of all, in slices of so many buckets.
    Replace(u16, &'static [&'static str]),
    /// The members are laid out in so many buckets.
    Relay(u16),
    /// The members fit into the object again.
    Inline,
    /// It gets another name, and with it another object.
    Rename,
    /// Slices that it does not name are deleted.
    Sweep,
    /// It is deleted, and what it leaves is swept.
    Delete,
}

/// Those who come and go together.
const PARTIES: [&[&str]; 4] = [&["ann"], &["dot", "eve"], &["ann", "bea", "fay"], &[]];

prop_compose! {
    /// A group's whole life.
    pub fn a_life()(
        first in select(&[Deed::Create, Deed::CreateLarge(1), Deed::CreateLarge(3)][..]),
        deeds in vec(deed(), 1..20),
        last in select(&[Deed::Delete, Deed::Sweep][..]),
    ) -> History {
        Server::history(&[vec![first], deeds, vec![last]].concat())
    }
}

fn deed() -> impl Strategy<Value = Deed> {
    let people = || select(&PARTIES[..]);
    prop_oneof![
        4 => people().prop_map(Deed::Change),
        2 => Just(Deed::Fold),
        1 => (1..4_u16, people()).prop_map(|(buckets, people)| Deed::Replace(buckets, people)),
        2 => (1..4_u16).prop_map(Deed::Relay),
        1 => Just(Deed::Inline),
        1 => Just(Deed::Rename),
        2 => Just(Deed::Sweep),
    ]
}

/// An API server, and the writer of the group.
#[derive(Debug)]
pub struct Server {
    history: History,
    there: There,
    group: Option<Written>,
    objects: usize,
    versions: usize,
}

/// The group as its newest object says.
#[derive(Clone, Debug, Default)]
struct Written {
    name: String,
    members: BTreeSet<&'static str>,
    /// The versions of the slices, and whom they hold.
    slices: Option<(Vec<String>, BTreeSet<&'static str>)>,
    sweeps: i64,
}

impl Server {
    /// What comes of deeds, each done where it can be.
    pub fn history(deeds: &[Deed]) -> History {
        let mut server = Self {
            history: History::default(),
            there: There::default(),
            group: None,
            objects: 0,
            versions: 0,
        };
        deeds.iter().for_each(|deed| server.do_it(*deed));
        server.history
    }

    fn do_it(&mut self, deed: Deed) {
        match (self.group.clone(), deed) {
            (None, Deed::Create) if self.objects == 0 => self.create(None),
            (None, Deed::CreateLarge(buckets)) if self.objects == 0 => self.create(Some(buckets)),
            (None, _) | (Some(_), Deed::Create | Deed::CreateLarge(_)) => {}
            (Some(mut group), Deed::Change(people)) => {
                for person in people {
                    if !group.members.remove(person) {
                        group.members.insert(person);
                    }
                }
                self.write(group);
            }
            (Some(mut group), Deed::Fold) => {
                let Some((versions, base)) = group.slices.clone() else { return };
                let buckets = u16::try_from(versions.len()).unwrap();
                let changed: BTreeSet<u16> =
                    base.symmetric_difference(&group.members).map(|id| bucket(id, buckets)).collect();
                let kept =
                    |bucket: u16| (!changed.contains(&bucket)).then(|| versions[usize::from(bucket)].clone());
                group.slices = Some((self.lay_out(buckets, &group.members, kept), group.members.clone()));
                self.write(group);
            }
            (Some(mut group), Deed::Replace(buckets, people)) => {
                group.members = people.iter().copied().collect();
                group.slices = Some((self.lay_out(buckets, &group.members, |_| None), group.members.clone()));
                self.write(group);
            }
            (Some(mut group), Deed::Relay(buckets)) => {
                group.slices = Some((self.lay_out(buckets, &group.members, |_| None), group.members.clone()));
                self.write(group);
            }
            (Some(mut group), Deed::Inline) => {
                group.slices = None;
                self.write(group);
            }
            (Some(group), Deed::Rename) => self.rename(group),
            (Some(mut group), Deed::Sweep) => {
                if self.orphans().is_empty() {
                    return;
                }
                group.sweeps += 1;
                self.write(group);
                self.sweep();
            }
            (Some(group), Deed::Delete) => {
                self.group = None;
                self.delete(&group.name);
                self.sweep();
            }
        }
    }

    fn create(&mut self, buckets: Option<u16>) {
        let members: BTreeSet<_> = PEOPLE[..3].iter().copied().collect();
        let mut group = Written { name: self.name(), members, ..Written::default() };
        if let Some(buckets) = buckets {
            let empty = Written { members: BTreeSet::new(), ..group.clone() };
            self.put(&empty, json!({"creating": true}));
            group.slices = Some((self.lay_out(buckets, &group.members, |_| None), group.members.clone()));
        }
        self.write(group);
    }

    fn rename(&mut self, old: Written) {
        let new = Written { name: self.name(), ..old.clone() };
        self.put(&new, json!({"reserved": true}));
        self.put(&old, json!({"renamedTo": {"name": new.name, "uid": new.name}}));
        self.write(new);
        self.delete(&old.name);
    }

    fn name(&mut self) -> String {
        self.objects += 1;
        format!("object-{}", self.objects)
    }

    /// Writes a slice for every bucket that is not kept.
    fn lay_out(
        &mut self,
        buckets: u16,
        members: &BTreeSet<&'static str>,
        kept: impl Fn(u16) -> Option<String>,
    ) -> Vec<String> {
        let people: Vec<&str> = members.iter().copied().collect();
        let version = |bucket| {
            kept(bucket).unwrap_or_else(|| {
                self.versions += 1;
                let version = format!("v{}", self.versions);
                let written = slice(GROUP, buckets, bucket, &version, &people);
                self.there.slices.insert(written.slice.name(), written.clone());
                self.commit(Told::Slice(written));
                version
            })
        };
        (0..buckets).map(version).collect()
    }

    /// Writes the group's object, which commits.
    fn write(&mut self, group: Written) {
        self.group = Some(group.clone());
        self.put(&group, json!({}));
    }

    fn put(&mut self, group: &Written, more: serde_json::Value) {
        let version = self.history.commits() + 1;
        let mut spec = json!({"name": group.name, "displayName": group.name, "sweeps": group.sweeps,
            "resourceVersion": version.to_string()});
        let mut inline: Vec<&str> = group.members.iter().copied().collect();
        if let Some((versions, base)) = &group.slices {
            inline.clear();
            let added: Vec<_> = group.members.difference(base).collect();
            let removed: Vec<_> = base.difference(&group.members).collect();
            spec["slices"] = json!(versions);
            spec["recent"] = json!({"added": added, "removed": removed});
        }
        spec.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let object = self::group(GROUP, &inline, spec);
        self.there.groups.insert(group.name.clone(), object.clone());
        self.commit(Told::Group(object));
    }

    fn delete(&mut self, name: &str) {
        let object = self.there.groups.remove(name).unwrap();
        self.commit(Told::GroupGone(object));
    }

    fn orphans(&self) -> Vec<String> {
        let is_named = |slice: &SliceObject| {
            self.there
                .groups
                .values()
                .any(|group| group.names_slice(slice.slice.bucket, &slice.slice.version))
        };
        self.there.slices.iter().filter(|(_, slice)| !is_named(slice)).map(|(name, _)| name.clone()).collect()
    }

    fn sweep(&mut self) {
        for name in self.orphans() {
            let gone = self.there.slices.remove(&name).unwrap();
            self.commit(Told::SliceGone(gone));
        }
    }

    fn commit(&mut self, told: Told) {
        let state = self.group.as_ref().map(|group| group.members.clone());
        // Slices are written before the state that they are for.
        let state = match &told {
            Told::Slice(_) => self.history.state(self.history.commits()),
            _ => state,
        };
        self.history.0.push(Commit { told, state, there: self.there.clone() });
    }
}

fn bucket(id: &str, buckets: u16) -> u16 {
    bucket_of(&Id::from(id), buckets)
}
