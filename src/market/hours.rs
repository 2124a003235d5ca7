//! The hours in which a symbol trades: within them its feed is expected to speak, outside of them silence says nothing.
//!
//! Pure. The live feed's watch and what queries are told of the feed go by it.

use super::calendar;
use super::exchange::{self, Session};
use chrono::{DateTime, Days, TimeDelta, Utc};

/// Sessions further back do not count: a silence of weeks is one, whatever its length.
const LOOK_BACK: TimeDelta = TimeDelta::days(14);
/// The exchange whose sessions futures are taken to keep.
const FUTURES: &str = "XCME";

/// Which hours a symbol keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Hours {
    /// The regular sessions of US equities: shares, funds, indices and their options.
    Equities,
    /// The sessions of futures, which go through the night.
    Futures,
    /// Around the clock: pairs of currencies.
    Always,
}

impl Hours {
    /// The hours of a symbol, in tastytrade's spelling or the streamer's.
    pub fn of(symbol: &str) -> Self {
        let is_pair = symbol.split_once('/').is_some_and(|(base, quote)| base.len() > 1 && quote.len() > 2);
        match symbol.trim_start_matches('.') {
            future if future.starts_with('/') => Self::Futures,
            _ if is_pair => Self::Always,
            _ => Self::Equities,
        }
    }

    /// When the session began that is under way at `now`; `None` outside of sessions.
    pub fn open_since(self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        if self == Self::Always {
            return Some(DateTime::UNIX_EPOCH);
        }
        let session = self.sessions(now, now).find(|session| session.contains(now))?;
        match session.break_at {
            Some((_, to)) if to <= now => Some(to),
            _ => Some(session.open_at),
        }
    }

    /// How much of the time from one moment to another lies within sessions.
    pub fn elapsed(self, from: DateTime<Utc>, to: DateTime<Utc>) -> TimeDelta {
        if self == Self::Always {
            return (to - from).max(TimeDelta::zero());
        }
        let from = from.max(to - LOOK_BACK);
        let within = |begin: DateTime<Utc>, end: DateTime<Utc>| (end.min(to) - begin.max(from)).max(TimeDelta::zero());
        let of = |session: Session| {
            let rest = session.break_at.map_or(TimeDelta::zero(), |(begin, end)| within(begin, end));
            within(session.open_at, session.close_at) - rest
        };
        self.sessions(from, to).map(of).sum()
    }

    /// The sessions that any moment between two may lie in, and perhaps one more on either side.
    fn sessions(self, from: DateTime<Utc>, to: DateTime<Utc>) -> Box<dyn Iterator<Item = Session>> {
        let (first, last) = (from.date_naive(), to.date_naive());
        let first = first.checked_sub_days(Days::new(1)).unwrap_or(first);
        let last = last.checked_add_days(Days::new(1)).unwrap_or(last);
        match (self, exchange::find(FUTURES)) {
            (Self::Futures, Some(exchange)) => Box::new(exchange.sessions(first, last)),
            _ => Box::new(calendar::sessions(first, last).into_iter()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().expect("an instant")
    }

    #[test]
    fn a_symbol_tells_its_hours() {
        let check = |symbol: &str, hours| assert_eq!(Hours::of(symbol), hours, "{symbol}");
        check("SPY", Hours::Equities);
        check("BRK/B", Hours::Equities);
        check(".SPY260116C500", Hours::Equities);
        check("/ESZ6", Hours::Futures);
        check("./ESZ6EW", Hours::Futures);
        check("BTC/USD", Hours::Always);
    }

    #[test]
    fn only_time_within_sessions_counts() {
        // From Friday an hour before the close to Monday an hour after the open.
        let (friday, monday) = (at("2026-06-12T19:00:00Z"), at("2026-06-15T14:30:00Z"));
        assert_eq!(Hours::Equities.elapsed(friday, monday), TimeDelta::hours(2));
        assert_eq!(Hours::Equities.elapsed(at("2026-06-13T00:00:00Z"), at("2026-06-15T13:00:00Z")), TimeDelta::zero());
        assert_eq!(Hours::Equities.elapsed(monday, friday), TimeDelta::zero());
        assert_eq!(Hours::Always.elapsed(friday, monday), monday - friday);
        // Thanksgiving's Friday closes at 13:00.
        assert_eq!(
            Hours::Equities.elapsed(at("2026-11-27T17:30:00Z"), at("2026-11-27T22:00:00Z")),
            TimeDelta::minutes(30)
        );
    }

    #[test]
    fn a_session_is_open_from_its_first_moment_to_its_last() {
        let open = at("2026-06-10T13:30:00Z");
        assert_eq!(Hours::Equities.open_since(open), Some(open));
        assert_eq!(Hours::Equities.open_since(at("2026-06-10T19:59:59Z")), Some(open));
        assert_eq!(Hours::Equities.open_since(at("2026-06-10T20:00:00Z")), None);
        assert_eq!(Hours::Equities.open_since(at("2026-06-13T15:00:00Z")), None);
        // Futures trade in the evening, and not on a Saturday.
        assert!(Hours::Futures.open_since(at("2026-06-10T01:00:00Z")).is_some());
        assert_eq!(Hours::Futures.open_since(at("2026-06-13T15:00:00Z")), None);
    }
}
