//! One folder per source: `mod.rs` says what to fetch, `wire.rs` has their shapes where they are JSON, and `parse.rs`
//! turns theirs into ours. A source that collects stands in [`SOURCES`]; `dxlink` is the feed that tastytrade opens, and
//! `metastock` reads files that a person imports.

mod bars;
pub mod dxlink;
pub mod metastock;
pub(crate) mod number;
mod outcome;
mod problem;
pub mod stooq;
pub mod tastytrade;

use super::source::Definition;

/// Every source there is, sorted by name. Each has a section `[source.NAME]` in the configuration.
pub const SOURCES: &[Definition] = &[stooq::DEFINITION, tastytrade::DEFINITION];

#[cfg(test)]
pub(crate) mod noise;
#[cfg(test)]
mod tests;
