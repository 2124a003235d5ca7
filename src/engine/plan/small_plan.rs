//! Statements over a few rows that are found by their keys: joins of such rows, what is computed of them, their order.
//! Answered where the client's message is read, without a physical plan or another thread.
//!
//! Seen in the optimised plan, once. The rows come from lookups, whose tables settle their freshness and choose their
//! version at each execution, as when scans are planned. Rows of a table whose freshness is settled before are found by
//! what the other side of a join says. Whatever is too much, is of another shape, or fails goes the long way, whose answer or error counts.

use super::computed::{COMPUTED_MAX, Computed, PARTS_MAX, VALUE_BYTES_MAX};
use super::live_lookup::{LiveLookup, is_key};
use super::range_lookup::{ROWS_MAX, RangeLookup};
use crate::lake::Scope;
use crate::table::context::QueryContext;
use crate::table::demand::Demand;
use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, UInt32Array, new_null_array};
use arrow::compute::kernels::cmp::eq;
use arrow::compute::{SortColumn, SortOptions, and, filter_record_batch, lexsort_to_indices, take, take_record_batch};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{NullEquality, ScalarValue};
use datafusion::error::Result;
use datafusion::execution::SessionState;
use datafusion::logical_expr::{
    Expr, ExprSchemable, FetchType, Join, JoinType, LogicalPlan, Projection, SkipType, Sort, SortExpr,
};
use futures::future::BoxFuture;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A statement over a few rows.
#[derive(Debug)]
pub(crate) struct SmallPlan(Node);

/// A step that makes rows.
#[derive(Debug)]
enum Node {
    Lookup(RangeLookup),
    Live(LiveLookup),
    Filter { input: Box<Node>, condition: Computed },
    Projection { input: Box<Node>, columns: Vec<Computed>, schema: SchemaRef },
    Join(Box<SmallJoin>),
    Sort { input: Box<Node>, by: Vec<(Computed, SortOptions)>, fetch: Option<usize> },
    Limit { input: Box<Node>, skip: usize, fetch: Option<usize> },
}

/// Each row of one side beside those of the other that have its keys.
#[derive(Debug)]
struct SmallJoin {
    left: Node,
    right: Node,
    /// Pairs of what must be equal, and not NULL.
    on: Vec<(Computed, Computed)>,
    /// The pair by which rows of a side are found that has no keys of its own; it is asked after the other.
    found_by: Option<usize>,
    /// Whether rows of the left side without a partner stay.
    outer: bool,
    filter: Option<Computed>,
    schema: SchemaRef,
}

/// What an execution is about: the statement's context, its session and its values.
#[derive(Clone, Copy)]
struct Execution<'a> {
    context: &'a QueryContext,
    session: &'a SessionState,
    values: &'a [ScalarValue],
}

