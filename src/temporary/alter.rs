//! ALTER TABLE of a temporary table: what it asks, and the table that comes of it.

use super::contents::{Column, Constraints, Relation, Table};
use super::declaration::{Declared, mentioned, stored_type};
use super::names::{Names, own_name, single};
use super::refusal::{not_supported, same, template};
use crate::dialect::parse::tree::fold;
use crate::dialect::parse::walk::WalkMut;
use crate::error::{ErrorKind, QueryError};
use datafusion::sql::sqlparser::ast::{
    AlterColumnOperation, AlterTable, AlterTableOperation, ColumnDef, DataType, Expr, Ident, RenameTableNameKind,
    Statement, TableConstraint, VisitorMut,
};
use std::ops::ControlFlow;

/// One thing that ALTER TABLE does.
#[derive(Debug)]
pub(crate) enum Alteration {
    /// RENAME TO another name.
    Rename(String),
    /// RENAME COLUMN to another name.
    RenameColumn { from: Ident, to: Ident },
    /// ADD COLUMN at the end.
    AddColumn { column: Box<ColumnDef>, if_not_exists: bool },
    /// DROP COLUMN, with its constraints.
    DropColumn { column: Ident, if_exists: bool },
    /// ADD CONSTRAINT: a key or a CHECK.
    AddConstraint(Box<TableConstraint>),
    /// DROP CONSTRAINT by its name.
    DropConstraint { name: Ident, if_exists: bool },
    /// SET NOT NULL and DROP NOT NULL.
    Required { column: Ident, yes: bool },
    /// SET DEFAULT and DROP DEFAULT.
    Default { column: Ident, value: Option<Box<Expr>> },
    /// ALTER COLUMN TYPE, with USING or without.
    Type { column: Ident, data_type: Box<DataType>, using: Option<Box<Expr>> },
}

/// The table that ALTER TABLE names, or the name of one that is not there and need not be; and what is to be done.
pub(crate) type Asked = (Result<String, String>, Vec<Alteration>);

/// Reads ALTER TABLE; `None` when it is not about a temporary table.
///
/// # Errors
/// 42P01 for a table that is not there, 42809 for a view, 0A000 for what is not done.
pub(crate) fn read(table: &AlterTable, names: &Names<'_>) -> Result<Option<Asked>, QueryError> {
    let Some((qualified, own)) = own_name(&table.name, names) else { return Ok(None) };
    let name = match names.contents.relation(&own) {
        Some(Relation::Table(_)) => Ok(own),
        Some(Relation::View(_)) => {
            return Err(QueryError::new(ErrorKind::WrongObject, format!("\"{own}\" is not a table")));
        }
        None if !qualified && (names.exists)(&own) => return Ok(None),
        None if table.if_exists => Err(own),
        None => return Err(QueryError::new(ErrorKind::UnknownTable, format!("relation \"{own}\" does not exist"))),
    };
    let mut plain = template("ALTER TABLE x RENAME TO y")?;
    if let Statement::AlterTable(plain) = &mut plain {
        (plain.if_exists, plain.only) = (table.if_exists, table.only);
        plain.name = table.name.clone();
        plain.operations.clone_from(&table.operations);
        plain.end_token.clone_from(&table.end_token);
    }
    same(&Statement::AlterTable(table.clone()), &plain)?;
    let alterations = table.operations.iter().map(operation).collect::<Result<Vec<_>, _>>()?;
    Ok(Some((name, alterations.into_iter().flatten().collect())))
}

