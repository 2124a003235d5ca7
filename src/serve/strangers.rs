//! Clients that have not said who they are: how many there may be at once, of one network and in all. Whoever comes
//! always gets a place, and whoever has kept one longest without a word goes for it, so that silent sockets keep nobody
//! out. The Postgres, the Flight and the HTTP server each have a list of their own.
//!
//! A proxy that is trusted brings the clients of many networks: it has no share of its own.

use super::trusted_proxies::TrustedProxies;
use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
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
    proxies: TrustedProxies,
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
    /// `None` for a proxy whose client is not known.
    network: Option<IpAddr>,
    evicted: CancellationToken,
}

/// A stranger's place, until it is dropped or its client is known.
#[derive(Debug)]
pub(crate) struct Place {
    strangers: Arc<Strangers>,
    id: u64,
    peer: SocketAddr,
    /// Whom a proxy has named.
    client: OnceLock<SocketAddr>,
    known: AtomicBool,
    evicted: CancellationToken,
}

impl List {
    /// Has the oldest of a network go where it has so many.
    fn make_room(&mut self, network: IpAddr, each_max: usize) {
        let of_network = || self.strangers.iter().enumerate().filter(|(_, stranger)| stranger.network == Some(network));
        if of_network().count() >= each_max
            && let Some((oldest, _)) = of_network().next()
        {
            self.evict(oldest);
        }
    }

    fn evict(&mut self, place: usize) -> bool {
        let gone = self.strangers.remove(place);
        gone.map(|gone| gone.evicted.cancel()).is_some()
    }
}

impl Strangers {
    /// An empty list for so many of one network, and in all.
    pub(crate) fn new(each_max: usize, all_max: usize, proxies: TrustedProxies) -> Arc<Self> {
        Arc::new(Self { each_max, all_max, proxies, list: Mutex::default() })
    }

    fn list(&self) -> MutexGuard<'_, List> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for a client from an address. Where its network, or the list, is full, the oldest goes.
    pub(crate) fn admit(self: &Arc<Self>, peer: SocketAddr) -> Place {
        let (network, evicted) =
            ((!self.proxies.trusts(peer.ip())).then(|| network(peer.ip())), CancellationToken::new());
        let mut list = self.list();
        if let Some(network) = network {
            list.make_room(network, self.each_max);
        }
        if list.strangers.len() >= self.all_max {
            list.evict(0);
        }
        list.next += 1;
        let id = list.next;
        list.strangers.push_back(Stranger { id, network, evicted: evicted.clone() });
        let (client, known) = (OnceLock::new(), AtomicBool::new(false));
        Place { strangers: self.clone(), id, peer, client, known, evicted }
    }

    /// Has the oldest go, whatever its network; `false` when there is none.
    pub(crate) fn evict_oldest(&self) -> bool {
        self.list().evict(0)
    }
}

impl Place {
    /// Cancelled when the client has to go.
    pub(crate) fn evicted(&self) -> &CancellationToken {
        &self.evicted
    }

    /// Whether the client is a proxy that may name another.
    pub(crate) fn is_of_proxy(&self) -> bool {
        self.client.get().is_none() && self.strangers.proxies.trusts(self.peer.ip())
    }

    /// A proxy brings this client: the place counts for the client's network from now on.
    pub(crate) fn is_of(&self, client: SocketAddr) {
        let network = network(client.ip());
        let mut list = self.strangers.list();
        list.make_room(network, self.strangers.each_max);
        if let Some(stranger) = list.strangers.iter_mut().find(|stranger| stranger.id == self.id) {
            stranger.network = Some(network);
        }
        drop(list);
        let _ = self.client.set(client);
    }

    /// Where the client is, as far as is known.
    pub(crate) fn client(&self) -> SocketAddr {
        self.client.get().copied().unwrap_or(self.peer)
    }

    /// The network whose share the client has a part of; `None` for a proxy that brings clients of many.
    pub(crate) fn network(&self) -> Option<IpAddr> {
        (!self.is_of_proxy()).then(|| network(self.client().ip()))
    }

    /// The client is known: it is no stranger any more.
    pub(crate) fn known(&self) {
        if !self.known.swap(true, Ordering::Relaxed) {
            self.strangers.list().strangers.retain(|stranger| stranger.id != self.id);
        }
    }

    /// Whether the client has said who it is.
    pub(crate) fn is_known(&self) -> bool {
        self.known.load(Ordering::Relaxed)
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

    fn address(last: u8) -> SocketAddr {
        ([10, 0, 0, last], 1).into()
    }

    fn strangers(each_max: usize, all_max: usize) -> Arc<Strangers> {
        Strangers::new(each_max, all_max, TrustedProxies::of(&["10.0.0.9/32".parse().unwrap()]))
    }

    fn gone(places: &[Place]) -> Vec<bool> {
        places.iter().map(|place| place.evicted().is_cancelled()).collect()
    }

    #[test]
    fn the_oldest_of_a_network_goes_first() {
        let strangers = strangers(2, 4);
        let places: Vec<Place> = [1, 2, 1, 1].map(|last| strangers.admit(address(last))).into();
        assert_eq!(gone(&places), [true, false, false, false]);
        let _fourth = strangers.admit(address(3));
        let _fifth = strangers.admit(address(4));
        assert_eq!(gone(&places), [true, true, false, false]);
    }

    #[test]
    fn a_trusted_proxy_has_as_many_as_there_are_and_its_clients_a_share_each() {
        let strangers = strangers(2, 9);
        let places: Vec<Place> = (0..4).map(|_| strangers.admit(address(9))).collect();
        assert_eq!(gone(&places), [false; 4]);
        for place in &places {
            assert_eq!((place.is_of_proxy(), place.network()), (true, None));
            place.is_of(address(1));
            assert_eq!((place.client(), place.is_of_proxy()), (address(1), false));
            assert_eq!(place.network(), Some(address(1).ip()));
        }
        assert_eq!(gone(&places), [true, true, false, false]);
    }

    #[test]
    fn who_is_known_or_gone_counts_no_more() {
        let strangers = strangers(1, 9);
        let first = strangers.admit(address(1));
        assert!(!first.is_known());
        first.known();
        let second = strangers.admit(address(1));
        assert!(first.is_known() && !first.evicted().is_cancelled());
        drop(second);
        let third = strangers.admit(address(1));
        assert!(strangers.evict_oldest() && third.evicted().is_cancelled());
        assert!(!strangers.evict_oldest());
    }

    #[test]
    fn half_an_address_of_the_newer_kind_is_a_network() {
        let strangers = strangers(1, 9);
        let first = strangers.admit("[2001:db8::1]:1".parse().unwrap());
        let _second = strangers.admit("[2001:db8::2]:1".parse().unwrap());
        assert!(first.evicted().is_cancelled());
    }
}
