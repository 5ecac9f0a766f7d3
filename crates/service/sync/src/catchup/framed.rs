//! Frames on a stream.

use std::io;

use alephd_peer_protocol::catchup::{Frame, FrameError, MAX_FRAME};
use futures_util::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

/// Room is made for so much of a frame at a time, whatever its length says.
const CHUNK: usize = 64 << 10;
/// Bytes that a buffer keeps between frames.
const KEPT: usize = 256 << 10;

/// Why nothing could be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The stream failed.
    #[error("the stream: {0}")]
    Io(#[from] io::Error),
    /// It ended.
    #[error("the stream ended")]
    Ended,
    /// What came is no frame.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// A frame is longer than any may be.
    #[error("a frame of {0} bytes")]
    TooLong(usize),
}

/// Reads frames.
pub(super) struct FrameReader<R> {
    stream: R,
    head: [u8; 4],
    head_filled: usize,
    body: Vec<u8>,
    body_filled: usize,
    bytes: u64,
}

impl<R: AsyncRead + Unpin> FrameReader<R> {
    pub(super) fn new(stream: R) -> Self {
        Self {
            stream,
            head: [0; 4],
            head_filled: 0,
            body: Vec::new(),
            body_filled: 0,
            bytes: 0,
        }
    }

    /// Bytes read so far.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The next frame. May be dropped and called again: nothing that was read is lost.
    pub(super) async fn next(&mut self) -> Result<Frame, ReadError> {
        while self.head_filled < 4 {
            let count = self.stream.read(&mut self.head[self.head_filled..]).await?;
            self.head_filled += self.count(count)?;
        }
        let length = u32::from_be_bytes(self.head) as usize;
        if length > MAX_FRAME {
            return Err(ReadError::TooLong(length));
        }
        while self.body_filled < length {
            if self.body.len() == self.body_filled {
                let room = length.min(self.body_filled + CHUNK);
                self.body.resize(room, 0);
            }
            let end = length.min(self.body.len());
            let count = self.stream.read(&mut self.body[self.body_filled..end]).await?;
            self.body_filled += self.count(count)?;
        }
        let frame = Frame::read(&self.body[..length]);
        (self.head_filled, self.body_filled) = (0, 0);
        self.body.truncate(KEPT);
        self.body.shrink_to(KEPT);
        Ok(frame?)
    }

    fn count(&mut self, count: usize) -> Result<usize, ReadError> {
        self.bytes += count as u64;
        if count == 0 {
            Err(ReadError::Ended)
        } else {
            Ok(count)
        }
    }
}

/// Writes frames.
pub(super) struct FrameWriter<W> {
    stream: W,
    bytes: u64,
}

impl<W: AsyncWrite + Unpin> FrameWriter<W> {
    pub(super) fn new(stream: W) -> Self {
        Self { stream, bytes: 0 }
    }

    /// Bytes written so far.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Writes a frame; `false` if it is too long to be one.
    pub(super) async fn write(&mut self, frame: &Frame) -> io::Result<bool> {
        let body = frame.write();
        let length = u32::try_from(body.len()).ok().filter(|_| body.len() <= MAX_FRAME);
        let Some(length) = length else { return Ok(false) };
        self.stream.write_all(&length.to_be_bytes()).await?;
        self.stream.write_all(&body).await?;
        self.bytes += 4 + u64::from(length);
        Ok(true)
    }

    pub(super) async fn flush(&mut self) -> io::Result<()> {
        self.stream.flush().await
    }

    pub(super) async fn close(&mut self) -> io::Result<()> {
        self.stream.close().await
    }
}
