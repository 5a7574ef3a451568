//! What the system knows of a process. Elsewhere than on Linux that is only how large it is.

use std::{fs, process::Command, time::Duration};

/// The time that a process has spent on processors.
pub fn cpu(pid: u32) -> Option<Duration> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // After the name, which may contain anything; in hundredths of a second on every architecture.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |field: usize| fields.get(field)?.parse::<u64>().ok();
    Some(Duration::from_millis(10 * (ticks(11)? + ticks(12)?)))
}

/// How much of it is in memory, in MiB.
pub fn resident(pid: u32) -> f64 {
    let size = Command::new("ps").args(["-o", "rss=", "-p", &pid.to_string()]).output().expect("ps runs");
    let size: f64 = String::from_utf8_lossy(&size.stdout).trim().parse().expect("the process is running");
    size / 1024.0
}

/// The most that has been in memory, in MiB.
pub fn peak(pid: u32) -> Option<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<f64>().ok()? / 1024.0)
}
