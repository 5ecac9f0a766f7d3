//! Prices of messages that are not sent yet (docs/protocol/money.md, "Costs").
//!
//! Who asks for a price sends the message that he is going to send, without a signature, and may
//! state the sizes of files that nobody has yet: `estimated_size_mib` beside the `ref` of code,
//! runtime, data and read-only volumes, and in a STORE. The keys are not part of any content, so
//! they are taken out before the content is read by its own strict rules.

#[cfg(test)]
mod tests;

use std::collections::HashMap;

use alephd_message::{Content, Envelope, FormatError, ItemHash, ItemType, MessageType};
use serde_json::{Map, Value, json, value::RawValue};

use crate::{
    amount::Decimal,
    cost::{Demand, Estimates, Mib},
};

const SIZE: &str = "estimated_size_mib";

/// The message in a request for an estimate.
#[derive(Clone, Debug, PartialEq)]
pub struct EstimateRequest {
    /// Its type, one of those that cost something.
    pub message_type: MessageType,
    /// Its name.
    pub item_hash: ItemHash,
    /// Where its content is.
    pub item_type: ItemType,
    /// Its content, if it is inline; it hashes to `item_hash`.
    pub item_content: Option<String>,
}

impl EstimateRequest {
    /// Reads `{"message": {...}}`. Of the envelope only the type, the name and the content are
    /// looked at, whatever else is there or missing.
    pub fn parse(body: &[u8]) -> Result<Self, FormatError> {
        let mut body: Value = serde_json::from_slice(body).map_err(|error| not_json(&error))?;
        let Some(Value::Object(message)) = body.get_mut("message") else {
            return Err(FormatError::at(
                &["message"],
                "dict_type",
                "a message is a JSON object",
            ));
        };
        let mut envelope = Map::new();
        for key in ["type", "item_hash", "item_type", "item_content"] {
            envelope.extend(message.remove_entry(key));
        }
        // Nothing of these is used; the reader of envelopes wants them.
        for (key, value) in [("chain", json!("ETH")), ("sender", json!("")), ("time", json!(0))] {
            envelope.insert(key.to_owned(), value);
        }
        let envelope = Envelope::from_value(Value::Object(envelope))?;
        if !is_sold(envelope.message_type) {
            return Err(free(envelope.message_type));
        }
        Ok(Self {
            message_type: envelope.message_type,
            item_hash: envelope.item_hash,
            item_type: envelope.item_type,
            item_content: envelope.item_content,
        })
    }
}

/// Reads the content of a message to be estimated. `time` and `allow_amend` may be missing. The
/// body of a request about an instance alone is such a content, of [`MessageType::Instance`] and
/// without a name.
pub fn estimate_demand(
    message_type: MessageType,
    text: &str,
    message: Option<&ItemHash>,
) -> Result<Demand, FormatError> {
    let mut value: Value = serde_json::from_str(text).map_err(|error| not_json(&error))?;
    let Value::Object(fields) = &mut value else {
        return Err(FormatError::at(&[], "dict_type", "an object is expected"));
    };
    let estimates = match message_type {
        MessageType::Store => Estimates {
            store: store_size(text)?,
            ..Estimates::default()
        },
        MessageType::Program => Estimates {
            code: part(fields, "code")?,
            runtime: part(fields, "runtime")?,
            data: part(fields, "data")?,
            volumes: volumes(fields)?,
            ..Estimates::default()
        },
        MessageType::Instance => Estimates {
            volumes: volumes(fields)?,
            ..Estimates::default()
        },
        MessageType::VProgram => {
            measured(fields)?;
            Estimates::default()
        }
        MessageType::Post | MessageType::Aggregate | MessageType::Forget => return Err(free(message_type)),
    };
    if fields.get("time").is_none_or(Value::is_null) {
        fields.insert("time".to_owned(), json!(0));
    }
    fields.entry("allow_amend").or_insert(json!(false));
    let text = value.to_string();
    let content = Content::parse(message_type, &text)?;
    let demand = Demand::estimated(&content, &text, message, &estimates);
    let demand = demand.map_err(|error| FormatError::at(&[], "value_error", error.to_string()))?;
    demand.ok_or_else(|| free(message_type))
}

