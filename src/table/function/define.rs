//! How a PostgreSQL function is written here: a name, how many arguments it takes, and a plain function on one row.

use super::SessionFacts;
use crate::table::pg_catalog::Comments;
use crate::table::pg_catalog::description::Names;
use crate::table::pg_catalog::functions::Function;
use chrono::{DateTime, Utc};
use datafusion::arrow::datatypes::{DataType, IntervalUnit};
use datafusion::catalog::CatalogProvider;
use datafusion::common::{Result, ScalarValue, exec_datafusion_err, exec_err};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, TypeSignature, Volatility,
};
use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::fmt::{self, Debug};
use std::hash::{Hash, Hasher};
use std::sync::{Arc, OnceLock};

/// What a function returns.
#[derive(Debug, Clone, Copy)]
pub(super) enum Returns {
    Bool,
    Int,
    Big,
    Oid,
    Text,
    Texts,
    Instant,
    Span,
    /// Whatever its arguments make of it.
    From(fn(&[DataType]) -> DataType),
}

impl Returns {
    fn data_type(self, arguments: &[DataType]) -> DataType {
        match self {
            Self::Bool => DataType::Boolean,
            Self::Int => DataType::Int32,
            Self::Big => DataType::Int64,
            Self::Oid => DataType::UInt32,
            Self::Text => DataType::Utf8,
            Self::Texts => DataType::new_list(DataType::Utf8, true),
            Self::Span => DataType::Interval(IntervalUnit::MonthDayNano),
            Self::Instant => crate::lake::dataset::instant(),
            Self::From(rule) => rule(arguments),
        }
    }
}

/// Arguments of a function that takes any number of them.
pub(super) const ANY_NUMBER: &[usize] = &[];

/// One function.
#[derive(Debug, Clone, Copy)]
pub(super) struct Definition {
    pub(super) name: &'static str,
    /// Numbers of arguments it takes, or [`ANY_NUMBER`].
    pub(super) arguments: &'static [usize],
    pub(super) returns: Returns,
    pub(super) volatility: Volatility,
    /// The value for one row. It is cast to the declared type.
    pub(super) body: fn(&Context<'_>, &[ScalarValue]) -> Result<ScalarValue>,
}

/// A function that gives the same answer within a statement.
pub(super) const fn stable(
    name: &'static str,
    arguments: &'static [usize],
    returns: Returns,
    body: fn(&Context<'_>, &[ScalarValue]) -> Result<ScalarValue>,
) -> Definition {
    Definition { name, arguments, returns, volatility: Volatility::Stable, body }
}

/// A function that must run each time it is called.
pub(super) const fn volatile(
    name: &'static str,
    arguments: &'static [usize],
    returns: Returns,
    body: fn(&Context<'_>, &[ScalarValue]) -> Result<ScalarValue>,
) -> Definition {
    Definition { name, arguments, returns, volatility: Volatility::Volatile, body }
}

/// What functions may look at.
pub(super) struct Facts {
    pub(super) catalog: Option<(Arc<dyn CatalogProvider>, Arc<dyn Comments>)>,
    pub(super) session: Option<Arc<SessionFacts>>,
    pub(super) started_at: DateTime<Utc>,
    /// All functions by their number; set once, when all are registered.
    pub(super) signatures: OnceLock<BTreeMap<u32, Function>>,
}

impl Debug for Facts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Facts")
    }
}

/// The facts while one batch is computed; names are gathered at most once.
pub(super) struct Context<'a> {
    facts: &'a Facts,
    names: OnceCell<Names>,
    path: OnceCell<Vec<String>>,
}

impl Context<'_> {
    pub(super) fn names(&self) -> &Names {
        self.names.get_or_init(|| match &self.facts.catalog {
            Some((source, comments)) => Names::of(source.as_ref(), comments.as_ref()),
            None => Names::default(),
        })
    }

    /// The schemas in which an unqualified name is looked for, in order.
    pub(super) fn path(&self) -> &[String] {
        self.path.get_or_init(|| match &self.facts.session {
            Some(session) => session.search_path(),
            None => vec!["public".to_owned()],
        })
    }

    pub(super) fn catalog(&self) -> Option<&dyn CatalogProvider> {
        self.facts.catalog.as_ref().map(|(source, _)| source.as_ref())
    }

    pub(super) fn comments(&self) -> Option<&dyn Comments> {
        self.facts.catalog.as_ref().map(|(_, comments)| comments.as_ref())
    }

    pub(super) fn session(&self) -> Result<&SessionFacts> {
        self.facts.session.as_deref().ok_or_else(|| exec_datafusion_err!("there is no session here"))
    }

    /// What is known of the function of that number.
    pub(super) fn function(&self, number: u32) -> Option<&Function> {
        self.facts.signatures.get()?.get(&number)
    }

    pub(super) fn started_at(&self) -> DateTime<Utc> {
        self.facts.started_at
    }
}

