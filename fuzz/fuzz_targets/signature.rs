//! Any sender and signature on every chain: no panic, and nothing verifies by chance.
#![no_main]

use alephd_message::{Chain, Envelope, ItemHash, ItemType, MessageType, Micros};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u8, String, String)| {
    let (chain, sender, signature) = input;
    let envelope = Envelope {
        chain: Chain::ALL[usize::from(chain) % Chain::ALL.len()],
        sender,
        message_type: MessageType::Post,
        item_hash: ItemHash::Sha256([7; 32]),
        item_type: ItemType::Storage,
        item_content: None,
        signature: Some(signature),
        time: Micros(1_700_000_000_000_000),
        channel: None,
    };
    let _ = alephd_signature::verify(&envelope);
});
