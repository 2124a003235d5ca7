//! The conversion decides by the kind of a DataFusion or Arrow error what it becomes for the client.
//! This is the one place that does; no debug text goes further.

use super::message;
use crate::error::{ErrorKind, QueryError, nearest};
use arrow::error::ArrowError;
use datafusion::common::{Column, SchemaError};
use datafusion::error::DataFusionError;
use parquet::errors::ParquetError;
use std::io;

/// First words by which the conversion knows that a query's own memory limit is reached, not that of
/// all queries; the engine's memory pool writes them into DataFusion's `ResourcesExhausted`.
pub(crate) const QUERY_LIMIT: &str = "memory of one query: ";

/// First words by which the conversion knows that no file to spill to could be made; the engine writes them.
pub(crate) const SPILL_FAILED: &str = "cannot spill: ";

impl From<DataFusionError> for QueryError {
    fn from(error: DataFusionError) -> Self {
        Self::from_engine(&error, "")
    }
}

impl QueryError {
    /// DataFusion's error about a statement; its place in the text is found when DataFusion says
    /// where (a `Diagnostic` with a span).
    pub(crate) fn from_engine(error: &DataFusionError, sql: &str) -> Self {
        let converted = convert(error.find_root());
        match error.diagnostic().and_then(|diagnostic| diagnostic.span) {
            Some(span) => converted.at(span.start.line, span.start.column, sql),
            None => converted,
        }
    }
}

/// The error by its innermost cause.
fn convert(error: &DataFusionError) -> QueryError {
    match error {
        DataFusionError::ArrowError(error, _) => arrow(error),
        DataFusionError::ParquetError(error) => parquet(error),
        DataFusionError::ObjectStore(error) => storage(&format!("cannot read the lake: {error}")),
        DataFusionError::IoError(error) => input_output(error),
        DataFusionError::SQL(error, _) => QueryError::from_parser(error.as_ref().clone(), ""),
        DataFusionError::NotImplemented(text) => not_supported(text),
        DataFusionError::Internal(text) => QueryError::new(ErrorKind::Internal, message::first_line(text)),
        DataFusionError::Plan(text) => message::planning(text),
        DataFusionError::Configuration(text) => QueryError::new(ErrorKind::InvalidParameter, message::first_line(text)),
        DataFusionError::SchemaError(error, _) => schema(error),
        DataFusionError::Execution(text) => message::execution(text),
        DataFusionError::ExecutionJoin(_) => {
            QueryError::new(ErrorKind::Internal, "a task of the query ended before its time")
        }
        DataFusionError::ResourcesExhausted(text) => exhausted(text),
        DataFusionError::External(error) => external(error.as_ref()),
        DataFusionError::Context(_, error) | DataFusionError::Diagnostic(_, error) => convert(error.find_root()),
        DataFusionError::Shared(error) => convert(error.find_root()),
        DataFusionError::Collection(errors) => match errors.first() {
            Some(error) => convert(error.find_root()),
            None => QueryError::new(ErrorKind::Internal, "the query failed"),
        },
        DataFusionError::Substrait(text) | DataFusionError::Ffi(text) => {
            QueryError::new(ErrorKind::Internal, message::first_line(text))
        }
    }
}

/// DataFusion's words for a full spill directory, which come as a failure to write.
const SPILLING: &str = "used disk space during the spilling process";

/// The error of a query that needs more disk for spilling than it may have.
fn out_of_disk() -> QueryError {
    QueryError::new(ErrorKind::LimitExceeded, "the query needs more disk for spilling than the server's limit")
        .with_hint("Select fewer rows or columns, or raise limits.spill of the server.")
}

/// A failure of the system's to read or write a file.
fn input_output(error: &io::Error) -> QueryError {
    let text = error.to_string();
    refused(&text, innermost(error)).unwrap_or_else(|| unreadable(&text))
}

/// What the system said: DataFusion's spill files wrap its errors in their own, and those in the system's again.
fn innermost(error: &io::Error) -> io::ErrorKind {
    let wrapped = error.get_ref().and_then(|wrapped| wrapped.downcast_ref::<DataFusionError>());
    match wrapped.map(DataFusionError::find_root) {
        Some(DataFusionError::IoError(inner)) => innermost(inner),
        _ => error.kind(),
    }
}

