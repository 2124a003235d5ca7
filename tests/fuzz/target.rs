//! The servers that an input is given to, all over one engine. Used by the fuzz targets, and by the test that replays what
//! they have found.

use super::market::Market;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_rustls::TlsConnector;
use ttapi::config::TlsConfig;
use ttapi::engine::Engine;
use ttapi::serve::auth::{self, Users, Verifier};
use ttapi::serve::flight;
use ttapi::serve::postgres;
use ttapi::serve::tls::Tls;

/// What is fuzzed.
pub(crate) struct Target {
    pub(crate) engine: Engine,
    /// Postgres front ends: one that lets everybody in, and one that asks for a password.
    pub(crate) postgres: [SocketAddr; 2],
    /// A Postgres front end that lets everybody in, by TLS too.
    pub(crate) encrypted: SocketAddr,
    /// Clients' side of its TLS, without and with the name of the protocol.
    pub(crate) connectors: [TlsConnector; 2],
    /// Flight SQL front ends, likewise.
    pub(crate) flight: [SocketAddr; 2],
}

impl Target {
    /// Serves a market until it is gone.
    pub(crate) async fn serve(market: &Market) -> Self {
        let (engine, shutdown) = (market.server.engine.clone(), market.shutdown.clone());
        let files = market.directory.path();
        let (certificate, tls) = certificate(files);
        let serve_postgres = async |options: postgres::Options| {
            let (listener, address) = listen().await;
            tokio::spawn(postgres::serve(listener, engine.clone(), options, shutdown.clone()));
            address
        };
        let serve_flight = async |users: Users| {
            let (listener, address) = listen().await;
            // What is begun and left is over before it counts as left behind.
            let poll_ttl = Duration::from_millis(500);
            let options = flight::Options { users, poll_ttl, ..flight::Options::default() };
            tokio::spawn(flight::serve(listener, engine.clone(), options, shutdown.clone()));
            address
        };
        let users = users(files);
        let postgres = [
            serve_postgres(postgres::Options::default()).await,
            serve_postgres(postgres::Options { users: users.clone(), ..postgres::Options::default() }).await,
        ];
        let encrypted = serve_postgres(postgres::Options { tls: Some(tls), ..postgres::Options::default() }).await;
        let flight = [serve_flight(Users::open()).await, serve_flight(users).await];
        let connectors = [connector(&certificate, &[]), connector(&certificate, &[postgres::ALPN])];
        Self { engine, postgres, encrypted, connectors, flight }
    }
}

async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    (listener, address)
}

/// One user, whose password nobody will guess: what comes before it is known.
fn users(files: &Path) -> Users {
    let path = files.join("users");
    let verifier = Verifier::of("fa35b192121eabf3");
    auth::file::add(&path, "tt", Some(ttapi::role::Role::Reader), &verifier).expect("a file of users");
    Users::load(&path).expect("the file just written")
}

/// A certificate for localhost, made anew by `openssl`.
fn certificate(files: &Path) -> (CertificateDer<'static>, Tls) {
    let arguments = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -keyout fuzz.key \
                     -out fuzz.crt -subj /CN=localhost -addext subjectAltName=DNS:localhost \
                     -addext basicConstraints=critical,CA:FALSE";
    let made = Command::new("openssl").args(arguments.split_whitespace()).current_dir(files).output();
    assert!(made.expect("openssl makes a certificate").status.success(), "openssl makes a certificate");
    let path = |name: &str| files.join(name);
    let config = TlsConfig { certificate: path("fuzz.crt"), key: path("fuzz.key"), ..TlsConfig::default() };
    let tls = Tls::load(&config, &[postgres::ALPN]).expect("the files just made").expect("TLS");
    (CertificateDer::from_pem_file(path("fuzz.crt")).expect("the file just made"), tls)
}

fn connector(trusted: &CertificateDer<'static>, alpn: &[&[u8]]) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).expect("the certificate is one");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let mut config = config.expect("versions of TLS").with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    TlsConnector::from(Arc::new(config))
}
