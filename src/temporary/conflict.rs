//! INSERT ... ON CONFLICT: which of the new rows are like one that is there, and what becomes of them.

use super::contents::{Constraints, Table};
use super::edit::{self, Edit};
use super::key::KeyValues;
use super::names::{assigned, single};
use super::refusal::{not_supported, syntax};
use super::rows::{Budget, Gathering, Rows, failed};
use crate::dialect::parse::tree::fold;
use crate::error::{ErrorKind, QueryError};
use arrow::array::{Array, ArrayRef, UInt64Array};
use arrow::compute::interleave;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use datafusion::sql::sqlparser::ast::{ConflictTarget, Expr, Ident, OnConflictAction, OnInsert};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// What ON CONFLICT asks.
#[derive(Debug)]
pub(crate) struct OnConflict {
    /// The key that it names; `None` is any.
    pub(crate) key: Option<NamedKey>,
    /// What becomes of the rows that are there, and which of them; `None` is nothing.
    pub(crate) update: Option<DoUpdate>,
}

/// The columns that DO UPDATE sets, and its condition.
pub(crate) type DoUpdate = (Vec<(Ident, Expr)>, Option<Expr>);

/// A key as ON CONFLICT names it.
#[derive(Debug)]
pub(crate) enum NamedKey {
    /// By its columns, in any order.
    Columns(Vec<Ident>),
    /// By the name of its constraint.
    Constraint(String),
}

/// Reads ON CONFLICT.
///
/// # Errors
/// 42601 for DO UPDATE without a key, 0A000 for what PostgreSQL does not have.
pub(crate) fn read(on: &OnInsert) -> Result<OnConflict, QueryError> {
    let OnInsert::OnConflict(given) = on else { return Err(not_supported("such a clause of INSERT")) };
    let key = match &given.conflict_target {
        None => None,
        Some(ConflictTarget::Columns(columns)) => Some(NamedKey::Columns(columns.clone())),
        Some(ConflictTarget::OnConstraint(name)) => Some(NamedKey::Constraint(fold(&single(name)?))),
    };
    let update = match &given.action {
        OnConflictAction::DoNothing => None,
        OnConflictAction::DoUpdate(update) => {
            let mut assignments = Vec::new();
            for assignment in &update.assignments {
                assigned(assignment, &mut assignments)?;
            }
            Some((assignments, update.selection.clone()))
        }
    };
    if key.is_none() && update.is_some() {
        return Err(syntax("ON CONFLICT DO UPDATE requires inference specification or constraint name")
            .with_hint("For example, ON CONFLICT (column_name)."));
    }
    Ok(OnConflict { key, update })
}

impl NamedKey {
    /// The places of the keys of a table that it names.
    ///
    /// # Errors
    /// 42P10, 42703 and 42704 where there are none.
    pub(crate) fn of(&self, name: &str, table: &Table) -> Result<Vec<usize>, QueryError> {
        let Constraints { unique, .. } = table.constraints.as_ref();
        match self {
            Self::Constraint(wanted) => match unique.iter().position(|key| key.name == *wanted) {
                Some(at) => Ok(vec![at]),
                None => {
                    let message = format!("constraint \"{wanted}\" for table \"{name}\" does not exist");
                    Err(QueryError::new(ErrorKind::UnknownObject, message))
                }
            },
            Self::Columns(columns) => {
                let place = |column: &Ident| {
                    let wanted = fold(column);
                    table.columns.iter().position(|known| known.name == wanted).ok_or_else(|| {
                        QueryError::new(ErrorKind::UnknownColumn, format!("column \"{wanted}\" does not exist"))
                    })
                };
                let wanted = columns.iter().map(place).collect::<Result<HashSet<_>, _>>()?;
                let is_wanted = |columns: &[usize]| columns.iter().copied().collect::<HashSet<_>>() == wanted;
                let found = unique.iter().enumerate().filter(|(_, key)| is_wanted(&key.columns));
                let found: Vec<usize> = found.map(|(at, _)| at).collect();
                if found.is_empty() {
                    let message = "there is no unique or exclusion constraint matching the ON CONFLICT specification";
                    return Err(QueryError::new(ErrorKind::NoSuchKey, message));
                }
                Ok(found)
            }
        }
    }
}

/// New rows, and which of them are like one that is there.
#[derive(Debug)]
pub(crate) struct Split {
    /// Of each new row: that it is new, is like a row of a number, or is to be passed over.
    fates: Vec<Fate>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    New,
    Like(u64),
    Passed,
}

