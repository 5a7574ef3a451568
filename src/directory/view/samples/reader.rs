//! Somebody who watches a group and its slices, each with a delay of its own.

use std::collections::BTreeSet;

use proptest::{prelude::*, sample::select};

use super::history::{GROUP, History, State, Told};
use crate::directory::view::{Change, Directory, Entry, Epoch, GroupObject, Id, ProviderView, SliceObject};

/// What reaches a reader next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The next event of a watch.
    Event(Kind),
    /// A new list, of what is there after so many commits.
    List(Kind, usize),
    /// Missing slices are asked for by name, and where one is gone, the group again: after so many commits.
    Ask(usize),
    /// What the API server said.
    Answer,
}

/// Any step, mostly an event.
pub fn a_step() -> impl Strategy<Value = Step> {
    let kind = || select(&[Kind::Groups, Kind::Slices][..]);
    prop_oneof![
        20 => kind().prop_map(Step::Event),
        1 => (kind(), 0..60_usize).prop_map(|(kind, commits)| Step::List(kind, commits)),
        2 => (0..60_usize).prop_map(Step::Ask),
        2 => Just(Step::Answer),
    ]
}

/// Which of the two watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// That of groups.
    Groups,
    /// That of slices.
    Slices,
}

/// Somebody who watches.
pub struct Reader<'h> {
    history: &'h History,
    directory: Directory,
    /// How many commits each watch has told of; `None` before its first list.
    told: [Option<usize>; 2],
    /// After how many commits the newest state was that has been seen.
    seen: Option<usize>,
    answers: Vec<Answer>,
}

/// What the API server said of what a group lacks.
struct Answer {
    slices: Vec<SliceObject>,
    group: Option<GroupObject>,
    epoch: Epoch,
}

impl<'h> Reader<'h> {
    /// One to whom nothing has been told of the group. `directory` may hold other things.
    pub fn new(history: &'h History, directory: Directory) -> Self {
        Self { history, directory, told: [None; 2], seen: None, answers: Vec::new() }
    }

    /// The index.
    pub fn directory(&self) -> &Directory {
        &self.directory
    }

    /// Up to where a watch has come.
    pub fn told(&self, kind: Kind) -> Option<usize> {
        self.told[kind as usize]
    }

    /// Up to where either has come.
    pub fn newest(&self) -> usize {
        self.told.into_iter().flatten().max().unwrap_or_default()
    }

    /// Whether both have told everything.
    pub fn is_current(&self) -> bool {
        let is_current =
            |kind| self.told(kind).is_some_and(|told| self.history.events_after(told, kind) == 0);
        is_current(Kind::Groups) && is_current(Kind::Slices)
    }

    /// How many groups cannot be read.
    pub fn unreadable(&self) -> usize {
        self.directory.doubtful_groups()
    }

    /// Whether everything is known that was there at some moment.
    pub fn is_synced(&self) -> bool {
        self.told.iter().all(Option::is_some) && !self.directory.awaits_unknown_groups()
    }

    /// Takes a step, and holds what is to be seen against what was committed.
    pub fn take(&mut self, step: Step) -> Vec<Change> {
        let changes = match step {
            Step::Event(kind) => self.event(kind),
            Step::List(kind, commits) => self.list(kind, commits),
            Step::Ask(commits) => self.ask(commits),
            Step::Answer => self.answer(),
        };
        self.check();
        changes
    }

    /// What is to be seen: after how many commits that was, and who is in the group. `None` while nothing is.
    pub fn sees(&self) -> Option<(usize, BTreeSet<String>)> {
        let group = self.view()?.group(&GROUP.into())?;
        let members = group.members().iter().map(Id::to_string).collect();
        Some((self.history.when(group.object().resource_version), members))
    }

