//! The numbers a spool may have given to events, kept beside its files: no event gets a number twice, whatever became of
//! the files.
//!
//! Numbers are set aside in advance, [`AHEAD`] at a time, and the file that says so is on the disk before the first of
//! them is given. A spool that stops notes the last one that it gave. One that did not stop does not know: it goes on
//! behind all that were set aside, and the numbers jump.

use super::error::SpoolError;
use crate::disk::{self, Disk};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Numbers that are set aside at once: some seconds of a busy feed, for two waits for the disk.
const AHEAD: i64 = 1 << 20;

/// How far numbers were given when the spool was last used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Given {
    /// The spool stopped, and this was the last.
    Exactly(i64),
    /// It did not stop; none beyond this was given.
    AtMost(i64),
    /// What it noted cannot be read.
    Unknown,
}

impl Given {
    /// Numbers beyond this are free, where this one is the last that is known otherwise.
    pub(super) fn last(self, known: i64) -> i64 {
        match self {
            Self::Exactly(last) | Self::AtMost(last) => last.max(known),
            Self::Unknown => known.saturating_add(AHEAD),
        }
    }
}

/// Sets numbers aside on the disk.
#[derive(Debug)]
pub(super) struct Numbers {
    path: PathBuf,
    disk: Arc<dyn Disk>,
    /// The last one that is set aside.
    until: i64,
}

impl Numbers {
    /// Those of a spool's directory, of which none is set aside yet.
    pub(super) fn new(directory: &Path, disk: Arc<dyn Disk>) -> Self {
        Self { path: path(directory), disk, until: i64::MIN }
    }

    /// Returns when the numbers up to `last` may be given.
    pub(super) fn set_aside(&mut self, last: i64) -> Result<(), SpoolError> {
        if last <= self.until {
            return Ok(());
        }
        let until = last.saturating_add(AHEAD);
        self.write(Given::AtMost(until))?;
        self.until = until;
        Ok(())
    }

    /// Notes that the spool stops, and the last number that it gave.
    pub(super) fn close(&self, last: i64) -> Result<(), SpoolError> {
        self.write(Given::Exactly(last))
    }

    fn write(&self, given: Given) -> Result<(), SpoolError> {
        let text = match given {
            Given::Exactly(last) => format!("exactly {last}\n"),
            Given::AtMost(last) => format!("at-most {last}\n"),
            Given::Unknown => "unknown\n".to_owned(),
        };
        let written = disk::replace(self.disk.as_ref(), &self.path, text.as_bytes());
        written.map_err(|error| SpoolError::io(&self.path, &error))
    }
}

/// What the spool's last use noted; `None` where it was never used.
pub(super) fn read(directory: &Path) -> Result<Option<Given>, SpoolError> {
    let path = path(directory);
    match std::fs::read(&path) {
        Ok(bytes) => Ok(Some(parse(&bytes).unwrap_or_else(|| {
            tracing::warn!(file = %path.display(), "unreadable: the spool's numbers jump");
            Given::Unknown
        }))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(SpoolError::io(&path, &error)),
    }
}

fn parse(bytes: &[u8]) -> Option<Given> {
    let (word, number) = std::str::from_utf8(bytes).ok()?.trim().split_once(' ')?;
    let number = number.parse().ok().filter(|number| *number >= 0)?;
    match word {
        "exactly" => Some(Given::Exactly(number)),
        "at-most" => Some(Given::AtMost(number)),
        _ => None,
    }
}

fn path(directory: &Path) -> PathBuf {
    directory.join("numbers")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::LocalDisk;

    #[test]
    fn numbers_are_noted_before_they_are_given() {
        let directory = tempfile::tempdir().unwrap();
        let place = directory.path();
        assert_eq!(read(place).unwrap(), None);
        let mut numbers = Numbers::new(place, Arc::new(LocalDisk));
        numbers.set_aside(5).unwrap();
        let (aside, until) = (Given::AtMost(5 + AHEAD), 5 + AHEAD);
        assert_eq!(read(place).unwrap(), Some(aside));
        numbers.set_aside(until).unwrap();
        assert_eq!(read(place).unwrap(), Some(aside));
        numbers.set_aside(until + 1).unwrap();
        assert!(read(place).unwrap().unwrap().last(0) > until);
        numbers.close(7).unwrap();
        assert_eq!(read(place).unwrap(), Some(Given::Exactly(7)));
        for damage in [&b""[..], b"exactly", b"exactly -3", b"exactly 99999999999999999999", b"\xff\xfe 1"] {
            std::fs::write(path(place), damage).unwrap();
            let given = read(place).unwrap();
            assert_eq!((given, given.unwrap().last(30)), (Some(Given::Unknown), 30 + AHEAD));
        }
    }
}
