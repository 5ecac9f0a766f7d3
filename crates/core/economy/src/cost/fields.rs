//! Reads again, from the text of a content that is known to be valid, what [`Content`] leaves out.
//!
//! Since the text has the shape, the bounds and the words of its type, the conversions here are
//! simpler than those that decide about validity: they only have to give the same value.
//!
//! [`Content`]: alephd_message::Content

use std::collections::HashMap;

use serde_json::value::RawValue;

use super::CostError;

/// One level of an object: the last of equal keys counts, a null is as good as nothing.
#[derive(Default)]
pub(super) struct Fields<'a>(HashMap<String, &'a RawValue>);

impl<'a> Fields<'a> {
    pub(super) fn read(text: &'a str) -> Result<Self, CostError> {
        let mut fields: HashMap<_, &RawValue> = json(text)?;
        fields.retain(|_, value| value.get() != "null");
        Ok(Self(fields))
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.0.contains_key(key)
    }

    /// The object under a key, empty if there is none.
    pub(super) fn object(&self, key: &str) -> Result<Fields<'a>, CostError> {
        let value = self.0.get(key);
        value.map_or(Ok(Fields::default()), |value| Fields::read(value.get()))
    }

    /// The objects of a list, none if there is no list.
    pub(super) fn objects(&self, key: &str) -> Result<Vec<Fields<'a>>, CostError> {
        let Some(value) = self.0.get(key) else {
            return Ok(Vec::new());
        };
        let items: Vec<&RawValue> = json(value.get())?;
        items.into_iter().map(|item| Fields::read(item.get())).collect()
    }

    pub(super) fn text(&self, key: &str) -> Result<Option<String>, CostError> {
        self.0.get(key).map(|value| json(value.get())).transpose()
    }

    /// A positive integer, which may be written as a string or as a float without a fraction.
    pub(super) fn integer(&self, key: &str) -> Result<Option<u64>, CostError> {
        let Some(value) = self.0.get(key).map(|value| value.get()) else {
            return Ok(None);
        };
        let number = match value.as_bytes().first() {
            Some(b't') => Some(1),
            Some(b'"') => {
                let text: String = json(value)?;
                let digits = text.trim().trim_start_matches('+').replace('_', "");
                let whole = digits.split_once('.').map_or(&*digits, |(whole, _)| whole);
                whole.parse().ok()
            }
            _ => value.parse().ok().or_else(|| {
                let double: f64 = value.parse().ok()?;
                (double.fract() == 0.0 && (0.0..1e15).contains(&double)).then_some(double as u64)
            }),
        };
        number.map(Some).ok_or(CostError::Unreadable)
    }

    /// A boolean, which may be written as a number or as one of a few words.
    pub(super) fn boolean(&self, key: &str) -> Result<bool, CostError> {
        const TRUE: [&str; 6] = ["1", "on", "t", "true", "y", "yes"];
        let Some(value) = self.0.get(key).map(|value| value.get()) else {
            return Ok(false);
        };
        match value.as_bytes().first() {
            Some(b'"') => {
                let text: String = json(value)?;
                Ok(TRUE.iter().any(|word| text.eq_ignore_ascii_case(word)))
            }
            Some(b't') => Ok(true),
            Some(b'f') => Ok(false),
            _ => Ok(value.parse().is_ok_and(|number: f64| number == 1.0)),
        }
    }
}

fn json<'a, T: serde::Deserialize<'a>>(text: &'a str) -> Result<T, CostError> {
    serde_json::from_str(text).map_err(|_| CostError::Unreadable)
}
