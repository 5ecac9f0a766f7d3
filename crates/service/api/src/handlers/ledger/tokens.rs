//! Amounts of tokens: decimal texts in the database, floats on the wire.
//!
//! Sums are taken in decimals, as the reference does: adding floats would show
//! `0.30000000000000004` for 0.1 and 0.2.

/// Digits after the point that tokens have.
const PLACES: usize = 18;

/// An amount as a float. What is no number (reports are checked before) counts as nothing.
pub(super) fn float(text: &str) -> f64 {
    let value: f64 = text.parse().unwrap_or(0.0);
    if value.is_finite() { value } else { 0.0 }
}

/// The sum of amounts as a float.
pub(super) fn sum<'a>(texts: impl Iterator<Item = &'a str> + Clone) -> f64 {
    let exact = texts
        .clone()
        .try_fold(0_i128, |sum, text| sum.checked_add(units(text)?));
    match exact {
        Some(units) => float_of(units),
        // Beyond what tokens have: near enough.
        None => texts.map(float).sum(),
    }
}

/// An amount in its smallest units; `None` if it has more digits than tokens have.
fn units(text: &str) -> Option<i128> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let (mantissa, exponent) = match digits.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (digits, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let fraction = fraction.trim_end_matches('0');
    let all: i128 = format!("{whole}{fraction}")
        .parse()
        .ok()
        .filter(|all| *all >= 0)?;
    let places = i32::try_from(PLACES)
        .ok()?
        .checked_add(exponent)?
        .checked_sub(i32::try_from(fraction.len()).ok()?)?;
    let units = all.checked_mul(10_i128.checked_pow(u32::try_from(places).ok()?)?)?;
    Some(if negative { -units } else { units })
}

fn float_of(units: i128) -> f64 {
    let sign = if units < 0 { "-" } else { "" };
    let text = format!("{:0>width$}", units.unsigned_abs(), width = PLACES + 1);
    let (whole, fraction) = text.split_at(text.len() - PLACES);
    float(&format!("{sign}{whole}.{fraction}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_exact() {
        for (texts, expected) in [
            (&[][..], 0.0),
            (&["0.1", "0.2"], 0.3),
            (&["1234.5"], 1234.5),
            (&["1e-18", "1e-18"], 2e-18),
            (&["1.50", "-0.5"], 1.0),
            (&["-0.25"], -0.25),
            (&["1E3", "1e2"], 1100.0),
            (&["500000000.000000000000000001"], 500_000_000.0),
            // Too fine or too large for the exact way.
            (&["1e-19"], 1e-19),
            (&["1e300", "1"], 1e300),
            // No numbers.
            (&["x", "2"], 2.0),
            (&["inf", "", "+1"], 1.0),
        ] {
            assert_eq!(sum(texts.iter().copied()), expected, "{texts:?}");
        }
    }
}
