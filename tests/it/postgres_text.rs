//! Values as PostgreSQL writes them in text format, written a second time so that the server's own encoder is checked
//! against it: the in-process runner and the wire runner must show the same.

use chrono::{DateTime, NaiveDateTime, Offset, TimeZone, Utc};
use chrono_tz::Tz;
use datafusion::arrow::array::{Array, AsArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{
    DataType, Float32Type, Float64Type, Int64Type, IntervalMonthDayNano, IntervalMonthDayNanoType, IntervalUnit,
    TimeUnit, TimestampMicrosecondType,
};
use datafusion::arrow::util::display::array_value_to_string;

/// One cell; `None` is NULL. Instants are shown in `zone`.
pub(crate) fn cell(values: &dyn Array, row: usize, zone: Tz) -> Option<String> {
    if values.is_null(row) || *values.data_type() == DataType::Null {
        return None;
    }
    Some(match values.data_type() {
        DataType::Boolean => if values.as_boolean().value(row) { "t" } else { "f" }.to_owned(),
        DataType::Float64 => float(values.as_primitive::<Float64Type>().value(row)),
        DataType::Float32 => float32(values.as_primitive::<Float32Type>().value(row)),
        DataType::Timestamp(_, zoned) => {
            let micros = cast(values, &DataType::Timestamp(TimeUnit::Microsecond, zoned.clone())).unwrap();
            let micros = micros.as_primitive::<TimestampMicrosecondType>().value(row);
            let at = DateTime::<Utc>::from_timestamp_micros(micros).unwrap();
            if zoned.is_some() { instant(at, zone) } else { moment(at.naive_utc()) }
        }
        DataType::Time64(_) => {
            let text = array_value_to_string(values, row).unwrap();
            if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
        }
        DataType::Interval(_) => {
            let spans = cast(values, &DataType::Interval(IntervalUnit::MonthDayNano)).unwrap();
            span(spans.as_primitive::<IntervalMonthDayNanoType>().value(row))
        }
        DataType::Binary => {
            let digits = values.as_binary::<i32>().value(row).iter().map(|byte| format!("{byte:02x}"));
            format!("\\x{}", digits.collect::<String>())
        }
        DataType::FixedSizeBinary(6) => {
            let bytes = values.as_fixed_size_binary().value(row);
            let (block, place) = bytes.split_at(4);
            let number = |bytes: &[u8]| bytes.iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
            format!("({},{})", number(block), number(place))
        }
        DataType::FixedSizeBinary(16) => uuid(values.as_fixed_size_binary().value(row)),
        // JSON of the engine: its text is the last field.
        DataType::Struct(fields) if fields.iter().last().is_some_and(|field| field.name().starts_with("json")) => {
            values.as_struct().columns().last().unwrap().as_string::<i32>().value(row).to_owned()
        }
        DataType::List(_) => list(values.as_list::<i32>().value(row).as_ref(), zone),
        DataType::LargeList(_) => list(values.as_list::<i64>().value(row).as_ref(), zone),
        // A numeric with as many digits as its value has.
        DataType::Decimal256(76, 38) => {
            let text = array_value_to_string(values, row).unwrap();
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        }
        data_type if data_type.is_integer() => match cast(values, &DataType::Int64) {
            Ok(integers) if integers.is_valid(row) => integers.as_primitive::<Int64Type>().value(row).to_string(),
            _ => array_value_to_string(values, row).unwrap(),
        },
        _ => array_value_to_string(values, row).unwrap(),
    })
}

fn uuid(bytes: &[u8]) -> String {
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]].join("-")
}

/// Shortest digits that read back as the same double; an exponent below 1e-4 and from 1e15 on.
fn float(value: f64) -> String {
    layout(value.is_finite(), format!("{value:e}"), value.to_string())
}

fn float32(value: f32) -> String {
    let digits = format!("{value:e}");
    let exponent: i32 = digits.split_once('e').map_or(0, |(_, exponent)| exponent.parse().unwrap());
    if value.is_finite() && exponent >= 6 {
        return scientific(&digits);
    }
    layout(value.is_finite(), digits, value.to_string())
}

