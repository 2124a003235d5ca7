//! Values of options: European by Black-Scholes-Merton and Black-76, American by the integral over the boundary of
//! early exercise; their sensitivities, and the volatility that a price implies.
//!
//! Rates, yields and volatilities are ratios per year (0.25 = 25 %), rates and yields compound continuously.
//! What has no value is `None`, and never NaN.

pub mod american;
pub mod european;
pub mod future;
pub mod higher_order;
pub mod inputs;
mod normal;
pub mod parity;
pub mod variance_strip;
