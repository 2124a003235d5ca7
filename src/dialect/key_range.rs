//! The ranges of functions inside of the keys that rows are sorted, partitioned and ordered by.
//!
//! DataFusion 55: the range of a function's value is unknown and of type Null unless the function says another, and what
//! computes a range from it (`abs`, a minus, a comparison) fails. DataFusion takes that for an expression of which nothing is
//! known, not even that the rows have just been sorted by it, and refuses its own plan. Not needed once `SELECT 1 FROM eod
//! ORDER BY abs(close - 3)` plans without this rule.

use arrow::datatypes::DataType;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{DFSchema, ExprSchema, Result};
use datafusion::logical_expr::expr::{AggregateFunction, ScalarFunction, WindowFunction};
use datafusion::logical_expr::interval_arithmetic::Interval;
use datafusion::logical_expr::logical_plan::{Aggregate, Sort, Window};
use datafusion::logical_expr::simplify::{ExprSimplifyResult, SimplifyContext};
use datafusion::logical_expr::sort_properties::{ExprProperties, SortProperties};
use datafusion::logical_expr::{
    ColumnarValue, Documentation, Expr, ExprSchemable, LogicalPlan, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF,
    ScalarUDFImpl, Signature, SortExpr,
};
use datafusion::optimizer::{ApplyOrder, OptimizerConfig, OptimizerRule};
use std::sync::Arc;

/// The optimizer rule, which comes last: it gives the functions inside of keys ranges of their type.
#[derive(Debug)]
pub(super) struct KeyRanges;

impl OptimizerRule for KeyRanges {
    fn name(&self) -> &'static str {
        "key_ranges"
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        Some(ApplyOrder::BottomUp)
    }

    fn rewrite(&self, plan: LogicalPlan, _: &dyn OptimizerConfig) -> Result<Transformed<LogicalPlan>> {
        match plan {
            LogicalPlan::Sort(sort) => {
                let expr = keys(sort.expr, sort.input.schema())?;
                Ok(expr.update_data(|expr| LogicalPlan::Sort(Sort { expr, ..sort })))
            }
            LogicalPlan::Window(window) => {
                let schema = window.input.schema().clone();
                let found = each(window.window_expr, |expr| inside(expr, &schema))?;
                if !found.transformed {
                    let (window_expr, input, schema) = (found.data, window.input, window.schema);
                    return Ok(Transformed::no(LogicalPlan::Window(Window { window_expr, input, schema })));
                }
                Ok(Transformed::yes(LogicalPlan::Window(Window::try_new(found.data, window.input)?)))
            }
            LogicalPlan::Aggregate(aggregate) => {
                let schema = aggregate.input.schema().clone();
                let found = each(aggregate.aggr_expr.clone(), |expr| inside(expr, &schema))?;
                if !found.transformed {
                    return Ok(Transformed::no(LogicalPlan::Aggregate(aggregate)));
                }
                let (input, groups) = (aggregate.input.clone(), aggregate.group_expr.clone());
                Ok(Transformed::yes(LogicalPlan::Aggregate(Aggregate::try_new(input, groups, found.data)?)))
            }
            other => Ok(Transformed::no(other)),
        }
    }
}

/// Something done to each of some expressions.
fn each<T>(all: Vec<T>, mut one: impl FnMut(T) -> Result<Transformed<T>>) -> Result<Transformed<Vec<T>>> {
    let mut transformed = false;
    let mut done = Vec::with_capacity(all.len());
    for expr in all {
        let expr = one(expr)?;
        transformed |= expr.transformed;
        done.push(expr.data);
    }
    Ok(Transformed::new_transformed(done, transformed))
}

/// The keys of windows and aggregates in an expression.
fn inside(expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    expr.transform_up(|part| match part {
        Expr::WindowFunction(mut call) => {
            let WindowFunction { params, .. } = call.as_mut();
            let partitions = each(std::mem::take(&mut params.partition_by), |key| nested(key, schema))?;
            let order = keys(std::mem::take(&mut params.order_by), schema)?;
            let changed = partitions.transformed || order.transformed;
            (params.partition_by, params.order_by) = (partitions.data, order.data);
            Ok(Transformed::new_transformed(Expr::WindowFunction(call), changed))
        }
        Expr::AggregateFunction(mut call) => {
            let AggregateFunction { params, .. } = &mut call;
            let order = keys(std::mem::take(&mut params.order_by), schema)?;
            params.order_by = order.data;
            Ok(Transformed::new_transformed(Expr::AggregateFunction(call), order.transformed))
        }
        other => Ok(Transformed::no(other)),
    })
}

/// The functions inside of the keys of an order.
fn keys(all: Vec<SortExpr>, schema: &DFSchema) -> Result<Transformed<Vec<SortExpr>>> {
    each(all, |key| Ok(nested(key.expr, schema)?.update_data(|expr| SortExpr { expr, ..key })))
}

/// The functions inside of a key. A key that is itself a call stays as it is, and with it what is known of its order.
fn nested(key: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    key.map_children(|child| child.transform_up(|part| ranged(part, schema)))
}

/// A call whose range has a type.
fn ranged(expr: Expr, schema: &dyn ExprSchema) -> Result<Transformed<Expr>> {
    let Expr::ScalarFunction(call) = &expr else { return Ok(Transformed::no(expr)) };
    if call.func.inner().is::<Ranged>() {
        return Ok(Transformed::no(expr));
    }
    let function = Ranged { inner: call.func.clone(), returns: expr.get_type(schema)? };
    let call = ScalarFunction::new_udf(Arc::new(ScalarUDF::from(function)), call.args.clone());
    Ok(Transformed::yes(Expr::ScalarFunction(call)))
}

/// A function that says of its values at least of which type they are.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Ranged {
    inner: Arc<ScalarUDF>,
    returns: DataType,
}

impl ScalarUDFImpl for Ranged {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn schema_name(&self, args: &[Expr]) -> Result<String> {
        self.inner.schema_name(args)
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        self.inner.return_type(arg_types)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<arrow::datatypes::FieldRef> {
        self.inner.return_field_from_args(args)
    }

    fn with_updated_config(&self, config: &ConfigOptions) -> Option<ScalarUDF> {
        let inner = Arc::new(self.inner.inner().with_updated_config(config)?);
        Some(ScalarUDF::from(Self { inner, ..self.clone() }))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        self.inner.invoke_with_args(args)
    }

    fn simplify(&self, args: Vec<Expr>, info: &SimplifyContext) -> Result<ExprSimplifyResult> {
        self.inner.simplify(args, info)
    }

    fn short_circuits(&self) -> bool {
        self.inner.short_circuits()
    }

    fn evaluate_bounds(&self, input: &[&Interval]) -> Result<Interval> {
        match self.inner.evaluate_bounds(input) {
            Ok(known) if known.data_type() == self.returns => Ok(known),
            _ => Interval::make_unbounded(&self.returns),
        }
    }

    fn output_ordering(&self, inputs: &[ExprProperties]) -> Result<SortProperties> {
        self.inner.output_ordering(inputs)
    }

    fn preserves_lex_ordering(&self, inputs: &[ExprProperties]) -> Result<bool> {
        self.inner.preserves_lex_ordering(inputs)
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        self.inner.coerce_types(arg_types)
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.inner.documentation()
    }
}
