//! The spellings of as-of joins become the one that sqlparser reads: `ASOF JOIN t MATCH_CONDITION (...)`.
//!
//! | spelling | of | left rows without a match |
//! |---|---|---|
//! | `ASOF JOIN t MATCH_CONDITION (a >= b) [ON ...]` | Snowflake | stay |
//! | `[INNER, LEFT] ASOF JOIN t MATCH_CONDITION (a >= b) [ON ...]` | Spark | as it says |
//! | `ASOF [INNER, LEFT] JOIN t ON k = l AND a >= b`, `USING (k, a)` | DuckDB | go, unless LEFT |
//! | `TOLERANCE '5 seconds'` behind any of them | QuestDB | |
//!
//! What is matched becomes a call of a function that no statement can write, with how it was spelled, the condition
//! and the tolerance: the binder takes it apart.
//!
//! sqlparser 0.62: only the first of these is read.

use crate::error::{ErrorKind, QueryError};
use datafusion::sql::sqlparser::tokenizer::{Location, Token, TokenWithSpan, Whitespace};

/// The name of the function that stands for what is matched.
pub(crate) const MATCHED: &str = "\u{1}as of";
/// The first argument where left rows without a match stay.
pub(crate) const LEFT: &str = "left";
/// The first argument where they go.
pub(crate) const INNER: &str = "inner";
/// What stands behind either where the condition of order is among those of ON, or the last column of USING.
pub(crate) const AMONG: &str = " among";

/// As-of joins in one text. Each is looked for to the end of the text, so that more of them cost their square.
const JOINS_MAX: usize = 100;

/// Words that end the conditions of a join.
const ENDS: [&str; 22] = [
    "where",
    "group",
    "order",
    "having",
    "limit",
    "offset",
    "fetch",
    "union",
    "intersect",
    "except",
    "window",
    "for",
    "join",
    "inner",
    "cross",
    "natural",
    "full",
    "asof",
    "left",
    "right",
    "returning",
    "lateral",
];

/// What is wrong with an as-of join, and where.
#[derive(Debug)]
pub(super) struct Fault {
    kind: ErrorKind,
    what: String,
    at: Location,
}

impl Fault {
    /// 42601: what stands there is no as-of join.
    fn syntax(at: &TokenWithSpan, what: impl Into<String>) -> Self {
        Self { kind: ErrorKind::Syntax, what: what.into(), at: at.span.start }
    }

    /// 0A000: it is one that is not answered.
    fn not_supported(at: &TokenWithSpan, what: impl Into<String>) -> Self {
        Self { kind: ErrorKind::NotSupported, what: what.into(), at: at.span.start }
    }

    /// The error with its place in the text.
    pub(super) fn of(self, sql: &str) -> QueryError {
        QueryError::new(self.kind, self.what).at(self.at.line, self.at.column, sql)
    }
}

/// The tokens with every as-of join in sqlparser's spelling.
///
/// # Errors
/// A join without a condition of order, or with another than one comparison; a kind of join that is not answered, and more
/// than [`JOINS_MAX`].
pub(super) fn respell(mut tokens: Vec<TokenWithSpan>) -> Result<Vec<TokenWithSpan>, Fault> {
    let mut joins = 0;
    // The last first, so that what is inside a join is done before it.
    let mut at = tokens.len();
    while let Some(before) = at.checked_sub(1) {
        at = before;
        if is_word(&tokens[at].token, "asof")
            && let Some(join) = Join::at(&tokens, at)?
        {
            joins += 1;
            if joins > JOINS_MAX {
                return Err(Fault::not_supported(&tokens[at], format!("more than {JOINS_MAX} as-of joins in a text")));
            }
            at = join.phrase.0;
            join.spell(&mut tokens)?;
        }
    }
    Ok(tokens)
}

