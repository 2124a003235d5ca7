//! What the person who imports MetaStock files says of them. Every reader of a file takes it.

use super::date::Order;
use std::collections::HashMap;

/// What the files do not say of themselves.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// Order of month and day where no file of that kind proves it; `None` refuses such files.
    pub date_order: Option<Order>,
    /// Two-digit years below this are in the 2000s, the others in the 1900s.
    pub pivot_year: u32,
    /// Factor from the file's volume to shares (some vendors count hundreds).
    pub volume_multiplier: f64,
    /// Symbols that are spelled differently here: the file's upper-case spelling to ours (`BRK.B` to `BRK/B`).
    pub renames: HashMap<String, String>,
    /// Rows per delivered batch, about.
    pub chunk_rows: usize,
    /// Files read at a time.
    pub readers: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            date_order: None,
            pivot_year: 50,
            volume_multiplier: 1.0,
            renames: HashMap::new(),
            chunk_rows: 1_000_000,
            readers: std::thread::available_parallelism().map_or(1, usize::from),
        }
    }
}

impl Options {
    /// Our spelling of a symbol: upper case, renamed where asked.
    pub(super) fn symbol(&self, ticker: &str) -> String {
        let symbol = ticker.to_ascii_uppercase();
        self.renames.get(&symbol).cloned().unwrap_or(symbol)
    }
}
