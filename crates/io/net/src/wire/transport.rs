//! From a socket to a connection with streams: TCP or WebSocket, Noise, yamux.

use std::time::Duration;

use libp2p::core::muxing::StreamMuxerBox;
use libp2p::core::transport::{Boxed, MemoryTransport, OptionalTransport};
use libp2p::core::{Transport, upgrade};
use libp2p::identity::Keypair;
use libp2p::{PeerId, dns, noise, tcp, websocket, yamux};
use tracing::warn;

use super::traffic::Traffic;
use crate::config::NetConfig;
use crate::error::NetError;

/// From the first byte to a connection with streams.
const UPGRADE_TIMEOUT: Duration = Duration::from_secs(10);
/// Streams that a connection has room for. Not the bound of them: what is not negotiated or accepted is
/// dropped, and the protocols have bounds of their own.
///
/// All streams of a connection may hold 1 GiB that nobody has read, 256 KiB of it each by right. What is
/// left of that, here three times 256 KiB, is what the window of a stream can grow by. JavaScript nodes
/// fill a window with one frame, and a frame of more than 1 MiB would end the connection.
const STREAMS: usize = 4096 - 3;

/// Bytes of one frame of a WebSocket, which are buffered before anything is known of the sender. What
/// travels in them are records of Noise, of at most 64 KiB; some clients send several at once.
const WEBSOCKET_FRAME: usize = 1024 * 1024;

pub(crate) struct Built {
    pub(crate) transport: Boxed<(PeerId, StreamMuxerBox)>,
    #[cfg(feature = "relay")]
    pub(crate) relay: libp2p::relay::client::Behaviour,
}

pub(crate) fn build(keypair: &Keypair, config: &NetConfig, traffic: Traffic) -> Result<Built, NetError> {
    let mut web = websocket::Config::new(resolved(tcp_transport));
    web.set_max_data_size(WEBSOCKET_FRAME);
    let sockets = web.or_transport(resolved(tcp_transport));
    let memory = if config.memory {
        OptionalTransport::some(MemoryTransport::default())
    } else {
        OptionalTransport::none()
    };
    let streams = memory.or_transport(sockets);

    #[cfg(feature = "relay")]
    let (streams, relay) = {
        let (transport, behaviour) = libp2p::relay::client::new(keypair.public().to_peer_id());
        (transport.or_transport(streams), behaviour)
    };

    let noise = noise::Config::new(keypair).map_err(|error| NetError::Transport(error.to_string()))?;
    let connections = streams
        .upgrade(upgrade::Version::V1)
        .authenticate(noise)
        .multiplex(multiplexer())
        .timeout(UPGRADE_TIMEOUT)
        .map(|(peer, connection), _| (peer, StreamMuxerBox::new(connection)));

    #[cfg(feature = "quic")]
    let connections = {
        resolved(|| libp2p::quic::tokio::Transport::new(libp2p::quic::Config::new(keypair)))
            .map(|(peer, connection), _| (peer, StreamMuxerBox::new(connection)))
            .or_transport(connections)
            .map(|either, _| either.into_inner())
    };

    let transport = connections
        .map(move |(peer, connection), _| (peer, traffic.count(peer, connection)))
        .boxed();
    Ok(Built {
        transport,
        #[cfg(feature = "relay")]
        relay,
    })
}

fn tcp_transport() -> tcp::tokio::Transport {
    tcp::tokio::Transport::new(tcp::Config::default().nodelay(true))
}

fn multiplexer() -> yamux::Config {
    let mut config = yamux::Config::default();
    config.set_max_num_streams(STREAMS);
    config
}

/// Names are looked up as the system does. A system without a configuration, as a container or a
/// network namespace may be, gets a resolver without servers: addresses then work, names do not.
fn resolved<T, M>(transport: M) -> dns::tokio::Transport<T>
where
    M: Fn() -> T,
    T: Transport,
{
    dns::tokio::Transport::system(transport()).unwrap_or_else(|error| {
        warn!(%error, "no configuration of DNS; peers can be dialled by address only");
        let (config, options) = (dns::ResolverConfig::default(), dns::ResolverOpts::default());
        dns::tokio::Transport::custom(transport(), config, options)
    })
}
