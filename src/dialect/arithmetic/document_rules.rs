//! Rules for plans with JSON and UUIDs: casts of `jsonb` to numbers and booleans, texts in lists beside
//! UUIDs and `jsonb`, and the refusal to sort, group or join by `json`.
//!
//! DataFusion 55: every type can be sorted and grouped, and `IN` brings a text and a struct to no
//! common type. Not needed once a type can say that it has no equality.

use crate::dialect::equality::key_of;
use crate::dialect::function::routine;
use crate::error::{ErrorKind, QueryError};
use crate::text::{json, tid, uuid};
use arrow::datatypes::DataType;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNodeRecursion};
use datafusion::common::{DFSchema, Result};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::expr::{Between, Cast, InList};
use datafusion::logical_expr::expr_rewriter::FunctionRewrite;
use datafusion::logical_expr::{Distinct, Expr, ExprSchemable, LogicalPlan, ScalarUDF};
use datafusion::optimizer::AnalyzerRule;

/// The function rewrite of casts and lists.
#[derive(Debug)]
pub(crate) struct DocumentCasts;

impl FunctionRewrite for DocumentCasts {
    fn name(&self) -> &str {
        "casts of JSON and UUIDs"
    }

    /// Rewrites a cast of `jsonb` to a number or a boolean, and `IN` and BETWEEN over UUIDs and `jsonb`: texts beside them
    /// are read, and `jsonb` is compared by what it is equal by.
    fn rewrite(&self, expr: Expr, schema: &DFSchema, _: &ConfigOptions) -> Result<Transformed<Expr>> {
        let reader = |expr: &Expr| match expr.get_type(schema) {
            Ok(of) if uuid::is_uuid(&of) => routine("uuid_cast"),
            Ok(of) if tid::is_tid(&of) => routine("tid_cast"),
            Ok(of) if json::is_jsonb(&of) => routine("jsonb"),
            _ => None,
        };
        Ok(match expr {
            Expr::Cast(Cast { expr: inner, field }) if inner.get_type(schema).is_ok_and(|of| json::is_jsonb(&of)) => {
                let wanted = field.data_type();
                let text = match wanted {
                    DataType::Boolean => routine("jsonb_bool").map(|function| function.call(vec![*inner.clone()])),
                    wanted if wanted.is_numeric() => {
                        use crate::dialect::catalog::types;
                        let name = types::display(types::of_arrow(wanted).0, None);
                        let name = datafusion::logical_expr::lit(name);
                        routine("jsonb_number").map(|function| function.call(vec![*inner.clone(), name]))
                    }
                    _ => None,
                };
                match text {
                    // Whole numbers round, as those of `numeric` do.
                    Some(text) if wanted.is_integer() => {
                        let exact = datafusion::logical_expr::cast(text, DataType::Decimal128(38, 10));
                        let exact = datafusion::logical_expr::cast(exact, DataType::Decimal128(38, 0));
                        Transformed::yes(Expr::Cast(Cast { expr: Box::new(exact), field }))
                    }
                    Some(text) => Transformed::yes(Expr::Cast(Cast { expr: Box::new(text), field })),
                    None => Transformed::no(Expr::Cast(Cast { expr: inner, field })),
                }
            }
            Expr::InList(InList { expr: inner, list, negated }) => match reader(&inner) {
                Some(read) => {
                    let of = inner.get_type(schema)?;
                    let list = list.into_iter().map(|item| key_of(as_read(&read, item), &of)).collect();
                    Transformed::yes(Expr::InList(InList { expr: Box::new(key_of(*inner, &of)), list, negated }))
                }
                None => Transformed::no(Expr::InList(InList { expr: inner, list, negated })),
            },
            Expr::Between(Between { expr: inner, negated, low, high }) => match reader(&inner) {
                Some(read) => {
                    let of = inner.get_type(schema)?;
                    let [low, high] = [low, high].map(|item| Box::new(key_of(as_read(&read, *item), &of)));
                    Transformed::yes(Expr::Between(Between { expr: Box::new(key_of(*inner, &of)), negated, low, high }))
                }
                None => Transformed::no(Expr::Between(Between { expr: inner, negated, low, high })),
            },
            // DataFusion counts the letters of a text that it takes the bytes for.
            Expr::ScalarFunction(call)
                if matches!(call.func.name(), "character_length" | "length")
                    && call.args.first().is_some_and(|of| of.get_type(schema).is_ok_and(|of| is_bytes(&of))) =>
            {
                match routine("octet_length") {
                    Some(function) => Transformed::yes(function.call(call.args)),
                    None => Transformed::no(Expr::ScalarFunction(call)),
                }
            }
            other => Transformed::no(other),
        })
    }
}

