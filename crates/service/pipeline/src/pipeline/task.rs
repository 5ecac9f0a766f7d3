//! The engine thread: batches of jobs, one transaction each, answers after the commit.

use std::{collections::HashSet, sync::Arc, time::Duration};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};
use tokio::{
    runtime::Handle,
    sync::{Notify, broadcast, oneshot},
};

use alephd_blobs::Blobs;
use alephd_message::{Envelope, ItemHash, Micros};
use alephd_tasks::Clock;

use super::{Answer, EngineJob, Origin, TombstoneAnswer, TombstoneJob, VerifyJob, spawn};
use crate::{
    Event, Outcome, PipelineError, TombstoneOutcome,
    engine::{Engine, envelope_of},
};

/// Most messages in one transaction. Clients that wait never fill it; an import does, and there a
/// page of an index that many messages touch is then written once for all of them.
const BATCH: usize = 16_384;
/// Pause between sweeps of what nobody pays for or keeps.
const SWEEP_EVERY: Duration = Duration::from_secs(60);
/// The same while a sweep is not done: time for messages that wait.
const BETWEEN_SWEEPS: Duration = Duration::from_millis(10);
/// Pause between rounds over all accounts: the network's own.
const ROUND_EVERY: Duration = Duration::from_secs(3_600);
/// Names of deleted files that are remembered.
const DELETED: usize = 65_536;

/// The engine thread.
pub(super) struct EngineTask {
    engine: Engine,
    bulk: bool,
    jobs: Receiver<EngineJob>,
    /// For messages whose content arrived while they waited.
    again: Sender<VerifyJob>,
    events: broadcast::Sender<Event>,
    waiting: Arc<Notify>,
    clock: Arc<dyn Clock>,
    blobs: Blobs,
    runtime: Handle,
    more_to_sweep: bool,
    /// Files deleted lately: an upload of one of them may be under way.
    deleted: HashSet<ItemHash>,
}

type FileAnswer = oneshot::Sender<Result<(), Arc<PipelineError>>>;

/// Answers that wait for the commit.
#[derive(Default)]
struct Answers {
    outcomes: Vec<(Answer, Outcome)>,
    tombstones: Vec<(TombstoneAnswer, TombstoneOutcome)>,
    files: Vec<(ItemHash, FileAnswer)>,
    prepare_again: Vec<Envelope>,
    announce: bool,
}

/// What the thread works with.
pub(super) struct Surroundings {
    pub(super) jobs: Receiver<EngineJob>,
    /// For messages whose content arrived while they waited.
    pub(super) again: Sender<VerifyJob>,
    pub(super) events: broadcast::Sender<Event>,
    pub(super) waiting: Arc<Notify>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) blobs: Blobs,
    pub(super) runtime: Handle,
}

impl EngineTask {
    pub(super) fn new(engine: Engine, bulk: bool, around: Surroundings) -> Self {
        Self {
            engine,
            bulk,
            jobs: around.jobs,
            again: around.again,
            events: around.events,
            waiting: around.waiting,
            clock: around.clock,
            blobs: around.blobs,
            runtime: around.runtime,
            more_to_sweep: false,
            deleted: HashSet::new(),
        }
    }

    pub(super) fn run(mut self) {
        let mut next_sweep = self.clock.monotonic();
        let mut next_round = next_sweep;
        loop {
            let now = self.clock.monotonic();
            // A sweep that is due comes before what is queued: a node that is never idle has to
            // collect too.
            let first = match next_sweep.checked_sub(now).filter(|pause| !pause.is_zero()) {
                None => None,
                Some(pause) => match self.jobs.recv_timeout(pause) {
                    Ok(EngineJob::Close) | Err(RecvTimeoutError::Disconnected) => break,
                    Ok(job) => Some(job),
                    Err(RecvTimeoutError::Timeout) => None,
                },
            };
            let is_sweep = first.is_none();
            if is_sweep && now >= next_round {
                self.engine.start_round();
                next_round = now + ROUND_EVERY;
            }
            if !self.run_batch(first) {
                break;
            }
            if is_sweep {
                let pause = if self.more_to_sweep {
                    BETWEEN_SWEEPS
                } else {
                    SWEEP_EVERY
                };
                next_sweep = self.clock.monotonic() + pause;
            }
        }
        if self.bulk
            && let Err(error) = self.engine.end_bulk()
        {
            tracing::warn!(%error, "the indexes of lists were not made; the next start will make them");
        }
        if let Err(error) = self.engine.checkpoint() {
            tracing::warn!(%error, "the write-ahead log was not emptied; the next start will read it");
        }
    }

