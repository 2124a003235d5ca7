//! What is declared of temporary tables is planned: CREATE TABLE, LIKE another, ALTER TABLE; and what of a change's rows
//! is asked once more when they are there.

use super::Session;
use super::change::{Further, Target, Update, without_parameters};
use crate::dialect::catalog::types;
use crate::dialect::parse::lexer::kept_bytes;
use crate::engine::plan::Plan;
use crate::engine::run::rows::Running;
use crate::error::{ErrorKind, QueryError};
use crate::temporary::alter::{self, Alteration, Source};
use crate::temporary::changed::{self, CHANGED, PROPOSED};
use crate::temporary::conflict::OnConflict;
use crate::temporary::contents::{Check, Column, Constraints, Relation, Table};
use crate::temporary::names::{self, Names};
use crate::temporary::planned::{Clash, PlannedChange, What};
use crate::temporary::rows::Rows;
use crate::temporary::{assign, catalog, define, key, query};
use arrow::datatypes::{DataType, Field, Schema};
use datafusion::common::tree_node::TreeNode;
use datafusion::logical_expr::LogicalPlan;
use datafusion::sql::sqlparser::ast::{self, SetExpr};
use std::collections::BTreeSet;
use std::sync::Arc;

impl Session {
    /// A table as it is declared, without rows, and a plan that has none.
    pub(super) async fn plan_table(
        &self,
        running: &Running,
        name: &str,
        columns: Vec<Column>,
        constraints: Constraints,
        on_commit: Option<ast::OnCommit>,
    ) -> Result<(Table, Plan), QueryError> {
        columns.iter().filter_map(|column| column.default.as_ref()).try_for_each(query::check_default)?;
        let rows = match columns.is_empty() {
            true => self.nothing(running).await?,
            false => self.inner(running, query::shape(&columns)?, &[]).await.map_err(|error| match error.kind {
                ErrorKind::Grouping => define::not_in_default(error),
                _ => error,
            })?,
        };
        without_parameters(&rows)?;
        if aggregates(&rows)? {
            return Err(define::not_in_default(QueryError::new(ErrorKind::Grouping, "")));
        }
        let field =
            |(column, field): (&Column, &Arc<Field>)| Field::new(&column.name, assign::kept(field.data_type()), true);
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
        constraints.unique.iter().try_for_each(|own| key::check_types(own, &schema))?;
        let mut table = Table::new(columns, schema, constraints, on_commit);
        table.keep_room(kept_bytes(&running.sql))?;
        self.check_conditions(running, name, &table).await?;
        Ok((table, rows))
    }

    /// Checks that each CHECK of a table is a condition over its columns.
    async fn check_conditions(&self, running: &Running, name: &str, table: &Table) -> Result<(), QueryError> {
        let checks: &[Check] = &table.constraints.checks;
        if checks.is_empty() {
            return Ok(());
        }
        checks.iter().try_for_each(changed::check_condition)?;
        let asked = changed::checks(&catalog::schema_of(self.pid()), name, checks)?;
        let plan = self.beside(CHANGED, changed::changed(table, Rows::default()), self.inner(running, asked, &[]));
        let not_there = "aggregate functions are not allowed in check constraints";
        let plan = plan.await.map_err(|error| match error.kind {
            ErrorKind::Grouping => QueryError { message: not_there.to_owned(), hint: None, ..error },
            _ => error,
        })?;
        without_parameters(&plan)?;
        if aggregates(&plan)? {
            return Err(QueryError::new(ErrorKind::Grouping, not_there));
        }
        match plan.schema.fields().iter().find(|field| !matches!(field.data_type(), DataType::Boolean | DataType::Null))
        {
            None => Ok(()),
            Some(field) => {
                let (number, _) = types::of_arrow(field.data_type());
                let message =
                    format!("argument of CHECK must be type boolean, not type {}", types::display(number, None));
                Err(QueryError::new(ErrorKind::TypeMismatch, message))
            }
        }
    }

