//! Why content cannot be read.

use alephd_blobs::Error as BlobError;
use alephd_cid::AnyCid;
use alephd_store::StoreError;
use alephd_unixfs::Error as TreeError;

/// Why content cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ContentError {
    /// This node does not have a block.
    #[error("block {0} is not here")]
    Missing(AnyCid),
    /// A tree is not what was asked for, or makes no sense.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// What is kept under a name is not what the name says.
    #[error("{0} is damaged")]
    Damaged(alephd_message::ItemHash),
    /// More was asked for than is sent in one answer.
    #[error("the answer would be longer than {0} bytes or entries, which is more than is sent at once")]
    TooLarge(u64),
    /// The storage of files failed.
    #[error("files: {0}")]
    Blobs(#[from] BlobError),
    /// The index of blocks failed.
    #[error("index of blocks: {0}")]
    Index(#[from] StoreError),
}
