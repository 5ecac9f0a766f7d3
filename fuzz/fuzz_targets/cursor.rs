//! Any text as a cursor: no panic, and what decodes is encoded back to something equal.
#![no_main]

use alephd_api::cursor::{AddressCursor, AggregateCursor, CreditCursor, Cursor, StatsCursor, TimeCursor};
use libfuzzer_sys::fuzz_target;

fn round_trip<C: Cursor + PartialEq + std::fmt::Debug>(text: &str) {
    if let Ok(cursor) = C::decode(text) {
        let again = C::decode(&cursor.encode());
        assert!(again.is_ok_and(|again| again == cursor));
    }
}

fuzz_target!(|text: &str| {
    round_trip::<TimeCursor>(text);
    round_trip::<AggregateCursor>(text);
    round_trip::<AddressCursor>(text);
    round_trip::<StatsCursor>(text);
    round_trip::<CreditCursor>(text);
});
