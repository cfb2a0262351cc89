//! What Kubernetes takes for a name.

/// A DNS-1123 label, as namespaces are named: 63 lowercase letters, digits and `-`, none of the
/// latter at the ends.
pub fn is_dns_label(text: &str) -> bool {
    text.len() <= 63 && is_part(text)
}

/// A DNS-1123 subdomain, as most objects are named: labels with dots between them, 253 characters
/// in all. The parts may be longer than labels, as Kubernetes allows.
pub fn is_dns_subdomain(text: &str) -> bool {
    text.len() <= 253 && text.split('.').all(is_part)
}

fn is_part(text: &str) -> bool {
    let is_end = |b: Option<&u8>| b.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && is_end(text.as_bytes().first())
        && is_end(text.as_bytes().last())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_kubernetes_names() {
        for name in ["a", "coredns", "pg-17", "0", "data-pg-0"] {
            assert!(is_dns_label(name) && is_dns_subdomain(name), "{name}");
        }
        let long = format!("{}.b", "a".repeat(63));
        for name in ["a.b", "1.2.3", &long] {
            assert!(!is_dns_label(name) && is_dns_subdomain(name), "{name}");
        }
        let too_long = "a".repeat(254);
        for name in ["", "-a", "a-", "A", "a_b", "a/b", "..", "a..b", ".a", "a.", "ä", "a b", "a\n", "a%2fb", &too_long]
        {
            assert!(!is_dns_label(name) && !is_dns_subdomain(name), "{name}");
        }
    }
}
