//! The binder of FROM: which columns its tables have, under which names, and which of them a join
//! merges.
//!
//! `a JOIN b USING (k)` and NATURAL joins become joins ON, and the merged column becomes the one of
//! the side whose rows are all there, or `coalesce` of both in a FULL JOIN.
//!
//! DataFusion 55: an unqualified name of a USING or NATURAL join is always the left table's column,
//! which is NULL on rows that only the right side has (apache/datafusion#22881, open), and is
//! ambiguous in WHERE; `*` leaves the merged column in the left table's place. Not needed once `SELECT
//! * FROM a FULL JOIN b USING (k) WHERE k = 1` has the merged `k` in front.

use super::super::build::call;
use super::super::table_function;
use super::binder::{Binder, MARK};
use super::scope::{Column, Output, Relation, Scope, ambiguous, missing, quoted};
use crate::dialect::abandoned::still_wanted;
use crate::dialect::catalog::{definition, oid};
use crate::dialect::parse::spelling::JOIN_NAME;
use crate::dialect::parse::tree::fold;
use crate::error::{ErrorKind, QueryError};
use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Expr, FunctionArg, FunctionArgExpr, Ident, JoinConstraint, JoinOperator, ObjectName, TableAlias,
    TableAliasColumnDef, TableFactor, TableWithJoins, Value,
};

/// Which rows of a join's sides are there without a match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kept {
    Neither,
    Left,
    Right,
    Both,
}

