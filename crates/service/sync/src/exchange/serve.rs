//! The side that is asked.

use std::{
    hash::Hash,
    io,
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use alephd_blobs::{BlobReader, Blobs, Error as BlobError};
use alephd_message::ItemHash;
use alephd_peer_protocol::exchange::{Answer, ExchangeError, Form, MAX_DATA, MAX_REQUEST, Request};
use futures_util::{
    TryStreamExt as _,
    io::{AsyncRead, AsyncWrite},
};
use serde::Serialize;
use tokio::time::timeout;

use super::{
    frame::{read_frame, write_frame},
    slots::{Slots, StreamSlot},
};

/// What one peer and all peers may use of a server.
#[derive(Clone, Copy, Debug)]
pub struct ServeLimits {
    /// Streams in all. One that waits for a request costs a few hundred bytes.
    pub streams: usize,
    /// Streams of one peer.
    pub streams_of_peer: usize,
    /// Requests answered at the same time: each holds two reads of the disk, half a mebibyte.
    pub reads: usize,
    /// Requests of one peer answered at the same time.
    pub reads_of_peer: usize,
    /// How long a request waits for its turn before the answer is that the server is busy. Less than
    /// any client waits for an answer.
    pub turn: Duration,
    /// How long a stream may be open with nothing asked.
    pub idle: Duration,
    /// How long a peer may take to accept one frame: [`MAX_DATA`] bytes, at 13 kB/s.
    pub frame: Duration,
}

impl Default for ServeLimits {
    fn default() -> Self {
        Self {
            streams: 256,
            streams_of_peer: 16,
            reads: 32,
            reads_of_peer: 4,
            turn: Duration::from_secs(5),
            idle: Duration::from_secs(60),
            frame: Duration::from_secs(20),
        }
    }
}

/// Why a stream was ended before its other side did.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The peer, or everybody, has as many streams as are allowed.
    #[error("too many streams")]
    TooMany,
    /// Nothing was asked for a while.
    #[error("nothing was asked")]
    Idle,
    /// The peer takes bytes too slowly.
    #[error("the peer reads too slowly")]
    Slow,
    /// The peer does not speak the protocol.
    #[error("bad request: {0}")]
    Protocol(#[from] ExchangeError),
    /// The stream failed.
    #[error("stream: {0}")]
    Stream(#[from] io::Error),
}

/// What a server did so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Served {
    /// Streams open now.
    pub streams: u64,
    /// Requests answered, with whatever answer.
    pub requests: u64,
    /// Bytes of contents and files sent.
    pub bytes: u64,
    /// Answers that the server is busy.
    pub busy: u64,
    /// Streams refused because there were too many.
    pub refused: u64,
    /// Streams ended because the peer was slow or silent.
    pub dropped: u64,
}

/// Answers requests from the blobs of this node. Clones share the bounds.
#[derive(Debug)]
pub struct Server<P> {
    inner: Arc<Inner<P>>,
}

#[derive(Debug)]
struct Inner<P> {
    blobs: Blobs,
    limits: ServeLimits,
    slots: Arc<Slots<P>>,
    requests: AtomicU64,
    bytes: AtomicU64,
    busy: AtomicU64,
    refused: AtomicU64,
    dropped: AtomicU64,
}

impl<P> Clone for Server<P> {
    fn clone(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
        }
    }
}

impl<P: Clone + Eq + Hash> Server<P> {
    /// A server of these blobs.
    pub fn new(blobs: Blobs, limits: ServeLimits) -> Self {
        Self {
            inner: Arc::new(Inner {
                blobs,
                limits,
                slots: Arc::new(Slots::new(limits)),
                requests: 0.into(),
                bytes: 0.into(),
                busy: 0.into(),
                refused: 0.into(),
                dropped: 0.into(),
            }),
        }
    }

    /// What it did so far.
    pub fn served(&self) -> Served {
        let inner = &self.inner;
        Served {
            streams: inner.slots.streams() as u64,
            requests: inner.requests.load(Relaxed),
            bytes: inner.bytes.load(Relaxed),
            busy: inner.busy.load(Relaxed),
            refused: inner.refused.load(Relaxed),
            dropped: inner.dropped.load(Relaxed),
        }
    }

