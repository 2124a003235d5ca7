//! Digits of a text of a moment as numbers, fractions of a second and offsets.

use super::fault::Fault;
use crate::text::calendar::SECOND_US;

/// Digits as a number; `Field` beyond 32 bits.
pub(super) fn number(digits: &str) -> Result<i64, Fault> {
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Fault::Syntax);
    }
    digits.parse::<i32>().map(i64::from).map_err(|_| Fault::Field)
}

/// A fraction of a second with its point, in microseconds, rounded.
pub(super) fn fraction_us(text: &str) -> Result<i64, Fault> {
    if text == "." {
        return Ok(0);
    }
    let share: f64 = format!("0{text}").parse().map_err(|_| Fault::Syntax)?;
    Ok((share * SECOND_US as f64).round_ties_even() as i64)
}

/// Seconds east of Greenwich of an offset with its sign: `+05`, `-05:30`, `+0530` or `+00:19:32`.
pub(super) fn offset(text: &str) -> Result<i32, Fault> {
    let (sign, digits) = text.split_at(1);
    let mut parts = digits.split(':');
    let first = parts.next().unwrap_or_default();
    let (mut hours, mut minutes, mut seconds) = (number(first)?, 0, 0);
    match parts.next() {
        Some(text) => minutes = number(text)?,
        None if digits.len() > 2 => (hours, minutes) = (hours / 100, hours % 100),
        None => {}
    }
    if let Some(text) = parts.next() {
        seconds = number(text)?;
    }
    if parts.next().is_some() {
        return Err(Fault::Syntax);
    }
    if hours > 15 || minutes >= 60 || seconds >= 60 {
        return Err(Fault::Offset);
    }
    let east = i32::try_from((hours * 60 + minutes) * 60 + seconds).map_err(|_| Fault::Offset)?;
    Ok(if sign == "-" { -east } else { east })
}
