//! Daily bars that a source states anew: after a split, a correction, or where its history meets other sources'.
//!
//! A refresh brings some bars again that are held. Where they show another scale, or another history, the symbol's whole
//! history is fetched anew in the same refresh, and committed at once or not at all: what is presented never mixes scales.
//! Called by [`refresh`](super::refresh) between the fetch and the commit.

mod bars;
mod compare;
mod listed;
mod rescale;
pub(super) mod seam;
mod splits;
mod told;

use super::fetch::{FailedItem, Fetch, Fetched, Request};
use crate::lake::quality::{Doubt, DoubtKind, Findings, Severity};
use crate::lake::{DataFile, LakeError, LakeTable, Snapshot, StatisticValue};
use crate::market::calendar;
use arrow::array::{AsArray, BooleanArray};
use arrow::compute::filter_record_batch;
use arrow::record_batch::RecordBatch;
use bars::{ByDay, Rows, date};
use chrono::{DateTime, Datelike, Utc};
use compare::{Change, Overlap, Pair};
use splits::{Origin, Split};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use told::Restated;

/// Bars of other sources that are looked at where they end.
const SEAM_BARS: usize = 15;
/// A whole history is asked for so many days before its first bar: it meets those of other sources.
const SEAM_DAYS: i32 = 14;

/// What an answer of daily bars is settled with.
pub(super) struct Settling<'a> {
    /// The table of daily bars.
    pub(super) table: &'a LakeTable,
    /// The table of splits, where there is one.
    pub(super) splits: Option<&'a LakeTable>,
    /// The source that answered.
    pub(super) source: &'a dyn Fetch,
    /// What it was asked for.
    pub(super) request: &'a Request,
    /// When the answer came.
    pub(super) now: DateTime<Utc>,
}

/// What has to be written and told beside the bars.
#[derive(Default)]
pub(super) struct Settled {
    restated: Vec<Restated>,
    /// New rows of the dataset `splits`.
    pub(super) splits: Option<RecordBatch>,
}

impl Settled {
    /// What is told once the bars are committed: `old` and `new` are the versions before and after.
    pub(super) fn findings(&self, old: Option<u64>, new: Option<u64>) -> Findings {
        told::findings(&self.restated, old, new)
    }
}

/// A symbol whose history is another one.
struct Anew {
    overlap: Overlap,
    change: Change,
    source: String,
}

