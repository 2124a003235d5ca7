//! Symbols that no list knows: rows of `NOTREAL`, or of `BRK.B` where the vendor says `BRK/B`, are held and never found.

use crate::lake::quality::{Doubt, DoubtKind, Findings, Severity};
use crate::lake::{Lake, LakeError};
use arrow::array::AsArray;
use arrow::record_batch::RecordBatch;
use std::collections::BTreeSet;

/// The dataset that lists the vendor's symbols.
const SYMBOLS: &str = "symbols";

/// Doubts the symbols that the dataset `symbols` does not have, where it has any.
///
/// # Errors
/// The dataset cannot be read.
pub async fn find(lake: &Lake, found: &BTreeSet<String>, findings: &mut Findings) -> Result<(), LakeError> {
    let Some(table) = lake.table(SYMBOLS) else { return Ok(()) };
    let Some(snapshot) = table.update().await? else { return Ok(()) };
    let listed = table.read_columns(&snapshot.files, Some(&["symbol"])).await?;
    let known = symbols(&listed);
    if known.is_empty() {
        return Ok(());
    }
    for symbol in found.iter().map(String::as_str).filter(|symbol| !known.contains(symbol)) {
        let example = match known.get(symbol.replace(['.', '-'], "/").as_str()) {
            Some(other) => format!("\"{symbol}\" is not among the symbols of the vendor; \"{other}\" is"),
            None => format!("\"{symbol}\" is not among the symbols of the vendor"),
        };
        findings.doubt(Doubt::about(symbol, DoubtKind::UnknownSymbol, Severity::Warning, example), 1);
    }
    Ok(())
}

/// The symbols of some rows. Those of one symbol stand together.
fn symbols(rows: &[RecordBatch]) -> BTreeSet<&str> {
    let columns = rows.iter().filter_map(|batch| batch.column_by_name("symbol")?.as_string_opt::<i32>());
    let mut found = BTreeSet::new();
    let mut last = None;
    for symbol in columns.flat_map(|column| column.iter().flatten()) {
        if last != Some(symbol) {
            found.insert(symbol);
            last = Some(symbol);
        }
    }
    found
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::collect::write::write;
    use crate::lake::test_rows::{open, rows};

    #[tokio::test(flavor = "multi_thread")]
    async fn a_symbol_that_no_list_knows_is_doubted() {
        let folder = tempfile::tempdir().unwrap();
        let lake = open(folder.path()).await;
        let bars = BTreeSet::from(["AAPL", "BRK.B", "NOTREAL"].map(str::to_owned));
        let mut findings = Findings::default();
        find(&lake, &bars, &mut findings).await.unwrap();
        assert!(findings.is_empty(), "where no list is there, none can tell");
        let listed = lake.table("symbols").unwrap();
        write(listed, &[rows(listed, &["AAPL", "BRK/B"], 1)], &[]).await.unwrap();
        find(&lake, &bars, &mut findings).await.unwrap();
        let eod = lake.table("eod").unwrap();
        eod.tell(findings, chrono::DateTime::UNIX_EPOCH).await;
        let told = eod.quality().await.unwrap().doubts;
        let examples: Vec<&str> = told.iter().map(|met| met.what.example.as_str()).collect();
        assert_eq!(
            examples,
            [
                "\"BRK.B\" is not among the symbols of the vendor; \"BRK/B\" is",
                "\"NOTREAL\" is not among the symbols of the vendor",
            ]
        );
    }
}
