//! Did you mean?

/// The candidate that is nearest to `word`, if one is near enough to be what was meant.
pub fn closest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // A slip for each three letters; in a short word one slip is all there can be.
    let most = (word.chars().count() / 3).max(1);
    let mut near: Vec<(usize, &str)> = candidates
        .into_iter()
        .filter(|candidate| *candidate != word)
        .map(|candidate| (if is_short_for(word, candidate) { 1 } else { distance(word, candidate) }, candidate))
        .filter(|(distance, candidate)| *distance <= most && *distance < candidate.chars().count())
        .collect();
    near.sort_unstable();
    near.dedup();
    match near.as_slice() {
        // `S9` is as near to `S1` as to `S2`: nobody knows.
        [(first, _), (second, _), ..] if first == second && word.len() <= 3 => None,
        [(_, nearest), ..] => Some(nearest),
        [] => None,
    }
}

/// `max` is short for `maximum`.
fn is_short_for(word: &str, candidate: &str) -> bool {
    word.len() >= 3 && candidate.starts_with(word)
}

/// How many letters were added, left out, changed, or swapped with their neighbour; upper and lower case are the same.
fn distance(a: &str, b: &str) -> usize {
    // Names are short; a longer text is no misspelt name, and must not cost its length squared.
    const LONGEST: usize = 64;
    if [a, b].iter().any(|text| text.chars().nth(LONGEST).is_some()) {
        return usize::MAX;
    }
    strsim::osa_distance(&a.to_lowercase(), &b.to_lowercase())
}

/// `a`, `b` and `c`, each in backticks; at most the first 40.
pub fn list<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    // All actions and keys of a step fit.
    const SHOWN: usize = 40;
    let names: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    match names.as_slice() {
        [] => "none".into(),
        [only] => only.clone(),
        [first @ .., last] if names.len() <= SHOWN => format!("{} and {last}", first.join(", ")),
        more => format!("{} and {} more", more[..SHOWN].join(", "), more.len() - SHOWN),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_hand_is_recognised() {
        let fields = ["timeout", "retry", "verify", "undo", "when", "id"];
        assert_eq!(closest("tiemout", fields), Some("timeout"));
        assert_eq!(closest("Retry", fields), Some("retry"));
        assert_eq!(closest("retries", fields), None);
        assert_eq!(closest("verfy", fields), Some("verify"));
        assert_eq!(closest("di", fields), Some("id"));
        assert_eq!(closest("approval", fields), None);
        assert_eq!(closest("p98", ["p99", "p50"]), Some("p99"));
        assert_eq!(closest("S9", ["S1", "S2"]), None);
        assert_eq!(closest("x", ["y"]), None);
        assert_eq!(closest("max", ["minimum", "maximum"]), Some("maximum"));
        assert_eq!(closest(&"a".repeat(10_000), fields), None);
    }

    #[test]
    fn names_are_listed() {
        assert_eq!(list([]), "none");
        assert_eq!(list(["a"]), "`a`");
        assert_eq!(list(["a", "b", "c"]), "`a`, `b` and `c`");
        assert!(list(["a"; 46]).ends_with("and 6 more"));
    }
}
