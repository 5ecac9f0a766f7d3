//! Spawning under supervision: who runs, who failed, who does not stop.
//!
//! A [`Tasks`] is created by the program, cloned into every part, and shut down once. Tasks come
//! in two classes. A *critical* task is a part of the node without which the rest would be a lie
//! (the writer, the HTTP listener, the pipeline): its error or panic cancels the token and ends
//! the process. A *worker* serves one client or one job: its panic is logged and counted, and
//! nobody else notices.
//!
//! Stopping is cooperative. Every task watches [`Tasks::token`] and returns; nothing is aborted,
//! since a task cut off between two awaits may leave half of a pair of actions done. A task that
//! ignores the token is named by [`Tasks::shutdown`] after the limit, and the process then exits
//! without it, which must be as safe as a crash.
//!
//! Rejected: `tokio::task::JoinSet`, which needs one owner that polls it, and cannot hold OS
//! threads; the database writer and signature verification are threads.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::future::Future;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{Instrument, debug, error, info_span};

use crate::panic::{caught, caught_sync};

/// Any error of a task, as [`Tasks`] keeps it.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A critical task that ended badly, and with it the node.
#[derive(Debug, thiserror::Error)]
#[error("task {task} failed")]
pub struct TaskFailure {
    /// The name given when it was spawned.
    pub task: String,
    /// What happened.
    #[source]
    pub cause: Cause,
}

/// How a critical task ended badly.
#[derive(Debug, thiserror::Error)]
pub enum Cause {
    /// It returned an error.
    #[error("{0}")]
    Error(#[source] BoxError),
    /// It panicked with this message.
    #[error("panic: {0}")]
    Panic(String),
}

/// Why a shutdown was not clean.
#[derive(Debug, thiserror::Error)]
pub enum ShutdownError {
    /// Everything stopped, but one task had failed.
    #[error(transparent)]
    Failed(#[from] TaskFailure),
    /// These tasks were still running when the limit was over.
    #[error("still running after {limit:?}: {}", names.join(", "))]
    Stuck {
        /// Their names, sorted; a name occurs once for each task that bears it.
        names: Vec<String>,
        /// The limit given.
        limit: Duration,
        /// A task that had failed besides.
        #[source]
        failure: Option<TaskFailure>,
    },
}

/// A handle to the supervised tasks of one node. Clones share them.
#[derive(Clone, Debug)]
pub struct Tasks {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    token: CancellationToken,
    tracker: TaskTracker,
    running: Mutex<BTreeMap<u64, Cow<'static, str>>>,
    next_id: AtomicU64,
    worker_panics: AtomicU64,
    failure: Mutex<Option<TaskFailure>>,
}

impl Default for Tasks {
    fn default() -> Self {
        Self::new()
    }
}

impl Tasks {
    /// No tasks yet, nothing cancelled.
    pub fn new() -> Self {
        Self {
            shared: Arc::new(Shared {
                token: CancellationToken::new(),
                tracker: TaskTracker::new(),
                running: Mutex::default(),
                next_id: AtomicU64::new(0),
                worker_panics: AtomicU64::new(0),
                failure: Mutex::default(),
            }),
        }
    }

    /// The token that is cancelled when the node stops, for whatever reason.
    pub fn token(&self) -> CancellationToken {
        self.shared.token.clone()
    }

    /// Asks every task to stop. [`Tasks::join`] waits for them.
    pub fn cancel(&self) {
        self.shared.token.cancel();
    }

    /// Ready once the node stops: after [`Tasks::cancel`] or the failure of a critical task.
    pub async fn cancelled(&self) {
        self.shared.token.cancelled().await;
    }

