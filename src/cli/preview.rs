use std::{collections::BTreeSet, fmt::Write as _};

use clap::Args;
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::Client;
use serde::Serialize;

use super::{
    Answer, Error, kubernetes,
    output::{Output, visible},
    snapshot::Snapshot,
};
use crate::{
    access::{Allowance, Change, Index, Plan, Subject, Validity, all_held, can_i},
    api::{AccessPolicyStatus, HeldRemovals, PolicyMode, ScimAccessPolicy},
    ops::clock,
};

/// Arguments of `scim-operator preview`.
#[derive(Debug, Args)]
#[command(
    after_help = "It plans as the operator does and writes nothing. It does not know the lists of the chart: what these \
                        do not allow is taken from the status of the policy, and where the operator has not \
                        looked yet, a problem says so.\n\n\
                        Exit codes: 0 nothing would change; 1 something would; 2 that could not be found out."
)]
pub struct Preview {
    /// The ScimAccessPolicy; all of them, when absent.
    policy: Option<String>,
    #[command(flatten)]
    output: Output,
}

/// What one policy would change.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Previewed {
    policy: String,
    provider: String,
    mode: PolicyMode,
    /// From when or since when it does not hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    validity: Option<String>,
    /// Everyone whom it means, as the bindings name them.
    subjects: BTreeSet<String>,
    adds: BTreeSet<String>,
    removes: BTreeSet<String>,
    /// Of those who would lose access, whom the guard holds: all of them, where these are still the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    held: Option<HeldRemovals>,
    /// Of those who would lose access, whom it would hold, if nobody lost any before.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    beyond_guard: BTreeSet<String>,
    writes: Vec<BindingWrite>,
    /// What would be given, did the lists of the chart allow it.
    refused: Vec<BindingWrite>,
    /// Commands that ask the API server for the difference.
    verify: BTreeSet<String>,
    problems: Vec<String>,
    /// What the operator says, if it has seen this policy.
    conditions: Vec<Condition>,
}

/// One binding that would be written.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct BindingWrite {
    action: Verb,
    binding: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<String>,
    role: String,
    adds: Vec<String>,
    removes: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
enum Verb {
    Create,
    Update,
    Delete,
}

impl Preview {
    pub fn run(self) -> Result<Answer, Error> {
        kubernetes(async |client| self.preview(&client).await)
    }

    async fn preview(&self, client: &Client) -> Result<Answer, Error> {
        let snapshot = Snapshot::load(client).await?;
        let names = match &self.policy {
            Some(name) => BTreeSet::from([name.as_str().into()]),
            None => snapshot.policies(),
        };
        let (mut previews, now) = (Vec::new(), clock::now());
        for name in names {
            let (policy, plan) = snapshot.plan(&name, now)?;
            previews.push(Previewed::of(&name, &policy, &plan, &snapshot.index, now));
        }
        self.output.print_one(&previews, |previews| {
            previews.iter().map(Previewed::in_words).collect::<Vec<_>>().join("\n")
        })?;
        let is_settled = previews.iter().all(|preview| preview.writes.is_empty() && preview.held.is_none());
        snapshot.conclude(if is_settled { Answer::Yes } else { Answer::No }, None)
    }
}

impl Previewed {
    fn of(name: &str, policy: &ScimAccessPolicy, plan: &Plan, index: &Index, now: Timestamp) -> Self {
        let meant = plan.allotments.iter().flat_map(|allotment| allotment.grants.keys());
        let status = policy.status.as_ref();
        let is_seen = |status: &&AccessPolicyStatus| status.observed_generation == policy.metadata.generation;
        let held = status.and_then(|status| status.held.as_ref());
        let (writes, refused) = allowed_and_refused(policy, plan);
        let gaining: BTreeSet<&String> = writes.iter().flat_map(|write| &write.adds).collect();
        let mut adds = names(&plan.adds);
        adds.retain(|name| gaining.contains(name));
        Self {
            policy: name.to_owned(),
            provider: policy.spec.provider.clone(),
            mode: policy.spec.mode,
            validity: match plan.validity {
                Validity::Current => None,
                Validity::NotBefore(start) => Some(format!("it holds from {start} on")),
                Validity::Since(end) => Some(format!("it has not held since {end}")),
            },
            subjects: names(meant),
            adds,
            removes: names(&plan.removes),
            beyond_guard: match held {
                None if index.is_beyond_guard(policy, plan, now) => names(&plan.departures.subjects()),
                _ => BTreeSet::new(),
            },
            held: held.map(|held| with_all_names(held, policy, plan)),
            writes,
            refused,
            verify: plan.changes.iter().flat_map(|change| verify(policy, change)).collect(),
            problems: problems(policy, plan),
            conditions: status.filter(is_seen).map(|status| status.conditions.clone()).unwrap_or_default(),
        }
    }

