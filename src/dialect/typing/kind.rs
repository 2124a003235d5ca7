//! PostgreSQL's types over Arrow's: a [`Kind`] is what PostgreSQL resolves operators, functions and branches by, whatever
//! Arrow type the values are held in.

use crate::dialect::moment;
use crate::error::{ErrorKind, QueryError};
use arrow::datatypes::DataType;
use datafusion::error::DataFusionError;

/// The Arrow type of a `numeric` whose digits behind the point are not known when a statement is planned: quotients,
/// averages, casts of doubles, parameters.
pub(crate) use crate::text::decimal::UNBOUND;

/// A type as PostgreSQL knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A literal in quotes, NULL, or a parameter without a type: it takes the type of what it stands beside.
    Unknown,
    /// A `boolean`, which has no order with numbers.
    Bool,
    /// A `smallint` of 16 bits.
    Int2,
    /// An `integer` of 32 bits.
    Int4,
    /// A `bigint` of 64 bits.
    Int8,
    /// The number of an object of the catalog.
    Oid,
    /// A `numeric`, whatever Arrow decimal holds it.
    Numeric,
    /// A `real` of single precision.
    Float4,
    /// A `double precision`, the preferred type among numbers.
    Float8,
    /// A `text`, and what is held as one: `varchar`, `json`, `uuid`.
    Text,
    /// A `bytea` of any length.
    Bytea,
    /// A `date` without a time.
    Date,
    /// A `time` without a zone.
    Time,
    /// A `timestamp` without a zone.
    Timestamp,
    /// A `timestamp with time zone`, the preferred type among moments.
    Timestamptz,
    /// An `interval` of months, days and microseconds.
    Interval,
    /// An array, by the kind of its elements.
    Array(Box<Kind>),
    /// What PostgreSQL has no equal for, or what is resolved elsewhere: records.
    Other,
}

impl Kind {
    /// The kind of an Arrow type; NULL's own type is unknown.
    pub(crate) fn of(data_type: &DataType) -> Self {
        match data_type {
            DataType::Null => Self::Unknown,
            // Of documents, UUIDs and addresses of rows the operators are planned apart.
            own if crate::text::uuid::is_uuid(own) || crate::text::tid::is_tid(own) => Self::Other,
            DataType::Boolean => Self::Bool,
            DataType::Int8 | DataType::Int16 | DataType::UInt8 => Self::Int2,
            DataType::Int32 | DataType::UInt16 => Self::Int4,
            DataType::Int64 | DataType::UInt64 => Self::Int8,
            DataType::UInt32 => Self::Oid,
            DataType::Decimal32(..) | DataType::Decimal64(..) | DataType::Decimal128(..) | DataType::Decimal256(..) => {
                Self::Numeric
            }
            DataType::Float16 | DataType::Float32 => Self::Float4,
            DataType::Float64 => Self::Float8,
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Self::Text,
            DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => {
                Self::Bytea
            }
            DataType::Date32 | DataType::Date64 => Self::Date,
            DataType::Time32(_) | DataType::Time64(_) => Self::Time,
            DataType::Timestamp(_, None) => Self::Timestamp,
            DataType::Timestamp(_, Some(_)) => Self::Timestamptz,
            DataType::Interval(_) | DataType::Duration(_) => Self::Interval,
            DataType::List(element) | DataType::LargeList(element) | DataType::FixedSizeList(element, _) => {
                Self::Array(Box::new(Self::of(element.data_type())))
            }
            DataType::Dictionary(_, value) => Self::of(value),
            DataType::RunEndEncoded(_, value) => Self::of(value.data_type()),
            _ => Self::Other,
        }
    }

