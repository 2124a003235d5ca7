//! Arrays of one dimension are written as PostgreSQL writes them: `{a,"b c",NULL}`.

use std::ops::Range;

/// Writes the elements of a range of indexes. `put` writes one into its buffer, and tells whether
/// there is one: `false` is NULL.
///
/// `element` is a buffer that is cleared for each element, so that many arrays share it.
///
/// # Errors
/// Whatever `put` fails with; the array is then half written.
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

/// Writes an element, in quotes where it would not read back as the same text: empty, `NULL`, or with
/// white space, commas, braces, quotes or backslashes.
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
