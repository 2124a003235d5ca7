//! The letters of an expression as they are read one after the other: escapes, brackets, numbers.

use super::class::{Class, Set};
use super::found::Invalid;
use super::options::Options;
use super::tree::Assertion;

/// The most a bound such as `{255}` may ask for.
const BOUND_MAX: u32 = 255;
const BAD_BRACKET: Invalid = Invalid("brackets [] not balanced");
const BAD_ESCAPE: Invalid = Invalid("invalid escape \\ sequence");
const BAD_RANGE: Invalid = Invalid("invalid character range");
const BAD_CLASS: Invalid = Invalid("invalid character class");
const BAD_COLLATING: Invalid = Invalid("invalid collating element");
const BAD_BOUND: Invalid = Invalid("invalid repetition count(s)");

/// What an escape stands for.
pub(super) enum Escape {
    Letter(char),
    Class(Class, bool),
    Assert(Assertion),
    Again(usize),
}

/// What is read of an expression, and how far.
pub(super) struct Reader {
    /// All its letters.
    pub(super) letters: Vec<char>,
    /// The place of the next.
    pub(super) at: usize,
    /// How they are read.
    pub(super) options: Options,
}

impl Reader {
    pub(super) fn peek(&self) -> Option<char> {
        self.letters.get(self.at).copied()
    }

    pub(super) fn eat(&mut self, letter: char) -> bool {
        let found = self.peek() == Some(letter);
        self.at += usize::from(found);
        found
    }

    pub(super) fn eat_all(&mut self, text: &str) -> bool {
        let found = text.chars().enumerate().all(|(index, letter)| self.letters.get(self.at + index) == Some(&letter));
        if found {
            self.at += text.chars().count();
        }
        found
    }

    /// Passes over comments, and over white space where it is none of the pattern.
    pub(super) fn skip(&mut self) {
        loop {
            if self.options.expanded {
                while self.peek().is_some_and(|letter| Class::Space.has(letter)) {
                    self.at += 1;
                }
                if self.peek() == Some('#') {
                    while self.peek().is_some_and(|letter| letter != '\n') {
                        self.at += 1;
                    }
                    continue;
                }
            }
            if !self.eat_all("(?#") {
                return;
            }
            while self.peek().is_some_and(|letter| letter != ')') {
                self.at += 1;
            }
            self.at += usize::from(self.peek().is_some());
        }
    }

    pub(super) fn number(&mut self) -> Result<u32, Invalid> {
        let mut number = 0;
        while let Some(digit) = self.peek().and_then(|letter| letter.to_digit(10)) {
            number = number * 10 + digit;
            if number > BOUND_MAX {
                return Err(BAD_BOUND);
            }
            self.at += 1;
        }
        Ok(number)
    }

    /// What stands behind a backslash.
    pub(super) fn escape(&mut self, groups: usize) -> Result<Escape, Invalid> {
        let Some(letter) = self.peek() else { return Err(BAD_ESCAPE) };
        self.at += 1;
        Ok(match letter {
            'a' => Escape::Letter('\u{7}'),
            'A' => Escape::Assert(Assertion::TextStart),
            'b' => Escape::Letter('\u{8}'),
            'B' => Escape::Letter('\\'),
            'c' => {
                let control = self.peek().ok_or(BAD_ESCAPE)?;
                self.at += 1;
                Escape::Letter(char::from_u32(u32::from(control) & 0x1f).ok_or(BAD_ESCAPE)?)
            }
            'd' => Escape::Class(Class::Digit, false),
            'D' => Escape::Class(Class::Digit, true),
            'e' => Escape::Letter('\u{1b}'),
            'f' => Escape::Letter('\u{c}'),
            'm' => Escape::Assert(Assertion::WordStart),
            'M' => Escape::Assert(Assertion::WordEnd),
            'n' => Escape::Letter('\n'),
            'r' => Escape::Letter('\r'),
            's' => Escape::Class(Class::Space, false),
            'S' => Escape::Class(Class::Space, true),
            't' => Escape::Letter('\t'),
            'u' => Escape::Letter(self.code(16, 4, 4)?),
            'U' => Escape::Letter(self.code(16, 8, 8)?),
            'v' => Escape::Letter('\u{b}'),
            'w' => Escape::Class(Class::Word, false),
            'W' => Escape::Class(Class::Word, true),
            'x' => Escape::Letter(self.code(16, 1, 255)?),
            'y' => Escape::Assert(Assertion::WordEdge),
            'Y' => Escape::Assert(Assertion::NoWordEdge),
            'Z' => Escape::Assert(Assertion::TextEnd),
            '1'..='9' => {
                let start = self.at - 1;
                let digits = self.letters.iter().skip(start).take_while(|letter| letter.is_ascii_digit());
                let digits: String = digits.collect();
                let number = digits.parse::<usize>().unwrap_or(usize::MAX);
                if digits.len() == 1 || number <= groups {
                    self.at = start + digits.len();
                    Escape::Again(number)
                } else {
                    self.at = start;
                    Escape::Letter(self.octal()?)
                }
            }
            '0' => {
                self.at -= 1;
                Escape::Letter(self.octal()?)
            }
            other if other.is_alphanumeric() => return Err(BAD_ESCAPE),
            other => Escape::Letter(other),
        })
    }

