//! SQL text to tokens, as far as the front end needs it: to tell statements apart, to read the commands that are about
//! the session rather than the data, and to find parameters. The grammar of queries is the engine's.

use super::error::Failure;
use crate::dialect::parse::identifier::cut_name;

/// The kind of a token, as far as this front end tells kinds apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A keyword or a name without quotes.
    Word,
    /// A name in double quotes.
    Quoted,
    /// A string: `'...'`, `E'...'` or `$tag$...$tag$`.
    Text,
    /// Digits with an optional fraction and exponent, without a sign.
    Number,
    /// A numbered parameter of a prepared statement, such as `$1`.
    Parameter,
    /// One character of anything else.
    Symbol,
}

/// A token and its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token<'a> {
    pub(super) kind: Kind,
    /// As written, with its quotes.
    pub(super) text: &'a str,
    /// Bytes of the text before the token, which slices cut at.
    pub(super) start: usize,
}

impl Token<'_> {
    /// Bytes up to its end.
    pub(super) fn end(&self) -> usize {
        self.start + self.text.len()
    }

    /// Whether it is this keyword.
    pub(super) fn is(&self, keyword: &str) -> bool {
        self.kind == Kind::Word && self.text.eq_ignore_ascii_case(keyword)
    }

    /// Whether it is this character.
    pub(super) fn is_symbol(&self, symbol: char) -> bool {
        self.kind == Kind::Symbol && self.text.starts_with(symbol)
    }

    /// What it stands for: names folded to lower case, quotes and escapes taken off.
    pub(super) fn value(&self) -> String {
        match self.kind {
            Kind::Word => self.text.to_lowercase(),
            Kind::Quoted => inner(self.text, 1).replace("\"\"", "\""),
            Kind::Text => text_value(self.text),
            Kind::Number | Kind::Parameter | Kind::Symbol => self.text.to_owned(),
        }
    }
}

/// The text without `quote` bytes at either end.
fn inner(text: &str, quote: usize) -> &str {
    text.get(quote..text.len().saturating_sub(quote)).unwrap_or_default()
}

/// The content of a string: quotes or dollar tags taken off, doubled quotes made one, escapes of `E'...'` read.
fn text_value(text: &str) -> String {
    if let Some(tagged) = text.strip_prefix('$') {
        return inner(text, tagged.find('$').map_or(1, |tag| tag + 2)).to_owned();
    }
    if let Some(escaped) = text.strip_prefix(['e', 'E']) {
        return unescape(inner(escaped, 1));
    }
    inner(text, 1).replace("''", "'")
}

/// The escapes of `E'...'` that commands of the session may meet.
fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        let escaped = match c {
            '\\' => chars.next(),
            '\'' => {
                chars.next();
                Some('\'')
            }
            other => {
                plain.push(other);
                continue;
            }
        };
        plain.push(match (c, escaped) {
            ('\\', Some('n')) => '\n',
            ('\\', Some('t')) => '\t',
            ('\\', Some('r')) => '\r',
            ('\\', Some('b')) => '\u{8}',
            ('\\', Some('f')) => '\u{c}',
            (_, Some(other)) => other,
            (_, None) => '\\',
        });
    }
    plain
}

/// The tokens of a text without its comments; none when a string, name or comment is left open.
pub(super) fn tokens(sql: &str) -> Option<Vec<Token<'_>>> {
    let mut tokens = Vec::new();
    let mut start = 0;
    while let Some(rest) = sql.get(start..).filter(|rest| !rest.is_empty()) {
        let (kind, length) = next(rest)?;
        if let (Some(kind), Some(text)) = (kind, rest.get(..length)) {
            tokens.push(Token { kind, text, start });
        }
        start += length;
    }
    Some(tokens)
}

/// Kind and length in bytes of what `rest` begins with; no kind for white space and comments.
fn next(rest: &str) -> Option<(Option<Kind>, usize)> {
    let first = rest.chars().next()?;
    if first.is_whitespace() {
        return Some((None, first.len_utf8()));
    }
    if rest.starts_with("--") {
        return Some((None, rest.find('\n').unwrap_or(rest.len())));
    }
    if rest.starts_with("/*") {
        return comment(rest).map(|length| (None, length));
    }
    match first {
        '\'' => string(rest, 0, false).map(|length| (Some(Kind::Text), length)),
        'e' | 'E' if rest.get(1..).is_some_and(|rest| rest.starts_with('\'')) => {
            string(rest, 1, true).map(|length| (Some(Kind::Text), length))
        }
        '"' => quoted(rest).map(|length| (Some(Kind::Quoted), length)),
        '$' => dollar(rest),
        c if c.is_alphabetic() || c == '_' => {
            let length = rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$')).unwrap_or(rest.len());
            Some((Some(Kind::Word), length))
        }
        c if c.is_ascii_digit() => Some((Some(Kind::Number), number(rest))),
        c => Some((Some(Kind::Symbol), c.len_utf8())),
    }
}

