//! What people and policies have to be told of, when their next plan is carried out: who held a string that is
//! somebody else's now, and which bindings somebody else deleted, or went with their policy.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use kube::ResourceExt;

use super::{BindingKey, Index, Touched};
use crate::{
    access::{
        binding::{Observed, Subject},
        people::{Effect, Former, Formerly, PersonRef},
        plan::{Completeness, Plan},
        policy::{Namespace, Phase, Policy},
    },
    api::OnDelete,
    directory::view::User,
};

/// Bindings by namespace and name.
pub type Lost = BTreeMap<BindingKey, Arc<Observed>>;

/// What is not told yet.
#[derive(Debug, Default)]
pub(in crate::access) struct Untold {
    /// By policy: whom its bindings name by strings that others hold now, or nobody.
    pub(in crate::access) former: HashMap<Arc<str>, Former>,
    /// How many strings somebody gave up.
    given_up: u64,
    /// By policy: its bindings that somebody else deleted.
    lost: HashMap<Arc<str>, Lost>,
    /// By policy: bindings that went with it.
    ended: HashMap<Arc<str>, Vec<Arc<Observed>>>,
    /// By policy that is gone, while there are bindings of it: what it said last of its deletion.
    last_words: HashMap<Arc<str>, OnDelete>,
    /// The uids of bindings that this process is deleting.
    deleting: HashSet<String>,
    /// Whether it is this process that tells.
    leads: bool,
}

impl Untold {
    /// Forgets what concerns a policy that is gone. Its bindings go with it, and one may have gone before that was told.
    pub(super) fn forget_policy(&mut self, name: &str) {
        self.former.remove(name);
        let lost = self.lost.remove(name).into_iter().flat_map(BTreeMap::into_values);
        let along: Vec<_> = lost.filter(|binding| binding.binding.mark.owner.is_some()).collect();
        along.into_iter().for_each(|binding| self.end(name.into(), binding));
    }

    /// Takes note of what a policy that is gone said last of its deletion.
    pub(super) fn note_last_word(&mut self, policy: &Arc<str>, on_delete: OnDelete) {
        self.last_words.insert(policy.clone(), on_delete);
    }

    /// What a policy that is gone said last of its deletion, where this process saw it.
    pub(super) fn last_word(&self, policy: &str) -> Option<OnDelete> {
        self.last_words.get(policy).copied()
    }

    /// There is a policy of the name again, or no binding any more.
    pub(super) fn forget_last_word(&mut self, policy: &str) {
        self.last_words.remove(policy);
    }

    /// Whether it is this process that tells.
    pub(super) fn leads(&self) -> bool {
        self.leads
    }

    fn end(&mut self, policy: Arc<str>, binding: Arc<Observed>) {
        if self.leads {
            self.ended.entry(policy).or_default().push(binding);
        }
    }

    /// The policies whose bindings name one of these people by a string that they held.
    pub(super) fn naming(&self, people: &BTreeSet<PersonRef>) -> impl Iterator<Item = &Arc<str>> {
        let names = |former: &Former| former.values().any(|formerly| people.contains(&formerly.person));
        self.former.iter().filter(move |(_, former)| names(former)).map(|(policy, _)| policy)
    }
}

impl Index {
    /// Whom a policy's bindings name by strings that others hold now, or nobody.
    pub fn former(&self, policy: &str) -> &Former {
        static NOBODY: Former = Former::new();
        self.untold.former.get(policy).unwrap_or(&NOBODY)
    }

    /// Forgets those, because a plan was carried out and the bindings are for whoever holds the strings now; but for
    /// those who keep what they have until the guard lets them go, or until everything can be read.
    pub fn forget_former(&mut self, policy: &str, plan: &Plan, told: &Former) {
        let is_bound = |subject: &Subject| self.binding(subject).any(|name| **name == *policy);
        let is_given =
            |subject: &Subject| plan.allotments.iter().any(|given| given.grants.contains_key(subject));
        let is_fully_known = [plan.completeness, plan.partners] == [Completeness::Complete; 2];
        let kept: BTreeSet<Subject> = match (&plan.held, &plan.approved) {
            _ if !is_fully_known => {
                told.keys().filter(|subject| is_bound(subject) && !is_given(subject)).cloned().collect()
            }
            (Some(held), _) => held.subjects.clone(),
            (None, Some(approved)) => approved.subjects().into_iter().filter(is_bound).collect(),
            (None, None) => BTreeSet::new(),
        };
        let Some(former) = self.untold.former.get_mut(policy) else { return };
        let waits = |subject: &Subject| kept.contains(subject);
        former.retain(|subject, formerly| waits(subject) || told.get(subject) != Some(formerly));
        if former.is_empty() {
            self.untold.former.remove(policy);
        }
    }

