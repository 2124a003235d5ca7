//! The queries within statements that change a temporary table: what the engine plans and runs for them.

use super::catalog;
use super::contents::{Column, Table};
use super::provider::ROW;
use super::statement::{Rows, is_default, is_untyped};
use crate::dialect::parse::tree::fold;
use crate::dialect::parse::walk::Walk;
use crate::dialect::rewrite::build::{self, null};
use crate::error::{ErrorKind, QueryError};
use crate::text::identifier::quote;
use datafusion::sql::sqlparser::ast::{
    DataType, Expr, Ident, ObjectName, Parens, Query, Select, SelectItem, SetExpr, SetOperator, SetQuantifier,
    TableAlias, TableAliasColumnDef, TableFactor, TableWithJoins, UnaryOperator, Value, ValueWithSpan, Visitor,
};
use std::collections::HashSet;
use std::ops::ControlFlow;

/// What a query of rows for INSERT is over.
const SOURCE: &str = "\u{2}source";

/// One row of NULLs of the types of columns, then of their defaults as they are, then of these as values of their columns.
pub(crate) fn shape(columns: &[Column]) -> Result<Query, QueryError> {
    let nulls = columns.iter().map(|column| column.cast(null()));
    let plain = columns.iter().filter_map(|column| column.default.clone());
    let defaults = columns.iter().filter_map(|column| Some(column.cast(column.default.clone()?)));
    select(nulls.chain(plain).chain(defaults).enumerate().map(numbered).collect())
}

impl Column {
    /// An expression as a value of this column.
    pub(crate) fn cast(&self, expr: Expr) -> Expr {
        if self.sql_type == DataType::Unspecified {
            return expr;
        }
        build::cast(expr, self.sql_type.clone())
    }

    /// The value where a statement gives none.
    pub(crate) fn without_value(&self) -> Expr {
        self.cast(self.default.clone().unwrap_or_else(null))
    }
}

/// Places of the columns that INSERT names; all without names.
///
/// # Errors
/// 42703 for a column there is not, 42701 for one that is named twice.
pub(crate) fn targets(name: &str, table: &Table, named: &[Ident]) -> Result<Vec<usize>, QueryError> {
    if named.is_empty() {
        return Ok((0..table.columns.len()).collect());
    }
    let mut places = Vec::with_capacity(named.len());
    for column in named {
        let place = place(name, table, column)?;
        if places.contains(&place) {
            let message = format!("column \"{}\" specified more than once", fold(column));
            return Err(QueryError::new(ErrorKind::DuplicateColumn, message));
        }
        places.push(place);
    }
    Ok(places)
}

/// The place of a column.
///
/// # Errors
/// 42703 when there is none of that name.
pub(crate) fn place(name: &str, table: &Table, column: &Ident) -> Result<usize, QueryError> {
    let wanted = fold(column);
    table.columns.iter().position(|known| known.name == wanted).ok_or_else(|| {
        let message = format!("column \"{wanted}\" of relation \"{name}\" does not exist");
        QueryError::new(ErrorKind::UnknownColumn, message)
    })
}

/// Checks that a row has as many values as columns are given; fewer will do where no columns are named.
///
/// # Errors
/// 42601 with the words of PostgreSQL.
pub(crate) fn check_width(given: usize, targets: usize, named: bool) -> Result<(), QueryError> {
    let message = match () {
        () if given > targets => "INSERT has more expressions than target columns",
        () if given < targets && named => "INSERT has more target columns than expressions",
        () => return Ok(()),
    };
    Err(QueryError::new(ErrorKind::Syntax, message))
}

/// The rows of VALUES that a source is made of and nothing else.
pub(crate) fn written_rows(source: &Query) -> Option<&[Parens<Vec<Expr>>]> {
    let plain = source.with.is_none()
        && source.order_by.is_none()
        && source.limit_clause.is_none()
        && source.fetch.is_none()
        && source.locks.is_empty();
    match source.body.as_ref() {
        SetExpr::Values(values) if plain && !values.explicit_row && !values.value_keyword => Some(&values.rows),
        _ => None,
    }
}

/// One row of defaults.
pub(crate) fn defaults(table: &Table) -> Result<Query, QueryError> {
    select(table.columns.iter().map(Column::without_value).enumerate().map(numbered).collect())
}

