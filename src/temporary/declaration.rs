//! The columns and constraints of a temporary table, as CREATE TEMP TABLE and ALTER TABLE declare them.

use super::contents::{Check, Column, Constraints, Table, Unique};
use super::refusal::{not_supported, syntax};
use crate::dialect::parse::tree::fold;
use crate::dialect::parse::walk::Walk;
use crate::error::{ErrorKind, QueryError};
use datafusion::sql::sqlparser::ast::{
    ArrayElemTypeDef, CharacterLength, CheckConstraint, ColumnDef, ColumnOption, DataType, Expr, Ident, IndexColumn,
    NullsDistinctOption, TableConstraint,
};

/// Columns and constraints as they are declared.
///
/// # Errors
/// 42701 and 42703 for names, 42P16 for a second primary key, 0A000 for what is not kept.
pub(crate) fn columns(
    table: &str,
    declared: &[ColumnDef],
    constraints: &[TableConstraint],
) -> Result<(Vec<Column>, Constraints), QueryError> {
    let mut made = Declared { table, columns: Vec::new(), constraints: Constraints::default() };
    let mut checks = Vec::new();
    for column in declared {
        let name = fold(&column.name);
        if made.place(&name).is_some() {
            let message = format!("column \"{name}\" specified more than once");
            return Err(QueryError::new(ErrorKind::DuplicateColumn, message));
        }
        made.column(column, &mut checks)?;
    }
    checks.into_iter().for_each(|check| made.check(check));
    constraints.iter().try_for_each(|constraint| made.constraint(constraint))?;
    Ok((made.columns, made.constraints))
}

/// A table while it is declared.
pub(crate) struct Declared<'a> {
    table: &'a str,
    /// Its columns so far.
    pub(crate) columns: Vec<Column>,
    /// Its constraints so far.
    pub(crate) constraints: Constraints,
}

impl<'a> Declared<'a> {
    /// A table that is there.
    pub(crate) fn of(name: &'a str, table: &Table) -> Self {
        Self { table: name, columns: table.columns.to_vec(), constraints: Constraints::clone(&table.constraints) }
    }

    /// The place of a column.
    pub(crate) fn place(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|known| known.name == name)
    }

    /// Adds a column with what is declared of it; its CHECK constraints, which may speak of columns behind it, are given
    /// back.
    ///
    /// # Errors
    /// As [`columns`].
    pub(crate) fn column(&mut self, column: &ColumnDef, checks: &mut Vec<CheckConstraint>) -> Result<(), QueryError> {
        let name = fold(&column.name);
        if ["ctid", "tableoid", "xmin", "xmax", "cmin", "cmax"].contains(&name.as_str()) {
            let message = format!("column name \"{name}\" conflicts with a system column name");
            return Err(QueryError::new(ErrorKind::DuplicateColumn, message));
        }
        let (sql_type, length) = stored_type(&column.data_type)?;
        let (mut required, mut default, mut keys) = (false, None, Vec::new());
        for option in &column.options {
            match &option.option {
                ColumnOption::Null => {}
                // Texts compare by their bytes.
                ColumnOption::Collation(name)
                    if matches!(name.to_string().trim_matches('"'), "C" | "POSIX" | "default") => {}
                ColumnOption::NotNull => required = true,
                ColumnOption::Default(value) => default = Some(value.clone()),
                ColumnOption::PrimaryKey(key) if key.characteristics.is_none() => keys.push((&option.name, true)),
                ColumnOption::Unique(key)
                    if key.characteristics.is_none() && key.nulls_distinct == NullsDistinctOption::None =>
                {
                    keys.push((&option.name, false));
                }
                ColumnOption::Check(check) if check.enforced.is_none() => {
                    let name = check.name.clone().or_else(|| option.name.clone());
                    checks.push(CheckConstraint { name, ..check.clone() });
                }
                other => return Err(not_supported(&format!("a column with \"{other}\""))),
            }
        }
        let place = self.columns.len();
        self.columns.push(Column { name, sql_type, length, required, default });
        keys.into_iter().try_for_each(|(name, primary)| self.key(name.as_ref(), vec![place], primary))
    }

    /// Adds a constraint.
    ///
    /// # Errors
    /// As [`columns`].
    pub(crate) fn constraint(&mut self, constraint: &TableConstraint) -> Result<(), QueryError> {
        let refused = || not_supported(&format!("a table with \"{constraint}\""));
        let (name, listed, primary, plain) = match constraint {
            TableConstraint::PrimaryKey(key) => {
                let plain = key.characteristics.is_none() && key.index_options.is_empty() && key.index_type.is_none();
                (&key.name, &key.columns, true, plain)
            }
            TableConstraint::Unique(key) => {
                let plain = key.characteristics.is_none() && key.index_options.is_empty() && key.index_type.is_none();
                (&key.name, &key.columns, false, plain && key.nulls_distinct == NullsDistinctOption::None)
            }
            TableConstraint::Check(check) if check.enforced.is_none() => {
                self.check(check.clone());
                return Ok(());
            }
            _ => return Err(refused()),
        };
        if !plain {
            return Err(refused());
        }
        let mut places = Vec::new();
        for column in listed {
            let named = indexed(column).ok_or_else(refused)?;
            places.push(self.place(&named).ok_or_else(|| {
                let message = format!("column \"{named}\" named in key does not exist");
                QueryError::new(ErrorKind::UnknownColumn, message)
            })?);
        }
        self.key(name.as_ref(), places, primary)
    }

    fn key(&mut self, name: Option<&Ident>, places: Vec<usize>, primary: bool) -> Result<(), QueryError> {
        if primary && self.constraints.unique.iter().any(|key| key.primary) {
            let message = format!("multiple primary keys for table \"{}\" are not allowed", self.table);
            return Err(QueryError::new(ErrorKind::InvalidTable, message));
        }
        let mut named = Vec::with_capacity(places.len());
        for place in &places {
            if let Some(column) = self.columns.get_mut(*place) {
                column.required |= primary;
                named.push(column.name.clone());
            }
        }
        let name = match name {
            Some(name) => fold(name),
            None if primary => self.free(format!("{}_pkey", self.table)),
            None => self.free(format!("{}_{}_key", self.table, named.join("_"))),
        };
        self.constraints.unique.push(Unique { name, columns: places, primary });
        Ok(())
    }

    /// Adds a CHECK. Without a name it is called after its one column, or after the table alone.
    pub(crate) fn check(&mut self, check: CheckConstraint) {
        let name = check.name.as_ref().map(fold);
        let name = name.unwrap_or_else(|| match mentioned(&check.expr, &self.columns).as_slice() {
            [only] => self.free(format!("{}_{only}_check", self.table)),
            _ => self.free(format!("{}_check", self.table)),
        });
        self.constraints.checks.push(Check { name, condition: *check.expr });
        self.constraints.checks.sort_by(|one, other| one.name.cmp(&other.name));
    }

    /// A name that no constraint has, with a number behind it where it must be.
    fn free(&self, name: String) -> String {
        let keys = self.constraints.unique.iter().map(|key| &key.name);
        let taken: Vec<&String> = keys.chain(self.constraints.checks.iter().map(|check| &check.name)).collect();
        let numbered = (1_usize..).map(|number| format!("{name}{number}"));
        std::iter::once(name.clone()).chain(numbered).find(|name| !taken.contains(&name)).unwrap_or_default()
    }
}

