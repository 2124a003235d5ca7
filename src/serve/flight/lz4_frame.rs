//! How much an LZ4 frame may hold, by the sizes of its blocks
//! (<https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md>).
//!
//! Arrow's reader of compressed columns takes whatever a frame holds, and only then compares it with the length that
//! was told.

/// What every frame begins with.
const MAGIC: u32 = 0x184d_2204;

/// Bytes of a header without the fields that it may leave out: the magic number, two bytes of flags and a checksum.
const HEADER_BYTES: usize = 7;

/// Flags of the header: blocks have checksums, and the size of the content stands in it.
const BLOCK_CHECKSUMS: u8 = 1 << 4;
const CONTENT_SIZE: u8 = 1 << 3;

/// What is set in the size of a block that is not compressed.
const PLAIN: u32 = 1 << 31;

/// Bytes that one byte of a compressed block stands for, at most.
const RATIO_MAX: usize = 255;

/// Bytes that a frame holds at most; `None` when it does not read.
pub(super) fn bytes_max(frame: &[u8]) -> Option<usize> {
    let [a, b, c, d, flags, sizes, _] = *frame.first_chunk::<HEADER_BYTES>()?;
    if u32::from_le_bytes([a, b, c, d]) != MAGIC {
        return None;
    }
    let block_max = match sizes >> 4 & 7 {
        size @ 4..=7 => 1_usize << (2 * size + 8),
        _ => return None,
    };
    let header = HEADER_BYTES + if flags & CONTENT_SIZE > 0 { 8 } else { 0 };
    let checksum = if flags & BLOCK_CHECKSUMS > 0 { 4 } else { 0 };
    let (mut rest, mut bytes) = (frame.get(header..)?, 0_usize);
    while let Some((word, after)) = rest.split_first_chunk::<4>() {
        let word = u32::from_le_bytes(*word);
        // The mark of the end.
        if word == 0 {
            break;
        }
        let length = (word & !PLAIN) as usize;
        let held = if word & PLAIN > 0 { length } else { block_max.min(length.saturating_mul(RATIO_MAX)) };
        bytes = bytes.saturating_add(held);
        rest = after.get(length.checked_add(checksum)?..)?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A frame of blocks: whether each is compressed, and its bytes.
    fn frame(flags: u8, sizes: u8, blocks: &[(bool, usize)]) -> Vec<u8> {
        let mut frame = MAGIC.to_le_bytes().to_vec();
        frame.extend([flags, sizes]);
        frame.extend(vec![0; if flags & CONTENT_SIZE > 0 { 9 } else { 1 }]);
        for (compressed, length) in blocks {
            let word = u32::try_from(*length).unwrap() | if *compressed { 0 } else { PLAIN };
            frame.extend(word.to_le_bytes());
            frame.extend(vec![1; *length + if flags & BLOCK_CHECKSUMS > 0 { 4 } else { 0 }]);
        }
        frame.extend([0; 4]);
        frame
    }

    #[test]
    fn a_frame_holds_no_more_than_its_blocks() {
        for flags in [0x60, 0x60 | CONTENT_SIZE, 0x60 | BLOCK_CHECKSUMS, 0x60 | CONTENT_SIZE | BLOCK_CHECKSUMS] {
            assert_eq!(bytes_max(&frame(flags, 0x40, &[])), Some(0));
            assert_eq!(bytes_max(&frame(flags, 0x40, &[(false, 100), (true, 10)])), Some(100 + 2_550));
            assert_eq!(bytes_max(&frame(flags, 0x40, &[(true, 1_000), (true, 1_000)])), Some(2 * (64 << 10)));
            assert_eq!(bytes_max(&frame(flags, 0x70, &[(true, 60_000)])), Some(4 << 20));
        }
    }

    #[test]
    fn broken_frames_hold_nothing_that_is_known() {
        let whole = frame(0x60, 0x40, &[(true, 1_000)]);
        assert_eq!(bytes_max(&whole[..whole.len() - 10]), None);
        assert_eq!(bytes_max(&whole[..5]), None);
        assert_eq!(bytes_max(&frame(0x60, 0x10, &[])), None);
        // Frames of the past, whose blocks are larger.
        assert_eq!(bytes_max(&[0x02, 0x21, 0x4c, 0x18, 0, 0, 0, 0, 0]), None);
    }
}
