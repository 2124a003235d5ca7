//! Numerics that a function takes as doubles become the nearest ones, as PostgreSQL's cast makes them.
//!
//! DataFusion 55: its cast divides a rounded number by a power of ten, and so rounds twice. Not needed once a cast
//! of 0.92030920993190389 gives the double that is nearest, as `options.slt` tells.

use super::context::Typing;
use super::kind::Kind;
use super::operand::Operand;
use crate::dialect::moment::fault;
use arrow::datatypes::DataType;
use datafusion::common::Result;
use datafusion::error::DataFusionError;
use datafusion::logical_expr::{Expr, ScalarUDF, TypeSignature};

impl Typing<'_> {
    /// An argument whose type is known, in the place of one of a function that says itself which types it takes.
    pub(super) fn exact(&mut self, func: &ScalarUDF, types: &[DataType], place: usize, arg: Operand) -> Result<Expr> {
        let kind = arg.kind();
        if !matches!(kind, Kind::Numeric | Kind::Text) || func.signature().type_signature != TypeSignature::UserDefined
        {
            return Ok(arg.expr);
        }
        let taken = func.coerce_types(types).ok().and_then(|taken| taken.into_iter().nth(place));
        match (kind, taken) {
            (Kind::Numeric, Some(DataType::Float64)) => self.coerce(arg, &DataType::Float64),
            (Kind::Text, Some(DataType::Float64 | DataType::Int64)) => Err(unknown(func.name(), types)),
            _ => Ok(arg.expr),
        }
    }
}

/// 42883: a function takes no text where it takes a number, unless the text is written out.
pub(super) fn unknown(name: &str, types: &[DataType]) -> DataFusionError {
    let types: Vec<String> = types.iter().map(|given| Kind::of(given).name()).collect();
    fault::unknown(format!("function {name}({}) does not exist", types.join(", ")))
}
