//! The thread on which the tasks run, beside the threads that serve requests.

use std::time::Duration;

use kernel::Call;
use kernel::db::Store;
use kernel::task::{Pace, Task};
use tokio::sync::watch;
use tokio::task::LocalSet;
use tokio::time::{sleep, timeout};

/// How long tasks may take to finish what they have in hand when the server ends.
const PARTING: Duration = Duration::from_secs(10);

/// Keeps the tasks running until it is dropped.
pub struct Background {
    // Its end is the news: nothing is ever sent.
    _running: watch::Sender<()>,
}

impl Background {
    /// Starts the tasks on a thread of their own; `call` makes the call of one run.
    pub fn start(store: Store, tasks: Vec<Task>, call: impl Fn(&str) -> Call + Clone + Send + 'static) -> std::io::Result<Self> {
        let (running, ended) = watch::channel(());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        std::thread::Builder::new().name("background".to_owned()).spawn(move || {
            let local = LocalSet::new();
            let all = async {
                let db = store.on_this_thread();
                let loops = tasks.into_iter().map(|task| {
                    let (db, call, mut ended) = (db.clone(), call.clone(), ended.clone());
                    async move {
                        while ended.has_changed().is_ok() {
                            let pace = (task.work)(db.clone(), call(task.name)).await.unwrap_or_else(|error| {
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
        Ok(Self { _running: running })
    }
}
