//! What the runs stand on: the cluster, databases made from one another, servers that end with their owner.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use crate::Failed;

/// Runs a command and returns what it printed; fails with what it complained of.
pub async fn run(command: &mut Command) -> Result<String, Failed> {
    let output = command.stdin(Stdio::null()).kill_on_drop(true).output().await.map_err(|error| Failed(format!("{command:?}: {error}")))?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() { Ok(said) } else { Err(Failed(format!("{command:?}: {said}{}", String::from_utf8_lossy(&output.stderr)))) }
}

/// The cluster of the benchmark, durable as a city's is.
pub struct Stage {
    /// URL of its own database, without a name.
    url: String,
    /// The release build of Linli.
    pub linli: PathBuf,
}

impl Stage {
    /// Starts the cluster.
    pub async fn set(linli: PathBuf) -> Result<Self, Failed> {
        let url = run(Command::new("scripts/cluster").args(["start", ".data/bench"])).await?;
        let url = url.trim().strip_suffix("/linli").ok_or_else(|| Failed(format!("no URL: {url}")))?.to_owned();
        Ok(Self { url, linli })
    }

    /// Stops the cluster and forgets it.
    pub async fn strike(&self) -> Result<(), Failed> {
        run(Command::new("scripts/cluster").args(["stop", ".data/bench"])).await?;
        run(Command::new("scripts/cluster").args(["remove", ".data/bench"])).await?;
        Ok(())
    }

    /// The URL of a database.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        format!("{}/{database}", self.url)
    }

    /// Runs SQL in a database; returns what it answers, unaligned.
    pub async fn sql(&self, database: &str, sql: &str) -> Result<String, Failed> {
        let answer = run(Command::new("psql").args(["-qAtX", "-v", "ON_ERROR_STOP=1", "-d", &self.url(database), "-c", sql])).await?;
        Ok(answer.trim().to_owned())
    }

    /// Makes a database, from another one or empty.
    pub async fn database(&self, name: &str, like: &str) -> Result<(), Failed> {
        self.sql("postgres", &format!("drop database if exists {name}")).await?;
        self.sql("postgres", &format!("create database {name} template {like}")).await?;
        Ok(())
    }

    /// Runs the command line of Linli on a database.
    pub async fn linli(&self, database: &str, arguments: &[&str]) -> Result<String, Failed> {
        let mut command = Command::new(&self.linli);
        let said = run(command.args(arguments).env("DATABASE_URL", self.url(database)).env("MODE", "demo").env("LOG", "warn")).await?;
        Ok(said.trim().to_owned())
    }

    /// Starts Linli on a database, as a city would: a log line for each request, into a file.
    pub async fn serve(&self, database: &str, port: u16) -> Result<Server, Failed> {
        let log = std::fs::File::create(".data/bench/linli.log")?;
        let mut command = Command::new(&self.linli);
        command.arg("serve").env("DATABASE_URL", self.url(database)).env("MODE", "demo").env("PORT", port.to_string()).env("LOG_FORMAT", "json");
        // What a limit refuses would count as answered.
        command.env("RATE_LIMIT_READS", "0").env("RATE_LIMIT_WRITES", "0").env("RATE_LIMIT_IMPORTS", "0");
        // Large files too are answered at once, so that the time of the answer is the time of the work.
        command.env("IMPORT_INLINE_BYTES", "1073741824").stderr(log);
        Server::start(command, port).await
    }

    /// Starts the bare handler on a database.
    pub async fn serve_bare(&self, database: &str, port: u16) -> Result<Server, Failed> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["bare", "--url", &self.url(database), "--port", &port.to_string()]);
        Server::start(command, port).await
    }
}

/// A server, until it is dropped.
pub struct Server {
    child: Child,
    /// Where it listens.
    pub port: u16,
}

impl Server {
    async fn start(mut command: Command, port: u16) -> Result<Self, Failed> {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).kill_on_drop(true).spawn()?;
        let deadline = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            if let Some(status) = child.try_wait()? {
                return Err(Failed(format!("{command:?} ended: {status}")));
            }
            if Instant::now() > deadline {
                return Err(Failed(format!("{command:?} does not listen")));
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(Self { child, port })
    }

    /// Ends it, so that nothing of it is left when the next one starts.
    pub async fn end(mut self) -> Result<(), Failed> {
        self.child.kill().await?;
        Ok(())
    }

    /// Its resident memory in MiB.
    pub fn resident(&self) -> Result<f64, Failed> {
        let pid = self.child.id().ok_or_else(|| Failed("the server has ended".to_owned()))?;
        let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).and_then(|line| line.split_whitespace().nth(1));
        let kilobytes: f64 = line.and_then(|number| number.parse().ok()).ok_or_else(|| Failed("no VmRSS".to_owned()))?;
        Ok(kilobytes / 1024.0)
    }
}