/// Reads a part of ALTER TABLE.
fn operation(operation: &AlterTableOperation) -> Result<Vec<Alteration>, QueryError> {
    let refused = || not_supported(&format!("ALTER TABLE with \"{operation}\""));
    Ok(match operation {
        AlterTableOperation::RenameTable { table_name: RenameTableNameKind::To(name) } => {
            vec![Alteration::Rename(fold(&single(name)?))]
        }
        AlterTableOperation::RenameColumn { old_column_name: from, new_column_name: to } => {
            vec![Alteration::RenameColumn { from: from.clone(), to: to.clone() }]
        }
        AlterTableOperation::AddColumn { if_not_exists, column_def, column_position: None, .. } => {
            vec![Alteration::AddColumn { column: Box::new(column_def.clone()), if_not_exists: *if_not_exists }]
        }
        AlterTableOperation::DropColumn { column_names, if_exists, .. } => {
            let one = |column: &Ident| Alteration::DropColumn { column: column.clone(), if_exists: *if_exists };
            column_names.iter().map(one).collect()
        }
        AlterTableOperation::AddConstraint { constraint, not_valid: false } => {
            vec![Alteration::AddConstraint(Box::new(constraint.clone()))]
        }
        AlterTableOperation::DropConstraint { if_exists, name, .. } => {
            vec![Alteration::DropConstraint { name: name.clone(), if_exists: *if_exists }]
        }
        AlterTableOperation::AlterColumn { column_name, op } => {
            let column = column_name.clone();
            vec![match op {
                AlterColumnOperation::SetNotNull => Alteration::Required { column, yes: true },
                AlterColumnOperation::DropNotNull => Alteration::Required { column, yes: false },
                AlterColumnOperation::SetDefault { value } => {
                    Alteration::Default { column, value: Some(Box::new(value.clone())) }
                }
                AlterColumnOperation::DropDefault => Alteration::Default { column, value: None },
                AlterColumnOperation::SetDataType { data_type, using, .. } => Alteration::Type {
                    column,
                    data_type: Box::new(data_type.clone()),
                    using: using.clone().map(Box::new),
                },
                AlterColumnOperation::AddGenerated { .. } => return Err(refused()),
            }]
        }
        _ => return Err(refused()),
    })
}

/// Where the values of a column of the altered table come from.
#[derive(Debug, Clone)]
pub(crate) enum Source {
    /// The column of a place, as it is.
    Kept(usize),
    /// The column of a place, cast to its type, or another expression.
    Cast(usize, Option<Box<Expr>>),
    /// The default of the column.
    New,
}

/// What ALTER TABLE makes of a table.
#[derive(Debug)]
pub(crate) struct Altered {
    /// The name that it has then.
    pub(crate) name: String,
    /// The columns that it has then.
    pub(crate) columns: Vec<Column>,
    /// Where their values come from.
    pub(crate) sources: Vec<Source>,
    /// The constraints that it has then.
    pub(crate) constraints: Constraints,
    /// What the client is told besides.
    pub(crate) notices: Vec<String>,
    /// Whether it is more than another name of the table itself.
    pub(crate) rebuilt: bool,
}

