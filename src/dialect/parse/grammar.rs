//! The grammar is sqlparser's PostgreSQL dialect, read in time that grows with the text and not by
//! the power of it.
//!
//! sqlparser tries one reading and then another, and what is nested is tried again at each level:
//! thirty calls inside each other, or a mistake below a few dozen parentheses, would keep it for
//! hours. So calls are read once, and there is a bound on how often it may begin to read an
//! expression. Every other answer is passed on to sqlparser's `PostgreSqlDialect`, so that a new
//! method of its trait `Dialect` has to be passed on here as well.
//!
//! sqlparser 0.62: `parse_function_args` reads each argument as an expression to see whether it is
//! the name of a named argument, and reads it again when it is not
//! (apache/datafusion-sqlparser-rs#2392, merged after 0.62). Not needed once the pinned version has
//! that change: then `supports_named_fn_args_with_expr_name` may be PostgreSQL's.
//!
//! sqlparser 0.62: `parse_prefix` reads a reserved word as the head of an expression and then as a
//! name, which doubles the work at each level of nesting (apache/datafusion-sqlparser-rs#2352, merged
//! after 0.62). Not needed once thirty nested `if(current_time(...` are refused in milliseconds
//! without the bound.

use super::{operators, words};
use crate::work;
use datafusion::sql::sqlparser::ast::Expr;
use datafusion::sql::sqlparser::dialect::{Dialect, PostgreSqlDialect, Precedence};
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::parser::{Parser, ParserError};
use datafusion::sql::sqlparser::tokenizer::Token;
use std::any::TypeId;
use std::cell::Cell;

/// Beginnings of expressions for each token of a text: most are read once or twice.
const BEGINNINGS_PER_TOKEN: usize = 50;
/// Beginnings that any text may have, however short.
const BEGINNINGS_MIN: usize = 10_000;

/// The dialect for one text; it counts, so that it is made anew for each.
#[derive(Debug)]
pub(crate) struct PostgresGrammar {
    /// Answers every question but the two that are settled here.
    postgres: PostgreSqlDialect,
    /// Expressions that may still be begun.
    left: Cell<usize>,
    /// Whether tables may have versions: `FOR SYSTEM_TIME AS OF`.
    versions: bool,
}

impl PostgresGrammar {
    /// For a text of so many tokens, which is read as long as anybody waits for it.
    pub(crate) fn for_tokens(count: usize) -> Self {
        let left = count.saturating_mul(BEGINNINGS_PER_TOKEN).saturating_add(BEGINNINGS_MIN);
        Self { postgres: PostgreSqlDialect {}, left: Cell::new(left), versions: false }
    }

    /// The same, for a text that may speak of versions of tables. sqlparser reads further spellings then, whose words are
    /// names in PostgreSQL: `FROM t before`.
    pub(crate) fn with_versions(self, versions: bool) -> Self {
        Self { versions, ..self }
    }
}

impl Dialect for PostgresGrammar {
    /// Stands for the PostgreSQL dialect where sqlparser asks `dialect_of!(self is
    /// PostgreSqlDialect)`.
    fn dialect(&self) -> TypeId {
        TypeId::of::<PostgreSqlDialect>()
    }

    /// Counts, and reads operators in front of their operand: sqlparser asks here before it begins an
    /// expression. The error at the end of the count, unlike others, ends the whole parse and is not
    /// caught by the next reading.
    ///
    /// sqlparser 0.62: `(VALUES (1))` in an expression is a call of a function `values`. Not needed
    /// once `SELECT (VALUES (1))` reads as a subquery.
    fn parse_prefix(&self, parser: &mut Parser<'_>) -> Option<Result<Expr, ParserError>> {
        match self.left.get().checked_sub(1) {
            Some(left) if !work::is_over() => self.left.set(left),
            _ => return Some(Err(ParserError::RecursionLimitExceeded)),
        }
        let values = matches!(&parser.peek_token_ref().token, Token::Word(word) if word.keyword == Keyword::VALUES);
        if values && parser.peek_nth_token_ref(1).token == Token::LParen {
            return Some(parser.parse_query().map(Expr::Subquery));
        }
        operators::prefix(parser)
    }

    fn parse_infix(&self, parser: &mut Parser<'_>, left: &Expr, precedence: u8) -> Option<Result<Expr, ParserError>> {
        operators::infix(parser, left, precedence)
    }

    fn get_next_precedence(&self, parser: &Parser<'_>) -> Option<Result<u8, ParserError>> {
        Some(Ok(operators::precedence(parser)))
    }

    fn supports_table_versioning(&self) -> bool {
        self.versions
    }

    /// A word is an alias without AS where PostgreSQL calls it a bare label.
    fn is_select_item_alias(&self, explicit: bool, word: &Keyword, _: &mut Parser<'_>) -> bool {
        explicit || words::is_bare_label(*word)
    }

    /// A word is a table's alias without AS where PostgreSQL takes it as the name of a column; SET and
    /// VALUES begin the rest of a statement that writes, and the words of an as-of join are keywords only where one is.
    fn is_table_factor_alias(&self, explicit: bool, word: &Keyword, _: &mut Parser<'_>) -> bool {
        let begins_more = matches!(word, Keyword::SET | Keyword::VALUES | Keyword::ASOF | Keyword::MATCH_CONDITION);
        explicit || words::is_column_name(*word) && !begins_more
    }

    /// PostgreSQL 14 dropped the factorial.
    fn supports_factorial_operator(&self) -> bool {
        false
    }

