//! What the person who imports MetaStock files says of them. Every reader of a file takes it.

use super::date::Order;
use super::renames::Renames;

/// The source of imported bars, unless the person says otherwise.
pub const SOURCE: &str = "metastock";

/// What the files do not say of themselves.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// Order of month and day where no file of that kind proves it; `None` refuses such files.
    pub date_order: Option<Order>,
    /// Two-digit years below this are in the 2000s, the others in the 1900s.
    pub pivot_year: u32,
    /// Factor from the file's volume to shares (some vendors count hundreds).
    pub volume_multiplier: f64,
    /// The symbol of a file, whatever its name or its rows say; files of several symbols are refused then.
    pub symbol: Option<String>,
    /// Symbols that are spelled differently here.
    pub renames: Renames,
    /// What stands in the column `source`.
    pub source: String,
    /// The latest date a row may have, as days since 1970-01-01.
    pub latest_day: i32,
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
            symbol: None,
            renames: Renames::default(),
            source: SOURCE.to_owned(),
            latest_day: i32::MAX,
            chunk_rows: 256 * 1024,
            readers: std::thread::available_parallelism().map_or(1, usize::from),
        }
    }
}

impl Options {
    /// All that decides what becomes of a file's bytes, as a text: where it is the same, so are the rows.
    pub(crate) fn meaning(&self) -> String {
        // Named one by one, so that no later option is left out.
        let Self {
            date_order,
            pivot_year,
            volume_multiplier,
            symbol,
            renames,
            source,
            latest_day: _,
            chunk_rows: _,
            readers: _,
        } = self;
        format!("{date_order:?} {pivot_year} {volume_multiplier:?} {symbol:?} {renames:?} {source:?}")
    }

    /// Our spelling of a symbol: upper case, renamed where asked.
    pub(super) fn symbol(&self, ticker: &str) -> String {
        self.renames.renamed(ticker.to_ascii_uppercase())
    }
}
