-- DBeaver: rights, dependencies, inheritance, functions, sessions, locks, statistics, its editor and filters. From memory.
-- protocol: extended
-- rights of a table
-- parameters: ["public", "eod"]
-- some
SELECT grantor, grantee, table_schema, table_name, privilege_type, is_grantable, with_hierarchy FROM information_schema.table_privileges WHERE table_schema=$1 AND table_name=$2 AND privilege_type = 'SELECT';

-- rights of columns
-- parameters: ["public", "eod"]
-- some
SELECT grantee, column_name, privilege_type FROM information_schema.column_privileges WHERE table_schema=$1 AND table_name=$2 AND privilege_type = 'SELECT' AND column_name IN ('symbol', 'date');

-- rights of a role
SELECT * FROM information_schema.role_table_grants WHERE table_catalog=current_database() AND grantee='nobody';

SELECT relacl, relowner::regrole::text FROM pg_catalog.pg_class WHERE oid = {oid:public.eod};

SELECT (aclexplode(coalesce(relacl, acldefault('r', relowner)))).privilege_type FROM pg_catalog.pg_class WHERE oid = {oid:public.eod};

SELECT defaclrole::regrole, defaclnamespace, defaclobjtype, defaclacl FROM pg_catalog.pg_default_acl;

-- parents and children
SELECT i.*,c.relnamespace FROM pg_catalog.pg_inherits i,pg_catalog.pg_class c WHERE i.inhrelid={oid:public.eod} AND c.oid=i.inhparent ORDER BY i.inhseqno;

SELECT i.*,c.relnamespace FROM pg_catalog.pg_inherits i,pg_catalog.pg_class c WHERE i.inhparent={oid:public.eod} AND c.oid=i.inhrelid;

SELECT c.*, pg_get_expr(c.relpartbound, c.oid) as partition_expr FROM pg_catalog.pg_class c, pg_catalog.pg_inherits i WHERE i.inhparent={oid:public.eod} AND c.oid=i.inhrelid;

-- sizes of the tables of a schema
SELECT c.oid IS NOT NULL AS o, pg_catalog.pg_total_relation_size(c.oid) >= 0 as total_rel_size, pg_catalog.pg_relation_size(c.oid) >= 0 as rel_size FROM pg_class c WHERE c.relnamespace=2200 AND c.relname = 'eod';

-- what depends on a table, and on what it depends
SELECT DISTINCT dep.deptype, dep.classid::regclass::text, cl.relkind, attr.attname, pg_get_expr(ad.adbin, ad.adrelid) adefval, CASE WHEN cl.relkind IS NOT NULL THEN cl.relkind::text || COALESCE(dep.objsubid::text, '') WHEN tg.oid IS NOT NULL THEN 'T'::text WHEN ty.oid IS NOT NULL AND ty.typbasetype = 0 THEN 'y'::text WHEN ty.oid IS NOT NULL AND ty.typbasetype != 0 THEN 'd'::text WHEN ns.oid IS NOT NULL THEN 'n'::text WHEN pr.oid IS NOT NULL THEN 'p'::text WHEN la.oid IS NOT NULL THEN 'l'::text WHEN rw.oid IS NOT NULL THEN 'R'::text WHEN co.oid IS NOT NULL THEN 'C'::text || contype::text WHEN ad.oid IS NOT NULL THEN 'A'::text ELSE '' END AS type, COALESCE(coc.relname, clrw.relname) AS ownertable, COALESCE(cl.relname, co.conname, pr.proname, tg.tgname, ty.typname, la.lanname, rw.rulename, ns.nspname) AS refname, COALESCE(nsc.nspname, nso.nspname, nsp.nspname, nst.nspname, nsrw.nspname) AS nspname FROM pg_depend dep LEFT JOIN pg_class cl ON dep.objid=cl.oid LEFT JOIN pg_attribute attr ON dep.objid=attr.attrelid AND dep.objsubid=attr.attnum LEFT JOIN pg_namespace nsc ON cl.relnamespace=nsc.oid LEFT JOIN pg_proc pr ON dep.objid=pr.oid LEFT JOIN pg_namespace nsp ON pr.pronamespace=nsp.oid LEFT JOIN pg_trigger tg ON dep.objid=tg.oid LEFT JOIN pg_type ty ON dep.objid=ty.oid LEFT JOIN pg_namespace nst ON ty.typnamespace=nst.oid LEFT JOIN pg_constraint co ON dep.objid=co.oid LEFT JOIN pg_class coc ON co.conrelid=coc.oid LEFT JOIN pg_namespace nso ON co.connamespace=nso.oid LEFT JOIN pg_rewrite rw ON dep.objid=rw.oid LEFT JOIN pg_class clrw ON clrw.oid=rw.ev_class LEFT JOIN pg_namespace nsrw ON clrw.relnamespace=nsrw.oid LEFT JOIN pg_language la ON dep.objid=la.oid LEFT JOIN pg_namespace ns ON dep.objid=ns.oid LEFT JOIN pg_attrdef ad ON ad.oid=dep.objid WHERE dep.refobjid={oid:public.eod} AND dep.classid = 'pg_constraint'::regclass ORDER BY dep.deptype;

