//! Parameters that a Postgres client binds (Bind, EXECUTE): values in text or binary form become DataFusion scalars of
//! the type the statement expects.
//!
//! The extended protocol reads each value once per Bind; the engine then executes the plan with them.

mod binary;
mod convert;
mod text;

use super::error::Failure;
use super::types::{Format, arrow_type, postgres_type};
use crate::dialect::catalog::types::{display, of_arrow};
use crate::engine::ScalarValue;
use crate::text::is_text;
use crate::text::style::Style;
use arrow::datatypes::DataType;
use binary::read_binary;
use bytes::Bytes;
use convert::{invalid_text, utf8};
use postgres_types::Type;
use text::read_text;

/// What a parameter is said to be, and what the statement wants.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Parameter {
    /// Type the client declared, or was described with.
    pub(super) described: Type,
    /// Type the plan found out, if any.
    pub(super) wanted: Option<DataType>,
}

impl Parameter {
    /// The type its value should have.
    pub(super) fn wanted_type(&self) -> DataType {
        self.wanted.clone().unwrap_or_else(|| arrow_type(&self.described))
    }

    /// Reads a value, `None` being NULL.
    ///
    /// # Errors
    /// 22P02 for a text that does not read, 22P03 for bytes of the wrong length, 22008 and 22003 for what is out of
    /// range; `number` (from 1) and the value are named.
    pub(super) fn read(
        &self,
        number: usize,
        value: Option<&Bytes>,
        format: Format,
        style: &Style,
    ) -> Result<ScalarValue, Failure> {
        let wanted = &self.wanted_type();
        let Some(bytes) = value else {
            return ScalarValue::try_from(wanted).map_err(|error| Failure::new("0A000", error.to_string()));
        };
        let scalar = match format {
            Format::Text => read_text(utf8(bytes)?, &self.described, style)?,
            Format::Binary => read_binary(&mut bytes.clone(), &self.described)
                .ok_or_else(|| malformed(number))
                .and_then(|scalar| scalar)?,
        };
        if scalar.data_type() == *wanted || self.wanted.is_none() {
            return Ok(scalar);
        }
        fitted(scalar, wanted, style)
    }
}

/// A scalar as the type the plan wants.
///
/// # Errors
/// 22P02 and its like for a text that does not read as it, 42804 for a value that would lose something.
pub(super) fn fitted(scalar: ScalarValue, wanted: &DataType, style: &Style) -> Result<ScalarValue, Failure> {
    if scalar.is_null() {
        return ScalarValue::try_from(wanted).map_err(|error| Failure::new("0A000", error.to_string()));
    }
    if let (ScalarValue::Utf8(Some(text)), false) = (&scalar, is_text(wanted)) {
        // A text where something else is wanted reads as that.
        let plain = postgres_type(wanted);
        let read = read_text(text, &plain, style)?;
        if read.data_type() == *wanted {
            return Ok(read);
        }
        return read.cast_to(wanted).map_err(|_| invalid_text(text, &plain));
    }
    if is_text(wanted)
        && let Some(text) = own_text(&scalar)
    {
        return text.cast_to(wanted).map_err(|_| Failure::new("0A000", "cannot read a parameter as text"));
    }
    let alike = match (group(&scalar.data_type()), group(wanted)) {
        (Some(found), Some(wanted)) => found == wanted,
        _ => true,
    };
    match scalar.cast_to(wanted) {
        Ok(_) if !alike => Err(unlike(&scalar, wanted)),
        Ok(cast) if is_text(wanted) || cast.cast_to(&scalar.data_type()).is_ok_and(|back| back == scalar) => Ok(cast),
        _ => Err(unlike(&scalar, wanted)),
    }
}

