//! Puts one symbol's candles together: snapshots and transactions in, bars by index out. Pure.

use super::events::Candle;
use super::row::{REMOVE_EVENT, SNAPSHOT_BEGIN, SNAPSHOT_END, SNAPSHOT_SNIP, TX_PENDING};
use std::collections::BTreeMap;

/// More bars than a daily history can have: 400 years.
const BARS_MAX: usize = 100_000;

/// One symbol's history while it arrives, newest first, in any number of frames.
#[derive(Debug, Default)]
pub(crate) struct Assembly {
    bars: BTreeMap<i64, Candle>,
    /// Events not applied yet: of a snapshot that is still open, or of a transaction.
    pending: Vec<Candle>,
    in_snapshot: bool,
    /// The pending events replace all bars.
    replaces: bool,
    complete: bool,
    /// The venue ended the snapshot before its end.
    cut: bool,
    /// The lowest index so far: a snapshot goes from the newest bar to the oldest.
    lowest: Option<i64>,
    advanced: bool,
}

impl Assembly {
    /// Takes in one event. `Err` when there are more than any history has.
    pub(crate) fn apply(&mut self, candle: Candle) -> Result<(), String> {
        let flags = candle.flags;
        self.advanced = self.lowest.is_none_or(|lowest| candle.index < lowest);
        if self.advanced {
            self.lowest = Some(candle.index);
        }
        if flags & SNAPSHOT_BEGIN != 0 {
            self.pending.clear();
            self.in_snapshot = true;
            self.cut = false;
            self.replaces = true;
        }
        if self.pending.len() + self.bars.len() >= BARS_MAX {
            return Err(format!("more than {BARS_MAX} bars"));
        }
        self.pending.push(candle);
        if flags & (SNAPSHOT_END | SNAPSHOT_SNIP) != 0 {
            self.in_snapshot = false;
            self.cut = flags & SNAPSHOT_END == 0;
        }
        if !self.in_snapshot && flags & TX_PENDING == 0 {
            self.commit();
        }
        Ok(())
    }

    fn commit(&mut self) {
        if std::mem::take(&mut self.replaces) {
            self.bars.clear();
            self.complete = true;
        }
        for candle in self.pending.drain(..) {
            if candle.flags & REMOVE_EVENT != 0 {
                self.bars.remove(&candle.index);
            } else {
                self.bars.insert(candle.index, candle);
            }
        }
    }

    /// Whether the last event brought the snapshot further.
    pub(crate) fn advanced(&self) -> bool {
        self.advanced
    }

    /// Whether the venue cut the snapshot off at its limit, so that older bars are missing.
    pub(crate) fn cut(&self) -> bool {
        self.cut
    }

    /// Whether a snapshot has arrived, to its end or to where it was cut off.
    pub(crate) fn complete(&self) -> bool {
        self.complete
    }

    /// The bars, oldest first.
    pub(crate) fn into_bars(self) -> impl Iterator<Item = Candle> {
        self.bars.into_values()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// Applies (flags, index) and tells whether the snapshot is complete and which indexes are held.
    #[track_caller]
    fn check(events: &[(i64, i64)], complete: bool, held: &[i64]) {
        let mut assembly = Assembly::default();
        for (flags, index) in events {
            assembly.apply(candle(*flags, *index)).unwrap();
        }
        assert_eq!(assembly.complete(), complete);
        assert_eq!(assembly.into_bars().map(|bar| bar.index).collect::<Vec<_>>(), held);
    }

    fn candle(flags: i64, index: i64) -> Candle {
        let (open, high, low, close) = (Some(1.0), Some(2.0), Some(0.5), Some(1.5));
        let symbol = "AAPL{=d}".into();
        Candle { symbol, flags, index, time_ms: 0, open, high, low, close, volume: None, open_interest: None }
    }

    #[test]
    fn a_snapshot_is_complete_at_its_end() {
        check(&[(0x04, 3), (0x00, 2)], false, &[]);
        check(&[(0x04, 3), (0x00, 2), (0x08, 1)], true, &[1, 2, 3]);
        check(&[(0x0C, 1)], true, &[1]);
        check(&[(0x0E, 0)], true, &[]);
        check(&[(0x04, 3), (0x10, 2)], true, &[2, 3]);
        check(&[(0x04, 3), (0x0A, 0)], true, &[3]);
    }

    #[test]
    fn nothing_of_a_transaction_counts_before_its_last_event() {
        check(&[(0x0C, 1), (0x01, 2)], true, &[1]);
        check(&[(0x0C, 1), (0x01, 2), (0x00, 3)], true, &[1, 2, 3]);
        check(&[(0x04, 2), (0x09, 1)], false, &[]);
        check(&[(0x04, 2), (0x09, 1), (0x00, 3)], true, &[1, 2, 3]);
        check(&[(0x0C, 1), (0x02, 1)], true, &[]);
    }

    #[test]
    fn a_snapshot_sent_again_replaces_the_first() {
        check(&[(0x04, 3), (0x08, 1), (0x04, 3), (0x08, 2)], true, &[2, 3]);
        check(&[(0x04, 3), (0x00, 1), (0x04, 3), (0x08, 2)], true, &[2, 3]);
    }

    #[test]
    fn what_is_cut_off_and_what_stands_still_is_known() {
        let mut assembly = Assembly::default();
        let mut apply = |flags, index| {
            assembly.apply(candle(flags, index)).unwrap();
            (assembly.advanced(), assembly.cut())
        };
        assert_eq!(apply(0x04, 9), (true, false));
        assert_eq!(apply(0x00, 8), (true, false));
        assert_eq!(apply(0x00, 9), (false, false), "an update of the running bar");
        assert_eq!(apply(0x10, 7), (true, true));
        assert_eq!(apply(0x04, 9), (false, false), "sent again");
        assert_eq!(apply(0x18, 6), (true, false));
    }

    #[test]
    fn an_endless_snapshot_is_refused() {
        let mut assembly = Assembly::default();
        assembly.apply(candle(0x04, 0)).unwrap();
        assert!((1..200_000).any(|index| assembly.apply(candle(0, index)).is_err()));
    }
}
