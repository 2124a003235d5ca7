//! The arguments of functions of options: a text that says call or put, and numbers. And their results.

use crate::dialect::function::section::Section;
use crate::dialect::moment::fault::external;
use crate::dialect::moment::function::{Body, Call, Column, Resolve, Texts, named_in};
use crate::dialect::typing::kind::Kind;
use crate::error::{ErrorKind, QueryError};
use crate::market::option_model::inputs::Sensitivities;
use crate::market::symbol::Side;
use arrow::array::{ArrayRef, Float64Builder, StructArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Field, Fields, Float64Type};
use datafusion::common::Result;
use datafusion::logical_expr::{ScalarUDF, Volatility};
use std::sync::{Arc, LazyLock};

/// A function of options, with a sentence that describes it.
pub(super) fn function(name: &'static str, doc: &str, resolve: Resolve, body: Body) -> ScalarUDF {
    named_in(Section::Numeric, name, doc, Volatility::Immutable, resolve, body)
}

/// Whether values of a type are taken as texts.
pub(super) fn is_text(given: &DataType) -> bool {
    matches!(Kind::of(given), Kind::Text | Kind::Unknown)
}

/// The types of a call with call or put and so many numbers.
pub(super) fn resolved(
    given: &[DataType],
    numbers: impl std::ops::RangeBounds<usize>,
    returns: DataType,
) -> Option<(Vec<DataType>, DataType)> {
    let (kind, rest) = given.split_first()?;
    // A text that is written out is a number; the typing refuses any other.
    let is_number = |given: &DataType| Kind::of(given).is_number() || is_text(given);
    let fits = is_text(kind) && numbers.contains(&rest.len()) && rest.iter().all(is_number);
    let types = std::iter::once(DataType::Utf8).chain(rest.iter().map(|_| DataType::Float64));
    fits.then(|| (types.collect(), returns))
}

/// The columns of a call.
struct Columns {
    kinds: Texts,
    numbers: Vec<Column<Float64Type>>,
}

impl Columns {
    fn of(call: &Call<'_>) -> Result<Self> {
        let numbers = (1..call.args.len()).map(|place| call.column(place)).collect::<Result<_>>()?;
        Ok(Self { kinds: call.texts(0)?, numbers })
    }

    /// The arguments of a row, of which those that are left out are 0; `None` where one is NULL.
    fn at<const N: usize>(&self, row: usize) -> Result<Option<(Side, [f64; N])>> {
        let mut numbers = [0.0; N];
        for (number, column) in numbers.iter_mut().zip(&self.numbers) {
            match column.at(row) {
                Some(value) => *number = value,
                None => return Ok(None),
            }
        }
        self.kinds.at(row).map(|kind| Ok((side(kind)?, numbers))).transpose()
    }
}

/// Call or put, by what people write for it.
fn side(kind: &str) -> Result<Side> {
    let is = |names: [&str; 2]| names.iter().any(|name| kind.eq_ignore_ascii_case(name));
    match (is(["call", "c"]), is(["put", "p"])) {
        (true, _) => Ok(Side::Call),
        (_, true) => Ok(Side::Put),
        _ => {
            let error = QueryError::new(ErrorKind::InvalidParameter, format!("option kind \"{kind}\" is not known"));
            Err(external(error.with_hint("It is 'call' or 'put', or 'c' or 'p'.")))
        }
    }
}

/// A column of numbers, NULL where an argument is and where there is no value.
pub(super) fn numbers<const N: usize>(
    call: &Call<'_>,
    mut value: impl FnMut(Side, [f64; N]) -> Result<Option<f64>>,
) -> Result<ArrayRef> {
    let columns = Columns::of(call)?;
    call.rows::<Float64Type>(|row| match columns.at(row)? {
        Some((side, numbers)) => value(side, numbers),
        None => Ok(None),
    })
}

/// The record of sensitivities.
pub(super) static GREEKS: LazyLock<DataType> = LazyLock::new(|| DataType::Struct(greeks_fields()));

fn greeks_fields() -> Fields {
    ["delta", "gamma", "vega", "theta", "rho"].map(|name| Field::new(name, DataType::Float64, true)).to_vec().into()
}

/// A column of records, NULL where an argument is and where there is no value.
pub(super) fn greeks<const N: usize>(
    call: &Call<'_>,
    mut value: impl FnMut(Side, [f64; N]) -> Result<Option<Sensitivities>>,
) -> Result<ArrayRef> {
    let columns = Columns::of(call)?;
    let mut fields: [Float64Builder; 5] = std::array::from_fn(|_| Float64Builder::with_capacity(call.rows));
    let mut known = Vec::with_capacity(call.rows);
    for row in 0..call.rows {
        let found = columns.at(row)?.map_or(Ok(None), |(side, numbers)| value(side, numbers))?;
        known.push(found.is_some());
        let values = found.map(|Sensitivities { delta, gamma, vega, theta, rho, .. }| [delta, gamma, vega, theta, rho]);
        for (place, field) in fields.iter_mut().enumerate() {
            field.append_option(values.map(|values| values[place]));
        }
    }
    let arrays = fields.map(|mut field| Arc::new(field.finish()) as ArrayRef).to_vec();
    let records = StructArray::try_new(greeks_fields(), arrays, Some(NullBuffer::from(known)))?;
    Ok(Arc::new(records))
}
