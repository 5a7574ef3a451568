//! The policy `…-adoptions`: whoever may write bindings of a namespace does not thereby give them to a policy.

use http::Method;
use serde_json::{Value, json};

use super::{Release, assert_refused, assert_taken};
use crate::harness::{Identity, unique};

const MESSAGE: &str = "need the verb adopt on scimaccesspolicies.scim-operator.dev";

/// Somebody who may write the bindings of one namespace, with these rights besides.
struct Owner {
    client: kube::Client,
    path: String,
}

impl Owner {
    async fn new(roles: &[&str]) -> Self {
        let release = Release::get().await;
        let (namespace, user) = (release.plane.namespace("owned").await, unique("owner"));
        release
            .kubectl(&format!("create rolebinding owner --clusterrole=admin --user={user} -n {namespace}"))
            .await;
        for role in roles {
            let role = format!("{}-{role}", Release::NAME);
            release
                .kubectl(&format!("create clusterrolebinding {user} --clusterrole={role} --user={user}"))
                .await;
        }
        for (name, annotations) in
            [("by-hand", None), ("given", Some("scim-operator.dev/adopt=platform-edit"))]
        {
            release
                .kubectl(&format!(
                    "create rolebinding {name} --clusterrole=view --user=owned:alice -n {namespace}"
                ))
                .await;
            if let Some(annotation) = annotations {
                release.kubectl(&format!("annotate rolebinding {name} {annotation} -n {namespace}")).await;
            }
        }
        let path = format!("/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}/rolebindings");
        Self { client: release.plane.client(&Identity::person(&user, &[])).await, path }
    }

    async fn is_refused(&self, method: Method, name: &str, body: &Value) {
        assert_refused(&self.client, method, &format!("{}{name}", self.path), body, MESSAGE).await;
    }

    async fn is_taken(&self, method: Method, name: &str, body: &Value) {
        assert_taken(&self.client, method, &format!("{}{name}", self.path), body).await;
    }
}

fn given_to(policy: Option<&str>) -> Value {
    json!({"metadata": {"annotations": {"scim-operator.dev/adopt": policy}}})
}

fn subjects(names: &[&str]) -> Value {
    let user = |name: &&str| json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": name});
    json!({"subjects": names.iter().map(user).collect::<Vec<_>>()})
}

fn binding(policy: &str) -> Value {
    let mut binding = given_to(Some(policy));
    binding["metadata"]["name"] = json!(unique("adopted"));
    binding["roleRef"] =
        json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"});
    binding["subjects"] = subjects(&["owned:alice"])["subjects"].clone();
    binding
}

#[tokio::test]
async fn whoever_writes_the_bindings_of_a_namespace_gives_none_of_them_to_a_policy() {
    let owner = Owner::new(&[]).await;
    owner.is_refused(Method::PATCH, "/by-hand", &given_to(Some("platform-edit"))).await;
    owner.is_refused(Method::POST, "", &binding("platform-edit")).await;
    owner.is_refused(Method::PATCH, "/given", &given_to(Some("another"))).await;
    owner.is_refused(Method::PATCH, "/given", &subjects(&["owned:alice", "owned:mallory"])).await;
    owner.is_taken(Method::PATCH, "/by-hand", &subjects(&["owned:alice", "owned:mallory"])).await;
    owner.is_taken(Method::PATCH, "/given", &json!({"metadata": {"labels": {"team": "a"}}})).await;
    owner.is_taken(Method::PATCH, "/given", &given_to(None)).await;
}

#[tokio::test]
async fn whoever_writes_policies_too_gives_bindings_to_them() {
    let owner = Owner::new(&["editor"]).await;
    owner.is_taken(Method::PATCH, "/by-hand", &given_to(Some("platform-edit"))).await;
    owner.is_taken(Method::POST, "", &binding("platform-edit")).await;
    owner.is_taken(Method::PATCH, "/given", &subjects(&["owned:alice", "owned:mallory"])).await;
}
