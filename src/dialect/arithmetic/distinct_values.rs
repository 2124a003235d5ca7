//! The different values that an aggregate with DISTINCT has in its frame, with how many of each there are, since rows may
//! leave the frame again.

use std::collections::HashMap;
use std::hash::Hash;

/// Values by how often they are there.
#[derive(Debug)]
pub(super) struct DistinctValues<T>(HashMap<T, usize>);

impl<T: Copy + Eq + Hash> DistinctValues<T> {
    pub(super) fn new() -> Self {
        Self(HashMap::new())
    }

    /// Takes a value in, and tells whether it is the first of its kind.
    pub(super) fn add(&mut self, value: T) -> bool {
        let count = self.0.entry(value).or_default();
        *count += 1;
        *count == 1
    }

    /// Lets a value go, and tells whether it was the last of its kind.
    pub(super) fn remove(&mut self, value: T) -> bool {
        match self.0.get_mut(&value) {
            Some(count) if *count > 1 => {
                *count -= 1;
                false
            }
            Some(_) => self.0.remove(&value).is_some(),
            None => false,
        }
    }

    /// Each value once, in no order.
    pub(super) fn values(&self) -> impl ExactSizeIterator<Item = T> {
        self.0.keys().copied()
    }

    /// Bytes on the heap, about.
    pub(super) fn size(&self) -> usize {
        self.0.capacity() * (size_of::<(T, usize)>() + 1)
    }
}
