//! Checking that the state is a function of the messages and of nothing else.
//!
//! ```text
//!   database ──▶ 1. files that are held
//!                2. FORGETs that made contents go, then tombstones without content, as they are
//!                3. every other message, through a pipeline, newest first
//!            ──▶ a database beside it
//! ```
//!
//! A content that is gone cannot be judged a second time, and what made it go is final: the second
//! step copies these facts. Everything else is derived again, so both databases must come to the
//! same state root. The root is also added up from the tables of the first one, which shows rows
//! that something other than the program has changed.

use std::{collections::VecDeque, sync::Arc};

use futures_util::{StreamExt as _, TryStreamExt as _};
use serde::Serialize;
use tokio::{runtime::Handle, sync::oneshot::Receiver, task::JoinError};

use alephd_content::Content;
use alephd_message::{Envelope, Micros};
use alephd_pipeline::{Origin, Outcome, Pipeline, PipelineConfig, PipelineError};
use alephd_store::{
    Store, StoreConfig, StoreError, Writer,
    read::{FileKind, Order, RawMessage},
};
use alephd_tasks::{CancellationToken, Clock};

use crate::{
    Config, DataDir, NodeError, Profile,
    adopt::file_kind,
    node,
    progress::{Progress, Show},
    state_root,
};

/// Messages read at once, and under way at once.
const PAGE: u64 = 1_000;
/// Files and final facts in one transaction.
const SEEDED_AT_ONCE: usize = 1_000;
const IN_FLIGHT: usize = 4_096;

/// What came of a rebuild.
#[derive(Clone, Debug, Serialize)]
pub struct RebuildReport {
    /// Whether all three roots are the same.
    pub equal: bool,
    /// The live root of the database.
    pub live: String,
    /// The live root that its tables add up to.
    pub tables: String,
    /// The live root that its messages give.
    pub rebuilt: String,
    /// Messages fed, with all their copies.
    pub messages: u64,
    /// Messages taken over as they are: tombstones without content and the FORGETs behind them.
    pub taken_over: u64,
    /// Whether it was stopped early; the roots then say nothing.
    pub stopped: bool,
    /// Time taken.
    pub seconds: f64,
}

/// Rebuilds the state of a data folder beside it and compares. The folder is locked meanwhile,
/// and needs room for the database a second time.
pub async fn rebuild(
    config: &Config,
    profile: &Profile,
    clock: Arc<dyn Clock>,
    show: Show,
    stop: CancellationToken,
) -> Result<RebuildReport, NodeError> {
    let folder = DataDir::at(&config.data.folder);
    if !folder.is_used() {
        return Err(NodeError::Empty(folder.path().to_owned()));
    }
    let data = folder.open(config, profile).await?;
    let failed = |source| NodeError::Folder {
        path: folder.path().to_owned(),
        source,
    };
    let beside = tempfile::Builder::new()
        .prefix("rebuild-")
        .tempdir_in(folder.path())
        .map_err(failed)?;
    let fresh = Store::open(&StoreConfig::at(beside.path().join("alephd.sqlite")))?;
    let mut writer = fresh.take_writer().expect("it was just opened");
    let mut settings: PipelineConfig = node::pipeline_config(config, profile);
    // In the opposite order most of what refers to something waits for it.
    settings.engine.parked_per_sender = u32::MAX - 1;
    settings.bulk = true;
    let now = Micros(clock.now_micros());
    let grace = (now, Micros(now.0.saturating_add(settings.engine.grace.0)));

    let (store, content, halt) = (data.store.clone(), data.content.clone(), stop.clone());
    let seeding = tokio::task::spawn_blocking(move || {
        let tables = store.reader().state_root_of_tables()?.digest();
        let taken_over = seed(&store, &content, &mut writer, grace, &halt)?;
        Ok::<_, NodeError>((writer, tables, taken_over))
    });
    let (writer, tables, taken_over) = finished(seeding.await)??;
    let pipeline = Pipeline::start(
        writer,
        data.blobs.clone(),
        settings,
        Arc::clone(&clock),
        Handle::current(),
    )?;

    let (store, feeder) = (data.store.clone(), pipeline.clone());
    let work = tokio::task::spawn_blocking(move || feed(&store, &feeder, clock, show, &stop));
    let result = work.await;
    node::close(pipeline).await;
    let fed = finished(result)??;
    let live_root = |store| Ok::<_, NodeError>(state_root::of_store(store, &profile.name, false)?.live);
    let (live, rebuilt) = (live_root(&data.store)?, live_root(&fresh)?);
    Ok(RebuildReport {
        equal: live == rebuilt && live == tables && !fed.stopped,
        live,
        tables,
        rebuilt,
        messages: fed.messages,
        taken_over,
        stopped: fed.stopped,
        seconds: fed.seconds,
    })
}

/// What a blocking thread came to.
fn finished<T>(result: Result<T, JoinError>) -> Result<T, NodeError> {
    result.map_err(|error| NodeError::Pipeline(error.to_string()))
}