    /// The columns of a temporary table, with its defaults or without; `None` for another.
    fn own_columns(&self, like: &ast::ObjectName, defaults: bool) -> Option<Vec<Column>> {
        let (contents, schema) = (self.temporary(), catalog::schema_of(self.pid()));
        let names = Names { schema: &schema, contents: &contents, exists: &|_| true };
        let (_, own) = names::own_name(like, &names)?;
        let column = |column: &Column| match defaults {
            true => column.clone(),
            false => Column { default: None, ..column.clone() },
        };
        Some(contents.table(&own)?.columns.iter().map(column).collect())
    }

    /// The columns of another table or view; of a temporary one with its defaults, where they are asked for.
    pub(super) async fn columns_like(
        &self,
        running: &Running,
        like: &ast::ObjectName,
        defaults: bool,
    ) -> Result<Vec<Column>, QueryError> {
        if let Some(own) = self.own_columns(like, defaults) {
            return Ok(own);
        }
        let mut all = query::all_of("x", "x")?;
        if let SetExpr::Select(select) = all.body.as_mut() {
            for table in &mut select.from {
                if let ast::TableFactor::Table { name, .. } = &mut table.relation {
                    name.clone_from(like);
                }
            }
        }
        let plan = self.inner(running, all, &[]).await?;
        let mut columns = assign::columns_of(&plan.schema)?;
        for (column, field) in columns.iter_mut().zip(plan.schema.fields()) {
            column.required = !field.is_nullable();
        }
        Ok(columns)
    }

    /// ALTER TABLE: what becomes of the table, and the query of its rows where they become others.
    pub(super) async fn plan_alter(
        &self,
        running: &Running,
        name: &str,
        alterations: &[Alteration],
    ) -> Result<(What, Plan), QueryError> {
        let table = self.table(name)?;
        let made = Arc::new(alter::altered(name, &table, alterations)?);
        if made.name != name {
            define::check_name(&made.name)?;
        }
        let id = table.id;
        let name = name.to_owned();
        if !made.rebuilt {
            let what = What::Alter { table: name, id, made, after: table, with_rows: false };
            return Ok((what, self.nothing(running).await?));
        }
        let (columns, constraints) = (made.columns.clone(), made.constraints.clone());
        let (mut after, shape) = self.plan_table(running, &name, columns, constraints, Some(table.on_commit)).await?;
        after.keep_room(kept_bytes(&running.sql).saturating_add(table.room.bytes()))?;
        for (source, (column, field)) in made.sources.iter().zip(after.columns.iter().zip(after.schema.fields())) {
            if let Source::Cast(old, None) = source
                && let Some(old) = table.schema.fields().get(*old)
                && assign::check(&column.name, field.data_type(), old.data_type()).is_err()
            {
                let wanted = types::display(types::of_arrow(field.data_type()).0, None);
                let message = format!("column \"{}\" cannot be cast automatically to type {wanted}", column.name);
                return Err(QueryError::new(ErrorKind::TypeMismatch, message)
                    .with_hint(format!("You might need to specify \"USING {}::{wanted}\".", column.name)));
            }
        }
        let rows = match changed::altered(&catalog::schema_of(self.pid()), &name, &table, &made)? {
            Some(query) => Some(self.inner(running, query, &[]).await?),
            None => None,
        };
        let what = What::Alter { table: name, id, made, after: Arc::new(after), with_rows: rows.is_some() };
        Ok((what, rows.unwrap_or(shape)))
    }

