//! The aggregate `sum` over integers and decimals is exact: it fails where its result leaves its
//! type, and never wraps around.
//!
//! Values are added in 128 bits. Integers cannot leave those: their sum is right whatever the order
//! of its parts, as in PostgreSQL, and only the result must fit into a `bigint`, or is a decimal. Sums
//! of all other types are DataFusion's own.
//!
//! DataFusion 55: `Sum` adds with `add_wrapping` in its accumulators, so that a sum beyond `bigint`
//! is a wrong number (apache/datafusion#17539, open, asks that every numeric overflow be an error).
//! Not needed once the aggregate fails when its result overflows, and not when a partial sum does:
//! `sums.slt` then passes with this file removed.

use super::checked::out_of_range;
use super::distinct_values::DistinctValues;
use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, BooleanArray, Decimal128Array, PrimitiveArray};
use arrow::datatypes::{DataType, Decimal128Type, Field, FieldRef, Int64Type, UInt64Type};
use datafusion::common::{Result, ScalarValue, internal_err};
use datafusion::functions_aggregate::sum::Sum;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::{AggregateOrderSensitivity, format_state_name};
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, EmitTo, GroupsAccumulator, ReversedUDAF, Signature, Volatility,
};
use datafusion::physical_expr::NullState;
use std::mem::size_of;
use std::sync::{Arc, LazyLock};

/// The type in which sums of integers go from one step of the plan to the next.
const WIDE: DataType = DataType::Decimal128(38, 0);

/// The aggregate function `sum`, which takes the place of DataFusion's under its name.
pub(crate) fn function() -> AggregateUDF {
    AggregateUDF::from(ExactSum::default())
}

/// The `sum` of bigints, which is a `numeric`.
pub(crate) fn of_bigints() -> Arc<AggregateUDF> {
    static FUNCTION: LazyLock<Arc<AggregateUDF>> = LazyLock::new(|| {
        let signature = Some(Signature::any(1, Volatility::Immutable));
        Arc::new(AggregateUDF::from(ExactSum { inner: Sum::default(), of_bigints: signature }))
    });
    FUNCTION.clone()
}

/// The function; `inner` answers for types that are not summed here, and for signature and result
/// type.
#[derive(Debug, Default, PartialEq, Eq, Hash)]
struct ExactSum {
    inner: Sum,
    /// The signature of the sum whose result is a decimal whatever integers it is of.
    of_bigints: Option<Signature>,
}

/// Types whose sums are made here. All of them are at most 128 bits wide.
fn is_wide(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Int64 | DataType::UInt64 | DataType::Decimal128(..))
}

impl AggregateUDFImpl for ExactSum {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn signature(&self) -> &Signature {
        self.of_bigints.as_ref().unwrap_or_else(|| self.inner.signature())
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        if self.of_bigints.is_some() { Ok(WIDE) } else { self.inner.return_type(arguments) }
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        self.inner.coerce_types(arguments)
    }

    /// One sum without groups: of distinct values when DISTINCT is written.
    fn accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        let result = args.return_type();
        if !is_wide(result) {
            return self.inner.accumulator(args);
        }
        if args.is_distinct {
            return Ok(Box::new(DistinctTotal { result: result.clone(), distinct: DistinctValues::new() }));
        }
        Ok(Box::new(Total { result: result.clone(), total: 0, count: 0 }))
    }

    /// What a partial sum hands on: a wide decimal, or for DISTINCT the list of different values.
    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        if !is_wide(args.return_type()) {
            return self.inner.state_fields(args);
        }
        let wide = Field::new(format_state_name(args.name, "sum"), wide(args.return_type()), true);
        if !args.is_distinct {
            return Ok(vec![Arc::new(wide)]);
        }
        let element = wide.with_name("item");
        let name = format_state_name(args.name, "sum distinct");
        Ok(vec![Arc::new(Field::new_list(name, element, false))])
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs) -> bool {
        !args.is_distinct
    }

    /// Sums for many groups at once; DISTINCT takes an accumulator for each group.
    fn create_groups_accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn GroupsAccumulator>> {
        let result = args.return_type();
        if !is_wide(result) {
            return self.inner.create_groups_accumulator(args);
        }
        Ok(Box::new(Totals { result: result.clone(), totals: Vec::new(), seen: NullState::new(), overflown: false }))
    }

    /// The accumulator of a moving window, whose values leave it again.
    fn create_sliding_accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        if is_wide(args.return_type()) { self.accumulator(args) } else { self.inner.create_sliding_accumulator(args) }
    }

    fn reverse_expr(&self) -> ReversedUDAF {
        self.inner.reverse_expr()
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        self.inner.order_sensitivity()
    }
}

/// The type of sums on their way: a decimal of the result's scale.
fn wide(result: &DataType) -> DataType {
    match result {
        DataType::Decimal128(_, scale) => DataType::Decimal128(38, *scale),
        _ => WIDE,
    }
}