/// Alters the declaration of a table.
///
/// # Errors
/// 42701, 42703 and 42704 for names, 42P16 for what cannot be, 0A000 for what is not done.
pub(crate) fn altered(name: &str, table: &Table, alterations: &[Alteration]) -> Result<Altered, QueryError> {
    let mut made = Declared::of(name, table);
    let mut sources: Vec<Source> = (0..made.columns.len()).map(Source::Kept).collect();
    let (mut to, mut notices, mut rebuilt) = (name.to_owned(), Vec::new(), false);
    let missing = |column: &str| {
        let message = format!("column \"{column}\" of relation \"{name}\" does not exist");
        QueryError::new(ErrorKind::UnknownColumn, message)
    };
    for alteration in alterations {
        rebuilt |= !matches!(alteration, Alteration::Rename(_));
        match alteration {
            Alteration::Rename(name) => to.clone_from(name),
            Alteration::RenameColumn { from, to } => rename(&mut made, name, from, to)?,
            Alteration::AddColumn { column, if_not_exists } => {
                let own = fold(&column.name);
                if made.place(&own).is_some() {
                    let message = format!("column \"{own}\" of relation \"{name}\" already exists");
                    if !if_not_exists {
                        return Err(QueryError::new(ErrorKind::DuplicateColumn, message));
                    }
                    notices.push(format!("{message}, skipping"));
                    continue;
                }
                let mut checks = Vec::new();
                made.column(column, &mut checks)?;
                checks.into_iter().for_each(|check| made.check(check));
                sources.push(Source::New);
            }
            Alteration::DropColumn { column, if_exists } => {
                let own = fold(column);
                match made.place(&own) {
                    Some(place) => {
                        drop_column(&mut made, place);
                        sources.remove(place);
                    }
                    None if *if_exists => notices.push(format!("{}, skipping", missing(&own).message)),
                    None => return Err(missing(&own)),
                }
            }
            Alteration::AddConstraint(constraint) => made.constraint(constraint)?,
            Alteration::DropConstraint { name: constraint, if_exists } => {
                let own = fold(constraint);
                let Constraints { unique, checks } = &mut made.constraints;
                let before = unique.len() + checks.len();
                unique.retain(|key| key.name != own);
                checks.retain(|check| check.name != own);
                if unique.len() + checks.len() == before {
                    let message = format!("constraint \"{own}\" of relation \"{name}\" does not exist");
                    if !if_exists {
                        return Err(QueryError::new(ErrorKind::UnknownObject, message));
                    }
                    notices.push(format!("{message}, skipping"));
                }
            }
            Alteration::Required { column, yes } => {
                let own = fold(column);
                let place = made.place(&own).ok_or_else(|| missing(&own))?;
                let keys = &made.constraints.unique;
                if !yes && keys.iter().any(|key| key.primary && key.columns.contains(&place)) {
                    let message = format!("column \"{own}\" is in a primary key");
                    return Err(QueryError::new(ErrorKind::InvalidTable, message));
                }
                made.columns[place].required = *yes;
            }
            Alteration::Default { column, value } => {
                let own = fold(column);
                let place = made.place(&own).ok_or_else(|| missing(&own))?;
                made.columns[place].default = value.as_deref().cloned();
            }
            Alteration::Type { column, data_type, using } => {
                let own = fold(column);
                let place = made.place(&own).ok_or_else(|| missing(&own))?;
                (made.columns[place].sql_type, made.columns[place].length) = stored_type(data_type)?;
                let Source::Kept(old) = sources[place] else {
                    return Err(not_supported("a column whose type is altered twice"));
                };
                sources[place] = Source::Cast(old, using.clone());
            }
        }
    }
    Ok(Altered { name: to, columns: made.columns, sources, constraints: made.constraints, notices, rebuilt })
}

fn rename(made: &mut Declared<'_>, table: &str, from: &Ident, to: &Ident) -> Result<(), QueryError> {
    let (old, new) = (fold(from), fold(to));
    let place = made
        .place(&old)
        .ok_or_else(|| QueryError::new(ErrorKind::UnknownColumn, format!("column \"{old}\" does not exist")))?;
    if made.place(&new).is_some() {
        let message = format!("column \"{new}\" of relation \"{table}\" already exists");
        return Err(QueryError::new(ErrorKind::DuplicateColumn, message));
    }
    made.columns[place].name.clone_from(&new);
    let mut renaming = Renaming { from: old, to: Ident::with_quote('"', new) };
    for check in &mut made.constraints.checks {
        let _ = check.condition.walk_mut(&mut renaming);
    }
    Ok(())
}

/// Gives a column another name in an expression.
struct Renaming {
    from: String,
    to: Ident,
}

impl VisitorMut for Renaming {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        let name = match expr {
            Expr::Identifier(name) => Some(name),
            Expr::CompoundIdentifier(parts) => parts.last_mut(),
            _ => None,
        };
        if let Some(name) = name
            && fold(name) == self.from
        {
            *name = self.to.clone();
        }
        ControlFlow::Continue(())
    }
}

/// Takes a column away, and with it the constraints that speak of it.
fn drop_column(made: &mut Declared<'_>, place: usize) {
    let name = made.columns[place].name.clone();
    let columns = std::mem::take(&mut made.columns);
    made.constraints.checks.retain(|check| !mentioned(&check.condition, &columns).contains(&name));
    made.columns = columns;
    made.columns.remove(place);
    made.constraints.unique.retain(|key| !key.columns.contains(&place));
    for at in made.constraints.unique.iter_mut().flat_map(|key| &mut key.columns) {
        *at -= usize::from(*at > place);
    }
}
