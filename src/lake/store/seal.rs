//! The seal of a log entry: a digest of its text, within it, by which each reader knows it for what was written.
//!
//! Data files and statistics have digests in the entry that names them; nothing else covers the entry. A flipped bit in
//! the path of a file that goes would leave that file in the table, and nobody would see that rows stand there twice.
//!
//! The seal is a field of the entry's `commitInfo`, in which Delta's protocol lets writers say what they like. The digest is
//! in it twice, so that a flipped bit of one alone condemns no entry. Entries without a seal are another writer's.

use super::log_listing::{LOG, is_version};
use object_store::path::Path;

/// What the line of an entry begins with that may have a seal.
const INFORMATION: &str = "{\"commitInfo\":{";

/// The name of the field, up to its first digest.
const FIELD: &str = "\"ttapi.crc32\":\"";

/// Letters of a digest.
const DIGEST: usize = 8;

/// What is behind the second digest.
const END: &str = "\",";

/// Whether it is the entry of a version: 20 digits in the folder of a log.
pub(super) fn is_entry(location: &Path) -> bool {
    let mut parts = location.as_ref().rsplit('/');
    let version = parts.next().and_then(|name| name.strip_suffix(".json"));
    version.is_some_and(is_version) && parts.next() == Some(LOG)
}

/// An entry with its seal; `None` where it has one already, or no line that could have it.
pub(super) fn sealed(entry: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(entry).ok()?;
    let place = place(text)?;
    let (before, behind) = text.split_at_checked(place)?;
    // What follows has to be a further field, before which a comma may stand.
    if behind.starts_with(FIELD) || !behind.starts_with('"') {
        return None;
    }
    let digest = crc32fast::hash(entry);
    Some(format!("{before}{FIELD}{digest:08x} {digest:08x}{END}{behind}").into_bytes())
}

/// Whether an entry is what was written, as far as its seal tells.
pub(super) fn is_whole(entry: &[u8]) -> bool {
    let found = entry.windows(FIELD.len()).position(|part| part == FIELD.as_bytes());
    let Some(place) = found else { return true };
    let behind = place + FIELD.len() + 2 * DIGEST + 1 + END.len();
    let (Some(before), Some(seal), Some(rest)) =
        (entry.get(..place), entry.get(place + FIELD.len()..behind), entry.get(behind..))
    else {
        return false;
    };
    let mut digest = crc32fast::Hasher::new();
    digest.update(before);
    digest.update(rest);
    let digest = format!("{:08x}", digest.finalize());
    let told = [seal.get(..DIGEST), seal.get(DIGEST + 1..2 * DIGEST + 1)];
    told.contains(&Some(digest.as_bytes()))
}

/// Where the fields of the information on a commit begin.
fn place(text: &str) -> Option<usize> {
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        if line.starts_with(INFORMATION) {
            return Some(start + INFORMATION.len());
        }
        start += line.len();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENTRY: &str =
        "{\"remove\":{\"path\":\"a.parquet\"}}\n{\"commitInfo\":{\"timestamp\":1,\"operation\":\"WRITE\"}}\n";

    #[test]
    fn each_flipped_bit_of_what_is_sealed_is_seen() {
        let entry = sealed(ENTRY.as_bytes()).unwrap();
        assert!(is_whole(&entry) && is_whole(ENTRY.as_bytes()));
        let seal = FIELD.len() + 2 * DIGEST + 1 + END.len();
        let place = place(ENTRY).unwrap();
        for bit in 0..entry.len() * 8 {
            let mut flipped = entry.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            // One of the seal's own costs nothing that the entry says.
            let within = (place..place + seal).contains(&(bit / 8));
            assert_eq!(is_whole(&flipped), within, "bit {bit}");
        }
        assert!(!is_whole(&entry[..entry.len() - 5]));
    }

    #[test]
    fn an_entry_is_sealed_once_and_is_json_as_before() {
        let entry = sealed(ENTRY.as_bytes()).unwrap();
        let text = std::str::from_utf8(&entry).unwrap();
        let last: serde_json::Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
        assert_eq!(last["commitInfo"]["timestamp"], 1);
        assert_eq!(sealed(&entry), None);
        for other in ["", "{\"commitInfo\":{}}\n", "{\"add\":{}}\n", "x{\"commitInfo\":{\"a\":1}}"] {
            assert_eq!(sealed(other.as_bytes()), None, "{other}");
        }
    }

    #[test]
    fn entries_are_told_by_their_names() {
        let is = |path: &str| is_entry(&Path::from(path));
        assert!(is("data/lake/eod/_delta_log/00000000000000000007.json"));
        assert!(!is("data/lake/eod/_delta_log/00000000000000000007.checkpoint.parquet"));
        assert!(!is("data/lake/eod/_delta_log/_last_checkpoint"));
        assert!(!is("data/lake/eod/00000000000000000007.json"));
        assert!(!is("00000000000000000007.json"));
    }
}