impl SmallPlan {
    /// The steps that an optimised plan is made of, if all of them are such.
    pub(crate) fn of(plan: &LogicalPlan, session: &SessionState) -> Option<Self> {
        let mut steps = 0;
        let walked = plan.apply(|_| {
            steps += 1;
            Ok(if steps > PARTS_MAX { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
        });
        let node = (walked.is_ok() && steps <= PARTS_MAX).then(|| Node::of(plan, session))??;
        (!node.needs_keys()).then_some(Self(node))
    }

    /// The rows; `None` where they have to be found in the ordinary way.
    ///
    /// # Errors
    /// Those of settling the freshness of the tables.
    pub(crate) async fn rows(
        &self,
        context: &QueryContext,
        session: &SessionState,
        values: &[ScalarValue],
    ) -> Result<Option<RecordBatch>> {
        let execution = Execution { context, session, values };
        if let Node::Lookup(lookup) = &self.0 {
            return lookup.rows(context, session, values, (None, ROWS_MAX)).await;
        }
        // A live table that is not asked for a key says nothing of a session that reads the past.
        if context.as_of.is_some() || values.iter().any(|value| value.size() > VALUE_BYTES_MAX) {
            return Ok(None);
        }
        let mut demand = BTreeMap::new();
        if !self.0.demand(values, &mut demand) {
            return Ok(None);
        }
        context.set_demand(Demand::new(demand));
        self.0.rows(execution, None).await
    }
}

impl Node {
    fn of(plan: &LogicalPlan, session: &SessionState) -> Option<Self> {
        if let Some(lookup) = RangeLookup::of(plan) {
            return Some(Self::Lookup(lookup));
        }
        let below = |plan: &LogicalPlan| Self::of(plan, session).map(Box::new);
        Some(match plan {
            LogicalPlan::SubqueryAlias(alias) => return Self::of(&alias.input, session),
            LogicalPlan::TableScan(scan) => Self::Live(LiveLookup::of(scan)?),
            LogicalPlan::Filter(filter) => {
                let mut input = below(&filter.input)?;
                if let Some(live) = input.live() {
                    live.narrow(&filter.predicate, &filter.input);
                }
                let condition = Computed::of(&filter.predicate, filter.input.schema(), session)?;
                Self::Filter { input, condition }
            }
            LogicalPlan::Projection(projection) => return Self::projection(projection, &projection.input, session),
            LogicalPlan::Join(join) => Self::Join(Box::new(SmallJoin::of(join, session)?)),
            LogicalPlan::Sort(sort) if let Some((below, above)) = sorted_below(sort) => {
                return Self::projection(above, &below, session);
            }
            LogicalPlan::Sort(sort) => {
                let by = sort.expr.iter().map(|one| {
                    let options = SortOptions { descending: !one.asc, nulls_first: one.nulls_first };
                    Some((Computed::of(&one.expr, sort.input.schema(), session)?, options))
                });
                let by = by.collect::<Option<_>>()?;
                // Rows of a table are not cut before a join says which of them it means.
                let input = below(&sort.input).filter(|input| !input.needs_keys())?;
                Self::Sort { input, by, fetch: sort.fetch }
            }
            LogicalPlan::Limit(limit) => {
                let (SkipType::Literal(skip), FetchType::Literal(fetch)) =
                    (limit.get_skip_type().ok()?, limit.get_fetch_type().ok()?)
                else {
                    return None;
                };
                Self::Limit { input: below(&limit.input).filter(|input| !input.needs_keys())?, skip, fetch }
            }
            _ => return None,
        })
    }

    /// What a projection computes of an input with the columns of its own.
    fn projection(projection: &Projection, input: &LogicalPlan, session: &SessionState) -> Option<Self> {
        let columns = projection.expr.iter().map(|expr| Computed::of(expr, input.schema(), session));
        let (columns, schema) = (columns.collect::<Option<_>>()?, nullable(projection.schema.as_arrow()));
        Some(Self::Projection { input: Box::new(Self::of(input, session)?), columns, schema })
    }

    /// The live table that it reads, if it reads nothing else.
    fn live(&mut self) -> Option<&mut LiveLookup> {
        match self {
            Self::Live(live) => Some(live),
            Self::Filter { input, .. } | Self::Projection { input, .. } => input.live(),
            Self::Lookup(_) | Self::Join(_) | Self::Sort { .. } | Self::Limit { .. } => None,
        }
    }

    /// Whether its rows are those of keys that the other side of a join says.
    fn needs_keys(&self) -> bool {
        match self {
            Self::Lookup(lookup) => lookup.needs_keys(),
            Self::Live(live) => live.needs_keys(),
            Self::Filter { input, .. } | Self::Projection { input, .. } => input.needs_keys(),
            Self::Join(_) | Self::Sort { .. } | Self::Limit { .. } => false,
        }
    }

    /// Adds what the lookups need of each dataset; whether all of them could tell.
    fn demand(&self, values: &[ScalarValue], demand: &mut BTreeMap<&'static str, Scope>) -> bool {
        match self {
            Self::Lookup(lookup) => lookup.demand(values, demand),
            Self::Live(_) => true,
            Self::Filter { input, .. }
            | Self::Projection { input, .. }
            | Self::Sort { input, .. }
            | Self::Limit { input, .. } => input.demand(values, demand),
            Self::Join(join) => join.left.demand(values, demand) && join.right.demand(values, demand),
        }
    }

    /// The rows; of a table those of the keys that the statement names, or of these.
    fn rows<'a>(
        &'a self,
        execution: Execution<'a>,
        keys: Option<&'a [&'a str]>,
    ) -> BoxFuture<'a, Result<Option<RecordBatch>>> {
        Box::pin(async move {
            let input = match self {
                Self::Lookup(lookup) => {
                    return lookup
                        .rows(execution.context, execution.session, execution.values, (keys, COMPUTED_MAX))
                        .await;
                }
                Self::Live(live) => return live.rows(execution.context, execution.values, keys).await,
                Self::Join(join) => return join.rows(execution).await,
                Self::Filter { input, .. }
                | Self::Projection { input, .. }
                | Self::Sort { input, .. }
                | Self::Limit { input, .. } => input.rows(execution, keys).await?,
            };
            // Whoever plans it anew tells what is wrong with it.
            Ok(input.and_then(|rows| self.step(rows, execution).ok()))
        })
    }

    /// What the step makes of the rows below it.
    fn step(&self, rows: RecordBatch, execution: Execution<'_>) -> Result<RecordBatch> {
        Ok(match self {
            Self::Lookup(_) | Self::Live(_) | Self::Join(_) => rows,
            Self::Filter { condition, .. } => passing(&rows, condition, execution)?,
            Self::Projection { columns, schema, .. } => {
                let columns = columns
                    .iter()
                    .map(|column| column.over(&rows, execution.session, execution.values))
                    .collect::<Result<Vec<_>>>()?;
                batch(schema, columns, rows.num_rows())?
            }
            Self::Sort { by, fetch, .. } => {
                let column = |(computed, options): &(Computed, SortOptions)| {
                    Ok(SortColumn {
                        values: computed.over(&rows, execution.session, execution.values)?,
                        options: Some(*options),
                    })
                };
                let by = by.iter().map(column).collect::<Result<Vec<_>>>()?;
                take_record_batch(&rows, &lexsort_to_indices(&by, *fetch)?)?
            }
            Self::Limit { skip, fetch, .. } => {
                let first = (*skip).min(rows.num_rows());
                let left = rows.num_rows() - first;
                rows.slice(first, fetch.map_or(left, |fetch| fetch.min(left)))
            }
        })
    }
}

