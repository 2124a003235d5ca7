//! The refusals of fields of sqlparser's tree, and the checks that lists of columns and expressions
//! share.

use crate::error::{ErrorKind, QueryError};
use datafusion::sql::sqlparser::ast::{OrderByExpr, OrderByOptions, WildcardAdditionalOptions};

/// What comes of a node: nothing, or the refusal of one of its fields.
pub(super) type Checked = Result<(), QueryError>;

/// Refuses what is set and is no syntax of PostgreSQL; `what` is the word by which it is known.
pub(super) fn foreign(set: bool, what: &str) -> Checked {
    match set {
        false => Ok(()),
        true => Err(QueryError::new(ErrorKind::Syntax, format!("syntax error at or near \"{what}\""))),
    }
}

/// Refuses what is set, PostgreSQL has, and nothing here answers.
pub(super) fn unsupported(set: bool, what: &str) -> Checked {
    match set {
        false => Ok(()),
        true => Err(QueryError::new(ErrorKind::NotSupported, format!("{what} is not supported"))),
    }
}

/// Checks a key of ORDER BY, of a query, a window or an aggregate.
pub(super) fn sort_key(key: &OrderByExpr) -> Checked {
    let OrderByExpr { expr: _, options: OrderByOptions { asc: _, nulls_first: _ }, with_fill } = key;
    foreign(with_fill.is_some(), "WITH")
}

/// Checks what follows a `*`: in PostgreSQL nothing does.
pub(super) fn wildcard(options: &WildcardAdditionalOptions) -> Checked {
    let WildcardAdditionalOptions {
        wildcard_token: _,
        opt_ilike,
        opt_exclude,
        opt_except,
        opt_replace,
        opt_rename,
        opt_alias,
    } = options;
    foreign(opt_ilike.is_some(), "ILIKE")?;
    foreign(opt_exclude.is_some(), "EXCLUDE")?;
    foreign(opt_except.is_some(), "EXCEPT")?;
    foreign(opt_replace.is_some(), "REPLACE")?;
    foreign(opt_rename.is_some(), "RENAME")?;
    foreign(opt_alias.is_some(), "AS")
}
