//! What is printed: the machine, and a line a figure with its ratio, its target and the raw numbers.

use std::io::Write;

use tokio::process::Command;

use crate::Failed;
use crate::load::Counted;
use crate::stage::{Stage, run};
use crate::transfer::Memory;

/// The middle of some numbers.
pub fn median(numbers: impl Iterator<Item = f64>) -> f64 {
    let mut numbers: Vec<f64> = numbers.collect();
    numbers.sort_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied().unwrap_or(f64::NAN)
}

fn say(text: &str) {
    drop(writeln!(std::io::stdout(), "{text}"));
}

/// Says why there is no report.
pub fn complain(error: &Failed) {
    drop(writeln!(std::io::stderr(), "bench: {error}"));
}

/// The report, printed as it grows.
pub struct Report;

impl Report {
    /// Begins it with the machine.
    pub async fn begin(stage: &Stage) -> Result<Self, Failed> {
        let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = cpu.lines().find(|line| line.starts_with("model name")).and_then(|line| line.split(": ").nth(1)).unwrap_or("?").to_owned();
        let cores = std::thread::available_parallelism()?;
        let postgres = stage.sql("postgres", "show server_version").await?;
        let kernel = run(Command::new("uname").arg("-sr")).await?;
        say(&format!("# Benchmark\n\n{model}, {cores} cores, {}, Postgres {postgres}, everything on one machine.", kernel.trim()));
        say("Each pair is measured in turn; the ratio is the median of the rounds, the raw figures are ours / theirs.");
        Ok(Self)
    }

    /// A heading with the header of its table.
    pub fn section(&mut self, title: &str) {
        say(&format!("\n## {title}\n\n| what | against | ratio | wanted | raw |\n|---|---|---|---|---|"));
    }

    fn line(&self, what: &str, against: &str, ratio: f64, wanted: &str, raw: &str) {
        say(&format!("| {what} | {against} | {ratio:.2} | {wanted} | {raw} |"));
    }

    /// Rates of a load.
    pub fn rates(&mut self, what: &str, against: &str, measured: &[(Counted, Counted)], unit: &str, ratio: f64, wanted: &str) {
        let raw: Vec<_> = measured.iter().map(|(ours, theirs)| format!("{:.0} / {:.0}", ours.rate, theirs.rate)).collect();
        self.line(what, against, ratio, wanted, &format!("{} {unit}", raw.join(", ")));
    }

    /// Slowest hundredths of a load.
    pub fn tails(&mut self, what: &str, against: &str, measured: &[(Counted, Counted)], ratio: f64, wanted: &str) {
        let raw: Vec<_> = measured.iter().map(|(ours, theirs)| format!("{:.2} / {:.2}", ours.p99, theirs.p99)).collect();
        self.line(what, against, ratio, wanted, &format!("{} ms", raw.join(", ")));
    }

    /// Seconds of a file.
    pub fn times(&mut self, what: &str, against: &str, pairs: &[(f64, f64)], ratio: f64, wanted: &str) {
        let raw: Vec<_> = pairs.iter().map(|(ours, theirs)| format!("{ours:.2} / {theirs:.2}")).collect();
        self.line(what, against, ratio, wanted, &format!("{} s", raw.join(", ")));
    }

    /// Seconds of a re-division that moved so many rows.
    pub fn rehomed(&mut self, what: &str, against: &str, rows: f64, pairs: &[(f64, f64)]) {
        let raw: Vec<_> = pairs.iter().map(|(ours, theirs)| format!("{ours:.2} / {theirs:.2}")).collect();
        let (ratio, seconds) = (median(pairs.iter().map(|(ours, theirs)| ours / theirs)), median(pairs.iter().map(|(ours, _)| *ours)));
        self.line(what, against, ratio, "", &format!("{} s, {rows:.0} rows re-homed, {:.0} a second", raw.join(", "), rows / seconds));
    }

    /// Round trips of so many requests, and those of the server when it was asked nothing for as long.
    pub fn trips(&mut self, what: &str, requests: u32, counted: u32, idle: u32) {
        let each = f64::from(counted.saturating_sub(idle)) / f64::from(requests);
        let raw = format!("{counted} of {requests} requests, {idle} of the idle server in as long");
        self.line(what, "round trips to Postgres, counted between them", each, "<= 2", &raw);
    }

    /// Memory during a file.
    pub fn memory(&mut self, what: &str, memory: Memory, wanted: &str) {
        let Memory { most, middle, end } = memory;
        self.line(what, "its own second third", end / middle, wanted, &format!("most {most:.0} MiB; second third {middle:.0}, last third {end:.0}"));
    }
}
