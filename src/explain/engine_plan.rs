//! DataFusion's own physical plan, for an admin: operators with their metrics, without the paths of files.

use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::display::DisplayableExecutionPlan;
use std::sync::Arc;

/// What DataFusion writes before the paths of a scan.
const FILES: &str = "file_groups={";

/// A line for each operator, with metrics after it has run.
pub(super) fn lines(plan: &Arc<dyn ExecutionPlan>, ran: bool) -> Vec<String> {
    let shown = if ran {
        DisplayableExecutionPlan::with_metrics(plan.as_ref())
    } else {
        DisplayableExecutionPlan::new(plan.as_ref())
    };
    shown.indent(false).to_string().lines().map(without_paths).collect()
}

/// The line with the number of file groups alone.
fn without_paths(line: &str) -> String {
    let Some(start) = line.find(FILES) else { return line.to_owned() };
    let (before, inside) = line.split_at(start + FILES.len());
    let mut depth = 1_usize;
    let end = inside.char_indices().find(|(_, character)| {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        depth == 0
    });
    let end = end.map_or(inside.len(), |(at, _)| at);
    let (files, after) = inside.split_at(end);
    let count = files.split(':').next().unwrap_or_default();
    format!("{before}{count}{after}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_left_out() {
        let line = "DataSourceExec: file_groups={2 groups: [[a/b.parquet], [c.parquet]]}, projection=[x], limit=1";
        assert_eq!(without_paths(line), "DataSourceExec: file_groups={2 groups}, projection=[x], limit=1");
        assert_eq!(without_paths("SortExec: x"), "SortExec: x");
    }
}