    /// This process plans from now on; returns the names of all policies, of those that have left bindings behind, too.
    /// Until everything was listed nothing was a change, and after that another process saw to it: what bindings were
    /// given for is known as far as people's objects say what they were called before.
    pub fn take_over(&mut self) -> Touched {
        self.untold.former.clear();
        self.untold.lost.clear();
        self.approved.clear();
        self.untold.leads = true;
        self.recall_former();
        self.note_changed_roles();
        // Watches tell no status of what cannot be read, and the leader before may have written one.
        let policies = self.policies();
        policies.iter().for_each(|policy| self.forget_status(policy));
        &policies | &self.bound_policies()
    }

    /// Whoever gave a string up last is the one whom bindings name by it, where nobody is called so now.
    fn recall_former(&mut self) {
        let given_up = |user: &Arc<User>| {
            let string = user.former_identity()?;
            let is_nobodys = self.identities.called(string).next().is_none();
            let person = PersonRef { provider: user.provider().clone(), id: user.id().clone() };
            is_nobodys.then(|| (user.identity_since(), person, Subject::User(string.into())))
        };
        let mut all: Vec<_> = self.identities.everyone().filter_map(given_up).collect();
        all.sort_by(|one, other| other.cmp(one));
        for (_, person, subject) in all {
            self.remember(&subject, &BTreeSet::from([person]), 0);
        }
    }

    /// Somebody of the directory.
    pub fn user(&self, person: &PersonRef) -> Option<&Arc<User>> {
        self.identities.user(person)
    }

    pub(super) fn note_former(&mut self, effect: &Effect) {
        for (string, people) in &effect.former {
            self.untold.given_up += 1;
            self.remember(&Subject::User(string.as_str().into()), people, self.untold.given_up);
        }
    }

    /// Remembers whom a subject of bindings meant, unless that is known.
    fn remember(&mut self, subject: &Subject, people: &BTreeSet<PersonRef>, order: u64) {
        let policies: Vec<Arc<str>> = self.binding(subject).cloned().collect();
        for policy in policies {
            let provider = self.policies.get(&policy).map(|policy| policy.object().spec.provider.as_str());
            let own = people.iter().find(|person| Some(&*person.provider) == provider);
            let Some(person) = own.cloned() else { continue };
            let formerly = Formerly { person, order };
            self.untold.former.entry(policy).or_default().entry(subject.clone()).or_insert(formerly);
        }
    }

    /// The bindings of a policy that somebody else deleted, until they are made again or no longer wanted.
    pub fn lost(&self, policy: &str) -> Lost {
        self.untold.lost.get(policy).cloned().unwrap_or_default()
    }

    /// Forgets those.
    pub fn forget_lost(&mut self, policy: &str, told: &Lost) {
        let Some(lost) = self.untold.lost.get_mut(policy) else { return };
        lost.retain(|key, binding| told.get(key).is_none_or(|told| told.uid != binding.uid));
        if lost.is_empty() {
            self.untold.lost.remove(policy);
        }
    }

    /// The bindings that went with a policy, to be told once.
    pub fn take_ended(&mut self, policy: &str) -> Vec<Arc<Observed>> {
        self.untold.ended.remove(policy).unwrap_or_default()
    }

    /// The process is about to delete a binding: that it goes is nobody else's doing.
    pub fn begin_deletion(&mut self, uid: &str) {
        self.untold.deleting.insert(uid.to_owned());
    }

    /// The API server has answered.
    pub fn end_deletion(&mut self, uid: &str) {
        self.untold.deleting.remove(uid);
    }

    /// Forgets a binding of which the watch tells that it is gone, and notes it where this process did not delete it:
    /// as gone with its policy, or as lost where nothing else explains it.
    pub fn binding_gone(&mut self, namespace: Option<&str>, name: &str, uid: &str) -> Touched {
        let key: BindingKey = (namespace.map(Into::into), name.to_owned());
        let space = key.0.as_ref().map(|namespace| self.namespaces.get(namespace).map(Namespace::phase));
        let is_possible = space.is_none_or(|phase| phase == Some(Phase::Active));
        if is_possible && !self.untold.deleting.contains(uid) {
            let of = |(policy, held): (&Arc<str>, &BTreeMap<BindingKey, Arc<Observed>>)| {
                let binding = held.get(&key).filter(|held| held.uid == uid)?;
                Some((policy.clone(), binding.clone()))
            };
            let gone: Vec<_> = self.bindings.iter().filter_map(of).collect();
            for (policy, binding) in gone {
                let owner = binding.binding.mark.owner.as_ref();
                let is_its = |policy: &Policy| {
                    policy.terminating().is_none()
                        && owner.is_none_or(|uid| policy.object().uid().as_ref() == Some(uid))
                };
                match self.policies.get(&policy).is_some_and(is_its) {
                    true => _ = self.untold.lost.entry(policy).or_default().insert(key.clone(), binding),
                    // What somebody deletes by hand that no policy owned any more is nobody's loss of a policy's.
                    false if owner.is_none() => {}
                    false => self.untold.end(policy, binding),
                }
            }
        }
        self.delete_binding(namespace, name, uid)
    }
}