/// Where the parts of an as-of join are among the tokens.
struct Join {
    /// From the first word of the phrase to behind JOIN.
    phrase: (usize, usize),
    /// How the phrase says what becomes of left rows without a match.
    kind: Option<&'static str>,
    /// Between the parentheses of MATCH_CONDITION.
    matched: Option<(usize, usize)>,
    /// MATCH_CONDITION itself, to behind its parentheses.
    clause: (usize, usize),
    /// The value behind TOLERANCE.
    tolerance: Option<(usize, usize)>,
    /// TOLERANCE itself, to behind its value.
    tolerated: (usize, usize),
    /// Where ON or USING begins.
    constraint: Option<usize>,
    end: usize,
}

impl Join {
    /// The join whose ASOF stands at a place; `None` where the word is a name.
    fn at(tokens: &[TokenWithSpan], at: usize) -> Result<Option<Self>, Fault> {
        let before = previous(tokens, at).map(|place| (place, &tokens[place].token));
        if before.is_some_and(|(_, token)| *token == Token::Period || is_word(token, "as")) {
            return Ok(None);
        }
        let mut words = Vec::new();
        let mut next = following(tokens, at + 1);
        while let Some(place) = next
            && let Some(word) = word(&tokens[place].token)
        {
            words.push(word);
            next = following(tokens, place + 1);
            if words.last().is_some_and(|word| word == "join") || words.len() == 3 {
                break;
            }
        }
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let behind = match words.as_slice() {
            ["join", ..] => None,
            ["left", "join", ..] | ["left", "outer", "join"] => Some(LEFT),
            ["inner", "join", ..] => Some(INNER),
            [kind @ ("right" | "full" | "semi" | "anti" | "cross" | "natural"), "join" | "outer", ..] => {
                let kind = kind.to_uppercase();
                let what = format!("ASOF {kind} JOIN is not supported; write ASOF or ASOF LEFT JOIN");
                return Err(Fault::not_supported(&tokens[at], what));
            }
            _ => return Ok(None),
        };
        let (mut first, mut ahead) = (at, None);
        if let Some((place, token)) = before {
            let (place, outer) = match is_word(token, "outer") {
                true => (previous(tokens, place).unwrap_or(place), true),
                false => (place, false),
            };
            ahead = match word(&tokens[place].token).as_deref() {
                Some("left") => Some(LEFT),
                Some("inner") if !outer => Some(INNER),
                Some(kind @ ("right" | "full" | "cross" | "natural")) => {
                    let what = format!("{} ASOF JOIN is not supported", kind.to_uppercase());
                    return Err(Fault::not_supported(&tokens[at], what));
                }
                _ => None,
            };
            first = if ahead.is_some() { place } else { at };
        }
        let from = (at..tokens.len()).find(|place| is_word(&tokens[*place].token, "join")).map_or(at, |join| join + 1);
        let mut join = Self {
            phrase: (first, from),
            kind: behind.or(ahead),
            matched: None,
            clause: (from, from),
            tolerance: None,
            tolerated: (from, from),
            constraint: None,
            end: tokens.len(),
        };
        join.clauses(tokens);
        Ok(Some(join))
    }