/// Sums as an array of the result's type; `None` is NULL.
///
/// # Errors
/// `OutOfRange` (SQLSTATE 22003) where a sum does not fit into the type.
fn results(result: &DataType, totals: &[Option<i128>]) -> Result<ArrayRef> {
    let all = totals.iter().copied();
    Ok(match result {
        DataType::Decimal128(precision, scale) => {
            let array = all.collect::<Decimal128Array>().with_precision_and_scale(*precision, *scale)?;
            array.validate_decimal_precision(*precision).map_err(|_| out_of_range(result))?;
            Arc::new(array)
        }
        DataType::UInt64 => integers::<UInt64Type>(all, result)?,
        _ => integers::<Int64Type>(all, result)?,
    })
}

/// Sums as integers of one width.
fn integers<T: ArrowPrimitiveType>(totals: impl Iterator<Item = Option<i128>>, result: &DataType) -> Result<ArrayRef>
where
    T::Native: TryFrom<i128>,
{
    let fitting = totals.map(|total| match total {
        Some(total) => T::Native::try_from(total).map(Some).map_err(|_| out_of_range(result)),
        None => Ok(None),
    });
    Ok(Arc::new(fitting.collect::<Result<PrimitiveArray<T>>>()?))
}

/// Sums on their way to the next step, as wide decimals of the result's scale.
fn states(result: &DataType, totals: impl Iterator<Item = Option<i128>>) -> Result<ArrayRef> {
    Ok(Arc::new(totals.collect::<Decimal128Array>().with_data_type(wide(result))))
}

/// The values of an array of integers or decimals as 128-bit integers, NULL as `None`; the decimals'
/// scale is that of the array.
fn values(array: &ArrayRef) -> Result<Box<dyn Iterator<Item = Option<i128>> + '_>> {
    Ok(match array.data_type() {
        DataType::Int64 => Box::new(array.as_primitive::<Int64Type>().iter().map(|value| value.map(i128::from))),
        DataType::UInt64 => Box::new(array.as_primitive::<UInt64Type>().iter().map(|value| value.map(i128::from))),
        DataType::Decimal128(..) => Box::new(array.as_primitive::<Decimal128Type>().iter()),
        other => return internal_err!("a sum of {other}"),
    })
}

/// The sum of the values that are not NULL; 0 of none. Integers are added in halves, which cannot
/// overflow and leave the loop to the vector unit; decimals fail with `OutOfRange` beyond 128 bits.
fn total(array: &ArrayRef, result: &DataType) -> Result<i128> {
    if *array.data_type() != DataType::Int64 {
        let mut sum = Some(0_i128);
        for value in values(array)?.flatten() {
            sum = sum.and_then(|sum| sum.checked_add(value));
        }
        return sum.ok_or_else(|| out_of_range(result));
    }
    let integers = array.as_primitive::<Int64Type>();
    let slice = integers.values();
    Ok(match integers.nulls().filter(|nulls| nulls.null_count() > 0) {
        None => sum_of_integers(slice),
        Some(nulls) => nulls.valid_slices().map(|(from, to)| sum_of_integers(&slice[from..to])).sum(),
    })
}

/// The sum of integers, high and low halves apart, in pieces so short that no half overflows.
pub(crate) fn sum_of_integers(integers: &[i64]) -> i128 {
    const LENGTH_MAX: usize = 1 << 30;
    let halves = |part: &[i64]| {
        let (mut high, mut low) = (0_i64, 0_i64);
        for value in part {
            high += value >> 32;
            low += value & 0xffff_ffff;
        }
        (i128::from(high) << 32) + i128::from(low)
    };
    integers.chunks(LENGTH_MAX).map(halves).sum()
}

/// One sum; values may leave it again (moving windows).
#[derive(Debug)]
struct Total {
    result: DataType,
    total: i128,
    /// Values in it: a sum of none is NULL.
    count: usize,
}

impl Total {
    /// Adds the values of an array, and counts those that are not NULL.
    fn add(&mut self, array: &ArrayRef) -> Result<()> {
        let sum = total(array, &self.result)?;
        self.total = self.total.checked_add(sum).ok_or_else(|| out_of_range(&self.result))?;
        self.count += array.len() - array.null_count();
        Ok(())
    }

    /// The sum so far; `None` when no value is in it.
    fn sum(&self) -> Option<i128> {
        (self.count > 0).then_some(self.total)
    }
}

impl Accumulator for Total {
    fn update_batch(&mut self, arrays: &[ArrayRef]) -> Result<()> {
        arrays.iter().try_for_each(|array| self.add(array))
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        states.iter().try_for_each(|array| self.add(array))
    }

