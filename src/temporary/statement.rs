//! What a statement asks of temporary tables and views, read from its tree: what it makes, drops or changes, and the
//! query within it.
//!
//! A statement about anything else is none of these; so is one that would change a table of the lake. What the tree has
//! and is not read here is refused: the tree without what was read must be that of the plainest statement of its kind.

use super::alter::{self, Alteration};
use super::conflict::{self, OnConflict};
use super::contents::{Column, Constraints, Relation};
use super::declaration;
use super::names::{Names, assigned, changed, made, own_name, single, target};
use super::refusal::{not_supported, same, syntax, template};
use crate::dialect::parse::tree::fold;
use crate::error::{ErrorKind, QueryError};
use datafusion::sql::sqlparser::ast::{
    Analyze, CreateTable, CreateTableLikeDefaults, CreateTableLikeKind, CreateView, DataType, Delete, Expr, FromTable,
    Ident, Insert, ObjectName, ObjectType, OnCommit, Query, SelectItem, SetExpr, Statement, TableObject,
    TableWithJoins, Truncate, Update, UpdateTableFromKind, Value, With,
};
use std::collections::BTreeSet;

/// What a statement asks of temporary tables and views.
#[derive(Debug)]
pub(crate) enum Change {
    /// CREATE TEMP TABLE with columns.
    CreateTable {
        /// Its name, folded as the catalog spells it.
        name: String,
        /// Whether one of that name may be there, and stays.
        if_not_exists: bool,
        /// What becomes of it when a transaction commits.
        on_commit: Option<OnCommit>,
        /// Its columns in order.
        columns: Vec<Column>,
        /// Its PRIMARY KEY, UNIQUE and CHECK constraints.
        constraints: Constraints,
    },
    /// CREATE TEMP TABLE (LIKE another).
    CreateTableLike {
        /// Its name, folded as the catalog spells it.
        name: String,
        /// Whether one of that name may be there, and stays.
        if_not_exists: bool,
        /// What becomes of it when a transaction commits.
        on_commit: Option<OnCommit>,
        /// The table whose columns it has.
        like: ObjectName,
        /// Whether they have its defaults as well.
        defaults: bool,
    },
    /// ALTER TABLE of one of them.
    AlterTable {
        /// Its name; `None` of one that is not there, which IF EXISTS allows.
        name: Result<String, String>,
        /// What is to be done, in order.
        alterations: Vec<Alteration>,
    },
    /// CREATE TEMP TABLE AS, and SELECT INTO TEMP.
    CreateTableAs {
        /// Its name, folded as the catalog spells it.
        name: String,
        /// Whether one of that name may be there, and stays.
        if_not_exists: bool,
        /// What becomes of it when a transaction commits.
        on_commit: Option<OnCommit>,
        /// Names for the first columns.
        columns: Vec<String>,
        /// Where its rows come from.
        query: Box<Query>,
        /// Whether they are to come, or the columns alone.
        with_data: bool,
    },
    /// CREATE TEMP VIEW over a query.
    CreateView {
        /// Its name, folded as the catalog spells it.
        name: String,
        /// Whether it may take the place of a view of that name.
        or_replace: bool,
        /// Names for the first columns.
        columns: Vec<String>,
        /// What it stands for.
        query: Box<Query>,
    },
    /// INSERT of rows that a query gives.
    Insert {
        /// Name of the changed table.
        table: String,
        /// The columns it names; none are all.
        columns: Vec<Ident>,
        /// Where the rows come from; `None` is one of defaults alone.
        source: Option<Box<Query>>,
        /// What the statement calls the table.
        alias: Ident,
        /// What becomes of rows that are like one that is there; `None` is an error.
        conflict: Option<Box<OnConflict>>,
        /// What it gives of the rows that come.
        returning: Option<Vec<SelectItem>>,
    },
    /// UPDATE of some rows.
    Update {
        /// Name of the changed table.
        table: String,
        /// What the statement calls it.
        alias: Ident,
        /// What the columns become.
        assignments: Vec<(Ident, Expr)>,
        /// Where the rows to change are looked for.
        rows: Box<Rows>,
        /// What it gives of the rows that change.
        returning: Option<Vec<SelectItem>>,
    },
    /// DELETE of some rows.
    Delete {
        /// Name of the changed table.
        table: String,
        /// What the statement calls it.
        alias: Ident,
        /// Where the rows that go are looked for.
        rows: Box<Rows>,
        /// What it gives of the rows that go.
        returning: Option<Vec<SelectItem>>,
    },
    /// TRUNCATE of some tables.
    Truncate(Vec<String>),
    /// ANALYZE of one of them, which has nothing to do.
    Analyze,
    /// DROP TABLE and DROP VIEW.
    Drop {
        /// `table` or `view`, as errors have it.
        what: &'static str,
        /// Those that are there.
        names: BTreeSet<String>,
        /// Those that are not, which IF EXISTS allows.
        missing: Vec<String>,
        /// Whether views that read them go as well.
        cascade: bool,
    },
}

