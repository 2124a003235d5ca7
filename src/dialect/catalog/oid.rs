//! Object identifiers number what PostgreSQL clients know by number: schemas, relations, functions,
//! roles. They are the same for the same name in every process, so that replicas and restarts agree.
//!
//! PostgreSQL fixes the numbers of its own types and tables; ours are hashes of the name, above the
//! range PostgreSQL keeps for itself. When two names of one catalog meet on a number, the later name
//! in sort order takes the next free one.

use std::collections::{BTreeMap, BTreeSet};

/// First number that PostgreSQL gives to objects of users.
const FIRST_USER_OID: u32 = 16_384;

/// The schema `pg_catalog`, as PostgreSQL numbers it.
pub const PG_CATALOG: u32 = 11;
/// The schema `public`, as PostgreSQL numbers it.
pub const PUBLIC: u32 = 2_200;
/// The schema `information_schema`; PostgreSQL gives it a number at installation, near this one.
pub const INFORMATION_SCHEMA: u32 = 13_000;
/// The role that owns everything, under the number of PostgreSQL's first superuser.
pub const OWNER: u32 = 10;
/// The access method `heap`, which all tables have.
pub const HEAP: u32 = 2;
/// The tablespace `pg_default`, the only one.
pub const DEFAULT_TABLESPACE: u32 = 1_663;
/// The one database, whatever its name in the session; a number above PostgreSQL's own, below which tools such as pgAdmin
/// take a database for a part of the system.
pub const DATABASE: u32 = FIRST_USER_OID;
/// The access method `btree`, which the keys of tables have.
pub const BTREE: u32 = 403;
/// The collation `default`, which compares texts by their bytes.
pub const DEFAULT_COLLATION: u32 = 100;

/// The number of a schema: PostgreSQL's for its own, else a hash of the name.
pub fn namespace(schema: &str) -> u32 {
    match schema {
        "pg_catalog" => PG_CATALOG,
        "public" => PUBLIC,
        "information_schema" => INFORMATION_SCHEMA,
        _ => hashed("schema", schema),
    }
}

/// The number a relation takes when no other has it: PostgreSQL's for tables of `pg_catalog` where it
/// fixes one, else a hash.
pub fn relation(schema: &str, name: &str) -> u32 {
    match super::definition::find(name) {
        Some(definition) if schema == "pg_catalog" && definition.fixed_oid != 0 => definition.fixed_oid,
        _ => hashed(schema, name),
    }
}

/// The number of a function by its name; overloads of one name share it.
pub fn function(name: &str) -> u32 {
    hashed("function", name)
}

/// FNV-1a of `space.name`, folded into the range of users' objects that signed 32-bit readers
/// understand. `space` keeps kinds of objects apart.
pub fn hashed(space: &str, name: &str) -> u32 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in space.bytes().chain([b'.']).chain(name.bytes()) {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    let range = u64::from(i32::MAX.unsigned_abs() - FIRST_USER_OID);
    let folded = u32::try_from(hash % range).unwrap_or(0);
    FIRST_USER_OID + folded
}

/// Numbers of all relations, without two alike. Names are `(schema, relation)`.
pub fn relations(names: &BTreeSet<(String, String)>) -> BTreeMap<u32, (String, String)> {
    let mut taken = BTreeMap::new();
    for (schema, name) in names {
        let mut oid = relation(schema, name);
        while taken.contains_key(&oid) {
            oid += 1;
        }
        taken.insert(oid, (schema.clone(), name.clone()));
    }
    taken
}

/// Name of the constraint and of the index of a table's key.
pub(crate) fn key_index(table: &str) -> String {
    format!("{table}_pkey")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_do_not_change_between_releases() {
        assert_eq!(relation("pg_catalog", "pg_class"), 1259);
        assert_eq!(namespace("public"), 2200);
        assert_eq!(relation("public", "symbols"), relation("public", "symbols"));
        assert_ne!(relation("public", "quotes"), relation("live", "quotes"));
        assert!(relation("public", "symbols") >= FIRST_USER_OID);
        assert!(i32::try_from(relation("public", "symbols")).is_ok());
    }

    #[test]
    fn every_relation_has_a_number_of_its_own() {
        let names: BTreeSet<_> = (0..5_000).map(|n| ("public".to_owned(), format!("t{n}"))).collect();
        assert_eq!(relations(&names).len(), 5_000);
    }
}
