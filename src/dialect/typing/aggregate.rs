//! Calls of aggregates and window functions: their arguments in the types that PostgreSQL's take, and with them the
//! function PostgreSQL would choose.

use super::accepted;
use super::context::Typing;
use super::frame;
use super::kind::{Kind, refusal};
use super::operand::Operand;
use crate::dialect::aggregate::{excluding, offset, wrapped};
use crate::dialect::arithmetic::{average, deviation, sum};
use crate::error::ErrorKind;
use crate::text::json;
use arrow::datatypes::DataType;
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::expr::{AggregateFunction, ScalarFunction, Sort, WindowFunction};
use datafusion::logical_expr::{AggregateUDF, Expr, ExprSchemable, WindowFunctionDefinition, lit};
use std::sync::Arc;

/// Aggregates that compute in doubles, whatever number they are given.
const AGGREGATES_OF_DOUBLES: [&str; 16] = [
    "approx_percentile_cont",
    "corr",
    "covar",
    "covar_pop",
    "covar_samp",
    "percentile_cont",
    "quantile_cont",
    "regr_avgx",
    "regr_avgy",
    "regr_intercept",
    "regr_r2",
    "regr_slope",
    "regr_sxx",
    "regr_sxy",
    "regr_syy",
    "quantile",
];

/// Aggregates of which each type has one, and none is preferred.
const AGGREGATES_OF_MANY_TYPES: [&str; 6] = ["array_agg", "avg", "bit_and", "bit_or", "bit_xor", "sum"];

/// Window functions whose value tells their type.
const VALUES_OF_ROWS: [&str; 5] = ["first_value", "lag", "last_value", "lead", "nth_value"];

/// The function that the rewriter puts around the argument of `array_agg`.
const ACCUMULATED: &str = "array_accumulated";

/// Whether a type is that of a row, and of no document.
fn is_record(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Struct(_)) && !json::is_json(data_type) && !json::is_jsonb(data_type)
}

/// The argument of `array_agg`, under the check of [`ACCUMULATED`] if it is an array.
fn gathered(arg: Operand) -> Operand {
    let is_array = matches!(arg.kind(), Kind::Array(_));
    match arg.expr {
        Expr::ScalarFunction(ScalarFunction { func, mut args }) if !is_array && func.name() == ACCUMULATED => {
            Operand { expr: args.pop().unwrap_or_default(), data_type: arg.data_type }
        }
        expr => Operand { expr, data_type: arg.data_type },
    }
}

