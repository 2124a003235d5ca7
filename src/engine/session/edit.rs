//! A change of temporary tables is done when the rows of the query within it are there: all of it, or nothing.

use super::Session;
use super::change::gone;
use crate::engine::plan::Plan;
use crate::engine::run::cpu::Rows as RunningRows;
use crate::engine::run::rows::{Changed, RowStream, Running};
use crate::error::{ErrorKind, QueryError};
use crate::temporary::changed::{self, CHANGED, PROPOSED};
use crate::temporary::conflict::Split;
use crate::temporary::constraint::{self, By, Fault, Place};
use crate::temporary::contents::Table;
use crate::temporary::edit::{self, Edit};
use crate::temporary::planned::{Clash, PlannedChange, What};
use crate::temporary::rows::{Budget, Gathering, Rows};
use crate::temporary::{catalog, define};
use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use datafusion::common::ScalarValue;
use std::sync::Arc;

impl Session {
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
            What::Insert { table, id, .. } | What::Update { table, id, .. } | What::Delete { table, id } => {
                let table = self.same_table(table, *id)?;
                let schema = match &change.what {
                    What::Update { places, .. } => edit::numbered_schema(&table, places),
                    What::Delete { .. } => edit::numbered_schema(&table, &[]),
                    _ => table.schema.clone(),
                };
                let (running, gathered) = self.gathered(running, &query, parameters.clone(), schema, &budget).await?;
                return Box::pin(self.change_rows(running, plan, change, parameters, gathered)).await;
            }
            What::CreateAs { name, if_not_exists: true, .. } if self.temporary().relation(name).is_some() => {
                (running, Rows::default())
            }
            What::CreateAs { with_data: true, .. } => {
                self.gathered(running, &query, parameters, define::kept(&change.columns), &budget).await?
            }
            What::Alter { table, id, after, with_rows, made } => {
                let before = self.same_table(table, *id)?;
                let (running, rows) = match with_rows {
                    true => self.gathered(running, &query, parameters, after.schema.clone(), &budget).await?,
                    false => (running, before.rows.clone()),
                };
                if made.rebuilt {
                    let (running, unchecked) = self.first_unchecked(running, table, after, &rows).await?;
                    let (rows_too, after) = (rows.clone(), after.clone());
                    let check = move |place: Place<'_>| {
                        constraint::check(&place, &Rows::default(), &rows_too, unchecked, By::Definition)
                    };
                    self.step(&running, table, after, check).await?;
                    (running, rows)
                } else {
                    (running, rows)
                }
            }
            _ => (running, Rows::default()),
        };
        let defined = define::defined(&change.what, &change.columns, &self.temporary(), gathered)?;
        defined.notices.into_iter().for_each(|notice| self.notices.add(notice));
        if let Some(after) = defined.after {
            self.settings().define(after);
        }
        Ok(done(running, Changed { tag: defined.tag, rows: defined.rows }))
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

    /// Does something of a table where statements run.
    async fn step<T: Send + 'static>(
        &self,
        running: &Running,
        name: &str,
        table: Arc<Table>,
        step: impl FnOnce(Place<'_>) -> Result<T, QueryError> + Send + 'static,
    ) -> Result<T, QueryError> {
        let (schema, name, style) = (catalog::schema_of(self.pid()), name.to_owned(), self.settings().style());
        let step = Box::pin(async move { step(Place { schema: &schema, name: &name, table: &table, style: &style }) });
        running.guard(self.shared.cpu.run(running.listed.progress.meter(), step)).await
    }

    /// Changes the rows of a table, and gives what RETURNING asks of them.
    async fn change_rows(
        &self,
        running: Running,
        plan: &Plan,
        change: &PlannedChange,
        parameters: Vec<ScalarValue>,
        gathered: Rows,
    ) -> Result<RowStream, QueryError> {
        let (What::Insert { table: name, .. } | What::Update { table: name, .. } | What::Delete { table: name, .. }) =
            &change.what
        else {
            return Err(QueryError::new(ErrorKind::Internal, "no change of rows"));
        };
        let (table, budget) = (self.table(name)?, self.budget.clone());
        let types: &[Option<DataType>] = &plan.parameters;
        let (running, edit) = match &change.what {
            What::Insert { conflict: Some(clash), .. } => {
                self.settled(running, name, (clash, change), (types, parameters.as_slice()), gathered).await?
            }
            what => {
                let (what, budget) = (what.clone(), budget.clone());
                let edit = move |place: Place<'_>| Edit::of(place.table, &what, gathered, &budget);
                let edit = self.step(&running, name, table.clone(), edit).await?;
                (running, edit)
            }
        };
        let (running, unchecked) = self.first_unchecked(running, name, &table, &edit.new).await?;
        let checked = move |place: Place<'_>| {
            let left = edit.left(place.table, &budget)?;
            constraint::check(&place, &left, &edit.new, unchecked, By::Change)?;
            let returned = edit.returned(place.table, &budget)?;
            let told = Changed { tag: edit.tag, rows: Some(edit.count) };
            Ok::<_, QueryError>((left.followed_by(&edit.new, &budget)?, returned, told))
        };
        let (rows, returned, told) = self.step(&running, name, table.clone(), checked).await?;
        let after = self.temporary().with_rows(name, rows);
        self.settings().keep_rows(after);
        let Some(asked) = &change.returning else { return Ok(done(running, told)) };
        let given = async {
            let plan = self.inner(&running, asked.clone(), types).await?;
            Box::pin(self.execute(running, &plan, parameters)).await
        };
        let stream = self.beside(CHANGED, changed::changed(&table, returned), given).await?;
        Ok(RowStream { changed: Some(told), ..stream })
    }

    /// What comes of new rows of which some are like one that is there.
    async fn settled(
        &self,
        running: Running,
        name: &str,
        (clash, change): (&Clash, &PlannedChange),
        (types, parameters): (&[Option<DataType>], &[ScalarValue]),
        new: Rows,
    ) -> Result<(Running, Edit), QueryError> {
        let (table, budget) = (self.table(name)?, self.budget.clone());
        // Rows that are passed over must be such as the table could have.
        let (running, unchecked) = self.first_unchecked(running, name, &table, &new).await?;
        let (rows, keys, update) = (new.clone(), clash.keys.clone(), clash.update.is_some());
        let own = budget.clone();
        let split = move |place: Place<'_>| {
            constraint::check_alone(&place, &rows, unchecked)?;
            let split = Split::of(place.table, &rows, &keys, update)?;
            let proposed = split.proposed(place.table, &rows, &own)?;
            Ok::<_, QueryError>((split, proposed))
        };
        let (split, proposed) = self.step(&running, name, table.clone(), split).await?;
        let (running, given) = match (&clash.update, &change.update) {
            (Some(places), Some(query)) if proposed.count() > 0 => {
                let schema = edit::numbered_schema(&table, places);
                let given = async {
                    let plan = self.inner(&running, query.clone(), types).await?;
                    self.gathered(running, &plan, parameters.to_vec(), schema, &budget).await
                };
                self.beside(PROPOSED, changed::proposed(&table, proposed), given).await?
            }
            _ => (running, Rows::default()),
        };
        let places = clash.update.clone().unwrap_or_default();
        let settled = move |place: Place<'_>| {
            let changed = edit::updated(place.table, &places, &given, &budget)?;
            split.edit(place.table, &new, changed, &budget)
        };
        let edit = self.step(&running, name, table, settled).await?;
        Ok((running, edit))
    }

    /// The first of some rows of which a CHECK of their table is false.
    async fn first_unchecked(
        &self,
        running: Running,
        name: &str,
        table: &Table,
        rows: &Rows,
    ) -> Result<(Running, Option<Fault>), QueryError> {
        let checks = &table.constraints.checks;
        if checks.is_empty() || rows.count() == 0 {
            return Ok((running, None));
        }
        let asked = changed::checks(&catalog::schema_of(self.pid()), name, checks)?;
        let first = async {
            let plan = self.inner(&running, asked, &[]).await?;
            let mut stream = Box::pin(self.execute(running, &plan, Vec::new())).await?;
            let (mut before, mut first) = (0, None);
            while let Some(batch) = stream.next().await {
                let batch = batch?;
                for (check, values) in batch.columns().iter().enumerate() {
                    let Some(values) = values.as_boolean_opt() else { continue };
                    let is_false = |row: &usize| values.is_valid(*row) && !values.value(*row);
                    if let Some(row) = (0..values.len()).find(is_false) {
                        let fault = Fault::of_check(before + row, check);
                        first = Some(first.map_or(fault, |first: Fault| first.min(fault)));
                    }
                }
                before += batch.num_rows();
            }
            Ok::<_, QueryError>((stream.running, first))
        };
        self.beside(CHANGED, changed::changed(table, rows.clone()), first).await
    }
}

/// What a change gives that has no rows.
fn done(running: Running, changed: Changed) -> RowStream {
    let schema = Arc::new(Schema::empty());
    let rows = RunningRows::ready(RecordBatch::new_empty(schema.clone()));
    RowStream { running, rows, schema, unbounded: false, changed: Some(changed) }
}
