//! A literal in quotes goes on behind a line: `E'a'` newline `'b'` is `E'ab'`, whose rest is read as its beginning is.
//!
//! sqlparser 0.62: plain literals alone are put together, and not behind a comment. Not needed once `SELECT E'a'` newline
//! `'\\t'` and `SELECT 'a' -- comment` newline `'b'` read as one.

use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::parser::ParserError;
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer, Whitespace};

/// The tokens with the parts of every literal put together.
///
/// # Errors
/// An escape in a later part that is none.
pub(super) fn joined(tokens: Vec<TokenWithSpan>) -> Result<Vec<TokenWithSpan>, ParserError> {
    if !tokens.iter().any(|token| prefix(&token.token).is_some()) {
        return Ok(tokens);
    }
    let mut out: Vec<TokenWithSpan> = Vec::with_capacity(tokens.len());
    let mut rest = tokens.into_iter().peekable();
    while let Some(mut token) = rest.next() {
        let Some(prefix) = prefix(&token.token) else {
            out.push(token);
            continue;
        };
        loop {
            let (mut between, mut lines) = (Vec::new(), 0);
            while let Some(blank) = rest.next_if(|next| is_between(&next.token)) {
                lines += usize::from(ends_line(&blank.token));
                between.push(blank);
            }
            let part = rest.next_if(|next| lines > 0 && matches!(next.token, Token::SingleQuotedString(_)));
            let Some(TokenWithSpan { token: Token::SingleQuotedString(part), .. }) = part else {
                out.push(token);
                out.append(&mut between);
                break;
            };
            append(&mut token.token, prefix, &part)?;
        }
    }
    Ok(out)
}

/// What stands before the quotes of a literal whose parts are not put together by sqlparser.
fn prefix(token: &Token) -> Option<&'static str> {
    match token {
        Token::EscapedStringLiteral(_) => Some("E"),
        Token::NationalStringLiteral(_) => Some("N"),
        Token::UnicodeStringLiteral(_) => Some("U&"),
        Token::SingleQuotedString(_) => Some(""),
        _ => None,
    }
}

/// Whether a token may stand between the parts of a literal.
fn is_between(token: &Token) -> bool {
    matches!(token, Token::Whitespace(blank) if !matches!(blank, Whitespace::MultiLineComment(_)))
}

fn ends_line(token: &Token) -> bool {
    matches!(token, Token::Whitespace(Whitespace::Newline | Whitespace::SingleLineComment { .. }))
}

/// Puts a later part behind a literal, read with the literal's own escapes.
fn append(literal: &mut Token, prefix: &str, part: &str) -> Result<(), ParserError> {
    if let Token::SingleQuotedString(text) = literal {
        text.push_str(part);
        return Ok(());
    }
    let written = format!("{prefix}'{}'", part.replace('\'', "''"));
    let read = Tokenizer::new(&PostgreSqlDialect {}, &written).tokenize()?;
    if let (
        Token::EscapedStringLiteral(text) | Token::NationalStringLiteral(text) | Token::UnicodeStringLiteral(text),
        Some(
            Token::EscapedStringLiteral(part) | Token::NationalStringLiteral(part) | Token::UnicodeStringLiteral(part),
        ),
    ) = (literal, read.into_iter().next())
    {
        text.push_str(&part);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(sql: &str, expected: &str) {
        let tokens = Tokenizer::new(&PostgreSqlDialect {}, sql).tokenize_with_location().unwrap();
        let joined = joined(tokens).unwrap().into_iter().map(|token| token.token).find(|token| prefix(token).is_some());
        let text = match joined {
            Some(
                Token::EscapedStringLiteral(text)
                | Token::NationalStringLiteral(text)
                | Token::UnicodeStringLiteral(text)
                | Token::SingleQuotedString(text),
            ) => text,
            other => panic!("{other:?}"),
        };
        assert_eq!(text, expected);
    }

    #[test]
    fn later_lines_have_the_escapes_of_the_first() {
        check("E'a\\n'\n'\\t'", "a\n\t");
        check("E'a' -- to be continued\n'b' \n 'c'", "abc");
        check("N'a'\n'b'", "ab");
        check("E'a' 'b'", "a");
        check("'a' -- to be continued\n 'it''s'", "ait's");
        check("'a' /* no line */\n'b'", "a");
    }
}
