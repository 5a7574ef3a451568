//! What applications are told, read from the ConfigMaps and Secrets that they read.

use std::{collections::BTreeMap, fmt::Debug};

use k8s_openapi::{
    ByteString,
    api::{
        apps::v1::{DaemonSet, Deployment, StatefulSet},
        core::v1::{ConfigMap, Secret},
        events::v1::Event,
    },
};
use kube::{
    Api, Client, Resource, ResourceExt,
    api::{DeleteParams, ListParams, Patch, PatchParams, PostParams},
};
use scim_operator::api::{ScimAppConfig, ScimGroup, ScimProvider, ScimUser};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::{
    access::{CONFIGURED, reconciled},
    harness::{await_until, unique, until},
};

const TEMPLATE: &str = "{% for user in users %}\n{{ user.userName }}\n{% endfor %}\n";

/// An application that reads a ConfigMap of its own, told by a provider of its own.
struct App {
    client: Client,
    provider: String,
    /// The name of its ConfigMap, Secret and Deployment.
    name: String,
}

impl App {
    /// An application, and Adam and Zoe of group `team`.
    async fn new() -> Self {
        let app = Self::of(json!({"appConfigs": {"allowedNamespaces": {"names": [CONFIGURED]}}})).await;
        for who in ["adam", "zoe"] {
            app.user(who, json!({})).await;
        }
        app.group("team", &["zoe", "adam"]).await;
        app
    }

    async fn of(provider: Value) -> Self {
        let client = reconciled().await.admin().await;
        let app = Self { client, provider: unique("apps"), name: unique("app") };
        app.create::<ScimProvider>(&app.provider, provider).await;
        app
    }

    async fn user(&self, name: &str, more: Value) {
        let mut spec = json!({"id": self.id(name), "provider": self.provider, "userName": name, "active": true, "meta": meta()});
        spec.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.create::<ScimUser>(&self.id(name), spec).await;
    }

    async fn group(&self, name: &str, members: &[&str]) {
        let members: Vec<_> = members.iter().map(|member| self.id(member)).collect();
        let spec = json!({"id": self.id(name), "provider": self.provider, "displayName": name,
            "memberCount": members.len(), "members": members, "meta": meta()});
        self.create::<ScimGroup>(&self.id(name), spec).await;
    }

    /// An app config that writes the members of `team` line by line under key `users`, and what `spec` changes of it.
    async fn told(&self, spec: Value) -> String {
        let mut whole = json!({
            "provider": self.provider,
            "subjects": {"groups": [{"displayName": "team"}]},
            "template": TEMPLATE,
            "format": "Lines",
            "target": {"configMap": {"name": self.name, "key": "users"}},
        });
        whole.as_object_mut().unwrap().extend(spec.as_object().unwrap().clone());
        let name = unique("config");
        let object = json!({"apiVersion": "scim-operator.dev/v1alpha1", "kind": "ScimAppConfig",
            "metadata": {"name": name}, "spec": whole});
        let object = serde_json::from_value(object).unwrap();
        self.api::<ScimAppConfig>().create(&PostParams::default(), &object).await.unwrap();
        name
    }

    /// Waits until the ConfigMap holds exactly this.
    async fn until_holds(&self, data: &[(&str, &str)]) -> ConfigMap {
        let data: BTreeMap<String, String> =
            data.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        until(&self.api(), &self.name, &format!("{data:?}"), |object: &ConfigMap| {
            object.data.clone().unwrap_or_default() == data
        })
        .await
    }

    async fn until_condition(
        &self,
        config: &str,
        condition: &str,
        status: &str,
        message: &str,
    ) -> ScimAppConfig {
        let what = format!("{condition}={status}: {message}");
        until(&self.api(), config, &what, |config: &ScimAppConfig| {
            config.status.iter().flat_map(|status| &status.conditions).any(|held| {
                held.type_ == condition && held.status == status && held.message.contains(message)
            })
        })
        .await
    }

    async fn until_event(&self, config: &str, reason: &str) {
        let uid = self.api::<ScimAppConfig>().get(config).await.unwrap().uid();
        await_until(&format!("there is an event {reason} of {config}"), async || {
            let events = self.api::<Event>().list(&ListParams::default()).await.unwrap();
            events.items.iter().any(|event| {
                let about = event.regarding.as_ref().and_then(|about| about.uid.clone());
                about == uid && event.reason.as_deref() == Some(reason)
            })
        })
        .await;
    }

