-- DataGrip: introspecting a schema and a database, its Properties, its editor and its session view. From memory.
-- protocol: extended
-- tables and views of a schema
-- parameters: ["2200"]
-- vary: table_id, table_state_number, tablespace_id, am_id
-- some
select T.relkind as table_kind,
       T.relname as table_name,
       T.oid as table_id,
       T.xmin as table_state_number,
       false /* T.relhasoids */ as table_with_oids,
       T.reltablespace as tablespace_id,
       T.reloptions as options,
       T.relpersistence as persistence,
       (select pg_catalog.array_agg(inhparent::bigint order by inhseqno)::varchar from pg_catalog.pg_inherits where T.oid = inhrelid) as ancestors,
       (select pg_catalog.array_agg(inhrelid::bigint order by inhrelid)::varchar from pg_catalog.pg_inherits where T.oid = inhparent) as successors,
       T.relispartition as is_partition,
       pg_catalog.pg_get_partkeydef(T.oid) as partition_key,
       pg_catalog.pg_get_expr(T.relpartbound, T.oid) as partition_expression,
       T.relam am_id,
       pg_catalog.pg_get_userbyid(T.relowner) as "owner"
from pg_catalog.pg_class T
where relnamespace = $1::oid
       and T.relkind in ('r', 'm', 'v', 'f', 'p')
       and T.relname in ('eod', 'movers')
order by table_kind, table_name;

-- tables that changed since a transaction
-- parameters: ["2200", "0"]
select count(*) > 3 as found
from pg_catalog.pg_class T
where relnamespace = $1::oid and T.relkind in ('r', 'm', 'v', 'f', 'p')
       and pg_catalog.age(T.xmin) <= coalesce(nullif(greatest(pg_catalog.age($2::varchar::xid), -1), -1), 2147483647);

-- tables that live, by number
-- parameters: ["2200"]
select count(*) > 3 as found from (select oid::bigint from pg_catalog.pg_class where relnamespace = $1::oid and relkind in ('r', 'm', 'v', 'f', 'p')) x;

-- columns
-- parameters: ["2200"]
-- vary: table_id, column_state_number
with T as ( select T.oid as table_id, T.relname as table_name
            from pg_catalog.pg_class T
            where T.relnamespace = $1::oid
              and T.relkind in ('r', 'm', 'v', 'f', 'p') and T.relname = 'eod' )
select T.table_id,
       C.attnum as column_position,
       C.attname as column_name,
       C.xmin as column_state_number,
       C.atttypmod as type_mod,
       C.attndims as dimensions_number,
       pg_catalog.format_type(C.atttypid, C.atttypmod) as type_spec,
       C.atttypid as type_id,
       C.attnotnull as mandatory,
       pg_catalog.pg_get_expr(D.adbin, T.table_id) as column_default_expression,
       not C.attislocal as column_is_inherited,
       C.attfdwoptions as options,
       C.attisdropped as column_is_dropped,
       C.attidentity as identity_kind,
       C.attgenerated as generated
from T
  inner join pg_catalog.pg_attribute C on T.table_id = C.attrelid
  left outer join pg_catalog.pg_attrdef D on (C.attrelid, C.attnum) = (D.adrelid, D.adnum)
where attnum > 0
order by table_id, attnum;

-- indices
-- parameters: ["2200"]
-- vary: index_id, tablespace_id, am_id, table_id, state_number, opclasses
select tab.oid               table_id,
       tab.relkind           table_kind,
       ind_stor.relname      index_name,
       ind_head.indexrelid   index_id,
       ind_stor.xmin         state_number,
       ind_head.indisunique  is_unique,
       ind_head.indisprimary is_primary,
       ind_head.indnullsnotdistinct nulls_not_distinct,
       pg_catalog.pg_get_expr(ind_head.indpred, ind_head.indrelid) as condition,
       (select pg_catalog.array_agg(inhparent::bigint order by inhseqno)::varchar from pg_catalog.pg_inherits where ind_stor.oid = inhrelid) as ancestors,
       ind_stor.reltablespace tablespace_id,
       opcmethod as access_method_id
from pg_catalog.pg_class tab
         join pg_catalog.pg_index ind_head
              on ind_head.indrelid = tab.oid
         join pg_catalog.pg_class ind_stor
              on tab.relnamespace = ind_stor.relnamespace and ind_stor.oid = ind_head.indexrelid
         left join pg_catalog.pg_opclass on pg_opclass.oid = ANY(indclass)
