//! A `Native` is a function on whole columns of moments: its argument types, its result's type, and a body that gets
//! columns and the session's configuration.

use super::fault;
use crate::clock::Clock;
use crate::dialect::catalog::types;
use crate::dialect::function::section::Section;
use crate::text::datetime::Context;
use crate::text::zone::Zone;
use datafusion::arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, PrimitiveArray, StringArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::config::ConfigOptions;
use datafusion::common::{Result, ScalarValue, exec_datafusion_err};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{
    ColumnarValue, Documentation, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// Types that arguments are brought to, and the type of the result; `None` for arguments that the function does not
/// take.
pub(crate) type Resolve = fn(&[DataType]) -> Option<(Vec<DataType>, DataType)>;

/// The result for the columns of a call.
pub(crate) type Body = fn(&Call<'_>) -> Result<ArrayRef>;

/// The function as DataFusion takes it.
#[derive(Debug)]
pub(crate) struct Native {
    name: &'static str,
    resolve: Resolve,
    body: Body,
    signature: Signature,
    documentation: Option<Documentation>,
}

impl PartialEq for Native {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Native {}

impl Hash for Native {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

/// A function of the server's own, which no statement calls by name.
pub(crate) fn internal(name: &'static str, volatility: Volatility, resolve: Resolve, body: Body) -> Arc<ScalarUDF> {
    let signature = Signature::user_defined(volatility);
    Arc::new(ScalarUDF::from(Native { name, resolve, body, signature, documentation: None }))
}

/// A function that statements call, with a sentence that describes it.
pub(crate) fn named(name: &'static str, doc: &str, volatility: Volatility, resolve: Resolve, body: Body) -> ScalarUDF {
    named_in(Section::DateTime, name, doc, volatility, resolve, body)
}

/// The same in a section.
pub(crate) fn named_in(
    section: Section,
    name: &'static str,
    doc: &str,
    volatility: Volatility,
    resolve: Resolve,
    body: Body,
) -> ScalarUDF {
    let documentation = Documentation::builder(section.of_datafusion(), doc, format!("{name}(...)")).build();
    let signature = Signature::user_defined(volatility);
    ScalarUDF::from(Native { name, resolve, body, signature, documentation: Some(documentation) })
}

/// The call of a function.
pub(crate) fn call(function: &Arc<ScalarUDF>, args: Vec<Expr>) -> Expr {
    Expr::ScalarFunction(ScalarFunction { func: function.clone(), args })
}

impl Native {
    fn resolved(&self, arguments: &[DataType]) -> Result<(Vec<DataType>, DataType)> {
        (self.resolve)(arguments).ok_or_else(|| {
            let name = |data_type| types::display(types::of_arrow(data_type).0, None);
            let types: Vec<String> = arguments.iter().map(name).collect();
            fault::unknown(format!("function {}({}) does not exist", self.name, types.join(", ")))
        })
    }
}

impl ScalarUDFImpl for Native {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.documentation.as_ref()
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        Ok(self.resolved(arguments)?.0)
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        Ok(self.resolved(arguments)?.1)
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        invoke(&arguments, self.signature.volatility, self.body)
    }
}

/// Runs a body, once for a call of constants alone unless the function is volatile.
pub(crate) fn invoke(arguments: &ScalarFunctionArgs, volatility: Volatility, body: Body) -> Result<ColumnarValue> {
    let constant = arguments.args.iter().all(|argument| matches!(argument, ColumnarValue::Scalar(_)));
    let once = constant && volatility != Volatility::Volatile;
    let rows = if once { 1 } else { arguments.number_rows };
    let (args, config) = (arguments.args.as_slice(), arguments.config_options.as_ref());
    let array = body(&Call { args, rows, config, returns: arguments.return_type() })?;
    // Types differ in their zone's spelling and in nothing else.
    let array =
        if array.data_type() == arguments.return_type() { array } else { cast(&array, arguments.return_type())? };
    match once {
        true => Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&array, 0)?)),
        false => Ok(ColumnarValue::Array(array)),
    }
}

/// One call: the columns of a batch, and what the session has set.
pub(crate) struct Call<'a> {
    pub(crate) args: &'a [ColumnarValue],
    /// Rows of the result.
    pub(crate) rows: usize,
    config: &'a ConfigOptions,
    /// The type of the result.
    pub(crate) returns: &'a DataType,
}

