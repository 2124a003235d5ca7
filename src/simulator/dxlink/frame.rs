//! Writes feed frames as JSON text: one event type a frame, COMPACT rows or FULL objects.

use crate::simulator::event::{EventKind, FeedEvent};
use crate::simulator::value::{Value, write_text};
use std::fmt::Write;

/// How event data is spelled on a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// Objects with names.
    Full,
    /// Values in the announced order.
    Compact,
}

impl Format {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Full => "FULL",
            Self::Compact => "COMPACT",
        }
    }
}

/// Fields of one event type in the order they are sent, as places in the type's table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Layout {
    places: Vec<usize>,
}

impl Layout {
    /// The requested fields that are known, in the requested order; every field when none are requested.
    pub(crate) fn new(kind: EventKind, requested: Option<&[String]>) -> Self {
        let known = kind.names();
        let place = |name: &String| known.iter().position(|known| known == name);
        let places = match requested {
            Some(names) => names.iter().filter_map(place).collect(),
            None => (0..known.len()).collect(),
        };
        Self { places }
    }

    /// The same fields the other way round.
    pub(crate) fn reverse(&mut self) {
        self.places.reverse();
    }

    /// Names of the fields in order.
    pub(crate) fn names(&self, kind: EventKind) -> Vec<&'static str> {
        let known = kind.names();
        self.places.iter().filter_map(|place| known.get(*place)).copied().collect()
    }
}

/// One `FEED_DATA` frame. Prices of events that `missing` names are written as `"NaN"`.
pub(crate) fn data(
    channel: u64,
    kind: EventKind,
    format: Format,
    layout: &Layout,
    events: &[&dyn FeedEvent],
    missing: impl Fn(&dyn FeedEvent) -> bool,
) -> String {
    let (kind, known) = (kind.name(), kind.names());
    let mut out = String::with_capacity(64 + events.len() * layout.places.len() * 10);
    // Writing to a String cannot fail.
    let _ = write!(out, "{{\"type\":\"FEED_DATA\",\"channel\":{channel},\"data\":[");
    if format == Format::Compact {
        let _ = write!(out, "\"{kind}\",[");
    }
    for (number, event) in events.iter().enumerate() {
        if number > 0 {
            out.push(',');
        }
        let absent = missing(*event);
        match format {
            Format::Compact => write_row(&mut out, kind, layout, *event, absent),
            Format::Full => write_object(&mut out, kind, &known, layout, *event, absent),
        }
    }
    out.push_str(if format == Format::Compact { "]]}" } else { "]}" });
    out
}

/// One `FEED_DATA` frame with the blocks of several, which are of one channel.
pub(crate) fn joined(frames: &[String]) -> String {
    let parts = |frame: &str| {
        let (head, rest) = frame.split_once("\"data\":[").unwrap_or((frame, ""));
        (head.to_owned(), rest.strip_suffix("]}").unwrap_or(rest).to_owned())
    };
    let (heads, blocks): (Vec<_>, Vec<_>) = frames.iter().map(|frame| parts(frame)).unzip();
    format!("{}\"data\":[{}]}}", heads.first().map_or("{", String::as_str), blocks.join(","))
}

/// One `FEED_DATA` frame of a type nobody knows.
pub(crate) fn unknown(channel: u64, format: Format) -> String {
    let block = match format {
        Format::Compact => r#""Mystery",["Mystery","SPY",1.0,"Mystery","QQQ",2.0]"#,
        Format::Full => r#"{"eventType":"Mystery","eventSymbol":"SPY","depth":1.0}"#,
    };
    format!("{{\"type\":\"FEED_DATA\",\"channel\":{channel},\"data\":[{block}]}}")
}

/// The value of the field at a place; the first field of every table is the event type.
fn value<'a>(kind: &'a str, event: &'a dyn FeedEvent, place: usize, absent: bool) -> Value<'a> {
    match place {
        0 => Value::Text(kind),
        _ => match event.value(place) {
            Value::Number(_) if absent => Value::Number(f64::NAN),
            value => value,
        },
    }
}

