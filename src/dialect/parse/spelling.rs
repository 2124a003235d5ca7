//! Spellings of PostgreSQL that sqlparser does not read, or reads as something else, become others of
//! the same meaning, token by token, before the statement is parsed.
//!
//! sqlparser 0.62: `0b101` is the number 0 under the name `b101` and `0x1F` is a string of bytes;
//! `TABLE t` loses the quotes of its name, `FROM ONLY t` reads a table `only`, `FROM t *`, ORDER BY
//! `x USING >`, `FOR NO KEY UPDATE` and `FOR KEY SHARE` are not read, nor are `ROWS FROM (...)` and the name behind `USING
//! (k) AS j`; `INTERVAL(0) '1.6 s'` loses its digits. Not needed once `spellings.slt` passes without this file.

use super::words;
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::parser::ParserError;
use datafusion::sql::sqlparser::tokenizer::{Span, Token, TokenWithSpan};

/// The name of the function that stands for `ROWS FROM`, which no statement can write; its arguments are the functions.
pub(crate) const ROWS_FROM: &str = "\u{1}rows from";

/// What stands before the name of a join in the list of its USING: no column of a user's is written so.
pub(crate) const JOIN_NAME: &str = "\u{1}join";

/// The tokens of a text as sqlparser has to read them.
///
/// # Errors
/// A number that runs into a name, `1a`, as in PostgreSQL.
pub(super) fn respell(tokens: Vec<TokenWithSpan>) -> Result<Vec<TokenWithSpan>, ParserError> {
    let mut tokens = numbers(tokens)?;
    words::keep_postgres(&mut tokens);
    let tokens_left = tokens.iter().filter(|token| !matches!(token.token, Token::Whitespace(_)));
    if lists_nothing(tokens_left)
        || tokens.iter().any(|token| matches!(&token.token, Token::Word(word) if is_respelled(word.keyword)))
    {
        tokens = phrases(tokens);
    }
    Ok(tokens)
}

/// Whether a SELECT ends where its list would begin.
fn lists_nothing<'a>(tokens: impl Iterator<Item = &'a TokenWithSpan>) -> bool {
    let mut after_select = false;
    for token in tokens {
        if after_select && ends_query(&token.token) {
            return true;
        }
        after_select = matches!(&token.token, Token::Word(word) if word.keyword == Keyword::SELECT);
    }
    after_select
}

/// Whether a query ends before this token.
fn ends_query(token: &Token) -> bool {
    matches!(token, Token::EOF | Token::SemiColon | Token::RParen)
}

/// Words that begin a phrase of [`phrases`], or are all of one.
fn is_respelled(word: Keyword) -> bool {
    matches!(
        word,
        Keyword::FROM
            | Keyword::INTERVAL
            | Keyword::JOIN
            | Keyword::FOR
            | Keyword::ONLY
            | Keyword::TABLE
            | Keyword::USING
    )
}

/// Integers of another base become decimal, underscores are dropped, and what follows a number
/// without a space is refused.
fn numbers(tokens: Vec<TokenWithSpan>) -> Result<Vec<TokenWithSpan>, ParserError> {
    if !tokens.iter().any(|token| matches!(token.token, Token::Number(..) | Token::HexStringLiteral(_))) {
        return Ok(tokens);
    }
    let mut spelled = Vec::with_capacity(tokens.len());
    let mut rest = tokens.into_iter().peekable();
    while let Some(mut token) = rest.next() {
        // A word that follows without whitespace belongs to the number.
        let tail = |next: &TokenWithSpan| match &next.token {
            Token::Word(word) if word.quote_style.is_none() => Some(word.value.clone()),
            _ => None,
        };
        let number = match &token.token {
            Token::Number(digits, long) => {
                let tail = rest.peek().and_then(tail);
                let based = match (digits.as_str(), tail.as_deref()) {
                    ("0", Some(tail)) => based(tail),
                    _ => None,
                };
                match (tail, based) {
                    (None, _) if digits.contains('_') => Some(Token::Number(digits.replace('_', ""), *long)),
                    (None, _) => None,
                    (Some(_), Some(number)) => {
                        rest.next();
                        Some(Token::Number(number, *long))
                    }
                    (Some(tail), None) => return Err(trailing_junk(digits, &tail, token.span)),
                }
            }
            // X'1F' has a quote on each side.
            Token::HexStringLiteral(digits) if is_number(digits, token.span) => {
                let tail = rest.peek().and_then(tail);
                match (decimal(digits, 16), tail) {
                    (Some(number), None) => Some(Token::Number(number, false)),
                    (_, tail) => {
                        return Err(trailing_junk(&format!("0x{digits}"), &tail.unwrap_or_default(), token.span));
                    }
                }
            }
            _ => None,
        };
        if let Some(number) = number {
            token.token = number;
        }
        spelled.push(token);
    }
    Ok(spelled)
}

