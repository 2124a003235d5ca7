//! Changes of a session's temporary tables and views are planned as the query within them.

use super::Session;
use crate::dialect::parse::lexer::kept_bytes;
use crate::dialect::rewrite::relations_named;
use crate::dialect::told::Told;
use crate::engine::plan::Plan;
use crate::engine::run::rows::Running;
use crate::error::{ErrorKind, QueryError};
use crate::heap::Promise;
use crate::temporary::contents::{Column, Constraints, Contents, Relation, Table, View};
use crate::temporary::names::Names;
use crate::temporary::planned::What;
use crate::temporary::statement::{self, Change};
use crate::temporary::{assign, catalog, define, query};
use arrow::datatypes::DataType;
use datafusion::logical_expr::{Expr, LogicalPlanBuilder};
use datafusion::sql::sqlparser::ast::{self, Query, Statement};
use std::collections::BTreeSet;
use std::sync::Arc;

/// A query, and the types of its parameters.
pub(super) type Update = (Query, Vec<Option<DataType>>);

/// What of the rows of a change is planned once more when they are there.
#[derive(Default)]
pub(super) struct Further {
    /// ON CONFLICT DO UPDATE, and the types of its parameters.
    pub(super) update: Option<Update>,
    /// What RETURNING calls the table, and what it gives.
    pub(super) returning: Option<(ast::Ident, Vec<ast::SelectItem>)>,
}

/// The table that a statement changes, and what it calls it.
#[derive(Clone, Copy)]
pub(super) struct Target<'a> {
    pub(super) name: &'a str,
    pub(super) table: &'a Table,
    pub(super) alias: &'a ast::Ident,
}

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
        let mut further = Further::default();
        let (change, rows) = match change {
            Change::CreateTable { name, if_not_exists, on_commit, columns, constraints } => {
                define::check_name(&name)?;
                let (table, rows) = self.plan_table(running, &name, columns, constraints, on_commit).await?;
                (What::Create { name, if_not_exists, table: Arc::new(table) }, rows)
            }
            Change::CreateTableLike { name, if_not_exists, on_commit, like, defaults } => {
                define::check_name(&name)?;
                let columns = self.columns_like(running, &like, defaults).await?;
                let (table, rows) = self.plan_table(running, &name, columns, Constraints::default(), on_commit).await?;
                (What::Create { name, if_not_exists, table: Arc::new(table) }, rows)
            }
            Change::AlterTable { name: Err(missing), .. } => {
                (What::AlterMissing(missing), self.nothing(running).await?)
            }
            Change::AlterTable { name: Ok(name), alterations } => self.plan_alter(running, &name, &alterations).await?,
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
            Change::Insert { table: name, columns, source, alias, conflict, returning } => {
                let table = self.table(&name)?;
                let rows = self.plan_insert(running, &name, &table, &columns, source.as_deref(), declared).await?;
                let conflict = match conflict {
                    Some(conflict) => {
                        let target = Target { name: &name, table: &table, alias: &alias };
                        let (clash, update) = self.plan_conflict(running, target, *conflict, &rows.parameters).await?;
                        further.update = update;
                        Some(clash)
                    }
                    None => None,
                };
                further.returning = returning.map(|items| (alias, items));
                (What::Insert { table: name, id: table.id, conflict }, rows)
            }
            Change::Update { table: name, alias, assignments, rows, returning } => {
                let table = self.table(&name)?;
                query::check_names(&alias, &rows)?;
                let target = Target { name: &name, table: &table, alias: &alias };
                let (places, rows) = self.plan_update(running, target, assignments, &rows, declared).await?;
                further.returning = returning.map(|items| (alias, items));
                (What::Update { table: name, id: table.id, places }, rows)
            }
            Change::Delete { table: name, alias, rows, returning } => {
                let table = self.table(&name)?;
                query::check_names(&alias, &rows)?;
                let schema = catalog::schema_of(self.pid());
                let rows = query::of_rows(&schema, &name, &alias, &rows, Vec::new())?;
                let rows = self.inner(running, rows, declared).await?;
                further.returning = returning.map(|items| (alias, items));
                (What::Delete { table: name, id: table.id }, rows)
            }
            Change::Analyze => (What::Analyze, self.nothing(running).await?),
            Change::Truncate(names) => (What::Truncate(names), self.nothing(running).await?),
            Change::Drop { what, names, missing, cascade } => {
                (What::Drop { what, names, missing, cascade }, self.nothing(running).await?)
            }
        };
        self.plan_further(running, change, rows, further).await
    }

    /// The places of the columns that an UPDATE sets, and the query of its rows.
    pub(super) async fn plan_update(
        &self,
        running: &Running,
        Target { name, table, alias }: Target<'_>,
        assignments: Vec<(ast::Ident, ast::Expr)>,
        rows: &statement::Rows,
        declared: &[Option<DataType>],
    ) -> Result<(Vec<usize>, Plan), QueryError> {
        query::check_values(assignments.iter().map(|(_, value)| value), "UPDATE")?;
        let mut places = Vec::with_capacity(assignments.len());
        let mut assigned = Vec::with_capacity(assignments.len());
        for (column, value) in assignments {
            let place = query::place(name, table, &column)?;
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
        let plain = query::of_rows(&schema, name, alias, rows, texts.iter().zip(assigned.clone()).collect())?;
        let plain = self.inner(running, plain, declared).await.map_err(|error| match error.kind {
            // Each row is changed for itself.
            ErrorKind::Grouping => QueryError { message: query::NO_AGGREGATES.to_owned(), hint: None, ..error },
            _ => error,
        })?;
        let given = plain.schema.fields().iter().skip(1).zip(&assigned);
        for ((field, value), place) in given.zip(&places) {
            assign::check_place(table, *place, query::literal_type(value).as_ref().unwrap_or(field.data_type()))?;
        }
        let rows = query::of_rows(&schema, name, alias, rows, columns().zip(assigned).collect())?;
        let rows = self.inner(running, rows, declared).await?;
        Ok((places, rows))
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
        let bytes = kept_bytes(&sql);
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
    pub(super) async fn nothing(&self, running: &Running) -> Result<Plan, QueryError> {
        self.inner(running, query::types_of(vec![ast::Expr::value(ast::Value::Null)])?, &[]).await
    }

    pub(super) fn table(&self, name: &str) -> Result<Arc<Table>, QueryError> {
        self.temporary().table(name).cloned().ok_or_else(|| gone(name))
    }
}

/// What is defined once has no parameters.
pub(super) fn without_parameters(plan: &Plan) -> Result<(), QueryError> {
    match plan.parameters.is_empty() {
        true => Ok(()),
        false => Err(QueryError::new(ErrorKind::UnknownObject, "there is no parameter $1")),
    }
}

pub(super) fn gone(name: &str) -> QueryError {
    QueryError::new(ErrorKind::UnknownTable, format!("relation \"{name}\" does not exist"))
}
