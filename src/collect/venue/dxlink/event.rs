//! The live events as dxLink sends them: the type's name, the fields we ask for, and what becomes of their values.

use super::row::Row;
use crate::market::event::{Event, Greeks, Quote, Summary, TimeAndSale, Trade};
use chrono::{DateTime, TimeDelta, Utc};
use std::sync::Arc;

/// A live event that dxLink sends.
pub(super) trait WireEvent: Event {
    /// Name of the type on the wire.
    const TYPE: &'static str;

    /// The fields we ask for. [`WireEvent::parse`] goes by their place in this list, `eventSymbol` first.
    const FIELDS: &'static [&'static str];

    /// Its turn when there are more subscriptions than a session may have: those of the least rank are made.
    const RANK: u8;

    /// Whether its events flow while the venue is open, so that a silence much longer than usual is a fault of the line: of a
    /// trade or a summary it may as well be chance.
    const FLOWS: bool;

    /// The event of a row; `None` where the row tells nothing.
    fn parse(row: &Row<'_, '_>, symbol: Arc<str>, received_at: DateTime<Utc>) -> Option<Self>;
}

impl WireEvent for Quote {
    const TYPE: &'static str = "Quote";
    const FIELDS: &'static [&'static str] =
        &["eventSymbol", "bidPrice", "bidSize", "bidTime", "askPrice", "askSize", "askTime"];
    const RANK: u8 = 0;
    const FLOWS: bool = true;

    fn parse(row: &Row<'_, '_>, symbol: Arc<str>, received_at: DateTime<Utc>) -> Option<Self> {
        Some(Self {
            symbol,
            bid: row.number(1),
            bid_size: row.size(2),
            ask: row.number(4),
            ask_size: row.size(5),
            event_at: row.moment(3).max(row.moment(6)),
            received_at,
        })
    }
}

impl WireEvent for Trade {
    const TYPE: &'static str = "Trade";
    const FIELDS: &'static [&'static str] = &["eventSymbol", "price", "size", "change", "dayVolume", "time"];
    const RANK: u8 = 1;
    const FLOWS: bool = false;

    fn parse(row: &Row<'_, '_>, symbol: Arc<str>, received_at: DateTime<Utc>) -> Option<Self> {
        Some(Self {
            symbol,
            price: row.number(1),
            size: row.size(2),
            change: row.number(3),
            day_volume: row.size(4),
            event_at: row.moment(5),
            received_at,
        })
    }
}

impl WireEvent for Greeks {
    const TYPE: &'static str = "Greeks";
    const FIELDS: &'static [&'static str] =
        &["eventSymbol", "eventFlags", "price", "volatility", "delta", "gamma", "theta", "rho", "vega", "time"];
    const RANK: u8 = 2;
    const FLOWS: bool = true;

    fn parse(row: &Row<'_, '_>, symbol: Arc<str>, received_at: DateTime<Utc>) -> Option<Self> {
        if row.removes(1) {
            return None;
        }
        Some(Self {
            symbol,
            price: row.number(2),
            volatility: row.number(3),
            delta: row.number(4),
            gamma: row.number(5),
            theta: row.number(6),
            rho: row.number(7),
            vega: row.number(8),
            event_at: row.moment(9),
            received_at,
        })
    }
}

impl WireEvent for Summary {
    const TYPE: &'static str = "Summary";
    const FIELDS: &'static [&'static str] = &[
        "eventSymbol",
        "dayId",
        "dayOpenPrice",
        "dayHighPrice",
        "dayLowPrice",
        "dayClosePrice",
        "dayClosePriceType",
        "prevDayId",
        "prevDayClosePrice",
        "prevDayClosePriceType",
        "prevDayVolume",
        "openInterest",
    ];
    const RANK: u8 = 3;
    const FLOWS: bool = false;

    fn parse(row: &Row<'_, '_>, symbol: Arc<str>, received_at: DateTime<Utc>) -> Option<Self> {
        Some(Self {
            symbol,
            day: row.date(1),
            day_open: row.number(2),
            day_high: row.number(3),
            day_low: row.number(4),
            day_close: row.number(5),
            day_close_type: row.word(6),
            previous_day: row.date(7),
            previous_close: row.number(8),
            previous_close_type: row.word(9),
            previous_volume: row.size(10),
            open_interest: row.integer(11),
            received_at,
        })
    }
}

impl WireEvent for TimeAndSale {
    const TYPE: &'static str = "TimeAndSale";
    const FIELDS: &'static [&'static str] = &[
        "eventSymbol",
        "eventFlags",
        "time",
        "timeNanoPart",
        "sequence",
        "exchangeCode",
        "price",
        "size",
        "bidPrice",
        "askPrice",
        "exchangeSaleConditions",
        "aggressorSide",
        "extendedTradingHours",
        "spreadLeg",
        "validTick",
        "type",
    ];
    const RANK: u8 = 4;
    const FLOWS: bool = false;

    fn parse(row: &Row<'_, '_>, symbol: Arc<str>, received_at: DateTime<Utc>) -> Option<Self> {
        if row.removes(1) {
            return None;
        }
        // The nanoseconds are those within the millisecond.
        let nanos = row.integer(3).filter(|nanos| (0..1_000_000).contains(nanos)).unwrap_or_default();
        Some(Self {
            symbol,
            venue_sequence: row.integer(4),
            exchange_code: row.word(5),
            price: row.number(6),
            size: row.size(7),
            bid: row.number(8),
            ask: row.number(9),
            sale_conditions: row.word(10),
            aggressor_side: row.word(11),
            extended_hours: row.flag(12),
            spread_leg: row.flag(13),
            valid_tick: row.flag(14),
            report_type: row.word(15),
            event_at: row.moment(2).and_then(|at| at.checked_add_signed(TimeDelta::nanoseconds(nanos))),
            received_at,
        })
    }
}
