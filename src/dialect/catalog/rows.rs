//! The rows of those tables of `pg_catalog` that have any, computed from one description of the
//! catalog and the session.
//!
//! A row names the columns that have something to say; `value::default_of` gives PostgreSQL's value
//! for the others.

use super::description::{Kind, Relation};
use super::functions::{self, Function};
use super::value::{Row, Value};
use super::view::{OWNER, View};
use super::{held, keys, oid, types};
use crate::clock::Clock;
use crate::role::Role;
use crate::text::zone::Zone;
use chrono::{DateTime, Utc};
use std::collections::BTreeMap;

/// The tables that [`rows`] fills. All others are always empty, which `rewrite::empty` makes use of.
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
    "pg_prepared_statements",
    "pg_proc",
    "pg_rewrite",
    "pg_roles",
    "pg_settings",
    "pg_shadow",
    "pg_stat_activity",
    "pg_stat_all_tables",
    "pg_stat_database",
    "pg_stat_user_tables",
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

/// The rows of a catalog table by its name; none for tables that are always empty.
pub(crate) fn rows(table: &str, view: &View<'_>) -> Vec<Row> {
    match table {
        "pg_am" => access_methods(),
        "pg_attribute" => attributes(view),
        "pg_authid" | "pg_roles" => roles(view),
        "pg_class" => view.description.relations.iter().map(class).collect(),
        "pg_collation" => collations(),
        "pg_constraint" => keys::constraints(view),
        "pg_database" => vec![database(view)],
        "pg_description" => descriptions(view),
        "pg_index" => keys::indexes(view),
        "pg_indexes" => keys::index_definitions(view),
        "pg_language" => languages(),
        "pg_namespace" => namespaces(view),
        "pg_proc" => functions(view),
        "pg_rewrite" => rewrites(view),
        "pg_cursors" => held::cursors(view),
        "pg_prepared_statements" => held::prepared_statements(view),
        "pg_settings" => settings(view),
        "pg_shadow" | "pg_user" => users(view),
        "pg_stat_activity" => activity(view),
        "pg_stat_all_tables" => statistics(view, |_| true),
        "pg_stat_user_tables" => statistics(view, |schema| !system(schema)),
        "pg_stat_database" => vec![vec![("datid", oid::DATABASE.into()), ("datname", database_name(view).into())]],
        "pg_tables" => tables(view),
        "pg_tablespace" => vec![vec![
            ("oid", oid::DEFAULT_TABLESPACE.into()),
            ("spcname", "pg_default".into()),
            ("spcowner", oid::OWNER.into()),
        ]],
        "pg_timezone_names" => time_zones(),
        "pg_type" => base_types(),
        "pg_views" => views(view),
        _ => Vec::new(),
    }
}

/// Whether a schema is one of the two this room computes.
fn system(schema: &str) -> bool {
    matches!(schema, "pg_catalog" | "information_schema")
}

/// The name of the session's database, or `tt` where there is no session.
fn database_name<'a>(view: &'a View<'_>) -> &'a str {
    view.facts.map_or("tt", |facts| facts.database.as_str())
}

/// `pg_namespace`: a row for each schema.
fn namespaces(view: &View<'_>) -> Vec<Row> {
    let row = |schema: &str| -> Row {
        vec![("oid", oid::namespace(schema).into()), ("nspname", schema.into()), ("nspowner", oid::OWNER.into())]
    };
    view.description.names.schemas().map(row).collect()
}

/// `pg_am`: the heap of tables, and the btree of their keys.
fn access_methods() -> Vec<Row> {
    let row = |number: u32, name: &str, kind: char| -> Row {
        vec![("oid", number.into()), ("amname", name.into()), ("amtype", kind.into())]
    };
    vec![row(oid::HEAP, "heap", 't'), row(oid::BTREE, "btree", 'i')]
}

/// The row of `pg_class` for a relation; an unknown number of rows is -1, as in PostgreSQL before
/// ANALYZE.
fn class(relation: &Relation) -> Row {
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
        ("relreplident", if relation.is_table() && !system(&relation.schema) { 'd' } else { 'n' }.into()),
    ]
}

