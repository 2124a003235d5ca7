//! The settings that there are: names, defaults and checks.

use super::spelling::parse_duration;
use crate::error::{ErrorKind, QueryError};
use crate::text::span::SpanStyle;
use crate::text::zone::Zone;

/// The definition of one setting: its name, its default as text, and the check that a new value must pass.
pub(super) struct Definition {
    pub(super) name: &'static str,
    pub(super) default: &'static str,
    pub(super) check: fn(&str) -> bool,
}

/// Accepts every value, for settings that only clients read back.
fn any(_: &str) -> bool {
    true
}

/// Accepts what PostgreSQL reads as a zone: see [`Zone::of_setting`].
fn time_zone(value: &str) -> bool {
    Zone::of_setting(value).is_some()
}

/// Accepts what [`parse_duration`] reads: digits are milliseconds unless a unit follows.
fn duration(value: &str) -> bool {
    parse_duration(value).is_some()
}

fn boolean(value: &str) -> bool {
    matches!(value.to_ascii_lowercase().as_str(), "on" | "off" | "true" | "false" | "yes" | "no" | "1" | "0")
}

fn integer(value: &str) -> bool {
    value.parse::<i64>().is_ok()
}

fn number(value: &str) -> bool {
    value.parse::<f64>().is_ok_and(|number| number >= 0.0)
}

/// Accepts `on` alone, in any spelling: strings are read in no other way.
fn on(value: &str) -> bool {
    matches!(value.to_ascii_lowercase().as_str(), "on" | "true" | "yes" | "1")
}

/// Accepts what has every digit written that tells a double from all others, which is all that is done here.
fn every_digit(value: &str) -> bool {
    matches!(value, "1" | "2" | "3")
}

/// Accepts PostgreSQL's levels of isolation.
fn isolation(value: &str) -> bool {
    let levels = ["serializable", "repeatable read", "read committed", "read uncommitted"];
    levels.iter().any(|level| value.eq_ignore_ascii_case(level))
}

/// Accepts PostgreSQL's levels of messages to clients.
fn message_level(value: &str) -> bool {
    let levels =
        ["debug", "debug1", "debug2", "debug3", "debug4", "debug5", "info", "log", "notice", "warning", "error"];
    levels.iter().any(|level| value.eq_ignore_ascii_case(level))
}

/// Accepts the spellings of UTF-8 alone: no other client encoding is served.
fn utf8(value: &str) -> bool {
    // Drivers write it with quotes, dashes and spaces.
    let letters: String = value.chars().filter(char::is_ascii_alphanumeric).collect();
    matches!(letters.to_ascii_lowercase().as_str(), "utf8" | "unicode")
}

fn freshness(value: &str) -> bool {
    matches!(value, "serve" | "wait" | "fail")
}

fn date_style(value: &str) -> bool {
    value.to_ascii_lowercase().split(',').all(|part| matches!(part.trim(), "iso" | "mdy" | "dmy" | "ymd"))
}

/// Accepts the four styles of PostgreSQL.
fn interval_style(value: &str) -> bool {
    SpanStyle::named(value).is_some()
}

/// Accepts `hex` alone, the only form that bytea is written in.
fn bytea_output(value: &str) -> bool {
    value.eq_ignore_ascii_case("hex")
}

/// Accepts a number of kilobytes, or one with a unit. What a statement may take is bounded by the server's limits alone.
fn memory(value: &str) -> bool {
    let digits = value.trim().trim_end_matches(|letter: char| letter.is_ascii_alphabetic()).trim_end();
    let unit = value.trim()[digits.len()..].trim();
    matches!(unit, "" | "B" | "kB" | "MB" | "GB" | "TB") && digits.parse::<u64>().is_ok_and(|number| number > 0)
}

/// The setting of how spans of time look as texts.
pub(super) const INTERVAL_STYLE: &str = "IntervalStyle";

/// The setting of the zone that moments are read and written in.
pub(super) const TIME_ZONE: &str = "TimeZone";

/// Settings sorted by name. Names compare without case; `SHOW` gives them in lower case as PostgreSQL does, apart
/// from the three that PostgreSQL itself spells with capitals.
pub(super) const DEFINITIONS: &[Definition] = &[
    Definition { name: "DateStyle", default: "ISO, MDY", check: date_style },
    Definition { name: INTERVAL_STYLE, default: "postgres", check: interval_style },
    Definition { name: TIME_ZONE, default: "UTC", check: time_zone },
    Definition { name: "application_name", default: "", check: any },
    Definition { name: "as_of", default: "", check: any },
    Definition { name: "bytea_output", default: "hex", check: bytea_output },
    Definition { name: "client_encoding", default: "UTF8", check: utf8 },
    Definition { name: "client_min_messages", default: "notice", check: message_level },
    Definition { name: "default_tablespace", default: "", check: |value| value.is_empty() },
    Definition { name: "default_transaction_deferrable", default: "off", check: boolean },
    Definition { name: "default_transaction_isolation", default: "repeatable read", check: isolation },
    Definition { name: "default_transaction_read_only", default: "on", check: boolean },
    Definition { name: "escape_string_warning", default: "on", check: boolean },
    Definition { name: "extra_float_digits", default: "1", check: every_digit },
    Definition { name: "freshness", default: "wait", check: freshness },
    Definition { name: "idle_in_transaction_session_timeout", default: "0", check: duration },
    Definition { name: "idle_session_timeout", default: "0", check: duration },
    Definition { name: "jit", default: "off", check: boolean },
    Definition { name: "live_lateness", default: "1s", check: duration },
    Definition { name: "lock_timeout", default: "0", check: duration },
    Definition { name: "max_staleness", default: "", check: |value| value.is_empty() || duration(value) },
    Definition { name: "row_security", default: "off", check: boolean },
    Definition { name: "search_path", default: "\"$user\", public", check: any },
    Definition { name: "standard_conforming_strings", default: "on", check: on },
    Definition { name: "statement_timeout", default: "0", check: duration },
    // Rows have one order, so that scans which start elsewhere cannot be told from others.
    Definition { name: "synchronize_seqscans", default: "on", check: boolean },
    Definition { name: "transaction_deferrable", default: "off", check: boolean },
    Definition { name: "transaction_isolation", default: "repeatable read", check: isolation },
    Definition { name: "transaction_read_only", default: "on", check: boolean },
    Definition { name: "work_mem", default: "4MB", check: memory },
];

