//! TLS of the Postgres and the Flight server: certificate, key and the authority of client certificates, from PEM files.
//!
//! Versions 1.2 and 1.3, with the provider that the program brings. It never falls back to plain text: files that cannot
//! be used are an error at the start, and later changes that cannot be used are logged and ignored.

use super::file_watch::{FileWatch, open_to_others};
use crate::config::TlsConfig;
use anyhow::{Context, Result, anyhow, bail, ensure};
use aws_lc_rs::digest;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::{RootCertStore, ServerConfig};
use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use tokio_rustls::TlsAcceptor;

/// TLS as its files say it.
#[derive(Debug, Clone)]
pub struct Tls {
    files: Arc<FileWatch<Loaded>>,
}

/// What it takes to answer one client.
pub struct Loaded {
    /// Takes a client's handshake.
    pub acceptor: TlsAcceptor,
    /// Hash of the certificate as clients compute it, by which an exchange of passwords is bound to this connection
    /// (`tls-server-end-point`, RFC 5929); `None` for a certificate whose signature has no hash of its own, such as
    /// Ed25519.
    pub end_point: Option<Vec<u8>>,
}

impl std::fmt::Debug for Loaded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Loaded").finish_non_exhaustive()
    }
}

impl Tls {
    /// Reads the files; `None` when none are configured. `alpn` are the protocols spoken, the first preferred: a client
    /// that names protocols but none of these is refused.
    ///
    /// # Errors
    /// A file that is missing, is not what it should be, or is a private key that others may read; a certificate that is
    /// not the key's.
    pub fn load(config: &TlsConfig, alpn: &[&[u8]]) -> Result<Option<Self>> {
        if config.certificate.as_os_str().is_empty() {
            return Ok(None);
        }
        let paths = [&config.certificate, &config.key, &config.client_ca];
        let paths = paths.into_iter().filter(|path| !path.as_os_str().is_empty()).cloned().collect();
        let (config, alpn) = (config.clone(), alpn.iter().map(|name| name.to_vec()).collect::<Vec<_>>());
        let files = FileWatch::load(paths, move || load(&config, &alpn))?;
        Ok(Some(Self { files: Arc::new(files) }))
    }

    /// For the next client: the files as they are now.
    pub fn current(&self) -> Arc<Loaded> {
        self.files.current()
    }
}

/// The acceptor of [`Tls::load`] alone, for as long as the files do not change.
///
/// # Errors
/// Those of [`Tls::load`].
pub fn acceptor(config: &TlsConfig, alpn: &[&[u8]]) -> Result<Option<TlsAcceptor>> {
    Ok(Tls::load(config, alpn)?.map(|tls| tls.current().acceptor.clone()))
}

fn load(config: &TlsConfig, alpn: &[Vec<u8>]) -> Result<Loaded> {
    let chain = certificates(&config.certificate, "tls.certificate")?;
    let end_point = chain.first().and_then(|certificate| end_point(certificate));
    let key = private_key(&config.key)?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .context("choose the versions of TLS")?;
    let builder = match config.client_ca.as_os_str().is_empty() {
        true => builder.with_no_client_auth(),
        false => builder.with_client_cert_verifier(client_verifier(&config.client_ca, provider)?),
    };
    let (certificate, key_path) = (config.certificate.display(), config.key.display());
    let mut server = builder
        .with_single_cert(chain, key)
        .with_context(|| format!("certificate {certificate} and key {key_path} do not go together"))?;
    server.alpn_protocols = alpn.to_vec();
    Ok(Loaded { acceptor: TlsAcceptor::from(Arc::new(server)), end_point })
}

fn certificates(path: &Path, key: &str) -> Result<Vec<CertificateDer<'static>>> {
    let read = || -> Result<Vec<_>, rustls::pki_types::pem::Error> { CertificateDer::pem_file_iter(path)?.collect() };
    let chain = read().map_err(|error| anyhow!("{error}")).with_context(|| format!("{key} {}", path.display()))?;
    ensure!(!chain.is_empty(), "{key} {}: no certificate in it", path.display());
    Ok(chain)
}

/// PKCS #8, SEC 1 or PKCS #1, without a passphrase.
fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>> {
    let named = || format!("tls.key {}", path.display());
    let metadata = File::open(path).and_then(|file| file.metadata()).with_context(named)?;
    if let Some(mode) = open_to_others(&metadata) {
        bail!("{} may be read by others (mode {mode:04o}); chmod 600 makes it yours alone", named());
    }
    PrivateKeyDer::from_pem_file(path)
        .map_err(|error| match error {
            rustls::pki_types::pem::Error::NoItemsFound => anyhow!("no private key in it, or one with a passphrase"),
            other => anyhow!("{other}"),
        })
        .with_context(named)
}

