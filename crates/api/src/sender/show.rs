//! What the sender shows: results on standard output, progress on standard error, as a bar where a person looks on.

use std::io::{IsTerminal, Write, stderr, stdout};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;

/// How often progress is told where it is not drawn.
const EVERY: Duration = Duration::from_secs(5);
/// Rows at fault that are shown; all of them are in the file.
pub const SHOWN: usize = 20;

/// A result.
pub fn say(text: &str) {
    drop(writeln!(stdout(), "{text}"));
}

/// Something else that a person should know.
pub fn tell(text: &str) {
    drop(writeln!(stderr(), "{text}"));
}

/// The progress of one file.
pub struct Progress {
    name: String,
    bar: Option<ProgressBar>,
    told: Instant,
}

impl Progress {
    /// A file of so many bytes begins to be sent.
    pub fn start(name: &str, bytes: u64) -> Self {
        let bar = stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{prefix} {bar:30} {bytes}/{total_bytes} {bytes_per_sec} {msg}");
            ProgressBar::new(bytes).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar())).with_prefix(name.to_owned())
        });
        if bar.is_none() && bytes > 0 {
            tell(&format!("{name}: sending {bytes} bytes"));
        }
        Self { name: name.to_owned(), bar, told: Instant::now() }
    }

    /// The bar of bytes, for those who count them.
    pub fn bar(&self) -> Option<ProgressBar> {
        self.bar.clone()
    }

    /// Says what goes on.
    pub fn note(&mut self, text: &str) {
        match &self.bar {
            Some(bar) => bar.set_message(text.to_owned()),
            None => tell(&format!("{}: {text}", self.name)),
        }
    }

    /// Says how far a job has come.
    pub fn job(&mut self, job: &Value) {
        let number = |name: &str| job.get(name).and_then(Value::as_i64).unwrap_or(0);
        let state = job.get("state").and_then(Value::as_str).unwrap_or_default();
        let text = format!("{state}: {} rows read, {} refused, {}/s", number("rows_read"), number("rows_refused"), number("rows_per_second"));
        match &self.bar {
            Some(bar) => bar.set_message(text),
            None if self.told.elapsed() >= EVERY => {
                self.told = Instant::now();
                tell(&format!("{}: {text}", self.name));
            }
            None => {}
        }
    }

    /// The file is done.
    pub fn end(self) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }
}

/// What came of a file, in a line: its run as the server tells it.
pub fn counts(name: &str, run: &Value) -> String {
    let number = |name: &str| run.get(name).and_then(Value::as_i64).unwrap_or(0);
    let kept = if run.get("committed").and_then(Value::as_bool) == Some(true) { "" } else { "; nothing was kept" };
    let rows = number("rows_read");
    format!(
        "{name}: {rows} rows: {} new, {} changed, {} unchanged, {} refused{kept}",
        number("created"),
        number("changed"),
        number("unchanged"),
        number("refused"),
    )
}

/// Rows at fault as a table, a fault a line.
pub fn table(failures: &[Value]) -> String {
    let text = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let faults = failures.iter().take(SHOWN).flat_map(|row| {
        let line = row.get("line").and_then(Value::as_i64).unwrap_or(0);
        let faults = row.get("faults").and_then(Value::as_array).into_iter().flatten();
        faults.map(move |fault| (line, text(fault, "field"), text(fault, "message"))).collect::<Vec<_>>()
    });
    let faults: Vec<_> = faults.collect();
    let width = faults.iter().map(|(_, field, _)| field.chars().count()).max().unwrap_or(0);
    faults.iter().map(|(line, field, message)| format!("\n  {line:>7}  {field:<width$}  {message}")).collect()
}
