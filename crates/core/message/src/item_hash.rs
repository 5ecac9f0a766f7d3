//! The name of a message or file: a SHA-256 or a CID.

use std::{cmp::Ordering, fmt};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::ItemType;

/// The name of a message or of a file.
///
/// Two shapes exist on the wire. The *lenient* one looks at length and prefix only and is used
/// for envelopes; the *strict* one also checks the alphabet and is used inside contents.
/// Ordering is that of the text, because the API breaks ties by it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum ItemHash {
    /// 64 lower-case hexadecimal digits.
    Sha256([u8; 32]),
    /// A CID, or (lenient shape only) 64 characters that are not lower-case hexadecimal.
    Text(Box<str>),
}

impl ItemHash {
    /// Reads the lenient shape: `Qm` with 44 to 46 characters, `bafy` with 59, or 64 characters.
    pub fn parse_lenient(text: &str) -> Option<Self> {
        let length = text.chars().count();
        let is_cid = (text.starts_with("Qm") && (44..=46).contains(&length))
            || (text.starts_with("bafy") && length == 59);
        if is_cid {
            return Some(Self::Text(text.into()));
        }
        if length != 64 {
            return None;
        }
        Some(Self::parse_hex(text).unwrap_or_else(|| Self::Text(text.into())))
    }

    /// Reads the strict shape: the lenient one with the right alphabet.
    pub fn parse_strict(text: &str) -> Option<Self> {
        let hash = Self::parse_lenient(text)?;
        hash.is_strict().then_some(hash)
    }

    /// Whether the text also has the strict shape.
    pub fn is_strict(&self) -> bool {
        match self {
            Self::Sha256(_) => true,
            Self::Text(text) => match text.strip_prefix("Qm") {
                Some(rest) if text.len() <= 46 => rest
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() && !b"0OIl".contains(&byte)),
                _ => {
                    text.len() == 59
                        && text.starts_with("bafy")
                        && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'2'..=b'7'))
                }
            },
        }
    }

    fn parse_hex(text: &str) -> Option<Self> {
        let lower = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let mut bytes = [0; 32];
        (lower && hex::decode_to_slice(text, &mut bytes).is_ok()).then_some(Self::Sha256(bytes))
    }

    /// The storage that this shape of name belongs to: never [`ItemType::Inline`].
    pub fn item_type(&self) -> ItemType {
        match self {
            Self::Sha256(_) => ItemType::Storage,
            Self::Text(text) if text.starts_with("Qm") && text.chars().count() != 64 => ItemType::Ipfs,
            Self::Text(text) if text.starts_with("bafy") && text.chars().count() != 64 => ItemType::Ipfs,
            Self::Text(_) => ItemType::Storage,
        }
    }

    /// Bytes for storage: the 32 digest bytes, or the text of a CID. Read back by
    /// [`ItemHash::from_key`]; the two forms differ in length.
    pub fn key(&self) -> &[u8] {
        match self {
            Self::Sha256(bytes) => bytes,
            Self::Text(text) => text.as_bytes(),
        }
    }

    /// Reverses [`ItemHash::key`].
    pub fn from_key(key: &[u8]) -> Option<Self> {
        if let Ok(bytes) = <[u8; 32]>::try_from(key) {
            return Some(Self::Sha256(bytes));
        }
        Some(Self::Text(std::str::from_utf8(key).ok()?.into()))
    }

    /// A number that orders like the text, up to ties: comparing it first lets an index hold
    /// eight bytes instead of the whole name.
    pub fn order_prefix(&self) -> i64 {
        let mut buffer = [0; 64];
        let text: &[u8] = match self {
            Self::Sha256(bytes) => {
                if hex::encode_to_slice(bytes, &mut buffer).is_ok() {
                    &buffer
                } else {
                    &[]
                }
            }
            Self::Text(text) => text.as_bytes(),
        };
        // Twelve characters at five bits: the digits, then everything between '9' and 'a'
        // (upper-case letters of a CID), then 'a' to 'z', each range in its own order.
        text.iter().take(12).fold(0, |value, &byte| {
            let digit = match byte {
                b'0'..=b'9' => byte - b'0',
                b'a'..=b'f' => byte - b'a' + 11,
                b'g'.. => 17 + (byte.min(b'z') - b'g') / 2,
                _ => 10,
            };
            value << 5 | i64::from(digit)
        })
    }
}

impl Ord for ItemHash {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Sha256(a), Self::Sha256(b)) => a.cmp(b),
            _ => self.to_string().cmp(&other.to_string()),
        }
    }
}

impl PartialOrd for ItemHash {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for ItemHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sha256(bytes) => {
                let mut buffer = [0; 64];
                hex::encode_to_slice(bytes, &mut buffer).map_err(|_| fmt::Error)?;
                f.write_str(std::str::from_utf8(&buffer).map_err(|_| fmt::Error)?)
            }
            Self::Text(text) => f.write_str(text),
        }
    }
}

impl fmt::Debug for ItemHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for ItemHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ItemHash {
    /// Reads the strict shape.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse_strict(&text).ok_or_else(|| D::Error::custom("not an item hash"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "1eb440938336b13e7e4ad3f9ebea6de8dbf7fcbdba4c8861ea0a4f70e19e777d";
    const V0: &str = "QmaMLRsvmDRCezZe2iebcKWtEzKNjBaQfwcu7mcpdm8eY2";

    #[test]
    fn shapes() {
        let strict = |text| ItemHash::parse_strict(text).map(|hash| hash.item_type());
        assert_eq!(strict(HEX), Some(ItemType::Storage));
        assert_eq!(strict(V0), Some(ItemType::Ipfs));
        assert_eq!(strict(&HEX.to_uppercase()), None);
        assert!(ItemHash::parse_lenient(&HEX.to_uppercase()).is_some());
        assert_eq!(ItemHash::parse_lenient("bafkreigh2akiscaildc"), None);
        assert_eq!(ItemHash::parse_lenient(""), None);
    }

    #[test]
    fn key_and_text_round_trip() {
        for text in [HEX, V0] {
            let hash = ItemHash::parse_strict(text).expect("strict shape");
            assert_eq!(hash.to_string(), text);
            assert_eq!(ItemHash::from_key(hash.key()), Some(hash));
        }
    }

    #[test]
    fn order_prefix_never_contradicts_the_text() {
        let mut names = vec![HEX.to_owned(), V0.to_owned()];
        for digit in "0123456789abcdef".chars() {
            names.push(format!("{digit}{}", &HEX[1..]));
        }
        names.push(format!("bafy{}", "a".repeat(55)));
        let mut hashes: Vec<_> = names
            .iter()
            .filter_map(|name| ItemHash::parse_strict(name))
            .collect();
        hashes.sort();
        assert!(hashes.is_sorted_by_key(ItemHash::order_prefix));
    }
}
