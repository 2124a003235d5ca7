//! The fields of a text get their meaning from their look, their place and from what is there already: year, month and
//! day, time, zone.

use super::context::Context;
use super::digits::{fraction_us, number, offset};
use super::fault::Fault;
use super::token::{self, Field, Look};
use super::word::{self, Named, Word};
use crate::text::calendar::{DAY_US, SECOND_US, civil, days_of, days_of_month, from_julian};
use crate::text::zone::{Abbreviation, Zone};

/// What a text means.
#[derive(Debug)]
pub(super) enum Meaning {
    /// A moment that is not made of fields: the epoch and the infinities.
    Named(Named),
    /// A date, a time and a zone.
    Fields(Fields),
}

/// Parts that a field can give. A text gives each at most once.
type Parts = u16;
const YEAR: Parts = 1;
const MONTH: Parts = 2;
const DAY: Parts = 4;
const ORDINAL: Parts = 8;
const TIME: Parts = 16;
const ZONE: Parts = 32;
const HALF: Parts = 64;
const ERA: Parts = 128;
const WEEKDAY: Parts = 256;
const SUMMER: Parts = 512;
const DATE: Parts = YEAR | MONTH | DAY;
const YM: Parts = YEAR | MONTH;
const MD: Parts = MONTH | DAY;

/// The parts of a text while it is read, and after.
#[derive(Debug, Default)]
pub(super) struct Fields {
    /// The year as it is written, and at last with 1 BC as 0.
    year: i64,
    month: i64,
    day: i64,
    /// Microseconds that have gone since midnight.
    pub(super) time_us: i64,
    /// The day of the year, where that is written in place of month and day.
    ordinal: i64,
    zone: Given,
    named_month: bool,
    two_digits: bool,
    julian: bool,
    afternoon: Option<bool>,
    before_christ: bool,
    /// An hour more, by the word `dst`.
    summer: bool,
}

/// The zone that a text gives.
#[derive(Debug, Default)]
enum Given {
    #[default]
    None,
    /// Seconds east of Greenwich.
    Offset(i32),
    Zone(Zone),
    /// A region and the abbreviation it is named by.
    Meant(Zone, String),
}

/// A field that tells what the next number is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Label {
    Julian,
    IsoTime,
    /// Units that nothing here uses.
    Part,
}

impl Fields {
    /// Days since the first of 1970.
    pub(super) fn days(&self) -> i64 {
        days_of(self.year, self.month, self.day)
    }

    /// Seconds east of Greenwich for the wall clock's time, which is in `zone` where the text names none.
    pub(super) fn east(&self, local: i64, zone: &Zone) -> Result<i32, Fault> {
        let summer = if self.summer { 3_600 } else { 0 };
        Ok(match &self.zone {
            // A clock that is put ahead needs a zone, and one that has no summer time of its own.
            Given::None | Given::Zone(_) if self.summer => return Err(Fault::Syntax),
            Given::None => zone.east_of_local(local),
            Given::Offset(east) => east + summer,
            Given::Zone(zone) => zone.east_of_local(local),
            Given::Meant(zone, word) => zone.east_by(word, local) + summer,
        })
    }
}

/// Reads a text: a date with a time or without, or for `time_only` a time, with a date only where a zone needs it.
pub(super) fn read(text: &str, context: Context<'_>, time_only: bool) -> Result<Meaning, Fault> {
    let written = token::fields(text)?;
    let mut fields = Fields::default();
    let mut known: Parts = 0;
    let mut label: Option<Label> = None;
    let mut named = None;
    for (index, field) in written.iter().enumerate() {
        // A time alone has its date, as it were, unless the text has one too.
        let dated = time_only && !(index == 0 && has_date(&written));
        let taken = known | if dated { DATE } else { 0 };
        let given = match field.look {
            Look::Date => fields.date_or_zone(&field.text, taken, &mut label)?,
            Look::Time => {
                if label.take().is_some_and(|label| label != Label::IsoTime) {
                    return Err(Fault::Syntax);
                }
                fields.clock(&field.text)?
            }
            Look::Offset => {
                fields.zone = Given::Offset(offset(&field.text)?);
                ZONE
            }
            Look::Number => match label.take() {
                Some(Label::Julian) => fields.julian_day(&field.text)?,
                Some(Label::IsoTime) => fields.run_together(&field.text, taken | DATE)?,
                Some(Label::Part) => return Err(Fault::Syntax),
                None => fields.number_field(&field.text, taken)?,
            },
            Look::Word => match fields.word(&field.text, &written[index + 1..], known, &mut label, context)? {
                Said::Parts(parts) => parts,
                Said::Named(moment) => {
                    named = Some(moment);
                    DATE | TIME | ZONE
                }
            },
        };
        if given & known != 0 {
            return Err(Fault::Syntax);
        }
        known |= given;
    }
    if label.is_some() {
        return Err(Fault::Syntax);
    }
    if let Some(named) = named {
        return Ok(Meaning::Named(named));
    }
    fields.check(known)?;
    // A clock that is put ahead needs a zone.
    if fields.summer && known & ZONE == 0 {
        return Err(Fault::Syntax);
    }
    let wanted = if time_only { TIME } else { DATE };
    if known & wanted != wanted {
        return Err(Fault::Syntax);
    }
    if time_only {
        // The offset of a region is known on a date only.
        let undated = known & DATE != DATE;
        if undated && matches!(&fields.zone, Given::Zone(zone) if !zone.is_fixed()) {
            return Err(Fault::Syntax);
        }
        if !(0..=DAY_US).contains(&fields.time_us) {
            return Err(Fault::Field);
        }
    }
    Ok(Meaning::Fields(fields))
}

