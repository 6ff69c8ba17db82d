//! `make bench`: Linli beside the least that could do the same work, measured side by side in one run. Ratios
//! count; a lone time says something of the machine only. It never fails for being slow: it prints.

mod bare;
mod city;
mod figures;
mod load;
mod redivision;
mod relay;
mod report;
mod stage;
mod transfer;
mod trips;

use std::fmt;
use std::path::PathBuf;

use actix_web::ResponseError;
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::city::{households_of, key_of};
use crate::load::{Counted, Requests, pgbench, ratio};
use crate::report::{Report, median};
use crate::stage::{Server, Stage};

/// What went wrong, in words.
#[derive(Debug)]
pub struct Failed(pub String);

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl ResponseError for Failed {}

impl From<std::io::Error> for Failed {
    fn from(error: std::io::Error) -> Self {
        Self(error.to_string())
    }
}

impl From<tokio_postgres::Error> for Failed {
    fn from(error: tokio_postgres::Error) -> Self {
        Self(error.to_string())
    }
}

/// The benchmark.
#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Measure.
    Run(Measuring),
    /// Serve the bare handler, the yardstick.
    Bare {
        /// The database.
        #[arg(long)]
        url: String,
        /// The port.
        #[arg(long)]
        port: u16,
    },
}

/// What is measured, and how.
#[derive(Args)]
struct Measuring {
    /// The release build of Linli.
    #[arg(long)]
    linli: PathBuf,
    /// Seconds of each load.
    #[arg(long, default_value_t = 8)]
    seconds: u32,
    /// How often each pair is measured; the median counts.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// How many times the demo city the large one is; 1 leaves it out.
    #[arg(long, default_value_t = 10)]
    scale: u32,
    /// Measure these rows alone, separated by commas; all unless given.
    #[arg(long, value_enum, value_delimiter = ',', value_name = "ROWS")]
    only: Vec<Rows>,
}

impl Measuring {
    /// Whether some of these rows are measured.
    fn wants(&self, rows: &[Rows]) -> bool {
        rows.iter().any(|rows| (self.only.is_empty() || self.only.contains(rows)) && (self.scale > 1 || !LARGE.contains(rows)))
    }
}

/// Rows of the report that are measured together.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Rows {
    /// One object, a list, a signed token.
    Reads,
    /// A change of a household.
    Writes,
    /// Files of households in and out.
    Files,
    /// Statistics.
    Figures,
    /// Round trips to Postgres.
    Trips,
    /// A re-division of the whole city.
    Redivision,
    /// One object in the large city beside the small one.
    Growth,
    /// The files of the large city, and memory meanwhile.
    LargeFiles,
    /// Statistics of the large city.
    LargeFigures,
    /// A re-division of the whole large city.
    LargeRedivision,
}

/// Those of the large city.
const LARGE: [Rows; 4] = [Rows::Growth, Rows::LargeFiles, Rows::LargeFigures, Rows::LargeRedivision];

/// Connections of the reads.
const CONNECTIONS: u32 = 32;
/// Connections of the writes: more would only wait for the same disk.
const WRITERS: u32 = 16;
const IDS: &str = ".data/bench/ids";
const GRID_IDS: &str = ".data/bench/grid-ids";
const GRID_CODES: &str = ".data/bench/grid-codes";

#[actix_web::main]
async fn main() -> std::process::ExitCode {
    let done = match Cli::parse().command {
        Command::Bare { url, port } => bare::serve(url, port).await,
        Command::Run(measuring) => measure(&measuring).await,
    };
    match done {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            report::complain(&error);
            std::process::ExitCode::FAILURE
        }
    }
}

async fn measure(measuring: &Measuring) -> Result<(), Failed> {
    std::fs::create_dir_all(".data/bench")?;
    let stage = Stage::set(measuring.linli.clone()).await?;
    let mut report = Report::begin(&stage).await?;
    measure_small(&stage, &mut report, measuring).await?;
    measure_large(&stage, &mut report, measuring).await?;
    stage.strike().await
}

