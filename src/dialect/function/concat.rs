//! `concat` and `concat_ws` over values of any type, as one text.
//!
//! The rule `TextCasts` has made a text of each argument whose text Arrow writes otherwise than PostgreSQL;
//! what is left is cast here, and DataFusion's function joins the texts.
//!
//! DataFusion 55: both refuse structs, and bytes alone give bytes. Not needed once `concat('\x01'::bytea)` is a
//! text.

use super::section::Section;
use datafusion::arrow::datatypes::{DataType, Field};
use datafusion::common::Result;
use datafusion::functions::string;
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use std::sync::Arc;

/// The functions `concat` and `concat_ws`.
pub(super) fn functions() -> [ScalarUDF; 2] {
    [
        ("concat", "Texts of all values one behind the other; NULL is nothing.", string::concat()),
        ("concat_ws", "Texts of all values with the first between them; NULL is left out.", string::concat_ws()),
    ]
    .map(|(name, doc, inner)| {
        let documentation = Documentation::builder(Section::Text.of_datafusion(), doc, format!("{name}(...)")).build();
        let signature = Signature::variadic_any(Volatility::Stable);
        ScalarUDF::from(Joined { name, inner, signature, documentation })
    })
}

/// One of DataFusion's functions that join texts, with arguments of any type.
#[derive(Debug)]
struct Joined {
    name: &'static str,
    inner: Arc<ScalarUDF>,
    signature: Signature,
    documentation: Documentation,
}

impl PartialEq for Joined {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Joined {}

impl std::hash::Hash for Joined {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl ScalarUDFImpl for Joined {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&self.documentation)
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, mut arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let texts = arguments.args.iter().map(|value| match value.data_type() {
            DataType::Utf8 => Ok(value.clone()),
            _ => value.cast_to(&DataType::Utf8, None),
        });
        arguments.args = texts.collect::<Result<Vec<_>>>()?;
        let text = Arc::new(Field::new("text", DataType::Utf8, true));
        arguments.arg_fields = vec![text; arguments.args.len()];
        self.inner.invoke_with_args(arguments)
    }
}
