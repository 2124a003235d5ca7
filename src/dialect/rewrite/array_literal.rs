//! The reader of PostgreSQL's array literals turns `{a,"b c",NULL}` into sqlparser literals, one per
//! element.
//!
//! DataFusion 55: a text is not cast to a list by reading it as an array literal. Not needed once
//! `SELECT '{1,2}'::int[]` gives two elements.

use super::build::{call, text};
use crate::text::array;
use datafusion::sql::sqlparser::ast::{Expr, Value};

/// The elements of an array written as a literal; `None` for any other text. Those of an array of several
/// dimensions are arrays.
///
/// Elements in quotes are texts, `NULL` without quotes is NULL, white space around elements is
/// dropped, and a backslash takes the next letter as it is. `{}` has no elements.
pub(crate) fn elements(literal: &str) -> Option<Vec<Expr>> {
    let element = |element: Option<String>| match element {
        Some(element) => text(&element),
        None => Expr::Value(Value::Null.into()),
    };
    if let Some(rows) = array::rows(literal) {
        return rows.into_iter().map(|row| Some(call("make_array", elements(row)?))).collect();
    }
    Some(array::parse(literal)?.into_iter().map(element).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(literal: &str, expected: Option<&[&str]>) {
        let found = elements(literal).map(|found| found.iter().map(ToString::to_string).collect::<Vec<_>>());
        let expected = expected.map(|expected| expected.iter().map(ToString::to_string).collect());
        assert_eq!(found, expected, "{literal}");
    }

    #[test]
    fn array_literals_read_as_in_postgres() {
        check("{}", Some(&[]));
        check("{a,b}", Some(&["'a'", "'b'"]));
        check("{ a , \"b c\" , NULL, \"NULL\" }", Some(&["'a'", "'b c'", "NULL", "'NULL'"]));
        check("{\"a,b\",\"c\\\"d\"}", Some(&["'a,b'", "'c\"d'"]));
        check("{{1},{2}}", Some(&["make_array('1')", "make_array('2')"]));
        check("{{1},2}", None);
        check("{a", None);
        check("{\"a}", None);
        check("a", None);
    }
}