/// Every client shows a certificate that this authority has signed.
fn client_verifier(path: &Path, provider: Arc<rustls::crypto::CryptoProvider>) -> Result<Arc<dyn ClientCertVerifier>> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path, "tls.client_ca")? {
        roots.add(certificate).with_context(|| format!("tls.client_ca {}", path.display()))?;
    }
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
    verifier.with_context(|| format!("tls.client_ca {}", path.display()))
}

/// The hash that binds to a certificate: that of its signature, or SHA-256 where that is MD5 or SHA-1.
fn end_point(certificate: &[u8]) -> Option<Vec<u8>> {
    let algorithm =
        match signature_algorithm(certificate)? {
            // md5WithRSAEncryption, sha1WithRSAEncryption, sha256WithRSAEncryption; ecdsa-with-SHA1, ecdsa-with-SHA256.
            [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x04 | 0x05 | 0x0b]
            | [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x01]
            | [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02] => &digest::SHA256,
            // sha384WithRSAEncryption, ecdsa-with-SHA384; then those with SHA-512.
            [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0c]
            | [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x03] => &digest::SHA384,
            [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0d]
            | [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x04] => &digest::SHA512,
            _ => return None,
        };
    Some(digest::digest(algorithm, certificate).as_ref().to_vec())
}

/// The object identifier of a certificate's signature: `SEQUENCE { tbsCertificate, SEQUENCE { OBJECT IDENTIFIER, ...`.
fn signature_algorithm(certificate: &[u8]) -> Option<&[u8]> {
    const SEQUENCE: u8 = 0x30;
    const OBJECT_IDENTIFIER: u8 = 0x06;
    let (whole, _) = element(certificate, SEQUENCE)?;
    let (_, after) = element(whole, SEQUENCE)?;
    let (algorithm, _) = element(after, SEQUENCE)?;
    Some(element(algorithm, OBJECT_IDENTIFIER)?.0)
}

