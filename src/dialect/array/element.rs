//! The function `array_subscript`: the element of an array at one place of each dimension, `a[i]` and
//! `a[i][j]`, over whole columns.

use super::value::{base, depth};
use crate::text::json;
use datafusion::arrow::array::{Array, ArrayRef, AsArray, UInt64Array};
use datafusion::arrow::compute::{cast, take};
use datafusion::arrow::datatypes::{DataType, Int64Type};
use datafusion::common::{Result, ScalarValue, plan_err};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility};
use std::sync::Arc;

/// The function, as DataFusion takes it.
pub(crate) fn function() -> Arc<ScalarUDF> {
    Arc::new(ScalarUDF::from(Element { signature: Signature::user_defined(Volatility::Immutable) }))
}

/// An element by its places. A place that is not there, a NULL place, and another number of places than
/// there are dimensions give NULL.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Element {
    signature: Signature,
}

impl ScalarUDFImpl for Element {
    fn name(&self) -> &str {
        "array_subscript"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        let Some((array, places)) = arguments.split_first() else { return plan_err!("an array is wanted") };
        if json::is_jsonb(array) {
            // The typing of calls makes a path of the subscripts.
            return Ok(arguments.to_vec());
        }
        let array = match array {
            DataType::List(_) | DataType::Null => array.clone(),
            DataType::LargeList(field) | DataType::FixedSizeList(field, _) => DataType::List(field.clone()),
            other => return plan_err!("cannot subscript type {other} because it does not support subscripting"),
        };
        let fits = |place: &DataType| place.is_integer() || place.is_null() || place.is_string();
        if !places.iter().all(fits) {
            return plan_err!("array subscript must have type integer");
        }
        Ok(std::iter::once(array).chain(places.iter().map(|_| DataType::Int64)).collect())
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        if let Some(document) = arguments.first().filter(|first| json::is_jsonb(first)) {
            return Ok(document.clone());
        }
        Ok(arguments.first().map(base).cloned().unwrap_or(DataType::Null))
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let result = arguments.return_type().clone();
        let constant = arguments.args.iter().all(|argument| matches!(argument, ColumnarValue::Scalar(_)));
        let rows = if constant { 1 } else { arguments.number_rows };
        let mut columns = arguments.args.iter().map(|argument| argument.to_array(rows));
        let Some(array) = columns.next().transpose()? else { return plan_err!("an array is wanted") };
        let places = columns.collect::<Result<Vec<_>>>()?;
        let elements = elements(&array, &places, &result)?;
        Ok(match constant {
            true => ColumnarValue::Scalar(ScalarValue::try_from_array(&elements, 0)?),
            false => ColumnarValue::Array(elements),
        })
    }
}

/// The elements of a column of arrays at the places of each row.
fn elements(array: &ArrayRef, places: &[ArrayRef], result: &DataType) -> Result<ArrayRef> {
    let rows = array.len();
    if depth(array.data_type()) != places.len() {
        return Ok(datafusion::arrow::array::new_null_array(result, rows));
    }
    let places = places.iter().map(|place| cast(place, &DataType::Int64)).collect::<Result<Vec<_>, _>>()?;
    // Where each row's element is in the values of the level reached so far.
    let mut at: Vec<Option<usize>> = (0..rows).map(Some).collect();
    let mut level = array.clone();
    for place in &places {
        let (lists, place) = (level.as_list::<i32>().clone(), place.as_primitive::<Int64Type>());
        let offsets = lists.offsets();
        for (row, at) in at.iter_mut().enumerate() {
            *at = at.filter(|list| lists.is_valid(*list) && place.is_valid(row)).and_then(|list| {
                let (start, end) = (offsets[list] as usize, offsets[list + 1] as usize);
                let place = usize::try_from(place.value(row)).ok()?.checked_sub(1)?;
                (place < end - start).then(|| start + place)
            });
        }
        level = lists.values().clone();
    }
    let indices: UInt64Array = at.into_iter().map(|at| at.map(|at| at as u64)).collect();
    Ok(take(&level, &indices, None)?)
}