/// The function as the engine takes it.
pub(super) fn define(definition: &Definition, facts: &Arc<Facts>) -> ScalarUDF {
    let shapes = definition.arguments.iter().map(|count| match count {
        0 => TypeSignature::Nullary,
        count => TypeSignature::Any(*count),
    });
    let mut shapes: Vec<TypeSignature> = shapes.collect();
    let shape = match shapes.len() {
        0 => TypeSignature::VariadicAny,
        1 => shapes.remove(0),
        _ => TypeSignature::OneOf(shapes),
    };
    let signature = Signature::new(shape, definition.volatility);
    ScalarUDF::from(PgFunction { definition: *definition, signature, facts: facts.clone() })
}

#[derive(Debug)]
struct PgFunction {
    definition: Definition,
    signature: Signature,
    facts: Arc<Facts>,
}

impl PartialEq for PgFunction {
    fn eq(&self, other: &Self) -> bool {
        self.definition.name == other.definition.name && Arc::ptr_eq(&self.facts, &other.facts)
    }
}

impl Eq for PgFunction {}

impl Hash for PgFunction {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.definition.name.hash(state);
    }
}

impl ScalarUDFImpl for PgFunction {
    fn name(&self) -> &str {
        self.definition.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        Ok(self.definition.returns.data_type(arguments))
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let context = Context { facts: &self.facts, names: OnceCell::new(), path: OnceCell::new() };
        let return_type = arguments.return_type().clone();
        let constant = arguments.args.iter().all(|argument| matches!(argument, ColumnarValue::Scalar(_)));
        // A volatile function without columns still runs for every row.
        let rows =
            if constant && self.definition.volatility != Volatility::Volatile { 1 } else { arguments.number_rows };
        let mut results = Vec::with_capacity(rows);
        for row in 0..rows {
            let values = arguments.args.iter().map(|argument| match argument {
                ColumnarValue::Scalar(value) => Ok(value.clone()),
                ColumnarValue::Array(array) => ScalarValue::try_from_array(array, row),
            });
            let values = values.collect::<Result<Vec<_>>>()?;
            let value = (self.definition.body)(&context, &values)?;
            results.push(if value.is_null() {
                ScalarValue::try_from(&return_type)?
            } else {
                value.cast_to(&return_type)?
            });
        }
        if constant
            && results.len() == 1
            && let Some(value) = results.pop()
        {
            return Ok(ColumnarValue::Scalar(value));
        }
        if results.is_empty() {
            return Ok(ColumnarValue::Array(datafusion::arrow::array::new_empty_array(&return_type)));
        }
        Ok(ColumnarValue::Array(ScalarValue::iter_to_array(results)?))
    }
}

/// SQL NULL.
pub(super) fn null() -> ScalarValue {
    ScalarValue::Null
}

/// A text, or NULL.
pub(super) fn text_value(text: Option<String>) -> ScalarValue {
    ScalarValue::Utf8(text)
}

/// The text of an argument; `None` for NULL and for what is not there.
pub(super) fn text(values: &[ScalarValue], index: usize) -> Option<String> {
    let value = values.get(index).filter(|value| !value.is_null())?;
    match value.cast_to(&DataType::Utf8).ok()? {
        ScalarValue::Utf8(text) => text,
        _ => None,
    }
}

/// The whole number of an argument, given as a number or as digits; `None` for NULL.
pub(super) fn integer(values: &[ScalarValue], index: usize) -> Result<Option<i64>> {
    let Some(value) = values.get(index).filter(|value| !value.is_null()) else { return Ok(None) };
    match value.cast_to(&DataType::Int64) {
        Ok(ScalarValue::Int64(number)) => Ok(number),
        _ => exec_err!("invalid input syntax for type integer: \"{value}\""),
    }
}

/// The object identifier of an argument; `None` for NULL and for what cannot be one.
pub(super) fn object(values: &[ScalarValue], index: usize) -> Result<Option<u32>> {
    Ok(integer(values, index)?.and_then(|number| u32::try_from(number).ok()))
}

/// Whether an argument is a text rather than a number.
pub(super) fn is_text(value: &ScalarValue) -> bool {
    matches!(value, ScalarValue::Utf8(_) | ScalarValue::LargeUtf8(_) | ScalarValue::Utf8View(_))
}

/// Whether a type is one of the texts.
pub(super) fn is_text_type(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}
