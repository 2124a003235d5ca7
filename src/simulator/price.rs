//! Prices of stocks and funds: daily bars by a random walk from a fixed first session, and the path inside a session.
//!
//! A finished bar depends on the seed, the symbol and the date alone. The price inside a session runs from the bar's
//! open through its low and high to its close, so that the bar that unfolds is the bar that will stand in history.

use crate::market::calendar::{self, Session};
use crate::simulator::noise::{bits, mix, normal, uniform, wave};
use crate::simulator::universe::{Instrument, MARKET_VOLATILITY};
use chrono::{DateTime, NaiveDate, Utc};

/// Sessions per year, as volatilities are annualised.
pub(crate) const SESSIONS_PER_YEAR: f64 = 252.0;
/// How strongly a level returns to its long-run mean per session: keeps prices plausible over years.
const REVERSION: f64 = 0.001;
/// Mean log return per session.
const DRIFT: f64 = 0.0002;
/// How far a price strays from the last close while the exchange is closed, ratio.
const CLOSED_BAND: f64 = 0.002;
/// How far the price of one second strays from the path of minutes, ratio.
const SECOND_BAND: f64 = 0.000_15;

/// One session of one symbol. Prices are rounded to cents; low <= open, close <= high.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct DayBar {
    pub(crate) session: Session,
    pub(crate) open: f64,
    pub(crate) high: f64,
    pub(crate) low: f64,
    pub(crate) close: f64,
    /// Shares traded in the session, a whole number.
    pub(crate) volume: f64,
}

impl DayBar {
    /// Mean of high, low and close in USD, which stands for the volume-weighted price.
    pub(crate) fn vwap(&self) -> f64 {
        cents((self.high + self.low + self.close) / 3.0)
    }
}

/// Rounds to cents, never below one.
pub(crate) fn cents(price: f64) -> f64 {
    ((price * 100.0).round() / 100.0).max(0.01)
}

/// The sessions prices exist for, and what the whole market did in each.
#[derive(Debug)]
pub(crate) struct Tape {
    /// Sessions of the exchange from 2020 to 2049, oldest first.
    sessions: Vec<Session>,
    /// Move of the common factor in each session, in standard deviations.
    factor: Vec<f64>,
}

impl Tape {
    /// History begins here, whatever the time is.
    const FIRST: (i32, u32, u32) = (2020, 1, 2);
    /// And prices are drawn up to here.
    const LAST: (i32, u32, u32) = (2049, 12, 31);

    /// Draws the common factor of all sessions from the seed.
    pub(crate) fn new(seed: u64) -> Self {
        let date = |(year, month, day)| NaiveDate::from_ymd_opt(year, month, day).unwrap_or_default();
        let sessions = calendar::sessions(date(Self::FIRST), date(Self::LAST));
        let factor = (0..sessions.len() as u64).map(|place| fat_normal(bits(seed, 0x4000_0000 + place))).collect();
        Self { sessions, factor }
    }

    /// Every session that has prices, oldest first.
    pub(crate) fn sessions(&self) -> &[Session] {
        &self.sessions
    }

    /// Place of the latest session that has opened at `now`; the first one before there is any.
    pub(crate) fn current(&self, now: DateTime<Utc>) -> usize {
        self.sessions.partition_point(|session| session.open_at <= now).saturating_sub(1)
    }

    /// The bars of an instrument from one session's place to another's, both included, oldest first.
    pub(crate) fn bars(&self, instrument: &Instrument, first: usize, last: usize) -> Vec<DayBar> {
        let mut bars = Vec::with_capacity((last + 1).saturating_sub(first));
        self.walk(instrument, first, last, |bar| bars.push(bar));
        bars
    }