/// Settings that PostgreSQL plans by, and that no answer depends on: tools set them, and read them back.
pub(super) const OF_PLANNER: &[Definition] = &[
    Definition { name: "check_function_bodies", default: "on", check: boolean },
    Definition { name: "constraint_exclusion", default: "partition", check: any },
    Definition { name: "cpu_index_tuple_cost", default: "0.005", check: number },
    Definition { name: "cpu_operator_cost", default: "0.0025", check: number },
    Definition { name: "cpu_tuple_cost", default: "0.01", check: number },
    Definition { name: "default_statistics_target", default: "100", check: integer },
    Definition { name: "effective_cache_size", default: "4GB", check: memory },
    Definition { name: "effective_io_concurrency", default: "1", check: integer },
    Definition { name: "enable_async_append", default: "on", check: boolean },
    Definition { name: "enable_bitmapscan", default: "on", check: boolean },
    Definition { name: "enable_gathermerge", default: "on", check: boolean },
    Definition { name: "enable_hashagg", default: "on", check: boolean },
    Definition { name: "enable_hashjoin", default: "on", check: boolean },
    Definition { name: "enable_incremental_sort", default: "on", check: boolean },
    Definition { name: "enable_indexonlyscan", default: "on", check: boolean },
    Definition { name: "enable_indexscan", default: "on", check: boolean },
    Definition { name: "enable_material", default: "on", check: boolean },
    Definition { name: "enable_memoize", default: "on", check: boolean },
    Definition { name: "enable_mergejoin", default: "on", check: boolean },
    Definition { name: "enable_nestloop", default: "on", check: boolean },
    Definition { name: "enable_parallel_append", default: "on", check: boolean },
    Definition { name: "enable_parallel_hash", default: "on", check: boolean },
    Definition { name: "enable_partition_pruning", default: "on", check: boolean },
    Definition { name: "enable_partitionwise_aggregate", default: "off", check: boolean },
    Definition { name: "enable_partitionwise_join", default: "off", check: boolean },
    Definition { name: "enable_seqscan", default: "on", check: boolean },
    Definition { name: "enable_sort", default: "on", check: boolean },
    Definition { name: "enable_tidscan", default: "on", check: boolean },
    Definition { name: "from_collapse_limit", default: "8", check: integer },
    Definition { name: "geqo", default: "on", check: boolean },
    Definition { name: "hash_mem_multiplier", default: "2", check: number },
    Definition { name: "join_collapse_limit", default: "8", check: integer },
    Definition { name: "maintenance_work_mem", default: "64MB", check: memory },
    Definition { name: "max_parallel_maintenance_workers", default: "2", check: integer },
    Definition { name: "max_parallel_workers", default: "8", check: integer },
    Definition { name: "max_parallel_workers_per_gather", default: "2", check: integer },
    Definition { name: "parallel_setup_cost", default: "1000", check: number },
    Definition { name: "parallel_tuple_cost", default: "0.1", check: number },
    Definition { name: "plan_cache_mode", default: "auto", check: any },
    Definition { name: "random_page_cost", default: "4", check: number },
    Definition { name: "seq_page_cost", default: "1", check: number },
    Definition { name: "temp_buffers", default: "8MB", check: memory },
    Definition { name: "xmloption", default: "content", check: any },
];

/// Facts a session may show but not set.
pub(super) const FACTS: &[(&str, &str)] = &[
    ("default_table_access_method", "heap"),
    ("integer_datetimes", "on"),
    ("in_hot_standby", "off"),
    ("lc_collate", "C.UTF-8"),
    ("lc_ctype", "C.UTF-8"),
    ("lc_messages", "C.UTF-8"),
    ("lc_monetary", "C.UTF-8"),
    ("lc_numeric", "C.UTF-8"),
    ("lc_time", "C.UTF-8"),
    ("max_identifier_length", "63"),
    ("max_index_keys", "32"),
    ("server_encoding", "UTF8"),
    ("server_version", "16.6"),
    ("server_version_num", "160006"),
];

/// A fact that depends on the session.
pub(super) const IS_SUPERUSER: &str = "is_superuser";

/// The definition of a name, compared without case. An error of kind UnknownObject (42704) when there is none, and of
/// kind InvalidParameter (22023) for a fact about the server, which cannot be set.
pub(super) fn find(name: &str) -> Result<&'static Definition, QueryError> {
    let name = if name.eq_ignore_ascii_case("time zone") { "timezone" } else { name };
    let mut all = DEFINITIONS.iter().chain(OF_PLANNER);
    all.find(|definition| definition.name.eq_ignore_ascii_case(name)).ok_or_else(|| {
        if FACTS.iter().any(|(fact, _)| fact.eq_ignore_ascii_case(name)) || name.eq_ignore_ascii_case(IS_SUPERUSER) {
            return QueryError::new(ErrorKind::InvalidParameter, format!("parameter \"{name}\" cannot be changed"));
        }
        QueryError::new(ErrorKind::UnknownObject, format!("unrecognized configuration parameter \"{name}\""))
    })
}
