//! `to_number(text, pattern)` reads numbers by the patterns of `to_char`.

use super::define::{Context, Definition, Returns, null, stable, text};
use super::number_pattern::{Anchor, Part, Pattern};
use super::section::Section;
use crate::error::{ErrorKind, QueryError};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{Result, ScalarValue};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::Volatility;

/// The definition of `to_number`.
pub(crate) const FUNCTIONS: &[Definition] = &[Definition {
    volatility: Volatility::Immutable,
    ..stable(
        "to_number",
        "A text as a number, by a pattern of digits, points and signs.",
        &[2],
        Returns::From(|_| DataType::Decimal256(76, 38)),
        to_number,
    )
    .about(Section::Numeric)
}];

/// The number of one text; NULL of NULL and of an empty pattern.
fn to_number(_: &Context<'_>, values: &[ScalarValue]) -> Result<ScalarValue> {
    let (Some(given), Some(pattern)) = (text(values, 0), text(values, 1)) else { return Ok(null()) };
    if pattern.is_empty() {
        return Ok(null());
    }
    let external = |error: QueryError| DataFusionError::External(Box::new(error));
    let read = read(&given, &pattern).map_err(external)?;
    let number = ScalarValue::from(read.as_str()).cast_to(&DataType::Decimal256(76, 38));
    number.map_err(|_| external(QueryError::new(ErrorKind::OutOfRange, "value overflows numeric format")))
}

/// The text of the number, with its sign and its point.
fn read(given: &str, pattern: &str) -> std::result::Result<String, QueryError> {
    let pattern = Pattern::read(pattern)?;
    let refused = |message: &str| Err(QueryError::new(ErrorKind::NotSupported, message));
    if pattern.exponent {
        return refused("\"EEEE\" not supported for input");
    }
    if pattern.roman {
        return refused("\"RN\" not supported for input");
    }
    let shifted = pattern.shifted;
    let room = pattern.before + shifted;
    let mut reader = Reader {
        pattern,
        letters: given.chars().collect(),
        at: 0,
        sign: None,
        digits: String::new(),
        before: 0,
        behind: 0,
        point: false,
    };
    reader.read();
    let mut digits = reader.digits;
    if digits.is_empty() || digits == "." {
        return Err(QueryError::new(ErrorKind::InvalidText, "invalid input syntax for type numeric: \" \""));
    }
    let whole = digits.split('.').next().unwrap_or_default().trim_start_matches('0').len();
    if whole > room {
        return Err(QueryError::new(ErrorKind::OutOfRange, "numeric field overflow"));
    }
    if shifted > 0 {
        // A pattern with V has no point.
        let padded = format!("{digits:0>width$}", width = shifted + 1);
        let (before, behind) = padded.split_at(padded.len() - shifted);
        digits = format!("{before}.{behind}");
    }
    let negative = reader.sign == Some('-');
    Ok(if negative { format!("-{digits}") } else { digits })
}

/// A text while it is read by a pattern.
struct Reader {
    pattern: Pattern,
    letters: Vec<char>,
    at: usize,
    sign: Option<char>,
    digits: String,
    before: usize,
    behind: usize,
    point: bool,
}

impl Reader {
    /// Reads by each part of the pattern, as long as there is text.
    fn read(&mut self) {
        for part in std::mem::take(&mut self.pattern.parts) {
            let Some(letter) = self.next() else { return };
            match part {
                Part::Nine | Part::Zero | Part::Point => {
                    self.place(part != Part::Point);
                    self.at += 1;
                }
                Part::Group if letter == ',' => self.at += 1,
                Part::Currency | Part::Minus | Part::Plus | Part::Sign => self.skip(1),
                Part::Ordinal(_) => self.skip(2),
                Part::Letter(_) => self.at += 1,
                Part::Group | Part::Roman(_) | Part::Mark => {}
            }
        }
    }

    /// The letter that comes next.
    fn next(&self) -> Option<char> {
        self.letters.get(self.at).copied()
    }

    /// Passes over so many letters that no number has.
    fn skip(&mut self, count: usize) {
        for _ in 0..count {
            match self.next() {
                Some(letter) if !"0123456789.,+-".contains(letter) => self.at += 1,
                _ => return,
            }
        }
    }

    /// Reads one place: a sign before the first digit, then a digit or a point, then a sign behind the
    /// last digit.
    fn place(&mut self, digit: bool) {
        if self.next() == Some(' ') {
            self.at += 1;
        }
        if self.sign.is_none() && digit && self.before + self.behind == 0 {
            match self.next() {
                Some('-') => self.signed('-'),
                Some('+') => self.signed('+'),
                Some('<') if self.pattern.brackets && self.pattern.anchor.is_none() => self.signed('-'),
                _ => {}
            }
        }
        let mut found = false;
        match self.next() {
            None => return,
            Some(letter) if letter.is_ascii_digit() => {
                if self.point && self.behind == self.pattern.behind {
                    return;
                }
                self.digits.push(letter);
                *(if self.point { &mut self.behind } else { &mut self.before }) += 1;
                found = true;
            }
            Some('.') if self.pattern.point && !self.point => {
                self.digits.push('.');
                self.point = true;
                found = true;
            }
            Some(_) => {}
        }
        if self.sign.is_some() || self.before + self.behind == 0 {
            return;
        }
        let following = self.letters.get(self.at + 1).copied();
        if self.pattern.anchor.is_some() {
            if found && let Some(sign @ ('-' | '+')) = following {
                self.sign = Some(sign);
                self.at += 1;
            }
        } else if !found
            && (self.pattern.plus || self.pattern.minus)
            && let Some(sign @ ('-' | '+')) = self.next()
        {
            self.sign = Some(sign);
        }
    }

    /// Takes a sign before the first digit; that of `S` only where `S` stands there.
    fn signed(&mut self, sign: char) {
        if self.pattern.anchor == Some(Anchor::Behind) {
            return;
        }
        self.sign = Some(sign);
        self.at += 1;
    }
}
