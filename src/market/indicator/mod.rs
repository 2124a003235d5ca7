//! Indicators of technical analysis over a series of numbers, with TA-Lib's formulas, seeds and first rows.
//!
//! A series holds finite numbers alone, oldest first; whoever has rows without one leaves them out. A result stands for each
//! number, `None` as long as too few came before it.

mod average;
mod bands;
mod behind;
mod convergence;
mod range;
mod strength;

pub use average::exponential_average;
pub use bands::{Bands, bollinger_bands};
pub use convergence::{Convergence, moving_average_convergence};
pub use range::{average_true_range, true_range};
pub use strength::relative_strength;
