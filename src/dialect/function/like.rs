//! LIKE and ILIKE by patterns that are not constants, or that end in their escape character: matched
//! letter by letter, as PostgreSQL does.
//!
//! DataFusion 55: a backslash at the end of a pattern stands for itself. Not needed once `'ab' LIKE 'a\'`
//! fails with SQLSTATE 22025.

use crate::error::{ErrorKind, QueryError};
use datafusion::arrow::array::{ArrayRef, AsArray, BooleanArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, Result, ScalarValue, plan_err};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::expr::{Like, ScalarFunction};
use datafusion::logical_expr::expr_rewriter::FunctionRewrite;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use std::sync::{Arc, LazyLock};

/// The function rewrite that puts the function in.
#[derive(Debug)]
pub(crate) struct Patterns;

impl FunctionRewrite for Patterns {
    fn name(&self) -> &str {
        "patterns"
    }

    fn rewrite(&self, expr: Expr, _: &DFSchema, _: &ConfigOptions) -> Result<Transformed<Expr>> {
        match expr {
            Expr::Like(Like { negated, expr, pattern, escape_char: None, case_insensitive }) if !is_plain(&pattern) => {
                let func = if case_insensitive { &ILIKE } else { &LIKE };
                let call = ScalarFunction { func: Arc::clone(func), args: vec![*expr, *pattern] };
                let call = Expr::ScalarFunction(call);
                Ok(Transformed::yes(if negated { Expr::Not(Box::new(call)) } else { call }))
            }
            other => Ok(Transformed::no(other)),
        }
    }
}

/// Whether a pattern is a constant that does not end in a lone backslash.
fn is_plain(pattern: &Expr) -> bool {
    match pattern {
        Expr::Literal(value, _) => match value.try_as_str() {
            Some(Some(text)) => text.len() == text.trim_end_matches('\\').len() || backslashes(text).is_multiple_of(2),
            _ => true,
        },
        Expr::Placeholder(_) => true,
        Expr::Cast(cast) => is_plain(&cast.expr) && matches!(cast.expr.as_ref(), Expr::Literal(..)),
        _ => false,
    }
}

/// Backslashes at the end of a text.
fn backslashes(text: &str) -> usize {
    text.len() - text.trim_end_matches('\\').len()
}

/// The functions, made once.
static LIKE: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| Arc::new(ScalarUDF::from(Matches::new(false))));
static ILIKE: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| Arc::new(ScalarUDF::from(Matches::new(true))));

/// Whether a text matches a pattern; NULL of NULL.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Matches {
    any_case: bool,
    signature: Signature,
}

impl Matches {
    /// The function that does, or does not, tell upper from lower case.
    fn new(any_case: bool) -> Self {
        Self { any_case, signature: Signature::exact(vec![DataType::Utf8; 2], Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for Matches {
    fn name(&self) -> &str {
        if self.any_case { "ilike" } else { "like" }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [text, pattern] = arguments.args.as_slice() else { return plan_err!("a text and a pattern are wanted") };
        let constant = [text, pattern].iter().all(|value| matches!(value, ColumnarValue::Scalar(_)));
        let rows = if constant { 1 } else { arguments.number_rows };
        let texts = |value: &ColumnarValue| -> Result<ArrayRef> { Ok(cast(&value.to_array(rows)?, &DataType::Utf8)?) };
        let (text, pattern) = (texts(text)?, texts(pattern)?);
        let pairs = text.as_string::<i32>().iter().zip(pattern.as_string::<i32>());
        let matched = pairs.map(|pair| match pair {
            (Some(text), Some(pattern)) if self.any_case => {
                matches(&text.to_lowercase(), &pattern.to_lowercase()).map(Some)
            }
            (Some(text), Some(pattern)) => matches(text, pattern).map(Some),
            _ => Ok(None),
        });
        let matched = matched.collect::<Result<BooleanArray, QueryError>>();
        let matched = matched.map_err(|error| DataFusionError::External(Box::new(error)))?;
        Ok(match constant {
            true => ColumnarValue::Scalar(ScalarValue::try_from_array(&matched, 0)?),
            false => ColumnarValue::Array(Arc::new(matched)),
        })
    }
}

/// Whether a text matches a pattern. `%` gives back letters one by one, and only the last one has to: what
/// is before it has matched.
///
/// # Errors
/// `Escape` (SQLSTATE 22025) where the pattern ends in a backslash and there is text left for it.
fn matches(text: &str, pattern: &str) -> Result<bool, QueryError> {
    let (text, pattern): (Vec<char>, Vec<char>) = (text.chars().collect(), pattern.chars().collect());
    let (mut at, mut next) = (0, 0);
    // Where the text goes on after the last `%`, and where the pattern does.
    let mut again: Option<(usize, usize)> = None;
    while at < text.len() {
        let matched = match pattern.get(next) {
            Some('%') => {
                next += 1;
                again = Some((at, next));
                continue;
            }
            Some('\\') => match pattern.get(next + 1) {
                Some(letter) if *letter == text[at] => Some(2),
                Some(_) => None,
                None => {
                    let message = "LIKE pattern must not end with escape character";
                    return Err(QueryError::new(ErrorKind::Escape, message));
                }
            },
            Some('_') => Some(1),
            Some(letter) if *letter == text[at] => Some(1),
            _ => None,
        };
        match (matched, again) {
            (Some(length), _) => {
                at += 1;
                next += length;
            }
            (None, Some((from, behind))) => {
                at = from + 1;
                next = behind;
                again = Some((at, behind));
            }
            (None, None) => return Ok(false),
        }
    }
    Ok(pattern[next..].iter().all(|letter| *letter == '%'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_letter_by_letter() {
        for (text, pattern, expected) in [
            ("abc", "a%c", true),
            ("abcbc", "a%bc", true),
            ("abc", "_b_", true),
            ("a%c", "a\\%c", true),
            ("abc", "a\\%c", false),
            ("", "%", true),
            ("a", "a\\", false),
            ("aXbXc", "%X%X", false),
        ] {
            assert_eq!(matches(text, pattern).unwrap(), expected, "{text} LIKE {pattern}");
        }
        assert!(matches("ab", "a\\").is_err());
    }
}
