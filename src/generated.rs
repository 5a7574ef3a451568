//! Holds the files that are made from the code against the code.

use std::{collections::BTreeMap, ffi::OsString, fs, path::Path};

use clap::Parser;

use crate::{cli::Cli, scim::mode};

#[test]
fn the_definitions_in_crds_are_those_of_the_types() {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().to_str().unwrap();
    Cli::parse_from(["scim-operator", "crds", "--output", output]).run().unwrap();
    let (made, kept) = (files(folder.path()), files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("crds")));
    for name in made.keys().chain(kept.keys()) {
        assert!(made.get(name) == kept.get(name), "crds/{} is out of date: run `make crds`", name.display());
    }
}

#[test]
fn the_modes_in_the_documentation_are_those_of_the_code() {
    let table = mode::table();
    assert!(
        include_str!("../docs/SCIM.md").contains(&table),
        "the table of modes in docs/SCIM.md is out of date: replace it by\n\n{table}"
    );
}

/// The files of a folder, by name.
fn files(folder: &Path) -> BTreeMap<OsString, String> {
    let entries = fs::read_dir(folder).unwrap().map(Result::unwrap);
    entries.map(|entry| (entry.file_name(), fs::read_to_string(entry.path()).unwrap())).collect()
}
