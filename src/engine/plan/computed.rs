//! Expressions that are a little work, evaluated where a statement's message is read.

use crate::dialect::moment::follows_zone_alone;
use arrow::array::ArrayRef;
use arrow::datatypes::Schema;
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::common::{DFSchema, DFSchemaRef, ScalarValue};
use datafusion::error::Result;
use datafusion::execution::SessionState;
use datafusion::logical_expr::execution_props::ExecutionProps;
use datafusion::logical_expr::expr::{Placeholder, ScalarFunction};
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::{Expr, ExprSchemable, Operator, Volatility};
use datafusion::physical_expr::{PhysicalExpr, create_physical_expr};
use std::sync::Arc;

/// Rows of which something is computed on the front end's thread; more are a statement's own work.
pub(super) const COMPUTED_MAX: usize = 256;

/// Parts of an expression, at most: a deeper one needs a stack of its own.
pub(super) const PARTS_MAX: usize = 64;

/// Bytes of a constant that may stand beside each row.
pub(super) const VALUE_BYTES_MAX: usize = 4 << 10;

/// An expression over rows, with parameters.
#[derive(Debug, Clone)]
pub(super) struct Computed {
    expr: Expr,
    schema: DFSchemaRef,
    /// Ready to be evaluated, where it has no parameter.
    ready: Option<Arc<dyn PhysicalExpr>>,
}

impl Computed {
    /// An expression over rows of these columns; `None` for what is more than a little work, or another value each time.
    pub(super) fn of(expr: &Expr, schema: &DFSchemaRef, session: &SessionState) -> Option<Self> {
        let ready = match shape(expr, schema)? {
            Shape { open: true, .. } => None,
            Shape { open: false, .. } => Some(physical(expr, schema, session).ok()?),
        };
        Some(Self { expr: expr.clone(), schema: schema.clone(), ready })
    }

    /// An expression of constants and parameters alone; `None` for any other.
    pub(super) fn constant(expr: &Expr) -> Option<Self> {
        let schema = Arc::new(DFSchema::empty());
        let shape = shape(expr, &schema)?;
        (!shape.reads_rows).then(|| Self { expr: expr.clone(), schema, ready: None })
    }

    /// Its values over these rows.
    ///
    /// # Errors
    /// What the expression fails with.
    pub(super) fn over(&self, rows: &RecordBatch, session: &SessionState, values: &[ScalarValue]) -> Result<ArrayRef> {
        let evaluate = |expr: &Arc<dyn PhysicalExpr>| expr.evaluate(rows)?.into_array(rows.num_rows());
        match &self.ready {
            Some(ready) => evaluate(ready),
            None => evaluate(&physical(&bound(&self.expr, values)?, &self.schema, session)?),
        }
    }

    /// Its one value, where it reads no rows; `None` where it fails.
    pub(super) fn value(&self, session: &SessionState, values: &[ScalarValue]) -> Option<ScalarValue> {
        let options = RecordBatchOptions::new().with_row_count(Some(1));
        let row = RecordBatch::try_new_with_options(Arc::new(Schema::empty()), Vec::new(), &options).ok()?;
        ScalarValue::try_from_array(&self.over(&row, session, values).ok()?, 0).ok()
    }
}

/// An expression with values in the place of its parameters.
pub(super) fn bound(expr: &Expr, values: &[ScalarValue]) -> Result<Expr> {
    let bound = expr.clone().transform_up(|expr| {
        let Expr::Placeholder(placeholder) = &expr else { return Ok(Transformed::no(expr)) };
        match place(placeholder).and_then(|place| values.get(place)) {
            Some(value) => Ok(Transformed::yes(Expr::Literal(value.clone(), None))),
            None => Ok(Transformed::no(expr)),
        }
    });
    bound.data()
}

/// The place of a parameter among the values, from 0.
pub(super) fn place(placeholder: &Placeholder) -> Option<usize> {
    placeholder.id.strip_prefix('$')?.parse::<usize>().ok()?.checked_sub(1)
}

/// What an expression is made of.
#[derive(Default)]
struct Shape {
    /// Whether it has parameters.
    open: bool,
    reads_rows: bool,
}

/// What an expression is made of, if it is a little work and the same for the same rows and values in one session's zone.
fn shape(expr: &Expr, schema: &DFSchema) -> Option<Shape> {
    let (mut small, mut parts, mut shape) = (true, 0, Shape::default());
    let walked = expr.apply(|part| {
        parts += 1;
        small &= parts <= PARTS_MAX;
        small &= match part {
            Expr::Column(_) => {
                shape.reads_rows = true;
                true
            }
            Expr::Placeholder(_) => {
                shape.open = true;
                true
            }
            Expr::Literal(value, _) => value.size() <= VALUE_BYTES_MAX,
            Expr::BinaryExpr(binary) => is_little(binary.op),
            Expr::Alias(_) | Expr::Case(_) | Expr::Cast(_) | Expr::Negative(_) => true,
            Expr::Not(_) | Expr::Between(_) | Expr::InList(_) => true,
            Expr::IsNull(_) | Expr::IsNotNull(_) | Expr::IsTrue(_) | Expr::IsFalse(_) => true,
            Expr::ScalarFunction(call) => {
                let lasting = match call.func.signature().volatility {
                    Volatility::Immutable => true,
                    Volatility::Stable => follows_zone_alone(&call.func),
                    Volatility::Volatile => false,
                };
                lasting && (["coalesce", "nullif"].contains(&call.func.name()) || is_of_numbers(part, call, schema))
            }
            _ => false,
        };
        Ok(if small { TreeNodeRecursion::Continue } else { TreeNodeRecursion::Stop })
    });
    (walked.is_ok() && small).then_some(shape)
}

/// Whether a call makes a number of numbers. A function over texts may take seconds for one of them, where nobody could end
/// it; a short one that is written out is no text to search.
fn is_of_numbers(made: &Expr, call: &ScalarFunction, schema: &DFSchema) -> bool {
    let is_number = |expr: &Expr| expr.get_type(schema).is_ok_and(|made| made.primitive_width().is_some());
    let searches = call.func.name().starts_with("regexp_");
    let mut arguments = call.args.iter();
    is_number(made) && !searches && arguments.all(|given| matches!(given, Expr::Literal(..)) || is_number(given))
}

/// Whether an operator is a little work for each row, as one that searches a text is not.
fn is_little(operator: Operator) -> bool {
    match operator {
        Operator::Eq
        | Operator::NotEq
        | Operator::Lt
        | Operator::LtEq
        | Operator::Gt
        | Operator::GtEq
        | Operator::IsDistinctFrom
        | Operator::IsNotDistinctFrom
        | Operator::StringConcat => true,
        other => other.is_numerical_operators() || other.is_logic_operator(),
    }
}

/// The expression as it is evaluated, in the session's zone. Its types are settled.
fn physical(expr: &Expr, schema: &DFSchema, session: &SessionState) -> Result<Arc<dyn PhysicalExpr>> {
    let mut properties = ExecutionProps::new();
    properties.config_options = Some(session.config_options().clone());
    create_physical_expr(expr, schema, &properties, &PhysicalPlanningContext::default())
}
