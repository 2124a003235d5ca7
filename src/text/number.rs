//! Floats are written as PostgreSQL writes them: the shortest text that reads back as the same
//! number.

use num_bigint::BigUint;

/// Writes a single: the shortest text that reads back as the same number, in fixed notation from 1e-4
/// up to 1e6, as PostgreSQL.
pub(crate) fn put_float4(value: f32, out: &mut Vec<u8>) {
    if (1e-4..1e6).contains(&value.abs()) || value == 0.0 {
        return put_fixed(ryu::Buffer::new().format(value), out);
    }
    let mut digits = format!("{value:e}");
    if value.is_finite() && value.abs() >= WHOLE_FLOAT4 {
        let bits = value.abs().to_bits();
        let (fraction, exponent) = (bits & 0x7f_ffff, (bits >> 23) as i32 - 150);
        let mut places = 0;
        while is_between(&digits, u64::from(fraction | 0x80_0000), fraction == 0, exponent) {
            places = more_places(&digits, places);
            digits = format!("{value:.places$e}");
        }
    }
    put_unusual(f64::from(value), &digits, out);
}

/// Writes a double: the shortest text that reads back as the same number, in fixed notation from 1e-4
/// up to 1e15, as PostgreSQL.
pub(crate) fn put_float8(value: f64, out: &mut Vec<u8>) {
    // Two decimals first: most numbers here are prices in cents.
    if put_short(value, 100, 2, out) || put_short(value, 10_000, 4, out) {
        return;
    }
    if (1e-4..1e15).contains(&value.abs()) || value == 0.0 {
        return put_fixed(ryu::Buffer::new().format(value), out);
    }
    let mut digits = format!("{value:e}");
    if value.is_finite() && value.abs() >= WHOLE_FLOAT8 {
        let bits = value.abs().to_bits();
        let (fraction, exponent) = (bits & 0xf_ffff_ffff_ffff, (bits >> 52) as i32 - 1_075);
        let mut places = 0;
        while is_between(&digits, fraction | 0x10_0000_0000_0000, fraction == 0, exponent) {
            places = more_places(&digits, places);
            digits = format!("{value:.places$e}");
        }
    }
    put_unusual(value, &digits, out);
}

/// From here on every single, and every double, is whole, and the middle between two may have fewer digits than they have.
const WHOLE_FLOAT4: f32 = 16_777_216.0;
const WHOLE_FLOAT8: f64 = 9_007_199_254_740_992.0;

/// One decimal place more than before, or than there are.
fn more_places(digits: &str, places: usize) -> usize {
    let mantissa = digits.split('e').next().unwrap_or_default().trim_start_matches('-');
    places.max(mantissa.len().saturating_sub(2)) + 1
}

/// Whether digits in scientific notation are just in the middle between `mantissa * 2^exponent` and the number beside it:
/// who reads them may take either, and PostgreSQL writes one digit more. Below a power of two the numbers are closer.
fn is_between(digits: &str, mantissa: u64, is_power: bool, exponent: i32) -> bool {
    let (written, ten) = digits.trim_start_matches('-').split_once('e').unwrap_or((digits, "0"));
    let places = written.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    let (Ok(ten), Ok(exponent)) = (ten.parse::<usize>(), u64::try_from(exponent)) else { return false };
    let (Some(zeros), Some(written)) =
        (ten.checked_sub(places), BigUint::parse_bytes(written.replace('.', "").as_bytes(), 10))
    else {
        return false;
    };
    let Ok(zeros) = u32::try_from(zeros) else { return false };
    // In quarters of what the last bit is worth.
    let (written, value) = (written * BigUint::from(10_u8).pow(zeros) * 4_u8, BigUint::from(mantissa) << exponent);
    let value = value * 4_u8;
    let half = BigUint::from(2_u8) << exponent;
    let quarter = BigUint::from(1_u8) << exponent;
    written == &value + &half || written == &value - if is_power { quarter } else { half }
}

