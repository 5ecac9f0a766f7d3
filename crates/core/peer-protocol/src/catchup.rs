//! `/alephd/catchup/1`: finding and handing over what one of two nodes lacks.
//!
//! ```text
//!   initiator                                     responder
//!   ── Hello ───────────────────────────────────▶
//!                       ◀── Hello, or Refuse ────
//!   ── Reconcile ──▶  ◀── Reconcile ──              until all differences are found; meanwhile
//!   ── Want(ids) ──▶  ◀── Message | Tombstone | Gone, one for each, in order
//!   ── Offer(elements) ──▶  ◀── Accept(which) ──
//!   ── Message | Tombstone | Gone, one for each ──▶  ◀── Taken(how many) ──
//!   ── Done ───────────────────────────────────▶  ◀── Done ──
//! ```
//!
//! Each of these is a frame: its length as four bytes, big-endian, and that many bytes, of which the
//! first says which ([`frame`]). A [`Session`] is one side of the conversation without the stream: it
//! takes frames and says which ones to write.
//!
//! # What it promises
//!
//! - Whatever the other side sends and in whatever order, a session is over after a bounded number of
//!   frames, keeps a bounded number of ids, and hands out records only that it asked for.
//! - Two honest sessions end with nothing left to do, unless a limit was met, which both say.
//! - Neither side has to read while it writes: what is written is bounded by what was asked for.
//!
//! # What it leaves to others
//!
//! The set (`alephd-reconcile`), time limits, and what records mean: their names are checked here,
//! their bytes by whoever takes them.
//!
//! Protocol: `docs/protocol/catch-up.md`.

pub mod frame;
mod session;

use alephd_message::ItemHash;
use alephd_reconcile::Id;
use sha2::{Digest, Sha256};

pub use frame::{Frame, FrameError, Greeting, MAX_FRAME, Record};
pub use session::{Limits, Output, Session, Settings, Tally, Violation};

/// The name under which the protocol is negotiated.
pub const PROTOCOL: &str = "/alephd/catchup/1";

/// Most ids in a frame that wants or offers.
pub const BATCH: usize = 512;

/// The id under which a message is compared: its SHA-256, or that of the text of its CID.
pub fn id_of(hash: &ItemHash) -> Id {
    match hash {
        ItemHash::Sha256(bytes) => *bytes,
        ItemHash::Text(text) => Sha256::digest(text.as_bytes()).into(),
    }
}
