//! Where the server is in its life: starting, serving, draining.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use kernel::{Kind, Refusal};

/// The server has not yet met a database that it can work with.
pub const STARTING: Refusal = Refusal::new(Kind::Unavailable, "server.starting", "服务正在启动,请稍后重试。", "The server is starting; try again shortly.");
/// The server is about to end.
pub const DRAINING: Refusal =
    Refusal::new(Kind::Unavailable, "server.draining", "该服务实例即将停止,请改用其他实例。", "This replica of the server is about to end; use another.");

/// Where it is; shared by all threads.
#[derive(Clone, Debug, Default)]
pub struct Phase(Arc<AtomicU8>);

const SERVING: u8 = 1;
const ENDING: u8 = 2;

impl Phase {
    /// From now on it serves; unless it is ending already.
    pub fn serve(&self) {
        self.0.fetch_max(SERVING, Ordering::Relaxed);
    }

    /// From now on it wants no new callers.
    pub fn drain(&self) {
        self.0.store(ENDING, Ordering::Relaxed);
    }

    /// Whether it has not begun to serve.
    #[must_use]
    pub fn is_starting(&self) -> bool {
        self.0.load(Ordering::Relaxed) < SERVING
    }

    /// Whether it wants no new callers.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.0.load(Ordering::Relaxed) == ENDING
    }
}
