//! Messages on streams.

use std::{io, sync::Arc, time::Duration};

use alephd_peer_protocol::bitswap::{BitswapError, MAX_MESSAGE_SIZE, Message, Version, read_length};
use futures_util::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

/// Silence after which a stream is closed. Implementations that keep theirs open open another one
/// when they have something to say again.
const IDLE: Duration = Duration::from_secs(120);

/// What any message may take, and what each further piece of [`SLOW_PIECE`] bytes may: a peer on the
/// slowest of lines passes, one that holds our memory on purpose does not.
const PATIENCE: Duration = Duration::from_secs(10);
const SLOW_PIECE: usize = 64 * 1024;

/// Memory is handed out in pieces of this size.
const UNIT: usize = 1024;

/// Memory for messages that are being read: of one peer and of all together.
#[derive(Clone, Debug)]
pub(super) struct Memory {
    pub(super) of_peer: Arc<Semaphore>,
    pub(super) of_all: Arc<Semaphore>,
}

/// Memory in use, until it is dropped.
#[derive(Debug)]
pub(super) struct Held {
    _of_peer: OwnedSemaphorePermit,
    _of_all: OwnedSemaphorePermit,
}

/// Permits for so many bytes.
pub(super) fn memory(bytes: usize) -> Arc<Semaphore> {
    Arc::new(Semaphore::new(bytes / UNIT))
}

/// Two messages of the largest size.
pub(super) const PEER_MEMORY: usize = 2 * (MAX_MESSAGE_SIZE + UNIT);

impl Memory {
    async fn hold(&self, bytes: usize) -> io::Result<Held> {
        let units = u32::try_from(bytes / UNIT + 1).map_err(io::Error::other)?;
        let of_peer = Arc::clone(&self.of_peer).acquire_many_owned(units).await;
        let of_all = Arc::clone(&self.of_all).acquire_many_owned(units).await;
        Ok(Held {
            _of_peer: of_peer.map_err(io::Error::other)?,
            _of_all: of_all.map_err(io::Error::other)?,
        })
    }
}

/// Why nothing more is read from a stream.
#[derive(Debug, thiserror::Error)]
pub(super) enum WireError {
    /// The stream failed or was too slow.
    #[error("stream: {0}")]
    Io(#[from] io::Error),
    /// What came is no message.
    #[error(transparent)]
    Message(#[from] BitswapError),
}

/// Reads the next message and the memory that it holds; `None` when the stream ends or is silent.
pub(super) async fn read_message(
    stream: &mut (impl AsyncRead + Unpin),
    memory: &Memory,
) -> Result<Option<(Message, Held)>, WireError> {
    let mut head = Vec::with_capacity(4);
    let mut limit = IDLE;
    let length = loop {
        let mut byte = [0];
        let read = timeout(limit, stream.read(&mut byte)).await;
        match read.unwrap_or(Ok(0))? {
            0 if head.is_empty() => return Ok(None),
            0 => return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
            _ => head.push(byte[0]),
        }
        if let Some((length, _)) = read_length(&head)? {
            break length;
        }
        limit = PATIENCE;
    };
    let held = memory.hold(length).await?;
    // Grows with what comes, not with what was announced.
    let mut body = Vec::new();
    let mut body_stream = stream.take(length as u64);
    let read = timeout(patience(length), body_stream.read_to_end(&mut body)).await;
    let read = read.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
    if read < length {
        return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
    }
    Ok(Some((Message::decode(body.into())?, held)))
}

/// Writes a message.
pub(super) async fn write_message(
    stream: &mut (impl AsyncWrite + Unpin),
    message: &Message,
    version: Version,
) -> io::Result<()> {
    let bytes = message.encode_framed(version);
    let writing = async {
        stream.write_all(&bytes).await?;
        stream.flush().await
    };
    let written = timeout(patience(bytes.len()), writing).await;
    written.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
}

fn patience(bytes: usize) -> Duration {
    PATIENCE + Duration::from_secs((bytes / SLOW_PIECE) as u64)
}

#[cfg(test)]
mod tests {
    use alephd_peer_protocol::bitswap::Presence;
    use futures_util::io::Cursor;

    use super::*;

    fn small() -> Memory {
        Memory {
            of_peer: memory(PEER_MEMORY),
            of_all: memory(PEER_MEMORY),
        }
    }

    fn message() -> Message {
        let cid = "bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e".parse();
        Message {
            presences: vec![Presence {
                cid: cid.expect("a CID"),
                have: true,
            }],
            ..Message::default()
        }
    }

    #[tokio::test]
    async fn messages_follow_each_other() {
        let mut bytes = Vec::new();
        for _ in 0..2 {
            write_message(&mut bytes, &message(), Version::V1_2)
                .await
                .expect("written");
        }
        let memory = small();
        let mut stream = Cursor::new(bytes);
        for _ in 0..2 {
            let (read, _held) = read_message(&mut stream, &memory)
                .await
                .expect("read")
                .expect("a message");
            assert_eq!(read, message());
        }
        assert!(
            read_message(&mut stream, &memory)
                .await
                .expect("the end")
                .is_none()
        );
        assert_eq!(memory.of_peer.available_permits(), PEER_MEMORY / UNIT);
    }

    #[tokio::test]
    async fn what_is_cut_off_or_too_long_is_an_error() {
        let mut bytes = Vec::new();
        write_message(&mut bytes, &message(), Version::V1_2)
            .await
            .expect("written");
        bytes.pop();
        let cut = read_message(&mut Cursor::new(bytes), &small()).await;
        assert!(matches!(cut, Err(WireError::Io(error)) if error.kind() == io::ErrorKind::UnexpectedEof));
        let long = [0xff, 0xff, 0xff, 0x7f, 0];
        let long = read_message(&mut Cursor::new(long), &small()).await;
        assert!(matches!(long, Err(WireError::Message(BitswapError::Size(_)))));
    }
}
