//! The guard at the door: who is refused a connection, and how many one address may have.
//!
//! Ids of peers cost nothing, addresses do: a limit by address is what stands against one machine
//! that pretends to be many. IPv6 is counted by /64, the smallest network that a customer gets.

use std::collections::HashMap;
use std::convert::Infallible;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::task::{Context, Poll};

use libp2p::PeerId;
use libp2p::core::{Endpoint, Multiaddr, multiaddr::Protocol, transport::PortUse};
use libp2p::swarm::{
    ConnectionDenied, ConnectionId, FromSwarm, NetworkBehaviour, THandler, THandlerInEvent, THandlerOutEvent,
    ToSwarm, dummy,
};

use crate::reputation::Reputation;

/// Why a connection was refused.
#[derive(Debug)]
enum Refused {
    /// By name.
    Peer,
    /// There are enough from its address.
    Address,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Peer => "the peer is banned, blocked or not on the list",
            Self::Address => "too many connections from one address",
        })
    }
}

impl std::error::Error for Refused {}

/// Refuses connections, and does nothing else.
#[derive(Debug)]
pub(crate) struct Behaviour {
    reputation: Arc<Reputation>,
    per_address: u32,
    incoming: HashMap<ConnectionId, IpAddr>,
    counts: HashMap<IpAddr, u32>,
}

impl Behaviour {
    pub(crate) fn new(reputation: Arc<Reputation>, per_address: u32) -> Self {
        Self {
            reputation,
            per_address,
            incoming: HashMap::new(),
            counts: HashMap::new(),
        }
    }

    fn check(&self, peer: &PeerId) -> Result<dummy::ConnectionHandler, ConnectionDenied> {
        if self.reputation.refuses(peer) {
            return Err(ConnectionDenied::new(Refused::Peer));
        }
        Ok(dummy::ConnectionHandler)
    }

    fn ended(&mut self, connection: ConnectionId) {
        let Some(address) = self.incoming.remove(&connection) else {
            return;
        };
        if let Some(count) = self.counts.get_mut(&address) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.counts.remove(&address);
            }
        }
    }
}

impl NetworkBehaviour for Behaviour {
    type ConnectionHandler = dummy::ConnectionHandler;
    type ToSwarm = Infallible;

    fn handle_pending_inbound_connection(
        &mut self,
        connection: ConnectionId,
        _: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<(), ConnectionDenied> {
        let Some(address) = counted(remote) else {
            return Ok(());
        };
        let count = self.counts.entry(address).or_default();
        if *count >= self.per_address {
            return Err(ConnectionDenied::new(Refused::Address));
        }
        *count += 1;
        self.incoming.insert(connection, address);
        Ok(())
    }

    fn handle_established_inbound_connection(
        &mut self,
        _: ConnectionId,
        peer: PeerId,
        _: &Multiaddr,
        _: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.check(&peer)
    }

    fn handle_pending_outbound_connection(
        &mut self,
        _: ConnectionId,
        peer: Option<PeerId>,
        _: &[Multiaddr],
        _: Endpoint,
    ) -> Result<Vec<Multiaddr>, ConnectionDenied> {
        if let Some(peer) = peer {
            self.check(&peer)?;
        }
        Ok(Vec::new())
    }

    fn handle_established_outbound_connection(
        &mut self,
        _: ConnectionId,
        peer: PeerId,
        _: &Multiaddr,
        _: Endpoint,
        _: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.check(&peer)
    }

    fn on_swarm_event(&mut self, event: FromSwarm<'_>) {
        match event {
            FromSwarm::ConnectionClosed(closed) => self.ended(closed.connection_id),
            FromSwarm::ListenFailure(failed) => self.ended(failed.connection_id),
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

/// The address that connections are counted by; `None` if they are not counted.
fn counted(remote: &Multiaddr) -> Option<IpAddr> {
    let address = remote.iter().find_map(|part| match part {
        Protocol::Ip4(address) => Some(IpAddr::V4(address)),
        Protocol::Ip6(address) => Some(address.to_canonical()),
        _ => None,
    })?;
    if address.is_loopback() {
        return None;
    }
    Some(match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => {
            let network = u128::from(address) & !u128::from(u64::MAX);
            IpAddr::V6(network.into())
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Multiaddr {
        text.parse().unwrap()
    }

    #[test]
    fn addresses_are_counted_by_network_and_loopback_is_not() {
        assert_eq!(
            counted(&address("/ip4/203.0.113.7/tcp/1")),
            Some("203.0.113.7".parse().unwrap())
        );
        assert_eq!(
            counted(&address("/ip6/::ffff:203.0.113.7/tcp/1")),
            Some("203.0.113.7".parse().unwrap())
        );
        let one = counted(&address("/ip6/2001:db8:0:1::2/tcp/1/ws"));
        assert_eq!(one, counted(&address("/ip6/2001:db8:0:1:ffff::3/tcp/9")));
        assert_ne!(one, counted(&address("/ip6/2001:db8:0:2::2/tcp/1")));
        for free in ["/ip4/127.0.0.1/tcp/1", "/ip6/::1/tcp/1", "/memory/7"] {
            assert_eq!(counted(&address(free)), None);
        }
    }

    #[test]
    fn an_address_gets_its_share_and_gives_it_back() {
        let clock = Arc::new(alephd_tasks::ManualClock::new(0));
        let reputation = Reputation::new(&crate::NetConfig::default(), clock);
        let mut guard = Behaviour::new(Arc::new(reputation), 2);
        let (local, remote) = (
            address("/ip4/198.51.100.1/tcp/1"),
            address("/ip4/203.0.113.7/tcp/5"),
        );
        let id = ConnectionId::new_unchecked;
        assert!(
            guard
                .handle_pending_inbound_connection(id(1), &local, &remote)
                .is_ok()
        );
        assert!(
            guard
                .handle_pending_inbound_connection(id(2), &local, &remote)
                .is_ok()
        );
        assert!(
            guard
                .handle_pending_inbound_connection(id(3), &local, &remote)
                .is_err()
        );
        let other = address("/ip4/203.0.113.8/tcp/5");
        assert!(
            guard
                .handle_pending_inbound_connection(id(4), &local, &other)
                .is_ok()
        );
        guard.ended(id(3));
        assert!(
            guard
                .handle_pending_inbound_connection(id(5), &local, &remote)
                .is_err()
        );
        guard.ended(id(2));
        assert!(
            guard
                .handle_pending_inbound_connection(id(6), &local, &remote)
                .is_ok()
        );
        for connection in [1, 4, 6] {
            guard.ended(id(connection));
        }
        assert!(guard.counts.is_empty() && guard.incoming.is_empty());
    }
}
