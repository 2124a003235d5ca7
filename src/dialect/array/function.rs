//! Functions on arrays, with PostgreSQL's results for NULL, for what is not there, and for several
//! dimensions.

use super::order;
use super::value::{PgArray, base, depth, error, nested, same};
use crate::dialect::function::define::{
    ANY_NUMBER, Context, Definition, Facts, Returns, define, integer, null, stable, text,
};
use crate::dialect::function::result_size;
use crate::dialect::function::section::Section;
use crate::error::ErrorKind;
use crate::text::array::{parse, rows};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::type_coercion::binary::type_union_resolution;
use datafusion::logical_expr::{ScalarUDF, Volatility};
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, OnceLock};

/// The functions by name, for rules that put them in the place of others.
static OWN: LazyLock<BTreeMap<&'static str, Arc<ScalarUDF>>> = LazyLock::new(|| {
    let started_at = crate::clock::Clock::System.now();
    let facts = Arc::new(Facts { catalog: None, session: None, started_at, signatures: OnceLock::new() });
    FUNCTIONS.iter().map(|function| (function.name, Arc::new(define(function, &facts)))).collect()
});

/// The function of a name, the same each time.
pub(crate) fn own(name: &str) -> Option<&'static Arc<ScalarUDF>> {
    OWN.get(name)
}

/// The definitions of this file.
pub(crate) const FUNCTIONS: &[Definition] = &[
    array("array_append", "An array with an element behind.", &[2], Returns::From(|types| wider(types, 0, 1)), append)
        .sized(result_size::sum),
    array("array_cat", "Two arrays, one behind the other.", &[2], Returns::From(|types| wider(types, 0, 1)), cat)
        .sized(result_size::sum),
    array("array_contains", "Whether an array has all elements of another.", &[2], Returns::Bool, |_, values| {
        both(values, |one, other| other.iter().all(|wanted| has(one, wanted)))
    }),
    array("array_dims", "The dimensions of an array, as a text.", &[1], Returns::Text, dimensions),
    array(
        "array_fill",
        "An array of one value, by the lengths of its dimensions.",
        &[2, 3],
        Returns::From(|types| DataType::new_list(types.first().cloned().unwrap_or(DataType::Null), true)),
        fill,
    )
    .sized(result_size::filled),
    array(
        "array_flat",
        "The elements of an array of several dimensions, in one.",
        &[1],
        Returns::From(|types| DataType::new_list(types.first().map(base).cloned().unwrap_or(DataType::Null), true)),
        |_, values| {
            let Some(array) = first(values)? else { return Ok(null()) };
            let result = DataType::new_list(array.element.clone(), true);
            PgArray::flat(array.element, array.items).into_value(&result)
        },
    ),
    array("array_length", "The length of one dimension of an array.", &[2], Returns::Int, length),
    array("array_ndims", "How many dimensions an array has.", &[1], Returns::Int, |_, values| {
        let Some(array) = first(values)? else { return Ok(null()) };
        Ok(if array.lengths.is_empty() { null() } else { count(array.lengths.len()) })
    }),
    array("array_order", "Which of two arrays comes first, as -1, 0 or 1.", &[2], Returns::Int, |_, values| {
        order::order(values)
    }),
    array("array_overlaps", "Whether two arrays have an element in common.", &[2], Returns::Bool, |_, values| {
        both(values, |one, other| other.iter().any(|wanted| has(one, wanted)))
    }),
    array("array_position", "The first place of an element in an array.", &[2, 3], Returns::Int, position),
    array(
        "array_positions",
        "All places of an element in an array.",
        &[2],
        Returns::From(|_| DataType::new_list(DataType::Int32, true)),
        positions,
    ),
    array(
        "array_prepend",
        "An array with an element in front.",
        &[2],
        Returns::From(|types| wider(types, 1, 0)),
        prepend,
    )
    .sized(result_size::sum),
    array(
        "array_range",
        "A part of an array, by the bounds of each dimension.",
        ANY_NUMBER,
        Returns::From(same_type),
        range,
    ),
    array("array_remove", "An array without the elements that equal one.", &[2], Returns::From(same_type), remove),
    array(
        "array_replace",
        "An array with one element in the place of another.",
        &[3],
        Returns::From(same_type),
        replace,
    )
    .sized(result_size::sum),
    array("cardinality", "How many elements an array has.", &[1], Returns::Int, |_, values| {
        Ok(first(values)?.map_or_else(null, |array| count(array.items.len())))
    }),
    array("trim_array", "An array without so many elements at its end.", &[2], Returns::From(same_type), trim),
    array(
        "array_texts",
        "The elements of an array that is written as a text.",
        &[1],
        Returns::From(|_| DataType::new_list(DataType::Utf8, true)),
        |_, values| texts(values),
    ),
    array(
        "array_whole",
        "An array of arrays, which are of one length.",
        &[1],
        Returns::From(|types| types.first().cloned().unwrap_or(DataType::Null)),
        |_, values| whole(values),
    ),
];

