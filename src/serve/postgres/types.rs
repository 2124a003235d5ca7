//! PostgreSQL types for Arrow types, in both directions: how a RowDescription describes a column of the engine, and as
//! what the engine gets a parameter.

use super::error::Failure;
use crate::dialect::parse::size::{COLUMNS_MAX, too_many_columns};
use crate::dialect::told::Told;
use crate::text::array::VECTOR;
use crate::text::decimal::UNBOUND;
use crate::text::{is_text, json, tid, uuid};
use arrow::datatypes::{DataType, Field, IntervalUnit, Schema, TimeUnit};
use pgwire::messages::data::{FieldDescription, RowDescription};
use postgres_types::{Kind, Type};
use std::sync::Arc;

/// How a value travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Text,
    Binary,
}

impl Format {
    /// Reads a format code of the protocol.
    pub(super) fn from_code(code: i16) -> Result<Self, Failure> {
        match code {
            0 => Ok(Self::Text),
            1 => Ok(Self::Binary),
            other => Err(Failure::new("22023", format!("unsupported format code: {other}"))),
        }
    }

    /// The format code of the protocol.
    pub(super) fn code(self) -> i16 {
        match self {
            Self::Text => 0,
            Self::Binary => 1,
        }
    }
}

/// The type a column is described with. What has no equal in PostgreSQL goes as `json`.
pub(super) fn postgres_type(data_type: &DataType) -> Type {
    match data_type {
        DataType::Boolean => Type::BOOL,
        DataType::Int8 | DataType::Int16 | DataType::UInt8 => Type::INT2,
        DataType::Int32 | DataType::UInt16 => Type::INT4,
        // The catalog's object numbers; no lake table has this type.
        DataType::UInt32 => Type::OID,
        // The engine counts some things without a sign; PostgreSQL counts all with one.
        DataType::Int64 | DataType::UInt64 => Type::INT8,
        DataType::Decimal32(..) | DataType::Decimal64(..) | DataType::Decimal128(..) | DataType::Decimal256(..) => {
            Type::NUMERIC
        }
        DataType::Float16 | DataType::Float32 => Type::FLOAT4,
        DataType::Float64 => Type::FLOAT8,
        DataType::Null | DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Type::TEXT,
        own if uuid::is_uuid(own) => Type::UUID,
        own if tid::is_tid(own) => Type::TID,
        own if json::is_json(own) => Type::JSON,
        own if json::is_jsonb(own) => Type::JSONB,
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => Type::BYTEA,
        DataType::Date32 | DataType::Date64 => Type::DATE,
        DataType::Time32(_) | DataType::Time64(_) => Type::TIME,
        DataType::Timestamp(_, None) => Type::TIMESTAMP,
        DataType::Timestamp(_, Some(_)) => Type::TIMESTAMPTZ,
        DataType::Interval(_) | DataType::Duration(_) => Type::INTERVAL,
        DataType::List(element) if element.name() == VECTOR => match element.data_type() {
            DataType::Int16 => Type::INT2_VECTOR,
            _ => Type::OID_VECTOR,
        },
        // Arrays of any number of dimensions are of one type.
        DataType::List(element) if matches!(element.data_type(), DataType::List(inner) if inner.name() != VECTOR) => {
            postgres_type(element.data_type())
        }
        DataType::List(element) if json::is_json(element.data_type()) => Type::JSON_ARRAY,
        DataType::List(element) | DataType::LargeList(element) | DataType::FixedSizeList(element, _) => {
            array_of(&postgres_type(element.data_type())).unwrap_or(Type::JSON)
        }
        DataType::Struct(_) => Type::RECORD,
        DataType::Dictionary(_, value) => postgres_type(value),
        DataType::RunEndEncoded(_, value) => postgres_type(value.data_type()),
        DataType::ListView(_) | DataType::LargeListView(_) | DataType::Map(..) | DataType::Union(..) => Type::JSON,
    }
}