fn is_sold(message_type: MessageType) -> bool {
    matches!(
        message_type,
        MessageType::Store | MessageType::Program | MessageType::Instance | MessageType::VProgram
    )
}

fn free(message_type: MessageType) -> FormatError {
    FormatError::at(
        &["type"],
        "enum",
        format!("a message of type {message_type} has no price"),
    )
}

fn not_json(error: &serde_json::Error) -> FormatError {
    FormatError::at(&[], "json_invalid", error.to_string())
}

/// Takes the size out of an object under a key.
fn part(fields: &mut Map<String, Value>, key: &str) -> Result<Option<Mib>, FormatError> {
    match fields.get_mut(key).and_then(Value::as_object_mut) {
        Some(part) => take_size(part, SIZE),
        None => Ok(None),
    }
}

/// Takes the sizes out of the read-only volumes. Others have sizes of their own.
fn volumes(fields: &mut Map<String, Value>) -> Result<Vec<Option<Mib>>, FormatError> {
    let Some(volumes) = fields.get_mut("volumes").and_then(Value::as_array_mut) else {
        return Ok(Vec::new());
    };
    let volumes = volumes.iter_mut().map(|volume| match volume.as_object_mut() {
        Some(volume) if volume.contains_key("ref") => take_size(volume, SIZE),
        _ => Ok(None),
    });
    volumes.collect()
}

/// Takes the sizes out of a V-PROGRAM, where none is billed.
fn measured(fields: &mut Map<String, Value>) -> Result<(), FormatError> {
    const TREE_SIZE: &str = "estimated_hash_tree_size_mib";
    take_size(fields, "runtime_estimated_size_mib")?;
    let workload = fields.get_mut("workload").and_then(Value::as_object_mut);
    if let Some(workload) = workload {
        take_size(workload, SIZE)?;
        take_size(workload, TREE_SIZE)?;
    }
    let volumes = fields.get_mut("volumes").and_then(Value::as_array_mut);
    for volume in volumes.into_iter().flatten().filter_map(Value::as_object_mut) {
        take_size(volume, SIZE)?;
        take_size(volume, TREE_SIZE)?;
    }
    Ok(())
}

/// Takes a whole number of MiB out of an object. Zero says as little as null.
fn take_size(part: &mut Map<String, Value>, key: &str) -> Result<Option<Mib>, FormatError> {
    let size = match part.remove(key) {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(text)) => text.trim().parse().ok(),
        Some(Value::Bool(flag)) => Some(u64::from(flag)),
        Some(Value::Number(number)) => number.as_u64().or_else(|| {
            let double = number.as_f64()?;
            (double.fract() == 0.0 && (0.0..1e15).contains(&double)).then_some(double as u64)
        }),
        Some(Value::Array(_) | Value::Object(_)) => None,
    };
    let size = size.ok_or_else(|| bad_size(key))?;
    Ok((size > 0).then(|| Mib::from_mib(size)))
}

/// The size that a STORE states, which may have a fraction and is then the double that the text
/// says. The text is read again because the reader of whole values is not exact about doubles.
fn store_size(text: &str) -> Result<Option<Mib>, FormatError> {
    let fields: HashMap<String, &RawValue> = serde_json::from_str(text).map_err(|error| not_json(&error))?;
    let Some(json) = fields.get(SIZE).map(|value| value.get()) else {
        return Ok(None);
    };
    let double = match json.as_bytes().first() {
        Some(b'n') => return Ok(None),
        Some(b'"') => {
            let text: Option<String> = serde_json::from_str(json).ok();
            text.and_then(|text| text.trim().parse().ok())
        }
        _ => json.parse().ok(),
    };
    let size = double.and_then(Decimal::from_double);
    let size = size.ok_or_else(|| bad_size(SIZE))?;
    Ok((!size.is_zero()).then_some(Mib(size)))
}

fn bad_size(key: &str) -> FormatError {
    FormatError::at(&[key], "out_of_range", "a size in MiB is expected")
}
