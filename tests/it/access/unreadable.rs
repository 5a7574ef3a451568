//! Objects that another version of the product stored and this one cannot read: nobody loses anything by them but the
//! inactive and the deleted, and they say so.

use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{ApiResource, DynamicObject};
use scim_operator::api::ScimAppConfig;

use super::{process::Process, *};
use crate::{cli, directory::alone};

/// Stores what this version does not know, as another may have left it.
pub(crate) async fn store_unknown<K: Resource<DynamicType = ()>>(plane: &ControlPlane, name: &str) {
    store_unknown_choice(plane, &K::plural(&()), "onDelete", json!(["Revoke", "Retain"]), &[name]).await;
}

/// The same in a field that takes these values alone; `object` is the object as kubectl is told of it.
async fn store_unknown_choice(
    plane: &ControlPlane,
    plural: &str,
    field: &str,
    values: Value,
    object: &[&str],
) {
    let definition = format!("customresourcedefinition/{plural}.scim-operator.dev");
    let path = format!("/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/{field}/enum");
    let admit = async |change: Value| {
        let change = json!([change]).to_string();
        plane.kubectl(["patch", &definition, "--type=json", "--patch", &change]).await.unwrap();
    };
    admit(json!({"op": "remove", "path": path})).await;
    let unknown = json!({"spec": {field: "Archive"}}).to_string();
    let patch = [&["patch", plural][..], object, &["--type=merge", "--patch", &unknown]].concat();
    await_until("the API server takes it", async || plane.kubectl(patch.iter().copied()).await.is_ok()).await;
    admit(json!({"op": "add", "path": path, "value": values})).await;
}

/// Stores what this version knows.
async fn correct<K: Resource<DynamicType = ()>>(plane: &ControlPlane, name: &str) {
    let known = json!({"spec": {"onDelete": "Revoke"}}).to_string();
    plane.kubectl(["patch", &K::plural(&()), name, "--type=merge", "--patch", &known]).await.unwrap();
}

/// Until the status of a policy that cannot be read says for so many subjects that it is stalled; since when.
async fn until_stalled(company: &Company, policy: &str, subjects: usize) -> Value {
    let kind = ApiResource::erase::<ScimAccessPolicy>(&());
    let policies = Api::<DynamicObject>::all_with(company.client.clone(), &kind);
    let condition = |policy: &DynamicObject, name: &str, status: &str| {
        let mut conditions = policy.data["status"]["conditions"].as_array().into_iter().flatten();
        let says = |held: &Value| held["message"].as_str().is_some_and(|told| told.contains("Archive"));
        let held = conditions.find(|held| held["type"] == name && held["status"] == status && says(held));
        held.map(|held| held["lastTransitionTime"].clone())
    };
    let told = until(&policies, policy, "stalled", |policy: &DynamicObject| {
        policy.data["status"]["observedGeneration"] == json!(policy.metadata.generation)
            && policy.data["status"]["subjects"] == json!(subjects)
            && condition(policy, "Ready", "False").is_some()
            && condition(policy, "Stalled", "True").is_some()
    })
    .await;
    condition(&told, "Stalled", "True").unwrap()
}

/// Until the guard holds something of a policy that cannot be read.
async fn until_held(company: &Company, policy: &str) {
    let kind = ApiResource::erase::<ScimAccessPolicy>(&());
    let policies = Api::<DynamicObject>::all_with(company.client.clone(), &kind);
    until(&policies, policy, "held", |policy: &DynamicObject| policy.data["status"]["held"].is_object())
        .await;
}

#[tokio::test]
async fn by_a_policy_that_cannot_be_read_the_inactive_lose_access_and_nobody_else() {
    let (plane, _alone) = alone().await;
    let company = Company::on(plane).await;
    let before = Process::healthy(plane).await;
    let policy = company.team(json!({})).await;
    company.may_edit("alice").await;
    drop(before);
    store_unknown::<ScimAccessPolicy>(plane, &policy).await;
    company.user("carol").await;
    let members = ["alice", "carol"].map(|name| company.id(name));
    company.change::<ScimGroup>(&company.id("team"), json!({"spec": {"members": members}})).await;
    company.deactivate("alice").await;

    let restarted = Process::healthy(plane).await;
    company.may_not_edit("alice").await;
    let since = until_stalled(&company, &policy, 1).await;
    company.until_told(&policy, "ObjectUnreadable", "Archive").await;
    company.may_edit("bob").await;
    assert!(!plane.can_i(&company.person("carol"), "create", "configmaps", &company.namespace).await);
    for args in [&["report", "--format=json"][..], &["explain", "bob", "--output=json"]] {
        let args = [args, &["--provider", &company.provider]].concat();
        let ran = cli::run(plane, &Identity::Admin, &args).await;
        assert_eq!(ran.code, 2, "{ran:?}");
        let told = ran.json();
        let why = if args[0] == "report" { &told[0]["source"] } else { &told["given"][0]["doubt"] };
        assert!(why.as_str().unwrap().starts_with("the policy cannot be read: "), "{told}");
    }
    drop(restarted);
    company.deactivate("bob").await;
    let _again = Process::healthy(plane).await;
    assert_eq!(until_stalled(&company, &policy, 0).await, since, "it is as it was");
    company.may_not_edit("bob").await;

    correct::<ScimAccessPolicy>(plane, &policy).await;
    company.may_edit("carol").await;
    let settled = company.until_ready(&policy, "True").await.status.unwrap();
    assert_eq!(settled.conditions.len(), 1, "{settled:?}");
    assert_eq!(settled.namespaces.unwrap().applied, 1);
}

