//! The one walk that looks at a statement before it is rewritten: every field is one that is read
//! ([`super::fields`]), and the whole is not too large ([`super::size`]).

use super::refuse::Checked;
use super::size::Sizes;
use super::tree::Statement;
use super::{expression_fields, fields, numeric_type};
use crate::dialect::abandoned::unless_over;
use crate::dialect::parse::walk::Walk;
use crate::error::QueryError;
use datafusion::sql::sqlparser::ast::{Expr, ObjectName, Query, Select, TableFactor, ValueWithSpan, Visitor};
use std::ops::ControlFlow;

/// Refuses a statement with syntax that is not PostgreSQL's or not answered, or that would be too much
/// to plan.
///
/// # Errors
/// `Syntax` for the former, `NotSupported` for what PostgreSQL has and for a limit that is exceeded,
/// `InvalidParameter` for an argument that would make too large a value.
pub(crate) fn check(statement: &Statement) -> Result<(), QueryError> {
    match statement.walk(&mut Check::default()) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(error) => Err(error),
    }
}

/// Both looks at once.
#[derive(Default)]
struct Check {
    sizes: Sizes,
    /// Arrays that are written out around the point of the walk.
    arrays: usize,
}

/// Ends the walk with the refusal, if there is one.
fn ended(checked: Checked) -> ControlFlow<QueryError> {
    match checked {
        Ok(()) => ControlFlow::Continue(()),
        Err(error) => ControlFlow::Break(error),
    }
}

impl Visitor for Check {
    type Break = QueryError;

    fn pre_visit_statement(&mut self, statement: &Statement) -> ControlFlow<QueryError> {
        ended(fields::statement(statement))
    }

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<QueryError> {
        ended(fields::query(query))?;
        self.sizes.pre_visit_query(query)
    }