    /// A ConfigMap that Helm manages.
    async fn helm_owns(&self, data: Value) {
        self.apply("helm", data).await;
    }

    async fn apply(&self, manager: &str, data: Value) {
        let object =
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": self.name}, "data": data});
        let params = PatchParams::apply(manager);
        self.api::<ConfigMap>().patch(&self.name, &params, &Patch::Apply(object)).await.unwrap();
    }

    async fn change<K>(&self, api: &Api<K>, name: &str, patch: Value)
    where
        K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned,
    {
        let params = PatchParams { field_manager: Some("kubectl-edit".to_owned()), ..PatchParams::default() };
        api.patch(name, &params, &Patch::Merge(patch)).await.unwrap();
    }

    async fn deactivate(&self, who: &str) {
        self.change(
            &Api::<ScimUser>::all(self.client.clone()),
            &self.id(who),
            json!({"spec": {"active": false}}),
        )
        .await;
    }

    async fn create<K>(&self, name: &str, spec: Value)
    where
        K: Resource<DynamicType = ()> + Clone + Debug + Serialize + DeserializeOwned,
    {
        let object = json!({"apiVersion": K::api_version(&()), "kind": K::kind(&()), "metadata": {"name": name}, "spec": spec});
        let object: K = serde_json::from_value(object).unwrap();
        Api::all(self.client.clone()).create(&PostParams::default(), &object).await.unwrap();
    }

    fn api<K: Resource<DynamicType = (), Scope = k8s_openapi::NamespaceResourceScope>>(&self) -> Api<K> {
        Api::namespaced(self.client.clone(), CONFIGURED)
    }

    fn id(&self, name: &str) -> String {
        format!("{}-{name}", self.provider)
    }
}

fn meta() -> Value {
    json!({"created": "2026-01-01T00:00:00Z", "lastModified": "2026-01-01T00:00:00Z", "version": 1})
}

#[tokio::test]
async fn an_application_is_told_of_the_active_members_of_a_group() {
    let app = App::new().await;
    let config = app.told(json!({})).await;
    app.until_holds(&[("users", "adam\nzoe\n")]).await;
    let shown = app.until_condition(&config, "Ready", "True", "tells about 2 people").await;
    let status = shown.status.unwrap();
    assert_eq!((status.entries, status.bytes, status.observed_generation), (2, 9, Some(1)));
    assert!(status.hash.is_some() && status.applied_at.is_some());
    app.until_event(&config, "Applied").await;

    app.deactivate("zoe").await;
    app.until_holds(&[("users", "adam\n")]).await;
    app.deactivate("adam").await;
    app.until_holds(&[("users", "")]).await;
}

#[tokio::test]
async fn the_other_keys_of_an_object_stay_with_their_owners() {
    let app = App::new().await;
    app.helm_owns(json!({"policy": "theirs"})).await;
    app.told(json!({})).await;
    app.until_holds(&[("policy", "theirs"), ("users", "adam\nzoe\n")]).await;
    app.helm_owns(json!({"policy": "theirs still"})).await;
    app.until_holds(&[("policy", "theirs still"), ("users", "adam\nzoe\n")]).await;
}

#[tokio::test]
async fn two_app_configs_write_two_keys_of_one_object() {
    let app = App::new().await;
    app.told(json!({})).await;
    app.told(json!({"target": {"configMap": {"name": app.name, "key": "again"}}})).await;
    app.until_holds(&[("again", "adam\nzoe\n"), ("users", "adam\nzoe\n")]).await;
    app.deactivate("zoe").await;
    app.until_holds(&[("again", "adam\n"), ("users", "adam\n")]).await;
}

#[tokio::test]
async fn somebody_elses_key_is_left_alone_until_they_give_it_up() {
    let app = App::new().await;
    app.helm_owns(json!({"users": "theirs"})).await;
    let config = app.told(json!({})).await;
    app.until_condition(&config, "Conflict", "True", "belongs to helm").await;
    app.until_holds(&[("users", "theirs")]).await;
    app.until_event(&config, "Conflict").await;

    app.helm_owns(json!({"policy": "theirs"})).await;
    app.until_holds(&[("policy", "theirs"), ("users", "adam\nzoe\n")]).await;
    let shown = app.until_condition(&config, "Ready", "True", "tells about 2 people").await;
    assert_eq!(shown.status.unwrap().conditions.len(), 1, "the conflict is over");
}

