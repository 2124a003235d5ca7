//! Functions on names and sizes, and constants about the server.

use super::define::{ANY_NUMBER, Context, Definition, Returns, integer, null, stable, text, text_value};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{Result, ScalarValue, exec_err};

pub(super) const FUNCTIONS: &[Definition] = &[
    stable("format", ANY_NUMBER, Returns::Text, format),
    stable("getdatabaseencoding", &[0], Returns::Text, |_, _| Ok(ScalarValue::from("UTF8"))),
    stable("inet_client_addr", &[0], Returns::Text, nothing),
    stable("inet_client_port", &[0], Returns::Int, nothing),
    stable("inet_server_addr", &[0], Returns::Text, nothing),
    stable("inet_server_port", &[0], Returns::Int, nothing),
    stable("like_escape", &[2], Returns::Text, like_escape),
    stable("parse_ident", &[1, 2], Returns::Texts, parse_ident),
    stable("pg_advisory_unlock_all", &[0], Returns::Text, |_, _| Ok(ScalarValue::from(""))),
    stable("pg_char_to_encoding", &[1], Returns::Int, char_to_encoding),
    stable("pg_conf_load_time", &[0], Returns::Instant, started_at),
    stable("pg_current_xact_id", &[0], Returns::Big, |_, _| Ok(ScalarValue::from(1_i64))),
    stable("pg_current_xact_id_if_assigned", &[0], Returns::Big, nothing),
    stable("pg_encoding_to_char", &[1], Returns::Text, encoding_to_char),
    stable("pg_is_in_recovery", &[0], Returns::Bool, no),
    stable("pg_is_other_temp_schema", &[1], Returns::Bool, no),
    stable("pg_jit_available", &[0], Returns::Bool, no),
    stable("pg_is_wal_replay_paused", &[0], Returns::Bool, no),
    stable("pg_my_temp_schema", &[0], Returns::Oid, |_, _| Ok(ScalarValue::from(0_u32))),
    stable("pg_postmaster_start_time", &[0], Returns::Instant, started_at),
    stable("pg_size_pretty", &[1], Returns::Text, size_pretty),
    stable("pg_tablespace_location", &[1], Returns::Text, |_, _| Ok(ScalarValue::from(""))),
    stable("quote_ident", &[1], Returns::Text, |_, values| Ok(text_value(text(values, 0).map(|name| quote(&name))))),
    stable("quote_literal", &[1], Returns::Text, |_, values| {
        Ok(text_value(text(values, 0).map(|text| literal(&text))))
    }),
    stable("quote_nullable", &[1], Returns::Text, quote_nullable),
    stable("txid_current", &[0], Returns::Big, |_, _| Ok(ScalarValue::from(1_i64))),
    stable("txid_current_if_assigned", &[0], Returns::Big, nothing),
    stable("version", &[0], Returns::Text, |_, _| Ok(ScalarValue::from(super::VERSION))),
];

fn nothing(_: &Context<'_>, _: &[ScalarValue]) -> Result<ScalarValue> {
    Ok(null())
}

/// A pattern of LIKE whose escape is the backslash, made from one with another escape, or with none at all.
fn like_escape(_: &Context<'_>, values: &[ScalarValue]) -> Result<ScalarValue> {
    let (Some(pattern), Some(escape)) = (text(values, 0), text(values, 1)) else { return Ok(null()) };
    let mut escapes = escape.chars();
    let escape = escapes.next();
    if escapes.next().is_some() {
        return exec_err!("invalid escape string");
    }
    let mut made = String::with_capacity(pattern.len());
    let mut letters = pattern.chars();
    while let Some(letter) = letters.next() {
        match letter {
            letter if Some(letter) == escape => {
                made.push('\\');
                made.extend(letters.next());
            }
            '\\' => made.push_str("\\\\"),
            letter => made.push(letter),
        }
    }
    Ok(ScalarValue::from(made))
}

/// The parts of a qualified name.
fn parse_ident(_: &Context<'_>, values: &[ScalarValue]) -> Result<ScalarValue> {
    let Some(name) = text(values, 0) else { return Ok(null()) };
    let Some(parts) = super::catalog::parts(&name) else {
        return exec_err!("string is not a valid identifier: \"{name}\"");
    };
    let parts: Vec<ScalarValue> = parts.into_iter().map(ScalarValue::from).collect();
    Ok(ScalarValue::List(ScalarValue::new_list_nullable(&parts, &DataType::Utf8)))
}

fn no(_: &Context<'_>, _: &[ScalarValue]) -> Result<ScalarValue> {
    Ok(ScalarValue::from(false))
}

fn started_at(context: &Context<'_>, _: &[ScalarValue]) -> Result<ScalarValue> {
    let micros = context.started_at().timestamp_micros();
    Ok(ScalarValue::TimestampMicrosecond(Some(micros), Some("UTC".into())))
}

