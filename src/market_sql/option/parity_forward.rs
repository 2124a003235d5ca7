//! `parity_forward(strike, call, put)`: the forward and the discount factor of a chain by put-call parity.
//!
//! The pairs are kept, so that the result is the same to the last digit in whatever parts they come.

use super::arguments::doubles;
use crate::dialect::function::section::Section;
use crate::dialect::moment::fault;
use crate::dialect::typing::kind::Kind;
use crate::market::option_model::parity::{Parity, fit};
use arrow::array::{ArrayRef, AsArray, Float64Array, Int64Array, ListArray, StructArray};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, FieldRef, Fields};
use datafusion::common::{Result, ScalarValue, exec_datafusion_err};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::{AggregateOrderSensitivity, format_state_name};
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, Documentation, ReversedUDAF, Signature, Volatility,
};
use std::collections::VecDeque;
use std::sync::Arc;

/// The name that statements call it by.
const NAME: &str = "parity_forward";

/// The aggregate as DataFusion takes it.
pub(super) fn function() -> AggregateUDF {
    let doc = "The forward and the discount factor of a chain by put-call parity: the line of least squares through \
               call less put by strike.";
    let section = Section::Numeric.of_datafusion();
    let documentation = Documentation::builder(section, doc, format!("{NAME}(strike, call_mid, put_mid)")).build();
    AggregateUDF::from(ParityForward { signature: Signature::user_defined(Volatility::Immutable), documentation })
}

/// The aggregate; what it knows of a group is in [`Pairs`].
#[derive(Debug, PartialEq, Eq, Hash)]
struct ParityForward {
    signature: Signature,
    documentation: Documentation,
}

impl AggregateUDFImpl for ParityForward {
    fn name(&self) -> &str {
        NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        let kinds: Vec<Kind> = given.iter().map(Kind::of).collect();
        if kinds.len() == 3 && kinds.iter().all(|kind| kind.is_number() || *kind == Kind::Unknown) {
            return Ok(vec![DataType::Float64; 3]);
        }
        let names: Vec<String> = kinds.iter().map(Kind::name).collect();
        Err(fault::unknown(format!("function {NAME}({}) does not exist", names.join(", "))))
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Struct(fields()))
    }

    fn accumulator(&self, _: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        Ok(Box::<Pairs>::default())
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        let state =
            |name| Field::new(format_state_name(args.name, name), DataType::new_list(DataType::Float64, true), true);
        Ok(vec![Arc::new(state("strikes")), Arc::new(state("differences"))])
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        AggregateOrderSensitivity::Insensitive
    }

    fn reverse_expr(&self) -> ReversedUDAF {
        ReversedUDAF::Identical
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&self.documentation)
    }
}

fn fields() -> Fields {
    let double = |name| Field::new(name, DataType::Float64, true);
    let count = Field::new("n", DataType::Int64, true);
    vec![double("forward"), double("discount_factor"), count, double("rmse")].into()
}

/// Strikes, each with call less put. A moving frame takes the first of them away.
#[derive(Debug, Default)]
struct Pairs(VecDeque<(f64, f64)>);

/// The pairs of rows; those in which a value is NULL or no number are none.
fn pairs(columns: &[ArrayRef]) -> Result<impl Iterator<Item = (f64, f64)>> {
    let [strikes, calls, puts] = columns else { return Err(exec_datafusion_err!("{NAME} takes three columns")) };
    let (strikes, calls, puts) = (doubles(strikes)?, doubles(calls)?, doubles(puts)?);
    let rows = strikes.iter().zip(calls).zip(puts);
    Ok(rows.filter_map(|((strike, call), put)| {
        let pair = (strike?, call? - put?);
        (pair.0.is_finite() && pair.1.is_finite()).then_some(pair)
    }))
}

impl Accumulator for Pairs {
    fn update_batch(&mut self, columns: &[ArrayRef]) -> Result<()> {
        self.0.extend(pairs(columns)?);
        Ok(())
    }

