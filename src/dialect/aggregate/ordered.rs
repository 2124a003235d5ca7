//! Ordered-set aggregates: `percentile_cont`, `percentile_disc` and `mode`, of one fraction or an array
//! of them.
//!
//! DataFusion 55: `percentile_cont` goes from one value to the next in millionths, takes no intervals and no array of
//! fractions, and the other two are not there. Not needed once they are.

use crate::dialect::moment::arithmetic::{span_negated, span_plus, span_times};
use crate::dialect::moment::interval_order::lengths;
use crate::dialect::moment::types::INTERVAL;
use crate::error::{ErrorKind, QueryError};
use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::{SortOptions, concat, partition, sort, sort_to_indices, take};
use arrow::datatypes::{DataType, Field, FieldRef, Float32Type, Float64Type, IntervalMonthDayNanoType};
use datafusion::common::utils::SingleRowListArrayBuilder;
use datafusion::common::{Result, ScalarValue, not_impl_err, plan_err};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::{AggregateOrderSensitivity, format_state_name};
use datafusion::logical_expr::{Accumulator, AggregateUDF, AggregateUDFImpl, Signature, Volatility};
use datafusion::physical_expr::expressions::Literal;
use std::any::Any;
use std::sync::Arc;

/// The aggregates, by their names.
pub(crate) fn functions() -> impl Iterator<Item = AggregateUDF> {
    let all = [Choice::Continuous, Choice::Discrete, Choice::Mode];
    all.into_iter().map(|choice| {
        AggregateUDF::from(OrderedSet { choice, signature: Signature::user_defined(Volatility::Immutable) })
    })
}

/// Which of the sorted values is the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Choice {
    /// What lies at a fraction of the way, between two values if need be.
    Continuous,
    /// The first value at or behind a fraction of the way.
    Discrete,
    /// The most frequent value, of several the first.
    Mode,
}

/// One of the aggregates. The value that WITHIN GROUP sorts by is its first argument, the fraction its
/// second.
#[derive(Debug, PartialEq, Eq, Hash)]
struct OrderedSet {
    choice: Choice,
    signature: Signature,
}

impl AggregateUDFImpl for OrderedSet {
    fn name(&self) -> &str {
        match self.choice {
            Choice::Continuous => "percentile_cont",
            Choice::Discrete => "percentile_disc",
            Choice::Mode => "mode",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        let value = |data_type: &DataType| match (self.choice, data_type) {
            (_, DataType::Interval(_) | DataType::Duration(_)) => Ok(INTERVAL),
            (_, other) if other.is_nested() => not_impl_err!("{} of {other} is not supported", self.name()),
            (Choice::Continuous, other) if other.is_numeric() || other.is_null() => Ok(DataType::Float64),
            (Choice::Continuous, other) => plan_err!("function percentile_cont({other}) does not exist"),
            (_, other) => Ok(other.clone()),
        };
        match (self.choice, arguments) {
            (Choice::Mode, [only]) => Ok(vec![value(only)?]),
            (Choice::Continuous | Choice::Discrete, [of, DataType::List(_)]) => {
                Ok(vec![value(of)?, DataType::new_list(DataType::Float64, true)])
            }
            (Choice::Continuous | Choice::Discrete, [of, _]) => Ok(vec![value(of)?, DataType::Float64]),
            _ => plan_err!("WITHIN GROUP is required for ordered-set aggregate {}", self.name()),
        }
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        Ok(match arguments {
            [value, DataType::List(_)] => DataType::new_list(value.clone(), true),
            [value, ..] => value.clone(),
            [] => return plan_err!("{} has a value to sort by", self.name()),
        })
    }

    fn accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        if args.is_distinct {
            return not_impl_err!("DISTINCT is not supported with WITHIN GROUP");
        }
        let Some(field) = args.expr_fields.first() else { return plan_err!("{} has no value", self.name()) };
        let literal = args.exprs.get(1).and_then(|expr| {
            let expr: &dyn Any = expr.as_ref();
            expr.downcast_ref::<Literal>()
        });
        let fraction = literal.map(|literal| literal.value().clone());
        if let Some(fraction) = &fraction {
            fractions(fraction)?;
        }
        Ok(Box::new(Sorted {
            choice: self.choice,
            descending: args.order_bys.first().is_some_and(|order| order.options.descending),
            value_type: field.data_type().clone(),
            result: args.return_type().clone(),
            fraction,
            values: Vec::new(),
        }))
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        let Some(value) = args.input_fields.first() else { return plan_err!("{} has no value", self.name()) };
        let element = Field::new_list_field(value.data_type().clone(), true);
        let values = Field::new_list(format_state_name(args.name, "values"), element, true);
        let fraction = args.input_fields.get(1).map(|fraction| {
            let name = format_state_name(args.name, "fraction");
            Arc::new(Field::new(name, fraction.data_type().clone(), true))
        });
        Ok(std::iter::once(Arc::new(values)).chain(fraction).collect())
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        AggregateOrderSensitivity::Insensitive
    }

