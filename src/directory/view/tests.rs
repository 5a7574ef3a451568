mod delays;

use serde_json::{Value, json};

use super::{
    samples::{group, slice, user},
    *,
};

fn okta(directory: &Directory) -> &ProviderView {
    directory.provider("okta").unwrap()
}

fn ids<'a>(users: impl Iterator<Item = &'a Arc<User>>) -> Vec<String> {
    users.map(|user| user.id().to_string()).collect()
}

#[test]
fn a_person_is_found_by_every_key_and_no_longer_by_an_old_one() {
    let mut directory = Directory::default();
    directory.apply_user(user(
        "alice",
        json!({"userName": "Alice@Example.com", "externalId": "00u1", "emails": [{"value": "A@x.org"}]}),
    ));
    let view = okta(&directory);
    assert!(view.user_by_key("alice@example.com").is_some());
    assert_eq!(ids(view.users_by_external_id("00u1")), ["alice"]);
    assert_eq!(ids(view.users_by_email("a@x.org")), ["alice"]);

    directory.apply_user(user("alice", json!({"userName": "alicia", "resourceVersion": "2"})));
    let view = okta(&directory);
    assert!(view.user_by_key("alice@example.com").is_none());
    assert!(view.user_by_key("alicia").is_some());
    assert_eq!(view.users_by_external_id("00u1").count(), 0);
    assert_eq!(view.users_by_email("a@x.org").count(), 0);
}

#[test]
fn an_older_object_changes_nothing() {
    let mut directory = Directory::default();
    directory.apply_user(user("alice", json!({"active": false, "resourceVersion": "10"})));
    assert!(directory.apply_user(user("alice", json!({"active": true, "resourceVersion": "9"}))).is_none());
    assert!(!okta(&directory).user(&"alice".into()).unwrap().active());
}

#[test]
fn resource_versions_compare_as_numbers() {
    let mut directory = Directory::default();
    directory.apply_user(user("alice", json!({"resourceVersion": "9"})));
    directory.apply_user(user("alice", json!({"active": false, "resourceVersion": "10"})));
    assert!(!okta(&directory).user(&"alice".into()).unwrap().active());
}

#[test]
fn of_two_objects_of_one_id_the_reserved_one_is_invisible_and_the_newest_visible_one_counts() {
    let mut directory = Directory::default();
    directory.apply_user(user("alice", json!({"resourceVersion": "1"})));
    let reservation = json!({"name": "new", "userName": "new", "reserved": true, "resourceVersion": "2"});
    assert!(directory.apply_user(user("alice", reservation)).is_none());
    assert!(okta(&directory).user_by_key("new").is_none());

    directory.apply_user(user("alice", json!({"name": "new", "userName": "new", "resourceVersion": "3"})));
    let view = okta(&directory);
    assert!(view.user_by_key("new").is_some() && view.user_by_key("alice").is_none());
    assert_eq!(view.users().len(), 1);
    assert_eq!(view.user_objects(&"alice".into()).len(), 2);
}

#[test]
fn deleting_the_predecessor_of_a_rename_leaves_the_person() {
    let mut directory = Directory::default();
    let old = user("alice", json!({"name": "old", "userName": "old"}));
    directory.apply_user(old.clone());
    directory.apply_user(user("alice", json!({"name": "new", "userName": "new", "resourceVersion": "2"})));
    assert!(directory.delete_user(&old).is_none());
    assert!(okta(&directory).user_by_key("new").is_some());
}

#[test]
fn a_late_delete_of_an_earlier_object_leaves_a_later_one_of_the_same_name() {
    let mut directory = Directory::default();
    let first = user("alice", json!({"uid": "first"}));
    directory.apply_user(user("alice", json!({"uid": "second", "resourceVersion": "5"})));
    assert!(directory.delete_user(&first).is_none());
    assert!(okta(&directory).user(&"alice".into()).is_some());
}

#[test]
fn a_deleted_person_is_gone_from_groups_at_once_even_where_one_names_them_later() {
    let mut directory = Directory::default();
    let alice = user("alice", json!({}));
    directory.apply_user(alice.clone());
    directory.apply_group(group("team", &["alice"], json!({})));
    directory.delete_user(&alice);
    assert!(okta(&directory).is_gone(&"alice".into()));

    assert_eq!(okta(&directory).groups_with_gone().count(), 1);

    directory.apply_group(group("team", &[], json!({"resourceVersion": "2"})));
    assert_eq!(okta(&directory).groups_with_gone().count(), 0);
    directory.apply_group(group("late", &["alice"], json!({"resourceVersion": "3"})));
    assert_eq!(okta(&directory).groups_with_gone().count(), 1);
}

