//! Whose identity strings somebody's name means.

use std::{
    collections::{BTreeMap, BTreeSet},
    pin::pin,
    sync::Arc,
};

use futures::{StreamExt, TryStreamExt};
use k8s_openapi::api::rbac::v1::{ClusterRoleBinding, RoleBinding};
use kube::{Api, Client, ResourceExt, core::DeserializeGuard};
use serde::Serialize;

use super::{
    super::{Error, pages::pages, person::Person},
    groups,
};
use crate::{
    api::{ScimProvider, ScimUser, names::object_name},
    directory::view::{Mapping, Origin, User, user_schema},
    scim::key::key,
};

/// Whom a name means.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Whom {
    /// People of the directory.
    pub people: Vec<Person>,
    /// Every string as which the API server may know them.
    pub identities: BTreeSet<String>,
    /// The groups of their tokens, where policies bind groups.
    #[serde(skip)]
    pub groups: BTreeSet<String>,
    /// What whoever relies on the answer should know.
    pub notes: Vec<String>,
    /// Whether there may be more to ask about.
    #[serde(skip)]
    pub doubtful: bool,
}

/// A provider whose mapping can be read.
struct Known {
    name: String,
    mapping: Mapping,
    object: ScimProvider,
}

/// The directory, and what stands in bindings, as whoever asks may read them.
struct Reader {
    client: Client,
    providers: Vec<Arc<Known>>,
    whom: Whom,
}

/// Who is meant by a userName, a SCIM id or an identity string; only people of one provider where it is named. The
/// groups of their tokens are looked for unless whoever asks says them.
///
/// # Errors
/// When the directory cannot be read.
pub async fn whom(
    client: &Client,
    name: &str,
    provider: Option<&str>,
    said: &[String],
) -> Result<Whom, Error> {
    let mut reader = Reader { client: client.clone(), providers: Vec::new(), whom: Whom::default() };
    reader.read_providers(provider).await?;
    let found = reader.find(name, provider).await?;
    match found.is_empty() {
        true => reader.guess(name, provider),
        false => reader.know(found.values())?,
    }
    reader.look_for_former_strings(found.values()).await?;
    reader.look_for_namesakes(&found).await?;
    match said {
        [] => reader.look_for_groups(found.values()).await,
        said => reader.whom.groups.extend(said.iter().cloned()),
    }
    Ok(reader.whom)
}

/// By object name: people of all providers.
type Found = BTreeMap<Box<str>, User>;

impl Reader {
    async fn read_providers(&mut self, wanted: Option<&str>) -> Result<(), Error> {
        let providers: Api<DeserializeGuard<ScimProvider>> = Api::all(self.client.clone());
        let all: Vec<_> = pages(&providers, &[]).try_collect().await?;
        if let Some(wanted) = wanted.filter(|wanted| all.iter().all(|known| known.name_any() != **wanted)) {
            return Err(format!("there is no ScimProvider {wanted}").into());
        }
        for object in all {
            let name = object.name_any();
            let provider = match object.0 {
                Ok(provider) => provider,
                Err(invalid) => {
                    self.cannot_read("ScimProvider", &name, &invalid.error);
                    continue;
                }
            };
            let spec = &provider.spec;
            match Mapping::new(&spec.identity.user, &user_schema(&spec.attributes)) {
                Ok(mapping) => self.providers.push(Known { name, mapping, object: provider }.into()),
                Err(error) => {
                    self.note(format!("provider {name} gives nobody a string: identity.user.from: {error}"));
                }
            }
        }
        Ok(())
    }

    fn note(&mut self, note: String) {
        if !self.whom.notes.contains(&note) {
            self.whom.notes.push(note);
        }
    }

    /// Notes that there is something of which nothing is known but its name.
    fn cannot_read(&mut self, kind: &str, name: &str, error: &str) {
        self.whom.doubtful = true;
        self.note(format!("{kind} {name} cannot be read, so this may not be all: {error}"));
    }

    fn users(&self) -> Api<DeserializeGuard<ScimUser>> {
        Api::all(self.client.clone())
    }

    /// The people whose fields have these values and of whom that is so.
    async fn people(
        &mut self,
        fields: &[(&str, &str)],
        is_meant: impl Fn(&User) -> bool,
    ) -> Result<Vec<User>, Error> {
        let (users, mut found) = (self.users(), Vec::new());
        let mut objects = pin!(pages(&users, fields));
        while let Some(object) = objects.try_next().await? {
            found.extend(self.read(object).filter(|user| is_meant(user)));
        }
        Ok(found)
    }

