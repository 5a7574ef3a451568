use std::collections::HashMap;

use super::Janitor;
use crate::{
    api::ScimGroupStatus,
    directory::view::{Directory, Entry, ObjectRef},
};

impl Janitor {
    /// Says in the status of groups how many of their members have an id that nobody has.
    pub(super) async fn count_dangling(&self) {
        let untold = {
            let directory = self.store.read();
            // Until everybody is known, anybody may seem to be nobody.
            if directory.is_listed() && directory.doubtful_groups() == 0 {
                untold(&directory)
            } else {
                Vec::new()
            }
        };
        for (object, dangling) in untold {
            let status = dangling
                .map(|dangling| ScimGroupStatus { dangling: Some(dangling), ..ScimGroupStatus::default() });
            if let Err(error) = self.store.groups.report(&object, status).await {
                tracing::info!(%error, object = &*object.name, "janitor.put_off");
            }
        }
    }
}

/// The groups whose status says something else, and what it should say.
fn untold(directory: &Directory) -> Vec<(ObjectRef, Option<i64>)> {
    let mut untold = Vec::new();
    for (_, view) in directory.providers() {
        let mut counts: HashMap<_, i64> = HashMap::new();
        for group in view.dangling().flat_map(|id| view.groups_of(id)) {
            *counts.entry(group.id()).or_default() += 1;
        }
        let groups = view.groups().iter().map(|group| (group.stored(), counts.get(group.id()).copied()));
        let differing = groups.filter(|(group, dangling)| group.dangling() != *dangling);
        untold.extend(differing.map(|(group, dangling)| (group.object().clone(), dangling)));
    }
    untold
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::directory::view::samples::{group, user};

    fn told(directory: &Directory) -> Vec<(String, Option<i64>)> {
        let untold = untold(directory).into_iter();
        untold.map(|(object, dangling)| (object.name.to_string(), dangling)).collect()
    }

    #[test]
    fn ids_that_nobody_has_dangle_until_somebody_has_them() {
        let mut directory = Directory::default();
        directory.apply_group(group("team", &["alice", "bob", "carol"], json!({"groups": ["nested"]})));
        assert_eq!(told(&directory), [("team".to_owned(), Some(4))]);
        directory.apply_user(user("alice", json!({})));
        directory.apply_group(group("nested", &[], json!({})));
        assert_eq!(told(&directory), [("team".to_owned(), Some(2))]);
        directory.apply_group(group("team", &["alice", "bob"], json!({"resourceVersion": "2"})));
        assert_eq!(told(&directory), [("team".to_owned(), Some(1))]);
        directory.apply_user(user("bob", json!({})));
        assert_eq!(told(&directory), []);
    }

    #[test]
    fn who_is_deleted_does_not_dangle_but_is_taken_out() {
        let mut directory = Directory::default();
        let (alice, nested) = (user("alice", json!({})), group("nested", &[], json!({})));
        directory.apply_user(alice.clone());
        directory.apply_group(nested.clone());
        directory.apply_group(group("team", &["alice"], json!({"groups": ["nested"]})));
        directory.delete_user(&alice);
        directory.delete_group(&nested);
        directory.apply_group(group("late", &["alice", "nested"], json!({})));
        assert_eq!(told(&directory), []);
        let (_, view) = directory.providers().next().unwrap();
        assert_eq!(view.groups_with_gone().map(|(_, gone)| gone.len()).sum::<usize>(), 4);
    }
}
