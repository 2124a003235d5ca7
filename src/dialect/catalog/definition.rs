//! A `Definition` holds the name, the fixed object identifier and the columns of one table of
//! `pg_catalog`, as clients of PostgreSQL 16 expect them.
//!
//! Columns are written `name type` in order. Array types end in `[]`; `regproc` and `xid` are numbers as
//! `oid` is, node trees and access lists texts. An identifier of 0 means that PostgreSQL fixes none: it is
//! derived from the name.

use arrow::datatypes::{DataType, Field, IntervalUnit, Schema, SchemaRef, TimeUnit};
use std::sync::Arc;

/// One table of `pg_catalog` or view of `information_schema`, filled or always empty.
#[derive(Debug, Clone, Copy)]
pub struct Definition {
    /// The table's name, without its schema.
    pub name: &'static str,
    /// The identifier PostgreSQL gives this table in every installation, or 0.
    pub fixed_oid: u32,
    /// The columns as `name type`, with commas between.
    columns: &'static str,
}

impl Definition {
    /// Names and PostgreSQL type names of the columns, in order.
    pub fn columns(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        self.columns
            .split(',')
            .filter_map(|column| column.trim().split_once(' '))
            .map(|(name, kind)| (name, kind.trim()))
    }

    /// The table's Arrow schema. Every column may be NULL as far as DataFusion is concerned, since a
    /// wrong promise would let its optimizer drop conditions.
    pub fn schema(&self) -> SchemaRef {
        let fields = self.columns().map(|(name, kind)| Field::new(name, arrow_type(kind), true));
        Arc::new(Schema::new(fields.collect::<Vec<_>>()))
    }
}

pub(crate) use crate::text::array::VECTOR;

/// Instants as every table holds them: microseconds since 1970 in UTC.
pub(crate) fn timestamptz() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

/// The Arrow type that stands for a PostgreSQL type name of this file; text for every name without a
/// type of its own.
fn arrow_type(kind: &str) -> DataType {
    if let Some(element) = kind.strip_suffix("[]") {
        return DataType::List(Arc::new(Field::new("element", arrow_type(element), true)));
    }
    let vector = |element| DataType::List(Arc::new(Field::new(VECTOR, element, true)));
    match kind {
        "int2vector" => vector(DataType::Int16),
        "oidvector" => vector(DataType::UInt32),
        "bool" => DataType::Boolean,
        "int2" => DataType::Int16,
        "int4" => DataType::Int32,
        "int8" => DataType::Int64,
        "oid" | "regproc" | "xid" => DataType::UInt32,
        "float4" => DataType::Float32,
        "float8" => DataType::Float64,
        "timestamptz" => timestamptz(),
        "interval" => DataType::Interval(IntervalUnit::MonthDayNano),
        "bytea" => DataType::Binary,
        _ => DataType::Utf8,
    }
}

/// The table of that name in `pg_catalog`; names are in lower case.
pub fn find(name: &str) -> Option<&'static Definition> {
    TABLES.binary_search_by(|definition| definition.name.cmp(name)).ok().and_then(|index| TABLES.get(index))
}

/// Every table of `pg_catalog`, sorted by name.
pub fn all() -> &'static [Definition] {
    TABLES
}

/// One line of the table of tables.
pub(crate) const fn table(name: &'static str, fixed_oid: u32, columns: &'static str) -> Definition {
    Definition { name, fixed_oid, columns }
}

