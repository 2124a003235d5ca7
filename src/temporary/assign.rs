//! What may be put into a column of a temporary table: PostgreSQL's assignment casts, by kinds of types.

use super::contents::{Column, Table};
use super::statement::is_untyped;
use crate::dialect::catalog::types;
use crate::error::{ErrorKind, QueryError};
use crate::text::array::VECTOR;
use crate::text::json;
use arrow::datatypes::{DataType, Schema};
use datafusion::sql::sqlparser::ast;
use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::parser::Parser;

/// Kinds of types between whose members values are assigned alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Number,
    Text,
    Date,
    Time,
    Timestamp,
    Instant,
    Interval,
    Other,
}

impl Kind {
    fn of(data_type: &DataType) -> Self {
        match data_type {
            DataType::Dictionary(_, value) => Self::of(value),
            DataType::RunEndEncoded(_, value) => Self::of(value.data_type()),
            number if number.is_numeric() && *number != DataType::UInt32 => Self::Number,
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Null => Self::Text,
            DataType::Date32 | DataType::Date64 => Self::Date,
            DataType::Time32(_) | DataType::Time64(_) => Self::Time,
            DataType::Timestamp(_, None) => Self::Timestamp,
            DataType::Timestamp(_, Some(_)) => Self::Instant,
            DataType::Interval(_) | DataType::Duration(_) => Self::Interval,
            _ => Self::Other,
        }
    }
}

/// Checks that a value of one type may be put into a column of another.
///
/// # Errors
/// 42804 where PostgreSQL has no assignment cast.
pub(crate) fn check(column: &str, wanted: &DataType, given: &DataType) -> Result<(), QueryError> {
    let is_document = |data_type: &DataType| json::is_json(data_type) || json::is_jsonb(data_type);
    if let (DataType::List(wanted), DataType::List(given)) = (wanted, given)
        && wanted.name() != VECTOR
        && given.name() != VECTOR
    {
        return check(column, wanted.data_type(), given.data_type());
    }
    if is_document(wanted) && is_document(given) {
        return Ok(());
    }
    let (to, from) = (Kind::of(wanted), Kind::of(given));
    let fits = match (to, from) {
        (Kind::Text, _) => true,
        (Kind::Other, Kind::Other) => types::of_arrow(wanted).0 == types::of_arrow(given).0,
        (Kind::Date, Kind::Timestamp | Kind::Instant) | (Kind::Timestamp | Kind::Instant, Kind::Date) => true,
        (Kind::Timestamp, Kind::Instant) | (Kind::Instant, Kind::Timestamp) => true,
        (Kind::Time, Kind::Timestamp | Kind::Instant | Kind::Interval) | (Kind::Interval, Kind::Time) => true,
        // An object's number takes whole numbers.
        (Kind::Other, Kind::Number) => *wanted == DataType::UInt32 && given.is_integer(),
        (Kind::Number, Kind::Other) => *given == DataType::UInt32 && matches!(wanted, DataType::Int64),
        (to, from) => to == from,
    };
    if fits {
        return Ok(());
    }
    let message =
        format!("column \"{column}\" is of type {} but expression is of type {}", displayed(wanted), displayed(given));
    Err(QueryError::new(ErrorKind::TypeMismatch, message).with_hint("You will need to rewrite or cast the expression."))
}

/// Checks that a value of a type may be put into the column of a place; one without a type takes the column's.
///
/// # Errors
/// As [`check`].
pub(crate) fn check_place(table: &Table, place: usize, given: &DataType) -> Result<(), QueryError> {
    let (Some(column), Some(field)) = (table.columns.get(place), table.schema.fields().get(place)) else {
        return Ok(());
    };
    if given.is_null() { Ok(()) } else { check(&column.name, field.data_type(), given) }
}

/// Whether an item of a list is a literal that takes the type of its column.
pub(crate) fn is_untyped_item(item: &ast::SelectItem) -> bool {
    match item {
        ast::SelectItem::UnnamedExpr(expr) | ast::SelectItem::ExprWithAlias { expr, .. } => is_untyped(expr),
        _ => false,
    }
}

/// The type as PostgreSQL names it, without its modifier.
fn displayed(data_type: &DataType) -> String {
    types::display(types::of_arrow(data_type).0, None)
}

/// The columns of a table that is made of a query's rows.
///
/// # Errors
/// 42P16 for a column of a type that a table does not have, 42701 for two of one name.
pub(crate) fn columns_of(schema: &Schema) -> Result<Vec<Column>, QueryError> {
    let mut columns: Vec<Column> = Vec::with_capacity(schema.fields().len());
    for field in schema.fields() {
        let name = field.name().clone();
        if columns.iter().any(|column| column.name == name) {
            let message = format!("column \"{name}\" specified more than once");
            return Err(QueryError::new(ErrorKind::DuplicateColumn, message));
        }
        let declared = Parser::new(&PostgreSqlDialect {}).try_with_sql(&displayed(field.data_type()));
        let declared = declared.and_then(|mut parser| parser.parse_data_type());
        let pseudo = || {
            let message = format!("column \"{name}\" has pseudo-type record");
            QueryError::new(ErrorKind::InvalidTable, message)
        };
        if displayed(field.data_type()) == "record" {
            return Err(pseudo());
        }
        let sql_type: ast::DataType = declared.map_err(|_| pseudo())?;
        columns.push(Column { name, sql_type, declared: String::new(), length: None, required: false, default: None });
    }
    Ok(columns)
}

/// The Arrow type in which values of a type are kept.
pub(crate) fn kept(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Null => DataType::Utf8,
        DataType::Dictionary(_, value) => kept(value),
        DataType::RunEndEncoded(_, value) => kept(value.data_type()),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_go_where_postgresql_lets_them() {
        let (int, text) = (DataType::Int32, DataType::Utf8);
        for (wanted, given, fits) in [
            (&int, &DataType::Float64, true),
            (&int, &text, false),
            (&text, &int, true),
            (&text, &DataType::Date32, true),
            (&DataType::Date32, &text, false),
            (&DataType::Boolean, &int, false),
            (&DataType::Boolean, &DataType::Boolean, true),
            (&int, &DataType::Boolean, false),
        ] {
            assert_eq!(check("a", wanted, given).is_ok(), fits, "{wanted} from {given}");
        }
    }
}
