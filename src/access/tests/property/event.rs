//! What can happen, told to a world and to the model.

use proptest::{collection::vec, prelude::*, sample::select, sample::subsequence};
use serde_json::{Value, json};

use super::{super::super::*, model::*};
use crate::access::tests::world::World;

/// Nobody whom the directory knows.
pub const MALLORY: &str = "mallory";

#[derive(Clone, Debug)]
pub enum Event {
    Person { name: &'static str, active: bool, title: &'static str, manager: bool },
    PersonGone(&'static str),
    Group { name: &'static str, members: Vec<&'static str>, nested: Vec<&'static str> },
    GroupGone(&'static str),
    Staff(Vec<&'static str>),
    Namespace { name: &'static str, labeled: bool, phase: &'static str },
    NamespaceGone(&'static str),
    Role { name: &'static str, harmless: bool },
    RoleGone(&'static str),
    Policy(Shape),
    Rule { provider: &'static str, rule: Rule },
    Limit(Limit),
    Clock(&'static str),
    Drift { policy: &'static str, subject: Subject },
}

/// What comes over SCIM.
pub fn directory_events(count: std::ops::Range<usize>) -> impl Strategy<Value = Vec<Event>> {
    vec(directory_event(), count)
}

/// What comes over SCIM, from administrators, and from the clock.
pub fn events(count: std::ops::Range<usize>) -> impl Strategy<Value = Vec<Event>> {
    let namespace = || select(&NAMESPACES[..]);
    let role = || select(&ROLES[..]);
    let event = prop_oneof![
        14 => directory_event(),
        2 => (namespace(), any::<bool>(), select(&["Active", "Terminating"][..]))
            .prop_map(|(name, labeled, phase)| Event::Namespace { name, labeled, phase }),
        1 => namespace().prop_map(Event::NamespaceGone),
        1 => (role(), any::<bool>()).prop_map(|(name, harmless)| Event::Role { name, harmless }),
        1 => role().prop_map(Event::RoleGone),
        2 => (any::<bool>(), any::<bool>())
            .prop_map(|(filter, cluster)| Event::Policy(Shape { filter, cluster })),
        2 => rule(),
        1 => select(&[Limit::Everybody, Limit::Nobody][..]).prop_map(Event::Limit),
        1 => select(&["2026-05-31T23:59:59Z", "2026-06-01T00:00:00Z", "2026-07-31T23:59:59Z", "2026-08-01T00:00:00Z"][..])
            .prop_map(Event::Clock),
        1 => drift(),
    ];
    vec(event, count)
}

/// Somebody else writes into a binding: people of the directory, and whoever no policy can mean.
fn drift() -> impl Strategy<Value = Event> {
    let subjects = [
        Subject::User("x".into()),
        Subject::User("y".into()),
        Subject::User(MALLORY.into()),
        Subject::Group(MALLORY.into()),
        Subject::Other(MALLORY.into()),
    ];
    (select(&[PLAIN, CHOSEN, FOREIGN][..]), select(subjects.to_vec()))
        .prop_map(|(policy, subject)| Event::Drift { policy, subject })
}

/// What comes over SCIM, and from whoever writes into bindings.
pub fn directory_events_and_drift(count: std::ops::Range<usize>) -> impl Strategy<Value = Vec<Event>> {
    vec(prop_oneof![6 => directory_event(), 1 => drift()], count)
}

/// Whether a provider shares its people.
pub fn rule() -> impl Strategy<Value = Event> {
    let rules = select(&[Rule::Apart, Rule::Any, Rule::All][..]);
    (select(&["okta", "entra"][..]), rules).prop_map(|(provider, rule)| Event::Rule { provider, rule })
}

fn directory_event() -> impl Strategy<Value = Event> {
    let person = || select(&PEOPLE[..]);
    let group = || select(&GROUPS[..]);
    let title = select(&["x", "y", "system:z"][..]);
    prop_oneof![
        6 => (person(), any::<bool>(), title, any::<bool>())
            .prop_map(|(name, active, title, manager)| Event::Person { name, active, title, manager }),
        1 => person().prop_map(Event::PersonGone),
        5 => (group(), subsequence(&PEOPLE[..], 0..=5), subsequence(&GROUPS[..], 0..=2))
            .prop_map(|(name, members, nested)| Event::Group { name, members, nested }),
        1 => group().prop_map(Event::GroupGone),
        1 => subsequence(&PEOPLE[..], 0..=5).prop_map(Event::Staff),
    ]
}

/// An empty cluster with the three policies, as `model` has it.
pub fn founded(model: &Model) -> World {
    let mut world = World::new();
    for provider in ["okta", "entra"] {
        world.provider(provider, provider_spec(model, provider));
    }
    let chosen = json!({
        "subjects": {"groups": [{"matching": "^k8s-(?<ns>[a-z-]+)-(?<role>[a-z]+)$"}]},
        "roleRef": {"name": "{role}", "allowedNames": ROLES},
        "scope": {"namespaces": {"names": ["{ns}"]}},
        "validity": validity(),
    });
    world.policy(CHOSEN, chosen);
    let foreign = json!({
        "provider": "entra",
        "subjects": {"groups": [{"displayName": "staff"}]},
        "roleRef": {"name": "view"},
        "scope": {"namespaces": {"names": ["team-b"]}},
    });
    world.policy(FOREIGN, foreign);
    world.policy(PLAIN, plain(model.shape));
    world
}

/// The same cluster at the end of everything, told once: nothing that was before is remembered.
pub fn afresh(model: &Model, world: &World) -> World {
    let mut fresh = founded(model);
    fresh.now = world.now;
    for namespace in NAMESPACES {
        fresh.index.delete_namespace(namespace);
    }
    for (name, (labeled, phase)) in &model.namespaces {
        fresh.namespace(name, labels(*labeled), phase);
    }
    for role in ROLES {
        fresh.index.delete_role(None, role);
    }
    for (name, harmless) in &model.roles {
        fresh.cluster_role(name, rules(*harmless));
    }
    for (name, group) in &model.groups {
        fresh.group(name, &group.members, json!({"groups": group.nested}));
    }
    fresh.group("staff", &model.staff, json!({"provider": "entra"}));
    for (name, person) in &model.people {
        fresh.user(name, user_spec(name, *person));
    }
    for policy in [PLAIN, CHOSEN, FOREIGN] {
        for observed in world.index.bindings_of(policy) {
            fresh.index.apply_binding(Observed::clone(observed));
        }
    }
    fresh
}

impl Event {
    /// Tells both; returns which policies the world says are touched.
    pub fn happen(&self, world: &mut World, model: &mut Model) -> Touched {
        match self.clone() {
            Self::Person { name, active, title, manager } => {
                let since = model.since(name, title);
                let person = Person { active, title, manager, since };
                model.people.insert(name, person);
                world.user(name, user_spec(name, person))
            }
            Self::PersonGone(name) => {
                let is_known = model.delete(name);
                if is_known { world.delete_user_of(provider_of(name), name) } else { Touched::new() }
            }
            Self::Group { name, members, nested } => {
                let touched = world.group(name, &members, json!({"groups": nested}));
                model.groups.insert(name, Group { members, nested });
                touched
            }
            Self::GroupGone(name) => {
                model.groups.remove(name);
                world.delete_group(name)
            }
            Self::Staff(members) => {
                let touched = world.group("staff", &members, json!({"provider": "entra"}));
                model.staff = members;
                touched
            }
            Self::Namespace { name, labeled, phase } => {
                model.namespaces.insert(name, (labeled, phase));
                world.namespace(name, labels(labeled), phase)
            }
            Self::NamespaceGone(name) => {
                model.namespaces.remove(name);
                model.held.retain(|(_, namespace, ..)| namespace != name);
                // Its bindings go first, as the namespace controller has it.
                let policies = [PLAIN, CHOSEN, FOREIGN];
                let bindings = policies.iter().flat_map(|policy| world.bindings(policy));
                for binding in bindings.collect::<Vec<_>>() {
                    let uid = format!("uid-of-{}", binding.name);
                    world.index.delete_binding(Some(name), &binding.name, &uid);
                }
                world.index.delete_namespace(name)
            }
            Self::Role { name, harmless } => {
                model.roles.insert(name, harmless);
                world.cluster_role(name, rules(harmless))
            }
            Self::RoleGone(name) => {
                model.roles.remove(name);
                world.index.delete_role(None, name)
            }
            Self::Policy(shape) => {
                model.shape = shape;
                world.policy(PLAIN, plain(shape))
            }
            Self::Rule { provider, rule } => {
                model.rules.insert(provider, rule);
                world.provider(provider, provider_spec(model, provider))
            }
            Self::Limit(limit) => {
                model.limit = limit;
                let providers = ["okta", "entra"].into_iter();
                providers.flat_map(|name| world.provider(name, provider_spec(model, name))).collect()
            }
            Self::Clock(now) => {
                world.now = now.parse().unwrap();
                model.valid = ("2026-06-01T00:00:00Z".."2026-08-01T00:00:00Z").contains(&now);
                // The controller plans again at each bound.
                Touched::from([PLAIN.into(), CHOSEN.into()])
            }
            Self::Drift { policy, subject } => {
                world.slip_in(policy, subject);
                Touched::from([policy.into()])
            }
        }
    }
}

fn provider_of(person: &str) -> &'static str {
    ROSTER.iter().find(|(name, ..)| *name == person).map(|(_, provider, _)| provider).unwrap()
}

fn user_spec(name: &str, Person { active, title, manager, since }: Person) -> Value {
    let created = format!("2026-0{}-01T00:00:00Z", created(name));
    let mut spec = json!({
        "provider": provider_of(name), "active": active, "title": title,
        "userType": if manager { "manager" } else { "employee" },
        "meta": {"created": created, "lastModified": created, "version": 1},
    });
    if since > MONTHS {
        spec["identitySince"] = json!(format!("2026-05-02T00:00:{since:02}Z"));
    }
    spec
}

fn provider_spec(model: &Model, provider: &str) -> Value {
    let minimum = match model.limit {
        Limit::Everybody => 1000,
        Limit::Nobody => 0,
    };
    let mut spec = json!({
        "identity": {"user": {"from": "title"}},
        // Whatever happened is lately.
        "guard": {"maxRemovals": "0%", "minimum": minimum, "window": "8760h"},
    });
    match model.rules[provider] {
        Rule::Apart => {}
        Rule::Any => spec["correlate"] = json!({"deactivateBy": "Any"}),
        Rule::All => spec["correlate"] = json!({"deactivateBy": "All"}),
    }
    spec
}

fn plain(Shape { filter, cluster }: Shape) -> Value {
    let mut subjects = json!({"groups": [{"displayName": "team"}]});
    if filter {
        subjects["users"] = json!({"filter": "userType eq \"manager\""});
    }
    let namespaces = json!({"names": ["team-a"], "selector": {"matchLabels": {"team": "a"}}});
    let scope = if cluster { json!({"cluster": {}}) } else { json!({"namespaces": namespaces}) };
    json!({"subjects": subjects, "scope": scope, "validity": validity(), "roleRef": {"name": "view"}})
}

fn validity() -> Value {
    json!({"notBefore": "2026-06-01T00:00:00Z", "notAfter": "2026-08-01T00:00:00Z"})
}

fn labels(labeled: bool) -> Value {
    if labeled { json!({"team": "a"}) } else { json!({}) }
}

fn rules(harmless: bool) -> Value {
    let everything = json!([{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}]);
    if harmless { json!([]) } else { everything }
}