impl Typing<'_> {
    /// The arguments of an aggregate, and the aggregate PostgreSQL has for their kinds.
    fn aggregated(&mut self, func: Arc<AggregateUDF>, args: Vec<Expr>) -> Result<(Arc<AggregateUDF>, Vec<Expr>)> {
        // The 1 of count(*) is a word of DataFusion's, which knows it by its type.
        if func.name() == "count" && matches!(args.as_slice(), [Expr::Literal(..)]) {
            return Ok((func, args));
        }
        // DataFusion writes the 1 later, and for aggregates of its own alone.
        #[expect(deprecated, reason = "the SQL planner makes no other")]
        let all = |arg: &Expr| matches!(arg, Expr::Wildcard { .. });
        let args = args.into_iter().map(|arg| if all(&arg) { lit(1_i64) } else { arg });
        let mut args = args.map(|arg| self.typed(arg)).collect::<Result<Vec<_>>>()?;
        if func.name() == "array_agg" {
            args = args.into_iter().map(gathered).collect();
        }
        if AGGREGATES_OF_DOUBLES.contains(&func.name()) {
            let is_number = |arg: &Operand| arg.kind().is_number() || arg.kind() == Kind::Unknown;
            let double = |arg: Operand| match is_number(&arg) {
                true => Ok(Operand { expr: self.coerce(arg, &DataType::Float64)?, data_type: DataType::Float64 }),
                false => Ok(arg),
            };
            args = args.into_iter().map(double).collect::<Result<Vec<_>>>()?;
        }
        args = self.taken(func.as_ref(), args)?;
        if let ("nth_value", [_, row]) = (func.name(), args.as_mut_slice()) {
            // DataFusion reads the number of the row where it is written out, as a bigint.
            row.expr = self.coerce(row.clone(), &DataType::Int64)?;
        }
        let kind = args.first().map(Operand::kind);
        let untyped = args.first().is_some_and(accepted::is_untyped);
        if untyped && AGGREGATES_OF_MANY_TYPES.contains(&func.name()) {
            let text = format!("function {}(unknown) is not unique", func.name());
            return Err(refusal(ErrorKind::AmbiguousFunction, text));
        }
        if untyped && func.name() == "mode" {
            return Err(accepted::undetermined());
        }
        let record = args.first().is_some_and(|arg| is_record(&arg.data_type));
        let missing = match (func.name(), &kind) {
            ("count", _) => args.len() > 1,
            ("min" | "max", Some(Kind::Bool)) => true,
            ("min" | "max", Some(Kind::Other)) => record,
            ("string_agg", Some(kind)) => !matches!(kind, Kind::Text | Kind::Bytea | Kind::Unknown),
            _ => false,
        };
        if missing {
            let given = args.iter().map(|arg| arg.kind().name()).collect::<Vec<_>>().join(", ");
            let text = format!("function {}({given}) does not exist", func.name());
            return Err(refusal(ErrorKind::UnknownFunction, text));
        }
        let func = match (func.name(), kind) {
            ("sum", Some(Kind::Int8)) => sum::of_bigints(),
            ("sum", Some(Kind::Float4)) => wrapped::sum_of_reals(func),
            ("avg" | "mean", Some(kind)) if kind.is_integer() || kind == Kind::Numeric => average::function(),
            (name, Some(kind)) if kind.is_integer() || kind == Kind::Numeric => {
                deviation::function(name).unwrap_or(func)
            }
            _ => func,
        };
        let open = |arg: Operand| match arg.expr {
            Expr::Placeholder(_) if arg.kind() == Kind::Unknown => {
                let wanted = if func.name().starts_with("bool") { DataType::Boolean } else { DataType::Utf8 };
                self.coerce(arg, &wanted)
            }
            expr => Ok(expr),
        };
        let args = args.into_iter().map(open).collect::<Result<Vec<_>>>()?;
        Ok((func, args))
    }

    fn sorted(&mut self, order: Vec<Sort>) -> Result<Vec<Sort>> {
        order.into_iter().map(|sort| Ok(Sort { expr: self.typed(sort.expr)?.expr, ..sort })).collect()
    }

    fn filtered(&mut self, filter: Option<Box<Expr>>) -> Result<Option<Box<Expr>>> {
        let Some(filter) = filter else { return Ok(None) };
        let operand = self.typed(*filter)?;
        Ok(Some(Box::new(self.condition(operand, "FILTER")?)))
    }

    /// A call of an aggregate.
    pub(super) fn aggregate(&mut self, call: AggregateFunction) -> Result<Operand> {
        let AggregateFunction { func, mut params } = call;
        let (func, args) = self.aggregated(func, params.args)?;
        params.args = args;
        params.filter = self.filtered(params.filter)?;
        params.order_by = self.sorted(params.order_by)?;
        let expr = Expr::AggregateFunction(AggregateFunction { func, params });
        let data_type = expr.get_type(self.schema.as_ref())?;
        Ok(Operand { expr, data_type })
    }

    /// A call over a window.
    pub(super) fn window(&mut self, call: WindowFunction) -> Result<Operand> {
        let WindowFunction { fun, mut params } = call;
        let fun = match fun {
            WindowFunctionDefinition::AggregateUDF(func) => {
                let (func, args) = self.aggregated(func, params.args)?;
                params.args = args;
                WindowFunctionDefinition::AggregateUDF(func)
            }
            WindowFunctionDefinition::WindowUDF(func) => {
                let over_parts = excluding::with_aggregate(&func, |inner| {
                    let (inner, args) = self.aggregated(inner, std::mem::take(&mut params.args))?;
                    params.args = args;
                    Ok(inner)
                })?;
                let func = match over_parts {
                    Some(func) => Arc::new(func),
                    None => {
                        let args = params.args.into_iter().map(|arg| self.typed(arg)).collect::<Result<Vec<_>>>()?;
                        // With a default, the value takes the default's type, or else that of a text.
                        let has_default = args.len() == 3;
                        let open = !has_default && args.first().is_some_and(accepted::is_untyped);
                        if VALUES_OF_ROWS.contains(&func.name()) && open {
                            return Err(accepted::undetermined());
                        }
                        let args = self.taken(func.as_ref(), args)?;
                        params.args = self.window_arguments(func.name(), args)?;
                        let written = params.args.get(1).is_none_or(|rows| matches!(rows, Expr::Literal(..)));
                        let by_column = if written { None } else { offset::function(func.name()) };
                        by_column.unwrap_or(func)
                    }
                };
                WindowFunctionDefinition::WindowUDF(func)
            }
        };
        params.filter = self.filtered(params.filter)?;
        params.partition_by =
            params.partition_by.into_iter().map(|expr| Ok(self.typed(expr)?.expr)).collect::<Result<_>>()?;
        params.order_by = self.sorted(params.order_by)?;
        params.window_frame = frame::fitting(params.window_frame, &params.order_by, &self.schema)?;
        let expr = Expr::from(WindowFunction { fun, params });
        let data_type = expr.get_type(self.schema.as_ref())?;
        Ok(Operand { expr, data_type })
    }

    /// The default of `lag` and `lead` has one type with their value; the other arguments are counts.
    fn window_arguments(&mut self, name: &str, args: Vec<Operand>) -> Result<Vec<Expr>> {
        let mut args = args.into_iter();
        let shifts = matches!(name, "lag" | "lead");
        let first = args.next();
        let (second, third) = (args.next(), args.next());
        if let (true, Some(value), Some(Operand { expr: Expr::Literal(ScalarValue::Null, _), .. })) =
            (shifts, &first, &second)
        {
            // From a row that is NULL rows away there is nothing, not even the default.
            let data_type = if value.kind() == Kind::Unknown { DataType::Utf8 } else { value.data_type.clone() };
            return Ok(vec![lit(ScalarValue::try_from(&data_type)?), lit(1_i64)]);
        }
        let mut exprs = Vec::new();
        match (first, third) {
            (Some(value), Some(default)) if shifts => {
                if value.kind().common(&default.kind()).is_none() {
                    let offset = second.as_ref().map_or_else(|| "integer".to_owned(), |offset| offset.kind().name());
                    let (value, default) = (value.kind().name(), default.kind().name());
                    let text = format!("function {name}({value}, {offset}, {default}) does not exist");
                    return Err(refusal(ErrorKind::UnknownFunction, text));
                }
                let (both, _) = self.alike(vec![value, default], name)?;
                let mut both = both.into_iter();
                exprs.extend(both.next());
                if let Some(second) = second {
                    exprs.push(self.as_kind(second, &DataType::Int64)?.expr);
                }
                exprs.extend(both.next());
            }
            (first, third) => {
                let count = |typing: &mut Self, operand: Operand| match operand.kind() {
                    Kind::Int2 | Kind::Int4 | Kind::Unknown => typing.coerce(operand, &DataType::Int64),
                    _ => Ok(operand.expr),
                };
                if let Some(first) = first {
                    exprs.push(if name == "ntile" { count(self, first)? } else { first.expr });
                }
                if let Some(second) = second {
                    exprs.push(if shifts || name == "nth_value" { count(self, second)? } else { second.expr });
                }
                exprs.extend(third.map(|third| third.expr));
            }
        }
        exprs.extend(args.map(|arg| arg.expr));
        Ok(exprs)
    }
}
