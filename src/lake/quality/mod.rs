//! What is wrong with a dataset without keeping it from being used: rows that were rejected, and doubts about rows that
//! were kept.
//!
//! Whoever brings rows gathers [`Findings`] and tells them to the table ([`LakeTable::tell`](super::LakeTable::tell));
//! `system.rejected_rows` and `system.data_quality` show what is known then ([`Quality`]). It stands beside the dataset's
//! ages, in `state/<dataset>.quality.json`: bounded in rows and in the length of each, one row for what is met again and
//! again, and gone when it was not met for [`KEPT_FOR`].

mod file;
mod finding;
mod kind;
mod record;
mod summary;
mod tally;

pub use finding::{Doubt, Findings, Rejected};
pub use kind::{DoubtKind, Severity};
pub use record::{KEPT_FOR, Met, Quality};
pub use summary::DoubtSummary;
pub use tally::ROWS_MAX;
