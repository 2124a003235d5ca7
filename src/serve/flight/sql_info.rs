//! Capabilities of the server (`GetSqlInfo`, `GetXdbcTypeInfo`), as JDBC and ODBC drivers and BI tools ask for them.
//!
//! Everything here is true of the engine as it is built: functions are named only if they are registered.

use super::error::internal;
use super::options::Options;
use crate::engine::{Engine, Section};
use arrow_flight::sql::metadata::{
    SqlInfoData, SqlInfoDataBuilder, XdbcTypeInfo, XdbcTypeInfoData, XdbcTypeInfoDataBuilder,
};
use arrow_flight::sql::{
    Nullable, Searchable, SqlInfo, SqlNullOrdering, SqlOuterJoinsSupportLevel, SqlSupportedCaseSensitivity,
    SqlSupportedElementActions, SqlSupportedGroupBy, SqlSupportedResultSetConcurrency, SqlSupportedResultSetType,
    SqlSupportedSubqueries, SqlSupportedTransaction, SqlSupportedUnions, SqlSupportsConvert,
    SqlTransactionIsolationLevel, SupportedSqlGrammar, XdbcDataType, XdbcDatetimeSubcode,
};
use std::collections::BTreeMap;
use tonic::Status;

/// Version of Arrow's columnar format.
const ARROW_FORMAT: &str = "1.5";
/// The first of the levels of ANSI SQL 92, as the bit that stands for it.
const ANSI92_ENTRY: i32 = 1;

/// Words that PostgreSQL reserves beyond the standard's.
const KEYWORDS: &[&str] = &[
    "ANALYSE",
    "ANALYZE",
    "ASYMMETRIC",
    "CONCURRENTLY",
    "DEFERRABLE",
    "DO",
    "FREEZE",
    "ILIKE",
    "INITIALLY",
    "ISNULL",
    "LATERAL",
    "LIMIT",
    "LOCALTIME",
    "LOCALTIMESTAMP",
    "NOTNULL",
    "OFFSET",
    "PLACING",
    "QUALIFY",
    "RETURNING",
    "SIMILAR",
    "SYMMETRIC",
    "VARIADIC",
    "VERBOSE",
    "WINDOW",
];

/// What the server can do.
pub(super) fn sql_info(engine: &Engine, options: &Options) -> Result<SqlInfoData, Status> {
    let mut info = SqlInfoDataBuilder::new();
    server(&mut info);
    language(&mut info, engine);
    reading(&mut info);
    limits(&mut info, options);
    transactions(&mut info);
    info.build().map_err(|error| internal("describe itself", error))
}

fn server(info: &mut SqlInfoDataBuilder) {
    info.append(SqlInfo::FlightSqlServerName, "ttapi");
    info.append(SqlInfo::FlightSqlServerVersion, env!("CARGO_PKG_VERSION"));
    info.append(SqlInfo::FlightSqlServerArrowVersion, ARROW_FORMAT);
    info.append(SqlInfo::FlightSqlServerReadOnly, true);
    info.append(SqlInfo::FlightSqlServerSql, true);
    info.append(SqlInfo::FlightSqlServerSubstrait, false);
    info.append(SqlInfo::FlightSqlServerTransaction, SqlSupportedTransaction::None as i32);
    info.append(SqlInfo::FlightSqlServerCancel, true);
    info.append(SqlInfo::FlightSqlServerBulkIngestion, false);
    info.append(SqlInfo::FlightSqlServerIngestTransactionsSupported, false);
    // Handles hold all they need and never expire; there are no transactions to expire.
    info.append(SqlInfo::FlightSqlServerStatementTimeout, 0_i32);
    info.append(SqlInfo::FlightSqlServerTransactionTimeout, 0_i32);
}

