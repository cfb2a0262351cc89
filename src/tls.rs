//! Which cryptography TLS runs on: ring, for everybody.

/// Makes ring the TLS cryptography of this process. Every client that speaks HTTPS needs that to have happened before it
/// is built; calling it again changes nothing.
pub fn install_provider() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // An error means that another thread was faster, with the same provider.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
}
