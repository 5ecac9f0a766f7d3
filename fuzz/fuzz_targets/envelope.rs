//! Any bytes as a message: no panic, and what parses is written and parsed back unchanged.
#![no_main]

use alephd_message::Envelope;
use alephd_signature::sign::wire_json;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(envelope) = Envelope::parse(bytes) {
        let again = Envelope::parse(wire_json(&envelope).as_bytes());
        assert_eq!(again.as_ref(), Ok(&envelope));
    }
});