/// The rows that UPDATE or DELETE is about: those of a join that meet a condition.
#[derive(Debug)]
pub(crate) struct Rows {
    /// Queries that the statement names before.
    pub(crate) with: Option<With>,
    /// Other tables, with their joins.
    pub(crate) others: Vec<TableWithJoins>,
    /// The condition, if there is one.
    pub(crate) selection: Option<Expr>,
}

/// Reads a statement; `None` when it is not about temporary tables or views.
///
/// # Errors
/// What PostgreSQL says of such a statement that cannot be meant, 0A000 for what is not done here.
pub(crate) fn read(statement: &Statement, names: &Names<'_>) -> Result<Option<Change>, QueryError> {
    match statement {
        Statement::CreateTable(table) => create_table(table, names),
        Statement::AlterTable(table) => {
            Ok(alter::read(table, names)?.map(|(name, alterations)| Change::AlterTable { name, alterations }))
        }
        Statement::CreateView(view) => create_view(view, names),
        Statement::Insert(insert) => read_insert(insert, None, names),
        Statement::Update(update) => read_update(update, None, names),
        Statement::Delete(delete) => read_delete(delete, None, names),
        Statement::Truncate(truncate) => read_truncate(truncate, names),
        Statement::Analyze(analyze) => read_analyze(analyze, names),
        Statement::Drop { object_type, if_exists, names: dropped, cascade, .. } => {
            let what = match object_type {
                ObjectType::Table => "table",
                ObjectType::View => "view",
                _ => return Ok(None),
            };
            read_drop(statement, what, *if_exists, dropped, *cascade, names)
        }
        Statement::Query(query) => read_query(query, names),
        _ => Ok(None),
    }
}

/// SELECT INTO, and what stands behind WITH.
fn read_query(query: &Query, names: &Names<'_>) -> Result<Option<Change>, QueryError> {
    let change = match query.body.as_ref() {
        SetExpr::Select(select) => {
            let Some(into) = &select.into else { return Ok(None) };
            let Some((qualified, name)) = own_name(&into.name, names) else { return Ok(None) };
            if !into.temporary && !qualified {
                return Ok(None);
            }
            if into.unlogged {
                return Err(not_supported("UNLOGGED"));
            }
            let mut query = query.clone();
            if let SetExpr::Select(select) = query.body.as_mut() {
                select.into = None;
            }
            let (if_not_exists, on_commit, columns, with_data) = (false, None, Vec::new(), true);
            let query = Box::new(query);
            return Ok(Some(Change::CreateTableAs { name, if_not_exists, on_commit, columns, query, with_data }));
        }
        SetExpr::Insert(Statement::Insert(insert)) => read_insert(insert, query.with.clone(), names)?,
        SetExpr::Update(Statement::Update(update)) => read_update(update, query.with.clone(), names)?,
        SetExpr::Delete(Statement::Delete(delete)) => read_delete(delete, query.with.clone(), names)?,
        _ => return Ok(None),
    };
    if change.is_some()
        && let Statement::Query(mut plain) = template("SELECT 1")?
    {
        plain.with.clone_from(&query.with);
        plain.body = query.body.clone();
        same(query, plain.as_ref())?;
    }
    Ok(change)
}

