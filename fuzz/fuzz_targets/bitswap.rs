//! Any bytes as a message of bitswap: no panic, bounded lists, and what was read is written and read
//! again the same, in each version as far as it can say it.
#![no_main]

use alephd_peer_protocol::bitswap::{MAX_ENTRIES, MAX_MESSAGE_SIZE, Message, Version, read_length};
use bytes::Bytes;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(Some((length, taken))) = read_length(bytes) {
        assert!(length <= MAX_MESSAGE_SIZE && taken <= bytes.len());
    }
    let Ok(mut message) = Message::decode(Bytes::copy_from_slice(bytes)) else {
        return;
    };
    for length in [message.wants.len(), message.blocks.len(), message.presences.len()] {
        assert!(length <= MAX_ENTRIES);
    }
    message.left_out = 0;
    let framed = message.encode_framed(Version::V1_2);
    if let Ok(Some((length, taken))) = read_length(&framed) {
        assert_eq!(taken + length, framed.len());
        assert_eq!(Message::decode(Bytes::copy_from_slice(&framed[taken..])), Ok(message.clone()));
    }
    for version in [Version::V1_0, Version::V1_1] {
        let old = message.encode(version);
        if old.len() <= MAX_MESSAGE_SIZE {
            let old = Message::decode(old.into()).expect("what was written");
            assert_eq!((old.wants.len(), old.blocks.len()), (message.wants.len(), message.blocks.len()));
        }
    }
});
