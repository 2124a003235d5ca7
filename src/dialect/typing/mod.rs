//! Typing gives every expression of a plan the type PostgreSQL gives it, before DataFusion's analyzer sees the plan.
//!
//! DataFusion's SQL planner leaves operators open ([`deferred`]); here, from the tables upwards, literals get their types
//! (`literal`), operators are resolved by the kinds of their sides (`operator`, `numeric`), the branches of CASE, UNION,
//! VALUES and ARRAY are brought to one type (`branches`, `set`), the arguments of functions to those of the function
//! (`call`), and parameters take the type that their place asks for (`parameter`). Each cast that PostgreSQL makes
//! without being asked is in the plan afterwards, so that DataFusion's own coercion finds nothing left to do, and the
//! plan's columns have the types of the result.
//!
//! DataFusion 55: `TypeCoercion` brings a decimal beside a double to `Decimal128(30, 15)`, compares texts with numbers,
//! casts what is written in quotes to anything, and leaves a parameter in the type of the literal beside it. Not needed
//! once it takes rules of type resolution from its host.

mod accepted;
mod aggregate;
mod branches;
mod call;
mod coerce;
mod context;
mod deferred;
mod exact;
mod frame;
pub(crate) mod kind;
mod literal;
pub(crate) mod marked;
mod numeric;
mod operand;
mod operator;
mod parameter;
mod set;
mod symbol;
mod taken;

pub(crate) use context::Parameters;
pub(crate) use deferred::{Operators, functions};
use kind::{Kind, UNBOUND};

use crate::dialect::moment;
use crate::dialect::schema::{map_under_names, recomputed};
use crate::error::ErrorKind;
use context::Typing;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{DFSchema, ExprSchema, Result, ScalarValue};
use datafusion::execution::FunctionRegistry;
use datafusion::logical_expr::expr::{Alias, InSubquery, SetComparison};
use datafusion::logical_expr::logical_plan::Subquery;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{BinaryExpr, Cast, Expr, ExprSchemable, Limit, LogicalPlan, Operator};
use operand::Operand;
use std::sync::Arc;

/// Types a plan as the SQL planner made it. Parameters with a type in `parameters` have it; those without get the one
/// that their first place asks for, and are added.
///
/// # Errors
/// What PostgreSQL refuses for its types: operators and functions that do not exist (42883) or are not unique (42725),
/// branches that do not match (42804), literals that do not read (22P02, 22003).
pub(crate) fn resolve(
    plan: LogicalPlan,
    registry: &dyn FunctionRegistry,
    parameters: &mut Parameters,
) -> Result<LogicalPlan> {
    let plan = parameter::stripped(plan)?;
    let schema = Arc::new(DFSchema::empty());
    let mut typing = Typing { parameters, registry, outer: Vec::new(), work_tables: Vec::new(), schema };
    let plan = typing.plan(plan)?;
    parameter::settled(plan, typing.parameters)
}