    /// Visits the bars from one session's place to another's in order of time.
    /// The walk always begins at the first session of all; sessions that are not visited cost little.
    pub(crate) fn walk(&self, instrument: &Instrument, first: usize, last: usize, mut visit: impl FnMut(DayBar)) {
        let own = instrument.own_volatility / SESSIONS_PER_YEAR.sqrt();
        let common = instrument.beta * MARKET_VOLATILITY / SESSIONS_PER_YEAR.sqrt();
        let daily = libm::hypot(own, common);
        let mut level = 0.0;
        for (place, (session, factor)) in self.sessions.iter().zip(&self.factor).enumerate().take(last + 1) {
            let seed = bits(instrument.seed, place as u64);
            let move_today = common * factor + own * fat_normal(seed);
            let before = level;
            level = level * (1.0 - REVERSION) + DRIFT + move_today;
            if place < first {
                continue;
            }
            let previous = instrument.level * libm::exp(before);
            let close = instrument.level * libm::exp(level);
            let gap = 0.4 * move_today + 0.3 * daily * normal(bits(seed, 1));
            let open = previous * (1.0 + gap);
            let reach = |place| 0.6 * daily * normal(bits(seed, place)).abs();
            let busy = 1.0 + (move_today / daily).abs() * 0.35 + 0.25 * normal(bits(seed, 4));
            visit(DayBar {
                session: *session,
                open: cents(open),
                high: cents(open.max(close) * (1.0 + reach(2))),
                low: cents(open.min(close) * (1.0 - reach(3))),
                close: cents(close),
                volume: (instrument.daily_volume * busy.max(0.2)).round(),
            });
        }
    }
}

/// Normal with an occasional large move.
fn fat_normal(bits: u64) -> f64 {
    let stretch = if mix(bits).is_multiple_of(64) { 2.5 } else { 0.95 };
    normal(bits) * stretch
}

/// What one instrument does from the opening of one session until the next one opens.
#[derive(Debug, Clone)]
pub(crate) struct Day {
    /// Place of the session on the tape.
    pub(crate) place: usize,
    /// The bar as it will stand when the session is over.
    pub(crate) bar: DayBar,
    /// The bar before it; the same bar on the first session of all.
    pub(crate) previous: DayBar,
    /// When the next session opens and this day is over.
    pub(crate) until: DateTime<Utc>,
    /// Highest and lowest price of the 252 sessions before.
    pub(crate) year_high: f64,
    pub(crate) year_low: f64,
    /// Seed of the noise inside the session.
    seed: u64,
    /// Smallest price step that noise is scaled by.
    step: f64,
    /// Minutes the session lasts, 390 on a full day.
    minutes: u64,
    /// Minutes of the two extremes, and whether the low comes first.
    turns: (u64, u64),
    /// Whether the low comes before the high: on days that rise.
    low_first: bool,
}

impl Day {
    /// The day that begins with the session at `place`; `None` beyond the end of the tape.
    pub(crate) fn new(instrument: &Instrument, tape: &Tape, place: usize) -> Option<Self> {
        let bars = tape.bars(instrument, place.saturating_sub(SESSIONS_PER_YEAR as usize), place);
        let bar = *bars.last()?;
        let previous = bars.len().checked_sub(2).and_then(|before| bars.get(before)).copied().unwrap_or(bar);
        let year = bars.iter().rev().skip(1).take(SESSIONS_PER_YEAR as usize);
        let (year_high, year_low) =
            year.fold((previous.high, previous.low), |(high, low), bar| (high.max(bar.high), low.min(bar.low)));
        let until = tape.sessions().get(place + 1).map_or(DateTime::<Utc>::MAX_UTC, |next| next.open_at);
        Some(Self { place, previous, until, year_high, year_low, ..Self::of_bar(instrument, bar, place) })
    }

    /// The path of one bar alone, for intraday history.
    pub(crate) fn of_bar(instrument: &Instrument, bar: DayBar, place: usize) -> Self {
        let seed = bits(instrument.seed, 0x8000_0000 + place as u64);
        let minutes = (bar.session.close_at - bar.session.open_at).num_minutes().max(4).unsigned_abs();
        let first = 1 + bits(seed, 1) % (minutes / 2 - 1);
        let second = minutes / 2 + bits(seed, 2) % (minutes - minutes / 2 - 1);
        Self {
            place,
            bar,
            previous: bar,
            until: bar.session.close_at,
            year_high: bar.high,
            year_low: bar.low,
            seed,
            step: (bar.high - bar.low) * 0.2,
            minutes,
            turns: (first, second),
            low_first: bar.close >= bar.open,
        }
    }

    /// Whether this is the day at `now`.
    pub(crate) fn covers(&self, now: DateTime<Utc>) -> bool {
        self.bar.session.open_at <= now && now < self.until
    }

    /// How much of the session is over, 0 to 1.
    pub(crate) fn elapsed(&self, now: DateTime<Utc>) -> f64 {
        let length = (self.bar.session.close_at - self.bar.session.open_at).num_milliseconds() as f64;
        ((now - self.bar.session.open_at).num_milliseconds() as f64 / length).clamp(0.0, 1.0)
    }

    /// Minutes the session lasts.
    pub(crate) fn minutes(&self) -> u64 {
        self.minutes
    }

