//! Repeatable randomness: every number is a pure function of a seed and a place, so that nothing has to be stored.

/// Scrambles a number (the finaliser of splitmix64).
pub(crate) fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// The seed of one text under a seed (FNV-1a, then scrambled).
pub(crate) fn text_seed(seed: u64, text: &str) -> u64 {
    let hash = text
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    mix(hash ^ mix(seed))
}

/// 64 random bits of one place under a seed.
pub(crate) fn bits(seed: u64, place: u64) -> u64 {
    mix(seed ^ mix(place))
}

/// A number from 0 up to, but not including, 1.
pub(crate) fn uniform(bits: u64) -> f64 {
    (bits >> 11) as f64 / (1_u64 << 53) as f64
}

/// A number from `low` up to, but not including, `high`.
pub(crate) fn between(bits: u64, low: f64, high: f64) -> f64 {
    low + (high - low) * uniform(bits)
}

/// Nearly standard normal, within plus and minus 3.5: the sum of four uniforms of 16 bits.
pub(crate) fn normal(bits: u64) -> f64 {
    let sum: u64 = (0..4).map(|part| (bits >> (16 * part)) & 0xffff).sum();
    (sum as f64 / 65_536.0 - 2.0) * 1.732_050_807_568_877_2
}

/// A smooth wave within -1 and 1 that turns about once per unit of `position`.
pub(crate) fn wave(seed: u64, position: f64) -> f64 {
    let left = position.floor();
    let part = position - left;
    let knot = |offset: i64| uniform(bits(seed, (left as i64).wrapping_add(offset) as u64)) * 2.0 - 1.0;
    let weight = part * part * (3.0 - 2.0 * part);
    knot(0) * (1.0 - weight) + knot(1) * weight
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normals_have_mean_zero_and_deviation_one() {
        let numbers: Vec<f64> = (0..10_000).map(|place| normal(bits(7, place))).collect();
        let mean = numbers.iter().sum::<f64>() / 10_000.0;
        let variance = numbers.iter().map(|number| (number - mean).powi(2)).sum::<f64>() / 10_000.0;
        assert!(mean.abs() < 0.05 && (variance - 1.0).abs() < 0.05, "{mean} {variance}");
    }

    #[test]
    fn waves_are_bounded_and_repeatable() {
        for step in -500..500 {
            let value = wave(3, f64::from(step) / 7.0);
            assert!(value.abs() <= 1.0);
            assert_eq!(value, wave(3, f64::from(step) / 7.0));
        }
    }
}
