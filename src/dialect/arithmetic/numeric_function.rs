//! `sqrt`, `exp`, `ln`, `log`, `power` and `sign` of `numeric`, with the places PostgreSQL gives each result: at least 16
//! significant digits, and no fewer places than the arguments have.
//!
//! They are computed in whole numbers of any length, a few digits further than the result goes.
//!
//! DataFusion 55: these functions take doubles, and decimals through doubles. Not needed once `sqrt(2.0)` of a decimal is
//! a decimal of 15 places.

use super::decimal::{Number, Numbers, UNBOUND, too_many_digits, unbound};
use crate::error::{ErrorKind, QueryError};
use arrow::array::Decimal256Array;
use arrow::datatypes::{DataType, i256};
use datafusion::common::{Result, ScalarValue, plan_err};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use num_bigint::{BigInt, Sign};
use std::sync::Arc;

/// Significant digits that a result has at least.
const SIGNIFICANT: i64 = 16;
/// Digits computed further than a result goes.
const GUARD: i64 = 12;
/// Places beyond which a result has none in common with what there is room for.
const PLACES_MAX: i64 = 200;

/// The call of a function over decimals, of type [`UNBOUND`].
pub(crate) fn call(name: &str, args: Vec<Expr>) -> Expr {
    let function = match (name, args.len()) {
        ("sqrt", _) => Function::Sqrt,
        ("exp", _) => Function::Exp,
        ("ln", _) => Function::Ln,
        ("log" | "log10", 1) => Function::Log10,
        ("log", _) => Function::Log,
        ("power", _) => Function::Power,
        _ => Function::Sign,
    };
    let signature = Signature::any(args.len(), Volatility::Immutable);
    let function = ScalarUDF::from(NumericFunction { function, signature });
    Expr::ScalarFunction(ScalarFunction { func: Arc::new(function), args })
}

/// Which of the functions it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Function {
    Sqrt,
    Exp,
    Ln,
    Log10,
    Log,
    Power,
    Sign,
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct NumericFunction {
    function: Function,
    signature: Signature,
}

impl ScalarUDFImpl for NumericFunction {
    fn name(&self) -> &str {
        match self.function {
            Function::Sqrt => "numeric_sqrt",
            Function::Exp => "numeric_exp",
            Function::Ln => "numeric_ln",
            Function::Log10 => "numeric_log10",
            Function::Log => "numeric_log",
            Function::Power => "numeric_power",
            Function::Sign => "numeric_sign",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(UNBOUND)
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let scalars = arguments.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let rows = if scalars { 1 } else { arguments.number_rows };
        let arrays = arguments.args.iter().map(|arg| arg.to_array(rows)).collect::<Result<Vec<_>>>()?;
        let numbers = arrays.iter().map(Numbers::of).collect::<Result<Vec<_>>>()?;
        let value = |row: usize| {
            let found = match numbers.as_slice() {
                [one] => one.get(row).map(|number| self.of_one(number)),
                [one, two] => one.get(row).zip(two.get(row)).map(|(one, two)| self.of_two(one, two)),
                _ => return plan_err!("{} takes one or two values", self.name()),
            };
            found.transpose()?.map(unbound).transpose()
        };
        let values = (0..rows).map(value).collect::<Result<Decimal256Array>>()?.with_precision_and_scale(76, 38)?;
        Ok(if scalars {
            ColumnarValue::Scalar(ScalarValue::try_from_array(&values, 0)?)
        } else {
            ColumnarValue::Array(Arc::new(values))
        })
    }
}

impl NumericFunction {
    fn of_one(&self, number: Number) -> Result<Number> {
        match self.function {
            Function::Sqrt => sqrt(number),
            Function::Exp => exp(number),
            Function::Ln => {
                check_positive(number)?;
                let scale = (SIGNIFICANT - ln_weight(number)).max(number.scale.into()).max(0);
                Fixed::of(number, scale + GUARD)?.ln()?.to_number(scale)
            }
            Function::Log10 => log(Number { digits: i256::from_i128(10), scale: 0 }, number),
            _ => Ok(Number { digits: number.digits.signum(), scale: 0 }),
        }
    }

