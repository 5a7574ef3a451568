//! Holds what the documentation lists of logs, metrics and events against the code.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    sync::LazyLock,
};

use regex::Regex;

use crate::layers::rust_files;

const LOGGING: &str = include_str!("../docs/LOGGING.md");
const OPERATIONS: &str = include_str!("../docs/OPERATIONS.md");

/// What every line of JSON has, whatever is logged.
const OF_EVERY_LINE: [&str; 5] = ["timestamp", "level", "target", "message", "span"];

static CODE: LazyLock<Regex> = LazyLock::new(|| Regex::new("`([^`]+)`").unwrap());
static LOGS: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\b(error|warn|info|debug|trace)!\(").unwrap());
/// A thing, and what became of it.
static NAME: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"^[a-z_]+\.[a-z_]+$").unwrap());
/// Where an event gets its reason from.
static REASONS: LazyLock<[Regex; 3]> = LazyLock::new(|| {
    [
        r#"\bHappened \{[^}]*?\breason: (?:"|ConditionType::)(\w+)"#,
        r#"\b(?:told|happened)\("(\w+)""#,
        r#"\bSome\(\("([A-Z]\w+)""#,
    ]
    .map(|reason| Regex::new(reason).unwrap())
});
static TOLD: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"const TOLD: [^=]*= \[([^\]]*)\]").unwrap());
static CONDITION: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"ConditionType::(\w+)").unwrap());
static REGISTERED: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r#"\b(?:register|register_seconds)\(\s*(?:r,\s*)?"(\w+)""#).unwrap());
static METRIC: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"scim_operator_(\w+?)(?:_total|_seconds|_info)?`").unwrap());

#[test]
fn no_line_of_the_log_has_one_name_twice() {
    for Line { place, fields, .. } in lines() {
        let mut names: BTreeSet<&str> = OF_EVERY_LINE.into();
        for field in &fields {
            assert!(names.insert(field), "{place}: {field} is there already");
        }
    }
}

#[test]
fn a_message_that_is_for_no_log_of_its_own_is_a_name() {
    for Line { place, target, message, .. } in lines() {
        let is_named = NAME.is_match(&message);
        assert_eq!(is_named, target.is_none(), "{place}: {message} of {target:?}");
    }
}

#[test]
fn the_audit_log_is_documented_with_its_fields() {
    let mut logged: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in lines().into_iter().filter(|line| line.target.as_deref() == Some("audit")) {
        logged.insert(line.message, line.fields.into_iter().collect());
    }
    let documented = table(LOGGING, "| message | by | one for each | fields |");
    let documented: BTreeMap<_, _> = documented
        .into_iter()
        .map(|row| (code(row[0]).join(" "), code(row[3]).into_iter().collect()))
        .collect();
    assert_eq!(logged, documented);
}

#[test]
fn every_field_of_the_audit_log_and_the_access_log_is_explained() {
    let explained: BTreeSet<String> =
        table(LOGGING, "| field | what |").into_iter().flat_map(|row| code(row[0])).collect();
    for Line { place, fields, .. } in lines().into_iter().filter(|line| line.target.is_some()) {
        for field in fields {
            assert!(explained.contains(&field), "{place}: docs/LOGGING.md does not say what {field} is");
        }
    }
}

#[test]
fn every_message_that_somebody_should_look_into_is_documented() {
    let lines = lines().into_iter().filter(|line| ["error", "warn"].contains(&&*line.level));
    let logged: BTreeSet<_> = lines.map(|line| (line.message, line.level)).collect();
    let documented = table(LOGGING, "| message | level | by | what it means |");
    let documented: BTreeSet<_> = documented
        .into_iter()
        .flat_map(|row| code(row[0]).into_iter().map(move |message| (message, row[1].to_owned())))
        .collect();
    assert_eq!(logged, documented);
}

#[test]
fn the_metrics_in_the_documentation_are_those_of_the_code() {
    let metrics = include_str!("ops/metrics.rs");
    let registered: BTreeSet<&str> = found(&REGISTERED, metrics).collect();
    let listed = table(LOGGING, "| metric | by | labels |");
    let documented: BTreeSet<&str> = listed.iter().flat_map(|row| found(&METRIC, row[0])).collect();
    assert_eq!(registered, documented);
}

