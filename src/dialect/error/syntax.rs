//! The errors of sqlparser become PostgreSQL's syntax errors, and lines and columns become positions
//! in a statement.

use crate::error::{ErrorKind, QueryError};
use datafusion::sql::sqlparser::parser::ParserError;

impl QueryError {
    /// The error of sqlparser, with the position it names (`at Line: 1, Column: 9`) counted in
    /// characters of `sql`, from 1.
    ///
    /// sqlparser 0.62: its errors are texts (`Expected: an expression, found: )`), from which the
    /// token and the position are read. Not needed once they carry both as values.
    pub(crate) fn from_parser(error: ParserError, sql: &str) -> Self {
        let text = match error {
            ParserError::RecursionLimitExceeded => {
                return Self::new(ErrorKind::NotSupported, "the statement is nested too deeply");
            }
            ParserError::TokenizerError(text) | ParserError::ParserError(text) => text,
        };
        let (text, position) = match text.rfind(" at Line: ") {
            Some(at) => (text.get(..at).unwrap_or(&text), text.get(at..).and_then(|place| position_of(place, sql))),
            None => (text.as_str(), None),
        };
        let mut error = match text.rsplit_once("found: ") {
            Some((expected, "EOF")) => {
                let mut error = Self::new(ErrorKind::Syntax, "syntax error at end of input");
                error.position = Some(sql.chars().count() + 1);
                expecting(error, expected)
            }
            Some((expected, found)) => {
                expecting(Self::new(ErrorKind::Syntax, format!("syntax error at or near \"{found}\"")), expected)
            }
            None => Self::new(ErrorKind::Syntax, unterminated(text)),
        };
        if position.is_some() {
            error.position = position;
        }
        error
    }

    /// Adds the place of a line and a column, both from 1, in `sql`.
    pub(crate) fn at(mut self, line: u64, column: u64, sql: &str) -> Self {
        if self.position.is_none() {
            self.position = offset(line, column, sql);
        }
        self
    }
}

/// `Expected: an expression, ` becomes a hint.
fn expecting(error: QueryError, expected: &str) -> QueryError {
    let expected = expected.trim().trim_end_matches(',');
    match expected.strip_prefix("Expected").map(|rest| rest.trim_start_matches(':').trim()) {
        Some(what) if !what.is_empty() => error.with_hint(format!("Expected {what}.")),
        _ => error,
    }
}

/// The tokenizer's words for an open quote, as PostgreSQL puts them.
fn unterminated(text: &str) -> String {
    let lower = text.to_lowercase();
    if lower.contains("unterminated string") || lower.contains("unterminated encoded string") {
        "unterminated quoted string".to_owned()
    } else if lower.contains("expected close delimiter") {
        "unterminated quoted identifier".to_owned()
    } else if lower.contains("comment") {
        "unterminated /* comment".to_owned()
    } else {
        text.trim().trim_end_matches('.').to_owned()
    }
}

/// Reads ` at Line: 2, Column: 5`.
fn position_of(place: &str, sql: &str) -> Option<usize> {
    let mut numbers = place.split(|c: char| !c.is_ascii_digit()).filter(|digits| !digits.is_empty());
    let line = numbers.next()?.parse().ok()?;
    let column = numbers.next()?.parse().ok()?;
    offset(line, column, sql)
}

/// Characters before a line and column, plus one; `None` when the statement has no such place.
fn offset(line: u64, column: u64, sql: &str) -> Option<usize> {
    let line = usize::try_from(line.checked_sub(1)?).ok()?;
    let column = usize::try_from(column).ok().filter(|column| *column > 0)?;
    let lines: Vec<&str> = sql.split('\n').collect();
    let before: usize = lines.get(..line)?.iter().map(|line| line.chars().count() + 1).sum();
    let within = lines.get(line)?.chars().count() + 1;
    (column <= within).then_some(before + column)
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
    use datafusion::sql::sqlparser::parser::Parser;

    #[track_caller]
    fn check(sql: &str, message: &str, position: Option<usize>) {
        let error = QueryError::from_parser(Parser::parse_sql(&PostgreSqlDialect {}, sql).unwrap_err(), sql);
        assert_eq!((error.kind, error.message.as_str(), error.position), (ErrorKind::Syntax, message, position));
    }

    #[test]
    fn syntax_errors_read_as_in_postgres() {
        check("SELEC 1", "syntax error at or near \"SELEC\"", Some(1));
        check("SELECT 1\nFROM t WHERE )", "syntax error at or near \")\"", Some(23));
        check("SELECT é, (1", "syntax error at end of input", Some(13));
        check("SELECT 'abc", "unterminated quoted string", Some(8));
    }

    #[test]
    fn places_outside_the_text_are_no_places() {
        assert_eq!(offset(3, 1, "a\nb"), None);
        assert_eq!(offset(1, 9, "a"), None);
        assert_eq!(offset(0, 0, "a"), None);
        assert_eq!(offset(2, 1, "ä\nb"), Some(3));
    }
}