    /// Writing to a string cannot fail.
    fn in_words(&self) -> String {
        let Self { policy, provider, mode, .. } = self;
        let mut text = format!(
            "Policy {policy} of provider {provider}, mode {mode:?}, means {}:\n",
            self.subjects.len()
        );
        self.subjects.iter().for_each(|subject| _ = writeln!(text, "  {}", visible(subject)));
        self.validity.iter().for_each(|validity| _ = writeln!(text, "But {validity}."));
        match self.writes.is_empty() {
            true => _ = writeln!(text, "Nothing would change."),
            false => _ = writeln!(text, "Would change:"),
        }
        self.writes.iter().for_each(|write| write.in_words(&mut text));
        if !self.refused.is_empty() {
            text += "The lists of the chart do not allow, and the operator does not give:\n";
        }
        self.refused.iter().for_each(|write| write.in_words(&mut text));
        if let Some(held) = &self.held {
            let _ = writeln!(
                text,
                "The guard holds plan {} since {}: {} would lose access:",
                held.plan, held.since, held.subjects
            );
            text += &held_names(held, "-o json has all");
        }
        if !self.beyond_guard.is_empty() {
            let _ = writeln!(
                text,
                "Beyond the guard: {} of those who would lose access would probably be held. What counts is who lost \
                 access before, which the operator knows.",
                self.beyond_guard.len()
            );
        }
        self.problems.iter().for_each(|problem| _ = writeln!(text, "Problem: {}", visible(problem)));
        for condition in &self.conditions {
            let Condition { type_, status, message, .. } = condition;
            let _ = writeln!(text, "The operator says {type_}={status}: {}", visible(message));
        }
        if !self.verify.is_empty() {
            let _ = writeln!(text, "Ask the API server, before and after:");
            self.verify.iter().for_each(|command| _ = writeln!(text, "  {}", visible(command)));
        }
        text
    }
}

/// What is held, with everybody's name where whoever would go by the plan is held.
pub fn with_all_names(held: &HeldRemovals, policy: &ScimAccessPolicy, plan: &Plan) -> HeldRemovals {
    let mut held = held.clone();
    if let Some(all) = all_held(policy, &plan.departures, &held) {
        held.names = all.into_iter().map(|subject| subject.name().to_string()).collect();
    }
    held
}

/// The first names of those who are held, a line each, and where all of them are.
pub fn held_names(held: &HeldRemovals, elsewhere: &str) -> String {
    let mut text = String::new();
    let shown = held.names.iter().take(AccessPolicyStatus::NAMED);
    shown.clone().for_each(|name| _ = writeln!(text, "  {}", visible(name)));
    let more = usize::try_from(held.subjects).unwrap_or_default().saturating_sub(shown.count());
    match (more, held.names.len() > AccessPolicyStatus::NAMED) {
        (0, _) => {}
        (more, true) => _ = writeln!(text, "  and {more} more; {elsewhere}"),
        (more, false) => _ = writeln!(text, "  and {more} more"),
    }
    text
}

