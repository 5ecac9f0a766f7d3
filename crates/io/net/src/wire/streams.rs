//! Streams of our own protocols: opened by [`Control::open`], taken by [`Control::accept`].
//!
//! `libp2p-stream` does the same, but keeps an entry for every connection there ever was, and lets
//! only one stream wait to be accepted: of two that arrive at once the second is lost.

use std::collections::HashMap;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::{Ready, ready};
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use libp2p::core::upgrade::{InboundUpgrade, OutboundUpgrade, UpgradeInfo};
use libp2p::core::{Endpoint, Multiaddr, transport::PortUse};
use libp2p::swarm::handler::{
    ConnectionEvent, DialUpgradeError, FullyNegotiatedInbound, FullyNegotiatedOutbound,
};
use libp2p::swarm::{
    ConnectionClosed, ConnectionDenied, ConnectionHandler, ConnectionHandlerEvent, ConnectionId, FromSwarm,
    NetworkBehaviour, StreamUpgradeError, SubstreamProtocol, THandler, THandlerInEvent, THandlerOutEvent,
    ToSwarm,
};
use libp2p::{PeerId, Stream, StreamProtocol};
use tokio::sync::{mpsc, oneshot};

/// Streams being opened on one connection at a time; more wait in line.
const OPENING: usize = 32;
/// The two sides agree on the protocol of a stream within this time, or it is given up.
const NEGOTIATION: Duration = Duration::from_secs(10);

/// The streams that others open with one protocol.
#[derive(Debug)]
#[must_use = "streams are refused as soon as this is dropped"]
pub struct IncomingStreams {
    streams: mpsc::Receiver<(PeerId, Stream)>,
}

impl IncomingStreams {
    /// How many streams wait to be taken. More are refused, since each holds a buffer.
    pub const WAITING: usize = 128;
}

impl futures_util::Stream for IncomingStreams {
    type Item = (PeerId, Stream);

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.streams.poll_recv(context)
    }
}

/// Why a stream was not opened.
#[derive(Debug)]
pub(crate) enum OpenError {
    NotConnected,
    Unsupported,
    TimedOut,
    Io(io::Error),
}

type Reply = oneshot::Sender<Result<Stream, OpenError>>;

/// What a connection is asked for.
#[derive(Debug)]
enum Request {
    Open {
        protocol: StreamProtocol,
        reply: Reply,
    },
    /// The accepted protocols changed; the connection notices when it is polled.
    Look,
}

#[derive(Debug, Default)]
struct Shared {
    accepting: HashMap<StreamProtocol, mpsc::Sender<(PeerId, Stream)>>,
    connections: HashMap<PeerId, Vec<(ConnectionId, mpsc::Sender<Request>)>>,
}

impl Shared {
    fn protocols(&mut self) -> Vec<StreamProtocol> {
        self.accepting.retain(|_, waiting| !waiting.is_closed());
        self.accepting.keys().cloned().collect()
    }
}

/// The side of the node: opens and accepts. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Control {
    shared: Arc<Mutex<Shared>>,
}

impl Control {
    pub(crate) async fn open(&self, peer: PeerId, protocol: StreamProtocol) -> Result<Stream, OpenError> {
        let connection = lock(&self.shared)
            .connections
            .get(&peer)
            .and_then(|connections| connections.last())
            .map(|(_, connection)| connection.clone())
            .ok_or(OpenError::NotConnected)?;
        let (reply, answer) = oneshot::channel();
        let request = Request::Open { protocol, reply };
        let sent = connection.send(request).await;
        sent.map_err(|_| OpenError::NotConnected)?;
        answer.await.unwrap_or(Err(OpenError::NotConnected))
    }

    pub(crate) fn accept(&self, protocol: StreamProtocol) -> Option<IncomingStreams> {
        let mut shared = lock(&self.shared);
        if shared.protocols().contains(&protocol) {
            return None;
        }
        let (waiting, streams) = mpsc::channel(IncomingStreams::WAITING);
        shared.accepting.insert(protocol, waiting);
        for (_, connection) in shared.connections.values().flatten() {
            // A full queue is read soon, which is all that is wanted.
            let _ = connection.try_send(Request::Look);
        }
        Some(IncomingStreams { streams })
    }
}

/// The side of the swarm.
#[derive(Debug)]
pub(crate) struct Behaviour {
    shared: Arc<Mutex<Shared>>,
    /// Queues of connections that are being made.
    made: HashMap<ConnectionId, mpsc::Sender<Request>>,
}

impl Behaviour {
    pub(crate) fn new(control: &Control) -> Self {
        Self {
            shared: Arc::clone(&control.shared),
            made: HashMap::new(),
        }
    }

    fn handler(&mut self, connection: ConnectionId, peer: PeerId) -> Handler {
        let (sender, requests) = mpsc::channel(OPENING);
        self.made.insert(connection, sender);
        Handler {
            peer,
            shared: Arc::clone(&self.shared),
            requests,
            opening: 0,
            asked: VecDeque::new(),
        }
    }
}

impl NetworkBehaviour for Behaviour {
    type ConnectionHandler = Handler;
    type ToSwarm = Infallible;

    fn handle_established_inbound_connection(
        &mut self,
        connection: ConnectionId,
        peer: PeerId,
        _: &Multiaddr,
        _: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        Ok(self.handler(connection, peer))
    }

    fn handle_established_outbound_connection(
        &mut self,
        connection: ConnectionId,
        peer: PeerId,
        _: &Multiaddr,
        _: Endpoint,
        _: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        Ok(self.handler(connection, peer))
    }

