//! Proxies in front of the server, and the PROXY protocol (version 2) by which they say whose connection they bring:
//! <https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt>.
//!
//! Only a proxy that the configuration trusts is listened to. Its connections have no share of a network to keep to; one
//! that names its client counts for that client's network. From anybody else a header is what it looks like: no word of
//! the server's protocol.

use super::strangers::Place;
use proxy_header::{ParseConfig, ProxyHeader};
use std::io;
use std::net::SocketAddr;
use tokio::net::TcpStream;

/// The first byte of a header. No client of Postgres, of HTTP/2 or of TLS begins with it.
const HEADER: u8 = b'\r';

/// Bytes of a header up to the length of the rest.
const HEADER_BYTES: usize = 16;

/// Bytes of the rest, at most: addresses, and what a proxy may tell of TLS.
const REST_BYTES_MAX: usize = 4096;

/// Reads the header of a proxy that the server trusts, when it sends one, and has the place count for the client that it
/// names. Waits for the first byte.
///
/// # Errors
/// The socket failed, or the header cannot be read.
pub(crate) async fn welcome(socket: &TcpStream, place: &Place) -> io::Result<()> {
    let mut first = [0];
    if !place.is_of_proxy() || socket.peek(&mut first).await? == 0 || first[0] != HEADER {
        return Ok(());
    }
    if let Some(client) = client(socket).await? {
        place.is_of(client);
    }
    Ok(())
}

/// The client that a header names; `None` for a connection of the proxy's own, which looks whether the server is there.
async fn client(socket: &TcpStream) -> io::Result<Option<SocketAddr>> {
    let mut header = vec![0; HEADER_BYTES];
    read(socket, &mut header).await?;
    let rest = usize::from(u16::from_be_bytes([header[HEADER_BYTES - 2], header[HEADER_BYTES - 1]]));
    if rest > REST_BYTES_MAX {
        return Err(invalid(&format!("of {rest} bytes")));
    }
    header.resize(HEADER_BYTES + rest, 0);
    read(socket, &mut header[HEADER_BYTES..]).await?;
    let config = ParseConfig { include_tlvs: false, allow_v1: false, allow_v2: true };
    let (header, _) = ProxyHeader::parse(&header, config).map_err(|error| invalid(&error.to_string()))?;
    Ok(header.proxied_address().map(|address| address.source))
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("PROXY header: {what}"))
}

/// Reads as many bytes as there is room for, and none of what follows.
async fn read(socket: &TcpStream, room: &mut [u8]) -> io::Result<()> {
    let mut filled = 0;
    while filled < room.len() {
        socket.readable().await?;
        match socket.try_read(&mut room[filled..]) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::serve::strangers::Strangers;
    use crate::serve::trusted_proxies::TrustedProxies;
    use ipnet::IpNet;
    use proxy_header::ProxiedAddress;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    const CLIENT: &str = "203.0.113.7:5000";

    fn header() -> Vec<u8> {
        let address = ProxiedAddress::stream(CLIENT.parse().unwrap(), "192.0.2.1:5432".parse().unwrap());
        let mut bytes = Vec::new();
        ProxyHeader::with_address(address).encode_v2(&mut bytes).unwrap();
        bytes
    }

    /// What becomes of a connection that begins with these bytes: its client, and what is left to read.
    async fn arrive(trusted: &[&str], bytes: &[u8]) -> io::Result<(SocketAddr, Vec<u8>)> {
        let networks: Vec<IpNet> = trusted.iter().map(|network| network.parse().unwrap()).collect();
        let strangers = Strangers::new(9, 9, TrustedProxies::of(&networks));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut peer = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (mut socket, address) = listener.accept().await.unwrap();
        let place = strangers.admit(address);
        // In two parts, as a network may bring them.
        let (one, two) = bytes.split_at(bytes.len().min(5));
        peer.write_all(one).await.unwrap();
        tokio::task::yield_now().await;
        peer.write_all(two).await.unwrap();
        drop(peer);
        welcome(&socket, &place).await?;
        let mut left = Vec::new();
        socket.read_to_end(&mut left).await?;
        Ok((place.client(), left))
    }

    #[tokio::test]
    async fn a_trusted_proxy_names_its_client() {
        let mut bytes = header();
        bytes.extend(b"after");
        let (client, left) = arrive(&["10.0.0.0/8", "127.0.0.1/32"], &bytes).await.unwrap();
        assert_eq!((client, left.as_slice()), (CLIENT.parse().unwrap(), b"after".as_slice()));
    }

    #[tokio::test]
    async fn anybody_else_is_who_they_are() {
        let bytes = header();
        let (client, left) = arrive(&["10.0.0.0/8"], &bytes).await.unwrap();
        assert_eq!((client.ip().is_loopback(), left), (true, bytes));
    }

    #[tokio::test]
    async fn a_proxy_may_say_nothing_of_a_client() {
        let (client, left) = arrive(&["127.0.0.0/8"], b"\0\0\0\x08").await.unwrap();
        assert_eq!((client.ip().is_loopback(), left.as_slice()), (true, b"\0\0\0\x08".as_slice()));
        let mut local = Vec::new();
        ProxyHeader::with_local().encode_v2(&mut local).unwrap();
        let (client, left) = arrive(&["127.0.0.0/8"], &local).await.unwrap();
        assert!(client.ip().is_loopback() && left.is_empty());
    }

    #[tokio::test]
    async fn a_header_that_does_not_read_is_an_error() {
        let mut long = header();
        long[HEADER_BYTES - 2] = 0xff;
        let mut unknown = header();
        unknown[12] = 0x71;
        for bytes in [&long[..], &unknown[..], &header()[..20], b"\r\n\r\n"] {
            assert!(arrive(&["127.0.0.0/8"], bytes).await.is_err(), "{bytes:?}");
        }
    }
}
