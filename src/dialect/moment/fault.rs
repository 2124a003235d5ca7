//! Faults of dates, times and spans as errors with PostgreSQL's SQLSTATEs and sentences.

use crate::error::{ErrorKind, QueryError};
use crate::text::datetime::Fault;
use datafusion::error::DataFusionError;

/// The error of a text that was to be of a type, by PostgreSQL's name for it.
pub(crate) fn error(fault: Fault, text: &str, wanted: &str) -> QueryError {
    let (kind, message) = match fault {
        Fault::Syntax => (ErrorKind::InvalidDatetime, format!("invalid input syntax for type {wanted}: \"{text}\"")),
        Fault::Field => (ErrorKind::DatetimeOverflow, format!("date/time field value out of range: \"{text}\"")),
        Fault::Span => (ErrorKind::IntervalOverflow, format!("interval field value out of range: \"{text}\"")),
        Fault::Offset => (ErrorKind::InvalidOffset, format!("time zone displacement out of range: \"{text}\"")),
        Fault::Zone => {
            let zone = text.rsplit(' ').next().unwrap_or(text).to_ascii_lowercase();
            (ErrorKind::InvalidParameter, format!("time zone \"{zone}\" not recognized"))
        }
        Fault::Range => {
            let wanted = wanted.split(' ').next().unwrap_or(wanted);
            (ErrorKind::DatetimeOverflow, format!("{wanted} out of range: \"{text}\""))
        }
    };
    QueryError::new(kind, message)
}

/// An error of ours as DataFusion carries it.
pub(crate) fn external(error: QueryError) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}

/// 22008: a result has no place in its type, by the type's name.
pub(crate) fn out_of_range(what: &str) -> DataFusionError {
    external(QueryError::new(ErrorKind::DatetimeOverflow, format!("{what} out of range")))
}

/// 22008 with a sentence of its own.
pub(crate) fn overflow(message: &str) -> DataFusionError {
    external(QueryError::new(ErrorKind::DatetimeOverflow, message))
}

/// 22023: a value that a function does not take.
pub(crate) fn invalid(message: String) -> DataFusionError {
    external(QueryError::new(ErrorKind::InvalidParameter, message))
}

/// 0A000: what is not supported, here or in PostgreSQL.
pub(crate) fn not_supported(message: String) -> DataFusionError {
    external(QueryError::new(ErrorKind::NotSupported, message))
}

/// 42883: no operator or function for these types.
pub(crate) fn unknown(message: String) -> DataFusionError {
    external(QueryError::new(ErrorKind::UnknownFunction, message))
}
