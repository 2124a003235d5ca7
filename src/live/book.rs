//! The book of one kind of event: the latest event of each symbol, and a bounded ring that followers subscribe to.
//!
//! The feed publishes; tables read the latest and follow along. A reader never holds the feed up: reading takes no
//! lock, and a follower that falls behind loses events (each delivery counts them), never the latest of a symbol.

use super::feed::Listening;
use super::spool::Intake;
use crate::market::event::Event;
use arc_swap::{ArcSwap, ArcSwapOption};
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};

/// An event with its place among its symbol's events: 1 is the first the book has seen. A gap is a loss.
#[derive(Debug, Clone)]
struct Published<E> {
    number: u64,
    event: Arc<E>,
}

type Slots<E> = HashMap<Arc<str>, Arc<ArcSwap<Published<E>>>>;

/// Latest event per symbol. Readers take no lock; one that reads while the feed writes sees either event, whole.
#[derive(Debug)]
pub struct Book<E: Event> {
    slots: ArcSwap<Slots<E>>,
    /// Keeps two publishers of one symbol in one order. Readers do not take it; never held across an await.
    publishing: Mutex<()>,
    ring: broadcast::Sender<Published<E>>,
    /// Events published since the start.
    published: AtomicU64,
    /// Where a spool takes every event from; empty when no spool keeps them.
    recorder: ArcSwapOption<Intake<E>>,
    /// Whether a feed was announced.
    feed: bool,
}

impl<E: Event> Book<E> {
    /// An empty book of a feed; `ring_events` bounds what a lagging subscriber may still catch up with.
    pub fn new(ring_events: usize) -> Self {
        let (ring, _) = broadcast::channel(ring_events.max(1));
        Self {
            slots: ArcSwap::default(),
            publishing: Mutex::new(()),
            ring,
            published: AtomicU64::new(0),
            recorder: ArcSwapOption::empty(),
            feed: true,
        }
    }

    /// A book that no feed is known for.
    pub fn without_feed() -> Self {
        Self { feed: false, ..Self::new(1) }
    }

    /// Whether events come in here: a feed was announced, or has published.
    pub fn has_feed(&self) -> bool {
        self.feed || !self.is_empty()
    }

    /// Leaves every event from now on in an intake as well, in the order in which they are published: in the one that takes
    /// them already, or else in a new one for at most `events_max`.
    pub fn record(&self, events_max: usize) -> Arc<Intake<E>> {
        if let Some(intake) = self.recorder.load_full().filter(|intake| !intake.closed()) {
            return intake;
        }
        let intake = Arc::new(Intake::new(events_max));
        self.recorder.store(Some(intake.clone()));
        intake
    }

    /// Publishes one event of the feed, as [`Book::publish_all`] does with a frame of one.
    pub fn publish(&self, event: E) {
        self.publish_all(vec![event]);
    }

    /// Publishes a frame of events; symbols that are new cost one copy of the map together.
    pub fn publish_all(&self, events: Vec<E>) {
        let _publishing = self.publishing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut slots = self.slots.load_full();
        let known = slots.len();
        let frame: Vec<Published<E>> = events.into_iter().map(|event| store(&mut slots, event)).collect();
        if slots.len() > known {
            self.slots.store(slots);
        }
        if let Some(intake) = &*self.recorder.load() {
            intake.offer(frame.iter().map(|published| published.event.clone()));
        }
        let count = frame.len() as u64;
        // The slots come first: a follower that overruns the ring at this moment finds in them what it lost.
        for published in frame {
            // No subscriber is not an error: the ring simply has no reader.
            let _ = self.ring.send(published);
        }
        self.published.fetch_add(count, Relaxed);
    }

    /// Events published since the start.
    pub fn published(&self) -> u64 {
        self.published.load(Relaxed)
    }

    /// Latest event of every symbol, in no order.
    pub fn latest(&self) -> Vec<Arc<E>> {
        self.slots.load().values().map(|slot| slot.load().event.clone()).collect()
    }

