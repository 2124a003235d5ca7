//! A conversation as its messages, so that changing one keeps the lengths right and the others in step.

use crate::input::{message, startup};
use crate::random::Random;

/// One message: its type byte, none before the client is known, and its body.
pub(crate) struct Frame {
    kind: Option<u8>,
    body: Vec<u8>,
}

/// Splits bytes at their lengths. What is left over is a message of its own.
pub(crate) fn split(mut rest: &[u8]) -> Vec<Frame> {
    let mut frames = Vec::new();
    let mut known = false;
    while !rest.is_empty() {
        let (kind, after) = if known { (rest.first().copied(), &rest[1..]) } else { (None, rest) };
        let length = after.first_chunk::<4>().map(|length| u32::from_be_bytes(*length) as usize);
        match length.filter(|length| (4..=after.len()).contains(length)) {
            Some(length) => {
                let body = after[4..length].to_vec();
                known |= body.starts_with(b"\0\x03");
                frames.push(Frame { kind, body });
                rest = &after[length..];
            }
            None => {
                frames.push(Frame { kind: Some(b'Q'), body: rest.to_vec() });
                break;
            }
        }
    }
    frames
}

/// The bytes of a conversation, every length right.
pub(crate) fn join(frames: &[Frame]) -> Vec<u8> {
    let bytes = frames.iter().map(|frame| match frame.kind {
        Some(kind) => message(kind, &[&frame.body]),
        None => message(0, &[&frame.body])[1..].to_vec(),
    });
    bytes.collect::<Vec<_>>().concat()
}

/// Changes one thing about a conversation; `change` changes the inside of a message.
pub(crate) fn mutate(frames: &mut Vec<Frame>, random: &mut Random, change: impl FnOnce(&mut Vec<u8>)) {
    if frames.is_empty() {
        frames.extend(split(&startup()));
    }
    let at = random.below(frames.len());
    let other = random.below(frames.len());
    match random.below(8) {
        0 if frames.len() > 1 => drop(frames.remove(at)),
        1 => frames.insert(other, Frame { kind: frames[at].kind, body: frames[at].body.clone() }),
        2 => frames.swap(at, other),
        3 | 4 => {
            let samples = conversations();
            let (_, sample) = &samples[random.below(samples.len())];
            let mut sample = split(sample);
            let one = sample.swap_remove(random.below(sample.len()));
            frames.insert(at + 1, one);
        }
        5 => frames[at].kind = frames[at].kind.map(|_| b"QPBDECHSXFdcfp"[random.below(14)]),
        _ => change(&mut frames[at].body),
    }
}

