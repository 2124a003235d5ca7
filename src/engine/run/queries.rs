//! The running statements: one entry each, from arrival to last row, which `system.queries` and cancellation read.

use crate::heap::{Meter, Promise};
use crate::scan::pieces_read::pieces_read;
use chrono::{DateTime, Utc};
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::physical_plan::ExecutionPlan;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use tokio_util::sync::CancellationToken;

/// A running statement; one row of `system.queries`.
#[derive(Debug, Clone)]
pub struct RunningQuery {
    /// Number of its session.
    pub pid: i32,
    /// User of the session.
    pub user: String,
    /// `postgres`, `flight` or `local`.
    pub front_end: &'static str,
    /// When the statement arrived.
    pub started_at: DateTime<Utc>,
    /// Text of the statement.
    pub sql: String,
    /// How far it is; read anew, it has moved on.
    pub progress: Arc<Progress>,
}

/// Where a statement is between its arrival and its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueryState {
    /// It is read, checked and planned; tables it reads may be refreshed for it.
    Planning,
    /// Rows are made and sent.
    Running,
    /// A cursor or portal that waits until its client asks for more rows.
    Suspended,
}

impl QueryState {
    /// The state's name, as `system.queries` has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Planning => "planning",
            Self::Running => "running",
            Self::Suspended => "suspended",
        }
    }
}

/// The progress of one statement, which others read while it runs: its state, its rows and the plan's metrics.
#[derive(Debug, Default)]
pub struct Progress {
    state: AtomicU8,
    rows_sent: AtomicU64,
    /// What is run, once it is.
    plan: OnceLock<Arc<dyn ExecutionPlan>>,
    /// Memory that it has taken.
    meter: Arc<Meter>,
    /// Room for the constants of its plan.
    room: OnceLock<Promise>,
    /// Cancelled when it must end for want of memory.
    out_of_memory: CancellationToken,
}

impl Progress {
    /// Where the statement is between its arrival and its end.
    pub fn state(&self) -> QueryState {
        match self.state.load(Ordering::Relaxed) {
            0 => QueryState::Planning,
            1 => QueryState::Running,
            _ => QueryState::Suspended,
        }
    }

    /// Rows handed to its client.
    pub fn rows_sent(&self) -> u64 {
        self.rows_sent.load(Ordering::Relaxed)
    }

    /// Share of its files that were read, or of ranges of keys where its rows are in memory, from 0 to 1; `None` until it
    /// runs, and when it reads none.
    pub fn read(&self) -> Option<f64> {
        let (mut read, mut all) = (0, 0);
        let walked = self.plan.get()?.apply(|node| {
            let pieces = pieces_read(node.as_ref()).unwrap_or_default();
            (read, all) = (read + pieces.0, all + pieces.1);
            Ok(TreeNodeRecursion::Continue)
        });
        (walked.is_ok() && all > 0).then(|| (read as f64 / all as f64).min(1.0))
    }

    /// Counts the memory that the statement takes.
    pub(crate) fn meter(&self) -> &Arc<Meter> {
        &self.meter
    }

    /// Keeps room for the constants of its plan until the statement is over; the first one stands.
    pub(crate) fn keep_room(&self, room: Promise) {
        self.room.get_or_init(|| room);
    }

    /// Has the statement end for want of memory.
    pub(crate) fn end_for_memory(&self) {
        self.out_of_memory.cancel();
    }

    /// Whether it has to end for want of memory.
    pub(crate) fn is_out_of_memory(&self) -> bool {
        self.out_of_memory.is_cancelled()
    }

    /// Waits until it has to end for want of memory.
    pub(crate) async fn memory_gone(&self) {
        self.out_of_memory.cancelled().await;
    }

    /// Keeps the physical plan whose metrics show the progress; the first one stands.
    pub(crate) fn runs(&self, plan: Arc<dyn ExecutionPlan>) {
        self.plan.get_or_init(|| plan);
    }

    /// Notes what the statement is doing now.
    pub(crate) fn enter(&self, state: QueryState) {
        self.state.store(state as u8, Ordering::Relaxed);
    }

    /// Counts rows that its client was sent.
    pub(crate) fn sent(&self, rows: u64) {
        self.rows_sent.fetch_add(rows, Ordering::Relaxed);
    }
}

/// The running statements of a process, listed from arrival to last row.
#[derive(Debug, Default)]
pub struct Queries {
    /// By order of arrival. Held for a few instructions, never across an await.
    running: Mutex<(u64, BTreeMap<u64, RunningQuery>)>,
}

/// A place in the list; dropping it takes the statement off.
#[derive(Debug)]
pub(crate) struct Listed {
    queries: Arc<Queries>,
    id: u64,
    pub(crate) progress: Arc<Progress>,
}

impl Queries {
    /// The running statements, oldest first; copies, so that no lock is held afterwards.
    pub fn running(&self) -> Vec<RunningQuery> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).1.values().cloned().collect()
    }

    /// Lists a statement until the returned place is dropped.
    pub(crate) fn list(self: &Arc<Self>, query: RunningQuery) -> Listed {
        let progress = query.progress.clone();
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.0 += 1;
        let id = running.0;
        running.1.insert(id, query);
        Listed { queries: self.clone(), id, progress }
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        self.queries.running.lock().unwrap_or_else(PoisonError::into_inner).1.remove(&self.id);
    }
}
