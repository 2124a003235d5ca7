//! What is told of one column, and how it travels with a field.

use crate::dialect::catalog::types;
use crate::text::is_text;
use arrow::datatypes::{DataType, Field};

/// The key of the metadata of a field.
const KEY: &str = "told";

/// PostgreSQL's pseudo-type of literals and NULL before their place gives them one.
pub(super) const UNKNOWN: u32 = 705;

/// What is told of one column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Told {
    /// Number of its type; 0 where the Arrow type tells.
    pub(crate) type_oid: u32,
    /// The modifier of its type; -1 for none.
    pub(crate) modifier: i32,
    /// Number of the table or view that it is a column of; 0 for none.
    pub(crate) table: u32,
    /// Number of the column there, from 1; 0 for none.
    pub(crate) column: i16,
}

impl Told {
    /// Of a column that is nothing but its Arrow type.
    pub(crate) const PLAIN: Self = Self { type_oid: 0, modifier: -1, table: 0, column: 0 };

    /// Of a type without a modifier.
    pub(crate) const fn of_type(type_oid: u32) -> Self {
        Self { type_oid, ..Self::PLAIN }
    }

    /// The same as a value, which is no column of a table any more.
    pub(super) fn value(self) -> Self {
        Self { table: 0, column: 0, ..self }
    }

    /// The same type without its modifier, as functions give it.
    pub(super) fn unmodified(self) -> Self {
        Self::of_type(self.type_oid)
    }

    /// An array of it.
    pub(super) fn array(self) -> Self {
        types::array_of(self.type_oid).map_or(Self::PLAIN, |type_oid| Self { type_oid, ..self.value() })
    }

    /// An element of it, where it is an array.
    pub(super) fn element(self) -> Self {
        types::element_of(self.type_oid).map_or(Self::PLAIN, |base| Self { type_oid: base.oid, ..self.value() })
    }

    /// The type as SQL writes it; empty where the Arrow type tells all of it.
    pub(crate) fn written(self) -> String {
        let Some((base, array)) = types::base_or_element(self.type_oid) else { return String::new() };
        let name = match base.name {
            // `character` without a length is `character(1)`.
            "bpchar" if self.modifier < 0 => base.name.to_owned(),
            _ => types::display(base.oid, Some(self.modifier)),
        };
        if array { format!("{name}[]") } else { name }
    }

    /// What is told of a field that was announced.
    pub(crate) fn of(field: &Field) -> Self {
        let told = field.metadata().get(KEY).and_then(|text| {
            let mut numbers = text.split(' ');
            Some(Self {
                type_oid: numbers.next()?.parse().ok()?,
                modifier: numbers.next()?.parse().ok()?,
                table: numbers.next()?.parse().ok()?,
                column: numbers.next()?.parse().ok()?,
            })
        });
        told.unwrap_or(Self::PLAIN)
    }

    /// The field with it.
    pub(super) fn put(self, field: &Field) -> Field {
        let mut metadata = field.metadata().clone();
        let Self { type_oid, modifier, table, column } = self;
        metadata.insert(KEY.to_owned(), format!("{type_oid} {modifier} {table} {column}"));
        field.clone().with_metadata(metadata)
    }

    /// The same where values of the Arrow type may be of its type; else the Arrow type tells.
    pub(super) fn fitting(self, data_type: &DataType) -> Self {
        if self.type_oid == 0 || fits(self.type_oid, data_type) {
            return self;
        }
        Self { type_oid: 0, modifier: -1, ..self }
    }
}

/// Whether an Arrow type holds values of a type.
fn fits(oid: u32, data_type: &DataType) -> bool {
    if let (Some(element), DataType::List(of)) = (types::element_of(oid), data_type) {
        return match of.data_type() {
            // Arrays of any number of dimensions are of one type.
            inner @ DataType::List(_) if !matches!(element.name, "int2vector" | "oidvector") => fits(oid, inner),
            inner => fits(element.oid, inner),
        };
    }
    let Some(base) = types::by_oid(oid) else { return false };
    match base.name {
        "name" | "char" | "varchar" | "bpchar" | "pg_node_tree" | "aclitem" | "json" | "xml" if is_text(data_type) => {
            true
        }
        "regclass" | "regtype" | "regproc" | "regnamespace" | "regrole" => {
            is_text(data_type) || *data_type == DataType::UInt32
        }
        "xid" | "cid" => *data_type == DataType::UInt32,
        _ => types::of_arrow(data_type).0 == oid,
    }
}
