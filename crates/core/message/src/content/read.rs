//! Splits JSON text into the texts of its parts, without building a tree.
//!
//! Every function here takes text that lies within one content and checks all of it: what is
//! handed out is checked by whoever reads it, what is not handed out is walked by [`strict`].
//! That is why [`Object::finish`] must be called.

use std::{borrow::Cow, collections::HashMap, fmt};

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::issues::{Issues, Step};
use crate::text::Text;

/// Nesting that the JSON readers of this workspace accept, and so the most that a content has.
const DEPTH_LIMIT: usize = 127;

/// Above this many entries, repeated keys are looked up in a map instead of a list.
const SMALL: usize = 16;

/// What an object does with keys that its schema does not name.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Unknown {
    /// They make the content invalid.
    Refused,
    /// They are left out.
    Ignored,
}

/// An object split into the values of the keys that its schema names.
pub(super) struct Object<'a, const N: usize> {
    keys: &'static [&'static str; N],
    values: [Option<&'a RawValue>; N],
}

impl<'a, const N: usize> Object<'a, N> {
    /// Splits `text`. Unknown keys are recorded in `issues` if they are refused, and do not keep
    /// the known ones from being read.
    pub(super) fn read(
        text: &'a str,
        keys: &'static [&'static str; N],
        unknown: Unknown,
        issues: &mut Issues,
    ) -> Option<Self> {
        let mut values: [Option<&'a RawValue>; N] = [None; N];
        each_entry(text, issues, |key, value, issues| {
            match keys.iter().position(|known| *known == key) {
                // The last of several equal keys counts; the others still have to be JSON.
                Some(index) => match values[index].replace(value) {
                    Some(replaced) => strict(replaced, issues),
                    None => Some(()),
                },
                None if unknown == Unknown::Refused => {
                    issues.refuse_key(&key, "extra_forbidden", "this key is not part of the schema");
                    Some(())
                }
                None => strict(value, issues),
            }
        })?;
        Some(Self { keys, values })
    }

    /// The text of a key, if it is there and was not taken yet. Whoever takes it has to check it.
    pub(super) fn take(&mut self, key: &'static str) -> Option<&'a RawValue> {
        let index = self.keys.iter().position(|known| *known == key);
        index.and_then(|index| self.values[index].take())
    }

    /// The value of a key that has to be there.
    pub(super) fn required<T>(
        &mut self,
        key: &'static str,
        issues: &mut Issues,
        read: impl FnOnce(&'a RawValue, &mut Issues) -> Option<T>,
    ) -> Option<T> {
        let value = self.take(key);
        issues.within(Step::Key(key), |issues| match value {
            Some(value) => read(value, issues),
            None => issues.refuse("missing", "field required"),
        })
    }

    /// The value of a key that may be absent or null. The outer `None` is an issue.
    pub(super) fn nullable<T>(
        &mut self,
        key: &'static str,
        issues: &mut Issues,
        read: impl FnOnce(&'a RawValue, &mut Issues) -> Option<T>,
    ) -> Option<Option<T>> {
        match self.take(key) {
            Some(value) if value.get() != "null" => issues
                .within(Step::Key(key), |issues| read(value, issues))
                .map(Some),
            _ => Some(None),
        }
    }

    /// The value of a key that may be absent but not null.
    pub(super) fn defaulted<T>(
        &mut self,
        key: &'static str,
        default: T,
        issues: &mut Issues,
        read: impl FnOnce(&'a RawValue, &mut Issues) -> Option<T>,
    ) -> Option<T> {
        match self.take(key) {
            Some(value) => issues.within(Step::Key(key), |issues| read(value, issues)),
            None => Some(default),
        }
    }

    /// Whether a known key is there and was not taken yet.
    pub(super) fn has(&self, key: &'static str) -> bool {
        let index = self.keys.iter().position(|known| *known == key);
        index.is_some_and(|index| self.values[index].is_some())
    }

    /// Checks the values that nobody took.
    pub(super) fn finish(self, issues: &mut Issues) {
        for value in self.values.into_iter().flatten() {
            strict(value, issues);
        }
    }
}

/// The entries of an object with free keys: each key once, at its first place, with its last
/// value.
pub(super) fn entries<'a>(text: &'a str, issues: &mut Issues) -> Option<Vec<(Cow<'a, str>, &'a RawValue)>> {
    let mut all: Vec<(Cow<'a, str>, &'a RawValue)> = Vec::new();
    each_entry(text, issues, |key, value, _| {
        all.push((key, value));
        Some(())
    })?;
    let mut positions = HashMap::new();
    let by_map = all.len() > SMALL;
    let mut kept: Vec<(Cow<'a, str>, &'a RawValue)> = Vec::with_capacity(all.len());
    for (key, value) in all {
        let earlier = match by_map {
            true => positions.get(&key).copied(),
            false => kept.iter().position(|(known, _)| *known == key),
        };
        match earlier {
            Some(position) => strict(std::mem::replace(&mut kept[position].1, value), issues)?,
            None => {
                if by_map {
                    positions.insert(key.clone(), kept.len());
                }
                kept.push((key, value));
            }
        }
    }
    Some(kept)
}

/// Reads the items of a list of at most `limit`.
pub(super) fn list<'a, T>(
    value: &'a RawValue,
    limit: usize,
    issues: &mut Issues,
    mut read: impl FnMut(&'a RawValue, &mut Issues) -> Option<T>,
) -> Option<Vec<T>> {
    let (mut items, mut count) = (Vec::new(), 0);
    each_item(value, issues, |item, issues| {
        if count < limit
            && let Some(item) = issues.within(Step::Index(count), |issues| read(item, issues))
        {
            items.push(item);
        }
        count += 1;
    })?;
    if count > limit {
        return issues.refuse(
            "too_long",
            format!("a list of at most {limit} items, not {count}"),
        );
    }
    (items.len() == count).then_some(items)
}

/// Calls `each` for the items of a list.
pub(super) fn each_item<'a>(
    value: &'a RawValue,
    issues: &mut Issues,
    mut each: impl FnMut(&'a RawValue, &mut Issues),
) -> Option<()> {
    if !value.get().starts_with('[') {
        return issues.refuse("list_type", "a list is expected");
    }
    let mut reader = serde_json::Deserializer::from_str(value.get());
    match reader.deserialize_seq(Items(|item| each(item, &mut *issues))) {
        Ok(()) => Some(()),
        Err(error) => issues.refuse_json(&error),
    }
}

/// Calls `each` for the entries of an object until it answers `None`.
fn each_entry<'a>(
    text: &'a str,
    issues: &mut Issues,
    mut each: impl FnMut(Cow<'a, str>, &'a RawValue, &mut Issues) -> Option<()>,
) -> Option<()> {
    let text = text.trim_start_matches([' ', '\t', '\n', '\r']);
    if !text.starts_with('{') {
        return match serde_json::from_str::<Strict>(text) {
            Ok(Strict) => issues.refuse("dict_type", "an object is expected"),
            Err(error) => issues.refuse_json(&error),
        };
    }
    let mut reader = serde_json::Deserializer::from_str(text);
    let mut completed = Some(());
    let visitor = Entries(|key, value| {
        if completed.is_some() {
            completed = each(key, value, &mut *issues);
        }
    });
    match reader.deserialize_map(visitor).and_then(|()| reader.end()) {
        Ok(()) => completed,
        Err(error) => issues.refuse_json(&error),
    }
}

/// Checks a value of which nothing else is known: no lone surrogates, no number beyond a float.
pub(super) fn strict(value: &RawValue, issues: &mut Issues) -> Option<()> {
    let text = value.get();
    // Splitting has already checked the grammar. What is left to check is in escapes and numbers.
    let settled = match text.as_bytes().first() {
        Some(b't' | b'f' | b'n') => true,
        Some(b'"') => !text.as_bytes().contains(&b'\\'),
        _ => false,
    };
    if settled {
        return Some(());
    }
    match serde_json::from_str::<Strict>(text) {
        Ok(Strict) => Some(()),
        Err(error) => issues.refuse_json(&error),
    }
}

/// Checks that a whole content is not nested too deeply.
///
/// Reading part by part starts the reader's own count anew in each part, hence this. Texts with
/// few brackets, nearly all, are settled by counting them.
pub(super) fn check_depth(text: &str, issues: &mut Issues) -> Option<()> {
    let brackets = text
        .bytes()
        .map(|byte| usize::from(byte | 0x20 == b'{'))
        .sum::<usize>();
    if brackets <= DEPTH_LIMIT {
        return Some(());
    }
    match serde_json::from_str::<Strict>(text) {
        Ok(Strict) => Some(()),
        Err(error) => issues.refuse_json(&error),
    }
}

/// Any JSON value, visited in full and forgotten. Unlike `IgnoredAny` it decodes the strings and
/// numbers, and counts the nesting.
struct Strict;

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Strict)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Strict;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_bool<E: de::Error>(self, _: bool) -> Result<Strict, E> {
        Ok(Strict)
    }

    fn visit_i64<E: de::Error>(self, _: i64) -> Result<Strict, E> {
        Ok(Strict)
    }

    fn visit_u64<E: de::Error>(self, _: u64) -> Result<Strict, E> {
        Ok(Strict)
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<Strict, E> {
        Ok(Strict)
    }

    fn visit_str<E: de::Error>(self, _: &str) -> Result<Strict, E> {
        Ok(Strict)
    }

    fn visit_unit<E: de::Error>(self) -> Result<Strict, E> {
        Ok(Strict)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Strict, A::Error> {
        while items.next_element::<Strict>()?.is_some() {}
        Ok(Strict)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Strict, A::Error> {
        while entries.next_entry::<Strict, Strict>()?.is_some() {}
        Ok(Strict)
    }
}

/// Visits the entries of an object.
struct Entries<F>(F);

impl<'de, F: FnMut(Cow<'de, str>, &'de RawValue)> Visitor<'de> for Entries<F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut entries: A) -> Result<(), A::Error> {
        while let Some((Text(key), value)) = entries.next_entry::<Text<'de>, &'de RawValue>()? {
            (self.0)(key, value);
        }
        Ok(())
    }
}

/// Visits the items of a list.
struct Items<F>(F);

impl<'de, F: FnMut(&'de RawValue)> Visitor<'de> for Items<F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<(), A::Error> {
        while let Some(item) = items.next_element::<&'de RawValue>()? {
            (self.0)(item);
        }
        Ok(())
    }
}
