//! The reader of PostgreSQL's array literals turns `{a,"b c",NULL}` into sqlparser literals, one per
//! element.
//!
//! DataFusion 55: a text is not cast to a list by reading it as an array literal. Not needed once
//! `SELECT '{1,2}'::int[]` gives two elements.

use super::build::text;
use datafusion::sql::sqlparser::ast::{Expr, Value};

/// The elements of an array written as a literal; `None` for any other text and for nested arrays.
///
/// Elements in quotes are texts, `NULL` without quotes is NULL, white space around elements is
/// dropped, and a backslash takes the next letter as it is. `{}` has no elements.
pub(crate) fn elements(literal: &str) -> Option<Vec<Expr>> {
    let inside = literal.trim().strip_prefix('{')?.strip_suffix('}')?;
    let mut found = Vec::new();
    if inside.trim().is_empty() {
        return Some(found);
    }
    let mut element = String::new();
    let mut quoted = false;
    let mut open = false;
    let mut letters = inside.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => element.push(letters.next()?),
            '"' if open => open = false,
            '"' if !quoted && element.trim().is_empty() => {
                element.clear();
                quoted = true;
                open = true;
            }
            ',' if !open => {
                found.push(element_of(&element, quoted));
                element.clear();
                quoted = false;
            }
            '{' | '}' | '"' if !open => return None,
            letter if quoted && !open && !letter.is_whitespace() => return None,
            _ if quoted && !open => {}
            letter => element.push(letter),
        }
    }
    if open {
        return None;
    }
    found.push(element_of(&element, quoted));
    Some(found)
}

/// One element as a literal: NULL, or its text. The caller casts it to the array's element type.
fn element_of(element: &str, quoted: bool) -> Expr {
    let bare = element.trim();
    match quoted {
        true => text(element),
        false if bare.eq_ignore_ascii_case("null") => Expr::Value(Value::Null.into()),
        false => text(bare),
    }
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
        check("{{1},{2}}", None);
        check("{a", None);
        check("{\"a}", None);
        check("a", None);
    }
}
