//! The envelope: who says what, and the hash of it (docs/protocol/messages.md, "Envelope").

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::{Chain, FormatError, ItemHash, ItemType, MessageType, Micros, text::Text};

/// Longest inline content, in Unicode scalar values (not bytes).
pub const INLINE_LIMIT: usize = 200_000;

/// A well-formed envelope. Its inline content, if any, hashes to `item_hash`; its signature has
/// not been looked at.
#[derive(Clone, Debug, PartialEq)]
pub struct Envelope {
    /// Chain whose signature scheme applies.
    pub chain: Chain,
    /// Address that signed, exactly as sent: the signed text contains it.
    pub sender: String,
    /// Kind of content.
    pub message_type: MessageType,
    /// Hash of the content, and the name of the message.
    pub item_hash: ItemHash,
    /// Where the content is.
    pub item_type: ItemType,
    /// The signed content text, present exactly when `item_type` is inline.
    pub item_content: Option<String>,
    /// Chain-specific text; absent only for messages taken from a smart contract event.
    pub signature: Option<String>,
    /// Unsigned claim of the sender or of a relay.
    pub time: Micros,
    /// Unsigned free text.
    pub channel: Option<String>,
}

/// The fields as they are typed on the wire; everything unknown is ignored.
#[derive(Deserialize)]
struct Wire<'a> {
    #[serde(borrow)]
    chain: Text<'a>,
    #[serde(borrow)]
    sender: Text<'a>,
    #[serde(borrow, rename = "type")]
    message_type: Text<'a>,
    #[serde(borrow)]
    item_hash: Text<'a>,
    #[serde(borrow)]
    item_type: Option<Text<'a>>,
    #[serde(borrow)]
    item_content: Option<Text<'a>>,
    #[serde(borrow)]
    signature: Option<Text<'a>>,
    time: f64,
    #[serde(borrow)]
    channel: Option<Text<'a>>,
}

impl Envelope {
    /// Parses one message of the wire.
    pub fn parse(json: &[u8]) -> Result<Self, FormatError> {
        match serde_json::from_slice::<Wire<'_>>(json) {
            Ok(wire) => Self::from_wire(wire),
            // The typed reader says little about what is wrong. It also refuses repeated keys,
            // of which the network lets the last one win, as the generic reader does.
            Err(_) => {
                let value: Value = serde_json::from_slice(json)
                    .map_err(|error| FormatError::at(&[], "json_invalid", error.to_string()))?;
                Self::from_value(value)
            }
        }
    }

    /// Like [`Envelope::parse`], from JSON that is already read.
    pub fn from_value(value: Value) -> Result<Self, FormatError> {
        let Value::Object(mut fields) = value else {
            return Err(FormatError::at(&[], "dict_type", "a message is a JSON object"));
        };
        Self::from_wire(Wire {
            chain: required_text(&mut fields, "chain")?,
            sender: required_text(&mut fields, "sender")?,
            message_type: required_text(&mut fields, "type")?,
            item_hash: required_text(&mut fields, "item_hash")?,
            item_type: optional_text(&mut fields, "item_type")?,
            item_content: optional_text(&mut fields, "item_content")?,
            signature: optional_text(&mut fields, "signature")?,
            time: required_seconds(&fields, "time")?,
            channel: optional_text(&mut fields, "channel")?,
        })
    }

    fn from_wire(wire: Wire<'_>) -> Result<Self, FormatError> {
        let chain =
            wire.chain.0.parse().map_err(|_| {
                FormatError::at(&["chain"], "enum", format!("unknown chain {:?}", wire.chain.0))
            })?;
        let message_type = wire.message_type.0.parse().map_err(|_| {
            FormatError::at(
                &["type"],
                "enum",
                format!("unknown message type {:?}", wire.message_type.0),
            )
        })?;
        let time = Micros::from_seconds(wire.time).ok_or_else(|| {
            FormatError::at(
                &["time"],
                "date_range",
                "the year is out of range: is this milliseconds?",
            )
        })?;
        let given_type = match &wire.item_type {
            None => None,
            Some(Text(text)) => Some(text.parse().map_err(|_| {
                FormatError::at(&["item_type"], "enum", format!("unknown item type {text:?}"))
            })?),
        };
        let item_content = wire.item_content.map(Text::into_owned);
        let (item_hash, item_type) = match_hash(&wire.item_hash.0, given_type, item_content.as_deref())?;
        Ok(Self {
            chain,
            sender: wire.sender.into_owned(),
            message_type,
            item_hash,
            item_type,
            item_content,
            signature: wire.signature.map(Text::into_owned),
            time,
            channel: wire.channel.map(Text::into_owned),
        })
    }

    /// The text that the sender signed.
    pub fn signed_buffer(&self) -> Vec<u8> {
        signed_buffer(self.chain, &self.sender, self.message_type, &self.item_hash)
    }
}