/// Whether the text of a time begins with a date: a time or a zone's name follows.
fn has_date(written: &[Field]) -> bool {
    let (Some(first), Some(second), Some(last)) = (written.first(), written.get(1), written.last()) else {
        return false;
    };
    match first.look {
        Look::Date => second.look == Look::Time || last.look == Look::Date,
        Look::Number => first.text.contains('.') && last.look == Look::Date,
        _ => false,
    }
}

/// What a word gives.
enum Said {
    Parts(Parts),
    Named(Named),
}

impl Fields {
    fn word(
        &mut self,
        text: &str,
        next: &[Field],
        known: Parts,
        label: &mut Option<Label>,
        context: Context<'_>,
    ) -> Result<Said, Fault> {
        if let Some(abbreviation) = Zone::abbreviation(text) {
            self.zone = match abbreviation {
                Abbreviation::Fixed(east) => Given::Offset(east),
                Abbreviation::Of(region) => Given::Meant(Zone::named(region).ok_or(Fault::Zone)?, text.to_owned()),
            };
            return Ok(Said::Parts(ZONE));
        }
        let Some(word) = word::find(text) else {
            self.zone = Given::Zone(Zone::named(text).ok_or(Fault::Syntax)?);
            return Ok(Said::Parts(ZONE));
        };
        Ok(Said::Parts(match word {
            Word::Filler => 0,
            Word::Named(Named::Allballs) => {
                (self.time_us, self.zone) = (0, Given::Offset(0));
                TIME | ZONE
            }
            Word::Named(Named::Now) => {
                let (days, time_us) = context.today();
                self.set_day(days);
                self.time_us = time_us;
                self.zone = Given::Offset(context.zone.east(context.now_us));
                DATE | TIME | ZONE
            }
            Word::Named(day @ (Named::Today | Named::Tomorrow | Named::Yesterday)) => {
                let (days, _) = context.today();
                self.set_day(match day {
                    Named::Tomorrow => days + 1,
                    Named::Yesterday => days - 1,
                    _ => days,
                });
                DATE
            }
            Word::Named(named) => return Ok(Said::Named(named)),
            Word::Month(month) => {
                let mut given = MONTH;
                // What was taken for the month is the day then: `1 Nov 2026`.
                if known & MONTH != 0 && !self.named_month && known & DAY == 0 && (1..=31).contains(&self.month) {
                    self.day = self.month;
                    given = DAY;
                }
                (self.named_month, self.month) = (true, month);
                given
            }
            Word::Weekday => WEEKDAY,
            Word::Afternoon(afternoon) => {
                self.afternoon = Some(afternoon);
                HALF
            }
            Word::BeforeChrist(before) => {
                self.before_christ = before;
                ERA
            }
            Word::SummerTime => {
                self.summer = true;
                SUMMER
            }
            Word::IsoTime => {
                let time_follows =
                    next.first().is_some_and(|field| matches!(field.look, Look::Number | Look::Time | Look::Date));
                if known & DATE != DATE || label.is_some() || !time_follows {
                    return Err(Fault::Syntax);
                }
                *label = Some(Label::IsoTime);
                0
            }
            Word::Julian | Word::Part => {
                if label.is_some() {
                    return Err(Fault::Syntax);
                }
                *label = Some(if word == Word::Julian { Label::Julian } else { Label::Part });
                0
            }
        }))
    }

    fn set_day(&mut self, days: i64) {
        (self.year, self.month, self.day) = civil(days);
        self.julian = true;
    }

