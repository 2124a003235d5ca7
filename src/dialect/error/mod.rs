//! What DataFusion, Arrow and sqlparser report becomes PostgreSQL's error: kind (SQLSTATE), sentence,
//! hint and position.
//!
//! DataFusion 55: most of its errors are texts without a code, so that what they mean is read from
//! their wording; an upgrade changes wordings without notice. Not needed once its errors carry codes:
//! until then `errors.slt` shows which wordings changed, as errors of another kind.

mod convert;
pub(crate) mod message;
mod missing;
mod syntax;

pub(crate) use convert::{QUERY_LIMIT, SPILL_FAILED};
