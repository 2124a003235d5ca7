//! Filled gaps in DataFusion's logical plans.

use super::super::bucket::arguments::Form;
use super::bounds::Bound;
use super::column::Fill;
use arrow::datatypes::{DataType, Field};
use datafusion::common::{DFSchema, DFSchemaRef, Result, plan_err};
use datafusion::logical_expr::{Expr, Extension, LogicalPlan, UserDefinedLogicalNodeCore};
use std::cmp::Ordering;
use std::collections::HashSet;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// The buckets that a call names: its arguments without the moment, and what they are.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Named {
    /// The arguments in order; where the moment stands, NULL does.
    pub(super) arguments: Vec<Expr>,
    /// What the arguments are.
    pub(super) form: Form,
}

/// The rows of an aggregate with a row for each bucket of a group that has none, and columns that are filled.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct GapFill {
    /// Keys first, aggregates behind them, and what columns are filled by behind these.
    pub(super) input: LogicalPlan,
    /// How many of the input's columns are keys.
    pub(super) keys: usize,
    /// How many of them go on to the output, in front of those that are filled.
    pub(super) passed: usize,
    /// The place of the key that is the bucket.
    pub(super) time: usize,
    /// The buckets of the key.
    pub(super) named: Named,
    /// From when to when they are filled.
    pub(super) bounds: Vec<Bound>,
    /// The columns that are filled.
    pub(super) fills: Vec<(String, Fill)>,
    schema: DFSchemaRef,
}

impl Eq for GapFill {}

impl Hash for GapFill {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (&self.input, self.time, &self.named.arguments, &self.bounds, &self.fills).hash(state);
    }
}

impl PartialOrd for GapFill {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        let of = |node: &Self| (node.time, node.bounds.clone(), node.fills.clone());
        match of(self).partial_cmp(&of(other)) {
            Some(Ordering::Equal) => self.input.partial_cmp(&other.input),
            ordered => ordered,
        }
    }
}

impl GapFill {
    /// A node over an aggregate, whose keys come first, without columns that are filled.
    pub(super) fn over(input: LogicalPlan, keys: usize, time: usize, named: Named, bounds: Vec<Bound>) -> Result<Self> {
        let passed = input.schema().fields().len();
        let schema = schema(&input, keys, passed, &[])?;
        Ok(Self { input, keys, passed, time, named, bounds, fills: Vec::new(), schema })
    }

    /// The node with one more column, filled from columns of an input that has what this one's has, and more.
    pub(super) fn with_fill(&self, input: LogicalPlan, name: String, fill: Fill) -> Result<Self> {
        let mut node = self.clone();
        node.fills.push((name, fill));
        node.schema = schema(&input, node.keys, node.passed, &node.fills)?;
        node.input = input;
        Ok(node)
    }

    /// The node as a plan.
    pub(super) fn into_plan(self) -> LogicalPlan {
        LogicalPlan::Extension(Extension { node: Arc::new(self) })
    }
}

/// The columns of the output. All but the keys are NULL in a gap.
fn schema(input: &LogicalPlan, keys: usize, passed: usize, fills: &[(String, Fill)]) -> Result<DFSchemaRef> {
    let of_input = input.schema();
    let mut fields = Vec::with_capacity(passed + fills.len());
    for (place, (relation, field)) in of_input.iter().take(passed).enumerate() {
        let nullable = field.is_nullable() || place >= keys;
        fields.push((relation.cloned(), Arc::new(field.as_ref().clone().with_nullable(nullable))));
    }
    for (name, fill) in fills {
        let data_type = match fill.rule {
            super::column::Rule::Line => DataType::Float64,
            super::column::Rule::Last { .. } => of_input.field(fill.value).data_type().clone(),
        };
        fields.push((None, Arc::new(Field::new(name, data_type, true))));
    }
    Ok(Arc::new(DFSchema::new_with_metadata(fields, of_input.metadata().clone())?))
}

impl UserDefinedLogicalNodeCore for GapFill {
    fn name(&self) -> &'static str {
        "GapFill"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        vec![&self.input]
    }

    fn schema(&self) -> &DFSchemaRef {
        &self.schema
    }

    fn expressions(&self) -> Vec<Expr> {
        let bounds = self.bounds.iter().map(|bound| &bound.value);
        self.named.arguments.iter().chain(bounds).cloned().collect()
    }

    /// A condition on the other keys leaves or takes whole groups, before they are filled or after; any other may take
    /// rows that others are filled from.
    fn prevent_predicate_push_down_columns(&self) -> HashSet<String> {
        let keys = (0..self.keys).filter(|place| *place != self.time).map(|place| self.schema.field(place).name());
        let others = (0..self.schema.fields().len()).filter(|place| *place >= self.keys || *place == self.time);
        let others: HashSet<String> = others.map(|place| self.schema.field(place).name().clone()).collect();
        let several = |name: &String| self.schema.fields().iter().filter(|field| field.name() == name).count() > 1;
        let unclear = keys.filter(|name| several(name)).cloned().collect::<Vec<_>>();
        others.into_iter().chain(unclear).collect()
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GapFill: {}", self.schema.field(self.time).name())
    }

    fn with_exprs_and_inputs(&self, exprs: Vec<Expr>, mut inputs: Vec<LogicalPlan>) -> Result<Self> {
        let (Some(input), true) = (inputs.pop(), inputs.is_empty()) else {
            return plan_err!("gaps are filled in one input");
        };
        let mut node = self.clone();
        let mut exprs = exprs.into_iter();
        let slots = node.named.arguments.iter_mut().chain(node.bounds.iter_mut().map(|bound| &mut bound.value));
        for slot in slots {
            match exprs.next() {
                Some(expr) => *slot = expr,
                None => return plan_err!("an argument of a filled gap is missing"),
            }
        }
        node.schema = schema(&input, node.keys, node.passed, &node.fills)?;
        node.input = input;
        Ok(node)
    }

    /// Columns of the input are known by their places, so that all of them are needed.
    fn necessary_children_exprs(&self, _: &[usize]) -> Option<Vec<Vec<usize>>> {
        Some(vec![(0..self.input.schema().fields().len()).collect()])
    }
}