    /// Spawns a critical task. Returning `Ok` early is not a failure: some tasks have an end.
    ///
    /// Must be called within a tokio runtime, as [`Tasks::spawn_worker`] and
    /// [`Tasks::spawn_blocking`].
    pub fn spawn<F, E>(&self, name: impl Into<Cow<'static, str>>, future: F)
    where
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<BoxError>,
    {
        let running = self.enter(name.into());
        let span = info_span!("task", name = %running.name());
        self.shared.tracker.spawn(
            async move {
                let result = caught(future).await;
                running.ended(result);
            }
            .instrument(span),
        );
    }

    /// Spawns a task whose panic is nobody else's business. It is waited for like the others.
    pub fn spawn_worker<F>(&self, name: impl Into<Cow<'static, str>>, future: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let running = self.enter(name.into());
        let span = info_span!("worker", name = %running.name());
        self.shared.tracker.spawn(
            async move {
                if let Err(panic) = caught(future).await {
                    running.shared.worker_panics.fetch_add(1, Ordering::Relaxed);
                    error!(worker = %running.name(), %panic, "a worker panicked; the node goes on");
                }
            }
            .instrument(span),
        );
    }

    /// Runs critical work on tokio's pool for blocking calls. For work that ends; a loop that
    /// lives as long as the node gets its own thread with [`Tasks::spawn_thread`].
    pub fn spawn_blocking<F, E>(&self, name: impl Into<Cow<'static, str>>, work: F)
    where
        F: FnOnce(&CancellationToken) -> Result<(), E> + Send + 'static,
        E: Into<BoxError>,
    {
        let running = self.enter(name.into());
        self.shared.tracker.spawn_blocking(move || {
            let result = caught_sync(|| work(&running.shared.token));
            running.ended(result);
        });
    }

    /// Starts a critical OS thread, which need not be within a runtime. Its name is cut to the
    /// 15 bytes that Linux shows; reports use the whole name.
    pub fn spawn_thread<F, E>(&self, name: impl Into<Cow<'static, str>>, work: F) -> io::Result<()>
    where
        F: FnOnce(&CancellationToken) -> Result<(), E> + Send + 'static,
        E: Into<BoxError>,
    {
        let running = self.enter(name.into());
        let tracked = self.shared.tracker.token();
        // The standard library refuses a name with a NUL by a panic.
        let shown = running.name().replace('\0', "");
        std::thread::Builder::new().name(shown).spawn(move || {
            let result = caught_sync(|| work(&running.shared.token));
            running.ended(result);
            // In this order: whoever is woken by the tracker finds the name gone.
            drop(running);
            drop(tracked);
        })?;
        Ok(())
    }

    /// The names of the running tasks, sorted; a name occurs once for each task that bears it.
    pub fn running(&self) -> Vec<String> {
        let mut names: Vec<String> = lock(&self.shared.running)
            .values()
            .map(|name| name.to_string())
            .collect();
        names.sort_unstable();
        names
    }

    /// How many workers have panicked.
    pub fn worker_panics(&self) -> u64 {
        self.shared.worker_panics.load(Ordering::Relaxed)
    }

    /// Waits until every task has ended, including those spawned meanwhile, and reports the
    /// first failure of a critical one, once. Cancels nothing.
    pub async fn join(&self) -> Result<(), TaskFailure> {
        self.shared.tracker.close();
        self.shared.tracker.wait().await;
        lock(&self.shared.failure).take().map_or(Ok(()), Err)
    }

    /// Cancels and waits for at most `limit`.
    pub async fn shutdown(&self, limit: Duration) -> Result<(), ShutdownError> {
        self.cancel();
        match tokio::time::timeout(limit, self.join()).await {
            Ok(result) => Ok(result?),
            Err(_) => {
                let failure = lock(&self.shared.failure).take();
                Err(ShutdownError::Stuck {
                    names: self.running(),
                    limit,
                    failure,
                })
            }
        }
    }

    fn enter(&self, name: Cow<'static, str>) -> Running {
        let id = self.shared.next_id.fetch_add(1, Ordering::Relaxed);
        lock(&self.shared.running).insert(id, name.clone());
        Running {
            shared: Arc::clone(&self.shared),
            id,
            name,
        }
    }
}

/// The entry of one task in the list of running ones. Leaves the list when dropped, also when
/// the runtime drops a task that never ended.
#[derive(Debug)]
struct Running {
    shared: Arc<Shared>,
    id: u64,
    name: Cow<'static, str>,
}

impl Running {
    fn name(&self) -> &str {
        &self.name
    }

    /// Records how a critical task ended: the outer error is its panic.
    fn ended<E: Into<BoxError>>(&self, result: Result<Result<(), E>, String>) {
        let cause = match result {
            Ok(Ok(())) => {
                debug!(task = %self.name, "ended");
                return;
            }
            Ok(Err(error)) => Cause::Error(error.into()),
            Err(panic) => Cause::Panic(panic),
        };
        error!(task = %self.name, %cause, "a critical task failed; the node stops");
        lock(&self.shared.failure).get_or_insert(TaskFailure {
            task: self.name.to_string(),
            cause,
        });
        self.shared.token.cancel();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        lock(&self.shared.running).remove(&self.id);
    }
}

/// No code panics while it holds one of these locks, and the data is consistent at every step.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
