//! Lookups by key in cached tables, histories and views whose rows are in memory: columns of the rows that have some keys,
//! in the order of the key, so many of them. Seen in the optimised plan, once; answered from columns in memory, without a
//! physical plan or another thread.
//!
//! The plan that is kept names no version: freshness is settled and the version chosen at each execution, as when a scan
//! is planned. Whatever is not in memory, is too much, or has values of other types goes the long way.

use super::computed::{Computed, bound, place};
use super::named_keys::NamedKeys;
use crate::lake::Scope;
use crate::resident::{KeyRange, Wanted};
use crate::scan::bounds::{ALL, Bounds, narrow, number};
use crate::table::context::QueryContext;
use crate::table::schemas::ranged;
use arrow::array::{AsArray, UInt64Array};
use arrow::compute::{filter_record_batch, take_record_batch};
use arrow::datatypes::{DataType, SchemaRef};
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{Column, DFSchema, DFSchemaRef, ScalarValue};
use datafusion::datasource::source_as_provider;
use datafusion::error::Result;
use datafusion::execution::SessionState;
use datafusion::logical_expr::utils::split_conjunction;
use datafusion::logical_expr::{BinaryExpr, Expr, FetchType, LogicalPlan, Operator, SkipType, TableScan};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Rows that are put together on the front end's thread; more are a statement's own work.
pub(super) const ROWS_MAX: usize = 8 * 1024;

/// A statement that is a lookup, as far as its parameters allow.
#[derive(Debug)]
pub(crate) struct RangeLookup {
    table: Arc<dyn TableProvider>,
    /// Places of the columns that are read, in the table's schema.
    read: Vec<usize>,
    read_schema: SchemaRef,
    /// The same for expressions.
    expressions: DFSchemaRef,
    /// Values of the key's first column; `None` where a join says them.
    first: Option<NamedKeys>,
    /// Comparisons of its second with values.
    second: Vec<(Operator, Operand)>,
    second_type: DataType,
    /// Conditions on the rows that are read.
    others: Vec<Expr>,
    descending: bool,
    fetch: Option<usize>,
    /// Places of the result's columns among those that are read, and their schema.
    output: Vec<usize>,
    output_schema: SchemaRef,
}

/// A value of a statement.
#[derive(Debug, Clone)]
enum Operand {
    /// As it is written there.
    Given(ScalarValue),
    /// The parameter of this place, counted from 0.
    Parameter(usize),
    /// What is computed of parameters: `now() - INTERVAL '1 minute'`.
    Computed(Computed),
}

/// What a part of a plan gives: places among the columns that its scan reads.
struct Shape<'a> {
    scan: &'a TableScan,
    output: Vec<usize>,
    conditions: Vec<Expr>,
    order: Option<Vec<(usize, bool)>>,
    fetch: Option<usize>,
}

impl RangeLookup {
    /// The lookup that an optimised plan is, if it is one.
    pub(crate) fn of(plan: &LogicalPlan) -> Option<Self> {
        let shape = shape(plan)?;
        let table = source_as_provider(&shape.scan.source).ok()?;
        let key_names = ranged(table.as_ref())?.key();
        let schema = table.schema();
        let read = match &shape.scan.projection {
            Some(places) => places.clone(),
            None => (0..schema.fields().len()).collect(),
        };
        let read_schema: SchemaRef = Arc::new(schema.project(&read).ok()?);
        let key = |place: usize| key_names.get(place).and_then(|name| schema.index_of(name).ok());
        let place_read = |place: Option<usize>| read.iter().position(|read| Some(*read) == place);
        let (first_place, second_place) = (place_read(key(0))?, place_read(key(1)));
        if *read_schema.field(first_place).data_type() != DataType::Utf8 {
            return None;
        }
        let second_type = second_place.map_or(DataType::Null, |place| read_schema.field(place).data_type().clone());
        let (mut first, mut second, mut others) = (None, Vec::new(), Vec::new());
        for condition in shape.conditions {
            if first.is_none()
                && let Some(keys) =
                    NamedKeys::of(&condition, &|expr| is_column(expr, read_schema.field(first_place).name()))
            {
                first = Some(keys);
                continue;
            }
            match second_place.and_then(|place| comparison(&condition, read_schema.field(place).name(), &second_type)) {
                Some(compared) => second.push(compared),
                // What may fail for rows that other conditions keep from it is left to the planner.
                None if !cannot_fail(&condition) => return None,
                None => others.push(condition),
            }
        }
        let found_by_join = shape.order.is_none() && shape.fetch.is_none() && settled(table.as_ref());
        if first.is_none() && !found_by_join {
            return None;
        }
        let keys: Vec<usize> = key_names.iter().filter_map(|name| read_schema.index_of(name).ok()).collect();
        let descending = match &shape.order {
            None => false,
            Some(order) => direction(order, &keys, first.as_ref().is_some_and(NamedKeys::is_one))?,
        };
        let expressions = Arc::new(DFSchema::try_from(read_schema.clone()).ok()?);
        let (output, fetch) = (shape.output, shape.fetch);
        let output_schema = Arc::new(read_schema.project(&output).ok()?);
        Some(Self {
            table,
            read,
            read_schema,
            expressions,
            first,
            second,
            second_type,
            others,
            descending,
            fetch,
            output,
            output_schema,
        })
    }

