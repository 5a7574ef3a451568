//! The table.

use std::{fmt, fs, path::PathBuf};

use super::parts::Measured;

/// What was measured, as it will be printed.
#[derive(Default)]
pub struct Report {
    lines: Vec<String>,
    failures: usize,
}

/// A line of the table.
pub enum Row {
    /// What is measured beside a floor.
    Ratio(Ratio),
    /// What has no floor: what was done, and how it went.
    Alone(String, String),
}

/// What is measured beside a floor.
pub struct Ratio {
    /// What is done.
    pub what: String,
    /// How fast it was.
    pub measured: String,
    /// What it is compared with.
    pub floor: String,
    /// What it is of that.
    pub ratio: f64,
    /// What is wanted.
    pub wanted: Wanted,
}

/// What a ratio should be.
#[derive(Clone, Copy)]
pub enum Wanted {
    /// As good as this share of the floor.
    AtLeast(f64),
    /// No dearer than so many times the floor.
    AtMost(f64),
    /// Nobody said.
    Anything,
}

impl Report {
    /// Takes what was measured of a part, and shows it at once.
    pub fn take(&mut self, part: &str, measured: Measured) {
        match measured {
            Ok(rows) => rows.iter().for_each(|row| self.line(row.to_string())),
            Err(reason) => {
                self.failures += 1;
                self.line(format!("| {part} | not measured: {reason} | | | | |"));
            }
        }
    }

    fn line(&mut self, line: String) {
        eprintln!("{line}");
        self.lines.push(line);
    }

    /// Whether everything could be measured.
    pub fn is_complete(&self) -> bool {
        self.failures == 0
    }

    /// Prints the table, and writes it to `target/bench/report.md`.
    pub fn publish(&self) {
        let folder = std::env::current_exe().expect("a program");
        let folder = folder.ancestors().nth(3).map_or_else(PathBuf::new, |target| target.join("bench"));
        println!("{self}");
        fs::create_dir_all(&folder).expect("a folder for the report");
        let file = folder.join("report.md");
        fs::write(&file, self.to_string()).expect("a report");
        eprintln!("It is in {} too.", file.display());
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| what | measured | floor | ratio | wanted | |")?;
        writeln!(f, "|---|---|---|---|---|---|")?;
        self.lines.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ratio(ratio) => ratio.fmt(f),
            Self::Alone(what, measured) => write!(f, "| {what} | {measured} | | | | |"),
        }
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, measured, floor, ratio, wanted } = self;
        let verdict = match wanted.is_met(*ratio) {
            Some(true) => "met",
            Some(false) => "missed",
            None => "",
        };
        write!(f, "| {what} | {measured} | {floor} | {ratio:.2} | {wanted} | {verdict} |")
    }
}

impl Wanted {
    fn is_met(self, ratio: f64) -> Option<bool> {
        match self {
            Self::AtLeast(least) => Some(ratio >= least),
            Self::AtMost(most) => Some(ratio <= most),
            Self::Anything => None,
        }
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtLeast(least) => write!(f, "≥ {least}"),
            Self::AtMost(most) => write!(f, "≤ {most}"),
            Self::Anything => Ok(()),
        }
    }
}