    /// One transaction. Says whether to go on.
    fn run_batch(&mut self, first: Option<EngineJob>) -> bool {
        let mut answers = Answers::default();
        let mut go_on = true;
        let result = self.fill_batch(first, &mut answers, &mut go_on);
        match result.and_then(|()| self.engine.commit()) {
            Ok(risen) => {
                self.delete_files();
                for (answer, outcome) in answers.outcomes {
                    // A client that went away does not want to know.
                    let _ = answer.send(Ok(outcome));
                }
                for (answer, outcome) in answers.tombstones {
                    let _ = answer.send(Ok(outcome));
                }
                for (_, answer) in answers.files {
                    let _ = answer.send(Ok(()));
                }
                if self.engine.began_to_want() {
                    self.waiting.notify_one();
                }
                if answers.announce {
                    for row in risen {
                        // Nobody listening is fine.
                        let _ = self.events.send(Event::Processed(row));
                    }
                }
                self.prepare_again(answers.prepare_again);
            }
            Err(error) => self.fail_batch(answers, error),
        }
        go_on
    }

    fn fill_batch(
        &mut self,
        first: Option<EngineJob>,
        answers: &mut Answers,
        go_on: &mut bool,
    ) -> Result<(), PipelineError> {
        self.engine.begin(Micros(self.clock.now_micros()))?;
        let Some(first) = first else {
            let purged = self.engine.sweep()?;
            self.more_to_sweep = (!self.bulk && self.engine.collect()?) || purged;
            return Ok(());
        };
        let mut job = first;
        for taken in 1.. {
            match job {
                EngineJob::Message {
                    prepared,
                    origin,
                    answer,
                } => {
                    let outcome = self.engine.take(&prepared)?;
                    answers.announce |= origin == Origin::Network;
                    answers.outcomes.extend(answer.map(|answer| (answer, outcome)));
                }
                EngineJob::Tombstone(TombstoneJob {
                    record,
                    trusted,
                    answer,
                }) => {
                    let outcome = self.engine.take_tombstone(&record, trusted)?;
                    answers.tombstones.push((answer, outcome));
                }
                EngineJob::File { hash, answer, .. } if self.is_deleted(&hash) => {
                    let _ = answer.send(Err(Arc::new(PipelineError::FileGone)));
                }
                EngineJob::File {
                    hash,
                    size,
                    kind,
                    answer,
                } => {
                    // First: if this fails, the bytes have to go.
                    answers.files.push((hash.clone(), answer));
                    let waiting = self.engine.file_arrived(&hash, size, kind)?;
                    answers.announce = true;
                    answers
                        .prepare_again
                        .extend(waiting.iter().map(|row| envelope_of(row)));
                }
                EngineJob::Close => {
                    *go_on = false;
                    break;
                }
            }
            if taken == BATCH {
                break;
            }
            match self.jobs.try_recv() {
                Ok(next) => job = next,
                Err(_) => break,
            }
        }
        Ok(())
    }

    /// The bytes of files that the last transaction let go. Bytes that stay behind are found by a
    /// scrub.
    fn delete_files(&mut self) {
        for file in self.engine.take_deleted() {
            self.delete_file(file);
        }
    }

    fn delete_file(&mut self, file: ItemHash) {
        if let Err(error) = self.runtime.block_on(self.blobs.delete(&file)) {
            tracing::warn!(%file, %error, "the file is not kept any more and could not be deleted");
        }
        if self.deleted.len() >= DELETED {
            self.deleted.clear();
        }
        self.deleted.insert(file);
    }

    /// Whether a file that was uploaded just now went together with an older copy of it.
    fn is_deleted(&mut self, file: &ItemHash) -> bool {
        let exists = || self.runtime.block_on(self.blobs.exists(file));
        self.deleted.contains(file) && !exists().unwrap_or(true)
    }

    /// Messages whose content has arrived go through verification again. A full queue must not
    /// block the engine, which empties it: a thread of its own waits.
    fn prepare_again(&self, envelopes: Vec<Envelope>) {
        if envelopes.is_empty() {
            return;
        }
        let queue = self.again.clone();
        let feed = move || {
            for envelope in envelopes {
                if queue
                    .send(VerifyJob::Message {
                        envelope,
                        origin: Origin::Network,
                        answer: None,
                    })
                    .is_err()
                {
                    return;
                }
            }
        };
        if let Err(error) = spawn("again".to_owned(), feed) {
            tracing::error!(%error, "messages whose content arrived are judged at the next start");
        }
    }

    fn fail_batch(&mut self, answers: Answers, error: PipelineError) {
        tracing::error!(%error, "a batch was not written; its messages are not acknowledged");
        let error = Arc::new(error);
        if let Err(error) = self.engine.rollback() {
            tracing::error!(%error, "rollback failed");
        }
        for (answer, _) in answers.outcomes {
            let _ = answer.send(Err(Arc::clone(&error)));
        }
        for (answer, _) in answers.tombstones {
            let _ = answer.send(Err(Arc::clone(&error)));
        }
        for (file, answer) in answers.files {
            // Nobody will ask for the bytes, and on a full disk they are in the way.
            if let Ok(false) = self.engine.is_held(&file) {
                self.delete_file(file);
            }
            let _ = answer.send(Err(Arc::clone(&error)));
        }
    }
}