    /// Adds the items that it needs of its dataset to the demand; whether the values are of the types it takes.
    pub(super) fn demand(&self, values: &[ScalarValue], demand: &mut BTreeMap<&'static str, Scope>) -> bool {
        let Some(first) = &self.first else { return true };
        let Some(keys) = first.texts(values) else { return false };
        if let Some((dataset, scope)) = ranged(self.table.as_ref()).and_then(|table| table.demand(&keys)) {
            match demand.get_mut(dataset) {
                Some(known) => known.join(scope),
                None => drop(demand.insert(dataset, scope)),
            }
        }
        true
    }

    /// Whether its keys are what the other side of a join says.
    pub(super) fn needs_keys(&self) -> bool {
        self.first.is_none()
    }

    /// The rows of the keys that it names, or else of those that are given, at most so many before conditions on other
    /// columns; `None` where they have to be found in the ordinary way.
    pub(super) async fn rows(
        &self,
        context: &QueryContext,
        session: &SessionState,
        values: &[ScalarValue],
        (given, most): (Option<&[&str]>, usize),
    ) -> Result<Option<RecordBatch>> {
        let keys = match &self.first {
            Some(first) => first.texts(values),
            None => given.map(<[&str]>::to_vec),
        };
        let Some(keys) = keys else { return Ok(None) };
        let Some(second) = self.bounds(session, values) else { return Ok(None) };
        let range = KeyRange { first: &keys, second };
        let exact = self.others.is_empty() && keys.len() == 1;
        let count = self.fetch.filter(|_| exact).and_then(|count| i64::try_from(count).ok());
        let count = count.map(|count| if self.descending { -count } else { count });
        let Some(table) = ranged(self.table.as_ref()) else { return Ok(None) };
        let wanted = Wanted { columns: &self.read, schema: &self.read_schema, count, most };
        let Some(rows) = table.look_up(context, &range, &wanted).await? else { return Ok(None) };
        let mut rows = self.passing(rows, session, values)?;
        if self.descending {
            let last = u64::try_from(rows.num_rows()).unwrap_or(0);
            rows = take_record_batch(&rows, &UInt64Array::from_iter_values((0..last).rev()))?;
        }
        let count = self.fetch.map_or(rows.num_rows(), |fetch| fetch.min(rows.num_rows()));
        let columns = self.output.iter().filter_map(|place| rows.columns().get(*place)).map(|all| all.slice(0, count));
        let options = RecordBatchOptions::new().with_row_count(Some(count));
        Ok(Some(RecordBatch::try_new_with_options(self.output_schema.clone(), columns.collect(), &options)?))
    }

    /// Bounds of the second column; `None` for NULLs and values of another type.
    fn bounds(&self, session: &SessionState, values: &[ScalarValue]) -> Option<Bounds> {
        let mut bounds = ALL;
        for (operator, operand) in &self.second {
            let value = match operand {
                Operand::Computed(computed) => &computed.value(session, values)?,
                operand => operand.value(values)?,
            };
            narrow(&mut bounds, Some(*operator), number(value, &self.second_type)?);
        }
        Some(bounds)
    }

    /// The rows that meet the other conditions.
    fn passing(&self, rows: RecordBatch, session: &SessionState, values: &[ScalarValue]) -> Result<RecordBatch> {
        let mut rows = rows;
        for condition in &self.others {
            let condition = Session::create_physical_expr(session, bound(condition, values)?, &self.expressions)?;
            let passes = condition.evaluate(&rows)?.into_array(rows.num_rows())?;
            rows = filter_record_batch(&rows, passes.as_boolean())?;
        }
        Ok(rows)
    }
}

impl Operand {
    fn of(expr: &Expr) -> Option<Self> {
        match expr {
            Expr::Literal(value, _) => Some(Self::Given(value.clone())),
            Expr::Placeholder(placeholder) => place(placeholder).map(Self::Parameter),
            _ => None,
        }
    }

    fn value<'a>(&'a self, values: &'a [ScalarValue]) -> Option<&'a ScalarValue> {
        match self {
            Self::Given(value) => Some(value),
            Self::Parameter(place) => values.get(*place),
            Self::Computed(_) => None,
        }
    }
}

