//! Signatures by a shared secret: HMAC-SHA256 (<https://www.rfc-editor.org/rfc/rfc2104>).

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

use crate::model::Secret;

/// In 64 hexadecimal digits, what only those can make who have the secret.
pub fn sign(secret: &Secret, message: &[u8]) -> String {
    let mac = Hmac::<Sha256>::new_from_slice(secret.expose().as_bytes()).map(|mac| mac.chain_update(message));
    // A secret of any length is one.
    let bytes = mac.map(|mac| mac.finalize().into_bytes()).unwrap_or_default();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Whether that is the signature of the message, in a time that does not say how much of it is
/// right. An empty secret signs nothing.
pub fn is_signed(secret: &Secret, message: &[u8], signature: &str) -> bool {
    let right = sign(secret, message);
    bool::from(right.as_bytes().ct_eq(signature.to_ascii_lowercase().as_bytes())) && !secret.expose().is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// <https://www.rfc-editor.org/rfc/rfc4231#section-4.3>
    #[test]
    fn the_signature_is_that_of_the_standard() {
        let (secret, message) = (Secret::new("Jefe"), b"what do ya want for nothing?");
        let signature = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(sign(&secret, message), signature);
        assert!(is_signed(&secret, message, signature) && is_signed(&secret, message, &signature.to_uppercase()));
        for wrong in ["", "5bdc", &signature.replace('5', "6"), &format!("{signature}0")] {
            assert!(!is_signed(&secret, message, wrong), "{wrong}");
        }
        let none = Secret::new("");
        assert!(!is_signed(&none, message, &sign(&none, message)));
    }
}
