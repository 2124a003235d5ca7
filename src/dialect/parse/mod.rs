//! The parser turns SQL text into sqlparser trees, and refuses what needs no catalog to be refused:
//! statements too deep to walk, too large to plan, or too heavy when written out, and syntax that is
//! another system's.
//!
//! The engine calls [`parse`] for the trees, then [`check`] and `weight::check` before it
//! rewrites and plans one; `depth::Depth` gives the walks over deep trees a stack of their own. Each
//! limit exists because DataFusion or sqlparser would otherwise take hours or end the process on a
//! short text.

pub(crate) mod as_of_join;
mod check;
mod continued;
pub(crate) mod depth;
pub(crate) mod exclusion;
mod expression_fields;
mod fields;
mod grammar;
pub(crate) mod identifier;
pub(crate) mod lexer;
pub(crate) mod numeric_type;
mod operators;
mod question_mark;
mod refuse;
pub(crate) mod size;
pub(crate) mod spelling;
mod statement;
pub(crate) mod tree;
pub(crate) mod walk;
pub(crate) mod weight;
pub(crate) mod words;

pub(crate) use check::check;
#[cfg(test)]
pub(crate) use statement::parse;
pub(crate) use statement::{Placeholders, parse_with};
pub use tree::Statement;
