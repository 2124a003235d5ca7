//! What is followed, and by which connection: within the venue's limits, quotes before everything else, and each symbol's
//! events on one connection where there is room.

use super::events::EventType;
use super::session::Subscription;
use crate::live::feed::{LeftOut, Why};
use crate::market::event::Scope;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// What the feed follows, in streamer spelling.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FeedSymbols {
    /// Listed symbols in tastytrade spelling: their quotes, trades and other events are followed, and have this symbol.
    pub quotes: Vec<String>,
    /// Options: their quotes, greeks and other events are followed.
    pub greeks: Vec<String>,
    /// What queries name beside these: an event by the name of its table, and the symbol in our spelling.
    pub queried: BTreeSet<(&'static str, String)>,
    /// The spelling that the feed knows, of listed symbols where it is another one (`/ESZ26:XCME` of `/ESZ6`).
    pub spellings: BTreeMap<String, String>,
}

/// What the venue takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeedLimits {
    /// Connections that are open at once.
    pub connections: usize,
    /// Pairs of event type and symbol on one connection.
    pub subscriptions: usize,
}

impl Default for FeedLimits {
    /// As the vendor publishes them, of whose five sessions one is left for the bars.
    fn default() -> Self {
        Self { connections: 4, subscriptions: 25_000 }
    }
}

/// What one connection is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Share {
    pub(super) subscriptions: BTreeMap<Subscription, Why>,
    /// Our spelling by the feed's, where it is another one.
    pub(super) ours: HashMap<Arc<str>, Arc<str>>,
}

impl Share {
    /// Our spelling of a symbol that is subscribed.
    pub(super) fn name<'a>(&'a self, symbol: &'a Arc<str>) -> &'a Arc<str> {
        self.ours.get(symbol).unwrap_or(symbol)
    }
}

/// Who follows what. It remembers, so that what is followed stays where it is.
#[derive(Debug, Default)]
pub(super) struct Division {
    placed: BTreeMap<Subscription, usize>,
}

impl Division {
    /// The shares of the connections, the first ones fullest, and what there is no room for.
    pub(super) fn divide(&mut self, symbols: &FeedSymbols, limits: FeedLimits) -> (Vec<Share>, BTreeSet<LeftOut>) {
        let (connections, most) = (limits.connections.max(1), limits.subscriptions.max(1));
        let ours = symbols.spellings.iter().map(|(ours, theirs)| (theirs.as_str().into(), ours.as_str().into()));
        let ours: HashMap<Arc<str>, Arc<str>> = ours.collect();
        let wanted = symbols.wanted();
        let (total, room) = (wanted.len(), connections.saturating_mul(most));
        let mut ordered: Vec<(Subscription, Why)> = wanted.into_iter().collect();
        // By type first, and of one type what the configuration names before what queries do.
        ordered.sort_by(|(one, one_why), (other, other_why)| {
            (one.kind, one_why, &one.symbol).cmp(&(other.kind, other_why, &other.symbol))
        });
        let beyond = ordered.split_off(total.min(room));
        if !beyond.is_empty() {
            tracing::warn!(asked = total, followed = room, "more subscriptions than the venue takes");
        }
        let left_out = beyond.into_iter().map(|(one, why)| LeftOut {
            symbol: ours.get(&one.symbol).unwrap_or(&one.symbol).clone(),
            event: one.kind.table(),
            why,
        });
        let chosen: BTreeMap<Subscription, Why> = ordered.into_iter().collect();
        self.place(&chosen, connections, most);
        let used = self.placed.values().max().map_or(1, |last| last + 1);
        let mut shares = vec![Share::default(); used];
        for (subscription, line) in &self.placed {
            let (Some(share), Some(why)) = (shares.get_mut(*line), chosen.get(subscription)) else { continue };
            if let Some(name) = ours.get(&subscription.symbol) {
                share.ours.insert(subscription.symbol.clone(), name.clone());
            }
            share.subscriptions.insert(subscription.clone(), *why);
        }
        (shares, left_out.collect())
    }

    /// Gives each chosen one a connection with room, that of its symbol first.
    fn place(&mut self, chosen: &BTreeMap<Subscription, Why>, connections: usize, most: usize) {
        self.placed.retain(|one, _| chosen.contains_key(one));
        let mut sizes = vec![0_usize; connections];
        let mut homes: HashMap<Arc<str>, usize> = HashMap::new();
        for (one, line) in &self.placed {
            homes.insert(one.symbol.clone(), *line);
            if let Some(size) = sizes.get_mut(*line) {
                *size += 1;
            }
        }
        for one in chosen.keys() {
            if self.placed.contains_key(one) {
                continue;
            }
            let has_room = |line: &usize| sizes.get(*line).is_some_and(|size| *size < most);
            let home = homes.get(&one.symbol).copied().filter(has_room);
            let Some(line) = home.or_else(|| (0..connections).find(has_room)) else { continue };
            if let Some(size) = sizes.get_mut(line) {
                *size += 1;
            }
            homes.insert(one.symbol.clone(), line);
            self.placed.insert(one.clone(), line);
        }
        self.give_back(&mut sizes, most);
    }