#[tokio::test]
async fn while_a_provider_cannot_be_read_nobody_loses_access_though_reconcile_starts_anew() {
    let (plane, _alone) = alone().await;
    let company = Company::on(plane).await;
    let before = Process::healthy(plane).await;
    let policy = company.team(json!({})).await;
    company.may_edit("alice").await;
    drop(before);
    store_unknown::<ScimProvider>(plane, &company.provider).await;
    company.deactivate("alice").await;

    let _restarted = Process::healthy(plane).await;
    company.until_condition(&policy, "Stalled", "True", "the ScimProvider cannot be read").await;
    let shown = company.until_ready(&policy, "False").await.status.unwrap();
    assert!(shown.conditions.iter().all(|condition| condition.reason == "ProviderUnreadable"), "{shown:?}");
    company.until_told(&company.provider, "ObjectUnreadable", "Archive").await;
    for name in ["alice", "bob"] {
        company.may_edit(name).await;
    }

    correct::<ScimProvider>(plane, &company.provider).await;
    company.may_not_edit("alice").await;
    company.until_ready(&policy, "True").await;
    company.may_edit("bob").await;
}

#[tokio::test]
async fn what_is_held_of_a_policy_that_cannot_be_read_is_approved_all_the_same() {
    let (plane, _alone) = alone().await;
    let _process = Process::healthy(plane).await;
    let company = Company::on(plane).await;
    let guarded = json!({"spec": {
        "guard": {"minimum": 0, "maxRemovals": "0%"},
        "identity": {"user": {"from": "title"}},
    }});
    company.change::<ScimProvider>(&company.provider, guarded).await;
    let set_title = async |title: Option<&str>| {
        company.change::<ScimUser>(&company.id("alice"), json!({"spec": {"title": title}})).await;
    };
    company.user("alice").await;
    set_title(Some("alice")).await;
    company.group("team", &["alice"]).await;
    let policy = company.policy(json!({})).await;
    company.may_edit("alice").await;
    store_unknown::<ScimAccessPolicy>(plane, &policy).await;
    until_stalled(&company, &policy, 1).await;
    set_title(None).await;

    until_held(&company, &policy).await;
    company.may_edit("alice").await;
    let approved = cli::run(plane, &Identity::Admin, &["approve", &policy, "--yes"]).await;
    assert_eq!(approved.code, 0, "{approved:?}");
    assert!(
        approved.complained.contains(&format!("of provider {} holds plan", company.provider)),
        "{approved:?}"
    );
    company.may_not_edit("alice").await;
    plane.kubectl(["delete", "scimaccesspolicy", &policy]).await.unwrap();
}

