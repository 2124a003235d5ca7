//! An aggregate by its declaration.

use super::super::argument::{Taken, coerced};
use super::grouped::{Grouped, Many};
use super::one::One;
use crate::dialect::aggregate::frame::Anew;
use crate::dialect::function::section::Section;
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::Result;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::{AggregateOrderSensitivity, format_state_name};
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, Documentation, GroupsAccumulator, ReversedUDAF, Signature, Volatility,
};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// What DISTINCT does to an aggregate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Distinct {
    /// Equal rows count as one in any case.
    Same,
    /// It would be another aggregate, and is refused.
    Refused,
}

/// An aggregate: its name, what it takes, what it gives, and how.
#[derive(Debug, Clone)]
pub(crate) struct Aggregate {
    /// The name that statements call it by.
    pub(crate) name: &'static str,
    /// A sentence that describes it.
    pub(crate) doc: &'static str,
    /// Its arguments, of which the last may be left out.
    pub(crate) taken: &'static [Taken],
    /// How many of the arguments have to be there.
    pub(crate) least: usize,
    /// What DISTINCT does to it.
    pub(crate) distinct: Distinct,
    /// The type of its result, by those of its arguments.
    pub(crate) returns: fn(&[DataType]) -> DataType,
    /// The types of what it knows of a group, by those of its arguments.
    pub(crate) states: fn(&[DataType]) -> Vec<DataType>,
    /// What it knows of no groups, by the types of its arguments.
    pub(crate) state: fn(&[DataType]) -> Result<Box<dyn Grouped>>,
}

impl Aggregate {
    /// The aggregate as DataFusion takes it.
    pub(crate) fn function(self) -> AggregateUDF {
        let call = format!("{}(...)", self.name);
        let documentation = Documentation::builder(Section::Other.of_datafusion(), self.doc, call).build();
        let signature = Signature::user_defined(Volatility::Immutable);
        AggregateUDF::from(Declared { declaration: self, signature, documentation })
    }

    /// The declaration of an aggregate, if it is one of these.
    pub(crate) fn of(function: &AggregateUDF) -> Option<&Self> {
        function.inner().downcast_ref::<Declared>().map(|declared| &declared.declaration)
    }
}

/// The aggregate with what DataFusion asks of it.
#[derive(Debug, Clone)]
struct Declared {
    declaration: Aggregate,
    signature: Signature,
    documentation: Documentation,
}

impl PartialEq for Declared {
    fn eq(&self, other: &Self) -> bool {
        self.declaration.name == other.declaration.name
    }
}

impl Eq for Declared {}

impl Hash for Declared {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.declaration.name.hash(state);
    }
}

impl Declared {
    fn state(&self, fields: &[FieldRef]) -> Result<Box<dyn Grouped>> {
        (self.declaration.state)(&types(fields))
    }
}

fn types(fields: &[FieldRef]) -> Vec<DataType> {
    fields.iter().map(|field| field.data_type().clone()).collect()
}

impl AggregateUDFImpl for Declared {
    fn name(&self) -> &str {
        self.declaration.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        let Aggregate { name, taken, least, .. } = self.declaration;
        coerced(name, taken, least, arguments)
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        Ok((self.declaration.returns)(arguments))
    }

    fn accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(One::new(self.state(args.expr_fields)?)))
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        let states = (self.declaration.states)(&types(args.input_fields)).into_iter().enumerate();
        let name = |at: usize| format_state_name(args.name, &format!("state {at}"));
        Ok(states.map(|(at, data_type)| Arc::new(Field::new(name(at), data_type, true))).collect())
    }

    fn groups_accumulator_supported(&self, _: AccumulatorArgs) -> bool {
        true
    }

    fn create_groups_accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn GroupsAccumulator>> {
        Ok(Box::new(Many::new(self.state(args.expr_fields)?)))
    }

    /// Each frame is aggregated anew.
    fn create_sliding_accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(Anew::new(&Arc::new(AggregateUDF::from(self.clone())), &args)))
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