impl Typing<'_> {
    /// A plan, its inputs first.
    fn plan(&mut self, plan: LogicalPlan) -> Result<LogicalPlan> {
        match plan {
            LogicalPlan::Union(union) => self.union(union),
            LogicalPlan::Values(values) => self.values(values),
            LogicalPlan::RecursiveQuery(query) => self.recursive(query),
            LogicalPlan::TableScan(scan) => self.scan(scan),
            LogicalPlan::Limit(limit) => self.limit(limit),
            LogicalPlan::Join(mut join) => {
                let left = self.plan(Arc::unwrap_or_clone(join.left))?;
                // A lateral subquery on the right sees the columns of the left.
                self.outer.push(left.schema().clone());
                let right = self.plan(Arc::unwrap_or_clone(join.right));
                self.outer.pop();
                (join.left, join.right) = (Arc::new(left), Arc::new(right?));
                self.join(join)
            }
            LogicalPlan::Subquery(subquery) => Ok(LogicalPlan::Subquery(self.subquery(subquery)?)),
            other => {
                let plan = other.map_children(|input| self.plan(input).map(Transformed::yes))?.data;
                self.expressions(plan)
            }
        }
    }

    /// The expressions of a node whose inputs are typed.
    fn expressions(&mut self, plan: LogicalPlan) -> Result<LogicalPlan> {
        let schema = Arc::new(merge_schema(&plan.inputs()));
        let around = std::mem::replace(&mut self.schema, schema);
        let filters = matches!(plan, LogicalPlan::Filter(_));
        let typed = map_under_names(plan, |expr| {
            let operand = self.typed(expr)?;
            let expr = if filters { self.condition(operand, "WHERE")? } else { operand.expr };
            Ok(Transformed::yes(expr))
        });
        self.schema = around;
        recomputed(typed?.data)
    }

    /// A LIMIT or OFFSET counts in `bigint`.
    fn limit(&mut self, limit: Limit) -> Result<LogicalPlan> {
        let input = Arc::new(self.plan(Arc::unwrap_or_clone(limit.input))?);
        let mut count = |expr: Option<Box<Expr>>| -> Result<Option<Box<Expr>>> {
            let Some(expr) = expr else { return Ok(None) };
            let operand = self.typed(*expr)?;
            Ok(Some(Box::new(self.coerce(operand, &arrow::datatypes::DataType::Int64)?)))
        };
        Ok(LogicalPlan::Limit(Limit { skip: count(limit.skip)?, fetch: count(limit.fetch)?, input }))
    }

    /// A subquery, which sees the columns of the current node.
    fn subquery(&mut self, subquery: Subquery) -> Result<Subquery> {
        let schema = self.schema.clone();
        self.outer.push(schema.clone());
        let plan = self.plan(Arc::unwrap_or_clone(subquery.subquery));
        let outer = subquery.outer_ref_columns.into_iter().map(|expr| Ok(self.typed(expr)?.expr));
        let outer = outer.collect::<Result<Vec<_>>>();
        self.outer.pop();
        self.schema = schema;
        Ok(Subquery { subquery: Arc::new(plan?), outer_ref_columns: outer?, spans: subquery.spans })
    }

    /// An expression and its type, its parts first.
    fn typed(&mut self, expr: Expr) -> Result<Operand> {
        match expr {
            Expr::Literal(value, metadata) => {
                let value = literal::written(value);
                Ok(Operand { data_type: value.data_type(), expr: Expr::Literal(value, metadata) })
            }
            Expr::Alias(Alias { expr, relation, name, metadata }) => {
                let Operand { expr, data_type } = self.typed(*expr)?;
                Ok(Operand { expr: Expr::Alias(Alias { expr: Box::new(expr), relation, name, metadata }), data_type })
            }
            Expr::Placeholder(placeholder) => Ok(self.known_parameter(placeholder)),
            Expr::OuterReferenceColumn(field, column) => {
                let found = self.outer.iter().rev().find_map(|schema| schema.field_from_column(&column).ok());
                let field = found.map_or(field, Arc::clone);
                Ok(Operand { data_type: field.data_type().clone(), expr: Expr::OuterReferenceColumn(field, column) })
            }
            Expr::ScalarFunction(call) => self.call(call),
            Expr::AggregateFunction(call) => self.aggregate(call),
            Expr::WindowFunction(call) => self.window(*call),
            Expr::Cast(Cast { expr, field }) => {
                let operand = self.typed(*expr)?;
                self.cast(operand, field)
            }
            Expr::BinaryExpr(BinaryExpr { left, op, right }) => {
                let (left, right) = (self.typed(*left)?, self.typed(*right)?);
                self.planned_operator(op, left, right)
            }
            Expr::Case(case) => self.case(case),
            Expr::Between(between) => self.between(between),
            Expr::InList(list) => self.in_list(list),
            Expr::InSubquery(InSubquery { expr, subquery, negated }) => {
                let (operand, subquery) = (self.typed(*expr)?, self.subquery(subquery)?);
                let (expr, subquery) = self.searched(operand, subquery)?;
                self.boolean(Expr::InSubquery(InSubquery { expr: Box::new(expr), subquery, negated }))
            }
            Expr::SetComparison(SetComparison { expr, subquery, op, quantifier }) => {
                let (operand, subquery) = (self.typed(*expr)?, self.subquery(subquery)?);
                let (expr, subquery) = self.searched(operand, subquery)?;
                self.boolean(Expr::SetComparison(SetComparison { expr: Box::new(expr), subquery, op, quantifier }))
            }
            Expr::ScalarSubquery(subquery) => {
                let subquery = self.subquery(subquery)?;
                let data_type = subquery.subquery.schema().field(0).data_type().clone();
                Ok(Operand { expr: Expr::ScalarSubquery(subquery), data_type })
            }
            Expr::Exists(mut exists) => {
                exists.subquery = self.subquery(exists.subquery)?;
                self.boolean(Expr::Exists(exists))
            }
            Expr::Like(like) => {
                let like = self.like(like)?;
                self.boolean(Expr::Like(like))
            }
            Expr::SimilarTo(like) => {
                let like = self.like(like)?;
                self.boolean(Expr::SimilarTo(like))
            }
            Expr::Not(inner) => {
                let operand = self.typed(*inner)?;
                let condition = self.condition(operand, "NOT")?;
                self.boolean(Expr::Not(Box::new(condition)))
            }
            Expr::Negative(inner) => {
                let operand = self.typed(*inner)?;
                self.negative(operand)
            }
            Expr::IsTrue(inner) => self.truth(*inner, "IS TRUE", Expr::IsTrue),
            Expr::IsNotTrue(inner) => self.truth(*inner, "IS NOT TRUE", Expr::IsNotTrue),
            Expr::IsFalse(inner) => self.truth(*inner, "IS FALSE", Expr::IsFalse),
            Expr::IsNotFalse(inner) => self.truth(*inner, "IS NOT FALSE", Expr::IsNotFalse),
            Expr::IsUnknown(inner) => self.truth(*inner, "IS UNKNOWN", Expr::IsUnknown),
            Expr::IsNotUnknown(inner) => self.truth(*inner, "IS NOT UNKNOWN", Expr::IsNotUnknown),
            other => {
                let expr = other.map_children(|part| Ok(Transformed::yes(self.typed(part)?.expr)))?.data;
                // Of `*` and its like DataFusion has no type.
                let data_type = expr.get_type(self.schema.as_ref());
                Ok(Operand { data_type: data_type.unwrap_or(arrow::datatypes::DataType::Null), expr })
            }
        }
    }

    /// `-` before a value. Of moments there is none, though Arrow has one.
    fn negative(&mut self, operand: Operand) -> Result<Operand> {
        if operand.kind() == Kind::Unknown && matches!(operand.expr, Expr::Literal(..)) {
            let text = "operator is not unique: - unknown";
            return Err(kind::refusal(ErrorKind::AmbiguousFunction, text));
        }
        match operand.kind() {
            // A time is a span since midnight.
            Kind::Interval | Kind::Time => {
                let span = moment::types::INTERVAL;
                Ok(Operand { expr: moment::operator::negated(self.coerce(operand, &span)?), data_type: span })
            }
            kind @ (Kind::Date | Kind::Timestamp | Kind::Timestamptz) => {
                let text = format!("operator does not exist: - {}", kind.name());
                Err(kind::refusal(ErrorKind::UnknownFunction, text))
            }
            // The least integer has no counterpart, which a difference finds out.
            kind if kind.is_integer() && !matches!(operand.expr, Expr::Literal(..)) => {
                let data_type = operand.data_type;
                let zero = ScalarValue::new_zero(&data_type)?;
                let (left, right) = (Box::new(Expr::Literal(zero, None)), Box::new(operand.expr));
                Ok(Operand { expr: Expr::BinaryExpr(BinaryExpr { left, op: Operator::Minus, right }), data_type })
            }
            _ => Ok(Operand { expr: Expr::Negative(Box::new(operand.expr)), data_type: operand.data_type }),
        }
    }

    fn boolean(&self, expr: Expr) -> Result<Operand> {
        Ok(Operand { expr, data_type: arrow::datatypes::DataType::Boolean })
    }

    /// A test of a boolean, which `test` puts around it.
    fn truth(&mut self, inner: Expr, name: &str, test: fn(Box<Expr>) -> Expr) -> Result<Operand> {
        let operand = self.typed(inner)?;
        let condition = self.condition(operand, name)?;
        self.boolean(test(Box::new(condition)))
    }

    /// An operator that DataFusion's planner has put in itself: AND, OR, IS DISTINCT FROM, patterns.
    fn planned_operator(&mut self, op: Operator, left: Operand, right: Operand) -> Result<Operand> {
        match op {
            Operator::And | Operator::Or => {
                let name = if op == Operator::And { "AND" } else { "OR" };
                let (left, right) = (self.condition(left, name)?, self.condition(right, name)?);
                self.boolean(Expr::BinaryExpr(BinaryExpr { left: Box::new(left), op, right: Box::new(right) }))
            }
            Operator::Eq
            | Operator::NotEq
            | Operator::Lt
            | Operator::LtEq
            | Operator::Gt
            | Operator::GtEq
            | Operator::IsDistinctFrom
            | Operator::IsNotDistinctFrom => self.comparison(op, left, right),
            Operator::Plus | Operator::Minus | Operator::Multiply | Operator::Divide | Operator::Modulo => {
                self.operator(symbol::Symbol::Operator(op), left, right)
            }
            _ => {
                let side = |typing: &mut Self, operand: Operand| match operand.expr {
                    Expr::Placeholder(_) => typing.coerce(operand, &arrow::datatypes::DataType::Utf8),
                    expr => Ok(expr),
                };
                let (left, right) = (side(self, left)?, side(self, right)?);
                let expr = Expr::BinaryExpr(BinaryExpr { left: Box::new(left), op, right: Box::new(right) });
                let data_type = expr.get_type(self.schema.as_ref())?;
                Ok(Operand { expr, data_type })
            }
        }
    }

    /// A cast that is written out.
    fn cast(&mut self, operand: Operand, field: arrow::datatypes::FieldRef) -> Result<Operand> {
        let to = field.data_type().clone();
        match (&operand.expr, operand.kind(), Kind::of(&to)) {
            // Texts are compared and shown as they are; the cast keeps a literal from being taken for unknown.
            (Expr::Literal(ScalarValue::Utf8(_), _), Kind::Unknown, Kind::Text)
            | (Expr::Literal(ScalarValue::Null, _), ..) => {
                Ok(Operand { expr: Expr::Cast(Cast { expr: Box::new(operand.expr), field }), data_type: to })
            }
            (_, Kind::Unknown, Kind::Numeric) | (_, Kind::Numeric, Kind::Numeric) if to == UNBOUND => {
                let expr = operand.expr;
                if matches!(expr, Expr::Placeholder(_)) {
                    let operand = Operand { expr, data_type: operand.data_type };
                    return Ok(Operand { expr: self.coerce(operand, &to)?, data_type: to });
                }
                self.numeric(Operand { expr, data_type: operand.data_type })
            }
            (_, kind, Kind::Numeric) if to == UNBOUND && kind.is_integer() => self.numeric(operand),
            (_, Kind::Unknown, Kind::Numeric) => {
                let expr = self.coerce(operand, &to)?;
                Ok(Operand { expr, data_type: to })
            }
            (_, Kind::Unknown, _) => {
                let expr = self.coerce(operand, &to)?;
                // A literal of its type would be read as a number that is written out.
                let expr = match expr {
                    Expr::Literal(ScalarValue::Int64(_) | ScalarValue::UInt64(_), _) => {
                        Expr::Cast(Cast { expr: Box::new(expr), field })
                    }
                    other => other,
                };
                Ok(Operand { expr, data_type: to })
            }
            _ if matches!(&operand.expr, Expr::Literal(..)) && to == arrow::datatypes::DataType::Float64 => {
                Ok(Operand { expr: self.coerce(operand, &to)?, data_type: to })
            }
            _ if operand.data_type == to => {
                Ok(Operand { expr: Expr::Cast(Cast { expr: Box::new(operand.expr), field }), data_type: to })
            }
            _ => Ok(Operand { expr: coerce::converted(operand.expr, &operand.data_type, &to)?, data_type: to }),
        }
    }
}
