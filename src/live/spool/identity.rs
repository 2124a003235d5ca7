//! Who a spool is among all writers of the lake's table, for as long as its directory is there.

use super::error::SpoolError;
use crate::disk::{self, Disk};
use std::fs;
use std::path::Path;
use uuid::Uuid;

/// Lines of the file that says who a spool is, all of them alike.
const LINES: usize = 3;

/// The spool's own identity: made once, kept as long as the directory. Another one would have its numbers begin anew, or
/// taken for another spool's; so it is written several times, and what most lines say counts.
pub(super) fn read_or_make(disk: &dyn Disk, directory: &Path, is_new: bool) -> Result<String, SpoolError> {
    let path = directory.join("id");
    let fail = |error: std::io::Error| SpoolError::io(&path, &error);
    let written = |id: &Uuid| format!("{id}\n").repeat(LINES);
    let id = match fs::read(&path) {
        Ok(bytes) => {
            let text = String::from_utf8_lossy(&bytes);
            let reason = "its lines do not say who the spool is".to_owned();
            let id = agreed(&text).ok_or_else(|| SpoolError::Unreadable { file: path.clone(), reason })?;
            if text != written(&id) {
                disk::replace(disk, &path, written(&id).as_bytes()).map_err(fail)?;
            }
            id
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && is_new => {
            let id = Uuid::new_v4();
            disk::replace(disk, &path, written(&id).as_bytes()).map_err(fail)?;
            id
        }
        Err(error) => return Err(fail(error)),
    };
    Ok(format!("tt-spool-{id}"))
}

/// What most lines say; a single line, as earlier versions wrote it, is taken at its word.
fn agreed(text: &str) -> Option<Uuid> {
    let ids: Vec<Uuid> = text.lines().filter_map(|line| Uuid::parse_str(line.trim()).ok()).collect();
    match (text.lines().count(), ids.as_slice()) {
        (1, [id]) => Some(*id),
        _ => ids.iter().find(|id| ids.iter().filter(|other| other == id).count() * 2 > LINES).copied(),
    }
}
