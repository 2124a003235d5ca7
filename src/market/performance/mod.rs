//! How well an investment did: its returns against their risk, and its deepest fall.

mod drawdown;
mod moments;
mod returns;

pub use drawdown::Drawdown;
pub use moments::Moments;
pub use returns::Returns;
