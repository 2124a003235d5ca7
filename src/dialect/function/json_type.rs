//! Casts to and from `json`, `jsonb`, `uuid` and `tid`, which are types of their own (`crate::text`).
//!
//! The rewriter turns the casts into calls of these functions, because DataFusion's planner and Arrow's
//! kernels know no cast between a text and these types.

use super::define::Returns;
use super::failure::{fails, invalid_json};
use super::section::Section;
use crate::error::ErrorKind;
use crate::text::json;
use crate::text::tid::{self, TID};
use crate::text::uuid::{self, UUID};
use arrow::array::{Array, ArrayRef, AsArray, FixedSizeBinaryBuilder, StringArray};
use arrow::compute::cast;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{Result, ScalarValue, plan_err};
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use std::sync::Arc;

/// A JSON that is built here is a text that reads; `Returns` of the types.
pub(super) const JSON: Returns = Returns::From(|_| json::json_type());
/// The type `jsonb` as a result.
pub(super) const JSONB: Returns = Returns::From(|_| json::jsonb_type());

/// The functions `json`, `jsonb`, `uuid_cast` and `tid_cast`.
pub(super) fn functions() -> Vec<ScalarUDF> {
    [("json", Target::Json), ("jsonb", Target::Jsonb), ("uuid_cast", Target::Uuid), ("tid_cast", Target::Tid)]
        .map(|(name, target)| {
            let doc = "Cast to the type of that name.";
            let documentation =
                Documentation::builder(Section::Other.of_datafusion(), doc, format!("{name}(...)")).build();
            ScalarUDF::from(Read { name, target, signature: Signature::any(1, Volatility::Immutable), documentation })
        })
        .into()
}

/// What is cast to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Target {
    Json,
    Jsonb,
    Uuid,
    Tid,
}

/// A cast as a function of one value; NULL of NULL.
#[derive(Debug)]
struct Read {
    name: &'static str,
    target: Target,
    signature: Signature,
    documentation: Documentation,
}

impl PartialEq for Read {
    fn eq(&self, other: &Self) -> bool {
        self.target == other.target
    }
}

impl Eq for Read {}

impl std::hash::Hash for Read {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.target.hash(state);
    }
}

impl Read {
    fn to_type(&self) -> DataType {
        match self.target {
            Target::Json => json::json_type(),
            Target::Jsonb => json::jsonb_type(),
            Target::Uuid => UUID,
            Target::Tid => TID,
        }
    }

    fn read(&self, array: &ArrayRef) -> Result<ArrayRef> {
        if *array.data_type() == self.to_type() {
            return Ok(array.clone());
        }
        if self.is_json()
            && let Some(texts) = json::texts(array)
        {
            return json::read(&texts, &self.to_type()).map_err(invalid_json);
        }
        let texts = cast(array, &DataType::Utf8)?;
        let texts = texts.as_string::<i32>();
        match self.target {
            Target::Uuid => fixed(texts, "uuid", uuid::parse),
            Target::Tid => fixed(texts, "tid", tid::parse),
            Target::Json | Target::Jsonb => json::read(texts, &self.to_type()).map_err(invalid_json),
        }
    }

    fn is_json(&self) -> bool {
        matches!(self.target, Target::Json | Target::Jsonb)
    }
}

/// Texts read as values of so many bytes.
fn fixed<const N: usize>(texts: &StringArray, name: &str, parse: fn(&str) -> Option<[u8; N]>) -> Result<ArrayRef> {
    let mut made = FixedSizeBinaryBuilder::with_capacity(texts.len(), i32::try_from(N).unwrap_or(i32::MAX));
    for text in texts {
        match text {
            None => made.append_null(),
            Some(text) => match parse(text) {
                Some(bytes) => made.append_value(bytes)?,
                None => {
                    return fails(ErrorKind::InvalidText, format!("invalid input syntax for type {name}: \"{text}\""));
                }
            },
        }
    }
    Ok(Arc::new(made.finish()))
}

impl ScalarUDFImpl for Read {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&self.documentation)
    }

    fn return_type(&self, given: &[DataType]) -> Result<DataType> {
        let text = |given: &DataType| {
            matches!(given, DataType::Null | DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
        };
        match given {
            [given] if text(given) || *given == self.to_type() => Ok(self.to_type()),
            [given] if self.is_json() && (json::is_json(given) || json::is_jsonb(given)) => Ok(self.to_type()),
            [given] => {
                let from = crate::dialect::catalog::types::of_arrow(given).0;
                let from = crate::dialect::catalog::types::display(from, None);
                let name = self.name.trim_end_matches("_cast");
                fails(ErrorKind::CannotCast, format!("cannot cast type {from} to {name}"))
            }
            _ => plan_err!("{} takes one value", self.name),
        }
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [value] = arguments.args.as_slice() else { return plan_err!("{} takes one value", self.name) };
        Ok(match value {
            ColumnarValue::Scalar(value) => {
                ColumnarValue::Scalar(ScalarValue::try_from_array(&self.read(&value.to_array()?)?, 0)?)
            }
            ColumnarValue::Array(array) => ColumnarValue::Array(self.read(array)?),
        })
    }
}
