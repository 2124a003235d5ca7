//! Byte strings as PostgreSQL reads and writes them.

/// Reads `\x00ff`, or bytes as they are with `\\` and `\123`; `None` for any other text.
pub(crate) fn parse(text: &str) -> Option<Vec<u8>> {
    if let Some(hex) = text.strip_prefix("\\x") {
        let digits: Vec<u8> = hex
            .chars()
            .filter(|c| !c.is_whitespace())
            .map(|c| c.to_digit(16).map(|d| d as u8))
            .collect::<Option<_>>()?;
        return digits
            .chunks(2)
            .map(|pair| matches!(pair, [_, _]).then(|| pair.iter().fold(0, |sum, digit| sum << 4 | digit)))
            .collect();
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        (bytes, rest) = match (first, tail) {
            (b'\\', [b'\\', tail @ ..]) => (with(bytes, b'\\'), tail),
            (b'\\', [a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', tail @ ..]) => {
                (with(bytes, ((a - b'0') << 6) | ((b - b'0') << 3) | (c - b'0')), tail)
            }
            (b'\\', _) => return None,
            (other, tail) => (with(bytes, *other), tail),
        };
    }
    Some(bytes)
}

fn with(mut bytes: Vec<u8>, byte: u8) -> Vec<u8> {
    bytes.push(byte);
    bytes
}

/// Writes bytes in hexadecimal, `\x00ff`.
pub(crate) fn put(bytes: &[u8], out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    out.extend_from_slice(b"\\x");
    for byte in bytes {
        out.extend([DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
    }
}
