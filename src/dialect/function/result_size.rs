//! The size check wraps DataFusion's functions whose result can be far larger than what they are
//! given: `repeat`, `lpad`, `generate_series` and their like.
//!
//! The result's size is estimated from the arguments' values first, and has to fit three bounds: that
//! of one value, that of one batch, and what is left of the memory limit.
//!
//! DataFusion 55: these functions compute a batch in one step, without a look at the memory pool or a
//! pause in which to be cancelled, and an allocation that fails ends the process
//! (apache/datafusion#5415 for `rpad`, #12919 for `generate_series`, both open). Not needed once
//! scalar functions reserve what they allocate: `hostile.rs` then passes without the wrapper.

use crate::error::{ErrorKind, QueryError};
use crate::heap;
use crate::work;
use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{
    DataType, FieldRef, Int64Type, IntervalMonthDayNano, IntervalMonthDayNanoType, IntervalUnit, TimeUnit,
};
use datafusion::common::{ExprSchema, Result, ScalarValue};
use datafusion::config::ConfigOptions;
use datafusion::error::DataFusionError;
use datafusion::execution::FunctionRegistry;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryPool};
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::interval_arithmetic::Interval;
use datafusion::logical_expr::simplify::{ExprSimplifyResult, SimplifyContext};
use datafusion::logical_expr::sort_properties::{ExprProperties, SortProperties};
use datafusion::logical_expr::{
    ColumnarValue, Documentation, Expr, ExpressionPlacement, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF,
    ScalarUDFImpl, Signature,
};
use std::cell::OnceCell;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// Bytes of one value, whatever memory there is: what is done with the value later is done in one
/// step as well.
pub(super) const VALUE_BYTES_MAX: u64 = 16 << 20;

/// Bytes one call may make of one batch: more takes longer than a cancel may wait.
pub(super) const CALL_BYTES_MAX: u64 = 128 << 20;

/// Bytes of a constant that weigh on a plan.
const LARGE_CONSTANT_BYTES: u64 = 64 << 10;

/// Bytes of a text that `levenshtein` compares letter by letter; PostgreSQL's own limit.
const COMPARED_BYTES_MAX: u64 = 255;

/// Bytes of an element of an array, at least; an element may be shorter, and is counted as this much.
const ELEMENT_BYTES: u64 = 8;

/// The refusal of a value, or of a batch of them, for its size.
pub(super) fn too_large(name: &str, bytes: u64, what: &str, most: u64) -> DataFusionError {
    let size = |bytes| bytesize::ByteSize::b(bytes).display().iec().to_string();
    let message = format!("out of memory: {name} would make a {what} of {}", size(bytes));
    let hint = format!("A {what} has at most {}.", size(most));
    DataFusionError::External(Box::new(QueryError::new(ErrorKind::OutOfMemory, message).with_hint(hint)))
}

