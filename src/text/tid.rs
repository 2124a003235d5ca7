//! Addresses of rows, `(block,place)`, are six bytes in Arrow in the order of PostgreSQL's binary form, so that
//! they compare and group as PostgreSQL's do. No other value has this type.

use arrow::datatypes::DataType;

/// The Arrow type that stands for `tid`.
pub(crate) const TID: DataType = DataType::FixedSizeBinary(6);

/// Rows that are counted to a block.
const ROWS_OF_BLOCK: u64 = 100;

/// Whether a type stands for `tid`.
pub(crate) fn is_tid(data_type: &DataType) -> bool {
    *data_type == TID
}

/// The address of a row by its number from 0; `None` beyond the last block there is.
pub(crate) fn of_row(number: u64) -> Option<[u8; 6]> {
    let block = u32::try_from(number / ROWS_OF_BLOCK).ok()?;
    let place = u16::try_from(number % ROWS_OF_BLOCK + 1).ok()?;
    Some(bytes(block, place))
}

/// Reads `(block,place)`; `None` for any other text.
pub(crate) fn parse(text: &str) -> Option<[u8; 6]> {
    let (block, place) = text.trim().strip_prefix('(')?.strip_suffix(')')?.split_once(',')?;
    Some(bytes(block.trim().parse().ok()?, place.trim().parse().ok()?))
}

/// Writes an address as `(0,1)`; what is no address as nothing.
pub(crate) fn put(bytes: &[u8], out: &mut Vec<u8>) {
    if let [b0, b1, b2, b3, p0, p1] = *bytes {
        let (block, place) = (u32::from_be_bytes([b0, b1, b2, b3]), u16::from_be_bytes([p0, p1]));
        out.extend_from_slice(format!("({block},{place})").as_bytes());
    }
}

fn bytes(block: u32, place: u16) -> [u8; 6] {
    let ([b0, b1, b2, b3], [p0, p1]) = (block.to_be_bytes(), place.to_be_bytes());
    [b0, b1, b2, b3, p0, p1]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_read_as_they_are_written_and_compare_by_number() {
        for text in ["(0,1)", "(4294967295,65535)", "(12,7)"] {
            let mut out = Vec::new();
            put(&parse(text).unwrap(), &mut out);
            assert_eq!(out, text.as_bytes());
        }
        assert!(["", "(1)", "(1,2,3)", "(-1,2)", "1,2", "(1,65536)"].iter().all(|text| parse(text).is_none()));
        assert!(parse("(2,1)").unwrap() < parse("(10,1)").unwrap());
        assert_eq!(of_row(0), parse("(0,1)"));
        assert_eq!(of_row(100), parse("(1,1)"));
        assert_eq!(of_row(u64::MAX), None);
    }
}
