//! Connecting to Postgres: the one place that opens a socket to it, plain, or by TLS with the certificate verified.

use std::fmt::Display;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use diesel::{ConnectionError, ConnectionResult};
use diesel_async::AsyncPgConnection;
use percent_encoding::percent_decode_str;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio::time::timeout;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{Client, Config, Connection, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::refusal::{Error, Result};

/// How long a server may take to answer a new connection: `connect_timeout` bounds the socket alone, and a server
/// that hangs still opens sockets.
const HANDSHAKE: Duration = Duration::from_secs(5);
/// That Postgres cannot be reached is logged this often, however many ask for it.
const BETWEEN_COMPLAINTS: Duration = Duration::from_secs(1);

/// What moves the bytes of a connection; it must be spawned, and ends with the connection.
pub(crate) type Driver = Connection<Socket, <MakeRustlsConnect as MakeTlsConnect<Socket>>::Stream>;

/// How much of a server's certificate is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tls {
    /// No TLS.
    Off,
    /// That a known authority signed it.
    Authority,
    /// That a known authority signed it for this host.
    Full,
}

/// A server and a database on it, as a URL names them.
pub struct Endpoint {
    config: Config,
    connector: MakeRustlsConnect,
    complained: Mutex<Option<Instant>>,
}

impl Endpoint {
    /// Reads `postgresql://user:password@host/database?…`: what tokio-postgres knows, and of TLS more.
    ///
    /// `sslmode` is `disable` (the default), `verify-full`, `verify-ca` (any host name), or `require`, which verifies
    /// fully too: TLS with whoever answers protects from nobody who can answer. `allow` and `prefer` are refused
    /// for the same reason. `sslrootcert` is a file of PEM certificates, or `system` (the default). A Unix socket
    /// needs and has no TLS.
    pub fn parse(url: &str) -> Result<Self> {
        let wrong = |what: &dyn Display| Error::Internal(format!("the URL of the database: {what}"));
        let (address, query) = url.split_once('?').unwrap_or((url, ""));
        let (mut tls, mut roots) = (Tls::Off, "system".to_owned());
        let mut rest = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let value = percent_decode_str(value).decode_utf8_lossy();
            match (name, &*value) {
                ("sslmode", "disable") => tls = Tls::Off,
                ("sslmode", "verify-ca") => tls = Tls::Authority,
                ("sslmode", "require" | "verify-full") => tls = Tls::Full,
                ("sslmode", other) => return Err(wrong(&format!("sslmode={other} is none of disable, verify-ca, verify-full, require (which verifies too)"))),
                ("sslrootcert", file) => roots = file.to_owned(),
                _ => rest.push(pair),
            }
        }
        let mut config: Config = format!("{address}?{}", rest.join("&")).parse().map_err(|error| wrong(&error))?;
        if config.get_hosts().iter().all(|host| matches!(host, Host::Unix(_))) {
            tls = Tls::Off;
        }
        // Statements here are short. What Postgres thinks worth compiling is an import into tables that it knows nothing
        // of yet: a third of a second a chunk, for nothing.
        config.options(format!("-c jit=off {}", config.get_options().unwrap_or_default()));
        config.ssl_mode(if tls == Tls::Off { SslMode::Disable } else { SslMode::Require });
        let connector = MakeRustlsConnect::new(client(tls, &roots).map_err(|error| wrong(&error))?);
        Ok(Self { config, connector, complained: Mutex::default() })
    }

    /// The hosts that are reached without TLS over a network, for a warning.
    #[must_use]
    pub fn in_the_clear(&self) -> Vec<String> {
        let far = |host: &Host| match host {
            Host::Tcp(name) if name != "localhost" && !name.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback()) => Some(name.clone()),
            _ => None,
        };
        let plain = self.config.get_ssl_mode() == SslMode::Disable;
        self.config.get_hosts().iter().filter_map(far).filter(|_| plain).collect()
    }

    /// Connects.
    pub(crate) async fn open(&self) -> ConnectionResult<(Client, Driver)> {
        let connecting = self.config.connect(self.connector.clone());
        match timeout(HANDSHAKE, connecting).await {
            Ok(connected) => connected.map_err(|error| ConnectionError::BadConnection(told(&error))),
            Err(_) => Err(ConnectionError::BadConnection(format!("no answer within {} seconds", HANDSHAKE.as_secs()))),
        }
    }

    /// Connects, for one user at a time.
    pub async fn connect(&self) -> ConnectionResult<AsyncPgConnection> {
        let (client, driver) = self.open().await?;
        AsyncPgConnection::try_from_client_and_connection(client, driver).await
    }

    /// Logs that the server cannot be reached, unless that was logged a moment ago.
    pub(crate) fn complain(&self, error: &dyn Display) {
        let mut last = self.complained.lock().unwrap_or_else(PoisonError::into_inner);
        if last.is_none_or(|last| last.elapsed() >= BETWEEN_COMPLAINTS) {
            *last = Some(Instant::now());
            tracing::warn!(%error, "Postgres cannot be reached");
        }
    }
}