fn language(info: &mut SqlInfoDataBuilder, engine: &Engine) {
    let functions = engine.functions();
    let about = |wanted: Section| -> Vec<&str> {
        functions.iter().filter(|(_, section)| *section == wanted).map(|(name, _)| name.as_str()).collect()
    };
    for ddl in [SqlInfo::SqlDdlCatalog, SqlInfo::SqlDdlSchema, SqlInfo::SqlDdlTable] {
        info.append(ddl, false);
    }
    info.append(SqlInfo::SqlIdentifierCase, SqlSupportedCaseSensitivity::SqlCaseSensitivityLowercase as i32);
    info.append(SqlInfo::SqlIdentifierQuoteChar, "\"");
    // Names in quotes are kept as they are written, for which the protocol has no better word.
    info.append(SqlInfo::SqlQuotedIdentifierCase, SqlSupportedCaseSensitivity::SqlCaseSensitivityUnknown as i32);
    info.append(SqlInfo::SqlAllTablesAreSelectable, true);
    info.append(SqlInfo::SqlNullOrdering, SqlNullOrdering::SqlNullsSortedHigh as i32);
    info.append(SqlInfo::SqlKeywords, KEYWORDS);
    info.append(SqlInfo::SqlNumericFunctions, about(Section::Numeric).as_slice());
    info.append(SqlInfo::SqlStringFunctions, about(Section::Text).as_slice());
    info.append(SqlInfo::SqlSystemFunctions, about(Section::System).as_slice());
    info.append(SqlInfo::SqlDatetimeFunctions, about(Section::DateTime).as_slice());
    info.append(SqlInfo::SqlSearchStringEscape, "\\");
    info.append(SqlInfo::SqlExtraNameCharacters, "$");
    info.append(SqlInfo::SqlSupportsConvert, conversions());
    info.append(SqlInfo::SqlSchemaTerm, "schema");
    info.append(SqlInfo::SqlProcedureTerm, "function");
    info.append(SqlInfo::SqlCatalogTerm, "database");
    info.append(SqlInfo::SqlCatalogAtStart, true);
}

/// Conversions that `CAST` makes, by type.
fn conversions() -> BTreeMap<i32, Vec<i32>> {
    use SqlSupportsConvert::*;
    let numbers = [
        SqlConvertBigint,
        SqlConvertDecimal,
        SqlConvertFloat,
        SqlConvertInteger,
        SqlConvertNumeric,
        SqlConvertReal,
        SqlConvertSmallint,
    ];
    let texts = [SqlConvertChar, SqlConvertVarchar, SqlConvertLongvarchar];
    let moments = [SqlConvertDate, SqlConvertTime, SqlConvertTimestamp];
    let list = |kinds: &[&[SqlSupportsConvert]]| kinds.concat().into_iter().map(|kind| kind as i32).collect::<Vec<_>>();
    let mut all = BTreeMap::new();
    for number in numbers {
        all.insert(number as i32, list(&[&numbers, &texts]));
    }
    for text in texts {
        all.insert(text as i32, list(&[&numbers, &texts, &moments, &[SqlConvertBit]]));
    }
    all.insert(SqlConvertBit as i32, list(&[&texts, &[SqlConvertInteger, SqlConvertBigint, SqlConvertSmallint]]));
    all.insert(SqlConvertDate as i32, list(&[&texts, &[SqlConvertDate, SqlConvertTimestamp]]));
    all.insert(SqlConvertTime as i32, list(&[&texts, &[SqlConvertTime]]));
    all.insert(SqlConvertTimestamp as i32, list(&[&texts, &moments]));
    all
}

