//! The context of one statement, as the tables see it: how stale an answer the session takes, and where notices go.

use super::demand::Demand;
use super::symbol_rows::SymbolRows;
use crate::error::{ErrorKind, QueryError};
use crate::lake::{Scope, Snapshot};
use crate::scan::parquet::ScanPart;
use chrono::{DateTime, SecondsFormat, Utc};
use datafusion::catalog::Session;
use datafusion::error::{DataFusionError, Result};
use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::time::Duration;
use tokio::sync::OnceCell;

/// What to do with a stale table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnStale {
    /// Serve the old rows with a notice.
    Serve,
    /// Wait for the refresh, as the dataset's contract says.
    #[default]
    Wait,
    /// Fail the statement at once, and refresh nothing.
    Fail,
}

/// Notices for the client of one session.
#[derive(Debug, Clone, Default)]
pub struct Notices {
    notices: Arc<Mutex<Vec<String>>>,
    /// Of what did not go as asked for.
    warnings: Arc<Mutex<Vec<String>>>,
}

impl Notices {
    /// Adds a notice; the same text twice in one statement is one notice.
    pub fn add(&self, notice: String) {
        add(&self.notices, notice);
    }

    /// Adds a warning, which the Postgres server sends as WARNING; the same text twice in one statement is one warning.
    pub fn warn(&self, warning: String) {
        add(&self.warnings, warning);
    }

    /// Takes the notices that have been left.
    pub fn take(&self) -> Vec<String> {
        take(&self.notices)
    }

    /// Takes the warnings that have been left.
    pub fn take_warnings(&self) -> Vec<String> {
        take(&self.warnings)
    }
}

/// Texts of a statement that its client is told; a function may leave one for each of a million rows.
const TEXTS_MAX: usize = 1_000;

/// Adds a text unless it is there; the lock is held for one pass over the texts of a statement. Behind the last that
/// has room stands that there were more.
fn add(to: &Mutex<Vec<String>>, text: String) {
    let mut texts = to.lock().unwrap_or_else(PoisonError::into_inner);
    if texts.len() > TEXTS_MAX || texts.contains(&text) {
        return;
    }
    let has_room = texts.len() < TEXTS_MAX;
    texts.push(if has_room { text } else { "further messages of this statement are left out".to_owned() });
}

/// Empties the list and gives what was in it, oldest first.
fn take(from: &Mutex<Vec<String>>) -> Vec<String> {
    std::mem::take(&mut *from.lock().unwrap_or_else(PoisonError::into_inner))
}

/// A dataset, and the moment whose version is wanted; `None` is now.
type Wanted = (&'static str, Option<DateTime<Utc>>);

/// The versions a statement or a transaction reads: each table's is taken once, when it is first read.
#[derive(Debug, Clone, Default)]
pub struct Snapshots {
    /// Held for a few instructions, never across an await.
    taken: Arc<Mutex<BTreeMap<Wanted, Taken>>>,
    /// Whether further statements read the same versions.
    lasting: bool,
}

/// A version; `None` when the table does not exist.
type Taken = Arc<OnceCell<Option<Arc<Snapshot>>>>;

impl Snapshots {
    /// The versions of a transaction: what its first statement reads of a table, the later ones read too.
    pub fn of_transaction() -> Self {
        Self { lasting: true, ..Self::default() }
    }

    /// A name for them that does not keep them.
    pub(crate) fn downgrade(&self) -> WeakSnapshots {
        WeakSnapshots { taken: Arc::downgrade(&self.taken), lasting: self.lasting }
    }

    /// The version taken before, or that which `take` gives now. Scans of one table that come together share one
    /// `take`.
    pub async fn once(
        &self,
        dataset: &'static str,
        as_of: Option<DateTime<Utc>>,
        take: impl Future<Output = Result<Option<Arc<Snapshot>>>>,
    ) -> Result<Option<Arc<Snapshot>>> {
        let cell = {
            let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
            taken.entry((dataset, as_of)).or_default().clone()
        };
        cell.get_or_try_init(|| take).await.cloned()
    }
}

/// [`Snapshots`] that last only as long as another holds them.
#[derive(Debug, Clone)]
pub(crate) struct WeakSnapshots {
    taken: Weak<Mutex<BTreeMap<Wanted, Taken>>>,
    lasting: bool,
}

impl WeakSnapshots {
    /// The snapshots; `None` once nobody holds them.
    pub(crate) fn upgrade(&self) -> Option<Snapshots> {
        self.taken.upgrade().map(|taken| Snapshots { taken, lasting: self.lasting })
    }
}

/// One statement's demands on freshness and time. Travels in the session's configuration extensions.
#[derive(Debug, Clone, Default)]
pub struct QueryContext {
    /// What to do with a stale table.
    pub on_stale: OnStale,
    /// The oldest rows this session takes, whatever the dataset's own contract.
    pub max_staleness: Option<Duration>,
    /// The moment whose tables are read, instead of the latest.
    pub as_of: Option<DateTime<Utc>>,
    /// The versions of tables that this statement, or its transaction, has taken.
    pub snapshots: Snapshots,
    /// What is needed of each table, once the statement was looked at.
    pub demand: OnceLock<Demand>,
    /// The part of a dataset that is read instead of the whole.
    pub part: Option<ScanPart>,
    /// Notices that the front end sends to the client with the result.
    pub notices: Notices,
    /// The rows of views that it reads from memory, by name.
    pub(crate) views: BTreeMap<&'static str, Arc<SymbolRows>>,
}

impl QueryContext {
    /// The context of the statement being planned; the default outside a session of ours.
    pub fn of(session: &dyn Session) -> Arc<Self> {
        session.config().get_extension::<Self>().unwrap_or_default()
    }

    /// Remembers what the statement needs of each table. The first demand stands: a statement that is planned again
    /// needs the same.
    pub fn set_demand(&self, demand: Demand) {
        let _ = self.demand.set(demand);
    }

    /// The items of a dataset that are to be fresh. A transaction reads one version of it, and nobody knows of which
    /// items its later statements are.
    pub fn scope(&self, dataset: &str) -> Scope {
        match self.demand.get() {
            Some(demand) if !self.snapshots.lasting => demand.scope(dataset),
            _ => Scope::All,
        }
    }

    /// Refuses to read a table that has no past while the session reads the past.
    pub fn check_live(&self, table: &str) -> Result<()> {
        let Some(at) = self.as_of else { return Ok(()) };
        let at = at.to_rfc3339_opts(SecondsFormat::AutoSi, true);
        let message = format!("table \"{table}\" is live and cannot be read as of {at}");
        let error = QueryError::new(ErrorKind::NotSupported, message).with_hint("RESET as_of reads the present again.");
        Err(DataFusionError::External(Box::new(error)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_leaves_some_notices_and_each_once() {
        let notices = Notices::default();
        for number in 0..2 * TEXTS_MAX {
            notices.add(format!("notice {number}"));
            notices.add("notice 0".to_owned());
        }
        let told = notices.take();
        assert_eq!(told.len(), TEXTS_MAX + 1);
        assert!(told.last().is_some_and(|last| last.contains("left out")));
        assert!(notices.take().is_empty());
    }
}
