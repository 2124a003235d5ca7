//! A pattern of `to_char` and `to_number` for numbers, in its parts: places for digits, points, signs
//! and text.

use crate::error::{ErrorKind, QueryError};

/// One part of a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// `9`, a digit or nothing.
    Nine,
    /// `0`, a digit or a zero.
    Zero,
    /// `.` or `D`, the decimal point.
    Point,
    /// `,` or `G`, between groups of digits.
    Group,
    /// `L`, the currency, which the locale `C` writes as a blank.
    Currency,
    /// `MI`, a minus for negative numbers.
    Minus,
    /// `PL`, a plus for positive numbers.
    Plus,
    /// `SG`, either sign.
    Sign,
    /// `RN` or `rn`, Roman numerals.
    Roman(Case),
    /// `TH` or `th`, the ending of an ordinal number.
    Ordinal(Case),
    /// What changes the pattern as a whole, and has no place of its own.
    Mark,
    /// A letter that stands for itself.
    Letter(char),
}

/// Upper or lower case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Case {
    /// As in `TH`.
    Upper,
    /// As in `th`.
    Lower,
}

/// Where the sign of `S` stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Anchor {
    /// Before the first digit.
    Before,
    /// Behind the last digit.
    Behind,
}

/// What a pattern asks for as a whole.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pattern {
    /// Its parts in order.
    pub(crate) parts: Vec<Part>,
    /// Places before the point.
    pub(crate) before: usize,
    /// Places behind the point.
    pub(crate) behind: usize,
    /// Places behind `V`, by which a number is multiplied.
    pub(crate) shifted: usize,
    /// The first `0` among the places before the point, from 1.
    pub(crate) zero_from: Option<usize>,
    /// Places up to the last `0`.
    pub(crate) zero_to: usize,
    /// `S`, and where its sign stands.
    pub(crate) anchor: Option<Anchor>,
    /// Places before `S`.
    pub(crate) before_anchor: usize,
    /// `.` or `D`.
    pub(crate) point: bool,
    /// `FM`: no blanks and no zeros that fill.
    pub(crate) bare: bool,
    /// `V`.
    pub(crate) shifts: bool,
    /// `PR`: negative numbers in angle brackets.
    pub(crate) brackets: bool,
    /// `MI` or `SG`.
    pub(crate) minus: bool,
    /// `PL` or `SG`.
    pub(crate) plus: bool,
    /// `RN`.
    pub(crate) roman: bool,
    /// `EEEE`: with an exponent.
    pub(crate) exponent: bool,
    /// `B` before any place.
    pub(crate) blank: bool,
}