/// A text that is written out, or NULL, as the function reads it; all else is of the type already.
fn as_read(read: &ScalarUDF, item: Expr) -> Expr {
    let untyped = matches!(&item, Expr::Literal(value, _) if value.is_null() || value.try_as_str().flatten().is_some());
    if untyped { read.call(vec![item]) } else { item }
}

/// Whether a type is one of the byte strings.
fn is_bytes(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Binary | DataType::LargeBinary | DataType::BinaryView)
}

/// The analyzer rule that refuses to sort, group, join or compare by `json`.
#[derive(Debug)]
pub(crate) struct NoOrderOfJson;

impl AnalyzerRule for NoOrderOfJson {
    fn name(&self) -> &str {
        "no order of json"
    }

    /// Fails on the first plan that sorts or groups by a `json`, and changes nothing.
    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        plan.apply_with_subqueries(|node| {
            let is_json = |expr: &Expr, node: &LogicalPlan| {
                node.inputs().iter().any(|input| expr.get_type(input.schema()).is_ok_and(|of| json::is_json(&of)))
            };
            match node {
                LogicalPlan::Sort(sort) if sort.expr.iter().any(|key| is_json(&key.expr, node)) => {
                    return Err(refused("ordering"));
                }
                LogicalPlan::Aggregate(aggregate) if aggregate.group_expr.iter().any(|key| is_json(key, node)) => {
                    return Err(refused("equality"));
                }
                LogicalPlan::Aggregate(aggregate) => {
                    for expr in &aggregate.aggr_expr {
                        no_extreme(expr, &aggregate.input)?;
                    }
                }
                LogicalPlan::Distinct(Distinct::All(input))
                    if input.schema().fields().iter().any(|field| json::is_json(field.data_type())) =>
                {
                    return Err(refused("equality"));
                }
                LogicalPlan::Distinct(Distinct::On(on)) if on.on_expr.iter().any(|key| is_json(key, node)) => {
                    return Err(refused("equality"));
                }
                LogicalPlan::Join(join) if join.on.iter().any(|(key, _)| is_json(key, node)) => {
                    return Err(refused("equality"));
                }
                _ => {}
            }
            Ok(TreeNodeRecursion::Continue)
        })?;
        Ok(plan)
    }
}

/// Refuses `min` and `max` of JSON and UUIDs, which PostgreSQL does not have.
fn no_extreme(expr: &Expr, input: &LogicalPlan) -> Result<()> {
    let call = match expr {
        Expr::Alias(alias) => return no_extreme(&alias.expr, input),
        Expr::AggregateFunction(call) if matches!(call.func.name(), "min" | "max") => call,
        _ => return Ok(()),
    };
    let of = call.params.args.first().and_then(|argument| argument.get_type(input.schema()).ok());
    match of {
        Some(of) if uuid::is_uuid(&of) || json::is_json(&of) || json::is_jsonb(&of) => {
            use crate::dialect::catalog::types;
            let of = types::display(types::of_arrow(&of).0, None);
            let message = format!("function {}({of}) does not exist", call.func.name());
            Err(DataFusionError::External(Box::new(QueryError::new(ErrorKind::UnknownFunction, message))))
        }
        _ => Ok(()),
    }
}

/// PostgreSQL's error for a type without an order or an equality.
fn refused(what: &str) -> DataFusionError {
    let message = format!("could not identify an {what} operator for type json");
    DataFusionError::External(Box::new(QueryError::new(ErrorKind::UnknownFunction, message)))
}
