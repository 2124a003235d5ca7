//! Whether rows may be in a temporary table: NOT NULL, the length of texts, CHECK, and keys. Of several faults the one of
//! the first row is told, as when rows came one by one.

use super::contents::{Table, Unique};
use super::key::KeyValues;
use super::rows::{Rows, failed};
use crate::error::{About, ErrorKind, QueryError};
use crate::text::column;
use crate::text::style::Style;
use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use std::collections::HashSet;

/// The table that rows are to be in, as its errors tell of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    /// Name of its schema.
    pub(crate) schema: &'a str,
    /// The name of the table.
    pub(crate) name: &'a str,
    /// What was declared of it.
    pub(crate) table: &'a Table,
    /// How values look as texts.
    pub(crate) style: &'a Style,
}

/// A row that may not be in a table, by its number among the new ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Fault {
    row: usize,
    kind: Kind,
}

/// Why it may not; of one row the first of these is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    /// The text of a column is too long.
    Length(usize),
    /// A column is NULL.
    Null(usize),
    /// A CHECK is false.
    Check(usize),
    /// Another row is alike in a key.
    Key(usize),
}

impl Fault {
    /// A row of which a CHECK is false, by its place.
    pub(crate) fn of_check(row: usize, check: usize) -> Self {
        Self { row, kind: Kind::Check(check) }
    }
}

/// What brought the rows: rows that are there already are refused in other words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    /// They come by INSERT or UPDATE.
    Change,
    /// They are there when ALTER TABLE comes.
    Definition,
}

/// Checks new rows beside those that stay; `unchecked` is a row of which a CHECK is false.
///
/// # Errors
/// 23502 for a NULL where none may be, 22001 for a text that is too long, 23514 for a CHECK, 23505 for a key.
pub(crate) fn check(
    place: &Place<'_>,
    old: &Rows,
    new: &Rows,
    unchecked: Option<Fault>,
    by: By,
) -> Result<(), QueryError> {
    let mut first = alone(place, new, unchecked)?;
    for (at, key) in place.table.constraints.unique.iter().enumerate() {
        note(&mut first, first_alike(key, place.table, old, new)?, Kind::Key(at));
    }
    match first {
        None => Ok(()),
        Some(fault) => Err(told(place, new, fault, by)),
    }
}

/// Checks new rows by themselves, whatever other rows there are.
///
/// # Errors
/// As [`check`], but for keys.
pub(crate) fn check_alone(place: &Place<'_>, new: &Rows, unchecked: Option<Fault>) -> Result<(), QueryError> {
    alone(place, new, unchecked)?.map_or(Ok(()), |fault| Err(told(place, new, fault, By::Change)))
}

/// Keeps the first of two faults.
fn note(first: &mut Option<Fault>, row: Option<usize>, kind: Kind) {
    if let Some(row) = row {
        let fault = Fault { row, kind };
        *first = Some(first.map_or(fault, |first| first.min(fault)));
    }
}

/// The first fault of the rows by themselves.
fn alone(place: &Place<'_>, new: &Rows, unchecked: Option<Fault>) -> Result<Option<Fault>, QueryError> {
    let mut first = unchecked;
    for (at, column) in place.table.columns.iter().enumerate() {
        if let Some(most) = column.length {
            note(&mut first, first_where(new, at, |values| longer(values, most))?, Kind::Length(at));
        }
        if column.required {
            let nulls = |values: &ArrayRef| {
                let nulls = values.logical_nulls().filter(|nulls| nulls.null_count() > 0);
                Ok(nulls.and_then(|nulls| (0..values.len()).find(|row| nulls.is_null(*row))))
            };
            note(&mut first, first_where(new, at, nulls)?, Kind::Null(at));
        }
    }
    Ok(first)
}

/// The number of the first row of which a column is not as it must be.
fn first_where(
    rows: &Rows,
    column: usize,
    find: impl Fn(&ArrayRef) -> Result<Option<usize>, QueryError>,
) -> Result<Option<usize>, QueryError> {
    let mut before = 0;
    for batch in rows.batches() {
        if let Some(values) = batch.columns().get(column)
            && let Some(row) = find(values)?
        {
            return Ok(Some(before + row));
        }
        before += batch.num_rows();
    }
    Ok(None)
}

/// The first text with more characters than it may have; blanks beyond count like others, where PostgreSQL cuts them.
fn longer(values: &ArrayRef, most: u64) -> Result<Option<usize>, QueryError> {
    let texts = cast(values, &DataType::LargeUtf8).map_err(failed)?;
    let longer = |text: Option<&str>| text.is_some_and(|text| text.chars().count() as u64 > most);
    Ok(texts.as_string::<i64>().iter().position(longer))
}

