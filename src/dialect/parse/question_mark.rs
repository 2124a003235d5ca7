//! `?` as a placeholder, which drivers of JDBC and ODBC pass on as their users wrote it.
//!
//! PostgreSQL has an operator of that name. What stands before decides: where an operand is missing, `?` is the next
//! parameter; behind an operand it is the operator, as `??` is everywhere, which is how JDBC spells it.

use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::parser::ParserError;
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan};

/// Gives the placeholders of a text their numbers: `$1`, `$2`, ... in the place of each.
///
/// # Errors
/// A syntax error for a text that also has numbers of its own.
pub(super) fn numbered(tokens: Vec<TokenWithSpan>) -> Result<Vec<TokenWithSpan>, ParserError> {
    let given = tokens.iter().any(|token| matches!(token.token, Token::Placeholder(_)));
    let mut numbered: Vec<TokenWithSpan> = Vec::with_capacity(tokens.len());
    let (mut count, mut wanted) = (0_usize, true);
    let mut rest = tokens.into_iter().peekable();
    while let Some(mut token) = rest.next() {
        match &token.token {
            Token::Whitespace(_) => {}
            Token::Question => {
                let again = rest
                    .next_if(|next| matches!(next.token, Token::Question | Token::QuestionAnd | Token::QuestionPipe));
                match again {
                    // Without the second mark it is the operator.
                    Some(operator) => {
                        token.token = operator.token;
                        wanted = true;
                    }
                    None if wanted => {
                        count += 1;
                        token.token = Token::Placeholder(format!("${count}"));
                        wanted = false;
                    }
                    None => wanted = true,
                }
            }
            // Without a blank between them sqlparser reads both as one operator.
            Token::CustomBinaryOperator(both) if let Some(operator) = before_mark(both) => {
                numbered.push(TokenWithSpan { token: operator, ..token.clone() });
                count += 1;
                token.token = Token::Placeholder(format!("${count}"));
                wanted = false;
            }
            both if wanted && let Some(operator) = behind_mark(both) => {
                count += 1;
                let mark = Token::Placeholder(format!("${count}"));
                numbered.push(TokenWithSpan { token: mark, ..token.clone() });
                token.token = operator;
                wanted = true;
            }
            other => wanted = wants_operand(other),
        }
        numbered.push(token);
    }
    if count > 0 && given {
        return Err(ParserError::ParserError("a statement has parameters by ? or by numbers, not both".to_owned()));
    }
    Ok(numbered)
}

/// The operator that stands before a mark in one word with it: `>?`.
fn before_mark(both: &str) -> Option<Token> {
    Some(match both.strip_suffix('?')? {
        "-" => Token::Minus,
        "+" => Token::Plus,
        "*" => Token::Mul,
        "/" => Token::Div,
        "%" => Token::Mod,
        "<" => Token::Lt,
        ">" => Token::Gt,
        "=" => Token::Eq,
        "<=" => Token::LtEq,
        ">=" => Token::GtEq,
        "<>" | "!=" => Token::Neq,
        "||" => Token::StringConcat,
        "->" => Token::Arrow,
        "->>" => Token::LongArrow,
        _ => return None,
    })
}

/// The operator that stands behind a mark in one word with it: `?-1`.
fn behind_mark(both: &Token) -> Option<Token> {
    Some(match both {
        Token::QuestionMarkDash => Token::Minus,
        Token::QuestionPipe => Token::Pipe,
        Token::QuestionAnd => Token::Ampersand,
        Token::QuestionMarkSharp => Token::Sharp,
        Token::QuestionMarkDoubleVerticalBar => Token::StringConcat,
        _ => return None,
    })
}

