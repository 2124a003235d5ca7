//! EXPLAIN as PostgreSQL's clients read it: the physical plan as a tree of PostgreSQL's node types with estimated and,
//! after ANALYZE, actual rows, as text, JSON, XML or YAML in one column named QUERY PLAN.
//!
//! The tree is DataFusion's physical plan without the operators that only move batches between threads. Rows are
//! DataFusion's estimates from the statistics of the lake; costs are in PostgreSQL's unit (one page read in order) by its
//! default constants, so that estimates compare with those of other servers. No file path and no name of DataFusion's is
//! shown; an admin reads DataFusion's own plan by `EXPLAIN (ENGINE)`.

mod cost;
mod engine_plan;
mod expression;
mod node;
mod options;
mod relation;
mod shape;
mod structured;
mod text;
mod times;

pub(crate) use options::{ExplainOptions, Format, asked};

use crate::dialect::catalog::types;
use crate::dialect::parse::Statement;
use crate::dialect::told;
use arrow::array::StringArray;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use datafusion::common::Result;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::SendableRecordBatchStream;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::{StreamExt, stream};
use relation::Relations;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};
use times::Times;

/// The one column of the answer.
static SCHEMA: LazyLock<SchemaRef> =
    LazyLock::new(|| Arc::new(Schema::new(vec![Field::new("QUERY PLAN", DataType::Utf8, false)])));

/// Columns of the answer to EXPLAIN.
pub(crate) fn explained_schema() -> SchemaRef {
    SCHEMA.clone()
}

/// The columns of the answer to a statement that is EXPLAIN, as a client is told of them.
pub fn explained_columns(statement: &Statement) -> SchemaRef {
    match asked(statement) {
        Ok(Some((options, _))) => explained_told(&options),
        _ => explained_schema(),
    }
}

/// The same as a client is told of them: JSON and XML are of those types.
pub(crate) fn explained_told(options: &ExplainOptions) -> SchemaRef {
    let named = match options.format {
        _ if options.engine => None,
        Format::Json => types::by_name("json"),
        Format::Xml => types::by_name("xml"),
        Format::Text | Format::Yaml => None,
    };
    named.map_or_else(explained_schema, |oid| told::announced_as(&SCHEMA, oid))
}

/// The answer about a plan that has not run.
pub(crate) fn planned(
    options: &ExplainOptions,
    optimised: &LogicalPlan,
    physical: &Arc<dyn ExecutionPlan>,
    planning: Duration,
) -> SendableRecordBatchStream {
    let answered = answer(options, optimised, physical, Times { planning, execution: None });
    Box::pin(RecordBatchStreamAdapter::new(SCHEMA.clone(), stream::iter([answered])))
}

/// The answer about a plan whose rows are taken, and dropped, first.
pub(crate) fn analyzed(
    options: ExplainOptions,
    optimised: LogicalPlan,
    physical: Arc<dyn ExecutionPlan>,
    planning: Duration,
    mut rows: SendableRecordBatchStream,
) -> SendableRecordBatchStream {
    let answered = async move {
        let begun = Instant::now();
        while let Some(batch) = rows.next().await {
            drop(batch?);
        }
        drop(rows);
        answer(&options, &optimised, &physical, Times { planning, execution: Some(begun.elapsed()) })
    };
    Box::pin(RecordBatchStreamAdapter::new(SCHEMA.clone(), stream::once(answered)))
}

/// The answer about a plan, which has run to its end when `times` says so.
///
/// # Errors
/// DataFusion cannot compute the plan's statistics.
fn answer(
    options: &ExplainOptions,
    optimised: &LogicalPlan,
    physical: &Arc<dyn ExecutionPlan>,
    times: Times,
) -> Result<RecordBatch> {
    let lines = if options.engine {
        engine_plan::lines(physical, times.execution.is_some())
    } else {
        let relations = Relations::of(optimised)?;
        let root = shape::shape(physical, relations, times.execution.is_some())?;
        match options.format {
            Format::Text => text::lines(&root, options, times),
            Format::Json => vec![structured::json(&root, options, times)],
            Format::Xml => vec![structured::xml(&root, options, times)],
            Format::Yaml => vec![structured::yaml(&root, options, times)],
        }
    };
    Ok(RecordBatch::try_new(SCHEMA.clone(), vec![Arc::new(StringArray::from(lines))])?)
}
