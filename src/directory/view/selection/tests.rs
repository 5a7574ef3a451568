use proptest::{
    collection::vec,
    prelude::{prop_assert, proptest},
    sample::{select as any_of, subsequence},
};
use serde_json::{Value, json};

use super::*;
use crate::directory::view::{
    Directory, GroupObject,
    samples::{group, slice, user},
};

fn selector(subjects: Value) -> Selector {
    Selector::new(&serde_json::from_value(subjects).unwrap(), &ResourceSchema::user()).unwrap()
}

fn select(directory: &Directory, subjects: Value) -> Selection {
    selector(subjects).find(directory.provider("okta")).select()
}

fn names(selection: &Selection) -> Vec<&str> {
    selection.people.iter().map(|selected| selected.user.key()).collect()
}

fn directory(users: Vec<User>, groups: Vec<GroupObject>) -> Directory {
    let mut directory = Directory::default();
    directory.reset_users(users);
    directory.reset_groups(groups);
    directory
}

#[test]
fn a_group_means_its_active_members_in_order() {
    let directory = directory(
        vec![user("zoe", json!({})), user("adam", json!({})), user("eve", json!({"active": false}))],
        vec![group("team", &["zoe", "eve", "adam", "nobody"], json!({}))],
    );
    let selection = select(&directory, json!({"groups": [{"displayName": "Team"}]}));
    assert_eq!(names(&selection), ["adam", "zoe"]);
    assert!(selection.not_found.is_empty());
}

#[test]
fn a_group_means_the_members_of_groups_within_it_even_in_a_circle() {
    let directory = directory(
        vec![user("adam", json!({})), user("zoe", json!({}))],
        vec![
            group("outer", &["adam"], json!({"groups": ["inner"]})),
            group("inner", &["zoe"], json!({"groups": ["outer"]})),
        ],
    );
    let selection = select(&directory, json!({"groups": [{"id": "outer"}]}));
    assert_eq!(names(&selection), ["adam", "zoe"]);
    assert_eq!(selection.groups.len(), 1);
}

#[test]
fn an_external_id_means_every_group_that_has_it() {
    let shared = json!({"externalId": "00g9"});
    let directory = directory(
        vec![user("adam", json!({})), user("zoe", json!({}))],
        vec![group("a", &["adam"], shared.clone()), group("b", &["zoe"], shared)],
    );
    assert_eq!(names(&select(&directory, json!({"groups": [{"externalId": "00g9"}]}))), ["adam", "zoe"]);
}

#[test]
fn a_group_that_is_not_there_is_told_and_hides_nobody() {
    let directory = directory(vec![user("adam", json!({}))], vec![group("team", &["adam"], json!({}))]);
    let subjects = json!({"groups": [{"displayName": "gone"}, {"displayName": "team"}]});
    let selection = select(&directory, subjects.clone());
    assert_eq!(names(&selection), ["adam"]);
    assert_eq!(selection.not_found, [GroupSelector::DisplayName("gone".to_owned())]);

    let nothing = selector(subjects).find(None).select();
    assert_eq!(nothing.not_found.len(), 2, "a provider that holds nothing has no groups");
}

#[test]
fn a_pattern_means_whatever_groups_there_are() {
    let directory = directory(
        vec![user("adam", json!({})), user("zoe", json!({}))],
        vec![group("k8s-a-view", &["adam"], json!({})), group("other", &["zoe"], json!({}))],
    );
    assert_eq!(names(&select(&directory, json!({"groups": [{"matching": "^k8s-"}]}))), ["adam"]);
    let none = select(&directory, json!({"groups": [{"matching": "^none-"}]}));
    assert!(none.people.is_empty() && none.not_found.is_empty());
}

#[test]
fn a_person_is_selected_once_by_everything_that_names_them() {
    let directory = directory(
        vec![user("adam", json!({"userType": "manager"})), user("zoe", json!({"userType": "manager"}))],
        vec![group("b", &["adam"], json!({})), group("a", &["adam"], json!({}))],
    );
    let selection = select(
        &directory,
        json!({"groups": [{"id": "b"}, {"id": "a"}], "users": {"filter": "userType eq \"manager\""}}),
    );
    let named_by: Vec<Vec<_>> = selection
        .people
        .iter()
        .map(|selected| {
            let name = |source: &Source| match source {
                Source::Group(group) => group.display_name().to_owned(),
                Source::Filter => "the filter".to_owned(),
            };
            selected.named_by.iter().map(name).collect()
        })
        .collect();
    assert_eq!(named_by, [vec!["a", "b", "the filter"], vec!["the filter"]]);
}

