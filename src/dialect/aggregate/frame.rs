//! An aggregate over a moving frame that cannot take rows back: the frame's rows are kept, and
//! aggregated anew for each result.

use arrow::array::{Array, ArrayRef};
use arrow::compute::concat;
use arrow::datatypes::{FieldRef, Schema};
use datafusion::common::{Result, ScalarValue, internal_err};
use datafusion::logical_expr::function::AccumulatorArgs;
use datafusion::logical_expr::{Accumulator, AggregateUDF};
use datafusion::physical_expr::{PhysicalExpr, PhysicalSortExpr};
use std::sync::Arc;

/// An aggregate's call, from which accumulators are made.
#[derive(Debug)]
struct Call {
    function: Arc<AggregateUDF>,
    return_field: FieldRef,
    schema: Schema,
    ignore_nulls: bool,
    order_bys: Vec<PhysicalSortExpr>,
    is_reversed: bool,
    name: String,
    is_distinct: bool,
    exprs: Vec<Arc<dyn PhysicalExpr>>,
    expr_fields: Vec<FieldRef>,
}

impl Call {
    /// An accumulator of no rows.
    fn accumulator(&self) -> Result<Box<dyn Accumulator>> {
        self.function.accumulator(AccumulatorArgs {
            return_field: self.return_field.clone(),
            schema: &self.schema,
            ignore_nulls: self.ignore_nulls,
            order_bys: &self.order_bys,
            is_reversed: self.is_reversed,
            name: &self.name,
            is_distinct: self.is_distinct,
            exprs: &self.exprs,
            expr_fields: &self.expr_fields,
        })
    }
}

/// The rows of a frame, and the aggregate they are given to.
#[derive(Debug)]
pub(crate) struct Anew {
    call: Call,
    /// The rows of the frame, column by column; `None` before the first.
    kept: Option<Vec<ArrayRef>>,
    /// Rows that came after those, in the order they came.
    new: Vec<Vec<ArrayRef>>,
}

impl Anew {
    /// A frame of no rows.
    pub(crate) fn new(function: &Arc<AggregateUDF>, args: &AccumulatorArgs<'_>) -> Self {
        let call = Call {
            function: function.clone(),
            return_field: args.return_field.clone(),
            schema: args.schema.clone(),
            ignore_nulls: args.ignore_nulls,
            order_bys: args.order_bys.to_vec(),
            is_reversed: args.is_reversed,
            name: args.name.to_owned(),
            is_distinct: args.is_distinct,
            exprs: args.exprs.to_vec(),
            expr_fields: args.expr_fields.to_vec(),
        };
        Self { call, kept: None, new: Vec::new() }
    }

    /// Puts the new rows behind the kept ones, copied, so that the batches they came from can go.
    fn gather(&mut self) -> Result<()> {
        if self.new.is_empty() {
            return Ok(());
        }
        let pieces: Vec<Vec<ArrayRef>> = self.kept.take().into_iter().chain(self.new.drain(..)).collect();
        let columns = pieces.first().map_or(0, Vec::len);
        let column = |at: usize| {
            let parts: Vec<&dyn Array> = pieces.iter().map(|piece| piece[at].as_ref()).collect();
            concat(&parts)
        };
        self.kept = Some((0..columns).map(column).collect::<Result<_, _>>()?);
        Ok(())
    }
}

impl Accumulator for Anew {
    fn update_batch(&mut self, arrays: &[ArrayRef]) -> Result<()> {
        self.new.push(arrays.to_vec());
        Ok(())
    }

    fn retract_batch(&mut self, arrays: &[ArrayRef]) -> Result<()> {
        self.gather()?;
        let gone = arrays.first().map_or(0, Array::len);
        for column in self.kept.iter_mut().flatten() {
            let gone = gone.min(column.len());
            *column = column.slice(gone, column.len() - gone);
        }
        Ok(())
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn merge_batch(&mut self, _: &[ArrayRef]) -> Result<()> {
        internal_err!("a moving frame is not merged")
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        self.gather()?;
        let mut accumulator = self.call.accumulator()?;
        if let Some(columns) = &self.kept {
            accumulator.update_batch(columns)?;
        }
        accumulator.evaluate()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        internal_err!("a moving frame has no state")
    }

    fn size(&self) -> usize {
        let pieces = self.kept.iter().chain(&self.new).flatten();
        pieces.map(|column| column.get_buffer_memory_size()).sum()
    }
}
