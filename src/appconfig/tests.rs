//! From objects to plans, as the controller goes.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::ResourceExt;
use serde_json::{Value, json};

use super::*;
use crate::{
    api::{AppConfigStatus, ScimAppConfig, ScimProvider},
    directory::view::{
        Directory, Gaps,
        samples::{group, user},
    },
};

fn config(spec: Value) -> ScimAppConfig {
    let mut whole = json!({
        "provider": "okta",
        "subjects": {"groups": [{"displayName": "team"}]},
        "template": "{% for user in users %}\n{{ user.userName }}\n{% endfor %}\n",
        "format": "Lines",
        "target": {"configMap": {"name": "cm", "key": "users"}},
    });
    let Value::Object(spec) = spec else { panic!("a spec is an object") };
    whole.as_object_mut().unwrap().extend(spec);
    serde_json::from_value(json!({
        "apiVersion": "scim-operator.dev/v1alpha1", "kind": "ScimAppConfig",
        "metadata": {"name": "users", "namespace": "apps", "uid": "7c9e"},
        "spec": whole,
    }))
    .unwrap()
}

fn provider(spec: Value) -> ScimProvider {
    let object = json!({
        "apiVersion": "scim-operator.dev/v1alpha1", "kind": "ScimProvider",
        "metadata": {"name": "okta"}, "spec": spec,
    });
    serde_json::from_value(object).unwrap()
}

fn name() -> Name {
    Name { namespace: "apps".into(), name: "users".into() }
}

fn index(spec: Value) -> Index {
    let mut index = Index::new(Enabled { namespaces: ["apps".to_owned()].into(), ..Enabled::default() });
    index.apply_provider(provider(json!({"appConfigs": {"allowedNamespaces": {"names": ["apps"]}}})));
    index.apply_config(config(spec));
    index
}

/// Adam and Zoe of team, and Eve of nobody's.
fn directory() -> Directory {
    let mut directory = Directory::default();
    directory.reset_users(["adam", "zoe", "eve"].map(|name| user(name, json!({}))).to_vec());
    directory.reset_groups(vec![group("team", &["zoe", "adam"], json!({}))]);
    directory
}

fn desire(index: &Index, directory: &Directory) -> Result<Desired, Obstacle> {
    let reading = index.config(&name()).unwrap().reading.clone()?;
    let found = reading.find(directory)?;
    reading.desire(found)
}

fn text(index: &Index, directory: &Directory) -> Option<String> {
    desire(index, directory).unwrap().rendered.text
}

#[test]
fn the_active_members_of_a_group_are_what_an_application_is_told() {
    let (index, mut directory) = (index(json!({})), directory());
    assert_eq!(text(&index, &directory).as_deref(), Some("adam\nzoe\n"));
    directory.apply_user(user("zoe", json!({"active": false, "resourceVersion": "2"})));
    assert_eq!(text(&index, &directory).as_deref(), Some("adam\n"));
}

#[test]
fn a_group_that_is_not_there_is_not_an_empty_one() {
    let mut directory = directory();
    let missing = index(json!({"subjects": {"groups": [{"displayName": "gone"}]}}));
    let obstacle = desire(&missing, &directory).unwrap_err();
    assert!(obstacle.to_string().starts_with("no group has displayName \"gone\""), "{obstacle}");

    let one_of_two = json!({"subjects": {"groups": [{"displayName": "gone"}, {"displayName": "team"}]}});
    let desired = desire(&index(one_of_two), &directory).unwrap();
    assert_eq!((desired.rendered.entries, desired.groups_not_found.len()), (2, 1));

    directory.apply_group(group("team", &[], json!({"resourceVersion": "2"})));
    assert_eq!(text(&index(json!({})), &directory).as_deref(), Some(""));
}

#[test]
fn a_directory_that_holds_nothing_is_not_an_empty_list() {
    let index = index(json!({"subjects": {"users": {"filter": "title eq \"boss\""}}}));
    let mut directory = Directory::default();
    assert_eq!(desire(&index, &directory), Err(Obstacle::DirectoryEmpty("okta".to_owned())));
    let change = directory.apply_user(user("adam", json!({}))).unwrap();
    assert_eq!(text(&index, &directory).as_deref(), Some(""));
    assert!(index.touched(&[change], &directory).contains(&name()));
}

#[test]
fn what_this_version_does_not_do_is_said_and_nothing_is_written() {
    for (spec, field) in [
        (json!({"target": {"object": {}}}), "spec.target.object"),
        (json!({"target": {"secretPerUser": {"name": "x"}}}), "spec.target.secretPerUser"),
        (json!({"serviceAccountName": "writer"}), "spec.serviceAccountName"),
    ] {
        assert_eq!(desire(&index(spec), &directory()), Err(Obstacle::Unsupported(field)));
    }
}