#[test]
fn a_filter_sees_id_and_groups_and_never_an_inactive_person() {
    let directory = directory(
        vec![user("adam", json!({})), user("zoe", json!({})), user("eve", json!({"active": false}))],
        vec![group("outer", &[], json!({"groups": ["inner"]})), group("inner", &["zoe", "eve"], json!({}))],
    );
    let filtered = |filter: &str| {
        let selection = select(&directory, json!({"users": {"filter": filter}}));
        names(&selection).join(" ")
    };
    assert_eq!(filtered("id eq \"adam\""), "adam");
    assert_eq!(filtered("userName eq \"ZOE\" or userName eq \"eve\""), "zoe");
    assert_eq!(filtered("groups.value eq \"outer\""), "zoe");
    assert_eq!(filtered("groups[display eq \"inner\" and type eq \"direct\"]"), "zoe");
    assert_eq!(filtered("meta.created gt \"2025-01-01T00:00:00Z\""), "adam zoe");
    assert_eq!(filtered("active eq false"), "");
}

/// RFC 7643 section 3: `schemas` follows from what is there.
#[test]
fn a_filter_may_ask_for_the_schemas_of_a_person() {
    let enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
    let directory = directory(
        vec![user("adam", json!({enterprise: {"department": "it"}})), user("zoe", json!({enterprise: {}}))],
        vec![],
    );
    let filtered = |filter: String| {
        let selection = select(&directory, json!({"users": {"filter": filter}}));
        names(&selection).join(" ")
    };
    assert_eq!(filtered("schemas eq \"urn:ietf:params:scim:schemas:core:2.0:User\"".to_owned()), "adam zoe");
    assert_eq!(filtered(format!("schemas eq \"{enterprise}\"")), "adam");
    assert_eq!(filtered("schemas eq \"urn:ietf:params:scim:schemas:core:2.0:Group\"".to_owned()), "");
    assert_eq!(filtered("schemas pr and userName eq \"zoe\"".to_owned()), "zoe");
}

#[test]
fn a_filter_may_not_ask_for_what_only_an_answer_has() {
    for (filter, path) in [
        ("meta.location pr", "meta.location"),
        ("userName pr and not (meta.VERSION eq \"W/1\")", "meta.version"),
        ("groups.$ref co \"Groups\"", "groups.$ref"),
        ("groups[$ref pr]", "groups.$ref"),
    ] {
        let subjects = serde_json::from_value(json!({"users": {"filter": filter}})).unwrap();
        let error = Selector::new(&subjects, &ResourceSchema::user()).unwrap_err().to_string();
        assert!(error.contains(&format!("{path} is of an answer over SCIM")), "{filter}: {error}");
    }
}

#[test]
fn a_filter_forgets_its_answer_when_the_person_changes() {
    let selector = selector(json!({"users": {"filter": "title eq \"boss\""}}));
    let mut directory = directory(vec![user("adam", json!({"title": "boss"}))], vec![]);
    let selected = |directory: &Directory| selector.find(directory.provider("okta")).select().people.len();
    assert_eq!([selected(&directory), selected(&directory)], [1, 1]);
    directory.apply_user(user("adam", json!({"title": "worker", "resourceVersion": "2"})));
    assert_eq!(selected(&directory), 0);
}

#[test]
fn a_filter_that_asks_for_what_nobody_has_is_refused() {
    let subjects = serde_json::from_value(json!({"users": {"filter": "shoeSize eq 42"}})).unwrap();
    let error = Selector::new(&subjects, &ResourceSchema::user()).unwrap_err();
    assert!(error.to_string().starts_with("subjects.users.filter: "), "{error}");
}

mod touches {
    use super::*;

    #[track_caller]
    fn touched(directory: &Directory, change: &Change, subjects: Value) -> bool {
        selector(subjects).touches(change, directory.provider("okta").unwrap())
    }

    #[test]
    fn a_person_touches_the_groups_that_contain_them_and_no_other() {
        let mut directory = directory(
            vec![user("adam", json!({}))],
            vec![
                group("outer", &[], json!({"groups": ["inner"]})),
                group("inner", &["adam"], json!({})),
                group("other", &[], json!({})),
            ],
        );
        let change = directory.apply_user(user("adam", json!({"active": false, "resourceVersion": "2"})));
        let change = change.unwrap();
        assert!(touched(&directory, &change, json!({"groups": [{"displayName": "inner"}]})));
        assert!(touched(&directory, &change, json!({"groups": [{"displayName": "outer"}]})));
        assert!(!touched(&directory, &change, json!({"groups": [{"displayName": "other"}]})));
    }

    #[test]
    fn a_person_touches_a_filter_that_matches_before_or_after() {
        let mut directory = directory(vec![user("adam", json!({"title": "boss"}))], vec![]);
        let change = directory.apply_user(user("adam", json!({"title": "worker", "resourceVersion": "2"})));
        let change = change.unwrap();
        for (title, expected) in [("boss", true), ("worker", true), ("clerk", false)] {
            let subjects = json!({"users": {"filter": format!("title eq {title:?}")}});
            assert_eq!(touched(&directory, &change, subjects), expected, "{title}");
        }
    }

