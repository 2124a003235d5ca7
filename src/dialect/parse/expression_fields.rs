//! Every field of an expression is planned, rewritten or refused, as in [`super::fields`].

use super::refuse::{Checked, foreign, sort_key, unsupported, wildcard};
use super::tree::fold;
use crate::error::{ErrorKind, QueryError};
use datafusion::sql::sqlparser::ast::{
    AccessExpr, Array, ArrayElemTypeDef, BinaryOperator, CastKind, CeilFloorKind, DataType, DateTimeField, Expr,
    ExtractSyntax, Function, FunctionArg, FunctionArgExpr, FunctionArgOperator, FunctionArgumentClause,
    FunctionArgumentList, FunctionArguments, Interval, ObjectName, Subscript, TypedString, UnaryOperator, Value,
    WindowFrame, WindowSpec, WindowType,
};

/// Collations that order texts by their bytes, as all texts are ordered here.
const BYTE_ORDER: &[&str] = &["c", "posix", "ucs_basic", "default", "c.utf8", "c.utf-8"];

/// Dimensions of an array; PostgreSQL's own limit (`MAXDIM`).
const DIMENSIONS_MAX: usize = 6;

/// Refuses an array type of more dimensions than a value can have.
fn dimensions(data_type: &DataType) -> Checked {
    let (mut inner, mut count) = (data_type, 0_usize);
    while let DataType::Array(
        ArrayElemTypeDef::SquareBracket(element, _)
        | ArrayElemTypeDef::AngleBracket(element)
        | ArrayElemTypeDef::Parenthesis(element),
    ) = inner
    {
        (inner, count) = (element, count + 1);
    }
    match count {
        0..=DIMENSIONS_MAX => Ok(()),
        _ => Err(QueryError::new(
            ErrorKind::LimitReached,
            format!("number of array dimensions ({count}) exceeds the maximum allowed ({DIMENSIONS_MAX})"),
        )),
    }
}

