//! Parameters take the type that the client declares, or else the one their first place asks for.
//!
//! DataFusion 55: a parameter beside an operator takes the other side's type while the statement is planned, of a literal
//! `Int64`, and no type as the argument of a function. Not needed once `SELECT $1 + 1` says Int32.

use super::context::{Parameters, Typing};
use super::kind::{Kind, UNBOUND, refusal};
use super::operand::{Operand, number};
use crate::dialect::schema::recomputed;
use crate::error::ErrorKind;
use arrow::datatypes::{DataType, Field};
use datafusion::common::Result;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::logical_expr::expr::Placeholder;
use datafusion::logical_expr::{Expr, LogicalPlan};
use std::sync::Arc;

fn typed(placeholder: Placeholder, data_type: DataType) -> Operand {
    let field = Arc::new(Field::new(&placeholder.id, data_type.clone(), true));
    Operand { expr: Expr::Placeholder(Placeholder { id: placeholder.id, field: Some(field) }), data_type }
}

impl Typing<'_> {
    /// A parameter in the type that is known of it, if one is.
    pub(super) fn known_parameter(&mut self, placeholder: Placeholder) -> Operand {
        let known = number(&placeholder).and_then(|number| self.parameters.get(&number)).cloned();
        match known {
            Some(data_type) => typed(placeholder, data_type),
            None => Operand { expr: Expr::Placeholder(placeholder), data_type: DataType::Null },
        }
    }

    /// A parameter in the place of a value of a type: it has that type from here on, unless it has one.
    pub(super) fn parameter(&mut self, placeholder: Placeholder, wanted: &DataType) -> Result<Operand> {
        let plain = plain(wanted);
        let data_type = match number(&placeholder) {
            Some(number) => self.parameters.entry(number).or_insert(plain).clone(),
            None => plain,
        };
        Ok(typed(placeholder, data_type))
    }
}

/// The type in which a parameter is sent for a value of a type: that of its kind.
fn plain(wanted: &DataType) -> DataType {
    match Kind::of(wanted) {
        Kind::Numeric => UNBOUND,
        kind => kind.data_type().unwrap_or_else(|| wanted.clone()),
    }
}

/// The number of a parameter that has no type.
fn open_number(expr: &Expr) -> Option<usize> {
    match expr {
        Expr::Placeholder(placeholder) if placeholder.field.is_none() => number(placeholder),
        _ => None,
    }
}

/// A plan whose parameters have no types.
pub(super) fn stripped(plan: LogicalPlan) -> Result<LogicalPlan> {
    let open = |expr: Expr| match expr {
        Expr::Placeholder(Placeholder { id, field: Some(_) }) => {
            Ok(Transformed::yes(Expr::Placeholder(Placeholder { id, field: None })))
        }
        other => Ok(Transformed::no(other)),
    };
    Ok(plan.transform_down_with_subqueries(|node| node.map_expressions(|expr| expr.transform_down(open)))?.data)
}

/// A plan whose parameters all have types: what nothing tells of is a text.
///
/// # Errors
/// 42P18 for one of which nothing is asked but whether it is NULL.
pub(super) fn settled(plan: LogicalPlan, parameters: &mut Parameters) -> Result<LogicalPlan> {
    let mut open = false;
    let mut settle = |expr: Expr| match expr {
        Expr::IsNull(ref of) | Expr::IsNotNull(ref of) => match open_number(of) {
            Some(number) if !parameters.contains_key(&number) => {
                let text = format!("could not determine data type of parameter ${number}");
                Err(refusal(ErrorKind::IndeterminateType, text))
            }
            _ => Ok(Transformed::no(expr)),
        },
        Expr::Placeholder(Placeholder { id, field: None }) => {
            open = true;
            let placeholder = Placeholder { id, field: None };
            let data_type = match number(&placeholder) {
                Some(number) => parameters.entry(number).or_insert(DataType::Utf8).clone(),
                None => DataType::Utf8,
            };
            Ok(Transformed::yes(typed(placeholder, data_type).expr))
        }
        other => Ok(Transformed::no(other)),
    };
    let plan = plan.transform_up_with_subqueries(|node| {
        let node = node.map_expressions(|expr| expr.transform_down(&mut settle))?;
        if node.transformed { node.map_data(recomputed) } else { Ok(node) }
    })?;
    // Columns above one that was open have its type now.
    if !open {
        return Ok(plan.data);
    }
    Ok(plan.data.transform_up_with_subqueries(|node| Ok(Transformed::yes(recomputed(node)?)))?.data)
}