    fn event(&mut self, kind: Kind) -> Vec<Change> {
        let Some(told) = &mut self.told[kind as usize] else { return Vec::new() };
        while *told < self.history.commits() {
            *told += 1;
            let change = match (&self.history.at(*told).unwrap().told, kind) {
                (Told::Group(group), Kind::Groups) => self.directory.apply_group(group.clone()),
                (Told::GroupGone(group), Kind::Groups) => self.directory.delete_group(group),
                (Told::Slice(slice), Kind::Slices) => self.directory.apply_slice(slice.clone()),
                (Told::SliceGone(slice), Kind::Slices) => {
                    self.directory.delete_slice(&slice.provider, &slice.slice);
                    None
                }
                _ => continue,
            };
            return change.into_iter().collect();
        }
        Vec::new()
    }

    fn list(&mut self, kind: Kind, commits: usize) -> Vec<Change> {
        let told = &mut self.told[kind as usize];
        *told = Some(commits.max(told.unwrap_or_default()).min(self.history.commits()));
        let there = self.history.there(told.unwrap_or_default());
        match kind {
            Kind::Groups => {
                self.directory.begin_groups();
                self.directory.reset_groups(there.groups.into_values().collect::<Vec<_>>())
            }
            Kind::Slices => self.directory.reset_slices(there.slices.into_values().collect()),
        }
    }

    /// By the protocol no slice is nowhere that a group names.
    fn ask(&mut self, commits: usize) -> Vec<Change> {
        let there = self.history.there(commits.max(self.newest()).min(self.history.commits()));
        for group in self.directory.incomplete_groups() {
            let found = group.missing.iter().filter_map(|slice| there.slices.get(&slice.name()));
            let slices: Vec<_> = found.cloned().collect();
            let object = group.object.object();
            let again = there.groups.get(&*object.name).filter(|_| slices.len() < group.missing.len());
            assert_ne!(again.map(Entry::object), Some(object), "a slice that is named is nowhere");
            let epoch = self.directory.groups_epoch();
            self.answers.push(Answer { slices, group: again.cloned(), epoch });
        }
        Vec::new()
    }

    fn answer(&mut self) -> Vec<Change> {
        let mut changes = Vec::new();
        for Answer { slices, group, epoch } in std::mem::take(&mut self.answers) {
            changes.extend(slices.into_iter().filter_map(|slice| self.directory.apply_fetched_slice(slice)));
            changes.extend(group.and_then(|group| self.directory.apply_written_group(group, epoch)));
        }
        changes
    }

    fn check(&mut self) {
        let is_unknown = self.view().is_some_and(|view| view.is_unknown_group(&GROUP.into()));
        match self.sees() {
            Some((when, members)) => {
                let committed = self.history.state(when).expect("a state that readers may see");
                assert!(
                    committed.iter().copied().eq(members.iter().map(String::as_str)),
                    "{members:?} at {when}"
                );
                assert!(self.seen <= Some(when), "it was {:?} already, and is {when} again", self.seen);
                self.seen = Some(when);
            }
            None if is_unknown => assert_eq!(self.seen, None, "it is unknown after it was seen"),
            None => self.check_absence(),
        }
        if self.is_current() {
            self.check_end();
        }
    }

    /// There must be no group at some moment that the watch of groups has told of, and none that was seen after it.
    fn check_absence(&mut self) {
        let Some(told) = self.told(Kind::Groups) else { return };
        let absent =
            (self.seen.unwrap_or_default()..=told).rev().find(|when| self.history.state(*when).is_none());
        assert!(absent.is_some(), "a group that is there was taken for absent");
        self.seen = self.seen.and(absent);
    }

    fn check_end(&self) {
        let last: State = self.history.state(self.history.commits());
        let seen = self.sees().map(|(_, members)| members);
        assert_eq!(seen, last.map(|members| members.into_iter().map(str::to_owned).collect()));
        assert_eq!(self.directory.doubtful_groups(), 0);
        let held = self.view().map_or(0, ProviderView::slices);
        assert_eq!(
            held,
            self.history.there(self.history.commits()).slices.len(),
            "no slice is held for nothing"
        );
    }

    fn view(&self) -> Option<&ProviderView> {
        self.directory.provider("okta")
    }
}
