//! What the handle can see without asking the host.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use libp2p::core::ConnectedPoint;
use libp2p::{Multiaddr, PeerId, StreamProtocol};
use tokio::sync::broadcast;

use crate::peer::{Direction, PeerEvent, PeerInfo};
use crate::wire::traffic::Traffic;

/// Events that a slow reader may miss before it is told so: some ten for each connection.
const EVENTS: usize = 4096;

#[derive(Debug)]
pub(crate) struct View {
    traffic: Traffic,
    events: broadcast::Sender<PeerEvent>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    listening: Vec<Multiaddr>,
    peers: BTreeMap<PeerId, PeerInfo>,
}

impl View {
    pub(super) fn new(traffic: Traffic) -> Self {
        Self {
            traffic,
            events: broadcast::Sender::new(EVENTS),
            state: Mutex::default(),
        }
    }

    pub(crate) fn listening(&self) -> Vec<Multiaddr> {
        self.lock().listening.clone()
    }

    pub(crate) fn peers(&self) -> Vec<PeerInfo> {
        let mut peers: Vec<PeerInfo> = self.lock().peers.values().cloned().collect();
        for peer in &mut peers {
            (peer.received, peer.sent) = self.traffic.of(&peer.peer);
        }
        peers
    }

    pub(crate) fn subscribe(&self) -> broadcast::Receiver<PeerEvent> {
        self.events.subscribe()
    }

    pub(crate) fn is_connected(&self, peer: &PeerId) -> bool {
        self.lock().peers.contains_key(peer)
    }

    pub(crate) fn supports(&self, peer: &PeerId, protocol: &StreamProtocol) -> bool {
        let state = self.lock();
        state
            .peers
            .get(peer)
            .is_some_and(|info| info.protocols.contains(protocol))
    }

    /// Whether this peer promised to judge gossip before relaying it.
    pub(super) fn judges(&self, peer: &PeerId, agents: &str) -> bool {
        let state = self.lock();
        let agent = state.peers.get(peer).and_then(|info| info.agent.as_deref());
        !agents.is_empty() && agent.is_some_and(|agent| agent.starts_with(agents))
    }

    /// Whether an address of this peer is such that `condition` holds.
    pub(super) fn has_address(&self, peer: &PeerId, condition: impl FnMut(&Multiaddr) -> bool) -> bool {
        let state = self.lock();
        let info = state.peers.get(peer);
        info.is_some_and(|info| info.addresses.iter().any(condition))
    }

    pub(super) fn connected(&self) -> Vec<PeerId> {
        self.lock().peers.keys().copied().collect()
    }

    pub(super) fn listens(&self, address: Multiaddr) {
        let mut state = self.lock();
        if !state.listening.contains(&address) {
            state.listening.push(address);
        }
    }

    pub(super) fn listens_no_more(&self, address: &Multiaddr) {
        self.lock().listening.retain(|known| known != address);
    }

    /// A connection came about.
    pub(super) fn opened(&self, peer: PeerId, endpoint: &ConnectedPoint, now: i64) {
        let mut state = self.lock();
        let known = state.peers.contains_key(&peer);
        let info = state.peers.entry(peer).or_insert_with(|| PeerInfo {
            peer,
            addresses: Vec::new(),
            listens: Vec::new(),
            direction: match endpoint {
                ConnectedPoint::Dialer { .. } => Direction::Outgoing,
                ConnectedPoint::Listener { .. } => Direction::Incoming,
            },
            agent: None,
            protocols: Vec::new(),
            topics: Vec::new(),
            mesh: Vec::new(),
            rtt: None,
            score: 0.0,
            received: 0,
            sent: 0,
            since: now,
        });
        let address = endpoint.get_remote_address();
        if info.addresses.len() < PeerInfo::CONNECTIONS && !info.addresses.contains(address) {
            info.addresses.push(address.clone());
        }
        drop(state);
        if !known {
            self.tell(PeerEvent::Connected(peer));
        }
    }

    /// A connection ended; `left` others remain. Returns whether it was the last.
    pub(super) fn closed(&self, peer: PeerId, endpoint: &ConnectedPoint, left: u32) -> bool {
        let mut state = self.lock();
        if left == 0 {
            state.peers.remove(&peer);
            drop(state);
            self.tell(PeerEvent::Disconnected(peer));
            return true;
        }
        if let Some(info) = state.peers.get_mut(&peer)
            && info.addresses.len() > 1
        {
            info.addresses
                .retain(|address| address != endpoint.get_remote_address());
        }
        false
    }

    pub(super) fn identified(
        &self,
        peer: PeerId,
        agent: String,
        protocols: Vec<StreamProtocol>,
        listens: Vec<Multiaddr>,
    ) {
        let mut state = self.lock();
        let Some(info) = state.peers.get_mut(&peer) else {
            return;
        };
        info.agent = Some(agent);
        info.protocols.clone_from(&protocols);
        info.listens = listens;
        drop(state);
        self.tell(PeerEvent::Identified { peer, protocols });
    }

    pub(super) fn measured(&self, peer: &PeerId, rtt: Duration) {
        if let Some(info) = self.lock().peers.get_mut(peer) {
            info.rtt = Some(rtt);
        }
    }

    pub(super) fn scored(&self, peer: &PeerId, score: f64, mesh: Vec<String>) {
        if let Some(info) = self.lock().peers.get_mut(peer) {
            info.score = score;
            info.mesh = mesh;
        }
    }

    pub(super) fn joined(&self, peer: &PeerId, topic: String) {
        if let Some(info) = self.lock().peers.get_mut(peer)
            && !info.topics.contains(&topic)
        {
            info.topics.push(topic);
        }
    }

    pub(super) fn left(&self, peer: &PeerId, topic: &str) {
        if let Some(info) = self.lock().peers.get_mut(peer) {
            info.topics.retain(|known| known != topic);
        }
    }

    fn tell(&self, event: PeerEvent) {
        // Nobody may be listening.
        let _ = self.events.send(event);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