/// What one row of a function's result may take, by its arguments.
pub(crate) type Estimate = fn(&Row<'_>) -> u64;

/// DataFusion's functions by name, with what their results may take. Ours say so in their definitions.
const FUNCTIONS: &[(&str, Estimate)] = &[
    ("array_append", sum),
    ("array_prepend", sum),
    ("array_repeat", |row| row.count(1).saturating_mul(row.bytes(0).max(ELEMENT_BYTES))),
    ("array_resize", |row| row.bytes(0).saturating_add(row.count(1).saturating_mul(row.bytes(2).max(ELEMENT_BYTES)))),
    ("array_to_string", |row| {
        row.bytes(0).saturating_add((row.bytes(0) / ELEMENT_BYTES).saturating_mul(row.bytes(1).saturating_add(24)))
    }),
    ("concat", sum),
    ("concat_ws", |row| sum(row).saturating_add(row.bytes(0).saturating_mul(row.arguments.len() as u64))),
    ("generate_series", series),
    ("lpad", padded),
    ("make_array", sum),
    ("range", series),
    ("regexp_replace", replaced_pattern),
    ("repeat", |row| row.count(1).saturating_mul(row.bytes(0))),
    ("replace", |row| {
        let places = row.bytes(0) / row.bytes(1).max(1) + 1;
        row.bytes(0).saturating_add(places.saturating_mul(row.bytes(2)))
    }),
    ("rpad", padded),
    ("string_to_array", |row| row.bytes(0).saturating_mul(2 * ELEMENT_BYTES)),
];

/// All arguments together, for functions that join them.
pub(crate) fn sum(row: &Row<'_>) -> u64 {
    (0..row.arguments.len()).map(|index| row.bytes(index)).fold(0, u64::saturating_add)
}

/// A value as many times as the lengths of an array say; those are taken to be in one dimension.
pub(crate) fn filled(row: &Row<'_>) -> u64 {
    row.product(1).saturating_mul(row.bytes(0).max(ELEMENT_BYTES))
}

/// The text and as many letters as are asked for, of up to four bytes each.
fn padded(row: &Row<'_>) -> u64 {
    row.bytes(0).saturating_add(row.count(1).saturating_mul(4))
}

/// A replacement at each letter, in which each reference may be the whole text once more.
fn replaced_pattern(row: &Row<'_>) -> u64 {
    let (text, with) = (row.bytes(0), row.bytes(2));
    text.saturating_add(1).saturating_mul(with.saturating_add(1)).saturating_add(with.saturating_mul(text))
}

/// The elements from start to stop; one when the step leads away from the end, or is zero, which the
/// function itself refuses.
fn series(row: &Row<'_>) -> u64 {
    let (start, stop) = if row.arguments.len() == 1 { (0, row.number(0)) } else { (row.number(0), row.number(1)) };
    let step = if row.arguments.len() > 2 { row.number(2) } else { 1 };
    if step == 0 || (stop < start) != (step < 0) {
        return ELEMENT_BYTES;
    }
    let elements = start.abs_diff(stop) / step.unsigned_abs() + 1;
    u64::try_from(elements).unwrap_or(u64::MAX).saturating_mul(ELEMENT_BYTES)
}

/// Has DataFusion's functions, and those of `own` by name and estimate, ask the memory limit before
/// they compute. A name that is not registered is passed over.
///
/// # Errors
/// Whatever DataFusion refuses to register.
pub(crate) fn bound(
    state: &mut SessionState,
    pool: &Arc<dyn MemoryPool>,
    own: impl Iterator<Item = (&'static str, Estimate)>,
) -> Result<()> {
    for (name, estimate) in FUNCTIONS.iter().copied().chain(own) {
        if let Some(inner) = state.scalar_functions().get(name).cloned() {
            let check = Check::Size(estimate);
            state.register_udf(Arc::new(ScalarUDF::from(SizedFunction { inner, check, pool: pool.clone() })))?;
        }
    }
    if let Some(inner) = state.scalar_functions().get("levenshtein").cloned() {
        state.register_udf(Arc::new(ScalarUDF::from(SizedFunction {
            inner,
            check: Check::Length,
            pool: pool.clone(),
        })))?;
    }
    Ok(())
}

/// What is asked of the arguments before the function computes.
#[derive(Clone, Copy)]
enum Check {
    /// The result must fit.
    Size(Estimate),
    /// The arguments must be short: time grows by the square of them.
    Length,
}

/// A function that estimates before it computes, and otherwise is the one it wraps. Each method of
/// DataFusion's `ScalarUDFImpl` that the wrapped function may override has to be passed on here: an
/// upgrade that adds one needs a look at the end of this file.
#[derive(Clone)]
struct SizedFunction {
    inner: Arc<ScalarUDF>,
    check: Check,
    pool: Arc<dyn MemoryPool>,
}

impl fmt::Debug for SizedFunction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

impl PartialEq for SizedFunction {
    fn eq(&self, other: &Self) -> bool {
        self.inner == other.inner
    }
}

impl Eq for SizedFunction {}

impl Hash for SizedFunction {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.inner.hash(state);
    }
}

impl SizedFunction {
    /// Bytes the result may take; an error when that is too much for a value or a batch.
    fn bytes(&self, estimate: Estimate, arguments: &[Argument], rows: usize) -> Result<u64> {
        let constant = arguments.iter().all(Argument::is_constant);
        let rows = if constant { 1 } else { rows };
        let mut all = 0_u64;
        for row in 0..rows {
            let value = estimate(&Row { arguments, row });
            all = all.saturating_add(value);
            if value > VALUE_BYTES_MAX {
                return Err(too_large(self.inner.name(), value, "value", VALUE_BYTES_MAX));
            }
            if all > CALL_BYTES_MAX {
                return Err(too_large(self.inner.name(), all, "batch of rows", CALL_BYTES_MAX));
            }
        }
        Ok(all)
    }

    /// Asks whether the result of one call may be computed.
    ///
    /// # Errors
    /// `OutOfMemory` (SQLSTATE 53200) when a value, a batch or the memory limit has no room;
    /// `InvalidParameter` for texts too long to compare.
    fn admit(&self, arguments: &[ColumnarValue], rows: usize) -> Result<()> {
        let arguments: Vec<Argument> = arguments.iter().map(Argument::of).collect();
        match self.check {
            Check::Size(estimate) => {
                let bytes = self.bytes(estimate, &arguments, rows)?;
                // Given back at once: it is what the result may take, and most take far less.
                let reservation = MemoryConsumer::new(self.inner.name()).register(&self.pool);
                let wanted = usize::try_from(bytes).unwrap_or(usize::MAX);
                reservation.try_grow(wanted)?;
                let constant = arguments.iter().all(Argument::is_constant);
                // A constant that was not folded is written out for each row.
                let written = bytes.saturating_mul(rows as u64);
                if constant && rows > 1 && written > CALL_BYTES_MAX {
                    return Err(too_large(self.inner.name(), written, "batch of rows", CALL_BYTES_MAX));
                }
                // One that is folded is kept in the plan, and copied with it, time and again.
                let is_kept = constant && rows <= 1 && bytes >= LARGE_CONSTANT_BYTES;
                let fits =
                    heap::has_room(wanted) && (!is_kept || heap::is_little(work::bytes().saturating_add(wanted)));
                if fits { Ok(()) } else { Err(self.no_room(bytes)) }
            }
            Check::Length => {
                let row = |row| Row { arguments: &arguments, row };
                let long = (0..rows.max(1))
                    .any(|at| (0..arguments.len()).any(|index| row(at).bytes(index) > COMPARED_BYTES_MAX));
                if !long {
                    return Ok(());
                }
                let message =
                    format!("{} argument exceeds maximum length of {COMPARED_BYTES_MAX} characters", self.inner.name());
                Err(DataFusionError::External(Box::new(QueryError::new(ErrorKind::InvalidParameter, message))))
            }
        }
    }

    /// The refusal of a result for which the whole program, or its statement's plan, has no room left.
    fn no_room(&self, bytes: u64) -> DataFusionError {
        let size = bytesize::ByteSize::b(bytes).display().iec().to_string();
        let message = format!("out of memory: there is no room for the {size} that {} would make", self.inner.name());
        DataFusionError::External(Box::new(QueryError::new(ErrorKind::OutOfMemory, message)))
    }
}

/// An argument over all rows, with its numbers computed when first asked for.
enum Argument {
    Constant { bytes: u64, number: OnceCell<i128>, value: ScalarValue },
    Rows { array: ArrayRef, numbers: OnceCell<Vec<i128>>, bytes_each: u64 },
}

impl Argument {
    /// The argument for a column; an array's bytes are spread evenly over its rows where the type
    /// does not tell.
    fn of(value: &ColumnarValue) -> Self {
        match value {
            ColumnarValue::Scalar(value) => {
                Self::Constant { bytes: bytes_of(value), number: OnceCell::new(), value: value.clone() }
            }
            ColumnarValue::Array(array) => {
                let bytes_each = (array.get_array_memory_size() as u64).div_ceil(array.len().max(1) as u64);
                Self::Rows { array: array.clone(), numbers: OnceCell::new(), bytes_each }
            }
        }
    }

    /// Whether the argument is the same in each row.
    fn is_constant(&self) -> bool {
        matches!(self, Self::Constant { .. })
    }
}

/// Values as numbers, 0 for NULL and for what is no number. Times, and lengths of time, are in nanoseconds.
fn numbers(array: &ArrayRef) -> Vec<i128> {
    const DAY: i128 = 86_400_000_000_000;
    let length = |interval: IntervalMonthDayNano| {
        // The shortest month: the number of steps is estimated rather too high.
        (i128::from(interval.months) * 28 + i128::from(interval.days)) * DAY + i128::from(interval.nanoseconds)
    };
    let scale = match array.data_type() {
        DataType::Interval(IntervalUnit::MonthDayNano) => {
            let lengths = array.as_primitive::<IntervalMonthDayNanoType>();
            return lengths.iter().map(|interval| interval.map_or(0, length)).collect();
        }
        DataType::Date32 => DAY,
        DataType::Date64 | DataType::Timestamp(TimeUnit::Millisecond, _) => 1_000_000,
        DataType::Timestamp(TimeUnit::Second, _) => 1_000_000_000,
        DataType::Timestamp(TimeUnit::Microsecond, _) => 1_000,
        _ => 1,
    };
    // Days have no direct way to 64 bits.
    let whole = match array.data_type() {
        DataType::Date32 => cast(array, &DataType::Int32).and_then(|days| cast(&days, &DataType::Int64)),
        _ => cast(array, &DataType::Int64),
    };
    match whole {
        Ok(whole) => {
            whole.as_primitive::<Int64Type>().iter().map(|number| i128::from(number.unwrap_or(0)) * scale).collect()
        }
        Err(_) => vec![0; array.len()],
    }
}

/// Bytes of a constant: of a text its length, of anything else what it takes in memory, 0 of NULL.
pub(super) fn bytes_of(value: &ScalarValue) -> u64 {
    match value.try_as_str() {
        Some(text) => text.map_or(0, |text| text.len() as u64),
        None if value.is_null() => 0,
        None => value.size() as u64,
    }
}

/// One row of the arguments, as an estimate reads it.
pub(crate) struct Row<'a> {
    arguments: &'a [Argument],
    row: usize,
}

