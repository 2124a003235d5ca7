//! Equities, equity options and option chains that the venue lists, in the JSON of its REST interface.

use super::reply::{Page, Query, Refusal, Reply, decimal, instant};
use super::venue::Venue;
use crate::market::expiration;
use crate::market::symbol::{OptionSymbol, Side};
use crate::simulator::chain::{self, Chain, Expiration};
use crate::simulator::exchange::expiration_instant;
use crate::simulator::further::{FURTHER, Further};
use crate::simulator::index::{self, INDICES, Index};
use crate::simulator::universe::Instrument;
use serde_json::{Value, json};

/// Largest page of the active equities.
const ACTIVE_PAGE_MAX: usize = 5_000;
/// Largest page of other equities.
const PAGE_MAX: usize = 1_000;

/// `GET /instruments/equities`: the symbols asked for, or a page of all.
pub(super) fn equities(venue: &Venue, query: &Query) -> Result<Reply, Refusal> {
    let asked = query.list("symbol");
    if !asked.is_empty() {
        return Ok(Reply::List(asked.iter().filter_map(|symbol| equity_or_index(venue, symbol)).collect(), None));
    }
    page_of_equities(venue, query, PAGE_MAX)
}

/// `GET /instruments/equities/active`: all equities in pages of up to 5,000.
pub(super) fn active_equities(venue: &Venue, query: &Query) -> Result<Reply, Refusal> {
    page_of_equities(venue, query, ACTIVE_PAGE_MAX)
}

fn page_of_equities(venue: &Venue, query: &Query, page_max: usize) -> Result<Reply, Refusal> {
    if query.one("is-index") == Some("true") {
        let page = Page::parse(query, page_max, INDICES.len())?;
        return Ok(Reply::List(page.slice(INDICES).iter().map(index_value).collect(), Some(page)));
    }
    let easy = query.one("lendability").is_none_or(|lendability| lendability == "Easy To Borrow");
    let funds = query.one("is-etf").map(|value| value == "true");
    let wanted = |instrument: &&Instrument| easy && funds.is_none_or(|funds| funds == instrument.etf);
    let all: Vec<&Instrument> = venue.exchange.universe.all().iter().filter(wanted).collect();
    let page = Page::parse(query, page_max, all.len())?;
    Ok(Reply::List(page.slice(&all).iter().map(|instrument| equity(instrument)).collect(), Some(page)))
}

/// `GET /instruments/equities/{symbol}`: one equity; 404 for an unknown symbol.
pub(super) fn equity_of(venue: &Venue, symbol: &str) -> Result<Reply, Refusal> {
    equity_or_index(venue, symbol).map(Reply::Single).ok_or_else(|| Refusal::not_found("instrument"))
}

fn equity_or_index(venue: &Venue, symbol: &str) -> Option<Value> {
    venue.exchange.universe.find(symbol).map(equity).or_else(|| index::find(symbol).map(index_value))
}

fn index_value(index: &Index) -> Value {
    json!({
        "symbol": index.symbol,
        "instrument-type": "Equity",
        "short-description": index.description,
        "description": index.description,
        "is-index": true,
        "is-etf": false,
        "market-time-instrument-collection": "Cash Settled Equity Option",
        "active": true,
        "streamer-symbol": index.symbol,
        "option-tick-sizes": option_tick_sizes(),
    })
}

fn equity(instrument: &Instrument) -> Value {
    let name = instrument.name.to_uppercase();
    json!({
        "id": instrument.place + 1,
        "symbol": &*instrument.symbol,
        "instrument-type": "Equity",
        "instrument-sub-type": if instrument.etf { "ETF" } else { "Common Stock" },
        "underlying-product-type": null,
        "cusip": format!("{:09}", instrument.seed % 1_000_000_000),
        "short-description": name.chars().take(30).collect::<String>(),
        "description": name,
        "is-index": false,
        "is-etf": instrument.etf,
        "listed-market": instrument.market,
        "lendability": "Easy To Borrow",
        "borrow-rate": "0.0",
        "market-time-instrument-collection": "Equity",
        "is-closing-only": false,
        "is-options-closing-only": false,
        "active": true,
        "is-fractional-quantity-eligible": true,
        "is-illiquid": false,
        "is-fraud-risk": false,
        "bypass-manual-review": false,
        "overnight-trading-permitted": instrument.etf,
        "pre-ipo": null,
        "country-of-incorporation": "USA",
        "country-of-taxation": "USA",
        "halted-at": null,
        "stops-trading-at": null,
        "streamer-symbol": &*instrument.symbol,
        "tick-sizes": [{"value": "0.0001", "threshold": "1.0"}, {"value": "0.01"}],
        "option-tick-sizes": instrument.optionable.then(option_tick_sizes),
    })
}