    /// Price at a minute of the session, the close from its end on.
    pub(crate) fn minute_price(&self, minute: u64) -> f64 {
        let bar = &self.bar;
        let (early, late) = if self.low_first { (bar.low, bar.high) } else { (bar.high, bar.low) };
        let (first, second) = self.turns;
        let (from, to, from_price, to_price) = match minute {
            0 => return bar.open,
            minute if minute >= self.minutes => return bar.close,
            minute if minute <= first => (0, first, bar.open, early),
            minute if minute <= second => (first, second, early, late),
            _ => (second, self.minutes, late, bar.close),
        };
        let part = (minute - from) as f64 / (to - from).max(1) as f64;
        let at = minute as f64;
        let noise = wave(self.seed, at / 64.0)
            + 0.5 * wave(self.seed ^ 1, at / 16.0)
            + 0.25 * wave(self.seed ^ 2, at / 4.0)
            + 0.125 * wave(self.seed ^ 3, at);
        let taper = 4.0 * part * (1.0 - part);
        cents(from_price + (to_price - from_price) * part + self.step * taper * noise).clamp(bar.low, bar.high)
    }

    /// Price of the last trade at `now`. It changes once a second.
    pub(crate) fn last(&self, now: DateTime<Utc>) -> f64 {
        let bar = &self.bar;
        let second = now.timestamp();
        if now >= bar.session.close_at {
            return self.closed_price(second);
        }
        let into = (second - bar.session.open_at.timestamp()).max(0) as f64 / 60.0;
        let path = self.between_minutes(into);
        let edge = into.min(self.minutes as f64 - into).clamp(0.0, 5.0) / 5.0;
        let jitter = SECOND_BAND * bar.close * edge * (uniform(bits(self.seed ^ 4, second as u64)) * 2.0 - 1.0);
        cents(path + jitter).clamp(bar.low, bar.high)
    }

    /// Open, high, low so far; the last trade is [`Day::last`] while the session is open and the close after it.
    pub(crate) fn bar_so_far(&self, now: DateTime<Utc>) -> DayBar {
        let bar = self.bar;
        if now >= bar.session.close_at {
            return bar;
        }
        let last = self.last(now);
        let into = (now.timestamp() - bar.session.open_at.timestamp()).max(0) as f64 / 60.0;
        let path = self.between_minutes(into);
        let knots = (0..=into as u64).map(|minute| self.minute_price(minute));
        let (high, low) = knots.fold((path, path), |(high, low), price| (high.max(price), low.min(price)));
        // The seconds in between stray from the path by at most this much.
        let stray = SECOND_BAND * bar.close;
        DayBar {
            high: cents(high + stray).min(bar.high),
            low: cents(low - stray).max(bar.low),
            close: last,
            volume: self.volume_so_far(now),
            ..bar
        }
    }

    /// Shares traded so far: more at both ends of the session than in its middle.
    pub(crate) fn volume_so_far(&self, now: DateTime<Utc>) -> f64 {
        (self.bar.volume * volume_share(self.elapsed(now))).floor()
    }

    /// Shares traded in one minute of the session.
    pub(crate) fn minute_volume(&self, minute: u64) -> f64 {
        let share = |minute: u64| volume_share(minute as f64 / self.minutes as f64);
        (self.bar.volume * (share(minute + 1) - share(minute))).round()
    }

    /// The path at a fraction of a minute, straight between two whole ones; `into` counts minutes from the open.
    fn between_minutes(&self, into: f64) -> f64 {
        let minute = into as u64;
        let (from, to) = (self.minute_price(minute), self.minute_price(minute + 1));
        from + (to - from) * into.fract()
    }

    /// After the close quotes hover around it.
    fn closed_price(&self, second: i64) -> f64 {
        let since = (second - self.bar.session.close_at.timestamp()) as f64;
        let at = second as f64;
        let noise = 0.5 * wave(self.seed ^ 5, at / 1_800.0)
            + 0.25 * wave(self.seed ^ 6, at / 240.0)
            + 0.15 * wave(self.seed ^ 7, at / 30.0)
            + 0.1 * wave(self.seed ^ 8, at);
        cents(self.bar.close * (1.0 + CLOSED_BAND * (since / 600.0).min(1.0) * noise))
    }
}

/// Share of a session's volume that is traded when so much of it, 0 to 1, is over.
fn volume_share(elapsed: f64) -> f64 {
    let bow = 4.0 * (elapsed - 0.5) * (elapsed - 0.5) * (elapsed - 0.5) + 0.5;
    0.6 * elapsed + 0.4 * bow
}

