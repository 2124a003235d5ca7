//! The messages of DataFusion's SQL planner and of execution, read by their wording, in PostgreSQL's
//! words.

use super::missing;
use crate::error::{ErrorKind, QueryError, nearest};

/// The text between two marks.
fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(before)?;
    rest.split_once(after).map(|(found, _)| found)
}

/// A table's name without the catalog and, when it is `public`, the schema.
pub(crate) fn table_name(full: &str) -> &str {
    let name = full.strip_prefix("tt.").unwrap_or(full);
    name.strip_prefix("public.").unwrap_or(name)
}

/// An error of planning, by its first line: unknown functions and relations, grouping, types that do
/// not go together; what is not recognised is a syntax error with its own sentence.
pub(crate) fn planning(full: &str) -> QueryError {
    let text = without_trees(first_line(full));
    if text.to_lowercase().contains("correlated") {
        return correlated();
    }
    if text.contains("column out of bounds, specified: ") {
        let place = between(text, "specified: ", ",").unwrap_or_default();
        return QueryError::new(ErrorKind::WrongColumns, format!("ORDER BY position {place} is not in select list"));
    }
    if text.starts_with("SELECT DISTINCT ON expressions must match") {
        return QueryError::new(ErrorKind::WrongColumns, text);
    }
    if text.starts_with("For SELECT DISTINCT, ORDER BY") {
        return not_listed();
    }
    if text.starts_with("Unary operator 'NOT' requires a boolean expression")
        && let Some((_, of)) = text.rsplit_once("got ")
    {
        let message = format!("argument of NOT must be type boolean, not type {}", postgres_types(of));
        return QueryError::new(ErrorKind::TypeMismatch, message);
    }
    if text.contains("aggregate function calls cannot be nested")
        || text.contains("Aggregate function calls cannot be nested")
    {
        return QueryError::new(ErrorKind::Grouping, "aggregate function calls cannot be nested");
    }
    if text.starts_with("FILTER clause can only be used with aggregate window functions") {
        let message = "FILTER beside EXCLUDE, or of a function that is no aggregate, is not supported over a window";
        return QueryError::new(ErrorKind::NotSupported, message);
    }
    if text.to_lowercase().starts_with("aggregate order by is not implemented") {
        return QueryError::new(ErrorKind::NotSupported, "aggregate ORDER BY is not implemented for window functions");
    }
    if text.starts_with("LIMIT must be >= 0") {
        return QueryError::new(ErrorKind::NegativeLimit, "LIMIT must not be negative");
    }
    if text.starts_with("OFFSET must be >=0") {
        return QueryError::new(ErrorKind::NegativeOffset, "OFFSET must not be negative");
    }
    if let Some(name) =
        between(text, "table function '", "' not found").or(between(text, "Table function '", "' not found"))
    {
        return QueryError::new(ErrorKind::UnknownFunction, format!("function {name} does not exist"));
    }
    if let Some(name) = between(text, "table '", "' not found") {
        return QueryError::new(ErrorKind::UnknownTable, format!("relation \"{}\" does not exist", table_name(name)));
    }
    if let Some(name) = text.strip_prefix("failed to resolve schema: ") {
        return QueryError::new(ErrorKind::UnknownTable, format!("schema \"{name}\" does not exist"));
    }
    if let Some(name) = text.strip_prefix("failed to resolve catalog: ") {
        let message = format!("cross-database references are not implemented: \"{name}\"");
        return QueryError::new(ErrorKind::NotSupported, message);
    }
    if let Some(name) = between(text, "Invalid function '", "'") {
        if missing::is_missing(name) || name.contains(" excluding ") {
            return QueryError::new(ErrorKind::NotSupported, format!("the function {name} is not supported"));
        }
        let error = QueryError::new(ErrorKind::UnknownFunction, format!("function {name} does not exist"));
        let near = between(full, "Did you mean '", "'").map(str::to_owned);
        return match nearest(name, near.into_iter()) {
            Some(near) => error.with_hint(format!("Perhaps you meant the function \"{near}\".")),
            None => error,
        };
    }
    if let Some(rest) =
        text.split_once("Function '").map(|(_, rest)| rest).filter(|_| text.contains("failed to match any"))
    {
        let name = rest.split('\'').next().unwrap_or_default();
        let of_times = rest.split_once("(DataType: ").is_some_and(|(_, given)| given.starts_with("Time64"));
        if matches!(name, "sum" | "avg") && of_times {
            let message = format!("{name} of time without time zone is not supported");
            return QueryError::new(ErrorKind::NotSupported, message)
                .with_hint("Cast the time to interval, as PostgreSQL does by itself.");
        }
        let given = between(rest, "(DataType: ", ")").map(postgres_types).unwrap_or_default();
        return no_such_call(&format!("{name}({given})"));
    }
    if let Some(call) = between(text, "argument types '", "'") {
        return no_such_call(&postgres_types(call));
    }
    if let Some(rest) = text.strip_prefix("Failed to coerce arguments to satisfy a call to '") {
        let name = rest.split('\'').next().unwrap_or_default();
        let given = between(rest, "coercion from ", " to the signature").unwrap_or_default();
        return no_such_call(&format!("{name}({})", postgres_types(given.trim_matches(['[', ']']))));
    }
    if let Some(call) = between(text, "External error: function ", " does not exist") {
        return no_such_call(call);
    }
    if text.contains("user-defined coercion failed")
        || text.contains("does not support zero arguments")
        || expects(text)
    {
        return QueryError::new(ErrorKind::UnknownFunction, postgres_types(text));
    }
    if text.contains("must appear in the GROUP BY clause") {
        let column = between(text, "column \"", "\"").unwrap_or("?");
        let message =
            format!("column \"{column}\" must appear in the GROUP BY clause or be used in an aggregate function");
        return QueryError::new(ErrorKind::Grouping, message);
    }
    if text.contains("Aggregate functions are not allowed in the WHERE") || text.contains("contains aggregate") {
        return QueryError::new(ErrorKind::Grouping, "aggregate functions are not allowed here");
    }
    if let Some(operation) = text.split_once(" operation ").map(|(_, operation)| operation)
        && text.starts_with("Cannot infer common")
    {
        return mismatch(operation);
    }
    if let Some(operation) = between(text, "Cannot coerce arithmetic expression ", " to valid types") {
        return mismatch(operation);
    }
    if text.starts_with("Cannot automatically convert")
        || text.contains("Cannot coerce")
        || text.contains("Cannot cast")
    {
        return QueryError::new(ErrorKind::TypeMismatch, lower_first(&postgres_types(text)));
    }
    if text.starts_with("Cannot create filter with non-boolean predicate")
        && let Some((_, of)) = text.rsplit_once("returning ")
    {
        let message = format!("argument of WHERE must be type boolean, not type {}", postgres_types(of));
        return QueryError::new(ErrorKind::TypeMismatch, message);
    }
    if text.contains("pipeline breaking") {
        return QueryError::new(
            ErrorKind::NotSupported,
            "the query would never give a row: it sorts or groups live events, which have no end",
        )
        .with_hint("Query the latest values (the table of the same name in schema public) or the history tables instead, or drop the ORDER BY and the aggregates.");
    }
    if text.contains("Projections require unique expression names") {
        return QueryError::new(ErrorKind::NotSupported, "two columns of the query have the same name")
            .with_hint("Give one of them an alias with AS.");
    }
    if text.starts_with("Unsupported") || text.contains("not supported") {
        return QueryError::new(ErrorKind::NotSupported, lower_first(&postgres_types(text)));
    }
    if text.contains("laceholder") || text.starts_with("argument #") {
        return QueryError::new(ErrorKind::InvalidParameter, lower_first(text));
    }
    QueryError::new(ErrorKind::Syntax, lower_first(&postgres_types(text)))
}

