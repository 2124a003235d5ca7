//! A stretch of time whose moments all have the same bucket, or none.

/// From when to when the answer is the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    /// The first moment of the stretch.
    pub(super) from: i64,
    /// The first moment after it.
    pub(super) to: i64,
    /// Where the bucket begins; `None` where time belongs to none.
    pub(super) start: Option<i64>,
}

impl Span {
    /// A stretch without moments.
    pub(super) const NOWHERE: Self = Self { from: 0, to: 0, start: None };

    /// The stretch that a whole bucket is.
    pub(super) fn bucket(start: i64, end: i64) -> Self {
        Self { from: start, to: end, start: Some(start) }
    }

    /// Time that belongs to no bucket.
    pub(super) fn closed(from: i64, to: i64) -> Self {
        Self { from, to, start: None }
    }

    pub(super) fn contains(&self, us: i64) -> bool {
        (self.from..self.to).contains(&us)
    }
}