/// The type a column of a result is described with: the one that is told of it, or else that of its Arrow type.
pub(super) fn field_type(field: &Field) -> Type {
    let told = Type::from_oid(Told::of(field).type_oid);
    told.unwrap_or_else(|| postgres_type(field.data_type()))
}

/// Whether a type is a text, or an array of texts.
pub(super) fn is_texts(data_type: &DataType) -> bool {
    match data_type {
        DataType::List(element) => is_text(element.data_type()),
        other => is_text(other),
    }
}

/// The array type over a type we describe columns with; none for `json` and arrays, whose lists go as `json`.
fn array_of(element: &Type) -> Option<Type> {
    Some(match *element {
        Type::BOOL => Type::BOOL_ARRAY,
        Type::INT2 => Type::INT2_ARRAY,
        Type::INT4 => Type::INT4_ARRAY,
        Type::INT8 => Type::INT8_ARRAY,
        Type::OID => Type::OID_ARRAY,
        Type::NUMERIC => Type::NUMERIC_ARRAY,
        Type::FLOAT4 => Type::FLOAT4_ARRAY,
        Type::FLOAT8 => Type::FLOAT8_ARRAY,
        Type::TEXT => Type::TEXT_ARRAY,
        Type::BYTEA => Type::BYTEA_ARRAY,
        Type::DATE => Type::DATE_ARRAY,
        Type::TIME => Type::TIME_ARRAY,
        Type::TIMESTAMP => Type::TIMESTAMP_ARRAY,
        Type::TIMESTAMPTZ => Type::TIMESTAMPTZ_ARRAY,
        Type::INTERVAL => Type::INTERVAL_ARRAY,
        Type::UUID => Type::UUID_ARRAY,
        Type::TID => Type::TID_ARRAY,
        Type::JSONB => Type::JSONB_ARRAY,
        _ => return None,
    })
}

/// The Arrow type a parameter of this type is read into, when the statement does not ask for another.
pub(super) fn arrow_type(parameter: &Type) -> DataType {
    if let Kind::Array(element) = parameter.kind() {
        return DataType::List(Arc::new(Field::new_list_field(arrow_type(element), true)));
    }
    match *parameter {
        Type::BOOL => DataType::Boolean,
        Type::INT2 => DataType::Int16,
        Type::INT4 => DataType::Int32,
        Type::INT8 => DataType::Int64,
        Type::OID | Type::XID | Type::CID => DataType::UInt32,
        Type::FLOAT4 => DataType::Float32,
        Type::FLOAT8 => DataType::Float64,
        Type::NUMERIC => UNBOUND,
        Type::BYTEA => DataType::Binary,
        Type::DATE => DataType::Date32,
        Type::TIME => DataType::Time64(TimeUnit::Microsecond),
        Type::TIMESTAMP => DataType::Timestamp(TimeUnit::Microsecond, None),
        Type::TIMESTAMPTZ => DataType::Timestamp(TimeUnit::Microsecond, Some("+00:00".into())),
        Type::INTERVAL => DataType::Interval(IntervalUnit::MonthDayNano),
        Type::UUID => uuid::UUID,
        Type::TID => tid::TID,
        Type::JSON => json::json_type(),
        Type::JSONB => json::jsonb_type(),
        _ => DataType::Utf8,
    }
}