    /// Answers what `peer` asks on a stream, until it ends it or misbehaves.
    pub async fn serve(
        &self,
        peer: &P,
        mut stream: impl AsyncRead + AsyncWrite + Unpin,
    ) -> Result<(), ServeError> {
        let inner = &*self.inner;
        let Some(slot) = inner.slots.enter(peer) else {
            inner.refused.fetch_add(1, Relaxed);
            return Err(ServeError::TooMany);
        };
        let served = inner.requests(&slot, &mut stream).await;
        if let Err(ServeError::Idle | ServeError::Slow) = served {
            inner.dropped.fetch_add(1, Relaxed);
        }
        served
    }
}

/// What there is under a name.
struct Held {
    form: Form,
    size: u64,
}

impl<P: Clone + Eq + Hash> Inner<P> {
    async fn requests(
        &self,
        slot: &StreamSlot<P>,
        stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    ) -> Result<(), ServeError> {
        loop {
            let asking = timeout(self.limits.idle, read_frame(stream, MAX_REQUEST));
            let Some(bytes) = asking.await.map_err(|_| ServeError::Idle)?? else {
                return Ok(());
            };
            let request = Request::decode(&bytes)?;
            self.requests.fetch_add(1, Relaxed);
            self.answer(slot, stream, &request).await?;
        }
    }

    async fn answer(
        &self,
        slot: &StreamSlot<P>,
        stream: &mut (impl AsyncWrite + Unpin),
        request: &Request,
    ) -> Result<(), ServeError> {
        let turn = timeout(self.limits.turn, slot.read()).await;
        let Ok(Some(_read)) = turn else {
            self.busy.fetch_add(1, Relaxed);
            return self.send(stream, &Answer::Busy.encode()).await;
        };
        let (answer, reader) = match self.open(request).await {
            Ok(opened) => opened,
            Err(BlobError::NotFound) => (Answer::NotFound, None),
            Err(error) => {
                // Its cause is this node's own business.
                tracing::warn!(name = %request.name, %error, "cannot be read for a peer");
                (Answer::NotFound, None)
            }
        };
        self.send(stream, &answer.encode()).await?;
        match reader {
            Some(reader) => self.send_all(stream, reader).await,
            None => Ok(()),
        }
    }

    /// The answer, and what to send after it.
    async fn open(&self, request: &Request) -> Result<(Answer, Option<BlobReader>), BlobError> {
        let Held { form, size } = self.held(&request.name).await?;
        let Some(Range { start, end }) = request.part_of(size) else {
            return Ok((Answer::Beyond { form, size }, None));
        };
        let length = end - start;
        let reader = match (length, form) {
            (0, _) => None,
            (_, Form::File) => Some(self.blobs.read(&request.name, Some(start..end)).await?),
            (_, Form::Archive) => Some(self.blobs.read_archive(&request.name, Some(start..end)).await?),
        };
        Ok((Answer::Found { form, size, length }, reader))
    }

    async fn held(&self, name: &ItemHash) -> Result<Held, BlobError> {
        if let Some(size) = self.blobs.size(name).await? {
            return Ok(Held {
                form: Form::File,
                size,
            });
        }
        let size = self.blobs.archive_size(name).await?;
        Ok(Held {
            form: Form::Archive,
            size: size.ok_or(BlobError::NotFound)?,
        })
    }

    /// Sends the pieces of a blob, each while the next one is read.
    async fn send_all(
        &self,
        stream: &mut (impl AsyncWrite + Unpin),
        mut reader: BlobReader,
    ) -> Result<(), ServeError> {
        let mut next = reader.try_next().await;
        loop {
            let piece = match next {
                Ok(Some(piece)) => piece,
                Ok(None) => return Ok(()),
                Err(error) => {
                    tracing::warn!(%error, "a blob cannot be read to its end for a peer");
                    return self.send(stream, &[]).await;
                }
            };
            // What the storage reads at once fits into a frame; should that change, it still does.
            let (head, tail) = piece.split_at(piece.len().min(MAX_DATA));
            let (sent, read) = futures_util::join!(self.send(stream, head), reader.try_next());
            sent?;
            for frame in tail.chunks(MAX_DATA) {
                self.send(stream, frame).await?;
            }
            self.bytes.fetch_add(piece.len() as u64, Relaxed);
            next = read;
        }
    }

    async fn send(&self, stream: &mut (impl AsyncWrite + Unpin), frame: &[u8]) -> Result<(), ServeError> {
        let sending = timeout(self.limits.frame, write_frame(stream, frame));
        Ok(sending.await.map_err(|_| ServeError::Slow)??)
    }
}
