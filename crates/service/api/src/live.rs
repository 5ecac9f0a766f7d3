//! What the node tells while it happens: new messages and its own numbers.
//!
//! One task reads the events of the pipeline, writes each message once as JSON, decides for every
//! subscriber whether it wants the message, and puts the shared text into its queue.
//!
//! ```text
//!   pipeline ── broadcast ──▶ Api::live_task ──▶ queue of 1,000 frames ──▶ websocket
//!                              │  one rendering   ├─▶ queue …
//!                              │  N filters       └─▶ full: this subscriber is dropped
//!                              ├─▶ messages per second, for the page
//!                              ├─▶ new prices: the list that is kept is read again
//!                              └─▶ the table of metrics every 10 s, if it changed
//! ```
//!
//! # What it promises
//!
//! - A subscriber sees every message that becomes live after `Api::subscribe` returned and that
//!   its filter accepts, in the order in which they were committed, or it is dropped.
//! - A filter accepts here what it accepts in a list: both look at the same terms.
//! - A subscriber that does not take its frames costs the others nothing, and in memory at most
//!   [`QUEUE`] shared frames and little more than [`QUEUE_BYTES`].
//!
//! # What it leaves to others
//!
//! The websocket itself (`handlers::sockets`), and running the task: without it nothing is told.
//!
//! If the task falls so far behind that the pipeline overwrites events, they are counted and the
//! rest is told; subscribers then miss messages, as after a reconnect.

mod filter;
mod rate;
#[cfg(test)]
pub(crate) mod tests;

use std::{
    collections::HashMap,
    future::Future,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::extract::ws::Utf8Bytes;
use tokio::sync::{broadcast, oneshot, watch};

use alephd_message::ItemHash;
use alephd_pipeline::Event;
use alephd_store::{
    read::{MessageFilter, MessageRow},
    write::Row,
};
use alephd_tasks::{
    CancellationToken,
    queue::{self, Receiver, Refused, Sender},
};

use crate::{Api, json::Writer, metrics, render};

pub(crate) use rate::SECONDS;

use filter::{Facts, LiveFilter};
use rate::Rate;

/// Frames that a subscriber may be behind: some seconds of a busy node, and with messages of a
/// kilobyte about a megabyte, most of which all subscribers share.
pub(crate) const QUEUE: usize = 1_000;
/// Bytes that a subscriber may be behind, which comes first where messages are large.
const QUEUE_BYTES: usize = 16 << 20;
/// How often the metrics are looked at, as in the reference.
const STATUS_EVERY: Duration = Duration::from_secs(10);

/// What is kept for those who listen.
pub(crate) struct Live {
    subscribers: Mutex<Subscribers>,
    rate: Mutex<Rate>,
    status: watch::Sender<Utf8Bytes>,
    stopped: CancellationToken,
    started: Duration,
}

#[derive(Default)]
struct Subscribers {
    next: u64,
    all: HashMap<u64, Subscriber>,
}

struct Subscriber {
    filter: LiveFilter,
    with_content: bool,
    queue: Sender<Frame>,
    queued_bytes: Arc<AtomicUsize>,
    /// Never sent: the subscription learns from its end that it was dropped.
    _dropped: oneshot::Sender<()>,
}

impl Subscriber {
    /// Says whether it keeps up.
    fn offer(&self, frame: Frame) -> bool {
        let bytes = frame.text.len();
        // Looked at before adding, so that a single large frame always has room.
        if self.queued_bytes.fetch_add(bytes, Ordering::Relaxed) > QUEUE_BYTES {
            return false;
        }
        match self.queue.offer(frame) {
            // The closed ones are about to leave by themselves.
            Ok(()) | Err(Refused::Closed(_)) => true,
            Err(Refused::Full(_)) => false,
        }
    }
}

/// A message as text, shared by all who get it.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    /// The message.
    pub(crate) hash: ItemHash,
    /// Its JSON.
    pub(crate) text: Utf8Bytes,
}

/// Messages for one subscriber. Ends with it.
pub(crate) struct Subscription {
    api: Api,
    id: u64,
    frames: Receiver<Frame>,
    queued_bytes: Arc<AtomicUsize>,
    dropped: Option<oneshot::Receiver<()>>,
}

impl Subscription {
    /// The next message; `None` after the subscriber was dropped and has taken what was queued.
    pub(crate) async fn next(&mut self) -> Option<Frame> {
        let frame = self.frames.recv().await?;
        self.queued_bytes.fetch_sub(frame.text.len(), Ordering::Relaxed);
        Some(frame)
    }

    /// Ready when the subscriber was dropped for being slow. May be asked for once.
    pub(crate) fn overflow(&mut self) -> impl Future<Output = ()> + use<> {
        let dropped = self.dropped.take();
        async move {
            match dropped {
                Some(dropped) => drop(dropped.await),
                None => std::future::pending().await,
            }
        }
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        lock(&self.api.live().subscribers).all.remove(&self.id);
    }
}

impl Live {
    /// Nobody listens yet; the node started at `now`, a monotonic reading.
    pub(crate) fn new(now: Duration) -> Self {
        Self {
            subscribers: Mutex::default(),
            rate: Mutex::new(Rate::new(now.as_secs())),
            status: watch::Sender::new(Utf8Bytes::default()),
            stopped: CancellationToken::new(),
            started: now,
        }
    }

    /// Cancelled when the task has ended and nothing more will be told.
    pub(crate) fn stopped(&self) -> &CancellationToken {
        &self.stopped
    }

