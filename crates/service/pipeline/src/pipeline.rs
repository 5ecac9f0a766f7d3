//! The running pipeline: threads, queues, answers.

mod task;

use std::{
    sync::{Arc, Mutex},
    thread::{self, JoinHandle},
};

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use tokio::{
    runtime::Handle,
    sync::{Notify, Semaphore, broadcast, oneshot},
};

use alephd_blobs::Blobs;
use alephd_message::{Envelope, ItemHash, ItemType};
use alephd_signature::verify;
use alephd_store::{
    Writer,
    read::{FileKind, TombstoneRecord},
};
use alephd_tasks::{CancellationToken, Clock};

use self::task::{EngineTask, Surroundings};
use crate::{
    EngineConfig, Event, Keep, Outcome, PipelineError, TombstoneOutcome, TombstoneRefusal,
    engine::Engine,
    prepare::{Prepared, prepare},
};

/// Messages that wait for verification, and as many for the engine. Enough to keep all threads busy;
/// few enough that what one thread wrote is still in the cache when the next one reads it.
const QUEUE: usize = 1_024;
/// Events that a subscriber may be behind before it misses some.
const EVENTS: usize = 4_096;
/// Largest content that is not inline. The reference has no bound; programs are a few kilobytes.
const CONTENT_LIMIT: u64 = 16 << 20;

/// Where a message comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A client or a peer: subscribers are told.
    Network,
    /// A file or a chain: history, of which subscribers are not told.
    History,
}

/// How to run a pipeline.
#[derive(Clone, Debug)]
pub struct PipelineConfig {
    /// Rules and bounds.
    pub engine: EngineConfig,
    /// Verification threads.
    pub verifiers: usize,
    /// Nobody reads lists before the end: their indexes are made then.
    pub bulk: bool,
    /// What is kept; nothing for everything.
    pub keep: Option<Arc<Keep>>,
}

/// A handle to a running pipeline. Cheap to clone; the threads run until [`Pipeline::close`].
#[derive(Clone)]
pub struct Pipeline {
    jobs: Door<VerifyJob>,
    engine: Door<EngineJob>,
    events: broadcast::Sender<Event>,
    waiting: Arc<Notify>,
    threads: Arc<Mutex<Threads>>,
    stopped: CancellationToken,
}

struct Threads {
    verifiers: Vec<JoinHandle<()>>,
    engine: Option<JoinHandle<()>>,
}

type Answer = oneshot::Sender<Result<Outcome, Arc<PipelineError>>>;
type TombstoneAnswer = oneshot::Sender<Result<TombstoneOutcome, Arc<PipelineError>>>;

enum VerifyJob {
    Message {
        envelope: Envelope,
        origin: Origin,
        answer: Option<Answer>,
    },
    Tombstone(TombstoneJob),
    Close,
}

/// What another node says is left of a message.
struct TombstoneJob {
    record: Box<TombstoneRecord>,
    trusted: bool,
    answer: TombstoneAnswer,
}

enum EngineJob {
    Message {
        prepared: Box<Prepared>,
        origin: Origin,
        answer: Option<Answer>,
    },
    Tombstone(TombstoneJob),
    File {
        hash: ItemHash,
        size: u64,
        kind: FileKind,
        answer: oneshot::Sender<Result<(), Arc<PipelineError>>>,
    },
    Close,
}

impl Pipeline {
    /// Starts the threads. `runtime` is used by verification threads to read contents from blobs.
    pub fn start(
        writer: Writer,
        blobs: Blobs,
        config: PipelineConfig,
        clock: Arc<dyn Clock>,
        runtime: Handle,
    ) -> Result<Self, PipelineError> {
        let (jobs, job_source) = bounded(QUEUE);
        let (engine, engine_source) = bounded(QUEUE);
        let (events, _) = broadcast::channel(EVENTS);
        let waiting = Arc::new(Notify::new());
        let stopped = CancellationToken::new();
        let mut verifiers = Vec::new();
        for index in 0..config.verifiers.max(1) {
            let verifier = Verifier {
                jobs: job_source.clone(),
                engine: engine.clone(),
                blobs: blobs.clone(),
                runtime: runtime.clone(),
                keep: config.keep.clone(),
            };
            verifiers.push(spawn(format!("verify-{index}"), move || verifier.run())?);
        }
        let mut writer = writer;
        if config.bulk {
            writer.begin_bulk()?;
        }
        let around = Surroundings {
            jobs: engine_source,
            again: jobs.clone(),
            events: events.clone(),
            waiting: Arc::clone(&waiting),
            clock,
            blobs,
            runtime,
        };
        let task = EngineTask::new(Engine::new(writer, config.engine), config.bulk, around);
        let guard = stopped.clone().drop_guard();
        let run = move || {
            // Also when the engine panics.
            let _guard = guard;
            task.run();
        };
        let engine_thread = Some(spawn("engine".to_owned(), run)?);
        let threads = Arc::new(Mutex::new(Threads {
            verifiers,
            engine: engine_thread,
        }));
        Ok(Self {
            jobs: Door::new(jobs),
            engine: Door::new(engine),
            events,
            waiting,
            threads,
            stopped,
        })
    }

