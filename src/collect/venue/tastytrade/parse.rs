//! From tastytrade's answers to our rows. Pure: no network, no clock.
//!
//! `Err` means that the answer as a whole is not what it should be. A field that does not read is NULL and counted; a row
//! whose key does not read is rejected, and the others are taken.

use super::field::{Field, Rows};
use super::wire::{CorporateEvent, Equity, Expiration, NestedChain, Pagination, Session, Strike};
use super::wire::{Holidays, QuoteTokenAnswer};
use crate::collect::venue::outcome::Parsed;
use crate::collect::venue::problem::Problems;
use crate::lake::quality::DoubtKind;
use crate::market::calendar as rules;
use crate::market::symbol::{OptionSymbol, Side};
use crate::secret::Secret;
use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, Utc, Weekday};
use chrono_tz::America::New_York;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The source in the record of rejected rows, as in `[source.NAME]`.
pub(super) const SOURCE: &str = "tastytrade";

/// The routes that are asked, with `{}` in place of a symbol.
pub(super) const EQUITIES: &str = "/instruments/equities/active";
pub(super) const FUTURES: &str = "/instruments/futures";
pub(super) const CRYPTOCURRENCIES: &str = "/instruments/cryptocurrencies";
pub(super) const CHAINS: &str = "/option-chains/{}/nested";
pub(super) const DIVIDENDS: &str = "/market-metrics/historic-corporate-events/dividends/{}";
pub(super) const EARNINGS: &str = "/market-metrics/historic-corporate-events/earnings-reports/{}";
pub(super) const SESSIONS: &str = "/market-time/sessions";
pub(super) const HOLIDAYS: &str = "/market-time/equities/holidays";

/// A row of `symbols`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SymbolRow {
    /// Symbol in tastytrade's spelling: `BRK/B`, `/ESZ6`.
    pub symbol: String,
    /// `equity`, `etf`, `index`, `future` or `cryptocurrency`.
    pub kind: &'static str,
    /// The long name of the instrument.
    pub description: Option<String>,
    /// Market where it is listed, as a MIC such as `XNAS`.
    pub market: Option<String>,
    /// Lists it is on, sorted.
    pub lists: Vec<String>,
    /// Whether the instrument trades now.
    pub active: Option<bool>,
    /// Symbol in dxFeed's spelling, by which the feed knows it.
    pub streamer_symbol: String,
}

/// A row of `option_chains`.
#[derive(Debug, Clone, PartialEq)]
pub struct OptionRow {
    /// tastytrade spelling of the underlying.
    pub underlying: String,
    /// A date of the exchange, without time.
    pub expiration: NaiveDate,
    /// Strike in units of the currency.
    pub strike: f64,
    /// Side of the option: `call` or `put`.
    pub side: &'static str,
    /// OCC symbol of 21 characters, blanks included.
    pub symbol: String,
    /// Root of the symbol.
    pub root: String,
    /// Kind of the expiration in the venue's words: `Regular`, `Weekly`, ...
    pub expiration_type: Option<String>,
    /// When it settles: `AM` or `PM`.
    pub settlement: Option<String>,
    /// Size of the contract, in shares of its underlying.
    pub shares_per_contract: Option<i64>,
    /// Symbol in dxFeed's spelling, by which the feed knows it.
    pub streamer_symbol: String,
}

/// A row of `dividends` or `earnings`.
#[derive(Debug, Clone, PartialEq)]
pub struct EventRow {
    /// Symbol in tastytrade's spelling: `BRK/B`, `/ESZ6`.
    pub symbol: String,
    /// A date of the exchange, without time.
    pub date: NaiveDate,
    /// Which of the events of that date it is, from 1 on.
    pub number: i64,
    /// Value in the currency, per share.
    pub value: Option<f64>,
}

/// Which corporate events are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventKind {
    /// Cash amount per share.
    Dividend,
    /// Reports of earnings per share.
    Earnings,
}

impl EventKind {
    /// The route that tells of them.
    pub(super) fn endpoint(self) -> &'static str {
        match self {
            Self::Dividend => DIVIDENDS,
            Self::Earnings => EARNINGS,
        }
    }
}

/// A row of `calendar`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CalendarRow {
    /// The date, a weekday.
    pub date: NaiveDate,
    /// `None` on a holiday.
    pub hours: Option<(DateTime<Utc>, DateTime<Utc>)>,
    /// `regular`, `early` or `holiday`.
    pub session: &'static str,
}

