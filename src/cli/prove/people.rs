//! Whose identity strings somebody's name means.

use std::{
    collections::{BTreeMap, BTreeSet},
    pin::pin,
    sync::Arc,
};

use futures::TryStreamExt;
use kube::{Api, Client, ResourceExt, core::DeserializeGuard};
use serde::Serialize;

use super::{
    super::{Error, pages::pages, person::Person},
    groups::{self, EVERYBODY, Named, Unasked},
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
    /// The groups that their tokens carry, as far as the directory knows and whoever asks says.
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

impl Known {
    /// Whether it has a prefix, and the string begins with it.
    fn prefixes(&self, identity: &str) -> bool {
        self.mapping.origin("").is_none() && self.mapping.origin(identity).is_some()
    }
}

/// The directory, and what stands in bindings, as whoever asks may read them.
struct Reader {
    client: Client,
    providers: Vec<Arc<Known>>,
    whom: Whom,
}

/// Who is meant by a userName, a SCIM id or an identity string; only people of one provider where it is named. Of the
/// groups of their tokens, the directory knows those that they are in now, and whoever asks may say others.
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
    reader.ask_for_last_strings(found.values()).await?;
    let named = reader.read_bindings().await?;
    reader.look_for_former_strings(found.values(), named.as_ref());
    reader.look_for_namesakes(&found).await?;
    reader.look_for_groups(found.values(), said).await;
    if said.is_empty() {
        let providers = reader.providers_of(name, provider, &found);
        reader.look_for_unasked_groups(named.as_ref(), providers.as_deref());
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
        let user = read.and_then(|object| User::from_object(object).map_err(|error| error.to_string()));
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
        let is_prefixed = |known: &&Known| known.prefixes(name);
        let (mut identities, mut notes) = (BTreeSet::from([name.to_owned()]), Vec::new());
        notes.push(format!("nobody of the directory is called {name:?} now"));
        if !wanted.iter().any(is_prefixed) {
            for known in wanted {
                match known.mapping.of_user_name(name) {
                    Some(identity) => identities.extend(identity.ok().map(|identity| identity.to_string())),
                    None => {
                        self.whom.doubtful = true;
                        notes.push(format!(
                            "{} makes strings of what only the directory knows: if {name:?} is not the identity \
                             string of whoever is gone, say that",
                            known.name
                        ));
                    }
                }
            }
        }
        self.whom.identities.extend(identities);
        self.whom.notes.extend(notes);
    }

    /// Everyone whom bindings name; nothing where they may not be read.
    async fn read_bindings(&mut self) -> Result<Option<Named>, Error> {
        match Named::by_bindings(&self.client).await {
            Ok(named) => Ok(Some(named)),
            Err(kube::Error::Api(status)) if status.code == 403 => {
                self.note(format!(
                    "former strings are not looked for, nor groups that a token may carry, because bindings may not \
                     be read: {}",
                    status.message
                ));
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// What people were called last, unless somebody else is called so by now.
    async fn ask_for_last_strings(&mut self, people: impl Iterator<Item = &User>) -> Result<(), Error> {
        for user in people {
            let last = user.former_identity().filter(|last| !self.whom.identities.contains(*last));
            let Some(last) = last else { continue };
            let (name, since) = (&user.object().name, user.identity_since());
            let mut is_anothers = false;
            for provider in self.providers.clone() {
                is_anothers |= !self.holders(&provider, last).await?.is_empty();
            }
            if is_anothers {
                self.note(format!(
                    "{name} was {last:?} until {since}, which is somebody else's now: prove them"
                ));
                continue;
            }
            self.note(format!(
                "{name} was {last:?} until {since}, which is asked about too; prove what they were before that by saying it"
            ));
            self.whom.identities.insert(last.to_owned());
        }
        Ok(())
    }

    /// Strings that bindings name and that were these people's before a rename, or in another case.
    fn look_for_former_strings<'a>(&mut self, people: impl Iterator<Item = &'a User>, named: Option<&Named>) {
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
        let Some(named) = named else {
            self.whom.doubtful |= is_renamed;
            return;
        };
        let is_former = |string: &&String| {
            self.providers.iter().any(|known| match known.mapping.origin(string) {
                Some(Origin::UserName(name)) => {
                    former.get(&object_name(&known.name, &key(name))) == Some(&known.name)
                }
                _ => false,
            })
        };
        let others = named.users.difference(&self.whom.identities);
        let found: Vec<String> = others.filter(is_former).cloned().collect();
        for string in found {
            self.note(format!(
                "bindings name {string:?}: a former name of theirs, or the same name in another case"
            ));
            self.whom.identities.insert(string);
        }
    }

    /// What their tokens carry beside their names: the groups that whoever asks says, and those that the directory has
    /// them in, inactive or not.
    async fn look_for_groups(&mut self, people: impl Iterator<Item = &User>, said: &[String]) {
        self.whom.groups.extend(said.iter().filter(|group| *group != EVERYBODY).cloned());
        for user in people {
            let provider = user.provider();
            let known = self.providers.iter().find(|known| *known.name == **provider).cloned();
            let Some(known) = known else { continue };
            match groups::of_token(&self.client, &known.object, user).await {
                Ok(groups) => self.whom.groups.extend(groups),
                Err(error) => {
                    self.whom.doubtful |= said.is_empty();
                    self.note(format!(
                        "the groups that {provider} has them in cannot be looked for, so say by --group all that \
                         their token carries: {error}"
                    ));
                }
            }
        }
    }

    /// The providers of which whoever is meant can be; none is known where nothing tells.
    fn providers_of(&self, name: &str, wanted: Option<&str>, found: &Found) -> Option<Vec<Arc<Known>>> {
        let known = self.providers.iter().cloned();
        let providers: Vec<_> = match wanted {
            _ if !found.is_empty() => {
                known.filter(|known| found.values().any(|user| **user.provider() == *known.name)).collect()
            }
            Some(wanted) => known.filter(|known| known.name == wanted).collect(),
            None => known.filter(|known| known.prefixes(name)).collect(),
        };
        Some(providers).filter(|providers| !providers.is_empty())
    }

    /// A token keeps its groups until it ends, whatever the directory says now. Those that bindings name and that
    /// nobody said are not proven.
    fn look_for_unasked_groups(&mut self, named: Option<&Named>, providers: Option<&[Arc<Known>]>) {
        let Some(named) = named else {
            self.whom.doubtful = true;
            self.note("say by --group all groups that their token carries".to_owned());
            return;
        };
        let prefix = |known: &Arc<Known>| known.object.spec.identity.group.prefix.clone();
        let prefixes: Option<Vec<String>> = providers.map(|providers| providers.iter().map(prefix).collect());
        if let Some(unasked) = Unasked::of(&named.groups, &self.whom.groups, prefixes.as_deref()) {
            self.whom.doubtful = true;
            self.note(unasked.to_string());
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
