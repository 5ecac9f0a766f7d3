//! Payloads of gossip topics, ids of gossip messages, and signs of life.
//!
//! Three things here look odd and are what the network does.
//!
//! - [`message_id`]: a message is known by a 64-bit hash of its bytes, written in decimal. Every node
//!   must compute the same, or offers of messages by id lead nowhere.
//! - [`encode`] and [`decode`]: older nodes undo percent-encoding on everything they receive, without
//!   ever having encoded. A message that holds `%41` reaches them as `A` and fails its hash. So a `%`
//!   leaves here as `%25`, and what comes in is read twice: as it is, and decoded.
//! - [`Beacon`]: the sign of life, in the spelling of the older nodes.
//!
//! What a payload means is for others to say: the hash of a message decides which of the readings of
//! [`decode`] is the right one.
//!
//! Protocol: docs/protocol/network.md.

mod beacon;

use std::borrow::Cow;
use std::hash::Hasher;

use siphasher::sip::SipHasher13;

pub use beacon::{Beacon, BeaconError, PeerType};

/// The id of a gossip message: SipHash-1-3 with a key of zeros over the length, as eight bytes with
/// the lowest first, and the bytes; in decimal.
///
/// The older nodes use the default hasher of their language's library, which is this one today and is
/// promised to nobody. It is therefore not used here.
pub fn message_id(data: &[u8]) -> String {
    let mut hasher = SipHasher13::new_with_keys(0, 0);
    hasher.write(&(data.len() as u64).to_le_bytes());
    hasher.write(data);
    hasher.finish().to_string()
}

/// What to publish so that those who decode percent-encoding read `payload`.
pub fn encode(payload: &[u8]) -> Cow<'_, [u8]> {
    let signs = payload.iter().filter(|byte| **byte == b'%').count();
    if signs == 0 {
        return Cow::Borrowed(payload);
    }
    let mut encoded = Vec::with_capacity(payload.len() + 2 * signs);
    for byte in payload {
        encoded.push(*byte);
        if *byte == b'%' {
            encoded.extend_from_slice(b"25");
        }
    }
    Cow::Owned(encoded)
}

/// The readings of a received payload, the likelier one first: as it is, and decoded if that is
/// something else. None is longer than the payload.
pub fn decode(payload: &[u8]) -> impl Iterator<Item = Cow<'_, [u8]>> {
    let decoded = std::iter::once_with(move || unquote(payload)).flatten();
    std::iter::once(Cow::Borrowed(payload)).chain(decoded.map(Cow::Owned))
}

/// Replaces each `%XX` by its byte; everything else, `%` without two digits behind it as well, stays.
/// `None` if nothing was replaced.
fn unquote(payload: &[u8]) -> Option<Vec<u8>> {
    let mut decoded = Vec::new();
    let mut rest = payload;
    while let Some(sign) = rest.iter().position(|byte| *byte == b'%') {
        let (before, from) = rest.split_at(sign);
        let byte = match from {
            [_, high, low, ..] => digit(*high).zip(digit(*low)).map(|(high, low)| high << 4 | low),
            _ => None,
        };
        decoded.extend_from_slice(before);
        let used = if byte.is_some() { 3 } else { 1 };
        decoded.push(byte.unwrap_or(b'%'));
        rest = from.get(used..).unwrap_or_default();
    }
    decoded.extend_from_slice(rest);
    (decoded.len() != payload.len()).then_some(decoded)
}

fn digit(character: u8) -> Option<u8> {
    char::from(character)
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn readings(payload: &[u8]) -> Vec<Vec<u8>> {
        decode(payload).map(Cow::into_owned).collect()
    }

    #[test]
    fn ids_are_those_of_the_network() {
        assert_eq!(message_id(b""), "13646096770106105413");
        assert_eq!(message_id(b"a"), "13743199064115861684");
        assert_eq!(message_id(br#"{"item_hash":"x"}"#), "4468994652223559080");
    }

    #[test]
    fn a_payload_without_signs_has_one_reading() {
        assert!(matches!(encode(b"{\"a\":1}"), Cow::Borrowed(_)));
        assert_eq!(readings(b"{\"a\":1}"), [b"{\"a\":1}"]);
        assert_eq!(readings(b""), [b""]);
    }

    #[test]
    fn signs_that_are_no_encoding_stay() {
        for plain in ["%", "100%", "%4", "%zz", "% 41", "%%"] {
            assert_eq!(readings(plain.as_bytes()), [plain.as_bytes()]);
        }
        assert_eq!(readings(b"%%41"), [b"%%41".to_vec(), b"%A".to_vec()]);
        assert_eq!(
            readings(b"a%7B%22b%c3%A9"),
            [b"a%7B%22b%c3%A9".to_vec(), "a{\"bé".into()]
        );
    }

    #[test]
    fn what_is_published_is_what_others_decode() {
        assert_eq!(&*encode(b"50% of %41"), b"50%25 of %2541");
        assert_eq!(readings(b"50%25 of %2541")[1], b"50% of %41");
    }

    proptest! {
        #[test]
        fn encoding_is_undone(payload: Vec<u8>) {
            let encoded = encode(&payload).into_owned();
            let readings = readings(&encoded);
            prop_assert_eq!(readings.last().unwrap(), &payload);
            prop_assert!(readings.iter().all(|reading| reading.len() <= encoded.len()));
        }

        #[test]
        fn anything_can_be_decoded(payload in proptest::collection::vec(prop_oneof![Just(b'%'), any::<u8>(), b'0'..=b'9'], 0..64)) {
            prop_assert_eq!(&readings(&payload)[0], &payload);
        }
    }
}
