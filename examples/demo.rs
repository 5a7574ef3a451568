//! The main job on an embedded real control plane: an identity provider pushes people, the cluster lets
//! them in, an application hears of them, one of them leaves, and the API server itself says "no".
//! `make demo` runs it; it ends by itself, leaves nothing running, and fails if any answer is not what
//! it should be.
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a story that goes wrong ends, and says where"
)]

#[path = "../tests/it/harness/mod.rs"]
mod harness;

use std::{
    io::{IsTerminal, stdout},
    time::{Duration, Instant},
};

use harness::{
    APPS, Answer, ControlPlane, Fsync, Identity, Installation, Life, NAMESPACE, ScimClient, output, until,
};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;
use serde_json::{Value, json};

const TEAM: &str = "team-a";
const ALICE: &str = "oidc:alice@example.com";

/// What a platform engineer keeps in Git.
const MANIFESTS: &str = include_str!("demo.yaml");

#[tokio::main]
async fn main() {
    chapter("A Kubernetes control plane, real but for nodes: etcd, kube-apiserver, kube-controller-manager");
    let started = Instant::now();
    let plane = ControlPlane::bare(Fsync::No).await;
    say(&format!("ready after {:.1} s", started.elapsed().as_secs_f64()));

    chapter("helm install scim-operator: two workloads, two service accounts, least privilege");
    let operator = Installation::on(&plane, &[], Life::Ours).await;
    say("serve answers SCIM and may not touch RBAC; reconcile gives access and writes no directory");
    kubectl(&plane, &["get", "serviceaccounts,leases", "--namespace", NAMESPACE]).await;

    chapter("What the platform team keeps in Git: a provider, a policy, and what Argo CD is told");
    plane.kubectl(["create", "namespace", TEAM]).await.unwrap();
    apply(&plane).await;
    show(MANIFESTS);
    let create = ["token", "create", "okta", "--expires-in", "8760h"];
    let token = output(plane.operator(&Identity::Admin).args(create)).await.unwrap();
    say("and a token for the identity provider; the cluster keeps its SHA-256 alone:");
    kubectl(&plane, &["get", "scimtokens"]).await;
    // The API server puts watches of kinds that have just been defined off, by seconds.
    kubectl(&plane, &["wait", "--for=condition=Ready", "scimprovider/okta", "--timeout=30s"]).await;
    let okta = Story { plane: &plane, scim: operator.client("okta", token.trim()) };

    chapter("Before anybody was pushed");
    okta.may_alice_deploy("no").await;

    chapter("The identity provider pushes people and a group");
    let alice = okta.creates("/Users", person("alice@example.com", "Alice", "Doe")).await;
    let bob = okta.creates("/Users", person("bob@example.com", "Bob", "Roe")).await;
    let team = okta.creates("/Groups", json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "platform-team", "members": [],
    })).await;
    okta.patches(
        &format!("/Groups/{team}"),
        json!([
            {"op": "add", "path": "members", "value": [{"value": alice}, {"value": bob}]},
        ]),
    )
    .await;
    okta.until_alice_may("yes").await;
    kubectl(&plane, &["get", "scimusers,scimgroups,scimaccesspolicies"]).await;
    okta.may_alice_deploy("yes").await;
    okta.configuration(&["alice@example.com", "bob@example.com"]).await;

    chapter("Alice leaves the company: the identity provider deactivates her");
    okta.patches(&format!("/Users/{alice}"), json!([{"op": "replace", "value": {"active": false}}])).await;
    let answered = Instant::now();
    okta.until_alice_may("no").await;
    let gone = answered.elapsed();
    say(&format!("from the SCIM answer to the API server's \"no\": {} ms", gone.as_millis()));
    assert!(gone < Duration::from_secs(1), "it took longer than a second");
    okta.may_alice_deploy("no").await;
    okta.configuration(&["bob@example.com"]).await;
    kubectl(&plane, &["get", "scimusers"]).await;

    chapter("She comes back: her memberships were kept, and nobody has to push them again");
    okta.patches(&format!("/Users/{alice}"), json!([{"op": "Replace", "path": "active", "value": "True"}]))
        .await;
    okta.until_alice_may("yes").await;
    okta.may_alice_deploy("yes").await;

    chapter("The group is deleted: nobody holds anything through it any more");
    okta.deletes(&format!("/Groups/{team}")).await;
    okta.until_alice_may("no").await;
    okta.may_alice_deploy("no").await;

    chapter(&format!("Done in {:.0} s. Nothing is left running.", started.elapsed().as_secs_f64()));
}

