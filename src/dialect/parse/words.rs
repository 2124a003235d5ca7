//! The words of the grammar are PostgreSQL's: a word that sqlparser knows and PostgreSQL does not is
//! a name like any other.
//!
//! sqlparser 0.62: one list of keywords serves all of its dialects, and its parser asks for many of
//! them whatever the dialect: `FROM a GLOBAL JOIN b`, `SELECT TOP 3`, `x RLIKE y`, `QUALIFY`, `MINUS`.
//! Where PostgreSQL reads a name (an alias, a column, a function) sqlparser would read a clause, and
//! another answer. Not needed once a dialect decides which words are keywords.

use datafusion::sql::sqlparser::keywords::{ALL_KEYWORDS, ALL_KEYWORDS_INDEX, Keyword};
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan};
use std::collections::HashSet;
use std::sync::LazyLock;

/// Words that are no keywords in PostgreSQL, and that sqlparser has to know to read what PostgreSQL
/// reads by other means: names of types, fields of times, options of COPY and EXPLAIN, settings.
const OTHERS: &str = "bool int2 int4 int8 float4 float8 date timestamptz timetz uuid bytea json jsonb regclass \
    tsvector tsquery box circle line lseg path point polygon inet macaddr cidr bit array unnest \
    week quarter dow doy epoch isodow isoyear century decade millennium millisecond milliseconds microsecond \
    microseconds julian timezone timezone_hour timezone_minute years months weeks days hours minutes seconds \
    bernoulli format force_quote force_not_null force_null analyze verbose charset system_time";

/// Keywords of sqlparser that stay keywords.
static KNOWN: LazyLock<HashSet<Keyword>> = LazyLock::new(|| {
    let words: HashSet<&str> =
        WORDS.iter().flat_map(|(.., words)| words.split(' ')).chain(OTHERS.split_whitespace()).collect();
    let known = |name: &str| words.contains(name.to_ascii_lowercase().as_str());
    let keywords = ALL_KEYWORDS.iter().zip(ALL_KEYWORDS_INDEX);
    keywords.filter(|(name, _)| known(name)).map(|(_, keyword)| *keyword).collect()
});

/// Keywords that are no bare label, and those that are no name of a column.
static RESTRICTED: LazyLock<[HashSet<Keyword>; 2]> = LazyLock::new(|| {
    let keywords = |of: &dyn Fn(char, bool) -> bool| {
        let words: HashSet<&str> =
            WORDS.iter().filter(|(kind, bare, _)| of(*kind, *bare)).flat_map(|(.., words)| words.split(' ')).collect();
        let all = ALL_KEYWORDS.iter().zip(ALL_KEYWORDS_INDEX);
        let of_kind = all.filter(|(name, _)| words.contains(name.to_ascii_lowercase().as_str()));
        of_kind.map(|(_, keyword)| *keyword).collect()
    };
    [keywords(&|_, bare| !bare), keywords(&|kind, _| matches!(kind, 'R' | 'T'))]
});

/// Whether a word may stand as a column's label without AS.
pub(super) fn is_bare_label(word: Keyword) -> bool {
    !RESTRICTED[0].contains(&word)
}

/// Whether a word may stand as the name of a column, and so as a table's alias.
pub(super) fn is_column_name(word: Keyword) -> bool {
    !RESTRICTED[1].contains(&word)
}

/// Makes names of the words that are no keywords in PostgreSQL, and of those behind the point of a name:
/// `pg_catalog.substring(...)` is a call like any other. The first word of a statement keeps its meaning: statements of other
/// systems are refused by their names.
pub(crate) fn keep_postgres(tokens: &mut [TokenWithSpan]) {
    let (mut first, mut before) = (true, Before::Other);
    for token in tokens {
        before = match &mut token.token {
            Token::Word(word) => {
                let known = before != Before::Point && KNOWN.contains(&word.keyword);
                if !first && word.keyword != Keyword::NoKeyword && !known {
                    word.keyword = Keyword::NoKeyword;
                }
                first = false;
                Before::Name
            }
            Token::Whitespace(_) => before,
            Token::Period if before == Before::Name => Before::Point,
            other => {
                first = *other == Token::SemiColon;
                Before::Other
            }
        }
    }
}

/// What stands before a token, as far as it tells whether a word is one part of a name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    Name,
    /// The point behind a name.
    Point,
    Other,
}

/// The words of PostgreSQL 16's grammar: their kind, whether one may stand as a column's label without
/// AS, and the words of that kind.
#[rustfmt::skip]
pub(crate) const WORDS: &[(char, bool, &str)] = &[
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
