//! The merge of rows into a table that has a file for each year: only files of years in which a row says something new are
//! written, all in one commit.
//!
//! One group of years is in memory at a time, beside the few files that are being encoded.

use super::rows_by_year::RowsByYear;
use super::staging::Staging;
use super::table_rows::{Written, files_of, merged_rows, one_batch};
use super::years::Years;
use crate::collect::merge::{Merged, distinct_items};
use crate::lake::{DataFile, LakeError, LakeTable};
use crate::progress::Progress;
use arrow::array::AsArray;
use arrow::compute::max;
use arrow::record_batch::RecordBatch;
use futures::{StreamExt, TryStreamExt};
use std::collections::BTreeSet;
use std::pin::pin;

/// New rows are few where so many times as many are held: then what they meet is read first.
const FEW_ONE_IN: u64 = 8;

/// Groups of years that are looked at ahead of the merge.
const LOOKS_AHEAD: usize = 2;

/// What becomes of merged rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Committed,
    /// They are only counted.
    Counted,
}

/// Years that are merged together, and the files that hold rows of them.
struct Group {
    years: BTreeSet<i32>,
    files: Vec<DataFile>,
    /// How many rows are new.
    rows: u64,
}

/// Merges rows into the latest version. `progress` counts groups of years, and the rows that were new.
pub(super) async fn merge_by_year(
    table: &LakeTable,
    column: &'static str,
    rows: &dyn RowsByYear,
    outcome: Outcome,
    progress: &Progress,
) -> Result<Written, LakeError> {
    let years = Years::new(table.dataset(), column);
    let base = table.update().await?;
    let groups = groups(&years, &files_of(base.as_ref()), rows);
    progress.begin(groups.len() as u64);
    let merge = &Merge { table, years, rows };
    let (mut removed, mut staging, mut written) = (Vec::new(), Staging::new(table), Written::default());
    let mut items = BTreeSet::new();
    let look = |group: Group| async move { Ok::<_, LakeError>((merge.may_differ(&group).await?, group)) };
    let looks = groups.into_iter().map(look);
    let mut looks = pin!(futures::stream::iter(looks).buffered(LOOKS_AHEAD));
    while let Some((differs, group)) = looks.try_next().await? {
        let merged = if differs { merge.merged(&group).await? } else { None };
        if let Some(mut merged) = merged {
            written.added += merged.added;
            written.changed += merged.changed;
            if outcome == Outcome::Committed {
                merge.stage(merged.rows, &mut staging).await?;
                removed.extend(group.files);
                items.append(&mut merged.items);
            }
        }
        progress.finish(group.rows, false);
    }
    written.version = base.as_ref().map(|base| base.version);
    let staged = staging.finish().await?;
    if !staged.is_empty() {
        let snapshot = table.commit_items(base.as_deref(), &removed, staged, Some(&items)).await?;
        written.version = Some(snapshot.version);
    }
    Ok(written)
}

/// The years of new rows, with those that share a file together.
fn groups(years: &Years, files: &[DataFile], rows: &dyn RowsByYear) -> Vec<Group> {
    let counts = rows.counts();
    let mut left: BTreeSet<i32> = counts.keys().copied().collect();
    let mut groups = Vec::new();
    while let Some(year) = left.pop_first() {
        let (reached, files) = years.reached(files, year);
        left.retain(|year| !reached.contains(year));
        let rows = reached.iter().filter_map(|year| counts.get(year)).sum();
        groups.push(Group { years: reached, files, rows });
    }
    groups
}

/// Rows on their way into a table.
struct Merge<'a> {
    table: &'a LakeTable,
    years: Years,
    rows: &'a dyn RowsByYear,
}

impl Merge<'_> {
    /// Whether the new rows of a group may say something new. Where they are few, only what is held of their items is read
    /// to know.
    async fn may_differ(&self, group: &Group) -> Result<bool, LakeError> {
        let held: Option<u64> = group.files.iter().map(|file| file.rows).sum();
        if group.files.is_empty() || held.is_none_or(|held| group.rows.saturating_mul(FEW_ONE_IN) > held) {
            return Ok(true);
        }
        let new = one_batch(self.table, &self.rows.of_years(&group.years)?)?;
        if self.is_later(&new, &group.files)? {
            return Ok(true);
        }
        let Some(items) = self.items(&new) else { return Ok(true) };
        let all: Vec<&str> = self.table.dataset().columns().map(|column| column.name).collect();
        let held = self.table.read_items(&group.files, &all, &items).await?;
        let merged = merged_rows(self.table, &held, &[new])?;
        Ok(merged.added > 0 || merged.changed > 0)
    }

    /// Whether a row is of a later day than all that are held, as after a new session: there is nothing to look for then.
    fn is_later(&self, new: &RecordBatch, files: &[DataFile]) -> Result<bool, LakeError> {
        let last: Option<Vec<i32>> = files.iter().map(|file| Some(self.years.days_of_file(file)?.1)).collect();
        let newest = max(self.years.dates(new)?);
        Ok(last.and_then(|last| last.into_iter().max()).is_some_and(|last| newest.is_some_and(|day| day > last)))
    }

    /// The items that rows are of; `None` where the table does not tell items apart.
    fn items(&self, rows: &RecordBatch) -> Option<BTreeSet<String>> {
        let column = rows.column_by_name(self.table.dataset().item_column()?)?.as_string_opt::<i32>()?;
        Some(distinct_items(column))
    }

    /// Held and new rows of a group as one; `None` where the new ones say nothing new.
    async fn merged(&self, group: &Group) -> Result<Option<Merged>, LakeError> {
        // Each side as one batch before the other is read: the merge takes it as it is.
        let new = one_batch(self.table, &self.rows.of_years(&group.years)?)?;
        let held = one_batch(self.table, &self.table.read(&group.files).await?)?;
        let merged = merged_rows(self.table, &[held], &[new])?;
        Ok(Some(merged).filter(|merged| merged.added > 0 || merged.changed > 0))
    }

    /// Begins a file for each year of merged rows.
    async fn stage(&self, rows: RecordBatch, staging: &mut Staging<'_>) -> Result<(), LakeError> {
        let present = self.years.of(&rows)?;
        if present.len() == 1 {
            return staging.begin(rows).await;
        }
        for year in present {
            staging.begin(self.years.rows_in(&rows, &BTreeSet::from([year]))?).await?;
        }
        Ok(())
    }
}
