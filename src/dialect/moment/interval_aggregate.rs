//! `sum`, `avg`, `min` and `max` of intervals.
//!
//! DataFusion 55: `sum` and `avg` refuse intervals, and `min` and `max` compare their fields one after the other, not
//! their length. Not needed once `max` of `1 day` and `25 hours` is `25:00:00` and their `avg` `24:30:00`.

use super::arithmetic::span_over;
use super::convert::length_us;
use super::fault::out_of_range;
use super::types::{INTERVAL, Kind};
use datafusion::arrow::array::{ArrayRef, AsArray};
use datafusion::arrow::datatypes::{
    DataType, Decimal128Type, Field, FieldRef, Int64Type, IntervalMonthDayNano, IntervalMonthDayNanoType,
};
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, Result, ScalarValue, exec_err};
use datafusion::functions_aggregate::average::Avg;
use datafusion::logical_expr::expr::WindowFunctionDefinition;
use datafusion::logical_expr::expr_rewriter::FunctionRewrite;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, Documentation, Expr, ExprSchemable, GroupsAccumulator, ReversedUDAF,
    Signature, TypeSignature, Volatility,
};
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

/// What is made of the intervals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Of {
    Sum,
    Mean,
    Least,
    Greatest,
}

/// The aggregate of intervals that stands for one of a name; `None` for names of other aggregates.
pub(crate) fn function(name: &str) -> Option<Arc<AggregateUDF>> {
    static FUNCTIONS: LazyLock<[(&str, Arc<AggregateUDF>); 4]> = LazyLock::new(|| {
        let made = |of| Arc::new(AggregateUDF::from(Spans::new(of)));
        [("sum", made(Of::Sum)), ("avg", made(Of::Mean)), ("min", made(Of::Least)), ("max", made(Of::Greatest))]
    });
    FUNCTIONS.iter().find(|(own, _)| *own == name).map(|(_, function)| function.clone())
}

/// The function rewrite that puts the aggregates of intervals in the place of DataFusion's.
#[derive(Debug)]
pub(crate) struct Aggregates;

impl FunctionRewrite for Aggregates {
    fn name(&self) -> &str {
        "aggregates of intervals"
    }

    fn rewrite(&self, expr: Expr, schema: &DFSchema, _: &ConfigOptions) -> Result<Transformed<Expr>> {
        let spans = |args: &[Expr]| match args {
            [only] => matches!(only.get_type(schema), Ok(given) if Kind::of(&given) == Some(Kind::Interval)),
            _ => false,
        };
        Ok(match expr {
            Expr::AggregateFunction(mut call) if spans(&call.params.args) => match function(call.func.name()) {
                Some(function) => {
                    call.func = function;
                    Transformed::yes(Expr::AggregateFunction(call))
                }
                None => Transformed::no(Expr::AggregateFunction(call)),
            },
            Expr::WindowFunction(mut call) if spans(&call.params.args) => match function(call.fun.name()) {
                Some(function) => {
                    call.fun = WindowFunctionDefinition::AggregateUDF(function);
                    Transformed::yes(Expr::WindowFunction(call))
                }
                None => Transformed::no(Expr::WindowFunction(call)),
            },
            other => Transformed::no(other),
        })
    }
}

/// One of the functions.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Spans {
    of: Of,
    signature: Signature,
}

impl Spans {
    fn new(of: Of) -> Self {
        Self { of, signature: Signature::exact(vec![INTERVAL], Volatility::Immutable) }
    }
}

/// Digits of a sum of nanoseconds on its way from one step of the plan to the next.
const WIDE: DataType = DataType::Decimal128(38, 0);

