//! What there is, and nothing that was computed from it: who should hold what, in the simplest words.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

/// Everyone there can be: id, provider, and in which month they were created.
pub const ROSTER: [(&str, &str, u32); 5] =
    [("ann", "okta", 1), ("dot", "entra", 2), ("bea", "okta", 3), ("eve", "entra", 4), ("cyd", "okta", 5)];
/// Everyone's id.
pub const PEOPLE: [&str; 5] = ["ann", "dot", "bea", "eve", "cyd"];
/// Groups of okta; the last ones choose a place by their names.
pub const GROUPS: [&str; 5] = ["team", "inner", "odd", "k8s-team-a-view", "k8s-team-b-edit"];
/// Namespaces; the last one is protected.
pub const NAMESPACES: [&str; 3] = ["team-a", "team-b", "kube-system"];
/// Roles that may be given.
pub const ROLES: [&str; 2] = ["view", "edit"];

/// `team` is its group, wherever `Shape` says.
pub const PLAIN: &str = "plain";
/// The names of its groups choose namespace and role.
pub const CHOSEN: &str = "chosen";
/// Of the other provider: group `staff` may view `team-b`.
pub const FOREIGN: &str = "foreign";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    Apart,
    Any,
    All,
}

/// The last month of the roster.
pub const MONTHS: u32 = 5;

/// In which month somebody of the roster was created.
pub fn created(who: &str) -> u32 {
    ROSTER.iter().find(|(name, ..)| *name == who).map(|(.., month)| *month).unwrap()
}

/// What the guard lets go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    Everybody,
    Nobody,
}

#[derive(Clone, Copy, Debug)]
pub struct Person {
    pub active: bool,
    pub title: &'static str,
    pub manager: bool,
    /// When they came to be called so: the month of their creation, or the number of a later change.
    pub since: u32,
}

#[derive(Clone, Debug, Default)]
pub struct Group {
    pub members: Vec<&'static str>,
    pub nested: Vec<&'static str>,
}

/// How the plain policy is written.
#[derive(Clone, Copy, Debug, Default)]
pub struct Shape {
    pub filter: bool,
    pub cluster: bool,
}

