//! Any text as the content of each type: no panic, and a content that parses is JSON for every
//! other reader.
#![no_main]

use alephd_message::{Content, MessageType, Micros};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some((kind, text)) = bytes.split_first() else { return };
    let Ok(text) = std::str::from_utf8(text) else { return };
    let kind = MessageType::ALL[usize::from(*kind) % MessageType::ALL.len()];
    if Content::parse(kind, text).is_ok() {
        assert!(serde_json::from_str::<serde_json::Value>(text).is_ok());
    }
    if let Ok((_, Some(filled))) = Content::parse_with_defaults(kind, text, "0xA", Micros(0)) {
        assert!(Content::parse(kind, &filled).is_ok());
    }
});
