//! The crate against the vectors of the repository, against signatures made here, and against noise.

#![allow(clippy::unwrap_used)] // the helpers below the tests are tests too

mod families;
mod noise;
mod signing;
mod vectors;

use alephd_message::{Chain, Envelope, ItemHash, ItemType, MessageType, Micros};

/// A message with a file hash, ready to be given a sender and a signature.
fn unsigned(chain: Chain, sender: &str) -> Envelope {
    Envelope {
        chain,
        sender: sender.to_owned(),
        message_type: MessageType::Post,
        item_hash: ItemHash::Sha256([0x5a; 32]),
        item_type: ItemType::Storage,
        item_content: None,
        signature: None,
        time: Micros(1_700_000_000_250_999),
        channel: None,
    }
}

/// The hash of [`unsigned`] as it is signed.
const HASH_TEXT: &str = "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a";
