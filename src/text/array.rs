//! Arrays are written as PostgreSQL writes them: `{a,"b c",NULL}`, `{{1,2},{3,4}}`.

use std::ops::Range;

/// Name of the element field of a list that stands for one of the catalog's vectors (`int2vector`, `oidvector`). PostgreSQL
/// writes those as numbers with blanks between them, without braces.
pub(crate) const VECTOR: &str = "vector";

/// Reads the elements of `{a,"b c",NULL}`, without their quotes; `None` stands for NULL. Gives `None` for anything else, nested
/// arrays included.
pub(crate) fn parse(literal: &str) -> Option<Vec<Option<String>>> {
    let inside = literal.trim().strip_prefix('{')?.strip_suffix('}')?;
    let mut found = Vec::new();
    if inside.trim().is_empty() {
        return Some(found);
    }
    let (mut element, mut quoted, mut open) = (String::new(), false, false);
    let mut letters = inside.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => element.push(letters.next()?),
            '"' if open => open = false,
            '"' if !quoted && element.trim().is_empty() => {
                element.clear();
                (quoted, open) = (true, true);
            }
            ',' if !open => {
                found.push(read_element(&element, quoted)?);
                element.clear();
                quoted = false;
            }
            '{' | '}' | '"' if !open => return None,
            letter if quoted && !open && !letter.is_whitespace() => return None,
            _ if quoted && !open => {}
            letter => element.push(letter),
        }
    }
    if open {
        return None;
    }
    found.push(read_element(&element, quoted)?);
    Some(found)
}

/// Dimensions of an array, at most; PostgreSQL's own limit.
const DIMENSIONS_MAX: usize = 6;

/// The rows of an array of several dimensions, `{{1,2},{3,4}}`, each with its braces; `None` for anything
/// else, and for more dimensions than an array has.
pub(crate) fn rows(literal: &str) -> Option<Vec<&str>> {
    let inside = literal.trim().strip_prefix('{')?.strip_suffix('}')?;
    if !inside.trim_start().starts_with('{') {
        return None;
    }
    let (mut found, mut depth, mut open, mut start) = (Vec::new(), 0_usize, false, 0);
    let mut letters = inside.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\\' => drop(letters.next()?),
            '"' => open = !open,
            '{' if !open && depth == DIMENSIONS_MAX - 1 => return None,
            '{' if !open => depth += 1,
            '}' if !open => depth = depth.checked_sub(1)?,
            ',' if !open && depth == 0 => {
                found.push(inside[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    found.push(inside[start..].trim());
    let braces = |row: &&str| row.starts_with('{') && row.ends_with('}');
    (depth == 0 && !open && found.iter().all(braces)).then_some(found)
}

/// One element; blanks around an element without quotes are none of it, and nothing at all is no element.
fn read_element(element: &str, quoted: bool) -> Option<Option<String>> {
    if quoted {
        return Some(Some(element.to_owned()));
    }
    let bare = element.trim();
    (!bare.is_empty()).then(|| (!bare.eq_ignore_ascii_case("null")).then(|| bare.to_owned()))
}

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

/// Writes the rows of an array of several dimensions, each of which writes its own braces.
///
/// # Errors
/// Whatever `put` fails with; the array is then half written.
pub(crate) fn put_rows<E>(
    range: Range<usize>,
    out: &mut Vec<u8>,
    mut put: impl FnMut(usize, &mut Vec<u8>) -> Result<(), E>,
) -> Result<(), E> {
    out.push(b'{');
    let first = range.start;
    for index in range {
        if index > first {
            out.push(b',');
        }
        put(index, out)?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_read_without_their_quotes() {
        let read = |literal: &str| {
            parse(literal).map(|all| all.into_iter().map(|one| one.unwrap_or("-".to_owned())).collect())
        };
        let texts = |all: &[&str]| Some(all.iter().map(|one| (*one).to_owned()).collect::<Vec<String>>());
        assert_eq!(read("{}"), texts(&[]));
        assert_eq!(read("{1, NULL}"), texts(&["1", "-"]));
        assert_eq!(read(r#"{a b,"null","q\"\\",","}"#), texts(&["a b", "null", "q\"\\", ","]));
        for wrong in ["", "{", "{1,}", "{,}", "{{1}}", "{\"a}", "{\"a\"b}", "{a\"b\"}"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
