//! Series of many files, gathered into record batches of about one size, in symbol order.

use super::doubts;
use super::report::Report;
use super::series::Series;
use anyhow::Context;
use arrow::array::{ArrayRef, Date32Builder, Float64Builder, Int64Builder, StringBuilder, TimestampMicrosecondArray};
use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use chrono::{DateTime, Utc};
use std::sync::Arc;

/// When this many chunks wait for a symbol to end, they are delivered all the same.
const CHUNKS_HELD_MAX: usize = 4;

/// Series that wait until a batch is full.
pub(super) struct Chunks<Deliver> {
    schema: SchemaRef,
    chunk_rows: usize,
    fetched_at: DateTime<Utc>,
    source: String,
    held: Vec<Series>,
    held_rows: usize,
    deliver: Deliver,
}

impl<Deliver: FnMut(RecordBatch) -> anyhow::Result<()>> Chunks<Deliver> {
    pub(super) fn new(
        schema: SchemaRef,
        chunk_rows: usize,
        fetched_at: DateTime<Utc>,
        source: String,
        deliver: Deliver,
    ) -> Self {
        Self { schema, chunk_rows, fetched_at, source, held: Vec::new(), held_rows: 0, deliver }
    }

    /// Delivers a full chunk, unless the next file goes on with its last symbol.
    pub(super) fn flush_before(&mut self, next: &str, report: &mut Report) -> anyhow::Result<()> {
        let full = self.held_rows >= self.chunk_rows;
        let overfull = self.held_rows / CHUNKS_HELD_MAX >= self.chunk_rows;
        let goes_on = self.held.last().is_some_and(|series| series.symbol == next);
        if overfull || full && !goes_on { self.flush(report) } else { Ok(()) }
    }

    /// Takes the series of one file.
    pub(super) fn hold(&mut self, series: Vec<Series>) {
        self.held_rows += series.iter().map(|series| series.days.len()).sum::<usize>();
        self.held.extend(series);
    }

    /// Delivers what waits, in batches of about `chunk_rows`.
    pub(super) fn flush(&mut self, report: &mut Report) -> anyhow::Result<()> {
        let mut held = std::mem::take(&mut self.held);
        self.held_rows = 0;
        held.sort_by(|left, right| left.symbol.cmp(&right.symbol));
        let mut batch: Vec<Series> = Vec::new();
        let mut rows = 0;
        for series in joined(held, report) {
            if rows > 0 && rows + series.days.len() > self.chunk_rows {
                self.emit(&std::mem::take(&mut batch), report)?;
                rows = 0;
            }
            rows += series.days.len();
            batch.push(series);
        }
        if batch.is_empty() { Ok(()) } else { self.emit(&batch, report) }
    }

    fn emit(&mut self, series: &[Series], report: &mut Report) -> anyhow::Result<()> {
        let batch = encode(&self.schema, series, self.fetched_at, &self.source)?;
        report.rows += batch.num_rows() as u64;
        (self.deliver)(batch)
    }
}

/// Series of the same symbol, which came from different files, as one.
fn joined(sorted: Vec<Series>, report: &mut Report) -> Vec<Series> {
    let mut joined: Vec<Series> = Vec::with_capacity(sorted.len());
    let mut several: Vec<usize> = Vec::new();
    for series in sorted {
        let place = joined.len().saturating_sub(1);
        match joined.last_mut().filter(|last| last.symbol == series.symbol) {
            Some(last) => {
                last.days.extend(series.days);
                if several.last() != Some(&place) {
                    several.push(place);
                }
            }
            None => joined.push(series),
        }
    }
    for place in several {
        let Some(series) = joined.get_mut(place) else { continue };
        let settled = series.settle();
        report.duplicates_dropped += settled.duplicates;
        report.conflicts += settled.conflicts;
        report.warnings.extend(settled.warning(&series.symbol).map(|warning| format!("several files: {warning}")));
        let mut told = Vec::new();
        doubts::contradictions(&series.symbol, &settled, &mut told);
        told.into_iter().for_each(|(doubt, count)| report.findings.doubt(doubt, count));
    }
    joined
}

/// Rows in the columns of `eod`.
fn encode(
    schema: &SchemaRef,
    series: &[Series],
    fetched_at: DateTime<Utc>,
    source: &str,
) -> anyhow::Result<RecordBatch> {
    let rows = series.iter().map(|series| series.days.len()).sum();
    let mut symbols = StringBuilder::with_capacity(rows, rows * 5);
    let mut dates = Date32Builder::with_capacity(rows);
    let mut prices = [(); 4].map(|()| Float64Builder::with_capacity(rows));
    let mut counts = [(); 2].map(|()| Int64Builder::with_capacity(rows));
    let mut sources = StringBuilder::with_capacity(rows, rows * source.len());
    for series in series {
        for day in &series.days {
            symbols.append_value(&series.symbol);
            dates.append_value(day.day);
            for (builder, price) in prices.iter_mut().zip([day.open, day.high, day.low, day.close]) {
                builder.append_option(price);
            }
            for (builder, count) in counts.iter_mut().zip([day.volume, day.open_interest]) {
                builder.append_option(count);
            }
            sources.append_value(source);
        }
    }
    let fetched_at = TimestampMicrosecondArray::from_value(fetched_at.timestamp_micros(), rows).with_timezone("UTC");
    let mut columns: Vec<ArrayRef> = vec![Arc::new(symbols.finish()), Arc::new(dates.finish())];
    columns.extend(prices.iter_mut().map(|builder| Arc::new(builder.finish()) as ArrayRef));
    columns.extend(counts.iter_mut().map(|builder| Arc::new(builder.finish()) as ArrayRef));
    columns.push(Arc::new(sources.finish()));
    columns.push(Arc::new(fetched_at));
    RecordBatch::try_new(schema.clone(), columns).context("build a batch of daily bars")
}