    /// Empties the last connections, as far as what they follow has room on those before.
    fn give_back(&mut self, sizes: &mut Vec<usize>, most: usize) {
        while let Some(last) = sizes.pop() {
            let room: usize = sizes.iter().map(|size| most.saturating_sub(*size)).sum();
            if last > room {
                return;
            }
            let number = sizes.len();
            for line in self.placed.values_mut().filter(|line| **line == number) {
                let Some(with_room) = sizes.iter().position(|size| *size < most) else { return };
                *line = with_room;
                if let Some(size) = sizes.get_mut(with_room) {
                    *size += 1;
                }
            }
        }
    }
}

impl FeedSymbols {
    /// All that is to be followed, in the feed's spelling, and why.
    fn wanted(&self) -> BTreeMap<Subscription, Why> {
        let mut wanted = BTreeMap::new();
        let mut want = |kind, symbol: &str, why| {
            let subscription = Subscription { kind, symbol: symbol.into(), from_time: None };
            wanted.entry(subscription).or_insert(why);
        };
        let listed = self.quotes.iter().map(|symbol| (self.spelling(symbol), Scope::Listed));
        let options = self.greeks.iter().map(|symbol| (symbol.as_str(), Scope::Options));
        for (symbol, scope) in listed.chain(options).filter(|(symbol, _)| !symbol.is_empty()) {
            for kind in EventType::live().filter(|kind| has(*kind, scope)) {
                want(kind, symbol, Why::List);
            }
        }
        for (event, symbol) in &self.queried {
            let scope = if symbol.starts_with('.') { Scope::Options } else { Scope::Listed };
            for kind in EventType::live().filter(|kind| kind.table() == *event && has(*kind, scope)) {
                want(kind, self.spelling(symbol), Why::Query);
            }
        }
        wanted
    }

    /// How the feed spells a symbol.
    fn spelling<'a>(&'a self, symbol: &'a str) -> &'a str {
        self.spellings.get(symbol).map_or(symbol, String::as_str)
    }
}

/// Whether an event is asked for of symbols of a scope.
fn has(kind: EventType, scope: Scope) -> bool {
    kind.scope() == Some(Scope::Every) || kind.scope() == Some(scope)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn symbols(quotes: &[&str]) -> FeedSymbols {
        FeedSymbols { quotes: quotes.iter().map(|symbol| (*symbol).to_owned()).collect(), ..FeedSymbols::default() }
    }

    fn limits(connections: usize, subscriptions: usize) -> FeedLimits {
        FeedLimits { connections, subscriptions }
    }

    #[test]
    fn one_connection_takes_what_it_can_and_further_ones_the_rest() {
        // Four events of each listed symbol.
        let mut division = Division::default();
        let (shares, left_out) = division.divide(&symbols(&["A", "B", "C"]), limits(4, 12));
        assert_eq!((shares.len(), left_out.len()), (1, 0));
        let (shares, left_out) = Division::default().divide(&symbols(&["A", "B", "C"]), limits(4, 5));
        assert_eq!(shares.iter().map(|share| share.subscriptions.len()).collect::<Vec<_>>(), [5, 5, 2]);
        assert!(left_out.is_empty());
    }

    #[test]
    fn quotes_come_first_and_what_has_no_room_is_told() {
        let mut asked = symbols(&["A", "B"]);
        asked.queried = [("quotes", "Z".to_owned()), ("greeks", "A".to_owned())].into();
        let (shares, left_out) = Division::default().divide(&asked, limits(2, 2));
        let taken: Vec<_> = shares.iter().flat_map(|share| share.subscriptions.iter()).collect();
        let quotes = taken.iter().filter(|(one, _)| one.kind.table() == "quotes").count();
        assert_eq!((taken.len(), quotes), (4, 3));
        assert!(taken.iter().any(|(one, why)| &*one.symbol == "Z" && **why == Why::Query));
        // Greeks are of options alone, and nobody is asked for those of a share.
        assert_eq!(left_out.len(), 9 - 4);
        assert!(left_out.iter().all(|one| one.event != "quotes" && one.event != "greeks"));
    }

    #[test]
    fn what_is_followed_stays_where_it_is() {
        let mut division = Division::default();
        let (before, _) = division.divide(&symbols(&["B", "C"]), limits(3, 4));
        let (after, _) = division.divide(&symbols(&["A", "B", "C"]), limits(3, 4));
        for (share, now) in before.iter().zip(&after) {
            assert!(share.subscriptions.keys().all(|one| now.subscriptions.contains_key(one)));
        }
        // Connections that are not needed any more are given back.
        let (fewer, _) = division.divide(&symbols(&["A"]), limits(3, 4));
        assert_eq!(fewer.iter().map(|share| share.subscriptions.len()).collect::<Vec<_>>(), [4]);
    }

    #[test]
    fn rows_have_our_spelling() {
        let spellings = [("/ESZ6".to_owned(), "/ESZ26:XCME".to_owned())].into();
        let asked =
            FeedSymbols { queried: [("quotes", "/ESZ6".to_owned())].into(), spellings, ..FeedSymbols::default() };
        let (shares, _) = Division::default().divide(&asked, FeedLimits::default());
        let theirs: Arc<str> = "/ESZ26:XCME".into();
        assert!(shares[0].subscriptions.keys().all(|one| one.symbol == theirs));
        assert_eq!(&**shares[0].name(&theirs), "/ESZ6");
    }
}
