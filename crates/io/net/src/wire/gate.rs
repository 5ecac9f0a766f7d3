//! A gate before gossipsub: frames are taken from the wire only as fast as gossip is read.
//!
//! Gossipsub takes whatever its connections bring and turns it into events without a bound. The two
//! obvious remedies are both bad: dropping loses messages although there is time, and not polling the
//! swarm stops every protocol on every connection, down to the streams over which the reader of gossip
//! may be fetching what it needs to go on.
//!
//! Here the side of the connection must hold one of [`FRAMES`] permits for each frame that it hands
//! over, and the permits come back when everything in those frames has found its place in the inbox.
//! Without a permit the stream of gossip is not read, yamux tells the sender so, and every other
//! stream of the connection goes on. What can be under way is [`FRAMES`] frames, each as large as a
//! gossip message may be.

use std::sync::Arc;
use std::task::{Context, Poll, ready};

use libp2p::PeerId;
use libp2p::core::{Endpoint, Multiaddr, transport::PortUse};
use libp2p::gossipsub::{self, IdentityTransform, WhitelistSubscriptionFilter};
use libp2p::swarm::handler::ConnectionEvent;
use libp2p::swarm::{
    ConnectionDenied, ConnectionHandler, ConnectionHandlerEvent, ConnectionId, FromSwarm, NetworkBehaviour,
    SubstreamProtocol, THandler, THandlerInEvent, THandlerOutEvent, ToSwarm,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::PollSemaphore;

/// Frames on their way from the wire to the inbox.
pub(crate) const FRAMES: usize = 16;

pub(crate) type Gossipsub = gossipsub::Behaviour<IdentityTransform, WhitelistSubscriptionFilter>;
type Inner = <Gossipsub as NetworkBehaviour>::ConnectionHandler;

/// Gossipsub behind its gate.
pub(crate) struct Gated {
    inner: Gossipsub,
    permits: Arc<Semaphore>,
    held: Vec<OwnedSemaphorePermit>,
    /// Whether everything that came out of gossipsub found its place.
    open: bool,
    /// Whether gossipsub has nothing more to say of the frames it got.
    drained: bool,
}

impl Gated {
    pub(crate) fn new(inner: Gossipsub) -> Self {
        Self {
            inner,
            permits: Arc::new(Semaphore::new(FRAMES)),
            held: Vec::with_capacity(FRAMES),
            open: true,
            drained: true,
        }
    }

    pub(crate) fn gossipsub_mut(&mut self) -> &mut Gossipsub {
        &mut self.inner
    }

    /// Says whether everything that came out of gossipsub found its place.
    pub(crate) fn set_open(&mut self, open: bool) {
        self.open = open;
        self.release();
    }

    fn release(&mut self) {
        if self.open && self.drained {
            self.held.clear();
        }
    }

    fn handler(&self, inner: Inner) -> GatedHandler {
        GatedHandler {
            inner,
            permits: PollSemaphore::new(Arc::clone(&self.permits)),
            event: None,
        }
    }
}

impl NetworkBehaviour for Gated {
    type ConnectionHandler = GatedHandler;
    type ToSwarm = gossipsub::Event;

    fn handle_pending_inbound_connection(
        &mut self,
        connection: ConnectionId,
        local: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<(), ConnectionDenied> {
        self.inner
            .handle_pending_inbound_connection(connection, local, remote)
    }

    fn handle_established_inbound_connection(
        &mut self,
        connection: ConnectionId,
        peer: PeerId,
        local: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        let inner = &mut self.inner;
        let handler = inner.handle_established_inbound_connection(connection, peer, local, remote)?;
        Ok(self.handler(handler))
    }

    fn handle_pending_outbound_connection(
        &mut self,
        connection: ConnectionId,
        peer: Option<PeerId>,
        addresses: &[Multiaddr],
        role: Endpoint,
    ) -> Result<Vec<Multiaddr>, ConnectionDenied> {
        self.inner
            .handle_pending_outbound_connection(connection, peer, addresses, role)
    }

    fn handle_established_outbound_connection(
        &mut self,
        connection: ConnectionId,
        peer: PeerId,
        address: &Multiaddr,
        role: Endpoint,
        port: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        let inner = &mut self.inner;
        let handler = inner.handle_established_outbound_connection(connection, peer, address, role, port)?;
        Ok(self.handler(handler))
    }

    fn on_swarm_event(&mut self, event: FromSwarm<'_>) {
        self.inner.on_swarm_event(event);
    }

    fn on_connection_handler_event(
        &mut self,
        peer: PeerId,
        connection: ConnectionId,
        (event, permit): THandlerOutEvent<Self>,
    ) {
        self.drained = false;
        self.held.push(permit);
        self.inner.on_connection_handler_event(peer, connection, event);
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<ToSwarm<Self::ToSwarm, THandlerInEvent<Self>>> {
        let polled = self.inner.poll(context);
        if polled.is_pending() {
            self.drained = true;
            self.release();
        }
        polled
    }
}

type Told = <Inner as ConnectionHandler>::ToBehaviour;
type Asked = ConnectionHandlerEvent<
    <Inner as ConnectionHandler>::OutboundProtocol,
    <Inner as ConnectionHandler>::OutboundOpenInfo,
    (Told, OwnedSemaphorePermit),
>;

/// The side of one connection: hands a frame over only with a permit.
pub(crate) struct GatedHandler {
    inner: Inner,
    permits: PollSemaphore,
    /// The frame that waits for a permit.
    event: Option<Told>,
}

impl ConnectionHandler for GatedHandler {
    type FromBehaviour = <Inner as ConnectionHandler>::FromBehaviour;
    type ToBehaviour = (Told, OwnedSemaphorePermit);
    type InboundProtocol = <Inner as ConnectionHandler>::InboundProtocol;
    type OutboundProtocol = <Inner as ConnectionHandler>::OutboundProtocol;
    type InboundOpenInfo = <Inner as ConnectionHandler>::InboundOpenInfo;
    type OutboundOpenInfo = <Inner as ConnectionHandler>::OutboundOpenInfo;

    fn listen_protocol(&self) -> SubstreamProtocol<Self::InboundProtocol, Self::InboundOpenInfo> {
        self.inner.listen_protocol()
    }

    fn connection_keep_alive(&self) -> bool {
        self.event.is_some() || self.inner.connection_keep_alive()
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Asked> {
        loop {
            if let Some(event) = self.event.take() {
                match self.permits.poll_acquire(context) {
                    Poll::Ready(Some(permit)) => {
                        return Poll::Ready(ConnectionHandlerEvent::NotifyBehaviour((event, permit)));
                    }
                    // The semaphore is never closed; if it were, nobody would want the event.
                    Poll::Ready(None) => continue,
                    Poll::Pending => {
                        self.event = Some(event);
                        return Poll::Pending;
                    }
                }
            }
            match ready!(self.inner.poll(context)) {
                ConnectionHandlerEvent::NotifyBehaviour(event) => {
                    self.event = Some(event);
                }
                ConnectionHandlerEvent::OutboundSubstreamRequest { protocol } => {
                    return Poll::Ready(ConnectionHandlerEvent::OutboundSubstreamRequest { protocol });
                }
                ConnectionHandlerEvent::ReportRemoteProtocols(protocols) => {
                    return Poll::Ready(ConnectionHandlerEvent::ReportRemoteProtocols(protocols));
                }
                _ => {}
            }
        }
    }

    fn on_behaviour_event(&mut self, event: Self::FromBehaviour) {
        self.inner.on_behaviour_event(event);
    }

    fn on_connection_event(
        &mut self,
        event: ConnectionEvent<
            '_,
            Self::InboundProtocol,
            Self::OutboundProtocol,
            Self::InboundOpenInfo,
            Self::OutboundOpenInfo,
        >,
    ) {
        self.inner.on_connection_event(event);
    }
}
