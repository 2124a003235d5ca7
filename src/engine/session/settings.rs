//! The settings of a session: what it has set, and the defaults for the rest. SET, SHOW and RESET of both front ends read and
//! write here.

use super::definition::{DEFINITIONS, Definition, FACTS, INTERVAL_STYLE, IS_SUPERUSER, OF_PLANNER, TIME_ZONE, find};
use super::spelling::{duration_text, parse_duration, spelled};
use crate::clock::Clock;
use crate::error::{ErrorKind, QueryError};
use crate::temporary::contents::Contents;
use crate::text::datetime::{self, Context};
use crate::text::span::SpanStyle;
use crate::text::style::Style;
use crate::text::zone::Zone;
use chrono::{DateTime, SecondsFormat, Utc};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// What the server gives every session, and the session's user brings.
#[derive(Debug, Clone, Copy, Default)]
pub struct Defaults {
    /// `statement_timeout`; `None` is no limit, here and below.
    pub statement_timeout: Option<Duration>,
    /// `idle_session_timeout`: how long a client may be silent outside a transaction.
    pub idle_session_timeout: Option<Duration>,
    /// `idle_in_transaction_session_timeout`: how long a client may be silent inside a transaction.
    pub idle_in_transaction_session_timeout: Option<Duration>,
    /// Whether `is_superuser` shows `on`: the session's user is an admin. It cannot be set.
    pub superuser: bool,
    /// Memory of one query, in bytes; `None` is what all have together.
    pub query_memory_bytes: Option<usize>,
    /// Memory of the temporary tables of one session, in bytes; `None` is no bound of its own.
    pub temporary_bytes: Option<usize>,
}

/// The settings of one session: what it has set, and the defaults for the rest.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Shared with the copies that savepoints keep.
    values: BTreeMap<&'static str, Arc<str>>,
    defaults: Defaults,
    /// The zone that `TimeZone` names; `None` while it has its default.
    zone: Option<Zone>,
    version: u64,
    /// What clients keep here for themselves: names with a dot, as in PostgreSQL.
    custom: BTreeMap<Arc<str>, Arc<str>>,
    /// The temporary tables and views of the session: like settings, they go back with a transaction.
    temporary: Contents,
    /// What they were before a statement changed them for its transaction alone.
    before_local: Option<Box<Settings>>,
}

/// The number of the next change of any session's settings.
static NEXT_VERSION: AtomicU64 = AtomicU64::new(1);

impl Settings {
    /// Settings of a session that has set nothing: every value is its default.
    pub fn new(defaults: Defaults) -> Self {
        Self { defaults, ..Self::default() }
    }

    /// A number that tells whether a value has changed: settings of the same number have the same values, also when
    /// they went back to what they were before.
    pub fn version(&self) -> u64 {
        self.version
    }

    fn changed(&mut self) {
        self.version = NEXT_VERSION.fetch_add(1, Ordering::Relaxed);
    }

    /// The temporary tables and views of the session.
    pub(crate) fn temporary(&self) -> &Contents {
        &self.temporary
    }

    /// Has other rows in temporary tables.
    pub(crate) fn keep_rows(&mut self, contents: Contents) {
        self.temporary = contents;
    }

    /// Has the temporary tables and views of other settings.
    pub(crate) fn take_temporary(&mut self, other: &Self) {
        self.temporary = other.temporary.clone();
        self.changed();
    }

    /// Drops and empties the temporary tables that are to be so at the end of a transaction.
    pub(crate) fn commit_temporary(&mut self) {
        if let Some(left) = self.temporary.committed() {
            self.define(left);
        }
    }

    /// Has other temporary tables and views: what was planned over those before is planned anew.
    pub(crate) fn define(&mut self, contents: Contents) {
        self.temporary = contents;
        self.changed();
    }

    /// Sets a value for the transaction alone, as `set_config(name, value, true)` does; [`Self::take_local`] tells whoever
    /// keeps the transaction what to go back to.
    ///
    /// # Errors
    /// Those of [`Self::set`].
    pub(crate) fn set_local(&mut self, name: &str, value: &str) -> Result<(), QueryError> {
        let before = self.before_local.take().unwrap_or_else(|| Box::new(self.clone()));
        let set = self.set(name, value);
        self.before_local = Some(before);
        set
    }

    /// The settings from before the first [`Self::set_local`], once.
    pub(crate) fn take_local(&mut self) -> Option<Self> {
        self.before_local.take().map(|before| *before)
    }

