//! Statements of a longer text, and a reader of one statement's tokens for the commands that are about the session
//! rather than the data. The grammar of queries is the engine's.

use super::error::Failure;
use crate::dialect::parse::identifier::cut_name;
pub(super) use crate::dialect::parse::lexer::{Kind, Token, Tokens};

/// One statement of a longer text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Piece<'a> {
    pub(super) sql: &'a str,
    /// Characters of the whole text before it.
    pub(super) offset: usize,
}

/// The statements of a text, cut at the semicolons between them; empty ones are passed over. A text that does not read
/// as tokens is one piece, which the engine will refuse with its own words.
#[derive(Debug, Clone)]
pub(super) struct Pieces<'a> {
    sql: &'a str,
    /// `None` for a text that does not read as tokens.
    tokens: Option<Tokens<'a>>,
    /// Bytes and characters up to the end of the last piece.
    end: usize,
    chars: usize,
}

impl<'a> Pieces<'a> {
    /// The statements of a text.
    pub(super) fn of(sql: &'a str) -> Self {
        let tokens = Tokens::of(sql);
        Self { sql, tokens: tokens.count_up_to(usize::MAX).map(|_| tokens), end: 0, chars: 0 }
    }
}

impl<'a> Iterator for Pieces<'a> {
    type Item = Piece<'a>;

    fn next(&mut self) -> Option<Piece<'a>> {
        let Some(tokens) = &mut self.tokens else {
            self.tokens = Some(Tokens::of(""));
            return Some(Piece { sql: self.sql, offset: 0 });
        };
        let first = tokens.find(|token| !token.is_symbol(';'))?;
        let within = tokens.take_while(|token| !token.is_symbol(';'));
        let end = within.last().map_or(first.end(), |last| last.end());
        let (before, sql) = (self.sql.get(self.end..first.start)?, self.sql.get(first.start..end)?);
        let offset = self.chars + before.chars().count();
        (self.end, self.chars) = (end, offset + sql.chars().count());
        Some(Piece { sql, offset })
    }
}

/// Tokens read one after the other.
pub(super) struct Reader<'a> {
    sql: &'a str,
    offset: usize,
    next: Option<Token<'a>>,
    /// Those behind the next.
    tokens: Tokens<'a>,
}

impl<'a> Reader<'a> {
    /// Reads a piece from its beginning. One that does not read as tokens has none here.
    pub(super) fn new(piece: Piece<'a>) -> Self {
        let whole = Tokens::of(piece.sql).count_up_to(usize::MAX).is_some();
        let mut tokens = Tokens::of(if whole { piece.sql } else { "" });
        Self { sql: piece.sql, offset: piece.offset, next: tokens.next(), tokens }
    }

    /// The next token, left where it is.
    pub(super) fn peek(&self) -> Option<Token<'a>> {
        self.next
    }

    /// Takes the next token, if there is one.
    pub(super) fn take(&mut self) -> Option<Token<'a>> {
        let next = self.next.take()?;
        self.next = self.tokens.next();
        Some(next)
    }

    /// Whether the next token is the last one.
    pub(super) fn at_last(&self) -> bool {
        self.next.is_some() && self.tokens.clone().next().is_none()
    }

    /// Takes the next token when it is what is wanted.
    fn take_if(&mut self, wanted: impl FnOnce(Token<'a>) -> bool) -> bool {
        let found = self.next.is_some_and(wanted);
        if found {
            self.take();
        }
        found
    }

    /// Takes the next token when it is this keyword.
    pub(super) fn keyword(&mut self, keyword: &str) -> bool {
        self.take_if(|token| token.is(keyword))
    }

    /// Takes the next token when it is this character.
    pub(super) fn symbol(&mut self, symbol: char) -> bool {
        self.take_if(|token| token.is_symbol(symbol))
    }

    /// Takes this keyword, whatever its case.
    pub(super) fn expect(&mut self, keyword: &str) -> Result<(), Failure> {
        if self.keyword(keyword) { Ok(()) } else { Err(self.unexpected()) }
    }

    /// Takes a name, folded to lower case unless it is quoted.
    pub(super) fn name(&mut self) -> Result<String, Failure> {
        match self.peek() {
            Some(token) if matches!(token.kind, Kind::Word | Kind::Quoted) => {
                self.take();
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
        let found: Vec<_> = Pieces::of(sql).map(|piece| (piece.sql, piece.offset)).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn statements_are_cut_at_their_semicolons_only() {
        check_pieces("", &[]);
        check_pieces(" ; -- nothing\n ;/* ; /* ; */ */", &[]);
        check_pieces("SELECT 1; SELECT ';' ;", &[("SELECT 1", 0), ("SELECT ';'", 10)]);
        check_pieces("SELECT $x$;$x$, $$;$$, E'\\';', \";\"", &[("SELECT $x$;$x$, $$;$$, E'\\';', \";\"", 0)]);
        check_pieces("SELECT 'é';SELECT 2", &[("SELECT 'é'", 0), ("SELECT 2", 11)]);
        check_pieces("SELECT 1 -- one\r;SELECT 2", &[("SELECT 1", 0), ("SELECT 2", 17)]);
    }

    #[test]
    fn what_is_left_open_is_one_piece() {
        for sql in ["SELECT 'a; SELECT 1", "/* ; ", "SELECT \"a;", "$$ ; ", "E'\\", "SELECT $a$ ; $b$"] {
            check_pieces(sql, &[(sql, 0)]);
        }
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
