//! The streams of the peer-to-peer host.

use alephd_net::{Net, NetError, Offence, PeerId, Stream, StreamProtocol};
use alephd_peer_protocol::exchange::PROTOCOL;
use alephd_tasks::Tasks;
use futures_util::StreamExt as _;

use super::{Fault, Holders, ServeError, Server};

/// The name of the protocol, as the host wants it.
const NAME: StreamProtocol = StreamProtocol::new(PROTOCOL);

/// The connected peers that speak the protocol.
#[derive(Clone, Debug)]
pub struct NetHolders {
    net: Net,
}

impl NetHolders {
    /// Those connected with this host.
    pub fn new(net: Net) -> Self {
        Self { net }
    }
}

impl Holders for NetHolders {
    type Peer = PeerId;
    type Stream = Stream;

    /// The nearest first; those whose distance is not known yet last.
    fn peers(&self) -> Vec<PeerId> {
        let mut peers = self.net.peers();
        peers.retain(|peer| peer.protocols.contains(&NAME));
        peers.sort_by_key(|peer| (peer.rtt.is_none(), peer.rtt));
        peers.into_iter().map(|peer| peer.peer).collect()
    }

    async fn open(&self, peer: &PeerId) -> Result<Stream, String> {
        let opened = self.net.open(*peer, NAME).await;
        opened.map_err(|error| error.to_string())
    }

    fn report(&self, peer: &PeerId, fault: Fault) {
        let offence = match fault {
            Fault::WrongBytes => Offence::WrongBytes,
            Fault::BadProtocol => Offence::BadProtocol,
        };
        self.net.report(*peer, offence);
    }
}

impl Server<PeerId> {
    /// Answers every stream that peers open with this protocol, from now until the node stops.
    pub fn start(&self, net: &Net, tasks: &Tasks) -> Result<(), NetError> {
        let mut streams = net.accept(NAME)?;
        let (server, net, own, token) = (self.clone(), net.clone(), tasks.clone(), tasks.token());
        tasks.spawn("exchange", async move {
            loop {
                let next = tokio::select! {
                    () = token.cancelled() => None,
                    next = streams.next() => next,
                };
                let Some((peer, stream)) = next else {
                    return Ok::<_, std::convert::Infallible>(());
                };
                own.spawn_worker(
                    "exchange-stream",
                    server.clone().one(net.clone(), peer, stream, token.clone()),
                );
            }
        });
        Ok(())
    }

    async fn one(self, net: Net, peer: PeerId, stream: Stream, token: alephd_tasks::CancellationToken) {
        let served = tokio::select! {
            () = token.cancelled() => return,
            served = self.serve(&peer, stream) => served,
        };
        match served {
            Ok(()) => {}
            Err(ServeError::Protocol(error)) => {
                tracing::debug!(%peer, %error, "a peer breaks the protocol of the exchange");
                net.report(peer, Offence::BadProtocol);
            }
            Err(error) => tracing::trace!(%peer, %error, "a stream of the exchange ended"),
        }
    }
}
