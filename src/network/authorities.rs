//! Who may sign certificates.

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

/// Those whom this machine trusts, and those of `pem`. What the machine has and nobody can read is
/// left out, as TLS clients do.
///
/// # Errors
/// When `pem` holds none, or what is none.
pub fn authorities(pem: Option<&str>) -> Result<RootCertStore, String> {
    let mut store = RootCertStore::empty();
    store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let Some(pem) = pem else { return Ok(store) };
    let mut found = 0;
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        let certificate = certificate.map_err(|error| format!("it is no PEM: {error}"))?;
        store.add(certificate).map_err(|error| format!("it holds what is no authority: {error}"))?;
        found += 1;
    }
    if found == 0 { Err("it holds no certificate".into()) } else { Ok(store) }
}