    /// The monotonic reading at the start.
    pub(crate) fn started(&self) -> Duration {
        self.started
    }

    /// Messages in each of the last [`SECONDS`] seconds, oldest first.
    pub(crate) fn rate(&self, now: Duration) -> Vec<u32> {
        lock(&self.rate).read(now.as_secs())
    }

    /// Frames of metrics to come.
    pub(crate) fn status(&self) -> watch::Receiver<Utf8Bytes> {
        self.status.subscribe()
    }

    /// Hands one message to all who want it. Returns the number of dropped subscribers and
    /// whether anybody got it.
    fn tell(&self, row: &Row) -> (u64, bool) {
        let mut subscribers = lock(&self.subscribers);
        if subscribers.all.is_empty() {
            return (0, false);
        }
        let facts = Facts::of(row);
        let mut rendered = Rendered::new(row);
        let (before, mut told) = (subscribers.all.len(), false);
        subscribers.all.retain(|_, subscriber| {
            if !subscriber.filter.accepts(&facts) {
                return true;
            }
            told = true;
            subscriber.offer(rendered.frame(subscriber.with_content))
        });
        ((before - subscribers.all.len()) as u64, told)
    }
}

/// The two texts of a message, written when first wanted.
struct Rendered<'a> {
    row: &'a Row,
    forms: [Option<Frame>; 2],
}

impl<'a> Rendered<'a> {
    fn new(row: &'a Row) -> Self {
        Self {
            row,
            forms: [None, None],
        }
    }

    fn frame(&mut self, with_content: bool) -> Frame {
        let row = self.row;
        let form = &mut self.forms[usize::from(with_content)];
        form.get_or_insert_with(|| {
            let size = row.content_text().map_or(0, str::len);
            let mut out = Writer::with_capacity(2 * size + 600);
            render::message(&mut out, &MessageRow::from(row), with_content);
            Frame {
                hash: row.hash.clone(),
                text: out.finish().into(),
            }
        })
        .clone()
    }
}

impl Api {
    /// The task that feeds websockets and the page with what happens. A node runs it once, until
    /// the token is cancelled; open websockets are closed then. Events count from the moment of
    /// this call, not from the first poll.
    pub fn live_task(&self, token: CancellationToken) -> impl Future<Output = ()> + Send + use<> {
        let api = self.clone();
        let mut events = self.pipeline.subscribe();
        async move {
            let _stop = api.live().stopped.clone().drop_guard();
            let mut tick = api.clock.sleep(STATUS_EVERY);
            loop {
                tokio::select! {
                    () = token.cancelled() => return,
                    event = events.recv() => {
                        if !take(&api, event) {
                            return;
                        }
                    }
                    () = &mut tick => {
                        tick = api.clock.sleep(STATUS_EVERY);
                        publish_status(&api);
                    }
                }
            }
        }
    }

    /// Messages that become live from now on and match. History must be read after this call, so
    /// that nothing falls between.
    pub(crate) fn subscribe(&self, filter: MessageFilter, with_content: bool) -> Subscription {
        let (queue, frames) = queue::bounded("websocket", QUEUE);
        let (sender, dropped) = oneshot::channel();
        let filter = LiveFilter::new(filter);
        let queued_bytes = Arc::new(AtomicUsize::new(0));
        let subscriber = Subscriber {
            filter,
            with_content,
            queue,
            queued_bytes: Arc::clone(&queued_bytes),
            _dropped: sender,
        };
        let mut subscribers = lock(&self.live().subscribers);
        let id = subscribers.next;
        subscribers.next += 1;
        subscribers.all.insert(id, subscriber);
        Subscription {
            api: self.clone(),
            id,
            frames,
            queued_bytes,
            dropped: Some(dropped),
        }
    }
}

/// Says whether more events can come.
fn take(api: &Api, event: Result<Event, broadcast::error::RecvError>) -> bool {
    match event {
        Ok(Event::Processed(row)) => tell(api, &row),
        Err(broadcast::error::RecvError::Lagged(missed)) => {
            api.gauges.missed_events.fetch_add(missed, Ordering::Relaxed);
            api.price_list().forget();
            tracing::warn!(
                missed,
                "websockets were not told of some messages: the fan-out is too slow"
            );
        }
        Err(broadcast::error::RecvError::Closed) => return false,
    }
    true
}

fn tell(api: &Api, row: &Arc<Row>) {
    // First: who learns of new prices from a websocket may ask for one at once.
    api.price_list().notice(row, &api.settings.money.pricing_owner);
    let live = api.live();
    lock(&live.rate).count(api.clock.monotonic().as_secs());
    let (dropped, told) = live.tell(row);
    api.gauges.broadcast.fetch_add(u64::from(told), Ordering::Relaxed);
    if dropped > 0 {
        api.gauges.slow_sockets.fetch_add(dropped, Ordering::Relaxed);
        tracing::info!(dropped, "websockets that read too slowly were dropped");
    }
}

/// Puts the metrics where the status websockets look, if they have changed and anybody looks.
fn publish_status(api: &Api) {
    let status = &api.live().status;
    if status.receiver_count() == 0 {
        return;
    }
    match metrics::status_json(api) {
        Ok(json) => {
            status.send_if_modified(|last| {
                let changed = last.as_str() != json;
                if changed {
                    *last = json.into();
                }
                changed
            });
        }
        Err(error) => tracing::error!(%error, "the metrics cannot be read"),
    }
}

/// Nothing panics while it holds one of these locks, and the data is consistent at every step.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
