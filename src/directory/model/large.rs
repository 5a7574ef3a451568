//! The protocols as they are worded, in scenarios that take minutes, or more than anybody waits for:
//! `make model`.

use super::{
    job::Job::{Change, CreateOther, Delete, DeleteOther, Fold, Janitor, Rename, RenameWith, Sweep},
    object::Name::{A, B, C},
    people::{
        ALICE, BOB, CAROL,
        Change::{Add, Remove, Replace},
    },
    scenario::{group, group_and_other},
};

cases! {
    fn readers_of_a_group_that_is_replaced_and_swept_see_the_members_before_or_after() {
        group()
            .first(Change(Add(BOB)))
            .second(Change(Replace(BOB.and(CAROL))))
            .janitor(Sweep)
            .looks(2)
    }
    fn readers_see_the_members_before_or_after_though_everything_happens_to_slices() {
        group()
            .first(Change(Add(BOB)))
            .second(Change(Replace(BOB.and(CAROL))))
            .janitor(Fold)
            .janitor(Sweep)
            .looks(2)
            .crashes(1)
    }
    fn three_changes_survive_a_fold_and_a_sweep() {
        group()
            .first(Change(Add(BOB)))
            .second(Change(Remove(BOB)))
            .first(Change(Add(CAROL)))
            .janitor(Fold)
            .janitor(Sweep)
    }
    fn a_renamed_group_keeps_its_slices_through_folds_sweeps_and_a_crash() {
        group().first(Rename(B)).second(Fold).second(Change(Add(BOB))).janitor(Sweep).crashes(1)
    }
    fn a_rename_survives_changes_a_fold_a_sweep_and_a_delete() {
        group()
            .first(Rename(B))
            .second(Change(Add(BOB)))
            .janitor(Fold)
            .janitor(Sweep)
            .second(Delete)
            .crashes(1)
    }
    fn a_rename_a_change_and_a_delete_at_once_survive_a_crash() {
        group().first(Rename(B)).second(Change(Add(BOB))).second(Delete).janitor(Janitor).crashes(1)
    }
    fn a_rename_and_a_delete_survive_a_crash_and_a_lost_answer() {
        group().first(Rename(B)).second(Delete).janitor(Janitor).crashes(1).lost_answers(1)
    }
    fn a_rename_and_a_change_survive_a_crash_and_a_lost_answer() {
        group().first(Rename(B)).second(Change(Add(BOB))).janitor(Janitor).crashes(1).lost_answers(1)
    }
    fn a_rename_that_changes_members_survives_a_crash_and_a_lost_answer() {
        group()
            .first(RenameWith(B, Add(BOB)))
            .second(Change(Remove(ALICE)))
            .janitor(Janitor)
            .recent_limit(2)
            .crashes(1)
            .lost_answers(1)
    }
    fn two_renames_survive_a_crash_and_a_lost_answer() {
        group().first(Rename(B)).second(Rename(C)).janitor(Janitor).crashes(1).lost_answers(1)
    }
    fn two_renames_to_one_name_survive_a_crash() {
        group().first(Rename(B)).second(Rename(B)).janitor(Janitor).crashes(1)
    }
    fn two_renames_and_a_delete_survive_a_crash() {
        group().first(Rename(B)).second(Rename(C)).second(Delete).janitor(Janitor).crashes(1)
    }
    fn a_rename_and_a_rename_back_at_once_survive_a_crash() {
        group().first(Rename(B)).second(Rename(A)).second(Change(Add(BOB))).janitor(Janitor).crashes(1)
    }
    fn a_rename_takes_the_name_of_a_group_that_goes_while_members_change() {
        group_and_other(B)
            .first(Rename(B))
            .second(DeleteOther(B))
            .second(Change(Add(BOB)))
            .janitor(Janitor)
            .crashes(1)
    }
    fn a_watch_may_begin_anew_while_a_group_is_renamed_and_deleted() {
        group().first(Rename(B)).first(Change(Add(BOB))).second(Delete).looks(1).relists(1)
    }
    fn the_old_name_of_a_renamed_and_deleted_group_goes_to_another_one() {
        group()
            .first(Rename(B))
            .second(Delete)
            .second(CreateOther(A))
            .janitor(Janitor)
            .crashes(1)
            .lost_answers(1)
    }
    fn readers_of_a_renamed_group_see_every_commit_in_order() {
        group().first(Rename(B)).second(Change(Add(BOB))).looks(3).crashes(1).lost_answers(1)
    }
    fn readers_of_a_renamed_group_see_every_commit_in_order_though_answers_are_late() {
        group().first(Rename(B)).second(Change(Add(BOB))).second(Change(Remove(ALICE))).looks(2).late_answers(2)
    }
}
