//! Writing JSON the way the network's clients read it.
//!
//! Answers are written by hand into one buffer instead of through a tree: a list of messages
//! consists mostly of texts that the store already holds as JSON, and those are copied as they
//! are ([`Writer::raw`]).
//!
//! Two dialects exist on the wire and differ in more than white space. The [`Style::Compact`] one
//! leaves text as UTF-8 and prints `1e-5` as `0.00001`; the [`Style::Spaced`] one escapes
//! everything outside ASCII and prints `1e-05`. Instants are floats of seconds in both.
//!
//! [`canonical()`] is the third task: it gives uploaded JSON the form under which all nodes hash it.

mod canonical;
mod number;
mod text;

use alephd_message::Micros;

pub use canonical::{CanonicalError, canonical};
pub use number::{push_float, push_seconds};
pub use text::push_text;

/// A dialect of JSON.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Style {
    /// No white space, text as UTF-8.
    #[default]
    Compact,
    /// A space after commas and colons, only ASCII.
    Spaced,
    /// As [`Style::Spaced`], but without the white space.
    Ascii,
}

impl Style {
    fn comma(self) -> &'static str {
        if self == Self::Spaced { ", " } else { "," }
    }

    fn colon(self) -> &'static str {
        if self == Self::Spaced { ": " } else { ":" }
    }
}

/// Builds one JSON document in a buffer.
///
/// Commas are put by looking at the last byte written: only `{`, `[`, a colon (with its space) and
/// the start of the document can stand before a value without one. The caller is responsible for the grammar
/// otherwise; nothing is checked.
#[derive(Clone, Debug, Default)]
pub struct Writer {
    out: String,
    style: Style,
}

impl Writer {
    /// An empty document in the compact dialect.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty document with room for `bytes`.
    pub fn with_capacity(bytes: usize) -> Self {
        Self {
            out: String::with_capacity(bytes),
            style: Style::Compact,
        }
    }

    /// Chooses the dialect. Meant to be called before anything is written.
    #[must_use]
    pub fn style(mut self, style: Style) -> Self {
        self.style = style;
        self
    }

    /// The document.
    pub fn finish(self) -> String {
        self.out
    }

    /// Length of the document so far, in bytes.
    pub fn len(&self) -> usize {
        self.out.len()
    }

    /// Whether nothing was written yet.
    pub fn is_empty(&self) -> bool {
        self.out.is_empty()
    }

    fn separate(&mut self) {
        match self.out.as_bytes().last() {
            None | Some(b'{' | b'[') => {}
            // Between a key and its value, where the spaced dialect has a space already.
            Some(b':' | b' ') => {}
            Some(_) => self.out.push_str(self.style.comma()),
        }
    }

    /// Opens an object.
    pub fn begin_object(&mut self) -> &mut Self {
        self.separate();
        self.out.push('{');
        self
    }

    /// Closes the innermost object.
    pub fn end_object(&mut self) -> &mut Self {
        self.out.push('}');
        self
    }

    /// Opens an array.
    pub fn begin_array(&mut self) -> &mut Self {
        self.separate();
        self.out.push('[');
        self
    }

    /// Closes the innermost array.
    pub fn end_array(&mut self) -> &mut Self {
        self.out.push(']');
        self
    }

    /// Writes the key of the next value.
    pub fn key(&mut self, key: &str) -> &mut Self {
        self.separate();
        push_text(&mut self.out, key, self.style);
        self.out.push_str(self.style.colon());
        self
    }

    /// Writes a text.
    pub fn text(&mut self, text: &str) -> &mut Self {
        self.separate();
        push_text(&mut self.out, text, self.style);
        self
    }

    /// Writes a text or `null`.
    pub fn text_or_null(&mut self, text: Option<&str>) -> &mut Self {
        match text {
            Some(text) => self.text(text),
            None => self.null(),
        }
    }

    /// Writes an array of texts.
    pub fn texts<T: AsRef<str>>(&mut self, texts: impl IntoIterator<Item = T>) -> &mut Self {
        self.begin_array();
        for text in texts {
            self.text(text.as_ref());
        }
        self.end_array()
    }

    /// Writes an integer.
    pub fn int(&mut self, value: impl Into<i128>) -> &mut Self {
        use std::fmt::Write as _;
        self.separate();
        // Writing to a String cannot fail.
        let _ = write!(self.out, "{}", value.into());
        self
    }

    /// Writes a float.
    pub fn float(&mut self, value: f64) -> &mut Self {
        self.separate();
        push_float(&mut self.out, value, self.style);
        self
    }

    /// Writes an instant as float seconds.
    pub fn seconds(&mut self, time: Micros) -> &mut Self {
        self.separate();
        push_seconds(&mut self.out, time, self.style);
        self
    }

    /// Writes an instant as float seconds, or `null`.
    pub fn seconds_or_null(&mut self, time: Option<Micros>) -> &mut Self {
        match time {
            Some(time) => self.seconds(time),
            None => self.null(),
        }
    }

    /// Writes a boolean.
    pub fn bool(&mut self, value: bool) -> &mut Self {
        self.raw(if value { "true" } else { "false" })
    }

    /// Writes `null`.
    pub fn null(&mut self) -> &mut Self {
        self.raw("null")
    }

    /// Copies a value that already is JSON.
    pub fn raw(&mut self, json: &str) -> &mut Self {
        self.separate();
        self.out.push_str(json);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(style: Style) -> String {
        let mut out = Writer::new().style(style);
        out.begin_object().key("messages").begin_array();
        out.begin_object()
            .key("a:")
            .text("{[:")
            .key("size")
            .int(19_u32)
            .end_object();
        out.raw(r#"{"b":null}"#).begin_array().end_array().end_array();
        out.key("names")
            .texts(["é", "x"])
            .key("at")
            .seconds(Micros(1_700_000_000_250_000));
        out.key("none")
            .text_or_null(None)
            .key("never")
            .seconds_or_null(None)
            .key("ok")
            .bool(true);
        out.key("f").float(1e-5).end_object();
        out.finish()
    }

    #[test]
    fn commas_and_dialects() {
        assert_eq!(
            sample(Style::Compact),
            r#"{"messages":[{"a:":"{[:","size":19},{"b":null},[]],"names":["é","x"],"at":1700000000.25,"none":null,"never":null,"ok":true,"f":0.00001}"#
        );
        assert_eq!(
            sample(Style::Spaced),
            r#"{"messages": [{"a:": "{[:", "size": 19}, {"b":null}, []], "names": ["\u00e9", "x"], "at": 1700000000.25, "none": null, "never": null, "ok": true, "f": 1e-05}"#
        );
    }
}