#[test]
fn each_group_knows_who_is_gone_from_it_until_they_come_back_or_are_taken_out() {
    let mut directory = Directory::default();
    let gone = |directory: &Directory| {
        let sorted = |group: &str| {
            let mut gone: Vec<_> = okta(directory).gone_from(&group.into()).map(Id::to_string).collect();
            gone.sort_unstable();
            gone.join(" ")
        };
        ["one", "two"].map(sorted)
    };
    let people = ["alice", "bob", "nested"];
    for (version, name) in people.into_iter().enumerate() {
        directory.apply_user(user(name, json!({"resourceVersion": (version + 1).to_string()})));
    }
    directory.apply_group(group("one", &["alice", "bob"], json!({"groups": ["nested"]})));
    directory.apply_group(group("two", &["alice"], json!({})));
    for name in people {
        directory.delete_user(&user(name, json!({})));
    }
    assert_eq!(gone(&directory), ["alice bob nested", "alice"]);

    directory.apply_user(user("alice", json!({"uid": "again", "resourceVersion": "7"})));
    assert_eq!(gone(&directory), ["bob nested", ""]);
    directory.apply_group(group("two", &["bob", "nobody"], json!({"resourceVersion": "8"})));
    assert_eq!(gone(&directory), ["bob nested", "bob"]);
    directory.apply_group(group("one", &["alice"], json!({"resourceVersion": "9"})));
    assert_eq!(gone(&directory), ["", "bob"]);
    directory.delete_group(&group("two", &["bob"], json!({"resourceVersion": "10"})));
    assert_eq!(gone(&directory), ["", ""]);
    assert_eq!((okta(&directory).groups_with_gone().count(), okta(&directory).dangling().count()), (0, 0));
}

#[test]
fn whom_this_process_deleted_no_event_of_the_past_shows_again() {
    let mut directory = Directory::default();
    let old = user("alice", json!({"name": "old", "userName": "old", "uid": "old"}));
    let new = user("alice", json!({"name": "new", "userName": "new", "uid": "new", "resourceVersion": "7"}));
    directory.apply_user(old.clone());
    assert!(directory.hide_user(&new).is_some());
    assert!(directory.apply_user(new.clone()).is_none());
    assert!(okta(&directory).user_by_key("new").is_none() && okta(&directory).user_by_key("old").is_none());
    assert!(directory.delete_user(&old).is_none());
    assert!(directory.delete_user(&new).is_none());

    let restored = user("alice", json!({"uid": "restored", "resourceVersion": "9"}));
    assert!(directory.apply_user(restored).is_some(), "a backup may bring the id back");
}

#[test]
fn who_is_hidden_after_the_watch_told_of_the_deletion_can_still_be_restored() {
    let mut directory = Directory::default();
    let alice = user("alice", json!({"uid": "first"}));
    directory.apply_user(alice.clone());
    directory.delete_user(&alice);
    assert!(directory.hide_user(&alice).is_none());
    assert!(directory.apply_user(user("alice", json!({"uid": "second", "resourceVersion": "9"}))).is_some());
}

#[test]
fn a_list_shows_nobody_again_whom_this_process_deleted() {
    for (listed, is_back) in [
        // Made before the deletion, and before the object was there.
        (vec![user("alice", json!({"resourceVersion": "7"}))], false),
        (vec![user("bob", json!({"resourceVersion": "6"}))], false),
        // Made after it.
        (vec![user("bob", json!({"resourceVersion": "8"}))], true),
    ] {
        let mut directory = Directory::default();
        let alice = user("alice", json!({"resourceVersion": "7"}));
        directory.hide_user(&alice);
        directory.reset_users(listed);
        assert!(okta(&directory).user(&"alice".into()).is_none());
        let later = user("alice", json!({"resourceVersion": "9"}));
        assert_eq!(directory.apply_user(later).is_some(), is_back);
    }
}

#[test]
fn a_key_that_two_seem_to_have_leads_to_the_newer_one_whoever_goes_first() {
    let mut directory = Directory::default();
    directory.apply_user(user("first", json!({"userName": "alice"})));
    directory.apply_user(user("second", json!({"userName": "alice", "resourceVersion": "5"})));
    directory.apply_user(user("first", json!({"userName": "bob", "resourceVersion": "4"})));
    assert_eq!(okta(&directory).user_by_key("alice").unwrap().id(), &"second".into());
}

#[test]
fn a_relist_puts_nothing_older_over_what_was_written_meanwhile() {
    let mut directory = Directory::default();
    directory.apply_user(user("alice", json!({"active": false, "resourceVersion": "9"})));
    directory.reset_users(vec![user("alice", json!({"resourceVersion": "8"}))]);
    assert!(!okta(&directory).user(&"alice".into()).unwrap().active());
}