/// An error with its causes.
fn told(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        let next_text = next.to_string();
        if !text.contains(&next_text) {
            text = format!("{text}: {next_text}");
        }
        cause = next.source();
    }
    text
}

type Failure = Box<dyn std::error::Error>;

fn client(tls: Tls, roots: &str) -> std::result::Result<ClientConfig, Failure> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions()?;
    let mut client = match tls {
        Tls::Off => builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth(),
        Tls::Full => builder.with_root_certificates(authorities(roots)?).with_no_client_auth(),
        Tls::Authority => builder.dangerous().with_custom_certificate_verifier(Arc::new(AnyName::new(authorities(roots)?, provider)?)).with_no_client_auth(),
    };
    client.alpn_protocols = vec![b"postgresql".to_vec()];
    Ok(client)
}

fn authorities(roots: &str) -> std::result::Result<RootCertStore, Failure> {
    let mut store = RootCertStore::empty();
    if roots == "system" {
        let found = rustls_native_certs::load_native_certs();
        store.add_parsable_certificates(found.certs);
        if store.is_empty() {
            return Err(format!("this system has no root certificates; say sslrootcert=FILE ({:?})", found.errors).into());
        }
        return Ok(store);
    }
    for certificate in CertificateDer::pem_file_iter(roots).map_err(|error| format!("{roots}: {error}"))? {
        store.add(certificate.map_err(|error| format!("{roots}: {error}"))?)?;
    }
    if store.is_empty() { Err(format!("{roots} holds no certificate").into()) } else { Ok(store) }
}

/// Verifies all of a certificate but the name of its host.
#[derive(Debug)]
struct AnyName(Arc<WebPkiServerVerifier>);

impl AnyName {
    fn new(roots: RootCertStore, provider: Arc<CryptoProvider>) -> std::result::Result<Self, Failure> {
        Ok(Self(WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build()?))
    }
}

impl ServerCertVerifier for AnyName {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        host: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> std::result::Result<ServerCertVerified, rustls::Error> {
        match self.0.verify_server_cert(certificate, intermediates, host, ocsp_response, now) {
            // The name is checked last: whoever fails at it has passed everything else.
            Err(rustls::Error::InvalidCertificate(CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. })) => {
                Ok(ServerCertVerified::assertion())
            }
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_says_how_the_server_is_verified() {
        let mode = |url: &str| Endpoint::parse(url).map(|endpoint| endpoint.config.get_ssl_mode());
        assert_eq!(mode("postgresql://a@db.example.cn/c").unwrap(), SslMode::Disable);
        assert_eq!(mode("postgresql://a@%2Frun%2Fpostgresql/c?sslmode=verify-full").unwrap(), SslMode::Disable, "a Unix socket");
        for half in ["prefer", "allow", "verify", ""] {
            assert!(mode(&format!("postgresql://a@db.example.cn/c?sslmode={half}")).is_err(), "{half}");
        }
        let error = mode("postgresql://a:secret@db.example.cn/c?sslmode=require&sslrootcert=%2Fno%2Fsuch.pem").unwrap_err().to_string();
        assert!(error.contains("/no/such.pem") && !error.contains("secret"), "{error}");
        assert!(mode("postgresql://a@b/c?sslcert=x").is_err(), "what is not known is not ignored");
    }

    #[test]
    fn a_server_over_a_network_without_tls_is_known() {
        let clear = |url: &str| Endpoint::parse(url).unwrap().in_the_clear();
        assert_eq!(clear("postgresql://a@db.example.cn,127.0.0.1,localhost/c"), ["db.example.cn"]);
        assert_eq!(clear("postgresql://a@%2Frun%2Fpostgresql/c?application_name=x"), Vec::<String>::new());
    }
}
