//! Functions of doubles with PostgreSQL's errors: logarithms, powers, roots, angles in radians and in
//! degrees.
//!
//! DataFusion 55: these functions give NaN or infinity outside of their domain and beyond a double
//! (`ln(0)`, `exp(1000)`, `asin(2)`), and those in degrees are not there. Not needed once they fail:
//! `doubles.slt` expects PostgreSQL's errors of them.

use super::angle;
use super::section::Section;
use crate::dialect::catalog::types;
use crate::error::{ErrorKind, QueryError};
use datafusion::arrow::array::{ArrayRef, AsArray, Float64Array};
use datafusion::arrow::datatypes::{DataType, Float64Type};
use datafusion::common::{Result, ScalarValue, plan_err};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use std::f64::consts::PI;
use std::sync::Arc;

/// PostgreSQL's error of a call that no function takes: SQLSTATE 42883.
pub(crate) fn no_function(name: &str, arguments: &[DataType]) -> DataFusionError {
    let types = arguments.iter().map(|argument| types::display(types::of_arrow(argument).0, None));
    let call = format!("{name}({})", types.collect::<Vec<_>>().join(", "));
    let error = QueryError::new(ErrorKind::UnknownFunction, format!("function {call} does not exist"))
        .with_hint("No function matches the given name and argument types. You might need to add explicit type casts.");
    DataFusionError::External(Box::new(error))
}

/// Why a function has no value at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The result is larger than a double.
    Overflow,
    /// The result is smaller than a double, and not zero.
    Underflow,
    /// The function is not defined there.
    Domain,
    /// A logarithm of zero.
    LogarithmOfZero,
    /// A logarithm of a negative number.
    LogarithmOfNegative,
    /// A root of a negative number.
    RootOfNegative,
    /// Zero to a negative power.
    ZeroToNegative,
    /// A negative number to a power that is not whole.
    NegativeToFraction,
    /// A division by zero.
    DivisionByZero,
}

impl From<Fault> for DataFusionError {
    fn from(fault: Fault) -> Self {
        let (kind, message) = match fault {
            Fault::Overflow => (ErrorKind::OutOfRange, "value out of range: overflow"),
            Fault::Underflow => (ErrorKind::OutOfRange, "value out of range: underflow"),
            Fault::Domain => (ErrorKind::OutOfRange, "input is out of range"),
            Fault::LogarithmOfZero => (ErrorKind::Logarithm, "cannot take logarithm of zero"),
            Fault::LogarithmOfNegative => (ErrorKind::Logarithm, "cannot take logarithm of a negative number"),
            Fault::RootOfNegative => (ErrorKind::Power, "cannot take square root of a negative number"),
            Fault::ZeroToNegative => (ErrorKind::Power, "zero raised to a negative power is undefined"),
            Fault::NegativeToFraction => {
                (ErrorKind::Power, "a negative number raised to a non-integer power yields a complex result")
            }
            Fault::DivisionByZero => (ErrorKind::DivisionByZero, "division by zero"),
        };
        Self::External(Box::new(QueryError::new(kind, message)))
    }
}

/// A value, or why there is none.
pub(crate) type Value = Result<f64, Fault>;

/// What is computed.
#[derive(Debug, Clone, Copy)]
enum Body {
    /// Of one number.
    One(fn(f64) -> Value),
    /// Of two numbers.
    Two(fn(f64, f64) -> Value),
    /// Of one number, or of two.
    Either(fn(f64) -> Value, fn(f64, f64) -> Value),
}

