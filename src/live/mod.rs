//! The live market in memory: each book holds the latest event per symbol, and a bounded ring feeds its followers.
//!
//! One feed publishes; readers and subscribers never hold it up. The spool keeps events on this machine's disk until
//! the lake has them; nothing here touches SQL or the lake.

pub mod book;
pub mod columns;
pub mod feed;
pub mod spool;

use crate::clock::Clock;
use crate::market::event::{self, Event, Visitor};
use feed::{FeedBoard, FeedTerms};
use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::Arc;

pub use book::{Book, Delivery, Subscription};

/// One live book per event of the list. Shared by reference between the feed and the tables.
#[derive(Debug)]
pub struct Live {
    /// An `Arc<Book<E>>` by the type of its event.
    books: HashMap<TypeId, Box<dyn Any + Send + Sync>>,
    /// What is known of the feed.
    feed: Arc<FeedBoard>,
}

impl Live {
    /// Empty books whose rings hold `ring_events` events for a subscriber that lags.
    pub fn new(ring_events: usize) -> Self {
        Self::with_books(Some(ring_events))
    }

    /// The same, of a feed that tells by `clock` how it is.
    pub fn watched(ring_events: usize, clock: Clock, terms: FeedTerms) -> Self {
        Self { feed: Arc::new(FeedBoard::new(clock, terms)), ..Self::new(ring_events) }
    }

    /// The books of a process that takes in no live events.
    pub fn without_feed() -> Self {
        Self::with_books(None)
    }

    fn with_books(ring_events: Option<usize>) -> Self {
        struct Opening {
            ring_events: Option<usize>,
            books: HashMap<TypeId, Box<dyn Any + Send + Sync>>,
        }
        impl Visitor for Opening {
            fn visit<E: Event>(&mut self) {
                let book: Book<E> = match self.ring_events {
                    Some(events) => Book::new(events),
                    None => Book::without_feed(),
                };
                self.books.insert(TypeId::of::<E>(), Box::new(Arc::new(book)));
            }
        }
        let mut opening = Opening { ring_events, books: HashMap::new() };
        event::each(&mut opening);
        Self { books: opening.books, feed: Arc::default() }
    }

    /// What is known of the feed: how it is, what it follows and what was missed.
    pub fn feed(&self) -> &Arc<FeedBoard> {
        &self.feed
    }

    /// The book of one kind of event, which the feed publishes to and tables read.
    pub fn book<E: Event>(&self) -> &Arc<Book<E>> {
        let book = self.books.get(&TypeId::of::<E>()).and_then(|book| book.downcast_ref());
        book.expect("an event of the list has a book from the start")
    }
}
