//! Calls that stand for operators until the types of their sides are known.
//!
//! DataFusion 55: the SQL planner types an operator as soon as it meets it, when a literal is still an `Int64` and a
//! parameter has no type, and refuses what does not go together then (`interval > '1 day'`, `ARRAY[date '2026-01-01',
//! '2026-01-02']`). So the planner is given a call of [`Deferred`] in the operator's place, which takes any types; the
//! typing that follows puts the operator there. Not needed once the SQL planner leaves types to the analyzer.

use super::kind::too_many_digits;
use super::operand::is_unknown;
use super::symbol::{Deferral, Symbol};
use super::{marked, operator};
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{DFSchema, Result, internal_err};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawBinaryExpr};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ExprSchemable, Operator, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl,
    Signature, Volatility,
};
use datafusion::sql::sqlparser::ast::BinaryOperator;
use std::sync::{Arc, LazyLock};

/// The expression planner that puts the calls in; it has no state.
#[derive(Debug)]
pub(crate) struct Operators;

impl ExprPlanner for Operators {
    /// Plans one operator as a deferred call. AND, OR, patterns and what DataFusion has its
    /// own planners for are left to it.
    fn plan_binary_op(&self, raw: RawBinaryExpr, schema: &DFSchema) -> Result<PlannerResult<RawBinaryExpr>> {
        let is_list = |expr: &Expr| matches!(expr.get_type(schema), Ok(DataType::List(_)));
        if raw.op == BinaryOperator::StringConcat && (is_list(&raw.left) || is_list(&raw.right)) {
            // What has no type is an array beside one, which the typing makes of it.
            let untyped = is_unknown(&raw.left) || is_unknown(&raw.right);
            return Ok(match untyped {
                true => {
                    let symbol = Symbol::Operator(Operator::StringConcat);
                    PlannerResult::Planned(call(&operator_name(symbol), vec![raw.left, raw.right]))
                }
                false => PlannerResult::Original(raw),
            });
        }
        Ok(match operator_of(&raw.op) {
            Some(operator) => PlannerResult::Planned(call(&operator_name(operator), vec![raw.left, raw.right])),
            None => PlannerResult::Original(raw),
        })
    }

    /// Plans `ARRAY[...]` as a deferred call; an empty one has no elements to go by.
    fn plan_array_literal(&self, elements: Vec<Expr>, _schema: &DFSchema) -> Result<PlannerResult<Vec<Expr>>> {
        Ok(if elements.is_empty() {
            PlannerResult::Original(elements)
        } else {
            PlannerResult::Planned(call(ARRAY, elements))
        })
    }
}

/// The call that stands for `ARRAY[...]`.
const ARRAY: &str = "ARRAY";

/// Functions whose arguments are brought to one type, which PostgreSQL chooses otherwise than DataFusion.
const FUNCTIONS_OF_BRANCHES: [&str; 5] = ["array_has", "coalesce", "greatest", "least", "nullif"];

/// The functions that the SQL planner finds by their names.
pub(crate) fn functions() -> Vec<ScalarUDF> {
    let named = FUNCTIONS_OF_BRANCHES.into_iter().chain(marked::NAMES);
    let stands_for = |name| match name {
        marked::DISTINCT => Deferral::Operator(Symbol::Operator(Operator::IsDistinctFrom)),
        marked::NOT_DISTINCT => Deferral::Operator(Symbol::Operator(Operator::IsNotDistinctFrom)),
        other => Deferral::Function(other),
    };
    named.map(|name| ScalarUDF::from(Deferred::new(stands_for(name), name.to_owned()))).collect()
}

/// The operators that are deferred; `^` goes by the name of a function, since DataFusion has no such operator.
const OPERATORS: [Operator; 16] = [
    Operator::Plus,
    Operator::Minus,
    Operator::Multiply,
    Operator::Divide,
    Operator::Modulo,
    Operator::Eq,
    Operator::NotEq,
    Operator::Lt,
    Operator::LtEq,
    Operator::Gt,
    Operator::GtEq,
    Operator::StringConcat,
    Operator::BitwiseAnd,
    Operator::BitwiseOr,
    Operator::BitwiseShiftLeft,
    Operator::BitwiseShiftRight,
];

