//! A [`Number`] is a value with places of its own, as PostgreSQL's `numeric` is; columns hold it in an Arrow decimal. What
//! the decimal has no room for is refused (0A000), never rounded.

use crate::error::{ErrorKind, QueryError};
pub(crate) use crate::text::decimal::UNBOUND;
use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Decimal128Type, Decimal256Type, i256};
use datafusion::common::{Result, ScalarValue, plan_err};
use datafusion::error::DataFusionError;

/// Places behind the point of [`UNBOUND`].
pub(super) const PLACES: i16 = 38;
/// Digits of the widest decimals.
const DIGITS_MAX: u32 = 76;

/// A decimal number: `digits` divided by ten to the power of `scale`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Number {
    pub(crate) digits: i256,
    pub(crate) scale: i16,
}

impl Number {
    /// The number of a decimal that is not NULL.
    pub(crate) fn of(value: &ScalarValue) -> Option<Self> {
        Some(match value {
            ScalarValue::Decimal128(Some(digits), _, scale) => {
                Self { digits: i256::from_i128(*digits), scale: i16::from(*scale) }
            }
            ScalarValue::Decimal256(Some(digits), _, scale) => Self { digits: *digits, scale: i16::from(*scale) },
            _ => return None,
        })
    }

    /// The same value without zeros at its end, with no places fewer than none.
    pub(crate) fn stripped(mut self) -> Self {
        if self.digits == i256::ZERO {
            return Self { digits: i256::ZERO, scale: 0 };
        }
        if let Some(mut small) = self.digits.to_i128() {
            while self.scale > 0 && small % 10 == 0 {
                small /= 10;
                self.scale -= 1;
            }
            return Self { digits: i256::from_i128(small), scale: self.scale };
        }
        let ten = i256::from_i128(10);
        while self.scale > 0 && self.digits.wrapping_rem(ten) == i256::ZERO {
            self.digits = self.digits.wrapping_div(ten);
            self.scale -= 1;
        }
        self
    }

    /// The digits at another scale, when none but zeros are lost and there is room.
    pub(crate) fn at_scale(self, scale: i16) -> Option<i256> {
        let number = if scale < self.scale { self.stripped() } else { self };
        if number.digits == i256::ZERO {
            return Some(i256::ZERO);
        }
        let more = u32::try_from(scale - number.scale).ok()?;
        number.digits.checked_mul(power_of_ten(more)?).filter(|digits| count(*digits) <= DIGITS_MAX)
    }

    /// The literal of as many digits as the number has.
    pub(crate) fn tight(self) -> Option<ScalarValue> {
        let number = match self.scale {
            ..0 => Self { digits: self.at_scale(0)?, scale: 0 },
            _ => self,
        };
        let number = if number.scale > DIGITS_MAX as i16 { number.stripped() } else { number };
        let scale = i8::try_from(number.scale).ok().filter(|scale| u32::from(scale.unsigned_abs()) <= DIGITS_MAX)?;
        let digits = count(number.digits).max(u32::from(scale.unsigned_abs())).max(1);
        Some(match (digits, number.digits.to_i128()) {
            (..=38, Some(small)) => ScalarValue::Decimal128(Some(small), digits as u8, scale),
            (..=DIGITS_MAX, _) => ScalarValue::Decimal256(Some(number.digits), digits as u8, scale),
            _ => return None,
        })
    }

    /// The value as a decimal of a type, when no digit is lost.
    pub(crate) fn exactly(self, to: &DataType) -> Option<ScalarValue> {
        let fits = |digits: i256, precision: u8| count(digits) <= u32::from(precision);
        match to {
            DataType::Decimal128(precision, scale) => {
                let digits = self.at_scale(i16::from(*scale)).filter(|digits| fits(*digits, *precision))?;
                Some(ScalarValue::Decimal128(Some(digits.to_i128()?), *precision, *scale))
            }
            DataType::Decimal256(precision, scale) => {
                let digits = self.at_scale(i16::from(*scale)).filter(|digits| fits(*digits, *precision))?;
                Some(ScalarValue::Decimal256(Some(digits), *precision, *scale))
            }
            _ => None,
        }
    }

    /// The digits at a scale, rounded to it, halves away from zero; `None` without room.
    pub(crate) fn rounded(self, scale: i16) -> Option<i256> {
        if scale >= self.scale {
            return self.at_scale(scale);
        }
        let unit = power_of_ten(u32::try_from(self.scale - scale).ok()?)?;
        Some(divided(self.digits, unit))
    }

    /// The value as its decimal text.
    #[cfg(test)]
    pub(crate) fn text(self) -> String {
        let text = self.digits.to_string();
        let (sign, digits) = match text.strip_prefix('-') {
            Some(digits) => ("-", digits),
            None => ("", text.as_str()),
        };
        let Ok(places) = usize::try_from(self.scale) else {
            return format!("{sign}{digits}{}", "0".repeat(usize::from(self.scale.unsigned_abs())));
        };
        if places == 0 {
            return text;
        }
        let padded = format!("{digits:0>width$}", width = places + 1);
        let (whole, fraction) = padded.split_at(padded.len() - places);
        format!("{sign}{whole}.{fraction}")
    }

