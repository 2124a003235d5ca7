//! Stooq: daily bars of US equities and ETFs as CSV over HTTP, one request per symbol.
//!
//! One answer holds the whole history asked for, so every fetch asks for all of it: what the vendor has restated since
//! is seen. Requests go out one after the other, because the vendor counts them by the day and says so in a page that is
//! no error status; from then on nothing more is asked for in that fetch.

mod parse;

use super::bars::eod_batch;
use super::outcome::{Outcome, Parsed};
use crate::clock::Clock;
use crate::collect::asking;
use crate::collect::client::{Auth, BudgetStatus, Client, ClientError, EndpointStatus, Get, Tap};
use crate::collect::collector::Collector;
use crate::collect::fetch::{Fetch, FetchError, Fetched, Request};
use crate::collect::items::Items;
use crate::collect::source::{Definition, Source};
use crate::collect::universe;
use crate::config::{Config, SourceConfig};
use crate::lake::dataset;
use crate::market::bar::Bar;
use crate::market::calendar;
use async_trait::async_trait;
use chrono::{Days, NaiveDate};
use parse::{Answer, ENDPOINT};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// The line of the list of sources.
pub const DEFINITION: Definition = Definition { name: "stooq", open };

/// What stands in the column `source` of these bars.
const BAR_SOURCE: &str = "stooq";

struct Stooq {
    client: Client,
    enabled: bool,
}

fn open(config: &SourceConfig, clock: Clock, tap: Tap) -> Result<Arc<dyn Source>, ClientError> {
    let auth = Auth::Query { name: "apikey", key: config.api_key.clone() };
    Ok(Arc::new(Stooq { client: Client::new(config, auth, clock, tap)?, enabled: config.enabled }))
}

impl Source for Stooq {
    fn ready(&self) -> Result<(), String> {
        if self.enabled { Ok(()) } else { Err("set TT__SOURCE__STOOQ__ENABLED=true".to_owned()) }
    }

    fn datasets(&self) -> &'static [&'static str] {
        &[dataset::EOD]
    }

    fn collector(&self, dataset: &str, config: &Config) -> Option<Collector> {
        let what = &config.collect;
        let universe = universe::symbols(&config.lists, &what.lists, &what.symbols);
        let eod = Eod { client: self.client.clone(), look_back: Days::new(u64::from(what.look_back_days)) };
        (dataset == dataset::EOD)
            .then(|| Collector::new(eod, asking::items(universe.clone())).by_item(Items::new(&universe, 1)))
    }

    fn feed_class(&self) -> &'static str {
        "end-of-day"
    }

    fn budget(&self) -> Option<BudgetStatus> {
        self.client.budget()
    }

    fn endpoints(&self) -> Vec<EndpointStatus> {
        self.client.endpoints()
    }
}

/// Source of the dataset `eod`.
struct Eod {
    client: Client,
    look_back: Days,
}

/// The first and the last date asked for.
#[derive(Clone, Copy)]
struct Span(NaiveDate, NaiveDate);

/// What became of one symbol.
enum Outcoming {
    Told(Result<Parsed<Bar>, ClientError>),
    /// The vendor answers nothing more today.
    LimitReached(ClientError),
}

async fn fetch_symbol(client: &Client, symbol: &str, Span(from, to): Span) -> Outcoming {
    let failed = |reason: String| ClientError::Unreadable {
        origin: client.origin().to_owned(),
        path: ENDPOINT.to_owned(),
        reason,
    };
    let Some(spelled) = parse::spelled(symbol) else {
        return Outcoming::Told(Err(failed(format!("not asked: \"{symbol}\" is no equity"))));
    };
    let get = Get::new(ENDPOINT)
        .with("s", spelled.as_str())
        .with("i", "d")
        .with("d1", from.format("%Y%m%d").to_string())
        .with("d2", to.format("%Y%m%d").to_string());
    let get = Get { accept: "text/csv", ..get };
    match client.get_as(&get, &|body: &[u8]| parse::answer(body, symbol)).await {
        Ok(Answer::Bars(mut parsed)) => {
            parsed.rows.retain(|bar| (from..=to).contains(&bar.date));
            Outcoming::Told(Ok(parsed))
        }
        Ok(Answer::NoData) => Outcoming::Told(Err(failed(format!("it has no data for {spelled}")))),
        Ok(Answer::LimitReached) => {
            Outcoming::LimitReached(failed("the daily limit of requests is reached".to_owned()))
        }
        Err(error) => Outcoming::Told(Err(error)),
    }
}

