//! The base types this server sends, with PostgreSQL's own numbers and the columns of `pg_type`, and
//! the way from Arrow types to them.

use super::declared::VECTOR;
use crate::text::decimal::UNBOUND;
use arrow::datatypes::DataType;

/// A base type, as a row of `pg_type` tells of it.
#[derive(Debug, Clone, Copy)]
pub struct BaseType {
    /// Its name in `pg_type`, such as `int4`.
    pub name: &'static str,
    /// Name people read, as `format_type` gives it.
    pub display: &'static str,
    /// Its number, PostgreSQL's own.
    pub oid: u32,
    /// Number of its array type; 0 when it has none.
    pub array_oid: u32,
    /// Bytes, or -1 for a variable length.
    pub length: i16,
    /// Category letter of `pg_type`.
    pub category: char,
    /// Whether it is the preferred type of its category.
    pub preferred: bool,
    /// Alignment letter of `pg_type`.
    pub align: char,
    /// Storage letter of `pg_type`.
    pub storage: char,
    /// Default collation, 0 when there is none.
    pub collation: u32,
    /// Name of its input function.
    pub input: &'static str,
}

impl BaseType {
    /// Names of the output, receive and send functions.
    pub fn other_functions(&self) -> [String; 3] {
        let stem = self.input.strip_suffix("in").unwrap_or(self.input);
        [format!("{stem}out"), format!("{stem}recv"), format!("{stem}send")]
    }
}

/// The pseudo-type `any` that stands for every type, in signatures of functions.
pub const ANY: u32 = 2276;

/// The base type of that number; `None` for array types and unknown numbers.
pub fn by_oid(oid: u32) -> Option<&'static BaseType> {
    BASE_TYPES.iter().find(|base| base.oid == oid)
}

/// The base type whose array type has that number.
pub fn element_of(array_oid: u32) -> Option<&'static BaseType> {
    BASE_TYPES.iter().find(|base| base.array_oid == array_oid && array_oid != 0)
}

/// The number of a type given as people write it (`int4`, `integer`, `text[]`, `pg_catalog.text`,
/// `"text"`, `_text`); `None` for a name this server does not know.
pub fn by_name(name: &str) -> Option<u32> {
    let name = name.trim();
    // A name in quotes is spelled as it is.
    if name.contains('"') && name.chars().any(char::is_uppercase) {
        return None;
    }
    let lower = name.replace('"', "").to_ascii_lowercase();
    let lower = lower.strip_prefix("pg_catalog.").unwrap_or(&lower);
    let array = lower.strip_suffix("[]").or_else(|| lower.strip_prefix('_'));
    let wanted = match array.unwrap_or(lower).trim() {
        "int" => "int4",
        "decimal" => "numeric",
        "float" => "float8",
        other => other,
    };
    let base = BASE_TYPES.iter().find(|base| base.name == wanted || base.display == wanted)?;
    match array {
        Some(_) => Some(base.array_oid).filter(|oid| *oid != 0),
        None => Some(base.oid),
    }
}

/// What `format_type` says of a type: `text`, `timestamp with time zone`, `text[]`, `numeric(10,2)`;
/// `-` for 0 and `???` for an unknown number, as in PostgreSQL.
pub fn display(oid: u32, modifier: Option<i32>) -> String {
    if oid == 0 {
        return "-".to_owned();
    }
    if let Some(base) = by_oid(oid) {
        return match modifier {
            Some(modifier) if base.name == "numeric" && modifier >= 4 => {
                let packed = modifier - 4;
                format!("numeric({},{})", packed >> 16, packed & 0x7ff)
            }
            Some(modifier) if matches!(base.name, "varchar" | "bpchar") && modifier > 4 => {
                format!("{}({})", base.display, modifier - 4)
            }
            Some(modifier) if modifier >= 0 && matches!(base.name, "time" | "timestamp" | "timestamptz") => {
                let (name, zone) = base.display.split_once(' ').unwrap_or((base.display, ""));
                format!("{name}({modifier}) {zone}")
            }
            // Types whose modifier has no form of its own show it as it is.
            Some(modifier)
                if modifier >= 0 && matches!(base.name, "bytea" | "char" | "date" | "name" | "oid" | "text") =>
            {
                format!("{}({modifier})", base.display)
            }
            _ => base.display.to_owned(),
        };
    }
    match element_of(oid) {
        Some(base) => format!("{}[]", base.display),
        None => "???".to_owned(),
    }
}

