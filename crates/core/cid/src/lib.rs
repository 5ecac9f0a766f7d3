//! Content identifiers of files, computed without an IPFS daemon.
//!
//! A file on the network may be named by a CID. A CID is not the hash of the file's bytes but of
//! the root of a tree of blocks, so the name depends on how the bytes were cut. This crate cuts
//! them as `ipfs add` does when nobody gives it options, and reads and writes the names.
//!
//! # What it promises
//!
//! - [`FileHasher`] yields the CID that `ipfs add` prints (256 KiB chunks, balanced tree, 174 links
//!   a node), for any way of splitting the bytes over calls, holding at most one chunk and 174
//!   links for each level of the tree.
//! - [`Verifier`] and [`matches()`] tell whether bytes carry a given CID in any of the layouts that
//!   could have produced it.
//! - [`FileBuilder`] yields the blocks of that tree too, one at a time.
//! - [`Cid`] parses one text form for each identifier and displays the same; whatever does not
//!   come back identical is refused.
//! - [`AnyCid`] reads what else the world writes: other bases, codecs and hash functions, blocks
//!   carried inside their name. It checks a block against its name.
//!
//! # What it leaves to others
//!
//! Reading blocks, directories and archives (`alephd-unixfs`), and moving any bytes. The shape rules for
//! names inside messages are looser than a CID and belong to `alephd-message`.
//!
//! Protocol: `docs/protocol/files.md`.

mod any;
mod cid;
mod file;
mod multibase;
mod node;
mod tree;
pub mod varint;
mod verify;

pub use any::{AnyCid, HashError, MAX_INLINE_SIZE, Multicodec, Multihash};
pub use cid::{Cid, CidError, Codec, Version};
pub use file::{CHUNK_SIZE, FileBuilder, FileHasher, Layout};
pub use multibase::Base;
pub use node::{Block, Subtree};
pub use tree::MAX_LINKS;
pub use verify::{Verifier, matches};