/// The city as it is, and what the large one is compared with.
async fn measure_small(stage: &Stage, report: &mut Report, measuring: &Measuring) -> Result<(), Failed> {
    let Measuring { seconds, rounds, .. } = *measuring;
    let wants = |rows: Rows| measuring.wants(&[rows]);
    if measuring.wants(&[Rows::Reads, Rows::Writes, Rows::Files, Rows::Growth]) {
        city::prepare(stage, "small", 1).await?;
        choose(stage, "small").await?;
    }
    if measuring.wants(&[Rows::Reads, Rows::Writes, Rows::Files, Rows::Figures, Rows::Trips, Rows::Redivision]) {
        report.section("scale 1: 255 grids, 98,400 households");
    }
    if wants(Rows::Reads) {
        reads(stage, report, seconds, rounds).await?;
    }
    if wants(Rows::Writes) {
        writes(stage, report, seconds, rounds).await?;
    }
    if wants(Rows::Files) {
        files(stage, report, rounds).await?;
    }
    if measuring.wants(&[Rows::Figures, Rows::Trips, Rows::Redivision]) {
        city::prepare_whole(stage, "whole", 1).await?;
    }
    if wants(Rows::Figures) {
        figures::measure(stage, report, "whole", seconds.min(2), rounds).await?;
    }
    if wants(Rows::Trips) {
        trips::five_basics(stage, report, "whole").await?;
    }
    if wants(Rows::Redivision) {
        redivision::measure(stage, report, "whole", rounds).await?;
    }
    forget(stage, &["written", "copied", "imported", "whole"]).await
}

/// The city many times over. Each of its databases takes gigabytes, so none is kept for longer than it is needed.
async fn measure_large(stage: &Stage, report: &mut Report, measuring: &Measuring) -> Result<(), Failed> {
    let Measuring { seconds, rounds, scale, .. } = *measuring;
    let wants = |rows: Rows| measuring.wants(&[rows]);
    if measuring.wants(&[Rows::Growth, Rows::LargeFiles]) {
        city::prepare(stage, "large", scale).await?;
    }
    if measuring.wants(&LARGE) {
        report.section(&format!("scale {scale} beside scale 1"));
    }
    if wants(Rows::Growth) {
        growth(stage, report, seconds, rounds).await?;
    }
    if wants(Rows::LargeFiles) {
        large_import(stage, report, scale).await?;
    }
    forget(stage, &["small", "small_empty", "large", "large_empty", "imported"]).await?;
    if measuring.wants(&[Rows::LargeFigures, Rows::LargeRedivision]) {
        city::prepare_whole(stage, "whole", scale).await?;
    }
    if wants(Rows::LargeFigures) {
        figures::measure(stage, report, "whole", seconds.min(2), rounds).await?;
    }
    if wants(Rows::LargeRedivision) {
        redivision::measure(stage, report, "whole", 1).await?;
    }
    Ok(())
}

async fn forget(stage: &Stage, databases: &[&str]) -> Result<(), Failed> {
    for name in databases {
        stage.remove(name).await?;
    }
    Ok(())
}

/// Some ids and codes to ask for, a line each.
async fn choose(stage: &Stage, database: &str) -> Result<(), Failed> {
    for (file, sql) in [
        (IDS, "select id from household order by md5(id::text) limit 100"),
        (GRID_IDS, "select id from grid order by md5(code) limit 200"),
        (GRID_CODES, "select code from grid order by md5(code) limit 200"),
    ] {
        std::fs::write(file, stage.sql(database, sql).await?)?;
    }
    Ok(())
}

fn get<'a>(port: u16, path: &'a str, key: &'a str, ids: &'a str, seconds: u32) -> Requests<'a> {
    Requests { port, method: "GET", path, body: "", key, ids, connections: CONNECTIONS, seconds }
}

