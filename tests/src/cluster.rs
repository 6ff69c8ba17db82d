//! A Postgres cluster of one test, which may be stopped, killed, followed by a replica and started again.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio_postgres::{Client, NoTls};

/// How long it may take to start.
const PATIENCE: Duration = Duration::from_secs(30);

/// A cluster that listens on a port of its own; it vanishes with this.
pub struct Cluster {
    /// Its database, over TCP.
    pub url: String,
    /// Its port on 127.0.0.1.
    pub port: u16,
    folder: TempDir,
}

impl Cluster {
    /// Makes and starts one that keeps what it acknowledged: a test of that would pass by luck without.
    #[must_use]
    pub fn start() -> Self {
        let cluster = Self::prepare();
        cluster.go_on();
        cluster
    }

    /// Makes and starts a streaming replica of this one.
    #[must_use]
    pub fn replica(&self) -> Self {
        let replica = Self::prepare();
        script(&["replica".as_ref(), replica.folder.path(), self.folder.path()], replica.port);
        replica.go_on();
        replica
    }

    fn prepare() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = free_port();
        Self { url: format!("postgresql://linli@127.0.0.1:{port}/linli"), port, folder }
    }

    /// Starts it again.
    pub fn go_on(&self) {
        let deadline = Instant::now() + PATIENCE;
        // The children of a server that was killed take a moment to notice; until then no other may start.
        while !run(&["start".as_ref(), self.folder.path(), "sure".as_ref()], self.port) {
            assert!(Instant::now() < deadline, "the cluster does not start");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Stops it as if it had crashed.
    pub fn crash(&self) {
        script(&["stop".as_ref(), self.folder.path(), "immediate".as_ref()], self.port);
    }

    /// Stops it in good order.
    pub fn stop(&self) {
        script(&["stop".as_ref(), self.folder.path()], self.port);
    }

    /// Kills its first process without a warning.
    pub async fn kill(&self) {
        let folder: String = self.connect().await.query_one("show data_directory", &[]).await.unwrap().get(0);
        let pid = std::fs::read_to_string(PathBuf::from(folder).join("postmaster.pid")).unwrap();
        signal("KILL", pid.lines().next().unwrap());
    }

    /// Kills the process behind one connection, whichever comes first of those of the app.
    pub async fn kill_backend(&self) {
        let query = "select pid::text from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid() limit 1";
        let pid: String = self.connect().await.query_one(query, &[]).await.unwrap().get(0);
        signal("KILL", &pid);
    }

    /// A plain connection, as soon as it takes one.
    pub async fn connect(&self) -> Client {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match tokio_postgres::connect(&self.url, NoTls).await {
                Ok((client, driver)) => {
                    tokio::spawn(driver);
                    return client;
                }
                Err(error) => assert!(Instant::now() < deadline, "{error}"),
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Writes a file that belongs to the server into its folder, and returns its path.
    pub async fn write(&self, name: &str, text: &str) -> String {
        let client = self.connect().await;
        let folder: String = client.query_one("show data_directory", &[]).await.unwrap().get(0);
        let path = format!("{folder}/{name}");
        client.batch_execute(&format!("copy (select unnest(string_to_array('{text}', chr(10)))) to program 'umask 077; cat > {path}'")).await.unwrap();
        path
    }
}

/// A port that nobody has, below those that the system hands out by itself: the cluster may start long after.
fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = u16::try_from(20_000 + std::process::id() % 8_000).unwrap();
    let free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    std::iter::repeat_with(|| first + NEXT.fetch_add(1, Ordering::Relaxed)).take(1_000).find(free).expect("a port is free")
}

impl Drop for Cluster {
    fn drop(&mut self) {
        run(&["stop".as_ref(), self.folder.path(), "immediate".as_ref()], self.port);
        run(&["remove".as_ref(), self.folder.path()], self.port);
    }
}

/// Sends a signal to a process.
pub fn signal(name: &str, pid: &str) {
    assert!(Command::new("kill").args([format!("-{name}"), pid.to_owned()]).status().unwrap().success());
}

fn run(arguments: &[&Path], port: u16) -> bool {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/cluster");
    let output = Command::new(script).args(arguments).env("CLUSTER_PORT", port.to_string()).output().unwrap();
    output.status.success()
}

fn script(arguments: &[&Path], port: u16) {
    assert!(run(arguments, port), "scripts/cluster {arguments:?}");
}
