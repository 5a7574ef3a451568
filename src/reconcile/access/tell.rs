//! Telling people what became of a policy, in events on the objects that it is about.

use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::ObjectReference;
use kube::{Resource, ResourceExt};

use super::{
    Access, audit,
    execute::Outcome,
    report::{self, Whom},
};
use crate::{
    access::{Grown, Lost, Observed},
    api::{ScimAccessPolicy, ScimUser},
    directory::view::User,
};

impl Access {
    /// Tells those who gained or lost something, as far as there are still objects of theirs. Who lost something is
    /// whoever was given it: the string may be somebody else's by now.
    pub(super) fn tell_people(
        &self,
        policy: &ScimAccessPolicy,
        outcome: &Outcome,
        deleted: &Lost,
        now: Timestamp,
    ) {
        let told = report::to_people(policy, outcome, deleted);
        let index = self.index();
        let former = index.former(&policy.name_any());
        for (whom, happened) in told {
            let user = match whom {
                Whom::Gained(subject) => index.holder(&policy.spec.provider, subject),
                Whom::Lost(subject) => match former.get(subject) {
                    Some(formerly) => index.user(&formerly.person),
                    None => index.holder(&policy.spec.provider, subject),
                },
            };
            if let Some(user) = user {
                self.events.tell(&reference(user), happened, now);
            }
        }
    }

    /// Tells of bindings that the garbage collector deleted with their policy, and whoever lost something by it.
    pub(super) fn tell_ended(&self, policy: &str, now: Timestamp) {
        let ended = self.index_mut().take_ended(policy);
        self.tell_gone(&ended, now);
    }

    /// Tells of bindings that are no more because their policy is gone, and whoever lost something by it.
    pub(super) fn tell_gone(&self, ended: &[Arc<Observed>], now: Timestamp) {
        ended.iter().for_each(|binding| audit::ended(binding));
        let index = self.index();
        for (binding, subject, happened) in report::ended(ended) {
            if let Some(user) = index.holder(&binding.mark.provider, subject) {
                self.events.tell(&reference(user), happened, now);
            }
        }
    }

    /// Tells of roles that let more be done since the policy gave them.
    pub(super) fn tell_grown(&self, policy: &ScimAccessPolicy, grown: &Grown, now: Timestamp) {
        self.metrics.roles_grown(&policy.name_any(), grown.len());
        for happened in report::grown(grown) {
            self.events.tell(&policy.object_ref(&()), happened, now);
        }
    }
}

fn reference(user: &User) -> ObjectReference {
    let object = user.object();
    ObjectReference {
        api_version: Some(ScimUser::api_version(&()).into_owned()),
        kind: Some(ScimUser::kind(&()).into_owned()),
        name: Some(object.name.to_string()),
        uid: Some(object.uid.to_string()),
        resource_version: Some(object.resource_version.to_string()),
        ..ObjectReference::default()
    }
}
