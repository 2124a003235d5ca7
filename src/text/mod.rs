//! Texts of values as PostgreSQL writes and reads them. The PostgreSQL wire sends these texts, casts
//! to text in DataFusion give them, and literals are read by the same rules.

pub(crate) mod array;
pub(crate) mod boolean;
pub(crate) mod bytea;
pub(crate) mod calendar;
pub(crate) mod column;
pub(crate) mod datetime;
pub(crate) mod decimal;
pub(crate) mod identifier;
pub(crate) mod interval;
pub(crate) mod json;
pub(crate) mod moment;
pub(crate) mod number;
pub(crate) mod record;
pub(crate) mod span;
pub(crate) mod style;
pub(crate) mod tid;
pub(crate) mod to_json;
pub(crate) mod uuid;
pub(crate) mod zone;

use arrow::datatypes::DataType;

/// Whether a type is one of the texts, however it is held.
pub(crate) fn is_text(data_type: &DataType) -> bool {
    match data_type {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => true,
        DataType::Dictionary(_, value) => is_text(value),
        _ => false,
    }
}
