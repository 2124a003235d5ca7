//! One folder per source, each with the same files: `mod.rs` (what to fetch), `wire.rs` (their shapes), `parse.rs` (theirs to ours).

pub mod dxlink;
pub mod metastock;
pub mod tastytrade;
