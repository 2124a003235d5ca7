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
    Definition { name: "client_min_messages", default: "notice", check: any },
    Definition { name: "default_tablespace", default: "", check: |value| value.is_empty() },
    Definition { name: "default_transaction_deferrable", default: "off", check: boolean },
    Definition { name: "default_transaction_isolation", default: "repeatable read", check: any },
    Definition { name: "default_transaction_read_only", default: "on", check: boolean },
    Definition { name: "escape_string_warning", default: "on", check: boolean },
    Definition { name: "extra_float_digits", default: "1", check: integer },
    Definition { name: "freshness", default: "wait", check: freshness },
    Definition { name: "idle_in_transaction_session_timeout", default: "0", check: duration },
    Definition { name: "idle_session_timeout", default: "0", check: duration },
    Definition { name: "jit", default: "off", check: boolean },
    Definition { name: "live_lateness", default: "1s", check: duration },
    Definition { name: "lock_timeout", default: "0", check: duration },
    Definition { name: "max_staleness", default: "", check: |value| value.is_empty() || duration(value) },
    Definition { name: "row_security", default: "off", check: boolean },
    Definition { name: "search_path", default: "\"$user\", public", check: any },
    Definition { name: "standard_conforming_strings", default: "on", check: boolean },
    Definition { name: "statement_timeout", default: "0", check: duration },
    Definition { name: "transaction_deferrable", default: "off", check: boolean },
    Definition { name: "transaction_isolation", default: "repeatable read", check: any },
    Definition { name: "transaction_read_only", default: "on", check: boolean },
    Definition { name: "work_mem", default: "4MB", check: memory },
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
    DEFINITIONS.iter().find(|definition| definition.name.eq_ignore_ascii_case(name)).ok_or_else(|| {
        if FACTS.iter().any(|(fact, _)| fact.eq_ignore_ascii_case(name)) || name.eq_ignore_ascii_case(IS_SUPERUSER) {
            return QueryError::new(ErrorKind::InvalidParameter, format!("parameter \"{name}\" cannot be changed"));
        }
        QueryError::new(ErrorKind::UnknownObject, format!("unrecognized configuration parameter \"{name}\""))
    })
}
