//! The places of results in a series.

/// Results behind so many numbers without one, for a series of a length.
pub(super) fn behind<T: Clone>(missing: usize, length: usize, results: impl Iterator<Item = T>) -> Vec<Option<T>> {
    let mut all = vec![None; missing.min(length)];
    all.extend(results.map(Some));
    all.resize(length, None);
    all
}
