//! A `Routine` is a function with PostgreSQL's own argument types: what it is not declared for is
//! refused, as PostgreSQL refuses it, and never read as a text.
//!
//! A routine has one or more `Call`s, the ways to call it; the first that fits the arguments with the
//! fewest conversions is taken. The body computes one row; arguments are read in place, so that a text
//! is not copied.

use super::arguments::{Cells, Column, Kind, Scratch, Values, conversions, target};
use super::define::Returns;
use super::failure::no_such_call;
use super::made::Made;
use super::result_size::Estimate;
use super::section::Section;
use crate::text::{is_text, json};
use arrow::array::Array;
use datafusion::arrow::datatypes::{DataType, Field};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use std::sync::Arc;

/// One way to call a routine.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Call {
    /// Its arguments, in order.
    pub(crate) arguments: &'static [Kind],
    /// Whether the last argument comes any number of times, also none.
    pub(crate) variadic: bool,
    /// The type of its result.
    pub(crate) returns: Returns,
    /// Whether it is NULL when an argument is.
    pub(crate) strict: bool,
    /// The value for one row.
    pub(crate) body: fn(&Values<'_>) -> Result<ScalarValue>,
}

/// A call that is NULL when an argument is.
pub(crate) const fn call(
    arguments: &'static [Kind],
    returns: Returns,
    body: fn(&Values<'_>) -> Result<ScalarValue>,
) -> Call {
    Call { arguments, variadic: false, returns, strict: true, body }
}

impl Call {
    /// The same call, which is passed NULL arguments.
    pub(crate) const fn with_nulls(self) -> Self {
        Self { strict: false, ..self }
    }

    /// The same call, with its last argument any number of times.
    pub(crate) const fn variadic(self) -> Self {
        Self { variadic: true, ..self }
    }

    /// The kind of an argument by its place.
    fn kind(&self, index: usize) -> Option<Kind> {
        match self.arguments.get(index) {
            Some(kind) if !self.variadic || index + 1 < self.arguments.len() => Some(*kind),
            _ if self.variadic => self.arguments.last().copied(),
            _ => None,
        }
    }

    /// How many conversions the arguments need; `None` when they do not fit.
    fn cost(&self, given: &[DataType]) -> Option<usize> {
        let least = self.arguments.len() - usize::from(self.variadic);
        if given.len() < least || (!self.variadic && given.len() != least) {
            return None;
        }
        given.iter().enumerate().map(|(index, given)| conversions(self.kind(index)?, given)).sum()
    }
}

/// One function, as a line of a list declares it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Routine {
    /// The name in lower case, without a schema.
    pub(crate) name: &'static str,
    /// What it gives, one sentence: `\\df+` and `pg_description` show it.
    pub(crate) doc: &'static str,
    /// What it is about; Flight SQL lists functions by it.
    pub(crate) section: Section,
    /// The ways to call it.
    pub(crate) calls: &'static [Call],
    /// Bytes that one result may take, where that can be far more than its arguments take.
    pub(crate) size: Option<Estimate>,
    /// Whether DataFusion may compute a call without columns once for a statement.
    pub(crate) volatility: Volatility,
}

/// A routine whose result depends on its arguments alone, and is about as large as they are.
pub(crate) const fn routine(
    name: &'static str,
    section: Section,
    doc: &'static str,
    calls: &'static [Call],
) -> Routine {
    Routine { name, doc, section, calls, size: None, volatility: Volatility::Immutable }
}

impl Routine {
    /// The same routine, which is refused when the memory limit has no room for what it may give.
    pub(crate) const fn sized(self, estimate: Estimate) -> Self {
        Self { size: Some(estimate), ..self }
    }

    /// The same routine, which reads the session.
    pub(crate) const fn stable(self) -> Self {
        Self { volatility: Volatility::Stable, ..self }
    }

    /// The call that fits arguments best.
    ///
    /// # Errors
    /// `UnknownFunction` (SQLSTATE 42883) when none does.
    fn choose(&self, given: &[DataType]) -> Result<&Call> {
        let fitting = self.calls.iter().filter_map(|call| Some((call.cost(given)?, call)));
        fitting.min_by_key(|(cost, _)| *cost).map(|(_, call)| call).ok_or_else(|| no_such_call(self.name, given))
    }
}

/// The routine as DataFusion takes it.
pub(crate) fn define(routine: &Routine) -> ScalarUDF {
    let documentation =
        Documentation::builder(routine.section.of_datafusion(), routine.doc, format!("{}(...)", routine.name)).build();
    let signature = Signature::user_defined(routine.volatility);
    ScalarUDF::from(Typed { routine: *routine, signature, documentation })
}