/// The identity provider on one side, the cluster on the other.
struct Story<'a> {
    plane: &'a ControlPlane,
    scim: ScimClient,
}

impl Story<'_> {
    async fn creates(&self, path: &str, body: Value) -> String {
        let answer = self.scim.post(path, body.clone()).await;
        self.told("POST", path, Some(&body), &answer, 201);
        answer.id().to_owned()
    }

    async fn patches(&self, path: &str, operations: Value) {
        let body =
            json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations});
        let answer = self.scim.patch(path, body.clone()).await;
        self.told("PATCH", path, Some(&body["Operations"]), &answer, 200);
    }

    async fn deletes(&self, path: &str) {
        let answer = self.scim.delete(path).await;
        self.told("DELETE", path, None, &answer, 204);
    }

    fn told(&self, method: &str, path: &str, body: Option<&Value>, answer: &Answer, expected: u16) {
        println!("  {} {path} {}", paint(BLUE, method), body.map(Value::to_string).unwrap_or_default());
        let what = answer.body.get("userName").or_else(|| answer.body.get("displayName"));
        let what = what.and_then(Value::as_str).unwrap_or_default();
        println!("    {} {} {what}", paint(GREEN, "answer"), answer.status);
        assert_eq!(answer.status.as_u16(), expected, "{}", answer.body);
    }

    /// Asks the API server until it says so: access has no watch.
    async fn until_alice_may(&self, answer: &str) {
        let alice = Identity::person(ALICE, &[]);
        match answer {
            "yes" => self.plane.until_can(&alice, "create", "deployments.apps", TEAM).await,
            _ => self.plane.until_cannot(&alice, "create", "deployments.apps", TEAM).await,
        }
    }

    async fn may_alice_deploy(&self, expected: &str) {
        let question = ["auth", "can-i", "create", "deployments", "--namespace", TEAM, "--as", ALICE];
        // `kubectl auth can-i` fails when the answer is no.
        let answer = self.plane.kubectl(question).await.unwrap_or_else(|refusal| refusal);
        let is_yes = answer.trim().starts_with("yes");
        println!("  {} kubectl {}", paint(BLUE, "$"), question.join(" "));
        println!("    {}", paint(if is_yes { GREEN } else { RED }, if is_yes { "yes" } else { "no" }));
        assert_eq!(is_yes, expected == "yes", "{answer}");
    }

    /// Shows what the application is told, once it is told of exactly these people.
    async fn configuration(&self, people: &[&str]) {
        let expected: String = people.iter().map(|person| format!("g, {person}, role:admin\n")).collect();
        let maps = Api::<ConfigMap>::namespaced(self.plane.admin().await, APPS);
        let is_told = |map: &ConfigMap| {
            map.data.as_ref().and_then(|data| data.get("policy.scim.csv")) == Some(&expected)
        };
        until(&maps, "argocd-rbac-cm", "what it should be", is_told).await;
        kubectl(
            self.plane,
            &["get", "configmap", "argocd-rbac-cm", "--namespace", APPS, "--output", "jsonpath={.data}"],
        )
        .await;
    }
}

fn person(mail: &str, given: &str, family: &str) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": mail,
        "externalId": format!("00u{}", given.to_lowercase()),
        "name": {"givenName": given, "familyName": family},
        "emails": [{"value": mail, "type": "work", "primary": true}],
        "active": true,
    })
}

async fn apply(plane: &ControlPlane) {
    let file = plane.folder().join("demo.yaml");
    std::fs::write(&file, MANIFESTS).unwrap();
    plane.kubectl(["apply", "-f", file.to_str().unwrap()]).await.unwrap();
}

async fn kubectl(plane: &ControlPlane, args: &[&str]) {
    println!("  {} kubectl {}", paint(BLUE, "$"), args.join(" "));
    show(&plane.kubectl(args.iter().copied()).await.unwrap());
}

const BLUE: &str = "34";
const GREEN: &str = "32";
const RED: &str = "31";
const BOLD: &str = "1";

fn chapter(title: &str) {
    println!("\n{}", paint(BOLD, title));
}

fn say(sentence: &str) {
    println!("  {sentence}");
}

fn show(text: &str) {
    text.lines().for_each(|line| println!("    {line}"));
}

/// Color where somebody looks, and none where a file does.
fn paint(code: &str, text: &str) -> String {
    if stdout().is_terminal() { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
}
