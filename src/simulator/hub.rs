//! The generator of ticks: events such as quotes and trades of the symbols somebody is subscribed to, in batches.

use crate::simulator::event::{EventKind, Pace, SHARE_OF_QUOTES, Tick};
use crate::simulator::exchange::{Exchange, Source};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::broadcast;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

/// How often a batch is made.
const BATCH_EVERY: Duration = Duration::from_millis(20);
/// Batches a slow connection may still catch up with: five seconds.
const BATCHES_KEPT: usize = 256;
/// Name of the events that are counted.
const QUOTE: &str = "Quote";
/// After a stall at most this many seconds of ticks are made up for.
const STALL_SECONDS_MAX: f64 = 0.25;

/// Ticks of one moment, by type. Shared by all connections.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) ticks: Vec<(EventKind, Vec<Tick>)>,
}

/// Who wants what, and the batches that come of it.
#[derive(Debug)]
pub(crate) struct Hub {
    /// Held while symbols are added, removed or picked; never across an await.
    wanted: Mutex<HashMap<EventKind, Wanted>>,
    batches: broadcast::Sender<Arc<Batch>>,
    quotes: AtomicU64,
}

/// The symbols of one kind, each with the number of its subscribers.
#[derive(Debug, Default)]
struct Wanted {
    entries: Vec<(Arc<str>, Arc<Source>, usize)>,
    places: HashMap<Arc<str>, usize>,
    next: usize,
}

impl Wanted {
    fn add(&mut self, symbol: &Arc<str>, source: &Arc<Source>) {
        match self.places.get(symbol).and_then(|place| self.entries.get_mut(*place)) {
            Some((_, _, subscribers)) => *subscribers += 1,
            None => {
                self.places.insert(symbol.clone(), self.entries.len());
                self.entries.push((symbol.clone(), source.clone(), 1));
            }
        }
    }

    fn remove(&mut self, symbol: &Arc<str>) {
        let Some(place) = self.places.get(symbol).copied() else { return };
        let Some((_, _, subscribers)) = self.entries.get_mut(place) else { return };
        *subscribers -= 1;
        if *subscribers == 0 {
            self.entries.swap_remove(place);
            self.places.remove(symbol);
            if let Some((moved, _, _)) = self.entries.get(place) {
                self.places.insert(moved.clone(), place);
            }
        }
    }

    /// The next symbols in turn, so that each gets its share.
    fn pick(&mut self, count: usize) -> Vec<(Arc<str>, Arc<Source>)> {
        let start = self.next;
        self.next = if self.entries.is_empty() { 0 } else { (start + count) % self.entries.len() };
        let turns = self.entries.iter().cycle().skip(start % self.entries.len().max(1)).take(count);
        turns.map(|(symbol, source, _)| (symbol.clone(), source.clone())).collect()
    }
}

impl Hub {
    pub(crate) fn new() -> Self {
        let (batches, _) = broadcast::channel(BATCHES_KEPT);
        Self { wanted: Mutex::default(), batches, quotes: AtomicU64::new(0) }
    }

    /// Counts one more subscriber of a symbol.
    pub(crate) fn add(&self, kind: EventKind, symbol: &Arc<str>, source: &Arc<Source>) {
        let mut wanted = self.wanted.lock().unwrap_or_else(PoisonError::into_inner);
        wanted.entry(kind).or_default().add(symbol, source);
    }

    /// Counts one subscriber of a symbol less.
    pub(crate) fn remove(&self, kind: EventKind, symbol: &Arc<str>) {
        let mut wanted = self.wanted.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(wanted) = wanted.get_mut(&kind) {
            wanted.remove(symbol);
        }
    }

    /// Batches from now on.
    pub(crate) fn follow(&self) -> broadcast::Receiver<Arc<Batch>> {
        self.batches.subscribe()
    }

    /// Quote events made so far.
    pub(crate) fn quotes(&self) -> u64 {
        self.quotes.load(Ordering::Relaxed)
    }

    fn pick(&self, kind: EventKind, count: impl FnOnce(usize) -> usize) -> Vec<(Arc<str>, Arc<Source>)> {
        let mut wanted = self.wanted.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(wanted) = wanted.get_mut(&kind) else { return Vec::new() };
        let count = count(wanted.entries.len());
        wanted.pick(count)
    }

    /// Makes `rate` quotes a second over all symbols, and as many events of other types as their pace says, until
    /// `shutdown`.
    pub(crate) async fn run(self: Arc<Self>, exchange: Arc<Exchange>, rate: f64, shutdown: CancellationToken) {
        let mut every = tokio::time::interval(BATCH_EVERY);
        every.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut dues: Vec<(EventKind, Due)> =
            EventKind::all().filter(|kind| kind.ticks()).map(|kind| (kind, Due::default())).collect();
        let mut count = 0_u64;
        let mut before = Instant::now();
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                _ = every.tick() => {}
            }
            let elapsed = before.elapsed().as_secs_f64().min(STALL_SECONDS_MAX);
            before = Instant::now();
            let now = exchange.clock.now();
            let mut batch = Batch::default();
            for (kind, due) in &mut dues {
                let picked = self.pick(*kind, |symbols| match kind.pace() {
                    Pace::PerQuote(share) => due.take(rate * share, elapsed),
                    _ => due.take((symbols as f64).min(rate * SHARE_OF_QUOTES), elapsed).min(symbols),
                });
                let made = picked.iter().filter_map(|(symbol, source)| {
                    count += 1;
                    kind.make(&exchange, symbol, source, now, count)
                });
                let made: Vec<Tick> = made.collect();
                if kind.name() == QUOTE {
                    self.quotes.fetch_add(made.len() as u64, Ordering::Relaxed);
                }
                if !made.is_empty() {
                    batch.ticks.push((*kind, made));
                }
            }
            if !batch.ticks.is_empty() {
                // Nobody connected is not an error.
                let _ = self.batches.send(Arc::new(batch));
            }
        }
    }
}

/// Turns a rate into whole events without losing the fractions.
#[derive(Debug, Default)]
struct Due(f64);

impl Due {
    fn take(&mut self, rate: f64, seconds: f64) -> usize {
        self.0 += rate.max(0.0) * seconds;
        let whole = self.0.floor();
        self.0 -= whole;
        whole as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn symbols_take_turns() {
        let mut wanted = Wanted::default();
        let source = Arc::new(Source::Equity(0));
        let names: Vec<Arc<str>> = ["A", "B", "C"].map(Arc::from).to_vec();
        names.iter().for_each(|name| wanted.add(name, &source));
        wanted.add(&names[1], &source);
        let picked = |wanted: &mut Wanted, count| {
            wanted.pick(count).into_iter().map(|(name, _)| name.to_string()).collect::<String>()
        };
        assert_eq!(picked(&mut wanted, 4), "ABCA");
        assert_eq!(picked(&mut wanted, 3), "BCA");
        wanted.remove(&names[1]);
        wanted.remove(&names[0]);
        assert_eq!(wanted.entries.len(), 2);
        wanted.remove(&names[1]);
        assert_eq!(picked(&mut wanted, 2), "CC");
        wanted.remove(&names[2]);
        assert_eq!(picked(&mut wanted, 2), "");
    }

    #[test]
    fn fractions_add_up() {
        let mut due = Due::default();
        let made: usize = (0..100).map(|_| due.take(30.0, 0.02)).sum();
        assert!((59..=60).contains(&made), "{made}");
    }
}
