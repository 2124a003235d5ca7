//! The write side: fetch from a source, parse into our vocabulary, hand over to the lake or the live books.
//!
//! Nothing here knows SQL. A dataset's source implements [`Fetch`]; the scheduler decides when it runs.

pub mod client;
pub mod derive;
pub mod fetch;
pub mod frame;
pub mod history;
pub mod merge;
pub mod near_money;
mod refresh;
pub mod scheduler;
pub mod sources;
pub mod universe;
pub mod venue;
pub mod write;

pub use fetch::{FailedItem, Fetch, FetchError, Fetched, Previous, Progress, Request};