#[test]
fn a_group_that_says_what_changed_since_slices_that_it_does_not_name_is_unreadable_and_not_empty() {
    let mut object = samples::group_object("team", json!({"recent": {"added": ["alice"]}}));
    assert!(GroupObject::from_object(object.clone()).is_err());
    object.spec.slices = vec!["a".to_owned()];
    assert!(GroupObject::from_object(object).is_ok());
}

#[test]
fn a_group_knows_its_members_and_a_member_its_groups() {
    let mut directory = Directory::default();
    directory.apply_group(group("team", &["alice", "bob"], json!({})));
    directory.apply_group(group("team", &["bob"], json!({"resourceVersion": "2"})));
    let view = okta(&directory);
    assert_eq!(view.groups_of(&"alice".into()).count(), 0);
    assert_eq!(view.groups_of(&"bob".into()).count(), 1);
}

#[test]
fn nested_groups_are_flattened_and_cycles_are_cut() {
    let mut directory = Directory::default();
    directory.apply_group(group("outer", &["alice"], json!({"groups": ["inner"]})));
    directory.apply_group(group("inner", &["bob"], json!({"groups": ["outer", "nobody"]})));
    let view = okta(&directory);
    let members = view.flattened_members(view.group(&"outer".into()).unwrap());
    assert_eq!(members, [&"alice".into(), &"bob".into(), &"nobody".into()].into());
}

#[test]
fn a_reset_forgets_what_is_not_listed_and_tells_only_what_changed() {
    let mut directory = Directory::default();
    directory.apply_user(user("alice", json!({})));
    directory.apply_user(user("bob", json!({})));
    let changes = directory.reset_users(vec![user("bob", json!({"active": false, "resourceVersion": "2"}))]);
    assert_eq!(changes.len(), 2);
    assert_eq!(ids(okta(&directory).users().iter()), ["bob"]);
}

#[test]
fn a_reset_keeps_what_is_there_but_cannot_be_read() {
    let mut directory = Directory::default();
    directory.apply_user(user("alice", json!({})));
    let mut listed = Listed::default();
    listed.unreadable.insert("alice".into(), None);
    let changes = directory.reset_users(listed);
    assert!(changes.is_empty() && okta(&directory).users().len() == 1);
}

#[test]
fn a_late_result_of_a_write_does_not_bring_a_deleted_person_back() {
    let mut directory = Directory::default();
    let before = directory.users_epoch();
    directory.delete_user(&user("alice", json!({"resourceVersion": "5"})));
    assert!(directory.apply_written_user(user("alice", json!({"resourceVersion": "4"})), before).is_none());

    let before = directory.users_epoch();
    directory.reset_users(Vec::new());
    assert!(directory.apply_written_user(user("alice", json!({"resourceVersion": "6"})), before).is_none());
}

#[test]
fn the_result_of_a_write_is_read_at_once() {
    let mut directory = Directory::default();
    let before = directory.users_epoch();
    assert!(directory.apply_written_user(user("alice", json!({"resourceVersion": "8"})), before).is_some());
    assert!(directory.apply_written_user(user("bob", json!({"resourceVersion": "7"})), before).is_some());
}

#[test]
fn an_empty_reset_empties_every_provider() {
    let mut directory = Directory::default();
    directory.apply_user(user("alice", json!({})));
    assert_eq!(directory.reset_users(Vec::new()).len(), 1);
    assert_eq!(okta(&directory).users().len(), 0);
}

#[test]
fn lists_are_ordered_by_creation_and_then_by_id() {
    let mut directory = Directory::default();
    let meta = |created: &str| json!({"meta": {"created": created, "lastModified": created, "version": 1}});
    directory.apply_user(user("c", meta("2026-01-01T00:00:00Z")));
    directory.apply_user(user("a", meta("2026-01-02T00:00:00Z")));
    directory.apply_user(user("b", meta("2026-01-01T00:00:00Z")));
    assert_eq!(ids(okta(&directory).users().iter()), ["b", "c", "a"]);
}

/// The members of a group, as readers see them; `None` while they see no group.
fn members_of(directory: &Directory, group: &str) -> Option<Vec<String>> {
    let view = directory.provider("okta")?;
    let mut members: Vec<String> = view.group(&group.into())?.members().iter().map(Id::to_string).collect();
    members.sort();
    Some(members)
}

fn large(version: &str, more: Value) -> GroupObject {
    let mut spec = json!({"slices": ["a", "b"], "resourceVersion": version});
    spec.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    group("large", &[], spec)
}

/// A large group's slices, each with its version.
fn slices(versions: [&str; 2], members: &[&str]) -> [SliceObject; 2] {
    let [a, b] = versions;
    [slice("large", 2, 0, a, members), slice("large", 2, 1, b, members)]
}

