//! What is known of each peer, and what is to be said to it.

use std::{
    collections::{BTreeMap, HashSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard},
};

use alephd_cid::{AnyCid, Multihash};
use alephd_net::PeerId;
use alephd_peer_protocol::bitswap::Want;
use tokio::sync::{Notify, Semaphore};

use super::{Inner, bucket::Bucket, ledger::Ledger, lock, wire};

/// Streams of one peer that are read at once. Some open one for each message and close it at once,
/// others keep one.
const STREAMS: usize = 32;

/// Wants of ours that a peer has not been told. The fetches together have fewer unless it does not
/// take them; it is left alone then.
const MOST_UNSAID: usize = 4096;

/// Blocks that a peer was asked for and that it may still send.
const REMEMBERED: usize = 4096;

/// A peer that wants something, or that something is wanted of.
#[derive(Debug)]
pub(super) struct Peer {
    pub(super) id: PeerId,
    state: Mutex<PeerState>,
    /// Rung when there is something to say.
    pub(super) wake: Notify,
    /// Memory for messages of this peer.
    pub(super) receiving: Arc<Semaphore>,
    /// Its streams that are not read yet.
    pub(super) streams: Arc<Semaphore>,
}

/// What changes about it.
#[derive(Debug)]
pub(super) struct PeerState {
    /// What it wants.
    pub(super) ledger: Ledger,
    /// What we want and have not said.
    unsaid: BTreeMap<AnyCid, Unsaid>,
    pub(super) asked: Asked,
    /// Blocks that came from it though nothing is known to have been asked of it.
    pub(super) strays: u32,
    /// What may be read for it.
    pub(super) upload: Bucket,
    /// Whether a task speaks to it.
    pub(super) speaking: bool,
}

/// What there is to say of a block.
#[derive(Debug, Default)]
struct Unsaid {
    /// First: a want that follows then begins anew, also for a peer that thinks it has sent the block.
    cancel: Option<Want>,
    want: Option<Want>,
}

impl Peer {
    pub(super) fn lock(&self) -> MutexGuard<'_, PeerState> {
        lock(&self.state)
    }
}

impl PeerState {
    /// Whether there is something to say.
    pub(super) fn has_something(&self) -> bool {
        !self.unsaid.is_empty() || self.ledger.has_next()
    }

    /// Notes something to say; the last word on a block counts.
    fn say(&mut self, want: Want) {
        if !want.cancel {
            self.asked.note(want.cid.hash());
        }
        if self.unsaid.len() < MOST_UNSAID || self.unsaid.contains_key(&want.cid) {
            let unsaid = self.unsaid.entry(want.cid.clone()).or_default();
            if want.cancel {
                unsaid.cancel = Some(want);
                unsaid.want = None;
            } else {
                unsaid.want = Some(want);
            }
        }
    }

    /// Takes what there is to say of up to `most` blocks.
    pub(super) fn take_unsaid(&mut self, most: usize) -> Vec<Want> {
        let taken = std::iter::from_fn(|| self.unsaid.pop_first().map(|(_, unsaid)| unsaid));
        let words = taken.take(most).flat_map(|unsaid| [unsaid.cancel, unsaid.want]);
        words.flatten().collect()
    }
}

/// The last blocks that a peer was asked for.
#[derive(Debug, Default)]
pub(super) struct Asked {
    order: VecDeque<Multihash>,
    hashes: HashSet<Multihash>,
}

impl Asked {
    fn note(&mut self, hash: &Multihash) {
        if !self.hashes.insert(hash.clone()) {
            return;
        }
        self.order.push_back(hash.clone());
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.hashes.remove(&oldest);
        }
    }

    pub(super) fn contains(&self, hash: &Multihash) -> bool {
        self.hashes.contains(hash)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// The hashes of other functions than SHA-256, which only those who know the name can check.
    pub(super) fn unusual(&self) -> impl Iterator<Item = &Multihash> {
        let usual = alephd_cid::Multicodec::SHA2_256;
        self.order.iter().filter(move |hash| hash.function() != usual)
    }
}

impl Inner {
    /// What is known of a peer; `None` if there is no room for another one.
    pub(super) fn peer(&self, id: PeerId) -> Option<Arc<Peer>> {
        let mut peers = lock(&self.peers);
        if let Some(peer) = peers.get(&id) {
            return Some(Arc::clone(peer));
        }
        if peers.len() >= self.limits.peers {
            let connected: HashSet<_> = self.host.peers().into_iter().collect();
            let now = self.clock.monotonic();
            peers.retain(|id, peer| {
                let mut state = peer.lock();
                state.ledger.expire(now);
                state.speaking || connected.contains(id) && !state.ledger.is_empty()
            });
            if peers.len() >= self.limits.peers {
                return None;
            }
        }
        let peer = Arc::new(Peer {
            id,
            state: Mutex::new(PeerState {
                ledger: Ledger::new(self.limits.wants_per_peer),
                unsaid: BTreeMap::new(),
                asked: Asked::default(),
                strays: 0,
                upload: Bucket::new(self.limits.upload_per_peer, self.clock.monotonic()),
                speaking: false,
            }),
            wake: Notify::new(),
            receiving: wire::memory(wire::PEER_MEMORY),
            streams: Arc::new(Semaphore::new(STREAMS)),
        });
        peers.insert(id, Arc::clone(&peer));
        Some(peer)
    }

    /// Says something to a peer.
    pub(super) fn say(self: &Arc<Self>, peer: PeerId, want: Want) {
        if let Some(peer) = self.peer(peer) {
            peer.lock().say(want);
            self.speak(&peer);
        }
    }
}
