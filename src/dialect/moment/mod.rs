//! Dates, times, moments and spans of time have PostgreSQL's meaning: how they are cast, compared and computed with, in
//! the session's time zone where it counts.
//!
//! A `timestamptz` is always of the Arrow type `Timestamp(Microsecond, "UTC")`, whatever the session's zone: the zone is
//! no part of a plan. It is in the session's configuration ([`zone`]), where functions find it when they run, so that a
//! prepared plan follows `SET timezone`. Infinity is the largest value of the type, as in PostgreSQL
//! (`crate::text::calendar`).
//!
//! DataFusion 55: casts and operators of moments are Arrow's, which refuse a local time that a zone skips, know no
//! infinity, wrap or give NULL where a moment leaves its type, and take the zone from the type of the column. Not needed
//! once Arrow's kernels take a calendar of the caller.

mod age;
pub(crate) mod arithmetic;
mod at_time_zone;
mod cast_rule;
pub(crate) mod compare;
pub(crate) mod convert;
mod extract;
pub(crate) mod fault;
mod field;
pub(crate) mod function;
pub(crate) mod interval_aggregate;
pub(crate) mod interval_order;
mod make;
pub(crate) mod now;
pub(crate) mod operator;
mod overlaps;
mod pattern;
mod read_pattern;
mod recent;
mod round;
mod series;
pub(crate) mod session_style;
mod truncate;
pub(crate) mod types;
pub(crate) mod write_pattern;

use datafusion::common::Result;
use datafusion::execution::FunctionRegistry;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::ScalarUDF;
use std::sync::Arc;

/// The functions that statements call by name.
pub(super) fn functions() -> Vec<ScalarUDF> {
    let mut functions = vec![
        at_time_zone::function(),
        overlaps::function(),
        read_pattern::to_date(),
        round::function(),
        truncate::date_bin(),
        truncate::date_trunc(),
        ScalarUDF::from(extract::Part::date_part()),
        ScalarUDF::from(extract::Part::extract()),
    ];
    functions.extend(age::functions());
    functions.extend(make::functions());
    functions.extend(now::functions());
    functions.extend(series::functions());
    functions
}

/// Functions whose result depends on the session's zone or on its style of spans, and on nothing else that changes from one execution of a
/// statement to the next: a plan with them can be kept for as long as the zone stays.
const ZONED: [&str; 15] = [
    "day_from",
    "day_until",
    "date_add",
    "date_part",
    "date_subtract",
    "date_trunc",
    "extract",
    "generate_series",
    "make_timestamptz",
    "timestamptz_minus",
    "timestamptz_plus",
    "to_char",
    "to_interval_value",
    "to_text",
    "to_timestamp",
];

/// Whether a stable function is so because of the session's zone alone.
pub(crate) fn follows_zone_alone(function: &ScalarUDF) -> bool {
    ZONED.contains(&function.name()) || convert::follows_zone(function)
}

/// Puts `generate_series` of moments and decimals over DataFusion's of whole numbers.
///
/// # Errors
/// Whatever DataFusion refuses to register.
pub(super) fn install_series(state: &mut SessionState) -> Result<()> {
    if let Some(whole) = state.scalar_functions().get("generate_series").cloned() {
        state.register_udf(Arc::new(ScalarUDF::from(series::Series::over(whole))))?;
    }
    Ok(())
}

/// Registers `avg` of intervals, and what must see the plan before it is optimised: aggregates and comparisons of
/// intervals.
///
/// # Errors
/// Whatever DataFusion refuses to register.
pub(super) fn install_rewrites(state: &mut SessionState) -> Result<()> {
    state.register_udaf(Arc::new(interval_aggregate::average()))?;
    state.register_function_rewrite(Arc::new(interval_aggregate::Aggregates))?;
    state.register_function_rewrite(Arc::new(interval_order::IntervalOrder))
}

/// Registers the rule for casts, which runs when all types are settled.
pub(super) fn install_rules(state: &mut SessionState) {
    state.add_analyzer_rule(Arc::new(cast_rule::Casts));
}
