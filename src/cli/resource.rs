//! What people call a resource, as RBAC compares it.

use kube::Client;
use kube::core::discovery::v2::APIResourceDiscovery;

use super::Error;
use crate::access::Action;

/// Looks a resource up that is called by its plural, singular or short name, where it matters with its group
/// behind a dot, and with a subresource behind a slash: `pods`, `deployments.apps`, `pods/log`.
///
/// # Errors
/// When the API server knows no such resource: a typing error would look like nobody's access.
pub async fn action(client: &Client, verb: &str, text: &str) -> Result<Action, Error> {
    let (name, subresource) = match text.split_once('/') {
        Some((name, part)) => (name, Some(part.to_owned())),
        None => (text, None),
    };
    let (name, group) = match name.split_once('.') {
        Some((name, group)) => (name, Some(group)),
        None => (name, None),
    };
    let action = |group: &str, resource: &str| Action {
        verb: verb.to_owned(),
        group: group.to_owned(),
        resource: resource.to_owned(),
        subresource: subresource.clone(),
    };
    if name == "*" {
        return Ok(action(group.unwrap_or("*"), "*"));
    }
    let (core, named) =
        tokio::try_join!(client.list_core_api_versions_aggregated(), client.list_api_groups_aggregated())?;
    for found in core.items.iter().chain(&named.items) {
        let own = found.metadata.as_ref().and_then(|metadata| metadata.name.as_deref()).unwrap_or_default();
        if group.is_some_and(|group| group != own) {
            continue;
        }
        let mut resources = found.versions.iter().flat_map(|version| &version.resources);
        if let Some(plural) = resources.find_map(|resource| called(resource, name)) {
            return Ok(action(own, plural));
        }
    }
    Err(format!(
        "the API server knows no resource {text:?}; `kubectl api-resources` lists those that it knows"
    )
    .into())
}

/// The plural of a resource, where it is called so.
fn called<'r>(resource: &'r APIResourceDiscovery, name: &str) -> Option<&'r str> {
    let plural = resource.resource.as_deref()?;
    let is_called = plural == name
        || resource.singular_resource.as_deref() == Some(name)
        || resource.short_names.iter().any(|short| short == name);
    is_called.then_some(plural)
}