where tab.relnamespace = $1::oid
        and tab.relkind in ('r', 'm', 'v', 'p')
        and ind_stor.relkind in ('i', 'I')
        and tab.relname = 'eod'
limit 1;

-- columns of indices
-- parameters: ["2200"]
-- vary: index_id, collation
select ind_head.indexrelid index_id,
       k col_idx,
       k <= indnkeyatts /* true */ in_key,
       ind_head.indkey[k-1] column_position,
       ind_head.indoption[k-1] column_options,
       ind_head.indcollation[k-1] as collation,
       colln.nspname as collation_schema,
       collname as collation_str,
       case when opcdefault then null else ind_head.indclass[k-1] end as opclass,
       case when opcdefault then null else opcn.nspname end as opclass_schema,
       pg_catalog.pg_get_indexdef(ind_head.indexrelid, k::int, false) as expression,
       pg_catalog.pg_indexam_has_property(am.oid, 'can_order') can_order, pg_catalog.pg_index_column_has_property(ind_head.indexrelid, k::int, 'orderable') orderable
from pg_catalog.pg_index ind_head
         join pg_catalog.pg_class ind_stor
              on ind_stor.oid = ind_head.indexrelid
cross join unnest(ind_head.indkey) with ordinality u(u, k)
left join pg_catalog.pg_collation
on pg_collation.oid = ind_head.indcollation[k-1]
left join pg_catalog.pg_namespace colln on collnamespace = colln.oid
cross join pg_catalog.pg_am am
left join pg_catalog.pg_opclass opc on opc.oid = ind_head.indclass[k-1] and opcmethod = am.oid
left join pg_catalog.pg_namespace opcn on opcnamespace = opcn.oid
where ind_stor.relnamespace = $1::oid
  and ind_stor.relkind in ('i', 'I')
  and ind_stor.relam = am.oid and ind_stor.relname = 'eod_pkey'
order by index_id, k;

-- constraints
-- parameters: ["2200"]
-- vary: table_id, con_id, con_state_id, index_id
select T.oid table_id,
       relkind table_kind,
       C.oid::bigint con_id,
       C.xmin::varchar::bigint con_state_id,
       conname con_name,
       contype con_kind,
       conkey con_columns,
       conindid index_id,
       confrelid ref_table_id,
       condeferrable is_deferrable,
       condeferred is_init_deferred,
       confupdtype on_update,
       confdeltype on_delete,
       connoinherit no_inherit,
       pg_catalog.pg_get_expr(conbin, T.oid) con_expression,
       confkey ref_columns,
       conexclop::int[] excl_operators,
       array(select unnest::regoper::varchar from unnest(conexclop)) excl_operators_str
from pg_catalog.pg_constraint C
         join pg_catalog.pg_class T
              on C.conrelid = T.oid
   where relkind in ('r', 'v', 'f', 'p')
     and relnamespace = $1::oid
     and contype in ('p', 'u', 'f', 'c', 'x')
     and connamespace = $1::oid and relname = 'eod';

-- sources of views
-- parameters: ["2200"]
-- vary: view_id, source_text
select T.relkind as view_kind,
       T.oid as view_id,
       pg_catalog.pg_get_viewdef(T.oid, true) as source_text
from pg_catalog.pg_class T
  join pg_catalog.pg_namespace N on T.relnamespace = N.oid
where N.oid = $1::oid
  and T.relkind in ('m','v') and T.relname = 'movers';

-- rules
-- parameters: ["2200"]
select R.ev_class as table_id,
       R.oid as rule_id,
       R.xmin as rule_state_number,
       R.rulename as rule_name,
       pg_catalog.translate(ev_type,'1234','SUID') as rule_event_code,
       R.ev_enabled as rule_fire_mode,
       R.is_instead as rule_is_instead
from pg_catalog.pg_rewrite R
where R.ev_class in (select oid from pg_catalog.pg_class where relnamespace = $1::oid)
  and R.rulename != '_RETURN'::name
order by R.ev_class::bigint, ev_type;

-- triggers
-- parameters: ["2200"]
select T.tgrelid as table_id,
       T.oid as trigger_id,
       T.xmin as trigger_state_number,
       T.tgname as trigger_name,
       T.tgfoid as function_id,
       pg_catalog.encode(T.tgargs, 'escape') as function_args,
       T.tgtype as bits,
       T.tgdeferrable as is_deferrable,
       T.tginitdeferred as is_init_deferred,
       T.tgenabled as trigger_fire_mode,
       T.tgattr as columns,
       T.tgconstraint != 0 as is_constraint,
       T.tgoldtable as old_table_name,
       T.tgnewtable as new_table_name,
       pg_catalog.pg_get_triggerdef(T.oid, true) as source_code