fn option_tick_sizes() -> Value {
    json!([{"value": "0.01", "threshold": "3.0"}, {"value": "0.05"}])
}

/// `GET /instruments/futures` and `GET /instruments/cryptocurrencies`: those that are asked for, or all.
pub(super) fn further(query: &Query, futures: bool) -> Reply {
    let asked = query.list("symbol");
    let wanted = |symbol: &str| asked.is_empty() || asked.iter().any(|one| one == symbol);
    let listed = FURTHER.iter().filter(|further| further.is_future == futures && wanted(further.symbol));
    let item = |further: &Further| {
        json!({
            "symbol": further.symbol, "description": further.description, "active": true,
            "streamer-symbol": further.streamer,
            "instrument-type": if further.is_future { "Future" } else { "Cryptocurrency" },
        })
    };
    Reply::List(listed.map(item).collect(), None)
}

/// `GET /instruments/equity-options/{occ}`: one listed option by its OCC symbol, else 404.
pub(super) fn equity_option(venue: &Venue, occ: &str) -> Result<Reply, Refusal> {
    listed_option(venue, occ).map(Reply::Single).ok_or_else(|| Refusal::not_found("equity option"))
}

/// `/instruments/equity-options`: only with symbols.
pub(super) fn equity_options(venue: &Venue, query: &Query) -> Result<Reply, Refusal> {
    let asked = query.list("symbol");
    if asked.is_empty() {
        return Err(Refusal::new(403, "not_permitted", "User not permitted access"));
    }
    Ok(Reply::List(asked.iter().filter_map(|occ| listed_option(venue, occ)).collect(), None))
}

/// An option whose expiration and strike are listed now; `None` for any other symbol.
fn listed_option(venue: &Venue, occ: &str) -> Option<Value> {
    let option = OptionSymbol::parse_occ(occ)?;
    let underlying = match index::of_root(&option.root) {
        Some(index) => index.symbol,
        None => &*venue.exchange.universe.find_root(&option.root)?.symbol,
    };
    let (_, chains) = chain::chains(&venue.exchange, underlying, venue.now())?;
    let chain = chains.iter().find(|chain| chain.root == option.root)?;
    let expiration = chain.expirations.iter().find(|expiration| expiration.date == option.expiration)?;
    let strike = expiration.strikes.iter().any(|strike| (strike - option.strike()).abs() < 1e-9);
    strike.then(|| option_value(venue, chain, &option, expiration))
}

fn option_value(venue: &Venue, chain: &Chain, option: &OptionSymbol, expiration: &Expiration) -> Value {
    let stops_at = instant(expiration_instant(option.expiration), venue.zulu);
    json!({
        "symbol": option.occ(),
        "instrument-type": "Equity Option",
        "active": true,
        "strike-price": decimal(option.strike()),
        "root-symbol": option.root,
        "underlying-symbol": chain.underlying,
        "expiration-date": option.expiration,
        "exercise-style": chain.style,
        "shares-per-contract": 100,
        "option-type": option.side.letter(),
        "option-chain-type": "Standard",
        "expiration-type": expiration.kind.label(),
        "settlement-type": chain.settlement,
        "stops-trading-at": stops_at,
        "expires-at": stops_at,
        "market-time-instrument-collection": "Equity Option",
        "days-to-expiration": expiration::days_left(venue.today(), option.expiration),
        "is-closing-only": false,
        "streamer-symbol": option.streamer(),
        "listed-market": null,
        "halted-at": null,
        "old-security-number": null,
    })
}

/// The three shapes of an option chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ChainShape {
    /// One item per option.
    Flat,
    /// Expirations, each with its strikes.
    Nested,
    /// Symbols alone, in two lists for each kind of expiration.
    Compact,
}

