//! Feed events: the fields each type has on the wire, how the venue makes an event of it, and the list of the types.

use crate::market::options::Sensitivities;
use crate::simulator::exchange::{Exchange, Source, option_tick, to_tick};
use crate::simulator::noise::{bits, uniform};
use crate::simulator::price::{DayBar, cents};
use crate::simulator::value::Value;
use chrono::{DateTime, NaiveDate, Utc};
use std::cmp::Ordering;
use std::fmt::Debug;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// A field's name and how it is read from an event.
pub(crate) type Field<E> = (&'static str, for<'a> fn(&'a E) -> Value<'a>);

/// An event of one type: its fields on the wire, and how the venue makes one.
pub(crate) trait TypedEvent: Debug + Send + Sync + Sized + 'static {
    /// Fields the venue knows, in the order it announces when the client names none. The first two are the event
    /// type, which the frame fills in, and the symbol.
    const FIELDS: &'static [Field<Self>];

    /// Symbol in streamer spelling.
    fn symbol(&self) -> &Arc<str>;

    /// The event of a symbol at `now`; `None` where the symbol has none. `count` is the number of the event.
    fn at(
        _exchange: &Exchange,
        _symbol: &Arc<str>,
        _source: &Source,
        _now: DateTime<Utc>,
        _count: u64,
    ) -> Option<Self> {
        None
    }
}

/// An event of any type, as connections send it.
pub(crate) trait FeedEvent: Debug + Send + Sync {
    /// Symbol in streamer spelling.
    fn symbol(&self) -> &Arc<str>;

    /// Value of the field at a place of its type's table.
    fn value(&self, place: usize) -> Value<'_>;
}

impl<E: TypedEvent> FeedEvent for E {
    fn symbol(&self) -> &Arc<str> {
        TypedEvent::symbol(self)
    }

    fn value(&self, place: usize) -> Value<'_> {
        E::FIELDS.get(place).map_or(Value::Null, |(_, read)| read(self))
    }
}

/// An event that all connections share.
pub(crate) type Tick = Arc<dyn FeedEvent>;

/// How often events of a type are made for those who are subscribed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Pace {
    /// So many per quote.
    PerQuote(f64),
    /// Once a second for each symbol, or as many as there are trades if that is less.
    EachSecond,
    /// Now and then, some of them in turn.
    Looks,
    /// Only when they are subscribed.
    Once,
}

/// What a subscription of a type brings on the contracts that leave it to the venue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Delivery {
    /// The last event, then the latest of each period. A stream begins without the last event.
    Ticker,
    /// The same, and a stream begins with the last event too.
    Standing,
}

/// Makes the event of a symbol at a moment; the last argument is the number of the event.
type Make = fn(&Exchange, &Arc<str>, &Source, DateTime<Utc>, u64) -> Option<Tick>;

/// One type of event.
#[derive(Debug)]
struct EventType {
    name: &'static str,
    names: fn() -> Vec<&'static str>,
    make: Make,
    pace: Pace,
    delivery: Delivery,
    /// Whether the venue's own choice of contract keeps only the latest event of a symbol and period.
    conflated: bool,
}

const fn event_type<E: TypedEvent>(name: &'static str, pace: Pace, delivery: Delivery) -> EventType {
    EventType { name, names: names::<E>, make: make::<E>, pace, delivery, conflated: true }
}

fn names<E: TypedEvent>() -> Vec<&'static str> {
    E::FIELDS.iter().map(|(name, _)| *name).collect()
}

fn make<E: TypedEvent>(
    exchange: &Exchange,
    symbol: &Arc<str>,
    source: &Source,
    now: DateTime<Utc>,
    count: u64,
) -> Option<Tick> {
    E::at(exchange, symbol, source, now, count).map(|event| Arc::new(event) as Tick)
}

/// Trades and greeks per quote.
pub(crate) const SHARE_OF_QUOTES: f64 = 0.2;

