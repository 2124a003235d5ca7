//! PostgreSQL's advanced regular expressions: what matches, how much of it, and what its groups hold.
//!
//! PostgreSQL takes the leftmost match, and of those that begin there the longest, or the shortest when
//! the first quantifier is not greedy; parts of the expression share it out by the same rule from left
//! to right. Other engines take the first alternative that leads to a match, so that `foo|foobar` finds
//! less. [`parse`] reads an expression to a tree, [`automaton`] finds where a part can end in time that
//! grows with the text, [`dissect`] shares a match out among the groups, and [`translate`] says the
//! expression to the crate `regex`, which tells quickly whether and where a match begins.

mod automaton;
mod class;
mod dissect;
mod found;
mod options;
mod parse;
mod read;
mod similar;
mod translate;
mod tree;

use automaton::{Automata, Subject};
pub(crate) use automaton::{Fuel, TooComplex};
pub(crate) use found::{Invalid, Match};
pub(crate) use options::WrongFlag;
pub(crate) use options::{Flags, Options};
pub(crate) use similar::{WrongPattern, from_similar};
use std::fmt;
use std::ops::Range;

/// A compiled expression.
pub(crate) struct Regexp {
    automata: Automata,
    /// The same expression for the crate `regex`, where it can say it: it tells where a match begins.
    quick: Option<regex::Regex>,
}

impl fmt::Debug for Regexp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Regexp")
    }
}

/// A text as the expression walks it: its letters, and where each begins among its bytes.
pub(crate) struct Text<'a> {
    text: &'a str,
    letters: Vec<char>,
    /// Byte offsets of the letters and of the end; empty when every letter is one byte.
    offsets: Vec<usize>,
}

impl<'a> Text<'a> {
    /// Takes a text apart.
    pub(crate) fn new(text: &'a str) -> Self {
        let letters: Vec<char> = text.chars().collect();
        let offsets = if letters.len() == text.len() {
            Vec::new()
        } else {
            text.char_indices().map(|(at, _)| at).chain([text.len()]).collect()
        };
        Self { text, letters, offsets }
    }

    /// How many letters there are.
    pub(crate) fn len(&self) -> usize {
        self.letters.len()
    }

    /// The part at a place.
    pub(crate) fn part(&self, place: Range<usize>) -> &'a str {
        self.text.get(self.byte(place.start)..self.byte(place.end)).unwrap_or_default()
    }

    /// The byte at which a letter begins.
    fn byte(&self, letter: usize) -> usize {
        if self.offsets.is_empty() { letter } else { self.offsets.get(letter).copied().unwrap_or(self.text.len()) }
    }

    /// The letter that begins at a byte.
    fn letter(&self, byte: usize) -> usize {
        if self.offsets.is_empty() { byte } else { self.offsets.partition_point(|at| *at < byte) }
    }
}

impl Regexp {
    /// Reads and compiles an expression.
    ///
    /// # Errors
    /// PostgreSQL's reason why it does not read.
    pub(crate) fn new(pattern: &str, options: Options) -> Result<Self, Invalid> {
        let tree = parse::parse(pattern, options)?;
        let quick = translate::translate(&tree)
            .and_then(|text| regex::RegexBuilder::new(&text).size_limit(translate::SIZE_MAX).build().ok());
        Ok(Self { automata: Automata::new(tree)?, quick })
    }

    /// Whether any part of a text matches.
    ///
    /// # Errors
    /// When there is no fuel left.
    pub(crate) fn is_match(&self, text: &str, fuel: &Fuel) -> Result<bool, TooComplex> {
        match &self.quick {
            Some(quick) => Ok(quick.is_match(text)),
            None => Ok(self.find(&Text::new(text), 0, fuel)?.is_some()),
        }
    }

    /// The first match that begins at a letter or behind it; what stands before is seen by `^` and its
    /// like.
    ///
    /// # Errors
    /// When there is no fuel left.
    pub(crate) fn find(&self, text: &Text<'_>, from: usize, fuel: &Fuel) -> Result<Option<Match>, TooComplex> {
        let subject = Subject::new(&text.letters, fuel);
        let mut from = from;
        while from <= text.len() {
            let start = match &self.quick {
                Some(quick) => quick.find_at(text.text, text.byte(from)).map(|found| text.letter(found.start())),
                None => self.automata.leftmost(&subject, from)?,
            };
            let Some(start) = start else { return Ok(None) };
            if let Some(found) = dissect::at(&self.automata, &subject, start)? {
                return Ok(Some(found));
            }
            from = start + 1;
        }
        Ok(None)
    }
}