    fn supports_within_group_clause(&self) -> bool {
        true
    }
}

/// The fractions of an argument, `None` for NULL: one, or those of an array.
///
/// # Errors
/// `OutOfRange` (SQLSTATE 22003) where one is not between 0 and 1.
fn fractions(argument: &ScalarValue) -> Result<Option<Vec<Option<f64>>>> {
    let all: Vec<Option<f64>> = match argument {
        ScalarValue::Float64(None) => return Ok(None),
        ScalarValue::Float64(fraction) => vec![*fraction],
        ScalarValue::List(list) if !list.is_empty() && list.is_valid(0) => {
            list.value(0).as_primitive::<Float64Type>().iter().collect()
        }
        _ => return Ok(None),
    };
    if let Some(outside) = all.iter().flatten().find(|fraction| !(0.0..=1.0).contains(*fraction)) {
        let message = format!("percentile value {outside} is not between 0 and 1");
        return Err(DataFusionError::External(Box::new(QueryError::new(ErrorKind::OutOfRange, message))));
    }
    Ok(Some(all))
}

/// The values of one group, sorted when the result is wanted.
#[derive(Debug)]
struct Sorted {
    choice: Choice,
    descending: bool,
    value_type: DataType,
    result: DataType,
    /// The fraction, or an array of them, once it is known.
    fraction: Option<ScalarValue>,
    /// The values that are not NULL, as they came.
    values: Vec<ArrayRef>,
}

impl Sorted {
    /// Takes in the values of a column that are not NULL. All NaN become one that is greatest, and -0
    /// becomes 0.
    fn take(&mut self, column: &ArrayRef) -> Result<()> {
        let kept = match column.null_count() {
            0 => column.clone(),
            _ => arrow::compute::filter(column, &arrow::compute::is_not_null(column)?)?,
        };
        self.values.push(match kept.data_type() {
            DataType::Float64 => Arc::new(
                kept.as_primitive::<Float64Type>()
                    .unary::<_, Float64Type>(|value| if value.is_nan() { f64::NAN } else { value + 0.0 }),
            ),
            DataType::Float32 => Arc::new(
                kept.as_primitive::<Float32Type>()
                    .unary::<_, Float32Type>(|value| if value.is_nan() { f32::NAN } else { value + 0.0 }),
            ),
            _ => kept,
        });
        Ok(())
    }

    /// All values as one array.
    fn all(&self) -> Result<ArrayRef> {
        let parts: Vec<&dyn Array> = self.values.iter().map(AsRef::as_ref).collect();
        if parts.is_empty() {
            return Ok(arrow::array::new_empty_array(&self.value_type));
        }
        Ok(concat(&parts)?)
    }
}

