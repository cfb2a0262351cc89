//! A certificate authority of the test's own, and one serving certificate for 127.0.0.1.

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};

/// All as PEM.
pub struct Certificates {
    pub authority: String,
    pub serving: String,
    pub serving_key: String,
    /// A key pair that is no certificate's: to sign service account tokens with.
    pub signing_key: String,
    pub signing_public_key: String,
}

impl Certificates {
    pub fn for_loopback() -> Self {
        Self::generate().expect("make certificates")
    }

    fn generate() -> Result<Self, rcgen::Error> {
        let mut authority = CertificateParams::default();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        authority.distinguished_name.push(DnType::CommonName, "dogwatch tests");
        let authority_key = KeyPair::generate()?;
        let authority_certificate = authority.self_signed(&authority_key)?;
        let issuer = Issuer::new(authority, authority_key);

        let mut serving = CertificateParams::new(vec!["127.0.0.1".to_owned(), "localhost".to_owned()])?;
        serving.distinguished_name.push(DnType::CommonName, "127.0.0.1");
        serving.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        serving.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        serving.use_authority_key_identifier_extension = true;
        let serving_key = KeyPair::generate()?;
        let serving_certificate = serving.signed_by(&serving_key, &issuer)?;

        let signing_key = KeyPair::generate()?;
        Ok(Self {
            authority: authority_certificate.pem(),
            serving: serving_certificate.pem(),
            serving_key: serving_key.serialize_pem(),
            signing_key: signing_key.serialize_pem(),
            signing_public_key: signing_key.public_key_pem(),
        })
    }
}
