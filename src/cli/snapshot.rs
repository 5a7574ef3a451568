//! What access is made from, as whoever asks may read it: listed once, and then only looked at.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap},
    fmt::Debug,
    pin::pin,
    sync::Arc,
};

use futures::TryStreamExt;
use jiff::Timestamp;
use k8s_openapi::api::{
    core::v1::Namespace,
    rbac::v1::{ClusterRole, ClusterRoleBinding, PolicyRule, Role, RoleBinding, RoleRef, Subject},
};
use kube::{
    Api, Client, Resource, ResourceExt,
    core::{DeserializeGuard, error_boundary::InvalidObject},
};
use serde::de::DeserializeOwned;

use super::{
    Answer, Error,
    pages::pages,
    unread::{self, Unread},
};
use crate::{
    access::{Bindable, BindingObject, Index, Place, Plan, Protected, RoleName, Subject as Named, Touched},
    api::{
        RoleKind, ScimAccessPolicy, ScimGroup, ScimGroupSlice, ScimProvider, ScimUser, names::LABEL_PROVIDER,
    },
    directory::view::{Directory, Gaps, GroupObject, Id, SliceObject, User},
    scim::key::key,
};

/// How often groups are listed again while slices are missing that others replaced meanwhile.
const TRIES: usize = 4;

