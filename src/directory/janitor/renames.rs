use super::{Janitor, Standstill};
use crate::{
    directory::view::{Entry, ObjectRef, Standing},
    scim::error::Result,
};

impl Janitor {
    /// Ends renames and creations whose process died.
    pub(super) async fn end_renames(&self, unfinished: &mut Standstill<ObjectRef>) {
        let (mut users, mut groups) = (Vec::new(), Vec::new());
        for (_, view) in self.store.read().providers() {
            users.extend(view.every_user_object().filter(|user| is_unfinished(user.standing())).cloned());
            groups.extend(view.every_group_object().filter(|group| is_unfinished(group.standing())).cloned());
        }
        let objects = users.iter().map(|user| user.object());
        unfinished.see(objects.chain(groups.iter().map(|group| group.object())).cloned());
        for user in users.iter().filter(|user| unfinished.is_due(user.object(), self.grace)) {
            log(self.store.users.settle(user).await, user.object());
        }
        for group in groups.iter().filter(|group| unfinished.is_due(group.object(), self.grace)) {
            log(self.store.groups.give_up(group).await, group.object());
        }
    }
}

fn is_unfinished(standing: &Standing) -> bool {
    matches!(standing, Standing::Marked(_) | Standing::Reserved | Standing::Creating)
}

fn log(settled: Result<()>, object: &ObjectRef) {
    match settled {
        Ok(()) => tracing::info!(object = &*object.name, "janitor.rename_ended"),
        Err(error) => tracing::info!(%error, object = &*object.name, "janitor.put_off"),
    }
}