impl BindingWrite {
    fn of(change: &Change) -> Self {
        let place = change.place();
        let (action, binding) = match change {
            Change::Create(binding) => (Verb::Create, &binding.name),
            Change::Update { to, .. } => (Verb::Update, &to.name),
            Change::Delete(observed) => (Verb::Delete, &observed.binding.name),
        };
        let names =
            |subjects: Vec<&Subject>| subjects.iter().map(|subject| subject.name().to_string()).collect();
        Self {
            action,
            binding: binding.clone(),
            namespace: place.namespace.as_deref().map(str::to_owned),
            role: place.role.to_string(),
            adds: names(change.added()),
            removes: names(change.removed()),
        }
    }

    /// Writing to a string cannot fail.
    fn in_words(&self, text: &mut String) {
        let at = self.namespace.as_ref().map_or(String::new(), |namespace| format!(" in {namespace}"));
        let _ = writeln!(text, "  {:?} binding {}{at}: {}", self.action, self.binding, self.role);
        self.adds.iter().for_each(|name| _ = writeln!(text, "    + {}", visible(name)));
        self.removes.iter().for_each(|name| _ = writeln!(text, "    - {}", visible(name)));
    }
}

/// What would be written, and what the operator refuses to give. Whoever loses something loses it all the same.
fn allowed_and_refused(policy: &ScimAccessPolicy, plan: &Plan) -> (Vec<BindingWrite>, Vec<BindingWrite>) {
    let (mut allowed, mut refused) = (Vec::new(), Vec::new());
    for change in &plan.changes {
        let mut write = BindingWrite::of(change);
        if !write.adds.is_empty() && Allowance::of(policy, change.place()) == Allowance::Refused {
            refused.push(BindingWrite { removes: Vec::new(), ..write.clone() });
            write.adds.clear();
            if write.removes.is_empty() {
                continue;
            }
        }
        allowed.push(write);
    }
    (allowed, refused)
}

fn names<'s>(subjects: impl IntoIterator<Item = &'s Subject>) -> BTreeSet<String> {
    subjects.into_iter().map(|subject| subject.name().to_string()).collect()
}

fn verify(policy: &ScimAccessPolicy, change: &Change) -> Vec<String> {
    let added = match Allowance::of(policy, change.place()) {
        Allowance::Refused => Vec::new(),
        Allowance::Allowed | Allowance::Unsaid => change.added(),
    };
    let subjects = added.into_iter().chain(change.removed());
    subjects.filter_map(|subject| can_i(subject, change.place())).collect()
}