impl Row<'_> {
    /// Bytes of an argument; 0 for NULL and for one that is not there.
    fn bytes(&self, index: usize) -> u64 {
        match self.arguments.get(index) {
            None => 0,
            Some(Argument::Constant { bytes, .. }) => *bytes,
            Some(Argument::Rows { array, .. }) if array.is_null(self.row) => 0,
            Some(Argument::Rows { array, bytes_each, .. }) => match array.data_type() {
                DataType::Utf8 => array.as_string::<i32>().value_length(self.row) as u64,
                DataType::LargeUtf8 => array.as_string::<i64>().value_length(self.row) as u64,
                DataType::Utf8View => u64::from(array.as_string_view().views()[self.row] as u32),
                _ => *bytes_each,
            },
        }
    }

    /// An argument as a number; 0 for NULL.
    fn number(&self, index: usize) -> i128 {
        match self.arguments.get(index) {
            Some(Argument::Constant { number, value, .. }) => *number
                .get_or_init(|| value.to_array().map_or(0, |array| numbers(&array).first().copied().unwrap_or(0))),
            Some(Argument::Rows { array, numbers: cell, .. }) => {
                cell.get_or_init(|| numbers(array)).get(self.row).copied().unwrap_or(0)
            }
            None => 0,
        }
    }

    /// The product of an argument's elements, 1 where they are not constant.
    fn product(&self, index: usize) -> u64 {
        match self.arguments.get(index) {
            Some(Argument::Constant { value: ScalarValue::List(list), .. }) if list.len() == 1 && list.is_valid(0) => {
                numbers(&list.value(0))
                    .into_iter()
                    .map(|length| u64::try_from(length.max(0)).unwrap_or(u64::MAX))
                    .fold(1, u64::saturating_mul)
            }
            Some(Argument::Rows { array, .. }) => match array.as_list_opt::<i32>() {
                Some(list) if list.is_valid(self.row) => numbers(&list.value(self.row))
                    .into_iter()
                    .map(|length| u64::try_from(length.max(0)).unwrap_or(u64::MAX))
                    .fold(1, u64::saturating_mul),
                _ => 1,
            },
            _ => 1,
        }
    }

    /// An argument as how many: none when it is negative.
    fn count(&self, index: usize) -> u64 {
        u64::try_from(self.number(index).max(0)).unwrap_or(u64::MAX)
    }
}

