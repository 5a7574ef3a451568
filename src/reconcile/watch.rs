//! Watches, told as what came and what went.

use std::{
    collections::{HashMap, HashSet},
    fmt::Debug,
    pin::pin,
};

use futures::StreamExt;
use k8s_openapi::api::core::v1::ObjectReference;
use kube::{
    Api, Resource, ResourceExt,
    api::ObjectMeta,
    core::DeserializeGuard,
    runtime::{
        WatchStreamExt,
        watcher::{Config, Event, watcher},
    },
};
use serde::de::DeserializeOwned;
use tracing::warn;

use super::{
    events::{Happened, Severity},
    sync::Expected,
};

/// What a watch tells.
#[derive(Debug)]
pub(super) enum Told<K> {
    /// An object came or changed.
    Applied(K),
    /// An object came, or changed, and cannot be read; it is there all the same.
    Unreadable(Box<Unread>),
    /// An object is gone, be it one that could never be read.
    Deleted(Gone),
    /// A complete list has been told.
    Listed,
}

/// An object that cannot be read.
#[derive(Clone, Debug)]
pub(super) struct Unread {
    /// Which one it is.
    pub(super) object: ObjectReference,
    /// Its metadata, which can always be read.
    pub(super) metadata: ObjectMeta,
    /// Why it cannot be read.
    pub(super) why: String,
}

impl Unread {
    /// What its author is told.
    pub(super) fn happened(&self) -> Happened {
        let note = format!(
            "the operator cannot read this object, and acts on nothing of what it says now: {}; correct it",
            self.why
        );
        Happened { severity: Severity::Warning, reason: "ObjectUnreadable", action: "Read", note }
    }
}

/// An object that is gone.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Gone {
    /// Its namespace, if it had one.
    pub(super) namespace: Option<String>,
    /// Its name.
    pub(super) name: String,
    /// Its uid.
    pub(super) uid: String,
}

/// Tells of all objects and of every change, for good. What a new list no longer holds is told as gone.
/// An object that cannot be read breaks nothing: it is there, and not told as gone.
pub(super) async fn watch<K>(api: Api<DeserializeGuard<K>>, config: Config, tell: impl Fn(Told<K>))
where
    K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Send + 'static,
{
    tell_all(api, config, &mut Known::default(), tell).await;
}

/// The same of a kind that plans are made from, beginning with a list whenever one is asked for.
pub(super) async fn watch_anew<K>(
    expected: Expected,
    api: Api<DeserializeGuard<K>>,
    config: Config,
    tell: impl Fn(Told<K>),
) where
    K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Send + 'static,
{
    let mut known = Known::default();
    loop {
        let asked = expected.asked().await;
        let tell = |told| {
            let is_all = matches!(told, Told::Listed);
            tell(told);
            if is_all {
                asked.listed();
            }
        };
        tokio::select! {
            () = tell_all(api.clone(), config.clone(), &mut known, tell) => return,
            () = asked.is_past() => {}
        }
    }
}