/// What a disk says that takes no spills. Statements write nothing else.
fn refused(text: &str, kind: io::ErrorKind) -> Option<QueryError> {
    use io::ErrorKind::{QuotaExceeded, ReadOnlyFilesystem, StorageFull};
    let full = matches!(kind, StorageFull | QuotaExceeded | ReadOnlyFilesystem);
    if !full && !text.contains(SPILL_FAILED) {
        return None;
    }
    let reason = text.rsplit(SPILL_FAILED).next().unwrap_or(text);
    let reason = message::first_line(reason.strip_prefix("IO error: ").unwrap_or(reason));
    let error = QueryError::new(ErrorKind::DiskFull, format!("the query cannot spill to the server's disk: {reason}"));
    Some(error.with_hint("Select fewer rows or columns, or make room in the server's directory for temporary files."))
}

fn unreadable(text: &str) -> QueryError {
    storage(&format!("cannot read the lake: {text}"))
}

/// An error of the lake's files, or of the spill directory.
fn storage(text: &str) -> QueryError {
    // The limit of disk for spilling comes as any failure to write does, wrapped in several ways.
    if text.contains(SPILLING) {
        return out_of_disk();
    }
    QueryError::new(ErrorKind::Storage, message::first_line(text))
}

/// An error of the Parquet decoder, or of what it reads from.
fn parquet(error: &ParquetError) -> QueryError {
    match error {
        ParquetError::External(error) => external(error.as_ref()),
        error => storage(&format!("cannot read a parquet file: {error}")),
    }
}

/// Whether no rule has turned a subquery into a join, and DataFusion's physical planner meets it.
fn is_subquery_left_over(text: &str) -> bool {
    let subqueries = ["ScalarSubquery(", "Exists(", "InSubquery("];
    text.contains("does not support logical expression") && subqueries.iter().any(|kind| text.contains(kind))
}

/// What DataFusion says of a type that it does not know, before its name.
const UNKNOWN_TYPE: &str = "Unsupported SQL type ";

/// Types of PostgreSQL's that this server does not have, with a blank around each.
const OTHER_TYPES: &str = " abstime aclitem bit box cid cidr circle datemultirange daterange gtsvector inet int4multirange \
    int4range int8multirange int8range jsonpath line lseg macaddr macaddr8 money nummultirange numrange path pg_lsn \
    pg_snapshot point polygon refcursor regcollation regconfig regdictionary regnamespace regoper regoperator regprocedure \
    timetz tsmultirange tsquery tsrange tstzmultirange tstzrange tsvector txid_snapshot varbit xid xid8 xml ";

/// A type that is one word and that neither DataFusion nor PostgreSQL knows.
fn unknown_type(text: &str) -> Option<QueryError> {
    let name = text.strip_prefix(UNKNOWN_TYPE)?.lines().next()?.trim();
    let quoted = name.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let folded = quoted.map_or_else(|| name.to_lowercase(), str::to_owned);
    let word = folded.chars().all(|letter| letter.is_alphanumeric() || letter == '_') || quoted.is_some();
    let known = OTHER_TYPES.contains(&format!(" {folded} "));
    // DataFusion's parser writes those that it knows in capitals.
    let of_parser = quoted.is_none() && name.chars().all(|letter| !letter.is_lowercase());
    let wanted = word && !known && !of_parser;
    wanted.then(|| QueryError::new(ErrorKind::UnknownObject, format!("type \"{folded}\" does not exist")))
}

/// What DataFusion does not have; correlated subqueries that no rule takes apart get their own
/// sentence.
fn not_supported(text: &str) -> QueryError {
    if let Some(unknown) = unknown_type(text) {
        return unknown;
    }
    let text = message::first_line(text);
    if text.contains("OuterReferenceColumn") || text.contains("correlated") || is_subquery_left_over(text) {
        return message::correlated();
    }
    let text = match text.split_once("Unsupported ast node") {
        Some(_) => "this expression is not supported",
        None => message::without_trees(text),
    };
    QueryError::new(ErrorKind::NotSupported, message::lower_first(&message::postgres_types(text)))
}