    /// Sets a value, or refuses it: 42704 for an unknown name, 22023 for a value it does not take.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), QueryError> {
        if name.len() > NAME_BYTES_MAX || value.len() > VALUE_BYTES_MAX {
            let message = format!(
                "a setting has a name of at most {NAME_BYTES_MAX} bytes and a value of at most {VALUE_BYTES_MAX}"
            );
            return Err(QueryError::new(ErrorKind::InvalidParameter, message));
        }
        if let Some(name) = custom(name) {
            if self.custom.len() >= CUSTOM_MAX {
                // Those that were reset are known to be empty, and no more.
                self.custom.retain(|own, value| own.as_ref() == name || !value.is_empty());
            }
            if self.custom.len() >= CUSTOM_MAX && !self.custom.contains_key(name.as_str()) {
                let message = format!("a session has at most {CUSTOM_MAX} settings of its own");
                return Err(QueryError::new(ErrorKind::InvalidParameter, message));
            }
            if let Some(before) = &mut self.before_local {
                before.set(&name, value)?;
            }
            self.custom.insert(name.into(), value.into());
            self.changed();
            return Ok(());
        }
        let definition = find(name)?;
        let spelled = spelled(definition.name, value);
        if !(definition.check)(&spelled) {
            let message = format!("invalid value for parameter \"{}\": \"{value}\"", definition.name);
            return Err(QueryError::new(ErrorKind::InvalidParameter, message));
        }
        let value = match definition.name {
            "as_of" => self.past(value)?,
            _ => spelled,
        };
        if let Some(before) = &mut self.before_local {
            before.set(definition.name, &value)?;
        }
        if definition.name == TIME_ZONE {
            self.zone = Zone::of_setting(&value);
        }
        self.values.insert(definition.name, value.into());
        self.changed();
        Ok(())
    }

    /// A moment of the past as a value of `as_of`; empty stays empty, which is now.
    fn past(&self, value: &str) -> Result<String, QueryError> {
        if value.is_empty() {
            return Ok(String::new());
        }
        let at = self.past_moment(value).map_err(|error| QueryError {
            message: format!("invalid value for parameter \"as_of\": {}", error.message),
            ..error
        })?;
        Ok(at.to_rfc3339_opts(SecondsFormat::AutoSi, true))
    }

    /// A moment of the past by its text, in the session's zone where it names none.
    ///
    /// # Errors
    /// 22023 for a text that is no moment, or one of the future.
    pub fn past_moment(&self, text: &str) -> Result<DateTime<Utc>, QueryError> {
        let (zone, now) = (self.time_zone(), Clock::System.now());
        let context = Context { zone: &zone, spans: SpanStyle::Postgres, now_us: now.timestamp_micros() };
        let wrong = |message: String| QueryError::new(ErrorKind::InvalidParameter, message);
        match datetime::timestamptz(text, context).ok().and_then(DateTime::from_timestamp_micros) {
            None => Err(wrong(format!("\"{text}\" is no moment"))
                .with_hint("Give an instant such as 2026-11-01T16:00Z, or a date with or without a time.")),
            Some(at) if at > now => Err(wrong(format!("\"{text}\" is in the future"))),
            Some(at) => Ok(at),
        }
    }

    /// Returns a setting to its default, which for one of the session's own is an empty text. An error of kind
    /// UnknownObject (42704) for a name there is not, of kind InvalidParameter (22023) for a fact about the server.
    pub fn reset(&mut self, name: &str) -> Result<(), QueryError> {
        match custom(name) {
            Some(name) => {
                if let Some(value) = self.custom.get_mut(name.as_str()) {
                    *value = Arc::default();
                }
            }
            None => {
                let name = find(name)?.name;
                self.values.remove(name);
                if name == TIME_ZONE {
                    self.zone = None;
                }
            }
        }
        self.changed();
        Ok(())
    }

    /// Returns every setting to its default.
    pub fn reset_all(&mut self) {
        self.values.clear();
        self.zone = None;
        self.custom.values_mut().for_each(|value| *value = Arc::default());
        self.changed();
    }

    /// The value in force, as text; an error of kind UnknownObject (42704) for a name there is not.
    pub fn show(&self, name: &str) -> Result<String, QueryError> {
        if let Some((_, value)) = self.facts().find(|(fact, _)| fact.eq_ignore_ascii_case(name)) {
            return Ok(value.to_owned());
        }
        if let Some(value) = custom(name).and_then(|name| self.custom.get(name.as_str())) {
            return Ok(value.as_ref().to_owned());
        }
        Ok(self.value(find(name)?))
    }

    fn value(&self, definition: &Definition) -> String {
        let by_default = || match self.default_limit(definition.name) {
            Some(limit) => duration_text(limit),
            None => definition.default.to_owned(),
        };
        self.values.get(definition.name).map_or_else(by_default, |value| value.as_ref().to_owned())
    }

    fn facts(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        let superuser = if self.defaults.superuser { "on" } else { "off" };
        FACTS.iter().copied().chain([(IS_SUPERUSER, superuser)])
    }

    /// The limit that holds while the session sets none.
    fn default_limit(&self, name: &str) -> Option<Duration> {
        match name {
            "statement_timeout" => self.defaults.statement_timeout,
            "idle_session_timeout" => self.defaults.idle_session_timeout,
            "idle_in_transaction_session_timeout" => self.defaults.idle_in_transaction_session_timeout,
            _ => None,
        }
    }

    /// A limit of time in force; `None` is no limit.
    fn limit(&self, name: &'static str) -> Option<Duration> {
        match self.values.get(name) {
            Some(text) => parse_duration(text).filter(|limit| !limit.is_zero()),
            None => self.default_limit(name),
        }
    }

    /// What was set, with its value: first ours, then the client's own, each sorted by name.
    pub fn assigned(&self) -> impl Iterator<Item = (&str, &str)> {
        let ours = self.values.iter().map(|(name, value)| (*name, value.as_ref()));
        ours.chain(self.custom.iter().map(|(name, value)| (name.as_ref(), value.as_ref())))
    }

    /// All names with the values in force, sorted by name.
    pub fn all(&self) -> Vec<(String, String)> {
        let mut all: Vec<(String, String)> =
            self.facts().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        all.extend(
            DEFINITIONS.iter().chain(OF_PLANNER).map(|definition| (definition.name.to_owned(), self.value(definition))),
        );
        all.extend(self.custom.iter().map(|(name, value)| (name.as_ref().to_owned(), value.as_ref().to_owned())));
        all.sort_by_key(|(name, _)| name.to_ascii_lowercase());
        all
    }

    /// The zone in which instants are shown.
    pub(crate) fn time_zone(&self) -> Zone {
        self.zone.clone().unwrap_or(Zone::UTC)
    }

    /// How values look as texts.
    pub(crate) fn style(&self) -> Style {
        let spans = self.values.get(INTERVAL_STYLE).and_then(|name| SpanStyle::named(name)).unwrap_or_default();
        Style { zone: self.time_zone(), spans }
    }

    /// The time limit over a whole statement; `None` is no limit.
    pub fn statement_timeout(&self) -> Option<Duration> {
        self.limit("statement_timeout")
    }

    /// How long the client may leave the session alone outside a transaction; `None` is for ever.
    pub fn idle_session_timeout(&self) -> Option<Duration> {
        self.limit("idle_session_timeout")
    }

    /// How long the client may leave it alone inside one; `None` is for ever.
    pub fn idle_in_transaction_session_timeout(&self) -> Option<Duration> {
        self.limit("idle_in_transaction_session_timeout")
    }

    /// How old an answer this session takes, when it says so.
    pub fn max_staleness(&self) -> Option<Duration> {
        self.values.get("max_staleness").and_then(|text| parse_duration(text))
    }

    /// How long a live event is held back for others of an earlier time, where a query puts them in its order.
    pub fn live_lateness(&self) -> Duration {
        const DEFAULT: Duration = Duration::from_secs(1);
        self.values.get("live_lateness").and_then(|text| parse_duration(text)).unwrap_or(DEFAULT)
    }

    /// The moment whose tables this session reads; `None` is now.
    pub fn as_of(&self) -> Option<DateTime<Utc>> {
        self.values.get("as_of").and_then(|text| text.parse().ok())
    }

    /// What to do with a stale table: `serve`, `wait` or `fail`.
    pub fn freshness(&self) -> &str {
        self.values.get("freshness").map_or("wait", AsRef::as_ref)
    }
}