fn take(directory: &mut Directory, slices: [SliceObject; 2]) {
    slices.into_iter().for_each(|slice| _ = directory.apply_slice(slice));
}

#[test]
fn a_large_group_is_its_slices_and_what_changed_since_in_whichever_order_they_come() {
    let people = ["alice", "bob"];
    let group = || large("1", json!({"recent": {"added": ["eve"], "removed": ["bob"]}}));

    let mut slices_first = Directory::default();
    take(&mut slices_first, slices(["a", "b"], &people));
    slices_first.apply_group(group());

    let mut group_first = Directory::default();
    group_first.apply_group(group());
    assert!(okta(&group_first).is_unknown_group(&"large".into()), "unknown, not empty");
    assert_eq!(members_of(&group_first, "large"), None);
    take(&mut group_first, slices(["a", "b"], &people));

    for directory in [slices_first, group_first] {
        assert_eq!(members_of(&directory, "large").unwrap(), ["alice", "eve"]);
        assert_eq!(okta(&directory).groups_of(&"alice".into()).count(), 1);
        assert_eq!(okta(&directory).groups_of(&"bob".into()).count(), 0);
        assert_eq!(okta(&directory).doubtful_groups(), 0);
    }
}

#[test]
fn a_new_manifest_counts_once_all_its_slices_are_there() {
    let mut directory = Directory::default();
    take(&mut directory, slices(["a", "b"], &["alice", "bob"]));
    directory.apply_group(large("1", json!({})));

    assert!(directory.apply_group(large("2", json!({"slices": ["c", "d"]}))).is_none());
    let [c, d] = slices(["c", "d"], &["alice", "eve"]);
    assert!(directory.apply_slice(c).is_none());
    assert_eq!(members_of(&directory, "large").unwrap(), ["alice", "bob"], "the state before");
    assert!(directory.apply_slice(d).is_some());
    assert_eq!(members_of(&directory, "large").unwrap(), ["alice", "eve"]);
}

#[test]
fn a_deleted_slice_is_held_until_neither_the_shown_nor_the_newest_manifest_names_it() {
    let mut directory = Directory::default();
    take(&mut directory, slices(["a", "b"], &["alice", "bob"]));
    directory.apply_group(large("1", json!({})));
    directory.apply_group(large("2", json!({"slices": ["c", "d"]})));
    let provider = Arc::from("okta");
    for old in slices(["a", "b"], &[]) {
        directory.delete_slice(&provider, &old.slice);
    }
    assert_eq!(members_of(&directory, "large").unwrap(), ["alice", "bob"]);

    take(&mut directory, slices(["c", "d"], &["eve"]));
    assert_eq!(members_of(&directory, "large").unwrap(), ["eve"]);
    assert_eq!(okta(&directory).slice(&"large".into(), 0, "a"), None, "nobody names it any more");
}

#[test]
fn what_was_written_while_a_list_was_on_its_way_is_not_gone() {
    let mut directory = Directory::default();
    directory.reset_users(vec![user("alice", json!({"resourceVersion": "5"}))]);
    let epoch = directory.users_epoch();
    directory.apply_written_user(user("bob", json!({"resourceVersion": "9"})), epoch);
    directory.reset_users(vec![user("alice", json!({"resourceVersion": "5"}))]);
    assert!(okta(&directory).user(&"bob".into()).is_some());
    assert!(!okta(&directory).is_gone(&"bob".into()));

    directory.apply_user(user("bob", json!({"resourceVersion": "10"})));
    directory.reset_users(vec![user("alice", json!({"resourceVersion": "5"}))]);
    assert!(okta(&directory).user(&"bob".into()).is_none(), "the watch knew of it, and the list does not");
}

#[test]
fn what_was_written_before_a_list_was_begun_that_holds_nothing_as_new_is_gone() {
    let mut directory = Directory::default();
    directory.reset_users(vec![user("alice", json!({"resourceVersion": "5"}))]);
    let epoch = directory.users_epoch();
    directory.apply_written_user(user("bob", json!({"resourceVersion": "9"})), epoch);
    directory.begin_users();
    directory.apply_written_user(user("carol", json!({"resourceVersion": "10"})), epoch);
    directory.reset_users(vec![user("alice", json!({"resourceVersion": "5"}))]);
    for name in ["bob", "carol"] {
        assert!(okta(&directory).user(&name.into()).is_none(), "{name}");
    }
}

#[test]
fn what_was_written_before_a_list_that_lacks_it_is_gone() {
    let mut directory = Directory::default();
    let epoch = directory.users_epoch();
    directory.apply_written_user(user("bob", json!({"resourceVersion": "4"})), epoch);
    directory.reset_users(vec![user("alice", json!({"resourceVersion": "5"}))]);
    assert!(okta(&directory).user(&"bob".into()).is_none());
}
