//! The binder of expressions: names of columns, of the queries around too, and whole rows, `t` beside
//! `t.a`.

use super::super::build::{call, text};
use super::super::record;
use super::binder::{Binder, Lookup};
use super::scope::{Found, Relation, ambiguous, missing};
use crate::dialect::abandoned::unless_over;
use crate::dialect::parse::tree::fold;
use crate::dialect::parse::walk::WalkMut;
use crate::error::{ErrorKind, QueryError};
use datafusion::sql::sqlparser::ast::{
    AccessExpr, BinaryOperator, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, Ident, ObjectName,
    Query, SelectItem, SetExpr, Value, Values, VisitorMut,
};
use std::ops::ControlFlow;

/// Words that are no columns although sqlparser reads them as names.
const WORDS: &[&str] = &["current_schema", "current_role", "current_catalog", "session_user", "user"];

impl Binder<'_> {
    /// Binds the names of an expression, and the subqueries in it.
    pub(super) fn expr(&mut self, expr: &mut Expr) -> Result<(), QueryError> {
        match expr.walk_mut(&mut Names { binder: self, held: Vec::new() }) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(error) => Err(error),
        }
    }

    /// The same, with names looked up in another way.
    pub(super) fn expr_as(&mut self, expr: &mut Expr, lookup: Lookup) -> Result<(), QueryError> {
        let around = std::mem::replace(&mut self.lookup, lookup);
        let bound = self.expr(expr);
        self.lookup = around;
        bound
    }

    /// What a name without a table stands for; `None` leaves it as it is.
    fn bare(&self, name: &Ident) -> Result<Option<Expr>, QueryError> {
        let folded = fold(name);
        for (depth, scope) in self.scopes.iter().rev().enumerate() {
            match scope.find(&folded) {
                Found::Column(column) => {
                    let as_it_is = column.plain && (self.lookup != Lookup::Qualified || depth > 0);
                    return Ok((!as_it_is).then(|| column.expr.clone()));
                }
                // DataFusion finds that out by itself where it has both under that name.
                Found::Several(columns) if columns.iter().all(|column| column.plain) => return Ok(None),
                Found::Several(_) => return Err(ambiguous(&folded)),
                Found::Unknown => return Ok(None),
                Found::Nothing => {}
            }
        }
        if let Some(value) = self.bare_system(&folded)? {
            return Ok(Some(value));
        }
        if let Some(relation) = self.whole(name) {
            return whole_row(relation).map(Some);
        }
        let word = name.quote_style.is_none() && WORDS.contains(&folded.as_str());
        match self.lookup {
            Lookup::Lenient => Ok(None),
            Lookup::Strict | Lookup::Qualified if word => Ok(None),
            Lookup::Strict | Lookup::Qualified => Err(missing(&folded)),
        }
    }

    /// The table that a bare name stands for as a whole; `None` where it may be a column.
    fn whole(&self, name: &Ident) -> Option<&Relation> {
        let folded = fold(name);
        if self.scopes.iter().any(|scope| !matches!(scope.find(&folded), Found::Nothing)) {
            return None;
        }
        let mut scopes = self.scopes.iter().rev();
        scopes.find_map(|scope| scope.relation(std::slice::from_ref(name))).filter(|known| known.columns.is_some())
    }

    /// What a name with a table stands for; `None` leaves it as it is.
    fn qualified(&self, parts: &[Ident]) -> Result<Option<Expr>, QueryError> {
        let Some((column, table)) = parts.split_last() else { return Ok(None) };
        let Some(relation) = self.scopes.iter().rev().find_map(|scope| scope.relation(table)) else { return Ok(None) };
        let Some(columns) = &relation.columns else { return Ok(None) };
        let name = fold(column);
        let mut found = columns.iter().filter(|known| known.name == name);
        match (found.next(), found.next()) {
            (Some(only), None) if only.inner != only.name || !relation.stands_for.is_empty() => {
                Ok(Some(relation.qualified(only)))
            }
            (Some(_), Some(_)) => Err(ambiguous(&name)),
            (None, _) if !relation.stands_for.is_empty() => {
                let message = format!("column {}.{name} does not exist", relation.name);
                Err(QueryError { message, ..missing(&name) })
            }
            (None, _) => Ok(Self::qualified_system(relation, &name)),
            _ => Ok(None),
        }
    }
}

/// A whole row, as a value with fields.
fn whole_row(relation: &Relation) -> Result<Expr, QueryError> {
    if let (true, Some([value])) = (relation.scalar, relation.columns.as_deref()) {
        return Ok(relation.qualified(value));
    }
    if relation.nullable {
        let message =
            format!("the whole row \"{}\" of an outer join, which may be NULL, is not supported", relation.name);
        return Err(QueryError::new(ErrorKind::NotSupported, message));
    }
    let columns = relation.columns.iter().flatten();
    let fields = columns.flat_map(|column| [text(&column.name), relation.qualified(column)]).collect();
    Ok(call("named_struct", fields))
}

