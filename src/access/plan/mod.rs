//! The plan of one policy: what there should be, and what has to be done. Preview, guard, explain and
//! apply all look at the same plan.

mod compare;
mod lanes;
mod partings;
mod shards;
mod subjects;
mod wanted;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    fmt,
    sync::Arc,
};

use jiff::Timestamp;
use kube::ResourceExt;

use super::{
    binding::{Binding, Moments, Observed, Place, ProviderGone, RoleName, Subject},
    guard::{Approved, Departures, Free, Guard, Held, Members, Verdict},
    people::{Former, Identities},
    policy::{Namespaces, Policy, Protected, Terms, Validity},
    roles::{Bindable, RoleRefusal, Roles},
};
use crate::{
    api::{GroupSelector, OnDelete, ScimProvider, SubjectKind, listed},
    directory::view::{Activity, Selection},
};
use compare::Comparison;
pub use lanes::Lane;
use partings::Partings;
pub use subjects::{Excluded, Grants};
use wanted::Wanted;

/// What one policy wants, and what is to be done for it.
#[derive(Debug)]
pub struct Plan {
    /// Who is given what where; subjects that share all of it stand together.
    pub allotments: Vec<Allotment>,
    /// What is to be written: what takes away first, deletions last.
    pub changes: Vec<Change>,
    /// Who gains something somewhere.
    pub adds: BTreeSet<Subject>,
    /// Who loses something somewhere.
    pub removes: BTreeSet<Subject>,
    /// Those of them who do so because of their groups or attributes alone, whom the guard may keep.
    pub departures: Departures,
    /// Those of them who were deactivated or deleted.
    pub leavers: BTreeSet<Subject>,
    /// Those whom the guard held until now, and who lose something because an administrator changed the policy. Where it
    /// has ended, everybody who had it.
    pub released: BTreeSet<Subject>,
    /// For whom the token groups stand that are given something.
    pub token_groups: BTreeMap<Subject, Members>,
    /// Those whom the guard keeps from losing anything.
    pub held: Option<Held>,
    /// What is left of what an administrator approved. Where the policy's status says that it is under way, this plan
    /// carries it out, as far as it is known who is to go; where it does not say so yet, all of it waits.
    pub approved: Option<Arc<Approved>>,
    /// Who goes by other departures, as far as the guard counts them.
    pub counted: BTreeSet<Subject>,
    /// How many may lose access through the provider in all, as the guard found where anybody counts.
    pub allowance: usize,
    /// Why the policy does not hold in a namespace that it means.
    pub not_applied: BTreeMap<Arc<str>, NotApplied>,
    /// The namespaces that it means.
    pub namespaces: BTreeSet<Arc<str>>,
    /// What an administrator should know.
    pub problems: Problems,
    /// How much was known.
    pub completeness: Completeness,
    /// How much was known of whom the providers deactivate that this one correlates with, where that matters.
    pub partners: Completeness,
    /// Whether the policy holds now.
    pub validity: Validity,
    /// When to plan again though nothing changed.
    pub next: Option<Timestamp>,
}

/// Subjects, and the places where they are given something.
#[derive(Clone, Debug)]
pub struct Allotment {
    /// Who, and by what.
    pub grants: Arc<Grants>,
    /// What, and where.
    pub places: Vec<Place>,
}

/// One write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A binding that is not there.
    Create(Binding),
    /// A binding that is not as it should be.
    Update {
        /// As it is.
        from: Arc<Observed>,
        /// As it should be.
        to: Binding,
    },
    /// A binding that should not be there.
    Delete(Arc<Observed>),
}

/// Why a policy does not hold in a namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum NotApplied {
    /// There is no such namespace.
    Missing,
    /// It is going away.
    Terminating,
    /// The chart protects it.
    Protected,
    /// The role is refused there.
    RoleNotAllowed,
    /// A binding of that name belongs to somebody else.
    Conflict,
    /// The API server did not take it.
    Failed,
}

/// What an administrator should know of a policy.
#[derive(Debug, Default)]
pub struct Problems {
    /// Why the policy gives nothing new.
    pub blocked: Option<Blocked>,
    /// Groups that the directory does not hold.
    pub groups_not_found: Vec<GroupSelector>,
    /// Who is meant and gets nothing.
    pub excluded: Vec<Excluded>,
    /// Groups whose names chose no name that can be.
    pub unusable_captures: BTreeSet<String>,
    /// Roles that are not given, and who holds each all the same, from before.
    pub roles: BTreeMap<RoleRefusal, BTreeSet<Subject>>,
    /// Roles that the policy gave before those, and who keeps each until it gives another.
    pub replaced: BTreeMap<RoleName, BTreeSet<Subject>>,
    /// The attribute of which the filter over people asks what nobody can have.
    pub contradiction: Option<String>,
}

