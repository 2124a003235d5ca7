//! From a frame's values to our events, by the fields the server announced. Pure.

use super::events::{Candle, EventType, Events};
use super::row::Row;
use super::wire::{Block, Data, Scalar};
use chrono::{DateTime, Utc};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// What was received and not understood, by kind. Each kind is logged once.
#[derive(Debug, Default)]
pub(crate) struct Garbage(BTreeMap<&'static str, u64>);

impl Garbage {
    pub(crate) fn count(&mut self, kind: &'static str, detail: &str) {
        let count = self.0.entry(kind).or_default();
        if *count == 0 {
            let detail: String = detail.chars().take(120).collect();
            tracing::warn!(kind, detail, "dxlink: not understood; further ones are only counted");
        }
        *count = count.saturating_add(1);
    }

    pub(crate) fn total(&self) -> u64 {
        self.0.values().fold(0, |sum, count| sum.saturating_add(*count))
    }

    #[cfg(test)]
    pub(crate) fn of(&self, kind: &str) -> u64 {
        self.0.get(kind).copied().unwrap_or_default()
    }
}

/// Where the fields we ask for stand in a row.
#[derive(Debug, Clone)]
struct Layout {
    width: usize,
    positions: Vec<Option<usize>>,
}

impl Layout {
    fn of<T: AsRef<str>>(kind: EventType, announced: &[T]) -> Self {
        let place = |field: &&str| announced.iter().position(|name| name.as_ref() == *field);
        Self { width: announced.len(), positions: kind.fields().iter().map(place).collect() }
    }
}

/// Decodes frames: holds the layouts in force and the symbols that are subscribed.
#[derive(Debug)]
pub(crate) struct Decoder {
    layouts: HashMap<EventType, Layout>,
    /// The symbol that rows have, by the spelling that is subscribed.
    symbols: HashMap<Arc<str>, Arc<str>>,
    pub(crate) garbage: Garbage,
}

impl Decoder {
    /// Until the server announces its own, the fields we ask for are in force.
    pub(crate) fn new() -> Self {
        let layouts = EventType::all().map(|kind| (kind, Layout::of(kind, kind.fields())));
        Self { layouts: layouts.collect(), symbols: HashMap::new(), garbage: Garbage::default() }
    }

    /// Lets events of a symbol through, as those of a symbol in our spelling.
    pub(crate) fn expect(&mut self, symbol: &Arc<str>, ours: &Arc<str>) {
        if self.symbols.get(symbol) != Some(ours) {
            self.symbols.insert(symbol.clone(), ours.clone());
        }
    }

    /// Takes in announced fields; types that are not named keep theirs.
    pub(crate) fn announce(&mut self, fields: &HashMap<String, Vec<String>>) {
        for (name, announced) in fields {
            if let Some(kind) = EventType::from_name(name) {
                self.layouts.insert(kind, Layout::of(kind, announced));
            }
        }
    }

    /// The events of a frame. A block whose values do not fit its layout is dropped and counted.
    pub(crate) fn decode(&mut self, data: Data<'_>, received_at: DateTime<Utc>) -> Events {
        let mut events = Events::default();
        if data.misplaced > 0 {
            self.garbage.count("misplaced values", "");
        }
        for block in data.blocks {
            match block {
                Block::Compact(name, values) => self.decode_compact(&name, &values, received_at, &mut events),
                Block::Full(fields) => self.decode_full(&fields, received_at, &mut events),
            }
        }
        events
    }

    fn decode_compact(&mut self, name: &str, values: &[Scalar<'_>], received_at: DateTime<Utc>, events: &mut Events) {
        let layout = EventType::from_name(name).and_then(|kind| Some((kind, self.layouts.get(&kind)?)));
        let Some((kind, layout)) = layout else {
            return self.garbage.count("unknown event type", name);
        };
        if layout.width == 0 || !values.len().is_multiple_of(layout.width) {
            return self.garbage.count("wrong number of values", name);
        }
        if layout.positions.first().copied().flatten().is_none() {
            return self.garbage.count("no symbol among the announced fields", name);
        }
        for values in values.chunks_exact(layout.width) {
            let row = Row { values, positions: &layout.positions };
            read(kind, &row, &self.symbols, received_at, events, &mut self.garbage);
        }
    }

    fn decode_full(
        &mut self,
        fields: &[(std::borrow::Cow<'_, str>, Scalar<'_>)],
        at: DateTime<Utc>,
        events: &mut Events,
    ) {
        let find = |name: &str| fields.iter().find(|(key, _)| key == name).map(|(_, value)| value);
        let name = find("eventType").and_then(Scalar::text).unwrap_or_default();
        let Some(kind) = EventType::from_name(name) else {
            return self.garbage.count("unknown event type", name);
        };
        let values: Vec<Scalar<'_>> =
            kind.fields().iter().map(|name| find(name).cloned().unwrap_or(Scalar::Missing)).collect();
        let positions: Vec<Option<usize>> = (0..values.len()).map(Some).collect();
        let row = Row { values: &values, positions: &positions };
        read(kind, &row, &self.symbols, at, events, &mut self.garbage);
    }
}

/// Reads one event into its list.
fn read(
    kind: EventType,
    row: &Row<'_, '_>,
    symbols: &HashMap<Arc<str>, Arc<str>>,
    received_at: DateTime<Utc>,
    events: &mut Events,
    garbage: &mut Garbage,
) {
    let Some(symbol) = row.at(0).text().and_then(|symbol| symbols.get(symbol)).cloned() else {
        return garbage.count("event of a symbol not subscribed", row.at(0).text().unwrap_or_default());
    };
    match kind {
        EventType::Live(live) => events.read(live, row, symbol, received_at),
        EventType::Candle => match (row.integer(2), row.integer(3)) {
            (Some(index), time_ms) => events.candles.push(Candle {
                symbol,
                flags: row.integer(1).unwrap_or_default(),
                index,
                // The upper half of an index is the bar's time in seconds.
                time_ms: time_ms.unwrap_or_else(|| (index >> 32).saturating_mul(1000)),
                open: row.number(4),
                high: row.number(5),
                low: row.number(6),
                close: row.number(7),
                volume: row.number(8),
                open_interest: row.number(9),
            }),
            (None, _) => garbage.count("candle without index", &symbol),
        },
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::wire::Message;
    use super::*;
    use crate::market::event::{Greeks, Quote, Trade};

    fn decoder(symbols: &[&str]) -> Decoder {
        let mut decoder = Decoder::new();
        symbols.iter().for_each(|symbol| decoder.expect(&Arc::from(*symbol), &Arc::from(*symbol)));
        decoder
    }

    fn decode(decoder: &mut Decoder, data: &str) -> Events {
        let text = format!(r#"{{"type":"FEED_DATA","channel":1,"data":{data}}}"#);
        let message: Message<'_> = serde_json::from_str(&text).unwrap();
        decoder.decode(message.data, DateTime::UNIX_EPOCH)
    }

    fn announce(decoder: &mut Decoder, kind: &str, fields: &[&str]) {
        let fields = fields.iter().map(|field| (*field).to_owned()).collect();
        decoder.announce(&HashMap::from([(kind.to_owned(), fields)]));
    }

    #[test]
    fn values_are_read_by_the_announced_order() {
        let mut decoder = decoder(&["SPY", "QQQ"]);
        announce(&mut decoder, "Quote", &["eventType", "eventSymbol", "askPrice", "bidPrice", "bidSize", "askSize"]);
        let events = decode(
            &mut decoder,
            r#"["Quote",["Quote","SPY",500.03,500.01,300.0,200.0,"Quote","QQQ","NaN",420.5,"NaN","Infinity"]]"#,
        );
        let quotes = events.of::<Quote>();
        let [spy, qqq] = quotes.as_slice() else { panic!("{events:?}") };
        assert_eq!((spy.bid, spy.ask, spy.bid_size, spy.ask_size), (Some(500.01), Some(500.03), Some(300), Some(200)));
        assert_eq!((qqq.bid, qqq.ask, qqq.bid_size, qqq.ask_size), (Some(420.5), None, None, None));
        announce(&mut decoder, "Quote", &["eventSymbol", "bidPrice"]);
        assert_eq!(decode(&mut decoder, r#"["Quote",["SPY",1.0,"QQQ",2.0]]"#).of::<Quote>().len(), 2);
    }

    #[test]
    fn a_block_that_does_not_fit_is_dropped_and_counted() {
        let mut decoder = decoder(&["SPY"]);
        announce(&mut decoder, "Quote", &["eventSymbol", "bidPrice"]);
        let events = decode(&mut decoder, r#"["Quote",["SPY",1.0,"SPY"],"Trade",["SPY",7,100,0.5,1e6,1767627000123]]"#);
        assert_eq!((events.of::<Quote>().len(), events.of::<Trade>().len()), (0, 1));
        assert_eq!(decoder.garbage.of("wrong number of values"), 1);
        let trade = events.of::<Trade>().remove(0);
        assert_eq!((trade.price, trade.size, trade.day_volume), (Some(7.0), Some(100), Some(1_000_000)));
        assert_eq!(trade.event_at.unwrap().timestamp_millis(), 1_767_627_000_123);
        announce(&mut decoder, "Quote", &[]);
        assert_eq!(decode(&mut decoder, r#"["Quote",[]]"#).len(), 0);
    }

    #[test]
    fn full_and_unknown_events_are_told_apart() {
        let mut decoder = decoder(&["SPY", ".SPY260116C500"]);
        let events = decode(
            &mut decoder,
            r#"[{"eventType":"Quote","eventSymbol":"SPY","bidPrice":500.01},{"eventType":"Mystery","eventSymbol":"SPY"},
                {"eventType":"Greeks","eventSymbol":".SPY260116C500","delta":0.53,"eventFlags":0},
                {"eventType":"Greeks","eventSymbol":".SPY260116C500","eventFlags":2},
                {"eventType":"Trade","eventSymbol":"XYZ"}]"#,
        );
        assert_eq!((events.of::<Quote>().len(), events.of::<Greeks>().len(), events.of::<Trade>().len()), (1, 1, 0));
        assert_eq!(decoder.garbage.of("unknown event type"), 1);
        assert_eq!(decoder.garbage.of("event of a symbol not subscribed"), 1);
        assert_eq!(decoder.garbage.total(), 2);
    }

    #[test]
    fn a_candle_keeps_its_64_bit_index() {
        let mut decoder = decoder(&["AAPL{=d}"]);
        let events = decode(
            &mut decoder,
            r#"["Candle",["AAPL{=d}",12,7591660497351475200,1767571200000,200.1,202.9,199.4,202.2,4.123e7,"NaN",0]]"#,
        );
        let candle = events.candles.first().unwrap();
        assert_eq!((candle.index, candle.flags, candle.time_ms), (7_591_660_497_351_475_200, 12, 1_767_571_200_000));
        assert_eq!((candle.volume, candle.open_interest), (Some(4.123e7), None));
    }
}
