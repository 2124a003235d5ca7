//! The rows of the views of `information_schema`, computed from one description of the catalog. A
//! column that a row does not name is NULL.

use crate::dialect::catalog::description::Relation;
use crate::dialect::catalog::functions::{self, Function};
use crate::dialect::catalog::value::{Row, Value};
use crate::dialect::catalog::view::View;
use crate::dialect::catalog::{OWNER, oid, types};

/// The rows of a view by its name; views of what this server does not have are empty.
pub(crate) fn rows(name: &str, view: &View<'_>) -> Vec<Row> {
    match name {
        "applicable_roles" => Vec::new(),
        "character_sets" => vec![character_set(view)],
        "check_constraints" => {
            let own =
                conditions(view).map(|(relation, name, text)| check(view, relation, name.into(), text.to_owned()));
            let required = not_null(view).map(|(relation, number, column)| {
                check(view, relation, not_null_name(relation, number), format!("{column} IS NOT NULL"))
            });
            own.chain(required).collect()
        }
        "collations" => collations(view),
        "column_privileges" => column_privileges(view),
        "columns" => columns(view),
        "constraint_column_usage" => {
            key_columns(view).map(|(table, index, _, column)| used_column(view, table, index, column)).collect()
        }
        "constraint_table_usage" => {
            view.description.keyed().map(|(table, index)| used_table(view, table, index)).collect()
        }
        "element_types" => element_types(view),
        "enabled_roles" => vec![vec![("role_name", user(view).into())]],
        "information_schema_catalog_name" => vec![vec![("catalog_name", catalog(view))]],
        "key_column_usage" => {
            let columns = key_columns(view);
            columns.map(|(table, index, place, column)| key_column(view, table, index, place, column)).collect()
        }
        "parameters" => functions::all(view.session).iter().flat_map(|function| parameters(view, function)).collect(),
        "role_table_grants" | "table_privileges" => table_privileges(view),
        "routines" => functions::all(view.session).iter().map(|function| routine(view, function)).collect(),
        "schemata" => schemata(view),
        "table_constraints" => constraints(view),
        "tables" => relations(view).map(|relation| table(view, relation)).collect(),
        "views" => {
            relations(view).filter(|relation| relation.is_view()).map(|relation| definition(view, relation)).collect()
        }
        _ => Vec::new(),
    }
}

/// The name of the database, which the standard calls the catalog.
fn catalog(view: &View<'_>) -> Value {
    view.facts.map_or("tt", |facts| facts.database.as_str()).into()
}

/// The session's user, or the owner of everything where there is no session.
fn user<'a>(view: &'a View<'_>) -> &'a str {
    view.facts.map_or(OWNER, |facts| facts.user.as_str())
}

/// The standard's words for a boolean.
fn yes_or_no(yes: bool) -> Value {
    if yes { "YES" } else { "NO" }.into()
}

/// The tables and views, but no indexes.
fn relations<'a>(view: &'a View<'_>) -> impl Iterator<Item = &'a Relation> {
    view.description.relations.iter().filter(|relation| relation.is_table() || relation.is_view())
}

/// The columns of every key: table, index, place in the key from 1, name.
fn key_columns<'a>(view: &'a View<'_>) -> impl Iterator<Item = (&'a Relation, &'a Relation, i32, &'a str)> {
    let keyed = view.description.keyed();
    keyed.flat_map(|(table, index)| {
        index.key_columns().zip(1..).map(move |(column, place)| (table, index, place, column))
    })
}

/// The columns that are never NULL: relation, number from 1, name.
fn not_null<'a>(view: &'a View<'_>) -> impl Iterator<Item = (&'a Relation, i32, &'a str)> {
    let tables = relations(view).filter(|relation| relation.is_table());
    tables.flat_map(|relation| {
        let fields = relation.columns.fields().iter().zip(1..);
        let fields = fields.filter(|(_, number)| relation.is_required(*number));
        fields.map(move |(field, number)| (relation, number, field.name().as_str()))
    })
}

/// The conditions of the rows of every table: table, name of the constraint, condition.
fn conditions<'a>(view: &'a View<'_>) -> impl Iterator<Item = (&'a Relation, &'a str, &'a str)> {
    let tables = relations(view);
    tables.flat_map(|table| table.checks.iter().map(move |check| (table, check.name.as_str(), check.text.as_str())))
}

/// The name PostgreSQL gives the check that a column is not NULL.
fn not_null_name(relation: &Relation, number: i32) -> Value {
    format!("{}_{}_{number}_not_null", oid::namespace(&relation.schema), relation.oid).into()
}