/// PostgreSQL's error for a key of ORDER BY that is not in the list of a SELECT DISTINCT.
pub(crate) fn not_listed() -> QueryError {
    let message = "for SELECT DISTINCT, ORDER BY expressions must appear in select list";
    QueryError::new(ErrorKind::WrongColumns, message)
}

/// The refusal of a correlated subquery that neither DataFusion's rules nor `decorrelate` turn into a
/// join.
pub(crate) fn correlated() -> QueryError {
    QueryError::new(ErrorKind::NotSupported, "this form of correlated subquery is not supported")
        .with_hint("Write it as a join.")
}

/// The sentence before the first piece of a tree of DataFusion or sqlparser: people wrote SQL and
/// know nothing of trees.
pub(crate) fn without_trees(text: &str) -> &str {
    let trees = [
        "ScalarFunction(",
        "OuterReferenceColumn(",
        "Literal(",
        "BinaryExpr(",
        "Column(Column",
        "Cast(Cast",
        "Identifier(",
        "Function(",
        " { ",
    ];
    let cut = trees.iter().filter_map(|tree| text.find(tree)).min().unwrap_or(text.len());
    let kept = text.get(..cut).unwrap_or(text).trim_end();
    kept.trim_end_matches(" got").trim_end_matches([',', ':', ' '])
}

