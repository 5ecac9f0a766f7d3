//! One form for all spellings of a JSON value.
//!
//! A node that is given JSON to keep re-writes it before hashing, so that the name does not depend
//! on white space or the order of keys. The form is that of the reference, byte for byte: keys
//! sorted by their UTF-8, no white space, floats as [`super::push_float`] prints them. A document
//! that holds an integer beyond 64 bits takes the spaced dialect as a whole, because the
//! reference's fast encoder refuses such integers and a slower one steps in. Members that a repeated
//! key replaces are dropped before that is decided.
//!
//! The document is rewritten in one pass without building a tree. An object is written in its own
//! order and its members are moved into place when it closes; memory is the output plus one entry
//! for each member of the objects that are still open.

use std::borrow::Cow;

use serde::de::IgnoredAny;

use super::{Style, push_float, push_text};

/// Longest integer that the reference reads.
const MAX_DIGITS: usize = 4300;
/// Deepest nesting; the same as that of the reference's fast encoder. It bounds the recursion.
const MAX_DEPTH: usize = 254;

/// Bytes that have no canonical form.
#[derive(Debug, thiserror::Error)]
pub enum CanonicalError {
    /// Not JSON, or not UTF-8.
    #[error("not a JSON document")]
    Syntax(#[source] serde_json::Error),
    /// Arrays and objects nested deeper than 254 levels.
    #[error("nested too deeply")]
    TooDeep,
    /// An integer of more than 4300 digits.
    #[error("integer too long")]
    IntegerTooLong,
}

/// Re-writes a JSON document in the form under which it is hashed.
///
/// Of repeated keys the last one is kept. Unpaired surrogates in strings are refused; the
/// reference would keep them, but they are no text.
pub fn canonical(input: &[u8]) -> Result<String, CanonicalError> {
    // The pass below relies on the grammar and only has to interpret it.
    serde_json::from_slice::<IgnoredAny>(input).map_err(CanonicalError::Syntax)?;
    let text = std::str::from_utf8(input)
        .map_err(|error| CanonicalError::Syntax(serde::de::Error::custom(error)))?;
    let pass = |style| Pass {
        rest: text.trim_ascii(),
        out: String::with_capacity(text.len()),
        style,
        depth: 0,
    };
    let mut first = pass(Style::Compact);
    if first.value()? {
        return Ok(first.out);
    }
    drop(first);
    let mut second = pass(Style::Spaced);
    second.value()?;
    Ok(second.out)
}

/// Whether what was written fits the dialect: `false` asks for a second pass in the other one. What
/// a repeated key replaces is never written by the reference, so it does not count.
type Fits = bool;

/// A member of an object that is being written.
struct Member<'a> {
    key: Cow<'a, str>,
    start: usize,
    end: usize,
    fits: Fits,
}

/// The rest of a document whose syntax is known to be right, and what was written of it.
struct Pass<'a> {
    rest: &'a str,
    out: String,
    style: Style,
    depth: usize,
}

impl<'a> Pass<'a> {
    fn value(&mut self) -> Result<Fits, CanonicalError> {
        match self.rest.as_bytes().first() {
            Some(b'{') => self.nested(Self::object),
            Some(b'[') => self.nested(Self::array),
            Some(b'"') => {
                let text = self.string()?;
                push_text(&mut self.out, &text, self.style);
                Ok(true)
            }
            _ => self.scalar(),
        }
    }

    fn nested(
        &mut self,
        write: fn(&mut Self) -> Result<Fits, CanonicalError>,
    ) -> Result<Fits, CanonicalError> {
        if self.depth == MAX_DEPTH {
            return Err(CanonicalError::TooDeep);
        }
        self.depth += 1;
        let fits = write(self)?;
        self.depth -= 1;
        Ok(fits)
    }

    /// Skips one byte of syntax and the white space after it.
    fn skip(&mut self) {
        self.rest = self.rest.get(1..).unwrap_or_default().trim_ascii_start();
    }

    fn at(&self, byte: u8) -> bool {
        self.rest.as_bytes().first() == Some(&byte)
    }