/// The tables of PostgreSQL 16's `pg_catalog` with their columns in order, sorted by name for the
/// binary search.
#[rustfmt::skip]
const TABLES: &[Definition] = &[
    table("pg_aggregate", 2600,
        "aggfnoid regproc, aggkind char, aggnumdirectargs int2, aggtransfn oid, aggfinalfn oid, aggcombinefn oid, \
         aggserialfn oid, aggdeserialfn oid, aggmtransfn oid, aggminvtransfn oid, aggmfinalfn oid, aggfinalextra \
         bool, aggmfinalextra bool, aggfinalmodify char, aggmfinalmodify char, aggsortop oid, aggtranstype oid, \
         aggtransspace int4, aggmtranstype oid, aggmtransspace int4, agginitval text, aggminitval text"),
    table("pg_am", 2601,
        "oid oid, amname name, amhandler regproc, amtype char"),
    table("pg_amop", 2602,
        "oid oid, amopfamily oid, amoplefttype oid, amoprighttype oid, amopstrategy int2, amoppurpose char, \
         amopopr oid, amopmethod oid, amopsortfamily oid"),
    table("pg_amproc", 2603,
        "oid oid, amprocfamily oid, amproclefttype oid, amprocrighttype oid, amprocnum int2, amproc oid"),
    table("pg_attrdef", 2604,
        "oid oid, adrelid oid, adnum int2, adbin pg_node_tree"),
    table("pg_attribute", 1249,
        "attrelid oid, attname name, atttypid oid, attlen int2, attnum int2, attcacheoff int4, atttypmod int4, \
         attndims int2, attbyval bool, attalign char, attstorage char, attcompression char, attnotnull bool, \
         atthasdef bool, atthasmissing bool, attidentity char, attgenerated char, attisdropped bool, attislocal \
         bool, attinhcount int2, attstattarget int2, attcollation oid, attacl aclitem[], attoptions text[], \
         attfdwoptions text[], attmissingval text[]"),
    table("pg_auth_members", 1261,
        "oid oid, roleid oid, member oid, grantor oid, admin_option bool, inherit_option bool, set_option bool"),
    table("pg_authid", 1260,
        "oid oid, rolname name, rolsuper bool, rolinherit bool, rolcreaterole bool, rolcreatedb bool, rolcanlogin \
         bool, rolreplication bool, rolbypassrls bool, rolconnlimit int4, rolpassword text, rolvaliduntil \
         timestamptz"),
    table("pg_available_extension_versions", 0,
        "name name, version text, installed bool, superuser bool, trusted bool, relocatable bool, schema name, \
         requires name[], comment text"),
    table("pg_available_extensions", 0,
        "name name, default_version text, installed_version text, comment text"),
    table("pg_cast", 2605,
        "oid oid, castsource oid, casttarget oid, castfunc oid, castcontext char, castmethod char"),
    table("pg_class", 1259,
        "oid oid, relname name, relnamespace oid, reltype oid, reloftype oid, relowner oid, relam oid, \
         relfilenode oid, reltablespace oid, relpages int4, reltuples float4, relallvisible int4, reltoastrelid \
         oid, relhasindex bool, relisshared bool, relpersistence char, relkind char, relnatts int2, relchecks \
         int2, relhasrules bool, relhastriggers bool, relhassubclass bool, relrowsecurity bool, \
         relforcerowsecurity bool, relispopulated bool, relreplident char, relispartition bool, relrewrite oid, \
         relfrozenxid xid, relminmxid xid, relacl aclitem[], reloptions text[], relpartbound pg_node_tree"),
    table("pg_collation", 3456,
        "oid oid, collname name, collnamespace oid, collowner oid, collprovider char, collisdeterministic bool, \
         collencoding int4, collcollate text, collctype text, colliculocale text, collicurules text, collversion \
         text"),
    table("pg_constraint", 2606,
        "oid oid, conname name, connamespace oid, contype char, condeferrable bool, condeferred bool, \
         convalidated bool, conrelid oid, contypid oid, conindid oid, conparentid oid, confrelid oid, confupdtype \
         char, confdeltype char, confmatchtype char, conislocal bool, coninhcount int4, connoinherit bool, conkey \
         int2[], confkey int2[], conpfeqop oid[], conppeqop oid[], conffeqop oid[], confdelsetcols int2[], \
         conexclop oid[], conbin pg_node_tree"),
    table("pg_conversion", 2607,
        "oid oid, conname name, connamespace oid, conowner oid, conforencoding int4, contoencoding int4, conproc \
         oid, condefault bool"),
    table("pg_cursors", 0,
        "name text, statement text, is_holdable bool, is_binary bool, is_scrollable bool, creation_time \
         timestamptz"),
    table("pg_database", 1262,
        "oid oid, datname name, datdba oid, encoding int4, datlocprovider char, datistemplate bool, datallowconn \
         bool, datconnlimit int4, datfrozenxid xid, datminmxid xid, dattablespace oid, datcollate text, datctype \
         text, daticulocale text, daticurules text, datcollversion text, datacl aclitem[]"),
    table("pg_db_role_setting", 2964,
        "setdatabase oid, setrole oid, setconfig text[]"),
    table("pg_default_acl", 826,
        "oid oid, defaclrole oid, defaclnamespace oid, defaclobjtype char, defaclacl aclitem[]"),
    table("pg_depend", 2608,
        "classid oid, objid oid, objsubid int4, refclassid oid, refobjid oid, refobjsubid int4, deptype char"),
    table("pg_description", 2609,
        "objoid oid, classoid oid, objsubid int4, description text"),
    table("pg_enum", 3501,
        "oid oid, enumtypid oid, enumsortorder float4, enumlabel name"),
    table("pg_event_trigger", 3466,
        "oid oid, evtname name, evtevent name, evtowner oid, evtfoid oid, evtenabled char, evttags text[]"),
    table("pg_extension", 3079,
        "oid oid, extname name, extowner oid, extnamespace oid, extrelocatable bool, extversion text, extconfig \
         oid[], extcondition text[]"),
    table("pg_foreign_data_wrapper", 2328,
        "oid oid, fdwname name, fdwowner oid, fdwhandler oid, fdwvalidator oid, fdwacl aclitem[], fdwoptions text[]"),
    table("pg_foreign_server", 1417,
        "oid oid, srvname name, srvowner oid, srvfdw oid, srvtype text, srvversion text, srvacl aclitem[], \
         srvoptions text[]"),
    table("pg_foreign_table", 3118,
        "ftrelid oid, ftserver oid, ftoptions text[]"),
    table("pg_group", 0,
        "groname name, grosysid oid, grolist oid[]"),
    table("pg_index", 2610,
        "indexrelid oid, indrelid oid, indnatts int2, indnkeyatts int2, indisunique bool, indnullsnotdistinct \
         bool, indisprimary bool, indisexclusion bool, indimmediate bool, indisclustered bool, indisvalid bool, \
         indcheckxmin bool, indisready bool, indislive bool, indisreplident bool, indkey int2vector, indcollation \
         oidvector, indclass oidvector, indoption int2vector, indexprs pg_node_tree, indpred pg_node_tree"),
    table("pg_indexes", 0,
        "schemaname name, tablename name, indexname name, tablespace name, indexdef text"),
    table("pg_inherits", 2611,
        "inhrelid oid, inhparent oid, inhseqno int4, inhdetachpending bool"),
    table("pg_init_privs", 3394,
        "objoid oid, classoid oid, objsubid int4, privtype char, initprivs text[]"),
    table("pg_language", 2612,
        "oid oid, lanname name, lanowner oid, lanispl bool, lanpltrusted bool, lanplcallfoid oid, laninline oid, \
         lanvalidator oid, lanacl aclitem[]"),
    table("pg_largeobject", 2613,
        "loid oid, pageno int4, data bytea"),
    table("pg_largeobject_metadata", 2995,
        "oid oid, lomowner oid, lomacl aclitem[]"),
    table("pg_locks", 0,
        "locktype text, database oid, relation oid, page int4, tuple int2, virtualxid text, transactionid oid, \
         classid oid, objid oid, objsubid int2, virtualtransaction text, pid int4, mode text, granted bool, \
         fastpath bool, waitstart timestamptz"),
    table("pg_matviews", 0,
        "schemaname name, matviewname name, matviewowner name, tablespace name, hasindexes bool, ispopulated \
         bool, definition text"),
    table("pg_namespace", 2615,
        "oid oid, nspname name, nspowner oid, nspacl aclitem[]"),
    table("pg_opclass", 2616,
        "oid oid, opcmethod oid, opcname name, opcnamespace oid, opcowner oid, opcfamily oid, opcintype oid, \
         opcdefault bool, opckeytype oid"),
    table("pg_operator", 2617,
        "oid oid, oprname name, oprnamespace oid, oprowner oid, oprkind char, oprcanmerge bool, oprcanhash bool, \
         oprleft oid, oprright oid, oprresult oid, oprcom oid, oprnegate oid, oprcode oid, oprrest oid, oprjoin \
         oid"),
    table("pg_opfamily", 2753,
        "oid oid, opfmethod oid, opfname name, opfnamespace oid, opfowner oid"),
    table("pg_parameter_acl", 6243,
        "oid oid, parname text, paracl aclitem[]"),
    table("pg_partitioned_table", 3350,
        "partrelid oid, partstrat char, partnatts int2, partdefid oid, partattrs int2vector, partclass oidvector, \
         partcollation oidvector, partexprs text"),
    table("pg_policies", 0,
        "schemaname name, tablename name, policyname name, permissive text, roles name[], cmd text, qual text, \
         with_check text"),
    table("pg_policy", 3256,
        "oid oid, polname name, polrelid oid, polcmd char, polpermissive bool, polroles oid[], polqual text, \
         polwithcheck text"),
    table("pg_prepared_statements", 0,
        "name text, statement text, prepare_time timestamptz, parameter_types text, result_types text, from_sql \
         bool, generic_plans int8, custom_plans int8"),
    table("pg_prepared_xacts", 0,
        "transaction oid, gid text, prepared timestamptz, owner name, database name"),
    table("pg_proc", 1255,
        "oid oid, proname name, pronamespace oid, proowner oid, prolang oid, procost float4, prorows float4, \
         provariadic oid, prosupport oid, prokind char, prosecdef bool, proleakproof bool, proisstrict bool, \
         proretset bool, provolatile char, proparallel char, pronargs int2, pronargdefaults int2, prorettype oid, \
         proargtypes oidvector, proallargtypes oid[], proargmodes char[], proargnames text[], proargdefaults text, \
         protrftypes oid[], prosrc text, probin text, prosqlbody text, proconfig text[], proacl aclitem[]"),
    table("pg_publication", 6104,
        "oid oid, pubname name, pubowner oid, puballtables bool, pubinsert bool, pubupdate bool, pubdelete bool, \
         pubtruncate bool, pubviaroot bool"),
    table("pg_publication_namespace", 6237,
        "oid oid, pnpubid oid, pnnspid oid"),
    table("pg_publication_rel", 6106,
        "oid oid, prpubid oid, prrelid oid, prqual text, prattrs int2[]"),
    table("pg_publication_tables", 0,
        "pubname name, schemaname name, tablename name, attnames name[], rowfilter text"),
    table("pg_range", 3541,
        "rngtypid oid, rngsubtype oid, rngmultitypid oid, rngcollation oid, rngsubopc oid, rngcanonical oid, \
         rngsubdiff oid"),
    table("pg_replication_origin", 6000,
        "roident oid, roname text"),
    table("pg_replication_slots", 0,
        "slot_name name, plugin name, slot_type text, datoid oid, database name, temporary bool, active bool, \
         active_pid int4, xmin xid, catalog_xmin oid, restart_lsn text, confirmed_flush_lsn text, wal_status \
         text, safe_wal_size int8, two_phase bool"),
    table("pg_rewrite", 2618,
        "oid oid, rulename name, ev_class oid, ev_type char, ev_enabled char, is_instead bool, ev_qual text, \
         ev_action text"),
    table("pg_roles", 0,
        "rolname name, rolsuper bool, rolinherit bool, rolcreaterole bool, rolcreatedb bool, rolcanlogin bool, \
         rolreplication bool, rolconnlimit int4, rolpassword text, rolvaliduntil timestamptz, rolbypassrls bool, \
         rolconfig text[], oid oid"),
    table("pg_rules", 0,
        "schemaname name, tablename name, rulename name, definition text"),
    table("pg_seclabel", 3596,
        "objoid oid, classoid oid, objsubid int4, provider text, label text"),
    table("pg_seclabels", 0,
        "objoid oid, classoid oid, objsubid int4, objtype text, objnamespace oid, objname text, provider text, \
         label text"),
    table("pg_sequence", 2224,
        "seqrelid oid, seqtypid oid, seqstart int8, seqincrement int8, seqmax int8, seqmin int8, seqcache int8, \
         seqcycle bool"),
    table("pg_sequences", 0,
        "schemaname name, sequencename name, sequenceowner name, data_type text, start_value int8, min_value \
         int8, max_value int8, increment_by int8, cycle bool, cache_size int8, last_value int8"),
    table("pg_settings", 0,
        "name text, setting text, unit text, category text, short_desc text, extra_desc text, context text, \
         vartype text, source text, min_val text, max_val text, enumvals text[], boot_val text, reset_val text, \
         sourcefile text, sourceline int4, pending_restart bool"),
    table("pg_shadow", 0,
        "usename name, usesysid oid, usecreatedb bool, usesuper bool, userepl bool, usebypassrls bool, passwd \
         text, valuntil timestamptz, useconfig text[]"),
    table("pg_shdepend", 1214,
        "dbid oid, classid oid, objid oid, objsubid int4, refclassid oid, refobjid oid, deptype char"),
    table("pg_shdescription", 2396,
        "objoid oid, classoid oid, description text"),
    table("pg_shseclabel", 3592,
        "objoid oid, classoid oid, provider text, label text"),
    table("pg_stat_activity", 0,
        "datid oid, datname name, pid int4, leader_pid int4, usesysid oid, usename name, application_name text, \
         client_addr text, client_hostname text, client_port int4, backend_start timestamptz, xact_start \
         timestamptz, query_start timestamptz, state_change timestamptz, wait_event_type text, wait_event text, \
         state text, backend_xid xid, backend_xmin xid, query_id int8, query text, backend_type text"),
    table("pg_stat_all_tables", 0,
        "relid oid, schemaname name, relname name, seq_scan int8, last_seq_scan timestamptz, seq_tup_read int8, \
         idx_scan int8, last_idx_scan timestamptz, idx_tup_fetch int8, n_tup_ins int8, n_tup_upd int8, n_tup_del \
         int8, n_tup_hot_upd int8, n_tup_newpage_upd int8, n_live_tup int8, n_dead_tup int8, n_mod_since_analyze \
         int8, n_ins_since_vacuum int8, last_vacuum timestamptz, last_autovacuum timestamptz, last_analyze \
         timestamptz, last_autoanalyze timestamptz, vacuum_count int8, autovacuum_count int8, analyze_count int8, \
         autoanalyze_count int8"),
    table("pg_stat_bgwriter", 0,
        "checkpoints_timed int8, checkpoints_req int8, checkpoint_write_time float8, checkpoint_sync_time float8, \
         buffers_checkpoint int8, buffers_clean int8, maxwritten_clean int8, buffers_backend int8, \
         buffers_backend_fsync int8, buffers_alloc int8, stats_reset timestamptz"),
    table("pg_stat_database", 0,
        "datid oid, datname name, numbackends int4, xact_commit int8, xact_rollback int8, blks_read int8, \
         blks_hit int8, tup_returned int8, tup_fetched int8, tup_inserted int8, tup_updated int8, tup_deleted \
         int8, conflicts int8, temp_files int8, temp_bytes int8, deadlocks int8, checksum_failures int8, \
         checksum_last_failure timestamptz, blk_read_time float8, blk_write_time float8, session_time float8, \
         active_time float8, idle_in_transaction_time float8, sessions int8, sessions_abandoned int8, \
         sessions_fatal int8, sessions_killed int8, stats_reset timestamptz"),
    table("pg_stat_gssapi", 0,
        "pid int4, gss_authenticated bool, principal text, encrypted bool"),
    table("pg_stat_replication", 0,
        "pid int4, usesysid oid, usename name, application_name text, client_addr text, client_hostname text, \
         client_port int4, backend_start timestamptz, backend_xmin xid, state text, sent_lsn text, write_lsn \
         text, flush_lsn text, replay_lsn text, write_lag interval, flush_lag interval, replay_lag interval, \
         sync_priority int4, sync_state text, reply_time timestamptz"),
    table("pg_stat_ssl", 0,
        "pid int4, ssl bool, version text, cipher text, bits int4, client_dn text, client_serial float8, \
         issuer_dn text"),
    table("pg_stat_user_indexes", 0,
        "relid oid, indexrelid oid, schemaname name, relname name, indexrelname name, idx_scan int8, \
         last_idx_scan timestamptz, idx_tup_read int8, idx_tup_fetch int8"),
    table("pg_stat_user_tables", 0,
        "relid oid, schemaname name, relname name, seq_scan int8, last_seq_scan timestamptz, seq_tup_read int8, \
         idx_scan int8, last_idx_scan timestamptz, idx_tup_fetch int8, n_tup_ins int8, n_tup_upd int8, n_tup_del \
         int8, n_tup_hot_upd int8, n_tup_newpage_upd int8, n_live_tup int8, n_dead_tup int8, n_mod_since_analyze \
         int8, n_ins_since_vacuum int8, last_vacuum timestamptz, last_autovacuum timestamptz, last_analyze \
         timestamptz, last_autoanalyze timestamptz, vacuum_count int8, autovacuum_count int8, analyze_count int8, \
         autoanalyze_count int8"),
    table("pg_statio_all_tables", 0,
        "relid oid, schemaname name, relname name, heap_blks_read int8, heap_blks_hit int8, idx_blks_read int8, \
         idx_blks_hit int8, toast_blks_read int8, toast_blks_hit int8, tidx_blks_read int8, tidx_blks_hit int8"),
    table("pg_statio_user_indexes", 0,
        "relid oid, indexrelid oid, schemaname name, relname name, indexrelname name, idx_blks_read int8, \
         idx_blks_hit int8"),
    table("pg_statio_user_tables", 0,
        "relid oid, schemaname name, relname name, heap_blks_read int8, heap_blks_hit int8, idx_blks_read int8, \
         idx_blks_hit int8, toast_blks_read int8, toast_blks_hit int8, tidx_blks_read int8, tidx_blks_hit int8"),
    table("pg_statistic_ext", 3381,
        "oid oid, stxrelid oid, stxname name, stxnamespace oid, stxowner oid, stxstattarget int4, stxkeys int2vector, \
         stxkind char[], stxexprs text"),
    table("pg_statistic_ext_data", 3429,
        "stxoid oid, stxdinherit bool, stxdndistinct text, stxddependencies text, stxdmcv text, stxdexpr text"),
    table("pg_stats", 0,
        "schemaname name, tablename name, attname name, inherited bool, null_frac float4, avg_width int4, \
         n_distinct float4, most_common_vals text[], most_common_freqs float4[], histogram_bounds text[], \
         correlation float4, most_common_elems text[], most_common_elem_freqs float4[], elem_count_histogram \
         float4[]"),
    table("pg_subscription", 6100,
        "oid oid, subdbid oid, subskiplsn text, subname name, subowner oid, subenabled bool, subbinary bool, \
         substream bool, subtwophasestate char, subdisableonerr bool, subconninfo text, subslotname name, \
         subsynccommit text, subpublications text[]"),
    table("pg_subscription_rel", 6102,
        "srsubid oid, srrelid oid, srsubstate char, srsublsn text"),
    table("pg_tables", 0,
        "schemaname name, tablename name, tableowner name, tablespace name, hasindexes bool, hasrules bool, \
         hastriggers bool, rowsecurity bool"),
    table("pg_tablespace", 1213,
        "oid oid, spcname name, spcowner oid, spcacl aclitem[], spcoptions text[]"),
    table("pg_timezone_abbrevs", 0,
        "abbrev text, utc_offset interval, is_dst bool"),
    table("pg_timezone_names", 0,
        "name text, abbrev text, utc_offset interval, is_dst bool"),
    table("pg_transform", 3576,
        "oid oid, trftype oid, trflang oid, trffromsql oid, trftosql oid"),
    table("pg_trigger", 2620,
        "oid oid, tgrelid oid, tgparentid oid, tgname name, tgfoid oid, tgtype int2, tgenabled char, tgisinternal \
         bool, tgconstrrelid oid, tgconstrindid oid, tgconstraint oid, tgdeferrable bool, tginitdeferred bool, \
         tgnargs int2, tgattr int2vector, tgargs bytea, tgqual text, tgoldtable name, tgnewtable name"),
    table("pg_ts_config", 3602,
        "oid oid, cfgname name, cfgnamespace oid, cfgowner oid, cfgparser oid"),
    table("pg_ts_config_map", 3603,
        "mapcfg oid, maptokentype int4, mapseqno int4, mapdict oid"),
    table("pg_ts_dict", 3600,
        "oid oid, dictname name, dictnamespace oid, dictowner oid, dicttemplate oid, dictinitoption text"),
    table("pg_ts_parser", 3601,
        "oid oid, prsname name, prsnamespace oid, prsstart oid, prstoken oid, prsend oid, prsheadline oid, \
         prslextype oid"),
    table("pg_ts_template", 3764,
        "oid oid, tmplname name, tmplnamespace oid, tmplinit oid, tmpllexize oid"),
    table("pg_type", 1247,
        "oid oid, typname name, typnamespace oid, typowner oid, typlen int2, typbyval bool, typtype char, \
         typcategory char, typispreferred bool, typisdefined bool, typdelim char, typrelid oid, typsubscript oid, \
         typelem oid, typarray oid, typinput regproc, typoutput regproc, typreceive regproc, typsend regproc, typmodin regproc, \
         typmodout regproc, typanalyze regproc, typalign char, typstorage char, typnotnull bool, typbasetype oid, \
         typtypmod int4, typndims int4, typcollation oid, typdefaultbin pg_node_tree, typdefault text, typacl aclitem[]"),
    table("pg_user", 0,
        "usename name, usesysid oid, usecreatedb bool, usesuper bool, userepl bool, usebypassrls bool, passwd \
         text, valuntil timestamptz, useconfig text[]"),
    table("pg_user_mapping", 1418,
        "oid oid, umuser oid, umserver oid, umoptions text[]"),
    table("pg_user_mappings", 0,
        "umid oid, srvid oid, srvname name, umuser oid, usename name, umoptions text[]"),
    table("pg_views", 0,
        "schemaname name, viewname name, viewowner name, definition text"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_sorted_and_every_column_has_a_type() {
        assert!(TABLES.is_sorted_by_key(|definition| definition.name));
        for definition in TABLES {
            assert_eq!(definition.columns().count(), definition.columns.split(',').count(), "{}", definition.name);
        }
        assert_eq!(find("pg_class").unwrap().fixed_oid, 1259);
        assert!(find("pg_no_such").is_none());
    }
}
