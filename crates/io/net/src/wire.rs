//! The protocols that the host speaks, as one behaviour of the swarm.

pub(crate) mod gate;
mod gossiping;
mod guard;
mod providers;
pub(crate) mod streams;
pub(crate) mod traffic;
mod transport;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use libp2p::swarm::{NetworkBehaviour, Swarm};
use libp2p::{PeerId, StreamProtocol, connection_limits, identify, kad, ping};

pub(crate) use gossiping::envelope;
pub(crate) use providers::Providers;
pub use streams::IncomingStreams;

use crate::config::NetConfig;
use crate::error::NetError;
use crate::identity::Identity;
use crate::reputation::Reputation;

/// The protocol of provider records, which is that of IPFS.
pub(crate) const KADEMLIA: StreamProtocol = StreamProtocol::new("/ipfs/kad/1.0.0");
/// What identify calls the family of protocols.
const FAMILY: &str = "aleph/1.0.0";
const PING_INTERVAL: Duration = Duration::from_secs(15);
const PING_TIMEOUT: Duration = Duration::from_secs(20);

/// Everything at once. The guard comes first: what it refuses costs the others nothing.
#[derive(NetworkBehaviour)]
pub(crate) struct Wire {
    guard: guard::Behaviour,
    limits: connection_limits::Behaviour,
    pub(crate) gossip: gate::Gated,
    pub(crate) streams: streams::Behaviour,
    identify: identify::Behaviour,
    ping: ping::Behaviour,
    pub(crate) kademlia: kad::Behaviour<Providers>,
    #[cfg(feature = "mdns")]
    mdns: libp2p::swarm::behaviour::toggle::Toggle<libp2p::mdns::tokio::Behaviour>,
    #[cfg(feature = "relay")]
    relay_client: libp2p::relay::client::Behaviour,
    #[cfg(feature = "relay")]
    relay_server: libp2p::swarm::behaviour::toggle::Toggle<libp2p::relay::Behaviour>,
    #[cfg(feature = "relay")]
    hole_punching: libp2p::dcutr::Behaviour,
    #[cfg(feature = "relay")]
    reachability: libp2p::autonat::Behaviour,
}

/// What a swarm is built from besides the settings.
pub(crate) struct Parts {
    pub(crate) reputation: Arc<Reputation>,
    pub(crate) streams: streams::Control,
    pub(crate) traffic: traffic::Traffic,
    pub(crate) executor: libp2p::swarm::Config,
}

/// Builds the swarm; nothing is listened on or dialled yet.
pub(crate) fn swarm(
    identity: &Identity,
    config: &NetConfig,
    trusted: &[PeerId],
    parts: Parts,
) -> Result<Swarm<Wire>, NetError> {
    let keypair = identity.keypair();
    let local = identity.peer_id();
    let limits = &config.limits;

    let connections = connection_limits::ConnectionLimits::default()
        .with_max_pending_incoming(Some(limits.pending_incoming))
        .with_max_pending_outgoing(Some(limits.pending_outgoing))
        .with_max_established_incoming(Some(limits.incoming))
        .with_max_established_outgoing(Some(limits.outgoing))
        .with_max_established_per_peer(Some(limits.per_peer));
    let mut limits_behaviour = connection_limits::Behaviour::new(connections);
    for peer in trusted {
        limits_behaviour.bypass_peer_id(peer);
    }

    let identify = identify::Config::new(FAMILY.to_owned(), keypair.public())
        .with_agent_version(config.agent.clone())
        .with_push_listen_addr_updates(true);
    let ping = ping::Config::new()
        .with_interval(PING_INTERVAL)
        .with_timeout(PING_TIMEOUT);
    let mut kademlia = kad::Config::new(KADEMLIA);
    kademlia.set_record_filtering(kad::StoreInserts::FilterBoth);
    let store = Providers::new(local, limits.provided_keys);
    let mut kademlia = kad::Behaviour::with_config(local, store, kademlia);
    kademlia.set_mode(Some(kad::Mode::Server));

    let built = transport::build(keypair, config, parts.traffic)?;
    let wire = Wire {
        guard: guard::Behaviour::new(Arc::clone(&parts.reputation), limits.per_address),
        limits: limits_behaviour,
        gossip: gate::Gated::new(gossiping::behaviour(keypair, config)?),
        streams: streams::Behaviour::new(&parts.streams),
        identify: identify::Behaviour::new(identify),
        ping: ping::Behaviour::new(ping),
        kademlia,
        #[cfg(feature = "mdns")]
        mdns: mdns(config, local)?,
        #[cfg(feature = "relay")]
        relay_client: built.relay,
        #[cfg(feature = "relay")]
        relay_server: config
            .serve_relay
            .then(|| libp2p::relay::Behaviour::new(local, libp2p::relay::Config::default()))
            .into(),
        #[cfg(feature = "relay")]
        hole_punching: libp2p::dcutr::Behaviour::new(local),
        #[cfg(feature = "relay")]
        reachability: libp2p::autonat::Behaviour::new(local, libp2p::autonat::Config::default()),
    };
    let swarm = parts.executor.with_idle_connection_timeout(limits.idle);
    Ok(Swarm::new(built.transport, wire, local, swarm))
}

#[cfg(feature = "mdns")]
fn mdns(
    config: &NetConfig,
    local: PeerId,
) -> Result<libp2p::swarm::behaviour::toggle::Toggle<libp2p::mdns::tokio::Behaviour>, NetError> {
    let behaviour = config
        .mdns
        .then(|| libp2p::mdns::tokio::Behaviour::new(libp2p::mdns::Config::default(), local))
        .transpose()
        .map_err(|error| transport_error(&error))?;
    Ok(behaviour.into())
}

#[cfg_attr(
    not(feature = "mdns"),
    expect(dead_code, reason = "used by some features alone")
)]
fn transport_error(error: &io::Error) -> NetError {
    NetError::Transport(error.to_string())
}
