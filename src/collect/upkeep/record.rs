//! What is known of the upkeep of one table: its last run, and what the runs of this process did together.

use super::due::Past;
use chrono::{DateTime, Utc};

/// What a run did. Merging removes nothing, and removing writes nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Done {
    /// Small files that went into larger ones.
    pub merged: u64,
    /// Files that hold their rows now.
    pub written: u64,
    /// Data files that were removed from the store.
    pub removed: u64,
    /// Bytes of the files that were removed.
    pub bytes_freed: u64,
    /// Files of the log that were removed.
    pub log_files: u64,
}

impl Done {
    fn add(&mut self, other: &Self) {
        self.merged += other.merged;
        self.written += other.written;
        self.removed += other.removed;
        self.bytes_freed += other.bytes_freed;
        self.log_files += other.log_files;
    }
}

/// The upkeep of one table and kind in this process.
#[derive(Debug, Clone, Default)]
pub struct Record {
    /// When the run in progress, or else the last one, began.
    pub started_at: Option<DateTime<Utc>>,
    /// When the last run ended; `None` while one is in progress.
    pub ended_at: Option<DateTime<Utc>>,
    /// What the last run did.
    pub last: Done,
    /// Why the last run failed, one sentence; `None` when it did not.
    pub error: Option<String>,
    /// What all runs did together.
    pub total: Done,
    /// Runs that failed since the start.
    pub failed: u64,
    /// Runs that failed, without a success since.
    pub(super) failures: u32,
    /// What was told of the failures since the last success.
    told: Option<String>,
}

impl Record {
    /// Whether a run is in progress.
    pub fn running(&self) -> bool {
        self.started_at.is_some() && self.ended_at.is_none()
    }

    pub(super) fn past(&self) -> Past {
        Past { started_at: self.started_at, ended_at: self.ended_at, failures: self.failures }
    }

    pub(super) fn begin(&mut self, now: DateTime<Utc>) {
        (self.started_at, self.ended_at) = (Some(now), None);
    }

    /// Takes in how the run ended. Returns what is to be told: a failure whose cause is not that of the one before.
    pub(super) fn end(&mut self, now: DateTime<Utc>, outcome: Result<Done, String>) -> Option<String> {
        self.ended_at = Some(now);
        match outcome {
            Ok(done) => {
                (self.last, self.error, self.told, self.failures) = (done, None, None, 0);
                self.total.add(&done);
                None
            }
            Err(error) => {
                self.last = Done::default();
                self.failed += 1;
                self.failures = self.failures.saturating_add(1);
                self.error = Some(error.clone());
                let known = self.told.replace(cause(&error));
                (known != self.told).then_some(error)
            }
        }
    }
}

/// An error without the paths in it, which differ from one try to the next.
fn cause(error: &str) -> String {
    error.split_whitespace().filter(|word| !word.contains('/')).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_told_once_until_a_run_succeeds() {
        let (mut record, now) = (Record::default(), DateTime::UNIX_EPOCH);
        let full = |file: &str| Err(format!("lake table eod: file /lake/{file}: No space left on device"));
        record.begin(now);
        assert!(record.running());
        assert!(record.end(now, full("a.parquet")).is_some());
        assert!(!record.running());
        assert_eq!(record.end(now, full("b.parquet")), None);
        assert!(record.error.as_ref().is_some_and(|error| error.contains("b.parquet")));
        assert!(record.end(now, Err("another cause".to_owned())).is_some());
        assert_eq!((record.failures, record.failed), (3, 3));
        let done = Done { merged: 3, written: 1, ..Done::default() };
        assert_eq!(record.end(now, Ok(done)), None);
        assert_eq!((record.failures, record.failed, record.error.clone(), record.last), (0, 3, None, done));
        assert!(record.end(now, full("c.parquet")).is_some(), "it is told anew after a success");
        assert_eq!((record.total, record.last), (done, Done::default()));
    }
}