from pg_catalog.pg_trigger T
where T.tgrelid in (select oid from pg_catalog.pg_class where relnamespace = $1::oid)
  and not T.tgisinternal;

-- comments
-- parameters: ["2200"]
select D.objsubid as sub_id, C.relkind as kind, D.description is not null as told
from pg_catalog.pg_description D
  join pg_catalog.pg_class C on D.objoid = C.oid
where C.relnamespace = $1::oid and D.classoid = 'pg_catalog.pg_class'::regclass and C.relname = 'eod' and D.objsubid < 3
order by D.objsubid;

-- types of a schema
-- parameters: ["2200"]
select T.oid as type_id,
       T.xmin as type_state_number,
       T.typname as type_name,
       T.typtype as type_sub_kind,
       T.typcategory as type_category,
       T.typrelid as class_id,
       T.typbasetype as base_type_id,
       case when T.typtype in ('c','e') then null
            else pg_catalog.format_type(T.typbasetype, T.typtypmod) end as type_def,
       T.typndims as dimensions_number,
       T.typdefault as default_expression,
       T.typnotnull as mandatory,
       pg_catalog.pg_get_userbyid(T.typowner) as "owner"
from pg_catalog.pg_type T
         left outer join pg_catalog.pg_class C
             on T.typrelid = C.oid
where T.typnamespace = $1::oid
  and (T.typtype in ('d','e') or
       C.relkind = 'c'::"char" or
       (T.typtype = 'b' and (T.typelem = 0 OR T.typcategory <> 'A')) or
       T.typtype = 'p' and not T.typisdefined)
order by 1;

-- types of pg_catalog
select T.oid as type_id, T.typname as type_name, T.typtype as type_sub_kind, T.typcategory as type_category
from pg_catalog.pg_type T
where T.typnamespace = 11::oid and T.typname in ('int4', 'text', 'numeric', 'timestamptz', 'bool', '_text', 'jsonb', 'uuid')
order by 1;

-- sequences
-- parameters: ["2200"]
select cls.xmin as sequence_state_number,
       sq.seqrelid as sequence_id,
       cls.relname as sequence_name,
       pg_catalog.format_type(sq.seqtypid, null) as data_type,
       sq.seqstart as next_value,
       sq.seqincrement as inc_value,
       sq.seqmin as min_value,
       sq.seqmax as max_value,
       sq.seqcache as cache_size,
       sq.seqcycle as cycle_option,
       pg_catalog.pg_get_userbyid(cls.relowner) as "owner"
from pg_catalog.pg_sequence sq
    join pg_class cls on sq.seqrelid = cls.oid
where cls.relnamespace = $1::oid;

-- routines of a schema
-- parameters: ["2200"]
with languages as (select oid as lang_oid, lanname as lang
                   from pg_catalog.pg_language),
     routines as (select proname as r_name,
                         prolang as lang_oid,
                         oid as r_id,
                         xmin as r_state_number,
                         proargnames as arg_names,
                         proargmodes as arg_modes,
                         proargtypes::int[] as in_arg_types,
                         proallargtypes::int[] as all_arg_types,
                         pg_catalog.pg_get_expr(proargdefaults, 0) as arg_defaults,
                         provariadic as arg_variadic_id,
                         prorettype as ret_type_id,
                         proretset as ret_set,
                         prokind as kind,
                         provolatile as volatile_kind,
                         proisstrict as is_strict,
                         prosecdef as is_security_definer,
                         proconfig as configuration_parameters,
                         procost as cost,
                         pg_catalog.pg_get_userbyid(proowner) as "owner",
                         prorows as rows,
                         proleakproof as is_leakproof,
                         proparallel as concurrency_kind
                  from pg_catalog.pg_proc
                  where pronamespace = $1::oid
                    and not (prokind = 'a'))
select *
from routines natural join languages;

-- routines of pg_catalog
select proname, pronargs, prokind, provolatile, proisstrict, prorettype
from pg_catalog.pg_proc where pronamespace = 11 and proname in ('now', 'pg_backend_pid') order by 1;

