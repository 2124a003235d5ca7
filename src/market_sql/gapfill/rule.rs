//! The rule that fills gaps: of a statement that groups by `time_bucket_gapfill` it makes one that groups by
//! `time_bucket`, and puts a node over its groups that adds the rows of the others. The calls of `locf` and
//! `interpolate` above become columns of that node.
//!
//! It comes before subqueries become joins, so that the value before a gap may be looked up by one.

use super::super::bucket::{self, arguments};
use super::super::implied::is_constant;
use super::bounds::{self, Bound, Side};
use super::column::{Fill, Rule};
use super::function::{self, BIN, GapForm, INTERPOLATE, LOCF, gap_form};
use super::node::{GapFill, Named};
use crate::dialect::moment::fault::not_supported;
use crate::dialect::schema::{map_under_names, recomputed};
use arrow::datatypes::DataType;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, Result, ScalarValue};
use datafusion::logical_expr::expr::{Cast, ScalarFunction};
use datafusion::logical_expr::logical_plan::{Aggregate, Filter, Window};
use datafusion::logical_expr::{Expr, ExprSchemable, Extension, LogicalPlan, LogicalPlanBuilder, cast, lit};
use datafusion::optimizer::AnalyzerRule;
use std::sync::Arc;

/// The rule, as the analyzer has it.
#[derive(Debug)]
pub(crate) struct GapFilling;

impl AnalyzerRule for GapFilling {
    fn name(&self) -> &'static str {
        "gap_filling"
    }

    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        if left_over(&plan)?.is_none() {
            return Ok(plan);
        }
        let plan = plan.transform_up_with_subqueries(filled).data()?;
        match left_over(&plan)? {
            None => Ok(plan),
            Some(name) if name == LOCF || name == INTERPOLATE => Err(not_supported(format!(
                "{name} belongs in the select list or HAVING of a query that groups by time_bucket_gapfill"
            ))),
            Some(_) => Err(not_supported("no top level time_bucket_gapfill in group by clause".to_owned())),
        }
    }
}

