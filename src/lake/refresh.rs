//! How a reader asks for fresher rows: a request over a channel, and an answer when the refresh has ended.
//!
//! Readers never talk to a source. Whoever owns the receiving end (the scheduler) coalesces requests for the same
//! dataset into one run.

use tokio::sync::{mpsc, oneshot};

/// Requests that may wait for the scheduler. Each is a few words long; readers wait when it is full.
pub const REQUESTS_BOUND: usize = 1024;

/// Why nothing is refreshed where there is no scheduler.
pub const NO_SCHEDULER: &str = "this server does not refresh (read-only)";

/// A request for one dataset.
#[derive(Debug)]
pub struct RefreshRequest {
    /// Dataset.
    pub dataset: String,
    /// Why: `query`, `command` or `ttl`.
    pub cause: &'static str,
    /// Runs that had ended when the asker looked (see [`Freshness::runs_ended`](super::freshness::Freshness)): one that
    /// has ended since is the answer. `None` asks for a run whatever happened before: a command.
    pub seen: Option<u64>,
    /// Told when the run has ended: `Err` carries why it failed.
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
    /// Asks for a refresh and waits for its end. Dropping the future stops the waiting, not the refresh.
    pub async fn refresh(&self, dataset: &str, cause: &'static str) -> Result<(), String> {
        self.request(dataset, cause, None).await
    }

    /// The same for an asker who found the rows stale when `seen` runs had ended: one run serves all who saw the same.
    pub async fn refresh_since(&self, dataset: &str, cause: &'static str, seen: u64) -> Result<(), String> {
        self.request(dataset, cause, Some(seen)).await
    }

    /// Asks for a refresh in the background and returns at once; a scheduler that is busy is not waited for. Whether
    /// there is one.
    pub fn nudge(&self, dataset: &str, cause: &'static str, seen: u64) -> bool {
        let (done, _) = oneshot::channel();
        let request = RefreshRequest { dataset: dataset.to_owned(), cause, seen: Some(seen), done };
        !matches!(self.requests.try_send(request), Err(mpsc::error::TrySendError::Closed(_)))
    }

    async fn request(&self, dataset: &str, cause: &'static str, seen: Option<u64>) -> Result<(), String> {
        let (done, answer) = oneshot::channel();
        let request = RefreshRequest { dataset: dataset.to_owned(), cause, seen, done };
        self.requests.send(request).await.map_err(|_| NO_SCHEDULER.to_owned())?;
        match answer.await {
            Ok(outcome) => outcome,
            Err(_) => Err("the refresh was stopped".to_owned()),
        }
    }
}