fn create_table(table: &CreateTable, names: &Names<'_>) -> Result<Option<Change>, QueryError> {
    let Some(name) = made(&table.name, table.temporary, names)? else { return Ok(None) };
    if let Some(like) = &table.like {
        return create_table_like(name, table, like).map(Some);
    }
    let plain = Statement::CreateTable(CreateTable {
        temporary: true,
        global: None,
        if_not_exists: false,
        name: ObjectName::from(vec![Ident::new("x")]),
        columns: Vec::new(),
        constraints: Vec::new(),
        query: None,
        on_commit: None,
        // Of CREATE TABLE AS it is WITH NO DATA.
        strict: table.strict && table.query.is_none(),
        ..table.clone()
    });
    match &table.query {
        Some(query) => {
            without_query(&plain, "CREATE TEMPORARY TABLE x AS SELECT 1")?;
            // A name alone has no type.
            if table
                .columns
                .iter()
                .any(|column| column.data_type != DataType::Unspecified || !column.options.is_empty())
                || !table.constraints.is_empty()
            {
                return Err(syntax("a column of CREATE TABLE AS has a name and nothing else"));
            }
            let columns = table.columns.iter().map(|column| fold(&column.name)).collect();
            let (if_not_exists, on_commit) = (table.if_not_exists, table.on_commit);
            let (query, with_data) = (query.clone(), !table.strict);
            Ok(Some(Change::CreateTableAs { name, if_not_exists, on_commit, columns, query, with_data }))
        }
        None => {
            same(&plain, &template("CREATE TEMPORARY TABLE x ()")?)?;
            let (columns, constraints) = declaration::columns(&name, &table.columns, &table.constraints)?;
            let (if_not_exists, on_commit) = (table.if_not_exists, table.on_commit);
            Ok(Some(Change::CreateTable { name, if_not_exists, on_commit, columns, constraints }))
        }
    }
}

fn create_table_like(name: String, table: &CreateTable, like: &CreateTableLikeKind) -> Result<Change, QueryError> {
    let CreateTableLikeKind::Parenthesized(like) = like else { return Err(syntax("LIKE stands in parentheses")) };
    let plain = Statement::CreateTable(CreateTable {
        temporary: true,
        global: None,
        if_not_exists: false,
        name: ObjectName::from(vec![Ident::new("x")]),
        like: None,
        on_commit: None,
        ..table.clone()
    });
    same(&plain, &template("CREATE TEMPORARY TABLE x ()")?)?;
    let (if_not_exists, on_commit) = (table.if_not_exists, table.on_commit);
    let defaults = like.defaults == Some(CreateTableLikeDefaults::Including);
    Ok(Change::CreateTableLike { name, if_not_exists, on_commit, like: like.name.clone(), defaults })
}

/// Compares a tree of CREATE TABLE AS, whose query was taken out.
fn without_query(plain: &Statement, sql: &str) -> Result<(), QueryError> {
    let mut template = template(sql)?;
    if let Statement::CreateTable(table) = &mut template {
        table.query = None;
    }
    same(plain, &template)
}

fn create_view(view: &CreateView, names: &Names<'_>) -> Result<Option<Change>, QueryError> {
    let Some(name) = made(&view.name, view.temporary, names)? else { return Ok(None) };
    if view.columns.iter().any(|column| column.data_type.is_some() || column.options.is_some()) {
        return Err(syntax("a column of a view has a name and nothing else"));
    }
    let query = view.query.clone();
    let mut plain = template("CREATE TEMPORARY VIEW x AS SELECT 1")?;
    if let Statement::CreateView(template) = &mut plain {
        template.query = query.clone();
    }
    let rest = Statement::CreateView(CreateView {
        temporary: true,
        or_replace: false,
        name: ObjectName::from(vec![Ident::new("x")]),
        columns: Vec::new(),
        ..view.clone()
    });
    same(&rest, &plain)?;
    let columns = view.columns.iter().map(|column| fold(&column.name)).collect();
    Ok(Some(Change::CreateView { name, or_replace: view.or_replace, columns, query }))
}