/// The words of patterns, with those first that begin with another.
const WORDS: &[&str] =
    &[",", ".", "0", "9", "B", "C", "D", "EEEE", "FM", "G", "L", "MI", "PL", "PR", "RN", "SG", "SP", "S", "TH", "V"];

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// A syntax error (SQLSTATE 42601) where parts exclude each other.
    pub(crate) fn read(text: &str) -> Result<Self, QueryError> {
        let mut pattern = Self::default();
        let mut rest = text;
        while let Some(letter) = rest.chars().next() {
            if let Some(inside) = rest.strip_prefix('"') {
                rest = pattern.quoted(inside);
                continue;
            }
            let word = WORDS
                .iter()
                .find(|word| rest.starts_with(**word) || rest.starts_with(word.to_ascii_lowercase().as_str()));
            if let Some(word) = word {
                let lower = word.chars().any(char::is_alphabetic) && !rest.starts_with(*word);
                pattern.word(word, if lower { Case::Lower } else { Case::Upper })?;
                rest = &rest[word.len()..];
                continue;
            }
            let literal = if letter == '\\' && rest[1..].starts_with('"') { '"' } else { letter };
            pattern.parts.push(Part::Letter(literal));
            rest = &rest[if literal == letter { letter.len_utf8() } else { 2 }..];
        }
        Ok(pattern)
    }

    /// Takes in the letters of a quoted text, up to its closing quote; gives what is behind.
    fn quoted<'a>(&mut self, inside: &'a str) -> &'a str {
        let mut letters = inside.char_indices();
        while let Some((at, letter)) = letters.next() {
            match letter {
                '"' => return &inside[at + 1..],
                '\\' => {
                    let letter = letters.next().map_or('\\', |(_, letter)| letter);
                    self.parts.push(Part::Letter(letter));
                }
                letter => self.parts.push(Part::Letter(letter)),
            }
        }
        ""
    }

    /// Takes in one word.
    fn word(&mut self, word: &str, case: Case) -> Result<(), QueryError> {
        let refused = |message: &str| Err(QueryError::new(ErrorKind::Syntax, message));
        if self.exponent && word != "EEEE" {
            return refused("\"EEEE\" must be the last pattern used");
        }
        let part = match word {
            "9" | "0" if self.brackets => return refused(&format!("\"{word}\" must be ahead of \"PR\"")),
            "9" if self.shifts => {
                self.shifted += 1;
                Part::Nine
            }
            "9" => {
                *(if self.point { &mut self.behind } else { &mut self.before }) += 1;
                Part::Nine
            }
            "0" => {
                if self.zero_from.is_none() && !self.point {
                    self.zero_from = Some(self.before + 1);
                }
                *(if self.point { &mut self.behind } else { &mut self.before }) += 1;
                self.zero_to = self.before + self.behind;
                Part::Zero
            }
            "B" => {
                self.blank |= self.before == 0 && self.behind == 0 && self.zero_from.is_none();
                Part::Mark
            }
            "." | "D" if self.point => return refused("multiple decimal points"),
            "." | "D" if self.shifts => return refused("cannot use \"V\" and decimal point together"),
            "." | "D" => {
                self.point = true;
                Part::Point
            }
            "FM" => {
                self.bare = true;
                Part::Mark
            }
            "S" if self.anchor.is_some() => return refused("cannot use \"S\" twice"),
            "S" if self.plus || self.minus || self.brackets => {
                return refused("cannot use \"S\" and \"PL\"/\"MI\"/\"SG\"/\"PR\" together");
            }
            "S" => {
                self.anchor = Some(if self.point { Anchor::Behind } else { Anchor::Before });
                self.before_anchor = self.before;
                Part::Mark
            }
            "MI" | "PL" | "SG" if self.anchor.is_some() => {
                return refused(&format!("cannot use \"S\" and \"{word}\" together"));
            }
            "MI" => {
                self.minus = true;
                Part::Minus
            }
            "PL" => {
                self.plus = true;
                Part::Plus
            }
            "SG" => {
                (self.plus, self.minus) = (true, true);
                Part::Sign
            }
            "PR" if self.anchor.is_some() || self.plus || self.minus => {
                return refused("cannot use \"PR\" and \"S\"/\"PL\"/\"MI\"/\"SG\" together");
            }
            "PR" => {
                self.brackets = true;
                Part::Mark
            }
            "RN" => {
                self.roman = true;
                Part::Roman(case)
            }
            "V" if self.point => return refused("cannot use \"V\" and decimal point together"),
            "V" => {
                self.shifts = true;
                Part::Mark
            }
            "EEEE" if self.exponent => return refused("cannot use \"EEEE\" twice"),
            "EEEE" if self.is_special() => return refused("\"EEEE\" is incompatible with other formats"),
            "EEEE" => {
                self.exponent = true;
                Part::Mark
            }
            "," | "G" => Part::Group,
            "L" => Part::Currency,
            "TH" => Part::Ordinal(case),
            _ => Part::Mark,
        };
        self.parts.push(part);
        Ok(())
    }

    /// Whether it has what an exponent does not go with.
    fn is_special(&self) -> bool {
        self.blank
            || self.bare
            || self.anchor.is_some()
            || self.brackets
            || self.minus
            || self.plus
            || self.roman
            || self.shifts
    }
}
