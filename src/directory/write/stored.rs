use std::{fmt::Debug, sync::Arc};

use kube::core::ObjectMeta;
use serde::Serialize;

use super::{
    Fault,
    slices::{AtHand, Slices},
};
use crate::{
    api::{
        Predecessor, ScimGroup, ScimGroupSpec, ScimUser, ScimUserSpec, Successor,
        names::{LABEL_PROVIDER, object_name},
    },
    directory::view::{
        Change, Directory, Entry, Epoch, Fed, Group, GroupObject, Id, ProviderView, Slice, User,
    },
    scim::key::key,
};

/// A kind that the writer stores.
pub(in crate::directory) trait Stored:
    Fed<Indexed: Entry + Clone + Sync> + Serialize + Sync
{
    /// Its spec.
    type Spec: Clone + PartialEq + Serialize + Debug + Send + Sync;
    /// What readers see of its objects.
    type Resource: Send + Sync;
    /// The kind, for metrics.
    const KIND: &'static str;
    /// What SCIM calls it.
    const RESOURCE_TYPE: &'static str;
    /// The attribute whose key names the object.
    const NAME_ATTRIBUTE: &'static str;

    fn with(metadata: ObjectMeta, spec: Self::Spec) -> Self;
    fn spec(&self) -> &Self::Spec;
    fn id(spec: &Self::Spec) -> &str;
    fn provider(spec: &Self::Spec) -> &str;
    fn name_attribute(spec: &Self::Spec) -> &str;
    fn transit(spec: &mut Self::Spec) -> Transit<'_>;
    /// What holds the name of a resource until its slices are there.
    fn without_members(spec: &Self::Spec) -> Self::Spec;
    /// What readers see of an id.
    fn shown(view: &ProviderView, id: &Id) -> Option<Arc<Self::Resource>>;
    /// Every object of an id.
    fn objects<'a>(view: &'a ProviderView, id: &Id) -> &'a [Arc<Self::Indexed>];
    /// The object that a state was read from.
    fn stored(resource: &Self::Resource) -> &Self::Indexed;
    /// The slices of a state.
    fn slices(resource: &Self::Resource) -> &[Arc<Slice>];
    /// What readers will see of an object; `None` when a slice that it names is gone, and so is its state.
    fn complete(
        object: Arc<Self::Indexed>,
        slices: &Slices,
        at_hand: AtHand<'_>,
    ) -> impl Future<Output = Result<Option<Arc<Self::Resource>>, Fault>> + Send;
    fn epoch(directory: &Directory) -> Epoch;
    fn take(directory: &mut Directory, entry: Arc<Self::Indexed>, before: Epoch) -> Option<Change>;
    fn hide(directory: &mut Directory, deleted: &Self::Indexed) -> Option<Change>;

    /// The key that decides the object's name.
    fn key(spec: &Self::Spec) -> String {
        key(Self::name_attribute(spec))
    }

    /// A new object with the name that its key gives it.
    fn new(spec: Self::Spec) -> Self {
        let metadata = ObjectMeta {
            name: Some(object_name(Self::provider(&spec), &Self::key(&spec))),
            labels: Some([(LABEL_PROVIDER.to_owned(), Self::provider(&spec).to_owned())].into()),
            ..ObjectMeta::default()
        };
        Self::with(metadata, spec)
    }
}

/// Where a spec says how far a rename is.
pub(in crate::directory) struct Transit<'a> {
    pub(super) reserved: &'a mut bool,
    pub(super) renamed_from: &'a mut Option<Predecessor>,
    pub(super) renamed_to: &'a mut Option<Successor>,
}

impl Stored for ScimUser {
    type Spec = ScimUserSpec;
    type Resource = User;
    const KIND: &'static str = "ScimUser";
    const RESOURCE_TYPE: &'static str = "User";
    const NAME_ATTRIBUTE: &'static str = "userName";

    fn with(metadata: ObjectMeta, spec: ScimUserSpec) -> Self {
        Self { metadata, spec, status: None }
    }

