//! Where connections are served: each by one runtime, the one that has fewest.
//!
//! A runtime of several threads wakes one thread for a socket and another for the work, which takes longer than a lookup.

use std::sync::Arc;
use tokio::runtime::Handle;

/// The runtimes, each with a token of which every connection holds one.
pub(super) struct Runtimes(Vec<(Handle, Arc<()>)>);

impl Runtimes {
    /// These, or the one that this is called in where there are none.
    pub(super) fn new(handles: &[Handle]) -> Self {
        let own = || vec![Handle::current()];
        let handles = if handles.is_empty() { own() } else { handles.to_vec() };
        Self(handles.into_iter().map(|handle| (handle, Arc::default())).collect())
    }

    /// The runtime that serves fewest connections, and what a connection keeps as long as it is served there.
    pub(super) fn least_occupied(&self) -> (Handle, Arc<()>) {
        let least = self.0.iter().min_by_key(|(_, token)| Arc::strong_count(token));
        least.map_or_else(|| (Handle::current(), Arc::default()), Clone::clone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn connections_are_spread() {
        let current = Handle::current();
        let runtimes = Runtimes::new(&[current.clone(), current]);
        let places: Vec<Arc<()>> = (0..4).map(|_| runtimes.least_occupied().1).collect();
        let counts =
            |runtimes: &Runtimes| runtimes.0.iter().map(|(_, token)| Arc::strong_count(token)).collect::<Vec<_>>();
        assert_eq!(counts(&runtimes), [3, 3]);
        drop(places);
        assert_eq!(counts(&runtimes), [1, 1]);
        assert_eq!(Runtimes::new(&[]).0.len(), 1);
    }
}