fn operator_of(op: &BinaryOperator) -> Option<Symbol> {
    Some(Symbol::Operator(match op {
        BinaryOperator::Plus => Operator::Plus,
        BinaryOperator::Minus => Operator::Minus,
        BinaryOperator::Multiply => Operator::Multiply,
        BinaryOperator::Divide => Operator::Divide,
        BinaryOperator::Modulo => Operator::Modulo,
        BinaryOperator::Eq => Operator::Eq,
        BinaryOperator::NotEq => Operator::NotEq,
        BinaryOperator::Lt => Operator::Lt,
        BinaryOperator::LtEq => Operator::LtEq,
        BinaryOperator::Gt => Operator::Gt,
        BinaryOperator::GtEq => Operator::GtEq,
        BinaryOperator::StringConcat => Operator::StringConcat,
        BinaryOperator::BitwiseAnd => Operator::BitwiseAnd,
        BinaryOperator::BitwiseOr => Operator::BitwiseOr,
        BinaryOperator::PGBitwiseShiftLeft => Operator::BitwiseShiftLeft,
        BinaryOperator::PGBitwiseShiftRight => Operator::BitwiseShiftRight,
        BinaryOperator::PGExp => return Some(Symbol::Power),
        BinaryOperator::PGBitwiseXor => return Some(Symbol::Xor),
        _ => return None,
    }))
}

fn operator_name(symbol: Symbol) -> String {
    format!("operator {}", symbol.text())
}

/// The functions, made once: equal expressions must share one function to be recognised as equal.
static CALLS: LazyLock<Vec<Arc<ScalarUDF>>> = LazyLock::new(|| {
    let symbols = OPERATORS.into_iter().map(Symbol::Operator).chain([Symbol::Power, Symbol::Xor]);
    let operators = symbols.map(|symbol| (Deferral::Operator(symbol), operator_name(symbol)));
    let all = operators.chain([(Deferral::Array, ARRAY.to_owned())]);
    all.map(|(stands_for, name)| Arc::new(ScalarUDF::from(Deferred::new(stands_for, name)))).collect()
});

fn call(name: &str, args: Vec<Expr>) -> Expr {
    match CALLS.iter().find(|function| function.name() == name) {
        Some(function) => Expr::ScalarFunction(ScalarFunction { func: function.clone(), args }),
        // Every operator above has its function.
        None => Expr::default(),
    }
}

/// The call that stands for a number of too many digits.
pub(super) fn beyond(digits: Vec<Expr>) -> Expr {
    static CALL: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| {
        let stands_for = Deferral::Function(marked::BEYOND);
        Arc::new(ScalarUDF::from(Deferred::new(stands_for, marked::BEYOND.to_owned())))
    });
    CALL.call(digits)
}

/// The digits of a number of too many, as they are written.
pub(super) fn digits_beyond(expr: &Expr) -> Option<&str> {
    let Expr::ScalarFunction(ScalarFunction { func, args }) = expr else { return None };
    match (stands_for(func), args.as_slice()) {
        (Some(Deferral::Function(marked::BEYOND)), [Expr::Literal(digits, _)]) => digits.try_as_str().flatten(),
        _ => None,
    }
}

/// What a function stands for, when it is a deferred one.
pub(crate) fn stands_for(function: &ScalarUDF) -> Option<Deferral> {
    function.inner().downcast_ref::<Deferred>().map(|deferred| deferred.stands_for)
}

/// A call in the place of an operator or of a function whose types are open.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Deferred {
    stands_for: Deferral,
    name: String,
    signature: Signature,
}

impl Deferred {
    fn new(stands_for: Deferral, name: String) -> Self {
        Self { stands_for, name, signature: Signature::variadic_any(Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for Deferred {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    /// The name of the column, which people may see: as the operator is written.
    fn schema_name(&self, args: &[Expr]) -> Result<String> {
        let names = args.iter().map(|arg| arg.schema_name().to_string()).collect::<Vec<_>>();
        Ok(match (self.stands_for, names.as_slice()) {
            (Deferral::Operator(symbol), [left, right]) => format!("{left} {} {right}", symbol.text()),
            (Deferral::Array, elements) => format!("{}[{}]", self.name, elements.join(", ")),
            (_, arguments) => format!("{}({})", self.name, arguments.join(", ")),
        })
    }

    fn display_name(&self, args: &[Expr]) -> Result<String> {
        self.schema_name(args)
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        internal_err!("the type of {} depends on its fields", self.name)
    }

    /// The type as far as it can be told before the operator is resolved, for what is planned above it.
    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        let types: Vec<_> = args.arg_fields.iter().map(|field| field.data_type().clone()).collect();
        Ok(Arc::new(Field::new(self.name(), operator::provisional(self.stands_for, &types), true)))
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        match (self.stands_for, arguments.args.into_iter().next()) {
            // A mark is only around what it marks.
            (Deferral::Function(marked::CAST), Some(value)) => Ok(value),
            (Deferral::Function(marked::BEYOND), _) => Err(too_many_digits()),
            _ => internal_err!("{} was not resolved", self.name),
        }
    }
}
