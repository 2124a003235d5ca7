//! Where fetched rows meet held rows: one row per key, and a row that says nothing new keeps its old `fetched_at`.
//!
//! Called by whoever writes a dataset; pure, no I/O. The same fetch merged twice changes nothing the second time.

mod apart;
mod nothing_new;

use super::frame::{self, FrameError};
use crate::lake::dataset::{Dataset, FETCHED_AT, Precedence};
use crate::lake::row_order::RowOrder;
use apart::Apart;
use arrow::array::{AsArray, StringArray};
use arrow::compute::concat_batches;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use nothing_new::says_nothing_new;
use polars::prelude::{
    DataFrame, Expr, IntoLazy, LazyFrame, PolarsError, SortMultipleOptions, UnionArgs, UniqueKeepStrategy, col, concat,
    lit, when,
};
use std::collections::BTreeSet;

/// Held and new rows as one.
#[derive(Debug, Clone)]
pub struct Merged {
    /// Every row, sorted by the key, one per key.
    pub rows: RecordBatch,
    /// New rows whose key was not held.
    pub added: u64,
    /// New rows that replaced a held row.
    pub changed: u64,
    /// New rows that left the held row as it was: equal to it, or of a source that does not overrule it.
    pub unchanged: u64,
    /// First key column of the rows that were added or changed.
    pub items: BTreeSet<String>,
}