    /// Takes a message in and waits until its outcome is on disk.
    pub async fn submit(&self, envelope: Envelope, origin: Origin) -> Result<Outcome, Arc<PipelineError>> {
        let outcome = self.submit_deferred(envelope, origin).await?;
        outcome
            .await
            .unwrap_or_else(|_| Err(Arc::new(PipelineError::Closed)))
    }

    /// Takes a message in. Waits while the queue is full; the receiver yields the outcome.
    pub async fn submit_deferred(
        &self,
        envelope: Envelope,
        origin: Origin,
    ) -> Result<oneshot::Receiver<Result<Outcome, Arc<PipelineError>>>, Arc<PipelineError>> {
        let (answer, outcome) = oneshot::channel();
        self.enqueue(VerifyJob::Message {
            envelope,
            origin,
            answer: Some(answer),
        })
        .await?;
        Ok(outcome)
    }

    /// Like [`Pipeline::submit_deferred`] for a thread that may block.
    pub fn submit_blocking(
        &self,
        envelope: Envelope,
        origin: Origin,
    ) -> Result<oneshot::Receiver<Result<Outcome, Arc<PipelineError>>>, PipelineError> {
        let (answer, outcome) = oneshot::channel();
        let job = VerifyJob::Message {
            envelope,
            origin,
            answer: Some(answer),
        };
        self.jobs.queue.send(job).map_err(|_| PipelineError::Closed)?;
        Ok(outcome)
    }

    /// Takes in what is left of a message on another node, and waits until that is on disk.
    ///
    /// Who is `trusted` is believed what nobody can prove: what the message did to others, and that
    /// the FORGETs that are listed stay accepted. That is the word of an operator's own peers; several
    /// strangers who agree may be one. See `docs/protocol/tombstones.md`.
    pub async fn submit_tombstone(
        &self,
        record: TombstoneRecord,
        trusted: bool,
    ) -> Result<TombstoneOutcome, Arc<PipelineError>> {
        let (answer, outcome) = oneshot::channel();
        self.enqueue(VerifyJob::Tombstone(TombstoneJob {
            record: Box::new(record),
            trusted,
            answer,
        }))
        .await?;
        outcome
            .await
            .unwrap_or_else(|_| Err(Arc::new(PipelineError::Closed)))
    }

    /// Records that a file is held, for at least the grace period, and wakes what waits for it.
    pub async fn file_arrived(
        &self,
        hash: ItemHash,
        size: u64,
        kind: FileKind,
    ) -> Result<(), Arc<PipelineError>> {
        let (answer, done) = oneshot::channel();
        let job = EngineJob::File {
            hash,
            size,
            kind,
            answer,
        };
        self.engine.send(job).await?;
        done.await
            .unwrap_or_else(|_| Err(Arc::new(PipelineError::Closed)))
    }

    /// Events from now on. A subscriber that falls behind misses the oldest.
    pub fn subscribe(&self) -> broadcast::Receiver<Event> {
        self.events.subscribe()
    }

    /// Is notified when a message began to wait for its content or a file, after that is on disk: the
    /// list is [`alephd_store::Reader::wanted`]. One waiter is woken; a notification that finds none
    /// is kept for the next.
    pub fn waiting(&self) -> Arc<Notify> {
        Arc::clone(&self.waiting)
    }

    /// Finishes what is queued, writes it and stops the threads. Blocks.
    pub fn close(&self) {
        let (verifiers, engine) = match self.threads.lock() {
            Ok(mut threads) => (std::mem::take(&mut threads.verifiers), threads.engine.take()),
            Err(_) => return,
        };
        // Each verifier takes one of these, after everything that was queued before.
        for _ in &verifiers {
            let _ = self.jobs.queue.send(VerifyJob::Close);
        }
        for verifier in verifiers {
            join(verifier);
        }
        let _ = self.engine.queue.send(EngineJob::Close);
        if let Some(engine) = engine {
            join(engine);
        }
    }

