//! Names of strangers in URLs, headers and pages.

use std::fmt::Write as _;

/// Letters of a name that are shown.
const SHOWN: usize = 160;

/// Takes `%41` back to `A`; `None` if a `%` is not followed by two digits.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, behind)) = rest.split_first() {
        if first != b'%' {
            bytes.push(first);
            rest = behind;
            continue;
        }
        let [high, low, behind @ ..] = behind else {
            return None;
        };
        bytes.push(digit(*high)? << 4 | digit(*low)?);
        rest = behind;
    }
    Some(bytes)
}

fn digit(letter: u8) -> Option<u8> {
    match letter {
        b'0'..=b'9' => Some(letter - b'0'),
        b'a'..=b'f' => Some(letter - b'a' + 10),
        b'A'..=b'F' => Some(letter - b'A' + 10),
        _ => None,
    }
}

/// Appends a name so that it means the same in any place of a URL: everything but letters, digits
/// and `-._~` in hexadecimal.
pub(super) fn encode(out: &mut String, name: &str) {
    for byte in name.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                out.push(char::from(byte));
            }
            // Writing to a text cannot fail.
            _ => drop(write!(out, "%{byte:02X}")),
        }
    }
}

/// The same as a new text.
pub(super) fn encoded(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    encode(&mut out, name);
    out
}

/// `/ipfs/root/a/b`, encoded. The root is a CID and needs no encoding.
pub(super) fn url(root: &str, segments: &[String]) -> String {
    let mut url = format!("/ipfs/{root}");
    for segment in segments {
        url.push('/');
        encode(&mut url, segment);
    }
    url
}

/// A name as a person should see it: not endless, and without characters that hide or reorder what
/// stands around them.
pub(super) fn shown(name: &str) -> String {
    let mut letters = name.chars();
    let mut out: String = letters.by_ref().take(SHOWN).map(visible).collect();
    if letters.next().is_some() {
        out.push('…');
    }
    out
}

fn visible(letter: char) -> char {
    match letter {
        '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}' => '\u{fffd}',
        letter if letter.is_control() => '\u{fffd}',
        letter => letter,
    }
}

/// A size for people.
pub(super) fn size(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    let mut units = UNITS.iter();
    let (mut value, mut unit) = (bytes as f64, "B");
    while value >= 1024.0
        && let Some(next) = units.next()
    {
        (value, unit) = (value / 1024.0, next);
    }
    match unit {
        "B" => format!("{bytes} B"),
        _ => format!("{value:.1} {unit}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encoding_comes_back() {
        let name = "Portugal%2C+España=Peninsula !'()*~/é🚀";
        assert_eq!(
            encoded(name),
            "Portugal%252C%2BEspa%C3%B1a%3DPeninsula%20%21%27%28%29%2A~%2F%C3%A9%F0%9F%9A%80"
        );
        assert_eq!(decode(&encoded(name)).as_deref(), Some(name.as_bytes()));
        assert_eq!(decode("a%2fb+c"), Some(b"a/b+c".to_vec()));
        for broken in ["%", "a%2", "%zz", "%+1", "%%41"] {
            assert_eq!(decode(broken), None, "{broken}");
        }
    }

    #[test]
    fn names_are_shown_without_tricks() {
        assert_eq!(shown("a\u{202e}b\n"), "a\u{fffd}b\u{fffd}");
        assert_eq!(shown(&"x".repeat(1000)).chars().count(), SHOWN + 1);
    }

    #[test]
    fn sizes() {
        assert_eq!(size(1023), "1023 B");
        assert_eq!(size(1536), "1.5 KiB");
        assert_eq!(size(u64::MAX), "16.0 EiB");
    }
}
