//! The live books as DataFusion tables: the latest event of each symbol, and the stream of all events.
//!
//! Each book is two tables. In `public` it is bounded: one row per symbol, the latest, answered from memory. In the
//! schema `live` it is unbounded: one row per event from the moment the query starts; such a query runs until it is
//! cancelled or its LIMIT is reached. Neither waits for the feed nor holds it up. Where no feed comes in, the first has
//! no rows and says why, and the second is refused.
//!
//! A query over an unbounded table is planned with one target partition: with more, the planner deals the rows to
//! several tasks, and the events of a symbol come out of order.

mod columns;
mod follow;
mod latest;
mod no_feed;
mod settle;
mod symbols;
mod watch;

use super::lookup::KeyedTable;
use crate::live::Live;
use crate::live::feed::FeedBoard;
use crate::market::event::{self, Event, Visitor};
use datafusion::catalog::TableProvider;
use follow::FollowTable;
use latest::LatestTable;
use std::sync::Arc;

/// A table and its name within its schema.
pub type NamedTable = (&'static str, Arc<dyn TableProvider>);

/// Tables of schema `public`, sorted by name: one row per symbol, sorted by symbol.
pub fn latest_tables(live: &Live) -> Vec<NamedTable> {
    struct Latest<'a>(&'a Live, Vec<NamedTable>);
    impl Visitor for Latest<'_> {
        fn visit<E: Event>(&mut self) {
            if E::LATEST.is_some() {
                self.1.push((E::NAME, Arc::new(LatestTable::<E>::new(self.0))));
            }
        }
    }
    let mut latest = Latest(live, Vec::new());
    event::each(&mut latest);
    latest.1
}

/// Tables of schema `live`, sorted by name: one row per event, from the start of the query on, without end.
pub fn follow_tables(live: &Live) -> Vec<NamedTable> {
    struct Following<'a>(&'a Live, Vec<NamedTable>);
    impl Visitor for Following<'_> {
        fn visit<E: Event>(&mut self) {
            if E::LIVE.is_some() {
                self.1.push((E::NAME, Arc::new(FollowTable::<E>::new(self.0))));
            }
        }
    }
    let mut following = Following(live, Vec::new());
    event::each(&mut following);
    following.1
}

/// A table of the latest events as one that is looked up by symbol.
pub fn keyed(table: &dyn TableProvider) -> Option<&dyn KeyedTable> {
    struct Keyed<'a>(&'a dyn TableProvider, Option<&'a dyn KeyedTable>);
    impl Visitor for Keyed<'_> {
        fn visit<E: Event>(&mut self) {
            if let Some(table) = self.0.downcast_ref::<LatestTable<E>>() {
                self.1 = Some(table);
            }
        }
    }
    let mut keyed = Keyed(table, None);
    event::each(&mut keyed);
    keyed.1
}

/// The feed that a live table shows events of.
#[derive(Debug, Clone)]
pub struct LiveFeed {
    /// What is known of it.
    pub feed: Arc<FeedBoard>,
    /// The event, by the name of its table.
    pub event: &'static str,
}

/// The feed behind a table of latest events, or one that follows them; `None` for other tables.
pub fn feed_of(table: &dyn TableProvider) -> Option<LiveFeed> {
    struct Fed<'a>(&'a dyn TableProvider, Option<LiveFeed>);
    impl Visitor for Fed<'_> {
        fn visit<E: Event>(&mut self) {
            let latest = self.0.downcast_ref::<LatestTable<E>>().map(LatestTable::feed);
            let feed = latest.or_else(|| self.0.downcast_ref::<FollowTable<E>>().map(FollowTable::feed));
            if let Some(feed) = feed {
                self.1 = Some(LiveFeed { feed: feed.clone(), event: E::NAME });
            }
        }
    }
    let mut fed = Fed(table, None);
    event::each(&mut fed);
    fed.1
}

#[cfg(test)]
mod tests;
