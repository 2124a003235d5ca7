//! Digests of a data file: a CRC-32 for each block of 64 KiB, from its first byte to its last.
//!
//! They stand in the log, in the `tags` of the file's `add`, and not in the file: so they cover its footer, its indexes and
//! its bloom filters too, and a file that has lost its digests cannot pass for one that never had any. A digest for each
//! block, not for each column chunk, lets a reader of some pages check what it reads.
//!
//! The statistics in the same entry have a digest of their own: counts are answered from them, and files left out.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

/// The tag that holds a file's digests.
const TAG: &str = "ttapi.digests";

/// The tag that holds the digest of the entry's statistics.
const STATISTICS_TAG: &str = "ttapi.statistics";

/// What a tag's value begins with: the way in which the digests behind it are made.
const SCHEME: &str = "crc32-64k:";

/// Bytes of a block. A reader of a page reads up to a block more than it needs; a file's entry in the log grows by six bytes
/// for each.
const BLOCK_BYTES: u64 = 64 << 10;

/// The digests of one file. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Digests {
    file_bytes: u64,
    blocks: Arc<[u32]>,
}

impl Digests {
    /// Those of a file with these bytes.
    pub(super) fn of(file: &[u8]) -> Self {
        let block_bytes = usize::try_from(BLOCK_BYTES).unwrap_or(usize::MAX);
        Self { file_bytes: file.len() as u64, blocks: file.chunks(block_bytes).map(crc32fast::hash).collect() }
    }

    fn to_tag(&self) -> String {
        let bytes: Vec<u8> = self.blocks.iter().flat_map(|digest| digest.to_le_bytes()).collect();
        format!("{SCHEME}{}", STANDARD.encode(bytes))
    }

    /// Those of a tag's value, for a file of that many bytes. What cannot be read of them, or is made in another way, fits
    /// no file: it must not pass for a file without digests.
    fn from_tag(tag: &str, file_bytes: u64) -> Self {
        let bytes = tag.strip_prefix(SCHEME).and_then(|blocks| STANDARD.decode(blocks).ok()).unwrap_or_default();
        let (blocks, rest) = bytes.as_chunks::<4>();
        let whole = rest.is_empty() && blocks.len() as u64 == file_bytes.div_ceil(BLOCK_BYTES);
        let blocks =
            if whole { blocks.iter().map(|digest| u32::from_le_bytes(*digest)).collect() } else { Arc::default() };
        Self { file_bytes, blocks }
    }

    /// The blocks that hold a range of the file, from the first byte of the first to the last of the last.
    pub(super) fn widened(&self, range: &Range<u64>) -> Range<u64> {
        let end = range.end.div_ceil(BLOCK_BYTES).saturating_mul(BLOCK_BYTES).min(self.file_bytes);
        range.start / BLOCK_BYTES * BLOCK_BYTES..end
    }

    /// Whether whole blocks, which begin at `start` in the file, are what was written.
    ///
    /// # Errors
    /// The range of the first block that is not.
    pub(super) fn check(&self, start: u64, bytes: &[u8]) -> Result<(), Range<u64>> {
        let block_bytes = usize::try_from(BLOCK_BYTES).unwrap_or(usize::MAX);
        let first = usize::try_from(start / BLOCK_BYTES).unwrap_or(usize::MAX);
        let expected = self.blocks.get(first..).unwrap_or_default().iter().map(Some).chain(std::iter::repeat(None));
        for ((place, block), expected) in (0..).zip(bytes.chunks(block_bytes)).zip(expected) {
            if expected != Some(&crc32fast::hash(block)) {
                let start = start + place * BLOCK_BYTES;
                return Err(start..start + block.len() as u64);
            }
        }
        Ok(())
    }
}

/// What a writer has noted of a file in its entry in the log.
pub(super) type Tags = HashMap<String, Option<String>>;

