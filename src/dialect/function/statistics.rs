//! Functions that read counters of what was done with a relation. This server counts rows alone: every other counter is 0, and
//! nothing was ever vacuumed, analyzed or replayed.

use super::catalog::open;
use super::define::{Context, Definition, Returns, null, object, stable};
use datafusion::common::stats::Precision;
use datafusion::common::{Result, ScalarValue};

/// A counter of a relation that stands at 0.
macro_rules! counter {
    ($name:literal, $of:literal) => {
        stable($name, concat!($of, " of a relation, as statistics count them: 0."), &[1], Returns::Big, zero)
    };
}

/// A moment that never was.
macro_rules! never {
    ($name:literal, $of:literal, $arguments:expr, $returns:expr) => {
        stable($name, concat!($of, ": NULL, since there was none."), $arguments, $returns, |_, _| Ok(null()))
    };
}

/// Their definitions, sorted by name.
pub(crate) const FUNCTIONS: &[Definition] = &[
    never!(
        "pg_last_wal_receive_lsn",
        "Last place of the log that was received from another server",
        &[0],
        Returns::Text
    ),
    never!("pg_last_wal_replay_lsn", "Last place of the log that was replayed", &[0], Returns::Text),
    never!("pg_last_xact_replay_timestamp", "Moment of the last transaction that was replayed", &[0], Returns::Instant),
    counter!("pg_stat_get_analyze_count", "Runs of ANALYZE"),
    counter!("pg_stat_get_autoanalyze_count", "Runs of ANALYZE unasked"),
    counter!("pg_stat_get_autovacuum_count", "Runs of VACUUM unasked"),
    counter!("pg_stat_get_blocks_fetched", "Blocks that were asked for"),
    counter!("pg_stat_get_blocks_hit", "Blocks that were in memory"),
    counter!("pg_stat_get_dead_tuples", "Rows that were deleted and are still there"),
    counter!("pg_stat_get_ins_since_vacuum", "Rows inserted since VACUUM"),
    never!("pg_stat_get_last_analyze_time", "Moment of the last ANALYZE", &[1], Returns::Instant),
    never!("pg_stat_get_last_autoanalyze_time", "Moment of the last ANALYZE unasked", &[1], Returns::Instant),
    never!("pg_stat_get_last_autovacuum_time", "Moment of the last VACUUM unasked", &[1], Returns::Instant),
    never!("pg_stat_get_last_vacuum_time", "Moment of the last VACUUM", &[1], Returns::Instant),
    never!("pg_stat_get_lastscan", "Moment of the last scan", &[1], Returns::Instant),
    stable("pg_stat_get_live_tuples", "Rows of a table, as far as its own statistics tell.", &[1], Returns::Big, rows),
    counter!("pg_stat_get_mod_since_analyze", "Rows changed since ANALYZE"),
    counter!("pg_stat_get_numscans", "Scans"),
    counter!("pg_stat_get_tuples_deleted", "Rows deleted"),
    counter!("pg_stat_get_tuples_fetched", "Rows found by an index"),
    counter!("pg_stat_get_tuples_hot_updated", "Rows changed in their block"),
    counter!("pg_stat_get_tuples_inserted", "Rows inserted"),
    counter!("pg_stat_get_tuples_newpage_updated", "Rows changed in another block"),
    counter!("pg_stat_get_tuples_returned", "Rows read by scans"),
    counter!("pg_stat_get_tuples_updated", "Rows changed"),
    counter!("pg_stat_get_vacuum_count", "Runs of VACUUM"),
    stable("pg_trigger_depth", "How many triggers run inside each other: 0.", &[0], Returns::Int, |_, _| {
        Ok(ScalarValue::from(0_i32))
    }),
];

/// 0, or NULL of NULL.
fn zero(_: &Context<'_>, values: &[ScalarValue]) -> Result<ScalarValue> {
    Ok(if values.first().is_none_or(ScalarValue::is_null) { null() } else { ScalarValue::from(0_i64) })
}

/// The rows of a table; 0 where nothing tells.
fn rows(context: &Context<'_>, values: &[ScalarValue]) -> Result<ScalarValue> {
    let Some(number) = object(values, 0)? else { return Ok(null()) };
    let rows = open(context, number).and_then(|table| table.statistics()).map(|statistics| statistics.num_rows);
    Ok(match rows {
        Some(Precision::Exact(rows) | Precision::Inexact(rows)) => ScalarValue::Int64(i64::try_from(rows).ok()),
        _ => ScalarValue::from(0_i64),
    })
}