/// The type a name in `PREPARE name (type, ...)` means.
pub(super) fn named_type(name: &str) -> Option<Type> {
    let name = name.to_ascii_lowercase();
    let name = name.strip_prefix("pg_catalog.").unwrap_or(&name);
    if let Some(element) = name.strip_suffix("[]") {
        return array_of(&named_type(element.trim())?);
    }
    Some(match name.split('(').next().unwrap_or_default().trim() {
        "bool" | "boolean" => Type::BOOL,
        "smallint" | "int2" => Type::INT2,
        "int" | "integer" | "int4" => Type::INT4,
        "bigint" | "int8" => Type::INT8,
        "real" | "float4" => Type::FLOAT4,
        "double precision" | "float8" | "float" => Type::FLOAT8,
        "numeric" | "decimal" => Type::NUMERIC,
        "text" | "varchar" | "character varying" | "char" | "character" | "bpchar" | "name" | "unknown" => Type::TEXT,
        "bytea" => Type::BYTEA,
        "date" => Type::DATE,
        "time" | "time without time zone" => Type::TIME,
        "timestamp" | "timestamp without time zone" => Type::TIMESTAMP,
        "timestamptz" | "timestamp with time zone" => Type::TIMESTAMPTZ,
        "interval" => Type::INTERVAL,
        "json" => Type::JSON,
        "jsonb" => Type::JSONB,
        "oid" => Type::OID,
        "uuid" => Type::UUID,
        "tid" => Type::TID,
        _ => return None,
    })
}

/// Bytes of a value in PostgreSQL's memory, as drivers expect it beside the type; negative is variable.
fn type_size(described: &Type) -> i16 {
    match *described {
        Type::BOOL | Type::CHAR => 1,
        Type::NAME => 64,
        Type::INT2 => 2,
        Type::TID => 6,
        Type::INT4 | Type::FLOAT4 | Type::DATE | Type::OID | Type::XID | Type::CID => 4,
        Type::REGCLASS | Type::REGTYPE | Type::REGPROC | Type::REGNAMESPACE | Type::REGROLE => 4,
        Type::INT8 | Type::FLOAT8 | Type::TIME | Type::TIMESTAMP | Type::TIMESTAMPTZ => 8,
        Type::INTERVAL | Type::UUID => 16,
        _ => -1,
    }
}

/// The description of a result's columns.
///
/// # Errors
/// 54011 for more columns than PostgreSQL has room for.
pub(super) fn row_description(schema: &Schema, formats: &Formats) -> Result<RowDescription, Failure> {
    check_width(schema)?;
    let fields = schema.fields().iter().enumerate().map(|(index, field)| {
        let (described, told) = (field_type(field), Told::of(field));
        let name = field.name().replace('\0', "\u{fffd}");
        let (table, oid, size) = (told.table.cast_signed(), described.oid(), type_size(&described));
        FieldDescription::new(name, table, told.column, oid, size, told.modifier, formats.of(index).code())
    });
    Ok(RowDescription::new(fields.collect()))
}

/// Refuses a result with more columns than PostgreSQL has room for.
pub(super) fn check_width(schema: &Schema) -> Result<(), Failure> {
    if schema.fields().len() > COLUMNS_MAX {
        return Err(Failure::new("54011", too_many_columns().message));
    }
    Ok(())
}

/// Formats of a result's columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Formats {
    /// The same format for every column or value.
    All(Format),
    /// A format for each column or value, in order; [`Formats::fit`] checks the number.
    Each(Vec<Format>),
}

impl Formats {
    /// Reads the codes of a Bind: none is text, one is for all, otherwise one each.
    pub(super) fn from_codes(codes: &[i16]) -> Result<Self, Failure> {
        match codes {
            [] => Ok(Self::All(Format::Text)),
            [code] => Ok(Self::All(Format::from_code(*code)?)),
            codes => codes.iter().map(|code| Format::from_code(*code)).collect::<Result<_, _>>().map(Self::Each),
        }
    }

    /// The format of a column.
    pub(super) fn of(&self, index: usize) -> Format {
        match self {
            Self::All(format) => *format,
            Self::Each(formats) => formats.get(index).copied().unwrap_or(Format::Text),
        }
    }

    /// Whether there is one for each of `count`.
    pub(super) fn fit(&self, count: usize) -> bool {
        match self {
            Self::All(_) => true,
            Self::Each(formats) => formats.len() == count,
        }
    }

    /// How many were given one by one.
    pub(super) fn count(&self) -> usize {
        match self {
            Self::All(_) => 1,
            Self::Each(formats) => formats.len(),
        }
    }
}
