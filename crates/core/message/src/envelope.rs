//! The envelope: who says what, and the hash of it (docs/protocol/messages.md, "Envelope").

use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::{Chain, FormatError, ItemHash, ItemType, MessageType, Micros};

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
struct Wire {
    chain: Option<Value>,
    sender: Option<Value>,
    #[serde(rename = "type")]
    message_type: Option<Value>,
    item_hash: Option<Value>,
    item_type: Option<Value>,
    item_content: Option<Value>,
    signature: Option<Value>,
    time: Option<Value>,
    channel: Option<Value>,
}

impl Envelope {
    /// Parses one message of the wire.
    pub fn parse(json: &[u8]) -> Result<Self, FormatError> {
        // Duplicate keys make the typed reader fail; the network lets the last one win, which is
        // what the generic reader does.
        let wire = match serde_json::from_slice::<Wire>(json) {
            Ok(wire) => wire,
            Err(_) => {
                let value: Value = serde_json::from_slice(json)
                    .map_err(|error| FormatError::at(&[], "json_invalid", error.to_string()))?;
                return Self::from_value(value);
            }
        };
        Self::from_wire(wire)
    }

    /// Like [`Envelope::parse`], from JSON that is already read.
    pub fn from_value(value: Value) -> Result<Self, FormatError> {
        if !value.is_object() {
            return Err(FormatError::at(&[], "dict_type", "a message is a JSON object"));
        }
        let wire = serde_json::from_value(value)
            .map_err(|error| FormatError::at(&[], "dict_type", error.to_string()))?;
        Self::from_wire(wire)
    }

    fn from_wire(wire: Wire) -> Result<Self, FormatError> {
        let chain = required_text("chain", wire.chain)?;
        let chain = chain
            .parse::<Chain>()
            .map_err(|_| FormatError::at(&["chain"], "enum", format!("unknown chain {chain:?}")))?;
        let sender = required_text("sender", wire.sender)?;
        let message_type = required_text("type", wire.message_type)?;
        let message_type = message_type.parse::<MessageType>().map_err(|_| {
            FormatError::at(&["type"], "enum", format!("unknown message type {message_type:?}"))
        })?;
        let hash_text = required_text("item_hash", wire.item_hash)?;
        let item_content = optional_text("item_content", wire.item_content)?;
        let signature = optional_text("signature", wire.signature)?;
        let channel = optional_text("channel", wire.channel)?;
        let time = parse_time(wire.time)?;
        let given_type = match optional_text("item_type", wire.item_type)? {
            None => None,
            Some(text) => Some(text.parse::<ItemType>().map_err(|_| {
                FormatError::at(&["item_type"], "enum", format!("unknown item type {text:?}"))
            })?),
        };
        let (item_hash, item_type) = match_hash(&hash_text, given_type, item_content.as_deref())?;
        Ok(Self {
            chain,
            sender,
            message_type,
            item_hash,
            item_type,
            item_content,
            signature,
            time,
            channel,
        })
    }

    /// The text that the sender signed.
    pub fn signed_buffer(&self) -> Vec<u8> {
        signed_buffer(self.chain, &self.sender, self.message_type, &self.item_hash)
    }
}

/// The text that a sender signs: chain, sender, type and item hash, one a line, no final newline.
pub fn signed_buffer(
    chain: Chain,
    sender: &str,
    message_type: MessageType,
    item_hash: &ItemHash,
) -> Vec<u8> {
    format!("{chain}\n{sender}\n{message_type}\n{item_hash}").into_bytes()
}

fn required_text(key: &str, value: Option<Value>) -> Result<String, FormatError> {
    match value {
        Some(Value::String(text)) => Ok(text),
        None => Err(FormatError::at(&[key], "missing", "field required")),
        Some(_) => Err(FormatError::at(&[key], "string_type", "a string is expected")),
    }
}

fn optional_text(key: &str, value: Option<Value>) -> Result<Option<String>, FormatError> {
    match value {
        None | Some(Value::Null) => Ok(None),
        value => required_text(key, value).map(Some),
    }
}

fn parse_time(value: Option<Value>) -> Result<Micros, FormatError> {
    let seconds = match value {
        None => return Err(FormatError::at(&["time"], "missing", "field required")),
        Some(Value::Number(number)) => number.as_f64(),
        Some(_) => None,
    };
    let seconds = seconds.ok_or_else(|| {
        FormatError::at(&["time"], "float_type", "a number of seconds since 1970 is expected")
    })?;
    Micros::from_seconds(seconds).ok_or_else(|| {
        FormatError::at(&["time"], "date_range", "the year is out of range: is this milliseconds?")
    })
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
        (ItemType::Inline, None) => {
            Err(FormatError::at(&["item_content"], "missing", "an inline message needs its content"))
        }
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