    fn on_swarm_event(&mut self, event: FromSwarm<'_>) {
        match event {
            FromSwarm::ConnectionEstablished(made) => {
                if let Some(sender) = self.made.remove(&made.connection_id) {
                    let mut shared = lock(&self.shared);
                    let connections = shared.connections.entry(made.peer_id).or_default();
                    connections.push((made.connection_id, sender));
                }
            }
            FromSwarm::ConnectionClosed(ConnectionClosed {
                peer_id,
                connection_id,
                ..
            }) => {
                let mut shared = lock(&self.shared);
                if let Some(connections) = shared.connections.get_mut(&peer_id) {
                    connections.retain(|(id, _)| *id != connection_id);
                    if connections.is_empty() {
                        shared.connections.remove(&peer_id);
                    }
                }
            }
            // Another behaviour refused the connection.
            FromSwarm::DialFailure(failed) => {
                self.made.remove(&failed.connection_id);
            }
            FromSwarm::ListenFailure(failed) => {
                self.made.remove(&failed.connection_id);
            }
            _ => {}
        }
    }

    fn on_connection_handler_event(&mut self, _: PeerId, _: ConnectionId, event: THandlerOutEvent<Self>) {
        match event {}
    }

    fn poll(&mut self, _: &mut Context<'_>) -> Poll<ToSwarm<Self::ToSwarm, THandlerInEvent<Self>>> {
        Poll::Pending
    }
}

/// The side of one connection.
#[derive(Debug)]
pub(crate) struct Handler {
    peer: PeerId,
    shared: Arc<Mutex<Shared>>,
    requests: mpsc::Receiver<Request>,
    opening: usize,
    asked: VecDeque<(StreamProtocol, Reply)>,
}

impl ConnectionHandler for Handler {
    type FromBehaviour = Infallible;
    type ToBehaviour = Infallible;
    type InboundProtocol = Upgrade;
    type OutboundProtocol = Upgrade;
    type InboundOpenInfo = ();
    type OutboundOpenInfo = Reply;

    fn listen_protocol(&self) -> SubstreamProtocol<Self::InboundProtocol> {
        let protocols = lock(&self.shared).protocols();
        SubstreamProtocol::new(Upgrade { protocols }, ()).with_timeout(NEGOTIATION)
    }

    fn poll(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<ConnectionHandlerEvent<Upgrade, Reply, Self::ToBehaviour>> {
        // The queue is read even if nothing can be opened, so that `Look` is seen; what is read
        // ahead is bounded all the same.
        while self.asked.len() < OPENING {
            match self.requests.poll_recv(context) {
                Poll::Ready(Some(Request::Open { protocol, reply })) => {
                    self.asked.push_back((protocol, reply))
                }
                Poll::Ready(Some(Request::Look)) => {}
                Poll::Ready(None) | Poll::Pending => break,
            }
        }
        if self.opening < OPENING
            && let Some((protocol, reply)) = self.asked.pop_front()
        {
            self.opening += 1;
            let protocols = vec![protocol];
            let protocol = SubstreamProtocol::new(Upgrade { protocols }, reply).with_timeout(NEGOTIATION);
            return Poll::Ready(ConnectionHandlerEvent::OutboundSubstreamRequest { protocol });
        }
        Poll::Pending
    }

    fn on_behaviour_event(&mut self, event: Self::FromBehaviour) {
        match event {}
    }

    fn on_connection_event(&mut self, event: ConnectionEvent<'_, Upgrade, Upgrade, (), Reply>) {
        match event {
            ConnectionEvent::FullyNegotiatedInbound(FullyNegotiatedInbound {
                protocol: (stream, protocol),
                ..
            }) => {
                if let Some(waiting) = lock(&self.shared).accepting.get(&protocol) {
                    // Refused when full: dropping the stream resets it, and the other side learns.
                    let _ = waiting.try_send((self.peer, stream));
                }
            }
            ConnectionEvent::FullyNegotiatedOutbound(FullyNegotiatedOutbound {
                protocol: (stream, _),
                info,
            }) => {
                self.opening = self.opening.saturating_sub(1);
                // Whoever asked may have gone.
                let _ = info.send(Ok(stream));
            }
            ConnectionEvent::DialUpgradeError(DialUpgradeError { error, info }) => {
                self.opening = self.opening.saturating_sub(1);
                let _ = info.send(Err(match error {
                    StreamUpgradeError::Timeout => OpenError::TimedOut,
                    StreamUpgradeError::NegotiationFailed => OpenError::Unsupported,
                    StreamUpgradeError::Io(cause) => OpenError::Io(cause),
                    StreamUpgradeError::Apply(never) => match never {},
                }));
            }
            _ => {}
        }
    }
}

/// Agreeing on one of some protocols, and nothing more.
#[derive(Debug)]
pub(crate) struct Upgrade {
    protocols: Vec<StreamProtocol>,
}

impl UpgradeInfo for Upgrade {
    type Info = StreamProtocol;
    type InfoIter = std::vec::IntoIter<StreamProtocol>;

    fn protocol_info(&self) -> Self::InfoIter {
        self.protocols.clone().into_iter()
    }
}

impl InboundUpgrade<Stream> for Upgrade {
    type Output = (Stream, StreamProtocol);
    type Error = Infallible;
    type Future = Ready<Result<Self::Output, Self::Error>>;

    fn upgrade_inbound(self, stream: Stream, protocol: Self::Info) -> Self::Future {
        ready(Ok((stream, protocol)))
    }
}

impl OutboundUpgrade<Stream> for Upgrade {
    type Output = (Stream, StreamProtocol);
    type Error = Infallible;
    type Future = Ready<Result<Self::Output, Self::Error>>;

    fn upgrade_outbound(self, stream: Stream, protocol: Self::Info) -> Self::Future {
        ready(Ok((stream, protocol)))
    }
}

fn lock(shared: &Arc<Mutex<Shared>>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
