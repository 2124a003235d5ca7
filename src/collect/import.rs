//! An import of files of daily bars: read, merged into `eod` in one commit, and remembered file by file, so that the same
//! folder is imported again at the cost of what has changed in it.

mod record;

use super::venue::metastock::{self, KnownFiles, Options, Report};
use super::write::{self, Written, YearRuns};
use crate::lake::{Lake, LakeError, LakeTable, dataset};
use crate::progress::Progress;
use anyhow::{Context, Result};
use chrono::{DateTime, Utc};
use record::{Recalled, Source};
use std::path::Path;
use std::sync::Arc;

/// The rows of some files, on their way into the table of daily bars.
#[derive(Debug)]
pub struct Import {
    /// What became of the files.
    pub report: Report,
    rows: YearRuns,
    source: Option<Source>,
    recalled: Recalled,
}

impl Import {
    /// Reads the files at `path`. Those that were imported before and are as they were count in the report and are not
    /// parsed, as long as nothing has changed the rows of their symbols since. Their bytes are read all the same. Without a
    /// lake nothing is known of any.
    ///
    /// `started_at` stands in `fetched_at` of the rows. `progress` tells how many files are done.
    ///
    /// # Errors
    /// `path` cannot be listed or holds no file that could be imported; or there are more rows than memory is for, and the
    /// directory for temporary files cannot take them.
    pub async fn read(
        lake: Option<&Lake>,
        path: &Path,
        options: Options,
        started_at: DateTime<Utc>,
        progress: Arc<Progress>,
    ) -> Result<Self> {
        let place = lake.and_then(|lake| Some((lake, lake.table(dataset::EOD)?)));
        let source = place.and_then(|(_, table)| Source::new(path, &options, table));
        let (recalled, known) = match (place, &source) {
            (Some((lake, table)), Some(source)) => record::recall(lake, table, source).await,
            _ => Default::default(),
        };
        let path = path.to_owned();
        let read = tokio::task::spawn_blocking(move || read_files(&path, &options, &known, started_at, &progress));
        let (report, rows) = read.await.context("read the files")??;
        Ok(Self { report, rows, source, recalled })
    }

    /// What a merge of the rows would do, without doing it. `progress` tells how many years are done.
    ///
    /// # Errors
    /// What is held cannot be read, or what was read cannot be read again.
    pub async fn preview(&self, table: &LakeTable, progress: &Progress) -> Result<Written, LakeError> {
        if self.rows.is_empty() { Ok(Written::default()) } else { write::preview(table, &self.rows, progress).await }
    }

    /// Merges the rows, in one commit. `progress` tells how many years are done.
    ///
    /// # Errors
    /// They cannot be committed, and nothing is.
    pub async fn write(&self, table: &LakeTable, progress: &Progress) -> Result<Written, LakeError> {
        if self.rows.is_empty() { Ok(Written::default()) } else { write::write_runs(table, &self.rows, progress).await }
    }

    /// Keeps for the next import which files are in the table now. What cannot be kept is told in the log: they are read
    /// again then.
    pub async fn remember(&mut self, lake: &Lake, table: &LakeTable, written: &Written) {
        let Some(source) = self.source.take() else { return };
        let recalled = std::mem::take(&mut self.recalled);
        if let Err(error) = record::remember(lake, table, source, recalled, written, &mut self.report).await {
            tracing::warn!("what was imported is not remembered, and is read again next time: {error}");
        }
    }
}

/// Reads files into rows by year. Where one that is known shares a symbol with another, all are read.
fn read_files(
    path: &Path,
    options: &Options,
    known: &KnownFiles,
    started_at: DateTime<Utc>,
    progress: &Progress,
) -> Result<(Report, YearRuns)> {
    let eod = Arc::new(dataset::find(dataset::EOD).context("no dataset of daily bars")?);
    let read = |known: &KnownFiles| {
        let mut rows = YearRuns::new(&eod, &std::env::temp_dir())?;
        let deliver = |batch| Ok(rows.add(&batch)?);
        let report = metastock::import(path, options, known, started_at, progress, deliver)?;
        Ok((report, rows))
    };
    let (report, rows) = read(known)?;
    if report.overlaps { read(&KnownFiles::default()) } else { Ok((report, rows)) }
}

#[cfg(test)]
#[path = "import_tests.rs"]
mod tests;
