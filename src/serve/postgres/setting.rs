//! Settings as the protocol sees them: PostgreSQL's spellings of their values, and those the client is told of.

use super::error::Failure;
use crate::engine::{Session, Settings};

/// Settings the client is told of at the start and whenever they change.
const REPORTED: [&str; 13] = [
    "application_name",
    "client_encoding",
    "DateStyle",
    "default_transaction_read_only",
    "in_hot_standby",
    "integer_datetimes",
    "IntervalStyle",
    "is_superuser",
    "server_encoding",
    "server_version",
    "session_authorization",
    "standard_conforming_strings",
    "TimeZone",
];
/// Characters of an application's name, as in PostgreSQL.
const APPLICATION_NAME_MAX: usize = 63;

/// Sets a value in PostgreSQL's spelling.
///
/// # Errors
/// 42704 for an unknown setting, 22023 for a value it does not take.
pub(super) fn set(settings: &mut Settings, name: &str, value: &str) -> Result<(), Failure> {
    Ok(settings.set(name, &canonical(name, value))?)
}

/// The value as PostgreSQL would show it. Drivers compare it with capitals.
fn canonical(name: &str, value: &str) -> String {
    match name.to_ascii_lowercase().as_str() {
        "timezone" => time_zone(value),
        "datestyle" => date_style(value),
        "client_encoding" if matches!(value.to_ascii_lowercase().as_str(), "utf8" | "utf-8" | "unicode") => {
            "UTF8".to_owned()
        }
        "application_name" => value.chars().take(APPLICATION_NAME_MAX).collect(),
        "standard_conforming_strings" | "default_transaction_read_only" | "transaction_read_only" | "row_security" => {
            boolean(value)
        }
        _ => value.to_owned(),
    }
}

fn boolean(value: &str) -> String {
    match value.to_ascii_lowercase().as_str() {
        "true" | "yes" | "1" => "on".to_owned(),
        "false" | "no" | "0" => "off".to_owned(),
        other => other.to_owned(),
    }
}

/// `ISO, MDY` whatever the order and the capitals.
fn date_style(value: &str) -> String {
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

/// A zone's own name whatever the capitals; whole hours as the zones that stand for them.
fn time_zone(value: &str) -> String {
    if let Some(zone) = chrono_tz::TZ_VARIANTS.iter().find(|zone| zone.name().eq_ignore_ascii_case(value)) {
        return zone.name().to_owned();
    }
    let (hours, posix) = match value.get(..3) {
        Some(prefix) if matches!(prefix.to_ascii_uppercase().as_str(), "GMT" | "UTC") => (value.get(3..), true),
        _ => (Some(value), false),
    };
    let hours = hours.map(|hours| hours.split(':').collect::<Vec<_>>());
    let hours = match hours.as_deref() {
        Some([hours] | [hours, "00"]) => hours.parse::<i32>().ok(),
        _ => None,
    };
    match hours.map(|hours| if posix { hours } else { -hours }) {
        Some(0) => "UTC".to_owned(),
        // Such zones count hours west of Greenwich.
        Some(west @ -14..=12) => format!("Etc/GMT{west:+}"),
        _ => value.to_owned(),
    }
}

/// The value in force.
///
/// # Errors
/// 42704 for an unknown setting.
pub(super) fn show(session: &Session, name: &str) -> Result<String, Failure> {
    Ok(match name.to_ascii_lowercase().as_str() {
        "session_authorization" => session.user().to_owned(),
        "role" => "none".to_owned(),
        "in_hot_standby" => "off".to_owned(),
        _ => session.settings().show(name)?,
    })
}

/// A setting's name in PostgreSQL's spelling.
pub(super) fn spelled(session: &Session, name: &str) -> String {
    let all = session.settings().all();
    let known = all.into_iter().map(|(known, _)| known).find(|known| known.eq_ignore_ascii_case(name));
    known.unwrap_or_else(|| name.to_ascii_lowercase())
}

/// What the client is told of, with the values in force.
pub(super) fn reported(session: &Session) -> Vec<(&'static str, String)> {
    REPORTED.iter().filter_map(|name| Some((*name, show(session, name).ok()?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_spelled_as_in_postgres() {
        assert_eq!(canonical("datestyle", "iso"), "ISO, MDY");
        assert_eq!(canonical("DateStyle", "ISO, European"), "ISO, DMY");
        assert_eq!(canonical("client_encoding", "utf-8"), "UTF8");
        assert_eq!(canonical("TimeZone", "europe/rome"), "Europe/Rome");
        assert_eq!(canonical("TimeZone", "utc"), "UTC");
        assert_eq!(canonical("TimeZone", "-7"), "Etc/GMT+7");
        assert_eq!(canonical("TimeZone", "-08:00"), "Etc/GMT+8");
        assert_eq!(canonical("TimeZone", "GMT-03:00"), "Etc/GMT-3");
        assert_eq!(canonical("TimeZone", "Nowhere"), "Nowhere");
        let mut settings = Settings::default();
        assert_eq!(set(&mut settings, "TimeZone", "Nowhere").unwrap_err().code, "22023");
        set(&mut settings, "TimeZone", "GMT+05:00").unwrap();
        assert_eq!(settings.time_zone(), chrono_tz::Tz::Etc__GMTPlus5);
    }
}
