//! Fills in what a content fetched as a file may leave to its envelope.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::{
    issues::Issues,
    read::{Object, Unknown},
};
use crate::Micros;

/// The text with `address` and `time` in it, borrowed when both were there.
///
/// An absent key is appended, a null is replaced where it stands; the rest of the text stays as
/// it is. `None` when the text is not an object, which is recorded.
pub(super) fn filled<'a>(
    text: &'a str,
    sender: &str,
    envelope_time: Micros,
    issues: &mut Issues,
) -> Option<Cow<'a, str>> {
    let mut filled = Cow::Borrowed(text);
    let address = serde_json::to_string(sender).unwrap_or_default();
    let time = serde_json::to_string(&envelope_time.as_seconds()).unwrap_or_default();
    for (key, value) in [("address", address), ("time", time)] {
        if let Some(text) = with_default(&filled, key, &value, issues)? {
            filled = Cow::Owned(text);
        }
    }
    Some(filled)
}

/// The text with one key filled in, or `Some(None)` if that is not needed.
fn with_default(text: &str, key: &'static str, value: &str, issues: &mut Issues) -> Option<Option<String>> {
    let mut object = Object::read(text, &["address", "time"], Unknown::Ignored, issues)?;
    Some(match object.take(key).map(RawValue::get) {
        Some(null) if null == "null" => {
            // The value is a part of the text, so the distance of the two is its place there.
            let start = null.as_ptr() as usize - text.as_ptr() as usize;
            Some(format!(
                "{}{value}{}",
                &text[..start],
                &text[start + null.len()..]
            ))
        }
        Some(_) => None,
        None => {
            // Nothing but white space follows the brace that closes the object.
            let (entries, rest) = text.split_at(text.rfind('}')?);
            let comma = if entries.trim_end().ends_with('{') {
                ""
            } else {
                ","
            };
            Some(format!("{entries}{comma}\"{key}\":{value}{rest}"))
        }
    })
}
