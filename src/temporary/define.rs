//! Making and dropping temporary tables and views: what comes of a session's contents, and what a definition may be.

use super::assign;
use super::contents::{Constraints, Contents, Relation, Table};
use super::planned::What;
use super::rows::Rows;
use crate::dialect::catalog::definition;
use crate::dialect::catalog::types;
use crate::dialect::catalog::written::written;
use crate::dialect::parse::depth::Depth;
use crate::error::{ErrorKind, QueryError};
use arrow::datatypes::{Field, Schema, SchemaRef};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::logical_expr::LogicalPlan;
use std::sync::Arc;

/// What a definition did.
pub(crate) struct Defined {
    /// The contents after it; `None` when they are as before.
    pub(crate) after: Option<Contents>,
    /// What PostgreSQL calls the statement.
    pub(crate) tag: &'static str,
    /// Rows that it made, where the client is told.
    pub(crate) rows: Option<u64>,
    /// What the client is told besides.
    pub(crate) notices: Vec<String>,
}

/// Makes or drops tables and views; `schema` and `gathered` are those of the query within a statement.
///
/// # Errors
/// 42P07 for a name that is taken, 2BP01 for what others read, 42809 for a name of another kind.
pub(crate) fn defined(
    what: &What,
    schema: &SchemaRef,
    contents: &Contents,
    gathered: Rows,
) -> Result<Defined, QueryError> {
    let mut notices = Vec::new();
    let (after, tag, rows) = match what {
        What::Create { name, if_not_exists, table } => {
            // Made anew each time that it runs, so that it is another table.
            let table = Table { id: Table::next_id(), ..table.as_ref().clone() };
            (
                made(&mut notices, contents, name, *if_not_exists, Relation::Table(Arc::new(table)))?,
                "CREATE TABLE",
                None,
            )
        }
        What::CreateAs { name, if_not_exists, on_commit, with_data, declared } => {
            let mut columns = assign::columns_of(schema)?;
            for (column, declared) in columns.iter_mut().zip(declared) {
                column.declared.clone_from(declared);
                column.length = letters(declared);
            }
            let mut table = Table::new(columns, kept(schema), Constraints::default(), *on_commit);
            table.keep_room(0)?;
            let count = gathered.count() as u64;
            table.rows = gathered;
            let after = made(&mut notices, contents, name, *if_not_exists, Relation::Table(Arc::new(table)))?;
            match *with_data && after.is_some() {
                true => (after, "SELECT", Some(count)),
                false => (after, "CREATE TABLE AS", None),
            }
        }
        What::CreateView { name, or_replace, view } => {
            let relation = Relation::View(view.clone());
            match contents.relation(name) {
                Some(Relation::View(_)) if *or_replace => (Some(contents.with(name, relation)?), "CREATE VIEW", None),
                Some(Relation::Table(_)) if *or_replace => {
                    let message = format!("\"{name}\" is not a view");
                    return Err(QueryError::new(ErrorKind::WrongObject, message));
                }
                _ => (made(&mut notices, contents, name, false, relation)?, "CREATE VIEW", None),
            }
        }
        What::Truncate(names) => {
            let emptied = names.iter().fold(contents.clone(), |left, name| left.with_rows(name, Rows::default()));
            (Some(emptied), "TRUNCATE TABLE", None)
        }
        What::Analyze => (None, "ANALYZE", None),
        What::Drop { what, names, missing, cascade } => {
            if let Some(gone) = names.iter().find(|name| contents.relation(name).is_none()) {
                let message = format!("{what} \"{gone}\" does not exist");
                return Err(QueryError::new(ErrorKind::UnknownTable, message));
            }
            for name in missing {
                notices.push(format!("{what} \"{name}\" does not exist, skipping"));
            }
            let tag = if *what == "view" { "DROP VIEW" } else { "DROP TABLE" };
            (Some(contents.without(names, *cascade)?), tag, None)
        }
        What::AlterMissing(name) => {
            notices.push(format!("relation \"{name}\" does not exist, skipping"));
            (None, "ALTER TABLE", None)
        }
        What::Alter { table: name, made, after, .. } => {
            notices.extend(made.notices.iter().cloned());
            let mut altered = Table { id: Table::next_id(), ..after.as_ref().clone() };
            altered.rows = gathered;
            (Some(altered_contents(contents, name, &made.name, altered)?), "ALTER TABLE", None)
        }
        What::Insert { .. } | What::Update { .. } | What::Delete { .. } => (None, "", None),
    };
    Ok(Defined { after, tag, rows, notices })
}

/// The contents with a table as it was altered, which may have another name.
fn altered_contents(contents: &Contents, name: &str, to: &str, table: Table) -> Result<Contents, QueryError> {
    if to != name && contents.relation(to).is_some() {
        return Err(QueryError::new(ErrorKind::DuplicateTable, format!("relation \"{to}\" already exists")));
    }
    if let Some(reader) = contents.reader_of(name) {
        let message = format!("ALTER TABLE of a table that the view \"{reader}\" reads is not supported");
        return Err(QueryError::new(ErrorKind::NotSupported, message).with_hint("Drop the view first."));
    }
    contents.renamed(name, to).with(to, Relation::Table(Arc::new(table)))
}

