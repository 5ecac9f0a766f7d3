//! Reading in bounded pieces.

use std::{
    fmt,
    fs::File,
    io::{self, ErrorKind, Read, Seek, SeekFrom},
    ops::Range,
    pin::Pin,
    task::{Context, Poll},
};

use alephd_message::ItemHash;
use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream, stream::BoxStream};
use object_store::{GetOptions, GetResultPayload, ObjectStore, ObjectStoreExt, path::Path};

use crate::{
    Error,
    verify::{self, Check},
};

/// Bytes in a piece of a [`BlobReader`] at most: large enough that a fast disk is not slowed by
/// the way to the thread that reads, small enough for thousands of readers.
pub const READ_SIZE: usize = 256 * 1024;

/// The content of a blob as a stream of pieces, in order.
///
/// From a folder, it keeps reading the content it was opened on even if the blob is deleted
/// meanwhile.
pub struct BlobReader {
    size: u64,
    range: Range<u64>,
    pieces: BoxStream<'static, Result<Bytes, Error>>,
}

impl BlobReader {
    pub(crate) async fn open(
        store: &dyn ObjectStore,
        location: &Path,
        range: Option<Range<u64>>,
    ) -> Result<Self, Error> {
        let mut options = GetOptions::default();
        if let Some(range) = range {
            let size = store.head(location).await?.size;
            if range.start >= range.end.min(size) {
                return Err(Error::Range { size });
            }
            // Services refuse an end that is far beyond.
            options = options.with_range(Some(range.start..range.end.min(size)));
        }
        let found = store.get_opts(location, options).await?;
        let (size, range) = (found.meta.size, found.range.clone());
        let pieces = match found.payload {
            GetResultPayload::File(file, _) => from_file(file, range.clone()).boxed(),
            GetResultPayload::Stream(pieces) => exactly(range.clone(), pieces.flat_map(cut)).boxed(),
        };
        Ok(Self { size, range, pieces })
    }

    /// The same content, whose last piece is held back until all of it has been compared with
    /// `name`.
    pub(crate) fn verified(self, name: ItemHash, check: Check) -> Self {
        let pieces = verify::verified(self.pieces, name, check).boxed();
        Self { pieces, ..self }
    }

    /// Bytes in the whole blob.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The part being read.
    pub fn range(&self) -> Range<u64> {
        self.range.clone()
    }
}

impl Stream for BlobReader {
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.pieces.poll_next_unpin(cx)
    }
}

impl fmt::Debug for BlobReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlobReader")
            .field("size", &self.size)
            .field("range", &self.range)
            .finish()
    }
}

/// Pieces of an open file. The storage layer would read 8 KiB at a time, each through a thread.
fn from_file(file: File, range: Range<u64>) -> impl Stream<Item = Result<Bytes, Error>> {
    stream::try_unfold((file, range), |(mut file, range)| async move {
        if range.is_empty() {
            return Ok(None);
        }
        let next = range.end.min(range.start + READ_SIZE as u64);
        let reading = tokio::task::spawn_blocking(move || {
            let piece = read_exactly(&mut file, range.start..next)?;
            Ok((piece, (file, next..range.end)))
        });
        reading
            .await
            .map_err(io::Error::from)
            .flatten()
            .map(Some)
            .map_err(Error::Read)
    })
}

fn read_exactly(file: &mut File, range: Range<u64>) -> io::Result<Bytes> {
    let length = range.end - range.start;
    let mut bytes = Vec::with_capacity(length as usize);
    file.seek(SeekFrom::Start(range.start))?;
    file.take(length).read_to_end(&mut bytes)?;
    // A file cut short from outside must not pass for a shorter blob.
    if bytes.len() as u64 == length {
        Ok(bytes.into())
    } else {
        Err(ErrorKind::UnexpectedEof.into())
    }
}

/// Cuts what the storage returned at once into pieces, without copying.
fn cut(found: object_store::Result<Bytes>) -> impl Stream<Item = Result<Bytes, Error>> {
    let mut left = Some(found);
    stream::iter(std::iter::from_fn(move || match left.take()? {
        Ok(mut bytes) => {
            let piece = bytes.split_to(bytes.len().min(READ_SIZE));
            left = (!bytes.is_empty()).then_some(Ok(bytes));
            Some(Ok(piece))
        }
        Err(error) => Some(Err(error.into())),
    }))
}

/// Passes on as many bytes as were announced. A server that ends early, or does not end, gives an
/// error instead of another blob.
fn exactly(
    range: Range<u64>,
    pieces: impl Stream<Item = Result<Bytes, Error>> + Send + 'static,
) -> impl Stream<Item = Result<Bytes, Error>> {
    let left = range.end.saturating_sub(range.start);
    stream::try_unfold((Box::pin(pieces), left), |(mut pieces, left)| async move {
        let Some(piece) = pieces.next().await.transpose()? else {
            return match left {
                0 => Ok(None),
                _ => Err(Error::Read(ErrorKind::UnexpectedEof.into())),
            };
        };
        match left.checked_sub(piece.len() as u64) {
            Some(left) => Ok(Some((piece, (pieces, left)))),
            None => Err(Error::Read(io::Error::new(
                ErrorKind::InvalidData,
                "more bytes than announced",
            ))),
        }
    })
}