    fn of_two(&self, one: Number, two: Number) -> Result<Number> {
        if self.function == Function::Log { log(one, two) } else { power(one, two) }
    }
}

fn failed(kind: ErrorKind, message: &str) -> DataFusionError {
    DataFusionError::External(Box::new(QueryError::new(kind, message)))
}

fn check_positive(number: Number) -> Result<()> {
    if number.digits == i256::ZERO {
        return Err(failed(ErrorKind::InvalidParameter, "cannot take logarithm of zero"));
    }
    if number.digits.is_negative() {
        return Err(failed(ErrorKind::InvalidParameter, "cannot take logarithm of a negative number"));
    }
    Ok(())
}

/// Decimal digits in front of the point, less one; 0 of zero.
fn leading(number: Number) -> i64 {
    let digits = i64::from(super::decimal::count(number.digits));
    if digits == 0 { 0 } else { digits - 1 - i64::from(number.scale) }
}

/// The place of the first group of four digits.
fn weight(number: Number) -> i64 {
    leading(number).div_euclid(4)
}

fn sqrt(number: Number) -> Result<Number> {
    if number.digits.is_negative() {
        return Err(failed(ErrorKind::InvalidParameter, "cannot take square root of a negative number"));
    }
    root(number, (SIGNIFICANT - (weight(number) * 2 + 1)).max(number.scale.into()).max(0))
}

/// The square root of a number that is not negative, rounded to places.
pub(super) fn root(number: Number, scale: i64) -> Result<Number> {
    let fixed = Fixed::of(number, 2 * (scale + 1))?;
    Fixed { digits: fixed.digits.sqrt(), scale: scale + 1 }.to_number(scale)
}

/// A whole number of any length, divided by ten to the power of `scale`, as a [`Number`].
///
/// # Errors
/// More digits than there is room for.
pub(super) fn narrowed(digits: &BigInt, scale: i64) -> Result<Number> {
    let digits = i256::from_string(&digits.to_string()).ok_or_else(too_many_digits)?;
    Ok(Number { digits, scale: i16::try_from(scale).map_err(|_| too_many_digits())? })
}

#[allow(clippy::cast_possible_truncation, reason = "the weight of a result in decimal digits is a small number")]
fn exp(number: Number) -> Result<Number> {
    let weight = (number.to_f64() * std::f64::consts::LOG10_E).clamp(-2_000.0, 2_000.0) as i64;
    let scale = (SIGNIFICANT - weight).max(number.scale.into()).max(0);
    if weight > 80 {
        return Err(too_many_digits());
    }
    if scale > PLACES_MAX {
        return Err(too_many_digits());
    }
    Fixed::of(number, scale.max(number.scale.into()) + weight.max(0) + GUARD)?.exp()?.to_number(scale)
}

/// The place of the first digit of a logarithm, as PostgreSQL estimates it.
#[allow(clippy::cast_possible_truncation, reason = "the weight of a logarithm is a small number")]
fn ln_weight(number: Number) -> i64 {
    let value = number.to_f64();
    if (0.9..=1.1).contains(&value) {
        let scale = number.scale.max(0);
        let one = super::decimal::power_of_ten(u32::from(scale.unsigned_abs())).unwrap_or(i256::ONE);
        let rest = Number { digits: number.digits.wrapping_sub(one), scale };
        return if rest.digits == i256::ZERO { 0 } else { leading(rest) };
    }
    value.ln().abs().log10() as i64
}

fn log(base: Number, number: Number) -> Result<Number> {
    check_positive(base)?;
    check_positive(number)?;
    let (of_base, of_number) = (ln_weight(base), ln_weight(number));
    let scale = (SIGNIFICANT - (of_number - of_base)).max(base.scale.into()).max(number.scale.into()).max(0);
    let places = scale + of_base.abs() + of_number.abs() + GUARD;
    let (ln_base, ln_number) = (Fixed::of(base, places)?.ln()?, Fixed::of(number, places)?.ln()?);
    if ln_base.digits.sign() == Sign::NoSign {
        return Err(failed(ErrorKind::DivisionByZero, "division by zero"));
    }
    let places = scale + 2;
    let quotient = ln_number.digits * ten_to(places)? / ln_base.digits;
    Fixed { digits: quotient, scale: places }.to_number(scale)
}

#[allow(clippy::cast_possible_truncation, reason = "the weight of a result in decimal digits is a small number")]
fn power(base: Number, exponent: Number) -> Result<Number> {
    let whole = exponent.at_scale(0).and_then(i256::to_i128).and_then(|whole| i32::try_from(whole).ok());
    let (base_is_zero, one) = (base.digits == i256::ZERO, Number { digits: i256::ONE, scale: 0 });
    if base_is_zero && exponent.digits.is_negative() {
        return Err(failed(ErrorKind::InvalidParameter, "zero raised to a negative power is undefined"));
    }
    let scales = i64::from(base.scale.max(exponent.scale));
    if let Some(whole) = whole {
        let estimate = if base_is_zero { 0.0 } else { f64::from(whole) * base.to_f64().abs().log10() };
        let scale = (SIGNIFICANT - estimate.clamp(-2_000.0, 2_000.0) as i64).max(scales).max(0);
        if estimate > 77.0 || scale > PLACES_MAX {
            return Err(too_many_digits());
        }
        return match whole {
            0 => Ok(one),
            _ => {
                let digits = BigInt::parse_bytes(base.digits.to_string().as_bytes(), 10).ok_or_else(too_many_digits)?;
                let places = i64::from(base.scale);
                let exact = i64::from(whole.unsigned_abs()) * places.max(1);
                if exact <= 2_000 && i64::from(whole.unsigned_abs()) <= 2_000 {
                    let power = Fixed {
                        digits: digits.pow(whole.unsigned_abs()),
                        scale: places * i64::from(whole.unsigned_abs()),
                    };
                    if whole > 0 {
                        return power.to_number(scale);
                    }
                    let places = scale + 2;
                    let shifted = ten_to(places + power.scale)? / power.digits;
                    return Fixed { digits: shifted, scale: places }.to_number(scale);
                }
                let magnitude = Number { digits: base.digits.wrapping_abs(), scale: base.scale };
                let places = scale + estimate.abs() as i64 + 2 * GUARD;
                let ln = Fixed::of(magnitude, places)?.ln()?;
                let product = Fixed { digits: ln.digits * BigInt::from(whole), scale: ln.scale };
                let power = product.exp()?;
                let odd = whole % 2 != 0 && base.digits.is_negative();
                Fixed { digits: if odd { -power.digits } else { power.digits }, scale: power.scale }.to_number(scale)
            }
        };
    }
    if base.digits.is_negative() {
        let message = "a negative number raised to a non-integer power yields a complex result";
        return Err(failed(ErrorKind::InvalidParameter, message));
    }
    if base_is_zero {
        return Ok(Number { digits: i256::ZERO, scale: 0 });
    }
    let estimate = exponent.to_f64() * base.to_f64().log10();
    let scale = (SIGNIFICANT - estimate.clamp(-2_000.0, 2_000.0) as i64).max(scales).max(0);
    if estimate > 77.0 || scale > PLACES_MAX {
        return Err(too_many_digits());
    }
    let places = scale + estimate.abs() as i64 + leading(exponent).max(0) + 2 * GUARD;
    let ln = Fixed::of(base, places)?.ln()?;
    let exponent = Fixed::of(exponent, places)?;
    let product = Fixed { digits: ln.digits * exponent.digits / ten_to(places)?, scale: places };
    product.exp()?.to_number(scale)
}

/// Ten to a power.
///
/// # Errors
/// A power that no result needs.
fn ten_to(power: i64) -> Result<BigInt> {
    match u32::try_from(power) {
        Ok(power @ ..=10_000) => Ok(BigInt::from(10_u32).pow(power)),
        _ => Err(too_many_digits()),
    }
}

/// A number in fixed places: `digits` divided by ten to the power of `scale`.
struct Fixed {
    digits: BigInt,
    scale: i64,
}

impl Fixed {
    fn of(number: Number, scale: i64) -> Result<Self> {
        let digits = BigInt::parse_bytes(number.digits.to_string().as_bytes(), 10).ok_or_else(too_many_digits)?;
        let shift = scale - i64::from(number.scale);
        let digits = if shift >= 0 { digits * ten_to(shift)? } else { digits / ten_to(-shift)? };
        Ok(Self { digits, scale })
    }

