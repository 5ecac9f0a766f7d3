//! Messages over gossip, both ways.
//!
//! ```text
//!   net ──▶ Inbox: read, known already? ──▶ pipeline ──▶ verdict ──▶ net forwards, or does not
//!   api ──▶ Outbox: encode ──▶ net                    too large for gossip: its hash alone
//! ```
//!
//! # What it promises
//!
//! - A message goes on to other nodes only when this node has judged it: what is accepted or waits
//!   is forwarded, what is malformed or wrongly signed counts against the peer it came from, and
//!   everything else (refused for permission or money, forgotten) just ends here.
//! - A message that was seen a moment ago in other bytes costs one look into a set.
//! - At most [`IN_FLIGHT`] messages are under way in the pipeline; beyond, nothing is taken from the
//!   network, which takes nothing from its peers.
//!
//! Protocol: `docs/protocol/gossip.md`.

mod announce;
mod host;
mod inbox;
mod judge;
mod outbox;
mod seen;

pub use announce::ANNOUNCE_TOPIC;
pub use host::Host;
pub use inbox::{IN_FLIGHT, Inbox, SyncNow};
pub use judge::{Judge, LocalJudge};
pub use outbox::{Outbox, Outgoing, is_for_others};

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

/// What was done since the start. Clones share the numbers.
#[derive(Clone, Debug, Default)]
pub struct GossipCounters(Arc<Numbers>);

#[derive(Debug, Default)]
struct Numbers {
    received: AtomicU64,
    repeated: AtomicU64,
    accepted: AtomicU64,
    refused: AtomicU64,
    published: AtomicU64,
    announced: AtomicU64,
    unpublished: AtomicU64,
}

/// A reading of [`GossipCounters`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GossipCounts {
    /// Payloads that came in.
    pub received: u64,
    /// Of these, those that were seen a moment ago.
    pub repeated: u64,
    /// Of these, those that were forwarded.
    pub accepted: u64,
    /// Of these, those that were malformed or wrongly signed.
    pub refused: u64,
    /// Messages of this node that went out.
    pub published: u64,
    /// Of these, those of which only the hash did.
    pub announced: u64,
    /// Messages of this node that did not: no peer, or the queue was full. Catch-up takes them along.
    pub unpublished: u64,
}

impl GossipCounters {
    /// The numbers now.
    pub fn read(&self) -> GossipCounts {
        let read = |number: &AtomicU64| number.load(Ordering::Relaxed);
        GossipCounts {
            received: read(&self.0.received),
            repeated: read(&self.0.repeated),
            accepted: read(&self.0.accepted),
            refused: read(&self.0.refused),
            published: read(&self.0.published),
            announced: read(&self.0.announced),
            unpublished: read(&self.0.unpublished),
        }
    }
}

fn count(number: &AtomicU64) {
    number.fetch_add(1, Ordering::Relaxed);
}