/// Rows of VALUES that become a SELECT each, at most: planning many takes long.
const SELECTS_MAX: usize = 100;

/// The rows of VALUES as whole rows of the table.
///
/// DataFusion 55: VALUES with a subquery is planned and then fails to run, and so do values whose texts lie in memory in
/// different ways, as those of casts do. A few rows that are computed become SELECTs. Not needed once
/// `VALUES ((SELECT 1)), (2)` has two rows.
///
/// # Errors
/// 0A000 for a subquery among very many rows.
pub(crate) fn of_values(source: &Query, table: &Table, targets: &[usize]) -> Result<Query, QueryError> {
    let mut query = whole_rows(source, table, targets);
    let SetExpr::Values(values) = query.body.as_mut() else { return Ok(query) };
    let written = written_rows(source).unwrap_or_default();
    let computed = written.iter().flat_map(|row| &row.content).any(|value| literal_type(value).is_none());
    let mixed = targets.iter().enumerate().any(|(at, target)| {
        let text = table.schema.fields().get(*target).is_some_and(|field| field.data_type().is_string());
        let kinds = written.iter().filter_map(|row| literal_type(row.content.get(at)?));
        text && kinds.collect::<HashSet<_>>().len() > 1
    });
    if !computed && !mixed {
        return Ok(query);
    }
    if values.rows.len() > SELECTS_MAX {
        return match written.iter().flat_map(|row| &row.content).any(has_subquery) {
            true => Err(QueryError::new(
                ErrorKind::NotSupported,
                format!("a subquery in VALUES of more than {SELECTS_MAX} rows is not supported"),
            )),
            false => Ok(query),
        };
    }
    let rows = std::mem::take(&mut values.rows);
    let mut all: Option<SetExpr> = None;
    for row in rows {
        let one = *select(row.content.into_iter().enumerate().map(numbered).collect())?.body;
        all = Some(match all {
            None => one,
            Some(before) => SetExpr::SetOperation {
                op: SetOperator::Union,
                set_quantifier: SetQuantifier::All,
                left: Box::new(before),
                right: Box::new(one),
            },
        });
    }
    if let Some(all) = all {
        *query.body = all;
    }
    Ok(query)
}

/// Whether an expression has a query in it.
pub(crate) fn has_subquery(expr: &Expr) -> bool {
    struct Queries;
    impl Visitor for Queries {
        type Break = ();

        fn pre_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
            ControlFlow::Break(())
        }
    }
    expr.walk(&mut Queries).is_break()
}

fn whole_rows(source: &Query, table: &Table, targets: &[usize]) -> Query {
    let mut query = source.clone();
    if let SetExpr::Values(values) = query.body.as_mut() {
        for row in &mut values.rows {
            let mut given: Vec<Option<Expr>> = row.content.drain(..).map(Some).collect();
            let whole = table.columns.iter().enumerate().map(|(place, column)| {
                let at = targets.iter().position(|target| *target == place);
                let value = at.and_then(|at| given.get_mut(at)?.take()).filter(|value| !is_default(value));
                value.map_or_else(|| column.without_value(), |value| column.cast(value))
            });
            row.content = whole.collect();
        }
    }
    query
}

/// The rows of a query of so many columns as whole rows of the table.
pub(crate) fn of_query(source: &Query, width: usize, table: &Table, targets: &[usize]) -> Result<Query, QueryError> {
    let mut source = source.clone();
    if let SetExpr::Select(select) = source.body.as_mut() {
        // A literal of the list takes the type of its column.
        for (item, target) in select.projection.iter_mut().zip(targets) {
            if let SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } = item
                && is_untyped(expr)
                && let Some(column) = table.columns.get(*target)
            {
                *expr = column.cast(std::mem::replace(expr, null()));
            }
        }
    }
    let name = |place: usize| Ident::with_quote('"', format!("\u{2}{place}"));
    let whole = table.columns.iter().enumerate().map(|(place, column)| {
        let at = targets.iter().position(|target| *target == place).filter(|at| *at < width);
        at.map_or_else(|| column.without_value(), |at| column.cast(Expr::Identifier(name(at))))
    });
    let mut query = select(whole.enumerate().map(numbered).collect())?;
    let columns = (0..width).map(|place| TableAliasColumnDef { name: name(place), data_type: None });
    let alias =
        TableAlias { explicit: true, name: Ident::with_quote('"', SOURCE), columns: columns.collect(), at: None };
    let relation =
        TableFactor::Derived { lateral: false, subquery: Box::new(source), alias: Some(alias), sample: None };
    of(&mut query)?.from = vec![TableWithJoins { relation, joins: Vec::new() }];
    Ok(query)
}

