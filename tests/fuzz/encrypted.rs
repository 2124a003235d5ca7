//! The wire's bytes in, before and instead of TLS.

use super::input::{check_answer, converse, idle};
use super::target::Target;
use rustls::pki_types::ServerName;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// A request for encryption.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

/// First byte of a TLS handshake.
const HANDSHAKE: u8 = 0x16;

/// How long a handshake may take.
const SHAKEN: Duration = Duration::from_secs(20);

/// Gives bytes to a server that speaks TLS, in one of the ways in which they may meet it; which one follows from the bytes.
pub(crate) async fn wire(target: &Target, bytes: &[u8]) -> Result<(), String> {
    let sum = bytes.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte));
    let (asked, named) = (&target.connectors[0], &target.connectors[1]);
    match sum % 5 {
        // In the session, after a request for it or from the first byte on.
        0 => within(target, &SSL_REQUEST, asked, bytes).await?,
        1 => within(target, &[], named, bytes).await?,
        // Instead of a handshake, and put in before it.
        2 => instead(target, &[HANDSHAKE], bytes).await?,
        3 => instead(target, &SSL_REQUEST, bytes).await?,
        _ => {
            let mut socket = request(target).await?;
            // The server may have hung up on what came before.
            let _ = socket.write_all(bytes).await;
            converse(target, socket, b"").await?;
        }
    }
    idle(target).await
}

/// Asks for encryption and hears that it may begin.
async fn request(target: &Target) -> Result<TcpStream, String> {
    let mut socket = connect(target).await?;
    let failed = |error| format!("a request for encryption: {error}");
    socket.write_all(&SSL_REQUEST).await.map_err(failed)?;
    match timeout(SHAKEN, socket.read_u8()).await {
        Ok(Ok(b'S')) => Ok(socket),
        other => Err(format!("a request for encryption is answered by {other:?}")),
    }
}

async fn connect(target: &Target) -> Result<TcpStream, String> {
    TcpStream::connect(target.encrypted).await.map_err(|error| format!("connect: {error}"))
}

async fn within(target: &Target, before: &[u8], connector: &TlsConnector, bytes: &[u8]) -> Result<(), String> {
    let socket = if before.is_empty() { connect(target).await? } else { request(target).await? };
    let name = ServerName::try_from("localhost").map_err(|error| error.to_string())?;
    let stream = timeout(SHAKEN, connector.connect(name, socket)).await;
    let stream = stream.map_err(|_| "no handshake")?.map_err(|error| format!("no handshake: {error}"))?;
    check_answer(&converse(target, stream, bytes).await?)
}

/// Whatever the answer is, the server is done with its client in good time.
async fn instead(target: &Target, before: &[u8], bytes: &[u8]) -> Result<(), String> {
    let socket = connect(target).await?;
    converse(target, socket, &[before, bytes].concat()).await.map(drop)
}