const CANDLE: EventType = event_type::<CandleEvent>("Candle", Pace::Once, Delivery::Standing);

/// Every type of event, sorted by name. A new one is a type in this file and a line here.
static EVENT_TYPES: &[EventType] = &[
    CANDLE,
    event_type::<GreeksEvent>("Greeks", Pace::EachSecond, Delivery::Standing),
    event_type::<ProfileEvent>("Profile", Pace::Once, Delivery::Standing),
    event_type::<QuoteEvent>("Quote", Pace::PerQuote(1.0), Delivery::Ticker),
    event_type::<SummaryEvent>("Summary", Pace::Looks, Delivery::Standing),
    EventType {
        conflated: false,
        ..event_type::<TimeAndSaleEvent>("TimeAndSale", Pace::PerQuote(SHARE_OF_QUOTES), Delivery::Ticker)
    },
    event_type::<TradeEvent>("Trade", Pace::PerQuote(SHARE_OF_QUOTES), Delivery::Ticker),
    EventType {
        make: make_extended_trade,
        ..event_type::<TradeEvent>("TradeETH", Pace::PerQuote(SHARE_OF_QUOTES), Delivery::Ticker)
    },
];

/// One of the types of events the venue sends, told apart by name.
#[derive(Clone, Copy)]
pub(crate) struct EventKind(&'static EventType);

impl EventKind {
    /// Every type, sorted by name.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        EVENT_TYPES.iter().map(Self)
    }

    /// The type a client names; `None` when the venue does not know it.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::all().find(|kind| kind.name() == name)
    }

    /// Its name on the wire.
    pub(crate) fn name(self) -> &'static str {
        self.0.name
    }

    /// Names of its fields.
    pub(crate) fn names(self) -> Vec<&'static str> {
        (self.0.names)()
    }

    /// How often its events are made.
    pub(crate) fn pace(self) -> Pace {
        self.0.pace
    }

    /// Whether it is made tick by tick.
    pub(crate) fn ticks(self) -> bool {
        matches!(self.0.pace, Pace::PerQuote(_) | Pace::EachSecond)
    }

    /// Whether only the latest event of a symbol and period is sent, unless the client asks for all.
    pub(crate) fn conflated(self) -> bool {
        self.0.conflated
    }

    /// What subscribing brings.
    pub(crate) fn delivery(self) -> Delivery {
        self.0.delivery
    }

    /// The event of a symbol at `now`.
    pub(crate) fn make(
        self,
        exchange: &Exchange,
        symbol: &Arc<str>,
        source: &Source,
        now: DateTime<Utc>,
        count: u64,
    ) -> Option<Tick> {
        (self.0.make)(exchange, symbol, source, now, count)
    }

    /// Candles, which are subscribed and sent in a way of their own.
    pub(crate) fn candle() -> Self {
        Self(&CANDLE)
    }
}

impl Debug for EventKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl PartialEq for EventKind {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for EventKind {}

impl PartialOrd for EventKind {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for EventKind {
    fn cmp(&self, other: &Self) -> Ordering {
        self.name().cmp(other.name())
    }
}

impl Hash for EventKind {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name().hash(state);
    }
}

/// Best bid and ask.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct QuoteEvent {
    pub(crate) symbol: Arc<str>,
    pub(crate) time: DateTime<Utc>,
    pub(crate) bid: f64,
    pub(crate) ask: f64,
    pub(crate) bid_size: f64,
    pub(crate) ask_size: f64,
}

