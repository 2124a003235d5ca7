//! The bytes of a text file as lines: without byte order mark, end-of-file sign, padding, and with one kind of line end.

use super::line::LineError;
use std::borrow::Cow;

/// A file in which more than one byte of so many is a control character is no text.
const CONTROLS_ONE_IN: usize = 100;

/// Bytes that are looked at together.
const PLAIN_BYTES: usize = 4096;

/// The text of a file; copied only where something in it has to be replaced.
pub(super) fn text(bytes: &[u8]) -> Result<Cow<'_, [u8]>, LineError> {
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err(LineError::whole("the file is UTF-16; save it as UTF-8 or ASCII"));
    }
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let padding = text.iter().rev().take_while(|byte| matches!(byte, 0 | 0x1a)).count();
    let text = text.get(..text.len() - padding).unwrap_or_default();
    if text.chunks(PLAIN_BYTES).all(is_plain) {
        return Ok(Cow::Borrowed(text));
    }
    let (mut controls, mut first, mut breaks) = (0_usize, None, false);
    let mut previous = b'\n';
    for (index, &byte) in text.iter().enumerate() {
        // A carriage return that no line feed follows ends a line too.
        breaks |= previous == b'\r' && !matches!(byte, b'\n' | b'\r');
        previous = byte;
        if byte < b' ' && !matches!(byte, b'\t' | b'\n' | b'\r') {
            let ends_line = matches!(byte, 0 | 0x1a);
            breaks |= ends_line;
            controls += usize::from(!ends_line);
            first.get_or_insert(index);
        }
    }
    if controls.saturating_mul(CONTROLS_ONE_IN) > text.len() {
        let first = first.unwrap_or_default();
        return Err(LineError::whole(format!("not a text file: a control character at byte {first}")));
    }
    Ok(if breaks { Cow::Owned(broken(text)) } else { Cow::Borrowed(text) })
}

/// Whether there is nothing but letters, tabs and line feeds, as in most files.
fn is_plain(part: &[u8]) -> bool {
    part.iter().fold(true, |plain, &byte| plain & (byte >= b' ' || byte == b'\t' || byte == b'\n'))
}

/// The text with a line feed for each sign that ends a line.
fn broken(text: &[u8]) -> Vec<u8> {
    let next = text.iter().skip(1).copied().chain([b'\n']);
    let line_end = |(&byte, next): (&u8, u8)| match byte {
        0 | 0x1a => b'\n',
        b'\r' if !matches!(next, b'\n' | b'\r') => b'\n',
        other => other,
    };
    text.iter().zip(next).map(line_end).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn line_ends_and_padding() {
        for (bytes, expected) in [
            (b"a\r\nb".as_slice(), b"a\r\nb".as_slice()),
            (b"\xef\xbb\xbfa", b"a"),
            (b"a\n\x1a", b"a\n"),
            (b"a\n\x1a\0\0\0\0", b"a\n"),
            (b"a\rb\rc\r", b"a\nb\nc\r"),
            (b"", b""),
        ] {
            assert_eq!(text(bytes).unwrap(), expected);
        }
        let joined = [b"20260105,1,2,1,2,5\n".repeat(10), b"\x1a20260105,1\n".to_vec()].concat();
        assert!(text(&joined).unwrap().ends_with(b"\n\n20260105,1\n"));
        let padded = [b"20260105,1\n".as_slice(), &[0; 500], b"20260106,1\n"].concat();
        assert!(text(&padded).unwrap().ends_with(b"\n20260106,1\n"), "padding between rows");
    }

    #[test]
    fn what_is_no_text_is_refused() {
        assert!(text(b"\xff\xfeA\0").unwrap_err().reason.contains("UTF-16"));
        assert_eq!(text(b"MZ\x90\0\x03").unwrap_err().reason, "not a text file: a control character at byte 3");
        assert!(text(b"\x01\x02").is_err());
    }
}