impl Settling<'_> {
    /// Compares an answer with what is held; whole histories are put in the place of what came of them, and a symbol whose
    /// history cannot be had becomes a failed item, which keeps its rows.
    ///
    /// # Errors
    /// The lake cannot be read.
    pub(super) async fn settle(&self, fetched: &mut Fetched) -> Result<Settled, String> {
        self.settle_bars(fetched).await.map_err(|error| error.to_string())
    }

    async fn settle_bars(&self, fetched: &mut Fetched) -> Result<Settled, LakeError> {
        let mut settled = Settled::default();
        let mut splits = Vec::new();
        let mut whole: BTreeSet<String> = self.request.begin.keys().cloned().collect();
        if let Some(held) = self.table.update().await? {
            let mut anew = BTreeMap::new();
            for (symbol, (overlap, source)) in self.overlaps(&held, &fetched.batches).await? {
                match overlap.change() {
                    None => {}
                    Some(Change::Corrected) => settled.restated.push(Restated::corrected(&symbol, &overlap)),
                    Some(change) => drop(anew.insert(symbol, Anew { overlap, change, source })),
                }
            }
            if !anew.is_empty() {
                whole.extend(anew.keys().cloned());
                self.fetch_anew(&held, anew, fetched, &mut settled, &mut splits).await?;
            }
            self.judge_seams(&held, &whole, fetched).await?;
        }
        self.probe(fetched, &mut splits);
        if let Some(table) = self.splits {
            let known = if splits.is_empty() { splits::Known::new() } else { splits::known(table).await? };
            settled.splits = splits::rows(&splits::without_known(splits, &known), self.now);
        }
        Ok(settled)
    }

    /// What became of the bars that are held, of the same source, and came again; by symbol, with the source.
    async fn overlaps(
        &self,
        held: &Snapshot,
        batches: &[RecordBatch],
    ) -> Result<BTreeMap<String, (Overlap, String)>, LakeError> {
        let came = Rows::of(batches);
        let symbols: BTreeSet<String> = came.symbols().map(str::to_owned).collect();
        let years: BTreeSet<i32> =
            symbols.iter().flat_map(|symbol| came.bars(symbol)).map(|bar| date(bar.day).year()).collect();
        let mut overlaps: BTreeMap<String, (Overlap, String)> = BTreeMap::new();
        for file in held.files.iter().filter(|file| may_hold(self.table, file, &years)) {
            let rows = self.table.read_items(std::slice::from_ref(file), &bars::COLUMNS, &symbols).await?;
            let rows = Rows::of(&rows);
            for symbol in rows.symbols().filter(|symbol| symbols.contains(*symbol)) {
                let (new, source) = (came.by_day(symbol), came.source(symbol));
                let mut own: Vec<_> = rows.bars(symbol).filter(|bar| bar.source == source).collect();
                own.sort_by_key(|bar| bar.day);
                for bar in own {
                    let Some(new) = new.get(&bar.day) else { continue };
                    let pair = Pair { day: bar.day, held: bar.values, new: *new };
                    match overlaps.get_mut(symbol) {
                        Some((overlap, _)) => overlap.add(pair),
                        None => {
                            let mut overlap = Overlap::default();
                            overlap.add(pair);
                            overlaps.insert(symbol.to_owned(), (overlap, source.to_owned()));
                        }
                    }
                }
            }
        }
        overlaps.values_mut().for_each(|(overlap, _)| overlap.sort());
        Ok(overlaps)
    }

    /// Fetches whole histories where the answer has not got them, and puts them into it.
    async fn fetch_anew(
        &self,
        held: &Snapshot,
        anew: BTreeMap<String, Anew>,
        fetched: &mut Fetched,
        settled: &mut Settled,
        splits: &mut Vec<Split>,
    ) -> Result<(), LakeError> {
        let names: BTreeSet<String> = anew.keys().cloned().collect();
        let all: Vec<&str> = self.table.dataset().columns().map(|column| column.name).collect();
        let rows = self.table.read_items(&held.files, &all, &names).await?;
        let first = first_days(&rows, &anew);
        let begins = Rows::of(&fetched.batches);
        let is_whole = |symbol: &String| {
            let came = begins.bars(symbol).map(|bar| bar.day).min();
            came.zip(first.get(symbol)).is_some_and(|(came, held)| came <= *held)
        };
        let missing: BTreeSet<String> = names.iter().filter(|symbol| !is_whole(symbol)).cloned().collect();
        drop(begins);
        if !missing.is_empty() {
            self.replace(&missing, &first, fetched).await;
        }
        for (symbol, anew) in anew {
            self.take_whole(&symbol, &anew, &rows, fetched, settled, splits)?;
        }
        fetched.failed.sort_by(|one, other| one.item.cmp(&other.item));
        Ok(())
    }

    /// Asks for the whole history of some symbols, and puts it in the place of what came of them.
    async fn replace(&self, missing: &BTreeSet<String>, first: &HashMap<String, i32>, fetched: &mut Fetched) {
        leave_out(fetched, missing);
        fetched.failed.retain(|failed| !missing.contains(&failed.item));
        let day = |symbol: &String| Some(first.get(symbol)?.saturating_sub(SEAM_DAYS));
        let begin = missing.iter().filter_map(|symbol| Some((symbol.clone(), date(day(symbol)?))));
        let request = Request {
            items: missing.iter().cloned().collect(),
            held_until: HashMap::new(),
            begin: begin.collect(),
            asked_anew: self.request.held_until.clone(),
            ..self.request.clone()
        };
        let fail = |item: &String, reason: &str| FailedItem {
            item: item.clone(),
            reason: format!("its history is restated, and it keeps its old rows until the whole is there: {reason}"),
        };
        match self.source.fetch(&request).await {
            Err(error) => {
                let reason = error.to_string();
                fetched.failed.extend(missing.iter().map(|item| fail(item, &reason)));
            }
            Ok(answer) => {
                fetched.origin_calls += answer.origin_calls;
                let came = Rows::of(&answer.batches);
                let came: BTreeSet<&str> = came.symbols().collect();
                for item in missing.iter().filter(|item| !came.contains(item.as_str())) {
                    let failed = answer.failed.iter().find(|failed| failed.item == *item);
                    fetched.failed.push(fail(item, failed.map_or("no bars came", |failed| failed.reason.as_str())));
                }
                let late = answer.failed.iter().filter(|failed| came.contains(failed.item.as_str()));
                fetched.failed.extend(late.cloned());
                fetched.batches.extend(answer.batches);
            }
        }
    }

    /// Takes the whole history of a symbol in: what is held beyond it is brought to its scale, and it is told.
    fn take_whole(
        &self,
        symbol: &str,
        Anew { overlap, change, source }: &Anew,
        held: &[RecordBatch],
        fetched: &mut Fetched,
        settled: &mut Settled,
        splits: &mut Vec<Split>,
    ) -> Result<(), LakeError> {
        let rows_error = |error: arrow::error::ArrowError| LakeError::Rows {
            table: self.table.dataset().name.to_owned(),
            reason: error.to_string(),
        };
        let days: BTreeSet<i32> = Rows::of(&fetched.batches).bars(symbol).map(|bar| bar.day).collect();
        let Some((&first, &last)) = days.first().zip(days.last()) else { return Ok(()) };
        let mut left = Vec::new();
        for rows in held {
            left.extend(rescale::left(rows, symbol, source, |day| !days.contains(&day)).map_err(rows_error)?);
        }
        let rows: usize = left.iter().map(RecordBatch::num_rows).sum();
        match change {
            Change::Rescaled(scale) => {
                for rows in left {
                    fetched.batches.push(rescale::rescaled(&rows, *scale, self.now).map_err(rows_error)?);
                }
            }
            Change::Corrected | Change::Replaced if rows > 0 => {
                let reason = format!(
                    "its history is restated by no single ratio, and the source no longer has {rows} of the bars that are held: it keeps its old rows"
                );
                leave_out(fetched, &BTreeSet::from([symbol.to_owned()]));
                fetched.failed.retain(|failed| failed.item != symbol);
                fetched.failed.push(FailedItem { item: symbol.to_owned(), reason });
                return Ok(());
            }
            Change::Corrected | Change::Replaced => {}
        }
        settled.restated.push(Restated::whole(symbol, *change, (first, last), days.len() as u64));
        if let (Change::Rescaled(scale), Some(day)) = (change, overlap.last_changed())
            && let Some(ratio) = scale.split
        {
            splits.push(Split {
                symbol: symbol.to_owned(),
                effective: calendar::next_session(date(day)).date,
                ratio,
                origin: Origin::Observed,
                source: source.clone(),
                adjusted: true,
            });
        }
        Ok(())
    }

    /// Looks at the seams of the symbols whose history came as a whole.
    async fn judge_seams(&self, held: &Snapshot, whole: &BTreeSet<String>, fetched: &Fetched) -> Result<(), LakeError> {
        let came = Rows::of(&fetched.batches);
        let whole: BTreeSet<String> =
            came.symbols().filter(|symbol| whole.contains(*symbol)).map(str::to_owned).collect();
        if whole.is_empty() {
            return Ok(());
        }
        let mut ends: HashMap<String, ByDay> = HashMap::new();
        for file in &held.files {
            let rows = self.table.read_items(std::slice::from_ref(file), &bars::COLUMNS, &whole).await?;
            let rows = Rows::of(&rows);
            for symbol in rows.symbols().filter(|symbol| whole.contains(*symbol)) {
                let source = came.source(symbol);
                let others = rows.bars(symbol).filter(|bar| bar.source != source).map(|bar| (bar.day, bar.values));
                let end = ends.entry(symbol.to_owned()).or_default();
                end.extend(others);
                while end.len() > SEAM_BARS {
                    end.pop_first();
                }
            }
        }
        for (symbol, others) in ends {
            seam::judge(&symbol, &others, &came.by_day(&symbol), &self.request.findings);
        }
        Ok(())
    }

    /// Compares bars with well-known splits: where a source does not adjust for one, it is told.
    fn probe(&self, fetched: &Fetched, splits: &mut Vec<Split>) {
        let came = Rows::of(&fetched.batches);
        for symbol in came.symbols().filter(|symbol| listed::has(symbol)) {
            let (bars, source) = (came.by_day(symbol), came.source(symbol));
            for probed in listed::probe(symbol, &bars) {
                let is_seen = |split: &Split| split.symbol == symbol && split.effective == probed.effective;
                if splits.iter().any(is_seen) {
                    continue;
                }
                if !probed.adjusted {
                    let example = format!(
                        "the bars of {source} before {} are not in the new shares of that split, {} for 1; eod_adjusted \
                         adjusts them",
                        probed.effective, probed.ratio
                    );
                    let doubt = Doubt::about(symbol, DoubtKind::Scale, Severity::Severe, example);
                    self.request.findings.doubt(doubt, 1);
                }
                splits.push(Split {
                    symbol: symbol.to_owned(),
                    effective: probed.effective,
                    ratio: probed.ratio,
                    origin: Origin::Listed,
                    source: source.to_owned(),
                    adjusted: probed.adjusted,
                });
            }
        }
    }
}