impl TypedEvent for QuoteEvent {
    const FIELDS: &'static [Field<Self>] = &[
        ("eventType", |_| Value::Null),
        ("eventSymbol", |quote| Value::Text(&quote.symbol)),
        ("eventTime", |_| Value::Integer(0)),
        ("sequence", |_| Value::Integer(0)),
        ("timeNanoPart", |_| Value::Integer(0)),
        ("bidTime", |quote| Value::Integer(quote.time.timestamp_millis())),
        ("bidExchangeCode", |_| Value::Text("Q")),
        ("bidPrice", |quote| Value::Number(quote.bid)),
        ("bidSize", |quote| Value::Number(quote.bid_size)),
        ("askTime", |quote| Value::Integer(quote.time.timestamp_millis())),
        ("askExchangeCode", |_| Value::Text("P")),
        ("askPrice", |quote| Value::Number(quote.ask)),
        ("askSize", |quote| Value::Number(quote.ask_size)),
    ];

    fn symbol(&self) -> &Arc<str> {
        &self.symbol
    }

    /// `count` moves it between trades.
    fn at(exchange: &Exchange, symbol: &Arc<str>, source: &Source, now: DateTime<Utc>, count: u64) -> Option<Self> {
        let instrument = exchange.instrument(source)?;
        let last = exchange.last(source, now)?;
        let noise = bits(instrument.seed ^ 0x51, count);
        let (tick, spread) = match source {
            Source::Equity(_) => (0.01, 1.0 + (last * 0.000_03 / 0.01 * (0.6 + uniform(noise))).floor()),
            Source::Option(..) => (option_tick(last), 1.0 + (last * 0.02 / option_tick(last) * uniform(noise)).floor()),
        };
        // The last trade was at the bid, at the ask or in between.
        let below = (spread * uniform(noise.rotate_left(17)) * 1.999).floor().min(spread);
        let bid = to_tick(last - below * tick, tick).max(tick);
        let ask = to_tick(bid + spread * tick, tick);
        let size = |turn: u32| 1.0 + (noise.rotate_left(turn) % 40) as f64;
        let lot = if matches!(source, Source::Equity(_)) { 100.0 } else { 1.0 };
        Some(Self { symbol: symbol.clone(), time: now, bid, ask, bid_size: lot * size(29), ask_size: lot * size(43) })
    }
}

/// The last trade.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TradeEvent {
    pub(crate) symbol: Arc<str>,
    pub(crate) time: DateTime<Utc>,
    pub(crate) price: f64,
    /// Against the close of the session before.
    pub(crate) change: f64,
    pub(crate) size: f64,
    pub(crate) day: NaiveDate,
    pub(crate) day_volume: f64,
    pub(crate) day_turnover: f64,
    pub(crate) extended_hours: bool,
    pub(crate) up: bool,
}

impl TypedEvent for TradeEvent {
    const FIELDS: &'static [Field<Self>] = &[
        ("eventType", |_| Value::Null),
        ("eventSymbol", |trade| Value::Text(&trade.symbol)),
        ("eventTime", |_| Value::Integer(0)),
        ("time", |trade| Value::Integer(trade.time.timestamp_millis())),
        ("timeNanoPart", |_| Value::Integer(0)),
        ("sequence", |_| Value::Integer(0)),
        ("exchangeCode", |_| Value::Text("Q")),
        ("price", |trade| Value::Number(trade.price)),
        ("change", |trade| Value::Number(trade.change)),
        ("size", |trade| Value::Number(trade.size)),
        ("dayId", |trade| Value::Integer(day_number(trade.day))),
        ("dayVolume", |trade| Value::Number(trade.day_volume)),
        ("dayTurnover", |trade| Value::Number(trade.day_turnover)),
        ("tickDirection", |trade| Value::Text(if trade.up { "ZERO_UP" } else { "ZERO_DOWN" })),
        ("extendedTradingHours", |trade| Value::Bool(trade.extended_hours)),
    ];

    fn symbol(&self) -> &Arc<str> {
        &self.symbol
    }

    /// `count` chooses size and direction.
    fn at(exchange: &Exchange, symbol: &Arc<str>, source: &Source, now: DateTime<Utc>, count: u64) -> Option<Self> {
        let instrument = exchange.instrument(source)?;
        let day = exchange.day(instrument, now)?;
        let price = exchange.last(source, now)?;
        let noise = bits(instrument.seed ^ 0x52, count);
        let (previous, volume, lot) = match source {
            Source::Equity(_) => (day.previous.close, day.volume_so_far(now), 10.0),
            Source::Option(_, option) => {
                let bar = exchange.option_bar(instrument, option, &day.previous, day.place.saturating_sub(1));
                let volume = exchange.option_volume(instrument, option, day.place) * day.elapsed(now);
                (bar.map_or(price, |bar| bar.close), volume.floor(), 1.0)
            }
        };
        Some(Self {
            symbol: symbol.clone(),
            time: now,
            price,
            change: ((price - previous) * 100.0).round() / 100.0,
            size: lot * (1.0 + (noise % 30) as f64),
            day: day.bar.session.date,
            day_volume: volume,
            day_turnover: (volume * price).round(),
            extended_hours: !day.bar.session.contains(now),
            up: noise & 64 == 0,
        })
    }
}