    /// Resolves when the engine has stopped: nothing is taken in any more. Before
    /// [`Pipeline::close`] this means that it failed.
    pub async fn stopped(&self) {
        self.stopped.cancelled().await;
    }

    async fn enqueue(&self, job: VerifyJob) -> Result<(), Arc<PipelineError>> {
        self.jobs.send(job).await
    }
}

/// The way into a queue for those who must not block.
///
/// Whoever finds the queue full waits in a line, and only the first in it on a blocking thread. If
/// each had a thread, a few hundred of them would have all that the runtime gives, and the threads
/// that empty the queues need some themselves, to read files: nobody would ever move again.
struct Door<T> {
    queue: Sender<T>,
    first: Arc<Semaphore>,
}

impl<T> Clone for Door<T> {
    fn clone(&self) -> Self {
        Self {
            queue: self.queue.clone(),
            first: Arc::clone(&self.first),
        }
    }
}

impl<T: Send + 'static> Door<T> {
    fn new(queue: Sender<T>) -> Self {
        Self {
            queue,
            first: Arc::new(Semaphore::new(1)),
        }
    }

    async fn send(&self, job: T) -> Result<(), Arc<PipelineError>> {
        let closed = || Arc::new(PipelineError::Closed);
        let job = match self.queue.try_send(job) {
            Ok(()) => return Ok(()),
            Err(TrySendError::Disconnected(_)) => return Err(closed()),
            Err(TrySendError::Full(job)) => job,
        };
        let first = Arc::clone(&self.first).acquire_owned().await;
        let first = first.map_err(|_| closed())?;
        let job = match self.queue.try_send(job) {
            Ok(()) => return Ok(()),
            Err(TrySendError::Disconnected(_)) => return Err(closed()),
            Err(TrySendError::Full(job)) => job,
        };
        let queue = self.queue.clone();
        let sent = tokio::task::spawn_blocking(move || {
            // Also when nobody waits for the answer any more.
            let _first = first;
            queue.send(job)
        });
        match sent.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(closed()),
        }
    }
}

fn join(thread: JoinHandle<()>) {
    let name = thread.thread().name().unwrap_or_default().to_owned();
    if thread.join().is_err() {
        tracing::error!(name, "a thread of the pipeline panicked");
    }
}

fn spawn(name: String, run: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, PipelineError> {
    thread::Builder::new()
        .name(name)
        .spawn(run)
        .map_err(PipelineError::Thread)
}

/// Lets the other threads of the process go first when there are more of them than cores: what waits
/// behind the engine should not wait for what comes after it.
fn give_way() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(None, 5) {
        tracing::debug!(%error, "the priority of a verification thread stays as it is");
    }
}

/// A verification thread.
struct Verifier {
    jobs: Receiver<VerifyJob>,
    engine: Sender<EngineJob>,
    blobs: Blobs,
    runtime: Handle,
    keep: Option<Arc<Keep>>,
}

impl Verifier {
    fn run(self) {
        give_way();
        while let Ok(job) = self.jobs.recv() {
            let job = match job {
                VerifyJob::Message {
                    envelope,
                    origin,
                    answer,
                } => {
                    let content = self.fetch(&envelope);
                    let prepared = Box::new(prepare(envelope, content));
                    if let Some(keep) = self.keep.as_ref().filter(|keep| !keep.holds(&prepared)) {
                        if let Some(answer) = answer {
                            // Nobody waiting is fine.
                            let _ = answer.send(Ok(keep.outcome(&prepared)));
                        }
                        continue;
                    }
                    EngineJob::Message {
                        prepared,
                        origin,
                        answer,
                    }
                }
                VerifyJob::Tombstone(job) if verify(&job.record.envelope).is_err() => {
                    let refused = TombstoneOutcome::Refused(TombstoneRefusal::Signature);
                    let _ = job.answer.send(Ok(refused));
                    continue;
                }
                VerifyJob::Tombstone(job) => EngineJob::Tombstone(job),
                VerifyJob::Close => return,
            };
            if self.engine.send(job).is_err() {
                return;
            }
        }
    }

    /// The content of a message that does not carry it, if it is held.
    fn fetch(&self, envelope: &Envelope) -> Option<String> {
        if envelope.item_type == ItemType::Inline {
            return None;
        }
        let bytes = self
            .runtime
            .block_on(self.blobs.read_all(&envelope.item_hash, CONTENT_LIMIT))
            .ok()?;
        // Content that is no text is refused as text that is no JSON.
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }
}

#[cfg(test)]
mod tests;
