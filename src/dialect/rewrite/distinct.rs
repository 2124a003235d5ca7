//! The rewriter turns `SELECT DISTINCT ON (a) ...` whose list has subqueries into a query that
//! numbers the rows of each group and keeps the first.
//!
//! DataFusion 55: correlated subqueries are allowed in Projection, Filter and Aggregate nodes
//! ("Correlated scalar subquery can only be used in ...", `check_subquery_expr`), and DISTINCT ON is
//! a node of its own with its list inside. Not needed once `SELECT DISTINCT ON (a) a, (SELECT max(b)
//! FROM u WHERE u.a = t.a) FROM t` plans.

use super::build::{self, call};
use crate::dialect::parse::walk::Walk;
use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Distinct, ExceptSelectItem, Expr, Ident, OrderBy, OrderByExpr, OrderByKind, Query, SelectItem,
    SetExpr, TableFactor, Value, Visitor, WildcardAdditionalOptions, WindowSpec, WindowType,
};
use std::ops::ControlFlow;

/// Rewrites such a query to `SELECT * EXCEPT (hidden) FROM (SELECT ..., row_number() OVER (PARTITION
/// BY a ORDER BY ...)) WHERE number = 1 ORDER BY ...`.
///
/// The number and the keys of ORDER BY travel as hidden columns whose names begin with a control
/// character. A query without subqueries in its list, or with ORDER BY ALL, is left alone.
pub(crate) fn on_with_subqueries(query: &mut Query) {
    let SetExpr::Select(select) = query.body.as_mut() else { return };
    let Some(Distinct::On(groups)) = &select.distinct else { return };
    if !has_subquery(&select.projection) {
        return;
    }
    let order = match query.order_by.take().map(|order| order.kind) {
        None => Vec::new(),
        Some(OrderByKind::Expressions(keys)) => keys,
        Some(all @ OrderByKind::All(_)) => {
            query.order_by = Some(OrderBy { kind: all, interpolate: None });
            return;
        }
    };
    let mut number = call("row_number", Vec::new());
    if let Expr::Function(function) = &mut number {
        function.over = Some(WindowType::WindowSpec(WindowSpec {
            window_name: None,
            partition_by: groups.clone(),
            order_by: order.clone(),
            window_frame: None,
        }));
    }
    select.distinct = None;
    let hidden = |index: usize| Ident::with_quote('"', format!("\u{1}{index}"));
    select.projection.push(SelectItem::ExprWithAlias { expr: number, alias: hidden(0) });
    let mut outer_order = Vec::with_capacity(order.len());
    for (key, index) in order.into_iter().zip(1..) {
        select.projection.push(SelectItem::ExprWithAlias { expr: key.expr.clone(), alias: hidden(index) });
        outer_order.push(OrderByExpr { expr: Expr::Identifier(hidden(index)), ..key });
    }
    let Some(mut outer) = build::one_value(build::boolean(true), build::ident("one")) else { return };
    let SetExpr::Select(shell) = outer.body.as_mut() else { return };
    let additional_elements = (1..=outer_order.len()).map(hidden).collect();
    let except = ExceptSelectItem { first_element: hidden(0), additional_elements };
    let options = WildcardAdditionalOptions { opt_except: Some(except), ..Default::default() };
    shell.projection = vec![SelectItem::Wildcard(options)];
    let one = Expr::Value(Value::Number("1".to_owned(), false).into());
    let first = Box::new(Expr::Identifier(hidden(0)));
    shell.selection = Some(Expr::BinaryOp { left: first, op: BinaryOperator::Eq, right: Box::new(one) });
    let mut inner = outer.clone();
    inner.body = query.body.clone();
    let SetExpr::Select(shell) = outer.body.as_mut() else { return };
    shell.from = vec![datafusion::sql::sqlparser::ast::TableWithJoins {
        relation: TableFactor::Derived {
            lateral: false,
            subquery: Box::new(inner),
            alias: Some(build::alias("numbered")),
            sample: None,
        },
        joins: Vec::new(),
    }];
    query.body = outer.body;
    if !outer_order.is_empty() {
        query.order_by = Some(OrderBy { kind: OrderByKind::Expressions(outer_order), interpolate: None });
    }
}

/// Whether a column of a list has a query in it, wherever it stands.
fn has_subquery(items: &[SelectItem]) -> bool {
    struct Found;
    impl Visitor for Found {
        type Break = ();

        fn pre_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
            ControlFlow::Break(())
        }
    }
    items.iter().any(|item| item.walk(&mut Found).is_break())
}