#[test]
fn the_events_in_the_documentation_are_those_of_the_code() {
    let mut told = BTreeSet::new();
    for (_, text) in sources("src/reconcile") {
        told.extend(REASONS.iter().flat_map(|reason| found(reason, &text)).map(ToOwned::to_owned));
        let conditions = found(&TOLD, &text).flat_map(|told| found(&CONDITION, told));
        told.extend(conditions.map(ToOwned::to_owned));
    }
    let documented = table(OPERATIONS, "| reason | on | type | what happened | alert |");
    let documented: BTreeSet<String> = documented.into_iter().flat_map(|row| code(row[0])).collect();
    assert_eq!(told, documented);
}

#[test]
fn a_line_is_read_field_by_field() {
    let text =
        r#"x => tracing::warn!(target: "audit", %error, a.b = f(c, "d, )"), e = ?g, h, "the message"), y"#;
    let Line { level, target, fields, message, .. } = lines_of("", text).remove(0);
    assert_eq!((&*level, target.as_deref(), &*message), ("warn", Some("audit"), "the message"));
    assert_eq!(fields, ["error", "a.b", "e", "h"]);
}

/// One place that logs.
struct Line {
    place: String,
    level: String,
    target: Option<String>,
    fields: Vec<String>,
    message: String,
}

fn lines() -> Vec<Line> {
    sources("src").iter().flat_map(|(place, text)| lines_of(place, text)).collect()
}

fn lines_of(place: &str, text: &str) -> Vec<Line> {
    let logs = LOGS.captures_iter(text);
    logs.map(|log| {
        let mut arguments = arguments(&text[log.get(0).unwrap().end()..]);
        let message = unquoted(&arguments.pop().unwrap()).expect("a message comes last").to_owned();
        let target = arguments.first().and_then(|first| unquoted(first.strip_prefix("target: ")?));
        let target = target.map(ToOwned::to_owned);
        let fields = arguments.iter().skip(usize::from(target.is_some()));
        let name =
            |field: &String| field.split(" = ").next().unwrap().trim_start_matches(['%', '?']).to_owned();
        let fields = fields.map(name).collect();
        Line { place: place.to_owned(), level: log[1].to_owned(), target, fields, message }
    })
    .collect()
}

/// The arguments of a call, of the text behind its parenthesis.
fn arguments(text: &str) -> Vec<String> {
    let (mut arguments, mut depth, mut is_quoted) = (vec![String::new()], 0, false);
    for c in text.chars() {
        match c {
            '"' => is_quoted = !is_quoted,
            '(' | '[' | '{' if !is_quoted => depth += 1,
            ')' if !is_quoted && depth == 0 => break,
            ')' | ']' | '}' if !is_quoted => depth -= 1,
            ',' if !is_quoted && depth == 0 => {
                arguments.push(String::new());
                continue;
            }
            _ => {}
        }
        arguments.last_mut().unwrap().push(c);
    }
    let arguments = arguments.iter().map(|argument| argument.trim().to_owned());
    arguments.filter(|argument| !argument.is_empty()).collect()
}

fn unquoted(text: &str) -> Option<&str> {
    text.strip_prefix('"')?.strip_suffix('"')
}

/// The code below a folder, without the tests that stand at the end of its files.
fn sources(folder: &str) -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = rust_files(&root.join(folder)).into_iter().filter(|file| !file.ends_with("documented.rs"));
    files
        .map(|file| {
            let text = fs::read_to_string(&file).unwrap();
            let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap().to_owned();
            (file.strip_prefix(root).unwrap().display().to_string(), code)
        })
        .collect()
}

/// The rows of the table with this header, cell by cell.
fn table<'d>(document: &'d str, header: &str) -> Vec<Vec<&'d str>> {
    let (_, below) = document.split_once(&format!("{header}\n")).expect(header);
    let rows = below.lines().skip(1).map_while(|line| line.strip_prefix("| "));
    rows.map(|row| row.split('|').map(str::trim).collect()).collect()
}

/// What stands between backticks.
fn code(text: &str) -> Vec<String> {
    found(&CODE, text).map(ToOwned::to_owned).collect()
}

fn found<'t>(what: &'t Regex, text: &'t str) -> impl Iterator<Item = &'t str> {
    what.captures_iter(text).map(|found| found.get(1).unwrap().as_str())
}