    /// Finds the clauses behind the joined table.
    fn clauses(&mut self, tokens: &[TokenWithSpan]) {
        let mut depth = 0_usize;
        let mut skip = 0;
        for place in self.phrase.1..tokens.len() {
            let token = &tokens[place].token;
            match token {
                Token::LParen | Token::LBracket => depth += 1,
                Token::RParen | Token::RBracket if depth > 0 => depth -= 1,
                Token::RParen | Token::RBracket | Token::SemiColon | Token::EOF => return self.end = place,
                Token::Comma if depth == 0 => return self.end = place,
                _ => {}
            }
            let Some(word) = word(token).filter(|_| depth == 0 && place >= skip) else { continue };
            let opens = following(tokens, place + 1).filter(|next| tokens[*next].token == Token::LParen);
            match word.as_str() {
                "match_condition" if let Some(open) = opens => {
                    let close = closing(tokens, open);
                    self.matched = Some((open + 1, close));
                    self.clause = (place, (close + 1).min(tokens.len()));
                }
                "tolerance" => {
                    let Some(mut last) = following(tokens, place + 1).filter(|next| is_span(&tokens[*next].token))
                    else {
                        continue;
                    };
                    let first = last;
                    if is_word(&tokens[first].token, "interval") {
                        last = following(tokens, first + 1).unwrap_or(first);
                    }
                    self.tolerance = Some((first, last + 1));
                    self.tolerated = (place, last + 1);
                    skip = last + 1;
                }
                "on" | "using" if self.constraint.is_none() => self.constraint = Some(place),
                // `left(a, 1)` is a call.
                _ if ENDS.contains(&word.as_str()) && opens.is_none() => return self.end = place,
                _ => {}
            }
        }
    }

    /// Puts this join in sqlparser's spelling.
    fn spell(self, tokens: &mut Vec<TokenWithSpan>) -> Result<(), Fault> {
        let at = &tokens[self.phrase.0];
        let kind = match (self.matched, self.constraint) {
            (Some((from, to)), _) => {
                check(&tokens[from..to]).map_err(|what| Fault::syntax(&tokens[self.clause.0], what))?;
                self.kind.unwrap_or(LEFT).to_owned()
            }
            (None, Some(_)) => format!("{}{AMONG}", self.kind.unwrap_or(INNER)),
            (None, None) => {
                let what = "ASOF JOIN needs a condition of order: MATCH_CONDITION (a.time >= b.time), or one in ON";
                return Err(Fault::syntax(at, what));
            }
        };
        let span = at.span;
        let plain = |token: Token| TokenWithSpan { token, span };
        let keyword = |word: &str| plain(Token::make_keyword(word));
        let space = || plain(Token::Whitespace(Whitespace::Space));
        let mut cuts = [self.clause, self.tolerated];
        cuts.sort_unstable();
        let kept = |from: usize, to: usize| {
            let inside = move |place: &usize| !cuts.iter().any(|(first, last)| (*first..*last).contains(place));
            (from..to).filter(inside).map(|place| tokens[place].clone()).collect::<Vec<_>>()
        };
        let body = self.constraint.unwrap_or(self.end);
        let mut spelled = vec![keyword("ASOF"), space(), keyword("JOIN")];
        spelled.extend(kept(self.phrase.1, body.min(self.end)));
        spelled.extend([space(), keyword("MATCH_CONDITION"), plain(Token::LParen)]);
        spelled.extend([plain(Token::make_word(MATCHED, Some('"'))), plain(Token::LParen)]);
        spelled.extend([plain(Token::SingleQuotedString(kind)), plain(Token::Comma)]);
        match self.matched {
            Some((from, to)) => spelled.extend_from_slice(&tokens[from..to]),
            None => spelled.push(keyword("TRUE")),
        }
        if let Some((from, to)) = self.tolerance {
            spelled.push(plain(Token::Comma));
            spelled.extend_from_slice(&tokens[from..to]);
        }
        spelled.extend([plain(Token::RParen), plain(Token::RParen), space()]);
        spelled.extend(kept(body, self.end));
        tokens.splice(self.phrase.0..self.end, spelled);
        Ok(())
    }
}

/// Whether a value begins here that TOLERANCE takes: else the word is a name.
fn is_span(token: &Token) -> bool {
    let written = matches!(
        token,
        Token::SingleQuotedString(_) | Token::EscapedStringLiteral(_) | Token::Number(..) | Token::Placeholder(_)
    );
    written || is_word(token, "interval")
}

