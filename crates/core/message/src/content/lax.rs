//! Reads single values with the conversions that the network applies.
//!
//! Numbers may be written as strings, integers as floats without a fraction, booleans as one of
//! a few words or as 0 and 1. Strings may not be written as anything else.

use std::{borrow::Cow, ops::RangeInclusive, str::FromStr};

use serde_json::{Number, value::RawValue};

use super::issues::Issues;
use crate::{ItemHash, text::Text};

/// Digits and sign of an integer in a string, without leading zeros.
const DIGITS_LIMIT: usize = 4_300;

/// A string.
pub(super) fn text<'a>(value: &'a RawValue, issues: &mut Issues) -> Option<Cow<'a, str>> {
    let json = value.get();
    let Some(inner) = json.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else {
        return issues.refuse("string_type", "a string is expected");
    };
    // Most strings have no escapes, and then the text between the quotes is the string.
    if !inner.as_bytes().contains(&b'\\') {
        return Some(Cow::Borrowed(inner));
    }
    match serde_json::from_str::<Text<'a>>(json) {
        Ok(Text(text)) => Some(text),
        Err(error) => issues.refuse_json(&error),
    }
}

/// A string, copied.
pub(super) fn string(value: &RawValue, issues: &mut Issues) -> Option<String> {
    text(value, issues).map(Cow::into_owned)
}

/// A string of at most `limit` characters.
pub(super) fn string_up_to(value: &RawValue, limit: usize, issues: &mut Issues) -> Option<String> {
    let text = text(value, issues)?;
    if is_longer(&text, limit) {
        return issues.refuse("string_too_long", format!("at most {limit} characters"));
    }
    Some(text.into_owned())
}

/// Whether a text has more than `limit` characters.
pub(super) fn is_longer(text: &str, limit: usize) -> bool {
    // The count of bytes is an upper bound, and free.
    text.len() > limit && text.chars().count() > limit
}

/// A string of lower-case hexadecimal digits.
pub(super) fn lower_hex(value: &RawValue, length: usize, issues: &mut Issues) -> Option<()> {
    let text = text(value, issues)?;
    let digits = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if text.len() == length && digits {
        return Some(());
    }
    issues.refuse(
        "string_pattern_mismatch",
        format!("{length} lower-case hexadecimal digits"),
    )
}

/// An item hash of the strict shape.
pub(super) fn item_hash(value: &RawValue, issues: &mut Issues) -> Option<ItemHash> {
    let text = text(value, issues)?;
    match ItemHash::parse_strict(&text) {
        Some(hash) => Some(hash),
        None => issues.refuse("value_error", "neither a SHA-256 nor a CID"),
    }
}

/// A word of one of the closed vocabularies.
pub(super) fn word<T: FromStr>(value: &RawValue, issues: &mut Issues) -> Option<T> {
    let text = text(value, issues)?;
    match text.parse() {
        Ok(word) => Some(word),
        Err(_) => issues.refuse("enum", "not one of the values that are defined here"),
    }
}

/// One of a few words that the schema lists.
pub(super) fn one_of(
    value: &RawValue,
    words: &'static [&'static str],
    issues: &mut Issues,
) -> Option<&'static str> {
    let text = text(value, issues)?;
    match words.iter().find(|word| **word == text) {
        Some(word) => Some(word),
        None => issues.refuse("literal_error", format!("one of: {}", words.join(", "))),
    }
}

/// A float. A string may give infinity or NaN, so callers must set bounds.
pub(super) fn float(value: &RawValue, issues: &mut Issues) -> Option<f64> {
    let number = match value.get().as_bytes().first() {
        Some(b'"') => float_in_text(&text(value, issues)?),
        Some(b't') => Some(1.0),
        Some(b'f') => Some(0.0),
        Some(b'-' | b'0'..=b'9') => return json_number(value, issues)?.as_f64(),
        _ => None,
    };
    match number {
        Some(number) => Some(number),
        None => issues.refuse("float_type", "a number is expected"),
    }
}

/// An integer. What a wider integer would hold is given as the nearest bound.
pub(super) fn integer(value: &RawValue, issues: &mut Issues) -> Option<i128> {
    let number = match value.get().as_bytes().first() {
        Some(b'"') => integer_in_text(&text(value, issues)?),
        Some(b't') => Some(1),
        Some(b'f') => Some(0),
        Some(b'-' | b'0'..=b'9') => {
            let number = json_number(value, issues)?;
            number
                .as_i128()
                .or_else(|| number.as_f64().and_then(integer_in_float))
        }
        _ => None,
    };
    match number {
        Some(number) => Some(number),
        None => issues.refuse("int_type", "an integer is expected"),
    }
}

/// An integer within a range.
pub(super) fn integer_in(value: &RawValue, range: RangeInclusive<i128>, issues: &mut Issues) -> Option<i128> {
    let number = integer(value, issues)?;
    in_range(number, range, issues)
}