/// Why a policy gives nothing new.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Blocked {
    /// There is no such provider. What was given stays as it is, unless the provider said otherwise while it
    /// was there.
    ProviderNotFound,
    /// The provider's object is there and has never been readable. What was given stays as it is, whatever
    /// the provider said.
    ProviderUnreadable,
    /// The policy or its provider's mapping cannot be read; this is why. Who was given something keeps it
    /// while they are active.
    Invalid(String),
    /// The policy's object cannot be read; this is why. Who was given something keeps it while they are active.
    Unreadable(String),
    /// The policy is being deleted, and its object waits for these finalizers.
    Terminating(Vec<String>),
}

impl fmt::Display for Blocked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ProviderNotFound => f.write_str("the ScimProvider does not exist"),
            Self::ProviderUnreadable => f.write_str("the ScimProvider cannot be read: correct its spec"),
            Self::Invalid(error) => f.write_str(error),
            Self::Unreadable(error) => write!(f, "the policy cannot be read: {error}"),
            Self::Terminating(finalizers) => {
                write!(f, "the policy is being deleted and waits for {}", waits_for(finalizers))
            }
        }
    }
}

/// How much of what the directory has of a provider is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Completeness {
    /// All of it.
    #[default]
    Complete,
    /// Some of its objects could not be read: nobody loses anything because they are not seen. Whose deletion was seen,
    /// goes.
    Partial,
}

/// Why there is no provider to plan by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoProvider {
    /// There is none of that name.
    NotFound,
    /// There is one, and it has never been readable.
    Unreadable,
}

/// Everything that a plan is made from beside the policy and whom it means.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The policy's provider, as it could last be read.
    pub provider: Result<&'a ScimProvider, NoProvider>,
    /// Why the provider's mapping cannot be read.
    pub provider_is_invalid: Option<&'a str>,
    /// Who holds which string.
    pub identities: &'a Identities,
    /// How much is known.
    pub completeness: Completeness,
    /// How much is known of whom the providers deactivate that this one correlates with.
    pub partners: Completeness,
    /// All namespaces.
    pub namespaces: &'a Namespaces,
    /// All roles.
    pub roles: &'a Roles,
    /// Which roles the chart lists.
    pub bindable: &'a Bindable,
    /// Which namespaces the chart protects.
    pub protected: &'a Protected,
    /// The policy's bindings.
    pub observed: &'a [Arc<Observed>],
    /// Whom they name by strings that others hold now, or nobody, as far as this process has seen it.
    pub former: &'a Former,
    /// What may be taken away; everything without.
    pub guard: Option<Guard<'a>>,
    /// What this process knows to be left of the policy's last approval.
    pub approved: Option<&'a Approved>,
    /// The time.
    pub now: Timestamp,
}

/// What a policy's bindings give, by place.
type Bound<'a> = BTreeMap<&'a Place, Vec<&'a Arc<Observed>>>;

/// What a policy's departures do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Going {
    /// They go.
    Go,
    /// They wait.
    Wait,
}

