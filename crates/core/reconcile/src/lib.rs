//! Finding what one of two large sets lacks, with a few kilobytes.
//!
//! Range-based set reconciliation: both sides keep their elements in the order of (time, id). One
//! cuts its set into ranges and sends a fingerprint of each; the other answers for the ranges that
//! differ with fingerprints of smaller ones, and with the ids themselves where few are left.
//!
//! ```text
//!   Initiator                                   Responder
//!   first()  ── 16 fingerprints ──────────────▶ reply()
//!   next()   ◀── of what differs: smaller ones ──
//!            ── ids of small ranges ──────────▶
//!   Found    ◀── ids of the same ranges ────────
//!   { have, need }
//! ```
//!
//! | module | holds |
//! |---|---|
//! | [`index`] | the set: a million elements in 48 bytes each, with sums of blocks |
//! | [`frame`] | one step of the two sides |
//!
//! # What it promises
//!
//! - The frames are those of negentropy, version 1 (`docs/protocol/catch-up.md`).
//! - Foreign frames never panic and never allocate more than a small multiple of their length; what
//!   was found is told as ranges of the own set, however large.
//! - No frame that is written exceeds its limit, and whatever the two limits are, repeating the
//!   exchange ends with every difference found.
//! - A fingerprint of any range costs two binary searches and the sums of two partial blocks.
//!
//! # What it leaves to others
//!
//! Handing over what was found, and how often a peer may answer: one that lies can make the exchange
//! endless (`alephd-peer-protocol`).
//!
//! # Why not the crate `negentropy`
//!
//! It reads foreign bytes with care, but the type of a fingerprint is private, so that a storage
//! cannot keep sums: each frame of twenty bytes makes it add up the whole set. It also loses the
//! order of the ids, and tells all that the other side lacks id by id. It is the reference in tests.

mod element;
pub mod frame;
pub mod index;
mod sum;
pub mod wire;

pub use element::{Bound, Element, Id};
pub use frame::{FRAME_MIN, Found, Initiator, Need, Responder, Step};
pub use index::{Known, KnownIndex, Snapshot};
pub use wire::FrameError;
