//! Arrays of one dimension: `{a,"b c",NULL}`.

use std::ops::Range;

/// Writes the elements of a range. `put` writes one, and says whether there is one: it may be NULL.
pub(crate) fn put_array<E>(
    range: Range<usize>,
    element: &mut Vec<u8>,
    out: &mut Vec<u8>,
    mut put: impl FnMut(usize, &mut Vec<u8>) -> Result<bool, E>,
) -> Result<(), E> {
    out.push(b'{');
    let first = range.start;
    for index in range {
        if index > first {
            out.push(b',');
        }
        element.clear();
        match put(index, element)? {
            true => put_element(element, out),
            false => out.extend_from_slice(b"NULL"),
        }
    }
    out.push(b'}');
    Ok(())
}

/// Quotes what would not read back as the same text.
fn put_element(element: &[u8], out: &mut Vec<u8>) {
    let special = |byte: &u8| matches!(byte, b'"' | b'\\' | b'{' | b'}' | b',' | b' ' | b'\t'..=b'\r');
    if !element.is_empty() && !element.eq_ignore_ascii_case(b"NULL") && !element.iter().any(special) {
        out.extend_from_slice(element);
        return;
    }
    out.push(b'"');
    for byte in element {
        if matches!(byte, b'"' | b'\\') {
            out.push(b'\\');
        }
        out.push(*byte);
    }
    out.push(b'"');
}
