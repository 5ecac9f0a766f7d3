//! Messages that are too large for gossip: their hash goes instead.

use alephd_message::ItemHash;
use serde::{Deserialize, Serialize};

/// The topic of announcements. Nodes of the reference do not know it, nor could they be told of such
/// a message in any other way before it is anchored.
pub const ANNOUNCE_TOPIC: &str = "ALEPHD-ANNOUNCE";
/// Longest announcement.
const LIMIT: usize = 256;

#[derive(Serialize, Deserialize)]
struct Announcement<'a> {
    item_hash: &'a str,
}

/// The announcement of a message.
pub(super) fn write(hash: &ItemHash) -> Vec<u8> {
    let item_hash = &hash.to_string();
    serde_json::to_vec(&Announcement { item_hash }).expect("a text has a JSON form")
}

/// The message that is announced.
pub(super) fn parse(payload: &[u8]) -> Option<ItemHash> {
    let payload = Some(payload).filter(|payload| payload.len() <= LIMIT)?;
    let announcement: Announcement<'_> = serde_json::from_slice(payload).ok()?;
    ItemHash::parse_strict(announcement.item_hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let hash = alephd_testkit::sha256(b"any");
        assert_eq!(parse(&write(&hash)), Some(hash));
        assert_eq!(parse(br#"{"item_hash":"x"}"#), None);
        assert_eq!(parse(&[b' '; 300]), None);
    }
}
