//! The texts of one connection without the connection, read as a session reads them: live events go into the books as the
//! feed's do, candles become bars as those of a fetch do. Benches and fuzzing use it; the program does not.

use super::assembly::Assembly;
use super::bars::{Span, bars};
use super::events::Events;
use super::inbound::{self, Answer, Heard, Inbound};
use crate::collect::findings::FindingsSink;
use crate::live::Live;
use crate::market::bar::Bar;
use chrono::{DateTime, NaiveDate, Utc};
use std::collections::HashMap;
use std::sync::Arc;

/// What the connection is waiting for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Setup,
    /// The first word about the token; after a no it is presented.
    TokenWanted,
    Token,
    Channel,
    Open,
    Ended,
}

/// One connection's texts, from its `SETUP` on.
#[derive(Debug)]
pub struct Replay {
    inbound: Inbound,
    step: Step,
    /// What has arrived of each candle symbol.
    histories: HashMap<Arc<str>, Assembly>,
}

impl Replay {
    /// A connection that is subscribed to every kind of event of these symbols, candles by their whole symbol
    /// (`SPY{=d}`). What comes of others is counted as not understood.
    pub fn new<'a>(symbols: impl IntoIterator<Item = &'a str>) -> Self {
        let mut inbound = Inbound::new();
        for symbol in symbols {
            let symbol: Arc<str> = symbol.into();
            inbound.decoder.expect(&symbol, &symbol);
        }
        Self { inbound, step: Step::Setup, histories: HashMap::new() }
    }

    /// Reads one text that came at `at`, and publishes its live events. Returns the number of events, candles included; 0
    /// after the server has refused or closed.
    pub fn read(&mut self, text: &str, at: DateTime<Utc>, live: &Live) -> usize {
        if self.step == Step::Open {
            return self.hear(text, at, live);
        }
        self.step = self.answered(text);
        0
    }

    /// The step that a text of the handshake leads to.
    fn answered(&mut self, text: &str) -> Step {
        let (step, inbound) = (self.step, &mut self.inbound);
        match step {
            Step::Setup => {
                let answer = inbound.answer(text, "SETUP", |message| inbound::silence(message, 0.0));
                next(step, answer, |_| Step::TokenWanted)
            }
            Step::TokenWanted | Step::Token => {
                let refused = if step == Step::Token { Step::Ended } else { Step::Token };
                let after = |let_in| if let_in { Step::Channel } else { refused };
                next(step, inbound.answer(text, "AUTH_STATE", inbound::authorized), after)
            }
            Step::Channel => next(step, inbound.answer(text, "CHANNEL_OPENED", inbound::opened), |()| Step::Open),
            Step::Open | Step::Ended => step,
        }
    }

    fn hear(&mut self, text: &str, at: DateTime<Utc>, live: &Live) -> usize {
        match self.inbound.read(text, at) {
            Heard::Events(events) => self.take(events, live),
            Heard::Refusal(_) => 0,
            Heard::AuthLost(_) | Heard::ChannelClosed => {
                self.step = Step::Ended;
                0
            }
        }
    }

    fn take(&mut self, mut events: Events, live: &Live) -> usize {
        let count = events.len();
        for candle in std::mem::take(&mut events.candles) {
            let symbol = candle.symbol.clone();
            // A symbol whose history has no end is given up, as a fetch does.
            if self.histories.entry(symbol.clone()).or_default().apply(candle).is_err() {
                self.histories.remove(&symbol);
            }
        }
        events.publish(live);
        count
    }

    /// Whether the handshake is behind it and nothing has ended it.
    pub fn is_open(&self) -> bool {
        self.step == Step::Open
    }

    /// Messages and values received and not understood.
    pub fn ignored(&self) -> u64 {
        self.inbound.decoder.garbage.total()
    }

    /// The daily bars from `first` to `last` of every history that has arrived whole, by symbol and date.
    pub fn into_bars(self, first: NaiveDate, last: NaiveDate) -> Vec<Bar> {
        let findings = FindingsSink::default();
        let span = Span { from: first, last_closed: last };
        let mut histories: Vec<_> = self.histories.into_iter().filter(|(_, history)| history.complete()).collect();
        histories.sort_by(|(one, _), (other, _)| one.cmp(other));
        let bars_of = |(symbol, history): (Arc<str>, Assembly)| bars(&symbol, history.into_bars(), span, &findings);
        histories.into_iter().flat_map(bars_of).collect()
    }
}