/// The walk over one expression.
struct Names<'a, 'b> {
    binder: &'a mut Binder<'b>,
    /// Subqueries that are bound, taken out while the walk passes them.
    held: Vec<Query>,
}

impl Names<'_, '_> {
    /// `(t).a` becomes `t.a` before the walk finds a whole row in it.
    fn field_of_row(&self, expr: &mut Expr) -> Result<(), QueryError> {
        let Expr::CompoundFieldAccess { root, access_chain } = expr else { return Ok(()) };
        let (Expr::Nested(row), Some(AccessExpr::Dot(Expr::Identifier(field)))) = (root.as_ref(), access_chain.first())
        else {
            return Ok(());
        };
        let Expr::Identifier(table) = row.as_ref() else { return Ok(()) };
        let Some(relation) = self.binder.whole(table) else { return Ok(()) };
        let name = fold(field);
        let column = relation.columns.iter().flatten().find(|column| column.name == name);
        let unknown = || {
            let message = format!("column \"{name}\" not found in data type {}", relation.name);
            QueryError { message, ..missing(&name) }
        };
        let value = relation.qualified(column.ok_or_else(unknown)?);
        access_chain.remove(0);
        if access_chain.is_empty() {
            *expr = value;
        } else {
            **root = value;
        }
        Ok(())
    }

    /// `t.a[1]`, which sqlparser reads as parts of `t`, becomes an element of `t.a`, unless `t` is a column.
    fn column_with_parts(&self, expr: &mut Expr) {
        let Expr::CompoundFieldAccess { root, access_chain } = expr else { return };
        let Expr::Identifier(table) = root.as_ref() else { return };
        let folded = fold(table);
        if self.binder.scopes.iter().any(|scope| matches!(scope.find(&folded), Found::Column(_) | Found::Several(_))) {
            return;
        }
        let mut names = vec![table.clone()];
        while let Some(AccessExpr::Dot(Expr::Identifier(name))) = access_chain.first() {
            names.push(name.clone());
            access_chain.remove(0);
        }
        if names.len() > 1 {
            **root = Expr::CompoundIdentifier(names);
        }
    }

    /// Conditions on a whole row and counts of rows, which hold for rows of an outer join as well.
    fn condition_on_row(&self, expr: &mut Expr) -> Result<(), QueryError> {
        let (row, test): (_, fn(Box<Expr>) -> Expr) = match &*expr {
            Expr::IsNull(row) => (row.as_ref(), Expr::IsNull),
            Expr::IsNotNull(row) => (row.as_ref(), Expr::IsNotNull),
            Expr::Function(_) => return self.call_on_row(expr),
            _ => return Ok(()),
        };
        let Some(row) = row_name(row) else { return Ok(()) };
        let Some(relation) = self.binder.whole(&row) else { return Ok(()) };
        let tests = relation.columns.iter().flatten().map(|column| test(Box::new(relation.qualified(column))));
        let all = tests.reduce(|left, right| Expr::BinaryOp {
            left: Box::new(left),
            op: BinaryOperator::And,
            right: Box::new(right),
        });
        if let Some(all) = all {
            *expr = Expr::Nested(Box::new(all));
        }
        Ok(())
    }

    /// The arguments that `t.*` stands for; any other argument is itself.
    fn fields_of(&self, argument: FunctionArg) -> Vec<FunctionArg> {
        let row = match &argument {
            FunctionArg::Unnamed(FunctionArgExpr::QualifiedWildcard(row)) => only(row),
            FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::QualifiedWildcard(row, _))) => only(row),
            _ => None,
        };
        let Some(relation) = row.and_then(|row| self.binder.whole(&row)) else { return vec![argument] };
        let columns = relation.columns.iter().flatten();
        columns.map(|column| FunctionArg::Unnamed(FunctionArgExpr::Expr(relation.qualified(column)))).collect()
    }

    /// `count(t)`, `row_to_json(t)` and `ROW(t.*)`.
    fn call_on_row(&self, expr: &mut Expr) -> Result<(), QueryError> {
        let Expr::Function(function) = &mut *expr else { return Ok(()) };
        let (is_row, counts) = (is_named(function, &["row"]), is_named(function, &["count"]));
        let as_json = is_named(function, &["row_to_json", "to_json", "to_jsonb", "json_agg", "jsonb_agg"]);
        let FunctionArguments::List(list) = &mut function.args else { return Ok(()) };
        if is_row {
            list.args = list.args.drain(..).flat_map(|argument| self.fields_of(argument)).collect();
            return Ok(());
        }
        let row = match list.args.as_slice() {
            [FunctionArg::Unnamed(FunctionArgExpr::Expr(row))] => row_name(row),
            [FunctionArg::Unnamed(FunctionArgExpr::QualifiedWildcard(row))] => only(row),
            _ => None,
        };
        let Some(row) = row else { return Ok(()) };
        let Some(relation) = self.binder.whole(&row).filter(|relation| !relation.scalar) else { return Ok(()) };
        if counts && list.duplicate_treatment.is_none() {
            let key = relation.columns.iter().flatten().find(|column| relation.key.contains(&column.name));
            let counted = match key {
                Some(key) => FunctionArgExpr::Expr(relation.qualified(key)),
                None if !relation.nullable => FunctionArgExpr::Wildcard,
                None => return Ok(()),
            };
            list.args = vec![FunctionArg::Unnamed(counted)];
        } else if as_json && !relation.nullable {
            let columns = relation.columns.iter().flatten();
            let columns = columns.map(|column| (column.name.clone(), relation.qualified(column)));
            if let Some(object) = record::object(expr, columns) {
                *expr = object;
            }
        }
        Ok(())
    }
}

