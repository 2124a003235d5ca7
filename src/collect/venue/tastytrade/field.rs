//! Scalars as the vendor sends them: numbers as text or number, absent, null, `NaN`, or broken.
//!
//! Reading a field never fails a row: a broken value is kept as such, and whoever takes it counts it.

use crate::collect::venue::number::whole_number;
use crate::collect::venue::problem::Problems;
use chrono::{DateTime, NaiveDate, Utc};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

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
            Value::String(text) => text.parse().map(Some).map_err(drop),
            _ => Err(()),
        }
    }
}

impl Scalar for String {
    fn read(value: &Value) -> Result<Option<Self>, ()> {
        let text = value.as_str().ok_or(())?.trim_end();
        Ok((!text.is_empty()).then(|| text.to_owned()))
    }
}

impl Scalar for NaiveDate {
    fn read(value: &Value) -> Result<Option<Self>, ()> {
        let text = value.as_str().ok_or(())?.trim();
        if text.is_empty() {
            return Ok(None);
        }
        let date = text.split_once('T').map_or(text, |(date, _)| date);
        date.parse().map(Some).map_err(drop)
    }
}

impl Scalar for DateTime<Utc> {
    fn read(value: &Value) -> Result<Option<Self>, ()> {
        let text = value.as_str().ok_or(())?.trim();
        if text.is_empty() {
            return Ok(None);
        }
        DateTime::parse_from_rfc3339(text).map(|moment| Some(moment.to_utc())).map_err(drop)
    }
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
            Err(()) => Self::Broken(value.to_string().chars().take(40).collect()),
        })
    }
}

/// A list whose unreadable members are counted and left out.
#[derive(Debug, Clone)]
pub struct Rows<T> {
    /// Members that can be read.
    pub rows: Vec<T>,
    /// Number of members that cannot be read.
    pub broken: usize,
}

impl<T> Default for Rows<T> {
    fn default() -> Self {
        Self { rows: Vec::new(), broken: 0 }
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Rows<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut list = Self::default();
        match Value::deserialize(deserializer)? {
            Value::Null => {}
            Value::Array(members) => {
                for member in members {
                    match T::deserialize(member) {
                        Ok(row) => list.rows.push(row),
                        Err(_) => list.broken += 1,
                    }
                }
            }
            _ => list.broken += 1,
        }
        Ok(list)
    }
}

impl Problems {
    /// Takes a field's value; a broken one is noted and is `None`.
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
    fn moments_come_in_both_zone_spellings() {
        let expected = DateTime::parse_from_rfc3339("2026-01-05T14:30:00Z").unwrap().to_utc();
        check(json!("2026-01-05T14:30:00.000+00:00"), Field::Known(expected));
        check(json!("2026-01-05T14:30:00.000Z"), Field::Known(expected));
        check(json!("2026-02-09"), Field::Known(NaiveDate::from_ymd_opt(2026, 2, 9).unwrap()));
        check::<NaiveDate>(json!("2026-02-30"), Field::Broken("\"2026-02-30\"".to_owned()));
        check::<DateTime<Utc>>(json!(5), Field::Broken("5".to_owned()));
    }
}
