//! What is told of an expression.

use super::column::Walk;
use super::facts::{Told, UNKNOWN};
use super::set;
use crate::dialect::catalog::types;
use crate::dialect::catalog::written::{of_digits, written};
use crate::dialect::rewrite::FUNCTIONS;
use crate::dialect::typing::marked;
use arrow::datatypes::DataType;
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::logical_expr::expr::{Case, ScalarFunction, WindowFunctionDefinition};
use datafusion::logical_expr::{Cast, Expr};

const CHAR: u32 = 18;
const NAME: u32 = 19;
const BPCHAR: u32 = 1042;
const VARCHAR: u32 = 1043;

/// Digits of a second that every moment has.
const ALL_DIGITS: i32 = 6;

impl Walk<'_> {
    /// What is told of a value, which is no column of a table.
    pub(super) fn value(&self, expr: &Expr, schema: &DFSchema, input: &[Told]) -> Told {
        self.expression(expr, schema, input).value()
    }

    /// What is told of an expression over columns.
    pub(super) fn expression(&self, expr: &Expr, schema: &DFSchema, input: &[Told]) -> Told {
        let of = |expr: &Expr| self.value(expr, schema, input);
        match expr {
            Expr::Column(column) => {
                let place = schema.maybe_index_of_column(column);
                place.and_then(|place| input.get(place)).copied().unwrap_or(Told::PLAIN)
            }
            Expr::Alias(alias) => self.expression(&alias.expr, schema, input),
            Expr::Literal(value, _) => literal(value),
            Expr::Cast(Cast { field, .. }) => cast(field.data_type()),
            Expr::Case(case) => branches(case, of),
            Expr::ScalarFunction(call) => function(call, of),
            Expr::AggregateFunction(call) => over_rows(call.func.name(), call.params.args.first(), of),
            Expr::WindowFunction(call) => match &call.fun {
                WindowFunctionDefinition::AggregateUDF(of_rows) => {
                    over_rows(of_rows.name(), call.params.args.first(), of)
                }
                WindowFunctionDefinition::WindowUDF(of_frame) => {
                    over_rows(of_frame.name(), call.params.args.first(), of)
                }
            },
            Expr::ScalarSubquery(subquery) => {
                self.plan(&subquery.subquery).first().map_or(Told::PLAIN, |told| told.value())
            }
            Expr::Unnest(unnest) => of(&unnest.expr).element(),
            _ => Told::PLAIN,
        }
    }
}

/// A value that is written out.
fn literal(value: &ScalarValue) -> Told {
    match value {
        ScalarValue::Null | ScalarValue::Utf8(_) => Told::of_type(UNKNOWN),
        ScalarValue::IntervalMonthDayNano(_) => Told::of_type(types::of_arrow(&value.data_type()).0),
        _ => Told::PLAIN,
    }
}

/// What a cast gives that the SQL planner has made.
fn cast(to: &DataType) -> Told {
    let (type_oid, modifier) = types::of_arrow(to);
    Told { type_oid, modifier, ..Told::PLAIN }
}

/// What a CASE comes to, whose ELSE counts first.
fn branches(case: &Case, of: impl Fn(&Expr) -> Told) -> Told {
    let otherwise = case.else_expr.as_deref().map_or(Told::of_type(UNKNOWN), &of);
    let branches: Vec<Told> =
        std::iter::once(otherwise).chain(case.when_then_expr.iter().map(|(_, then)| of(then))).collect();
    set::common(branches.into_iter())
}

