//! Tries what the schedule says.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use alephd_content::Facts;
use alephd_message::ItemHash;
use alephd_tasks::{Clock, Tasks};
use futures_util::{
    FutureExt as _, StreamExt as _,
    future::{self, BoxFuture},
    stream::FuturesUnordered,
};
use tokio::{
    sync::{Notify, oneshot},
    time::timeout,
};

use super::{
    Demand, Gap, Gaps, Source, SourceError, Want, What,
    list::{List, Page},
    schedule::{Bounds, Entry, Place, Schedule},
};

/// Least time between two changes of the schedule because somebody came.
const HASTEN_PAUSE: Duration = Duration::from_secs(30);
/// Characters of an error that are kept.
const ERROR_LENGTH: usize = 200;

/// The list of what is missing.
pub trait Wants: Send + Sync + 'static {
    /// Up to `limit` wants of messages beyond the number `after`, in the order of these numbers.
    /// May block.
    fn wanted(&self, after: i64, limit: u64) -> Result<Vec<Want>, String>;
}

/// Who is told that something is here.
pub trait Arrivals: Send + Sync + 'static {
    /// The bytes are durable. What waited for them is judged when this returns, or soon after.
    fn arrived(&self, name: ItemHash, facts: Facts) -> BoxFuture<'_, Result<(), String>>;
}

/// Free bytes on the disk of the blobs, if that is known.
pub type FreeSpace = Arc<dyn Fn() -> Option<u64> + Send + Sync>;

/// How to fetch.
#[derive(Clone)]
pub struct FetchConfig {
    /// Attempts at the same time. One needs at most 16 MiB of memory (a window of pieces and two
    /// parts of a blob), so these are a quarter of a gibibyte in the worst case.
    pub concurrency: usize,
    /// Attempts at the same time for one sender: less than all, so that something is left for others
    /// while all of one sender's are slow.
    pub concurrency_of_sender: usize,
    /// Wants in memory, at about 400 bytes.
    pub capacity: usize,
    /// The longest wait between two attempts.
    pub longest_wait: Duration,
    /// Pause between two readings of the whole list.
    pub sweep: Duration,
    /// How long one source may take for a content.
    pub content_time: Duration,
    /// How long one source may take for a file.
    pub file_time: Duration,
    /// Bytes of a content at most: what the pipeline reads.
    pub content_limit: u64,
    /// Bytes of a file at most.
    pub file_limit: u64,
    /// Bytes of an archive at most.
    pub archive_limit: u64,
    /// Asked before each attempt.
    pub free_space: Option<FreeSpace>,
    /// Free bytes that are left alone.
    pub reserve: u64,
    /// Where the jitter starts.
    pub seed: u64,
}

impl Default for FetchConfig {
    fn default() -> Self {
        Self {
            concurrency: 16,
            concurrency_of_sender: 12,
            capacity: 65_536,
            longest_wait: Duration::from_secs(300),
            sweep: Duration::from_secs(60),
            content_time: Duration::from_secs(120),
            file_time: Duration::from_secs(2 * 3_600),
            content_limit: 16 << 20,
            file_limit: 1 << 30,
            archive_limit: 4 << 30,
            free_space: None,
            reserve: 1 << 30,
            seed: 0,
        }
    }
}

impl FetchConfig {
    fn demand(&self, want: &Want) -> Demand {
        let free = self.free_space.as_ref().and_then(|free| free());
        let room = free.map_or(u64::MAX, |free| free.saturating_sub(self.reserve));
        let (file, archive) = match want.what {
            What::Content => (self.content_limit, 0),
            What::File => (self.file_limit, self.archive_limit),
        };
        Demand {
            name: want.name.clone(),
            file_limit: file.min(room),
            archive_limit: archive.min(room),
        }
    }

    fn time(&self, what: What) -> Duration {
        match what {
            What::Content => self.content_time,
            What::File => self.file_time,
        }
    }
}

/// The handle of the fetcher. Clones share it.
#[derive(Clone)]
pub struct Fetcher {
    shared: Arc<Shared>,
}

struct Shared {
    wants: Arc<dyn Wants>,
    arrivals: Arc<dyn Arrivals>,
    sources: Vec<Arc<dyn Source>>,
    config: FetchConfig,
    clock: Arc<dyn Clock>,
    tasks: Tasks,
    state: Mutex<State>,
    woken: Notify,
    hastened: Notify,
    fetched: AtomicU64,
    failed: AtomicU64,
}

