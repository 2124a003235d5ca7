//! Scalars as the vendor sends them: numbers as text or number, absent, null, empty, `NaN`, or broken.
//!
//! Reading a field never fails a row: a broken value is kept as such, and whoever takes it counts it. A row is rejected
//! only where a field of its key does not read.

use crate::collect::venue::number::whole_number;
use crate::collect::venue::problem::Problems;
use chrono::{DateTime, NaiveDate, Utc};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// How much of a value that does not read is told.
const TOLD_CHARS: usize = 120;

/// A value the vendor may leave out or spoil.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Field<T> {
    /// Absent, null, empty or `NaN`.
    #[default]
    Missing,
    /// As it should be.
    Known(T),
    /// Something else; holds the start of it.
    Broken(String),
}

impl<T> Field<T> {
    /// The value, where there is a good one.
    pub fn known(self) -> Option<T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Missing | Self::Broken(_) => None,
        }
    }

    /// What is there instead of a good value, in words.
    pub(super) fn spelled(&self) -> &str {
        match self {
            Self::Broken(text) => text,
            Self::Missing => "missing",
            Self::Known(_) => "known",
        }
    }
}

/// A type a field may have.
pub trait Scalar: Sized {
    /// `Ok(None)` when the vendor says it does not know, `Err` when this is no such value.
    #[expect(clippy::result_unit_err, reason = "the caller holds the value and tells it")]
    fn read(value: &Value) -> Result<Option<Self>, ()>;
}

impl Scalar for f64 {
    fn read(value: &Value) -> Result<Option<Self>, ()> {
        let number = match value {
            Value::Number(number) => number.as_f64().ok_or(())?,
            Value::String(text) if text.trim().is_empty() => return Ok(None),
            Value::String(text) => text.trim().parse().map_err(drop)?,
            _ => return Err(()),
        };
        Ok(Some(number).filter(|number| number.is_finite()))
    }
}

impl Scalar for i64 {
    fn read(value: &Value) -> Result<Option<Self>, ()> {
        let whole = match value {
            Value::Number(number) => number.as_i64(),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        match whole {
            Some(whole) => Ok(Some(whole)),
            None => match f64::read(value)? {
                Some(number) => whole_number(number).map(Some).ok_or(()),
                None => Ok(None),
            },
        }
    }
}

impl Scalar for bool {
    fn read(value: &Value) -> Result<Option<Self>, ()> {
        match value {
            Value::Bool(flag) => Ok(Some(*flag)),
            Value::String(text) if text.trim().is_empty() => Ok(None),
            Value::String(text) => text.trim().to_ascii_lowercase().parse().map(Some).map_err(drop),
            _ => Err(()),
        }
    }
}

impl Scalar for String {
    fn read(value: &Value) -> Result<Option<Self>, ()> {
        match value {
            Value::Number(number) => Ok(Some(number.to_string())),
            _ => Ok(filled(value)?.map(str::to_owned)),
        }
    }
}

impl Scalar for NaiveDate {
    fn read(value: &Value) -> Result<Option<Self>, ()> {
        let Some(text) = filled(value)? else { return Ok(None) };
        let date = text.split_once(['T', ' ']).map_or(text, |(date, _)| date);
        date.parse().map(Some).map_err(drop)
    }
}

impl Scalar for DateTime<Utc> {
    /// A moment needs a zone: `Z`, `+00:00`, `+0000` or `+00`. One without is not guessed.
    fn read(value: &Value) -> Result<Option<Self>, ()> {
        let Some(text) = filled(value)? else { return Ok(None) };
        let spelled = text.replacen(' ', "T", 1);
        let moment = DateTime::parse_from_rfc3339(&spelled)
            .or_else(|_| DateTime::parse_from_str(&spelled, "%Y-%m-%dT%H:%M:%S%.f%#z"));
        moment.map(|moment| Some(moment.to_utc())).map_err(drop)
    }
}

/// The text of a value without blanks around it; `None` for an empty one.
fn filled(value: &Value) -> Result<Option<&str>, ()> {
    let text = value.as_str().ok_or(())?.trim();
    Ok((!text.is_empty()).then_some(text))
}

/// The start of a value that does not read.
pub(super) fn start_of(value: &Value) -> String {
    value.to_string().chars().take(TOLD_CHARS).collect()
}

impl<'de, T: Scalar> Deserialize<'de> for Field<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        if value.is_null() {
            return Ok(Self::Missing);
        }
        Ok(match T::read(&value) {
            Ok(Some(known)) => Self::Known(known),
            Ok(None) => Self::Missing,
            Err(()) => Self::Broken(start_of(&value)),
        })
    }
}

