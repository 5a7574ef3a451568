mod groups;
mod people;
mod voice;

use std::{collections::BTreeSet, fmt::Write as _};

use clap::{Args, builder::NonEmptyStringValueParser};
use futures::{StreamExt, TryStreamExt, stream};
use k8s_openapi::api::core::v1::Namespace;
use kube::{Api, Client, Config, ResourceExt};
use serde::Serialize;

use self::{people::Whom, voice::Voice};
use super::{
    Answer, Error, cluster,
    output::{Output, table, visible},
    pages::pages,
};
use crate::{
    access::Right,
    ops::kube_client::{Role, request_client},
};

/// How many places are asked about at once.
const AT_ONCE: usize = 8;

/// Arguments of `scim-operator prove`.
#[derive(Debug, Args)]
#[command(
    after_help = "It acts as the person in their groups, which takes the rights to impersonate users and groups, and reads the \
directory, all namespaces and all bindings. A token keeps its groups until it ends: where bindings name others that theirs may \
carry, nothing is proven until you say them.\n\n\
Exit codes: 0 nothing is left that not everybody may; 1 something is; 2 that could not be found out."
)]
pub struct Prove {
    /// A userName, a SCIM id, or what the API server calls them.
    #[arg(value_parser = NonEmptyStringValueParser::new())]
    user: String,
    /// The ScimProvider whose person is meant; of all of them, when absent.
    #[arg(long)]
    provider: Option<String>,
    /// A group that the person's token still carries beside those that the directory has them in, as the API server
    /// calls it; may be repeated. Who says one says all.
    #[arg(long = "group", value_name = "GROUP")]
    groups: Vec<String>,
    #[command(flatten)]
    output: Output,
}

/// Who was asked about, what was asked, and what is left.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Proof {
    #[serde(flatten)]
    whom: Whom,
    /// Whom they were compared with: somebody whom no binding names.
    nobody: String,
    asked: Vec<Asked>,
    left: Vec<Left>,
    /// Whether all was asked, and the API server said all that it knows.
    complete: bool,
}

/// Questions about one place, and their answer.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Asked {
    identity: String,
    groups: Vec<String>,
    /// The whole cluster without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<String>,
    questions: Vec<String>,
    answer: String,
}

/// Something that not everybody may.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Left {
    identity: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<String>,
    may: String,
    /// Why, as the API server says it.
    by: String,
}

/// What came of the questions about one place.
struct Place {
    asked: Asked,
    left: Vec<Left>,
    incomplete: Option<String>,
}

impl Prove {
    pub fn run(self) -> Result<Answer, Error> {
        cluster(async |config| {
            let client = request_client(config.clone(), Role::Command)?;
            let whom = people::whom(&client, &self.user, self.provider.as_deref(), &self.groups).await?;
            let proof = self.ask(&config, &client, whom).await?;
            self.output.print_one(&proof, ToString::to_string)?;
            Ok(proof.answer())
        })
    }

    async fn ask(&self, config: &Config, client: &Client, whom: Whom) -> Result<Proof, Error> {
        let name = format!("scim-operator-nobody-{}", uuid::Uuid::new_v4());
        let nobody = Voice::new(config, &name, &[]).await?;
        let namespaces: Vec<Namespace> = pages(&Api::all(client.clone()), &[]).try_collect().await?;
        let namespaces: Vec<String> = namespaces.iter().map(ResourceExt::name_any).collect();
        let (groups, complete) = (whom.groups.iter().cloned().collect::<Vec<_>>(), !whom.doubtful);
        let mut proof = Proof { whom, nobody: name, asked: Vec::new(), left: Vec::new(), complete };
        for identity in proof.whom.identities.clone() {
            let voice = Voice::new(config, &identity, &groups).await?;
            let everywhere = beyond(&voice, &nobody, None, &BTreeSet::new()).await?;
            let known = &everywhere.0;
            let places: Vec<_> = stream::iter(&namespaces)
                .map(|namespace| beyond(&voice, &nobody, Some(namespace), known))
                .buffered(AT_ONCE)
                .try_collect()
                .await?;
            let places = std::iter::once(everywhere.1).chain(places.into_iter().map(|(_, place)| place));
            places.for_each(|place| proof.take(place));
        }
        Ok(proof)
    }
}

/// What is asked in every place beside the list of what somebody may do, which an authorizer other than RBAC
/// need not tell.
fn telling() -> [Right; 3] {
    [Right::one("*", "*", "*"), Right::one("get", "", "secrets"), Right::one("create", "", "pods")]
}