/// The kinds of the directory.
const DIRECTORY: [fn(&()) -> Cow<'_, str>; 3] = [ScimUser::kind, ScimGroup::kind, ScimGroupSlice::kind];

/// Everything that access is made from. It knows no list of the chart's: what the operator refuses, the status of
/// a policy tells.
pub struct Snapshot {
    /// People and groups.
    pub directory: Directory,
    /// Policies, bindings, and what else plans are made from.
    pub index: Index,
    /// Bindings that are none of the operator's.
    pub foreign: Vec<Foreign>,
    rules: HashMap<RoleKey, Vec<PolicyRule>>,
    unread: Vec<Unread>,
    /// Policies that cannot be read, and why. What they gave is known by their bindings.
    unread_policies: BTreeMap<String, String>,
}

/// A role by its namespace, or none for a ClusterRole, and its name.
type RoleKey = (Option<Arc<str>>, Arc<str>);

/// A binding that is none of the operator's.
pub struct Foreign {
    /// `metadata.name`.
    pub name: String,
    /// What it gives, and where.
    pub place: Place,
    /// To whom.
    pub subjects: Vec<Named>,
}

impl Snapshot {
    /// Lists everything, page by page.
    ///
    /// # Errors
    /// When something cannot be listed; which right it takes, the message says.
    pub async fn load(client: &Client) -> Result<Self, Error> {
        let (people, providers, policies, namespaces, cluster_roles, roles, in_namespaces, everywhere) = tokio::try_join!(
            people(client),
            list::<ScimProvider>(client, &[]),
            list::<ScimAccessPolicy>(client, &[]),
            list::<Namespace>(client, &[]),
            list::<ClusterRole>(client, &[]),
            list::<Role>(client, &[]),
            list::<RoleBinding>(client, &[]),
            list::<ClusterRoleBinding>(client, &[]),
        )?;
        let (directory, users, groups) = people;
        let gaps = [&users, &groups]
            .map(|unread| unread.iter().map(|object| (object.of.clone(), 1)).collect::<Gaps>());
        let mut unread = [users, groups].concat();
        let mut snapshot = Self {
            index: Index::new(Bindable::Any, Protected::default()),
            directory,
            foreign: Vec::new(),
            rules: HashMap::new(),
            unread: Vec::new(),
            unread_policies: BTreeMap::new(),
        };
        let index = &mut snapshot.index;
        for provider in &providers.unread {
            provider.of.iter().for_each(|name| _ = index.keep_provider(name));
        }
        for provider in providers.read(&mut unread) {
            index.apply_provider(provider, &snapshot.directory);
        }
        namespaces.read(&mut unread).iter().for_each(|namespace| _ = index.apply_namespace(namespace));
        for role in cluster_roles.read(&mut unread) {
            index.apply_cluster_role(&role);
            snapshot.rules.insert((None, role.name_any().into()), role.rules.unwrap_or_default());
        }
        for role in roles.read(&mut unread) {
            index.apply_namespaced_role(&role);
            let key = (role.namespace().map(Into::into), role.name_any().into());
            snapshot.rules.insert(key, role.rules.unwrap_or_default());
        }
        for InvalidObject { metadata, error } in &policies.invalid {
            snapshot.unread_policies.extend(metadata.name.clone().map(|name| (name, error.clone())));
            index.keep_policy(metadata.clone(), error);
        }
        policies.read(&mut unread).into_iter().for_each(|policy| _ = index.apply_policy(policy));
        let in_namespaces = in_namespaces.read(&mut unread);
        in_namespaces.iter().for_each(|b| snapshot.take(b, &b.role_ref, b.subjects.as_deref()));
        let everywhere = everywhere.read(&mut unread);
        everywhere.iter().for_each(|b| snapshot.take(b, &b.role_ref, b.subjects.as_deref()));
        let [users, groups] = gaps;
        snapshot.index.set_gaps(users, groups);
        snapshot.unread = unread;
        Ok(snapshot)
    }

    fn take(&mut self, binding: &impl BindingObject, role: &RoleRef, subjects: Option<&[Subject]>) {
        if let Some(observed) = self.index.observe(binding) {
            self.index.apply_binding(observed);
            return;
        }
        let kind = if role.kind == "Role" { RoleKind::Role } else { RoleKind::ClusterRole };
        let role = RoleName { kind, name: role.name.as_str().into() };
        self.foreign.push(Foreign {
            name: binding.name_any(),
            place: Place { namespace: binding.namespace().map(Into::into), role },
            subjects: subjects.unwrap_or_default().iter().map(Named::of).collect(),
        });
    }

    /// Looks whether there is a namespace that somebody asks about.
    ///
    /// # Errors
    /// When there is none: a typing error would look like nobody's access.
    pub fn know_namespace(&self, name: Option<&str>) -> Result<(), Error> {
        match name.filter(|name| !self.index.has_namespace(name)) {
            Some(name) => Err(format!("there is no namespace {name}").into()),
            None => Ok(()),
        }
    }

    /// What a role lets somebody do; nothing where it does not exist.
    pub fn rules(&self, place: &Place) -> &[PolicyRule] {
        let namespace = place.namespace.as_ref().filter(|_| place.role.kind == RoleKind::Role).cloned();
        self.rules.get(&(namespace, place.role.name.clone())).map_or(&[], Vec::as_slice)
    }

    /// The person of this userName, SCIM id or identity string, as each provider has them that shares them.
    ///
    /// # Errors
    /// When there is nobody, or more than one person.
    pub fn person(&self, text: &str, provider: Option<&str>) -> Result<Vec<Arc<User>>, Error> {
        let views = self.directory.providers().filter(|(name, _)| provider.is_none_or(|own| own == *name));
        let found = views.flat_map(|(_, view)| {
            view.user(&Id::from(text)).into_iter().chain(view.user_by_key(&key(text))).cloned()
        });
        let named = Named::User(text.into());
        let called = self.index.called(&named).cloned();
        let called = called.filter(|user| provider.is_none_or(|own| own == &**user.provider()));
        let found: BTreeMap<_, Arc<User>> = found.chain(called).map(|user| (who(&user), user)).collect();
        let Some(one) = found.values().next() else {
            return Err(format!("nobody has the userName, SCIM id or identity string {text:?}").into());
        };
        let person: BTreeMap<_, Arc<User>> =
            self.index.same_person(one).into_iter().map(|user| (who(&user), user)).collect();
        if found.keys().all(|user| person.contains_key(user)) {
            return Ok(person.into_values().collect());
        }
        let several = found.keys().map(|(provider, id)| format!("{id} of provider {provider}"));
        let several = several.collect::<Vec<_>>().join(", ");
        Err(format!("{text:?} may be any of these: {several}; say which by --provider, or by the id").into())
    }

    /// The names of all policies that can be read.
    pub fn policies(&self) -> Touched {
        let mut names = self.index.policies();
        names.retain(|name| !self.unread_policies.contains_key(&**name));
        names
    }

    /// The plan of a policy.
    ///
    /// # Errors
    /// When there is none of this name, or it cannot be read.
    pub fn plan(&self, name: &str, now: Timestamp) -> Result<(Arc<ScimAccessPolicy>, Plan), Error> {
        if let Some(why) = self.unread_policies.get(name) {
            return Err((cannot_be_read::<ScimAccessPolicy>(name) + why).into());
        }
        let plan = self.index.plan_by(name, &self.directory, now);
        plan.ok_or_else(|| format!("there is no ScimAccessPolicy {name}").into())
    }

    /// The answer, unless objects could not be read that may matter to it: about the people of one provider, or about
    /// everybody.
    ///
    /// # Errors
    /// When standard error is gone.
    pub fn conclude(&self, answer: Answer, provider: Option<&str>) -> Result<Answer, Error> {
        unread::conclude(answer, &self.unread, provider, &self.index)
    }
}

fn who(user: &User) -> (Arc<str>, Id) {
    (user.provider().clone(), user.id().clone())
}

/// The directory, and which of its people and groups cannot be read.
async fn people(client: &Client) -> Result<(Directory, Vec<Unread>, Vec<Unread>), Error> {
    let (mut directory, mut unread) = (Directory::default(), Vec::new());
    let users = list::<ScimUser>(client, &[]).await?.read(&mut unread);
    directory.reset_users(readable(users, User::from_object, &mut unread));
    let groups = groups(client, &[], &mut directory).await?;
    Ok((directory, unread, groups))
}

/// Reads the groups whose fields have these values, and tells which cannot be read. Groups and their slices are
/// listed one after the other: slices that were replaced in between are missing, and a second look finds the new
/// ones.
///
/// # Errors
/// When they cannot be listed.
pub async fn groups(
    client: &Client,
    fields: &[(&str, &str)],
    directory: &mut Directory,
) -> Result<Vec<Unread>, Error> {
    let mut unread = Vec::new();
    for _ in 0..TRIES {
        let (slices, groups) =
            tokio::try_join!(list::<ScimGroupSlice>(client, fields), list::<ScimGroup>(client, fields))?;
        unread.clear();
        let (slices, groups) = (slices.read(&mut unread), groups.read(&mut unread));
        directory.reset_slices(readable(slices, SliceObject::from_object, &mut unread));
        directory.reset_groups(readable(groups, GroupObject::from_object, &mut unread));
        if directory.doubtful_groups() == 0 {
            return Ok(unread);
        }
    }
    let doubtful = directory.providers().map(|(name, view)| (name, view.doubtful_groups()));
    unread.extend(doubtful.filter(|(_, groups)| *groups > 0).map(|(name, groups)| Unread {
        told: format!("{groups} groups of provider {name} lack slices of their members"),
        of: Some(name.into()),
    }));
    Ok(unread)
}

/// The objects of one kind, and which cannot be read.
struct Listed<K> {
    objects: Vec<K>,
    /// Those that cannot be read, and what is said of them.
    invalid: Vec<InvalidObject>,
    unread: Vec<Unread>,
}

impl<K> Listed<K> {
    fn read(mut self, unread: &mut Vec<Unread>) -> Vec<K> {
        unread.append(&mut self.unread);
        self.objects
    }
}

async fn list<K>(client: &Client, fields: &[(&str, &str)]) -> Result<Listed<K>, Error>
where
    K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned,
{
    let api: Api<DeserializeGuard<K>> = Api::all(client.clone());
    let mut listed = Listed { objects: Vec::new(), invalid: Vec::new(), unread: Vec::new() };
    let mut pages = pin!(pages(&api, fields));
    while let Some(object) = pages.try_next().await.map_err(|error| cannot_list::<K>(&error))? {
        let (name, of) = (object.name_any(), provider_of(&object));
        match object.0 {
            Ok(read) => listed.objects.push(read),
            Err(invalid) => {
                listed.unread.push(Unread { told: cannot_be_read::<K>(&name) + &invalid.error, of });
                listed.invalid.push(invalid);
            }
        }
    }
    Ok(listed)
}

/// What is said of an object that cannot be read, but for why.
fn cannot_be_read<K: Resource<DynamicType = ()>>(name: &str) -> String {
    format!("{} {name} cannot be read: ", K::kind(&()))
}

fn cannot_list<K: Resource<DynamicType = ()>>(error: &kube::Error) -> String {
    let kind = K::plural(&());
    match error {
        kube::Error::Api(status) if status.code == 403 => format!(
            "{}; whoever asks needs to list {kind} in the whole cluster, as the chart's role …-auditor \
             lets them",
            status.message
        ),
        kube::Error::Api(status) if status.code == 404 => {
            format!("the cluster knows no {kind}; is scim-operator installed?")
        }
        error => format!("{kind} cannot be listed: {error}"),
    }
}

/// The provider that an object is of: the object itself, or for the directory's the one that their label names.
fn provider_of<K: Resource<DynamicType = ()>>(object: &K) -> Option<Arc<str>> {
    let kind = K::kind(&());
    let label = || object.labels().get(LABEL_PROVIDER).map(|provider| provider.as_str().into());
    match () {
        () if kind == ScimProvider::kind(&()) => Some(object.name_any().into()),
        () if DIRECTORY.map(|kind| kind(&())).contains(&kind) => label(),
        () => None,
    }
}

fn readable<K, T, E>(objects: Vec<K>, read: impl Fn(K) -> Result<T, E>, unread: &mut Vec<Unread>) -> Vec<T>
where
    K: Resource<DynamicType = ()>,
    E: ToString,
{
    let mut resources = Vec::new();
    for object in objects {
        let of = provider_of(&object);
        match read(object) {
            Ok(resource) => resources.push(resource),
            Err(error) => unread.push(Unread { told: error.to_string(), of }),
        }
    }
    resources
}
