//! Any bytes as a document: no panic, and the canonical form is a fixed point. Numbers beyond all
//! doubles are written as the reference writes them, which is not JSON.
#![no_main]

use alephd_api::json::canonical;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(once) = canonical(bytes)
        && !once.contains("Infinity")
    {
        let again = canonical(once.as_bytes());
        assert_eq!(again.ok().as_deref(), Some(once.as_str()));
    }
});
