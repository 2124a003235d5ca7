//! A recording on the disk: it is read through once, so that what is damaged is told before anybody asks for it. Bodies and
//! frames stay in their files.

use super::asked::Asked;
use super::feeds::RecordedFeed;
use super::line::{ExchangeLine, Place, each_line};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

/// The format that is read here.
const FORMAT: u64 = 1;

/// What a folder of `--record` holds.
#[derive(Debug, Default)]
pub struct Recording {
    /// What was asked, and where the exchange is.
    pub(super) exchanges: Vec<(Asked, Place)>,
    pub(super) feeds: Vec<RecordedFeed>,
}

impl Recording {
    /// Reads the recording in a folder.
    ///
    /// # Errors
    /// A sentence: the folder holds no recording of this format, or a file and the line of it that is damaged.
    pub fn open(folder: &Path) -> Result<Self, String> {
        check_format(&folder.join("recording.json"))?;
        let mut recording = Self::default();
        let mut feeds = Vec::new();
        for source in listed(folder)?.into_iter().filter(|path| path.is_dir()) {
            for file in listed(&source)? {
                if file.ends_with("rest.jsonl") {
                    recording.read_exchanges(&file)?;
                } else if let Some(number) = number(&file) {
                    feeds.push((number, file));
                }
            }
        }
        feeds.sort();
        recording.feeds = feeds.iter().map(|(_, file)| RecordedFeed::read(file)).collect::<Result<_, _>>()?;
        Ok(recording)
    }

    fn read_exchanges(&mut self, file: &Path) -> Result<(), String> {
        each_line(file, |line, place| {
            let exchange = ExchangeLine::parse(line)?;
            self.exchanges.push((Asked::new(&exchange.method, &exchange.path, &exchange.query), place));
            Ok(())
        })
    }
}

fn check_format(about: &Path) -> Result<(), String> {
    let wrong = |reason: &dyn std::fmt::Display| format!("no recording is there: {}: {reason}", about.display());
    let text = fs::read(about).map_err(|error| wrong(&error))?;
    let value: Value = serde_json::from_slice(&text).map_err(|error| wrong(&error))?;
    match value.get("format").and_then(Value::as_u64) {
        Some(FORMAT) => Ok(()),
        _ => Err(wrong(&format!("its format is not {FORMAT}"))),
    }
}

/// What is in a folder, sorted by name.
fn listed(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let wrong = |error: std::io::Error| format!("{}: {error}", folder.display());
    let entries = fs::read_dir(folder).map_err(wrong)?;
    let mut paths = entries.map(|entry| Ok(entry.map_err(wrong)?.path())).collect::<Result<Vec<_>, String>>()?;
    paths.sort();
    Ok(paths)
}

/// The number of a connection, in the name of its file.
fn number(file: &Path) -> Option<u64> {
    file.file_name()?.to_str()?.strip_prefix("feed-")?.strip_suffix(".jsonl")?.parse().ok()
}
