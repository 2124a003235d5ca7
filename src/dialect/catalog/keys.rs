//! The keys of a table become constraints and indexes, as PostgreSQL tells of them in `pg_constraint` and `pg_index`; what
//! its rows are checked for becomes constraints as well.
//!
//! No structure beside the table stands behind the index: the rows of a keyed table are sorted by the
//! key, which serves the same searches as a `btree`, and that is its access method. A method of our own
//! would be refused by tools that build the table anew elsewhere.

use super::comments::{Condition, Key};
use super::description::Relation;
use super::value::{Row, Value};
use super::view::View;
use super::{oid, types};
use crate::text::identifier::quote;

/// The number of a constraint of a table, the same in every process.
pub(crate) fn constraint(schema: &str, table: &str, name: &str) -> u32 {
    if name == oid::key_index(table) {
        return oid::hashed("constraint", &format!("{schema}.{table}"));
    }
    oid::hashed("constraint", &format!("{schema}.{table}.{name}"))
}

/// A key as `pg_get_constraintdef` writes it: `PRIMARY KEY (symbol, date)`.
pub(crate) fn constraint_definition(key: &Key) -> String {
    format!("{} ({})", if key.primary { "PRIMARY KEY" } else { "UNIQUE" }, columns(&key.columns))
}

/// A condition as `pg_get_constraintdef` writes it.
pub(crate) fn check_definition(condition: &str) -> String {
    format!("CHECK (({condition}))")
}

/// The index as `pg_get_indexdef` writes it: `CREATE UNIQUE INDEX ... USING btree (symbol, date)`.
pub(crate) fn index_definition(schema: &str, table: &str, key: &Key) -> String {
    let (index, listed) = (quote(&key.name), columns(&key.columns));
    format!("CREATE UNIQUE INDEX {index} ON {}.{} USING btree ({listed})", quote(schema), quote(table))
}

/// The columns of a key with commas between, in quotes where a name needs them.
fn columns(key: &[String]) -> String {
    key.iter().map(|column| quote(column)).collect::<Vec<_>>().join(", ")
}

/// The rows of `pg_constraint`: one for each key of a table, and one for each condition of its rows.
pub(crate) fn constraints(view: &View<'_>) -> Vec<Row> {
    let row = |table: &Relation, name: &str, kind: char| -> Row {
        vec![
            ("oid", constraint(&table.schema, &table.name, name).into()),
            ("conname", name.into()),
            ("connamespace", oid::namespace(&table.schema).into()),
            ("contype", kind.into()),
            ("convalidated", true.into()),
            ("conrelid", table.oid.into()),
            ("confupdtype", ' '.into()),
            ("confdeltype", ' '.into()),
            ("confmatchtype", ' '.into()),
            ("conislocal", true.into()),
            ("connoinherit", (kind != 'c').into()),
        ]
    };
    let key = |(table, index): (&Relation, &Relation)| {
        let mut row = row(table, &index.name, if index.primary { 'p' } else { 'u' });
        row.extend([("conindid", index.oid.into()), ("conkey", Value::Ints(index.key.clone()))]);
        row
    };
    let checks =
        view.description.relations.iter().flat_map(|table| table.checks.iter().map(move |check| (table, check)));
    let check = |(table, check): (&Relation, &Condition)| {
        let number = |column: &String| i64::try_from(table.columns.index_of(column).ok()? + 1).ok();
        let mut row = row(table, &check.name, 'c');
        let columns = check.columns.iter().filter_map(number).collect();
        row.extend([("conkey", Value::Ints(columns)), ("conbin", check.text.as_str().into())]);
        row
    };
    view.description.keyed().map(key).chain(checks.map(check)).collect()
}

/// The rows of `pg_index`: one for each key, unique and over whole columns.
pub(crate) fn indexes(view: &View<'_>) -> Vec<Row> {
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
            ("indisprimary", index.primary.into()),
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

/// The rows of `pg_indexes`, with each index's definition as text.
pub(crate) fn index_definitions(view: &View<'_>) -> Vec<Row> {
    let row = |(table, index): (&Relation, &Relation)| -> Row {
        let columns = index.key_columns().map(str::to_owned).collect();
        let key = Key { name: index.name.clone(), columns, primary: index.primary };
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
