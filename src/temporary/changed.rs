//! Queries over the rows of a change: what RETURNING gives of them, whether CHECK lets them in, and what ON CONFLICT DO
//! UPDATE makes of those that are there.

use super::alter::{Altered, Source};
use super::conflict;
use super::contents::{Check, Column, Constraints, Relation, Table};
use super::query::{self, check_values};
use super::rows::Rows;
use super::statement::Rows as Changed;
use crate::dialect::parse::tree::fold;
use crate::dialect::rewrite::build;
use crate::error::{ErrorKind, QueryError};
use datafusion::sql::sqlparser::ast::{
    BinaryOperator, DataType, Expr, Ident, Query, SelectItem, SetExpr, TableAlias, TableFactor,
};
use std::sync::Arc;

/// Name of the table of the rows of a change, while it is made; no identifier of a client has it.
pub(crate) const CHANGED: &str = "\u{2}changed";

/// Name of the table that `excluded` stands for.
pub(crate) const PROPOSED: &str = "\u{2}proposed";

/// Bytes of a CHECK, at most: it is planned with each change of the table.
const CONDITION_BYTES_MAX: usize = 2_000;

/// What a table of the rows of a change is like: as the table itself, but that nothing is required of it.
pub(crate) fn changed(table: &Table, rows: Rows) -> Relation {
    let free = |column: &Column| Column { required: false, ..column.clone() };
    let columns = table.columns.iter().map(free).collect();
    let mut own = Table::new(columns, table.schema.clone(), Constraints::default(), None);
    own.rows = rows;
    Relation::Table(Arc::new(own))
}

/// What the table is like that `excluded` stands for.
pub(crate) fn proposed(table: &Table, rows: Rows) -> Relation {
    let free = |column: &Column| Column { required: false, ..column.clone() };
    let name = super::provider::ROW.to_owned();
    let row = Column {
        name,
        sql_type: DataType::Unspecified,
        declared: String::new(),
        length: None,
        required: false,
        default: None,
    };
    let columns = table.columns.iter().map(free).chain([row]).collect();
    let mut own = Table::new(columns, conflict::proposed_schema(table), Constraints::default(), None);
    own.rows = rows;
    Relation::Table(Arc::new(own))
}

/// The query of RETURNING.
///
/// # Errors
/// 42P20 and 0A000 for what may not stand there.
pub(crate) fn returning(schema: &str, alias: &Ident, items: &[SelectItem]) -> Result<Query, QueryError> {
    let exprs = items.iter().filter_map(|item| match item {
        SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => Some(expr),
        _ => None,
    });
    check_values(exprs, "RETURNING")?;
    over(schema, CHANGED, alias, items.to_vec())
}

/// A query of what each CHECK says of each row.
///
/// # Errors
/// None for the texts of this file.
pub(crate) fn checks(schema: &str, table: &str, checks: &[Check]) -> Result<Query, QueryError> {
    let item = |(place, check): (usize, &Check)| SelectItem::ExprWithAlias {
        expr: Expr::Nested(Box::new(check.condition.clone())),
        alias: Ident::with_quote('"', format!("\u{2}{place}")),
    };
    over(schema, CHANGED, &Ident::with_quote('"', table), checks.iter().enumerate().map(item).collect())
}

/// Checks a CHECK by itself.
///
/// # Errors
/// 0A000 for a subquery, and for what gives several rows; 42P20 for a window, 54000 for one that is long.
pub(crate) fn check_condition(check: &Check) -> Result<(), QueryError> {
    if check.condition.to_string().len() > CONDITION_BYTES_MAX {
        let message = format!("a condition of CHECK has at most {CONDITION_BYTES_MAX} bytes");
        return Err(QueryError::new(ErrorKind::LimitReached, message));
    }
    if query::has_subquery(&check.condition) {
        return Err(QueryError::new(ErrorKind::NotSupported, "cannot use subquery in check constraint"));
    }
    check_values(std::iter::once(&check.condition), "check constraints")
}

/// The rows that DO UPDATE is about: those that are there, beside the new ones that are like them.
pub(crate) fn like(schema: &str, alias: &Ident, selection: Option<&Expr>) -> Result<Changed, QueryError> {
    let excluded = Ident::new("excluded");
    if fold(alias) == "excluded" {
        let message = "table name \"excluded\" specified more than once";
        return Err(QueryError::new(ErrorKind::DuplicateAlias, message));
    }
    let row =
        |of: &Ident| Box::new(Expr::CompoundIdentifier(vec![of.clone(), Ident::with_quote('"', super::provider::ROW)]));
    let same = Expr::BinaryOp { left: row(alias), op: BinaryOperator::Eq, right: row(&excluded) };
    let selection = match selection {
        None => same,
        Some(also) => Expr::BinaryOp {
            left: Box::new(same),
            op: BinaryOperator::And,
            right: Box::new(Expr::Nested(Box::new(also.clone()))),
        },
    };
    let others = from(&over(schema, PROPOSED, &excluded, vec![SelectItem::UnnamedExpr(build::null())])?);
    Ok(Changed { with: None, others, selection: Some(selection) })
}

/// The rows of a table as ALTER TABLE has them; `None` where they stay as they are.
///
/// # Errors
/// None for the texts of this file.
pub(crate) fn altered(schema: &str, name: &str, table: &Table, made: &Altered) -> Result<Option<Query>, QueryError> {
    let same = made.sources.iter().enumerate().all(|(at, source)| matches!(source, Source::Kept(old) if *old == at));
    if same && made.sources.len() == table.columns.len() {
        return Ok(None);
    }
    let own = |place: &usize| match table.columns.get(*place) {
        Some(column) => Expr::Identifier(Ident::with_quote('"', &column.name)),
        None => build::null(),
    };
    let item = |(place, (source, column)): (usize, (&Source, &Column))| {
        let expr = match source {
            Source::Kept(old) => own(old),
            Source::Cast(_, Some(using)) => column.cast(using.as_ref().clone()),
            Source::Cast(old, None) => column.cast(own(old)),
            Source::New => column.without_value(),
        };
        SelectItem::ExprWithAlias { expr, alias: Ident::with_quote('"', format!("\u{2}{place}")) }
    };
    let items = made.sources.iter().zip(&made.columns).enumerate().map(item).collect();
    over(schema, name, &Ident::with_quote('"', name), items).map(Some)
}

/// A query over a table of the temporary schema, under another name.
fn over(schema: &str, table: &str, alias: &Ident, items: Vec<SelectItem>) -> Result<Query, QueryError> {
    let mut query = query::all_of(schema, table)?;
    if let SetExpr::Select(select) = query.body.as_mut() {
        select.projection = items;
        for table in &mut select.from {
            if let TableFactor::Table { alias: called, .. } = &mut table.relation {
                *called = Some(TableAlias { explicit: true, name: alias.clone(), columns: Vec::new(), at: None });
            }
        }
    }
    Ok(query)
}

fn from(query: &Query) -> Vec<datafusion::sql::sqlparser::ast::TableWithJoins> {
    match query.body.as_ref() {
        SetExpr::Select(select) => select.from.clone(),
        _ => Vec::new(),
    }
}
