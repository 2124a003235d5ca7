//! Functions on names, patterns and sizes as text, and constants about the server that PostgreSQL
//! clients ask for when they connect.

use super::define::{ANY_NUMBER, Context, Definition, Returns, integer, is_text, null, stable, text, text_value};
use super::failure::fails;
use super::format::{self, literal};
use super::result_size::sum;
use super::section::Section;
use crate::dialect::catalog::{oid, types};
use crate::error::ErrorKind;
use crate::text::identifier::quote;
use datafusion::common::{Result, ScalarValue, exec_err};

/// What `version()` says: clients read the number after the first word.
pub(super) const VERSION: &str =
    concat!("PostgreSQL 16.6 (ttapi ", env!("CARGO_PKG_VERSION"), ") on x86_64, compiled by rustc, 64-bit");

/// Their definitions. Constants say what is so here: nothing is written, replicated, locked or
/// compiled.
pub(crate) const FUNCTIONS: &[Definition] = &[
    stable(
        "format",
        "Text with places for values, as printf fills them: %s, %I, %L.",
        ANY_NUMBER,
        Returns::Text,
        format::format,
    )
    .about(Section::Text)
    .sized(sum),
    stable(
        "char_cast",
        "First byte of a text, or the letter of a number, as a cast to \"char\" gives it.",
        &[1],
        Returns::Text,
        char_cast,
    )
    .about(Section::Text),
    stable("getdatabaseencoding", "Encoding of texts: UTF8.", &[0], Returns::Text, |_, _| {
        Ok(ScalarValue::from("UTF8"))
    }),
    stable("inet_client_addr", "Address of the client: NULL here.", &[0], Returns::Text, nothing),
    stable("inet_client_port", "Port of the client: NULL here.", &[0], Returns::Int, nothing),
    stable("inet_server_addr", "Address of the server: NULL here.", &[0], Returns::Text, nothing),
    stable("inet_server_port", "Port of the server: NULL here.", &[0], Returns::Int, nothing),
    stable(
        "like_escape",
        "Pattern of LIKE with another escape character, rewritten for the backslash.",
        &[2],
        Returns::Text,
        like_escape,
    )
    .about(Section::Text),
    stable("pg_advisory_unlock_all", "Gives back advisory locks: there are none.", &[0], Returns::Text, |_, _| {
        Ok(ScalarValue::from(""))
    }),
    stable("pg_char_to_encoding", "Number of an encoding, by name.", &[1], Returns::Int, char_to_encoding),
    stable("pg_conf_load_time", "When the configuration was read.", &[0], Returns::Instant, started_at),
    stable(
        "pg_current_xact_id",
        "Number of the transaction: always 1, since nothing is written.",
        &[0],
        Returns::Big,
        |_, _| Ok(ScalarValue::from(1_i64)),
    ),
    stable(
        "pg_current_xact_id_if_assigned",
        "Number of the transaction if it has one: NULL.",
        &[0],
        Returns::Big,
        nothing,
    ),
    stable("pg_encoding_to_char", "Name of an encoding, by number.", &[1], Returns::Text, encoding_to_char),
    stable("pg_is_in_recovery", "Whether the server replays a log: never.", &[0], Returns::Bool, no),
    stable(
        "pg_is_other_temp_schema",
        "Whether a schema is another session's temporary one: never.",
        &[1],
        Returns::Bool,
        no,
    ),
    stable("pg_jit_available", "Whether expressions are compiled by LLVM: never.", &[0], Returns::Bool, no),
    stable("pg_is_wal_replay_paused", "Whether replay of a log is paused: never.", &[0], Returns::Bool, no),
    stable(
        "pg_my_temp_schema",
        "Number of the session's temporary schema: 0 for none.",
        &[0],
        Returns::Oid,
        |context, _| Ok(ScalarValue::from(context.temporary_schema().map_or(0, oid::namespace))),
    ),
    stable("pg_postmaster_start_time", "When the server started.", &[0], Returns::Instant, started_at),
    stable("pg_tablespace_location", "Folder of a tablespace: none is told.", &[1], Returns::Text, |_, _| {
        Ok(ScalarValue::from(""))
    }),
    stable("quote_ident", "Name as SQL writes it, in quotes where it needs them.", &[1], Returns::Text, |_, values| {
        Ok(text_value(text(values, 0).map(|name| quote(&name))))
    })
    .about(Section::Text),
    stable("quote_literal", "Text as an SQL literal.", &[1], Returns::Text, |_, values| {
        Ok(text_value(text(values, 0).map(|text| literal(&text))))
    })
    .about(Section::Text),
    stable("quote_nullable", "Value as an SQL literal; NULL is the word NULL.", &[1], Returns::Text, quote_nullable)
        .about(Section::Text),
    stable(
        "txid_current",
        "Number of the transaction: always 1, since nothing is written.",
        &[0],
        Returns::Big,
        |_, _| Ok(ScalarValue::from(1_i64)),
    ),
    stable("txid_current_if_assigned", "Number of the transaction if it has one: NULL.", &[0], Returns::Big, nothing),
    stable(
        "version",
        "Version of PostgreSQL whose answers are given, and of this server.",
        &[0],
        Returns::Text,
        |_, _| Ok(ScalarValue::from(VERSION)),
    ),
];

