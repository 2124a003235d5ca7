//! What a quote says: the middle of bid and ask, and how far they are apart.
//!
//! A function is `None` where the quote does not tell. A crossed quote, with its bid above its ask, is computed like any other.

/// The middle between bid and ask.
pub fn mid(bid: f64, ask: f64) -> f64 {
    bid.midpoint(ask)
}

/// The middle between bid and ask, nearer to the side with the smaller size; `None` where a size is below 0, or both are 0.
pub fn weighted_mid(bid_size: f64, bid: f64, ask: f64, ask_size: f64) -> Option<f64> {
    let share = bid_share(bid_size, ask_size)?;
    Some(ask * share + bid * (1.0 - share))
}

/// The distance of the ask from the bid in hundredths of a per cent of their middle; `None` where that is not above 0.
pub fn spread_in_basis_points(bid: f64, ask: f64) -> Option<f64> {
    let mid = mid(bid, ask);
    (mid > 0.0).then(|| (ask - bid) / mid * 10_000.0)
}

/// How much more is bid for than is offered, as a share of both, from -1 to 1; `None` where a size is below 0, or both are 0.
pub fn imbalance(bid_size: f64, ask_size: f64) -> Option<f64> {
    sizes(bid_size, ask_size).map(|both| (bid_size - ask_size) / both)
}

fn bid_share(bid_size: f64, ask_size: f64) -> Option<f64> {
    sizes(bid_size, ask_size).map(|both| bid_size / both)
}

/// The sum of both sizes, where it is above zero.
fn sizes(bid_size: f64, ask_size: f64) -> Option<f64> {
    let both = bid_size + ask_size;
    (bid_size >= 0.0 && ask_size >= 0.0 && both > 0.0).then_some(both)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_are_measured() {
        assert!((mid(1.5760, 1.5763) - 1.57615).abs() < 1e-12);
        assert_eq!(weighted_mid(100.0, 5.0, 6.0, 100.0), Some(5.5));
        assert_eq!(weighted_mid(300.0, 5.0, 6.0, 100.0), Some(5.75));
        assert!((spread_in_basis_points(1.5760, 1.5763).unwrap() - 1.903372140976).abs() < 1e-9);
        assert_eq!(imbalance(300.0, 100.0), Some(0.5));
    }

    #[test]
    fn quotes_that_do_not_tell() {
        assert_eq!(spread_in_basis_points(5.0, 4.0), Some(-10_000.0 / 4.5));
        assert_eq!(spread_in_basis_points(0.0, 0.0), None);
        assert_eq!(spread_in_basis_points(-2.0, -1.0), None);
        assert_eq!(weighted_mid(0.0, 5.0, 6.0, 0.0), None);
        assert_eq!(weighted_mid(-1.0, 5.0, 6.0, 2.0), None);
        assert_eq!(imbalance(0.0, 0.0), None);
    }
}
