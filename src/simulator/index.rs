//! Indices of the venue. They have the prices of a fund, and options under two roots: those that expire once a month are
//! settled by the opening of their last session, all others by a close, and both may expire on one date.

/// One index that the venue lists.
#[derive(Debug)]
pub(crate) struct Index {
    /// Symbol, the same in every spelling.
    pub(crate) symbol: &'static str,
    pub(crate) description: &'static str,
    /// The fund whose prices it has.
    pub(crate) proxy: &'static str,
    /// Root of the options that a close settles. The others have its symbol.
    pub(crate) evening_root: &'static str,
}

/// All of them, sorted by symbol.
pub(crate) const INDICES: &[Index] =
    &[Index { symbol: "SPX", description: "S&P 500 Index", proxy: "SPY", evening_root: "SPXW" }];

/// The index of a symbol.
pub(crate) fn find(symbol: &str) -> Option<&'static Index> {
    INDICES.iter().find(|index| index.symbol == symbol)
}

/// The index whose options have this root.
pub(crate) fn of_root(root: &str) -> Option<&'static Index> {
    INDICES.iter().find(|index| index.symbol == root || index.evening_root == root)
}
