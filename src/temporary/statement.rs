//! What a statement asks of temporary tables and views, read from its tree: what it makes, drops or changes, and the
//! query within it.
//!
//! A statement about anything else is none of these; so is one that would change a table of the lake. What the tree has
//! and is not read here is refused: the tree without what was read must be that of the plainest statement of its kind.

use super::catalog::ALIAS;
use super::contents::{Column, Contents, Relation, Unique};
use crate::error::{ErrorKind, QueryError};
use datafusion::sql::sqlparser::ast::{
    Assignment, AssignmentTarget, CharacterLength, ColumnDef, ColumnOption, CreateTable, CreateView, DataType, Delete,
    Expr, FromTable, Ident, IndexColumn, Insert, NullsDistinctOption, ObjectName, ObjectType, OnCommit, Query, SetExpr,
    Statement, TableConstraint, TableFactor, TableObject, TableWithJoins, Truncate, Update, UpdateTableFromKind, Value,
    With,
};
use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::parser::Parser;
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
        /// Its PRIMARY KEY and UNIQUE constraints.
        unique: Vec<Unique>,
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
    },
    /// DELETE of some rows.
    Delete {
        /// Name of the changed table.
        table: String,
        /// What the statement calls it.
        alias: Ident,
        /// Where the rows that go are looked for.
        rows: Box<Rows>,
    },
    /// TRUNCATE of some tables.
    Truncate(Vec<String>),
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

/// What a name may stand for besides temporary tables and views.
pub(crate) struct Names<'a> {
    /// Name of the session's temporary schema.
    pub(crate) schema: &'a str,
    /// What the session has.
    pub(crate) contents: &'a Contents,
    /// Whether an unqualified name stands for anything else.
    pub(crate) exists: &'a dyn Fn(&str) -> bool,
}

/// Reads a statement; `None` when it is not about temporary tables or views.
///
/// # Errors
/// What PostgreSQL says of such a statement that cannot be meant, 0A000 for what is not done here.
pub(crate) fn read(statement: &Statement, names: &Names<'_>) -> Result<Option<Change>, QueryError> {
    match statement {
        Statement::CreateTable(table) => create_table(table, names),
        Statement::CreateView(view) => create_view(view, names),
        Statement::Insert(insert) => read_insert(insert, None, names),
        Statement::Update(update) => read_update(update, None, names),
        Statement::Delete(delete) => read_delete(delete, None, names),
        Statement::Truncate(truncate) => read_truncate(truncate, names),
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
    let rest = Query { with: None, body: query.body.clone(), ..query.clone() };
    let plain = template(&format!("{}", query.body))?;
    match (change, plain) {
        (None, _) => Ok(None),
        (Some(change), Statement::Insert(_) | Statement::Update(_) | Statement::Delete(_)) => {
            let bare = rest.order_by.is_none() && rest.limit_clause.is_none() && rest.fetch.is_none();
            if bare && rest.locks.is_empty() { Ok(Some(change)) } else { Err(not_supported("such a WITH")) }
        }
        (Some(change), Statement::Query(plain)) => same(&rest, plain.as_ref()).map(|()| Some(change)),
        (Some(_), _) => Err(not_supported("such a WITH")),
    }
}

fn create_table(table: &CreateTable, names: &Names<'_>) -> Result<Option<Change>, QueryError> {
    let Some(name) = made(&table.name, table.temporary, names)? else { return Ok(None) };
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
            let (columns, unique) = columns(&name, &table.columns, &table.constraints)?;
            let (if_not_exists, on_commit) = (table.if_not_exists, table.on_commit);
            Ok(Some(Change::CreateTable { name, if_not_exists, on_commit, columns, unique }))
        }
    }
}

/// Compares a tree of CREATE TABLE AS, whose query was taken out.
fn without_query(plain: &Statement, sql: &str) -> Result<(), QueryError> {
    let mut template = template(sql)?;
    if let Statement::CreateTable(table) = &mut template {
        table.query = None;
    }
    same(plain, &template)
}

