//! Cursors: the place in a list, as a text that clients hand back unchanged.
//!
//! Behind a load balancer the next page may be asked of another node, so the encoding is the
//! network's: URL-safe base64 without padding of a small JSON object with sorted keys. Decoding
//! accepts what any node of the network hands out, including older forms.

use alephd_message::{Chain, ItemHash, Micros};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value};

use crate::{
    json::{Style, Writer},
    params::{CreditSort, SortOrder, WireName as _},
};

/// Longest cursor that is decoded. The longest parts are keys of aggregates and references of
/// credits, which are texts of users; the request line bounds them at about this size.
const MAX_LENGTH: usize = 8192;

/// A text that is no cursor of the list it was used on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadCursor {
    /// Not base64 of a JSON object.
    #[error("Invalid cursor: not a cursor")]
    Form,
    /// An object without the keys of this list.
    #[error("Invalid cursor: missing required fields")]
    Fields,
    /// A value of the wrong type.
    #[error("Invalid cursor: bad value")]
    Value,
}

/// A place in a list.
pub trait Cursor: Sized {
    /// The text for clients.
    fn encode(&self) -> String;

    /// Reads a text of [`Cursor::encode`], or of another node.
    fn decode(text: &str) -> Result<Self, BadCursor>;
}

/// A place among messages, posts or files: ordered by time, then by hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeCursor {
    /// The time of the last entry seen.
    pub time: Micros,
    /// Its hash.
    pub hash: ItemHash,
}

impl Cursor for TimeCursor {
    fn encode(&self) -> String {
        pack(|out| {
            out.key("h")
                .text(&self.hash.to_string())
                .key("t")
                .text(&self.time.iso_offset());
        })
    }

    fn decode(text: &str) -> Result<Self, BadCursor> {
        let object = unpack(text)?;
        let hash = ItemHash::parse_lenient(text_of(&object, "h")?).ok_or(BadCursor::Value)?;
        Ok(Self {
            time: time_of(&object, "t")?,
            hash,
        })
    }
}

/// A place among aggregates: ordered by the chosen time, then by key and owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AggregateCursor {
    /// The creation or change of the last entry seen.
    pub time: Micros,
    /// Its key.
    pub key: String,
    /// Its owner.
    pub owner: String,
}

impl Cursor for AggregateCursor {
    fn encode(&self) -> String {
        pack(|out| {
            out.key("k").text(&self.key).key("o").text(&self.owner);
            out.key("t").text(&self.time.iso_offset());
        })
    }

    fn decode(text: &str) -> Result<Self, BadCursor> {
        let object = unpack(text)?;
        let (key, owner) = (
            text_of(&object, "k")?.to_owned(),
            text_of(&object, "o")?.to_owned(),
        );
        Ok(Self {
            time: time_of(&object, "t")?,
            key,
            owner,
        })
    }
}

/// A place among balances, ordered by address and chain, or among credit balances, ordered by
/// address alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressCursor {
    /// The last address seen.
    pub address: String,
    /// Its last chain seen. Other nodes neither write nor read it, and lose the rest of an
    /// address whose chains fall on two pages.
    pub chain: Option<Chain>,
}

impl Cursor for AddressCursor {
    fn encode(&self) -> String {
        pack(|out| {
            out.key("a").text(&self.address);
            if let Some(chain) = self.chain {
                out.key("c").text(chain.as_str());
            }
        })
    }

    fn decode(text: &str) -> Result<Self, BadCursor> {
        let object = unpack(text)?;
        let address = text_of(&object, "a")?.to_owned();
        let chain = match object.get("c") {
            None | Some(Value::Null) => None,
            Some(_) => Some(text_of(&object, "c")?.parse().map_err(|_| BadCursor::Value)?),
        };
        Ok(Self { address, chain })
    }
}

/// A place among the statistics of addresses: ordered by a count, then by address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatsCursor {
    /// The count of the last entry seen.
    pub value: i64,
    /// Its address.
    pub address: String,
}

impl Cursor for StatsCursor {
    fn encode(&self) -> String {
        pack(|out| {
            out.key("a").text(&self.address).key("v").int(self.value);
        })
    }