/// One trade of the tape, with the quote it met.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TimeAndSaleEvent {
    pub(crate) quote: QuoteEvent,
    pub(crate) sequence: i64,
    pub(crate) size: f64,
    /// Whether a buyer came to the market.
    pub(crate) buys: bool,
    pub(crate) spread_leg: bool,
    pub(crate) extended_hours: bool,
}

impl TimeAndSaleEvent {
    fn price(&self) -> f64 {
        if self.buys { self.quote.ask } else { self.quote.bid }
    }
}

impl TypedEvent for TimeAndSaleEvent {
    const FIELDS: &'static [Field<Self>] = &[
        ("eventType", |_| Value::Null),
        ("eventSymbol", |sale| Value::Text(&sale.quote.symbol)),
        ("eventTime", |_| Value::Integer(0)),
        ("eventFlags", |_| Value::Integer(0)),
        ("index", |sale| Value::Integer(series_index(sale.quote.time) | sale.sequence)),
        ("time", |sale| Value::Integer(sale.quote.time.timestamp_millis())),
        ("timeNanoPart", |_| Value::Integer(0)),
        ("sequence", |sale| Value::Integer(sale.sequence)),
        ("exchangeCode", |_| Value::Text("Q")),
        ("price", |sale| Value::Number(sale.price())),
        ("size", |sale| Value::Number(sale.size)),
        ("bidPrice", |sale| Value::Number(sale.quote.bid)),
        ("askPrice", |sale| Value::Number(sale.quote.ask)),
        ("exchangeSaleConditions", |sale| Value::Text(if sale.extended_hours { "@ TI" } else { "@" })),
        ("tradeThroughExempt", |_| Value::Text("\0")),
        ("aggressorSide", |sale| Value::Text(if sale.buys { "BUY" } else { "SELL" })),
        ("spreadLeg", |sale| Value::Bool(sale.spread_leg)),
        ("extendedTradingHours", |sale| Value::Bool(sale.extended_hours)),
        ("validTick", |_| Value::Bool(true)),
        ("type", |_| Value::Text("NEW")),
        ("buyer", |_| Value::Null),
        ("seller", |_| Value::Null),
    ];

    fn symbol(&self) -> &Arc<str> {
        &self.quote.symbol
    }

    /// `count` chooses side and size, and moves the quote.
    fn at(exchange: &Exchange, symbol: &Arc<str>, source: &Source, now: DateTime<Utc>, count: u64) -> Option<Self> {
        let instrument = exchange.instrument(source)?;
        let day = exchange.day(instrument, now)?;
        let quote = QuoteEvent::at(exchange, symbol, source, now, count)?;
        let noise = bits(instrument.seed ^ 0x53, count);
        let option = matches!(source, Source::Option(..));
        let lot = if option { 1.0 } else { 10.0 };
        Some(Self {
            quote,
            // An index has 22 bits for it.
            sequence: (count % (1 << 22)) as i64,
            size: lot * (1.0 + (noise % 30) as f64),
            buys: noise & 64 == 0,
            spread_leg: option && noise & 0x780 == 0,
            extended_hours: !day.bar.session.contains(now),
        })
    }
}

