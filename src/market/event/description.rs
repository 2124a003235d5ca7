//! An event as plain data: what the lake, the catalog and the hints in errors need to know of it without its type.

use super::column::{ColumnDescription, Kind};
use super::definition::{Event, History};

/// What there is of one event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventDescription {
    /// Name of its tables in `public` and `live`.
    pub name: &'static str,
    /// Comment of the table of latest events, where there is one.
    pub latest: Option<&'static str>,
    /// Comment of the table in the schema `live`, where there is one.
    pub live: Option<&'static str>,
    /// The dataset that keeps every event, where there is one.
    pub history: Option<History>,
    /// The columns between `symbol` and `event_at`.
    columns: Vec<ColumnDescription>,
}

impl EventDescription {
    /// The description of an event type.
    pub fn of<E: Event>() -> Self {
        let columns = E::COLUMNS.iter().map(ColumnDescription::of).collect();
        Self { name: E::NAME, latest: E::LATEST, live: E::LIVE, history: E::HISTORY, columns }
    }

    /// Columns of the table of latest events.
    pub fn latest_columns(&self) -> Vec<ColumnDescription> {
        framed(self.columns.iter().cloned())
    }

    /// Columns of the table in the schema `live`.
    pub fn live_columns(&self) -> Vec<ColumnDescription> {
        let comment = "Events of the same symbol that this query lost just before this one; 0 unless it fell behind.";
        let mut columns = self.latest_columns();
        columns.push(ColumnDescription::required("missed", Kind::Integer, comment));
        columns
    }

    /// Columns of the history: what is computed is not kept.
    pub fn history_columns(&self) -> Vec<ColumnDescription> {
        let mut columns = framed(self.columns.iter().filter(|column| !column.computed).cloned());
        columns.push(ColumnDescription::required(
            "sequence",
            Kind::Integer,
            "Running number of the event in the spool of the process that received it, never given twice; a gap is a loss, or a crash.",
        ));
        columns.push(ColumnDescription::required("fetched_at", Kind::Instant, "As received_at."));
        columns
    }

    /// Columns of one of its tables, by schema and name; `None` where it is not a table of this event.
    pub fn columns_of(&self, schema: &str, table: &str) -> Option<Vec<ColumnDescription>> {
        match schema {
            "public" if self.latest.is_some() && table == self.name => Some(self.latest_columns()),
            "live" if self.live.is_some() && table == self.name => Some(self.live_columns()),
            "public" if self.history.is_some_and(|history| history.name == table) => Some(self.history_columns()),
            _ => None,
        }
    }

    /// Comment of one of its tables, by schema and name; `None` where it is not a table of this event.
    pub fn comment_of(&self, schema: &str, table: &str) -> Option<&'static str> {
        match schema {
            "public" if table == self.name => self.latest,
            "live" if table == self.name => self.live,
            "public" => self.history.filter(|history| history.name == table).map(|history| history.comment),
            _ => None,
        }
    }
}

/// Columns with those around them that every event has.
fn framed(own: impl Iterator<Item = ColumnDescription>) -> Vec<ColumnDescription> {
    let symbol = "Symbol in tastytrade spelling; of an option in the streamer's, such as .SPY260116C500.";
    let mut columns = vec![ColumnDescription::required("symbol", Kind::Text, symbol)];
    columns.extend(own);
    columns.push(ColumnDescription::optional("event_at", Kind::Instant, "When it happened, as the venue says."));
    columns.push(ColumnDescription::required("received_at", Kind::Instant, "When this server received it."));
    columns
}
