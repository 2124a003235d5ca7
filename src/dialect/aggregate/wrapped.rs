//! An aggregate of DataFusion's under its own name, with accumulators of the dialect where their
//! results are others.

use super::distinct::Distinct;
use super::double::{Moving, SUM, Statistic, Total, Totals};
use super::extreme::{Extreme, Extremes};
use super::frame::Anew;
use super::moments::{One, Two};
use arrow::datatypes::{DataType, Field, FieldRef, Float32Type, Float64Type};
use datafusion::common::{Result, ScalarValue, not_impl_err};
use datafusion::logical_expr::expr::{AggregateFunction, AggregateFunctionParams, WindowFunctionParams};
use datafusion::logical_expr::function::{AccumulatorArgs, AggregateFunctionSimplification, StateFieldsArgs};
use datafusion::logical_expr::utils::{AggregateOrderSensitivity, format_state_name};
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, Documentation, Expr, GroupsAccumulator, Operator, ReversedUDAF,
    SetMonotonicity, Signature, StatisticsArgs,
};
use datafusion::physical_expr::PhysicalSortExpr;
use std::sync::Arc;

/// What is done about an aggregate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    /// Moving frames are aggregated anew.
    Any,
    /// Doubles are summed here, one column of them.
    One(One),
    /// Doubles are summed here, two columns of them.
    Two(Two),
    /// Doubles are compared here.
    Extreme(Extreme),
}

/// The aggregate; what is not said here is as the inner one says.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Wrapped {
    inner: Arc<AggregateUDF>,
    kind: Kind,
}

/// The `sum` of reals, which is one, by the `sum` that was called.
pub(crate) fn sum_of_reals(inner: Arc<AggregateUDF>) -> Arc<AggregateUDF> {
    Arc::new(AggregateUDF::from(Wrapped::new(inner, Kind::One(One::SumOfReals))))
}

impl Wrapped {
    /// An aggregate with what is done about it.
    pub(crate) fn new(inner: Arc<AggregateUDF>, kind: Kind) -> Self {
        Self { inner, kind }
    }

    /// The type of a result that is another than the inner aggregate's: pairs are counted as `bigint`, in DataFusion without
    /// a sign, and a sum of reals is one.
    fn own_type(&self) -> Option<DataType> {
        match self.kind {
            Kind::Two(Two::Count) => Some(DataType::Int64),
            Kind::One(One::SumOfReals) => Some(DataType::Float32),
            _ => None,
        }
    }

    /// Whether it sorts what it is given where its input comes in another order.
    ///
    /// DataFusion 55: `string_agg` wants its input in its order, so that two of different orders do not go together, although
    /// it sorts as `array_agg` does. Not needed once `string_agg(x, ',' ORDER BY x), string_agg(x, ',' ORDER BY x DESC)` runs.
    fn sorts_itself(&self) -> bool {
        self.inner.name() == "string_agg"
    }

    /// What is computed here for arguments of these types, by the type of the result.
    fn own(&self, arguments: &[FieldRef], result: &DataType) -> Kind {
        let doubles = |count: usize| {
            arguments.len() >= count
                && arguments.iter().take(count).all(|field| *field.data_type() == DataType::Float64)
        };
        match self.kind {
            Kind::One(statistic) if doubles(1) && *result == statistic.data_type() => self.kind,
            Kind::Two(_) if doubles(2) => self.kind,
            Kind::Extreme(_) if matches!(result, DataType::Float32 | DataType::Float64) => self.kind,
            _ => Kind::Any,
        }
    }
}

impl AggregateUDFImpl for Wrapped {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn aliases(&self) -> &[String] {
        self.inner.aliases()
    }

    fn schema_name(&self, params: &AggregateFunctionParams) -> Result<String> {
        self.inner.schema_name(params)
    }

    fn human_display(&self, params: &AggregateFunctionParams) -> Result<String> {
        self.inner.human_display(params)
    }

    fn window_function_schema_name(&self, params: &WindowFunctionParams) -> Result<String> {
        self.inner.window_function_schema_name(params)
    }

    fn display_name(&self, params: &AggregateFunctionParams) -> Result<String> {
        self.inner.display_name(params)
    }

    fn window_function_display_name(&self, params: &WindowFunctionParams) -> Result<String> {
        self.inner.window_function_display_name(params)
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        self.own_type().map_or_else(|| self.inner.return_type(arguments), Ok)
    }

    fn return_field(&self, arguments: &[FieldRef]) -> Result<FieldRef> {
        match self.own_type() {
            Some(data_type) => Ok(Arc::new(Field::new(self.name(), data_type, true))),
            None => self.inner.return_field(arguments),
        }
    }

    fn is_nullable(&self) -> bool {
        self.inner.is_nullable()
    }