    /// The double that is nearest to the number.
    pub(crate) fn to_f64(self) -> f64 {
        const EXACT: i128 = 1 << 53;
        let number = self.stripped();
        match (number.digits.to_i128(), usize::try_from(number.scale)) {
            // Both are doubles without a loss, so that their quotient is the nearest there is.
            (Some(digits @ ..EXACT), Ok(places @ 0..=22)) if digits > -EXACT => digits as f64 / POWERS[places],
            _ => format!("{}e{}", number.digits, -number.scale).parse().unwrap_or(f64::NAN),
        }
    }

    /// The single that is nearest to the number.
    pub(crate) fn to_f32(self) -> f32 {
        format!("{}e{}", self.digits, -self.scale).parse().unwrap_or(f32::NAN)
    }

    /// The decimal of as many significant digits as PostgreSQL takes of a float: 15 of a double, 6 of a single.
    pub(super) fn of_float(value: f64, significant: usize) -> Option<Self> {
        if !value.is_finite() {
            return None;
        }
        let text = format!("{value:.places$e}", places = significant - 1);
        let (mantissa, exponent) = text.split_once('e')?;
        let digits: i128 = mantissa.replace('.', "").parse().ok()?;
        let scale = i16::try_from(significant).ok()? - 1 - exponent.parse::<i16>().ok()?;
        let number = Self { digits: i256::from_i128(digits), scale }.stripped();
        if number.scale >= 0 { Some(number) } else { Some(Self { digits: number.at_scale(0)?, scale: 0 }) }
    }

    /// The quotient with the places that PostgreSQL gives it: at least 16 significant digits, and no fewer places than
    /// either number has.
    ///
    /// # Errors
    /// Division by zero, and digits without room.
    pub(crate) fn divided_by(self, other: Self) -> Result<Self> {
        if other.digits == i256::ZERO {
            return Err(own(ErrorKind::DivisionByZero, "division by zero"));
        }
        let scale = quotient_scale(self, other);
        let (dividend, divisor) = (self.stripped(), other.stripped());
        let shift = other_shift(dividend.scale, divisor.scale, scale);
        let (up, down) = (u32::try_from(shift.max(0)).unwrap_or(0), u32::try_from((-shift).max(0)).unwrap_or(0));
        let small = || {
            let dividend = dividend.digits.to_i128()?.checked_mul(10_i128.checked_pow(up)?)?;
            let divisor = divisor.digits.to_i128()?.checked_mul(10_i128.checked_pow(down)?)?;
            let (quotient, rest) = (dividend.checked_div(divisor)?, dividend.checked_rem(divisor)?);
            let away = rest.unsigned_abs() >= divisor.unsigned_abs() - rest.unsigned_abs();
            let step = if (dividend < 0) == (divisor < 0) { 1 } else { -1 };
            Some(i256::from_i128(if away { quotient + step } else { quotient }))
        };
        let wide = || {
            let dividend = dividend.digits.checked_mul(power_of_ten(up)?)?;
            Some(divided(dividend, divisor.digits.checked_mul(power_of_ten(down)?)?))
        };
        let digits = small().or_else(wide).ok_or_else(too_many_digits)?;
        Ok(Self { digits, scale })
    }
}

fn other_shift(dividend: i16, divisor: i16, scale: i16) -> i16 {
    divisor + scale - dividend
}

/// Powers of ten that doubles hold exactly.
const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
];

/// Ten to a power; `None` beyond 256 bits.
pub(crate) fn power_of_ten(power: u32) -> Option<i256> {
    match power {
        0..=38 => Some(i256::from_i128(10_i128.pow(power))),
        39..=76 => i256::from_i128(10_i128.pow(38)).checked_mul(i256::from_i128(10_i128.pow(power - 38))),
        _ => None,
    }
}

/// Decimal digits of a number; 0 of zero.
pub(crate) fn count(digits: i256) -> u32 {
    match digits.to_i128() {
        Some(small) => small.unsigned_abs().checked_ilog10().map_or(0, |power| power + 1),
        None => digits.wrapping_abs().checked_ilog10().map_or(0, |power| power + 1),
    }
}

/// A quotient of whole numbers, halves away from zero; the divisor is not zero.
fn divided(dividend: i256, divisor: i256) -> i256 {
    let (quotient, rest) = (dividend.wrapping_div(divisor), dividend.wrapping_rem(divisor));
    let (rest, whole) = (rest.wrapping_abs(), divisor.wrapping_abs());
    if rest < whole.wrapping_sub(rest) {
        return quotient;
    }
    let step = if dividend.is_negative() == divisor.is_negative() { i256::ONE } else { i256::MINUS_ONE };
    quotient.wrapping_add(step)
}