    fn spec(&self) -> &ScimUserSpec {
        &self.spec
    }

    fn id(spec: &ScimUserSpec) -> &str {
        &spec.id
    }

    fn provider(spec: &ScimUserSpec) -> &str {
        &spec.provider
    }

    fn name_attribute(spec: &ScimUserSpec) -> &str {
        &spec.user_name
    }

    fn transit(spec: &mut ScimUserSpec) -> Transit<'_> {
        let ScimUserSpec { reserved, renamed_from, renamed_to, .. } = spec;
        Transit { reserved, renamed_from, renamed_to }
    }

    fn without_members(spec: &ScimUserSpec) -> ScimUserSpec {
        spec.clone()
    }

    fn shown(view: &ProviderView, id: &Id) -> Option<Arc<User>> {
        view.user(id).cloned()
    }

    fn objects<'a>(view: &'a ProviderView, id: &Id) -> &'a [Arc<User>] {
        view.user_objects(id)
    }

    fn stored(user: &User) -> &User {
        user
    }

    fn slices(_: &User) -> &[Arc<Slice>] {
        &[]
    }

    async fn complete(user: Arc<User>, _: &Slices, _: AtHand<'_>) -> Result<Option<Arc<User>>, Fault> {
        Ok(Some(user))
    }

    fn epoch(directory: &Directory) -> Epoch {
        directory.users_epoch()
    }

    fn take(directory: &mut Directory, user: Arc<User>, before: Epoch) -> Option<Change> {
        directory.apply_written_user(user, before)
    }

    fn hide(directory: &mut Directory, deleted: &User) -> Option<Change> {
        directory.hide_user(deleted)
    }
}

impl Stored for ScimGroup {
    type Spec = ScimGroupSpec;
    type Resource = Group;
    const KIND: &'static str = "ScimGroup";
    const RESOURCE_TYPE: &'static str = "Group";
    const NAME_ATTRIBUTE: &'static str = "displayName";

    fn with(metadata: ObjectMeta, spec: ScimGroupSpec) -> Self {
        Self { metadata, spec, status: None }
    }

    fn spec(&self) -> &ScimGroupSpec {
        &self.spec
    }

    fn id(spec: &ScimGroupSpec) -> &str {
        &spec.id
    }

    fn provider(spec: &ScimGroupSpec) -> &str {
        &spec.provider
    }

    fn name_attribute(spec: &ScimGroupSpec) -> &str {
        &spec.display_name
    }

    fn transit(spec: &mut ScimGroupSpec) -> Transit<'_> {
        let ScimGroupSpec { reserved, renamed_from, renamed_to, .. } = spec;
        Transit { reserved, renamed_from, renamed_to }
    }

    fn without_members(spec: &ScimGroupSpec) -> ScimGroupSpec {
        let spec = spec.clone();
        ScimGroupSpec { creating: true, member_count: 0, groups: Vec::new(), slices: Vec::new(), ..spec }
    }

    fn shown(view: &ProviderView, id: &Id) -> Option<Arc<Group>> {
        view.group(id).cloned()
    }

    fn objects<'a>(view: &'a ProviderView, id: &Id) -> &'a [Arc<GroupObject>] {
        view.group_objects(id)
    }

    fn stored(group: &Group) -> &GroupObject {
        group.stored()
    }

    fn slices(group: &Group) -> &[Arc<Slice>] {
        group.members().slices().unwrap_or_default()
    }

    async fn complete(
        group: Arc<GroupObject>,
        slices: &Slices,
        at_hand: AtHand<'_>,
    ) -> Result<Option<Arc<Group>>, Fault> {
        slices.complete(group, at_hand).await
    }

    fn epoch(directory: &Directory) -> Epoch {
        directory.groups_epoch()
    }

    fn take(directory: &mut Directory, group: Arc<GroupObject>, before: Epoch) -> Option<Change> {
        directory.apply_written_group(group, before)
    }

    fn hide(directory: &mut Directory, deleted: &GroupObject) -> Option<Change> {
        directory.hide_group(deleted)
    }
}
