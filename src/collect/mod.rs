//! The write side: fetch from a source, parse into our vocabulary, hand over to the lake or the live books.
//!
//! Nothing here knows SQL. A [`source::Source`] says which datasets it can fetch; what fetches one implements [`Fetch`];
//! the scheduler decides when it runs.

mod asking;
pub mod client;
pub mod collector;
mod completeness;
pub mod derive;
pub mod feed_gaps;
pub mod fetch;
pub mod findings;
pub mod frame;
pub mod history;
pub mod import;
pub mod items;
pub mod left_out;
pub mod merge;
pub mod near_money;
pub mod purpose;
pub mod queried;
mod refresh;
mod restate;
pub mod scheduler;
pub mod source;
pub mod sources;
pub mod spelling;
pub mod take_back;
pub mod universe;
pub mod unknown_symbols;
pub mod upkeep;
pub mod venue;
pub mod write;

pub use fetch::{FailedItem, Fetch, FetchError, Fetched, Previous, Progress, Request};