impl<'a> Call<'a> {
    /// The time zone of the session.
    pub(crate) fn zone(&self) -> &'a Zone {
        super::session_style::zone_of(self.config)
    }

    /// What texts are read with now.
    pub(crate) fn context(&self) -> Context<'a> {
        Context {
            zone: self.zone(),
            spans: super::session_style::of(self.config).spans,
            now_us: Clock::System.now().timestamp_micros(),
        }
    }

    /// An argument as it came.
    pub(crate) fn argument(&self, place: usize) -> Result<&'a ColumnarValue> {
        self.args.get(place).ok_or_else(|| exec_datafusion_err!("an argument is missing"))
    }

    /// A column of numbers.
    pub(crate) fn column<T: ArrowPrimitiveType>(&self, place: usize) -> Result<Column<T>> {
        let wrong = || exec_datafusion_err!("an argument has another type than was planned");
        Ok(match self.argument(place)? {
            ColumnarValue::Scalar(value) => {
                let array = value.to_array()?;
                let array = array.as_primitive_opt::<T>().ok_or_else(wrong)?;
                Column::One(array.is_valid(0).then(|| array.value(0)))
            }
            ColumnarValue::Array(array) => Column::Many(array.as_primitive_opt::<T>().ok_or_else(wrong)?.clone()),
        })
    }

    /// A column of texts.
    pub(crate) fn texts(&self, place: usize) -> Result<Texts> {
        let plain = |array: &ArrayRef| {
            Ok::<_, datafusion::error::DataFusionError>(cast(array, &DataType::Utf8)?.as_string::<i32>().clone())
        };
        Ok(match self.argument(place)? {
            ColumnarValue::Scalar(value) => Texts::One(value.try_as_str().flatten().map(str::to_owned)),
            ColumnarValue::Array(array) => Texts::Many(plain(array)?),
        })
    }

    /// The result of a function of one column, NULL of NULL.
    pub(crate) fn map<A, R>(&self, mut body: impl FnMut(A::Native) -> Result<R::Native>) -> Result<ArrayRef>
    where
        A: ArrowPrimitiveType,
        R: ArrowPrimitiveType,
    {
        let array = match self.column::<A>(0)? {
            Column::Many(values) => {
                let nulls = values.nulls().cloned();
                let mut results = Vec::with_capacity(values.len());
                for (row, value) in values.values().iter().enumerate() {
                    let valid = nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row));
                    results.push(if valid { body(*value)? } else { R::Native::default() });
                }
                PrimitiveArray::<R>::new(results.into(), nulls)
            }
            Column::One(value) => {
                PrimitiveArray::<R>::from_iter(std::iter::repeat_n(value.map(&mut body).transpose()?, self.rows))
            }
        };
        self.finish(array)
    }

    /// The result of a function of two columns, NULL where either is.
    pub(crate) fn map2<A, B, R>(
        &self,
        mut body: impl FnMut(A::Native, B::Native) -> Result<R::Native>,
    ) -> Result<ArrayRef>
    where
        A: ArrowPrimitiveType,
        B: ArrowPrimitiveType,
        R: ArrowPrimitiveType,
    {
        let (left, right) = (self.column::<A>(0)?, self.column::<B>(1)?);
        self.rows::<R>(|row| match (left.at(row), right.at(row)) {
            (Some(left), Some(right)) => body(left, right).map(Some),
            _ => Ok(None),
        })
    }

    /// A result that is made row by row.
    pub(crate) fn rows<R: ArrowPrimitiveType>(
        &self,
        mut body: impl FnMut(usize) -> Result<Option<R::Native>>,
    ) -> Result<ArrayRef> {
        let mut results = PrimitiveArray::<R>::builder(self.rows);
        for row in 0..self.rows {
            results.append_option(body(row)?);
        }
        self.finish(results.finish())
    }

    /// A column of the result's type, which may have a zone or a scale.
    fn finish<R: ArrowPrimitiveType>(&self, array: PrimitiveArray<R>) -> Result<ArrayRef> {
        Ok(match PrimitiveArray::<R>::is_compatible(self.returns) {
            true => Arc::new(array.with_data_type(self.returns.clone())),
            false => Arc::new(array),
        })
    }
}

/// Values of a column by row, or one value for all rows.
pub(crate) enum Column<T: ArrowPrimitiveType> {
    One(Option<T::Native>),
    Many(PrimitiveArray<T>),
}

impl<T: ArrowPrimitiveType> Column<T> {
    /// The value of a row; `None` for NULL.
    pub(crate) fn at(&self, row: usize) -> Option<T::Native> {
        match self {
            Self::One(value) => *value,
            Self::Many(values) => values.is_valid(row).then(|| values.value(row)),
        }
    }
}

/// Texts of a column by row, or one text for all rows.
pub(crate) enum Texts {
    One(Option<String>),
    Many(StringArray),
}

impl Texts {
    /// The text of a row; `None` for NULL.
    pub(crate) fn at(&self, row: usize) -> Option<&str> {
        match self {
            Self::One(text) => text.as_deref(),
            Self::Many(texts) => texts.is_valid(row).then(|| texts.value(row)),
        }
    }
}