-- aggregates
-- parameters: ["2200"]
select P.oid as aggregate_id,
       P.xmin as state_number,
       P.proname as aggregate_name,
       P.proargnames as arg_names,
       P.proargmodes as arg_modes,
       P.proargtypes::int[] as in_arg_types,
       P.proallargtypes::int[] as all_arg_types,
       A.aggtransfn::oid as transition_function_id,
       A.aggtransfn::regproc::text as transition_function_name,
       A.aggtranstype as transition_type,
       A.aggfinalfn::oid as final_function_id,
       case when A.aggfinalfn::oid = 0 then null else A.aggfinalfn::regproc::varchar end as final_function_name,
       case when A.aggfinalfn::oid = 0 then 0 else P.prorettype end as final_return_type,
       A.agginitval as initial_value,
       A.aggsortop as sort_operator_id,
       case when A.aggsortop = 0 then null else A.aggsortop::regoper::varchar end as sort_operator_name,
       pg_catalog.pg_get_userbyid(P.proowner) as "owner"
from pg_catalog.pg_aggregate A
join pg_catalog.pg_proc P
  on A.aggfnoid = P.oid
where P.pronamespace = $1::oid
order by P.oid;

-- operators
-- parameters: ["2200"]
select O.oid as op_id,
       O.xmin as state_number,
       oprname as op_name,
       oprkind as op_kind,
       oprleft as arg_left_type_id,
       oprright as arg_right_type_id,
       oprresult as arg_result_type_id,
       oprcode::oid as main_id,
       oprcode::varchar as main_name,
       oprrest::varchar as restrict_name,
       oprjoin::varchar as join_name,
       oprcom::regoper::varchar as com_name,
       oprnegate::regoper::varchar as neg_name,
       oprcanmerge as merges,
       oprcanhash as hashes,
       pg_catalog.pg_get_userbyid(O.oprowner) as "owner"
from pg_catalog.pg_operator O
where oprnamespace = $1::oid;

-- operator classes and families
-- parameters: ["2200"]
select O.oid as id,
       O.xmin as state_number,
       opcname as name,
       opcintype::regtype::varchar as in_type,
       case when opckeytype = 0 then null else opckeytype::regtype::varchar end as key_type,
       opcdefault as is_default,
       opcfamily as family_id,
       opfname as family,
       opcmethod as access_method_id,
       pg_catalog.pg_get_userbyid(O.opcowner) as "owner"
from pg_catalog.pg_opclass O join pg_catalog.pg_opfamily F on F.oid = opcfamily
where opcnamespace = $1::oid;

-- operators and procedures of families
-- parameters: ["2200"]
select O.oid as id,
       O.amopstrategy as strategy,
       O.amopopr as op_id,
       O.amopopr::regoperator::varchar as op_sig,
       O.amopsortfamily as sort_family_id,
       O.amopfamily as family_id,
       null as class_id
from pg_catalog.pg_amop O
  join pg_catalog.pg_opfamily F on O.amopfamily = F.oid
where opfnamespace = $1::oid
union all
select P.oid, P.amprocnum, P.amproc::oid, P.amproc::regprocedure::varchar, 0, P.amprocfamily, null
from pg_catalog.pg_amproc P
  join pg_catalog.pg_opfamily F on P.amprocfamily = F.oid
where opfnamespace = $1::oid;

-- collations of a schema
-- parameters: ["2200"]
select oid as id, xmin as state_number, collname as name, collcollate as lc_collate, collctype as lc_ctype,
       pg_catalog.pg_get_userbyid(collowner) as "owner"
from pg_catalog.pg_collation
where collnamespace = $1::oid;

-- extensions
select E.oid as id,
       E.xmin as state_number,
       extname as name,
       extversion as version,
       extnamespace as schema_id,
       nspname as schema_name,
       array(select unnest from unnest(available_versions) where unnest > extversion) as available_updates
from pg_catalog.pg_extension E
       join pg_namespace N on E.extnamespace = N.oid
       left join (select name, array_agg(version) as available_versions from pg_available_extension_versions() group by name) V on E.extname = V.name
where extname <> 'plpgsql';

-- languages
select l.oid as id, l.xmin state_number, lanname as name, lanpltrusted as trusted,
       h.proname as handler, hs.nspname as handlerSchema,
       i.proname as inline, isc.nspname as inlineSchema,
       v.proname as validator, vs.nspname as validatorSchema
from pg_catalog.pg_language l
    left join pg_catalog.pg_proc h on h.oid = lanplcallfoid
    left join pg_catalog.pg_namespace hs on hs.oid = h.pronamespace
    left join pg_catalog.pg_proc i on i.oid = laninline
    left join pg_catalog.pg_namespace isc on isc.oid = i.pronamespace
    left join pg_catalog.pg_proc v on v.oid = lanvalidator
    left join pg_catalog.pg_namespace vs on vs.oid = v.pronamespace
