//! What every content starts with, and the tags.

use serde_json::value::RawValue;

use super::{
    issues::Issues,
    lax,
    read::{self, Object, Unknown, strict},
};

/// Largest content time: the last whole second that 64-bit nanoseconds can express.
const TIME_LIMIT: f64 = 9_223_372_036.0;

/// Owner and time.
pub(super) struct Header {
    /// See [`super::Content::address`].
    pub(super) address: String,
    /// See [`super::Content::time`].
    pub(super) time: f64,
}

/// Reads `address` and `time`, which the key list of `object` must contain.
pub(super) fn header<const N: usize>(object: &mut Object<'_, N>, issues: &mut Issues) -> Option<Header> {
    let address = object.required("address", issues, lax::string);
    let time = object.required("time", issues, |value, issues| {
        let time = lax::float(value, issues)?;
        // Also false for NaN, which a string may spell.
        if (0.0..=TIME_LIMIT).contains(&time) {
            return Some(time);
        }
        issues.refuse("out_of_range", format!("seconds from 0 to {TIME_LIMIT}"))
    });
    Some(Header {
        address: address?,
        time: time?,
    })
}

/// The strings of a list of tags. Whatever else stands there is left out: tags never make a
/// content invalid.
pub(super) fn tags(value: &RawValue, issues: &mut Issues) -> Option<Vec<String>> {
    if !value.get().starts_with('[') {
        strict(value, issues)?;
        return Some(Vec::new());
    }
    let mut tags = Vec::new();
    read::each_item(value, issues, |item, issues| {
        if item.get().starts_with('"') {
            tags.extend(lax::string(item, issues));
        } else {
            strict(item, issues);
        }
    })?;
    Some(tags)
}

/// The tags within a value of any shape.
pub(super) fn tags_within(value: &RawValue, issues: &mut Issues) -> Option<Vec<String>> {
    if !value.get().starts_with('{') {
        strict(value, issues)?;
        return Some(Vec::new());
    }
    let mut object = Object::read(value.get(), &["tags"], Unknown::Ignored, issues)?;
    object.defaulted("tags", Vec::new(), issues, tags)
}
