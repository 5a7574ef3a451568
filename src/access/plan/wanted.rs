//! What there should be: who, where.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use super::{
    Bound, Completeness, Facts, Grants, NotApplied, Plan, Problems,
    subjects::{Naming, Share},
};
use crate::{
    access::{
        binding::{Observed, Place, RoleName, Subject},
        policy::{Namespace, Phase, Policy, Reading, Terms},
        roles::{Protection, RoleKey, RoleRefusal, WhyRefused},
    },
    api::{RoleKind, ScimProvider},
    directory::view::{Id, Selection, Source},
};

/// What should be at a place.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) grants: Arc<Grants>,
    pub(super) stance: Stance,
}

impl Wanted {
    /// The groups by which anybody is given something.
    pub(super) fn groups(&self) -> HashSet<&Id> {
        let sources = self.grants.values().flatten();
        let groups = sources.filter_map(|source| match source {
            Source::Group(group) => Some(group.id()),
            Source::Filter => None,
        });
        groups.collect()
    }
}

/// Whether somebody may come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stance {
    /// Exactly these.
    Exactly,
    /// Those of these who are there already.
    NobodyNew,
}

/// Who is meant where the role is refused: by namespace, or the whole cluster.
type Refused = BTreeMap<Option<Arc<str>>, Arc<Grants>>;

impl Facts<'_> {
    /// What is there, without people who are gone or inactive. Whether a policy of which nothing could be read gives
    /// anything to groups of tokens is not known: those that stand there stay.
    pub(super) fn whoever_is_active(
        &self,
        policy: &Policy,
        provider: &ScimProvider,
        bound: &Bound,
    ) -> BTreeMap<Place, Wanted> {
        let provider = provider.metadata.name.as_deref().unwrap_or_default();
        let active = self.identities.people(provider).filter(|user| self.identities.is_active(user));
        let held = active.filter_map(|user| self.identities.held_by(provider, user.id()).ok());
        let people = held.map(|name| Subject::User(name.as_str().into()));
        let is_group = |subject: &&Subject| matches!(subject, Subject::Group(_));
        let observed = self.observed.iter().filter(|_| policy.reading() == Reading::Never);
        let groups = observed.flat_map(|observed| &observed.binding.subjects).filter(is_group).cloned();
        let grants: Grants = people.chain(groups).map(|subject| (subject, Vec::new())).collect();
        let grants = Arc::new(grants);
        let wanted = || Wanted { grants: grants.clone(), stance: Stance::NobodyNew };
        bound.keys().map(|place| ((*place).clone(), wanted())).collect()
    }

    pub(super) fn wanted(
        &self,
        policy: &Policy,
        terms: &Terms,
        provider: &ScimProvider,
        bound: &Bound,
        selection: &Selection,
        plan: &mut Plan,
    ) -> BTreeMap<Place, Wanted> {
        let spec = &policy.object().spec;
        let naming = Naming {
            provider: &spec.provider,
            identities: self.identities,
            groups: &provider.spec.identity.group,
        };
        let (shares, excluded) = naming.shares(terms, spec.subject_kind, selection);
        plan.problems.excluded = excluded;
        plan.token_groups = naming.token_groups(spec.subject_kind, selection);
        if self.completeness == Completeness::Complete {
            plan.problems.groups_not_found = selection.not_found.clone();
        }

        let mut places: BTreeMap<Place, Vec<usize>> = BTreeMap::new();
        for (number, share) in shares.iter().enumerate() {
            for place in self.places(policy, terms, share, plan) {
                places.entry(place).or_default().push(number);
            }
        }
        if self.completeness == Completeness::Partial && !terms.patterns.is_empty() {
            // The group whose name chose a place may be what could not be read.
            bound.keys().for_each(|place| _ = places.entry((*place).clone()).or_default());
        }
        let (mut wanted, mut unions, mut refused) = (BTreeMap::new(), HashMap::new(), Refused::new());
        for (place, numbers) in places {
            let grants =
                unions.entry(numbers).or_insert_with_key(|numbers| Arc::new(union(&shares, numbers)));
            let stance = match self.refusal(policy, &place) {
                Some(refusal) => {
                    let held = bound.get(&place).map_or(&[][..], Vec::as_slice);
                    plan.refuse(&place, refusal, grants, held);
                    refused.insert(place.namespace.clone(), grants.clone());
                    Stance::NobodyNew
                }
                None => self.stance(&place, plan.partners),
            };
            wanted.insert(place, Wanted { grants: grants.clone(), stance });
        }
        // Where names of groups choose the role, the identity provider took the one before.
        if !terms.role.has_captures() {
            let unwanted = bound.iter().filter(|(place, _)| !wanted.contains_key(**place));
            let replaced = unwanted.filter_map(|(place, held)| {
                Some(((*place).clone(), self.replaced(policy, place, held, &refused)?))
            });
            let replaced: Vec<_> = replaced.collect();
            plan.problems.replaced = keepers(&replaced);
            wanted.extend(replaced);
        }
        wanted
    }

    /// Who keeps what an administrator replaced by something that is refused: whoever is still meant, until the policy
    /// gives something else.
    fn replaced(
        &self,
        policy: &Policy,
        place: &Place,
        held: &[&Arc<Observed>],
        refused: &Refused,
    ) -> Option<Wanted> {
        let grants = refused.get(&place.namespace).or_else(|| refused.get(&None))?;
        let mut own = held.iter().filter(|observed| observed.has_own_name()).peekable();
        let is_shielded = place.namespace.as_ref().is_some_and(|namespace| self.protected.shields(namespace));
        if own.peek().is_none() || is_shielded || self.refusal(policy, place).is_some() {
            return None;
        }
        let keep = own.flat_map(|observed| &observed.binding.subjects);
        let keep = keep.filter_map(|subject| grants.get_key_value(subject));
        let grants: Grants = keep.map(|(subject, sources)| (subject.clone(), sources.clone())).collect();
        Some(Wanted { grants: Arc::new(grants), stance: Stance::NobodyNew })
    }

    /// The places that a share is about: all that are meant but those that are no places.
    fn places(&self, policy: &Policy, terms: &Terms, share: &Share, plan: &mut Plan) -> Vec<Place> {
        let role_ref = &policy.object().spec.role_ref;
        let Some(name) = terms.role.fill(&share.captures) else {
            plan.problems.unusable(share);
            return Vec::new();
        };
        let role = RoleName { kind: role_ref.kind, name: name.as_str().into() };
        if terms.role.has_captures()
            && !role_ref.allowed_names.iter().flatten().any(|allowed| *allowed == name)
        {
            let why = WhyRefused::NotAllowedName;
            plan.problems.roles.entry(RoleRefusal { role, namespace: None, why }).or_default();
            return Vec::new();
        }
        let Some(selector) = &terms.namespaces else {
            return vec![Place { namespace: None, role }];
        };
        if !selector.can_fill(&share.captures) {
            plan.problems.unusable(share);
        }
        let mut places = Vec::new();
        for (name, namespace) in selector.select(self.namespaces, &share.captures) {
            let obstacle = match namespace {
                None => Some(NotApplied::Missing),
                Some(_) if self.protected.shields(&name) => Some(NotApplied::Protected),
                Some(namespace) if namespace.phase() == Phase::Terminating => Some(NotApplied::Terminating),
                Some(_) => None,
            };
            plan.namespaces.insert(name.clone());
            plan.not_applied.extend(obstacle.map(|obstacle| (name.clone(), obstacle)));
            if matches!(obstacle, None | Some(NotApplied::Terminating)) {
                places.push(Place { namespace: Some(name), role: role.clone() });
            }
        }
        places
    }

    /// Why nobody may be given the role of a place.
    fn refusal(&self, policy: &Policy, place: &Place) -> Option<RoleRefusal> {
        let namespace = place.namespace.as_ref();
        let of_role = |_: &&Arc<str>| place.role.kind == RoleKind::Role;
        let key: RoleKey = (namespace.filter(of_role).cloned(), place.role.name.clone());
        let protection = namespace.map_or(Protection::Open, |namespace| self.protected.of(namespace));
        let powers = self.roles.get(&key).and_then(|role| role.powers);
        let repetition = policy.repetition(&place.role.name);
        let why = self.bindable.check(place, powers, protection, repetition).err()?;
        let namespace = namespace.filter(|_| why.is_of_one_namespace(place.role.kind)).cloned();
        Some(RoleRefusal { role: place.role.clone(), namespace, why })
    }

    /// Whether somebody may come to a place whose role may be given: not where nothing can be made.
    fn stance(&self, place: &Place, partners: Completeness) -> Stance {
        let namespace = place.namespace.as_ref().and_then(|name| self.namespaces.get(name));
        match namespace.map(Namespace::phase) {
            Some(Phase::Terminating) => Stance::NobodyNew,
            // Whoever is new may have been deactivated by what cannot be read.
            _ if partners == Completeness::Partial => Stance::NobodyNew,
            _ => Stance::Exactly,
        }
    }
}

