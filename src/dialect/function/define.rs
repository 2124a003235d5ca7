//! A `Definition` is one registration of a PostgreSQL function in DataFusion: name, sentence,
//! arguments, result, volatility, section, bound on its result, and a plain function on the values of
//! one row.
//!
//! Functions of clients' catalog queries are called on few rows, so that one value at a time is fast
//! enough; those on large columns implement `ScalarUDFImpl` themselves.

use super::made::Made;
use super::result_size::Estimate;
use super::section::Section;
use crate::dialect::catalog::Comments;
use crate::dialect::catalog::definition;
use crate::dialect::catalog::description::{Names, is_temporary};
use crate::dialect::catalog::functions::Function;
use crate::dialect::catalog::row_type::RowTypes;
use crate::dialect::session::SessionFacts;
use chrono::{DateTime, Utc};
use datafusion::arrow::datatypes::DataType;
use datafusion::catalog::CatalogProvider;
use datafusion::common::{Result, ScalarValue, exec_datafusion_err, exec_err};
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, TypeSignature, Volatility,
};
use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::fmt::{self, Debug};
use std::hash::{Hash, Hasher};
use std::sync::{Arc, OnceLock};

/// What a function returns, in the words of PostgreSQL's types.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Returns {
    /// A `boolean`: true, false or NULL.
    Bool,
    /// An `integer`, 32 bits with a sign.
    Int,
    /// A `bigint`, 64 bits with a sign.
    Big,
    /// The number of an object, 32 bits without a sign.
    Oid,
    /// A `text` in UTF-8.
    Text,
    /// An array of texts, whose elements may be NULL.
    Texts,
    /// A `timestamptz` in microseconds, in UTC.
    Instant,
    /// Whatever its arguments' types make of it, such as the element type of an array.
    From(fn(&[DataType]) -> DataType),
}

impl Returns {
    /// The Arrow type of the result, for arguments of these types.
    pub(super) fn data_type(self, arguments: &[DataType]) -> DataType {
        match self {
            Self::Bool => DataType::Boolean,
            Self::Int => DataType::Int32,
            Self::Big => DataType::Int64,
            Self::Oid => DataType::UInt32,
            Self::Text => DataType::Utf8,
            Self::Texts => DataType::new_list(DataType::Utf8, true),
            Self::Instant => definition::timestamptz(),
            Self::From(rule) => rule(arguments),
        }
    }
}

/// The arguments of a function that takes any number of them, of any types.
pub(crate) const ANY_NUMBER: &[usize] = &[];

/// One function, as a line of a list declares it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Definition {
    /// The name in lower case, without a schema.
    pub(crate) name: &'static str,
    /// What it gives, one sentence: `\\df+` and `pg_description` show it.
    pub(crate) doc: &'static str,
    /// What it is about; Flight SQL lists functions by it.
    pub(crate) section: Section,
    /// Numbers of arguments it takes, or [`ANY_NUMBER`].
    pub(crate) arguments: &'static [usize],
    /// The type of its result; the body's value is cast to it.
    pub(crate) returns: Returns,
    /// Whether DataFusion may compute a call without columns once for a statement.
    pub(crate) volatility: Volatility,
    /// Bytes that one result may take, where that can be far more than its arguments take;
    /// `result_size` asks the memory limit for them before the function runs.
    pub(crate) size: Option<Estimate>,
    /// The value for one row, by the values of its arguments; NULL arguments are passed on to it.
    pub(crate) body: fn(&Context<'_>, &[ScalarValue]) -> Result<ScalarValue>,
}