    /// Up to three octal digits, of which two are taken when three are too many for a byte.
    fn octal(&mut self) -> Result<char, Invalid> {
        let start = self.at;
        let code = self.code(8, 1, 3)?;
        if u32::from(code) > 0xff {
            self.at = start;
            return self.code(8, 1, 2);
        }
        Ok(code)
    }

    /// A letter by its number.
    fn code(&mut self, radix: u32, least: usize, most: usize) -> Result<char, Invalid> {
        let (mut code, mut count) = (0_u32, 0);
        while count < most
            && let Some(digit) = self.peek().and_then(|letter| letter.to_digit(radix))
        {
            code = code.checked_mul(radix).and_then(|code| code.checked_add(digit)).ok_or(BAD_ESCAPE)?;
            self.at += 1;
            count += 1;
        }
        if count < least {
            return Err(BAD_ESCAPE);
        }
        char::from_u32(code).ok_or(BAD_ESCAPE)
    }

    /// A set in brackets, behind `[`.
    pub(super) fn bracket(&mut self) -> Result<Set, Invalid> {
        let mut set = Set { negated: self.eat('^'), ..Set::default() };
        set.no_newline = set.negated && self.options.newline_stops;
        let mut first = true;
        loop {
            let Some(letter) = self.peek() else { return Err(BAD_BRACKET) };
            if letter == ']' && !first {
                self.at += 1;
                return Ok(set);
            }
            let from = match letter {
                '-' if !first && self.letters.get(self.at + 1) != Some(&']') => return Err(BAD_RANGE),
                '[' if self.letters.get(self.at + 1) == Some(&':') => {
                    let name = self.named(':')?;
                    set.classes.push((Class::named(&name, self.options).ok_or(BAD_CLASS)?, false));
                    None
                }
                '[' if self.letters.get(self.at + 1) == Some(&'=') => {
                    let element = single(&self.named('=')?)?;
                    set.add(element, element, self.options);
                    None
                }
                _ => self.bracket_letter(&mut set)?,
            };
            first = false;
            let Some(from) = from else { continue };
            let range = self.peek() == Some('-') && self.letters.get(self.at + 1).is_some_and(|next| *next != ']');
            if !range {
                set.add(from, from, self.options);
                continue;
            }
            self.at += 1;
            let to = self.bracket_letter(&mut set)?.ok_or(BAD_RANGE)?;
            if from > to {
                return Err(BAD_RANGE);
            }
            set.add(from, to, self.options);
        }
    }

    /// One letter in brackets; `None` for an escape that adds a class to the set.
    fn bracket_letter(&mut self, set: &mut Set) -> Result<Option<char>, Invalid> {
        let Some(letter) = self.peek() else { return Err(BAD_BRACKET) };
        if letter == '[' && self.letters.get(self.at + 1) == Some(&'.') {
            return single(&self.named('.')?).map(Some);
        }
        self.at += 1;
        if letter != '\\' {
            return Ok(Some(letter));
        }
        match self.escape(0)? {
            Escape::Letter(letter) => Ok(Some(letter)),
            Escape::Class(class, negated) => {
                set.classes.push((class, negated));
                Ok(None)
            }
            Escape::Assert(_) | Escape::Again(_) => Err(BAD_ESCAPE),
        }
    }

    /// The name in `[:name:]` and its like.
    fn named(&mut self, mark: char) -> Result<String, Invalid> {
        self.at += 2;
        let start = self.at;
        while let Some(letter) = self.peek() {
            if letter == mark && self.letters.get(self.at + 1) == Some(&']') {
                let name = self.letters.get(start..self.at).unwrap_or_default().iter().collect();
                self.at += 2;
                return Ok(name);
            }
            self.at += 1;
        }
        Err(BAD_BRACKET)
    }
}

/// The one letter of a collating element.
fn single(name: &str) -> Result<char, Invalid> {
    let mut letters = name.chars();
    match (letters.next(), letters.next()) {
        (Some(letter), None) => Ok(letter),
        _ => Err(BAD_COLLATING),
    }
}
