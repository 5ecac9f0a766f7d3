//! What the swarm tells.

use std::net::IpAddr;

use libp2p::kad::{self, store::RecordStore};
use libp2p::multiaddr::Protocol;
use libp2p::swarm::dial_opts::{DialOpts, PeerCondition};
use libp2p::swarm::{ConnectionId, DialError, SwarmEvent};
use libp2p::{Multiaddr, PeerId, gossipsub, identify};
use tracing::{debug, trace};

use super::Host;
use crate::error::NetError;
use crate::peer::PeerInfo;
use crate::wire::{KADEMLIA, WireEvent};

/// Providers of one key that are connected with while their addresses are known.
const PROVIDERS_DIALLED: usize = 8;
/// Characters of an agent that are kept.
const AGENT: usize = 128;

impl Host {
    pub(super) fn event(&mut self, event: SwarmEvent<WireEvent>) {
        match event {
            SwarmEvent::Behaviour(event) => self.behaviour_event(event),
            SwarmEvent::ConnectionEstablished {
                peer_id,
                connection_id,
                endpoint,
                ..
            } => {
                self.view.opened(peer_id, &endpoint, self.clock.now_micros());
                self.redial.connected(peer_id, connection_id);
                self.answer_dial(connection_id, Ok(peer_id));
                if self.reputation.refuses(&peer_id) {
                    // Banned between the guard's look and now.
                    let _ = self.swarm.disconnect_peer_id(peer_id);
                }
            }
            SwarmEvent::ConnectionClosed {
                peer_id,
                endpoint,
                num_established,
                cause,
                ..
            } => {
                trace!(peer = %peer_id, ?cause, "a connection ended");
                if self.view.closed(peer_id, &endpoint, num_established) {
                    self.redial.disconnected(peer_id, self.clock.monotonic());
                }
            }
            SwarmEvent::OutgoingConnectionError {
                connection_id, error, ..
            } => self.dial_failed(connection_id, &error),
            SwarmEvent::NewListenAddr { address, .. } => self.view.listens(address),
            SwarmEvent::ExpiredListenAddr { address, .. } => self.view.listens_no_more(&address),
            SwarmEvent::ListenerClosed {
                addresses, reason, ..
            } => {
                debug!(?addresses, ?reason, "a listener ended");
                for address in &addresses {
                    self.view.listens_no_more(address);
                }
            }
            other => trace!(event = ?other, "swarm"),
        }
    }

    fn answer_dial(&mut self, connection: ConnectionId, answer: Result<PeerId, NetError>) {
        if let Some(reply) = self.dials.remove(&connection) {
            // Whoever asked may have stopped waiting.
            let _ = reply.send(answer);
        }
    }

    fn dial_failed(&mut self, connection: ConnectionId, error: &DialError) {
        debug!(%error, "no connection");
        self.redial.dial_failed(connection, self.clock.monotonic());
        self.answer_dial(connection, Err(NetError::Dial(error.to_string())));
    }

    fn behaviour_event(&mut self, event: WireEvent) {
        match event {
            WireEvent::Gossip(event) => self.gossip_event(event),
            WireEvent::Identify(event) => {
                if let identify::Event::Received { peer_id, info, .. } = event {
                    self.identified(peer_id, info);
                }
            }
            WireEvent::Ping(event) => {
                // A peer that does not answer pings, as those of the reference do not, stays.
                if let Ok(rtt) = event.result {
                    self.view.measured(&event.peer, rtt);
                }
            }
            WireEvent::Kademlia(event) => self.kademlia_event(event),
            #[cfg(feature = "mdns")]
            WireEvent::Mdns(libp2p::mdns::Event::Discovered(found)) => {
                for (peer, address) in found {
                    self.dial_known(peer, vec![address]);
                }
            }
            #[cfg(any(feature = "mdns", feature = "relay"))]
            other => trace!(event = ?other, "behaviour"),
            #[cfg(not(any(feature = "mdns", feature = "relay")))]
            WireEvent::Guard(never) | WireEvent::Limits(never) | WireEvent::Streams(never) => match never {},
        }
    }