/// A function that gives the same answer within a statement, of section `System` and without a bound
/// on its result.
pub(crate) const fn stable(
    name: &'static str,
    doc: &'static str,
    arguments: &'static [usize],
    returns: Returns,
    body: fn(&Context<'_>, &[ScalarValue]) -> Result<ScalarValue>,
) -> Definition {
    Definition {
        name,
        doc,
        arguments,
        returns,
        volatility: Volatility::Stable,
        size: None,
        section: Section::System,
        body,
    }
}

/// A function that must run for each row and each call, because it changes something.
pub(crate) const fn volatile(
    name: &'static str,
    doc: &'static str,
    arguments: &'static [usize],
    returns: Returns,
    body: fn(&Context<'_>, &[ScalarValue]) -> Result<ScalarValue>,
) -> Definition {
    Definition {
        name,
        doc,
        arguments,
        returns,
        volatility: Volatility::Volatile,
        size: None,
        section: Section::System,
        body,
    }
}

impl Definition {
    /// The same function in another section.
    pub(crate) const fn about(self, section: Section) -> Self {
        Self { section, ..self }
    }

    /// The same function, which is refused when the memory limit has no room for what it may give.
    pub(crate) const fn sized(self, estimate: Estimate) -> Self {
        Self { size: Some(estimate), ..self }
    }
}

/// What functions may look at: the catalog, and in a session's own functions the session.
pub(crate) struct Facts {
    /// The catalog and what there is to say of its tables; `None` in a state without one.
    pub(crate) catalog: Option<(Arc<dyn CatalogProvider>, Arc<dyn Comments>)>,
    /// The session; `None` in functions of the template.
    pub(crate) session: Option<Arc<SessionFacts>>,
    /// When the server started, in UTC.
    pub(crate) started_at: DateTime<Utc>,
    /// All functions by their number; set once, when all are registered.
    pub(crate) signatures: OnceLock<Arc<BTreeMap<u32, Function>>>,
}

impl Debug for Facts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Facts")
    }
}

/// The facts while one batch is computed; names of the catalog are gathered at most once for it.
pub(crate) struct Context<'a> {
    facts: &'a Facts,
    names: OnceCell<Names>,
    row_types: OnceCell<RowTypes>,
    path: OnceCell<Vec<String>>,
}

impl Context<'_> {
    /// The names of all relations and schemas, gathered when first asked for.
    pub(crate) fn names(&self) -> &Names {
        self.names.get_or_init(|| match &self.facts.catalog {
            Some((source, comments)) => Names::of(source.as_ref(), comments.as_ref()),
            None => Names::default(),
        })
    }

    /// The types of the rows of tables and views, gathered when first asked for.
    pub(crate) fn row_types(&self) -> &RowTypes {
        self.row_types.get_or_init(|| RowTypes::of(self.names()))
    }

    /// The schemas in which an unqualified name is looked for, in order: the temporary one of the session first, where it
    /// has one.
    pub(crate) fn path(&self) -> &[String] {
        self.path.get_or_init(|| {
            let named = match &self.facts.session {
                Some(session) => session.search_path(),
                None => vec!["public".to_owned()],
            };
            self.temporary_schema().map(str::to_owned).into_iter().chain(named).collect()
        })
    }

    /// The temporary schema of the session; `None` when it has none.
    pub(crate) fn temporary_schema(&self) -> Option<&str> {
        self.names().schemas().find(|schema| is_temporary(schema))
    }

    /// The catalog itself, when the state has one.
    pub(crate) fn catalog(&self) -> Option<&dyn CatalogProvider> {
        self.facts.catalog.as_ref().map(|(source, _)| source.as_ref())
    }

    /// What people wrote about tables, when the state has a catalog.
    pub(crate) fn comments(&self) -> Option<&dyn Comments> {
        self.facts.catalog.as_ref().map(|(_, comments)| comments.as_ref())
    }

    /// The session in which the function is called.
    ///
    /// # Errors
    /// An execution error in a state without one, such as that of a view's plan.
    pub(crate) fn session(&self) -> Result<&SessionFacts> {
        self.facts.session.as_deref().ok_or_else(|| exec_datafusion_err!("there is no session here"))
    }

    /// What is known of the function of that number; `None` for a number no function has.
    pub(crate) fn function(&self, number: u32) -> Option<&Function> {
        self.facts.signatures.get()?.get(&number)
    }

    /// When the server started, in UTC.
    pub(crate) fn started_at(&self) -> DateTime<Utc> {
        self.facts.started_at
    }
}