    /// Rounded to places, halves away from zero.
    fn to_number(&self, scale: i64) -> Result<Number> {
        let digits = if self.scale <= scale {
            &self.digits * ten_to(scale - self.scale)?
        } else {
            let unit = ten_to(self.scale - scale)?;
            let half: BigInt = &unit / 2_u32;
            let magnitude = BigInt::from(self.digits.magnitude().clone()) + half;
            let rounded: BigInt = magnitude / unit;
            if self.digits.sign() == Sign::Minus { -rounded } else { rounded }
        };
        let text = digits.to_string();
        let (sign, figures) = match text.strip_prefix('-') {
            Some(figures) => ("-", figures),
            None => ("", text.as_str()),
        };
        // Zeros at the end are no digits of the value.
        let trimmed = figures.trim_end_matches('0');
        let zeros = i64::try_from(figures.len() - trimmed.len()).unwrap_or(0).min(scale.max(0));
        let kept = figures.len() - usize::try_from(zeros).unwrap_or(0);
        let figures = if kept == 0 { "0" } else { &figures[..kept] };
        let scale = i16::try_from(scale - zeros).map_err(|_| too_many_digits())?;
        if figures.len() > 76 {
            return Err(too_many_digits());
        }
        let digits = i256::from_string(&format!("{sign}{figures}")).ok_or_else(too_many_digits)?;
        Ok(Number { digits, scale })
    }

