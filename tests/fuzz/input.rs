//! What is done with one input, and what must hold of the server whatever the input is. Used by the fuzz targets, and by
//! the test that replays what they have found.

use super::encrypted;
use super::target::Target;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};

/// A connection that has sent nothing for so long waits for the rest of a message, or works.
const QUIET: Duration = Duration::from_millis(5);

/// Time a statement gets from a client, which then leaves: some have no end.
const BUSY: Duration = Duration::from_millis(500);

/// How long the server may take to be done with a client that has left, and with its statements.
const DONE: Duration = Duration::from_secs(20);

/// Bytes of answers that are looked at.
const ANSWER_BYTES: usize = 1 << 20;

/// Sends bytes as a client would, Terminate behind them, and leaves. Says what the server did wrong.
pub(crate) async fn wire(target: &Target, bytes: &[u8]) -> Result<(), String> {
    for server in target.postgres {
        let answer = converse(target, connect(server).await?, bytes).await?;
        idle(target).await?;
        check_answer(&answer)?;
    }
    encrypted::wire(target, bytes).await
}

/// Runs a text by the simple protocol, then its first statement by the extended one, with its rows in binary.
pub(crate) async fn sql(target: &Target, text: &str) -> Result<(), String> {
    let text = text.replace('\0', " ");
    let mut bytes = startup();
    bytes.extend(message(b'Q', &[text.as_bytes(), b"\0"]));
    bytes.extend(message(b'P', &[b"\0", text.as_bytes(), b"\0\0\0"]));
    bytes.extend(message(b'D', &[b"S\0"]));
    bytes.extend(message(b'B', &[b"\0\0\0\0\0\0\0\x01\0\x01"]));
    bytes.extend(message(b'D', &[b"P\0"]));
    bytes.extend(message(b'E', &[b"\0\0\0\x03\xe8"]));
    bytes.extend(message(b'S', &[]));
    let answer = converse(target, connect(target.postgres[0]).await?, &bytes).await?;
    idle(target).await?;
    check_answer(&answer)
}

/// The startup packet of a user.
pub(crate) fn startup() -> Vec<u8> {
    let body = b"\0\x03\0\0user\0tt\0\0";
    [&(body.len() as u32 + 4).to_be_bytes()[..], body].concat()
}

/// A message of the protocol.
pub(crate) fn message(kind: u8, body: &[&[u8]]) -> Vec<u8> {
    let body = body.concat();
    [&[kind][..], &(body.len() as u32 + 4).to_be_bytes(), &body].concat()
}

async fn connect(server: SocketAddr) -> Result<TcpStream, String> {
    TcpStream::connect(server).await.map_err(|error| format!("connect: {error}"))
}

/// Sends bytes and Terminate, and leaves when nothing more comes. Gives what came.
pub(crate) async fn converse(
    target: &Target,
    stream: impl AsyncRead + AsyncWrite,
    bytes: &[u8],
) -> Result<Vec<u8>, String> {
    let (mut from, mut to) = tokio::io::split(stream);
    let mut answer = Vec::new();
    let mut buffer = vec![0; 64 << 10];
    let terminate = message(b'X', &[]);
    let writing = async {
        // The server may have hung up on what came before.
        let _ = to.write_all(bytes).await;
        let _ = to.write_all(&terminate).await;
        to
    };
    let reading = async {
        let began = Instant::now();
        loop {
            match timeout(QUIET, from.read(&mut buffer)).await {
                Ok(Ok(0) | Err(_)) => return true,
                Ok(Ok(read)) => {
                    let kept = buffer.get(..read.min(ANSWER_BYTES.saturating_sub(answer.len()))).unwrap_or_default();
                    answer.extend_from_slice(kept);
                }
                Err(_) if target.engine.queries().running().is_empty() => return false,
                Err(_) => {}
            }
            if began.elapsed() > BUSY {
                return false;
            }
        }
    };
    let (to, closed) = tokio::join!(timeout(DONE, writing), reading);
    let mut to = to.map_err(|_| "the server does not read what it is sent".to_owned())?;
    if !closed {
        let _ = to.shutdown().await;
        let rest = async { while from.read(&mut buffer).await.is_ok_and(|read| read > 0) {} };
        timeout(DONE, rest).await.map_err(|_| "the server does not close after its client".to_owned())?;
    }
    Ok(answer)
}

/// Waits until nothing of the input runs any more: no statement is listed, and no thread works for one.
pub(crate) async fn idle(target: &Target) -> Result<(), String> {
    let deadline = Instant::now() + DONE;
    loop {
        let listed = target.engine.queries().running();
        let tasks = target.engine.tasks();
        if listed.is_empty() && tasks == 0 {
            return Ok(());
        }
        if Instant::now() > deadline {
            return Err(format!("{} statements and {tasks} tasks outlive their client", listed.len()));
        }
        sleep(Duration::from_millis(1)).await;
    }
}

/// Whole messages of known types, and none that tells of an error of our own.
pub(crate) fn check_answer(answer: &[u8]) -> Result<(), String> {
    // Refused encryption is one byte, before the first message.
    let first = (0..=answer.len().min(4)).find(|first| {
        answer.iter().take(*first).all(|byte| *byte == b'N')
            && messages(answer.get(*first..).unwrap_or_default()).is_ok()
    });
    let Some(first) = first else {
        return messages(answer).map(|_| ());
    };
    for (kind, body) in messages(answer.get(first..).unwrap_or_default())? {
        let text = String::from_utf8_lossy(body);
        if kind == b'E' && text.contains("\0CXX000\0") {
            return Err(format!("an internal error: {}", text.replace('\0', " ")));
        }
    }
    Ok(())
}

/// The messages in an answer; the last may be cut off.
fn messages(mut rest: &[u8]) -> Result<Vec<(u8, &[u8])>, String> {
    let mut messages = Vec::new();
    while let Some((kind, after)) = rest.split_first() {
        if !b"RSKZTDCENv123nstIGHWcdA".contains(kind) {
            return Err(format!("an answer of unknown type {kind}"));
        }
        let Some((length, after)) = after.split_first_chunk::<4>() else { break };
        let length = (u32::from_be_bytes(*length) as usize).checked_sub(4).ok_or("an answer without a length")?;
        let Some((body, after)) = after.split_at_checked(length) else { break };
        messages.push((*kind, body));
        rest = after;
    }
    Ok(messages)
}
