//! The operators `->` and `->>` give the member of a JSON object by its name, and the element of a
//! JSON array by its number from 0.
//!
//! The left side is JSON as text, or a struct, list or map, which clients get as JSON as well. What
//! is found keeps its spelling: numbers are not read, so that none loses digits. DataFusion has the
//! operators without a meaning; the expression planner in `typing::deferred` plans them as calls
//! of this function.

use crate::error::{ErrorKind, QueryError};
use arrow::array::{Array, ArrayRef, AsArray, StringArray, StringBuilder};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Int64Type};
use arrow::json::writer::{EncoderOptions, make_encoder};
use datafusion::common::{Result, ScalarValue, plan_err};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use serde::de::IgnoredAny;
use std::sync::{Arc, LazyLock};

/// The call for `json -> key`, or with `plain` for `json ->> key`, whose result is text without
/// quotes.
pub(crate) fn get(json: Expr, key: Expr, plain: bool) -> Expr {
    static GET: LazyLock<[Arc<ScalarUDF>; 2]> =
        LazyLock::new(|| [false, true].map(|plain| Arc::new(ScalarUDF::from(Get::new(plain)))));
    let [part, text] = &*GET;
    if plain { text } else { part }.call(vec![json, key])
}

/// The functions `json_get` and `json_get_text`. The result is NULL when either side is, when there
/// is no such member, and for `->>` when the member is null.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Get {
    plain: bool,
    signature: Signature,
}

impl Get {
    /// The function of one of the two operators.
    fn new(plain: bool) -> Self {
        Self { plain, signature: Signature::any(2, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for Get {
    fn name(&self) -> &str {
        if self.plain { "json_get_text" } else { "json_get" }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        match arguments {
            [json, key] if is_json(json) && (key.is_integer() || is_text(key)) => Ok(DataType::Utf8),
            [json, key] => plan_err!("operator does not exist: {json} -> {key}"),
            _ => plan_err!("{} takes two values", self.name()),
        }
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [json, key] = arguments.args.as_slice() else { return plan_err!("{} takes two values", self.name()) };
        let single = matches!((json, key), (ColumnarValue::Scalar(_), ColumnarValue::Scalar(_)));
        let rows = if single { 1 } else { arguments.number_rows };
        let texts = texts(&json.to_array(rows)?)?;
        let key = Key::of(&key.to_array(rows)?)?;
        let mut found = StringBuilder::new();
        for row in 0..rows {
            let value = if texts.is_null(row) { None } else { key.find(row, texts.value(row))? };
            match value {
                Some(value) if self.plain => found.append_option(plain(value)?),
                value => found.append_option(value),
            }
        }
        let found: ArrayRef = Arc::new(found.finish());
        if single {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&found, 0)?));
        }
        Ok(ColumnarValue::Array(found))
    }
}

/// Whether a type is text, or NULL without a type.
fn is_text(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Null)
}

/// Whether a type may stand on the left: a nested type.
fn is_json(data_type: &DataType) -> bool {
    data_type.is_nested()
}

/// The JSON of an array, as clients get it.
fn texts(array: &ArrayRef) -> Result<StringArray> {
    if !array.data_type().is_nested() {
        return Ok(cast(array, &DataType::Utf8)?.as_string::<i32>().clone());
    }
    let field = Arc::new(Field::new("", array.data_type().clone(), true));
    let options = EncoderOptions::default().with_explicit_nulls(true);
    let mut encoder = make_encoder(&field, array.as_ref(), &options)?;
    let (mut texts, mut text) = (StringBuilder::new(), Vec::new());
    for row in 0..array.len() {
        text.clear();
        if array.is_null(row) {
            texts.append_null();
        } else {
            encoder.encode(row, &mut text);
            texts.append_value(String::from_utf8_lossy(&text));
        }
    }
    Ok(texts.finish())
}

/// What is looked for in each row: by the type of the right side, names of members or numbers of
/// elements.
enum Key {
    Names(StringArray),
    Numbers(arrow::array::Int64Array),
}

impl Key {
    /// The keys of a column.
    fn of(keys: &ArrayRef) -> Result<Self> {
        if keys.data_type().is_integer() {
            return Ok(Self::Numbers(cast(keys, &DataType::Int64)?.as_primitive::<Int64Type>().clone()));
        }
        Ok(Self::Names(cast(keys, &DataType::Utf8)?.as_string::<i32>().clone()))
    }

