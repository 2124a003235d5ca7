//! One line of a MetaStock text file: splitting it into fields, reading the single field. No knowledge of layouts.

/// What stands between two fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Separator {
    Comma,
    Semicolon,
    Tab,
    /// One or more blanks or tabs.
    Blank,
}

/// Why a file cannot be read, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LineError {
    /// Line number from 1; `None` when the whole file is meant.
    pub(super) line: Option<u64>,
    /// Why, in one clear sentence.
    pub(super) reason: String,
}

impl LineError {
    pub(super) fn at(line: u64, reason: impl Into<String>) -> Self {
        Self { line: Some(line), reason: reason.into() }
    }

    pub(super) fn whole(reason: impl Into<String>) -> Self {
        Self { line: None, reason: reason.into() }
    }
}

/// The lines of a text that hold something, numbered from 1, without line ends and outer blanks.
pub(super) struct Lines<'a> {
    rest: Option<&'a [u8]>,
    number: u64,
}

impl<'a> Lines<'a> {
    pub(super) fn new(text: &'a [u8]) -> Self {
        Self { rest: Some(text), number: 0 }
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = (u64, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let rest = self.rest?;
            let line = match rest.iter().position(|&byte| byte == b'\n') {
                Some(end) => {
                    let (line, tail) = rest.split_at(end);
                    self.rest = tail.get(1..);
                    line
                }
                None => {
                    self.rest = None;
                    rest
                }
            };
            self.number += 1;
            // Tabs separate, so only blanks and carriage returns are trimmed.
            let line = trim(line, |byte| matches!(byte, b' ' | b'\r'));
            if !line.iter().all(u8::is_ascii_whitespace) {
                return Some((self.number, line));
            }
        }
    }
}

/// The fields of a line, without quotes and outer blanks.
pub(super) fn fields(line: &[u8], separator: Separator) -> Fields<'_> {
    Fields { rest: Some(line), separator }
}

/// The fields of one line; see [`fields`].
pub(super) struct Fields<'a> {
    rest: Option<&'a [u8]>,
    separator: Separator,
}

impl<'a> Iterator for Fields<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let mut rest = self.rest?;
        if self.separator == Separator::Blank {
            rest = rest.trim_ascii_start();
            if rest.is_empty() {
                self.rest = None;
                return None;
            }
        }
        let quote = rest.first() == Some(&b'"');
        let skipped = if quote {
            // A quote that never closes is a field to the end of the line.
            rest.iter().skip(1).position(|&byte| byte == b'"').map_or(rest.len(), |end| end + 2)
        } else {
            0
        };
        let separates: fn(u8) -> bool = match self.separator {
            Separator::Comma => |byte| byte == b',',
            Separator::Semicolon => |byte| byte == b';',
            Separator::Tab => |byte| byte == b'\t',
            Separator::Blank => |byte| byte.is_ascii_whitespace(),
        };
        let end = rest.iter().skip(skipped).position(|&byte| separates(byte)).map(|end| end + skipped);
        let (field, tail) = match end {
            Some(end) => (rest.get(..end).unwrap_or_default(), rest.get(end + 1..)),
            None => (rest, None),
        };
        self.rest = tail;
        Some(trim(field, |byte| byte == b'"' || byte.is_ascii_whitespace()))
    }
}

fn trim(mut field: &[u8], unwanted: impl Fn(u8) -> bool) -> &[u8] {
    while let [first, rest @ ..] = field
        && unwanted(*first)
    {
        field = rest;
    }
    while let [rest @ .., last] = field
        && unwanted(*last)
    {
        field = rest;
    }
    field
}

/// What a row covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Period {
    /// One trading session per row.
    Day,
    /// Less or more than one session; the letter, or `I` for minutes.
    Other(char),
}

