//! Which relation a scan of the physical plan reads.
//!
//! DataFusion's physical scans do not know their table. A scan of files reads those of one folder, which is named after
//! the dataset; one from memory in the order of the key knows its dataset; any other scan is the next one of the logical
//! plan with the same columns.

use crate::dialect::past_name;
use crate::scan::ordered_scan::OrderedSource;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Result, TableReference};
use datafusion::datasource::physical_plan::FileScanConfig;
use datafusion::datasource::source::DataSourceExec;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::ExecutionPlan;

/// A relation as the statement names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Relation {
    /// Its schema, where the statement or the search path says so.
    pub(super) schema: Option<String>,
    /// Its name in the catalog.
    pub(super) name: String,
    /// Its name in the statement.
    pub(super) alias: String,
    columns: Vec<String>,
}

/// The relations of a statement that no node has been found for yet.
#[derive(Debug)]
pub(super) struct Relations {
    left: Vec<Relation>,
}

impl Relations {
    /// Those that a logical plan reads, in its order.
    pub(super) fn of(plan: &LogicalPlan) -> Result<Self> {
        let mut left = Vec::new();
        let mut alias: Option<TableReference> = None;
        plan.apply_with_subqueries(|node| {
            match node {
                LogicalPlan::SubqueryAlias(named) => alias = Some(named.alias.clone()),
                LogicalPlan::TableScan(scan) => {
                    let name = past_name::own(scan.table_name.table()).to_owned();
                    let known = alias.take().map_or_else(|| name.clone(), |alias| alias.table().to_owned());
                    let columns = scan.projected_schema.fields().iter().map(|field| field.name().clone()).collect();
                    let schema = scan.table_name.schema().map(str::to_owned);
                    left.push(Relation { schema, name, alias: known, columns });
                }
                LogicalPlan::Filter(_) => {}
                _ => alias = None,
            }
            Ok(TreeNodeRecursion::Continue)
        })?;
        Ok(Self { left })
    }

    /// The relation that a scan reads; `None` for rows that are no relation's.
    pub(super) fn take(&mut self, scan: &dyn ExecutionPlan) -> Option<Relation> {
        let folder = folder(scan);
        let schema = scan.schema();
        let columns: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        let same = |relation: &Relation| relation.columns == columns;
        let at = match folder {
            Some(folder) => {
                let named = |relation: &Relation| relation.name == folder;
                let exactly = self.left.iter().position(|relation| named(relation) && same(relation));
                exactly.or_else(|| self.left.iter().position(named))
            }
            None => self.left.iter().position(same).or(if self.left.len() == 1 { Some(0) } else { None }),
        };
        at.map(|at| self.left.remove(at))
    }
}

/// The folder whose files a scan reads.
fn folder(scan: &dyn ExecutionPlan) -> Option<String> {
    let source = scan.downcast_ref::<DataSourceExec>()?.data_source();
    if let Some(ordered) = source.downcast_ref::<OrderedSource>() {
        return Some(ordered.dataset().to_owned());
    }
    let config = source.downcast_ref::<FileScanConfig>()?;
    let file = config.file_groups.iter().flat_map(|group| group.iter()).next()?;
    let location = file.object_meta.location.as_ref().to_owned();
    location.rsplit('/').nth(1).map(str::to_owned)
}
