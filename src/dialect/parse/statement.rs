//! The statement reader takes one text to its statements: tokenised once, measured, and read by
//! sqlparser in the PostgreSQL dialect, extensions first.

use super::depth::{self, Depth};
use super::grammar::PostgresGrammar;
use super::spelling;
use super::tree::Statement;
use crate::dialect::extension::Extension;
use crate::error::QueryError;
use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::parser::{Parser, ParserError};
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer};
use std::sync::Arc;

/// How a text names its parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Placeholders {
    /// `$1`, `$2`, as in PostgreSQL.
    Numbers,
    /// `?` as well, as in JDBC and ODBC.
    QuestionMarks,
}

/// [`parse_with`] for a text whose parameters have numbers.
///
/// # Errors
/// Those of [`parse_with`].
#[cfg(test)]
pub(crate) fn parse(sql: &str, extensions: &[Arc<dyn Extension>]) -> Result<Vec<Statement>, QueryError> {
    parse_with(sql, extensions, Placeholders::Numbers)
}

/// Parses one or more statements with semicolons between them; each extension is asked first whether
/// a statement is its own. Reading ends early, with an error that means nothing, when nobody waits for it.
///
/// # Errors
/// `Syntax` with the position of the first token that does not fit, `NotSupported` for a text that is
/// nested or chained deeper than its tree can be walked.
pub(crate) fn parse_with(
    sql: &str,
    extensions: &[Arc<dyn Extension>],
    placeholders: Placeholders,
) -> Result<Vec<Statement>, QueryError> {
    depth::check_length(sql)?;
    let dialect = PostgreSqlDialect {};
    let tokens = Tokenizer::new(&dialect, sql).tokenize_with_location();
    let tokens = tokens.map_err(|error| QueryError::from_parser(error.into(), sql))?;
    depth::check(&tokens)?;
    check_parameters(&tokens).map_err(|error| QueryError::from_parser(error, sql))?;
    let tokens = match placeholders {
        Placeholders::Numbers => tokens,
        Placeholders::QuestionMarks => {
            super::question_mark::numbered(tokens).map_err(|error| QueryError::from_parser(error, sql))?
        }
    };
    let tokens = super::identifier::cut(tokens);
    let tokens = super::continued::joined(tokens).map_err(|error| QueryError::from_parser(error, sql))?;
    let tokens = super::exclusion::marked(tokens);
    let tokens = spelling::respell(tokens).map_err(|error| QueryError::from_parser(error, sql))?;
    let tokens = super::as_of_join::respell(tokens).map_err(|fault| fault.of(sql))?;
    let versions = tokens.iter().any(|token| is_system_time(&token.token));
    let grammar = PostgresGrammar::for_tokens(tokens.len()).with_versions(versions);
    let parse = || statements(&mut Parser::new(&grammar).with_tokens_with_locations(tokens), extensions);
    Depth::of(sql).walk(parse).map_err(|error| QueryError::from_parser(error, sql))
}

/// Refuses letters behind the number of a parameter: `$1x` is one to sqlparser, and `$1x$` begins a string.
fn check_parameters(tokens: &[TokenWithSpan]) -> Result<(), ParserError> {
    for TokenWithSpan { token, span } in tokens {
        let name = match token {
            Token::Placeholder(name) => name.trim_start_matches('$'),
            Token::DollarQuotedString(text) => text.tag.as_deref().unwrap_or_default(),
            _ => continue,
        };
        let digits = name.bytes().take_while(u8::is_ascii_digit).count();
        if digits > 0 && digits < name.len() {
            let text = format!("trailing junk after parameter at or near \"${name}\"{}", span.start);
            return Err(ParserError::ParserError(text));
        }
    }
    Ok(())
}

/// Whether a token is the word that a version of a table is asked for with.
fn is_system_time(token: &Token) -> bool {
    matches!(token, Token::Word(word) if word.quote_style.is_none() && word.keyword == Keyword::SYSTEM_TIME)
}

/// Reads statements with semicolons between them until the text ends; empty ones are passed over. Two
/// statements without a semicolon between them are a syntax error at the second.
fn statements(parser: &mut Parser<'_>, extensions: &[Arc<dyn Extension>]) -> Result<Vec<Statement>, ParserError> {
    let mut statements = Vec::new();
    loop {
        let mut delimited = statements.is_empty();
        while parser.consume_token(&Token::SemiColon) {
            delimited = true;
        }
        if parser.peek_token().token == Token::EOF {
            return Ok(statements);
        }
        if !delimited {
            return parser.expected("end of statement", parser.peek_token());
        }
        let own = extensions.iter().find_map(|extension| extension.statement(parser));
        statements.push(own.unwrap_or_else(|| parser.parse_statement())?);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::work::Work;

    #[test]
    fn reading_ends_when_nobody_waits_for_it() {
        let sql = format!("SELECT {}1", "1, ".repeat(10_000));
        assert!(parse(&sql, &[]).is_ok());
        assert!(Work::new(Arc::default(), || true).step(|| parse(&sql, &[])).is_err());
    }

    #[test]
    fn several_statements_are_read() {
        assert_eq!(parse("SELECT 1;; SELECT 2", &[]).unwrap().len(), 2);
        assert_eq!(parse(";", &[]).unwrap().len(), 0);
        assert!(parse("SELECT 1 SELECT 2", &[]).is_err());
    }

    /// Reads `REFRESH` alone as `SELECT 1`.
    #[derive(Debug)]
    struct Refresh;

    impl Extension for Refresh {
        fn statement(&self, parser: &mut Parser<'_>) -> Option<Result<Statement, ParserError>> {
            let found = parser.parse_keyword(Keyword::REFRESH);
            found.then(|| Ok(Parser::parse_sql(&PostgreSqlDialect {}, "SELECT 1")?.remove(0)))
        }
    }

    #[test]
    fn an_extension_reads_its_own_statements() {
        let extensions: Vec<Arc<dyn Extension>> = vec![Arc::new(Refresh)];
        let found = parse("REFRESH; SELECT 2", &extensions).unwrap();
        assert_eq!(found[0].to_string(), "SELECT 1");
        assert_eq!(found.len(), 2);
        assert!(parse("REFRESH", &[]).is_err());
    }
}