#[tokio::test]
async fn what_others_make_of_the_key_is_repaired_at_once() {
    let app = App::new().await;
    let config = app.told(json!({})).await;
    app.until_holds(&[("users", "adam\nzoe\n")]).await;
    app.until_condition(&config, "Ready", "True", "").await;
    let objects = app.api::<ConfigMap>();

    app.change(&objects, &app.name, json!({"data": {"users": "mallory\n", "other": "x"}})).await;
    app.until_holds(&[("other", "x"), ("users", "adam\nzoe\n")]).await;
    app.until_event(&config, "Repaired").await;
    app.change(&objects, &app.name, json!({"data": {"users": null}})).await;
    app.until_holds(&[("other", "x"), ("users", "adam\nzoe\n")]).await;
    objects.delete(&app.name, &DeleteParams::default()).await.unwrap();
    app.until_holds(&[("users", "adam\nzoe\n")]).await;
}

#[tokio::test]
async fn a_secret_is_written_like_a_config_map() {
    let app = App::new().await;
    app.told(json!({"target": {"secret": {"name": app.name, "key": "users"}}})).await;
    let holds = |text: &'static str| {
        let (secrets, app) = (app.api::<Secret>(), &app);
        async move {
            until(&secrets, &app.name, text, |secret: &Secret| {
                let data = secret.data.as_ref().and_then(|data| data.get("users"));
                data == Some(&ByteString(text.as_bytes().to_vec()))
            })
            .await;
        }
    };
    holds("adam\nzoe\n").await;
    app.deactivate("adam").await;
    holds("zoe\n").await;
}

#[tokio::test]
async fn an_empty_list_is_what_the_app_config_says_and_a_missing_group_is_none() {
    let app = App::new().await;
    app.helm_owns(json!({"policy": "theirs"})).await;
    let config = app.told(json!({"onEmpty": "RemoveKey"})).await;
    app.until_holds(&[("policy", "theirs"), ("users", "adam\nzoe\n")]).await;
    app.deactivate("adam").await;
    app.deactivate("zoe").await;
    app.until_holds(&[("policy", "theirs")]).await;
    app.until_condition(&config, "Ready", "True", "nobody is meant").await;

    let app = App::new().await;
    let config = app.told(json!({})).await;
    app.until_holds(&[("users", "adam\nzoe\n")]).await;
    let groups = Api::<ScimGroup>::all(app.client.clone());
    groups.delete(&app.id("team"), &DeleteParams::default()).await.unwrap();
    app.until_condition(&config, "GroupNotFound", "True", "no group has displayName \"team\"").await;
    app.until_holds(&[("users", "adam\nzoe\n")]).await;
}

#[tokio::test]
async fn a_person_who_cannot_be_written_is_left_out_and_named() {
    let app = App::new().await;
    app.user("mallory", json!({"displayName": "x\ng, mallory, role:admin"})).await;
    app.user("trent", json!({"displayName": "Trent"})).await;
    let users = json!({"users": {"filter": "displayName pr"}});
    let template = "{% for user in users %}\n{{ user.displayName }}\n{% endfor %}\n";
    let config = app.told(json!({"subjects": users, "template": template})).await;
    app.until_holds(&[("users", "Trent\n")]).await;
    let who = format!("user {}: displayName holds U+000A", app.id("mallory"));
    app.until_condition(&config, "Invalid", "True", &who).await;
    app.until_condition(&config, "Ready", "True", "").await;
}

#[tokio::test]
async fn a_template_that_fails_changes_nothing() {
    let app = App::new().await;
    let config = app.told(json!({})).await;
    app.until_holds(&[("users", "adam\nzoe\n")]).await;
    let broken = json!({"spec": {"template": "{% for user in users %}{{ user.nmae }}{% endfor %}"}});
    app.change(&app.api::<ScimAppConfig>(), &config, broken).await;
    app.until_condition(&config, "Invalid", "True", "`user.nmae` is undefined").await;
    app.until_condition(&config, "Ready", "False", "").await;
    app.until_holds(&[("users", "adam\nzoe\n")]).await;
}