/// A trade while no session is under way.
fn make_extended_trade(
    exchange: &Exchange,
    symbol: &Arc<str>,
    source: &Source,
    now: DateTime<Utc>,
    count: u64,
) -> Option<Tick> {
    let trade = TradeEvent::at(exchange, symbol, source, now, count).filter(|trade| trade.extended_hours)?;
    Some(Arc::new(trade))
}

/// The day so far and the day before.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SummaryEvent {
    pub(crate) symbol: Arc<str>,
    pub(crate) bar: DayBar,
    /// Whether the session is under way; the day has no close price until it is over.
    pub(crate) open: bool,
    pub(crate) previous: DayBar,
    pub(crate) open_interest: i64,
}

impl TypedEvent for SummaryEvent {
    const FIELDS: &'static [Field<Self>] = &[
        ("eventType", |_| Value::Null),
        ("eventSymbol", |summary| Value::Text(&summary.symbol)),
        ("eventTime", |_| Value::Integer(0)),
        ("dayId", |summary| Value::Integer(day_number(summary.bar.session.date))),
        ("dayOpenPrice", |summary| Value::Number(summary.bar.open)),
        ("dayHighPrice", |summary| Value::Number(summary.bar.high)),
        ("dayLowPrice", |summary| Value::Number(summary.bar.low)),
        ("dayClosePrice", |summary| Value::Number(if summary.open { f64::NAN } else { summary.bar.close })),
        ("dayClosePriceType", |summary| Value::Text(if summary.open { "REGULAR" } else { "FINAL" })),
        ("prevDayId", |summary| Value::Integer(day_number(summary.previous.session.date))),
        ("prevDayClosePrice", |summary| Value::Number(summary.previous.close)),
        ("prevDayClosePriceType", |_| Value::Text("FINAL")),
        ("prevDayVolume", |summary| Value::Number(summary.previous.volume)),
        ("openInterest", |summary| Value::Integer(summary.open_interest)),
    ];

    fn symbol(&self) -> &Arc<str> {
        &self.symbol
    }

    /// Prices of the day and the day before.
    fn at(exchange: &Exchange, symbol: &Arc<str>, source: &Source, now: DateTime<Utc>, _count: u64) -> Option<Self> {
        let instrument = exchange.instrument(source)?;
        let day = exchange.day(instrument, now)?;
        let (bar, previous, open_interest) = match source {
            Source::Equity(_) => (day.bar_so_far(now), day.previous, 0),
            Source::Option(_, option) => (
                exchange.option_bar(instrument, option, &day.bar_so_far(now), day.place)?,
                exchange.option_bar(instrument, option, &day.previous, day.place.saturating_sub(1))?,
                exchange.open_interest(instrument, option, day.place),
            ),
        };
        let open = bar.session.contains(now);
        Some(Self { symbol: symbol.clone(), bar, open, previous, open_interest })
    }
}

/// Standing facts.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ProfileEvent {
    pub(crate) symbol: Arc<str>,
    pub(crate) description: String,
    pub(crate) year_high: Option<f64>,
    pub(crate) year_low: Option<f64>,
    pub(crate) beta: Option<f64>,
    pub(crate) earnings_per_share: Option<f64>,
    /// Cash per share, the quarterly payment.
    pub(crate) dividend: Option<f64>,
    pub(crate) shares: Option<f64>,
}

