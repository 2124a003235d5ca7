//! Integers, floats and decimals in PostgreSQL's text and binary forms, as a DataRow or a COPY carries them to the
//! client.

use super::write::{Write, values};
use crate::serve::postgres::error::Failure;
use crate::serve::postgres::types::Format;
use crate::text::decimal::is_unbound;
use crate::text::number::{put_float4, put_float8};
use arrow::array::ArrayRef;
use arrow::datatypes::{
    DataType, Decimal32Type, Decimal64Type, Decimal128Type, Decimal256Type, Float16Type, Float32Type, Float64Type,
    Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use bytes::BufMut;

/// Places of a `numeric` that has as many as its value.
const UNBOUND_PLACES: usize = 38;

/// A writer for an array of numbers; none when it holds something else.
pub(super) fn writer(array: &ArrayRef, format: Format) -> Option<Write> {
    Some(match (array.data_type(), format) {
        (DataType::Int8, Format::Text) => values::<Int8Type, _>(array, put_integer),
        (DataType::Int16, Format::Text) => values::<Int16Type, _>(array, put_integer),
        (DataType::Int32, Format::Text) => values::<Int32Type, _>(array, put_integer),
        (DataType::Int64, Format::Text) => values::<Int64Type, _>(array, put_integer),
        (DataType::UInt8, Format::Text) => values::<UInt8Type, _>(array, put_integer),
        (DataType::UInt16, Format::Text) => values::<UInt16Type, _>(array, put_integer),
        (DataType::UInt32, Format::Text) => values::<UInt32Type, _>(array, put_integer),
        (DataType::UInt64, Format::Text) => {
            values::<UInt64Type, _>(array, |value, out| put_integer(with_sign(value)?, out))
        }
        (DataType::Int8, Format::Binary) => {
            values::<Int8Type, _>(array, |value, out| put(&i16::from(value).to_be_bytes(), out))
        }
        (DataType::UInt8, Format::Binary) => {
            values::<UInt8Type, _>(array, |value, out| put(&i16::from(value).to_be_bytes(), out))
        }
        (DataType::Int16, Format::Binary) => values::<Int16Type, _>(array, |value, out| put(&value.to_be_bytes(), out)),
        (DataType::UInt16, Format::Binary) => {
            values::<UInt16Type, _>(array, |value, out| put(&i32::from(value).to_be_bytes(), out))
        }
        (DataType::Int32, Format::Binary) => values::<Int32Type, _>(array, |value, out| put(&value.to_be_bytes(), out)),
        (DataType::UInt32, Format::Binary) => {
            values::<UInt32Type, _>(array, |value, out| put(&value.to_be_bytes(), out))
        }
        (DataType::Int64, Format::Binary) => values::<Int64Type, _>(array, |value, out| put(&value.to_be_bytes(), out)),
        (DataType::UInt64, Format::Binary) => {
            values::<UInt64Type, _>(array, |value, out| put(&with_sign(value)?.to_be_bytes(), out))
        }
        (DataType::Float16, Format::Text) => values::<Float16Type, _>(array, |value, out| {
            put_float4(value.to_f32(), out);
            Ok(())
        }),
        (DataType::Float32, Format::Text) => values::<Float32Type, _>(array, |value, out| {
            put_float4(value, out);
            Ok(())
        }),
        (DataType::Float64, Format::Text) => values::<Float64Type, _>(array, |value, out| {
            put_float8(value, out);
            Ok(())
        }),
        (DataType::Float16, Format::Binary) => {
            values::<Float16Type, _>(array, |value, out| put(&value.to_f32().to_be_bytes(), out))
        }
        (DataType::Float32, Format::Binary) => {
            values::<Float32Type, _>(array, |value, out| put(&value.to_be_bytes(), out))
        }
        (DataType::Float64, Format::Binary) => {
            values::<Float64Type, _>(array, |value, out| put(&value.to_be_bytes(), out))
        }
        (DataType::Decimal32(_, scale), format) => {
            let write = decimal(*scale, format);
            values::<Decimal32Type, _>(array, move |value, out| write(itoa::Buffer::new().format(value), out))
        }
        (DataType::Decimal64(_, scale), format) => {
            let write = decimal(*scale, format);
            values::<Decimal64Type, _>(array, move |value, out| write(itoa::Buffer::new().format(value), out))
        }
        (DataType::Decimal128(_, scale), format) => {
            let write = decimal(*scale, format);
            values::<Decimal128Type, _>(array, move |value, out| write(itoa::Buffer::new().format(value), out))
        }
        (unbound, format) if is_unbound(unbound) => values::<Decimal256Type, _>(array, move |value, out| {
            // Zeros that only fill up the places are no digits of the value.
            let text = value.to_string();
            let digits = text.trim_start_matches('-').trim_start_matches('0');
            let zeros = digits.len() - digits.trim_end_matches('0').len();
            let zeros = zeros.min(UNBOUND_PLACES);
            let kept = text.get(..text.len() - zeros).filter(|kept| !kept.is_empty() && *kept != "-");
            let places = if digits.is_empty() { 0 } else { UNBOUND_PLACES - zeros };
            decimal(i8::try_from(places).unwrap_or_default(), format)(kept.unwrap_or("0"), out)
        }),
        (DataType::Decimal256(_, scale), format) => {
            let write = decimal(*scale, format);
            values::<Decimal256Type, _>(array, move |value, out| write(&value.to_string(), out))
        }
        _ => return None,
    })
}

type Written = Result<(), Failure>;

fn put(bytes: &[u8], out: &mut Vec<u8>) -> Written {
    out.put_slice(bytes);
    Ok(())
}

/// A count without a sign as the `bigint` it is described as.
fn with_sign(value: u64) -> Result<i64, Failure> {
    i64::try_from(value).map_err(|_| Failure::new("22003", "bigint out of range"))
}

fn put_integer<I: itoa::Integer>(value: I, out: &mut Vec<u8>) -> Written {
    put(itoa::Buffer::new().format(value).as_bytes(), out)
}

/// Writes the digits of an unscaled decimal in a format.
fn decimal(scale: i8, format: Format) -> impl Fn(&str, &mut Vec<u8>) -> Written + Send {
    move |unscaled, out| {
        let (negative, digits) = match unscaled.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, unscaled),
        };
        // A negative scale stands for zeros before the point.
        let zeros = if digits == "0" { 0 } else { usize::from(scale.min(0).unsigned_abs()) };
        let point = usize::from(scale.max(0).unsigned_abs());
        match (format, zeros) {
            (Format::Text, zeros) => put_decimal(negative, digits, zeros, point, out),
            (Format::Binary, 0) => put_numeric(negative, digits.as_bytes(), point, out),
            (Format::Binary, zeros) => put_numeric(negative, format!("{digits}{:0<zeros$}", "").as_bytes(), 0, out),
        }
        Ok(())
    }
}