/// Length of a comment, within which others may stand.
fn comment(rest: &str) -> Option<usize> {
    let bytes = rest.as_bytes();
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(pair) = bytes.get(at..at + 2) {
        match pair {
            b"/*" => depth += 1,
            b"*/" => depth -= 1,
            _ => {
                at += 1;
                continue;
            }
        }
        at += 2;
        if depth == 0 {
            return Some(at);
        }
    }
    None
}

/// Length of a string whose quote stands at `open`; a doubled quote stands for itself.
fn string(rest: &str, open: usize, escapes: bool) -> Option<usize> {
    let bytes = rest.as_bytes();
    let mut at = open + 1;
    loop {
        match bytes.get(at)? {
            b'\\' if escapes => at += 2,
            b'\'' if bytes.get(at + 1) == Some(&b'\'') => at += 2,
            b'\'' => return Some(at + 1),
            _ => at += 1,
        }
    }
}

/// Length of a name in double quotes, in which a doubled quote stands for itself; none when it is left open.
fn quoted(rest: &str) -> Option<usize> {
    let bytes = rest.as_bytes();
    let mut at = 1;
    loop {
        match bytes.get(at)? {
            b'"' if bytes.get(at + 1) == Some(&b'"') => at += 2,
            b'"' => return Some(at + 1),
            _ => at += 1,
        }
    }
}

/// `$1`, `$tag$...$tag$`, or a lone `$`.
fn dollar(rest: &str) -> Option<(Option<Kind>, usize)> {
    let tail = rest.get(1..)?;
    let digits = tail.find(|c: char| !c.is_ascii_digit()).unwrap_or(tail.len());
    if digits > 0 {
        return Some((Some(Kind::Parameter), digits + 1));
    }
    let tag = tail.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(tail.len());
    if !tail.get(tag..).is_some_and(|tail| tail.starts_with('$')) {
        return Some((Some(Kind::Symbol), 1));
    }
    let open = tag + 2;
    let close = rest.get(open..)?.find(rest.get(..open)?)?;
    Some((Some(Kind::Text), open + close + open))
}

/// Length in bytes of the number that the text begins with.
fn number(rest: &str) -> usize {
    let bytes = rest.as_bytes();
    let digits = |from: usize| bytes.iter().skip(from).take_while(|byte| byte.is_ascii_digit()).count();
    let mut length = digits(0);
    if bytes.get(length) == Some(&b'.') {
        length += 1 + digits(length + 1);
    }
    if matches!(bytes.get(length), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(length + 1), Some(b'+' | b'-')));
        let exponent = digits(length + 1 + sign);
        if exponent > 0 {
            length += 1 + sign + exponent;
        }
    }
    length
}

/// One statement of a longer text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Piece<'a> {
    pub(super) sql: &'a str,
    /// Characters of the whole text before it.
    pub(super) offset: usize,
}

/// Cuts a text at the semicolons between its statements; empty statements are dropped. A text that does not read as
/// tokens is one piece, which the engine will refuse with its own words.
pub(super) fn pieces(sql: &str) -> Vec<Piece<'_>> {
    let Some(tokens) = tokens(sql) else { return vec![Piece { sql, offset: 0 }] };
    let mut pieces = Vec::new();
    for statement in tokens.split(|token| token.is_symbol(';')) {
        if let (Some(first), Some(last)) = (statement.first(), statement.last())
            && let (Some(before), Some(text)) = (sql.get(..first.start), sql.get(first.start..last.end()))
        {
            pieces.push(Piece { sql: text, offset: before.chars().count() });
        }
    }
    pieces
}

/// Tokens read one after the other.
pub(super) struct Reader<'a> {
    sql: &'a str,
    offset: usize,
    tokens: Vec<Token<'a>>,
    at: usize,
}

impl<'a> Reader<'a> {
    /// Reads a piece from its beginning.
    pub(super) fn new(piece: Piece<'a>) -> Self {
        Self { sql: piece.sql, offset: piece.offset, tokens: tokens(piece.sql).unwrap_or_default(), at: 0 }
    }