/// Whether a text says that a function was called with the wrong number or types of arguments.
fn expects(text: &str) -> bool {
    text.contains("function") && text.contains("expect") && text.contains("argument")
}

/// PostgreSQL's error for a call that no function takes: `function f(text, integer) does not exist`.
fn no_such_call(call: &str) -> QueryError {
    QueryError::new(ErrorKind::UnknownFunction, format!("function {call} does not exist"))
        .with_hint("No function matches the given name and argument types. You might need to add explicit type casts.")
}

/// PostgreSQL's error for an operator between types that do not go together.
fn mismatch(operation: &str) -> QueryError {
    let operation = postgres_types(operation.trim());
    QueryError::new(ErrorKind::TypeMismatch, format!("operator does not exist: {operation}"))
        .with_hint("No operator matches the given argument types. You might need to add explicit type casts.")
}

/// An error while rows are computed.
pub(crate) fn execution(text: &str) -> QueryError {
    let text = without_trees(first_line(text));
    let kind = if text.contains("does not exist") {
        match text.split(' ').next() {
            Some("relation" | "schema") => ErrorKind::UnknownTable,
            _ => ErrorKind::UnknownObject,
        }
    } else if text.starts_with("time zone ") {
        ErrorKind::InvalidParameter
    } else if let Some(error) = conversion(text) {
        return error;
    } else if text.to_lowercase().contains("overflow") || text.contains("out of range") {
        ErrorKind::OutOfRange
    } else if text.to_lowercase().contains("regex")
        || text.to_lowercase().contains("regular expression")
        || text.starts_with("Error parsing")
    {
        ErrorKind::InvalidText
    } else if text.starts_with("negative count not allowed") {
        // `substr` is the one function with such a count.
        return QueryError::new(ErrorKind::Substring, "negative substring length not allowed");
    } else if text.contains("returned more than one row") || text.contains("more than one row") {
        return QueryError::new(
            ErrorKind::SeveralRows,
            "more than one row returned by a subquery used as an expression",
        );
    } else {
        // What functions refuse: an index, a count, a day that does not exist.
        ErrorKind::InvalidParameter
    };
    QueryError::new(kind, lower_first(&postgres_types(text)))
}

/// A value that does not read as the wanted type, or does not fit it.
pub(crate) fn conversion(text: &str) -> Option<QueryError> {
    if let Some(value) = between(text, "Cannot cast string '", "' to value of ") {
        let wanted = text.rsplit_once("' to value of ").map_or("", |(_, wanted)| wanted.trim_end_matches(" type"));
        return Some(invalid(value, &postgres_types(wanted)));
    }
    if let Some(rest) = text.strip_prefix("Error parsing timestamp from '") {
        return Some(invalid(rest.split("': ").next().unwrap_or(rest), "timestamp"));
    }
    if let Some(value) = between(text, "Cannot parse '", "'")
        .or_else(|| between(text, "Invalid input syntax for type interval: \"", "\""))
    {
        return Some(invalid(value, "interval"));
    }
    if let Some(rest) = text.strip_prefix("invalid input syntax") {
        return Some(QueryError::new(ErrorKind::InvalidText, format!("invalid input syntax{rest}")));
    }
    if let Some(rest) = text.strip_prefix("Can't cast value ") {
        let (value, wanted) = rest.split_once(" to type ")?;
        let wanted = postgres_types(wanted.trim());
        return Some(QueryError::new(
            ErrorKind::OutOfRange,
            format!("value \"{value}\" is out of range for type {wanted}"),
        ));
    }
    if text.contains("too large to store") || text.contains("too small to store") || text.contains("Overflow happened")
    {
        return Some(QueryError::new(ErrorKind::OutOfRange, "numeric field overflow"));
    }
    None
}

