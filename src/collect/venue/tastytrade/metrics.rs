//! Market metrics, a hundred symbols a request.

use super::batch;
use super::parse::{self, MetricsRow};
use crate::collect::client::{Client, ClientError, Get};
use crate::collect::venue::outcome::{Outcome, Parsed};
use crate::collect::{Fetch, FetchError, Fetched, Progress, Request};
use async_trait::async_trait;
use futures::future::BoxFuture;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::task::JoinSet;

const ENDPOINT: &str = "/market-metrics";
/// Symbols per request.
pub(crate) const BATCH_SYMBOLS: usize = 100;
/// Batches that are cut in halves in one fetch; an origin that fails more often than that fails for other reasons.
const CUTS_MAX: usize = 128;

/// Source of the dataset `market_metrics`.
#[derive(Debug, Clone)]
pub struct MarketMetrics {
    /// Where from.
    pub client: Client,
}

type Results = Vec<(Vec<String>, Result<Parsed<MetricsRow>, ClientError>)>;

/// Fetches a batch; one that fails is cut in halves, down to single symbols, so that a bad symbol costs only itself.
/// The halves are the further attempts: only a whole batch and a single symbol are tried more than once.
fn fetch_batch(
    client: Client,
    symbols: Vec<String>,
    part: bool,
    cuts: Arc<AtomicUsize>,
) -> BoxFuture<'static, Results> {
    Box::pin(async move {
        let attempts = (part && symbols.len() > 1).then_some(1);
        let get = Get { attempts, blames_symbols: part, ..Get::new(ENDPOINT).with("symbols", symbols.join(",")) };
        let result = client.get(&get).await.and_then(|answer| {
            parse::metrics(answer, &symbols).map_err(|reason| ClientError::Unreadable {
                origin: client.origin().to_owned(),
                path: ENDPOINT.to_owned(),
                reason,
            })
        });
        match result {
            Err(error)
                if symbols.len() > 1 && !error.origin_wide() && cuts.fetch_add(1, Ordering::Relaxed) < CUTS_MAX =>
            {
                let (left, right) = symbols.split_at(symbols.len() / 2);
                let halves = futures::future::join(
                    fetch_batch(client.clone(), left.to_vec(), true, cuts.clone()),
                    fetch_batch(client, right.to_vec(), true, cuts),
                );
                let (mut left, right) = halves.await;
                left.extend(right);
                left
            }
            result => vec![(symbols, result)],
        }
    })
}

fn add(outcome: &mut Outcome<MetricsRow>, results: Results, progress: &Progress) {
    for (symbols, result) in results {
        let count = symbols.len() as u64;
        match result {
            Ok(Parsed { rows, problems }) => {
                let failed = problems.into_failed();
                progress.done.fetch_add(count, Ordering::Relaxed);
                progress.failed.fetch_add(failed.len() as u64, Ordering::Relaxed);
                progress.rows.fetch_add(rows.len() as u64, Ordering::Relaxed);
                outcome.answered += count;
                outcome.rows.extend(rows);
                outcome.failed.extend(failed);
            }
            Err(error) => {
                for symbol in symbols {
                    progress.finish(0, true);
                    outcome.fail(&symbol, error.clone());
                }
            }
        }
    }
}

#[async_trait]
impl Fetch for MarketMetrics {
    /// One task per batch. A symbol the vendor leaves out has no row and is no failure.
    async fn fetch(&self, request: &Request) -> Result<Fetched, FetchError> {
        let client = self.client.with_own_count();
        request.progress.total.fetch_add(request.items.len() as u64, Ordering::Relaxed);
        let mut tasks = JoinSet::new();
        let cuts = Arc::new(AtomicUsize::new(0));
        for batch in request.items.chunks(BATCH_SYMBOLS) {
            tasks.spawn(fetch_batch(client.clone(), batch.to_vec(), false, cuts.clone()));
        }
        let mut outcome = Outcome::default();
        while let Some(joined) = tasks.join_next().await {
            match joined {
                Ok(results) => add(&mut outcome, results, &request.progress),
                Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
                Err(_) => {}
            }
        }
        let fetched_at = client.clock().now();
        outcome.finish(&client, request.items.len() as u64, |rows| batch::metrics(&rows, fetched_at))
    }
}
