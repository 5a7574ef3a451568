//! Everything that plans are made from, but the directory and the targets.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
};

use k8s_openapi::api::core::v1::Namespace;
use kube::{Resource, ResourceExt, api::ObjectMeta};

use super::{
    permission::Enabled,
    plan::Obstacle,
    reading::{Provider, Reading},
    target::Kind,
};
use crate::{
    api::{
        AppConfigStatus, ObjectTarget, PolicyMode, ScimAppConfig, ScimAppConfigSpec, ScimProvider, Subjects,
        Target, is_newer,
    },
    directory::view::Gaps,
};

/// The names of app configs to look at again.
pub type Touched = BTreeSet<Name>;

/// The name of an app config.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name {
    /// Its namespace.
    pub namespace: Arc<str>,
    /// Its name there.
    pub name: Arc<str>,
}

impl Name {
    /// The name of the app config of this metadata.
    fn of(metadata: &ObjectMeta) -> Self {
        let part = |part: &Option<String>| part.as_deref().unwrap_or_default().into();
        Self { namespace: part(&metadata.namespace), name: part(&metadata.name) }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// App configs, providers and namespaces. Each change tells which app configs it touches, and no others.
#[derive(Debug, Default)]
pub struct Index {
    enabled: Enabled,
    pub(super) configs: BTreeMap<Name, Config>,
    providers: BTreeMap<String, Provider>,
    labels: BTreeMap<String, BTreeMap<String, String>>,
    gaps: Gaps,
}

/// An app config, and what it says.
#[derive(Clone, Debug)]
pub struct Config {
    /// The object.
    pub object: Arc<ScimAppConfig>,
    /// What it says, or why it says nothing.
    pub reading: Result<Arc<Reading>, Obstacle>,
    /// Why what is there now cannot be read. The spec is the last one that could, and says nothing where none ever
    /// could.
    pub unread: Option<String>,
}

impl Config {
    /// An app config of which nothing could ever be read; `why` says what is wrong with it.
    fn unread(metadata: ObjectMeta, why: &str) -> Self {
        let spec = ScimAppConfigSpec {
            provider: String::new(),
            subjects: Subjects::default(),
            preset: None,
            parameters: BTreeMap::new(),
            template: None,
            format: Default::default(),
            target: Target::Object(ObjectTarget::default()),
            on_empty: Default::default(),
            placeholder: None,
            validate: None,
            restart: Vec::new(),
            service_account_name: None,
            mode: PolicyMode::Preview,
        };
        let object = Arc::new(ScimAppConfig { metadata, spec, status: None });
        Self { object, reading: Err(Obstacle::Unread), unread: Some(why.to_owned()) }
    }

    /// Whether anything of its spec is known.
    pub fn is_known(&self) -> bool {
        !matches!(self.reading, Err(Obstacle::Unread))
    }

    fn is_of(&self, uid: Option<&String>) -> bool {
        self.object.metadata.uid.as_ref() == uid
    }
}

impl Index {
    /// An index that knows nothing but where app configs may write.
    pub fn new(enabled: Enabled) -> Self {
        Self { enabled, ..Self::default() }
    }

    /// Every app config.
    pub fn names(&self) -> Touched {
        self.configs.keys().cloned().collect()
    }

    /// An app config.
    pub fn config(&self, name: &Name) -> Option<&Config> {
        self.configs.get(name)
    }

    /// Takes an app config, if it is newer than what is held under its name. Only another spec is news. One that is
    /// being deleted is gone.
    pub fn apply_config(&mut self, mut object: ScimAppConfig) -> Touched {
        let name = Name::of(&object.metadata);
        if object.metadata.deletion_timestamp.is_some() {
            self.configs.remove(&name);
            return Touched::new();
        }
        object.metadata.managed_fields = None;
        let object = Arc::new(object);
        let is_same = |held: &Config| held.is_known() && held.object.spec == object.spec;
        match self.configs.get_mut(&name) {
            Some(held) if !is_newer(object.meta(), held.object.meta()) => Touched::new(),
            Some(held) if is_same(held) && held.is_of(object.metadata.uid.as_ref()) => {
                held.object = object;
                held.unread.take().map(|_| name).into_iter().collect()
            }
            _ => {
                let reading = self.read(&object);
                self.configs.insert(name.clone(), Config { object, reading, unread: None });
                Touched::from([name])
            }
        }
    }

    /// Takes what a write of this process made of an app config. The answer may come after the watch has told more: an
    /// app config that is gone by then does not come back by it.
    pub fn learn_config(&mut self, object: ScimAppConfig) -> Touched {
        let held = self.config(&Name::of(&object.metadata));
        if held.is_some_and(|held| held.is_of(object.metadata.uid.as_ref())) {
            self.apply_config(object)
        } else {
            Touched::new()
        }
    }

    /// Takes note that an app config is there, though its object cannot be read; `why` says what is wrong with it.
    /// What it last said goes on being told; where that is not known, its target stays as it is.
    pub fn keep_config(&mut self, mut metadata: ObjectMeta, why: &str) -> Touched {
        let name = Name::of(&metadata);
        if metadata.deletion_timestamp.is_some() {
            self.configs.remove(&name);
            return Touched::new();
        }
        metadata.managed_fields = None;
        let held = self.configs.get_mut(&name);
        if held.as_ref().is_some_and(|held| !is_newer(&metadata, held.object.meta())) {
            return Touched::new();
        }
        let Some(held) = held.filter(|held| held.is_of(metadata.uid.as_ref())) else {
            self.configs.insert(name.clone(), Config::unread(metadata, why));
            return Touched::from([name]);
        };
        let is_known =
            held.unread.as_deref() == Some(why) && held.object.metadata.generation == metadata.generation;
        Arc::make_mut(&mut held.object).metadata = metadata;
        held.unread = Some(why.to_owned());
        if is_known { Touched::new() } else { Touched::from([name]) }
    }

    /// Whether an app config cannot be read, and its status is not known either.
    pub fn lacks_status(&self, name: &Name) -> bool {
        self.config(name).is_some_and(|config| config.unread.is_some() && config.object.status.is_none())
    }

    /// Takes the status of an app config that cannot be read.
    pub fn show_config(&mut self, name: &Name, status: AppConfigStatus) {
        if let Some(held) = self.configs.get_mut(name).filter(|held| held.unread.is_some()) {
            Arc::make_mut(&mut held.object).status = Some(status);
        }
    }

    /// Forgets an app config. What it wrote stays.
    pub fn delete_config(&mut self, namespace: &str, name: &str) {
        self.configs.remove(&Name { namespace: namespace.into(), name: name.into() });
    }

    /// Takes a provider. Only another spec is news.
    pub fn apply_provider(&mut self, object: ScimProvider) -> Touched {
        let name = object.name_any();
        if self.providers.get(&name).is_some_and(|held| held.object.spec == object.spec) {
            return Touched::new();
        }
        self.providers.insert(name.clone(), Provider::new(object));
        self.read_again(|config| config.spec.provider == name)
    }

    /// Forgets a provider.
    pub fn delete_provider(&mut self, name: &str) -> Touched {
        self.providers.remove(name);
        self.read_again(|config| config.spec.provider == name)
    }

    /// Takes a namespace. Only other labels are news.
    pub fn apply_namespace(&mut self, object: &Namespace) -> Touched {
        let (name, labels) = (object.name_any(), object.labels().clone());
        match self.labels.insert(name.clone(), labels) {
            Some(before) if before == *object.labels() => Touched::new(),
            _ => self.read_again(|config| config.namespace().as_ref() == Some(&name)),
        }
    }

    /// Forgets a namespace.
    pub fn delete_namespace(&mut self, name: &str) -> Touched {
        self.labels.remove(name);
        self.read_again(|config| config.namespace().as_deref() == Some(name))
    }

    /// What of the directory cannot be read from now on.
    pub fn set_gaps(&mut self, gaps: Gaps) -> Touched {
        let before = std::mem::replace(&mut self.gaps, gaps);
        let is_news = |config: &Config| {
            let provider = &config.object.spec.provider;
            before.concern(provider) != self.gaps.concern(provider)
        };
        self.configs.iter().filter(|(_, config)| is_news(config)).map(|(name, _)| name.clone()).collect()
    }

    /// Whether objects of a provider's directory cannot be read.
    pub fn has_gaps(&self, provider: &str) -> bool {
        self.gaps.concern(provider)
    }

    /// The app configs that write a key of this object.
    pub fn writing(&self, kind: Kind, namespace: &str, name: &str) -> Touched {
        let key = |config: &Config| config.reading.as_ref().ok().map(|reading| reading.key().clone());
        let writes = |config: &Config| {
            key(config).is_some_and(|key| {
                (key.kind, key.namespace.as_str(), key.name.as_str()) == (kind, namespace, name)
            })
        };
        self.configs.iter().filter(|(_, config)| writes(config)).map(|(name, _)| name.clone()).collect()
    }

    fn read_again(&mut self, which: impl Fn(&ScimAppConfig) -> bool) -> Touched {
        let mut configs = std::mem::take(&mut self.configs);
        let concerned = configs.iter_mut().filter(|(_, config)| config.is_known() && which(&config.object));
        let touched = concerned.map(|(name, config)| {
            config.reading = self.read(&config.object);
            name.clone()
        });
        let touched = touched.collect();
        self.configs = configs;
        touched
    }

    fn read(&self, config: &ScimAppConfig) -> Result<Arc<Reading>, Obstacle> {
        let name = &config.spec.provider;
        let provider = self.providers.get(name).ok_or_else(|| Obstacle::ProviderNotFound(name.clone()))?;
        let namespace = config.namespace().unwrap_or_default();
        let labels = self.labels.get(&namespace);
        let readers = self.enabled.permit(&namespace, labels, &provider.object)?;
        Reading::new(config, provider, readers).map(Arc::new)
    }
}
