//! The name of a table at a moment of the past, as `FOR SYSTEM_TIME AS OF` asks for it: one that no statement can write, and
//! that the schema of the tables takes apart.

use chrono::{DateTime, Utc};

/// Stands between the table's own name and the moment.
const MARK: char = '\u{1}';

/// The name of a table at a moment.
pub(crate) fn name(table: &str, at: DateTime<Utc>) -> String {
    format!("{table}{MARK}{}", at.timestamp_micros())
}

/// The table's own name and the moment; `None` where a name has none.
pub(crate) fn split(name: &str) -> Option<(&str, DateTime<Utc>)> {
    let (table, at) = name.split_once(MARK)?;
    Some((table, DateTime::from_timestamp_micros(at.parse().ok()?)?))
}

/// The table's own name.
pub(crate) fn own(name: &str) -> &str {
    name.split_once(MARK).map_or(name, |(table, _)| table)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_a_moment_comes_apart_again() {
        let at = DateTime::from_timestamp_micros(1_762_180_200_000_001).unwrap_or_default();
        assert_eq!(split(&name("eod", at)), Some(("eod", at)));
        assert_eq!(own(&name("eod", at)), "eod");
        assert_eq!((split("eod"), own("eod")), (None, "eod"));
    }
}