/// Writes what no message gives: the files that are held, and the final facts of `store`. Says how
/// many of these there are. Blocks.
fn seed(
    store: &Store,
    content: &Content,
    writer: &mut Writer,
    (now, until): (Micros, Micros),
    stop: &CancellationToken,
) -> Result<u64, NodeError> {
    let runtime = Handle::current();
    let mut files = content.blobs().list().try_chunks(SEEDED_AT_ONCE);
    while let Some(chunk) = runtime.block_on(files.next()).filter(|_| !stop.is_cancelled()) {
        let chunk = chunk.map_err(|error| NodeError::Blobs(error.1))?;
        seed_page(writer, &chunk, |writer, (name, size)| {
            writer.file_insert(name, *size, FileKind::File, now)?;
            writer.pin_grace(name, now, until)
        })?;
    }
    let mut archives = content.blobs().list_archives();
    while let Some(found) = runtime.block_on(archives.next()).filter(|_| !stop.is_cancelled()) {
        let (name, _) = found.map_err(NodeError::Blobs)?;
        // One that cannot be read holds nothing for anybody; a scrub tells.
        let Some(facts) = runtime.block_on(content.facts(&name)).ok().flatten() else {
            continue;
        };
        seed_page(writer, &[(name, facts)], |writer, (name, facts)| {
            writer.file_insert(name, facts.size, file_kind(*facts), now)?;
            writer.pin_grace(name, now, until)
        })?;
    }
    let mut taken_over = 0;
    let reader = store.reader();
    let mut after = None;
    while !stop.is_cancelled() {
        let page = reader.removals(after.as_ref(), SEEDED_AT_ONCE as u64)?;
        let Some((last, _)) = page.last() else { break };
        after = Some(last.clone());
        seed_page(writer, &page, |writer, (message, time)| {
            writer.removal_insert(message, *time)
        })?;
    }
    let mut from = 0;
    while !stop.is_cancelled() {
        let page = reader.final_forgets(from, SEEDED_AT_ONCE as u64)?;
        let Some(last) = page.last() else { break };
        from = last.row.id;
        taken_over += page.len() as u64;
        seed_page(writer, &page, Writer::forget_seed)?;
    }
    let mut from = 0;
    while !stop.is_cancelled() {
        let page = reader.tombstones(from, SEEDED_AT_ONCE as u64)?;
        let Some(last) = page.last() else { break };
        from = last.row.id;
        taken_over += page.len() as u64;
        seed_page(writer, &page, Writer::tombstone_seed)?;
    }
    Ok(taken_over)
}

fn seed_page<T>(
    writer: &mut Writer,
    page: &[T],
    put: impl Fn(&mut Writer, &T) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    writer.begin()?;
    for item in page {
        put(writer, item)?;
    }
    writer.commit()
}

#[derive(Default)]
struct Fed {
    messages: u64,
    stopped: bool,
    seconds: f64,
}

fn feed(
    store: &Store,
    pipeline: &Pipeline,
    clock: Arc<dyn Clock>,
    show: Show,
    stop: &CancellationToken,
) -> Result<Fed, NodeError> {
    let reader = store.reader();
    let counts = reader.counts()?;
    let total = counts.messages + counts.pending + counts.parked + counts.forgotten;
    let mut progress = Progress::new(show, Some(total), clock);
    let mut fed = Fed::default();
    let mut passed = 0;
    let mut flights = VecDeque::with_capacity(IN_FLIGHT);
    let mut from = i64::MAX;
    loop {
        let page = reader.raw_messages(from, Order::Descending, PAGE)?;
        let Some(last) = page.last() else { break };
        from = last.id;
        for message in &page {
            if message.is_final {
                passed += 1;
                continue;
            }
            for envelope in envelopes(message) {
                flights.push_back(pipeline.submit_blocking(envelope, Origin::History)?);
                fed.messages += 1;
            }
        }
        land(&mut flights, IN_FLIGHT)?;
        progress.advance(fed.messages, fed.messages + passed);
        if stop.is_cancelled() {
            fed.stopped = true;
            break;
        }
    }
    land(&mut flights, 0)?;
    progress.finish(fed.messages);
    fed.seconds = progress.elapsed().as_secs_f64();
    Ok(fed)
}

/// The copies of a message, the served one last: which one is served must not depend on it.
fn envelopes(message: &RawMessage) -> Vec<Envelope> {
    message
        .other_envelopes()
        .chain([message.envelope.clone()])
        .collect()
}

type Answer = Receiver<Result<Outcome, Arc<PipelineError>>>;

fn land(flights: &mut VecDeque<Answer>, left: usize) -> Result<(), NodeError> {
    while flights.len() > left {
        let Some(flight) = flights.pop_front() else { break };
        flight
            .blocking_recv()
            .unwrap_or_else(|_| Err(Arc::new(PipelineError::Closed)))?;
    }
    Ok(())
}
