use std::sync::Arc;

use super::*;
use crate::directory::view::{
    Directory,
    samples::{group, shown, user},
};
use crate::scim::{path::Path, schema::ResourceSchema};

fn directory() -> Directory {
    let mut directory = Directory::default();
    for name in ["alice", "bob"] {
        directory.apply_user(user(name, json!({})));
    }
    directory.apply_group(group("nested", &[], json!({})));
    directory
}

fn person(id: &str) -> Member {
    Member { id: id.into(), kind: MemberKind::User }
}

fn people(ids: &[&str]) -> Vec<Member> {
    ids.iter().map(|id| person(id)).collect()
}

fn nobody(_: &Id) -> Option<MemberKind> {
    None
}

fn filter(path: &str) -> ElementFilter {
    let path = Path::parse(path, Mode::Strict).unwrap();
    let group = ResourceSchema::group();
    let members = group.attribute(None, "members").unwrap().attribute;
    ElementFilter::bind(path.filter.as_deref().unwrap(), members, Mode::Strict).unwrap()
}

/// The membership of a group that has these people and this nested group.
fn of(members: &[&str]) -> Membership {
    Membership::of(&shown(group("team", members, json!({"groups": ["nested"]}))))
}

fn ids<'a>(ids: impl IntoIterator<Item = &'a Id>) -> Vec<String> {
    ids.into_iter().map(Id::to_string).collect()
}

fn members(membership: &Membership) -> Vec<String> {
    ids(membership.iter().map(|(id, _)| id))
}

#[test]
fn what_an_id_is_counts_more_than_what_a_client_says_it_is() {
    let directory = directory();
    let view = directory.provider("okta").unwrap();
    let members = Membership::of_new(&people(&["nested", "alice"]), &|id| kind_of(id, view));
    assert_eq!((ids(members.joined()), ids(members.groups())), (vec!["alice".into()], vec!["nested".into()]));
}

#[test]
fn adding_a_member_twice_and_removing_one_who_is_not_there_changes_nothing() {
    let mut team = of(&["alice"]);
    let edits = [MemberEdit::Add(people(&["alice", "nested"])), MemberEdit::Remove(vec!["bob".into()])];
    team.edit(&edits, &nobody).unwrap();
    assert!(team.is_unchanged());
}

