//! The reader of JSON texts, as strict as PostgreSQL's.

use super::value::Value;

/// Levels of a value, at most: values are walked by recursion.
const DEPTH_MAX: usize = 500;

/// What is wrong with a JSON text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Invalid {
    /// It is none.
    Syntax,
    /// A text in it has a letter that no text can hold: a zero, or half of a pair.
    Letter,
    /// A number in it has no room in `numeric`.
    OutOfRange,
    /// It is nested too deeply.
    TooDeep,
}

/// Reads a text.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn parse(text: &str) -> Result<Value, Invalid> {
    let mut reader = Reader { rest: text, depth: 0, keep: true };
    reader.whole()
}

/// Checks a text as `json` keeps it. The letter `\u0000` passes, since it stays written so.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn check(text: &str) -> Result<(), Invalid> {
    let mut reader = Reader { rest: text, depth: 0, keep: false };
    reader.whole().map(|_| ())
}

struct Reader<'a> {
    rest: &'a str,
    depth: usize,
    /// Whether the value is wanted, or only whether it reads.
    keep: bool,
}

impl Reader<'_> {
    fn whole(&mut self) -> Result<Value, Invalid> {
        let value = self.value()?;
        match self.peek() {
            None => Ok(value),
            Some(_) => Err(Invalid::Syntax),
        }
    }

    /// The next byte that is not white space.
    fn peek(&mut self) -> Option<u8> {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\n', '\r']);
        self.rest.bytes().next()
    }

    fn skip(&mut self, bytes: usize) {
        self.rest = self.rest.get(bytes..).unwrap_or_default();
    }

    fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        if found {
            self.skip(1);
        }
        found
    }

    fn value(&mut self) -> Result<Value, Invalid> {
        match self.peek().ok_or(Invalid::Syntax)? {
            b'{' => self.nested(Self::object),
            b'[' => self.nested(Self::array),
            b'"' => self.text().map(Value::Text),
            b'-' | b'0'..=b'9' => self.number(),
            _ => {
                let word: &str = self
                    .rest
                    .split(|letter: char| !letter.is_alphanumeric() && letter != '_')
                    .next()
                    .unwrap_or_default();
                let value = match word {
                    "null" => Value::Null,
                    "true" => Value::Bool(true),
                    "false" => Value::Bool(false),
                    _ => return Err(Invalid::Syntax),
                };
                self.skip(word.len());
                Ok(value)
            }
        }
    }

    fn nested(&mut self, read: fn(&mut Self) -> Result<Value, Invalid>) -> Result<Value, Invalid> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(Invalid::TooDeep);
        }
        self.skip(1);
        let value = read(self)?;
        self.depth -= 1;
        Ok(value)
    }

    fn object(&mut self) -> Result<Value, Invalid> {
        let mut members = Vec::new();
        if self.eat(b'}') {
            return Ok(Value::Object(members));
        }
        loop {
            if self.peek() != Some(b'"') {
                return Err(Invalid::Syntax);
            }
            let name = self.text()?;
            if !self.eat(b':') {
                return Err(Invalid::Syntax);
            }
            let value = self.value()?;
            if self.keep {
                members.push((name, value));
            }
            if self.eat(b'}') {
                return Ok(Value::Object(members));
            }
            if !self.eat(b',') {
                return Err(Invalid::Syntax);
            }
        }
    }

    fn array(&mut self) -> Result<Value, Invalid> {
        let mut elements = Vec::new();
        if self.eat(b']') {
            return Ok(Value::Array(elements));
        }
        loop {
            let value = self.value()?;
            if self.keep {
                elements.push(value);
            }
            if self.eat(b']') {
                return Ok(Value::Array(elements));
            }
            if !self.eat(b',') {
                return Err(Invalid::Syntax);
            }
        }
    }

    fn number(&mut self) -> Result<Value, Invalid> {
        let bytes = self.rest.as_bytes();
        let digits = |mut at: usize| {
            let start = at;
            while bytes.get(at).is_some_and(u8::is_ascii_digit) {
                at += 1;
            }
            (at > start).then_some(at)
        };
        let mut at = usize::from(bytes.first() == Some(&b'-'));
        at = match bytes.get(at) {
            Some(b'0') => at + 1,
            _ => digits(at).ok_or(Invalid::Syntax)?,
        };
        if bytes.get(at) == Some(&b'.') {
            at = digits(at + 1).ok_or(Invalid::Syntax)?;
        }
        if matches!(bytes.get(at), Some(b'e' | b'E')) {
            let sign = usize::from(matches!(bytes.get(at + 1), Some(b'+' | b'-')));
            at = digits(at + 1 + sign).ok_or(Invalid::Syntax)?;
        }
        if bytes.get(at).is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_' || *byte >= 0x80) {
            return Err(Invalid::Syntax);
        }
        let written = self.rest.get(..at).unwrap_or_default().to_owned();
        self.skip(at);
        Ok(Value::Number(written))
    }

    fn text(&mut self) -> Result<String, Invalid> {
        self.skip(1);
        let mut text = String::new();
        loop {
            let end =
                self.rest.find(|letter: char| matches!(letter, '"' | '\\') || letter < ' ').ok_or(Invalid::Syntax)?;
            let (plain, rest) = self.rest.split_at(end);
            text.push_str(plain);
            let mut letters = rest.chars();
            match letters.next() {
                Some('"') => {
                    self.rest = letters.as_str();
                    return Ok(text);
                }
                Some('\\') => {}
                _ => return Err(Invalid::Syntax),
            }
            let escaped = letters.next().ok_or(Invalid::Syntax)?;
            self.rest = letters.as_str();
            text.push(match escaped {
                '"' | '\\' | '/' => escaped,
                'b' => '\u{8}',
                'f' => '\u{c}',
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                'u' => self.letter()?,
                _ => return Err(Invalid::Syntax),
            });
        }
    }

    /// The letter behind `\u`, of one or two numbers.
    fn letter(&mut self) -> Result<char, Invalid> {
        let first = self.four_digits()?;
        if !self.keep {
            // Halves of pairs stay written as they are.
            return Ok(' ');
        }
        let code = match first {
            0xd800..=0xdbff => {
                if !self.rest.starts_with("\\u") {
                    return Err(Invalid::Syntax);
                }
                self.skip(2);
                let second = self.four_digits()?;
                if !(0xdc00..=0xdfff).contains(&second) {
                    return Err(Invalid::Syntax);
                }
                0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00)
            }
            code => code,
        };
        char::from_u32(code).ok_or(Invalid::Syntax)
    }

    fn four_digits(&mut self) -> Result<u32, Invalid> {
        let digits = self.rest.get(..4).filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        let code = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok()).ok_or(Invalid::Syntax)?;
        self.skip(4);
        Ok(code)
    }
}
