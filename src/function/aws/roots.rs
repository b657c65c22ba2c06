//! The certificate authorities that connections to AWS trust.

use aws_sdk_s3::config::SharedHttpClient;
use aws_smithy_http_client::Builder as HttpClientBuilder;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode};
use rustls_native_certs::load_certs_from_paths;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

use crate::function::settings::{FunctionSettings, TrustRoots};
use crate::settings::SettingError;

/// The roots of Amazon Trust Services, <https://www.amazontrust.com/repository/>: Amazon Root CA 1 to 4, and
/// Starfield Services Root Certificate Authority - G2. The earliest expiry date is in 2037.
const AMAZON_ROOTS: &[u8] = include_bytes!("amazon_roots.pem");

/// Checks that `SSL_CERT_FILE` or `SSL_CERT_DIR` contains a certificate authority, if one of them is set.
/// Without this check, each call would fail with an error that is retried. Only the first certificate in a
/// file is read, because the client reads all certificates again.
///
/// # Errors
///
/// If a variable is set, but no certificate authority is found.
pub fn check_roots(
    settings: &FunctionSettings,
    lookup: impl Fn(&str) -> Option<String>,
) -> Result<(), SettingError> {
    let scheduler = settings.schedules.as_ref();
    let scheduler = scheduler.map(|settings| (settings.roots, settings.endpoint.as_deref()));
    let connections = [
        Some((settings.roots, settings.endpoint.as_deref())),
        scheduler,
    ];
    let needs_system_roots = |&(roots, endpoint): &(TrustRoots, Option<&str>)| {
        roots == TrustRoots::System && !is_without_tls(endpoint)
    };
    if !connections.iter().flatten().any(needs_system_roots) {
        return Ok(());
    }
    let value_of = |name| lookup(name).filter(|value| !value.is_empty());
    let mut wrong = None;
    if let Some(file) = value_of("SSL_CERT_FILE") {
        match CertificateDer::from_pem_file(&file) {
            Ok(_) => return Ok(()),
            Err(err) => wrong = Some(("SSL_CERT_FILE", file, err.to_string())),
        }
    }
    if let Some(folder) = value_of("SSL_CERT_DIR") {
        let found = load_certs_from_paths(None, Some(folder.as_ref()));
        if !found.certs.is_empty() {
            return Ok(());
        }
        let why = found.errors.first().map(ToString::to_string);
        let why = why.unwrap_or_else(|| "no file has a hash as its name".to_owned());
        wrong = wrong.or(Some(("SSL_CERT_DIR", folder, why)));
    }
    match wrong {
        None => Ok(()),
        Some((name, value, why)) => {
            let allowed = format!("no certificate authority was found ({why}): expected PEM text");
            Err(SettingError::new(name, &value, &allowed))
        }
    }
}

fn is_without_tls(endpoint: Option<&str>) -> bool {
    endpoint.is_some_and(|endpoint| endpoint.starts_with("http://"))
}

/// Creates the HTTP client. An emulator without TLS needs no trust store.
pub(crate) fn http_client(endpoint: Option<&str>, roots: TrustRoots) -> SharedHttpClient {
    let builder = HttpClientBuilder::new();
    if is_without_tls(endpoint) {
        return builder.build_http();
    }
    let trust_store = match roots {
        TrustRoots::Amazon => TrustStore::empty().with_pem_certificate(AMAZON_ROOTS),
        TrustRoots::System => TrustStore::default(),
    };
    let builder = builder.tls_provider(Provider::Rustls(CryptoMode::Ring));
    match TlsContext::builder().with_trust_store(trust_store).build() {
        Ok(context) => builder.tls_context(context).build_https(),
        // The documentation says that this cannot fail. The system's roots would work too.
        Err(_) => builder.build_https(),
    }
}
