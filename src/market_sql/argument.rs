//! What functions of market SQL take as their arguments, and the types that these are brought to.

use crate::dialect::catalog::types;
use crate::dialect::moment::fault;
use crate::dialect::typing::kind::Kind;
use crate::error::{ErrorKind, QueryError};
use arrow::datatypes::DataType;
use datafusion::common::Result;
use datafusion::error::DataFusionError;

/// What an argument is taken as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Taken {
    /// A number of any type, as a double.
    Number,
    /// A whole number, as a bigint.
    Whole,
    /// A date or a moment, in its own type.
    Moment,
    /// A value of any type, in its own.
    Any,
    /// A value of any type that has an order, in its own.
    Ordered,
}

impl Taken {
    /// The type that a value of a type is brought to; `None` where it is not taken. What has no type takes that of its place.
    fn data_type(self, given: &DataType) -> Option<DataType> {
        let kind = Kind::of(given);
        // A text that is written out has no type yet; the typing refuses any other where a number is taken.
        let untyped = kind == Kind::Unknown;
        let written = untyped || kind == Kind::Text;
        match self {
            Self::Number => (written || kind.is_number()).then_some(DataType::Float64),
            Self::Whole => (written || kind.is_integer()).then_some(DataType::Int64),
            Self::Moment if untyped => Kind::Timestamptz.data_type(),
            Self::Moment => {
                matches!(kind, Kind::Date | Kind::Timestamp | Kind::Timestamptz).then(|| kind.data_type()).flatten()
            }
            Self::Any | Self::Ordered if untyped => Some(DataType::Utf8),
            Self::Ordered if !is_ordered(given) => None,
            Self::Any | Self::Ordered => Some(plain(given)),
        }
    }
}

/// A value's own type, whatever saves room in a column of it.
fn plain(given: &DataType) -> DataType {
    match given {
        DataType::Dictionary(_, value) => plain(value),
        DataType::RunEndEncoded(_, values) => plain(values.data_type()),
        DataType::Interval(_) | DataType::Duration(_) => Kind::Interval.data_type().unwrap_or_else(|| given.clone()),
        other => other.clone(),
    }
}

/// Whether rows are picked by values of a type. Documents of JSON have no order here.
fn is_ordered(given: &DataType) -> bool {
    let name = types::display(types::of_arrow(given).0, None);
    !matches!(name.as_str(), "json" | "jsonb") && !matches!(given, DataType::Map(..) | DataType::Union(..))
}

/// The types that the arguments of a call are brought to. The first `least` of those that are taken have to be there.
///
/// # Errors
/// 42883 for arguments that are not taken.
pub(super) fn coerced(name: &str, taken: &[Taken], least: usize, given: &[DataType]) -> Result<Vec<DataType>> {
    let fits = (least..=taken.len()).contains(&given.len());
    let types = given.iter().zip(taken).map(|(given, taken)| taken.data_type(given));
    let types: Option<Vec<DataType>> = types.collect();
    types.filter(|_| fits).ok_or_else(|| missing(name, given))
}

/// 42883: no function of that name takes these arguments.
fn missing(name: &str, given: &[DataType]) -> DataFusionError {
    let types: Vec<String> = given.iter().map(|given| Kind::of(given).name()).collect();
    fault::unknown(format!("function {name}({}) does not exist", types.join(", ")))
}

/// 22003: finite numbers whose result is not.
pub(super) fn overflow() -> DataFusionError {
    fault::external(QueryError::new(ErrorKind::OutOfRange, "value out of range: overflow"))
}

/// A number that came out of finite ones.
///
/// # Errors
/// 22003 where it is none.
pub(super) fn finite(value: f64) -> Result<f64> {
    if value.is_finite() { Ok(value) } else { Err(overflow()) }
}
