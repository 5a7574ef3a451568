//! Telling people what became of a policy, in events on the objects that it is about and in the audit log.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use jiff::Timestamp;
use k8s_openapi::api::core::v1::ObjectReference;
use kube::{Resource, ResourceExt};
use serde_json::{Value, json};

use super::{
    super::events::Happened,
    Access, Admitted, CONTROLLER, audit,
    execute::Outcome,
    report::{self, Released, Whom},
};
use crate::{
    access::{Grown, Lost, Observed},
    api::{AccessPolicyStatus, ScimAccessPolicy, ScimUser},
    directory::view::User,
    ops::clock,
};

/// What begins by a status that is written, and is told once it stands there.
#[derive(Debug)]
pub(super) enum Begun {
    /// Nothing.
    Nothing,
    /// What people hear of.
    Events(Vec<Happened>),
    /// An approval of this plan is carried out.
    Approval(String),
}

/// By policy: a status of which no answer said whether it stands there, and what begins by it.
#[derive(Debug, Default)]
pub(super) struct Untold(Mutex<HashMap<Arc<str>, Sent>>);

#[derive(Debug)]
struct Sent {
    /// As it was written: times lose digits by that.
    status: Value,
    /// The version of the policy over which it was sent.
    over: Option<String>,
    begun: Begun,
}

impl Untold {
    pub(super) fn note(&self, policy: &ScimAccessPolicy, status: &AccessPolicyStatus, begun: Begun) {
        let sent = Sent { status: json!(status), over: policy.resource_version(), begun };
        self.lock().insert(policy.name_any().into(), sent);
    }

    /// What has begun, once the policy says something newer and says that.
    fn take(&self, policy: &ScimAccessPolicy) -> Option<Begun> {
        let mut all = self.lock();
        let name = policy.name_any();
        all.get(&*name).filter(|sent| sent.over != policy.resource_version())?;
        let sent = all.remove(&*name)?;
        (json!(policy.status) == sent.status).then_some(sent.begun)
    }

    /// The policy is gone.
    pub(super) fn forget(&self, policy: &str) {
        self.lock().remove(policy);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Arc<str>, Sent>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Access {
    /// Tells of what was done, and how it came to that.
    pub(super) fn tell(&self, name: &str, admitted: &Admitted, outcome: &Outcome, deleted: &Lost) {
        let (Admitted { policy, plan, leaving }, now) = (admitted, clock::now());
        if let Some(begun) = self.untold.take(policy) {
            self.tell_begun(policy, begun);
        }
        let causes = match plan.approved {
            Some(_) => self.causes.of_approved(name),
            None => self.causes.of(name),
        };
        audit::audit(policy, outcome, &causes);
        if let Some(released) = Released::of(policy, plan, outcome) {
            audit::released(policy, &released);
        }
        let (gained, lost) = outcome.gained_and_lost();
        self.metrics.plan(CONTROLLER, gained.len(), lost.len());
        let told = report::events(policy, plan, outcome, deleted, *leaving);
        told.into_iter().for_each(|happened| self.events.tell(&policy.object_ref(&()), happened, now));
        self.tell_people(policy, outcome, deleted, now);
    }

    /// Tells what has begun by a status that stands there.
    pub(super) fn tell_begun(&self, policy: &ScimAccessPolicy, begun: Begun) {
        match begun {
            Begun::Nothing => {}
            Begun::Approval(plan) => audit::begun(policy, &plan),
            Begun::Events(told) => {
                let (object, now) = (policy.object_ref(&()), clock::now());
                told.into_iter().for_each(|happened| self.events.tell(&object, happened, now));
            }
        }
    }

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
