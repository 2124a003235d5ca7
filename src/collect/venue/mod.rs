//! One folder per source, each with the same files: `mod.rs` (what to fetch), `wire.rs` (their shapes), `parse.rs` (theirs to ours).

pub mod dxlink;
pub mod metastock;
pub mod tastytrade;

/// A float as a whole number, rounded; `None` when it does not fit 64 bits.
pub(crate) fn whole_number(number: f64) -> Option<i64> {
    const LIMIT: f64 = 9.2e18;
    (-LIMIT..LIMIT).contains(&number).then(|| number.round() as i64)
}

#[cfg(test)]
pub(crate) mod noise;
#[cfg(test)]
mod tests;
