//! Window functions over frames with EXCLUDE: each frame loses the current row, its peers, or both, and
//! what is left is aggregated anew.
//!
//! They are window functions of their own, named by [`name`], which the rewriter writes where a frame
//! excludes rows.
//!
//! DataFusion 55: frames have no EXCLUDE. Not needed once `sum(x) OVER (ORDER BY x ROWS 1 PRECEDING EXCLUDE
//! CURRENT ROW)` plans.

use arrow::array::{Array, ArrayRef};
use arrow::compute::{concat, partition};
use arrow::datatypes::{DataType, FieldRef, Schema};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::function::{AccumulatorArgs, PartitionEvaluatorArgs, WindowUDFFieldArgs};
use datafusion::logical_expr::{
    AggregateUDF, LimitEffect, PartitionEvaluator, ReversedUDWF, Signature, WindowUDF, WindowUDFImpl,
};
use datafusion::physical_expr::PhysicalExpr;
use std::ops::Range;
use std::sync::Arc;

/// What a frame loses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Excluded {
    /// The current row is left out.
    CurrentRow,
    /// The current row and its peers.
    Group,
    /// The peers of the current row.
    Ties,
}

impl Excluded {
    /// Every kind of exclusion there is.
    pub(crate) const ALL: [Self; 3] = [Self::CurrentRow, Self::Group, Self::Ties];

    /// The words behind EXCLUDE, in lower case.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::CurrentRow => "current row",
            Self::Group => "group",
            Self::Ties => "ties",
        }
    }
}

/// The name of an aggregate over frames that lose rows.
pub(crate) fn name(function: &str, excluded: Excluded) -> String {
    format!("{function} excluding {}", excluded.words())
}

/// The window functions of an aggregate, by one of its names.
pub(crate) fn functions(function: &str, inner: &Arc<AggregateUDF>) -> impl Iterator<Item = WindowUDF> {
    Excluded::ALL.into_iter().map(move |excluded| {
        WindowUDF::from(Excluding { name: name(function, excluded), inner: inner.clone(), excluded })
    })
}

/// The same function over another aggregate, such as the one that fits the types of its arguments.
///
/// # Errors
/// Whatever `change` fails with.
pub(crate) fn with_aggregate(
    function: &WindowUDF,
    change: impl FnOnce(Arc<AggregateUDF>) -> Result<Arc<AggregateUDF>>,
) -> Result<Option<WindowUDF>> {
    let Some(Excluding { name, inner, excluded }) = function.inner().downcast_ref::<Excluding>() else {
        return Ok(None);
    };
    let inner = change(inner.clone())?;
    Ok(Some(WindowUDF::from(Excluding { name: name.clone(), inner, excluded: *excluded })))
}

/// An aggregate over frames that lose rows.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Excluding {
    name: String,
    inner: Arc<AggregateUDF>,
    excluded: Excluded,
}

impl WindowUDFImpl for Excluding {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        self.inner.coerce_types(arguments)
    }

    fn field(&self, arguments: WindowUDFFieldArgs) -> Result<FieldRef> {
        let field = self.inner.return_field(arguments.input_fields())?;
        Ok(Arc::new(field.as_ref().clone().with_name(arguments.name()).with_nullable(true)))
    }

    fn partition_evaluator(&self, arguments: PartitionEvaluatorArgs) -> Result<Box<dyn PartitionEvaluator>> {
        Ok(Box::new(Evaluator {
            inner: self.inner.clone(),
            excluded: self.excluded,
            exprs: arguments.input_exprs().to_vec(),
            fields: arguments.input_fields().to_vec(),
            row: 0,
            peers: Vec::new(),
        }))
    }

    fn reverse_expr(&self) -> ReversedUDWF {
        ReversedUDWF::NotSupported
    }

    fn limit_effect(&self, _: &[Arc<dyn PhysicalExpr>]) -> LimitEffect {
        LimitEffect::Unknown
    }
}

/// The evaluation over one partition, row by row.
#[derive(Debug)]
struct Evaluator {
    inner: Arc<AggregateUDF>,
    excluded: Excluded,
    exprs: Vec<Arc<dyn PhysicalExpr>>,
    fields: Vec<FieldRef>,
    /// The row that comes next.
    row: usize,
    /// The rows of each group of peers, once they are known.
    peers: Vec<Range<usize>>,
}

impl Evaluator {
    /// The rows that are taken from the frame of a row, as the parts that are left of it.
    fn left(&self, frame: &Range<usize>, row: usize) -> Vec<Range<usize>> {
        let group = self.peers.iter().find(|group| group.contains(&row)).cloned().unwrap_or(row..row + 1);
        let holes = match self.excluded {
            Excluded::CurrentRow => std::iter::once(row..row + 1).collect(),
            Excluded::Group => vec![group],
            Excluded::Ties => vec![group.start..row, row + 1..group.end],
        };
        let mut left = Vec::new();
        let mut from = frame.start;
        for hole in holes {
            let end = hole.start.clamp(from, frame.end.max(from));
            left.push(from..end);
            from = from.max(hole.end.min(frame.end));
        }
        left.push(from..frame.end.max(from));
        left.retain(|part| !part.is_empty());
        left
    }
}

impl PartitionEvaluator for Evaluator {
    fn uses_window_frame(&self) -> bool {
        true
    }

    /// The columns are those of the arguments, then those of ORDER BY; rows come in order.
    fn evaluate(&mut self, columns: &[ArrayRef], frame: &Range<usize>) -> Result<ScalarValue> {
        let (arguments, order) = columns.split_at(self.exprs.len().min(columns.len()));
        if self.peers.is_empty() {
            let rows = columns.first().map_or(0, Array::len);
            self.peers = if order.is_empty() { std::iter::once(0..rows).collect() } else { partition(order)?.ranges() };
        }
        let row = self.row;
        self.row += 1;
        let schema = Schema::empty();
        let field = self.inner.return_field(&self.fields)?;
        let mut accumulator = self.inner.accumulator(AccumulatorArgs {
            return_field: field,
            schema: &schema,
            ignore_nulls: false,
            order_bys: &[],
            is_reversed: false,
            name: self.inner.name(),
            is_distinct: false,
            exprs: &self.exprs,
            expr_fields: &self.fields,
        })?;
        let parts = self.left(frame, row);
        let column = |column: &ArrayRef| {
            let slices: Vec<ArrayRef> = parts.iter().map(|part| column.slice(part.start, part.len())).collect();
            match slices.as_slice() {
                [] => Ok(column.slice(0, 0)),
                [only] => Ok(only.clone()),
                several => {
                    let several: Vec<&dyn Array> = several.iter().map(AsRef::as_ref).collect();
                    concat(&several)
                }
            }
        };
        let kept = arguments.iter().map(column).collect::<Result<Vec<_>, _>>()?;
        accumulator.update_batch(&kept)?;
        accumulator.evaluate()
    }
}
