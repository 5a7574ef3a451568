use std::fmt::Write as _;

use clap::Args;
use kube::Client;
use serde::Serialize;

use super::{
    Answer, Error, kubernetes,
    output::{Output, meant_by, namespace, table},
    person::Person,
    resource,
    snapshot::Snapshot,
};
use crate::{
    access::{Action, Grant, Place, Review, Subject, Who},
    ops::clock,
};

/// Arguments of `scim-operator who-can`.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 somebody may, by whosever binding; 1 nobody may; 2 that could not be found out."
)]
pub struct WhoCan {
    /// A verb, such as `create`.
    verb: String,
    /// On what: pods, deployments.apps, pods/log.
    resource: String,
    /// In which namespace; in the whole cluster, when absent.
    #[arg(short, long)]
    namespace: Option<String>,
    #[command(flatten)]
    output: Output,
}

/// Who may do something.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Able {
    question: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<String>,
    people: Vec<AblePerson>,
    /// Whom bindings name that are none of the operator's.
    others: Vec<Other>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AblePerson {
    #[serde(skip_serializing_if = "Option::is_none")]
    person: Option<Person>,
    /// Why there is no person.
    #[serde(skip_serializing_if = "Option::is_none")]
    nobody: Option<Nobody>,
    identity: String,
    role: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<String>,
    policy: String,
    by: Vec<String>,
    /// Why nobody knows whom the policy means.
    #[serde(skip_serializing_if = "Option::is_none")]
    doubt: Option<String>,
}

/// Why a binding that names somebody gives it to nobody of the directory.
#[derive(Clone, Copy, Serialize)]
enum Nobody {
    /// A group is called so, and nobody is active in it.
    NoMembers,
    /// Nobody is called so, and no group.
    NotInDirectory,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Other {
    subject: String,
    /// Who of the directory is called so, or is in a group that is; inactive people too.
    people: Vec<Person>,
    role: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<String>,
    binding: String,
}

impl WhoCan {
    pub fn run(self) -> Result<Answer, Error> {
        kubernetes(async |client| self.answer(&client).await)
    }

    async fn answer(&self, client: &Client) -> Result<Answer, Error> {
        let action = resource::action(client, &self.verb, &self.resource).await?;
        let snapshot = Snapshot::load(client).await?;
        snapshot.know_namespace(self.namespace.as_deref())?;
        let able = Able {
            question: action.to_string(),
            namespace: self.namespace.clone(),
            people: self.people(&action, &snapshot),
            others: self.others(&action, &snapshot),
        };
        self.output.print_one(&able, Able::in_words)?;
        let is_nobody = able.people.is_empty() && able.others.is_empty();
        snapshot.conclude(if is_nobody { Answer::No } else { Answer::Yes }, None)
    }

    fn people(&self, action: &Action, snapshot: &Snapshot) -> Vec<AblePerson> {
        let gives = |place: &Place| self.gives(place, action, snapshot);
        let mut people = Vec::new();
        for policy in snapshot.index.reviewed() {
            let mut bindings = snapshot.index.bindings_of(&policy);
            if !bindings.any(|observed| gives(&observed.binding.place)) {
                continue;
            }
            let review = snapshot.index.review(&policy, &snapshot.directory, clock::now());
            let held = review.grants.iter().filter(|grant| grant.binding.is_some() && gives(&grant.place));
            people.extend(held.flat_map(|grant| able(grant, &review, snapshot)));
        }
        people
    }

    fn others(&self, action: &Action, snapshot: &Snapshot) -> Vec<Other> {
        let foreign = snapshot.foreign.iter().filter(|foreign| self.gives(&foreign.place, action, snapshot));
        let people = |subject: &Subject| {
            let everyone = snapshot.index.everyone_called(subject, &snapshot.directory);
            everyone.iter().map(|user| Person::of(user)).collect()
        };
        let others = foreign.flat_map(|foreign| {
            foreign.subjects.iter().map(|subject| Other {
                subject: in_words(subject),
                people: people(subject),
                role: foreign.place.role.to_string(),
                namespace: foreign.place.namespace.as_deref().map(str::to_owned),
                binding: foreign.name.clone(),
            })
        });
        others.collect()
    }

    fn gives(&self, place: &Place, action: &Action, snapshot: &Snapshot) -> bool {
        let is_here = place.namespace.is_none() || place.namespace.as_deref() == self.namespace.as_deref();
        is_here && action.is_allowed_by(snapshot.rules(place))
    }
}

fn able(grant: &Grant, review: &Review, snapshot: &Snapshot) -> Vec<AblePerson> {
    let holders = snapshot.index.holders(grant, &snapshot.directory).into_iter();
    let able = holders.map(|holder| AblePerson {
        person: match &holder.who {
            Who::Person(user) => Some(Person::of(user)),
            Who::NoMembers | Who::Nobody => None,
        },
        nobody: match &holder.who {
            Who::Person(_) => None,
            Who::NoMembers => Some(Nobody::NoMembers),
            Who::Nobody => Some(Nobody::NotInDirectory),
        },
        identity: grant.subject.name().to_string(),
        role: grant.place.role.to_string(),
        namespace: grant.place.namespace.as_deref().map(str::to_owned),
        policy: review.name.to_string(),
        by: holder.reasons.iter().map(ToString::to_string).collect(),
        doubt: review.doubt(),
    });
    able.collect()
}

impl Able {
    fn in_words(&self) -> String {
        let mut text = match self.people.is_empty() {
            true => format!("No binding of the operator lets anybody {}.\n", self.question),
            false => self.people_table(),
        };
        if !self.others.is_empty() {
            let rows = self.others.iter().map(|other| {
                let names: Vec<String> = other.people.iter().map(named).collect();
                [
                    other.subject.clone(),
                    names.join(", "),
                    other.role.clone(),
                    namespace(other.namespace.as_deref()),
                    other.binding.clone(),
                ]
            });
            let others = table(["SUBJECT", "USERNAME", "ROLE", "NAMESPACE", "BINDING"], rows.collect());
            // Writing to a string cannot fail.
            let _ = write!(text, "\nBy bindings that are not the operator's:\n{others}");
        }
        text
    }

    fn people_table(&self) -> String {
        let rows = self.people.iter().map(|able| {
            let name = match (&able.person, able.nobody) {
                (Some(person), _) => person.user_name.clone(),
                (None, Some(Nobody::NoMembers)) => "(no active member)".to_owned(),
                (None, _) => "(nobody known)".to_owned(),
            };
            [
                name,
                able.identity.clone(),
                able.role.clone(),
                namespace(able.namespace.as_deref()),
                able.policy.clone(),
                meant_by(&able.by, able.doubt.as_deref()),
            ]
        });
        table(["USERNAME", "TOKEN", "ROLE", "NAMESPACE", "POLICY", "BY"], rows.collect())
    }
}

/// The userName of somebody whom others' bindings name, whatever became of them.
fn named(person: &Person) -> String {
    let inactive = if person.active { "" } else { " (inactive)" };
    format!("{}{inactive}", person.user_name)
}

fn in_words(subject: &Subject) -> String {
    match subject {
        Subject::User(name) => format!("User {name}"),
        Subject::Group(name) => format!("Group {name}"),
        Subject::Other(name) => name.to_string(),
    }
}