fn read_insert(insert: &Insert, with: Option<With>, names: &Names<'_>) -> Result<Option<Change>, QueryError> {
    let TableObject::TableName(named) = &insert.table else { return Ok(None) };
    let Some(table) = changed(named, names)? else { return Ok(None) };
    let columns = insert.columns.iter().map(single).collect::<Result<Vec<_>, _>>()?;
    let conflict = insert.on.as_ref().map(conflict::read).transpose()?.map(Box::new);
    let mut plain = template("INSERT INTO x DEFAULT VALUES")?;
    if let (Statement::Insert(plain), Some(_)) = (&mut plain, &insert.source) {
        let Statement::Insert(with_source) = template("INSERT INTO x SELECT 1")? else {
            return Err(not_supported("such an INSERT"));
        };
        *plain = with_source;
        plain.source.clone_from(&insert.source);
    }
    if let Statement::Insert(plain) = &mut plain {
        plain.table = insert.table.clone();
        plain.table_alias.clone_from(&insert.table_alias);
        plain.columns.clone_from(&insert.columns);
        plain.on.clone_from(&insert.on);
        plain.returning.clone_from(&insert.returning);
    }
    same(&Statement::Insert(insert.clone()), &plain)?;
    let source = insert.source.as_ref().map(|source| {
        let mut source = source.clone();
        if let (Some(with), None) = (&with, &source.with) {
            source.with = Some(with.clone());
        }
        source
    });
    let alias = match &insert.table_alias {
        Some(alias) => alias.alias.clone(),
        None => Ident::with_quote('"', table.clone()),
    };
    let returning = insert.returning.clone();
    Ok(Some(Change::Insert { table, columns, source, alias, conflict, returning }))
}

fn read_update(update: &Update, with: Option<With>, names: &Names<'_>) -> Result<Option<Change>, QueryError> {
    let Some((table, alias)) = target(&update.table, names)? else { return Ok(None) };
    let others = match &update.from {
        None => Vec::new(),
        Some(UpdateTableFromKind::AfterSet(tables)) => tables.clone(),
        Some(UpdateTableFromKind::BeforeSet(_)) => return Err(syntax("FROM stands behind SET")),
    };
    let mut plain = template("UPDATE x SET a = 1")?;
    if let Statement::Update(plain) = &mut plain {
        plain.table = update.table.clone();
        plain.assignments.clone_from(&update.assignments);
        plain.from.clone_from(&update.from);
        plain.selection.clone_from(&update.selection);
        plain.returning.clone_from(&update.returning);
    }
    same(&Statement::Update(update.clone()), &plain)?;
    let mut assignments = Vec::new();
    for assignment in &update.assignments {
        assigned(assignment, &mut assignments)?;
    }
    let rows = Box::new(Rows { with, others, selection: update.selection.clone() });
    let returning = update.returning.clone();
    check_returning(&returning, &rows)?;
    Ok(Some(Change::Update { table, alias, assignments, rows, returning }))
}

fn read_delete(delete: &Delete, with: Option<With>, names: &Names<'_>) -> Result<Option<Change>, QueryError> {
    let FromTable::WithFromKeyword(from) = &delete.from else { return Ok(None) };
    let [only] = from.as_slice() else { return Ok(None) };
    let Some((table, alias)) = target(only, names)? else { return Ok(None) };
    let mut plain = template("DELETE FROM x")?;
    if let Statement::Delete(plain) = &mut plain {
        plain.from = delete.from.clone();
        plain.using.clone_from(&delete.using);
        plain.selection.clone_from(&delete.selection);
        plain.returning.clone_from(&delete.returning);
    }
    same(&Statement::Delete(delete.clone()), &plain)?;
    let rows = Rows { with, others: delete.using.clone().unwrap_or_default(), selection: delete.selection.clone() };
    let returning = delete.returning.clone();
    check_returning(&returning, &rows)?;
    Ok(Some(Change::Delete { table, alias, rows: Box::new(rows), returning }))
}

