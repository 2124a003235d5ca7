//! A failure of the lake as an error of the query.

use crate::error::{ErrorKind, QueryError};
use crate::lake::LakeError;
use datafusion::error::DataFusionError;

/// The error of a scan, to travel through DataFusion.
pub(crate) fn storage_error(error: LakeError) -> DataFusionError {
    DataFusionError::External(Box::new(query_error(error)))
}

/// The error itself: of what kind it is, and what to do about it.
pub(crate) fn query_error(error: LakeError) -> QueryError {
    let kind = match error {
        LakeError::Forgotten { .. } => ErrorKind::InvalidParameter,
        LakeError::Damaged { .. } => ErrorKind::Corrupted,
        _ => ErrorKind::Storage,
    };
    let converted = QueryError::new(kind, error.to_string());
    match error.advice() {
        Some(advice) => converted.with_hint(advice),
        None => converted,
    }
}
