use std::{collections::BTreeSet, fmt::Write as _, sync::Arc};

use clap::Args;
use jiff::Timestamp;
use k8s_openapi::api::authorization::v1::{ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec};
use kube::{Api, Client, api::PostParams};
use serde::Serialize;

use super::{
    Answer, Error, kubernetes,
    output::{Output, meant_by, namespace, table, visible},
    person::Person,
    resource,
    snapshot::Snapshot,
};
use crate::{
    access::{Action, Entitlement, Place, RoleName, Standing, Subject},
    directory::view::User,
    ops::clock,
};

/// Arguments of `scim-operator explain`.
#[derive(Debug, Args)]
#[command(after_help = "Exit codes: 0 they hold something, or may do what was asked; 1 they do not; \
                        2 that could not be found out.")]
pub struct Explain {
    /// A userName, a SCIM id, or what the API server calls them.
    user: String,
    /// The ScimProvider whose person is meant, where people of several have that name and are not one person.
    #[arg(long)]
    provider: Option<String>,
    /// Ask the API server whether they may do this, and show what lets them: a verb such as `create`.
    #[arg(long, requires = "resource")]
    verb: Option<String>,
    /// On what: pods, deployments.apps, pods/log.
    #[arg(long, requires = "verb")]
    resource: Option<String>,
    /// In which namespace; in the whole cluster, when absent.
    #[arg(short, long, requires = "verb")]
    namespace: Option<String>,
    #[command(flatten)]
    output: Output,
}

/// What somebody may do, and why not more.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Explanation {
    /// The person, as each provider has them that shares them.
    people: Vec<Person>,
    token: Token,
    #[serde(skip_serializing_if = "Option::is_none")]
    asked: Option<Asked>,
    given: Vec<Given>,
    not_given: Vec<NotGiven>,
}

/// What the person's token has to say for the API server to know them.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Token {
    /// The user's name, prefix included.
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<String>,
    /// Why there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    refused: Option<String>,
    /// The attribute that it is made from, of each provider.
    made_from: BTreeSet<String>,
    /// The groups, where tokens carry them.
    groups: BTreeSet<String>,
}

