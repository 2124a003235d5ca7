//! Scans: the rows of one version of a dataset as a DataFusion plan, from Parquet files and from columns in memory.
//!
//! [`parquet`] plans the files; [`resident_rule`] has the scan take what is in memory, and of each key no more than is
//! wanted ([`run_ends`]); [`key_lookup`] plans the rows of a few keys as what they are;
//! [`ordered_scan`] gives what is wholly in memory key by key. [`pieces_read`] tells how far a scan is.

pub(crate) mod bounds;
mod file_reader;
pub(crate) mod items;
pub(crate) mod key_lookup;
pub(crate) mod lake_error;
pub(crate) mod ordered_scan;
pub mod parquet;
pub(crate) mod pieces_read;
pub mod resident_rule;
mod resident_scan;
mod run_ends;