/// Checks one expression; those inside it are met on the walk. `in_array` tells whether it stands in
/// an array that is written out.
pub(super) fn expression(expr: &Expr, in_array: bool) -> Checked {
    match expr {
        Expr::Identifier(_)
        | Expr::CompoundIdentifier(_)
        | Expr::IsFalse(_)
        | Expr::IsNotFalse(_)
        | Expr::IsTrue(_)
        | Expr::IsNotTrue(_)
        | Expr::IsNull(_)
        | Expr::IsNotNull(_)
        | Expr::IsUnknown(_)
        | Expr::IsNotUnknown(_)
        | Expr::IsDistinctFrom(..)
        | Expr::IsNotDistinctFrom(..)
        | Expr::InList { expr: _, list: _, negated: _ }
        | Expr::InSubquery { expr: _, subquery: _, negated: _ }
        | Expr::Between { expr: _, negated: _, low: _, high: _ }
        | Expr::SimilarTo { negated: _, expr: _, pattern: _, escape_char: _ }
        | Expr::AnyOp { left: _, compare_op: _, right: _, is_some: _ }
        | Expr::AllOp { left: _, compare_op: _, right: _ }
        | Expr::AtTimeZone { timestamp: _, time_zone: _ }
        | Expr::Position { expr: _, r#in: _ }
        | Expr::Substring { expr: _, substring_from: _, substring_for: _, special: _, shorthand: _ }
        | Expr::Overlay { expr: _, overlay_what: _, overlay_from: _, overlay_for: _ }
        | Expr::Nested(_)
        | Expr::Case { case_token: _, end_token: _, operand: _, conditions: _, else_result: _ }
        | Expr::Exists { subquery: _, negated: _ }
        | Expr::IsNormalized { expr: _, form: _, negated: _ }
        | Expr::Subquery(_)
        | Expr::GroupingSets(_)
        | Expr::Cube(_)
        | Expr::Rollup(_)
        | Expr::Tuple(_)
        | Expr::Wildcard(_)
        | Expr::QualifiedWildcard(..)
        | Expr::Value(_) => Ok(()),
        Expr::CompoundFieldAccess { root: _, access_chain } => access_chain.iter().try_for_each(access),
        Expr::JsonAccess { value: _, path: _ } => foreign(true, ":"),
        Expr::InUnnest { expr: _, array_expr: _, negated: _ } => foreign(true, "UNNEST"),
        Expr::BinaryOp { left, op, right } => {
            one_collation(left, right)?;
            binary(op)
        }
        Expr::Like { negated: _, any, expr: _, pattern: _, escape_char: _ }
        | Expr::ILike { negated: _, any, expr: _, pattern: _, escape_char: _ } => foreign(*any, "ANY"),
        Expr::RLike { negated: _, expr: _, pattern: _, regexp: _ } => foreign(true, "RLIKE"),
        Expr::UnaryOp { op, expr: _ } => unary(*op),
        Expr::Convert { is_try: _, expr: _, data_type: _, charset: _, target_before_value: _, styles: _ } => {
            foreign(true, "CONVERT")
        }
        Expr::Cast { kind, expr: _, data_type, array, format } => {
            dimensions(data_type)?;
            match kind {
                CastKind::Cast | CastKind::DoubleColon => {}
                CastKind::TryCast | CastKind::SafeCast => foreign(true, "AS")?,
            }
            foreign(*array, "ARRAY")?;
            foreign(format.is_some(), "FORMAT")
        }
        Expr::Extract { field: _, syntax, expr: _ } => match syntax {
            ExtractSyntax::From => Ok(()),
            ExtractSyntax::Comma => foreign(true, ","),
        },
        Expr::Ceil { expr: _, field } | Expr::Floor { expr: _, field } => match field {
            CeilFloorKind::DateTimeField(DateTimeField::NoDateTime) => Ok(()),
            CeilFloorKind::DateTimeField(_) => foreign(true, "TO"),
            CeilFloorKind::Scale(_) => foreign(true, ","),
        },
        // The grammar reads calls of btrim, ltrim and rtrim instead.
        Expr::Trim { trim_where: _, trim_what: _, expr: _, trim_characters: _ } => foreign(true, "TRIM"),
        Expr::Collate { expr, collation } => {
            no_number(expr)?;
            collates(collation)
        }
        Expr::Prefixed { prefix, value: _ } => foreign(true, &prefix.value),
        Expr::TypedString(TypedString { data_type: _, value: _, uses_odbc_syntax }) => foreign(*uses_odbc_syntax, "{"),
        Expr::Function(function) => call(function),
        Expr::Struct { values: _, fields: _ } => foreign(true, "STRUCT"),
        Expr::Named { expr: _, name: _ } => foreign(true, "AS"),
        Expr::Dictionary(_) => foreign(true, "{"),
        Expr::Map(_) => foreign(true, "MAP"),
        Expr::Array(Array { elem: _, named }) => foreign(!*named && !in_array, "["),
        Expr::Interval(Interval {
            value: _,
            leading_field,
            leading_precision,
            last_field: _,
            fractional_seconds_precision: _,
        }) => {
            let of_seconds = matches!(leading_field, None | Some(DateTimeField::Second));
            foreign(leading_precision.is_some() && !of_seconds, "(")
        }
        Expr::MatchAgainst { columns: _, match_value: _, opt_search_modifier: _ } => foreign(true, "AGAINST"),
        Expr::OuterJoin(_) => foreign(true, "+"),
        Expr::Prior(_) => foreign(true, "PRIOR"),
        Expr::Lambda(_) => foreign(true, "->"),
        Expr::MemberOf(_) => foreign(true, "MEMBER"),
    }
}

/// Checks a literal: bit strings are not answered.
pub(super) fn literal(value: &Value) -> Checked {
    match value {
        Value::Number(_, _)
        | Value::SingleQuotedString(_)
        | Value::DollarQuotedString(_)
        | Value::EscapedStringLiteral(_)
        | Value::UnicodeStringLiteral(_)
        | Value::NationalStringLiteral(_)
        | Value::Boolean(_)
        | Value::Null => Ok(()),
        Value::Placeholder(name) => foreign(!name.starts_with('$'), name),
        Value::SingleQuotedByteStringLiteral(_) | Value::HexStringLiteral(_) => unsupported(true, "a bit string"),
        Value::TripleSingleQuotedString(text)
        | Value::TripleDoubleQuotedString(text)
        | Value::DoubleQuotedByteStringLiteral(text)
        | Value::TripleSingleQuotedByteStringLiteral(text)
        | Value::TripleDoubleQuotedByteStringLiteral(text)
        | Value::SingleQuotedRawStringLiteral(text)
        | Value::DoubleQuotedRawStringLiteral(text)
        | Value::TripleSingleQuotedRawStringLiteral(text)
        | Value::TripleDoubleQuotedRawStringLiteral(text)
        | Value::DoubleQuotedString(text) => foreign(true, text),
        Value::QuoteDelimitedStringLiteral(text) | Value::NationalQuoteDelimitedStringLiteral(text) => {
            foreign(true, &text.value)
        }
    }
}

/// Checks what follows an operand in points and brackets.
fn access(access: &AccessExpr) -> Checked {
    match access {
        AccessExpr::Dot(_) | AccessExpr::Subscript(Subscript::Index { index: _ }) => Ok(()),
        AccessExpr::Subscript(Subscript::Slice { lower_bound: _, upper_bound: _, stride }) => {
            foreign(stride.is_some(), ":")
        }
    }
}

/// Checks an operator between two operands; what DataFusion's planner does not know it refuses.
fn binary(op: &BinaryOperator) -> Checked {
    match op {
        BinaryOperator::Spaceship
        | BinaryOperator::Xor
        | BinaryOperator::BitwiseXor
        | BinaryOperator::DuckIntegerDivide
        | BinaryOperator::MyIntegerDivide
        | BinaryOperator::Match
        | BinaryOperator::Regexp
        | BinaryOperator::Assignment => foreign(true, &op.to_string()),
        BinaryOperator::Plus
        | BinaryOperator::Minus
        | BinaryOperator::Multiply
        | BinaryOperator::Divide
        | BinaryOperator::Modulo
        | BinaryOperator::StringConcat
        | BinaryOperator::Gt
        | BinaryOperator::Lt
        | BinaryOperator::GtEq
        | BinaryOperator::LtEq
        | BinaryOperator::Eq
        | BinaryOperator::NotEq
        | BinaryOperator::And
        | BinaryOperator::Or
        | BinaryOperator::BitwiseOr
        | BinaryOperator::BitwiseAnd
        | BinaryOperator::Custom(_)
        | BinaryOperator::PGBitwiseXor
        | BinaryOperator::PGBitwiseShiftLeft
        | BinaryOperator::PGBitwiseShiftRight
        | BinaryOperator::PGExp
        | BinaryOperator::PGOverlap
        | BinaryOperator::PGRegexMatch
        | BinaryOperator::PGRegexIMatch
        | BinaryOperator::PGRegexNotMatch
        | BinaryOperator::PGRegexNotIMatch
        | BinaryOperator::PGLikeMatch
        | BinaryOperator::PGILikeMatch
        | BinaryOperator::PGNotLikeMatch
        | BinaryOperator::PGNotILikeMatch
        | BinaryOperator::PGStartsWith
        | BinaryOperator::PGCustomBinaryOperator(_)
        | BinaryOperator::Arrow
        | BinaryOperator::LongArrow
        | BinaryOperator::HashArrow
        | BinaryOperator::HashLongArrow
        | BinaryOperator::AtAt
        | BinaryOperator::AtArrow
        | BinaryOperator::ArrowAt
        | BinaryOperator::HashMinus
        | BinaryOperator::AtQuestion
        | BinaryOperator::Question
        | BinaryOperator::QuestionAnd
        | BinaryOperator::QuestionPipe
        | BinaryOperator::Overlaps
        | BinaryOperator::DoubleHash
        | BinaryOperator::LtDashGt
        | BinaryOperator::AndLt
        | BinaryOperator::AndGt
        | BinaryOperator::LtLtPipe
        | BinaryOperator::PipeGtGt
        | BinaryOperator::AndLtPipe
        | BinaryOperator::PipeAndGt
        | BinaryOperator::LtCaret
        | BinaryOperator::GtCaret
        | BinaryOperator::QuestionHash
        | BinaryOperator::QuestionDash
        | BinaryOperator::QuestionDashPipe
        | BinaryOperator::QuestionDoublePipe
        | BinaryOperator::At
        | BinaryOperator::TildeEq => Ok(()),
    }
}

/// Checks an operator in front of its operand.
fn unary(op: UnaryOperator) -> Checked {
    match op {
        UnaryOperator::Plus
        | UnaryOperator::Minus
        | UnaryOperator::Not
        | UnaryOperator::BitwiseNot
        | UnaryOperator::PGAbs
        | UnaryOperator::PGSquareRoot
        | UnaryOperator::PGCubeRoot => Ok(()),
        UnaryOperator::BangNot | UnaryOperator::PGPostfixFactorial | UnaryOperator::PGPrefixFactorial => {
            foreign(true, "!")
        }
        UnaryOperator::AtDashAt
        | UnaryOperator::DoubleAt
        | UnaryOperator::Hash
        | UnaryOperator::QuestionDash
        | UnaryOperator::QuestionPipe => unsupported(true, &format!("the operator {op}")),
    }
}

/// Refuses a collation that would order texts otherwise than by their bytes.
fn collates(collation: &ObjectName) -> Checked {
    let name = collation.0.last().and_then(|part| part.as_ident()).map(fold).unwrap_or_default();
    unsupported(
        !BYTE_ORDER.contains(&name.to_lowercase().as_str()),
        &format!("the collation \"{name}\": texts are ordered by their bytes, another order"),
    )
}

/// The collation that is written behind an expression.
fn collation_of(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Nested(inner) => collation_of(inner),
        Expr::Collate { expr: _, collation } => collation.0.last().and_then(|part| part.as_ident()).map(fold),
        _ => None,
    }
}

