//! The depth limits let statements be as deep as people and tools write them, without the end of the
//! stack in reach.
//!
//! `a AND b AND c ...` leans to one side: its tree is as deep as it is long, and trees are walked,
//! copied and freed by recursion, in sqlparser, here and in DataFusion. So chains have a limit, and
//! the walks over long ones run on a stack of their own. Mapping one takes longer than planning a
//! short statement, which walks on the stack that is there.
//!
//! DataFusion 55: a long chain of AND, OR or `+` overflows the stack while it is planned, and the
//! process aborts (apache/datafusion#22936, #22229 and #8900, open; #23264 proposes flat chains).
//! sqlparser's own limit counts nested expressions, not chains. Not needed once `SELECT 1 + 1 + ...`
//! with 20,000 operators gives an error or a result on a stack of 2 MiB.

use super::lexer::Tokens;
use crate::error::{ErrorKind, QueryError};
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan};
use std::future::Future;
use std::pin::pin;

/// Links of chains that one text may have, so that a walk over the deepest tree fits into
/// `STACK_BYTES`.
const LINKS_MAX: usize = 4_000;

/// Brackets that may be open at once, `CASE` among them. sqlparser gives up at a depth of 50, most brackets being more
/// than one; but it reads what it gives up on again and again, from every bracket around it.
const OPEN_MAX: usize = 60;

/// Tokens that one text may have, blanks included; each takes about a hundred bytes, and its tree a few hundred.
const TOKENS_MAX: usize = 1_000_000;

/// Bytes of stack a walk over a deep tree gets; they are reserved, and used only as far as the walk
/// goes.
const STACK_BYTES: usize = 128 << 20;

/// Bytes outside of words that a shallow statement may have; each may be an operator, or a
/// parenthesis that opens.
const SHALLOW_LINKS_MAX: usize = 250;

/// Bytes of stack that a walk over a shallow statement may need; with less left, it gets a stack of
/// its own.
const SHALLOW_STACK_BYTES: usize = 4 << 20;

/// Refuses a text of more tokens than there is memory for, before they are made.
///
/// # Errors
/// `LimitReached` (54000); `Syntax` for a long text in which something is left open.
pub(crate) fn check_length(sql: &str) -> Result<(), QueryError> {
    // No token is shorter than a byte.
    if sql.len() <= TOKENS_MAX {
        return Ok(());
    }
    match Tokens::of(sql).count_up_to(TOKENS_MAX) {
        Some(0..=TOKENS_MAX) => Ok(()),
        Some(_) => Err(QueryError::new(
            ErrorKind::LimitReached,
            format!("the statement has more than {TOKENS_MAX} words and signs"),
        )
        .with_hint("Send long lists as a parameter: = ANY($1).")),
        None => Err(QueryError::new(ErrorKind::Syntax, "unterminated string, quoted identifier or comment")),
    }
}

/// Refuses a text whose chains of operators are longer than any walk may be deep, and one with too many brackets inside
/// each other.
///
/// # Errors
/// `NotSupported`, for chains with a hint to use IN, ANY or VALUES.
pub(crate) fn check(tokens: &[TokenWithSpan]) -> Result<(), QueryError> {
    let (mut chained, mut open, mut before) = (0_usize, 0_usize, &Token::EOF);
    for TokenWithSpan { token, .. } in tokens {
        match token {
            Token::Whitespace(_) => continue,
            Token::LParen | Token::LBracket | Token::LBrace => open += 1,
            Token::RParen | Token::RBracket | Token::RBrace => open = open.saturating_sub(1),
            Token::Word(word) if word.keyword == Keyword::CASE => open += 1,
            Token::Word(word) if word.keyword == Keyword::END => open = open.saturating_sub(1),
            _ => {}
        }
        if open > OPEN_MAX {
            return Err(QueryError::new(ErrorKind::NotSupported, "the statement is nested too deeply"));
        }
        chained += usize::from(links(token) || (*token == Token::LBracket && *before == Token::RBracket));
        before = token;
    }
    match chained {
        0..=LINKS_MAX => Ok(()),
        _ => Err(QueryError::new(ErrorKind::NotSupported, "the statement is too long a chain of operators")
            .with_hint("Use IN, ANY or VALUES for long lists.")),
    }
}

