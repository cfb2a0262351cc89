//! Names within texts.

/// The names in a text, as PromQL and CEL have them.
pub(super) fn words_in(text: &str) -> impl Iterator<Item = &str> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    text.split(move |c| !is_part(c)).filter(|word| word.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_'))
}

/// What tells a query from others: its metric, most of the time.
pub(super) fn longest_word(query: &str) -> Option<&str> {
    words_in(query).max_by_key(|word| word.len())
}

/// The labels that a playbook's text reads: `alert.labels.database`, `alert.labels["job"]`.
pub(super) fn labels_in(source: &str) -> Vec<String> {
    let after = source.split("labels").skip(1);
    let names = after.filter_map(|rest| {
        let rest = rest.trim_start_matches(['.', '[', '?', '"', '\'']);
        words_in(rest).next().filter(|word| rest.starts_with(word))
    });
    names.map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_found_however_they_are_read() {
        let source = "alert.labels.database == alert.labels[\"job\"] && alert.labels[?'zone'].orValue('') != {{alert.labels.node}}";
        assert_eq!(labels_in(source), ["database", "job", "zone", "node"]);
        assert_eq!(labels_in("the labels"), Vec::<String>::new());
    }

    #[test]
    fn the_metric_tells_a_query() {
        assert_eq!(longest_word("max(rate(http_seconds_sum[5m]))"), Some("http_seconds_sum"));
        assert_eq!(longest_word("5 > 3"), None);
    }
}
