//! What every event is: its fields on the wire, and how the venue makes one.

use crate::simulator::exchange::{Exchange, Source};
use crate::simulator::value::Value;
use chrono::{DateTime, Utc};
use std::fmt::Debug;
use std::sync::Arc;

/// A field's name and how it is read from an event.
pub(crate) type Field<E> = (&'static str, for<'a> fn(&'a E) -> Value<'a>);

/// An event of one type: its fields on the wire, and how the venue makes one.
pub(crate) trait TypedEvent: Debug + Send + Sync + Sized + 'static {
    /// Fields the venue knows, in the order it announces when the client names none. The first two are the event
    /// type, which the frame fills in, and the symbol.
    const FIELDS: &'static [Field<Self>];

    /// Symbol in streamer spelling.
    fn symbol(&self) -> &Arc<str>;

    /// The event of a symbol at `now`; `None` where the symbol has none. `count` is the number of the event.
    fn at(
        _exchange: &Exchange,
        _symbol: &Arc<str>,
        _source: &Source,
        _now: DateTime<Utc>,
        _count: u64,
    ) -> Option<Self> {
        None
    }
}

/// An event of any type, as connections send it.
pub(crate) trait FeedEvent: Debug + Send + Sync {
    /// Symbol in streamer spelling.
    fn symbol(&self) -> &Arc<str>;

    /// Value of the field at a place of its type's table.
    fn value(&self, place: usize) -> Value<'_>;
}

impl<E: TypedEvent> FeedEvent for E {
    fn symbol(&self) -> &Arc<str> {
        TypedEvent::symbol(self)
    }

    fn value(&self, place: usize) -> Value<'_> {
        E::FIELDS.get(place).map_or(Value::Null, |(_, read)| read(self))
    }
}

/// An event that all connections share.
pub(crate) type Tick = Arc<dyn FeedEvent>;
