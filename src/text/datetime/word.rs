//! Words that a text of a moment may have: months, days, marks of eras and half days, and moments with a name.

/// What a word stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Word {
    /// A moment with a name.
    Named(Named),
    /// A month from 1.
    Month(i64),
    /// A day of the week, which is passed over.
    Weekday,
    /// `am` is false, `pm` true.
    Afternoon(bool),
    /// `ad` is false, `bc` true.
    BeforeChrist(bool),
    /// `at` and `on`, which are passed over.
    Filler,
    /// `t`, before a time of ISO 8601.
    IsoTime,
    /// `j` and `jd`, before a Julian day.
    Julian,
    /// `dst`, which puts a zone's clock an hour ahead.
    SummerTime,
    /// Names of parts that no text of a moment uses.
    Part,
}

/// A moment with a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Named {
    Now,
    Today,
    Tomorrow,
    Yesterday,
    Epoch,
    Infinity,
    MinusInfinity,
    /// The time of midnight in UTC.
    Allballs,
}

/// Letters that count, as in PostgreSQL.
const LETTERS_MAX: usize = 10;

/// What a word in lower case stands for; `None` for all others.
pub(super) fn find(word: &str) -> Option<Word> {
    let word = word.get(..LETTERS_MAX).unwrap_or(word);
    Some(match word {
        "now" => Word::Named(Named::Now),
        "today" => Word::Named(Named::Today),
        "tomorrow" => Word::Named(Named::Tomorrow),
        "yesterday" => Word::Named(Named::Yesterday),
        "epoch" => Word::Named(Named::Epoch),
        "infinity" | "+infinity" => Word::Named(Named::Infinity),
        "-infinity" => Word::Named(Named::MinusInfinity),
        "allballs" => Word::Named(Named::Allballs),
        "jan" | "january" => Word::Month(1),
        "feb" | "february" => Word::Month(2),
        "mar" | "march" => Word::Month(3),
        "apr" | "april" => Word::Month(4),
        "may" => Word::Month(5),
        "jun" | "june" => Word::Month(6),
        "jul" | "july" => Word::Month(7),
        "aug" | "august" => Word::Month(8),
        "sep" | "sept" | "september" => Word::Month(9),
        "oct" | "october" => Word::Month(10),
        "nov" | "november" => Word::Month(11),
        "dec" | "december" => Word::Month(12),
        "sun" | "sunday" | "mon" | "monday" | "tue" | "tues" | "tuesday" | "wed" | "weds" | "wednesday" | "thu"
        | "thur" | "thurs" | "thursday" | "fri" | "friday" | "sat" | "saturday" => Word::Weekday,
        "am" => Word::Afternoon(false),
        "pm" => Word::Afternoon(true),
        "ad" => Word::BeforeChrist(false),
        "bc" => Word::BeforeChrist(true),
        "at" | "on" => Word::Filler,
        "t" => Word::IsoTime,
        "j" | "jd" | "julian" => Word::Julian,
        "dst" => Word::SummerTime,
        "d" | "dow" | "doy" | "h" | "isodow" | "isoyear" | "m" | "mm" | "s" | "y" => Word::Part,
        _ => return None,
    })
}
