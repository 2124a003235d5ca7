//! Arguments of functions that say themselves which types they take, of whatever kind they are: what has no type takes the
//! one of its place, and a `numeric` that is taken as a double becomes one at once.

use super::context::Typing;
use super::exact::unknown;
use super::kind::Kind;
use super::operand::Operand;
use arrow::datatypes::DataType;
use datafusion::common::Result;
use datafusion::error::DataFusionError;
use datafusion::logical_expr::type_coercion::functions::UDFCoercionExt;
use datafusion::logical_expr::{ScalarUDF, TypeSignature};

impl Typing<'_> {
    /// The arguments as the function takes them. A function that does not take an untyped NULL leaves what has no type as it is.
    ///
    /// # Errors
    /// The function's own refusal, if it has one of PostgreSQL's; a text that does not read as the type of its place.
    pub(super) fn taken<F: UDFCoercionExt>(&mut self, func: &F, args: Vec<Operand>) -> Result<Vec<Operand>> {
        if func.signature().type_signature != TypeSignature::UserDefined {
            return Ok(args);
        }
        let given: Vec<DataType> = args.iter().map(open_type).collect();
        let wanted = match func.coerce_types(&given) {
            Ok(wanted) => wanted,
            Err(error @ DataFusionError::External(_)) => return Err(error),
            Err(_) => return Ok(args),
        };
        let places = args.into_iter().zip(wanted);
        let taken = places.map(|(arg, wanted)| match (arg.kind(), &wanted) {
            (Kind::Unknown, DataType::Null) => Ok(arg),
            (Kind::Unknown, _) | (Kind::Numeric, DataType::Float64) => {
                Ok(Operand { expr: self.coerce(arg, &wanted)?, data_type: wanted })
            }
            (Kind::Text, DataType::Float64 | DataType::Int64) => Err(unknown(func.name(), &given)),
            _ => Ok(arg),
        });
        taken.collect()
    }

    /// The same for a function that refuses texts where values without a type stand, and takes an untyped NULL there.
    ///
    /// # Errors
    /// As [`Self::taken`].
    pub(super) fn retaken(&mut self, func: &ScalarUDF, args: Vec<Operand>) -> Result<Vec<Operand>> {
        let given: Vec<DataType> = args.iter().map(|arg| arg.data_type.clone()).collect();
        let open: Vec<DataType> = args.iter().map(open_type).collect();
        let user_defined = func.signature().type_signature == TypeSignature::UserDefined;
        if given == open || !user_defined || func.coerce_types(&given).is_ok() || func.coerce_types(&open).is_err() {
            return Ok(args);
        }
        self.taken(func, args)
    }
}

/// The type of an argument; that of NULL for one that has none.
fn open_type(arg: &Operand) -> DataType {
    if arg.kind() == Kind::Unknown { DataType::Null } else { arg.data_type.clone() }
}