impl TypedEvent for ProfileEvent {
    const FIELDS: &'static [Field<Self>] = &[
        ("eventType", |_| Value::Null),
        ("eventSymbol", |profile| Value::Text(&profile.symbol)),
        ("eventTime", |_| Value::Integer(0)),
        ("description", |profile| Value::Text(&profile.description)),
        ("shortSaleRestriction", |_| Value::Text("INACTIVE")),
        ("tradingStatus", |_| Value::Text("ACTIVE")),
        ("statusReason", |_| Value::Null),
        ("haltStartTime", |_| Value::Integer(0)),
        ("haltEndTime", |_| Value::Integer(0)),
        ("highLimitPrice", |_| Value::Number(f64::NAN)),
        ("lowLimitPrice", |_| Value::Number(f64::NAN)),
        ("high52WeekPrice", |profile| optional(profile.year_high)),
        ("low52WeekPrice", |profile| optional(profile.year_low)),
        ("beta", |profile| optional(profile.beta)),
        ("earningsPerShare", |profile| optional(profile.earnings_per_share)),
        ("dividendFrequency", |profile| optional(profile.dividend.map(|_| 4.0))),
        ("exDividendAmount", |profile| optional(profile.dividend)),
        ("exDividendDayId", |_| Value::Integer(0)),
        ("shares", |profile| optional(profile.shares)),
        ("freeFloat", |profile| optional(profile.shares.map(|shares| (shares * 0.9).round()))),
    ];

    fn symbol(&self) -> &Arc<str> {
        &self.symbol
    }

    /// Standing facts about a stock or fund.
    fn at(exchange: &Exchange, symbol: &Arc<str>, source: &Source, now: DateTime<Utc>, _count: u64) -> Option<Self> {
        let instrument = exchange.instrument(source)?;
        let day = exchange.day(instrument, now)?;
        let description = match source {
            Source::Equity(_) => instrument.name.clone(),
            Source::Option(_, option) => option.occ(),
        };
        let equity = matches!(source, Source::Equity(_));
        Some(Self {
            symbol: symbol.clone(),
            description,
            year_high: equity.then_some(day.year_high.max(day.previous.high)),
            year_low: equity.then_some(day.year_low.min(day.previous.low)),
            beta: equity.then_some(instrument.beta),
            earnings_per_share: instrument.earnings_per_share.filter(|_| equity),
            dividend: (equity && instrument.dividend_yield > 0.0)
                .then(|| cents(instrument.dividend_yield * instrument.level / 4.0)),
            shares: equity.then_some(instrument.shares),
        })
    }
}

/// Model price and sensitivities of an option.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct GreeksEvent {
    pub(crate) symbol: Arc<str>,
    pub(crate) time: DateTime<Utc>,
    /// Annualised ratio.
    pub(crate) volatility: f64,
    pub(crate) value: Sensitivities,
}

impl TypedEvent for GreeksEvent {
    const FIELDS: &'static [Field<Self>] = &[
        ("eventType", |_| Value::Null),
        ("eventSymbol", |greeks| Value::Text(&greeks.symbol)),
        ("eventTime", |_| Value::Integer(0)),
        ("eventFlags", |_| Value::Integer(0)),
        ("index", |greeks| Value::Integer(series_index(greeks.time))),
        ("time", |greeks| Value::Integer(greeks.time.timestamp_millis())),
        ("sequence", |_| Value::Integer(0)),
        ("price", |greeks| Value::Number(rounded(greeks.value.price))),
        ("volatility", |greeks| Value::Number(rounded(greeks.volatility))),
        ("delta", |greeks| Value::Number(rounded(greeks.value.delta))),
        ("gamma", |greeks| Value::Number(rounded(greeks.value.gamma))),
        ("theta", |greeks| Value::Number(rounded(greeks.value.theta))),
        ("rho", |greeks| Value::Number(rounded(greeks.value.rho))),
        ("vega", |greeks| Value::Number(rounded(greeks.value.vega))),
    ];

    fn symbol(&self) -> &Arc<str> {
        &self.symbol
    }

    /// `None` for a stock.
    fn at(exchange: &Exchange, symbol: &Arc<str>, source: &Source, now: DateTime<Utc>, _count: u64) -> Option<Self> {
        let Source::Option(_, option) = source else { return None };
        let instrument = exchange.instrument(source)?;
        let day = exchange.day(instrument, now)?;
        let underlying = day.last(now);
        let volatility = exchange.volatility(instrument, option, underlying, day.place, now);
        let value = exchange.value(instrument, option, underlying, day.place, now)?;
        Some(Self { symbol: symbol.clone(), time: now, volatility, value })
    }
}