#[test]
fn an_app_config_reads_what_its_provider_allows_from_the_moment_that_it_does() {
    let mut index = index(json!({}));
    let closed = || provider(json!({}));
    assert_eq!(index.apply_provider(closed()), Touched::from([name()]));
    assert_eq!(index.apply_provider(closed()), Touched::new(), "nothing changed");
    assert!(matches!(desire(&index, &directory()), Err(Obstacle::Forbidden(_))));

    let by_label =
        json!({"appConfigs": {"allowedNamespaces": {"selector": {"matchLabels": {"scim": "yes"}}}}});
    index.apply_provider(provider(by_label));
    assert!(desire(&index, &directory()).is_err());
    let labeled = json!({"metadata": {"name": "apps", "labels": {"scim": "yes"}}});
    let labeled = serde_json::from_value(labeled).unwrap();
    assert_eq!(index.apply_namespace(&labeled), Touched::from([name()]));
    assert_eq!(index.apply_namespace(&labeled), Touched::new(), "nothing changed");
    assert!(desire(&index, &directory()).is_ok());

    index.delete_provider("okta");
    assert_eq!(desire(&index, &directory()), Err(Obstacle::ProviderNotFound("okta".to_owned())));
}

#[test]
fn an_app_config_is_news_when_its_spec_is() {
    let mut index = index(json!({}));
    let mut same = config(json!({}));
    same.status = Some(AppConfigStatus { entries: 7, ..Default::default() });
    assert_eq!(index.apply_config(same), Touched::new());
    assert_eq!(index.config(&name()).unwrap().object.status.as_ref().unwrap().entries, 7);
    assert_eq!(index.apply_config(config(json!({"format": "Text"}))), Touched::from([name()]));
    index.delete_config("apps", "users");
    assert!(index.names().is_empty());
}

#[test]
fn the_answer_to_a_write_undoes_nothing_that_was_told_before_it() {
    let of_version = |spec, version: &str| {
        let mut config = config(spec);
        config.metadata.resource_version = Some(version.to_owned());
        config
    };
    let mut index = index(json!({}));
    index.apply_config(of_version(json!({"format": "Text"}), "20"));
    assert_eq!(index.learn_config(of_version(json!({}), "19")), Touched::new());
    assert_eq!(index.config(&name()).unwrap().object.resource_version().as_deref(), Some("20"));
    assert_eq!(index.keep_config(of_version(json!({}), "20").metadata, "unknown variant"), Touched::new());
    assert_eq!(index.config(&name()).unwrap().unread, None);
    assert_eq!(index.learn_config(of_version(json!({}), "21")), Touched::from([name()]));

    index.delete_config("apps", "users");
    assert_eq!(index.learn_config(of_version(json!({}), "22")), Touched::new());
    assert!(index.names().is_empty());
}

#[test]
fn an_app_config_that_cannot_be_read_says_what_it_said_and_is_news_once() {
    let (mut index, directory) = (index(json!({})), directory());
    let mut unread = config(json!({})).metadata;
    unread.generation = Some(2);
    assert_eq!(index.keep_config(unread.clone(), "unknown variant"), Touched::from([name()]));
    assert_eq!(index.keep_config(unread.clone(), "unknown variant"), Touched::new());
    let held = index.config(&name()).unwrap();
    assert_eq!((held.unread.as_deref(), held.object.metadata.generation), (Some("unknown variant"), Some(2)));
    assert_eq!(text(&index, &directory).as_deref(), Some("adam\nzoe\n"));

    assert_eq!(index.apply_config(config(json!({}))), Touched::from([name()]));
    assert_eq!(index.config(&name()).unwrap().unread, None);
    unread.deletion_timestamp = Some(Time("2026-06-01T00:00:00Z".parse().unwrap()));
    index.keep_config(unread, "unknown variant");
    assert!(index.names().is_empty(), "what is being deleted is gone");
}

#[test]
fn an_app_config_of_which_nothing_was_ever_read_is_told_of_and_says_nothing() {
    let directory = directory();
    for mut index in [index(json!({})), Index::new(Enabled::default())] {
        let mut unread = config(json!({})).metadata;
        unread.uid = Some("another".to_owned());
        assert_eq!(index.keep_config(unread.clone(), "unknown variant"), Touched::from([name()]));
        assert_eq!(index.keep_config(unread, "unknown variant"), Touched::new());
        assert!(index.lacks_status(&name()));
        index.show_config(&name(), AppConfigStatus { entries: 7, ..AppConfigStatus::default() });
        assert!(!index.lacks_status(&name()));
        let apps = json!({"metadata": {"name": "apps", "labels": {"new": ""}}});
        assert_eq!(index.apply_namespace(&serde_json::from_value(apps).unwrap()), Touched::new());
        assert_eq!(desire(&index, &directory), Err(Obstacle::Unread));
        let mut read = config(json!({}));
        read.metadata.uid = Some("another".to_owned());
        assert_eq!(index.apply_config(read), Touched::from([name()]));
        assert_ne!(desire(&index, &directory), Err(Obstacle::Unread));
    }
}

