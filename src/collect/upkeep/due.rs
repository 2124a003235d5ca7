//! When a table's upkeep is due: decided from what is known, without I/O.
//!
//! Merging and removing take a processor and the disk, which belong to collecting and answering while the exchange is open.
//! So both wait for the end of the session, but for a table that is about to become slow.

use crate::config::UpkeepConfig;
use crate::market::calendar;
use chrono::{DateTime, TimeDelta, Utc};
use std::time::Duration;

/// How long removing waits for the end of a session at most, so that a machine that runs during sessions alone gets it too.
const WAIT_MAX: TimeDelta = TimeDelta::hours(4);

/// The longest pause after failures.
const RETRY_MAX: Duration = Duration::from_secs(3600);

/// What upkeep waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// The exchange is open.
    Session,
    /// The last run failed a short while ago.
    Retry,
    /// The time since the last run.
    Interval,
    /// There are too few small files for a merge.
    SmallFiles,
    /// There is no table yet.
    Table,
}

impl Wait {
    /// What people are told.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Session => "session hours",
            Self::Retry => "the last run failed",
            Self::Interval => "the next interval",
            Self::SmallFiles => "more small files",
            Self::Table => "no table yet",
        }
    }
}

/// When something is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// Now, with those first that cannot wait for the end of a session.
    Now {
        /// Whether it would run during a session too.
        urgent: bool,
    },
    /// Not before that moment, or not before something else happens.
    Later(Option<DateTime<Utc>>, Wait),
}

/// What is known of the runs so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Past {
    /// When the last one began.
    pub(super) started_at: Option<DateTime<Utc>>,
    /// When the last one ended.
    pub(super) ended_at: Option<DateTime<Utc>>,
    /// Runs that failed, without a success since.
    pub(super) failures: u32,
}

impl Past {
    /// Until when a failure is left alone: the pause doubles with each.
    fn retry_at(&self, first: Duration) -> Option<DateTime<Utc>> {
        let doubled = 2_u32.saturating_pow(self.failures.checked_sub(1)?);
        let pause = first.saturating_mul(doubled).min(RETRY_MAX);
        self.ended_at?.checked_add_signed(TimeDelta::from_std(pause).ok()?)
    }

    /// The same while it is to come. A clock that was set back ends it.
    fn retry(&self, config: &UpkeepConfig, now: DateTime<Utc>) -> Option<Due> {
        let retry_at = self.retry_at(config.interval)?;
        let ahead = (retry_at - now).to_std().is_ok_and(|ahead| !ahead.is_zero() && ahead <= RETRY_MAX);
        ahead.then_some(Due::Later(Some(retry_at), Wait::Retry))
    }
}

/// When the small files of a table are merged.
pub(super) fn compact(small_files: usize, past: &Past, config: &UpkeepConfig, now: DateTime<Utc>) -> Due {
    if small_files < config.small_files {
        return Due::Later(None, Wait::SmallFiles);
    }
    if let Some(retry) = past.retry(config, now) {
        return retry;
    }
    if small_files >= config.small_files_max {
        return Due::Now { urgent: true };
    }
    match session_end(now) {
        Some(close_at) => Due::Later(Some(close_at), Wait::Session),
        None => Due::Now { urgent: false },
    }
}

/// When the files that a table does not need are removed: `since` is when this process began, for before its first run it
/// does not know of any.
pub(super) fn vacuum(past: &Past, since: DateTime<Utc>, config: &UpkeepConfig, now: DateTime<Utc>) -> Due {
    if let Some(retry) = past.retry(config, now) {
        return retry;
    }
    let every = TimeDelta::from_std(config.vacuum).unwrap_or(TimeDelta::MAX);
    let due_at = match past.started_at.filter(|started_at| *started_at <= now) {
        Some(started_at) if past.failures == 0 => started_at.checked_add_signed(every),
        Some(started_at) => Some(started_at),
        // There was none yet, or the clock was set back.
        None => Some(since.min(now)),
    };
    let Some(due_at) = due_at else { return Due::Later(None, Wait::Interval) };
    if due_at > now {
        return Due::Later(Some(due_at), Wait::Interval);
    }
    match session_end(now) {
        Some(close_at) if now - due_at < WAIT_MAX => Due::Later(Some(close_at.min(due_at + WAIT_MAX)), Wait::Session),
        _ => Due::Now { urgent: false },
    }
}