/// One candle of a candle symbol.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct CandleEvent {
    /// Canonical candle symbol.
    pub(crate) symbol: Arc<str>,
    pub(crate) flags: i64,
    /// Start of the candle.
    pub(crate) time: DateTime<Utc>,
    pub(crate) open: f64,
    pub(crate) high: f64,
    pub(crate) low: f64,
    pub(crate) close: f64,
    pub(crate) volume: f64,
    pub(crate) vwap: f64,
    /// Trades in the candle.
    pub(crate) count: i64,
    /// Annualised ratio, NaN when there is none.
    pub(crate) volatility: f64,
    /// NaN for stocks.
    pub(crate) open_interest: f64,
}

impl TypedEvent for CandleEvent {
    const FIELDS: &'static [Field<Self>] = &[
        ("eventType", |_| Value::Null),
        ("eventSymbol", |candle| Value::Text(&candle.symbol)),
        ("eventTime", |_| Value::Integer(0)),
        ("eventFlags", |candle| Value::Integer(candle.flags)),
        ("index", |candle| Value::Integer(series_index(candle.time))),
        ("time", |candle| Value::Integer(candle.time.timestamp_millis())),
        ("sequence", |_| Value::Integer(0)),
        ("count", |candle| Value::Integer(candle.count)),
        ("open", |candle| Value::Number(candle.open)),
        ("high", |candle| Value::Number(candle.high)),
        ("low", |candle| Value::Number(candle.low)),
        ("close", |candle| Value::Number(candle.close)),
        ("volume", |candle| Value::Number(candle.volume)),
        ("vwap", |candle| Value::Number(candle.vwap)),
        ("bidVolume", |_| Value::Number(f64::NAN)),
        ("askVolume", |_| Value::Number(f64::NAN)),
        ("impVolatility", |candle| Value::Number(rounded(candle.volatility))),
        ("openInterest", |candle| Value::Number(candle.open_interest)),
    ];

    fn symbol(&self) -> &Arc<str> {
        &self.symbol
    }
}

/// Days since 1970-01-01.
fn day_number(date: NaiveDate) -> i64 {
    (date - NaiveDate::default()).num_days()
}

/// The index of a time series event: seconds, milliseconds, sequence number 0.
pub(crate) fn series_index(time: DateTime<Utc>) -> i64 {
    let millis = time.timestamp_millis();
    (millis.div_euclid(1_000) << 32) | (millis.rem_euclid(1_000) << 22)
}

fn optional<'a>(number: Option<f64>) -> Value<'a> {
    Value::Number(number.unwrap_or(f64::NAN))
}