/// Dates the venue calls special.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HolidayDates {
    /// Dates whose session ends early.
    pub half_days: BTreeSet<NaiveDate>,
    /// Dates without a session.
    pub holidays: BTreeSet<NaiveDate>,
}

/// All the venue says of its calendar.
#[derive(Debug, Clone, Default)]
pub struct VenueCalendar {
    /// Dates that are no ordinary session.
    pub holidays: HolidayDates,
    /// Sessions of the spans that were answered.
    pub sessions: Vec<Session>,
}

/// Takes `data.items` out of a list answer.
pub(super) fn items<T: DeserializeOwned>(mut answer: Value) -> Result<Rows<T>, String> {
    let items = answer.pointer_mut("/data/items").map(Value::take).filter(Value::is_array);
    let items = items.ok_or_else(|| "it has no list data.items".to_owned())?;
    Rows::deserialize(items).map_err(|error| error.to_string())
}

/// Takes `data` out of a single answer.
fn data<T: DeserializeOwned>(mut answer: Value) -> Result<T, String> {
    let data = answer.get_mut("data").map(Value::take).filter(Value::is_object);
    T::deserialize(data.ok_or_else(|| "it has no object data".to_owned())?).map_err(|error| error.to_string())
}

/// What an answer says of the list that it is a page of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Extent {
    /// Number of pages of the list; `None` when the answer does not say, so that nobody knows whether it is whole.
    pub(crate) pages: Option<i64>,
    /// Number of items on all pages.
    pub(crate) items: Option<i64>,
}

/// Reads what a page says of its list.
pub(crate) fn extent(answer: &Value) -> Extent {
    let pagination = answer.get("pagination").and_then(|pagination| Pagination::deserialize(pagination).ok());
    let Pagination { total_pages, total_items } = pagination.unwrap_or_default();
    Extent { pages: total_pages.known().filter(|pages| *pages > 0), items: total_items.known() }
}

/// Reads a page of equities. `page` names rows that have no symbol.
pub(crate) fn symbols(answer: Value, page: &str) -> Result<Parsed<SymbolRow>, String> {
    instruments(answer, EQUITIES, page, None)
}

/// Reads instruments of a route: of one kind, or of those that an equity may be.
pub(super) fn instruments(
    answer: Value,
    route: &'static str,
    page: &str,
    kind: Option<&'static str>,
) -> Result<Parsed<SymbolRow>, String> {
    let list = items::<Equity>(answer)?;
    let mut problems = Problems::of(SOURCE, route);
    problems.reject_broken(page, list.broken);
    let mut rows = Vec::with_capacity(list.rows.len());
    for equity in list.rows {
        let Some(symbol) = equity.symbol.clone().known() else {
            let text = equity.description.known().unwrap_or_default();
            problems.reject(page, text, format!("its symbol is {}", equity.symbol.spelled()));
            continue;
        };
        let is_index = problems.take(&symbol, "is-index", equity.is_index).unwrap_or_default();
        let is_etf = problems.take(&symbol, "is-etf", equity.is_etf).unwrap_or_default();
        let description = problems.take(&symbol, "description", equity.description);
        let short = problems.take(&symbol, "short-description", equity.short_description);
        let streamer_symbol = problems.take(&symbol, "streamer-symbol", equity.streamer_symbol);
        rows.push(SymbolRow {
            kind: match kind {
                Some(kind) => kind,
                None if is_index => "index",
                None if is_etf => "etf",
                None => "equity",
            },
            description: description.or(short),
            market: problems.take(&symbol, "listed-market", equity.listed_market),
            lists: Vec::new(),
            active: problems.take(&symbol, "active", equity.active),
            streamer_symbol: streamer_symbol.unwrap_or_else(|| symbol.clone()),
            symbol,
        });
    }
    Ok(Parsed { rows, problems })
}

/// Reads a nested chain. An option without a good symbol, or at odds with its symbol, is left out.
pub(crate) fn option_chain(answer: Value, underlying: &str) -> Result<Parsed<OptionRow>, String> {
    let list = items::<NestedChain>(answer)?;
    let mut problems = Problems::of(SOURCE, CHAINS);
    problems.reject_broken(underlying, list.broken);
    let mut rows = BTreeMap::new();
    for chain in list.rows {
        problems.take(underlying, "underlying-symbol", chain.underlying_symbol);
        problems.take(underlying, "root-symbol", chain.root_symbol);
        let shares = problems.take(underlying, "shares-per-contract", chain.shares_per_contract);
        problems.reject_broken(underlying, chain.expirations.broken);
        for expiration in chain.expirations.rows {
            expiration_rows(expiration, (underlying, shares), &mut rows, &mut problems);
        }
    }
    Ok(Parsed { rows: rows.into_values().collect(), problems })
}

