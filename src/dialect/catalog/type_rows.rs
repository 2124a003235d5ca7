//! The rows of `pg_type`.

use super::row_type::RowTypes;
use super::value::{Row, Value};
use super::view::View;
use super::{oid, types};

/// `pg_type`: a row for each base type, for the row type of each table and view, and for the array type of each.
pub(super) fn types(view: &View<'_>) -> Vec<Row> {
    let mut rows = base_types();
    let types = RowTypes::of(&view.description.names);
    for (relation, schema, name) in view.description.names.tables() {
        if let Some((row, array)) = types.of_relation(relation) {
            rows.extend(row_types(relation, (schema, name), row, array));
        }
    }
    rows
}

/// The rows of a relation's row type and of the array type over it.
fn row_types(relation: u32, (schema, name): (&str, &str), row: u32, array: u32) -> [Row; 2] {
    let common = |oid: u32, name: String, category: char| -> Row {
        vec![
            ("oid", oid.into()),
            ("typname", name.into()),
            ("typnamespace", oid::namespace(schema).into()),
            ("typowner", oid::OWNER.into()),
            ("typlen", Value::Int(-1)),
            ("typcategory", category.into()),
            ("typisdefined", true.into()),
            ("typdelim", ','.into()),
            ("typalign", 'd'.into()),
            ("typstorage", 'x'.into()),
            ("typtypmod", Value::Int(-1)),
        ]
    };
    let functions = |stem: &str| -> Row {
        let function = |end: &str| Value::from(oid::function(&format!("{stem}_{end}")));
        vec![
            ("typinput", function("in")),
            ("typoutput", function("out")),
            ("typreceive", function("recv")),
            ("typsend", function("send")),
        ]
    };
    let mut of_row = common(row, name.to_owned(), 'C');
    of_row.extend([("typtype", 'c'.into()), ("typrelid", relation.into()), ("typarray", array.into())]);
    of_row.extend(functions("record"));
    let mut of_array = common(array, format!("_{name}"), 'A');
    of_array.extend([("typtype", 'b'.into()), ("typelem", row.into())]);
    of_array.extend(functions("array"));
    [of_row, of_array]
}

/// The rows of the base types and their array types.
fn base_types() -> Vec<Row> {
    let mut rows = Vec::new();
    for base in types::all() {
        let [output, receive, send] = base.other_functions();
        let common = |oid: u32, name: String, length: i16| -> Row {
            vec![
                ("oid", oid.into()),
                ("typname", name.into()),
                ("typnamespace", oid::PG_CATALOG.into()),
                ("typowner", oid::OWNER.into()),
                ("typlen", i32::from(length).into()),
                ("typbyval", matches!(length, 1 | 2 | 4 | 8).into()),
                ("typisdefined", true.into()),
                ("typdelim", ','.into()),
                ("typtypmod", Value::Int(-1)),
                ("typcollation", base.collation.into()),
            ]
        };
        let mut row = common(base.oid, base.name.to_owned(), base.length);
        let element = match base.name {
            "int2vector" => 21,
            "oidvector" => 26,
            "name" => 18,
            _ => 0,
        };
        row.extend([
            ("typtype", if matches!(base.category, 'P' | 'X') { 'p' } else { 'b' }.into()),
            ("typcategory", base.category.into()),
            ("typispreferred", base.preferred.into()),
            ("typelem", Value::Int(element)),
            ("typarray", base.array_oid.into()),
            ("typinput", oid::function(base.input).into()),
            ("typoutput", oid::function(&output).into()),
            ("typreceive", oid::function(&receive).into()),
            ("typsend", oid::function(&send).into()),
            ("typalign", base.align.into()),
            ("typstorage", base.storage.into()),
        ]);
        rows.push(row);
        if base.array_oid != 0 {
            let mut row = common(base.array_oid, format!("_{}", base.name), -1);
            row.extend([
                ("typtype", if base.category == 'P' { 'p' } else { 'b' }.into()),
                ("typcategory", 'A'.into()),
                ("typelem", base.oid.into()),
                ("typinput", oid::function("array_in").into()),
                ("typoutput", oid::function("array_out").into()),
                ("typreceive", oid::function("array_recv").into()),
                ("typsend", oid::function("array_send").into()),
                ("typalign", if base.align == 'd' { 'd' } else { 'i' }.into()),
                ("typstorage", 'x'.into()),
            ]);
            rows.push(row);
        }
    }
    rows
}