/// Six decimals, as model figures are sent.
fn rounded(number: f64) -> f64 {
    (number * 1e6).round() / 1e6
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::market::symbol::{OptionSymbol, Side};
    use chrono::TimeDelta;

    fn fixture(now: &str) -> Exchange {
        Exchange::new(42, 30, Clock::hand_set(now.parse().unwrap()))
    }

    fn quotes(exchange: &Exchange, symbol: &str) {
        let source = exchange.resolve(symbol).unwrap();
        let symbol: Arc<str> = symbol.into();
        for count in 0..2_000 {
            let now = exchange.clock.now() + TimeDelta::seconds(count as i64 * 7);
            let quote = QuoteEvent::at(exchange, &symbol, &source, now, count).unwrap();
            let last = exchange.last(&source, now).unwrap();
            assert!(0.0 < quote.bid && quote.bid < quote.ask, "{quote:?}");
            assert!(quote.bid <= last + 1e-9 && last <= quote.ask + 1e-9, "{quote:?} {last}");
            assert!(quote.bid_size > 0.0 && quote.ask_size > 0.0);
        }
    }

    #[test]
    fn the_bid_is_below_the_ask() {
        for now in ["2026-01-05T15:00:00Z", "2026-01-10T15:00:00Z"] {
            let exchange = fixture(now);
            quotes(&exchange, "SPY");
            quotes(&exchange, "AAPL");
            quotes(&exchange, ".SPY260116C560");
            quotes(&exchange, ".SPY260116P10");
        }
    }

    #[test]
    fn an_option_is_priced_from_its_underlying() {
        let exchange = fixture("2026-01-05T15:00:00Z");
        let now = exchange.clock.now();
        let spy = exchange.universe.find("SPY").unwrap();
        let price = exchange.last(&Source::Equity(spy.place), now).unwrap();
        let date = NaiveDate::from_ymd_opt(2026, 3, 20).unwrap();
        let option = |side, strike| Source::Option(spy.place, OptionSymbol::new("SPY", date, side, strike).unwrap());
        let greeks = |source| GreeksEvent::at(&exchange, &"x".into(), &source, now, 0).unwrap();
        let call = greeks(option(Side::Call, price.round()));
        let put = greeks(option(Side::Put, price.round()));
        assert!((0.4..0.7).contains(&call.value.delta), "{call:?}");
        assert!((call.value.delta - put.value.delta - 1.0).abs() < 0.02);
        assert!((0.02..1.0).contains(&call.volatility));
        assert!(greeks(option(Side::Put, price * 0.8)).volatility > call.volatility);
        let last = exchange.last(&option(Side::Call, price.round()), now).unwrap();
        assert!((last - call.value.price).abs() <= 0.05);
        assert_eq!(GreeksEvent::at(&exchange, &"x".into(), &Source::Equity(spy.place), now, 0), None);
    }

    #[test]
    fn a_trade_agrees_with_the_day() {
        let exchange = fixture("2026-01-05T15:00:00Z");
        let source = exchange.resolve("AAPL").unwrap();
        let symbol: Arc<str> = "AAPL".into();
        let trade = TradeEvent::at(&exchange, &symbol, &source, exchange.clock.now(), 1).unwrap();
        let summary = SummaryEvent::at(&exchange, &symbol, &source, exchange.clock.now(), 0).unwrap();
        assert_eq!(trade.price, summary.bar.close);
        assert!(!trade.extended_hours && summary.open);
        assert!((trade.price - trade.change - summary.previous.close).abs() < 0.006);
    }

    #[test]
    fn a_sale_is_at_the_bid_or_the_ask_and_the_same_every_time() {
        let exchange = fixture("2026-01-05T15:00:00Z");
        let source = exchange.resolve("AAPL").unwrap();
        let now = exchange.clock.now();
        let sale = |count| TimeAndSaleEvent::at(&exchange, &"AAPL".into(), &source, now, count).unwrap();
        for count in 0..200 {
            let one = sale(count);
            assert_eq!(one, sale(count));
            assert_eq!(one.price(), if one.buys { one.quote.ask } else { one.quote.bid });
            assert!(one.size > 0.0 && !one.spread_leg && !one.extended_hours);
        }
        assert!((0..200).any(|count| sale(count).buys) && (0..200).any(|count| !sale(count).buys));
    }

    #[test]
    fn an_index_is_seconds_milliseconds_and_sequence() {
        let at = |millis| DateTime::<Utc>::from_timestamp_millis(millis).unwrap();
        assert_eq!(series_index(at(1_684_559_855_338)), 7_235_129_486_797_176_832);
        assert_eq!(series_index(at(1_767_571_200_000)), 7_591_660_497_351_475_200);
    }
}