/// Settings of its own that a session may have.
const CUSTOM_MAX: usize = 100;

/// Bytes of a setting's name, at most.
const NAME_BYTES_MAX: usize = 256;

/// Bytes of a setting's value, at most: enough for the claims and headers that gateways keep there.
const VALUE_BYTES_MAX: usize = 64 << 10;

/// A name with a dot in it, in lower case: a setting that means nothing to the server. The engine's own settings are
/// not among them: nobody is to believe that they can be set.
fn custom(name: &str) -> Option<String> {
    let name = name.to_lowercase();
    (name.contains('.') && !name.starts_with("datafusion.")).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_compare_without_case_and_show_their_own_spelling() {
        let mut settings = Settings::default();
        settings.set("timezone", "europe/rome").unwrap();
        assert_eq!(settings.show("TimeZone").unwrap(), "Europe/Rome");
        assert_eq!(settings.time_zone().name(), "Europe/Rome");
        assert_eq!(settings.set("TimeZone", "Nowhere").unwrap_err().kind, ErrorKind::InvalidParameter);
        settings.set("time zone", "GMT+05:00").unwrap();
        assert_eq!(settings.time_zone().east(0), -18_000);
    }

    #[test]
    fn names_and_values_have_a_size() {
        let mut settings = Settings::default();
        settings.set("a.b", &"x".repeat(VALUE_BYTES_MAX)).unwrap();
        for (name, value) in [
            ("a.b", "x".repeat(VALUE_BYTES_MAX + 1)),
            ("application_name", "x".repeat(VALUE_BYTES_MAX + 1)),
            (&format!("a.{}", "b".repeat(NAME_BYTES_MAX)), String::new()),
        ] {
            assert_eq!(settings.set(name, &value).unwrap_err().kind, ErrorKind::InvalidParameter);
        }
        assert_eq!(settings.show("a.b").unwrap().len(), VALUE_BYTES_MAX);
    }

    #[test]
    fn the_server_gives_limits_that_a_session_may_change() {
        let statement_timeout = Some(Duration::from_secs(90));
        let mut settings = Settings::new(Defaults { statement_timeout, superuser: true, ..Defaults::default() });
        assert_eq!(settings.show("statement_timeout").unwrap(), "90s");
        assert_eq!(settings.show("Is_Superuser").unwrap(), "on");
        assert!(settings.all().contains(&("statement_timeout".to_owned(), "90s".to_owned())));
        assert!(settings.set("is_superuser", "off").is_err());
        settings.set("statement_timeout", "0").unwrap();
        assert_eq!(settings.statement_timeout(), None);
        settings.reset("statement_timeout").unwrap();
        assert_eq!(settings.statement_timeout(), statement_timeout);
        assert_eq!(settings.idle_session_timeout(), None);
    }

    #[test]
    fn a_past_moment_is_kept_as_an_instant() {
        let mut settings = Settings::default();
        assert_eq!(settings.as_of(), None);
        settings.set("TimeZone", "America/New_York").unwrap();
        settings.set("as_of", "2025-11-03 09:30").unwrap();
        settings.set("TimeZone", "UTC").unwrap();
        assert_eq!(settings.show("as_of").unwrap(), "2025-11-03T14:30:00Z");
        assert_eq!(settings.as_of(), Some("2025-11-03T14:30:00Z".parse().unwrap()));
        assert_eq!(settings.set("as_of", "soon").unwrap_err().kind, ErrorKind::InvalidParameter);
        assert_eq!(settings.set("as_of", "9999-01-01").unwrap_err().kind, ErrorKind::InvalidParameter);
        settings.reset("as_of").unwrap();
        assert_eq!(settings.as_of(), None);
        settings.set("as_of", "").unwrap();
        assert_eq!(settings.as_of(), None);
    }

    #[test]
    fn a_change_is_told_by_the_version() {
        let mut settings = Settings::default();
        let before = settings.clone();
        settings.set("TimeZone", "Asia/Tokyo").unwrap();
        let first = settings.version();
        assert_ne!(first, before.version());
        settings = before;
        settings.set("TimeZone", "Europe/Rome").unwrap();
        assert_ne!(settings.version(), first);
        assert_eq!(settings.clone().version(), settings.version());
    }

    #[test]
    fn clients_keep_settings_of_their_own() {
        let mut settings = Settings::default();
        settings.set("My.Thing", "1").unwrap();
        assert_eq!(settings.show("my.thing").unwrap(), "1");
        settings.reset("my.thing").unwrap();
        assert_eq!(settings.show("my.thing").unwrap(), "");
        assert_eq!(settings.show("my.other").unwrap_err().kind, ErrorKind::UnknownObject);
    }

    #[test]
    fn a_value_that_does_not_fit_is_refused() {
        let mut settings = Settings::default();
        assert_eq!(settings.set("max_staleness", "soon").unwrap_err().kind, ErrorKind::InvalidParameter);
        assert_eq!(settings.set("no_such", "1").unwrap_err().kind, ErrorKind::UnknownObject);
        assert_eq!(settings.set("server_version", "1").unwrap_err().kind, ErrorKind::InvalidParameter);
        assert!(settings.set("timezone", "America/New_York").is_ok());
        assert_eq!(settings.show("TimeZone").unwrap(), "America/New_York");
    }
}