    fn retract_batch(&mut self, columns: &[ArrayRef]) -> Result<()> {
        let gone = pairs(columns)?.count();
        self.0.drain(..gone.min(self.0.len()));
        Ok(())
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let list = |value: fn(&(f64, f64)) -> f64| {
            let values = Float64Array::from_iter_values(self.0.iter().map(value));
            let item = Arc::new(Field::new_list_field(DataType::Float64, true));
            let list = ListArray::try_new(item, OffsetBuffer::from_lengths([values.len()]), Arc::new(values), None)?;
            Ok::<_, DataFusionError>(ScalarValue::List(Arc::new(list)))
        };
        Ok(vec![list(|pair| pair.0)?, list(|pair| pair.1)?])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let [strikes, differences] = states else { return Err(exec_datafusion_err!("{NAME} has two states")) };
        let (strikes, differences) = (strikes.as_list::<i32>(), differences.as_list::<i32>());
        for (strikes, differences) in strikes.iter().flatten().zip(differences.iter().flatten()) {
            let (strikes, differences) = (doubles(&strikes)?, doubles(&differences)?);
            self.0.extend(strikes.values().iter().copied().zip(differences.values().iter().copied()));
        }
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let mut pairs: Vec<(f64, f64)> = self.0.iter().copied().collect();
        let found = fit(&mut pairs);
        let double =
            |value: fn(&Parity) -> f64| Arc::new(Float64Array::from(vec![found.as_ref().map(value)])) as ArrayRef;
        let count = found.as_ref().map(|found| found.count as i64);
        let columns = vec![
            double(|found| found.forward),
            double(|found| found.discount_factor),
            Arc::new(Int64Array::from(vec![count])) as ArrayRef,
            double(|found| found.rmse),
        ];
        let nulls = arrow::buffer::NullBuffer::from(vec![found.is_some()]);
        Ok(ScalarValue::Struct(Arc::new(StructArray::try_new(fields(), columns, Some(nulls))?)))
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.0.capacity() * size_of::<(f64, f64)>()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn columns(rows: &[(f64, f64, Option<f64>)]) -> Vec<ArrayRef> {
        let double = |values: Vec<Option<f64>>| Arc::new(Float64Array::from(values)) as ArrayRef;
        vec![
            double(rows.iter().map(|row| Some(row.0)).collect()),
            double(rows.iter().map(|row| Some(row.1)).collect()),
            double(rows.iter().map(|row| row.2).collect()),
        ]
    }

    fn of(parts: &[&[(f64, f64, Option<f64>)]]) -> ScalarValue {
        let mut whole = Pairs::default();
        for part in parts {
            let mut pairs = Pairs::default();
            pairs.update_batch(&columns(part)).unwrap();
            let states: Vec<ArrayRef> = pairs.state().unwrap().iter().map(|state| state.to_array().unwrap()).collect();
            whole.merge_batch(&states).unwrap();
        }
        whole.evaluate().unwrap()
    }

    const ROWS: [(f64, f64, Option<f64>); 5] = [
        (100.0, 5.0, Some(3.1)),
        (110.0, 1.2, Some(8.4)),
        (95.0, f64::NAN, Some(1.0)),
        (90.0, 12.3, Some(0.7)),
        (120.0, 0.2, None),
    ];

    #[test]
    fn parts_make_no_difference() {
        let whole = of(&[&ROWS]);
        assert!(!whole.is_null());
        assert_eq!(of(&[&ROWS[3..], &ROWS[..1], &[], &ROWS[1..3]]), whole);
        assert!(of(&[&ROWS[..1]]).is_null());
        assert!(of(&[]).is_null());
    }

    #[test]
    fn what_leaves_a_frame_leaves_nothing_behind() {
        let mut pairs = Pairs::default();
        pairs.update_batch(&columns(&[(1.0, 1e300, Some(0.0)), (f64::NAN, 1.0, Some(1.0))])).unwrap();
        pairs.update_batch(&columns(&ROWS)).unwrap();
        pairs.retract_batch(&columns(&[(1.0, 1e300, Some(0.0)), (f64::NAN, 1.0, Some(1.0))])).unwrap();
        assert_eq!(pairs.evaluate().unwrap(), of(&[&ROWS]));
    }
}