impl SmallJoin {
    fn of(join: &Join, session: &SessionState) -> Option<Self> {
        let outer = match join.join_type {
            JoinType::Inner => false,
            JoinType::Left => true,
            _ => return None,
        };
        if join.null_equality != NullEquality::NullEqualsNothing || (outer && join.filter.is_some()) {
            return None;
        }
        let (left, right) = (Node::of(&join.left, session)?, Node::of(&join.right, session)?);
        let by_key = |plan: &LogicalPlan, key_of: fn(&(Expr, Expr)) -> &Expr| {
            join.on.iter().position(|pair| matches!(key_of(pair), Expr::Column(column) if is_key(plan, column)))
        };
        let found_by = match (left.needs_keys(), right.needs_keys()) {
            (false, false) => None,
            (false, true) => Some(by_key(&join.right, |(_, right)| right)?),
            (true, false) if !outer => Some(by_key(&join.left, |(left, _)| left)?),
            _ => return None,
        };
        let of = |(left, right): &(Expr, Expr)| {
            let data_type = left.get_type(join.left.schema()).ok()?;
            let comparable = data_type.is_integer() || matches!(data_type, DataType::Utf8 | DataType::Date32);
            let same = right.get_type(join.right.schema()).ok()? == data_type;
            let pair =
                (Computed::of(left, join.left.schema(), session)?, Computed::of(right, join.right.schema(), session)?);
            (comparable && same).then_some(pair)
        };
        let on = join.on.iter().map(of).collect::<Option<_>>()?;
        let filter = match &join.filter {
            Some(filter) => Some(Computed::of(filter, &join.schema, session)?),
            None => None,
        };
        Some(Self { left, right, on, found_by, outer, filter, schema: nullable(join.schema.as_arrow()) })
    }

    async fn rows(&self, execution: Execution<'_>) -> Result<Option<RecordBatch>> {
        let left_first = !self.left.needs_keys();
        let (first, then) = if left_first { (&self.left, &self.right) } else { (&self.right, &self.left) };
        let Some(first) = first.rows(execution, None).await? else { return Ok(None) };
        let key = self.found_by.and_then(|pair| self.on.get(pair));
        let key = key.map(|(left, right)| if left_first { left } else { right });
        let found = key.and_then(|key| key.over(&first, execution.session, execution.values).ok());
        let texts = found.as_ref().and_then(|found| found.as_string_opt::<i32>()).map(|texts| {
            let mut texts: Vec<&str> = texts.iter().flatten().collect();
            texts.sort_unstable();
            texts.dedup();
            texts
        });
        let Some(then) = then.rows(execution, texts.as_deref()).await? else { return Ok(None) };
        let (left, right) = if left_first { (first, then) } else { (then, first) };
        Ok(self.joined(&left, &right, execution).ok().flatten())
    }

