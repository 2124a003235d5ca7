//! The aggregate `avg` of integers and of `numeric`: a `numeric` with the places PostgreSQL gives it.
//!
//! DataFusion 55: `avg` of integers is a double, and of a decimal has four places more than it, cut off. Not needed once
//! `avg(x)` over 1 and 2 is a decimal, and over 1, 1 and 2 has 16 places.

use super::decimal::{Number, UNBOUND, too_many_digits, unbound};
use super::distinct_values::DistinctValues;
use super::exact_values::{input_scale, values, whole};
use super::sum::sum_of_integers;
use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Decimal256Array, Int64Array};
use arrow::datatypes::{DataType, Field, FieldRef, Int64Type, i256};
use datafusion::common::{Result, ScalarValue, internal_err};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::format_state_name;
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, EmitTo, GroupsAccumulator, Signature, Volatility,
};
use std::mem::size_of;
use std::sync::{Arc, LazyLock};

/// The aggregate, which is made once.
pub(crate) fn function() -> Arc<AggregateUDF> {
    static FUNCTION: LazyLock<Arc<AggregateUDF>> = LazyLock::new(|| Arc::new(AggregateUDF::from(Average::default())));
    FUNCTION.clone()
}

/// Sums on their way from one step of the plan to the next.
fn sum_type(scale: i8) -> DataType {
    DataType::Decimal256(76, scale)
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Average {
    signature: Signature,
}

impl Default for Average {
    fn default() -> Self {
        Self { signature: Signature::any(1, Volatility::Immutable) }
    }
}

impl AggregateUDFImpl for Average {
    fn name(&self) -> &str {
        "avg"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(UNBOUND)
    }

    fn accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        let scale = input_scale(args.expr_fields)?;
        if args.is_distinct {
            return Ok(Box::new(DistinctMean { scale, distinct: DistinctValues::new() }));
        }
        Ok(Box::new(Mean { scale, sum: i256::ZERO, count: 0 }))
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        let sum = sum_type(input_scale(args.input_fields)?);
        if args.is_distinct {
            let name = format_state_name(args.name, "avg distinct");
            return Ok(vec![Arc::new(Field::new_list(name, Field::new("item", sum, true), false))]);
        }
        Ok(vec![
            Arc::new(Field::new(format_state_name(args.name, "count"), DataType::Int64, true)),
            Arc::new(Field::new(format_state_name(args.name, "sum"), sum, true)),
        ])
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs) -> bool {
        !args.is_distinct
    }

    fn create_groups_accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn GroupsAccumulator>> {
        Ok(Box::new(Means { scale: input_scale(args.expr_fields)?, sums: Vec::new(), counts: Vec::new() }))
    }
}

/// The average of a sum; NULL of no values.
fn mean(sum: i256, count: i64, scale: i8) -> Result<Option<i256>> {
    if count == 0 {
        return Ok(None);
    }
    let sum = Number { digits: sum, scale: scale.into() };
    let sum = if i16::from(scale) == 38 { sum.stripped() } else { sum };
    let count = Number { digits: i256::from_i128(count.into()), scale: 0 };
    unbound(sum.divided_by(count)?).map(Some)
}

/// The sum of an array's values.
fn total(array: &ArrayRef) -> Result<i256> {
    if *array.data_type() == DataType::Int64 && array.null_count() == 0 {
        return Ok(i256::from_i128(sum_of_integers(array.as_primitive::<Int64Type>().values())));
    }
    let mut sum = i256::ZERO;
    for value in values(array)?.flatten() {
        sum = sum.checked_add(value).ok_or_else(too_many_digits)?;
    }
    Ok(sum)
}

fn count(array: &ArrayRef) -> i64 {
    i64::try_from(array.len() - array.null_count()).unwrap_or(i64::MAX)
}

/// One average; values may leave it again.
#[derive(Debug)]
struct Mean {
    scale: i8,
    sum: i256,
    count: i64,
}

impl Accumulator for Mean {
    fn update_batch(&mut self, arrays: &[ArrayRef]) -> Result<()> {
        for array in arrays {
            let array = whole(array)?;
            self.sum = self.sum.checked_add(total(&array)?).ok_or_else(too_many_digits)?;
            self.count += count(&array);
        }
        Ok(())
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let [counts, sums] = states else { return internal_err!("an average has two states") };
        self.count += counts.as_primitive::<Int64Type>().iter().flatten().sum::<i64>();
        self.sum = self.sum.checked_add(total(sums)?).ok_or_else(too_many_digits)?;
        Ok(())
    }

    fn retract_batch(&mut self, arrays: &[ArrayRef]) -> Result<()> {
        for array in arrays {
            let array = whole(array)?;
            self.sum = self.sum.checked_sub(total(&array)?).ok_or_else(too_many_digits)?;
            self.count -= count(&array);
        }
        Ok(())
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        Ok(ScalarValue::Decimal256(mean(self.sum, self.count, self.scale)?, 76, 38))
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![ScalarValue::Int64(Some(self.count)), ScalarValue::Decimal256(Some(self.sum), 76, self.scale)])
    }

    fn size(&self) -> usize {
        size_of::<Self>()
    }
}

/// The average of the different values.
#[derive(Debug)]
struct DistinctMean {
    scale: i8,
    distinct: DistinctValues<i256>,
}

