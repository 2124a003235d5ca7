//! European options on futures by Black-76. A future carries no cost, so it is a share whose yield is the rate.

use super::european;
use super::inputs::{Inputs, Sensitivities};
use crate::market::symbol::Side;

/// Price and sensitivities of an option on a future, whose price is [`Inputs::underlying`]; [`Inputs::dividend_yield`]
/// is ignored. `None` where [`european::sensitivities`] has none.
pub fn sensitivities(side: Side, inputs: &Inputs) -> Option<Sensitivities> {
    let value = european::sensitivities(side, &carried(inputs))?;
    // The future's price is given, so the rate only discounts.
    Some(Sensitivities { rho: -inputs.years * value.price / 100.0, ..value })
}

/// Inputs with the yield that makes a future of a share.
pub fn carried(inputs: &Inputs) -> Inputs {
    Inputs { dividend_yield: inputs.rate, ..*inputs }
}
