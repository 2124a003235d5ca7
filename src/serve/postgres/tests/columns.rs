//! What RowDescription and ParameterDescription tell: types, modifiers, tables. The expected numbers are PostgreSQL 15's.

use super::*;
use tokio_postgres::Statement;

/// Type, modifier, and place in its table of each column; 0 for none.
fn told(statement: &Statement) -> Vec<(u32, i32, i16)> {
    let columns = statement.columns().iter();
    columns.map(|column| (column.type_().oid(), column.type_modifier(), column.column_id().unwrap_or(0))).collect()
}

/// Statements, and what is told of their columns.
type Cases<'a> = &'a [(&'a str, &'a [(u32, i32, i16)])];

async fn check_told(client: &Client, cases: Cases<'_>) {
    for (sql, expected) in cases {
        let statement = client.prepare(sql).await.unwrap();
        assert_eq!(told(&statement), *expected, "{sql}");
    }
}

async fn with_table(server: &Server) -> Client {
    let client = server.client().await;
    let table = "CREATE TEMP TABLE t (id int PRIMARY KEY, n numeric(10,2), n0 numeric, v varchar(5), vv varchar, \
                 ts timestamp(3), na numeric(8,3)[])";
    client.batch_execute(table).await.unwrap();
    client
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn columns_of_tables_are_traced_to_them() {
    let server = start(Options::default()).await;
    let client = with_table(&server).await;
    let all =
        [(23, -1, 1), (1700, 655_366, 2), (1700, -1, 3), (1043, 9, 4), (1043, -1, 5), (1114, 3, 6), (1231, 524_295, 7)];
    let cases: Cases<'_> = &[
        ("SELECT * FROM t", &all[..]),
        ("SELECT q.n AS x, q.v FROM (SELECT * FROM t) q", &[(1700, 655_366, 2), (1043, 9, 4)]),
        ("WITH c AS (SELECT n, id + 1 AS k FROM t) SELECT * FROM c", &[(1700, 655_366, 2), (23, -1, 0)]),
        ("SELECT a.n, b.v FROM t a JOIN t b ON a.id = b.id", &[(1700, 655_366, 2), (1043, 9, 4)]),
        ("SELECT id FROM t a LEFT JOIN t b USING (id)", &[(23, -1, 1)]),
        ("SELECT id FROM t a FULL JOIN t b USING (id)", &[(23, -1, 0)]),
        ("SELECT n, count(*) FROM t GROUP BY n", &[(1700, 655_366, 2), (20, -1, 0)]),
        ("SELECT DISTINCT n FROM t ORDER BY n LIMIT 3", &[(1700, 655_366, 2)]),
        ("SELECT n FROM t UNION ALL SELECT n FROM t", &[(1700, 655_366, 0)]),
        ("SELECT n FROM t UNION ALL SELECT n0 FROM t", &[(1700, -1, 0)]),
        ("SELECT n FROM t INTERSECT SELECT n FROM t", &[(1700, 655_366, 0)]),
        ("SELECT symbol, cap FROM bars", &[(25, -1, 1), (1700, 1_310_726, 6)]),
        ("SELECT n FROM t WHERE id = $1", &[(1700, 655_366, 2)]),
    ];
    check_told(&client, cases).await;
    let statement = client.prepare("SELECT symbol, n FROM bars, t").await.unwrap();
    for (column, table) in statement.columns().iter().zip(["bars", "t"]) {
        let number = one(&client, &format!("SELECT '{table}'::regclass::oid")).await;
        assert_eq!(column.table_oid().map(|oid| oid.to_string()), Some(number), "{table}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn modifiers_are_kept_where_postgres_keeps_them() {
    let server = start(Options::default()).await;
    let client = with_table(&server).await;
    let cases: Cases<'_> = &[
        (
            "SELECT CASE WHEN id = 1 THEN n ELSE n END, CASE WHEN id = 1 THEN n END FROM t",
            &[(1700, 655_366, 0), (1700, -1, 0)][..],
        ),
        (
            "SELECT coalesce(n, n), coalesce(n, 0), nullif(n, 1) FROM t",
            &[(1700, 655_366, 0), (1700, -1, 0), (1700, 655_366, 0)],
        ),
        (
            "SELECT ARRAY[n, n], na[1], n + n, sum(n), min(n) FROM t GROUP BY n, na",
            &[(1231, 655_366, 0), (1700, 524_295, 0), (1700, -1, 0), (1700, -1, 0), (1700, -1, 0)],
        ),
        (
            "SELECT 1::numeric(10,2), n::numeric(5,1), n::numeric FROM t",
            &[(1700, 655_366, 0), (1700, 327_685, 0), (1700, -1, 0)],
        ),
        (
            "SELECT 'a'::varchar(5), v::varchar(3), 'a'::varchar, v::text FROM t",
            &[(1043, 9, 0), (1043, 7, 0), (1043, -1, 0), (25, -1, 0)],
        ),
        ("SELECT 'a'::char(3), 'a'::char, v::char(4) FROM t", &[(1042, 7, 0), (1042, 5, 0), (1042, 8, 0)]),
        (
            "SELECT '2020-01-01'::timestamp(3), '10:00'::time(2), '1 s'::interval(4), now()::timestamptz(0)",
            &[(1114, 3, 0), (1083, 2, 0), (1186, 2_147_418_116, 0), (1184, 0, 0)],
        ),
        ("VALUES (1::numeric(10,2)), (2::numeric(10,2))", &[(1700, 655_366, 0)]),
        ("SELECT '{a}'::varchar(3)[], '{a}'::name[]", &[(1015, 7, 0), (1003, -1, 0)]),
    ];
    check_told(&client, cases).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_are_names() {
    let server = start(Options::default()).await;
    let client = server.client().await;
    let cases: Cases<'_> = &[
        ("SELECT attname, attalign, attacl FROM pg_attribute", &[(19, -1, 2), (18, -1, 10), (1034, -1, 23)][..]),
        (
            "SELECT array_agg(relname), ARRAY[max(relname)], min(relname), coalesce(max(relname), 'x') FROM pg_class",
            &[(1003, -1, 0), (1009, -1, 0), (25, -1, 0), (25, -1, 0)],
        ),
        (
            "SELECT coalesce(relname, 'x'), ARRAY[relname], (array_agg(relname))[1] FROM pg_class GROUP BY relname",
            &[(19, -1, 0), (1003, -1, 0), (19, -1, 0)],
        ),
        (
            "SELECT oid::regclass, oid::regclass::text, 'pg_class'::regclass FROM pg_class",
            &[(2205, -1, 0), (25, -1, 0), (2205, -1, 0)],
        ),
        (
            "SELECT current_user, current_database(), current_schemas(true), pg_typeof(1)",
            &[(19, -1, 0), (19, -1, 0), (1003, -1, 0), (2206, -1, 0)],
        ),
        ("SELECT table_name, data_type FROM information_schema.columns", &[(19, -1, 3), (1043, -1, 8)]),
        ("SELECT 'a'::name, 'a'::\"char\", lower(relname) FROM pg_class", &[(19, -1, 0), (18, -1, 0), (25, -1, 0)]),
    ];
    check_told(&client, cases).await;
    // In binary form an array tells the type of its elements, and a "char" without a letter is a byte.
    let row = client.query_one("SELECT array_agg(nspname) FROM pg_namespace WHERE nspname = 'public'", &[]).await;
    assert_eq!(row.unwrap().get::<_, Vec<String>>(0), ["public"]);
    let letters = client.query_one("SELECT attidentity, attalign FROM pg_attribute LIMIT 1", &[]).await.unwrap();
    assert_eq!(letters.get::<_, i8>(0), 0);
    check_code(client.query("SELECT 'pg_class'::regclass", &[]).await, "0A000");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parameters_have_the_type_of_their_cast() {
    let server = start(Options::default()).await;
    let client = server.client().await;
    let sql = "SELECT $1::json, $2::jsonb, $3::uuid, $4::name, $5::varchar(4), $6::regclass, $7::text";
    let statement = client.prepare(sql).await.unwrap();
    let oids: Vec<u32> = statement.params().iter().map(Type::oid).collect();
    assert_eq!(oids, [114, 3802, 2950, 19, 1043, 2205, 25]);
    // Where it is a text too, it stays one.
    let statement = client.prepare("SELECT $1::json, $1 || 'x'").await.unwrap();
    assert_eq!(statement.params(), [Type::TEXT]);
    let row = client.query_one("SELECT $1::name || $2::varchar", &[&"a", &"b"]).await.unwrap();
    assert_eq!(row.get::<_, &str>(0), "ab");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn explain_is_of_its_format() {
    let server = start(Options::default()).await;
    let client = server.client().await;
    for (sql, expected) in [
        ("EXPLAIN (FORMAT JSON) SELECT 1", 114),
        ("EXPLAIN (FORMAT XML) SELECT 1", 142),
        ("EXPLAIN (FORMAT YAML) SELECT 1", 25),
        ("EXPLAIN SELECT 1", 25),
    ] {
        let statement = client.prepare(sql).await.unwrap();
        assert_eq!(told(&statement), [(expected, -1, 0)], "{sql}");
    }
}
