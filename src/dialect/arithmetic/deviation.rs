//! The aggregates `stddev`, `variance` and their forms over integers and `numeric`: a `numeric` with the places PostgreSQL
//! gives it, from exact sums.
//!
//! DataFusion 55: they compute in doubles. Not needed once `variance(x)` over 1, 2 and 4 is a decimal.

use super::decimal::{Number, UNBOUND, too_many_digits, unbound};
use super::distinct_values::DistinctValues;
use super::exact_values::{input_scale, values, whole};
use super::numeric_function::{narrowed, root};
use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Decimal256Type, Field, FieldRef, Int64Type, i256};
use datafusion::common::{Result, ScalarValue, internal_err};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::format_state_name;
use datafusion::logical_expr::{Accumulator, AggregateUDF, AggregateUDFImpl, Signature, Volatility};
use num_bigint::BigInt;
use std::mem::size_of;
use std::sync::{Arc, LazyLock};

/// The aggregate of a name over exact numbers; `None` for a name that is not one of these.
pub(crate) fn function(name: &str) -> Option<Arc<AggregateUDF>> {
    static FUNCTIONS: LazyLock<[Arc<AggregateUDF>; 4]> = LazyLock::new(|| {
        let made = |name, sample, root| {
            let signature = Signature::any(1, Volatility::Immutable);
            Arc::new(AggregateUDF::from(Deviation { name, sample, root, signature }))
        };
        [
            made("stddev", true, true),
            made("stddev_pop", false, true),
            made("var_samp", true, false),
            made("var_pop", false, false),
        ]
    });
    let place = match name {
        "stddev" | "stddev_samp" => 0,
        "stddev_pop" => 1,
        "var" | "var_samp" | "variance" | "var_sample" => 2,
        "var_pop" | "var_population" => 3,
        _ => return None,
    };
    FUNCTIONS.get(place).cloned()
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Deviation {
    name: &'static str,
    sample: bool,
    root: bool,
    signature: Signature,
}

impl AggregateUDFImpl for Deviation {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(UNBOUND)
    }

    fn accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        let scale = input_scale(args.expr_fields)?;
        let sums = Sums { scale, sample: self.sample, root: self.root, count: 0, sum: i256::ZERO, squares: i256::ZERO };
        if args.is_distinct {
            return Ok(Box::new(Distinct { sums, distinct: DistinctValues::new() }));
        }
        Ok(Box::new(sums))
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        let sum = DataType::Decimal256(76, input_scale(args.input_fields)?);
        if args.is_distinct {
            let name = format_state_name(args.name, "distinct");
            return Ok(vec![Arc::new(Field::new_list(name, Field::new("item", sum, true), false))]);
        }
        let state = |name: &str, data_type| Arc::new(Field::new(format_state_name(args.name, name), data_type, true));
        // Squares have twice the places of their numbers: they go as whole numbers.
        Ok(vec![state("count", DataType::Int64), state("sum", sum), state("squares", DataType::Decimal256(76, 0))])
    }
}

/// The number of values, their sum and that of their squares; values may leave it again.
#[derive(Debug)]
struct Sums {
    scale: i8,
    sample: bool,
    root: bool,
    count: i64,
    sum: i256,
    squares: i256,
}

impl Sums {
    fn add(&mut self, value: i256) -> Result<()> {
        let square = value.checked_mul(value).ok_or_else(too_many_digits)?;
        self.sum = self.sum.checked_add(value).ok_or_else(too_many_digits)?;
        self.squares = self.squares.checked_add(square).ok_or_else(too_many_digits)?;
        self.count += 1;
        Ok(())
    }

    fn remove(&mut self, value: i256) -> Result<()> {
        let square = value.checked_mul(value).ok_or_else(too_many_digits)?;
        self.sum = self.sum.checked_sub(value).ok_or_else(too_many_digits)?;
        self.squares = self.squares.checked_sub(square).ok_or_else(too_many_digits)?;
        self.count -= 1;
        Ok(())
    }

    /// The deviation or variance; NULL of too few values.
    fn result(&self) -> Result<Option<i256>> {
        if self.count <= i64::from(self.sample) {
            return Ok(None);
        }
        let big = |number: i256| BigInt::parse_bytes(number.to_string().as_bytes(), 10).ok_or_else(too_many_digits);
        let (sum, squares) = (big(self.sum)?, big(self.squares)?);
        let spread = BigInt::from(self.count) * squares - &sum * &sum;
        if spread <= BigInt::ZERO {
            return Ok(Some(i256::ZERO));
        }
        let spread = narrowed(&spread, 2 * i64::from(self.scale))?;
        let count = i128::from(self.count);
        let divisor = if self.sample { count * (count - 1) } else { count * count };
        let variance = spread.divided_by(Number { digits: i256::from_i128(divisor), scale: 0 })?;
        unbound(if self.root { root(variance, variance.scale.into())? } else { variance }).map(Some)
    }
}

impl Accumulator for Sums {
    fn update_batch(&mut self, arrays: &[ArrayRef]) -> Result<()> {
        for array in arrays {
            values(&whole(array)?)?.flatten().try_for_each(|value| self.add(value))?;
        }
        Ok(())
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let [counts, sums, squares] = states else { return internal_err!("a deviation has three states") };
        let (counts, sums) = (counts.as_primitive::<Int64Type>(), sums.as_primitive::<Decimal256Type>());
        let squares = squares.as_primitive::<Decimal256Type>();
        for row in 0..counts.len() {
            if counts.is_null(row) || sums.is_null(row) || squares.is_null(row) {
                continue;
            }
            self.count += counts.value(row);
            self.sum = self.sum.checked_add(sums.value(row)).ok_or_else(too_many_digits)?;
            self.squares = self.squares.checked_add(squares.value(row)).ok_or_else(too_many_digits)?;
        }
        Ok(())
    }

    fn retract_batch(&mut self, arrays: &[ArrayRef]) -> Result<()> {
        for array in arrays {
            values(&whole(array)?)?.flatten().try_for_each(|value| self.remove(value))?;
        }
        Ok(())
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        Ok(ScalarValue::Decimal256(self.result()?, 76, 38))
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![
            ScalarValue::Int64(Some(self.count)),
            ScalarValue::Decimal256(Some(self.sum), 76, self.scale),
            ScalarValue::Decimal256(Some(self.squares), 76, 0),
        ])
    }

    fn size(&self) -> usize {
        size_of::<Self>()
    }
}

/// The same over the different values.
#[derive(Debug)]
struct Distinct {
    sums: Sums,
    distinct: DistinctValues<i256>,
}

impl Accumulator for Distinct {
    fn update_batch(&mut self, arrays: &[ArrayRef]) -> Result<()> {
        for array in arrays {
            for value in values(&whole(array)?)?.flatten() {
                if self.distinct.add(value) {
                    self.sums.add(value)?;
                }
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
                if self.distinct.remove(value) {
                    self.sums.remove(value)?;
                }
            }
        }
        Ok(())
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        self.sums.evaluate()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let scale = self.sums.scale;
        let values = self.distinct.values().map(|value| ScalarValue::Decimal256(Some(value), 76, scale));
        let values: Vec<_> = values.collect();
        Ok(vec![ScalarValue::List(ScalarValue::new_list_nullable(&values, &DataType::Decimal256(76, scale)))])
    }

    fn size(&self) -> usize {
        size_of::<Self>() + self.distinct.size()
    }
}
