//! One fetch as many tasks: a task per page, batch or symbol, and what they brought together. What fails is reported by
//! item and costs nothing else. The sources that fetch over HTTP use it.

use super::problem::Problems;
use crate::collect::client::{Client, ClientError};
use crate::collect::fetch::{FailedItem, FetchError, Fetched, Progress};
use crate::collect::findings::FindingsSink;
use crate::lake::quality::Findings;
use arrow::record_batch::RecordBatch;
use std::future::Future;
use std::sync::atomic::Ordering;
use tokio::task::JoinSet;

/// Rows of one item, and what was wrong with some of them.
#[derive(Debug)]
pub(crate) struct Parsed<R> {
    pub(crate) rows: Vec<R>,
    pub(crate) problems: Problems,
}

/// What the tasks of one fetch brought.
pub(crate) struct Outcome<R> {
    pub(crate) rows: Vec<R>,
    pub(crate) failed: Vec<FailedItem>,
    /// What is wrong with rows and fields of what was answered.
    pub(crate) findings: Findings,
    /// The first item that brought nothing at all, with its error.
    pub(crate) first_error: Option<ClientError>,
    /// Items that brought something, if only an empty list.
    pub(crate) answered: u64,
}

impl<R> Default for Outcome<R> {
    fn default() -> Self {
        Self { rows: Vec::new(), failed: Vec::new(), findings: Findings::default(), first_error: None, answered: 0 }
    }
}

impl<R> Outcome<R> {
    /// Takes in one item's result and counts it.
    pub(crate) fn add(&mut self, item: &str, result: Result<Parsed<R>, ClientError>, progress: &Progress) {
        match result {
            Ok(Parsed { rows, problems }) => {
                progress.finish(rows.len() as u64, false);
                self.rows.extend(rows);
                self.findings.extend(problems.findings);
                self.answered += 1;
            }
            Err(error) => {
                progress.finish(0, true);
                self.fail(item, error);
            }
        }
    }

    /// Notes an item that brought nothing.
    pub(crate) fn fail(&mut self, item: &str, error: ClientError) {
        tracing::debug!(item, %error, "item failed");
        self.failed.push(FailedItem { item: item.to_owned(), reason: error.to_string() });
        self.first_error.get_or_insert(error);
    }

    /// The fetch's result, with what is wrong with it told: an error only when every item failed.
    pub(crate) fn finish(
        mut self,
        client: &Client,
        findings: &FindingsSink,
        items: u64,
        batch: impl FnOnce(Vec<R>) -> RecordBatch,
    ) -> Result<Fetched, FetchError> {
        findings.extend(self.findings);
        if let (0, Some(error)) = (self.answered, self.first_error) {
            return Err(error.into());
        }
        self.failed.sort_by(|one, other| one.item.cmp(&other.item));
        let batch = batch(self.rows);
        let batches = if batch.num_rows() == 0 { Vec::new() } else { vec![batch] };
        Ok(Fetched { batches, items, failed: self.failed, origin_calls: client.calls(), ..Fetched::default() })
    }
}

/// Runs one task per item; the client bounds how many are under way. Dropping the future stops them all.
pub(crate) async fn each<R, F, Work>(items: &[String], progress: &Progress, work: F) -> Outcome<R>
where
    R: Send + 'static,
    F: Fn(String) -> Work,
    Work: Future<Output = Result<Parsed<R>, ClientError>> + Send + 'static,
{
    progress.total.fetch_add(items.len() as u64, Ordering::Relaxed);
    let mut tasks = JoinSet::new();
    for item in items {
        let (item, work) = (item.clone(), work(item.clone()));
        tasks.spawn(async move { (item, work.await) });
    }
    let mut outcome = Outcome::default();
    while let Some(joined) = tasks.join_next().await {
        match joined {
            Ok((item, result)) => outcome.add(&item, result, progress),
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Err(_) => {}
        }
    }
    outcome
}