/// `pg_attribute`: a row for each column of each relation, indexes included.
fn attributes(view: &View<'_>) -> Vec<Row> {
    let mut rows = Vec::new();
    for relation in &view.description.relations {
        // Our own catalog tables say more of their columns than Arrow types can: `name` and `"char"`.
        let mut own = relation.declared().into_iter().flat_map(|definition| definition.columns());
        for (number, field) in (1_i32..).zip(relation.columns.fields()) {
            let own_type = own.next().and_then(|(_, kind)| types::by_name(kind));
            let (type_oid, modifier) = match own_type {
                Some(type_oid) => (type_oid, -1),
                None => types::of_arrow(field.data_type()),
            };
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

/// `pg_type`: a row for each base type and for each array type.
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

/// `pg_proc`: a row for each function, with the argument types of one way to call it.
fn functions(view: &View<'_>) -> Vec<Row> {
    let row = |function: Function| -> Row {
        let arguments = function.arguments.unwrap_or_default();
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
            ("proargtypes", Value::Ints(arguments.into_iter().map(i64::from).collect())),
            ("prosrc", function.name.into()),
        ]
    };
    functions::all(view.session).into_iter().map(row).collect()
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
    let row = |number: i64, name: &str| -> Row {
        vec![("oid", number.into()), ("lanname", name.into()), ("lanowner", oid::OWNER.into())]
    };
    vec![row(12, "internal"), row(14, "sql")]
}

/// The row of `pg_database` for the one database; its texts are UTF-8.
fn database(view: &View<'_>) -> Row {
    vec![
        ("oid", oid::DATABASE.into()),
        ("datname", database_name(view).into()),
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
    rows.extend(functions::all(view.session).into_iter().filter_map(|function| {
        let text = function.doc?;
        Some(vec![
            ("objoid", Value::from(oid::function(&function.name))),
            ("classoid", functions.into()),
            ("objsubid", 0_i32.into()),
            ("description", text.into()),
        ])
    }));
    rows
}

/// One role, as `pg_roles` and `pg_user` show it.
struct Known {
    /// Its number: a hash of its name, but for the owner of everything.
    number: u32,
    name: String,
    /// Whether it may administer the server, shown as `rolsuper`.
    admin: bool,
    /// Whether one may connect as this role.
    login: bool,
}

/// Every role, sorted by name: the owner of everything, those that may connect, and the session's own.
fn known_roles(view: &View<'_>) -> Vec<Known> {
    let users = view.facts.map(|facts| facts.variables.users());
    let open = matches!(users, None | Some(None));
    let mut roles: BTreeMap<String, (bool, bool)> = BTreeMap::from([(OWNER.to_owned(), (true, open))]);
    if let Some(facts) = view.facts {
        roles.insert(facts.user.clone(), (facts.role == Role::Admin, true));
    }
    let users = users.flatten().unwrap_or_default();
    roles.extend(users.into_iter().map(|(name, role)| (name, (role == Role::Admin, true))));
    let known = |(name, (admin, login)): (String, (bool, bool))| Known {
        number: if name == OWNER { oid::OWNER } else { oid::hashed("role", &name) },
        name,
        admin,
        login,
    };
    roles.into_iter().map(known).collect()
}

/// `pg_roles` and `pg_authid`: a row for each role; passwords are NULL.
fn roles(view: &View<'_>) -> Vec<Row> {
    let row = |role: Known| -> Row {
        vec![
            ("oid", role.number.into()),
            ("rolname", role.name.into()),
            ("rolsuper", role.admin.into()),
            ("rolinherit", true.into()),
            ("rolcanlogin", role.login.into()),
            ("rolconnlimit", Value::Int(-1)),
        ]
    };
    known_roles(view).into_iter().map(row).collect()
}

/// `pg_user` and `pg_shadow`: a row for each role that may connect.
fn users(view: &View<'_>) -> Vec<Row> {
    let row = |role: Known| -> Row {
        vec![("usename", role.name.into()), ("usesysid", role.number.into()), ("usesuper", role.admin.into())]
    };
    known_roles(view).into_iter().filter(|role| role.login).map(row).collect()
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

/// `pg_settings`: a row for each setting of the session.
fn settings(view: &View<'_>) -> Vec<Row> {
    let all = view.facts.map(|facts| facts.variables.all()).unwrap_or_default();
    let row = |(name, value): (String, String)| -> Row {
        vec![
            ("name", name.into()),
            ("setting", value.clone().into()),
            ("category", "Client Connection Defaults".into()),
            ("short_desc", "".into()),
            ("context", "user".into()),
            ("vartype", "string".into()),
            ("source", "default".into()),
            ("boot_val", value.clone().into()),
            ("reset_val", value.into()),
        ]
    };
    all.into_iter().map(row).collect()
}

/// What stands in place of another user's statement for who is no admin; PostgreSQL's words.
const HIDDEN: &str = "<insufficient privilege>";

/// `pg_stat_activity`: a row for each open session; other users' statements are hidden unless the
/// user is an admin.
fn activity(view: &View<'_>) -> Vec<Row> {
    let sessions = view.facts.map(|facts| facts.variables.activity()).unwrap_or_default();
    let instant = |at: DateTime<Utc>| Value::Instant(at.timestamp_micros());
    let row = |activity: crate::dialect::session::Activity| -> Row {
        let started = activity.started_at.map_or(Value::Null, instant);
        let seen = view.facts.is_some_and(|facts| facts.sees(&activity.user));
        let name = match activity.application_name {
            name if name.is_empty() => activity.front_end,
            name => name,
        };
        vec![
            ("datid", oid::DATABASE.into()),
            ("datname", database_name(view).into()),
            ("pid", activity.pid.into()),
            ("usesysid", oid::hashed("role", &activity.user).into()),
            ("usename", activity.user.into()),
            ("application_name", name.into()),
            ("client_port", Value::Null),
            ("leader_pid", Value::Null),
            ("backend_start", instant(activity.opened_at)),
            ("xact_start", activity.transaction_began.map_or(Value::Null, instant)),
            ("query_start", started.clone()),
            ("state_change", started),
            ("state", activity.state.into()),
            ("query_id", Value::Null),
            ("query", if seen { activity.sql.into() } else { HIDDEN.into() }),
            ("backend_type", "client backend".into()),
        ]
    };
    sessions.into_iter().map(row).collect()
}

/// `pg_stat_all_tables` and `pg_stat_user_tables`: a row for each table of the wanted schemas, with
/// its rows as far as known.
fn statistics(view: &View<'_>, wanted: fn(&str) -> bool) -> Vec<Row> {
    let tables = view.description.relations.iter().filter(|relation| relation.is_table() && wanted(&relation.schema));
    let row = |relation: &Relation| -> Row {
        vec![
            ("relid", relation.oid.into()),
            ("schemaname", relation.schema.as_str().into()),
            ("relname", relation.name.as_str().into()),
            ("n_live_tup", relation.rows.and_then(|rows| i64::try_from(rows).ok()).into()),
        ]
    };
    tables.map(row).collect()
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
            ("definition", relation.view_definition.clone().into()),
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