/// The table of `t`, `(t)` or `t.*`.
fn row_name(expr: &Expr) -> Option<Ident> {
    match expr {
        Expr::Identifier(name) => Some(name.clone()),
        Expr::QualifiedWildcard(name, _) => only(name),
        Expr::Nested(inner) => row_name(inner),
        _ => None,
    }
}

/// A name of one part.
fn only(name: &ObjectName) -> Option<Ident> {
    match name.0.as_slice() {
        [only] => only.as_ident().cloned(),
        _ => None,
    }
}

/// Ends the walk with an error, if there is one.
fn ended(done: Result<(), QueryError>) -> ControlFlow<QueryError> {
    match done {
        Ok(()) => ControlFlow::Continue(()),
        Err(error) => ControlFlow::Break(error),
    }
}

impl VisitorMut for Names<'_, '_> {
    type Break = QueryError;

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<QueryError> {
        if let Err(error) = self.binder.query(query, false) {
            return ControlFlow::Break(error);
        }
        self.held.push(std::mem::replace(query, no_query()));
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, query: &mut Query) -> ControlFlow<QueryError> {
        if let Some(held) = self.held.pop() {
            *query = held;
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<QueryError> {
        unless_over()?;
        if let Expr::Exists { subquery, .. } = expr
            && let SetExpr::Select(select) = subquery.body.as_mut()
            && select.projection.is_empty()
        {
            // Whether there is a row does not depend on its columns, and a list of none has no plan.
            let one = Expr::Value(Value::Number("1".to_owned(), false).into());
            select.projection.push(SelectItem::UnnamedExpr(one));
        }
        ended(self.field_of_row(expr))?;
        self.column_with_parts(expr);
        ended(self.condition_on_row(expr))?;
        // Names of fields are no columns: a name of one part is one that the walk passes.
        if let Expr::CompoundFieldAccess { access_chain, .. } = expr {
            for access in access_chain {
                if let AccessExpr::Dot(field @ Expr::Identifier(_)) = access
                    && let Expr::Identifier(name) = field
                {
                    *field = Expr::CompoundIdentifier(vec![name.clone()]);
                }
            }
        }
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<QueryError> {
        let bound = match expr {
            Expr::Identifier(name) => self.binder.bare(name),
            Expr::CompoundIdentifier(parts) if parts.len() > 1 => self.binder.qualified(parts),
            Expr::QualifiedWildcard(name, _) => {
                only(name).and_then(|name| self.binder.whole(&name)).map(whole_row).transpose()
            }
            Expr::CompoundFieldAccess { access_chain, .. } => {
                for access in access_chain {
                    if let AccessExpr::Dot(field @ Expr::CompoundIdentifier(_)) = access
                        && let Expr::CompoundIdentifier(parts) = field
                        && let [name] = parts.as_slice()
                    {
                        *field = Expr::Identifier(name.clone());
                    }
                }
                Ok(None)
            }
            _ => Ok(None),
        };
        match bound {
            Ok(None) => {}
            Ok(Some(bound)) => *expr = bound,
            Err(error) => return ControlFlow::Break(error),
        }
        ControlFlow::Continue(())
    }
}

/// A query that stands where one is taken out.
pub(super) fn no_query() -> Query {
    let body = SetExpr::Values(Values { explicit_row: false, value_keyword: false, rows: Vec::new() });
    Query {
        with: None,
        body: Box::new(body),
        order_by: None,
        limit_clause: None,
        fetch: None,
        locks: Vec::new(),
        for_clause: None,
        settings: None,
        format_clause: None,
        pipe_operators: Vec::new(),
    }
}

/// Whether a call is one of these functions.
fn is_named(function: &Function, names: &[&str]) -> bool {
    let name = function.name.0.last().and_then(|part| part.as_ident()).map(fold);
    name.is_some_and(|name| names.contains(&name.as_str()))
}