struct State {
    schedule: Schedule,
    /// Where running attempts look.
    trying: HashMap<ItemHash, &'static str>,
}

impl Fetcher {
    /// Starts fetching, from the first of `sources` that has it.
    pub fn start(
        wants: Arc<dyn Wants>,
        arrivals: Arc<dyn Arrivals>,
        sources: Vec<Arc<dyn Source>>,
        config: FetchConfig,
        clock: Arc<dyn Clock>,
        tasks: &Tasks,
    ) -> Self {
        let bounds = Bounds {
            running: config.concurrency,
            running_of_sender: config.concurrency_of_sender,
            capacity: config.capacity,
            longest_wait: config.longest_wait,
        };
        let state = State {
            schedule: Schedule::new(bounds, config.seed),
            trying: HashMap::new(),
        };
        let shared = Arc::new(Shared {
            wants,
            arrivals,
            sources,
            config,
            clock,
            tasks: tasks.clone(),
            state: Mutex::new(state),
            woken: Notify::new(),
            hastened: Notify::new(),
            fetched: 0.into(),
            failed: 0.into(),
        });
        let run = Arc::clone(&shared).run();
        tasks.spawn("fetch", async move {
            run.await;
            Ok::<_, std::convert::Infallible>(())
        });
        Self { shared }
    }

    /// A message was parked because something is missing.
    pub fn wake(&self) {
        self.shared.woken.notify_one();
    }

    /// Somebody came who may have what is missing: what would wait for minutes is tried soon.
    pub fn hasten(&self) {
        self.shared.hastened.notify_one();
    }

    /// What is missing, and the oldest `most` of it one by one.
    pub fn gaps(&self, most: usize) -> Gaps {
        self.shared.gaps(most)
    }
}

type Ended = (ItemHash, Result<Result<(), String>, oneshot::error::RecvError>);
type Reading = BoxFuture<'static, (Page, Result<Vec<Want>, String>)>;

impl Shared {
    async fn run(self: Arc<Self>) {
        let token = self.tasks.token();
        let mut list = List::new(self.config.sweep);
        let mut ended: FuturesUnordered<BoxFuture<'static, Ended>> = FuturesUnordered::new();
        let mut reading: Option<Reading> = None;
        let mut hasten = false;
        let mut hasten_from = Duration::ZERO;
        loop {
            let now = self.clock.monotonic();
            if hasten && now >= hasten_from {
                self.lock().schedule.hasten(now);
                hasten = false;
                hasten_from = now + HASTEN_PAUSE;
            }
            while let Some(want) = self.next(now) {
                ended.push(self.begin(want));
            }
            if reading.is_none() {
                let page = list.next(&mut self.lock().schedule, now);
                reading = page.map(|page| self.read(page));
            }
            let due = self.lock().schedule.next_due();
            let dates = [due, list.next_sweep(), hasten.then_some(hasten_from)];
            let date = dates.into_iter().flatten().min();
            // Rounded up: a clock that counts more coarsely must not make this spin.
            let pause = date.map(|date| date.saturating_sub(now) + Duration::from_millis(1));
            let until = match pause {
                Some(pause) => self.clock.sleep(pause).left_future(),
                None => future::pending().right_future(),
            };
            let page = match &mut reading {
                Some(reading) => reading.left_future(),
                None => future::pending().right_future(),
            };
            tokio::select! {
                () = token.cancelled() => return,
                () = self.woken.notified() => list.wake(),
                () = self.hastened.notified() => hasten = true,
                Some((name, result)) = ended.next() => self.end(&name, result),
                (page, wants) = page => {
                    reading = None;
                    let now = self.clock.monotonic();
                    match wants {
                        Ok(wants) => list.take(&mut self.lock().schedule, page, wants, now),
                        Err(error) => {
                            tracing::warn!(%error, "the list of what is missing cannot be read");
                            list.failed(now);
                        }
                    }
                }
                () = until => {}
            }
        }
    }

    fn next(&self, now: Duration) -> Option<Want> {
        self.lock().schedule.next(now)
    }

    /// Reads a page of the list on a thread that may block.
    fn read(&self, page: Page) -> Reading {
        let wants = Arc::clone(&self.wants);
        Box::pin(async move {
            let reading = tokio::task::spawn_blocking(move || wants.wanted(page.after, page.limit));
            let read = reading.await.unwrap_or_else(|error| Err(error.to_string()));
            (page, read)
        })
    }

