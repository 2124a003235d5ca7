//! Clients that have not said who they are: how many there may be at once, of one network and in all. Whoever comes
//! always gets a place, and whoever has kept one longest without a word goes for it, so that silent sockets keep nobody
//! out. The Postgres, the Flight and the HTTP server each have a list of their own.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio_util::sync::CancellationToken;

/// Of one network: pools that open all their connections at once fit in.
pub(crate) const EACH_MAX: usize = 384;

/// Of all networks together, so that one network leaves places to others.
pub(crate) const ALL_MAX: usize = 512;

/// The strangers of one server, by arrival.
#[derive(Debug)]
pub(crate) struct Strangers {
    each_max: usize,
    all_max: usize,
    /// Held for one look through it, never across an await.
    list: Mutex<List>,
}

#[derive(Debug, Default)]
struct List {
    next: u64,
    strangers: VecDeque<Stranger>,
}

#[derive(Debug)]
struct Stranger {
    id: u64,
    network: IpAddr,
    evicted: CancellationToken,
}

/// A stranger's place, until it is dropped or its client is known.
#[derive(Debug)]
pub(crate) struct Place {
    strangers: Arc<Strangers>,
    id: u64,
    evicted: CancellationToken,
}

impl Strangers {
    /// An empty list for so many of one network, and in all.
    pub(crate) fn new(each_max: usize, all_max: usize) -> Arc<Self> {
        Arc::new(Self { each_max, all_max, list: Mutex::default() })
    }

    fn list(&self) -> MutexGuard<'_, List> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for a client from an address. Where its network, or the list, is full, the oldest goes.
    pub(crate) fn admit(self: &Arc<Self>, address: IpAddr) -> Place {
        let (network, evicted) = (network(address), CancellationToken::new());
        let mut list = self.list();
        let of_network = || list.strangers.iter().enumerate().filter(|(_, stranger)| stranger.network == network);
        let oldest = match of_network().count() >= self.each_max {
            true => of_network().map(|(place, _)| place).next(),
            false => (list.strangers.len() >= self.all_max).then_some(0),
        };
        if let Some(gone) = oldest.and_then(|place| list.strangers.remove(place)) {
            gone.evicted.cancel();
        }
        list.next += 1;
        let id = list.next;
        list.strangers.push_back(Stranger { id, network, evicted: evicted.clone() });
        Place { strangers: self.clone(), id, evicted }
    }

    /// Has the oldest go, whatever its network; `false` when there is none.
    pub(crate) fn evict_oldest(&self) -> bool {
        let oldest = self.list().strangers.pop_front();
        oldest.map(|gone| gone.evicted.cancel()).is_some()
    }
}

impl Place {
    /// Cancelled when the client has to go.
    pub(crate) fn evicted(&self) -> &CancellationToken {
        &self.evicted
    }

    /// The client is known: it is no stranger any more.
    pub(crate) fn known(&self) {
        self.strangers.list().strangers.retain(|stranger| stranger.id != self.id);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.known();
    }
}

/// What one person can have many addresses in: of IPv6 the first half.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((address.to_bits() >> 64 << 64).into()),
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> IpAddr {
        [10, 0, 0, last].into()
    }

    fn gone(places: &[Place]) -> Vec<bool> {
        places.iter().map(|place| place.evicted().is_cancelled()).collect()
    }

    #[test]
    fn the_oldest_of_a_network_goes_first() {
        let strangers = Strangers::new(2, 4);
        let places: Vec<Place> = [1, 2, 1, 1].map(|last| strangers.admit(address(last))).into();
        assert_eq!(gone(&places), [true, false, false, false]);
        let _fourth = strangers.admit(address(3));
        let _fifth = strangers.admit(address(4));
        assert_eq!(gone(&places), [true, true, false, false]);
    }

    #[test]
    fn who_is_known_or_gone_counts_no_more() {
        let strangers = Strangers::new(1, 9);
        let first = strangers.admit(address(1));
        first.known();
        let second = strangers.admit(address(1));
        assert!(!first.evicted().is_cancelled());
        drop(second);
        let third = strangers.admit(address(1));
        assert!(strangers.evict_oldest() && third.evicted().is_cancelled());
        assert!(!strangers.evict_oldest());
    }

    #[test]
    fn half_an_address_of_the_newer_kind_is_a_network() {
        let strangers = Strangers::new(1, 9);
        let first = strangers.admit("2001:db8::1".parse().unwrap());
        let _second = strangers.admit("2001:db8::2".parse().unwrap());
        assert!(first.evicted().is_cancelled());
    }
}