/// A regular expression that does not read; its parser draws where, and says what on its last line.
pub(crate) fn regular_expression(text: &str) -> Option<QueryError> {
    let reason = match text.strip_prefix("regex parse error:") {
        Some(drawn) => drawn.lines().last()?.trim_start_matches("error: "),
        None if text.starts_with("Compiled regex exceeds") => "it is too large",
        None => return None,
    };
    Some(QueryError::new(ErrorKind::InvalidText, format!("invalid regular expression: {reason}")))
}

/// PostgreSQL's error for a text that does not read as a type; of moments it has a kind of its own
/// (SQLSTATE 22007).
fn invalid(value: &str, wanted: &str) -> QueryError {
    let kind = match wanted {
        "date" | "interval" => ErrorKind::InvalidDatetime,
        wanted if wanted.starts_with("time") => ErrorKind::InvalidDatetime,
        _ => ErrorKind::InvalidText,
    };
    QueryError::new(kind, format!("invalid input syntax for type {wanted}: \"{value}\""))
}

/// The first line of a text: what follows are lists of candidates and requests to report a bug to
/// DataFusion.
pub(crate) fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default().trim()
}

/// A sentence as PostgreSQL begins one. Words in capitals stay.
pub(crate) fn lower_first(text: &str) -> String {
    let mut letters = text.chars();
    match (letters.next(), letters.next()) {
        (Some(first), Some(second)) if first.is_uppercase() && !second.is_uppercase() => {
            first.to_lowercase().chain([second]).chain(letters).collect()
        }
        _ => text.to_owned(),
    }
}

/// A text with Arrow's names of types replaced by PostgreSQL's, those with parameters included.
pub(crate) fn postgres_types(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_alphanumeric()) {
        let (before, word) = rest.split_at(start);
        let end = word.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(word.len());
        let (word, after) = word.split_at(end);
        result.push_str(before);
        rest = after;
        match word {
            "Timestamp" if after.starts_with('(') => {
                let (inside, after) = after.split_once(')').unwrap_or((after, ""));
                let zoned = inside.contains('"') || inside.contains("Some(");
                result.push_str(if zoned { "timestamp with time zone" } else { "timestamp without time zone" });
                rest = after.strip_prefix(')').filter(|_| inside.contains("Some(")).unwrap_or(after);
            }
            "Interval" if after.starts_with('(') => {
                result.push_str("interval");
                rest = after.split_once(')').map_or("", |(_, after)| after);
            }
            "Decimal128" | "Decimal256" | "Decimal64" | "Decimal32" => result.push_str("numeric"),
            word => result.push_str(simple_type(word).unwrap_or(word)),
        }
    }
    result.push_str(rest);
    result
}

/// PostgreSQL's name for an Arrow type without parameters; `None` for any other word.
fn simple_type(word: &str) -> Option<&'static str> {
    Some(match word {
        "Utf8" | "Utf8View" | "LargeUtf8" => "text",
        "Int64" | "UInt64" => "bigint",
        "Int32" | "UInt16" => "integer",
        "Int16" | "Int8" | "UInt8" => "smallint",
        "UInt32" => "oid",
        "Float64" => "double precision",
        "Float32" => "real",
        "Boolean" => "boolean",
        "Date32" | "Date64" => "date",
        "Binary" | "LargeBinary" | "BinaryView" => "bytea",
        "Null" => "unknown",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_have_postgres_names() {
        assert_eq!(postgres_types("Utf8 = Int64"), "text = bigint");
        assert_eq!(postgres_types("Timestamp(µs, \"UTC\") + Boolean"), "timestamp with time zone + boolean");
        assert_eq!(postgres_types("sum(Date32)"), "sum(date)");
    }

    #[test]
    fn nearest_names_are_near() {
        let names = || ["symbols", "eod", "quotes"].into_iter().map(str::to_owned);
        assert_eq!(nearest("symbol", names()).as_deref(), Some("symbols"));
        assert_eq!(nearest("quote", names()).as_deref(), Some("quotes"));
        assert_eq!(nearest("weather", names()), None);
    }
}
