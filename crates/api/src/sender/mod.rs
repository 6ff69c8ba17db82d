//! `linli import`: sends files to a server, in the order in which they must be loaded, and tells what came of them.

mod bundle;
mod line;
mod plan;
mod show;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use chrono::NaiveDate;
use clap::{Args, ValueEnum};
use platform::import_run::ImportMode;

use self::bundle::Bundle;
use self::line::{Line, Outcome, Trouble};
use self::plan::Planned;
use self::show::{say, tell};

/// What `linli import --help` says at its end.
pub const HELP: &str = "\
The resource of a file stands in its name: grids.csv, 03-grids.csv, grids-2026.xlsx, 网格.csv. A folder is sent in the
order of the resources, subdistricts first; in it, files with other endings than csv, tsv, txt, ndjson, jsonl and xlsx
are left alone, and so are files of failed rows (NAME.failed.csv).

The rows at fault of NAME.csv are written to NAME.failed.csv beside it, in the original columns, to be mended and sent
again. A request whose answer is lost is repeated under the same Idempotency-Key, so no row is entered twice.

With --bundle the files go as one zip, in one transaction: under --mode atomic all of them are kept or none, and a dry run
finds what the files before it bring. A single .zip is sent as it is; the names in it say what its files are. A bundle is
imported at once, so it may be no larger than the server takes so (IMPORT_INLINE_BYTES, 32 MiB unless it says otherwise).

Exit code:
  0  all rows are in
  1  rows or whole files were refused: mend them and send them again
  2  the command line, or the name of a file, is not understood; nothing was sent
  3  the server cannot be reached, or does not let this key do this
";

/// All rows are in.
const ALL_IN: u8 = 0;
/// Rows, or whole files, were refused.
const REFUSED: u8 = 1;
/// The command line is not understood.
const USAGE: u8 = 2;
/// There is no server, or it refuses the caller.
const NO_SERVER: u8 = 3;

/// What is sent, where to, and how it is imported.
#[derive(Args)]
pub struct Sending {
    /// Files, or folders of files; with --bundle also one zip.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Address of the server.
    #[arg(long, env = "LINLI_SERVER", default_value = "http://127.0.0.1:8080", value_name = "URL")]
    server: String,
    /// The API key; better given by the environment, where other users of the machine do not see it.
    #[arg(long, env = "LINLI_KEY", hide_env_values = true, value_name = "KEY")]
    key: String,
    /// Send all of it as one bundle: all files in one request and one transaction.
    #[arg(long)]
    bundle: bool,
    /// What the rows are, where names of files do not say it: grids, or 网格.
    #[arg(long, value_name = "RESOURCE")]
    resource: Option<String>,
    /// What becomes of the good rows of a file if others are at fault.
    #[arg(long, value_enum, default_value_t = Mode::Atomic)]
    mode: Mode,
    /// The day on which new rows begin and households move; today unless given.
    #[arg(long, value_name = "DAY")]
    effective_on: Option<NaiveDate>,
    /// For how many seconds a server that is busy or away is tried again.
    #[arg(long, default_value_t = 300, value_name = "SECONDS")]
    patience: u64,
}

/// What becomes of the good rows of a file.
#[derive(Clone, Copy, ValueEnum)]
enum Mode {
    /// All rows of a file or none, of a bundle all files or none; the first file that is refused ends the command.
    Atomic,
    /// The good rows are kept.
    BestEffort,
    /// Nothing is kept. (So a file finds nothing of the files before it, but in a bundle.)
    DryRun,
}

impl From<Mode> for ImportMode {
    fn from(mode: Mode) -> Self {
        match mode {
            Mode::Atomic => Self::Atomic,
            Mode::BestEffort => Self::BestEffort,
            Mode::DryRun => Self::DryRun,
        }
    }
}

/// What goes out.
enum Load {
    /// File after file.
    Files(Vec<Planned>),
    /// All at once.
    Bundle(Bundle),
}

impl Load {
    fn of(sending: &Sending) -> Result<Self, String> {
        let resource = sending.resource.as_deref();
        if sending.bundle { Bundle::of(&sending.files, resource).map(Self::Bundle) } else { plan::plan(&sending.files, resource).map(Self::Files) }
    }
}

/// Sends the files; the exit code says what came of it.
pub async fn send(sending: Sending) -> ExitCode {
    let load = match Load::of(&sending) {
        Ok(load) => load,
        Err(fault) => {
            tell(&format!("linli import: {fault}"));
            return USAGE.into();
        }
    };
    let line = match Line::open(&sending.server, &sending.key, sending.mode.into(), sending.effective_on, Duration::from_secs(sending.patience)) {
        Ok(line) => line,
        Err(fault) => {
            tell(&format!("linli import: {fault}"));
            return USAGE.into();
        }
    };
    if let Err(Trouble(fault)) = line.greet().await {
        tell(&format!("linli import: {}: {fault}", sending.server));
        return NO_SERVER.into();
    }
    match load {
        Load::Files(files) => send_files(&line, &files, sending.mode).await,
        Load::Bundle(bundle) => send_bundle(&line, &bundle).await,
    }
}

/// Sends one file after the other.
async fn send_files(line: &Line, files: &[Planned], mode: Mode) -> ExitCode {
    let mut code = ALL_IN;
    for file in files {
        match line.send(file).await {
            Ok(Outcome::AllIn(said)) => say(&said),
            Ok(Outcome::Refused(said)) => {
                say(&said);
                code = REFUSED;
                if matches!(mode, Mode::Atomic) {
                    tell("nothing after this file was sent, for it may need what this file was to bring");
                    break;
                }
            }
            Err(Trouble(fault)) => {
                tell(&format!("linli import: {}: {fault}", file.path.display()));
                return NO_SERVER.into();
            }
        }
    }
    code.into()
}

/// Sends all of it at once.
async fn send_bundle(line: &Line, bundle: &Bundle) -> ExitCode {
    match bundle.send(line).await {
        Ok(Outcome::AllIn(said)) => {
            say(&said);
            ALL_IN.into()
        }
        Ok(Outcome::Refused(said)) => {
            say(&said);
            REFUSED.into()
        }
        Err(Trouble(fault)) => {
            tell(&format!("linli import: {fault}"));
            NO_SERVER.into()
        }
    }
}
