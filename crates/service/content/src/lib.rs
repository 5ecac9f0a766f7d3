//! Content by CID: the files of a node as trees of blocks.
//!
//! A file that was uploaded lies in the blobs as the bytes that it is; a directory, or a file that
//! was cut in an unusual way, as an archive of its blocks. Here both are the same: blocks by name,
//! and above them paths, files, listings and archives.
//!
//! ```text
//!   files, archives ──(indexer)──▶ index of blocks ──▶ block by name ──▶ path, file, listing, CAR, tar
//!        ▲
//!   CAR ─┘ checked whole
//! ```
//!
//! # What it promises
//!
//! - A block is handed out only if it has the hash of its name.
//! - An archive is kept only if everything below its root is in it.
//! - The index of blocks is a cache: what is not listed yet is listed when its root is asked for, or
//!   by [`Content::index_all`]; what is gone is noticed, and no block is handed out that is not the one named.
//! - Memory is bounded by a few blocks for each reader, and by the number of blocks, not their
//!   bytes, for an archive that is being taken in.
//!
//! # What it leaves to others
//!
//! Who may upload and who pays, which files to keep, HTTP. Blocks that other nodes hold: [`Content::block`]
//! is the one place where a block is looked for, so that is where a network of peers comes in.
//!
//! Protocol: `docs/protocol/ipfs.md`.

mod car;
mod content;
mod error;
mod index;
mod tar;
mod tree;

pub use car::{CarImport, ImportError, ImportedCar, SealedCar};
pub use content::{Content, Facts};
pub use error::ContentError;
pub use tar::MAX_TAR_ENTRIES;
pub use tree::{EntryStream, FileStream};