/// The tags for a file with these bytes and statistics.
pub(super) fn tags(file: &[u8], statistics: &str) -> Tags {
    let of_statistics = format!("{:08x}", crc32fast::hash(statistics.as_bytes()));
    HashMap::from([
        (TAG.to_owned(), Some(Digests::of(file).to_tag())),
        (STATISTICS_TAG.to_owned(), Some(of_statistics)),
    ])
}

/// Whether an entry's statistics are what was written, as far as its tags tell.
pub(super) fn is_whole(statistics: &str, tags: Option<&Tags>) -> bool {
    let Some(digest) = tags.and_then(|tags| tags.get(STATISTICS_TAG)) else { return true };
    let digest = digest.as_deref().and_then(|digest| u32::from_str_radix(digest, 16).ok());
    digest == Some(crc32fast::hash(statistics.as_bytes()))
}

/// The digests that the log's entry of a file of that many bytes has in its tags.
pub(super) fn of_tags(tags: Option<&Tags>, file_bytes: u64) -> Option<Digests> {
    let tag = tags?.get(TAG)?.as_deref().unwrap_or_default();
    Some(Digests::from_tag(tag, file_bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statistics_are_what_was_written_or_unknown() {
        let tags = tags(&[], "{\"numRecords\":3}");
        assert!(is_whole("{\"numRecords\":3}", Some(&tags)));
        assert!(!is_whole("{\"numRecords\":2}", Some(&tags)));
        assert!(is_whole("{\"numRecords\":2}", None), "another writer's");
    }

    fn file(bytes: usize) -> Vec<u8> {
        (0..bytes).map(|place| (place * 31 % 251) as u8).collect()
    }

    #[test]
    fn digests_survive_the_log() {
        for bytes in [0, 1, 65_535, 65_536, 65_537, 200_000] {
            let digests = Digests::of(&file(bytes));
            assert_eq!(digests.blocks.len(), bytes.div_ceil(65_536));
            assert_eq!(Digests::from_tag(&digests.to_tag(), bytes as u64), digests);
        }
    }

    #[test]
    fn each_flipped_bit_is_seen_and_its_block_named() {
        let mut bytes = file(150_000);
        let digests = Digests::of(&bytes);
        assert_eq!(digests.check(0, &bytes), Ok(()));
        for (place, block) in
            [(0, 0..65_536), (65_535, 0..65_536), (65_536, 65_536..131_072), (149_999, 131_072..150_000)]
        {
            for bit in 0..8 {
                bytes[place] ^= 1 << bit;
                assert_eq!(digests.check(0, &bytes), Err(block.clone()));
                bytes[place] ^= 1 << bit;
            }
        }
        assert_eq!(digests.check(65_536, &bytes[65_536..]), Ok(()));
        assert_eq!(digests.check(65_536, &bytes[131_072..]), Err(65_536..84_464), "another block's bytes");
        assert_eq!(digests.check(131_072, &bytes[131_072..149_999]), Err(131_072..149_999), "cut short");
    }

    #[test]
    fn ranges_are_widened_to_blocks_and_no_further_than_the_file() {
        let digests = Digests::of(&file(150_000));
        let cases = [(0..1, 0..65_536), (65_535..65_537, 0..131_072), (65_536..131_072, 65_536..131_072)];
        for (range, blocks) in cases {
            assert_eq!(digests.widened(&range), blocks);
        }
        assert_eq!(digests.widened(&(149_992..150_000)), 131_072..150_000);
    }

    #[test]
    fn a_tag_that_cannot_be_read_fits_no_file() {
        let bytes = file(70_000);
        let tag = Digests::of(&bytes).to_tag();
        let other = tag.replace("64k", "32k");
        for damaged in ["", "crc32-64k:", &tag[..tag.len() - 4], &other, "crc32-64k:*"] {
            assert!(Digests::from_tag(damaged, 70_000).check(0, &bytes).is_err(), "{damaged}");
        }
        assert!(Digests::from_tag(&tag, 140_000).check(0, &bytes).is_err(), "a file of another size");
    }
}
