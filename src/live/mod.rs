//! What the market does now, in memory: the latest event per symbol, and bounded rings to whoever follows along.
//!
//! One feed publishes; readers and subscribers never hold it up. The spool keeps events on this machine's disk until
//! the lake has them; nothing here touches SQL or the lake.

pub mod book;
pub mod spool;

use crate::market::quote::{Greeks, Quote, Trade};
use std::sync::Arc;

pub use book::{Book, Delivery, LiveEvent, Subscription};

/// The three live books. Shared by reference between the feed and the tables.
#[derive(Debug)]
pub struct Live {
    /// Best bid and ask.
    pub quotes: Arc<Book<Quote>>,
    /// Last trades.
    pub trades: Arc<Book<Trade>>,
    /// Option sensitivities.
    pub greeks: Arc<Book<Greeks>>,
}

impl Live {
    /// Empty books whose rings hold `ring_events` events for a subscriber that lags.
    pub fn new(ring_events: usize) -> Self {
        Self {
            quotes: Arc::new(Book::new(ring_events)),
            trades: Arc::new(Book::new(ring_events)),
            greeks: Arc::new(Book::new(ring_events)),
        }
    }

    /// The books of a process that takes in no live events.
    pub fn without_feed() -> Self {
        Self {
            quotes: Arc::new(Book::without_feed()),
            trades: Arc::new(Book::without_feed()),
            greeks: Arc::new(Book::without_feed()),
        }
    }
}
