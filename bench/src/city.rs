//! The demo city in databases: its areas and households, as a city would load them, and the whole of it.

use tokio::process::Command;

use crate::Failed;
use crate::stage::{Stage, run};
use crate::transfer;

/// What is loaded before the households, in this order.
const AREAS: [&str; 6] = ["01-subdistricts", "02-communities", "03-grids", "04-compounds", "05-compound-grids", "06-buildings"];

/// A database with the areas and the households of the demo city, and beside it one that lacks the households.
pub async fn prepare(stage: &Stage, name: &str, scale: u32) -> Result<(), Failed> {
    stage.database(name, "template1").await?;
    stage.linli(name, &["migrate"]).await?;
    let folder = format!(".data/bench/city-{name}");
    stage.linli(name, &["demo", "write", &folder, "--scale", &scale.to_string()]).await?;
    let key = make_key(stage, name).await?;
    // Through a server, as a city would.
    let server = stage.serve(name, 18_101).await?;
    for resource in AREAS {
        let (_, table) = resource.split_at(3);
        let url = format!("http://127.0.0.1:18101/v1/imports/{table}?effective_on=2022-11-25");
        let file = format!("@{folder}/{resource}.csv");
        let mut curl = Command::new("curl");
        run(curl.args(["-fsS", "-H", &format!("Authorization: Bearer {key}"), "--data-binary", &file, &url])).await?;
    }
    server.end().await?;
    stage.sql(name, "vacuum analyze").await?;
    stage.database(&format!("{name}_empty"), name).await?;
    let server = stage.serve(name, 18_101).await?;
    transfer::import(&server, &key, &households_of(name)).await?;
    server.end().await?;
    stage.settle(name).await
}

/// A database with everything that the demo city has.
pub async fn prepare_whole(stage: &Stage, name: &str, scale: u32) -> Result<(), Failed> {
    stage.database(name, "template1").await?;
    stage.linli(name, &["migrate"]).await?;
    stage.linli(name, &["demo", "load", "--scale", &scale.to_string()]).await?;
    make_key(stage, name).await?;
    stage.settle(name).await
}

/// Makes a key that may do everything, and keeps it.
async fn make_key(stage: &Stage, name: &str) -> Result<String, Failed> {
    let key = stage.linli(name, &["key", "create", "--name", "bench", "--permission", "*"]).await?;
    std::fs::write(format!(".data/bench/key-{name}"), &key)?;
    Ok(key)
}

/// The key of a database.
pub fn key_of(name: &str) -> Result<String, Failed> {
    Ok(std::fs::read_to_string(format!(".data/bench/key-{name}"))?)
}

/// The file of its households.
pub fn households_of(name: &str) -> String {
    format!(".data/bench/city-{name}/07-households.csv")
}
