//! What gossip needs of the network.

use alephd_net::{GossipId, Net, PeerId, PublishError, Verdict};
use futures_util::future::BoxFuture;

/// The network as gossip sees it: the host of a node, or what a test puts in its place.
pub trait Host: Send + Sync + 'static {
    /// Says what shall become of what came.
    fn judge(&self, id: GossipId, relay: PeerId, verdict: Verdict);

    /// Publishes in a topic.
    fn publish<'a>(&'a self, topic: &'a str, data: Vec<u8>) -> BoxFuture<'a, Result<(), PublishError>>;
}

impl Host for Net {
    fn judge(&self, id: GossipId, relay: PeerId, verdict: Verdict) {
        Self::judge(self, id, relay, verdict);
    }

    fn publish<'a>(&'a self, topic: &'a str, data: Vec<u8>) -> BoxFuture<'a, Result<(), PublishError>> {
        Box::pin(Self::publish(self, topic, data))
    }
}
