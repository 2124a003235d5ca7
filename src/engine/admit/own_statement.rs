//! ttapi's own two statements, which the SQL parser reads in places where PostgreSQL's grammar has room:
//!
//! - `REFRESH TABLE name` becomes a CALL of a procedure name that no user can write;
//! - `EXPLAIN FRESHNESS query` becomes `EXPLAIN (FRESHNESS) query`, which it also may be written as.

use crate::dialect::extension::Extension;
use crate::dialect::parse::Statement;
use datafusion::common::TableReference;
use datafusion::sql::sqlparser::ast::{
    DescribeAlias, Function, FunctionArguments, Ident, ObjectName, ObjectNamePart, UtilityOption,
};
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::parser::{Parser, ParserError};
use datafusion::sql::sqlparser::tokenizer::Token;

/// First part of the procedure's name; the table's name is the rest. No parser reads a name with a space as this.
const REFRESH_TABLE: &str = "refresh table";
/// The word behind EXPLAIN, or the option in its parentheses, that asks for freshness instead of a plan.
const FRESHNESS: &str = "freshness";

/// A statement of our own.
pub(crate) enum OwnStatement<'a> {
    /// `REFRESH TABLE name`, with the table it names.
    Refresh(TableReference),
    /// EXPLAIN FRESHNESS of a query.
    Freshness(&'a Statement),
}

/// Says whether a statement is one of our own.
pub(crate) fn own(statement: &Statement) -> Option<OwnStatement<'_>> {
    match statement {
        Statement::Call(call) => refreshed_table(&call.name).map(OwnStatement::Refresh),
        Statement::Explain { options: Some(options), statement, .. } => {
            let asked = options.iter().any(|option| option.name.value.eq_ignore_ascii_case(FRESHNESS));
            asked.then_some(OwnStatement::Freshness(statement))
        }
        _ => None,
    }
}

/// The table that the procedure's name carries, with or without a schema; `None` for any other procedure.
fn refreshed_table(name: &ObjectName) -> Option<TableReference> {
    let mut parts = name.0.iter().filter_map(ObjectNamePart::as_ident);
    parts.next().filter(|first| first.value == REFRESH_TABLE && first.quote_style.is_none())?;
    let plain = |part: &Ident| match part.quote_style {
        Some(_) => part.value.clone(),
        None => part.value.to_lowercase(),
    };
    let parts: Vec<String> = parts.map(plain).collect();
    match parts.as_slice() {
        [table] => Some(TableReference::bare(table.as_str())),
        [schema, table] => Some(TableReference::partial(schema.as_str(), table.as_str())),
        [catalog, schema, table] => Some(TableReference::full(catalog.as_str(), schema.as_str(), table.as_str())),
        _ => None,
    }
}

/// Reads the statements of this file, before sqlparser is asked.
#[derive(Debug)]
pub(crate) struct OwnStatements;

impl Extension for OwnStatements {
    fn statement(&self, parser: &mut Parser<'_>) -> Option<Result<Statement, ParserError>> {
        if parser.parse_keywords(&[Keyword::REFRESH, Keyword::TABLE]) {
            return Some(refresh(parser));
        }
        explains_freshness(parser).then(|| freshness(parser))
    }
}

fn freshness(parser: &mut Parser<'_>) -> Result<Statement, ParserError> {
    parser.next_token();
    parser.next_token();
    Ok(Statement::Explain {
        describe_alias: DescribeAlias::Explain,
        analyze: false,
        verbose: false,
        query_plan: false,
        estimate: false,
        statement: Box::new(parser.parse_statement()?),
        format: None,
        options: Some(vec![UtilityOption { name: Ident::new(FRESHNESS), arg: None }]),
    })
}

fn refresh(parser: &mut Parser<'_>) -> Result<Statement, ParserError> {
    let mut name = parser.parse_object_name(false)?;
    if name.0.len() > 3 {
        return Err(ParserError::ParserError(format!("improper qualified name (too many dotted names): {name}")));
    }
    name.0.insert(0, ObjectNamePart::Identifier(Ident::new(REFRESH_TABLE)));
    Ok(Statement::Call(Function {
        name,
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::None,
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    }))
}

/// `EXPLAIN freshness` alone describes a table of that name.
fn explains_freshness(parser: &Parser<'_>) -> bool {
    let word = |index: usize, wanted: &str| {
        matches!(&parser.peek_nth_token(index).token,
            Token::Word(word) if word.quote_style.is_none() && word.value.eq_ignore_ascii_case(wanted))
    };
    let query = matches!(parser.peek_nth_token(2).token, Token::Word(_) | Token::LParen);
    word(0, "EXPLAIN") && word(1, FRESHNESS) && query
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::QueryError;
    use std::sync::Arc;

    fn parse(sql: &str) -> Result<Vec<Statement>, QueryError> {
        crate::dialect::parse::parse(sql, &[Arc::new(OwnStatements)])
    }

    #[track_caller]
    fn refreshes(sql: &str, expected: &str) {
        match own(&parse(sql).unwrap()[0]) {
            Some(OwnStatement::Refresh(name)) => assert_eq!(name.to_string(), expected),
            _ => panic!("{sql} is not REFRESH TABLE"),
        }
    }

    #[test]
    fn refresh_names_a_table() {
        refreshes("REFRESH TABLE eod", "eod");
        refreshes("refresh table Public.EOD;", "public.eod");
        refreshes("REFRESH TABLE \"Eod\"", "Eod");
        assert!(parse("REFRESH TABLE").is_err());
        assert!(parse("REFRESH eod").is_err());
        assert!(parse("REFRESH TABLE eod symbols").is_err());
        assert!(parse("REFRESH TABLE a.b.c.d").is_err());
        assert!(own(&parse("CALL refresh_table('eod')").unwrap()[0]).is_none());
        assert!(own(&parse("CALL \"refresh table\".eod()").unwrap()[0]).is_none());
    }

    #[test]
    fn freshness_is_explained_of_a_query() {
        for sql in ["EXPLAIN FRESHNESS SELECT 1", "explain freshness (select 1)", "EXPLAIN (FRESHNESS) SELECT 1"] {
            assert!(matches!(own(&parse(sql).unwrap()[0]), Some(OwnStatement::Freshness(_))), "{sql}");
        }
        for sql in ["EXPLAIN SELECT 1", "EXPLAIN freshness", "EXPLAIN (ANALYZE) SELECT 1"] {
            assert!(own(&parse(sql).unwrap()[0]).is_none(), "{sql}");
        }
    }

    #[test]
    fn several_statements_are_read() {
        assert_eq!(parse("SELECT 1;; REFRESH TABLE eod; SELECT 2").unwrap().len(), 3);
    }
}
