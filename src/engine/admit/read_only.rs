//! The read-only check: a statement that does more than read is refused before DataFusion's planner gets it.

use crate::dialect::parse::Statement;
use crate::dialect::parse::lexer::{Kind, Tokens};
use crate::dialect::parse::walk::Walk;
use crate::error::{ErrorKind, QueryError};
use datafusion::sql::sqlparser::ast::{self, Ident, ObjectName, Query, SetExpr, TableFactor, Visitor};
use std::ops::ControlFlow;

/// Refuses a statement that would write, or read anything but our tables.
pub(crate) fn check(statement: &Statement) -> Result<(), QueryError> {
    match statement {
        Statement::Query(_) => match statement.walk(&mut Reads) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(error) => Err(error),
        },
        Statement::Explain { statement, .. } => check(statement),
        Statement::ExplainTable { .. } => Ok(()),
        Statement::Copy { target, .. } if !matches!(target, ast::CopyTarget::Stdout | ast::CopyTarget::Stdin) => {
            let message = "COPY to or from a file is not allowed on this server";
            Err(QueryError::new(ErrorKind::Forbidden, message)
                .with_hint("use COPY ... TO STDOUT, or psql's \\copy, which writes on the client's side"))
        }
        Statement::CreateTable(table) if table.external => Err(external_table()),
        Statement::CreateTable(table) if table.query.is_some() => Err(read_only("CREATE TABLE AS")),
        Statement::Truncate(_) => Err(read_only("TRUNCATE TABLE")),
        other => Err(read_only(&verb(&other.to_string()))),
    }
}

/// Refuses text the parser does not know but DataFusion would run, with the reason rather than a syntax error.
pub(crate) fn check_text(sql: &str) -> Result<(), QueryError> {
    let words = Tokens::of(sql).map_while(|token| (token.kind == Kind::Word).then_some(token.text));
    let words: Vec<String> = words.take(4).map(str::to_ascii_uppercase).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["CREATE", "EXTERNAL" | "UNBOUNDED", ..] | ["CREATE", "OR", "REPLACE", "EXTERNAL" | "UNBOUNDED", ..] => {
            Err(external_table())
        }
        [verb @ ("INSTALL" | "LOAD" | "ATTACH" | "DETACH"), ..] => {
            Err(QueryError::new(ErrorKind::Forbidden, format!("{verb} is not allowed on this server")))
        }
        _ => Ok(()),
    }
}

/// 42501 for CREATE EXTERNAL TABLE: DataFusion would read any file the process can.
fn external_table() -> QueryError {
    let message = "CREATE EXTERNAL TABLE is not allowed: this server reads no files but those of its own lake";
    QueryError::new(ErrorKind::Forbidden, message)
}

/// 25006 for a statement that would change something, in PostgreSQL's words.
fn read_only(verb: &str) -> QueryError {
    QueryError::new(ErrorKind::ReadOnly, format!("cannot execute {verb} in a read-only transaction"))
}

/// The statement's first words as PostgreSQL names its commands.
fn verb(statement: &str) -> String {
    let mut words = statement.split_whitespace().map(str::to_uppercase);
    let first = words.next().unwrap_or_default();
    match first.as_str() {
        "CREATE" | "DROP" | "ALTER" => {
            let fillers = ["OR", "REPLACE", "TEMPORARY", "TEMP", "UNLOGGED", "UNIQUE", "GLOBAL", "LOCAL"];
            match words.find(|word| !fillers.contains(&word.as_str())) {
                Some(object) if object == "MATERIALIZED" => format!("{first} MATERIALIZED VIEW"),
                Some(object) => format!("{first} {object}"),
                None => first,
            }
        }
        "" => "this statement".to_owned(),
        _ => first,
    }
}

/// Looks for writes inside a query, and for tables that are files.
struct Reads;

impl Visitor for Reads {
    type Break = QueryError;

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<QueryError> {
        let verb = match query.body.as_ref() {
            SetExpr::Insert(_) => "INSERT",
            SetExpr::Update(_) => "UPDATE",
            SetExpr::Delete(_) => "DELETE",
            SetExpr::Merge(_) => "MERGE",
            _ => return ControlFlow::Continue(()),
        };
        ControlFlow::Break(read_only(verb))
    }

