//! Where fetched rows meet held rows: one row per key, and a row that says nothing new keeps its old `fetched_at`.
//!
//! Called by whoever writes a dataset; pure, no I/O. The same fetch merged twice changes nothing the second time.

use super::frame::{self, FrameError};
use crate::lake::dataset;
use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::{concat_batches, interleave_record_batch};
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use arrow::row::{RowConverter, Rows, SortField};
use polars::prelude::{
    Expr, IntoLazy, LazyFrame, PolarsError, SortMultipleOptions, UnionArgs, UniqueKeepStrategy, col, concat, lit, when,
};
use std::collections::BTreeSet;
use std::ops::Range;

/// The column that says when a row was fetched; it alone never makes a row different.
const FETCHED_AT: &str = "fetched_at";

/// Columns of the daily bars that may differ for the same key.
const BAR_VALUES: [&str; 7] = ["open", "high", "low", "close", "volume", "open_interest", "source"];

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
    #[error("merge bars: {0}")]
    Frame(#[from] FrameError),
    /// polars refuses.
    #[error("merge bars: {0}")]
    Polars(#[from] PolarsError),
    /// The dataset list lacks a name this module relies on.
    #[error("merge bars: no dataset named {0}")]
    UnknownDataset(&'static str),
}

/// Fate of a row, in the scratch column of the bars' merge.
const HELD: i32 = 0;
const ADDED: i32 = 1;
const CHANGED: i32 = 2;
const UNCHANGED: i32 = 3;

/// Merges daily bars (dataset `eod`) by symbol and date.
///
/// MetaStock files are complemented with candles where they end, so a bar of source `metastock` is never replaced by
/// one of another source; otherwise the new bar replaces the held one, and of two new bars the later one counts. A new
/// bar that equals the held one in all but `fetched_at` leaves it alone.
pub fn merge_bars(held: &[RecordBatch], new: &[RecordBatch]) -> Result<Merged, MergeError> {
    let schema = dataset::find("eod").ok_or(MergeError::UnknownDataset("eod"))?.schema;
    let rows = concat(
        [bars(&schema, held, false)?, bars(&schema, new, true)?],
        UnionArgs { rechunk: false, ..UnionArgs::default() },
    )?;
    let by_key = SortMultipleOptions::default().with_maintain_order(true);
    let one_per_side = rows
        .sort(["symbol", "date", "is_new", "is_metastock"], by_key)
        .filter(same_key(-1).and(col("is_new").eq_missing(col("is_new").shift(lit(-1)))).not());
    // Now a key has at most one held row, directly followed by at most one new row.
    let kept = one_per_side
        .with_columns([
            same_key(1).alias("follows_held"),
            same_key(-1).alias("precedes_new"),
            overruled(1, false).alias("loses_to_held"),
            overruled(-1, true).alias("loses_to_new"),
        ])
        .filter((col("follows_held").and(col("loses_to_held"))).or(col("precedes_new").and(col("loses_to_new"))).not())
        .with_column(
            when(col("is_new"))
                .then(when(col("follows_held")).then(lit(CHANGED)).otherwise(lit(ADDED)))
                .otherwise(when(col("precedes_new")).then(lit(UNCHANGED)).otherwise(lit(HELD)))
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
    let mut items = BTreeSet::new();
    if added + changed > 0 {
        let new = kept.clone().lazy().filter(col("fate").eq(lit(ADDED)).or(col("fate").eq(lit(CHANGED))));
        let new = new.select([col("symbol")]).unique(None, UniqueKeepStrategy::Any).collect()?;
        items.extend(new.column("symbol")?.str()?.iter().flatten().map(str::to_owned));
    }
    Ok(Merged { rows: frame::to_arrow(&kept, &schema)?, added, changed, unchanged, items })
}

/// One side of the merge as a lazy frame, marked with what decides between two rows.
fn bars(schema: &SchemaRef, batches: &[RecordBatch], is_new: bool) -> Result<LazyFrame, MergeError> {
    let batch = one_batch(schema, batches)?;
    Ok(frame::from_arrow(&batch)?
        .lazy()
        .with_columns([lit(is_new).alias("is_new"), col("source").eq_missing(lit("metastock")).alias("is_metastock")]))
}

/// Whether the row `offset` rows before this one (after it when negative) has the same symbol and date.
fn same_key(offset: i64) -> Expr {
    let same = |column: &str| col(column).eq_missing(col(column).shift(lit(offset)));
    same("date").and(same("symbol"))
}

/// Whether this row yields to the row `offset` rows before it, given that both have the same key. `held` says that
/// this is the held row. The two answers for one pair are opposite, so that exactly one row of a pair stays.
fn overruled(offset: i64, held: bool) -> Expr {
    let same = |column: &str| col(column).eq_missing(col(column).shift(lit(offset)));
    let equal = BAR_VALUES.iter().skip(1).fold(same("open"), |equal, column| equal.and(same(column)));
    let other_is_metastock = col("is_metastock").shift(lit(offset));
    let held_stays = if held {
        equal.or(col("is_metastock").and(other_is_metastock.not()))
    } else {
        equal.or(other_is_metastock.and(col("is_metastock").not()))
    };
    if held { held_stays.not() } else { held_stays }
}

/// Merges rows of any dataset by `key`: a new row replaces the held row of its key, unless it equals it in all columns
/// but `fetched_at`; of two new rows with one key the later one counts. Every batch must have `schema`.
pub fn merge_rows(
    schema: &SchemaRef,
    key: &[&str],
    held: &[RecordBatch],
    new: &[RecordBatch],
) -> Result<Merged, MergeError> {
    let held = one_batch(schema, held)?;
    let new = one_batch(schema, new)?;
    let keys = key.iter().map(|column| schema.index_of(column)).collect::<Result<Vec<_>, _>>()?;
    let values: Vec<usize> = (0..schema.fields().len())
        .filter(|&index| keys.contains(&index) || schema.field(index).name() != FETCHED_AT)
        .collect();
    let [held_keys, new_keys] = comparable(schema, &keys, [&held, &new])?;
    let [held_values, new_values] = comparable(schema, &values, [&held, &new])?;

    let held_order = last_per_key(&held_keys);
    let new_order = last_per_key(&new_keys);
    let mut held_left = held_order.into_iter().peekable();
    let mut kept = Vec::with_capacity(held_left.len().saturating_add(new_order.len()));
    let (mut added, mut changed, mut unchanged) = (0, 0, 0);
    let mut said = Vec::new();
    for row in new_order {
        while let Some(before) = held_left.next_if(|&held| held_keys.row(held) < new_keys.row(row)) {
            kept.push((0, before));
        }
        match held_left.next_if(|&held| held_keys.row(held) == new_keys.row(row)) {
            None => {
                added += 1;
                said.push(row);
                kept.push((1, row));
            }
            Some(same) if held_values.row(same) == new_values.row(row) => {
                unchanged += 1;
                kept.push((0, same));
            }
            Some(_) => {
                changed += 1;
                said.push(row);
                kept.push((1, row));
            }
        }
    }
    kept.extend(held_left.map(|row| (0, row)));
    let rows = interleave_record_batch(&[&held, &new], &kept)?;
    Ok(Merged { rows, added, changed, unchanged, items: items_of(&new, keys.first(), &said) })
}

/// Items of some rows, where they are text.
fn items_of(rows: &RecordBatch, column: Option<&usize>, chosen: &[usize]) -> BTreeSet<String> {
    let names = column.and_then(|&column| rows.column(column).as_string_opt::<i32>());
    let names = names.map(|names| chosen.iter().filter(|&&row| names.is_valid(row)).map(|&row| names.value(row)));
    names.into_iter().flatten().map(str::to_owned).collect()
}

/// Items whose rows differ, apart from `fetched_at`, between two states of a dataset: rows that came, went or changed.
pub fn changed_items(
    schema: &SchemaRef,
    key: &[&str],
    before: &[RecordBatch],
    after: &[RecordBatch],
) -> Result<BTreeSet<String>, MergeError> {
    let mut items = merge_rows(schema, key, before, after)?.items;
    items.append(&mut merge_rows(schema, key, after, before)?.items);
    Ok(items)
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

/// The named columns of both batches as rows that compare bytewise.
fn comparable(schema: &SchemaRef, columns: &[usize], batches: [&RecordBatch; 2]) -> Result<[Rows; 2], ArrowError> {
    let fields = columns.iter().map(|&column| SortField::new(schema.field(column).data_type().clone())).collect();
    let converter = RowConverter::new(fields)?;
    let rows = |batch: &RecordBatch| {
        let arrays: Vec<ArrayRef> = columns.iter().map(|&column| batch.column(column).clone()).collect();
        converter.convert_columns(&arrays)
    };
    let [held, new] = batches;
    Ok([rows(held)?, rows(new)?])
}

/// Row numbers sorted by key, the last one of each key.
fn last_per_key(keys: &Rows) -> Vec<usize> {
    let mut order: Vec<usize> = Range { start: 0, end: keys.num_rows() }.collect();
    order.sort_by(|&left, &right| keys.row(left).cmp(&keys.row(right)));
    // `dedup_by` drops the later of two, so walk from the end.
    order.reverse();
    order.dedup_by(|later, earlier| keys.row(*later) == keys.row(*earlier));
    order.reverse();
    order
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use arrow::array::{
        Array, AsArray, Date32Array, Float64Array, Int64Array, ListBuilder, StringArray, StringBuilder,
        TimestampMicrosecondArray,
    };
    use arrow::datatypes::{Date32Type, Float64Type, TimestampMicrosecondType};
    use std::slice::from_ref;
    use std::sync::Arc;

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
    fn bars_are_added_in_key_order() {
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
    fn of_two_new_bars_the_later_counts() {
        check(
            &[("A", 1, 1.0, "dxlink")],
            &[("A", 1, 5.0, "dxlink"), ("A", 1, 1.0, "dxlink")],
            &["A 1 1 dxlink @1"],
            (0, 0, 1),
        );
        check(&[], &[("A", 1, 5.0, "dxlink"), ("A", 1, 6.0, "dxlink")], &["A 1 6 dxlink @2"], (1, 0, 0));
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
        assert!(merge_rows(&dataset::find("eod").unwrap().schema, &["symbol"], &[], &[narrow]).is_err());
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
        let schema = held.schema();
        let merged = merge_rows(&schema, &["symbol"], &[held], &[new]).unwrap();
        assert_eq!((merged.added, merged.changed, merged.unchanged), (1, 1, 1));
        let names = merged.rows.column(0).as_string::<i32>();
        assert_eq!(names.iter().flatten().collect::<Vec<_>>(), ["A", "B", "C", "D"]);
        let fetched = merged.rows.column(7).as_primitive::<TimestampMicrosecondType>();
        assert_eq!(fetched.values().to_vec(), [1, 1, 2, 2]);
        let lists = merged.rows.column(4).as_list::<i32>();
        assert_eq!(lists.value(3).as_string::<i32>().value(0), "w");
    }

    #[test]
    fn bars_merge_alike_by_either_way() {
        let held = batch(&[("A", 1, 1.0, "dxlink"), ("B", 1, 1.0, "dxlink"), ("B", 2, 4.0, "dxlink")], 1);
        let new = batch(&[("B", 1, 2.0, "dxlink"), ("A", 1, 1.0, "dxlink"), ("A", 0, 7.0, "dxlink")], 2);
        let by_polars = merge_bars(from_ref(&held), from_ref(&new)).unwrap();
        let by_arrow = merge_rows(&held.schema(), &["symbol", "date"], from_ref(&held), from_ref(&new)).unwrap();
        assert_eq!(by_polars.rows, by_arrow.rows);
        assert_eq!(by_polars.unchanged, by_arrow.unchanged);
    }
}
