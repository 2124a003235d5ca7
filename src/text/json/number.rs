//! Numbers of JSON, exact: their digits written out, and keys that compare as the numbers do.

/// Digits before the point, and behind it, that PostgreSQL's `numeric` has room for.
const DIGITS_BEFORE: i64 = 131_072;
const DIGITS_BEHIND: i64 = 16_383;

/// A number taken apart: its sign, its digits without the point, and how many of them stand before it.
fn apart(written: &str) -> Option<(bool, String, i64)> {
    let (negative, rest) = match written.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, written),
    };
    let (mantissa, exponent) = rest.split_once(['e', 'E']).unwrap_or((rest, "0"));
    let exponent: i64 = exponent.parse().ok().filter(|exponent: &i64| exponent.abs() < i64::from(i32::MAX) / 2)?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let before = i64::try_from(whole.len()).ok()?.checked_add(exponent)?;
    Some((negative, format!("{whole}{fraction}"), before))
}

/// The number without an exponent, as `numeric` shows it: `1.50e1` is `15.0`, `-0` is `0`. `None` when
/// it has no room there.
pub(super) fn written_out(written: &str) -> Option<String> {
    let (negative, digits, before) = apart(written)?;
    let zero = digits.bytes().all(|digit| digit == b'0');
    let behind = (i64::try_from(digits.len()).ok()? - before).max(0);
    let leading = i64::try_from(digits.len() - digits.trim_start_matches('0').len()).ok()?;
    if (!zero && before - leading > DIGITS_BEFORE) || behind > DIGITS_BEHIND {
        return None;
    }
    let zeros = |count: i64| "0".repeat(usize::try_from(count).unwrap_or_default());
    let (whole, fraction) = if zero {
        (String::new(), zeros(behind))
    } else if before <= 0 {
        (String::new(), format!("{}{digits}", zeros(-before)))
    } else {
        let place = usize::try_from(before).ok()?;
        match digits.split_at_checked(place) {
            Some((whole, fraction)) => (whole.to_owned(), fraction.to_owned()),
            None => (format!("{digits}{}", zeros(before - i64::try_from(digits.len()).ok()?)), String::new()),
        }
    };
    let whole = whole.trim_start_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    let sign = if negative && !zero { "-" } else { "" };
    let point = if fraction.is_empty() { "" } else { "." };
    Some(format!("{sign}{whole}{point}{fraction}"))
}

/// Bytes that compare as numbers do: a sign, the place of the first digit, the digits.
pub(super) fn key(written: &str) -> Vec<u8> {
    let Some((negative, digits, before)) = apart(written) else { return vec![1] };
    let significant = digits.trim_start_matches('0');
    let place = before - i64::try_from(digits.len() - significant.len()).unwrap_or_default();
    let significant = significant.trim_end_matches('0');
    if significant.is_empty() {
        return vec![1];
    }
    let mut key = vec![2];
    // Shifted, so that no place is negative.
    key.extend((place + (1 << 40)).to_be_bytes());
    key.extend(significant.bytes());
    key.push(0);
    if negative {
        key.iter_mut().for_each(|byte| *byte = !*byte);
        if let Some(first) = key.first_mut() {
            *first = 0;
        }
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_out() {
        let check = |written: &str, expected: &str| assert_eq!(written_out(written).as_deref(), Some(expected));
        check("1.50e1", "15.0");
        check("-0", "0");
        check("-0.0", "0.0");
        check("1e3", "1000");
        check("1E-5", "0.00001");
        check("12.5", "12.5");
        assert_eq!(written_out("1e200000"), None);
    }

    #[test]
    fn keys_compare_as_numbers() {
        let sorted = ["-1e30", "-10", "-9.5", "-9", "-0.1", "0", "1e-9", "0.1", "1", "1.5", "2", "10", "1e30"];
        for pair in sorted.windows(2) {
            assert!(key(pair[0]) < key(pair[1]), "{pair:?}");
        }
        assert_eq!(key("1.0"), key("1"));
        assert_eq!(key("100"), key("1e2"));
    }
}