    fn retract_batch(&mut self, arrays: &[ArrayRef]) -> Result<()> {
        for array in arrays {
            let sum = total(array, &self.result)?;
            self.total = self.total.checked_sub(sum).ok_or_else(|| out_of_range(&self.result))?;
            self.count -= array.len() - array.null_count();
        }
        Ok(())
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        ScalarValue::try_from_array(&results(&self.result, &[self.sum()])?, 0)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let state = states(&self.result, std::iter::once(self.sum()))?;
        Ok(vec![ScalarValue::try_from_array(&state, 0)?])
    }

    fn size(&self) -> usize {
        size_of::<Self>()
    }
}

/// The sum of the different values.
#[derive(Debug)]
struct DistinctTotal {
    result: DataType,
    distinct: DistinctValues<i128>,
}

impl Accumulator for DistinctTotal {
    fn update_batch(&mut self, arrays: &[ArrayRef]) -> Result<()> {
        for array in arrays {
            for value in values(array)?.flatten() {
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
            for value in values(array)?.flatten() {
                self.distinct.remove(value);
            }
        }
        Ok(())
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let sum = self.distinct.values().try_fold(0_i128, i128::checked_add);
        let sum = sum.ok_or_else(|| out_of_range(&self.result))?;
        let sum = (self.distinct.values().len() > 0).then_some(sum);
        ScalarValue::try_from_array(&results(&self.result, &[sum])?, 0)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let values = states(&self.result, self.distinct.values().map(Some))?;
        let values =
            (0..values.len()).map(|row| ScalarValue::try_from_array(&values, row)).collect::<Result<Vec<_>>>()?;
        Ok(vec![ScalarValue::List(ScalarValue::new_list_nullable(&values, &wide(&self.result)))])
    }

    fn size(&self) -> usize {
        size_of::<Self>() + self.distinct.size()
    }
}

/// A sum for each group, by the group's number.
struct Totals {
    result: DataType,
    totals: Vec<i128>,
    /// Groups that have a value: a sum of none is NULL.
    seen: NullState,
    /// A decimal sum left its 128 bits.
    overflown: bool,
}

impl Totals {
    /// Adds each row's value to its group, rows that `filter` drops aside; fails once a sum left its
    /// 128 bits.
    fn add<T: ArrowPrimitiveType + Send>(
        &mut self,
        array: &ArrayRef,
        groups: &[usize],
        filter: Option<&BooleanArray>,
        group_count: usize,
    ) -> Result<()>
    where
        T::Native: Into<i128>,
    {
        let (totals, mut overflown) = (&mut self.totals, false);
        self.seen.accumulate(groups, array.as_primitive::<T>(), filter, group_count, |group, value| {
            let (sum, over) = totals[group].overflowing_add(value.into());
            totals[group] = sum;
            overflown |= over;
        });
        self.overflown |= overflown;
        if self.overflown { Err(out_of_range(&self.result)) } else { Ok(()) }
    }

    /// The sums of the groups to give out, NULL for groups without a value; they are removed from
    /// here.
    fn take(&mut self, emit: EmitTo) -> Vec<Option<i128>> {
        let totals = emit.take_needed(&mut self.totals);
        match self.seen.build(emit) {
            Some(seen) => totals.into_iter().zip(seen.iter()).map(|(total, seen)| seen.then_some(total)).collect(),
            None => totals.into_iter().map(Some).collect(),
        }
    }
}

impl GroupsAccumulator for Totals {
    fn update_batch(
        &mut self,
        arrays: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        group_count: usize,
    ) -> Result<()> {
        let [array] = arrays else { return internal_err!("a sum has one argument") };
        self.totals.resize(group_count, 0);
        match array.data_type() {
            DataType::Int64 => self.add::<Int64Type>(array, groups, filter, group_count),
            DataType::UInt64 => self.add::<UInt64Type>(array, groups, filter, group_count),
            DataType::Decimal128(..) => self.add::<Decimal128Type>(array, groups, filter, group_count),
            other => internal_err!("a sum of {other}"),
        }
    }

    fn merge_batch(&mut self, states: &[ArrayRef], groups: &[usize], group_count: usize) -> Result<()> {
        self.update_batch(states, groups, None, group_count)
    }

    fn evaluate(&mut self, emit: EmitTo) -> Result<ArrayRef> {
        let totals = self.take(emit);
        results(&self.result, &totals)
    }

    fn state(&mut self, emit: EmitTo) -> Result<Vec<ArrayRef>> {
        let totals = self.take(emit);
        Ok(vec![states(&self.result, totals.into_iter())?])
    }

    fn convert_to_state(&self, arrays: &[ArrayRef], filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        let [array] = arrays else { return internal_err!("a sum has one argument") };
        let kept = |row: usize| filter.is_none_or(|filter| filter.is_valid(row) && filter.value(row));
        let values = values(array)?.enumerate().map(|(row, value)| value.filter(|_| kept(row)));
        Ok(vec![states(&self.result, values)?])
    }

    fn size(&self) -> usize {
        self.totals.capacity() * size_of::<i128>() + self.seen.size()
    }
}