impl Binder<'_> {
    /// Binds the tables of a FROM from left to right.
    pub(super) fn from(&mut self, from: &mut [TableWithJoins]) -> Result<Scope, QueryError> {
        let mut scope = Scope::default();
        for table in from {
            let item = self.table(table, &scope)?;
            distinct(&scope, &item)?;
            scope.extend(item);
        }
        Ok(scope)
    }

    /// Binds a table with its joins; `before` are the tables before it, which LATERAL sees.
    fn table(&mut self, table: &mut TableWithJoins, before: &Scope) -> Result<Scope, QueryError> {
        still_wanted()?;
        let mut left = self.factor(&mut table.relation, before)?;
        for join in &mut table.joins {
            still_wanted()?;
            let mut around = Scope::default();
            if sees_others(&join.relation) {
                around = before.clone();
                around.extend(left.clone());
            }
            let mut right = self.factor(&mut join.relation, &around)?;
            distinct(&left, &right)?;
            if matches!(join.join_operator, JoinOperator::AsOf { .. }) {
                left = self.as_of(left, right, &mut join.join_operator)?;
                continue;
            }
            let (kept, constraint) = match &mut join.join_operator {
                JoinOperator::Join(constraint) | JoinOperator::Inner(constraint) => (Kept::Neither, constraint),
                JoinOperator::Left(constraint) | JoinOperator::LeftOuter(constraint) => (Kept::Left, constraint),
                JoinOperator::Right(constraint) | JoinOperator::RightOuter(constraint) => (Kept::Right, constraint),
                JoinOperator::FullOuter(constraint) => (Kept::Both, constraint),
                _ => {
                    left.extend(right);
                    continue;
                }
            };
            if matches!(kept, Kept::Left | Kept::Both) {
                right.fill_with_nulls();
            }
            if matches!(kept, Kept::Right | Kept::Both) {
                left.fill_with_nulls();
            }
            left = self.join(left, right, kept, constraint)?;
        }
        Ok(left)
    }

    /// The scope of a join whose left rows all have the merged columns: USING becomes ON.
    pub(super) fn merged(
        &mut self,
        left: Scope,
        right: Scope,
        constraint: &mut JoinConstraint,
    ) -> Result<Scope, QueryError> {
        self.join(left, right, Kept::Left, constraint)
    }

    /// The scope of a join, whose USING or NATURAL becomes ON.
    fn join(
        &mut self,
        mut left: Scope,
        mut right: Scope,
        kept: Kept,
        constraint: &mut JoinConstraint,
    ) -> Result<Scope, QueryError> {
        let alias = taken_name(constraint);
        if alias.is_some() && (left.open || right.open) {
            return Err(unknown_columns("the name of a JOIN ... USING"));
        }
        let names: Vec<String> = match constraint {
            JoinConstraint::On(condition) => {
                left.extend(right);
                self.scopes.push(left);
                let bound = self.expr(condition);
                let scope = self.scopes.pop().unwrap_or_default();
                return bound.map(|()| scope);
            }
            JoinConstraint::Using(names) => {
                names.iter().filter_map(|name| name.0.last()?.as_ident()).map(fold).collect()
            }
            JoinConstraint::Natural if left.open || right.open => {
                return match kept {
                    Kept::Neither | Kept::Left => {
                        left.extend(right);
                        left.open = true;
                        Ok(left)
                    }
                    Kept::Right | Kept::Both => Err(unknown_columns("NATURAL RIGHT JOIN and NATURAL FULL JOIN")),
                };
            }
            JoinConstraint::Natural => {
                let shared = |name: &&String| right.columns.iter().any(|column| column.name == **name);
                left.columns.iter().map(|column| &column.name).filter(shared).cloned().collect()
            }
            JoinConstraint::None => {
                left.extend(right);
                return Ok(left);
            }
        };
        let mut condition: Option<Expr> = None;
        let mut merged = Vec::with_capacity(names.len());
        for name in &names {
            let (of_left, of_right) = (side(&mut left, name, "left")?, side(&mut right, name, "right")?);
            let (Some(of_left), Some(of_right)) = (of_left, of_right) else {
                // A table whose columns are not known: DataFusion joins it, by the names.
                return match kept {
                    Kept::Neither | Kept::Left => {
                        left.extend(right);
                        left.open = true;
                        Ok(left)
                    }
                    Kept::Right | Kept::Both => Err(unknown_columns("RIGHT and FULL JOIN ... USING")),
                };
            };
            let value = match kept {
                Kept::Neither | Kept::Left => of_left.clone(),
                Kept::Right => of_right.clone(),
                Kept::Both => call("coalesce", vec![of_left.clone(), of_right.clone()]),
            };
            merged.push(Column { name: name.clone(), expr: value, plain: false });
            let equal = both(of_left, BinaryOperator::Eq, of_right);
            condition = Some(match condition {
                None => equal,
                Some(before) => both(before, BinaryOperator::And, equal),
            });
        }
        *constraint = JoinConstraint::On(condition.unwrap_or_else(|| Expr::Value(Value::Boolean(true).into())));
        left.extend(right);
        if let Some(alias) = alias {
            let joined = Relation::merged(fold(&alias), &merged);
            distinct(&left, &Scope { relations: vec![joined.clone()], ..Scope::default() })?;
            left.relations.push(joined);
        }
        merged.append(&mut left.columns);
        left.columns = merged;
        Ok(left)
    }

    /// Binds one table, query or function of FROM.
    fn factor(&mut self, factor: &mut TableFactor, around: &Scope) -> Result<Scope, QueryError> {
        let function = matches!(factor, TableFactor::Table { args: Some(_), .. } | TableFactor::Function { .. });
        table_function::rewrite(factor);
        self.sample(factor)?;
        match factor {
            TableFactor::Table { name, alias, args: None, version, .. } => {
                let version = version.take();
                let mut relation = self.named(name, alias)?;
                if let Some(version) = version {
                    self.at_a_moment(&version, name, alias)?;
                }
                self.addressed(factor, &mut relation);
                Ok(Scope::of(relation))
            }
            TableFactor::Table { args: Some(arguments), alias, .. } => {
                let exprs = arguments.args.iter_mut().filter_map(argument);
                self.with(around, |binder| exprs.into_iter().try_for_each(|expr| binder.expr(expr)))?;
                Ok(of_function(alias.as_ref(), 1))
            }
            TableFactor::Function { args, alias, .. } => {
                let exprs = args.iter_mut().filter_map(argument);
                self.with(around, |binder| exprs.into_iter().try_for_each(|expr| binder.expr(expr)))?;
                Ok(of_function(alias.as_ref(), 1))
            }
            TableFactor::UNNEST { array_exprs, alias, .. } => {
                self.with(around, |binder| array_exprs.iter_mut().try_for_each(|expr| binder.expr(expr)))?;
                Ok(of_function(alias.as_ref(), array_exprs.len()))
            }
            TableFactor::Derived { lateral, subquery, alias, .. } => {
                let outputs = match *lateral {
                    true => self.with(around, |binder| binder.query(subquery, false))?,
                    false => self.query(subquery, false)?,
                };
                let alias = alias.get_or_insert_with(|| self.unnamed());
                let columns = renamed(outputs, alias)?;
                // The row of a function of one column is its value.
                let scalar = function && columns.as_ref().is_some_and(|columns| columns.len() == 1);
                Ok(Scope::of(Relation { scalar, ..derived(&alias.name, columns) }))
            }
            TableFactor::NestedJoin { table_with_joins, alias } => {
                let mut scope = self.table(table_with_joins, around)?;
                let Some(alias) = alias.take() else { return Ok(scope) };
                if scope.open {
                    return Err(unknown_columns("an alias of a join in parentheses"));
                }
                let joined = std::mem::replace(
                    table_with_joins.as_mut(),
                    TableWithJoins { relation: empty_table(), joins: Vec::new() },
                );
                let (subquery, outputs) = super::list::all_columns(joined, std::mem::take(&mut scope.columns));
                let mut alias = alias;
                let columns = renamed(Some(outputs), &mut alias)?;
                let relation = derived(&alias.name, columns);
                let subquery = Box::new(subquery);
                *factor = TableFactor::Derived { lateral: false, subquery, alias: Some(alias), sample: None };
                Ok(Scope::of(relation))
            }
            _ => Ok(Scope::unknown()),
        }
    }

    /// Binds a table's name: a query of WITH, a table of the catalog, or one that the search path
    /// finds.
    fn named(&mut self, name: &mut ObjectName, alias: &mut Option<TableAlias>) -> Result<Relation, QueryError> {
        let parts: Vec<Ident> = name.0.iter().filter_map(|part| part.as_ident().cloned()).collect();
        let Some(table) = parts.last() else { return Ok(Relation::default()) };
        let own = fold(table);
        let (mut key, mut order) = (Vec::new(), Vec::new());
        let mut schema = None;
        let outputs = match parts.as_slice() {
            [_] if let Some(cte) = self.ctes.iter().rev().find(|cte| cte.name == own) => {
                if cte.inner != cte.name {
                    *name = ObjectName::from(vec![quoted(&cte.inner)]);
                    alias.get_or_insert_with(|| named(&own));
                }
                cte.columns.clone()
            }
            [_] if definition::find(&own).is_some() => {
                *name = ObjectName::from(vec![quoted("pg_catalog"), quoted(&own)]);
                schema = Some("pg_catalog".to_owned());
                self.relation("pg_catalog", &own, &mut key, &mut order)
            }
            [_] => {
                let place = (self.place)(&own);
                if let Some(place) = &place {
                    let place = Ident { value: place.clone(), quote_style: Some('"'), span: table.span };
                    *name = ObjectName::from(vec![place, table.clone()]);
                }
                let place = place.unwrap_or_else(|| "public".to_owned());
                let found = self.relation(&place, &own, &mut key, &mut order);
                schema = Some(place);
                found
            }
            [.., place, _] => {
                let place = fold(place);
                let found = self.relation(&place, &own, &mut key, &mut order);
                schema = Some(place);
                found
            }
            [] => None,
        };
        let oid = (self.is_stored(name) == Some(true))
            .then(|| schema.as_deref().map(|schema| oid::relation(schema, &own)))
            .flatten();
        let of_table = Relation { key, order, oid, ..Relation::default() };
        let Some(alias) = alias else {
            return Ok(Relation { name: own, schema, columns: outputs, ..of_table });
        };
        let columns = renamed(outputs, alias)?;
        if !alias.columns.is_empty() {
            return Ok(Relation { name: fold(&alias.name), columns, oid: of_table.oid, ..Relation::default() });
        }
        Ok(Relation { name: fold(&alias.name), columns, ..of_table })
    }

    /// The columns of a table of a schema, its key, and the order of its rows.
    fn relation(
        &self,
        schema: &str,
        table: &str,
        key: &mut Vec<String>,
        order: &mut Vec<String>,
    ) -> Option<Vec<Output>> {
        let known = self.relations.get(&(schema.to_owned(), table.to_owned()))?;
        key.clone_from(&known.key);
        order.clone_from(&known.order);
        Some(known.columns.iter().cloned().map(Output::plain).collect())
    }

    /// Runs a step with further tables in reach.
    fn with<T>(
        &mut self,
        around: &Scope,
        step: impl FnOnce(&mut Self) -> Result<T, QueryError>,
    ) -> Result<T, QueryError> {
        self.scopes.push(around.clone());
        let done = step(self);
        self.scopes.pop();
        done
    }

    /// A name for a query that has none, which no statement can write.
    fn unnamed(&mut self) -> TableAlias {
        self.number += 1;
        named(&format!("unnamed_subquery{MARK}{}", self.number))
    }
}