/// All columns of a table of a schema.
pub(crate) fn all_of(schema: &str, table: &str) -> Result<Query, QueryError> {
    template(&format!("SELECT * FROM {}.{}", quote(schema), quote(table)))
}

/// Refuses another table of a change that is called as the changed one is.
///
/// # Errors
/// 42712, as PostgreSQL has it.
pub(crate) fn check_names(alias: &Ident, rows: &Rows) -> Result<(), QueryError> {
    let called = |factor: &TableFactor| match factor {
        TableFactor::Table { name, alias, .. } => match alias {
            Some(alias) => Some(fold(&alias.name)),
            None => name.0.last().and_then(|part| part.as_ident()).map(fold),
        },
        TableFactor::Derived { alias, .. } => alias.as_ref().map(|alias| fold(&alias.name)),
        _ => None,
    };
    let factors = rows
        .others
        .iter()
        .flat_map(|table| std::iter::once(&table.relation).chain(table.joins.iter().map(|join| &join.relation)));
    let own = fold(alias);
    if factors.filter_map(called).any(|name| name == own) {
        let message = format!("table name \"{own}\" specified more than once");
        return Err(QueryError::new(ErrorKind::DuplicateAlias, message));
    }
    Ok(())
}

/// What PostgreSQL says of an aggregate in the values of an UPDATE.
pub(crate) const NO_AGGREGATES: &str = "aggregate functions are not allowed in UPDATE";

/// Functions that give several rows.
const SEVERAL_ROWS: &[&str] = &[
    "generate_series",
    "generate_subscripts",
    "json_array_elements",
    "json_array_elements_text",
    "json_object_keys",
    "jsonb_array_elements",
    "jsonb_array_elements_text",
    "jsonb_object_keys",
    "regexp_matches",
    "regexp_split_to_table",
    "string_to_table",
    "unnest",
];

/// Refuses window functions and those of several rows in values that stand for one each; what stands in a subquery is its
/// own matter.
///
/// # Errors
/// 42P20 and 0A000, as PostgreSQL has them.
pub(crate) fn check_values<'a>(values: impl Iterator<Item = &'a Expr>, place: &str) -> Result<(), QueryError> {
    struct Calls {
        within: usize,
    }
    impl Visitor for Calls {
        type Break = &'static str;

        fn pre_visit_query(&mut self, _: &Query) -> ControlFlow<&'static str> {
            self.within += 1;
            ControlFlow::Continue(())
        }

        fn post_visit_query(&mut self, _: &Query) -> ControlFlow<&'static str> {
            self.within -= 1;
            ControlFlow::Continue(())
        }

        fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<&'static str> {
            let Expr::Function(call) = expr else { return ControlFlow::Continue(()) };
            let name = call.name.0.last().and_then(|part| part.as_ident()).map(fold).unwrap_or_default();
            match self.within {
                0 if call.over.is_some() => ControlFlow::Break("window functions"),
                0 if SEVERAL_ROWS.contains(&name.as_str()) => ControlFlow::Break("set-returning functions"),
                _ => ControlFlow::Continue(()),
            }
        }
    }
    for value in values {
        if let ControlFlow::Break(what) = value.walk(&mut Calls { within: 0 }) {
            let kind = if what.starts_with("window") { ErrorKind::Windowing } else { ErrorKind::NotSupported };
            return Err(QueryError::new(kind, format!("{what} are not allowed in {place}")));
        }
    }
    Ok(())
}

/// Bytes of a default, at most: it is planned with each row that does without a value.
const DEFAULT_BYTES_MAX: usize = 1_000;

