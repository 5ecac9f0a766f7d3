//! What the handle asks for.

use std::collections::BTreeSet;

use libp2p::gossipsub::{self, IdentTopic};
use libp2p::kad::RecordKey;
use libp2p::swarm::DialError;
use libp2p::swarm::dial_opts::{DialOpts, PeerCondition};
use libp2p::{Multiaddr, PeerId};
use tokio::sync::oneshot;
use tracing::{debug, warn};

use super::{Host, peer_of};
use crate::error::{NetError, PublishError};
use crate::wire::envelope;

/// Queries of Kademlia at a time; more callers are told that nobody was found.
const QUERIES: usize = 256;

#[derive(Debug)]
pub(crate) enum Command {
    Dial {
        address: Multiaddr,
        reply: oneshot::Sender<Result<PeerId, NetError>>,
    },
    Connect {
        peer: PeerId,
        reply: oneshot::Sender<Result<PeerId, NetError>>,
    },
    Disconnect {
        peer: PeerId,
        reply: oneshot::Sender<()>,
    },
    Publish {
        topic: String,
        data: Vec<u8>,
        reply: oneshot::Sender<Result<(), PublishError>>,
    },
    Provide {
        key: Vec<u8>,
        reply: oneshot::Sender<()>,
    },
    Unprovide {
        key: Vec<u8>,
        reply: oneshot::Sender<()>,
    },
    Providers {
        key: Vec<u8>,
        reply: oneshot::Sender<Vec<PeerId>>,
    },
}

/// A search for providers.
#[derive(Debug)]
pub(crate) struct Query {
    pub(super) found: BTreeSet<PeerId>,
    pub(super) reply: oneshot::Sender<Vec<PeerId>>,
}

// Whoever asked may have stopped waiting, which is nobody's error: answers that cannot be sent are
// dropped.
impl Host {
    pub(super) fn command(&mut self, command: Command) {
        match command {
            Command::Dial { address, reply } => self.dial(address, reply),
            Command::Connect { peer, reply } => self.connect(peer, reply),
            Command::Disconnect { peer, reply } => {
                let _ = self.swarm.disconnect_peer_id(peer);
                let _ = reply.send(());
            }
            Command::Publish { topic, data, reply } => {
                let _ = reply.send(self.publish(&topic, data));
            }
            Command::Provide { key, reply } => self.provide(key, reply),
            Command::Unprovide { key, reply } => {
                self.swarm
                    .behaviour_mut()
                    .kademlia
                    .stop_providing(&RecordKey::from(key));
                let _ = reply.send(());
            }
            Command::Providers { key, reply } => self.find_providers(key, reply),
        }
    }

    fn dial(&mut self, address: Multiaddr, reply: oneshot::Sender<Result<PeerId, NetError>>) {
        let options = match peer_of(&address) {
            Some(peer) if self.swarm.is_connected(&peer) => {
                let _ = reply.send(Ok(peer));
                return;
            }
            Some(peer) => DialOpts::peer_id(peer)
                .condition(PeerCondition::Always)
                .addresses(vec![address])
                .build(),
            None => DialOpts::unknown_peer_id().address(address).build(),
        };
        self.dial_with(options, reply);
    }

    fn connect(&mut self, peer: PeerId, reply: oneshot::Sender<Result<PeerId, NetError>>) {
        if self.swarm.is_connected(&peer) {
            let _ = reply.send(Ok(peer));
            return;
        }
        let options = DialOpts::peer_id(peer).condition(PeerCondition::Always).build();
        self.dial_with(options, reply);
    }

    fn dial_with(&mut self, options: DialOpts, reply: oneshot::Sender<Result<PeerId, NetError>>) {
        let (connection, peer) = (options.connection_id(), options.get_peer_id());
        match self.swarm.dial(options) {
            Ok(()) => {
                self.dials.insert(connection, reply);
            }
            Err(error) => {
                let _ = reply.send(Err(match (error, peer) {
                    (DialError::NoAddresses, Some(peer)) => NetError::NotConnected(peer),
                    (error, _) => NetError::Dial(error.to_string()),
                }));
            }
        }
    }

    /// A bootstrap peer whose turn it is. Whether it worked is learnt from the events.
    pub(super) fn dial_bootstrap(&mut self, address: Multiaddr) {
        let options = match peer_of(&address) {
            Some(peer) => DialOpts::peer_id(peer)
                .condition(PeerCondition::DisconnectedAndNotDialing)
                .addresses(vec![address.clone()])
                .build(),
            None => DialOpts::unknown_peer_id().address(address.clone()).build(),
        };
        let connection = options.connection_id();
        match self.swarm.dial(options) {
            Ok(()) => self.redial.dialling(&address, connection),
            Err(error) => {
                debug!(%address, %error, "bootstrap peer not dialled");
                self.redial.failed(&address, self.clock.monotonic());
            }
        }
    }

    fn publish(&mut self, topic: &str, data: Vec<u8>) -> Result<(), PublishError> {
        let size = data.len();
        let limit = self
            .config
            .max_gossip
            .saturating_sub(envelope(self.envelope_of.keypair(), topic));
        let too_large = PublishError::TooLarge { size, limit };
        if size > limit {
            // Gossipsub looks at the data alone, and a frame that is too large ends the stream.
            return Err(too_large);
        }
        let gossip = self.swarm.behaviour_mut().gossip.gossipsub_mut();
        match gossip.publish(IdentTopic::new(topic), data) {
            Ok(_) => Ok(()),
            Err(gossipsub::PublishError::Duplicate) => Err(PublishError::Duplicate),
            Err(gossipsub::PublishError::NoPeersSubscribedToTopic) => Err(PublishError::NoPeers),
            Err(gossipsub::PublishError::MessageTooLarge) => Err(too_large),
            Err(gossipsub::PublishError::AllQueuesFull(_)) => Err(PublishError::Busy),
            Err(other) => Err(PublishError::Signing(other.to_string())),
        }
    }

    fn provide(&mut self, key: Vec<u8>, reply: oneshot::Sender<()>) {
        match self
            .swarm
            .behaviour_mut()
            .kademlia
            .start_providing(RecordKey::from(key))
        {
            Ok(query) if self.provides.len() < QUERIES => {
                self.provides.insert(query, reply);
            }
            Ok(_) => {
                let _ = reply.send(());
            }
            Err(error) => {
                warn!(%error, "not announced: this node provides as many keys as it may");
                let _ = reply.send(());
            }
        }
    }

    fn find_providers(&mut self, key: Vec<u8>, reply: oneshot::Sender<Vec<PeerId>>) {
        if self.queries.len() >= QUERIES {
            let _ = reply.send(Vec::new());
            return;
        }
        let query = self
            .swarm
            .behaviour_mut()
            .kademlia
            .get_providers(RecordKey::from(key));
        let found = BTreeSet::new();
        self.queries.insert(query, Query { found, reply });
    }
}
