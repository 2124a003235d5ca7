-- Power BI by Npgsql: folded queries of DirectQuery and Power Query, with parameters and quoted names. From memory.
-- protocol: extended

-- a matrix
select "_"."symbol",
    "_"."a0" > 0 as "a0"
from
(
    select "_"."symbol" as "symbol",
        sum("_"."volume") as "a0"
    from
    (
        select "_"."symbol",
            "_"."volume"
        from "public"."eod" "_"
        where "_"."symbol" in ('SPY', 'AAPL')
    ) as "_"
    group by "_"."symbol"
) as "_"
where not "_"."a0" is null
order by "_"."symbol"
limit 1000001;

-- distinct counts with blanks
select count(distinct "rows"."type") + max(case when "rows"."type" is null then 1 else 0 end) >= 1 as "a0" from (select "type" from "public"."symbols" "$Table") "rows";

-- a join of queries
select "$Outer"."symbol2" as "symbol", "$Inner"."type", "$Outer"."n" > 10 as "many"
from
(
    select "_"."symbol" as "symbol2", count(1) as "n" from "public"."eod" "_" where "_"."symbol" = 'SPY' group by "_"."symbol"
) as "$Outer"
left outer join "public"."symbols" as "$Inner" on ("$Outer"."symbol2" = "$Inner"."symbol");

-- dates
-- parameters: ["2026-11-16 00:00:00", "2026-11-20 00:00:00"]
select count(*) as "a0" from "public"."eod" as "_" where ("_"."symbol" = 'SPY' and "_"."date" >= cast($1 as timestamp) and "_"."date" < cast($2 as timestamp));

select "_"."date" as "date", date_trunc('month', "_"."date") as "t0_0", extract(year from "_"."date") as "t1_0", date_part('quarter', "_"."date") as "t2_0", cast(extract(dow from "_"."date") as integer) as "t3_0", "_"."date" + interval '1 day' * 2 as "t4_0", to_char("_"."date", 'YYYY-MM') as "t5_0" from (select date '2026-11-18' as "date") "_";

-- types
select cast("_"."v" as double precision) as "d", cast("_"."v" as decimal) as "m", cast("_"."v" as varchar) as "s", cast("_"."v" as bigint) as "l", cast("_"."v" as varchar(3)) as "s3", cast("_"."v" as smallint) as "i16", cast("_"."v" as char(1)) is not null as "c", cast('1' as boolean) as "b", cast('2026-11-20' as date) as "dt" from (select 12.50::numeric(10,2) as "v") "_";

-- texts
select upper("_"."s") as "u", substring("_"."s", 2, 3) as "mid", case when "_"."s" like '%b\_c%' escape '\' then 1 else 0 end as "like", strpos("_"."s", 'c') - 1 as "at", replace("_"."s", 'a', 'z') as "r", concat("_"."s", 'x') as "c", left("_"."s", 2) as "l", char_length("_"."s") as "n", coalesce("_"."s", '') || '!' as "e" from (select 'ab_cd'::text as "s") "_";

-- distinct rows with an order and a page
select distinct "_"."type" is null as "untyped" from "public"."symbols" "_" order by 1 limit 1 offset 0;

select "$Ordered"."symbol", "$Ordered"."t" from (select "_"."symbol", "_"."t", row_number() over (order by "_"."symbol" nulls first) as "o" from (values ('b', 1), ('a', 2), (null, 3)) "_" ("symbol", "t")) "$Ordered" where "$Ordered"."o" between 1 and 2 order by "$Ordered"."o";

-- averages, medians, and shares with blanks
select avg("_"."v") as "avg", cast(sum("_"."v") as double precision) / nullif(count("_"."v"), 0) as "share", percentile_cont(0.5) within group (order by "_"."v") as "median", min("_"."v"), max("_"."v"), stddev_samp("_"."v") as "sd", sum(case when "_"."v" is null then 1 else 0 end) as "blank" from (values (1.5::float8), (2.5), (null)) "_" ("v");

-- unions
select "symbol" from (select "symbol" from "public"."symbols" where "symbol" = 'SPY' union all select "symbol" from "public"."symbols" where "symbol" = 'AAPL') "_" order by 1;

-- profile of columns
select min("$Table"."symbol") <= max("$Table"."symbol") as "m", count("$Table"."symbol") > 0 as "n", count(distinct "$Table"."symbol") > 0 as "d", sum(case when "$Table"."symbol" = '' then 1 else 0 end) as "e" from (select * from "public"."symbols" limit 1000) "$Table";

-- a native query, as Value.NativeQuery wraps it
select "_"."symbol", "_"."n" > 10 as "many" from ( select symbol, count(*) as n from eod where symbol = 'SPY' group by symbol ) "_" limit 1000;

-- an incremental refresh's partition
-- parameters: ["2026-11-01 00:00:00", "2026-12-01 00:00:00"]
select count(*) >= 0 as "ok" from (select "date", "symbol" from "public"."eod" "_" where "_"."date" >= cast($1 as timestamp) and "_"."date" < cast($2 as timestamp)) "rows";

-- GetSchema: users, views, foreign keys, restrictions
select rolname, oid from pg_roles where rolname = current_user;

-- some
select table_catalog, table_schema, table_name, check_option, is_updatable from information_schema.views where table_schema = 'public' and table_name = 'movers';

select constraint_catalog, constraint_schema, constraint_name, table_schema, table_name, column_name, ordinal_position from information_schema.key_column_usage where table_name = 'eod' order by ordinal_position;

select rc.constraint_name, rc.unique_constraint_name, rc.match_option, rc.update_rule, rc.delete_rule from information_schema.referential_constraints rc;

-- the types of a reader's columns
SELECT attnum, attname, attrelid::regclass::text, typ.typname, not attnotnull as nullable, attidentity != '' as identity, pg_column_is_updatable(cls.oid::regclass, attnum, 'f') as updatable, EXISTS (SELECT * FROM pg_index WHERE pg_index.indrelid = cls.oid AND pg_index.indisprimary AND attnum = ANY (indkey)) as isprimarykey, EXISTS (SELECT * FROM pg_index WHERE pg_index.indrelid = cls.oid AND pg_index.indisunique AND pg_index.indnkeyatts = 1 AND attnum = pg_index.indkey[0]) as isunique, CASE WHEN atthasdef THEN (SELECT pg_get_expr(adbin, cls.oid) FROM pg_attrdef WHERE adrelid = cls.oid AND adnum = attr.attnum) END as default_value FROM pg_attribute AS attr JOIN pg_type AS typ ON attr.atttypid = typ.oid JOIN pg_class AS cls ON cls.oid = attr.attrelid JOIN pg_namespace AS ns ON ns.oid = cls.relnamespace WHERE atttypid <> 0 AND relkind IN ('r', 'v', 'm') AND nspname NOT IN ('pg_catalog', 'information_schema') AND attnum > 0 AND ((attr.attrelid={oid:public.eod} AND attr.attnum=1) OR (attr.attrelid={oid:public.eod} AND attr.attnum=2)) ORDER BY attnum;