/// Whether a literal of hexadecimal digits takes the room of `0x` and its digits alone.
fn is_number(digits: &str, span: Span) -> bool {
    let width = span.end.column.saturating_sub(span.start.column);
    span.start.line == span.end.line && width == digits.chars().count() as u64 + 2
}

/// The decimal digits of `b101` or `o17`, the rest of a number that begins with 0.
fn based(tail: &str) -> Option<String> {
    let (base, digits) = tail.split_at_checked(1)?;
    match base {
        "b" | "B" => decimal(digits, 2),
        "o" | "O" => decimal(digits, 8),
        "x" | "X" => decimal(digits, 16),
        _ => None,
    }
}

/// The decimal digits of a number of another base, whose underscores stand before digits; `None` for
/// one of more than 128 bits.
fn decimal(digits: &str, base: u32) -> Option<String> {
    if digits.ends_with('_') || digits.contains("__") {
        return None;
    }
    u128::from_str_radix(&digits.replace('_', ""), base).ok().map(|number| number.to_string())
}

/// PostgreSQL's error for `1a`.
fn trailing_junk(digits: &str, tail: &str, span: Span) -> ParserError {
    ParserError::ParserError(format!("trailing junk after numeric literal at or near \"{digits}{tail}\"{}", span.start))
}

/// Phrases become others of the same meaning; see the head of this file.
fn phrases(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    let mut out: Vec<TokenWithSpan> = Vec::with_capacity(tokens.len() + 8);
    // Where the tokens are that are no whitespace.
    let places: Vec<usize> =
        (0..tokens.len()).filter(|place| !matches!(tokens[*place].token, Token::Whitespace(_))).collect();
    let token = |nth: usize| places.get(nth).map_or(&Token::EOF, |place| &tokens[*place].token);
    let word = |nth: usize| match token(nth) {
        Token::Word(word) => word.keyword,
        _ => Keyword::NoKeyword,
    };
    let is_name = |nth: usize| matches!(token(nth), Token::Word(_));
    let mut dropped = vec![false; tokens.len()];
    let mut replaced: Vec<(usize, Vec<Token>)> = Vec::new();
    let mut before = Keyword::NoKeyword;
    for (nth, place) in places.iter().copied().enumerate() {
        let previous = std::mem::replace(&mut before, word(nth));
        match word(nth) {
            // FOR NO KEY UPDATE, FOR KEY SHARE: the weaker locks.
            Keyword::NO
                if previous == Keyword::FOR && word(nth + 1) == Keyword::KEY && word(nth + 2) == Keyword::UPDATE =>
            {
                dropped[place] = true;
                dropped[places[nth + 1]] = true;
            }
            Keyword::KEY if previous == Keyword::FOR && word(nth + 1) == Keyword::SHARE => dropped[place] = true,
            Keyword::ONLY if begins_table(previous, nth.checked_sub(1).map(token)) => {
                dropped[place] = true;
                if *token(nth + 1) == Token::LParen
                    && let Some(end) = end_of_name(nth + 2, &is_name, &token)
                    && *token(end) == Token::RParen
                {
                    dropped[places[nth + 1]] = true;
                    dropped[places[end]] = true;
                }
            }
            // The digits of a span's seconds, which are lost before its text.
            Keyword::INTERVAL
                if *token(nth + 1) == Token::LParen
                    && let Token::Number(..) = token(nth + 2)
                    && *token(nth + 3) == Token::RParen
                    && let Token::SingleQuotedString(_) = token(nth + 4) =>
            {
                (nth + 1..nth + 4).for_each(|nth| dropped[places[nth]] = true);
                let moved = [nth + 4, nth + 1, nth + 2, nth + 3].map(|nth| token(nth).clone());
                replaced.push((places[nth + 4], moved.into()));
            }
            // One row of no columns.
            Keyword::SELECT if ends_query(token(nth + 1)) => {
                let row = ["SELECT", "FROM", "(", "SELECT", "1", ")", "AS", "one"].map(|text| match text {
                    "(" => Token::LParen,
                    ")" => Token::RParen,
                    "1" => Token::Number("1".to_owned(), false),
                    "one" => Token::make_word("one", None),
                    word => Token::make_keyword(word),
                });
                replaced.push((place, row.into()));
            }
            // A query of its own, where no query is being named.
            Keyword::TABLE if is_name(nth + 1) && begins_query(previous, nth.checked_sub(1).map(token)) => {
                replaced.push((place, vec![Token::make_keyword("SELECT"), Token::Mul, Token::make_keyword("FROM")]));
                if let Some(end) = end_of_name(nth + 1, &is_name, &token)
                    && *token(end) == Token::Mul
                {
                    dropped[places[end]] = true;
                }
            }
            // The functions are arguments of one.
            Keyword::ROWS
                if word(nth + 1) == Keyword::FROM
                    && *token(nth + 2) == Token::LParen
                    && (begins_table(previous, nth.checked_sub(1).map(token)) || previous == Keyword::LATERAL) =>
            {
                replaced.push((place, vec![Token::make_word(ROWS_FROM, Some('"'))]));
                dropped[places[nth + 1]] = true;
            }
            // The name of a join is the last of the columns that it merges.
            Keyword::USING if *token(nth + 1) == Token::LParen => {
                let end = (nth + 2..places.len()).find(|nth| !is_name(*nth) && *token(*nth) != Token::Comma);
                if let Some(end) = end
                    && *token(end) == Token::RParen
                    && word(end + 1) == Keyword::AS
                    && is_name(end + 2)
                {
                    dropped[places[end + 1]] = true;
                    dropped[places[end + 2]] = true;
                    let name = token(end + 2).clone();
                    let mark = Token::make_word(JOIN_NAME, Some('"'));
                    replaced.push((places[end], vec![Token::Comma, mark, Token::Period, name, Token::RParen]));
                }
            }
            Keyword::USING => {
                let descending = match token(nth + 1) {
                    Token::Gt => "DESC",
                    Token::Lt => "ASC",
                    _ => continue,
                };
                dropped[place] = true;
                replaced.push((places[nth + 1], vec![Token::make_keyword(descending)]));
            }
            Keyword::FROM | Keyword::JOIN => {
                let first = nth + 1 + usize::from(word(nth + 1) == Keyword::ONLY);
                if let Some(end) = end_of_name(first, &is_name, &token)
                    && *token(end) == Token::Mul
                    && (ends_table(word(end + 1), token(end + 1)) || is_name(end + 1))
                {
                    dropped[places[end]] = true;
                }
            }
            // A further table of FROM; a product goes on behind its sign.
            _ if *token(nth) == Token::Comma => {
                let first = nth + 1 + usize::from(word(nth + 1) == Keyword::ONLY);
                if let Some(end) = end_of_name(first, &is_name, &token)
                    && *token(end) == Token::Mul
                    && ends_table(word(end + 1), token(end + 1))
                {
                    dropped[places[end]] = true;
                }
            }
            _ => {}
        }
    }
    let mut replaced = replaced.into_iter().peekable();
    for (place, original) in tokens.iter().enumerate() {
        let span = original.span;
        match replaced.next_if(|(at, _)| *at == place) {
            Some((_, instead)) => out.extend(instead.into_iter().map(|token| TokenWithSpan { token, span })),
            None if dropped[place] => {}
            None => out.push(original.clone()),
        }
    }
    out
}