impl ScalarUDFImpl for SizedFunction {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn aliases(&self) -> &[String] {
        self.inner.aliases()
    }

    fn schema_name(&self, args: &[Expr]) -> Result<String> {
        self.inner.schema_name(args)
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        self.inner.return_type(arg_types)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        self.inner.return_field_from_args(args)
    }

    fn is_nullable(&self, args: &[Expr], schema: &dyn ExprSchema) -> bool {
        #[expect(deprecated)]
        self.inner.is_nullable(args, schema)
    }

    fn is_strict(&self) -> bool {
        self.inner.is_strict()
    }

    fn with_updated_config(&self, config: &ConfigOptions) -> Option<ScalarUDF> {
        let inner = Arc::new(self.inner.inner().with_updated_config(config)?);
        Some(ScalarUDF::from(Self { inner, ..self.clone() }))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        self.admit(&args.args, args.number_rows)?;
        self.inner.invoke_with_args(args)
    }

    /// Simplifies as the wrapped function does, and stays around the call when it remains one.
    fn simplify(&self, args: Vec<Expr>, info: &SimplifyContext) -> Result<ExprSimplifyResult> {
        // DataFusion's `concat` joins its constants here, before any check; too much of them is left
        // to the call, which refuses it.
        let constants = args.iter().filter_map(|arg| arg.as_literal()).map(bytes_of).fold(0, u64::saturating_add);
        if constants > VALUE_BYTES_MAX {
            return Ok(ExprSimplifyResult::Original(args));
        }
        Ok(match self.inner.simplify(args, info)? {
            ExprSimplifyResult::Simplified(Expr::ScalarFunction(mut call)) if call.func.name() == self.name() => {
                call.func = Arc::new(ScalarUDF::from(self.clone()));
                ExprSimplifyResult::Simplified(Expr::ScalarFunction(call))
            }
            other => other,
        })
    }

