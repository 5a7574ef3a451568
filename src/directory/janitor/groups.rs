//! What large groups need beside the requests that change them.

use std::{collections::HashSet, sync::Arc, time::Duration};

use jiff::Timestamp;

use super::{Janitor, Standstill};
use crate::{
    directory::{
        encode::{folded_group, group_without},
        layout::MAX_LOG,
        view::{Group, Id, ObjectRef, SliceRef},
        write::Abandoned,
    },
    scim::error::{ErrorKind, Result, ScimError},
};

/// How long a log that is nearly full must have stood still before it is folded. While changes come in, whoever
/// folds loses against each of them, some hundreds of slices every time.
pub(super) const MOMENT: Duration = Duration::from_secs(1);

/// From how many entries a log is nearly full.
const NEARLY_FULL: usize = MAX_LOG * 3 / 4;

/// How many times the grace slices stay whose group nobody has: whoever restores a backup may bring the group
/// after them.
const ABANDONED: u32 = 20;

/// Groups that could not be written.
pub(super) type PutOff = HashSet<Id>;

/// Slices that nothing names.
pub(super) type Unswept = Standstill<SliceRef>;

impl Janitor {
    /// Takes deleted people and groups out of the groups that still name them, but for those that were put off.
    pub(super) async fn take_out_the_gone(&self, now: Timestamp, put_off: &mut PutOff) {
        let mut work = Vec::new();
        for (name, view) in self.store.read().providers() {
            let groups = view.groups_with_gone().filter(|(group, _)| !put_off.contains(group));
            work.extend(groups.map(|(group, gone)| (name.to_owned(), group, gone)));
        }
        for (provider, group, gone) in work {
            if let Err(error) = self.take_out(&provider, &group, &gone, now).await {
                tracing::info!(%error, provider, group = %group, "janitor.put_off");
                put_off.insert(group);
            }
        }
    }

    /// One write takes out as many as a log has room for.
    async fn take_out(&self, provider: &str, group: &Id, gone: &[Id], now: Timestamp) -> Result<()> {
        let forget = |group: &Group| group_without(group, gone, now);
        while {
            let left = self.store.groups.update(provider, group, |_| Ok(()), forget).await?;
            gone.iter().any(|id| left.names(id))
        } {}
        Ok(())
    }

    /// Folds the logs that have stood still for a while, so that requests seldom find one full.
    pub(super) async fn fold(&self, logs: &mut Standstill<ObjectRef>) {
        let held: Vec<Arc<Group>> = {
            let directory = self.store.read();
            let groups = directory.providers().flat_map(|(_, view)| view.groups());
            groups.filter(|group| log(group) > 0).cloned().collect()
        };
        logs.see(held.iter().map(|group| group.object().clone()));
        let patience =
            |group: &Group| if log(group) < NEARLY_FULL { self.grace } else { self.grace.min(MOMENT) };
        for group in held.iter().filter(|group| logs.is_due(group.object(), patience(group))) {
            let stands_still = |now: &Group| match now.object() == group.object() {
                true => Ok(()),
                false => Err(ScimError::new(ErrorKind::Unavailable, "the group changed meanwhile")),
            };
            let folded = self.store.groups.update(group.provider(), group.id(), stands_still, folded_group);
            if let Err(error) = folded.await {
                tracing::info!(%error, object = &*group.object().name, "janitor.put_off");
            }
        }
    }

    /// Deletes slices that nothing has named for a while.
    pub(super) async fn sweep(&self, unswept: &mut Unswept) {
        let orphans: Vec<SliceRef> = {
            let directory = self.store.read();
            let orphans = directory.providers().flat_map(|(_, view)| view.orphaned_slices());
            orphans.map(|(slice, _)| slice).collect()
        };
        unswept.see(orphans.iter().cloned());
        let due: HashSet<&Id> = orphans
            .iter()
            .filter(|slice| unswept.is_due(slice, self.grace))
            .map(|slice| &slice.group)
            .collect();
        for group in due {
            let mut slices = orphans.iter().filter(|slice| slice.group == *group);
            let abandoned = match slices.all(|slice| unswept.is_due(slice, self.grace * ABANDONED)) {
                true => Abandoned::Delete,
                false => Abandoned::Keep,
            };
            match self.store.groups.sweep(group, abandoned).await {
                Ok(0) => {}
                Ok(slices) => tracing::info!(group = %group, slices, "janitor.swept"),
                Err(error) => tracing::info!(%error, group = %group, "janitor.put_off"),
            }
        }
    }
}

/// How many entries the log of a group has.
fn log(group: &Group) -> usize {
    group.members().added().len() + group.members().removed().len()
}

#[cfg(test)]
mod tests {
    use kube::Config;
    use serde_json::json;

    use super::*;
    use crate::{
        directory::{
            Store,
            view::samples::{group, user},
        },
        ops::{
            kube_client::{Role, request_client},
            metrics::Metrics,
        },
    };

    fn writes(metrics: &Metrics) -> u64 {
        let text = metrics.encode().unwrap();
        let counts = text.lines().filter(|line| line.starts_with("scim_operator_kube_writes_total{"));
        counts.map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()).sum()
    }

    #[tokio::test]
    async fn a_group_that_cannot_be_written_is_put_off_whatever_else_changes() {
        let (metrics, nobody) = (Metrics::new(), Config::new("http://127.0.0.1:1".parse().unwrap()));
        let store = Store::new(&request_client(nobody, Role::Serve).unwrap(), 1, &metrics);
        store.tell(|directory| {
            let alice = user("alice", json!({}));
            directory.apply_user(alice.clone());
            directory.apply_group(group("team", &["alice"], json!({})));
            directory.delete_user(&alice);
        });
        let (janitor, now) = (Janitor::new(store), "2026-01-01T00:00:00Z".parse().unwrap());
        for round in 1..3 {
            let mut put_off = PutOff::default();
            for _ in 0..3 {
                janitor.take_out_the_gone(now, &mut put_off).await;
                assert_eq!(writes(&metrics), round);
            }
        }
    }
}
