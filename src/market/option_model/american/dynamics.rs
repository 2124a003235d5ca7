//! What the value of a put with strike 1 depends on beside the price of the underlying.

/// Rates, volatility and time of a put with strike 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Dynamics {
    pub(super) rate: f64,
    pub(super) dividend_yield: f64,
    pub(super) volatility: f64,
    pub(super) years: f64,
}

impl Dynamics {
    /// What the price of the underlying grows by in a year under the pricing measure.
    pub(super) fn drift(&self) -> f64 {
        self.rate - self.dividend_yield
    }

    /// Volatility over the whole life.
    pub(super) fn deviation(&self) -> f64 {
        self.volatility * self.years.sqrt()
    }

    /// `d1` of a price this far above another, by logarithm, with a share of the life left whose root is `root`.
    pub(super) fn d1(&self, distance: f64, root: f64) -> f64 {
        let deviation = self.deviation() * root;
        (distance + self.drift() * self.years * root * root) / deviation + 0.5 * deviation
    }

    /// Whether holding on always beats exercise: neither interest on the strike nor dividends saved are gained by it.
    pub(super) fn is_never_exercised(&self) -> bool {
        self.rate <= 0.0 && self.rate <= self.dividend_yield
    }

    /// Whether exercise pays between two boundaries, above one and below another.
    pub(super) fn has_two_boundaries(&self) -> bool {
        self.rate < 0.0 && !self.is_never_exercised()
    }

    /// Where the boundary is at expiration.
    pub(super) fn boundary_at_expiration(&self) -> f64 {
        match self.rate > 0.0 && self.dividend_yield > 0.0 {
            true => (self.rate / self.dividend_yield).min(1.0),
            false => 1.0,
        }
    }

    /// Where the boundary is of a put that never expires.
    pub(super) fn perpetual_boundary(&self) -> f64 {
        let variance = self.volatility * self.volatility;
        // The negative root of the characteristic equation is -gap; this form of it loses no digits.
        let half = 0.5 - self.drift() / variance;
        let root = (half * half + 2.0 * self.rate / variance).sqrt();
        let gap = if half > 0.0 { 2.0 * self.rate / variance / (half + root) } else { root - half };
        gap / (1.0 + gap)
    }
}
