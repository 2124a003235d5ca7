//! Keys of tables, as PostgreSQL tells of them: a constraint and the index that goes with it.
//!
//! No structure beside the table stands behind the index. Its access method is called `sorted`, because the rows of a
//! keyed table are sorted by the key; that is what a reader gains from it.

use super::description::Relation;
use super::rows::View;
use super::value::{Row, Value};
use super::{oid, types};
use crate::table::function::quoted;

/// Name of the access method of keys.
pub(super) const SORTED: &str = "sorted";

/// Number of that access method.
pub(super) fn sorted() -> u32 {
    oid::hashed("access method", SORTED)
}

/// Name of the constraint and of the index of a table's key.
pub(in crate::table) fn name(table: &str) -> String {
    format!("{table}_pkey")
}

/// Number of the constraint of a table's key.
pub(in crate::table) fn constraint(schema: &str, table: &str) -> u32 {
    oid::hashed("constraint", &format!("{schema}.{table}"))
}

/// What `pg_get_constraintdef` says.
pub(in crate::table) fn constraint_definition(key: &[&str]) -> String {
    format!("PRIMARY KEY ({})", columns(key))
}

/// What `pg_get_indexdef` says.
pub(in crate::table) fn index_definition(schema: &str, table: &str, key: &[&str]) -> String {
    let index = quoted(&name(table));
    format!("CREATE UNIQUE INDEX {index} ON {}.{} USING {SORTED} ({})", quoted(schema), quoted(table), columns(key))
}

/// `symbol, date`
fn columns(key: &[&str]) -> String {
    key.iter().map(|column| quoted(column)).collect::<Vec<_>>().join(", ")
}

/// Rows of `pg_constraint`.
pub(super) fn constraints(view: &View<'_>) -> Vec<Row> {
    let row = |(table, index): (&Relation, &Relation)| -> Row {
        vec![
            ("oid", constraint(&table.schema, &table.name).into()),
            ("conname", index.name.as_str().into()),
            ("connamespace", oid::namespace(&table.schema).into()),
            ("contype", 'p'.into()),
            ("convalidated", true.into()),
            ("conrelid", table.oid.into()),
            ("conindid", index.oid.into()),
            ("confupdtype", ' '.into()),
            ("confdeltype", ' '.into()),
            ("confmatchtype", ' '.into()),
            ("conislocal", true.into()),
            ("connoinherit", true.into()),
            ("conkey", Value::Ints(table.key.clone())),
        ]
    };
    view.description.keyed().map(row).collect()
}

/// Rows of `pg_index`.
pub(super) fn indexes(view: &View<'_>) -> Vec<Row> {
    let row = |(table, index): (&Relation, &Relation)| -> Row {
        let width = i32::try_from(index.key.len()).unwrap_or(i32::MAX);
        let collation = |field: &std::sync::Arc<arrow::datatypes::Field>| {
            let (number, _) = types::of_arrow(field.data_type());
            types::by_oid(number).map_or(0, |base| i64::from(base.collation))
        };
        let zeros = Value::Ints(vec![0; index.key.len()]);
        vec![
            ("indexrelid", index.oid.into()),
            ("indrelid", table.oid.into()),
            ("indnatts", width.into()),
            ("indnkeyatts", width.into()),
            ("indisunique", true.into()),
            ("indisprimary", true.into()),
            ("indimmediate", true.into()),
            ("indisvalid", true.into()),
            ("indisready", true.into()),
            ("indislive", true.into()),
            ("indkey", Value::Ints(index.key.clone())),
            ("indcollation", Value::Ints(index.columns.fields().iter().map(collation).collect())),
            ("indclass", zeros.clone()),
            ("indoption", zeros),
        ]
    };
    view.description.keyed().map(row).collect()
}

/// Rows of `pg_indexes`.
pub(super) fn index_definitions(view: &View<'_>) -> Vec<Row> {
    let row = |(table, index): (&Relation, &Relation)| -> Row {
        let key: Vec<&str> = table.key_columns().collect();
        vec![
            ("schemaname", table.schema.as_str().into()),
            ("tablename", table.name.as_str().into()),
            ("indexname", index.name.as_str().into()),
            ("tablespace", Value::Null),
            ("indexdef", index_definition(&table.schema, &table.name, &key).into()),
        ]
    };
    view.description.keyed().map(row).collect()
}