/// RFC 7644 section 3.5.2.3, RFC 7643 section 8.7.1.
#[test]
fn a_member_who_is_set_where_they_are_stays_and_is_nobody_else() {
    let kept = |path: &str, ids: &[&str]| {
        let mut team = of(&["alice", "bob"]);
        let ids = ids.iter().copied().map(str::to_owned).collect();
        let edits =
            [MemberEdit::Remove(vec!["bob".into()]), MemberEdit::Keep { matching: filter(path), ids }];
        let outcome = team.edit(&edits, &nobody).map_err(|error| error.kind());
        assert_eq!(members(&team), ["alice", "nested"]);
        outcome
    };
    assert_eq!(kept(r#"members[value eq "alice"]"#, &["alice"]), Ok(()));
    assert_eq!(kept(r#"members[value eq "nested"]"#, &["nested"]), Ok(()));
    assert_eq!(kept(r#"members[type eq "User"]"#, &["alice"]), Ok(()));
    for ids in [&["carol"] as &[_], &["alice", "carol"], &[]] {
        assert_eq!(kept(r#"members[value eq "alice"]"#, ids), Err(ErrorKind::Mutability), "{ids:?}");
    }
    let both = r#"members[value eq "alice" or value eq "nested"]"#;
    assert_eq!(kept(both, &["alice"]), Err(ErrorKind::Mutability));
    assert_eq!(kept(both, &["alice", "nested"]), Err(ErrorKind::Mutability));
    for path in [r#"members[value eq "bob"]"#, r#"members[value sw "carol"]"#] {
        assert_eq!(kept(path, &["bob"]), Err(ErrorKind::NoTarget), "{path}");
    }
}

#[test]
fn who_leaves_and_comes_back_in_one_change_never_left() {
    let mut team = of(&["alice", "bob"]);
    team.edit(&[MemberEdit::Remove(vec!["alice".into()])], &nobody).unwrap();
    assert_eq!((members(&team), team.is_unchanged()), (vec!["bob".into(), "nested".into()], false));
    team.edit(&[MemberEdit::Add(people(&["alice"]))], &nobody).unwrap();
    assert!(team.is_unchanged());
}

#[test]
fn replacing_by_the_same_members_in_another_order_changes_nothing() {
    let mut team = of(&["alice", "bob"]);
    let nested = Member { id: "nested".into(), kind: MemberKind::Group };
    team.edit(&[MemberEdit::Replace(vec![nested, person("bob"), person("alice")])], &nobody).unwrap();
    assert!(team.is_unchanged());
    team.edit(&[MemberEdit::Replace(people(&["carol", "bob"]))], &nobody).unwrap();
    assert_eq!((members(&team), team.is_unchanged()), (vec!["bob".into(), "carol".into()], false));
    team.edit(&[MemberEdit::Replace(Vec::new())], &nobody).unwrap();
    assert_eq!(members(&team), Vec::<String>::new());
}

#[test]
fn a_member_whom_an_object_names_twice_stays_when_they_are_replaced() {
    let mut team = of(&["alice", "alice"]);
    team.edit(&[MemberEdit::Replace(people(&["alice"])), MemberEdit::Add(people(&["bob"]))], &nobody)
        .unwrap();
    assert!(team.left().is_empty());
}

#[test]
fn a_strict_mode_refuses_new_members_whom_nobody_has_and_keeps_old_ones() {
    let directory = directory();
    let view = directory.provider("okta").unwrap();
    let kinds = |id: &Id| kind_of(id, view);
    let mut team = of(&["left"]);
    team.edit(&[MemberEdit::Add(people(&["alice"]))], &kinds).unwrap();
    assert!(team.check(Mode::Strict, &kinds).is_ok());
    team.edit(&[MemberEdit::Add(people(&["stranger"]))], &kinds).unwrap();
    let error = team.check(Mode::Strict, &kinds).unwrap_err();
    assert!(error.to_string().contains("stranger"), "{error}");
    assert!(team.check(Mode::Compat, &kinds).is_ok());
}

#[test]
fn a_tolerant_mode_keeps_a_thousand_members_whom_nobody_has_and_no_more() {
    let strangers = |from: usize, to: usize| (from..to).map(|i| person(&format!("s{i}"))).collect::<Vec<_>>();
    let check = |membership: &Membership| membership.check(Mode::Compat, &nobody);
    assert!(check(&Membership::of_new(&strangers(0, MAX_UNKNOWN), &nobody)).is_ok());
    assert!(check(&Membership::of_new(&strangers(0, MAX_UNKNOWN + 1), &nobody)).is_err());

    let held: Vec<String> = strangers(0, MAX_UNKNOWN).into_iter().map(|member| member.id).collect();
    let held: Vec<&str> = held.iter().map(String::as_str).collect();
    let team = Arc::new(shown(group("team", &held, json!({}))));
    let mut more = Membership::of(&team);
    more.edit(&[MemberEdit::Add(strangers(MAX_UNKNOWN, MAX_UNKNOWN + 1))], &nobody).unwrap();
    assert!(check(&more).is_err());
    let mut fewer = Membership::of(&team);
    fewer.edit(&[MemberEdit::Remove(vec!["s0".into(), "s1".into()])], &nobody).unwrap();
    assert!(check(&fewer).is_ok());
}

#[test]
fn a_thousand_replacements_look_once_at_who_was_there() {
    let names: Vec<String> = (0..50_000).map(|n| format!("person-{n}")).collect();
    let mut team = of(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let replace = |n: usize| MemberEdit::Replace(people(&[names[n].as_str()][..n % 2]));
    let edits: Vec<MemberEdit> = (0..1000).map(replace).collect();
    let looks = steps::of(|| team.edit(&edits, &nobody).unwrap());
    assert!((names.len()..3 * names.len()).contains(&looks), "{looks} looks at {} members", names.len());
    assert_eq!(members(&team), ["person-999"]);
    assert_eq!((team.left().len(), team.joined().count()), (49_999, 0));
}

#[test]
fn filters_look_at_a_million_members_and_no_more() {
    let names: Vec<String> = (0..15_000).map(|n| format!("person-{n}")).collect();
    let team = of(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let matching = |n: usize| filter(&format!(r#"members[value sw "person-{n}1"]"#));
    let remove = |n: usize| MemberEdit::RemoveMatching(matching(n));
    let keep = |n: usize| MemberEdit::Keep { matching: matching(n), ids: vec!["person-1".into()] };
    let edited = |edits: Vec<MemberEdit>| {
        let mut team = team.clone();
        team.edit(&edits, &nobody).map(|()| team).map_err(|error| error.kind())
    };
    let fewer = edited((0..60).map(remove).collect()).unwrap();
    assert!(fewer.left().iter().all(|id| id.to_string().contains('1')) && !fewer.left().is_empty());
    assert_eq!(edited((0..70).map(remove).collect()).unwrap_err(), ErrorKind::PayloadTooLarge);
    let one_by_one = (0..70).flat_map(|n| [remove(n), MemberEdit::Add(Vec::new())]);
    assert_eq!(edited(one_by_one.collect()).unwrap_err(), ErrorKind::PayloadTooLarge);
    let all_gone = (0..70).map(remove);
    let all_gone: Vec<_> = [MemberEdit::Replace(Vec::new())].into_iter().chain(all_gone).collect();
    assert!(members(&edited(all_gone).unwrap()).is_empty(), "nobody is looked at");
    assert_eq!(edited(vec![keep(7)]).unwrap_err(), ErrorKind::Mutability);
}

#[test]
fn what_is_replaced_is_checked_as_it_was() {
    let keep = |ids: &[&str]| {
        let ids = ids.iter().copied().map(str::to_owned).collect();
        MemberEdit::Keep { matching: filter(r#"members[value eq "alice"]"#), ids }
    };
    let edit = |edits: &[MemberEdit]| {
        let mut team = of(&["alice", "bob"]);
        team.edit(edits, &nobody).map(|()| members(&team)).map_err(|error| error.kind())
    };
    let nobody_left = || MemberEdit::Replace(Vec::new());
    assert_eq!(edit(&[keep(&["alice"]), nobody_left()]), Ok(vec![]));
    assert_eq!(edit(&[keep(&["bob"]), nobody_left()]), Err(ErrorKind::Mutability));
    assert_eq!(edit(&[nobody_left(), keep(&["alice"])]), Err(ErrorKind::NoTarget));
    let back = [nobody_left(), MemberEdit::Add(people(&["alice", "carol"])), keep(&["alice"])];
    assert_eq!(edit(&back), Ok(vec!["alice".into(), "carol".into()]));
    let gone = [
        nobody_left(),
        MemberEdit::Add(people(&["alice"])),
        MemberEdit::Remove(vec!["alice".into(), "bob".into()]),
    ];
    assert_eq!(edit(&gone), Ok(vec![]));
}
