//! The life of a server process: it starts, serves, drains when it is told to end, and ends.

use std::time::Duration;

use kernel::{Error, Result};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{Instant, sleep, sleep_until};

use crate::config::Config;
use crate::server;

/// A signal so soon after the first is the same news: a terminal tells the whole group, a script its child again.
const ECHO: Duration = Duration::from_millis(500);

/// Serves until SIGINT or SIGTERM.
///
/// Then readiness fails at once, so that load balancers go elsewhere; after a pause in which they may notice, no
/// connection is taken any more, requests and tasks in hand are finished, and this returns. A second signal ends
/// everything at once, which is an error.
pub async fn serve(config: &Config, say: impl Fn(&str) -> Result<()>) -> Result<()> {
    let failed = |error: std::io::Error| Error::Internal(format!("signals: {error}"));
    let mut signals = Signals { interrupt: signal(SignalKind::interrupt()).map_err(failed)?, terminate: signal(SignalKind::terminate()).map_err(failed)? };
    let store = config.store()?;
    for host in store.in_the_clear() {
        tracing::warn!(host, "the connection to Postgres is not encrypted; say sslmode=verify-full");
    }
    let running = server::start(config, store).await?;
    let port = running.port;
    if let (Some(address), Some(port)) = (config.metrics_address, running.metrics_port) {
        say(&format!("metrics at http://{}:{port}/metrics", address.ip()))?;
    }
    say(&format!("linli serves http://{}:{port}, documented at http://{}:{port}/docs/", config.host, config.host))?;

    let (phase, events, handle) = (running.phase.clone(), running.events.clone(), running.handle());
    let mut serving = std::pin::pin!(running.run());
    tokio::select! {
        ended = &mut serving => return ended,
        () = signals.next() => {}
    }
    let told = Instant::now();
    phase.drain();
    events.close();
    tracing::info!(seconds = config.drain_seconds, "told to end: not ready from now on");
    let parting = async {
        sleep(Duration::from_secs(config.drain_seconds)).await;
        handle.stop(true).await;
    };
    let insisted = async {
        sleep_until(told + ECHO).await;
        signals.forget();
        signals.next().await;
    };
    tokio::select! {
        (ended, ()) = async { tokio::join!(&mut serving, parting) } => {
            tracing::info!("ended");
            ended
        }
        () = insisted => Err(Error::Internal("told twice to end: ended at once".to_owned())),
    }
}

/// The two ways in which a process is told to end.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }

    /// Takes no notice of those that came so far.
    fn forget(&mut self) {
        use futures_util::FutureExt;
        while self.interrupt.recv().now_or_never().is_some() || self.terminate.recv().now_or_never().is_some() {}
    }
}