    /// In PostgreSQL an alias of `*` is an error.
    fn supports_select_wildcard_with_alias(&self) -> bool {
        false
    }

    /// Says that the name of an argument is an identifier, as in PostgreSQL's `name => value`: then
    /// sqlparser reads one identifier, not an expression, to find out.
    fn supports_named_fn_args_with_expr_name(&self) -> bool {
        false
    }

    fn identifier_quote_style(&self, identifier: &str) -> Option<char> {
        self.postgres.identifier_quote_style(identifier)
    }

    fn is_delimited_identifier_start(&self, ch: char) -> bool {
        self.postgres.is_delimited_identifier_start(ch)
    }

    fn is_identifier_start(&self, ch: char) -> bool {
        self.postgres.is_identifier_start(ch)
    }

    fn is_identifier_part(&self, ch: char) -> bool {
        self.postgres.is_identifier_part(ch)
    }

    fn supports_unicode_string_literal(&self) -> bool {
        self.postgres.supports_unicode_string_literal()
    }

    fn is_reserved_for_identifier(&self, kw: Keyword) -> bool {
        self.postgres.is_reserved_for_identifier(kw)
    }

    fn is_custom_operator_part(&self, ch: char) -> bool {
        self.postgres.is_custom_operator_part(ch)
    }

    fn supports_filter_during_aggregation(&self) -> bool {
        self.postgres.supports_filter_during_aggregation()
    }

    fn supports_group_by_expr(&self) -> bool {
        self.postgres.supports_group_by_expr()
    }

    fn prec_value(&self, prec: Precedence) -> u8 {
        self.postgres.prec_value(prec)
    }

    fn allow_extract_custom(&self) -> bool {
        self.postgres.allow_extract_custom()
    }

    fn allow_extract_single_quotes(&self) -> bool {
        self.postgres.allow_extract_single_quotes()
    }

    fn supports_create_index_with_clause(&self) -> bool {
        self.postgres.supports_create_index_with_clause()
    }

    fn supports_explain_with_utility_options(&self) -> bool {
        self.postgres.supports_explain_with_utility_options()
    }

    fn supports_listen_notify(&self) -> bool {
        self.postgres.supports_listen_notify()
    }

    fn supports_bitwise_shift_operators(&self) -> bool {
        self.postgres.supports_bitwise_shift_operators()
    }

    fn supports_comment_on(&self) -> bool {
        self.postgres.supports_comment_on()
    }

    fn supports_load_extension(&self) -> bool {
        self.postgres.supports_load_extension()
    }

    /// PostgreSQL's older spelling of `name => value`.
    fn supports_named_fn_args_with_assignment_operator(&self) -> bool {
        true
    }

    fn supports_named_fn_args_with_colon_operator(&self) -> bool {
        self.postgres.supports_named_fn_args_with_colon_operator()
    }

    fn supports_empty_projections(&self) -> bool {
        self.postgres.supports_empty_projections()
    }

    fn supports_nested_comments(&self) -> bool {
        self.postgres.supports_nested_comments()
    }

    fn supports_string_escape_constant(&self) -> bool {
        self.postgres.supports_string_escape_constant()
    }

    fn supports_numeric_literal_underscores(&self) -> bool {
        self.postgres.supports_numeric_literal_underscores()
    }

    fn supports_array_typedef_with_brackets(&self) -> bool {
        self.postgres.supports_array_typedef_with_brackets()
    }

    fn supports_geometric_types(&self) -> bool {
        self.postgres.supports_geometric_types()
    }

    fn supports_set_names(&self) -> bool {
        self.postgres.supports_set_names()
    }

    fn supports_alter_column_type_using(&self) -> bool {
        self.postgres.supports_alter_column_type_using()
    }

    fn supports_notnull_operator(&self) -> bool {
        self.postgres.supports_notnull_operator()
    }

    fn supports_interval_options(&self) -> bool {
        self.postgres.supports_interval_options()
    }

    fn supports_insert_table_alias(&self) -> bool {
        self.postgres.supports_insert_table_alias()
    }

    fn supports_create_table_like_parenthesized(&self) -> bool {
        self.postgres.supports_create_table_like_parenthesized()
    }

    fn supports_comma_separated_trim(&self) -> bool {
        self.postgres.supports_comma_separated_trim()
    }

    fn supports_xml_expressions(&self) -> bool {
        self.postgres.supports_xml_expressions()
    }

    fn supports_comment_optimizer_hint(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(sql: &str) -> Result<(), ParserError> {
        let dialect = PostgresGrammar::for_tokens(sql.len());
        Parser::new(&dialect).try_with_sql(sql)?.parse_statements().map(|_| ())
    }

    #[test]
    fn nested_calls_are_read_once() {
        let nested = |depth: usize| format!("SELECT {}1{}", "abs(".repeat(depth), ")".repeat(depth));
        assert!(read(&nested(40)).is_ok());
        assert_eq!(read(&nested(400)), Err(ParserError::RecursionLimitExceeded));
        assert!(read("SELECT f(a => 1, b := 2)").is_ok());
    }

    #[test]
    fn what_would_be_tried_for_ever_is_given_up() {
        let arrays = |depth: usize| format!("SELECT {}1{}", "ARRAY[".repeat(depth), "]".repeat(depth));
        let _ = read(&arrays(45));
        let mistake = |depth: usize| format!("SELECT {}1 1{}", "(SELECT (".repeat(depth), "))".repeat(depth));
        assert!(read(&mistake(20)).is_err());
    }
}
