//! The real binary as a process of its own, which can be ended as no handler could.

use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// `linli serve`, running.
pub struct Served {
    /// Where it listens.
    pub base: String,
    child: Child,
}

impl Served {
    /// Starts the binary on a free port, with the environment given, and waits until it serves.
    pub async fn serve(binary: &str, database_url: &str, environment: &[(&str, &str)]) -> Self {
        let mut command = Command::new(binary);
        command.arg("serve").env_clear().env("DATABASE_URL", database_url).env("MODE", "demo").env("PORT", "0").env("WORKERS", "1").env("LOG", "warn");
        command.envs(environment.iter().copied()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let ready = lines.next_line().await.unwrap().expect("the server ended at once");
        let base = ready.split_whitespace().find(|word| word.starts_with("http://")).unwrap().trim_end_matches(',').to_owned();
        Self { base, child }
    }

    /// Ends it as the kernel does: at once, whatever it is doing.
    pub async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    /// Asks it to end, and waits until it has.
    pub async fn terminate(mut self) -> bool {
        let id = self.child.id().unwrap().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().await.unwrap().success());
        self.child.wait().await.unwrap().success()
    }
}
