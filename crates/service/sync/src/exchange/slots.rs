//! Who may use how much of a server.
//!
//! ```text
//!   stream ──▶ one of the peer's streams ──▶ one of the peer's reads ──▶ one of all reads ──▶ read
//!              none left: refused            waits its turn               waits its turn
//! ```
//!
//! A peer waits for its own reads first, so it never stands in the common line more often than it
//! may read; the line itself is served in order.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::ServeLimits;

/// The streams and reads of a server.
#[derive(Debug)]
pub(crate) struct Slots<P> {
    limits: ServeLimits,
    reads: Arc<Semaphore>,
    peers: Mutex<Peers<P>>,
}

#[derive(Debug)]
struct Peers<P> {
    streams: usize,
    /// Only peers with a stream.
    of: HashMap<P, Share>,
}

#[derive(Debug)]
struct Share {
    streams: usize,
    reads: Arc<Semaphore>,
}

/// The right to one stream, given back when it is dropped.
#[derive(Debug)]
pub(crate) struct StreamSlot<P: Eq + Hash> {
    slots: Arc<Slots<P>>,
    peer: P,
    reads: Arc<Semaphore>,
}

/// The right to one read.
#[derive(Debug)]
pub(crate) struct ReadSlot {
    _own: OwnedSemaphorePermit,
    _common: OwnedSemaphorePermit,
}

impl<P: Clone + Eq + Hash> Slots<P> {
    pub(crate) fn new(limits: ServeLimits) -> Self {
        Self {
            limits,
            reads: Arc::new(Semaphore::new(limits.reads.clamp(1, Semaphore::MAX_PERMITS))),
            peers: Mutex::new(Peers {
                streams: 0,
                of: HashMap::new(),
            }),
        }
    }

    /// Takes a stream; `None` if the peer or everybody has enough.
    pub(crate) fn enter(self: &Arc<Self>, peer: &P) -> Option<StreamSlot<P>> {
        let mut peers = self.lock();
        let own = peers.of.get(peer).map_or(0, |share| share.streams);
        if own >= self.limits.streams_of_peer || peers.streams >= self.limits.streams {
            return None;
        }
        peers.streams += 1;
        let reads = self.limits.reads_of_peer.clamp(1, Semaphore::MAX_PERMITS);
        let share = peers.of.entry(peer.clone()).or_insert_with(|| Share {
            streams: 0,
            reads: Arc::new(Semaphore::new(reads)),
        });
        share.streams += 1;
        Some(StreamSlot {
            reads: Arc::clone(&share.reads),
            slots: Arc::clone(self),
            peer: peer.clone(),
        })
    }

    /// Streams in use.
    pub(crate) fn streams(&self) -> usize {
        self.lock().streams
    }
}

impl<P> Slots<P> {
    /// Nothing below panics while it holds the lock.
    fn lock(&self) -> MutexGuard<'_, Peers<P>> {
        self.peers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<P: Eq + Hash> StreamSlot<P> {
    /// Waits for a read. `None` never comes in practice: nobody closes the semaphores.
    pub(crate) async fn read(&self) -> Option<ReadSlot> {
        let own = Arc::clone(&self.reads).acquire_owned().await.ok()?;
        let common = Arc::clone(&self.slots.reads).acquire_owned().await.ok()?;
        Some(ReadSlot {
            _own: own,
            _common: common,
        })
    }
}

impl<P: Eq + Hash> Drop for StreamSlot<P> {
    fn drop(&mut self) {
        let mut peers = self.slots.lock();
        peers.streams = peers.streams.saturating_sub(1);
        if let Some(share) = peers.of.get_mut(&self.peer) {
            share.streams = share.streams.saturating_sub(1);
            if share.streams == 0 {
                peers.of.remove(&self.peer);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    fn slots(limits: ServeLimits) -> Arc<Slots<&'static str>> {
        Arc::new(Slots::new(limits))
    }

    #[test]
    fn streams_are_counted_by_peer_and_in_all() {
        let slots = slots(ServeLimits {
            streams: 3,
            streams_of_peer: 2,
            ..ServeLimits::default()
        });
        let first = slots.enter(&"a").unwrap();
        let _second = slots.enter(&"a").unwrap();
        assert!(slots.enter(&"a").is_none());
        let _third = slots.enter(&"b").unwrap();
        assert!(slots.enter(&"c").is_none());
        drop(first);
        assert_eq!(slots.streams(), 2);
        assert!(slots.enter(&"a").is_some());
    }

    #[test]
    fn a_peer_that_waits_does_not_stand_in_the_way_of_others() {
        let slots = slots(ServeLimits {
            reads: 2,
            reads_of_peer: 1,
            ..ServeLimits::default()
        });
        let greedy: Vec<_> = (0..5).map(|_| slots.enter(&"a").unwrap()).collect();
        let reading = greedy[0].read().now_or_never().flatten().unwrap();
        // Four more of the same peer wait, and the other one does not wait behind them.
        let mut waiting: Vec<_> = greedy[1..].iter().map(|slot| Box::pin(slot.read())).collect();
        assert!(waiting.iter_mut().all(|read| read.now_or_never().is_none()));
        let modest = slots.enter(&"b").unwrap();
        assert!(modest.read().now_or_never().flatten().is_some());
        drop(reading);
        assert!(waiting[0].as_mut().now_or_never().flatten().is_some());
    }

    #[test]
    fn nothing_is_remembered_of_a_peer_that_left() {
        let slots = slots(ServeLimits::default());
        drop(slots.enter(&"a"));
        assert!(slots.lock().of.is_empty());
        assert_eq!(slots.streams(), 0);
    }
}