async fn tell_all<K>(api: Api<DeserializeGuard<K>>, config: Config, known: &mut Known, tell: impl Fn(Told<K>))
where
    K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Send + 'static,
{
    let mut events = pin!(watcher(api, config).default_backoff());
    while let Some(event) = events.next().await {
        let (object, gone) = match event {
            Ok(Event::Init) => {
                known.begin_list();
                continue;
            }
            Ok(Event::InitDone) => {
                known.end_list().into_iter().for_each(|gone| tell(Told::Deleted(gone)));
                tell(Told::Listed);
                continue;
            }
            Ok(Event::Delete(object)) => (object, true),
            Ok(Event::Apply(object) | Event::InitApply(object)) => (object, false),
            Err(error) => {
                warn!(%error, kind = %K::kind(&()), "watch.failed");
                continue;
            }
        };
        let key = (object.namespace(), object.name_any());
        if gone {
            known.forget(&key).into_iter().for_each(|gone| tell(Told::Deleted(gone)));
            continue;
        }
        let uid = object.uid().unwrap_or_default();
        let metadata = object.meta().clone();
        match object.0 {
            Ok(read) => {
                // A list may hold another object of a name that was known.
                known.note(key, uid).into_iter().for_each(|gone| tell(Told::Deleted(gone)));
                tell(Told::Applied(read));
            }
            Err(error) => {
                warn!(%error, object = key.1, kind = %K::kind(&()), "object.unreadable");
                let object = ObjectReference {
                    api_version: Some(K::api_version(&()).into_owned()),
                    kind: Some(K::kind(&()).into_owned()),
                    namespace: key.0.clone(),
                    name: Some(key.1.clone()),
                    uid: Some(uid.clone()),
                    ..ObjectReference::default()
                };
                known.keep(key, uid);
                tell(Told::Unreadable(Box::new(Unread { object, metadata, why: error.error })));
            }
        }
    }
}

type Key = (Option<String>, String);

/// Which objects have been told, by uid.
#[derive(Debug, Default)]
struct Known {
    objects: HashMap<Key, String>,
    listed: HashSet<Key>,
}

impl Known {
    fn begin_list(&mut self) {
        self.listed.clear();
    }

    fn end_list(&mut self) -> Vec<Gone> {
        let listed = std::mem::take(&mut self.listed);
        let gone: Vec<Key> = self.objects.keys().filter(|key| !listed.contains(key)).cloned().collect();
        gone.iter().filter_map(|key| self.forget(key)).collect()
    }

    /// Notes an object; what had its name before and is another one is gone.
    fn note(&mut self, key: Key, uid: String) -> Option<Gone> {
        self.listed.insert(key.clone());
        let other = self.objects.get(&key).is_some_and(|known| *known != uid);
        let gone = if other { self.forget(&key) } else { None };
        self.objects.insert(key, uid);
        gone
    }

    /// Notes an object of which nothing is told now; what was told under its name stays.
    fn keep(&mut self, key: Key, uid: String) {
        self.listed.insert(key.clone());
        self.objects.entry(key).or_insert(uid);
    }

    fn forget(&mut self, key: &Key) -> Option<Gone> {
        let ((namespace, name), uid) = self.objects.remove_entry(key)?;
        Some(Gone { namespace, name, uid })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str) -> Key {
        (None, name.to_owned())
    }

    fn gone(name: &str, uid: &str) -> Gone {
        Gone { namespace: None, name: name.to_owned(), uid: uid.to_owned() }
    }

    #[test]
    fn what_a_new_list_no_longer_holds_is_gone() {
        let mut known = Known::default();
        known.note(key("a"), "1".to_owned());
        known.note(key("b"), "2".to_owned());
        known.begin_list();
        known.note(key("b"), "2".to_owned());
        assert_eq!(known.end_list(), [gone("a", "1")]);
    }

    #[test]
    fn what_cannot_be_read_is_not_gone() {
        let mut known = Known::default();
        known.note(key("a"), "1".to_owned());
        known.begin_list();
        known.keep(key("a"), "1".to_owned());
        assert_eq!(known.end_list(), []);
    }

    #[test]
    fn what_could_never_be_read_is_gone_once_it_is_deleted() {
        let mut known = Known::default();
        known.begin_list();
        known.keep(key("a"), "1".to_owned());
        assert_eq!(known.end_list(), []);
        assert_eq!(known.forget(&key("a")), Some(gone("a", "1")));
    }

    #[test]
    fn another_object_of_a_name_means_that_the_first_is_gone() {
        let mut known = Known::default();
        known.note(key("a"), "1".to_owned());
        assert_eq!(known.note(key("a"), "2".to_owned()), Some(gone("a", "1")));
        assert_eq!(known.forget(&key("a")), Some(gone("a", "2")));
    }
}