/// A value of EXECUTE as the type of its parameter, to which it is assigned: a number becomes a whole one by rounding.
///
/// # Errors
/// Those of [`fitted`], and 22003 for a number that is out of the type's range.
pub(super) fn assigned(scalar: ScalarValue, wanted: &DataType, style: &Style) -> Result<ScalarValue, Failure> {
    let found = scalar.data_type();
    if scalar.is_null() || !wanted.is_signed_integer() || !(found.is_floating() || found.is_decimal()) {
        return fitted(scalar, wanted, style);
    }
    let out = || Failure::new("22003", format!("{} out of range", display(of_arrow(wanted).0, None)));
    let whole = whole(&scalar).ok_or_else(out)?;
    let number = ScalarValue::Int64(Some(i64::try_from(whole).map_err(|_| out())?));
    number.cast_to(wanted).ok().filter(|number| !number.is_null()).ok_or_else(out)
}

/// A number rounded to a whole one: halves of a double go to the even side, those of a numeric away from zero.
fn whole(scalar: &ScalarValue) -> Option<i128> {
    if scalar.data_type().is_floating() {
        let ScalarValue::Float64(Some(number)) = scalar.cast_to(&DataType::Float64).ok()? else { return None };
        let rounded = number.round_ties_even();
        return (rounded.abs() < 1e19).then_some(rounded as i128);
    }
    let ScalarValue::Utf8(Some(text)) = scalar.cast_to(&DataType::Utf8).ok()? else { return None };
    let (before, behind) = text.split_once('.').unwrap_or((&text, ""));
    let number: i128 = if matches!(before, "" | "-") { 0 } else { before.parse().ok()? };
    let away = i128::from(behind.starts_with(|digit: char| digit >= '5'));
    Some(if text.starts_with('-') { number - away } else { number + away })
}

/// 42804: a value that does not become one of the parameter's type without being asked.
fn unlike(scalar: &ScalarValue, wanted: &DataType) -> Failure {
    let (found, wanted) = (postgres_type(&scalar.data_type()), postgres_type(wanted));
    Failure::new("42804", format!("a parameter of type {wanted} cannot be {found} {scalar}"))
}

/// Which types become each other where a value is assigned, as a name that those have in common; `None` of all others.
fn group(data_type: &DataType) -> Option<&'static str> {
    Some(match data_type {
        DataType::Boolean => "boolean",
        own if own.is_numeric() => "number",
        DataType::Date32 | DataType::Date64 | DataType::Timestamp(..) => "moment",
        DataType::Time32(_) | DataType::Time64(_) => "time",
        DataType::Interval(_) | DataType::Duration(_) => "interval",
        _ => return None,
    })
}

/// The text of a value that PostgreSQL writes otherwise than Arrow; `None` of all else.
fn own_text(scalar: &ScalarValue) -> Option<ScalarValue> {
    let array = scalar.to_array().ok()?;
    let own = crate::text::uuid::is_uuid(array.data_type())
        || array.data_type().is_floating()
        || crate::text::json::texts(&array).is_some();
    let texts = own.then(|| crate::text::column::texts(&array, &Style::DEFAULT).ok())??;
    ScalarValue::try_from_array(&texts, 0).ok()
}

fn malformed(number: usize) -> Failure {
    Failure::new("22P03", format!("incorrect binary data format in bind parameter {number}"))
}

#[cfg(test)]
mod tests {
    use super::binary::EPOCH_US;
    use super::text::instant;
    use super::*;
    use crate::text::decimal::UNBOUND;
    use arrow::datatypes::IntervalMonthDayNano;

    fn read(described: Type, wanted: Option<DataType>, bytes: &[u8], format: Format) -> Result<ScalarValue, Failure> {
        let value = Bytes::copy_from_slice(bytes);
        let style = Style { zone: crate::text::zone::Zone::named("America/New_York").unwrap(), ..Style::DEFAULT };
        Parameter { described, wanted }.read(1, Some(&value), format, &style)
    }

    /// A `numeric` as parameters are held.
    fn decimal(text: &str) -> ScalarValue {
        let plain = ScalarValue::from(text).cast_to(&DataType::Decimal128(38, 10)).unwrap();
        plain.cast_to(&UNBOUND).unwrap()
    }

