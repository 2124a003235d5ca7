//! What people are told of our tables: `\\d+`, `obj_description` and every BI tool's tooltips read it.

use super::view;
use crate::dialect::catalog::Comments;
use crate::lake::dataset::{self, WriteMode};
use std::collections::BTreeMap;
use std::sync::LazyLock;

const TABLES: &[(&str, &str, &str)] = &[
    ("live", "greeks", "One row per event from now on: option sensitivities. Runs until cancelled."),
    ("live", "quotes", "One row per event from now on: best bid and ask. Runs until cancelled."),
    ("live", "trades", "One row per event from now on: trades. Runs until cancelled."),
    ("public", "greeks", "One row per option near the money: its latest sensitivities. Source: dxLink."),
    ("public", "quotes", "One row per symbol: its latest best bid and ask. Source: dxLink."),
    ("public", "trades", "One row per symbol: its latest trade. Source: dxLink."),
    ("system", "freshness", "One row per dataset: how old it is, and how old it may be."),
    ("system", "queries", "One row per statement that runs now."),
    ("system", "refreshes", "One row per refresh: why, when, what it brought, what failed."),
    ("system", "settings", "One row per key of the configuration, with where its value came from."),
    ("system", "views", "One row per view: what it is for and the query it stands for."),
    ("system", "sources", "One row per source and endpoint: its breaker, calls and rate budget."),
    (
        "system",
        "spools",
        "One row per history of live events kept here: what was written, lost, and waits for the lake.",
    ),
];

/// Keys of the datasets that are merged by them.
static KEYS: LazyLock<BTreeMap<&'static str, &'static [&'static str]>> = LazyLock::new(|| {
    let merged = dataset::all().into_iter().filter(|dataset| dataset.mode != WriteMode::Append);
    merged.map(|dataset| (dataset.name, dataset.key)).collect()
});

/// Comments of the datasets, the views, and the tables above.
#[derive(Debug)]
pub struct OwnComments;

impl Comments for OwnComments {
    fn table(&self, schema: &str, table: &str) -> Option<String> {
        if let Some((_, _, comment)) = TABLES.iter().find(|(in_schema, name, _)| *in_schema == schema && *name == table)
        {
            return Some((*comment).to_owned());
        }
        if schema != "public" {
            return None;
        }
        let comment = dataset::find(table).map(|dataset| dataset.comment.to_owned());
        comment.or_else(|| view::all().into_iter().find(|view| view.name == table).map(|view| view.comment))
    }

    fn column(&self, _: &str, _: &str, _: &str) -> Option<String> {
        None
    }

    fn view_definition(&self, schema: &str, view: &str) -> Option<String> {
        let found = view::all().into_iter().find(|definition| schema == "public" && definition.name == view);
        found.map(|definition| definition.sql.to_owned())
    }

    /// Merging keeps one row per key; the live books hold one event per symbol. Histories only append.
    fn key(&self, schema: &str, table: &str) -> &'static [&'static str] {
        match (schema, table) {
            ("public", "greeks" | "quotes" | "trades") => &["symbol"],
            ("public", table) => KEYS.get(table).copied().unwrap_or_default(),
            _ => &[],
        }
    }
}
