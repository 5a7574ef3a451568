//! The protocols as they are worded, in scenarios that are explored in full within a second.

use super::{
    job::Job::{Change, Create, CreateOther, Delete, DeleteOther, Fold, Janitor, Rename, RenameWith, Sweep},
    object::Name::{A, B, C},
    people::{
        ALICE, BOB, CAROL,
        Change::{Add, Remove, Replace},
    },
    scenario::{group, group_and_other, no_group},
    variant::Variant::SweepDuringCreation,
};

cases! {
    // Members.
    fn opposite_changes_on_two_replicas_survive_a_crash_and_a_lost_answer() {
        group()
            .first(Change(Remove(ALICE)))
            .second(Change(Add(ALICE)))
            .crashes(1)
            .lost_answers(1)
            .looks(1)
    }
    fn changes_survive_a_fold_a_sweep_and_a_crash() {
        group()
            .first(Change(Add(BOB)))
            .second(Change(Remove(ALICE)))
            .janitor(Fold)
            .janitor(Sweep)
            .crashes(1)
    }
    fn changes_survive_a_fold_a_sweep_and_a_lost_answer() {
        group()
            .first(Change(Add(BOB)))
            .second(Change(Remove(ALICE)))
            .janitor(Fold)
            .janitor(Sweep)
            .recent_limit(2)
            .lost_answers(1)
    }
    fn readers_of_a_group_that_is_folded_and_swept_see_its_members_throughout() {
        group().first(Change(Add(BOB))).second(Fold).janitor(Sweep).looks(3).crashes(1)
    }
    fn readers_of_a_group_that_is_replaced_see_the_members_before_or_after() {
        group().first(Change(Add(BOB))).second(Change(Replace(BOB.and(CAROL)))).looks(2).crashes(1)
    }
    fn a_watch_may_begin_anew_with_a_list_that_is_older_than_a_write() {
        group().first(Change(Add(BOB))).second(Delete).looks(1).relists(1)
    }
    fn an_answer_may_be_late_and_find_the_group_deleted() {
        group().first(Change(Add(BOB))).second(Delete).late_answers(1).looks(2)
    }
    fn an_answer_may_be_late_and_find_the_group_folded() {
        group()
            .first(Change(Add(BOB)))
            .second(Change(Replace(BOB.and(CAROL))))
            .second(Fold)
            .late_answers(1)
            .looks(1)
    }

    // Renames.
    fn a_rename_and_a_change_are_both_there_after_a_crash() {
        group().first(Rename(B)).second(Change(Add(BOB))).janitor(Janitor).crashes(1)
    }
    fn a_rename_that_changes_members_is_there_with_its_change_or_not_at_all() {
        group()
            .first(RenameWith(B, Add(BOB)))
            .second(Change(Remove(ALICE)))
            .janitor(Janitor)
            .recent_limit(2)
            .crashes(1)
    }
    fn a_rename_and_a_change_are_both_there_after_a_lost_answer() {
        group().first(Rename(B)).second(Change(Add(BOB))).janitor(Janitor).lost_answers(1)
    }
    fn a_group_that_is_deleted_during_a_rename_stays_deleted_after_a_crash() {
        group().first(Rename(B)).second(Delete).janitor(Janitor).crashes(1)
    }
    fn a_group_that_is_deleted_during_a_rename_stays_deleted_after_a_lost_answer() {
        group().first(Rename(B)).second(Delete).janitor(Janitor).lost_answers(1)
    }
    fn two_renames_at_once_leave_one_object() {
        group().first(Rename(B)).second(Rename(C)).crashes(1)
    }
    fn two_renames_to_one_name_leave_one_object() {
        group().first(Rename(B)).second(Rename(B)).crashes(1)
    }
    fn a_group_that_is_renamed_and_renamed_back_keeps_its_members() {
        group().first(Rename(B)).second(Rename(A)).after(0).second(Change(Add(BOB))).crashes(1)
    }
    fn a_group_that_is_renamed_twice_and_then_deleted_is_gone() {
        group().first(Rename(B)).second(Rename(C)).second(Delete).after(1)
    }
    fn readers_see_a_group_under_one_name_while_it_is_renamed() {
        group().first(Rename(B)).second(Change(Add(BOB))).looks(2).crashes(1)
    }
    fn an_answer_to_a_rename_may_be_late() {
        group().first(Rename(B)).second(Change(Add(BOB))).late_answers(1).looks(1)
    }
    fn a_renamed_group_keeps_its_slices_through_folds_and_sweeps() {
        group().first(Rename(B)).second(Change(Add(BOB))).second(Fold).after(1).janitor(Sweep)
    }

    // Names that two groups want.
    fn a_rename_and_a_creation_of_one_name_end_with_one_holder() {
        group().first(Rename(B)).second(CreateOther(B)).janitor(Janitor).crashes(1).lost_answers(1)
    }
    fn a_new_group_is_there_though_a_watch_begins_anew() {
        no_group().first(Create(A, ALICE)).first(Rename(B)).after(0).second(Change(Add(BOB))).relists(1)
    }
    fn a_rename_takes_a_name_that_another_group_leaves() {
        group_and_other(B).first(Rename(B)).second(DeleteOther(B)).janitor(Janitor).crashes(1)
    }
    fn the_old_name_of_a_group_goes_to_another_one() {
        group().first(Rename(B)).second(Delete).second(CreateOther(A))
    }

    // Creation.
    fn a_group_is_created_whole_or_not_at_all() {
        no_group()
            .first(Create(A, ALICE.and(BOB)))
            .janitor(Sweep)
            .janitor(Janitor)
            .second(CreateOther(A))
            .crashes(1)
            .lost_answers(1)
    }
    fn a_new_group_takes_members_as_soon_as_it_is_there() {
        no_group().first(Create(A, ALICE.and(BOB))).second(Change(Add(CAROL))).janitor(Janitor).looks(1)
    }

    // A rule that spares work, and that no promise needs.
    fn a_sweep_during_a_creation_would_only_be_in_its_way() {
        no_group()
            .first(Create(A, ALICE.and(BOB)))
            .janitor(Sweep)
            .janitor(Janitor)
            .crashes(1)
            .worded(SweepDuringCreation)
    }
}
