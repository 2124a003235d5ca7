//! Changes of a session's temporary tables and views: planned as the query within them, and done when its rows are there.

use super::Session;
use crate::dialect::rewrite::relations_named;
use crate::dialect::told::Told;
use crate::engine::plan::Plan;
use crate::engine::run::cpu::Rows as RunningRows;
use crate::engine::run::rows::{Changed, RowStream, Running};
use crate::error::{ErrorKind, QueryError};
use crate::heap::Promise;
use crate::temporary::contents::{Column, Contents, Relation, Table, View};
use crate::temporary::names::Names;
use crate::temporary::planned::{PlannedChange, What};
use crate::temporary::rows::{Budget, Gathering, Rows};
use crate::temporary::statement::{self, Change};
use crate::temporary::{assign, catalog, constraint, define, edit, query};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use datafusion::common::ScalarValue;
use datafusion::common::tree_node::TreeNode;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder};
use datafusion::sql::sqlparser::ast::{self, Query, Statement};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Bytes of a view's plan for each byte of its text, about.
const PLAN_BYTES: usize = 16;

impl Session {
    /// What a statement asks of this session's temporary tables and views; `None` when it asks nothing of them.
    pub(super) fn change_of(&self, statement: &Statement) -> Result<Option<Change>, QueryError> {
        let (contents, schema) = (self.temporary(), catalog::schema_of(self.pid()));
        let names = Names { schema: &schema, contents: &contents, exists: &|name| self.search().finds(name) };
        let change = statement::read(statement, &names)?;
        if change.is_some() && self.open.front_end == "flight" {
            let message = "temporary tables are not supported over Flight SQL, which keeps no sessions";
            return Err(QueryError::new(ErrorKind::NotSupported, message).with_hint("Use the Postgres port for them."));
        }
        Ok(change)
    }

    /// Drops all temporary tables and views.
    pub fn drop_temporary(&self) {
        self.settings().define(Contents::default());
    }

    /// What the session has now.
    pub(crate) fn temporary(&self) -> Contents {
        self.settings().temporary().clone()
    }

