//! UUIDs are sixteen bytes in Arrow, as its own extension type has them, so that they compare and group
//! as PostgreSQL's do. No other value has this type.

use arrow::datatypes::DataType;

/// The Arrow type that stands for `uuid`.
pub(crate) const UUID: DataType = DataType::FixedSizeBinary(16);

/// Whether a type stands for `uuid`.
pub(crate) fn is_uuid(data_type: &DataType) -> bool {
    *data_type == UUID
}

/// Reads 32 hexadecimal digits, with a hyphen behind any four of them, also in braces; `None` for any
/// other text.
pub(crate) fn parse(text: &str) -> Option<[u8; 16]> {
    let text = match text.strip_prefix('{') {
        Some(inside) => inside.strip_suffix('}')?,
        None => text,
    };
    let mut bytes = [0; 16];
    let mut letters = text.chars().peekable();
    for (index, byte) in bytes.iter_mut().enumerate() {
        if index > 0 && index % 2 == 0 && letters.peek() == Some(&'-') {
            letters.next();
        }
        let mut digit = || letters.next()?.to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        *byte = digit()? << 4 | digit()?;
    }
    letters.next().is_none().then_some(bytes)
}

/// Writes a UUID in its usual form, `a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11`.
pub(crate) fn put(bytes: &[u8], out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for (index, byte) in bytes.iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            out.push(b'-');
        }
        out.extend([DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_reads() {
        let usual = "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11";
        for form in [usual, "A0EEBC999C0B4EF8BB6D6BB9BD380A11", "{a0ee-bc99-9c0b-4ef8-bb6d-6bb9-bd38-0a11}"] {
            let mut out = Vec::new();
            put(&parse(form).unwrap(), &mut out);
            assert_eq!(out, usual.as_bytes());
        }
        for wrong in ["", "a0eebc99", "{a0eebc999c0b4ef8bb6d6bb9bd380a11", "a0eebc999c0b4ef8bb6d6bb9bd380a11a"] {
            assert_eq!(parse(wrong), None);
        }
    }
}