/// Number and modifier of the PostgreSQL type that carries an Arrow type; -1 for no modifier, text
/// for types without an equal.
pub fn of_arrow(data_type: &DataType) -> (u32, i32) {
    let name = match data_type {
        own if *own == UNBOUND => "numeric",
        DataType::Boolean => "bool",
        DataType::Int8 | DataType::UInt8 | DataType::Int16 => "int2",
        DataType::UInt16 | DataType::Int32 => "int4",
        DataType::UInt32 => "oid",
        DataType::Int64 | DataType::UInt64 => "int8",
        DataType::Float16 | DataType::Float32 => "float4",
        DataType::Float64 => "float8",
        DataType::Decimal32(precision, scale)
        | DataType::Decimal64(precision, scale)
        | DataType::Decimal128(precision, scale)
        | DataType::Decimal256(precision, scale) => {
            return (1700, numeric_modifier(i32::from(*precision), i32::from((*scale).max(0))));
        }
        DataType::Date32 | DataType::Date64 => "date",
        DataType::Time32(_) | DataType::Time64(_) => "time",
        DataType::Timestamp(_, None) => "timestamp",
        DataType::Timestamp(_, Some(_)) => "timestamptz",
        DataType::Interval(_) | DataType::Duration(_) => "interval",
        own if crate::text::uuid::is_uuid(own) => "uuid",
        own if crate::text::tid::is_tid(own) => "tid",
        own if crate::text::json::is_json(own) => "json",
        own if crate::text::json::is_jsonb(own) => "jsonb",
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => "bytea",
        DataType::Struct(_) => "record",
        DataType::Dictionary(_, value) => return of_arrow(value),
        DataType::List(element) if element.name() == VECTOR => match element.data_type() {
            DataType::Int16 => "int2vector",
            _ => "oidvector",
        },
        DataType::List(element) | DataType::LargeList(element) | DataType::FixedSizeList(element, _) => {
            let (oid, _) = of_arrow(element.data_type());
            // Arrays of any number of dimensions are of one type.
            let nested = matches!(element.data_type(), DataType::List(inner) if inner.name() != VECTOR);
            let array = if nested { oid } else { by_oid(oid).map_or(1009, |base| base.array_oid) };
            return (array, -1);
        }
        _ => "text",
    };
    (by_name(name).unwrap_or(25), -1)
}

/// The modifier of `numeric(precision, scale)`.
pub fn numeric_modifier(precision: i32, scale: i32) -> i32 {
    ((precision << 16) | (scale & 0x7ff)) + 4
}

/// The number of the array type over a type; that of an array is its own.
pub fn array_of(oid: u32) -> Option<u32> {
    match by_oid(oid) {
        Some(base) => Some(base.array_oid).filter(|array| *array != 0),
        None => element_of(oid).map(|_| oid),
    }
}

/// The base type of a number, or of whose array it is the number; whether it is the array is the
/// second value.
pub fn base_or_element(oid: u32) -> Option<(&'static BaseType, bool)> {
    by_oid(oid).map(|base| (base, false)).or_else(|| element_of(oid).map(|base| (base, true)))
}

/// Every base type, sorted by number.
pub fn all() -> &'static [BaseType] {
    BASE_TYPES
}

#[allow(clippy::too_many_arguments, reason = "one line of a table")]
const fn base(
    name: &'static str,
    display: &'static str,
    oid: u32,
    array_oid: u32,
    length: i16,
    category: char,
    preferred: bool,
    align: char,
    storage: char,
    collation: u32,
    input: &'static str,
) -> BaseType {
    BaseType { name, display, oid, array_oid, length, category, preferred, align, storage, collation, input }
}