/// Columns and keys as they are declared.
fn columns(
    table: &str,
    declared: &[ColumnDef],
    constraints: &[TableConstraint],
) -> Result<(Vec<Column>, Vec<Unique>), QueryError> {
    let (mut columns, mut unique) = (Vec::new(), Vec::new());
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
            return Err(specified_twice(&name));
        }
        let (sql_type, length) = stored_type(&column.data_type)?;
        let mut read = Column { name: name.clone(), sql_type, length, required: false, default: None };
        for option in &column.options {
            match &option.option {
                ColumnOption::Null => {}
                // Texts compare by their bytes.
                ColumnOption::Collation(name)
                    if matches!(name.to_string().trim_matches('"'), "C" | "POSIX" | "default") => {}
                ColumnOption::NotNull => read.required = true,
                ColumnOption::Default(value) => read.default = Some(value.clone()),
                ColumnOption::PrimaryKey(key) if key.characteristics.is_none() => {
                    read.required = true;
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
    if unique.iter().filter(|key| key.name.ends_with("_pkey")).count() > 1 {
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
    if insert.returning.is_some() {
        return Err(not_supported("RETURNING"));
    }
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
    }
    same(&Statement::Insert(insert.clone()), &plain)?;
    let source = insert.source.as_ref().map(|source| {
        let mut source = source.clone();
        if let (Some(with), None) = (&with, &source.with) {
            source.with = Some(with.clone());
        }
        source
    });
    Ok(Some(Change::Insert { table, columns, source }))
}

fn read_update(update: &Update, with: Option<With>, names: &Names<'_>) -> Result<Option<Change>, QueryError> {
    let Some((table, alias)) = target(&update.table, names)? else { return Ok(None) };
    if update.returning.is_some() {
        return Err(not_supported("RETURNING"));
    }
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
    }
    same(&Statement::Update(update.clone()), &plain)?;
    let mut assignments = Vec::new();
    for assignment in &update.assignments {
        assigned(assignment, &mut assignments)?;
    }
    let rows = Box::new(Rows { with, others, selection: update.selection.clone() });
    Ok(Some(Change::Update { table, alias, assignments, rows }))
}

/// `a = 1`, and `(a, b) = (1, 2)` column by column.
fn assigned(assignment: &Assignment, to: &mut Vec<(Ident, Expr)>) -> Result<(), QueryError> {
    match (&assignment.target, &assignment.value) {
        (AssignmentTarget::ColumnName(name), value) => to.push((single(name)?, value.clone())),
        (AssignmentTarget::Tuple(names), Expr::Tuple(values)) if names.len() == values.len() => {
            for (name, value) in names.iter().zip(values) {
                to.push((single(name)?, value.clone()));
            }
        }
        (AssignmentTarget::Tuple(_), _) => {
            return Err(not_supported("columns that are set to a query together")
                .with_hint("Set each to a query of its own, or name the query in FROM."));
        }
    }
    Ok(())
}

fn read_delete(delete: &Delete, with: Option<With>, names: &Names<'_>) -> Result<Option<Change>, QueryError> {
    let FromTable::WithFromKeyword(from) = &delete.from else { return Ok(None) };
    let [only] = from.as_slice() else { return Ok(None) };
    let Some((table, alias)) = target(only, names)? else { return Ok(None) };
    if delete.returning.is_some() {
        return Err(not_supported("RETURNING"));
    }
    let mut plain = template("DELETE FROM x")?;
    if let Statement::Delete(plain) = &mut plain {
        plain.from = delete.from.clone();
        plain.using.clone_from(&delete.using);
        plain.selection.clone_from(&delete.selection);
    }
    same(&Statement::Delete(delete.clone()), &plain)?;
    let rows = Rows { with, others: delete.using.clone().unwrap_or_default(), selection: delete.selection.clone() };
    Ok(Some(Change::Delete { table, alias, rows: Box::new(rows) }))
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

/// The name of a temporary table or view that is to be made; `None` when the statement makes another thing.
fn made(name: &ObjectName, temporary: bool, names: &Names<'_>) -> Result<Option<String>, QueryError> {
    match own_name(name, names) {
        Some((qualified, own)) if temporary || qualified => Ok(Some(own)),
        None if temporary => {
            Err(QueryError::new(ErrorKind::InvalidTable, "cannot create temporary relation in non-temporary schema"))
        }
        _ => Ok(None),
    }
}

/// The temporary table that a name stands for; `None` for what is none.
fn changed(name: &ObjectName, names: &Names<'_>) -> Result<Option<String>, QueryError> {
    let Some((qualified, own)) = own_name(name, names) else { return Ok(None) };
    match names.contents.relation(&own) {
        Some(Relation::Table(_)) => Ok(Some(own)),
        Some(Relation::View(_)) => Err(not_supported("a change through a view")),
        None if qualified => {
            Err(QueryError::new(ErrorKind::UnknownTable, format!("relation \"{own}\" does not exist")))
        }
        None if !(names.exists)(&own) => {
            Err(QueryError::new(ErrorKind::UnknownTable, format!("relation \"{own}\" does not exist")))
        }
        None => Ok(None),
    }
}

/// The temporary table that a text names as SQL does; `None` for what is none.
///
/// # Errors
/// 42P01 for a table that the temporary schema does not have.
pub(crate) fn changed_table(name: &str, names: &Names<'_>) -> Result<Option<String>, QueryError> {
    let parsed = Parser::new(&PostgreSqlDialect {}).try_with_sql(name);
    let parsed = parsed.and_then(|mut parser| parser.parse_object_name(false));
    changed(&parsed.map_err(|_| syntax("no name of a table"))?, names)
}

/// The temporary table that UPDATE or DELETE names, and what it calls it.
fn target(table: &TableWithJoins, names: &Names<'_>) -> Result<Option<(String, Ident)>, QueryError> {
    let TableFactor::Table { name, alias, .. } = &table.relation else { return Ok(None) };
    let Some(own) = changed(name, names)? else { return Ok(None) };
    if let Statement::Query(query) = template("SELECT 1 FROM x")?
        && let SetExpr::Select(select) = *query.body
        && let Some(mut plain) = select.from.into_iter().next()
    {
        if let TableFactor::Table { name: plain_name, alias: plain_alias, .. } = &mut plain.relation {
            plain_name.clone_from(name);
            plain_alias.clone_from(alias);
        }
        same(table, &plain)?;
    }
    match alias {
        Some(alias) if !alias.columns.is_empty() => Err(syntax("the alias of a changed table is a name alone")),
        Some(alias) => Ok(Some((own, alias.name.clone()))),
        None => Ok(Some((own.clone(), Ident::with_quote('"', own)))),
    }
}

/// A name that may be one of the temporary schema, and whether it says so.
fn own_name(name: &ObjectName, names: &Names<'_>) -> Option<(bool, String)> {
    let parts: Option<Vec<String>> = name.0.iter().map(|part| part.as_ident().map(fold)).collect();
    match parts?.as_slice() {
        [name] => Some((false, name.clone())),
        [schema, name] | [_, schema, name] if schema == ALIAS || schema == names.schema => Some((true, name.clone())),
        _ => None,
    }
}

/// A name that is one word.
fn single(name: &ObjectName) -> Result<Ident, QueryError> {
    match name.0.as_slice() {
        [only] if let Some(ident) = only.as_ident() => Ok(ident.clone()),
        _ => Err(not_supported("a part of a column as what is changed")),
    }
}

/// An identifier as the catalog spells it.
pub(crate) fn fold(ident: &Ident) -> String {
    if ident.quote_style.is_some() { ident.value.clone() } else { ident.value.to_lowercase() }
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

/// A statement that this file writes itself, to compare others with.
fn template(sql: &str) -> Result<Statement, QueryError> {
    let parsed = Parser::parse_sql(&PostgreSqlDialect {}, sql);
    let statement = parsed.ok().and_then(|statements| statements.into_iter().next());
    statement.ok_or_else(|| not_supported("such a statement"))
}

/// Refuses a tree with more in it than was read.
fn same<T: PartialEq>(given: &T, plain: &T) -> Result<(), QueryError> {
    if given == plain { Ok(()) } else { Err(not_supported("a clause of this statement")) }
}

fn specified_twice(column: &str) -> QueryError {
    QueryError::new(ErrorKind::DuplicateColumn, format!("column \"{column}\" specified more than once"))
}

fn not_supported(what: &str) -> QueryError {
    QueryError::new(ErrorKind::NotSupported, format!("{what} is not supported for temporary tables"))
}

fn syntax(message: &str) -> QueryError {
    QueryError::new(ErrorKind::Syntax, message)
}