impl Split {
    /// Compares new rows with those of a table, and with each other, by some of its keys.
    ///
    /// # Errors
    /// 21000 where two of them are for one row, and it would be changed.
    pub(crate) fn of(table: &Table, new: &Rows, keys: &[usize], update: bool) -> Result<Self, QueryError> {
        let mut fates = vec![Fate::New; new.count()];
        let mut changed = HashSet::new();
        let mut failed = None;
        let keys = keys.iter().filter_map(|at| table.constraints.unique.get(*at));
        let mut told: Vec<Vec<Option<Vec<u8>>>> = Vec::new();
        let mut there: Vec<HashMap<Vec<u8>, u64>> = Vec::new();
        for key in keys {
            let values = KeyValues::of(key, table)?;
            let mut known = HashMap::with_capacity(table.rows.count());
            values.each(&table.rows, |row, value| {
                known.extend(value.map(|value| (value.to_vec(), row as u64)));
                true
            })?;
            let mut own = Vec::with_capacity(fates.len());
            values.each(new, |_, value| {
                own.push(value.map(<[u8]>::to_vec));
                true
            })?;
            there.push(known);
            told.push(own);
        }
        let mut seen: Vec<HashSet<&[u8]>> = vec![HashSet::new(); told.len()];
        for (row, fate) in fates.iter_mut().enumerate() {
            let value = |key: usize| told.get(key)?.get(row)?.as_deref();
            let like = (0..told.len()).find_map(|key| there.get(key)?.get(value(key)?).copied());
            let again = (0..told.len()).any(|key| value(key).is_some_and(|value| seen[key].contains(value)));
            match like {
                Some(number) if update => {
                    *fate = Fate::Like(number);
                    if !changed.insert(number) {
                        failed = Some(twice());
                    }
                }
                Some(_) => *fate = Fate::Passed,
                None if again && update => failed = Some(twice()),
                None if again => *fate = Fate::Passed,
                None => {
                    for (key, seen) in seen.iter_mut().enumerate() {
                        seen.extend(value(key));
                    }
                }
            }
        }
        failed.map_or(Ok(Self { fates }), Err)
    }

    /// The new rows that are like one that is there, each with its number behind its columns: what `excluded` stands for.
    ///
    /// # Errors
    /// Those of the budget.
    pub(crate) fn proposed(&self, table: &Table, new: &Rows, budget: &Arc<Budget>) -> Result<Rows, QueryError> {
        let like = self.fates.iter().enumerate().filter_map(|(row, fate)| match fate {
            Fate::Like(number) => Some((row as u64, *number)),
            _ => None,
        });
        let (rows, numbers): (Vec<u64>, Vec<u64>) = like.unzip();
        let mut gathering = Gathering::new(proposed_schema(table), budget.clone());
        let found = edit::chosen(table, new, &rows, budget)?;
        let mut first = 0;
        for batch in found.batches() {
            let own = UInt64Array::from_iter_values(numbers[first..first + batch.num_rows()].iter().copied());
            let columns = batch.columns().iter().cloned().chain([Arc::new(own) as ArrayRef]).collect();
            gathering.push(&RecordBatch::try_new(proposed_schema(table), columns).map_err(failed)?)?;
            first += batch.num_rows();
        }
        gathering.finish()
    }

    /// The whole change: new rows and changed ones in the order in which they were given.
    ///
    /// # Errors
    /// Those of the budget.
    pub(crate) fn edit(
        &self,
        table: &Table,
        new: &Rows,
        (gone, changed): (Vec<u64>, Rows),
        budget: &Arc<Budget>,
    ) -> Result<Edit, QueryError> {
        let batches: Vec<&RecordBatch> = new.batches().chain(changed.batches()).collect();
        let mut addresses = Vec::with_capacity(new.count() + changed.count());
        for (index, batch) in batches.iter().enumerate() {
            addresses.extend((0..batch.num_rows()).map(|row| (index, row)));
        }
        let given = new.count();
        let place = |(row, fate): (usize, &Fate)| match fate {
            Fate::New => addresses.get(row).copied(),
            Fate::Like(number) => addresses.get(given + gone.binary_search(number).ok()?).copied(),
            Fate::Passed => None,
        };
        let order: Vec<(usize, usize)> = self.fates.iter().enumerate().filter_map(place).collect();
        let rows = if order.is_empty() {
            Rows::default()
        } else {
            let column = |place: usize| {
                let parts: Vec<&dyn Array> = batches.iter().map(|batch| batch.column(place).as_ref()).collect();
                interleave(&parts, &order).map_err(failed)
            };
            let columns = (0..table.schema.fields().len()).map(column).collect::<Result<Vec<_>, _>>()?;
            edit::rows_of(table, columns, order.len(), budget)?
        };
        Ok(Edit { gone, ..Edit::insert(rows) })
    }
}

/// Columns of the rows that `excluded` stands for: those of the table, and the number of the row that is there.
pub(crate) fn proposed_schema(table: &Table) -> SchemaRef {
    let row = Arc::new(Field::new(super::provider::ROW, DataType::UInt64, false));
    Arc::new(Schema::new(table.schema.fields().iter().cloned().chain([row]).collect::<Vec<_>>()))
}

fn twice() -> QueryError {
    QueryError::new(ErrorKind::ChangedTwice, "ON CONFLICT DO UPDATE command cannot affect row a second time").with_hint(
        "Ensure that no rows proposed for insertion within the same command have duplicate constrained values.",
    )
}
