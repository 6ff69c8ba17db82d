//! The thread on which the tasks run, beside the threads that serve requests.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use kernel::db::Store;
use kernel::task::{Pace, Task};
use kernel::{Call, Error};
use tokio::sync::{oneshot, watch};
use tokio::task::LocalSet;
use tokio::time::{sleep, timeout};

use crate::meters::Meters;

/// How long tasks may take to finish what they have in hand when the server ends.
const PARTING: Duration = Duration::from_secs(10);

/// Keeps the tasks running until it is ended or dropped.
pub struct Background {
    // Their ends are the news: nothing is ever sent.
    running: watch::Sender<()>,
    ended: oneshot::Receiver<()>,
}

impl Background {
    /// Starts the tasks on a thread of their own; `call` makes the call of one run.
    pub fn start(store: Store, tasks: Vec<Task>, meters: Arc<Meters>, call: impl Fn(&str) -> Call + Clone + Send + 'static) -> std::io::Result<Self> {
        let (running, ended) = watch::channel(());
        let (alive, all_ended) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        std::thread::Builder::new().name("background".to_owned()).spawn(move || {
            let _alive: oneshot::Sender<()> = alive;
            let local = LocalSet::new();
            let all = async {
                let db = store.on_this_thread();
                let loops = tasks.into_iter().map(|task| {
                    let (db, call, meters, mut ended) = (db.clone(), call.clone(), Arc::clone(&meters), ended.clone());
                    async move {
                        while ended.has_changed().is_ok() {
                            // One that panics must not take the others with it.
                            let work = AssertUnwindSafe((task.work)(db.clone(), call(task.name))).catch_unwind().await;
                            let done = work.unwrap_or_else(|_| Err(Error::Internal("the task broke off".to_owned())));
                            meters.task(task.name, done.is_ok());
                            let pace = done.unwrap_or_else(|error| {
                                tracing::warn!(task = task.name, %error, "a task failed; it is run again");
                                Pace::Rest
                            });
                            if pace == Pace::Rest {
                                drop(timeout(task.every, ended.changed()).await);
                            }
                        }
                    }
                });
                let mut ended = ended.clone();
                let last_call = async {
                    drop(ended.changed().await);
                    sleep(PARTING).await;
                };
                tokio::select! { _ = futures_util::future::join_all(loops) => (), () = last_call => () }
            };
            local.block_on(&runtime, all);
        })?;
        Ok(Self { running, ended: all_ended })
    }

    /// Ends the tasks, and waits until they have finished what they have in hand.
    pub async fn end(self) {
        drop(self.running);
        drop(self.ended.await);
    }
}