/// Writes a number that has at most `decimals` decimals; tells whether it has, and writes nothing
/// when not.
///
/// A quotient of whole numbers is the nearest double there is, so when it is this very number, its
/// decimal notation reads back as this number; and it is the shortest, because no two decimals of up
/// to 15 digits share a double.
fn put_short(value: f64, per_unit: u64, decimals: usize, out: &mut Vec<u8>) -> bool {
    const MAX: f64 = 1e10;
    let magnitude = value.abs();
    if magnitude >= MAX || magnitude.is_nan() {
        return false;
    }
    let whole = (magnitude * per_unit as f64 + 0.5) as u64;
    if whole as f64 / per_unit as f64 != magnitude {
        return false;
    }
    let (mut fraction, mut width) = (whole % per_unit, decimals);
    while width > 0 && fraction % 10 == 0 {
        fraction /= 10;
        width -= 1;
    }
    let mut text = [0_u8; 24];
    let mut start = text.len();
    let mut put = |byte: u8| {
        start -= 1;
        text[start] = byte;
    };
    if width > 0 {
        for _ in 0..width {
            put(b'0' + (fraction % 10) as u8);
            fraction /= 10;
        }
        put(b'.');
    }
    let mut units = whole / per_unit;
    loop {
        put(b'0' + (units % 10) as u8);
        units /= 10;
        if units == 0 {
            break;
        }
    }
    if value.is_sign_negative() {
        put(b'-');
    }
    out.extend_from_slice(&text[start..]);
    true
}

/// Writes digits in fixed notation without an empty fraction: `100.0` goes as `100`.
fn put_fixed(digits: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(digits.strip_suffix(".0").unwrap_or(digits).as_bytes());
}

/// Not a number, infinite, very large or very small: `1.5e15` goes as `1.5e+15`, `1e-5` as `1e-05`.
fn put_unusual(value: f64, scientific: &str, out: &mut Vec<u8>) {
    if value.is_nan() {
        return out.extend_from_slice(b"NaN");
    }
    if value.is_infinite() {
        return out.extend_from_slice(if value > 0.0 { b"Infinity" } else { b"-Infinity" });
    }
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((scientific, "0"));
    let (sign, exponent) = match exponent.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("+", exponent),
    };
    out.extend_from_slice(format!("{mantissa}e{sign}{exponent:0>2}").as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    /// PostgreSQL 15 writes these so: 4.660537e+07 is as near to the number above 46605368.
    #[test]
    fn digits_are_no_middle_between_two_numbers() {
        let single = |value: f32| {
            let mut out = Vec::new();
            put_float4(value, &mut out);
            String::from_utf8(out).unwrap()
        };
        let double = |value: f64| {
            let mut out = Vec::new();
            put_float8(value, &mut out);
            String::from_utf8(out).unwrap()
        };
        assert_eq!(single(46_605_369.0), "4.6605368e+07");
        assert_eq!(single(16_777_216.0), "1.6777216e+07");
        assert_eq!(single(-46_605_369.0), "-4.6605368e+07");
        assert_eq!(single(f32::MAX), "3.4028235e+38");
        assert_eq!(double(1e23), "9.999999999999999e+22");
        assert_eq!(double(5e22), "4.9999999999999996e+22");
        assert_eq!(single(33_554_430.0), "3.355443e+07");
        assert_eq!(double(9_007_199_254_740_993.0), "9.007199254740992e+15");
        assert_eq!(double(f64::MAX), "1.7976931348623157e+308");
    }

    /// The short way writes what the long way would.
    #[test]
    fn short_decimals_are_the_shortest() {
        let mut seed = 1_u64;
        for _ in 0..200_000 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let units = (seed >> 24) as f64 / f64::from(1_u32 << (seed % 32));
            for value in [units, units.round() / 100.0, units.round() / 1e4, -units.round() / 1e3, units.round() / 1e6]
            {
                let (mut short, mut long) = (Vec::new(), Vec::new());
                if put_short(value, 100, 2, &mut short) || put_short(value, 10_000, 4, &mut short) {
                    put_fixed(ryu::Buffer::new().format(value), &mut long);
                    assert_eq!(String::from_utf8(short), String::from_utf8(long));
                }
            }
        }
    }
}
