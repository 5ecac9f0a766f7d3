//! Bounded decoding of the text forms that several families share.
//!
//! Callers have capped the length of the text already (see [`crate::verify()`]).

use serde_json::{Map, Value};

use crate::SignatureError;

/// Reads a signature that is a JSON object.
pub(crate) fn json_object(text: &str) -> Result<Map<String, Value>, SignatureError> {
    match serde_json::from_str(text) {
        Ok(Value::Object(object)) => Ok(object),
        _ => Err(SignatureError::Malformed("a JSON object is expected")),
    }
}

/// The string under `key`.
pub(crate) fn json_text<'a>(
    object: &'a Map<String, Value>,
    key: &'static str,
) -> Result<&'a str, SignatureError> {
    object
        .get(key)
        .and_then(Value::as_str)
        .ok_or(SignatureError::Malformed(key))
}

/// Decodes base58 text of exactly `N` bytes.
pub(crate) fn base58<const N: usize>(text: &str) -> Result<[u8; N], SignatureError> {
    let mut bytes = [0; N];
    // The decoder stops when the buffer is full, so long text costs no more than honest text.
    match bs58::decode(text).onto(&mut bytes[..]) {
        Ok(length) if length == N => Ok(bytes),
        _ => Err(SignatureError::Malformed("base58 of another length is expected")),
    }
}

/// Longest base58check text in use, decoded: five bytes of prefix, a signature, the checksum.
const BASE58CHECK_MAX: usize = 5 + 64 + 4;

/// Decodes base58check text: `prefix`, then exactly `N` bytes, then the checksum.
pub(crate) fn base58check<const N: usize>(text: &str, prefix: &[u8]) -> Option<[u8; N]> {
    let mut buffer = [0; BASE58CHECK_MAX];
    let buffer = buffer.get_mut(..prefix.len() + N + 4)?;
    let length = bs58::decode(text).with_check(None).onto(&mut *buffer).ok()?;
    buffer.get(..length)?.strip_prefix(prefix)?.try_into().ok()
}

/// Decodes standard base64 with the tolerance of the reference decoder: characters outside the
/// alphabet are skipped (some encoders wrap lines), the first complete padding ends the text, and
/// unused low bits of the last character may be anything. Missing padding is an error.
pub(crate) fn base64(text: &str) -> Result<Vec<u8>, SignatureError> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3 + 3);
    let mut bits = 0u32;
    let mut position = 0;
    let mut padding = 0;
    for byte in text.bytes() {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            b'=' if position >= 2 => {
                padding += 1;
                if position + padding >= 4 {
                    return Ok(bytes);
                }
                continue;
            }
            _ => continue,
        };
        padding = 0;
        bits = bits << 6 | u32::from(value);
        if position > 0 {
            // Six bits more than the last whole byte needs remain at positions 1, 2, 3: 4, 2, 0.
            bytes.push((bits >> (6 - 2 * position)) as u8);
        }
        position = (position + 1) % 4;
    }
    if position == 0 {
        Ok(bytes)
    } else {
        Err(SignatureError::Malformed("base64 is cut short"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_reads_what_encoders_write() {
        assert_eq!(base64("").unwrap(), b"");
        assert_eq!(base64("Zg==").unwrap(), b"f");
        assert_eq!(base64("Zm8=").unwrap(), b"fo");
        assert_eq!(base64("Zm9v").unwrap(), b"foo");
        assert_eq!(base64("Zm9vYmFy+/8=").unwrap(), b"foobar\xfb\xff");
    }

    #[test]
    fn base64_tolerates_what_the_network_tolerates() {
        assert_eq!(base64("Zm9v\nYmFy\n").unwrap(), b"foobar");
        assert_eq!(base64("=Z=m-8=trailing").unwrap(), b"fo");
        assert_eq!(base64("Zm9=").unwrap(), b"fo");
        for cut in ["Z", "Zg", "Zg=", "Zm8", "Zm9vZ==="] {
            assert!(base64(cut).is_err(), "{cut}");
        }
    }

    #[test]
    fn base58check_wants_prefix_length_and_checksum() {
        let text = bs58::encode([1, 2, 3, 4, 5]).with_check().into_string();
        assert_eq!(base58check::<3>(&text, &[1, 2]), Some([3, 4, 5]));
        assert_eq!(base58check::<3>(&text, &[1, 3]), None);
        assert_eq!(base58check::<2>(&text, &[1, 2]), None);
        assert_eq!(base58check::<4>(&text, &[1, 2]), None);
        let unchecked = bs58::encode([1, 2, 3, 4, 5, 0, 0, 0, 0]).into_string();
        assert_eq!(base58check::<3>(&unchecked, &[1, 2]), None);
    }
}
