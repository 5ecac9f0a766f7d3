//! Any bytes as a document: no panic, and the canonical form is a fixed point.
#![no_main]

use alephd_api::json::canonical;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(once) = canonical(bytes) {
        assert_eq!(canonical(once.as_bytes()).as_deref(), Ok(once.as_str()));
    }
});