impl Accumulator for DistinctMean {
    fn update_batch(&mut self, arrays: &[ArrayRef]) -> Result<()> {
        for array in arrays {
            for value in values(&whole(array)?)?.flatten() {
                self.distinct.add(value);
            }
        }
        Ok(())
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let Some(lists) = states.first() else { return Ok(()) };
        lists.as_list::<i32>().iter().flatten().try_for_each(|list| self.update_batch(&[list]))
    }

    fn retract_batch(&mut self, arrays: &[ArrayRef]) -> Result<()> {
        for array in arrays {
            for value in values(&whole(array)?)?.flatten() {
                self.distinct.remove(value);
            }
        }
        Ok(())
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let sum = self.distinct.values().try_fold(i256::ZERO, i256::checked_add);
        let sum = sum.ok_or_else(too_many_digits)?;
        let count = i64::try_from(self.distinct.values().len()).unwrap_or(i64::MAX);
        Ok(ScalarValue::Decimal256(mean(sum, count, self.scale)?, 76, 38))
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let values = self.distinct.values().map(|value| ScalarValue::Decimal256(Some(value), 76, self.scale));
        let values: Vec<_> = values.collect();
        Ok(vec![ScalarValue::List(ScalarValue::new_list_nullable(&values, &sum_type(self.scale)))])
    }

    fn size(&self) -> usize {
        size_of::<Self>() + self.distinct.size()
    }
}

/// An average for each group, by the group's number.
struct Means {
    scale: i8,
    sums: Vec<i256>,
    counts: Vec<i64>,
}

impl Means {
    /// Adds rows, those aside that `filter` drops; each counts for as many values as `counts` says.
    fn add(
        &mut self,
        array: &ArrayRef,
        counts: Option<&Int64Array>,
        groups: &[usize],
        filter: Option<&BooleanArray>,
        group_count: usize,
    ) -> Result<()> {
        self.sums.resize(group_count, i256::ZERO);
        self.counts.resize(group_count, 0);
        let kept = |row: usize| filter.is_none_or(|filter| filter.is_valid(row) && filter.value(row));
        if *array.data_type() == DataType::Int64 {
            let integers = array.as_primitive::<Int64Type>();
            for (row, (value, group)) in integers.values().iter().zip(groups).enumerate() {
                if integers.is_valid(row) && kept(row) {
                    // No number of integers leaves 256 bits.
                    self.sums[*group] = self.sums[*group].wrapping_add(i256::from_i128((*value).into()));
                    self.counts[*group] += 1;
                }
            }
            return Ok(());
        }
        for (row, (value, group)) in values(array)?.zip(groups).enumerate() {
            let Some(value) = value.filter(|_| kept(row)) else { continue };
            let (sum, overflown) = self.sums[*group].overflowing_add(value);
            if overflown {
                return Err(too_many_digits());
            }
            self.sums[*group] = sum;
            self.counts[*group] += counts.map_or(1, |counts| counts.value(row));
        }
        Ok(())
    }
}

impl GroupsAccumulator for Means {
    fn update_batch(
        &mut self,
        arrays: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        group_count: usize,
    ) -> Result<()> {
        let [array] = arrays else { return internal_err!("an average has one argument") };
        self.add(&whole(array)?, None, groups, filter, group_count)
    }

    fn merge_batch(&mut self, states: &[ArrayRef], groups: &[usize], group_count: usize) -> Result<()> {
        let [counts, sums] = states else { return internal_err!("an average has two states") };
        self.add(sums, Some(counts.as_primitive::<Int64Type>()), groups, None, group_count)
    }

    fn evaluate(&mut self, emit: EmitTo) -> Result<ArrayRef> {
        let (sums, counts) = (emit.take_needed(&mut self.sums), emit.take_needed(&mut self.counts));
        let means = sums.into_iter().zip(counts).map(|(sum, count)| mean(sum, count, self.scale));
        let means = means.collect::<Result<Decimal256Array>>()?;
        Ok(Arc::new(means.with_precision_and_scale(76, 38)?))
    }

    fn state(&mut self, emit: EmitTo) -> Result<Vec<ArrayRef>> {
        let (sums, counts) = (emit.take_needed(&mut self.sums), emit.take_needed(&mut self.counts));
        let sums = Decimal256Array::from_iter_values(sums).with_data_type(sum_type(self.scale));
        Ok(vec![Arc::new(Int64Array::from(counts)), Arc::new(sums)])
    }

    fn convert_to_state(&self, arrays: &[ArrayRef], filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        let [array] = arrays else { return internal_err!("an average has one argument") };
        let array = whole(array)?;
        let kept = |row: usize| filter.is_none_or(|filter| filter.is_valid(row) && filter.value(row));
        let kept: Vec<_> = values(&array)?.enumerate().map(|(row, value)| value.filter(|_| kept(row))).collect();
        let counts: Int64Array = kept.iter().map(|value| Some(i64::from(value.is_some()))).collect();
        let sums: Decimal256Array = kept.into_iter().map(|value| Some(value.unwrap_or(i256::ZERO))).collect();
        Ok(vec![Arc::new(counts), Arc::new(sums.with_data_type(sum_type(self.scale)))])
    }

    fn size(&self) -> usize {
        self.sums.capacity() * size_of::<i256>() + self.counts.capacity() * size_of::<i64>()
    }
}