/// Whether an operand is to follow a token.
fn wants_operand(token: &Token) -> bool {
    match token {
        Token::Word(word) => word.quote_style.is_none() && OPERAND_FOLLOWS.contains(&word.keyword),
        Token::Number(..)
        | Token::Placeholder(_)
        | Token::RParen
        | Token::RBracket
        | Token::RBrace
        | Token::SingleQuotedString(_)
        | Token::DollarQuotedString(_)
        | Token::EscapedStringLiteral(_)
        | Token::NationalStringLiteral(_)
        | Token::UnicodeStringLiteral(_)
        | Token::HexStringLiteral(_) => false,
        _ => true,
    }
}

/// Words that an operand may follow and that are no names themselves.
const OPERAND_FOLLOWS: &[Keyword] = &[
    Keyword::ALL,
    Keyword::AND,
    Keyword::ANY,
    Keyword::ARRAY,
    Keyword::AS,
    Keyword::BETWEEN,
    Keyword::BY,
    Keyword::CASE,
    Keyword::DISTINCT,
    Keyword::ELSE,
    Keyword::ESCAPE,
    Keyword::FROM,
    Keyword::HAVING,
    Keyword::ILIKE,
    Keyword::IN,
    Keyword::LIKE,
    Keyword::LIMIT,
    Keyword::NOT,
    Keyword::OF,
    Keyword::OFFSET,
    Keyword::ON,
    Keyword::OR,
    Keyword::SELECT,
    Keyword::SOME,
    Keyword::THEN,
    Keyword::TO,
    Keyword::VALUES,
    Keyword::WHEN,
    Keyword::WHERE,
    Keyword::ZONE,
];

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
    use datafusion::sql::sqlparser::tokenizer::Tokenizer;

    fn written(sql: &str) -> Result<String, ParserError> {
        let tokens = Tokenizer::new(&PostgreSqlDialect {}, sql).tokenize_with_location().unwrap();
        Ok(numbered(tokens)?.iter().map(|token| token.token.to_string()).collect())
    }

    #[track_caller]
    fn check(sql: &str, expected: &str) {
        assert_eq!(written(sql).unwrap(), expected);
    }

    #[test]
    fn marks_that_stand_for_operands_are_numbered() {
        check("SELECT ? WHERE a = ? AND b IN (?, ?)", "SELECT $1 WHERE a = $2 AND b IN ($3, $4)");
        check("SELECT ?::int, -?, x || ?, a BETWEEN ? AND ?", "SELECT $1::int, -$2, x || $3, a BETWEEN $4 AND $5");
        check(
            "SELECT CASE WHEN ? THEN ? ELSE ? END LIMIT ? OFFSET ?",
            "SELECT CASE WHEN $1 THEN $2 ELSE $3 END LIMIT $4 OFFSET $5",
        );
        check(
            "SELECT a>? OR a<? OR a>=? OR a<=? OR a<>? OR a=?",
            "SELECT a>$1 OR a<$2 OR a>=$3 OR a<=$4 OR a<>$5 OR a=$6",
        );
        check("SELECT ?-1, ?||'x', a*?, a||?, (?), d->?", "SELECT $1-1, $2||'x', a*$3, a||$4, ($5), d->$6");
        check("SELECT '?', \"?\" /* ? */ FROM t -- ?", "SELECT '?', \"?\" /* ? */ FROM t -- ?");
    }

    #[test]
    fn the_operators_stay() {
        check("SELECT doc ? 'a', doc -> 'x' ? ?", "SELECT doc ? 'a', doc -> 'x' ? $1");
        check("SELECT doc ?? 'a', doc ??| ?, $$x$$", "SELECT doc ? 'a', doc ?| $1, $$x$$");
        check("SELECT '{}'::jsonb ? ?, (a) ? 'b', a[1] ? 'c'", "SELECT '{}'::jsonb ? $1, (a) ? 'b', a[1] ? 'c'");
        check("SELECT doc ?& ARRAY[?]", "SELECT doc ?& ARRAY[$1]");
    }

    #[test]
    fn numbers_and_marks_do_not_mix() {
        assert!(written("SELECT ?, $1").is_err());
        check("SELECT a ? 'b', $1", "SELECT a ? 'b', $1");
    }
}
