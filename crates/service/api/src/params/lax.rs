//! Numbers and booleans as lenient clients write them.

/// Longest integer text that is read at all.
const MAX_DIGITS: usize = 4300;

/// Why a text is not an integer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum IntError {
    /// It does not have the form of one.
    Form,
    /// It is longer than any number needs to be.
    TooLong,
}

/// Reads an integer. Values beyond 64 bits saturate: they are larger than every bound that a
/// parameter has and than every count that a node can hold.
pub(super) fn int(text: &str) -> Result<i64, IntError> {
    let text = text.trim();
    if text.len() > MAX_DIGITS {
        return Err(IntError::TooLong);
    }
    let (negative, digits) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    let digits = match digits.split_once('.') {
        Some((whole, zeros)) if !zeros.is_empty() && zeros.bytes().all(|byte| byte == b'0') => whole,
        Some(_) => return Err(IntError::Form),
        None => digits,
    };
    if !single_underscores(digits) || digits.is_empty() {
        return Err(IntError::Form);
    }
    let mut value = 0_i64;
    for byte in digits.bytes() {
        let digit = match byte {
            b'0'..=b'9' => i64::from(byte - b'0'),
            b'_' => continue,
            _ => return Err(IntError::Form),
        };
        value = value.saturating_mul(10);
        value = if negative {
            value.saturating_sub(digit)
        } else {
            value.saturating_add(digit)
        };
    }
    Ok(value)
}

/// Reads a float, including the names of the infinities and of the non-number.
pub(super) fn float(text: &str) -> Option<f64> {
    if let Ok(value) = text.trim().parse() {
        return Some(value);
    }
    // Underscores and white space do not go together.
    if !text.contains('_') || !single_underscores(text) {
        return None;
    }
    text.replace('_', "").parse().ok()
}

/// Reads a boolean from the words that clients use, in any case.
pub(super) fn boolean(text: &str) -> Option<bool> {
    const TRUE: [&str; 6] = ["true", "1", "yes", "on", "t", "y"];
    const FALSE: [&str; 6] = ["false", "0", "no", "off", "f", "n"];
    let is_one_of = |words: &[&str]| words.iter().any(|word| word.eq_ignore_ascii_case(text));
    if is_one_of(&TRUE) {
        return Some(true);
    }
    is_one_of(&FALSE).then_some(false)
}

/// Whether underscores stand only between other characters.
fn single_underscores(text: &str) -> bool {
    !text.starts_with('_') && !text.ends_with('_') && !text.contains("__")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers() {
        for (text, value) in [
            ("5", 5),
            (" 12 ", 12),
            ("+5", 5),
            ("-1", -1),
            ("-0", 0),
            ("007", 7),
            ("1_000", 1000),
            ("1.0", 1),
            ("1.000000", 1),
            ("\u{a0}5", 5),
            ("5\n", 5),
            ("99999999999999999999999", i64::MAX),
            ("-99999999999999999999999", i64::MIN),
        ] {
            assert_eq!(int(text), Ok(value), "{text:?}");
        }
        for text in [
            "", "x", "1.5", "1.", ".0", "1e3", "0x10", "٣", "- 5", "+ 5", "--5", "+-1", "_1", "1_", "1__0",
            "-_1", "1_.0", "null",
        ] {
            assert_eq!(int(text), Err(IntError::Form), "{text:?}");
        }
        assert_eq!(int(&"9".repeat(5000)), Err(IntError::TooLong));
    }

    #[test]
    fn floats() {
        for (text, value) in [
            ("1", 1.0),
            (" 1 ", 1.0),
            (".5", 0.5),
            ("5.", 5.0),
            ("1e3", 1000.0),
            ("1_000.5", 1000.5),
            ("1_.5", 1.5),
            ("+_1", 1.0),
            ("1700000000.25", 1_700_000_000.25),
            ("1e400", f64::INFINITY),
            ("Infinity", f64::INFINITY),
            ("-inf", f64::NEG_INFINITY),
        ] {
            assert_eq!(float(text), Some(value), "{text:?}");
        }
        assert!(float("nan").is_some_and(f64::is_nan));
        for text in [
            "",
            "yes",
            "0x1",
            "٣",
            "_1",
            "1_",
            "1__0",
            "- 1",
            "infinity_",
            "2_2 ",
        ] {
            assert_eq!(float(text), None, "{text:?}");
        }
    }

    #[test]
    fn booleans() {
        for text in ["true", "1", "YES", "On", "t", "Y"] {
            assert_eq!(boolean(text), Some(true), "{text}");
        }
        for text in ["False", "0", "no", "OFF", "f", "n"] {
            assert_eq!(boolean(text), Some(false), "{text}");
        }
        for text in ["", " true", "2", "vrai"] {
            assert_eq!(boolean(text), None, "{text:?}");
        }
    }
}
