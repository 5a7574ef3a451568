//! Waiting by watches, never by sleeping.

use std::{fmt::Debug, time::Duration};

use kube::{
    Api, Resource,
    runtime::wait::{Condition, await_condition},
};
use serde::de::DeserializeOwned;
use tokio::time::timeout;

/// How long anything may take, on a machine that does much else at the same time.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

/// Returns the object as soon as it exists and the condition holds; `what` says in words what that means.
pub(crate) async fn until<K>(api: &Api<K>, name: &str, what: &str, holds: impl Fn(&K) -> bool) -> K
where
    K: Resource + Clone + Debug + DeserializeOwned + Send + 'static,
{
    watch(api, name, what, |object: Option<&K>| object.is_some_and(&holds)).await.unwrap()
}

/// Returns as soon as there is no such object.
pub(crate) async fn until_gone<K>(api: &Api<K>, name: &str)
where
    K: Resource + Clone + Debug + DeserializeOwned + Send + 'static,
{
    watch(api, name, "gone", |object: Option<&K>| object.is_none()).await;
}

async fn watch<K>(api: &Api<K>, name: &str, what: &str, condition: impl Condition<K>) -> Option<K>
where
    K: Resource + Clone + Debug + DeserializeOwned + Send + 'static,
{
    match timeout(DEADLINE, await_condition(api.clone(), name, condition)).await {
        Ok(object) => object.unwrap(),
        Err(_) => {
            panic!("after {DEADLINE:?} {name} is still not {what}, it is {:#?}", api.get_opt(name).await)
        }
    }
}

/// Returns as soon as it holds, for what has no watch: it is asked again and again, with a breath between.
pub(crate) async fn await_until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let breath = Duration::from_millis(10);
    let asking = async {
        while !holds().await {
            tokio::time::sleep(breath).await;
        }
    };
    assert!(timeout(DEADLINE, asking).await.is_ok(), "after {DEADLINE:?} it is still not so that {what}");
}
