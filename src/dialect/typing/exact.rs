//! Numerics that a function takes as doubles become the nearest ones, as PostgreSQL's cast makes them.
//!
//! DataFusion 55: its cast divides a rounded number by a power of ten, and so rounds twice. Not needed once a cast
//! of 0.92030920993190389 gives the double that is nearest, as `options.slt` tells.

use super::context::Typing;
use super::kind::Kind;
use super::operand::Operand;
use arrow::datatypes::DataType;
use datafusion::common::Result;
use datafusion::logical_expr::{Expr, ScalarUDF, TypeSignature};

impl Typing<'_> {
    /// An argument whose type is known, in the place of one of a function that says itself which types it takes.
    pub(super) fn exact(&mut self, func: &ScalarUDF, types: &[DataType], place: usize, arg: Operand) -> Result<Expr> {
        if arg.kind() != Kind::Numeric || func.signature().type_signature != TypeSignature::UserDefined {
            return Ok(arg.expr);
        }
        let taken = func.coerce_types(types).ok().and_then(|taken| taken.into_iter().nth(place));
        if taken == Some(DataType::Float64) { self.coerce(arg, &DataType::Float64) } else { Ok(arg.expr) }
    }
}
