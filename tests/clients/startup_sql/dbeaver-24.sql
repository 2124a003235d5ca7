-- DBeaver 24 (plug-in org.jkiss.dbeaver.ext.postgresql, classes PostgreDataSource, PostgreDatabase, PostgreSchema): connecting,
-- then opening schema public and table eod in its navigator.
-- protocol: extended

-- connection
SET extra_float_digits = 3;

-- connection
SET application_name = 'DBeaver 24.2.0 - Main <tt>';

-- connection
SELECT current_schema(),session_user;

-- connection
SHOW search_path;

-- database
-- parameters: ["tt"]
SELECT db.oid,db.* FROM pg_catalog.pg_database db WHERE datname=$1;

-- settings
select * from pg_catalog.pg_settings where name='standard_conforming_strings';

-- roles
SELECT * FROM pg_catalog.pg_roles WHERE rolname = 'tt';

-- keywords
-- some
select word from pg_catalog.pg_get_keywords() where word <> ALL ('{a,abs,absolute,action,ada,add}'::text[]) order by word;

-- encodings
select conname, pg_catalog.pg_encoding_to_char(conforencoding) from pg_catalog.pg_conversion order by 1;

-- types
-- some
SELECT t.oid,t.*,c.relkind,format_type(nullif(t.typbasetype, 0), t.typtypmod) as base_type_name, d.description
FROM pg_catalog.pg_type t
LEFT OUTER JOIN pg_catalog.pg_type et ON et.oid=t.typelem
LEFT OUTER JOIN pg_catalog.pg_class c ON c.oid=t.typrelid
LEFT OUTER JOIN pg_catalog.pg_description d ON t.oid=d.objoid
WHERE t.typname IS NOT NULL
AND (c.relkind IS NULL OR c.relkind = 'c') AND (et.typcategory IS NULL OR et.typcategory <> 'C')
ORDER BY t.oid;

-- schemas
SELECT n.oid,n.*,d.description FROM pg_catalog.pg_namespace n
LEFT OUTER JOIN pg_catalog.pg_description d ON d.objoid=n.oid AND d.objsubid=0 AND d.classoid='pg_namespace'::regclass
ORDER BY nspname;

-- tables
-- parameters: [2200]
-- vary: reltuples
-- some
SELECT c.oid,c.*,d.description,pg_catalog.pg_get_expr(c.relpartbound, c.oid) as partition_expr,  pg_catalog.pg_get_partkeydef(c.oid) as partition_key
FROM pg_catalog.pg_class c
LEFT OUTER JOIN pg_catalog.pg_description d ON d.objoid=c.oid AND d.objsubid=0 AND d.classoid='pg_class'::regclass
WHERE c.relnamespace=$1 AND c.relkind not in ('i','I','c') AND c.relname in ('eod', 'movers', 'symbols')
ORDER BY c.relname;

-- columns
SELECT c.relname,a.*,pg_catalog.pg_get_expr(ad.adbin, ad.adrelid, true) as def_value,dsc.description,dep.objid
FROM pg_catalog.pg_attribute a
INNER JOIN pg_catalog.pg_class c ON (a.attrelid=c.oid)
LEFT OUTER JOIN pg_catalog.pg_attrdef ad ON (a.attrelid=ad.adrelid AND a.attnum = ad.adnum)
LEFT OUTER JOIN pg_catalog.pg_description dsc ON (c.oid=dsc.objoid AND a.attnum = dsc.objsubid)
LEFT OUTER JOIN pg_depend dep on dep.refobjid = a.attrelid AND dep.deptype = 'i' and dep.refobjsubid = a.attnum and dep.classid = dep.refclassid
WHERE NOT a.attisdropped AND c.relkind not in ('i','I','c') AND c.oid={oid:public.eod}
ORDER BY a.attnum;

-- constraints
SELECT c.oid,c.*,t.relname as tabrelname,rt.relnamespace as refnamespace,d.description, case when c.contype='c' then "substring"(pg_get_constraintdef(c.oid), 7) else null end consrc_copy
FROM pg_catalog.pg_constraint c
INNER JOIN pg_catalog.pg_class t ON t.oid=c.conrelid
LEFT OUTER JOIN pg_catalog.pg_class rt ON rt.oid=c.confrelid
LEFT OUTER JOIN pg_catalog.pg_description d ON d.objoid=c.oid AND d.objsubid=0 AND d.classoid='pg_constraint'::regclass
WHERE c.conrelid={oid:public.eod}
ORDER BY c.oid;

-- indexes
SELECT i.*,i.indkey as keys,c.relname,c.relnamespace,c.relam,c.reltablespace,tc.relname as tabrelname,dsc.description,pg_catalog.pg_get_expr(i.indpred, i.indrelid) as pred_expr,pg_catalog.pg_get_expr(i.indexprs, i.indrelid, true) as expr,pg_catalog.pg_relation_size(i.indexrelid) as index_rel_size,pg_catalog.pg_stat_get_numscans(i.indexrelid) as index_num_scans
FROM pg_catalog.pg_index i
INNER JOIN pg_catalog.pg_class c ON c.oid=i.indexrelid
INNER JOIN pg_catalog.pg_class tc ON tc.oid=i.indrelid
LEFT OUTER JOIN pg_catalog.pg_description dsc ON i.indexrelid=dsc.objoid
WHERE i.indrelid={oid:public.eod} ORDER BY tc.relname, c.relname;

-- access methods
SELECT am.oid,am.* FROM pg_catalog.pg_am am ORDER BY am.oid;

-- triggers
SELECT x.oid,x.*,p.pronamespace as func_schema_id,d.description
FROM pg_catalog.pg_trigger x
LEFT OUTER JOIN pg_catalog.pg_proc p ON p.oid=x.tgfoid
LEFT OUTER JOIN pg_catalog.pg_description d ON d.objoid=x.oid AND d.objsubid=0
WHERE x.tgrelid={oid:public.eod} AND NOT x.tgisinternal;

-- rules of a view
SELECT r.oid,r.* FROM pg_catalog.pg_rewrite r WHERE r.ev_class={oid:public.movers};

-- a view's definition
SELECT pg_catalog.pg_get_viewdef({oid:public.movers}, true);

-- sizes
-- vary: total_rel_size, rel_size
select pg_catalog.pg_total_relation_size({oid:public.eod}) as total_rel_size, pg_catalog.pg_relation_size({oid:public.eod}) as rel_size;

-- functions
-- parameters: [11]
SELECT p.oid as poid,p.proname,pg_catalog.pg_get_expr(p.proargdefaults, 0) as arg_defaults,d.description
FROM pg_catalog.pg_proc p
LEFT OUTER JOIN pg_catalog.pg_description d ON d.objoid=p.oid
LEFT OUTER JOIN pg_catalog.pg_depend dep on dep.objid = p.oid AND dep.deptype = 'e'
WHERE p.pronamespace=$1 AND p.proname = 'array_upper'
ORDER BY p.proname;

-- sessions
-- vary: pid
SELECT sa.datname, sa.usename, sa.state, sa.pid FROM pg_catalog.pg_stat_activity sa WHERE sa.pid = pg_backend_pid();

-- data of the table
SELECT x.symbol, x.date IS NOT NULL AS dated FROM public.eod x WHERE x.symbol = 'SPY' LIMIT 1;

-- how many rows
SELECT count(*) > 0 AS some FROM public.eod;