/// A row for each schema; all belong to the owner of everything.
fn schemata(view: &View<'_>) -> Vec<Row> {
    let row = |schema: &str| -> Row {
        vec![("catalog_name", catalog(view)), ("schema_name", schema.into()), ("schema_owner", OWNER.into())]
    };
    view.description.names.schemas().map(row).collect()
}

/// What the standard calls a kind of table.
fn table_type(relation: &Relation) -> &'static str {
    match () {
        () if relation.is_view() => "VIEW",
        () if relation.is_temporary() => "LOCAL TEMPORARY",
        () => "BASE TABLE",
    }
}

/// The row of `tables` for one table or view; rows can be inserted into a session's own tables alone.
fn table(view: &View<'_>, relation: &Relation) -> Row {
    vec![
        ("table_catalog", catalog(view)),
        ("table_schema", relation.schema.as_str().into()),
        ("table_name", relation.name.as_str().into()),
        ("table_type", table_type(relation).into()),
        ("is_insertable_into", if relation.is_temporary() && relation.is_table() { "YES" } else { "NO" }.into()),
        ("is_typed", "NO".into()),
    ]
}

/// The row of `views` for one view, with the SELECT it stands for.
fn definition(view: &View<'_>, relation: &Relation) -> Row {
    vec![
        ("table_catalog", catalog(view)),
        ("table_schema", relation.schema.as_str().into()),
        ("table_name", relation.name.as_str().into()),
        ("view_definition", relation.view_definition.clone().into()),
        ("check_option", "NONE".into()),
        ("is_updatable", "NO".into()),
        ("is_insertable_into", "NO".into()),
        ("is_trigger_updatable", "NO".into()),
        ("is_trigger_deletable", "NO".into()),
        ("is_trigger_insertable_into", "NO".into()),
    ]
}

/// Number and modifier of the type of each column: as declared for our own catalogs, else by the
/// column's Arrow type.
fn column_types(relation: &Relation) -> impl Iterator<Item = (u32, i32)> {
    let mut declared = relation.declared().into_iter().flat_map(|definition| definition.columns());
    relation.columns.fields().iter().map(move |field| {
        let declared = declared.next().and_then(|(_, kind)| types::by_name(kind));
        declared.map_or_else(|| types::of_arrow(field.data_type()), |number| (number, -1))
    })
}

/// A row for each column of each table and view.
fn columns(view: &View<'_>) -> Vec<Row> {
    let of_relation = |relation| columns_of(view, relation);
    relations(view).flat_map(of_relation).collect()
}

/// The rows of `columns` for one relation, in the order of its columns.
fn columns_of(view: &View<'_>, relation: &Relation) -> Vec<Row> {
    let fields = relation.columns.fields().iter().zip(1_i32..).zip(column_types(relation));
    let row = |((field, number), (type_oid, modifier)): ((&std::sync::Arc<_>, i32), (u32, i32))| -> Row {
        let field: &arrow::datatypes::Field = field;
        let mut row: Row = vec![
            ("table_catalog", catalog(view)),
            ("table_schema", relation.schema.as_str().into()),
            ("table_name", relation.name.as_str().into()),
            ("column_name", field.name().as_str().into()),
            ("ordinal_position", number.into()),
            ("column_default", view.comments.default_of(&relation.schema, &relation.name, field.name()).into()),
            ("is_nullable", yes_or_no(!relation.is_required(number))),
            ("is_self_referencing", "NO".into()),
            ("is_identity", "NO".into()),
            ("identity_cycle", "NO".into()),
            ("is_generated", "NEVER".into()),
            ("is_updatable", "NO".into()),
            ("dtd_identifier", number.to_string().into()),
        ];
        row.extend(type_facts(type_oid, modifier));
        row.extend([
            ("udt_catalog", catalog(view)),
            ("udt_schema", "pg_catalog".into()),
            ("udt_name", type_name(type_oid).into()),
        ]);
        row
    };
    fields.map(row).collect()
}

/// The name of a type in `pg_type`.
fn type_name(type_oid: u32) -> String {
    match types::base_or_element(type_oid) {
        Some((base, false)) => base.name.to_owned(),
        Some((base, true)) => format!("_{}", base.name),
        None => "unknown".to_owned(),
    }
}

/// What the standard calls a type: `ARRAY` for arrays, else the name people read.
fn data_type(type_oid: u32) -> String {
    match types::base_or_element(type_oid) {
        Some((_, true)) => "ARRAY".to_owned(),
        _ => types::display(type_oid, None),
    }
}