/// The names of the columns that an expression speaks of.
pub(crate) fn mentioned(expr: &Expr, columns: &[Column]) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    expr.walk_expressions(|part| {
        let name = match part {
            Expr::Identifier(name) => Some(fold(name)),
            Expr::CompoundIdentifier(parts) => parts.last().map(fold),
            _ => None,
        };
        found.extend(name.filter(|name| columns.iter().any(|column| column.name == *name)));
    });
    found.sort();
    found.dedup();
    found
}

/// The column of a key that is nothing but a column.
fn indexed(column: &IndexColumn) -> Option<String> {
    match &column.column.expr {
        Expr::Identifier(name) if column.operator_class.is_none() && column.column.options.asc.is_none() => {
            Some(fold(name))
        }
        _ => None,
    }
}

/// The type that values are cast to, and how long a text may be: a cast to `varchar(n)` cuts, where an assignment fails.
///
/// # Errors
/// 0A000 for a type that a column does not have.
pub(crate) fn stored_type(declared: &DataType) -> Result<(DataType, Option<u64>), QueryError> {
    let length = |length: &Option<CharacterLength>| match length {
        Some(CharacterLength::IntegerLength { length, .. }) => Some(*length),
        Some(CharacterLength::Max) | None => None,
    };
    Ok(match declared {
        DataType::Varchar(given) | DataType::CharacterVarying(given) | DataType::CharVarying(given) => {
            (DataType::Text, length(given))
        }
        DataType::Char(_) | DataType::Character(_) => {
            return Err(not_supported("a column of type character(n)").with_hint("Use text or varchar(n)."));
        }
        DataType::Custom(name, _) if name.to_string().eq_ignore_ascii_case("bpchar") => {
            return Err(not_supported("a column of type character(n)").with_hint("Use text or varchar(n)."));
        }
        DataType::Array(ArrayElemTypeDef::SquareBracket(element, _)) if stored_type(element)?.1.is_some() => {
            return Err(not_supported("a column of type character varying(n)[]").with_hint("Use text[]."));
        }
        DataType::Unspecified => return Err(syntax("a column needs a type")),
        DataType::Custom(name, _) if name.to_string().to_ascii_lowercase().contains("serial") => {
            return Err(not_supported("a column of type serial").with_hint("Number rows by row_number() OVER ()."));
        }
        other => (other.clone(), None),
    })
}