/// The function as DataFusion takes it: its signature accepts these numbers of arguments of any
/// types, so that DataFusion coerces nothing and the body reads each value by itself.
pub(crate) fn define(definition: &Definition, facts: &Arc<Facts>) -> ScalarUDF {
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
    let section = definition.section.of_datafusion();
    let documentation = Documentation::builder(section, definition.doc, format!("{}(...)", definition.name)).build();
    ScalarUDF::from(PgFunction { definition: *definition, signature, documentation, facts: facts.clone() })
}

/// A definition with the facts it computes from.
#[derive(Debug)]
struct PgFunction {
    definition: Definition,
    signature: Signature,
    documentation: Documentation,
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

    fn documentation(&self) -> Option<&Documentation> {
        Some(&self.documentation)
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        Ok(self.definition.returns.data_type(arguments))
    }

    /// Calls the body for each row, or once when all arguments are constants and the function is not
    /// volatile.
    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let (names, row_types) = (OnceCell::new(), OnceCell::new());
        let context = Context { facts: &self.facts, names, row_types, path: OnceCell::new() };
        let return_type = arguments.return_type().clone();
        let constant = arguments.args.iter().all(|argument| matches!(argument, ColumnarValue::Scalar(_)));
        // A volatile function without columns still runs for every row.
        let rows =
            if constant && self.definition.volatility != Volatility::Volatile { 1 } else { arguments.number_rows };
        let (mut results, mut made) = (Vec::with_capacity(rows), Made::default());
        for row in 0..rows {
            let values = arguments.args.iter().map(|argument| match argument {
                ColumnarValue::Scalar(value) => Ok(value.clone()),
                ColumnarValue::Array(array) => ScalarValue::try_from_array(array, row),
            });
            let values = values.collect::<Result<Vec<_>>>()?;
            let value = (self.definition.body)(&context, &values)?;
            made.add(self.definition.name, &value)?;
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

/// NULL without a type; the result is cast to the declared one.
pub(crate) fn null() -> ScalarValue {
    ScalarValue::Null
}

/// A text, or NULL for `None`.
pub(crate) fn text_value(text: Option<String>) -> ScalarValue {
    ScalarValue::Utf8(text)
}

/// The text of an argument; `None` for NULL and for what is not there.
pub(crate) fn text(values: &[ScalarValue], index: usize) -> Option<String> {
    let value = values.get(index).filter(|value| !value.is_null())?;
    match value.cast_to(&DataType::Utf8).ok()? {
        ScalarValue::Utf8(text) => text,
        _ => None,
    }
}

/// The whole number of an argument, given as a number or as digits; `None` for NULL.
pub(crate) fn integer(values: &[ScalarValue], index: usize) -> Result<Option<i64>> {
    let Some(value) = values.get(index).filter(|value| !value.is_null()) else { return Ok(None) };
    match value.cast_to(&DataType::Int64) {
        Ok(ScalarValue::Int64(number)) => Ok(number),
        _ => exec_err!("invalid input syntax for type integer: \"{value}\""),
    }
}

/// The object identifier of an argument; `None` for NULL and for what cannot be one.
pub(crate) fn object(values: &[ScalarValue], index: usize) -> Result<Option<u32>> {
    // A number of an object has no sign: those of `integer` below zero are the upper half.
    let unsigned = |number: i64| u32::try_from(number).or_else(|_| i32::try_from(number).map(i32::cast_unsigned)).ok();
    Ok(integer(values, index)?.and_then(unsigned))
}

/// Whether an argument is a text rather than a number.
pub(crate) fn is_text(value: &ScalarValue) -> bool {
    matches!(value, ScalarValue::Utf8(_) | ScalarValue::LargeUtf8(_) | ScalarValue::Utf8View(_))
}

/// Whether a type is one of the texts.
pub(crate) fn is_text_type(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}