/// One DER element of a type: its contents, and what comes after it.
fn element(der: &[u8], kind: u8) -> Option<(&[u8], &[u8])> {
    let (tag, rest) = der.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        short @ 0..=0x7f => (usize::from(*short), rest),
        0x81..=0x84 => {
            let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
        }
        _ => return None,
    };
    (*tag == kind).then_some(())?;
    rest.split_at_checked(length)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use std::path::PathBuf;
    use std::process::Command;

    /// Files of an authority, made anew by `openssl`.
    pub(crate) struct Authority {
        pub(crate) directory: tempfile::TempDir,
    }

    impl Authority {
        pub(crate) fn new() -> Self {
            let authority = Self { directory: tempfile::tempdir().unwrap() };
            authority.openssl(
                "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -sha256 -days 30 -keyout ca.key -out ca.crt \
                 -subj /CN=test-ca -addext keyUsage=critical,keyCertSign",
            );
            authority
        }

        /// `NAME.crt` and `NAME.key` for localhost; `key` is what `openssl req` calls a new key.
        pub(crate) fn issue(&self, name: &str, key: &str, more: &str) {
            self.openssl(&format!(
                "req -x509 -CA ca.crt -CAkey ca.key -newkey {key} -nodes -days 30 -keyout {name}.key -out {name}.crt \
                 -subj /CN={name} -addext subjectAltName=DNS:localhost,IP:127.0.0.1 \
                 -addext basicConstraints=critical,CA:FALSE {more}"
            ));
        }

        pub(crate) fn openssl(&self, arguments: &str) -> Vec<u8> {
            let output = Command::new("openssl")
                .args(arguments.split_whitespace())
                .current_dir(self.directory.path())
                .output()
                .expect("openssl makes the certificates of this test");
            assert!(output.status.success(), "openssl {arguments}: {}", String::from_utf8_lossy(&output.stderr));
            output.stdout
        }

        pub(crate) fn path(&self, name: &str) -> PathBuf {
            self.directory.path().join(name)
        }

        pub(crate) fn config(&self, certificate: &str, key: &str, client_ca: &str) -> TlsConfig {
            let path = |name: &str| if name.is_empty() { PathBuf::new() } else { self.path(name) };
            TlsConfig { certificate: path(certificate), key: path(key), client_ca: path(client_ca), required: true }
        }
    }

    const EC: &str = "ec -pkeyopt ec_paramgen_curve:P-256";

    #[test]
    fn keys_of_every_form_are_read() {
        let files = Authority::new();
        files.issue("pkcs8", EC, "");
        files.openssl("ec -in pkcs8.key -out sec1.key");
        files.issue("rsa", "rsa:2048", "");
        files.openssl("rsa -in rsa.key -traditional -out pkcs1.key");
        let loads = |certificate: &str, key: &str| {
            assert!(acceptor(&files.config(certificate, key, ""), &[b"postgresql"]).unwrap().is_some(), "{key}");
        };
        loads("pkcs8.crt", "pkcs8.key");
        loads("pkcs8.crt", "sec1.key");
        loads("rsa.crt", "rsa.key");
        loads("rsa.crt", "pkcs1.key");
        assert!(acceptor(&files.config("pkcs8.crt", "pkcs8.key", "ca.crt"), &[]).unwrap().is_some());
        assert!(acceptor(&TlsConfig::default(), &[]).unwrap().is_none());
    }

    #[test]
    fn files_that_cannot_be_used_are_named() {
        let files = Authority::new();
        files.issue("one", EC, "");
        files.issue("two", EC, "");
        std::fs::write(files.path("empty"), "").unwrap();
        std::fs::write(files.path("broken"), "-----BEGIN CERTIFICATE-----\n????\n-----END CERTIFICATE-----\n").unwrap();
        #[track_caller]
        fn refused(config: &TlsConfig, parts: &[&str]) {
            let message = format!("{:#}", acceptor(config, &[]).err().expect("a refusal"));
            assert!(parts.iter().all(|part| message.contains(part)) && !message.contains('\n'), "{message}");
        }
        refused(&files.config("none.crt", "one.key", ""), &["tls.certificate", "none.crt"]);
        refused(&files.config("broken", "one.key", ""), &["tls.certificate", "broken"]);
        refused(&files.config("one.key", "one.key", ""), &["tls.certificate", "one.key", "no certificate"]);
        refused(&files.config("one.crt", "one.crt", ""), &["tls.key", "one.crt"]);
        refused(&files.config("one.crt", "none.key", ""), &["tls.key", "none.key"]);
        refused(&files.config("one.crt", "two.key", ""), &["one.crt", "two.key", "do not go together"]);
        refused(&files.config("one.crt", "one.key", "empty"), &["tls.client_ca", "empty"]);
        refused(&files.config("one.crt", "one.key", "none"), &["tls.client_ca", "none"]);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            std::fs::set_permissions(files.path("one.key"), std::fs::Permissions::from_mode(0o644)).unwrap();
            refused(&files.config("one.crt", "one.key", ""), &["tls.key", "one.key", "chmod 600"]);
        }
    }

    #[test]
    fn a_renewed_certificate_is_seen() {
        let files = Authority::new();
        files.issue("one", EC, "");
        files.issue("two", EC, "");
        let tls = Tls::load(&files.config("one.crt", "one.key", ""), &[]).unwrap().unwrap();
        let before = tls.current().end_point.clone();
        std::fs::rename(files.path("two.crt"), files.path("one.crt")).unwrap();
        assert_eq!(tls.current().end_point, before, "the certificate alone does not go with the old key");
        std::fs::rename(files.path("two.key"), files.path("one.key")).unwrap();
        assert_ne!(tls.current().end_point, before);
    }

    #[test]
    fn a_certificate_is_bound_by_the_hash_of_its_signature() {
        let files = Authority::new();
        for (name, more, hash) in [
            ("sha256", "-sha256", &digest::SHA256),
            ("sha384", "-sha384", &digest::SHA384),
            ("sha512", "-sha512", &digest::SHA512),
        ] {
            files.issue(name, EC, more);
            let certificate = certificates(&files.path(&format!("{name}.crt")), "").unwrap().remove(0);
            assert_eq!(end_point(&certificate).unwrap(), digest::digest(hash, &certificate).as_ref(), "{name}");
        }
        assert_eq!(end_point(b""), None);
        assert_eq!(end_point(&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff, 0x30]), None);
        assert_eq!(end_point(&[0x30, 0x06, 0x30, 0x00, 0x30, 0x02, 0x06, 0x00]), None);
    }
}
