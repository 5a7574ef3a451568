//! A group whose members stand in slices, as serve writes one.

use jiff::Timestamp;
use kube::{Api, Client, api::PostParams};
use scim_operator::{
    api::{
        ScimGroup, ScimGroupSlice,
        names::{object_name, slice_name},
    },
    directory::view::{Id, bucket_of},
};
use serde_json::{Value, json};

/// How many slices it has: enough for one of them to be missing.
const BUCKETS: u16 = 2;

/// The group `team` of a provider.
pub(crate) struct LargeGroup {
    /// The SCIM id.
    pub(crate) id: String,
    /// The name of its object.
    pub(crate) name: String,
    provider: String,
    members: Vec<String>,
}

impl LargeGroup {
    pub(crate) fn new(provider: &str, members: &[&str]) -> Self {
        Self {
            id: Id::random().to_string(),
            name: object_name(provider, "team"),
            provider: provider.to_owned(),
            members: members.iter().map(|id| (*id).to_owned()).collect(),
        }
    }

    /// Creates its slices and then its object.
    pub(crate) async fn create(&self, client: &Client) {
        for bucket in 0..BUCKETS {
            self.create_slice(client, bucket).await;
        }
        let object = self.object::<ScimGroup>("ScimGroup", &self.name, json!({
            "id": self.id, "displayName": "team", "memberCount": self.members.len(), "slices": vec!["v"; BUCKETS.into()],
            "meta": {"created": Timestamp::UNIX_EPOCH, "lastModified": Timestamp::UNIX_EPOCH, "version": 1},
        }));
        Api::all(client.clone()).create(&PostParams::default(), &object).await.unwrap();
    }

    /// Creates one of its slices.
    pub(crate) async fn create_slice(&self, client: &Client, bucket: u16) {
        let members = self.members.iter().filter(|id| bucket_of(&Id::from(id.as_str()), BUCKETS) == bucket);
        let members: Vec<&String> = members.collect();
        let spec = json!({"group": self.id, "bucket": bucket, "version": "v", "members": members});
        let slice = self.object::<ScimGroupSlice>("ScimGroupSlice", &self.slice_name(bucket), spec);
        Api::all(client.clone()).create(&PostParams::default(), &slice).await.unwrap();
    }

    /// The name of one of its slices.
    pub(crate) fn slice_name(&self, bucket: u16) -> String {
        slice_name(&self.id, bucket, "v")
    }

    fn object<K: serde::de::DeserializeOwned>(&self, kind: &str, name: &str, mut spec: Value) -> K {
        spec["provider"] = json!(self.provider);
        let object = json!({"apiVersion": "scim-operator.dev/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec});
        serde_json::from_value(object).unwrap()
    }
}
