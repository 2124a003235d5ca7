//! Statements as deep as people and tools write them, without the end of the stack in reach.
//!
//! `a AND b AND c ...` leans to one side: its tree is as deep as it is long, and trees are walked, copied and freed by
//! recursion. So chains have a limit, and the walks below it run on a stack of their own.

use super::error::{ErrorKind, QueryError};
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan};
use std::future::Future;
use std::pin::pin;

/// Links of chains that one text may have.
const LINKS_MAX: usize = 4_000;

/// Bytes of stack a walk gets; they are reserved, and used only as far as the walk goes.
const STACK_BYTES: usize = 128 << 20;

/// Refuses a text whose chains of operators are longer than any walk may be deep.
pub(super) fn check(tokens: &[TokenWithSpan]) -> Result<(), QueryError> {
    match tokens.iter().filter(|token| links(&token.token)).count() {
        0..=LINKS_MAX => Ok(()),
        _ => Err(QueryError::new(ErrorKind::NotSupported, "the statement is too long a chain of operators")
            .with_hint("Use IN, ANY or VALUES for long lists.")),
    }
}

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
        ),
        Token::Plus
        | Token::Minus
        | Token::Mul
        | Token::Div
        | Token::Mod
        | Token::StringConcat
        | Token::DoubleColon => true,
        _ => false,
    }
}

/// Runs a walk over a tree.
pub(super) fn walk<T>(walk: impl FnOnce() -> T) -> T {
    stacker::grow(STACK_BYTES, walk)
}

/// Polls a future that walks trees.
pub(super) async fn walking<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    std::future::poll_fn(|context| walk(|| future.as_mut().poll(context))).await
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
}
