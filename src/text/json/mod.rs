//! JSON as PostgreSQL has it: the types `json` and `jsonb` in Arrow, and their texts.
//!
//! Arrow has no JSON of its own, and a text would compare and group by its spelling. So each type is a
//! struct that nothing else is: `json` holds its text as it was written, `jsonb` its normal text behind
//! a key by which bytes compare as PostgreSQL compares the values. Whatever passes rows on keeps the
//! type, and sorting, grouping and joining need no rule of their own.

mod invalid;
mod number;
mod order;
mod parse;
mod parts;
mod value;
mod write;

use arrow::array::{Array, ArrayRef, AsArray, BinaryBuilder, ListArray, StringArray, StringBuilder, StructArray};
use arrow::datatypes::{DataType, Field, Fields};
use arrow::error::ArrowError;
use std::sync::{Arc, LazyLock};

pub(crate) use invalid::Invalid;
pub(crate) use order::key as order_key;
pub(crate) use parse::{check, parse};
pub(crate) use parts::{Parts, kind, parts, plain};
pub(crate) use value::Value;
pub(crate) use write::quote;

/// The name of the field of `jsonb` by which its values are equal and ordered.
pub(crate) const ORDER: &str = "order";

/// The fields of `json`: its text as written.
static JSON: LazyLock<Fields> = LazyLock::new(|| Fields::from(vec![Field::new("json", DataType::Utf8, true)]));
/// The fields of `jsonb`: the key that orders it, and its normal text.
static JSONB: LazyLock<Fields> = LazyLock::new(|| {
    Fields::from(vec![Field::new(ORDER, DataType::Binary, true), Field::new("jsonb", DataType::Utf8, true)])
});

/// The Arrow type that stands for `json`.
pub(crate) fn json_type() -> DataType {
    DataType::Struct(JSON.clone())
}

/// The Arrow type that stands for `jsonb`.
pub(crate) fn jsonb_type() -> DataType {
    DataType::Struct(JSONB.clone())
}

/// Whether a type stands for `json`.
pub(crate) fn is_json(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Struct(fields) if fields.len() == 1 && named(fields, 0, "json"))
}

/// Whether a type stands for `jsonb`.
pub(crate) fn is_jsonb(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Struct(fields) if fields.len() == 2 && named(fields, 0, ORDER) && named(fields, 1, "jsonb"))
}

/// Whether a field of a struct has that name and holds bytes or text.
fn named(fields: &Fields, index: usize, name: &str) -> bool {
    let plain = |field: &Field| matches!(field.data_type(), DataType::Utf8 | DataType::Binary);
    fields.get(index).is_some_and(|field| field.name() == name && plain(field))
}

/// The texts of an array of one of the two types; `None` for any other.
pub(crate) fn texts(array: &dyn Array) -> Option<StringArray> {
    if !is_json(array.data_type()) && !is_jsonb(array.data_type()) {
        return None;
    }
    let values = array.as_struct();
    let texts = values.columns().last()?.as_string::<i32>();
    let (offsets, bytes, nulls) = texts.clone().into_parts();
    let nulls = arrow::buffer::NullBuffer::union(nulls.as_ref(), values.nulls());
    StringArray::try_new(offsets, bytes, nulls).ok()
}

/// Makes an array of the wanted type of texts that are valid, or normal where it is `jsonb`; also of
/// lists of them. An array of any other type, or of the wanted one, is passed on.
///
/// # Errors
/// A text that is no JSON.
pub(crate) fn wrap(array: &ArrayRef, wanted: &DataType) -> Result<ArrayRef, ArrowError> {
    match (array.data_type(), wanted) {
        (DataType::List(_), DataType::List(field)) => {
            let list = array.as_list::<i32>();
            let values = wrap(list.values(), field.data_type())?;
            Ok(Arc::new(ListArray::try_new(field.clone(), list.offsets().clone(), values, list.nulls().cloned())?))
        }
        (DataType::Utf8, wanted) if is_json(wanted) => {
            Ok(Arc::new(StructArray::try_new(JSON.clone(), vec![array.clone()], array.nulls().cloned())?))
        }
        (DataType::Utf8, wanted) if is_jsonb(wanted) => {
            let texts = array.as_string::<i32>();
            let mut keys = BinaryBuilder::new();
            for text in texts {
                match text {
                    None => keys.append_null(),
                    Some(text) => {
                        let value = parse(text).map_err(|_| ArrowError::ComputeError("no JSON".to_owned()))?;
                        keys.append_value(order::key(&value));
                    }
                }
            }
            let columns: Vec<ArrayRef> = vec![Arc::new(keys.finish()), array.clone()];
            Ok(Arc::new(StructArray::try_new(JSONB.clone(), columns, array.nulls().cloned())?))
        }
        _ => Ok(array.clone()),
    }
}

/// The type with texts where it has JSON, also in lists.
pub(crate) fn plain_type(data_type: &DataType) -> DataType {
    match data_type {
        own if is_json(own) || is_jsonb(own) => DataType::Utf8,
        DataType::List(field) => {
            DataType::List(Arc::new(field.as_ref().clone().with_data_type(plain_type(field.data_type()))))
        }
        other => other.clone(),
    }
}

/// Columns of the two types, also in lists, as the texts that a client reads; all else as it is.
pub(crate) fn unwrapped(array: &ArrayRef) -> ArrayRef {
    if let Some(texts) = texts(array) {
        return Arc::new(texts);
    }
    match array.data_type() {
        DataType::List(field) if is_json(field.data_type()) || is_jsonb(field.data_type()) => {
            let list = array.as_list::<i32>();
            let field = Arc::new(field.as_ref().clone().with_data_type(DataType::Utf8));
            let values = unwrapped(list.values());
            match ListArray::try_new(field, list.offsets().clone(), values, list.nulls().cloned()) {
                Ok(list) => Arc::new(list),
                Err(_) => array.clone(),
            }
        }
        _ => array.clone(),
    }
}

/// The normal text of a JSON text: what `jsonb` shows of it.
///
/// # Errors
/// What is wrong with the text.
pub(crate) fn normal(text: &str) -> Result<String, Invalid> {
    let value = parse(text)?.normal()?;
    let mut out = String::with_capacity(text.len());
    value.write(&mut out);
    Ok(out)
}

/// Texts as `json`, each checked, or as `jsonb`, each in its normal form; NULL of NULL.
///
/// # Errors
/// What is wrong with the first text that is no JSON.
pub(crate) fn read(texts: &StringArray, wanted: &DataType) -> Result<ArrayRef, Invalid> {
    let mut out = StringBuilder::new();
    for text in texts {
        match text {
            None => out.append_null(),
            Some(text) if is_jsonb(wanted) => out.append_value(normal(text)?),
            Some(text) => {
                check(text)?;
                out.append_value(text);
            }
        }
    }
    let texts: ArrayRef = Arc::new(out.finish());
    wrap(&texts, wanted).map_err(|_| Invalid::Syntax)
}
