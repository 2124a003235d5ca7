//! How a reader asks for fresher rows: a request over a channel, and an answer when the refresh has ended.
//!
//! Readers never talk to a source. Whoever owns the receiving end (the scheduler) coalesces requests for the same
//! dataset into one run.

use tokio::sync::{mpsc, oneshot};

/// Requests that may wait for the scheduler. Each is a few words long; readers wait when it is full.
pub const REQUESTS_BOUND: usize = 1024;

/// A request for one dataset.
#[derive(Debug)]
pub struct RefreshRequest {
    /// Dataset.
    pub dataset: String,
    /// Why: `query`, `command` or `ttl`.
    pub cause: &'static str,
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
        match self.request(dataset, cause).await?.await {
            Ok(outcome) => outcome,
            Err(_) => Err("the refresh was stopped".to_owned()),
        }
    }

    /// Asks for a refresh in the background: returns at once, and does nothing when the scheduler is busy or absent.
    pub fn nudge(&self, dataset: &str, cause: &'static str) {
        let (done, _) = oneshot::channel();
        let _ = self.requests.try_send(RefreshRequest { dataset: dataset.to_owned(), cause, done });
    }

    async fn request(
        &self,
        dataset: &str,
        cause: &'static str,
    ) -> Result<oneshot::Receiver<Result<(), String>>, String> {
        let (done, answer) = oneshot::channel();
        let request = RefreshRequest { dataset: dataset.to_owned(), cause, done };
        self.requests.send(request).await.map_err(|_| "this server does not refresh (read-only)".to_owned())?;
        Ok(answer)
    }
}
