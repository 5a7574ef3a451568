//! What is measured: a control plane, `serve` on it, and directories of any size.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use futures::{StreamExt, TryStreamExt, stream};
use http::Method;
use kube::{
    Api, Client,
    api::{ListParams, PostParams},
};
use scim_operator::api::{ScimProvider, ScimUser};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use super::{
    harness::{ControlPlane, Fsync, Identity, Installation, Life, NAMESPACE, Process, await_until, output},
    http::Http,
    map::Map,
    people::{self, Template},
};

/// How many objects are written at once: more make an API server slower, not faster.
pub const WRITERS: usize = 8;

/// Sizes of directories, in people.
pub const SMALL: usize = 1_000;
pub const MIDDLING: usize = 10_000;
pub const LARGE: usize = 100_000;

/// The operator on a control plane of its own.
pub struct World {
    pub plane: ControlPlane,
    pub serve: Process,
    /// Writes as `serve` does, without it.
    pub kube: Client,
    pub map: Map,
    directories: HashMap<usize, OnceCell<Directory>>,
}

/// A provider's directory.
pub struct Directory {
    pub name: String,
    pub http: Http,
    /// What its people's objects look like.
    pub template: Template,
}

impl World {
    /// Starts everything.
    pub async fn start() -> Self {
        let plane = ControlPlane::bare(Fsync::Yes).await;
        Installation::install(&plane, &[]).await;
        let serve = Process::start(&plane, "scim-operator-serve", Life::Ours).await;
        let account = plane.service_account(NAMESPACE, "scim-operator-serve").await;
        let kube = plane.client(&account).await;
        let directories = [SMALL, MIDDLING, LARGE].map(|people| (people, OnceCell::new())).into();
        Self { plane, serve, kube, map: Map::start(), directories }
    }

    /// A directory of this size, the same one for everybody who asks.
    pub async fn people(&self, people: usize) -> Result<&Directory, String> {
        let populated = async || self.populated(&format!("people-{people}"), people).await;
        self.directories[&people].get_or_try_init(populated).await
    }

    /// A new provider without limits, with person 0 in it. Its name is before the name of everybody whom the API
    /// server knows by it.
    pub async fn directory(&self, name: &str) -> Result<Directory, String> {
        let unlimited = i32::MAX;
        let provider: ScimProvider = serde_json::from_value(json!({
            "apiVersion": "scim-operator.dev/v1alpha1",
            "kind": "ScimProvider",
            "metadata": {"name": name},
            "spec": {
                "identity": {"user": {"prefix": format!("{name}:")}},
                "limits": {
                    "users": unlimited, "groups": unlimited, "requestsPerSecond": unlimited, "burst": unlimited,
                },
            },
        }))
        .expect("a provider");
        let providers = Api::all(self.plane.admin().await);
        providers.create(&PostParams::default(), &provider).await.expect("a new provider");
        let token = output(self.plane.operator(&Identity::Admin).args(["token", "create", name])).await;
        let http =
            Http::new(format!("{}/scim/v2/{name}", self.serve.scim()), token.expect("a new token").trim());
        let is_served = async || http.get(http.uri("/ServiceProviderConfig")).await.is_ok();
        await_until("the provider is served", is_served).await;
        let template = self.template(name, &http).await?;
        Ok(Directory { name: name.to_owned(), http, template })
    }

    /// A directory of people, written past the operator.
    pub async fn populated(&self, name: &str, people: usize) -> Result<Directory, String> {
        let directory = self.directory(name).await?;
        let begun = Instant::now();
        stream::iter(1..people)
            .map(|number| self.create::<IgnoredAny>(directory.template.person(number)))
            .buffer_unordered(WRITERS)
            .try_for_each(async |_| Ok(()))
            .await?;
        directory.until_it_has(people).await;
        eprintln!("{people} people after {:.0} s", begun.elapsed().as_secs_f64());
        Ok(directory)
    }

    /// Creates person 0, and looks at their object.
    async fn template(&self, provider: &str, http: &Http) -> Result<Template, String> {
        http.send(Method::POST, http.uri("/Users"), people::person(0).to_string()).await?;
        let of_provider = ListParams::default().fields(&format!("spec.provider={provider}"));
        let users = Api::<ScimUser>::all(self.kube.clone()).list(&of_provider).await;
        let user = users.map_err(|error| error.to_string())?.items.pop().ok_or("the person has no object")?;
        Ok(Template::of(serde_json::to_value(user).expect("an object")))
    }

    /// Creates an object of a person without the operator.
    pub async fn create<T: DeserializeOwned>(&self, object: String) -> Result<T, String> {
        self.write("POST", "scimusers", "application/json", object).await
    }

    /// Writes an object without the operator.
    pub async fn write<T: DeserializeOwned>(
        &self,
        method: &str,
        path: &str,
        content_type: &str,
        body: String,
    ) -> Result<T, String> {
        let request = http::Request::builder()
            .method(method)
            .uri(format!("/apis/scim-operator.dev/v1alpha1/{path}?fieldManager=scim-operator-serve"))
            .header(http::header::CONTENT_TYPE, content_type)
            .body(body.into_bytes())
            .expect("a request");
        self.kube.request(request).await.map_err(|error| error.to_string())
    }
}

impl Directory {
    /// How many people it has.
    pub async fn count(&self) -> Option<u64> {
        let answer = self.http.get(self.http.uri("/Users?count=0")).await.ok()?;
        answer.json()["totalResults"].as_u64()
    }

    /// The ids of so many people, in the order of their creation.
    pub async fn ids(&self, people: usize) -> Result<Vec<String>, String> {
        let numbered = self.numbered_ids(people).await?;
        Ok(numbered.into_iter().map(|(_, id)| id).collect())
    }

    /// The same, each with the number of the person.
    pub async fn numbered_ids(&self, people: usize) -> Result<Vec<(usize, String)>, String> {
        let mut ids = Vec::new();
        while ids.len() < people {
            let path = format!("/Users?attributes=userName&count=1000&startIndex={}", ids.len() + 1);
            let page = self.http.get(self.http.uri(&path)).await?.json();
            let page = page["Resources"].as_array().into_iter().flatten();
            ids.extend(page.filter_map(|person| {
                let number = people::number(person["userName"].as_str()?)?;
                Some((number, person["id"].as_str()?.to_owned()))
            }));
        }
        ids.truncate(people);
        Ok(ids)
    }

    /// Creates a group of these members, and returns its id.
    pub async fn create_group(&self, name: &str, members: &[String]) -> Result<String, String> {
        let uri = self.http.uri("/Groups?attributes=id");
        let group = self.http.send(Method::POST, uri, group(name, members)).await?.json();
        Ok(group["id"].as_str().unwrap_or_default().to_owned())
    }

    /// Returns once the index has so many people.
    pub async fn until_it_has(&self, people: usize) {
        let begun = Instant::now();
        while self.count().await != u64::try_from(people).ok() {
            assert!(begun.elapsed() < Duration::from_secs(180), "{} never has {people} people", self.name);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// The body of a group.
pub fn group(name: &str, members: &[String]) -> String {
    let schemas = ["urn:ietf:params:scim:schemas:core:2.0:Group"];
    json!({"schemas": schemas, "displayName": name, "members": values(members)}).to_string()
}

/// Ids as members.
pub fn values(members: &[String]) -> Vec<Value> {
    members.iter().map(|id| json!({"value": id})).collect()
}

/// The body of a PATCH.
pub fn patch(operations: Value) -> String {
    json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations})
        .to_string()
}