impl Facts<'_> {
    /// The plan of a policy. `select` looks up whom it means.
    pub fn plan(&self, policy: &Policy, select: impl FnOnce(&Terms) -> Selection) -> Plan {
        let mut plan = Plan::new(self.completeness, policy.validity(self.now), policy.next_bound(self.now));
        let bindings = self.observed.iter().map(|observed| &observed.binding);
        plan.approved = Approved::under_way(policy.object(), self.approved, bindings).map(Arc::new);
        if let Some(finalizers) = policy.terminating() {
            return self.of_terminating(policy, finalizers, plan);
        }
        let provider = match self.provider {
            Ok(provider) => provider,
            Err(why) => return self.without_provider(why, plan),
        };
        let readable = match (self.provider_is_invalid, policy.terms()) {
            (Some(error), _) | (_, Err(error)) => {
                plan.problems.blocked = Some(Blocked::Invalid(error.to_owned()));
                None
            }
            (None, Ok(terms)) => {
                let shares = provider.spec.correlate.is_some();
                let activity = if shares { Activity::Shared } else { Activity::Own };
                plan.problems.contradiction = terms.people.contradiction(activity).map(str::to_owned);
                Some(terms)
            }
        };
        let mut bound = Bound::new();
        for observed in self.observed {
            bound.entry(&observed.binding.place).or_default().push(observed);
        }
        let wanted = match readable {
            _ if plan.validity != Validity::Current => BTreeMap::new(),
            Some(terms) => {
                if policy.object().spec.subject_kind == SubjectKind::User {
                    plan.partners = self.partners;
                }
                let wanted = self.wanted(policy, terms, provider, &bound, &select(terms), &mut plan);
                let is_wanted = |place: &Place, subject: &Subject| {
                    wanted.get(place).is_some_and(|wanted: &Wanted| wanted.grants.contains_key(subject))
                };
                plan.approved = plan.approved.and_then(|approved| approved.but_for(is_wanted)).map(Arc::new);
                wanted
            }
            None if policy.object().spec.subject_kind == SubjectKind::Group => return plan,
            None if !self.identities.maps(&provider.name_any()) => return plan,
            None => self.whoever_is_active(policy, provider, &bound),
        };
        let partings = Partings::new(self, policy.object());
        let compare = |going| self.compare(policy, &wanted, &bound, &partings, plan.partners, going);
        let mut found = compare(Going::Go);
        if let Some(guard) = self.guard.filter(|_| !found.departures.places.is_empty()) {
            match guard.judge(policy.object(), &found.departures, plan.approved.as_deref()) {
                Verdict::Free(Free { counted, allowance }) => {
                    (plan.counted, plan.allowance) = (counted, allowance);
                }
                Verdict::Begins(approved) => {
                    found = compare(Going::Wait);
                    plan.approved = Some(Arc::new(approved));
                }
                Verdict::Held(held) => {
                    found = compare(Going::Wait);
                    (plan.approved, plan.held) = (None, Some(held));
                }
            }
        }
        plan.take(found);
        plan.allotments = allotments(wanted);
        plan
    }

    /// A policy that is being deleted does what its deletion does, however long its object stays.
    fn of_terminating(&self, policy: &Policy, finalizers: &[String], mut plan: Plan) -> Plan {
        plan.problems.blocked = Some(Blocked::Terminating(finalizers.to_vec()));
        if policy.object().spec.on_delete == OnDelete::Revoke {
            plan.end(self.observed);
        }
        plan
    }

    /// A grant that ended ends, whatever else is wrong; and what a provider that is gone said last holds.
    fn without_provider(&self, why: NoProvider, mut plan: Plan) -> Plan {
        plan.problems.blocked = Some(match why {
            NoProvider::NotFound => Blocked::ProviderNotFound,
            NoProvider::Unreadable => Blocked::ProviderUnreadable,
        });
        let goes = |observed: &Observed| {
            why == NoProvider::NotFound && observed.binding.mark.provider_gone == ProviderGone::Go
        };
        let ends = |observed: &&Arc<Observed>| plan.validity != Validity::Current || goes(observed);
        let ended: Vec<_> = self.observed.iter().filter(ends).cloned().collect();
        plan.end(&ended);
        plan
    }
}

impl Plan {
    /// Those who lose something and whom not even the guard would keep: they were deactivated or deleted, or somebody
    /// else is called so.
    pub fn urgent(&self) -> BTreeSet<Subject> {
        &self.removes - &self.departures.subjects()
    }

    fn take(&mut self, found: Comparison) {
        self.changes = found.changes;
        self.adds = found.adds;
        self.removes = found.removes;
        self.departures = found.departures;
        self.leavers = found.leavers;
        self.released = found.released;
    }

    /// Takes everything away that these give.
    fn end(&mut self, ended: &[Arc<Observed>]) {
        self.removes = ended.iter().flat_map(|observed| observed.binding.subjects.clone()).collect();
        self.changes = ended.iter().filter_map(Change::ending).collect();
    }

    fn new(completeness: Completeness, validity: Validity, next: Option<Timestamp>) -> Self {
        Self {
            allotments: Vec::new(),
            changes: Vec::new(),
            adds: BTreeSet::new(),
            removes: BTreeSet::new(),
            departures: Departures::default(),
            leavers: BTreeSet::new(),
            released: BTreeSet::new(),
            token_groups: BTreeMap::new(),
            held: None,
            approved: None,
            counted: BTreeSet::new(),
            allowance: 0,
            namespaces: BTreeSet::new(),
            not_applied: BTreeMap::new(),
            problems: Problems::default(),
            completeness,
            partners: Completeness::Complete,
            validity,
            next,
        }
    }
}