/// Measures pairs in turn, so that whatever else the machine does meets both; a round before them, so that both are warm.
async fn pairs(rounds: usize, ours: &Requests<'_>, theirs: &Requests<'_>) -> Result<Vec<(Counted, Counted)>, Failed> {
    ours.send().await?;
    theirs.send().await?;
    let mut measured = Vec::new();
    for _ in 0..rounds {
        measured.push((ours.send().await?, theirs.send().await?));
    }
    Ok(measured)
}

async fn reads(stage: &Stage, report: &mut Report, seconds: u32, rounds: usize) -> Result<(), Failed> {
    let key = key_of("small")?;
    let (linli, bare) = (stage.serve("small", 18_101).await?, stage.serve_bare("small", 18_102).await?);
    let one = get(linli.port, "/v1/grids/ID", &key, GRID_IDS, seconds);
    let measured = pairs(rounds, &one, &get(bare.port, "/grids/ID", "", GRID_IDS, seconds)).await?;
    report.rates("GET /v1/grids/{id}, 32 connections", "bare handler", &measured, "requests/s", ratio(&measured), ">= 0.80");

    let today = stage.sql("small", "select (now() at time zone 'Asia/Shanghai')::date").await?;
    let (path, bare_path) = ("/v1/households?grid_code=ID&limit=50", format!("/households/ID/{today}"));
    let list = get(linli.port, path, &key, GRID_CODES, seconds);
    let measured = pairs(rounds, &list, &get(bare.port, &bare_path, "", GRID_CODES, seconds)).await?;
    report.rates("list of 50 households of a grid", "bare handler, same SQL", &measured, "requests/s", ratio(&measured), ">= 0.75");

    let token = token(stage, &linli, &key).await?;
    let measured = pairs(rounds, &get(linli.port, "/v1/grids/ID", &token, GRID_IDS, seconds), &one).await?;
    report.rates("GET with a signed token", "with an API key", &measured, "requests/s", 1.0 / ratio(&measured), "<= 1.05 times the time");
    linli.end().await?;
    bare.end().await
}

/// A client's access token.
async fn token(stage: &Stage, linli: &Server, key: &str) -> Result<String, Failed> {
    let id = stage.sql("small", "select id from api_key where name = 'bench'").await?;
    let mut curl = tokio::process::Command::new("curl");
    let url = format!("http://127.0.0.1:{}/v1/oauth/token", linli.port);
    let said = stage::run(curl.args(["-fsS", "-u", &format!("{id}:{key}"), "-d", "grant_type=client_credentials", &url])).await?;
    let answer: serde_json::Value = serde_json::from_str(&said).map_err(|error| Failed(format!("{error}: {said}")))?;
    let token = answer.get("access_token").and_then(serde_json::Value::as_str);
    token.map(ToOwned::to_owned).ok_or_else(|| Failed(format!("no token: {said}")))
}

async fn writes(stage: &Stage, report: &mut Report, seconds: u32, rounds: usize) -> Result<(), Failed> {
    stage.database("written", "small").await?;
    let key = key_of("small")?;
    let linli = stage.serve("written", 18_101).await?;
    let body = "{\"residents\": N}";
    let patch = Requests { port: linli.port, method: "PATCH", path: "/v1/households/ID", body, key: &key, ids: IDS, connections: WRITERS, seconds };
    Requests { seconds: 1, ..patch }.send().await?;
    let ids = std::fs::read_to_string(IDS)?;
    let ids: Vec<&str> = ids.lines().collect();
    let mut measured = Vec::new();
    for _ in 0..rounds {
        measured.push((patch.send().await?, pgbench(stage, "written", &ids, WRITERS, seconds).await?));
    }
    report.rates("PATCH of a household, 16 connections", "pgbench, same statements", &measured, "transactions/s", ratio(&measured), ">= 0.60");
    linli.end().await
}