/// Checks the default of a column by itself.
///
/// # Errors
/// As [`check_values`]; 0A000 for a subquery, 54000 for one that is long.
pub(crate) fn check_default(value: &Expr) -> Result<(), QueryError> {
    if value.to_string().len() > DEFAULT_BYTES_MAX {
        let message = format!("a default has at most {DEFAULT_BYTES_MAX} bytes");
        return Err(QueryError::new(ErrorKind::LimitReached, message));
    }
    if has_subquery(value) {
        return Err(QueryError::new(ErrorKind::NotSupported, "cannot use subquery in DEFAULT expression"));
    }
    check_values(std::iter::once(value), "DEFAULT expressions")
}

/// The numbers of rows of a table that UPDATE or DELETE is about, and then what columns become.
pub(crate) fn of_rows(
    schema: &str,
    table: &str,
    alias: &Ident,
    rows: &Rows,
    assigned: Vec<(&Column, Expr)>,
) -> Result<Query, QueryError> {
    let row = Expr::CompoundIdentifier(vec![alias.clone(), Ident::with_quote('"', ROW)]);
    let value = |(column, value): (&Column, Expr)| match is_default(&value) {
        true => column.without_value(),
        false => column.cast(value),
    };
    let list = std::iter::once(row).chain(assigned.into_iter().map(value));
    let mut query = select(list.enumerate().map(numbered).collect())?;
    query.with.clone_from(&rows.with);
    let name = [schema.to_owned(), catalog::numbered(table)].map(|part| Ident::with_quote('"', part)).to_vec();
    let inner = of(&mut query)?;
    let mut changed = of(&mut template("SELECT 1 FROM x")?)?.from.clone();
    if let Some(TableWithJoins { relation: TableFactor::Table { name: place, alias: called, .. }, .. }) =
        changed.first_mut()
    {
        *place = ObjectName::from(name);
        *called = Some(TableAlias { explicit: true, name: alias.clone(), columns: Vec::new(), at: None });
    }
    inner.from = changed.into_iter().chain(rows.others.iter().cloned()).collect();
    inner.selection.clone_from(&rows.selection);
    Ok(query)
}

/// A query whose columns have the types of expressions that are to be put into columns.
pub(crate) fn types_of(exprs: Vec<Expr>) -> Result<Query, QueryError> {
    select(exprs.into_iter().enumerate().map(numbered).collect())
}

/// The Arrow type of a literal that has one by itself, or [`DataType::Null`](arrow::datatypes::DataType::Null) of one that
/// takes its column's; `None` for all else.
pub(crate) fn literal_type(expr: &Expr) -> Option<arrow::datatypes::DataType> {
    use arrow::datatypes::DataType as Arrow;
    match expr {
        Expr::Nested(inner) => literal_type(inner),
        Expr::UnaryOp { op: UnaryOperator::Minus | UnaryOperator::Plus, expr } => {
            literal_type(expr).filter(Arrow::is_numeric)
        }
        Expr::Value(ValueWithSpan { value: Value::Number(digits, _), .. }) => {
            Some(if digits.parse::<i64>().is_ok() { Arrow::Int64 } else { Arrow::Float64 })
        }
        Expr::Value(value) if matches!(value.value, Value::Boolean(_)) => Some(Arrow::Boolean),
        expr if is_untyped(expr) => Some(Arrow::Null),
        _ => None,
    }
}

fn numbered((place, expr): (usize, Expr)) -> SelectItem {
    SelectItem::ExprWithAlias { expr, alias: Ident::with_quote('"', format!("\u{2}{place}")) }
}

/// A query that this file writes itself.
fn template(sql: &str) -> Result<Query, QueryError> {
    build::query(sql).ok_or_else(|| QueryError::new(ErrorKind::Internal, format!("no query: {sql}")))
}

/// A query of one row, of this list.
fn select(list: Vec<SelectItem>) -> Result<Query, QueryError> {
    let mut query = template("SELECT 1")?;
    of(&mut query)?.projection = list;
    Ok(query)
}

fn of(query: &mut Query) -> Result<&mut Select, QueryError> {
    match query.body.as_mut() {
        SetExpr::Select(select) => Ok(select.as_mut()),
        _ => Err(QueryError::new(ErrorKind::Internal, "a query that is no SELECT")),
    }
}