/// Rows that cannot be merged.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    /// Arrow refuses: a batch has another schema, or a key column is missing.
    #[error("merge rows: {0}")]
    Arrow(#[from] ArrowError),
    /// A batch does not cross to polars, or back.
    #[error("merge rows: {0}")]
    Frame(#[from] FrameError),
    /// polars refuses an expression or a frame.
    #[error("merge rows: {0}")]
    Polars(#[from] PolarsError),
}

/// Scratch columns of the merge: which side a row is of, and how strong its source.
const IS_NEW: &str = "is_new";
const STRENGTH: &str = "strength";

/// Fate of a row, in another one.
const HELD: i32 = 0;
const ADDED: i32 = 1;
const CHANGED: i32 = 2;
const UNCHANGED: i32 = 3;

/// Merges rows of a dataset by its key. Every batch must have the dataset's schema.
///
/// A new row replaces the held row of its key, unless it equals it in all columns but `fetched_at`, or the held row is of
/// a source that the dataset's precedence puts before the new row's. Of two new rows with one key the one of the stronger
/// source counts, else the later one.
pub fn merge(dataset: &Dataset, held: &[RecordBatch], new: &[RecordBatch]) -> Result<Merged, MergeError> {
    merge_by(dataset, dataset.precedence.map(|own| own.sources).unwrap_or_default(), held, new)
}

/// The same with sources in another order of strength than the dataset's own, the strongest first.
pub fn merge_by(
    dataset: &Dataset,
    sources: &[&str],
    held: &[RecordBatch],
    new: &[RecordBatch],
) -> Result<Merged, MergeError> {
    let (held, new) = (one_batch(&dataset.schema, held)?, one_batch(&dataset.schema, new)?);
    let is_ordered = |rows: &RecordBatch| RowOrder::of(dataset, rows) == RowOrder::Unique;
    if !is_ordered(&held) {
        return merge_unordered(dataset, sources, &held, &new);
    }
    if is_ordered(&new) {
        if held.num_rows() == 0 {
            return Ok(all_new(dataset, new));
        }
        if says_nothing_new(dataset, sources, &held, &new)? {
            return Ok(unchanged(held, &new));
        }
    }
    let Some(apart) = Apart::of(dataset, &held, &new) else {
        return merge_unordered(dataset, sources, &held, &new);
    };
    let merged = merge_unordered(dataset, sources, &apart.rows()?, &new)?;
    Ok(Merged { rows: apart.rejoined(&merged.rows)?, ..merged })
}

/// The merge of rows in any order.
fn merge_unordered(
    dataset: &Dataset,
    sources: &[&str],
    held: &RecordBatch,
    new: &RecordBatch,
) -> Result<Merged, MergeError> {
    let rows = concat(
        [side(dataset, sources, held, false)?, side(dataset, sources, new, true)?],
        UnionArgs { rechunk: false, ..UnionArgs::default() },
    )?;
    let by_key = SortMultipleOptions::default().with_maintain_order(true);
    let order: Vec<&str> = dataset.key.iter().copied().chain([IS_NEW, STRENGTH]).collect();
    let one_per_side = rows
        .sort(order, by_key)
        .filter(same_key(dataset, -1).and(col(IS_NEW).eq_missing(col(IS_NEW).shift(lit(-1)))).not());
    // Now a key has at most one held row, directly followed by at most one new row.
    let follows_held = || col("follows_held");
    let precedes_new = || col("precedes_new");
    let kept = one_per_side
        .with_columns([
            same_key(dataset, 1).alias("follows_held"),
            same_key(dataset, -1).alias("precedes_new"),
            same_values(dataset, 1).or(col(STRENGTH).lt(col(STRENGTH).shift(lit(1)))).alias("loses_to_held"),
            same_values(dataset, -1).or(col(STRENGTH).gt(col(STRENGTH).shift(lit(-1)))).not().alias("loses_to_new"),
        ])
        .filter((follows_held().and(col("loses_to_held"))).or(precedes_new().and(col("loses_to_new"))).not())
        .with_column(
            when(col(IS_NEW))
                .then(when(follows_held()).then(lit(CHANGED)).otherwise(lit(ADDED)))
                .otherwise(when(precedes_new()).then(lit(UNCHANGED)).otherwise(lit(HELD)))
                .alias("fate"),
        )
        .collect()?;
    let mut counts = [0_u64; 4];
    for fate in kept.column("fate")?.i32()?.iter().flatten() {
        if let Some(count) = usize::try_from(fate).ok().and_then(|fate| counts.get_mut(fate)) {
            *count += 1;
        }
    }
    let [_, added, changed, unchanged] = counts;
    let items = match dataset.key.first() {
        Some(item) if added + changed > 0 => items_said(&kept, item)?,
        _ => BTreeSet::new(),
    };
    Ok(Merged { rows: frame::to_arrow(&kept, &dataset.schema)?, added, changed, unchanged, items })
}

/// Items whose rows differ, apart from `fetched_at`, between two states of a dataset: rows that came, went or changed.
pub fn changed_items(
    dataset: &Dataset,
    before: &[RecordBatch],
    after: &[RecordBatch],
) -> Result<BTreeSet<String>, MergeError> {
    let mut items = merge(dataset, before, after)?.items;
    items.append(&mut merge(dataset, after, before)?.items);
    Ok(items)
}

/// One side of the merge as a lazy frame, marked with what decides between two rows.
fn side(dataset: &Dataset, sources: &[&str], rows: &RecordBatch, is_new: bool) -> Result<LazyFrame, MergeError> {
    let marks = [lit(is_new).alias(IS_NEW), strength(dataset.precedence, sources).alias(STRENGTH)];
    Ok(frame::from_arrow(rows)?.lazy().with_columns(marks))
}

/// Rows that meet none that are held, and are merged as they stand.
fn all_new(dataset: &Dataset, rows: RecordBatch) -> Merged {
    let first = dataset.key.first().and_then(|item| rows.column_by_name(item)?.as_string_opt::<i32>());
    let items = first.map(distinct_items).unwrap_or_default();
    let added = rows.num_rows() as u64;
    Merged { rows, added, changed: 0, unchanged: 0, items }
}

/// The items of a column, each once. Those of one item mostly stand together, and are then looked at once.
pub(super) fn distinct_items(column: &StringArray) -> BTreeSet<String> {
    let mut items = BTreeSet::new();
    let mut last = None;
    for item in column.iter().flatten() {
        if last != Some(item) {
            items.insert(item.to_owned());
            last = Some(item);
        }
    }
    items
}

/// Rows that are held, which new ones leave as they are.
fn unchanged(held: RecordBatch, new: &RecordBatch) -> Merged {
    Merged { rows: held, added: 0, changed: 0, unchanged: new.num_rows() as u64, items: BTreeSet::new() }
}

/// How strong the source of a row is: the last of the list has 1, and the first the most; what is not listed has 0.
fn strength(precedence: Option<Precedence>, sources: &[&str]) -> Expr {
    let Some(Precedence { column, .. }) = precedence else { return lit(0) };
    sources.iter().rev().zip(1_i32..).fold(lit(0), |weaker, (source, strength)| {
        when(col(column).eq_missing(lit(*source))).then(lit(strength)).otherwise(weaker)
    })
}

/// Whether the row `offset` rows before this one (after it when negative) has the same key.
fn same_key(dataset: &Dataset, offset: i64) -> Expr {
    // The last column of a key differs first, and the cheaper ones stand last.
    dataset.key.iter().rev().map(|column| same(column, offset)).reduce(Expr::and).unwrap_or(lit(false))
}

/// The same for all columns but those of the key and `fetched_at`.
fn same_values(dataset: &Dataset, offset: i64) -> Expr {
    let values = dataset.columns().map(|column| column.name);
    let values = values.filter(|name| !dataset.key.contains(name) && *name != FETCHED_AT);
    values.map(|column| same(column, offset)).reduce(Expr::and).unwrap_or(lit(true))
}

fn same(column: &str, offset: i64) -> Expr {
    col(column).eq_missing(col(column).shift(lit(offset)))
}

/// Items of the rows that were added or changed, where they are text.
fn items_said(kept: &DataFrame, item: &str) -> Result<BTreeSet<String>, MergeError> {
    if !kept.column(item)?.dtype().is_string() {
        return Ok(BTreeSet::new());
    }
    let said = kept.clone().lazy().filter(col("fate").eq(lit(ADDED)).or(col("fate").eq(lit(CHANGED))));
    let said = said.select([col(item)]).unique(None, UniqueKeepStrategy::Any).collect()?;
    Ok(said.column(item)?.str()?.iter().flatten().map(str::to_owned).collect())
}

/// All batches as one, if they have the columns of `schema`.
fn one_batch(schema: &SchemaRef, batches: &[RecordBatch]) -> Result<RecordBatch, ArrowError> {
    for batch in batches {
        let found = batch.schema();
        let same = found.fields().len() == schema.fields().len()
            && found.fields().iter().zip(schema.fields()).all(|(found, field)| {
                found.name() == field.name() && found.data_type().equals_datatype(field.data_type())
            });
        if !same {
            return Err(ArrowError::SchemaError(format!("a batch has the columns {found}, not {schema}")));
        }
    }
    concat_batches(schema, batches)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::lake::dataset;
    use arrow::array::{
        Array, ArrayRef, AsArray, Date32Array, Float64Array, Int64Array, ListBuilder, StringArray, StringBuilder,
        TimestampMicrosecondArray,
    };
    use arrow::datatypes::{Date32Type, Float64Type, TimestampMicrosecondType};
    use std::sync::Arc;

    fn merge_bars(held: &[RecordBatch], new: &[RecordBatch]) -> Result<Merged, MergeError> {
        merge(&dataset::find("eod").unwrap(), held, new)
    }

    /// Symbol, date, close (0 for none), source.
    type Bar<'a> = (&'a str, i32, f64, &'a str);

    fn batch(bars: &[Bar<'_>], fetched_at: i64) -> RecordBatch {
        let price: ArrayRef =
            Arc::new(bars.iter().map(|bar| Some(bar.2).filter(|price| *price != 0.0)).collect::<Float64Array>());
        let volume: ArrayRef = Arc::new(Int64Array::from(vec![None; bars.len()]));
        let columns: Vec<ArrayRef> = vec![
            Arc::new(bars.iter().map(|bar| Some(bar.0)).collect::<StringArray>()),
            Arc::new(bars.iter().map(|bar| Some(bar.1)).collect::<Date32Array>()),
            price.clone(),
            price.clone(),
            price.clone(),
            price,
            volume.clone(),
            volume,
            Arc::new(bars.iter().map(|bar| Some(bar.3)).collect::<StringArray>()),
            Arc::new(TimestampMicrosecondArray::from(vec![fetched_at; bars.len()]).with_timezone("UTC")),
        ];
        RecordBatch::try_new(dataset::find("eod").unwrap().schema, columns).unwrap()
    }

    fn lines(rows: &RecordBatch) -> Vec<String> {
        let symbols = rows.column(0).as_string::<i32>();
        let dates = rows.column(1).as_primitive::<Date32Type>();
        let closes = rows.column(5).as_primitive::<Float64Type>();
        let sources = rows.column(8).as_string::<i32>();
        let fetched = rows.column(9).as_primitive::<TimestampMicrosecondType>();
        (0..rows.num_rows())
            .map(|row| {
                let close = if closes.is_null(row) { "-".to_owned() } else { closes.value(row).to_string() };
                format!(
                    "{} {} {close} {} @{}",
                    symbols.value(row),
                    dates.value(row),
                    sources.value(row),
                    fetched.value(row)
                )
            })
            .collect()
    }

    #[track_caller]
    fn check(held: &[Bar<'_>], new: &[Bar<'_>], expected: &[&str], counts: (u64, u64, u64)) {
        let merged = merge_bars(&[batch(held, 1)], &[batch(new, 2)]).unwrap();
        assert_eq!(lines(&merged.rows), expected);
        assert_eq!((merged.added, merged.changed, merged.unchanged), counts);
        let again = merge_bars(std::slice::from_ref(&merged.rows), &[batch(new, 3)]).unwrap();
        assert_eq!(again.rows, merged.rows, "merging the same rows again must change nothing");
        assert_eq!((again.added, again.changed), (0, 0));
    }

    #[test]
    fn bars_are_added_in_row_order() {
        check(
            &[("B", 2, 1.0, "dxlink"), ("A", 1, 1.0, "dxlink")],
            &[("C", 1, 3.0, "dxlink"), ("A", 0, 0.5, "dxlink")],
            &["A 0 0.5 dxlink @2", "A 1 1 dxlink @1", "B 2 1 dxlink @1", "C 1 3 dxlink @2"],
            (2, 0, 0),
        );
    }

    #[test]
    fn a_corrected_bar_replaces_and_an_equal_one_does_not() {
        check(
            &[("A", 1, 1.0, "dxlink"), ("A", 2, 2.0, "dxlink"), ("A", 3, 0.0, "dxlink")],
            &[("A", 1, 1.5, "dxlink"), ("A", 2, 2.0, "dxlink"), ("A", 3, 0.0, "dxlink")],
            &["A 1 1.5 dxlink @2", "A 2 2 dxlink @1", "A 3 - dxlink @1"],
            (0, 1, 2),
        );
    }

    #[test]
    fn metastock_wins_over_candles_whichever_came_first() {
        check(
            &[("A", 1, 1.0, "metastock"), ("A", 2, 2.0, "dxlink")],
            &[("A", 1, 9.0, "dxlink"), ("A", 2, 9.0, "metastock")],
            &["A 1 1 metastock @1", "A 2 9 metastock @2"],
            (0, 1, 1),
        );
        check(&[], &[("A", 1, 1.0, "metastock"), ("A", 1, 2.0, "dxlink")], &["A 1 1 metastock @2"], (1, 0, 0));
    }

    #[test]
    fn another_order_of_sources_turns_who_wins() {
        let (held, new) = ([batch(&[("A", 1, 1.0, "metastock")], 1)], [batch(&[("A", 1, 9.0, "dxlink")], 2)]);
        let eod = dataset::find("eod").unwrap();
        let merged = merge_by(&eod, &["dxlink", "metastock"], &held, &new).unwrap();
        assert_eq!(lines(&merged.rows), ["A 1 9 dxlink @2"]);
        let merged = merge_by(&eod, &["mine"], &held, &[batch(&[("A", 1, 5.0, "mine")], 2)]).unwrap();
        assert_eq!(lines(&merged.rows), ["A 1 5 mine @2"]);
        let merged = merge(&eod, &held, &new).unwrap();
        assert_eq!(lines(&merged.rows), ["A 1 1 metastock @1"]);
    }

    #[test]
    fn of_two_new_bars_the_later_counts() {
        check(
            &[("A", 1, 1.0, "dxlink")],
            &[("A", 1, 5.0, "dxlink"), ("A", 1, 1.0, "dxlink")],
            &["A 1 1 dxlink @1"],
            (0, 0, 1),
        );
        check(&[], &[("A", 1, 5.0, "dxlink"), ("A", 1, 6.0, "dxlink")], &["A 1 6 dxlink @2"], (1, 0, 0));
    }

    /// Numbers that look random, and are the same in each run.
    fn numbers(seed: u64) -> impl FnMut(u64) -> u64 {
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        move |below| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state % below
        }
    }

    /// Bars of some symbols and days, one per key and in order, as a lake holds them.
    fn ordered(
        random: &mut impl FnMut(u64) -> u64,
        symbols: u64,
        days: i32,
        one_in: u64,
    ) -> Vec<(String, i32, f64, &'static str)> {
        let mut bars = Vec::new();
        for symbol in 0..symbols {
            for day in 0..days {
                if random(one_in) == 0 {
                    let source = ["metastock", "dxlink", "mine"][random(3) as usize];
                    bars.push((format!("S{symbol:02}"), day, random(3) as f64, source));
                }
            }
        }
        bars
    }

    /// Rows in order are merged without polars as far as that goes, and the outcome is that of polars alone.
    #[test]
    fn what_is_left_out_of_a_merge_does_not_change_it() {
        let eod = dataset::find("eod").unwrap();
        let sources = ["metastock", "dxlink"];
        let (mut same, mut apart) = (0, 0);
        for seed in 0..300 {
            let mut random = numbers(seed + 1);
            let held = ordered(&mut random, 12, 8, 2);
            // Some of what is held, some of it with other values, and at times a bar that is not held.
            let mut new: Vec<_> = held.iter().filter(|_| random(12) == 0).cloned().collect();
            if seed % 3 == 1 {
                new.iter_mut().for_each(|bar| bar.2 = random(3) as f64);
            }
            if seed % 3 == 2 {
                new.push((format!("S{:02}", random(14)), random(9) as i32, 7.0, "dxlink"));
            }
            let rows = |bars: &[(String, i32, f64, &'static str)], at| {
                let bars: Vec<Bar<'_>> = bars.iter().map(|bar| (bar.0.as_str(), bar.1, bar.2, bar.3)).collect();
                batch(&bars, at)
            };
            let (held, new) = (rows(&held, 1), rows(&new, 2));
            let expected = merge_unordered(&eod, &sources, &held, &new).unwrap();
            let merged = merge_by(&eod, &sources, std::slice::from_ref(&held), std::slice::from_ref(&new)).unwrap();
            assert_eq!(lines(&merged.rows), lines(&expected.rows), "seed {seed}");
            assert_eq!(merged.rows, expected.rows, "seed {seed}");
            let counts = |merged: &Merged| (merged.added, merged.changed, merged.unchanged, merged.items.clone());
            assert_eq!(counts(&merged), counts(&expected), "seed {seed}");
            same += u32::from(merged.added + merged.changed == 0);
            apart += u32::from(Apart::of(&eod, &held, &new).is_some());
        }
        assert!(same > 30 && apart > 30, "both ways are tried: {same}, {apart}");
    }

    #[test]
    fn nothing_meets_nothing() {
        let merged = merge_bars(&[], &[]).unwrap();
        assert_eq!((merged.rows.num_rows(), merged.added), (0, 0));
    }

    #[test]
    fn another_schema_is_an_error() {
        let narrow = batch(&[("A", 1, 1.0, "dxlink")], 1).project(&[0, 1]).unwrap();
        assert!(merge_bars(std::slice::from_ref(&narrow), &[]).is_err());
        assert!(merge_bars(&[], &[narrow]).is_err());
    }

    fn symbols(rows: &[(&str, &[&str])], fetched_at: i64) -> RecordBatch {
        let text = |value: &str| Arc::new(StringArray::from(vec![value; rows.len()])) as ArrayRef;
        let mut lists = ListBuilder::new(StringBuilder::new()).with_field(arrow::datatypes::Field::new(
            "element",
            arrow::datatypes::DataType::Utf8,
            true,
        ));
        for row in rows {
            lists.append_value(row.1.iter().map(Some));
        }
        let columns: Vec<ArrayRef> = vec![
            Arc::new(rows.iter().map(|row| Some(row.0)).collect::<StringArray>()),
            text("equity"),
            text("a company"),
            text("XNAS"),
            Arc::new(lists.finish()),
            Arc::new(arrow::array::BooleanArray::from(vec![true; rows.len()])),
            text("S"),
            Arc::new(TimestampMicrosecondArray::from(vec![fetched_at; rows.len()]).with_timezone("UTC")),
        ];
        RecordBatch::try_new(dataset::find("symbols").unwrap().schema, columns).unwrap()
    }

    #[test]
    fn rows_with_lists_merge_by_key() {
        let held = symbols(&[("C", &["x"]), ("A", &["x", "y"]), ("B", &[])], 1);
        let new = symbols(&[("D", &[]), ("A", &["x", "y"]), ("C", &["z"]), ("D", &["w"])], 2);
        let merged = merge(&dataset::find("symbols").unwrap(), &[held], &[new]).unwrap();
        assert_eq!((merged.added, merged.changed, merged.unchanged), (1, 1, 1));
        let names = merged.rows.column(0).as_string::<i32>();
        assert_eq!(names.iter().flatten().collect::<Vec<_>>(), ["A", "B", "C", "D"]);
        let fetched = merged.rows.column(7).as_primitive::<TimestampMicrosecondType>();
        assert_eq!(fetched.values().to_vec(), [1, 1, 2, 2]);
        let lists = merged.rows.column(4).as_list::<i32>();
        assert_eq!(lists.value(3).as_string::<i32>().value(0), "w");
    }
}