fn layout(finite: bool, scientific_digits: String, plain: String) -> String {
    if !finite {
        return plain.replace("inf", "Infinity");
    }
    let exponent: i32 = scientific_digits.split_once('e').map_or(0, |(_, exponent)| exponent.parse().unwrap());
    if (-4..15).contains(&exponent) { plain } else { scientific(&scientific_digits) }
}

fn scientific(digits: &str) -> String {
    let (mantissa, exponent) = digits.split_once('e').unwrap();
    let exponent: i32 = exponent.parse().unwrap();
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.abs())
}

fn moment(at: NaiveDateTime) -> String {
    let text = at.format("%Y-%m-%d %H:%M:%S%.6f").to_string();
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn instant(at: DateTime<Utc>, zone: Tz) -> String {
    let local = zone.from_utc_datetime(&at.naive_utc());
    let seconds = local.offset().fix().local_minus_utc();
    let (sign, seconds) = if seconds < 0 { ('-', -seconds) } else { ('+', seconds) };
    let (hours, minutes) = (seconds / 3_600, seconds / 60 % 60);
    let minutes = if minutes == 0 { String::new() } else { format!(":{minutes:02}") };
    format!("{}{sign}{hours:02}{minutes}", moment(local.naive_local()))
}

/// Parts that are nothing are left out, and all of nothing is a time of nothing. What follows a negative part says that it
/// is positive.
fn span(span: IntervalMonthDayNano) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut negative = false;
    for (number, unit) in [(span.months / 12, "year"), (span.months % 12, "mon"), (span.days, "day")] {
        if number != 0 {
            let plus = if negative && number > 0 { "+" } else { "" };
            parts.push(format!("{plus}{number} {unit}{}", if number == 1 { "" } else { "s" }));
            negative = number < 0;
        }
    }
    let micros = span.nanoseconds / 1_000;
    if micros != 0 || parts.is_empty() {
        let sign = if micros < 0 {
            "-"
        } else if negative {
            "+"
        } else {
            ""
        };
        let (seconds, fraction) = (micros.unsigned_abs() / 1_000_000, micros.unsigned_abs() % 1_000_000);
        let fraction = if fraction == 0 { String::new() } else { format!(".{fraction:06}") };
        let fraction = fraction.trim_end_matches('0');
        let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
        parts.push(format!("{sign}{hours:02}:{minutes:02}:{seconds:02}{fraction}"));
    }
    parts.join(" ")
}

fn list(values: &dyn Array, zone: Tz) -> String {
    let elements = (0..values.len()).map(|row| match cell(values, row, zone) {
        None => "NULL".to_owned(),
        // An array within an array is a dimension of it.
        Some(text) if values.data_type().is_list() => text,
        Some(text) if needs_quotes(&text) => format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")),
        Some(text) => text,
    });
    format!("{{{}}}", elements.collect::<Vec<_>>().join(","))
}

fn needs_quotes(text: &str) -> bool {
    text.is_empty()
        || text.eq_ignore_ascii_case("null")
        || text.contains(|c: char| matches!(c, '{' | '}' | ',' | '"' | '\\') || c.is_ascii_whitespace())
}

#[test]
fn values_are_written_as_postgres_writes_them() {
    assert_eq!(float(1.0), "1");
    assert_eq!(float(0.1), "0.1");
    assert_eq!(float(1e14), "100000000000000");
    assert_eq!(float(1e15), "1e+15");
    assert_eq!(float(1.5e-5), "1.5e-05");
    assert_eq!(float(0.0001), "0.0001");
    assert_eq!(float(f64::NEG_INFINITY), "-Infinity");
    assert_eq!(float(f64::NAN), "NaN");
    let at = DateTime::<Utc>::from_timestamp_micros(1_700_000_000_120_000).unwrap();
    assert_eq!(instant(at, Tz::UTC), "2023-11-14 22:13:20.12+00");
    assert_eq!(instant(at, Tz::America__New_York), "2023-11-14 17:13:20.12-05");
    assert_eq!(instant(at, Tz::Asia__Kolkata), "2023-11-15 03:43:20.12+05:30");
}
