//! Numbers are written by PostgreSQL's patterns for `to_char`: `9,999.99`, `FM000`, `S9`, `9.99EEEE`
//! and their like.
//!
//! DataFusion's `to_char` does not take numbers at all, see `to_char`.

/// A number by a pattern; `#` in each place where it has more digits than the pattern has places, or
/// is not finite.
///
/// It is rounded to the pattern's places behind the point. Groups, point and signs are those of the
/// locale `C`; currency and Roman numerals are passed over.
pub(crate) fn shown(number: f64, pattern: &str) -> String {
    let upper = pattern.to_ascii_uppercase();
    let fill = !upper.contains("FM");
    let body = upper.replace("FM", "");
    if body.contains("EEEE") {
        return scientific(number, &body);
    }
    let split = body.find(['.', 'D']);
    let places = |part: &str| part.chars().filter(|letter| matches!(letter, '9' | '0')).count();
    let (whole, fraction) = match split {
        Some(at) => (&body[..at], &body[at + 1..]),
        None => (body.as_str(), ""),
    };
    let decimals = places(fraction);
    let rounded = format!("{:.decimals$}", number.abs());
    let (digits, after) = rounded.split_once('.').unwrap_or((rounded.as_str(), ""));
    let room = places(whole);
    let digits = if digits == "0" && room > 0 && !whole.contains('0') { "" } else { digits };
    let too_long = !number.is_finite() || digits.len() > room;
    let negative = number < 0.0 && rounded.chars().any(|digit| matches!(digit, '1'..='9'));

    let mut text = String::new();
    let mut left = room;
    let mut begun = false;
    let zero_from = whole.find('0').map(|at| places(&whole[..at]));
    for letter in whole.chars() {
        match letter {
            '9' | '0' => {
                let place = room - left;
                let digit = digits.len().checked_sub(left).and_then(|at| digits.as_bytes().get(at)).copied();
                left -= 1;
                if too_long {
                    begun = true;
                    text.push('#');
                } else if let Some(digit) = digit {
                    begun = true;
                    text.push(char::from(digit));
                } else if zero_from.is_some_and(|from| place >= from) {
                    begun = true;
                    text.push('0');
                } else if fill {
                    text.push(' ');
                }
            }
            ',' | 'G' if begun => text.push(','),
            ',' | 'G' if fill => text.push(' '),
            ',' | 'G' | 'S' | 'M' | 'I' | 'P' | 'R' | 'L' => {}
            other => text.push(other),
        }
    }
    if split.is_some() {
        text.push('.');
        let mut after = after.chars();
        for letter in fraction.chars() {
            match letter {
                '9' | '0' => text.push(if too_long { '#' } else { after.next().unwrap_or('0') }),
                'S' | 'M' | 'I' | 'P' | 'R' => {}
                other => text.push(other),
            }
        }
        if !fill {
            let keep = fraction.rfind('0').map_or(0, |at| places(&fraction[..=at]));
            let dot = text.rfind('.').unwrap_or(text.len());
            while text.len() > dot + 1 + keep && text.ends_with('0') {
                text.pop();
            }
        }
    }
    signed(text, negative, &body, fill)
}

/// Puts the sign where the pattern has it (`S`, `MI`, `PR`), or before the first digit; without FM a
/// positive number has a blank there.
fn signed(text: String, negative: bool, body: &str, fill: bool) -> String {
    let blank = if fill { " " } else { "" };
    if let Some(at) = body.find('S') {
        let sign = if negative { "-" } else { "+" };
        return if at == 0 { before_digits(&text, sign) } else { format!("{text}{sign}") };
    }
    if body.ends_with("MI") {
        return format!("{text}{}", if negative { "-" } else { blank });
    }
    if body.ends_with("PR") {
        return if negative { format!("{}>", before_digits(&text, "<")) } else { format!("{blank}{text}{blank}") };
    }
    if negative { before_digits(&text, "-") } else { format!("{blank}{text}") }
}

/// Puts a sign between the leading blanks and the first digit.
fn before_digits(text: &str, sign: &str) -> String {
    let trimmed = text.trim_start_matches(' ');
    let blanks = text.len() - trimmed.len();
    format!("{}{sign}{trimmed}", " ".repeat(blanks))
}

/// A number with an exponent of two digits: `1.23e+04`.
fn scientific(number: f64, body: &str) -> String {
    let decimals =
        body.split_once(['.', 'D']).map_or(0, |(_, after)| after.chars().filter(|c| matches!(c, '9' | '0')).count());
    let text = format!("{:.decimals$e}", number.abs());
    let (mantissa, exponent) = text.split_once('e').unwrap_or((text.as_str(), "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let sign = if number < 0.0 { "-" } else { " " };
    format!("{sign}{mantissa}e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As PostgreSQL 15 answers.
    #[test]
    fn patterns_read_as_in_postgres() {
        for (number, pattern, expected) in [
            (1234.5, "9,999.99", " 1,234.50"),
            (-1234.5, "9,999.99", "-1,234.50"),
            (5.0, "000", " 005"),
            (5.0, "FM000", "005"),
            (12.0, "9999", "   12"),
            (-12.0, "9999", "  -12"),
            (0.1, "9.99", "  .10"),
            (0.1, "0.99", " 0.10"),
            (0.1, "FM0.99", "0.1"),
            (12345.0, "999", " ###"),
            (12.0, "S999", " +12"),
            (1.5, "FM999.00", "1.50"),
            (12345.678, "9.99EEEE", " 1.23e+04"),
            (1234567.0, "FM9,999,999", "1,234,567"),
        ] {
            assert_eq!(shown(number, pattern), expected, "{number} by {pattern}");
        }
    }
}
