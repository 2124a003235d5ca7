//! Changes of a session's temporary tables and views: planned as the query within them, and done when its rows are there.

use super::Session;
use crate::dialect::catalog::definition;
use crate::dialect::parse::depth::Depth;
use crate::dialect::rewrite::relations_named;
use crate::engine::plan::Plan;
use crate::engine::plan::change::{PlannedChange, What};
use crate::engine::run::cpu::Rows as RunningRows;
use crate::engine::run::rows::{Changed, RowStream, Running};
use crate::error::{ErrorKind, QueryError};
use crate::heap::Promise;
use crate::temporary::contents::{Column, Contents, Relation, Table, View};
use crate::temporary::rows::{Budget, Gathering, Rows};
use crate::temporary::statement::{self, Change, Names};
use crate::temporary::{assign, catalog, constraint, edit, query};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use datafusion::common::ScalarValue;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
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
        let search = self.search();
        let names = Names { schema: &schema, contents: &contents, exists: &|name| search.finds(name) };
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
                check_name(&name)?;
                columns.iter().filter_map(|column| column.default.as_ref()).try_for_each(query::check_default)?;
                let rows = match columns.is_empty() {
                    true => self.nothing(running).await?,
                    false => {
                        self.inner(running, query::shape(&columns)?, &[]).await.map_err(|error| match error.kind {
                            ErrorKind::Grouping => not_in_default(error),
                            _ => error,
                        })?
                    }
                };
                without_parameters(&rows)?;
                if rows.logical().exists(|node| Ok(matches!(node, LogicalPlan::Aggregate(_))))? {
                    return Err(not_in_default(QueryError::new(ErrorKind::Grouping, "")));
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
                check_name(&name)?;
                let mut rows = self.inner(running, *query, declared).await?;
                rows.schema = renamed(&rows.schema, &columns)?;
                assign::columns_of(&rows.schema)?;
                (What::CreateAs { name, if_not_exists, on_commit, with_data }, rows)
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
                    check_assigned(&table, *place, query::literal_type(value).as_ref().unwrap_or(field.data_type()))?;
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
            Change::Truncate(names) => (What::Truncate(names), self.nothing(running).await?),
            Change::Drop { what, names, missing, cascade } => {
                (What::Drop { what, names, missing, cascade }, self.nothing(running).await?)
            }
        };
        let change = Some(Arc::new(PlannedChange { what: change, columns: rows.schema.clone() }));
        Ok(Plan { schema: Arc::new(Schema::empty()), change, ..rows })
    }

    async fn plan_view(
        &self,
        running: &Running,
        name: String,
        or_replace: bool,
        columns: &[String],
        query: Query,
    ) -> Result<(What, Plan), QueryError> {
        check_name(&name)?;
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
        rows.schema = renamed(&rows.schema, columns)?;
        assign::columns_of(&rows.schema)?;
        let logical = rows.logical().clone();
        let columns = logical.schema().columns().into_iter().zip(rows.schema.fields());
        let columns: Vec<Expr> = columns.map(|(column, field)| Expr::Column(column).alias(field.name())).collect();
        let plan = LogicalPlanBuilder::from(logical).project(columns).and_then(LogicalPlanBuilder::build)?;
        check_extent(&plan, &sql)?;
        if let (true, Some(Relation::View(before))) = (or_replace, contents.relation(&name)) {
            check_replaced(&before.plan, &plan)?;
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
                ast::SetExpr::Select(select) => select.projection.iter().map(untyped).collect(),
                _ => Vec::new(),
            };
            for (at, (field, place)) in given.schema.fields().iter().zip(&targets).enumerate() {
                if !literals.get(at).copied().unwrap_or(false) {
                    check_assigned(table, *place, field.data_type())?;
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
                    Some(data_type) => check_assigned(table, *place, &data_type)?,
                    None => computed.push((value.clone(), *place)),
                }
            }
        }
        if !computed.is_empty() {
            let (values, places): (Vec<_>, Vec<_>) = computed.into_iter().unzip();
            let types = self.inner(running, query::types_of(values)?, declared).await?;
            for (field, place) in types.schema.fields().iter().zip(places) {
                check_assigned(table, place, field.data_type())?;
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
            What::Create { .. } | What::CreateView { .. } | What::Truncate(_) | What::Drop { .. } => {
                (running, Rows::default())
            }
            What::CreateAs { .. } => {
                let field = |field: &Arc<Field>| Field::new(field.name(), assign::kept(field.data_type()), true);
                let fields: Vec<Field> = change.columns.fields().iter().map(field).collect();
                self.gathered(running, &query, parameters, Arc::new(Schema::new(fields)), &budget).await?
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
        let contents = self.temporary();
        let done = match &change.what {
            What::Insert { .. } | What::Update { .. } | What::Delete { .. } => {
                self.edit(&running, &change.what, contents, gathered, budget).await?
            }
            other => self.define(other, &change.columns, &contents, gathered)?,
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
        if stream.is_unbounded() && !ends(rows.logical()) {
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
    async fn edit(
        &self,
        running: &Running,
        what: &What,
        contents: Contents,
        gathered: Rows,
        budget: Arc<Budget>,
    ) -> Result<Changed, QueryError> {
        let (What::Insert { table: name, .. } | What::Update { table: name, .. } | What::Delete { table: name, .. }) =
            what
        else {
            return Err(QueryError::new(ErrorKind::Internal, "no change of rows"));
        };
        let (table, own) = (self.table(name)?, name.clone());
        let (tag, places) = match what {
            What::Update { places, .. } => ("UPDATE", places.clone()),
            What::Delete { .. } => ("DELETE", Vec::new()),
            _ => ("INSERT 0", Vec::new()),
        };
        let step = async move {
            match tag {
                "UPDATE" => edit::updated(&own, &table, &places, &gathered, &budget),
                "DELETE" => edit::deleted(&table, &gathered, &budget),
                _ => {
                    let rows = edit::inserted(&own, &table, &gathered, &budget)?;
                    Ok((rows, gathered.count() as u64))
                }
            }
        };
        let (rows, count) = running.guard(self.shared.cpu.run(running.listed.progress.meter(), Box::pin(step))).await?;
        self.settings().keep_rows(contents.with_rows(name, rows));
        Ok(Changed { tag, rows: Some(count) })
    }

    /// Makes or drops tables and views.
    fn define(
        &self,
        what: &What,
        schema: &SchemaRef,
        contents: &Contents,
        gathered: Rows,
    ) -> Result<Changed, QueryError> {
        let (after, tag, rows) = match what {
            What::Create { name, if_not_exists, table } => {
                // Made anew each time that it runs, so that it is another table.
                let table = Table { id: Table::next_id(), ..table.as_ref().clone() };
                (self.made(contents, name, *if_not_exists, Relation::Table(Arc::new(table)))?, "CREATE TABLE", None)
            }
            What::CreateAs { name, if_not_exists, on_commit, with_data } => {
                let field = |field: &Arc<Field>| Field::new(field.name(), assign::kept(field.data_type()), true);
                let kept = Schema::new(schema.fields().iter().map(field).collect::<Vec<_>>());
                let columns = assign::columns_of(schema)?;
                let mut table = Table::new(columns, Arc::new(kept), Vec::new(), *on_commit);
                let count = gathered.count() as u64;
                table.rows = gathered;
                let after = self.made(contents, name, *if_not_exists, Relation::Table(Arc::new(table)))?;
                match *with_data && after.is_some() {
                    true => (after, "SELECT", Some(count)),
                    false => (after, "CREATE TABLE AS", None),
                }
            }
            What::CreateView { name, or_replace, view } => {
                let relation = Relation::View(view.clone());
                match contents.relation(name) {
                    Some(Relation::View(_)) if *or_replace => {
                        (Some(contents.with(name, relation)?), "CREATE VIEW", None)
                    }
                    Some(Relation::Table(_)) if *or_replace => {
                        let message = format!("\"{name}\" is not a view");
                        return Err(QueryError::new(ErrorKind::WrongObject, message));
                    }
                    _ => (self.made(contents, name, false, relation)?, "CREATE VIEW", None),
                }
            }
            What::Truncate(names) => {
                let emptied = names.iter().fold(contents.clone(), |left, name| left.with_rows(name, Rows::default()));
                self.settings().keep_rows(emptied);
                (None, "TRUNCATE TABLE", None)
            }
            What::Drop { what, names, missing, cascade } => {
                if let Some(gone) = names.iter().find(|name| contents.relation(name).is_none()) {
                    let message = format!("{what} \"{gone}\" does not exist");
                    return Err(QueryError::new(ErrorKind::UnknownTable, message));
                }
                for name in missing {
                    self.notices.add(format!("{what} \"{name}\" does not exist, skipping"));
                }
                let tag = if *what == "view" { "DROP VIEW" } else { "DROP TABLE" };
                (Some(contents.without(names, *cascade)?), tag, None)
            }
            What::Insert { .. } | What::Update { .. } | What::Delete { .. } => (None, "", None),
        };
        if let Some(after) = after {
            self.settings().define(after);
        }
        Ok(Changed { tag, rows })
    }

    /// The contents with a new relation; `None` when there is one of its name, which may stay.
    fn made(
        &self,
        contents: &Contents,
        name: &str,
        if_not_exists: bool,
        relation: Relation,
    ) -> Result<Option<Contents>, QueryError> {
        if contents.relation(name).is_none() {
            return contents.with(name, relation).map(Some);
        }
        if if_not_exists {
            self.notices.add(format!("relation \"{name}\" already exists, skipping"));
            return Ok(None);
        }
        Err(QueryError::new(ErrorKind::DuplicateTable, format!("relation \"{name}\" already exists")))
    }
}

/// Nodes that the plan of a temporary view may have: whoever reads it has them in a plan of its own.
const VIEW_NODES_MAX: usize = 2_000;

/// How deep they may lie in each other, which is walked by recursion.
const VIEW_DEPTH_MAX: usize = 150;

/// Refuses a view that others could not be planned over: of views over views, or of long chains of operators.
fn check_extent(plan: &LogicalPlan, sql: &str) -> Result<(), QueryError> {
    fn depth(plan: &LogicalPlan) -> usize {
        1 + plan.inputs().into_iter().map(depth).max().unwrap_or_default()
    }
    let mut nodes = 0;
    plan.apply_with_subqueries(|_| {
        nodes += 1;
        Ok(if nodes > VIEW_NODES_MAX { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })?;
    let long = Depth::of(sql) != Depth::Shallow;
    if long || nodes > VIEW_NODES_MAX || depth(plan) > VIEW_DEPTH_MAX {
        let message = "a temporary view of such a large query is not supported";
        return Err(
            QueryError::new(ErrorKind::NotSupported, message).with_hint("CREATE TEMP TABLE AS keeps its rows instead.")
        );
    }
    Ok(())
}

/// Checks that a view has the columns of the one that it replaces, and others only behind them.
fn check_replaced(before: &LogicalPlan, after: &LogicalPlan) -> Result<(), QueryError> {
    let (before, after) = (before.schema().fields(), after.schema().fields());
    let wrong = |message: String| Err(QueryError::new(ErrorKind::InvalidTable, message));
    if after.len() < before.len() {
        return wrong("cannot drop columns from view".to_owned());
    }
    for (old, new) in before.iter().zip(after) {
        if old.name() != new.name() {
            return wrong(format!("cannot change name of view column \"{}\" to \"{}\"", old.name(), new.name()));
        }
        if old.data_type() != new.data_type() {
            return wrong(format!("cannot change data type of view column \"{}\"", old.name()));
        }
    }
    Ok(())
}

/// Refuses the name of a table of the catalog, which is found there whatever a session calls its own.
fn check_name(name: &str) -> Result<(), QueryError> {
    if definition::find(name).is_none() {
        return Ok(());
    }
    let message = format!("a temporary table of the name \"{name}\" is not supported, as there is one in pg_catalog");
    Err(QueryError::new(ErrorKind::NotSupported, message))
}

fn not_in_default(error: QueryError) -> QueryError {
    let message = "aggregate functions are not allowed in DEFAULT expressions".to_owned();
    QueryError { message, hint: None, ..error }
}

/// Whether a plan has an end because it is limited, whatever it reads.
fn ends(plan: &LogicalPlan) -> bool {
    match (plan, plan.inputs().as_slice()) {
        (LogicalPlan::Limit(limit), _) if limit.fetch.is_some() => true,
        (_, [only]) => ends(only),
        _ => false,
    }
}

/// Whether an item of a list is a literal that takes the type of its column.
fn untyped(item: &ast::SelectItem) -> bool {
    match item {
        ast::SelectItem::UnnamedExpr(expr) | ast::SelectItem::ExprWithAlias { expr, .. } => statement::is_untyped(expr),
        _ => false,
    }
}

fn check_assigned(table: &Table, place: usize, given: &DataType) -> Result<(), QueryError> {
    let (Some(column), Some(field)) = (table.columns.get(place), table.schema.fields().get(place)) else {
        return Ok(());
    };
    if given.is_null() { Ok(()) } else { assign::check(&column.name, field.data_type(), given) }
}

/// The columns of a query under other names, as far as there are any.
fn renamed(schema: &SchemaRef, names: &[String]) -> Result<SchemaRef, QueryError> {
    if names.len() > schema.fields().len() {
        return Err(QueryError::new(ErrorKind::Syntax, "too many column names were specified"));
    }
    let field = |(place, field): (usize, &Arc<Field>)| match names.get(place) {
        Some(name) => Arc::new(field.as_ref().clone().with_name(name)),
        None => field.clone(),
    };
    Ok(Arc::new(Schema::new(schema.fields().iter().enumerate().map(field).collect::<Vec<_>>())))
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