/// A question to the API server, and its answer.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Asked {
    question: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<String>,
    allowed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Given {
    role: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<String>,
    policy: String,
    /// By which groups, each within the one before, or by the filter; nothing where the policy no longer means
    /// them.
    by: Vec<String>,
    /// Why nobody knows whom the policy means.
    #[serde(skip_serializing_if = "Option::is_none")]
    doubt: Option<String>,
    /// Since when the guard keeps them from losing it.
    #[serde(skip_serializing_if = "Option::is_none")]
    held_since: Option<Timestamp>,
    /// What their token has to say.
    claim: String,
    binding: String,
    /// Since when they hold it, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<Timestamp>,
    /// One binding names many: this person may have come later.
    #[serde(skip_serializing_if = "Option::is_none")]
    binding_created: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<Timestamp>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NotGiven {
    policy: String,
    role: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<String>,
    by: Vec<String>,
    why: String,
}

impl Explain {
    pub fn run(self) -> Result<Answer, Error> {
        kubernetes(async |client| self.explain(&client).await)
    }

    async fn explain(&self, client: &Client) -> Result<Answer, Error> {
        let action = match (&self.verb, &self.resource) {
            (Some(verb), Some(resource)) => Some(resource::action(client, verb, resource).await?),
            _ => None,
        };
        let snapshot = Snapshot::load(client).await?;
        snapshot.know_namespace(self.namespace.as_deref())?;
        let users = snapshot.person(&self.user, self.provider.as_deref())?;
        let token = Token::of(&users, &snapshot);
        let asked = match &action {
            Some(action) => Some(token.ask(client, action, self.namespace.clone()).await?),
            None => None,
        };
        let people = users.iter().map(|user| Person::of(user)).collect();
        let mut explanation = Explanation { people, token, asked, given: Vec::new(), not_given: Vec::new() };
        let explain = |user| snapshot.index.explain(user, &snapshot.directory, clock::now());
        for entitlement in users.first().map(explain).into_iter().flatten() {
            let matters =
                action.as_ref().is_none_or(|action| self.could_allow(&entitlement, action, &snapshot));
            if matters {
                explanation.note(entitlement);
            }
        }
        self.output.print_one(&explanation, Explanation::in_words)?;
        let yes = explanation.asked.as_ref().map_or(!explanation.given.is_empty(), |asked| asked.allowed);
        snapshot.conclude(if yes { Answer::Yes } else { Answer::No }, self.provider.as_deref())
    }

    /// Whether what a policy gives there would allow what was asked.
    fn could_allow(&self, entitlement: &Entitlement, action: &Action, snapshot: &Snapshot) -> bool {
        let is_here = |place: &Place| {
            place.namespace.is_none() || place.namespace.as_deref() == self.namespace.as_deref()
        };
        match (&entitlement.place, &entitlement.object) {
            (Some(place), _) => is_here(place) && action.is_allowed_by(snapshot.rules(place)),
            (None, Some(policy)) => {
                let role = &policy.spec.role_ref;
                let namespace = self.namespace.as_deref().map(Into::into);
                let place =
                    Place { namespace, role: RoleName { kind: role.kind, name: role.name.as_str().into() } };
                // A name with captures may become any role.
                role.name.contains('{') || action.is_allowed_by(snapshot.rules(&place))
            }
            (None, None) => false,
        }
    }
}

impl Token {
    /// The token of a person, who has one string however many providers share them.
    fn of(users: &[Arc<User>], snapshot: &Snapshot) -> Self {
        let Snapshot { index, directory, .. } = snapshot;
        let identity = users.first().map(|user| index.identity_of(user));
        let providers = users.iter().filter_map(|user| index.provider(user.provider()));
        let groups = users.iter().flat_map(|user| index.token_groups(user, directory).into_keys());
        Self {
            user: identity.clone().and_then(Result::ok).map(|subject| subject.name().to_string()),
            refused: identity.and_then(Result::err).map(|why| why.to_string()),
            made_from: providers.map(|provider| provider.spec.identity.user.from.clone()).collect(),
            groups: groups.map(|subject| subject.name().to_string()).collect(),
        }
    }

    /// Asks the API server about whoever has this token.
    async fn ask(&self, client: &Client, action: &Action, namespace: Option<String>) -> Result<Asked, Error> {
        let question = action.to_string();
        let Some(user) = &self.user else {
            return Ok(Asked { question, namespace, allowed: false, reason: self.refused.clone() });
        };
        let attributes = ResourceAttributes {
            verb: Some(action.verb.clone()),
            group: Some(action.group.clone()),
            resource: Some(action.resource.clone()),
            subresource: action.subresource.clone(),
            namespace: namespace.clone(),
            ..ResourceAttributes::default()
        };
        let everybody = "system:authenticated".to_owned();
        let spec = SubjectAccessReviewSpec {
            user: Some(user.clone()),
            groups: Some(self.groups.iter().cloned().chain([everybody]).collect()),
            resource_attributes: Some(attributes),
            ..SubjectAccessReviewSpec::default()
        };
        let review = SubjectAccessReview { spec, ..SubjectAccessReview::default() };
        let answer = Api::all(client.clone()).create(&PostParams::default(), &review).await;
        let status = answer
            .map_err(|error| format!("the API server cannot be asked about others: {error}"))?
            .status
            .ok_or("the API server gave no answer to a SubjectAccessReview")?;
        Ok(Asked { question, namespace, allowed: status.allowed, reason: status.reason })
    }
}

impl Explanation {
    fn note(&mut self, entitlement: Entitlement) {
        let by = entitlement.reasons.iter().map(ToString::to_string).collect();
        let spec = entitlement.object.as_ref().map(|policy| &policy.spec);
        let role = match &entitlement.place {
            Some(place) => place.role.to_string(),
            None => spec
                .map(|spec| format!("{:?} {}", spec.role_ref.kind, spec.role_ref.name))
                .unwrap_or_default(),
        };
        let namespace =
            entitlement.place.as_ref().and_then(|place| place.namespace.as_deref()).map(str::to_owned);
        let policy = entitlement.policy.to_string();
        match entitlement.standing {
            Standing::Given(observed) => self.given.push(Given {
                role,
                namespace,
                policy,
                by,
                doubt: entitlement.doubt,
                held_since: entitlement.held,
                claim: entitlement.subject.as_ref().map(claim).unwrap_or_default(),
                binding: observed.binding.name.clone(),
                since: entitlement.since,
                binding_created: observed.created,
                until: spec.and_then(|spec| spec.validity.as_ref()?.not_after),
            }),
            Standing::NotGiven(why) => {
                self.not_given.push(NotGiven { policy, role, namespace, by, why: why.to_string() });
            }
        }
    }

    fn in_words(&self) -> String {
        let people: String = self.people.iter().map(|person| format!("{person}\n")).collect();
        let mut text = people + &self.token.in_words() + "\n";
        // Writing to a string cannot fail.
        if let Some(Asked { question, namespace, allowed, reason }) = &self.asked {
            let answer = if *allowed { "yes" } else { "no" };
            let reason = reason.as_ref().filter(|reason| !reason.is_empty());
            let reason = reason.map_or(String::new(), |reason| format!(", {}", visible(reason)));
            let _ = writeln!(
                text,
                "May they {question}{}? The API server says {answer}{reason}.",
                place(namespace.as_deref())
            );
        }
        let _ = match self.given.is_empty() {
            true => writeln!(
                text,
                "\nNo policy gives them {}.",
                if self.asked.is_some() { "that" } else { "anything" }
            ),
            false => writeln!(text, "\nGiven:\n{}", self.given_table().trim_end()),
        };
        if !self.not_given.is_empty() {
            let _ = writeln!(text, "\nNot given:\n{}", self.not_given_table().trim_end());
        }
        text
    }

    fn given_table(&self) -> String {
        let time = |time: Option<Timestamp>| time.map_or("-".to_owned(), |time| time.to_string());
        let rows = self.given.iter().map(|given| {
            [
                given.role.clone(),
                namespace(given.namespace.as_deref()),
                given.policy.clone(),
                match given.held_since {
                    Some(since) => {
                        format!("nothing any more, but the guard has held the removal since {since}")
                    }
                    None => meant_by(&given.by, given.doubt.as_deref()),
                },
                given.claim.clone(),
                time(given.since),
                time(given.until),
            ]
        });
        table(["ROLE", "NAMESPACE", "POLICY", "BY", "TOKEN", "SINCE", "UNTIL"], rows.collect())
    }

    fn not_given_table(&self) -> String {
        let rows = self.not_given.iter().map(|missed| {
            let namespace = missed.namespace.clone().unwrap_or_else(|| "-".to_owned());
            [missed.role.clone(), namespace, missed.policy.clone(), missed.why.clone()]
        });
        table(["ROLE", "NAMESPACE", "POLICY", "WHY NOT"], rows.collect())
    }
}

impl Token {
    fn in_words(&self) -> String {
        match (&self.user, &self.refused) {
            (Some(user), _) => {
                let from = self.made_from.iter().map(String::as_str).collect::<Vec<_>>().join(" and ");
                format!("The API server knows them by a token with the user name {user:?}, made from {from}.")
            }
            (None, why) => {
                format!("They have no identity string: {}.", why.as_deref().unwrap_or("nobody says why"))
            }
        }
    }
}

fn claim(subject: &Subject) -> String {
    match subject {
        Subject::User(name) => format!("user {name}"),
        Subject::Group(name) => format!("group {name}"),
        Subject::Other(name) => name.to_string(),
    }
}

fn place(namespace: Option<&str>) -> String {
    namespace.map_or(" in the whole cluster".to_owned(), |namespace| format!(" in {namespace}"))
}
