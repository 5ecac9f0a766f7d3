//! Sums of money: tokens and credits as the network counts them (docs/protocol/money.md,
//! "Amounts").
//!
//! An [`Amount`] is what prices end in: a whole number of units of 10^-18. What prices are made of,
//! with 28 significant digits, stays inside the crate.

mod decimal;
#[cfg(test)]
mod tests;

use std::{fmt, ops::Neg, str::FromStr};

use serde::{Serialize, Serializer};

pub(crate) use decimal::Decimal;

/// Digits after the point.
const DECIMALS: usize = 18;
/// Units in one token or credit.
const SCALE: u128 = 1_000_000_000_000_000_000;
/// Longest text of a number that is read. An exact double has at most 1100 characters, and nobody
/// writes money that way.
const TEXT_LIMIT: usize = 1_200;

/// A signed sum of tokens or credits, in units of 10^-18.
///
/// The bounds are those of 128 bits, about 1.7 * 10^20 tokens; arithmetic answers `None` beyond.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Amount(i128);

/// A number that is not a sum of money.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    /// The text is not a decimal number.
    #[error("not a decimal number")]
    NotANumber,
    /// The number is larger than any sum of money.
    #[error("a sum of money beyond all bounds")]
    Overflow,
}

impl Amount {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// The greatest sum.
    pub const MAX: Self = Self(i128::MAX);

    /// A number of units of 10^-18.
    pub const fn from_units(units: i128) -> Self {
        Self(units)
    }

    /// The number of units of 10^-18.
    pub const fn units(self) -> i128 {
        self.0
    }

    /// A whole number of tokens or credits.
    pub const fn from_whole(whole: i64) -> Self {
        // The product of 64 bits and 60 bits.
        Self(whole as i128 * SCALE as i128)
    }

    /// Reads a decimal number as JSON writes it, with an optional exponent. What is beyond the
    /// eighteenth decimal is floored away, so that nobody gets more than was written.
    pub fn parse(text: &str) -> Result<Self, AmountError> {
        let parts = Parts::read(text)?;
        // Position of the point, counted from the first digit.
        let point = parts.whole.len() as i64 + i64::from(parts.exponent);
        let mut digits = parts.whole.bytes().chain(parts.fraction.bytes());
        let mut units: i128 = 0;
        for _ in 0..(point + DECIMALS as i64).max(0) {
            let digit = match digits.next() {
                Some(digit) => i128::from(digit - b'0'),
                None if units == 0 => break,
                None => 0,
            };
            let next = units.checked_mul(10).and_then(|units| units.checked_add(digit));
            units = next.ok_or(AmountError::Overflow)?;
        }
        if parts.negative {
            let inexact = digits.any(|digit| digit != b'0');
            units = -units - i128::from(inexact);
        }
        Ok(Self(units))
    }

    /// The sum, unless it is out of bounds.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    /// The difference, unless it is out of bounds.
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).map(Self)
    }

    /// The product with a whole number, unless it is out of bounds.
    pub fn checked_mul(self, factor: u64) -> Option<Self> {
        self.0.checked_mul(i128::from(factor)).map(Self)
    }

    /// The sum, or the nearest bound.
    pub fn saturating_add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// Whether this is less than nothing.
    pub const fn is_negative(self) -> bool {
        self.0 < 0
    }

    /// The nearest double, for the fields of the API that are doubles. Never compute with it.
    pub fn to_f64(self) -> f64 {
        // Reading a decimal text is correctly rounded, a division of two rounded numbers is not.
        self.to_string().parse().unwrap_or(f64::NAN)
    }

    /// The decimal number without zeros at its end: `12.5`, `0`.
    pub fn shortest(self) -> String {
        let text = self.to_string();
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    }
}

impl Neg for Amount {
    type Output = Self;

    fn neg(self) -> Self {
        Self(self.0.saturating_neg())
    }
}

impl FromStr for Amount {
    type Err = AmountError;

    fn from_str(text: &str) -> Result<Self, AmountError> {
        Self::parse(text)
    }
}

impl fmt::Display for Amount {
    /// All eighteen decimals, as the API shows costs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = self.0.unsigned_abs();
        let sign = if self.is_negative() { "-" } else { "" };
        write!(f, "{sign}{}.{:018}", units / SCALE, units % SCALE)
    }
}

impl Serialize for Amount {
    /// The text of [`fmt::Display`], as the API shows costs.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A decimal number, split.
struct Parts<'a> {
    negative: bool,
    whole: &'a str,
    fraction: &'a str,
    exponent: i32,
}

impl<'a> Parts<'a> {
    /// Splits `[+-]digits[.digits][e[+-]digits]`; one side of the point may be empty.
    fn read(text: &'a str) -> Result<Self, AmountError> {
        if text.len() > TEXT_LIMIT {
            return Err(AmountError::NotANumber);
        }
        let (negative, rest) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (mantissa, exponent) = match rest.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent_in(exponent)?),
            None => (rest, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.len() + fraction.len() == 0 || !is_digits(whole) || !is_digits(fraction) {
            return Err(AmountError::NotANumber);
        }
        Ok(Self {
            negative,
            whole,
            fraction,
            exponent,
        })
    }
}

/// An exponent. What no number of this text limit can make up for is cut to a bound that has the
/// same effect.
fn exponent_in(text: &str) -> Result<i32, AmountError> {
    const BOUND: i32 = 10 * TEXT_LIMIT as i32;
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(AmountError::NotANumber);
    }
    let magnitude = digits.parse().unwrap_or(BOUND).min(BOUND);
    Ok(if negative { -magnitude } else { magnitude })
}