/// Whether a token may add a level to the tree of a chain: an operator, a set operation, a cast, a word in front of an
/// expression, or one that asks something of it.
fn links(token: &Token) -> bool {
    match token {
        Token::Word(word) => matches!(
            word.keyword,
            Keyword::AND
                | Keyword::OR
                | Keyword::NOT
                | Keyword::UNION
                | Keyword::INTERSECT
                | Keyword::EXCEPT
                | Keyword::IS
                | Keyword::INTERVAL
                | Keyword::LIKE
                | Keyword::ILIKE
                | Keyword::SIMILAR
                | Keyword::BETWEEN
                | Keyword::COLLATE
                | Keyword::AT
        ),
        Token::Plus
        | Token::Minus
        | Token::Mul
        | Token::Div
        | Token::Mod
        | Token::StringConcat
        | Token::Caret
        | Token::Arrow
        | Token::LongArrow
        | Token::HashArrow
        | Token::HashLongArrow
        | Token::DoubleColon => true,
        _ => false,
    }
}

/// How deep the trees of a statement may be, which decides on what stack they are walked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Depth {
    /// No deeper than any thread's stack allows for.
    Shallow,
    /// As deep as [`check`] lets through.
    Deep,
}

impl Depth {
    /// The depth of a text, judged by its bytes alone: an upper bound on its operators and
    /// parentheses, found without tokens.
    pub(crate) fn of(sql: &str) -> Self {
        let links = |byte: &u8| !byte.is_ascii_alphanumeric() && !matches!(byte, b'_' | b',' | b'.' | b')');
        match sql.bytes().filter(links).nth(SHALLOW_LINKS_MAX) {
            None => Self::Shallow,
            Some(_) => Self::Deep,
        }
    }

    /// Runs a walk over a tree, on a new stack when the tree may be deep or the current one has
    /// little left.
    pub(crate) fn walk<T>(self, walk: impl FnOnce() -> T) -> T {
        let room = stacker::remaining_stack().is_some_and(|bytes| bytes >= SHALLOW_STACK_BYTES);
        if self == Self::Shallow && room { walk() } else { stacker::grow(STACK_BYTES, walk) }
    }

    /// Polls a future that walks trees, each poll as `walk` runs a closure.
    pub(crate) async fn walking<T>(self, future: impl Future<Output = T>) -> T {
        let mut future = pin!(future);
        std::future::poll_fn(|context| self.walk(|| future.as_mut().poll(context))).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
    use datafusion::sql::sqlparser::tokenizer::Tokenizer;

    #[test]
    fn chains_have_a_limit_and_lists_have_none() {
        let check = |sql: &str| check(&Tokenizer::new(&PostgreSqlDialect {}, sql).tokenize_with_location().unwrap());
        assert!(check(&format!("SELECT 1 WHERE a IN ({})", "'x', ".repeat(20_000))).is_ok());
        assert_eq!(check(&format!("SELECT 1 {}", "+ 1 ".repeat(20_000))).unwrap_err().kind, ErrorKind::NotSupported);
    }

    #[test]
    fn long_chains_are_deep_however_they_are_spelled() {
        assert_eq!(Depth::of("SELECT bid, ask FROM quotes WHERE symbol = 'SPY' AND bid > 1.5"), Depth::Shallow);
        for link in ["+1", "AND'a'", "\tOR\u{a0}x", "::int", " UNION SELECT(1)"] {
            assert_eq!(Depth::of(&format!("SELECT 1{}", link.repeat(300))), Depth::Deep, "{link}");
        }
    }
}
