//! What one backup is made of.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The only shape of manifests there is yet.
pub(super) const FORMAT: u32 = 1;

/// One backup: which versions it holds, and where in the target each of its files stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The shape of the manifest itself.
    pub format: u32,
    /// Version of the program that wrote it.
    pub program: String,
    /// The moment whose versions it holds.
    pub taken_at: DateTime<Utc>,
    /// When the spooled live events were read; `None` where there was no spool.
    pub spooled_at: Option<DateTime<Utc>>,
    /// The version of each table that is there.
    pub tables: BTreeMap<String, u64>,
    /// Every file, sorted by its name.
    pub files: Vec<StoredFile>,
}

/// One file of a backup.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct StoredFile {
    /// Its name in the lake, such as `lake/eod/part-....parquet`.
    pub name: String,
    /// Its name below `files/` of the target.
    pub stored: String,
    /// Size of the file in bytes.
    pub bytes: u64,
    /// CRC-32 of its bytes.
    pub crc32: u32,
}

impl Manifest {
    /// Its name in the target: the moment it was taken at, so that names are in the order of time.
    pub fn id(&self) -> String {
        self.taken_at.format("%Y%m%dT%H%M%S%.6fZ").to_string()
    }

    /// Bytes of all its files.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }

    /// Reads a manifest; one of a later program's shape is refused.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let manifest: Self = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        match manifest.format {
            FORMAT => Ok(manifest),
            other => Err(format!("its format is {other}: a later version of this program wrote it")),
        }
    }
}

impl StoredFile {
    /// Whether bytes that were read are those of the file. Every copy passes here, and whatever is known of a file's bytes
    /// is compared here.
    ///
    /// # Errors
    /// What differs, for people.
    pub(super) fn check(&self, bytes: u64, crc32: u32) -> Result<(), String> {
        if bytes != self.bytes {
            return Err(format!("it has {bytes} bytes where the backup had {}", self.bytes));
        }
        if crc32 != self.crc32 {
            return Err("its bytes are not those that were backed up: the checksum differs".to_owned());
        }
        Ok(())
    }
}
