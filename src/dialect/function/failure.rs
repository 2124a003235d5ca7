//! Errors of functions, with PostgreSQL's kinds and words.

use crate::dialect::catalog::types;
use crate::error::{ErrorKind, QueryError};
use crate::text::json::Invalid;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::Result;
use datafusion::error::DataFusionError;

/// PostgreSQL's error for a call that no function takes.
pub(super) fn no_such_call(name: &str, given: &[DataType]) -> DataFusionError {
    let given: Vec<String> = given
        .iter()
        .map(
            |given| if given.is_null() { "unknown".to_owned() } else { types::display(types::of_arrow(given).0, None) },
        )
        .collect();
    let error =
        QueryError::new(ErrorKind::UnknownFunction, format!("function {name}({}) does not exist", given.join(", ")))
            .with_hint(
                "No function matches the given name and argument types. You might need to add explicit type casts.",
            );
    DataFusionError::External(Box::new(error))
}

/// An error of a value, as DataFusion carries it.
pub(super) fn fails<T>(kind: ErrorKind, message: impl Into<String>) -> Result<T> {
    Err(DataFusionError::External(Box::new(QueryError::new(kind, message))))
}

/// The error of a text that is no JSON.
pub(super) fn invalid_json(invalid: Invalid) -> DataFusionError {
    let (kind, message) = match invalid {
        Invalid::Syntax => (ErrorKind::InvalidText, "invalid input syntax for type json"),
        Invalid::Letter => (ErrorKind::Untranslatable, "unsupported Unicode escape sequence"),
        Invalid::OutOfRange => (ErrorKind::OutOfRange, "value overflows numeric format"),
        Invalid::TooDeep => (ErrorKind::TooDeep, "stack depth limit exceeded"),
    };
    DataFusionError::External(Box::new(QueryError::new(kind, message)))
}