fn reading(info: &mut SqlInfoDataBuilder) {
    let bits = |bits: &[i32]| bits.iter().fold(0, |all, bit| all | (1 << bit));
    for supported in [
        SqlInfo::SqlSupportsColumnAliasing,
        SqlInfo::SqlNullPlusNullIsNull,
        SqlInfo::SqlSupportsTableCorrelationNames,
        SqlInfo::SqlSupportsExpressionsInOrderBy,
        SqlInfo::SqlSupportsOrderByUnrelated,
        SqlInfo::SqlSupportsNonNullableColumns,
        SqlInfo::SqlCorrelatedSubqueriesSupported,
    ] {
        info.append(supported, true);
    }
    for missing in [
        SqlInfo::SqlSupportsDifferentTableCorrelationNames,
        SqlInfo::SqlSupportsLikeEscapeClause,
        SqlInfo::SqlSupportsIntegrityEnhancementFacility,
        SqlInfo::SqlSelectForUpdateSupported,
        SqlInfo::SqlStoredProceduresSupported,
        SqlInfo::SqlBatchUpdatesSupported,
        SqlInfo::SqlSavepointsSupported,
        SqlInfo::SqlNamedParametersSupported,
        SqlInfo::SqlLocatorsUpdateCopy,
        SqlInfo::SqlStoredFunctionsUsingCallSyntaxSupported,
        SqlInfo::SqlMaxRowSizeIncludesBlobs,
    ] {
        info.append(missing, false);
    }
    let group_by =
        [SqlSupportedGroupBy::SqlGroupByUnrelated as i32, SqlSupportedGroupBy::SqlGroupByBeyondSelect as i32];
    info.append(SqlInfo::SqlSupportedGroupBy, bits(&group_by));
    let grammar = [SupportedSqlGrammar::SqlMinimumGrammar as i32, SupportedSqlGrammar::SqlCoreGrammar as i32];
    info.append(SqlInfo::SqlSupportedGrammar, bits(&grammar));
    info.append(SqlInfo::SqlAnsi92SupportedLevel, ANSI92_ENTRY);
    let joins = [SqlOuterJoinsSupportLevel::SqlFullOuterJoins as i32];
    info.append(SqlInfo::SqlOuterJoinsSupportLevel, bits(&joins));
    let none: [SqlSupportedElementActions; 0] = [];
    info.append(SqlInfo::SqlSchemasSupportedActions, bits(&none.map(|action| action as i32)));
    info.append(SqlInfo::SqlCatalogsSupportedActions, 0_i32);
    info.append(SqlInfo::SqlSupportedPositionedCommands, 0_i32);
    let subqueries = [
        SqlSupportedSubqueries::SqlSubqueriesInComparisons as i32,
        SqlSupportedSubqueries::SqlSubqueriesInExists as i32,
        SqlSupportedSubqueries::SqlSubqueriesInIns as i32,
        SqlSupportedSubqueries::SqlSubqueriesInQuantifieds as i32,
    ];
    info.append(SqlInfo::SqlSupportedSubqueries, bits(&subqueries));
    let unions = [SqlSupportedUnions::SqlUnion as i32, SqlSupportedUnions::SqlUnionAll as i32];
    info.append(SqlInfo::SqlSupportedUnions, bits(&unions));
    let forward = SqlSupportedResultSetType::SqlResultSetTypeForwardOnly as i32;
    info.append(SqlInfo::SqlSupportedResultSetTypes, bits(&[forward]));
    let read_only = bits(&[SqlSupportedResultSetConcurrency::SqlResultSetConcurrencyReadOnly as i32]);
    info.append(SqlInfo::SqlSupportedConcurrenciesForResultSetForwardOnly, read_only);
    for other in [
        SqlInfo::SqlSupportedConcurrenciesForResultSetUnspecified,
        SqlInfo::SqlSupportedConcurrenciesForResultSetScrollSensitive,
        SqlInfo::SqlSupportedConcurrenciesForResultSetScrollInsensitive,
    ] {
        info.append(other, 0_i32);
    }
}

/// 0 is no limit, or none that is known.
fn limits(info: &mut SqlInfoDataBuilder, options: &Options) {
    let number = |limit: usize| i64::try_from(limit).unwrap_or(i64::MAX);
    info.append(SqlInfo::SqlMaxConnections, number(options.connections_max));
    info.append(SqlInfo::SqlMaxStatements, number(options.streams_max));
    info.append(SqlInfo::SqlMaxStatementLength, number(options.request_bytes_max));
    info.append(SqlInfo::SqlMaxUsernameLength, 63_i64);
    for unlimited in [
        SqlInfo::SqlMaxBinaryLiteralLength,
        SqlInfo::SqlMaxCharLiteralLength,
        SqlInfo::SqlMaxColumnNameLength,
        SqlInfo::SqlMaxColumnsInGroupBy,
        SqlInfo::SqlMaxColumnsInIndex,
        SqlInfo::SqlMaxColumnsInOrderBy,
        SqlInfo::SqlMaxColumnsInSelect,
        SqlInfo::SqlMaxColumnsInTable,
        SqlInfo::SqlMaxCursorNameLength,
        SqlInfo::SqlMaxIndexLength,
        SqlInfo::SqlDbSchemaNameLength,
        SqlInfo::SqlMaxProcedureNameLength,
        SqlInfo::SqlMaxCatalogNameLength,
        SqlInfo::SqlMaxRowSize,
        SqlInfo::SqlMaxTableNameLength,
        SqlInfo::SqlMaxTablesInSelect,
    ] {
        info.append(unlimited, 0_i64);
    }
}