/// The step after an answer, the same one while it has not come.
fn next<T>(step: Step, answer: Answer<T>, after: impl FnOnce(T) -> Step) -> Step {
    match answer {
        Answer::Found(found) => after(found),
        Answer::Other => step,
        Answer::Unauthorized(_) | Answer::Refused(_) => Step::Ended,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::market::event::Quote;

    const HANDSHAKE: [&str; 5] = [
        r#"{"type":"SETUP","channel":0,"version":"1.0","keepaliveTimeout":60}"#,
        r#"{"type":"AUTH_STATE","channel":0,"state":"UNAUTHORIZED"}"#,
        r#"{"type":"AUTH_STATE","channel":0,"state":"AUTHORIZED"}"#,
        r#"{"type":"CHANNEL_OPENED","channel":1,"service":"FEED"}"#,
        r#"{"type":"FEED_CONFIG","channel":1,"eventFields":{"Quote":["eventSymbol","bidPrice"]}}"#,
    ];
    const QUOTES: &str = r#"{"type":"FEED_DATA","channel":1,"data":["Quote",["SPY",1.5,"SPY",1.75,"XYZ",2]]}"#;

    fn read(replay: &mut Replay, texts: &[&str], live: &Live) -> usize {
        texts.iter().map(|text| replay.read(text, DateTime::UNIX_EPOCH, live)).sum()
    }

    #[test]
    fn events_count_from_the_open_channel_to_its_end() {
        let (mut replay, live) = (Replay::new(["SPY"]), Live::new(16));
        assert_eq!((read(&mut replay, &[QUOTES], &live), replay.is_open()), (0, false));
        assert_eq!((read(&mut replay, &HANDSHAKE, &live), replay.is_open()), (0, true));
        assert_eq!((read(&mut replay, &[QUOTES], &live), replay.ignored()), (2, 1));
        assert_eq!(live.book::<Quote>().latest_of("SPY").unwrap().bid, Some(1.75));
        let closed = r#"{"type":"CHANNEL_CLOSED","channel":1}"#;
        assert_eq!((read(&mut replay, &[closed, QUOTES], &live), replay.is_open()), (0, false));
    }

    #[test]
    fn a_token_that_is_refused_ends_it() {
        let (mut replay, live) = (Replay::new(["SPY"]), Live::new(16));
        let [setup, refused, ..] = HANDSHAKE;
        read(&mut replay, &[setup, refused, refused, HANDSHAKE[2], HANDSHAKE[3]], &live);
        assert!(!replay.is_open());
    }

    #[test]
    fn candles_become_bars() {
        let (mut replay, live) = (Replay::new(["SPY{=d}"]), Live::new(16));
        read(&mut replay, &HANDSHAKE, &live);
        let day = 86_400_000;
        let snapshot = format!(
            r#"{{"type":"FEED_DATA","channel":1,"data":["Candle",["SPY{{=d}}",4,2,{},1,2,1,1.5,9,"NaN",0,"SPY{{=d}}",8,1,{day},1,2,1,0,9,"NaN",0]]}}"#,
            2 * day
        );
        assert_eq!(read(&mut replay, &[&snapshot], &live), 2);
        let date = |day: i32| NaiveDate::from_num_days_from_ce_opt(719_163 + day).unwrap();
        let bars = replay.into_bars(date(0), date(9));
        let told: Vec<_> = bars.iter().map(|bar| (bar.symbol.as_str(), bar.date, bar.close)).collect();
        assert_eq!(told, [("SPY{=d}", date(2), Some(1.5))], "a close of 0 is none");
    }
}
