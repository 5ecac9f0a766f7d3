//! Bytes by peer, counted on its streams.

use std::collections::HashMap;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, ready};

use futures_util::io::{AsyncRead, AsyncWrite, IoSlice, IoSliceMut};
use libp2p::PeerId;
use libp2p::core::muxing::{StreamMuxer, StreamMuxerBox, StreamMuxerEvent, SubstreamBox};

#[derive(Debug, Default)]
struct Counters {
    received: AtomicU64,
    sent: AtomicU64,
}

/// The counters of the peers that are connected. Clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Traffic {
    peers: Arc<Mutex<HashMap<PeerId, Weak<Counters>>>>,
}

impl Traffic {
    /// Received and sent bytes.
    pub(crate) fn of(&self, peer: &PeerId) -> (u64, u64) {
        let counters = self.lock().get(peer).and_then(Weak::upgrade);
        counters.map_or((0, 0), |counters| {
            let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
            (read(&counters.received), read(&counters.sent))
        })
    }

    /// Counts what goes through this connection.
    pub(crate) fn count(&self, peer: PeerId, connection: StreamMuxerBox) -> StreamMuxerBox {
        let counters = {
            let mut peers = self.lock();
            let known = peers.get(&peer).and_then(Weak::upgrade);
            known.unwrap_or_else(|| {
                // The entries of those that have gone.
                peers.retain(|_, counters| counters.strong_count() > 0);
                let counters = Arc::default();
                peers.insert(peer, Arc::downgrade(&counters));
                counters
            })
        };
        StreamMuxerBox::new(Counted { connection, counters })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<PeerId, Weak<Counters>>> {
        self.peers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Counted {
    connection: StreamMuxerBox,
    counters: Arc<Counters>,
}

impl Counted {
    fn stream(&self, stream: SubstreamBox) -> CountedStream {
        CountedStream {
            stream,
            counters: Arc::clone(&self.counters),
        }
    }
}

impl StreamMuxer for Counted {
    type Substream = CountedStream;
    type Error = io::Error;

    fn poll_inbound(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<CountedStream>> {
        let stream = ready!(Pin::new(&mut self.connection).poll_inbound(context))?;
        Poll::Ready(Ok(self.stream(stream)))
    }

    fn poll_outbound(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<CountedStream>> {
        let stream = ready!(Pin::new(&mut self.connection).poll_outbound(context))?;
        Poll::Ready(Ok(self.stream(stream)))
    }

    fn poll_close(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.connection).poll_close(context)
    }

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<StreamMuxerEvent>> {
        Pin::new(&mut self.connection).poll(context)
    }
}

struct CountedStream {
    stream: SubstreamBox,
    counters: Arc<Counters>,
}

fn add(counter: &AtomicU64, polled: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
    if let Poll::Ready(Ok(bytes)) = polled {
        counter.fetch_add(bytes as u64, Ordering::Relaxed);
    }
    polled
}

impl AsyncRead for CountedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_read(context, into);
        add(&self.counters.received, polled)
    }

    fn poll_read_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut [IoSliceMut<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_read_vectored(context, into);
        add(&self.counters.received, polled)
    }
}

impl AsyncWrite for CountedStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        from: &[u8],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(context, from);
        add(&self.counters.sent, polled)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        from: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write_vectored(context, from);
        add(&self.counters.sent, polled)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_close(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_close(context)
    }
}