#[async_trait]
impl Fetch for Eod {
    /// One request after the other, of sessions that are over. A symbol the vendor does not know is a failed item.
    async fn fetch(&self, request: &Request) -> Result<Fetched, FetchError> {
        let client = self.client.for_purpose(&request.purpose);
        let now = client.clock().now();
        let to = calendar::last_closed(now).date;
        let span = Span(to.checked_sub_days(self.look_back).unwrap_or(to), to);
        request.progress.total.fetch_add(request.items.len() as u64, Ordering::Relaxed);
        let mut outcome = Outcome::default();
        let mut limit: Option<ClientError> = None;
        for symbol in &request.items {
            let begin = request.begin.get(symbol).map_or(span.0, |begin| span.0.min(*begin));
            let told = match &limit {
                Some(error) => Err(error.clone()),
                None => match fetch_symbol(&client, symbol, Span(begin, to)).await {
                    Outcoming::Told(told) => told,
                    Outcoming::LimitReached(error) => {
                        limit = Some(error.clone());
                        Err(error)
                    }
                },
            };
            outcome.add(symbol, told, &request.progress);
        }
        let fetched_at = client.clock().now();
        outcome.finish(&client, &request.findings, request.items.len() as u64, |bars| {
            eod_batch(&bars, BAR_SOURCE, fetched_at)
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::collect::client::scripted::{Scripted, response};
    use crate::secret::Secret;
    use arrow::array::AsArray;
    use arrow::datatypes::{Float64Type, Int64Type};

    async fn fetch(server: &Scripted, items: &[&str]) -> Result<Fetched, FetchError> {
        let clock = Clock::hand_set("2026-06-10T22:00:00Z".parse().unwrap());
        let client = server.client_with(Auth::Query { name: "apikey", key: Secret::new("key-hush") }, clock);
        let eod = Eod { client, look_back: Days::new(10) };
        let items = items.iter().map(|item| (*item).to_owned()).collect();
        eod.fetch(&Request { items, ..Request::default() }).await
    }

    fn csv(body: &str) -> String {
        response(200, "Content-Type: text/csv\r\n", body)
    }

    #[tokio::test]
    async fn bars_of_sessions_that_are_over_are_rows() {
        let body = "Date,Open,High,Low,Close,Volume\r\n2026-05-01,9,9,9,9,9\r\n2026-06-09,1,2.5,0.5,2,1000.4\r\n\
            2026-06-10,2,3,2,N/D,\r\n2026-06-11,9,9,9,9,9\r\n";
        let server = Scripted::start(move |_, _| csv(body)).await;
        let fetched = fetch(&server, &["BRK/B"]).await.unwrap();
        assert_eq!((fetched.batches.len(), fetched.failed.len(), fetched.origin_calls), (1, 0, 1));
        let rows = &fetched.batches[0];
        assert_eq!(rows.num_rows(), 2);
        assert_eq!(rows.column(5).as_primitive::<Float64Type>().iter().collect::<Vec<_>>(), [Some(2.0), None]);
        assert_eq!(rows.column(6).as_primitive::<Int64Type>().iter().collect::<Vec<_>>(), [Some(1000), None]);
        assert_eq!(rows.column(8).as_string::<i32>().value(0), "stooq");
        let asked = server.requests("/q/d/l/");
        assert_eq!(asked, ["GET /q/d/l/?s=brk-b.us&i=d&d1=20260531&d2=20260610&apikey=key-hush HTTP/1.1"]);
    }

    #[tokio::test]
    async fn what_is_no_table_is_a_failure_by_name() {
        let server = Scripted::start(|head, _| match head {
            head if head.contains("s=aapl.us") => csv("Date,Open,High,Low,Close,Volume\r\n2026-06-09,1,2,1,2,5\r\n"),
            head if head.contains("s=html.us") => csv("<html><body>captcha</body></html>"),
            head if head.contains("s=none.us") => csv("No data"),
            head if head.contains("s=key.us") => csv("Get your apikey: key-hush"),
            _ => csv("Exceeded the daily hits limit"),
        })
        .await;
        let items = ["AAPL", "NONE", "HTML", "KEY", "SPY   260116C00500000", "LIMIT", "LATER"];
        let fetched = fetch(&server, &items).await.unwrap();
        let failed: Vec<String> =
            fetched.failed.iter().map(|failed| format!("{}: {}", failed.item, failed.reason)).collect();
        let failed = failed.join("\n");
        for part in [
            "NONE: 127.0.0.1",
            "it has no data for none.us",
            "an HTML page",
            "it begins with \"Get your apikey: ***\"",
            "\"SPY   260116C00500000\" is no equity",
            "the daily limit of requests is reached",
        ] {
            assert!(failed.contains(part), "{part:?} in {failed}");
        }
        assert!(!failed.contains("hush"));
        assert_eq!((fetched.failed.len(), fetched.batches[0].num_rows()), (6, 1));
        // After the limit nothing is asked for.
        assert!(server.requests("/q/d/l/?s=later").is_empty());
        let nothing = fetch(&server, &["NONE"]).await.unwrap_err();
        assert!(nothing.to_string().contains("no data for none.us"), "{nothing}");
    }
}
