//! The rows of those tables of `pg_catalog` that have any, computed from one description of the
//! catalog and the session.
//!
//! A row names the columns that have something to say; `value::default_of` gives PostgreSQL's value
//! for the others.

use super::description::{Kind, Relation};
use super::functions::Function;
use super::row_type::RowTypes;
use super::value::{Row, Value};
use super::view::{OWNER, View};
use super::{held, keys, oid, operator_class, roles, setting, statistics, type_rows, types};
use crate::clock::Clock;
use crate::text::zone::Zone;

/// The tables that [`rows`] fills. All others are always empty.
pub(crate) const FILLED: &[&str] = &[
    "pg_am",
    "pg_attribute",
    "pg_authid",
    "pg_class",
    "pg_collation",
    "pg_constraint",
    "pg_cursors",
    "pg_database",
    "pg_description",
    "pg_index",
    "pg_indexes",
    "pg_language",
    "pg_namespace",
    "pg_opclass",
    "pg_opfamily",
    "pg_prepared_statements",
    "pg_proc",
    "pg_rewrite",
    "pg_roles",
    "pg_settings",
    "pg_shadow",
    "pg_stat_activity",
    "pg_stat_all_indexes",
    "pg_stat_all_tables",
    "pg_stat_archiver",
    "pg_stat_bgwriter",
    "pg_stat_database",
    "pg_stat_sys_tables",
    "pg_stat_user_indexes",
    "pg_stat_user_tables",
    "pg_stat_wal",
    "pg_tables",
    "pg_tablespace",
    "pg_timezone_names",
    "pg_type",
    "pg_user",
    "pg_views",
];

/// Whether a catalog table never has rows here; `false` for a name that is no catalog table.
pub(crate) fn always_empty(table: &str) -> bool {
    super::definition::find(table).is_some() && !FILLED.contains(&table)
}

/// Those of them whose rows are the same whatever tables there are.
const OF_SERVER: &[&str] = &[
    "pg_am",
    "pg_authid",
    "pg_collation",
    "pg_cursors",
    "pg_database",
    "pg_language",
    "pg_opclass",
    "pg_opfamily",
    "pg_prepared_statements",
    "pg_proc",
    "pg_roles",
    "pg_settings",
    "pg_shadow",
    "pg_stat_activity",
    "pg_stat_archiver",
    "pg_stat_bgwriter",
    "pg_stat_database",
    "pg_stat_wal",
    "pg_tablespace",
    "pg_timezone_names",
    "pg_user",
];

/// Whether the rows of a table are computed from the description of the catalog.
pub(super) fn looks_at_tables(table: &str) -> bool {
    !OF_SERVER.contains(&table)
}

/// The rows of a catalog table by its name; none for tables that are always empty.
pub(crate) fn rows(table: &str, view: &View<'_>) -> Vec<Row> {
    match table {
        "pg_am" => operator_class::access_methods(),
        "pg_attribute" => attributes(view),
        "pg_authid" | "pg_roles" => roles::roles(view),
        "pg_class" => classes(view),
        "pg_collation" => collations(),
        "pg_constraint" => keys::constraints(view),
        "pg_database" => vec![database(view)],
        "pg_description" => descriptions(view),
        "pg_index" => keys::indexes(view),
        "pg_indexes" => keys::index_definitions(view),
        "pg_language" => languages(),
        "pg_namespace" => namespaces(view),
        "pg_opclass" => operator_class::classes(),
        "pg_opfamily" => operator_class::families(),
        "pg_proc" => functions(view),
        "pg_rewrite" => rewrites(view),
        "pg_cursors" => held::cursors(view),
        "pg_prepared_statements" => held::prepared_statements(view),
        "pg_settings" => setting::rows(view),
        "pg_shadow" | "pg_user" => roles::users(view),
        name if let Some(rows) = statistics::rows(name, view) => rows,
        "pg_tables" => tables(view),
        "pg_tablespace" => vec![vec![
            ("oid", oid::DEFAULT_TABLESPACE.into()),
            ("spcname", "pg_default".into()),
            ("spcowner", oid::OWNER.into()),
        ]],
        "pg_timezone_names" => time_zones(),
        "pg_type" => type_rows::types(view),
        "pg_views" => views(view),
        _ => Vec::new(),
    }
}

/// `pg_namespace`: a row for each schema.
fn namespaces(view: &View<'_>) -> Vec<Row> {
    let row = |schema: &str| -> Row {
        vec![("oid", oid::namespace(schema).into()), ("nspname", schema.into()), ("nspowner", oid::OWNER.into())]
    };
    view.description.names.schemas().map(row).collect()
}

