//! How much a window function makes of the rows it has seen: a value for each row, and that value may be all of them.
//!
//! DataFusion 55: `array_agg(x) OVER ()` writes the array out for each row, and a constant argument is written out for
//! each row before the function sees it; for a whole partition at once, without a look at the memory pool. Not needed
//! once window operators reserve what they make: `hostile.rs` then passes without this file.

use super::value_size::{largest, of_constant, varies};
use arrow::array::{Array, ArrayRef};
use arrow::compute::SortColumn;
use arrow::record_batch::RecordBatch;
use datafusion::common::Result;
use datafusion::common::ScalarValue;
use datafusion::common::utils::evaluate_partition_ranges;
use datafusion::logical_expr::{WindowFrame, WindowFrameBound, WindowFrameUnits};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::Literal;
use datafusion::physical_expr::window::{PlainAggregateWindowExpr, SlidingAggregateWindowExpr, WindowExpr};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::windows::{BoundedWindowAggExec, WindowAggExec};
use std::sync::Arc;

/// What the functions of one operator will make, counted while their rows come.
#[derive(Debug)]
pub(crate) struct WindowResult {
    functions: Vec<Function>,
    partition_by: Vec<Arc<dyn PhysicalExpr>>,
    /// Whether rows go out as they come in; else all of a partition come at once.
    streaming: bool,
    /// Rows of all partitions.
    rows: usize,
    /// The values of the partition that the last row belongs to.
    partition: Vec<ScalarValue>,
    /// Rows of that partition.
    partition_rows: usize,
}

/// One function whose arguments or values vary in size.
#[derive(Debug)]
struct Function {
    arguments: Vec<Arc<dyn PhysicalExpr>>,
    /// Whether its value is made of all values in its frame, and not one of them.
    gathers: bool,
    /// Rows of the frame, where the statement says so.
    frame_rows: Option<usize>,
    /// Bytes of the largest value of its arguments.
    largest: usize,
    /// Bytes of its arguments in the partition of the last row.
    partition_bytes: usize,
    /// Bytes of the values in partitions that have ended.
    ended_bytes: usize,
}

impl WindowResult {
    /// Nothing is counted yet.
    pub(crate) fn of(operator: &dyn ExecutionPlan) -> Self {
        let whole = operator.downcast_ref::<WindowAggExec>().map(WindowAggExec::window_expr);
        let bounded = operator.downcast_ref::<BoundedWindowAggExec>().map(BoundedWindowAggExec::window_expr);
        let exprs = whole.or(bounded).unwrap_or_default();
        let partition_by = exprs.first().map(|expr| expr.partition_by().to_vec()).unwrap_or_default();
        let (functions, streaming) = (exprs.iter().filter_map(Function::of).collect(), bounded.is_some());
        Self { functions, partition_by, streaming, rows: 0, partition: Vec::new(), partition_rows: 0 }
    }

    /// Bytes of what is made of the rows so far, these included, that is there at one time. An upper bound.
    pub(crate) fn bytes(&mut self, batch: &RecordBatch) -> Result<usize> {
        if self.functions.is_empty() || batch.num_rows() == 0 {
            return Ok(0);
        }
        self.rows += batch.num_rows();
        let arguments = self.functions.iter_mut().map(|function| function.arguments(batch));
        let arguments = arguments.collect::<Result<Vec<_>>>()?;
        if self.functions.iter().any(|function| function.gathers) {
            self.gather(batch, &arguments)?;
        }
        let (streaming, here, all, partition) = (self.streaming, batch.num_rows(), self.rows, self.partition_rows);
        let made = self.functions.iter().map(|function| match streaming {
            true => function.value(partition).saturating_mul(here),
            false if function.gathers => {
                function.ended_bytes.saturating_add(function.value(partition).saturating_mul(partition))
            }
            false => function.largest.saturating_mul(all),
        });
        // The arguments are written out beside the values.
        Ok(made.fold(0, usize::saturating_add).saturating_mul(2))
    }