impl Plan {
    fn refuse(&mut self, place: &Place, refusal: RoleRefusal, grants: &Grants, held: &[&Arc<Observed>]) {
        self.not_applied
            .extend(place.namespace.iter().map(|name| (name.clone(), NotApplied::RoleNotAllowed)));
        let bound = held.iter().flat_map(|observed| &observed.binding.subjects);
        let keep = bound.filter(|subject| grants.contains_key(*subject)).cloned();
        self.problems.roles.entry(refusal).or_default().extend(keep);
    }
}

impl Problems {
    fn unusable(&mut self, share: &Share) {
        let group = share.group.as_ref().map_or("", |group| group.display_name());
        self.unusable_captures.insert(group.to_owned());
    }
}

/// By role, those who keep it.
fn keepers(replaced: &[(Place, Wanted)]) -> BTreeMap<RoleName, BTreeSet<Subject>> {
    let mut keepers: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for (place, Wanted { grants, .. }) in replaced.iter().filter(|(_, wanted)| !wanted.grants.is_empty()) {
        keepers.entry(place.role.clone()).or_default().extend(grants.keys().cloned());
    }
    keepers
}

/// The subjects of several shares as one.
fn union(shares: &[Share], numbers: &[usize]) -> Grants {
    let mut union = Grants::new();
    for share in numbers.iter().filter_map(|number| shares.get(*number)) {
        for (subject, sources) in &share.grants {
            union.entry(subject.clone()).or_default().extend(sources.iter().cloned());
        }
    }
    union
}
