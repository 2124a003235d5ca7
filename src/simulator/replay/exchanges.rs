//! Which recorded exchange answers a request: the next of those that were recorded for it.

use super::asked::Asked;
use super::line::Place;
use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};

/// The exchanges of a recording by what was asked.
#[derive(Debug, Default)]
pub(super) struct Exchanges {
    exact: HashMap<Asked, InTurn>,
    /// The same by what was asked at whatever moment.
    at_any_moment: HashMap<Asked, InTurn>,
    /// Parameters whose values the recording does not have.
    removed: HashSet<String>,
}

/// Exchanges of one kind in the order of their recording, and how many have been taken.
#[derive(Debug, Default)]
struct InTurn {
    places: Vec<Place>,
    taken: AtomicUsize,
}

impl Exchanges {
    /// Exchanges in the order in which they were recorded.
    pub(super) fn new(recorded: Vec<(Asked, Place)>) -> Self {
        let removed = recorded.iter().flat_map(|(asked, _)| asked.removed()).collect();
        let mut exchanges = Self { removed, ..Self::default() };
        for (asked, place) in recorded {
            let asked = asked.without(&exchanges.removed);
            exchanges.at_any_moment.entry(asked.clone().at_any_moment()).or_default().places.push(place.clone());
            exchanges.exact.entry(asked).or_default().places.push(place);
        }
        exchanges
    }

    /// The next exchange for a request, the last one again when there is no other; `None` for what was never asked.
    pub(super) fn next(&self, asked: Asked) -> Option<&Place> {
        let asked = asked.without(&self.removed);
        match self.exact.get(&asked) {
            Some(exchanges) => exchanges.next(),
            None => self.at_any_moment.get(&asked.at_any_moment())?.next(),
        }
    }

    /// Whether this was asked, by whatever parameters.
    pub(super) fn has(&self, asked: &Asked) -> bool {
        self.exact.contains_key(asked)
    }
}

impl InTurn {
    fn next(&self) -> Option<&Place> {
        let taken = self.taken.fetch_add(1, Ordering::Relaxed);
        self.places.get(taken).or(self.places.last())
    }
}