/// The place behind a name with points that begins at a place; `None` when none begins there.
fn end_of_name<'a>(
    start: usize,
    is_name: &impl Fn(usize) -> bool,
    token: &impl Fn(usize) -> &'a Token,
) -> Option<usize> {
    let mut end = start;
    while is_name(end) {
        end += 1;
        if *token(end) != Token::Period {
            return Some(end);
        }
        end += 1;
    }
    None
}

/// Whether a word begins the rest of a join.
fn joins(word: Keyword) -> bool {
    matches!(
        word,
        Keyword::JOIN
            | Keyword::INNER
            | Keyword::LEFT
            | Keyword::RIGHT
            | Keyword::FULL
            | Keyword::CROSS
            | Keyword::NATURAL
    )
}

/// Whether a table may follow this word or token.
fn begins_table(word: Keyword, token: Option<&Token>) -> bool {
    matches!(word, Keyword::FROM | Keyword::JOIN) || token == Some(&Token::Comma)
}

/// Whether a query may follow this word or token.
fn begins_query(word: Keyword, token: Option<&Token>) -> bool {
    match token {
        None | Some(Token::SemiColon | Token::LParen | Token::RParen) => true,
        _ => matches!(
            word,
            Keyword::UNION
                | Keyword::EXCEPT
                | Keyword::INTERSECT
                | Keyword::ALL
                | Keyword::DISTINCT
                | Keyword::EXPLAIN
                | Keyword::ANALYZE
                | Keyword::VERBOSE
        ),
    }
}

/// Whether the `*` behind a table's name is no multiplication, by what follows it.
fn ends_table(word: Keyword, token: &Token) -> bool {
    joins(word)
        || matches!(token, Token::EOF | Token::SemiColon | Token::RParen | Token::Comma)
        || matches!(
            word,
            Keyword::AS
                | Keyword::WHERE
                | Keyword::GROUP
                | Keyword::HAVING
                | Keyword::WINDOW
                | Keyword::ORDER
                | Keyword::LIMIT
                | Keyword::OFFSET
                | Keyword::FETCH
                | Keyword::FOR
                | Keyword::UNION
                | Keyword::INTERSECT
                | Keyword::EXCEPT
        )
}
