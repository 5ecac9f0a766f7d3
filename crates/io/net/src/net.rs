//! The handle of the host.

use std::sync::Arc;
use std::time::Duration;

use alephd_tasks::{Clock, Tasks};
use libp2p::{Multiaddr, PeerId, Stream, StreamProtocol};
use tokio::sync::{broadcast, mpsc, oneshot};
use tracing::warn;

use crate::config::NetConfig;
use crate::error::{NetError, PublishError};
use crate::gossip::{GossipId, GossipInbox, Verdict};
use crate::host::{self, Command, Judgement, View};
use crate::identity::Identity;
use crate::peer::{Offence, PeerEvent, PeerInfo};
use crate::reputation::Reputation;
use crate::wire::IncomingStreams;
use crate::wire::streams::{self, OpenError};

/// The longest that [`Net::dial`] and [`Net::open`] wait. libp2p gives up on a transport after 10 s
/// and on a protocol after 10 s more.
const DIAL_TIMEOUT: Duration = Duration::from_secs(30);
/// The longest that queries of provider records are waited for. Kademlia gives up after 60 s.
const QUERY_TIMEOUT: Duration = Duration::from_secs(70);

/// A handle of the host. Clones share it. The host ends with the tasks it was started under, not
/// with its handles.
#[derive(Clone, Debug)]
pub struct Net {
    pub(crate) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) local: PeerId,
    pub(crate) commands: mpsc::Sender<Command>,
    pub(crate) verdicts: alephd_tasks::queue::Sender<Judgement>,
    pub(crate) view: Arc<View>,
    pub(crate) streams: streams::Control,
    pub(crate) reputation: Arc<Reputation>,
}

impl Net {
    /// Starts the host: listens, dials the bootstrap peers, and runs until the token of `tasks` is
    /// cancelled. Returns once every address of [`NetConfig::listen`] is listened on.
    pub async fn start(
        identity: Identity,
        config: NetConfig,
        clock: Arc<dyn Clock>,
        tasks: &Tasks,
    ) -> Result<(Self, GossipInbox), NetError> {
        host::start(identity, config, clock, tasks).await
    }

    /// The name of this node.
    pub fn local_peer(&self) -> PeerId {
        self.inner.local
    }

    /// The addresses that are listened on, with the ports that were given by the system.
    pub fn listening(&self) -> Vec<Multiaddr> {
        self.inner.view.listening()
    }

    /// The connected peers, in the order of their names.
    pub fn peers(&self) -> Vec<PeerInfo> {
        self.inner.view.peers()
    }

    /// What happens with peers from here on. A reader that falls far behind misses events and is
    /// told so by the channel.
    pub fn events(&self) -> broadcast::Receiver<PeerEvent> {
        self.inner.view.subscribe()
    }

    /// Whether this peer is connected.
    pub fn is_connected(&self, peer: &PeerId) -> bool {
        self.inner.view.is_connected(peer)
    }

    /// Whether this peer is connected and said that it speaks this protocol.
    pub fn supports(&self, peer: &PeerId, protocol: &StreamProtocol) -> bool {
        self.inner.view.supports(peer, protocol)
    }

    /// Connects with whoever is at this address, or with the peer that it ends with and no other.
    /// A peer that is connected already is not dialled again.
    pub async fn dial(&self, address: Multiaddr) -> Result<PeerId, NetError> {
        self.ask(DIAL_TIMEOUT, |reply| Command::Dial { address, reply })
            .await?
    }

    /// Closes all connections with this peer. It may come back.
    pub async fn disconnect(&self, peer: PeerId) {
        let asked = self.ask(DIAL_TIMEOUT, |reply| Command::Disconnect { peer, reply });
        // A host that has stopped has no connections.
        let _ = asked.await;
    }

    /// Publishes `data` in a topic. `Ok` says that it is on its way to at least one peer.
    pub async fn publish(&self, topic: &str, data: Vec<u8>) -> Result<(), PublishError> {
        let topic = topic.to_owned();
        match self
            .ask(DIAL_TIMEOUT, |reply| Command::Publish { topic, data, reply })
            .await
        {
            Ok(result) => result,
            Err(NetError::TimedOut) => Err(PublishError::Busy),
            Err(_) => Err(PublishError::Stopped),
        }
    }

