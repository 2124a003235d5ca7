//! Statements that hurt: each fails, or goes on until it is cancelled, and the server lives.

use crate::slt::InProcess;
use crate::world;
use std::time::{Duration, Instant};
use tokio_util::sync::{CancellationToken, DropGuard};
use ttapi::clock::Clock;
use ttapi::engine::Engine;
use ttapi::server::{self, Role};

struct Hurt {
    engine: Engine,
    _stop: DropGuard,
    _directory: tempfile::TempDir,
}

async fn hurt() -> Hurt {
    let directory = tempfile::tempdir().unwrap();
    let mut config = world::configuration();
    config.lake_location = directory.path().to_str().unwrap().to_owned();
    config.limits.memory_bytes = 256 << 20;
    config.limits.spill_bytes = 64 << 20;
    let stop = CancellationToken::new();
    let server = server::start(&config, Role::ReadOnly, "simulated", Clock::System, &stop).await.unwrap();
    Hurt { engine: server.engine, _stop: stop.drop_guard(), _directory: directory }
}

fn rss() -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = text.lines().find(|line| line.starts_with("VmHWM")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
}

#[tokio::test(flavor = "multi_thread")]
async fn explore() {
    let hurt = hurt().await;
    let text = std::fs::read_to_string(std::env::var("HOSTILE").unwrap()).unwrap();
    for sql in text.split("\n").map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("--")) {
        let sql = match sql.strip_prefix("GEN ") {
            Some(name) => generated(name),
            None => sql.to_owned(),
        };
        let short: String = sql.chars().take(110).collect();
        println!(">>> {short}");
        let session = hurt.engine.open_session("test", "local");
        let cancel = session.cancel_handle();
        let _ = std::fs::write("/proc/self/clear_refs", "5");
        let began = Instant::now();
        let task = tokio::spawn(async move { InProcess(session).query(&sql).await });
        tokio::pin!(task);
        let said = match tokio::time::timeout(Duration::from_secs(3), &mut task).await {
            Ok(Ok(Ok(rows))) => format!("{} rows", rows.len()),
            Ok(Ok(Err(error))) => format!("{:?}: {}", error.kind, error.message.chars().take(120).collect::<String>()),
            Ok(Err(join)) => format!("JOIN {join}"),
            Err(_) => {
                let at = Instant::now();
                cancel.cancel();
                let end = tokio::time::timeout(Duration::from_secs(20), &mut task).await;
                format!("cancelled in {:?}: {}", at.elapsed(), end.is_ok())
            }
        };
        let took = began.elapsed();
        let at = Instant::now();
        while hurt.engine.tasks() > 0 && at.elapsed() < Duration::from_secs(15) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        println!(
            "    {said} | {took:?} | tasks gone after {:?} (left {}) | peak {} MB",
            at.elapsed(),
            hurt.engine.tasks(),
            rss()
        );
    }
}

fn generated(name: &str) -> String {
    let (name, n) = name.split_once(' ').unwrap();
    let n: usize = n.parse().unwrap();
    match name {
        "in_list" => format!(
            "SELECT count(*) FROM symbols WHERE symbol IN ({})",
            (0..n).map(|i| format!("'S{i}'")).collect::<Vec<_>>().join(",")
        ),
        "literal" => format!("SELECT length('{}')", "x".repeat(n)),
        "parens" => format!("SELECT {}1{}", "(".repeat(n), ")".repeat(n)),
        "subqueries" => format!("{} SELECT 1 AS a {}", "SELECT * FROM (".repeat(n), ") AS t".repeat(n)),
        "ors" => format!("SELECT count(*) FROM symbols WHERE {}", vec!["symbol = 'x'"; n].join(" OR ")),
        "case" => format!("SELECT {} 1 {}", "CASE WHEN true THEN ".repeat(n), "END ".repeat(n)),
        "functions" => format!("SELECT {} 1 {}", "abs(".repeat(n), ")".repeat(n)),
        "unions" => vec!["SELECT 1 AS a"; n].join(" UNION ALL "),
        "joins" => {
            format!("SELECT count(*) FROM {}", (0..n).map(|i| format!("symbols s{i}")).collect::<Vec<_>>().join(", "))
        }
        "ctes" => {
            let mut sql = "WITH c0 AS (SELECT 1 AS a)".to_owned();
            for i in 1..n {
                sql += &format!(", c{i} AS (SELECT x.a FROM c{p} x CROSS JOIN c{p} y)", p = i - 1);
            }
            sql + &format!(" SELECT count(*) FROM c{}", n - 1)
        }
        "doubling" => {
            let mut sql = "SELECT symbol AS a FROM symbols".to_owned();
            for _ in 0..n {
                sql = format!("SELECT concat(a, a) AS a FROM ({sql}) t");
            }
            format!("SELECT length(a) FROM ({sql}) t WHERE a > 'b'")
        }
        "doubling_text" => {
            let mut sql = "SELECT 'xxxxxxxxxxxxxxxx' AS a".to_owned();
            for _ in 0..n {
                sql = format!("SELECT a || a AS a FROM ({sql}) t");
            }
            format!("SELECT length(a) FROM ({sql}) t")
        }
        "doubling_sum" => {
            let mut sql = "SELECT value AS a FROM generate_series(1, 10)".to_owned();
            for _ in 0..n {
                sql = format!("SELECT a + a AS a FROM ({sql}) t");
            }
            format!("SELECT count(*) FROM ({sql}) t WHERE a > 5")
        }
        "cube" => format!(
            "SELECT count(*) FROM (VALUES ({v})) t({c}) GROUP BY CUBE({c})",
            v = (0..n).map(|i| i.to_string()).collect::<Vec<_>>().join(","),
            c = (0..n).map(|i| format!("c{i}")).collect::<Vec<_>>().join(",")
        ),
        "wide" => format!("SELECT {}", (0..n).map(|i| format!("{i} AS c{i}")).collect::<Vec<_>>().join(",")),
        "values" => format!(
            "SELECT count(*) FROM (VALUES {}) t(a)",
            (0..n).map(|i| format!("({i})")).collect::<Vec<_>>().join(",")
        ),
        "arrays" => format!("SELECT {}1{}", "ARRAY[".repeat(n), "]".repeat(n)),
        "exists" => {
            let mut sql = "SELECT 1 FROM symbols s".to_owned();
            for i in 0..n {
                sql = format!("SELECT 1 FROM symbols s{i} WHERE EXISTS ({sql})");
            }
            sql
        }
        "dates" => {
            format!("SELECT {}", vec!["now()"; n].join(" - INTERVAL '1 day' + ").replace("+ now()", "- INTERVAL '1 s'"))
        }
        "windows" => format!(
            "SELECT {} FROM generate_series(1,100) t(a)",
            (0..n).map(|i| format!("sum(a) OVER (ORDER BY a + {i}) AS w{i}")).collect::<Vec<_>>().join(",")
        ),
        "notes" => format!("SELECT 1 {}", "/*".repeat(n)),
        "ands_between" => format!("SELECT 1 WHERE 1 {}", "BETWEEN 1 AND 1 ".repeat(n)),
        "minus" => format!("SELECT {}1", "- ".repeat(n)),
        "brackets" => format!("SELECT a{} FROM (SELECT ARRAY[1] AS a) t", "[1]".repeat(n)),
        "dots" => format!("SELECT a{} FROM (SELECT 1 AS a) t", ".b".repeat(n)),
        "likes" => format!("SELECT 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab' LIKE '{}'", "a%".repeat(n)),
        other => panic!("{other}"),
    }
}
