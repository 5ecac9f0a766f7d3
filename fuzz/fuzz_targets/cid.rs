//! Any text as a CID or item hash: no panic, and what parses prints back the same.
#![no_main]

use alephd_cid::Cid;
use alephd_message::ItemHash;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(cid) = text.parse::<Cid>() {
        assert_eq!(cid.to_string(), text);
        assert_eq!(Cid::from_bytes(&cid.to_bytes()).ok(), Some(cid));
    }
    if let Some(hash) = ItemHash::parse_strict(text) {
        assert_eq!(hash.to_string(), text);
        assert_eq!(ItemHash::from_key(hash.key()), Some(hash));
    }
});