    /// Latest event of one symbol; `None` before its first. Takes no lock.
    pub fn latest_of(&self, symbol: &str) -> Option<Arc<E>> {
        self.slots.load().get(symbol).map(|slot| slot.load().event.clone())
    }

    /// Number of symbols that have had an event since the process started.
    pub fn len(&self) -> usize {
        self.slots.load().len()
    }

    /// Whether no symbol has had an event.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of subscriptions that have not been dropped.
    pub fn followers(&self) -> usize {
        self.ring.receiver_count()
    }

    /// Follows the book from now on. `symbols` narrows it; `None` is every symbol.
    pub fn subscribe(self: &Arc<Self>, symbols: Option<HashSet<String>>) -> Subscription<E> {
        let receiver = self.ring.subscribe();
        let listening = Arc::new(Listening::default());
        listening.taken.store(self.published(), Relaxed);
        let mut subscription = Subscription {
            book: self.clone(),
            receiver,
            symbols,
            seen: HashMap::new(),
            pending: VecDeque::new(),
            listening,
        };
        for latest in subscription.wanted_latest() {
            subscription.seen.insert(latest.event.symbol().clone(), latest.number);
        }
        subscription
    }
}

/// Puts an event in its symbol's slot and gives it its number.
fn store<E: Event>(slots: &mut Arc<Slots<E>>, event: E) -> Published<E> {
    let event = Arc::new(event);
    match slots.get(event.symbol()) {
        Some(slot) => {
            let published = Published { number: slot.load().number.saturating_add(1), event };
            slot.store(Arc::new(published.clone()));
            published
        }
        None => {
            let published = Published { number: 1, event };
            let slot = Arc::new(ArcSwap::from_pointee(published.clone()));
            Arc::make_mut(slots).insert(published.event.symbol().clone(), slot);
            published
        }
    }
}

/// One event as a follower receives it.
#[derive(Debug, Clone)]
pub struct Delivery<E> {
    /// The event, shared with the book and every other follower.
    pub event: Arc<E>,
    /// Events of the same symbol that this follower lost just before this one; 0 unless it fell behind.
    pub missed: u64,
}

/// One follower of a book. Dropping it frees everything it holds.
///
/// Each event arrives at most once, and the events of a symbol in the order in which they were published.
#[derive(Debug)]
pub struct Subscription<E: Event> {
    book: Arc<Book<E>>,
    receiver: broadcast::Receiver<Published<E>>,
    symbols: Option<HashSet<String>>,
    /// Number of the newest event taken, per symbol.
    seen: HashMap<Arc<str>, u64>,
    pending: VecDeque<Delivery<E>>,
    /// How far it is, for whoever asks.
    listening: Arc<Listening>,
}

impl<E: Event> Subscription<E> {
    /// How far it is, for whoever asks.
    pub fn listening(&self) -> Arc<Listening> {
        self.listening.clone()
    }

    /// Waits for at least one event, then takes what is ready, at most `limit` (at least 1), oldest first.
    ///
    /// After a loss the latest event of each wanted symbol comes first, so that the follower is current again.
    /// `None`: the book is gone. Dropping the future loses nothing.
    pub async fn next_deliveries(&mut self, limit: usize) -> Option<Vec<Delivery<E>>> {
        let limit = limit.max(1);
        while self.pending.is_empty() {
            match self.receiver.recv().await {
                Ok(published) => self.received(published),
                Err(RecvError::Lagged(_)) => self.catch_up(),
                Err(RecvError::Closed) => return None,
            }
        }
        while self.pending.len() < limit {
            match self.receiver.try_recv() {
                Ok(published) => self.received(published),
                Err(TryRecvError::Lagged(_)) => self.catch_up(),
                Err(TryRecvError::Empty | TryRecvError::Closed) => {
                    // Where it stood while others published is not exact; here it is known to be at the end.
                    self.listening.taken.store(self.book.published(), Relaxed);
                    break;
                }
            }
        }
        let ready = limit.min(self.pending.len());
        Some(self.pending.drain(..ready).collect())
    }

