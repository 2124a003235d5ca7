//! Visitors of a statement's tree share one walk over it.
//!
//! sqlparser 0.62 makes its walk anew for each type of visitor: a quarter of a megabyte of code each, and the time to
//! compile it. Not needed once it walks for a `dyn Visitor`.
//!
//! A walk ends when its statement is cancelled or out of time.

use crate::work;
use datafusion::sql::sqlparser::ast::{
    Expr, ObjectName, Query, Select, Statement, TableFactor, ValueWithSpan, Visit, VisitMut, Visitor, VisitorMut,
};
use std::ops::ControlFlow;

/// A tree that visitors look at.
pub(crate) trait Walk {
    /// Shows a visitor each node, the outer before and after the inner ones; gives what it stopped with.
    fn walk<V: Visitor>(&self, visitor: &mut V) -> ControlFlow<V::Break>;

    /// Shows each expression, the outer before the inner ones.
    fn walk_expressions(&self, show: impl FnMut(&Expr)) {
        let _ = self.walk(&mut Expressions(show));
    }
}

/// A tree that visitors change.
pub(crate) trait WalkMut {
    /// Gives a visitor each node, the outer before and after the inner ones; gives what it stopped with.
    fn walk_mut<V: VisitorMut>(&mut self, visitor: &mut V) -> ControlFlow<V::Break>;
}

impl<T: Visit> Walk for T {
    fn walk<V: Visitor>(&self, visitor: &mut V) -> ControlFlow<V::Break> {
        let mut stopping = Stopping { visitor, reason: None };
        let _ = self.visit(&mut Erased(&mut stopping as &mut dyn Visitor<Break = ()>));
        stopping.reason.map_or(ControlFlow::Continue(()), ControlFlow::Break)
    }
}

impl<T: VisitMut> WalkMut for T {
    fn walk_mut<V: VisitorMut>(&mut self, visitor: &mut V) -> ControlFlow<V::Break> {
        let mut stopping = Stopping { visitor, reason: None };
        let _ = self.visit(&mut Erased(&mut stopping as &mut dyn VisitorMut<Break = ()>));
        stopping.reason.map_or(ControlFlow::Continue(()), ControlFlow::Break)
    }
}

/// A visitor of expressions alone.
struct Expressions<F>(F);

impl<F: FnMut(&Expr)> Visitor for Expressions<F> {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        (self.0)(expr);
        ControlFlow::Continue(())
    }
}

/// A visitor of any type as one that stops without a word; what it stopped with stays here.
struct Stopping<'v, V, R> {
    visitor: &'v mut V,
    reason: Option<R>,
}

impl<V, R> Stopping<'_, V, R> {
    /// What comes of a walk that ends because nobody waits for it is used by nobody either.
    fn keep(&mut self, hook: impl FnOnce(&mut V) -> ControlFlow<R>) -> ControlFlow<()> {
        if work::is_over() {
            return ControlFlow::Break(());
        }
        match hook(self.visitor) {
            ControlFlow::Continue(()) => ControlFlow::Continue(()),
            ControlFlow::Break(reason) => {
                self.reason = Some(reason);
                ControlFlow::Break(())
            }
        }
    }
}

/// The one type of visitor that sqlparser makes its walk for.
struct Erased<'v, V: ?Sized>(&'v mut V);

/// Passes on what the walk shows.
macro_rules! passing_on {
    ($($hook:ident: $node:ty),*) => {
        impl<V: Visitor> Visitor for Stopping<'_, V, V::Break> {
            type Break = ();
            $(fn $hook(&mut self, node: &$node) -> ControlFlow<()> {
                self.keep(|visitor| visitor.$hook(node))
            })*
        }

        impl Visitor for Erased<'_, dyn Visitor<Break = ()> + '_> {
            type Break = ();
            $(fn $hook(&mut self, node: &$node) -> ControlFlow<()> {
                self.0.$hook(node)
            })*
        }

        impl<V: VisitorMut> VisitorMut for Stopping<'_, V, V::Break> {
            type Break = ();
            $(fn $hook(&mut self, node: &mut $node) -> ControlFlow<()> {
                self.keep(|visitor| visitor.$hook(node))
            })*
        }

        impl VisitorMut for Erased<'_, dyn VisitorMut<Break = ()> + '_> {
            type Break = ();
            $(fn $hook(&mut self, node: &mut $node) -> ControlFlow<()> {
                self.0.$hook(node)
            })*
        }
    };
}

passing_on!(
    pre_visit_query: Query,
    post_visit_query: Query,
    pre_visit_select: Select,
    post_visit_select: Select,
    pre_visit_relation: ObjectName,
    post_visit_relation: ObjectName,
    pre_visit_table_factor: TableFactor,
    post_visit_table_factor: TableFactor,
    pre_visit_expr: Expr,
    post_visit_expr: Expr,
    pre_visit_statement: Statement,
    post_visit_statement: Statement,
    pre_visit_value: ValueWithSpan,
    post_visit_value: ValueWithSpan
);