/// `GET /option-chains/{underlying}` and its variants `nested` and `compact`; 404 for an instrument without options.
pub(super) fn option_chain(venue: &Venue, underlying: &str, shape: ChainShape) -> Result<Reply, Refusal> {
    let found = chain::chains(&venue.exchange, underlying, venue.now());
    let (instrument, chains) = found.ok_or_else(|| Refusal::not_found("instrument"))?;
    if chains.is_empty() {
        return Err(Refusal::not_found("option chain"));
    }
    let flat = |chain| chain::options(chain).map(move |(option, at)| option_value(venue, chain, &option, at));
    let items = match shape {
        ChainShape::Flat => chains.iter().flat_map(flat).collect(),
        ChainShape::Nested => chains.iter().map(|chain| nested(venue, instrument, chain)).collect(),
        ChainShape::Compact => chains.iter().flat_map(|chain| compact(instrument, chain)).collect(),
    };
    Ok(Reply::List(items, None))
}

fn deliverables(instrument: &Instrument, chain: &Chain) -> Value {
    json!([{
        "id": instrument.place + 1, "root-symbol": chain.root, "deliverable-type": "Shares",
        "description": format!("100 shares of {}", chain.underlying), "amount": "100.0",
        "symbol": chain.underlying, "instrument-type": "Equity", "percent": "100",
    }])
}

fn nested(venue: &Venue, instrument: &Instrument, chain: &Chain) -> Value {
    let strike = |date, strike: &f64| {
        let call = OptionSymbol::new(&chain.root, date, Side::Call, *strike)?;
        let put = OptionSymbol::new(&chain.root, date, Side::Put, *strike)?;
        Some(json!({
            "strike-price": decimal(*strike), "call": call.occ(), "call-streamer-symbol": call.streamer(),
            "put": put.occ(), "put-streamer-symbol": put.streamer(),
        }))
    };
    let expirations = chain.expirations.iter().map(|expiration| {
        let strikes: Vec<Value> =
            expiration.strikes.iter().filter_map(|price| strike(expiration.date, price)).collect();
        json!({
            "expiration-type": expiration.kind.label(), "expiration-date": expiration.date,
            "days-to-expiration": expiration::days_left(venue.today(), expiration.date),
            "settlement-type": chain.settlement, "strikes": strikes,
        })
    });
    json!({
        "underlying-symbol": chain.underlying, "root-symbol": chain.root, "option-chain-type": "Standard",
        "shares-per-contract": 100, "tick-sizes": option_tick_sizes(),
        "deliverables": deliverables(instrument, chain), "expirations": expirations.collect::<Vec<_>>(),
    })
}

/// One item per kind of expiration.
fn compact(instrument: &Instrument, chain: &Chain) -> Vec<Value> {
    let mut kinds: Vec<_> = chain.expirations.iter().map(|expiration| expiration.kind).collect();
    kinds.sort();
    kinds.dedup();
    let item = |kind| {
        let options = chain::options(chain).filter(|(_, expiration)| expiration.kind == kind);
        let (symbols, streamer_symbols): (Vec<_>, Vec<_>) =
            options.map(|(option, _)| (option.occ(), option.streamer())).unzip();
        json!({
            "underlying-symbol": chain.underlying, "root-symbol": chain.root, "option-chain-type": "Standard",
            "settlement-type": chain.settlement, "shares-per-contract": 100, "expiration-type": kind.label(),
            "deliverables": deliverables(instrument, chain), "symbols": symbols, "streamer-symbols": streamer_symbols,
        })
    };
    kinds.into_iter().map(item).collect()
}

/// `/symbols/search/{text}`: symbols that begin with the text.
pub(super) fn search(venue: &Venue, text: &str) -> Reply {
    let text = text.to_uppercase();
    let found = venue.exchange.universe.all().iter().filter(|instrument| instrument.symbol.starts_with(&text));
    let item = |instrument: &Instrument| {
        json!({
            "symbol": &*instrument.symbol, "description": instrument.name, "listed-market": instrument.market,
            "options": instrument.optionable, "instrument-type": "Equity",
        })
    };
    Reply::List(found.take(50).map(item).collect(), None)
}
