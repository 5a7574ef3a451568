//! Simpler wordings that look right, each in a scenario that is small enough to be read. Under each rule
//! stand the ways to leave it out or to soften it, and what comes of them.

use super::{
    job::Job::{Change, Create, CreateOther, Delete, Fold, Janitor, Rename, Sweep},
    object::Name::{A, B},
    people::{
        ALICE, BOB, CAROL,
        Change::{Add, Remove, Replace},
    },
    promise::Promise::*,
    scenario::{Scenario, group, no_group},
    variant::Variant::*,
};

/// Somebody adds a member, somebody else folds, and a sweep comes by.
fn fold_and_sweep() -> Scenario {
    group().first(Change(Add(BOB))).second(Fold).janitor(Sweep)
}

/// A rename, and somebody who adds a member meanwhile.
fn rename_and_add() -> Scenario {
    group().first(Rename(B)).second(Change(Add(BOB)))
}

/// A rename, and somebody who deletes the group meanwhile.
fn rename_and_delete() -> Scenario {
    group().first(Rename(B)).second(Delete)
}

/// A group is created.
fn create() -> Scenario {
    no_group().first(Create(A, ALICE))
}

cases! {
    // A write starts from a loaded state.
    fn a_member_who_is_added_to_slices_that_are_not_there_is_not_shown() {
        group()
            .first(Change(Add(BOB)))
            .second(Change(Replace(BOB.and(CAROL))))
            .first(Change(Add(CAROL)))
            .recent_limit(2)
            .worded(WriteUnloaded)
            .breaks(OwnWritesShown)
    }

    // "Nothing to change" found in the index is still sent.
    fn an_add_that_is_skipped_on_a_stale_replica_is_lost() {
        group()
            .first(Change(Remove(ALICE)))
            .second(Change(Add(ALICE)))
            .worded(SkipWhatTheIndexHas)
            .breaks(NothingLost)
    }

    // After a definite Conflict: read again, compute again, with new slices.
    fn slices_of_a_failed_attempt_are_swept_before_another_attempt_names_them() {
        fold_and_sweep().worded(ReuseSlices).breaks(SlicesThere)
    }

    // After an unknown outcome: never applied again.
    fn a_change_that_is_applied_again_undoes_what_came_in_between() {
        group()
            .first(Change(Add(BOB)))
            .second(Change(Remove(BOB)))
            .lost_answers(1)
            .worded(ApplyAgain)
            .breaks(NothingUndone)
    }

    // The index takes an object only if it is newer; own results enter at once; deletes enter by watch alone.
    fn an_index_that_takes_older_objects_goes_back() {
        group()
            .first(Change(Add(BOB)))
            .first(Change(Remove(ALICE)))
            .recent_limit(2)
            .looks(2)
            .worded(TakeOlderObjects)
            .breaks(NeverBack)
    }
    fn a_list_that_was_made_before_a_write_takes_it_back() {
        create().relists(1).worded(ForgetWhatAListLacks).breaks(OnlyCommittedShown)
    }
    fn an_answer_that_the_watch_is_past_brings_a_deleted_group_back() {
        group()
            .first(Change(Add(BOB)))
            .second(Delete)
            .late_answers(1)
            .looks(1)
            .worded(RememberWhatIsPast)
            .breaks(NeverBack)
    }
    fn a_reservation_in_the_index_takes_the_place_of_the_group() {
        group()
            .first(Rename(B))
            .second(Rename(A))
            .after(0)
            .worded(RememberReservations)
            .breaks(OnlyCommittedShown)
    }
    fn a_replica_that_learns_of_its_own_writes_by_the_watch_does_not_show_them() {
        group().first(Change(Add(BOB))).worded(LearnOwnWritesByWatch).breaks(OwnWritesShown)
    }
    fn an_index_that_drops_what_its_process_deleted_shows_no_group_during_a_rename() {
        group().first(Rename(B)).second(Janitor).worded(ForgetOwnDeletes).breaks(OnlyCommittedShown)
    }

    // Every delete carries uid and resourceVersion.
    fn a_delete_by_name_leaves_the_group_under_its_new_name() {
        rename_and_delete().worded(DeleteByName).breaks(NothingUndone)
    }
    fn a_delete_by_uid_leaves_the_group_to_a_rename_that_goes_on() {
        rename_and_delete().worded(DeleteByUid).breaks(NothingUndone)
    }

    // On 404 the id is looked up by quorum before anything is answered.
    fn a_replica_that_lags_answers_not_found_for_a_group_that_is_there() {
        create().second(Change(Add(BOB))).after(0).worded(NotFoundFromTheIndex).breaks(ErrorsTrue)
    }
    fn a_delete_that_trusts_a_404_leaves_the_group_under_its_new_name() {
        rename_and_delete().worded(TrustMissing).breaks(NothingLost)
    }

    // Of several objects of one id, never counting reserved or creating ones, the newest counts.
    fn a_change_to_a_reservation_is_a_change_to_nothing() {
        rename_and_add().worded(CountReservations).breaks(NothingUndone)
    }
    fn a_group_that_is_being_created_has_no_members_yet() {
        create().second(Change(Add(BOB))).worded(CountCreating).breaks(NothingUndone)
    }
    fn a_replica_that_counts_the_unmarked_object_misses_its_own_write_behind_a_stale_one() {
        rename_and_add().worded(CountTheUnmarked).breaks(OwnWritesShown)
    }

    // A rename: reserve, mark, activate, delete.
    fn a_plain_create_and_delete_brings_a_deleted_group_back() {
        rename_and_delete().worded(CreateAndDelete).breaks(NothingUndone)
    }
    fn a_plain_create_and_delete_that_stops_half_way_leaves_two_objects() {
        group().first(Rename(B)).crashes(1).worded(CreateAndDelete).breaks(OneObject)
    }
    fn a_mark_before_the_copy_brings_a_deleted_group_back() {
        rename_and_delete().worded(MarkAndCopy).breaks(NothingUndone)
    }

    // 1: AlreadyExists is 409 only for a visible object of another id.
    fn two_renames_to_one_name_are_told_that_somebody_else_has_it() {
        group().first(Rename(B)).second(Rename(B)).worded(AlreadyExistsIsTaken).breaks(ErrorsTrue)
    }
    fn whoever_meets_a_group_that_is_being_created_is_told_that_it_is_there() {
        create().second(CreateOther(A)).worded(AlreadyExistsIsTaken).breaks(ErrorsTrue)
    }

    // 2: the mark names the reservation's uid, at exactly the copied resourceVersion.
    fn a_change_between_copy_and_mark_is_lost() {
        rename_and_add().worded(MarkAnyVersion).breaks(NothingLost)
    }
    fn a_mark_by_name_takes_another_group_for_the_renamed_one() {
        group()
            .first(Rename(B))
            .second(CreateOther(B))
            .janitor(Janitor)
            .worded(MarkByName)
            .breaks(NothingLost)
    }
    fn a_change_to_a_marked_object_is_lost() {
        rename_and_add().worded(WriteToMarked).breaks(NothingLost)
    }

    // 3: activated by resourceVersion.
    fn a_slow_activation_overwrites_what_came_after_a_faster_one() {
        rename_and_add().worded(ActivateAnyVersion).breaks(NothingLost)
    }

    // Whoever meets a marked object reads its target: forward where it is there, unmarked where it is not.
    fn a_marked_object_that_is_deleted_unseen_is_the_last_one() {
        rename_and_add().worded(TrustMarks).breaks(NothingLost)
    }
    fn a_rename_that_is_rolled_back_goes_on_all_the_same() {
        rename_and_add().worded(RollBack).breaks(NothingUndone)
    }

    // A reservation that no mark names is deleted by resourceVersion.
    fn a_reservation_that_is_deleted_by_uid_has_been_activated_meanwhile() {
        group().first(Rename(B)).janitor(Janitor).worded(DropReservationByUid).breaks(NothingUndone)
    }
    fn a_reservation_that_nobody_deletes_holds_its_name_for_good() {
        group().first(Rename(B)).crashes(1).worded(LeaveReservations).breaks(NothingHalfDone)
    }

    // Before a renamed object is deleted or renamed again, its predecessor is deleted by uid.
    fn a_predecessor_that_is_forgotten_shows_again_after_a_delete() {
        rename_and_delete().crashes(1).worded(ForgetPredecessor).breaks(NothingUndone)
    }
    fn a_predecessor_that_is_deleted_by_version_has_been_marked_since() {
        rename_and_delete().crashes(1).worded(DropPredecessorByVersion).breaks(NothingUndone)
    }
    fn a_predecessor_that_is_deleted_by_name_is_another_group_by_now() {
        rename_and_delete().second(CreateOther(A)).worded(DropPredecessorByName).breaks(OthersUntouched)
    }

    // Deleting hides an id at once.
    fn whoever_deleted_a_group_shows_it_until_the_watch_tells() {
        group().first(Delete).worded(ShowOwnDeletes).breaks(OwnWritesShown)
    }

    // Every membership change is one write of the group object, with its resourceVersion.
    fn a_change_of_any_version_overwrites_another() {
        group()
            .first(Change(Add(BOB)))
            .second(Change(Remove(ALICE)))
            .worded(CommitAnyVersion)
            .breaks(NothingLost)
    }

    // Slices have no owner references.
    fn garbage_collection_takes_the_slices_of_a_renamed_group() {
        group().first(Rename(B)).worded(OwnSlices).breaks(SlicesThere)
    }

    // A manifest counts once all its slices are there; until then the state before.
    fn a_manifest_with_missing_slices_shows_fewer_members() {
        group()
            .first(Change(Replace(BOB.and(CAROL))))
            .looks(1)
            .worded(ShowPartialManifest)
            .breaks(OnlyCommittedShown)
    }
    fn a_group_whose_slices_are_not_there_after_a_start_is_not_absent() {
        group().first(Change(Add(BOB))).looks(1).crashes(1).worded(ShowNothingAfterStart).breaks(OnlyCommittedShown)
    }
    fn a_deleted_slice_that_is_forgotten_leaves_the_shown_group_without_its_members() {
        group()
            .first(Change(Replace(CAROL)))
            .janitor(Sweep)
            .looks(1)
            .worded(ForgetDeletedSlices)
            .breaks(OnlyCommittedShown)
    }

    // Creation: the object first, slices, then the commit; the janitor deletes what stays, by resourceVersion.
    fn slices_that_come_before_their_object_are_swept() {
        create().janitor(Sweep).worded(CreateSlicesFirst).breaks(SlicesThere)
    }
    fn a_half_created_group_that_nobody_deletes_holds_its_name_for_good() {
        create().crashes(1).worded(LeaveCreating).breaks(NothingHalfDone)
    }
    fn a_creating_object_that_is_deleted_by_uid_has_been_committed_meanwhile() {
        create().janitor(Janitor).worded(DropCreatingByUid).breaks(NothingLost)
    }

    // Sweeping: list slices, then the objects by quorum; a real change by resourceVersion; then delete.
    fn a_sweep_that_lists_objects_first_deletes_slices_that_came_later() {
        create().janitor(Sweep).worded(SweepObjectsFirst).breaks(SlicesThere)
    }
    fn a_sweep_that_goes_by_a_stale_index_deletes_slices_of_a_group_it_does_not_know() {
        create().janitor(Sweep).worded(SweepFromTheIndex).breaks(SlicesThere)
    }
    fn a_sweep_without_an_increment_deletes_what_a_slow_fold_then_names() {
        fold_and_sweep().worded(SweepWithoutIncrement).breaks(SlicesThere)
    }
    fn a_sweep_by_an_empty_update_deletes_what_a_slow_fold_then_names() {
        fold_and_sweep().worded(SweepByEmptyUpdate).breaks(SlicesThere)
    }
    fn a_sweep_that_increments_any_version_deletes_what_a_fold_has_named() {
        fold_and_sweep().worded(SweepAnyVersion).breaks(SlicesThere)
    }
    fn a_sweep_during_a_rename_makes_the_old_object_the_newest() {
        rename_and_add().second(Fold).after(1).janitor(Sweep).worded(SweepDuringRename).breaks(NothingUndone)
    }
    fn slices_without_any_object_that_are_left_stay_for_good() {
        create().crashes(1).worded(LeaveOrphans).breaks(NothingHalfDone)
    }
}