    /// Plans a change: the query within it, whose parameters are those of the statement.
    pub(super) async fn plan_change(
        &self,
        running: &Running,
        change: Change,
        declared: &[Option<DataType>],
    ) -> Result<Plan, QueryError> {
        let (change, rows) = match change {
            Change::CreateTable { name, if_not_exists, on_commit, columns, unique } => {
                define::check_name(&name)?;
                columns.iter().filter_map(|column| column.default.as_ref()).try_for_each(query::check_default)?;
                let rows = match columns.is_empty() {
                    true => self.nothing(running).await?,
                    false => {
                        self.inner(running, query::shape(&columns)?, &[]).await.map_err(|error| match error.kind {
                            ErrorKind::Grouping => define::not_in_default(error),
                            _ => error,
                        })?
                    }
                };
                without_parameters(&rows)?;
                if rows.logical().exists(|node| Ok(matches!(node, LogicalPlan::Aggregate(_))))? {
                    return Err(define::not_in_default(QueryError::new(ErrorKind::Grouping, "")));
                }
                let field = |(column, field): (&Column, &Arc<Field>)| {
                    Field::new(&column.name, assign::kept(field.data_type()), true)
                };
                let fields: Vec<Field> = columns.iter().zip(rows.schema.fields()).map(field).collect();
                let schema = Arc::new(Schema::new(fields));
                let with_default = columns.iter().zip(schema.fields()).filter(|(column, _)| column.default.is_some());
                let given = rows.schema.fields().iter().skip(columns.len());
                for ((column, field), given) in with_default.zip(given) {
                    let literal = column.default.as_ref().and_then(query::literal_type);
                    let given = literal.as_ref().unwrap_or(given.data_type());
                    if !given.is_null() {
                        assign::check(&column.name, field.data_type(), given)?;
                    }
                }
                unique.iter().try_for_each(|key| constraint::check_types(key, &schema))?;
                let table = Arc::new(Table::new(columns, schema, unique, on_commit));
                (What::Create { name, if_not_exists, table }, rows)
            }
            Change::CreateTableAs { name, if_not_exists, on_commit, columns, query, with_data } => {
                define::check_name(&name)?;
                let mut rows = self.inner(running, *query, declared).await?;
                rows.schema = define::renamed(&rows.schema, &columns)?;
                assign::columns_of(&rows.schema)?;
                let declared = rows.told.fields().iter().map(|field| Told::of(field).written()).collect();
                (What::CreateAs { name, if_not_exists, on_commit, with_data, declared }, rows)
            }
            Change::CreateView { name, or_replace, columns, query } => {
                self.plan_view(running, name, or_replace, &columns, *query).await?
            }
            Change::Insert { table: name, columns, source } => {
                let table = self.table(&name)?;
                let rows = self.plan_insert(running, &name, &table, &columns, source.as_deref(), declared).await?;
                (What::Insert { table: name, id: table.id }, rows)
            }
            Change::Update { table: name, alias, assignments, rows } => {
                let table = self.table(&name)?;
                query::check_names(&alias, &rows)?;
                query::check_values(assignments.iter().map(|(_, value)| value), "UPDATE")?;
                let mut places = Vec::with_capacity(assignments.len());
                let mut assigned = Vec::with_capacity(assignments.len());
                for (column, value) in assignments {
                    let place = query::place(&name, &table, &column)?;
                    if places.contains(&place) {
                        let message = format!("multiple assignments to same column \"{}\"", column.value);
                        return Err(QueryError::new(ErrorKind::Syntax, message));
                    }
                    places.push(place);
                    assigned.push(value);
                }
                let schema = catalog::schema_of(self.pid());
                let columns = || places.iter().filter_map(|place| table.columns.get(*place));
                // Once for the types of the values as they are, once as values of their columns.
                let texts: Vec<Column> =
                    columns().map(|column| Column { sql_type: ast::DataType::Unspecified, ..column.clone() }).collect();
                let plain =
                    query::of_rows(&schema, &name, &alias, &rows, texts.iter().zip(assigned.clone()).collect())?;
                let plain = self.inner(running, plain, declared).await.map_err(|error| match error.kind {
                    // Each row is changed for itself.
                    ErrorKind::Grouping => QueryError { message: query::NO_AGGREGATES.to_owned(), hint: None, ..error },
                    _ => error,
                })?;
                let given = plain.schema.fields().iter().skip(1).zip(&assigned);
                for ((field, value), place) in given.zip(&places) {
                    assign::check_place(
                        &table,
                        *place,
                        query::literal_type(value).as_ref().unwrap_or(field.data_type()),
                    )?;
                }
                let rows = query::of_rows(&schema, &name, &alias, &rows, columns().zip(assigned).collect())?;
                let rows = self.inner(running, rows, declared).await?;
                (What::Update { table: name, id: table.id, places }, rows)
            }
            Change::Delete { table: name, alias, rows } => {
                let table = self.table(&name)?;
                query::check_names(&alias, &rows)?;
                let schema = catalog::schema_of(self.pid());
                let rows = query::of_rows(&schema, &name, &alias, &rows, Vec::new())?;
                let rows = self.inner(running, rows, declared).await?;
                (What::Delete { table: name, id: table.id }, rows)
            }
            Change::Analyze => (What::Analyze, self.nothing(running).await?),
            Change::Truncate(names) => (What::Truncate(names), self.nothing(running).await?),
            Change::Drop { what, names, missing, cascade } => {
                (What::Drop { what, names, missing, cascade }, self.nothing(running).await?)
            }
        };
        let change = Some(Arc::new(PlannedChange { what: change, columns: rows.schema.clone() }));
        let nothing = Arc::new(Schema::empty());
        Ok(Plan { schema: nothing.clone(), told: nothing, change, ..rows })
    }

