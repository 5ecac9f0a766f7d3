//! Checking that the state is a function of the messages and of nothing else.
//!
//! Every message that the database holds goes through a pipeline over an empty one, in the
//! opposite order, after the files that are held. Both must come to the same state root. What
//! the check cannot feed again are tombstones whose content is gone: they are counted.

use std::{collections::VecDeque, sync::Arc};

use futures_util::TryStreamExt as _;
use serde::Serialize;
use tokio::{runtime::Handle, sync::oneshot::Receiver};

use alephd_message::Envelope;
use alephd_pipeline::{Origin, Outcome, Pipeline, PipelineConfig, PipelineError};
use alephd_store::{
    Store, StoreConfig,
    read::{Order, RawMessage},
};
use alephd_tasks::{CancellationToken, Clock};

use crate::{
    Config, DataDir, NodeError, Profile, node,
    progress::{Progress, Show},
    state_root,
};

/// Messages read at once, and under way at once.
const PAGE: u64 = 1_000;
const IN_FLIGHT: usize = 4_096;

/// What came of a rebuild.
#[derive(Clone, Debug, Serialize)]
pub struct RebuildReport {
    /// Whether both roots are the same.
    pub equal: bool,
    /// The live root of the database.
    pub live: String,
    /// The live root that its messages give.
    pub rebuilt: String,
    /// Messages fed, with all their copies.
    pub messages: u64,
    /// Tombstones without content, which could not be fed.
    pub skipped: u64,
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
    let writer = fresh.take_writer().expect("it was just opened");
    let mut settings: PipelineConfig = node::pipeline_config(config, profile);
    // In the opposite order most of what refers to something waits for it.
    settings.engine.parked_per_sender = u32::MAX - 1;
    let pipeline = Pipeline::start(
        writer,
        data.blobs.clone(),
        settings,
        Arc::clone(&clock),
        Handle::current(),
    )?;

    let mut files = data.blobs.list();
    while let Some((name, size)) = files.try_next().await.map_err(NodeError::Blobs)? {
        pipeline.file_arrived(name, size).await?;
    }

    let (store, feeder) = (data.store.clone(), pipeline.clone());
    let work = tokio::task::spawn_blocking(move || feed(&store, &feeder, clock, show, &stop));
    let result = work.await;
    node::close(pipeline).await;
    let fed = result.map_err(|error| NodeError::Pipeline(error.to_string()))??;
    let live_root = |store| Ok::<_, NodeError>(state_root::of_store(store, &profile.name, false)?.live);
    let (live, rebuilt) = (live_root(&data.store)?, live_root(&fresh)?);
    Ok(RebuildReport {
        equal: live == rebuilt && !fed.stopped,
        live,
        rebuilt,
        messages: fed.messages,
        skipped: fed.skipped,
        stopped: fed.stopped,
        seconds: fed.seconds,
    })
}

#[derive(Default)]
struct Fed {
    messages: u64,
    skipped: u64,
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
    let mut flights = VecDeque::with_capacity(IN_FLIGHT);
    let mut from = i64::MAX;
    loop {
        let page = reader.raw_messages(from, Order::Descending, PAGE)?;
        let Some(last) = page.last() else { break };
        from = last.id;
        for message in &page {
            if message.is_purged {
                fed.skipped += 1;
                continue;
            }
            for envelope in envelopes(message) {
                flights.push_back(pipeline.submit_blocking(envelope, Origin::History)?);
                fed.messages += 1;
            }
        }
        land(&mut flights, IN_FLIGHT)?;
        progress.advance(fed.messages, fed.messages + fed.skipped);
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
