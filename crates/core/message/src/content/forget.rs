//! FORGET: a request to drop other messages.

use super::{
    Forget,
    header::{Header, header},
    issues::Issues,
    lax,
    read::{Object, Unknown, list},
};

/// Targets that one message may name, in each of the two lists.
const TARGET_LIMIT: usize = 1_000;

/// Longest reason, in characters.
const REASON_LIMIT: usize = 1_000;

/// Reads the content of a FORGET.
pub(super) fn parse(text: &str, issues: &mut Issues) -> Option<(Header, Forget)> {
    const KEYS: [&str; 5] = ["address", "time", "hashes", "aggregates", "reason"];
    let mut object = Object::read(text, &KEYS, Unknown::Refused, issues)?;
    let header = header(&mut object, issues);
    let hashes = object.required("hashes", issues, |value, issues| {
        list(value, TARGET_LIMIT, issues, lax::item_hash)
    });
    let aggregates = object.defaulted("aggregates", Vec::new(), issues, |value, issues| {
        list(value, TARGET_LIMIT, issues, lax::item_hash)
    });
    let reason = object.nullable("reason", issues, |value, issues| {
        lax::string_up_to(value, REASON_LIMIT, issues)
    });
    object.finish(issues);
    Some((
        header?,
        Forget {
            hashes: hashes?,
            aggregates: aggregates?,
            reason: reason?,
        },
    ))
}