/// Refuses an operator between texts of two collations, which PostgreSQL refuses too.
fn one_collation(left: &Expr, right: &Expr) -> Checked {
    match (collation_of(left), collation_of(right)) {
        (Some(left), Some(right)) => unsupported(left != right, "an operator between texts of two collations"),
        _ => Ok(()),
    }
}

/// Refuses a collation of a number that is written out.
fn no_number(expr: &Expr) -> Checked {
    let name = match expr {
        Expr::Nested(inner) => return no_number(inner),
        Expr::Value(value) => match &value.value {
            Value::Number(digits, _) if digits.contains(['.', 'e', 'E']) => "numeric",
            Value::Number(digits, _) if digits.parse::<i32>().is_ok() => "integer",
            Value::Number(..) => "bigint",
            Value::Boolean(_) => "boolean",
            _ => return Ok(()),
        },
        _ => return Ok(()),
    };
    let message = format!("collations are not supported by type {name}");
    Err(QueryError::new(ErrorKind::TypeMismatch, message))
}

/// Checks a call, with its arguments and its window.
fn call(function: &Function) -> Checked {
    let Function { name, uses_odbc_syntax, parameters, args, filter: _, null_treatment, over, within_group } = function;
    foreign(*uses_odbc_syntax, "{")?;
    foreign(!matches!(parameters, FunctionArguments::None), "(")?;
    match args {
        FunctionArguments::None => {}
        FunctionArguments::Subquery(_) => {
            let array = name.0.last().and_then(|part| part.as_ident()).is_some_and(|name| fold(name) == "array");
            foreign(!array, "SELECT")?;
        }
        FunctionArguments::List(FunctionArgumentList { duplicate_treatment: _, args, clauses }) => {
            args.iter().try_for_each(argument)?;
            clauses.iter().try_for_each(clause)?;
        }
    }
    foreign(null_treatment.is_some(), "NULLS")?;
    within_group.iter().try_for_each(sort_key)?;
    if !within_group.is_empty() && !is_ordered_set(name) {
        let message = format!("{name} is not an ordered-set aggregate, so it cannot have WITHIN GROUP");
        return Err(QueryError::new(ErrorKind::WrongObject, message));
    }
    match over {
        None | Some(WindowType::NamedWindow(_)) => Ok(()),
        Some(WindowType::WindowSpec(spec)) => window(spec),
    }
}