/// A function on arrays, which gives the same for the same.
const fn array(
    name: &'static str,
    doc: &'static str,
    arguments: &'static [usize],
    returns: Returns,
    body: fn(&Context<'_>, &[ScalarValue]) -> Result<ScalarValue>,
) -> Definition {
    let defined = stable(name, doc, arguments, returns, body).about(Section::Other);
    Definition { volatility: Volatility::Immutable, ..defined }
}

/// The type of the first argument.
fn same_type(types: &[DataType]) -> DataType {
    types.first().cloned().unwrap_or(DataType::Null)
}

/// The type of an array, wide enough for what is added to it: an element, or another array.
fn wider(types: &[DataType], array: usize, added: usize) -> DataType {
    let (Some(array), Some(added)) = (types.get(array), types.get(added)) else { return DataType::Null };
    let deep = depth(array).max(depth(added)).max(1);
    let element = match (base(array), base(added)) {
        (own, DataType::Null) => own.clone(),
        (DataType::Null, other) => other.clone(),
        (own, other) if own == other => own.clone(),
        (own, other) => type_union_resolution(&[own.clone(), other.clone()]).unwrap_or_else(|| own.clone()),
    };
    nested(&element, deep)
}

/// How many, as an `integer`.
fn count(many: usize) -> ScalarValue {
    ScalarValue::Int32(i32::try_from(many).ok())
}

/// The first argument as an array; `None` for NULL.
fn first(values: &[ScalarValue]) -> Result<Option<PgArray>> {
    values.first().map_or(Ok(None), PgArray::of)
}

/// The elements of `{a,"b c",NULL}`.
fn texts(values: &[ScalarValue]) -> Result<ScalarValue> {
    let Some(written) = text(values, 0) else { return Ok(null()) };
    let Some(elements) = parse(&written) else {
        return Err(match rows(&written) {
            Some(_) => error(
                ErrorKind::NotSupported,
                "a text of several dimensions is read as an array only where it is written out",
            ),
            None => error(ErrorKind::InvalidText, format!("malformed array literal: \"{written}\"")),
        });
    };
    let elements: Vec<ScalarValue> = elements.into_iter().map(ScalarValue::Utf8).collect();
    Ok(ScalarValue::List(ScalarValue::new_list_nullable(&elements, &DataType::Utf8)))
}

/// `ARRAY[a, b]` of arrays: of such without elements it has none.
fn whole(values: &[ScalarValue]) -> Result<ScalarValue> {
    let Some(value) = values.first() else { return Ok(null()) };
    match PgArray::of(value)? {
        Some(array) if array.items.is_empty() => array.into_value(&value.data_type()),
        _ => Ok(value.clone()),
    }
}

/// Whether an element is among others; NULL never is.
fn has(elements: &[ScalarValue], wanted: &ScalarValue) -> bool {
    !wanted.is_null() && elements.iter().any(|element| same(element, wanted))
}

/// What is asked of the elements of two arrays; NULL when one is NULL.
fn both(values: &[ScalarValue], asked: fn(&[ScalarValue], &[ScalarValue]) -> bool) -> Result<ScalarValue> {
    let [one, other] = values else { return Ok(null()) };
    let (Some(one), Some(other)) = (PgArray::of(one)?, PgArray::of(other)?) else { return Ok(null()) };
    Ok(ScalarValue::Boolean(Some(asked(&one.items, &other.items))))
}

/// The types of arguments.
fn types(values: &[ScalarValue]) -> Vec<DataType> {
    values.iter().map(ScalarValue::data_type).collect()
}

/// `array_append(a, x)`; a NULL array is an empty one.
fn append(_: &Context<'_>, values: &[ScalarValue]) -> Result<ScalarValue> {
    let [array, element] = values else { return Ok(null()) };
    if depth(&element.data_type()) > 0 {
        return joined(array, element, &wider(&types(values), 0, 1));
    }
    let result = wider(&types(values), 0, 1);
    let mut items = PgArray::of(array)?.map_or_else(Vec::new, |array| array.items);
    items.push(element.clone());
    PgArray::flat(base(&result).clone(), items).into_value(&result)
}

/// `array_prepend(x, a)`; a NULL array is an empty one.
fn prepend(_: &Context<'_>, values: &[ScalarValue]) -> Result<ScalarValue> {
    let [element, array] = values else { return Ok(null()) };
    let result = wider(&types(values), 1, 0);
    if depth(&element.data_type()) > 0 {
        return joined(element, array, &result);
    }
    let mut items = vec![element.clone()];
    items.extend(PgArray::of(array)?.map_or_else(Vec::new, |array| array.items));
    PgArray::flat(base(&result).clone(), items).into_value(&result)
}

/// `array_cat(a, b)`; NULL adds nothing.
fn cat(_: &Context<'_>, values: &[ScalarValue]) -> Result<ScalarValue> {
    let [one, other] = values else { return Ok(null()) };
    joined(one, other, &wider(&types(values), 0, 1))
}

/// Two arrays one behind the other; an array of one dimension less is one row more.
fn joined(one: &ScalarValue, other: &ScalarValue, result: &DataType) -> Result<ScalarValue> {
    let (one, other) = match (PgArray::of(one)?, PgArray::of(other)?) {
        (None, None) => return Ok(null()),
        (Some(only), None) | (None, Some(only)) => return only.into_value(result),
        (Some(one), Some(other)) => (one, other),
    };
    if one.items.is_empty() {
        return other.into_value(result);
    }
    if other.items.is_empty() {
        return one.into_value(result);
    }
    let incompatible = || error(ErrorKind::ArraySubscript, "cannot concatenate incompatible arrays");
    let rows = |array: &PgArray, deep: usize| match array.lengths.len() == deep {
        true => (array.lengths[0], array.lengths[1..].to_vec()),
        false => (1, array.lengths.clone()),
    };
    let deep = one.lengths.len().max(other.lengths.len());
    let ((first, inner), (second, same_inner)) = (rows(&one, deep), rows(&other, deep));
    if inner != same_inner {
        return Err(incompatible());
    }
    let lengths = std::iter::once(first + second).chain(inner).collect();
    let items = one.items.into_iter().chain(other.items).collect();
    PgArray { element: base(result).clone(), lengths, items }.into_value(result)
}

/// `array_dims(a)`, NULL of an empty array.
fn dimensions(_: &Context<'_>, values: &[ScalarValue]) -> Result<ScalarValue> {
    let Some(array) = first(values)?.filter(|array| !array.lengths.is_empty()) else { return Ok(null()) };
    let text: String = array.lengths.iter().map(|length| format!("[1:{length}]")).collect();
    Ok(ScalarValue::from(text))
}

/// `array_length(a, dimension)`, NULL where there is none.
fn length(_: &Context<'_>, values: &[ScalarValue]) -> Result<ScalarValue> {
    let (Some(array), Some(dimension)) = (first(values)?, integer(values, 1)?) else { return Ok(null()) };
    let at = usize::try_from(dimension).ok().and_then(|dimension| dimension.checked_sub(1));
    Ok(at.and_then(|at| array.lengths.get(at)).map_or_else(null, |length| count(*length)))
}

/// `array_fill(value, lengths)`, of one dimension.
fn fill(_: &Context<'_>, values: &[ScalarValue]) -> Result<ScalarValue> {
    let (Some(value), Some(lengths)) = (values.first(), values.get(1)) else { return Ok(null()) };
    if values.len() > 2 {
        return Err(error(ErrorKind::NotSupported, "arrays that do not begin at 1 are not supported"));
    }
    let missing = || error(ErrorKind::NullNotAllowed, "dimension array or low bound array cannot be null");
    let lengths = PgArray::of(lengths)?.ok_or_else(missing)?;
    let mut sizes = Vec::with_capacity(lengths.items.len());
    for size in &lengths.items {
        let size = integer(std::slice::from_ref(size), 0)?
            .ok_or_else(|| error(ErrorKind::NullNotAllowed, "dimension values cannot be null"))?;
        sizes.push(usize::try_from(size).map_err(|_| error(ErrorKind::LimitExceeded, "array size is negative"))?);
    }
    let size = match sizes.as_slice() {
        [] => 0,
        [size] => *size,
        _ => return Err(error(ErrorKind::NotSupported, "array_fill of several dimensions is not supported")),
    };
    let result = DataType::new_list(value.data_type(), true);
    PgArray::flat(value.data_type(), vec![value.clone(); size]).into_value(&result)
}

/// `array_position(a, x)`, or from a place on.
fn position(_: &Context<'_>, values: &[ScalarValue]) -> Result<ScalarValue> {
    let (Some(array), Some(wanted)) = (first(values)?, values.get(1)) else { return Ok(null()) };
    one_dimension(&array, "searching for elements in multidimensional arrays is not supported")?;
    let from = match values.len() {
        2 => 0,
        _ => match integer(values, 2)? {
            Some(start) => usize::try_from(start.saturating_sub(1)).unwrap_or(0),
            None => return Err(error(ErrorKind::NullNotAllowed, "initial position must not be null")),
        },
    };
    let found = (from..array.items.len()).find(|at| same(&array.items[*at], wanted));
    Ok(found.map_or_else(null, |at| count(at + 1)))
}

/// The function `array_positions(a, x)`.
fn positions(_: &Context<'_>, values: &[ScalarValue]) -> Result<ScalarValue> {
    let (Some(array), Some(wanted)) = (first(values)?, values.get(1)) else { return Ok(null()) };
    one_dimension(&array, "searching for elements in multidimensional arrays is not supported")?;
    let places = (0..array.items.len()).filter(|at| same(&array.items[*at], wanted)).map(|at| count(at + 1));
    Ok(ScalarValue::List(ScalarValue::new_list_nullable(&places.collect::<Vec<_>>(), &DataType::Int32)))
}

/// Refuses arrays of several dimensions, in PostgreSQL's words.
fn one_dimension(array: &PgArray, message: &str) -> Result<()> {
    if array.lengths.len() > 1 { Err(error(ErrorKind::NotSupported, message)) } else { Ok(()) }
}

/// The function `array_remove(a, x)`.
fn remove(_: &Context<'_>, values: &[ScalarValue]) -> Result<ScalarValue> {
    let (Some(array), Some(unwanted)) = (first(values)?, values.get(1)) else { return Ok(null()) };
    one_dimension(&array, "removing elements from multidimensional arrays is not supported")?;
    let items = array.items.into_iter().filter(|item| !same(item, unwanted)).collect();
    PgArray::flat(array.element, items).into_value(&same_type(&types(values)))
}

/// `array_replace(a, from, to)`, all of them.
fn replace(_: &Context<'_>, values: &[ScalarValue]) -> Result<ScalarValue> {
    let (Some(mut array), [_, from, to]) = (first(values)?, values) else { return Ok(null()) };
    let to = to.cast_to(&array.element)?;
    array.items.iter_mut().filter(|item| same(item, from)).for_each(|item| *item = to.clone());
    array.into_value(&same_type(&types(values)))
}

/// `trim_array(a, n)`, of the first dimension.
fn trim(_: &Context<'_>, values: &[ScalarValue]) -> Result<ScalarValue> {
    let (Some(mut array), Some(gone)) = (first(values)?, integer(values, 1)?) else { return Ok(null()) };
    let rows = array.lengths.first().copied().unwrap_or(0);
    let Some(left) = usize::try_from(gone).ok().and_then(|gone| rows.checked_sub(gone)) else {
        let message = format!("number of elements to trim must be between 0 and {rows}");
        return Err(error(ErrorKind::ArraySubscript, message));
    };
    let each = array.items.len().checked_div(rows).unwrap_or(0);
    array.items.truncate(left * each);
    if let Some(length) = array.lengths.first_mut() {
        *length = left;
    }
    array.into_value(&same_type(&types(values)))
}

/// `a[low:high]`, with two bounds for each dimension that is named; NULL where one is NULL.
fn range(_: &Context<'_>, values: &[ScalarValue]) -> Result<ScalarValue> {
    let Some(array) = first(values)? else { return Ok(null()) };
    let result = same_type(&types(values));
    let mut bounds = Vec::new();
    for at in (1..values.len()).step_by(2) {
        let (Some(low), Some(high)) = (integer(values, at)?, integer(values, at + 1)?) else { return Ok(null()) };
        bounds.push((low.max(1), high));
    }
    let empty = PgArray::flat(array.element.clone(), Vec::new());
    if bounds.len() > array.lengths.len() {
        return empty.into_value(&result);
    }
    let mut kept: Vec<(usize, usize)> = Vec::with_capacity(array.lengths.len());
    for (at, length) in array.lengths.iter().enumerate() {
        let (low, high) = bounds.get(at).copied().unwrap_or((1, i64::MAX));
        let high = usize::try_from(high).unwrap_or(0).min(*length);
        let low = usize::try_from(low).unwrap_or(usize::MAX);
        if low > high {
            return empty.into_value(&result);
        }
        kept.push((low - 1, high));
    }
    let items = array.items.iter().enumerate().filter(|(at, _)| {
        let mut at = *at;
        kept.iter().zip(&array.lengths).rev().all(|((low, high), length)| {
            let place = at % length;
            at /= length;
            (*low..*high).contains(&place)
        })
    });
    let items = items.map(|(_, item)| item.clone()).collect();
    let lengths = kept.iter().map(|(low, high)| high - low).collect();
    PgArray { element: array.element.clone(), lengths, items }.into_value(&result)
}