/// `pg_class`: a row for each table, view and index.
fn classes(view: &View<'_>) -> Vec<Row> {
    let types = RowTypes::of(&view.description.names);
    let row = |relation: &Relation| class(relation, types.of_relation(relation.oid).map_or(0, |(row, _)| row));
    view.description.relations.iter().map(row).collect()
}

/// The row of `pg_class` for a relation with the type of its rows; an unknown number of rows is -1, as in PostgreSQL before
/// ANALYZE.
fn class(relation: &Relation, row_type: u32) -> Row {
    let columns = i32::try_from(relation.columns.fields().len()).unwrap_or(i32::MAX);
    let rows = relation.rows.map_or(-1.0, |rows| rows as f64);
    let (letter, method) = match relation.kind {
        Kind::Table => ('r', oid::HEAP),
        Kind::View => ('v', 0),
        Kind::Index => ('i', oid::BTREE),
    };
    vec![
        ("oid", relation.oid.into()),
        ("relname", relation.name.as_str().into()),
        ("relnamespace", oid::namespace(&relation.schema).into()),
        ("reltype", row_type.into()),
        ("relowner", oid::OWNER.into()),
        ("relam", method.into()),
        ("relfilenode", if relation.is_view() { 0 } else { relation.oid }.into()),
        ("reltuples", Value::Float(rows)),
        ("relpersistence", if relation.is_temporary() { 't' } else { 'p' }.into()),
        ("relkind", letter.into()),
        ("relnatts", columns.into()),
        ("relhasindex", (relation.is_table() && relation.indexed).into()),
        ("relchecks", i32::try_from(relation.checks.len()).unwrap_or(i32::MAX).into()),
        ("relhasrules", relation.is_view().into()),
        ("relispopulated", true.into()),
        ("relreplident", if relation.is_table() && !relation.is_system() { 'd' } else { 'n' }.into()),
    ]
}

/// `pg_attribute`: a row for each column of each relation, indexes included.
fn attributes(view: &View<'_>) -> Vec<Row> {
    let mut rows = Vec::new();
    for relation in &view.description.relations {
        for ((number, field), (type_oid, modifier)) in (1_i32..).zip(relation.columns.fields()).zip(&relation.types) {
            let (type_oid, modifier) = (*type_oid, *modifier);
            let (base, array) = types::base_or_element(type_oid).unzip();
            let array = array.unwrap_or(false);
            let length = if array { -1 } else { base.map_or(-1, |base| base.length) };
            rows.push(vec![
                ("attrelid", relation.oid.into()),
                ("attname", field.name().as_str().into()),
                ("atttypid", type_oid.into()),
                ("attlen", i32::from(length).into()),
                ("attnum", number.into()),
                ("attcacheoff", Value::Int(-1)),
                ("atttypmod", modifier.into()),
                ("attndims", i32::from(array).into()),
                ("attbyval", (matches!(length, 1 | 2 | 4 | 8)).into()),
                ("attalign", base.map_or('i', |base| base.align).into()),
                ("attstorage", if array { 'x' } else { base.map_or('x', |base| base.storage) }.into()),
                ("attnotnull", relation.is_required(number).into()),
                ("attislocal", true.into()),
                ("attstattarget", Value::Int(-1)),
                ("attcollation", base.map_or(0, |base| base.collation).into()),
            ]);
        }
    }
    rows
}

/// `pg_proc`: a row for each function, with the argument types of one way to call it.
fn functions(view: &View<'_>) -> Vec<Row> {
    let row = |function: &Function| -> Row {
        let arguments = function.arguments.as_deref().unwrap_or_default();
        vec![
            ("oid", oid::function(&function.name).into()),
            ("proname", function.name.as_str().into()),
            ("pronamespace", oid::PG_CATALOG.into()),
            ("proowner", oid::OWNER.into()),
            ("prolang", Value::Int(12)),
            ("procost", Value::Float(1.0)),
            ("prokind", function.kind.into()),
            ("provolatile", function.volatility.into()),
            ("proparallel", 's'.into()),
            ("prorettype", function.result.unwrap_or(0).into()),
            ("pronargs", i32::try_from(arguments.len()).unwrap_or(0).into()),
            ("proargtypes", Value::Ints(arguments.iter().copied().map(i64::from).collect())),
            ("prosrc", function.name.as_str().into()),
        ]
    };
    view.functions().iter().map(row).collect()
}

/// `pg_collation`: PostgreSQL's three that every database has.
fn collations() -> Vec<Row> {
    let row = |number: u32, name: &str, provider: char| -> Row {
        vec![
            ("oid", number.into()),
            ("collname", name.into()),
            ("collnamespace", oid::PG_CATALOG.into()),
            ("collowner", oid::OWNER.into()),
            ("collprovider", provider.into()),
            ("collisdeterministic", true.into()),
            ("collencoding", Value::Int(-1)),
        ]
    };
    vec![row(oid::DEFAULT_COLLATION, "default", 'd'), row(950, "C", 'c'), row(951, "POSIX", 'c')]
}