/// The letters that a column may hold whose type is written so; `None` for all types but `varchar(n)`.
fn letters(declared: &str) -> Option<u64> {
    let (oid, modifier) = written(declared)?;
    let bounded = Some(oid) == types::by_name("varchar") && modifier >= 0;
    bounded.then(|| u64::try_from(modifier - 4).unwrap_or_default())
}

/// The contents with a new relation; `None` when there is one of its name, which may stay.
fn made(
    notices: &mut Vec<String>,
    contents: &Contents,
    name: &str,
    if_not_exists: bool,
    relation: Relation,
) -> Result<Option<Contents>, QueryError> {
    if contents.relation(name).is_none() {
        return contents.with(name, relation).map(Some);
    }
    if if_not_exists {
        notices.push(format!("relation \"{name}\" already exists, skipping"));
        return Ok(None);
    }
    Err(QueryError::new(ErrorKind::DuplicateTable, format!("relation \"{name}\" already exists")))
}

/// The columns in which the rows of a query are kept.
pub(crate) fn kept(schema: &Schema) -> SchemaRef {
    let field = |field: &Arc<Field>| Field::new(field.name(), assign::kept(field.data_type()), true);
    Arc::new(Schema::new(schema.fields().iter().map(field).collect::<Vec<_>>()))
}

/// Nodes that the plan of a temporary view may have: whoever reads it has them in a plan of its own.
const VIEW_NODES_MAX: usize = 2_000;

/// How deep they may lie in each other, which is walked by recursion.
const VIEW_DEPTH_MAX: usize = 150;

/// Refuses a view that others could not be planned over: of views over views, or of long chains of operators.
///
/// # Errors
/// 0A000, with a hint to keep the rows instead.
pub(crate) fn check_extent(plan: &LogicalPlan, sql: &str) -> Result<(), QueryError> {
    fn depth(plan: &LogicalPlan) -> usize {
        1 + plan.inputs().into_iter().map(depth).max().unwrap_or_default()
    }
    let mut nodes = 0;
    plan.apply_with_subqueries(|_| {
        nodes += 1;
        Ok(if nodes > VIEW_NODES_MAX { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })?;
    let long = Depth::of(sql) != Depth::Shallow;
    if long || nodes > VIEW_NODES_MAX || depth(plan) > VIEW_DEPTH_MAX {
        let message = "a temporary view of such a large query is not supported";
        return Err(
            QueryError::new(ErrorKind::NotSupported, message).with_hint("CREATE TEMP TABLE AS keeps its rows instead.")
        );
    }
    Ok(())
}

/// Checks that a view has the columns of the one that it replaces, and others only behind them.
///
/// # Errors
/// 42P16, as PostgreSQL has it.
pub(crate) fn check_replaced(before: &LogicalPlan, after: &LogicalPlan) -> Result<(), QueryError> {
    let (before, after) = (before.schema().fields(), after.schema().fields());
    let wrong = |message: String| Err(QueryError::new(ErrorKind::InvalidTable, message));
    if after.len() < before.len() {
        return wrong("cannot drop columns from view".to_owned());
    }
    for (old, new) in before.iter().zip(after) {
        if old.name() != new.name() {
            return wrong(format!("cannot change name of view column \"{}\" to \"{}\"", old.name(), new.name()));
        }
        if old.data_type() != new.data_type() {
            return wrong(format!("cannot change data type of view column \"{}\"", old.name()));
        }
    }
    Ok(())
}

/// Refuses the name of a table of the catalog, which is found there whatever a session calls its own.
///
/// # Errors
/// 0A000 for such a name.
pub(crate) fn check_name(name: &str) -> Result<(), QueryError> {
    if definition::find(name).is_none() {
        return Ok(());
    }
    let message = format!("a temporary table of the name \"{name}\" is not supported, as there is one in pg_catalog");
    Err(QueryError::new(ErrorKind::NotSupported, message))
}

/// The error of an aggregate in a default.
pub(crate) fn not_in_default(error: QueryError) -> QueryError {
    let message = "aggregate functions are not allowed in DEFAULT expressions".to_owned();
    QueryError { message, hint: None, ..error }
}

/// Whether a plan has an end because it is limited, whatever it reads.
pub(crate) fn ends(plan: &LogicalPlan) -> bool {
    match (plan, plan.inputs().as_slice()) {
        (LogicalPlan::Limit(limit), _) if limit.fetch.is_some() => true,
        (_, [only]) => ends(only),
        _ => false,
    }
}

/// The columns of a query under other names, as far as there are any.
///
/// # Errors
/// 42601 for more names than columns.
pub(crate) fn renamed(schema: &SchemaRef, names: &[String]) -> Result<SchemaRef, QueryError> {
    if names.len() > schema.fields().len() {
        return Err(QueryError::new(ErrorKind::Syntax, "too many column names were specified"));
    }
    let field = |(place, field): (usize, &Arc<Field>)| match names.get(place) {
        Some(name) => Arc::new(field.as_ref().clone().with_name(name)),
        None => field.clone(),
    };
    Ok(Arc::new(Schema::new(schema.fields().iter().enumerate().map(field).collect::<Vec<_>>())))
}