/// An integer within a range, where no conversion is applied.
pub(super) fn strict_integer_in(
    value: &RawValue,
    range: RangeInclusive<i128>,
    issues: &mut Issues,
) -> Option<i128> {
    let number = match value.get().as_bytes().first() {
        Some(b'-' | b'0'..=b'9') => json_number(value, issues)?.as_i128(),
        _ => None,
    };
    match number {
        Some(number) => in_range(number, range, issues),
        None => issues.refuse("int_type", "an integer is expected, not a string or a float"),
    }
}

/// A boolean.
pub(super) fn boolean(value: &RawValue, issues: &mut Issues) -> Option<bool> {
    const TRUE: [&str; 6] = ["1", "on", "t", "true", "y", "yes"];
    const FALSE: [&str; 6] = ["0", "off", "f", "false", "n", "no"];
    let found = match value.get().as_bytes().first() {
        Some(b't') => Some(true),
        Some(b'f') => Some(false),
        Some(b'"') => {
            let text = text(value, issues)?;
            let is = |word: &&str| text.eq_ignore_ascii_case(word);
            match (TRUE.iter().any(is), FALSE.iter().any(is)) {
                (true, _) => Some(true),
                (_, true) => Some(false),
                _ => None,
            }
        }
        Some(b'-' | b'0'..=b'9') => match json_number(value, issues)?.as_f64() {
            Some(1.0) => Some(true),
            Some(0.0) => Some(false),
            _ => None,
        },
        _ => None,
    };
    match found {
        Some(found) => Some(found),
        None => issues.refuse("bool_type", "true or false is expected"),
    }
}

fn json_number(value: &RawValue, issues: &mut Issues) -> Option<Number> {
    match serde_json::from_str(value.get()) {
        Ok(number) => Some(number),
        Err(error) => issues.refuse_json(&error),
    }
}

fn in_range(number: i128, range: RangeInclusive<i128>, issues: &mut Issues) -> Option<i128> {
    if range.contains(&number) {
        return Some(number);
    }
    issues.refuse(
        "out_of_range",
        format!("an integer from {} to {}", range.start(), range.end()),
    )
}

/// A float without fraction, of a magnitude below two to the 63rd.
fn integer_in_float(number: f64) -> Option<i128> {
    let fits = number.abs() < 9_223_372_036_854_775_808.0;
    (fits && number.fract() == 0.0).then_some(number as i128)
}

/// A float in a string: white space around it or underscores within it, but not both.
fn float_in_text(text: &str) -> Option<f64> {
    match text.trim().parse() {
        Ok(number) => Some(number),
        Err(_) => without_underscores(text)?.parse().ok(),
    }
}

/// Single underscores between other characters are left out; others are not allowed.
fn without_underscores(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains('_') {
        return Some(Cow::Borrowed(text));
    }
    let misplaced = text.starts_with('_') || text.ends_with('_') || text.contains("__");
    (!misplaced).then(|| Cow::Owned(text.replace('_', "")))
}

/// An integer in a string: digits with a sign, underscores between them, and a fraction of zeros.
///
/// The network drops leading zeros, and any underscores among them, before it looks at the sign
/// for good. So `00__5` is an integer, as is `0-5`, and both have to be here.
fn integer_in_text(text: &str) -> Option<i128> {
    let text = text.trim();
    let (negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let text = without_leading_zeros(text)?;
    let whole = match text.split_once('.') {
        Some((whole, zeros)) if !zeros.is_empty() && zeros.bytes().all(|byte| byte == b'0') => whole,
        Some(_) => return None,
        None => text,
    };
    let whole = without_underscores(whole)?;
    let (late_sign, digits) = match whole.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, whole.as_ref()),
    };
    let is_plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let is_misplaced = late_sign && (negative || digits.len() > 1 && digits.starts_with('0'));
    let length = digits.len() + usize::from(negative || late_sign);
    if !is_plain || is_misplaced || length > DIGITS_LIMIT {
        return None;
    }
    let magnitude = digits.parse().unwrap_or(i128::MAX);
    Some(if negative || late_sign {
        -magnitude
    } else {
        magnitude
    })
}

/// Drops the leading zeros and the underscores among them, but for a last zero.
fn without_leading_zeros(text: &str) -> Option<&str> {
    if !text.starts_with('0') {
        return (!text.starts_with(['-', '+'])).then_some(text);
    }
    let rest = text.trim_start_matches(['0', '_']);
    let dropped = &text[..text.len() - rest.len()];
    match rest.chars().next() {
        Some('1'..='9' | '-') => Some(rest),
        None | Some('.') if dropped.ends_with('0') => Some(&text[dropped.len() - 1..]),
        _ => None,
    }
}
