//! Numbers as vendors write them.

/// A float as a whole number, rounded; `None` when it does not fit 64 bits.
pub(crate) fn whole_number(number: f64) -> Option<i64> {
    const LIMIT: f64 = 9.2e18;
    (-LIMIT..LIMIT).contains(&number).then(|| number.round() as i64)
}
