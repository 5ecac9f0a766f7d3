//! What a host is told when it starts.

use std::time::Duration;

use libp2p::{Multiaddr, PeerId};

/// The settings of a host. Start from [`NetConfig::default`], which listens nowhere and knows nobody.
#[derive(Clone, Debug)]
pub struct NetConfig {
    /// Addresses to listen on, such as `/ip4/0.0.0.0/tcp/4025` and `/ip4/0.0.0.0/tcp/4026/ws`.
    pub listen: Vec<Multiaddr>,
    /// Peers to be connected with as long as the node runs. A lost connection is made again. Peers
    /// that are named here by their id are bound by no limit of connections.
    pub bootstrap: Vec<Multiaddr>,
    /// Addresses under which others reach this node, announced besides those it listens on.
    pub external: Vec<Multiaddr>,
    /// Topics of gossip to take part in. Others can be published to, but are not received.
    pub topics: Vec<String>,
    /// The largest gossip message, its envelope included. All nodes of a network share this number.
    pub max_gossip: usize,
    /// Gossip messages that may wait for their reader before no more are taken from the wire.
    pub inbox: usize,
    /// How this node names its software to others.
    pub agent: String,
    /// Agents whose name begins so promise to judge gossip before they relay it, and are held to it.
    pub judging_agents: String,
    /// What one peer may have of this node.
    pub limits: Limits,
    /// Whether addresses `/memory/N`, within this process, work besides those of sockets.
    pub memory: bool,
    /// Peers never to be connected with.
    pub block: Vec<PeerId>,
    /// If not empty, the only peers to be connected with.
    pub allow: Vec<PeerId>,
    /// The wait before a lost bootstrap peer is dialled again. It doubles with every failure.
    pub redial_min: Duration,
    /// The longest such wait.
    pub redial_max: Duration,
    /// Whether to look for peers on the local network (needs the feature `mdns`).
    pub mdns: bool,
    /// Whether this node forwards connections for others (needs the feature `relay`).
    pub serve_relay: bool,
}

impl Default for NetConfig {
    fn default() -> Self {
        Self {
            listen: Vec::new(),
            bootstrap: Vec::new(),
            external: Vec::new(),
            topics: Vec::new(),
            max_gossip: 262_144,
            // With the default size of a message of some 500 bytes this is half a megabyte, and at
            // the most 256 MiB if every message is as large as it may be.
            inbox: 1024,
            agent: concat!("alephd/", env!("CARGO_PKG_VERSION")).to_owned(),
            judging_agents: "alephd/".to_owned(),
            limits: Limits::default(),
            memory: false,
            block: Vec::new(),
            allow: Vec::new(),
            redial_min: Duration::from_secs(1),
            redial_max: Duration::from_secs(300),
            mdns: false,
            serve_relay: false,
        }
    }
}

/// What peers may have of this node.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Connections that others made.
    pub incoming: u32,
    /// Connections that this node made.
    pub outgoing: u32,
    /// Connections with one peer. Two come about when both sides dial at once.
    pub per_peer: u32,
    /// Connections from one IPv4 address or one /64 of IPv6. Loopback has no such limit.
    pub per_address: u32,
    /// Connections that are being made, by others.
    pub pending_incoming: u32,
    /// Connections that are being made, by this node.
    pub pending_outgoing: u32,
    /// New gossip messages a second that one peer may send for long.
    pub gossip_per_second: u32,
    /// New gossip messages that one peer may send at once.
    pub gossip_burst: u32,
    /// Gossip messages in one frame. Frames that hold more end the stream.
    pub gossip_per_frame: usize,
    /// A connection on which nothing happened for so long is closed.
    pub idle: Duration,
    /// How long a peer is banned the first time. It doubles with every further time, up to a day.
    pub ban: Duration,
    /// Keys of which this node tells others who provides them.
    pub provided_keys: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            incoming: 192,
            outgoing: 96,
            per_peer: 4,
            per_address: 16,
            pending_incoming: 64,
            pending_outgoing: 64,
            // Some fifty times what the whole network has ever had, and what one core can verify.
            gossip_per_second: 5_000,
            gossip_burst: 20_000,
            // More than fit in a frame if each has the hundred bytes of an envelope and its share of
            // the smallest message there is; what matters is that the number is not the sender's.
            gossip_per_frame: 1_000,
            // Peers that speak gossip alone and are outside the mesh send nothing for minutes.
            idle: Duration::from_secs(1800),
            ban: Duration::from_secs(600),
            provided_keys: 65_536,
        }
    }
}
