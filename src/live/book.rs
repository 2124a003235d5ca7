//! Latest event per symbol, and a bounded ring of events for subscribers.

use crate::market::quote::{Greeks, Quote, Trade};
use arc_swap::ArcSwap;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};

/// An event that belongs to a symbol.
pub trait LiveEvent: Clone + Send + Sync + 'static {
    /// Symbol in streamer spelling.
    fn symbol(&self) -> &Arc<str>;
}

impl LiveEvent for Quote {
    fn symbol(&self) -> &Arc<str> {
        &self.symbol
    }
}

impl LiveEvent for Trade {
    fn symbol(&self) -> &Arc<str> {
        &self.symbol
    }
}

impl LiveEvent for Greeks {
    fn symbol(&self) -> &Arc<str> {
        &self.symbol
    }
}

type Slot<E> = Arc<ArcSwap<E>>;

/// Latest event per symbol. Readers take no lock; one that reads while the feed writes sees either event, whole.
#[derive(Debug)]
pub struct Book<E: LiveEvent> {
    slots: ArcSwap<HashMap<Arc<str>, Slot<E>>>,
    /// Held only while a new symbol is added, never across an await.
    adding: Mutex<()>,
    ring: broadcast::Sender<Arc<E>>,
}

impl<E: LiveEvent> Book<E> {
    /// An empty book; `ring_events` bounds what a lagging subscriber may still catch up with.
    pub fn new(ring_events: usize) -> Self {
        let (ring, _) = broadcast::channel(ring_events.max(1));
        Self { slots: ArcSwap::default(), adding: Mutex::new(()), ring }
    }

    /// Publishes one event.
    pub fn publish(&self, event: E) {
        self.publish_all(vec![event]);
    }

    /// Publishes a frame of events; symbols that are new cost one copy of the map together.
    pub fn publish_all(&self, events: Vec<E>) {
        let slots = self.slots.load();
        let mut new = Vec::new();
        for event in events {
            let event = Arc::new(event);
            match slots.get(event.symbol()) {
                Some(slot) => slot.store(event.clone()),
                None => new.push(event.clone()),
            }
            // No subscriber is not an error: the ring simply has no reader.
            let _ = self.ring.send(event);
        }
        if !new.is_empty() {
            self.add(&new);
        }
    }

    fn add(&self, events: &[Arc<E>]) {
        let _adding = self.adding.lock().unwrap_or_else(PoisonError::into_inner);
        let mut slots = HashMap::clone(&self.slots.load());
        for event in events {
            match slots.get(event.symbol()) {
                Some(slot) => slot.store(event.clone()),
                None => {
                    slots.insert(event.symbol().clone(), Arc::new(ArcSwap::new(event.clone())));
                }
            }
        }
        self.slots.store(Arc::new(slots));
    }

    /// Latest event of every symbol, in no order.
    pub fn latest(&self) -> Vec<Arc<E>> {
        self.slots.load().values().map(|slot| slot.load_full()).collect()
    }

    /// Latest event of one symbol.
    pub fn latest_of(&self, symbol: &str) -> Option<Arc<E>> {
        self.slots.load().get(symbol).map(|slot| slot.load_full())
    }

    /// Symbols that have had an event.
    pub fn len(&self) -> usize {
        self.slots.load().len()
    }

    /// Whether no symbol has had an event.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Follows the book from now on. `symbols` narrows it; `None` is every symbol.
    pub fn subscribe(self: &Arc<Self>, symbols: Option<HashSet<String>>) -> Subscription<E> {
        Subscription { book: self.clone(), receiver: self.ring.subscribe(), symbols, pending: Vec::new(), missed: 0 }
    }
}

/// One follower of a book. Dropping it frees everything it holds.
#[derive(Debug)]
pub struct Subscription<E: LiveEvent> {
    book: Arc<Book<E>>,
    receiver: broadcast::Receiver<Arc<E>>,
    symbols: Option<HashSet<String>>,
    pending: Vec<Arc<E>>,
    missed: u64,
}

impl<E: LiveEvent> Subscription<E> {
    fn wanted(&self, event: &E) -> bool {
        self.symbols.as_ref().is_none_or(|symbols| symbols.contains(event.symbol().as_ref()))
    }

    /// Waits for at least one event, then takes what is ready, at most `limit`, oldest first.
    ///
    /// Returns the events and how many of the ring's events were lost before the first of them. After a loss the
    /// latest event of each wanted symbol comes first, so that the follower is current again. `None`: the book is
    /// gone. Dropping the future loses nothing.
    pub async fn next(&mut self, limit: usize) -> Option<(Vec<Arc<E>>, u64)> {
        loop {
            if self.pending.is_empty() {
                match self.receiver.recv().await {
                    Ok(event) => self.keep(event),
                    Err(RecvError::Lagged(lost)) => self.conflate(lost),
                    Err(RecvError::Closed) => return None,
                }
            }
            while self.pending.len() < limit {
                match self.receiver.try_recv() {
                    Ok(event) => self.keep(event),
                    Err(TryRecvError::Lagged(lost)) => self.conflate(lost),
                    Err(TryRecvError::Empty | TryRecvError::Closed) => break,
                }
            }
            if !self.pending.is_empty() {
                return Some((std::mem::take(&mut self.pending), std::mem::take(&mut self.missed)));
            }
        }
    }

    fn keep(&mut self, event: Arc<E>) {
        if self.wanted(&event) {
            self.pending.push(event);
        }
    }

    /// The ring overran this follower: skip to its end and stand on the latest of each symbol instead.
    fn conflate(&mut self, lost: u64) {
        let left = self.receiver.len() as u64;
        self.receiver = self.receiver.resubscribe();
        self.missed += lost + left + self.pending.len() as u64;
        self.pending = self.book.latest().into_iter().filter(|event| self.wanted(event)).collect();
    }
}
