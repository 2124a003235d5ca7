//! The simulated venue: the vendor's REST, OAuth2 and dxLink wire formats over a market that is drawn from a seed.
//!
//! It serves the demo and the tests, with faults on demand; collectors cannot tell it from the real one. Everything
//! is a function of seed, symbol and time: the same seed has the same history whenever it is started. Nothing here
//! touches the lake or SQL, and nothing else imports it.

mod chain;
mod dxlink;
mod event;
mod exchange;
pub mod fault;
mod further;
mod hub;
mod index;
mod metrics;
mod noise;
mod price;
pub mod replay;
mod rest;
mod universe;
mod value;

use crate::clock::Clock;
use dxlink::Feed;
use exchange::Exchange;
pub use fault::{FaultSwitch, Faults};
use hub::Hub;
use rest::Venue;
use rest::token::Tokens;
pub use rest::token::{CLIENT_SECRET, REFRESH_TOKEN};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// How a venue is made.
#[derive(Debug, Clone)]
pub struct Options {
    /// Seed of every price.
    pub seed: u64,
    /// Stocks and funds in all: members of the built-in lists first, synthetic ones on top; 0 is the lists alone.
    pub symbols: usize,
    /// Quote events per second over all subscribed symbols; trades are a fifth of that.
    pub rate: f64,
    /// The time the venue lives in: sessions, token expiry, keepalive.
    pub clock: Clock,
    /// Whether a client gets the latest event of a symbol in each period of its channel, as from the vendor, rather than each.
    pub conflate: bool,
    /// Faults from the start.
    pub faults: Faults,
}

impl Default for Options {
    fn default() -> Self {
        Self { seed: 1, symbols: 0, rate: 500.0, clock: Clock::System, conflate: true, faults: Faults::default() }
    }
}

/// What a venue has served so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counters {
    /// REST requests by decoded path without query (`/instruments/equities/BRK/B`).
    pub rest: BTreeMap<String, u64>,
    /// WebSocket connections that the feed has accepted since the start.
    pub connections: u64,
    /// Pairs of event type and symbol that are subscribed now, over all connections.
    pub subscriptions: u64,
    /// Messages by which clients changed their subscriptions, since the start.
    pub subscribings: u64,
    /// Candle snapshots asked for.
    pub snapshots: u64,
    /// Quote events the hub has made since the start.
    pub quotes: u64,
}

impl Counters {
    /// REST requests whose path begins with `prefix`.
    pub fn rest_calls(&self, prefix: &str) -> u64 {
        self.rest.iter().filter(|(path, _)| path.starts_with(prefix)).map(|(_, calls)| calls).sum()
    }
}

/// A running venue. Its tasks end with the shutdown token it was started with; dropping this handle does not end them.
#[derive(Debug)]
pub struct Simulator {
    venue: Arc<Venue>,
    feed: Arc<Feed>,
    rest: SocketAddr,
    dxlink: SocketAddr,
}

impl Simulator {
    /// Starts serving on two listeners until `shutdown`.
    ///
    /// # Errors
    /// When a listener has no local address.
    pub async fn start(
        options: Options,
        rest: TcpListener,
        dxlink: TcpListener,
        shutdown: CancellationToken,
    ) -> std::io::Result<Simulator> {
        let (rest_addr, dxlink_addr) = (rest.local_addr()?, dxlink.local_addr()?);
        let exchange = Arc::new(Exchange::new(options.seed, options.symbols, options.clock));
        let tokens = Arc::new(Tokens::new(options.seed));
        let faults = FaultSwitch::new(options.faults);
        let hub = Arc::new(Hub::new());
        let venue = Arc::new(Venue::new(exchange.clone(), tokens.clone(), faults.clone(), dxlink_addr));
        let feed = Arc::new(Feed::new(exchange.clone(), hub.clone(), tokens, faults, options.conflate));
        tokio::spawn(rest::serve(venue.clone(), rest, shutdown.clone()));
        tokio::spawn(dxlink::serve(feed.clone(), dxlink, shutdown.clone()));
        tokio::spawn(hub.run(exchange, options.rate, shutdown));
        Ok(Self { venue, feed, rest: rest_addr, dxlink: dxlink_addr })
    }

    /// Where REST is served.
    pub fn rest_addr(&self) -> SocketAddr {
        self.rest
    }

    /// Where the feed is served, at `ws://ADDR/realtime`.
    pub fn dxlink_addr(&self) -> SocketAddr {
        self.dxlink
    }

    /// What has been served so far.
    pub fn counters(&self) -> Counters {
        Counters {
            rest: self.venue.calls(),
            connections: self.feed.connections.load(Ordering::Relaxed),
            subscriptions: self.feed.subscriptions.load(Ordering::Relaxed),
            subscribings: self.feed.subscribings.load(Ordering::Relaxed),
            snapshots: self.feed.snapshots.load(Ordering::Relaxed),
            quotes: self.feed.hub.quotes(),
        }
    }

    /// The switch that makes it misbehave.
    pub fn faults(&self) -> &FaultSwitch {
        &self.venue.faults
    }
}

#[cfg(test)]
mod tests;
