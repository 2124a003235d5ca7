//! Rows that are found by their symbols: the rows of a view as they are kept in memory.

use arrow::array::{Array, AsArray, StringArray};
use arrow::compute::{sort_to_indices, take_record_batch};
use arrow::record_batch::RecordBatch;
use datafusion::common::{Result, internal_err};
use datafusion::execution::memory_pool::MemoryReservation;

/// The column by which rows are found.
pub(super) const KEY: &str = "symbol";

/// Rows of a view, in the order of their symbols. Dropping the last of them gives the memory back.
#[derive(Debug)]
pub(crate) struct SymbolRows {
    rows: RecordBatch,
    symbols: StringArray,
    /// What they take of the memory of all statements.
    _memory: Option<MemoryReservation>,
}

impl SymbolRows {
    /// These rows, sorted.
    ///
    /// # Errors
    /// Rows without a text column [`KEY`].
    pub(super) fn of(rows: &RecordBatch) -> Result<Self> {
        let symbols = |rows: &RecordBatch| rows.column_by_name(KEY).and_then(|all| all.as_string_opt::<i32>().cloned());
        let Some(unsorted) = symbols(rows) else { return internal_err!("rows without a text column {KEY}") };
        let rows = take_record_batch(rows, &sort_to_indices(&unsorted, None, None)?)?;
        let Some(symbols) = symbols(&rows) else { return internal_err!("rows without a text column {KEY}") };
        Ok(Self { rows, symbols, _memory: None })
    }

    /// The same rows, with the memory that was reserved for them.
    pub(super) fn accounted(self, memory: MemoryReservation) -> Self {
        Self { _memory: Some(memory), ..self }
    }

    /// All of them, in the order of their symbols.
    pub(super) fn rows(&self) -> &RecordBatch {
        &self.rows
    }

    /// The memory that they take.
    pub(super) fn bytes(&self) -> usize {
        self.rows.get_array_memory_size()
    }

    /// The rows of some symbols, in ascending order and each once.
    pub(super) fn of_symbols(&self, symbols: &[&str]) -> impl Iterator<Item = RecordBatch> {
        symbols.iter().map(|symbol| {
            let first = self.place(|one| one < *symbol);
            let behind = self.place(|one| one <= *symbol);
            self.rows.slice(first, behind - first)
        })
    }

    /// The number of symbols at the beginning for which this holds.
    fn place(&self, holds: impl Fn(&str) -> bool) -> usize {
        let (mut from, mut to) = (0, self.symbols.len());
        while from < to {
            let middle = from.midpoint(to);
            // NULLs stand first.
            if self.symbols.is_null(middle) || holds(self.symbols.value(middle)) {
                from = middle + 1;
            } else {
                to = middle;
            }
        }
        from
    }
}