    /// As [`Subscription::next_deliveries`], with the losses before and between the events summed up.
    pub async fn next(&mut self, limit: usize) -> Option<(Vec<Arc<E>>, u64)> {
        let deliveries = self.next_deliveries(limit).await?;
        let missed = deliveries.iter().map(|delivery| delivery.missed).sum();
        Some((deliveries.into_iter().map(|delivery| delivery.event).collect(), missed))
    }

    /// Takes an event off the ring.
    fn received(&mut self, published: Published<E>) {
        self.listening.taken.fetch_add(1, Relaxed);
        self.take(published);
    }

    /// Keeps an event that is wanted and newer than what this follower has of its symbol.
    fn take(&mut self, Published { number, event }: Published<E>) {
        if !self.wants(event.symbol()) {
            return;
        }
        let seen = match self.seen.get_mut(event.symbol()) {
            Some(seen) => seen,
            None => self.seen.entry(event.symbol().clone()).or_insert(0),
        };
        if number > *seen {
            let missed = number - *seen - 1;
            *seen = number;
            self.listening.missed.fetch_add(missed, Relaxed);
            self.listening.given.fetch_add(1, Relaxed);
            self.pending.push_back(Delivery { event, missed });
        }
    }

    /// The ring overran this follower: skip to its end and stand on the latest of each symbol instead.
    fn catch_up(&mut self) {
        // In this order, an event published in between is in both: `take` drops the second of the two.
        self.receiver = self.receiver.resubscribe();
        self.listening.taken.store(self.book.published(), Relaxed);
        for latest in self.wanted_latest() {
            self.take(latest);
        }
    }

    fn wanted_latest(&self) -> Vec<Published<E>> {
        let slots = self.book.slots.load();
        match &self.symbols {
            None => slots.values().map(|slot| Published::clone(&slot.load())).collect(),
            Some(symbols) => {
                let wanted = symbols.iter().filter_map(|symbol| slots.get(symbol.as_str()));
                wanted.map(|slot| Published::clone(&slot.load())).collect()
            }
        }
    }