/// The value at a fraction of the way through sorted values, of which there is at least one.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a fraction of a length is a place in it")]
fn at(choice: Choice, sorted: &ArrayRef, fraction: f64) -> Result<ScalarValue> {
    if choice == Choice::Discrete {
        let place = (fraction * sorted.len() as f64).ceil().max(1.0) as usize - 1;
        return ScalarValue::try_from_array(sorted, place.min(sorted.len() - 1));
    }
    if let Some(spans) = sorted.as_primitive_opt::<IntervalMonthDayNanoType>() {
        let place = fraction * (spans.len() - 1) as f64;
        let (below, above) = (spans.value(place.floor() as usize), spans.value(place.ceil() as usize));
        let gap = span_plus(above, span_negated(below)?)?;
        let value = span_plus(span_times(gap, place - place.floor())?, below)?;
        return Ok(ScalarValue::IntervalMonthDayNano(Some(value)));
    }
    let values = sorted.as_primitive::<Float64Type>().values();
    let place = fraction * (values.len() - 1) as f64;
    let (below, above) = (values[place.floor() as usize], values[place.ceil() as usize]);
    let value = if place.floor() == place.ceil() { below } else { below + (place - place.floor()) * (above - below) };
    Ok(ScalarValue::from(value))
}

impl Accumulator for Sorted {
    fn update_batch(&mut self, arrays: &[ArrayRef]) -> Result<()> {
        if self.fraction.is_none()
            && let Some(column) = arrays.get(1).filter(|column| !column.is_empty())
        {
            self.fraction = Some(ScalarValue::try_from_array(column, 0)?);
        }
        arrays.first().map_or(Ok(()), |column| self.take(column))
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        if self.fraction.is_none()
            && let Some(column) = states.get(1)
            && let Some(row) = (0..column.len()).find(|row| column.is_valid(*row))
        {
            self.fraction = Some(ScalarValue::try_from_array(column, row)?);
        }
        let Some(lists) = states.first() else { return Ok(()) };
        lists.as_list::<i32>().iter().flatten().try_for_each(|list| self.take(&list))
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let null = ScalarValue::try_from(&self.result)?;
        let wanted = match &self.fraction {
            Some(fraction) => fractions(fraction)?,
            None => None,
        };
        let all = self.all()?;
        if all.is_empty() {
            return Ok(null);
        }
        let options = Some(SortOptions { descending: self.descending, nulls_first: false });
        // Intervals are sorted, and told apart, by their length.
        let (sorted, keys) = match lengths(&all) {
            Some(lengths) => {
                let places = sort_to_indices(&lengths, options, None)?;
                (take(&all, &places, None)?, take(&lengths, &places, None)?)
            }
            None => {
                let sorted = sort(&all, options)?;
                (sorted.clone(), sorted)
            }
        };
        if self.choice == Choice::Mode {
            let runs = partition(std::slice::from_ref(&keys))?.ranges();
            let longest = runs.iter().rev().max_by_key(|run| run.len());
            return longest.map_or(Ok(null), |run| ScalarValue::try_from_array(&sorted, run.start));
        }
        let Some(wanted) = wanted else { return Ok(null) };
        let values = wanted.iter().map(|fraction| match fraction {
            Some(fraction) => at(self.choice, &sorted, *fraction),
            None => ScalarValue::try_from(&self.value_type),
        });
        let mut values = values.collect::<Result<Vec<_>>>()?;
        match &self.result {
            DataType::List(_) => Ok(ScalarValue::List(ScalarValue::new_list_nullable(&values, &self.value_type))),
            _ => Ok(values.pop().unwrap_or(null)),
        }
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let values = SingleRowListArrayBuilder::new(self.all()?).build_list_scalar();
        Ok(match (&self.fraction, self.choice) {
            (_, Choice::Mode) => vec![values],
            (Some(fraction), _) => vec![values, fraction.clone()],
            (None, _) => {
                let unknown = match &self.result {
                    DataType::List(_) => DataType::new_list(DataType::Float64, true),
                    _ => DataType::Float64,
                };
                vec![values, ScalarValue::try_from(&unknown)?]
            }
        })
    }

    fn size(&self) -> usize {
        // A group's values are a part of buffers that other groups share.
        self.values.iter().map(|column| column.to_data().get_slice_memory_size().unwrap_or(0)).sum()
    }
}
