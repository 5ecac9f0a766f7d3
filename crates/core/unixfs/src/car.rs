//! CAR version 1: blocks one after the other, behind a header that names the roots.
//!
//! ```text
//! archive = varint(|header|) header section*
//! header  = CBOR map { "roots": [ CID, ... ], "version": 1 }
//! section = varint(|CID| + |block|) CID block
//! ```
//!
//! Blocks may come in any order, twice, or without need; an archive is whole if everything below
//! its root is in it. [`CarReader`] takes an archive apart as its bytes arrive and checks each
//! block, [`CarVerifier`] checks that it is whole.

mod header;
mod read;
mod verify;

use alephd_cid::{AnyCid, CidError, HashError, varint};

pub use header::encode_header;
pub use read::{CarBlock, CarLimits, CarReader};
pub use verify::{CarReport, CarVerifier, VerifyError, VerifyLimits};

/// The bytes before a block in an archive.
pub fn section_head(cid: &AnyCid, block_size: usize) -> Vec<u8> {
    let cid = cid.to_bytes();
    let mut head = Vec::with_capacity(cid.len() + 4);
    varint::push(&mut head, (cid.len() + block_size) as u64);
    head.extend(cid);
    head
}

/// Why bytes are not an archive.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CarError {
    /// The header is not the map it should be.
    #[error("malformed header: {0}")]
    Header(&'static str),
    /// The header is longer than any that is read.
    #[error("header is larger than {0} bytes")]
    HeaderSize(usize),
    /// An archive of another version.
    #[error("unsupported version {0}")]
    Version(u64),
    /// Not the one root that is asked for.
    #[error("expected exactly 1 root, got {0}")]
    Roots(usize),
    /// A length is malformed.
    #[error("malformed length at byte {0}")]
    Varint(u64),
    /// A section has no CID that can be read.
    #[error("malformed CID at byte {offset}: {reason}")]
    Cid {
        /// Where the section begins.
        offset: u64,
        /// What is wrong with it.
        #[source]
        reason: CidError,
    },
    /// A section is empty or larger than any that is read.
    #[error("section of {size} bytes at byte {offset}")]
    SectionSize {
        /// Where the section begins.
        offset: u64,
        /// Its size.
        size: u64,
    },
    /// A block is not the one that its CID names.
    #[error("block {cid}: {reason}")]
    Hash {
        /// The block.
        cid: AnyCid,
        /// What is wrong with it.
        #[source]
        reason: HashError,
    },
    /// More blocks than the limit.
    #[error("more than {0} blocks")]
    Blocks(u64),
    /// The archive ends within its header or a section.
    #[error("cut off at byte {0}")]
    Truncated(u64),
}

#[cfg(test)]
mod tests;