/// Policy, namespace (`*` is the cluster), role, string.
pub type Grant = (&'static str, String, String, String);

#[derive(Clone, Debug)]
pub struct Model {
    pub people: BTreeMap<&'static str, Person>,
    /// How many changes have given somebody another title, after as many months as the roster has.
    changes: u32,
    pub groups: BTreeMap<&'static str, Group>,
    pub staff: Vec<&'static str>,
    pub namespaces: BTreeMap<&'static str, (bool, &'static str)>,
    /// Roles that there are, and whether each is harmless.
    pub roles: BTreeMap<&'static str, bool>,
    pub shape: Shape,
    pub rules: BTreeMap<&'static str, Rule>,
    pub limit: Limit,
    /// Whether the two policies of okta hold at this time.
    pub valid: bool,
    pub held: BTreeSet<Grant>,
    /// Whom the policies meant when they gave what is held, and in which order they did.
    owners: BTreeMap<Grant, Owner>,
    /// How often somebody was given something.
    given: u32,
    /// Who was there once and is gone.
    gone: BTreeSet<&'static str>,
    /// Since when somebody holds what they do.
    pub since: BTreeMap<Grant, Timestamp>,
    /// Since when somebody holds anything of that policy there.
    created: BTreeMap<(&'static str, String, String), Timestamp>,
}

#[derive(Clone, Copy, Debug)]
struct Owner {
    who: &'static str,
    order: u32,
}

/// A place that a policy means, whether somebody may come there, and who is meant.
type Meant = (String, String, bool, BTreeSet<&'static str>);

impl Model {
    pub fn new() -> Self {
        Self {
            people: BTreeMap::new(),
            changes: MONTHS,
            groups: BTreeMap::new(),
            staff: Vec::new(),
            namespaces: [
                ("team-a", (true, "Active")),
                ("team-b", (false, "Active")),
                ("kube-system", (false, "Active")),
            ]
            .into(),
            roles: ROLES.map(|role| (role, true)).into(),
            shape: Shape::default(),
            rules: [("okta", Rule::Apart), ("entra", Rule::Apart)].into(),
            limit: Limit::Everybody,
            valid: true,
            held: BTreeSet::new(),
            owners: BTreeMap::new(),
            given: 0,
            gone: BTreeSet::new(),
            since: BTreeMap::new(),
            created: BTreeMap::new(),
        }
    }

    /// Since when somebody is called so whom a provider tells of now.
    pub fn since(&mut self, who: &str, title: &str) -> u32 {
        match self.people.get(who) {
            Some(person) if person.title == title => person.since,
            // Who comes back is called so from then on.
            None if !self.gone.contains(who) => created(who),
            Some(_) | None => {
                self.changes += 1;
                self.changes
            }
        }
    }

    /// Somebody is deleted; whether they were there.
    pub fn delete(&mut self, who: &'static str) -> bool {
        self.gone.insert(who);
        self.people.remove(who).is_some()
    }

    /// Who should hold what from now on, given who holds it, and since when.
    pub fn settle(&mut self, now: Timestamp) {
        let held = self.held.clone();
        self.hold();
        let at = |(policy, namespace, role, _): &Grant| (*policy, namespace.clone(), role.clone());
        // A binding stays as long as somebody stays or comes; who comes by a clock that was put back has not been there
        // longer than it has.
        let places: BTreeSet<_> = held.iter().map(at).collect();
        self.created
            .retain(|place, _| places.contains(place) && self.held.iter().any(|grant| at(grant) == *place));
        self.since.retain(|grant, _| held.contains(grant) && self.held.contains(grant));
        for grant in &self.held {
            let created = *self.created.entry(at(grant)).or_insert(now);
            self.since.entry(grant.clone()).or_insert(now.max(created));
        }
    }

    fn hold(&mut self) {
        let mut next = BTreeSet::new();
        for (policy, provider) in [(PLAIN, "okta"), (CHOSEN, "okta"), (FOREIGN, "entra")] {
            let meant = self.meant(policy);
            for (namespace, role, open, people) in &meant {
                for string in self.strings(provider, people) {
                    let grant = (policy, namespace.clone(), role.clone(), string);
                    if *open || self.held.contains(&grant) {
                        if let Some(who) = self.holder(provider, &grant.3) {
                            self.give(grant.clone(), who);
                        }
                        next.insert(grant);
                    }
                }
            }
            next.extend(self.kept_by_the_guard(policy, provider, &meant));
        }
        self.owners.retain(|grant, _| next.contains(grant));
        self.held = next;
    }

    fn give(&mut self, grant: Grant, who: &'static str) {
        if self.owners.get(&grant).is_none_or(|owner| owner.who != who) {
            self.given += 1;
            self.owners.insert(grant, Owner { who, order: self.given });
        }
    }

    /// Whoever is still active keeps what they have where a policy can mean the place, unless somebody else is called
    /// so by now, or they are called again as they were before.
    fn kept_by_the_guard(&self, policy: &'static str, provider: &str, meant: &[Meant]) -> BTreeSet<Grant> {
        if self.limit == Limit::Everybody || (policy != FOREIGN && !self.valid) {
            return BTreeSet::new();
        }
        let is_meant = |namespace: &str, role: &str| {
            policy == CHOSEN || meant.iter().any(|(ns, name, ..)| ns == namespace && name == role)
        };
        let could_mean = |(of, namespace, role, _): &&Grant| *of == policy && is_meant(namespace, role);
        let waits =
            |grant: &&Grant| self.owners.get(*grant).is_some_and(|owner| self.waits(provider, grant, *owner));
        self.held.iter().filter(could_mean).filter(waits).cloned().collect()
    }

    fn waits(&self, provider: &str, grant: &Grant, owner: Owner) -> bool {
        let (policy, .., string) = grant;
        let holders = self.holders(string);
        let is_shared = self.rules.values().all(|rule| *rule != Rule::Apart);
        match self.holder(provider, string) {
            Some(holder) => holder == owner.who && !self.is_inactive(&holders),
            None if !holders.is_empty() && !is_shared => false,
            None => {
                !self.is_deactivated(provider, string)
                    && self.is_active(owner.who)
                    && !self.is_back(policy, owner)
            }
        }
    }

    /// Whether somebody counts as active.
    fn is_active(&self, who: &str) -> bool {
        let Some(person) = self.people.get(who) else { return false };
        let holders = self.holders(person.title);
        match holders.iter().any(|(name, _)| *name == who) {
            true => !self.is_inactive(&holders),
            false => person.active,
        }
    }

    /// Whether somebody is called as they were when a policy gave them something earlier than this.
    fn is_back(&self, policy: &str, later: Owner) -> bool {
        let Some(title) = self.people.get(later.who).map(|person| person.title) else { return false };
        let holds = self.holders(title).iter().any(|(name, _)| *name == later.who);
        holds
            && self.owners.iter().any(|((of, .., string), owner)| {
                *of == policy && string == title && owner.who == later.who && owner.order < later.order
            })
    }

    fn meant(&self, policy: &str) -> Vec<Meant> {
        match policy {
            FOREIGN => {
                let open = |phase: &str| phase == "Active" && self.is_harmless("view");
                let staff: BTreeSet<_> = self.staff.iter().copied().collect();
                let place = |(_, phase): &(bool, &str)| {
                    ("team-b".to_owned(), "view".to_owned(), open(phase), staff.clone())
                };
                self.namespaces.get("team-b").map(place).into_iter().collect()
            }
            _ if !self.valid => Vec::new(),
            CHOSEN => {
                let chosen = GROUPS.iter().filter_map(|group| {
                    self.groups.get(group)?;
                    let (namespace, role) = group.strip_prefix("k8s-")?.rsplit_once('-')?;
                    let (_, phase) = self.namespaces.get(namespace)?;
                    let open = *phase == "Active" && self.is_harmless(role);
                    Some((namespace.to_owned(), role.to_owned(), open, self.reachable(group)))
                });
                chosen.collect()
            }
            _ => {
                let mut people = self.reachable("team");
                let managers = self.people.iter().filter(|(_, person)| self.shape.filter && person.manager);
                people.extend(managers.map(|(name, _)| name));
                let place =
                    |namespace: &str, open| (namespace.to_owned(), "view".to_owned(), open, people.clone());
                let harmless = self.is_harmless("view");
                if self.shape.cluster {
                    return vec![place("*", harmless)];
                }
                let reached = self.namespaces.iter().filter(|(name, (labeled, _))| {
                    **name != "kube-system" && (*labeled || **name == "team-a")
                });
                reached.map(|(name, (_, phase))| place(name, harmless && *phase == "Active")).collect()
            }
        }
    }

    fn is_harmless(&self, role: &str) -> bool {
        self.roles.get(role) == Some(&true)
    }

    /// The strings under which these people of a provider have access.
    fn strings(&self, provider: &str, people: &BTreeSet<&str>) -> BTreeSet<String> {
        let mut strings = BTreeSet::new();
        for title in ["x", "y"] {
            let holder = self.holder(provider, title);
            if holder.is_some_and(|name| people.contains(name)) && !self.is_inactive(&self.holders(title)) {
                strings.insert(title.to_owned());
            }
        }
        strings
    }

    /// Who of a provider holds a string.
    fn holder(&self, provider: &str, title: &str) -> Option<&'static str> {
        self.holders(title).iter().find(|(_, of)| *of == provider).map(|(name, _)| *name)
    }

    /// Those who hold a string, unless nobody may: who was called so first, and if both providers share, the first of
    /// the other.
    fn holders(&self, title: &str) -> Vec<(&'static str, &'static str)> {
        if title.starts_with("system:") {
            return Vec::new();
        }
        let claim = |(name, provider, _): &(&'static str, &'static str, u32)| {
            let person = self.people.get(name).filter(|person| person.title == title)?;
            Some((person.since, *name, *provider))
        };
        let mut claims: Vec<_> = ROSTER.iter().filter_map(claim).collect();
        claims.sort_unstable();
        let claims = claims.into_iter().map(|(_, name, provider)| (name, provider));
        let Some((first, home)) = claims.clone().next() else { return Vec::new() };
        let other = claims.clone().find(|(_, provider)| *provider != home);
        let other = other.filter(|_| self.rules.values().all(|rule| *rule != Rule::Apart));
        [(first, home)].into_iter().chain(other).collect()
    }

    fn is_inactive(&self, holders: &[(&str, &str)]) -> bool {
        let inactive = holders.iter().filter(|(name, _)| self.people.get(name).is_some_and(|p| !p.active));
        let any = holders.iter().any(|(_, provider)| self.rules.get(provider) == Some(&Rule::Any));
        inactive.clone().count() == holders.len() || (any && inactive.count() > 0)
    }

    /// Of each provider who is called what.
    pub fn called(&self) -> BTreeSet<(&'static str, &'static str, &'static str)> {
        let titles = ["x", "y"].into_iter();
        titles
            .flat_map(|title| self.holders(title).into_iter().map(move |(who, of)| (of, who, title)))
            .collect()
    }

    /// Whether what is known is enough to say that whoever a policy of this provider calls so has been deactivated.
    pub fn is_deactivated(&self, provider: &str, title: &str) -> bool {
        let holders = self.holders(title);
        let inactive = holders.iter().any(|(name, _)| self.people.get(name).is_some_and(|p| !p.active));
        match holders.iter().any(|(_, of)| *of == provider) {
            true => self.is_inactive(&holders),
            false => {
                inactive
                    && self.rules.values().all(|rule| *rule != Rule::Apart)
                    && self.rules.values().any(|rule| *rule == Rule::Any)
            }
        }
    }

    /// Everyone in a group of okta, and in groups within it, whatever contains what.
    fn reachable(&self, group: &str) -> BTreeSet<&'static str> {
        let (mut groups, mut people) = (BTreeSet::from([group]), BTreeSet::new());
        loop {
            let before = (groups.len(), people.len());
            for name in groups.clone() {
                if let Some(group) = self.groups.get(name) {
                    people.extend(group.members.iter().copied());
                    groups.extend(group.nested.iter().copied());
                }
            }
            if before == (groups.len(), people.len()) {
                return people;
            }
        }
    }
}
