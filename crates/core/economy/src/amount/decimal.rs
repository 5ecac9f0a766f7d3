//! Numbers of 28 significant digits: what prices are computed with before they become an
//! [`Amount`].
//!
//! The network computes prices in decimal floating point with this precision, rounding half to
//! even after every operation, and its results are visible to clients to the last digit. So each
//! operation here rounds in the same way; only operands may have more digits.

use ethnum::U256;

use super::{Amount, AmountError, DECIMALS, Parts};

/// Significant digits of every result.
const PRECISION: u32 = 28;
/// Significant digits of operands that are read: ten more than of results, and as many as fit a
/// coefficient, so that the product of two of them fits 256 bits.
const OPERAND_PRECISION: u32 = 38;
/// Beyond these exponents a number is out of bounds or nothing. A double has at most 325 decimals
/// before its first digit.
const EXPONENTS: std::ops::RangeInclusive<i64> = -1_000..=1_000;

/// A non-negative decimal number: `coefficient * 10^exponent`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Decimal {
    /// Less than 10^38.
    coefficient: u128,
    exponent: i32,
}

impl Decimal {
    /// Nothing.
    pub(crate) const ZERO: Self = Self {
        coefficient: 0,
        exponent: 0,
    };

    /// A whole number, exactly.
    pub(crate) const fn from_integer(integer: u64) -> Self {
        Self {
            coefficient: integer as u128,
            exponent: 0,
        }
    }

    /// The value of a double, which may have any number of digits: 38 of them are kept. `None` if
    /// it is negative or not a number.
    pub(crate) fn from_double(double: f64) -> Option<Self> {
        if !double.is_finite() || double < 0.0 {
            return None;
        }
        Self::parse(&format!("{:.*e}", OPERAND_PRECISION as usize - 1, double)).ok()
    }

    /// The size of a file in MiB, by way of the double that the network divides to.
    pub(crate) fn mib_of_bytes(bytes: u64) -> Self {
        // n / 2^20 = n * 5^20 / 10^20, and a double keeps 53 bits of n, rounded half to even.
        let spare = (u64::BITS - bytes.leading_zeros()).saturating_sub(f64::MANTISSA_DIGITS);
        let dropped = bytes & ((1 << spare) - 1);
        let kept = bytes >> spare;
        let half = (1u64 << spare) >> 1;
        let up = dropped > half || (dropped == half && spare > 0 && kept & 1 == 1);
        let rounded = (u128::from(kept) + u128::from(up)) << spare;
        // 2^64 * 5^20 < 2^111.
        Self {
            coefficient: rounded * 5u128.pow(20),
            exponent: -20,
        }
    }

    /// Reads a non-negative decimal number; of more than 38 digits, 38 are kept.
    pub(crate) fn parse(text: &str) -> Result<Self, AmountError> {
        let parts = Parts::read(text)?;
        let is_zero = |text: &str| text.bytes().all(|digit| digit == b'0');
        if is_zero(parts.whole) && is_zero(parts.fraction) {
            return Ok(Self::ZERO);
        }
        if parts.negative {
            return Err(AmountError::NotANumber);
        }
        let digits = parts.whole.bytes().chain(parts.fraction.bytes());
        let mut exponent = i64::from(parts.exponent) - parts.fraction.len() as i64;
        let mut coefficient = U256::ZERO;
        let (mut count, mut rest) = (0, false);
        for digit in digits {
            // Two digits past the precision, and whether anything follows, settle the rounding.
            if count < OPERAND_PRECISION + 2 {
                coefficient = coefficient * U256::new(10) + U256::from(digit - b'0');
                count += u32::from(coefficient != U256::ZERO);
            } else {
                rest |= digit != b'0';
                exponent += 1;
            }
        }
        Self::rounded(coefficient, exponent, rest, OPERAND_PRECISION)
    }

    /// Whether this is nothing.
    pub(crate) const fn is_zero(self) -> bool {
        self.coefficient == 0
    }

    /// The product.
    pub(crate) fn times(self, other: Self) -> Result<Self, AmountError> {
        let coefficient = U256::new(self.coefficient) * U256::new(other.coefficient);
        let exponent = i64::from(self.exponent) + i64::from(other.exponent);
        Self::rounded(coefficient, exponent, false, PRECISION)
    }

