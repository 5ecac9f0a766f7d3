//! What the host knows of its peers.

use std::time::Duration;

use libp2p::{Multiaddr, PeerId, StreamProtocol};

/// Who made a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// The other side.
    Incoming,
    /// This node.
    Outgoing,
}

/// A connected peer, as of the moment of asking.
#[derive(Clone, Debug)]
pub struct PeerInfo {
    /// Who it is.
    pub peer: PeerId,
    /// The far ends of its connections, at most [`PeerInfo::CONNECTIONS`].
    pub addresses: Vec<Multiaddr>,
    /// Where it says to listen, at most [`PeerInfo::CONNECTIONS`]. Unchecked.
    pub listens: Vec<Multiaddr>,
    /// Who made the oldest of its connections.
    pub direction: Direction,
    /// Its software, as it says; `None` if it has not said.
    pub agent: Option<String>,
    /// The protocols that it says to speak; empty if it has not said.
    pub protocols: Vec<StreamProtocol>,
    /// The topics of ours in which it takes part.
    pub topics: Vec<String>,
    /// The topics of ours in whose mesh it is: gossip goes to it as soon as it is judged.
    pub mesh: Vec<String>,
    /// The last measured time of a round trip.
    pub rtt: Option<Duration>,
    /// The score by which gossip chooses: below 0 is bad, far below is ignored.
    pub score: f64,
    /// Bytes received from it on all streams since it is connected.
    pub received: u64,
    /// Bytes sent to it on all streams since it is connected.
    pub sent: u64,
    /// When it connected, in microseconds since the Unix epoch.
    pub since: i64,
}

impl PeerInfo {
    /// How many addresses of one peer are kept.
    pub const CONNECTIONS: usize = 16;
    /// How many protocols of one peer are kept.
    pub const PROTOCOLS: usize = 64;
}

/// Something that happened with a peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PeerEvent {
    /// Its first connection came about.
    Connected(PeerId),
    /// It said what it speaks. Comes again whenever that changes, and never from peers that do not
    /// speak identify.
    Identified {
        /// Who.
        peer: PeerId,
        /// What it speaks.
        protocols: Vec<StreamProtocol>,
    },
    /// Its last connection ended.
    Disconnected(PeerId),
}

/// Something that a peer should not have done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offence {
    /// It sent bytes that do not have the hash under which it offered them.
    WrongBytes,
    /// It sent what the protocol does not allow.
    BadProtocol,
    /// It sent more, or asked for more, than it may.
    Flood,
    /// It made us wait in vain.
    Timeout,
}