    /// The natural logarithm of a positive number: roots are taken until the series of atanh is short.
    fn ln(&self) -> Result<Self> {
        let places = self.scale + 20;
        let one = ten_to(places)?;
        let mut value = &self.digits * ten_to(20)?;
        let near: BigInt = &one / 64_u32;
        let mut roots = 0_u32;
        while BigInt::from((&value - &one).magnitude().clone()) > near {
            value = (value * &one).sqrt();
            roots += 1;
        }
        // ln(x) = 2 atanh((x - 1) / (x + 1))
        let ratio = (&value - &one) * &one / (&value + &one);
        let square = &ratio * &ratio / &one;
        let (mut power, mut sum, mut place) = (ratio.clone(), ratio, 1_u32);
        while power.sign() != Sign::NoSign {
            power = power * &square / &one;
            place += 2;
            sum += &power / place;
        }
        let digits = sum * BigInt::from(2_u32).pow(roots + 1) / ten_to(20)?;
        Ok(Self { digits, scale: self.scale })
    }

    /// `e` to the power of a number: of a small part of it by its series, squared as often as it was halved.
    fn exp(&self) -> Result<Self> {
        let places = self.scale + 40;
        let one = ten_to(places)?;
        let mut value = &self.digits * ten_to(40)?;
        let near: BigInt = &one / 64_u32;
        let mut halvings = 0_u32;
        while BigInt::from(value.magnitude().clone()) > near {
            value /= 2_u32;
            halvings += 1;
        }
        let (mut term, mut sum, mut place) = (one.clone(), one.clone(), 0_u32);
        while term.sign() != Sign::NoSign {
            place += 1;
            term = term * &value / &one / place;
            sum += &term;
        }
        for _ in 0..halvings {
            sum = &sum * &sum / &one;
        }
        Ok(Self { digits: sum / ten_to(40)?, scale: self.scale })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Number {
        super::super::number_text::numeric(text).unwrap()
    }

    #[test]
    fn results_have_the_digits_of_postgres() {
        let of = |function: Function, text: &str| {
            let function = NumericFunction { function, signature: Signature::any(1, Volatility::Immutable) };
            function.of_one(number(text)).unwrap().text()
        };
        assert_eq!(of(Function::Sqrt, "2.5"), "1.58113883008419");
        assert_eq!(of(Function::Exp, "2.5"), "12.182493960703473");
        assert_eq!(of(Function::Ln, "2.5"), "0.9162907318741551");
        assert_eq!(of(Function::Log10, "2.5"), "0.3979400086720376");
        assert_eq!(power(number("2.5"), number("2")).unwrap().text(), "6.25");
        assert_eq!(power(number("2"), number("2.5")).unwrap().text(), "5.6568542494923802");
        assert_eq!(power(number("2.0"), number("-3")).unwrap().text(), "0.125");
    }
}
