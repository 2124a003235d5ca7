//! `generate_series` of moments and decimals as one list, and DataFusion's own of whole numbers; `date_add` and
//! `date_subtract`, which move a moment in a zone.
//!
//! DataFusion 55: a series of moments needs bounds and step of exact types, is in nanoseconds, and of dates it gives
//! dates. Not needed once `generate_series(date '2026-01-01', date '2026-01-03', '1 day')` gives `timestamptz`.

use super::arithmetic::{span_negated, timestamp_plus, timestamptz_plus};
use super::convert::length_us;
use super::fault::{invalid, not_supported, out_of_range, unknown};
use super::function::{Call, invoke, named};
use super::types::{INTERVAL, Kind, TIMESTAMP, TIMESTAMPTZ};
use crate::text::calendar::is_infinite;
use crate::text::zone::Zone;
use datafusion::arrow::array::{ArrayRef, Decimal128Builder, ListBuilder, TimestampMicrosecondBuilder};
use datafusion::arrow::datatypes::{
    DataType, Decimal128Type, Field, IntervalMonthDayNano, IntervalMonthDayNanoType, TimestampMicrosecondType,
};
use datafusion::common::{Result, exec_err};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility};
use std::sync::Arc;

/// The function `generate_series` of all its types.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Series {
    /// DataFusion's function, for whole numbers.
    whole: Arc<ScalarUDF>,
    signature: Signature,
}

impl Series {
    /// The function over DataFusion's.
    pub(crate) fn over(whole: Arc<ScalarUDF>) -> Self {
        Self { whole, signature: Signature::user_defined(Volatility::Stable) }
    }
}

/// Elements of one list, at most.
const ELEMENTS_MAX: usize = 1 << 24;

/// The types of a series of moments or decimals; `None` for other arguments.
fn resolved(given: &[DataType]) -> Option<(Vec<DataType>, DataType)> {
    let text = |given: &DataType| matches!(given, DataType::Null | DataType::Utf8 | DataType::Utf8View);
    if given.iter().any(|given| matches!(given, DataType::Decimal128(..))) {
        let scale = |given: &DataType| match given {
            DataType::Decimal128(_, scale) => Some(*scale),
            given if given.is_integer() || text(given) => Some(0),
            _ => None,
        };
        let scale = given.iter().map(scale).collect::<Option<Vec<_>>>()?.into_iter().max()?;
        let number = DataType::Decimal128(38, scale);
        return (2..=3).contains(&given.len()).then(|| (vec![number.clone(); given.len()], number));
    }
    let (start, stop, step) = match given {
        [start, stop, step] | [start, stop, step, _] => (start, stop, step),
        _ => return None,
    };
    let kind = |given: &DataType| match Kind::of(given) {
        Some(kind) if kind.is_moment() => Some(Some(kind)),
        None if text(given) => Some(None),
        _ => None,
    };
    let spans = text(step) || matches!(Kind::of(step), Some(Kind::Interval | Kind::Time));
    let moment = match (kind(start)?, kind(stop)?) {
        (None, None) if text(step) => return None,
        (Some(Kind::Timestamp), Some(Kind::Timestamp | Kind::Date) | None)
        | (Some(Kind::Date) | None, Some(Kind::Timestamp))
            if given.len() == 3 =>
        {
            TIMESTAMP
        }
        _ => TIMESTAMPTZ.clone(),
    };
    let mut types = vec![moment.clone(), moment.clone(), INTERVAL];
    if given.len() == 4 {
        types.push(DataType::Utf8);
    }
    spans.then_some((types, moment))
}

impl ScalarUDFImpl for Series {
    fn name(&self) -> &str {
        "generate_series"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        if let Some((types, _)) = resolved(arguments) {
            return Ok(types);
        }
        if arguments.iter().any(|given| matches!(given, DataType::Decimal256(..))) {
            let text = "generate_series of numbers without a number of places is not supported";
            return Err(not_supported(text.to_owned()));
        }
        let whole = |given: &DataType| {
            given.is_integer() || matches!(given, DataType::Null | DataType::Utf8 | DataType::Utf8View)
        };
        if !arguments.iter().all(whole) || !(2..=3).contains(&arguments.len()) {
            let name = |given: &DataType| {
                crate::dialect::catalog::types::display(crate::dialect::catalog::types::of_arrow(given).0, None)
            };
            let types: Vec<String> = arguments.iter().map(name).collect();
            return Err(unknown(format!("function generate_series({}) does not exist", types.join(", "))));
        }
        Ok(vec![DataType::Int64; arguments.len()])
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        match resolved(arguments) {
            Some((_, element)) => Ok(DataType::List(Arc::new(Field::new_list_field(element, true)))),
            None => self.whole.return_type(arguments),
        }
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let DataType::List(element) = arguments.return_type() else { return exec_err!("a list is wanted") };
        match element.data_type() {
            DataType::Timestamp(..) => invoke(&arguments, Volatility::Stable, moments),
            DataType::Decimal128(..) => invoke(&arguments, Volatility::Stable, decimals),
            _ => self.whole.invoke_with_args(arguments),
        }
    }
}

