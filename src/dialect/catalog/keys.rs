//! The key of a table becomes a constraint and an index, as PostgreSQL tells of primary keys in
//! `pg_constraint` and `pg_index`.
//!
//! No structure beside the table stands behind the index: the rows of a keyed table are sorted by the
//! key, which serves the same searches as a `btree`, and that is its access method. A method of our own
//! would be refused by tools that build the table anew elsewhere.

use super::description::Relation;
use super::value::{Row, Value};
use super::view::View;
use super::{oid, operator_class, types};
use crate::text::identifier::quote;

/// The number of the constraint of a table's key, the same in every process.
pub(crate) fn constraint(schema: &str, table: &str) -> u32 {
    oid::hashed("constraint", &format!("{schema}.{table}"))
}

/// The constraint as `pg_get_constraintdef` writes it: `PRIMARY KEY (symbol, date)`.
pub(crate) fn constraint_definition(key: &[&str]) -> String {
    format!("PRIMARY KEY ({})", columns(key))
}

/// The index as `pg_get_indexdef` writes it: `CREATE UNIQUE INDEX ... USING btree (symbol, date)`.
pub(crate) fn index_definition(schema: &str, table: &str, key: &[&str]) -> String {
    let index = quote(&oid::key_index(table));
    format!("CREATE UNIQUE INDEX {index} ON {}.{} USING btree ({})", quote(schema), quote(table), columns(key))
}

/// The columns of a key with commas between, in quotes where a name needs them.
fn columns(key: &[&str]) -> String {
    key.iter().map(|column| quote(column)).collect::<Vec<_>>().join(", ")
}

/// The rows of `pg_constraint`: one for the key of each table that has one.
pub(crate) fn constraints(view: &View<'_>) -> Vec<Row> {
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

/// The rows of `pg_index`: one for each key, unique, primary and over whole columns.
pub(crate) fn indexes(view: &View<'_>) -> Vec<Row> {
    let row = |(table, index): (&Relation, &Relation)| -> Row {
        let width = i32::try_from(index.key.len()).unwrap_or(i32::MAX);
        let collation = |field: &std::sync::Arc<arrow::datatypes::Field>| {
            let (number, _) = types::of_arrow(field.data_type());
            types::by_oid(number).map_or(0, |base| i64::from(base.collation))
        };
        let class = |field: &std::sync::Arc<arrow::datatypes::Field>| {
            i64::from(operator_class::class_of(types::of_arrow(field.data_type()).0))
        };
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
            ("indclass", Value::Ints(index.columns.fields().iter().map(class).collect())),
            ("indoption", Value::Ints(vec![0; index.key.len()])),
        ]
    };
    view.description.keyed().map(row).collect()
}

/// The rows of `pg_indexes`, with each index's definition as text.
pub(crate) fn index_definitions(view: &View<'_>) -> Vec<Row> {
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
