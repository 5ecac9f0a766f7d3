//! Any text as a money post or a list of delegations: no panic.
#![no_main]

use alephd_message::Micros;
use alephd_rules::{Authorizations, Trusted, balance_update, credit_entries};
use libfuzzer_sys::fuzz_target;
use serde_json::value::RawValue;

fuzz_target!(|text: &str| {
    let trusted = Trusted {
        balance_oracles: vec!["0xA".into()],
        balance_post_type: "balances-update".into(),
        credit_oracles: vec!["0xA".into()],
        credit_channels: vec!["C".into()],
    };
    let _ = balance_update(&trusted, "0xA", "balances-update", Some(text));
    for kind in ["aleph_credit_distribution", "aleph_credit_expense", "aleph_credit_transfer"] {
        for time in [0, 1_800_000_000_000_000] {
            let _ = credit_entries(&trusted, "0xA", &[Some("C".into())], kind, Micros(time), Some(text));
        }
    }
    if let Ok(value) = RawValue::from_string(text.to_owned()) {
        let _ = Authorizations::parse(&value);
    }
});
