//! Composite values as PostgreSQL writes them, `(1,"a b",)`: NULL is nothing, and a field is in quotes
//! where it would not be read back without.

/// Whether a field is NULL; what has no type is.
pub(crate) fn is_missing(column: &dyn arrow::array::Array, row: usize) -> bool {
    column.data_type().is_null() || column.is_null(row)
}

/// Puts the fields of one value, which `field` writes in turn; it says of each whether it is there, and
/// fails as it fails.
pub(crate) fn put_record<E>(
    count: usize,
    field: &mut Vec<u8>,
    out: &mut Vec<u8>,
    mut write: impl FnMut(usize, &mut Vec<u8>) -> Result<bool, E>,
) -> Result<(), E> {
    out.push(b'(');
    for place in 0..count {
        if place > 0 {
            out.push(b',');
        }
        field.clear();
        if write(place, field)? {
            put_field(field, out);
        }
    }
    out.push(b')');
    Ok(())
}

/// Puts one field, in quotes when it is empty or has a letter that means something.
fn put_field(field: &[u8], out: &mut Vec<u8>) {
    let means =
        |byte: &u8| matches!(byte, b'"' | b'\\' | b'(' | b')' | b',') || byte.is_ascii_whitespace() || *byte == 11;
    if !field.is_empty() && !field.iter().any(means) {
        out.extend_from_slice(field);
        return;
    }
    out.push(b'"');
    for byte in field {
        if matches!(byte, b'"' | b'\\') {
            out.push(*byte);
        }
        out.push(*byte);
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_quoted_where_they_have_to_be() {
        let fields = [Some("a"), None, Some(""), Some("a b"), Some("\"\\"), Some("(,)")];
        let mut out = Vec::new();
        let written = put_record(fields.len(), &mut Vec::new(), &mut out, |place, field| {
            field.extend_from_slice(fields[place].unwrap_or_default().as_bytes());
            Ok::<_, ()>(fields[place].is_some())
        });
        assert_eq!(written, Ok(()));
        assert_eq!(String::from_utf8(out).unwrap(), r#"(a,,"","a b","""\\","(,)")"#);
    }
}