/// The functions by name. Those of degrees are in `angle`.
const FUNCTIONS: &[(&str, &str, Body)] = &[
    ("acos", "Inverse cosine, in radians.", Body::One(|x| within(-1.0, x, 1.0).map(f64::acos))),
    ("acosd", "Inverse cosine, in degrees.", Body::One(|x| within(-1.0, x, 1.0).map(angle::acosd))),
    ("acosh", "Inverse hyperbolic cosine.", Body::One(|x| within(1.0, x, f64::INFINITY).map(f64::acosh))),
    ("asin", "Inverse sine, in radians.", Body::One(|x| within(-1.0, x, 1.0).map(f64::asin))),
    ("asind", "Inverse sine, in degrees.", Body::One(|x| within(-1.0, x, 1.0).map(angle::asind))),
    ("asinh", "Inverse hyperbolic sine.", Body::One(|x| Ok(if x.is_infinite() || x == 0.0 { x } else { x.asinh() }))),
    ("atan", "Inverse tangent, in radians.", Body::One(|x| Ok(x.atan()))),
    ("atan2", "Inverse tangent of a quotient, in radians.", Body::Two(|y, x| Ok(y.atan2(x)))),
    ("atan2d", "Inverse tangent of a quotient, in degrees.", Body::Two(|y, x| Ok(angle::of_radians(y.atan2(x))))),
    ("atand", "Inverse tangent, in degrees.", Body::One(|x| Ok(angle::of_radians(x.atan())))),
    ("atanh", "Inverse hyperbolic tangent.", Body::One(|x| within(-1.0, x, 1.0).map(f64::atanh))),
    ("cbrt", "Cube root of a number.", Body::One(|x| Ok(x.cbrt()))),
    ("cos", "Cosine of an angle in radians.", Body::One(|x| finite(x).map(f64::cos))),
    ("cosd", "Cosine of an angle in degrees.", Body::One(|x| finite(x).map(angle::cosd))),
    ("cosh", "Hyperbolic cosine of a number.", Body::One(|x| Ok(x.cosh()))),
    ("cot", "Cotangent of an angle in radians.", Body::One(|x| finite(x).map(|x| 1.0 / x.tan()))),
    ("cotd", "Cotangent of an angle in degrees.", Body::One(|x| finite(x).map(angle::cotd))),
    ("degrees", "Radians in degrees.", Body::One(|x| in_range(x / (PI / 180.0), &[x]))),
    ("exp", "e to the power of a number.", Body::One(exp)),
    ("ln", "Natural logarithm of a number.", Body::One(|x| logarithm(x, f64::ln))),
    ("log", "Logarithm to the base 10, or to the base given first.", Body::Either(|x| logarithm(x, f64::log10), log)),
    ("log10", "Logarithm to the base 10.", Body::One(|x| logarithm(x, f64::log10))),
    ("power", "A number to the power of another.", Body::Two(power)),
    ("radians", "Degrees in radians.", Body::One(|x| in_range(x * (PI / 180.0), &[x]))),
    ("sin", "Sine of an angle in radians.", Body::One(|x| finite(x).map(f64::sin))),
    ("sind", "Sine of an angle in degrees.", Body::One(|x| finite(x).map(angle::sind))),
    ("sinh", "Hyperbolic sine of a number.", Body::One(|x| Ok(x.sinh()))),
    (
        "sqrt",
        "Square root of a number.",
        Body::One(|x| if x < 0.0 { Err(Fault::RootOfNegative) } else { Ok(x.sqrt()) }),
    ),
    ("tan", "Tangent of an angle in radians.", Body::One(|x| finite(x).map(f64::tan))),
    ("tand", "Tangent of an angle in degrees.", Body::One(|x| finite(x).map(angle::tand))),
    ("tanh", "Hyperbolic tangent of a number.", Body::One(|x| Ok(x.tanh()))),
];

/// The functions, as DataFusion takes them.
pub(crate) fn functions() -> impl Iterator<Item = ScalarUDF> {
    FUNCTIONS.iter().map(|(name, doc, body)| ScalarUDF::from(Double::new(name, doc, *body)))
}

/// An argument between two bounds, which may be NaN.
fn within(least: f64, x: f64, most: f64) -> Value {
    if x < least || x > most { Err(Fault::Domain) } else { Ok(x) }
}

/// An argument that is not infinite, and may be NaN.
fn finite(x: f64) -> Value {
    if x.is_infinite() { Err(Fault::Domain) } else { Ok(x) }
}

/// A result, unless it left the doubles and its arguments had not.
fn in_range(result: f64, arguments: &[f64]) -> Value {
    let finite = arguments.iter().all(|x| x.is_finite());
    if result.is_infinite() && finite {
        return Err(Fault::Overflow);
    }
    if result == 0.0 && finite && arguments.iter().all(|x| *x != 0.0) {
        return Err(Fault::Underflow);
    }
    Ok(result)
}

/// A logarithm of a number above zero.
fn logarithm(x: f64, of: fn(f64) -> f64) -> Value {
    if x == 0.0 {
        return Err(Fault::LogarithmOfZero);
    }
    if x < 0.0 {
        return Err(Fault::LogarithmOfNegative);
    }
    Ok(of(x))
}

/// The logarithm of `x` to a base, exact where it is whole.
fn log(base: f64, x: f64) -> Value {
    let (of_base, of_x) = (logarithm(base, f64::ln)?, logarithm(x, f64::ln)?);
    if of_base == 0.0 {
        return Err(Fault::DivisionByZero);
    }
    let quotient = of_x / of_base;
    let whole = quotient.round();
    Ok(if (quotient - whole).abs() < 1e-9 && base.powf(whole) == x { whole } else { quotient })
}

/// e to the power of a number.
fn exp(x: f64) -> Value {
    let result = x.exp();
    if result.is_infinite() && x.is_finite() {
        return Err(Fault::Overflow);
    }
    if result == 0.0 && x.is_finite() { Err(Fault::Underflow) } else { Ok(result) }
}

/// A number to the power of another, as POSIX has it where one of them is NaN or infinite.
pub(crate) fn power(x: f64, y: f64) -> Value {
    if x.is_nan() || y.is_nan() {
        return Ok(x.powf(y));
    }
    if x == 0.0 && y < 0.0 {
        return Err(Fault::ZeroToNegative);
    }
    if x < 0.0 && y.floor() != y {
        return Err(Fault::NegativeToFraction);
    }
    let result = x.powf(y);
    if x.is_infinite() || y.is_infinite() {
        return Ok(result);
    }
    if result.is_infinite() {
        return Err(Fault::Overflow);
    }
    if result == 0.0 && x != 0.0 { Err(Fault::Underflow) } else { Ok(result) }
}