/// NULL: what is asked for does not exist here.
fn nothing(_: &Context<'_>, _: &[ScalarValue]) -> Result<ScalarValue> {
    Ok(null())
}

/// A pattern of LIKE whose escape is the backslash, made from one with another escape, or with none
/// when the escape is empty; NULL of NULL.
///
/// # Errors
/// "invalid escape string" for an escape of more than one letter.
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

/// `false`: what is asked for is never so here.
fn no(_: &Context<'_>, _: &[ScalarValue]) -> Result<ScalarValue> {
    Ok(ScalarValue::from(false))
}

/// When the server started, which is also when its configuration was read.
fn started_at(context: &Context<'_>, _: &[ScalarValue]) -> Result<ScalarValue> {
    let micros = context.started_at().timestamp_micros();
    Ok(ScalarValue::TimestampMicrosecond(Some(micros), Some("UTC".into())))
}

/// `x::"char"`: the letter of an integer, or the first byte of a text. A byte above 127 is refused, since a text cannot have it
/// alone.
fn char_cast(_: &Context<'_>, values: &[ScalarValue]) -> Result<ScalarValue> {
    let Some(value) = values.first().filter(|value| !value.is_null()) else { return Ok(null()) };
    let byte = match value {
        ScalarValue::Int32(Some(number)) => match i8::try_from(*number) {
            Ok(number) => number as u8,
            Err(_) => return fails(ErrorKind::OutOfRange, "\"char\" out of range"),
        },
        text if is_text(text) => self::text(values, 0).and_then(|text| text.bytes().next()).unwrap_or_default(),
        other => {
            let from = types::display(types::of_arrow(&other.data_type()).0, None);
            return fails(ErrorKind::CannotCast, format!("cannot cast type {from} to \"char\""));
        }
    };
    match byte {
        0 => Ok(ScalarValue::from("")),
        1..=127 => Ok(ScalarValue::from(char::from(byte).to_string())),
        _ => fails(ErrorKind::NotSupported, "a byte above 127 in a value of type \"char\" is not supported"),
    }
}

/// A value as a literal, `NULL` for NULL.
fn quote_nullable(_: &Context<'_>, values: &[ScalarValue]) -> Result<ScalarValue> {
    Ok(text_value(Some(text(values, 0).map_or_else(|| "NULL".to_owned(), |text| literal(&text)))))
}

/// The name of an encoding by PostgreSQL's number; empty for one that is not known here.
fn encoding_to_char(_: &Context<'_>, values: &[ScalarValue]) -> Result<ScalarValue> {
    Ok(ScalarValue::from(match integer(values, 0)? {
        None => return Ok(null()),
        Some(0) => "SQL_ASCII",
        Some(6) => "UTF8",
        Some(_) => "",
    }))
}

/// PostgreSQL's number of an encoding by name, -1 for one other than UTF-8.
fn char_to_encoding(_: &Context<'_>, values: &[ScalarValue]) -> Result<ScalarValue> {
    let Some(name) = text(values, 0) else { return Ok(null()) };
    let known = matches!(name.to_ascii_uppercase().replace(['-', '_'], "").as_str(), "UTF8" | "UNICODE");
    Ok(ScalarValue::from(if known { 6 } else { -1 }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_are_quoted() {
        assert_eq!(literal("it's"), "'it''s'");
    }
}