/// Columns that tell of a type, in every view that has them. What a type has no length, precision or scale of is NULL.
fn type_facts(type_oid: u32, modifier: i32) -> Row {
    let name = type_name(type_oid);
    let name = name.as_str();
    let (precision, radix, scale) = match name {
        "int2" => (Some(16), Some(2), Some(0)),
        "int4" => (Some(32), Some(2), Some(0)),
        "int8" => (Some(64), Some(2), Some(0)),
        "float4" => (Some(24), Some(2), None),
        "float8" => (Some(53), Some(2), None),
        "numeric" if modifier >= 4 => (Some((modifier - 4) >> 16), Some(10), Some((modifier - 4) & 0x7ff)),
        "numeric" => (None, Some(10), None),
        _ => (None, None, None),
    };
    let fraction = match name {
        "date" => Some(0),
        "time" | "timestamp" | "timestamptz" | "interval" => Some(6),
        _ => None,
    };
    let octets = matches!(name, "text" | "varchar").then_some(1_073_741_824);
    vec![
        ("data_type", data_type(type_oid).into()),
        ("character_octet_length", octets.into()),
        ("numeric_precision", precision.into()),
        ("numeric_precision_radix", radix.into()),
        ("numeric_scale", scale.into()),
        ("datetime_precision", fraction.into()),
    ]
}

/// A row for each column that is an array, which tells of its elements.
fn element_types(view: &View<'_>) -> Vec<Row> {
    let mut rows = Vec::new();
    for relation in relations(view) {
        for ((type_oid, _), number) in column_types(relation).zip(1..) {
            let Some(element) = types::element_of(type_oid) else { continue };
            let number: i32 = number;
            let mut row: Row = vec![
                ("object_catalog", catalog(view)),
                ("object_schema", relation.schema.as_str().into()),
                ("object_name", relation.name.as_str().into()),
                ("object_type", if relation.is_view() { "VIEW" } else { "TABLE" }.into()),
                ("collection_type_identifier", number.to_string().into()),
                ("udt_catalog", catalog(view)),
                ("udt_schema", "pg_catalog".into()),
                ("udt_name", element.name.into()),
                ("dtd_identifier", format!("a{number}").into()),
            ];
            row.extend(type_facts(element.oid, -1));
            rows.push(row);
        }
    }
    rows
}

/// A row for each key and each condition of a table, and one for each column that is never NULL, which is a check in the
/// standard's view.
fn constraints(view: &View<'_>) -> Vec<Row> {
    let row = |relation: &Relation, name: Value, kind: &str| -> Row {
        vec![
            ("constraint_catalog", catalog(view)),
            ("constraint_schema", relation.schema.as_str().into()),
            ("constraint_name", name),
            ("table_catalog", catalog(view)),
            ("table_schema", relation.schema.as_str().into()),
            ("table_name", relation.name.as_str().into()),
            ("constraint_type", kind.into()),
            ("is_deferrable", "NO".into()),
            ("initially_deferred", "NO".into()),
            ("enforced", "YES".into()),
        ]
    };
    let key = |(table, index): (&Relation, &Relation)| {
        row(table, index.name.as_str().into(), if index.primary { "PRIMARY KEY" } else { "UNIQUE" })
    };
    let keys = view.description.keyed().map(key);
    let own = conditions(view).map(|(table, name, _)| row(table, name.into(), "CHECK"));
    let checks = not_null(view).map(|(relation, number, _)| row(relation, not_null_name(relation, number), "CHECK"));
    keys.chain(own).chain(checks).collect()
}

/// The row of `check_constraints` for one condition.
fn check(view: &View<'_>, relation: &Relation, name: Value, clause: String) -> Row {
    vec![
        ("constraint_catalog", catalog(view)),
        ("constraint_schema", relation.schema.as_str().into()),
        ("constraint_name", name),
        ("check_clause", clause.into()),
    ]
}

/// The row of `key_column_usage` for one column, with its place in the key from 1.
fn key_column(view: &View<'_>, table: &Relation, index: &Relation, place: i32, column: &str) -> Row {
    let mut row = used_column(view, table, index, column);
    row.push(("ordinal_position", place.into()));
    row
}

/// The row of `constraint_column_usage` for one column of a key.
fn used_column(view: &View<'_>, table: &Relation, index: &Relation, column: &str) -> Row {
    let mut row = used_table(view, table, index);
    row.push(("column_name", column.into()));
    row
}

/// The row of `constraint_table_usage` for one table with a key.
fn used_table(view: &View<'_>, table: &Relation, index: &Relation) -> Row {
    vec![
        ("table_catalog", catalog(view)),
        ("table_schema", table.schema.as_str().into()),
        ("table_name", table.name.as_str().into()),
        ("constraint_catalog", catalog(view)),
        ("constraint_schema", table.schema.as_str().into()),
        ("constraint_name", index.name.as_str().into()),
    ]
}