/// The base types, sorted by number; the numbers are PostgreSQL's.
#[rustfmt::skip]
const BASE_TYPES: &[BaseType] = &[
    base("bool", "boolean", 16, 1000, 1, 'B', true, 'c', 'p', 0, "boolin"),
    base("bytea", "bytea", 17, 1001, -1, 'U', false, 'i', 'x', 0, "byteain"),
    base("char", "\"char\"", 18, 1002, 1, 'Z', false, 'c', 'p', 0, "charin"),
    base("name", "name", 19, 1003, 64, 'S', false, 'c', 'p', 950, "namein"),
    base("int8", "bigint", 20, 1016, 8, 'N', false, 'd', 'p', 0, "int8in"),
    base("int2", "smallint", 21, 1005, 2, 'N', false, 's', 'p', 0, "int2in"),
    base("int2vector", "int2vector", 22, 1006, -1, 'A', false, 'i', 'p', 0, "int2vectorin"),
    base("int4", "integer", 23, 1007, 4, 'N', false, 'i', 'p', 0, "int4in"),
    base("regproc", "regproc", 24, 1008, 4, 'N', false, 'i', 'p', 0, "regprocin"),
    base("text", "text", 25, 1009, -1, 'S', true, 'i', 'x', 100, "textin"),
    base("oid", "oid", 26, 1028, 4, 'N', true, 'i', 'p', 0, "oidin"),
    base("xid", "xid", 28, 1011, 4, 'U', false, 'i', 'p', 0, "xidin"),
    base("oidvector", "oidvector", 30, 1013, -1, 'A', false, 'i', 'p', 0, "oidvectorin"),
    base("json", "json", 114, 199, -1, 'U', false, 'i', 'x', 0, "json_in"),
    base("float4", "real", 700, 1021, 4, 'N', false, 'i', 'p', 0, "float4in"),
    base("float8", "double precision", 701, 1022, 8, 'N', true, 'd', 'p', 0, "float8in"),
    base("unknown", "unknown", 705, 0, -2, 'X', false, 'c', 'p', 0, "unknownin"),
    base("bpchar", "character", 1042, 1014, -1, 'S', false, 'i', 'x', 100, "bpcharin"),
    base("varchar", "character varying", 1043, 1015, -1, 'S', false, 'i', 'x', 100, "varcharin"),
    base("date", "date", 1082, 1182, 4, 'D', false, 'i', 'p', 0, "date_in"),
    base("time", "time without time zone", 1083, 1183, 8, 'D', false, 'd', 'p', 0, "time_in"),
    base("timestamp", "timestamp without time zone", 1114, 1115, 8, 'D', false, 'd', 'p', 0, "timestamp_in"),
    base("timestamptz", "timestamp with time zone", 1184, 1185, 8, 'D', true, 'd', 'p', 0, "timestamptz_in"),
    base("interval", "interval", 1186, 1187, 16, 'T', true, 'd', 'p', 0, "interval_in"),
    base("tid", "tid", 27, 1010, 6, 'U', false, 's', 'p', 0, "tidin"),
    base("numeric", "numeric", 1700, 1231, -1, 'N', false, 'i', 'm', 0, "numeric_in"),
    base("regclass", "regclass", 2205, 2210, 4, 'N', false, 'i', 'p', 0, "regclassin"),
    base("regtype", "regtype", 2206, 2211, 4, 'N', false, 'i', 'p', 0, "regtypein"),
    base("record", "record", 2249, 2287, -1, 'P', false, 'd', 'x', 0, "record_in"),
    base("any", "\"any\"", ANY, 0, 4, 'P', false, 'i', 'p', 0, "any_in"),
    base("trigger", "trigger", 2279, 0, 4, 'P', false, 'i', 'p', 0, "trigger_in"),
    base("void", "void", 2278, 0, 4, 'P', false, 'i', 'p', 0, "void_in"),
    base("uuid", "uuid", 2950, 2951, 16, 'U', false, 'c', 'p', 0, "uuid_in"),
    base("jsonb", "jsonb", 3802, 3807, -1, 'U', false, 'i', 'x', 0, "jsonb_in"),
    base("regnamespace", "regnamespace", 4089, 4090, 4, 'N', false, 'i', 'p', 0, "regnamespacein"),
    base("regrole", "regrole", 4096, 4097, 4, 'N', false, 'i', 'p', 0, "regrolein"),
    // No value is of these: drivers look their numbers up.
    base("cid", "cid", 29, 1012, 4, 'U', false, 'i', 'p', 0, "cidin"),
    base("xml", "xml", 142, 143, -1, 'U', false, 'i', 'x', 0, "xml_in"),
    base("point", "point", 600, 1017, 16, 'G', false, 'd', 'p', 0, "point_in"),
    base("lseg", "lseg", 601, 1018, 32, 'G', false, 'd', 'p', 0, "lseg_in"),
    base("path", "path", 602, 1019, -1, 'G', false, 'd', 'x', 0, "path_in"),
    base("box", "box", 603, 1020, 32, 'G', false, 'd', 'p', 0, "box_in"),
    base("polygon", "polygon", 604, 1027, -1, 'G', false, 'd', 'x', 0, "poly_in"),
    base("line", "line", 628, 629, 24, 'G', false, 'd', 'p', 0, "line_in"),
    base("cidr", "cidr", 650, 651, -1, 'I', false, 'i', 'm', 0, "cidr_in"),
    base("circle", "circle", 718, 719, 24, 'G', false, 'd', 'p', 0, "circle_in"),
    base("macaddr8", "macaddr8", 774, 775, 8, 'U', false, 'i', 'p', 0, "macaddr8_in"),
    base("money", "money", 790, 791, 8, 'N', false, 'd', 'p', 0, "cash_in"),
    base("macaddr", "macaddr", 829, 1040, 6, 'U', false, 'i', 'p', 0, "macaddr_in"),
    base("inet", "inet", 869, 1041, -1, 'I', true, 'i', 'm', 0, "inet_in"),
    base("timetz", "time with time zone", 1266, 1270, 12, 'D', false, 'd', 'p', 0, "timetz_in"),
    base("bit", "bit", 1560, 1561, -1, 'V', false, 'i', 'x', 0, "bit_in"),
    base("varbit", "bit varying", 1562, 1563, -1, 'V', true, 'i', 'x', 0, "varbit_in"),
    base("pg_lsn", "pg_lsn", 3220, 3221, 8, 'U', false, 'd', 'p', 0, "pg_lsn_in"),
    base("tsvector", "tsvector", 3614, 3643, -1, 'U', false, 'i', 'x', 0, "tsvectorin"),
    base("tsquery", "tsquery", 3615, 3645, -1, 'U', false, 'i', 'p', 0, "tsqueryin"),
    base("jsonpath", "jsonpath", 4072, 4073, -1, 'U', false, 'i', 'x', 0, "jsonpath_in"),
    base("xid8", "xid8", 5069, 271, 8, 'U', false, 'd', 'p', 0, "xid8in"),
    // Columns of the catalog and arguments of functions are of these.
    base("pg_ddl_command", "pg_ddl_command", 32, 0, 8, 'P', false, 'd', 'p', 0, "pg_ddl_command_in"),
    base("pg_node_tree", "pg_node_tree", 194, 0, -1, 'Z', false, 'i', 'x', 100, "pg_node_tree_in"),
    base("table_am_handler", "table_am_handler", 269, 0, 4, 'P', false, 'i', 'p', 0, "table_am_handler_in"),
    base("index_am_handler", "index_am_handler", 325, 0, 4, 'P', false, 'i', 'p', 0, "index_am_handler_in"),
    base("aclitem", "aclitem", 1033, 1034, 16, 'U', false, 'd', 'p', 0, "aclitemin"),
    base("refcursor", "refcursor", 1790, 2201, -1, 'U', false, 'i', 'x', 0, "textin"),
    base("regprocedure", "regprocedure", 2202, 2207, 4, 'N', false, 'i', 'p', 0, "regprocedurein"),
    base("regoper", "regoper", 2203, 2208, 4, 'N', false, 'i', 'p', 0, "regoperin"),
    base("regoperator", "regoperator", 2204, 2209, 4, 'N', false, 'i', 'p', 0, "regoperatorin"),
    base("cstring", "cstring", 2275, 1263, -2, 'P', false, 'c', 'p', 0, "cstring_in"),
    base("anyarray", "anyarray", 2277, 0, -1, 'P', false, 'd', 'x', 0, "anyarray_in"),
    base("language_handler", "language_handler", 2280, 0, 4, 'P', false, 'i', 'p', 0, "language_handler_in"),
    base("internal", "internal", 2281, 0, 8, 'P', false, 'd', 'p', 0, "internal_in"),
    base("anyelement", "anyelement", 2283, 0, 4, 'P', false, 'i', 'p', 0, "anyelement_in"),
    base("anynonarray", "anynonarray", 2776, 0, 4, 'P', false, 'i', 'p', 0, "anynonarray_in"),
    base("txid_snapshot", "txid_snapshot", 2970, 2949, -1, 'U', false, 'd', 'x', 0, "txid_snapshot_in"),
    base("fdw_handler", "fdw_handler", 3115, 0, 4, 'P', false, 'i', 'p', 0, "fdw_handler_in"),
    base("tsm_handler", "tsm_handler", 3310, 0, 4, 'P', false, 'i', 'p', 0, "tsm_handler_in"),
    base("pg_ndistinct", "pg_ndistinct", 3361, 0, -1, 'Z', false, 'i', 'x', 100, "pg_ndistinct_in"),
    base("pg_dependencies", "pg_dependencies", 3402, 0, -1, 'Z', false, 'i', 'x', 100, "pg_dependencies_in"),
    base("anyenum", "anyenum", 3500, 0, 4, 'P', false, 'i', 'p', 0, "anyenum_in"),
    base("gtsvector", "gtsvector", 3642, 3644, -1, 'U', false, 'i', 'p', 0, "gtsvectorin"),
    base("regconfig", "regconfig", 3734, 3735, 4, 'N', false, 'i', 'p', 0, "regconfigin"),
    base("regdictionary", "regdictionary", 3769, 3770, 4, 'N', false, 'i', 'p', 0, "regdictionaryin"),
    base("anyrange", "anyrange", 3831, 0, -1, 'P', false, 'd', 'x', 0, "anyrange_in"),
    base("event_trigger", "event_trigger", 3838, 0, 4, 'P', false, 'i', 'p', 0, "event_trigger_in"),
    base("regcollation", "regcollation", 4191, 4192, 4, 'N', false, 'i', 'p', 0, "regcollationin"),
    base("anymultirange", "anymultirange", 4537, 0, -1, 'P', false, 'd', 'x', 0, "anymultirange_in"),
    base("anycompatiblemultirange", "anycompatiblemultirange", 4538, 0, -1, 'P', false, 'd', 'x', 0, "anycompatiblemultirange_in"),
    base("pg_brin_bloom_summary", "pg_brin_bloom_summary", 4600, 0, -1, 'Z', false, 'i', 'x', 100, "brin_bloom_summary_in"),
    base("pg_brin_minmax_multi_summary", "pg_brin_minmax_multi_summary", 4601, 0, -1, 'Z', false, 'i', 'x', 100, "brin_minmax_multi_summary_in"),
    base("pg_mcv_list", "pg_mcv_list", 5017, 0, -1, 'Z', false, 'i', 'x', 100, "pg_mcv_list_in"),
    base("pg_snapshot", "pg_snapshot", 5038, 5039, -1, 'U', false, 'd', 'x', 0, "pg_snapshot_in"),
    base("anycompatible", "anycompatible", 5077, 0, 4, 'P', false, 'i', 'p', 0, "anycompatible_in"),
    base("anycompatiblearray", "anycompatiblearray", 5078, 0, -1, 'P', false, 'd', 'x', 0, "anycompatiblearray_in"),
    base("anycompatiblenonarray", "anycompatiblenonarray", 5079, 0, 4, 'P', false, 'i', 'p', 0, "anycompatiblenonarray_in"),
    base("anycompatiblerange", "anycompatiblerange", 5080, 0, -1, 'P', false, 'd', 'x', 0, "anycompatiblerange_in"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_agree() {
        assert_eq!(by_name("integer"), Some(23));
        assert_eq!(by_name("pg_catalog.text"), Some(25));
        assert_eq!(by_name("text[]"), Some(1009));
        assert_eq!(by_name("_int4"), Some(1007));
        assert_eq!(by_name("nonsense"), None);
        assert_eq!(display(1184, Some(-1)), "timestamp with time zone");
        assert_eq!(display(1009, None), "text[]");
        assert_eq!(display(1700, Some(((10 << 16) | 2) + 4)), "numeric(10,2)");
    }

    #[test]
    fn arrow_types_have_their_postgres_type() {
        assert_eq!(of_arrow(&DataType::Utf8View).0, 25);
        assert_eq!(of_arrow(&DataType::Decimal128(10, 2)), (1700, ((10 << 16) | 2) + 4));
        assert_eq!(of_arrow(&DataType::new_list(DataType::Utf8, true)).0, 1009);
    }
}
