//! The rows of the views that tell what the server has done: sessions, scans of tables and indexes, writers. Nothing is
//! counted here but rows and sessions; what PostgreSQL counts beside them is 0.

use super::description::Relation;
use super::oid;
use super::value::{Row, Value};
use super::view::View;
use chrono::{DateTime, Utc};

/// The rows of one of these views by its name; `None` for every other table.
pub(super) fn rows(name: &str, view: &View<'_>) -> Option<Vec<Row>> {
    Some(match name {
        "pg_stat_activity" => activity(view),
        "pg_stat_all_indexes" | "pg_stat_user_indexes" => indexes(view),
        "pg_stat_all_tables" => tables(view, |_| true),
        "pg_stat_sys_tables" => tables(view, Relation::is_system),
        "pg_stat_user_tables" => tables(view, |relation| !relation.is_system()),
        // One row each, whatever there is to tell.
        "pg_stat_archiver" | "pg_stat_bgwriter" | "pg_stat_wal" => vec![Row::new()],
        "pg_stat_database" => vec![database(view)],
        _ => return None,
    })
}

/// The row of `pg_stat_database` for the one database.
fn database(view: &View<'_>) -> Row {
    let open = view.facts.map_or(0, |facts| facts.variables.activity().len());
    vec![
        ("datid", oid::DATABASE.into()),
        ("datname", view.database_name().into()),
        ("numbackends", i32::try_from(open).unwrap_or(i32::MAX).into()),
        ("checksum_failures", Value::Null),
    ]
}

/// `pg_stat_all_indexes` and `pg_stat_user_indexes`: a row for the index of each key; no catalog has one.
fn indexes(view: &View<'_>) -> Vec<Row> {
    let row = |(table, index): (&Relation, &Relation)| -> Row {
        vec![
            ("relid", table.oid.into()),
            ("indexrelid", index.oid.into()),
            ("schemaname", table.schema.as_str().into()),
            ("relname", table.name.as_str().into()),
            ("indexrelname", index.name.as_str().into()),
        ]
    };
    view.description.keyed().map(row).collect()
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
            ("datname", view.database_name().into()),
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
            ("backend_xid", Value::Null),
            ("backend_xmin", Value::Null),
            ("query_id", Value::Null),
            ("query", if seen { activity.sql.into() } else { HIDDEN.into() }),
            ("backend_type", "client backend".into()),
        ]
    };
    sessions.into_iter().map(row).collect()
}

/// `pg_stat_all_tables` and its like: a row for each table of the wanted schemas, with
/// its rows as far as known.
fn tables(view: &View<'_>, wanted: fn(&Relation) -> bool) -> Vec<Row> {
    let tables = view.description.relations.iter().filter(|relation| relation.is_table() && wanted(relation));
    let row = |relation: &Relation| -> Row {
        // Without an index there is nothing to count.
        let scans = if relation.key.is_empty() { Value::Null } else { Value::Int(0) };
        vec![
            ("relid", relation.oid.into()),
            ("schemaname", relation.schema.as_str().into()),
            ("relname", relation.name.as_str().into()),
            ("idx_scan", scans.clone()),
            ("idx_tup_fetch", scans),
            ("n_live_tup", relation.rows.and_then(|rows| i64::try_from(rows).ok()).into()),
        ]
    };
    tables.map(row).collect()
}
