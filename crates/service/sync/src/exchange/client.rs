//! One stream, from the side that asks.

use std::{io, time::Duration};

use alephd_peer_protocol::exchange::{Answer, ExchangeError, MAX_ANSWER, MAX_DATA, Request};
use futures_util::io::{AsyncRead, AsyncReadExt as _, AsyncWrite};
use tokio::time::timeout;

use super::frame::{read_frame, read_length, write_frame};

/// Why a peer is of no use for a download any more.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PeerError {
    /// No stream to it.
    #[error("cannot be reached: {0}")]
    Unreachable(String),
    /// The stream failed or ended.
    #[error("cut off: {0}")]
    Cut(#[source] io::Error),
    /// No byte for too long.
    #[error("silent")]
    Silent,
    /// A piece took too long.
    #[error("slow")]
    Slow,
    /// It cannot read what it has.
    #[error("gave up in the middle")]
    GaveUp,
    /// It has not what was asked for.
    #[error("does not have it")]
    NotFound,
    /// It has too much to do.
    #[error("busy")]
    Busy,
    /// It has something else than it said before, or than others say.
    #[error("has another size")]
    Other,
    /// What it has is larger than allowed.
    #[error("has more than is allowed")]
    TooLarge,
    /// It does not keep to the protocol.
    #[error("breaks the protocol: {0}")]
    Protocol(String),
}

impl From<ExchangeError> for PeerError {
    fn from(error: ExchangeError) -> Self {
        Self::Protocol(error.to_string())
    }
}

impl From<io::Error> for PeerError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::InvalidData => Self::Protocol(error.to_string()),
            _ => Self::Cut(error),
        }
    }
}

/// A stream on which one thing after another is asked.
pub(crate) struct Connection<S> {
    stream: S,
    /// How long the other side may be silent.
    idle: Duration,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    pub(crate) fn new(stream: S, idle: Duration) -> Self {
        Self { stream, idle }
    }

    /// Asks and reads the answer. The bytes that it announces have to be read by
    /// [`Connection::read`] before the next question.
    pub(crate) async fn ask(&mut self, request: &Request) -> Result<Answer, PeerError> {
        let asking = async {
            write_frame(&mut self.stream, &request.encode()).await?;
            read_frame(&mut self.stream, MAX_ANSWER).await
        };
        let answer = timeout(self.idle, asking)
            .await
            .map_err(|_| PeerError::Silent)??;
        let answer = answer.ok_or_else(|| PeerError::Cut(io::ErrorKind::UnexpectedEof.into()))?;
        Ok(Answer::decode(&answer, request)?)
    }

    /// Reads as many bytes as `into` has room for, which is what was announced.
    pub(crate) async fn read(&mut self, mut into: &mut [u8]) -> Result<(), PeerError> {
        while !into.is_empty() {
            let next = async {
                let length = read_length(&mut self.stream, MAX_DATA).await?;
                if length == 0 {
                    return Err(PeerError::GaveUp);
                }
                if length > into.len() {
                    return Err(PeerError::Protocol("more bytes than announced".into()));
                }
                let (frame, rest) = std::mem::take(&mut into).split_at_mut(length);
                self.stream.read_exact(frame).await?;
                Ok(rest)
            };
            into = timeout(self.idle, next).await.map_err(|_| PeerError::Silent)??;
        }
        Ok(())
    }
}