    async fn plan_view(
        &self,
        running: &Running,
        name: String,
        or_replace: bool,
        columns: &[String],
        query: Query,
    ) -> Result<(What, Plan), QueryError> {
        define::check_name(&name)?;
        let (sql, named) = (query.to_string(), relations_named(&Statement::Query(Box::new(query.clone()))));
        let own = catalog::schema_of(self.pid());
        let contents = self.temporary();
        let is_own =
            |schema: &Option<String>| schema.as_ref().is_none_or(|name| *name == own || name == catalog::ALIAS);
        let uses = named.into_iter().filter(|(schema, table)| is_own(schema) && contents.relation(table).is_some());
        let uses: BTreeSet<String> = uses.map(|(_, table)| table).collect();
        if uses.contains(&name) {
            return Err(QueryError::new(ErrorKind::NotSupported, format!("view \"{name}\" reads what it replaces")));
        }
        let mut rows = self.inner(running, query, &[]).await?;
        without_parameters(&rows)?;
        rows.schema = define::renamed(&rows.schema, columns)?;
        assign::columns_of(&rows.schema)?;
        let logical = rows.logical().clone();
        let columns = logical.schema().columns().into_iter().zip(rows.schema.fields());
        let columns: Vec<Expr> = columns.map(|(column, field)| Expr::Column(column).alias(field.name())).collect();
        let plan = LogicalPlanBuilder::from(logical).project(columns).and_then(LogicalPlanBuilder::build)?;
        define::check_extent(&plan, &sql)?;
        if let (true, Some(Relation::View(before))) = (or_replace, contents.relation(&name)) {
            define::check_replaced(&before.plan, &plan)?;
        }
        let bytes = sql.len().saturating_mul(PLAN_BYTES);
        let room = Promise::of_all(bytes).ok_or_else(|| QueryError::new(ErrorKind::OutOfMemory, "out of memory"))?;
        let view = Arc::new(View { plan: Arc::new(plan), sql, uses, _room: room });
        Ok((What::CreateView { name, or_replace, view }, rows))
    }

    async fn plan_insert(
        &self,
        running: &Running,
        name: &str,
        table: &Table,
        columns: &[ast::Ident],
        source: Option<&Query>,
        declared: &[Option<DataType>],
    ) -> Result<Plan, QueryError> {
        let targets = query::targets(name, table, columns)?;
        let Some(source) = source else { return self.inner(running, query::defaults(table)?, declared).await };
        let Some(written) = query::written_rows(source) else {
            let given = self.inner(running, source.clone(), declared).await?;
            query::check_width(given.schema.fields().len(), targets.len(), !columns.is_empty())?;
            let literals = match source.body.as_ref() {
                ast::SetExpr::Select(select) => select.projection.iter().map(assign::is_untyped_item).collect(),
                _ => Vec::new(),
            };
            for (at, (field, place)) in given.schema.fields().iter().zip(&targets).enumerate() {
                if !literals.get(at).copied().unwrap_or(false) {
                    assign::check_place(table, *place, field.data_type())?;
                }
            }
            let rows = query::of_query(source, given.schema.fields().len(), table, &targets)?;
            return self.inner(running, rows, declared).await;
        };
        let mut computed = Vec::new();
        for row in written {
            query::check_width(row.content.len(), targets.len(), !columns.is_empty())?;
            for (value, place) in row.content.iter().zip(&targets) {
                match query::literal_type(value) {
                    Some(data_type) if data_type.is_null() => {}
                    Some(data_type) => assign::check_place(table, *place, &data_type)?,
                    None => computed.push((value.clone(), *place)),
                }
            }
        }
        if !computed.is_empty() {
            let (values, places): (Vec<_>, Vec<_>) = computed.into_iter().unzip();
            let types = self.inner(running, query::types_of(values)?, declared).await?;
            for (field, place) in types.schema.fields().iter().zip(places) {
                assign::check_place(table, place, field.data_type())?;
            }
        }
        self.inner(running, query::of_values(source, table, &targets)?, declared).await
    }

    pub(super) async fn inner(
        &self,
        running: &Running,
        query: Query,
        declared: &[Option<DataType>],
    ) -> Result<Plan, QueryError> {
        Box::pin(self.plan_for(running, &Statement::Query(Box::new(query)), declared)).await
    }

    /// The plan of a change that reads nothing.
    async fn nothing(&self, running: &Running) -> Result<Plan, QueryError> {
        self.inner(running, query::types_of(vec![ast::Expr::value(ast::Value::Null)])?, &[]).await
    }

    pub(super) fn table(&self, name: &str) -> Result<Arc<Table>, QueryError> {
        self.temporary().table(name).cloned().ok_or_else(|| gone(name))
    }