/// Takes the name of a join out of the list of its USING.
fn taken_name(constraint: &mut JoinConstraint) -> Option<Ident> {
    let JoinConstraint::Using(names) = constraint else { return None };
    let parts: Vec<Ident> = names.last()?.0.iter().filter_map(|part| part.as_ident().cloned()).collect();
    match parts.as_slice() {
        [mark, name] if mark.value == JOIN_NAME => {
            names.pop();
            Some(name.clone())
        }
        _ => None,
    }
}

/// Whether a table of FROM may name columns of those before it.
fn sees_others(factor: &TableFactor) -> bool {
    !matches!(factor, TableFactor::Table { args: None, .. } | TableFactor::Derived { lateral: false, .. })
}

/// Refuses two tables of one name.
fn distinct(before: &Scope, after: &Scope) -> Result<(), QueryError> {
    for relation in &after.relations {
        if before.relations.iter().any(|known| known.name == relation.name && known.schema == relation.schema) {
            let message = format!("table name \"{}\" specified more than once", relation.name);
            return Err(QueryError::new(ErrorKind::DuplicateAlias, message));
        }
    }
    Ok(())
}

/// The column of one side of a join that USING names, taken out of the side's columns; `None` when
/// the side may have it without its being known.
fn side(scope: &mut Scope, name: &str, which: &str) -> Result<Option<Expr>, QueryError> {
    let mut places = (0..scope.columns.len()).filter(|place| scope.columns[*place].name == name);
    match (places.next(), places.next()) {
        (Some(place), None) => Ok(Some(scope.columns.remove(place).expr)),
        (Some(_), Some(_)) => {
            let message = format!("common column name \"{name}\" appears more than once in {which} table");
            Err(QueryError { message, ..ambiguous(name) })
        }
        (None, _) if scope.open => Ok(None),
        (None, _) => {
            let message = format!("column \"{name}\" specified in USING clause does not exist in {which} table");
            Err(QueryError { message, ..missing(name) })
        }
    }
}

