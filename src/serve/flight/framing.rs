//! Where messages begin in the bytes of a gRPC request: each comes behind a prefix that tells its length.
//!
//! [`super::received`] asks here what a client is about to send, before tonic sets that much aside.

/// Bytes of the prefix: whether the message is compressed, and its length.
pub(super) const PREFIX_BYTES: usize = 5;

/// A place in a request.
#[derive(Debug, Default)]
pub(super) struct Framing {
    /// Bytes of the prefix that have come.
    prefix: usize,
    /// The length as far as they tell it.
    length: u32,
    /// Bytes of the message that are to come.
    rest: usize,
}

impl Framing {
    /// What messages take whose prefixes end in these bytes, the prefixes included. One of more than
    /// `message_bytes_max` counts for nothing: tonic refuses it by its length.
    pub(super) fn announced(&mut self, mut bytes: &[u8], message_bytes_max: usize) -> usize {
        let mut announced = 0_usize;
        loop {
            let passed = self.rest.min(bytes.len());
            self.rest -= passed;
            bytes = bytes.get(passed..).unwrap_or_default();
            let Some((byte, after)) = bytes.split_first() else { return announced };
            bytes = after;
            // The first byte only tells how the message is compressed.
            if self.prefix > 0 {
                self.length = self.length << 8 | u32::from(*byte);
            }
            self.prefix += 1;
            if self.prefix == PREFIX_BYTES {
                let length = self.length as usize;
                *self = Self { rest: length, ..Self::default() };
                let taken = if length > message_bytes_max { 0 } else { length };
                announced = announced.saturating_add(PREFIX_BYTES).saturating_add(taken);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Messages of these lengths, one after the other.
    fn framed(lengths: &[u32]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for length in lengths {
            bytes.push(0);
            bytes.extend(length.to_be_bytes());
            bytes.extend(vec![0xff; *length as usize]);
        }
        bytes
    }

    #[test]
    fn messages_are_told_however_they_are_cut() {
        let bytes = framed(&[3, 0, 300, 70_000]);
        for cut in [1, 2, 4, 5, 7, 1_000, 100_000] {
            let mut framing = Framing::default();
            let announced: usize = bytes.chunks(cut).map(|piece| framing.announced(piece, 1 << 20)).sum();
            assert_eq!(announced, bytes.len(), "cut at {cut}");
        }
    }

    #[test]
    fn a_length_counts_before_its_message_comes() {
        let mut framing = Framing::default();
        assert_eq!(framing.announced(&[0, 0, 1, 0], 1 << 20), 0);
        assert_eq!(framing.announced(&[0], 1 << 20), PREFIX_BYTES + (1 << 16));
        // What follows is the message itself.
        assert_eq!(framing.announced(&[1; 1_000], 1 << 20), 0);
        assert_eq!(Framing::default().announced(&[0, 0xff, 0xff, 0xff, 0xff], 1 << 20), PREFIX_BYTES);
    }
}
