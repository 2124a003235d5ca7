//! The types of a relation's columns with their modifiers, as `pg_attribute` and the description of a result tell them
//! alike.

use super::definition::Definition;
use super::types;
use super::written::written;
use arrow::datatypes::Schema;
use datafusion::catalog::TableProvider;
use datafusion::logical_expr::TableType;

/// Number and modifier of each column's type: as the catalog's own table declares it, as the table itself does (see
/// [`declaration`]), or else as its Arrow type is.
pub(crate) fn column_types(
    declared: Option<&Definition>,
    table: Option<&dyn TableProvider>,
    columns: &Schema,
) -> Vec<(u32, i32)> {
    let base = table.is_none_or(|table| table.table_type() == TableType::Base);
    let definition = table.filter(|table| table.table_type() == TableType::Temporary);
    let mut lines = definition.and_then(TableProvider::get_table_definition).unwrap_or_default().lines();
    let mut own = declared.into_iter().flat_map(Definition::columns);
    let of_column = |field: &std::sync::Arc<arrow::datatypes::Field>| {
        let line = lines.next().and_then(written);
        let own = own.next().and_then(|(_, kind)| types::by_name(kind)).map(|oid| (oid, -1));
        let (oid, modifier) = types::of_arrow(field.data_type());
        // Of what a query has computed the digits follow from Arrow's arithmetic, and nobody has declared them.
        own.or(line).unwrap_or((oid, if base { modifier } else { -1 }))
    };
    columns.fields().iter().map(of_column).collect()
}

/// What a temporary table tells as its definition: for each column a line with its type as SQL writes it, which is empty
/// where nobody has declared one.
pub(crate) fn declaration<'a>(types: impl Iterator<Item = &'a str>) -> String {
    types.collect::<Vec<_>>().join("\n")
}