/// The name of a function of this room that a plan calls.
fn left_over(plan: &LogicalPlan) -> Result<Option<String>> {
    let mut found = None;
    plan.apply_with_subqueries(|node| {
        node.apply_expressions(|expr| {
            expr.apply(|part| {
                if let Expr::ScalarFunction(call) = part
                    && (function::is_bucket(part) || function::is_fill(part))
                {
                    found.get_or_insert_with(|| call.func.name().to_owned());
                }
                Ok(if found.is_some() { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
            })
        })
    })?;
    Ok(found)
}

/// One node, whose inputs are done.
fn filled(plan: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
    if let LogicalPlan::Aggregate(aggregate) = &plan {
        let calls = aggregate.group_expr.iter().filter(|key| calls(key, function::is_bucket)).count();
        return match calls {
            0 => recomputed(plan).map(Transformed::yes),
            1 => over_groups(aggregate).map(Transformed::yes),
            _ => Err(not_supported("multiple time_bucket_gapfill calls not allowed".to_owned())),
        };
    }
    let mut wanted: Vec<ScalarFunction> = Vec::new();
    plan.apply_expressions(|expr| {
        expr.apply(|part| {
            if let (Expr::ScalarFunction(call), true) = (part, function::is_fill(part)) {
                wanted.push(call.clone());
                return Ok(TreeNodeRecursion::Jump);
            }
            Ok(TreeNodeRecursion::Continue)
        })
    })?;
    let [input] = plan.inputs()[..] else { return recomputed(plan).map(Transformed::yes) };
    if wanted.is_empty() {
        return recomputed(plan).map(Transformed::yes);
    }
    let mut input = input.clone();
    let mut columns: Vec<(Expr, Column)> = Vec::new();
    for call in wanted {
        let name = Expr::ScalarFunction(call.clone()).schema_name().to_string();
        let Some(with) = with_fill(&input, &call, &name)? else { return Ok(Transformed::no(plan)) };
        input = with;
        columns.push((Expr::ScalarFunction(call), Column::new_unqualified(name)));
    }
    let plan = plan.map_children(|_| Ok(Transformed::yes(input.clone()))).data()?;
    let plan = map_under_names(plan, |expr| {
        expr.transform_down(|part| match columns.iter().find(|(call, _)| *call == part) {
            Some((_, column)) => Ok(Transformed::new(Expr::Column(column.clone()), true, TreeNodeRecursion::Jump)),
            None => Ok(Transformed::no(part)),
        })
    });
    recomputed(plan.data()?).map(Transformed::yes)
}

/// Whether an expression has such a call in it.
fn calls(expr: &Expr, wanted: fn(&Expr) -> bool) -> bool {
    expr.exists(|part| Ok(wanted(part))).unwrap_or(true)
}

/// The aggregate over buckets, under a node that fills its gaps.
fn over_groups(aggregate: &Aggregate) -> Result<LogicalPlan> {
    let missing = || not_supported("no top level time_bucket_gapfill in group by clause".to_owned());
    let is_key = |key: &Expr| function::is_bucket(&key.clone().unalias());
    let time = aggregate.group_expr.iter().position(is_key).ok_or_else(missing)?;
    let name = aggregate.group_expr.get(time).map(|key| key.schema_name().to_string()).unwrap_or_default();
    let Some(Expr::ScalarFunction(call)) = aggregate.group_expr.get(time).map(|key| key.clone().unalias()) else {
        return Err(missing());
    };
    let types = call.args.iter().map(|arg| arg.get_type(aggregate.input.schema())).collect::<Result<Vec<_>>>()?;
    let form = gap_form(call.func.name(), &types).ok_or_else(missing)?;
    let mut arguments: Vec<Expr> = form.bucket.iter().filter_map(|place| call.args.get(*place).cloned()).collect();
    if call.func.name() == BIN && arguments.len() == 2 && !form.form.is_of_numbers() {
        // Those of InfluxDB are counted from 1970 on.
        arguments.push(cast(lit("1970-01-01 00:00:00+00"), form.form.returns.clone()));
    }
    let moment = arguments.get(1).cloned().ok_or_else(missing)?;
    if arguments.iter().enumerate().any(|(place, argument)| place != 1 && !is_constant(argument)) {
        let message = format!("the arguments of {} besides the moment must be constant", call.func.name());
        return Err(not_supported(message));
    }
    let bounds = bounds_of(&call, &form, aggregate, &moment)?;
    let bucket = Expr::ScalarFunction(ScalarFunction::new_udf(Arc::new(bucket::function()), arguments.clone()));
    let mut keys = aggregate.group_expr.clone();
    if let Some(key) = keys.get_mut(time) {
        *key = bucket.alias(name);
    }
    let count = keys.len();
    let groups = Aggregate::try_new(aggregate.input.clone(), keys, aggregate.aggr_expr.clone())?;
    let types = arguments.iter().map(|arg| arg.get_type(aggregate.input.schema())).collect::<Result<Vec<_>>>()?;
    let form = arguments::form(&types).ok_or_else(missing)?;
    if let Some(moment) = arguments.get_mut(1) {
        *moment = Expr::Literal(ScalarValue::Null, None);
    }
    let named = Named { arguments, form };
    Ok(GapFill::over(LogicalPlan::Aggregate(groups), count, time, named, bounds)?.into_plan())
}

/// From when to when gaps are filled.
fn bounds_of(call: &ScalarFunction, form: &GapForm, groups: &Aggregate, moment: &Expr) -> Result<Vec<Bound>> {
    let found = bounds::of_filters(&groups.input, moment)?;
    let mut bounds = Vec::new();
    for (place, side) in [(form.start, Side::Start), (form.finish, Side::Finish)] {
        let given = place.and_then(|place| call.args.get(place)).filter(|value| !is_null(value));
        match given {
            Some(value) if !is_constant(value) => {
                return Err(not_supported("start and finish of gaps must be constant".to_owned()));
            }
            Some(value) => bounds.push(Bound { value: value.clone(), side, one_later: false }),
            None => bounds.extend(found.iter().filter(|bound| bound.side == side).cloned()),
        }
        if !bounds.iter().any(|bound| bound.side == side) {
            return Err(side.missing());
        }
    }
    Ok(bounds)
}

/// Whether an expression is NULL as it is written.
fn is_null(expr: &Expr) -> bool {
    match expr {
        Expr::Literal(value, _) => value.is_null(),
        Expr::Cast(Cast { expr, .. }) => is_null(expr),
        Expr::Alias(alias) => is_null(&alias.expr),
        _ => false,
    }
}

/// A plan whose gaps have one more column that is filled, as a call says; `None` where there are no gaps beneath.
fn with_fill(plan: &LogicalPlan, call: &ScalarFunction, name: &str) -> Result<Option<LogicalPlan>> {
    match plan {
        LogicalPlan::Filter(filter) => {
            let input = with_fill(&filter.input, call, name)?;
            let filter = |input| Filter::try_new(filter.predicate.clone(), Arc::new(input)).map(LogicalPlan::Filter);
            input.map(filter).transpose()
        }
        LogicalPlan::Window(window) => {
            let input = with_fill(&window.input, call, name)?;
            let window = |input| Window::try_new(window.window_expr.clone(), Arc::new(input)).map(LogicalPlan::Window);
            input.map(window).transpose()
        }
        LogicalPlan::Extension(Extension { node }) => {
            let Some(gaps) = node.as_any().downcast_ref::<GapFill>() else { return Ok(None) };
            if gaps.fills.iter().any(|(known, _)| known == name) {
                return Ok(Some(plan.clone()));
            }
            added(gaps, call, name).map(|node| Some(node.into_plan()))
        }
        _ => Ok(None),
    }
}

/// The node with a column for a call.
fn added(gaps: &GapFill, call: &ScalarFunction, name: &str) -> Result<GapFill> {
    let (mut input, mut places) = (gaps.input.clone(), Vec::new());
    let arguments = call.args.iter().take(if call.func.name() == LOCF { 2 } else { 3 });
    for (number, argument) in arguments.enumerate() {
        if calls(argument, function::is_fill) {
            return Err(not_supported(format!("{} of a value that is filled", call.func.name())));
        }
        if number > 0 && is_null(argument) {
            places.push(None);
            continue;
        }
        let place = match argument {
            Expr::Column(column) => input.schema().maybe_index_of_column(column),
            _ => None,
        };
        let place = match place {
            Some(place) => place,
            None => {
                let all = input.schema().columns().into_iter().map(Expr::Column);
                let place = input.schema().fields().len();
                let added = argument.clone().alias(format!("\u{1}filled by {place}"));
                input = LogicalPlanBuilder::from(input).project(all.chain([added]).collect::<Vec<_>>())?.build()?;
                place
            }
        };
        places.push(Some(place));
    }
    let rule = match call.func.name() {
        LOCF => Rule::Last { null_is_missing: call.args.get(2).is_some_and(is_true) },
        _ => Rule::Line,
    };
    let mut places = places.into_iter();
    let value = places.next().flatten().unwrap_or_default();
    let (before, after) = (places.next().flatten(), places.next().flatten());
    gaps.with_fill(input, name.to_owned(), Fill { value, before, after, rule })
}

/// Whether an expression is true as it is written.
fn is_true(expr: &Expr) -> bool {
    match expr {
        Expr::Literal(ScalarValue::Boolean(Some(value)), _) => *value,
        Expr::Literal(value, _) => {
            value.cast_to(&DataType::Boolean).is_ok_and(|value| value == ScalarValue::Boolean(Some(true)))
        }
        Expr::Cast(Cast { expr, .. }) => is_true(expr),
        _ => false,
    }
}
