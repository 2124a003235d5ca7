//! Whether an answer is all that there is, judged beside the rows that are held: what an answer leaves out does not go, is
//! told by name, and is too much at some point.
//!
//! Venues send half of a list, an empty page, `items: []` or 404 as if it were all. Rows leave when the venue says that a
//! list is whole, when nobody asks for them any more, or by their date.

use super::fetch::{FailedItem, Fetched};
use super::findings::FindingsSink;
use super::write::items_of;
use crate::lake::dataset::Absence;
use crate::lake::quality::{Doubt, DoubtKind, Severity};
use crate::lake::{LakeTable, Scope, Snapshot};
use arrow::array::{Array, AsArray, BooleanArray};
use arrow::compute::filter_record_batch;
use arrow::datatypes::Date32Type;
use arrow::record_batch::RecordBatch;
use chrono::NaiveDate;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// Fewer items that were asked for tell nothing of a share.
const SHARE_ITEMS_MIN: usize = 20;
/// Items that are named in a sentence.
const NAMED_MAX: usize = 3;

/// What an answer is judged by.
pub(super) struct Judge<'a> {
    pub(super) table: &'a LakeTable,
    /// The items that were asked for.
    pub(super) asked: &'a [String],
    pub(super) scope: &'a Scope,
    /// The most of what is held that an answer may leave out, in percent.
    pub(super) absent_percent_max: u8,
    pub(super) today: NaiveDate,
    /// Where it is told what is left out.
    pub(super) findings: &'a FindingsSink,
}

/// Doubts that an answer settles, if it does not tell them again.
const SETTLED: [DoubtKind; 5] =
    [DoubtKind::Absent, DoubtKind::Duplicate, DoubtKind::MissingValue, DoubtKind::Rejected, DoubtKind::UnknownSymbol];

