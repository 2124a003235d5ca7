//! The binder of one SELECT: its list gets a name for every column, and its clauses find the columns
//! they mean.

use super::super::{clauses, names, rows_function};
use super::binder::{Binder, Lookup, MARK};
use super::item::Item;
use super::order;
use super::scope::{Column, Found, Output, Scope, quoted};
use crate::dialect::error::message;
use crate::dialect::parse::size::{COLUMNS_MAX, too_many_columns};
use crate::dialect::parse::tree::fold;
use crate::error::{ErrorKind, QueryError};
use datafusion::sql::sqlparser::ast::{
    Distinct, Expr, GroupByExpr, Ident, NamedWindowDefinition, NamedWindowExpr, OrderByExpr, Query, Select, SelectItem,
    SelectItemQualifiedWildcardKind, SetExpr, TableWithJoins, Value,
};
use std::collections::HashSet;

/// The name of a column for which PostgreSQL derives none.
const UNNAMED: &str = "?column?";

impl Binder<'_> {
    /// Binds a SELECT, whose FROM is the innermost scope while its clauses are bound, with the keys of its ORDER BY, and tells the columns of its result.
    pub(super) fn select(
        &mut self,
        select: &mut Select,
        keys: Option<&mut Vec<OrderByExpr>>,
        outermost: bool,
    ) -> Result<Option<Vec<Output>>, QueryError> {
        rows_function::name_by_table(select);
        let scope = self.from(&mut select.from)?;
        self.scopes.push(scope);
        let outputs = self.clauses(select, keys, outermost);
        self.scopes.pop();
        outputs
    }

    /// Binds the clauses of a SELECT whose FROM is the innermost scope.
    fn clauses(
        &mut self,
        select: &mut Select,
        keys: Option<&mut Vec<OrderByExpr>>,
        outermost: bool,
    ) -> Result<Option<Vec<Output>>, QueryError> {
        if let Some(condition) = &mut select.selection {
            clauses::check_condition(condition, "WHERE")?;
            self.expr(condition)?;
        }
        if let Some(condition) = &select.having {
            clauses::check_condition(condition, "HAVING")?;
        }
        for NamedWindowDefinition(_, window) in &mut select.named_window {
            if let NamedWindowExpr::WindowSpec(spec) = window {
                spec.partition_by.iter_mut().try_for_each(|expr| self.expr(expr))?;
                spec.order_by.iter_mut().try_for_each(|key| self.expr(&mut key.expr))?;
            }
        }
        if self.is_all_of_one_table(select) {
            return self.all_of_one_table(select, keys);
        }
        let Some(items) = self.items(&mut select.projection)? else {
            return self.with_unknown_columns(select, keys).map(|()| None);
        };
        if let GroupByExpr::Expressions(group, _) = &mut select.group_by {
            self.group_keys(group, &items)?;
        }
        if let Some(having) = &mut select.having {
            self.expr_as(having, Lookup::Strict)?;
        }
        let inside = select.having.is_some()
            || keys.as_ref().is_some_and(|keys| keys.iter().any(|key| !order::is_whole(&key.expr)));
        self.on_keys(select, &items)?;
        let by_value = self.by_value || matches!(select.distinct, Some(Distinct::On(_)));
        let mut keys = keys;
        let distinct = matches!(select.distinct, Some(Distinct::Distinct));
        for key in keys.iter_mut().flat_map(|keys| keys.iter_mut()) {
            self.sort_key(&mut key.expr, &items, by_value)?;
            if distinct && !self.is_listed(&key.expr, &items) {
                return Err(message::not_listed());
            }
        }
        if let (Some(Distinct::On(on)), Some(keys)) = (&mut select.distinct, &keys) {
            order::as_sorted(on, keys);
        }
        self.group_dependent(select, &items, keys.as_deref().map_or(&[], Vec::as_slice))?;
        Ok(Some(self.named_items(items, &mut select.projection, outermost, inside)))
    }

    /// Whether a list is `*` alone, of one table whose columns DataFusion lists as they are.
    fn is_all_of_one_table(&self, select: &Select) -> bool {
        let Some(scope) = self.scopes.last() else { return false };
        let plain = || {
            let mut names = HashSet::new();
            scope.columns.iter().all(|column| column.plain && names.insert(column.name.as_str()))
        };
        matches!(select.projection.as_slice(), [SelectItem::Wildcard(_)])
            && scope.relations.len() == 1
            && !scope.open
            && select.from.first().is_some_and(|from| from.joins.is_empty())
            && plain()
    }

    /// Binds the other clauses of such a SELECT, whose `*` stays.
    fn all_of_one_table(
        &mut self,
        select: &mut Select,
        keys: Option<&mut Vec<OrderByExpr>>,
    ) -> Result<Option<Vec<Output>>, QueryError> {
        self.with_unknown_columns(select, keys)?;
        let columns = self.scopes.last().map(|scope| scope.columns.clone()).unwrap_or_default();
        Ok(Some(columns.into_iter().map(|column| Output::plain(column.name)).collect()))
    }

    /// Binds what names columns of tables alone, beside a list that is left to DataFusion.
    fn with_unknown_columns(
        &mut self,
        select: &mut Select,
        keys: Option<&mut Vec<OrderByExpr>>,
    ) -> Result<(), QueryError> {
        for item in &mut select.projection {
            if let SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } = item {
                self.expr(expr)?;
            }
        }
        if let GroupByExpr::Expressions(group, _) = &mut select.group_by {
            group.iter_mut().try_for_each(|key| self.expr(key))?;
        }
        if let Some(having) = &mut select.having {
            self.expr(having)?;
        }
        if let Some(Distinct::On(on)) = &mut select.distinct {
            on.iter_mut().try_for_each(|key| self.expr(key))?;
        }
        keys.into_iter().flatten().try_for_each(|key| self.expr(&mut key.expr))?;
        Ok(())
    }

    /// The columns of a list with every `*` spelled out; `None` beside a `*` of a table whose columns
    /// are not known: then the list is as it was.
    fn items(&mut self, list: &mut Vec<SelectItem>) -> Result<Option<Vec<Item>>, QueryError> {
        let star = |item: &SelectItem| matches!(item, SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(..));
        let mut count = 0;
        for item in list.iter() {
            count += match star(item) {
                true => match self.starred(item)? {
                    Some(columns) => columns.len(),
                    None => return Ok(None),
                },
                false => 1,
            };
            if count > COLUMNS_MAX {
                return Err(too_many_columns());
            }
        }
        let mut items = Vec::with_capacity(list.len());
        for item in std::mem::take(list) {
            let (mut expr, alias) = match item {
                SelectItem::UnnamedExpr(expr) => (expr, None),
                SelectItem::ExprWithAlias { expr, alias } => (expr, Some(alias)),
                star => {
                    for column in self.starred(&star)?.unwrap_or_default() {
                        let Column { name, expr, .. } = column;
                        items.push(Item { name, expr, alias: None, derived: false });
                    }
                    continue;
                }
            };
            let derived = || names::expr_name(&expr).unwrap_or_else(|| UNNAMED.to_owned());
            let name = alias.as_ref().map_or_else(derived, fold);
            let derived = alias.is_none() && !matches!(expr, Expr::Identifier(_) | Expr::CompoundIdentifier(_));
            self.expr(&mut expr)?;
            items.push(Item { name, expr, alias, derived });
        }
        Ok(Some(items))
    }

    /// The columns a `*` stands for; `None` when they are not known.
    fn starred(&self, item: &SelectItem) -> Result<Option<Vec<Column>>, QueryError> {
        let Some(scope) = self.scopes.last() else { return Ok(None) };
        match item {
            SelectItem::Wildcard(_) if scope.open => Ok(None),
            SelectItem::Wildcard(_) if scope.relations.is_empty() => {
                let message = "SELECT * with no tables specified is not valid";
                Err(QueryError::new(ErrorKind::Syntax, message))
            }
            SelectItem::Wildcard(_) => Ok(Some(scope.columns.clone())),
            SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), _) => {
                let parts: Vec<Ident> = name.0.iter().filter_map(|part| part.as_ident().cloned()).collect();
                let relation = self.scopes.iter().rev().find_map(|scope| scope.relation(&parts));
                let known = relation.filter(|relation| relation.columns.is_some());
                Ok(known.map(|relation| Scope::of(relation.clone()).columns))
            }
            _ => Ok(None),
        }
    }

    /// Puts the columns back into their list under names that DataFusion can tell apart, and says what
    /// they are.
    ///
    /// A query inside another has a name for each column, since any may be asked for. Where HAVING or an
    /// expression in ORDER BY looks columns up (`inside`), a new name must not be that of a table's column
    /// as well, or DataFusion would take the one for the other.
    fn named_items(&self, items: Vec<Item>, list: &mut Vec<SelectItem>, outermost: bool, inside: bool) -> Vec<Output> {
        let mut taken = HashSet::new();
        let mut outputs = Vec::with_capacity(items.len());
        for (place, item) in items.into_iter().enumerate() {
            let hides = || {
                let scope = self.scopes.last();
                !item.is_column() && scope.is_some_and(|scope| !matches!(scope.find(&item.name), Found::Nothing))
            };
            let distinct = taken.insert(item.name.clone()) && !(inside && hides());
            let inner = if distinct { item.name.clone() } else { format!("{}{MARK}{place}", item.name) };
            let Item { name, expr, alias, derived } = item;
            let as_it_is = match &expr {
                Expr::Identifier(column) => distinct && fold(column) == name,
                Expr::CompoundIdentifier(parts) => distinct && parts.last().is_some_and(|column| fold(column) == name),
                // `names::make_distinct` names these, and marks them.
                _ => outermost && derived,
            };
            list.push(match (as_it_is, alias) {
                (true, None) => SelectItem::UnnamedExpr(expr),
                (true, Some(alias)) => SelectItem::ExprWithAlias { expr, alias },
                (false, _) => SelectItem::ExprWithAlias { expr, alias: quoted(&inner) },
            });
            outputs.push(Output { name, inner });
        }
        outputs
    }

    /// Binds the expressions of DISTINCT ON, which are looked up as those of ORDER BY are.
    fn on_keys(&mut self, select: &mut Select, items: &[Item]) -> Result<(), QueryError> {
        let Some(Distinct::On(on)) = &mut select.distinct else { return Ok(()) };
        on.iter_mut().try_for_each(|key| self.sort_key(key, items, true))
    }
}

/// `SELECT columns FROM joined` with a name for each column, and those columns.
pub(super) fn all_columns(joined: TableWithJoins, columns: Vec<Column>) -> (Query, Vec<Output>) {
    let one = Expr::Value(Value::Number("1".to_owned(), false).into());
    let mut query = super::super::build::one_value(one, Ident::new("one")).unwrap_or_else(super::expression::no_query);
    let mut taken = HashSet::new();
    let mut outputs = Vec::with_capacity(columns.len());
    let mut list = Vec::with_capacity(columns.len());
    for (place, Column { name, expr, .. }) in columns.into_iter().enumerate() {
        let inner = if taken.insert(name.clone()) { name.clone() } else { format!("{name}{MARK}{place}") };
        list.push(SelectItem::ExprWithAlias { expr, alias: quoted(&inner) });
        outputs.push(Output { name, inner });
    }
    if let SetExpr::Select(select) = query.body.as_mut() {
        select.projection = list;
        select.from = vec![joined];
    }
    (query, outputs)
}