    fn wants(&self, symbol: &str) -> bool {
        self.symbols.as_ref().is_none_or(|symbols| symbols.contains(symbol))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::market::event::Trade;
    use chrono::DateTime;
    use std::time::Duration;

    fn trade(symbol: &str, volume: i64) -> Trade {
        Trade {
            symbol: symbol.into(),
            price: Some(1.0),
            size: None,
            change: None,
            day_volume: Some(volume),
            event_at: None,
            received_at: DateTime::UNIX_EPOCH,
        }
    }

    fn volumes(deliveries: &[Delivery<Trade>]) -> Vec<(String, i64, u64)> {
        let volume = |delivery: &Delivery<Trade>| delivery.event.day_volume.unwrap();
        deliveries.iter().map(|d| (d.event.symbol.to_string(), volume(d), d.missed)).collect()
    }

    #[test]
    fn the_latest_event_of_a_symbol_wins_within_a_frame_and_across_frames() {
        let book = Book::new(4);
        book.publish_all(vec![trade("A", 1), trade("B", 1), trade("A", 2)]);
        assert_eq!(book.latest_of("A").unwrap().day_volume, Some(2));
        book.publish(trade("A", 3));
        assert_eq!(book.latest_of("A").unwrap().day_volume, Some(3));
        assert_eq!(book.len(), 2);
        assert!(book.latest_of("C").is_none());
    }

    #[tokio::test]
    async fn a_follower_gets_events_from_now_on_narrowed_to_its_symbols() {
        let book = Arc::new(Book::new(16));
        book.publish(trade("A", 1));
        let mut follower = book.subscribe(Some(HashSet::from(["A".to_owned(), "NEW".to_owned()])));
        book.publish_all(vec![trade("A", 2), trade("B", 1), trade("NEW", 1)]);
        let ready = follower.next_deliveries(10).await.unwrap();
        assert_eq!(volumes(&ready), [("A".to_owned(), 2, 0), ("NEW".to_owned(), 1, 0)]);
    }

    #[tokio::test]
    async fn a_follower_that_lags_is_told_how_much_it_lost_of_each_symbol() {
        let book = Arc::new(Book::new(4));
        let mut follower = book.subscribe(None);
        for volume in 1..=100 {
            book.publish(trade("A", volume));
        }
        book.publish(trade("B", 1));
        let mut ready = volumes(&follower.next_deliveries(10).await.unwrap());
        ready.sort();
        assert_eq!(ready, [("A".to_owned(), 100, 99), ("B".to_owned(), 1, 0)]);
        book.publish(trade("A", 101));
        assert_eq!(volumes(&follower.next_deliveries(10).await.unwrap()), [("A".to_owned(), 101, 0)]);
    }

    #[tokio::test]
    async fn a_loss_among_other_symbols_is_not_a_loss() {
        let book = Arc::new(Book::new(4));
        let mut follower = book.subscribe(Some(HashSet::from(["B".to_owned()])));
        for volume in 1..=100 {
            book.publish(trade("A", volume));
        }
        book.publish(trade("B", 1));
        assert_eq!(volumes(&follower.next_deliveries(10).await.unwrap()), [("B".to_owned(), 1, 0)]);
    }

    #[tokio::test]
    async fn at_most_limit_events_come_at_once_even_after_a_loss() {
        let book = Arc::new(Book::new(2));
        let mut follower = book.subscribe(None);
        for number in 0..10 {
            book.publish(trade(&format!("S{number}"), 1));
        }
        let mut received = 0;
        while received < 10 {
            let ready = follower.next_deliveries(3).await.unwrap();
            assert!((1..=3).contains(&ready.len()));
            received += ready.len();
        }
    }

    #[tokio::test]
    async fn dropping_a_subscription_or_a_waiting_future_leaves_nothing_behind() {
        let book = Arc::new(Book::new(8));
        let mut follower = book.subscribe(None);
        let waited = tokio::time::timeout(Duration::from_millis(5), follower.next_deliveries(1)).await;
        assert!(waited.is_err());
        book.publish(trade("A", 1));
        assert_eq!(volumes(&follower.next_deliveries(1).await.unwrap()), [("A".to_owned(), 1, 0)]);
        assert_eq!(book.followers(), 1);
        drop(follower);
        assert_eq!(book.followers(), 0);
    }

    /// Two publishers and three followers of one small ring: every follower sees each symbol's events in order, ends
    /// on the last, and what it received and what it lost add up to what was published.
    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn no_follower_ever_sees_a_symbol_go_backwards() {
        const EVENTS: i64 = 5_000;
        let book = Arc::new(Book::<Trade>::new(16));
        let followers: Vec<_> = (0..3)
            .map(|number| {
                let mut follower = book.subscribe(None);
                tokio::spawn(async move {
                    let mut last: HashMap<String, i64> = HashMap::new();
                    let mut counted: HashMap<String, i64> = HashMap::new();
                    while last.len() < 6 || last.values().any(|volume| *volume < EVENTS) {
                        for delivery in follower.next_deliveries(1 + number * 50).await.unwrap() {
                            let symbol = delivery.event.symbol.to_string();
                            let volume = delivery.event.day_volume.unwrap();
                            let before = last.insert(symbol.clone(), volume).unwrap_or(0);
                            assert!(volume > before, "{symbol} went from {before} to {volume}");
                            *counted.entry(symbol).or_default() += 1 + i64::try_from(delivery.missed).unwrap();
                        }
                        tokio::task::yield_now().await;
                    }
                    assert!(counted.values().all(|count| *count == EVENTS), "{counted:?}");
                })
            })
            .collect();
        let publishers: Vec<_> = [["A", "B", "C"], ["D", "E", "F"]]
            .into_iter()
            .map(|symbols| {
                let book = book.clone();
                std::thread::spawn(move || {
                    for volume in 1..=EVENTS {
                        book.publish_all(symbols.iter().map(|symbol| trade(symbol, volume)).collect());
                    }
                })
            })
            .collect();
        for publisher in publishers {
            publisher.join().unwrap();
        }
        for follower in followers {
            tokio::time::timeout(Duration::from_secs(30), follower).await.unwrap().unwrap();
        }
    }
}
