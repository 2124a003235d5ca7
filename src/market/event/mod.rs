//! Live events, one file each, and the one list of them.
//!
//! [`Event`] is what a kind of event tells of itself. Books, tables, datasets, spools, the catalog and the subscriptions
//! of the feed follow the list. A price or size the venue does not know is `None`, never zero and never NaN.

mod column;
mod definition;
mod description;
mod greeks;
mod quote;
mod summary;
mod time_and_sale;
mod trade;

pub use column::{Column, ColumnDescription, Kind, Read};
pub use definition::{Event, HISTORY_KEY, History, LATEST_KEY, Scope};
pub use description::EventDescription;
pub use greeks::Greeks;
pub use quote::Quote;
pub use summary::Summary;
pub use time_and_sale::TimeAndSale;
pub use trade::Trade;

use std::sync::LazyLock;

/// Every live event, sorted by name.
pub type All = (Greeks, (Quote, (Summary, (TimeAndSale, (Trade, ())))));

/// Something that is done with each event type of a list.
pub trait Visitor {
    /// Does it with one.
    fn visit<E: Event>(&mut self);
}

/// A list of event types: `()` is empty, `(E, Rest)` begins with `E`.
pub trait List {
    /// Visits the types in order.
    fn each(visitor: &mut impl Visitor);
}

impl List for () {
    fn each(_: &mut impl Visitor) {}
}

impl<E: Event, Rest: List> List for (E, Rest) {
    fn each(visitor: &mut impl Visitor) {
        visitor.visit::<E>();
        Rest::each(visitor);
    }
}

/// Visits every live event, in order of name.
pub fn each(visitor: &mut impl Visitor) {
    All::each(visitor);
}

static DESCRIPTIONS: LazyLock<Vec<EventDescription>> = LazyLock::new(|| {
    struct Describing(Vec<EventDescription>);
    impl Visitor for Describing {
        fn visit<E: Event>(&mut self) {
            self.0.push(EventDescription::of::<E>());
        }
    }
    let mut describing = Describing(Vec::new());
    each(&mut describing);
    describing.0
});

/// Every live event as plain data, sorted by name.
pub fn descriptions() -> &'static [EventDescription] {
    &DESCRIPTIONS
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn events_are_sorted_and_their_names_are_their_own() {
        assert!(descriptions().is_sorted_by(|one, other| one.name < other.name));
        for event in descriptions() {
            assert!(event.latest.is_some() || event.live.is_some() || event.history.is_some(), "{}", event.name);
            let named = event.history.is_none_or(|history| history.name == format!("{}_history", event.name));
            assert!(named, "{:?}", event.history);
        }
    }

    #[test]
    fn columns_have_names_of_their_own_and_a_comment() {
        for event in descriptions() {
            for columns in [event.live_columns(), event.history_columns()] {
                let names: HashSet<_> = columns.iter().map(|column| column.name).collect();
                assert_eq!(names.len(), columns.len(), "{}", event.name);
                for column in columns {
                    let comment = &column.comment;
                    assert!(comment.len() > 10 && comment.ends_with('.'), "{}.{}: {comment}", event.name, column.name);
                }
            }
        }
    }

    #[test]
    fn what_is_computed_is_not_kept() {
        let quotes = descriptions().iter().find(|event| event.name == "quotes");
        let has = |columns: Vec<ColumnDescription>| columns.iter().any(|one| one.name == "mid");
        assert_eq!(quotes.map(|quotes| has(quotes.latest_columns())), Some(true));
        assert_eq!(quotes.map(|quotes| has(quotes.history_columns())), Some(false));
    }

    #[test]
    fn a_table_is_of_an_event_where_the_event_says_so() {
        let columns = |schema, table| descriptions().iter().filter_map(|event| event.columns_of(schema, table)).count();
        assert_eq!(columns("public", "greeks"), 1);
        assert_eq!(columns("live", "greeks"), 1);
        assert_eq!(columns("public", "greeks_history"), 0);
        assert_eq!(columns("public", "trades_history"), 1);
        assert_eq!(columns("live", "trades_history"), 0);
    }
}
