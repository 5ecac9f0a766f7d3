//! What can go wrong with the host, a stream, or a message to be published.

use std::io;

use libp2p::{Multiaddr, PeerId, StreamProtocol};

/// Why the host did not start, or could not do what it was asked to.
#[derive(Debug, thiserror::Error)]
pub enum NetError {
    /// This address cannot be listened on.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address.
        address: Multiaddr,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// The settings contradict each other.
    #[error("settings of the network: {0}")]
    Config(String),
    /// The transports could not be set up.
    #[error("transport: {0}")]
    Transport(String),
    /// No connection came about.
    #[error("cannot connect: {0}")]
    Dial(String),
    /// It took too long.
    #[error("timed out")]
    TimedOut,
    /// No connection with this peer, and no address of it is known.
    #[error("not connected with {0}")]
    NotConnected(PeerId),
    /// The peer does not speak this protocol.
    #[error("the peer does not speak {0}")]
    Unsupported(StreamProtocol),
    /// Somebody accepts the streams of this protocol already.
    #[error("streams of {0} are already accepted")]
    AlreadyAccepted(StreamProtocol),
    /// A stream could not be opened.
    #[error("stream: {0}")]
    Stream(#[source] io::Error),
    /// The host has stopped.
    #[error("the host has stopped")]
    Stopped,
}

/// Why a message was not published.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PublishError {
    /// With its envelope it is larger than the network allows.
    #[error("{size} bytes are more than the {limit} that fit in a gossip message")]
    TooLarge {
        /// The bytes of the message.
        size: usize,
        /// How many would fit.
        limit: usize,
    },
    /// The same bytes were published or received within the last half hour.
    #[error("already published")]
    Duplicate,
    /// No connected peer takes part in this topic.
    #[error("no peer takes part in this topic")]
    NoPeers,
    /// The queues of all peers are full.
    #[error("all peers are too slow")]
    Busy,
    /// It could not be signed.
    #[error("cannot sign: {0}")]
    Signing(String),
    /// The host has stopped.
    #[error("the host has stopped")]
    Stopped,
}

/// Why there is no identity.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// The file could not be read or written.
    #[error("identity file {path}")]
    File {
        /// Its path.
        path: String,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// The file holds no key of a known form.
    #[error("identity file {path} is neither PKCS#8 DER of an RSA or ed25519 key nor a libp2p key")]
    Form {
        /// Its path.
        path: String,
    },
}