    fn short_circuits(&self) -> bool {
        self.inner.short_circuits()
    }

    fn evaluate_bounds(&self, input: &[&Interval]) -> Result<Interval> {
        self.inner.evaluate_bounds(input)
    }

    fn propagate_constraints(&self, interval: &Interval, inputs: &[&Interval]) -> Result<Option<Vec<Interval>>> {
        self.inner.propagate_constraints(interval, inputs)
    }

    fn output_ordering(&self, inputs: &[ExprProperties]) -> Result<SortProperties> {
        self.inner.output_ordering(inputs)
    }

    fn preserves_lex_ordering(&self, inputs: &[ExprProperties]) -> Result<bool> {
        self.inner.preserves_lex_ordering(inputs)
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        self.inner.coerce_types(arg_types)
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.inner.documentation()
    }

    fn placement(&self, args: &[ExpressionPlacement]) -> ExpressionPlacement {
        self.inner.placement(args)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{Int64Array, StringArray};

    #[track_caller]
    fn estimated(name: &str, arguments: &[ColumnarValue], row: usize, expected: u64) {
        let (_, estimate) = FUNCTIONS.iter().find(|(known, _)| *known == name).unwrap();
        let arguments: Vec<Argument> = arguments.iter().map(Argument::of).collect();
        assert_eq!(estimate(&Row { arguments: &arguments, row }), expected, "{name}");
    }

    fn one(value: impl Into<ScalarValue>) -> ColumnarValue {
        ColumnarValue::Scalar(value.into())
    }

    #[test]
    fn sizes_follow_from_the_arguments() {
        estimated("repeat", &[one("abc"), one(5_i64)], 0, 15);
        estimated("repeat", &[one("abc"), one(-5_i64)], 0, 0);
        estimated("repeat", &[one("abc"), one(i64::MAX)], 0, u64::MAX);
        estimated("lpad", &[one("abc"), one(10_i64)], 0, 43);
        estimated("generate_series", &[one(1_i64), one(10_i64), one(3_i64)], 0, 32);
        estimated("generate_series", &[one(1_i64), one(10_i64), one(-3_i64)], 0, 8);
        estimated("replace", &[one("aaaa"), one("a"), one("bb")], 0, 14);
        let texts = ColumnarValue::Array(Arc::new(StringArray::from(vec![Some("a"), None, Some("abc")])));
        let counts = ColumnarValue::Array(Arc::new(Int64Array::from(vec![Some(2), Some(3), None])));
        estimated("repeat", &[texts.clone(), counts.clone()], 0, 2);
        estimated("repeat", &[texts.clone(), counts], 1, 0);
        estimated("concat", &[texts, one("xy")], 2, 5);
    }

    #[test]
    fn series_of_times_are_counted_in_steps() {
        let day = |text: &str| {
            let days = text.parse::<chrono::NaiveDate>().unwrap() - chrono::NaiveDate::default();
            ColumnarValue::Scalar(ScalarValue::Date32(Some(days.num_days() as i32)))
        };
        let step = |months, days, nanoseconds| {
            let length = IntervalMonthDayNano { months, days, nanoseconds };
            ColumnarValue::Scalar(ScalarValue::IntervalMonthDayNano(Some(length)))
        };
        estimated("generate_series", &[day("2026-01-01"), day("2026-01-11"), step(0, 2, 0)], 0, 48);
        let instant = |seconds| ColumnarValue::Scalar(ScalarValue::TimestampSecond(Some(seconds), None));
        estimated("range", &[instant(0), instant(10), step(0, 0, 500_000_000)], 0, 168);
        estimated("range", &[instant(0), instant(86_400 * 280), step(1, 0, 0)], 0, 88);
    }
}
