//! Files in and out: Linli by curl, and psql's `\copy` of the same finished rows as the yardstick.

use std::time::{Duration, Instant};

use tokio::process::Command;

use crate::Failed;
use crate::stage::{Server, Stage, run};

/// The tables that an import of households fills, with the columns that are not made by the table itself.
const TABLES: [(&str, &str); 3] = [
    ("household", "id, code, grid_code, name, residents, valid_from, valid_to, source, ref, version, created_at, updated_at"),
    ("household_grid", "id, household_id, household_code, grid_code, valid_from, valid_to"),
    ("journal", "at, actor_id, actor_name, request_id, action, object_kind, object_id, area_code, former_area_code, version, reason, change, format"),
];

/// Seconds that something took.
pub async fn timed<T>(work: impl Future<Output = Result<T, Failed>>) -> Result<(T, f64), Failed> {
    let started = Instant::now();
    let done = work.await?;
    Ok((done, started.elapsed().as_secs_f64()))
}

/// Sends a file by one curl; returns the seconds, and the most and the last memory of the server in MiB.
pub async fn import(server: &Server, key: &str, file: &str) -> Result<(f64, Memory), Failed> {
    let url = format!("http://127.0.0.1:{}/v1/imports/households", server.port);
    let mut curl = Command::new("curl");
    curl.args(["-fsS", "-H", &format!("Authorization: Bearer {key}"), "-H", "Expect:", "--data-binary", &format!("@{file}"), &url]);
    let mut memory = Vec::new();
    let sending = timed(run(&mut curl));
    let mut sending = std::pin::pin!(sending);
    let (said, seconds) = loop {
        tokio::select! {
            done = &mut sending => break done?,
            () = tokio::time::sleep(Duration::from_millis(250)) => memory.push(server.resident()?),
        }
    };
    if !said.contains("\"committed\":true") || !said.contains("\"refused\":0") {
        return Err(Failed(format!("the import said: {said}")));
    }
    memory.push(server.resident()?);
    // What comes and goes between two looks counts as well.
    Ok((seconds, Memory { most: server.peak()?, ..Memory::of(&memory) }))
}

/// Memory while something went on, in MiB.
#[derive(Clone, Copy, Debug)]
pub struct Memory {
    /// The most since the server began.
    pub most: f64,
    /// The most in the second third.
    pub middle: f64,
    /// The most in the last third.
    pub end: f64,
}

impl Memory {
    fn of(samples: &[f64]) -> Self {
        let most = |samples: &[f64]| samples.iter().copied().fold(0.0, f64::max);
        let third = samples.len() / 3;
        Self { most: most(samples), middle: most(samples.get(third..2 * third).unwrap_or_default()), end: most(samples.get(2 * third..).unwrap_or_default()) }
    }
}

/// Fetches all households by one curl; returns the seconds and the bytes.
pub async fn export(server: &Server, key: &str) -> Result<(f64, u64), Failed> {
    let url = format!("http://127.0.0.1:{}/v1/exports/households.csv", server.port);
    let mut curl = Command::new("curl");
    let fetch = run(curl.args(["-fsS", "-H", &format!("Authorization: Bearer {key}"), "-o", ".data/bench/export.csv", &url]));
    let (_, seconds) = timed(fetch).await?;
    Ok((seconds, std::fs::metadata(".data/bench/export.csv")?.len()))
}

/// The same columns by psql; returns the seconds.
pub async fn copy_out(stage: &Stage, database: &str) -> Result<f64, Failed> {
    let columns = "code, building_code, grid_code, name, residents, valid_from, source, ref";
    let copy = format!("\\copy (select {columns} from household order by code) to '.data/bench/copy.csv' with (format csv, header)");
    Ok(timed(stage.sql(database, &copy)).await?.1)
}

/// Takes what an import has written out of a database, as files of finished rows.
pub async fn take_finished_rows(stage: &Stage, database: &str) -> Result<(), Failed> {
    for (table, columns) in TABLES {
        let of = if table == "journal" { " where object_kind = 'household'" } else { "" };
        stage.sql(database, &format!("\\copy (select {columns} from {table}{of}) to '.data/bench/{table}.csv' with (format csv)")).await?;
    }
    Ok(())
}

/// Copies the finished rows into a database that has none, as one transaction; returns the seconds.
pub async fn copy_finished_rows(stage: &Stage, database: &str) -> Result<f64, Failed> {
    let copies = TABLES.iter().map(|(table, columns)| format!("\\copy {table} ({columns}) from '.data/bench/{table}.csv' with (format csv)"));
    let script = [vec!["begin;".to_owned()], copies.collect(), vec!["commit;".to_owned()]].concat().join("\n");
    std::fs::write(".data/bench/copy.sql", script)?;
    let url = stage.url(database);
    let mut psql = Command::new("psql");
    let copy = run(psql.args(["-qX", "-v", "ON_ERROR_STOP=1", "-d", &url, "-f", ".data/bench/copy.sql"]));
    Ok(timed(copy).await?.1)
}