    #[track_caller]
    fn check_text(described: Type, text: &str, expected: ScalarValue) {
        assert_eq!(read(described, None, text.as_bytes(), Format::Text).unwrap(), expected);
    }

    #[track_caller]
    fn check_binary(described: Type, bytes: &[u8], expected: ScalarValue) {
        assert_eq!(read(described.clone(), None, bytes, Format::Binary).unwrap(), expected);
        let longer = [bytes, &[0]].concat();
        for wrong in [bytes.get(1..).unwrap(), &longer] {
            assert_eq!(read(described.clone(), None, wrong, Format::Binary).unwrap_err().code, "22P03");
        }
    }

    #[test]
    fn text_of_every_type() {
        check_text(Type::BOOL, " t ", ScalarValue::Boolean(Some(true)));
        check_text(Type::BOOL, "off", ScalarValue::Boolean(Some(false)));
        check_text(Type::INT2, "-7", ScalarValue::Int16(Some(-7)));
        check_text(Type::INT8, "9223372036854775807", ScalarValue::Int64(Some(i64::MAX)));
        check_text(Type::FLOAT8, "1e3", ScalarValue::Float64(Some(1000.0)));
        check_text(Type::FLOAT8, "-Infinity", ScalarValue::Float64(Some(f64::NEG_INFINITY)));
        check_text(Type::NUMERIC, "-12.340", decimal("-12.34"));
        check_text(Type::NUMERIC, "1.5e3", decimal("1500"));
        check_text(Type::VARCHAR, " a ", ScalarValue::from(" a "));
        check_text(Type::BYTEA, "\\x00Ff", ScalarValue::Binary(Some(vec![0, 255])));
        check_text(Type::BYTEA, "a\\\\\\377", ScalarValue::Binary(Some(vec![b'a', b'\\', 255])));
        check_text(Type::DATE, "2024-02-29", ScalarValue::Date32(Some(19_782)));
        check_text(Type::TIME, "09:30", ScalarValue::Time64Microsecond(Some(34_200_000_000)));
        let interval = IntervalMonthDayNano::new(14, -3, 14_706_700_000_000);
        check_text(
            Type::INTERVAL,
            "1 year 2 mons -3 days 04:05:06.7",
            ScalarValue::IntervalMonthDayNano(Some(interval)),
        );
    }

    #[test]
    fn instants_in_text() {
        let local = |us| ScalarValue::TimestampMicrosecond(Some(us), None);
        check_text(Type::TIMESTAMP, "1970-01-02", local(86_400_000_000));
        check_text(Type::TIMESTAMP, "1970-01-01T00:00:01.5", local(1_500_000));
        check_text(Type::TIMESTAMPTZ, "1970-01-01 00:00:00+00", instant(0));
        check_text(Type::TIMESTAMPTZ, "1970-01-01 05:30:00+05:30", instant(0));
        check_text(Type::TIMESTAMPTZ, "1970-01-01T00:00:00Z", instant(0));
        // Without an offset it is the session's.
        check_text(Type::TIMESTAMPTZ, "2024-07-01 08:00:00", instant(1_719_835_200_000_000));
    }