    #[test]
    fn a_group_touches_those_who_name_it_by_its_old_name_or_its_new_one() {
        let mut directory = directory(vec![], vec![group("g", &[], json!({"displayName": "old"}))]);
        let change =
            directory.apply_group(group("g", &[], json!({"displayName": "new", "resourceVersion": "2"})));
        let change = change.unwrap();
        for (name, expected) in [("old", true), ("new", true), ("other", false)] {
            assert_eq!(
                touched(&directory, &change, json!({"groups": [{"displayName": name}]})),
                expected,
                "{name}"
            );
        }
    }

    #[test]
    fn a_group_touches_the_groups_that_contain_it_and_filters_that_ask_for_groups() {
        let mut directory = directory(
            vec![user("adam", json!({}))],
            vec![group("outer", &[], json!({"groups": ["inner"]})), group("inner", &[], json!({}))],
        );
        let change =
            directory.apply_group(group("inner", &["adam"], json!({"resourceVersion": "2"}))).unwrap();
        assert!(touched(&directory, &change, json!({"groups": [{"id": "outer"}]})));
        assert!(touched(&directory, &change, json!({"users": {"filter": "groups.display eq \"outer\""}})));
        assert!(!touched(&directory, &change, json!({"users": {"filter": "title pr"}})));
    }

    #[test]
    fn a_group_touches_no_filter_that_asks_for_other_groups_and_none_for_ids_that_nobody_has() {
        let mut directory = directory(vec![user("adam", json!({}))], vec![group("team", &[], json!({}))]);
        let change =
            directory.apply_group(group("team", &["adam"], json!({"resourceVersion": "2"}))).unwrap();
        for (filter, expected) in [
            ("groups.display eq \"Team\"", true),
            ("groups.display eq \"other\"", false),
            ("groups.value eq \"other\" or groups[display eq \"other\"]", false),
            ("not (groups.value eq \"other\")", false),
            ("groups.value ne \"other\"", true),
            ("groups[display sw \"t\" and type eq \"indirect\"]", true),
            ("groups pr", true),
        ] {
            assert_eq!(
                touched(&directory, &change, json!({"users": {"filter": filter}})),
                expected,
                "{filter}"
            );
        }
        let change = directory
            .apply_group(group("team", &["adam", "nobody"], json!({"resourceVersion": "3"})))
            .unwrap();
        assert!(!touched(&directory, &change, json!({"users": {"filter": "groups pr"}})));
    }

    #[test]
    fn a_large_group_that_is_folded_touches_nothing() {
        let mut directory = directory(vec![user("adam", json!({}))], vec![]);
        let people = ["adam"];
        directory.apply_slice(slice("team", 1, 0, "a", &[]));
        directory.apply_slice(slice("team", 1, 0, "b", &people));
        let unfolded = json!({"slices": ["a"], "recent": {"added": people}});
        directory.apply_group(group("team", &[], unfolded));
        let folded = json!({"slices": ["b"], "resourceVersion": "2"});
        let change = directory.apply_group(group("team", &[], folded)).unwrap();
        for subjects in [json!({"groups": [{"id": "team"}]}), json!({"users": {"filter": "groups pr"}})] {
            assert!(!touched(&directory, &change, subjects));
        }
    }

    const PEOPLE: [&str; 3] = ["ann", "bea", "inner"];
    const GROUPS: [&str; 3] = ["team", "inner", "other"];
    const FILTERS: [&str; 6] = [
        "groups.value eq \"team\"",
        "groups.display eq \"inner\" and not (groups.value eq \"other\")",
        "groups[value eq \"team\" and type eq \"indirect\"]",
        "groups.display ne \"inner\"",
        "not (groups pr)",
        "groups[display sw \"t\"]",
    ];

    proptest! {
        /// Be it one change or several that a new list brings at once.
        #[test]
        fn what_is_not_touched_means_the_same_people(
            groups in vec((
                any_of(&GROUPS[..]), any_of(&["team", "inner", "x"][..]),
                subsequence(&PEOPLE[..], 0..=3), subsequence(&GROUPS[..], 0..=1),
            ), 0..12),
            at_once in 1..4_usize,
        ) {
            let mut directory = directory(vec![user("ann", json!({})), user("bea", json!({}))], vec![group("team", &[], json!({}))]);
            let mut version = 1;
            for batch in groups.chunks(at_once) {
                let people = |directory: &Directory| -> Vec<String> {
                    FILTERS.iter().map(|filter| names(&select(directory, json!({"users": {"filter": filter}}))).join(" ")).collect()
                };
                let before = people(&directory);
                let mut changes = Vec::new();
                for (id, name, members, nested) in batch {
                    version += 1;
                    let spec = json!({"displayName": name, "groups": nested, "resourceVersion": version.to_string()});
                    changes.extend(directory.apply_group(group(id, members, spec)));
                }
                for (filter, (before, after)) in FILTERS.iter().zip(before.iter().zip(people(&directory))) {
                    let subjects = || json!({"users": {"filter": filter}});
                    let is_touched = changes.iter().any(|change| touched(&directory, change, subjects()));
                    prop_assert!(is_touched || *before == after, "{}: {} became {}", filter, before, after);
                }
            }
        }
    }
}