    /// A field with dashes, slashes or points: a date, or behind one the name of a zone, or a time with an offset.
    fn date_or_zone(&mut self, text: &str, known: Parts, label: &mut Option<Label>) -> Result<Parts, Fault> {
        if *label == Some(Label::Julian) {
            let (day, rest) = text.split_at(text.find('-').ok_or(Fault::Syntax)?);
            *label = None;
            self.set_day(from_julian(number(day)?));
            self.zone = Given::Offset(offset(rest)?);
            return Ok(DATE | TIME | ZONE);
        }
        if label.is_none() && known & (MONTH | DAY) != MONTH | DAY {
            return self.date(text, known);
        }
        let time = text.starts_with(|letter: char| letter.is_ascii_digit());
        if !time && label.is_none() {
            self.zone = Given::Zone(Zone::named(text).ok_or(Fault::Zone)?);
            return Ok(ZONE);
        }
        if label.take().is_some_and(|label| label != Label::IsoTime) || known & TIME != 0 {
            return Err(Fault::Syntax);
        }
        let (time, rest) = text.split_at(text.find('-').ok_or(Fault::Syntax)?);
        self.zone = Given::Offset(offset(rest)?);
        Ok(self.run_together(time, known)? | ZONE)
    }

    /// A date of three parts; a month by its name counts as one wherever it stands.
    fn date(&mut self, text: &str, known: Parts) -> Result<Parts, Fault> {
        let mut parts = Vec::new();
        let mut rest = text;
        loop {
            rest = rest.trim_start_matches(|letter: char| !letter.is_ascii_alphanumeric());
            let first = rest.bytes().next().ok_or(Fault::Syntax)?;
            let same = |byte: u8| byte.is_ascii_digit() == first.is_ascii_digit() && byte.is_ascii_alphanumeric();
            let length = rest.bytes().position(|byte| !same(byte)).unwrap_or(rest.len());
            parts.push(&rest[..length]);
            rest = &rest[length..];
            // The letter behind a part separates it, whatever it is.
            if !rest.is_empty() {
                rest = &rest[1..];
            } else {
                break;
            }
        }
        let mut given: Parts = 0;
        let add = |given: &mut Parts, part: Parts| match (known | *given) & part {
            0 => {
                *given |= part;
                Ok(())
            }
            _ => Err(Fault::Syntax),
        };
        let (words, numbers): (Vec<&str>, Vec<&str>) =
            parts.into_iter().partition(|part| part.starts_with(|letter: char| letter.is_ascii_alphabetic()));
        for word in words {
            match word::find(word) {
                Some(Word::Filler) => {}
                Some(Word::Month(month)) => {
                    (self.month, self.named_month) = (month, true);
                    add(&mut given, MONTH)?;
                }
                _ => return Err(Fault::Syntax),
            }
        }
        for part in numbers {
            let found = self.number(part, known | given)?;
            add(&mut given, found)?;
        }
        // As in PostgreSQL, a zone alone may stand before such a date.
        match (known | given) & !(ORDINAL | ZONE) {
            DATE => Ok(given),
            _ => Err(Fault::Syntax),
        }
    }

    /// A field of digits that nothing before it labels.
    fn number_field(&mut self, text: &str, known: Parts) -> Result<Parts, Fault> {
        match text.find('.') {
            Some(_) if known & DATE == 0 => self.date(text, known),
            Some(point) if point > 2 => self.run_together(text, known),
            None if text.len() >= 6 && (known & DATE == 0 || known & TIME == 0) => self.run_together(text, known),
            _ => self.number(text, known),
        }
    }

    /// A number whose meaning follows from what is known: year, month, day or time.
    fn number(&mut self, text: &str, known: Parts) -> Result<Parts, Fault> {
        let whole = match text.split_once('.') {
            Some((whole, _)) if whole.len() > 2 => return self.run_together(text, known | DATE),
            Some((whole, _)) => whole,
            None => text,
        };
        let value = number(whole)?;
        if text.len() == 3 && known & DATE == YEAR && (1..=366).contains(&value) {
            self.ordinal = value;
            return Ok(ORDINAL | MONTH | DAY);
        }
        let part = match known & DATE {
            0 if text.len() >= 3 => YEAR,
            0 | YEAR | DAY => MONTH,
            MONTH if self.named_month && text.len() >= 3 => YEAR,
            MONTH => DAY,
            YM if self.named_month && text.len() >= 3 && self.two_digits => {
                // The first number was the day: `1 Nov 2026` with dashes.
                (self.day, self.year, self.two_digits) = (self.year, value, false);
                return Ok(DAY);
            }
            YM => DAY,
            MD => YEAR,
            DATE => return self.run_together(text, known),
            _ => return Err(Fault::Syntax),
        };
        match part {
            YEAR => (self.year, self.two_digits) = (value, text.len() <= 2),
            MONTH => self.month = value,
            _ => self.day = value,
        }
        Ok(part)
    }