/// What a plan gives, if it is made of nothing but a scan, conditions, columns, an order and a limit.
fn shape(plan: &LogicalPlan) -> Option<Shape<'_>> {
    match plan {
        LogicalPlan::TableScan(scan) => {
            let output = (0..scan.projected_schema.fields().len()).collect();
            let plain = scan.fetch.is_none();
            plain.then(|| Shape { scan, output, conditions: Vec::new(), order: None, fetch: None })
        }
        LogicalPlan::SubqueryAlias(alias) => shape(&alias.input),
        LogicalPlan::Filter(filter) => {
            let below = shape(&filter.input).filter(|below| below.order.is_none() && below.fetch.is_none())?;
            let conditions = split_conjunction(&filter.predicate).into_iter();
            let conditions = conditions.map(|one| moved(one, &filter.input, &below)).collect::<Option<Vec<_>>>()?;
            Some(Shape { conditions: [below.conditions, conditions].concat(), ..below })
        }
        LogicalPlan::Projection(projection) => {
            let below = shape(&projection.input)?;
            let output = projection.expr.iter().map(|expr| output_of(expr, &projection.input, &below));
            Some(Shape { output: output.collect::<Option<_>>()?, ..below })
        }
        LogicalPlan::Sort(sort) => {
            let below = shape(&sort.input).filter(|below| below.order.is_none() && below.fetch.is_none())?;
            let one =
                |one: &datafusion::logical_expr::SortExpr| Some((output_of(&one.expr, &sort.input, &below)?, !one.asc));
            let order = sort.expr.iter().map(one).collect::<Option<_>>()?;
            Some(Shape { order: Some(order), fetch: sort.fetch, ..below })
        }
        LogicalPlan::Limit(limit) => {
            let below = shape(&limit.input)?;
            let (SkipType::Literal(0), FetchType::Literal(fetch)) =
                (limit.get_skip_type().ok()?, limit.get_fetch_type().ok()?)
            else {
                return None;
            };
            let fetch = [fetch, below.fetch].into_iter().flatten().min();
            Some(Shape { fetch, ..below })
        }
        _ => None,
    }
}

/// The column that an expression is, among those that the scan reads.
fn output_of(expr: &Expr, input: &LogicalPlan, below: &Shape<'_>) -> Option<usize> {
    match expr {
        Expr::Column(column) => below.output.get(input.schema().index_of_column(column).ok()?).copied(),
        Expr::Alias(alias) => output_of(&alias.expr, input, below),
        _ => None,
    }
}

/// A condition over the columns that the scan reads, under their own names; `None` where it reaches further.
fn moved(condition: &Expr, input: &LogicalPlan, below: &Shape<'_>) -> Option<Expr> {
    let mut within = true;
    let moved = condition.clone().transform_up(|expr| match &expr {
        Expr::Column(column) => {
            let place = input.schema().index_of_column(column).ok().and_then(|place| below.output.get(place));
            match place.map(|place| below.scan.projected_schema.field(*place).name().clone()) {
                Some(name) => Ok(Transformed::yes(Expr::Column(Column::new_unqualified(name)))),
                None => {
                    within = false;
                    Ok(Transformed::no(expr))
                }
            }
        }
        _ => Ok(Transformed::no(expr)),
    });
    moved.data().ok().filter(|_| within)
}

/// Whether the freshness of a table is settled whatever is looked up in it: rows that a join finds may be of any item.
fn settled(table: &dyn TableProvider) -> bool {
    ranged(table).is_some_and(|table| table.demand(&[]).is_none())
}

/// Whether a condition is one that fails for no row.
fn cannot_fail(condition: &Expr) -> bool {
    let plain = condition.exists(|part| {
        Ok(!matches!(
            part,
            Expr::Column(_)
                | Expr::BinaryExpr(_)
                | Expr::Literal(..)
                | Expr::Placeholder(_)
                | Expr::InList(_)
                | Expr::IsNull(_)
                | Expr::IsNotNull(_)
                | Expr::Not(_)
                | Expr::Between(_)
        ))
    });
    plain.is_ok_and(|other| !other)
}

/// The comparison of a column with a value that a condition is, when the value is of the column's type.
fn comparison(condition: &Expr, name: &str, data_type: &DataType) -> Option<(Operator, Operand)> {
    let Expr::BinaryExpr(BinaryExpr { left, op, right }) = condition else { return None };
    let (operator, value) = match (is_column(left, name), is_column(right, name)) {
        (true, false) => (*op, right),
        (false, true) => (op.swap()?, left),
        _ => return None,
    };
    let orders = [Operator::Eq, Operator::Lt, Operator::LtEq, Operator::Gt, Operator::GtEq].contains(&operator);
    orders.then_some(())?;
    match Operand::of(value) {
        Some(Operand::Given(given)) => number(&given, data_type).map(|_| (operator, Operand::Given(given))),
        Some(other) => Some((operator, other)),
        None => Computed::constant(value).map(|computed| (operator, Operand::Computed(computed))),
    }
}

fn is_column(expr: &Expr, name: &str) -> bool {
    matches!(expr, Expr::Column(column) if column.name == name)
}

/// Whether an order is that of the key backwards; `None` when it is neither that nor the key's own. The first column of
/// the key may be left out where it has one value.
fn direction(order: &[(usize, bool)], keys: &[usize], one_value: bool) -> Option<bool> {
    let descending = order.first()?.1;
    let named: Vec<usize> = order.iter().map(|(place, _)| *place).collect();
    let is_of = |keys: &[usize]| !keys.is_empty() && named.len() <= keys.len() && keys.starts_with(&named);
    let rest = keys.get(1..).unwrap_or_default();
    let in_order = is_of(keys) || (one_value && is_of(rest));
    (in_order && order.iter().all(|(_, one)| *one == descending)).then_some(descending)
}
