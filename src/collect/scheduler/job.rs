//! What one dataset has to do: the run in progress, and the one after it, with those who wait for either.

use crate::collect::purpose::Purpose;
use crate::lake::{Run, Scope};
use std::sync::Arc;
use tokio::sync::oneshot;

/// The runs of one dataset.
#[derive(Default)]
pub(super) struct Jobs {
    pub(super) running: Option<Job>,
    /// Begins when the running one has ended, and its inputs are refreshed.
    pub(super) next: Option<Job>,
}

/// A run in progress, or one that waits.
pub(super) struct Job {
    pub(super) cause: &'static str,
    pub(super) scope: Scope,
    /// Whether it runs though nothing is due: somebody wants younger rows than the contract promises.
    pub(super) even_if_fresh: bool,
    pub(super) waiters: Vec<Waiter>,
    /// What its requests are for, once it runs.
    pub(super) purpose: Option<Arc<Purpose>>,
}

/// A query or command that waits for the refresh.
pub(super) struct Waiter {
    pub(super) done: oneshot::Sender<Result<(), String>>,
    /// The items the answer is about; the run may be of more.
    pub(super) scope: Scope,
    /// Why some of them are not tried again now.
    pub(super) earlier: Option<String>,
}

impl Jobs {
    /// The job that does what the scope needs.
    pub(super) fn covering(&mut self, scope: &Scope) -> Option<&mut Job> {
        self.running.iter_mut().chain(&mut self.next).find(|job| job.scope.covers(scope))
    }

    /// Whether the whole dataset is being refreshed, or about to be.
    pub(super) fn has_whole(&self) -> bool {
        self.running.iter().chain(&self.next).any(|job| job.scope == Scope::All)
    }

    /// Whether somebody waits for what runs, or for what comes next. Who gave up or only asked does not.
    pub(super) fn is_awaited(&self) -> bool {
        let jobs = self.running.iter().chain(&self.next);
        jobs.flat_map(|job| &job.waiters).any(|waiter| !waiter.done.is_closed())
    }

    /// Adds to what comes next. `worth` says what is to be refreshed for a scope.
    pub(super) fn add(&mut self, job: Job, worth: impl Fn(Scope) -> Scope) {
        match &mut self.next {
            None => self.next = Some(job),
            Some(next) => {
                next.scope.join(job.scope);
                next.scope = worth(std::mem::take(&mut next.scope));
                next.even_if_fresh |= job.even_if_fresh;
                next.cause = stronger(next.cause, job.cause);
                next.waiters.extend(job.waiters);
            }
        }
    }
}

impl Job {
    /// A run over the whole dataset, when it is still due by then.
    pub(super) fn new(cause: &'static str) -> Self {
        Self { cause, scope: Scope::All, even_if_fresh: false, waiters: Vec::new(), purpose: None }
    }

    /// One more who waits.
    pub(super) fn join(&mut self, cause: &'static str, even_if_fresh: bool, waiter: Waiter) {
        self.cause = stronger(self.cause, cause);
        self.even_if_fresh |= even_if_fresh;
        self.waiters.push(waiter);
    }
}

/// A command computes everything anew, whoever asked before it.
fn stronger(one: &'static str, other: &'static str) -> &'static str {
    if other == "command" { other } else { one }
}

impl Waiter {
    /// What the run was for this one: its failure, or that of an item that was asked for.
    pub(super) fn outcome(&self, run: &Run) -> Result<(), String> {
        if let Some(reason) = &run.error {
            return Err(reason.clone());
        }
        let asked = |item: &str| self.scope.names().is_some_and(|names| names.contains(item));
        let failed = run.failed.iter().find(|failed| asked(&failed.item));
        let failed = failed.map(|failed| format!("{}: {}", failed.item, failed.reason));
        failed.or_else(|| self.earlier.clone()).map_or(Ok(()), Err)
    }

    /// Tells the answer; a reader that went away does not need it.
    pub(super) fn tell(self, outcome: Result<(), String>) {
        let _ = self.done.send(outcome);
    }
}