/// A name as SQL would have it written: quoted unless it reads the same without.
pub(in crate::table) fn quote(name: &str) -> String {
    let plain = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '$')
        && !RESERVED.contains(&name);
    if plain { name.to_owned() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}

/// Words that cannot stand as a name without quotes.
const RESERVED: &[&str] = &[
    "all",
    "analyze",
    "and",
    "any",
    "array",
    "as",
    "asc",
    "both",
    "case",
    "cast",
    "check",
    "collate",
    "column",
    "constraint",
    "create",
    "default",
    "desc",
    "distinct",
    "do",
    "else",
    "end",
    "except",
    "false",
    "fetch",
    "for",
    "foreign",
    "from",
    "grant",
    "group",
    "having",
    "in",
    "initially",
    "intersect",
    "into",
    "leading",
    "limit",
    "not",
    "null",
    "offset",
    "on",
    "only",
    "or",
    "order",
    "primary",
    "references",
    "select",
    "some",
    "table",
    "then",
    "to",
    "trailing",
    "true",
    "union",
    "unique",
    "user",
    "using",
    "when",
    "where",
    "window",
    "with",
];

fn literal(text: &str) -> String {
    let doubled = text.replace('\'', "''");
    if text.contains('\\') { format!("E'{}'", doubled.replace('\\', "\\\\")) } else { format!("'{doubled}'") }
}

fn quote_nullable(_: &Context<'_>, values: &[ScalarValue]) -> Result<ScalarValue> {
    Ok(text_value(Some(text(values, 0).map_or_else(|| "NULL".to_owned(), |text| literal(&text)))))
}

/// `format('%I.%I = %L', ...)`: `%s` a text, `%I` a name, `%L` a literal, `%%` itself.
fn format(_: &Context<'_>, values: &[ScalarValue]) -> Result<ScalarValue> {
    let Some(pattern) = text(values, 0) else { return Ok(null()) };
    let mut result = String::new();
    let mut letters = pattern.chars();
    let mut next = 1;
    while let Some(letter) = letters.next() {
        if letter != '%' {
            result.push(letter);
            continue;
        }
        let kind = letters.next();
        if kind == Some('%') {
            result.push('%');
            continue;
        }
        if next >= values.len() {
            return exec_err!("too few arguments for format()");
        }
        let value = text(values, next);
        next += 1;
        match (kind, value) {
            (Some('s'), value) => result.push_str(&value.unwrap_or_default()),
            (Some('I'), Some(name)) => result.push_str(&quote(&name)),
            (Some('I'), None) => return exec_err!("null values cannot be formatted as an SQL identifier"),
            (Some('L'), value) => result.push_str(&value.map_or_else(|| "NULL".to_owned(), |value| literal(&value))),
            _ => return exec_err!("unrecognized format() type specifier"),
        }
    }
    Ok(text_value(Some(result)))
}

fn encoding_to_char(_: &Context<'_>, values: &[ScalarValue]) -> Result<ScalarValue> {
    Ok(ScalarValue::from(match integer(values, 0)? {
        None => return Ok(null()),
        Some(0) => "SQL_ASCII",
        Some(6) => "UTF8",
        Some(_) => "",
    }))
}

fn char_to_encoding(_: &Context<'_>, values: &[ScalarValue]) -> Result<ScalarValue> {
    let Some(name) = text(values, 0) else { return Ok(null()) };
    let known = matches!(name.to_ascii_uppercase().replace(['-', '_'], "").as_str(), "UTF8" | "UNICODE");
    Ok(ScalarValue::from(if known { 6 } else { -1 }))
}

/// Bytes in the largest unit that leaves fewer than 10240 of it, halves rounded up, as PostgreSQL shows sizes.
fn size_pretty(_: &Context<'_>, values: &[ScalarValue]) -> Result<ScalarValue> {
    let Some(bytes) = integer(values, 0)? else { return Ok(null()) };
    let mut size = bytes;
    for unit in ["bytes", "kB", "MB", "GB", "TB"] {
        if size.unsigned_abs() < 10_240 {
            return Ok(text_value(Some(format!("{size} {unit}"))));
        }
        size = size / 1_024 + i64::from(size % 1_024 >= 512);
    }
    Ok(text_value(Some(format!("{size} PB"))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted_only_when_they_must() {
        assert_eq!(quote("symbols"), "symbols");
        assert_eq!(quote("Symbols"), "\"Symbols\"");
        assert_eq!(quote("select"), "\"select\"");
        assert_eq!(quote("a\"b"), "\"a\"\"b\"");
        assert_eq!(quote(""), "\"\"");
        assert_eq!(literal("it's"), "'it''s'");
    }
}