/// The one character set, UTF-8.
fn character_set(view: &View<'_>) -> Row {
    vec![
        ("character_set_name", "UTF8".into()),
        ("character_repertoire", "UCS".into()),
        ("form_of_use", "UTF8".into()),
        ("default_collate_catalog", catalog(view)),
    ]
}

/// A row for each collation; all compare texts by their bytes.
fn collations(view: &View<'_>) -> Vec<Row> {
    let row = |name: &str| -> Row {
        vec![
            ("collation_catalog", catalog(view)),
            ("collation_schema", "pg_catalog".into()),
            ("collation_name", name.into()),
            ("pad_attribute", "NO PAD".into()),
        ]
    };
    ["default", "C", "POSIX"].into_iter().map(row).collect()
}

/// A row for each table and view: everybody may read everything, and nobody may write.
fn table_privileges(view: &View<'_>) -> Vec<Row> {
    let row = |relation: &Relation| -> Row {
        vec![
            ("grantor", OWNER.into()),
            ("grantee", user(view).into()),
            ("table_catalog", catalog(view)),
            ("table_schema", relation.schema.as_str().into()),
            ("table_name", relation.name.as_str().into()),
            ("privilege_type", "SELECT".into()),
            ("is_grantable", "NO".into()),
            ("with_hierarchy", "YES".into()),
        ]
    };
    relations(view).map(row).collect()
}

/// A row for each column, which the session's user may read.
fn column_privileges(view: &View<'_>) -> Vec<Row> {
    let of_relation = |relation: &Relation| -> Vec<Row> {
        let row = |field: &std::sync::Arc<arrow::datatypes::Field>| -> Row {
            vec![
                ("grantor", OWNER.into()),
                ("grantee", user(view).into()),
                ("table_catalog", catalog(view)),
                ("table_schema", relation.schema.as_str().into()),
                ("table_name", relation.name.as_str().into()),
                ("column_name", field.name().as_str().into()),
                ("privilege_type", "SELECT".into()),
                ("is_grantable", "NO".into()),
            ]
        };
        relation.columns.fields().iter().map(row).collect()
    };
    relations(view).flat_map(of_relation).collect()
}

/// The name that tells overloads apart: the function's name with its number.
fn specific_name(function: &Function) -> Value {
    format!("{}_{}", function.name, oid::function(&function.name)).into()
}

/// The row of `routines` for one function; result and language as far as they are known.
fn routine(view: &View<'_>, function: &Function) -> Row {
    let result = function.result;
    vec![
        ("specific_catalog", catalog(view)),
        ("specific_schema", "pg_catalog".into()),
        ("specific_name", specific_name(function)),
        ("routine_catalog", catalog(view)),
        ("routine_schema", "pg_catalog".into()),
        ("routine_name", function.name.as_str().into()),
        ("routine_type", (function.kind == 'f').then_some("FUNCTION").into()),
        ("data_type", result.map(data_type).into()),
        ("type_udt_catalog", catalog(view)),
        ("type_udt_schema", "pg_catalog".into()),
        ("type_udt_name", result.map(type_name).into()),
        ("dtd_identifier", "0".into()),
        ("routine_body", "EXTERNAL".into()),
        ("external_language", "INTERNAL".into()),
        ("parameter_style", "GENERAL".into()),
        ("is_deterministic", yes_or_no(function.volatility == 'i')),
        ("sql_data_access", "READS".into()),
        ("schema_level_routine", "YES".into()),
        ("max_dynamic_result_sets", Value::Int(0)),
        ("security_type", "INVOKER".into()),
        ("as_locator", "NO".into()),
        ("is_udt_dependent", "NO".into()),
    ]
}

/// A row for each argument of a function.
fn parameters(view: &View<'_>, function: &Function) -> Vec<Row> {
    let row = |(type_oid, number): (&u32, i32)| -> Row {
        let mut row: Row = vec![
            ("specific_catalog", catalog(view)),
            ("specific_schema", "pg_catalog".into()),
            ("specific_name", specific_name(function)),
            ("ordinal_position", number.into()),
            ("parameter_mode", "IN".into()),
            ("is_result", "NO".into()),
            ("as_locator", "NO".into()),
            ("udt_catalog", catalog(view)),
            ("udt_schema", "pg_catalog".into()),
            ("udt_name", type_name(*type_oid).into()),
            ("dtd_identifier", number.to_string().into()),
        ];
        row.extend(type_facts(*type_oid, -1));
        row
    };
    function.arguments.iter().flatten().zip(1..).map(row).collect()
}
