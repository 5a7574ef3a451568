//! Objects as watches tell them.

use std::{borrow::Cow, collections::BTreeMap, marker::PhantomData};

use kube::{Resource, core::ObjectMeta};
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Error},
};
use serde_json::value::RawValue;

/// An object of which only is read which one it is, and in which version: the rest is text until somebody needs
/// it. Most of what a watch tells the process that writes is what it has just written, and most of what a new list
/// holds was in the one before; neither is read again. And what cannot be read breaks no list.
///
/// Of its metadata there are name, uid, resourceVersion and labels.
#[derive(Clone, Debug)]
pub(super) struct Unopened<K> {
    metadata: ObjectMeta,
    text: Box<RawValue>,
    kind: PhantomData<fn() -> K>,
}

/// Whose an object is, and of which SCIM id.
#[derive(Deserialize)]
pub(super) struct Owner {
    pub(super) provider: String,
    pub(super) id: String,
}

#[derive(Deserialize)]
struct Outside {
    metadata: Label,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Label {
    name: Option<String>,
    uid: Option<String>,
    resource_version: Option<String>,
    labels: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
struct Owned {
    spec: Owner,
}

impl<K: DeserializeOwned> Unopened<K> {
    /// The object.
    ///
    /// # Errors
    /// When it is none of its kind.
    pub(super) fn open(&self) -> serde_json::Result<K> {
        serde_json::from_str(self.text.get())
    }

    /// Whose it is, if it says so.
    pub(super) fn owner(&self) -> Option<Owner> {
        serde_json::from_str(self.text.get()).ok().map(|Owned { spec }| spec)
    }
}

impl<'de, K> Deserialize<'de> for Unopened<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Box::<RawValue>::deserialize(deserializer)?;
        let Outside { metadata } = serde_json::from_str(text.get()).map_err(D::Error::custom)?;
        let Label { name, uid, resource_version, labels } = metadata;
        let metadata = ObjectMeta { name, uid, resource_version, labels, ..ObjectMeta::default() };
        Ok(Self { metadata, text, kind: PhantomData })
    }
}

impl<K: Resource> Resource for Unopened<K> {
    type DynamicType = K::DynamicType;
    type Scope = K::Scope;

    fn kind(kind: &Self::DynamicType) -> Cow<'_, str> {
        K::kind(kind)
    }

    fn group(kind: &Self::DynamicType) -> Cow<'_, str> {
        K::group(kind)
    }

    fn version(kind: &Self::DynamicType) -> Cow<'_, str> {
        K::version(kind)
    }

    fn plural(kind: &Self::DynamicType) -> Cow<'_, str> {
        K::plural(kind)
    }

    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}

#[cfg(test)]
pub(super) mod tests {
    use kube::{
        ResourceExt,
        core::{ObjectList, WatchEvent},
    };
    use serde::Serialize;

    use super::*;
    use crate::api::ScimUser;

    /// An object as a watch tells it.
    pub fn unopened<K: Serialize>(object: &K) -> Unopened<K> {
        serde_json::from_str(&serde_json::to_string(object).unwrap()).unwrap()
    }

    const UNREADABLE: &str = r#"{"metadata":{"name":"a","labels":{"of":"okta"}},"spec":{"active":"yes"}}"#;

    #[test]
    fn what_cannot_be_read_breaks_no_list_and_is_known_by_name() {
        let text = format!(r#"{{"kind":"ScimUserList","metadata":{{}},"items":[{UNREADABLE}]}}"#);
        let list: ObjectList<Unopened<ScimUser>> = serde_json::from_str(&text).unwrap();
        assert_eq!((list.items[0].name_any(), &*list.items[0].labels()["of"]), ("a".to_owned(), "okta"));
        assert!(list.items[0].open().is_err());
        assert!(list.items[0].owner().is_none());
    }

    #[test]
    fn what_cannot_be_read_breaks_no_watch() {
        let text = format!(r#"{{"type":"MODIFIED","object":{UNREADABLE}}}"#);
        let event: WatchEvent<Unopened<ScimUser>> = serde_json::from_str(&text).unwrap();
        assert!(matches!(event, WatchEvent::Modified(object) if object.name_any() == "a"));
    }
}