fn transactions(info: &mut SqlInfoDataBuilder) {
    info.append(SqlInfo::SqlTransactionsSupported, false);
    let none = SqlTransactionIsolationLevel::SqlTransactionNone as i32;
    info.append(SqlInfo::SqlDefaultTransactionIsolation, none);
    info.append(SqlInfo::SqlSupportedTransactionsIsolationLevels, 1 << none);
    info.append(SqlInfo::SqlDataDefinitionCausesTransactionCommit, false);
    info.append(SqlInfo::SqlDataDefinitionsInTransactionsIgnored, false);
}

/// The types columns have, as ODBC and JDBC number them.
pub(super) fn type_info() -> Result<XdbcTypeInfoData, Status> {
    let mut types = XdbcTypeInfoDataBuilder::new();
    let base = |name: &str, kind: XdbcDataType| XdbcTypeInfo {
        type_name: name.to_owned(),
        local_type_name: Some(name.to_owned()),
        data_type: kind,
        sql_data_type: kind,
        nullable: Nullable::NullabilityNullable,
        searchable: Searchable::Full,
        ..XdbcTypeInfo::default()
    };
    let number = |name: &str, kind, digits, radix, scale| XdbcTypeInfo {
        column_size: Some(digits),
        unsigned_attribute: Some(false),
        auto_increment: Some(false),
        num_prec_radix: Some(radix),
        minimum_scale: scale,
        maximum_scale: scale,
        ..base(name, kind)
    };
    types.append(number("smallint", XdbcDataType::XdbcSmallint, 5, 10, Some(0)));
    types.append(number("integer", XdbcDataType::XdbcInteger, 10, 10, Some(0)));
    types.append(number("bigint", XdbcDataType::XdbcBigint, 19, 10, Some(0)));
    types.append(number("real", XdbcDataType::XdbcReal, 24, 2, None));
    types.append(number("double precision", XdbcDataType::XdbcDouble, 53, 2, None));
    types.append(XdbcTypeInfo {
        create_params: Some(vec!["precision".to_owned(), "scale".to_owned()]),
        maximum_scale: Some(38),
        ..number("numeric", XdbcDataType::XdbcNumeric, 38, 10, Some(0))
    });
    types.append(XdbcTypeInfo { column_size: Some(1), ..base("boolean", XdbcDataType::XdbcBit) });
    let quoted = |name: &str, kind, size| XdbcTypeInfo {
        column_size: size,
        literal_prefix: Some("'".to_owned()),
        literal_suffix: Some("'".to_owned()),
        ..base(name, kind)
    };
    let text = XdbcTypeInfo { case_sensitive: true, ..quoted("text", XdbcDataType::XdbcVarchar, Some(i32::MAX)) };
    types.append(text);
    types.append(quoted("bytea", XdbcDataType::XdbcVarbinary, Some(i32::MAX)));
    let moment = |name: &str, kind, size, subcode| XdbcTypeInfo {
        sql_data_type: XdbcDataType::XdbcDatetime,
        datetime_subcode: subcode,
        ..quoted(name, kind, Some(size))
    };
    use XdbcDatetimeSubcode as Subcode;
    // The subcode of a date is the number this list has for a year.
    types.append(moment("date", XdbcDataType::XdbcDate, 10, Some(Subcode::XdbcSubcodeYear)));
    types.append(moment("time", XdbcDataType::XdbcTime, 15, Some(Subcode::XdbcSubcodeTime)));
    let timestamp = |name: &str, size, subcode| XdbcTypeInfo {
        minimum_scale: Some(0),
        maximum_scale: Some(6),
        ..moment(name, XdbcDataType::XdbcTimestamp, size, Some(subcode))
    };
    types.append(timestamp("timestamp", 26, Subcode::XdbcSubcodeTimestamp));
    types.append(timestamp("timestamp with time zone", 32, Subcode::XdbcSubcodeTimestampWithTimezone));
    types.append(quoted("interval", XdbcDataType::XdbcInterval, Some(49)));
    types.build().map_err(|error| internal("describe its types", error))
}