/// What a call of a function gives.
fn function(call: &ScalarFunction, of: impl Fn(&Expr) -> Told) -> Told {
    let first = || call.args.first().map_or(Told::PLAIN, &of);
    let common = || {
        let branches: Vec<Told> = call.args.iter().map(&of).collect();
        set::common(branches.into_iter())
    };
    match call.func.name() {
        marked::CAST => mark(call).unwrap_or_else(first),
        marked::UNKNOWN => Told::of_type(UNKNOWN),
        "coalesce" | "greatest" | "least" => common(),
        // Of an empty array only its place tells the type.
        "ARRAY" | "make_array" if call.args.is_empty() => Told::of_type(UNKNOWN),
        "ARRAY" | "make_array" => common().array(),
        "nullif" => match first() {
            Told { type_oid: VARCHAR, .. } => Told::PLAIN,
            told => told,
        },
        "array_subscript" => first().element(),
        "array_accumulated" | "array_range" | "array_append" | "array_remove" | "array_cat" | "array_replace"
        | "array_flat" => first(),
        "array_prepend" => call.args.get(1).map_or(Told::PLAIN, &of),
        "unnest" => first().element(),
        "name_cast" => Told::of_type(NAME),
        "char_cast" => Told::of_type(CHAR),
        "left" => cut(call).unwrap_or(Told::PLAIN),
        "with_precision" => rounded(first(), call.args.get(1)),
        // Casts of values that are not written out show names.
        object @ ("regclass" | "regnamespace" | "regproc" | "regrole" | "regtype") => {
            types::by_name(object).map_or(Told::PLAIN, Told::of_type)
        }
        name if name.starts_with("to_reg") || name.starts_with("pg_sleep") => Told::PLAIN,
        name => {
            let known = FUNCTIONS.iter().find(|(known, _)| *known == name);
            known.and_then(|(_, of)| types::by_name(of)).map_or(Told::PLAIN, Told::of_type)
        }
    }
}

/// What an aggregate or a window function gives.
fn over_rows(name: &str, argument: Option<&Expr>, of: impl Fn(&Expr) -> Told) -> Told {
    let argument = || argument.map_or(Told::PLAIN, of).unmodified();
    match name {
        "array_agg" => argument().array(),
        // Of these types there is none: the text counts.
        "min" | "max" => Some(argument()).filter(|told| !is_text_alone(*told)).unwrap_or(Told::PLAIN),
        "lag" | "lead" | "first_value" | "last_value" | "nth_value" | "any_value" => argument(),
        _ => Told::PLAIN,
    }
}

/// Whether functions of a type take it as a text.
fn is_text_alone(told: Told) -> bool {
    matches!(told.type_oid, CHAR | NAME | VARCHAR)
}

/// The type that the mark around a cast tells.
fn mark(call: &ScalarFunction) -> Option<Told> {
    let Some(Expr::Literal(ScalarValue::Utf8(Some(text)), _)) = call.args.get(1) else { return None };
    let (type_oid, modifier) = written(text)?;
    // What the rewriter spells out where nothing was written.
    let spelled_out = match types::by_oid(type_oid).map(|base| base.name) {
        Some("timestamp" | "timestamptz") => modifier == ALL_DIGITS,
        Some("numeric") => modifier == types::numeric_modifier(76, 38),
        _ => false,
    };
    Some(Told { type_oid, modifier: if spelled_out { -1 } else { modifier }, ..Told::PLAIN })
}

/// A cast to `varchar(n)` or `char(n)`, which cuts.
fn cut(call: &ScalarFunction) -> Option<Told> {
    let [Expr::ScalarFunction(inner), _] = call.args.as_slice() else { return None };
    match (inner.func.name(), inner.args.get(1)) {
        ("varchar_cast", Some(Expr::Literal(ScalarValue::Int64(Some(length)), _))) => {
            let modifier = i32::try_from(*length).ok()?.checked_add(4)?;
            Some(Told { type_oid: VARCHAR, modifier, ..Told::PLAIN })
        }
        (marked::CAST, _) => mark(inner).filter(|told| matches!(told.type_oid, BPCHAR | VARCHAR) && told.modifier >= 0),
        _ => None,
    }
}

/// A moment or a span with so many digits of a second.
fn rounded(told: Told, digits: Option<&Expr>) -> Told {
    match digits {
        Some(Expr::Literal(ScalarValue::Int64(Some(digits)), _)) if told.type_oid != 0 && told.type_oid != UNKNOWN => {
            let modifier = i32::try_from(*digits).map_or(-1, |digits| of_digits(told.type_oid, digits));
            Told { modifier, ..told }
        }
        _ => told,
    }
}
