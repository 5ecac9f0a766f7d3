//! The peer-to-peer host: connections, gossip, streams and who provides what.
//!
//! One task owns a libp2p swarm; [`Net`] is the handle that everybody else holds. The host carries
//! bytes and knows peers. What the bytes mean is decided by others, who tell it their verdict.
//!
//! ```text
//!            ┌───────────────────────── host task ─────────────────────────┐
//!  peers ◀──▶│ TCP, WebSocket ▸ Noise ▸ yamux ▸ gossipsub ▸ rates ▸ inbox  │──▶ GossipInbox
//!            │                                  ▲                          │        │ judged
//!            │                    verdicts ─────┘◀─────────────────────────│◀── Net::judge
//!            │                  ▸ streams by protocol                      │◀─▶ Net::open, Net::accept
//!            │                  ▸ identify, ping, Kademlia                 │──▶ Net::peers, Net::events
//!            └─────────────────────────────────────────────────────────────┘
//! ```
//!
//! # What it promises
//!
//! - No gossip is forwarded before [`Net::judge`] accepted it, and what was rejected never is.
//! - Every queue has a bound. While the [`GossipInbox`] is full, gossip stays on the wire: the
//!   streams of gossip are not read, all others go on.
//! - A peer that is worse than it should be loses its connection for a time. Peers that speak
//!   nothing but gossip, as the sidecars of the reference do, are full members: nothing else is
//!   required of them, and they are not blamed for relaying what they did not judge.
//! - Nothing that comes from the network can make it panic; a panic inside the libraries ends one
//!   connection, not the host.
//!
//! # What it leaves to others
//!
//! Messages, contents, catching up, and which peers besides the configured ones are worth dialling.
//!
//! # Overload
//!
//! Connections are limited in number: in all, by peer, by address, and while they are being made.
//! Gossip is limited by peer ([`Limits::gossip_per_second`]); verdicts and commands travel in
//! bounded queues.
//!
//! Protocol: docs/protocol/network.md. Decision: docs/decisions/0007-libp2p.md.

mod config;
mod error;
mod gossip;
mod host;
mod identity;
mod net;
mod peer;
mod reputation;
mod wire;

pub use config::{Limits, NetConfig};
pub use error::{IdentityError, NetError, PublishError};
pub use gossip::{GossipId, GossipInbox, GossipMessage, Verdict};
pub use identity::Identity;
pub use libp2p::multiaddr::Protocol;
pub use libp2p::{Multiaddr, PeerId, Stream, StreamProtocol};
pub use net::Net;
pub use peer::{Direction, Offence, PeerEvent, PeerInfo};
pub use wire::IncomingStreams;