/// The refusal of a join whose merged columns are not known before it is planned.
fn unknown_columns(what: &str) -> QueryError {
    QueryError::new(ErrorKind::NotSupported, format!("{what} of a function without a list of columns is not supported"))
        .with_hint("Name the columns of the function: f(x) AS t (a, b).")
}

/// An operator between two expressions.
fn both(left: Expr, op: BinaryOperator, right: Expr) -> Expr {
    Expr::BinaryOp { left: Box::new(left), op, right: Box::new(right) }
}

/// The expression of an argument, by position or by name.
fn argument(argument: &mut FunctionArg) -> Option<&mut Expr> {
    match argument {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr))
        | FunctionArg::Named { arg: FunctionArgExpr::Expr(expr), .. } => Some(expr),
        _ => None,
    }
}

/// The scope of a function of FROM that gives so many columns: those that its alias names.
fn of_function(alias: Option<&TableAlias>, count: usize) -> Scope {
    let Some(alias) = alias else { return Scope::unknown() };
    let names: Vec<Output> = alias.columns.iter().map(|column| Output::plain(fold(&column.name))).collect();
    let columns = (names.len() == count).then_some(names);
    Scope::of(Relation { name: fold(&alias.name), columns, scalar: count == 1, ..Relation::default() })
}

/// The table that a query of FROM is.
fn derived(name: &Ident, columns: Option<Vec<Output>>) -> Relation {
    Relation { name: fold(name), columns, ..Relation::default() }
}

/// The columns of a table under the names of its alias, whose list gets the names that it leaves out:
/// in PostgreSQL the last columns keep theirs.
pub(super) fn renamed(outputs: Option<Vec<Output>>, alias: &mut TableAlias) -> Result<Option<Vec<Output>>, QueryError> {
    if alias.columns.is_empty() {
        return Ok(outputs);
    }
    let Some(mut outputs) = outputs else {
        return Ok(None);
    };
    if alias.columns.len() > outputs.len() {
        let (table, has, given) = (fold(&alias.name), outputs.len(), alias.columns.len());
        let message = format!("table \"{table}\" has {has} columns available but {given} columns specified");
        return Err(QueryError::new(ErrorKind::WrongColumns, message));
    }
    for (place, output) in outputs.iter_mut().enumerate() {
        match alias.columns.get(place) {
            Some(column) => *output = Output::plain(fold(&column.name)),
            None => alias.columns.push(TableAliasColumnDef { name: quoted(&output.inner), data_type: None }),
        }
    }
    // Two columns of one name are told apart.
    for place in 1..outputs.len() {
        if outputs[..place].iter().any(|before| before.inner == outputs[place].inner) {
            outputs[place].inner = format!("{}{MARK}{place}", outputs[place].name);
            alias.columns[place].name = quoted(&outputs[place].inner);
        }
    }
    Ok(Some(outputs))
}

/// The alias `AS name`, without a list.
pub(super) fn named(name: &str) -> TableAlias {
    TableAlias { explicit: true, name: quoted(name), columns: Vec::new(), at: None }
}

/// A table that stands where one is taken out.
pub(super) fn empty_table() -> TableFactor {
    TableFactor::Table {
        name: ObjectName::from(Vec::<Ident>::new()),
        alias: None,
        args: None,
        with_hints: Vec::new(),
        version: None,
        with_ordinality: false,
        partitions: Vec::new(),
        json_path: None,
        sample: None,
        index_hints: Vec::new(),
    }
}
