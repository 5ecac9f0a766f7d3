//! What tests and measurements need to make messages and to run a node.
//!
//! | module | gives |
//! |---|---|
//! | [`keys`] | the same accounts in every test, made from names |
//! | [`builder`] | one signed message of any type, field by field |
//! | [`copies`] | other honest, or dishonest, copies of a message |
//! | [`workload`] | as many messages as wanted, in the mix of real traffic, for measurements |
//! | [`scenario`] | small sets of messages that get in each other's way, for property tests |
//! | [`vectors`] | the vectors of the repository |
//! | [`process`] | the real program as a child process, to be asked, killed and restarted |
//!
//! # What it promises
//!
//! - Everything is a function of names, seeds and arguments: no clock, no entropy. The same call
//!   gives the same bytes on every machine, today and after an update of any library.
//! - Times are explicit. No message gets the time of day.
//! - What [`workload`] makes is valid, in the order in which it is made.
//!
//! # What it leaves to others
//!
//! Judging. Nothing here knows what a message means, so that a mistake in the rules cannot hide
//! behind the same mistake in the tests.
//!
//! A dev-dependency only: it panics where a test would, for example on a time out of range.

pub mod builder;
pub mod copies;
pub mod keys;
pub mod process;
pub mod rng;
pub mod scenario;
pub mod vectors;
pub mod workload;

use alephd_message::ItemHash;
use sha2::{Digest, Sha256};

/// The item hash of a text or of a file in the network's own storage.
pub fn sha256(bytes: &[u8]) -> ItemHash {
    ItemHash::Sha256(Sha256::digest(bytes).into())
}