/// A list of moments for each row, NULL where an argument is.
fn moments(call: &Call<'_>) -> Result<ArrayRef> {
    let DataType::List(element) = call.returns else { return exec_err!("a list is wanted") };
    let (starts, stops) = (call.column::<TimestampMicrosecondType>(0)?, call.column::<TimestampMicrosecondType>(1)?);
    let steps = call.column::<IntervalMonthDayNanoType>(2)?;
    let zones = if call.args.len() == 4 { Some(call.texts(3)?) } else { None };
    let zoned = *element.data_type() != TIMESTAMP;
    let values = TimestampMicrosecondBuilder::new().with_data_type(element.data_type().clone());
    let mut lists = ListBuilder::new(values).with_field(element.clone());
    for row in 0..call.rows {
        let named = zones.as_ref().map(|zones| zones.at(row));
        let (Some(start), Some(stop), Some(step)) = (starts.at(row), stops.at(row), steps.at(row)) else {
            lists.append_null();
            continue;
        };
        let zone = match named {
            Some(None) => {
                lists.append_null();
                continue;
            }
            Some(Some(name)) => zone_of(name)?,
            None => call.zone().clone(),
        };
        let forward = match length_us(step) {
            0 => return Err(invalid("step size cannot equal zero".to_owned())),
            length => length > 0,
        };
        if is_infinite(start) || is_infinite(stop) {
            return Err(out_of_range("timestamp"));
        }
        let mut at = start;
        let mut count = 0;
        while if forward { at <= stop } else { at >= stop } {
            lists.values().append_value(at);
            count += 1;
            if count > ELEMENTS_MAX {
                return exec_err!("a series has at most {ELEMENTS_MAX} elements here");
            }
            at = if zoned { timestamptz_plus(at, step, &zone)? } else { timestamp_plus(at, step)? };
        }
        lists.append(true);
    }
    Ok(Arc::new(lists.finish()))
}

/// A list of decimals for each row, NULL where an argument is.
fn decimals(call: &Call<'_>) -> Result<ArrayRef> {
    let DataType::List(element) = call.returns else { return exec_err!("a list is wanted") };
    let DataType::Decimal128(_, scale) = element.data_type() else { return exec_err!("a decimal is wanted") };
    let one = 10_i128.pow(u32::try_from(*scale).unwrap_or(0));
    let (starts, stops) = (call.column::<Decimal128Type>(0)?, call.column::<Decimal128Type>(1)?);
    let steps = if call.args.len() == 3 { Some(call.column::<Decimal128Type>(2)?) } else { None };
    let values = Decimal128Builder::new().with_data_type(element.data_type().clone());
    let mut lists = ListBuilder::new(values).with_field(element.clone());
    for row in 0..call.rows {
        let step = steps.as_ref().map_or(Some(one), |steps| steps.at(row));
        let (Some(start), Some(stop), Some(step)) = (starts.at(row), stops.at(row), step) else {
            lists.append_null();
            continue;
        };
        if step == 0 {
            return Err(invalid("step size cannot equal zero".to_owned()));
        }
        let mut at = start;
        let mut count = 0;
        while if step > 0 { at <= stop } else { at >= stop } {
            lists.values().append_value(at);
            count += 1;
            if count > ELEMENTS_MAX {
                return exec_err!("a series has at most {ELEMENTS_MAX} elements here");
            }
            at = at.checked_add(step).ok_or_else(|| out_of_range("numeric"))?;
        }
        lists.append(true);
    }
    Ok(Arc::new(lists.finish()))
}

fn zone_of(name: &str) -> Result<Zone> {
    Zone::of_text(name).ok_or_else(|| invalid(format!("time zone \"{name}\" not recognized")))
}

/// The functions `date_add` and `date_subtract`.
pub(crate) fn functions() -> [ScalarUDF; 2] {
    let resolve = |given: &[DataType]| {
        let zone = match given {
            [_, _] => None,
            [_, _, _] => Some(DataType::Utf8),
            _ => return None,
        };
        let types = [TIMESTAMPTZ.clone(), INTERVAL].into_iter().chain(zone).collect();
        Some((types, TIMESTAMPTZ.clone()))
    };
    [
        named("date_add", "A moment and a span later, in a zone.", Volatility::Stable, resolve, |call| moved(call, Ok)),
        named("date_subtract", "A moment and a span earlier, in a zone.", Volatility::Stable, resolve, |call| {
            moved(call, span_negated)
        }),
    ]
}

/// Moments moved by spans, in the session's zone or that of the third argument.
fn moved(call: &Call<'_>, turn: fn(IntervalMonthDayNano) -> Result<IntervalMonthDayNano>) -> Result<ArrayRef> {
    let (moments, spans) = (call.column::<TimestampMicrosecondType>(0)?, call.column::<IntervalMonthDayNanoType>(1)?);
    let zones = if call.args.len() == 3 { Some(call.texts(2)?) } else { None };
    call.rows::<TimestampMicrosecondType>(|row| {
        let (Some(us), Some(span)) = (moments.at(row), spans.at(row)) else { return Ok(None) };
        match &zones {
            None => timestamptz_plus(us, turn(span)?, call.zone()).map(Some),
            Some(zones) => match zones.at(row) {
                Some(name) => timestamptz_plus(us, turn(span)?, &zone_of(name)?).map(Some),
                None => Ok(None),
            },
        }
    })
}
