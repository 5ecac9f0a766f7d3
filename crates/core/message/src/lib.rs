//! Aleph messages: what turns bytes into a message, and nothing else.
//!
//! A message is a small signed envelope around a content. This crate parses both, checks every
//! bound that can be checked from the bytes alone, and keeps the signed text exactly as it was
//! received.
//!
//! # What it promises
//!
//! - [`Envelope::parse`] accepts exactly what the network accepts as an envelope, including the
//!   SHA-256 of inline contents. The text of `item_content` is never re-serialised.
//! - [`Content::parse`] applies the schema of each of the seven message types, its bounds and
//!   its cross-field rules.
//! - Every failure is a [`FormatError`] and means [`ErrorCode::InvalidFormat`].
//!
//! # What it leaves to others
//!
//! Signatures (`alephd-signature`), the meaning of a message among other messages
//! (`alephd-rules`), and finding the bytes of contents that are not inline.
//!
//! Protocol: `docs/protocol/messages.md`.

mod chain;
pub mod content;
mod envelope;
mod error;
mod item_hash;
mod kind;
mod text;
mod time;

pub use chain::{Chain, SignatureFamily};
pub use content::Content;
pub use envelope::{Envelope, INLINE_LIMIT, signed_buffer};
pub use error::{ErrorCode, FormatError, Issue};
pub use item_hash::ItemHash;
pub use kind::{ItemType, MessageType, PaymentType};
pub use time::Micros;
