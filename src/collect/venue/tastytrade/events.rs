//! Past dividends and earnings reports, one request per symbol.

use super::batch;
use super::parse::{self, DIVIDENDS, EARNINGS, EventKind, SOURCE};
use crate::collect::client::{Client, ClientError, Get};
use crate::collect::venue::outcome::{Parsed, each};
use crate::collect::venue::problem::Problems;
use crate::collect::{Fetch, FetchError, Fetched, Request};
use crate::market::calendar;
use async_trait::async_trait;
use chrono::Months;

/// How far back reports are asked for.
const EARNINGS_LOOK_BACK: Months = Months::new(60);

/// Source of the dataset `dividends`.
#[derive(Debug, Clone)]
pub struct Dividends {
    /// The HTTP client of the source, with its budget and breakers.
    pub client: Client,
}

/// Source of the dataset `earnings`: the last five years.
#[derive(Debug, Clone)]
pub struct Earnings {
    /// The HTTP client of the source, with its budget and breakers.
    pub client: Client,
}

async fn fetch(client: &Client, request: &Request, kind: EventKind) -> Result<Fetched, FetchError> {
    let client = client.for_purpose(&request.purpose);
    let today = calendar::eastern_date(client.clock().now());
    let since = today.checked_sub_months(EARNINGS_LOOK_BACK).unwrap_or(today);
    let outcome = each(&request.items, &request.progress, |symbol| {
        let client = client.clone();
        async move {
            let get = match kind {
                EventKind::Dividend => Get::of(DIVIDENDS, &symbol),
                EventKind::Earnings => {
                    Get::of(EARNINGS, &symbol).with("start-date", since.to_string()).with("end-date", today.to_string())
                }
            };
            match client.get(&get).await {
                Ok(answer) => parse::events(answer, &symbol, kind).map_err(|reason| ClientError::Unreadable {
                    origin: client.origin().to_owned(),
                    path: get.path,
                    reason,
                }),
                Err(ClientError::Status { status: 404, .. }) => {
                    Ok(Parsed { rows: Vec::new(), problems: Problems::of(SOURCE, get.endpoint) })
                }
                Err(error) => Err(error),
            }
        }
    })
    .await;
    let fetched_at = client.clock().now();
    outcome
        .finish(&client, &request.findings, request.items.len() as u64, |rows| batch::events(&rows, kind, fetched_at))
}

#[async_trait]
impl Fetch for Dividends {
    /// One task per symbol. A symbol without events has no rows; one that had some fails.
    async fn fetch(&self, request: &Request) -> Result<Fetched, FetchError> {
        fetch(&self.client, request, EventKind::Dividend).await
    }
}

#[async_trait]
impl Fetch for Earnings {
    /// One task per symbol. A symbol without events has no rows; one that had some fails.
    async fn fetch(&self, request: &Request) -> Result<Fetched, FetchError> {
        fetch(&self.client, request, EventKind::Earnings).await
    }
}
