//! TLS for those who connect.

use std::io;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::gateway::As2Config;

/// Agrees on TLS with whoever connects.
#[derive(Clone)]
pub(super) struct Acceptor(TlsAcceptor);

impl Acceptor {
    pub(super) async fn accept(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        self.0.accept(stream).await
    }
}

/// What the configuration says; nothing where it is plain HTTP.
pub(super) fn acceptor(settings: &As2Config) -> Result<Option<Acceptor>, String> {
    let Some(file) = &settings.certificate else { return Ok(None) };
    let chain =
        CertificateDer::pem_file_iter(file).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let chain = chain.map_err(|e| format!("as2.certificate {}: {e}", file.display()))?;
    let key = settings.server_key()?;
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes())
        .map_err(|e| format!("as2.key: no key in PEM: {e}"))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| e.to_string())?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|e| format!("as2.certificate and as2.key: {e}"))?;
    Ok(Some(Acceptor(TlsAcceptor::from(Arc::new(config)))))
}
