//! Creates a certificate authority, and a certificate for `localhost` that it signs.

use std::error::Error;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;

/// The path of the system's trusted certificates on Debian.
const SYSTEM_BUNDLE: &str = "/etc/ssl/certs/ca-certificates.crt";

/// The certificates that the function trusts.
#[derive(Clone, Copy, serde::Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Trust {
    /// Only the harness's own authority.
    Alone,
    /// The harness's own authority and all authorities that this machine trusts, because a Lambda
    /// environment also has a full bundle.
    Bundle,
}

/// Creates the authority and the certificate, writes the trusted certificates as PEM to `path`, and
/// returns the server's configuration.
pub(crate) fn make(trust: Trust, path: &Path) -> Result<Arc<ServerConfig>, Box<dyn Error>> {
    let authority_key = KeyPair::generate()?;
    let mut authority = CertificateParams::new(Vec::new())?;
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority
        .distinguished_name
        .push(DnType::CommonName, "htaccess-generator benchmarks");
    let authority_certificate = authority.self_signed(&authority_key)?;
    let key = KeyPair::generate()?;
    let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    let issuer = Issuer::new(authority, authority_key);
    let certificate = CertificateParams::new(names)?.signed_by(&key, &issuer)?;
    let others = match trust {
        Trust::Alone => String::new(),
        Trust::Bundle => fs::read_to_string(SYSTEM_BUNDLE)?,
    };
    fs::write(path, others + &authority_certificate.pem())?;
    let key = PrivateKeyDer::try_from(key.serialize_der())?;
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)?;
    Ok(Arc::new(config))
}
