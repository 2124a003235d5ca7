//! What a person at a terminal sees: progress of collection and import, and rows as a table, CSV or JSON.
//!
//! Progress goes to standard error and rows to standard output, so that rows can be piped. Nothing here fetches or
//! queries; it shows what it is handed.

pub mod collection;
pub mod progress;
pub mod table;

pub use progress::{Display, Tracked};
pub use table::{Format, write_batches};