    fn pre_visit_select(&mut self, select: &ast::Select) -> ControlFlow<QueryError> {
        match &select.into {
            Some(_) => ControlFlow::Break(read_only("SELECT INTO")),
            None => ControlFlow::Continue(()),
        }
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<QueryError> {
        let name = match factor {
            TableFactor::Table { name, args: Some(_), .. } | TableFactor::Function { name, .. } => name,
            _ => return ControlFlow::Continue(()),
        };
        let function = name.0.last().and_then(|part| part.as_ident()).map(|name| name.value.to_lowercase());
        match function.as_deref() {
            Some(
                name @ ("read_parquet"
                | "read_csv"
                | "read_json"
                | "read_avro"
                | "read_text"
                | "read_blob"
                | "glob"
                | "parquet_scan"
                | "parquet_metadata"
                | "metadata_cache"
                | "statistics_cache"
                | "list_files_cache"
                | "pg_read_file"
                | "pg_read_binary_file"
                | "pg_ls_dir"),
            ) => ControlFlow::Break(forbidden_file(name)),
            _ => ControlFlow::Continue(()),
        }
    }

    fn pre_visit_relation(&mut self, relation: &ObjectName) -> ControlFlow<QueryError> {
        let file = relation.0.iter().filter_map(|part| part.as_ident()).find(|name| looks_like_file(name));
        match file {
            Some(name) => ControlFlow::Break(forbidden_file(&name.value)),
            None => ControlFlow::Continue(()),
        }
    }
}

/// No table of ours has a slash in its name; files and addresses have.
fn looks_like_file(name: &Ident) -> bool {
    name.quote_style.is_some() && name.value.contains(['/', '\\'])
}

fn forbidden_file(name: &str) -> QueryError {
    QueryError::new(ErrorKind::Forbidden, format!("reading files is not allowed on this server: \"{name}\""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
    use datafusion::sql::sqlparser::parser::Parser;

    #[track_caller]
    fn refused(sql: &str, kind: ErrorKind, part: &str) {
        let error = match check_text(sql) {
            Err(error) => error,
            Ok(()) => check(&Parser::parse_sql(&PostgreSqlDialect {}, sql).unwrap()[0]).unwrap_err(),
        };
        assert_eq!(error.kind, kind, "{sql}");
        assert!(error.message.contains(part), "{}", error.message);
    }

    #[track_caller]
    fn allowed(sql: &str) {
        check_text(sql).unwrap();
        check(&Parser::parse_sql(&PostgreSqlDialect {}, sql).unwrap()[0]).unwrap();
    }

    #[test]
    fn writes_are_refused_as_read_only() {
        refused("INSERT INTO symbols VALUES (1)", ErrorKind::ReadOnly, "cannot execute INSERT in");
        refused("UPDATE symbols SET active = false", ErrorKind::ReadOnly, "UPDATE");
        refused("DELETE FROM symbols", ErrorKind::ReadOnly, "DELETE");
        refused("CREATE TABLE t (a int)", ErrorKind::ReadOnly, "CREATE TABLE");
        refused("CREATE OR REPLACE VIEW v AS SELECT 1", ErrorKind::ReadOnly, "CREATE VIEW");
        refused("DROP TABLE symbols", ErrorKind::ReadOnly, "DROP TABLE");
        refused("TRUNCATE symbols", ErrorKind::ReadOnly, "cannot execute TRUNCATE TABLE in");
        refused("CREATE TABLE t AS SELECT 1", ErrorKind::ReadOnly, "cannot execute CREATE TABLE AS in");
        refused("CREATE MATERIALIZED VIEW v AS SELECT 1", ErrorKind::ReadOnly, "execute CREATE MATERIALIZED VIEW in");
        refused("SELECT * INTO t FROM symbols", ErrorKind::ReadOnly, "SELECT INTO");
        refused("WITH x AS (DELETE FROM symbols RETURNING symbol) SELECT * FROM x", ErrorKind::ReadOnly, "DELETE");
        refused("EXPLAIN ANALYZE DELETE FROM symbols", ErrorKind::ReadOnly, "DELETE");
    }

    #[test]
    fn files_are_out_of_reach() {
        refused("COPY symbols TO '/tmp/x.csv'", ErrorKind::Forbidden, "COPY to or from a file");
        refused("COPY symbols FROM PROGRAM 'id'", ErrorKind::Forbidden, "COPY to or from a file");
        refused(
            "CREATE EXTERNAL TABLE x STORED AS CSV LOCATION '/etc/passwd'",
            ErrorKind::Forbidden,
            "CREATE EXTERNAL TABLE",
        );
        refused(
            "/* a */ -- b\n create unbounded external table x STORED AS CSV LOCATION 'f'",
            ErrorKind::Forbidden,
            "CREATE EXTERNAL TABLE",
        );
        refused("SELECT * FROM \"/etc/passwd\"", ErrorKind::Forbidden, "/etc/passwd");
        refused("SELECT * FROM read_csv('/etc/passwd')", ErrorKind::Forbidden, "read_csv");
        refused("SELECT * FROM \"s3://bucket/x.parquet\"", ErrorKind::Forbidden, "s3://");
    }

    #[test]
    fn reads_are_allowed() {
        allowed("SELECT 1");
        allowed("EXPLAIN ANALYZE SELECT * FROM symbols");
        allowed("WITH x AS (SELECT 1) SELECT * FROM x");
        allowed("VALUES (1)");
    }
}
