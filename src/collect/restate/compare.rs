//! What bars that come again say beside those that are held: the same, a correction, or another history.
//!
//! After a split, a source restates the whole history: each price is the old one times one ratio, and each volume over it,
//! up to the rounding to cents. Pure.

use super::bars::Values;

/// Prices that differ by less, as a ratio, are the same.
const SAME: f64 = 1e-9;
/// How far a price in cents may be from the exact one.
const ROUNDING: f64 = 0.005_1;
/// A ratio nearer to one is no other scale.
const SCALE_MIN: f64 = 0.000_5;
/// The same where few bars tell.
const SCALE_OF_FEW_MIN: f64 = 0.01;
/// A volume may be so far off the inverse of the prices' ratio, as a ratio: trades are told late.
const VOLUME_TOLERANCE: f64 = 0.02;
/// A volume alone that grows by less, as a ratio, is that of trades told late, and no correction to tell of.
const LATE_VOLUME: f64 = 0.05;
/// Bars of which all are others, by no single ratio, so that those before them are likely to be too.
const REPLACED_MIN: usize = 3;
/// Numbers of shares in the terms of a split, such as 3 for 2.
const SPLIT_TERM_MAX: u32 = 10;

/// One day's bar as it is held and as it came.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Pair {
    pub(super) day: i32,
    pub(super) held: Values,
    pub(super) new: Values,
}

/// How prices and volumes of a history changed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Scale {
    /// New prices over old ones.
    pub(super) price: f64,
    /// New shares per old share; `None` where volumes do not say that it is a split.
    pub(super) split: Option<f64>,
}

/// What became of bars that are held.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Change {
    /// Some bars have other values.
    Corrected,
    /// All bars have other values, by no single ratio.
    Replaced,
    /// The history before a day is in another scale.
    Rescaled(Scale),
}

/// The bars that are both held and came.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Overlap {
    /// Those that differ, in order of day.
    pub(super) changed: Vec<Pair>,
    /// First day of those that do not.
    first_same: Option<i32>,
}

impl Pair {
    fn prices(&self) -> impl Iterator<Item = (f64, f64)> {
        let pairs = self.held.prices.into_iter().zip(self.new.prices);
        pairs.filter_map(|(held, new)| held.zip(new))
    }

    /// Whether a price differs.
    fn is_moved(&self) -> bool {
        let differs = |held: Option<f64>, new: Option<f64>| match (held, new) {
            (Some(held), Some(new)) => (held - new).abs() > SAME * held.abs().max(new.abs()),
            (held, new) => held.is_some() != new.is_some(),
        };
        self.held.prices.into_iter().zip(self.new.prices).any(|(held, new)| differs(held, new))
    }

    /// Whether the volume differs by more than that of trades told late.
    #[allow(clippy::cast_precision_loss)]
    fn has_other_volume(&self) -> bool {
        let (held, new) = (self.held.volume.unwrap_or_default() as f64, self.new.volume.unwrap_or_default() as f64);
        (held - new).abs() > LATE_VOLUME * held.max(new)
    }

    fn fits(&self, ratio: f64) -> bool {
        self.prices().all(|(held, new)| (new - ratio * held).abs() <= ROUNDING * (1.0 + ratio) + SAME * new)
    }
}

impl Overlap {
    /// Takes in one day.
    pub(super) fn add(&mut self, pair: Pair) {
        if pair.is_moved() || pair.held.volume != pair.new.volume {
            self.changed.push(pair);
        } else {
            self.first_same = Some(self.first_same.map_or(pair.day, |day| day.min(pair.day)));
        }
    }

    /// Puts the days in order, however they came.
    pub(super) fn sort(&mut self) {
        self.changed.sort_by_key(|pair| pair.day);
    }

    /// The last day whose bar was held in another scale or with other values.
    pub(super) fn last_changed(&self) -> Option<i32> {
        self.moved().last().map(|pair| pair.day)
    }

    /// What the bars say together; `None` where nothing has changed that is worth a word.
    pub(super) fn change(&self) -> Option<Change> {
        let moved = self.moved().count();
        if moved == 0 {
            return self.changed.iter().any(Pair::has_other_volume).then_some(Change::Corrected);
        }
        if let Some(scale) = self.scale() {
            return Some(Change::Rescaled(scale));
        }
        let all = self.first_same.is_none() && moved == self.changed.len() && moved >= REPLACED_MIN;
        Some(if all { Change::Replaced } else { Change::Corrected })
    }

    fn moved(&self) -> impl Iterator<Item = &Pair> {
        self.changed.iter().filter(|pair| pair.is_moved())
    }

    /// The scale of the history up to some day, where one ratio explains all bars up to it, and all after it are the same.
    fn scale(&self) -> Option<Scale> {
        let sums =
            self.moved().flat_map(Pair::prices).fold((0.0, 0.0), |sums, (held, new)| (sums.0 + held, sums.1 + new));
        let price = sums.1 / sums.0;
        if !price.is_finite() || price <= 0.0 || !self.moved().all(|pair| pair.fits(price)) {
            return None;
        }
        // A bar before that is the same, or changed in its volume alone, speaks against it.
        let until = self.last_changed()?;
        let others = self.changed.iter().filter(|pair| !pair.is_moved()).map(|pair| pair.day);
        if others.chain(self.first_same).any(|day| day < until) {
            return None;
        }
        let split = self.split(price);
        let (few, away) = (self.moved().count() == 1, (price - 1.0).abs());
        let far_enough = away >= if few || self.first_same.is_some() { SCALE_OF_FEW_MIN } else { SCALE_MIN };
        // One bar alone may have been corrected in all its prices: its volume tells.
        let told = far_enough && (!few || split.is_some() && self.first_same.is_none());
        told.then(|| Scale { price: split.map_or(price, |split| 1.0 / split), split })
    }

