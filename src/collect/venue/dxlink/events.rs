//! The event types we subscribe to, and the events of one frame, type by type.

use super::event::WireEvent;
use super::row::Row;
use crate::live::Live;
use crate::market::event::{All, Scope};
use chrono::{DateTime, Utc};
use std::any::Any;
use std::cmp::Ordering;
use std::fmt::Debug;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, LazyLock};

/// One type of live event on the wire.
#[derive(Debug)]
pub(super) struct LiveType {
    name: &'static str,
    /// Name of its table.
    table: &'static str,
    flows: bool,
    fields: &'static [&'static str],
    rank: u8,
    scope: Scope,
    batch: fn() -> Box<dyn Batch>,
}

/// The types of a list of events, in its order.
trait WireList {
    fn types(into: &mut Vec<LiveType>);
}

impl WireList for () {
    fn types(_: &mut Vec<LiveType>) {}
}

impl<E: WireEvent, Rest: WireList> WireList for (E, Rest) {
    fn types(into: &mut Vec<LiveType>) {
        into.push(LiveType {
            name: E::TYPE,
            table: E::NAME,
            flows: E::FLOWS,
            fields: E::FIELDS,
            rank: E::RANK,
            scope: E::SCOPE,
            batch: || Box::new(Vec::<E>::new()),
        });
        Rest::types(into);
    }
}

static LIVE_TYPES: LazyLock<Vec<LiveType>> = LazyLock::new(|| {
    let mut types = Vec::new();
    All::types(&mut types);
    types
});

/// A type of event: one of the live events, or the candles of a history.
#[derive(Clone, Copy)]
pub(crate) enum EventType {
    Live(&'static LiveType),
    Candle,
}

impl EventType {
    /// The types of the live events.
    pub(crate) fn live() -> impl Iterator<Item = Self> {
        LIVE_TYPES.iter().map(Self::Live)
    }

    /// Every event type, sorted by its name.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        Self::live().chain([Self::Candle])
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Live(live) => live.name,
            Self::Candle => "Candle",
        }
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::all().find(|kind| kind.name() == name)
    }

    /// The fields we ask for. Decoding goes by their place in this list, `eventSymbol` first.
    pub(crate) fn fields(self) -> &'static [&'static str] {
        match self {
            Self::Live(live) => live.fields,
            Self::Candle => &[
                "eventSymbol",
                "eventFlags",
                "index",
                "time",
                "open",
                "high",
                "low",
                "close",
                "volume",
                "openInterest",
                "sequence",
            ],
        }
    }

    /// Which of the followed symbols it is asked for; a candle is asked for by itself.
    pub(crate) fn scope(self) -> Option<Scope> {
        match self {
            Self::Live(live) => Some(live.scope),
            Self::Candle => None,
        }
    }

    /// The name of its table; nothing for candles, which have none.
    pub(crate) fn table(self) -> &'static str {
        match self {
            Self::Live(live) => live.table,
            Self::Candle => "",
        }
    }

    /// Whether its events flow while the venue is open.
    pub(crate) fn flows(self) -> bool {
        matches!(self, Self::Live(live) if live.flows)
    }

    /// What comes first when there is not room for all: the rank, and the name for those of one rank.
    fn order(self) -> (u8, &'static str) {
        let rank = match self {
            Self::Live(live) => live.rank,
            Self::Candle => u8::MAX,
        };
        (rank, self.name())
    }
}

impl Debug for EventType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl PartialEq for EventType {
    fn eq(&self, other: &Self) -> bool {
        self.order() == other.order()
    }
}

impl Eq for EventType {}

impl PartialOrd for EventType {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for EventType {
    fn cmp(&self, other: &Self) -> Ordering {
        self.order().cmp(&other.order())
    }
}

impl Hash for EventType {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name().hash(state);
    }
}

/// One candle event, whatever its flags say of it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Candle {
    pub(crate) symbol: Arc<str>,
    pub(crate) flags: i64,
    pub(crate) index: i64,
    /// Start of the bar, epoch milliseconds.
    pub(crate) time_ms: i64,
    pub(crate) open: Option<f64>,
    pub(crate) high: Option<f64>,
    pub(crate) low: Option<f64>,
    pub(crate) close: Option<f64>,
    pub(crate) volume: Option<f64>,
    pub(crate) open_interest: Option<f64>,
}

/// Events of one live type, in order.
trait Batch: Any + Debug + Send {
    /// Adds the event of a row, if the row tells one.
    fn read(&mut self, row: &Row<'_, '_>, symbol: Arc<str>, received_at: DateTime<Utc>);

    fn count(&self) -> usize;

    /// Name of the table of its events.
    fn table(&self) -> &'static str;

    /// Visits the symbol of each event.
    fn each_symbol(&self, visit: &mut dyn FnMut(&str));

    /// Publishes the events into their book.
    fn publish(self: Box<Self>, live: &Live);
}

impl<E: WireEvent> Batch for Vec<E> {
    fn read(&mut self, row: &Row<'_, '_>, symbol: Arc<str>, received_at: DateTime<Utc>) {
        self.extend(E::parse(row, symbol, received_at));
    }

    fn count(&self) -> usize {
        self.len()
    }

    fn table(&self) -> &'static str {
        E::NAME
    }

    fn each_symbol(&self, visit: &mut dyn FnMut(&str)) {
        self.iter().for_each(|event| visit(event.symbol()));
    }

    fn publish(self: Box<Self>, live: &Live) {
        if !self.is_empty() {
            live.book::<E>().publish_all(*self);
        }
    }
}

/// The events of one frame, by type; those of a type in order.
#[derive(Debug, Default)]
pub(crate) struct Events {
    pub(crate) candles: Vec<Candle>,
    /// By name of the type, of which a frame has one or two.
    live: Vec<(&'static str, Box<dyn Batch>)>,
}

impl Events {
    pub(crate) fn len(&self) -> usize {
        self.candles.len() + self.live.iter().map(|(_, batch)| batch.count()).sum::<usize>()
    }

    /// Adds the event of a row of a live type.
    pub(super) fn read(&mut self, kind: &LiveType, row: &Row<'_, '_>, symbol: Arc<str>, received_at: DateTime<Utc>) {
        let place = match self.live.iter().position(|(name, _)| *name == kind.name) {
            Some(place) => place,
            None => {
                self.live.push((kind.name, (kind.batch)()));
                self.live.len() - 1
            }
        };
        if let Some((_, batch)) = self.live.get_mut(place) {
            batch.read(row, symbol, received_at);
        }
    }

    /// Visits the live events: the name of the table and the symbol of each.
    pub(super) fn each(&self, mut visit: impl FnMut(&'static str, &str)) {
        for (_, batch) in &self.live {
            let table = batch.table();
            batch.each_symbol(&mut |symbol| visit(table, symbol));
        }
    }

    /// Publishes the live events into their books.
    pub(super) fn publish(self, live: &Live) {
        self.live.into_iter().for_each(|(_, batch)| batch.publish(live));
    }

    /// The events of one live type.
    #[cfg(test)]
    pub(super) fn of<E: WireEvent>(&self) -> Vec<E> {
        let batch = self.live.iter().find_map(|(_, batch)| (batch.as_ref() as &dyn Any).downcast_ref::<Vec<E>>());
        batch.cloned().unwrap_or_default()
    }
}
