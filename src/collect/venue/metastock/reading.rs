//! One file to read: its bytes, whether they are known, and else its rows.

use super::binary;
use super::known::{Content, KnownFile, KnownFiles};
use super::options::Options;
use super::parse::{self, Parsed};
use super::report::FailedFile;
use super::walk::{Unit, stem};
use std::path::Path;

/// A file larger than this is refused: it is held in memory while it is read.
const FILE_BYTES_MAX: u64 = 1 << 30;

/// What became of a file that was read.
pub(super) enum Found<'a> {
    /// Its bytes are those of an import before.
    AsBefore(&'a KnownFile),
    /// Its rows, and what is to be remembered of it.
    Parsed(Parsed, Option<Box<KnownFile>>),
}

/// Files below a path, and what is known of them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reading<'a> {
    pub(super) root: &'a Path,
    pub(super) options: &'a Options,
    pub(super) known: &'a KnownFiles,
}

impl<'a> Reading<'a> {
    /// Reads a file, once.
    ///
    /// # Errors
    /// Why it is refused.
    pub(super) fn read(&self, unit: &Unit) -> Result<Found<'a>, FailedFile> {
        let failed =
            |line: Option<u64>, reason: String| FailedFile { file: unit.path().display().to_string(), line, reason };
        let bytes = bytes(unit.path()).map_err(|reason| failed(None, reason))?;
        let content = self.content(unit, &bytes);
        if let Some(known) = content.as_ref().and_then(|content| self.known.same(content, self.options.latest_day)) {
            return Ok(Found::AsBefore(known));
        }
        let parsed = match unit {
            Unit::Text(path) => parse::parse(&bytes, &stem(path), self.options),
            Unit::Binary(security) => binary::parse(&bytes, security, self.options),
        };
        let parsed = parsed.map_err(|error| failed(error.line, error.reason))?;
        let known = content.and_then(|content| KnownFile::of(content, &parsed).map(Box::new));
        Ok(Found::Parsed(parsed, known))
    }

    /// What tells a file and its bytes from others; `None` for one whose rows are a matter of other files too, such as the
    /// index of its folder, and for one whose name is no text.
    fn content(&self, unit: &Unit, bytes: &[u8]) -> Option<Content> {
        let Unit::Text(path) = unit else { return None };
        let below = path.strip_prefix(self.root).ok().filter(|below| !below.as_os_str().is_empty());
        let name = match below {
            Some(below) => below.to_str(),
            None => path.file_name().and_then(|name| name.to_str()),
        };
        Some(Content::of(name?.to_owned(), bytes))
    }
}

fn bytes(path: &Path) -> Result<Vec<u8>, String> {
    let size = std::fs::metadata(path).map_err(|error| error.to_string())?.len();
    if size > FILE_BYTES_MAX {
        return Err(format!("{size} bytes are more than the {FILE_BYTES_MAX} one file may have; split it"));
    }
    std::fs::read(path).map_err(|error| error.to_string())
}
