//! The function `to_char(value, pattern)` writes dates, times, intervals and numbers by PostgreSQL's
//! patterns.
//!
//! DataFusion 55: its `to_char` takes patterns of `strftime`, no numbers, and gives a PostgreSQL
//! pattern such as `YYYY-MM-DD` back as it stands. Not needed once `to_char(date '2026-11-26',
//! 'YYYY-MM-DD')` is `2026-11-26` there.

use crate::dialect::moment::types::{INTERVAL, Kind, TIME, TIMESTAMPTZ};
use crate::dialect::moment::{session_style, write_pattern};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{Result, ScalarValue, exec_err, plan_err};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};

/// The function, which takes the place of DataFusion's; it is stable, because an instant's text
/// depends on the session's zone.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct ToChar {
    signature: Signature,
}

impl Default for ToChar {
    fn default() -> Self {
        Self { signature: Signature::user_defined(Volatility::Stable) }
    }
}

impl ScalarUDFImpl for ToChar {
    fn name(&self) -> &str {
        "to_char"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    /// Dates are moments at midnight, times are written as spans since midnight; numbers stay integers, decimals or floats.
    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        let [value, _] = arguments else { return plan_err!("to_char takes a value and a pattern") };
        let value = match (Kind::of(value), value) {
            (Some(Kind::Date), _) => TIMESTAMPTZ.clone(),
            (Some(Kind::Time), _) => TIME,
            (Some(kind), _) => kind.data_type(),
            (None, DataType::Null) => INTERVAL,
            (None, DataType::Int8 | DataType::Int16 | DataType::UInt8 | DataType::UInt16) => DataType::Int32,
            (None, DataType::UInt32) => DataType::Int64,
            (None, DataType::UInt64) => DataType::Decimal128(20, 0),
            (None, DataType::Float16) => DataType::Float32,
            (None, number) if number.is_numeric() => number.clone(),
            (None, other) => return plan_err!("function to_char({other}, text) does not exist"),
        };
        Ok(vec![value, DataType::Utf8])
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [values, patterns] = arguments.args.as_slice() else {
            return plan_err!("to_char takes a value and a pattern");
        };
        if Kind::of(&values.data_type()).is_some() {
            let constant = [values, patterns].iter().all(|argument| matches!(argument, ColumnarValue::Scalar(_)));
            let rows = if constant { 1 } else { arguments.number_rows };
            let patterns = match patterns {
                ColumnarValue::Scalar(pattern) => pattern.to_array()?,
                ColumnarValue::Array(patterns) => patterns.clone(),
            };
            let zone = session_style::zone_of(&arguments.config_options);
            let texts = write_pattern::column(&values.to_array(rows)?, &patterns, zone)?;
            return Ok(match constant {
                true => ColumnarValue::Scalar(ScalarValue::try_from_array(&texts, 0)?),
                false => ColumnarValue::Array(texts),
            });
        }
        let constant = [values, patterns].iter().all(|argument| matches!(argument, ColumnarValue::Scalar(_)));
        let rows = if constant { 1 } else { arguments.number_rows };
        let at = |argument: &ColumnarValue, row: usize| match argument {
            ColumnarValue::Scalar(value) => Ok(value.clone()),
            ColumnarValue::Array(array) => ScalarValue::try_from_array(array, row),
        };
        let mut results = Vec::with_capacity(rows);
        for row in 0..rows {
            let text = match at(patterns, row)? {
                ScalarValue::Utf8(Some(pattern)) => shown(&at(values, row)?, &pattern)?,
                _ => None,
            };
            results.push(ScalarValue::Utf8(text));
        }
        match results.pop() {
            Some(only) if constant => Ok(ColumnarValue::Scalar(only)),
            Some(last) => {
                results.push(last);
                Ok(ColumnarValue::Array(ScalarValue::iter_to_array(results)?))
            }
            None => Ok(ColumnarValue::Array(datafusion::arrow::array::new_empty_array(&DataType::Utf8))),
        }
    }
}

/// The text of one number by a pattern; `None` of NULL.
fn shown(value: &ScalarValue, pattern: &str) -> Result<Option<String>> {
    Ok(match value {
        value if value.is_null() => None,
        number if number.data_type().is_numeric() => super::to_char_number::shown(number, pattern)?,
        other => return exec_err!("to_char does not show {}", other.data_type()),
    })
}