impl AggregateUDFImpl for Spans {
    fn name(&self) -> &str {
        match self.of {
            Of::Sum => "interval_sum",
            Of::Mean => "interval_avg",
            Of::Least => "interval_min",
            Of::Greatest => "interval_max",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(INTERVAL)
    }

    fn state_fields(&self, arguments: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        let field =
            |name: &str, data_type| Arc::new(Field::new(format!("{}[{name}]", arguments.name), data_type, true));
        Ok(match self.of {
            Of::Sum | Of::Mean => vec![
                field("months", DataType::Int64),
                field("days", DataType::Int64),
                field("nanoseconds", WIDE),
                field("count", DataType::Int64),
            ],
            Of::Least | Of::Greatest => vec![field("extreme", INTERVAL)],
        })
    }

    fn accumulator(&self, _: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        Ok(match self.of {
            Of::Sum | Of::Mean => Box::new(Total { mean: self.of == Of::Mean, ..Total::default() }),
            of => Box::new(Extreme { greatest: of == Of::Greatest, found: None }),
        })
    }

    fn create_sliding_accumulator(&self, arguments: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        match self.of {
            Of::Sum | Of::Mean => self.accumulator(arguments),
            of => Ok(Box::new(Sliding { greatest: of == Of::Greatest, spans: BTreeMap::new() })),
        }
    }
}

/// The intervals of a column that are not NULL.
fn spans(values: &[ArrayRef]) -> impl Iterator<Item = IntervalMonthDayNano> {
    let columns = values.iter().take(1).filter_map(|column| column.as_primitive_opt::<IntervalMonthDayNanoType>());
    columns.flat_map(|column| column.iter().flatten())
}

/// The parts of all intervals so far.
#[derive(Debug, Default)]
struct Total {
    mean: bool,
    months: i64,
    days: i64,
    nanoseconds: i128,
    count: i64,
}

impl Total {
    fn add(&mut self, span: IntervalMonthDayNano, sign: i64) {
        // 64 bits hold the months and days of more rows than there can be.
        self.months = self.months.saturating_add(sign * i64::from(span.months));
        self.days = self.days.saturating_add(sign * i64::from(span.days));
        self.nanoseconds += i128::from(sign) * i128::from(span.nanoseconds);
        self.count += sign;
    }
}

impl Accumulator for Total {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        spans(values).for_each(|span| self.add(span, 1));
        Ok(())
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        spans(values).for_each(|span| self.add(span, -1));
        Ok(())
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let [months, days, nanoseconds, counts] = states else { return exec_err!("four columns are wanted") };
        let (months, days) = (months.as_primitive::<Int64Type>(), days.as_primitive::<Int64Type>());
        let (nanoseconds, counts) = (nanoseconds.as_primitive::<Decimal128Type>(), counts.as_primitive::<Int64Type>());
        for row in 0..counts.len() {
            self.months = self.months.saturating_add(months.value(row));
            self.days = self.days.saturating_add(days.value(row));
            self.nanoseconds += nanoseconds.value(row);
            self.count += counts.value(row);
        }
        Ok(())
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![
            self.months.into(),
            self.days.into(),
            ScalarValue::Decimal128(Some(self.nanoseconds), 38, 0),
            self.count.into(),
        ])
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        if self.count == 0 {
            return Ok(ScalarValue::IntervalMonthDayNano(None));
        }
        let narrow = |value: i64| i32::try_from(value).map_err(|_| out_of_range("interval"));
        let nanoseconds = i64::try_from(self.nanoseconds).map_err(|_| out_of_range("interval"))?;
        let sum = IntervalMonthDayNano::new(narrow(self.months)?, narrow(self.days)?, nanoseconds);
        let result = if self.mean { span_over(sum, self.count as f64)? } else { sum };
        Ok(ScalarValue::IntervalMonthDayNano(Some(result)))
    }

    fn size(&self) -> usize {
        size_of::<Self>()
    }
}

/// The shortest or the longest interval so far; of equally long ones the last.
#[derive(Debug)]
struct Extreme {
    greatest: bool,
    found: Option<IntervalMonthDayNano>,
}

impl Accumulator for Extreme {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        for span in spans(values) {
            let beaten = self.found.is_none_or(|found| match length_us(span).cmp(&length_us(found)) {
                std::cmp::Ordering::Equal => true,
                order => (order == std::cmp::Ordering::Greater) == self.greatest,
            });
            if beaten {
                self.found = Some(span);
            }
        }
        Ok(())
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.update_batch(states)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![ScalarValue::IntervalMonthDayNano(self.found)])
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        Ok(ScalarValue::IntervalMonthDayNano(self.found))
    }

    fn size(&self) -> usize {
        size_of::<Self>()
    }
}

/// The intervals of a window that moves, by their length.
#[derive(Debug)]
struct Sliding {
    greatest: bool,
    spans: BTreeMap<i128, (usize, IntervalMonthDayNano)>,
}

impl Accumulator for Sliding {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        for span in spans(values) {
            let (count, last) = self.spans.entry(length_us(span)).or_insert((0, span));
            (*count, *last) = (*count + 1, span);
        }
        Ok(())
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        for span in spans(values) {
            let length = length_us(span);
            if let Some((count, _)) = self.spans.get_mut(&length) {
                *count -= 1;
                if *count == 0 {
                    self.spans.remove(&length);
                }
            }
        }
        Ok(())
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.update_batch(states)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![self.evaluate()?])
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let found = if self.greatest { self.spans.last_key_value() } else { self.spans.first_key_value() };
        Ok(ScalarValue::IntervalMonthDayNano(found.map(|(_, (_, span))| *span)))
    }

    fn size(&self) -> usize {
        size_of::<Self>() + self.spans.len() * 64
    }
}

/// The function `avg`, which takes intervals beside DataFusion's numbers; [`Aggregates`] puts `interval_avg` in its place
/// where it is of intervals.
pub(crate) fn average() -> AggregateUDF {
    let inner = Avg::new();
    let mut signature = inner.signature().clone();
    if let TypeSignature::OneOf(forms) = &mut signature.type_signature {
        forms.push(TypeSignature::Exact(vec![INTERVAL]));
    }
    AggregateUDF::from(Average { inner, signature })
}

/// DataFusion's `avg` with one more form.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Average {
    inner: Avg,
    signature: Signature,
}

impl AggregateUDFImpl for Average {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn aliases(&self) -> &[String] {
        self.inner.aliases()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        match arguments {
            [only] if Kind::of(only) == Some(Kind::Interval) => Ok(INTERVAL),
            _ => self.inner.return_type(arguments),
        }
    }

    fn accumulator(&self, arguments: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        self.inner.accumulator(arguments)
    }

    fn state_fields(&self, arguments: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        self.inner.state_fields(arguments)
    }

    fn groups_accumulator_supported(&self, arguments: AccumulatorArgs) -> bool {
        self.inner.groups_accumulator_supported(arguments)
    }

    fn create_groups_accumulator(&self, arguments: AccumulatorArgs) -> Result<Box<dyn GroupsAccumulator>> {
        self.inner.create_groups_accumulator(arguments)
    }

    fn create_sliding_accumulator(&self, arguments: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        self.inner.create_sliding_accumulator(arguments)
    }

    fn reverse_expr(&self) -> ReversedUDAF {
        self.inner.reverse_expr()
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        self.inner.coerce_types(arguments)
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.inner.documentation()
    }
}