    /// The rows of both sides beside each other; `None` where they are too many.
    fn joined(&self, left: &RecordBatch, right: &RecordBatch, execution: Execution<'_>) -> Result<Option<RecordBatch>> {
        let keys = |(of_left, of_right): &(Computed, Computed)| {
            Ok((
                of_left.over(left, execution.session, execution.values)?,
                of_right.over(right, execution.session, execution.values)?,
            ))
        };
        let keys = self.on.iter().map(keys).collect::<Result<Vec<_>>>()?;
        let (mut lefts, mut rights) = (Vec::new(), Vec::new());
        for place in 0..left.num_rows() {
            let mut same = BooleanArray::from(vec![true; right.num_rows()]);
            for (of_left, of_right) in &keys {
                let one = arrow::array::Scalar::new(of_left.slice(place, 1));
                same = and(&same, &eq(of_right, &one)?)?;
            }
            let before = rights.len();
            let found = same.iter().zip(0_u32..).filter(|(same, _)| *same == Some(true));
            rights.extend(found.map(|(_, place)| Some(place)));
            if self.outer && rights.len() == before {
                rights.push(None);
            }
            lefts.resize(rights.len(), u32::try_from(place).ok());
            if rights.len() > COMPUTED_MAX {
                return Ok(None);
            }
        }
        let (lefts, rights) = (UInt32Array::from(lefts), UInt32Array::from(rights));
        let columns = left.columns().iter().map(|column| chosen(column, &lefts));
        let columns = columns.chain(right.columns().iter().map(|column| chosen(column, &rights)));
        let rows = batch(&self.schema, columns.collect::<Result<_>>()?, lefts.len())?;
        Ok(Some(match &self.filter {
            Some(filter) => passing(&rows, filter, execution)?,
            None => rows,
        }))
    }
}

/// A sort of what a projection gives as the sort of what it is given, and the projection: the lookup below then finds no
/// more rows than are wanted. `None` where the order is of something that the projection computes.
fn sorted_below(sort: &Sort) -> Option<(LogicalPlan, &Projection)> {
    let mut input = sort.input.as_ref();
    while let LogicalPlan::SubqueryAlias(alias) = input {
        input = alias.input.as_ref();
    }
    let LogicalPlan::Projection(projection) = input else { return None };
    let by = sort.expr.iter().map(|one| {
        let Expr::Column(column) = &one.expr else { return None };
        let mut given = projection.expr.get(sort.input.schema().index_of_column(column).ok()?)?;
        while let Expr::Alias(alias) = given {
            given = alias.expr.as_ref();
        }
        matches!(given, Expr::Column(_)).then(|| SortExpr { expr: given.clone(), ..one.clone() })
    });
    let below = Sort { expr: by.collect::<Option<_>>()?, input: projection.input.clone(), fetch: sort.fetch };
    Some((LogicalPlan::Sort(below), projection))
}

/// The rows that meet a condition.
fn passing(rows: &RecordBatch, condition: &Computed, execution: Execution<'_>) -> Result<RecordBatch> {
    Ok(filter_record_batch(rows, condition.over(rows, execution.session, execution.values)?.as_boolean())?)
}

/// Values at these places, NULL where there is none.
fn chosen(column: &ArrayRef, places: &UInt32Array) -> Result<ArrayRef> {
    if column.is_empty() {
        return Ok(new_null_array(column.data_type(), places.len()));
    }
    Ok(take(column, places, None)?)
}

/// Columns under these names.
fn batch(schema: &SchemaRef, columns: Vec<ArrayRef>, rows: usize) -> Result<RecordBatch> {
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    Ok(RecordBatch::try_new_with_options(schema.clone(), columns, &options)?)
}

/// The same columns, any of which may be NULL.
fn nullable(schema: &Schema) -> SchemaRef {
    let field = |field: &Arc<Field>| field.as_ref().clone().with_nullable(true);
    Arc::new(Schema::new(schema.fields().iter().map(field).collect::<Vec<_>>()))
}