-- the functions of pg_catalog
SELECT count(*) > 100 AS many FROM (SELECT p.oid,p.*,pg_catalog.pg_get_expr(p.proargdefaults, 0) as arg_defaults,d.description FROM pg_catalog.pg_proc p LEFT OUTER JOIN pg_catalog.pg_description d ON d.objoid=p.oid AND d.objsubid = 0 WHERE p.pronamespace=11) q;

SELECT p.proname, pg_catalog.pg_get_function_arguments(p.oid), pg_catalog.pg_get_function_result(p.oid), pg_catalog.pg_get_function_identity_arguments(p.oid), l.lanname FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_language l ON l.oid = p.prolang WHERE p.proname IN ('now', 'starts_with') ORDER BY 1;

-- sequences, extensions, events, jobs, wrappers
SELECT seq.*, d.description FROM pg_catalog.pg_sequences seq LEFT JOIN pg_catalog.pg_description d ON false WHERE schemaname = 'public';

SELECT e.oid, e.*, n.nspname as schema_name FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace WHERE e.extname <> 'plpgsql';

SELECT name, default_version IS NOT NULL AS v FROM pg_catalog.pg_available_extensions WHERE name = 'nothing';

SELECT pet.*, d.description FROM pg_event_trigger pet LEFT JOIN pg_catalog.pg_description d ON d.objoid=pet.oid;

SELECT l.oid,l.*,p.proname as handler_name,d.description FROM pg_catalog.pg_foreign_data_wrapper l LEFT OUTER JOIN pg_catalog.pg_proc p ON p.oid=l.fdwhandler LEFT OUTER JOIN pg_catalog.pg_description d ON d.objoid=l.oid;

SELECT * FROM pg_catalog.pg_user_mappings;

SELECT pc.*, pn.nspname FROM pg_catalog.pg_policies pc JOIN pg_catalog.pg_namespace pn ON pn.nspname = pc.schemaname;

SELECT c.oid,c.collname,c.collprovider FROM pg_catalog.pg_collation c WHERE c.collname IN ('C', 'default') AND c.collnamespace = 11 ORDER BY 2;

SELECT t.oid,t.spcname,pg_catalog.pg_tablespace_location(t.oid) loc, pg_catalog.shobj_description(t.oid, 'pg_tablespace') AS d FROM pg_catalog.pg_tablespace t WHERE spcname = 'pg_default';

SELECT l.lanname, l.lanispl, l.lanpltrusted FROM pg_catalog.pg_language l WHERE l.lanname IN ('internal', 'sql') ORDER BY l.lanname;

-- the source of a view, its rule
SELECT r.rulename, pg_catalog.pg_get_ruledef(r.oid) IS NOT NULL AS told, r.ev_type, r.is_instead FROM pg_catalog.pg_rewrite r WHERE r.ev_class={oid:public.movers};

-- the source of a table
SELECT conname, contype, pg_catalog.pg_get_constraintdef(oid, true) FROM pg_catalog.pg_constraint WHERE conrelid = {oid:public.eod} AND contype = 'p';

SELECT pg_catalog.pg_get_indexdef(indexrelid, 0, true) FROM pg_catalog.pg_index WHERE indrelid = {oid:public.eod} AND indisprimary;

-- sessions and locks
-- vary: pid
SELECT sa.pid, sa.datname, sa.usename, sa.backend_type, sa.leader_pid, sa.wait_event FROM pg_catalog.pg_stat_activity sa WHERE sa.pid = pg_backend_pid();