    /// The text of what a row looks for; `None` where there is none.
    fn find<'a>(&self, row: usize, json: &'a str) -> Result<Option<&'a str>> {
        let parts = parts(json)?;
        Ok(match (self, parts) {
            (Self::Names(names), Parts::Members(members)) if names.is_valid(row) => {
                // Of two members of one name, the last is the one.
                members.into_iter().rev().find(|(name, _)| name == names.value(row)).map(|(_, value)| value)
            }
            (Self::Numbers(numbers), Parts::Elements(elements)) if numbers.is_valid(row) => {
                let number = numbers.value(row);
                let length = i64::try_from(elements.len()).unwrap_or(i64::MAX);
                let place = if number < 0 { length.saturating_add(number) } else { number };
                usize::try_from(place).ok().and_then(|place| elements.get(place).copied())
            }
            _ => None,
        })
    }
}

/// What a JSON value consists of, one level down.
enum Parts<'a> {
    /// An object's members in order, each with its name unescaped and its text as written.
    Members(Vec<(String, &'a str)>),
    /// An array's elements in order, as written.
    Elements(Vec<&'a str>),
    /// A text, a number, a boolean or null.
    Nothing,
}

/// Reads one level of a value, all of which must be well formed.
///
/// # Errors
/// `InvalidText` (SQLSTATE 22P02) with the first 40 letters of what is no JSON.
fn parts(json: &str) -> Result<Parts<'_>> {
    let mut rest = Rest(json);
    let parts = match rest.peek() {
        Some(b'{') => {
            let mut members = Vec::new();
            rest.list(b'}', |rest| {
                let name = rest.value()?;
                rest.skip(b':')?;
                members.push((serde_json::from_str(name).ok()?, rest.value()?));
                Some(())
            })
            .map(|()| Parts::Members(members))
        }
        Some(b'[') => {
            let mut elements = Vec::new();
            rest.list(b']', |rest| {
                elements.push(rest.value()?);
                Some(())
            })
            .map(|()| Parts::Elements(elements))
        }
        _ => rest.value().map(|_| Parts::Nothing),
    };
    parts.filter(|_| rest.peek().is_none()).ok_or_else(|| invalid(json))
}

/// The text that is not read yet.
struct Rest<'a>(&'a str);

impl<'a> Rest<'a> {
    /// The next byte that is not white space.
    fn peek(&mut self) -> Option<u8> {
        self.0 = self.0.trim_start_matches([' ', '\t', '\n', '\r']);
        self.0.bytes().next()
    }

    /// Passes over one byte if it is the next, else `None`.
    fn skip(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.0 = self.0.get(1..).unwrap_or_default())
    }

    /// The text of one value.
    fn value(&mut self) -> Option<&'a str> {
        self.peek()?;
        let mut values = serde_json::Deserializer::from_str(self.0).into_iter::<IgnoredAny>();
        values.next()?.ok()?;
        let (value, rest) = self.0.split_at_checked(values.byte_offset())?;
        self.0 = rest;
        Some(value)
    }

    /// Reads what stands between brackets, parted by commas, each part by `part`; `None` for anything
    /// that is not well formed.
    fn list(&mut self, end: u8, mut part: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.0 = self.0.get(1..)?;
        if self.skip(end).is_some() {
            return Some(());
        }
        loop {
            part(self)?;
            if self.skip(end).is_some() {
                return Some(());
            }
            self.skip(b',')?;
        }
    }
}

/// The value of a text without its quotes and escapes, `None` of null, and all else as it is written.
fn plain(value: &str) -> Result<Option<String>> {
    Ok(match value.as_bytes().first() {
        Some(b'"') => Some(serde_json::from_str(value).map_err(|_| invalid(value))?),
        _ if value == "null" => None,
        _ => Some(value.to_owned()),
    })
}

/// The error of a text that is no JSON.
fn invalid(json: &str) -> DataFusionError {
    let shown: String = json.chars().take(40).collect();
    let message = format!("invalid input syntax for type json: \"{shown}\"");
    DataFusionError::External(Box::new(QueryError::new(ErrorKind::InvalidText, message)))
}
