//! The variance that a strip of options out of the money implies, as Cboe computes its VIX from it (Volatility Index
//! Methodology, 2022 and later).

/// Bid and ask of one option. A bid of 0 is none; what is not quoted has no ask.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct BidAsk {
    /// Best bid; 0 where nobody bids.
    pub bid: f64,
    /// Best ask; `None` where the option is not quoted.
    pub ask: Option<f64>,
}

impl BidAsk {
    /// The middle, where somebody bids and somebody asks.
    fn mid(self) -> Option<f64> {
        self.ask.filter(|_| self.bid > 0.0).map(|ask| (self.bid + ask) / 2.0)
    }
}

/// The call and the put of one strike.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StrikeQuotes {
    /// Strike price, above 0.
    pub strike: f64,
    /// Bid and ask of the call.
    pub call: BidAsk,
    /// Bid and ask of the put.
    pub put: BidAsk,
}

/// What a strip implies.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct VarianceStrip {
    /// Variance per year (0.04 is a volatility of 20 %).
    pub variance: f64,
    /// Forward price of the underlying, by parity at the strike where call and put are nearest.
    pub forward: f64,
    /// The greatest strike that is not above the forward.
    pub k0: f64,
    /// Strikes in the strip.
    pub count: usize,
    /// The least strike in the strip.
    pub lowest: f64,
    /// The greatest strike in the strip.
    pub highest: f64,
    /// Whether both wings end as the method has it, with two strikes in a row that nobody bids for. A strip that ends where
    /// the quotes end leaves a part of the variance out.
    pub complete: bool,
}

/// One option of the strip: its strike and its middle.
type Member = (f64, f64);

/// The variance of the chain of one expiration, `ttm` years away, at a continuous rate. The quotes come to be sorted by
/// strike.
///
/// `None` where there is no strike with a bid on both sides, no strike at or below the forward with a middle on both sides,
/// fewer than two strikes in the strip, a strike that comes twice, or a `ttm` that is not above 0.
pub fn implied_variance(quotes: &mut [StrikeQuotes], ttm: f64, rate: f64) -> Option<VarianceStrip> {
    quotes.sort_by(|one, other| one.strike.total_cmp(&other.strike));
    let twice = quotes.windows(2).any(|pair| pair[0].strike == pair[1].strike);
    if twice || !(ttm > 0.0 && ttm.is_finite() && rate.is_finite()) {
        return None;
    }
    let growth = (rate * ttm).exp();
    let forward = forward(quotes, growth)?;
    let below = quotes.partition_point(|quote| quote.strike <= forward);
    let (middle, above) = (*quotes[..below].last()?, &quotes[below..]);
    let (puts, puts_end) = wing(quotes[..below - 1].iter().rev().map(|quote| (quote.strike, quote.put)));
    let (calls, calls_end) = wing(above.iter().map(|quote| (quote.strike, quote.call)));
    let mut strip: Vec<Member> = puts.into_iter().rev().collect();
    strip.push((middle.strike, (middle.call.mid()? + middle.put.mid()?) / 2.0));
    strip.extend(calls);
    let ((lowest, _), (highest, _)) = (*strip.first()?, *strip.last()?);
    let variance = 2.0 / ttm * growth * sum(&strip)? - (forward / middle.strike - 1.0).powi(2) / ttm;
    variance.is_finite().then_some(VarianceStrip {
        variance,
        forward,
        k0: middle.strike,
        count: strip.len(),
        lowest,
        highest,
        complete: puts_end && calls_end,
    })
}

/// The forward by parity at the strike where the middles of call and put are nearest, of several the least.
fn forward(quotes: &[StrikeQuotes], growth: f64) -> Option<f64> {
    let pairs = quotes.iter().filter_map(|quote| Some((quote.strike, quote.call.mid()? - quote.put.mid()?)));
    let (strike, difference) = pairs.min_by(|one, other| one.1.abs().total_cmp(&other.1.abs()))?;
    let forward = strike + growth * difference;
    forward.is_finite().then_some(forward)
}

/// The options from the middle outwards, up to two in a row that nobody bids for; and whether there were such. One that is
/// not quoted ends the wing too, for nobody knows what lies beyond it.
fn wing(quotes: impl Iterator<Item = (f64, BidAsk)>) -> (Vec<Member>, bool) {
    let mut members = Vec::new();
    let mut without_bid = 0;
    for (strike, quote) in quotes {
        if quote.ask.is_none() {
            return (members, false);
        }
        match quote.mid() {
            Some(mid) => {
                without_bid = 0;
                members.push((strike, mid));
            }
            None => without_bid += 1,
        }
        if without_bid == 2 {
            return (members, true);
        }
    }
    (members, false)
}