#[tokio::test]
async fn a_directory_is_read_where_its_provider_and_the_chart_say_so() {
    let app = App::of(json!({})).await;
    app.user("adam", json!({})).await;
    app.group("team", &["adam"]).await;
    let config = app.told(json!({})).await;
    app.until_condition(&config, "Ready", "False", "spec.appConfigs.allowedNamespaces").await;
    let by_label = json!({"selector": {"matchLabels": {"kubernetes.io/metadata.name": CONFIGURED}}});
    let providers = Api::<ScimProvider>::all(app.client.clone());
    let allow = json!({"spec": {"appConfigs": {"allowedNamespaces": by_label}}});
    app.change(&providers, &app.provider, allow).await;
    app.until_holds(&[("users", "adam\n")]).await;

    let elsewhere = reconciled().await.namespace("elsewhere").await;
    let there = Api::<ScimAppConfig>::namespaced(app.client.clone(), &elsewhere);
    let mut copy = app.api::<ScimAppConfig>().get(&config).await.unwrap();
    copy.metadata = kube::api::ObjectMeta { name: Some("copy".to_owned()), ..Default::default() };
    there.create(&PostParams::default(), &copy).await.unwrap();
    until(&there, "copy", "not enabled", |config: &ScimAppConfig| {
        let mut conditions = config.status.iter().flat_map(|status| &status.conditions);
        conditions
            .any(|held| held.reason == "NamespaceNotEnabled" && held.message.contains("appConfig.namespaces"))
    })
    .await;
    let objects = Api::<ConfigMap>::namespaced(app.client.clone(), &elsewhere);
    assert!(objects.get_opt(&app.name).await.unwrap().is_none());
}

#[tokio::test]
async fn a_preview_shows_what_would_change_and_changes_nothing() {
    let app = App::new().await;
    let config = app.told(json!({"mode": "Preview"})).await;
    let shown = app.until_condition(&config, "Ready", "True", "2 people would be told about").await;
    assert_eq!(shown.status.unwrap().preview.unwrap().adds, ["adam", "zoe"]);
    assert!(app.api::<ConfigMap>().get_opt(&app.name).await.unwrap().is_none());
}

#[tokio::test]
async fn a_workload_rolls_out_when_the_content_changed_and_not_otherwise() {
    let app = App::new().await;
    let labels = json!({"app": app.name});
    let deployment = json!({
        "metadata": {"name": app.name},
        "spec": {"replicas": 0, "selector": {"matchLabels": labels}, "template": {
            "metadata": {"labels": labels},
            "spec": {"containers": [{"name": "app", "image": "example.com/app"}]},
        }},
    });
    let deployment: Deployment = serde_json::from_value(deployment).unwrap();
    let deployments = app.api::<Deployment>();
    deployments.create(&PostParams::default(), &deployment).await.unwrap();
    let config = app.told(json!({"restart": [{"kind": "Deployment", "name": app.name}]})).await;
    let rolled_out = |generation: i64| {
        let deployments = deployments.clone();
        let name = &app.name;
        async move {
            until(&deployments, name, &format!("generation {generation}"), |object: &Deployment| {
                object.metadata.generation == Some(generation)
            })
            .await
        }
    };
    let first = rolled_out(2).await;
    app.until_condition(&config, "Ready", "True", "").await;
    app.change(&app.api::<ScimAppConfig>(), &config, json!({"spec": {"parameters": {"unused": "x"}}})).await;
    until(&app.api(), &config, "seen", |config: &ScimAppConfig| {
        config.status.as_ref().is_some_and(|status| status.observed_generation == Some(2))
    })
    .await;
    app.deactivate("zoe").await;
    let second = rolled_out(3).await;
    let annotations =
        |object: &Deployment| object.spec.clone().unwrap().template.metadata.unwrap().annotations.unwrap();
    assert_ne!(annotations(&first), annotations(&second));
    assert_eq!(annotations(&second).len(), 1);
}

#[tokio::test]
async fn stateful_sets_and_daemon_sets_roll_out_too() {
    let app = App::new().await;
    let labels = json!({"app": app.name});
    let workload = json!({
        "metadata": {"name": app.name},
        "spec": {"selector": {"matchLabels": labels}, "template": {
            "metadata": {"labels": labels},
            "spec": {"containers": [{"name": "app", "image": "example.com/app"}]},
        }},
    });
    let (sets, daemons) = (app.api::<StatefulSet>(), app.api::<DaemonSet>());
    sets.create(&PostParams::default(), &serde_json::from_value(workload.clone()).unwrap()).await.unwrap();
    daemons.create(&PostParams::default(), &serde_json::from_value(workload).unwrap()).await.unwrap();
    let kinds = ["StatefulSet", "DaemonSet"].map(|kind| json!({"kind": kind, "name": app.name}));
    app.told(json!({"restart": kinds})).await;
    let what = "of generation 2";
    until(&sets, &app.name, what, |set: &StatefulSet| set.metadata.generation == Some(2)).await;
    until(&daemons, &app.name, what, |set: &DaemonSet| set.metadata.generation == Some(2)).await;
}