/// Checks that what is matched is one comparison of order. Parentheses around all of it change nothing.
fn check(matched: &[TokenWithSpan]) -> Result<(), &'static str> {
    let significant = matched.iter().map(|token| &token.token).filter(|token| !matches!(token, Token::Whitespace(_)));
    let significant: Vec<&Token> = significant.collect();
    let (mut depth, mut orders) = (0_usize, 0);
    for token in within(&significant) {
        match token {
            Token::LParen => depth += 1,
            Token::RParen => depth = depth.saturating_sub(1),
            Token::Lt | Token::LtEq | Token::Gt | Token::GtEq => orders += usize::from(depth == 0),
            Token::Word(_) if depth == 0 && (is_word(token, "or") || is_word(token, "and")) => {
                return Err("MATCH_CONDITION is one comparison: other conditions stand in ON");
            }
            _ => {}
        }
    }
    match orders {
        1 => Ok(()),
        _ => Err("MATCH_CONDITION is a comparison by <, <=, > or >="),
    }
}

/// What stands within the pairs of parentheses that are around all of it.
fn within<'a, 'b>(mut tokens: &'b [&'a Token]) -> &'b [&'a Token] {
    while let [Token::LParen, inner @ .., Token::RParen] = tokens {
        let mut depth = 1_usize;
        for token in inner {
            depth = match token {
                Token::LParen => depth + 1,
                Token::RParen => depth - 1,
                _ => depth,
            };
            if depth == 0 {
                return tokens;
            }
        }
        tokens = inner;
    }
    tokens
}

/// The word of a token in lower case, unless it is in quotes.
fn word(token: &Token) -> Option<String> {
    match token {
        Token::Word(word) if word.quote_style.is_none() => Some(word.value.to_ascii_lowercase()),
        _ => None,
    }
}

fn is_word(token: &Token, wanted: &str) -> bool {
    matches!(token, Token::Word(word) if word.quote_style.is_none() && word.value.eq_ignore_ascii_case(wanted))
}

/// The place of the next token that is no white space.
fn following(tokens: &[TokenWithSpan], from: usize) -> Option<usize> {
    (from..tokens.len()).find(|place| !matches!(tokens[*place].token, Token::Whitespace(_)))
}

/// The place of the token before a place that is no white space.
fn previous(tokens: &[TokenWithSpan], at: usize) -> Option<usize> {
    (0..at).rev().find(|place| !matches!(tokens[*place].token, Token::Whitespace(_)))
}