    /// ON CONFLICT: the keys that it is about, and what becomes of rows that are there.
    pub(super) async fn plan_conflict(
        &self,
        running: &Running,
        target: Target<'_>,
        conflict: OnConflict,
        declared: &[Option<DataType>],
    ) -> Result<(Clash, Option<Update>), QueryError> {
        let keys = match &conflict.key {
            None => (0..target.table.constraints.unique.len()).collect(),
            Some(named) => named.of(target.name, target.table)?,
        };
        let Some((assignments, selection)) = conflict.update else { return Ok((Clash { keys, update: None }, None)) };
        let schema = catalog::schema_of(self.pid());
        let rows = changed::like(&schema, target.alias, selection.as_ref())?;
        let update = self.plan_update(running, target, assignments.clone(), &rows, declared);
        let proposed = changed::proposed(target.table, Rows::default());
        let (places, plan) = self.beside(PROPOSED, proposed, update).await?;
        let columns = places.iter().filter_map(|place| target.table.columns.get(*place));
        let assigned = columns.zip(assignments.into_iter().map(|(_, value)| value)).collect();
        let query = query::of_rows(&schema, target.name, target.alias, &rows, assigned)?;
        Ok((Clash { keys, update: Some(places) }, Some((query, plan.parameters))))
    }

    /// A change whose own query is planned, with what is asked of its rows besides.
    pub(super) async fn plan_further(
        &self,
        running: &Running,
        what: What,
        rows: Plan,
        further: Further,
    ) -> Result<Plan, QueryError> {
        let mut parameters = rows.parameters.clone();
        let nothing = Arc::new(Schema::empty());
        let (mut schema, mut told, mut returning) = (nothing.clone(), nothing, None);
        let update = further.update.map(|(query, types)| {
            add(&mut parameters, &types);
            query
        });
        if let (
            Some((alias, items)),
            What::Insert { table, .. } | What::Update { table, .. } | What::Delete { table, .. },
        ) = (further.returning, &what)
        {
            let asked = changed::returning(&catalog::schema_of(self.pid()), &alias, &items)?;
            let read = table;
            let table = changed::changed(self.table(table)?.as_ref(), Rows::default());
            let plan = self.beside(CHANGED, table, self.inner(running, asked.clone(), &parameters)).await;
            let not_there = "aggregate functions are not allowed in RETURNING";
            let plan = plan.map_err(|error| match error.kind {
                ErrorKind::Grouping => QueryError { message: not_there.to_owned(), hint: None, ..error },
                _ => error,
            })?;
            if aggregates(&plan)? {
                return Err(QueryError::new(ErrorKind::Grouping, not_there));
            }
            // It would see the table as it has become, and PostgreSQL's sees it as it was.
            if plan.temporary_tables().contains(read) {
                let message = format!("RETURNING of a query that reads \"{read}\", which is changed, is not supported");
                return Err(QueryError::new(ErrorKind::NotSupported, message));
            }
            add(&mut parameters, &plan.parameters);
            (schema, told, returning) = (plan.schema, plan.told, Some(asked));
        }
        let change = PlannedChange { what, columns: rows.schema.clone(), update, returning };
        Ok(Plan { schema, told, parameters, change: Some(Arc::new(change)), ..rows })
    }

    /// Does a step while a table of a hidden name is there.
    pub(super) async fn beside<T>(
        &self,
        name: &str,
        relation: Relation,
        step: impl Future<Output = Result<T, QueryError>>,
    ) -> Result<T, QueryError> {
        let with = self.temporary().with(name, relation)?;
        self.settings().keep_rows(with);
        let _there = Hidden { session: self, name };
        step.await
    }
}

/// A table of a hidden name, which goes with this, also where the step is given up.
struct Hidden<'a> {
    session: &'a Session,
    name: &'a str,
}

impl Drop for Hidden<'_> {
    fn drop(&mut self) {
        if let Ok(without) = self.session.temporary().without(&BTreeSet::from([self.name.to_owned()]), true) {
            self.session.settings().keep_rows(without);
        }
    }
}

/// Adds types of parameters that are not known yet.
fn add(parameters: &mut Vec<Option<DataType>>, others: &[Option<DataType>]) {
    parameters.resize(parameters.len().max(others.len()), None);
    for (own, other) in parameters.iter_mut().zip(others) {
        if own.is_none() {
            own.clone_from(other);
        }
    }
}

/// Whether a query is an aggregation.
fn aggregates(plan: &Plan) -> Result<bool, QueryError> {
    Ok(plan.logical().exists(|node| Ok(matches!(node, LogicalPlan::Aggregate(_))))?)
}
