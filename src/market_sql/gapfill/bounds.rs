//! From when to when gaps are filled: what the call says, or else what WHERE says of the moment.

use super::super::implied::{implied, is_constant};
use crate::dialect::moment::fault::external;
use crate::error::{ErrorKind, QueryError};
use datafusion::common::tree_node::TreeNode;
use datafusion::common::{Column, DFSchema, Result};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::expr::Between;
use datafusion::logical_expr::utils::split_conjunction;
use datafusion::logical_expr::{BinaryExpr, Expr, LogicalPlan, Operator};

/// On which side of the moments that are filled a bound is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd)]
pub(super) enum Side {
    /// Before the first of them.
    Start,
    /// Behind the last of them.
    Finish,
}

impl Side {
    fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Finish => "finish",
        }
    }

    /// 22023: nothing says where gaps begin or end.
    pub(super) fn missing(self) -> DataFusionError {
        let name = self.name();
        let message = format!("missing time_bucket_gapfill argument: could not infer {name} from WHERE clause");
        let error = QueryError::new(ErrorKind::InvalidParameter, message);
        external(error.with_hint("Specify start and finish as arguments or in the WHERE clause."))
    }

    /// 22023: it is said to be NULL.
    pub(super) fn is_null(self) -> DataFusionError {
        let message = format!("invalid time_bucket_gapfill argument: {} cannot be NULL", self.name());
        external(QueryError::new(ErrorKind::InvalidParameter, message))
    }
}

/// A bound of the moments that are filled.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd)]
pub(super) struct Bound {
    /// The value, an expression without columns.
    pub(super) value: Expr,
    /// On which side it is.
    pub(super) side: Side,
    /// Whether the value itself is outside of a start, or inside of a finish: there it is one later.
    pub(super) one_later: bool,
}

/// What the filters beneath a node say of a moment.
///
/// # Errors
/// A column that is not among those of its node.
pub(super) fn of_filters(plan: &LogicalPlan, moment: &Expr) -> Result<Vec<Bound>> {
    let mut bounds = Vec::new();
    let mut moment = bare(moment).clone();
    let mut plan = plan;
    loop {
        match plan {
            LogicalPlan::Filter(filter) => {
                for condition in split_conjunction(&filter.predicate) {
                    bounds.extend(of_condition(condition, &moment));
                    let of_session = sessions(condition, filter.input.schema());
                    bounds.extend(of_session.iter().flat_map(|condition| of_condition(condition, &moment)));
                }
                plan = &filter.input;
            }
            LogicalPlan::SubqueryAlias(alias) => {
                let Expr::Column(column) = &moment else { return Ok(bounds) };
                let place = alias.schema.index_of_column(column)?;
                moment = Expr::Column(Column::from(alias.input.schema().qualified_field(place)));
                plan = &alias.input;
            }
            LogicalPlan::Projection(projection) => {
                let Expr::Column(column) = &moment else { return Ok(bounds) };
                let place = projection.schema.index_of_column(column)?;
                let Some(source) = projection.expr.get(place) else { return Ok(bounds) };
                moment = bare(source).clone();
                plan = &projection.input;
            }
            _ => return Ok(bounds),
        }
    }
}

/// What a condition on the date of a session says of its moment. That of a bucket says less than it has to.
fn sessions(condition: &Expr, schema: &DFSchema) -> Vec<Expr> {
    let is_session = |part: &Expr| matches!(part, Expr::ScalarFunction(call) if call.func.name() == "session_date");
    match condition.exists(|part| Ok(is_session(part))) {
        Ok(true) => implied(condition, schema),
        _ => Vec::new(),
    }
}

/// What one condition says of a moment.
fn of_condition(condition: &Expr, moment: &Expr) -> Vec<Bound> {
    let is_moment = |expr: &Expr| bare(expr) == moment;
    match condition {
        Expr::Between(Between { expr, negated: false, low, high }) if is_moment(expr) => {
            let ends = [(Operator::GtEq, low), (Operator::LtEq, high)];
            ends.into_iter().flat_map(|(op, value)| of_comparison(op, value)).collect()
        }
        Expr::BinaryExpr(BinaryExpr { left, op, right }) if is_moment(left) => of_comparison(*op, right),
        Expr::BinaryExpr(BinaryExpr { left, op, right }) if is_moment(right) => {
            op.swap().map(|op| of_comparison(op, left)).unwrap_or_default()
        }
        _ => Vec::new(),
    }
}

/// What `moment op value` says.
fn of_comparison(op: Operator, value: &Expr) -> Vec<Bound> {
    let bound = |side, one_later| Bound { value: value.clone(), side, one_later };
    match op {
        _ if !is_constant(value) => Vec::new(),
        Operator::GtEq => vec![bound(Side::Start, false)],
        Operator::Gt => vec![bound(Side::Start, true)],
        Operator::Lt => vec![bound(Side::Finish, false)],
        Operator::LtEq => vec![bound(Side::Finish, true)],
        Operator::Eq => vec![bound(Side::Start, false), bound(Side::Finish, true)],
        _ => Vec::new(),
    }
}

/// An expression without another name.
fn bare(expr: &Expr) -> &Expr {
    match expr {
        Expr::Alias(alias) => bare(&alias.expr),
        other => other,
    }
}