/// Where the parenthesis at a place is closed; the end where it is not.
fn closing(tokens: &[TokenWithSpan], open: usize) -> usize {
    let mut depth = 0_usize;
    for (place, token) in tokens.iter().enumerate().skip(open) {
        match token.token {
            Token::LParen => depth += 1,
            Token::RParen if depth == 1 => return place,
            Token::RParen => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    tokens.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
    use datafusion::sql::sqlparser::tokenizer::Tokenizer;

    fn read(sql: &str) -> Result<String, QueryError> {
        let tokens = Tokenizer::new(&PostgreSqlDialect {}, sql).tokenize_with_location().unwrap();
        let tokens = respell(tokens).map_err(|fault| fault.of(sql))?;
        let written: String = tokens.iter().map(|token| format!("{} ", token.token)).collect();
        let words = written.replace('\u{1}', "").replace("\"as of\"", "M");
        Ok(words.split_whitespace().collect::<Vec<_>>().join(" "))
    }

    #[track_caller]
    fn check(sql: &str, expected: &str) {
        assert_eq!(read(sql).unwrap(), expected);
    }

    #[test]
    fn every_spelling_becomes_one() {
        check(
            "a ASOF JOIN b MATCH_CONDITION (a.t >= b.t) ON a.k = b.k WHERE c",
            "a ASOF JOIN b MATCH_CONDITION ( M ( 'left' , a . t >= b . t ) ) ON a . k = b . k WHERE c",
        );
        check(
            "a INNER ASOF JOIN b x MATCH_CONDITION (a.t > x.t) USING (k), d",
            "a ASOF JOIN b x MATCH_CONDITION ( M ( 'inner' , a . t > x . t ) ) USING ( k ) , d",
        );
        check(
            "a asof left join b ON left(a.k, 1) = b.k AND a.t >= b.t JOIN c ON true",
            "a ASOF JOIN b MATCH_CONDITION ( M ( 'left among' , TRUE ) ) ON left ( a . k , 1 ) = b . k AND a . t >= b . t \
             join c ON true".replace("join c", "JOIN c").as_str(),
        );
        check(
            "a ASOF JOIN b USING (k, t) TOLERANCE '5 s' ORDER BY 1",
            "a ASOF JOIN b MATCH_CONDITION ( M ( 'inner among' , TRUE , '5 s' ) ) USING ( k , t ) ORDER BY 1",
        );
    }

    #[test]
    fn joins_may_follow_each_other_and_nest() {
        check(
            "a ASOF JOIN (b ASOF JOIN c MATCH_CONDITION (b.t < c.t)) MATCH_CONDITION (a.t <= c.t) ASOF JOIN d USING (t)",
            "a ASOF JOIN ( b ASOF JOIN c MATCH_CONDITION ( M ( 'left' , b . t < c . t ) ) ) \
             MATCH_CONDITION ( M ( 'left' , a . t <= c . t ) ) ASOF JOIN d MATCH_CONDITION ( M ( 'inner among' , TRUE ) ) \
             USING ( t )",
        );
    }

    #[test]
    fn the_word_may_be_a_name() {
        for sql in
            ["SELECT asof FROM t", "FROM t AS asof JOIN u ON true", "FROM t asof", "SELECT x . asof", "\"asof\" JOIN u"]
        {
            let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
            check(sql, &words(sql));
        }
    }

    #[test]
    fn parentheses_around_the_condition_change_nothing() {
        for condition in ["((a.t >= b.t))", "(a.t >= b.t)", "((a.t, a.s) >= (b.t, b.s))", "((a.t) >= (b.t))"] {
            assert!(read(&format!("a ASOF JOIN b MATCH_CONDITION ({condition})")).is_ok(), "{condition}");
        }
        assert!(read("a ASOF JOIN b MATCH_CONDITION (((a.t >= b.t OR true)))").is_err());
    }

    #[test]
    fn a_table_may_be_named_tolerance() {
        check(
            "a ASOF JOIN tolerance ON a.t >= tolerance.t",
            "a ASOF JOIN tolerance MATCH_CONDITION ( M ( 'inner among' , TRUE ) ) ON a . t >= tolerance . t",
        );
    }

    #[test]
    fn what_is_refused_is_named_where_it_stands() {
        for (sql, kind, position) in [
            ("a ASOF JOIN b WHERE true", ErrorKind::Syntax, 3),
            ("a ASOF JOIN b MATCH_CONDITION (a.t = b.t)", ErrorKind::Syntax, 15),
            ("a ASOF JOIN b MATCH_CONDITION (a.t >= b.t OR true)", ErrorKind::Syntax, 15),
            ("a ASOF RIGHT JOIN b ON a.t >= b.t", ErrorKind::NotSupported, 3),
            ("a FULL ASOF JOIN b MATCH_CONDITION (a.t >= b.t)", ErrorKind::NotSupported, 8),
        ] {
            let error = read(sql).unwrap_err();
            assert_eq!((error.kind, error.position), (kind, Some(position)), "{sql}");
        }
    }

    #[test]
    fn joins_in_a_text_are_counted() {
        let joins = |count: usize| format!("a{}", " ASOF JOIN b USING (t)".repeat(count));
        assert!(read(&joins(JOINS_MAX)).is_ok());
        assert_eq!(read(&joins(JOINS_MAX + 1)).unwrap_err().kind, ErrorKind::NotSupported);
        assert_eq!(read(&joins(100_000)).unwrap_err().kind, ErrorKind::NotSupported);
    }
}
