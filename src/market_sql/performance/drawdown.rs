//! `max_drawdown(value ORDER BY time)`, the deepest fall of a value below its peak.
//!
//! Rows are kept with what they are sorted by, and sorted when the result is wanted, so that it does not depend on the parts in
//! which they come. Over a window they come in its order, and none is kept.

use super::super::argument::{Taken, coerced, finite};
use crate::dialect::aggregate::frame::Anew;
use crate::dialect::function::section::Section;
use crate::market::performance::Drawdown;
use arrow::array::{ArrayRef, AsArray, BinaryBuilder, Float64Builder, ListBuilder};
use arrow::datatypes::{DataType, Field, FieldRef, Float64Type};
use arrow::row::{RowConverter, SortField};
use datafusion::common::{Result, ScalarValue, exec_datafusion_err, internal_err, not_impl_err};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::{AggregateOrderSensitivity, format_state_name};
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, Documentation, ReversedUDAF, Signature, Volatility,
};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// The aggregate as DataFusion takes it.
pub(super) fn function() -> AggregateUDF {
    let doc = "The deepest fall of a value below its peak, as a share of it, at most 0; in the order of its ORDER BY.";
    let call = "max_drawdown(value ORDER BY time)";
    AggregateUDF::from(MaxDrawdown {
        signature: Signature::user_defined(Volatility::Immutable),
        documentation: Documentation::builder(Section::Other.of_datafusion(), doc, call).build(),
    })
}

/// The aggregate with what DataFusion asks of it.
#[derive(Debug, Clone)]
pub(crate) struct MaxDrawdown {
    signature: Signature,
    documentation: Documentation,
}

impl PartialEq for MaxDrawdown {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for MaxDrawdown {}

impl Hash for MaxDrawdown {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name().hash(state);
    }
}

impl MaxDrawdown {
    /// Whether an aggregate is this one.
    pub(crate) fn is(function: &AggregateUDF) -> bool {
        function.inner().downcast_ref::<Self>().is_some()
    }
}

impl AggregateUDFImpl for MaxDrawdown {
    fn name(&self) -> &str {
        "max_drawdown"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        coerced(self.name(), &[Taken::Number], 1, arguments)
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Float64)
    }

    fn accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        if args.is_distinct {
            return not_impl_err!("max_drawdown(DISTINCT) is not supported");
        }
        let fields = args.order_bys.iter().map(|order| {
            let data_type = order.expr.data_type(args.schema)?;
            Ok(SortField::new_with_options(data_type, order.options))
        });
        let fields = fields.collect::<Result<Vec<_>>>()?;
        Ok(match fields.is_empty() {
            true => Box::new(InOrder::default()),
            false => Box::new(Values { converter: RowConverter::new(fields)?, rows: Vec::new(), bytes: 0 }),
        })
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        let field = |name: &str, of: DataType| {
            Arc::new(Field::new_list(format_state_name(args.name, name), Field::new_list_field(of, true), true))
        };
        Ok(vec![field("keys", DataType::Binary), field("values", DataType::Float64)])
    }

    /// Each frame is aggregated anew.
    fn create_sliding_accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(Anew::new(&Arc::new(AggregateUDF::from(self.clone())), &args)))
    }

    /// With an order, DataFusion brings what it is made of with each row.
    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        AggregateOrderSensitivity::Beneficial
    }

    fn with_beneficial_ordering(self: Arc<Self>, _: bool) -> Result<Option<Arc<dyn AggregateUDFImpl>>> {
        Ok(Some(self))
    }

    fn reverse_expr(&self) -> ReversedUDAF {
        ReversedUDAF::NotSupported
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&self.documentation)
    }
}

/// The rows of a column with a finite number, and these numbers.
fn known(values: &ArrayRef) -> impl Iterator<Item = (usize, f64)> {
    let values = values.as_primitive_opt::<Float64Type>().into_iter().flatten().enumerate();
    values.filter_map(|(row, value)| Some((row, value.filter(|value| value.is_finite())?)))
}

/// The result as a value.
fn deepest(drawdown: &Drawdown) -> Result<ScalarValue> {
    Ok(ScalarValue::Float64(drawdown.deepest().map(finite).transpose()?))
}

/// The values of a window, which come in its order.
#[derive(Debug, Default)]
struct InOrder {
    drawdown: Drawdown,
}

impl Accumulator for InOrder {
    fn update_batch(&mut self, columns: &[ArrayRef]) -> Result<()> {
        columns.iter().take(1).flat_map(known).for_each(|(_, value)| self.drawdown.add(value));
        Ok(())
    }

    fn merge_batch(&mut self, _: &[ArrayRef]) -> Result<()> {
        internal_err!("values of a window are not merged")
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        deepest(&self.drawdown)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        internal_err!("values of a window have no state")
    }

    fn size(&self) -> usize {
        0
    }
}

/// The values of a group with their keys, which sort them.
#[derive(Debug)]
struct Values {
    /// What makes keys of the columns of ORDER BY.
    converter: RowConverter,
    rows: Vec<(Box<[u8]>, f64)>,
    /// Bytes of all keys.
    bytes: usize,
}

impl Values {
    fn add(&mut self, key: &[u8], value: f64) {
        self.bytes += key.len();
        self.rows.push((key.into(), value));
    }
}

impl Accumulator for Values {
    fn update_batch(&mut self, columns: &[ArrayRef]) -> Result<()> {
        let Some((values, order)) = columns.split_first() else { return Ok(()) };
        let keys = self.converter.convert_columns(order)?;
        for (row, value) in known(values) {
            self.add(keys.row(row).data(), value);
        }
        Ok(())
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let [keys, values] = states else { return Err(exec_datafusion_err!("keys and values are wanted")) };
        for lists in keys.as_list::<i32>().iter().zip(values.as_list::<i32>().iter()) {
            let (Some(keys), Some(values)) = lists else { continue };
            let (keys, values) = (keys.as_binary::<i32>(), values.as_primitive::<Float64Type>());
            for (row, value) in values.values().iter().enumerate() {
                self.add(keys.value(row), *value);
            }
        }
        Ok(())
    }

    /// Rows that sort alike come from the least value up.
    fn evaluate(&mut self) -> Result<ScalarValue> {
        self.rows.sort_unstable_by(|one, other| one.0.cmp(&other.0).then(one.1.total_cmp(&other.1)));
        let mut drawdown = Drawdown::default();
        self.rows.iter().for_each(|(_, value)| drawdown.add(*value));
        deepest(&drawdown)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let (mut keys, mut values) = (ListBuilder::new(BinaryBuilder::new()), ListBuilder::new(Float64Builder::new()));
        for (key, value) in &self.rows {
            keys.values().append_value(key);
            values.values().append_value(*value);
        }
        keys.append(true);
        values.append(true);
        Ok(vec![ScalarValue::List(Arc::new(keys.finish())), ScalarValue::List(Arc::new(values.finish()))])
    }

    fn size(&self) -> usize {
        self.rows.capacity() * size_of::<(Box<[u8]>, f64)>() + self.bytes
    }
}