/// One of the functions. NULL gives NULL.
#[derive(Debug)]
struct Double {
    name: &'static str,
    aliases: Vec<String>,
    body: Body,
    documentation: Documentation,
    signature: Signature,
}

impl Double {
    /// The function of a name.
    fn new(name: &'static str, doc: &str, body: Body) -> Self {
        let aliases = if name == "power" { vec!["pow".to_owned()] } else { Vec::new() };
        let section = Section::Numeric.of_datafusion();
        let documentation = Documentation::builder(section, doc, format!("{name}(...)")).build();
        Self { name, aliases, body, documentation, signature: Signature::user_defined(Volatility::Immutable) }
    }
}

impl PartialEq for Double {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Double {}

impl std::hash::Hash for Double {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl ScalarUDFImpl for Double {
    fn name(&self) -> &str {
        self.name
    }

    fn aliases(&self) -> &[String] {
        &self.aliases
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&self.documentation)
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        let fits = match self.body {
            Body::One(_) => arguments.len() == 1,
            Body::Two(_) => arguments.len() == 2,
            Body::Either(..) => matches!(arguments.len(), 1 | 2),
        };
        if !fits || !arguments.iter().all(|argument| argument.is_numeric() || argument.is_null()) {
            return Err(no_function(self.name, arguments));
        }
        Ok(vec![DataType::Float64; arguments.len()])
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Float64)
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        match (self.body, arguments.args.as_slice()) {
            (Body::One(body) | Body::Either(body, _), [only]) => one(only, body),
            (Body::Two(body) | Body::Either(_, body), [first, second]) => {
                two(first, second, arguments.number_rows, body)
            }
            _ => plan_err!("{} takes one number or two", self.name),
        }
    }
}

/// A result whose NaN has no sign, by which DataFusion would sort and compare it.
fn unsigned(result: Value) -> Value {
    result.map(|value| if value.is_nan() { f64::NAN } else { value })
}

/// The function of one argument over a column, or of a constant.
fn one(argument: &ColumnarValue, body: fn(f64) -> Value) -> Result<ColumnarValue> {
    match argument {
        ColumnarValue::Scalar(ScalarValue::Float64(value)) => {
            Ok(ColumnarValue::Scalar(ScalarValue::Float64(value.map(|value| unsigned(body(value))).transpose()?)))
        }
        ColumnarValue::Array(array) => {
            let results = array
                .as_primitive::<Float64Type>()
                .try_unary::<_, Float64Type, Fault>(|value| unsigned(body(value)))?;
            Ok(ColumnarValue::Array(Arc::new(results)))
        }
        ColumnarValue::Scalar(_) => plan_err!("a double is wanted"),
    }
}

/// The function of two arguments, row by row.
fn two(
    first: &ColumnarValue,
    second: &ColumnarValue,
    rows: usize,
    body: fn(f64, f64) -> Value,
) -> Result<ColumnarValue> {
    let constant = [first, second].iter().all(|argument| matches!(argument, ColumnarValue::Scalar(_)));
    let rows = if constant { 1 } else { rows };
    let (first, second) = (first.to_array(rows)?, second.to_array(rows)?);
    let pairs = first.as_primitive::<Float64Type>().iter().zip(second.as_primitive::<Float64Type>());
    let results = pairs.map(|(first, second)| match (first, second) {
        (Some(first), Some(second)) => unsigned(body(first, second)).map(Some),
        _ => Ok(None),
    });
    let results: ArrayRef = Arc::new(results.collect::<Result<Float64Array, Fault>>()?);
    Ok(if constant {
        ColumnarValue::Scalar(ScalarValue::try_from_array(&results, 0)?)
    } else {
        ColumnarValue::Array(results)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As PostgreSQL 15 answers.
    #[test]
    fn powers_follow_posix() {
        let infinity = f64::INFINITY;
        assert_eq!(power(2.0, 10.0), Ok(1024.0));
        assert_eq!(power(1.0, f64::NAN), Ok(1.0));
        assert_eq!(power(f64::NAN, 0.0), Ok(1.0));
        assert_eq!(power(-infinity, 3.0), Ok(-infinity));
        assert_eq!(power(0.5, infinity), Ok(0.0));
        assert_eq!(power(10.0, 400.0), Err(Fault::Overflow));
        assert_eq!(power(10.0, -400.0), Err(Fault::Underflow));
        assert_eq!(power(0.0, -1.0), Err(Fault::ZeroToNegative));
        assert_eq!(power(-8.0, 0.5), Err(Fault::NegativeToFraction));
    }

    #[test]
    fn whole_logarithms_are_exact() {
        assert_eq!(log(10.0, 1000.0), Ok(3.0));
        assert_eq!(log(2.0, 64.0), Ok(6.0));
        assert_eq!(log(1.0, 5.0), Err(Fault::DivisionByZero));
        assert_eq!(log(2.0, 0.0), Err(Fault::LogarithmOfZero));
    }
}