/// The text that a sender signs: chain, sender, type and item hash, one a line, no final newline.
pub fn signed_buffer(chain: Chain, sender: &str, message_type: MessageType, item_hash: &ItemHash) -> Vec<u8> {
    format!("{chain}\n{sender}\n{message_type}\n{item_hash}").into_bytes()
}

fn required_text(fields: &mut Map<String, Value>, key: &str) -> Result<Text<'static>, FormatError> {
    match fields.remove(key) {
        Some(Value::String(text)) => Ok(Text(Cow::Owned(text))),
        None => Err(FormatError::at(&[key], "missing", "field required")),
        Some(_) => Err(FormatError::at(&[key], "string_type", "a string is expected")),
    }
}

fn optional_text(fields: &mut Map<String, Value>, key: &str) -> Result<Option<Text<'static>>, FormatError> {
    match fields.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(_) => required_text(fields, key).map(Some),
    }
}

fn required_seconds(fields: &Map<String, Value>, key: &str) -> Result<f64, FormatError> {
    match fields.get(key) {
        None => Err(FormatError::at(&[key], "missing", "field required")),
        Some(value) => value.as_f64().ok_or_else(|| {
            FormatError::at(&[key], "float_type", "a number of seconds since 1970 is expected")
        }),
    }
}

/// Applies the rules that tie item hash, item type and inline content together.
fn match_hash(
    hash_text: &str,
    given_type: Option<ItemType>,
    item_content: Option<&str>,
) -> Result<(ItemHash, ItemType), FormatError> {
    let hash = ItemHash::parse_lenient(hash_text);
    let unknown = || FormatError::at(&["item_hash"], "unknown_hash", "not a SHA-256 nor a known CID");
    let item_type = match (given_type, item_content, &hash) {
        (Some(given), _, _) => given,
        (None, Some(_), _) => ItemType::Inline,
        (None, None, Some(hash)) => hash.item_type(),
        (None, None, None) => return Err(unknown()),
    };
    let hash = hash.ok_or_else(unknown)?;
    match (item_type, item_content) {
        (ItemType::Inline, Some(text)) => {
            check_inline(text, &hash)?;
            Ok((hash, item_type))
        }
        (ItemType::Inline, None) => Err(FormatError::at(
            &["item_content"],
            "missing",
            "an inline message needs its content",
        )),
        (_, Some(_)) => Err(FormatError::at(
            &["item_content"],
            "unexpected",
            format!("a message of item type {item_type} carries no content"),
        )),
        (_, None) if hash.item_type() != item_type => Err(FormatError::at(
            &["item_type"],
            "mismatch",
            format!("the hash is of type {}, not {item_type}", hash.item_type()),
        )),
        (_, None) => Ok((hash, item_type)),
    }
}

