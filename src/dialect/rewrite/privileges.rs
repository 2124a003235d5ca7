//! The rewriter answers questions about privileges of single objects: none are kept here, so that a list of them is
//! empty.

use super::build::{self, cast, is_call};
use datafusion::sql::sqlparser::ast::{AccessExpr, DataType, Expr, Select, SelectItem, Value};

/// Gives a SELECT of `aclexplode(privileges)` no rows, as PostgreSQL does where there are no privileges: the function
/// gives a row for each. What it would give becomes a record of NULLs, of which the list may pick fields.
pub(crate) fn explode(select: &mut Select) {
    let mut found = false;
    for item in &mut select.projection {
        if let SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } = item
            && let Some(call) = exploded(expr)
        {
            *call = nothing();
            found = true;
        }
    }
    if found {
        select.selection = Some(Expr::Value(Value::Boolean(false).into()));
    }
}

/// The call of `aclexplode` that an expression is, or whose field it is.
fn exploded(expr: &mut Expr) -> Option<&mut Expr> {
    match expr {
        Expr::Nested(inner) => exploded(inner),
        Expr::CompoundFieldAccess { root, access_chain } => match access_chain.as_slice() {
            [AccessExpr::Dot(_)] => exploded(root),
            _ => None,
        },
        Expr::Function(function) => {
            super::function::strip_schema(&mut function.name);
            is_call(expr, "aclexplode").then_some(expr)
        }
        _ => None,
    }
}

/// A record of `aclexplode` whose fields are NULL.
fn nothing() -> Expr {
    let null = |data_type| cast(Expr::Value(Value::Null.into()), data_type);
    let fields = [
        ("grantor", DataType::IntUnsigned(None)),
        ("grantee", DataType::IntUnsigned(None)),
        ("privilege_type", DataType::Text),
        ("is_grantable", DataType::Boolean),
    ];
    let arguments = fields.into_iter().flat_map(|(name, data_type)| [build::text(name), null(data_type)]);
    build::call("named_struct", arguments.collect())
}
