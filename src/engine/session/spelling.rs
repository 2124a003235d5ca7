//! How the values of settings are spelled: what is set is kept as PostgreSQL would show it, and limits of time are read and
//! written with their units.

use crate::text::zone::Zone;
use std::time::Duration;

/// Characters of an application's name, as in PostgreSQL.
const APPLICATION_NAME_MAX: usize = 63;

/// The value as PostgreSQL would show it. Drivers compare it with capitals.
pub(super) fn spelled(name: &str, value: &str) -> String {
    match name.to_ascii_lowercase().as_str() {
        "timezone" => Zone::of_setting(value).map_or_else(|| value.to_owned(), |zone| zone.name().to_owned()),
        "intervalstyle" => value.to_ascii_lowercase(),
        "datestyle" => spelled_date_style(value),
        "client_encoding" if matches!(value.to_ascii_lowercase().as_str(), "utf8" | "utf-8" | "unicode") => {
            "UTF8".to_owned()
        }
        "idle_in_transaction_session_timeout" | "idle_session_timeout" | "lock_timeout" | "statement_timeout" => {
            parse_duration(value).map_or_else(|| value.to_owned(), duration_text)
        }
        "application_name" => value.chars().take(APPLICATION_NAME_MAX).collect(),
        "standard_conforming_strings" | "default_transaction_read_only" | "transaction_read_only" | "row_security" => {
            on_or_off(value)
        }
        _ => value.to_owned(),
    }
}

fn on_or_off(value: &str) -> String {
    match value.to_ascii_lowercase().as_str() {
        "true" | "yes" | "1" => "on".to_owned(),
        "false" | "no" | "0" => "off".to_owned(),
        other => other.to_owned(),
    }
}

/// `ISO, MDY` whatever the order and the capitals.
fn spelled_date_style(value: &str) -> String {
    let parts: Vec<String> = value.split(',').map(|part| part.trim().to_ascii_uppercase()).collect();
    if !parts.iter().all(|part| matches!(part.as_str(), "ISO" | "MDY" | "DMY" | "YMD" | "US" | "EUROPEAN")) {
        return value.to_owned();
    }
    let order = parts.iter().find_map(|part| match part.as_str() {
        "MDY" | "US" => Some("MDY"),
        "DMY" | "EUROPEAN" => Some("DMY"),
        "YMD" => Some("YMD"),
        _ => None,
    });
    format!("ISO, {}", order.unwrap_or("MDY"))
}

/// `5s`, `2min`, `250ms`, `1h`, `1d`; a bare number is milliseconds, as in PostgreSQL.
pub fn parse_duration(text: &str) -> Option<Duration> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let number: u64 = text[..digits].parse().ok()?;
    let unit_ms = match text[digits..].trim() {
        "" | "ms" => 1,
        "s" => 1_000,
        "min" | "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    number.checked_mul(unit_ms).map(Duration::from_millis)
}

/// A limit as it may be set: in the largest unit that it is a whole number of.
pub(super) fn duration_text(limit: Duration) -> String {
    let ms = limit.as_millis();
    match ms {
        0 => "0".to_owned(),
        ms if ms % 86_400_000 == 0 => format!("{}d", ms / 86_400_000),
        ms if ms % 3_600_000 == 0 => format!("{}h", ms / 3_600_000),
        ms if ms % 60_000 == 0 => format!("{}min", ms / 60_000),
        ms if ms % 1_000 == 0 => format!("{}s", ms / 1_000),
        ms => format!("{ms}ms"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_spelled_as_in_postgres() {
        assert_eq!(spelled("DateStyle", "iso"), "ISO, MDY");
        assert_eq!(spelled("DateStyle", "ISO, European"), "ISO, DMY");
        assert_eq!(spelled("client_encoding", "utf-8"), "UTF8");
        assert_eq!(spelled("statement_timeout", "300"), "300ms");
        assert_eq!(spelled("lock_timeout", "90000"), "90s");
        assert_eq!(spelled("idle_session_timeout", "0"), "0");
        assert_eq!(spelled("TimeZone", "europe/rome"), "Europe/Rome");
        assert_eq!(spelled("TimeZone", "utc"), "UTC");
        assert_eq!(spelled("TimeZone", "-7"), "<-07>+07");
        assert_eq!(spelled("TimeZone", "-08:00"), "-08:00");
        assert_eq!(spelled("TimeZone", "gmt-03:00"), "GMT-03:00");
        assert_eq!(spelled("TimeZone", "Nowhere"), "Nowhere");
    }

    #[test]
    fn durations_read_as_in_postgres() {
        assert_eq!(parse_duration("250"), Some(Duration::from_millis(250)));
        assert_eq!(parse_duration("5s"), Some(Duration::from_secs(5)));
        assert_eq!(parse_duration("2min"), Some(Duration::from_secs(120)));
        assert_eq!(parse_duration("soon"), None);
        assert_eq!(parse_duration("-1"), None);
        for text in ["250ms", "2min", "1h", "0"] {
            assert_eq!(duration_text(parse_duration(text).unwrap()), text);
        }
    }
}
