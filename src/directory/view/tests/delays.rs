//! Watches of groups and of slices that are delayed against each other, in every order: whoever reads sees one
//! committed state after the other, and never anything else. What must hold after each step is in [`Reader`].

use proptest::{collection::vec, prelude::*};

use super::*;
use samples::{
    history::{Deed, History, Server, a_life},
    reader::{Kind, Reader, Step, a_step},
};

const KINDS: [Kind; 2] = [Kind::Groups, Kind::Slices];

/// Histories that are short enough for every order to be tried.
fn short_histories() -> [History; 5] {
    [
        &[Deed::Create, Deed::Relay(2), Deed::Change(&["eve"]), Deed::Fold][..],
        &[Deed::CreateLarge(2), Deed::Replace(1, &["eve"]), Deed::Sweep],
        &[Deed::CreateLarge(1), Deed::Rename, Deed::Change(&["ann", "eve"]), Deed::Fold],
        &[Deed::CreateLarge(1), Deed::Relay(1), Deed::Inline, Deed::Sweep],
        &[Deed::Create, Deed::Relay(1), Deed::Relay(1), Deed::Delete],
    ]
    .map(Server::history)
}

/// All orders in which two watches can tell so many events.
fn orders(events: [usize; 2]) -> Vec<Vec<Step>> {
    if events == [0, 0] {
        return vec![Vec::new()];
    }
    let ending_with = |kind: Kind| {
        let mut before = events;
        let left = before[kind as usize].checked_sub(1);
        before[kind as usize] = left.unwrap_or_default();
        let orders = left.map(|_| orders(before)).unwrap_or_default().into_iter();
        orders.map(move |order| [order, vec![Step::Event(kind)]].concat())
    };
    KINDS.into_iter().flat_map(ending_with).collect()
}

/// Everything that can happen to a reader who begins with lists of what is there after so many commits.
fn lives(history: &History, lists: [usize; 2]) -> impl Iterator<Item = Vec<Step>> {
    let first = KINDS.map(|kind| Step::List(kind, lists[kind as usize]));
    let events = KINDS.map(|kind| history.events_after(lists[kind as usize], kind));
    orders(events).into_iter().map(move |order| [first.to_vec(), order].concat())
}

fn live(history: &History, steps: impl IntoIterator<Item = Step>) {
    let mut reader = Reader::new(history, Directory::default());
    for step in steps {
        reader.take(step);
    }
    assert!(reader.is_current());
}

#[test]
fn whenever_a_reader_begins_and_whichever_watch_is_behind_it_sees_committed_states_alone() {
    for history in short_histories() {
        for groups in 0..=history.commits() {
            for slices in 0..=history.commits() {
                for mut steps in lives(&history, [groups, slices]) {
                    live(&history, steps.iter().copied());
                    steps.swap(0, 1);
                    live(&history, steps);
                }
            }
        }
    }
}

/// A watch that breaks begins again with a list, which holds what is there by then.
#[test]
fn a_new_list_at_any_moment_changes_nothing_of_that() {
    for history in short_histories() {
        let lists = KINDS.map(|kind| {
            let told = (1..=history.commits()).filter(|commits| history.is_of(*commits, kind));
            told.map(|commits| Step::List(kind, commits)).collect::<Vec<_>>()
        });
        let lists = lists.concat();
        for steps in lives(&history, [0, 0]) {
            for (place, list) in
                (2..=steps.len()).flat_map(|place| lists.iter().map(move |list| (place, list)))
            {
                let (before, after) = steps.split_at(place);
                live(&history, before.iter().chain([list]).chain(after).copied());
            }
        }
    }
}

/// Nor do slices that were read by name, however late the answer comes.
#[test]
fn slices_that_are_fetched_at_any_moment_change_nothing_of_that() {
    for history in short_histories() {
        for steps in lives(&history, [0, 0]) {
            for asked in 2..=steps.len() {
                for answered in asked..=steps.len() {
                    let (before, after) = steps.split_at(asked);
                    let (between, after) = after.split_at(answered - asked);
                    for commits in [0, history.commits()] {
                        let ask = [Step::Ask(commits)];
                        let steps =
                            before.iter().chain(&ask).chain(between).chain(&[Step::Answer]).chain(after);
                        live(&history, steps.copied());
                    }
                }
            }
        }
    }
}

proptest! {
    #[test]
    fn nor_does_anything_else_that_happens_in_a_long_life(
        history in a_life(), lists in (0..60_usize, 0..60_usize), steps in vec(a_step(), 0..80),
    ) {
        let first = [Step::List(Kind::Slices, lists.0), Step::List(Kind::Groups, lists.1)];
        let rest = KINDS.into_iter().flat_map(|kind| vec![Step::Event(kind); history.commits()]);
        live(&history, first.into_iter().chain(steps).chain(rest));
    }
}
