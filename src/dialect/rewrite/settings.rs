//! The rewriter refuses a list that sets a setting and reads one for each row of a table: PostgreSQL computes such a list row
//! by row, so that a row reads what was set for it.
//!
//! DataFusion 55: a list is computed column by column. Not needed once volatile functions of a list run row by row.

use super::build::called;
use crate::dialect::parse::walk::Walk;
use crate::error::{ErrorKind, QueryError};
use datafusion::sql::sqlparser::ast::{Expr, Select};

/// Checks the list of one SELECT.
///
/// # Errors
/// 0A000 for `set_config` beside `current_setting` over the rows of a table.
pub(crate) fn check(select: &Select) -> Result<(), QueryError> {
    if select.from.is_empty() {
        return Ok(());
    }
    let (mut sets, mut reads) = (false, false);
    select.projection.walk_expressions(|expr| {
        if let Expr::Function(function) = expr {
            let name = called(function);
            sets |= name.as_deref() == Some("set_config");
            reads |= name.as_deref() == Some("current_setting");
        }
    });
    match sets && reads {
        false => Ok(()),
        true => {
            let message = "set_config beside current_setting in a list over several rows is not supported";
            Err(QueryError::new(ErrorKind::NotSupported, message))
        }
    }
}
