//! tastytrade: symbols, metrics, calendar, option chains and corporate events over REST.
//!
//! The folder's [`DEFINITION`] is its line in the list of sources. Each dataset is a struct that implements
//! [`Fetch`](crate::collect::Fetch). A fetch runs one task per page, batch or symbol; what fails is reported by item and
//! costs nothing else.

pub mod batch;
pub mod calendar;
pub mod chains;
pub mod events;
pub mod field;
pub mod parse;
pub mod snapshots;
mod source;
pub mod symbols;
pub mod wire;

pub use calendar::Calendar;
pub use chains::OptionChains;
pub use events::{Dividends, Earnings};
pub use snapshots::Snapshots;
pub use source::DEFINITION;
pub use symbols::Symbols;

#[cfg(test)]
mod tests;
