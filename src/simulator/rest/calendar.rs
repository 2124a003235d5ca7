//! Sessions and holidays, and the public watchlists.

use super::reply::{Query, Refusal, Reply, instant};
use super::venue::Venue;
use crate::market::calendar::{self, Session, eastern_instant};
use crate::market::list;
use crate::simulator::universe::Instrument;
use chrono::{DateTime, Datelike, Months, NaiveDate, Utc};
use serde_json::{Value, json};

/// Widest span of one request for sessions.
const SPAN_MONTHS_MAX: u32 = 9;
/// Entries of the list of busiest symbols.
const BUSIEST: usize = 200;

/// `/market-time/sessions`.
pub(super) fn sessions(venue: &Venue, query: &Query) -> Result<Reply, Refusal> {
    let to = query.date("to-date")?.ok_or_else(|| Refusal::invalid("to-date", "is missing"))?;
    let from = query.date("from-date")?.unwrap_or_else(|| venue.today());
    let latest = from.checked_add_months(Months::new(SPAN_MONTHS_MAX)).unwrap_or(NaiveDate::MAX);
    if to > latest {
        return Err(Refusal::invalid("to-date", "must be within nine months of from-date"));
    }
    let collection = query.one("instrument-collection").unwrap_or("Equity");
    check_collection(collection)?;
    let found = calendar::sessions(from, to);
    Ok(Reply::List(found.iter().map(|one| session(venue, one, false)).collect(), None))
}

fn check_collection(collection: &str) -> Result<(), Refusal> {
    match collection {
        "Equity" => Ok(()),
        _ => Err(Refusal::invalid("instrument-collection", "is not offered by this venue")),
    }
}

fn session(venue: &Venue, session: &Session, dated: bool) -> Value {
    let spell = |at| instant(at, venue.zulu);
    json!({
        "instrument-collection": "Equity",
        "session-date": dated.then_some(session.date),
        "start-at": spell(start_at(session)),
        "open-at": spell(session.open_at),
        "close-at": spell(session.close_at),
        "close-at-ext": spell(extended_close_at(session)),
    })
}

fn start_at(session: &Session) -> DateTime<Utc> {
    eastern_instant(session.date, 8, 15)
}

fn extended_close_at(session: &Session) -> DateTime<Utc> {
    eastern_instant(session.date, if session.early_close { 17 } else { 20 }, 0)
}

/// `/market-time/sessions/current`.
pub(super) fn current_sessions(venue: &Venue, query: &Query) -> Result<Reply, Refusal> {
    let collections = query.list("instrument-collections");
    if collections.is_empty() {
        return Err(Refusal::invalid("instrument-collections", "is missing"));
    }
    let equity = collections.iter().filter(|collection| *collection == "Equity");
    Ok(Reply::List(equity.map(|_| current(venue, venue.now())).collect(), None))
}

/// `/market-time/equities/sessions/current`.
pub(super) fn current_session(venue: &Venue, query: &Query) -> Result<Reply, Refusal> {
    let at = match query.one("current-time") {
        None => venue.now(),
        Some(text) => DateTime::parse_from_rfc3339(text)
            .map_err(|_| Refusal::invalid("current-time", "is not a time"))?
            .with_timezone(&Utc),
    };
    Ok(Reply::Single(current(venue, at)))
}

fn current(venue: &Venue, now: DateTime<Utc>) -> Value {
    let today = calendar::eastern_date(now);
    let open = calendar::session(today);
    let state = match open {
        Some(session) if session.contains(now) => "Open",
        Some(session) if (start_at(&session)..session.open_at).contains(&now) => "Pre-market",
        Some(session) if (session.close_at..extended_close_at(&session)).contains(&now) => "Extended",
        _ => "Closed",
    };
    let mut value = open.map_or_else(|| json!({"instrument-collection": "Equity"}), |one| session(venue, &one, false));
    // Before today's start the next session is today's.
    let ahead = open.filter(|session| now < start_at(session)).unwrap_or_else(|| calendar::next_session(today));
    if let Some(fields) = value.as_object_mut() {
        fields.insert("state".to_owned(), json!(state));
        fields.insert("next-session".to_owned(), session(venue, &ahead, true));
        let before = calendar::previous_session(today);
        fields.insert("previous-session".to_owned(), session(venue, &before, true));
    }
    value
}

