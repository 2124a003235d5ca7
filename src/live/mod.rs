//! What the market does now, in memory: the latest event per symbol, and bounded rings to whoever follows along.
//!
//! One feed publishes; readers and subscribers never hold it up. The spool keeps events on this machine's disk until
//! the lake has them; nothing here touches SQL or the lake.

pub mod book;
pub mod columns;
pub mod spool;

use crate::market::event::{self, Event, Visitor};
use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::Arc;

pub use book::{Book, Delivery, Subscription};

/// One live book per event of the list. Shared by reference between the feed and the tables.
#[derive(Debug)]
pub struct Live {
    /// An `Arc<Book<E>>` by the type of its event.
    books: HashMap<TypeId, Box<dyn Any + Send + Sync>>,
}

impl Live {
    /// Empty books whose rings hold `ring_events` events for a subscriber that lags.
    pub fn new(ring_events: usize) -> Self {
        Self::with_books(Some(ring_events))
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
        Self { books: opening.books }
    }

    /// The book of one event.
    pub fn book<E: Event>(&self) -> &Arc<Book<E>> {
        let book = self.books.get(&TypeId::of::<E>()).and_then(|book| book.downcast_ref());
        book.expect("an event of the list has a book from the start")
    }
}
