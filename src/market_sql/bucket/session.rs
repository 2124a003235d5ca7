//! Buckets of the sessions of an exchange: they begin with its opening and with the end of its midday break, and end
//! with its close at the latest. A bucket of a whole session begins with the opening, whatever rest there is.

use super::span::Span;
use crate::market::exchange::{Exchange, Session};
use chrono::{DateTime, Utc};

/// Buckets of an exchange.
#[derive(Debug)]
pub(super) struct Sessions {
    exchange: &'static Exchange,
    /// Width of a bucket in microseconds; `None` for whole sessions.
    width: Option<i64>,
    /// The session that was asked for last, or that comes after the moment that was.
    last: Option<Session>,
}

impl Sessions {
    /// Buckets of a width within the sessions of an exchange.
    pub(super) fn new(exchange: &'static Exchange, width: Option<i64>) -> Self {
        Self { exchange, width, last: None }
    }

    /// The exchange whose sessions they are of.
    pub(super) fn exchange(&self) -> &'static Exchange {
        self.exchange
    }

    /// Where a moment is; `None` where that is not known.
    pub(super) fn span(&mut self, us: i64) -> Option<Span> {
        let moment = DateTime::from_timestamp_micros(us)?;
        let Some(session) = self.session(moment)? else { return Some(Span::closed(us, us.saturating_add(1))) };
        let [open, close] = [session.open_at, session.close_at].map(|at| at.timestamp_micros());
        let rest = session.break_at.map(|(from, to)| (from.timestamp_micros(), to.timestamp_micros()));
        Some(match rest {
            _ if us < open => Span::closed(us, open),
            None => self.part(us, open, close, open),
            Some((from, _)) if us < from => self.part(us, open, from, open),
            Some((from, to)) if us < to => Span::closed(from, to),
            Some((_, to)) => self.part(us, to, close, open),
        })
    }

    /// The session under way at a moment, or the next one; `None` inside where none is known to come.
    #[allow(clippy::option_option, reason = "a date beyond the table, and no session until its end, are two answers")]
    fn session(&mut self, moment: DateTime<Utc>) -> Option<Option<Session>> {
        if let Some(last) = self.last.filter(|last| (last.open_at..last.close_at).contains(&moment)) {
            return Some(Some(last));
        }
        if !self.exchange.knows(self.exchange.date_at(moment)) {
            return None;
        }
        self.last = self.exchange.first_from(moment, |session| session.close_at > moment);
        Some(self.last)
    }

    /// A bucket of the uninterrupted part of a session that a moment is in.
    fn part(&self, us: i64, from: i64, to: i64, open: i64) -> Span {
        let Some(width) = self.width else { return Span { from, to, start: Some(open) } };
        let start = us - (us - from) % width;
        Span::bucket(start, start.saturating_add(width).min(to))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::market::exchange;

    const MINUTE_US: i64 = 60_000_000;

    fn us(text: &str) -> i64 {
        text.parse::<DateTime<Utc>>().unwrap().timestamp_micros()
    }

    #[track_caller]
    fn check(mic: &str, minutes: i64, at: &str, start: Option<&str>, to: &str) {
        let width = (minutes < 1_440).then_some(minutes * MINUTE_US);
        let span = Sessions::new(exchange::find(mic).unwrap(), width).span(us(at)).unwrap();
        assert_eq!((span.start, span.to), (start.map(us), us(to)), "{mic} {at}");
    }

    #[test]
    fn buckets_begin_with_the_opening_and_end_with_the_close() {
        let ny = |at, start, to| check("XNYS", 65, at, start, to);
        ny("2026-11-25T14:29:59Z", None, "2026-11-25T14:30:00Z");
        ny("2026-11-25T14:30:00Z", Some("2026-11-25T14:30:00Z"), "2026-11-25T15:35:00Z");
        ny("2026-11-25T20:59:59Z", Some("2026-11-25T19:55:00Z"), "2026-11-25T21:00:00Z");
        ny("2026-11-25T21:00:00Z", None, "2026-11-27T14:30:00Z");
        // An early close, and the other side of the change of the clock.
        ny("2026-11-27T17:59:59Z", Some("2026-11-27T17:45:00Z"), "2026-11-27T18:00:00Z");
        ny("2026-07-01T13:30:00Z", Some("2026-07-01T13:30:00Z"), "2026-07-01T14:35:00Z");
    }

    #[test]
    fn a_break_begins_buckets_anew_unless_they_are_whole_sessions() {
        check("XHKG", 60, "2026-11-27T03:59:00Z", Some("2026-11-27T03:30:00Z"), "2026-11-27T04:00:00Z");
        check("XHKG", 60, "2026-11-27T04:30:00Z", None, "2026-11-27T05:00:00Z");
        check("XHKG", 60, "2026-11-27T05:59:00Z", Some("2026-11-27T05:00:00Z"), "2026-11-27T06:00:00Z");
        check("XHKG", 1_440, "2026-11-27T05:59:00Z", Some("2026-11-27T01:30:00Z"), "2026-11-27T08:00:00Z");
    }

    #[test]
    fn a_session_may_begin_on_the_evening_before() {
        check("XCME", 60, "2026-11-24T23:10:00Z", Some("2026-11-24T23:00:00Z"), "2026-11-25T00:00:00Z");
        check("XCME", 1_440, "2026-11-25T15:00:00Z", Some("2026-11-24T23:00:00Z"), "2026-11-25T23:00:00Z");
    }

    #[test]
    fn what_is_not_known_is_not_guessed() {
        let mut sessions = Sessions::new(exchange::find("XNYS").unwrap(), None);
        assert_eq!(sessions.span(us("2031-01-02T15:00:00Z")), None);
        let end = us("2030-12-31T23:00:00Z");
        assert_eq!(sessions.span(end), Some(Span::closed(end, end + 1)));
    }
}