async fn files(stage: &Stage, report: &mut Report, rounds: usize) -> Result<(), Failed> {
    let (key, file) = (key_of("small")?, households_of("small"));
    transfer::take_finished_rows(stage, "small").await?;
    let (mut first, mut again, mut out) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        stage.database("copied", "small_empty").await?;
        let copied = transfer::copy_finished_rows(stage, "copied").await?;
        stage.database("imported", "small_empty").await?;
        let server = stage.serve("imported", 18_101).await?;
        let (loaded, _) = transfer::import(&server, &key, &file).await?;
        let (repeated, _) = transfer::import(&server, &key, &file).await?;
        let (exported, bytes) = transfer::export(&server, &key).await?;
        server.end().await?;
        let copied_out = transfer::copy_out(stage, "imported").await?;
        first.push((loaded, copied));
        again.push((repeated, loaded));
        out.push((exported, copied_out));
        if bytes < 1_000_000 {
            return Err(Failed(format!("an export of {bytes} bytes")));
        }
    }
    let of = |pairs: &[(f64, f64)]| median(pairs.iter().map(|(ours, theirs)| theirs / ours));
    report.times("import of 98,400 households, journalled", "\\copy of the finished rows", &first, of(&first), ">= 0.75 of its rows/s");
    report.times("the same file again", "the first load", &again, 1.0 / of(&again), "<= 0.35 of its time");
    report.times("export of 98,400 households", "\\copy to stdout", &out, of(&out), ">= 0.50 of its rows/s");
    Ok(())
}

async fn growth(stage: &Stage, report: &mut Report, seconds: u32, rounds: usize) -> Result<(), Failed> {
    let (small, large) = (stage.serve("small", 18_101).await?, stage.serve("large", 18_103).await?);
    let (small_key, large_key) = (key_of("small")?, key_of("large")?);
    let ids_of = |name: &str| format!("{GRID_IDS}-{name}");
    for name in ["small", "large"] {
        std::fs::write(ids_of(name), stage.sql(name, "select id from grid order by md5(code) limit 200").await?)?;
    }
    let (small_ids, large_ids) = (ids_of("small"), ids_of("large"));
    let measured =
        pairs(rounds, &get(large.port, "/v1/grids/ID", &large_key, &large_ids, seconds), &get(small.port, "/v1/grids/ID", &small_key, &small_ids, seconds))
            .await?;
    let p99 = median(measured.iter().map(|(large, small)| large.p99 / small.p99));
    report.tails("p99 of GET /v1/grids/{id}", "the same at scale 1", &measured, p99, "<= 1.3 times");
    report.rates("GET /v1/grids/{id}", "the same at scale 1", &measured, "requests/s", ratio(&measured), "");
    small.end().await?;
    large.end().await
}

async fn large_import(stage: &Stage, report: &mut Report, scale: u32) -> Result<(), Failed> {
    let key = key_of("large")?;
    transfer::take_finished_rows(stage, "large").await?;
    stage.database("copied", "large_empty").await?;
    let copied = transfer::copy_finished_rows(stage, "copied").await?;
    stage.remove("copied").await?;
    stage.database("imported", "large_empty").await?;
    let server = stage.serve("imported", 18_101).await?;
    let (loaded, memory) = transfer::import(&server, &key, &households_of("large")).await?;
    let (repeated, _) = transfer::import(&server, &key, &households_of("large")).await?;
    let (exported, _) = transfer::export(&server, &key).await?;
    server.end().await?;
    let copied_out = transfer::copy_out(stage, "imported").await?;
    let what = format!("import of {} households", 98_400 * u64::from(scale));
    report.times(&what, "\\copy of the finished rows", &[(loaded, copied)], copied / loaded, "");
    report.times("the same file again", "the first load", &[(repeated, loaded)], repeated / loaded, "");
    report.times("export of the same", "\\copy to stdout", &[(exported, copied_out)], copied_out / exported, "");
    report.memory("resident memory during that import", memory, "< 200 MiB, flat");
    Ok(())
}
