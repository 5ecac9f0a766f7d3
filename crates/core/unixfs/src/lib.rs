//! Trees of blocks: files, directories and archives as IPFS has them.
//!
//! A name on IPFS leads to a block, and blocks lead to further blocks: the chunks of a file, the
//! entries of a directory. This crate reads such trees from blocks that anyone may have sent,
//! builds them so that they get the names that `ipfs add` gives, and packs them into archives.
//!
//! ```text
//!  bytes ──▶ FileBuilder ──▶ blocks          blocks ──▶ CarReader ──▶ CarVerifier ──▶ whole or not
//!  names ──▶ TreeBuilder ──▶ blocks          blocks ──▶ Resolver, FileReader, DirectoryReader, Export
//! ```
//!
//! # How reading works
//!
//! Nothing here fetches. Each reader is a small machine with two calls: `wanted` names the block
//! it needs next, `supply` takes the block, checks it against the name and gives what is in it. So
//! one code serves a disk, a network and a test, waiting or not. [`source`] has the loops over a
//! source that answers at once.
//!
//! # What it promises
//!
//! - No byte of a block is used before the block was found to have the hash of its name.
//! - Memory is bounded by [`MAX_BLOCK_SIZE`], [`MAX_NODE_LINKS`] and [`MAX_PENDING`], not by the
//!   size of a file, a directory or an archive. What must grow with an archive ([`CarVerifier`])
//!   has its own bounds, a few dozen bytes for each block.
//! - Work is bounded by what was asked for: a small block that claims an endless file costs only
//!   what is read of it, and a tree that links the same block a million times is walked once.
//! - Files and directories that are built here have the names that Kubo gives them.
//!
//! # What it leaves to others
//!
//! Where blocks lie and come from, HTTP, `tar`, codecs other than dag-pb and raw (their blocks are
//! carried, not followed), and links that must be looked up elsewhere (IPNS).
//!
//! Protocol: `docs/protocol/ipfs.md`.

mod build;
pub mod car;
mod directory;
mod entity;
mod error;
mod export;
mod file;
mod hamt;
mod limits;
mod node;
mod path;
mod proto;
pub mod source;

pub use alephd_cid::{FileBuilder, Layout, Subtree};
pub use build::{BuildError, TreeBuilder};
pub use car::{CarReader, CarVerifier};
pub use directory::{DirectoryReader, Entry};
pub use entity::{Entity, FileNode, Kind, Stat};
pub use error::{Error, Malformed};
pub use export::{DagScope, Export, ExportOptions};
pub use file::{ByteRange, FileReader};
pub use hamt::{Shard, ShardLink};
pub use limits::{MAX_BLOCK_SIZE, MAX_FILE_DEPTH, MAX_NODE_LINKS, MAX_PATH_SEGMENTS, MAX_PENDING};
pub use node::{Link, Node};
pub use path::{IpfsPath, PathError, Resolver};
