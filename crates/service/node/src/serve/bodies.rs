//! Bodies that are being received: how much of them the node holds, and how slowly they may come.
//!
//! Handlers bound each body, and the listener bounds the connections; but the product of the two
//! is far more memory than a node has, and a body that never ends would hold its part for ever.
//! So all bodies share one budget, and each has to make progress. A body that breaks either rule
//! ends with an error, and the request is answered with 503 or 408, whatever its handler says.
//!
//! The first bytes of a body are free of charge, which covers nearly every message: clients
//! that mean harm can exhaust the budget, and then large bodies wait for better times, not the others.

use std::{
    error::Error,
    fmt,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU8, AtomicUsize, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::http::StatusCode;
use hyper::body::{Body, Bytes, Frame, SizeHint};

use alephd_blobs::PART_SIZE;
use alephd_tasks::Clock;

/// Bytes of all bodies that are held, beyond what is free of charge: a hundred messages of the
/// largest size, a dozen large files, or five of the largest documents.
const BUDGET: usize = 128 << 20;
/// Bytes of a body that are free of charge: some messages of ordinary size.
const FREE: usize = 16 << 10;
/// Bytes that count of an uploaded file: it goes to the disk in parts, of which one fills while the
/// other is on its way.
const FILE_COUNTED: usize = 2 * PART_SIZE;
/// Where such files are uploaded. Elsewhere bodies are held as a whole.
const FILES: &str = "/api/v0/storage/add_file";
/// Each body has to bring [`PROGRESS`] bytes in each period of this length, or end.
const PERIOD: Duration = Duration::from_secs(75);
/// About 900 bytes a second: slower than any link on which a client of the network works.
const PROGRESS: usize = 64 << 10;

/// What all bodies have in common.
#[derive(Clone)]
pub(super) struct Bodies {
    held: Arc<AtomicUsize>,
    budget: usize,
    clock: Arc<dyn Clock>,
}

impl Bodies {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            held: Arc::default(),
            budget: BUDGET,
            clock,
        }
    }

    /// Watches the body of a request for `path`. The [`Verdict`] says afterwards what was wrong with it.
    pub(super) fn watch<B>(&self, path: &str, inner: B) -> (Watched<B>, Verdict) {
        let verdict = Verdict::default();
        let watched = Watched {
            inner,
            bodies: self.clone(),
            verdict: verdict.clone(),
            received: 0,
            counted: 0,
            most: if path == FILES { FILE_COUNTED } else { usize::MAX },
            due: PROGRESS,
            timer: None,
        };
        (watched, verdict)
    }

    /// Counts more bytes, unless there is no room for them.
    fn count(&self, bytes: usize) -> bool {
        let more = |held: usize| Some(held + bytes).filter(|held| *held <= self.budget);
        let order = Ordering::Relaxed;
        bytes == 0 || self.held.fetch_update(order, order, more).is_ok()
    }
}

/// Why a body was ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum Fault {
    Crowded = 1,
    Slow = 2,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Crowded => "too much is being received",
            Self::Slow => "the body comes too slowly",
        })
    }
}

impl Error for Fault {}

/// What became of a body, for whoever answers the request.
#[derive(Clone, Default)]
pub(super) struct Verdict(Arc<AtomicU8>);

impl Verdict {
    /// The status of the answer, if the body was ended.
    pub(super) fn status(&self) -> Option<StatusCode> {
        match self.0.load(Ordering::Relaxed) {
            fault if fault == Fault::Crowded as u8 => Some(StatusCode::SERVICE_UNAVAILABLE),
            fault if fault == Fault::Slow as u8 => Some(StatusCode::REQUEST_TIMEOUT),
            _ => None,
        }
    }
}

/// A body under watch.
pub(super) struct Watched<B> {
    inner: B,
    bodies: Bodies,
    verdict: Verdict,
    received: usize,
    counted: usize,
    /// Bytes that count at most.
    most: usize,
    /// What must be received when the timer ends.
    due: usize,
    /// Made when the body is waited for: most come in one piece.
    timer: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl<B> Watched<B> {
    fn receive(&mut self, bytes: usize) -> Result<(), Fault> {
        self.received = self.received.saturating_add(bytes);
        let counted = self.received.saturating_sub(FREE).min(self.most);
        if !self.bodies.count(counted - self.counted) {
            return Err(self.end(Fault::Crowded));
        }
        self.counted = counted;
        Ok(())
    }

    fn end(&self, fault: Fault) -> Fault {
        self.verdict.0.store(fault as u8, Ordering::Relaxed);
        fault
    }

    /// Ready when the body was too slow.
    fn poll_slow(&mut self, context: &mut Context<'_>) -> Poll<()> {
        loop {
            let clock = &self.bodies.clock;
            let timer = self.timer.get_or_insert_with(|| clock.sleep(PERIOD));
            ready!(timer.as_mut().poll(context));
            if self.received < self.due {
                return Poll::Ready(());
            }
            self.due = self.received.saturating_add(PROGRESS);
            self.timer = None;
        }
    }
}

impl<B> Drop for Watched<B> {
    fn drop(&mut self) {
        self.bodies.held.fetch_sub(self.counted, Ordering::Relaxed);
    }
}

impl<B> Body for Watched<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    type Data = Bytes;
    type Error = Box<dyn Error + Send + Sync>;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = self.get_mut();
        let Poll::Ready(frame) = Pin::new(&mut this.inner).poll_frame(context) else {
            return this
                .poll_slow(context)
                .map(|()| Some(Err(this.end(Fault::Slow).into())));
        };
        Poll::Ready(frame.map(|frame| {
            let frame = frame.map_err(Into::into)?;
            this.receive(frame.data_ref().map_or(0, Bytes::len))?;
            Ok(frame)
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

#[cfg(test)]
mod tests;
