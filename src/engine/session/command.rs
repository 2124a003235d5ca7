//! Session commands: statements about the session rather than about rows (SET, SHOW, RESET, transactions).
//!
//! A front end whose protocol has no words of its own for these asks here what a statement means. The Postgres front
//! end does not: it reads more of PostgreSQL's spellings than the parser has.

use crate::dialect::parse::Statement;
use datafusion::sql::sqlparser::ast::{self, DiscardObject, Expr, ObjectName, Reset, Set, Value};

/// What a statement does to its session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SessionCommand {
    /// SET; `None` is the default.
    Set {
        /// Name of the setting, as it was written.
        name: String,
        /// The value without its quotes; `None` for DEFAULT.
        value: Option<String>,
    },
    /// RESET and DISCARD; `None` is all.
    Reset(Option<String>),
    /// SHOW; `None` is all.
    Show(Option<String>),
    /// Isolation and access of transactions, which have no effect where all only read.
    SetTransaction,
    /// BEGIN, COMMIT and the like, by their first word.
    Transaction(&'static str),
}

/// Says whether a statement is about the session.
pub fn session_command(statement: &Statement) -> Option<SessionCommand> {
    Some(match statement {
        Statement::Set(set) => return set_command(set),
        Statement::ShowVariable { variable } => {
            let words: Vec<&str> = variable.iter().map(|word| word.value.as_str()).collect();
            SessionCommand::Show(all_or(&words.join(" ")))
        }
        Statement::Reset(reset) => SessionCommand::Reset(match &reset.reset {
            Reset::ALL => None,
            Reset::ConfigurationParameter(name) => Some(setting(name)),
        }),
        Statement::Discard { object_type: DiscardObject::ALL } => SessionCommand::Reset(None),
        Statement::StartTransaction { .. } => SessionCommand::Transaction("BEGIN"),
        Statement::Commit { .. } => SessionCommand::Transaction("COMMIT"),
        Statement::Rollback { .. } => SessionCommand::Transaction("ROLLBACK"),
        Statement::Savepoint { .. } | Statement::ReleaseSavepoint { .. } => SessionCommand::Transaction("SAVEPOINT"),
        _ => return None,
    })
}

fn set_command(set: &Set) -> Option<SessionCommand> {
    let assigned = |name: String, values: &[Expr]| {
        let values: Vec<String> = values.iter().map(text).collect();
        let value = Some(values.join(", ")).filter(|value| !value.eq_ignore_ascii_case("default"));
        SessionCommand::Set { name, value }
    };
    Some(match set {
        Set::SingleAssignment { variable, values, .. } => assigned(setting(variable), values),
        Set::SetTimeZone { value, .. } => match assigned("TimeZone".to_owned(), std::slice::from_ref(value)) {
            SessionCommand::Set { name, value } => {
                SessionCommand::Set { name, value: value.filter(|zone| !zone.eq_ignore_ascii_case("local")) }
            }
            other => other,
        },
        Set::SetNames { charset_name, .. } => {
            SessionCommand::Set { name: "client_encoding".to_owned(), value: Some(charset_name.value.clone()) }
        }
        Set::SetNamesDefault {} => SessionCommand::Set { name: "client_encoding".to_owned(), value: None },
        Set::SetTransaction { .. } => SessionCommand::SetTransaction,
        _ => return None,
    })
}

/// `all` is all settings; two settings have names of several words.
fn all_or(words: &str) -> Option<String> {
    match words.to_ascii_lowercase().as_str() {
        "all" => None,
        "time zone" => Some("TimeZone".to_owned()),
        "transaction isolation level" => Some("transaction_isolation".to_owned()),
        _ => Some(words.to_owned()),
    }
}

fn setting(name: &ObjectName) -> String {
    let parts = name.0.iter().filter_map(|part| part.as_ident()).map(|part| part.value.as_str());
    parts.collect::<Vec<_>>().join(".")
}

/// A value as it is meant: without the quotes it was written in.
fn text(value: &Expr) -> String {
    match value {
        Expr::Value(value) => match &value.value {
            Value::SingleQuotedString(text) | Value::DoubleQuotedString(text) => text.clone(),
            Value::EscapedStringLiteral(text) => text.clone(),
            other => other.to_string(),
        },
        Expr::Identifier(ast::Ident { value, .. }) => value.clone(),
        // Without its fields, which the setting of a zone does not read.
        Expr::Interval(interval) => format!("INTERVAL {}", interval.value),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
    use datafusion::sql::sqlparser::parser::Parser;

    #[track_caller]
    fn check(sql: &str, expected: Option<SessionCommand>) {
        assert_eq!(session_command(&Parser::parse_sql(&PostgreSqlDialect {}, sql).unwrap()[0]), expected, "{sql}");
    }

    fn set(name: &str, value: Option<&str>) -> Option<SessionCommand> {
        Some(SessionCommand::Set { name: name.to_owned(), value: value.map(str::to_owned) })
    }

    #[test]
    fn settings_are_set_as_they_are_meant() {
        check("SET max_staleness = '5s'", set("max_staleness", Some("5s")));
        check("SET freshness TO serve", set("freshness", Some("serve")));
        check("SET statement_timeout = 250", set("statement_timeout", Some("250")));
        check("SET SESSION as_of = '2026-11-01'", set("as_of", Some("2026-11-01")));
        check("SET as_of = DEFAULT", set("as_of", None));
        check("SET TIME ZONE 'Europe/Rome'", set("TimeZone", Some("Europe/Rome")));
        check("SET TIME ZONE LOCAL", set("TimeZone", None));
        check("SET NAMES 'UTF8'", set("client_encoding", Some("UTF8")));
        check("SET timezone = 'it''s'", set("TIMEZONE", Some("it's")));
    }

    #[test]
    fn the_rest_of_the_session() {
        check("SHOW max_staleness", Some(SessionCommand::Show(Some("max_staleness".to_owned()))));
        check("SHOW TIME ZONE", Some(SessionCommand::Show(Some("TimeZone".to_owned()))));
        check("SHOW ALL", Some(SessionCommand::Show(None)));
        check("RESET as_of", Some(SessionCommand::Reset(Some("as_of".to_owned()))));
        check("RESET ALL", Some(SessionCommand::Reset(None)));
        check("DISCARD ALL", Some(SessionCommand::Reset(None)));
        check("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY", Some(SessionCommand::SetTransaction));
        check("BEGIN", Some(SessionCommand::Transaction("BEGIN")));
        check("COMMIT", Some(SessionCommand::Transaction("COMMIT")));
        check("SELECT 1", None);
    }
}
