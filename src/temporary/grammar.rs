//! CREATE TEMP TABLE AS in the forms that sqlparser does not read.
//!
//! sqlparser 0.62: a list of names before AS is read as columns that need types, and WITH [NO] DATA is not read at all. Not
//! needed once `CREATE TEMP TABLE t (a) AS SELECT 1 WITH NO DATA` is read.

use crate::dialect::extension::Extension;
use datafusion::sql::sqlparser::ast::{ColumnDef, DataType, OnCommit, Statement};
use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::parser::{Parser, ParserError};
use datafusion::sql::sqlparser::tokenizer::Token;

/// Reads such a statement to the tree of one that sqlparser reads; WITH NO DATA is its `strict`, which no statement of
/// PostgreSQL's has.
#[derive(Debug)]
pub(crate) struct CreateTableAs;

impl Extension for CreateTableAs {
    fn statement(&self, parser: &mut Parser<'_>) -> Option<Result<Statement, ParserError>> {
        // What is no such statement, or not yet, is left to sqlparser.
        let head = parser.maybe_parse(head).ok().flatten()?;
        Some(body(head, parser))
    }
}

/// All up to AS, as a tree whose query is still to come.
fn head(parser: &mut Parser<'_>) -> Result<Statement, ParserError> {
    parser.expect_keyword_is(Keyword::CREATE)?;
    let _ = parser.parse_one_of_keywords(&[Keyword::GLOBAL, Keyword::LOCAL]);
    parser.expect_one_of_keywords(&[Keyword::TEMP, Keyword::TEMPORARY])?;
    parser.expect_keyword_is(Keyword::TABLE)?;
    let if_not_exists = parser.parse_keywords(&[Keyword::IF, Keyword::NOT, Keyword::EXISTS]);
    let name = parser.parse_object_name(false)?;
    let mut columns = Vec::new();
    if parser.consume_token(&Token::LParen) {
        let names = parser.parse_comma_separated(Parser::parse_identifier)?;
        parser.expect_token(&Token::RParen)?;
        let column = |name| ColumnDef { name, data_type: DataType::Unspecified, options: Vec::new() };
        columns = names.into_iter().map(column).collect();
    }
    let mut on_commit = None;
    if parser.parse_keywords(&[Keyword::ON, Keyword::COMMIT]) {
        on_commit = Some(match () {
            () if parser.parse_keyword(Keyword::DROP) => OnCommit::Drop,
            () if parser.parse_keywords(&[Keyword::DELETE, Keyword::ROWS]) => OnCommit::DeleteRows,
            () => {
                parser.expect_keywords(&[Keyword::PRESERVE, Keyword::ROWS])?;
                OnCommit::PreserveRows
            }
        });
    }
    parser.expect_keyword_is(Keyword::AS)?;
    let mut statement =
        Parser::new(&PostgreSqlDialect {}).try_with_sql("CREATE TEMPORARY TABLE x AS SELECT 1")?.parse_statement()?;
    if let Statement::CreateTable(table) = &mut statement {
        (table.name, table.columns, table.if_not_exists, table.on_commit) = (name, columns, if_not_exists, on_commit);
    }
    Ok(statement)
}

fn body(mut statement: Statement, parser: &mut Parser<'_>) -> Result<Statement, ParserError> {
    let query = parser.parse_query()?;
    let mut no_data = false;
    if parser.parse_keyword(Keyword::WITH) {
        no_data = parser.parse_keyword(Keyword::NO);
        parser.expect_keyword_is(Keyword::DATA)?;
    }
    if let Statement::CreateTable(table) = &mut statement {
        (table.query, table.strict) = (Some(query), no_data);
    }
    Ok(statement)
}
