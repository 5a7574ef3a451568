//! Holds what the files of every layer name against the table of layers in `docs/ARCHITECTURE.md`.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use regex::Regex;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const ARCHITECTURE: &str = include_str!("../docs/ARCHITECTURE.md");

/// Where a path begins that may reach the root of the crate.
static START: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\b(?:crate::|(?:super::)+)").unwrap());
static INLINE_MODULE: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"(?m)^mod \w+ \{").unwrap());
/// What a use tree is made of; a comment, a space and a new name mean nothing.
static TOKEN: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"//.*|\s+(?:as \w+)?|\w+|::|(?s:.)").unwrap());

#[test]
fn every_layer_names_only_what_its_row_allows() {
    let table = table(ARCHITECTURE);
    let mut wrong = Vec::new();
    for folder in children(&Path::new(ROOT).join("src")).into_iter().filter(|child| child.is_dir()) {
        let layer = folder.file_name().unwrap().to_str().unwrap();
        let Some(allowed) = table.get(layer) else {
            wrong.push(format!("src/{layer}/ has no row"));
            continue;
        };
        for file in rust_files(&folder) {
            let name = file.strip_prefix(ROOT).unwrap();
            for Named { line, path } in named(&fs::read_to_string(&file).unwrap(), depth(name)) {
                if !within(&path, layer) && !allowed.iter().any(|allowed| within(&path, allowed)) {
                    wrong.push(format!(
                        "{}:{line}: {layer} names {path}, and may name {allowed:?}",
                        name.display()
                    ));
                }
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "\n{}\nThe table is in docs/ARCHITECTURE.md. Move the code to the layer where it belongs, or hand it what it needs.",
        wrong.join("\n")
    );
}

#[test]
fn every_room_of_access_names_only_those_before_it() {
    let access = Path::new(ROOT).join("src/access");
    let listed = rooms(ARCHITECTURE);
    let mut there: Vec<_> = children(&access).into_iter().filter(|child| child.is_dir()).collect();
    there.retain(|room| !room.ends_with("tests"));
    assert_eq!(there.len(), listed.len(), "docs/ARCHITECTURE.md lists {listed:?}");
    let mut wrong = Vec::new();
    for (number, room) in listed.iter().enumerate() {
        for file in rust_files(&access.join(room)) {
            let name = file.strip_prefix(ROOT).unwrap();
            for Named { line, path } in named(&fs::read_to_string(&file).unwrap(), depth(name) - 1) {
                let path = path.strip_prefix("access::").unwrap_or(&path);
                if listed[number + 1..].iter().any(|later| within(path, later)) {
                    wrong.push(format!("{}:{line}: {room} names {path}", name.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}\nThe order is in docs/ARCHITECTURE.md.", wrong.join("\n"));
}

#[test]
fn a_row_says_what_its_layer_may_name() {
    let table = table(
        "| `src/scim/` | pure | – |\n| `src/access/` | who | scim directory::view |\n| `src/cli/` | all | everything |",
    );
    assert_eq!(table["scim"], [""; 0]);
    assert_eq!(table["access"], ["scim", "directory::view"]);
    assert_eq!(table["cli"], ["scim", "access", "cli"]);
}

#[test]
fn a_grouped_import_is_read_as_its_branches() {
    let text = "use crate::{\n    api::{self, names::GROUP},\n    directory::view::{Id, // of a person\n        User as Person},\n    ops as o,\n};\nuse std::fmt;";
    let expected =
        ["1 api::self", "1 api::names::GROUP", "1 directory::view::Id", "1 directory::view::User", "1 ops"];
    assert_eq!(shown(text), expected);
}

#[test]
fn a_path_counts_wherever_it_stands() {
    let text = "/// See [key](crate::scim::key::key).\npub(in crate::api) fn f(a: &crate::ops::Clock, b: crate::cli::B) -> crate::api::T {\n    crate::scim::g(other_crate::h)\n}\nuse crate::*;";
    let expected = ["1 scim::key::key", "2 api", "2 ops::Clock", "2 cli::B", "2 api::T", "3 scim::g", "5 *"];
    assert_eq!(shown(text), expected);
}

#[test]
fn a_path_through_super_counts_once_it_leaves_its_layer() {
    let text = "use super::mode::Mode;\nuse super::super::ops;\nmod tests {\n    use super::super::key;\n    use super::super::super::cli::Cli;\n}";
    assert_eq!(shown(text), ["2 ops", "5 cli::Cli"]);
}

/// What each layer may name, itself aside: the last column of its row.
fn table(markdown: &str) -> BTreeMap<String, Vec<String>> {
    let row = Regex::new(r"(?m)^\| `src/(\w+)/` \|.*\| (.+) \|$").unwrap();
    let rows: Vec<_> = row.captures_iter(markdown).map(|row| row.extract::<2>().1).collect();
    let allowed = |column: &str| match column {
        "–" => Vec::new(),
        "everything" => rows.iter().map(|[layer, _]| (*layer).to_owned()).collect(),
        layers => layers.split(' ').map(str::to_owned).collect(),
    };
    rows.iter().map(|[layer, column]| ((*layer).to_owned(), allowed(column))).collect()
}

/// The rooms of `src/access/` in their order: the names of the list that the document makes of them.
fn rooms(markdown: &str) -> Vec<&str> {
    let list = markdown.split("\n## ").find(|section| section.starts_with("The rooms of access")).unwrap();
    let item = Regex::new(r"(?m)^\d+\. `(\w+)`").unwrap();
    item.captures_iter(list).map(|item| item.extract::<1>().1[0]).collect()
}

/// A path from the crate's root, and the line where it begins.
struct Named {
    line: usize,
    path: String,
}

/// Every path of a file's text that begins at the root of the crate. Links in documentation count: readers
/// follow them. `depth` is how many modules stand between the root and the file's items.
fn named(text: &str, depth: usize) -> Vec<Named> {
    let mut named = Vec::new();
    for root in START.find_iter(text) {
        let before = &text[..root.start()];
        let supers = root.as_str().matches("super").count();
        if supers == 0 || supers >= depth + usize::from(INLINE_MODULE.is_match(before)) {
            let line = before.matches('\n').count() + 1;
            named.extend(branches(&text[root.end()..]).into_iter().map(|path| Named { line, path }));
        }
    }
    named
}

/// The branches of a use tree (`a::{b, c::d}` is `a::b` and `a::c::d`), or the one path of other code.
fn branches(tree: &str) -> Vec<String> {
    let (mut branches, mut path) = (Vec::new(), String::new());
    let mut groups: Vec<String> = Vec::new();
    for token in TOKEN.find_iter(tree).map(|token| token.as_str()) {
        match token {
            "{" if path.is_empty() || path.ends_with("::") => groups.push(path.clone()),
            "," | "}" if !groups.is_empty() => {
                branches.push(std::mem::take(&mut path));
                if token == "}" {
                    groups.pop();
                }
                path.extend(groups.last().cloned());
            }
            "::" | "*" => path.push_str(token),
            word if word.starts_with(|c: char| c.is_alphanumeric() || c == '_') => path.push_str(word),
            _ if !groups.is_empty() => {}
            _ => break,
        }
    }
    branches.push(path);
    branches.retain(|path| !path.is_empty() && !path.ends_with("::"));
    branches
}

/// Whether a path is this module or stands in it.
fn within(path: &str, module: &str) -> bool {
    path.strip_prefix(module).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// How many modules stand between the crate's root and the items of a file such as `src/scim/key.rs`.
fn depth(file: &Path) -> usize {
    file.components().count() - if file.ends_with("mod.rs") { 2 } else { 1 }
}

pub(crate) fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let (folders, files): (Vec<_>, Vec<_>) = children(folder).into_iter().partition(|child| child.is_dir());
    let rust = files.into_iter().filter(|file| file.extension().is_some_and(|extension| extension == "rs"));
    rust.chain(folders.iter().flat_map(|folder| rust_files(folder))).collect()
}

fn children(folder: &Path) -> Vec<PathBuf> {
    let mut children: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    children.sort();
    children
}

/// What a file such as `src/scim/key.rs` with this text names.
fn shown(text: &str) -> Vec<String> {
    named(text, 2).into_iter().map(|Named { line, path }| format!("{line} {path}")).collect()
}
