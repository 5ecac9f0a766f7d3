//! Comparing what is read with the name it is read by.

use alephd_cid::Verifier;
use alephd_message::ItemHash;
use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use sha2::{Digest, Sha256};

use crate::{Error, blobs::as_cid, hashes::INLINE_SIZE};

/// The running comparison of a content with a name.
pub(crate) enum Check {
    Sha256 { hash: Sha256, expected: [u8; 32] },
    Cid(Box<Verifier>),
}

impl Check {
    /// `None` for a name that no content can have.
    pub(crate) fn new(name: &ItemHash) -> Option<Self> {
        Some(match name {
            ItemHash::Sha256(expected) => Self::Sha256 {
                hash: Sha256::new(),
                expected: *expected,
            },
            ItemHash::Text(_) => Self::Cid(Box::new(Verifier::new(&as_cid(name)?))),
        })
    }

    fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha256 { hash, .. } => hash.update(bytes),
            Self::Cid(verifier) => verifier.update(bytes),
        }
    }

    /// Adds a piece without holding up the executor. `None` if the runtime is stopping.
    pub(crate) async fn updated(mut self, piece: Bytes) -> Option<Self> {
        if piece.len() <= INLINE_SIZE {
            self.update(&piece);
            return Some(self);
        }
        let hashing = tokio::task::spawn_blocking(move || {
            self.update(&piece);
            self
        });
        hashing.await.ok()
    }

    /// Whether it was the content of the name.
    pub(crate) fn finish(self) -> bool {
        match self {
            Self::Sha256 { hash, expected } => expected == <[u8; 32]>::from(hash.finalize()),
            Self::Cid(verifier) => verifier.finish(),
        }
    }
}

/// Passes on `pieces`, each after the next one has come, the last after the check.
///
/// A piece is hashed while the next is fetched. A name that does not match is [`Error::Damaged`].
pub(crate) fn verified(
    pieces: impl Stream<Item = Result<Bytes, Error>> + Send + Unpin + 'static,
    name: ItemHash,
    check: Check,
) -> impl Stream<Item = Result<Bytes, Error>> {
    struct State<S> {
        pieces: S,
        check: Check,
        held: Option<Bytes>,
    }
    let start = State {
        pieces,
        check,
        held: None,
    };
    stream::try_unfold(Some(start), move |state| {
        let name = name.clone();
        async move {
            let Some(State {
                mut pieces,
                check,
                held,
            }) = state
            else {
                return Ok(None);
            };
            let first = match held {
                Some(piece) => Some(piece),
                None => pieces.next().await.transpose()?,
            };
            let Some(piece) = first else {
                return if check.finish() {
                    Ok(None)
                } else {
                    Err(Error::Damaged(name))
                };
            };
            let (check, next) = futures_util::join!(check.updated(piece.clone()), pieces.next());
            let check = check.ok_or(Error::Interrupted)?;
            let rest = match next.transpose()? {
                Some(next) => Some(State {
                    pieces,
                    check,
                    held: Some(next),
                }),
                None if check.finish() => None,
                None => return Err(Error::Damaged(name)),
            };
            Ok(Some((piece, rest)))
        }
    })
}