with locks as ( select l.pid, l.locktype, l.mode, l.granted, l.transactionid tid, l.relation, l.page, l.tuple from pg_locks l ), conflict as ( select * from (values ('AccessShareLock','AccessExclusiveLock',1), ('RowShareLock','ExclusiveLock',1), ('ExclusiveLock','RowShareLock',1)) as t (mode1,mode2,prt) ), waiting_lock as ( select blocker.pid as blocker_pid, blocked.pid as pid, concat(blocked.mode,': ',blocked.locktype) as lock_info, c.prt as lock_priority from locks blocker join locks blocked on ( (not blocked.granted) and (blocker.granted) and (blocked.pid != blocker.pid) and (blocked.locktype = blocker.locktype) and ( (blocked.relation = blocker.relation) or (blocked.tid = blocker.tid) or (blocked.page = blocker.page) or (blocked.tuple = blocker.tuple) ) ) join conflict c on (c.mode1 = blocked.mode and c.mode2 = blocker.mode) ) select la.pid as blocker_pid, la.usename as blocker_user, ba.pid as blocked_pid, lw.lock_info from waiting_lock lw join pg_stat_activity la on (la.pid = lw.blocker_pid) join pg_stat_activity ba on (ba.pid = lw.pid) order by 1;

SELECT l.locktype, l.mode, l.granted, l.relation::regclass::text FROM pg_catalog.pg_locks l WHERE l.pid = -1;

-- server: settings, its dashboards, replication
SELECT name, setting, unit, context, vartype, enumvals, boot_val, reset_val, pending_restart FROM pg_catalog.pg_settings WHERE name IN ('search_path', 'default_transaction_read_only') ORDER BY name;

SELECT current_setting('plugin.missing', true) IS NULL AS missing;

SELECT numbackends >= 0 AS n, xact_commit >= 0 AS x, tup_inserted >= 0 AS i, blks_read >= 0 AS b FROM pg_catalog.pg_stat_database WHERE datname = current_database();

SELECT * FROM pg_catalog.pg_stat_replication;

SELECT slot_name, active FROM pg_catalog.pg_replication_slots;

SELECT pg_is_in_recovery(), pg_catalog.inet_server_port() > 0 AS port, pg_catalog.pg_conf_load_time() IS NOT NULL AS conf, pg_catalog.pg_postmaster_start_time() < now() AS up;

-- statistics of columns
-- parameters: ["public", "eod"]
SELECT count(*) >= 0 AS ok FROM (SELECT attname, null_frac, avg_width, n_distinct, most_common_vals::text, histogram_bounds::text, correlation FROM pg_catalog.pg_stats WHERE schemaname=$1 AND tablename=$2) q;

-- the editor: page, filter, order, count, search in all columns
SELECT t.symbol, t.date, t.ctid IS NOT NULL AS c FROM public.eod t WHERE (symbol='SPY') ORDER BY t.date ASC LIMIT 2;

SELECT count(*) > 0 AS n FROM (SELECT t.*, ctid FROM public.eod t WHERE (CAST(symbol AS VARCHAR) ILIKE '%spy%' OR CAST(date AS VARCHAR) ILIKE '%spy%' OR CAST(close AS VARCHAR) ILIKE '%spy%') LIMIT 200) q;

-- a grouping panel
SELECT type, COUNT(*) > 0 AS n FROM public.symbols WHERE symbol = 'SPY' GROUP BY type ORDER BY 2 DESC;

-- a value by its key
-- parameters: ["SPY"]
SELECT symbol FROM public.symbols WHERE symbol=$1;

-- completion: what a name is
SELECT c.relname, c.relkind FROM pg_catalog.pg_class c WHERE c.relkind in('r','v','m','f','p') AND c.relname ILIKE 'eod' AND c.relnamespace IN (2200) ORDER BY c.relname LIMIT 10;

-- search in metadata
SELECT DISTINCT x.relname, a.attname FROM pg_catalog.pg_attribute a, pg_catalog.pg_class x, pg_catalog.pg_namespace n WHERE n.oid = x.relnamespace AND x.oid=a.attrelid AND a.attname LIKE 'clos%' AND x.relname = 'eod' AND n.nspname = 'public' ORDER BY 1, 2 LIMIT 100;

-- search in texts of functions and constraints
SELECT p.proname FROM pg_catalog.pg_proc p WHERE p.prosrc ILIKE '%nothing of the kind%' LIMIT 10;

SELECT x.conname FROM pg_catalog.pg_constraint x WHERE x.conname ILIKE 'eod%' ORDER BY 1 LIMIT 10;

