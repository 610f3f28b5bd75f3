//! Encryption on the way to a database, as its address asks for it, in PostgreSQL's own words
//! (libpq, section "SSL support"): `sslmode=require` encrypts and does not ask who is there, which
//! keeps listeners out and no impostor; `sslmode=verify-full` checks the server's certificate and
//! its name, against the authorities that browsers trust or those in `sslrootcert`. By `rustls`,
//! which requests over HTTP use too.

use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use postgres::tls::{ChannelBinding, MakeTlsConnect, TlsConnect, TlsStream as Secured};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// How a connection is secured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Security {
    Plain,
    /// Nobody can listen; who is there is not asked.
    Encrypted,
    /// Who is there has a certificate for the host's name, of these authorities or of those that
    /// browsers trust.
    Verified(Option<PathBuf>),
}

/// The address without what it says of encryption, and that.
///
/// # Errors
/// A word that is not known here.
pub(super) fn taken_from(url: &str) -> Result<(String, Security), String> {
    let (plain, query) = url.split_once('?').unwrap_or((url, ""));
    let (mut rest, mut mode, mut roots) = (Vec::new(), String::new(), None);
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        match pair.split_once('=') {
            Some(("sslmode" | "ssl-mode", value)) => mode = value.to_lowercase(),
            Some(("sslrootcert", value)) => roots = Some(PathBuf::from(decoded(value))),
            _ => rest.push(pair),
        }
    }
    let security = match mode.as_str() {
        "" if roots.is_some() => Security::Verified(roots),
        "" | "disable" | "disabled" => Security::Plain,
        "require" | "required" if roots.is_none() => Security::Encrypted,
        "require" | "required" | "verify-full" | "verify_identity" => Security::Verified(roots),
        // `prefer` would fall back to plain text, and `verify-ca` takes any name.
        _ => return Err("`sslmode` is disable, require or verify-full, with `sslrootcert` for authorities of your own".into()),
    };
    let query = if rest.is_empty() { String::new() } else { format!("?{}", rest.join("&")) };
    Ok((format!("{plain}{query}"), security))
}

/// What to do, where a connection failed for want of trust.
pub(super) fn help(reason: &str) -> &'static str {
    let reason = reason.to_lowercase();
    if reason.contains("certificate") {
        ": is the host's name right, and is `sslrootcert` the file of the authority that signed its certificate?"
    } else if reason.contains("tls") || reason.contains("ssl") {
        ": does the server offer encryption? docs/systems/sql.md tells how to tunnel where it does not"
    } else {
        ""
    }
}

fn decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// What `rustls` is to do; nothing where the connection is plain.
pub(super) fn config(security: &Security) -> Result<Option<ClientConfig>, String> {
    let provider = Arc::new(ring::default_provider());
    let begun = || {
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions();
        builder.map_err(|error| format!("this machine can't encrypt ({error})"))
    };
    Ok(Some(match security {
        Security::Plain => return Ok(None),
        Security::Encrypted => {
            let anybody = Arc::new(Anybody(provider.as_ref().clone()));
            begun()?.dangerous().with_custom_certificate_verifier(anybody).with_no_client_auth()
        }
        Security::Verified(roots) => {
            let mut store = RootCertStore::empty();
            match roots {
                None => store.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
                Some(file) => {
                    let unread = |why: String| {
                        format!(
                            "the certificates in {} (`sslrootcert`) can't be read: {why}",
                            file.display()
                        )
                    };
                    let read = CertificateDer::pem_file_iter(file)
                        .map_err(|error| unread(error.to_string()))?;
                    for certificate in read {
                        let certificate = certificate.map_err(|error| unread(error.to_string()))?;
                        store.add(certificate).map_err(|error| unread(error.to_string()))?;
                    }
                    if store.is_empty() {
                        return Err(unread("there is none in it".into()));
                    }
                }
            }
            begun()?.with_root_certificates(store).with_no_client_auth()
        }
    }))
}

/// Takes any certificate; that whoever has it takes part in this very handshake is checked all the
/// same.
#[derive(Debug)]
struct Anybody(CryptoProvider);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(
            message,
            certificate,
            signed,
            &self.0.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(
            message,
            certificate,
            signed,
            &self.0.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// Makes PostgreSQL's connections secure.
#[derive(Clone)]
pub(super) struct Securing(pub(super) Arc<ClientConfig>);

/// The same for one host.
pub(super) struct Handshake(TlsConnector, ServerName<'static>);

/// A connection that is secure.
pub(super) struct Secure<S>(TlsStream<S>);

type Shaken<S> = Pin<Box<dyn Future<Output = std::io::Result<Secure<S>>> + Send>>;

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> MakeTlsConnect<S> for Securing {
    type Stream = Secure<S>;
    type TlsConnect = Handshake;
    type Error = std::io::Error;

    fn make_tls_connect(&mut self, host: &str) -> std::io::Result<Handshake> {
        let name = ServerName::try_from(host.to_string()).map_err(std::io::Error::other)?;
        Ok(Handshake(TlsConnector::from(Arc::clone(&self.0)), name))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> TlsConnect<S> for Handshake {
    type Stream = Secure<S>;
    type Error = std::io::Error;
    type Future = Shaken<S>;

    fn connect(self, stream: S) -> Shaken<S> {
        Box::pin(async move { self.0.connect(self.1, stream).await.map(Secure) })
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Secured for Secure<S> {
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Secure<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Secure<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_address_says_of_encryption_is_taken_out_of_it() {
        let taken = |query: &str| {
            taken_from(&format!("postgres://u:p@db/shop{query}")).map(|(_, security)| security)
        };
        assert_eq!(taken(""), Ok(Security::Plain));
        assert_eq!(taken("?sslmode=require"), Ok(Security::Encrypted));
        assert_eq!(taken("?ssl-mode=VERIFY_IDENTITY"), Ok(Security::Verified(None)));
        let own = Ok(Security::Verified(Some("/etc/ca.pem".into())));
        assert_eq!(taken("?sslmode=verify-full&sslrootcert=%2Fetc%2Fca.pem"), own);
        assert_eq!(
            taken("?sslrootcert=/etc/ca.pem"),
            own,
            "whoever gives authorities wants them asked"
        );
        for weaker in ["prefer", "allow", "verify-ca", "on"] {
            assert!(taken(&format!("?sslmode={weaker}")).is_err(), "{weaker}");
        }
        let (rest, _) = taken_from("mysql://u:p@db/shop?sslmode=require&tcp_nodelay=true").unwrap();
        assert_eq!(rest, "mysql://u:p@db/shop?tcp_nodelay=true");
    }
}