/// What somebody may do in a place beyond what everybody may, and what is known already.
async fn beyond(
    voice: &Voice,
    nobody: &Voice,
    namespace: Option<&str>,
    known: &BTreeSet<Right>,
) -> Result<(BTreeSet<Right>, Place), Error> {
    // A namespace that does not exist has no bindings of its own, so what is listed there holds everywhere.
    let at = namespace.unwrap_or(&nobody.identity);
    let (listed, everybodys) = futures::try_join!(voice.listed(at), nobody.listed(at))?;
    let is_left = |right: &Right| !right.is_within(&everybodys.rights) && !right.is_within(known);
    let mut rights: BTreeSet<Right> = listed.rights.into_iter().filter(is_left).collect();
    for right in telling() {
        let is_told =
            right.is_within(&rights) || right.is_within(&everybodys.rights) || right.is_within(known);
        let question = right.question(namespace);
        if !is_told && voice.may(question.clone()).await?.allowed && !nobody.may(question).await?.allowed {
            rights.insert(right);
        }
    }
    let mut left = Vec::new();
    for right in &rights {
        let why = voice.may(right.question(namespace)).await?;
        let reason = why.reason.filter(|reason| !reason.is_empty()).or(why.evaluation_error);
        left.push(Left {
            identity: voice.identity.clone(),
            namespace: namespace.map(str::to_owned),
            may: right.to_string(),
            by: reason
                .unwrap_or_else(|| format!("the API server says no more than allowed: {}", why.allowed)),
        });
    }
    let lists = format!("SelfSubjectRulesReview in {at}");
    let questions =
        telling().iter().map(|right| format!("SelfSubjectAccessReview {right}")).collect::<Vec<_>>();
    let asked = Asked {
        identity: voice.identity.clone(),
        groups: voice.groups.clone(),
        namespace: namespace.map(str::to_owned),
        questions: [vec![lists], questions].concat(),
        answer: match left.len() {
            0 => "nothing that not everybody may".to_owned(),
            some => format!("{some} rules that not everybody has"),
        },
    };
    Ok((rights, Place { asked, left, incomplete: listed.incomplete }))
}

impl Proof {
    fn take(&mut self, place: Place) {
        if let Some(why) = place.incomplete {
            let note = format!("the API server says that it may not have listed all: {why}");
            self.complete = false;
            if !self.whom.notes.contains(&note) {
                self.whom.notes.push(note);
            }
        }
        self.asked.push(place.asked);
        self.left.extend(place.left);
    }

    fn answer(&self) -> Answer {
        match (self.left.is_empty(), self.complete) {
            (false, _) => Answer::No,
            (true, true) => Answer::Yes,
            (true, false) => Answer::Unknown,
        }
    }
}

impl std::fmt::Display for Proof {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let place =
            |namespace: &Option<String>| namespace.clone().unwrap_or_else(|| "the whole cluster".to_owned());
        self.whom.people.iter().try_for_each(|person| writeln!(f, "{person}"))?;
        self.whom.notes.iter().try_for_each(|note| writeln!(f, "Note: {}", visible(note)))?;
        if let Some(first) = self.asked.first() {
            writeln!(f, "Asked in every place, and compared with what {} may:", self.nobody)?;
            writeln!(
                f,
                "  SelfSubjectRulesReview; SelfSubjectAccessReview for {}",
                telling().map(|right| right.to_string()).join("; ")
            )?;
            writeln!(f, "  as someone in the groups {}\n", visible(&first.groups.join(", ")))?;
        }
        let asked = self
            .asked
            .iter()
            .map(|asked| [asked.identity.clone(), place(&asked.namespace), asked.answer.clone()]);
        f.write_str(&table(["ASKED AS", "WHERE", "ANSWER"], asked.collect()))?;
        f.write_char('\n')?;
        if !self.left.is_empty() {
            let left = self.left.iter().map(|left| {
                [left.identity.clone(), place(&left.namespace), left.may.clone(), left.by.clone()]
            });
            f.write_str(&table(["LEFT TO", "WHERE", "MAY", "BECAUSE"], left.collect()))?;
            f.write_char('\n')?;
        }
        writeln!(
            f,
            "{}",
            match self.answer() {
                Answer::Yes if self.whom.people.is_empty() =>
                    "Nothing is left: they may do what everybody may who is authenticated, and no more. That is so \
                     of strings that the directory does not know.",
                Answer::Yes =>
                    "Nothing is left: they may do what everybody may who is authenticated, and no more.",
                Answer::No => "Something is left.",
                Answer::Unknown => "Nothing is found, and this may not be all: the notes say why.",
            }
        )
    }
}
