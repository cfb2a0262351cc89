//! What Kubernetes takes for a name.

/// A DNS-1123 label, as namespaces are named: 63 lowercase letters, digits and `-`, none of the
/// latter at the ends.
pub fn is_dns_label(text: &str) -> bool {
    let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    let end = |b: Option<&u8>| b.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    text.len() <= 63 && text.bytes().all(inner) && end(text.as_bytes().first()) && end(text.as_bytes().last())
}

/// A DNS-1123 subdomain, as most objects are named: labels with dots between them, 253 characters
/// in all. The parts may be longer than labels, as Kubernetes allows.
pub fn is_dns_subdomain(text: &str) -> bool {
    let part = |part: &str| {
        let end = |b: Option<&u8>| b.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            && end(part.as_bytes().first())
            && end(part.as_bytes().last())
    };
    text.len() <= 253 && text.split('.').all(part)
}