/// `pg_language`: the languages functions may be in.
fn languages() -> Vec<Row> {
    let row = |number: i64, name: &str, trusted: bool| -> Row {
        vec![
            ("oid", number.into()),
            ("lanname", name.into()),
            ("lanowner", oid::OWNER.into()),
            ("lanpltrusted", trusted.into()),
        ]
    };
    vec![row(12, "internal", false), row(14, "sql", true)]
}

/// The row of `pg_database` for the one database; its texts are UTF-8.
fn database(view: &View<'_>) -> Row {
    vec![
        ("oid", oid::DATABASE.into()),
        ("datname", view.database_name().into()),
        ("datdba", oid::OWNER.into()),
        ("encoding", Value::Int(6)),
        ("datlocprovider", 'c'.into()),
        ("datallowconn", true.into()),
        ("datconnlimit", Value::Int(-1)),
        ("dattablespace", oid::DEFAULT_TABLESPACE.into()),
        ("datcollate", "C.UTF-8".into()),
        ("datctype", "C.UTF-8".into()),
    ]
}

/// `pg_description`: comments of tables and views (column 0), of their columns, and of functions.
fn descriptions(view: &View<'_>) -> Vec<Row> {
    let class = oid::relation("pg_catalog", "pg_class");
    let mut rows = Vec::new();
    for relation in view.description.relations.iter().filter(|relation| relation.kind != Kind::Index) {
        let mut add = |column: usize, text: Option<String>| {
            let Some(text) = text else { return };
            rows.push(vec![
                ("objoid", Value::from(relation.oid)),
                ("classoid", class.into()),
                ("objsubid", i32::try_from(column).unwrap_or(i32::MAX).into()),
                ("description", text.into()),
            ]);
        };
        add(0, view.comments.table(&relation.schema, &relation.name));
        for (index, field) in relation.columns.fields().iter().enumerate() {
            add(index + 1, view.comments.column(&relation.schema, &relation.name, field.name()));
        }
    }
    let functions = oid::relation("pg_catalog", "pg_proc");
    rows.extend(view.functions().iter().filter_map(|function| {
        let text = function.doc.clone()?;
        Some(vec![
            ("objoid", Value::from(oid::function(&function.name))),
            ("classoid", functions.into()),
            ("objsubid", 0_i32.into()),
            ("description", text.into()),
        ])
    }));
    rows
}

/// `pg_rewrite`: a view's one rule, `_RETURN`, as PostgreSQL has it.
fn rewrites(view: &View<'_>) -> Vec<Row> {
    let views = view.description.relations.iter().filter(|relation| relation.is_view());
    let row = |relation: &Relation| -> Row {
        vec![
            ("oid", oid::hashed("rule", &format!("{}.{}", relation.schema, relation.name)).into()),
            ("rulename", "_RETURN".into()),
            ("ev_class", relation.oid.into()),
            ("ev_type", '1'.into()),
            ("ev_enabled", 'O'.into()),
            ("is_instead", true.into()),
        ]
    };
    views.map(row).collect()
}

/// `pg_tables`: a row for each table.
fn tables(view: &View<'_>) -> Vec<Row> {
    let tables = view.description.relations.iter().filter(|relation| relation.is_table());
    let row = |relation: &Relation| -> Row {
        vec![
            ("schemaname", relation.schema.as_str().into()),
            ("tablename", relation.name.as_str().into()),
            ("tableowner", OWNER.into()),
            ("tablespace", Value::Null),
            ("hasindexes", relation.indexed.into()),
        ]
    };
    tables.map(row).collect()
}

/// `pg_views`: a row for each view with the SELECT it stands for.
fn views(view: &View<'_>) -> Vec<Row> {
    let views = view.description.relations.iter().filter(|relation| relation.is_view());
    let row = |relation: &Relation| -> Row {
        vec![
            ("schemaname", relation.schema.as_str().into()),
            ("viewname", relation.name.as_str().into()),
            ("viewowner", OWNER.into()),
            ("definition", view.definition_of(relation).into()),
        ]
    };
    views.map(row).collect()
}

/// `pg_timezone_names`: a row for each zone of the IANA database, with its clock of now.
fn time_zones() -> Vec<Row> {
    let now_us = Clock::System.now().timestamp_micros();
    let row = |zone: Zone| -> Row {
        let reading = zone.reading(now_us);
        vec![
            ("name", zone.name().into()),
            ("abbrev", reading.name.into()),
            ("utc_offset", Value::Seconds(reading.east.into())),
            ("is_dst", zone.is_summer(now_us).into()),
        ]
    };
    Zone::regions().map(row).collect()
}
