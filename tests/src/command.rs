//! The real binary in a process of its own, for what only a process can suffer.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use crate::TestApp;

/// The binary, built from the sources as they are: tests of another package do not see to that by themselves.
pub fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        let mut build = Command::new(env!("CARGO"));
        build.args(["build", "--quiet", "--workspace", "--bins"]).current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap());
        if !cfg!(debug_assertions) {
            build.arg("--release");
        }
        assert!(build.status().unwrap().success(), "the binary cannot be built");
        // …/target/debug/deps/all-…
        let tests = std::env::current_exe().unwrap();
        tests.parent().unwrap().parent().unwrap().join("linli")
    })
}

/// A command of the binary that knows nothing of this process's settings.
#[must_use]
pub fn linli() -> Command {
    let mut command = Command::new(binary());
    command.env_clear().envs(std::env::vars().filter(|(name, _)| ["PATH", "TMPDIR", "HOME"].contains(&name.as_str())));
    command
}

/// `linli serve` on the database and the files of an app.
pub struct Serving {
    /// Where it listens.
    pub base: String,
    child: Child,
}

impl Serving {
    /// Starts it with these settings.
    #[must_use]
    pub fn start(app: &TestApp, settings: &[(&str, &str)]) -> Self {
        let mut command = linli();
        command.arg("serve").env("DATABASE_URL", &app.config.database_url).env("FILE_STORE", &app.config.file_store);
        command.env("MODE", "demo").env("PORT", "0").env("WORKERS", "1").env("LOG", "warn").envs(settings.iter().copied());
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut said = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut said).unwrap();
        let base = said.strip_prefix("linli serves ").unwrap_or_else(|| panic!("it says {said:?}")).split(',').next().unwrap().to_owned();
        Self { base, child }
    }

    /// Ends it as `kill -9` does.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
