//! The patterns of `to_char`, `to_date` and `to_timestamp` for dates and times, taken apart into words, separators and
//! text.

/// What a word of a pattern stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Word {
    Era {
        dots: bool,
    },
    HalfDay {
        dots: bool,
    },
    Century,
    DayName,
    DayShort,
    DayOfYear,
    IsoDayOfYear,
    Day,
    Weekday,
    IsoWeekday,
    Fraction(u32),
    Exact,
    Hour24,
    Hour12,
    IsoWeek,
    /// A year of ISO weeks, of its last digits.
    IsoYear(usize),
    Julian,
    Minute,
    Month,
    MonthName,
    MonthShort,
    Milliseconds,
    Microseconds,
    Offset,
    Quarter,
    Roman,
    SecondsOfDay,
    Second,
    ZoneHour,
    ZoneMinute,
    Zone,
    Week,
    WeekOfMonth,
    YearWithComma,
    /// A year, of its last digits.
    Year(usize),
}

/// How a name is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Case {
    Upper,
    Capital,
    Lower,
}

/// A word with what stands around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Action {
    pub(super) word: Word,
    /// The word as it is written, for errors.
    pub(super) name: &'static str,
    pub(super) case: Case,
    /// Without blanks and zeros in front: after `FM` or `TM`.
    pub(super) plain: bool,
    /// `TH` or `th` follows.
    pub(super) ordinal: Option<Case>,
}

/// A piece of a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Node {
    Action(Action),
    Blank(char),
    Separator(char),
    Text(char),
}

/// The words in capitals, longer ones before those they begin with. Each is also a word in small letters.
const WORDS: &[(&str, Word)] = &[
    ("A.D.", Word::Era { dots: true }),
    ("A.M.", Word::HalfDay { dots: true }),
    ("AD", Word::Era { dots: false }),
    ("AM", Word::HalfDay { dots: false }),
    ("B.C.", Word::Era { dots: true }),
    ("BC", Word::Era { dots: false }),
    ("CC", Word::Century),
    ("DAY", Word::DayName),
    ("DDD", Word::DayOfYear),
    ("DD", Word::Day),
    ("DY", Word::DayShort),
    ("D", Word::Weekday),
    ("FF1", Word::Fraction(1)),
    ("FF2", Word::Fraction(2)),
    ("FF3", Word::Fraction(3)),
    ("FF4", Word::Fraction(4)),
    ("FF5", Word::Fraction(5)),
    ("FF6", Word::Fraction(6)),
    ("FX", Word::Exact),
    ("HH24", Word::Hour24),
    ("HH12", Word::Hour12),
    ("HH", Word::Hour12),
    ("IDDD", Word::IsoDayOfYear),
    ("ID", Word::IsoWeekday),
    ("IW", Word::IsoWeek),
    ("IYYY", Word::IsoYear(4)),
    ("IYY", Word::IsoYear(3)),
    ("IY", Word::IsoYear(2)),
    ("I", Word::IsoYear(1)),
    ("J", Word::Julian),
    ("MI", Word::Minute),
    ("MM", Word::Month),
    ("MONTH", Word::MonthName),
    ("MON", Word::MonthShort),
    ("MS", Word::Milliseconds),
    ("OF", Word::Offset),
    ("P.M.", Word::HalfDay { dots: true }),
    ("PM", Word::HalfDay { dots: false }),
    ("Q", Word::Quarter),
    ("RM", Word::Roman),
    ("SSSSS", Word::SecondsOfDay),
    ("SSSS", Word::SecondsOfDay),
    ("SS", Word::Second),
    ("TZH", Word::ZoneHour),
    ("TZM", Word::ZoneMinute),
    ("TZ", Word::Zone),
    ("US", Word::Microseconds),
    ("WW", Word::Week),
    ("W", Word::WeekOfMonth),
    ("Y,YYY", Word::YearWithComma),
    ("YYYY", Word::Year(4)),
    ("YYY", Word::Year(3)),
    ("YY", Word::Year(2)),
    ("Y", Word::Year(1)),
];

/// Words with a capital in front, which write a name so.
const CAPITALS: &[(&str, &str, Word)] = &[
    ("Day", "DAY", Word::DayName),
    ("Dy", "DY", Word::DayShort),
    ("Month", "MONTH", Word::MonthName),
    ("Mon", "MON", Word::MonthShort),
];

/// The word at the beginning of a text, how it is written, and its length.
fn word(text: &str) -> Option<(Word, &'static str, Case)> {
    if let Some((_, name, word)) = CAPITALS.iter().find(|(start, ..)| text.starts_with(start)) {
        return Some((*word, name, Case::Capital));
    }
    let upper = WORDS.iter().find(|(name, _)| text.starts_with(name)).map(|(name, word)| (*word, *name, Case::Upper));
    upper.or_else(|| {
        let lower = |name: &str| {
            let same = |(letter, own): (u8, u8)| letter == own.to_ascii_lowercase();
            text.len() >= name.len() && text.bytes().zip(name.bytes()).all(same)
        };
        WORDS.iter().find(|(name, _)| lower(name)).map(|(name, word)| (*word, *name, Case::Lower))
    })
}

/// The pieces of a pattern. Text in quotes is itself, and so is a quote behind a backslash.
pub(super) fn nodes(pattern: &str) -> Vec<Node> {
    let mut found = Vec::new();
    let mut rest = pattern;
    while !rest.is_empty() {
        let mut plain = false;
        let mut after = rest;
        while let Some(more) = ["FM", "fm", "TM", "tm"].iter().find_map(|mark| after.strip_prefix(mark)) {
            (plain, after) = (true, more);
        }
        if let Some((word, name, case)) = word(after) {
            rest = &after[name.len()..];
            let ordinal = match rest.get(..2) {
                Some("TH") => Some(Case::Upper),
                Some("th") => Some(Case::Lower),
                _ => None,
            };
            if ordinal.is_some() {
                rest = &rest[2..];
            }
            found.push(Node::Action(Action { word, name, case, plain, ordinal }));
            continue;
        }
        if plain {
            // The mark belongs to nothing, and is passed over.
            rest = after;
            continue;
        }
        let mut letters = rest.chars();
        match letters.next() {
            Some('"') => {
                while let Some(letter) = letters.next() {
                    match letter {
                        '"' => break,
                        '\\' => found.extend(letters.next().map(Node::Text)),
                        letter => found.push(Node::Text(letter)),
                    }
                }
            }
            Some('\\') if letters.as_str().starts_with('"') => found.extend(letters.next().map(Node::Text)),
            Some(letter) if letter.is_ascii_whitespace() => found.push(Node::Blank(letter)),
            Some(letter) if letter.is_ascii_punctuation() => found.push(Node::Separator(letter)),
            Some(letter) => found.push(Node::Text(letter)),
            None => {}
        }
        rest = letters.as_str();
    }
    found
}

/// Months, as patterns name them.
pub(super) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
/// Days of the week from Sunday.
pub(super) const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
/// Months in Roman numerals.
pub(super) const ROMAN: [&str; 12] = ["I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII"];
