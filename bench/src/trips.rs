//! How often Linli goes to Postgres and back for one answer: counted, not read from the code.

use std::time::Instant;

use tokio::process::Command;

use crate::Failed;
use crate::city::key_of;
use crate::relay::Relay;
use crate::report::Report;
use crate::stage::{Server, Stage, run};

/// Requests that are counted, and those before them, which prepare what is prepared once a connection.
const REQUESTS: u32 = 2_000;
const WARM: u32 = 100;

/// Counts the round trips of the five basics of one compound, on a database with the whole demo city.
pub async fn five_basics(stage: &Stage, report: &mut Report, name: &str) -> Result<(), Failed> {
    let key = key_of(name)?;
    let id = stage.sql(name, "select id from compound order by md5(code) limit 1").await?;
    let relay = Relay::open(stage.socket()?, 18_110).await?;
    // One thread and one connection: what is prepared once on each is prepared once.
    let server = stage.serve_at(&relay.url(name), 18_101, &[("DATABASE_POOL", "1"), ("WORKERS", "1")]).await?;
    let path = format!("/v1/compounds/{id}/five-basics");
    ask(&server, &key, &path, WARM).await?;
    let (before, started) = (relay.trips(), Instant::now());
    ask(&server, &key, &path, REQUESTS).await?;
    let after = relay.trips();
    // What the server does by itself it does now as well; it is no part of the answers.
    tokio::time::sleep(started.elapsed()).await;
    let idle = relay.trips() - after;
    server.end().await?;
    report.trips("GET /v1/compounds/{id}/five-basics", REQUESTS, after - before, idle);
    Ok(())
}

/// Asks for the same so many times, one after the other on one connection.
async fn ask(server: &Server, key: &str, path: &str, times: u32) -> Result<(), Failed> {
    // A fragment is not sent: to curl these are so many addresses, to the server one.
    let url = format!("http://127.0.0.1:{}{path}#[1-{times}]", server.port);
    let mut curl = Command::new("curl");
    let said = run(curl.args(["-sS", "-o", "/dev/null", "-w", "%{http_code}\\n", "-H", &format!("Authorization: Bearer {key}"), &url])).await?;
    match said.lines().find(|status| *status != "200") {
        None => Ok(()),
        Some(status) => Err(Failed(format!("GET {path} was answered {status}"))),
    }
}
