//! Who is let in, and over what: passwords, encryption, and bytes from those who are not in yet.

use super::*;
use crate::role::Role;
use crate::serve::auth::{Users, Verifier, file};
use crate::serve::tls::{Tls, tests::Authority};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::config::{ChannelBinding, SslMode, SslNegotiation};
use tokio_postgres::tls::{self, TlsConnect};
use tokio_rustls::TlsConnector;

const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

/// Two users in a file: an admin `ada` with the password `engine`, and a reader `bob` with `pass`.
pub(super) fn two_users(directory: &tempfile::TempDir) -> Users {
    let path = directory.path().join("users.toml");
    file::add(&path, "ada", Some(Role::Admin), &Verifier::of("engine")).unwrap();
    file::add(&path, "bob", Some(Role::Reader), &Verifier::of("pass")).unwrap();
    Users::load(&path).unwrap()
}

async fn connect(server: &Server, user: &str, password: &str) -> Result<Client, tokio_postgres::Error> {
    let config = format!("host=127.0.0.1 port={} user={user} password={password}", server.address.port());
    let (client, connection) = tokio_postgres::connect(&config, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// A server with a certificate for localhost.
async fn encrypted_server(files: &Authority, users: Users, client_ca: &str, required: bool) -> Server {
    files.issue("server", "ec -pkeyopt ec_paramgen_curve:P-256", "");
    let tls = Tls::load(&files.config("server.crt", "server.key", client_ca), &[super::super::ALPN]).unwrap();
    start(Options { users, tls, tls_required: required, ..Options::default() }).await
}

/// The driver's side of TLS, which checks the server's certificate and tells the driver what to bind to.
struct Rustls {
    connector: TlsConnector,
    end_point: Option<Vec<u8>>,
}

struct Stream {
    inner: tokio_rustls::client::TlsStream<TcpStream>,
    end_point: Option<Vec<u8>>,
}

impl TlsConnect<TcpStream> for Rustls {
    type Stream = Stream;
    type Error = std::io::Error;
    type Future = Pin<Box<dyn Future<Output = std::io::Result<Stream>> + Send>>;

    fn connect(self, socket: TcpStream) -> Self::Future {
        Box::pin(async move {
            let name = ServerName::try_from("localhost").unwrap();
            Ok(Stream { inner: self.connector.connect(name, socket).await?, end_point: self.end_point })
        })
    }
}

impl tls::TlsStream for Stream {
    fn channel_binding(&self) -> tls::ChannelBinding {
        match &self.end_point {
            Some(hash) => tls::ChannelBinding::tls_server_end_point(hash.clone()),
            None => tls::ChannelBinding::none(),
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, to: &mut ReadBuf<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(cx, to)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, from: &[u8]) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, from)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

/// A client that trusts the authority; with a certificate of its own when it is named.
fn connector(files: &Authority, own: Option<&str>, alpn: &[&[u8]]) -> TlsConnector {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(files.path("ca.crt")).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let mut config = match own {
        Some(name) => {
            let chain = vec![CertificateDer::from_pem_file(files.path(&format!("{name}.crt"))).unwrap()];
            let key = PrivateKeyDer::from_pem_file(files.path(&format!("{name}.key"))).unwrap();
            builder.with_client_auth_cert(chain, key).unwrap()
        }
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    TlsConnector::from(Arc::new(config))
}

/// Connects over TLS with a configured driver.
async fn connect_encrypted(
    server: &Server,
    files: &Authority,
    own: Option<&str>,
    configure: impl FnOnce(&mut tokio_postgres::Config, &mut Rustls),
) -> Result<Client, tokio_postgres::Error> {
    let certificate = CertificateDer::from_pem_file(files.path("server.crt")).unwrap();
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &certificate);
    let mut tls =
        Rustls { connector: connector(files, own, &[super::super::ALPN]), end_point: Some(hash.as_ref().to_vec()) };
    let mut config = tokio_postgres::Config::new();
    config.user("ada").password("engine").ssl_mode(SslMode::Require).channel_binding(ChannelBinding::Require);
    configure(&mut config, &mut tls);
    let socket = TcpStream::connect(server.address).await.unwrap();
    let (client, connection) = config.connect_raw(socket, tls).await?;
    tokio::spawn(connection);
    Ok(client)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_is_asked_for_and_checked() {
    let directory = tempfile::tempdir().unwrap();
    let server = start(Options { users: two_users(&directory), ..Options::default() }).await;
    let client = connect(&server, "ada", "engine").await.unwrap();
    assert_eq!(one(&client, "SELECT current_user").await, "ada");
    assert_eq!(one(&client, "SHOW is_superuser").await, "on");
    let client = connect(&server, "bob", "pass").await.unwrap();
    assert_eq!(one(&client, "SHOW is_superuser").await, "off");
    let mut said = Vec::new();
    for (user, password) in [("ada", "pass"), ("ada", "engine2"), ("eve", "engine")] {
        let error = connect(&server, user, password).await.err().unwrap();
        let error = error.as_db_error().unwrap();
        assert_eq!((error.code().code(), error.severity()), ("28P01", "FATAL"));
        said.push(error.message().replace(user, "X"));
    }
    // Nobody learns which names exist.
    assert_eq!(said[0], said[2]);
    // A user removed is not let in any more, without a restart.
    file::remove(&directory.path().join("users.toml"), "bob").unwrap();
    check_code(connect(&server, "bob", "pass").await, "28P01");
    assert_eq!(one(&client, "SELECT 1").await, "1");
}

/// The socket after it was asked for SCRAM-SHA-256.
async fn asked(server: &Server) -> TcpStream {
    let mut socket = server.raw().await;
    socket.write_all(&startup(196_608)).await.unwrap();
    assert_eq!(next(&mut socket).await, (b'R', b"\0\0\0\x0aSCRAM-SHA-256\0\0".to_vec()));
    socket
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_run_before_the_client_is_known() {
    let directory = tempfile::tempdir().unwrap();
    let server = start(Options { users: two_users(&directory), ..Options::default() }).await;
    let first = message(b'p', b"SCRAM-SHA-256\0\0\0\0\x0cn,,n=,r=abcd");
    let query = message(b'Q', b"SELECT 1\0");
    let fatal = async |socket: &mut TcpStream, code: &str| {
        let rest = ends(socket).await;
        assert_eq!((rest[0], field(&rest[5..], b'S'), field(&rest[5..], b'C')), (b'E', "FATAL".into(), code.into()));
        let length = u32::from_be_bytes(rest[1..5].try_into().unwrap()) as usize;
        assert_eq!(rest.len(), length + 1, "nothing after the error");
    };
    // A query instead of a password, and behind a wrong one.
    let mut socket = asked(&server).await;
    socket.write_all(&query).await.unwrap();
    fatal(&mut socket, "08P01").await;
    let mut socket = asked(&server).await;
    socket.write_all(&first).await.unwrap();
    let (kind, body) = next(&mut socket).await;
    assert_eq!((kind, &body[..4]), (b'R', &b"\0\0\0\x0b"[..]));
    let server_first = String::from_utf8(body[4..].to_vec()).unwrap();
    let nonce = server_first.split(',').next().unwrap();
    let proof = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    let last = message(b'p', format!("c=biws,{nonce},p={proof}").as_bytes());
    socket.write_all(&[last, query.clone(), query.clone()].concat()).await.unwrap();
    fatal(&mut socket, "28P01").await;
    // Messages out of form, too long, of another kind, and the old way of passwords.
    for wrong in [
        message(b'p', b""),
        message(b'p', b"SCRAM-SHA-256"),
        message(b'p', b"SCRAM-SHA-256-PLUS\0\0\0\0\x0cn,,n=,r=abcd"),
        message(b'p', b"SCRAM-SHA-256\0\x7f\xff\xff\xffn,,n=,r=abcd"),
        message(b'p', b"engine\0"),
        message(b'X', b""),
        vec![0; 5],
    ] {
        let mut socket = asked(&server).await;
        socket.write_all(&wrong).await.unwrap();
        fatal(&mut socket, "08P01").await;
    }
    let mut socket = asked(&server).await;
    socket.write_all(b"p\0\xff\xff\xff").await.unwrap();
    fatal(&mut socket, "54000").await;
    assert_eq!(server.engine.queries().running().len(), 0);
    connect(&server, "ada", "engine").await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_dawdles_is_sent_away() {
    let (directory, files) = (tempfile::tempdir().unwrap(), Authority::new());
    files.issue("server", "ec -pkeyopt ec_paramgen_curve:P-256", "");
    let tls = Tls::load(&files.config("server.crt", "server.key", ""), &[]).unwrap();
    let startup_timeout = Duration::from_millis(300);
    let server = start(Options { users: two_users(&directory), tls, startup_timeout, ..Options::default() }).await;
    // In the middle of the exchange of passwords.
    let mut socket = asked(&server).await;
    assert_eq!(field(&ends(&mut socket).await[5..], b'C'), "57014");
    // In the middle of a handshake, begun either way.
    for begin in [&SSL_REQUEST[..], b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03"] {
        let mut socket = server.raw().await;
        socket.write_all(begin).await.unwrap();
        ends(&mut socket).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_comes_while_the_server_stops_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let server = start(Options { users: two_users(&directory), ..Options::default() }).await;
    let mut socket = asked(&server).await;
    server.shutdown.cancel();
    let rest = ends(&mut socket).await;
    assert_eq!((field(&rest[5..], b'S'), field(&rest[5..], b'C')), ("FATAL".into(), "57P03".into()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_encrypted_connection_binds_the_password_to_itself() {
    let (directory, files) = (tempfile::tempdir().unwrap(), Authority::new());
    let server = encrypted_server(&files, two_users(&directory), "", true).await;
    let client = connect_encrypted(&server, &files, None, |_, _| {}).await.unwrap();
    assert_eq!(one(&client, "SELECT current_user").await, "ada");
    // Rows of some megabytes arrive whole.
    let rows = client.query("SELECT repeat('x', 1000) FROM generate_series(1, 5000) AS a(n)", &[]).await.unwrap();
    assert_eq!(rows.len(), 5_000);
    let began = connect_encrypted(&server, &files, None, |config, _| {
        config.ssl_negotiation(SslNegotiation::Direct);
    });
    assert_eq!(one(&began.await.unwrap(), "SELECT 1").await, "1");
    let unbound = connect_encrypted(&server, &files, None, |config, tls| {
        config.channel_binding(ChannelBinding::Disable);
        tls.end_point = None;
    });
    unbound.await.unwrap();
    // Somebody in between: the client saw another certificate.
    let elsewhere = connect_encrypted(&server, &files, None, |_, tls| tls.end_point = Some(vec![0; 32]));
    check_code(elsewhere.await, "28000");
    let wrong = connect_encrypted(&server, &files, None, |config, _| {
        config.password("pass");
    });
    check_code(wrong.await, "28P01");
    // Unencrypted it is refused, and told so.
    check_code(connect(&server, "ada", "engine").await, "28000");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cancel_reaches_an_encrypted_statement_and_a_leaving_client_ends_it() {
    let files = Authority::new();
    let server = encrypted_server(&files, Users::open(), "", false).await;
    let client = connect_encrypted(&server, &files, None, |config, _| {
        config.channel_binding(ChannelBinding::Prefer);
    });
    let client = client.await.unwrap();
    let cancel = client.cancel_token();
    let running = tokio::spawn(async move {
        let result = client.simple_query("SELECT n FROM silent").await;
        (client, result)
    });
    server.wait_for_running(1).await;
    let other = TcpStream::connect(server.address).await.unwrap();
    let tls = Rustls { connector: connector(&files, None, &[super::super::ALPN]), end_point: None };
    cancel.cancel_query_raw(other, tls).await.unwrap();
    let (client, result) = running.await.unwrap();
    check_code(result, "57014");
    // tokio-postgres reads an answer to its end before it leaves; this one closes in the middle of the rows.
    let mut socket = server.raw().await;
    socket.write_all(&SSL_REQUEST).await.unwrap();
    assert_eq!(socket.read_u8().await.unwrap(), b'S');
    let name = ServerName::try_from("localhost").unwrap();
    let mut inside = connector(&files, None, &[]).connect(name, socket).await.unwrap();
    let asks = [&startup(196_608)[..], &message(b'Q', b"SELECT n FROM flood\0")].concat();
    inside.write_all(&asks).await.unwrap();
    server.wait_for_running(1).await;
    drop((inside, client));
    server.wait_for_running(0).await;
    // Without a demand for it, clients in clear are served too.
    assert_eq!(one(&server.client().await, "SELECT 1").await, "1");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn words_put_in_before_the_handshake_are_refused() {
    let files = Authority::new();
    let server = encrypted_server(&files, Users::open(), "", true).await;
    let mut socket = server.raw().await;
    socket.write_all(&[&SSL_REQUEST[..], &startup(196_608), &message(b'Q', b"SELECT 1\0")].concat()).await.unwrap();
    let said = ends(&mut socket).await;
    // Either the answer to the request and the refusal, or a handshake that fails on them; never a session.
    assert_eq!(said[0], b'S');
    assert!(said.len() == 1 || said[1] == b'E' && field(&said[6..], b'C') == "08P01" || said[1] == 0x15, "{said:?}");
    // A second request inside.
    let mut socket = server.raw().await;
    socket.write_all(&SSL_REQUEST).await.unwrap();
    assert_eq!(socket.read_u8().await.unwrap(), b'S');
    let name = ServerName::try_from("localhost").unwrap();
    let mut inside = connector(&files, None, &[]).connect(name.clone(), socket).await.unwrap();
    inside.write_all(&SSL_REQUEST).await.unwrap();
    let mut said = Vec::new();
    inside.read_to_end(&mut said).await.unwrap();
    assert_eq!(field(&said[5..], b'C'), "08P01");
    // A client that begins with the handshake but speaks another protocol.
    let socket = server.raw().await;
    let mut other = connector(&files, None, &[]).connect(name, socket).await.unwrap();
    other.write_all(&startup(196_608)).await.unwrap();
    let mut said = Vec::new();
    // The end may come without the closing word of TLS.
    let _ = tokio::time::timeout(PATIENCE, other.read_to_end(&mut said)).await.unwrap();
    assert!(said.is_empty(), "{said:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_shows_its_certificate_where_one_is_asked_for() {
    let (files, strangers) = (Authority::new(), Authority::new());
    let server = encrypted_server(&files, Users::open(), "ca.crt", true).await;
    files.issue("client", "ec -pkeyopt ec_paramgen_curve:P-256", "");
    strangers.issue("stranger", "ec -pkeyopt ec_paramgen_curve:P-256", "");
    for end in ["crt", "key"] {
        let name = format!("stranger.{end}");
        std::fs::copy(strangers.path(&name), files.path(&name)).unwrap();
    }
    let binding = |config: &mut tokio_postgres::Config, _: &mut Rustls| {
        config.channel_binding(ChannelBinding::Prefer);
    };
    let client = connect_encrypted(&server, &files, Some("client"), binding).await.unwrap();
    assert_eq!(one(&client, "SELECT 1").await, "1");
    for own in [None, Some("stranger")] {
        assert!(connect_encrypted(&server, &files, own, binding).await.is_err(), "{own:?}");
    }
    assert_eq!(one(&client, "SELECT 1").await, "1");
}