    fn string(&mut self) -> Result<Cow<'a, str>, CanonicalError> {
        let mut escaped = false;
        let end = self.rest.bytes().skip(1).position(|byte| {
            let closes = byte == b'"' && !escaped;
            escaped = byte == b'\\' && !escaped;
            closes
        });
        let (token, rest) = self.rest.split_at(end.map_or(self.rest.len(), |end| end + 2));
        self.rest = rest.trim_ascii_start();
        if token.contains('\\') {
            return serde_json::from_str(token)
                .map(Cow::Owned)
                .map_err(CanonicalError::Syntax);
        }
        Ok(Cow::Borrowed(token.trim_matches('"')))
    }

    fn scalar(&mut self) -> Result<Fits, CanonicalError> {
        let end = self
            .rest
            .find([',', ']', '}', ' ', '\t', '\n', '\r'])
            .unwrap_or(self.rest.len());
        let (token, rest) = self.rest.split_at(end);
        self.rest = rest.trim_ascii_start();
        let numeric = token.starts_with(|first: char| first == '-' || first.is_ascii_digit());
        if !numeric {
            self.out.push_str(token);
        } else if token.contains(['.', 'e', 'E']) {
            // A number of the right form always parses; beyond the range it is an infinity.
            push_float(&mut self.out, token.parse().unwrap_or(f64::INFINITY), self.style);
        } else if token == "-0" {
            self.out.push('0');
        } else if token.len() > MAX_DIGITS {
            return Err(CanonicalError::IntegerTooLong);
        } else {
            self.out.push_str(token);
            return Ok(token.parse::<i64>().is_ok() || token.parse::<u64>().is_ok());
        }
        Ok(true)
    }

    fn array(&mut self) -> Result<Fits, CanonicalError> {
        self.out.push('[');
        self.skip();
        let (mut first, mut fits) = (true, true);
        while !self.at(b']') && !self.rest.is_empty() {
            if !first {
                self.skip();
                self.out.push_str(self.style.comma());
            }
            first = false;
            fits &= self.value()?;
        }
        self.skip();
        self.out.push(']');
        Ok(fits)
    }

    fn object(&mut self) -> Result<Fits, CanonicalError> {
        self.out.push('{');
        self.skip();
        let content = self.out.len();
        let mut members: Vec<Member<'a>> = Vec::new();
        while !self.at(b'}') && !self.rest.is_empty() {
            if !members.is_empty() {
                self.skip();
                self.out.push_str(self.style.comma());
            }
            let start = self.out.len();
            let key = self.string()?;
            push_text(&mut self.out, &key, self.style);
            self.out.push_str(self.style.colon());
            self.skip();
            let fits = self.value()?;
            members.push(Member {
                key,
                start,
                end: self.out.len(),
                fits,
            });
        }
        self.skip();
        let fits = if members.is_sorted_by(|a, b| a.key < b.key) {
            members.iter().all(|member| member.fits)
        } else {
            self.arrange(members, content)
        };
        self.out.push('}');
        Ok(fits)
    }

    /// Puts the members written from `content` on into the order of their keys.
    fn arrange(&mut self, mut members: Vec<Member<'a>>, content: usize) -> Fits {
        // The sort is stable: of equal keys the last one written comes last.
        members.sort_by(|a, b| a.key.cmp(&b.key));
        let written = self.out.split_off(content);
        let mut fits = true;
        for (index, member) in members.iter().enumerate() {
            if members.get(index + 1).is_some_and(|next| next.key == member.key) {
                continue;
            }
            fits &= member.fits;
            if self.out.len() > content {
                self.out.push_str(self.style.comma());
            }
            self.out
                .push_str(&written[member.start - content..member.end - content]);
        }
        fits
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;
    use sha2::{Digest as _, Sha256};

    use super::*;

    fn form(input: &str) -> String {
        canonical(input.as_bytes()).expect(input)
    }

    #[test]
    fn the_hash_that_the_reference_returns() {
        let text = form(r#"{"last_name": "Son", "first name": "Jay"}"#);
        assert_eq!(text, r#"{"first name":"Jay","last_name":"Son"}"#);
        let digest: String = Sha256::digest(&text)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        assert_eq!(
            digest,
            "b7c7b2db0bcec890b8c859b2b76e7c998de15e31ccc945bc7425c4bdc091a0b2"
        );
    }

    #[test]
    fn compact_goldens() {
        for (input, output) in [
            (" 1 ", "1"),
            ("-0", "0"),
            ("-0.0", "-0.0"),
            ("1E5", "100000.0"),
            ("1e400", "null"),
            ("[ ]", "[]"),
            ("{ }", "{}"),
            ("\"a\\u00e9\\/\\u0001\"", "\"aé/\\u0001\""),
            (
                "[1e16, 1e-5, 1e-7, 1.0, true ,null]",
                "[1e+16,0.00001,1e-7,1.0,true,null]",
            ),
            (
                r#"{"b":{"d":1,"c":[{"z":0,"y":0}]},"a":2}"#,
                r#"{"a":2,"b":{"c":[{"y":0,"z":0}],"d":1}}"#,
            ),
            (r#"{"a":1,"b":2,"a":3}"#, r#"{"a":3,"b":2}"#),
            (r#"{"a":1,"a":2}"#, r#"{"a":2}"#),
            // By UTF-8, which is not the order of UTF-16 units, nor that of the escaped texts.
            (
                "{\"😀\":3,\"\u{ffff}\":4,\"é\":1,\"z\":2}",
                "{\"z\":2,\"é\":1,\"\u{ffff}\":4,\"😀\":3}",
            ),
            (
                r#"{"\\":1,"!":2,"\n":3,"\"":4}"#,
                r#"{"\n":3,"!":2,"\"":4,"\\":1}"#,
            ),
            (
                "[18446744073709551615,-9223372036854775808]",
                "[18446744073709551615,-9223372036854775808]",
            ),
        ] {
            assert_eq!(form(input), output, "{input}");
        }
    }

    #[test]
    fn large_integers_switch_the_dialect() {
        assert_eq!(
            form(r#"{"é":[1e-5,2],"d":"\u007f","a":18446744073709551616}"#),
            r#"{"a": 18446744073709551616, "d": "\u007f", "\u00e9": [1e-05, 2]}"#
        );
        assert_eq!(form("-9223372036854775809"), "-9223372036854775809");
    }

    #[test]
    fn large_integers_that_a_later_member_replaces_do_not() {
        let large = "18446744073709551616";
        for (input, output) in [
            (
                format!(r#"[{{"a":{large},"a":7}},8]"#),
                "[{\"a\":7},8]".to_owned(),
            ),
            (
                format!(r#"{{"a":[[{large}]],"b":1,"a":7}}"#),
                r#"{"a":7,"b":1}"#.to_owned(),
            ),
            (
                format!(r#"{{"a":7,"a":{large},"b":1}}"#),
                format!(r#"{{"a": {large}, "b": 1}}"#),
            ),
        ] {
            assert_eq!(form(&input), output, "{input}");
        }
    }

    #[test]
    fn refusals() {
        for input in ["", "{", "NaN", "[1,]", "\u{feff}1", "\"\\ud800\"", "1 2"] {
            assert!(
                matches!(canonical(input.as_bytes()), Err(CanonicalError::Syntax(_))),
                "{input}"
            );
        }
        assert!(matches!(canonical(b"\"\xff\""), Err(CanonicalError::Syntax(_))));
        let deep = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(form(&deep(254)), deep(254));
        for depth in [255, 100_000] {
            assert!(matches!(
                canonical(deep(depth).as_bytes()),
                Err(CanonicalError::TooDeep)
            ));
        }
        let long = "9".repeat(4400);
        assert!(matches!(
            canonical(long.as_bytes()),
            Err(CanonicalError::IntegerTooLong)
        ));
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            // Eighths, since the parser of the comparison is not exact for all floats.
            any::<i32>().prop_map(|eighths| Value::from(f64::from(eighths) / 8.0)),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::hash_map("[a-c\"é\\\\]{0,3}", inner, 0..6)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn the_form_means_the_same_and_is_stable(value in any_json()) {
            let pretty = serde_json::to_string_pretty(&value).expect("a value");
            let once = form(&pretty);
            prop_assert_eq!(serde_json::from_str::<Value>(&once).ok(), Some(value));
            prop_assert_eq!(form(&once), once);
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = canonical(&bytes);
        }

        #[test]
        fn arbitrary_tokens_never_panic(text in "[\\[\\]{}\",:\\\\ 0-9a-e.+-]{0,60}") {
            let _ = canonical(text.as_bytes());
        }
    }
}