/// The sum over the strip of middle times width over the square of the strike. The width is half the distance between the
/// neighbours in the strip, and at both ends the distance to the one neighbour.
fn sum(strip: &[Member]) -> Option<f64> {
    let last = strip.len().checked_sub(1).filter(|last| *last > 0)?;
    let width = |at: usize| match at {
        0 => strip[1].0 - strip[0].0,
        at if at == last => strip[last].0 - strip[last - 1].0,
        at => (strip[at + 1].0 - strip[at - 1].0) / 2.0,
    };
    Some(strip.iter().enumerate().map(|(at, (strike, mid))| width(at) / (strike * strike) * mid).sum())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// The quotes of the worked example in Cboe's methodology: of the near term (34,484 minutes) or the next (44,954).
    fn example(term: &str) -> Vec<StrikeQuotes> {
        let rows = include_str!("variance_strip/example.csv").lines().filter(|line| line.starts_with(term));
        let quotes = rows.map(|row| {
            let numbers: Vec<f64> = row.split(',').skip(1).map(|field| field.parse().unwrap()).collect();
            let of = |at: usize| BidAsk { bid: numbers[at], ask: Some(numbers[at + 1]) };
            StrikeQuotes { strike: numbers[0], call: of(1), put: of(3) }
        });
        quotes.collect()
    }

    const NEAR: (f64, f64) = (34_484.0 / 525_600.0, 0.000_316_64);
    const NEXT: (f64, f64) = (44_954.0 / 525_600.0, 0.000_287_97);

    #[track_caller]
    fn near(found: f64, published: f64, within: f64) {
        assert!((found - published).abs() <= within, "{found} is not {published}");
    }

    #[test]
    fn the_published_example_comes_out() {
        let strip = implied_variance(&mut example("near"), NEAR.0, NEAR.1).unwrap();
        near(strip.forward, 1_962.899_96, 5e-6);
        near(strip.variance, 0.019_233_906, 5e-10);
        assert_eq!((strip.k0, strip.lowest, strip.highest, strip.count), (1960.0, 1370.0, 2125.0, 146));
        assert!(strip.complete);

        let strip = implied_variance(&mut example("next"), NEXT.0, NEXT.1).unwrap();
        near(strip.forward, 1_962.400_06, 5e-6);
        near(strip.variance, 0.019_423_884, 5e-10);
        assert_eq!((strip.k0, strip.lowest, strip.highest, strip.count), (1960.0, 1275.0, 2200.0, 122));
        assert!(strip.complete);
    }

    #[test]
    fn a_strip_that_ends_with_the_quotes_says_so() {
        let mut known: Vec<_> = example("near").into_iter().filter(|quote| quote.strike >= 1600.0).collect();
        let cut = implied_variance(&mut known, NEAR.0, NEAR.1).unwrap();
        assert!(!cut.complete && cut.variance < 0.019_2, "{cut:?}");
        // A strike that is listed and not quoted says no more than one that is not known.
        let mut unquoted = example("near");
        unquoted.iter_mut().filter(|quote| quote.strike < 1600.0).for_each(|quote| quote.put = BidAsk::default());
        assert_eq!(implied_variance(&mut unquoted, NEAR.0, NEAR.1), Some(cut));
    }

    #[test]
    fn the_order_of_strikes_makes_no_difference() {
        let mut turned = example("next");
        turned.reverse();
        let of = |mut quotes: Vec<StrikeQuotes>| implied_variance(&mut quotes, NEXT.0, NEXT.1);
        assert_eq!(of(turned), of(example("next")));
    }

    #[test]
    fn what_implies_nothing_gives_nothing() {
        let one = |strike, call: (f64, f64), put: (f64, f64)| {
            let of = |(bid, ask)| BidAsk { bid, ask: Some(ask) };
            StrikeQuotes { strike, call: of(call), put: of(put) }
        };
        let pair = [one(100.0, (2.0, 2.1), (1.8, 1.9)), one(105.0, (0.5, 0.6), (5.1, 5.3))];
        assert!(implied_variance(&mut pair.clone(), 0.1, 0.0).is_some());
        assert_eq!(implied_variance(&mut [], 0.1, 0.0), None);
        assert_eq!(implied_variance(&mut pair[..1].to_vec(), 0.1, 0.0), None);
        assert_eq!(implied_variance(&mut [pair[0], pair[0], pair[1]], 0.1, 0.0), None);
        for (ttm, rate) in [(0.0, 0.0), (-1.0, 0.0), (f64::NAN, 0.0), (0.1, f64::INFINITY)] {
            assert_eq!(implied_variance(&mut pair.clone(), ttm, rate), None);
        }
        let no_bid = one(100.0, (0.0, 2.1), (1.8, 1.9));
        assert_eq!(implied_variance(&mut [no_bid], 0.1, 0.0), None);
    }
}
