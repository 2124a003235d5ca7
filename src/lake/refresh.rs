//! How a reader asks for fresher rows: a request over a channel, and an answer when the refresh has ended.
//!
//! Readers never talk to a source. Whoever owns the receiving end (the scheduler) coalesces requests for the same
//! dataset into one run.

use super::Scope;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// Requests that may wait for the scheduler. Each is a few words long; readers wait when it is full.
pub const REQUESTS_BOUND: usize = 1024;

/// Why nothing is refreshed where there is no scheduler.
pub const NO_SCHEDULER: &str = "this server does not refresh (read-only)";

/// What a reader found too old, and how it knows that it was refreshed since.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Name of the dataset.
    pub dataset: &'static str,
    /// The items that are needed. Whoever refreshes may do more.
    pub scope: Scope,
    /// The oldest rows the reader takes, where that is not the dataset's own contract: a derived dataset's inputs are
    /// refreshed when they are older.
    pub max_age: Option<Duration>,
    /// Runs that had ended when the reader looked (see [`Freshness::runs_ended`](super::freshness::Freshness)): one that
    /// has ended since is the answer.
    pub seen: u64,
}

/// A request for one dataset.
#[derive(Debug)]
pub struct RefreshRequest {
    /// Name of the dataset.
    pub dataset: String,
    /// Why: `query`, `command` or `ttl`.
    pub cause: &'static str,
    /// The items of it that are wanted.
    pub scope: Scope,
    /// The oldest rows the reader takes; see [`Wanted::max_age`].
    pub max_age: Option<Duration>,
    /// See [`Wanted::seen`]. `None` asks for a run whatever happened before: a command.
    pub seen: Option<u64>,
    /// Told when the run has ended: `Err` carries why it failed, or which of the items that were asked for did.
    pub done: oneshot::Sender<Result<(), String>>,
}

/// The asking end. Cheap to clone.
#[derive(Debug, Clone)]
pub struct RefreshHandle {
    requests: mpsc::Sender<RefreshRequest>,
}

/// A connected pair of ends.
pub fn channel() -> (RefreshHandle, mpsc::Receiver<RefreshRequest>) {
    let (requests, receiver) = mpsc::channel(REQUESTS_BOUND);
    (RefreshHandle { requests }, receiver)
}

impl RefreshHandle {
    /// Asks for a refresh of a whole dataset and waits for its end. Dropping the future stops the waiting, not the refresh.
    pub async fn refresh(&self, dataset: &str, cause: &'static str) -> Result<(), String> {
        let (done, answer) = oneshot::channel();
        let (dataset, scope) = (dataset.to_owned(), Scope::All);
        self.ask(RefreshRequest { dataset, cause, scope, max_age: None, seen: None, done }, answer).await
    }

    /// The same for a query: one run serves all who saw the same.
    pub async fn refresh_for_query(&self, wanted: Wanted) -> Result<(), String> {
        let (done, answer) = oneshot::channel();
        self.ask(query(wanted, done), answer).await
    }

    /// Asks for a refresh in the background and returns at once; a scheduler that is busy is not waited for. Whether
    /// there is one.
    pub fn nudge(&self, wanted: Wanted) -> bool {
        let (done, _) = oneshot::channel();
        !matches!(self.requests.try_send(query(wanted, done)), Err(mpsc::error::TrySendError::Closed(_)))
    }

    async fn ask(&self, request: RefreshRequest, answer: Answer) -> Result<(), String> {
        self.requests.send(request).await.map_err(|_| NO_SCHEDULER.to_owned())?;
        match answer.await {
            Ok(outcome) => outcome,
            Err(_) => Err("the refresh was stopped".to_owned()),
        }
    }
}

type Answer = oneshot::Receiver<Result<(), String>>;

fn query(wanted: Wanted, done: oneshot::Sender<Result<(), String>>) -> RefreshRequest {
    let Wanted { dataset, scope, max_age, seen } = wanted;
    RefreshRequest { dataset: dataset.to_owned(), cause: "query", scope, max_age, seen: Some(seen), done }
}