/// Whether an aggregate takes its values in an order, by WITHIN GROUP.
fn is_ordered_set(name: &ObjectName) -> bool {
    let name = name.0.last().and_then(|part| part.as_ident()).map(fold).unwrap_or_default();
    name.starts_with("approx_percentile_cont")
        || matches!(
            name.as_str(),
            "percentile_cont" | "percentile_disc" | "mode" | "rank" | "dense_rank" | "percent_rank" | "cume_dist"
        )
}

/// Checks one argument of a call.
pub(super) fn argument(argument: &FunctionArg) -> Checked {
    let value = match argument {
        FunctionArg::Unnamed(value) => value,
        FunctionArg::Named { name: _, arg, operator } | FunctionArg::ExprNamed { name: _, arg, operator } => {
            match operator {
                FunctionArgOperator::RightArrow | FunctionArgOperator::Assignment => {}
                FunctionArgOperator::Equals => foreign(true, "=")?,
                FunctionArgOperator::Colon | FunctionArgOperator::Value => {
                    unsupported(true, "the constructor of a JSON object")?;
                }
            }
            arg
        }
    };
    match value {
        FunctionArgExpr::Expr(_) | FunctionArgExpr::QualifiedWildcard(_) | FunctionArgExpr::Wildcard => Ok(()),
        FunctionArgExpr::WildcardWithOptions(options) => wildcard(options),
    }
}

/// Checks what follows the arguments of a call, inside its parentheses.
fn clause(clause: &FunctionArgumentClause) -> Checked {
    match clause {
        FunctionArgumentClause::OrderBy(keys) => keys.iter().try_for_each(sort_key),
        FunctionArgumentClause::IgnoreOrRespectNulls(_) => foreign(true, "NULLS"),
        FunctionArgumentClause::Limit(_) => foreign(true, "LIMIT"),
        FunctionArgumentClause::OnOverflow(_) => foreign(true, "ON"),
        FunctionArgumentClause::Having(_) => foreign(true, "HAVING"),
        FunctionArgumentClause::Separator(_) => foreign(true, "SEPARATOR"),
        FunctionArgumentClause::JsonNullClause(_) | FunctionArgumentClause::JsonReturningClause(_) => {
            unsupported(true, "a clause of a JSON constructor")
        }
    }
}

/// Checks a window, with its order and frame.
pub(super) fn window(spec: &WindowSpec) -> Checked {
    let WindowSpec { window_name: _, partition_by: _, order_by, window_frame } = spec;
    order_by.iter().try_for_each(sort_key)?;
    if let Some(WindowFrame { units: _, start_bound: _, end_bound: _ }) = window_frame {}
    Ok(())
}
