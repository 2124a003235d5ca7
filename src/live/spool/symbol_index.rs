//! Where the events of each symbol stand in a block: a history is asked for those of one symbol far more often than for all.

use arrow::array::{Array, StringArray};

/// Places of a block's rows, those of each symbol together and in their order.
#[derive(Debug, Clone)]
pub(super) struct SymbolIndex(Box<[u32]>);

impl SymbolIndex {
    /// The index of a column of symbols.
    pub(super) fn of(symbols: &StringArray) -> Self {
        let mut places: Vec<u32> = (0..u32::try_from(symbols.len()).unwrap_or(u32::MAX)).collect();
        places.sort_by_key(|place| (symbol_at(symbols, *place), *place));
        Self(places.into_boxed_slice())
    }

    /// The places of a symbol's rows in the column that the index was made of.
    pub(super) fn places(&self, symbols: &StringArray, symbol: &str) -> &[u32] {
        let first = self.0.partition_point(|place| symbol_at(symbols, *place) < symbol);
        let (_, from) = self.0.split_at(first);
        let count = from.partition_point(|place| symbol_at(symbols, *place) == symbol);
        from.get(..count).unwrap_or_default()
    }
}

fn symbol_at(symbols: &StringArray, place: u32) -> &str {
    // Events have a symbol always; a place beyond the column there is none.
    let place = place as usize;
    if place < symbols.len() { symbols.value(place) } else { "" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rows_of_a_symbol_are_found_in_their_order() {
        let symbols = StringArray::from(vec!["B", "A", "B", "", "AA", "B"]);
        let index = SymbolIndex::of(&symbols);
        for (symbol, places) in [("B", &[0, 2, 5][..]), ("A", &[1]), ("AA", &[4]), ("", &[3]), ("C", &[]), ("AB", &[])]
        {
            assert_eq!(index.places(&symbols, symbol), places, "{symbol}");
        }
        assert!(SymbolIndex::of(&StringArray::from(Vec::<&str>::new())).places(&symbols, "B").is_empty());
    }
}
