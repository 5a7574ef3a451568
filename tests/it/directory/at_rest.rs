//! A provider's groups as the API server holds them, and groups that somebody put there.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use futures::{StreamExt, stream};
use kube::{
    Api, Client, ResourceExt,
    api::{DeleteParams, ListParams, PostParams},
};
use scim_operator::{
    api::{Recent, ScimGroup, ScimGroupSlice},
    directory::view::{Group, GroupObject, SliceObject, bucket_of},
};

use super::*;

/// How many writes the administrator has in flight.
const WRITES: usize = 16;

/// Every group and every slice of a provider.
pub(super) struct AtRest {
    pub(super) groups: Vec<ScimGroup>,
    pub(super) slices: Vec<ScimGroupSlice>,
}

impl AtRest {
    pub(super) async fn of(client: &Client, provider: &Provider) -> Self {
        let of_provider = ListParams::default().fields(&format!("spec.provider={}", provider.name()));
        let (groups, slices) = (Api::all(client.clone()), Api::all(client.clone()));
        let (groups, slices) = tokio::join!(groups.list(&of_provider), slices.list(&of_provider));
        Self { groups: groups.unwrap().items, slices: slices.unwrap().items }
    }

    /// Whether nobody has to do anything more: no group is in the middle of something, and no slice is there
    /// that none names.
    pub(super) fn is_settled(&self) -> bool {
        let is_visible = |group: &ScimGroup| {
            !group.spec.creating && !group.spec.reserved && group.spec.renamed_to.is_none()
        };
        let named: BTreeSet<String> = self.groups.iter().flat_map(names).collect();
        let there: BTreeSet<String> = self.slices.iter().map(ResourceExt::name_any).collect();
        self.groups.iter().all(is_visible) && named == there
    }

    /// What the API server counts of each object, by name: its version, which every write changes, and its generation,
    /// which every change of its spec counts up.
    pub(super) fn counted(&self) -> BTreeMap<String, (String, i64)> {
        let groups = self.groups.iter().map(|group| &group.metadata);
        let all = groups.chain(self.slices.iter().map(|slice| &slice.metadata)).cloned();
        all.map(|it| (it.name.unwrap(), (it.resource_version.unwrap(), it.generation.unwrap()))).collect()
    }

    /// The members of the one group, as whoever reads its object and its slices sees them.
    #[track_caller]
    pub(super) fn members(&self) -> BTreeSet<String> {
        let [group] = &*self.groups else { panic!("one group, not {}", self.groups.len()) };
        let slices: Vec<_> =
            self.slices.iter().map(|slice| SliceObject::from_object(slice.clone()).unwrap()).collect();
        let find = |bucket: u16, version: &str| {
            let is_it =
                |slice: &&SliceObject| (slice.slice.bucket, &*slice.slice.version) == (bucket, version);
            slices.iter().find(is_it).map(|slice| slice.content.clone())
        };
        let object = Arc::new(GroupObject::from_object(group.clone()).unwrap());
        let read = Group::new(object, find).expect("every slice is there that the group names");
        let members: BTreeSet<String> = read.members().iter().map(Id::to_string).collect();
        let count = usize::try_from(group.spec.member_count).unwrap();
        assert_eq!((members.len(), count), (read.members().len(), members.len()));
        members
    }
}

/// The names of the slices that a group names.
fn names(group: &ScimGroup) -> Vec<String> {
    GroupObject::from_object(group.clone()).unwrap().slices().map(|slice| slice.name()).collect()
}

/// A group that the administrator puts there, as if it had been pushed.
pub(super) struct Seed {
    pub(super) id: Id,
    pub(super) name: &'static str,
    /// Those whom its slices, or it itself, name.
    pub(super) members: Vec<String>,
    /// Those whom its log adds to them.
    pub(super) added: Vec<String>,
}

impl Seed {
    /// A group of so many whom nobody knows, and a log of so many more.
    pub(super) fn new(members: usize, added: usize) -> Self {
        let ids = |count| (0..count).map(|_| Id::random().to_string()).collect();
        Self { id: Id::random(), name: "team", members: ids(members), added: ids(added) }
    }