/// Places of a quotient, as PostgreSQL chooses them: by the first digits of both numbers in base 10,000.
fn quotient_scale(dividend: Number, divisor: Number) -> i16 {
    const SIGNIFICANT: i16 = 16;
    const GROUP: i16 = 4;
    let ((weight, first), (other_weight, other_first)) = (first_group(dividend), first_group(divisor));
    let weight = weight - other_weight - i16::from(first <= other_first);
    (SIGNIFICANT - weight * GROUP).max(dividend.scale).max(divisor.scale).max(0)
}

/// The first group of four digits around the point that is not zero, and its place.
fn first_group(number: Number) -> (i16, i128) {
    let length = count(number.digits);
    if length == 0 {
        return (0, 0);
    }
    let leading = i16::try_from(length).unwrap_or(i16::MAX) - 1 - number.scale;
    let weight = leading.div_euclid(4);
    let wanted = u32::from((leading.rem_euclid(4) + 1).unsigned_abs());
    let digits = number.digits.wrapping_abs();
    let first = match length.checked_sub(wanted) {
        Some(rest) => power_of_ten(rest).map(|unit| digits.wrapping_div(unit)),
        None => power_of_ten(wanted - length).map(|unit| digits.wrapping_mul(unit)),
    };
    (weight, first.and_then(i256::to_i128).unwrap_or(0))
}

pub(super) fn own(kind: ErrorKind, message: &str) -> DataFusionError {
    DataFusionError::External(Box::new(QueryError::new(kind, message)))
}

/// 0A000: digits that no decimal here has room for.
pub(crate) fn too_many_digits() -> DataFusionError {
    own(
        ErrorKind::NotSupported,
        "a numeric of more than 76 digits, or of more than 38 behind the point, is not supported",
    )
}

/// The digits of a number in a column of [`UNBOUND`].
///
/// # Errors
/// Digits without room there.
pub(crate) fn unbound(number: Number) -> Result<i256> {
    number.at_scale(PLACES).ok_or_else(too_many_digits)
}

/// The numbers of an array of decimals or integers, each with the places PostgreSQL would show: those of the type, or of
/// the value where the type has none of its own.
pub(crate) struct Numbers<'a> {
    array: &'a ArrayRef,
    scale: i16,
    wide: bool,
    open: bool,
}

impl<'a> Numbers<'a> {
    /// The numbers of an array of decimals.
    ///
    /// # Errors
    /// An array of something else.
    pub(crate) fn of(array: &'a ArrayRef) -> Result<Self> {
        let (scale, wide) = match array.data_type() {
            DataType::Decimal128(_, scale) => (*scale, false),
            DataType::Decimal256(_, scale) => (*scale, true),
            other => return plan_err!("a numeric is wanted, not {other}"),
        };
        Ok(Self { array, scale: i16::from(scale), wide, open: *array.data_type() == UNBOUND })
    }

    /// The number in a row; `None` of NULL.
    pub(crate) fn get(&self, row: usize) -> Option<Number> {
        if self.array.is_null(row) {
            return None;
        }
        let digits = if self.wide {
            self.array.as_primitive::<Decimal256Type>().value(row)
        } else {
            i256::from_i128(self.array.as_primitive::<Decimal128Type>().value(row))
        };
        let number = Number { digits, scale: self.scale };
        Some(if self.open { number.stripped() } else { number })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Number {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let digits = format!("{whole}{fraction}").parse::<i128>().unwrap();
        Number { digits: i256::from_i128(digits), scale: fraction.len() as i16 }
    }

    #[test]
    fn quotients_have_the_places_of_postgres() {
        let check = |left: &str, right: &str, expected: &str| {
            assert_eq!(number(left).divided_by(number(right)).unwrap().text(), expected, "{left} / {right}");
        };
        check("1", "3", "0.33333333333333333333");
        check("2", "3", "0.66666666666666666667");
        check("-2", "3", "-0.66666666666666666667");
        check("10", "3", "3.3333333333333333");
        check("10000", "3", "3333.3333333333333333");
        check("1", "30000", "0.000033333333333333333333");
        check("100000000", "3", "33333333.333333333333");
        check("1.5", "1", "1.50000000000000000000");
        check("0", "7", "0.00000000000000000000");
    }

    #[test]
    fn floats_become_their_fifteen_digits() {
        let check = |value: f64, expected: &str| {
            assert_eq!(Number::of_float(value, 15).unwrap().text(), expected);
        };
        check(0.1 + 0.2, "0.3");
        check(123.456, "123.456");
        check(1e20, "100000000000000000000");
        check(-1.5e-7, "-0.00000015");
        assert_eq!(number("0.3").to_f64(), 0.3);
    }
}