/// Refuses RETURNING that may speak of other tables than the changed one.
fn check_returning(returning: &Option<Vec<SelectItem>>, rows: &Rows) -> Result<(), QueryError> {
    match returning {
        Some(_) if !rows.others.is_empty() => {
            Err(not_supported("RETURNING of a change that reads other tables in FROM or USING")
                .with_hint("Read them in a subquery of the condition."))
        }
        _ => Ok(()),
    }
}

fn read_truncate(truncate: &Truncate, names: &Names<'_>) -> Result<Option<Change>, QueryError> {
    let mut tables = Vec::new();
    for target in &truncate.table_names {
        let Some(table) = changed(&target.name, names)? else { return Ok(None) };
        tables.push(table);
    }
    let mut plain = template("TRUNCATE TABLE x")?;
    if let Statement::Truncate(plain) = &mut plain {
        plain.table_names.clone_from(&truncate.table_names);
        plain.table = truncate.table;
    }
    same(&Statement::Truncate(truncate.clone()), &plain)?;
    Ok(Some(Change::Truncate(tables)))
}

fn read_analyze(analyze: &Analyze, names: &Names<'_>) -> Result<Option<Change>, QueryError> {
    let Some(name) = &analyze.table_name else { return Ok(None) };
    if changed(name, names)?.is_none() {
        return Ok(None);
    }
    let mut plain = template("ANALYZE x")?;
    if let Statement::Analyze(plain) = &mut plain {
        plain.table_name.clone_from(&analyze.table_name);
    }
    same(&Statement::Analyze(analyze.clone()), &plain)?;
    Ok(Some(Change::Analyze))
}

fn read_drop(
    statement: &Statement,
    what: &'static str,
    if_exists: bool,
    dropped: &[ObjectName],
    cascade: bool,
    names: &Names<'_>,
) -> Result<Option<Change>, QueryError> {
    let (mut there, mut missing) = (BTreeSet::new(), Vec::new());
    for name in dropped {
        let Some((qualified, own)) = own_name(name, names) else { return Ok(None) };
        match (names.contents.relation(&own), what) {
            (Some(Relation::Table(_)), "table") | (Some(Relation::View(_)), "view") => drop(there.insert(own)),
            (Some(_), what) => {
                let other = if what == "view" { "TABLE" } else { "VIEW" };
                let message = format!("\"{own}\" is not a {what}");
                return Err(QueryError::new(ErrorKind::WrongObject, message)
                    .with_hint(format!("Use DROP {other} to remove it.")));
            }
            (None, _) if if_exists && (qualified || !(names.exists)(&own)) => missing.push(own),
            (None, what) if qualified || !(names.exists)(&own) => {
                return Err(QueryError::new(ErrorKind::UnknownTable, format!("{what} \"{own}\" does not exist")));
            }
            (None, _) => return Ok(None),
        }
    }
    let mut plain = template(&format!("DROP {what} x"))?;
    if let (
        Statement::Drop { if_exists, names, cascade, restrict, .. },
        Statement::Drop { if_exists: given, names: named, cascade: cascading, restrict: restricted, .. },
    ) = (&mut plain, statement)
    {
        (*if_exists, *cascade, *restrict) = (*given, *cascading, *restricted);
        names.clone_from(named);
    }
    same(statement, &plain)?;
    Ok(Some(Change::Drop { what, names: there, missing, cascade }))
}

/// Whether an expression is the word DEFAULT.
pub(crate) fn is_default(expr: &Expr) -> bool {
    match expr {
        Expr::Identifier(name) => name.quote_style.is_none() && name.value.eq_ignore_ascii_case("default"),
        _ => false,
    }
}

/// Whether an expression takes the type of the column that it is for: a text in quotes, NULL, a parameter.
pub(crate) fn is_untyped(expr: &Expr) -> bool {
    match expr {
        Expr::Nested(inner) => is_untyped(inner),
        Expr::Value(value) => {
            !matches!(value.value, Value::Number(..) | Value::Boolean(_) | Value::HexStringLiteral(_))
        }
        _ => is_default(expr),
    }
}
