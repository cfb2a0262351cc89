//! What somebody may have meant to write.

/// What to write instead of `wrong`, where only `known` words are right: ``did you mean `alice`?``, or some of the words.
pub(super) fn instead<'a>(wrong: &str, known: impl Iterator<Item = &'a str> + Clone) -> String {
    if let Some(near) = nearest(wrong, known.clone()) {
        return format!("did you mean `{near}`?");
    }
    // Ten are enough to see what sort of word is wanted.
    let mut words: Vec<_> = known.take(11).map(|word| format!("`{word}`")).collect();
    if words.len() > 10 {
        words.truncate(10);
        words.push("...".to_owned());
    }
    match words.as_slice() {
        [only] => format!("write {only}"),
        _ => format!("write one of {}", words.join(", ")),
    }
}

/// The word of `known` from which `wrong` is a slip or two away.
pub(super) fn nearest<'a>(wrong: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let wrong: Vec<char> = wrong.chars().take(64).flat_map(char::to_lowercase).collect();
    let most = (wrong.len() / 3).clamp(1, 3);
    known
        .map(|word| (slips(&wrong, word), word))
        .min_by_key(|(slips, _)| *slips)
        .filter(|(slips, _)| *slips <= most)
        .map(|(_, word)| word)
}

/// How many letters were added, left out, mistaken, or swapped with their neighbour.
fn slips(a: &[char], b: &str) -> usize {
    let b: Vec<char> = b.chars().take(64).flat_map(char::to_lowercase).collect();
    // Row `i` holds the slips from the first `i` letters of `a` to each beginning of `b`; a swap needs the row before.
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut next = vec![i];
        for j in 1..=b.len() {
            let mistaken = row[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut least = mistaken.min(row[j] + 1).min(next[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(before[j - 2] + 1);
            }
            next.push(least);
        }
        before = std::mem::replace(&mut row, next);
    }
    row[b.len()]
}