    /// Starts an attempt.
    fn begin(self: &Arc<Self>, want: Want) -> BoxFuture<'static, Ended> {
        let (answer, ended) = oneshot::channel();
        let name = want.name.clone();
        let shared = Arc::clone(self);
        let token = self.tasks.token();
        self.tasks.spawn_worker("fetch-one", async move {
            tokio::select! {
                () = token.cancelled() => {}
                // Nobody listens when the node stops.
                result = shared.attempt(&want) => drop(answer.send(result)),
            }
        });
        Box::pin(async move { (name, ended.await) })
    }

    /// Asks one source after another.
    async fn attempt(&self, want: &Want) -> Result<(), String> {
        let demand = self.config.demand(want);
        let mut errors = String::new();
        for source in &self.sources {
            let label = source.label();
            self.lock().trying.insert(want.name.clone(), label);
            let fetched = timeout(self.config.time(want.what), source.fetch(&demand)).await;
            let error = match fetched {
                Ok(Ok(facts)) => {
                    tracing::debug!(name = %want.name, source = label, size = facts.size, "fetched");
                    return self.arrivals.arrived(want.name.clone(), facts).await;
                }
                Ok(Err(SourceError::NotHeld)) => continue,
                Ok(Err(error @ SourceError::Local(_))) => return Err(error.to_string()),
                Ok(Err(error)) => error.to_string(),
                Err(_) => "took too long".to_owned(),
            };
            if !errors.is_empty() {
                errors.push_str("; ");
            }
            errors.push_str(label);
            errors.push_str(": ");
            errors.push_str(&error);
        }
        if errors.is_empty() {
            errors = SourceError::NotHeld.to_string();
        }
        Err(errors)
    }

    fn end(&self, name: &ItemHash, result: Result<Result<(), String>, oneshot::error::RecvError>) {
        let mut state = self.lock();
        state.trying.remove(name);
        match result {
            Ok(Ok(())) => {
                self.fetched.fetch_add(1, Relaxed);
                state.schedule.done(name);
            }
            Ok(Err(mut error)) => {
                self.failed.fetch_add(1, Relaxed);
                tracing::debug!(%name, %error, "was not fetched");
                let length = error.floor_char_boundary(ERROR_LENGTH);
                error.truncate(length);
                state.schedule.failed(name, error, self.clock.monotonic());
            }
            // The worker panicked, or the node stops.
            Err(_) => {
                self.failed.fetch_add(1, Relaxed);
                let now = self.clock.monotonic();
                state
                    .schedule
                    .failed(name, "the attempt broke off".to_owned(), now);
            }
        }
    }

    fn gaps(&self, most: usize) -> Gaps {
        let now = self.clock.monotonic();
        let state = self.lock();
        let schedule = &state.schedule;
        let mut oldest: Vec<&Entry> = schedule.entries().collect();
        let contents = oldest.iter().filter(|entry| entry.want.what == What::Content);
        let contents = contents.count() as u64;
        let age = |entry: &&Entry| (entry.want.since, entry.want.row);
        let first = oldest.iter().min_by_key(|entry| age(entry));
        let first = first.map(|entry| entry.want.since.as_seconds());
        let files = oldest.len() as u64 - contents;
        if oldest.len() > most {
            oldest.select_nth_unstable_by_key(most, age);
            oldest.truncate(most);
        }
        oldest.sort_unstable_by_key(age);
        let gap = |entry: &Entry| Gap {
            name: entry.want.name.to_string(),
            kind: match entry.want.what {
                What::Content => "content",
                What::File => "file",
            },
            message: entry.want.message.to_string(),
            sender: entry.want.sender.clone(),
            since: entry.want.since.as_seconds(),
            attempts: entry.attempts,
            trying: state.trying.get(&entry.want.name).copied(),
            next_attempt_in: match entry.place {
                Place::Waiting(due, _) => Some(due.saturating_sub(now).as_secs()),
                Place::Ready(_) | Place::Running => None,
            },
            error: entry.error.clone(),
        };
        Gaps {
            contents,
            files,
            complete: !schedule.is_crowded(),
            running: schedule.running() as u64,
            concurrency: self.config.concurrency as u64,
            fetched: self.fetched.load(Relaxed),
            failed: self.failed.load(Relaxed),
            oldest: first,
            gaps: oldest.into_iter().map(gap).collect(),
        }
    }

    /// Nothing below panics while it holds the lock, and nothing waits.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
