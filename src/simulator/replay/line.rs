//! The lines of a recording: their shapes, and how files of them are read.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The longest line that is read: the largest body that is recorded, with every byte escaped.
const LINE_BYTES_MAX: u64 = 400 << 20;

/// One REST exchange. Members that are not read here are passed over.
#[derive(Debug, Deserialize)]
pub(super) struct ExchangeLine {
    pub(super) method: String,
    pub(super) path: String,
    #[serde(default)]
    pub(super) query: String,
    /// `None`: nothing was answered.
    pub(super) status: Option<u16>,
    #[serde(default)]
    pub(super) headers: BTreeMap<String, String>,
    body: Option<String>,
    body_base64: Option<String>,
    /// Why the body ended before it was whole.
    pub(super) broken: Option<String>,
}

/// One moment of a connection; exactly one of its texts is there.
#[derive(Debug, Deserialize)]
pub(super) struct FeedLine {
    pub(super) at_ms: u64,
    pub(super) opened: Option<String>,
    pub(super) sent: Option<String>,
    pub(super) received: Option<String>,
    /// Why the venue's side ended the connection.
    pub(super) ended: Option<String>,
}

/// Where a line is.
#[derive(Debug, Clone)]
pub(super) struct Place {
    file: Arc<PathBuf>,
    offset: u64,
    bytes: usize,
}

impl ExchangeLine {
    /// Reads a line that begins an exchange; the reason in words when it cannot be replayed.
    pub(super) fn parse(line: &[u8]) -> Result<Self, String> {
        let exchange: Self = serde_json::from_slice(line).map_err(|error| damaged(&error))?;
        if exchange.status.is_some_and(|status| !(100..1000).contains(&status)) {
            return Err("its status is none".to_owned());
        }
        exchange.body()?;
        Ok(exchange)
    }

    /// The bytes of the body.
    pub(super) fn body(&self) -> Result<Vec<u8>, String> {
        match (&self.body, &self.body_base64) {
            (Some(text), _) => Ok(text.clone().into_bytes()),
            (None, Some(text)) => {
                BASE64_STANDARD.decode(text).map_err(|error| format!("its body_base64 is damaged: {error}"))
            }
            (None, None) => Ok(Vec::new()),
        }
    }
}

impl FeedLine {
    /// Reads a line; the reason in words when it cannot be replayed.
    pub(super) fn parse(line: &[u8]) -> Result<Self, String> {
        let line: Self = serde_json::from_slice(line).map_err(|error| damaged(&error))?;
        let texts = [&line.opened, &line.sent, &line.received, &line.ended];
        match texts.into_iter().flatten().count() {
            1 => Ok(line),
            _ => Err("it has not exactly one of opened, sent, received and ended".to_owned()),
        }
    }
}

impl Place {
    /// The line, read anew.
    pub(super) fn read(&self) -> Result<Vec<u8>, String> {
        let read = || {
            let mut file = File::open(&*self.file)?;
            file.seek(SeekFrom::Start(self.offset))?;
            let mut line = vec![0; self.bytes];
            file.read_exact(&mut line).map(|()| line)
        };
        read().map_err(|error: std::io::Error| format!("{}: {error}", self.file.display()))
    }
}

/// Reads a file line by line.
///
/// # Errors
/// A sentence that names the file, and the line that `take` refuses or that has no end.
pub(super) fn each_line(path: &Path, mut take: impl FnMut(&[u8], Place) -> Result<(), String>) -> Result<(), String> {
    let wrong = |error: std::io::Error| format!("{}: {error}", path.display());
    let mut reader = BufReader::new(File::open(path).map_err(wrong)?);
    let file = Arc::new(path.to_owned());
    let (mut line, mut offset) = (Vec::new(), 0_u64);
    for number in 1_u64.. {
        line.clear();
        let read = reader.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut line).map_err(wrong)?;
        if read == 0 {
            break;
        }
        let place = Place { file: file.clone(), offset, bytes: read };
        let taken = match line.strip_suffix(b"\n") {
            Some(line) => take(line, place),
            None => Err("it is cut off".to_owned()),
        };
        taken.map_err(|reason| format!("{}, line {number}: {reason}", path.display()))?;
        offset = offset.saturating_add(read as u64);
    }
    Ok(())
}

fn damaged(error: &serde_json::Error) -> String {
    // The line is one of many, so that its own number says nothing.
    let reason = error.to_string();
    let reason = reason.split(" at line 1 column ").next().unwrap_or_default();
    format!("it is damaged, at byte {}: {reason}", error.column())
}
