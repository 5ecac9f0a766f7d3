//! What catch-up needs of the network.

use alephd_net::{Net, NetError, Offence, PeerId, StreamProtocol};
use alephd_peer_protocol::catchup::PROTOCOL;
use futures_util::future::BoxFuture;

pub use crate::duplex::BoxStream;

/// The network as sessions see it: the host of a node, or what a test puts in its place.
pub trait Host: Send + Sync + 'static {
    /// The name of this node.
    fn local_peer(&self) -> PeerId;

    /// Whether this peer is connected.
    fn is_connected(&self, peer: &PeerId) -> bool;

    /// Opens a stream to a peer, connecting first if need be.
    fn open(&self, peer: PeerId) -> BoxFuture<'_, Result<BoxStream, NetError>>;

    /// Notes what a peer did wrong.
    fn report(&self, peer: PeerId, offence: Offence);
}

impl Host for Net {
    fn local_peer(&self) -> PeerId {
        Self::local_peer(self)
    }

    fn is_connected(&self, peer: &PeerId) -> bool {
        Self::is_connected(self, peer)
    }

    fn open(&self, peer: PeerId) -> BoxFuture<'_, Result<BoxStream, NetError>> {
        Box::pin(async move {
            let stream = Self::open(self, peer, protocol()).await?;
            Ok(Box::new(stream) as BoxStream)
        })
    }

    fn report(&self, peer: PeerId, offence: Offence) {
        Self::report(self, peer, offence);
    }
}

/// The name of the protocol, as the host wants it.
pub(super) fn protocol() -> StreamProtocol {
    StreamProtocol::new(PROTOCOL)
}