    /// The quotient by a number other than zero.
    pub(crate) fn divided_by(self, divisor: u32) -> Result<Self, AmountError> {
        // Enough digits that the quotient by ten more digits still has the precision.
        const SHIFT: u32 = 38;
        let dividend = U256::new(self.coefficient) * power(SHIFT);
        let divisor = U256::from(divisor);
        let exponent = i64::from(self.exponent) - i64::from(SHIFT);
        let (quotient, remainder) = (dividend / divisor, dividend % divisor);
        Self::rounded(quotient, exponent, remainder != U256::ZERO, PRECISION)
    }

    /// The greatest amount that is not more. Like the network, this refuses what has more than 28
    /// digits with all its decimals, that is from 10^10 on.
    pub(crate) fn floor(self) -> Result<Amount, AmountError> {
        self.to_amount(false)
    }

    /// The least amount that is not less, with the bounds of [`Decimal::floor`].
    pub(crate) fn ceil(self) -> Result<Amount, AmountError> {
        self.to_amount(true)
    }

    /// The nearest double, for display.
    pub(crate) fn to_double(self) -> f64 {
        let text = format!("{}e{}", self.coefficient, self.exponent);
        text.parse().unwrap_or(f64::NAN)
    }

    fn to_amount(self, up: bool) -> Result<Amount, AmountError> {
        let shift = self.exponent + DECIMALS as i32;
        let units = match (u32::try_from(shift), self.coefficient) {
            (_, 0) => Some(0),
            (Ok(shift), coefficient) => 10u128
                .checked_pow(shift)
                .and_then(|power| coefficient.checked_mul(power)),
            (Err(_), coefficient) => {
                let divisor = 10u128.checked_pow(shift.unsigned_abs());
                let (floor, exact) = match divisor {
                    Some(divisor) => (coefficient / divisor, coefficient % divisor == 0),
                    None => (0, false),
                };
                Some(floor + u128::from(up && !exact))
            }
        };
        let units = units.filter(|units| *units < 10u128.pow(PRECISION));
        let units = units.and_then(|units| i128::try_from(units).ok());
        units.map(Amount::from_units).ok_or(AmountError::Overflow)
    }

    /// Rounds half to even; `rest` says that there is more beyond the coefficient.
    fn rounded(coefficient: U256, exponent: i64, rest: bool, precision: u32) -> Result<Self, AmountError> {
        let excess = digits(coefficient).saturating_sub(precision);
        let unit = power(excess);
        let (mut kept, dropped) = (coefficient / unit, coefficient % unit);
        let half = unit / U256::new(2);
        let up = match excess {
            // Only a remainder too small to matter can follow a coefficient that is kept whole.
            0 => false,
            _ if dropped == half && !rest => kept % U256::new(2) == U256::ONE,
            _ => dropped >= half,
        };
        if up {
            kept += U256::ONE;
        }
        // Ten to the precision itself has one digit too many, all but the first of them zeros.
        let carried = kept == power(precision);
        if carried {
            kept /= U256::new(10);
        }
        let exponent = exponent + i64::from(excess) + i64::from(carried);
        if kept == U256::ZERO || exponent < *EXPONENTS.start() {
            return Ok(Self::ZERO);
        }
        if exponent > *EXPONENTS.end() {
            return Err(AmountError::Overflow);
        }
        Ok(Self {
            coefficient: kept.as_u128(),
            exponent: exponent as i32,
        })
    }
}

impl PartialEq for Decimal {
    /// Compares values: one number has as many forms as its coefficient has zeros at its end.
    fn eq(&self, other: &Self) -> bool {
        let reduced = |decimal: &Self| {
            let (mut coefficient, mut exponent) = (decimal.coefficient, decimal.exponent);
            while coefficient > 0 && coefficient.is_multiple_of(10) {
                coefficient /= 10;
                exponent += 1;
            }
            (coefficient, if coefficient == 0 { 0 } else { exponent })
        };
        reduced(self) == reduced(other)
    }
}

/// A power of ten that fits 256 bits.
fn power(exponent: u32) -> U256 {
    U256::new(10).pow(exponent)
}

/// Decimal digits of a number below 10^76.
fn digits(number: U256) -> u32 {
    let low_digits = OPERAND_PRECISION;
    let high = number / power(low_digits);
    if high > U256::ZERO {
        return low_digits + high.as_u128().ilog10() + 1;
    }
    number.as_u128().checked_ilog10().map_or(0, |log| log + 1)
}