fn expiration_rows(
    wire: Expiration,
    (underlying, shares_per_contract): (&str, Option<i64>),
    rows: &mut BTreeMap<String, OptionRow>,
    problems: &mut Problems,
) {
    let expiration_type = problems.take(underlying, "expiration-type", wire.expiration_type);
    let settlement = problems.take(underlying, "settlement-type", wire.settlement_type);
    let date = problems.take(underlying, "expiration-date", wire.expiration_date);
    problems.reject_broken(underlying, wire.strikes.broken);
    for Strike { strike_price, call, call_streamer_symbol, put, put_streamer_symbol } in wire.strikes.rows {
        let strike = problems.take(underlying, "strike-price", strike_price);
        for (side, name, symbol, streamer) in
            [(Side::Call, "call", call, call_streamer_symbol), (Side::Put, "put", put, put_streamer_symbol)]
        {
            let symbol = match symbol {
                Field::Known(symbol) => symbol,
                Field::Missing => continue,
                Field::Broken(text) => {
                    let reason = format!("{text} is no symbol of a {name}");
                    problems.reject(underlying, text, reason);
                    continue;
                }
            };
            let Some(parts) = OptionSymbol::parse_occ(&symbol).filter(|parts| parts.side == side) else {
                let reason = format!("{symbol:?} is no symbol of a {name}");
                problems.reject(underlying, symbol, reason);
                continue;
            };
            let streamer_symbol = problems.take(underlying, "streamer symbol", streamer);
            let streamer_symbol = streamer_symbol.filter(|streamer| streamer.starts_with('.'));
            rows.insert(
                symbol.clone(),
                OptionRow {
                    underlying: underlying.to_owned(),
                    expiration: date.unwrap_or(parts.expiration),
                    strike: strike.unwrap_or_else(|| parts.strike()),
                    side: if side == Side::Call { "call" } else { "put" },
                    root: parts.root.clone(),
                    expiration_type: expiration_type.clone(),
                    settlement: settlement.clone(),
                    shares_per_contract,
                    streamer_symbol: streamer_symbol.unwrap_or_else(|| parts.streamer()),
                    symbol,
                },
            );
        }
    }
}

/// Reads past dividends or reports. Several of one date are numbered, the greatest value first, so that the order in which
/// they come does not matter; one that is said twice counts once.
pub(crate) fn events(answer: Value, symbol: &str, kind: EventKind) -> Result<Parsed<EventRow>, String> {
    let list = items::<CorporateEvent>(answer)?;
    let mut problems = Problems::of(SOURCE, kind.endpoint());
    problems.reject_broken(symbol, list.broken);
    let mut dates: BTreeMap<NaiveDate, Vec<Option<f64>>> = BTreeMap::new();
    for event in list.rows {
        let value = match kind {
            EventKind::Dividend => problems.take(symbol, "amount", event.amount),
            EventKind::Earnings => problems.take(symbol, "eps", event.eps),
        };
        match event.occurred_date {
            Field::Known(date) => dates.entry(date).or_default().push(value),
            unknown => {
                let text = value.map(|value| value.to_string()).unwrap_or_default();
                problems.reject(symbol, text, format!("its date is {}", unknown.spelled()));
            }
        }
    }
    let mut rows = Vec::new();
    for (date, mut values) in dates {
        values.sort_by(|one, other| other.unwrap_or(f64::NEG_INFINITY).total_cmp(&one.unwrap_or(f64::NEG_INFINITY)));
        values.dedup();
        // A report is restated, a dividend is paid beside another.
        let kept = if kind == EventKind::Earnings { 1 } else { values.len() };
        if values.len() > kept {
            let told = values.iter().flatten().map(f64::to_string).collect::<Vec<_>>().join(" and ");
            problems.doubt(symbol, DoubtKind::Duplicate, format!("{date}: {told}"));
        }
        let numbered = values.into_iter().take(kept).zip(1..);
        rows.extend(numbered.map(|(value, number)| EventRow { symbol: symbol.to_owned(), date, number, value }));
    }
    Ok(Parsed { rows, problems })
}

