//! The collectors of a configuration: one source per dataset, and what each is asked for.

use super::client::{BreakerOptions, Client, ClientError, ClientOptions};
use super::derive::expirations::Expirations;
use super::derive::returns_stddev::ReturnsStddev;
use super::scheduler::{Collector, Items, RequestBuilder};
use super::venue::{dxlink, tastytrade};
use super::{Fetch, Request, universe};
use crate::clock::Clock;
use crate::config::Config;
use crate::lake::{Lake, dataset};
use chrono::Days;
use futures::FutureExt;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

/// The vendor's client, as configured.
pub fn client(config: &Config, clock: Clock) -> Result<Client, ClientError> {
    let vendor = &config.tastytrade;
    let options = ClientOptions {
        base_url: vendor.base_url.clone(),
        client_secret: vendor.client_secret.clone(),
        refresh_token: vendor.refresh_token.clone(),
        requests_per_second: vendor.requests_per_second,
        burst: vendor.burst,
        in_flight: vendor.in_flight,
        attempts: vendor.attempts,
        timeout: vendor.timeout,
        breaker: BreakerOptions {
            failures: vendor.breaker_failures,
            open_for: vendor.breaker_open,
            successes: vendor.breaker_successes,
        },
    };
    Client::new(options, clock)
}

/// Every dataset the vendor is a source of.
pub fn collectors(config: &Config, client: &Client, lake: &Arc<Lake>) -> BTreeMap<&'static str, Collector> {
    let own = || client.with_own_count();
    let universe = universe::symbols(&config.lists, &config.collect.lists, &config.collect.symbols);
    let own_lists = config.lists.own(&config.collect.lists).collect();
    let look_back = Duration::from_secs(u64::from(config.collect.look_back_days) * 86_400);
    let options = dxlink::EodOptions { look_back, ..dxlink::EodOptions::default() };
    let eod = dxlink::Eod::new(dxlink::QuoteTokens::new(own()), options);
    let (lake, clock) = (lake.clone(), client.clock().clone());
    let expirations = Expirations { lake: lake.clone(), clock: clock.clone() };
    let look_back = Days::new(u64::from(config.collect.returns_look_back_days));
    let returns_stddev = ReturnsStddev { lake, clock, look_back };
    let chains = config.collect.option_underlyings.clone();
    // What a refresh of some items alone is worth depends on how many one request asks for.
    let items_of = |name: &str| match name {
        name if tastytrade::snapshots::route(name).is_some() => {
            Some(Items::new(&universe, tastytrade::snapshots::BATCH_SYMBOLS))
        }
        "dividends" | "earnings" | "eod" => Some(Items::new(&universe, 1)),
        "option_chains" => Some(Items::new(&chains, 1)),
        _ => None,
    };
    let by_item: BTreeMap<&str, Items> =
        dataset::all().iter().filter_map(|dataset| Some((dataset.name, items_of(dataset.name)?))).collect();
    let snapshots = tastytrade::snapshots::ROUTES.iter().map(|route| {
        let source: Arc<dyn Fetch> = Arc::new(tastytrade::Snapshots { client: own(), route });
        (route.dataset, source, items(universe.clone()))
    });
    let sources: Vec<(&'static str, Arc<dyn Fetch>, RequestBuilder)> = vec![
        ("calendar", Arc::new(tastytrade::Calendar { client: own() }), items(Vec::new())),
        ("dividends", Arc::new(tastytrade::Dividends { client: own() }), items(universe.clone())),
        ("earnings", Arc::new(tastytrade::Earnings { client: own() }), items(universe.clone())),
        ("eod", Arc::new(eod), bars(universe.clone())),
        ("expirations", Arc::new(expirations), items(Vec::new())),
        ("option_chains", Arc::new(tastytrade::OptionChains { client: own() }), items(chains)),
        ("returns_stddev", Arc::new(returns_stddev), items(Vec::new())),
        ("symbols", Arc::new(tastytrade::Symbols::new(own(), config.collect.lists.clone(), own_lists)), held_symbols()),
    ];
    let collector = |(name, source, request): (&'static str, Arc<dyn Fetch>, RequestBuilder)| {
        let dataset = config.datasets.get(name);
        let csv = dataset.is_some_and(|dataset| dataset.csv);
        let history = dataset::find(name).and_then(|dataset| dataset.history);
        let items = by_item.get(name).cloned();
        (name, Collector { source, request, items, csv, history })
    };
    sources.into_iter().chain(snapshots).map(collector).collect()
}

/// Asks for the same items each time.
fn items(items: Vec<String>) -> RequestBuilder {
    Arc::new(move |_, _, progress| {
        let request = Request { items: items.clone(), progress, ..Request::default() };
        async move { Ok(request) }.boxed()
    })
}

/// Names the symbols that are held, so that those on a page that fails keep their rows.
fn held_symbols() -> RequestBuilder {
    Arc::new(move |lake, _, progress| {
        async move {
            let held = match lake.table("symbols") {
                Some(symbols) => universe::streamer_symbols(symbols).await.map_err(|error| error.to_string())?,
                None => HashMap::new(),
            };
            Ok(Request { items: held.into_keys().collect(), progress, ..Request::default() })
        }
        .boxed()
    })
}

/// Asks for the bars since those that are held.
fn bars(items: Vec<String>) -> RequestBuilder {
    Arc::new(move |lake, scope, progress| {
        let items = items.clone();
        async move {
            let mut request = Request { items, progress, ..Request::default() };
            if let Some(symbols) = lake.table("symbols") {
                request.streamer_symbols =
                    universe::streamer_symbols(symbols).await.map_err(|error| error.to_string())?;
            }
            if let Some(eod) = lake.table("eod") {
                request.held_until =
                    universe::held_until(eod, &scope, "dxlink").await.map_err(|error| error.to_string())?;
            }
            Ok(request)
        }
        .boxed()
    })
}
