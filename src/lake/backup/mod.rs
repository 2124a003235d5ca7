//! Backups: a whole lake as it was at one moment, in a directory or under an `s3://` prefix, beside those taken before.
//!
//! A target holds `files/`, where a file of the lake stands once however many backups have it, and `backups/`, a manifest
//! for each backup that names its files. The manifest comes last: what has none is no backup, and a backup that was
//! interrupted leaves those before it as they were.
//!
//! All tables are taken as they were at one moment (`plan`), with every older version that is still there. What is
//! remembered of refreshes is read before that moment, so that it never speaks of rows that the backup lacks; spooled
//! events are read before it too, so that each is in a spool file or in its table.
//!
//! A restore begins with a mark in the lake that keeps it from opening (`store`), and ends when the mark is gone.

mod copy;
mod make;
mod manifest;
mod plan;
mod prune;
mod restore;
mod target;
#[cfg(test)]
mod tests;

pub use make::BackedUp;
pub use manifest::{Manifest, StoredFile};
pub use prune::Pruned;
pub use restore::{Restored, restore};
pub use target::{Backup, Target};