/// When the session that is under way closes.
fn session_end(now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let session = calendar::next_close(now);
    session.contains(now).then_some(session.close_at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;

    fn config() -> UpkeepConfig {
        UpkeepConfig {
            enabled: true,
            interval: Duration::from_secs(60),
            small_files: 64,
            small_files_max: 1000,
            vacuum: Duration::from_secs(86_400),
        }
    }

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    /// A Friday: New York opens at 14:30 UTC and closes at 21:00.
    const OPEN: &str = "2026-11-20T15:00:00Z";
    const CLOSE: &str = "2026-11-20T21:00:00Z";

    #[test]
    fn small_files_wait_for_the_end_of_the_session_unless_they_are_too_many() {
        let (clock, past) = (Clock::hand_set(at(OPEN)), Past::default());
        let due = |files| compact(files, &past, &config(), clock.now());
        assert_eq!(due(63), Due::Later(None, Wait::SmallFiles));
        assert_eq!(due(64), Due::Later(Some(at(CLOSE)), Wait::Session));
        assert_eq!(due(999), Due::Later(Some(at(CLOSE)), Wait::Session));
        assert_eq!(due(1000), Due::Now { urgent: true });
        clock.set(at(CLOSE) - TimeDelta::microseconds(1));
        assert_eq!(due(64), Due::Later(Some(at(CLOSE)), Wait::Session));
        clock.set(at(CLOSE));
        assert_eq!(due(63), Due::Later(None, Wait::SmallFiles));
        assert_eq!(due(64), Due::Now { urgent: false });
        // The next day is a Saturday, and Thanksgiving is no session either.
        clock.set(at("2026-11-21T15:00:00Z"));
        assert_eq!(due(64), Due::Now { urgent: false });
        clock.set(at("2026-11-26T15:00:00Z"));
        assert_eq!(due(64), Due::Now { urgent: false });
    }

    #[test]
    fn failures_pause_for_longer_and_longer_and_a_clock_set_back_ends_the_pause() {
        let clock = Clock::hand_set(at(CLOSE));
        let ended_at = Some(clock.now());
        let due = |failures| {
            let past = Past { started_at: ended_at, ended_at, failures };
            (compact(5000, &past, &config(), clock.now()), vacuum(&past, at(OPEN), &config(), clock.now()))
        };
        let retry = |after| Due::Later(Some(at(CLOSE) + after), Wait::Retry);
        for (failures, minutes) in [(1, 1), (2, 2), (3, 4), (7, 60), (60, 60)] {
            let pause = retry(TimeDelta::minutes(minutes));
            assert_eq!(due(failures), (pause, pause), "{failures} failures");
        }
        clock.advance(TimeDelta::minutes(2));
        assert_eq!(due(2), (Due::Now { urgent: true }, Due::Now { urgent: false }));
        assert_eq!(due(3).0, retry(TimeDelta::minutes(4)));
        clock.set(at(CLOSE) - TimeDelta::days(1));
        assert_eq!(due(3).0, Due::Now { urgent: true });
    }

    #[test]
    fn removing_comes_once_in_its_interval_outside_of_sessions() {
        let clock = Clock::hand_set(at(OPEN));
        let mut past = Past::default();
        let due = |past: &Past| vacuum(past, at(OPEN), &config(), clock.now());
        assert_eq!(due(&past), Due::Later(Some(at(OPEN) + WAIT_MAX), Wait::Session), "the session outlasts the wait");
        clock.advance(WAIT_MAX);
        assert_eq!(due(&past), Due::Now { urgent: false });
        past = Past { started_at: Some(at(CLOSE)), ended_at: Some(at(CLOSE)), failures: 0 };
        clock.set(at(CLOSE) + TimeDelta::hours(23));
        assert_eq!(due(&past), Due::Later(Some(at(CLOSE) + TimeDelta::days(1)), Wait::Interval));
        clock.set(at(CLOSE) + TimeDelta::days(1));
        assert_eq!(due(&past), Due::Now { urgent: false });
        // Monday, an hour before the close: it can wait for that.
        past.started_at = Some(at("2026-11-22T19:30:00Z"));
        clock.set(at("2026-11-23T20:00:00Z"));
        assert_eq!(due(&past), Due::Later(Some(at("2026-11-23T21:00:00Z")), Wait::Session));
        clock.set(at(OPEN) - TimeDelta::days(365));
        assert_eq!(due(&past), Due::Later(Some(clock.now() + WAIT_MAX), Wait::Session), "a clock set back is due");
    }
}
