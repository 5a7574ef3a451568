use std::collections::HashMap;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::{
    api::{Recent, ScimGroup},
    directory::view::{Group, GroupObject, samples::group_object},
    scim::members::{Member, MemberEdit, MemberKind},
};

/// A group as it is stored, and every slice that was ever written for it.
struct Stored {
    object: ScimGroup,
    slices: HashMap<(u16, Box<str>), Arc<Slice>>,
}

impl Stored {
    /// A new group of these members.
    fn new(members: Vec<Member>) -> Self {
        let mut stored = Self { object: group_object("team", json!({})), slices: HashMap::new() };
        let membership = Membership::of_new(&members, &|_| None);
        stored.take(Layout::of(&membership, &Version::random()).unwrap());
        stored
    }

    /// The group, read back.
    fn group(&self) -> Group {
        let object = Arc::new(GroupObject::from_object(self.object.clone()).unwrap());
        Group::new(object, |bucket, version| self.slices.get(&(bucket, version.into())).cloned()).unwrap()
    }

    fn edit(&mut self, edits: &[MemberEdit]) {
        let mut membership = Membership::of(&self.group());
        membership.edit(edits, &|_| None).unwrap();
        self.take(Layout::of(&membership, &Version::random()).unwrap());
    }

    fn fold(&mut self) {
        self.take(Layout::folded(self.group().members(), &Version::random()).unwrap());
    }

    fn take(&mut self, layout: Layout) {
        let texts = |ids: Vec<Id>| ids.iter().map(Id::to_string).collect::<Vec<_>>();
        for NewSlice { bucket, content } in layout.slices {
            assert!(content.members().len() <= MAX_SLICE);
            let held = self.slices.insert((bucket, content.version().into()), content);
            assert!(held.is_none(), "a slice is written once");
        }
        let spec = &mut self.object.spec;
        let recent = Recent { added: texts(layout.added), removed: texts(layout.removed) };
        spec.member_count = i64::try_from(layout.count).unwrap();
        spec.members = texts(layout.members);
        spec.slices = layout.manifest.into_iter().map(String::from).collect();
        spec.recent = (recent != Recent::default()).then_some(recent);
    }

    fn log(&self) -> usize {
        self.object.spec.recent.as_ref().map_or(0, |recent| recent.added.len() + recent.removed.len())
    }

    #[track_caller]
    fn holds(&self, expected: &BTreeSet<String>) {
        let group = self.group();
        let members: Vec<String> = group.members().iter().map(Id::to_string).collect();
        assert_eq!(&members.iter().cloned().collect::<BTreeSet<_>>(), expected);
        let counted = usize::try_from(self.object.spec.member_count).unwrap();
        assert_eq!((members.len(), counted), (expected.len(), expected.len()));
        assert!(self.log() <= MAX_LOG);
        let is_inline = self.object.spec.slices.is_empty();
        assert!(!is_inline || expected.len() <= MAX_INLINE, "{} inline", expected.len());
        assert!(expected.iter().all(|id| group.members().contains(&id.as_str().into())));
    }
}

fn member(number: u32) -> Member {
    Member { id: name(number), kind: MemberKind::User }
}

/// An id as the operator gives it.
fn name(number: u32) -> String {
    Uuid::from_u64_pair(u64::from(number), 1 << 63).to_string()
}

fn members(numbers: std::ops::Range<u32>) -> Vec<Member> {
    numbers.map(member).collect()
}

fn names(numbers: impl IntoIterator<Item = u32>) -> BTreeSet<String> {
    numbers.into_iter().map(name).collect()
}

#[derive(Clone, Debug)]
enum Step {
    Add(u32, u32),
    Remove(u32, u32),
    Replace(u32, u32),
    Fold,
}