#[test]
fn gaps_in_the_directory_touch_the_app_configs_of_their_provider_once() {
    let mut index = index(json!({}));
    assert_eq!(index.set_gaps(Gaps::of(Some("entra"), 1)), Touched::new());
    assert_eq!(index.set_gaps(Gaps::of(Some("okta"), 1)), Touched::from([name()]));
    assert_eq!(index.set_gaps(Gaps::of(Some("okta"), 2)), Touched::new());
    assert!(index.has_gaps("okta"));
    assert_eq!(index.set_gaps(Gaps::default()), Touched::from([name()]));
}

#[test]
fn a_change_touches_those_whom_it_is_about() {
    let index = index(json!({}));
    let mut directory = directory();
    let mut apply = |who: &str| {
        let change = directory.apply_user(user(who, json!({"title": "boss", "resourceVersion": "9"})));
        index.touched(&[change.unwrap()], &directory)
    };
    assert_eq!(apply("adam"), Touched::from([name()]));
    assert_eq!(apply("eve"), Touched::new());
    assert_eq!(index.writing(Kind::ConfigMap, "apps", "cm"), Touched::from([name()]));
    assert_eq!(index.writing(Kind::Secret, "apps", "cm"), Touched::new());
}

mod steps {
    use super::*;

    fn observed(value: Option<&str>, owner: Owner) -> Observed {
        let value = value.map(|value| value.as_bytes().to_vec());
        Observed { resource_version: "7".to_owned(), value, owner }
    }

    fn desired(text: Option<&str>) -> Desired {
        let rendered = Rendered { text: text.map(str::to_owned), entries: 0, left_out: Vec::new() };
        Desired { key: Key::of(&config(json!({}))).unwrap(), rendered, groups_not_found: Vec::new() }
    }

    #[test]
    fn a_text_is_applied_where_it_does_not_stand_yet() {
        let step = |observed: Option<Observed>| desired(Some("a")).step(observed.as_ref());
        assert_eq!(step(None), Step::Apply);
        assert_eq!(step(Some(observed(None, Owner::Nobody))), Step::Apply);
        assert_eq!(step(Some(observed(None, Owner::Us))), Step::Apply, "somebody took it away");
        assert_eq!(step(Some(observed(Some("b"), Owner::Us))), Step::Apply);
        assert_eq!(step(Some(observed(Some("a"), Owner::Us))), Step::Nothing);
    }

    #[test]
    fn a_key_goes_where_it_is_ours() {
        let step = |observed: Option<Observed>| desired(None).step(observed.as_ref());
        assert_eq!(step(None), Step::Nothing);
        assert_eq!(step(Some(observed(None, Owner::Us))), Step::Nothing);
        assert_eq!(step(Some(observed(None, Owner::Nobody))), Step::Nothing);
        assert_eq!(step(Some(observed(Some("a"), Owner::Us))), Step::RemoveKey);
    }

    #[test]
    fn somebody_elses_key_is_left_alone_whatever_it_says() {
        let theirs = observed(Some("a"), Owner::Others(vec!["helm".to_owned()]));
        for text in [Some("a"), Some("b"), None] {
            assert_eq!(desired(text).step(Some(&theirs)), Step::LeaveAlone(vec!["helm".to_owned()]));
        }
    }

    #[test]
    fn a_preview_shows_the_lines_that_come_and_go_and_of_a_secret_how_many() {
        let before = observed(Some("a\nb\nb\n"), Owner::Us);
        let mut desired = desired(Some("b\nc\n"));
        let preview = desired.preview(Some(&before));
        assert_eq!(
            (preview.adds, preview.removes, preview.more),
            (vec!["c".to_owned()], vec!["a".to_owned(), "b".to_owned()], 0)
        );
        assert_eq!(
            preview.verify,
            ["kubectl --namespace=apps get configmap cm --output=jsonpath='{.data.users}'"]
        );
        desired.key.kind = Kind::Secret;
        let preview = desired.preview(Some(&before));
        assert_eq!((preview.adds.len(), preview.removes.len(), preview.more), (0, 0, 3));
    }
}