    fn accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        match self.own(args.expr_fields, args.return_type()) {
            Kind::One(statistic) if args.is_distinct => Ok(Box::new(Distinct::new(statistic))),
            Kind::Two(_) if args.is_distinct => not_impl_err!("{}(DISTINCT) is not supported", self.name()),
            Kind::One(statistic) => Ok(Box::new(Total::new(statistic))),
            Kind::Two(statistic) => Ok(Box::new(Total::new(statistic))),
            // DataFusion 55: `array_agg` and `string_agg` sort their different values by the ORDER BY they are given, also
            // where it is the reverse of their own for the sake of another aggregate. Not needed once `string_agg(DISTINCT
            // x, '' ORDER BY x)` is the same beside `string_agg(x, '' ORDER BY x DESC)`.
            Kind::Any if args.is_distinct && args.is_reversed => {
                let own: Vec<_> = args.order_bys.iter().map(PhysicalSortExpr::reverse).collect();
                self.inner.accumulator(AccumulatorArgs { order_bys: &own, is_reversed: false, ..args })
            }
            Kind::Any | Kind::Extreme(_) => self.inner.accumulator(args),
        }
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        let width = match self.own(args.input_fields, args.return_field.data_type()) {
            Kind::One(_) if args.is_distinct => {
                let element = Field::new_list_field(SUM, true);
                let name = format_state_name(args.name, "distinct");
                return Ok(vec![Arc::new(Field::new_list(name, element, true))]);
            }
            Kind::One(_) => One::WIDTH,
            Kind::Two(_) => Two::WIDTH,
            Kind::Any | Kind::Extreme(_) => return self.inner.state_fields(args),
        };
        let field = |at: usize| Arc::new(Field::new(format_state_name(args.name, &format!("sum {at}")), SUM, true));
        Ok((0..width).map(field).collect())
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs) -> bool {
        match self.own(args.expr_fields, args.return_type()) {
            Kind::Any => self.inner.groups_accumulator_supported(args),
            _ => !args.is_distinct,
        }
    }

    fn create_groups_accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn GroupsAccumulator>> {
        match self.own(args.expr_fields, args.return_type()) {
            Kind::One(statistic) => Ok(Box::new(Totals::new(statistic))),
            Kind::Two(statistic) => Ok(Box::new(Totals::new(statistic))),
            Kind::Extreme(extreme) if *args.return_type() == DataType::Float32 => {
                Ok(Box::new(Extremes::<Float32Type>::new(extreme)))
            }
            Kind::Extreme(extreme) => Ok(Box::new(Extremes::<Float64Type>::new(extreme))),
            Kind::Any => self.inner.create_groups_accumulator(args),
        }
    }

    /// Doubles are summed anew for each frame. So is every other aggregate, unless it takes rows back
    /// without a trace: sums of integers and decimals do.
    fn create_sliding_accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        match (self.kind, self.own(args.expr_fields, args.return_type())) {
            (_, Kind::One(statistic)) => return Ok(Box::new(Moving::new(statistic))),
            (_, Kind::Two(statistic)) => return Ok(Box::new(Moving::new(statistic))),
            (Kind::Extreme(_), _) => return self.inner.create_sliding_accumulator(args),
            _ => {}
        }
        let anew = Anew::new(&self.inner, &args);
        if matches!(self.kind, Kind::One(_)) {
            let sliding = self.inner.create_sliding_accumulator(args)?;
            if sliding.supports_retract_batch() {
                return Ok(sliding);
            }
        }
        Ok(Box::new(anew))
    }

    fn with_beneficial_ordering(self: Arc<Self>, ordered: bool) -> Result<Option<Arc<dyn AggregateUDFImpl>>> {
        if self.sorts_itself() {
            return Ok(Some(self));
        }
        let kind = self.kind;
        let inner = self.inner.as_ref().clone().with_beneficial_ordering(ordered)?;
        Ok(inner.map(|inner| Arc::new(Self::new(Arc::new(inner), kind)) as Arc<dyn AggregateUDFImpl>))
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        match self.sorts_itself() {
            true => AggregateOrderSensitivity::SoftRequirement,
            false => self.inner.order_sensitivity(),
        }
    }

    fn simplify(&self) -> Option<AggregateFunctionSimplification> {
        self.inner.simplify()
    }

    fn simplify_expr_op_literal(
        &self,
        function: &AggregateFunction,
        argument: &Expr,
        op: Operator,
        literal: &Expr,
        argument_is_left: bool,
    ) -> Result<Option<Expr>> {
        if self.kind == Kind::One(One::SumOfReals) {
            return Ok(None);
        }
        self.inner.inner().simplify_expr_op_literal(function, argument, op, literal, argument_is_left)
    }

    /// A sum of doubles depends on the order in which they are added.
    fn reverse_expr(&self) -> ReversedUDAF {
        match (self.kind, self.inner.reverse_udf()) {
            (Kind::Any, ReversedUDAF::Reversed(inner)) => {
                ReversedUDAF::Reversed(Arc::new(AggregateUDF::from(Self::new(inner, self.kind))))
            }
            (Kind::Any | Kind::Extreme(_), other) => other,
            _ => ReversedUDAF::NotSupported,
        }
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        self.inner.coerce_types(arguments)
    }

    fn is_descending(&self) -> Option<bool> {
        self.inner.is_descending()
    }

    fn value_from_stats(&self, statistics: &StatisticsArgs) -> Option<ScalarValue> {
        self.inner.value_from_stats(statistics)
    }

    fn default_value(&self, data_type: &DataType) -> Result<ScalarValue> {
        match self.kind {
            Kind::Two(Two::Count) => Ok(ScalarValue::from(0_i64)),
            _ => self.inner.default_value(data_type),
        }
    }

    fn supports_null_handling_clause(&self) -> bool {
        self.inner.supports_null_handling_clause()
    }

    fn supports_within_group_clause(&self) -> bool {
        self.inner.supports_within_group_clause()
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.inner.documentation()
    }

    fn set_monotonicity(&self, data_type: &DataType) -> SetMonotonicity {
        self.inner.inner().set_monotonicity(data_type)
    }
}
