//! Whatever happens in whatever order: the subjects are those of a model that knows no caches.

use std::collections::{BTreeMap, BTreeSet};

use proptest::{collection::vec, prelude::*, sample::subsequence};
use serde_json::json;

use super::{super::*, world::*};

const PEOPLE: [&str; 4] = ["ann", "bea", "cyd", "dot"];
const GROUPS: [&str; 3] = ["team", "inner", "odd"];
const NAMESPACES: [&str; 3] = ["team-a", "team-b", "kube-system"];

#[derive(Clone, Debug)]
enum Event {
    Person { name: &'static str, active: bool, title: &'static str, manager: bool },
    PersonGone(&'static str),
    Group { name: &'static str, members: Vec<&'static str>, nested: Vec<&'static str> },
    GroupGone(&'static str),
    Namespace { name: &'static str, labeled: bool, phase: &'static str },
    NamespaceGone(&'static str),
    Role { harmless: bool },
    RoleGone,
    Policy { filter: bool, cluster: bool },
    Clock(bool),
    Drift,
}

fn directory_event() -> impl Strategy<Value = Event> {
    let person = || prop::sample::select(&PEOPLE[..]);
    let group = || prop::sample::select(&GROUPS[..]);
    let title = prop::sample::select(&["x", "y", "system:z"][..]);
    prop_oneof![
        4 => (person(), any::<bool>(), title, any::<bool>())
            .prop_map(|(name, active, title, manager)| Event::Person { name, active, title, manager }),
        1 => person().prop_map(Event::PersonGone),
        4 => (group(), subsequence(&PEOPLE[..], 0..=4), subsequence(&GROUPS[..], 0..=2))
            .prop_map(|(name, members, nested)| Event::Group { name, members, nested }),
        1 => group().prop_map(Event::GroupGone),
    ]
}

fn event() -> impl Strategy<Value = Event> {
    let namespace = || prop::sample::select(&NAMESPACES[..]);
    prop_oneof![
        10 => directory_event(),
        2 => (namespace(), any::<bool>(), prop::sample::select(&["Active", "Terminating"][..]))
            .prop_map(|(name, labeled, phase)| Event::Namespace { name, labeled, phase }),
        1 => namespace().prop_map(Event::NamespaceGone),
        1 => any::<bool>().prop_map(|harmless| Event::Role { harmless }),
        1 => Just(Event::RoleGone),
        2 => (any::<bool>(), any::<bool>()).prop_map(|(filter, cluster)| Event::Policy { filter, cluster }),
        1 => any::<bool>().prop_map(Event::Clock),
        1 => Just(Event::Drift),
    ]
}

/// What there is, and nothing that was computed from it.
#[derive(Default)]
struct Model {
    people: BTreeMap<&'static str, (bool, &'static str, bool)>,
    groups: BTreeMap<&'static str, (Vec<&'static str>, Vec<&'static str>)>,
    namespaces: BTreeMap<&'static str, (bool, &'static str)>,
    role: Option<bool>,
    filter: bool,
    cluster: bool,
    ended: bool,
    held: BTreeSet<(String, String)>,
}

impl Model {
    /// Who should hold the role where, given who holds it.
    fn settle(&mut self) {
        let mut next = BTreeSet::new();
        for (place, open) in self.places() {
            for subject in self.subjects() {
                let pair = (place.clone(), subject);
                if open || self.held.contains(&pair) {
                    next.insert(pair);
                }
            }
        }
        self.held = next;
    }

    /// Places, and whether somebody may come there.
    fn places(&self) -> Vec<(String, bool)> {
        let allowed = self.role == Some(true);
        if self.cluster {
            return vec![("*".to_owned(), allowed)];
        }
        let meant = |(name, (labeled, _)): &(&&str, &(bool, &str))| {
            **name != "kube-system" && (*labeled || **name == "team-a")
        };
        let open =
            |(name, (_, phase)): (&&str, &(bool, &str))| (name.to_string(), allowed && *phase == "Active");
        self.namespaces.iter().filter(meant).map(open).collect()
    }

    fn subjects(&self) -> BTreeSet<String> {
        if self.ended {
            return BTreeSet::new();
        }
        let meant =
            |name: &str, manager: bool| self.reachable("team").contains(name) || (self.filter && manager);
        let mut subjects = BTreeSet::new();
        for (name, (active, title, manager)) in &self.people {
            let first = self.people.iter().find(|(_, (_, other, _))| other == title).map(|(name, _)| name);
            if *active && *title != "system:z" && first == Some(name) && meant(name, *manager) {
                subjects.insert((*title).to_owned());
            }
        }
        subjects
    }

    fn reachable(&self, group: &str) -> BTreeSet<&str> {
        let (mut groups, mut people) = (BTreeSet::from([group]), BTreeSet::new());
        loop {
            let before = (groups.len(), people.len());
            for name in groups.clone() {
                if let Some((members, nested)) = self.groups.get(name) {
                    people.extend(members.iter().copied());
                    groups.extend(nested.iter().copied());
                }
            }
            if before == (groups.len(), people.len()) {
                return people;
            }
        }
    }
}

fn start() -> (World, Model) {
    let mut world = World::new();
    world.provider("okta", json!({"identity": {"user": {"from": "title"}}}));
    world.cluster_role("view", json!([]));
    let mut model = Model { role: Some(true), ..Model::default() };
    model.namespaces =
        [("team-a", (true, "Active")), ("team-b", (false, "Active")), ("kube-system", (false, "Active"))]
            .into();
    happen(&mut world, &mut model, &Event::Policy { filter: false, cluster: false });
    (world, model)
}

/// Tells both; returns which policies the world says are touched.
fn happen(world: &mut World, model: &mut Model, event: &Event) -> Touched {
    match event.clone() {
        Event::Person { name, active, title, manager } => {
            model.people.insert(name, (active, title, manager));
            let kind = if manager { "manager" } else { "employee" };
            world.user(name, json!({"active": active, "title": title, "userType": kind}))
        }
        Event::PersonGone(name) => {
            model.people.remove(name);
            world.delete_user(name)
        }
        Event::Group { name, members, nested } => {
            model.groups.insert(name, (members.clone(), nested.clone()));
            world.group(name, &members, json!({"groups": nested}))
        }
        Event::GroupGone(name) => {
            model.groups.remove(name);
            world.delete_group(name)
        }
        Event::Namespace { name, labeled, phase } => {
            model.namespaces.insert(name, (labeled, phase));
            let labels = if labeled { json!({"team": "a"}) } else { json!({}) };
            world.namespace(name, labels, phase)
        }
        Event::NamespaceGone(name) => {
            model.namespaces.remove(name);
            model.held.retain(|(place, _)| place != name);
            for binding in
                world.bindings("p").into_iter().filter(|b| b.place.namespace.as_deref() == Some(name))
            {
                world.index.delete_binding(Some(name), &binding.name, &format!("uid-of-{}", binding.name));
            }
            world.index.delete_namespace(name)
        }
        Event::Role { harmless } => {
            model.role = Some(harmless);
            let rules = json!([{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}]);
            world.cluster_role("view", if harmless { json!([]) } else { rules })
        }
        Event::RoleGone => {
            model.role = None;
            world.index.delete_role(None, "view")
        }
        Event::Policy { filter, cluster } => {
            (model.filter, model.cluster) = (filter, cluster);
            let mut subjects = json!({"groups": [{"displayName": "team"}]});
            if filter {
                subjects["users"] = json!({"filter": "userType eq \"manager\""});
            }
            let namespaces = json!({"names": ["team-a"], "selector": {"matchLabels": {"team": "a"}}});
            let scope = if cluster { json!({"cluster": {}}) } else { json!({"namespaces": namespaces}) };
            let validity = json!({"notAfter": "2026-08-01T00:00:00Z"});
            world.policy("p", json!({"subjects": subjects, "scope": scope, "validity": validity, "roleRef": {"name": "view"}}))
        }
        Event::Clock(ended) => {
            model.ended = ended;
            let now = if ended { "2026-08-01T00:00:00Z" } else { "2026-07-31T23:59:59Z" };
            world.now = now.parse().unwrap();
            Touched::from(["p".into()])
        }
        Event::Drift => {
            if let Some(mut binding) = world.bindings("p").pop() {
                binding.subjects.push(Subject::User("mallory".into()));
                world.store(&binding);
            }
            Touched::from(["p".into()])
        }
    }
}

fn held(world: &World) -> BTreeSet<(String, String)> {
    let bindings = world.bindings("p");
    let pairs = bindings.iter().flat_map(|binding| {
        let place = binding.place.namespace.as_deref().unwrap_or("*");
        binding.subjects.iter().map(move |subject| (place.to_owned(), subject.name().to_string()))
    });
    pairs.collect()
}

proptest! {
    /// The world plans only when it says that the policy is touched; the model looks after every event.
    #[test]
    fn whoever_is_touched_is_planned_and_the_subjects_are_the_models(events in vec(event(), 0..40)) {
        let (mut world, mut model) = start();
        for event in &events {
            let touched = happen(&mut world, &mut model, event);
            model.settle();
            if touched.contains("p") {
                world.settle("p");
            }
            prop_assert_eq!(held(&world), model.held.clone(), "after {:?}", event);
            prop_assert_eq!(world.plan("p").changes, vec![], "untouched, but not settled, after {:?}", event);
        }
    }

    #[test]
    fn what_is_not_fully_known_takes_nothing_from_the_active(events in vec(directory_event(), 0..20)) {
        let (mut world, mut model) = start();
        world.user("ann", json!({"title": "x"}));
        world.group("team", &["ann"], json!({}));
        world.settle("p");
        world.index.set_completeness(Completeness::Partial);
        for event in &events {
            let before = held(&world);
            happen(&mut world, &mut model, event);
            world.settle("p");
            for (_, subject) in before.difference(&held(&world)) {
                let holder = model.people.values().find(|(_, title, _)| title == subject);
                prop_assert!(holder.is_some_and(|(active, ..)| !active), "{} was taken away", subject);
            }
        }
    }
}
