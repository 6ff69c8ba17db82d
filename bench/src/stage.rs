//! What the runs stand on: the cluster, databases made from one another, servers that end with their owner.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use crate::Failed;

/// How often it is looked whether a database has settled, and for how long at the most.
const LOOK: Duration = Duration::from_secs(3);
const LOOKS: u32 = 600;

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

    /// The socket of the cluster.
    pub fn socket(&self) -> Result<PathBuf, Failed> {
        let address = self.url.split_once('@').map(|(_, address)| address).ok_or_else(|| Failed(format!("no socket: {}", self.url)))?;
        let (folder, port) = address.split_once(':').unwrap_or((address, "5432"));
        Ok(Path::new(&folder.replace("%2F", "/")).join(format!(".s.PGSQL.{port}")))
    }

    /// Runs SQL in a database; returns what it answers, unaligned.
    pub async fn sql(&self, database: &str, sql: &str) -> Result<String, Failed> {
        let answer = run(Command::new("psql").args(["-qAtX", "-v", "ON_ERROR_STOP=1", "-d", &self.url(database), "-c", sql])).await?;
        Ok(answer.trim().to_owned())
    }

    /// Makes a database, from another one or empty.
    pub async fn database(&self, name: &str, like: &str) -> Result<(), Failed> {
        self.remove(name).await?;
        self.sql("postgres", &format!("create database {name} template {like}")).await?;
        Ok(())
    }

    /// Makes a database from a large one: its files are copied, which takes a fraction of the time that its blocks would take by the
    /// write-ahead log.
    pub async fn copy(&self, name: &str, like: &str) -> Result<(), Failed> {
        self.remove(name).await?;
        self.sql("postgres", &format!("create database {name} template {like} strategy file_copy")).await?;
        Ok(())
    }

    /// Drops a database if there is one. A server that was killed may not have left it yet.
    pub async fn remove(&self, name: &str) -> Result<(), Failed> {
        self.sql("postgres", &format!("drop database if exists {name} with (force)")).await?;
        Ok(())
    }

    /// Serves a database until all that was journalled in it is sealed, and puts it in order. Else the first server to come would
    /// seal while it is measured, and the disk would still be busy with what was loaded.
    pub async fn settle(&self, name: &str) -> Result<(), Failed> {
        let server = self.serve(name, 18_101).await?;
        for _ in 0..LOOKS {
            // A block that is not full waits for a minute.
            let unsealed = "select (select count(*) from journal) - (select coalesce(sum(lines), 0) from journal_block) >= 4096";
            if self.sql(name, unsealed).await? == "f" {
                server.end().await?;
                self.sql(name, "vacuum analyze").await?;
                self.sql(name, "checkpoint").await?;
                return Ok(());
            }
            tokio::time::sleep(LOOK).await;
        }
        Err(Failed(format!("the journal of {name} is not sealed after {:?}", LOOK * LOOKS)))
    }

    /// Runs the command line of Linli on a database.
    pub async fn linli(&self, database: &str, arguments: &[&str]) -> Result<String, Failed> {
        let mut command = Command::new(&self.linli);
        let said = run(command.args(arguments).env("DATABASE_URL", self.url(database)).env("MODE", "demo").env("LOG", "warn")).await?;
        Ok(said.trim().to_owned())
    }

    /// Starts Linli on a database, as a city would: a log line for each request, into a file.
    pub async fn serve(&self, database: &str, port: u16) -> Result<Server, Failed> {
        self.serve_at(&self.url(database), port, &[]).await
    }

    /// The same on the database at a URL, with some settings more.
    pub async fn serve_at(&self, url: &str, port: u16, settings: &[(&str, &str)]) -> Result<Server, Failed> {
        let log = std::fs::File::create(".data/bench/linli.log")?;
        let mut command = Command::new(&self.linli);
        command.arg("serve").env("DATABASE_URL", url).env("MODE", "demo").env("PORT", port.to_string()).env("LOG_FORMAT", "json");
        command.env("FILE_STORE", ".data/bench/files");
        // What a limit refuses would count as answered.
        command.env("RATE_LIMIT_READS", "0").env("RATE_LIMIT_WRITES", "0").env("RATE_LIMIT_IMPORTS", "0");
        // Large files too are answered at once, so that the time of the answer is the time of the work.
        command.env("IMPORT_INLINE_BYTES", "1073741824").envs(settings.iter().copied()).stderr(log);
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

    /// Asks it for something by one curl. `body` is a JSON object, `@` and the file that holds one, or a text; empty for none. Fails
    /// where it refuses, with its reason.
    pub async fn ask(&self, key: &str, method: &str, path: &str, body: &str) -> Result<Value, Failed> {
        let url = format!("http://127.0.0.1:{}{path}", self.port);
        let mut curl = Command::new("curl");
        curl.args(["-sS", "--fail-with-body", "-X", method, "-H", &format!("Authorization: Bearer {key}"), "-H", "Expect:"]);
        if !body.is_empty() {
            let kind = if body.starts_with(['{', '@']) { "application/json" } else { "text/plain" };
            curl.args(["-H", &format!("Content-Type: {kind}"), "--data-binary", body]);
        }
        let said = run(curl.arg(url)).await?;
        serde_json::from_str(&said).map_err(|error| Failed(format!("{method} {path}: {error}: {said}")))
    }

    /// Its resident memory in MiB.
    pub fn resident(&self) -> Result<f64, Failed> {
        self.memory("VmRSS:")
    }

    /// The most resident memory that it has had, in MiB.
    pub fn peak(&self) -> Result<f64, Failed> {
        self.memory("VmHWM:")
    }

    fn memory(&self, name: &str) -> Result<f64, Failed> {
        let pid = self.child.id().ok_or_else(|| Failed("the server has ended".to_owned()))?;
        let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
        let line = status.lines().find(|line| line.starts_with(name)).and_then(|line| line.split_whitespace().nth(1));
        let kilobytes: f64 = line.and_then(|number| number.parse().ok()).ok_or_else(|| Failed(format!("no {name}")))?;
        Ok(kilobytes / 1024.0)
    }
}

/// A text of an answer.
pub fn text(answer: &Value, name: &str) -> Result<String, Failed> {
    let text = answer.get(name).and_then(Value::as_str);
    text.map(ToOwned::to_owned).ok_or_else(|| Failed(format!("no {name}: {answer}")))
}

/// A number of an answer.
pub fn number(answer: &Value, name: &str) -> Result<i32, Failed> {
    let number = answer.get(name).and_then(Value::as_i64).and_then(|number| i32::try_from(number).ok());
    number.ok_or_else(|| Failed(format!("no {name}: {answer}")))
}
