//! Files of the network, kept under the hash of their content.
//!
//! Bytes come from strangers in streams of unknown length and are named by what they turn out to
//! be. So a file is written to a temporary place, hashed and counted on the way, and moved to its
//! name when it is complete; nothing reads it before.
//!
//! ```text
//!              write, write, ...                  finish(name)
//!  writer ────────────────────────▶ incoming/… ──────────────────▶ files/1e/1eb4…
//!              hash, count, limit       │          name checked, content and folder synced
//!                                       └── dropped, refused, crashed: removed
//! ```
//!
//! # What it promises
//!
//! - A name is either absent or leads to the whole content. There are no half-written files, and
//!   two writers of the same content do not disturb each other or a reader.
//! - When [`BlobWriter::finish`] has returned from a folder, the file survives the loss of power:
//!   its bytes, its name and the folders above were synced first. From a bucket it is as durable
//!   as the service promises.
//! - What a writer leaves when it is dropped, refused or killed is removed: at once, or when the
//!   folder or the bucket is opened next. A full disk is [`Error::Full`] and leaves nothing either.
//! - A service that fails or falls silent is asked again a bounded number of times, each for a
//!   bounded time. One that lies is found out by [`Blobs::read_verified`] and [`Blobs::scrub`].
//! - A writer holds at most [`PART_SIZE`] bytes twice over (one part filling, one on its way) and a
//!   reader one [`READ_SIZE`], whatever the size of the file. The limit of a writer is checked
//!   before the bytes past it are kept.
//! - No name from outside becomes a path unless it is a SHA-256 or a CID that content can have.
//!   Other names are simply never found.
//!
//! # Names
//!
//! A file is stored once for each name it was finished under: the same bytes uploaded for their
//! SHA-256 and for their CID are two objects. Names are counted and deleted one by one that way,
//! and no index has to agree with the folder. [`Stored`] tells the other names; they lead nowhere.
//!
//! # Archives
//!
//! A tree of blocks that is not the tree of a file with the default chunks is kept as an archive of
//! its blocks, beside the files and named by its root. Its bytes are not hashed here: whoever writes
//! one has checked every block, and whoever reads a block from it checks that.
//!
//! # Buckets
//!
//! With the feature `s3` a bucket of an S3-compatible service takes the place of the folder
//! ([`BlobConfig`]). Its prefix belongs to one node, as a folder does, but nothing there can hold a
//! lock: a second node on the same prefix would remove the unfinished uploads of the first when it
//! starts. The largest blob is 5 GiB, which is what a service copies in one request.
//!
//! # What it leaves to others
//!
//! Which files to keep (pins and their collection are rows of the store), where missing files
//! come from, when to scrub and what to do about damage. Deleting is not synced: after a crash a
//! deleted file may be back, and the collector finds it by [`Blobs::list`].
//!
//! Protocol: `docs/protocol/files.md`.

mod blobs;
mod config;
mod error;
mod folder;
mod hashes;
mod read;
#[cfg(feature = "s3")]
mod s3;
mod scrub;
mod verify;
mod write;

pub use blobs::Blobs;
pub use config::{BlobConfig, S3Config};
pub use error::Error;
pub use read::{BlobReader, READ_SIZE};
pub use scrub::{Checked, Progress, Scrub, Verdict};
pub use write::{BlobName, BlobWriter, PART_SIZE, SealedBlob, Stored};
