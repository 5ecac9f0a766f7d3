//! What bitswap needs of the network.

use std::io;

use alephd_net::{Net, Offence, PeerId, StreamProtocol};
use alephd_peer_protocol::bitswap::Version;
use futures_util::future::BoxFuture;

pub use crate::duplex::{BoxStream, Duplex};

/// The network as bitswap sees it: the host of a node, or what a test puts in its place.
pub trait Host: Send + Sync + 'static {
    /// Connected peers that speak bitswap.
    fn peers(&self) -> Vec<PeerId>;

    /// Opens a stream to a peer in the best version that it speaks, connecting first if need be.
    fn open(&self, peer: PeerId) -> BoxFuture<'_, io::Result<(BoxStream, Version)>>;

    /// Peers that are said to have the block with this multihash.
    fn providers(&self, multihash: Vec<u8>) -> BoxFuture<'_, Vec<PeerId>>;

    /// Says that this node has the block with this multihash.
    fn provide(&self, multihash: Vec<u8>) -> BoxFuture<'_, ()>;

    /// Says so no more.
    fn unprovide(&self, multihash: Vec<u8>) -> BoxFuture<'_, ()>;

    /// Notes what a peer did wrong.
    fn report(&self, peer: PeerId, offence: Offence);
}

/// The protocol of a version.
pub(super) fn protocol(version: Version) -> StreamProtocol {
    StreamProtocol::new(version.protocol())
}

impl Host for Net {
    fn peers(&self) -> Vec<PeerId> {
        let speaks = |peer: &PeerId| {
            let mut versions = Version::ALL.into_iter();
            versions.any(|version| self.supports(peer, &protocol(version)))
        };
        let peers = Net::peers(self).into_iter().map(|info| info.peer);
        peers.filter(speaks).collect()
    }

    fn open(&self, peer: PeerId) -> BoxFuture<'_, io::Result<(BoxStream, Version)>> {
        Box::pin(async move {
            // What it speaks is known once it has identified itself. Before that each is tried.
            let spoken = |version: &Version| self.supports(&peer, &protocol(*version));
            let mut versions: Vec<_> = Version::ALL.into_iter().filter(spoken).collect();
            if versions.is_empty() {
                versions.extend(Version::ALL);
            }
            let mut failure = io::Error::other("no version of bitswap in common");
            for version in versions {
                match Net::open(self, peer, protocol(version)).await {
                    Ok(stream) => return Ok((Box::new(stream) as BoxStream, version)),
                    Err(error) => failure = io::Error::other(error),
                }
            }
            Err(failure)
        })
    }

    fn providers(&self, multihash: Vec<u8>) -> BoxFuture<'_, Vec<PeerId>> {
        Box::pin(Net::providers(self, multihash))
    }

    fn provide(&self, multihash: Vec<u8>) -> BoxFuture<'_, ()> {
        Box::pin(Net::provide(self, multihash))
    }

    fn unprovide(&self, multihash: Vec<u8>) -> BoxFuture<'_, ()> {
        Box::pin(Net::unprovide(self, multihash))
    }

    fn report(&self, peer: PeerId, offence: Offence) {
        Net::report(self, peer, offence);
    }
}
