//! Frames: a length of four bytes, big-endian, and as many bytes.

use std::io;

use futures_util::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

/// Reads a frame of at most `most` bytes; `None` if the stream ended before it.
///
/// Only for the small frames of requests and answers: the bytes are made room for at once.
pub(crate) async fn read_frame(
    stream: &mut (impl AsyncRead + Unpin),
    most: usize,
) -> io::Result<Option<Vec<u8>>> {
    let mut head = [0; 4];
    let mut filled = 0;
    while filled < head.len() {
        match stream.read(&mut head[filled..]).await? {
            0 if filled == 0 => return Ok(None),
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            read => filled += read,
        }
    }
    let length = bounded(head, most)?;
    let mut bytes = vec![0; length];
    stream.read_exact(&mut bytes).await?;
    Ok(Some(bytes))
}

/// Reads the length of a frame.
pub(crate) async fn read_length(stream: &mut (impl AsyncRead + Unpin), most: usize) -> io::Result<usize> {
    let mut head = [0; 4];
    stream.read_exact(&mut head).await?;
    bounded(head, most)
}

/// Writes a frame and sends it off.
pub(crate) async fn write_frame(stream: &mut (impl AsyncWrite + Unpin), bytes: &[u8]) -> io::Result<()> {
    let length = u32::try_from(bytes.len()).map_err(|_| too_long())?;
    stream.write_all(&length.to_be_bytes()).await?;
    stream.write_all(bytes).await?;
    stream.flush().await
}

fn bounded(head: [u8; 4], most: usize) -> io::Result<usize> {
    match usize::try_from(u32::from_be_bytes(head)) {
        Ok(length) if length <= most => Ok(length),
        _ => Err(too_long()),
    }
}

fn too_long() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "a frame longer than is allowed")
}