/// Ranges of numbers, short ones and long ones, that meet one another often.
fn step() -> impl Strategy<Value = Step> {
    let range = || (0_u32..2_000, prop_oneof![1_u32..4, 100_u32..1_500]);
    prop_oneof![
        4 => range().prop_map(|(from, length)| Step::Add(from, from + length)),
        4 => range().prop_map(|(from, length)| Step::Remove(from, from + length)),
        1 => range().prop_map(|(from, length)| Step::Replace(from, from + length)),
        2 => Just(Step::Fold),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn what_is_stored_reads_back_as_the_members(steps in prop::collection::vec(step(), 1..24)) {
        let (mut stored, mut expected) = (Stored::new(Vec::new()), BTreeSet::new());
        for step in steps {
            let (before, folds) = (stored.object.spec.clone(), matches!(step, Step::Fold));
            match step {
                Step::Add(from, to) => {
                    expected.extend(names(from..to));
                    stored.edit(&[MemberEdit::Add(members(from..to))]);
                }
                Step::Remove(from, to) => {
                    names(from..to).iter().for_each(|id| _ = expected.remove(id));
                    stored.edit(&[MemberEdit::Remove(names(from..to).into_iter().collect())]);
                }
                Step::Replace(from, to) => {
                    expected = names(from..to);
                    stored.edit(&[MemberEdit::Replace(members(from..to))]);
                }
                Step::Fold => stored.fold(),
            }
            stored.holds(&expected);
            let after = &stored.object.spec;
            if after.recent.is_some() {
                prop_assert!(!folds);
                prop_assert_eq!(&before.slices, &after.slices, "a log stands on the slices that were there");
            }
        }
    }
}

#[test]
fn five_hundred_members_stand_in_the_object_and_more_in_slices() {
    let mut team = Stored::new(members(0..500));
    assert!(team.slices.is_empty());
    team.edit(&[MemberEdit::Add(vec![member(500)])]);
    assert_eq!((team.object.spec.slices.len(), team.slices.len()), (3, 3));
    team.holds(&names(0..501));
}

#[test]
fn one_member_more_or_less_writes_no_slice() {
    let mut team = Stored::new(members(0..2_000));
    let slices = team.slices.len();
    team.edit(&[MemberEdit::Add(vec![member(5_000)])]);
    team.edit(&[MemberEdit::Remove(vec![name(7)])]);
    assert_eq!((team.slices.len(), team.log()), (slices, 2));
}

#[test]
fn who_comes_back_is_taken_out_of_the_log() {
    let mut team = Stored::new(members(0..2_000));
    for _ in 0..2 {
        team.edit(&[MemberEdit::Remove(vec![name(7)]), MemberEdit::Add(vec![member(5_000)])]);
        assert_eq!(team.log(), 2);
        team.edit(&[MemberEdit::Add(vec![member(7)]), MemberEdit::Remove(vec![name(5_000)])]);
        assert_eq!(team.log(), 0);
    }
}

#[test]
fn a_full_log_is_folded_by_the_change_that_finds_no_room() {
    let mut team = Stored::new(members(0..10_000));
    let before = team.object.spec.slices.clone();
    team.edit(&[MemberEdit::Add(members(20_000..20_400))]);
    assert_eq!((team.log(), &team.object.spec.slices), (400, &before));
    team.edit(&[MemberEdit::Remove(vec![name(0)])]);
    assert_eq!(team.log(), 0);
    team.holds(&names((1..10_000).chain(20_000..20_400)));
}

#[test]
fn folding_leaves_alone_the_buckets_in_which_nothing_changed() {
    let mut team = Stored::new(members(0..10_000));
    let before = team.object.spec.slices.clone();
    team.edit(&[MemberEdit::Add(vec![member(20_000)]), MemberEdit::Remove(vec![name(0)])]);
    team.fold();
    let changed = before.iter().zip(&team.object.spec.slices).filter(|(old, new)| old != new).count();
    assert!((1..=2).contains(&changed), "{changed}");
    team.holds(&names((1..10_000).chain([20_000])));
}

#[test]
fn the_number_of_buckets_follows_the_members_at_a_distance() {
    let mut team = Stored::new(members(0..10_000));
    let buckets = |team: &Stored| team.object.spec.slices.len();
    assert_eq!(buckets(&team), 40);
    team.edit(&[MemberEdit::Add(members(10_000..14_900))]);
    assert_eq!(buckets(&team), 40);
    team.edit(&[MemberEdit::Add(members(14_900..15_500))]);
    assert_eq!(buckets(&team), 62);
    team.edit(&[MemberEdit::Remove(names(7_000..15_500).into_iter().collect())]);
    assert_eq!(buckets(&team), 62);
    team.edit(&[MemberEdit::Remove(names(5_000..7_000).into_iter().collect())]);
    assert_eq!(buckets(&team), 20);
    team.edit(&[MemberEdit::Remove(names(250..5_000).into_iter().collect())]);
    assert_eq!((buckets(&team), team.object.spec.members.len()), (0, 250));
}

#[test]
fn a_log_that_empties_a_group_stays_a_log_until_it_is_folded() {
    let mut team = Stored::new(members(0..501));
    team.edit(&[MemberEdit::Remove(names(0..400).into_iter().collect())]);
    assert_eq!((team.object.spec.slices.len(), team.log()), (3, 400));
    team.fold();
    assert_eq!((team.object.spec.slices.len(), team.object.spec.members.len()), (0, 101));
}

/// Whoever sends a thousand ids chooses them: those that nobody has may be made for this.
#[test]
fn ids_that_were_made_to_fall_into_one_bucket_are_spread_over_more() {
    let in_first = |id: &Id| (2..=3).all(|buckets| bucket_of(id, buckets) == 0);
    let made = (0..).map(|number: u32| format!("m{number}")).filter(|id| in_first(&id.as_str().into()));
    let made: Vec<Member> = made.take(510).map(|id| Member { id, kind: MemberKind::User }).collect();
    let expected = made.iter().map(|member| member.id.clone()).collect();
    let team = Stored::new(made);
    assert!(team.object.spec.slices.len() > 3);
    team.holds(&expected);
}

#[test]
fn a_change_of_one_member_is_an_object_of_at_most_25_kilobytes() {
    for size in [10, 500, 1_000, 10_000, 100_000] {
        let mut team = Stored::new(members(0..size));
        let log = members(200_000..200_400);
        for added in if size > 500 { log.chunks(399).map(<[_]>::to_vec).collect() } else { Vec::new() } {
            team.edit(&[MemberEdit::Add(added)]);
        }
        let written = serde_json::to_vec(&team.object).unwrap().len();
        assert!(written <= 25_000, "{size} members: {written} bytes");
    }
}

#[test]
fn versions_are_short_and_differ() {
    let versions: HashSet<Box<str>> = (0..1_000).map(|_| Version::random().0).collect();
    assert_eq!(versions.len(), 1_000);
    let is_digit = |c: char| c.is_ascii_digit() || c.is_ascii_lowercase();
    assert!(versions.iter().all(|version| version.len() == 8 && version.chars().all(is_digit)));
}