/// First day of each symbol's bars that its source has brought.
fn first_days(rows: &[RecordBatch], anew: &BTreeMap<String, Anew>) -> HashMap<String, i32> {
    let rows = Rows::of(rows);
    let first = |(symbol, anew): (&String, &Anew)| {
        let own = rows.bars(symbol).filter(|bar| bar.source == anew.source).map(|bar| bar.day);
        Some((symbol.clone(), own.min()?))
    };
    anew.iter().filter_map(first).collect()
}

/// Whether a file may hold a bar of some years.
fn may_hold(table: &LakeTable, file: &DataFile, years: &BTreeSet<i32>) -> bool {
    let column = table.dataset().schema.index_of("date").ok().and_then(|column| file.columns.get(column));
    match column.map(|column| (&column.min, &column.max)) {
        Some((Some(StatisticValue::Date(min)), Some(StatisticValue::Date(max)))) => {
            years.range(date(*min).year()..=date(*max).year()).next().is_some()
        }
        _ => true,
    }
}

/// Takes the rows of some symbols out of an answer.
fn leave_out(fetched: &mut Fetched, symbols: &BTreeSet<String>) {
    for rows in &mut fetched.batches {
        let Some(column) = rows.column_by_name("symbol").and_then(|column| column.as_string_opt::<i32>()) else {
            continue;
        };
        let keep: BooleanArray =
            column.iter().map(|symbol| Some(symbol.is_none_or(|symbol| !symbols.contains(symbol)))).collect();
        if let Ok(kept) = filter_record_batch(rows, &keep) {
            *rows = kept;
        }
    }
    fetched.batches.retain(|rows| rows.num_rows() > 0);
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