fn check_inline(text: &str, hash: &ItemHash) -> Result<(), FormatError> {
    // The count of bytes is an upper bound of the count of characters, and free.
    if text.len() > INLINE_LIMIT && text.chars().count() > INLINE_LIMIT {
        return Err(FormatError::at(
            &["item_content"],
            "too_long",
            format!("inline content is limited to {INLINE_LIMIT} characters; store it as a file instead"),
        ));
    }
    let digest = ItemHash::Sha256(Sha256::digest(text.as_bytes()).into());
    if &digest != hash {
        return Err(FormatError::at(
            &["item_hash"],
            "hash_mismatch",
            format!("the content hashes to {digest}"),
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn message(content: &str) -> Value {
        let item_hash = hex::encode(Sha256::digest(content.as_bytes()));
        json!({
            "chain": "ETH", "sender": "0xA", "type": "POST", "item_hash": item_hash, "item_type": "inline",
            "item_content": content, "signature": "0x", "time": 1.5, "channel": "c",
        })
    }

    fn parse(message: &Value) -> Result<Envelope, FormatError> {
        let parsed = Envelope::parse(message.to_string().as_bytes());
        assert_eq!(
            parsed,
            Envelope::from_value(message.clone()),
            "both readers agree"
        );
        parsed
    }

    fn with(key: &str, value: Value) -> Value {
        let mut message = message("{}");
        message[key] = value;
        message
    }

    #[test]
    fn issues_name_the_key() {
        for key in ["chain", "sender", "type", "item_hash", "time"] {
            for value in [json!(null), json!([1]), json!(true)] {
                let error = parse(&with(key, value)).expect_err(key);
                assert_eq!(error.issues[0].path, [key]);
            }
            let mut message = message("{}");
            message.as_object_mut().and_then(|message| message.remove(key));
            let error = parse(&message).expect_err(key);
            assert_eq!(
                (error.issues[0].path.as_slice(), error.issues[0].kind),
                ([key.to_owned()].as_slice(), "missing")
            );
        }
        for key in ["item_type", "item_content", "signature", "channel"] {
            assert!(parse(&with(key, json!(5))).is_err(), "{key}");
        }
        for (key, value) in [
            ("chain", "eth"),
            ("type", "PING"),
            ("item_type", "INLINE"),
            ("item_hash", "x"),
        ] {
            assert!(parse(&with(key, json!(value))).is_err(), "{key}");
        }
        assert!(parse(&with("time", json!("1.5"))).is_err());
        assert!(parse(&with("time", json!(1_700_000_000_000_u64))).is_err());
        assert!(parse(&json!([])).is_err());
    }

    #[test]
    fn nulls_count_as_absent_where_the_key_is_optional() {
        for key in ["item_type", "signature", "channel"] {
            let envelope = parse(&with(key, json!(null))).expect(key);
            assert_eq!(envelope.item_type, ItemType::Inline);
        }
        assert!(
            parse(&with("item_content", json!(null))).is_err(),
            "inline is said, nothing is there"
        );
        let mut stored = with("item_content", json!(null));
        stored["item_type"] = json!(null);
        assert_eq!(
            parse(&stored).map(|envelope| envelope.item_type),
            Ok(ItemType::Storage)
        );
        stored["item_type"] = json!("ipfs");
        assert!(parse(&stored).is_err(), "the hash is no CID");
        assert!(
            parse(&with("item_type", json!("storage"))).is_err(),
            "stored contents are elsewhere"
        );
        assert!(parse(&with("unknown", json!({"any": "thing"}))).is_ok());
    }

    #[test]
    fn the_inline_limit_counts_characters() {
        for character in ["a", "é"] {
            assert!(parse(&message(&character.repeat(INLINE_LIMIT))).is_ok());
            assert!(parse(&message(&character.repeat(INLINE_LIMIT + 1))).is_err());
        }
    }

    #[test]
    fn repeated_keys_and_escapes_are_read_as_the_network_does() {
        let text = message("{}").to_string();
        let text = text.replacen('{', r#"{"chain":"XXX","time":"never","\u0073ender":"first","#, 1);
        let envelope = Envelope::parse(text.as_bytes()).expect("the last one counts");
        assert_eq!((envelope.chain, envelope.sender.as_str()), (Chain::Eth, "0xA"));
        let escaped = message("{\"a\": \"\\u00e9\"}");
        let envelope = parse(&escaped).expect("valid");
        assert_eq!(envelope.item_content.as_deref(), escaped["item_content"].as_str());
    }

    #[test]
    fn the_signed_buffer_joins_four_lines() {
        let envelope = parse(&message("{}")).expect("valid");
        let expected = format!("ETH\n0xA\nPOST\n{}", envelope.item_hash);
        assert_eq!(envelope.signed_buffer(), expected.as_bytes());
    }
}
