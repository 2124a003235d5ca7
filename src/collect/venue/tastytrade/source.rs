//! tastytrade as a source: its credentials, which dataset is fetched how, and the dxLink feed that it opens.

use super::parse::SOURCE;
use super::{Calendar, Dividends, Earnings, OptionChains, Snapshots, Symbols, snapshots};
use crate::clock::Clock;
use crate::collect::asking;
use crate::collect::client::{Auth, BudgetStatus, Client, ClientError, EndpointStatus, Tap};
use crate::collect::collector::Collector;
use crate::collect::items::Items;
use crate::collect::source::{Definition, LiveFeed, Source};
use crate::collect::universe;
use crate::collect::venue::dxlink::{self, Feed, FeedLimits, FeedOptions, FeedStatus, FeedSymbols, QuoteTokens};
use crate::config::{Config, SourceConfig};
use crate::lake::dataset;
use crate::live::Live;
use futures::future::BoxFuture;
use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};
use std::time::Duration;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// The line of the list of sources.
pub const DEFINITION: Definition = Definition { name: SOURCE, open };

struct Tastytrade {
    client: Client,
    has_credentials: bool,
    feed_class: &'static str,
}

fn open(config: &SourceConfig, clock: Clock, tap: Tap) -> Result<Arc<dyn Source>, ClientError> {
    let auth = Auth::OAuth2 {
        token_path: "/oauth/token",
        client_secret: config.client_secret.clone(),
        refresh_token: config.refresh_token.clone(),
    };
    let client = Client::new(config, auth, clock, tap)?;
    let has_credentials = config.enabled && !config.client_secret.is_empty();
    Ok(Arc::new(Tastytrade { client, has_credentials, feed_class: feed_class(&config.base_url) }))
}

/// The class of market data that an address gives.
fn feed_class(base_url: &str) -> &'static str {
    match base_url {
        url if url.contains("//127.0.0.1") || url.contains("//localhost") => "simulated",
        url if url.contains(".cert.") => "delayed",
        _ => "real-time",
    }
}

impl Source for Tastytrade {
    fn ready(&self) -> Result<(), String> {
        if self.has_credentials {
            return Ok(());
        }
        Err("set TT__SOURCE__TASTYTRADE__CLIENT_SECRET and TT__SOURCE__TASTYTRADE__REFRESH_TOKEN".to_owned())
    }

    fn datasets(&self) -> &'static [&'static str] {
        /// Those with a fetch of their own, and one for each route of the snapshots; sorted.
        static ALL: LazyLock<Vec<&str>> = LazyLock::new(|| {
            let own = ["calendar", "dividends", "earnings", dataset::EOD, "option_chains", "symbols"];
            let mut all: Vec<&str> =
                own.into_iter().chain(snapshots::ROUTES.iter().map(|route| route.dataset)).collect();
            all.sort_unstable();
            all
        });
        &ALL
    }

    fn collector(&self, dataset: &str, config: &Config) -> Option<Collector> {
        let client = self.client.with_own_count();
        let what = &config.collect;
        let universe = universe::symbols(&config.lists, &what.lists, &what.symbols);
        let chains = what.option_underlyings.clone();
        // The vendor's figures and corporate events are of shares, funds and indices.
        let is_listed = |symbol: &&String| !universe::is_future(symbol) && !universe::is_pair(symbol);
        let listed: Vec<String> = universe.iter().filter(is_listed).cloned().collect();
        // What a refresh of some items alone is worth depends on how many one request asks for.
        Some(match dataset {
            "calendar" => Collector::new(Calendar { client }, asking::items(Vec::new())),
            "dividends" => {
                Collector::new(Dividends { client }, asking::items(listed.clone())).by_item(Items::new(&listed, 1))
            }
            "earnings" => {
                Collector::new(Earnings { client }, asking::items(listed.clone())).by_item(Items::new(&listed, 1))
            }
            dataset::EOD => {
                let look_back = Duration::from_secs(u64::from(what.look_back_days) * 86_400);
                let options = dxlink::EodOptions { look_back, ..dxlink::EodOptions::default() };
                let clock = client.clock().clone();
                let eod = dxlink::Eod::new(QuoteTokens::new(client), options);
                let asked = asking::bars(universe.clone(), dxlink::BAR_SOURCE, what.look_back_days, clock);
                Collector::new(eod, asked).by_item(Items::new(&universe, 1)).reaching(what.look_back_days)
            }
            "option_chains" => {
                Collector::new(OptionChains { client }, asking::items(chains.clone())).by_item(Items::new(&chains, 1))
            }
            "symbols" => {
                let own_lists = config.lists.own(&what.lists).collect();
                let followed = universe::symbols(&config.lists, &what.live_lists, &what.symbols);
                let collected = universe.iter().chain(&followed).chain(&chains).cloned().collect::<BTreeSet<_>>();
                let symbols = Symbols::new(client, what.lists.clone(), own_lists);
                let symbols = symbols.collecting(collected.into_iter().collect());
                Collector::new(symbols, asking::held_symbols())
            }
            other => {
                let route = snapshots::route(other)?;
                Collector::new(Snapshots { client, route }, asking::items(listed.clone()))
                    .by_item(Items::new(&listed, snapshots::BATCH_SYMBOLS))
            }
        })
    }

    fn feed_class(&self) -> &'static str {
        self.feed_class
    }

    fn feed(&self, limits: FeedLimits) -> Option<Box<dyn LiveFeed>> {
        let tokens = QuoteTokens::new(self.client.with_own_count());
        Some(Box::new(Feed::new(tokens, FeedOptions { limits, ..FeedOptions::default() })))
    }

    fn ask_again(&self) -> BoxFuture<'static, ()> {
        let client = self.client.clone();
        Box::pin(async move { client.ask_again().await })
    }

    fn budget(&self) -> Option<BudgetStatus> {
        self.client.budget()
    }

    fn endpoints(&self) -> Vec<EndpointStatus> {
        self.client.endpoints()
    }
}

impl LiveFeed for Feed {
    fn status(&self) -> Arc<FeedStatus> {
        Self::status(self)
    }

    fn run(
        self: Box<Self>,
        live: Arc<Live>,
        symbols: watch::Receiver<FeedSymbols>,
        shutdown: CancellationToken,
    ) -> BoxFuture<'static, ()> {
        Box::pin(Self::run(*self, live, symbols, shutdown))
    }
}