/// Conversations that real clients have, by name: the seeds.
pub(crate) fn conversations() -> Vec<(&'static str, Vec<u8>)> {
    let query = |sql: &str| message(b'Q', &[sql.as_bytes(), b"\0"]);
    let parse = |name: &str, sql: &str, types: &[u32]| {
        let types: Vec<u8> = types.iter().flat_map(|oid| oid.to_be_bytes()).collect();
        let count = (types.len() as u16 / 4).to_be_bytes();
        message(b'P', &[name.as_bytes(), b"\0", sql.as_bytes(), b"\0", &count, &types])
    };
    let bind = |portal: &str, name: &str, values: &[&[u8]], format: u8| {
        let values: Vec<u8> =
            values.iter().flat_map(|value| [&(value.len() as u32).to_be_bytes()[..], value].concat()).collect();
        let count = u8::from(!values.is_empty());
        let formats = [0, 1, 0, format];
        message(b'B', &[portal.as_bytes(), b"\0", name.as_bytes(), b"\0", &formats, &[0, count], &values, &formats])
    };
    let describe = |what: &str| message(b'D', &[what.as_bytes(), b"\0"]);
    let execute = |portal: &str, rows: i32| message(b'E', &[portal.as_bytes(), b"\0", &rows.to_be_bytes()]);
    let close = |what: &str| message(b'C', &[what.as_bytes(), b"\0"]);
    let (sync, flush, terminate) = (message(b'S', &[]), message(b'H', &[]), message(b'X', &[]));
    let untyped = |body: &[u8]| message(0, &[body])[1..].to_vec();
    let hello = |body: &[u8]| untyped(body);
    let psql = b"\0\x03\0\0user\0tt\0database\0tt\0application_name\0psql\0client_encoding\0UTF8\0\0";
    let jdbc = b"\0\x03\0\0user\0tt\0database\0tt\0client_encoding\0UTF8\0DateStyle\0ISO\0TimeZone\0Europe/Rome\0extra_float_digits\x002\0\0";
    let options = b"\0\x03\0\x02user\0tt\0options\0-c statement_timeout=5s --search-path=public\0_pq_.x\x001\0\0";
    vec![
        ("ssl_then_psql", [untyped(&80_877_103_u32.to_be_bytes()), hello(psql), query("SELECT 1")].concat()),
        ("gss_then_startup", [untyped(&80_877_104_u32.to_be_bytes()), startup(), terminate.clone()].concat()),
        ("cancel", untyped(&[&80_877_102_u32.to_be_bytes()[..], &[0, 0, 0, 1, 1, 2, 3, 4]].concat())),
        ("options", [hello(options), query("SHOW statement_timeout")].concat()),
        ("protocol_2", hello(b"\0\x02\0\0user\0tt\0\0")),
        ("password", [startup(), message(b'p', &[b"secret\0"])].concat()),
        (
            "scram",
            [
                startup(),
                message(b'p', &[b"SCRAM-SHA-256\0\0\0\0\x20n,,n=,r=rOprNGfwEbeRWgbNEkqO0000"]),
                message(b'p', &[b"c=biws,r=rOprNGfwEbeRWgbNEkqO0000,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="]),
            ]
            .concat(),
        ),
        ("several_statements", [startup(), query("SELECT 1; SELECT 'a' AS b; BEGIN; SELECT 1/0; COMMIT")].concat()),
        (
            "jdbc",
            [
                hello(jdbc),
                parse("", "SET extra_float_digits = 3", &[]),
                bind("", "", &[], 0),
                execute("", 1),
                sync.clone(),
                parse("S_1", "SELECT symbol, date, close FROM eod WHERE symbol = $1 ORDER BY date", &[1043]),
                bind("C_2", "S_1", &[b"AAPL"], 0),
                describe("PC_2"),
                execute("C_2", 3),
                sync.clone(),
                execute("C_2", 0),
                close("PC_2"),
                close("SS_1"),
                sync.clone(),
            ]
            .concat(),
        ),
        (
            "binary_parameter",
            [
                startup(),
                parse("s", "SELECT $1 + 1, now(), ARRAY[1,2], 1.5::numeric(10,2), INTERVAL '1 day'", &[20]),
                describe("Ss"),
                bind("", "s", &[&7_i64.to_be_bytes()], 1),
                execute("", 0),
                flush.clone(),
                sync.clone(),
            ]
            .concat(),
        ),
        (
            "pipelined_failure",
            [
                startup(),
                parse("", "SELECT 1/0", &[]),
                bind("", "", &[], 0),
                execute("", 0),
                parse("", "SELECT 2", &[]),
                sync.clone(),
                query("SELECT 3"),
            ]
            .concat(),
        ),
        (
            "cursor",
            [
                startup(),
                query("BEGIN; DECLARE c BINARY CURSOR FOR SELECT * FROM eod"),
                query("FETCH FORWARD 5 FROM c"),
                query("MOVE 10 IN c; FETCH ALL FROM c; CLOSE c"),
                query("ROLLBACK"),
            ]
            .concat(),
        ),
        ("copy_text", [startup(), query("COPY (SELECT * FROM symbols) TO STDOUT")].concat()),
        (
            "copy_csv",
            [startup(), query("COPY eod (symbol, close) TO STDOUT (FORMAT csv, HEADER, QUOTE '\"')")].concat(),
        ),
        ("copy_binary", [startup(), query("COPY (SELECT 1, 'a', NULL) TO STDOUT (FORMAT binary)")].concat()),
        (
            "prepare",
            [
                startup(),
                query("PREPARE p(int, text) AS SELECT $1 + 1, upper($2)"),
                query("EXECUTE p(1, 'a'); DEALLOCATE p"),
            ]
            .concat(),
        ),
        (
            "settings",
            [
                startup(),
                query("SET TIME ZONE 'America/New_York'; SHOW ALL; SET LOCAL statement_timeout = '2s'; RESET ALL"),
                query("SET as_of = '2026-06-01'; SET max_staleness = '5s'; DISCARD ALL"),
            ]
            .concat(),
        ),
        (
            "transaction",
            [
                startup(),
                query("BEGIN; SAVEPOINT a; SELECT nothing; "),
                query("ROLLBACK TO a; RELEASE a; COMMIT AND CHAIN; END"),
            ]
            .concat(),
        ),
        ("listen", [startup(), query("LISTEN x; UNLISTEN *; NOTIFY x")].concat()),
        ("live", [startup(), query("SELECT symbol, bid FROM live.quotes WHERE symbol = 'SPY'")].concat()),
        ("function_call", [startup(), message(b'F', &[b"\0\0\0\x01\0\0\0\0\0\0"])].concat()),
        (
            "stray_copy",
            [startup(), message(b'd', &[b"x"]), message(b'c', &[]), message(b'f', &[b"no\0"]), sync].concat(),
        ),
        ("terminate", [startup(), terminate].concat()),
    ]
}
