//! Why a tree cannot be read.

use alephd_cid::{AnyCid, HashError, Multicodec};

use crate::MAX_BLOCK_SIZE;

/// Why the bytes of a block are not what its codec says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Malformed(pub(crate) &'static str);

/// Why a reader cannot go on. None of these goes away by trying again with the same blocks; with
/// [`Error::Hash`] another source may have the right one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A block is larger than any reader takes.
    #[error("block {0} is larger than {MAX_BLOCK_SIZE} bytes")]
    BlockSize(AnyCid),
    /// A block is not the one that was asked for, or nobody can tell.
    #[error("block {cid}: {reason}")]
    Hash {
        /// The block that was asked for.
        cid: AnyCid,
        /// What is wrong with the one supplied.
        #[source]
        reason: HashError,
    },
    /// The links of the block cannot be read.
    #[error("{cid}: codec {} is not supported", cid.codec())]
    Codec {
        /// The block.
        cid: AnyCid,
    },
    /// A block has the right hash and yet makes no sense.
    #[error("{cid}: {reason}")]
    Malformed {
        /// The block.
        cid: AnyCid,
        /// What is wrong with it.
        #[source]
        reason: Malformed,
    },
    /// A path goes on behind something that has no entries.
    #[error("{cid} is not a directory, so it has no {name:?}")]
    NotADirectory {
        /// What the path leads to so far.
        cid: AnyCid,
        /// The next name of the path.
        name: String,
    },
    /// A directory was to be read as a file.
    #[error("{0} is not a file")]
    NotAFile(AnyCid),
    /// There is no entry of this name.
    #[error("no link named {name:?} under {directory}")]
    NoLink {
        /// The directory.
        directory: AnyCid,
        /// The name looked for.
        name: String,
    },
    /// More levels, or more open links, than readers follow.
    #[error("{0}: the tree is too deep or too wide")]
    TooDeep(AnyCid),
    /// A block was supplied to a reader that wanted none.
    #[error("no block was wanted")]
    NotWanted,
}

/// Checks that `block` is the block named, before anything in it is looked at.
pub(crate) fn check(cid: &AnyCid, block: &[u8]) -> Result<(), Error> {
    if block.len() > MAX_BLOCK_SIZE {
        return Err(Error::BlockSize(cid.clone()));
    }
    cid.check(block).map_err(|reason| Error::Hash {
        cid: cid.clone(),
        reason,
    })
}

/// Whether a block of this name can lead further.
pub(crate) fn has_links(cid: &AnyCid) -> Result<bool, Error> {
    match cid.codec() {
        Multicodec::DAG_PB => Ok(true),
        Multicodec::RAW | Multicodec::CBOR | Multicodec::JSON => Ok(false),
        _ => Err(Error::Codec { cid: cid.clone() }),
    }
}