    #[test]
    fn arrays_in_text() {
        let list =
            |values: &[ScalarValue], of: &DataType| ScalarValue::List(ScalarValue::new_list_nullable(values, of));
        let numbers = [ScalarValue::Int32(Some(1)), ScalarValue::Int32(None)];
        check_text(Type::INT4_ARRAY, "{1, NULL}", list(&numbers, &DataType::Int32));
        check_text(Type::INT4_ARRAY, "{}", list(&[], &DataType::Int32));
        let texts = ["a b", "null", "q\"\\", ","].map(ScalarValue::from);
        check_text(Type::TEXT_ARRAY, r#"{a b,"null","q\"\\",","}"#, list(&texts, &DataType::Utf8));
    }

    #[test]
    fn text_that_does_not_read_is_refused() {
        let refused = |described: Type, text: &str, code: &str| {
            assert_eq!(read(described, None, text.as_bytes(), Format::Text).unwrap_err().code, code, "{text}");
        };
        refused(Type::INT4, "abc", "22P02");
        refused(Type::INT4, "3000000000", "22003");
        refused(Type::BOOL, "maybe", "22P02");
        refused(Type::FLOAT8, "", "22P02");
        refused(Type::NUMERIC, "1.2.3", "22P02");
        refused(Type::DATE, "2024-02-30", "22008");
        refused(Type::TIMESTAMPTZ, "yesterday-ish", "22007");
        refused(Type::TIMESTAMPTZ, "2024-01-01 00:00:00+99", "22009");
        refused(Type::INTERVAL, "soon", "22007");
        refused(Type::BYTEA, "\\xabc", "22P02");
        refused(Type::INT4_ARRAY, "{1,{2}}", "22P02");
        refused(Type::INT4_ARRAY, "{1,}", "22P02");
        refused(Type::TEXT_ARRAY, "{\"a}", "22P02");
        refused(Type::TEXT, "a\0b", "22021");
    }

    #[test]
    fn binary_of_every_type() {
        check_binary(Type::BOOL, &[1], ScalarValue::Boolean(Some(true)));
        check_binary(Type::INT4, &[255, 255, 255, 254], ScalarValue::Int32(Some(-2)));
        check_binary(Type::FLOAT8, &1.5_f64.to_be_bytes(), ScalarValue::Float64(Some(1.5)));
        check_binary(Type::DATE, &1_i32.to_be_bytes(), ScalarValue::Date32(Some(10_958)));
        check_binary(Type::TIMESTAMPTZ, &1_i64.to_be_bytes(), instant(EPOCH_US + 1));
        check_binary(Type::UUID, &[0; 16], ScalarValue::FixedSizeBinary(16, Some(vec![0; 16])));
        let numeric = [0, 2, 0, 0, 0x40, 0, 0, 2, 0, 123, 17, 148];
        check_binary(Type::NUMERIC, &numeric, decimal("-123.45"));
        let small = [0, 1, 255, 255, 0, 0, 0, 2, 1, 244];
        check_binary(Type::NUMERIC, &small, decimal("0.05"));
        let array = [0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 23, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 4, 0, 0, 0, 7];
        let seven = ScalarValue::new_list_nullable(&[ScalarValue::Int32(Some(7))], &DataType::Int32);
        check_binary(Type::INT4_ARRAY, &array, ScalarValue::List(seven));
    }

    #[test]
    fn a_huge_count_allocates_nothing() {
        let array = [0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 23, 0, 15, 255, 255, 0, 0, 0, 1];
        assert_eq!(read(Type::INT4_ARRAY, None, &array, Format::Binary).unwrap_err().code, "22P03");
    }

    #[test]
    fn a_value_takes_the_wanted_type_only_when_it_fits() {
        let fit = |described, wanted, text: &str| read(described, Some(wanted), text.as_bytes(), Format::Text);
        assert_eq!(fit(Type::INT2, DataType::Float64, "5").unwrap(), ScalarValue::Float64(Some(5.0)));
        assert_eq!(fit(Type::FLOAT8, DataType::Int64, "5").unwrap(), ScalarValue::Int64(Some(5)));
        assert_eq!(fit(Type::FLOAT8, DataType::Int64, "2.5").unwrap_err().code, "42804");
        assert_eq!(fit(Type::INT8, DataType::Int32, "3000000000").unwrap_err().code, "42804");
        assert_eq!(fit(Type::TEXT, DataType::Date32, "1970-01-02").unwrap(), ScalarValue::Date32(Some(1)));
        assert_eq!(fit(Type::TEXT, DataType::Date32, "x").unwrap_err().code, "22007");
        let view = fit(Type::TEXT, DataType::Utf8View, "a").unwrap();
        assert_eq!(view, ScalarValue::Utf8View(Some("a".to_owned())));
        let null = Parameter { described: Type::INT4, wanted: Some(DataType::Int64) };
        assert_eq!(null.read(1, None, Format::Text, &Style::DEFAULT).unwrap(), ScalarValue::Int64(None));
    }
}
