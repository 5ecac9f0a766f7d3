//! Blocks by CID, exchanged with IPFS nodes.
//!
//! ```text
//!  streams of peers ──▶ messages ─┬─ wants ────▶ ledger of the peer ──▶ Content::block ──┐
//!                                 └─ blocks, presences ──▶ fetches ──▶ alephd-content    │
//!  streams to peers ◀── messages ◀────────────────────────── our wants, answers ◀────────┘
//! ```
//!
//! Streams go one way, so each peer has a task that says what there is to say, our wants and the
//! answers to its own, and ends when that is nothing.
//!
//! # What it promises
//!
//! - A block that is sent has the hash of its name ([`alephd_content::Content::block`]), and so has
//!   one that is taken: a block names itself by its bytes, and one from a peer that was asked for others
//!   is [`Offence::WrongBytes`](alephd_net::Offence::WrongBytes).
//! - Work for a peer is bounded: wants that are open ([`BitswapLimits::wants_per_peer`]), bytes read
//!   from disk in a second, bytes of messages in memory, both for one peer and for all. Whoever asks for
//!   more waits; our other peers do not.
//! - A fetch holds a few dozen blocks and the list of links that it has not followed, whatever the
//!   size of the tree. What it stores is whole: a plain file if its name follows from its bytes, else
//!   an archive ([decision 6](../../../../../docs/decisions/0006-files-as-they-are.md)).
//!
//! # What it leaves to others
//!
//! What to fetch and to keep, connections, and who is punished how (`alephd-net`). What arrives without
//! bitswap must be told by [`Bitswap::announce`], or peers that wait for it hear nothing.
//!
//! Protocol: `docs/protocol/bitswap.md`.

mod bucket;
mod fetch;
mod host;
mod inbound;
mod ledger;
mod peers;
mod provide;
mod session;
mod shape;
mod source;
mod speak;
mod walk;
mod wire;

use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use alephd_cid::AnyCid;
use alephd_content::Content;
use alephd_message::ItemHash;
use alephd_net::{Net, NetError, PeerEvent, PeerId};
use alephd_peer_protocol::bitswap::Version;
use alephd_tasks::{Clock, Tasks};
use futures_util::StreamExt as _;
use tokio::sync::{Semaphore, broadcast::error::RecvError};

pub use fetch::{FetchError, FetchLimits};
pub use host::{BoxStream, Duplex, Host};
pub use provide::{ProvideConfig, Providing};
pub(crate) use shape::has_default_shape;
pub(crate) use source::cid_of;

use self::{bucket::Bucket, peers::Peer, session::Sessions};

/// What bounds the work for peers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BitswapLimits {
    /// Peers whose wants are remembered.
    pub peers: usize,
    /// Open wants of a peer; other implementations keep 1,024.
    pub wants_per_peer: usize,
    /// Bytes read from disk for a peer in a second.
    pub upload_per_peer: u64,
    /// The same for all peers together.
    pub upload: u64,
    /// Messages with blocks that are on their way at once.
    pub sending: usize,
    /// Bytes of messages that are being read at once.
    pub receiving: usize,
    /// Fetches at once; others wait for their turn.
    pub fetches: usize,
    /// For how long a want of what is not here is remembered.
    pub remember: Duration,
}

impl Default for BitswapLimits {
    /// A gigabit for all and half of it for one. At most 64 MiB of messages that come and, of usual
    /// chunks, as much of those that go.
    fn default() -> Self {
        Self {
            peers: 512,
            wants_per_peer: 1024,
            upload_per_peer: 64 << 20,
            upload: 128 << 20,
            sending: 64,
            receiving: 64 << 20,
            fetches: 4,
            remember: Duration::from_secs(600),
        }
    }
}

/// What was exchanged since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BitswapStats {
    /// Blocks sent.
    pub blocks_sent: u64,
    /// Their bytes.
    pub bytes_sent: u64,
    /// Blocks that were wanted and came.
    pub blocks_received: u64,
    /// Their bytes.
    pub bytes_received: u64,
    /// Blocks that came and were not wanted any more, or never.
    pub blocks_unwanted: u64,
    /// Wants that found no room.
    pub wants_refused: u64,
}

#[derive(Debug, Default)]
struct Counters {
    blocks_sent: AtomicU64,
    bytes_sent: AtomicU64,
    blocks_received: AtomicU64,
    bytes_received: AtomicU64,
    blocks_unwanted: AtomicU64,
    wants_refused: AtomicU64,
}

/// The exchange of blocks with peers. Cheap to clone.
#[derive(Clone)]
pub struct Bitswap {
    inner: Arc<Inner>,
}

