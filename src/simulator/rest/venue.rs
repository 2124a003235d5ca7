//! What every REST route sees: the market, tokens, faults and the requests so far.

use super::reply::Refusal;
use super::token::Tokens;
use crate::market;
use crate::simulator::exchange::Exchange;
use crate::simulator::fault::FaultSwitch;
use crate::simulator::universe::Instrument;
use chrono::{DateTime, NaiveDate, Utc};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

/// Most paths that are counted apart; further ones are counted under `other`.
const COUNTED_PATHS_MAX: usize = 200_000;
/// What every route sees.
#[derive(Debug)]
pub(crate) struct Venue {
    pub(crate) exchange: Arc<Exchange>,
    pub(crate) tokens: Arc<Tokens>,
    pub(crate) faults: FaultSwitch,
    pub(crate) dxlink: SocketAddr,
    /// Whether instants end in `Z` rather than `+00:00`.
    pub(super) zulu: bool,
    /// Requests by decoded path. Held for one increment, never across an await.
    calls: Mutex<BTreeMap<String, u64>>,
}

impl Venue {
    pub(crate) fn new(exchange: Arc<Exchange>, tokens: Arc<Tokens>, faults: FaultSwitch, dxlink: SocketAddr) -> Self {
        let zulu = exchange.seed.is_multiple_of(2);
        Self { exchange, tokens, faults, dxlink, zulu, calls: Mutex::default() }
    }

    /// Requests so far, by decoded path.
    pub(crate) fn calls(&self) -> BTreeMap<String, u64> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn count(&self, path: &str) {
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        let key = if calls.len() < COUNTED_PATHS_MAX || calls.contains_key(path) { path } else { "other" };
        *calls.entry(key.to_owned()).or_default() += 1;
    }

    pub(super) fn now(&self) -> DateTime<Utc> {
        self.exchange.clock.now()
    }

    /// Today's date in the exchange's zone.
    pub(super) fn today(&self) -> NaiveDate {
        market::calendar::eastern_date(self.now())
    }

    pub(super) fn instrument(&self, symbol: &str) -> Result<&Instrument, Refusal> {
        self.exchange.universe.find(symbol).ok_or_else(|| Refusal::not_found("instrument"))
    }
}
