//! The options of EXPLAIN, with PostgreSQL's names, defaults and refusals.

use crate::dialect::parse::Statement;
use crate::error::{ErrorKind, QueryError};
use datafusion::sql::sqlparser::ast::{DescribeAlias, Expr, UtilityOption, Value};

/// How the plan is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Format {
    /// A row for each line, for people.
    #[default]
    Text,
    /// One row, as graphical tools read it.
    Json,
    /// One row, in PostgreSQL's namespace.
    Xml,
    /// One row of YAML.
    Yaml,
}

/// What EXPLAIN was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ExplainOptions {
    /// Run the statement and show what happened.
    pub(crate) analyze: bool,
    /// Show the columns that each node gives.
    pub(crate) verbose: bool,
    /// Show estimates of cost and size.
    pub(crate) costs: bool,
    /// Show the time of each node, after it has run.
    pub(crate) timing: bool,
    /// Show how long planning and running took.
    pub(crate) summary: bool,
    /// How the plan is written.
    pub(crate) format: Format,
    /// Show DataFusion's own physical plan instead; for admins.
    pub(crate) engine: bool,
}

/// The options and the explained statement, if a statement is EXPLAIN.
///
/// # Errors
/// [`ErrorKind::Syntax`] for an option that PostgreSQL does not know, [`ErrorKind::InvalidParameter`] for a value that the
/// option does not have, [`ErrorKind::NotSupported`] for GENERIC_PLAN.
pub(crate) fn asked(statement: &Statement) -> Result<Option<(ExplainOptions, &Statement)>, QueryError> {
    let Statement::Explain { describe_alias, analyze, verbose, query_plan, estimate, statement, format, options } =
        statement
    else {
        return Ok(None);
    };
    if *describe_alias != DescribeAlias::Explain {
        return Err(QueryError::new(ErrorKind::Syntax, format!("{describe_alias} takes the name of a table")));
    }
    if *query_plan || *estimate || format.is_some() {
        let text = "EXPLAIN takes its options in parentheses, as in EXPLAIN (FORMAT JSON) SELECT ...";
        return Err(QueryError::new(ErrorKind::Syntax, text));
    }
    let options = read(*analyze, *verbose, options.as_deref().unwrap_or_default())?;
    Ok(Some((options, statement)))
}

fn read(analyze: bool, verbose: bool, written: &[UtilityOption]) -> Result<ExplainOptions, QueryError> {
    let (mut timing, mut summary, mut wal) = (None, None, false);
    let mut options = ExplainOptions {
        analyze,
        verbose,
        costs: true,
        timing: false,
        summary: false,
        format: Format::Text,
        engine: false,
    };
    for option in written {
        let name = option.name.value.to_lowercase();
        let on = || switch(&name, option.arg.as_ref());
        match name.as_str() {
            "analyze" => options.analyze = on()?,
            "verbose" => options.verbose = on()?,
            "costs" => options.costs = on()?,
            "timing" => timing = Some(on()?),
            "summary" => summary = Some(on()?),
            "engine" => options.engine = on()?,
            "wal" => wal = on()?,
            // There are no shared buffers, no write-ahead log and no settings of the planner to tell of.
            "buffers" | "settings" => drop(on()?),
            "generic_plan" => {
                if on()? {
                    return Err(QueryError::new(
                        ErrorKind::NotSupported,
                        "EXPLAIN option GENERIC_PLAN is not supported",
                    ));
                }
            }
            "format" => options.format = format(option.arg.as_ref())?,
            _ => {
                let text = format!("unrecognized EXPLAIN option \"{name}\"");
                return Err(QueryError::new(ErrorKind::Syntax, text));
            }
        }
    }
    let needs_analyze = [("WAL", wal), ("TIMING", timing == Some(true))];
    if let Some((name, _)) = needs_analyze.iter().find(|(_, on)| *on && !options.analyze) {
        let text = format!("EXPLAIN option {name} requires ANALYZE");
        return Err(QueryError::new(ErrorKind::InvalidParameter, text));
    }
    options.timing = timing.unwrap_or(options.analyze);
    options.summary = summary.unwrap_or(options.analyze);
    Ok(options)
}

/// A value as a word in lower case; `None` for anything that is no word, text or number.
fn word(value: &Expr) -> Option<String> {
    match value {
        Expr::Identifier(name) => Some(name.value.to_lowercase()),
        Expr::Value(value) => match &value.value {
            Value::Boolean(on) => Some(on.to_string()),
            Value::Number(number, _) => Some(number.to_string()),
            Value::SingleQuotedString(text) => Some(text.to_lowercase()),
            _ => None,
        },
        _ => None,
    }
}

fn switch(name: &str, value: Option<&Expr>) -> Result<bool, QueryError> {
    let Some(value) = value else { return Ok(true) };
    match word(value).as_deref() {
        Some("true" | "on" | "1") => Ok(true),
        Some("false" | "off" | "0") => Ok(false),
        _ => Err(QueryError::new(ErrorKind::Syntax, format!("{name} requires a Boolean value"))),
    }
}

fn format(value: Option<&Expr>) -> Result<Format, QueryError> {
    let Some(value) = value else { return Err(QueryError::new(ErrorKind::Syntax, "format requires a parameter")) };
    match word(value).as_deref() {
        Some("text") => Ok(Format::Text),
        Some("json") => Ok(Format::Json),
        Some("xml") => Ok(Format::Xml),
        Some("yaml") => Ok(Format::Yaml),
        other => {
            let other = other.map_or_else(|| value.to_string(), str::to_owned);
            let text = format!("unrecognized value for EXPLAIN option \"format\": \"{other}\"");
            Err(QueryError::new(ErrorKind::InvalidParameter, text))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::parse::parse;

    fn options(sql: &str) -> Result<ExplainOptions, QueryError> {
        Ok(asked(&parse(sql, &[]).unwrap()[0])?.expect("EXPLAIN").0)
    }

    #[test]
    fn options_have_postgresqls_defaults() {
        let plain = options("EXPLAIN SELECT 1").unwrap();
        assert!(plain.costs && !plain.analyze && !plain.timing && !plain.summary);
        let analyzed = options("EXPLAIN ANALYZE VERBOSE SELECT 1").unwrap();
        assert!(analyzed.analyze && analyzed.verbose && analyzed.timing && analyzed.summary);
        let json = options("EXPLAIN (FORMAT json, COSTS off, ANALYZE, TIMING 0, BUFFERS) SELECT 1").unwrap();
        assert!(json.format == Format::Json && !json.costs && json.analyze && !json.timing);
    }

    #[test]
    fn what_postgresql_does_not_know_is_refused() {
        for (sql, kind) in [
            ("EXPLAIN (NONSENSE) SELECT 1", ErrorKind::Syntax),
            ("EXPLAIN (COSTS maybe) SELECT 1", ErrorKind::Syntax),
            ("EXPLAIN (FORMAT toml) SELECT 1", ErrorKind::InvalidParameter),
            ("EXPLAIN (TIMING) SELECT 1", ErrorKind::InvalidParameter),
            ("EXPLAIN (WAL) SELECT 1", ErrorKind::InvalidParameter),
            ("EXPLAIN (GENERIC_PLAN) SELECT 1", ErrorKind::NotSupported),
        ] {
            assert_eq!(options(sql).unwrap_err().kind, kind, "{sql}");
        }
    }
}
