//! Bytes that are almost right, for the tests of what reads bytes: a seed and a few changes that follow from a number.

/// Bytes that mean something to somebody.
const TELLING: &[u8] = b"0123456789.,;:/-+eEN=[]{}\"\r\n\t ";

/// A small generator, so that a failure can be repeated.
pub(crate) struct Noise(pub(crate) u64);

impl Noise {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// Below `bound`, or 0.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }

    /// The same bytes but for up to four changes: cut, inserted, overwritten, or a part said twice.
    pub(crate) fn mutated(&mut self, seed: &[u8]) -> Vec<u8> {
        let mut bytes = seed.to_vec();
        for _ in 0..=self.below(4) {
            let at = self.below(bytes.len());
            match self.below(5) {
                0 => bytes.truncate(at),
                1 => bytes.insert(at, self.next() as u8),
                2 => bytes.insert(at, TELLING[self.below(TELLING.len())]),
                3 if !bytes.is_empty() => bytes[at] = self.next() as u8,
                _ => {
                    let part = bytes[at..bytes.len().min(at + self.below(64))].to_vec();
                    bytes.splice(at..at, part);
                }
            }
        }
        bytes
    }
}
