//! Parts of a large scan, for clients that read in parallel.
//!
//! A plan that only picks columns of one cached table can be read in parts. A part names the version it is of, so that
//! parts read at different moments, or by different servers, make one whole.

use super::Session;
use crate::engine::plan::Plan;
use crate::engine::run::rows::Running;
use crate::error::QueryError;
use crate::table::refreshing::RefreshingTable;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::datasource::source_as_provider;
use datafusion::logical_expr::{Expr, LogicalPlan};

use crate::scan::parquet::ScanPart;

/// A plan whose rows may be read in parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlainScan {
    /// Name of the cached table in schema `public`.
    pub dataset: &'static str,
    /// The version that may be served now.
    pub version: u64,
    /// Rows of that version of the table.
    pub rows: u64,
}

impl PlainScan {
    /// Part number `index`, from 0, of `count`.
    pub fn part(&self, index: u32, count: u32) -> ScanPart {
        ScanPart { dataset: self.dataset.to_owned(), version: self.version, index, count }
    }
}

impl Session {
    /// The table a plan only picks columns of, once it may be served, when it has at least so many rows.
    pub async fn plain_scan(
        &self,
        running: &Running,
        plan: &Plan,
        rows_min: u64,
    ) -> Result<Option<PlainScan>, QueryError> {
        let told_of = plan.prepared.explain.is_some();
        let Some(scan) = scan_of(plan.logical()).filter(|_| !told_of) else { return Ok(None) };
        let provider = source_as_provider(&scan.source)?;
        let Some(table) = provider.downcast_ref::<RefreshingTable>() else { return Ok(None) };
        let rows = |snapshot: &crate::lake::Snapshot| snapshot.rows().filter(|rows| *rows >= rows_min);
        // Small tables are not waited for here: whoever reads them waits.
        if table.parts().1.current().and_then(|snapshot| rows(&snapshot)).is_none() {
            return Ok(None);
        }
        let context = self.context();
        let Some(snapshot) = running.guard(table.snapshot(&context)).await? else { return Ok(None) };
        let found = |rows| PlainScan { dataset: table.parts().0.dataset, version: snapshot.version, rows };
        Ok(rows(&snapshot).map(found))
    }

    /// From here on statements read one part of a table instead of the whole.
    pub fn read_part(&self, part: ScanPart) {
        self.set_part(part);
    }
}

/// The scan of a plan that has nothing above it but a choice of columns.
fn scan_of(plan: &LogicalPlan) -> Option<&datafusion::logical_expr::TableScan> {
    match plan {
        LogicalPlan::TableScan(scan) if scan.filters.is_empty() && scan.fetch.is_none() => Some(scan),
        LogicalPlan::SubqueryAlias(alias) => scan_of(&alias.input),
        LogicalPlan::Projection(projection) if projection.expr.iter().all(is_plain) => scan_of(&projection.input),
        _ => None,
    }
}

/// Whether an expression needs nothing but its row.
fn is_plain(expr: &Expr) -> bool {
    let mut plain = true;
    let walked = expr.apply(|part| {
        plain &= matches!(part, Expr::Column(_) | Expr::Alias(_) | Expr::Cast(_) | Expr::Literal(..));
        Ok(if plain { TreeNodeRecursion::Continue } else { TreeNodeRecursion::Stop })
    });
    plain && walked.is_ok()
}