struct Inner {
    host: Arc<dyn Host>,
    content: Content,
    limits: BitswapLimits,
    clock: Arc<dyn Clock>,
    tasks: Tasks,
    peers: Mutex<HashMap<PeerId, Arc<Peer>>>,
    sessions: Mutex<Sessions>,
    /// Names that are being fetched, so that nothing is fetched twice at once.
    fetching: Mutex<HashMap<ItemHash, Arc<tokio::sync::Mutex<()>>>>,
    fetches: Semaphore,
    sending: Arc<Semaphore>,
    receiving: Arc<Semaphore>,
    upload: Mutex<Bucket>,
    counters: Counters,
}

impl fmt::Debug for Bitswap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bitswap").finish_non_exhaustive()
    }
}

impl Bitswap {
    /// Serves and fetches over the host of a node, in all versions of the protocol.
    pub fn start(
        net: &Net,
        content: Content,
        limits: BitswapLimits,
        clock: Arc<dyn Clock>,
        tasks: &Tasks,
    ) -> Result<Self, NetError> {
        let bitswap = Self::over(Arc::new(net.clone()), content, limits, clock, tasks);
        for version in Version::ALL {
            let mut incoming = net.accept(host::protocol(version))?;
            let accepting = bitswap.clone();
            tasks.spawn_worker(version.protocol(), async move {
                let token = accepting.inner.tasks.token();
                while let Some(Some((peer, stream))) = token.run_until_cancelled(incoming.next()).await {
                    accepting.incoming(peer, Box::new(stream));
                }
            });
        }
        let mut events = net.events();
        let following = bitswap.clone();
        tasks.spawn_worker("bitswap-peers", async move {
            let token = following.inner.tasks.token();
            while let Some(event) = token.run_until_cancelled(events.recv()).await {
                match event {
                    Ok(PeerEvent::Disconnected(peer)) => following.disconnected(peer),
                    // What was missed of a peer that has gone is forgotten when its room is needed.
                    Ok(_) | Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return,
                }
            }
        });
        Ok(bitswap)
    }

    /// The same over any network, which hands streams and departures in by itself.
    pub fn over(
        host: Arc<dyn Host>,
        content: Content,
        limits: BitswapLimits,
        clock: Arc<dyn Clock>,
        tasks: &Tasks,
    ) -> Self {
        let now = clock.monotonic();
        Self {
            inner: Arc::new(Inner {
                host,
                content,
                limits,
                tasks: tasks.clone(),
                peers: Mutex::default(),
                sessions: Mutex::default(),
                fetching: Mutex::default(),
                fetches: Semaphore::new(limits.fetches.max(1)),
                sending: Arc::new(Semaphore::new(limits.sending.max(1))),
                receiving: wire::memory(limits.receiving.max(wire::PEER_MEMORY)),
                upload: Mutex::new(Bucket::new(limits.upload, now)),
                counters: Counters::default(),
                clock,
            }),
        }
    }

    /// A stream that a peer has opened.
    pub fn incoming(&self, peer: PeerId, stream: BoxStream) {
        self.inner.listen(peer, stream);
    }

    /// A peer is gone: what it wanted is forgotten.
    pub fn disconnected(&self, peer: PeerId) {
        lock(&self.inner.peers).remove(&peer);
        self.inner.gone(peer);
    }

    /// Fetches the file or tree below `cid` from peers and stores it, unless it is here already. What
    /// it is.
    ///
    /// A call that is dropped leaves nothing but a block or two on their way.
    pub async fn fetch(
        &self,
        cid: &AnyCid,
        limits: FetchLimits,
    ) -> Result<alephd_content::Facts, FetchError> {
        fetch::fetch(&self.inner, cid, limits).await
    }

    /// A block has arrived by another way: peers that wait for it get it.
    pub fn announce(&self, cid: &AnyCid) {
        let peers: Vec<_> = lock(&self.inner.peers).values().cloned().collect();
        for peer in peers {
            if peer.lock().ledger.arrived(cid.hash()) {
                self.inner.speak(&peer);
            }
        }
    }

    /// What was exchanged.
    pub fn stats(&self) -> BitswapStats {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let counters = &self.inner.counters;
        BitswapStats {
            blocks_sent: of(&counters.blocks_sent),
            bytes_sent: of(&counters.bytes_sent),
            blocks_received: of(&counters.blocks_received),
            bytes_received: of(&counters.bytes_received),
            blocks_unwanted: of(&counters.blocks_unwanted),
            wants_refused: of(&counters.wants_refused),
        }
    }
}

/// No code panics while it holds one of these locks, and the data is consistent at every step.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn count(counter: &AtomicU64, by: usize) {
    counter.fetch_add(by as u64, Ordering::Relaxed);
}

/// The binary form of the hash of a CID, as provider records have it.
pub(crate) fn multihash(cid: &AnyCid) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(34);
    alephd_cid::varint::push(&mut bytes, cid.hash().function().0);
    alephd_cid::varint::push(&mut bytes, cid.hash().digest().len() as u64);
    bytes.extend_from_slice(cid.hash().digest());
    bytes
}
