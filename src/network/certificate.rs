//! What a certificate says (X.509, RFC 5280).

use chrono::{DateTime, Utc};
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};
use x509_parser::time::ASN1Time;

use super::Certificate;

/// More names than this are not kept: some certificates of CDNs have hundreds.
const MOST_NAMES: usize = 100;

/// # Errors
/// What is wrong with it, to be read behind the service's name.
pub(super) fn read(der: &[u8], chain: usize, distrust: Option<String>, version: String) -> Result<Certificate, String> {
    let (_, parsed) =
        X509Certificate::from_der(der).map_err(|error| format!("shows what is no certificate: {error}"))?;
    let names = parsed.subject_alternative_name().ok().flatten().map(|names| &names.value.general_names);
    let names = names.into_iter().flatten().filter_map(name).take(MOST_NAMES).collect();
    Ok(Certificate {
        subject: parsed.subject().to_string(),
        issuer: parsed.issuer().to_string(),
        names,
        not_before: time(parsed.validity().not_before)?,
        not_after: time(parsed.validity().not_after)?,
        chain,
        distrust,
        version,
    })
}

fn time(at: ASN1Time) -> Result<DateTime<Utc>, String> {
    DateTime::from_timestamp(at.timestamp(), 0)
        .ok_or_else(|| "shows a certificate whose times cannot be read".to_owned())
}

fn name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => match bytes.len() {
            4 => <[u8; 4]>::try_from(*bytes).ok().map(|bytes| std::net::Ipv4Addr::from(bytes).to_string()),
            16 => <[u8; 16]>::try_from(*bytes).ok().map(|bytes| std::net::Ipv6Addr::from(bytes).to_string()),
            _ => None,
        },
        GeneralName::URI(uri) => Some((*uri).to_owned()),
        _ => None,
    }
}
