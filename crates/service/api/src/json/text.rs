//! Texts with the escapes of either dialect.

use std::fmt::Write as _;

use super::Style;

/// Appends `text` as a JSON string, with its quotes.
pub fn push_text(out: &mut String, text: &str, style: Style) {
    out.push('"');
    let mut copied = 0;
    for (at, byte) in text.bytes().enumerate() {
        // Every byte that needs an escape is ASCII or, in the other dialects, the first byte of a
        // longer character: both are boundaries.
        let plain = match byte {
            b'"' | b'\\' => false,
            0..=0x1f => false,
            0x7f | 0xc0.. => style == Style::Compact,
            0x80..=0xbf => true,
            _ => true,
        };
        if plain || at < copied {
            continue;
        }
        out.push_str(&text[copied..at]);
        let Some(symbol) = text[at..].chars().next() else {
            break;
        };
        push_escape(out, symbol);
        copied = at + symbol.len_utf8();
    }
    out.push_str(&text[copied..]);
    out.push('"');
}

fn push_escape(out: &mut String, symbol: char) {
    match symbol {
        '"' => out.push_str("\\\""),
        '\\' => out.push_str("\\\\"),
        '\u{8}' => out.push_str("\\b"),
        '\u{c}' => out.push_str("\\f"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        other => {
            for unit in other.encode_utf16(&mut [0; 2]) {
                // Writing to a String cannot fail.
                let _ = write!(out, "\\u{unit:04x}");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(text: &str, style: Style) -> String {
        let mut out = String::new();
        push_text(&mut out, text, style);
        out
    }

    #[test]
    fn escapes_of_both_dialects() {
        let text = "\u{7f}\0\u{1f}\u{2028}\"\\/\u{8}\u{c}\n\r\t é😀";
        assert_eq!(
            written(text, Style::Compact),
            "\"\u{7f}\\u0000\\u001f\u{2028}\\\"\\\\/\\b\\f\\n\\r\\t é😀\""
        );
        assert_eq!(
            written(text, Style::Spaced),
            "\"\\u007f\\u0000\\u001f\\u2028\\\"\\\\/\\b\\f\\n\\r\\t \\u00e9\\ud83d\\ude00\""
        );
        assert_eq!(written("", Style::Compact), "\"\"");
    }

    proptest! {
        #[test]
        fn any_text_reads_back(text in any::<String>()) {
            for style in [Style::Compact, Style::Spaced, Style::Ascii] {
                let json = written(&text, style);
                prop_assert_eq!(serde_json::from_str::<String>(&json).ok(), Some(text.clone()));
                prop_assert!(style == Style::Compact || json.is_ascii());
            }
        }
    }
}