    fn decode(text: &str) -> Result<Self, BadCursor> {
        let object = unpack(text)?;
        let address = text_of(&object, "a")?.to_owned();
        Ok(Self {
            value: int_of(&object, "v")?,
            address,
        })
    }
}

/// The value of the column that orders credit entries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SortValue {
    /// The column is empty; such entries come last in either direction.
    Null,
    /// A time.
    Time(Micros),
    /// An amount.
    Int(i64),
    /// A text.
    Text(String),
}

/// A place among credit entries: ordered by a chosen column, then by reference and index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreditCursor {
    /// The column.
    pub sort_by: CreditSort,
    /// The direction, or `None` in cursors of older nodes.
    pub sort_order: Option<SortOrder>,
    /// The column of the last entry seen.
    pub value: SortValue,
    /// The message that made it.
    pub credit_ref: String,
    /// Its position in that message.
    pub credit_index: i64,
}

impl Cursor for CreditCursor {
    fn encode(&self) -> String {
        pack(|out| {
            out.key("i").int(self.credit_index);
            if let Some(order) = self.sort_order {
                out.key("o").int(order.sign());
            }
            out.key("r")
                .text(&self.credit_ref)
                .key("s")
                .text(self.sort_by.as_str())
                .key("v");
            match &self.value {
                SortValue::Null => out.null(),
                SortValue::Time(time) => out.text(&time.iso_offset()),
                SortValue::Int(value) => out.int(*value),
                SortValue::Text(text) => out.text(text),
            };
        })
    }

    fn decode(text: &str) -> Result<Self, BadCursor> {
        let object = unpack(text)?;
        // The oldest form has no column and the time under another key.
        let (sort_by, place) = if object.contains_key("s") {
            let sort_by = CreditSort::from_name(text_of(&object, "s")?).ok_or(BadCursor::Value)?;
            (sort_by, "v")
        } else {
            (CreditSort::MessageTimestamp, "t")
        };
        let value = match (object.get(place).ok_or(BadCursor::Fields)?, sort_by) {
            (Value::Null, _) => SortValue::Null,
            (_, CreditSort::MessageTimestamp | CreditSort::ExpirationDate) => {
                SortValue::Time(time_of(&object, place)?)
            }
            (_, CreditSort::Amount) => SortValue::Int(int_of(&object, place)?),
            (_, _) => SortValue::Text(text_of(&object, place)?.to_owned()),
        };
        let sort_order = match object.get("o") {
            None | Some(Value::Null) => None,
            Some(sign) => Some(
                sign.as_i64()
                    .and_then(SortOrder::from_sign)
                    .ok_or(BadCursor::Value)?,
            ),
        };
        let credit_ref = text_of(&object, "r")?.to_owned();
        Ok(Self {
            sort_by,
            sort_order,
            value,
            credit_ref,
            credit_index: int_of(&object, "i")?,
        })
    }
}

fn pack(write: impl FnOnce(&mut Writer)) -> String {
    let mut out = Writer::new().style(Style::Ascii);
    out.begin_object();
    write(&mut out);
    out.end_object();
    URL_SAFE_NO_PAD.encode(out.finish())
}

fn unpack(text: &str) -> Result<Map<String, Value>, BadCursor> {
    if text.len() > MAX_LENGTH {
        return Err(BadCursor::Form);
    }
    let bytes = URL_SAFE_NO_PAD
        .decode(text.trim_end_matches('='))
        .map_err(|_| BadCursor::Form)?;
    match serde_json::from_slice(&bytes) {
        Ok(Value::Object(object)) => Ok(object),
        _ => Err(BadCursor::Form),
    }
}

fn text_of<'a>(object: &'a Map<String, Value>, key: &str) -> Result<&'a str, BadCursor> {
    object
        .get(key)
        .ok_or(BadCursor::Fields)?
        .as_str()
        .ok_or(BadCursor::Value)
}

fn int_of(object: &Map<String, Value>, key: &str) -> Result<i64, BadCursor> {
    object
        .get(key)
        .ok_or(BadCursor::Fields)?
        .as_i64()
        .ok_or(BadCursor::Value)
}

fn time_of(object: &Map<String, Value>, key: &str) -> Result<Micros, BadCursor> {
    Micros::from_iso(text_of(object, key)?).ok_or(BadCursor::Value)
}

#[cfg(test)]
mod tests;