#[tokio::test]
async fn an_app_config_that_cannot_be_read_says_so_and_goes_on_telling_what_it_said_last() {
    let (plane, _alone) = alone().await;
    let company = Company::on(plane).await;
    let _ = plane.kubectl(["create", "namespace", CONFIGURED]).await;
    let before = Process::healthy(plane).await;
    let readers = json!({"spec": {"appConfigs": {"allowedNamespaces": {"names": [CONFIGURED]}}}});
    company.change::<ScimProvider>(&company.provider, readers).await;
    company.user("alice").await;
    company.user("bob").await;
    company.group("team", &["alice", "bob"]).await;
    let name = unique("config");
    let config = json!({"apiVersion": "scim-operator.dev/v1alpha1", "kind": "ScimAppConfig", "metadata": {"name": name}, "spec": {
        "provider": company.provider,
        "subjects": {"groups": [{"displayName": "team"}]},
        "template": "{% for user in users %}\n{{ user.userName }}\n{% endfor %}\n",
        "format": "Lines",
        "target": {"configMap": {"name": name, "key": "users"}},
    }});
    let resource = ApiResource::erase::<ScimAppConfig>(&());
    let configs = Api::<DynamicObject>::namespaced_with(company.client.clone(), CONFIGURED, &resource);
    configs.create(&PostParams::default(), &serde_json::from_value(config).unwrap()).await.unwrap();
    let tells = async |users: &str| {
        let targets = Api::<ConfigMap>::namespaced(company.client.clone(), CONFIGURED);
        let says = |target: &ConfigMap| target.data.iter().flatten().any(|(_, value)| value == users);
        until(&targets, &name, users, says).await;
    };
    tells("alice\nbob\n").await;

    let values = json!(["Render", "RemoveKey", "Placeholder"]);
    let object = [name.as_str(), "--namespace", CONFIGURED];
    store_unknown_choice(plane, "scimappconfigs", "onEmpty", values, &object).await;
    company.deactivate("alice").await;
    tells("bob\n").await;
    let is_stalled = |config: &DynamicObject| {
        let mut conditions = config.data["status"]["conditions"].as_array().into_iter().flatten();
        config.data["status"]["entries"] == json!(1)
            && conditions.any(|held| held["type"] == "Stalled" && held["reason"] == "Unreadable")
    };
    until(&configs, &name, "stalled, and of one person", is_stalled).await;

    drop(before);
    let _again = Process::healthy(plane).await;
    let says_nothing = |config: &DynamicObject| {
        let mut conditions = config.data["status"]["conditions"].as_array().into_iter().flatten();
        let says = |held: &Value| {
            held["message"].as_str().is_some_and(|told| told.contains("since the operator started"))
        };
        is_stalled(config) && conditions.any(|held| held["type"] == "Stalled" && says(held))
    };
    until(&configs, &name, "stalled, and as it was", says_nothing).await;
    tells("bob\n").await;

    let known = Patch::Merge(json!({"spec": {"onEmpty": "Render"}}));
    configs.patch(&name, &PatchParams::default(), &known).await.unwrap();
    let is_well = |config: &DynamicObject| {
        let mut conditions = config.data["status"]["conditions"].as_array().into_iter().flatten();
        conditions.all(|held| held["type"] == "Ready" && held["status"] == "True")
    };
    until(&configs, &name, "well again", is_well).await;
}

/// Somebody of a provider, as far as a label says, whose moment of creation the API server takes and nobody can read.
pub(crate) async fn unreadable_person(company: &Company, name: &str, labels: Value) {
    let kind = ApiResource::erase::<ScimUser>(&());
    let mut meta = meta();
    meta["created"] = json!("2026-11-23t10:00:00.1234567890123z");
    let spec = json!({"id": company.id(name), "provider": company.provider, "userName": name, "active": true,
        "meta": meta});
    let person = json!({"apiVersion": ScimUser::api_version(&()), "kind": ScimUser::kind(&()),
        "metadata": {"name": company.id(name), "labels": labels}, "spec": spec});
    let people = Api::<DynamicObject>::all_with(company.client.clone(), &kind);
    people.create(&PostParams::default(), &serde_json::from_value(person).unwrap()).await.unwrap();
}

#[tokio::test]
async fn somebody_who_cannot_be_read_holds_up_what_is_not_seen_of_their_own_provider_alone() {
    let (plane, _alone) = alone().await;
    let _process = Process::healthy(plane).await;
    let (sound, broken) = (Company::on(plane).await, Company::on(plane).await);
    let (of_sound, of_broken) = (sound.team(json!({})).await, broken.team(json!({})).await);
    for company in [&sound, &broken] {
        company.user("carol").await;
        let members = ["alice", "bob", "carol"].map(|name| company.id(name));
        company.change::<ScimGroup>(&company.id("team"), json!({"spec": {"members": members}})).await;
        company.may_edit("carol").await;
    }
    unreadable_person(&broken, "mallory", json!({"scim-operator.dev/provider": broken.provider})).await;
    broken.until_condition(&of_broken, "Ready", "False", "cannot be read").await;

    for company in [&sound, &broken] {
        let members = ["alice", "carol"].map(|name| company.id(name));
        company.change::<ScimGroup>(&company.id("team"), json!({"spec": {"members": members}})).await;
        company.api::<ScimUser>().delete(&company.id("alice"), &DeleteParams::default()).await.unwrap();
        company.may_not_edit("alice").await;
    }
    sound.may_not_edit("bob").await;
    sound.until_ready(&of_sound, "True").await;
    broken.may_edit("bob").await;

    unreadable_person(&sound, "nobody", json!({})).await;
    sound.until_condition(&of_sound, "Ready", "False", "cannot be read").await;
    for (company, name) in [(&sound, "nobody"), (&broken, "mallory")] {
        company.api::<ScimUser>().delete(&company.id(name), &DeleteParams::default()).await.unwrap();
    }
    broken.may_not_edit("bob").await;
    sound.until_ready(&of_sound, "True").await;
}