fn put_decimal(negative: bool, digits: &str, zeros: usize, scale: usize, out: &mut Vec<u8>) {
    if negative {
        out.put_u8(b'-');
    }
    match digits.len().checked_sub(scale).filter(|whole| *whole > 0) {
        Some(whole) => {
            let (whole, fraction) = digits.split_at(whole);
            out.put_slice(whole.as_bytes());
            out.put_bytes(b'0', zeros);
            if !fraction.is_empty() {
                out.put_u8(b'.');
                out.put_slice(fraction.as_bytes());
            }
        }
        None => {
            out.put_slice(b"0.");
            out.put_bytes(b'0', scale.saturating_sub(digits.len()));
            out.put_slice(digits.as_bytes());
        }
    }
}

/// PostgreSQL's numeric: digits in base 10,000 around the decimal point, without zeros at either end.
fn put_numeric(negative: bool, digits: &[u8], scale: usize, out: &mut Vec<u8>) {
    let scale_signed = scale as i64;
    // The digit that stands for 10^power.
    let digit = |power: i64| -> i16 {
        let from_right = power + scale_signed;
        let place = usize::try_from(from_right).ok().and_then(|from_right| digits.len().checked_sub(from_right + 1));
        place.and_then(|place| digits.get(place)).map_or(0, |ascii| i16::from(ascii - b'0'))
    };
    let group = |weight: i64| -> i16 { (0..4).rev().fold(0, |sum, power| sum * 10 + digit(4 * weight + power)) };
    let highest = (digits.len() as i64 - scale_signed - 1).div_euclid(4);
    let lowest = (-scale_signed).div_euclid(4);
    let first = (lowest..=highest).rev().find(|weight| group(*weight) != 0);
    let last = (lowest..=highest).find(|weight| group(*weight) != 0);
    let (count, weight) = match (first, last) {
        (Some(first), Some(last)) => (first - last + 1, first),
        _ => (0, 0),
    };
    out.put_i16(count as i16);
    out.put_i16(weight as i16);
    out.put_u16(if negative && count > 0 { 0x4000 } else { 0 });
    out.put_u16(scale as u16);
    for offset in 0..count {
        out.put_i16(group(weight - offset));
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check_binary, check_text};
    use arrow::array::{
        Decimal128Array, Decimal256Array, Float32Array, Float64Array, Int8Array, Int64Array, UInt32Array, UInt64Array,
    };
    use arrow::datatypes::i256;
    use std::sync::Arc;

    #[track_caller]
    fn check_float8(value: f64, expected: &str) {
        check_text(Arc::new(Float64Array::from(vec![Some(value), None])), &[Some(expected), None]);
    }

    #[track_caller]
    fn check_float4(value: f32, expected: &str) {
        check_text(Arc::new(Float32Array::from(vec![value])), &[Some(expected)]);
    }

    #[test]
    fn floats_read_as_in_postgres() {
        check_float8(187.23, "187.23");
        check_float8(100.0, "100");
        check_float8(0.0, "0");
        check_float8(-0.0, "-0");
        check_float8(0.1 + 0.2, "0.30000000000000004");
        check_float8(123_456_789_012_345.0, "123456789012345");
        check_float8(1e15, "1e+15");
        check_float8(1.5e300, "1.5e+300");
        check_float8(0.0001, "0.0001");
        check_float8(0.00001, "1e-05");
        check_float8(-1.25e-7, "-1.25e-07");
        check_float8(5e-5, "5e-05");
        check_float8(-12.5, "-12.5");
        check_float8(9_999_999_999.999_9, "9999999999.9999");
        check_float8(10_000_000_000.01, "10000000000.01");
        check_float8(f64::NAN, "NaN");
        check_float8(f64::NEG_INFINITY, "-Infinity");
        check_float4(0.1, "0.1");
        check_float4(999_999.0, "999999");
        check_float4(1e6, "1e+06");
        check_float4(16_777_216.0, "1.6777216e+07");
    }

    #[test]
    fn integers_of_any_width() {
        check_text(Arc::new(Int64Array::from(vec![Some(i64::MIN), None])), &[Some("-9223372036854775808"), None]);
        check_text(Arc::new(UInt64Array::from(vec![7])), &[Some("7")]);
        assert_eq!(super::with_sign(u64::MAX).unwrap_err().code, "22003");
        check_binary(Arc::new(UInt64Array::from(vec![7])), &[Some(&[0, 0, 0, 0, 0, 0, 0, 7])]);
        check_binary(Arc::new(Int8Array::from(vec![-2])), &[Some(&[0xff, 0xfe])]);
        check_binary(Arc::new(UInt32Array::from(vec![u32::MAX])), &[Some(&[255, 255, 255, 255])]);
    }

    fn decimal(value: i128, scale: i8) -> Arc<Decimal128Array> {
        Arc::new(Decimal128Array::from(vec![Some(value), None]).with_precision_and_scale(38, scale).unwrap())
    }

    #[test]
    fn decimals_as_text() {
        check_text(decimal(12_345, 2), &[Some("123.45"), None]);
        check_text(decimal(-5, 2), &[Some("-0.05"), None]);
        check_text(decimal(0, 2), &[Some("0.00"), None]);
        check_text(decimal(7, 0), &[Some("7"), None]);
        check_text(decimal(7, -3), &[Some("7000"), None]);
        check_text(
            decimal(99_999_999_999_999_999_999_999_999_999_999_999_999, 10),
            &[Some("9999999999999999999999999999.9999999999"), None],
        );
        let wide = Decimal256Array::from(vec![i256::MAX]).with_precision_and_scale(76, 76);
        check_text(
            Arc::new(wide.unwrap()),
            &[Some("5.7896044618658097711785492504343953926634992332820282019728792003956564819967")],
        );
    }

    /// `count weight sign scale digits...` as 16-bit words.
    fn words(words: &[u16]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_be_bytes()).collect()
    }

    #[test]
    fn decimals_as_binary() {
        check_binary(decimal(12_345, 2), &[Some(&words(&[2, 0, 0, 2, 123, 4500])), None]);
        check_binary(decimal(-5, 2), &[Some(&words(&[1, 0xffff, 0x4000, 2, 500])), None]);
        check_binary(decimal(0, 2), &[Some(&words(&[0, 0, 0, 2])), None]);
        check_binary(decimal(10_000, 0), &[Some(&words(&[1, 1, 0, 0, 1])), None]);
        check_binary(decimal(7, -3), &[Some(&words(&[1, 0, 0, 0, 7000])), None]);
        check_binary(decimal(1, 9), &[Some(&words(&[1, 0xfffd, 0, 9, 1000])), None]);
        check_binary(decimal(100_000_001, 4), &[Some(&words(&[3, 1, 0, 4, 1, 0, 1])), None]);
    }
}