/// An error of an Arrow kernel: arithmetic, casts, files.
fn arrow(error: &ArrowError) -> QueryError {
    match error {
        ArrowError::DivideByZero => QueryError::new(ErrorKind::DivisionByZero, "division by zero"),
        ArrowError::ArithmeticOverflow(_) => QueryError::new(ErrorKind::OutOfRange, "value out of range"),
        ArrowError::NotYetImplemented(text) => not_supported(text),
        ArrowError::ParquetError(text) => storage(&format!("cannot read a parquet file: {text}")),
        ArrowError::IoError(text, error) => refused(text, innermost(error)).unwrap_or_else(|| unreadable(text)),
        ArrowError::MemoryError(_) => QueryError::new(ErrorKind::OutOfMemory, "out of memory"),
        ArrowError::ExternalError(error) => external(error.as_ref()),
        ArrowError::CastError(text) | ArrowError::ParseError(text) => {
            let text = message::first_line(text);
            message::conversion(text).unwrap_or_else(|| {
                QueryError::new(ErrorKind::InvalidText, message::lower_first(&message::postgres_types(text)))
            })
        }
        ArrowError::InvalidArgumentError(text) | ArrowError::ComputeError(text) => message::execution(text),
        other => QueryError::new(ErrorKind::Internal, message::first_line(&other.to_string())),
    }
}

/// What has run out: disk for spilling, the query's own memory or that of all queries.
fn exhausted(text: &str) -> QueryError {
    if text.contains(SPILLING) {
        return out_of_disk();
    }
    if text.contains(QUERY_LIMIT) {
        let message = "out of memory: the query needs more than the server's limit for one query";
        return QueryError::new(ErrorKind::OutOfMemory, message)
            .with_hint("Select fewer rows or columns, or raise limits.query_memory of the server.");
    }
    QueryError::new(ErrorKind::OutOfMemory, "out of memory: the query needs more than the server's limit")
        .with_hint("Select fewer rows or columns, or raise the memory limit of the server.")
}