/// The first new row that is like an earlier one in a key.
fn first_alike(key: &Unique, table: &Table, old: &Rows, new: &Rows) -> Result<Option<usize>, QueryError> {
    let values = KeyValues::of(key, table)?;
    let mut seen: HashSet<Vec<u8>> = HashSet::with_capacity(old.count() + new.count());
    values.each(old, |_, value| {
        seen.extend(value.map(<[u8]>::to_vec));
        true
    })?;
    let mut found = None;
    values.each(new, |row, value| {
        if value.is_some_and(|value| !seen.insert(value.to_vec())) {
            found = Some(row);
        }
        found.is_none()
    })?;
    Ok(found)
}

/// The error of a fault, in PostgreSQL's words.
fn told(place: &Place<'_>, new: &Rows, fault: Fault, by: By) -> QueryError {
    let Place { name, table, .. } = *place;
    let column = |at: usize| table.columns.get(at).map_or("", |column| column.name.as_str());
    let about = About { schema: Some(place.schema.to_owned()), table: Some(name.to_owned()), ..About::default() };
    let row = || Some(format!("Failing row contains {}.", shown(place, new, fault.row)));
    match fault.kind {
        Kind::Length(at) => {
            let most = table.columns.get(at).and_then(|column| column.length).unwrap_or_default();
            let message = format!("value too long for type character varying({most})");
            QueryError::new(ErrorKind::TextTooLong, message)
        }
        Kind::Null(at) => {
            let own = column(at);
            let (message, detail) = match by {
                By::Change => (
                    format!("null value in column \"{own}\" of relation \"{name}\" violates not-null constraint"),
                    row(),
                ),
                By::Definition => (format!("column \"{own}\" of relation \"{name}\" contains null values"), None),
            };
            let about = About { column: Some(own.to_owned()), detail, ..about };
            QueryError::new(ErrorKind::NotNull, message).with_about(about)
        }
        Kind::Check(at) => {
            let own = table.constraints.checks.get(at).map_or("", |check| check.name.as_str());
            let (message, detail) = match by {
                By::Change => (format!("new row for relation \"{name}\" violates check constraint \"{own}\""), row()),
                By::Definition => {
                    (format!("check constraint \"{own}\" of relation \"{name}\" is violated by some row"), None)
                }
            };
            let about = About { constraint: Some(own.to_owned()), detail, ..about };
            QueryError::new(ErrorKind::Check, message).with_about(about)
        }
        Kind::Key(at) => {
            let Some(key) = table.constraints.unique.get(at) else {
                return QueryError::new(ErrorKind::Unique, "duplicate key value");
            };
            let (message, what) = match by {
                By::Change => {
                    (format!("duplicate key value violates unique constraint \"{}\"", key.name), "already exists")
                }
                By::Definition => (format!("could not create unique index \"{}\"", key.name), "is duplicated"),
            };
            let columns: Vec<&str> = key.columns.iter().map(|at| column(*at)).collect();
            let values = texts_of(place, new, fault.row, &key.columns);
            let values: Vec<String> = values.into_iter().map(Option::unwrap_or_default).collect();
            let detail = format!("Key ({})=({}) {what}.", columns.join(", "), values.join(", "));
            let about = About { constraint: Some(key.name.clone()), detail: Some(detail), ..about };
            QueryError::new(ErrorKind::Unique, message).with_about(about)
        }
    }
}

/// Bytes of a value that the error about a row shows.
const SHOWN_BYTES: usize = 64;

/// A row as errors show it, long values cut.
fn shown(place: &Place<'_>, rows: &Rows, row: usize) -> String {
    let all: Vec<usize> = (0..place.table.columns.len()).collect();
    let texts = texts_of(place, rows, row, &all).into_iter().map(|text| match text {
        None => "null".to_owned(),
        Some(text) if text.len() > SHOWN_BYTES => format!("{}...", &text[..text.floor_char_boundary(SHOWN_BYTES)]),
        Some(text) => text,
    });
    format!("({})", texts.collect::<Vec<_>>().join(", "))
}

/// The texts of some columns of a row; `None` of NULL.
fn texts_of(place: &Place<'_>, rows: &Rows, row: usize, columns: &[usize]) -> Vec<Option<String>> {
    let mut before = 0;
    for batch in rows.batches() {
        if row < before + batch.num_rows() {
            let text = |at: &usize| {
                let one = batch.columns().get(*at)?.slice(row - before, 1);
                let texts = column::texts(&one, place.style).ok()?;
                texts.as_string::<i32>().iter().next().flatten().map(str::to_owned)
            };
            return columns.iter().map(text).collect();
        }
        before += batch.num_rows();
    }
    Vec::new()
}