/// `D`, `W`, `M`, `Q`, `Y`, `I`, a number of minutes (a day has 1440), or one with its unit: `15m`, `5 min`, `1h`, `1D`.
pub(super) fn period(field: &[u8]) -> Option<Period> {
    match field {
        [b'D' | b'd'] | b"1440" => return Some(Period::Day),
        [letter] if b"WMQYI".contains(&letter.to_ascii_uppercase()) => {
            return Some(Period::Other(char::from(letter.to_ascii_uppercase())));
        }
        _ if (1..=4).contains(&field.len()) && field.iter().all(u8::is_ascii_digit) => return Some(Period::Other('I')),
        _ => {}
    }
    period_in_words(field)
}

fn period_in_words(field: &[u8]) -> Option<Period> {
    let text = std::str::from_utf8(field).ok()?.to_ascii_lowercase();
    let unit = text.trim_start_matches(|sign: char| sign.is_ascii_digit()).trim_start();
    let number = text.get(..text.len() - unit.len())?.trim_end();
    match unit {
        "d" | "day" | "days" | "daily" | "eod" if matches!(number, "" | "1") => Some(Period::Day),
        "w" | "week" | "weekly" | "wk" => Some(Period::Other('W')),
        "month" | "monthly" | "mo" => Some(Period::Other('M')),
        "s" | "sec" | "m" | "min" | "mins" | "minute" | "minutes" | "h" | "hour" | "hourly" | "intraday" => {
            Some(Period::Other('I'))
        }
        _ => None,
    }
}

/// A symbol: up to 32 printable ASCII characters without quotes, blanks only inside.
pub(super) fn ticker(field: &[u8]) -> Option<&str> {
    let printable = field.iter().all(|byte| (byte.is_ascii_graphic() || *byte == b' ') && *byte != b'"');
    let trimmed = field.first() != Some(&b' ') && field.last() != Some(&b' ');
    if (1..=32).contains(&field.len()) && printable && trimmed { std::str::from_utf8(field).ok() } else { None }
}

/// A field for a message: quoted, cut short, with unprintable bytes escaped.
pub(super) fn quoted(field: &[u8]) -> String {
    let shown = field.get(..40).unwrap_or(field);
    format!("\"{}\"", shown.escape_ascii())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_a_line() {
        let split = |line: &'static str, separator| {
            fields(line.as_bytes(), separator)
                .map(|field| String::from_utf8_lossy(field).into_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(split("a, b ,,c,", Separator::Comma), ["a", "b", "", "c", ""]);
        assert_eq!(split("\"Acme, Inc\",1", Separator::Comma), ["Acme, Inc", "1"]);
        assert_eq!(split("\"open", Separator::Comma), ["open"]);
        assert_eq!(split("a  b\tc ", Separator::Blank), ["a", "b", "c"]);
        assert_eq!(split("a\t\tb", Separator::Tab), ["a", "", "b"]);
    }

    #[test]
    fn periods_of_a_day_and_others() {
        for day in ["D", "d", "1440", "1D", "daily", "Day"] {
            assert_eq!(period(day.as_bytes()), Some(Period::Day), "{day}");
        }
        for (text, letter) in
            [("I", 'I'), ("15", 'I'), ("5 min", 'I'), ("1h", 'I'), ("W", 'W'), ("1wk", 'W'), ("M", 'M')]
        {
            assert_eq!(period(text.as_bytes()), Some(Period::Other(letter)), "{text}");
        }
        assert_eq!((period(b"Z"), period(b""), period(b"3D")), (None, None, None));
    }

    #[test]
    fn symbols_may_have_blanks_inside() {
        assert_eq!(ticker(b"BRK B"), Some("BRK B"));
        assert_eq!((ticker(b" A"), ticker(b"A "), ticker(b""), ticker("é".as_bytes())), (None, None, None, None));
    }

    #[test]
    fn lines_of_a_text() {
        let lines: Vec<_> = Lines::new(b"a\r\n\r\n  \nb\nc").collect();
        assert_eq!(lines, [(1, b"a".as_slice()), (4, b"b"), (5, b"c")]);
    }
}