    /// Adds rows to their partitions.
    fn gather(&mut self, batch: &RecordBatch, arguments: &[Vec<ArrayRef>]) -> Result<()> {
        let columns = self.partition_by.iter().map(|expr| expr.evaluate(batch)?.into_array(batch.num_rows()));
        let columns = columns.collect::<Result<Vec<ArrayRef>>>()?;
        let sorted = columns.iter().map(|values| SortColumn { values: values.clone(), options: None });
        for range in evaluate_partition_ranges(batch.num_rows(), &sorted.collect::<Vec<_>>())? {
            let values = columns.iter().map(|column| ScalarValue::try_from_array(column, range.start));
            let values = values.collect::<Result<Vec<_>>>()?;
            if values != self.partition {
                self.functions.iter_mut().for_each(|function| function.end_partition(self.partition_rows));
                (self.partition, self.partition_rows) = (values, 0);
            }
            self.partition_rows += range.len();
            for (function, arguments) in self.functions.iter_mut().zip(arguments) {
                function.add(arguments, range.start, range.len());
            }
        }
        Ok(())
    }
}

impl Function {
    fn of(expr: &Arc<dyn WindowExpr>) -> Option<Self> {
        let arguments = expr.expressions();
        let any = expr.as_any();
        let aggregate = any
            .downcast_ref::<PlainAggregateWindowExpr>()
            .map(PlainAggregateWindowExpr::get_aggregate_expr)
            .or_else(|| any.downcast_ref().map(SlidingAggregateWindowExpr::get_aggregate_expr));
        let varies = expr.field().is_ok_and(|field| varies(field.data_type()));
        let constant = |argument: &Arc<dyn PhysicalExpr>| argument.downcast_ref::<Literal>().is_some();
        (varies || arguments.iter().any(constant)).then(|| Self {
            arguments,
            gathers: varies && aggregate.is_some_and(|aggregate| aggregate.fun().name().contains("agg")),
            frame_rows: frame_rows(expr.get_window_frame()),
            largest: 0,
            partition_bytes: 0,
            ended_bytes: 0,
        })
    }

    /// Its arguments for some rows; of a constant, its size alone is noted.
    fn arguments(&mut self, batch: &RecordBatch) -> Result<Vec<ArrayRef>> {
        let mut found = Vec::new();
        for argument in &self.arguments {
            match argument.downcast_ref::<Literal>() {
                Some(literal) => self.largest = self.largest.max(of_constant(literal.value())),
                None => {
                    let values = argument.evaluate(batch)?.into_array(batch.num_rows())?;
                    self.largest = self.largest.max(largest(&values));
                    found.push(values);
                }
            }
        }
        Ok(found)
    }

    fn add(&mut self, arguments: &[ArrayRef], start: usize, rows: usize) {
        let bytes = |values: &ArrayRef| {
            let values = values.slice(start, rows).to_data();
            values.get_slice_memory_size().unwrap_or_else(|_| values.get_array_memory_size())
        };
        let bytes = if arguments.is_empty() {
            self.largest.saturating_mul(rows)
        } else {
            arguments.iter().map(bytes).fold(0, usize::saturating_add)
        };
        self.partition_bytes = self.partition_bytes.saturating_add(bytes);
    }

    /// Bytes of its value for one row of the partition at work.
    fn value(&self, partition_rows: usize) -> usize {
        if !self.gathers {
            return self.largest;
        }
        match self.frame_rows {
            Some(rows) => self.largest.saturating_mul(rows.min(partition_rows)),
            None => self.partition_bytes,
        }
    }

    fn end_partition(&mut self, partition_rows: usize) {
        let bytes = self.value(partition_rows).saturating_mul(partition_rows);
        self.ended_bytes = self.ended_bytes.saturating_add(bytes);
        self.partition_bytes = 0;
    }
}

/// Rows of a frame that is so many rows before and after the current one.
fn frame_rows(frame: &WindowFrame) -> Option<usize> {
    let rows = |bound: &WindowFrameBound| match bound {
        WindowFrameBound::CurrentRow => Some(0),
        WindowFrameBound::Preceding(count) | WindowFrameBound::Following(count) => match count {
            ScalarValue::UInt64(Some(count)) => usize::try_from(*count).ok(),
            _ => None,
        },
    };
    match frame.units {
        WindowFrameUnits::Rows => {
            Some(rows(&frame.start_bound)?.saturating_add(rows(&frame.end_bound)?).saturating_add(1))
        }
        _ => None,
    }
}