impl Change {
    /// What takes everything away that a binding gives. One that waits for somebody's finalizer does not go by being
    /// deleted again; nothing where it gives nobody anything any more.
    pub fn ending(observed: &Arc<Observed>) -> Option<Self> {
        let Binding { subjects, .. } = &observed.binding;
        match (&observed.terminating, subjects.is_empty()) {
            (None, _) => Some(Self::Delete(observed.clone())),
            (Some(_), true) => None,
            (Some(_), false) => Self::shrinking(observed, &BTreeSet::new()),
        }
    }

    /// What takes everybody out of a binding but these; nothing where nobody else is in it.
    fn shrinking(observed: &Arc<Observed>, to: &BTreeSet<&Subject>) -> Option<Self> {
        let Binding { subjects, .. } = &observed.binding;
        let stay: Vec<Subject> = subjects.iter().filter(|subject| to.contains(subject)).cloned().collect();
        if stay.len() == subjects.len() {
            return None;
        }
        let moments = Moments::after(observed, &stay, None);
        let to = Binding { subjects: stay, moments, ..observed.binding.clone() };
        Some(Self::Update { from: observed.clone(), to })
    }

    /// The binding that it changes, as it was.
    pub fn from(&self) -> Option<&Arc<Observed>> {
        match self {
            Self::Create(_) => None,
            Self::Update { from, .. } | Self::Delete(from) => Some(from),
        }
    }

    /// Whether it leaves nothing of a binding that gives anybody anything.
    fn ends_binding(&self) -> bool {
        match self {
            Self::Create(_) => false,
            Self::Update { to, .. } => to.subjects.is_empty(),
            Self::Delete(_) => true,
        }
    }

    /// What is given, and where.
    pub fn place(&self) -> &Place {
        match self {
            Self::Create(binding) | Self::Update { to: binding, .. } => &binding.place,
            Self::Delete(observed) => &observed.binding.place,
        }
    }

    /// The binding's name.
    pub fn object(&self) -> &str {
        match self {
            Self::Create(binding) | Self::Update { to: binding, .. } => &binding.name,
            Self::Delete(observed) => &observed.binding.name,
        }
    }

    /// Who is added to the binding.
    pub fn added(&self) -> Vec<&Subject> {
        match self {
            Self::Create(binding) => binding.subjects.iter().collect(),
            Self::Update { from, to } => missing(&to.subjects, &from.binding.subjects),
            Self::Delete(_) => Vec::new(),
        }
    }

    /// Who is taken out of the binding.
    pub fn removed(&self) -> Vec<&Subject> {
        match self {
            Self::Create(_) => Vec::new(),
            Self::Update { from, to } => missing(&from.binding.subjects, &to.subjects),
            Self::Delete(observed) => observed.binding.subjects.iter().collect(),
        }
    }

    /// What takes away goes first; a deletion goes last, so that another role is there before the old
    /// one is gone.
    fn turn(&self) -> u8 {
        match self {
            Self::Update { .. } if !self.removed().is_empty() => 0,
            Self::Create(_) | Self::Update { .. } => 1,
            Self::Delete(_) => 2,
        }
    }
}

/// The finalizers for which something waits that is being deleted.
pub fn waits_for(finalizers: &[String]) -> String {
    match finalizers {
        [] => "its end".to_owned(),
        finalizers => format!("the finalizers {}", listed::names(finalizers, listed::FEW)),
    }
}

/// Those of `some` who are not among `others`.
fn missing<'s>(some: &'s [Subject], others: &[Subject]) -> Vec<&'s Subject> {
    let others: HashSet<&Subject> = others.iter().collect();
    some.iter().filter(|subject| !others.contains(subject)).collect()
}

/// The places by who is wanted there.
fn allotments(wanted: BTreeMap<Place, Wanted>) -> Vec<Allotment> {
    let mut allotments: Vec<Allotment> = Vec::new();
    let mut numbers = HashMap::new();
    for (place, Wanted { grants, .. }) in wanted {
        let number = *numbers.entry(Arc::as_ptr(&grants)).or_insert(allotments.len());
        match allotments.get_mut(number) {
            Some(allotment) => allotment.places.push(place),
            None => allotments.push(Allotment { grants, places: vec![place] }),
        }
    }
    allotments
}