    fn gossip_event(&mut self, event: gossipsub::Event) {
        match event {
            gossipsub::Event::Message {
                propagation_source,
                message_id,
                message,
            } => self.gossip(propagation_source, message_id, message),
            gossipsub::Event::Subscribed { peer_id, topic, .. } => {
                let topic = topic.into_string();
                if self.config.topics.contains(&topic) {
                    self.view.joined(&peer_id, topic);
                }
            }
            gossipsub::Event::Unsubscribed { peer_id, topic } => self.view.left(&peer_id, topic.as_str()),
            gossipsub::Event::SlowPeer { peer_id, .. } => {
                debug!(peer = %peer_id, "slow: gossip to it was lost")
            }
            other => trace!(event = ?other, "gossip"),
        }
    }

    fn identified(&mut self, peer: PeerId, info: identify::Info) {
        let mut protocols = info.protocols;
        protocols.truncate(PeerInfo::PROTOCOLS);
        let mut listens = info.listen_addrs;
        listens.truncate(PeerInfo::CONNECTIONS);
        if protocols.contains(&KADEMLIA) {
            // Addresses within this machine are worth knowing only of peers that are on it.
            let local = self.view.has_address(&peer, is_local);
            let kademlia = &mut self.swarm.behaviour_mut().kademlia;
            for address in listens.iter().filter(|address| local || !is_local(address)) {
                kademlia.add_address(&peer, address.clone());
            }
        }
        let agent = info
            .agent_version
            .chars()
            .filter(|c| !c.is_control())
            .take(AGENT)
            .collect();
        self.view.identified(peer, agent, protocols, listens);
    }

    fn kademlia_event(&mut self, event: kad::Event) {
        match event {
            kad::Event::InboundRequest {
                request: kad::InboundRequest::AddProvider { record: Some(record) },
            } => {
                // A full store forgets nothing for a stranger.
                let stored = self
                    .swarm
                    .behaviour_mut()
                    .kademlia
                    .store_mut()
                    .add_provider(record);
                if let Err(error) = stored {
                    trace!(%error, "provider record refused");
                }
            }
            kad::Event::OutboundQueryProgressed { id, result, step, .. } => match result {
                kad::QueryResult::GetProviders(result) => self.providers_found(id, result.ok(), step.last),
                kad::QueryResult::StartProviding(_) if step.last => {
                    if let Some(reply) = self.provides.remove(&id) {
                        let _ = reply.send(());
                    }
                }
                _ => {}
            },
            _ => {}
        }
    }

    fn providers_found(&mut self, id: kad::QueryId, found: Option<kad::GetProvidersOk>, last: bool) {
        let local = *self.swarm.local_peer_id();
        let mut fresh = Vec::new();
        if let Some(query) = self.queries.get_mut(&id)
            && let Some(kad::GetProvidersOk::FoundProviders { providers, .. }) = found
        {
            for provider in providers.into_iter().filter(|provider| *provider != local) {
                if query.found.len() < PROVIDERS_DIALLED && !query.found.contains(&provider) {
                    fresh.push(provider);
                }
                query.found.insert(provider);
            }
        }
        for provider in fresh {
            // Kademlia knows its addresses only while the query runs.
            self.dial_known(provider, Vec::new());
        }
        if last && let Some(query) = self.queries.remove(&id) {
            let _ = query.reply.send(query.found.into_iter().collect());
        }
    }

    fn dial_known(&mut self, peer: PeerId, addresses: Vec<Multiaddr>) {
        let options = DialOpts::peer_id(peer)
            .condition(PeerCondition::DisconnectedAndNotDialing)
            .addresses(addresses)
            .extend_addresses_through_behaviour()
            .build();
        if let Err(error) = self.swarm.dial(options) {
            trace!(%peer, %error, "not dialled");
        }
    }
}

/// Whether an address makes sense on this machine alone.
fn is_local(address: &Multiaddr) -> bool {
    address.iter().any(|part| match part {
        Protocol::Ip4(address) => IpAddr::V4(address).is_loopback() || address.is_unspecified(),
        Protocol::Ip6(address) => IpAddr::V6(address).is_loopback() || address.is_unspecified(),
        Protocol::Memory(_) => true,
        _ => false,
    })
}