    /// Digits that are a date or a time without anything between the parts: `20261126`, `093015.5`.
    fn run_together(&mut self, text: &str, known: Parts) -> Result<Parts, Fault> {
        let (digits, fraction) = match text.find('.') {
            Some(point) => (&text[..point], Some(&text[point..])),
            None => (text, None),
        };
        if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(Fault::Syntax);
        }
        if fraction.is_none() && known & DATE != DATE {
            let Some(end) = digits.len().checked_sub(4).filter(|end| *end >= 2) else { return Err(Fault::Syntax) };
            self.year = number(&digits[..end])?;
            self.month = number(&digits[end..end + 2])?;
            self.day = number(&digits[end + 2..])?;
            self.two_digits = end == 2;
            return Ok(DATE);
        }
        if known & TIME != 0 {
            return Err(Fault::Syntax);
        }
        let seconds = match digits.len() {
            6 => number(&digits[4..])?,
            4 => 0,
            _ => return Err(Fault::Syntax),
        };
        let fraction = fraction.map_or(Ok(0), fraction_us)?;
        let (hours, minutes) = (number(&digits[..2])?, number(&digits[2..4])?);
        // What stands together is not checked, as in PostgreSQL: `2505` is five past one of the next day.
        self.time_us = ((hours * 60 + minutes) * 60 + seconds) * SECOND_US + fraction;
        Ok(TIME)
    }

    /// A time with colons; `12:30.5` is twelve minutes.
    fn clock(&mut self, text: &str) -> Result<Parts, Fault> {
        let mut parts = text.splitn(3, ':');
        let first = number(parts.next().unwrap_or_default())?;
        let second = parts.next().ok_or(Fault::Syntax)?;
        let third = parts.next();
        let (whole, fraction) = match third.unwrap_or(second) {
            last if last.contains('.') => {
                let (whole, _) = last.split_once('.').unwrap_or((last, ""));
                (whole, fraction_us(&last[whole.len()..])?)
            }
            last => (last, 0),
        };
        match third {
            Some(_) => self.set_time(first, number(second)?, number(whole)?, fraction)?,
            None if second.contains('.') => self.set_time(0, first, number(whole)?, fraction)?,
            None => self.set_time(first, number(whole)?, 0, 0)?,
        }
        Ok(TIME)
    }

    fn set_time(&mut self, hours: i64, minutes: i64, seconds: i64, fraction: i64) -> Result<(), Fault> {
        if !(0..=24).contains(&hours) || !(0..60).contains(&minutes) || !(0..=60).contains(&seconds) {
            return Err(Fault::Field);
        }
        self.time_us = ((hours * 60 + minutes) * 60 + seconds) * SECOND_US + fraction;
        if self.time_us > DAY_US { Err(Fault::Field) } else { Ok(()) }
    }

    /// A Julian day behind its label; a fraction of it is a time.
    fn julian_day(&mut self, text: &str) -> Result<Parts, Fault> {
        let (day, fraction) = text.split_once('.').map_or((text, None), |(day, fraction)| (day, Some(fraction)));
        self.set_day(from_julian(number(day)?));
        let Some(fraction) = fraction else { return Ok(DATE) };
        let share: f64 = format!("0.{fraction}").parse().map_err(|_| Fault::Syntax)?;
        self.time_us = (share * DAY_US as f64) as i64;
        Ok(DATE | TIME)
    }

    /// Checks what can be checked only when all is known, and settles the year and the half of the day.
    fn check(&mut self, known: Parts) -> Result<(), Fault> {
        if known & YEAR != 0 && !self.julian {
            match (self.before_christ, self.two_digits) {
                (true, _) if self.year > 0 => self.year = 1 - self.year,
                (false, true) if self.year < 70 => self.year += 2_000,
                (false, true) => self.year += 1_900,
                (false, false) if self.year > 0 => {}
                _ => return Err(Fault::Field),
            }
        }
        if known & ORDINAL != 0 {
            (self.year, self.month, self.day) = civil(days_of(self.year, 1, 1) + self.ordinal - 1);
        }
        if known & MONTH != 0 && !(1..=12).contains(&self.month) || known & DAY != 0 && !(1..=31).contains(&self.day) {
            return Err(Fault::Field);
        }
        if known & DATE == DATE && self.day > days_of_month(self.year, self.month) {
            return Err(Fault::Field);
        }
        if let Some(afternoon) = self.afternoon {
            let noon = DAY_US / 2;
            match self.time_us / (3_600 * SECOND_US) {
                13.. => return Err(Fault::Field),
                12 if !afternoon => self.time_us -= noon,
                12 => {}
                _ if afternoon => self.time_us += noon,
                _ => {}
            }
        }
        Ok(())
    }
}