    /// The Arrow type of values of this kind; `None` where there are several, as of `numeric`, or none.
    pub(crate) fn data_type(&self) -> Option<DataType> {
        Some(match self {
            Self::Bool => DataType::Boolean,
            Self::Int2 => DataType::Int16,
            Self::Int4 => DataType::Int32,
            Self::Int8 => DataType::Int64,
            Self::Oid => DataType::UInt32,
            Self::Float4 => DataType::Float32,
            Self::Float8 => DataType::Float64,
            Self::Text => DataType::Utf8,
            Self::Bytea => DataType::Binary,
            Self::Date | Self::Time | Self::Timestamp | Self::Timestamptz | Self::Interval => {
                self.moment()?.data_type()
            }
            Self::Array(element) => DataType::new_list(element.data_type()?, true),
            Self::Numeric | Self::Unknown | Self::Other => return None,
        })
    }

    /// The name by which PostgreSQL's messages call it.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Unknown => "unknown",
            Self::Bool => "boolean",
            Self::Int2 => "smallint",
            Self::Int4 => "integer",
            Self::Int8 => "bigint",
            Self::Oid => "oid",
            Self::Numeric => "numeric",
            Self::Float4 => "real",
            Self::Float8 => "double precision",
            Self::Text => "text",
            Self::Bytea => "bytea",
            Self::Date => "date",
            Self::Time => "time without time zone",
            Self::Timestamp => "timestamp without time zone",
            Self::Timestamptz => "timestamp with time zone",
            Self::Interval => "interval",
            Self::Array(element) => return format!("{}[]", element.name()),
            Self::Other => "record",
        }
        .to_owned()
    }

    /// Whether it is an integer with a sign.
    pub(crate) fn is_integer(&self) -> bool {
        matches!(self, Self::Int2 | Self::Int4 | Self::Int8)
    }

    /// Whether it is a number that is computed with; the numbers of objects are not.
    pub(crate) fn is_number(&self) -> bool {
        self.number_rank().is_some()
    }

    /// Whether it is a number in binary digits.
    pub(crate) fn is_float(&self) -> bool {
        matches!(self, Self::Float4 | Self::Float8)
    }

    /// The kind of time it is, if it is one.
    pub(crate) fn moment(&self) -> Option<moment::types::Kind> {
        Some(match self {
            Self::Date => moment::types::Kind::Date,
            Self::Time => moment::types::Kind::Time,
            Self::Timestamp => moment::types::Kind::Timestamp,
            Self::Timestamptz => moment::types::Kind::Timestamptz,
            Self::Interval => moment::types::Kind::Interval,
            _ => return None,
        })
    }

    /// Whether it is an array of intervals, whose elements are not compared by their length.
    pub(crate) fn has_spans(&self) -> bool {
        match self {
            Self::Array(element) => **element == Self::Interval || element.has_spans(),
            _ => false,
        }
    }

    /// The place among numbers, each of which PostgreSQL casts to those above without being asked.
    fn number_rank(&self) -> Option<u8> {
        Some(match self {
            Self::Int2 => 0,
            Self::Int4 => 1,
            Self::Int8 => 2,
            Self::Numeric => 3,
            Self::Float4 => 4,
            Self::Float8 => 5,
            _ => return None,
        })
    }

    /// The place among moments, each of which PostgreSQL casts to those above without being asked.
    fn moment_rank(&self) -> Option<u8> {
        Some(match self {
            Self::Date => 0,
            Self::Timestamp => 1,
            Self::Timestamptz => 2,
            _ => return None,
        })
    }

    /// The kind of an operator over two numbers; a `real` beside another kind of number gives a double.
    pub(crate) fn arithmetic(&self, other: &Self) -> Option<Self> {
        let (own, others) = (self.number_rank()?, other.number_rank()?);
        Some(match self {
            _ if self == other => self.clone(),
            _ if self.is_float() || other.is_float() => Self::Float8,
            _ if own > others => self.clone(),
            _ => other.clone(),
        })
    }

    /// The kind in which PostgreSQL brings two branches together (UNION, CASE, coalesce); `None` when it refuses them.
    pub(crate) fn common(&self, other: &Self) -> Option<Self> {
        let higher = |own: u8, others: u8| if own >= others { self.clone() } else { other.clone() };
        match (self, other) {
            _ if self == other => Some(self.clone()),
            (Self::Unknown, known) | (known, Self::Unknown) => Some(known.clone()),
            (Self::Oid, number) | (number, Self::Oid) if number.is_integer() => Some(Self::Oid),
            (Self::Array(own), Self::Array(others)) => Some(Self::Array(Box::new(own.common(others)?))),
            _ => match (self.number_rank(), other.number_rank(), self.moment_rank(), other.moment_rank()) {
                (Some(own), Some(others), ..) | (.., Some(own), Some(others)) => Some(higher(own, others)),
                _ => None,
            },
        }
    }

    /// The kind in which two values are compared; `None` when PostgreSQL has no such operator.
    pub(crate) fn comparable(&self, other: &Self) -> Option<Self> {
        match (self, other) {
            _ if self == other => Some(self.clone()),
            (Self::Oid, number) | (number, Self::Oid) if number.is_integer() => Some(Self::Int8),
            (Self::Time, Self::Interval) | (Self::Interval, Self::Time) => Some(Self::Interval),
            // Operators of arrays want both of one type, and cast neither.
            (Self::Array(own), Self::Array(others)) if **own != Self::Unknown && **others != Self::Unknown => None,
            _ => self.arithmetic(other).or_else(|| self.common(other)),
        }
    }
}

