//! `time_bucket`: the beginning of the bucket that a moment or a number is in.
//!
//! - `arguments`: what the arguments of a call are;
//! - `grid`: buckets that follow each other on a line, `local`: on the clock of a zone, `session`: within sessions of
//!   an exchange; `buckets`: by whichever of them;
//! - `of_call`: the buckets that the arguments of a call say; `function`: the function.

pub(super) mod arguments;
pub(super) mod buckets;
mod function;
pub(super) mod grid;
mod local;
pub(super) mod of_call;
mod session;
mod span;

pub(super) use function::{documentation, function, missing};