/// `/market-time/equities/sessions/next`: on or after the date.
pub(super) fn next_session(venue: &Venue, query: &Query) -> Result<Reply, Refusal> {
    let date = query.date("date")?.unwrap_or_else(|| venue.today());
    let found = calendar::session(date).unwrap_or_else(|| calendar::next_session(date));
    Ok(Reply::Single(session(venue, &found, true)))
}

/// `/market-time/equities/sessions/previous`: on or before the date.
pub(super) fn previous_session(venue: &Venue, query: &Query) -> Result<Reply, Refusal> {
    let date = query.date("date")?.unwrap_or_else(|| venue.today());
    let found = calendar::session(date).unwrap_or_else(|| calendar::previous_session(date));
    Ok(Reply::Single(session(venue, &found, true)))
}

/// `/market-time/equities/holidays`: from 2020 to the end of next year.
pub(super) fn holidays(venue: &Venue) -> Reply {
    let first = NaiveDate::from_ymd_opt(2020, 1, 1).unwrap_or_default();
    let last = venue.today().year() + 1;
    let days: Vec<NaiveDate> = first.iter_days().take_while(|date| date.year() <= last).collect();
    let half: Vec<&NaiveDate> = days.iter().filter(|date| calendar::early_close(**date)).collect();
    let full: Vec<&NaiveDate> = days.iter().filter(|date| calendar::holiday(**date)).collect();
    Reply::Single(json!({"market-half-days": half, "market-holidays": full}))
}

/// (name, group, built-in list); the last one has none.
const WATCHLISTS: [(&str, &str, Option<&str>); 5] = [
    ("S&P 500", "Market Indices", Some("sp500")),
    ("NASDAQ 100", "Market Indices", Some("nasdaq100")),
    ("Dow Jones Industrial Average", "Market Indices", Some("dow30")),
    ("Major ETFs", "ETFs", Some("etf")),
    ("High Options Volume", "Liquidity", None),
];

/// `/public-watchlists`.
pub(super) fn watchlists(venue: &Venue, query: &Query) -> Reply {
    let counts_only = query.one("counts-only") == Some("true");
    let items = WATCHLISTS.iter().enumerate().map(|(place, (name, group, list))| {
        let symbols = members(venue, *list);
        if counts_only {
            return json!({"name": name, "id": place + 1, "watchlist-entry-count": symbols.len()});
        }
        // The list of lists spells this key with an underscore, a single list does not.
        watchlist(name, group, place, symbols, "instrument_type")
    });
    Reply::List(items.collect(), None)
}

/// `/public-watchlists/{name}`.
pub(super) fn watchlist_of(venue: &Venue, name: &str) -> Result<Reply, Refusal> {
    let place = WATCHLISTS.iter().position(|(known, _, _)| *known == name);
    let found = place.and_then(|place| WATCHLISTS.get(place).map(|found| (place, found)));
    let (place, (name, group, list)) = found.ok_or_else(|| Refusal::not_found("watchlist"))?;
    Ok(Reply::Single(watchlist(name, group, place, members(venue, *list), "instrument-type")))
}

fn watchlist(name: &str, group: &str, place: usize, symbols: Vec<String>, type_key: &str) -> Value {
    let entries: Vec<Value> = symbols.into_iter().map(|symbol| json!({"symbol": symbol, type_key: "Equity"})).collect();
    json!({
        "name": name, "group-name": group, "order-index": place, "cms-id": null, "watchlist-entries": entries,
    })
}

fn members(venue: &Venue, list: Option<&str>) -> Vec<String> {
    let universe = &venue.exchange.universe;
    if let Some(list) = list {
        let members = list::members(list).unwrap_or_default().into_iter().map(|member| member.symbol);
        return members.filter(|symbol| universe.find(symbol).is_some()).collect();
    }
    let mut busiest: Vec<&Instrument> = universe.all().iter().filter(|instrument| instrument.optionable).collect();
    busiest.sort_by(|one, other| other.daily_volume.total_cmp(&one.daily_volume));
    busiest.into_iter().take(BUSIEST).map(|instrument| instrument.symbol.to_string()).collect()
}
