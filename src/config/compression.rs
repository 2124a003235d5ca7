//! `flight.compression`: how Flight SQL sends its rows. The Flight SQL front end encodes accordingly.

use serde::Deserialize;

/// How bodies of messages are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Compression {
    /// Not at all: on a fast network nothing is faster.
    #[default]
    None,
    /// LZ4: cheap, and a half to a third of the bytes.
    Lz4,
    /// Zstandard: dearer, and fewer bytes still.
    Zstd,
}
