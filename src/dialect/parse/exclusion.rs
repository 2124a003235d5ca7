//! EXCLUDE of a window's frame becomes a mark behind the ORDER BY of the window, which the rewriter
//! reads.
//!
//! sqlparser 0.62: `WindowFrame` has no EXCLUDE, and the word ends the parse. Not needed once `OVER (ORDER
//! BY x ROWS 1 PRECEDING EXCLUDE TIES)` is read.

use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan};

/// What a mark begins with: no text of a user's does, since it has no such letter.
pub(crate) const MARK: &str = "\u{1}exclude ";

/// The tokens with EXCLUDE as a mark.
pub(super) fn marked(mut tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    let is_word = |token: &TokenWithSpan| matches!(&token.token, Token::Word(word) if is(word, "exclude"));
    let mut from = 0;
    while let Some(at) = tokens.iter().skip(from).position(is_word).map(|at| at + from) {
        from = at + 1;
        if let Some((end, words)) = clause(&tokens, at)
            && let Some((frame, ordered)) = frame(&tokens, at)
        {
            let span = tokens[at].span;
            drop(tokens.drain(at..end));
            if words == "no others" {
                continue;
            }
            let word = |text: &str| TokenWithSpan { token: Token::make_keyword(text), span };
            let mark = TokenWithSpan { token: Token::SingleQuotedString(format!("{MARK}{words}")), span };
            let mut inserted = match ordered {
                true => vec![TokenWithSpan { token: Token::Comma, span }],
                false => vec![word("ORDER"), word("BY")],
            };
            inserted.push(mark);
            let count = inserted.len();
            drop(tokens.splice(frame..frame, inserted));
            from = at + count;
        }
    }
    tokens
}

/// Whether a word is this one, without quotes.
fn is(word: &datafusion::sql::sqlparser::tokenizer::Word, wanted: &str) -> bool {
    word.quote_style.is_none() && word.value.eq_ignore_ascii_case(wanted)
}

/// The words behind EXCLUDE at a token, when they are one of its forms and end the window, and where
/// they end.
fn clause(tokens: &[TokenWithSpan], at: usize) -> Option<(usize, &'static str)> {
    let mut rest =
        tokens.iter().enumerate().skip(at + 1).filter(|(_, token)| !matches!(token.token, Token::Whitespace(_)));
    let (first, second) = (rest.next()?, rest.next()?);
    let word = |token: &TokenWithSpan| match &token.token {
        Token::Word(word) if word.quote_style.is_none() => Some(word.value.to_ascii_lowercase()),
        _ => None,
    };
    let first_word = word(first.1)?;
    if second.1.token == Token::RParen {
        let words = match first_word.as_str() {
            "group" => "group",
            "ties" => "ties",
            _ => return None,
        };
        return Some((first.0 + 1, words));
    }
    let words = match (first_word.as_str(), word(second.1)?.as_str()) {
        ("current", "row") => "current row",
        ("no", "others") => "no others",
        _ => return None,
    };
    (rest.next()?.1.token == Token::RParen).then_some((second.0 + 1, words))
}

/// Where the frame of the window around a token begins, and whether the window has an ORDER BY.
fn frame(tokens: &[TokenWithSpan], at: usize) -> Option<(usize, bool)> {
    let (mut depth, mut found, mut ordered) = (0_usize, None, false);
    for (place, token) in tokens.iter().enumerate().take(at).rev() {
        match &token.token {
            Token::RParen => depth += 1,
            Token::LParen if depth == 0 => return found.map(|found| (found, ordered)),
            Token::LParen => depth -= 1,
            Token::Word(word) if depth == 0 && word.quote_style.is_none() => match word.keyword {
                Keyword::ROWS | Keyword::RANGE | Keyword::GROUPS if found.is_none() => found = Some(place),
                Keyword::ORDER => ordered = true,
                _ => {}
            },
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
    use datafusion::sql::sqlparser::tokenizer::Tokenizer;

    #[track_caller]
    fn check(sql: &str, expected: &str) {
        let tokens = Tokenizer::new(&PostgreSqlDialect {}, sql).tokenize_with_location().unwrap();
        let written: String = marked(tokens).iter().map(|token| format!("{} ", token.token)).collect();
        let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(words(&written.replace('\u{1}', "")), words(expected));
    }

    #[test]
    fn clauses_become_marks() {
        check(
            "sum(x) OVER (ORDER BY x ROWS 1 PRECEDING EXCLUDE TIES)",
            "sum ( x ) OVER ( ORDER BY x , 'exclude ties' ROWS 1 PRECEDING )",
        );
        check("(ROWS 1 PRECEDING EXCLUDE CURRENT ROW)", "( ORDER BY 'exclude current row' ROWS 1 PRECEDING )");
        check("(ROWS 1 PRECEDING EXCLUDE NO OTHERS)", "( ROWS 1 PRECEDING )");
        check("SELECT exclude FROM t", "SELECT exclude FROM t");
    }
}