    /// Runs the query of a change and does the change; all of it is done, or nothing.
    pub(super) async fn change(
        &self,
        running: Running,
        plan: &Plan,
        change: &PlannedChange,
        parameters: Vec<ScalarValue>,
    ) -> Result<RowStream, QueryError> {
        let (budget, query) = (self.budget.clone(), plan.of_rows(change));
        let (running, gathered) = match &change.what {
            What::CreateAs { name, if_not_exists: true, .. } if self.temporary().relation(name).is_some() => {
                (running, Rows::default())
            }
            What::CreateAs { with_data: false, .. } => (running, Rows::default()),
            What::Create { .. } | What::CreateView { .. } | What::Truncate(_) | What::Analyze | What::Drop { .. } => {
                (running, Rows::default())
            }
            What::CreateAs { .. } => {
                self.gathered(running, &query, parameters, define::kept(&change.columns), &budget).await?
            }
            What::Insert { table, id } => {
                let schema = self.same_table(table, *id)?.schema.clone();
                self.gathered(running, &query, parameters, schema, &budget).await?
            }
            What::Update { table, id, places } => {
                let schema = edit::numbered_schema(self.same_table(table, *id)?.as_ref(), places);
                self.gathered(running, &query, parameters, schema, &budget).await?
            }
            What::Delete { table, id } => {
                let schema = edit::numbered_schema(self.same_table(table, *id)?.as_ref(), &[]);
                self.gathered(running, &query, parameters, schema, &budget).await?
            }
        };
        let done = match &change.what {
            What::Insert { .. } | What::Update { .. } | What::Delete { .. } => {
                self.edit(&running, &change.what, gathered).await?
            }
            other => {
                let defined = define::defined(other, &change.columns, &self.temporary(), gathered)?;
                defined.notices.into_iter().for_each(|notice| self.notices.add(notice));
                if let Some(after) = defined.after {
                    self.settings().define(after);
                }
                Changed { tag: defined.tag, rows: defined.rows }
            }
        };
        let schema = Arc::new(Schema::empty());
        let rows = RunningRows::ready(RecordBatch::new_empty(schema.clone()));
        Ok(RowStream { running, rows, schema, unbounded: false, changed: Some(done) })
    }

    fn same_table(&self, name: &str, id: u64) -> Result<Arc<Table>, QueryError> {
        self.table(name).and_then(|table| if table.id == id { Ok(table) } else { Err(gone(name)) })
    }

    /// The rows of the query, kept in columns of these types.
    async fn gathered(
        &self,
        running: Running,
        rows: &Plan,
        parameters: Vec<ScalarValue>,
        schema: SchemaRef,
        budget: &Arc<Budget>,
    ) -> Result<(Running, Rows), QueryError> {
        let mut stream = Box::pin(self.execute(running, rows, parameters)).await?;
        if stream.is_unbounded() && !define::ends(rows.logical()) {
            let message = "a temporary table of rows that have no end is not supported";
            return Err(QueryError::new(ErrorKind::NotSupported, message).with_hint("LIMIT them."));
        }
        let mut gathering = Gathering::new(schema, budget.clone());
        while let Some(batch) = stream.next().await {
            gathering.push(&batch?)?;
        }
        Ok((stream.running, gathering.finish()?))
    }

    /// Changes the rows of a table, where statements run.
    async fn edit(&self, running: &Running, what: &What, gathered: Rows) -> Result<Changed, QueryError> {
        let (What::Insert { table: name, .. } | What::Update { table: name, .. } | What::Delete { table: name, .. }) =
            what
        else {
            return Err(QueryError::new(ErrorKind::Internal, "no change of rows"));
        };
        let (table, budget, own, what) = (self.table(name)?, self.budget.clone(), name.clone(), what.clone());
        let step = Box::pin(async move { edit::edited(&own, &table, &what, &gathered, &budget) });
        let (rows, count, tag) = running.guard(self.shared.cpu.run(running.listed.progress.meter(), step)).await?;
        let after = self.temporary().with_rows(name, rows);
        self.settings().keep_rows(after);
        Ok(Changed { tag, rows: Some(count) })
    }
}

/// What is defined once has no parameters.
fn without_parameters(plan: &Plan) -> Result<(), QueryError> {
    match plan.parameters.is_empty() {
        true => Ok(()),
        false => Err(QueryError::new(ErrorKind::UnknownObject, "there is no parameter $1")),
    }
}

fn gone(name: &str) -> QueryError {
    QueryError::new(ErrorKind::UnknownTable, format!("relation \"{name}\" does not exist"))
}