/// A list whose unreadable members are left out and told.
#[derive(Debug, Clone)]
pub struct Rows<T> {
    /// Members that can be read.
    pub rows: Vec<T>,
    /// The start of each member that cannot be read.
    pub broken: Vec<String>,
}

impl<T> Default for Rows<T> {
    fn default() -> Self {
        Self { rows: Vec::new(), broken: Vec::new() }
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Rows<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut list = Self::default();
        match Value::deserialize(deserializer)? {
            Value::Null => {}
            Value::Array(members) => {
                for member in members {
                    match T::deserialize(&member) {
                        Ok(row) => list.rows.push(row),
                        Err(_) => list.broken.push(start_of(&member)),
                    }
                }
            }
            other => list.broken.push(start_of(&other)),
        }
        Ok(list)
    }
}

impl Problems {
    /// Takes the value of a field beside the key; a broken one is noted and is `None`.
    pub(crate) fn take<T>(&mut self, item: &str, name: &str, field: Field<T>) -> Option<T> {
        match field {
            Field::Known(value) => Some(value),
            Field::Missing => None,
            Field::Broken(text) => {
                self.note(item, format!("{name} is {text}"));
                None
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check<T: Scalar + PartialEq + std::fmt::Debug>(value: Value, expected: Field<T>) {
        assert_eq!(Field::<T>::deserialize(value).unwrap(), expected);
    }

    #[test]
    fn numbers_come_as_text_or_number() {
        check(json!("0.314"), Field::Known(0.314));
        check(json!(1e3), Field::Known(1000.0));
        check::<f64>(json!("NaN"), Field::Missing);
        check::<f64>(json!("Infinity"), Field::Missing);
        check::<f64>(json!(""), Field::Missing);
        check::<f64>(json!(null), Field::Missing);
        check::<f64>(json!("12,5"), Field::Broken("\"12,5\"".to_owned()));
        check::<f64>(json!([1]), Field::Broken("[1]".to_owned()));
    }

    #[test]
    fn whole_numbers_never_overflow() {
        check(json!(2_846_108_626_900_i64), Field::Known(2_846_108_626_900_i64));
        check(json!("100.0"), Field::Known(100_i64));
        check(json!(4e12), Field::Known(4_000_000_000_000_i64));
        check::<i64>(json!(1e300), Field::Broken("1e+300".to_owned()));
        check::<i64>(json!("NaN"), Field::Missing);
        check::<i64>(json!(true), Field::Broken("true".to_owned()));
    }

    #[test]
    fn texts_and_flags_may_be_empty_or_otherwise_spelled() {
        check(json!(" AAPL "), Field::Known("AAPL".to_owned()));
        check(json!(4), Field::Known("4".to_owned()));
        check::<String>(json!("  "), Field::Missing);
        check(json!("True"), Field::Known(true));
        check::<bool>(json!(""), Field::Missing);
        check::<bool>(json!("yes"), Field::Broken("\"yes\"".to_owned()));
        check::<NaiveDate>(json!(""), Field::Missing);
        check::<i64>(json!(""), Field::Missing);
    }

    #[test]
    fn moments_come_in_every_zone_spelling() {
        let expected = DateTime::parse_from_rfc3339("2026-01-05T14:30:00Z").unwrap().to_utc();
        check(json!("2026-01-05T14:30:00.000+00:00"), Field::Known(expected));
        check(json!("2026-01-05T14:30:00.000Z"), Field::Known(expected));
        check(json!("2026-01-05T14:30:00.000+0000"), Field::Known(expected));
        check(json!("2026-01-05T15:30:00+0100"), Field::Known(expected));
        check(json!("2026-01-05 14:30:00+00"), Field::Known(expected));
        check::<DateTime<Utc>>(json!("2026-01-05T14:30:00"), Field::Broken("\"2026-01-05T14:30:00\"".to_owned()));
        check::<DateTime<Utc>>(json!(" "), Field::Missing);
        check(json!("2026-02-09"), Field::Known(NaiveDate::from_ymd_opt(2026, 2, 9).unwrap()));
        check::<NaiveDate>(json!("2026-02-30"), Field::Broken("\"2026-02-30\"".to_owned()));
        check::<DateTime<Utc>>(json!(5), Field::Broken("5".to_owned()));
    }
}