fn write_row(out: &mut String, kind: &str, layout: &Layout, event: &dyn FeedEvent, absent: bool) {
    for (number, place) in layout.places.iter().enumerate() {
        if number > 0 {
            out.push(',');
        }
        value(kind, event, *place, absent).write(out);
    }
}

/// An object begins with type and symbol whatever the layout; fields without a value are left out.
fn write_object(out: &mut String, kind: &str, known: &[&str], layout: &Layout, event: &dyn FeedEvent, absent: bool) {
    out.push_str("{\"eventType\":");
    write_text(out, kind);
    out.push_str(",\"eventSymbol\":");
    value(kind, event, 1, false).write(out);
    for place in layout.places.iter().filter(|place| **place > 1) {
        let value = value(kind, event, *place, absent);
        let unset =
            matches!(value, Value::Null) || matches!(value, Value::Number(number) if number.is_nan() && !absent);
        if let (false, Some(name)) = (unset, known.get(*place)) {
            let _ = write!(out, ",\"{name}\":");
            value.write(out);
        }
    }
    out.push('}');
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::simulator::event::QuoteEvent;
    use chrono::DateTime;

    fn quote(symbol: &str, bid: f64) -> QuoteEvent {
        let time = DateTime::from_timestamp_millis(1_767_627_000_000).unwrap();
        QuoteEvent { symbol: symbol.into(), time, bid, ask: bid + 0.5, bid_size: 300.0, ask_size: 200.0 }
    }

    fn kind() -> EventKind {
        EventKind::from_name("Quote").unwrap()
    }

    fn layout(names: &[&str]) -> Layout {
        Layout::new(kind(), Some(&names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()))
    }

    #[test]
    fn compact_rows_follow_the_requested_order() {
        let layout = layout(&["askPrice", "eventSymbol", "nonsense", "eventType", "bidPrice"]);
        assert_eq!(layout.names(kind()), ["askPrice", "eventSymbol", "eventType", "bidPrice"]);
        let frame =
            data(7, kind(), Format::Compact, &layout, &[&quote("SPY", 500.0), &quote("QQQ", 420.25)], |_| false);
        assert_eq!(
            frame,
            r#"{"type":"FEED_DATA","channel":7,"data":["Quote",[500.5,"SPY","Quote",500.0,420.75,"QQQ","Quote",420.25]]}"#
        );
    }

    #[test]
    fn full_objects_have_names() {
        let layout = layout(&["bidPrice", "bidTime"]);
        let frame = data(1, kind(), Format::Full, &layout, &[&quote("SPY", 500.0)], |_| false);
        assert_eq!(
            frame,
            r#"{"type":"FEED_DATA","channel":1,"data":[{"eventType":"Quote","eventSymbol":"SPY","bidPrice":500.0,"bidTime":1767627000000}]}"#
        );
    }

    #[test]
    fn frames_of_a_channel_are_joined() {
        let layout = layout(&["eventSymbol", "bidPrice"]);
        let frame = |symbol| data(1, kind(), Format::Compact, &layout, &[&quote(symbol, 1.0)], |_| false);
        assert_eq!(
            joined(&[unknown(1, Format::Full), frame("SPY"), frame("QQQ")]),
            r#"{"type":"FEED_DATA","channel":1,"data":[{"eventType":"Mystery","eventSymbol":"SPY","depth":1.0},"Quote",["SPY",1.0],"Quote",["QQQ",1.0]]}"#
        );
    }

    #[test]
    fn missing_prices_are_not_numbers() {
        let layout = layout(&["eventSymbol", "bidPrice"]);
        let (spy, qqq) = (quote("SPY", 1.0), quote("QQQ", 2.0));
        let events: [&dyn FeedEvent; 2] = [&spy, &qqq];
        let frame = data(1, kind(), Format::Compact, &layout, &events, |quote| &**quote.symbol() == "SPY");
        assert!(frame.ends_with(r#"["SPY","NaN","QQQ",2.0]]}"#), "{frame}");
    }

    #[test]
    fn every_table_begins_with_type_and_symbol() {
        assert!(EventKind::all().all(|kind| kind.names().starts_with(&["eventType", "eventSymbol"])));
        assert!(EventKind::all().collect::<Vec<_>>().is_sorted());
    }
}