    fn post_visit_query(&mut self, query: &Query) -> ControlFlow<QueryError> {
        self.sizes.post_visit_query(query)
    }

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<QueryError> {
        ended(fields::select(select))?;
        self.sizes.pre_visit_select(select)
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<QueryError> {
        ended(fields::table_factor(factor))
    }

    fn pre_visit_relation(&mut self, relation: &ObjectName) -> ControlFlow<QueryError> {
        self.sizes.pre_visit_relation(relation)
    }

    fn pre_visit_value(&mut self, value: &ValueWithSpan) -> ControlFlow<QueryError> {
        ended(expression_fields::literal(&value.value))
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<QueryError> {
        unless_over()?;
        ended(expression_fields::expression(expr, self.arrays > 0))?;
        ended(numeric_type::check(expr))?;
        self.arrays += usize::from(matches!(expr, Expr::Array(_)));
        self.sizes.pre_visit_expr(expr)
    }

    fn post_visit_expr(&mut self, expr: &Expr) -> ControlFlow<QueryError> {
        self.arrays -= usize::from(matches!(expr, Expr::Array(_)));
        self.sizes.post_visit_expr(expr)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::parse::parse;
    use crate::error::ErrorKind;

    fn read(sql: &str) -> Result<(), ErrorKind> {
        let statements = parse(sql, &[]).map_err(|error| error.kind)?;
        statements.iter().try_for_each(|statement| check(statement).map_err(|error| error.kind))
    }

    #[test]
    fn what_is_no_syntax_of_postgres_is_a_syntax_error() {
        for sql in [
            "SELECT TOP 3 a FROM t",
            "SELECT a FROM t QUALIFY b",
            "SELECT a FROM t PREWHERE b",
            "SELECT a FROM t LATERAL VIEW explode(b) c AS d",
            "SELECT a FROM t LEFT SEMI JOIN u ON b",
            "SELECT a FROM t JOIN u",
            "SELECT a FROM t CROSS JOIN u ON b",
            "SELECT a FROM t WITH (NOLOCK)",
            "SELECT a FROM t GROUP BY ALL",
            "SELECT a FROM t GROUP BY a WITH ROLLUP",
            "SELECT a FROM t CLUSTER BY a",
            "SELECT a FROM t ORDER BY a WITH FILL",
            "SELECT a FROM t LIMIT 1, 2",
            "SELECT a FROM t LIMIT 1 BY a",
            "SELECT a FROM t FETCH FIRST 10 PERCENT ROWS ONLY",
            "SELECT a FROM t FETCH FIRST 1 ROWS WITH TIES",
            "SELECT a FROM t SETTINGS b = 1",
            "SELECT a FROM t FORMAT JSON",
            "SELECT a FROM t FOR JSON AUTO",
            "SELECT a FROM t |> WHERE b",
            "SELECT a FROM t UNPIVOT (b FOR c IN (d))",
            "SELECT a FROM t START WITH b CONNECT BY c",
            "SELECT * EXCEPT (a) FROM t",
            "SELECT * EXCLUDE (a) FROM t",
            "SELECT * REPLACE (a AS b) FROM t",
            "SELECT AS STRUCT a FROM t",
            "SELECT a UNION BY NAME SELECT b",
            "SELECT a MINUS SELECT b",
            "VALUES ROW(1)",
            "VALUE (1)",
            "FROM t SELECT a",
            "SELECT 1 'a'",
            "SELECT 1 AS 'a'",
            "SELECT a FROM t AS 'b'",
            "SELECT lag(a) IGNORE NULLS OVER () FROM t",
            "SELECT first_value(a IGNORE NULLS) OVER () FROM t",
            "SELECT string_agg(a, ',' LIMIT 1) FROM t",
            "SELECT listagg(a, ',' ON OVERFLOW ERROR) FROM t",
            "SELECT quantile(0.5)(a) FROM t",
            "SELECT TRY_CAST(a AS int) FROM t",
            "SELECT CAST(a AS date FORMAT 'x') FROM t",
            "SELECT a RLIKE b FROM t",
            "SELECT a REGEXP b FROM t",
            "SELECT a DIV b FROM t",
            "SELECT a XOR b FROM t",
            "SELECT a <=> b FROM t",
            "SELECT a == b FROM t",
            "SELECT a MEMBER OF (b) FROM t",
            "SELECT a < b < c FROM t",
            "SELECT a LIKE b LIKE c FROM t",
            "SELECT a NOT NULL FROM t",
            "SELECT [1, 2]",
            "SELECT {'a': 1}",
            "SELECT {fn now()}",
            "SELECT MAP {'a': 1}",
            "SELECT _utf8'a'",
            "SELECT a.b:c FROM t",
            "SELECT a[1:2:3] FROM t",
            "SELECT a (+) FROM t",
            "SELECT ?",
            "SELECT 5!",
            "SELECT !a FROM t",
            "SELECT 1a",
            "SELECT 0x",
            "SELECT ceil(a TO day) FROM t",
            "SELECT a FROM TABLE(f())",
            "SELECT a FROM t AS u (a int)",
            "SELECT a FROM unnest(b) WITH OFFSET",
        ] {
            assert_eq!(read(sql), Err(ErrorKind::Syntax), "{sql}");
        }
    }

    #[test]
    fn what_postgres_has_and_nothing_answers_is_not_supported() {
        for sql in [
            "SELECT B'101'",
            "SELECT X'1F'",
            "SELECT a COLLATE \"de_DE\" FROM t",
            "SELECT DISTINCT a FROM t FOR UPDATE",
            "SELECT count(*) FROM t GROUP BY a FOR SHARE",
            "SELECT 1 UNION SELECT 2 FOR UPDATE",
        ] {
            assert_eq!(read(sql), Err(ErrorKind::NotSupported), "{sql}");
        }
    }

    #[test]
    fn words_of_other_systems_are_names() {
        for sql in [
            "SELECT a AS top, b qualify, c div FROM t global JOIN u semi ON true",
            "SELECT a.regexp, rlike(b) FROM t a",
            "SELECT 1 AS value, 2 format, 3 sample",
            "TABLE t",
            "SELECT a FROM ONLY t, ONLY (u)",
            "SELECT a FROM t *",
            "SELECT a FROM t ORDER BY a USING >",
            "SELECT a FROM t FOR NO KEY UPDATE OF t SKIP LOCKED",
            "SELECT a FROM t FOR KEY SHARE",
            "SELECT trim(leading from a), trim(from a), trim(a, b) FROM t",
            "SELECT 0x1F, 0b101, 0o17, 1_000, ARRAY[[1], [2]]",
            "SELECT a ISNULL, b NOTNULL, c BETWEEN SYMMETRIC 1 AND 2 FROM t",
            "SELECT /*+ hint */ a FROM t",
        ] {
            assert_eq!(read(sql), Ok(()), "{sql}");
        }
    }
}
