//! The binder of queries: WITH, set operations, and what surrounds a SELECT.

use super::super::names;
use super::binder::{Binder, Lookup, MARK, Named};
use super::scope::{Output, quoted};
use super::{from, group, limit, order};
use crate::dialect::catalog::definition;
use crate::dialect::parse::tree::fold;
use crate::error::{ErrorKind, QueryError};
use datafusion::sql::sqlparser::ast::{Cte, LimitClause, OrderByExpr, OrderByKind, Query, SetExpr, TableAlias};

impl Binder<'_> {
    /// Binds a query, and tells the columns of its result; `None` when they are not known.
    pub(super) fn query(&mut self, query: &mut Query, outermost: bool) -> Result<Option<Vec<Output>>, QueryError> {
        let (known, around) = (self.ctes.len(), std::mem::replace(&mut self.lookup, Lookup::Lenient));
        if let Some(with) = &mut query.with {
            for cte in &mut with.cte_tables {
                if self.ctes[known..].iter().any(|before| before.name == fold(&cte.alias.name)) {
                    let message = format!("WITH query name \"{}\" specified more than once", fold(&cte.alias.name));
                    return Err(QueryError::new(ErrorKind::DuplicateAlias, message));
                }
                self.cte(cte, with.recursive)?;
            }
        }
        let counted = limit::counts(query);
        let by_value = std::mem::replace(&mut self.by_value, counted);
        let keys = query.order_by.as_mut().and_then(|order| match &mut order.kind {
            OrderByKind::Expressions(keys) => Some(keys),
            OrderByKind::All(_) => None,
        });
        let outputs = self.body(&mut query.body, keys, outermost && !counted)?;
        self.by_value = by_value;
        if let Some(LimitClause::LimitOffset { limit, offset, limit_by: _ }) = &mut query.limit_clause {
            let offset = offset.as_mut().map(|offset| &mut offset.value);
            [limit.as_mut(), offset].into_iter().flatten().try_for_each(|expr| self.expr(expr))?;
        }
        if let (false, SetExpr::Select(select)) = (query.locks.is_empty(), query.body.as_ref())
            && let Some(refused) = group::locked(select)
        {
            return Err(QueryError::new(ErrorKind::NotSupported, format!("FOR UPDATE is not allowed with {refused}")));
        }
        if counted {
            limit::count(query, outputs.as_deref())?;
        }
        self.ctes.truncate(known);
        self.lookup = around;
        Ok(outputs)
    }

    /// Binds a query of WITH and brings its name into reach.
    ///
    /// Its name is only known behind it, unless WITH is RECURSIVE: inside, the same name is a table's
    /// or another query's. Where it may be either, DataFusion gets another name.
    fn cte(&mut self, cte: &mut Cte, recursive: bool) -> Result<(), QueryError> {
        let Cte { alias, query, .. } = cte;
        let name = fold(&alias.name);
        let place = (self.place)(&name).unwrap_or_else(|| "public".to_owned());
        let is_table = definition::find(&name).is_some() || self.relations.contains_key(&(place, name.clone()));
        let mut inner = name.clone();
        if is_table || self.taken.contains(&name) {
            self.number += 1;
            inner = format!("{name}{MARK}{}", self.number);
        }
        self.taken.insert(inner.clone());
        let place = self.ctes.len();
        if recursive {
            let columns = recursive_columns(alias, query);
            self.ctes.push(Named { name: name.clone(), inner: inner.clone(), columns });
        }
        let outputs = self.query(query, false)?;
        let columns = from::renamed(outputs, alias)?;
        alias.name = quoted(&inner);
        self.ctes.truncate(place);
        self.ctes.push(Named { name, inner, columns });
        Ok(())
    }

    /// Binds the body of a query with the keys of its ORDER BY.
    fn body(
        &mut self,
        body: &mut SetExpr,
        keys: Option<&mut Vec<OrderByExpr>>,
        outermost: bool,
    ) -> Result<Option<Vec<Output>>, QueryError> {
        let outputs = match body {
            SetExpr::Select(select) => return self.select(select, keys, outermost),
            SetExpr::Query(query) => self.query(query, outermost)?,
            SetExpr::SetOperation { left, right, .. } => {
                let outputs = self.body(left, None, outermost)?;
                self.body(right, None, outermost)?;
                outputs
            }
            SetExpr::Values(values) => {
                let exprs = values.rows.iter_mut().flat_map(|row| row.content.iter_mut());
                exprs.into_iter().try_for_each(|expr| self.expr(expr))?;
                let width = values.rows.first().map_or(0, |row| row.content.len());
                Some((1..=width).map(|column| Output::plain(format!("column{column}"))).collect())
            }
            _ => None,
        };
        if let (Some(keys), Some(outputs)) = (keys, &outputs) {
            keys.iter_mut().try_for_each(|key| order::by_output(&mut key.expr, outputs))?;
        }
        Ok(outputs)
    }
}

/// The columns that a recursive query has while it is bound itself: those its alias names, else those
/// of its first SELECT.
fn recursive_columns(alias: &TableAlias, query: &Query) -> Option<Vec<Output>> {
    let first = names::query_names(query)?;
    let listed = alias.columns.iter().map(|column| fold(&column.name));
    let kept = first.into_iter().skip(alias.columns.len());
    Some(listed.chain(kept).map(Output::plain).collect())
}
