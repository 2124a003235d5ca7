//! Sets of letters: brackets, `\w` and its like, and `.`.

use super::options::Options;

/// The named classes of letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    Alnum,
    Alpha,
    Blank,
    Cntrl,
    Digit,
    Graph,
    Lower,
    Print,
    Punct,
    Space,
    Upper,
    Xdigit,
    Word,
}

impl Class {
    /// The class of a name in `[:name:]`.
    pub(super) fn named(name: &str, options: Options) -> Option<Self> {
        Some(match name {
            "alnum" => Self::Alnum,
            "alpha" => Self::Alpha,
            "blank" => Self::Blank,
            "cntrl" => Self::Cntrl,
            "digit" => Self::Digit,
            "graph" => Self::Graph,
            "lower" | "upper" if options.fold => Self::Alpha,
            "lower" => Self::Lower,
            "print" => Self::Print,
            "punct" => Self::Punct,
            "space" => Self::Space,
            "upper" => Self::Upper,
            "xdigit" => Self::Xdigit,
            "word" => Self::Word,
            _ => return None,
        })
    }

    /// Whether a letter is in it.
    pub(super) fn has(self, letter: char) -> bool {
        let space = |letter| {
            matches!(letter, '\t'..='\r' | ' ' | '\u{1680}' | '\u{2000}'..='\u{2006}' | '\u{2008}'..='\u{200a}'
                | '\u{2028}' | '\u{2029}' | '\u{205f}' | '\u{3000}')
        };
        match self {
            Self::Alnum => letter.is_alphanumeric(),
            Self::Alpha => letter.is_alphabetic(),
            Self::Blank => matches!(letter, ' ' | '\t'),
            Self::Cntrl => letter.is_control(),
            Self::Digit => letter.is_ascii_digit(),
            Self::Graph => !letter.is_control() && !space(letter),
            Self::Lower => letter.is_lowercase(),
            Self::Print => !letter.is_control(),
            Self::Punct => !letter.is_control() && !space(letter) && !letter.is_alphanumeric(),
            Self::Space => space(letter),
            Self::Upper => letter.is_uppercase(),
            Self::Xdigit => letter.is_ascii_hexdigit(),
            Self::Word => is_word(letter),
        }
    }

    /// How the crate `regex` says it inside of brackets, where it can.
    pub(super) fn translated(self) -> Option<&'static str> {
        Some(match self {
            Self::Alnum => r"\p{Alphabetic}\p{N}",
            Self::Alpha => r"\p{Alphabetic}",
            Self::Blank => r" \t",
            Self::Cntrl => r"\p{Cc}",
            Self::Digit => "0-9",
            Self::Lower => r"\p{Lowercase}",
            Self::Space => r"\x09-\x0d\x20\u{1680}\u{2000}-\u{2006}\u{2008}-\u{200a}\u{2028}\u{2029}\u{205f}\u{3000}",
            Self::Upper => r"\p{Uppercase}",
            Self::Xdigit => "0-9A-Fa-f",
            Self::Word => r"\p{Alphabetic}\p{N}_",
            Self::Graph | Self::Print | Self::Punct => return None,
        })
    }
}

/// Whether a letter is part of a word.
pub(super) fn is_word(letter: char) -> bool {
    letter == '_' || letter.is_alphanumeric()
}

/// A set of letters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Set {
    /// Ranges, both ends included.
    pub(super) ranges: Vec<(char, char)>,
    /// Classes, each with whether it is all but them.
    pub(super) classes: Vec<(Class, bool)>,
    /// All letters but these.
    pub(super) negated: bool,
    /// Without the newline, whatever else is said.
    pub(super) no_newline: bool,
}

impl Set {
    /// Any letter.
    pub(super) fn any(options: Options) -> Self {
        Self { negated: true, no_newline: options.newline_stops, ..Self::default() }
    }

    /// A class, or all but it.
    pub(super) fn of(class: Class, negated: bool) -> Self {
        Self { classes: vec![(class, negated)], ..Self::default() }
    }

    /// Whether a letter is in the set.
    pub(super) fn has(&self, letter: char) -> bool {
        if self.no_newline && letter == '\n' {
            return false;
        }
        let found = self.ranges.iter().any(|(from, to)| (*from..=*to).contains(&letter))
            || self.classes.iter().any(|(class, negated)| class.has(letter) != *negated);
        found != self.negated
    }

    /// Adds a range, in both cases when they are alike.
    pub(super) fn add(&mut self, from: char, to: char, options: Options) {
        self.ranges.push((from, to));
        if options.fold {
            for letter in (from..=to).filter(|letter| letter.is_alphabetic()) {
                self.ranges.extend(cases(letter).into_iter().filter(|other| *other != letter).map(|one| (one, one)));
            }
        }
    }
}

/// A letter in lower and upper case.
pub(super) fn cases(letter: char) -> [char; 2] {
    let only = |mut letters: std::char::ToLowercase| match (letters.next(), letters.next()) {
        (Some(one), None) => one,
        _ => letter,
    };
    let lower = only(letter.to_lowercase());
    let mut upper = letter.to_uppercase();
    let upper = match (upper.next(), upper.next()) {
        (Some(one), None) => one,
        _ => letter,
    };
    [lower, upper]
}