    fn read(&mut self, object: DeserializeGuard<ScimUser>) -> Option<User> {
        let name = object.name_any();
        let read = object.0.map_err(|invalid| invalid.error);
        let user = read.and_then(|object| User::from_object(&object).map_err(|error| error.to_string()));
        user.inspect_err(|error| self.cannot_read("ScimUser", &name, error)).ok()
    }

    async fn find(&mut self, name: &str, wanted: Option<&str>) -> Result<Found, Error> {
        let mut found = Found::new();
        for provider in self.providers.clone() {
            if wanted.is_some_and(|wanted| provider.name != wanted) {
                continue;
            }
            let by_name = self.called(&provider, name).await?;
            let id = [("spec.provider", provider.name.as_str()), ("spec.id", name)];
            let by_id = self.people(&id, |_| true).await?;
            let by_string = self.holders(&provider, name).await?;
            let all = by_name.into_iter().chain(by_id).chain(by_string);
            let visible = all.filter(|user| user.standing().is_visible());
            found.extend(visible.map(|user| (user.object().name.clone(), user)));
        }
        Ok(found)
    }

    /// Who has this userName.
    async fn called(&mut self, provider: &Known, name: &str) -> Result<Option<User>, Error> {
        let key = key(name);
        let object = self.users().get_opt(&object_name(&provider.name, &key)).await?;
        let user = object.and_then(|object| self.read(object));
        Ok(user.filter(|user| **user.provider() == *provider.name && user.key() == key))
    }

    /// Whom a provider's mapping gives this string.
    async fn holders(&mut self, provider: &Known, identity: &str) -> Result<Vec<User>, Error> {
        let of = ("spec.provider", provider.name.as_str());
        let is_theirs = |user: &User| {
            user.standing().is_visible()
                && provider.mapping.identity(user).is_ok_and(|held| held.as_str() == identity)
        };
        let fields = match provider.mapping.origin(identity) {
            None => return Ok(Vec::new()),
            Some(Origin::UserName(name)) => {
                let user = self.called(provider, name).await?;
                return Ok(user.into_iter().filter(is_theirs).collect());
            }
            Some(Origin::ExternalId(id)) => vec![of, ("spec.externalId", id)],
            Some(Origin::Other) => vec![of],
        };
        self.people(&fields, is_theirs).await
    }

