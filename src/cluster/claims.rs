//! Where a claim comes from, by its name: nothing else in a claim says so.

/// The claim templates and StatefulSets that a claim of this name may come from: `data-my-db-0` is
/// claim `data` of `my-db`, or `data-my` of `db`.
pub fn claim_origins(claim: &str) -> Vec<(&str, &str)> {
    /// Names have few parts; more would be many questions for nothing.
    const MOST: usize = 8;
    let Some((stem, ordinal)) = claim.rsplit_once('-') else { return Vec::new() };
    if ordinal.is_empty() || !ordinal.bytes().all(|byte| byte.is_ascii_digit()) {
        return Vec::new();
    }
    let cuts = stem.match_indices('-').map(|(at, _)| (&stem[..at], &stem[at + 1..]));
    cuts.filter(|(template, set)| !template.is_empty() && !set.is_empty()).take(MOST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_tells_where_it_may_come_from() {
        assert_eq!(claim_origins("data-db-17"), [("data", "db")]);
        assert_eq!(claim_origins("data-my-db-0"), [("data", "my-db"), ("data-my", "db")]);
        for other in ["data", "data-db", "data-0", "data-db-x", "data-db-", ""] {
            assert!(claim_origins(other).is_empty(), "{other}");
        }
    }
}
