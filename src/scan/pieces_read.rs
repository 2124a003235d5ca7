//! How much of a scan was read, which shows how far its statement is.

use super::ordered_scan::OrderedSource;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfig};
use datafusion::datasource::source::DataSourceExec;
use datafusion::physical_plan::ExecutionPlan;

/// The pieces that a scan of the lake has read to their end, and all of them: its files, or in memory its ranges of keys.
/// `None` where the plan is no such scan.
pub(crate) fn pieces_read(plan: &dyn ExecutionPlan) -> Option<(usize, usize)> {
    let scan = plan.downcast_ref::<DataSourceExec>()?;
    if let Some(source) = scan.data_source().downcast_ref::<OrderedSource>() {
        return Some(source.parts_read());
    }
    let config = scan.data_source().downcast_ref::<FileScanConfig>()?;
    let read = plan.metrics().and_then(|metrics| metrics.sum_by_name("files_processed"));
    let read = read.map_or(0, |files| files.as_usize());
    Some((read, config.file_groups.iter().map(FileGroup::len).sum()))
}
