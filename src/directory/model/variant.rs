use std::cmp::Reverse;

use super::object::Object;

/// The protocol as it is worded, or with one rule worded more simply.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wording(pub Option<Variant>);

impl Wording {
    pub fn is(self, variant: Variant) -> bool {
        self.0 == Some(variant)
    }

    /// Of several objects of one id, the one that counts.
    pub fn current(self, objects: &[Object]) -> Option<Object> {
        let counts = |object: &&Object| {
            (!object.spec.reserved || self.is(Variant::CountReservations))
                && (!object.spec.creating || self.is(Variant::CountCreating))
        };
        let counting = objects.iter().filter(counts);
        if self.is(Variant::CountTheUnmarked) {
            return counting.max_by_key(|object| (!object.is_marked(), Reverse(object.name))).copied();
        }
        counting.max_by_key(|object| object.version).copied()
    }
}

/// Simpler wordings that look right. Each leaves one rule out, or softens it; what comes of it is in
/// `breaks.rs`, beside a scenario that is small enough to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variant {
    // Writing at all.
    /// "Nothing to change" found in the index is acknowledged without a write.
    SkipWhatTheIndexHas,
    /// A member is added to `recent` without the slices of the group being there.
    WriteUnloaded,
    /// After a Conflict the next attempt names the slices of the one before.
    ReuseSlices,
    /// After an unknown outcome the change is applied again.
    ApplyAgain,
    /// A membership change carries no resourceVersion.
    CommitAnyVersion,
    /// The index takes whatever arrives last.
    TakeOlderObjects,
    /// After a complete list the index holds nothing that is not in it.
    ForgetWhatAListLacks,
    /// An answer enters the index though the watch is past it.
    RememberWhatIsPast,
    /// A reservation enters the index of its writer at once.
    RememberReservations,
    /// What a process writes enters its index by the watch.
    LearnOwnWritesByWatch,
    /// The index drops an object as soon as this process has deleted it.
    ForgetOwnDeletes,
    /// Who deleted a group shows it until the watch tells.
    ShowOwnDeletes,
    /// An object is deleted by its name alone.
    DeleteByName,
    /// An object is deleted by its uid alone.
    DeleteByUid,
    /// What the index does not hold is answered 404.
    NotFoundFromTheIndex,
    /// A delete that meets 404 says that the group is gone.
    TrustMissing,
    /// A reservation counts as the group.
    CountReservations,
    /// An object that is being created counts as the group.
    CountCreating,
    /// Of several objects the unmarked one counts, whatever its resourceVersion.
    CountTheUnmarked,

    // Renames.
    /// Create the new, delete the old.
    CreateAndDelete,
    /// Mark the old one, create the new one as a copy, delete the old.
    MarkAndCopy,
    /// AlreadyExists is 409, whoever holds the name.
    AlreadyExistsIsTaken,
    /// The mark is set at whatever version the old object has.
    MarkAnyVersion,
    /// The mark names the new object by its name alone.
    MarkByName,
    /// The reservation is activated at whatever version it has.
    ActivateAnyVersion,
    /// Whoever meets a marked object goes on writing to it.
    WriteToMarked,
    /// Whoever meets a marked object deletes it, without a look at its target.
    TrustMarks,
    /// Whoever meets a marked object whose target is reserved unmarks it.
    RollBack,
    /// A reservation that no mark names is deleted by its uid alone.
    DropReservationByUid,
    /// Nobody deletes reservations that no mark names.
    LeaveReservations,
    /// A renamed object is deleted or renamed again without a look at its predecessor.
    ForgetPredecessor,
    /// The predecessor is deleted by its name alone.
    DropPredecessorByName,
    /// The predecessor is deleted by the resourceVersion that was copied.
    DropPredecessorByVersion,

    // Groups of any size.
    /// A manifest counts while some of its slices are missing.
    ShowPartialManifest,
    /// Right after a start a group whose slices are not there yet is absent.
    ShowNothingAfterStart,
    /// A deleted slice is forgotten, whoever names it.
    ForgetDeletedSlices,
    /// Slices are owned by the object that names them, and garbage collection takes them with it.
    OwnSlices,
    /// The slices of a new group first, then the object that names them.
    CreateSlicesFirst,
    /// Nobody deletes what stayed half created.
    LeaveCreating,
    /// What stayed half created is deleted by its uid alone.
    DropCreatingByUid,
    /// Slices of an id without any object stay.
    LeaveOrphans,
    /// A sweep goes by the manifest in the index.
    SweepFromTheIndex,
    /// A sweep looks at the objects first, and lists slices then.
    SweepObjectsFirst,
    /// A sweep deletes what is not named, and leaves the object as it is.
    SweepWithoutIncrement,
    /// A sweep proves its view by an update that changes nothing.
    SweepByEmptyUpdate,
    /// A sweep increments whatever it meets.
    SweepAnyVersion,
    /// A sweep works on groups that are being renamed, too.
    SweepDuringRename,
    /// A sweep works on groups that are being created, too.
    SweepDuringCreation,
}
