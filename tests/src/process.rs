//! The real binary in a process of its own, for what only a process has: signals, an end, a log, limits of its system.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::User;
use crate::cluster::signal;

/// How long anything may take before a test gives up on it.
const PATIENCE: Duration = Duration::from_secs(60);

/// A command of the binary that knows nothing of this process's settings.
///
/// Cargo builds the binary with the tests, beside the folder that holds them.
#[must_use]
pub fn linli() -> Command {
    let tests = std::env::current_exe().unwrap();
    let mut command = Command::new(tests.parent().unwrap().parent().unwrap().join("linli-under-test"));
    command.env_clear().envs(std::env::vars().filter(|(name, _)| ["PATH", "TMPDIR", "HOME"].contains(&name.as_str())));
    command
}

/// `linli serve`, running.
pub struct Process {
    /// Where it listens.
    pub base: String,
    /// Where its metrics are.
    pub metrics: String,
    child: Child,
    log: Arc<Mutex<Vec<String>>>,
}

impl Process {
    /// Starts it on a database, with other settings from the environment, and waits until it serves.
    #[must_use]
    pub fn start(url: &str, environment: &[(&str, &str)]) -> Self {
        Self::start_by("exec \"$0\" \"$@\"", url, environment)
    }

    /// Starts it by a line of shell that ends in `exec "$0" "$@"`.
    #[must_use]
    pub fn start_by(shell: &str, url: &str, environment: &[(&str, &str)]) -> Self {
        let binary = linli();
        let mut command = Command::new("sh");
        command.args(["-c", shell]).arg(binary.get_program()).arg("serve");
        command.env_clear().envs(binary.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command
            .env("LOG_FORMAT", "json")
            .env("MODE", "demo")
            .env("DATABASE_URL", url)
            .env("PORT", "0")
            .env("WORKERS", "1")
            .env("METRICS_ADDRESS", "127.0.0.1:0");
        let mut child = command.envs(environment.iter().copied()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let said = follow(child.stdout.take().unwrap(), Arc::default());
        let log = Arc::new(Mutex::new(Vec::new()));
        let _ = follow(child.stderr.take().unwrap(), Arc::clone(&log));
        let address = |beginning: &str| loop {
            let line = said.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("it did not say “{beginning}”: {:?}", log.lock().unwrap()));
            if let Some((_, rest)) = line.split_once(beginning) {
                return rest.split([' ', ',']).next().unwrap().to_owned();
            }
        };
        let metrics = address("metrics at ");
        let base = address("linli serves ");
        Self { base, metrics, child, log }
    }

    /// A client, with a key or without.
    #[must_use]
    pub fn user(&self, key: Option<&str>) -> User {
        User::at(&self.base, key)
    }

    /// Tells it something.
    pub fn signal(&self, name: &str) {
        signal(name, &self.child.id().to_string());
    }

    /// Waits for its end.
    pub fn wait(&mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < deadline, "it does not end: {:?}", self.log.lock().unwrap());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Ends it as `kill -9` does: at once, whatever it is doing.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Whether it has ended.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Waits for a line of its log that has this message and fits.
    pub async fn logged(&self, message: &str, fits: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let found = self
                .log
                .lock()
                .unwrap()
                .iter()
                .filter_map(|line| serde_json::from_str::<Value>(line).ok())
                .find(|line| line["message"] == message && fits(line));
            if let Some(found) = found {
                return found;
            }
            assert!(Instant::now() < deadline, "not logged: {message}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// All that it logged so far.
    #[must_use]
    pub fn log(&self) -> String {
        self.log.lock().unwrap().join("\n")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Reads lines as they come, for as long as there are any.
fn follow(pipe: impl Read + Send + 'static, log: Arc<Mutex<Vec<String>>>) -> Receiver<String> {
    let (sender, lines) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            log.lock().unwrap().push(line.clone());
            drop(sender.send(line));
        }
    });
    lines
}
