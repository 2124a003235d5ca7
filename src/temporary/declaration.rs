//! The columns and keys of CREATE TEMP TABLE, as they are declared.

use super::contents::{Column, Unique};
use super::refusal::{not_supported, syntax};
use crate::dialect::parse::tree::fold;
use crate::error::{ErrorKind, QueryError};
use datafusion::sql::sqlparser::ast::{
    CharacterLength, ColumnDef, ColumnOption, DataType, Expr, Ident, IndexColumn, NullsDistinctOption, TableConstraint,
};

/// Columns and keys as they are declared.
///
/// # Errors
/// 42701 and 42703 for names, 42P16 for a second primary key, 0A000 for what is not kept.
pub(crate) fn columns(
    table: &str,
    declared: &[ColumnDef],
    constraints: &[TableConstraint],
) -> Result<(Vec<Column>, Vec<Unique>), QueryError> {
    let (mut columns, mut unique, mut primary) = (Vec::new(), Vec::new(), 0);
    let key_name = |name: &Option<Ident>, columns: &[String], what: &str| match (name, what) {
        (Some(name), _) => fold(name),
        (None, "pkey") => format!("{table}_pkey"),
        (None, what) => format!("{table}_{}_{what}", columns.join("_")),
    };
    for column in declared {
        let name = fold(&column.name);
        if ["ctid", "tableoid", "xmin", "xmax", "cmin", "cmax"].contains(&name.as_str()) {
            let message = format!("column name \"{name}\" conflicts with a system column name");
            return Err(QueryError::new(ErrorKind::DuplicateColumn, message));
        }
        if columns.iter().any(|known: &Column| known.name == name) {
            let message = format!("column \"{name}\" specified more than once");
            return Err(QueryError::new(ErrorKind::DuplicateColumn, message));
        }
        let (sql_type, length) = stored_type(&column.data_type)?;
        let declared = column.data_type.to_string();
        let mut read = Column { name: name.clone(), sql_type, declared, length, required: false, default: None };
        for option in &column.options {
            match &option.option {
                ColumnOption::Null => {}
                // Texts compare by their bytes.
                ColumnOption::Collation(name)
                    if matches!(name.to_string().trim_matches('"'), "C" | "POSIX" | "default") => {}
                ColumnOption::NotNull => read.required = true,
                ColumnOption::Default(value) => read.default = Some(value.clone()),
                ColumnOption::PrimaryKey(key) if key.characteristics.is_none() => {
                    (read.required, primary) = (true, primary + 1);
                    let name = key_name(&option.name, std::slice::from_ref(&name), "pkey");
                    unique.push(Unique { name, columns: vec![columns.len()] });
                }
                ColumnOption::Unique(key)
                    if key.characteristics.is_none() && key.nulls_distinct == NullsDistinctOption::None =>
                {
                    let name = key_name(&option.name, std::slice::from_ref(&name), "key");
                    unique.push(Unique { name, columns: vec![columns.len()] });
                }
                other => return Err(not_supported(&format!("a column with \"{other}\""))),
            }
        }
        columns.push(read);
    }
    for constraint in constraints {
        let (name, listed, what, plain) = match constraint {
            TableConstraint::PrimaryKey(key) => {
                let plain = key.characteristics.is_none() && key.index_options.is_empty() && key.index_type.is_none();
                (&key.name, &key.columns, "pkey", plain)
            }
            TableConstraint::Unique(key) => {
                let plain = key.characteristics.is_none() && key.index_options.is_empty() && key.index_type.is_none();
                (&key.name, &key.columns, "key", plain && key.nulls_distinct == NullsDistinctOption::None)
            }
            other => return Err(not_supported(&format!("a table with \"{other}\""))),
        };
        if !plain {
            return Err(not_supported(&format!("a table with \"{constraint}\"")));
        }
        primary += usize::from(what == "pkey");
        let mut places = Vec::new();
        for column in listed {
            let named = indexed(column).ok_or_else(|| not_supported(&format!("a table with \"{constraint}\"")))?;
            let place = columns.iter().position(|known| known.name == named).ok_or_else(|| {
                let message = format!("column \"{named}\" named in key does not exist");
                QueryError::new(ErrorKind::UnknownColumn, message)
            })?;
            if what == "pkey"
                && let Some(column) = columns.get_mut(place)
            {
                column.required = true;
            }
            places.push(place);
        }
        let named: Vec<String> = places.iter().filter_map(|place| Some(columns.get(*place)?.name.clone())).collect();
        unique.push(Unique { name: key_name(name, &named, what), columns: places });
    }
    if primary > 1 {
        let message = format!("multiple primary keys for table \"{table}\" are not allowed");
        return Err(QueryError::new(ErrorKind::InvalidTable, message));
    }
    Ok((columns, unique))
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
fn stored_type(declared: &DataType) -> Result<(DataType, Option<u64>), QueryError> {
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
        DataType::Unspecified => return Err(syntax("a column needs a type")),
        DataType::Custom(name, _) if name.to_string().to_ascii_lowercase().contains("serial") => {
            return Err(not_supported("a column of type serial").with_hint("Number rows by row_number() OVER ()."));
        }
        other => (other.clone(), None),
    })
}
