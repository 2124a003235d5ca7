//! The lexer cuts SQL text into tokens without a grammar, one at a time: to tell statements apart, to read the commands
//! that are about the session rather than the data, and to count before anything is built.
//!
//! It cuts where sqlparser's tokenizer cuts, or into more pieces; so its count is an upper bound of what that makes.

use crate::work;

/// The kind of a token, as far as they are told apart without a grammar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
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
pub(crate) struct Token<'a> {
    pub(crate) kind: Kind,
    /// As written, with its quotes.
    pub(crate) text: &'a str,
    /// Bytes of the text before the token, which slices cut at.
    pub(crate) start: usize,
}

impl Token<'_> {
    /// Bytes up to its end.
    pub(crate) fn end(&self) -> usize {
        self.start + self.text.len()
    }

    /// Whether it is this keyword.
    pub(crate) fn is(&self, keyword: &str) -> bool {
        self.kind == Kind::Word && self.text.eq_ignore_ascii_case(keyword)
    }

    /// Whether it is this character.
    pub(crate) fn is_symbol(&self, symbol: char) -> bool {
        self.kind == Kind::Symbol && self.text.starts_with(symbol)
    }

    /// What it stands for: names folded to lower case, quotes and escapes taken off.
    pub(crate) fn value(&self) -> String {
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

/// The tokens of a text without its comments, in order. They end early where a string, a name or a comment is left open, and
/// when nobody waits for them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tokens<'a> {
    sql: &'a str,
    at: usize,
}

impl<'a> Tokens<'a> {
    /// The tokens of a text.
    pub(crate) fn of(sql: &'a str) -> Self {
        Self { sql, at: 0 }
    }

    /// The next token, blank or comment and its length in bytes; `None` at the end, and where something is left open.
    fn step(&mut self) -> Option<(Option<Kind>, &'a str)> {
        let rest = self.sql.get(self.at..).filter(|rest| !rest.is_empty() && !work::is_over())?;
        let (kind, length) = next(rest)?;
        self.at += length;
        Some((kind, rest.get(..length)?))
    }

    /// How many of `most` and one more tokens, blanks and comments there are; `None` when they end early.
    pub(crate) fn count_up_to(mut self, most: usize) -> Option<usize> {
        let count = std::iter::from_fn(|| self.step()).take(most.saturating_add(1)).count();
        (count > most || self.at >= self.sql.len()).then_some(count)
    }
}

/// Bytes of each token in the tree of a statement and in its plans, about: 250 in lists of constants, 800 in expressions.
const TREE_BYTES: usize = 512;

/// Bytes that a statement takes as long as it is kept with its tree and its plan, about.
pub(crate) fn kept_bytes(sql: &str) -> usize {
    let tokens = Tokens::of(sql).count();
    sql.len().saturating_add(tokens.saturating_mul(TREE_BYTES))
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        loop {
            let start = self.at;
            if let (Some(kind), text) = self.step()? {
                return Some(Token { kind, text, start });
            }
        }
    }
}

/// Kind and length in bytes of what `rest` begins with; no kind for white space and comments.
fn next(rest: &str) -> Option<(Option<Kind>, usize)> {
    let first = rest.chars().next()?;
    if first.is_whitespace() {
        return Some((None, first.len_utf8()));
    }
    if rest.starts_with("--") {
        return Some((None, rest.find(['\n', '\r']).unwrap_or(rest.len())));
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

/// `$1`, `$tag$...$tag$`, or a lone `$`. A tag that begins with a digit, which the grammar refuses, is one here too.
fn dollar(rest: &str) -> Option<(Option<Kind>, usize)> {
    let tail = rest.get(1..)?;
    let tag = tail.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(tail.len());
    if !tail.get(tag..).is_some_and(|tail| tail.starts_with('$')) {
        let digits = tail.find(|c: char| !c.is_ascii_digit()).unwrap_or(tail.len());
        return Some(if digits > 0 { (Some(Kind::Parameter), digits + 1) } else { (Some(Kind::Symbol), 1) });
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

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
    use datafusion::sql::sqlparser::tokenizer::Tokenizer;

    #[test]
    fn values_lose_their_quotes() {
        let value = |sql| Tokens::of(sql).next().map(|token| token.value()).unwrap();
        assert_eq!(value("'it''s'"), "it's");
        assert_eq!(value("E'a\\tb\\'c''d\\\\'"), "a\tb'c'd\\");
        assert_eq!(value("$tag$it's$tag$"), "it's");
        assert_eq!(value("\"Odd \"\" Name\""), "Odd \" Name");
        assert_eq!(value("NaMe"), "name");
    }

    #[test]
    fn parameters_and_numbers() {
        let kinds = |sql| Tokens::of(sql).map(|token| (token.kind, token.text)).collect::<Vec<_>>();
        assert_eq!(kinds("$12+1.5e-3"), [(Kind::Parameter, "$12"), (Kind::Symbol, "+"), (Kind::Number, "1.5e-3")]);
        assert_eq!(kinds("a$1"), [(Kind::Word, "a$1")]);
    }

    #[test]
    fn no_text_has_more_tokens_than_are_counted() {
        let beginnings = [
            "",
            "\"'\" ",
            "$$'$$ ",
            "--'\r",
            "-- '\n",
            "/* ' /* ' */ */",
            "E'\\'' ",
            "e'\\\\' ",
            "U&'\\0061''' ",
            "N'a''' ",
            "x'1f' ",
            "B'1' ",
            "$1 ' $1 ",
            "$tag$ ' $tag$ ",
            "$1x$ ' $1x$ ",
            "$a ' ",
            "$' ",
            "a$b$ ' ",
            "1e5'a'",
            "é$é$'$é$ ",
            "\"a\"\"'\" ",
            "'a' 'b' ",
            "\u{a0}'\u{a0}'",
            "`'` ",
            "[' ",
            "#' ",
            "\\' ",
            "@' ",
            "!' ",
            "?' ",
            "~' ",
            "&' ",
            "0x' ",
            "1_000' ",
            "'\\' ",
            "é'\\' ",
            "aE'\\' ",
        ];
        for (beginning, end) in beginnings.iter().flat_map(|one| [(one, ""), (one, "'"), (one, "$1x$")]) {
            let sql = format!("SELECT {beginning}{}{end}", "+1 ".repeat(100));
            let made = Tokenizer::new(&PostgreSqlDialect {}, &sql).tokenize_with_location();
            if let (Ok(made), Some(counted)) = (made, Tokens::of(&sql).count_up_to(usize::MAX)) {
                assert!(made.len() <= counted, "{sql}: {} of {counted}", made.len());
            }
        }
        assert_eq!(Tokens::of("SELECT 'a").count_up_to(10), None);
        assert_eq!(Tokens::of("+ + + + '").count_up_to(3), Some(4));
        assert_eq!(Tokens::of("a b").count_up_to(3), Some(3));
    }
}
