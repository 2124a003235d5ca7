//! Session settings in the Postgres protocol: SET and SHOW of one session, and the ParameterStatus messages that follow a
//! change.
//!
//! Names, checks and spellings are the engine's; here are those that the protocol adds.

use super::error::Failure;
use crate::engine::{Session, Settings};

/// Settings that ParameterStatus reports at the start and whenever they change.
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
/// Sets a value; the engine keeps it in PostgreSQL's spelling.
///
/// # Errors
/// 42704 for an unknown setting, 22023 for a value it does not take.
pub(super) fn set(settings: &mut Settings, name: &str, value: &str) -> Result<(), Failure> {
    Ok(settings.set(name, value)?)
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

/// The settings that ParameterStatus reports, with the values in force.
pub(super) fn reported(session: &Session) -> Vec<(&'static str, String)> {
    REPORTED.iter().filter_map(|name| Some((*name, show(session, name).ok()?))).collect()
}
