//! The certificate that a service shows in a handshake.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, ProtocolVersion, RootCertStore, SignatureScheme,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::{Certificate, NetworkError, StartTls, TlsRequest, certificate};

/// `SSLRequest` of PostgreSQL's protocol:
/// <https://www.postgresql.org/docs/current/protocol-message-formats.html>.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

/// Shakes hands, looks, and hangs up.
///
/// # Errors
/// [`NetworkError::Away`] or [`NetworkError::Odd`].
pub(super) async fn certificate(
    mut stream: TcpStream,
    request: &TlsRequest,
    authorities: &Arc<RootCertStore>,
) -> Result<Certificate, NetworkError> {
    let endpoint = request.endpoint.to_string();
    let away = |error: io::Error| NetworkError::Away { endpoint: endpoint.clone(), message: error.to_string() };
    let odd = |message: String| NetworkError::Odd { endpoint: endpoint.clone(), message };
    if request.start == StartTls::Postgres {
        stream.write_all(&SSL_REQUEST).await.map_err(away)?;
        match stream.read_u8().await.map_err(away)? {
            b'S' => {}
            b'N' => return Err(odd("is a PostgreSQL without TLS (`ssl = off`)".into())),
            _ => return Err(odd("does not answer as PostgreSQL does".into())),
        }
    }
    let name = ServerName::try_from(request.server_name.clone())
        .map_err(|_| odd(format!("cannot be asked for `{}`, which is no name", request.server_name)))?;
    let witness = Arc::new(Witness::new(authorities.clone()).map_err(odd)?);
    let config = ClientConfig::builder().dangerous().with_custom_certificate_verifier(witness.clone());
    let connector = TlsConnector::from(Arc::new(config.with_no_client_auth()));
    let version = match connector.connect(name, stream).await {
        Ok(stream) => stream.get_ref().1.protocol_version().and_then(version),
        // A service that asks for a certificate of ours has shown its own by then.
        Err(error) if witness.seen().is_none() => {
            return Err(odd(format!("does not speak TLS as was asked: {error}")));
        }
        Err(_) => None,
    };
    let Some(Seen { chain, distrust }) = witness.seen() else {
        return Err(odd("has shown no certificate".into()));
    };
    let [leaf, ..] = &chain[..] else { return Err(odd("has shown no certificate".into())) };
    certificate::read(leaf, chain.len(), distrust, version.unwrap_or_default().into()).map_err(odd)
}

/// As OpenSSL writes it.
fn version(version: ProtocolVersion) -> Option<&'static str> {
    match version {
        ProtocolVersion::TLSv1_2 => Some("TLSv1.2"),
        ProtocolVersion::TLSv1_3 => Some("TLSv1.3"),
        _ => None,
    }
}

/// Keeps what is shown, and whether it would be trusted. It takes all: nothing is sent behind the
/// handshake.
#[derive(Debug)]
struct Witness {
    /// `None`: this machine trusts nobody.
    judge: Option<Arc<WebPkiServerVerifier>>,
    seen: Mutex<Option<Seen>>,
}

#[derive(Debug, Clone)]
struct Seen {
    /// The service's own first.
    chain: Vec<Vec<u8>>,
    distrust: Option<String>,
}

impl Witness {
    fn new(authorities: Arc<RootCertStore>) -> Result<Self, String> {
        let judge = if authorities.is_empty() {
            None
        } else {
            let judge = WebPkiServerVerifier::builder(authorities).build();
            Some(judge.map_err(|error| format!("cannot be judged: {error}"))?)
        };
        Ok(Self { judge, seen: Mutex::new(None) })
    }

    fn seen(&self) -> Option<Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl ServerCertVerifier for Witness {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let distrust = match &self.judge {
            None => Some("this machine has no certificates of authorities, and `network.ca_file` names none".into()),
            Some(judge) => judge.verify_server_cert(leaf, others, name, ocsp, now).err().map(|error| why(&error)),
        };
        let chain = [leaf].into_iter().chain(others).map(|certificate| certificate.to_vec()).collect();
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(Seen { chain, distrust });
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let provider = rustls::crypto::ring::default_provider();
        let algorithms = provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signed, &algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let provider = rustls::crypto::ring::default_provider();
        let algorithms = provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signed, &algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        rustls::crypto::ring::default_provider().signature_verification_algorithms.supported_schemes()
    }
}

/// In words of people, without what the certificate says at length.
fn why(error: &Error) -> String {
    match error {
        Error::InvalidCertificate(CertificateError::Expired | CertificateError::ExpiredContext { .. }) => {
            "it has expired".into()
        }
        Error::InvalidCertificate(CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. }) => {
            "it is not valid yet".into()
        }
        Error::InvalidCertificate(CertificateError::UnknownIssuer) => {
            "nobody whom this machine trusts has signed it, or the chain has a gap".into()
        }
        Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => "it is for other names".into(),
        Error::InvalidCertificate(CertificateError::BadSignature) => {
            "an authority of a name that this machine trusts has signed it, but with another key".into()
        }
        Error::InvalidCertificate(CertificateError::Revoked) => "it was revoked".into(),
        other => other.to_string(),
    }
}
