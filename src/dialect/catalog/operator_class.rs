//! How a key compares its columns: the access methods, and the operator classes and families of `btree` for the types that
//! columns have. Their numbers are PostgreSQL's.

use super::value::{Row, Value};
use super::{oid, types};

/// The class of each type that a key may have: its number, its name, its family, the type.
const CLASSES: &[(u32, &str, u32, &str)] = &[
    (1978, "int4_ops", 1976, "int4"),
    (1979, "int2_ops", 1976, "int2"),
    (1981, "oid_ops", 1989, "oid"),
    (3122, "date_ops", 434, "date"),
    (3123, "float8_ops", 1970, "float8"),
    (3124, "int8_ops", 1976, "int8"),
    (3125, "numeric_ops", 1988, "numeric"),
    (3126, "text_ops", 1994, "text"),
    (3127, "timestamptz_ops", 434, "timestamptz"),
    (3128, "timestamp_ops", 434, "timestamp"),
    (10_003, "bool_ops", 424, "bool"),
    (10_004, "bpchar_ops", 426, "bpchar"),
    (10_006, "bytea_ops", 428, "bytea"),
    (10_012, "float4_ops", 1970, "float4"),
    (10_022, "interval_ops", 1982, "interval"),
    (10_028, "name_ops", 1994, "name"),
    (10_038, "time_ops", 1996, "time"),
    (10_065, "uuid_ops", 2968, "uuid"),
    (10_088, "jsonb_ops", 4033, "jsonb"),
];

/// The families of these classes, by number.
const FAMILIES: &[(u32, &str)] = &[
    (424, "bool_ops"),
    (426, "bpchar_ops"),
    (428, "bytea_ops"),
    (434, "datetime_ops"),
    (1970, "float_ops"),
    (1976, "integer_ops"),
    (1982, "interval_ops"),
    (1988, "numeric_ops"),
    (1989, "oid_ops"),
    (1994, "text_ops"),
    (1996, "time_ops"),
    (2968, "uuid_ops"),
    (4033, "jsonb_ops"),
];

/// The number of the class that compares a type; 0 for one that no key has.
pub(super) fn class_of(type_oid: u32) -> u32 {
    let named = |name: &str| types::by_name(name) == Some(type_oid);
    CLASSES.iter().find(|(.., of)| named(of)).map_or(0, |(number, ..)| *number)
}

/// Whether a number is that of a class.
pub(crate) fn is_class(number: u32) -> bool {
    CLASSES.iter().any(|(known, ..)| *known == number)
}

/// Whether a number is that of a family.
pub(crate) fn is_family(number: u32) -> bool {
    FAMILIES.iter().any(|(known, _)| *known == number)
}

/// The functions that PostgreSQL names as handlers of the access methods.
pub(super) const HANDLERS: [&str; 2] = ["bthandler", "heap_tableam_handler"];

/// `pg_am`: the heap of tables, and the btree of their keys.
pub(super) fn access_methods() -> Vec<Row> {
    let row = |number: u32, name: &str, handler: &str, kind: char| -> Row {
        vec![
            ("oid", number.into()),
            ("amname", name.into()),
            ("amhandler", oid::function(handler).into()),
            ("amtype", kind.into()),
        ]
    };
    let [btree, heap] = HANDLERS;
    vec![row(oid::HEAP, "heap", heap, 't'), row(oid::BTREE, "btree", btree, 'i')]
}

/// `pg_opclass`: a row for each class, the default of its type.
pub(super) fn classes() -> Vec<Row> {
    let row = |(number, name, family, of): &(u32, &str, u32, &str)| -> Row {
        let key = if *of == "name" { types::by_name("cstring") } else { None };
        vec![
            ("oid", (*number).into()),
            ("opcmethod", oid::BTREE.into()),
            ("opcname", (*name).into()),
            ("opcnamespace", oid::PG_CATALOG.into()),
            ("opcowner", oid::OWNER.into()),
            ("opcfamily", (*family).into()),
            ("opcintype", types::by_name(of).unwrap_or(0).into()),
            ("opcdefault", true.into()),
            ("opckeytype", key.unwrap_or(0).into()),
        ]
    };
    CLASSES.iter().map(row).collect()
}

/// `pg_opfamily`: a row for each family.
pub(super) fn families() -> Vec<Row> {
    let row = |(number, name): &(u32, &str)| -> Row {
        vec![
            ("oid", Value::from(*number)),
            ("opfmethod", oid::BTREE.into()),
            ("opfname", (*name).into()),
            ("opfnamespace", oid::PG_CATALOG.into()),
            ("opfowner", oid::OWNER.into()),
        ]
    };
    FAMILIES.iter().map(row).collect()
}