/// Reads the sessions of a span.
pub(crate) fn sessions(answer: Value, span: &str) -> Result<Parsed<Session>, String> {
    let list = items::<Session>(answer)?;
    let mut problems = Problems::of(SOURCE, SESSIONS);
    problems.reject_broken(span, list.broken);
    for session in &list.rows {
        problems.take(span, "session-date", session.session_date.clone());
        problems.take(span, "open-at", session.open_at.clone());
        problems.take(span, "close-at", session.close_at.clone());
    }
    Ok(Parsed { rows: list.rows, problems })
}

/// Reads half days and holidays.
pub(crate) fn holidays(answer: Value) -> Result<(HolidayDates, Problems), String> {
    let wire = data::<Holidays>(answer)?;
    let mut problems = Problems::of(SOURCE, HOLIDAYS);
    let mut take = |name: &str, list: Rows<Field<NaiveDate>>| {
        problems.reject_broken("holidays", list.broken);
        let dates = list.rows.into_iter().filter_map(|field| problems.take("holidays", name, field));
        dates.collect::<BTreeSet<_>>()
    };
    let half_days = take("market-half-days", wire.market_half_days);
    let holidays = take("market-holidays", wire.market_holidays);
    Ok((HolidayDates { half_days, holidays }, problems))
}

/// One row per weekday from `from` to `to`. The venue's word wins: a listed holiday, then a session it names, then a
/// gap between two sessions it names. Everything else follows the exchange's rules.
pub(crate) fn calendar(from: NaiveDate, to: NaiveDate, venue: &VenueCalendar) -> Vec<CalendarRow> {
    let mut named = BTreeMap::new();
    for session in venue.sessions.iter().cloned() {
        let hours = session.open_at.known().zip(session.close_at.known()).filter(|(open, close)| open < close);
        let date = session.session_date.known().or(hours.map(|(open, _)| rules::eastern_date(open)));
        if let Some(date) = date {
            named.insert(date, hours);
        }
    }
    let known = named.keys().next().copied().zip(named.keys().next_back().copied());
    let weekdays = from
        .iter_days()
        .take_while(|date| *date <= to)
        .filter(|date| !matches!(date.weekday(), Weekday::Sat | Weekday::Sun));
    let row = |date: NaiveDate| {
        if venue.holidays.holidays.contains(&date) {
            return CalendarRow { date, hours: None, session: "holiday" };
        }
        let by_rule = rules::session(date).map(|session| (session.open_at, session.close_at));
        let hours = match named.get(&date) {
            Some(hours) => *hours,
            // Between its first and last session the venue leaves out only days it is closed, or a whole span
            // that could not be fetched: a gap is a holiday only when its neighbours are there.
            None if known.is_some_and(|(first, last)| first < date && date < last) && neighbours(&named, date) => None,
            None => by_rule,
        };
        let early = venue.holidays.half_days.contains(&date) || hours.is_some_and(|(_, close)| closes_early(close));
        match hours {
            None => CalendarRow { date, hours, session: "holiday" },
            Some((open, close)) if early => {
                // A half day without hours of its own ends as half days do.
                let close = if closes_early(close) { close } else { rules::eastern_instant(date, 13, 0) };
                CalendarRow { date, hours: Some((open, close)), session: "early" }
            }
            Some(_) => CalendarRow { date, hours, session: "regular" },
        }
    };
    weekdays.map(row).collect()
}

/// Whether the venue names a session within a week on both sides of a date.
fn neighbours<T>(named: &BTreeMap<NaiveDate, T>, date: NaiveDate) -> bool {
    let before = named.range(..date).next_back().map(|(before, _)| *before);
    let after = named.range(date..).next().map(|(after, _)| *after);
    before.zip(after).is_some_and(|(before, after)| (after - before).num_days() <= 7)
}

fn closes_early(close: DateTime<Utc>) -> bool {
    let regular = NaiveTime::from_hms_opt(15, 30, 0).unwrap_or_default();
    close.with_timezone(&New_York).time() < regular
}

/// Reads a quote token: the token, the address of the feed, and what the vendor calls its data.
pub(crate) fn quote_token(answer: Value) -> Result<(Secret, String, Option<String>), String> {
    let wire = data::<QuoteTokenAnswer>(answer)?;
    let token = wire.token.known().ok_or_else(|| "it has no token".to_owned())?;
    let url = wire.dxlink_url.known().ok_or_else(|| "it has no dxlink-url".to_owned())?;
    Ok((Secret::new(token), url, wire.level.known()))
}