    /// New shares per old share, where the volumes changed by the inverse of the prices' ratio.
    #[allow(clippy::cast_precision_loss)]
    fn split(&self, price: f64) -> Option<f64> {
        let volumes = self.moved().filter_map(|pair| pair.held.volume.zip(pair.new.volume));
        let (held, new) = volumes.fold((0.0, 0.0), |sums, (held, new)| (sums.0 + held as f64, sums.1 + new as f64));
        let inverse = new / held * price;
        let away = (price - 1.0).abs();
        // Nearer to the inverse of a small ratio than to volumes that are the same.
        let is_split = (inverse - 1.0).abs() <= VOLUME_TOLERANCE.min(away / 4.0) && away >= SCALE_OF_FEW_MIN;
        is_split.then(|| terms(1.0 / price))
    }
}

/// The ratio of whole shares that is meant: 1.4999 is 3 for 2. One that is near to none stays, with four digits.
fn terms(ratio: f64) -> f64 {
    let near = |old: u32| {
        let new = (ratio * f64::from(old)).round();
        let exact = new / f64::from(old);
        (new >= 1.0 && (exact - ratio).abs() <= ratio * 0.002).then_some(exact)
    };
    let reverse = || {
        let old = (1.0 / ratio).round();
        (old >= 1.0 && (ratio * old - 1.0).abs() <= 0.004).then_some(1.0 / old)
    };
    let digits = || (ratio * 10_000.0).round() / 10_000.0;
    near(1).or_else(reverse).or_else(|| (2..=SPLIT_TERM_MAX).find_map(near)).unwrap_or_else(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(price: f64, volume: i64) -> Values {
        let cents = |price: f64| Some((price * 100.0).round() / 100.0);
        Values {
            prices: [cents(price), cents(price * 1.02), cents(price * 0.98), cents(price * 1.01)],
            volume: Some(volume),
        }
    }

    fn overlap(pairs: &[(Values, Values)]) -> Overlap {
        let mut overlap = Overlap::default();
        (0..).zip(pairs).for_each(|(day, (held, new))| overlap.add(Pair { day, held: *held, new: *new }));
        overlap
    }

    /// A week of bars, and what they are times a ratio.
    fn week(price: f64, volume: f64) -> Vec<(Values, Values)> {
        let closes = [101.5, 99.37, 103.11, 104.0, 98.76];
        #[allow(clippy::cast_possible_truncation)]
        let times = |close: f64| (bar(close, 1_000), bar(close * price, (1_000.0 * volume) as i64));
        closes.map(times).to_vec()
    }

    fn split_of(pairs: &[(Values, Values)]) -> Option<f64> {
        match overlap(pairs).change() {
            Some(Change::Rescaled(scale)) => scale.split,
            _ => None,
        }
    }

    #[test]
    fn a_constant_ratio_with_the_inverse_of_volume_is_a_split() {
        for (split, expected) in
            [(10.0, 10.0), (4.0, 4.0), (1.5, 1.5), (0.1, 0.1), (50.0, 50.0), (1.0 / 3.0, 1.0 / 3.0)]
        {
            assert_eq!(split_of(&week(1.0 / split, split)), Some(expected), "{split}");
        }
        assert_eq!(split_of(&week(0.1, 10.0)[..1]), Some(10.0), "one bar whose volume tells");
    }

    #[test]
    fn a_ratio_without_that_of_volume_is_another_scale() {
        let change = overlap(&week(0.98, 1.0)).change();
        assert!(
            matches!(change, Some(Change::Rescaled(Scale { split: None, price })) if (price - 0.98).abs() < 1e-4),
            "{change:?}"
        );
        assert_eq!(overlap(&week(0.98, 1.0)[..1]).change(), Some(Change::Corrected));
    }

    #[test]
    fn one_bar_among_others_is_a_correction() {
        let mut pairs = week(1.0, 1.0);
        assert_eq!(overlap(&pairs).change(), None);
        pairs[2].1.prices[3] = Some(104.5);
        assert_eq!(overlap(&pairs).change(), Some(Change::Corrected));
        pairs[2].1 = bar(10.3, 10_000);
        assert_eq!(overlap(&pairs).change(), Some(Change::Corrected));
    }

    #[test]
    fn volumes_that_come_late_are_not_worth_a_word() {
        let mut pairs = week(1.0, 1.0);
        pairs[4].1.volume = Some(1_020);
        assert_eq!(overlap(&pairs).change(), None);
        pairs[4].1.volume = Some(2_000);
        assert_eq!(overlap(&pairs).change(), Some(Change::Corrected));
    }

    #[test]
    fn a_break_that_is_held_is_found() {
        let mut pairs = week(0.1, 10.0);
        for (held, new) in &mut pairs[3..] {
            *held = *new;
        }
        assert_eq!(split_of(&pairs), Some(10.0));
        assert_eq!(overlap(&pairs).last_changed(), Some(2));
        pairs.reverse();
        assert_eq!(overlap(&pairs).change(), Some(Change::Corrected), "later bars alone are corrected");
    }

    #[test]
    fn bars_that_all_differ_by_no_ratio_are_another_history() {
        let mut pairs = week(1.0, 1.0);
        for (number, (_, new)) in (1..).zip(&mut pairs) {
            *new = bar(50.0 * f64::from(number), 77);
        }
        assert_eq!(overlap(&pairs).change(), Some(Change::Replaced));
    }
}
