//! The content in base 64 inside JSON, as it comes.
//!
//! ```text
//! {"status": "success", "hash": "…", "engine": "…", "content": "<base 64>"}
//! ```
//!
//! Only flat objects of strings and plain values are read, which is what the route answers. The
//! content is decoded on the way; no other value is kept. Nothing depends on the rest of the answer:
//! the bytes have the hash or have not.

use base64::{Engine as _, engine::general_purpose::STANDARD};

/// Characters decoded at once.
const GROUP: usize = 4_096;
/// The longest key that matters is much shorter.
const LONGEST_KEY: usize = 32;

/// Not the answer of this route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the answer of a node")]
pub(super) struct NotAnAnswer;

/// Reads an answer in pieces.
#[derive(Debug, Default)]
pub(super) struct Embedded {
    place: Place,
    key: Vec<u8>,
    /// Characters of the content that were not decoded yet.
    group: Vec<u8>,
    found: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    #[default]
    Start,
    /// Before a key, or the end of the object.
    Key,
    InKey {
        escaped: bool,
    },
    Colon,
    Value,
    InText {
        escaped: bool,
    },
    InContent {
        escaped: bool,
    },
    /// In a number or a word.
    InWord,
    /// Behind a value.
    Comma,
    End,
}

impl Embedded {
    /// Takes the next bytes of the answer and appends what they tell of the content to `out`.
    pub(super) fn take(&mut self, mut bytes: &[u8], out: &mut Vec<u8>) -> Result<(), NotAnAnswer> {
        while let Some((&byte, rest)) = bytes.split_first() {
            if self.place == (Place::InContent { escaped: false }) {
                // Most of the answer: as many characters at once as are plain.
                let end = bytes.iter().position(|byte| matches!(byte, b'"' | b'\\'));
                let (plain, rest) = bytes.split_at(end.unwrap_or(bytes.len()));
                self.decode(plain, out)?;
                if !plain.is_empty() {
                    bytes = rest;
                    continue;
                }
            }
            self.place = self.step(byte, out)?;
            bytes = rest;
        }
        Ok(())
    }

    /// Ends the answer.
    pub(super) fn finish(mut self, out: &mut Vec<u8>) -> Result<(), NotAnAnswer> {
        if !self.found || self.place != Place::End {
            return Err(NotAnAnswer);
        }
        self.flush(out)
    }

    fn step(&mut self, byte: u8, out: &mut Vec<u8>) -> Result<Place, NotAnAnswer> {
        let is_space = byte.is_ascii_whitespace();
        Ok(match (self.place, byte) {
            (Place::InKey { escaped: false }, b'"') => Place::Colon,
            (Place::InKey { escaped }, _) => {
                if self.key.len() < LONGEST_KEY {
                    self.key.push(byte);
                }
                Place::InKey {
                    escaped: !escaped && byte == b'\\',
                }
            }
            (Place::InText { escaped: false }, b'"') => Place::Comma,
            (Place::InText { escaped }, _) => Place::InText {
                escaped: !escaped && byte == b'\\',
            },
            (Place::InContent { escaped: false }, b'"') => Place::Comma,
            (Place::InContent { escaped: false }, b'\\') => Place::InContent { escaped: true },
            // Some libraries write every slash so.
            (Place::InContent { escaped: true }, b'/') => {
                self.decode(b"/", out)?;
                Place::InContent { escaped: false }
            }
            (Place::InWord, b',') => Place::Key,
            (Place::InWord, b'}') => Place::End,
            (Place::InWord, b'a'..=b'z' | b'0'..=b'9' | b'E' | b'+' | b'-' | b'.') => Place::InWord,
            (Place::InWord, _) if is_space => Place::Comma,
            (place, _) if is_space => place,
            (Place::Start, b'{') => Place::Key,
            (Place::Key, b'"') => {
                self.key.clear();
                Place::InKey { escaped: false }
            }
            (Place::Key | Place::Comma, b'}') => Place::End,
            (Place::Comma, b',') => Place::Key,
            (Place::Colon, b':') => Place::Value,
            (Place::Value, b'"') if self.key == b"content" => {
                if std::mem::replace(&mut self.found, true) {
                    return Err(NotAnAnswer);
                }
                Place::InContent { escaped: false }
            }
            (Place::Value, b'"') => Place::InText { escaped: false },
            (Place::Value, b'a'..=b'z' | b'0'..=b'9' | b'-') => Place::InWord,
            _ => return Err(NotAnAnswer),
        })
    }

    fn decode(&mut self, mut plain: &[u8], out: &mut Vec<u8>) -> Result<(), NotAnAnswer> {
        while !plain.is_empty() {
            let (head, rest) = plain.split_at(plain.len().min(GROUP - self.group.len()));
            self.group.extend_from_slice(head);
            plain = rest;
            // A full group is no last one if more follows, so nothing of it is padding.
            if self.group.len() == GROUP && !plain.is_empty() {
                self.flush(out)?;
            }
        }
        Ok(())
    }

    fn flush(&mut self, out: &mut Vec<u8>) -> Result<(), NotAnAnswer> {
        let decoded = STANDARD.decode_vec(&self.group, out);
        self.group.clear();
        decoded.map_err(|_| NotAnAnswer)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(json: &[u8], piece: usize) -> Result<Vec<u8>, NotAnAnswer> {
        let (mut embedded, mut out) = (Embedded::default(), Vec::new());
        for piece in json.chunks(piece.max(1)) {
            embedded.take(piece, &mut out)?;
        }
        embedded.finish(&mut out)?;
        Ok(out)
    }

    #[test]
    fn answers() {
        let json =
            br#" {"status": "success", "n": -1.5e+3, "t\"": "a\"}\\", "content": "aGVsbG8/", "ok":true }"#;
        for piece in 1..json.len() {
            assert_eq!(read(json, piece), Ok(b"hello?".to_vec()), "{piece}");
        }
        assert_eq!(read(br#"{"content":"aGVsbG8\/"}"#, 3), Ok(b"hello?".to_vec()));
        assert_eq!(read(br#"{"content":""}"#, 3), Ok(Vec::new()));
        for json in [
            &br#"{}"#[..],
            br#"{"status":"error"}"#,
            br#"{"content":"aGVsbG8/""#,
            br#"{"content":"aGVsbG8"}"#,
            br#"{"content":"aGVs=bG8"}"#,
            br#"{"content":"aGVsbG8\n"}"#,
            br#"{"content":null}"#,
            br#"{"content":"","content":""}"#,
            br#"{"a":{"content":""}}"#,
            br#"["content"]"#,
            b"not found",
            b"",
        ] {
            assert_eq!(
                read(json, 7),
                Err(NotAnAnswer),
                "{}",
                String::from_utf8_lossy(json)
            );
        }
    }

    proptest! {
        #[test]
        fn any_content_in_any_pieces(
            content in prop::collection::vec(any::<u8>(), 0..20_000),
            piece in 1..9_000usize,
            first: bool,
        ) {
            let text = STANDARD.encode(&content);
            let json = if first {
                format!(r#"{{"content": "{text}", "status": "success"}}"#)
            } else {
                format!(r#"{{"status": "success", "content": "{text}"}}"#)
            };
            prop_assert_eq!(read(json.as_bytes(), piece), Ok(content));
        }

        #[test]
        fn no_panic(json in prop::collection::vec(prop_oneof![Just(b'"'), Just(b'\\'), Just(b'{'), any::<u8>()], 0..200)) {
            let _ = read(&json, 5);
        }
    }
}