/// The Arrow type that holds every `numeric` of two types without loss, as far as 76 digits go: what has more fails when
/// it is computed.
pub(crate) fn widest(left: &DataType, right: &DataType) -> Result<DataType, DataFusionError> {
    let ((left_digits, left_scale), (right_digits, right_scale)) = (digits(left)?, digits(right)?);
    let scale = left_scale.max(right_scale);
    let whole = (left_digits - left_scale).max(right_digits - right_scale);
    Ok(decimal(whole + scale, scale))
}

/// The decimal type of so many digits, some of them behind the point; the narrowest Arrow type with room for them.
pub(crate) fn decimal(digits: i16, scale: i16) -> DataType {
    let scale = i8::try_from(scale).unwrap_or(i8::MAX);
    match u8::try_from(digits.max(i16::from(scale)).max(1)) {
        Ok(digits @ ..=38) => DataType::Decimal128(digits, scale),
        Ok(digits @ ..=76) => DataType::Decimal256(digits, scale),
        _ => DataType::Decimal256(76, scale),
    }
}

/// Digits of a number's type, and those behind the point.
///
/// # Errors
/// 0A000 for a literal with more zeros before the point than decimals have room for.
pub(crate) fn digits(data_type: &DataType) -> Result<(i16, i16), DataFusionError> {
    let (digits, scale) = match data_type {
        DataType::Int8 | DataType::Int16 | DataType::UInt8 => (5, 0),
        DataType::Int32 | DataType::UInt16 => (10, 0),
        DataType::Int64 => (19, 0),
        DataType::UInt32 => (10, 0),
        DataType::UInt64 => (20, 0),
        DataType::Decimal32(digits, scale)
        | DataType::Decimal64(digits, scale)
        | DataType::Decimal128(digits, scale)
        | DataType::Decimal256(digits, scale) => (i16::from(*digits), i16::from(*scale)),
        _ => (76, 38),
    };
    if scale < 0 {
        return Err(too_many_digits());
    }
    Ok((digits, scale))
}

/// The type of a sum of two numerics, with room for one digit more than the longer has.
///
/// # Errors
/// As [`digits`].
pub(crate) fn sum_digits(left: &DataType, right: &DataType) -> Result<DataType, DataFusionError> {
    let ((left_digits, left_scale), (right_digits, right_scale)) = (digits(left)?, digits(right)?);
    let scale = left_scale.max(right_scale);
    Ok(decimal((left_digits - left_scale).max(right_digits - right_scale) + 1 + scale, scale))
}

/// 0A000: a number that PostgreSQL's `numeric` holds and a decimal of 76 digits does not.
pub(crate) use crate::dialect::arithmetic::decimal::too_many_digits;

/// An error of ours as DataFusion carries it.
pub(crate) fn refusal(kind: ErrorKind, message: impl Into<String>) -> DataFusionError {
    DataFusionError::External(Box::new(QueryError::new(kind, message)))
}
