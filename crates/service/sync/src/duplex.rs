//! Streams whatever carries them.

use futures_util::io::{AsyncRead, AsyncWrite};

/// A stream of any kind.
pub trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// A stream to or from a peer.
pub type BoxStream = Box<dyn Duplex>;