fn problems(policy: &ScimAccessPolicy, plan: &Plan) -> Vec<String> {
    let problems = &plan.problems;
    let blocked = problems.blocked.iter().map(ToString::to_string);
    let groups = problems.groups_not_found.iter().map(|group| format!("no group has {group}"));
    let people = problems.excluded.iter().map(|one| format!("{:?} is given nothing: {}", one.who, one.why));
    let captures =
        problems.unusable_captures.iter().map(|group| format!("the name of group {group:?} fills no name"));
    let roles = problems.roles.keys().map(ToString::to_string);
    let places =
        plan.not_applied.iter().map(|(namespace, why)| format!("not in namespace {namespace}: {why:?}"));
    let gives = |change: &&Change| !change.added().is_empty();
    let is_unsaid = |change: &Change| Allowance::of(policy, change.place()) == Allowance::Unsaid;
    let is_unsaid = plan.changes.iter().filter(gives).any(is_unsaid);
    let unsaid = is_unsaid.then(|| {
        "the lists of the chart may not allow all of this: the operator has not looked at the policy as it is now, or \
         leaves out more namespaces than its status names"
            .to_owned()
    });
    blocked.chain(groups).chain(people).chain(captures).chain(roles).chain(places).chain(unsaid).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::access::tests::{
        guard::{members, team},
        world::World,
    };

    #[test]
    fn what_the_operator_refuses_is_not_said_to_be_given() {
        let mut world = World::new();
        world.user("alice", json!({}));
        world.group("team", &["alice"], json!({}));
        world.policy("p", json!({"scope": {"namespaces": {"names": ["team-a", "team-b"]}}}));
        let preview = |world: &World| {
            let (policy, plan) = world.policy_and_plan("p");
            Previewed::of("p", &policy, &plan, &world.index, world.now)
        };
        let places = |writes: &[BindingWrite]| -> Vec<_> {
            writes.iter().filter_map(|write| write.namespace.clone()).collect()
        };
        let unseen = preview(&world);
        assert_eq!(
            (places(&unseen.writes), places(&unseen.refused)),
            (vec!["team-a".to_owned(), "team-b".to_owned()], vec![])
        );
        assert!(unseen.problems[0].contains("the operator has not looked"), "{:?}", unseen.problems);

        let mut says = |left_out: &[&str]| {
            let left_out: Vec<_> =
                left_out.iter().map(|name| json!({"name": name, "reason": "RoleNotAllowed"})).collect();
            let namespaces = json!({"matched": 2, "applied": 0, "notApplied": left_out});
            world.annotated_policy("p", json!({}), json!({"namespaces": namespaces}));
            preview(&world)
        };
        let seen = says(&["team-a"]);
        assert_eq!(
            (places(&seen.writes), places(&seen.refused)),
            (vec!["team-b".to_owned()], vec!["team-a".to_owned()])
        );
        assert_eq!((seen.adds.len(), seen.verify.len(), seen.problems.len()), (1, 1, 0));
        let nothing = says(&["team-a", "team-b"]);
        assert!(nothing.adds.is_empty() && nothing.writes.is_empty() && nothing.verify.is_empty());
        assert!(nothing.in_words().contains("Nothing would change.\nThe lists of the chart do not allow"));
    }

    #[test]
    fn what_is_held_is_what_the_status_says_and_names_everybody() {
        let (mut world, people) = team(30);
        members(&mut world, "team", &[]);
        let preview = |world: &World| {
            let (policy, plan) = world.index.plan_by("p", &world.directory, world.now).unwrap();
            Previewed::of("p", &policy, &plan, &world.index, world.now)
        };
        let unseen = preview(&world);
        assert_eq!((unseen.held.is_none(), unseen.removes.len(), unseen.beyond_guard.len()), (true, 30, 30));
        assert!(unseen.in_words().contains("Beyond the guard: 30 of those"), "{}", unseen.in_words());
        assert!(!unseen.in_words().contains("Nothing would change."));

        let held = world.plan("p").held.unwrap();
        let first: Vec<_> = people.iter().take(20).map(|name| format!("oidc:{name}")).collect();
        let status = json!({"plan": held.plan, "since": held.since, "subjects": 30, "names": first});
        world.annotated_policy("p", json!({}), json!({"held": status}));
        let told = preview(&world);
        assert!(told.beyond_guard.is_empty());
        assert!(told.in_words().contains("\n  and 10 more; -o json has all\n"), "{}", told.in_words());
        assert_eq!(told.held.unwrap().names.len(), 30);

        members(&mut world, "team", &people[..1]);
        assert_eq!(preview(&world).held.unwrap().names.len(), 20, "that is another plan");
    }

    #[test]
    fn no_name_begins_a_line_of_its_own() {
        let names = || BTreeSet::from(["eve\n    + root\u{1b}[2K\u{202e}".to_owned()]);
        let write = BindingWrite {
            action: Verb::Delete,
            binding: "scim-p-0".to_owned(),
            namespace: None,
            role: "ClusterRole edit".to_owned(),
            adds: Vec::new(),
            removes: names().into_iter().collect(),
        };
        let text = Previewed {
            policy: "p".to_owned(),
            provider: "okta".to_owned(),
            mode: PolicyMode::default(),
            validity: None,
            subjects: names(),
            adds: BTreeSet::new(),
            removes: names(),
            held: None,
            beyond_guard: BTreeSet::new(),
            writes: vec![write],
            refused: Vec::new(),
            verify: names(),
            problems: names().into_iter().collect(),
            conditions: Vec::new(),
        }
        .in_words();
        assert!(text.contains("    - eve\\n    + root\\u{1b}[2K\\u{202e}\n"), "{text}");
        assert!(!text.contains("\n    + "), "nobody would gain anything: {text}");
        assert!(!text.contains(['\u{1b}', '\u{202e}']), "{text}");
    }
}
