//! An app config held against its provider: read once per change of either.

use kube::ResourceExt;

use super::{
    plan::{Desired, Obstacle},
    render::Renderer,
    target::Key,
};
use crate::{
    api::{DirectoryReaders, ScimAppConfig, ScimAppConfigSpec, ScimProvider, Target},
    directory::view::{Directory, Found, ProviderView, Selector, user_schema},
    scim::schema::ResourceSchema,
};

/// A provider, and what its people are.
#[derive(Debug)]
pub struct Provider {
    /// The object.
    pub object: ScimProvider,
    people: ResourceSchema,
}

impl Provider {
    /// Reads a provider.
    pub fn new(object: ScimProvider) -> Self {
        Self { people: user_schema(&object.spec.attributes), object }
    }
}

/// What an app config says.
#[derive(Debug)]
pub struct Reading {
    provider: String,
    key: Key,
    selector: Selector,
    /// Whether people are meant by a filter too: without, none of the groups being there means nobody knows.
    by_filter: bool,
    renderer: Renderer,
}

impl Reading {
    /// Reads an app config whose provider lets it read this much.
    ///
    /// # Errors
    /// When it asks for what cannot be done.
    pub fn new(
        config: &ScimAppConfig,
        provider: &Provider,
        readers: &DirectoryReaders,
    ) -> Result<Self, Obstacle> {
        let spec = &config.spec;
        if let Some(field) = unsupported(spec) {
            return Err(Obstacle::Unsupported(field));
        }
        let selector = Selector::new(&spec.subjects, &provider.people);
        Ok(Self {
            provider: provider.object.name_any(),
            key: Key::of(config).ok_or(Obstacle::Unsupported("spec.target"))?,
            selector: selector.map_err(|error| Obstacle::Subjects(error.to_string()))?,
            by_filter: spec.subjects.users.is_some(),
            renderer: Renderer::new(spec, readers, &provider.people)?,
        })
    }

    /// Where it writes.
    pub fn key(&self) -> &Key {
        &self.key
    }

    /// Whose directory it reads.
    pub fn provider(&self) -> &str {
        &self.provider
    }

    /// Whom it means.
    pub fn selector(&self) -> &Selector {
        &self.selector
    }

    /// Looks up whom it means; for use under the directory's lock.
    ///
    /// # Errors
    /// When the provider's directory holds nothing.
    pub fn find(&self, directory: &Directory) -> Result<Found<'_>, Obstacle> {
        let view = directory.provider(&self.provider);
        match view.is_none_or(is_empty) {
            true => Err(Obstacle::DirectoryEmpty(self.provider.clone())),
            false => Ok(self.selector.find(view)),
        }
    }

    /// What should stand under the key.
    ///
    /// # Errors
    /// When none of the groups is there, or there is no text. A group that is missing beside others is told and
    /// hides nobody: whoever has left the others is gone.
    pub fn desire(&self, found: Found<'_>) -> Result<Desired, Obstacle> {
        let selection = found.select();
        if selection.groups.is_empty() && !self.by_filter {
            return Err(Obstacle::GroupsNotFound(selection.not_found));
        }
        let rendered = self.renderer.render(&selection)?;
        Ok(Desired { key: self.key.clone(), rendered, groups_not_found: selection.not_found })
    }
}

fn is_empty(view: &ProviderView) -> bool {
    view.users().len() == 0 && view.groups().len() == 0
}

fn unsupported(spec: &ScimAppConfigSpec) -> Option<&'static str> {
    match &spec.target {
        Target::Object(_) => Some("spec.target.object"),
        Target::SecretPerUser(_) => Some("spec.target.secretPerUser"),
        Target::ConfigMap(_) | Target::Secret(_) => {
            spec.service_account_name.as_ref().map(|_| "spec.serviceAccountName")
        }
    }
}
