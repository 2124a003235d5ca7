//! A scope is what the names of an expression may stand for: the tables of a FROM with their columns,
//! and the columns that need no table in front of them.

use super::super::build::ident;
use crate::dialect::parse::tree::fold;
use crate::error::{ErrorKind, QueryError};
use datafusion::sql::sqlparser::ast::{Expr, Ident};

/// A column of a query's result: the name people use, and the one DataFusion has for it, which tells
/// it from others of the same name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Output {
    /// The name PostgreSQL gives it.
    pub(super) name: String,
    /// The name in DataFusion's plan.
    pub(super) inner: String,
}

impl Output {
    /// A column whose two names are one.
    pub(super) fn plain(name: String) -> Self {
        Self { inner: name.clone(), name }
    }
}

/// A table of FROM.
#[derive(Debug, Clone, Default)]
pub(super) struct Relation {
    /// The name it goes by: its alias, or its own.
    pub(super) name: String,
    /// The schema it is in, unless it has an alias.
    pub(super) schema: Option<String>,
    /// Its columns in order; `None` when they are not known before it is planned.
    pub(super) columns: Option<Vec<Output>>,
    /// The columns of its primary key; empty without one.
    pub(super) key: Vec<String>,
    /// The columns in whose order its rows stand; empty where there is none.
    pub(super) order: Vec<String>,
    /// Whether an outer join may fill it with NULLs.
    pub(super) nullable: bool,
    /// Whether it is a function that gives values, so that its row is the value itself.
    pub(super) scalar: bool,
    /// The number of the table it is; `None` of all that is no table.
    pub(super) oid: Option<u32>,
    /// Whether its rows are read with their addresses.
    pub(super) addressed: bool,
    /// What its columns stand for, in order, where it is the name of a join: DataFusion knows none.
    pub(super) stands_for: Vec<Expr>,
}

impl Relation {
    /// The name of a join, with the columns that it merges.
    pub(super) fn merged(name: String, columns: &[Column]) -> Self {
        Self {
            name,
            columns: Some(columns.iter().map(|column| Output::plain(column.name.clone())).collect()),
            stands_for: columns.iter().map(|column| column.expr.clone()).collect(),
            ..Self::default()
        }
    }

    /// `relation.column`, as DataFusion finds it.
    pub(super) fn qualified(&self, column: &Output) -> Expr {
        // Few tables have columns that stand for something, and many have many columns.
        if !self.stands_for.is_empty() {
            let place = self.columns.iter().flatten().position(|known| known == column);
            if let Some(value) = place.and_then(|place| self.stands_for.get(place)) {
                return value.clone();
            }
        }
        Expr::CompoundIdentifier(vec![quoted(&self.name), quoted(&column.inner)])
    }

    /// Whether the names in front of a column name this table: `eod` or `public.eod`.
    fn is_named(&self, names: &[Ident]) -> bool {
        match names {
            [table] => fold(table) == self.name,
            [.., schema, table] => {
                fold(table) == self.name && self.schema.as_ref().is_some_and(|known| *known == fold(schema))
            }
            [] => false,
        }
    }
}

/// A column that needs no table in front.
#[derive(Debug, Clone)]
pub(super) struct Column {
    /// The name that finds it.
    pub(super) name: String,
    /// What it stands for, so that no other column is meant.
    pub(super) expr: Expr,
    /// Whether DataFusion finds it by its name alone.
    pub(super) plain: bool,
}

/// The tables of one FROM, or of a part of it.
#[derive(Debug, Clone, Default)]
pub(super) struct Scope {
    /// The tables, in order.
    pub(super) relations: Vec<Relation>,
    /// The columns that `*` stands for, merged ones in front.
    pub(super) columns: Vec<Column>,
    /// Whether there is a table whose columns are not known, so that any name may be one of them.
    pub(super) open: bool,
}

/// What a name is found to be.
pub(super) enum Found<'a> {
    /// One column, and no other.
    Column(&'a Column),
    /// More than one column.
    Several(Vec<&'a Column>),
    /// None, and no table can have it.
    Nothing,
    /// None that is known, but a table may have it.
    Unknown,
}

impl Scope {
    /// The scope of one table.
    pub(super) fn of(relation: Relation) -> Self {
        let columns = relation.columns.iter().flatten().map(|output| Column {
            name: output.name.clone(),
            expr: relation.qualified(output),
            plain: output.name == output.inner,
        });
        let mut columns: Vec<Column> = columns.collect();
        if relation.addressed {
            // `*` is spelled out, since DataFusion would take the addresses for a column of it.
            columns.iter_mut().for_each(|column| column.plain = false);
        }
        Self { open: relation.columns.is_none(), columns, relations: vec![relation] }
    }

    /// The scope of a table about which nothing is known, not even its name.
    pub(super) fn unknown() -> Self {
        Self { open: true, ..Self::default() }
    }

    /// Puts the tables of another behind its own.
    pub(super) fn extend(&mut self, other: Self) {
        self.relations.extend(other.relations);
        self.columns.extend(other.columns);
        self.open |= other.open;
    }

    /// The column of a name without a table.
    pub(super) fn find(&self, name: &str) -> Found<'_> {
        let mut found: Vec<&Column> = self.columns.iter().filter(|column| column.name == name).collect();
        match (found.len(), self.open) {
            (0, false) => Found::Nothing,
            (0, true) => Found::Unknown,
            (1, _) => Found::Column(found.remove(0)),
            _ => Found::Several(found),
        }
    }

    /// The table that these names stand for.
    pub(super) fn relation(&self, names: &[Ident]) -> Option<&Relation> {
        self.relations.iter().find(|relation| relation.is_named(names))
    }

    /// An outer join may fill all of these tables with NULLs.
    pub(super) fn fill_with_nulls(&mut self) {
        self.relations.iter_mut().for_each(|relation| relation.nullable = true);
    }
}

/// A name in quotes, so that DataFusion takes it as it is.
pub(super) fn quoted(name: &str) -> Ident {
    match name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_') {
        true => ident(name),
        false => Ident::with_quote('"', name),
    }
}

/// PostgreSQL's error for a name that more than one column has.
pub(super) fn ambiguous(name: &str) -> QueryError {
    QueryError::new(ErrorKind::AmbiguousColumn, format!("column reference \"{name}\" is ambiguous"))
}

/// PostgreSQL's error for a name that no column has.
pub(super) fn missing(name: &str) -> QueryError {
    QueryError::new(ErrorKind::UnknownColumn, format!("column \"{name}\" does not exist"))
}
