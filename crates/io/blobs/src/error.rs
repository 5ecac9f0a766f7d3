use std::{error::Error as StdError, io, path::PathBuf};

use alephd_message::ItemHash;

/// Why a blob could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// More bytes than the caller allowed.
    #[error("larger than {limit} bytes")]
    TooLarge {
        /// What was allowed.
        limit: u64,
    },
    /// The content is not what the name says.
    #[error("content does not have the name {expected}")]
    Mismatch {
        /// The name asked for.
        expected: ItemHash,
    },
    /// No content can have this name.
    #[error("not the name of any content: {0}")]
    BadName(ItemHash),
    /// The writer was not told to compute the name that is wanted, or what it takes to check it; ask
    /// [`Blobs::writer_for`](crate::Blobs::writer_for) or [`Blobs::writer`](crate::Blobs::writer) for
    /// one that is.
    #[error("content was not hashed for the name that is wanted")]
    NotHashed,
    /// An earlier write failed or was cancelled half-way; the content is lost.
    #[error("an earlier write did not complete")]
    Interrupted,
    /// There is no blob of this name.
    #[error("no such blob")]
    NotFound,
    /// The range asked for is empty or begins past the end.
    #[error("range outside the {size} bytes of the blob")]
    Range {
        /// Size of the blob.
        size: u64,
    },
    /// Another process, or another [`Blobs`](crate::Blobs) of this one, has the folder open.
    #[error("blob folder {} is in use", .0.display())]
    InUse(PathBuf),
    /// The folder could not be prepared.
    #[error("cannot open blob folder {}", path.display())]
    Open {
        /// The folder.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// The disk or the quota is used up. Nothing of the blob was kept.
    #[error("no space left in the blob storage")]
    Full(#[source] object_store::Error),
    /// The bytes held under this name are not the content it names.
    #[error("blob {0} is damaged")]
    Damaged(ItemHash),
    /// The configuration does not lead to a storage.
    #[error("blob storage: {0}")]
    Config(String),
    /// The system failed while reading a blob, or the blob is shorter than it was.
    #[error("cannot read blob")]
    Read(#[source] std::io::Error),
    /// The storage below failed.
    #[error("blob storage failed")]
    Storage(#[source] object_store::Error),
}

impl From<object_store::Error> for Error {
    fn from(error: object_store::Error) -> Self {
        match error {
            object_store::Error::NotFound { .. } => Self::NotFound,
            error if is_full(&error) => Self::Full(error),
            error => Self::Storage(error),
        }
    }
}

/// Whether a full disk is the cause, below however many layers.
fn is_full(error: &object_store::Error) -> bool {
    let mut next: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(error) = next {
        let kind = error.downcast_ref::<io::Error>().map(io::Error::kind);
        if let Some(io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) = kind {
            return true;
        }
        next = error.source();
    }
    false
}
