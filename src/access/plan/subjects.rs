//! From the people whom a policy means to the subjects of its bindings.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use crate::{
    access::{
        binding::Subject,
        guard::Members,
        people::{Identities, Nameless},
        policy::{Captures, Terms},
    },
    api::{GroupIdentity, SubjectKind},
    directory::view::{Group, Id, Selected, Selection, Source, group_identity},
};

/// Subjects, and what named each.
pub type Grants = BTreeMap<Subject, Vec<Source>>;

/// Subjects that share namespaces and roles: those of one group whose name chose them, or all.
#[derive(Debug, Default)]
pub struct Share {
    /// What the group's name captured.
    pub captures: Captures,
    /// The group, where its name chose.
    pub group: Option<Arc<Group>>,
    /// Who.
    pub grants: Grants,
}

/// Somebody whom the policy means and who is given nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excluded {
    /// A person's userName, as its key, or a group's displayName.
    pub who: String,
    /// Why.
    pub why: Nameless,
}

/// What the names of subjects are made from.
#[derive(Clone, Copy, Debug)]
pub struct Naming<'a> {
    /// The provider.
    pub provider: &'a str,
    /// Who holds which string.
    pub identities: &'a Identities,
    /// How groups are named in tokens.
    pub groups: &'a GroupIdentity,
}

impl Naming<'_> {
    /// The subjects of a policy, by what chooses their namespaces and roles; and who is given nothing.
    pub fn shares(
        self,
        terms: &Terms,
        kind: SubjectKind,
        selection: &Selection,
    ) -> (Vec<Share>, Vec<Excluded>) {
        match kind {
            SubjectKind::User => self.of_people(terms, &selection.people),
            SubjectKind::Group => self.of_groups(terms, &selection.groups),
        }
    }

    /// For whom the token groups stand that a policy names.
    pub fn token_groups(self, kind: SubjectKind, selection: &Selection) -> BTreeMap<Subject, Members> {
        let mut members: BTreeMap<Subject, Members> = BTreeMap::new();
        if kind == SubjectKind::User {
            return members;
        }
        let mut called: HashMap<&Id, Subject> = HashMap::new();
        for group in &selection.groups {
            let Ok(identity) = group_identity(self.groups, group) else { continue };
            let subject = Subject::Group(identity.as_str().into());
            members.entry(subject.clone()).or_default().groups.insert(group.id().clone());
            called.insert(group.id(), subject);
        }
        for Selected { named_by, .. } in &selection.people {
            let groups = named_by.iter().filter_map(|source| match source {
                Source::Group(group) => called.get(group.id()),
                Source::Filter => None,
            });
            for subject in groups.collect::<BTreeSet<_>>() {
                members.entry(subject.clone()).or_default().people += 1;
            }
        }
        members
    }

    fn of_people(self, terms: &Terms, people: &[Selected]) -> (Vec<Share>, Vec<Excluded>) {
        let mut excluded = Vec::new();
        let mut all = Share::default();
        let mut by_group: HashMap<&Id, Vec<Share>> = HashMap::new();
        for Selected { user, named_by } in people {
            let subject = match self.identities.held_by(self.provider, user.id()) {
                Ok(identity) => Subject::User(identity.as_str().into()),
                Err(Nameless::Unknown) => continue,
                Err(why) => {
                    excluded.push(Excluded { who: user.key().to_owned(), why });
                    continue;
                }
            };
            if terms.patterns.is_empty() {
                all.grants.insert(subject, named_by.clone());
                continue;
            }
            for source in named_by {
                let Source::Group(group) = source else { continue };
                for share in by_group.entry(group.id()).or_insert_with(|| captured(terms, group)) {
                    share.grants.insert(subject.clone(), vec![source.clone()]);
                }
            }
        }
        match terms.patterns.is_empty() {
            true => (vec![all], excluded),
            false => (by_group.into_values().flatten().collect(), excluded),
        }
    }

    fn of_groups(self, terms: &Terms, groups: &[Arc<Group>]) -> (Vec<Share>, Vec<Excluded>) {
        let mut excluded = Vec::new();
        let mut all = Share::default();
        let mut shares = Vec::new();
        for group in groups {
            let subject = match group_identity(self.groups, group) {
                Ok(identity) => Subject::Group(identity.as_str().into()),
                Err(refusal) => {
                    let who = group.display_name().to_owned();
                    excluded.push(Excluded { who, why: Nameless::Refused(refusal) });
                    continue;
                }
            };
            let sources = vec![Source::Group(group.clone())];
            if terms.patterns.is_empty() {
                all.grants.insert(subject, sources);
                continue;
            }
            shares.extend(
                captured(terms, group).into_iter().map(|share| Share {
                    grants: Grants::from([(subject.clone(), sources.clone())]),
                    ..share
                }),
            );
        }
        if terms.patterns.is_empty() {
            shares.push(all);
        }
        (shares, excluded)
    }
}

/// A share for each pattern that the group's name matches.
fn captured(terms: &Terms, group: &Arc<Group>) -> Vec<Share> {
    let share = |captures| Share { captures, group: Some(group.clone()), grants: Grants::new() };
    terms.patterns.captures(group).map(share).collect()
}