    /// People of the directory: their strings are what the mapping says.
    fn know<'a>(&mut self, people: impl Iterator<Item = &'a User>) -> Result<(), Error> {
        for user in people {
            let person = Person::of(user);
            let Person { user_name, provider, .. } = &person;
            let known = self.providers.iter().find(|known| known.name == *provider);
            match known.map(|known| known.mapping.identity(user)) {
                Some(Ok(identity)) => _ = self.whom.identities.insert(identity.to_string()),
                Some(Err(refusal)) => {
                    self.note(format!("{user_name:?} of {provider} has no identity string: {refusal}"));
                }
                None => {}
            }
            self.whom.people.push(person);
        }
        match self.whom.identities.is_empty() {
            true => Err(format!("there is nothing to ask: {}", self.whom.notes.join("; ")).into()),
            false => Ok(()),
        }
    }

    /// Nobody of the directory, or nobody any more: the string itself, and what a userName would become.
    fn guess(&mut self, name: &str, wanted: Option<&str>) {
        let wanted: Vec<&Known> = self
            .providers
            .iter()
            .map(|known| &**known)
            .filter(|known| wanted.is_none_or(|wanted| known.name == wanted))
            .collect();
        let is_prefixed =
            |known: &&Known| known.mapping.origin("").is_none() && known.mapping.origin(name).is_some();
        let (mut identities, mut notes) = (BTreeSet::from([name.to_owned()]), Vec::new());
        notes.push(format!("nobody of the directory is called {name:?} now"));
        if !wanted.iter().any(is_prefixed) {
            for known in wanted {
                match known.mapping.of_user_name(name) {
                    Some(identity) => identities.extend(identity.ok().map(|identity| identity.to_string())),
                    None => notes.push(format!(
                        "{} makes strings of what only the directory knows: say the identity string of whoever is gone",
                        known.name
                    )),
                }
            }
        }
        self.whom.identities.extend(identities);
        self.whom.notes.extend(notes);
    }

    /// Strings that bindings name and that were these people's before a rename, or in another case.
    async fn look_for_former_strings(&mut self, people: impl Iterator<Item = &User>) -> Result<(), Error> {
        let (mut former, mut is_renamed) = (BTreeMap::new(), false);
        for user in people {
            former.insert(user.object().name.to_string(), user.provider().to_string());
            if let Some(before) = user.renamed_from().filter(|before| *before.name != *user.object().name) {
                former.insert(before.name.clone(), user.provider().to_string());
                is_renamed = true;
                self.note(format!(
                    "{} was renamed: a former name is known only where it is the last one and a binding has it; prove others by saying them",
                    user.object().name
                ));
            }
        }
        if former.is_empty() {
            return Ok(());
        }
        let named = match self.named_in_bindings().await {
            Ok(named) => named,
            Err(kube::Error::Api(status)) if status.code == 403 => {
                self.note(format!(
                    "former strings are not looked for, because bindings may not be read: {}",
                    status.message
                ));
                self.whom.doubtful |= is_renamed;
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        };
        let is_former = |string: &String| {
            self.providers.iter().any(|known| match known.mapping.origin(string) {
                Some(Origin::UserName(name)) => {
                    former.get(&object_name(&known.name, &key(name))) == Some(&known.name)
                }
                _ => false,
            })
        };
        let found: Vec<String> =
            named.into_iter().filter(|name| !self.whom.identities.contains(name)).filter(is_former).collect();
        for string in found {
            self.note(format!(
                "bindings name {string:?}: a former name of theirs, or the same name in another case"
            ));
            self.whom.identities.insert(string);
        }
        Ok(())
    }

    /// Every user whom a binding names.
    async fn named_in_bindings(&self) -> kube::Result<BTreeSet<String>> {
        let cluster: Api<ClusterRoleBinding> = Api::all(self.client.clone());
        let namespaced: Api<RoleBinding> = Api::all(self.client.clone());
        let subjects = pages(&cluster, &[]).map_ok(|binding| binding.subjects);
        let mut subjects = pin!(subjects.chain(pages(&namespaced, &[]).map_ok(|binding| binding.subjects)));
        let mut named = BTreeSet::new();
        while let Some(subjects) = subjects.try_next().await? {
            let users = subjects.into_iter().flatten().filter(|subject| subject.kind == "User");
            named.extend(users.map(|subject| subject.name));
        }
        Ok(named)
    }

    /// What their tokens carry beside their names. Bindings of groups hold until a token ends, so that who cannot
    /// be asked about in them is not proven.
    async fn look_for_groups(&mut self, people: impl Iterator<Item = &User>) {
        for user in people {
            let provider = user.provider();
            let known = self.providers.iter().find(|known| *known.name == **provider).cloned();
            let Some(known) = known else { continue };
            let bound = groups::Bound::by(&self.client, provider).await;
            for (policy, error) in bound.iter().flat_map(|bound| &bound.unreadable) {
                self.cannot_read("ScimAccessPolicy", policy, error);
            }
            let groups = match bound {
                Ok(bound) if !bound.groups => continue,
                Ok(_) => groups::of_token(&self.client, &known.object, user).await,
                Err(error) => Err(error.into()),
            };
            match groups {
                Ok(groups) => {
                    self.whom.groups.extend(groups);
                    self.note(format!(
                        "policies of {provider} bind groups of tokens: those are asked about that the directory has \
                         now; a token may still carry others: say them all by --group"
                    ));
                }
                Err(error) => {
                    self.whom.doubtful = true;
                    self.note(format!(
                        "policies of {provider} may bind groups of tokens: say theirs by --group, because they \
                         cannot be looked for: {error}"
                    ));
                }
            }
        }
    }

    /// Others who have the same strings: what is left may be theirs.
    async fn look_for_namesakes(&mut self, found: &Found) -> Result<(), Error> {
        let mut notes = Vec::new();
        for identity in self.whom.identities.clone() {
            for provider in self.providers.clone() {
                for other in self.holders(&provider, &identity).await? {
                    if !found.contains_key(&other.object().name) {
                        let (name, state) = (&other.object().name, state(other.active()));
                        notes.push(format!(
                            "{identity:?} is also the string of ScimUser {name}, who is {state}"
                        ));
                    }
                }
            }
        }
        self.whom.notes.extend(notes);
        Ok(())
    }
}

fn state(active: bool) -> &'static str {
    if active { "active" } else { "inactive" }
}
