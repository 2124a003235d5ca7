//! The rows of `pg_settings`: what PostgreSQL says of each setting, and the session's value in the setting's unit.

use super::value::{Row, Value};
use super::view::View;

/// What there is to say of one setting beside its value.
struct Described {
    name: &'static str,
    category: &'static str,
    /// `bool`, `enum`, `integer` or `string`.
    kind: &'static str,
    sentence: &'static str,
    /// Whether a session may set it.
    is_set: bool,
    /// Its unit and its bounds, empty where it has none.
    bounds: [&'static str; 3],
    /// The values it takes, as an array; empty where they are not counted.
    values: &'static str,
}

const fn of(name: &'static str, category: &'static str, kind: &'static str, sentence: &'static str) -> Described {
    Described { name, category, kind, sentence, is_set: true, bounds: [""; 3], values: "" }
}

impl Described {
    /// The same, which no session sets.
    const fn fixed(self) -> Self {
        Self { is_set: false, ..self }
    }

    /// The same, a number of a unit within bounds.
    const fn within(self, unit: &'static str, least: &'static str, most: &'static str) -> Self {
        Self { bounds: [unit, least, most], ..self }
    }

    /// The same, one of a few words.
    const fn one_of(self, values: &'static str) -> Self {
        Self { values, ..self }
    }
}

/// The settings that PostgreSQL has too, with its words, and ours; sorted by name.
#[rustfmt::skip]
const DESCRIBED: &[Described] = &[
    of("DateStyle", "Client Connection Defaults / Locale and Formatting", "string", "Sets the display format for date and time values."),
    of("IntervalStyle", "Client Connection Defaults / Locale and Formatting", "enum", "Sets the display format for interval values.").one_of("{postgres}"),
    of("TimeZone", "Client Connection Defaults / Locale and Formatting", "string", "Sets the time zone for displaying and interpreting time stamps."),
    of("application_name", "Reporting and Logging / What to Log", "string", "Sets the application name to be reported in statistics and logs."),
    of("as_of", "Customized Options", "string", "Moment of the past as of which cached tables are read."),
    of("bytea_output", "Client Connection Defaults / Statement Behavior", "enum", "Sets the output format for bytea.").one_of("{hex}"),
    of("client_encoding", "Client Connection Defaults / Locale and Formatting", "string", "Sets the client's character set encoding."),
    of("client_min_messages", "Client Connection Defaults / Statement Behavior", "enum", "Sets the message levels that are sent to the client.").one_of("{debug5,debug4,debug3,debug2,debug1,log,notice,warning,error}"),
    of("default_table_access_method", "Client Connection Defaults / Statement Behavior", "string", "Sets the default table access method for new tables.").fixed(),
    of("default_tablespace", "Client Connection Defaults / Statement Behavior", "string", "Sets the default tablespace to create tables and indexes in."),
    of("default_transaction_deferrable", "Client Connection Defaults / Statement Behavior", "bool", "Sets the default deferrable status of new transactions."),
    of("default_transaction_isolation", "Client Connection Defaults / Statement Behavior", "enum", "Sets the transaction isolation level of each new transaction.").one_of("{serializable,\"repeatable read\",\"read committed\",\"read uncommitted\"}"),
    of("default_transaction_read_only", "Client Connection Defaults / Statement Behavior", "bool", "Sets the default read-only status of new transactions."),
    of("escape_string_warning", "Version and Platform Compatibility / Previous PostgreSQL Versions", "bool", "Warn about backslash escapes in ordinary string literals."),
    of("extra_float_digits", "Client Connection Defaults / Locale and Formatting", "integer", "Sets the number of digits displayed for floating-point values.").within("", "-15", "3"),
    of("freshness", "Customized Options", "enum", "What a query does with a table past its time to live.").one_of("{serve,wait,fail}"),
    of("idle_in_transaction_session_timeout", "Client Connection Defaults / Statement Behavior", "integer", "Sets the maximum allowed idle time between queries, when in a transaction.").within("ms", "0", "2147483647"),
    of("idle_session_timeout", "Client Connection Defaults / Statement Behavior", "integer", "Sets the maximum allowed idle time between queries, when not in a transaction.").within("ms", "0", "2147483647"),
    of("in_hot_standby", "Preset Options", "bool", "Shows whether hot standby is currently active.").fixed(),
    of("integer_datetimes", "Preset Options", "bool", "Shows whether datetimes are integer based.").fixed(),
    of("is_superuser", "Preset Options", "bool", "Shows whether the current user is a superuser.").fixed(),
    of("jit", "Query Tuning / Other Planner Options", "bool", "Allow JIT compilation."),
    of("lc_collate", "Preset Options", "string", "Shows the collation order locale.").fixed(),
    of("lc_ctype", "Preset Options", "string", "Shows the character classification and case conversion locale.").fixed(),
    of("lc_messages", "Client Connection Defaults / Locale and Formatting", "string", "Sets the language in which messages are displayed.").fixed(),
    of("lc_monetary", "Client Connection Defaults / Locale and Formatting", "string", "Sets the locale for formatting monetary amounts.").fixed(),
    of("lc_numeric", "Client Connection Defaults / Locale and Formatting", "string", "Sets the locale for formatting numbers.").fixed(),
    of("lc_time", "Client Connection Defaults / Locale and Formatting", "string", "Sets the locale for formatting date and time values.").fixed(),
    of("live_lateness", "Customized Options", "string", "How long a bucket of live events waits for events that come late."),
    of("lock_timeout", "Client Connection Defaults / Statement Behavior", "integer", "Sets the maximum allowed duration of any wait for a lock.").within("ms", "0", "2147483647"),
    of("max_identifier_length", "Preset Options", "integer", "Shows the maximum identifier length.").fixed().within("", "63", "63"),
    of("max_index_keys", "Preset Options", "integer", "Shows the maximum number of index keys.").fixed().within("", "32", "32"),
    of("max_staleness", "Customized Options", "string", "Age beyond which a cached table is too old for a query."),
    of("row_security", "Client Connection Defaults / Statement Behavior", "bool", "Enable row security."),
    of("search_path", "Client Connection Defaults / Statement Behavior", "string", "Sets the schema search order for names that are not schema-qualified."),
    of("server_encoding", "Preset Options", "string", "Shows the server (database) character set encoding.").fixed(),
    of("server_version", "Preset Options", "string", "Shows the server version.").fixed(),
    of("server_version_num", "Preset Options", "integer", "Shows the server version as an integer.").fixed(),
    of("standard_conforming_strings", "Version and Platform Compatibility / Previous PostgreSQL Versions", "bool", "Causes '...' strings to treat backslashes literally."),
    of("statement_timeout", "Client Connection Defaults / Statement Behavior", "integer", "Sets the maximum allowed duration of any statement.").within("ms", "0", "2147483647"),
    of("synchronize_seqscans", "Version and Platform Compatibility / Previous PostgreSQL Versions", "bool", "Enable synchronized sequential scans."),
    of("transaction_deferrable", "Client Connection Defaults / Statement Behavior", "bool", "Whether to defer a read-only serializable transaction until it can be executed with no possible serialization failures."),
    of("transaction_isolation", "Client Connection Defaults / Statement Behavior", "enum", "Sets the current transaction's isolation level.").one_of("{serializable,\"repeatable read\",\"read committed\",\"read uncommitted\"}"),
    of("transaction_read_only", "Client Connection Defaults / Statement Behavior", "bool", "Sets the current transaction's read-only status."),
    of("work_mem", "Resource Usage / Memory", "integer", "Sets the maximum memory to be used for query workspaces.").within("kB", "64", "2147483647"),
];

/// A row for each setting of the session; one without a description is the client's own.
pub(super) fn rows(view: &View<'_>) -> Vec<Row> {
    let all = view.facts.map(|facts| facts.variables.all()).unwrap_or_default();
    all.into_iter().map(|(name, value)| row(name, value)).collect()
}

fn row(name: String, value: String) -> Row {
    let known = DESCRIBED.binary_search_by(|known| known.name.cmp(name.as_str())).ok();
    let known = known.and_then(|place| DESCRIBED.get(place));
    let text = |text: &'static str| if text.is_empty() { Value::Null } else { text.into() };
    let [unit, least, most] = known.map_or([""; 3], |known| known.bounds);
    let value = in_unit(&value, unit).map_or(value, |number| number.to_string());
    let values = known.map(|known| known.values.trim_matches(['{', '}'])).unwrap_or_default();
    let words: Vec<String> = values.split(',').map(|word| word.trim_matches('"').to_owned()).collect();
    vec![
        ("name", name.into()),
        ("setting", value.clone().into()),
        ("unit", text(unit)),
        ("category", known.map_or("Customized Options", |known| known.category).into()),
        ("short_desc", known.map_or("", |known| known.sentence).into()),
        ("context", if known.is_none_or(|known| known.is_set) { "user" } else { "internal" }.into()),
        ("vartype", known.map_or("string", |known| known.kind).into()),
        ("source", "default".into()),
        ("min_val", text(least)),
        ("max_val", text(most)),
        ("enumvals", if values.is_empty() { Value::Null } else { Value::Texts(words) }),
        ("boot_val", value.clone().into()),
        ("reset_val", value.into()),
    ]
}

/// The number of units of a value that is written with another, `30s` or `4MB`; `None` where there is nothing to convert.
fn in_unit(value: &str, unit: &str) -> Option<u64> {
    let digits = value.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let number: u64 = digits.trim_end().parse().ok()?;
    let factor = match (unit, value.get(digits.len()..)?) {
        ("ms" | "kB", "") | ("ms", "ms") | ("kB", "kB") => 1,
        ("ms", "s") => 1_000,
        ("ms", "min") => 60_000,
        ("ms", "h") => 3_600_000,
        ("ms", "d") => 86_400_000,
        ("kB", "MB") => 1024,
        ("kB", "GB") => 1024 * 1024,
        ("kB", "TB") => 1024 * 1024 * 1024,
        _ => return None,
    };
    number.checked_mul(factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_in_the_unit_of_their_setting() {
        assert!(DESCRIBED.is_sorted_by_key(|known| known.name));
        assert_eq!(in_unit("4MB", "kB"), Some(4096));
        assert_eq!(in_unit("90s", "ms"), Some(90_000));
        assert_eq!(in_unit("0", "ms"), Some(0));
        assert_eq!(in_unit("UTC", ""), None);
    }
}