/// A routine with what DataFusion asks of it.
#[derive(Debug)]
struct Typed {
    routine: Routine,
    signature: Signature,
    documentation: Documentation,
}

impl PartialEq for Typed {
    fn eq(&self, other: &Self) -> bool {
        self.routine.name == other.routine.name
    }
}

impl Eq for Typed {}

impl std::hash::Hash for Typed {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.routine.name.hash(state);
    }
}

impl ScalarUDFImpl for Typed {
    fn name(&self) -> &str {
        self.routine.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&self.documentation)
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        let call = self.routine.choose(given)?;
        Ok(given
            .iter()
            .enumerate()
            .map(|(index, given)| call.kind(index).map_or(given.clone(), |kind| target(kind, given)))
            .collect())
    }

    fn return_type(&self, given: &[DataType]) -> Result<DataType> {
        Ok(self.routine.choose(given)?.returns.data_type(given))
    }

    /// Refuses a text that is computed where bytes or JSON are wanted: only one that is written out
    /// reads as such.
    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<Arc<Field>> {
        let given: Vec<DataType> = args.arg_fields.iter().map(|field| field.data_type().clone()).collect();
        let call = self.routine.choose(&given)?;
        for (index, (given_type, constant)) in given.iter().zip(args.scalar_arguments).enumerate() {
            let read = matches!(call.kind(index), Some(Kind::Bytes | Kind::Json | Kind::Jsonb | Kind::Texts))
                && is_text(given_type);
            if read && constant.is_none() {
                return Err(no_such_call(self.routine.name, &given));
            }
        }
        Ok(Arc::new(Field::new(self.routine.name, call.returns.data_type(&given), true)))
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let given: Vec<DataType> = arguments.args.iter().map(ColumnarValue::data_type).collect();
        let call = self.routine.choose(&given)?;
        let return_type = arguments.return_type().clone();
        // JSON is made as texts, which become it all at once.
        let plain = json::plain_type(&return_type);
        let constant = arguments.args.iter().all(|argument| matches!(argument, ColumnarValue::Scalar(_)));
        let rows = if constant && self.routine.volatility != Volatility::Volatile { 1 } else { arguments.number_rows };
        let columns = arguments.args.iter().enumerate().map(|(index, value)| {
            let kind = call.kind(index).unwrap_or(Kind::Any);
            Ok(Column { single: matches!(value, ColumnarValue::Scalar(_)), values: Cells::of(kind, value)? })
        });
        let columns = columns.collect::<Result<Vec<_>>>()?;
        let scratch = Scratch::default();
        let (mut results, mut sizes) = (Vec::with_capacity(rows), Made::default());
        for row in 0..rows {
            let values = Values { columns: &columns, row, config: &arguments.config_options, scratch: &scratch };
            let value = match call.strict && (0..columns.len()).any(|index| values.is_null(index)) {
                true => ScalarValue::Null,
                false => (call.body)(&values)?,
            };
            sizes.add(self.routine.name, &value)?;
            results.push(if value.is_null() {
                ScalarValue::try_from(&plain)?
            } else if value.data_type() == plain {
                value
            } else {
                value.cast_to(&plain)?
            });
        }
        if results.is_empty() {
            return Ok(ColumnarValue::Array(arrow::array::new_empty_array(&return_type)));
        }
        let made = json::wrap(&ScalarValue::iter_to_array(results)?, &return_type)?;
        Ok(match constant && made.len() == 1 {
            true => ColumnarValue::Scalar(ScalarValue::try_from_array(&made, 0)?),
            false => ColumnarValue::Array(made),
        })
    }
}

/// An array of texts.
pub(crate) fn texts_value<T: Into<String>>(texts: impl IntoIterator<Item = Option<T>>) -> ScalarValue {
    let texts: Vec<ScalarValue> = texts.into_iter().map(|text| ScalarValue::Utf8(text.map(Into::into))).collect();
    ScalarValue::List(ScalarValue::new_list_nullable(&texts, &DataType::Utf8))
}

/// Bytes as a result.
pub(crate) fn bytes_value(bytes: Vec<u8>) -> ScalarValue {
    ScalarValue::Binary(Some(bytes))
}

/// A `bytea`, for the results of routines.
pub(crate) const BYTES: Returns = Returns::From(|_| DataType::Binary);
/// Rows of texts: a list that is unnested.
pub(crate) const ROWS_OF_TEXTS: Returns =
    Returns::From(|_| DataType::new_list(DataType::new_list(DataType::Utf8, true), true));