    /// Says what shall become of a gossip message. To be called once for each.
    pub fn judge(&self, id: GossipId, relay: PeerId, verdict: Verdict) {
        let judgement = Judgement { id, relay, verdict };
        if self.inner.verdicts.offer(judgement).is_err() {
            // Not forwarding is always safe; catching up repairs it.
            warn!("the host does not keep up with verdicts; a message is not forwarded");
        }
    }

    /// Opens a stream to this peer, connecting first if its address is known.
    pub async fn open(&self, peer: PeerId, protocol: StreamProtocol) -> Result<Stream, NetError> {
        if !self.is_connected(&peer) {
            self.ask(DIAL_TIMEOUT, |reply| Command::Connect { peer, reply })
                .await??;
        }
        let opening = self.inner.streams.open(peer, protocol.clone());
        match tokio::time::timeout(DIAL_TIMEOUT, opening).await {
            Err(_) => Err(NetError::TimedOut),
            Ok(Ok(stream)) => Ok(stream),
            Ok(Err(OpenError::NotConnected)) => Err(NetError::NotConnected(peer)),
            Ok(Err(OpenError::Unsupported)) => Err(NetError::Unsupported(protocol)),
            Ok(Err(OpenError::TimedOut)) => Err(NetError::TimedOut),
            Ok(Err(OpenError::Io(cause))) => Err(NetError::Stream(cause)),
        }
    }

    /// Takes the streams that others open with this protocol, until the result is dropped. Streams
    /// that arrive while [`IncomingStreams::WAITING`] wait are refused.
    pub fn accept(&self, protocol: StreamProtocol) -> Result<IncomingStreams, NetError> {
        let accepted = self.inner.streams.accept(protocol.clone());
        accepted.ok_or(NetError::AlreadyAccepted(protocol))
    }

    /// Says what a peer did. Enough of it, and the peer is disconnected and banned for a time.
    pub fn report(&self, peer: PeerId, offence: Offence) {
        self.inner.reputation.report(peer, offence);
    }

    /// Disconnects this peer and refuses it for a time, as [`Limits::ban`](crate::Limits::ban) says.
    pub fn ban(&self, peer: PeerId) {
        self.inner.reputation.ban(peer);
    }

    /// Forgets everything that speaks against this peer.
    pub fn unban(&self, peer: PeerId) {
        self.inner.reputation.unban(&peer);
    }

    /// Tells the network that this node has what `key` names, now and again until
    /// [`Net::unprovide`]. Returns when those closest to the key have been told.
    pub async fn provide(&self, key: Vec<u8>) {
        let asked = self.ask(QUERY_TIMEOUT, |reply| Command::Provide { key, reply });
        // It is repeated anyway.
        let _ = asked.await;
    }

    /// Stops telling so. What was told is forgotten by others within two days.
    pub async fn unprovide(&self, key: Vec<u8>) {
        let asked = self.ask(QUERY_TIMEOUT, |reply| Command::Unprovide { key, reply });
        let _ = asked.await;
    }

    /// Who says to have what `key` names; this node is not among them. A few of them are connected
    /// with on the way, since their addresses are known only now.
    pub async fn providers(&self, key: Vec<u8>) -> Vec<PeerId> {
        self.ask(QUERY_TIMEOUT, |reply| Command::Providers { key, reply })
            .await
            .unwrap_or_default()
    }

    async fn ask<T>(
        &self,
        limit: Duration,
        command: impl FnOnce(oneshot::Sender<T>) -> Command,
    ) -> Result<T, NetError> {
        let (reply, answer) = oneshot::channel();
        let asking = async {
            let sent = self.inner.commands.send(command(reply)).await;
            sent.map_err(|_| NetError::Stopped)?;
            answer.await.map_err(|_| NetError::Stopped)
        };
        tokio::time::timeout(limit, asking)
            .await
            .map_err(|_| NetError::TimedOut)?
    }
}
