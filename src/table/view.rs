//! Views over the cached and live tables: one SQL file each, in `sql/views`, embedded in the program.
//!
//! A file opens with comment lines (purpose, grain, units), which are the view's comment; its name is the view's name. A
//! comment line `-- column: what it says` is the comment of that column; a column without one has the comment of the column
//! of the same name in the first dataset or view, by name, that the query reads.
//! A view may read others; which of them are planned first follows from their texts.

use super::kept_view::{KeptView, KeptViews};
use crate::dialect::typing::{self, Parameters};
use crate::lake::dataset::{self, Column};
use anyhow::{Context, Result, ensure};
use datafusion::catalog::view::ViewTable;
use datafusion::common::TableReference;
use datafusion::logical_expr::LogicalPlan;
use datafusion::prelude::SessionContext;
use std::sync::{Arc, LazyLock};

/// One view of schema `public`, as its file in `sql/views` gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ViewDefinition {
    /// Name of the view in schema `public`, which is that of its file.
    pub name: &'static str,
    /// What it is for, what a row is, and its units: the comment lines of its file, joined.
    pub comment: String,
    /// Columns and what the file says of them, in its order.
    pub columns: Vec<(&'static str, &'static str)>,
    /// The SELECT that the view stands for, without the comment above it.
    pub sql: &'static str,
}

/// File name and text of every view, sorted by name.
const FILES: &[(&str, &str)] = &[
    ("bars_latest", include_str!("../../sql/views/bars_latest.sql")),
    ("bars_monthly", include_str!("../../sql/views/bars_monthly.sql")),
    ("bars_weekly", include_str!("../../sql/views/bars_weekly.sql")),
    ("chain_at_the_money", include_str!("../../sql/views/chain_at_the_money.sql")),
    ("chain_forwards", include_str!("../../sql/views/chain_forwards.sql")),
    ("chain_greeks", include_str!("../../sql/views/chain_greeks.sql")),
    ("chain_quotes", include_str!("../../sql/views/chain_quotes.sql")),
    ("closes_latest", include_str!("../../sql/views/closes_latest.sql")),
    ("eod_adjusted", include_str!("../../sql/views/eod_adjusted.sql")),
    ("high_low_52_week", include_str!("../../sql/views/high_low_52_week.sql")),
    ("iv_rank_screen", include_str!("../../sql/views/iv_rank_screen.sql")),
    ("movers", include_str!("../../sql/views/movers.sql")),
    ("put_call_parity", include_str!("../../sql/views/put_call_parity.sql")),
    ("quotes_with_change", include_str!("../../sql/views/quotes_with_change.sql")),
    ("returns_daily", include_str!("../../sql/views/returns_daily.sql")),
    ("vix_like", include_str!("../../sql/views/vix_like.sql")),
    ("volatility_20_day", include_str!("../../sql/views/volatility_20_day.sql")),
    ("volatility_surface", include_str!("../../sql/views/volatility_surface.sql")),
];

/// The views whose rows stay in memory once they were made: a row for each symbol, which follows from all rows of the cached
/// tables that the view reads and from the day in New York.
const KEPT: &[&str] = &["bars_latest", "closes_latest", "high_low_52_week", "movers"];

/// Every view, sorted by name.
pub fn all() -> &'static [ViewDefinition] {
    static ALL: LazyLock<Vec<ViewDefinition>> =
        LazyLock::new(|| FILES.iter().map(|(name, text)| parse(name, text)).collect());
    &ALL
}

/// Plans every view over the tables of the session and registers it in schema `public`, those first that others read.
///
/// The tables a view names must be registered before. `kept` is told of the views whose rows are to stay in memory.
///
/// # Errors
/// A view that cannot be planned is named, and so are views that read each other in a circle.
pub async fn register(context: &SessionContext, kept: &KeptViews) -> Result<()> {
    let mut plans = Vec::new();
    let mut waiting = all().to_vec();
    while !waiting.is_empty() {
        let names: Vec<&str> = waiting.iter().map(|view| view.name).collect();
        let reads_waiting = |view: &ViewDefinition| view.words().any(|word| word != view.name && names.contains(&word));
        let (later, ready): (Vec<_>, Vec<_>) = waiting.iter().cloned().partition(reads_waiting);
        ensure!(!ready.is_empty(), "the views {} read each other in a circle", names.join(", "));
        for view in &ready {
            let plan = plan(context, view).await.with_context(|| format!("plan view {}", view.name))?;
            plans.push((view.name, plan));
        }
        waiting = later;
    }
    let stay = plans.into_iter().filter(|(name, _)| KEPT.contains(name));
    kept.set(stay.filter_map(|(name, plan)| KeptView::of(name, plan)));
    context.state_ref().write().config_mut().set_extension(Arc::new(kept.clone()));
    Ok(())
}

/// Plans a view and registers it.
async fn plan(context: &SessionContext, view: &ViewDefinition) -> Result<LogicalPlan> {
    let plan = context.state().create_logical_plan(view.sql).await?;
    let plan = typing::resolve(plan, &context.state(), &mut Parameters::new())?;
    let table = Arc::new(ViewTable::new(plan.clone(), Some(view.sql.to_owned())));
    context.register_table(TableReference::partial("public", view.name), table)?;
    Ok(plan)
}

impl ViewDefinition {
    /// The comment of a column.
    pub fn column_comment(&self, column: &str) -> Option<String> {
        let own = self.columns.iter().find(|(name, _)| *name == column).map(|(_, comment)| (*comment).to_owned());
        let read = |name: &str| name != self.name && self.words().any(|word| word == name);
        let of_dataset = || {
            let datasets = dataset::each().filter(|dataset| read(dataset.name));
            datasets.filter_map(|dataset| dataset.column(column)).map(Column::comment).next()
        };
        let of_view = || all().iter().filter(|view| read(view.name)).find_map(|view| view.column_comment(column));
        own.or_else(of_dataset).or_else(of_view)
    }

    /// The words of its query, among them the names of what it reads.
    fn words(&self) -> impl Iterator<Item = &str> {
        self.sql.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
    }
}

/// Splits a file into its comment, whose lines are joined with spaces, the comments of columns, and the query below.
fn parse(name: &'static str, text: &'static str) -> ViewDefinition {
    let (mut comment, mut columns) = (Vec::new(), Vec::new());
    let mut sql = text.trim();
    while let Some(rest) = sql.strip_prefix("--") {
        let (line, below) = rest.split_once('\n').unwrap_or((rest, ""));
        match line.trim().split_once(": ") {
            Some((column, says)) if is_column(column) => columns.push((column, says)),
            _ => comment.push(line.trim()),
        }
        sql = below.trim_start();
    }
    ViewDefinition { name, comment: comment.join(" "), columns, sql }
}

/// Whether this is spelled as columns are: a sentence begins with a capital letter.
fn is_column(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

#[cfg(test)]
mod chain_tests;
#[cfg(test)]
mod tests;
