//! The table function `pg_get_keywords()` lists the words of PostgreSQL 16's grammar, which drivers
//! and editors quote or colour.

use datafusion::arrow::array::{ArrayRef, BooleanArray, RecordBatch, StringArray};
use datafusion::arrow::datatypes::{DataType, Field, Schema};
use datafusion::catalog::{MemTable, TableFunctionImpl, TableProvider};
use datafusion::common::{Result, plan_err};
use datafusion::logical_expr::Expr;
use std::sync::Arc;

/// The table function, registered in DataFusion under its name; its five columns are PostgreSQL's.
#[derive(Debug)]
pub(crate) struct Keywords;

impl TableFunctionImpl for Keywords {
    fn call(&self, arguments: &[Expr]) -> Result<Arc<dyn TableProvider>> {
        if !arguments.is_empty() {
            return plan_err!("pg_get_keywords takes no arguments");
        }
        let mut words: Vec<(&str, char, bool)> =
            WORDS.iter().flat_map(|(kind, bare, words)| words.split(' ').map(|word| (word, *kind, *bare))).collect();
        words.sort_unstable();
        let text = |values: Vec<String>| Arc::new(StringArray::from(values)) as ArrayRef;
        let columns = vec![
            text(words.iter().map(|(word, ..)| (*word).to_owned()).collect()),
            text(words.iter().map(|(_, kind, _)| kind.to_string()).collect()),
            Arc::new(BooleanArray::from(words.iter().map(|(.., bare)| *bare).collect::<Vec<_>>())) as ArrayRef,
            text(words.iter().map(|(_, kind, _)| described(*kind).to_owned()).collect()),
            text(
                words
                    .iter()
                    .map(|(.., bare)| (if *bare { "can be bare label" } else { "requires AS" }).to_owned())
                    .collect(),
            ),
        ];
        let kinds = [DataType::Utf8, DataType::Utf8, DataType::Boolean, DataType::Utf8, DataType::Utf8];
        let names = ["word", "catcode", "barelabel", "catdesc", "baredesc"];
        let fields: Vec<Field> =
            names.into_iter().zip(kinds).map(|(name, kind)| Field::new(name, kind, false)).collect();
        let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?;
        Ok(Arc::new(MemTable::try_new(batch.schema(), vec![vec![batch]])?))
    }
}

/// PostgreSQL's description of a category letter.
fn described(kind: char) -> &'static str {
    match kind {
        'C' => "unreserved (cannot be function or type name)",
        'R' => "reserved",
        'T' => "reserved (can be function or type name)",
        _ => "unreserved",
    }
}

/// Kind, whether it may stand as a column's label without AS, and the words.
#[rustfmt::skip]
const WORDS: &[(char, bool, &str)] = &[
    ('C', false,
        "char character precision"),
    ('C', true,
        "between bigint bit boolean coalesce dec decimal exists extract float greatest grouping inout int \
         integer interval least national nchar none normalize nullif numeric out overlay position real row \
         setof smallint substring time timestamp treat trim values varchar xmlattributes xmlconcat xmlelement \
         xmlexists xmlforest xmlnamespaces xmlparse xmlpi xmlroot xmlserialize xmltable"),
    ('R', false,
        "array as create except fetch for from grant group having intersect into limit offset on order \
         returning to union where window with"),
    ('R', true,
        "all analyse analyze and any asc asymmetric both case cast check collate column constraint \
         current_catalog current_date current_role current_time current_timestamp current_user default \
         deferrable desc distinct do else end false foreign in initially lateral leading localtime \
         localtimestamp not null only or placing primary references select session_user some symmetric table \
         then trailing true unique user using variadic when"),
    ('T', false,
        "isnull notnull overlaps"),
    ('T', true,
        "authorization binary collation concurrently cross current_schema freeze full ilike inner is join \
         left like natural outer right similar tablesample verbose"),
    ('U', false,
        "day filter hour minute month over second varying within without year"),
    ('U', true,
        "abort absolute access action add admin after aggregate also alter always asensitive assertion \
         assignment at atomic attach attribute backward before begin breadth by cache call called cascade \
         cascaded catalog chain characteristics checkpoint class close cluster columns comment comments \
         commit committed compression configuration conflict connection constraints content continue \
         conversion copy cost csv cube current cursor cycle data database deallocate declare defaults \
         deferred definer delete delimiter delimiters depends depth detach dictionary disable discard \
         document domain double drop each enable encoding encrypted enum escape event exclude excluding \
         exclusive execute explain expression extension external family finalize first following force \
         forward function functions generated global granted groups handler header hold identity if immediate \
         immutable implicit import include including increment index indexes inherit inherits inline input \
         insensitive insert instead invoker isolation key label language large last leakproof level listen \
         load local location lock locked logged mapping match matched materialized maxvalue merge method \
         minvalue mode move name names new next nfc nfd nfkc nfkd no normalized nothing notify nowait nulls \
         object of off oids old operator option options ordinality others overriding owned owner parallel \
         parameter parser partial partition passing password plans policy preceding prepare prepared preserve \
         prior privileges procedural procedure procedures program publication quote range read reassign \
         recheck recursive ref referencing refresh reindex relative release rename repeatable replace replica \
         reset restart restrict return returns revoke role rollback rollup routine routines rows rule \
         savepoint schema schemas scroll search security sequence sequences serializable server session set \
         sets share show simple skip snapshot sql stable standalone start statement statistics stdin stdout \
         storage stored strict strip subscription support sysid system tables tablespace temp template \
         temporary text ties transaction transform trigger truncate trusted type types uescape unbounded \
         uncommitted unencrypted unknown unlisten unlogged until update vacuum valid validate validator value \
         version view views volatile whitespace work wrapper write xml yes zone"),
];
