use std::{
    borrow::Cow,
    collections::HashMap,
    io::{self, BufWriter, Write},
    rc::Rc,
    sync::Arc,
};

use clap::{Args, ValueEnum};
use jiff::Timestamp;
use kube::Client;
use serde::Serialize;

use super::{
    Answer, Error, kubernetes,
    output::{meant_by, visible, visible_json},
    person::Person,
    snapshot::Snapshot,
};
use crate::{
    access::{Grant, Holder, Review, Who},
    directory::view::{Id, User},
    ops::clock,
};

/// Arguments of `scim-operator report`.
#[derive(Debug, Args)]
#[command(
    after_help = "What bindings of the operator hold, and nothing else; a person stands in as many lines as they \
                        hold roles. Exit codes: 0 that is all; 2 it may not be."
)]
pub struct Report {
    /// How it is written.
    #[arg(long, value_enum, default_value = "csv")]
    format: Format,
    /// Only this ScimProvider's people.
    #[arg(long)]
    provider: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// RFC 4180, with a line of names; cells that a spreadsheet would take for formulas begin with an apostrophe, and in
    /// no cell does anything move the cursor.
    Csv,
    /// An array of objects, one in a line.
    Json,
}

/// One person's one grant.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Row<'a> {
    /// Nobody in the directory is called so without, or a group is in which nobody is active.
    person: Option<&'a Person>,
    identity: &'a str,
    role: String,
    namespace: Option<&'a str>,
    policy: &'a str,
    reason: Option<&'a str>,
    source: String,
    /// Since when they hold it, where that is known.
    since: Option<Timestamp>,
    until: Option<Timestamp>,
    /// One binding names many: this person may have come later.
    binding_created: Option<Timestamp>,
    binding_changed: Option<Timestamp>,
}

const COLUMNS: [&str; 16] = [
    "provider",
    "userName",
    "displayName",
    "id",
    "active",
    "identity",
    "role",
    "namespace",
    "policy",
    "reason",
    "source",
    "since",
    "until",
    "bindingCreated",
    "bindingChanged",
    "personLastModified",
];

impl Report {
    pub fn run(self) -> Result<Answer, Error> {
        kubernetes(async |client| self.write(&client, BufWriter::new(io::stdout())).await)
    }

    async fn write(&self, client: &Client, out: impl Write) -> Result<Answer, Error> {
        let snapshot = Snapshot::load(client).await?;
        let is_known = |name: &&String| {
            snapshot.index.provider(name).is_some() || snapshot.directory.provider(name).is_some()
        };
        if let Some(unknown) = self.provider.as_ref().filter(|name| !is_known(name)) {
            return Err(format!("there is no ScimProvider {unknown}").into());
        }
        let mut sheet = Sheet { format: self.format, rows: 0, out };
        sheet.begin()?;
        let mut people = People::default();
        for policy in snapshot.index.reviewed() {
            // One policy at a time: all of them together may be millions of lines.
            let review = snapshot.index.review(&policy, &snapshot.directory, clock::now());
            for grant in review.grants.iter().filter(|grant| grant.binding.is_some()) {
                for holder in snapshot.index.holders(grant, &snapshot.directory) {
                    let person = match &holder.who {
                        Who::Person(user) => Some(people.of(user)),
                        Who::NoMembers | Who::Nobody => None,
                    };
                    if self
                        .provider
                        .as_deref()
                        .is_none_or(|own| provider_of(person.as_deref(), &review) == own)
                    {
                        sheet.row(&Row::of(person.as_deref(), &holder, grant, &review))?;
                    }
                }
            }
        }
        sheet.end()?;
        snapshot.conclude(Answer::Yes, self.provider.as_deref())
    }
}

fn provider_of<'a>(person: Option<&'a Person>, review: &'a Review) -> &'a str {
    let planned = review.planned.as_ref().map(|(policy, _)| policy.spec.provider.as_str());
    person.map(|person| person.provider.as_str()).or(planned).unwrap_or_default()
}

/// Everyone who was decoded once.
#[derive(Default)]
struct People(HashMap<(Arc<str>, Id), Rc<Person>>);

impl People {
    fn of(&mut self, user: &User) -> Rc<Person> {
        let key = (user.provider().clone(), user.id().clone());
        self.0.entry(key).or_insert_with(|| Rc::new(Person::of(user))).clone()
    }
}

