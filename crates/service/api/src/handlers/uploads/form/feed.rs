//! What a parser is fed with, and when it has had enough.

use std::{
    mem,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
};

use axum::body::{Body, BodyDataStream};
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};

/// Largest piece. The parser looks through all that it holds for each.
const PIECE: usize = 64 << 10;

/// The body of a request. All clones are the same one.
#[derive(Clone)]
pub(super) struct Feed(Arc<Mutex<Source>>);

struct Source {
    body: BodyDataStream,
    /// Of a piece that was too large.
    rest: Bytes,
    /// Whether a piece was given since the reader was last told to wait. A parser that takes all there is
    /// before it looks at any would hold all of it.
    given: bool,
    /// Bytes that may be given before something is read.
    left: usize,
    most: usize,
}

/// Why the parser gets nothing more.
#[derive(Debug, thiserror::Error)]
pub(super) enum FeedError {
    /// It has been given all that it may hold.
    #[error("no part begins or ends within the bound")]
    Unread,
    /// The connection broke.
    #[error(transparent)]
    Body(#[from] axum::Error),
}

impl Feed {
    /// Gives at most `most` bytes of a body before something [was read](Self::was_read).
    pub(super) fn new(body: Body, most: usize) -> Self {
        Self(Arc::new(Mutex::new(Source {
            body: body.into_data_stream(),
            rest: Bytes::new(),
            given: false,
            left: most,
            most,
        })))
    }

    /// The parser gave something back.
    pub(super) fn was_read(&self) {
        let mut source = self.source();
        source.left = source.most;
    }

    /// Reads on, up to a bound, and keeps nothing.
    pub(super) async fn drain(self, most: usize) {
        let mut left = most;
        while left > 0 {
            // Not through the stream of this feed: that one has had enough.
            let piece = std::future::poll_fn(|context| self.source().body.poll_next_unpin(context));
            let Some(Ok(piece)) = piece.await else { return };
            left = left.saturating_sub(piece.len());
        }
    }

    /// A panic while this is held leaves a body that can be read on.
    fn source(&self) -> MutexGuard<'_, Source> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Stream for Feed {
    type Item = Result<Bytes, FeedError>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let source = &mut *self.source();
        if mem::take(&mut source.given) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        while source.rest.is_empty() {
            match ready!(source.body.poll_next_unpin(context)) {
                None => return Poll::Ready(None),
                Some(piece) => source.rest = piece?,
            }
        }
        let piece = source.rest.split_to(source.rest.len().min(PIECE));
        let Some(left) = source.left.checked_sub(piece.len()) else {
            return Poll::Ready(Some(Err(FeedError::Unread)));
        };
        source.left = left;
        source.given = true;
        Poll::Ready(Some(Ok(piece)))
    }
}