    /// The next token, left where it is.
    pub(super) fn peek(&self) -> Option<Token<'a>> {
        self.tokens.get(self.at).copied()
    }

    /// Takes the next token, if there is one.
    pub(super) fn take(&mut self) -> Option<Token<'a>> {
        let token = self.peek()?;
        self.at += 1;
        Some(token)
    }

    /// How many tokens are left.
    pub(super) fn left(&self) -> usize {
        self.tokens.len().saturating_sub(self.at)
    }

    /// Takes the next token when it is this keyword.
    pub(super) fn keyword(&mut self, keyword: &str) -> bool {
        let found = self.peek().is_some_and(|token| token.is(keyword));
        self.at += usize::from(found);
        found
    }

    /// Takes the next token when it is this character.
    pub(super) fn symbol(&mut self, symbol: char) -> bool {
        let found = self.peek().is_some_and(|token| token.is_symbol(symbol));
        self.at += usize::from(found);
        found
    }

    /// Takes this keyword, whatever its case.
    pub(super) fn expect(&mut self, keyword: &str) -> Result<(), Failure> {
        if self.keyword(keyword) { Ok(()) } else { Err(self.unexpected()) }
    }

    /// Takes a name, folded to lower case unless it is quoted.
    pub(super) fn name(&mut self) -> Result<String, Failure> {
        match self.peek() {
            Some(token) if matches!(token.kind, Kind::Word | Kind::Quoted) => {
                self.at += 1;
                let mut name = token.value();
                cut_name(&mut name);
                Ok(name)
            }
            _ => Err(self.unexpected()),
        }
    }

    /// Checks that no token is left.
    pub(super) fn end(&self) -> Result<(), Failure> {
        if self.peek().is_none() { Ok(()) } else { Err(self.unexpected()) }
    }

    /// What is left, as a piece of its own.
    pub(super) fn rest(&self) -> Result<Piece<'a>, Failure> {
        let first = self.peek().ok_or_else(|| self.unexpected())?;
        self.between(first.start, self.sql.len())
    }

    /// Takes what stands between this parenthesis, which comes next, and the one that closes it.
    pub(super) fn parenthesised(&mut self) -> Result<Piece<'a>, Failure> {
        let open = self.peek().filter(|token| token.is_symbol('(')).ok_or_else(|| self.unexpected())?;
        let mut depth = 0_usize;
        while let Some(token) = self.take() {
            depth += usize::from(token.is_symbol('('));
            depth -= usize::from(token.is_symbol(')'));
            if depth == 0 {
                return self.between(open.end(), token.start);
            }
        }
        Err(self.unexpected())
    }

    fn between(&self, start: usize, end: usize) -> Result<Piece<'a>, Failure> {
        match (self.sql.get(..start), self.sql.get(start..end)) {
            (Some(before), Some(sql)) => Ok(Piece { sql, offset: self.offset + before.chars().count() }),
            _ => Err(self.unexpected()),
        }
    }

    /// The error for what comes next.
    pub(super) fn unexpected(&self) -> Failure {
        let (what, start) = match self.peek() {
            Some(token) => (format!("at or near \"{}\"", token.text), token.start),
            None => ("at end of input".to_owned(), self.sql.len()),
        };
        let before = self.sql.get(..start).map_or(0, |before| before.chars().count());
        Failure::new("42601", format!("syntax error {what}")).at(self.offset + before + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_pieces(sql: &str, expected: &[(&str, usize)]) {
        let found: Vec<_> = pieces(sql).into_iter().map(|piece| (piece.sql, piece.offset)).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn statements_are_cut_at_their_semicolons_only() {
        check_pieces("", &[]);
        check_pieces(" ; -- nothing\n ;/* ; /* ; */ */", &[]);
        check_pieces("SELECT 1; SELECT ';' ;", &[("SELECT 1", 0), ("SELECT ';'", 10)]);
        check_pieces("SELECT $x$;$x$, $$;$$, E'\\';', \";\"", &[("SELECT $x$;$x$, $$;$$, E'\\';', \";\"", 0)]);
        check_pieces("SELECT 'é';SELECT 2", &[("SELECT 'é'", 0), ("SELECT 2", 11)]);
    }

    #[test]
    fn what_is_left_open_is_one_piece() {
        for sql in ["SELECT 'a; SELECT 1", "/* ; ", "SELECT \"a;", "$$ ; ", "E'\\", "SELECT $a$ ; $b$"] {
            check_pieces(sql, &[(sql, 0)]);
        }
    }

    #[test]
    fn values_lose_their_quotes() {
        let value = |sql| tokens(sql).unwrap().first().map(Token::value).unwrap();
        assert_eq!(value("'it''s'"), "it's");
        assert_eq!(value("E'a\\tb\\'c''d\\\\'"), "a\tb'c'd\\");
        assert_eq!(value("$tag$it's$tag$"), "it's");
        assert_eq!(value("\"Odd \"\" Name\""), "Odd \" Name");
        assert_eq!(value("NaMe"), "name");
    }

    #[test]
    fn parameters_and_numbers() {
        let kinds = |sql| tokens(sql).unwrap().into_iter().map(|token| (token.kind, token.text)).collect::<Vec<_>>();
        assert_eq!(kinds("$12+1.5e-3"), [(Kind::Parameter, "$12"), (Kind::Symbol, "+"), (Kind::Number, "1.5e-3")]);
        assert_eq!(kinds("a$1"), [(Kind::Word, "a$1")]);
    }

    #[test]
    fn parentheses_close_where_they_should() {
        let mut reader = Reader::new(Piece { sql: "COPY (SELECT ')', (1)) TO", offset: 3 });
        reader.expect("copy").unwrap();
        let inner = reader.parenthesised().unwrap();
        assert_eq!((inner.sql, inner.offset), ("SELECT ')', (1)", 9));
        assert!(reader.keyword("TO"));
        assert!(reader.end().is_ok());
        assert_eq!(Reader::new(Piece { sql: "(1", offset: 0 }).parenthesised().unwrap_err().code, "42601");
    }
}
