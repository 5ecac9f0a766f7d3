//! The header `Range`, as far as it is answered: one range of bytes.

use std::ops::Range;

/// What a header asks for of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::handlers) enum Asked {
    /// The whole file: no range, several, or none that is understood.
    Whole,
    /// A part that is not empty.
    Part(Range<u64>),
    /// A part that begins behind the end.
    Outside,
}

/// Reads the value of a header for a file of `size` bytes.
pub(in crate::handlers) fn parse(value: &str, size: u64) -> Asked {
    let Some((first, last)) = value
        .strip_prefix("bytes=")
        .and_then(|range| range.trim().split_once('-'))
    else {
        return Asked::Whole;
    };
    let part = match (first, last) {
        ("", count) => number(count).map(|count| size.saturating_sub(count)..size),
        (first, "") => number(first).map(|first| first..size),
        (first, last) => match (number(first), number(last)) {
            (Some(first), Some(last)) if first <= last => Some(first..last.saturating_add(1).min(size)),
            _ => None,
        },
    };
    match part {
        None => Asked::Whole,
        Some(part) if part.is_empty() => Asked::Outside,
        Some(part) => Asked::Part(part),
    }
}

/// Digits alone; numbers beyond 64 bits are as good as the largest.
fn number(text: &str) -> Option<u64> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        for (value, size, expected) in [
            ("bytes=0-0", 10, Asked::Part(0..1)),
            ("bytes=2-5", 10, Asked::Part(2..6)),
            ("bytes=2-", 10, Asked::Part(2..10)),
            ("bytes=-3", 10, Asked::Part(7..10)),
            ("bytes=-30", 10, Asked::Part(0..10)),
            ("bytes=5-99999999999999999999999", 10, Asked::Part(5..10)),
            ("bytes=10-", 10, Asked::Outside),
            ("bytes=99999999999999999999-", 10, Asked::Outside),
            ("bytes=12-15", 10, Asked::Outside),
            ("bytes=-0", 10, Asked::Outside),
            ("bytes=0-", 0, Asked::Outside),
            ("bytes=-5", 0, Asked::Outside),
            ("bytes=5-2", 10, Asked::Whole),
            ("bytes=0-1,3-4", 10, Asked::Whole),
            ("bytes=a-b", 10, Asked::Whole),
            ("bytes=+1-2", 10, Asked::Whole),
            ("bytes=-", 10, Asked::Whole),
            ("items=0-1", 10, Asked::Whole),
            ("", 10, Asked::Whole),
        ] {
            assert_eq!(parse(value, size), expected, "{value}");
        }
    }
}
