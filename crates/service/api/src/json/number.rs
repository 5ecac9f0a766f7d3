//! Floats as the two encoders of the network print them.

use std::fmt::Write as _;

use alephd_message::Micros;

use super::Style;

/// Appends a float with the fewest digits that read back as the same value.
///
/// Values that are not numbers become `null` in the compact dialect and, as in the reference,
/// `NaN` or `Infinity` in the others.
pub fn push_float(out: &mut String, value: f64, style: Style) {
    if !value.is_finite() {
        out.push_str(match style {
            Style::Compact => "null",
            _ if value.is_nan() => "NaN",
            _ if value > 0.0 => "Infinity",
            _ => "-Infinity",
        });
        return;
    }
    // The printer of the standard library breaks ties between equally short texts differently
    // from the reference; this one agrees. It prints plainly between 1e-5 and 1e16.
    let mut buffer = ryu::Buffer::new();
    let shortest = buffer.format_finite(value);
    let (mantissa, exponent) = match (shortest.split_once('e'), style) {
        (Some(parts), _) => parts,
        (None, Style::Compact) => return out.push_str(shortest),
        (None, _) => {
            let Some(digits) = shortest.trim_start_matches('-').strip_prefix("0.0000") else {
                return out.push_str(shortest);
            };
            // The other dialects leave plain printing one place earlier.
            let (first, rest) = digits.split_at(1);
            out.push_str(if value < 0.0 { "-" } else { "" });
            out.push_str(first);
            if !rest.is_empty() {
                out.push('.');
                out.push_str(rest);
            }
            return out.push_str("e-05");
        }
    };
    out.push_str(mantissa);
    match exponent.strip_prefix('-') {
        None => out.push_str("e+"),
        // Two digits at least.
        Some(digits) if digits.len() < 2 && style != Style::Compact => out.push_str("e-0"),
        Some(_) => out.push_str("e-"),
    }
    out.push_str(exponent.trim_start_matches('-'));
}

/// Appends an instant as float seconds.
///
/// Lists consist of such numbers, so the usual range takes a way without float printing: between
/// one second and 2^33 seconds two decimals of six places never fall on the same float, hence the
/// decimal itself, without trailing zeros, is the shortest text of its float.
pub fn push_seconds(out: &mut String, time: Micros, style: Style) {
    const END: i64 = (1 << 33) * 1_000_000;
    if !(1_000_000..END).contains(&time.0) {
        return push_float(out, time.as_seconds(), style);
    }
    let (whole, fraction) = (time.0 / 1_000_000, time.0 % 1_000_000);
    if fraction == 0 {
        let _ = write!(out, "{whole}.0");
        return;
    }
    let _ = write!(out, "{whole}.{fraction:06}");
    let kept = out.trim_end_matches('0').len();
    out.truncate(kept);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(value: f64, style: Style) -> String {
        let mut out = String::new();
        push_float(&mut out, value, style);
        out
    }

    #[test]
    fn floats_as_the_reference_prints_them() {
        for (value, compact, spaced) in [
            (1e16, "1e+16", "1e+16"),
            (1e15, "1000000000000000.0", "1000000000000000.0"),
            (
                123_456_789_012_345_680.0,
                "1.2345678901234568e+17",
                "1.2345678901234568e+17",
            ),
            (
                9_007_199_254_740_992.0,
                "9007199254740992.0",
                "9007199254740992.0",
            ),
            (1e-4, "0.0001", "0.0001"),
            (1e-5, "0.00001", "1e-05"),
            (1.5e-5, "0.000015", "1.5e-05"),
            (1e-6, "1e-6", "1e-06"),
            (1.234e-7, "1.234e-7", "1.234e-07"),
            (1e-100, "1e-100", "1e-100"),
            (1.0, "1.0", "1.0"),
            (-0.0, "-0.0", "-0.0"),
            (0.1, "0.1", "0.1"),
            (-2.5, "-2.5", "-2.5"),
            (1_700_000_000.25, "1700000000.25", "1700000000.25"),
            (180_828_940_632_114.62, "180828940632114.62", "180828940632114.62"),
            (-1.234e-5, "-0.00001234", "-1.234e-05"),
            (1e-9, "1e-9", "1e-09"),
            (5e-324, "5e-324", "5e-324"),
            (f64::MAX, "1.7976931348623157e+308", "1.7976931348623157e+308"),
            (f64::NAN, "null", "NaN"),
            (f64::INFINITY, "null", "Infinity"),
            (f64::NEG_INFINITY, "null", "-Infinity"),
        ] {
            assert_eq!(written(value, Style::Compact), compact);
            assert_eq!(written(value, Style::Spaced), spaced);
        }
    }

    #[test]
    fn instants() {
        for (micros, text) in [
            (1_700_000_000_250_000, "1700000000.25"),
            (1_700_000_000_000_000, "1700000000.0"),
            (1_648_215_810_176_390, "1648215810.17639"),
            (1_000_000, "1.0"),
            (0, "0.0"),
            (1, "1e-6"),
            (-1_500_000, "-1.5"),
        ] {
            let mut out = String::from("x");
            push_seconds(&mut out, Micros(micros), Style::Compact);
            assert_eq!(out, format!("x{text}"));
        }
    }

    proptest! {
        #[test]
        fn floats_read_back(bits in any::<u64>()) {
            let value = f64::from_bits(bits);
            prop_assume!(value.is_finite());
            for style in [Style::Compact, Style::Spaced] {
                let text = written(value, style);
                prop_assert_eq!(text.parse::<f64>().map(f64::to_bits).ok(), Some(bits), "{}", text);
                prop_assert!(text.contains(['.', 'e']), "{} would read back as an integer", text);
            }
        }

        #[test]
        fn the_short_way_prints_what_the_long_way_prints(micros in 1_000_000..(1_i64 << 33) * 1_000_000) {
            let mut short = String::new();
            push_seconds(&mut short, Micros(micros), Style::Compact);
            prop_assert_eq!(short, written(Micros(micros).as_seconds(), Style::Compact));
        }
    }
}
