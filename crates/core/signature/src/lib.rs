//! Signatures of messages: verification for every chain family, signing for two of them.
//!
//! A message names a chain, and the chain decides how its sender proves authorship. All 33 chain
//! codes reduce to eight ways of signing the same four-line text
//! ([`Envelope::signed_buffer`](alephd_message::Envelope::signed_buffer)); each way has its own
//! file here.
//!
//! # What it promises
//!
//! - [`verify()`] gives the verdict of the live network, including where that verdict is odd: which
//!   chains tolerate a high `s`, the text NULS signs, chains with no verifier at all.
//! - No input makes it panic, and work is bounded: text over [`MAX_SIGNATURE_LEN`] or
//!   [`MAX_SENDER_LEN`] is refused before anything is decoded.
//! - It is a pure function, safe to call from any number of threads. Verdicts never depend on
//!   the clock, and the envelope's own time enters one format only (Tezos micheline).
//! - [`sign`] makes what [`verify()`] accepts, and never shows key material in debug output.
//!
//! # What it leaves to others
//!
//! Whether the message is well formed (`alephd-message`) and whether the sender may act for the
//! owner of the content (`alephd-rules`). Messages taken from a smart contract event carry no
//! signature: the caller must not ask for one. Contract wallets (ERC-1271) are not supported.
//!
//! Protocol: `docs/protocol/signatures.md`.

mod address;
mod avalanche;
mod cosmos;
mod ed25519;
mod encoding;
mod error;
mod evm;
mod nuls;
mod nuls1;
mod nuls2;
mod secp;
pub mod sign;
mod solana;
mod substrate;
mod tezos;
mod verify;

pub use error::SignatureError;
pub use verify::{MAX_SENDER_LEN, MAX_SIGNATURE_LEN, verify};
