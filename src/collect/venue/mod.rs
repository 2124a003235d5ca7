//! One folder per source, each with the same files: `mod.rs` (what to fetch), `wire.rs` (their shapes), `parse.rs`
//! (theirs to ours). A source that collects stands in [`SOURCES`]; `dxlink` is the feed that tastytrade opens, and
//! `metastock` reads files that a person imports.

mod bars;
pub mod dxlink;
pub mod metastock;
mod outcome;
mod problem;
pub mod tastytrade;

use super::source::Definition;

/// Every source there is, sorted by name. Each has a section `[source.NAME]` in the configuration.
pub const SOURCES: &[Definition] = &[tastytrade::DEFINITION];

/// A float as a whole number, rounded; `None` when it does not fit 64 bits.
pub(crate) fn whole_number(number: f64) -> Option<i64> {
    const LIMIT: f64 = 9.2e18;
    (-LIMIT..LIMIT).contains(&number).then(|| number.round() as i64)
}

#[cfg(test)]
pub(crate) mod noise;
#[cfg(test)]
mod tests;