where lanname not in ('plpgsql') and l.oid > 16384
order by lanname;

-- casts
select C.oid, C.xmin as state_number, C.castsource as castsource_id, pg_catalog.quote_ident(SN.nspname) || '.' || pg_catalog.quote_ident(S.typname) as castsource_name,
       C.casttarget as casttarget_id, C.castfunc as castfunc_id, C.castcontext, C.castmethod
from pg_cast C
     left outer join pg_type S on C.castsource::oid = S.oid::oid
     left outer join pg_namespace SN on S.typnamespace = SN.oid
where C.oid > 16384;

-- access methods
select A.oid as access_method_id, A.amname as access_method_name, A.amhandler::oid > 0 as handled, A.amtype as access_method_type
from pg_am A where A.amname in ('heap', 'btree') order by 1;

-- foreign wrappers, servers, mappings
select fdw.oid as id, fdw.xmin as state_number, fdw.fdwname as name, pr.proname as handler, nspc.nspname as handler_schema, pr2.proname as validator,
       fdw.fdwoptions as options, pg_catalog.pg_get_userbyid(fdw.fdwowner) as "owner"
from pg_catalog.pg_foreign_data_wrapper fdw
     left outer join pg_catalog.pg_proc pr on fdw.fdwhandler = pr.oid
     left outer join pg_catalog.pg_namespace nspc on pr.pronamespace = nspc.oid
     left outer join pg_catalog.pg_proc pr2 on fdw.fdwvalidator = pr2.oid;

select umid as id, srvid as server_id, case when umuser = 0 then null else pg_catalog.pg_get_userbyid(umuser) end as user, umoptions as options
from pg_catalog.pg_user_mappings
order by server_id;

select ft.ftrelid as table_id, srv.srvname as table_server, ft.ftoptions as table_options
from pg_catalog.pg_foreign_table ft
     left outer join pg_catalog.pg_foreign_server srv on ft.ftserver = srv.oid
     join pg_catalog.pg_class cls on ft.ftrelid = cls.oid;

-- row security and event triggers
select oid as policy_id, xmin as policy_state_number, polname as policyname, polrelid table_id, polpermissive as permissive, polroles as roles, polcmd as cmd,
       pg_get_expr(polqual, polrelid) as qual, pg_get_expr(polwithcheck, polrelid) as with_check
from pg_catalog.pg_policy;

select t.oid as id, t.xmin as state_number, t.evtname as name, t.evtevent as event, t.evtfoid as routine_id,
       pg_catalog.pg_get_userbyid(t.evtowner) as "owner", t.evttags as tags, case when t.evtenabled = 'D' then 1 else 0 end as is_disabled
from pg_catalog.pg_event_trigger t;

-- rights
-- parameters: ["2200"]
select T.relname as object_name, T.relacl as acl
from pg_catalog.pg_class T
where T.relnamespace = $1::oid and T.relname = 'eod';

select A.attname, A.attacl from pg_catalog.pg_attribute A join pg_catalog.pg_class T on T.oid = A.attrelid where T.relname = 'eod' and A.attacl is not null;

-- what depends on what
-- parameters: ["2200"]
select D.objid as dependent_id,
       D.refobjid as owner_id,
       D.refobjsubid as owner_subobject_id
from pg_depend D
  join pg_class C_SEQ on D.objid = C_SEQ.oid and D.classid = 'pg_class'::regclass::oid
  join pg_class C_TAB on D.refobjid = C_TAB.oid and D.refclassid = 'pg_class'::regclass::oid
where C_SEQ.relkind = 'S' and C_TAB.relkind = 'r' and D.refobjsubid <> 0 and D.deptype in ('a', 'i')
  and C_SEQ.relnamespace = $1::oid
order by owner_id;

-- sessions
-- vary: pid, backend_start, query_start, state_change, client_port, backend_xmin, query
-- some
select pid, usename, datname, application_name, client_addr, client_port, backend_start, query_start, state_change, state, wait_event_type, wait_event, backend_xmin, query
from pg_catalog.pg_stat_activity
where pid = pg_catalog.pg_backend_pid();

-- its table editor
select count(*) > 0 as some from (select t.*, ctid from public.eod t limit 501) q;

select t.symbol, t.ctid is not null as placed from public.eod t where t.symbol = 'SPY' order by t.date limit 2;

-- a page of rows with a count
select count(*) > 100 as some from (select symbol, date from public.eod order by symbol, date limit 501 offset 10) q;
