//! Floats are written as PostgreSQL writes them: the shortest text that reads back as the same
//! number.

/// Writes a single: the shortest text that reads back as the same number, in fixed notation from 1e-4
/// up to 1e6, as PostgreSQL.
pub(crate) fn put_float4(value: f32, out: &mut Vec<u8>) {
    if (1e-4..1e6).contains(&value.abs()) || value == 0.0 {
        return put_fixed(ryu::Buffer::new().format(value), out);
    }
    put_unusual(f64::from(value), &format!("{value:e}"), out);
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
    put_unusual(value, &format!("{value:e}"), out);
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
