//! What is told of the columns of each node of a plan.

use super::facts::Told;
use super::set;
use crate::dialect::catalog::column_type::column_types;
use crate::dialect::catalog::description::{Names, declared};
use crate::dialect::catalog::numbers::Numbers;
use crate::dialect::past_name;
use datafusion::catalog::cte_worktable::CteWorkTable;
use datafusion::common::{DFSchema, TableReference};
use datafusion::datasource::source_as_provider;
use datafusion::logical_expr::logical_plan::{Aggregate, Join, SubqueryAlias, TableScan, Unnest};
use datafusion::logical_expr::{Distinct, Expr, JoinType, LogicalPlan};
use std::cell::OnceCell;
use std::sync::Arc;

/// The schema of a name without one, once tables of all others have theirs.
const SCHEMA: &str = "public";

/// A walk through one plan.
pub(super) struct Walk<'a> {
    numbers: Option<&'a Numbers>,
    names: OnceCell<Arc<Names>>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(numbers: Option<&'a Numbers>) -> Self {
        Self { numbers, names: OnceCell::new() }
    }

    /// What is told of each column of a plan.
    pub(super) fn plan(&self, plan: &LogicalPlan) -> Vec<Told> {
        let mut told = match plan {
            LogicalPlan::Projection(projection) => self.expressions(&projection.expr, &projection.input),
            LogicalPlan::Distinct(Distinct::On(on)) => self.expressions(&on.select_expr, &on.input),
            LogicalPlan::Filter(_)
            | LogicalPlan::Sort(_)
            | LogicalPlan::Limit(_)
            | LogicalPlan::Repartition(_)
            | LogicalPlan::Distinct(Distinct::All(_)) => {
                plan.inputs().first().map(|input| self.plan(input)).unwrap_or_default()
            }
            LogicalPlan::Subquery(subquery) => self.plan(&subquery.subquery),
            LogicalPlan::SubqueryAlias(alias) => self.alias(alias),
            LogicalPlan::Aggregate(aggregate) => self.aggregate(aggregate),
            LogicalPlan::Window(window) => {
                let mut told = self.plan(&window.input);
                let given = window.window_expr.iter();
                let computed: Vec<Told> = given.map(|expr| self.value(expr, window.input.schema(), &told)).collect();
                told.extend(computed);
                told
            }
            LogicalPlan::Join(join) => self.join(join),
            LogicalPlan::Union(union) => {
                let inputs: Vec<Vec<Told>> = union.inputs.iter().map(|input| self.plan(input)).collect();
                set::of_rows(&inputs)
            }
            LogicalPlan::RecursiveQuery(query) => self.plan(&query.static_term).into_iter().map(Told::value).collect(),
            LogicalPlan::Values(values) => {
                let nothing = DFSchema::empty();
                let row = |row: &Vec<Expr>| row.iter().map(|expr| self.value(expr, &nothing, &[])).collect();
                set::of_rows(&values.values.iter().map(row).collect::<Vec<Vec<Told>>>())
            }
            LogicalPlan::TableScan(scan) => self.scan(scan),
            LogicalPlan::Unnest(unnest) => self.unnest(unnest),
            LogicalPlan::Extension(_) => self.by_name(plan),
            _ => Vec::new(),
        };
        told.resize(plan.schema().fields().len(), Told::PLAIN);
        told
    }

    /// What is told of expressions over a plan.
    fn expressions(&self, expressions: &[Expr], input: &LogicalPlan) -> Vec<Told> {
        let told = self.plan(input);
        expressions.iter().map(|expr| self.expression(expr, input.schema(), &told)).collect()
    }

    /// A view stands in a plan as its query under its name.
    fn alias(&self, alias: &SubqueryAlias) -> Vec<Told> {
        self.view(&alias.alias, &alias.input).unwrap_or_else(|| self.plan(&alias.input))
    }

    /// The columns of the view that a query under a name is. The name may be that of any subquery, which is the view if its
    /// plan is the view's own.
    fn view(&self, name: &TableReference, input: &LogicalPlan) -> Option<Vec<Told>> {
        let schema = name.schema().unwrap_or(SCHEMA);
        let oid = self.number(schema, name.table())?;
        let table = self.numbers?.table(schema, name.table())?;
        let plan = table.get_logical_plan()?;
        let first = |plan: &LogicalPlan| plan.inputs().first().map(|input| std::ptr::from_ref(*input));
        let own = first(&plan).is_some_and(|own| first(input) == Some(own));
        own.then(|| of_relation(oid, column_types(None, Some(table.as_ref()), &table.schema())))
    }

    fn aggregate(&self, aggregate: &Aggregate) -> Vec<Told> {
        if matches!(aggregate.group_expr.as_slice(), [Expr::GroupingSet(_)]) {
            return Vec::new();
        }
        let (told, schema) = (self.plan(&aggregate.input), aggregate.input.schema());
        let keys = aggregate.group_expr.iter().map(|key| self.expression(key, schema, &told));
        keys.chain(aggregate.aggr_expr.iter().map(|expr| self.value(expr, schema, &told))).collect()
    }

    fn join(&self, join: &Join) -> Vec<Told> {
        match join.join_type {
            JoinType::Inner | JoinType::Left | JoinType::Right | JoinType::Full => {
                let mut told = self.plan(&join.left);
                told.extend(self.plan(&join.right));
                told
            }
            // INTERSECT and EXCEPT.
            JoinType::LeftSemi | JoinType::LeftAnti => set::of_rows(&[self.plan(&join.left), self.plan(&join.right)]),
            _ => Vec::new(),
        }
    }

    fn scan(&self, scan: &TableScan) -> Vec<Told> {
        let Ok(provider) = source_as_provider(&scan.source) else { return Vec::new() };
        if provider.is::<CteWorkTable>() {
            return Vec::new();
        }
        let (schema, name) = (scan.table_name.schema().unwrap_or(SCHEMA), past_name::own(scan.table_name.table()));
        let Some(oid) = self.number(schema, name) else { return Vec::new() };
        let types = column_types(declared(schema, name), Some(provider.as_ref()), &scan.source.schema());
        let all = of_relation(oid, types);
        match &scan.projection {
            Some(places) => places.iter().map(|place| all.get(*place).copied().unwrap_or(Told::PLAIN)).collect(),
            None => all,
        }
    }

    fn unnest(&self, unnest: &Unnest) -> Vec<Told> {
        let told = self.plan(&unnest.input);
        let is_list = |place: usize| unnest.list_type_columns.iter().any(|(list, _)| *list == place);
        let of_place = |place: &usize| {
            let told = told.get(*place).copied().unwrap_or(Told::PLAIN);
            if is_list(*place) { told.element() } else { told }
        };
        unnest.dependency_indices.iter().map(of_place).collect()
    }

    /// A node of ours passes columns on under their names.
    fn by_name(&self, plan: &LogicalPlan) -> Vec<Told> {
        let inputs: Vec<_> = plan.inputs().into_iter().map(|input| (input.schema(), self.plan(input))).collect();
        let told = |(qualifier, field): (Option<&TableReference>, &Arc<arrow::datatypes::Field>)| {
            let found = inputs
                .iter()
                .find_map(|(schema, told)| told.get(schema.index_of_column_by_name(qualifier, field.name())?).copied());
            found.unwrap_or(Told::PLAIN)
        };
        plan.schema().iter().map(told).collect()
    }

    fn number(&self, schema: &str, name: &str) -> Option<u32> {
        let numbers = self.numbers?;
        self.names.get_or_init(|| numbers.names()).oid(Some(schema), name, &[])
    }
}

/// What is told of the columns of a table or view, by its number and their types.
fn of_relation(table: u32, types: Vec<(u32, i32)>) -> Vec<Told> {
    let told = |((type_oid, modifier), column)| Told { type_oid, modifier, table, column };
    types.into_iter().zip(1..).map(told).collect()
}
