//! Comments on the tables and their columns, which `\\d+`, `obj_description` and the tooltips of BI tools read from the
//! catalog.

use super::{view, views};
use crate::dialect::catalog::Comments;
use crate::lake::dataset::{self, Column, WriteMode};
use crate::market::event::{self, LATEST_KEY};
use crate::system::schema::SystemColumn;
use crate::system::{budget, cache, feed_gaps, quality, schema, sources, spools, subscribers, subscriptions, upkeep};
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// Schema, name and comment of the tables that are no datasets, events or views.
const TABLES: &[(&str, &str, &str)] = &[
    ("system", "budget", "One row per source and dataset that waits for its rate limit: how much, and until when."),
    ("system", "data_quality", "One row per dataset, symbol and kind of doubt: what is odd about rows that were kept."),
    ("system", "freshness", "One row per dataset: how old it is, and how old it may be."),
    (
        "system",
        "cache",
        "One row per dataset: how much of it is in memory, and how often that was what a statement wanted.",
    ),
    ("system", "queries", "One row per statement that runs now."),
    ("system", "refreshes", "One row per refresh: why, when, what it brought, what failed."),
    (
        "system",
        "rejected_rows",
        "One row per row of a file or an answer that was not taken, with the reason; the newest 5,000 of each dataset.",
    ),
    ("system", "settings", "One row per key of the configuration, with where its value came from."),
    ("system", "views", "One row per view: what it is for and the query it stands for."),
    (
        "system",
        "feed_gaps",
        "One row per span of time in which live events may be missing: from when to when, why, and of what. Of a server that collects.",
    ),
    (
        "system",
        "sources",
        "One row per source and endpoint: its breaker, calls and rate budget; and one for the live feed: how it is.",
    ),
    ("system", "subscribers", "One row per live query that runs: how far it is behind, and what it lost."),
    (
        "system",
        "subscriptions",
        "One row per event and symbol that is followed live: why, over which connection, and when it spoke last.",
    ),
    (
        "system",
        "spools",
        "One row per history of live events kept here: what was written, lost, and waits for the lake.",
    ),
    (
        "system",
        "upkeep",
        "One row per dataset and kind of upkeep that this server does by itself: its last run, and when the next is due.",
    ),
];

/// Gives the columns of a table of schema `system`.
type SystemColumns = fn() -> Vec<SystemColumn>;

/// Columns of the tables of schema `system`, sorted by table.
const SYSTEM_COLUMNS: &[(&str, SystemColumns)] = &[
    ("budget", budget::columns),
    ("cache", cache::columns),
    ("data_quality", quality::doubt_columns),
    ("feed_gaps", feed_gaps::columns),
    ("freshness", schema::freshness_columns),
    ("queries", schema::queries_columns),
    ("refreshes", schema::refreshes_columns),
    ("rejected_rows", quality::rejected_columns),
    ("settings", schema::settings_columns),
    ("sources", sources::columns),
    ("spools", spools::columns),
    ("subscribers", subscribers::columns),
    ("subscriptions", subscriptions::columns),
    ("upkeep", upkeep::columns),
    ("views", views::columns),
];

/// Keys of the tables in `public` that have one row per key: datasets that are merged by it, and the latest events,
/// of which a book holds one per symbol. Histories only append and promise nothing.
static KEYS: LazyLock<BTreeMap<&'static str, &'static [&'static str]>> = LazyLock::new(|| {
    let merged = dataset::all().into_iter().filter(|dataset| dataset.mode != WriteMode::Append);
    let latest = event::descriptions().iter().filter(|event| event.latest.is_some());
    let latest = latest.map(|event| (event.name, LATEST_KEY));
    merged.map(|dataset| (dataset.name, dataset.key)).chain(latest).collect()
});

/// Comments of the live events, the datasets, the views, and the tables above.
#[derive(Debug)]
pub struct OwnComments;

impl Comments for OwnComments {
    /// The comment of a table or view; `None` for one that ttapi does not define.
    fn table(&self, schema: &str, table: &str) -> Option<String> {
        if let Some((_, _, comment)) = TABLES.iter().find(|(in_schema, name, _)| *in_schema == schema && *name == table)
        {
            return Some((*comment).to_owned());
        }
        if let Some(comment) = event::descriptions().iter().find_map(|event| event.comment_of(schema, table)) {
            return Some(comment.to_owned());
        }
        if schema != "public" {
            return None;
        }
        let comment = dataset::find(table).map(|dataset| dataset.comment.to_owned());
        comment.or_else(|| view::all().iter().find(|view| view.name == table).map(|view| view.comment.clone()))
    }

    /// The comment of a column, which live events alone have.
    fn column(&self, schema: &str, table: &str, column: &str) -> Option<String> {
        if schema == "system" {
            let columns = SYSTEM_COLUMNS.iter().find(|(name, _)| *name == table)?.1();
            return columns.into_iter().find(|(name, ..)| *name == column).map(|(.., comment)| comment.to_owned());
        }
        if let Some(columns) = event::descriptions().iter().find_map(|event| event.columns_of(schema, table)) {
            return columns.into_iter().find(|described| described.name == column).map(|described| described.comment);
        }
        if schema != "public" {
            return None;
        }
        match dataset::find(table) {
            Some(dataset) => dataset.column(column).map(Column::comment),
            None => view::all().iter().find(|view| view.name == table)?.column_comment(column),
        }
    }

    /// The query of an embedded view in `public`.
    fn view_definition(&self, schema: &str, view: &str) -> Option<String> {
        let found = view::all().iter().find(|definition| schema == "public" && definition.name == view);
        found.map(|definition| definition.sql.to_owned())
    }

    /// The key columns of a table in `public`; empty where rows have none.
    fn key(&self, schema: &str, table: &str) -> &'static [&'static str] {
        if schema == "public" { KEYS.get(table).copied().unwrap_or_default() } else { &[] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_column_of_datasets_and_system_tables_has_a_comment() {
        for dataset in dataset::all() {
            for field in dataset.schema.fields() {
                assert!(OwnComments.column("public", dataset.name, field.name()).is_some_and(|text| !text.is_empty()));
            }
        }
        assert!(SYSTEM_COLUMNS.is_sorted_by(|one, other| one.0 < other.0));
        for (_, columns) in SYSTEM_COLUMNS {
            assert!(columns().iter().all(|(.., comment)| !comment.is_empty()));
        }
        let comment = OwnComments.column("public", "eod", "high");
        assert_eq!(
            comment.as_deref(),
            Some("Highest price of the session, as the source adjusts it [currency per share]")
        );
    }
}