/// Annualised deviation of the log returns of the last `count` closes, ratio; `None` for fewer than two returns.
pub(crate) fn realised_volatility(closes: &[f64], count: usize) -> Option<f64> {
    let tail = closes.get(closes.len().checked_sub(count + 1)?..)?;
    let returns: Vec<f64> = tail.windows(2).filter_map(log_return).collect();
    let size = returns.len() as f64;
    if returns.len() < 2 {
        return None;
    }
    let mean = returns.iter().sum::<f64>() / size;
    let variance = returns.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>() / (size - 1.0);
    Some((variance * SESSIONS_PER_YEAR).sqrt())
}

/// Log return of a pair of prices; `None` for a slice of another length.
pub(crate) fn log_return(pair: &[f64]) -> Option<f64> {
    match pair {
        [before, after] => Some(libm::log(after / before)),
        _ => None,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::simulator::universe::Universe;
    use chrono::TimeDelta;

    fn fixture() -> (Universe, Tape) {
        (Universe::new(42, 30), Tape::new(42))
    }

    #[test]
    fn bars_are_ordered_and_plausible() {
        let (universe, tape) = fixture();
        for instrument in universe.all() {
            let bars = tape.bars(instrument, 0, 1_700);
            assert_eq!(bars.len(), 1_701);
            for bar in &bars {
                assert!(bar.low <= bar.open.min(bar.close) && bar.high >= bar.open.max(bar.close), "{bar:?}");
                assert!(bar.low > 0.0 && bar.volume > 0.0);
                assert!(bar.close > instrument.level / 12.0 && bar.close < instrument.level * 12.0, "{bar:?}");
            }
        }
    }

    #[test]
    fn history_does_not_depend_on_where_it_ends() {
        let (universe, tape) = fixture();
        let instrument = universe.find("SPY").unwrap();
        let long = tape.bars(instrument, 0, 900);
        assert_eq!(tape.bars(instrument, 0, 500), long[..=500]);
        assert_eq!(tape.bars(instrument, 300, 900), long[300..]);
    }

    #[test]
    fn the_day_unfolds_into_its_bar() {
        let (universe, tape) = fixture();
        for instrument in universe.all() {
            let day = Day::new(instrument, &tape, 1_500).unwrap();
            let session = day.bar.session;
            let mut now = session.open_at;
            let mut before = day.bar_so_far(now);
            assert_eq!(day.last(now), day.bar.open);
            while now < session.close_at {
                let bar = day.bar_so_far(now);
                assert_eq!(bar.close, day.last(now));
                assert!(bar.low <= bar.close && bar.close <= bar.high);
                assert!(bar.high >= before.high && bar.low <= before.low && bar.volume >= before.volume);
                before = bar;
                now += TimeDelta::seconds(617);
            }
            let minutes = (0..=day.minutes()).map(|minute| day.minute_price(minute));
            let (high, low) = minutes.fold((0.0_f64, f64::MAX), |(high, low), price| (high.max(price), low.min(price)));
            assert_eq!((high, low), (day.bar.high, day.bar.low));
            assert_eq!(day.bar_so_far(session.close_at), day.bar);
            assert_eq!(day.last(session.close_at), day.bar.close);
        }
    }

    #[test]
    fn prices_hover_around_the_close_when_the_exchange_is_closed() {
        let (universe, tape) = fixture();
        let day = Day::new(universe.find("SPY").unwrap(), &tape, 1_500).unwrap();
        let prices: Vec<f64> =
            (0..2_000).map(|second| day.last(day.bar.session.close_at + TimeDelta::seconds(1_200 + second))).collect();
        assert!(prices.iter().all(|price| (price / day.bar.close - 1.0).abs() <= CLOSED_BAND + 1e-4));
        let moves = prices.windows(2).filter(|pair| pair[0] != pair[1]).count();
        assert!(moves > 200, "{moves} moves in 2000 seconds");
    }

    #[test]
    fn realised_volatility_follows_the_worked_example() {
        let closes = [100.0, 101.0, 102.5, 100.9, 103.2, 104.0];
        assert!((realised_volatility(&closes, 5).unwrap() - 0.227_820_96).abs() < 1e-7);
        assert_eq!(realised_volatility(&closes, 6), None);
        assert_eq!(realised_volatility(&[], 0), None);
    }
}