impl<'a> Row<'a> {
    fn of(person: Option<&'a Person>, holder: &Holder, grant: &'a Grant, review: &'a Review) -> Self {
        let binding = grant.binding.as_deref();
        let policy = review.planned.as_ref().map(|(policy, _)| policy);
        let sources: Vec<String> = holder.reasons.iter().map(ToString::to_string).collect();
        Self {
            person,
            identity: grant.subject.name(),
            role: grant.place.role.to_string(),
            namespace: grant.place.namespace.as_deref(),
            policy: &review.name,
            reason: binding.and_then(|observed| observed.binding.mark.reason.as_deref()),
            source: match (&holder.who, meant_by(&sources, review.doubt().as_deref())) {
                (Who::NoMembers, source) => format!("{source}: no active member"),
                (Who::Person(_) | Who::Nobody, source) => source,
            },
            since: holder.since,
            until: policy.and_then(|policy| policy.spec.validity.as_ref()?.not_after),
            binding_created: binding.and_then(|observed| observed.created),
            binding_changed: binding.and_then(|observed| observed.changed),
        }
    }

    fn cells(&self) -> [Cow<'_, str>; COLUMNS.len()] {
        let time = |time: Option<Timestamp>| time.map_or(Cow::default(), |time| time.to_string().into());
        let text = |text: Option<&'a str>| text.map_or(Cow::default(), Cow::Borrowed);
        let active = self.person.map(|person| if person.active { "true" } else { "false" });
        [
            text(self.person.map(|person| person.provider.as_str())),
            text(self.person.map(|person| person.user_name.as_str())),
            text(self.person.and_then(|person| person.display_name.as_deref())),
            text(self.person.map(|person| person.id.as_str())),
            text(active),
            self.identity.into(),
            self.role.as_str().into(),
            text(self.namespace),
            self.policy.into(),
            text(self.reason),
            self.source.as_str().into(),
            time(self.since),
            time(self.until),
            time(self.binding_created),
            time(self.binding_changed),
            text(self.person.map(|person| person.last_modified.as_str())),
        ]
    }
}

/// Rows as they are written, one after the other.
struct Sheet<W> {
    format: Format,
    rows: usize,
    out: W,
}

impl<W: Write> Sheet<W> {
    fn begin(&mut self) -> io::Result<()> {
        match self.format {
            Format::Csv => self.line(&COLUMNS.map(Cow::Borrowed)),
            Format::Json => write!(self.out, "["),
        }
    }

    fn row(&mut self, row: &Row<'_>) -> Result<(), Error> {
        match self.format {
            Format::Csv => self.line(&row.cells())?,
            Format::Json => {
                let separator = if self.rows == 0 { "\n" } else { ",\n" };
                self.out.write_all(separator.as_bytes())?;
                self.out.write_all(visible_json(&serde_json::to_string(row)?).as_bytes())?;
            }
        }
        self.rows += 1;
        Ok(())
    }

    fn end(&mut self) -> io::Result<()> {
        if self.format == Format::Json {
            writeln!(self.out, "\n]")?;
        }
        self.out.flush()
    }

    /// RFC 4180 section 2, but for the line's end, which is what scripts of this world expect.
    fn line(&mut self, cells: &[Cow<'_, str>]) -> io::Result<()> {
        let cells: Vec<String> = cells.iter().map(|cell| quoted(cell)).collect();
        writeln!(self.out, "{}", cells.join(","))
    }
}

/// One cell. A spreadsheet takes a cell for a formula that begins with one of these signs, wide ones included,
/// wherever it came from; an apostrophe makes it text.
fn quoted(cell: &str) -> String {
    let is_formula = cell.trim_start().starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠'])
        || cell.starts_with(['\t', '\r', '\n']);
    let shown = visible(cell);
    let cell = if is_formula { format!("'{shown}") } else { shown };
    match cell.contains(['"', ',']) || is_formula {
        true => format!("\"{}\"", cell.replace('"', "\"\"")),
        false => cell,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_quoted_where_it_holds_what_separates_cells() {
        assert_eq!(quoted("alice"), "alice");
        assert_eq!(quoted("Doe, Alice"), "\"Doe, Alice\"");
        assert_eq!(quoted("a \"b\"\nc"), "\"a \"\"b\"\"\\nc\"");
    }

    #[test]
    fn no_cell_begins_a_formula() {
        for sign in [
            "=1+1",
            "+1",
            "-1",
            "@SUM(A1)",
            "\t=1",
            " =1",
            "＝1",
            "＋1",
            "－1",
            "＠1",
            "=HYPERLINK(\"http://x\",\"y\")",
        ] {
            assert!(quoted(sign).starts_with("\"'"), "{sign:?}");
        }
    }

    #[test]
    fn an_empty_report_is_a_header_or_an_empty_array() {
        let written = |format| {
            let mut out = Vec::new();
            let mut sheet = Sheet { format, rows: 0, out: &mut out };
            sheet.begin().unwrap();
            sheet.end().unwrap();
            String::from_utf8(out).unwrap()
        };
        assert_eq!(written(Format::Csv), COLUMNS.join(",") + "\n");
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&written(Format::Json)).unwrap(),
            serde_json::json!([])
        );
    }
}