/// An error that travelled through DataFusion: ours comes out whole, others by their type, and
/// unknown ones as internal.
fn external(error: &(dyn std::error::Error + Send + Sync + 'static)) -> QueryError {
    if let Some(own) = error.downcast_ref::<QueryError>() {
        return own.clone();
    }
    if let Some(inner) = error.downcast_ref::<DataFusionError>() {
        return convert(inner.find_root());
    }
    if let Some(inner) = error.downcast_ref::<ArrowError>() {
        return arrow(inner);
    }
    if let Some(error) = error.downcast_ref::<io::Error>() {
        return input_output(error);
    }
    let text = error.to_string();
    message::regular_expression(&text)
        .unwrap_or_else(|| QueryError::new(ErrorKind::Internal, message::first_line(&text)))
}

/// An error about names: ambiguous, repeated or unknown columns.
fn schema(error: &SchemaError) -> QueryError {
    match error {
        SchemaError::AmbiguousReference { field } => {
            QueryError::new(ErrorKind::AmbiguousColumn, format!("column reference \"{}\" is ambiguous", field.name))
        }
        SchemaError::DuplicateQualifiedField { qualifier, .. } => {
            let table = message::table_name(&qualifier.to_string()).to_owned();
            QueryError::new(ErrorKind::AmbiguousColumn, format!("table name \"{table}\" specified more than once"))
        }
        SchemaError::DuplicateUnqualifiedField { name } => {
            QueryError::new(ErrorKind::AmbiguousColumn, format!("column \"{name}\" specified more than once"))
        }
        SchemaError::FieldNotFound { field, valid_fields } => unknown_column(field, valid_fields),
    }
}

/// A column that is not known: as a missing table when no table of its qualifier is in reach, with
/// the nearest name as a hint.
fn unknown_column(field: &Column, valid: &[Column]) -> QueryError {
    let Some(relation) = &field.relation else {
        let error = QueryError::new(ErrorKind::UnknownColumn, format!("column \"{}\" does not exist", field.name));
        return suggest(error, field, valid);
    };
    let known = |column: &Column| column.relation.as_ref().is_some_and(|of| of.table() == relation.table());
    let table = message::table_name(&relation.to_string()).to_owned();
    if !valid.is_empty() && !valid.iter().any(known) {
        let message = format!("missing FROM-clause entry for table \"{table}\"");
        return QueryError::new(ErrorKind::UnknownTable, message);
    }
    let message = format!("column {table}.{} does not exist", field.name);
    suggest(QueryError::new(ErrorKind::UnknownColumn, message), field, valid)
}

/// Adds the nearest of the known names as a hint, as PostgreSQL does.
fn suggest(error: QueryError, field: &Column, valid: &[Column]) -> QueryError {
    let names = valid.iter().map(|column| match &column.relation {
        Some(relation) => format!("{}.{}", relation.table(), column.name),
        None => column.name.clone(),
    });
    match nearest(&field.name, names) {
        Some(name) => error.with_hint(format!("Perhaps you meant to reference the column \"{name}\".")),
        None => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(error: DataFusionError, kind: ErrorKind, message: &str) {
        let error = QueryError::from(error);
        assert_eq!((error.kind, error.message.as_str()), (kind, message));
    }

    #[test]
    fn values_that_do_not_fit_say_so() {
        let arrow = |error| DataFusionError::ArrowError(Box::new(error), None);
        check(arrow(ArrowError::DivideByZero), ErrorKind::DivisionByZero, "division by zero");
        check(
            arrow(ArrowError::CastError("Cannot cast string 'abc' to value of Int64 type".to_owned())),
            ErrorKind::InvalidText,
            "invalid input syntax for type bigint: \"abc\"",
        );
        check(
            arrow(ArrowError::CastError("Can't cast value 300 to type Int8".to_owned())),
            ErrorKind::OutOfRange,
            "value \"300\" is out of range for type smallint",
        );
    }

    #[test]
    fn our_own_errors_travel_whole() {
        let own = QueryError::new(ErrorKind::Stale, "eod is 3 days old").with_hint("wait");
        let error = DataFusionError::Context("x".to_owned(), Box::new(DataFusionError::External(Box::new(own))));
        let error = QueryError::from(error);
        assert_eq!((error.kind, error.hint.as_deref()), (ErrorKind::Stale, Some("wait")));
    }

    #[test]
    fn causes_outside_the_query_are_named() {
        check(
            DataFusionError::IoError(std::io::Error::new(std::io::ErrorKind::NotFound, "eod/1.parquet: no such file")),
            ErrorKind::Storage,
            "cannot read the lake: eod/1.parquet: no such file",
        );
        let full = || std::io::Error::new(std::io::ErrorKind::StorageFull, "No space left on device (os error 28)");
        let message = "the query cannot spill to the server's disk: No space left on device (os error 28)";
        check(DataFusionError::IoError(full()), ErrorKind::DiskFull, message);
        let wrapped = std::io::Error::other(DataFusionError::IoError(full()));
        check(DataFusionError::IoError(wrapped), ErrorKind::DiskFull, message);
        let arrow = ArrowError::IoError(full().to_string(), full());
        check(DataFusionError::ArrowError(Box::new(arrow), None), ErrorKind::DiskFull, message);
        check(
            DataFusionError::IoError(std::io::Error::other(format!("{SPILL_FAILED}IO error: no such directory"))),
            ErrorKind::DiskFull,
            "the query cannot spill to the server's disk: no such directory",
        );
        check(
            DataFusionError::ResourcesExhausted("Failed to allocate 8 MB".to_owned()),
            ErrorKind::OutOfMemory,
            "out of memory: the query needs more than the server's limit",
        );
        check(
            DataFusionError::ResourcesExhausted(format!("Spill failed: {QUERY_LIMIT}8 more bytes for sort")),
            ErrorKind::OutOfMemory,
            "out of memory: the query needs more than the server's limit for one query",
        );
        check(
            DataFusionError::ArrowError(
                Box::new(ArrowError::IoError(
                    "The used disk space during the spilling process has exceeded".to_owned(),
                    std::io::Error::other("full"),
                )),
                None,
            ),
            ErrorKind::LimitExceeded,
            "the query needs more disk for spilling than the server's limit",
        );
    }
}