impl Judge<'_> {
    /// Judges an answer: items that it leaves out become failed ones, which keep their rows.
    ///
    /// # Errors
    /// It leaves out so much that nothing of it can be believed; the sentence tells the numbers.
    pub(super) async fn judge(&self, fetched: &mut Fetched) -> Result<(), String> {
        let dataset = self.table.dataset();
        if dataset.absence == Absence::Nothing {
            return Ok(());
        }
        for kind in SETTLED {
            match self.scope.names() {
                Some(names) => names.iter().for_each(|name| self.findings.is_over(kind, Some(name))),
                None => self.findings.is_over(kind, None),
            }
        }
        // What is damaged is mended by the answer, whatever is in it.
        let Ok(held) = self.table.update().await else { return Ok(()) };
        if dataset.leaves_after.is_some()
            && let Some(held) = &held
        {
            self.judge_rows(held, fetched).await;
        }
        let held = match &held {
            Some(held) => self.held_items(held).await.unwrap_or_default(),
            None => BTreeSet::new(),
        };
        self.judge_items(&held, fetched)
    }

    fn judge_items(&self, held: &BTreeSet<String>, fetched: &mut Fetched) -> Result<(), String> {
        let dataset = self.table.dataset();
        let asked: BTreeSet<&str> = self.asked.iter().map(String::as_str).collect();
        let expected: BTreeSet<&str> =
            held.iter().map(String::as_str).filter(|item| !dataset.by_item || asked.contains(item)).collect();
        let came: HashSet<&str> =
            fetched.batches.iter().filter_map(|rows| items_of(self.table, rows)).flatten().flatten().collect();
        let failed: HashSet<&str> = fetched.failed.iter().map(|failed| failed.item.as_str()).collect();
        let answered = |item: &&str| came.contains(*item) || failed.contains(*item);
        let absent: Vec<String> =
            expected.iter().filter(|item| !answered(item)).map(|item| (*item).to_owned()).collect();
        let unknown: Vec<String> = asked
            .iter()
            .filter(|item| dataset.by_item && !held.contains(**item) && !answered(item))
            .map(|item| (*item).to_owned())
            .collect();
        // One symbol that a venue gives up is no reason to refuse the others.
        if self.too_many(absent.len(), expected.len()) && (absent.len() > 1 || came.is_empty()) {
            let told = format!(
                "the answer has no rows of {} of the {} items that are held ({}), more than {} % \
                 (collect.absent_percent_max){}; nothing is committed",
                absent.len(),
                expected.len(),
                named(&absent),
                self.absent_percent_max,
                fetched.partial.as_ref().map(|why| format!(": {why}")).unwrap_or_default(),
            );
            self.findings.doubt(Doubt::of_dataset(DoubtKind::Absent, Severity::Severe, told.clone()), 1);
            return Err(told);
        }
        if dataset.by_item || fetched.partial.is_some() {
            let why = fetched.partial.as_deref().unwrap_or("the answer has no rows of it");
            for item in absent {
                self.doubt(&item, DoubtKind::Absent, why);
                fetched.failed.push(FailedItem { item, reason: format!("{why}; those that are held stay") });
            }
        }
        if let Some(why) = fetched.partial.as_ref().filter(|_| !dataset.by_item) {
            fetched.failed.push(FailedItem { item: dataset.name.to_owned(), reason: why.clone() });
        }
        if dataset.absence == Absence::Unknown {
            let suspicious = unknown.len() >= SHARE_ITEMS_MIN && self.too_many(unknown.len(), asked.len());
            for item in unknown {
                self.doubt(&item, DoubtKind::UnknownSymbol, "the source has no rows of it");
                if suspicious {
                    let reason = "the answer has no rows of it, nor of many others".to_owned();
                    fetched.failed.push(FailedItem { item, reason });
                }
            }
        }
        fetched.failed.sort_by(|one, other| one.item.cmp(&other.item));
        Ok(())
    }

    /// Where rows leave by their date, an item whose answer lacks too many of those that are not past fails: its new rows
    /// are left out, and it keeps the old ones.
    async fn judge_rows(&self, held: &Snapshot, fetched: &mut Fetched) {
        let Ok(held) = self.lasting_rows(held).await else { return };
        let mut came: HashMap<&str, HashSet<&str>> = HashMap::new();
        for rows in &fetched.batches {
            for (item, row) in self.keys(rows) {
                came.entry(item).or_default().insert(row);
            }
        }
        let mut refused = BTreeMap::new();
        for (item, rows) in held {
            let Some(came) = came.get(item.as_str()) else { continue };
            let absent = rows.iter().filter(|row| !came.contains(row.as_str())).count();
            if absent == 0 {
                continue;
            }
            let told = format!("the answer lacks {absent} of the {} rows that are held and not past", rows.len());
            self.doubt(&item, DoubtKind::Absent, &told);
            // A strike that was rejected is a call and a put that nobody can name.
            let rejected = usize::try_from(self.findings.rejected_of(&item)).unwrap_or(usize::MAX);
            if self.too_many(absent.saturating_sub(rejected.saturating_mul(2)), rows.len()) {
                let reason = format!("{told}, more than {} %; it keeps its rows", self.absent_percent_max);
                refused.insert(item, reason);
            }
        }
        if refused.is_empty() {
            return;
        }
        let taken = fetched.batches.iter().filter_map(|rows| {
            let items = items_of(self.table, rows)?;
            let keep: BooleanArray =
                items.iter().map(|item| Some(item.is_some_and(|item| !refused.contains_key(item)))).collect();
            filter_record_batch(rows, &keep).ok()
        });
        fetched.batches = taken.collect();
        fetched.failed.extend(refused.into_iter().map(|(item, reason)| FailedItem { item, reason }));
    }

    /// Rows that are held and not past: the last column of their key, by item.
    async fn lasting_rows(&self, held: &Snapshot) -> Result<BTreeMap<String, HashSet<String>>, String> {
        let mut lasting: BTreeMap<String, HashSet<String>> = BTreeMap::new();
        let dataset = self.table.dataset();
        let (Some(item), Some(row), Some(date)) = (dataset.key.first(), dataset.key.last(), dataset.leaves_after)
        else {
            return Ok(lasting);
        };
        for rows in self.read(held, &[*item, *row, date]).await? {
            let text = |name: &str| rows.column_by_name(name).and_then(|column| column.as_string_opt::<i32>());
            let dates = rows.column_by_name(date).and_then(|column| column.as_primitive_opt::<Date32Type>());
            let (Some(items), Some(keys), Some(dates)) = (text(item), text(row), dates) else { continue };
            let lasts = |row: &usize| dates.is_valid(*row) && dates.value_as_date(*row) >= Some(self.today);
            for row in (0..rows.num_rows()).filter(lasts) {
                lasting.entry(items.value(row).to_owned()).or_default().insert(keys.value(row).to_owned());
            }
        }
        Ok(lasting)
    }

    /// Item and last key column of each row.
    fn keys<'a>(&self, rows: &'a RecordBatch) -> Vec<(&'a str, &'a str)> {
        let last = self.table.dataset().key.last().and_then(|name| rows.column_by_name(name));
        let last = last.and_then(|column| column.as_string_opt::<i32>());
        let Some((items, keys)) = items_of(self.table, rows).zip(last) else { return Vec::new() };
        items.iter().zip(keys).filter_map(|(item, key)| item.zip(key)).collect()
    }

    /// Items of which rows are held, among those of the scope.
    async fn held_items(&self, held: &Snapshot) -> Result<BTreeSet<String>, String> {
        let Some(column) = self.table.dataset().key.first() else { return Ok(BTreeSet::new()) };
        let mut items = BTreeSet::new();
        for rows in self.read(held, &[*column]).await? {
            let column = rows.column(0).as_string_opt::<i32>();
            items.extend(column.into_iter().flatten().flatten().map(str::to_owned));
        }
        Ok(items)
    }

    async fn read(&self, held: &Snapshot, columns: &[&str]) -> Result<Vec<RecordBatch>, String> {
        let rows = match self.scope.names() {
            Some(names) => self.table.read_items(&held.files, columns, names).await,
            None => self.table.read_columns(&held.files, Some(columns)).await,
        };
        rows.map_err(|error| error.to_string())
    }

    fn doubt(&self, item: &str, kind: DoubtKind, example: &str) {
        self.findings.doubt(Doubt::about(item, kind, Severity::Warning, example), 1);
    }

    fn too_many(&self, absent: usize, of: usize) -> bool {
        absent.saturating_mul(100) > of.saturating_mul(usize::from(self.absent_percent_max))
    }
}

/// The first of some names, and how many more there are.
fn named(names: &[String]) -> String {
    let first = names.iter().take(NAMED_MAX).cloned().collect::<Vec<_>>().join(", ");
    let more = names.len().saturating_sub(NAMED_MAX);
    if more == 0 { first } else { format!("{first} and {more} more") }
}

#[cfg(test)]
#[path = "completeness_tests.rs"]
mod tests;