    pub(super) fn everybody(&self) -> BTreeSet<String> {
        self.members.iter().chain(&self.added).cloned().collect()
    }

    /// Puts the group there, in slices unless it is small, and returns its object.
    pub(super) async fn plant(&self, client: &Client, provider: &Provider) -> ScimGroup {
        let count = if self.members.len() <= 500 { 0 } else { self.members.len().div_ceil(250) };
        let buckets = self.buckets(u16::try_from(count).unwrap());
        let slices =
            (0..).zip(buckets).map(|(bucket, members)| self.slice(provider, bucket, "seed", members));
        create(client, slices).await;
        let meta = json!({"created": clock::now(), "lastModified": clock::now(), "version": 1});
        let mut spec = json!({
            "id": self.id.to_string(),
            "provider": **provider.name(),
            "displayName": self.name,
            "memberCount": self.members.len() + self.added.len(),
            "meta": meta,
        });
        if count == 0 {
            spec["members"] = json!(self.members);
        } else {
            spec["slices"] = json!(vec!["seed"; count]);
            spec["recent"] = json!(Recent { added: self.added.clone(), removed: Vec::new() });
        }
        let name = scim_operator::api::names::object_name(provider.name(), self.name);
        let group: ScimGroup = serde_json::from_value(json!({
            "apiVersion": "scim-operator.dev/v1alpha1",
            "kind": "ScimGroup",
            "metadata": {"name": name, "labels": {"scim-operator.dev/provider": **provider.name()}},
            "spec": spec,
        }))
        .unwrap();
        Api::all(client.clone()).create(&PostParams::default(), &group).await.unwrap()
    }

    /// Writes slices of it that its object does not name, in this many buckets.
    pub(super) async fn plant_unnamed(&self, client: &Client, provider: &Provider, buckets: u16) {
        let members = self.buckets(buckets);
        create(
            client,
            (0..).zip(members).map(|(bucket, members)| self.slice(provider, bucket, "other", members)),
        )
        .await;
    }

    fn buckets(&self, count: u16) -> Vec<Vec<&String>> {
        let mut buckets = vec![Vec::new(); count.into()];
        for id in &self.members {
            let bucket = bucket_of(&id.as_str().into(), count);
            buckets.get_mut(usize::from(bucket)).into_iter().for_each(|ids| ids.push(id));
        }
        buckets
    }

    fn slice(
        &self,
        provider: &Provider,
        bucket: u16,
        version: &str,
        members: Vec<&String>,
    ) -> ScimGroupSlice {
        serde_json::from_value(json!({
            "apiVersion": "scim-operator.dev/v1alpha1",
            "kind": "ScimGroupSlice",
            "metadata": {"name": format!("{}-{bucket}-{version}", self.id)},
            "spec": {
                "provider": **provider.name(),
                "group": self.id.to_string(),
                "bucket": bucket,
                "version": version,
                "members": members,
            },
        }))
        .unwrap()
    }
}

async fn create(client: &Client, slices: impl Iterator<Item = ScimGroupSlice>) {
    let api: Api<ScimGroupSlice> = Api::all(client.clone());
    let creations = stream::iter(slices).map(async |slice| {
        api.create(&PostParams::default(), &slice).await.unwrap();
    });
    creations.buffer_unordered(WRITES).collect::<Vec<()>>().await;
}

/// Takes every group and slice of a provider away: a hundred thousand members are a burden to whoever lists.
pub(super) async fn clear(client: &Client, provider: &Provider) {
    let of_provider = ListParams::default().fields(&format!("spec.provider={}", provider.name()));
    let (groups, slices) =
        (Api::<ScimGroup>::all(client.clone()), Api::<ScimGroupSlice>::all(client.clone()));
    for group in groups.list(&of_provider).await.unwrap() {
        groups.delete(&group.name_any(), &DeleteParams::default()).await.unwrap();
    }
    let slices_left = slices.list_metadata(&of_provider).await.unwrap().items;
    let deletions = stream::iter(slices_left).map(async |slice| {
        // The janitor of another test may have been here.
        let _ = slices.delete(&slice.name_any(), &DeleteParams::default()).await;
    });
    deletions.buffer_unordered(WRITES).collect::<Vec<()>>().await;
}
